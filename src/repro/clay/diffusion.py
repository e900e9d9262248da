r"""Mean squared displacement and self-diffusion of lithium, and what it would conduct.

The mean squared displacement at a lag of :math:`m` frames is the average over atoms and
over all :math:`T - m` time origins,

.. math:: \mathrm{MSD}(m) = \frac{1}{N} \sum_{i=1}^{N} \frac{1}{T-m} \sum_{k=0}^{T-m-1}
   \left|\mathbf{r}_i(k+m) - \mathbf{r}_i(k)\right|^2 ,

of unwrapped positions relative to the centre of mass of the whole cell, whose drift is
so removed.  :func:`mean_squared_displacement` gives it at every lag by fast Fourier
transform (Calandrini et al., Collection SFN 12, 201 (2011), as in freud's ``msd.py``;
freud works in single precision, off by percents at short lags, so it is a check in tests).

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
from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy import constants
from scipy.fft import irfft, next_fast_len, rfft

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


def track(frames: Iterable[Atoms], *, dt_ps: float, element: str = "Li", stride: int = 1) -> Track:
    """Return the unwrapped paths of an element, relative to the centre of mass of all atoms.

    One pass, two frames held; what grows is the paths kept, 12 bytes x N x T / stride.

    Parameters
    ----------
    frames:
        Equally spaced in time, the same atoms, one fixed periodic cell of any shape;
        positions wrapped or not.  ``info["time_ps"]`` is checked where there is one.
    dt_ps:
        Between frames, ps.
    element, stride:
        Whose paths are kept, and every how many frames; all frames are used to unwrap.

    Raises
    ------
    InputError
        For frames that differ in atoms or cell or are not equally spaced, no atom of the
        element, a cell without volume, or frames so far apart that an atom moves more
        than a third of the shortest height of the cell between two.
    """
    if not dt_ps > 0 or stride < 1:
        raise InputError(f"frames {dt_ps} ps apart, stride {stride}: expected a time above 0 and "
                         "a stride of 1 or more")  # fmt: skip
    first: Atoms | None = None
    kept: list[NDArray[np.float32]] = []
    for index, atoms in enumerate(frames):
        if first is None:
            first = atoms.copy()
            chosen = np.flatnonzero(np.array(atoms.get_chemical_symbols()) == element)
            if not len(chosen):
                raise InputError(f"no {element} in {first.symbols}: expected an atom or more")
            cell, volume = first.cell.array, float(abs(np.linalg.det(first.cell.array)))
            if not volume > 0 or not atoms.pbc.all():
                raise InputError("a cell without volume or not periodic: expected a periodic one")
            inverse = np.linalg.inv(cell)
            shortest = float(1.0 / np.linalg.norm(inverse, axis=0).max())
            weights = atoms.get_masses() / atoms.get_masses().sum()
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
        if index % stride == 0:
            kept.append((moved[chosen] - weights @ moved).astype(np.float32))
    if first is None:
        raise InputError("no frames: expected a trajectory")
    return Track(np.stack(kept), dt_ps * stride, volume)


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
