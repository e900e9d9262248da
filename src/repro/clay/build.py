r"""Eight particles of LiCl|GaF3, each turned against its neighbours, in one cell.

The paper (Results, paragraph 2; Supplementary Note 2) imitates powder grains that meet
in a ball mill: a sandwich of [001] LiCl and [001] GaF3 in the ratio 2 is held at 800 K,
relaxed and repeated; a cube is cut out; eight such cubes stand on a 2 x 2 x 2 grid, each
turned by 90 degrees, so that the normals of neighbouring sandwiches are at right angles.
What follows (closing the gaps, melting) is molecular dynamics and not done here.

A cube cut through a sandwich rarely holds the salts in their exact ratio.  Here the
surplus atoms that lie outermost are taken off, so that a particle is neutral and has the
composition asked for.  The paper does not say what it did about that.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from repro.errors import InputError, did_you_mean

FORMULA: dict[str, int] = {"Li": 2, "Cl": 2, "Ga": 1, "F": 3}
"""2 LiCl and 1 GaF3."""
MOST_TAKEN = 0.3


@dataclass(frozen=True)
class Size:
    """How large an assembly is.

    Attributes
    ----------
    name:
        Of the preset.
    layers:
        Layers of LiCl and of GaF3 in the sandwich
        (:func:`repro.potential.structures.slab`).
    repeat:
        Repetitions of that cell before it is held at 800 K.
    edge:
        Of the cubes, angstrom.
    gap:
        Between the cubes, angstrom.
    units:
        Formula units (2 LiCl + GaF3) in a cube; as many as it holds if None.  A sandwich
        that was held at 800 K is cut differently for each seed; with a number, all seeds
        have as many atoms.
    licl:
        LiCl for each GaF3.
    """

    name: str
    layers: tuple[int, int]
    repeat: tuple[int, int, int]
    edge: float
    gap: float = 2.0
    units: int | None = None
    licl: int = 2

    @property
    def formula(self) -> dict[str, int]:
        """Atoms of each element in a unit."""
        return FORMULA | {"Li": self.licl, "Cl": self.licl}


SIZES: dict[str, Size] = {
    # Cubes that small hold two formula units: enough to learn on, not to believe.
    "class": Size("class", (2, 1), (2, 2, 1), edge=6.0),
    "reference": Size("reference", (4, 2), (2, 2, 1), edge=11.6, units=11),
    # The paper's other clay, 3 LiCl and 1 GaF3.
    "three-one": Size("three-one", (6, 2), (2, 2, 1), edge=11.6, units=10, licl=3),
    # 2.5 nm cubes on a grid of 2.7 nm, as in the paper: 9,408 atoms from a fresh sandwich.
    "paper": Size("paper", (6, 3), (2, 2, 1), edge=25.0),
}


def size(name: str) -> Size:
    """Return a preset by name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in SIZES:
        raise InputError(f"no assembly size {name!r}{did_you_mean(name, SIZES)}; there are "
                         f"{', '.join(SIZES)}")  # fmt: skip
    return SIZES[name]


def cube(crystal: Atoms, edge: float, *, start: float = 0.0) -> Atoms:
    """Return the atoms of a cube cut from a periodic structure, without a cell.

    Parameters
    ----------
    crystal:
        Periodic in three directions, with a right-angled cell along x, y, z.
    edge:
        Of the cube, angstrom.
    start:
        Where along z the cube begins, angstrom; along x and y it begins at zero.

    Returns
    -------
    Atoms
        In the order of ``crystal`` and its repetitions, corner of the cube at zero.

    Raises
    ------
    InputError
        If the cell is not right-angled, not periodic, or the cube is empty.
    """
    if not edge > 0:
        raise InputError(f"edge {edge}: expected a positive length in angstrom")
    cell = np.asarray(crystal.cell)
    lengths = np.diag(cell)
    if not bool(np.all(crystal.pbc)) or not np.allclose(cell, np.diag(lengths), atol=1e-6):
        raise InputError("a cube is cut from a periodic structure with a right-angled cell; this "
                         f"one has angles {crystal.cell.angles().round(2).tolist()}")  # fmt: skip
    whole = crystal.copy()
    whole.positions[:, 2] -= start
    whole.wrap()
    # Rounding of an edge that is a whole number of cells must not add a layer of cells.
    whole = whole.repeat(np.ceil(edge / lengths - 1e-9).astype(int))
    inside = (whole.positions < edge - 1e-9).all(axis=1)
    if not inside.any():
        raise InputError(f"a cube of {edge} angstrom holds no atom of {crystal.symbols}")
    found = Atoms(whole.symbols[inside], positions=whole.positions[inside])
    return found


def balanced(
    particle: Atoms, formula: Mapping[str, int] = FORMULA, *, units: int | None = None
) -> Atoms:
    """Return a particle without the surplus atoms, taken from its outside.

    Of each element those go that lie farthest from the centre in the maximum norm, which
    for a cube are those nearest to a face.

    Parameters
    ----------
    particle:
        A cluster.
    formula:
        Atoms of each element in one unit.
    units:
        How many to keep; as many as there are if None.

    Raises
    ------
    InputError
        If there is not one unit or not as many as asked for, an element is foreign, or
        more than three tenths of the atoms would have to go.
    """
    symbols = np.array(particle.get_chemical_symbols())
    foreign = sorted(set(symbols.tolist()) - set(formula))
    if foreign:
        raise InputError(f"{', '.join(foreign)} in the particle, expected {', '.join(formula)}")
    there = min(int((symbols == e).sum()) // n for e, n in formula.items())
    if there < 1:
        raise InputError(f"{particle.symbols} holds no unit of {dict(formula)}; cut a larger cube")
    if units is not None and not 1 <= units <= there:
        raise InputError(f"{units} units of {dict(formula)} asked of a cube that holds {there}; "
                         "cut another, or ask for fewer")  # fmt: skip
    units = there if units is None else units
    middle = (particle.positions.max(axis=0) + particle.positions.min(axis=0)) / 2
    outward = np.abs(particle.positions - middle).max(axis=1)
    keep = np.zeros(len(symbols), dtype=bool)
    for element, number in formula.items():
        own = np.flatnonzero(symbols == element)
        # Stable, so that equal distances fall in the order of the atoms.
        keep[own[np.argsort(outward[own], kind="stable")[: units * number]]] = True
    if keep.mean() < 1 - MOST_TAKEN:
        raise InputError(f"{(~keep).sum()} of {len(keep)} atoms ({particle.symbols}) would have to "
                         f"go for {dict(formula)}; choose an edge that fits the sandwich")  # fmt: skip
    return particle[keep]


def particle(
    sandwich: Atoms, edge: float, *, step: float = 0.25, units: int | None = None,
    formula: Mapping[str, int] = FORMULA,
) -> Atoms:  # fmt: skip
    """Return the cube of a sandwich that loses the smallest share of its atoms to balance.

    Where along the normal the cube begins is free; it is tried in steps.  Of equal cuts
    the first counts.

    Parameters
    ----------
    sandwich, edge:
        As for :func:`cube`.
    step:
        Angstrom.
    units, formula:
        As for :func:`balanced`.

    Raises
    ------
    InputError
        As :func:`cube` and :func:`balanced`, if no beginning will do.
    """
    if not step > 0:
        raise InputError(f"step {step}: expected a positive length in angstrom")
    best: Atoms | None = None
    most, failure = 0.0, InputError(f"a cube of {edge} angstrom could not be cut")
    for start in np.arange(0.0, float(sandwich.cell.lengths()[2]), step):
        whole = cube(sandwich, edge, start=float(start))
        try:
            cut = balanced(whole, formula, units=units)
        except InputError as error:
            failure = error
            continue
        if len(cut) / len(whole) > most:
            best, most = cut, len(cut) / len(whole)
    if best is None:
        raise failure
    return best


def axes() -> dict[tuple[int, int, int], str]:
    """Return the direction of the sandwich's normal at each site of the 2 x 2 x 2 grid.

    Sites of even parity keep z; those of odd parity have x below and y above.  Neighbours,
    periodic images included, differ in parity, so their normals are at right angles.
    """
    return {(i, j, k): "z" if (i + j + k) % 2 == 0 else "xy"[k]
            for i, j, k in itertools.product((0, 1), repeat=3)}  # fmt: skip


def _turned(positions: NDArray[np.float64], axis: str, edge: float) -> NDArray[np.float64]:
    # Proper rotations by 90 degrees that bring z to the axis, then back into the cube.
    x, y, z = positions.T
    columns = {"z": (x, y, z), "x": (z, y, edge - x), "y": (x, z, edge - y)}[axis]
    result: NDArray[np.float64] = np.column_stack(columns)
    return result


def assemble(one: Atoms, *, edge: float, gap: float) -> Atoms:
    """Return eight copies of a particle on a 2 x 2 x 2 grid, turned as in :func:`axes`.

    Parameters
    ----------
    one:
        Particle: atoms in a cube from the origin to ``edge``.
    edge, gap:
        Of the cube, and the space between cubes, angstrom.

    Returns
    -------
    Atoms
        Periodic cell of side 2 (``edge`` + ``gap``); its array ``particle``
        holds the number of each atom's particle, 0 to 7.

    Raises
    ------
    InputError
        If the gap is not positive or an atom lies outside the cube.
    """
    if not gap > 0:
        raise InputError(f"gap {gap}: expected a positive distance in angstrom")
    outside = (one.positions < -1e-6) | (one.positions > edge + 1e-6)
    if outside.any():
        raise InputError(
            f"{int(outside.any(axis=1).sum())} atoms outside the cube from 0 to {edge}"
        )
    pitch = edge + gap
    blocks = [_turned(one.positions, axis, edge) + pitch * np.array(site) + gap / 2
              for site, axis in axes().items()]  # fmt: skip
    made = Atoms(one.get_chemical_symbols() * 8, positions=np.vstack(blocks),
                 cell=3 * [2 * pitch], pbc=True)  # fmt: skip
    made.set_array("particle", np.repeat(np.arange(8), len(one)))
    return made


def assembly(sandwich: Atoms, chosen: Size) -> Atoms:
    """Return the assembly of a size from its sandwich, held and relaxed before.

    Raises
    ------
    InputError
        As :func:`cube`, :func:`balanced` and :func:`assemble`.
    """
    one = particle(sandwich, chosen.edge, units=chosen.units, formula=chosen.formula)
    return assemble(one, edge=chosen.edge, gap=chosen.gap)
