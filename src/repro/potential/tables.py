"""Result tables of the potential: CSV, and one manifest for several commands."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from repro import data, paths
from repro.errors import InputError


def tidy(value: float | int) -> str:
    """Return a number for CSV: integers whole, floats to 5 figures, NaN empty."""
    if isinstance(value, int | np.integer):
        return str(int(value))
    return f"{value:.5g}" if np.isfinite(value) else ""


def out_option(parser: argparse.ArgumentParser) -> None:
    """Give a command the option ``--out``, the folder of its tables."""
    parser.add_argument("--out", type=Path, default=paths.data_dir() / "potential" / "results",
                        help="folder of the tables (data/potential/results)")  # fmt: skip


def write_table(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as CSV; the old file stays until the new one is whole."""
    if not rows:
        raise InputError(f"{file}: no rows to write")
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name("part-" + file.name)
    with open(partial, "w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, fieldnames=list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    partial.replace(file)


def time_before(folder: Path, title: str) -> float:
    """Return the seconds that the manifest of a folder gives to a run; 0 if it has none."""
    if not (folder / data.MANIFEST).exists():
        return 0.0
    return float(data.manifest(folder)["parameters"].get(title, {}).get("wall_time_s", 0.0))


def list_results(
    folder: Path, *, title: str, command: str, sources: Iterable[str], parameters: dict[str, Any],
    seed: int | None, wall_time_s: float, files: dict[str, str],
    heading: str = "Results on the potential", resumed: bool = False,
) -> None:  # fmt: skip
    """Add files to the one manifest of a folder that several commands write to.

    What the manifest says of other files stays; a second run of the same ``title``
    replaces what the first said.  If it ``resumed`` what the first had left, the commands
    that went before are kept as ``earlier_commands``.
    """
    old: dict[str, Any] = {}
    if (folder / data.MANIFEST).exists():
        old = data.manifest(folder)
    kept = {name: str(entry["description"]) for name, entry in old.get("files", {}).items()
            if (folder / name).is_file()}  # fmt: skip
    runs = dict(old.get("parameters", {}))
    before = runs.get(title, {}) if resumed else {}
    commands = [*before.get("earlier_commands", []), *filter(None, [before.get("command")])]
    commands = [one for one in dict.fromkeys(commands) if one != command]
    runs[title] = {"command": command, "seed": seed, "wall_time_s": round(wall_time_s, 1),
                   "machine": data.machine(), **parameters,
                   **({"earlier_commands": commands} if commands else {})}  # fmt: skip
    known = list(old.get("sources", []))
    data.write_manifest(
        folder, title=heading, license="CC-BY-4.0",
        sources=known + [s for s in sources if s not in known],
        command="each run's command stands under parameters", parameters=runs, seed=None,
        wall_time_s=sum(float(r.get("wall_time_s", 0.0)) for r in runs.values()
                        if isinstance(r, dict)),
        files=kept | files,
    )  # fmt: skip
