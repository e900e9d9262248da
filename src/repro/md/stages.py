"""A run in segments: killed at any moment, it goes on from its last checkpoint.

Every segment is a LAMMPS process of its own that begins from the restart file of the
one before.  So an interrupted run and one that never was go through the same restart
files and take the same steps: with the same seed, ranks and machine the trajectory is
the same.  A segment counts when its restart file has its final name, given by one
rename after LAMMPS has written it whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from repro import paths
from repro.errors import InputError
from repro.md import lammps, logs, scripts
from repro.md.logs import Thermo
from repro.progress import duration

_MAGIC = b"LammpS RestartT\0"
SETTINGS = "stage.json"


@dataclass(frozen=True)
class Stage:
    """A run of fixed length.

    Attributes
    ----------
    pair:
        Interaction lines; ``{segment}`` in them is replaced by the segment's number.
    begin:
        Lines for the first segment only (minimisation, velocities).
    ensemble:
        Fix lines of every segment.  Ramps reach their end at the end of the stage.
    steps, checkpoint:
        Length, and steps from one checkpoint to the next.
    timestep_fs:
        In fs.
    thermo_every, dump_every:
        Steps between thermo rows and between frames; no trajectory if 0.
    """

    pair: str
    begin: str
    ensemble: str
    steps: int
    checkpoint: int
    timestep_fs: float
    thermo_every: int = 100
    dump_every: int = 0

    def segments(self) -> list[int]:
        """Return the step at the end of each segment.

        Raises
        ------
        InputError
            If the length or the interval is less than one step.
        """
        if self.steps < 1 or self.checkpoint < 1:
            raise InputError(f"stage of {self.steps} steps with a checkpoint every "
                             f"{self.checkpoint}: expected one step or more")  # fmt: skip
        return [*range(self.checkpoint, self.steps, self.checkpoint), self.steps]

    def script(self, number: int, structure: str) -> str:
        """Return the input of a segment, counted from 1."""
        ends = self.segments()
        first = number == 1
        text = scripts.header(
            pair=self.pair.replace("{segment}", f"{number:04d}"), timestep_fs=self.timestep_fs,
            structure=structure if first else None,
            restart=None if first else _restart(number - 1),
        )  # fmt: skip
        text += scripts.thermo(self.thermo_every)
        if first:
            text += self.begin
        if self.dump_every:
            text += scripts.dump(self.dump_every, f"segment-{number:04d}.lammpstrj")
        return text + self.ensemble + (
            f"run {ends[number - 1]} upto start 0 stop {self.steps}\n"
            f"write_restart {_restart(number)}.part\n"
        )  # fmt: skip


def _restart(number: int) -> str:
    return f"segment-{number:04d}.restart"


def whole_restart(file: Path) -> bool:
    """Return whether LAMMPS finished writing a restart file (it ends with its mark)."""
    try:
        with open(file, "rb") as stream:
            stream.seek(-len(_MAGIC), 2)
            return stream.read() == _MAGIC
    except OSError:
        return False


class Reporter:
    """Prints step, ns/day and time left, at most every so many seconds.

    Parameters
    ----------
    total:
        Steps of the whole run.
    timestep_fs:
        In fs.
    stream:
        Where to; stderr by default.
    every:
        Seconds between lines.
    """

    def __init__(
        self, total: int, timestep_fs: float, *, label: str = "", stream: TextIO | None = None,
        every: float = 20.0,
    ) -> None:  # fmt: skip
        self.total, self.timestep_fs, self.label, self.every = total, timestep_fs, label, every
        self.stream = stream if stream is not None else sys.stderr
        self._first: tuple[int, float] | None = None
        self._reached = 0
        self._last = time.monotonic()

    def __call__(self, step: int) -> None:
        """Note that a step was reached."""
        now = time.monotonic()
        # A step that goes back ends a minimisation, whose pace says nothing of the run's.
        if self._first is None or step < self._reached:
            self._first, self._reached = (step, now), step
            return
        self._reached = step
        # A minimisation before the run counts steps of its own; of those nothing is said.
        if now - self._last < self.every or not self._first[0] < step <= self.total:
            return
        self._last = now
        rate = (step - self._first[0]) / max(now - self._first[1], 1e-9)
        ns_day = rate * self.timestep_fs * 1e-6 * 86400
        left = duration((self.total - step) / rate)
        print(f"{self.label}step {step} of {self.total}, {ns_day:.3g} ns/day, about {left} left",
              file=self.stream, flush=True)  # fmt: skip


def run_stage(
    stage: Stage,
    structure: Path,
    *,
    folder: Path,
    ranks: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Thermo:
    """Run a stage, or what is left of it, and return its thermo table.

    Parameters
    ----------
    stage:
        What to run.
    structure:
        Data file it begins from.
    folder:
        Holds checkpoints, logs and trajectory; give the same one to go on.
    ranks:
        MPI processes.
    progress:
        Called with each step of a thermo row.

    Raises
    ------
    InputError
        If the folder holds a stage with other settings or another start.
    LammpsError
        If LAMMPS fails; whole segments stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _same_settings(stage, structure, folder, ranks)
    ends = stage.segments()
    for number in range(1, len(ends) + 1):
        done, log = folder / _restart(number), folder / f"segment-{number:04d}.log"
        if log.is_file() and (whole_restart(done) or _later(folder, number, len(ends))):
            continue
        partial = folder / f"{_restart(number)}.part"
        partial.unlink(missing_ok=True)
        lammps.run(stage.script(number, str(structure.resolve())), folder=folder, ranks=ranks,
                   progress=progress, name=f"segment-{number:04d}.lmp")  # fmt: skip
        if not whole_restart(partial):
            raise lammps.LammpsError(
                f"{partial}: LAMMPS ended but its restart file is not whole; is the disk full? "
                "Start the same command again: this segment is run anew"
            )
        (folder / lammps.LOG).replace(log)
        partial.replace(done)
        # Three are kept: the present one, and two to go back to.
        with contextlib.suppress(FileNotFoundError):
            (folder / _restart(number - 3)).unlink()
    tables = [
        logs.read(folder / f"segment-{number:04d}.log").last() for number in range(1, len(ends) + 1)
    ]
    return logs.join(tables, source=str(folder))


def final_state(stage: Stage, *, folder: Path, ranks: int = 1) -> Path:
    """Return a data file of the last step of a finished stage, velocities included.

    It is written once, as ``folder/state.data``; the next stage begins from it.  Thermostat
    and barostat begin anew there, and so does the step count.

    Raises
    ------
    InputError
        If the stage is not finished.
    LammpsError
        If LAMMPS fails.
    """
    state = folder / "state.data"
    if state.is_file():
        return state
    last = folder / _restart(len(stage.segments()))
    if not whole_restart(last):
        raise InputError(f"{folder}: the stage is not finished; run it first")
    text = scripts.header(pair=stage.pair.replace("{segment}", "state"),
                          timestep_fs=stage.timestep_fs, restart=str(last.resolve()))  # fmt: skip
    work = folder / "state"
    lammps.run(text + "reset_timestep 0\nrun 0\nwrite_data state.data nocoeff\n", folder=work,
               ranks=ranks)  # fmt: skip
    (work / "state.data").replace(state)
    return state


def _later(folder: Path, number: int, last: int) -> bool:
    return any(whole_restart(folder / _restart(k)) for k in range(number + 1, last + 1))


def _same_settings(stage: Stage, structure: Path, folder: Path, ranks: int) -> None:
    settings = {**asdict(stage), "ranks": ranks,
                "structure": hashlib.sha256(structure.read_bytes()).hexdigest(),
                "models": {name: _digest(folder / name)
                           for name in scripts.model_files(stage.pair)}}  # fmt: skip
    file = folder / SETTINGS
    text = json.dumps(settings, indent=1)
    if not file.exists():
        paths.write_text(file, text + "\n")
        return
    old = json.loads(file.read_text(encoding="utf-8"))
    changed = [key for key in settings if old.get(key) != settings[key]]
    if changed:
        raise InputError(f"{folder}: holds a run with another {', '.join(changed)}; remove it, "
                         "or give another folder")  # fmt: skip


def _digest(model: Path) -> str:
    """Return the hash of a model, a file or a folder of files; "" where there is none."""
    if model.is_file():
        return hashlib.sha256(model.read_bytes()).hexdigest()
    found = hashlib.sha256()
    files = sorted(file for file in model.rglob("*") if file.is_file())
    for file in files:
        found.update(file.relative_to(model).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest() if files else ""
