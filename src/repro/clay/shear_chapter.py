"""What the chapter on shear shows of the curves: yield and flow by rate, and reach in time.

Every quantity is taken of each seed's own curve and then averaged, so that its error holds
what differs between samples as well as the noise of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from ase import Atoms

from repro.clay import chapter, nonaffine, shear
from repro.clay.shear import Curve, Onset
from repro.errors import InputError
from repro.md import scripts
from repro.md.logs import Thermo
from repro.md.statistics import Estimate

NONE = Estimate(float("nan"), float("nan"))
OFFSET = 0.02  # strain, of the yield stress by the offset method
CROSSED = 0.8
"""Share of the bootstrap samples that must cross for a seed's crossing to count."""


@dataclass(frozen=True)
class Sheared:
    """The curves of one rate.

    Attributes
    ----------
    rate_per_s:
        Shear rate.
    curves:
        Seed to its curve.
    """

    rate_per_s: float
    curves: dict[int, Curve]

    def _each(self, of: Callable[[Curve], Estimate]) -> dict[int, Estimate]:
        made = {}
        for seed, one in self.curves.items():
            try:
                made[seed] = of(one)
            except InputError:
                continue  # a curve that never leaves its line: said by its absence
        return made

    def _mean(self, of: Callable[[Curve], Estimate]) -> Estimate:
        found = list(self._each(of).values())
        return shear.average(found) if found else NONE

    def mean(self) -> Curve:
        """Return the mean curve with its error over seeds; of one seed, its own."""
        every = list(self.curves.values())
        return shear.combine(every) if len(every) > 1 else every[0]

    def modulus(self) -> Estimate:
        """Return the shear modulus in GPa, slope up to a strain of 0.02."""
        return self._mean(shear.modulus)

    def onset(self, *, offset: float = 0.005) -> Estimate:
        """Return the strain at which the curve leaves its elastic line by an offset."""
        return self._mean(lambda one: _crossing(one, offset).strain)

    def offset_stress(self, *, offset: float = OFFSET) -> Estimate:
        """Return the stress in GPa at which the curve meets the line shifted by an offset."""
        return self._mean(lambda one: _crossing(one, offset).stress_gpa)

    def maximum(self) -> Estimate:
        """Return the maximum of the smoothed curve in GPa."""
        return self._mean(lambda one: shear.yield_stress(one).stress_gpa)

    def flows(self, *, since: float = 0.1) -> dict[int, Estimate]:
        """Return each seed's mean stress beyond a strain, GPa."""
        return self._each(lambda one: shear.flow(one, since=since))

    def flow(self, *, since: float = 0.1) -> Estimate:
        """Return the mean stress beyond a strain, GPa."""
        return self._mean(lambda one: shear.flow(one, since=since))

    def crossings(self, *, offset: float = OFFSET) -> int:
        """Return how many seeds have a stress at that offset."""
        return self.offset_stress(offset=offset).samples


def _crossing(one: Curve, offset: float) -> Onset:
    """Return where a curve meets its shifted line; an error where noise decides whether it does."""
    found = shear.onset(one, offset=offset)
    if found.crossed < CROSSED:
        raise InputError(f"offset {offset:g}: {found.crossed:.0%} of the bootstrap samples cross, "
                         f"expected {CROSSED:.0%}")  # fmt: skip
    return found


def sheared(
    tables: Mapping[int, Thermo], *, rate_per_s: float, component: str = "yz", width: float = 0.002
) -> Sheared:
    """Return the curves of runs at one rate.

    Parameters
    ----------
    tables:
        Seed to the thermo table of its shear run.
    rate_per_s:
        Shear rate.
    component, width:
        As for :func:`repro.clay.shear.curve`.

    Raises
    ------
    InputError
        For no seeds, or as :func:`repro.clay.shear.curve`.
    """
    if not tables:
        raise InputError("no seeds: expected the shear run of one or more")
    return Sheared(rate_per_s, {seed: shear.curve(t, component=component, width=width)
                                for seed, t in tables.items()})  # fmt: skip


def faster_is_stronger(slow: Sheared, fast: Sheared, *, since: float = 0.1) -> Estimate:
    """Return the flow stress at the faster rate less that at the slower, GPa, seed by seed.

    Raises
    ------
    InputError
        If they share no seed or the rates are not in that order.
    """
    if not fast.rate_per_s > slow.rate_per_s:
        raise InputError(f"rates {slow.rate_per_s:g} and {fast.rate_per_s:g} /s: expected the slower "
                         "first")  # fmt: skip
    a, b = slow.flows(since=since), fast.flows(since=since)
    both = sorted(set(a) & set(b))
    if not both:
        raise InputError(f"seeds {sorted(a)} and {sorted(b)}: expected one in common")
    over = chapter.over_seeds([b[s].value - a[s].value for s in both])
    # The scatter of so few seeds can fall short of what each run's own noise gives.
    own = float(np.sqrt(sum(a[s].error ** 2 + b[s].error ** 2 for s in both))) / len(both)
    return replace(over, error=float(np.nanmax([over.error, own])))


def table(runs: Mapping[str, Sheared]) -> pd.DataFrame:
    """Return modulus, onset, yield and flow of each rate, mean over seeds with its error."""

    def words(e: Estimate, digits: int = 2) -> str:
        return e.words(digits, none="none")

    def crossed(e: Estimate, one: Sheared, digits: int) -> str:
        some = f" ({e.samples} of {len(one.curves)})" if e.samples < len(one.curves) else ""
        return words(e, digits) + some

    return pd.DataFrame([
        {"run": name, "rate (1/s)": f"{one.rate_per_s:.0e}", "seeds": len(one.curves),
         "modulus (GPa)": words(one.modulus(), 1), "onset (strain)": crossed(one.onset(), one, 3),
         f"{100 * OFFSET:g} % offset (GPa)": crossed(one.offset_stress(), one, 2), "maximum (GPa)": words(one.maximum()),
         "flow beyond 0.1 (GPa)": words(one.flow())}
        for name, one in runs.items()
    ]).set_index("run")  # fmt: skip


def flow_at(rate_per_s: float, slow: Sheared, fast: Sheared) -> float:
    """Return the flow stress (GPa) at a rate, on a line in the logarithm of the rate.

    NaN where both runs have one rate.

    Raises
    ------
    InputError
        For a rate that is not positive.
    """
    if not rate_per_s > 0:
        raise InputError(f"rate {rate_per_s} per s: expected a positive number")
    if slow.rate_per_s == fast.rate_per_s:
        return float("nan")
    slope = faster_is_stronger(slow, fast).value / np.log10(fast.rate_per_s / slow.rate_per_s)
    return float(slow.flow().value + slope * np.log10(rate_per_s / slow.rate_per_s))


def years(*, strain: float, rate_per_s: float, ns_per_day: float) -> float:
    """Return how many years of computing a strain takes at a rate.

    Raises
    ------
    InputError
        For a number that is not positive.
    """
    if not (strain > 0 and rate_per_s > 0 and ns_per_day > 0):
        raise InputError(f"strain {strain}, rate {rate_per_s} /s, {ns_per_day} ns/day: expected "
                         "positive numbers")  # fmt: skip
    return strain / rate_per_s * 1e9 / ns_per_day / 365.25


def method(frame: Atoms, *, strain: float = 0.01) -> str:
    """Return the name of the method if D2min of a purely affine shear of a frame is zero.

    Otherwise the largest value, so that a wrong implementation names itself.
    """
    turned = frame.copy()
    f = np.eye(3)
    f[2, 1] = strain
    turned.set_cell(frame.cell.array @ f, scale_atoms=True)
    worst = float(nonaffine.d2min(frame, turned).d2min.max())
    return "Falk-Langer D2min" if worst < 1e-12 else f"D2min of an affine shear {worst:.2g}"


def others_free(
    component: str = "yz", *, rate_per_s: float = 1e9, temperature: float = 300.0
) -> bool:
    """Return whether the LAMMPS lines of a shear hold every other component at zero stress."""
    words = scripts.shear_rate(temperature, component=component, rate_per_s=rate_per_s).split()
    others = [*"xyz", *(one for one in scripts.SHEARS if one != component)]
    held = all(
        one in words and words[words.index(one) + 1 : words.index(one) + 3] == ["0", "0"]
        for one in others
    )
    # The sheared component stands only in the line that deforms the cell.
    return held and words.count(component) == 1 and words[words.index(component) - 2] == "deform"
