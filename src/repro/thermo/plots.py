"""The figures of chapters 1 and 4: thermochemistry drawn on given axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from repro.figures import PALETTE
from repro.thermo.interface import InterfaceScan
from repro.thermo.study import SOURCES, pretty, product_order, sigma

STYLE: dict[str, dict[str, Any]] = {
    "MP": {"color": PALETTE["MP"], "marker": "o", "label": "Materials Project (legacy)"},
    "experiment": {"color": PALETTE["experiment"], "marker": "s", "label": "experiment"},
    "hybrid": {"color": "#009E73", "marker": "D", "label": "measured salts, computed compounds"},
}


def plot_scan(
    axes: Any, scan: InterfaceScan, source: str, *, errors: bool = True, names: bool = False
) -> None:
    """Draw energy (meV/atom) against the molar fraction of the first salt.

    Parameters
    ----------
    axes:
        Matplotlib axes.
    scan:
        From :func:`repro.thermo.interface.interface_scan`.
    source:
        Key of :data:`STYLE`; also chooses how the error bars are computed.
    errors:
        Whether to draw one standard deviation at the inner kinks.
    names:
        Whether to write the products beside the inner kinks.
    """
    style = STYLE[source]
    x, y = scan.curve()
    axes.plot(x, y, color=style["color"], zorder=3)
    for kink in scan.inner:
        bar = sigma(kink.reaction, source) if errors else None
        axes.errorbar(kink.molar_fraction, kink.energy, yerr=bar, fmt=style["marker"],
                      color=style["color"], capsize=3, elinewidth=1.1, markersize=6,
                      zorder=4)  # fmt: skip
    axes.plot([], [], color=style["color"], marker=style["marker"], label=style["label"])
    if names:
        lines = getattr(axes, "_kink_names", [])  # numbering goes on over several accounts
        for kink in scan.inner:
            text = " + ".join(subscripts(pretty(p)) for p in product_order(kink.reaction.products))
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


def subscripts(formula: str) -> str:
    """Return a formula with its numbers as TeX subscripts."""
    out = ""
    for i, character in enumerate(formula):
        after = i > 0 and (formula[i - 1].isalnum() or formula[i - 1] == ")")
        out += f"$_{character}$" if character.isdigit() and after else character
    return out


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
        [f"{subscripts(m)}   [{said[s]}]" for m, s in zip(rows["mixture"], rows["stated"], strict=True)],
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
    axes.set_yticks(place, [subscripts(r).replace("->", "→") for r in rows.index])
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
            x = np.array([anions.index(a) for a in rows["anion"]]) + rng.uniform(-0.22, 0.22, len(rows))
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
