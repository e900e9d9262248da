r"""First-shell distances from chi(k), corrected for phase.

The phase of a bond is taken from a standard: chi(k) that FEFF gives for one shell of known
distance and number in a crystal at rest (:func:`standard`).  Its analytic signal
:math:`A_0(k) e^{i\theta_0(k)}`, from a transform to R and back with the first shell kept, gives
for a shell of the same pair of elements

.. math:: \chi(k) = \sum_j N_j \frac{R_{0j}^2}{R_j^2} \frac{A_{0j}(k)}{N_{0j}} e^{-2k^2\sigma_j^2}
          \sin\left(\theta_{0j}(k) + 2k(R_j - R_{0j})\right).

Fitted are :math:`N_j`, :math:`R_j` and :math:`\sigma_j^2` to the complex transform of
:math:`k^3\chi` over the first shell.  Assumed: phase and amplitude of a bond are the same in
every surrounding (they are, to some hundredths of an angstrom), the free path over a change of
distance does not matter, and the distances of a shell are Gaussian.  Distances of a shell with
a long tail come out short.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from repro.errors import InputError
from repro.exafs.ensemble import Ensemble, jackknife
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
KEEP = (0.6, 3.4)  # angstrom: where a first shell, and nothing else, is
LARGEST = 0.6  # angstrom that a distance may move from its standard's


@dataclass(frozen=True)
class Standard:
    """Amplitude and phase of a bond.

    Attributes
    ----------
    pair:
        Such as ``"Ga-F"``.
    distance, number:
        Of the shell it was made from: mean, angstrom, and neighbours.
    k, chi:
        (K,), 1/angstrom from 0 in even steps, and chi of that shell alone.
    """

    pair: str
    distance: float
    number: float
    k: Floats
    chi: Floats

    def signal(self) -> Complex:
        """Return the analytic signal for one neighbour (K,); good from 2.5 to 3 below the end."""
        return analytic(self.k, self.chi) / self.number


@dataclass(frozen=True)
class FittedShell:
    """One shell of a fit; errors from a jackknife over blocks of sites.

    Attributes
    ----------
    pair:
        Such as ``"Ga-F"``.
    number, distance, sigma2:
        Neighbours, angstrom, angstrom^2.
    """

    pair: str
    number: Estimate
    distance: Estimate
    sigma2: Estimate


@dataclass(frozen=True)
class ShellFit:
    """A fit of the first shell.

    Attributes
    ----------
    shells:
        In the order of the standards.
    r_factor:
        Sum of squared residuals over that of the data, within the range of R.
    points, parameters:
        Independent points, 2 dk dR / pi, and how many numbers were fitted.
    best, left:
        Number, distance and sigma^2 of each shell (J, 3), and the same with each block of sites
        left out in turn (B, J, 3).
    """

    shells: tuple[FittedShell, ...]
    r_factor: float
    points: float
    parameters: int
    best: Floats
    left: Floats

    def estimate(self, function: Callable[[Floats], float]) -> Estimate:
        """Return a number made of the (J, 3) values of the fit, with its error."""
        drawn = np.array([function(one) for one in self.left])
        return Estimate(float(function(self.best)), float(jackknife(drawn)))


def _even(k: Floats, chi: Floats) -> None:
    if k.ndim != 1 or k.shape != chi.shape or len(k) < 20 or abs(k[0]) > 1e-9 or not np.allclose(
        np.diff(k), k[1], atol=1e-6
    ):  # fmt: skip
        raise InputError(f"k of shape {k.shape}, chi {chi.shape}: expected (K,), 20 or more, in even "
                         "steps from 0")  # fmt: skip


def analytic(k: Floats, chi: Floats, *, keep: tuple[float, float] = KEEP) -> Complex:
    """Return the analytic signal of chi: only R within a range, and only positive R.

    Parameters
    ----------
    k, chi:
        (K,), 1/angstrom in even steps from 0.
    keep:
        Range of R, angstrom.

    Returns
    -------
    signal:
        (K,); its imaginary part is chi less what lies outside the range.  The first 1.5 and
        the last 2 1/angstrom are spoilt by the ends.

    Raises
    ------
    InputError
        For k that is not even, or shapes that do not fit.
    """
    x, y = np.asarray(k, dtype=float), np.asarray(chi, dtype=float)
    _even(x, y)
    # Weighted with k^2 so that all of k counts alike; the taper is taken off again.
    taper = np.clip(np.minimum((x - 0.2) / 1.5, (x[-1] - x) / 2.0), 0.0, 1.0)
    weight = x**2 * np.sin(np.pi / 2 * taper) ** 2
    n = 8192
    spectrum = np.fft.fft(weight * y, n)
    r = np.pi * np.fft.fftfreq(n, d=x[1])
    edge = 0.2
    inside = np.clip(np.minimum(r - keep[0] + edge, keep[1] + edge - r) / edge, 0.0, 1.0)
    back = np.fft.ifft(2 * spectrum * np.sin(np.pi / 2 * inside) ** 2)[: len(x)]
    # sin(2kR) is the imaginary part of exp(2ikR), and the back transform's real part is chi.
    signal: Complex = 1j * back / np.maximum(weight, 1e-9 * weight.max())
    return signal


def _grid(k: Floats, k_range: tuple[float, float], dk: float) -> tuple[NDArray[np.bool_], Floats]:
    used = (k >= k_range[0] - dk / 2) & (k <= k_range[1] + dk / 2)
    x = k[used]
    up = np.clip((x - k_range[0] + dk / 2) / dk, 0, 1)
    down = np.clip((k_range[1] + dk / 2 - x) / dk, 0, 1)
    return used, np.asarray(np.sin(np.pi / 2 * np.minimum(up, down)) ** 2)


class _Fit:
    """The transform of everything that does not change from one fit to the next."""

    def __init__(
        self, k: Floats, standards: Sequence[Standard], k_range: tuple[float, float],
        r_range: tuple[float, float],
    ) -> None:  # fmt: skip
        self.standards = standards
        self.used, taper = _grid(k, k_range, 1.0)
        self.k = k[self.used]
        r = np.arange(r_range[0], r_range[1] + 1e-9, 0.05)
        self.waves = np.exp(-2j * np.outer(r, self.k)) * (taper * self.k**3) * (k[1] - k[0])
        self.signals = [one.signal()[: len(k)][self.used] for one in standards]

    def chi(self, values: Floats) -> Floats:
        total = np.zeros(len(self.k))
        for one, signal, (number, distance, sigma2) in zip(
            self.standards, self.signals, values.reshape(-1, 3), strict=True
        ):
            turn = np.exp(2j * self.k * (distance - one.distance) - 2 * sigma2 * self.k**2)
            total += number * (one.distance / distance) ** 2 * (signal * turn).imag
        return total

    def solve(self, chi: Floats, start: Floats) -> tuple[Floats, float]:
        wanted = self.waves @ chi[self.used]

        def off(values: Floats) -> Floats:
            rest = self.waves @ self.chi(values) - wanted
            return np.concatenate([rest.real, rest.imag])

        low, high = [], []
        for one in self.standards:
            low += [0.0, one.distance - LARGEST, -0.01]
            high += [12.0, one.distance + LARGEST, 0.06]
        found = least_squares(off, start, bounds=(low, high), x_scale=np.tile([1.0, 0.02, 0.003], len(self.standards)))  # fmt: skip
        return found.x, float((found.fun**2).sum() / (np.abs(wanted) ** 2).sum())


def fit(
    found: Ensemble,
    standards: Sequence[Standard],
    *,
    start: Sequence[float] | None = None,
    k_range: tuple[float, float] = (3.0, 12.0),
    r_range: tuple[float, float] = (1.0, 2.4),
) -> ShellFit:
    """Return the fit of the first shell of a mean, with errors from its blocks.

    Parameters
    ----------
    found:
        From :func:`repro.exafs.site_spectra.mean`.
    standards:
        One a shell; a pair may come twice, with ``start`` to tell its shells apart.
    start:
        Distances to begin from, angstrom, each within 0.6 of its standard's; those of the
        standards if None.
    k_range, r_range:
        1/angstrom and angstrom (not corrected for phase), of what is fitted.

    Raises
    ------
    InputError
        For no standards, a start too far from its standard, more numbers to fit than independent
        points, ranges that are not in chi, or fewer than two blocks.
    """
    distances = [one.distance for one in standards] if start is None else list(start)
    points = 2 * (k_range[1] - k_range[0]) * (r_range[1] - r_range[0]) / np.pi
    if not standards or len(distances) != len(standards):
        raise InputError(f"{len(standards)} standards, {len(distances)} starts: expected as many, one "
                         "or more")  # fmt: skip
    for one, begun in zip(standards, distances, strict=True):
        if not abs(begun - one.distance) <= LARGEST:
            raise InputError(f"start={begun:g} angstrom for {one.pair}: expected within {LARGEST:g} of "
                             f"its standard's distance, {one.distance:.3f}")  # fmt: skip
    if 3 * len(standards) > points:
        raise InputError(f"{3 * len(standards)} numbers to fit to {points:.1f} independent points: "
                         "expected fewer shells or wider ranges")  # fmt: skip
    if len(found.counts) < 2:
        raise InputError(f"{len(found.counts)} block: expected 2 or more, for errors")
    _even(found.k, found.mean)
    if not 1.5 <= k_range[0] < k_range[1] <= found.k[-1]:
        raise InputError(f"k_range {k_range}: expected ascending, within 1.5 to {found.k[-1]:g}")
    work = _Fit(found.k, standards, k_range, r_range)
    begin = np.array([[4.0 / len(standards), r, 0.004] for r in distances]).ravel()
    best, r_factor = work.solve(found.mean, begin)
    left = np.array([work.solve(chi, best)[0] for chi in found.left_out()])
    values = [Estimate(float(v), float(e)) for v, e in zip(best, jackknife(left), strict=True)]
    shells = tuple(FittedShell(one.pair, *values[3 * j : 3 * j + 3])
                   for j, one in enumerate(standards))  # fmt: skip
    return ShellFit(shells, r_factor, float(points), 3 * len(standards), best.reshape(-1, 3),
                    left.reshape(len(left), -1, 3))  # fmt: skip
