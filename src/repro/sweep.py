"""A sweep: one chapter run for several values of a parameter, its results in one table.

Each run is an ordinary run of :mod:`repro.runner`: checked, kept under a hash of what it
depends on, and not repeated.  So a sweep that was stopped goes on where it was, and the
table is written anew after each run.  It is long ("tidy"): a row for each run and key, as
pandas, R and spreadsheets like it.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro import paths, results, runner
from repro.errors import InputError, ReproError, did_you_mean
from repro.progress import Progress
from repro.results import KEY, Result

RESULT_COLUMNS = ("key", "value", "uncertainty", "unit", "note", "status", "run")
DONE, FAILED, ABSENT = "done", "failed", "not recorded"


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Attributes
    ----------
    parameters:
        What was asked for, by name, as typed.
    results:
        What the run recorded, by key; empty if it failed.
    failure:
        The message of a run that failed; ``""`` otherwise.
    run:
        The folder of the finished run, or None.
    """

    parameters: Mapping[str, str]
    results: Mapping[str, Result]
    failure: str
    run: Path | None

    @property
    def label(self) -> str:
        """The point in words, e.g. ``temperature=900, seed=1``."""
        return _label(self.parameters)


def points(given: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Return every combination of the values, the last parameter changing fastest.

    Raises
    ------
    InputError
        If nothing is given, a parameter has no value, or a value stands twice.
    """
    if not given:
        raise InputError("a sweep needs a parameter with its values")
    for name, values in given.items():
        if not values:
            raise InputError(f"parameter {name!r}: expected one value or more, found none")
        double = sorted({value for value in values if list(values).count(value) > 1})
        if double:
            raise InputError(f"parameter {name!r}: value {double[0]!r} is given twice")
    return [dict(zip(given, chosen, strict=True)) for chosen in itertools.product(*given.values())]


def run(
    name: str,
    given: Mapping[str, Sequence[str]],
    *,
    keys: Sequence[str] = (),
    on_point: Callable[[list[Point]], None] | None = None,
) -> list[Point]:
    """Run a chapter for every combination of the values.

    Parameters
    ----------
    name:
        Notebook name, path, or unambiguous beginning.
    given:
        Parameter name to its values, as command line words; one value holds a parameter
        fixed.
    keys:
        Keys of results to collect; all if empty.
    on_point:
        Called after each run with all points so far.

    Returns
    -------
    list of Point
        One for each combination.  A run that failed says why, and the others go on.

    Raises
    ------
    ParameterError, NotebookError, InputError
        If the chapter, a parameter, a value or a key cannot be right; nothing has been
        run then.
    InputError
        After the runs, if no run recorded one of the keys.
    """
    for key in keys:
        if not KEY.fullmatch(key):
            raise InputError(f"result key {key!r}: expected lower-case words joined by dots")
    combinations = points(given)
    clash = sorted(set(given) & set(RESULT_COLUMNS))
    if clash:
        raise InputError(f"parameter {clash[0]!r} has the name of a column of the table; rename it")
    for combination in combinations:  # a slip in the last value must not cost the hours before it
        book, _ = runner.prepare(name, combination)
    seconds = runner.expected_seconds(book)
    labels = [f"{book.name} {_label(combination)}" for combination in combinations]
    progress = _Named(dict.fromkeys(labels, seconds))
    found: list[Point] = []
    for label, combination in zip(labels, combinations, strict=True):
        progress.label = label
        found.append(_one(book.name, combination, keys, progress))
        if on_point is not None:
            on_point(found)
    _require_keys(found, keys)
    return found


def _label(combination: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in _shown(combination).items())


def _shown(combination: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters without keys of accounts, which belong in no table."""
    return {
        name: "env" if name.endswith("api_key") and value else value
        for name, value in combination.items()
    }


class _Named(Progress):
    """Progress under the name of the point rather than of the notebook."""

    label: str = ""

    def begin(self, job: str, cells: int) -> None:
        super().begin(self.label, cells)

    def skip(self, job: str, why: str) -> None:
        super().skip(self.label, why)


def _one(
    name: str, combination: Mapping[str, str], keys: Sequence[str], progress: Progress
) -> Point:
    shown = _shown(combination)
    try:
        done = runner.run(name, combination, progress=progress)
    except ReproError as error:
        return Point(shown, {}, str(error), None)
    recorded = done.results()
    chosen = {key: recorded[key] for key in (keys or sorted(recorded)) if key in recorded}
    return Point(shown, chosen, "", done.folder)


def _require_keys(found: Sequence[Point], keys: Sequence[str]) -> None:
    """Refuse a key that no finished run recorded: a slip of the pen.

    Raises
    ------
    InputError
        Naming the key and the nearest that there is.
    """
    finished = [point for point in found if point.run is not None]
    if not finished:
        return
    recorded = sorted({key for point in finished for key in _recorded(point)})
    for key in keys:
        if key not in recorded:
            shown = ", ".join(recorded) or "none"
            raise InputError(
                f"no run recorded {key!r}{did_you_mean(key, recorded)}; recorded are: {shown}"
            )


def _recorded(point: Point) -> list[str]:
    return list(results.read(point.run)) if point.run else []


def rows(found: Sequence[Point], keys: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the table: a row for each point and key.

    Parameters
    ----------
    found:
        The points.
    keys:
        Keys that each finished run should have; one that it lacks gets a row with the
        status ``not recorded``.

    Returns
    -------
    list of dict
        The parameters by name, then :data:`RESULT_COLUMNS`.  A run that failed has one
        row without a key, with its message as the note.
    """
    table: list[dict[str, Any]] = []
    for point in found:
        start = dict(point.parameters)
        if point.run is None:
            table.append({**start, **_row(status=FAILED, note=" ".join(point.failure.split()))})
            continue
        place = _place(point.run)
        if not keys and not point.results:
            table.append({**start, **_row(status=DONE, run=place)})
        for key in keys or point.results:
            result = point.results.get(key)
            if result is None:
                table.append({**start, **_row(key=key, status=ABSENT, run=place)})
                continue
            table.append({**start, **_row(
                key=key, value=_word(result.value), unit=result.unit, note=result.note, run=place,
                uncertainty="" if result.uncertainty is None else _word(result.uncertainty),
                status=DONE,
            )})  # fmt: skip
    return table


def _row(**values: str) -> dict[str, str]:
    return {column: values.get(column, "") for column in RESULT_COLUMNS}


def _word(value: float | str | bool) -> str:
    """Return a value as JSON has it, texts without quotes: every digit is kept."""
    return value if isinstance(value, str) else json.dumps(value)


def _place(folder: Path) -> str:
    root = paths.root()
    return folder.relative_to(root).as_posix() if root in folder.parents else str(folder)


def require_place(file: Path) -> None:
    """Refuse a place where no table can be written, before hours of work.

    Raises
    ------
    InputError
        If the folder is not there, or a folder has the name.
    """
    if not file.parent.is_dir():
        raise InputError(f"{file}: no folder {file.parent}; make it first")
    if file.is_dir():
        raise InputError(f"{file}: expected a file for the table, found a folder")


def write(found: Sequence[Point], file: Path, *, keys: Sequence[str] = ()) -> None:
    """Write the table as CSV in one step, so that a reader never meets half of it.

    Raises
    ------
    InputError
        As :func:`require_place`.
    """
    require_place(file)
    table = rows(found, keys)
    names = [name for point in found[:1] for name in point.parameters]
    out = io.StringIO()
    writer = csv.DictWriter(out, [*names, *RESULT_COLUMNS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    paths.write_text(file, out.getvalue())


def command(name: str, given: Sequence[Sequence[str]], keys: Sequence[str], out: Path) -> int:
    """Run a sweep for the command line, print it, and return the exit status.

    Raises
    ------
    ReproError
        As :func:`run` and :func:`write`.
    """
    values: dict[str, Sequence[str]] = {}
    for parameter, *words in given:
        if parameter in values:
            raise InputError(
                f"parameter {parameter!r} is given twice; name it once, with its values"
            )
        values[parameter] = words
    require_place(out)
    problem: ReproError | None = None
    found: list[Point] = []

    def keep(so_far: list[Point]) -> None:
        found[:] = so_far
        write(so_far, out, keys=keys)

    try:
        run(name, values, keys=keys, on_point=keep)
    except InputError as error:
        problem = error
    for point in found:
        print(point.label + (f": failed: {point.failure}" if point.failure else ""))
        for result in point.results.values():
            print(f"  {result.key} = {result}")
    failed = sum(point.run is None for point in found)
    if found:
        print(f"{len(found) - failed} of {len(found)} runs done: {out}")
    if problem is not None:
        raise problem
    return 1 if failed else 0
