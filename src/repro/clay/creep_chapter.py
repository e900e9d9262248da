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
from repro.clay.stress_chapter import Loaded
from repro.errors import InputError
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]


def shipped(*names: str) -> tuple[dict[int, list[Series]], float]:
    """Return the unloaded shears of shipped stress cycles together, and their mean volume.

    Parameters
    ----------
    names:
        Protocols of the reference campaign.

    Raises
    ------
    InputError
        If one of them is no stress cycle, or none is given.
    DataError
        If one was not shipped.
    """
    parts, volumes = [], []
    for name in names:
        described = presets.protocol(name)
        if not isinstance(described, StressCycles):
            raise InputError(f"{name}: {type(described).__name__}, expected stress cycles")
        own, runs = chapter.legs(name), chapter.runs()
        parts.append(creep.unloaded(
            own, natoms=int(runs[runs.protocol == name].natoms.iloc[0]),
            loaded=described.component if described.amplitude_mpa else None,
        ))  # fmt: skip
        volumes += [leg["Volume"].mean() for legs in own.values() for leg in legs]
    if not parts:
        raise InputError("no protocol: expected one or more")
    return creep.gathered(parts), float(np.mean(volumes))


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
        rows[f"{age + since:g} to {age + until:g}"] = {
            "modulus (GPa)": one.modulus.words(1),
            "fluidity (1/(GPa ns))": one.fluidity.words(1, factor=1000),
        }
    return pd.DataFrame(rows).T.rename_axis("ps since the quench")


@dataclass(frozen=True)
class Idle:
    """Strains after the last rest of shears that nobody loaded.

    Attributes
    ----------
    strains:
        (N,), in no order.
    """

    strains: Floats

    @property
    def mean(self) -> Estimate:
        """Mean, which symmetry makes zero, with its error."""
        return chapter.over_seeds(list(self.strains))

    @property
    def spread(self) -> float:
        """Root of the mean square: about zero, since neither side is preferred."""
        return float(np.sqrt((self.strains**2).mean()))


def idle_strains(idle: Mapping[int, Sequence[Series]], *, share: float = 0.25) -> Idle:
    """Return the strains after the last rest of unloaded shears.

    Raises
    ------
    InputError
        As :func:`repro.clay.cycles.summary`, or for no series.
    """
    found = [cycles.summary(one, share=share)[-1].residual.value
             for own in idle.values() for one in own]  # fmt: skip
    if not found:
        raise InputError("no series: expected one or more unloaded shears")
    return Idle(np.array(found))


def against(load: Loaded, idle: Idle) -> Estimate:
    """Return the strain that a load left, its error from shears that bore none.

    Few loaded glasses know their own scatter badly; unloaded shears of the same cells are
    more, and show how far a strain wanders that nobody caused.  The error takes for granted
    that a load shifts the wandering and does not widen it.
    """
    mean, count = load.residual(), len(load.cycles)
    # One more than the strains: their mean is known to be zero, so none is spent on it.
    return Estimate(mean.value, idle.spread / np.sqrt(count), len(idle.strains) + 1)


def glasses_needed(idle: Idle, effect: float) -> int:
    """Return how many loaded glasses show a strain by two standard errors.

    Raises
    ------
    InputError
        For an effect that is not positive.
    """
    if not effect > 0:
        raise InputError(f"effect {effect}: expected a positive strain")
    return max(1, int(np.ceil((2 * idle.spread / effect) ** 2)))


def expected(load: Loaded, found: Flow, *, on_ps: float) -> pd.DataFrame:
    """Return strains that linear response expects beside those measured, cycle by cycle.

    Parameters
    ----------
    load:
        Measured.
    found:
        From :func:`flow`.
    on_ps:
        Length of a pulse.
    """
    spring, rows = found.springs(load.amplitude_mpa), []
    for k in range(min(len(own) for own in load.cycles.values())):
        left = found.leaves(load.amplitude_mpa, (k + 1) * on_ps)
        both = Estimate(spring.value + left.value, float(np.hypot(spring.error, left.error)))
        on = chapter.over_seeds([own[k].loaded.value for own in load.cycles.values()])
        rows.append({"cycle": k + 1, "under load, expected (%)": both.words(factor=100),
                     "measured (%)": on.words(factor=100),
                     "after the rest, expected (%)": left.words(factor=100),
                     "measured then (%)": load.residual(k).words(factor=100)})  # fmt: skip
    return pd.DataFrame(rows).set_index("cycle")


def reach(
    found: Flow, *, loads_mpa: Sequence[float], cases: Mapping[str, tuple[float, float, float]]
) -> pd.DataFrame:
    """Return what loads would leave, and how far strain wanders meanwhile, in words.

    Parameters
    ----------
    found:
        From :func:`flow`.
    loads_mpa:
        The loads.
    cases:
        Words to the volume over that of the cell, the time under load, and the time in all, ps.
    """
    rows = {}
    for words, (larger, on, whole) in cases.items():
        row = {f"{one:g} MPa leaves (%)": found.leaves(one, on).words(1, factor=100)
               for one in loads_mpa}  # fmt: skip
        rows[words] = {
            **row,
            "wanders without load (%)": f"{100 * found.wanders(whole, larger=larger):.1f}",
        }
    return pd.DataFrame(rows).T
