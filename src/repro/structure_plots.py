"""Figures of the chapter on molecular and rigid crystals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from repro.formulas import mathtext
from repro.molecules import WORDS, Interval

# light to dark with the number of directions; told apart in grey, too
SHADES = {0: "#E69F00", 1: "#CBE3F3", 2: "#6BAED6", 3: "#08519C"}
MARKERS = {0: "o", 1: "^", 2: "s", 3: "D"}
LOOSE = "#F2F2F2"


def plot_barcodes(
    ax: Axes,
    spans: Mapping[str, Sequence[Interval]],
    *,
    low: float,
    high: float,
    factor: float,
    labels: Mapping[str, str],
) -> None:
    """Draw one bar per crystal: dimensionality (shade) against the bond factor.

    Parameters
    ----------
    ax:
        Axes.
    spans:
        Crystal to its :func:`repro.molecules.barcode`, drawn from the top.
    low, high, factor:
        Ends of the axis, and the criterion used in the text.
    labels:
        Crystal to the text at the left.
    """
    for row, name in enumerate(spans):
        for span in spans[name]:
            left, right = max(span.low, low), min(span.high, high)
            if right > left:
                colour = LOOSE if span.loose else SHADES[span.dimension]
                ax.barh(row, right - left, left=left, height=0.72, color=colour,
                        edgecolor="white", linewidth=0.4)  # fmt: skip
    ax.axvline(factor, color="black", linewidth=1.2, linestyle="--")
    ax.set(xlim=(low, high), ylim=(len(spans) - 0.4, -0.6),
           xlabel="bond factor (distance limit / sum of covalent radii)")  # fmt: skip
    ax.set_yticks(range(len(spans)), [mathtext(labels[name]) for name in spans], fontsize=8.5)
    ax.grid(visible=False)
    handles = [Patch(color=SHADES[k], label=WORDS[k]) for k in range(4)]
    handles.append(Patch(facecolor=LOOSE, edgecolor="#BBBBBB", label="some atom unbonded"))
    ax.figure.legend(handles=handles, loc="outside upper center", ncols=5, fontsize=8.5,
                     handlelength=1.2, columnspacing=1.2)  # fmt: skip


def plot_moduli(ax: Axes, table: pd.DataFrame, *, label: Mapping[str, tuple[float, float]]) -> None:
    """Draw shear against bulk modulus (GPa), marked by dimensionality.

    ``table`` has columns formula, dimension, bulk_modulus_gpa, shear_modulus_gpa;
    ``label`` maps a formula to where its name goes, in points from its mark.
    """
    for dimension in range(4):
        own = table[table.dimension == dimension]
        ax.scatter(own.bulk_modulus_gpa, own.shear_modulus_gpa, s=42, marker=MARKERS[dimension],
                   color=SHADES[dimension], edgecolor="#333333", linewidth=0.6,
                   label=WORDS[dimension], zorder=3)  # fmt: skip
    for _, row in table[table.formula.isin(list(label))].iterrows():
        ax.annotate(mathtext(row.formula), (row.bulk_modulus_gpa, row.shear_modulus_gpa),
                    xytext=label[row.formula], textcoords="offset points", fontsize=8.5)  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel="bulk modulus (GPa)", ylabel="shear modulus (GPa)")
    ax.legend(loc="upper left")


def plot_density(ax: Axes, table: pd.DataFrame) -> None:
    """Draw computed over measured density per formula and method.

    ``table`` has one row per formula and one column per method (ratio - 1, percent).
    """
    styles = {"PBE": ("s", "#0072B2"), "PBE + D3": ("o", "#E69F00"), "PBE + D2": ("^", "#009E73")}
    rows = np.arange(len(table))
    for name, (marker, colour) in styles.items():
        if name in table:
            ax.plot(table[name], rows, marker, color=colour, markersize=7, label=name)
    ax.axvline(0, color="black", linewidth=1)
    ax.set_yticks(rows, [mathtext(str(f)) for f in table.index])
    ax.set(xlabel="density, computed minus measured (%)", ylim=(len(table) - 0.5, -0.5))
    ax.legend(loc="best")
