r"""Mean squared displacement and self-diffusion of lithium, and what it would conduct.

The mean squared displacement of :mod:`repro.clay.paths` is taken of positions relative to the
centre of mass of the whole cell, whose drift is so removed.

The self-diffusion coefficient is a sixth of the slope of the MSD, with an intercept for
what atoms rattle.  Values at different lags come from the same trajectory and are
strongly correlated, so slope and interval are the posterior of a Bayesian regression
with the full covariance of a random walk (McCluskey et al., J. Chem. Theory Comput. 21,
79 (2025), by the package ``kinisi``).  It takes the atoms as independent of each other.
Nothing is corrected for the size of the cell.

The conductivity is that of Nernst and Einstein,

.. math:: \sigma = \frac{n q^2 D}{k T H_R} ,

with the number density :math:`n` of carriers, their charge :math:`q` and the Haven ratio
:math:`H_R`, the tracer diffusion coefficient over the one that carries charge.  It is 1
where ions move independently; in fast conductors it is mostly below 1 (ions move together
and carry more charge than :math:`D` says), and :math:`D` alone cannot give it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import constants

from repro.clay.paths import Track
from repro.errors import InputError

Floats = NDArray[np.float64]
FEWEST_FRAMES, FEWEST_LAGS = 40, 5
# Dense lags make a covariance from noisy variances indefinite, and the coefficient wrong by
# several errors now and then; of walks with known D, 8 lags lose nothing against 20.
LAGS_BEFORE, LAGS_FITTED = 12, 8
# kinisi starts every walker at an intercept of 0, from where it takes some hundred steps.
WALKERS, BURN = 32, 700
# Two lags of a random walk correlate as (long/short)^(1/2 - exponent): above 1 below this.
LEAST_EXPONENT = 0.5
# The exponent counts as 1 within two errors or this, and as known if its error is smaller.
EXPONENT_SLACK, EXPONENT_ERROR = 0.05, 0.1


@dataclass(frozen=True)
class Diffusion:
    """A self-diffusion coefficient.

    Attributes
    ----------
    coefficient, error, low, high:
        Median, standard deviation and central 95 % interval of the posterior, cm^2/s.
    temperature:
        K.
    lag_ps, msd_A2, msd_error:
        (L,) selected lags in ps up to the end of the fit, the MSD there and its standard
        error, angstrom^2.
    start_ps, stop_ps:
        First and last lag of the fit.
    exponent, exponent_error:
        Slope of log MSD against log lag over the fitted lags, its error by leaving out one
        atom at a time.  An intercept (atoms that rattle) lowers it.
    density:
        Atoms of the element per angstrom^3.
    """

    coefficient: float
    error: float
    low: float
    high: float
    temperature: float
    lag_ps: Floats
    msd_A2: Floats  # noqa: N815
    msd_error: Floats
    start_ps: float
    stop_ps: float
    exponent: float
    exponent_error: float
    density: float

    @property
    def diffusive(self) -> bool:
        """Whether the exponent is known to 0.1 and is 1 within two errors, or within 0.05."""
        slack = max(2 * self.exponent_error, EXPONENT_SLACK)
        return self.exponent_error <= EXPONENT_ERROR and abs(self.exponent - 1.0) <= slack


@dataclass(frozen=True)
class Conductivity:
    """A conductivity of independent ions.

    In mS/cm; standard error and 95 % interval are those of the diffusion coefficient alone,
    none of the Haven ratio that was put in.  Temperature in K.
    """

    value: float
    error: float
    low: float
    high: float
    temperature: float
    haven: float


def _exponent(paths: Floats, lags: NDArray[np.int64]) -> tuple[float, float]:
    """Return the slope of log MSD against log lag and its jackknife error over atoms.

    Weights are those of a random walk, whose relative variance grows as the lag.
    """
    each = np.array([((paths[m:] - paths[:-m]) ** 2).sum(axis=2).mean(axis=0) for m in lags])
    x, w = np.log(lags), 1.0 / lags
    x = x - (w * x).sum() / w.sum()
    c = w * x / (w * x * x).sum()
    count = each.shape[1]
    without = c @ np.log((each.sum(axis=1, keepdims=True) - each) / (count - 1))
    spread = ((without - without.mean()) ** 2).sum() * (count - 1) / count
    return float(c @ np.log(each.mean(axis=1))), float(np.sqrt(spread))


def _range(length: int, dt: float, start_ps: float | None, stop_ps: float | None) -> tuple[int, int]:  # fmt: skip
    """Return the first and last lag of the fit in frames."""
    if length < FEWEST_FRAMES:
        raise InputError(f"{length} frames: expected {FEWEST_FRAMES} or more; run longer or keep "
                         "more frames (a smaller stride)")  # fmt: skip
    whole = (length - 1) * dt
    first = whole / 10 if start_ps is None else start_ps
    last = whole / 2 if stop_ps is None else stop_ps
    if not 0 < first < last <= whole * (1 + 1e-9):
        raise InputError(f"fit from {first:g} to {last:g} ps: expected above 0 to {whole:g} ps")
    start, stop = max(int(np.ceil(first / dt - 1e-9)), 1), int(np.floor(last / dt + 1e-9))
    if stop - start + 1 < FEWEST_LAGS:
        raise InputError(f"{max(stop - start + 1, 0)} lags between {first:g} and {last:g} ps: "
                         f"expected {FEWEST_LAGS} or more; run longer, keep more frames or fit a "
                         "wider range")  # fmt: skip
    return start, stop


def _posterior(paths: Floats, lags: NDArray[np.int64], start: int, *, dt: float, samples: int,
               seed: int) -> tuple[Any, Floats]:  # fmt: skip
    """Return MSD with variances (a scipp array over the lags) and samples of D, cm^2/s."""
    kinisi: Any = importlib.import_module("kinisi.analyze")
    displacement: Any = importlib.import_module("kinisi.displacement")
    sc: Any = importlib.import_module("scipp")

    # kinisi counts independent windows of the longest lag it is given: that of the whole run.
    known = np.append(lags[lags < len(paths) - 1], len(paths) - 1)
    # Its reader for ASE repeats the first frame, so that one window of each lag is a frame
    # short; the displacements are handed over instead.
    parsed = SimpleNamespace(
        displacements=sc.array(dims=["obs", "particle", "dimension"], unit="angstrom",
                               values=paths[1:] - paths[0]),
        dt_index=sc.array(dims=["time interval"], values=known),
        dt=sc.array(dims=["time interval"], values=known * dt, unit="ps"),
        dimensionality=sc.scalar(3),
    )  # fmt: skip
    whole = displacement.calculate_msd(parsed, progress=False)
    curve = whole["da"]["time interval", : len(lags)]
    analyzer = kinisi.DiffusionAnalyzer(parsed)
    analyzer._dg = sc.DataGroup({"da": curve, "dimensionality": whole["dimensionality"]})
    # kinisi seeds numpy's global generator; leave that as it was found.
    before = np.random.get_state()
    try:
        analyzer.diffusion(sc.scalar((start - 0.5) * dt, unit="ps"), progress=False,
                           n_walkers=WALKERS, n_samples=samples, n_burn=BURN,
                           random_state=np.random.RandomState(seed))  # fmt: skip
    finally:
        np.random.set_state(before)
    return curve, np.asarray(analyzer.D.values, dtype=float)


def diffusion(
    found: Track,
    *,
    temperature: float,
    start_ps: float | None = None,
    stop_ps: float | None = None,
    samples: int = 1000,
    seed: int = 1,
) -> Diffusion:
    """Return the self-diffusion coefficient with its posterior interval.

    Parameters
    ----------
    found:
        From :func:`track`; two atoms or more.
    temperature:
        K, of the run.
    start_ps, stop_ps:
        Lags that are fitted; without, from a tenth to a half of the trajectory.
    samples, seed:
        Of the sampler: steps of each of 32 walkers after 700 to settle, every tenth kept.

    Raises
    ------
    InputError
        For a temperature that is not positive, too few atoms, frames or lags, a range
        outside the trajectory, or atoms that do not move, or only in place (an exponent
        below one half, for which the covariance of a random walk is none).
    """
    if not temperature > 0 or samples < 100:
        raise InputError(f"{temperature} K, {samples} samples: expected above 0 K, 100 or more")
    length, count = found.positions.shape[:2]
    start, stop = _range(length, found.dt_ps, start_ps, stop_ps)
    if count < 2 or not np.isfinite(found.positions).all():
        raise InputError(f"{count} atoms: expected two or more, with finite positions")
    if not np.ptp(found.positions, axis=0).any():
        raise InputError("no atom moves: nothing diffuses")
    chosen = np.concatenate([np.geomspace(1, start, LAGS_BEFORE),
                             np.geomspace(start, stop, LAGS_FITTED)])  # fmt: skip
    lags = np.unique(np.round(chosen).astype(np.int64))
    fitted = lags >= start
    paths = np.asarray(found.positions, dtype=float)
    exponent, exponent_error = _exponent(paths, lags[fitted])
    if not exponent >= LEAST_EXPONENT:
        raise InputError(f"between {start * found.dt_ps:g} and {stop * found.dt_ps:g} ps the MSD "
                         f"grows as the lag to the power {exponent:.2f}: expected "
                         f"{LEAST_EXPONENT} or more (1 is diffusion, 0 is rattling in place); run "
                         "longer or hotter, or fit longer lags")  # fmt: skip
    curve, drawn = _posterior(paths, lags, start, dt=found.dt_ps, samples=samples, seed=seed)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Diffusion(
        coefficient=float(np.median(drawn)), error=float(drawn.std(ddof=1)), low=float(low),
        high=float(high), temperature=temperature, lag_ps=lags * found.dt_ps,
        msd_A2=np.array(curve.values, dtype=float), msd_error=np.sqrt(curve.variances),
        start_ps=start * found.dt_ps, stop_ps=stop * found.dt_ps, exponent=exponent,
        exponent_error=exponent_error, density=count / found.volume,
    )  # fmt: skip


def conductivity(found: Diffusion, *, haven: float = 1.0) -> Conductivity:
    r"""Return :math:`\sigma = n e^2 D / (k T H_R)` of singly charged ions in mS/cm.

    Parameters
    ----------
    found:
        From :func:`diffusion`.
    haven:
        Haven ratio; 1 says that ions move independently of each other.

    Raises
    ------
    InputError
        For a Haven ratio that is not positive.
    """
    if not haven > 0:
        raise InputError(f"Haven ratio {haven}: expected a number above 0")
    charges = found.density * 1e24 * constants.e**2  # C^2/cm^3
    scale = 1000.0 * charges / (constants.k * found.temperature * haven)
    return Conductivity(
        value=scale * found.coefficient, error=scale * found.error, low=scale * found.low,
        high=scale * found.high, temperature=found.temperature, haven=haven,
    )  # fmt: skip
