"""One zone, cut out of its glass to be drawn."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from repro.clay import mixing_chapter
from repro.clay.zones_chapter import Interval
from repro.errors import InputError

Bond = tuple[int, int, tuple[int, int, int]]
MARGIN = 2.5  # angstrom between the outermost atoms and the box around a zone


def zone_atoms(one: Interval) -> tuple[Atoms, list[Bond]]:
    """Return the largest zone with gallium, the anions its gallium holds, and their bonds.

    The bonds are for :func:`repro.figures.show_structure`.

    Raises
    ------
    InputError
        If no zone has gallium.
    """
    names = np.array(one.atoms.get_chemical_symbols())
    for zone in one.found:
        gallium = zone.indices[names[zone.indices] == "Ga"]
        if len(gallium):
            break
    else:
        raise InputError(f"no zone with gallium at strain {one.strain:.3f}: expected one")
    held = [bond for bond in mixing_chapter.gallium_bonds(one.atoms) if bond[0] in gallium]
    members = sorted({*zone.indices.tolist(), *(anion for _, anion, _ in held)})
    place = {old: new for new, old in enumerate(members)}
    return cut_out(one.atoms[members], [(place[i], place[j], image) for i, j, image in held])


def cut_out(atoms: Atoms, bonds: list[Bond], *, margin: float = MARGIN) -> tuple[Atoms, list[Bond]]:
    """Return a piece of a periodic frame in a box of its own, so that a drawing fills its sheet.

    Each atom is taken as the image nearest to the middle of the piece.  A piece that reaches through the
    cell, so that a bond still leaves it, comes back in the cell it had.

    Parameters
    ----------
    atoms:
        Periodic.
    bonds:
        As for :func:`repro.figures.show_structure`.
    margin:
        Angstrom between the outermost atoms and the box.

    Raises
    ------
    InputError
        For no atoms, or a margin below zero.
    """
    if not len(atoms):
        raise InputError("no atoms to cut out: expected one or more")
    if not margin >= 0:
        raise InputError(f"margin {margin} angstrom: expected zero or more")
    inside = atoms.get_scaled_positions(wrap=False)
    # On a circle there is a middle for a piece across a face, too; an atom at an end of a long
    # piece would not do, for from there the other end may be nearer through the cell.
    middle = np.angle(np.exp(2j * np.pi * inside).sum(axis=0)) / (2 * np.pi)
    moved = -np.rint(inside - middle).astype(int)
    near = (inside + moved) @ atoms.cell.array
    left = [tuple(int(x) for x in np.array(image) - moved[j] + moved[i]) for i, j, image in bonds]
    if any(any(image) for image in left):
        return atoms, bonds
    low = near.min(axis=0) - margin
    box = Atoms(atoms.get_chemical_symbols(), positions=near - low,
                cell=near.max(axis=0) + margin - low, pbc=True)  # fmt: skip
    return box, [(i, j, (0, 0, 0)) for i, j, _ in bonds]
