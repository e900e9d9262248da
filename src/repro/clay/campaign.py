"""Runs a protocol leg by leg, each from the last step of the one before.

Every leg has a folder of its own with checkpoints, logs and trajectory
(:mod:`repro.md.stages`), so a protocol that was killed goes on in the middle of the leg
it was in, and one that is finished returns at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from repro.clay.protocols import Described, Leg
from repro.errors import InputError
from repro.md import stages
from repro.md.logs import Thermo


@dataclass(frozen=True)
class Run:
    """A finished leg.

    Attributes
    ----------
    leg:
        What was run.
    thermo:
        Its rows, in the units of LAMMPS ``metal``.
    folder:
        Checkpoints, logs, trajectory.
    state:
        Data file of its last step.
    """

    leg: Leg
    thermo: Thermo
    folder: Path
    state: Path


def run(
    protocol: Described,
    structure: Path,
    *,
    folder: Path,
    pair: str,
    seed: int,
    timestep_fs: float = 2.0,
    checkpoint_ps: float = 2.0,
    ranks: int = 1,
    progress: Callable[[Leg], Callable[[int], None] | None] | None = None,
) -> list[Run]:
    """Run a protocol, or what is left of it.

    Parameters
    ----------
    protocol:
        What to do (:mod:`repro.clay.protocols`).
    structure:
        Data file to begin from.
    folder:
        Holds a folder for each leg; give the same one to go on.
    pair:
        Interaction lines (:func:`repro.md.guard.pair_commands`).
    seed:
        Of the velocities, positive.
    timestep_fs, checkpoint_ps:
        Time step, and time between checkpoints.
    ranks:
        MPI processes.  A resumed run repeats bit by bit only on as many.
    progress:
        Given a leg, returns what to call with each step of a thermo row.

    Raises
    ------
    InputError
        If a leg's folder holds a run with other settings, or ``structure`` is missing.
    LammpsError
        If LAMMPS fails; finished legs and whole segments stay.
    """
    if not structure.is_file():
        raise InputError(f"{structure}: no such file; expected a LAMMPS data file to begin from")
    done: list[Run] = []
    for number, leg in enumerate(protocol.legs(seed=seed), start=1):
        where = folder / f"{number:02d}-{leg.name}"
        stage = leg.stage(pair=pair, timestep_fs=timestep_fs, checkpoint_ps=checkpoint_ps)
        report = progress(leg) if progress is not None else None
        table = stages.run_stage(stage, structure, folder=where, ranks=ranks, progress=report)
        structure = stages.final_state(stage, folder=where, ranks=ranks)
        done.append(Run(leg, table, where, structure))
    return done
