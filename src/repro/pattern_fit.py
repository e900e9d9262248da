"""One pattern and the weighted least-squares fit of phases to it.

Used by :mod:`repro.identify`; see there for the method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.optimize import minimize

from repro import diffraction
from repro.diffraction import Instrument, Lines, Strain
from repro.patterns import Pattern

Array = NDArray[np.float64]
SIZE_RANGE = (3.0, 200.0)  # nm, of the refinement
KNOT_STEP = 5.0  # degrees
GRID_STEP = 0.04  # degrees; finer scans are summed to about this step


@dataclass(frozen=True)
class Candidate:
    """A phase that may be in the powder.

    Attributes
    ----------
    lines:
        Its reflections.
    stretch:
        How far its cell may be off, as a fraction of the edges.
    elements:
        Symbols, for leaving out what cannot be in the jar.
    """

    lines: Lines
    stretch: float
    elements: frozenset[str]

    @property
    def name(self) -> str:
        """Phase name."""
        return self.lines.name


def regrid(pattern: Pattern) -> tuple[Array, Array, Array]:
    """Return grid, mean intensity and standard deviation on the working grid.

    The noise is taken from second differences of the data, so counts, counts per
    second and normalised intensities are treated alike.
    """
    x, y = pattern.two_theta, pattern.intensity
    smooth = np.convolve(np.pad(y, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    floor = max(float(smooth[smooth > 0].min()), 1e-3 * float(smooth.mean()))
    base = np.maximum(smooth, floor)
    wiggle = (y[:-2] - 2 * y[1:-1] + y[2:]) ** 2 / 6 / base[1:-1]
    # the median of chi^2 with one degree of freedom is 0.455
    scale = max(float(np.median(wiggle)) / 0.455, 1e-6 * float(base.mean()))
    join = max(1, round(GRID_STEP / float(np.median(np.diff(x)))))
    n = len(x) // join
    xs, ys, vs = (a[: n * join].reshape(n, join).mean(axis=1) for a in (x, y, scale * base))
    return xs, ys, np.sqrt(vs / join)


def spline_basis(x: Array, *, step: float = KNOT_STEP) -> Array:
    """Return (n, m) cubic B-splines over the range of x; their sum is one."""
    inner = np.linspace(x[0], x[-1], max(2, round((x[-1] - x[0]) / step) + 1))
    knots = np.r_[[inner[0]] * 3, inner, [inner[-1]] * 3]
    return np.asarray(BSpline.design_matrix(x, knots, 3).toarray())


@dataclass
class State:
    """Strain, size and pattern of a phase in the fit."""

    strain: Strain
    size: float
    column: Array


def four_numbers(strain: Strain) -> Array:
    """Return edges and tilt of any strain."""
    if isinstance(strain, (int, float)):
        return np.array([strain, strain, strain, 0.0])
    return np.array(strain)


class PatternFit:
    """One pattern with the weighted columns of the phases in it."""

    def __init__(self, pattern: Pattern, candidates: Sequence[Candidate], instrument: Instrument):
        self.x, self.y, self.sigma = regrid(pattern)
        self.basis = spline_basis(self.x)
        self.target = self.y / self.sigma
        self.candidates = {c.name: c for c in candidates}
        self.instrument = instrument
        self.shift = 0.0
        self.active: dict[str, State] = {}

    def column(self, name: str, strain: Strain, size: float) -> Array:
        """Return the unweighted pattern of a candidate."""
        return diffraction.profile(
            self.candidates[name].lines, self.x, size=size, strain=strain, shift=self.shift,
            instrument=self.instrument,
        )  # fmt: skip

    def project(self, without: str | None = None) -> tuple[Array, Array]:
        """Return an orthonormal basis of the model and the residual."""
        columns = [s.column for n, s in self.active.items() if n != without]
        q, _ = np.linalg.qr(np.column_stack([self.basis, *columns]) / self.sigma[:, None])
        return q, self.target - q @ (q.T @ self.target)

    def gains(self, q: Array, residual: Array, columns: Array) -> Array:
        """Return the drop of chi^2 for each weighted column, 0 for negative scales."""
        columns = columns / self.sigma[:, None]
        rest = columns - q @ (q.T @ columns)
        norm = np.einsum("ij,ij->j", rest, rest)
        full = np.einsum("ij,ij->j", columns, columns)
        dot = np.maximum(residual @ rest, 0.0)
        usable = norm > 1e-4 * full
        return np.where(usable, dot**2 / np.where(usable, norm, 1.0), 0.0)

    def scatter(self, residual: Array) -> float:
        """Return reduced chi^2 of a residual, at least 1."""
        used = self.basis.shape[1] + 3 * len(self.active)
        return max(1.0, float(residual @ residual) / max(len(residual) - used, 1))

    def refine(self, name: str, *, strain: Strain, size: float) -> None:
        """Optimise strain and size of one phase with the others held; store it."""
        free = np.array([[1], [1], [1], [0]])
        if not isinstance(strain, (int, float)):
            free = self.candidates[name].lines.freedom()
        vector = np.linalg.pinv(free) @ four_numbers(strain)
        self._climb(name, free, vector, size, calls=35 if free.shape[1] == 1 else 90)

    def loosen(self, name: str, *, strain: float) -> None:
        """Free the cell edges of a phase, from broad lines to sharp ones; store it.

        Broad lines overlap the data even when the cell is wrong, so the way to the
        best cell is downhill; then the lines are sharpened.
        """
        free = self.candidates[name].lines.freedom()
        vector = np.linalg.pinv(free) @ four_numbers(strain)
        for size in (4.0, 8.0, 16.0):
            vector = self._climb(name, free, vector, size, calls=70, fix_size=True)
        self._climb(name, free, vector, 25.0, calls=120)

    def _climb(self, name: str, free: NDArray[np.int_], vector: Array, size: float, *,
               calls: int, fix_size: bool = False) -> Array:  # fmt: skip
        q, residual = self.project(name)
        stretch = self.candidates[name].stretch
        low, high = np.log(SIZE_RANGE[0]), np.log(SIZE_RANGE[1])
        single = free.shape[1] == 1

        def unpack(p: Array) -> tuple[Strain, float]:
            edges = np.clip(p[:-1], -1, 1) * stretch
            wide = float(np.exp(np.clip(p[-1], low, high)))
            four = free @ edges
            strain: Strain = float(edges[0]) if single else (
                float(four[0]), float(four[1]), float(four[2]), float(four[3]))  # fmt: skip
            return strain, size if fix_size else wide

        def loss(p: Array) -> float:
            out = np.maximum(np.abs(p[:-1]) - 1, 0).sum() + max(low - p[-1], 0)
            out += max(p[-1] - high, 0)
            column = self.column(name, *unpack(p))
            gain = float(self.gains(q, residual, column[:, None])[0])
            return -gain * (1 - min(float(out), 0.9))

        start = np.r_[vector / stretch, np.log(size)]
        step = np.vstack(
            [
                np.zeros(len(start)),
                np.diag(
                    np.r_[np.full(len(vector), 0.1 if single else 0.3 * min(1.0, 8.0 / size)), 0.4]
                ),
            ]
        )
        best = minimize(loss, start, method="Nelder-Mead",
                        options={"initial_simplex": start + step, "xatol": 2e-3, "fatol": 0.3,
                                 "maxfev": calls})  # fmt: skip
        strain, size = unpack(best.x)
        self.active[name] = State(strain, size, self.column(name, strain, size))
        return np.asarray(np.clip(best.x[:-1], -1, 1) * stretch)

    def refine_shift(self) -> None:
        """Optimise the common zero error within 0.1 degrees."""
        saved = self.shift

        def loss(p: Array) -> float:
            self.shift = float(np.clip(p[0], -0.1, 0.1))
            for name, state in self.active.items():
                state.column = self.column(name, state.strain, state.size)
            return float(np.sum(self.project()[1] ** 2))

        best = minimize(loss, [saved], method="Nelder-Mead",
                        options={"initial_simplex": [[saved], [saved + 0.03]], "xatol": 2e-3,
                                 "fatol": 0.5, "maxfev": 14})  # fmt: skip
        loss(best.x)
