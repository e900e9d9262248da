"""What the chapter on stress cycles shows: residual strain against a control, energy, noise.

A cell of some hundred atoms wanders at zero stress.  So each loaded run is set beside the
control of the same seed, with the same velocities and the same times, and what counts is the
difference, its error taken over the seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ase import Atoms, units
from numpy.typing import NDArray

from repro.clay import chapter, cycles, nonaffine, presets, surroundings
from repro.clay.cycles import Cycle, Series
from repro.errors import InputError
from repro.md import scripts
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

    def elastic(self) -> Estimate:
        """Return the strain that goes when the load does: loaded less residual of each cycle.

        Mean over the cycles of a seed, then over seeds.  Creep that is steady takes as much
        off in one cycle as in a run without load, so it is in here, times half a cycle.
        """
        return chapter.over_seeds([_spring(own) for own in self.cycles.values()])

    def largest_energy(self) -> float:
        """Return the largest change of potential energy after any cycle of any seed, meV/atom."""
        return max(abs(one.energy.value) for own in self.cycles.values() for one in own)


def _spring(own: Sequence[Cycle]) -> float:
    """Return the strain that goes with the load, mean over the cycles of a seed."""
    return float(np.mean([one.loaded.value - one.residual.value for one in own]))


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
    return _less(load, control, lambda own: own[number].residual.value)


def in_words(found: Estimate) -> str:
    """Return whether a strain beyond the control is more than its scatter over seeds explains."""
    if not np.isfinite(found.error):
        return "and with one glass nobody can say whether that is chance"
    if chapter.above(found):
        return "more than chance explains"
    if found.value < -found.margin:
        return "against the load, and by more than the scatter of so few glasses explains"
    return f"and chance alone could give {100 * found.margin:.1f} %"


def acts(load: Loaded, control: Loaded) -> str:
    """Return whether the strain that goes with a load exceeds what the control does, in words.

    Seed by seed, by the margin of so many seeds.

    Raises
    ------
    InputError
        If they share no seed.
    """
    found = _less(load, control, _spring)
    if chapter.above(found):
        return "It does."
    number = {1: "one glass", 2: "two glasses", 3: "three glasses"}.get(
        found.samples, "so few glasses"
    )
    return f"Probably, though with {number} our own rule would not swear to it."


def energy_beyond(load: Loaded, control: Loaded, *, number: int = -1) -> Estimate:
    """Return the change of potential energy beyond that of the control, meV/atom, over seeds.

    Raises
    ------
    InputError
        If they share no seed.
    """
    return _less(load, control, lambda own: own[number].energy.value)


def work(stress_mpa: float, strain: float, *, volume: float, natoms: int) -> float:
    """Return the work that a stress does on a cell that gives by a strain, meV/atom.

    Parameters
    ----------
    stress_mpa, strain:
        Of a shear.
    volume, natoms:
        Of the cell, angstrom^3, and its atoms.

    Raises
    ------
    InputError
        For no volume or no atoms.
    """
    if not volume > 0 or natoms < 1:
        raise InputError(
            f"{natoms} atoms in {volume} angstrom^3: expected one or more, in a volume"
        )
    return float(1e-3 * stress_mpa * units.GPa * strain * volume / natoms * 1000)


def _less(load: Loaded, control: Loaded, of: Callable[[Sequence[Cycle]], float]) -> Estimate:
    """Return a quantity of the cycles less that of the control, seed by seed, mean over seeds."""
    both = [s for s in load.cycles if s in control.cycles]
    if not both:
        raise InputError(f"seeds {sorted(load.cycles)} and {sorted(control.cycles)}: expected a "
                         "control for one or more")  # fmt: skip
    return chapter.over_seeds([of(load.cycles[s]) - of(control.cycles[s]) for s in both])


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


def scatter(run: Thermo, *, natoms: int, since_ps: float) -> Fluctuation:
    """Return the scatter of single moments over all three shear stresses, from a moment on.

    For a run too short for averages: ``averaged`` is NaN.  Each component is taken about its own
    mean, and the three are averaged in quadrature.

    Parameters
    ----------
    run, natoms:
        As for :func:`fluctuation`.
    since_ps:
        Rows before this time after the first are left out.

    Raises
    ------
    InputError
        If fewer than two rows are left.
    """
    own = run["Time"] - run["Time"][0] >= since_ps
    if own.sum() < 2:
        raise InputError(f"{own.sum()} rows since {since_ps:g} ps: expected two or more")
    parts = [run["P" + one][own].std() / BAR_PER_MPA for one in SHEARS]
    return Fluctuation(natoms, float(run["Volume"][own].mean()),
                       float(np.sqrt(np.mean(np.square(parts)))), float("nan"))  # fmt: skip


def at_size(found: Fluctuation, natoms: int) -> tuple[float, float]:
    """Return both fluctuations (MPa) expected of a cell of so many atoms: as 1/sqrt(N).

    That of single rows, and that of averages.

    Raises
    ------
    InputError
        For less than one atom.
    """
    if natoms < 1:
        raise InputError(f"{natoms} atoms: expected one or more")
    factor = float(np.sqrt(found.natoms / natoms))
    return factor * found.instant, factor * found.averaged


def size_table(found: Mapping[str, Sequence[Fluctuation]]) -> pd.DataFrame:
    """Return measured scatter by size beside what 1/sqrt(V) says, scaled from the largest cell.

    Parameters
    ----------
    found:
        Words to the runs of one size; their instant scatters are averaged in quadrature.

    Raises
    ------
    InputError
        For no runs of some size.
    """
    empty = [words for words, own in found.items() if not own]
    if empty or not found:
        raise InputError(
            f"no run of {', '.join(empty) or 'any size'}: expected one or more of each"
        )
    seen = {words: (own[0].natoms, float(np.mean([one.volume for one in own])),
                    float(np.sqrt(np.mean([one.instant**2 for one in own]))))
            for words, own in found.items()}  # fmt: skip
    _, volume, scatter = max(seen.values())
    return pd.DataFrame({words: {
        "atoms": f"{n}", "runs": f"{len(found[words])}", "scatter (MPa)": f"{own:.0f}",
        "by 1/√V from the largest (MPa)": f"{scatter * np.sqrt(volume / v):.0f}",
    } for words, (n, v, own) in seen.items()}).T  # fmt: skip


def activation(before: Atoms, after: Atoms, *, cutoff: float = 6.5) -> float:
    """Return the mean D2min of gallium with more Cl than F less that of the rest, angstrom^2.

    Parameters
    ----------
    before, after:
        First and last frame; shells are counted in the first.
    cutoff:
        Of D2min's neighbours, angstrom.

    Raises
    ------
    InputError
        If one of the two groups is empty.
    """
    around = surroundings.environment(before)
    known = np.isfinite(around.share)
    moved = nonaffine.d2min(before, after, cutoff=cutoff).d2min[around.indices][known]
    rich = around.share[known] > 0.5
    if rich.all() or not rich.any():
        raise InputError(f"{int(rich.sum())} of {len(rich)} gallium with more Cl than F: expected "
                         "some of both")  # fmt: skip
    return float(moved[rich].mean() - moved[~rich].mean())


def first_and_last(seed: int, protocol: str) -> tuple[Atoms, Atoms]:
    """Return the first frame of the first leg and the last frame of the last leg, shipped."""
    names = [leg.name for leg in presets.protocol(protocol).legs(seed=seed)]
    first = next(chapter.frames(seed, protocol, names[0]))
    last = first
    for last in chapter.frames(seed, protocol, names[-1]):  # noqa: B007
        pass
    return first, last


def others_zero(component: str = "yz", *, stress_mpa: float = 50.0) -> bool:
    """Return whether the LAMMPS lines of a load hold every other component at zero."""
    words = scripts.shear_stress(300.0, component=component, stress_mpa=stress_mpa).split()
    load = f"{-BAR_PER_MPA * stress_mpa:g}"
    wanted = {one: [load, load] if one == component else ["0", "0"] for one in (*"xyz", *SHEARS)}
    return all(
        one in words and words[words.index(one) + 1 : words.index(one) + 3] == target
        for one, target in wanted.items()
    )


def seeds_needed(found: Estimate, *, effect: float) -> int:
    """Return how many seeds show an effect by two standard errors, given the scatter of some.

    Raises
    ------
    InputError
        If the error is not that of two seeds or more, or the effect not positive.
    """
    if not (found.samples > 1 and np.isfinite(found.error) and effect > 0):
        raise InputError(f"error {found.error} of {found.samples} seeds, effect {effect}: expected "
                         "two seeds or more, and a positive effect")  # fmt: skip
    return max(2, int(np.ceil(found.samples * (2 * found.error / effect) ** 2)))
