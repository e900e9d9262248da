"""What the chapter on the glass transition shows: specific volume of cooling runs, and Tg.

Three seeds cooled at one rate give three transitions.  Their mean carries the larger of two
errors: the spread over seeds, and the mean bootstrap error of a single fit, which the spread
of three can miss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.clay import chapter, glass
from repro.clay.glass import GlassTransition
from repro.errors import InputError
from repro.md.logs import Thermo
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
PER_DECADE = (3.0, 5.0)
"""K by which Tg moves with a decade of the cooling rate, usual range."""
LABORATORY = 0.1
"""K/s, an ordinary calorimeter's rate (6 K/min)."""


def specific_volume(table: Thermo, *, rate: float, bin_k: float = 10.0) -> tuple[Floats, Floats]:
    """Return temperature (K) and specific volume (cm^3/g), mean over bins of a cooling run.

    Parameters
    ----------
    table:
        Thermo table of a cooling run: columns Time (ps), Temp and Density (g/cm^3).
    rate:
        Of the cooling, K/ps.
    bin_k:
        Width of the bins, in K of the thermostat's programme.  A single row scatters by
        several per cent in such small cells, so that fits to rows would see noise alone.

    Raises
    ------
    InputError
        For a width or rate that is not positive.
    """
    if not bin_k > 0 or not rate > 0:
        raise InputError(f"bins of {bin_k} K, rate {rate} K/ps: expected positive numbers")
    t, v = table["Temp"], 1.0 / table["Density"]
    # Bins follow the programme, not the measured temperature, so that a fluctuation of T does
    # not sort V, and all seeds of one rate have the same bins.
    span = rate * float(table["Time"][-1] - table["Time"][0])
    parts = np.array_split(np.arange(len(t)), min(max(round(span / bin_k), 1), len(t)))
    return (np.array([t[p].mean() for p in parts]), np.array([v[p].mean() for p in parts]))


@dataclass(frozen=True)
class Cooled:
    """The transitions of one cooling rate.

    Attributes
    ----------
    rate:
        K/ps.
    points:
        Seed to temperatures (K) and specific volumes (cm^3/g).
    fits:
        Method to seed to transition; a seed without a kink is missing.
    """

    rate: float
    points: dict[int, tuple[Floats, Floats]]
    fits: dict[str, dict[int, GlassTransition]]

    def temperature(self, method: str = "hyperbola") -> Estimate:
        """Return Tg in K over the seeds, with the larger of the two errors.

        NaN if none bends, or one alone of several: what one glass does is no property of all.
        """
        found = list(self.fits[method].values())
        if len(found) < min(2, len(self.points)):
            return Estimate(float("nan"), float("nan"))
        over = chapter.over_seeds([one.temperature for one in found])
        # Half of a 95 % interval is two errors of one fit.
        single = float(np.mean([(one.high - one.low) / 4 for one in found])) / np.sqrt(len(found))
        return replace(over, error=float(np.nanmax([over.error, single])))

    def mean(self) -> tuple[Floats, Floats, Floats]:
        """Return temperature, volume and its standard error over the seeds, bin by bin.

        The glasses differ in volume by more than the kink; their mean curve does not jump
        from one to the other as a heap of all points would.  The error is NaN for one seed.
        """
        t = np.array([p[0] for p in self.points.values()])
        v = np.array([p[1] for p in self.points.values()])
        n = len(v)
        error = v.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(v.shape[1], np.nan)
        return t.mean(axis=0), v.mean(axis=0), error


def cooled(
    tables: Mapping[int, Thermo], *, rate: float, bin_k: float = 10.0, samples: int = 100
) -> Cooled:
    """Return the transitions of cooling runs at one rate.

    Parameters
    ----------
    tables:
        Seed to the thermo table of its ramp.
    rate:
        K/ps.
    bin_k:
        As for :func:`specific_volume`.
    samples:
        Of the bootstrap.
    """
    points = {
        seed: specific_volume(table, rate=rate, bin_k=bin_k) for seed, table in tables.items()
    }
    fits: dict[str, dict[int, GlassTransition]] = {method: {} for method in glass.METHODS}
    for seed, (t, v) in points.items():
        try:
            found = glass.transitions(t, v, samples=samples)
        except InputError:
            continue  # no kink: said by its absence
        for method, one in found.items():
            fits[method][seed] = one
    return Cooled(rate, points, fits)


def mean_fit(found: Cooled, *, method: str = "hyperbola", samples: int = 100, top: float = np.inf) -> GlassTransition | None:  # fmt: skip
    """Return the transition of the mean curve over the seeds, or None without a kink.

    Parameters
    ----------
    found:
        Cooling runs at one rate.
    method, samples:
        As for :func:`repro.clay.glass.transition`.
    top:
        Only temperatures up to this, K.
    """
    t, v, _ = found.mean()
    kept = t <= top
    try:
        return glass.transition(t[kept], v[kept], method=method, samples=samples)
    except InputError:
        return None


def windows(
    found: Cooled, tops: Sequence[float], *, method: str = "hyperbola"
) -> dict[float, GlassTransition | None]:
    """Return the transition of the mean curve up to each temperature (K)."""
    return {top: mean_fit(found, method=method, top=top) for top in tops}


def in_words(one: GlassTransition | None) -> str:
    """Return a transition in K with its interval, or "no kink"."""
    if one is None:
        return "no kink"
    return f"{one.temperature:.0f} ({one.low:.0f} to {one.high:.0f})"


def kelvin(one: Estimate) -> str:
    """Return a transition in K with its error, or "none"."""
    return f"{one.value:.0f} ± {one.error:.0f}" if np.isfinite(one.value) else "none"


def answer(runs: Cooled, *, method: str = "hyperbola") -> str:
    """Return what the chapter says of the transition at one rate, in a sentence."""
    found, rate = runs.temperature(method), runs.rate
    if not np.isfinite(found.value):
        bent, all_of = len(runs.fits[method]), len(runs.points)
        return (f"Cooled at {rate:.0f} K per picosecond, the number of our {all_of} glasses with a bend that "
                f"can be told from the noise of a straight line is {bent}, too few to call it a transition.")  # fmt: skip
    low, high = laboratory(found, rate)
    zero = glass.ZERO_CELSIUS
    return (f"Cooled at {rate:.0f} K per picosecond our glass bends at {found.value - zero:.0f} ± "
            f"{found.error:.0f} °C, and by the usual rule a calorimeter would see it somewhere "
            f"between {low - zero:.0f} and {high - zero:.0f} °C.")  # fmt: skip


def shift_in_words(runs: Sequence[Cooled], *, method: str = "hyperbola") -> str:
    """Return what the rate does, given one or two rates, the slower first."""
    if len(runs) < 2:
        return "So far only one rate has been run."
    shift = rate_shift(runs[0], runs[-1], method=method)
    if not np.isfinite(shift.value):
        return "At one of our rates there is no transition, so there is nothing to compare."
    clear = "" if abs(shift.value) > 2 * shift.error else ", which is nothing by two errors"
    return (f"From {runs[0].rate:g} to {runs[-1].rate:g} K/ps ours moves by {shift.value:+.0f} ± "
            f"{shift.error:.0f} K{clear}.")  # fmt: skip


def rate_shift(slow: Cooled, fast: Cooled, *, method: str = "hyperbola") -> Estimate:
    """Return Tg at the faster rate less that at the slower, K; NaN where one has no fit.

    Errors are those of :meth:`Cooled.temperature`, taken as independent.

    Raises
    ------
    InputError
        If the rates are not in that order.
    """
    if not fast.rate > slow.rate:
        raise InputError(f"rates {slow.rate:g} and {fast.rate:g} K/ps: expected the slower first")
    a, b = slow.temperature(method), fast.temperature(method)
    return chapter.less(b, a)


def decades(rate: float) -> float:
    """Return how many factors of ten a rate (K/ps) is above a calorimeter's.

    Raises
    ------
    InputError
        For a rate that is not positive.
    """
    if not rate > 0:
        raise InputError(f"cooling rate {rate} K/ps: expected a positive number")
    return float(np.log10(rate * 1e12 / LABORATORY))


def laboratory(found: Estimate, rate: float) -> tuple[float, float]:
    """Return the range of Tg (K) at a calorimeter's rate: 3 to 5 K lower for each decade.

    The margin of the transition itself widens it on both sides.

    Parameters
    ----------
    found:
        At ``rate``, K.
    rate:
        K/ps.

    Raises
    ------
    InputError
        For a rate that is not positive.
    """
    away = decades(rate)
    low, high = (found.value - step * away for step in reversed(PER_DECADE))
    return low - found.margin, high + found.margin


def apart(one: Cooled, *, above: float = 0.0) -> float:
    """Return by which share the mean volumes of the glasses differ, largest less smallest.

    Parameters
    ----------
    one:
        Glasses cooled at one rate.
    above:
        Only bins above this temperature, K.

    Raises
    ------
    InputError
        If a glass has no bin there.
    """
    means = []
    for seed, (temperature, volume) in one.points.items():
        chosen = volume[temperature > above]
        if not len(chosen):
            raise InputError(f"seed {seed}: no bin above {above:g} K, expected one or more")
        means.append(float(chosen.mean()))
    return float(np.ptp(means) / np.mean(means))


def table(runs: Mapping[str, Cooled]) -> pd.DataFrame:
    """Return each seed's transition by both methods, one row a run and seed."""
    rows = []
    for name, one in runs.items():
        for seed in one.points:
            row: dict[str, object] = {"run": name, "rate (K/ps)": one.rate, "seed": seed}
            for method in ("lines", "hyperbola"):
                fit = one.fits[method].get(seed)
                row[f"{method} (K)"] = in_words(fit)
            rows.append(row)
    return pd.DataFrame(rows).set_index("run")
