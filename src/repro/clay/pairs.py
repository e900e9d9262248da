r"""Partial pair distributions of a stream of frames.

For :math:`N_a` atoms a and :math:`N_b` atoms b in a volume V,

.. math:: g_{ab}(r) = \frac{V}{N_a N_b'} \frac{\langle \text{pairs in the shell} \rangle}
          {\tfrac{4\pi}{3}(r_+^3 - r_-^3)},

with :math:`N_b' = N_b - 1` for like pairs (an atom is no neighbour of its own) and
:math:`N_b` otherwise, the convention of :func:`repro.potential.liquids.histogram`.  Pairs are
listed once by vesin, all elements in one search, and counted by element and distance here:
half the time of freud (Ramasubramani et al., Comput. Phys. Commun. 254, 107275 (2020)), which
searches anew for each pair of elements and checks the counts in the tests.

Errors are those of blocks of consecutive frames (:class:`repro.clay.blocks.Blocks`): memory
does not grow with the number of frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import NDArray

from repro.clay.blocks import Blocks, ratio
from repro.clay.nonaffine import AT_ONCE, pairs_once
from repro.errors import InputError
from repro.potential.d2 import heights
from repro.potential.liquids import Partial, pairs_of

Floats = NDArray[np.float64]


def reach(frame: Atoms) -> float:
    """Return the largest r_max a frame allows, angstrom.

    Half the shortest height of its cell: no atom then has two images within reach of
    another.

    Raises
    ------
    InputError
        For a frame that is not periodic in three directions or has no volume.
    """
    cell = frame.cell.array
    volume = abs(float(np.linalg.det(cell)))
    if not bool(np.all(frame.pbc)) or not volume > 0:
        raise InputError(f"{frame.get_chemical_formula()}: expected a cell with a volume, periodic "
                         "in three directions")  # fmt: skip
    return float(heights(cell).min() / 2)


def _counts(frame: Atoms, elements: Sequence[str], r_max: float, bins: int) -> Floats:
    """Return how many neighbours atoms of one element have of another, (E, E, bins)."""
    many = len(elements)
    kind = np.zeros(len(atomic_numbers), dtype=np.int32)
    kind[[atomic_numbers[element] for element in elements]] = range(many)
    kind = kind[frame.numbers]
    # One place more in each row, for pairs at r_max itself.
    row, column = kind * many * (bins + 1), kind * (bins + 1)
    pairs, lengths = pairs_once("Pd", frame, r_max)
    once = np.zeros(many * many * (bins + 1), dtype=np.int64)
    for begin in range(0, len(pairs), AT_ONCE):
        ends = pairs[begin : begin + AT_ONCE].astype(np.int32)
        place = (lengths[begin : begin + AT_ONCE] * (bins / r_max)).astype(np.int32)
        place += row.take(ends[:, 0]) + column.take(ends[:, 1])
        once += np.bincount(place, minlength=len(once))
    table = once.reshape(many, many, bins + 1)[..., :bins]
    return (table + table.swapaxes(0, 1)).astype(float)


def _wanted(
    symbols: Sequence[str], only: Sequence[tuple[str, str]] | None
) -> list[tuple[str, str]]:
    there = pairs_of(symbols)
    if only is None:
        return there
    asked = {frozenset(pair) for pair in only}
    chosen = [pair for pair in there if frozenset(pair) in asked]
    if len(chosen) < len(asked) or not chosen:
        raise InputError(f"pairs {', '.join('-'.join(pair) for pair in only) or 'none'}: expected "
                         f"some of {', '.join('-'.join(pair) for pair in there)}")  # fmt: skip
    return chosen


def _sizes(frame: Atoms) -> dict[str, int]:
    numbers, count = np.unique(frame.numbers, return_counts=True)
    return dict(sorted((chemical_symbols[z], int(n)) for z, n in zip(numbers, count, strict=True)))


def pair_distributions(
    frames: Iterable[Atoms],
    *,
    r_max: float = 6.0,
    bins: int = 120,
    blocks: int = 5,
    only: Sequence[tuple[str, str]] | None = None,
) -> dict[tuple[str, str], Partial]:
    """Return g(r) of the pairs of elements, in one pass over the frames.

    Parameters
    ----------
    frames:
        Frames of the same atoms in order of time, in any periodic cell; read once.
    r_max:
        Angstrom; :func:`reach` says how far a frame allows.
    bins:
        Of equal width.
    blocks:
        The fewest blocks whose scatter gives the errors; up to twice as many are used.
    only:
        Pairs to compute, in either order; all by default.

    Returns
    -------
    dict
        By pair, named in the order of :func:`repro.potential.liquids.pairs_of`.

    Raises
    ------
    InputError
        For no frames, frames of other numbers of atoms than the first, a cell without
        periods or volume, positions that are not finite, an r_max beyond half the
        shortest height of a cell, or pairs that are not there.
    """
    if not r_max > 0 or bins < 1:
        raise InputError(f"r_max {r_max}, bins {bins}: expected a positive range and count")
    edges = np.linspace(0.0, r_max, bins + 1)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    sums, sizes, wanted = Blocks(blocks), dict[str, int](), list[tuple[str, str]]()
    for number, frame in enumerate(frames):
        if not number:
            sizes, wanted = _sizes(frame), _wanted(frame.get_chemical_symbols(), only)
        elif _sizes(frame) != sizes:
            raise InputError(f"frame {number} holds {_sizes(frame)}, frame 0 {sizes}: expected the "
                             "same atoms in all")  # fmt: skip
        if r_max > reach(frame):
            raise InputError(f"r_max {r_max}: frame {number} allows {reach(frame):.3f} angstrom, half "
                             "the shortest height of its cell; choose a smaller r_max")  # fmt: skip
        if not np.isfinite(frame.positions).all():
            raise InputError(f"frame {number}: positions that are not finite")
        elements = list(sizes)
        counts = _counts(frame, elements, r_max, bins)
        sample = np.zeros((len(wanted), bins))
        for row, (a, b) in enumerate(wanted):
            pairs = sizes[a] * (sizes[b] - (a == b))
            if pairs:
                there = counts[elements.index(a), elements.index(b)]
                sample[row] = there * frame.get_volume() / pairs / shells
        sums.add(sample, np.ones((1, 1)))
    if not sums.samples:
        raise InputError("no frames: expected one or more for a g(r)")
    above, below = sums.sums()
    value, error = ratio(above, below)
    return {
        pair: Partial(pair=pair, r=0.5 * (edges[1:] + edges[:-1]), g=value[row], error=error[row],
                      blocks=(above / below)[:, row])
        for row, pair in enumerate(wanted)
    }  # fmt: skip
