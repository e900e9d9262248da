"""Figures of the chapters on the clay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from ase import Atoms
from matplotlib.axes import Axes
from numpy.typing import NDArray

from repro.clay.cycles import moving_mean
from repro.clay.glass import GlassTransition
from repro.figures import CYCLE
from repro.formulas import mathtext

if TYPE_CHECKING:
    from repro.clay.creep import Compliance, Flow
    from repro.clay.glass_chapter import Cooled
    from repro.clay.mixing_chapter import Change
    from repro.clay.salts import Limit
    from repro.clay.stress_chapter import Loaded


def _line(ax: Axes, x: Any, y: Any, error: Any, *, number: int, **options: Any) -> None:
    """Draw a line in the colour of its number, with a band of its error."""
    ax.plot(x, y, color=CYCLE[number], **options)
    ax.fill_between(x, y - error, y + error, color=CYCLE[number], alpha=0.25, linewidth=0)


def plot_changes(axes: Sequence[Axes], found: Sequence[Change], *, labels: tuple[str, str]) -> None:
    """Draw g(r) before and after, one panel a pair, with bands of one standard error.

    Parameters
    ----------
    axes:
        As many as pairs.
    found:
        From :func:`repro.clay.mixing_chapter.changes`.
    labels:
        Words for before and after.
    """
    for ax, one in zip(axes, found, strict=True):
        for number, (g, error) in enumerate(
            ((one.before, one.before_error), (one.after, one.after_error))
        ):
            _line(ax, one.r, g, error, number=number, label=labels[number], linewidth=1.2)
        ax.set(title="–".join(one.pair), xlim=(1.0, one.r[-1]), ylim=(0, None))


def plot_exchange(
    ax: Axes, series: Mapping[str, pd.DataFrame], *, column: str,
    limits: Mapping[str, Limit] | None = None,
) -> None:  # fmt: skip
    """Draw a measure of exchange against time, one line a melt, with ideal states dashed.

    Parameters
    ----------
    ax:
        Axes.
    series:
        Words to the table of :func:`repro.clay.mixing_chapter.mean_exchange`.
    column:
        ``relative`` or ``chlorine``.
    limits:
        From :func:`repro.clay.salts.limits`; their chlorine on gallium is drawn.
    """
    for number, (words, own) in enumerate(series.items()):
        _line(ax, own.time_ps, own[column], own[f"{column}_error"], number=number, label=words)
    for words, state in (limits or {}).items():
        value = state.chlorine_on_gallium
        if np.isfinite(value) and value > 0:
            ax.axhline(value, color="0.5", linestyle="--", linewidth=0.9)
            ax.annotate(mathtext(words), (0.98, value), xycoords=("axes fraction", "data"), ha="right",
                        va="bottom", fontsize=7.5)  # fmt: skip
    ax.set(xlabel="time in the melt (ps)", ylim=(0, None))


def plot_species(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the shares of gallium's shells as grouped bars.

    Parameters
    ----------
    ax:
        Axes.
    table:
        From :func:`repro.clay.mixing_chapter.species_table`.
    """
    width = 0.8 / len(table.columns)
    at = np.arange(len(table))
    for number, moment in enumerate(table.columns):
        ax.bar(at + (number - (len(table.columns) - 1) / 2) * width, 100 * table[moment], width,
               color=CYCLE[number], label=moment)  # fmt: skip
    ax.set_xticks(at, [mathtext(str(n)) for n in table.index], rotation=45, ha="right", fontsize=8)
    ax.set(ylabel="share of gallium (%)")
    ax.legend(fontsize=8.5)


WORN = {
    "Ga with F only": "#404040",
    "Ga with both": "#E69F00",
    "Ga with Cl only": "#D55E00",
    "Li with Cl only": "#009E73",
    "Li with F": "#56B4E9",
}
"""Colours of cations by their anions."""


def plot_islands(axes: Sequence[Axes], tables: Mapping[str, pd.DataFrame]) -> None:
    """Draw what is left of either salt against time, one line an assembly's size.

    Parameters
    ----------
    axes:
        Two: for the fluoride and for the chloride.
    tables:
        Words to the table of :func:`repro.clay.mixing_chapter.islands`.
    """
    for number, (words, own) in enumerate(tables.items()):
        for ax, column in zip(axes, ("fluoride", "chloride"), strict=True):
            _line(ax, own.time_ps, own[column], own[f"{column}_error"], number=number, label=words)
    for ax in axes:
        ax.set(xlabel="time in the melt (ps)", ylim=(0, 1))


def plot_slice(
    ax: Axes, frame: Atoms, worn: Mapping[str, NDArray[np.bool_]], *, at: float = 0.25,
    thickness: float = 6.0,
) -> None:  # fmt: skip
    """Draw the cations of a slice through a cell, seen along its first axis.

    Parameters
    ----------
    ax:
        Axes.
    frame:
        Periodic; atoms outside the cell are drawn inside.
    worn:
        Masks over its atoms, by the names of :data:`WORN`.
    at:
        Where along that axis, as a share of the cell: a quarter is the middle of four of the
        eight particles, a half their common face.
    thickness:
        Of the slice, angstrom.
    """
    inside = frame.get_scaled_positions(wrap=True)
    height = frame.get_volume() / frame.cell.areas()[0]
    near = np.abs(inside[:, 0] - at) * height <= thickness / 2
    points = inside @ frame.cell.array
    for words, mask in worn.items():
        own = points[near & mask]
        ax.plot(own[:, 1] / 10, own[:, 2] / 10, "o", markersize=4.4, color=WORN[words], label=words)
    ax.set(xlabel="y (nm)", ylabel="z (nm)", aspect="equal")


def plot_rest(axes: Sequence[Axes], tables: Mapping[str, pd.DataFrame]) -> None:
    """Draw density and potential energy of a rest against time, one line a seed.

    Parameters
    ----------
    axes:
        Two: for the density and for the energy.
    tables:
        Words to columns ``time_ps``, ``density``, ``energy`` (meV/atom).
    """
    for number, (words, own) in enumerate(tables.items()):
        for ax, column in zip(axes, ("density", "energy"), strict=True):
            ax.plot(own.time_ps, own[column], color=CYCLE[number], linewidth=0.9, label=words)
    axes[0].set(xlabel="time (ps)", ylabel="density (g/cm³)")
    axes[1].set(xlabel="time (ps)", ylabel="potential energy (meV/atom)")
    axes[0].legend(fontsize=8.5)


def plot_glass(
    ax: Axes, found: Mapping[str, Cooled], fits: Mapping[str, GlassTransition | None]
) -> None:
    """Draw specific volume against temperature: each seed, their mean, and its transition.

    Parameters
    ----------
    ax:
        Axes.
    found:
        Words to the cooling runs of one rate; seeds faint, their mean as dots.
    fits:
        Words to the transition of the mean: its curve, and a band from low to high.
    """
    for number, (words, own) in enumerate(found.items()):
        colour = CYCLE[number]
        if len(own.points) > 1:
            for t, v in own.points.values():
                ax.plot(t, v, color=colour, linewidth=0.5, alpha=0.45)
        t, v, _ = own.mean()
        ax.plot(t, v, ".", markersize=4, color=colour, label=words)
        one = fits.get(words)
        if one is not None:
            line = np.linspace(t.min(), t.max(), 200)
            ax.plot(line, one.curve(line), color=colour, linewidth=1.4)
            ax.axvspan(one.low, one.high, color=colour, alpha=0.15, linewidth=0)
    ax.set(xlabel="temperature (K)", ylabel="specific volume (cm³/g)")
    ax.legend(fontsize=8.5, markerscale=2)


def plot_cycles(axes: Sequence[Axes], loads: Mapping[str, Loaded], *, half_width: float) -> None:
    """Draw stress, strain and energy of loads against time, averaged as in the paper.

    Parameters
    ----------
    axes:
        Three: for stress (MPa), strain (%) and energy (meV/atom).
    loads:
        Words to a load; one line a seed, one colour a load.
    half_width:
        Of the moving mean, ps.
    """
    for number, (words, load) in enumerate(loads.items()):
        for index, one in enumerate(load.series.values()):
            values = (one.stress, 100 * one.strain, one.energy)
            for ax, y in zip(axes, values, strict=True):
                ax.plot(one.time, moving_mean(one.time, y, half_width=half_width), linewidth=0.9,
                        color=CYCLE[number], label=words if index == 0 else None)  # fmt: skip
            if number == index == 0:
                for leg in range(0, int(one.leg.max()) + 1, 2):
                    on = one.time[one.leg == leg]
                    for ax in axes:
                        ax.axvspan(on[0], on[-1], color="0.93", linewidth=0, zorder=0)
    for ax, words in zip(axes, ("shear stress (MPa)", "shear strain (%)", "energy (meV/atom)"),
                         strict=True):  # fmt: skip
        ax.set(ylabel=words)
        ax.axhline(0, color="0.5", linewidth=0.7)
    axes[-1].set(xlabel="time (ps)")
    axes[0].legend(fontsize=8.5)


def plot_compliance(
    ax: Axes, found: Mapping[str, Compliance], *, line: Flow | None = None,
    fit_ps: tuple[float, float] | None = None,
) -> None:  # fmt: skip
    """Draw strain per stress against time, with bands of the error, and a spring with a dashpot.

    Parameters
    ----------
    ax:
        Its time axis becomes logarithmic.
    found:
        Words to a compliance.
    line:
        Drawn dashed over the first compliance, over all its times.
    fit_ps:
        First and last time that the line was fitted to; marked if given.
    """
    for number, (words, one) in enumerate(found.items()):
        _line(ax, one.lags, one.mean, np.nan_to_num(one.error), number=number, label=words)
    if line is not None and found:
        t = next(iter(found.values())).lags
        ax.plot(t, 1 / line.modulus.value + t * line.fluidity.value, "--", color="0.2",
                linewidth=1.0, label="1/G + t/η")  # fmt: skip
    if fit_ps is not None:
        ax.axvspan(*fit_ps, color="0.93", linewidth=0, zorder=0)
    ax.set(xscale="log", xlabel="time (ps)", ylabel="strain per stress (1/GPa)", ylim=(0, None))
    ax.legend(fontsize=8.5)
