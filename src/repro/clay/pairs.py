r"""Partial pair distributions and coordination numbers of a stream of frames.

For :math:`N_a` atoms a and :math:`N_b` atoms b in a volume V,

.. math:: g_{ab}(r) = \frac{V}{N_a N_b'} \frac{\langle \text{pairs in the shell} \rangle}
          {\tfrac{4\pi}{3}(r_+^3 - r_-^3)}, \qquad
          n_{ab}(r) = 4\pi\rho_b \int_0^r g_{ab}(s)\, s^2\, ds,

with :math:`N_b' = N_b - 1` for like pairs (an atom is no neighbour of its own) and
:math:`N_b` otherwise, the convention of :func:`repro.potential.liquids.histogram`.  The
integral is what the counts are already: b within r of an a.  Pairs are counted by freud
(Ramasubramani et al., Comput. Phys. Commun. 254, 107275 (2020)) in single precision, and
normalised here in double.

Errors are those of blocks of consecutive frames (:class:`repro.clay.blocks.Blocks`): memory
does not grow with the number of frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from repro.clay.blocks import Blocks, ratio
from repro.errors import InputError
from repro.md.statistics import Estimate
from repro.potential.liquids import Partial, Peak, first_peak, pairs_of

Floats = NDArray[np.float64]
SINGLE = 1e-6  # relative; a little more than freud's single precision

__all__ = [
    "Minimum",
    "Pair",
    "Peak",
    "coordination",
    "first_minimum",
    "first_peak",
    "pair_distributions",
    "reach",
]


@dataclass(frozen=True)
class Pair(Partial):
    """Partial pair distribution of two elements a and b, and the coordination number.

    Attributes
    ----------
    pair, r, g, error, blocks:
        As in :class:`repro.potential.liquids.Partial`: (B,), ``blocks`` (K, B).
    frames:
        How many were averaged.
    atoms:
        Number of atoms a and of atoms b in a frame.
    density:
        Mean number density of the partner b, 1/angstrom^3; of the other N - 1 for a
        like pair.
    edges:
        Upper ends of the bins, (B,), angstrom.
    number, number_error:
        Coordination number n(r): atoms b within ``edges`` of an atom a, (B,), with its
        standard error from blocks.
    """

    frames: int
    atoms: tuple[int, int]
    density: float
    edges: Floats
    number: Floats
    number_error: Floats


@dataclass(frozen=True)
class Minimum:
    """A minimum of g(r): place (angstrom) and depth, with standard errors from blocks."""

    position: float
    position_error: float
    depth: float
    depth_error: float


def reach(frame: Atoms) -> float:
    """Return the largest r_max a frame allows, angstrom.

    Half the shortest height of its cell: no atom then has two images within reach of
    another.  A millionth less, since freud computes in single precision.

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
    areas = [np.linalg.norm(np.cross(cell[k - 2], cell[k - 1])) for k in range(3)]
    return float(volume / max(areas) / 2 * (1 - SINGLE))


def _placed(frame: Atoms, freud: Any) -> tuple[Any, Floats]:
    """Return freud's box and the positions in it.

    freud has a along x and b in the xy plane, as LAMMPS has.  Any other cell is turned
    (or mirrored: distances do not care), and its atoms with it.
    """
    upper = np.linalg.qr(frame.cell.array.T)[1]
    cell = upper.T * np.sign(np.diag(upper))
    box = freud.box.Box(
        Lx=cell[0, 0], Ly=cell[1, 1], Lz=cell[2, 2], xy=cell[1, 0] / cell[1, 1],
        xz=cell[2, 0] / cell[2, 2], yz=cell[2, 1] / cell[2, 2],
    )  # fmt: skip
    return box, (frame.get_scaled_positions(wrap=True) - 0.5) @ cell


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
    symbols = frame.get_chemical_symbols()
    return {element: symbols.count(element) for element in sorted(set(symbols))}


def pair_distributions(
    frames: Iterable[Atoms],
    *,
    r_max: float = 6.0,
    bins: int = 120,
    blocks: int = 5,
    only: Sequence[tuple[str, str]] | None = None,
) -> dict[tuple[str, str], Pair]:
    """Return g(r) and n(r) of the pairs of elements, in one pass over the frames.

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
    import freud

    if not r_max > 0 or bins < 1:
        raise InputError(f"r_max {r_max}, bins {bins}: expected a positive range and count")
    edges = np.linspace(0.0, r_max, bins + 1)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    sums, sizes, wanted, inverse = Blocks(blocks), dict[str, int](), list[tuple[str, str]](), 0.0
    counter = freud.density.RDF(bins=bins, r_max=r_max)
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
        box, points = _placed(frame, freud)
        symbols = np.array(frame.get_chemical_symbols())
        search = {e: freud.locality.AABBQuery(box, points[symbols == e]) for e in sizes}
        sample = np.zeros((len(wanted), 2, bins))
        for row, (a, b) in enumerate(wanted):
            how = {"mode": "ball", "r_max": r_max, "exclude_ii": a == b}
            counter.compute(search[b], query_points=points[symbols == a], neighbors=how)
            counts = np.asarray(counter.bin_counts, dtype=float)
            pairs = sizes[a] * (sizes[b] - (a == b))
            if pairs:
                sample[row] = counts * frame.get_volume() / pairs / shells, counts / sizes[a]
        # n(r) adds up bins, which are correlated: so it has blocks of its own.
        sample[:, 1] = np.cumsum(sample[:, 1], axis=1)
        sums.add(sample, np.ones((1, 1, 1)))
        inverse += 1 / frame.get_volume()
    if not sums.samples:
        raise InputError("no frames: expected one or more for a g(r)")
    above, below = sums.sums()
    value, error = ratio(above, below)
    return {
        (a, b): Pair(
            pair=(a, b), r=0.5 * (edges[1:] + edges[:-1]), g=value[row, 0], error=error[row, 0],
            blocks=(above / below)[:, row, 0], frames=sums.samples, atoms=(sizes[a], sizes[b]),
            density=(sizes[b] - (a == b)) * inverse / sums.samples, edges=edges[1:],
            number=value[row, 1], number_error=error[row, 1],
        )
        for row, (a, b) in enumerate(wanted)
    }  # fmt: skip


def coordination(found: Pair, *, to: float, around: str | None = None) -> Estimate:
    """Return how many partners an atom has within a distance, with the error from blocks.

    Parameters
    ----------
    found:
        From :func:`pair_distributions`.
    to:
        Angstrom, usually the first minimum; between the ends of bins, n(r) is linear.
    around:
        The element in the centre; the first of the pair by default.

    Raises
    ------
    InputError
        For a distance outside 0 to r_max, or an element that is not of the pair.
    """
    if around is not None and around not in found.pair:
        raise InputError(f"around {around!r}: expected {' or '.join(found.pair)}")
    if not 0 <= to <= found.edges[-1]:
        raise InputError(f"distance {to}: expected 0 to {found.edges[-1]:.3f} angstrom")
    # As many bonds end at an a as at a b.
    scale = 1.0 if around in (None, found.pair[0]) else found.atoms[0] / found.atoms[1]
    ends = np.concatenate([[0.0], found.edges])
    value, error = (np.interp(to, ends, np.concatenate([[0.0], values]))
                    for values in (found.number, found.number_error))  # fmt: skip
    return Estimate(float(scale * value), float(scale * error))


def _lowest(r: Floats, g: Floats, window: slice) -> tuple[float, float]:
    """Return place and depth: the middle of a flat bottom, else by a parabola of three bins."""
    part = g[window]
    flat = window.start + np.flatnonzero(part <= part.min() + 1e-9)
    low = int(flat[0])
    if len(flat) > 1 or low in (0, len(g) - 1):
        return float(r[flat].min() + r[flat].max()) / 2, float(g[low])
    left, middle, right = g[low - 1 : low + 2]
    bend = left - 2 * middle + right
    if bend <= 0:
        return float(r[low]), float(middle)
    x = float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))
    return float(r[low] + x * (r[1] - r[0])), float(middle - 0.25 * (left - right) * x)


def first_minimum(found: Partial, *, smooth: float = 0.05, rise: float = 0.1) -> Minimum:
    """Return the first minimum of g(r) after its first peak.

    The curve is smoothed and followed from the top of the peak until it has risen again
    by ``rise`` and by three of its standard errors; the minimum is its lowest point up to
    there, or the middle where it is flat (zero between two shells).

    Parameters
    ----------
    found:
        From :func:`pair_distributions` or :func:`repro.potential.liquids.partial_rdf`.
    smooth:
        Standard deviation of the Gaussian, angstrom; 0 for none.
    rise:
        In units of g.

    Raises
    ------
    InputError
        If there is no peak, or no rise after it before r_max.
    """
    top = first_peak(found)
    r, count = found.r, len(found.blocks)
    if len(r) < 3 or smooth < 0:
        raise InputError(f"{len(r)} bins, smoothing {smooth}: expected 3 or more, and 0 or more")
    # scipy wants some width; with so little the curve stays as it is.
    sigma = max(smooth / float(r[1] - r[0]), 0.01)
    parts = np.array([gaussian_filter1d(block, sigma, mode="nearest") for block in found.blocks])
    g = np.asarray(gaussian_filter1d(found.g, sigma, mode="nearest"))
    noise = parts.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else np.zeros(len(r))
    start = min(int(np.searchsorted(r, top.position)), len(r) - 1)
    after = g[start:]
    up = after - np.minimum.accumulate(after) > np.maximum(rise, 3 * noise[start:])
    if not up.any():
        raise InputError(f"{'-'.join(found.pair)}: g(r) does not rise again between its peak at "
                         f"{top.position:.2f} and {r[-1]:.2f} angstrom; take a larger r_max")  # fmt: skip
    window = slice(start, start + int(np.argmax(up)))
    position, depth = _lowest(r, g, window)
    each = np.array([_lowest(r, part, window) for part in parts])
    spread = each.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else np.full(2, np.nan)
    return Minimum(position, float(spread[0]), depth, float(spread[1]))
