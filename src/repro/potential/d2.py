r"""Grimme's D2 pair dispersion for periodic cells: energy, forces, stress.

.. math::

   E = -\frac{s_6}{2} \sum_{ij\mathbf{L}}
       \frac{\sqrt{C_i C_j}}{r^6} \frac{1}{1 + e^{-d (r / R_{ij} - 1)}}

(Grimme, J. Comput. Chem. 27, 1787 (2006), equations 11 to 13), with the van der
Waals radii of the atoms added to :math:`R_{ij}` and d = 20.  Beyond the cutoff the
sum is replaced by its integral over a uniform density (:func:`tail`), so the
energy and pressure are converged in the cutoff, not shifted with it.

The project has its own thirty lines for this because the dispersion must be the
same in the labels, in the checks against CP2K and in a base install that has no
PyTorch; the tests compare it with a naive sum, with a published C6, with CP2K
and, where it is installed, with torch-dftd.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from repro.errors import InputError

# Grimme 2006, table 1: C6 in J nm^6 / mol, van der Waals radius in angstrom.
_PUBLISHED = {"Li": (1.61, 0.825), "F": (0.75, 1.287), "Cl": (5.07, 1.639), "Ga": (16.99, 1.650)}
PBE_S6 = 0.75
DAMPING = 20.0
_TO_EV = 1e6 * units.J / units.mol  # J nm^6 / mol -> eV angstrom^6


@dataclass(frozen=True)
class Dispersion:
    """D2 of one frame: eV, (N, 3) eV/angstrom, (3, 3) eV/angstrom^3 (ASE sign)."""

    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64]


def c6(symbol: str) -> float:
    """Return the C6 coefficient of an element in eV angstrom^6."""
    return _published(symbol)[0] * _TO_EV


def radius(symbol: str) -> float:
    """Return the van der Waals radius of an element in angstrom."""
    return _published(symbol)[1]


def _published(symbol: str) -> tuple[float, float]:
    try:
        return _PUBLISHED[symbol]
    except KeyError:
        known = ", ".join(sorted(_PUBLISHED))
        raise InputError(f"element {symbol!r}: D2 is tabulated here for {known}") from None


def pair(
    r: NDArray[np.float64], c: NDArray[np.float64] | float, r0: NDArray[np.float64] | float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the unscaled pair energy -c f(r)/r^6 and its derivative by r."""
    decay = np.exp(-DAMPING * (r / r0 - 1.0))
    damp = 1.0 / (1.0 + decay)
    energy = -c * damp / r**6
    return energy, energy * (-6.0 / r + damp * decay * DAMPING / r0)


def heights(cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances between opposite faces of a cell, (3,), in the cell's unit."""
    normals: NDArray[np.float64] = np.cross(np.roll(cell, -1, axis=0), np.roll(cell, -2, axis=0))
    found: NDArray[np.float64] = abs(np.linalg.det(cell)) / np.linalg.norm(normals, axis=1)
    return found


def _images(cell: NDArray[np.float64], cutoff: float) -> NDArray[np.float64]:
    """Return all lattice translations that can bring an atom within the cutoff."""
    reach = np.ceil(cutoff / heights(cell)).astype(int) + 1  # +1: atoms sit anywhere in the cell
    grid = np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij")
    vectors: NDArray[np.float64] = np.stack([g.ravel() for g in grid], axis=1) @ cell
    diagonal = np.linalg.norm(np.abs(cell).sum(axis=0))
    return vectors[np.linalg.norm(vectors, axis=1) < cutoff + diagonal]


def tail(symbols: Sequence[str], volume: float, *, cutoff: float, s6: float = PBE_S6) -> float:
    """Return the dispersion energy beyond the cutoff for a uniform density, in eV.

    Integral of -s6/2 sum_ij C_ij/(r^6 V) over r > cutoff:
    -(2 pi / 3) s6 (sum_i sqrt C_i)^2 / (V cutoff^3).
    """
    total = sum(np.sqrt(c6(s)) for s in symbols) ** 2
    return float(-2.0 * np.pi / 3.0 * s6 * total / (volume * cutoff**3))


def dispersion(
    atoms: Atoms, *, cutoff: float = 18.0, s6: float = PBE_S6, with_tail: bool = True
) -> Dispersion:
    """Return D2 energy, forces and stress of a periodic frame.

    Parameters
    ----------
    atoms:
        Frame periodic in all directions.
    cutoff:
        Range of the explicit sum in angstrom.
    s6:
        Global scaling: 0.75 for PBE.
    with_tail:
        Add the integral beyond the cutoff to energy and stress.

    Raises
    ------
    InputError
        For an unknown element, an open cell, or a cutoff that is not positive.
    """
    if not cutoff > 0:
        raise InputError(f"D2 cutoff {cutoff!r}: expected a positive length in angstrom")
    if not all(atoms.pbc):
        raise InputError("D2 here is for frames periodic in all three directions")
    symbols = atoms.get_chemical_symbols()
    root_c = np.sqrt([c6(s) for s in symbols])
    radii = np.array([radius(s) for s in symbols])
    cell, count = atoms.cell.array, len(atoms)
    positions = atoms.get_positions(wrap=True)
    images = _images(cell, cutoff)
    energy, forces, virial = 0.0, np.zeros((count, 3)), np.zeros((3, 3))
    shifted = (positions[:, None, :] + images[None, :, :]).reshape(-1, 3)
    owner = np.repeat(np.arange(count), len(images))
    for i in range(count):
        vectors = shifted - positions[i]
        squared = np.einsum("ij,ij->i", vectors, vectors)
        near = (squared < cutoff**2) & (squared > 1e-12)
        vectors, r, j = vectors[near], np.sqrt(squared[near]), owner[near]
        e, slope = pair(r, s6 * root_c[i] * root_c[j], radii[i] + radii[j])
        energy += 0.5 * e.sum()
        pull = vectors * (slope / r)[:, None]
        forces[i] = pull.sum(axis=0)
        virial += 0.5 * vectors.T @ pull
    volume = atoms.get_volume()
    stress = virial / volume
    if with_tail:
        beyond = tail(symbols, volume, cutoff=cutoff, s6=s6)
        energy += beyond
        stress -= np.eye(3) * beyond / volume  # E ~ 1/V: dE/d(strain_xx) = -E
    return Dispersion(energy=float(energy), forces=forces, stress=stress)
