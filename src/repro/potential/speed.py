"""Microseconds per atom and step: LAMMPS with our models, ASE with other networks."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.io import read, write
from ase.md.verlet import VelocityVerlet

from repro.errors import InputError
from repro.md import datafile, guard, lammps, scripts
from repro.potential import simulate

OTHERS = ("teacher", "chgnet")
SEED = 1  # of the velocities


@dataclass(frozen=True)
class Speed:
    """One timed run.

    Attributes
    ----------
    model, engine:
        Name of the model; ``LAMMPS`` or ``ASE``.
    ranks, natoms, steps:
        MPI processes, atoms, timed steps.
    us_per_atom_step:
        Microseconds of wall time.
    cpu_percent:
        Share of the wall time in which each process had a core; well below 100 means
        that other work slowed this run.
    us_cpu:
        ``us_per_atom_step`` times that share: what an idle machine would need.
    load:
        How busy the machine was.
    """

    model: str
    engine: str
    ranks: int
    natoms: int
    steps: int
    us_per_atom_step: float
    cpu_percent: float
    us_cpu: float
    load: str


def in_lammps(
    name: str, model: Path | str, atoms: Atoms, *, steps: int, folder: Path, ranks: int = 1
) -> Speed:
    """Time NVE at 1 fs in LAMMPS after a tenth of the steps to warm up."""
    pair = guard.pair_commands(model)
    datafile.write_structure(atoms, folder / "start.data")
    text = (
        scripts.header(pair=pair, timestep_fs=1.0, structure="start.data")
        + scripts.thermo(max(steps, 1)) + scripts.velocities(300.0, SEED) + scripts.nve()
        + f"run {max(steps // 10, 1)}\nrun {steps}\n"
    )  # fmt: skip
    load = simulate.load_note()
    table = lammps.run(text, folder=folder, ranks=ranks).last()
    wall = 1e6 * table.loop_s / steps / len(atoms)
    return Speed(name, "LAMMPS", ranks, len(atoms), steps, wall, table.cpu_percent,
                 wall * table.cpu_percent / 100.0, load)  # fmt: skip


def in_ase(name: str, calculator: Any, atoms: Atoms, *, steps: int) -> Speed:
    """Time NVE at 1 fs in ASE with any calculator on one thread, after one step to warm up."""
    frame = atoms.copy()
    frame.calc = calculator
    frame.set_velocities(simulate.thermal_speed(frame, 300.0, SEED))
    run = VelocityVerlet(frame, timestep=1.0 * units.fs)
    run.run(1)
    load = simulate.load_note()
    wall, cpu = time.perf_counter(), time.process_time()
    run.run(steps)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    scale = 1e6 / steps / len(atoms)
    share = 100.0 * cpu / wall
    return Speed(name, "ASE", 1, len(atoms), steps, scale * wall, share,
                 scale * wall * share / 100.0, load)  # fmt: skip


def other(name: str) -> Any:
    """Return the calculator of the teacher or of CHGNet, on one thread.

    Raises
    ------
    InputError
        For another name, or where its package is not installed.
    """
    if name == "teacher":
        from repro.potential.teacher import Teacher

        return Teacher()
    if name != "chgnet":
        raise InputError(f"calculator {name!r}: expected one of {', '.join(OTHERS)}")
    try:
        import importlib

        torch: Any = importlib.import_module("torch")
        dynamics: Any = importlib.import_module("chgnet.model.dynamics")
    except ImportError as error:
        raise InputError(f"CHGNet is not installed here ({error}); pip install chgnet beside the "
                         "extra [labels], in an environment of its own") from None  # fmt: skip
    torch.set_num_threads(1)
    return dynamics.CHGNetCalculator(use_device="cpu")


def elsewhere(name: str, python: Path | str, atoms: Atoms, *, steps: int, folder: Path) -> Speed:
    """Time the teacher or CHGNet in the Python that has them, on this machine.

    Raises
    ------
    InputError
        If that Python is missing or cannot run it; with what it said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frame = folder / "speed.extxyz"
    write(frame, atoms, format="extxyz")
    command = [str(python), "-m", "repro.potential.simulate", "ase-speed", name, "--frame",
               str(frame.resolve()), "--steps", str(steps)]  # fmt: skip
    env = {**lammps.one_thread(), "PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env,
                              timeout=1800.0)  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{name} with {python}: {error}") from None
    if done.returncode:
        tail = " ".join(done.stderr.strip().splitlines()[-1:])
        raise InputError(f"{name} with {python}: {tail}")
    return Speed(**json.loads(done.stdout.strip().splitlines()[-1]))


def one_other(name: str, frame: Path, *, steps: int) -> str:
    """Time one calculator here; return the result as a line of JSON."""
    atoms: Atoms = read(frame, index=-1)  # type: ignore[assignment]
    return json.dumps(asdict(in_ase(name, other(name), atoms, steps=steps)))


def table(
    models: Mapping[str, Path | str], atoms: Atoms, *, steps: int, repeats: int,
    ranks: Sequence[int], folder: Path, others: Mapping[str, Path | str], other_steps: int,
    say: Callable[[str], None] = print,
) -> list[Speed]:  # fmt: skip
    """Time everything on one machine in one go; models take turns, so that load is shared.

    Parameters
    ----------
    models:
        Name -> model file.
    atoms:
        System, the same for all.
    steps:
        Timed steps.
    repeats:
        Rounds; the median by CPU time is kept.
    ranks:
        Numbers of MPI processes.
    folder:
        Work folder.
    others:
        ``teacher`` or ``chgnet`` -> Python that has it; one that fails is said and left out.
    other_steps:
        Steps of those.
    say:
        Where progress goes.
    """
    found: dict[tuple[str, int], list[Speed]] = {}
    for turn in range(repeats):
        for number in ranks:
            for name, model in models.items():
                result = in_lammps(name, model, atoms, steps=steps, folder=folder / name,
                                   ranks=number)  # fmt: skip
                found.setdefault((name, number), []).append(result)
                say(f"round {turn + 1}/{repeats}, {name}, {number} ranks: "
                    f"{result.us_per_atom_step:.1f} us/atom/step ({result.cpu_percent:.0f}% CPU)")  # fmt: skip
    kept = []
    for name, python in others.items():
        try:
            kept.append(elsewhere(name, python, atoms, steps=other_steps, folder=folder))
            say(f"{name}: {kept[-1].us_per_atom_step:.0f} us/atom/step")
        except InputError as error:
            say(f"left out: {error}")
    for several in found.values():
        middle = np.argsort([s.us_cpu for s in several])[(len(several) - 1) // 2]
        kept.append(several[int(middle)])
    return kept
