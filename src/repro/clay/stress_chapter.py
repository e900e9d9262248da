"""What the chapter on stress cycles shows: residual strain against a control, energy, noise.

A cell of some hundred atoms wanders at zero stress.  So each loaded run is set beside the
control of the same seed, with the same velocities and the same times, and what counts is the
difference, its error taken over the seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.clay import chapter, cycles
from repro.clay.cycles import Cycle, Series
from repro.errors import InputError
from repro.md.logs import Thermo
from repro.md.scripts import BAR_PER_MPA, SHEARS
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Loaded:
    """Stress cycles of one load over the seeds.

    Attributes
    ----------
    component, amplitude_mpa:
        The load.
    series:
        Seed to its series.
    cycles:
        Seed to its cycles.
    """

    component: str
    amplitude_mpa: float
    series: dict[int, Series]
    cycles: dict[int, list[Cycle]]

    def residual(self, number: int = -1) -> Estimate:
        """Return the residual strain after a cycle (the last), mean over seeds."""
        return chapter.over_seeds([own[number].residual.value for own in self.cycles.values()])

    def energy(self, number: int = -1) -> Estimate:
        """Return the change of the potential energy in meV/atom, mean over seeds."""
        return chapter.over_seeds([own[number].energy.value for own in self.cycles.values()])

    def largest_energy(self) -> float:
        """Return the largest change of potential energy after any cycle of any seed, meV/atom."""
        return max(abs(one.energy.value) for own in self.cycles.values() for one in own)


def loaded(
    legs: Mapping[int, Sequence[Thermo]], *, component: str, amplitude_mpa: float, natoms: int,
    share: float = 0.25,
) -> Loaded:  # fmt: skip
    """Return the cycles of a load.

    Parameters
    ----------
    legs:
        Seed to its thermo tables in order: on, off, on, off ...
    component, amplitude_mpa:
        Of the load.
    natoms:
        Atoms.
    share:
        Last part of each leg that is averaged.

    Raises
    ------
    InputError
        As :func:`repro.clay.cycles.series` and :func:`repro.clay.cycles.summary`, or for no
        seeds.
    """
    if not legs:
        raise InputError("no seeds: expected the legs of one or more")
    made = {seed: cycles.series(own, component=component, natoms=natoms)
            for seed, own in legs.items()}  # fmt: skip
    found = {seed: cycles.summary(one, share=share) for seed, one in made.items()}
    return Loaded(component, amplitude_mpa, made, found)


def beyond(load: Loaded, control: Loaded, *, number: int = -1) -> Estimate:
    """Return the residual strain beyond that of the control, seed by seed, mean over seeds.

    Parameters
    ----------
    load, control:
        Of the same seeds; the control's strain is that of the load's component.
    number:
        Index of the cycle.

    Raises
    ------
    InputError
        If they share no seed or have different components.
    """
    if load.component != control.component:
        raise InputError(f"load on {load.component}, control read on {control.component}: expected "
                         "the same component")  # fmt: skip
    both = [s for s in load.cycles if s in control.cycles]
    if not both:
        raise InputError(f"seeds {sorted(load.cycles)} and {sorted(control.cycles)}: expected a "
                         "control for one or more")  # fmt: skip
    return chapter.over_seeds([
        load.cycles[s][number].residual.value - control.cycles[s][number].residual.value
        for s in both
    ])  # fmt: skip


def table(loads: Mapping[str, Loaded], control: Loaded) -> pd.DataFrame:
    """Return strain and energy after each cycle of each load, mean over seeds with errors."""
    rows = []
    for words, one in loads.items():
        for k in range(min(len(own) for own in one.cycles.values())):
            on = chapter.over_seeds([own[k].loaded.value for own in one.cycles.values()])
            off, energy = one.residual(k), one.energy(k)
            row = {"load": words, "cycle": k + 1, "strain under load (%)": _words(on, 100),
                   "residual (%)": _words(off, 100), "energy (meV/atom)": _words(energy)}  # fmt: skip
            if one.component == control.component and one is not control:
                row["beyond the control (%)"] = _words(beyond(one, control, number=k), 100)
            rows.append(row)
    return pd.DataFrame(rows).set_index(["load", "cycle"]).fillna("")


def _words(e: Estimate, factor: float = 1.0) -> str:
    error = "" if np.isnan(e.error) else f" ± {factor * e.error:.2f}"
    return f"{factor * e.value:.2f}{error}"


@dataclass(frozen=True)
class Fluctuation:
    """Scatter of a shear stress in a run without load.

    Attributes
    ----------
    natoms, volume:
        Atoms, and mean volume in angstrom^3.
    instant, averaged:
        Standard deviation in MPa of single rows, and of means over the paper's 10 ps.
    """

    natoms: int
    volume: float
    instant: float
    averaged: float


def fluctuation(
    run: Thermo, *, natoms: int, component: str = "yz", half_width: float = 5.0
) -> Fluctuation:
    r"""Return how much a shear stress fluctuates.

    In equilibrium the variance falls as 1/V, so a cell ten times as large fluctuates
    :math:`\sqrt{10}` times less.

    Parameters
    ----------
    run:
        Thermo table with the component's pressure in bar.
    natoms, component:
        Atoms, and ``yz``, ``xz`` or ``xy``.
    half_width:
        Of the moving mean, ps; both ends within it are left out of the averaged value.

    Raises
    ------
    InputError
        For another component or a run shorter than the averages.
    """
    if component not in SHEARS:
        raise InputError(f"shear component {component!r}: expected {', '.join(SHEARS)}")
    t, stress = run["Time"], -run["P" + component] / BAR_PER_MPA
    inside = (t >= t[0] + half_width) & (t <= t[-1] - half_width)
    if inside.sum() < 2:
        raise InputError(f"run of {t[-1] - t[0]:g} ps: expected more than {2 * half_width:g} ps")
    smooth = cycles.moving_mean(t, stress, half_width=half_width)[inside]
    return Fluctuation(natoms, float(run["Volume"].mean()), float(stress.std()),
                       float(smooth.std()))  # fmt: skip


def at_size(found: Fluctuation, natoms: int) -> float:
    """Return the averaged fluctuation (MPa) expected of a cell of so many atoms: as 1/sqrt(N).

    Raises
    ------
    InputError
        For less than one atom.
    """
    if natoms < 1:
        raise InputError(f"{natoms} atoms: expected one or more")
    return found.averaged * float(np.sqrt(found.natoms / natoms))
