"""Figures of the chapter on powder diffraction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from repro import diffraction
from repro.figures import CYCLE
from repro.formulas import mathtext
from repro.identify import Identification
from repro.pattern_fit import Candidate

Array = NDArray[np.float64]
COLOURS = CYCLE[:6]


def plot_patterns(ax: Axes, pool: Mapping[str, Candidate], x: Array, *, size: float) -> None:
    """Draw the patterns of all phases above each other, each to its highest line."""
    for row, (name, candidate) in enumerate(reversed(list(pool.items()))):
        y = diffraction.profile(candidate.lines, x, size=size)
        ax.plot(x, 0.88 * y / y.max() + row, color=COLOURS[row % 2], linewidth=0.9)
        ax.text(x[-1] + 0.8, row + 0.12, mathtext(name), fontsize=9, va="bottom")
    ax.set(xlim=(x[0], x[-1] + 8), ylim=(-0.15, len(pool) + 0.1), yticks=[],
           xlabel="2θ (degrees, Cu Kα)", ylabel="intensity (each to its own maximum)")  # fmt: skip
    ax.grid(visible=False)


def plot_identification(top: Axes, bottom: Axes, found: Identification) -> None:
    """Draw data, fit and the share of each phase; below, the misfit in sigma."""
    x = found.two_theta
    top.plot(x, found.observed, color="#777777", linewidth=0.7, label="data")
    top.plot(x, found.fitted, color="black", linewidth=0.9, label="fit")
    top.plot(x, found.background, color="black", linewidth=0.8, linestyle=":", label="background")
    height = float(found.observed.max())
    for k, match in enumerate(found.matches):
        colour = COLOURS[k % len(COLOURS)]
        part = found.parts[match.name]
        top.fill_between(x, 0, part, color=colour, alpha=0.55, linewidth=0,
                         label=mathtext(match.name))  # fmt: skip
        tall = (part > np.roll(part, 1)) & (part >= np.roll(part, -1)) & (part > 0.03 * part.max())
        top.plot(x[tall], np.full(int(tall.sum()), -0.05 * height * (k + 1)), "|", color=colour,
                 markersize=6)  # fmt: skip
    top.set(ylabel="counts", ylim=(-0.05 * height * (len(found.matches) + 1.5), 1.08 * height))
    top.legend(loc="upper right", ncols=2)
    bottom.plot(x, (found.observed - found.fitted) / found.sigma, color="#555555", linewidth=0.5)
    bottom.set(xlabel="2θ (degrees, Cu Kα)", ylabel="misfit (σ)", ylim=(-6.5, 6.5),
               xlim=(x[0], x[-1]))  # fmt: skip


def plot_similarity(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the table of similarities with its numbers."""
    values = table.to_numpy()
    ax.imshow(values, cmap="Blues", vmin=0, vmax=1)
    labels = [mathtext(str(n)) for n in table.index]
    ax.set_xticks(range(len(labels)), labels, rotation=45, ha="right", fontsize=9)
    ax.set_yticks(range(len(labels)), labels, fontsize=9)
    for i in range(len(labels)):
        for j in range(len(labels)):
            if i != j:
                ax.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", fontsize=7.5,
                        color="white" if values[i, j] > 0.6 else "black")  # fmt: skip
    ax.grid(visible=False)


def plot_limits(ax: Axes, limits: pd.DataFrame, marks: Mapping[str, float]) -> None:
    """Draw detection limits (percent) against size (nm), with the expected amounts.

    ``limits``: sizes as index, one column per case; ``marks``: case to percent.
    """
    for k, name in enumerate(limits):
        colour = COLOURS[k % len(COLOURS)]
        ax.plot(
            limits.index, limits[name], "o-", color=colour, label=mathtext(str(name)), markersize=4
        )
        if name in marks:
            ax.axhline(marks[str(name)], color=colour, linestyle="--", linewidth=1.2)
    ax.set(xscale="log", yscale="log", xlabel="crystallite size (nm)",
           ylabel="least amount that is named\n(% of the weight)")  # fmt: skip
    ticks = [3, 5, 10, 20, 50]
    ax.set_xticks(ticks, [str(t) for t in ticks])
    ax.set_xticks([], minor=True)
    levels = [0.3, 1, 3, 10, 30, 100]
    ax.set_yticks(levels, [f"{v:g}" for v in levels])
    ax.set_ylim(0.3, 60)
    ax.legend(loc="lower left", fontsize=8.5)


def plot_shrinking(ax: Axes, x: Array, patterns: Sequence[tuple[float, Array]]) -> None:
    """Draw patterns for shrinking crystallites above each other, same scale."""
    top = max(float(y.max()) for _, y in patterns)
    for k, (size, y) in enumerate(patterns):
        ax.plot(x, y / top + 0.35 * k, color=COLOURS[k % len(COLOURS)], linewidth=0.9)
        ax.text(x[-1] + 0.8, 0.35 * k + float(y[-200:].mean()) / top, f"{size:g} nm", fontsize=9)
    ax.set(xlim=(x[0], x[-1] + 8), yticks=[], xlabel="2θ (degrees, Cu Kα)", ylabel="intensity")
    ax.grid(visible=False)


def plot_benchmark(ax: Axes, table: pd.DataFrame) -> None:
    """Draw found against true weight fractions; misses on the axis, false names as crosses."""
    right = table[(table.weight > 0) & table.named]
    missed = table[(table.weight > 0) & ~table.named]
    false = table[(table.weight == 0) & table.named]
    ax.plot([0, 100], [0, 100], color="black", linewidth=0.8)
    ax.plot(100 * right.weight, 100 * right.found_weight, "o", color="#0072B2", markersize=4.5,
            alpha=0.7, label=f"rightly named ({len(right)})")  # fmt: skip
    ax.plot(100 * missed.weight, 0 * missed.weight, "v", color="#D55E00",
            label=f"missed ({len(missed)})")  # fmt: skip
    ax.plot(0 * false.weight, 100 * false.found_weight, "x", color="#CC79A7", markeredgewidth=2,
            label=f"wrongly named ({len(false)})")  # fmt: skip
    ax.set(xlabel="true weight (%)", ylabel="found weight (%)", xlim=(-3, 103), ylim=(-3, 103))
    ax.legend(loc="upper left")
