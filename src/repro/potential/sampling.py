"""Where the training frames come from: walkers that are heated, held, quenched,
compressed and expanded.

Each family has walkers.  A walker is visited in turn; one visit is a short
Langevin run during which temperature and volume move to the next point of the
walker's schedule.  Temperature runs through heat, hold, quench and rest, the
volume through a triangle wave of another period, so that together they cover the
plane.  Families take turns: whenever labelling is cut off, all have had the same
number of visits, and their schedules are started at different phases.

All atoms move with one mass (40 u).  Configurational averages do not depend on
the masses, and without light Li the time step can be 4 fs; the trajectories have
no meaning as dynamics and are not used as such.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from ase.md.langevin import Langevin
from numpy.typing import NDArray

from repro.errors import InputError

MASS = 40.0


@dataclass(frozen=True)
class Schedule:
    """Temperature and volume of a walker, by visit.

    Attributes
    ----------
    low, high:
        Temperatures in K.
    heat, hold, quench, rest:
        Visits spent on each leg of the cycle.
    volume:
        Half width of the volume scan: 0.1 is +-10 %.
    volume_period:
        Visits per triangle wave; coprime with the cycle, so the plane is covered.
    expansion:
        Extra volume per kelvin above 300 K (melts and hot crystals want room).
    phase:
        Visits by which the walker is ahead.
    """

    low: float = 300.0
    high: float = 1200.0
    heat: int = 5
    hold: int = 4
    quench: int = 5
    rest: int = 3
    volume: float = 0.10
    volume_period: int = 12
    expansion: float = 5e-5
    phase: int = 0

    def __post_init__(self) -> None:
        """Check the fields."""
        if not 0 < self.low <= self.high:
            raise InputError(f"schedule from {self.low} to {self.high} K: expected 0 < low <= high")
        if min(self.heat, self.quench) < 1 or min(self.hold, self.rest) < 0:
            raise InputError("schedule: heat and quench need a visit or more, hold and rest none")
        if not 0 <= self.volume < 0.5:
            raise InputError(f"schedule volume {self.volume}: expected 0 to 0.5, e.g. 0.1")

    @property
    def cycle(self) -> int:
        """Visits in one heat-hold-quench-rest cycle."""
        return self.heat + self.hold + self.quench + self.rest

    def temperature(self, visit: int) -> float:
        """Return the temperature in K at the end of a visit (0, 1, ...)."""
        step = (visit + self.phase) % self.cycle
        span = self.high - self.low
        if step < self.heat:
            return self.low + span * (step + 1) / self.heat
        step -= self.heat
        if step < self.hold:
            return self.high
        step -= self.hold
        if step < self.quench:
            return self.high - span * (step + 1) / self.quench
        return self.low

    def volume_scale(self, visit: int) -> float:
        """Return the volume at the end of a visit, relative to the relaxed one."""
        x = ((visit + self.phase) % self.volume_period) / self.volume_period
        wave = 4 * x if x < 0.25 else (2 - 4 * x if x < 0.75 else 4 * x - 4)
        return 1.0 + self.volume * wave + self.expansion * (self.temperature(visit) - 300.0)


@dataclass
class Walker:
    """One replica of a family.

    Attributes
    ----------
    name:
        Family and replica, e.g. ``"LiCl#0"``.
    atoms:
        Its present frame with velocities.
    reference:
        Volume in cubic angstrom that the schedule scales.
    visit:
        Number of visits made.
    """

    name: str
    atoms: Atoms
    reference: float
    visit: int = 0


def scale_volume(atoms: Atoms, volume: float) -> None:
    """Scale cell and positions to a volume in cubic angstrom.

    Raises
    ------
    InputError
        If the volume is not positive.
    """
    if not volume > 0:
        raise InputError(f"volume {volume}: expected a positive number of cubic angstrom")
    atoms.set_cell(atoms.cell.array * (volume / atoms.get_volume()) ** (1 / 3), scale_atoms=True)


def perturbed(
    atoms: Atoms, rng: np.random.Generator, *, strain: float = 0.04, rattle: float = 0.08
) -> Atoms:
    """Return a copy with a random symmetric strain and Gaussian displacements.

    Parameters
    ----------
    atoms:
        Frame.
    rng:
        Source of randomness.
    strain:
        Standard deviation of each strain component.
    rattle:
        Standard deviation of each coordinate in angstrom.
    """
    noise = rng.normal(scale=strain, size=(3, 3))
    deform = np.eye(3) + 0.5 * (noise + noise.T)
    new = atoms.copy()
    new.set_cell(atoms.cell.array @ deform, scale_atoms=True)
    new.positions = new.positions + rng.normal(scale=rattle, size=new.positions.shape)
    return new


def thermalise(atoms: Atoms, temperature: float, rng: np.random.Generator) -> None:
    """Give every atom the common mass and a Maxwell velocity."""
    atoms.set_masses(np.full(len(atoms), MASS))
    sigma = np.sqrt(units.kB * temperature / MASS)
    velocities = rng.normal(scale=sigma, size=(len(atoms), 3))
    atoms.set_velocities(velocities - velocities.mean(axis=0))


def visit(
    walker: Walker,
    schedule: Schedule,
    *,
    calculator: Callable[[], object],
    rng: np.random.Generator,
    steps: int = 10,
    timestep: float = 4.0,
    friction: float = 0.02,
) -> Atoms:
    """Move a walker to the next point of its schedule; return its frame.

    The volume is brought there in a few equal steps, so none strains a molecule by
    more than a percent or so.

    Parameters
    ----------
    walker:
        Changed in place: frame and visit number.
    schedule:
        Temperature and volume by visit.
    calculator:
        Returns the ASE calculator of the sampling run.
    rng:
        Source of randomness (thermostat and velocities).
    steps, timestep, friction:
        Length of the run, fs, and 1/fs.

    Raises
    ------
    InputError
        If the run blew up: positions not finite, or over four times too hot.
    """
    start, end = walker.atoms.get_volume(), walker.reference * schedule.volume_scale(walker.visit)
    target = schedule.temperature(walker.visit)
    atoms = walker.atoms
    atoms.calc = calculator()
    if not atoms.get_velocities().any():
        thermalise(atoms, target, rng)
    atoms.set_masses(np.full(len(atoms), MASS))
    dynamics = Langevin(atoms, timestep * units.fs, temperature_K=target,
                        friction=friction / units.fs, rng=rng, fixcm=False)  # fmt: skip
    # Few legs: each costs one evaluation more than it has steps.
    legs = max(1, steps // 4)
    for leg in range(legs):
        scale_volume(atoms, start * (end / start) ** ((leg + 1) / legs))
        dynamics.run(steps // legs + (leg < steps % legs))
    hot = atoms.get_temperature()
    if not np.isfinite(atoms.positions).all() or not hot < 4 * max(target, 600.0):
        raise InputError(f"{walker.name}: the run blew up at visit {walker.visit} ({hot:.0f} K)")
    atoms.calc = None
    walker.visit += 1
    return atoms.copy()


def closest(atoms: Atoms) -> float:
    """Return the shortest distance between two atoms or their images (angstrom)."""
    from ase.neighborlist import neighbor_list

    r: NDArray[np.float64] = neighbor_list("d", atoms, 3.0)
    return float(r.min()) if r.size else 3.0
