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

Each pair of neighbours is listed once, by vesin, and its products are summed at both of its
ends: with :math:`u_{ij} = r'_{ij} - F r_{ij}` of the cell's own map :math:`F` all of them
(:math:`u_a r_b`, :math:`r_a r_b`, :math:`u^2`) are the same seen from either end.

Frames are periodic, of the same atoms in the same order.  What is computed from one pair
of frames has no statistical error; errors come from blocks of frames or seeds.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.sparse import csc_matrix

from repro.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
AT_ONCE = 32768
"""Pairs looked at together, so that what is made of them stays in the processor's cache."""


_OWN = threading.local()


def pairs_once(quantities: str, atoms: Atoms, cutoff: float) -> tuple[Any, ...]:
    """Return vesin's neighbour list with each pair once, as views for a quick look.

    The next call in the same thread writes into the same memory: asking the system for it
    anew for each frame takes a sixth of the time of a search.

    Parameters
    ----------
    quantities:
        One letter an array: both atoms ``P`` (P, 2), distance ``d`` (P,) and vector ``D``
        from the first to the second (P, 3) in angstrom.
    atoms:
        A frame periodic in three directions; atoms outside the cell count by their images.
    cutoff:
        Angstrom.
    """
    from vesin import NeighborList

    search = getattr(_OWN, "search", None)
    if search is None:
        search = _OWN.search = NeighborList(cutoff=cutoff, full_list=False)
    search.cutoff = float(cutoff)
    found = search.compute(atoms.positions, atoms.cell.array, True, quantities, copy=False)
    return tuple(found)


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

    lengths = list(cutoff.values()) if isinstance(cutoff, Mapping) else [cutoff]
    _periodic(atoms, lengths)
    return tuple(neighbour_list(quantities, atoms, cutoff))


def _periodic(atoms: Atoms, lengths: Sequence[float]) -> None:
    """Refuse a frame that has no neighbour list, and cutoffs that are not positive."""
    if not atoms.pbc.all() or not abs(atoms.cell.volume) > 0:
        raise InputError(f"cell {atoms.cell.array.tolist()}, periodic {atoms.pbc.tolist()}: "
                         "expected a cell periodic in three directions")  # fmt: skip
    for one in lengths:
        if not (np.isfinite(one) and one > 0):
            raise InputError(f"cutoff {one} angstrom: expected a positive number")


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
    _periodic(before, [cutoff])
    start, end = before.cell.array, after.cell.array
    change = np.linalg.solve(start, end).T
    if np.abs(change - np.eye(3)).max() >= 0.5:
        raise InputError(f"the cell changes by {np.abs(change - np.eye(3)).max():.2f} between the "
                         "frames: expected less than 0.5; did it flip?")  # fmt: skip
    moved = after.positions @ np.linalg.inv(end) - before.positions @ np.linalg.inv(start)
    # A drift of half a cell has no nearest image; its mean on the circle is always defined.
    moved -= np.angle(np.exp(2j * np.pi * moved).mean(axis=0)) / (2 * np.pi)
    moved = (moved - np.round(moved)) @ end
    cross, gram, square, count = _sums(before, moved, cutoff)
    # det / (trace / 2)^2 is no more than the smallest eigenvalue: few atoms need a closer look.
    half = np.trace(gram, axis1=1, axis2=2) / 2
    suspect = np.flatnonzero(np.linalg.det(gram) <= 1e-9 * cutoff**2 * half**2)
    flat = suspect[np.linalg.eigvalsh(gram[suspect])[:, 0] <= 1e-9 * cutoff**2]
    if len(flat):
        raise InputError(f"atom {flat[0]} has {count[flat[0]]} neighbours within {cutoff} "
                         "angstrom: expected three or more, not in one plane")  # fmt: skip
    own = np.linalg.solve(gram, cross)
    rest = np.maximum(square - (own * cross).sum(axis=(1, 2)), 0.0)
    whole = change + own.swapaxes(1, 2)
    return NonAffine(rest, whole, mises_strain(whole), count)


def _sums(before: Atoms, moved: Floats, cutoff: float) -> tuple[Floats, Floats, Floats, Ints]:
    """Return sums over the neighbours of each atom, of what moved beyond the cell's own map.

    Parameters
    ----------
    before:
        The earlier frame.
    moved:
        Displacement of each atom, (N, 3).
    cutoff:
        Angstrom.

    Returns
    -------
    tuple
        With r a neighbour's place and u its displacement relative to the atom: r_b u_a,
        (N, 3, 3); r_b r_a, (N, 3, 3); u^2, (N,); number of neighbours, (N,).
    """
    n = len(before)
    pairs, vectors = pairs_once("PD", before, cutoff)
    sums = np.zeros((16, n))
    product = np.empty(min(AT_ONCE, len(pairs)))
    one, begins = np.ones(2 * len(product)), np.arange(0, 2 * len(product) + 1, 2, dtype=np.int32)
    for begin in range(0, len(pairs), AT_ONCE):
        ends = pairs[begin : begin + AT_ONCE].astype(np.int32)
        r = vectors[begin : begin + AT_ONCE].T.copy()
        u = (moved.take(ends[:, 1], axis=0) - moved.take(ends[:, 0], axis=0)).T.copy()
        both = csc_matrix((one[: ends.size], ends.ravel(), begins[: len(ends) + 1]),
                          shape=(n, len(ends)))  # fmt: skip
        x = product[: len(ends)]
        for k, (b, a) in enumerate(itertools.product(range(3), repeat=2)):
            sums[k] += both @ np.multiply(r[b], u[a], out=x)
        for k, (b, a) in enumerate(itertools.combinations_with_replacement(range(3), 2)):
            sums[9 + k] += both @ np.multiply(r[b], r[a], out=x)
        sums[15] += both @ (u**2).sum(axis=0)
    cross = sums[:9].T.reshape(n, 3, 3)
    gram = sums[[9, 10, 11, 10, 12, 13, 11, 13, 14]].T.reshape(n, 3, 3)
    count = np.bincount(pairs.view(np.int64).ravel(), minlength=n)
    return cross, gram, sums[15], count
