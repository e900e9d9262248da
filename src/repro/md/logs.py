"""Read what LAMMPS writes: thermo tables of a log, and DeePMD's model deviations.

A log may hold several runs, warnings between the rows of a table, and may be cut at
any byte by a kill or a full disk.  A row counts only when it is whole, so a number is
never half read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError, did_you_mean

Array = NDArray[np.float64]

_LOOP = re.compile(
    r"^Loop time of (\S+) on (\d+) procs for (\d+) steps with (\d+) atoms", re.MULTILINE
)
_CPU = re.compile(r"^([\d.]+)% CPU use with", re.MULTILINE)


@dataclass(frozen=True)
class Thermo:
    """The thermo table of one run.

    Attributes
    ----------
    columns:
        Column name as LAMMPS prints it -> values; all of one length.
    complete:
        Whether the run reached its end (LAMMPS printed its loop time).
    loop_s, steps, natoms, ranks:
        Wall seconds, steps, atoms and MPI ranks of the run; NaN and 0 if cut.
    cpu_percent:
        Share of the wall time in which the ranks had a core; NaN if not printed.
    """

    columns: Mapping[str, Array]
    complete: bool = False
    loop_s: float = float("nan")
    steps: int = 0
    natoms: int = 0
    ranks: int = 0
    cpu_percent: float = float("nan")

    def __getitem__(self, name: str) -> Array:
        """Return a column.

        Raises
        ------
        InputError
            If the table has no such column.
        """
        if name not in self.columns:
            hint = did_you_mean(name, self.columns)
            raise InputError(
                f"thermo column {name!r} is not in the log{hint}; it has {', '.join(self.columns)}"
            )
        return self.columns[name]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


@dataclass(frozen=True)
class Log:
    """A LAMMPS log.

    Attributes
    ----------
    runs:
        One table per run, in order.
    error:
        LAMMPS' error message, None if there was none.
    input_line:
        The script line LAMMPS quotes with its error, "" if none.
    complete:
        Whether LAMMPS ended by itself (it printed its total wall time).
    """

    runs: tuple[Thermo, ...]
    error: str | None = None
    input_line: str = ""
    complete: bool = False
    source: str = field(default="log", compare=False)

    def last(self) -> Thermo:
        """Return the last run.

        Raises
        ------
        InputError
            If the log holds no thermo table.
        """
        if not self.runs:
            raise InputError(f"{self.source}: holds no thermo table")
        return self.runs[-1]


def join(tables: Iterable[Thermo], *, source: str = "log") -> Thermo:
    """Return tables one after another; a step printed again counts once, the first time.

    Raises
    ------
    InputError
        If there is no table, or the columns differ.
    """
    several = [table for table in tables if len(table)]
    if not several:
        raise InputError(f"{source}: holds no thermo table")
    names = list(several[0].columns)
    for table in several[1:]:
        if list(table.columns) != names:
            raise InputError(
                f"{source}: runs have different columns ({', '.join(names)}) and "
                f"({', '.join(table.columns)}); join needs the same thermo_style"
            )
    columns = {name: np.concatenate([t.columns[name] for t in several]) for name in names}
    if "Step" in columns:
        keep = np.ones(len(columns["Step"]), dtype=bool)
        highest = -np.inf
        for i, step in enumerate(columns["Step"]):
            keep[i] = step > highest
            highest = max(highest, step)
        columns = {name: values[keep] for name, values in columns.items()}
    return Thermo(
        columns=columns, complete=several[-1].complete, loop_s=sum(t.loop_s for t in several),
        steps=sum(t.steps for t in several), natoms=several[-1].natoms, ranks=several[-1].ranks,
    )  # fmt: skip


def _numbers(line: str, count: int) -> list[float] | None:
    parts = line.split()
    if len(parts) != count:
        return None
    try:
        return [float(part) for part in parts]
    except ValueError:
        return None


def is_header(line: str) -> bool:
    """Return whether a line heads a thermo table."""
    parts = line.split()
    return len(parts) > 1 and parts[0] == "Step" and not any(p[0].isdigit() for p in parts)


def parse(text: str, *, source: str = "log") -> Log:
    """Return the runs and error of a log's text.

    Parameters
    ----------
    text:
        A log, whole or cut anywhere.
    source:
        Name used in later messages.
    """
    if not text.endswith("\n"):  # the last line may be cut within a number
        text = text[: text.rfind("\n") + 1]
    lines = text.split("\n")[:-1]
    runs: list[Thermo] = []
    error, input_line = None, ""
    names: list[str] = []
    rows: list[list[float]] = []

    def close(**about: float | int | bool) -> None:
        if names:
            table = np.array(rows, dtype=float).reshape(len(rows), len(names))
            columns = {name: table[:, k] for k, name in enumerate(names)}
            runs.append(Thermo(columns=columns, **about))  # type: ignore[arg-type]
        names.clear()
        rows.clear()

    for line in lines:
        if line.startswith("ERROR"):
            # An error of one rank follows one of all; the first is the cause.
            error = error or re.sub(r"^ERROR( on proc \d+)?:\s*", "", line)
        elif line.startswith("Last input line:"):
            input_line = input_line or line.removeprefix("Last input line:").strip()
        elif loop := _LOOP.match(line):
            close(complete=True, loop_s=float(loop[1]), ranks=int(loop[2]), steps=int(loop[3]),
                  natoms=int(loop[4]))  # fmt: skip
        elif (cpu := _CPU.match(line)) and runs:
            about = {**vars(runs[-1]), "cpu_percent": float(cpu[1])}
            runs[-1] = Thermo(**about)
        elif is_header(line):
            close()
            names.extend(line.split())
        elif names:
            numbers = _numbers(line, len(names))
            if numbers is not None:
                rows.append(numbers)
    close()
    return Log(
        runs=tuple(runs), error=error, input_line=input_line,
        complete="\nTotal wall time:" in "\n" + text, source=source,
    )  # fmt: skip


def read(file: Path) -> Log:
    """Return the content of a log file.

    Raises
    ------
    InputError
        If there is no such file.
    """
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise InputError(f"{file}: no such log") from None
    return parse(text, source=str(file))


@dataclass(frozen=True)
class Deviation:
    """Spread of several models along a run, from DeePMD's ``out_file``.

    Attributes
    ----------
    step:
        Time steps, shape (T,).
    max_force, min_force, mean_force:
        Largest, smallest and mean over atoms of the standard deviation of the force
        among the models, eV/angstrom, (T,).
    max_virial, min_virial, mean_virial:
        The same of the virial per atom, eV, (T,).
    """

    step: NDArray[np.int64]
    max_force: Array
    min_force: Array
    mean_force: Array
    max_virial: Array
    min_virial: Array
    mean_virial: Array


def read_deviation(file: Path) -> Deviation:
    """Return a ``model_devi`` file: step, virial (max, min, mean), force (max, min, mean).

    Raises
    ------
    InputError
        If there is no such file, it holds no whole row, or a row has other columns.
    """
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise InputError(f"{file}: no such file of model deviations") from None
    rows = []
    for number, line in enumerate(text[: text.rfind("\n") + 1].splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = _numbers(line, len(line.split()))
        if parts is None or len(parts) < 7:
            raise InputError(
                f"{file}, line {number}: expected step and six deviations, found {line.strip()!r}"
            )
        rows.append(parts[:7])
    if not rows:
        raise InputError(f"{file}: holds no model deviation")
    # DeePMD writes during a minimisation too; where the step count was set back, what
    # came before is not of the run.  A step written twice counts as last written.
    table = np.array(rows)
    back = np.flatnonzero(np.diff(table[:, 0]) < 0)
    table = table[back[-1] + 1 :] if len(back) else table
    _, last = np.unique(table[::-1, 0], return_index=True)
    table = table[::-1][last]
    return Deviation(
        step=table[:, 0].astype(np.int64), max_virial=table[:, 1], min_virial=table[:, 2],
        mean_virial=table[:, 3], max_force=table[:, 4], min_force=table[:, 5],
        mean_force=table[:, 6],
    )  # fmt: skip
