r"""Non-affine displacement of atoms between two frames, and the local shear strain.

Between two frames of a sheared cell the neighbours :math:`j` of atom :math:`i` move from
:math:`\mathbf r_{ij}` to :math:`\mathbf r'_{ij}`.  The affine map that fits best leaves

.. math:: D^2_{\min,i} = \min_{F_i} \sum_{j} |\mathbf r'_{ij} - F_i \mathbf r_{ij}|^2,

a **sum** over neighbours as in Falk & Langer, Phys. Rev. E 57, 7192 (1998), not a mean, so
it grows with the cutoff and the density.  Neighbours are those of the earlier frame.  With
:math:`\eta = (F^T F - 1)/2` the local shear strain of Shimizu, Ogata & Li, Mater. Trans.
48, 2923 (2007) is

.. math:: \eta^{\text{Mises}} = \sqrt{\eta_{yz}^2 + \eta_{xz}^2 + \eta_{xy}^2 +
   [(\eta_{yy}-\eta_{zz})^2 + (\eta_{xx}-\eta_{zz})^2 + (\eta_{xx}-\eta_{yy})^2]/6}.

``matscipy.atomic_strain`` gives the same sum but takes one image of each neighbour, by
rounding: wrong where the cutoff is above half a height of the cell, and slow, a loop over
atoms.  Here each atom is followed through the nearest image of its displacement in
fractional coordinates, less the drift common to all; cells may be small and tilted,
coordinates wrapped or not.  Assumed: no atom moves by half a cell against the others
between two frames, and the cell does not flip.

Frames are periodic, of the same atoms in the same order.  What is computed from one pair
of frames has no statistical error; errors come from blocks of frames or seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from repro.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def pairs_within(
    quantities: str, atoms: Atoms, cutoff: float | Mapping[tuple[str, str], float]
) -> tuple[Any, ...]:
    """Return matscipy's neighbour list; atoms outside the cell count by their images.

    Parameters
    ----------
    quantities:
        One letter an array, as for ``matscipy.neighbours.neighbour_list``: ``i`` and ``j``
        (P,), distance ``d`` (P,) and vector ``D`` (P, 3) in angstrom, cells between ``S``
        (P, 3).
    atoms:
        A frame; every pair is there in both directions.
    cutoff:
        Angstrom, for all or by pair of elements.

    Raises
    ------
    InputError
        For a cell without volume or not periodic in three directions, or a cutoff that is
        not positive.
    """
    from matscipy.neighbours import neighbour_list

    if not atoms.pbc.all() or not abs(atoms.cell.volume) > 0:
        raise InputError(f"cell {atoms.cell.array.tolist()}, periodic {atoms.pbc.tolist()}: "
                         "expected a cell periodic in three directions")  # fmt: skip
    lengths = list(cutoff.values()) if isinstance(cutoff, Mapping) else [cutoff]
    if not all(np.isfinite(one) and one > 0 for one in lengths):
        raise InputError(f"cutoff {cutoff} angstrom: expected a positive number")
    return tuple(neighbour_list(quantities, atoms, cutoff))


@dataclass(frozen=True)
class NonAffine:
    """Deformation around each of N atoms.

    Attributes
    ----------
    d2min:
        Sum over neighbours, angstrom^2, (N,).
    deformation:
        Best affine map F, column vectors, r' = F r, the cell's own included, (N, 3, 3).
    mises:
        Local von Mises shear strain, (N,); half the engineering strain in simple shear.
    neighbours:
        Number of neighbours, (N,); ``d2min / neighbours`` is the mean square.
    """

    d2min: Floats
    deformation: Floats
    mises: Floats
    neighbours: Ints


def mises_strain(deformation: Floats) -> Floats:
    """Return the local von Mises shear strain of deformation gradients F, (..., 3, 3)."""
    f = np.asarray(deformation, dtype=float)
    e = (np.swapaxes(f, -1, -2) @ f - np.eye(3)) / 2
    x, y, z = e[..., 0, 0], e[..., 1, 1], e[..., 2, 2]
    shear = e[..., 1, 2] ** 2 + e[..., 0, 2] ** 2 + e[..., 0, 1] ** 2
    result: Floats = np.sqrt(shear + ((y - z) ** 2 + (x - z) ** 2 + (x - y) ** 2) / 6)
    return result


def d2min(before: Atoms, after: Atoms, *, cutoff: float = 6.5) -> NonAffine:
    """Return D2min, local deformation and local shear strain of every atom.

    Parameters
    ----------
    before, after:
        Two frames; the paper takes them a shear strain of 0.01 apart.
    cutoff:
        Distance of neighbours in ``before``, angstrom.

    Raises
    ------
    InputError
        For frames of other atoms, a cell that is not periodic or changes by half or more
        (as by a flip), or an atom without three neighbours out of one plane.
    """
    if len(before) != len(after) or (before.numbers != after.numbers).any():
        raise InputError(f"frames of {before.get_chemical_formula()} and "
                         f"{after.get_chemical_formula()}: expected the same atoms in the same "
                         "order")  # fmt: skip
    i, j, r = pairs_within("ijD", before, cutoff)
    n, start, end = len(before), before.cell.array, after.cell.array
    change = np.linalg.solve(start, end).T
    if np.abs(change - np.eye(3)).max() >= 0.5:
        raise InputError(f"the cell changes by {np.abs(change - np.eye(3)).max():.2f} between the "
                         "frames: expected less than 0.5; did it flip?")  # fmt: skip
    moved = after.positions @ np.linalg.inv(end) - before.positions @ np.linalg.inv(start)
    # A drift of half a cell has no nearest image; its mean on the circle is always defined.
    moved -= np.angle(np.exp(2j * np.pi * moved).mean(axis=0)) / (2 * np.pi)
    moved = (moved - np.round(moved)) @ end
    # Beyond the cell's own map, pair ij moves by moved[j] - moved[i]; sums over j are
    # products with sparse matrices, and what is small is not the difference of large sums.
    begin = np.concatenate([[0], np.cumsum(np.bincount(i, minlength=n))])

    def total(weights: Floats, of: Floats) -> Floats:
        return np.asarray(csr_matrix((weights, j, begin), shape=(n, n)) @ of)

    terms = np.column_stack([moved, (moved**2).sum(axis=1), np.ones(n)])
    sums = total(np.ones(len(j)), terms)
    cross = np.stack([total(r[:, k], terms) for k in range(3)], axis=2)
    outer = cross[:, :3] - moved[:, :, None] * cross[:, 4, None]
    square = sums[:, 3] - 2 * (moved * sums[:, :3]).sum(axis=1) + terms[:, 3] * sums[:, 4]
    gram = np.empty((n, 3, 3))
    for a in range(3):
        for b in range(a + 1):
            gram[:, a, b] = gram[:, b, a] = np.bincount(i, r[:, a] * r[:, b], minlength=n)
    flat = np.linalg.eigvalsh(gram)[:, 0] <= 1e-9 * cutoff**2
    if flat.any():
        first = int(np.argmax(flat))
        raise InputError(f"atom {first} has {int(sums[first, 4])} neighbours within {cutoff} "
                         "angstrom: expected three or more, not in one plane")  # fmt: skip
    own = np.linalg.solve(gram, np.swapaxes(outer, 1, 2)).swapaxes(1, 2)
    rest = np.maximum(square - (own * outer).sum(axis=(1, 2)), 0.0)
    whole = change + own
    return NonAffine(rest, whole, mises_strain(whole), np.diff(begin).astype(np.int64))
