"""Drawing a crystal: atoms, the bonds that an algorithm found, and the cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from repro.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

Bond = tuple[int, int, tuple[int, int, int]]


@dataclass(frozen=True)
class Scene:
    """What there is to draw, in Cartesian angstrom.

    Attributes
    ----------
    symbols:
        Element of each drawn atom (N), images of bonded neighbours included.
    positions:
        (N, 3) positions.
    radii:
        (N,) drawing radii: 0.42 of the covalent radius.
    bonds:
        (M, 2) indices into the drawn atoms.
    cell:
        (3, 3) cell vectors as rows.
    """

    symbols: tuple[str, ...]
    positions: NDArray[np.float64]
    radii: NDArray[np.float64]
    bonds: NDArray[np.int_]
    cell: NDArray[np.float64]


def scene(structure: Atoms | Structure, *, bonds: Sequence[Bond] = ()) -> Scene:
    """Return the scene of a periodic structure with its bonds.

    A bond that leaves the cell brings the neighbour's image along, so molecules
    are drawn whole.

    Raises
    ------
    InputError
        If there are no atoms, a position is not finite, a site is shared by several
        elements, or a bond names an atom that is not there.
    """
    symbols, positions, cell = _arrays(structure)
    if not symbols:
        raise InputError("the structure to draw has no atoms")
    if not (np.isfinite(positions).all() and np.isfinite(cell).all()):
        raise InputError("the structure to draw has positions or a cell that are not finite")
    drawn = {(i, (0, 0, 0)): i for i in range(len(symbols))}
    all_symbols, all_positions = list(symbols), list(positions)
    pairs: list[tuple[int, int]] = []
    for i, j, image in bonds:
        if not (0 <= i < len(symbols) and 0 <= j < len(symbols)):
            raise InputError(f"bond ({i}, {j}): the structure has atoms 0 to {len(symbols) - 1}")
        key = (j, (int(image[0]), int(image[1]), int(image[2])))
        if key not in drawn:
            drawn[key] = len(all_symbols)
            all_symbols.append(symbols[j])
            all_positions.append(positions[j] + np.asarray(image, dtype=float) @ cell)
        pairs.append((i, drawn[key]))
    radii = np.array([0.42 * covalent_radii[atomic_numbers[s]] for s in all_symbols])
    return Scene(
        symbols=tuple(all_symbols),
        positions=np.array(all_positions, dtype=float).reshape(-1, 3),
        radii=radii,
        bonds=np.array(pairs, dtype=int).reshape(-1, 2),
        cell=cell,
    )


def _arrays(
    structure: Any,
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    if hasattr(structure, "get_chemical_symbols"):
        return (
            list(structure.get_chemical_symbols()),
            np.asarray(structure.get_positions(), dtype=float),
            np.asarray(structure.cell.array, dtype=float),
        )
    if not structure.is_ordered:
        raise InputError("the structure to draw shares a site among elements; expected one each")
    return (
        [site.specie.symbol for site in structure],
        np.asarray(structure.cart_coords, dtype=float),
        np.asarray(structure.lattice.matrix, dtype=float),
    )


def cell_edges(cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 12 edges of a cell as (12, 2, 3) end points."""
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=float)
    edges = [
        (a @ cell, b @ cell)
        for n, a in enumerate(corners)
        for b in corners[n + 1 :]
        if np.abs(a - b).sum() == 1
    ]
    return np.array(edges)


def draw(
    scene: Scene,
    *,
    axes: Axes,
    colours: Mapping[str, str],
    view: tuple[float, float, float],
) -> None:
    """Draw a scene in orthographic projection, far things first and paler.

    Parameters
    ----------
    scene:
        What to draw.
    axes:
        Where to; its frame is switched off.
    colours:
        Colour of each element; grey if it is not listed.
    view:
        Rotations about x, y, z in degrees.
    """
    turn = Rotation.from_euler("xyz", view, degrees=True).as_matrix().T
    points = scene.positions @ turn
    depth = points[:, 2]
    nearness = (depth - depth.min()) / max(float(np.ptp(depth)), 1e-9)
    edges = cell_edges(scene.cell) @ turn
    axes.add_collection(
        LineCollection(list(edges[:, :, :2]), colors="#B0B0B0", linewidths=0.8, zorder=0)
    )
    for i, j in scene.bonds:
        middle = 0.5 * (points[i] + points[j])
        for end in (i, j):
            axes.plot(
                *zip(points[end, :2], middle[:2], strict=True),
                color=colours.get(scene.symbols[end], "#888888"),
                linewidth=3.0,
                solid_capstyle="round",
                zorder=1 + min(nearness[i], nearness[j]),
            )
    for symbol, point, radius, near in zip(
        scene.symbols, points, scene.radii, nearness, strict=True
    ):
        axes.add_patch(
            Circle(
                (point[0], point[1]),
                radius,
                facecolor=colours.get(symbol, "#888888"),
                edgecolor="white",
                linewidth=0.6,
                alpha=0.6 + 0.4 * near,
                zorder=1.001 + near,
            )
        )
    for symbol in dict.fromkeys(scene.symbols):
        axes.plot([], [], "o", color=colours.get(symbol, "#888888"), markersize=9, label=symbol)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=10)
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.axis("off")
