"""Figures of the chapter on EXAFS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from repro.figures import CYCLE, PALETTE
from repro.md.statistics import Estimate

if TYPE_CHECKING:
    from repro.exafs.combination import Combination
    from repro.exafs.ensemble import Convergence, Radial
    from repro.exafs.pipeline import Processed
    from repro.exafs.transforms import Transformed

Floats = NDArray[np.float64]
COLOURS = {"GaF3": PALETTE["F"], "GaCl3": PALETTE["Cl"], "2-1-before": "#E69F00",
           "2-1-after": "#D55E00", "3-1-before": "#CC79A7", "3-1-after": "#7A5195",
           "2-1-melt-early": "#999999", "2-1-melt-late": "#404040", "2-1-rest-early": "#0072B2"}  # fmt: skip
MAGNITUDE = "|χ(R)| (Å⁻⁴)"
RADIUS = "R, not corrected for phase (Å)"


def plot_steps(axes: Sequence[Axes], found: Processed, truth: Transformed) -> None:
    """Draw a spectrum step by step against its known answer.

    Parameters
    ----------
    axes:
        Four: as measured with the lines fitted; normalised with the background; k^3 chi; |chi(R)|.
    found:
        From :func:`repro.exafs.pipeline.process`.
    truth:
        Transform of the known chi.
    """
    norm, made, seen = found.normalised, found.background, found.transformed
    a, b, c, d = axes
    a.plot(norm.energy, norm.mu, color=CYCLE[0], label="measured")
    a.plot(norm.energy, norm.pre_edge, "--", color=CYCLE[1], linewidth=1.0, label="before the edge")
    after = norm.energy > norm.e0
    a.plot(norm.energy[after], norm.post_edge[after], "--", color=CYCLE[2], linewidth=1.0,
           label="behind the edge")  # fmt: skip
    a.set(xlabel="energy (eV)", ylabel="μ", title="as measured")
    b.plot(norm.energy, norm.norm, color=CYCLE[0], label="normalised")
    b.plot(made.energy, made.free_atom, color=CYCLE[1], linewidth=1.0, label="free atom (AUTOBK)")
    b.set(xlabel="energy (eV)", ylabel="normalised μ", title="edge step 1",
          xlim=(norm.e0 - 40, norm.e0 + 400))  # fmt: skip
    c.plot(truth.k, truth.weighted, color="0.6", linewidth=2.6, label="truth")
    c.plot(seen.k, seen.weighted, color=CYCLE[0], linewidth=1.0, label="found")
    c.plot(seen.k, seen.window * np.abs(truth.weighted).max(), color=CYCLE[4], linewidth=0.9,
           label="window")  # fmt: skip
    inside = (truth.k > 1.5) & (truth.k < 13)
    top = 1.25 * np.abs(truth.weighted[inside]).max()
    c.set(
        xlabel="k (Å⁻¹)", ylabel="k³χ (Å⁻³)", title="oscillations", xlim=(0, 13.5), ylim=(-top, top)
    )
    d.plot(truth.r, truth.magnitude, color="0.6", linewidth=2.6, label="truth")
    d.plot(seen.r, seen.magnitude, color=CYCLE[0], linewidth=1.0, label="found")
    d.axvline(made.rbkg, color=CYCLE[1], linestyle=":", linewidth=1.0, label="Rbkg")
    d.set(xlabel=RADIUS, ylabel=MAGNITUDE, title="distances", xlim=(0, truth.r[-1]))
    for ax in axes:
        ax.legend(fontsize=7.5)


def plot_curves(ax: Axes, curves: Mapping[str, Radial], labels: Mapping[str, str], *,
                x_range: tuple[float, float] = (0.0, 6.0)) -> None:  # fmt: skip
    """Draw |chi(R)| of sets with bands of one standard error.

    Parameters
    ----------
    ax:
        Axes.
    curves:
        Name of a set to its curve.
    labels:
        Name of a set to words.
    x_range:
        Angstrom.
    """
    for number, (name, one) in enumerate(curves.items()):
        colour = COLOURS.get(name, CYCLE[number % len(CYCLE)])
        ax.plot(one.r, one.magnitude, color=colour, label=labels.get(name, name))
        if np.isfinite(one.error).all():
            ax.fill_between(one.r, one.magnitude - one.error, one.magnitude + one.error, color=colour,
                            alpha=0.25, linewidth=0)  # fmt: skip
    ax.set(xlabel=RADIUS, ylabel=MAGNITUDE, xlim=x_range, ylim=(0, None))


def plot_fit(ax: Axes, found: Combination) -> None:
    """Draw a linear combination fit of k^3 chi(k) and what it leaves."""
    ax.plot(found.x, found.data, color="0.6", linewidth=2.6, label="clay")
    ax.plot(found.x, found.fit, color=CYCLE[1], linewidth=1.2, label="sum of the crystals")
    low = 1.15 * float(min(found.data.min(), found.fit.min()))
    ax.plot(found.x, found.residual + low + float(found.residual.min()), color=CYCLE[0], linewidth=1.0,
            label="difference, moved down")  # fmt: skip
    ax.set(xlabel="k (Å⁻¹)", ylabel="k³χ (Å⁻³)")


def plot_routes(ax: Axes, routes: Mapping[str, Mapping[str, Estimate]]) -> None:
    """Draw the GaCl3-like share by each route, with errors.

    Parameters
    ----------
    ax:
        Axes.
    routes:
        Words for a set to route to share (0 to 1).
    """
    names = list(next(iter(routes.values())))
    width = 0.6 / max(len(names), 1)
    for number, route in enumerate(names):
        x = np.arange(len(routes)) + (number - (len(names) - 1) / 2) * width
        y = np.array([own[route].value for own in routes.values()])
        error = np.nan_to_num([own[route].error for own in routes.values()])
        ax.errorbar(x, 100 * y, 100 * error, fmt="osD^"[number % 4], color=CYCLE[number],
                    capsize=3, label=route)  # fmt: skip
    ax.set_xticks(np.arange(len(routes)), list(routes), rotation=20, ha="right", fontsize=8.5)
    ax.axhline(0, color="0.5", linewidth=0.8)
    ax.set(ylabel="GaCl₃-like share (%)", xlim=(-0.6, len(routes) - 0.4))


def plot_convergence(ax: Axes, found: Mapping[str, Convergence], labels: Mapping[str, str]) -> None:
    """Draw the error of a mean against the number of sites, and what independent ones would do."""
    for number, (name, one) in enumerate(found.items()):
        colour = COLOURS.get(name, CYCLE[number % len(CYCLE)])
        sure = one.sets >= 3  # the scatter of two means says little
        ax.plot(one.number[sure], 100 * one.measured[sure], "o-", color=colour, markersize=3.5,
                linewidth=1.0, label=labels.get(name, name))  # fmt: skip
        ax.plot(one.number, 100 * one.expected, ":", color=colour, linewidth=1.0)
    ax.set(xscale="log", yscale="log", xlabel="sites in the mean", ylabel="error (% of k³χ)")
    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        # The usual labels of a logarithmic axis of less than two decades are unreadable.
        ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200) if low <= t <= high]
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axis.set_minor_locator(NullLocator())


def plot_coherence(ax: Axes, table: pd.DataFrame) -> None:
    """Draw how much of single sites' signal is left in the mean, near and far.

    Parameters
    ----------
    ax:
        Axes.
    table:
        A row a set (words); columns are ranges in words, values 0 to 1.
    """
    width = 0.8 / len(table.columns)
    at = np.arange(len(table))
    for number, column in enumerate(table.columns):
        ax.bar(at + (number - (len(table.columns) - 1) / 2) * width, 100 * table[column], width,
               color=CYCLE[number], label=str(column))  # fmt: skip
    ax.set_xticks(at, [str(name) for name in table.index], rotation=20, ha="right", fontsize=8.5)
    ax.set(ylabel="signal left in the mean (%)", ylim=(0, 100))
    ax.legend(fontsize=8.5)


def plot_site(ax: Axes, k: Floats, live: Floats, shipped: Floats, mean: Floats) -> None:
    """Draw k^3 chi of one site, as it ran just now and as it ships, and the mean of its set."""
    ax.plot(k, k**3 * mean, color="0.7", linewidth=2.6, label="mean of the set")
    ax.plot(k, k**3 * shipped, color=CYCLE[0], label="this site, shipped")
    ax.plot(k, k**3 * live, "--", color=CYCLE[1], linewidth=1.2, label="this site, just now")
    ax.set(xlabel="k (Å⁻¹)", ylabel="k³χ (Å⁻³)", xlim=(2, 14))
