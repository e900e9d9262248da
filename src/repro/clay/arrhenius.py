r"""Activation energy from a few temperatures, and what it says of another temperature.

A thermally activated quantity follows

.. math:: \ln y = \ln A - \frac{E_a}{k T} ,

with :math:`y` a diffusion coefficient or a conductivity.  The line is fitted by weighted
least squares with weights :math:`(y/\sigma_y)^2`, the errors of :math:`\ln y`; they are
taken as normal and independent, so each should be small against 1.  The value at any
temperature comes with the error of the whole covariance of slope and intercept.

Where the points scatter by more than their errors (:math:`\chi^2` per degree of freedom
above 1) the covariance is multiplied by it, as then the errors are too small or the law is
not quite this one; and since that factor is itself known from few points, the intervals
are those of Student's t.  It is never reduced.  Nothing in an interval says whether the
law still holds outside the data: :class:`Value` carries how far outside it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import constants
from scipy.stats import norm, t

from repro.errors import InputError

Floats = NDArray[np.float64]
FEWEST = 3
CONFIDENCE = 0.95
EV_PER_K = constants.k / constants.e


@dataclass(frozen=True)
class Value:
    """What a fit says at one temperature.

    Attributes
    ----------
    temperature:
        K.
    value, low, high:
        Of the fitted quantity, with a 95 % interval.
    log_error:
        Standard error of ln y.
    outside:
        K below the coldest or above the hottest temperature of the data; 0 between them.
    reach:
        The same in 1/T, in units of the range of 1/T the data span: at 1 the line is drawn
        on for as long as it was measured.
    """

    temperature: float
    value: float
    low: float
    high: float
    log_error: float
    outside: float
    reach: float

    @property
    def statement(self) -> str:
        """One sentence on where the temperature lies."""
        if not self.outside:
            return f"{self.temperature:g} K lies within the data."
        return (f"{self.temperature:g} K lies {self.outside:g} K outside the data, in 1/T "
                f"{self.reach:.1f} times the range they span.")  # fmt: skip


@dataclass(frozen=True)
class Arrhenius:
    """An Arrhenius law.

    Attributes
    ----------
    energy, error, low, high:
        Activation energy, standard error and 95 % interval, eV.
    log_prefactor:
        ln A, A in the unit of the data.
    covariance:
        (2, 2) of ln A and the energy (eV), scaled as in the module's text.
    chi2, freedom:
        Sum of squares over errors, and degrees of freedom.
    coldest, hottest:
        K, of the data.
    student:
        Whether intervals are those of Student's t even where the points scatter no more than
        their errors: for errors that are a judgement, from which chi^2 proves nothing.
    """

    energy: float
    error: float
    low: float
    high: float
    log_prefactor: float
    covariance: Floats
    chi2: float
    freedom: int
    coldest: float
    hottest: float
    student: bool = False

    @property
    def prefactor(self) -> float:
        """A, in the unit of the data."""
        return float(np.exp(self.log_prefactor))

    @property
    def scale(self) -> float:
        """By what the covariance of the errors was multiplied, at least 1."""
        return max(self.chi2 / self.freedom, 1.0)

    @property
    def quantile(self) -> float:
        """Standard errors in half a 95 % interval: normal, or Student's t where scaled or asked."""
        tail = (1 + CONFIDENCE) / 2
        few = self.student or self.scale > 1
        return float(t.ppf(tail, self.freedom) if few else norm.ppf(tail))

    def at(self, temperature: float) -> Value:
        """Return the value at a temperature (K), also outside the data.

        Raises
        ------
        InputError
            For a temperature that is not positive and finite.
        """
        if not 0 < temperature < np.inf:
            raise InputError(f"temperature {temperature} K: expected above 0 K")
        row = np.array([1.0, -1.0 / (EV_PER_K * temperature)])
        log_value = float(row @ [self.log_prefactor, self.energy])
        log_error = float(np.sqrt(row @ self.covariance @ row))
        low, high = np.exp(log_value + self.quantile * log_error * np.array([-1.0, 1.0]))
        nearest = min(max(temperature, self.coldest), self.hottest)
        span = 1 / self.coldest - 1 / self.hottest
        return Value(
            temperature=temperature, value=float(np.exp(log_value)), low=float(low),
            high=float(high), log_error=log_error, outside=abs(temperature - nearest),
            reach=abs(1 / temperature - 1 / nearest) / span,
        )  # fmt: skip


def _check(kelvin: Floats, values: Floats, errors: Floats) -> None:
    if kelvin.ndim != 1 or not kelvin.shape == values.shape == errors.shape:
        raise InputError(f"temperatures of shape {kelvin.shape}, values {values.shape}, errors "
                         f"{errors.shape}: expected (N,) all")  # fmt: skip
    for name, unit, given in (("temperature", " K", kelvin), ("value", "", values),
                              ("error", "", errors)):  # fmt: skip
        bad = np.flatnonzero(~((given > 0) & np.isfinite(given)))
        if len(bad):
            raise InputError(f"{name} {given[bad[0]]:g}{unit} (number {bad[0]}): expected positive "
                             "and finite")  # fmt: skip
    distinct = np.unique(kelvin)
    if len(distinct) < FEWEST:
        raise InputError(f"{len(distinct)} temperatures: expected {FEWEST} or more different ones "
                         "for a line with an error")  # fmt: skip


def arrhenius(
    temperature: Floats, value: Floats, error: Floats, *, student: bool = False
) -> Arrhenius:
    """Return the weighted fit of an Arrhenius law.

    Parameters
    ----------
    temperature:
        K, (N,); a temperature may occur more than once (seeds).
    value, error:
        Diffusion coefficient or conductivity and its standard error, (N,), any one unit.
    student:
        See :class:`Arrhenius`.

    Raises
    ------
    InputError
        For other shapes, fewer than three different temperatures, or a temperature, value
        or error that is not positive and finite.
    """
    kelvin, y, sigma = (np.asarray(given, dtype=float) for given in (temperature, value, error))
    _check(kelvin, y, sigma)
    log_error = sigma / y
    x = -1.0 / (EV_PER_K * kelvin)
    weights = log_error**-2.0
    # About the weighted mean, slope and height do not correlate and no digits are lost.
    middle, height = np.average(x, weights=weights), np.average(np.log(y), weights=weights)
    spread = float((weights * (x - middle) ** 2).sum())
    energy = float((weights * (x - middle) * (np.log(y) - height)).sum()) / spread
    rest = (np.log(y) - height - energy * (x - middle)) / log_error
    chi2, freedom = float((rest**2).sum()), len(y) - 2
    scale = max(chi2 / freedom, 1.0)
    cross = -middle / spread
    covariance = scale * np.array([[1 / weights.sum() + middle**2 / spread, cross],
                                   [cross, 1 / spread]])  # fmt: skip
    made = Arrhenius(
        energy=energy, error=float(np.sqrt(covariance[1, 1])), low=np.nan, high=np.nan,
        log_prefactor=float(height - energy * middle), covariance=covariance, chi2=chi2,
        freedom=freedom, coldest=float(kelvin.min()), hottest=float(kelvin.max()),
        student=student,
    )  # fmt: skip
    half = made.quantile * made.error
    return replace(made, low=energy - half, high=energy + half)
