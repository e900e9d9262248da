"""Walks of the active loop: where they go, as LAMMPS input, and which frames count.

All atoms weigh 40 u, as in :mod:`repro.potential.sampling`: the walks explore
configurations and mean nothing as dynamics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError
from repro.md.guard import pair_commands
from repro.potential.sampling import MASS, Schedule

DEVIATION = "deviation.txt"
DUMP = "walk.lammpstrj"
WINDOW = (0.08, 1.2)  # eV/angstrom
TIMESTEP_FS = 3.0  # short, since all atoms weigh 40 u


@dataclass(frozen=True)
class Leg:
    """One leg of a walk: where it ends.

    Attributes
    ----------
    temperature:
        In K.
    volume_scale:
        Volume over the walk's reference volume.
    stretch:
        Deviatoric logarithmic strains along x, y, z; their sum is zero.
    shear:
        Tilts xy, xz, yz over the length of the tilted edge's base.
    """

    temperature: float
    volume_scale: float
    stretch: tuple[float, float, float]
    shear: tuple[float, float, float]


def legs(schedule: Schedule, count: int, rng: np.random.Generator, *, strain: float) -> list[Leg]:
    """Return the legs of a walk; ``strain`` is the width of stretch and shear."""
    made = []
    for number in range(count):
        stretch = rng.normal(scale=strain, size=3)
        stretch -= stretch.mean()
        shear = rng.normal(scale=1.5 * strain, size=3)
        made.append(Leg(
            schedule.temperature(number), schedule.volume_scale(number),
            (float(stretch[0]), float(stretch[1]), float(stretch[2])),
            (float(shear[0]), float(shear[1]), float(shear[2])),
        ))  # fmt: skip
    return made


def temperature_at(walk: Sequence[Leg], step: int, steps: int) -> float:
    """Return the thermostat's temperature in K at a step of a walk, ``steps`` to a leg.

    It goes linearly from the end of the leg before to the end of its own; along the first
    leg it stays.
    """
    number = min(max(step - 1, 0) // steps, len(walk) - 1)
    before = walk[max(number - 1, 0)].temperature
    return before + (walk[number].temperature - before) * (step - number * steps) / steps


def script(
    models: Sequence[Path],
    walk: Sequence[Leg],
    *,
    scale: float,
    steps: int,
    every: int,
    seed: int,
    soften: bool = False,
) -> str:
    """Return the LAMMPS input of one walk.

    Parameters
    ----------
    models:
        Student models; the first moves the atoms.
    walk:
        Its legs.
    scale:
        Volume of the start over the reference volume.
    steps, every:
        Steps per leg, and between frames.
    seed:
        Of velocities and thermostat, positive.
    soften:
        Minimise first (starts that were packed, not equilibrated).
    """
    first = walk[0].temperature
    lines = [
        "units metal", "atom_style atomic", "boundary p p p", "box tilt large",
        "read_data start.data", f"mass * {MASS}",
        pair_commands(models, deviation=(DEVIATION, every)),
        "neighbor 1.0 bin", "neigh_modify every 5 delay 0 check yes",
        "thermo 100", f"timestep {TIMESTEP_FS / 1000}",
    ]  # fmt: skip
    if soften:
        lines.append("minimize 0 0.5 60 200")
    lines += [
        "reset_timestep 0", f"velocity all create {first} {seed} mom yes dist gaussian",
        f"fix cool all langevin {first} {first} 0.1 {seed + 1}", "fix move all nve",
        f"dump out all custom {every} {DUMP} id type x y z",
        "dump_modify out sort id",
    ]  # fmt: skip
    before = Leg(first, scale, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    for leg in walk:
        size = math.log(leg.volume_scale / before.volume_scale) / 3
        x, y, z = (math.exp(size + b - a)
                   for a, b in zip(before.stretch, leg.stretch, strict=True))  # fmt: skip
        xy, xz, yz = (b - a for a, b in zip(before.shear, leg.shear, strict=True))
        lines += [
            "variable dxy equal $(ly)*" + f"{xy:.6f}", "variable dxz equal $(lz)*" + f"{xz:.6f}",
            "variable dyz equal $(lz)*" + f"{yz:.6f}",
            f"fix cool all langevin {before.temperature} {leg.temperature} 0.1 {seed + 1}",
            f"fix bend all deform 1 x scale {x:.6f} y scale {y:.6f} z scale {z:.6f} "
            "xy delta ${dxy} xz delta ${dxz} yz delta ${dyz} remap x flip no",
            f"run {steps}", "unfix bend",
        ]  # fmt: skip
        before = leg
    return "\n".join(lines) + "\n"


def choose(
    deviation: NDArray[np.float64],
    count: int,
    rng: np.random.Generator,
    *,
    window: tuple[float, float] = WINDOW,
) -> NDArray[np.int64]:
    """Return the indices of the frames to label, in order.

    Frames inside the window come first, at random; if they are too few, the rest is
    drawn from the frames below it.  Frames above it are never taken.

    Parameters
    ----------
    deviation:
        Largest force deviation of each frame, shape (frames,), eV/angstrom.
    count:
        Frames wanted.
    rng:
        Source of randomness.
    window:
        Lower and upper bound.

    Raises
    ------
    InputError
        If the window is empty or the count negative.
    """
    low, high = window
    if not 0 <= low < high:
        raise InputError(f"window {window}: expected 0 <= low < high (eV/angstrom)")
    if count < 0:
        raise InputError(f"count {count}: expected 0 or more")
    inside = np.flatnonzero((deviation >= low) & (deviation <= high))
    below = np.flatnonzero(deviation < low)
    taken = rng.permutation(inside)[:count]
    rest = rng.permutation(below)[: count - len(taken)]
    return np.sort(np.concatenate([taken, rest]))
