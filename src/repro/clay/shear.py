r"""Stress-strain curve of a shear at constant rate: modulus, onset of plasticity, yield, flow.

Strain is the tilt over the height it is a tilt of, less that at the start, and stress is
minus the pressure, both as in :mod:`repro.clay.cycles`.  The curve is averaged in bins of
strain.  Over a bin of :math:`n` rows the thermal noise, of standard deviation :math:`s` and
statistical inefficiency :math:`g` (:func:`repro.md.statistics.inefficiency`), leaves

.. math:: e = s \sqrt{\min(g, n) / n},

both from the rows' differences from a smooth curve, a spline with a knot every 0.025 strain.
Where :math:`g > n` neighbouring bins are correlated too, ``correlation`` = :math:`g/n` of
them are worth one, and all errors here count that.

A curve of one seed has the error of its noise only.  That of another sample may differ by
more: take each quantity of each seed and then :func:`average`.  In a run of few
correlation times of the stress (10 ps are some twenty) no error is good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_lsq_spline

from repro.clay.cycles import HEIGHT, moving_mean
from repro.errors import InputError
from repro.md.logs import Thermo
from repro.md.scripts import BAR_PER_MPA, SHEARS
from repro.md.statistics import Estimate, inefficiency, mean

Floats = NDArray[np.float64]
KNOTS = 0.025
FEWEST = 4
WIDER = 2.5


@dataclass(frozen=True)
class Curve:
    """A stress-strain curve in bins of strain, (B,).

    Attributes
    ----------
    strain, stress_gpa, error_gpa:
        Mean of each bin, without unit and in GPa, and the standard error of the stress.
    width:
        Of a bin, in strain.
    correlation:
        Number of neighbouring bins that are worth one; 1 or more.
    seeds:
        Number of runs it is the mean of.
    """

    strain: Floats
    stress_gpa: Floats
    error_gpa: Floats
    width: float
    correlation: float = 1.0
    seeds: int = 1


@dataclass(frozen=True)
class Onset:
    """Where the curve crosses the elastic line shifted by an offset.

    Attributes
    ----------
    strain, stress_gpa:
        Of the crossing, with bootstrap standard errors.
    offset:
        In strain.
    crossed:
        Share of the bootstrap samples that cross beyond the elastic line; well below 1 the
        errors say little, as where the modulus times the offset is below the noise.
    """

    strain: Estimate
    stress_gpa: Estimate
    offset: float
    crossed: float


@dataclass(frozen=True)
class Yield:
    """Maximum of the smoothed curve.

    Attributes
    ----------
    stress_gpa, strain:
        Of the maximum, with bootstrap standard errors.  The bias is taken off the stress and,
        known no better than by its own size, added to its error.
    bias_gpa:
        By how much noise raises a maximum, from the bootstrap.
    """

    stress_gpa: Estimate
    strain: Estimate
    bias_gpa: float


def _noise(time: Floats, strain: Floats, stress: Floats) -> tuple[float, float]:
    """Return standard deviation and inefficiency of the stress about a smooth curve."""
    inner = max(int((strain.max() - strain.min()) / KNOTS), 1) - 1
    inner = min(inner, len(time) // 8)
    knots = np.quantile(time, np.linspace(0, 1, inner + 2))
    knots = np.concatenate([[knots[0]] * 3, knots, [knots[-1]] * 3])
    rest = stress - make_lsq_spline(time, stress, knots, k=3)(time)
    # Each parameter of the spline takes the noise of one independent row, that is of g.
    g, n = inefficiency(rest), len(time)
    lost = min((inner + 4) * g / n, 0.5)
    return float(np.sqrt((rest**2).mean() / (1 - lost))), float(g / (1 - lost))


def curve(table: Thermo, *, component: str = "yz", width: float = 0.002) -> Curve:
    """Return the stress-strain curve of a run.

    Parameters
    ----------
    table:
        Columns Time, P, tilt and height of the component (bar, angstrom).
    component:
        ``yz``, ``xz`` or ``xy``.
    width:
        Of the bins, in strain.  Bins with less than half the usual number of rows are left
        out, as the last one, which may hold one row.  A run to negative strain has both
        signs turned.

    Raises
    ------
    InputError
        For another component, a width that is not positive, values not finite, or fewer
        than four bins.
    """
    if component not in SHEARS or not width > 0:
        raise InputError(f"component {component!r}, width {width}: expected {', '.join(SHEARS)}, and a positive width")  # fmt: skip
    tilt = table[component.capitalize()]
    time = table["Time"]
    strain = (tilt - tilt[:1]) / table[HEIGHT[component]]
    stress = -table["P" + component] / (1000.0 * BAR_PER_MPA)
    if not (np.isfinite(strain).all() and np.isfinite(stress).all() and (np.diff(time) > 0).all()):
        raise InputError(f"{len(time)} rows: expected finite strain and stress, and increasing times")  # fmt: skip
    sign = -1.0 if len(strain) and strain[-1] < 0 else 1.0
    strain, stress = sign * strain, sign * stress
    # The tolerance keeps a strain of k widths, not quite reached in binary, in bin k.
    number = np.maximum(np.floor(strain / width + 1e-6).astype(np.int64), 0)
    rows = np.bincount(number, minlength=1)
    usual = float(np.median(rows[rows > 0])) if len(number) else 0.0
    kept = rows >= max(usual / 2, 1)
    if kept.sum() < FEWEST or len(time) < 2 * FEWEST + 4:
        raise InputError(f"{len(time)} rows in {int(kept.sum())} bins of strain {width}: expected {FEWEST} bins or more of several rows")  # fmt: skip
    spread, g = _noise(time, strain, stress)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = (np.bincount(number, values) / rows for values in (strain, stress))
        error = spread * np.sqrt(np.minimum(g, rows) / rows)
    return Curve(x[kept], y[kept], error[kept], width, max(1.0, g / usual))


def combine(curves: Sequence[Curve]) -> Curve:
    """Return the mean of curves of several seeds, over the bins they share.

    The error of each bin is the standard error over seeds, of three seeds a rough one; how
    many bins are worth one comes from the autocorrelation of the differences from the mean,
    not less than each curve's own.

    Parameters
    ----------
    curves:
        Two or more, of one bin width.

    Raises
    ------
    InputError
        For one curve, other widths, or no bins in common.
    """
    widths = sorted({one.width for one in curves})
    if len(curves) < 2 or len(widths) > 1:
        raise InputError(f"{len(curves)} curves of bin width {widths}: expected two or more of one width")  # fmt: skip
    numbers = [np.floor(one.strain / one.width + 1e-6).astype(np.int64) for one in curves]
    shared = numbers[0]
    for other in numbers[1:]:
        shared = np.intersect1d(shared, other)
    if len(shared) < FEWEST:
        raise InputError(f"{len(shared)} bins in common: expected {FEWEST} or more")
    kept = [np.isin(number, shared) for number in numbers]
    strain = np.mean([one.strain[k] for one, k in zip(curves, kept, strict=True)], axis=0)
    stress = np.array([one.stress_gpa[k] for one, k in zip(curves, kept, strict=True)])
    apart, n = stress - stress.mean(axis=0), len(shared)
    # Not centred along the strain: a seed that is softer all along stays softer.
    products = [float((apart[:, : n - lag] * apart[:, lag:]).mean()) for lag in range(n)]
    g = 1.0
    for lag in range(1, n):
        if products[lag] <= 0 or products[0] <= 0:
            break
        g += 2.0 * products[lag] / products[0] * (1 - lag / n)
    return Curve(
        strain, stress.mean(axis=0), apart.std(axis=0, ddof=1) / np.sqrt(len(curves)), widths[0],
        max(g, *(one.correlation for one in curves)), sum(one.seeds for one in curves),
    )  # fmt: skip


def average(values: Sequence[Estimate]) -> Estimate:
    """Return the mean of one quantity over seeds.

    The error is the larger of the scatter between seeds and what the seeds' own errors
    give: the scatter of three falls short by chance.

    Raises
    ------
    InputError
        For no values.
    """
    n = len(values)
    if not n:
        raise InputError("no values: expected the estimates of one or more seeds")
    x, e = np.array([v.value for v in values]), np.array([v.error for v in values])
    between = float(x.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    return Estimate(float(x.mean()), max(between, float(np.sqrt((e**2).sum())) / n), n)


def _line(strain: Floats, stress: Floats) -> tuple[float, float]:
    """Return slope and intercept of least squares."""
    x = strain - strain.mean()
    slope = float((x * stress).sum() / (x * x).sum())
    return slope, float(stress.mean() - slope * strain.mean())


def _elastic(found: Curve, upto: float) -> NDArray[np.bool_]:
    first = found.strain <= upto
    if first.sum() < FEWEST:
        raise InputError(f"{int(first.sum())} bins up to strain {upto}: expected {FEWEST} or more for a line")  # fmt: skip
    return first


def modulus(found: Curve, *, upto: float = 0.02) -> Estimate:
    """Return the shear modulus in GPa: slope of a straight line from strain 0 to ``upto``.

    Ordinary least squares with an intercept (the start may be under stress), unweighted:
    errors over three seeds are too rough for weights.  Where the curve bends below ``upto``
    this is a secant.

    Raises
    ------
    InputError
        With fewer than four bins up to ``upto``.
    """
    first = _elastic(found, upto)
    x = found.strain[first] - found.strain[first].mean()
    weights = x / (x * x).sum()
    variance = found.correlation * float(((weights * found.error_gpa[first]) ** 2).sum())
    return Estimate(_line(found.strain[first], found.stress_gpa[first])[0], variance**0.5)


def _cross(found: Curve, stress: Floats, first: NDArray[np.bool_], offset: float) -> tuple[float, float]:  # fmt: skip
    """Return strain and stress of the crossing; NaN where there is none."""
    x = found.strain
    slope, start = _line(x[first], stress[first])
    line = start + slope * (x - offset)
    above = stress - line
    # Noise crosses back and forth.  Where the running sum of what is above is largest lies
    # the zero of the best falling curve (isotonic least squares), without smoothing.
    begin = int(first.sum()) - 1
    k = begin + int(np.argmax(np.cumsum(above)[begin:]))
    if k == len(x) - 1:
        return np.nan, np.nan
    at = float(x[k] + x[k + 1]) / 2
    # Refine by a line; no wider than the offset, so that a sharp kink stays outside.
    near = np.abs(x - at) <= max(offset, 1.5 * found.width)
    if near.sum() >= 3:
        a, b = _line(x[near], above[near])
        if a < 0 and np.abs(-b / a - at) <= np.ptp(x[near]) / 2:
            at = -b / a
    return at, start + slope * (at - offset)


def _draws(found: Curve, samples: int, seed: int) -> Floats:
    """Return noise of the curve's errors and correlation, (samples, B)."""
    rng = np.random.default_rng(seed)
    white = rng.normal(size=(samples, len(found.strain)))
    # An autoregressive series of first order with this coefficient has this inefficiency.
    keep = (found.correlation - 1) / (found.correlation + 1)
    for k in range(1, white.shape[1]):
        white[:, k] = keep * white[:, k - 1] + np.sqrt(1 - keep**2) * white[:, k]
    return white * found.error_gpa


def onset(
    found: Curve, *, upto: float = 0.02, offset: float = 0.005, samples: int = 200, seed: int = 1
) -> Onset:
    """Return the onset of plasticity by the offset method.

    Parameters
    ----------
    found:
        The curve.
    upto:
        Of the elastic line, as in :func:`modulus`.
    offset:
        By which the line is shifted to larger strain.
    samples, seed:
        Of the bootstrap, which adds noise of the curve's errors and does all again.

    Raises
    ------
    InputError
        With too few bins, an offset that is not positive, or a curve that does not cross
        beyond ``upto``.
    """
    first = _elastic(found, upto)
    if not offset > 0:
        raise InputError(f"offset {offset}: expected a positive strain")
    at, stress = _cross(found, found.stress_gpa, first, offset)
    if not at > upto:
        why = "is below it there already: expected a line that stays elastic, or less noise"
        raise InputError(f"elastic line to strain {upto}, shifted by {offset}: the curve "
                         f"{why if np.isfinite(at) else 'does not cross it: it yields later or not'}")  # fmt: skip
    noise = _draws(found, samples, seed)
    drawn = np.array([_cross(found, found.stress_gpa + one, first, offset) for one in noise])
    there = drawn[np.isfinite(drawn[:, 0])]
    errors = there.std(axis=0) if len(there) else np.full(2, np.nan)
    return Onset(Estimate(at, float(errors[0])), Estimate(stress, float(errors[1])), offset,
                 float((drawn[:, 0] > upto).mean()))  # fmt: skip


def yield_stress(
    found: Curve, *, upto: float = 0.2, half_width: float = 0.01, samples: int = 200, seed: int = 1
) -> Yield:
    """Return the yield stress: the maximum of the smoothed curve up to a strain.

    Parameters
    ----------
    found, upto:
        The curve and the last strain looked at.
    half_width:
        Of the moving mean, in strain; a peak narrower than that is flattened.
    samples, seed:
        Of the bootstrap: noise on the smoothed curve, smoothed again.

    Raises
    ------
    InputError
        With fewer than four bins up to ``upto``, or a negative width.
    """
    x = found.strain[_elastic(found, upto)]
    count = len(x)

    def smooth(y: Floats, times: float = 1.0) -> Floats:
        return moving_mean(x, y, half_width=times * half_width)

    smoothed = smooth(found.stress_gpa[:count])
    model = smooth(found.stress_gpa[:count], WIDER)
    peak = int(np.argmax(smoothed))
    again = smooth(model)
    # Smoothing is linear: the noise is smoothed alone and added.
    drawn = np.array([again + smooth(noise[:count]) for noise in _draws(found, samples, seed)])
    tops = drawn.max(axis=1)
    bias = float(tops.mean() - again.max())
    # The model still holds some of the noise, so this falls short on a long plateau.
    error = float(np.hypot(tops.std(), bias))
    return Yield(
        Estimate(float(smoothed[peak]) - bias, error),
        Estimate(float(x[peak]), float(x[drawn.argmax(axis=1)].std())), bias,
    )  # fmt: skip


def flow(found: Curve, *, since: float) -> Estimate:
    """Return the flow stress in GPa: the mean from a strain to the end of the curve.

    The error counts the correlation along the curve (:func:`repro.md.statistics.mean`), so
    the rise and fall by plastic events too.

    Raises
    ------
    InputError
        With fewer than four bins from ``since`` on.
    """
    last = found.strain >= since
    if last.sum() < FEWEST:
        raise InputError(
            f"{int(last.sum())} bins from strain {since} on: expected {FEWEST} or more"
        )
    value = mean(found.stress_gpa[last])
    noise = float(np.sqrt(found.correlation * (found.error_gpa[last] ** 2).sum())) / last.sum()
    return Estimate(value.value, max(value.error, float(noise)))
