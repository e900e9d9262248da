"""Figures of the chapter on shear zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection

from repro.clay.layers import Profile
from repro.clay.shear import Curve
from repro.clay.zones_chapter import Interval
from repro.clay.zones_compare import MeanRdf
from repro.figures import CYCLE

_DOTS = 6400.0  # area of a dot times that of the cell's face; 13 points^2 in a cell of 22 angstrom


def plot_curves(ax: Axes, curves: Mapping[str, Curve]) -> None:
    """Draw stress against strain with a band of one standard error.

    Parameters
    ----------
    ax:
        Axes.
    curves:
        Words to a curve.
    """
    for number, (words, one) in enumerate(curves.items()):
        y, e = one.stress_gpa, one.error_gpa
        ax.plot(one.strain, y, color=CYCLE[number], linewidth=1.2, label=words)
        ax.fill_between(one.strain, y - e, y + e, color=CYCLE[number], alpha=0.25, linewidth=0)
    ax.set(xlabel="shear strain", ylabel="shear stress (GPa)", xlim=(0, None))
    ax.legend(fontsize=8.5)


def plot_map(
    ax: Axes, one: Interval, *, largest: float, thickness: float | None = None
) -> PathCollection:
    """Draw the atoms of a frame on the plane that is sheared, coloured by D2min.

    Atoms in zones of three or more have a dark rim.  Positions are wrapped; the outline is
    the cell seen along x.  Dots shrink as the cell grows; those of a slice are twice as large.

    Parameters
    ----------
    ax:
        Axes.
    one:
        Interval.
    largest:
        D2min of the end of the colour scale, angstrom^2.
    thickness:
        Draw a slice so thick along x through the middle of the largest zone (or of the cell),
        angstrom; all atoms if None.

    Returns
    -------
    PathCollection
        For a colour bar.
    """
    frame = one.atoms.copy()
    frame.wrap()
    x, y, z = frame.positions.T
    order = np.argsort(x)
    if thickness is not None:
        near = frame.get_scaled_positions()[:, 0]
        middle = near[one.found[0].indices[0]] if one.found else 0.5
        away = near[order] - middle
        order = order[np.abs(away - np.round(away)) * frame.cell.lengths()[0] <= thickness / 2]
    inside = np.zeros(len(frame), dtype=bool)
    for zone in one.found:
        if zone.size >= 3:
            inside[zone.indices] = True
    drawn = ax.scatter(
        y[order], z[order], c=one.field.d2min[order], cmap="cividis_r", vmin=0, vmax=largest,
        s=_DOTS * (1 if thickness is None else 2) / float(frame.cell[1, 1] * frame.cell[2, 2]),
        edgecolors=np.where(inside, "#D55E00", "none")[order].tolist(), linewidths=0.9,
    )  # fmt: skip
    cell = frame.cell.array
    corners = np.array([[0, 0], cell[1, 1:], cell[1, 1:] + cell[2, 1:], cell[2, 1:], [0, 0]])
    ax.plot(*corners.T, color="0.6", linewidth=0.8)
    ax.set(aspect="equal", xlabel="y (Å)", title=f"strain {one.strain:.3f}")
    ax.grid(visible=False)
    return drawn


def plot_history(
    axes: Sequence[Axes], tables: Mapping[str, pd.DataFrame], *, columns: Mapping[str, str]
) -> None:
    """Draw columns of the history of runs against strain.

    Parameters
    ----------
    axes:
        As many as columns.
    tables:
        Words to a table of :func:`repro.clay.zones_chapter.history`.
    columns:
        Column to the words on its axis.
    """
    for ax, (column, words) in zip(axes, columns.items(), strict=True):
        for number, (label, own) in enumerate(tables.items()):
            ax.plot(own.strain, own[column], "o-", markersize=3, linewidth=1.0,
                    color=CYCLE[number], label=label)  # fmt: skip
        ax.set(xlabel="shear strain", ylabel=words)
    axes[0].legend(fontsize=8.5)


def plot_layers(ax: Axes, profiles: Mapping[str, Profile], *, height: float) -> None:
    """Draw how much of the strain each layer takes, with a band of one standard error.

    Parameters
    ----------
    ax:
        Axes.
    profiles:
        Words to a profile.
    height:
        Of the cell along the axis of the layers, angstrom.
    """
    for number, (words, one) in enumerate(profiles.items()):
        y, e = (np.append(values, values[-1]) for values in one.mean())
        edges = np.linspace(0, height, len(y))
        ax.step(edges, y, where="post", color=CYCLE[number], linewidth=1.4, label=words)
        ax.fill_between(
            edges, y - e, y + e, step="post", color=CYCLE[number], alpha=0.2, linewidth=0
        )
    ax.set(xlim=(0, height), ylabel="local strain over imposed strain")
    ax.legend(fontsize=8.5)


def plot_classes(axes: Sequence[Axes], found: MeanRdf, *, centre: str) -> None:
    """Draw g(r) around the mobile and the quiet atoms, one panel a partner.

    Parameters
    ----------
    axes:
        As many as partners.
    found:
        From :func:`repro.clay.zones_compare.mean_classes`.
    centre:
        Element of the classes.
    """
    partners = list(dict.fromkeys(partner for _, partner in found.g))
    for ax, partner in zip(axes, partners, strict=True):
        for number, (name, words) in enumerate((("low", "quiet"), ("high", "mobile"))):
            g, e = found.g[name, partner], np.nan_to_num(found.error[name, partner])
            ax.plot(found.r, g, color=CYCLE[number], linewidth=1.1, label=words)
            ax.fill_between(found.r, g - e, g + e, color=CYCLE[number], alpha=0.25, linewidth=0)
        ax.set(title=f"{centre}–{partner}", xlabel="r (Å)", xlim=(1.2, found.r[-1]), ylim=(0, None))
