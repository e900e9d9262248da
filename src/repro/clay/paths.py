r"""Paths of atoms through a periodic cell, and how far they lead: the mean squared displacement.

It is, at a lag of :math:`m` frames, the average over atoms and over all :math:`T - m` time
origins,

.. math:: \mathrm{MSD}(m) = \frac{1}{N} \sum_{i=1}^{N} \frac{1}{T-m} \sum_{k=0}^{T-m-1}
   \left|\mathbf{r}_i(k+m) - \mathbf{r}_i(k)\right|^2 ,

of unwrapped positions.  :func:`mean_squared_displacement` gives it at every lag by fast
Fourier transform (Calandrini et al., Collection SFN 12, 201 (2011), as in freud's ``msd.py``;
freud works in single precision, off by percents at short lags, so it is a check in tests).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from repro.errors import InputError

Floats = NDArray[np.float64]
ATOMS_AT_ONCE = 64


@dataclass(frozen=True)
class Track:
    """Unwrapped paths of one element.

    Attributes
    ----------
    positions:
        (T, N, 3) float32, angstrom from where each atom was at first, drift removed.
    dt_ps, volume:
        Time between them, ps, and volume of the cell, angstrom^3.
    """

    positions: NDArray[np.float32]
    dt_ps: float
    volume: float


def timed(frames: Iterable[Atoms]) -> tuple[Iterator[Atoms], float]:
    """Return frames and the time between them in ps, read off the first two.

    Raises
    ------
    InputError
        For fewer than two frames, or none with ``info["time_ps"]``.
    """
    rest = iter(frames)
    first = list(islice(rest, 2))
    if len(first) < 2 or any("time_ps" not in one.info for one in first):
        raise InputError(f"{len(first)} frames at the beginning: expected two or more, each with "
                         "info['time_ps']")  # fmt: skip
    dt = float(first[1].info["time_ps"]) - float(first[0].info["time_ps"])
    return chain(first, rest), dt


def _same(atoms: Atoms, first: Atoms, index: int, dt_ps: float) -> None:
    """Raise unless a frame has the atoms and cell of the first and its time."""
    if len(atoms) != len(first) or (atoms.numbers != first.numbers).any():
        raise InputError(f"frame {index}: {atoms.symbols} where the first has {first.symbols}: "
                         "expected the same atoms in the same order")  # fmt: skip
    change = float(np.abs(atoms.cell.array - first.cell.array).max())
    if change > 1e-3:
        raise InputError(f"frame {index}: the cell changed by {change:.3g} angstrom: expected a "
                         "fixed cell (NVT)")  # fmt: skip
    if "time_ps" in atoms.info and "time_ps" in first.info:
        passed = float(atoms.info["time_ps"]) - float(first.info["time_ps"])
        if abs(passed - index * dt_ps) > 0.01 * dt_ps:
            raise InputError(f"frame {index} is {passed:g} ps after the first: expected "
                             f"{index * dt_ps:g} ps, {dt_ps:g} ps apart")  # fmt: skip


def unwrapped(frames: Iterable[Atoms], *, dt_ps: float) -> Iterator[tuple[Atoms, Floats]]:
    """Yield, for each frame, the first frame and how far each atom has come since, (N, 3).

    One pass, two frames held.  The array of displacements is the same each time and changes
    with the next frame; drift is left in.

    Parameters
    ----------
    frames, dt_ps:
        As for :func:`tracks`.

    Raises
    ------
    InputError
        As that function.
    """
    first: Atoms | None = None
    for index, atoms in enumerate(frames):
        if first is None:
            first = atoms.copy()
            cell, volume = first.cell.array, float(abs(np.linalg.det(first.cell.array)))
            if not volume > 0 or not atoms.pbc.all():
                raise InputError("a cell without volume or not periodic: expected a periodic one")
            inverse = np.linalg.inv(cell)
            shortest = float(1.0 / np.linalg.norm(inverse, axis=0).max())
            before = atoms.positions @ inverse
            moved = np.zeros((len(atoms), 3))
        else:
            _same(atoms, first, index, dt_ps)
            now = atoms.positions @ inverse
            step = now - before
            # Below half a height, the nearest image is the one by rounding in any cell.
            step = (step - np.round(step)) @ cell
            far = np.linalg.norm(step, axis=1)
            if not far.max() <= shortest / 3:
                raise InputError(
                    f"frame {index}: atom {int(far.argmax())} moved {far.max():.2f} angstrom in "
                    f"{dt_ps:g} ps, the shortest height of the cell is {shortest:.2f}: expected a "
                    "third of it at most; write frames more often")  # fmt: skip
            moved += step
            before = now
        yield first, moved


def tracks(
    frames: Iterable[Atoms], *, dt_ps: float, elements: Sequence[str] | None = None, stride: int = 1
) -> dict[str, Track]:
    """Return the unwrapped paths of elements, relative to the centre of mass of all atoms.

    One pass, two frames held; what grows is the paths kept, 12 bytes x N x T / stride.

    Parameters
    ----------
    frames:
        Equally spaced in time, the same atoms, one fixed periodic cell of any shape;
        positions wrapped or not.  ``info["time_ps"]`` is checked where there is one.
    dt_ps:
        Between frames, ps.
    elements, stride:
        Whose paths are kept, all without; and every how many frames; all frames are used to
        unwrap.

    Raises
    ------
    InputError
        For frames that differ in atoms or cell or are not equally spaced, no atom of an
        element, a cell without volume, or frames so far apart that an atom moves more
        than a third of the shortest height of the cell between two.
    """
    if not dt_ps > 0 or stride < 1:
        raise InputError(f"frames {dt_ps} ps apart, stride {stride}: expected a time above 0 and "
                         "a stride of 1 or more")  # fmt: skip
    first: Atoms | None = None
    kept: dict[str, list[NDArray[np.float32]]] = {}
    for index, (one, moved) in enumerate(unwrapped(frames, dt_ps=dt_ps)):
        if first is None:
            first = one
            symbols = np.array(first.get_chemical_symbols())
            chosen = {e: np.flatnonzero(symbols == e) for e in elements or dict.fromkeys(symbols)}
            for e, own in chosen.items():
                if not len(own):
                    raise InputError(f"no {e} in {first.symbols}: expected an atom or more")
            kept = {str(e): [] for e in chosen}
            weights = first.get_masses() / first.get_masses().sum()
        if index % stride == 0:
            middle = weights @ moved
            for e, own in chosen.items():
                kept[str(e)].append((moved[own] - middle).astype(np.float32))
    if first is None:
        raise InputError("no frames: expected a trajectory")
    volume = float(abs(np.linalg.det(first.cell.array)))
    return {e: Track(np.stack(own), dt_ps * stride, volume) for e, own in kept.items()}


def track(frames: Iterable[Atoms], *, dt_ps: float, element: str = "Li", stride: int = 1) -> Track:
    """Return the unwrapped paths of one element; see :func:`tracks`.

    Raises
    ------
    InputError
        As that function.
    """
    return tracks(frames, dt_ps=dt_ps, elements=(element,), stride=stride)[element]


def mean_squared_displacement(positions: NDArray[Any], *, dt_ps: float) -> tuple[Floats, Floats]:
    """Return lags (ps) and the MSD (angstrom^2) at each, (T,) both, over all time origins.

    Parameters
    ----------
    positions:
        (T, N, 3) unwrapped, angstrom.
    dt_ps:
        Between them.

    Raises
    ------
    InputError
        For another shape or values that are not finite.
    """
    if positions.ndim != 3 or positions.shape[2] != 3 or 0 in positions.shape:
        raise InputError(f"positions of shape {positions.shape}: expected (T, N, 3)")
    if not np.isfinite(positions).all():
        raise InputError("positions that are not finite")
    length, count = positions.shape[:2]
    size = next_fast_len(2 * length, real=True)
    products, squares = np.zeros(length), np.zeros(length)
    for begin in range(0, count, ATOMS_AT_ONCE):
        x = positions[:, begin : begin + ATOMS_AT_ONCE].astype(np.float64)
        # The difference of two large sums keeps its digits if positions are small.
        x -= x.mean(axis=0)
        spectrum = (np.abs(rfft(x, size, axis=0)) ** 2).sum(axis=(1, 2))
        products += irfft(spectrum, size)[:length]
        squares += (x * x).sum(axis=(1, 2))
    lag = np.arange(length)
    total = np.concatenate([[0.0], np.cumsum(squares)])
    both = total[length - lag] + total[length] - total[lag]
    msd: Floats = (both - 2 * products) / (count * (length - lag))
    msd[0] = 0.0
    return dt_ps * lag, np.maximum(msd, 0.0)
