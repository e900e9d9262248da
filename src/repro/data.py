r"""Shipped data: every file has a manifest entry, and is checked before use.

Each folder below ``data/`` that holds files has a ``manifest.json``::

    {"schema": 1, "title": ..., "license": ..., "sources": [...],
     "command": ..., "parameters": {...}, "seed": ..., "code_version": ...,
     "wall_time_s": ..., "machine": ..., "created": "YYYY-MM-DD",
     "files": {"name.csv": {"sha256": ..., "bytes": ..., "description": ...}}}

Code asks for a file with :func:`path`, which compares its sha256 with the
manifest and, within a run, writes down that the file was read.  So nothing is
computed from a truncated or altered file, and the runner knows what a notebook
depends on.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from repro import __version__, paths
from repro.errors import DataError, InputError, did_you_mean

MANIFEST = "manifest.json"
SCHEMA = 1
_REQUIRED = (
    "schema",
    "title",
    "license",
    "sources",
    "command",
    "parameters",
    "seed",
    "code_version",
    "wall_time_s",
    "machine",
    "created",
    "files",
)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a shipped file, in words, with both hashes if known."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


def sha256(file: Path) -> str:
    """Return the hex sha256 of a file, read in blocks."""
    stat = file.stat()
    return _sha256(str(file), stat.st_mtime_ns, stat.st_size, stat.st_ino)


@lru_cache(maxsize=4096)
def _sha256(file: str, _mtime_ns: int, _size: int, _inode: int) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def manifest(folder: Path) -> dict[str, Any]:
    """Return the parsed manifest of a data folder.

    Raises
    ------
    DataError
        If it is missing, is not JSON, or lacks a required key.
    """
    file = folder / MANIFEST
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"{file}: no manifest; every data folder needs one (repro.data.write_manifest)"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: not a JSON manifest: {error}") from None
    if not isinstance(content, dict):
        raise DataError(f"{file}: expected a JSON object, found {type(content).__name__}")
    missing = [key for key in _REQUIRED if key not in content]
    if missing:
        raise DataError(f"{file}: the manifest lacks {', '.join(missing)}")
    if content["schema"] != SCHEMA:
        raise DataError(f"{file}: schema {content['schema']!r}, expected {SCHEMA}")
    if not isinstance(content["files"], dict):
        raise DataError(f"{file}: 'files' must map names to entries")
    return content


def _check(file: Path, entry: Any, name: str) -> Problem | None:
    fields = entry if isinstance(entry, dict) else {}
    expected, size = fields.get("sha256"), fields.get("bytes")
    if not isinstance(expected, str) or not isinstance(size, int):
        return Problem(name, "its manifest entry lacks sha256 or bytes")
    if not file.is_file():
        return Problem(name, f"missing; expected sha256 {expected}, found no file")
    found, found_size = sha256(file), file.stat().st_size
    if found != expected:
        how = "truncated" if found_size < size else "altered"
        return Problem(
            name,
            f"{how}; expected sha256 {expected} ({size} bytes), found {found} ({found_size} bytes)",
        )
    return None


def path(name: str) -> Path:
    """Return the path of a shipped file after checking it against its manifest.

    Parameters
    ----------
    name:
        Path below ``data/`` with forward slashes, e.g. ``"thermo/mp.csv"``.

    Raises
    ------
    DataError
        If the file is not listed, missing, truncated or altered.
    """
    base = paths.data_dir()
    file = base / name
    entries = manifest(file.parent)["files"]
    if file.name not in entries:
        hint = did_you_mean(file.name, entries)
        raise DataError(f"{name}: not listed in {file.parent / MANIFEST}{hint}")
    problem = _check(file, entries[file.name], name)
    if problem is not None:
        raise DataError(
            f"{problem}\nRestore it with 'git checkout -- data/{name}'; "
            "nothing was computed from it."
        )
    note_read(name, entries[file.name]["sha256"])
    return file


def listing(folder: str) -> list[str]:
    """Return the files that a data folder's manifest lists, sorted; none where there is none.

    A run that asks depends on the answer: with a file more or less it is made anew.

    Parameters
    ----------
    folder:
        Below ``data/`` with forward slashes, e.g. ``"clay/inherent"``.

    Raises
    ------
    DataError
        If there is a manifest that cannot be read.
    """
    note_read(f"{folder.rstrip('/')}/", listing_digest(folder))
    return _listed(folder)


def _listed(folder: str) -> list[str]:
    where = paths.data_dir() / folder
    return sorted(manifest(where)["files"]) if (where / MANIFEST).is_file() else []


def listing_digest(folder: str) -> str:
    """Return a hash of what :func:`listing` returns."""
    return hashlib.sha256("\n".join(_listed(folder)).encode()).hexdigest()


def external(file: str | Path) -> Path:
    """Return the path of a reader's own file, noting that the run depends on it.

    Raises
    ------
    InputError
        If there is no such file; relative paths start at the repository.
    """
    full = (paths.root() / file).resolve()
    if not full.is_file():
        raise InputError(f"{file}: no such file (looked for {full})")
    note_read(f"file:{full}", sha256(full))
    return full


def note_read(name: str, digest: str) -> None:
    """Write down, for the run in progress, that a data file was read."""
    run = paths.run_dir()
    if run is None:
        return
    line = json.dumps({"file": name, "sha256": digest}) + "\n"
    with open(run / "data_reads.jsonl", "a", encoding="utf-8") as stream:
        stream.write(line)


def folders() -> list[Path]:
    """Return every folder below ``data/`` that holds files, sorted."""
    base = paths.data_dir()
    below = (Path(top) for top, _, names in os.walk(base) if names and Path(top) != base)
    return sorted(below)


def verify() -> tuple[int, list[Problem]]:
    """Check every file of ``data/``; return the number of files and what is wrong.

    A file that no manifest lists is a problem too: it could not be reproduced.
    Files directly in ``data/`` (the claims ledger and its schema) are sources
    under version control and have no manifest.
    """
    base = paths.data_dir()
    if not base.is_dir():
        return 0, [Problem(str(base), "missing; expected the folder of shipped data")]
    problems: list[Problem] = []
    count = 0
    for folder in folders():
        here = folder.relative_to(base).as_posix()
        try:
            entries = manifest(folder)["files"]
        except DataError as error:
            problems.append(Problem(here, str(error)))
            continue
        for name, entry in entries.items():
            count += 1
            problem = _check(folder / name, entry, f"{here}/{name}")
            if problem is not None:
                problems.append(problem)
        for file in sorted(folder.iterdir()):
            if file.is_file() and file.name != MANIFEST and file.name not in entries:
                problems.append(Problem(f"{here}/{file.name}", "not listed in its manifest"))
    return count, problems


def require_all() -> int:
    """Check all shipped data as :func:`verify`; return the number of files.

    Raises
    ------
    DataError
        Naming every file that is missing, altered or not listed.
    """
    count, problems = verify()
    if problems:
        lines = "\n  ".join(str(problem) for problem in problems)
        raise DataError(f"{len(problems)} of the shipped files cannot be used:\n  {lines}")
    return count


def code_version() -> str:
    """Return ``version+commit`` of this checkout, with ``.dirty`` if it has changes."""
    try:
        describe = subprocess.run(
            ["git", "describe", "--always", "--dirty=.dirty", "--abbrev=12"],
            cwd=paths.root(),
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f"{__version__}+{describe}"


def machine() -> str:
    """Return a short description of this machine for a manifest."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def write_manifest(
    folder: Path,
    *,
    title: str,
    license: str,
    sources: Sequence[str],
    command: str,
    parameters: Mapping[str, Any],
    seed: int | None,
    wall_time_s: float,
    files: Mapping[str, str],
) -> Path:
    """Write ``manifest.json`` for files that are already in ``folder``.

    Parameters
    ----------
    folder:
        The data folder.
    title, license, sources:
        What this is, under which terms, and the citations it rests on.
    command, parameters, seed, wall_time_s:
        How to make it again, and how long that took (seconds).
    files:
        File name to one-line description.

    Raises
    ------
    DataError
        If a named file is not there.
    """
    entries: dict[str, dict[str, Any]] = {}
    for name, description in files.items():
        file = folder / name
        if not file.is_file():
            raise DataError(f"{file}: named for the manifest but not there")
        entries[name] = {
            "sha256": sha256(file),
            "bytes": file.stat().st_size,
            "description": description,
        }
    content = {
        "schema": SCHEMA,
        "title": title,
        "license": license,
        "sources": list(sources),
        "command": command,
        "parameters": dict(parameters),
        "seed": seed,
        "code_version": code_version(),
        "wall_time_s": round(wall_time_s, 3),
        "machine": machine(),
        "created": datetime.date.today().isoformat(),
        "files": entries,
    }
    target = folder / MANIFEST
    paths.write_text(target, json.dumps(content, indent=1, sort_keys=False) + "\n")
    return target
