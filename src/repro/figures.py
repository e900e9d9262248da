"""Figures in one house style, each with the caption and alt text a reader needs.

:func:`show` is the one way by which a notebook emits a figure.  It puts name,
caption and alt text into the metadata of the output, from where the book
builder turns them into a numbered figure with its provenance beneath.  An image
that came by another way has none and fails the build.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogFormatterSciNotation,
    LogLocator,
    NullFormatter,
)

from repro import drawing
from repro.drawing import Bond
from repro.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

# Okabe & Ito's colour-blind safe set, given to elements and to meanings.
PALETTE: dict[str, str] = {
    "Li": "#9467BD",
    "Na": "#C9A227",
    "Ga": "#404040",
    "In": "#8C6D5A",
    "Sb": "#7A5195",
    "Al": "#8A9BA8",
    "La": "#5F8A8B",
    "F": "#56B4E9",
    "Cl": "#009E73",
    "Br": "#B5651D",
    "I": "#CC79A7",
    "O": "#D55E00",
    "H": "#BBBBBB",
    "MP": "#0072B2",
    "experiment": "#D55E00",
    "paper": "#000000",
    "ours": "#0072B2",
    "clay": "#009E73",
    "powder": "#999999",
    "highlight": "#E69F00",
}
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#404040")
_VIEW = (75.0, -12.0, 0.0)  # rotations about x, y, z in degrees, of a still
_NAME = re.compile(r"fig-[a-z0-9]+(-[a-z0-9]+)*")
_STYLE: Any = {
    "axes.prop_cycle": cycler(color=list(CYCLE)),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.dpi": 100,
    "font.size": 10.5,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "svg.hashsalt": "soft-clay",
    "svg.fonttype": "path",
}


def use_style() -> None:
    """Set matplotlib's defaults to the house style."""
    plt.rcParams.update(_STYLE)


def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = 7.2, height: float = 3.6, **options: Any
) -> tuple[Figure, Any]:
    """Return ``(figure, axes)`` in the house style.

    Parameters
    ----------
    rows, columns:
        Grid of axes; ``axes`` is one Axes for 1 x 1, else an array as from
        :func:`matplotlib.pyplot.subplots`.
    width, height:
        Size of the whole figure in inches; 7.2 fills the text column.
    options:
        Passed to :func:`matplotlib.pyplot.subplots`.
    """
    use_style()
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, height), layout="constrained", **options
    )
    plt.close(figure)  # shown by `show` only, never a second time at the end of the cell
    return figure, axes


def _check(name: str, caption: str, alt: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(f"figure name {name!r}: expected 'fig-' and lower-case words with dashes")
    for what, text in (("caption", caption), ("alt text", alt)):
        if len(text.split()) < 3:
            raise InputError(f"figure {name!r}: its {what} must be a sentence, found {text!r}")
    if alt.strip() == caption.strip():
        raise InputError(f"figure {name!r}: the alt text must describe, not repeat the caption")


def _plain_ticks(ax: Axes) -> None:
    """Give logarithmic axes of less than two decades plain numbers in place of 3 × 10²."""
    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        untouched = (type(axis.get_major_locator()) is LogLocator
                     and type(axis.get_major_formatter()) is LogFormatterSciNotation)  # fmt: skip
        if untouched and 1e-2 <= low < high <= 1e5 and high / low < 100:
            subs = (1, 2, 5) if high / low > 8 else (1, 1.5, 2, 3, 4, 6, 8)
            axis.set_major_locator(LogLocator(subs=subs))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())


def _say_empty(ax: Axes) -> None:
    """Write into axes that hold nothing that they do; their caption tells why."""
    if ax.axison and not ax.has_data() and not ax.texts:
        ax.set_axis_off()
        ax.text(0.5, 0.5, "nothing to draw", transform=ax.transAxes, ha="center", va="center",
                color="0.35", style="italic")  # fmt: skip


def show(figure: Figure, *, name: str, caption: str, alt: str) -> None:
    """Emit a figure with its name, caption and alt text; one per cell.

    Parameters
    ----------
    figure:
        A matplotlib figure.
    name:
        Label for cross references, ``fig-...``, unique over the book.
    caption:
        A sentence or more, MyST markdown; computed numbers by f-string.
    alt:
        What a reader who cannot see the figure needs to know.

    Raises
    ------
    InputError
        If the name is malformed, or caption or alt text are missing.
    """
    _check(name, caption, alt)
    for ax in figure.axes:
        _plain_ticks(ax)
        _say_empty(ax)
    svg, png = io.BytesIO(), io.BytesIO()
    with plt.rc_context({"svg.hashsalt": "soft-clay", "svg.fonttype": "path"}):
        figure.savefig(svg, format="svg", metadata={"Date": None})
        figure.savefig(png, format="png", dpi=144)
    plt.close(figure)
    display(
        {
            "image/svg+xml": svg.getvalue().decode("utf-8"),
            "image/png": base64.b64encode(png.getvalue()).decode("ascii"),
            "text/plain": f"Figure {name}: {caption}",
        },
        raw=True,
        metadata={"repro": {"name": name, "caption": caption, "alt": alt}},
    )


def show_structure(
    structure: Atoms | Structure,
    *,
    name: str,
    caption: str,
    alt: str,
    bonds: Sequence[Bond] | None = None,
) -> None:
    """Emit a drawn still of a crystal and, in the book, a model to turn by hand.

    Parameters
    ----------
    structure:
        ASE Atoms or pymatgen Structure, periodic.
    name, caption, alt:
        As in :func:`show`.
    bonds:
        Triples ``(i, j, (n1, n2, n3))``: a bond from atom i to the image of atom j
        displaced by n1 a + n2 b + n3 c.  None draws no bonds.
    """
    scene = drawing.scene(structure, bonds=bonds or ())
    figure, axes = new_figure(height=4.2, width=6.0)
    drawing.draw(scene, axes=axes, colours=PALETTE, view=_VIEW)
    show(figure, name=name, caption=caption, alt=alt)
    display(
        {
            "text/html": viewer_html(scene, label=alt),
            "text/plain": "Interactive model: see the rendered book.",
        },
        raw=True,
    )


def viewer_html(scene: drawing.Scene, *, label: str) -> str:
    """Return the HTML that ``book/_static/viewer.js`` brings to life with 3Dmol."""
    content = {
        "symbols": list(scene.symbols),
        "colours": [PALETTE.get(symbol, "#888888") for symbol in scene.symbols],
        "radii": np.round(scene.radii, 3).tolist(),
        "positions": np.round(scene.positions, 3).tolist(),
        "bonds": np.asarray(scene.bonds, dtype=int).reshape(-1, 2).tolist(),
        "cell": np.round(scene.cell, 3).tolist(),
    }
    # "</" would end the script element early.
    payload = json.dumps(content).replace("</", "<\\/")
    return (
        f'<div class="structure-viewer" role="group" aria-label="Interactive model: '
        f'{html.escape(label, quote=True)}">'
        f'<script type="application/json">{payload}</script>'
        '<p class="structure-viewer-note">Interactive model: open the rendered book to turn it.</p>'
        "</div>"
    )
