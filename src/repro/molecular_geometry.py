"""Inside and between molecules: coordination, contacts, dimers, whole molecules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers
from ase.data.vdw_alvarez import vdw_radii
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from repro.errors import InputError
from repro.molecules import FACTOR, Bond, Image, bonds, components


def whole_molecules(
    structure: Structure, bond_list: Sequence[Bond], *, repeat: Image = (1, 1, 1)
) -> Structure:
    """Return a block of the crystal with each molecule in one piece, for drawing.

    Coordinates may lie outside the cell; centres of molecules lie inside.
    """
    shift = np.zeros((len(structure), 3))
    for part in components(structure, bond_list):
        atoms = list(part.atoms)
        centre = np.mean(structure.frac_coords[atoms] + part.images, axis=0)
        shift[atoms] = part.images - np.floor(centre + 1e-6)
    block = np.array([(i, j, k) for i in range(repeat[0]) for j in range(repeat[1])
                      for k in range(repeat[2])])  # fmt: skip
    places = ((structure.frac_coords + shift)[None] + block[:, None]) / np.array(repeat)
    lattice = Lattice(structure.lattice.matrix * np.array(repeat)[:, None])
    return Structure(lattice, list(structure.species) * len(block), places.reshape(-1, 3),
                     to_unit_cell=False)  # fmt: skip


@dataclass(frozen=True)
class Coordination:
    """First shell of one element: who surrounds it, and how far.

    Attributes
    ----------
    numbers:
        Coordination number of each atom of the element.
    terminal, bridging:
        Bond lengths in angstrom to ligands with one bond, and with two or more.
    """

    element: str
    numbers: tuple[int, ...]
    terminal: NDArray[np.float64]
    bridging: NDArray[np.float64]


def coordination(structure: Structure, element: str, *, factor: float = FACTOR) -> Coordination:
    """Return coordination numbers of an element and its bond lengths by ligand role.

    Raises
    ------
    InputError
        If the element is not in the structure.
    """
    symbols = [site.specie.symbol for site in structure]
    if element not in symbols:
        raise InputError(f"{element!r} is not in {structure.composition.reduced_formula}")
    bond_list = bonds(structure, factor=factor)
    count = np.zeros(len(structure), dtype=int)
    for i, j, _ in bond_list:
        count[i] += 1
        count[j] += 1
    terminal: list[float] = []
    bridging: list[float] = []
    for i, j, image in bond_list:
        for centre, ligand in ((i, j), (j, i)):
            if symbols[centre] == element and symbols[ligand] != element:
                (terminal if count[ligand] == 1 else bridging).append(
                    float(structure[i].distance(structure[j], image)))  # fmt: skip
    numbers = tuple(int(count[i]) for i, s in enumerate(symbols) if s == element)
    return Coordination(element, numbers, np.sort(terminal), np.sort(bridging))


@dataclass(frozen=True)
class Gap:
    """The closest contact between two different molecules.

    Attributes
    ----------
    distance:
        In angstrom.
    pair:
        The two elements.
    over_vdw:
        Distance over the sum of van der Waals radii (Alvarez 2013); near 1 for a
        mere contact, well below 1 for a secondary bond.
    """

    distance: float
    pair: tuple[str, str]
    over_vdw: float


def closest_contacts(structure: Structure, *, factor: float = FACTOR) -> list[Gap]:
    """Return, per pair of elements, the closest contact between different molecules.

    Sorted by ``over_vdw``; empty if the bond graph is one connected framework.
    """
    bond_list = bonds(structure, factor=factor)
    place: dict[int, tuple[int, NDArray[np.int_]]] = {}
    for number, part in enumerate(components(structure, bond_list)):
        if part.dimension:
            continue
        for atom, image in zip(part.atoms, part.images, strict=True):
            place[atom] = (number, image)
    symbols = [site.specie.symbol for site in structure]
    best: dict[tuple[str, str], Gap] = {}
    for i, j, image, distance in zip(*structure.get_neighbor_list(7.0), strict=True):
        if i not in place or j not in place:
            continue
        (mol_i, at_i), (mol_j, at_j) = place[i], place[j]
        if mol_i == mol_j and np.array_equal(at_j - at_i, image):
            continue
        a, b = sorted((symbols[i], symbols[j]))
        if (a, b) not in best or distance < best[a, b].distance:
            touch = vdw_radii[atomic_numbers[a]] + vdw_radii[atomic_numbers[b]]
            best[a, b] = Gap(float(distance), (a, b), float(distance / touch))
    return sorted(best.values(), key=lambda gap: gap.over_vdw)


def edge_sharing_dimer(structure: Structure, element: str, *, factor: float = FACTOR) -> bool:
    """Return whether the crystal is made of M2X6: two tetrahedra sharing an edge.

    Every piece is finite, holds two atoms of ``element`` with four neighbours each,
    and two ligands that bind both of them, with four that bind one.
    """
    bond_list = bonds(structure, factor=factor)
    touch: list[list[int]] = [[] for _ in range(len(structure))]
    for i, j, _ in bond_list:
        touch[i].append(j)
        touch[j].append(i)
    symbols = [site.specie.symbol for site in structure]
    for part in components(structure, bond_list):
        centres = [i for i in part.atoms if symbols[i] == element]
        ligands = [i for i in part.atoms if symbols[i] != element]
        shared = [i for i in ligands if sorted(touch[i]) == sorted(centres)]
        if (part.dimension or len(centres) != 2 or len(ligands) != 6 or len(shared) != 2
                or any(len(touch[i]) != 4 for i in centres)
                or any(len(touch[i]) != 1 for i in ligands if i not in shared)):  # fmt: skip
            return False
    return True


def median_ratio_error(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the bootstrap standard error of median(first) / median(second), 2000 draws."""
    draws, rng = 2000, np.random.default_rng(0)
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    top = np.median(rng.choice(a, size=(draws, len(a))), axis=1)
    bottom = np.median(rng.choice(b, size=(draws, len(b))), axis=1)
    return float(np.std(top / bottom))
