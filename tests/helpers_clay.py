"""Frames of planted deformations and a naive neighbour search, for the tests of the clay."""

from __future__ import annotations

from collections.abc import Iterator

import ase.io
import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from repro import data

Floats = NDArray[np.float64]
CELL = np.array([[16.0, 0.0, 0.0], [1.0, 15.0, 0.0], [-2.0, 6.0, 17.0]])
SHEAR = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.01], [0.0, 0.0, 1.0]])
LI, F, CL, GA = 3, 9, 17, 31


def salt(count: int = 240, *, cell: Floats = CELL, seed: int = 1) -> Atoms:
    """Random atoms of the clay's composition; near enough at this density to a liquid."""
    rng = np.random.default_rng(seed)
    numbers = np.resize([GA, F, F, F, LI, CL, LI, CL], count)
    return Atoms(numbers, positions=rng.random((count, 3)) @ cell, cell=cell, pbc=True)


def deformed(atoms: Atoms, gradient: Floats, moves: Floats | float = 0.0) -> Atoms:
    """Apply r' = F r to cell and atoms, then shift atoms."""
    new = atoms.copy()
    new.set_cell(atoms.cell.array @ gradient.T, scale_atoms=False)
    new.positions = atoms.positions @ gradient.T + moves
    return new


def scrambled(atoms: Atoms, seed: int) -> Atoms:
    """Move each atom by whole cell vectors."""
    new = atoms.copy()
    jumps = np.random.default_rng(seed).integers(-2, 3, (len(atoms), 3))
    new.positions += jumps @ atoms.cell.array
    return new


def images(atoms: Atoms, cutoff: float) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    """Every pair within the cutoff, by looking at 125 images of each."""
    around = np.stack(np.meshgrid(*[range(-2, 3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    for i in range(len(atoms)):
        for j in range(len(atoms)):
            d = atoms.positions[j] - atoms.positions[i] + around @ atoms.cell.array
            for k in np.flatnonzero(np.linalg.norm(d, axis=1) < cutoff):
                if i != j or around[k].any():
                    yield i, j, around[k]


def noisy(atoms: Atoms, size: float = 0.2, seed: int = 5) -> Floats:
    return np.random.default_rng(seed).normal(scale=size, size=(len(atoms), 3))


def chain(points: list[tuple[float, float, float]], cell: Floats | None = None) -> Atoms:
    """Atoms at fractional positions in a cell of 12 angstrom (or another)."""
    box = np.diag([12.0] * 3) if cell is None else cell
    return Atoms(np.full(len(points), GA), positions=np.array(points) @ box, cell=box, pbc=True)


def crystals() -> dict[str, Atoms]:
    """Return the shipped crystals by family."""
    frames = ase.io.read(data.path("potential/structures/structures.extxyz"), ":")
    return {frame.info["family"]: frame for frame in frames}
