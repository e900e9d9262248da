"""What a run leaves for the person at the command line: results, changes, figures."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from repro import notebooks, runner
from repro.errors import InputError
from repro.results import Result
from repro.runner import Run


def words(run: Run) -> list[str]:
    """Return the lines that ``repro run`` prints of a finished run.

    All results, then those that read differently in the stored run with default parameters,
    side by side: a chapter records many, and a changed parameter moves few of them.
    """
    found = run.results()
    lines = [str(run.notebook), *(f"  {result.key} = {result}" for result in found.values())]
    book = notebooks.find(Path(run.record["notebook"]).stem)
    given = run.record["inputs"]["parameters"]
    changed = {p.name for p in book.parameters() if given.get(p.name) != p.default}
    if not changed:
        return lines
    usual, _ = runner.stored(*runner.prepare(book.name, {}))
    if usual is None:
        return [
            *lines,
            f"To see what this changed, run it once with the defaults: repro run {book.name}",
        ]
    moved = differences(usual.results(), found)
    if not moved:
        return [
            *lines,
            "No result differs from the run with default parameters. See its figures and tables.",
        ]
    lines.append(
        f"{len(moved)} results (of {len(found)}) differ from the run with default parameters:"
    )
    for key, (before, after) in moved.items():
        lines.append(f"  {key} = {after}   (default: {before})")
    return lines


def differences(
    before: Mapping[str, Result], after: Mapping[str, Result]
) -> dict[str, tuple[str, str]]:
    """Return, by key, the two readings of each result that a reader sees to differ.

    A key that only one side has is ``not recorded`` on the other.
    """
    shown = {}
    for key in sorted({*before, *after}):
        old, new = (str(side[key]) if key in side else "not recorded" for side in (before, after))
        if old != new:
            shown[key] = (old, new)
    return shown


def save_figures(run: Run, folder: Path) -> list[Path]:
    """Write each figure of a run as ``NAME.png`` into a folder; return the files.

    Raises
    ------
    InputError
        If the folder's place is taken by a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder for the figures, found a file")
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for label, png in notebooks.figures(run.notebook):
        if png:
            files.append(folder / f"{label['name']}.png")
            files[-1].write_bytes(base64.b64decode(png))
    return files
