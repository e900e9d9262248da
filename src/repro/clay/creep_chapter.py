"""What the chapter on stress cycles says of creep: expected strains beside measured ones.

The law is in :mod:`repro.clay.creep`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.clay import chapter, creep, cycles, presets
from repro.clay.creep import Flow
from repro.clay.cycles import Series
from repro.clay.protocols import StressCycles
from repro.clay.shear_chapter import Sheared
from repro.clay.stress_chapter import Loaded
from repro.errors import InputError
from repro.md.scripts import SHEARS
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]


def _loaded(name: str) -> str | None:
    """Return the shear that a protocol of the reference campaign loads; None for a control."""
    described = presets.protocol(name)
    if not isinstance(described, StressCycles):
        raise InputError(f"{name}: {type(described).__name__}, expected stress cycles")
    return described.component if described.amplitude_mpa else None


def shipped(*names: str, shears: Sequence[str] = SHEARS) -> tuple[dict[int, list[Series]], float]:
    """Return the unloaded shears of shipped stress cycles together, and their mean volume.

    Parameters
    ----------
    names:
        Protocols of the reference campaign.
    shears:
        Those that are asked for.

    Raises
    ------
    InputError
        If one of them is no stress cycle, or none is given.
    DataError
        If one was not shipped.
    """
    parts, volumes = [], []
    for name in names:
        loaded, own, runs = _loaded(name), chapter.legs(name), chapter.runs()
        parts.append(creep.unloaded(own, natoms=int(runs[runs.protocol == name].natoms.iloc[0]),
                                    loaded=loaded, shears=shears))  # fmt: skip
        volumes += [leg["Volume"].mean() for legs in own.values() for leg in legs]
    if not parts:
        raise InputError("no protocol: expected one or more")
    return creep.gathered(parts), float(np.mean(volumes))


def _words(found: Flow) -> dict[str, str]:
    return {"modulus (GPa)": found.modulus.words(1),
            "fluidity (1/(GPa ns))": found.fluidity.words(1, factor=1000)}  # fmt: skip


def by_shear(*names: str, temperature: float) -> pd.DataFrame:
    """Return modulus and fluidity of each shear of shipped stress cycles, in words.

    Raises
    ------
    InputError, DataError
        As :func:`shipped` and :func:`repro.clay.creep.compliance`.
    """
    rows = {}
    for one in SHEARS:
        calm, volume = shipped(*names, shears=(one,))
        told = creep.compliance(calm, volume=volume, temperature=temperature)
        rows[one] = {"runs": len(told.shears), **_words(creep.flow(told))}
    return pd.DataFrame(rows).T.rename_axis("shear")


def rests() -> dict[int, list[Series]]:
    """Return the shears of the shipped rests after the quench, by seed."""
    table = chapter.rows("anneal", "rest")
    return creep.unloaded({int(s): [chapter.thermo(int(s), "anneal", "rest")] for s in table.seed},
                          natoms=int(table.natoms.iloc[0]))  # fmt: skip


def ageing(
    stages: Sequence[tuple[float, Mapping[int, Sequence[Series]], float, float]], *,
    volume: float, temperature: float,
) -> pd.DataFrame:  # fmt: skip
    """Return modulus and fluidity at several ages of the glass, in words.

    Parameters
    ----------
    stages:
        Age in ps at which some runs begin, their unloaded shears, and the part of them that is
        read (ps).
    volume, temperature:
        Of the cell, angstrom^3 and K.

    Raises
    ------
    InputError
        If a part is too short for a line from 3 ps on to two fifths of it.
    """
    rows = {}
    for age, idle, since, until in stages:
        told = creep.compliance(idle, volume=volume, temperature=temperature, since_ps=since,
                                until_ps=until)  # fmt: skip
        one = creep.flow(told, fit_ps=(creep.FIT_PS[0], 0.4 * (until - since)))
        rows[f"{age + since:g} to {age + until:g}"] = _words(one)
    return pd.DataFrame(rows).T.rename_axis("ps since the quench")


@dataclass(frozen=True)
class Idle:
    """Strains of shears that nobody loaded, at the moments at which those of loads are read.

    Attributes
    ----------
    pulse, rest:
        (N, C) for N shears and C cycles: where a load would be on, and after it.
    """

    pulse: Floats
    rest: Floats

    def spread(self, number: int = -1, *, pulse: bool = False) -> float:
        """Return the root mean square after a cycle (the last), or in its pulse.

        About zero, since neither side is preferred.
        """
        one = (self.pulse if pulse else self.rest)[:, number]
        return float(np.sqrt((one**2).mean()))


def idle_strains(idle: Mapping[int, Sequence[Series]], *, share: float = 0.25) -> Idle:
    """Return the strains of unloaded shears cycle by cycle.

    Raises
    ------
    InputError
        As :func:`repro.clay.cycles.summary`, for no series, or for different numbers of cycles.
    """
    found = [cycles.summary(one, share=share) for own in idle.values() for one in own]
    if not found:
        raise InputError("no series: expected one or more unloaded shears")
    counts = {len(one) for one in found}
    if len(counts) > 1:
        raise InputError(f"shears of {sorted(counts)} cycles: expected one number of them")
    return Idle(np.array([[k.loaded.value for k in one] for one in found]),
                np.array([[k.residual.value for k in one] for one in found]))  # fmt: skip


def resemblance(one: str, other: str) -> float:
    """Return the correlation of the last strains of shears that neither of two protocols loads.

    Both begin from one configuration with one draw of velocities, seed by seed.

    Raises
    ------
    InputError, DataError
        As :func:`shipped`, or for fewer than three shears that both leave alone.
    """
    common = [c for c in SHEARS if c not in (_loaded(one), _loaded(other))]
    parts = [shipped(name, shears=common)[0] for name in (one, other)]
    seeds = [seed for seed in parts[0] if seed in parts[1]]
    if len(seeds) * len(common) < 3:
        raise InputError(f"{one} and {other} share {len(seeds) * len(common)} unloaded shears: "
                         "expected three or more")  # fmt: skip
    ends = [idle_strains({seed: own[seed] for seed in seeds}).rest[:, -1] for own in parts]
    return float(np.corrcoef(ends)[0, 1])


def _beside(loaded: Sequence[float], idle: Floats) -> Estimate:
    """Return the mean of loaded glasses with the error that unloaded shears give it."""
    error = np.sqrt((idle**2).mean() / len(loaded))
    # One more than the shears: their mean is known to be zero, so none is spent on it.
    return Estimate(float(np.mean(loaded)), float(error), len(idle) + 1)


def against(load: Loaded, idle: Idle, *, number: int = -1, pulse: bool = False) -> Estimate:
    """Return the strain of a load after a cycle, its error from shears that bore none.

    Few loaded glasses know their own scatter badly; unloaded shears of the same cells are
    more, and show how far a strain wanders that nobody caused.  The error takes for granted
    that a load shifts the wandering and does not widen it, and that the shears wander apart:
    those of a glass begin from one moment, whose own noise they share.

    Parameters
    ----------
    load, idle:
        Of equal cycles.
    number:
        Index of the cycle.
    pulse:
        In its pulse, not after its rest.
    """
    every = [own[number] for own in load.cycles.values()]
    return _beside([(one.loaded if pulse else one.residual).value for one in every],
                   (idle.pulse if pulse else idle.rest)[:, number])  # fmt: skip


def gone(load: Loaded, idle: Idle, *, number: int = 0) -> Estimate:
    """Return the strain that goes with a load in a cycle, its error from shears that bore none.

    As :func:`against`, for the strain in the pulse less that after the rest.
    """
    every = [own[number] for own in load.cycles.values()]
    return _beside([one.loaded.value - one.residual.value for one in every],
                   idle.pulse[:, number] - idle.rest[:, number])  # fmt: skip


def glasses_needed(idle: Idle, effect: float) -> int:
    """Return with how many loaded glasses a strain is as large as two standard errors.

    So many show it every second time.

    Raises
    ------
    InputError
        For an effect that is not positive.
    """
    if not effect > 0:
        raise InputError(f"effect {effect}: expected a positive strain")
    return max(1, int(np.ceil((2 * idle.spread() / effect) ** 2)))


def expected(
    load: Loaded, idle: Idle, found: Flow, *, on_ps: float, share: float = 0.25
) -> pd.DataFrame:
    """Return strains that linear response expects beside those measured, cycle by cycle.

    Parameters
    ----------
    load, idle:
        Measured; errors are those of :func:`against`.
    found:
        From :func:`repro.clay.creep.flow`.
    on_ps:
        Length of a pulse.
    share:
        Last part of a leg that the measured strains are means over.
    """
    spring, rows = found.springs(load.amplitude_mpa), []
    for k in range(idle.rest.shape[1]):
        # The measured strain is a mean over the end of the pulse, which has not flowed to its end.
        flown = found.leaves(load.amplitude_mpa, (k + 1 - share / 2) * on_ps)
        both = Estimate(spring.value + flown.value, float(np.hypot(spring.error, flown.error)))
        left = found.leaves(load.amplitude_mpa, (k + 1) * on_ps)
        rows.append({"cycle": k + 1, "under load, expected (%)": both.words(factor=100),
                     "measured (%)": against(load, idle, number=k, pulse=True).words(factor=100),
                     "after the rest, expected (%)": left.words(factor=100),
                     "measured then (%)": against(load, idle, number=k).words(factor=100)})  # fmt: skip
    return pd.DataFrame(rows).set_index("cycle")


def reach(
    found: Flow, *, loads_mpa: Sequence[float], cases: Mapping[str, tuple[float, float, float]]
) -> pd.DataFrame:
    """Return what loads would leave, and how far strain wanders meanwhile, in words.

    Parameters
    ----------
    found:
        From :func:`repro.clay.creep.flow`.
    loads_mpa:
        The loads.
    cases:
        Words to the volume over that of the cell, the time under load, and the time in all, ps.
    """
    rows = {}
    for words, (larger, on, whole) in cases.items():
        row = {f"{one:g} MPa leaves (%)": found.leaves(one, on).words(2, factor=100)
               for one in loads_mpa}  # fmt: skip
        rows[words] = {
            **row,
            "flow alone wanders (%)": f"{100 * found.wanders(whole, larger=larger):.1f}",
        }
    return pd.DataFrame(rows).T


def thinning(found: Flow, runs: Sequence[Sheared]) -> pd.DataFrame:
    """Return the stress of a liquid of the viscosity at some rates beside that of sheared glasses.

    Parameters
    ----------
    found:
        From :func:`repro.clay.creep.flow`.
    runs:
        Glasses sheared at one rate each.
    """
    rows = {}
    for one in runs:
        per_ps, flow = 1e-12 * one.rate_per_s, one.flow()
        rows[f"{one.rate_per_s:.0e} per s".replace("e+", "e")] = {
            "as a liquid (GPa)": chapter.times(found.viscosity, per_ps).words(),
            "sheared (GPa)": flow.words(),
            "sheared, over the rate (mPa s)": chapter.times(flow, 1 / per_ps).words(0),
        }
    return pd.DataFrame(rows).T
