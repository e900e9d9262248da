r"""What all charges carry together: conductivity without a Haven ratio put in, and that ratio.

Ions that push each other do not move independently, and their self-diffusion says nothing of
it.  What the electrode sees is the displacement of all charges,

.. math:: \mathbf{P}(t) = \sum_i q_i \left[\mathbf{r}_i(t) - \mathbf{r}_i(0)\right] ,
   \qquad \sigma = \frac{1}{6 V k T} \lim_{t \to \infty} \frac{\mathrm{d}}{\mathrm{d}t}
   \left\langle \left|\mathbf{P}(t_0 + t) - \mathbf{P}(t_0)\right|^2 \right\rangle ,

of unwrapped paths; in a neutral cell the origin drops out.  The charges are the formal ones.
For a liquid that conducts no electrons these integers give the same conductivity as the true,
changing polarisation (Grasselli and Baroni, Nature Physics 15, 967 (2019)): the same slope, that
is, at long lags.  At short ones what swings to and fro is in the curve, and depends on them.

Beside it stands what ions would conduct if each went its own way, by the sum of their own
squared displacements over the same lags: lithium alone, and all ions.  The conductivity over
that of lithium alone is 1 over the Haven ratio as :func:`repro.clay.diffusion.conductivity`
means it; but in a melt, where all ions move, it holds what the others carry as well.

A run has one :math:`\mathbf{P}` and hundreds of lithium, so the error is almost all of the
former.  It is found by replay: walks whose charge spreads as independent lithium would, to which
a rattle of the fitted size and memory is added, are analysed as the run was.  Were the walks
given the run's own slope, a run that came out low by chance would have a small error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import constants
from scipy.stats import t as student_t

from repro.clay import chapter, paths
from repro.clay.arrhenius import FEWEST, Arrhenius, arrhenius
from repro.clay.paths import Track
from repro.errors import InputError
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
CHARGES: Mapping[str, int] = MappingProxyType({"Li": 1, "Ga": 3, "F": -1, "Cl": -1})
FIT_PS = (2.0, 8.0)
REPLAYS = 400
FEWEST_LAGS, LONGEST = 3, 0.5


@dataclass(frozen=True)
class Transport:
    """Conductivity of one run by all its charges, and if its ions were independent.

    Attributes
    ----------
    temperature, seed:
        Of the run, K.
    lag_ps, together, alone:
        (L,) lags up to half of the run, the mean squared displacement of the total charge and
        the sum of the mean squared displacements of single lithium, e^2 angstrom^2.
    conductivity, independent, everyone:
        Of all charges; of lithium, were its ions independent; of all ions, were they; all over
        the same lags, mS/cm.
    relative, low, high:
        Standard deviation, 2.5 and 97.5 % of replayed slopes over the one that was put in.
    fit_ps:
        First and last lag of the fit.
    """

    temperature: float
    seed: int
    lag_ps: Floats
    together: Floats
    alone: Floats
    conductivity: float
    independent: float
    everyone: float
    relative: float
    low: float
    high: float
    fit_ps: tuple[float, float]

    @property
    def ratio(self) -> Estimate:
        """Conductivity of all charges over that of independent lithium.

        Its error is that of a run whose ratio is 1.
        """
        return Estimate(self.conductivity / self.independent, self.relative)

    @property
    def interval(self) -> tuple[float, float]:
        """Conductivities (mS/cm) of which this one is in the highest or lowest 2.5 %.

        Not symmetric: a slope of few independent windows is more often too low than too high.
        Infinite to the upper side where replays may come out at nothing.
        """
        upper = self.conductivity / self.low if self.low > 0 else float("inf")
        return self.conductivity / self.high, upper


def displaced(ions: Mapping[str, Track], *, charges: Mapping[str, float] = CHARGES) -> Floats:
    """Return the displacement of all charges since the first frame, (T, 3), e angstrom.

    Parameters
    ----------
    ions:
        Element to its paths, all atoms of the cell; from :func:`repro.clay.paths.tracks`.
    charges:
        Element to charge in e.

    Raises
    ------
    InputError
        For no ions, an element without a charge, paths of different frames, or ions that are
        not neutral together.
    """
    unknown = sorted(set(ions) - set(charges))
    if unknown or not ions:
        raise InputError(f"{', '.join(ions) or 'no ions'}: expected a charge for each, there are "
                         f"{', '.join(charges)}")  # fmt: skip
    if len({(len(one.positions), one.dt_ps, one.volume) for one in ions.values()}) > 1:
        raise InputError("ions of different runs: expected as many frames, as far apart, of all")
    total = sum(charges[e] * one.positions.shape[1] for e, one in ions.items())
    if abs(total) > 1e-9:
        raise InputError(f"{', '.join(f'{one.positions.shape[1]} {e}' for e, one in ions.items())} "
                         f"have a charge of {total:g} e: expected a neutral cell")  # fmt: skip
    parts = [charges[e] * one.positions.sum(axis=1, dtype=float) for e, one in ions.items()]
    moved: Floats = np.sum(parts, axis=0)
    return moved - moved[0]


def memory(first: float, *, slope: float, intercept: float, dt_ps: float) -> float:
    """Return the time (ps) in which what rattles forgets where it was; 0 for no memory.

    A rattle whose correlation falls exponentially adds ``intercept (1 - exp(-t / memory))`` to
    the squared displacement; this is the memory by which the curve passes through its first lag.

    Parameters
    ----------
    first:
        Squared displacement after one frame.
    slope, intercept:
        Of the straight line at longer lags.
    dt_ps:
        Between frames, ps.
    """
    left = 1.0 - (first - slope * dt_ps) / intercept if intercept > 0 else 0.0
    return float(-dt_ps / np.log(left)) if 0 < left < 1 else 0.0


def replayed(slope: float, intercept: float, *, frames: int, dt_ps: float, lags: NDArray[np.int64],
             memory_ps: float = 0.0, replays: int = REPLAYS, seed: int = 1) -> Floats:  # fmt: skip
    """Return the slopes that random walks of a known slope would have shown, (R,).

    Parameters
    ----------
    slope, intercept:
        Of the squared displacement against lag; a negative intercept is taken as none.
    frames, dt_ps, lags:
        Length of each walk in frames, their distance, and the lags in frames that are fitted.
    memory_ps:
        Of what rattles, from :func:`memory`.
    replays, seed:
        How many, and from which random numbers.

    Raises
    ------
    InputError
        For a slope that is not positive.
    """
    if not slope > 0:
        raise InputError(f"a slope of {slope:g}: expected above 0, ions that spread")
    rng = np.random.default_rng(seed)
    shape = (frames, replays, 3)
    walks = np.cumsum(rng.normal(0.0, np.sqrt(slope * dt_ps / 3), shape), axis=0)
    # Of a rattle of variance v per component, two moments far apart differ by 6 v.
    rattle = rng.normal(0.0, np.sqrt(max(intercept, 0.0) / 6), shape)
    kept = float(np.exp(-dt_ps / memory_ps)) if memory_ps > 0 else 0.0
    for k in range(1, frames):
        rattle[k] = kept * rattle[k - 1] + np.sqrt(1 - kept**2) * rattle[k]
    walks += rattle
    each = np.array([((walks[m:] - walks[:-m]) ** 2).sum(axis=2).mean(axis=0) for m in lags])
    slopes: Floats = np.polyfit(lags * dt_ps, each, 1)[0]
    return slopes


def _lags(frames: int, dt_ps: float, fit_ps: tuple[float, float]) -> NDArray[np.int64]:
    """Return the lags in frames that are fitted, fewer than needed if they do not fit in."""
    start, stop = round(fit_ps[0] / dt_ps), round(fit_ps[1] / dt_ps)
    return np.arange(max(start, 1), min(stop, int(LONGEST * (frames - 1))) + 1)


def long_enough(frames: int, *, dt_ps: float, fit_ps: tuple[float, float] = FIT_PS) -> bool:
    """Return whether the lags of a fit lie within half of a run."""
    asked = round(fit_ps[1] / dt_ps) - round(fit_ps[0] / dt_ps) + 1
    return bool(fit_ps[0] > 0 and len(_lags(frames, dt_ps, fit_ps)) == asked >= FEWEST_LAGS)


def transport(
    ions: Mapping[str, Track], *, temperature: float, run: int = 1,
    fit_ps: tuple[float, float] = FIT_PS, charges: Mapping[str, float] = CHARGES, seed: int = 1,
) -> Transport:  # fmt: skip
    """Return the conductivity of a run by all its charges, and were its ions independent.

    Parameters
    ----------
    ions:
        Element to its paths, all atoms of the cell; lithium among them.
    temperature, run:
        K, and the seed of the run.
    fit_ps:
        Lags that are fitted by a straight line.
    charges:
        Element to charge in e.
    seed:
        Of the replays.

    Raises
    ------
    InputError
        As :func:`displaced`; for no lithium, or lithium that does not spread; for a fit of fewer
        than three lags or beyond half of the run.
    """
    together = displaced(ions, charges=charges)
    if "Li" not in ions:
        raise InputError(f"{', '.join(ions)}: expected Li among them")
    frames, dt_ps = len(together), ions["Li"].dt_ps
    if not long_enough(frames, dt_ps=dt_ps, fit_ps=fit_ps):
        raise InputError(f"fit from {fit_ps[0]:g} to {fit_ps[1]:g} ps of {frames} frames "
                         f"{dt_ps:g} ps apart: expected {FEWEST_LAGS} lags or more, up to half of "
                         "the run")  # fmt: skip
    lags = _lags(frames, dt_ps, fit_ps)
    lag, all_charges = paths.mean_squared_displacement(together[:, None], dt_ps=dt_ps)
    single = {
        e: charges[e] ** 2 * one.positions.shape[1]
        * paths.mean_squared_displacement(one.positions, dt_ps=dt_ps)[1]
        for e, one in ions.items()
    }  # fmt: skip
    slope, intercept = (float(one) for one in np.polyfit(lag[lags], all_charges[lags], 1))
    own = {e: float(np.polyfit(lag[lags], msd[lags], 1)[0]) for e, msd in single.items()}
    walks = replayed(
        own["Li"], intercept, frames=frames, dt_ps=dt_ps, lags=lags, seed=seed,
        memory_ps=memory(float(all_charges[1]), slope=slope, intercept=intercept, dt_ps=dt_ps),
    ) / own["Li"]  # fmt: skip
    low, high = np.percentile(walks, [2.5, 97.5])
    unit = conducts_per_slope(volume=ions["Li"].volume, temperature=temperature)
    half = int(LONGEST * (frames - 1)) + 1
    return Transport(
        temperature, run, lag[:half], all_charges[:half], single["Li"][:half], unit * slope,
        unit * own["Li"], unit * sum(own.values()), float(walks.std(ddof=1)), float(low),
        float(high), (float(lag[lags[0]]), float(lag[lags[-1]])),
    )  # fmt: skip


def conducts_per_slope(*, volume: float, temperature: float) -> float:
    """Return mS/cm per e^2 angstrom^2/ps of squared displacement of charge: 1 / (6 V k T).

    Raises
    ------
    InputError
        For a volume (angstrom^3) or temperature (K) that is not positive.
    """
    if not (volume > 0 and temperature > 0):
        raise InputError(f"{volume:g} cubic angstrom at {temperature:g} K: expected both above 0")
    # e^2 A^2/ps = e^2 1e-20/1e-12 C^2 m^2/s; A^3 = 1e-30 m^3; S/m = 10 mS/cm.
    per_metre = constants.e**2 * 1e-8 / (6 * volume * 1e-30 * constants.k * temperature)
    return float(10 * per_metre)


@dataclass(frozen=True)
class Pooled:
    """The ratio of several runs, taken as one number.

    Attributes
    ----------
    ratio:
        Mean over runs, all alike; its error is their scatter.
    low, high:
        95 % by Student's t, to both sides; infinite for one run.
    chance:
        Error of such a mean if every run had a ratio of 1, by replay.
    temperatures, seeds:
        How many of each there are among the runs.
    """

    ratio: Estimate
    low: float
    high: float
    chance: float
    temperatures: int
    seeds: int


def pooled(found: Sequence[Transport]) -> Pooled | None:
    """Return the mean of the ratio over runs; None without runs.

    Runs of all temperatures are taken as samples of one ratio, which is an assumption.
    """
    if not found:
        return None
    mean = chapter.over_seeds([one.ratio.value for one in found])
    many = len(found)
    half = float(student_t.ppf(0.975, many - 1)) * mean.error if many > 1 else float("inf")
    chance = float(np.sqrt(sum(one.relative**2 for one in found))) / many
    return Pooled(mean, mean.value - half, mean.value + half, chance,
                  len({one.temperature for one in found}), len({one.seed for one in found}))  # fmt: skip


def law(found: Sequence[Transport]) -> Arrhenius | None:
    """Return the Arrhenius law of the conductivity of all charges times temperature, mS K/cm.

    The errors of the logarithm are large, so its interval is rough.  None with fewer than three
    temperatures, or a run whose charge did not spread.
    """
    if len({one.temperature for one in found}) < FEWEST or not all(
        one.conductivity > 0 for one in found
    ):
        return None
    kelvin = np.array([one.temperature for one in found])
    values = kelvin * np.array([one.conductivity for one in found])
    relative = np.array([one.relative for one in found])
    return arrhenius(kelvin, values, relative * values)
