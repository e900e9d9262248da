r"""What FEFF leaves in its folder: the list of paths, and chi(k).

``feff8l`` writes ``chi.dat``.  ``feff6l``, as larch's wheel has it, stops one step before:
its files ``feffNNNN.dat`` are summed here as FEFF's own last module does,

.. math:: \chi(k) = \sum_p \frac{N_p\,|f_p(k)|\,r_p(k)}{k R_p^2} e^{-2R_p/\lambda_p(k)}
          \sin\left(2kR_p + \phi_p(k) + 2\delta_c(k)\right),

with amplitude and phase interpolated linearly, and the amplitude at k = 0 extrapolated from the
next two points.  The sum over the path files of a ``feff8l`` run gives its ``chi.dat`` to 0.1 %.

k is the wave number above FEFF's own estimate of the Fermi level.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
STEP, LAST = 0.05, 20.0  # 1/angstrom, of FEFF's output
GRID: Floats = STEP * np.arange(round(LAST / STEP) + 1)
GRID.setflags(write=False)
_COLUMNS = ("k", "2 phc", "|feff|", "phase", "reduction", "lambda", "p")


@dataclass(frozen=True)
class Paths:
    """Scattering paths of a site.

    Attributes
    ----------
    reff:
        Half length, angstrom (P,).
    degeneracy:
        How many like it, a path and its reverse counted as two (P,).
    legs:
        2 for single scattering (P,).
    amplitude:
        Curved-wave amplitude, percent of that of the shortest path (P,).
    """

    reff: Floats
    degeneracy: Floats
    legs: Integers
    amplitude: Floats

    def __len__(self) -> int:
        return len(self.reff)


def _words(file: Path) -> list[str]:
    """Return the lines of a file; what is not text in it becomes question marks."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{file.name}: cannot be read ({error.strerror})") from None


def _floats(words: list[str], file: Path) -> list[float]:
    try:
        return [float(w) for w in words]
    except ValueError:
        # Fortran writes a number of three digits of exponent without its E, or only stars.
        raise InputError(f"{file.name}: {' '.join(words)!r} are not all numbers") from None


def _rows(file: Path) -> list[list[str]]:
    lines = _words(file)
    start = next((i for i, line in enumerate(lines) if "amp ratio" in line), None)
    if start is None:
        raise InputError(f"{file.name}: no list of paths in it")
    return [line.split() for line in lines[start + 1 :] if line.strip()]


def read_paths(file: Path) -> Paths:
    """Return the paths of ``list.dat`` (feff8l) or ``files.dat`` (feff6l).

    Raises
    ------
    InputError
        If the file is missing, has no list, or something that is no number in it.
    """
    rows = _rows(file)
    short = next((row for row in rows if len(row) != 6), None)
    if short is not None or not rows:
        raise InputError(f"{file.name}: {short}; expected a name and five numbers for each path")
    table = np.array([_floats(row[1:], file) for row in rows])
    return Paths(table[:, 4], table[:, 2], table[:, 3].astype(np.int64), table[:, 1])


def read_chi(file: Path) -> Floats:
    """Return chi of ``chi.dat`` on :data:`GRID`.

    FEFF8 leaves out k = 0 where the edge falls between two points of its grid; the value
    there, which no transform sees, is then extrapolated from the next two.

    Raises
    ------
    InputError
        If the file is missing or cut, or does not hold finite numbers.
    """
    rows = [line.split() for line in _words(file) if line.strip() and line.lstrip()[0] != "#"]
    if any(len(row) < 2 for row in rows):
        raise InputError(f"{file.name}: a line without chi")
    table = np.array([_floats(row[:2], file) for row in rows]).reshape(-1, 2)
    k, chi = table.T
    if len(k) not in (len(GRID), len(GRID) - 1) or not np.allclose(k, GRID[-len(k) :], atol=1e-3):
        raise InputError(f"{file.name}: {len(k)} points; expected k from 0 to {LAST:g} in steps of "
                         f"{STEP:g} 1/angstrom")  # fmt: skip
    if len(k) < len(GRID):
        chi = np.concatenate([[2 * chi[0] - chi[1]], chi])
    if not np.isfinite(chi).all():
        raise InputError(f"{file.name}: chi is not finite")
    return np.asarray(chi)


def path_chi(file: Path) -> Floats:
    """Return chi of one ``feffNNNN.dat`` on :data:`GRID`, S02 and sigma squared as 1 and 0.

    Raises
    ------
    InputError
        If the file is missing or cut, or does not hold finite numbers.
    """
    lines = _words(file)
    head = next((i for i, line in enumerate(lines) if "nleg, deg, reff" in line), None)
    start = next((i for i, line in enumerate(lines) if "real[2*phc]" in line), None)
    if head is None or start is None:
        raise InputError(f"{file.name}: not a path of FEFF, or cut")
    _, degeneracy, reff = _floats(lines[head].split()[:3], file)
    rows = [line.split() for line in lines[start + 1 :] if line.strip()]
    if any(len(row) != len(_COLUMNS) for row in rows):
        raise InputError(f"{file.name}: a line without {len(_COLUMNS)} columns")
    table = np.array([_floats(row, file) for row in rows]).reshape(-1, len(_COLUMNS))
    k, centre, size, phase, reduction, free, _ = table.T
    if len(k) < 3 or k[0] != 0 or k[-1] < LAST - 1e-6 or not np.isfinite(table).all():
        raise InputError(f"{file.name}: expected finite numbers for k from 0 to {LAST:g}")
    amplitude = np.zeros_like(k)
    amplitude[1:] = (degeneracy * size * reduction * np.exp(-2 * reff / free))[1:] / (
        k[1:] * reff**2
    )
    amplitude[0] = 2 * amplitude[1] - amplitude[2]
    turned = np.unwrap(centre + phase)
    return np.asarray(np.interp(GRID, k, amplitude)
                      * np.sin(2 * GRID * reff + np.interp(GRID, k, turned)))  # fmt: skip


def summed(folder: Path, *, least: float = 0.0) -> Floats:
    """Return the sum over the path files of a folder on :data:`GRID`.

    Parameters
    ----------
    folder:
        Of a ``feff6l`` run: ``files.dat`` and the files it names.
    least:
        Paths of a smaller curved-wave amplitude (percent) are left out, as the first number
        of CRITERIA has it.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    file = folder / "files.dat"
    paths, total = read_paths(file), np.zeros_like(GRID)
    for row, amplitude in zip(_rows(file), paths.amplitude, strict=True):
        if not re.fullmatch(r"feff\d+\.dat", row[0]):
            raise InputError(f"{file.name}: {row[0]!r}; expected the name of a path's file")
        if amplitude >= least:
            total += path_chi(folder / row[0])
    return total
