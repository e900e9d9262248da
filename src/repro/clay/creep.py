r"""What a glass left alone says about a load: linear response.

At zero stress the strain of a cell fluctuates, and where atoms change places for good it also
wanders.  In equilibrium the strain that a small stress :math:`\sigma` would have caused after
a time :math:`t`, :math:`\gamma(t) = \sigma J(t)`, can be read from that alone (Kubo, Rep. Prog.
Phys. 29, 255 (1966); its limit without flow is Parrinello & Rahman, J. Chem. Phys. 76, 2662
(1982)):

.. math:: J(t) = \frac{V}{2 k T} \langle [\gamma(t_0 + t) - \gamma(t_0)]^2 \rangle ,
          \qquad J(t) \approx \frac{1}{G} + \frac{t}{\eta}

once the cell has stopped ringing, with the modulus :math:`G` and the viscosity :math:`\eta`.
A pulse of length :math:`t_p` then leaves :math:`\sigma t_p / \eta` for good, and
:math:`\sigma / G` comes back.

A young glass is not in equilibrium.  What it still relaxes moves its cell without a load, so
that this reads more flow out of the wandering than a load would cause.  And below a picosecond
or two, :math:`J(t)` is the mass of the barostat rather than the material.

Units: ps, GPa, angstrom^3; a viscosity of 1 GPa ps is 1 mPa s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from ase import units
from numpy.typing import NDArray

from repro.clay import chapter, cycles
from repro.clay.cycles import Series
from repro.clay.paths import mean_squared_displacement
from repro.errors import InputError
from repro.md.logs import Thermo
from repro.md.scripts import SHEARS
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
FIT_PS = (3.0, 40.0)
"""Lags of the straight line: after the cell's ringing, and while a run holds several of them."""


def _kt(temperature: float) -> float:
    """Return the thermal energy at a temperature in K, GPa angstrom^3."""
    return float(units.kB * temperature / units.GPa)


@dataclass(frozen=True)
class Compliance:
    """Strain per stress against time, of each shear that was watched.

    Attributes
    ----------
    lags:
        (L,) ps, increasing.
    shears:
        (N, L) 1/GPa.
    glasses:
        (N,) seed of the glass of each.
    volume, temperature:
        Of the cell, angstrom^3 and K.
    """

    lags: Floats
    shears: Floats
    glasses: NDArray[np.int64]
    volume: float
    temperature: float

    def over(self, values: Floats) -> Estimate:
        """Return the mean of a quantity, one value a shear, with the larger of two errors.

        Shears of one glass may resemble each other, and few glasses may agree by chance: so
        the error is that over all shears or that over the means of glasses, if that is larger.
        """
        every = chapter.over_seeds(list(values))
        means = [float(values[self.glasses == one].mean()) for one in np.unique(self.glasses)]
        errors = [e for e in (every.error, chapter.over_seeds(means).error) if not np.isnan(e)]
        return replace(every, error=max(errors, default=float("nan")))

    @property
    def mean(self) -> Floats:
        """(L,) mean over shears, 1/GPa."""
        found: Floats = self.shears.mean(axis=0)
        return found

    @property
    def error(self) -> Floats:
        """(L,) error of the mean, as :meth:`over` has it."""
        return np.array([self.over(column).error for column in self.shears.T])


@dataclass(frozen=True)
class Flow:
    """A spring and a dashpot in a row: what a compliance grows from, and how fast.

    Attributes
    ----------
    modulus:
        GPa.
    fluidity:
        One over the viscosity, 1/(GPa ps).
    volume, temperature:
        Of the cell, angstrom^3 and K.
    """

    modulus: Estimate
    fluidity: Estimate
    volume: float
    temperature: float

    @property
    def viscosity(self) -> Estimate:
        """In mPa s; not finite for a fluidity of nothing."""
        f = self.fluidity
        if f.value <= 0:
            return Estimate(float("inf"), float("nan"), f.samples)
        return Estimate(1 / f.value, f.error / f.value**2, f.samples)

    @property
    def stress_scatter(self) -> float:
        """MPa: standard deviation of the stress of an elastic block, the root of kTG/V."""
        kt = _kt(self.temperature)
        return float(1000 * np.sqrt(kt * self.modulus.value / self.volume))

    def springs(self, stress_mpa: float) -> Estimate:
        """Return the strain that goes when a stress does."""
        g, load = self.modulus, 1e-3 * stress_mpa
        return Estimate(load / g.value, load * g.error / g.value**2, g.samples)

    def leaves(self, stress_mpa: float, on_ps: float) -> Estimate:
        """Return the strain that a stress leaves, on for so long in all."""
        return chapter.times(self.fluidity, 1e-3 * stress_mpa * on_ps)

    def wanders(self, time_ps: float, *, larger: float = 1.0) -> float:
        """Return by how much flow lets strain wander without load, one standard deviation.

        The noise of the spring is on top: the root of kT/(GV) at each moment.

        Parameters
        ----------
        time_ps:
            The time.
        larger:
            Volume over that of this cell.

        Raises
        ------
        InputError
            For a negative time, or a volume that is not positive.
        """
        if time_ps < 0 or not larger > 0:
            raise InputError(f"{time_ps} ps, volume times {larger}: expected a time of 0 or more, "
                             "and a positive volume")  # fmt: skip
        kt = _kt(self.temperature)
        square = 2 * kt * max(self.fluidity.value, 0.0) * time_ps / (larger * self.volume)
        return float(np.sqrt(square))


def unloaded(
    legs: Mapping[int, Sequence[Thermo]], *, natoms: int, loaded: str | None = None,
    shears: Sequence[str] = SHEARS,
) -> dict[int, list[Series]]:  # fmt: skip
    """Return the series of the shears that bear no load, by seed.

    Parameters
    ----------
    legs:
        Seed to its thermo tables in order.
    natoms:
        Atoms.
    loaded:
        ``yz``, ``xz`` or ``xy``; None for a control, in which no shear bears a load.
    shears:
        Those that are asked for.

    Raises
    ------
    InputError
        As :func:`repro.clay.cycles.series`, or for another shear.
    """
    if loaded not in (None, *SHEARS):
        raise InputError(f"loaded shear {loaded!r}: expected {', '.join(SHEARS)} or None")
    return {seed: [cycles.series(own, component=one, natoms=natoms)
                   for one in shears if one != loaded] for seed, own in legs.items()}  # fmt: skip


def gathered(parts: Iterable[Mapping[int, Sequence[Series]]]) -> dict[int, list[Series]]:
    """Return the series of several protocols together, by seed."""
    made: dict[int, list[Series]] = {}
    for part in parts:
        for seed, own in part.items():
            made.setdefault(seed, []).extend(own)
    return made


def _squares(one: Series, *, since_ps: float, until_ps: float) -> tuple[Floats, Floats]:
    """Return lags and mean squared change of a strain within a part of its run."""
    kept = (one.time >= since_ps - 1e-9) & (one.time <= until_ps + 1e-9)
    time, strain = one.time[kept], one.strain[kept]
    if len(time) < 2:
        raise InputError(
            f"{len(time)} rows from {since_ps:g} to {until_ps:g} ps: expected two or more"
        )
    steps = np.diff(time)
    if np.ptp(steps) > 1e-3 * steps.mean():
        raise InputError(f"rows {steps.min():g} to {steps.max():g} ps apart: expected equal steps")
    # A path along one axis: the function counts atoms that move in space.
    path = np.zeros((len(strain), 1, 3))
    path[:, 0, 0] = strain
    return mean_squared_displacement(path, dt_ps=float(steps.mean()))


def compliance(
    idle: Mapping[int, Sequence[Series]], *, volume: float, temperature: float,
    lags: Floats | None = None, since_ps: float = 0.0, until_ps: float = np.inf,
) -> Compliance:  # fmt: skip
    """Return the compliance that the wandering of unloaded shears tells.

    Parameters
    ----------
    idle:
        Seed to the series of its unloaded shears; rows equally far apart in time.
    volume, temperature:
        Of the cell, angstrom^3 and K.
    lags:
        Times in ps, each rounded to a whole number of rows; by default all of them up to half of
        the shortest run.
    since_ps, until_ps:
        The part of the runs to read.

    Raises
    ------
    InputError
        For no series, a volume or temperature that is not positive, rows at unequal times, or
        a lag as long as a run or longer.
    """
    if not idle or not all(idle.values()):
        raise InputError(f"seeds {sorted(idle)}: expected one or more series of each")
    if not (volume > 0 and temperature > 0):
        raise InputError(f"{volume} angstrom^3, {temperature} K: expected positive numbers")
    found = [_squares(one, since_ps=since_ps, until_ps=until_ps)
             for own in idle.values() for one in own]  # fmt: skip
    glasses = np.array([seed for seed, own in idle.items() for _ in own], dtype=np.int64)
    shortest, step = min(t[-1] for t, _ in found), max(t[1] for t, _ in found)
    wanted = step * np.arange(1, shortest / 2 / step + 1e-9) if lags is None else np.asarray(lags)
    whole = np.unique(np.round(wanted / step).astype(np.int64))
    if not len(whole) or whole[0] < 1 or whole[-1] * step > shortest * (1 - 1e-9):
        raise InputError(f"lags {wanted.min() if len(wanted) else 0:g} to "
                         f"{wanted.max() if len(wanted) else 0:g} ps: expected {step:g} ps or more, "
                         f"and less than the shortest run, {shortest:g} ps")  # fmt: skip
    times = whole * step
    squares = np.array([np.interp(times, t, m) for t, m in found])
    return Compliance(
        times, volume * squares / (2 * _kt(temperature)), glasses, volume, temperature
    )


def flow(found: Compliance, *, fit_ps: tuple[float, float] = FIT_PS) -> Flow:
    """Return modulus and fluidity: a straight line through the compliance of each shear.

    Weights fall as one over the lag, as the precision of a random walk's does.  The modulus is
    one over the mean of where the lines begin.

    Parameters
    ----------
    found:
        From :func:`compliance`.
    fit_ps:
        First and last lag of the line.

    Raises
    ------
    InputError
        If fewer than three lags lie within, or the mean line begins at or below zero.
    """
    kept = (found.lags >= fit_ps[0] - 1e-9) & (found.lags <= fit_ps[1] + 1e-9)
    if kept.sum() < 3:
        raise InputError(f"{kept.sum()} lags from {fit_ps[0]:g} to {fit_ps[1]:g} ps: expected three "
                         "or more")  # fmt: skip
    t = found.lags[kept]
    slopes, begins = np.polyfit(t, found.shears[:, kept].T, 1, w=1 / t)
    begin = found.over(begins)
    if begin.value <= 0:
        raise InputError(f"compliance at the start {begin.value:.3g} /GPa: expected a positive one; "
                         "fit earlier lags")  # fmt: skip
    modulus = replace(begin, value=1 / begin.value, error=begin.error / begin.value**2)
    return Flow(modulus, found.over(slopes), found.volume, found.temperature)
