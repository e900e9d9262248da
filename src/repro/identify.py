"""Naming the phases in a powder pattern.

The whole pattern is fitted, not a list of peaks: a smooth background (cubic
B-splines, which also take up an amorphous halo) plus a sum of phase patterns with
non-negative scales.  Phases enter one at a time, the one that lowers the weighted
sum of squares most first (orthogonal matching pursuit); each brings its own strain,
because computed cells are off by a percent or two, and its own crystallite size.  The
strain is one number, or with ``free_cells`` one for each edge that symmetry frees:
slower, and needed for measured patterns of phases whose cell is only computed.  A phase stays if leaving it out would raise chi^2 by more than ``threshold``
in units of the scatter actually found.

Every answer carries what speaks against it: how many of its visible lines are really
there, and which other phase would explain the same intensity nearly as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from repro import diffraction
from repro.diffraction import BENCHTOP, Instrument, Strain
from repro.errors import InputError
from repro.pattern_fit import Candidate, PatternFit, State, four_numbers
from repro.patterns import Pattern

Array = NDArray[np.float64]
THRESHOLD = 60.0  # chi^2 units; set on simulated mixtures, see the chapter
MOST_PHASES = 6  # named in one pattern
SIZES = (5.0, 15.0, 60.0)  # nm, of the coarse search
BROAD = 3.5  # nm; what is smaller than that is called amorphous here
AMBIGUOUS = 0.7  # share of the gain by which a rival makes an answer ambiguous


@dataclass(frozen=True)
class Match:
    """A phase found.

    Attributes
    ----------
    name:
        Phase.
    gain:
        Figure of merit: rise of chi^2 if it is left out, in units of the scatter.
    weight, weight_err:
        Fraction of the crystalline weight, and its standard error (counting and
        misfit only; texture and microabsorption are not in it).
    strain, strain_err:
        Refined relative change of its cell edges (mean of the three) and its error.
    cell_change:
        The full strain, see :meth:`repro.diffraction.Lines.spacings`.
    size:
        Refined crystallite size in nm.
    lines_seen, lines_expected:
        How many lines are there, with at least half their height, of those that should
        stand out by more than four sigma and are mostly its own; and how many these are.
    rival, rival_share:
        The absent candidate that could best take its place, and the share of
        ``gain`` it would reach.
    """

    name: str
    gain: float
    weight: float
    weight_err: float
    strain: float
    strain_err: float
    cell_change: Strain
    size: float
    lines_seen: int
    lines_expected: int
    rival: str
    rival_share: float

    @property
    def ambiguous(self) -> bool:
        """Whether a rival would do nearly as well."""
        return self.rival_share > AMBIGUOUS


@dataclass(frozen=True)
class Identification:
    """Phases found in a pattern, with the fit.

    Attributes
    ----------
    matches:
        Phases, heaviest first.
    two_theta, observed, fitted, background:
        (n,) the fit on the working grid.
    parts:
        Phase name to its (n,) contribution.
    sigma:
        (n,) standard deviation of a point.
    chi2:
        Reduced chi^2; well above 1 says that something is not explained.
    unexplained:
        2theta of residual peaks beyond six sigma.
    suspects:
        Phases that the fit asked for without lines of their own that could be seen, or
        with crystallites below 3.5 nm: broad intensity, which may as well be amorphous.  Not among ``matches``.
    source:
        Of the pattern.
    """

    matches: tuple[Match, ...]
    two_theta: Array
    observed: Array
    fitted: Array
    background: Array
    parts: dict[str, Array]
    sigma: Array
    chi2: float
    unexplained: tuple[float, ...]
    suspects: tuple[str, ...]
    source: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the phases found."""
        return tuple(match.name for match in self.matches)


class Library:
    """Candidate patterns at all coarse strains and sizes on one grid, made once."""

    def __init__(self, candidates: Sequence[Candidate], *, instrument: Instrument = BENCHTOP):
        if not candidates:
            raise InputError("identification needs at least one candidate phase")
        names = [c.name for c in candidates]
        if len(set(names)) != len(names):
            raise InputError(f"candidate names must differ, found {sorted(names)}")
        self.candidates = tuple(candidates)
        self.instrument = instrument
        self._grid: Array | None = None
        self._columns: dict[str, tuple[Array, list[tuple[float, float]]]] = {}

    def columns(self, name: str, x: Array) -> tuple[Array, list[tuple[float, float]]]:
        """Return (n, k) columns of a candidate and their (strain, size)."""
        if self._grid is None or not np.array_equal(self._grid, x):
            self._grid, self._columns = x.copy(), {}
        if name not in self._columns:
            c = next(c for c in self.candidates if c.name == name)
            settings = []
            for size in SIZES:
                # a step moves a line at 50 degrees by half its width
                step = 0.0025 * (1 + 12.0 / size)
                count = max(1, int(np.ceil(c.stretch / step)))
                settings += [(float(e), size) for e in
                             np.linspace(-c.stretch, c.stretch, 2 * count + 1)]  # fmt: skip
            block = [diffraction.profile(c.lines, x, size=s, strain=e, instrument=self.instrument)
                     for e, s in settings]  # fmt: skip
            self._columns[name] = np.column_stack(block), settings
        return self._columns[name]

    def within(self, elements: Sequence[str] | None) -> tuple[Candidate, ...]:
        """Return the candidates made of the given elements only (all if None)."""
        if elements is None:
            return self.candidates
        return tuple(c for c in self.candidates if c.elements <= set(elements))

    def identify(
        self,
        pattern: Pattern,
        *,
        elements: Sequence[str] | None = None,
        threshold: float = THRESHOLD,
        free_cells: bool = False,
    ) -> Identification:
        """Name the phases of a pattern.

        Parameters
        ----------
        pattern:
            From :func:`repro.patterns.read`, or simulated.
        elements:
            What was put into the jar; None if unknown.
        threshold:
            Least rise of chi^2 on removal, in units of the scatter found.
        free_cells:
            Whether each edge strains by itself; about ten times slower.

        Raises
        ------
        InputError
            If no candidate is made of the given elements.
        """
        pool = self.within(elements)
        if not pool:
            raise InputError(f"no candidate phase is made of {sorted(elements or ())} only")
        fit = PatternFit(pattern, pool, self.instrument)
        self._select(fit, threshold, free_cells)
        return self._report(fit, pattern.source)

    def _best(self, fit: PatternFit, names: Sequence[str], without: str | None = None
              ) -> tuple[str, float, float, float]:  # fmt: skip
        """Return the best single addition: name, gain, strain, size."""
        q, residual = fit.project(without)
        best = ("", 0.0, 0.0, 15.0)
        for name in names:
            columns, settings = self.columns(name, fit.x)
            gain = fit.gains(q, residual, columns)
            k = int(np.argmax(gain))
            if gain[k] > best[1]:
                best = (name, float(gain[k]), *settings[k])
        return best

    def _select(self, fit: PatternFit, threshold: float, free_cells: bool) -> None:
        while len(fit.active) < MOST_PHASES:
            absent = [n for n in fit.candidates if n not in fit.active]
            name = self._add_loose(fit, absent) if free_cells else self._add(fit, absent)
            if not name:
                break
            if self._gain(fit, name) / fit.scatter(fit.project()[1]) < threshold:
                del fit.active[name]
                break
        if not fit.active:
            return
        fit.refine_shift()
        for other, state in list(fit.active.items()):
            fit.refine(other, strain=state.strain, size=state.size)
        while fit.active:
            scatter = fit.scatter(fit.project()[1])
            worth = {n: self._gain(fit, n) / scatter for n in fit.active}
            worst = min(worth, key=lambda n: worth[n])
            if worth[worst] >= threshold:
                break
            del fit.active[worst]

    def _add(self, fit: PatternFit, absent: Sequence[str]) -> str:
        name, _, strain, size = self._best(fit, absent)
        if name:
            fit.refine(name, strain=strain, size=size)
        return name

    def _add_loose(self, fit: PatternFit, absent: Sequence[str]) -> str:
        """Add the best of the four most promising candidates with free cells."""
        q, residual = fit.project()
        tries = []
        for name in absent:
            columns, settings = self.columns(name, fit.x)
            gain = fit.gains(q, residual, columns)
            k = int(np.argmax(gain))
            if gain[k] > 0:
                tries.append((float(gain[k]), name, settings[k][0]))
        best, best_gain = "", 0.0
        kept: State | None = None
        for _, name, strain in sorted(tries, reverse=True)[:4]:
            fit.loosen(name, strain=strain)
            gain_now, state = self._gain(fit, name), fit.active.pop(name)
            if gain_now > best_gain:
                best, best_gain, kept = name, gain_now, state
        if kept is not None:
            fit.active[best] = kept
        return best

    @staticmethod
    def _gain(fit: PatternFit, name: str) -> float:
        q, residual = fit.project(name)
        return float(fit.gains(q, residual, fit.active[name].column[:, None])[0])

    def _report(self, fit: PatternFit, source: str) -> Identification:
        names = list(fit.active)
        model = np.column_stack([fit.basis, *(fit.active[n].column for n in names)])
        weighted = model / fit.sigma[:, None]
        norms = np.linalg.norm(weighted, axis=0)
        coefficients = nnls(weighted / norms, fit.target)[0] / norms
        m = fit.basis.shape[1]
        scales = coefficients[m:]
        background = fit.basis @ coefficients[:m]
        parts = {n: s * fit.active[n].column for n, s in zip(names, scales, strict=True)}
        fitted = background + sum(parts.values(), np.zeros_like(fit.x))
        z = (fit.y - fitted) / fit.sigma
        scatter = fit.scatter(z)
        covariance = np.linalg.pinv((weighted / norms).T @ (weighted / norms)) * scatter
        covariance = (covariance / np.outer(norms, norms))[m:, m:]
        lines = {n: self._lines(fit, n, parts[n], fitted) for n in names}
        suspects = [n for n, (seen, expected) in lines.items()
                    if seen == 0 or seen < expected / 2 or fit.active[n].size < BROAD]  # fmt: skip
        density = np.array([0.0 if n in suspects else fit.candidates[n].lines.density
                            for n in names])  # suspects may be amorphous: no weight  # fmt: skip
        mass = scales * density
        total = float(mass.sum()) or 1.0
        weight = mass / total
        jacobian = (np.diag(density) - np.outer(weight, density)) / total
        weight_err = np.sqrt(np.clip(np.diag(jacobian @ covariance @ jacobian.T), 0, None))
        matches = []
        for k, name in enumerate(names):
            if name in suspects:
                continue
            seen, expected = lines[name]
            gain = self._gain(fit, name) / scatter
            rival, share = self._rival(fit, name)
            state = fit.active[name]
            matches.append(Match(
                name=name, gain=gain, weight=float(weight[k]), weight_err=float(weight_err[k]),
                strain=float(four_numbers(state.strain)[:3].mean()),
                strain_err=self._strain_err(fit, name, scatter), cell_change=state.strain,
                size=state.size, lines_seen=seen, lines_expected=expected, rival=rival,
                rival_share=share,
            ))  # fmt: skip
        run = np.convolve(z, np.ones(3) / np.sqrt(3), mode="same") / np.sqrt(scatter)
        peak = (run > 6) & (run >= np.roll(run, 1)) & (run >= np.roll(run, -1))
        return Identification(
            matches=tuple(sorted(matches, key=lambda x: -x.weight)), two_theta=fit.x,
            observed=fit.y, fitted=fitted, background=background, parts=parts, sigma=fit.sigma,
            chi2=float(z @ z) / max(len(z) - m - 3 * len(names), 1),
            unexplained=tuple(np.round(fit.x[peak], 2).tolist()), suspects=tuple(suspects),
            source=source,
        )  # fmt: skip

    def _rival(self, fit: PatternFit, name: str) -> tuple[str, float]:
        """Return who could take a phase's place; both on the coarse grid, for fairness."""
        absent = [n for n in fit.candidates if n not in fit.active]
        own = self._best(fit, [name], without=name)[1]
        rival, gain, _, _ = self._best(fit, absent, without=name)
        if not rival or own <= 0:
            return "none", 0.0
        return rival, min(1.0, gain / own)

    def _strain_err(self, fit: PatternFit, name: str, scatter: float) -> float:
        state = fit.active[name]
        q, residual = fit.project(name)
        here = float(fit.gains(q, residual, state.column[:, None])[0])
        step = 2e-4
        drop = []
        for sign in (-1, 1):
            a, b, c, tilt = four_numbers(state.strain) + sign * step * np.array([1, 1, 1, 0])
            column = fit.column(name, (float(a), float(b), float(c), float(tilt)), state.size)
            drop.append(here - float(fit.gains(q, residual, column[:, None])[0]))
        curvature = max(float(np.mean(drop)), 1e-9) / step**2
        return float(np.sqrt(scatter / curvature))

    @staticmethod
    def _lines(fit: PatternFit, name: str, part: Array, fitted: Array) -> tuple[int, int]:
        """Return how many lines of its own are seen, and how many should be."""
        # a line is judged by its mean over about one width, not by its highest point
        step = float(np.median(np.diff(fit.x)))
        width = float(np.hypot(diffraction.scherrer_fwhm(30.0, fit.active[name].size), 0.1))
        n = max(3, 2 * round(width / step / 2) + 1)
        kernel = np.ones(n) / n
        wanted = np.convolve(part, kernel, mode="same")
        there = np.convolve(fit.y - (fitted - part), kernel, mode="same")
        top = (part > np.roll(part, 1)) & (part >= np.roll(part, -1))
        clear = wanted > 4 * fit.sigma / np.sqrt(n)
        own = part > 0.5 * (local_rise(fitted - part) + part)
        where = np.flatnonzero(top & clear & own)
        return int(np.sum(there[where] > 0.5 * wanted[where])), len(where)


def local_rise(rest: Array, *, width: int = 41) -> Array:
    """Return how far each point rises above the lowest of ``width`` points around it."""
    padded = np.pad(rest, width // 2, mode="edge")
    floor = np.lib.stride_tricks.sliding_window_view(padded, width).min(axis=1)
    return np.asarray(rest - floor)
