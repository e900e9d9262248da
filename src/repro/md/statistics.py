"""Means and slopes of correlated series, with honest errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from repro.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error, the correlation of successive values counted.

    Attributes
    ----------
    value, error:
        Mean and standard error.
    samples:
        Of how many independent values the error is the scatter, such as seeds; 0 if it comes
        from elsewhere.  Few values know their own scatter badly.
    """

    value: float
    error: float
    samples: int = 0

    @property
    def margin(self) -> float:
        """By how much the value must exceed another to count as larger: two standard errors.

        Errors that are the scatter of few values count for more: Student's t at 95 %,
        one-sided, which is 6.3 errors for two values, 2.9 for three, and at most two from six
        on.  NaN without an error.
        """
        few = float(student_t.ppf(0.95, self.samples - 1)) if self.samples > 1 else 0.0
        return max(2.0, few) * self.error

    def words(self, digits: int = 2, *, factor: float = 1.0, none: str = "–") -> str:
        """Return value and error times a factor with so many decimals; ``none`` for NaN."""
        if np.isnan(self.value):
            return none
        return f"{factor * self.value:.{digits}f} ± {factor * self.error:.{digits}f}"


def inefficiency(series: Array) -> float:
    """Return by how much correlated samples are worth less than independent ones.

    The statistical inefficiency g = 1 + 2 sum of autocorrelations up to the first
    that is negative (Chodera et al., J. Chem. Theory Comput. 3, 26 (2007)); at least 1.
    """
    x = np.asarray(series, dtype=float)
    x = x - x.mean()
    n, variance = len(x), float((x**2).mean())
    if n < 4 or variance <= 0:
        return 1.0
    spectrum = np.abs(np.fft.rfft(x, 2 * n)) ** 2
    correlation = np.fft.irfft(spectrum)[:n] / np.arange(n, 0, -1) / variance
    total = 1.0
    for lag in range(1, n):
        if correlation[lag] <= 0:
            break
        total += 2.0 * correlation[lag] * (1 - lag / n)
    return max(total, 1.0)


def mean(series: Array) -> Estimate:
    """Return the mean of a correlated series with its standard error.

    Raises
    ------
    InputError
        For an empty series or one that is not finite.
    """
    x = np.asarray(series, dtype=float)
    if not len(x) or not np.isfinite(x).all():
        raise InputError("a mean needs one or more finite values")
    g = inefficiency(x)
    spread = float(x.std(ddof=1)) if len(x) > 1 else 0.0
    return Estimate(float(x.mean()), spread * float(np.sqrt(g / len(x))))


def fit_drift(time_ps: Array, energy_ev: Array, natoms: int) -> tuple[float, float, float]:
    """Return slope, its error (meV/atom/ns) and scatter (meV/atom) of a total energy.

    Raises
    ------
    InputError
        For fewer than four samples or values that are not finite.
    """
    t, e = np.asarray(time_ps, dtype=float), np.asarray(energy_ev, dtype=float)
    if len(t) < 4 or len(t) != len(e) or not (np.isfinite(t).all() and np.isfinite(e).all()):
        raise InputError("a drift needs four or more finite energies, one per time")
    y = 1000.0 * (e - e[0]) / natoms
    centred = t - t.mean()
    slope = float((centred * y).sum() / (centred**2).sum())
    rest = y - y.mean() - slope * centred
    scatter = float(np.sqrt((rest**2).mean()))
    variance = (rest**2).sum() / (len(t) - 2) / (centred**2).sum()
    error = float(np.sqrt(variance * inefficiency(rest)))
    return 1000.0 * slope, 1000.0 * error, scatter
