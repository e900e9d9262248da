"""The figures of chapters 1 and 4: thermochemistry drawn on given axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from repro.figures import PALETTE
from repro.formulas import mathtext
from repro.thermo.interface import InterfaceScan
from repro.thermo.study import SOURCES, pretty, product_order, sigma

STYLE: dict[str, dict[str, Any]] = {
    "MP": {"color": PALETTE["MP"], "marker": "o", "label": "Materials Project (legacy)"},
    "experiment": {"color": PALETTE["experiment"], "marker": "s", "label": "experiment"},
    "hybrid": {"color": "#009E73", "marker": "D", "label": "measured salts, computed compounds"},
}


def plot_scan(axes: Any, scan: InterfaceScan, source: str, *, names: bool = False) -> None:
    """Draw energy (meV/atom) against the molar fraction of the first salt.

    Parameters
    ----------
    axes:
        Matplotlib axes.
    scan:
        From :func:`repro.thermo.interface.interface_scan`.
    source:
        Key of :data:`STYLE`; also chooses how the error bars are computed,
        one standard deviation at the inner kinks.
    names:
        Whether to write the products beside the inner kinks.
    """
    style = STYLE[source]
    x, y = scan.curve()
    axes.plot(x, y, color=style["color"], zorder=3)
    for kink in scan.inner:
        bar = sigma(kink.reaction, source)
        axes.errorbar(kink.molar_fraction, kink.energy, yerr=bar, fmt=style["marker"],
                      color=style["color"], capsize=3, elinewidth=1.1, markersize=6,
                      zorder=4)  # fmt: skip
    axes.plot([], [], color=style["color"], marker=style["marker"], label=style["label"])
    if names:
        lines = getattr(axes, "_kink_names", [])  # numbering goes on over several accounts
        for kink in scan.inner:
            text = " + ".join(mathtext(pretty(p)) for p in product_order(kink.reaction.products))
            lines = [*lines, f"{len(lines) + 1}  {text}"]
            axes.annotate(str(len(lines)), (kink.molar_fraction, kink.energy), xytext=(7, -11),
                          textcoords="offset points", fontsize=9, fontweight="bold",
                          color=style["color"])  # fmt: skip
        axes._kink_names = lines
        for old in list(axes.texts):
            if old.get_gid() == "kink names":
                old.remove()
        axes.text(0.015, 0.03, "\n".join(lines), transform=axes.transAxes, fontsize=8.5,
                  va="bottom", gid="kink names")  # fmt: skip
    axes.set_xlim(0, 1)


def plot_survey(axes: Any, survey: pd.DataFrame, *, threshold: float) -> None:
    """Draw the driving force of every mixture by every source, one row each.

    Parameters
    ----------
    axes:
        Matplotlib axes.
    survey:
        From :func:`repro.thermo.study.survey`.
    threshold:
        Driving force that counts as one, meV/atom.
    """
    rows = survey.drop_duplicates("mixture").sort_values("MP", ascending=False)
    for shift, source in zip((0.25, 0.0, -0.25), SOURCES, strict=True):
        style = STYLE[source]
        axes.errorbar(rows[source], np.arange(len(rows)) + shift, xerr=rows[f"{source} sigma"],
                      fmt=style["marker"], color=style["color"], label=style["label"],
                      markersize=5, capsize=2, elinewidth=1)  # fmt: skip
    axes.axvline(threshold, color="#666666", linestyle="--", linewidth=1)
    said = {True: "yes", False: "no", None: "-"}
    axes.set_yticks(
        np.arange(len(rows)),
        [
            f"{mathtext(m)}   [{said[s]}]"
            for m, s in zip(rows["mixture"], rows["stated"], strict=True)
        ],
    )
    axes.set_xlabel("largest driving force (meV per atom)")
    axes.legend(loc="lower left")
    axes.grid(axis="y", visible=False)


def plot_exchanges(axes: Any, table: pd.DataFrame) -> None:
    """Draw fixed reactions, computed and measured by each compilation, one row each.

    Parameters
    ----------
    axes:
        Matplotlib axes.
    table:
        From :func:`repro.thermo.study.exchanges`.
    """
    rows = table[::-1]
    place = np.arange(len(rows))
    axes.errorbar(rows["MP"], place + 0.18, xerr=rows["MP sigma"], fmt="o", capsize=3,
                  color=PALETTE["MP"], elinewidth=1.1, label=STYLE["MP"]["label"])  # fmt: skip
    marks = {"CRC": "s", "SSUB": "^", "Gibbs": "x"}
    names = {"CRC": "CRC enthalpy", "SSUB": "SSUB enthalpy", "Gibbs": "FREED/JANAF Gibbs, 300 K"}
    for source, mark in marks.items():
        axes.plot(rows[source], place - 0.12, mark, color=PALETTE["experiment"], markersize=6,
                  fillstyle="none", markeredgewidth=1.4, label=names[source])  # fmt: skip
    only = rows["measured"].isna()
    axes.errorbar(rows["hybrid"].where(only), place - 0.12, xerr=rows["hybrid sigma"].where(only),
                  fmt="D", color=STYLE["hybrid"]["color"], capsize=3, elinewidth=1.1,
                  label=STYLE["hybrid"]["label"])  # fmt: skip
    axes.axvline(0, color="#666666", linewidth=1)
    axes.set_yticks(place, [mathtext(r).replace("->", "→") for r in rows.index])
    axes.set_xlabel("reaction energy (meV per atom)")
    axes.grid(axis="y", visible=False)


def plot_residuals(axes: Any, residuals: pd.DataFrame) -> None:
    """Draw misses on salts by anion: raw, and what survives in an exchange.

    Parameters
    ----------
    axes:
        Two matplotlib axes.
    residuals:
        Columns ``anion``, ``group``, ``value``, ``interaction`` (eV per anion charge).
    """
    rng = np.random.default_rng(0)  # horizontal jitter only
    anions = ["F", "Cl", "Br", "I", "O"]
    marks = {"s-block": "o", "other": "s", "Hubbard U": "^"}
    colours = {"s-block": "#0072B2", "other": "#D55E00", "Hubbard U": "#999999"}
    for panel, column, title in zip(
        axes, ("value", "interaction"), ("one salt", "after cancellation"), strict=True
    ):
        for name, mark in marks.items():
            rows = residuals[residuals["group"] == name]
            x = np.array([anions.index(a) for a in rows["anion"]]) + rng.uniform(
                -0.22, 0.22, len(rows)
            )
            panel.plot(x, rows[column], mark, color=colours[name], markersize=4.5, alpha=0.75,
                       markeredgewidth=0, label=name)  # fmt: skip
        panel.axhline(0, color="#666666", linewidth=1)
        panel.set_xticks(range(len(anions)), anions)
        panel.set_title(title)
    axes[0].set_ylabel("computed minus measured\n(eV per anion charge)")


def plot_parity(axes: Any, table: pd.DataFrame) -> None:
    """Draw computed against measured exchange energies (meV/atom) with both errors."""
    low = float(np.nanmin([table["MP"].min(), table["measured"].min()])) - 40
    high = float(np.nanmax([table["MP"].max(), table["measured"].max()])) + 40
    axes.plot([low, high], [low, high], color="#666666", linewidth=1)
    marks = {"other": "s", "Hubbard U": "^"}
    colours = {"other": "#D55E00", "Hubbard U": "#999999"}
    for name, rows in table.groupby("group"):
        axes.errorbar(rows["measured"], rows["MP"], xerr=rows["measured sigma"],
                      yerr=rows["MP sigma"], fmt=marks[str(name)], color=colours[str(name)],
                      markersize=4, elinewidth=0.6, alpha=0.8, label=str(name))  # fmt: skip
    axes.set(xlabel="measured (meV per atom)", ylabel="computed (meV per atom)",
             xlim=(low, high), ylim=(low, high))  # fmt: skip
    axes.legend()


def plot_grid(axes: Any, grid: pd.DataFrame) -> None:
    """Draw the criteria of every mixture as a grid of coloured and lettered cells.

    Parameters
    ----------
    axes:
        Matplotlib axes.
    grid:
        From :func:`repro.criteria.grid`.
    """
    columns = ["driving force", "slow", "ratio", "verdict", "observed"]
    colours = {"yes": "#009E73", "clay": "#009E73", "no": "#D55E00", "powder": "#D55E00"}
    words = {"not known": "?", "undecided": "?", "not reported": "?"}
    for row, (_, cells) in enumerate(grid.iterrows()):
        for column, name in enumerate(columns):
            answer = str(cells[name])
            axes.add_patch(Rectangle((column + 0.04, row + 0.06), 0.92, 0.88, linewidth=0,
                                     facecolor=colours.get(answer, "#E6E6E6"),
                                     alpha=0.9 if column > 2 else 0.55))  # fmt: skip
            axes.text(column + 0.5, row + 0.5, words.get(answer, answer), ha="center", va="center",
                      fontsize=8.5)  # fmt: skip
    axes.set(xlim=(0, len(columns)), ylim=(len(grid), 0))
    heads = ["1: driving force\n(computed)", "2: slow\n(reported)", "3: ratio\n(computed)",
             "verdict of\nthe rule", "observed\n(reported)"]  # fmt: skip
    axes.set_xticks(np.arange(len(columns)) + 0.5, heads)
    axes.xaxis.tick_top()
    axes.set_yticks(np.arange(len(grid)) + 0.5, [mathtext(str(m)) for m in grid.index])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for side in axes.spines.values():
        side.set_visible(False)


def plot_amounts(axes: Any, scan: InterfaceScan, ratios: Any, formulas: Any) -> None:
    """Draw equilibrium amounts of some products (per 100 atoms) against the molar ratio."""
    amounts = [scan.products_at(float(r)) for r in ratios]
    styles = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
    colours = ("#D55E00", "#E69F00", "#0072B2", "#56B4E9", "#999999", "#404040")
    for formula, style, colour in zip(formulas, styles, colours, strict=False):
        y = [100 * a.get(formula, 0.0) for a in amounts]
        axes.plot(ratios, y, linestyle=style, color=colour, label=mathtext(pretty(formula)))
    axes.set_xlim(min(ratios), max(ratios))


def plot_screen(axes: Any, table: pd.DataFrame, cations: Any, *, sure: float) -> Any:
    """Draw combined reaction energies as a map: products in rows, cations in columns.

    Parameters
    ----------
    axes:
        Matplotlib axes.
    table:
        From :func:`repro.screening.frame`, ranked pairs only.
    cations:
        Cation symbols in column order.
    sure:
        Numbers of pairs with a smaller probability stand in brackets.

    Returns
    -------
    matplotlib image, for a colour bar
    """
    table = table.assign(cation=[_cation(h) for h in table["halide"]],
                         row=table["fluoride"] + " → " + table["product"])  # fmt: skip
    table["kind"] = [["I", "Br", "Cl"].index(_halogen(h)) for h in table["halide"]]
    means = table.groupby(["kind", "row"])["combined"].mean().reset_index()
    rows = means.sort_values(["kind", "combined"], ascending=False)["row"].tolist()
    energies = np.full((len(rows), len(cations)), np.nan)
    for row, cation, energy, probability in zip(
        table["row"], table["cation"], table["combined"], table["probability"], strict=True
    ):
        y, x = rows.index(row), list(cations).index(cation)
        energies[y, x] = energy
        text = f"{energy:.0f}" if probability >= sure else f"({energy:.0f})"
        axes.text(x, y, text, ha="center", va="center", fontsize=7,
                  color="white" if abs(energy) > 280 else "black")  # fmt: skip
    image = axes.imshow(energies, cmap="PuOr", vmin=-400, vmax=400, aspect="auto")
    axes.set_xticks(range(len(cations)), list(cations))
    axes.set_yticks(range(len(rows)), [mathtext(r) for r in rows], fontsize=8)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    return image


def _halogen(halide: str) -> str:
    return next(x for x in ("Cl", "Br", "I") if halide.rstrip("0123456789").endswith(x))


def _cation(halide: str) -> str:
    return halide[:2] if halide[1:2].islower() else halide[:1]


def plot_ranking(axes: Any, table: pd.DataFrame) -> None:
    """Draw ranked pairs with both sources and their combination, one row each."""
    rows = table[::-1]
    place = np.arange(len(rows))
    axes.errorbar(rows["combined"], place, xerr=rows["sigma"], fmt="|", color="#404040", capsize=3,
                  elinewidth=2.2, markersize=9, label="combined")  # fmt: skip
    for name, shift in (("MP", 0.2), ("measured", -0.2)):
        style = STYLE["MP" if name == "MP" else "hybrid"]
        axes.errorbar(rows[name], place + shift, xerr=rows[f"{name} sigma"], fmt=style["marker"],
                      color=style["color"], markersize=4, elinewidth=0.8,
                      label=style["label"])  # fmt: skip
    axes.axvline(0, color="#666666", linewidth=1)
    axes.set_yticks(place, [f"{mathtext(h)} + {mathtext(f)} → {mathtext(p)}" for h, f, p in
                            zip(rows["halide"], rows["fluoride"], rows["product"], strict=True)],
                    fontsize=8.5)  # fmt: skip
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("reaction energy (meV per atom)")
