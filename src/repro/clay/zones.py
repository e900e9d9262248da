"""Shear transformation zones: clusters of atoms whose non-affine displacement is large.

A zone is a set of atoms above a threshold of D2min (:mod:`repro.clay.nonaffine`), each
nearer than a link to another of the set, all periodic images counted.  What is computed
from one pair of frames has no statistical error; errors come from blocks of frames or
seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from repro.clay.nonaffine import NonAffine, pairs_within
from repro.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def finite_values(values: Any, name: str = "values") -> Floats:
    """Return values as an array, (N,).

    Parameters
    ----------
    values:
        One or more finite numbers, (N,).
    name:
        What the message calls them.

    Raises
    ------
    InputError
        For none, a value that is not finite, or another shape.
    """
    x = np.asarray(values, dtype=float)
    if x.ndim != 1 or not len(x) or not np.isfinite(x).all():
        raise InputError(f"{name} of shape {x.shape}: expected one or more finite numbers, (N,)")
    return x


@dataclass(frozen=True)
class Zone:
    """A cluster of atoms with large values.

    Attributes
    ----------
    indices:
        Of its atoms in the frame, (size,).
    share:
        Of all atoms of the frame.
    windings:
        Number of independent directions in which it joins its own periodic image: 0 for an
        island, 1 for a thread, 2 for a sheet such as a shear band, 3 for a network.
    """

    indices: Ints
    share: float
    windings: int

    @property
    def size(self) -> int:
        """Number of atoms."""
        return len(self.indices)

    @property
    def percolates(self) -> bool:
        """Whether it spans the periodic cell in some direction."""
        return self.windings > 0


def zones(
    atoms: Atoms,
    values: Floats,
    *,
    threshold: float,
    link: float = 4.0,
    elements: Sequence[str] | None = None,
) -> list[Zone]:
    """Return clusters of atoms whose values exceed a threshold, largest first.

    Parameters
    ----------
    atoms, values:
        A frame and D2min (or another field) of its atoms, (N,).
    threshold:
        Of the values.
    link:
        Atoms nearer than this are in one zone, angstrom.  4 reaches the next cation over an
        anion; of a few percent of the atoms taken at random each then has less than one
        neighbour, where 2.7 would percolate (overlapping spheres).
    elements:
        Only atoms of these may belong.  Without Li, whose hops are large at any load.

    Raises
    ------
    InputError
        For values of another length or not finite, elements not there, or a link that
        reaches an atom's own image.
    """
    x = finite_values(values)
    if len(x) != len(atoms):
        raise InputError(f"{len(x)} values for {len(atoms)} atoms: expected one an atom")
    may = np.ones(len(x), dtype=bool)
    if elements is not None:
        may = np.isin(np.array(atoms.get_chemical_symbols()), list(elements))
    if not may.any():
        raise InputError(f"elements {elements}: none in {atoms.get_chemical_formula()}")
    chosen = np.flatnonzero(may & (x > threshold))
    part, n = atoms[chosen], len(chosen)
    i, j, shift = pairs_within("ijS", part, link)
    if (i == j).any():
        raise InputError(f"link {link} angstrom: expected less than the cell's shortest vector")
    graph = csr_matrix((np.ones(len(i)), (i, j)), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    edge, first = np.unique(i.astype(np.int64) * n + j, return_index=True)
    image = np.zeros((n, 3), dtype=np.int64)
    made = []
    for number in np.unique(label):
        members = np.flatnonzero(label == number)
        # Walk the cluster and count cell borders: each atom gets the image the walk reaches.
        order, parent = breadth_first_order(graph, members[0], directed=False)
        for k in order[1:]:
            step = shift[first[np.searchsorted(edge, int(parent[k]) * n + int(k))]]
            image[k] = image[parent[k]] + step
        own = label[i] == number
        # A bond that leads to another image than the walk closes a loop around the cell.
        loops = np.unique(image[i[own]] + shift[own] - image[j[own]], axis=0)
        windings = int(np.linalg.matrix_rank(loops)) if len(loops) else 0
        made.append(Zone(chosen[members], len(members) / len(atoms), windings))
    return sorted(made, key=lambda zone: (-zone.size, int(zone.indices[0])))


@dataclass(frozen=True)
class Localisation:
    """How concentrated the deformation is.

    Attributes
    ----------
    participation:
        (sum D)^2 / (N sum D^2) of D2min: 1 where all share, 1/N where one has all.
    psi:
        Standard deviation over atoms of the local von Mises strain (degree of strain
        localisation); the strain is that of Shimizu et al. 2007,
        :func:`repro.clay.nonaffine.mises_strain`.  Thermal motion alone gives it a floor.
    largest:
        Share of the total D2min in the largest zone, 0 without zones.
    """

    participation: float
    psi: float
    largest: float


def localisation(field: NonAffine, found: Sequence[Zone]) -> Localisation:
    """Return measures of localisation of one pair of frames.

    Parameters
    ----------
    field, found:
        Of :func:`repro.clay.nonaffine.d2min` and :func:`zones`.

    Raises
    ------
    InputError
        Where D2min is zero everywhere.
    """
    total, squares = float(field.d2min.sum()), float((field.d2min**2).sum())
    if total <= 0:
        raise InputError("D2min is zero everywhere: expected some that is not affine")
    big = max(found, key=lambda zone: zone.size, default=None)
    return Localisation(
        participation=total**2 / (len(field.d2min) * squares), psi=float(field.mises.std()),
        largest=float(field.d2min[big.indices].sum()) / total if big is not None else 0.0,
    )  # fmt: skip
