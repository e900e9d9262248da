"""What a run depends on, as hashes: the reason why a notebook reruns or does not."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from repro import data, ledger, paths
from repro.errors import ClaimError, DataError, NotebookError
from repro.notebooks import Notebook

LAYOUT = 1  # raise when the layout of a stored run changes


@dataclass(frozen=True)
class Inputs:
    """Everything that decides the result of a run, known before it starts.

    Attributes
    ----------
    source:
        Hash of the script.
    parameters:
        Every parameter with its value.
    modules:
        Path below the repository to hash, for each part of ``src/repro`` that the
        notebook imports, directly or through another part.
    lock:
        Hash of ``requirements.lock``.
    python:
        Version of the interpreter, e.g. ``3.11``.
    """

    source: str
    parameters: Mapping[str, Any]
    modules: Mapping[str, str]
    lock: str
    python: str
    layout: int = LAYOUT

    @property
    def key(self) -> str:
        """The name of a run with these inputs."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]


def inputs(book: Notebook, values: Mapping[str, Any]) -> Inputs:
    """Return the inputs of a notebook run with these parameter values."""
    lock = paths.root() / "requirements.lock"
    return Inputs(
        source=hashlib.sha256(book.text.encode()).hexdigest(),
        parameters=dict(values),
        modules={
            file.relative_to(paths.root()).as_posix(): data.sha256(file)
            for file in module_closure(book.code(), name=book.name)
        },
        lock=data.sha256(lock) if lock.is_file() else "",
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
    )


def module_closure(code: str, *, name: str = "code") -> tuple[Path, ...]:
    """Return the files of ``src/repro`` that some code imports, followed to the end.

    Raises
    ------
    NotebookError
        If the code, or a module, is not Python; it could not run either.
    """
    waiting, seen = _imported(code, name), set[Path]()
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting |= _imports_of(file, file.stat().st_mtime_ns) - seen
    return tuple(sorted(seen))


@lru_cache(maxsize=1024)
def _imports_of(file: Path, _mtime_ns: int) -> frozenset[Path]:
    return frozenset(_imported(file.read_text(encoding="utf-8"), str(file)))


def _imported(code: str, name: str) -> set[Path]:
    """Return the files that the import statements of one text name."""
    files: set[Path] = set()
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        raise NotebookError(f"{name}: not Python: {error}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for module in modules:
            files |= _files_of(module)
    return files


def _files_of(name: str) -> set[Path]:
    """Return the file of a dotted name below ``repro`` and those of its packages."""
    parts = name.split(".")
    if parts[0] != "repro":
        return set()
    base = paths.root() / "src"
    files = set()
    for depth in range(1, len(parts) + 1):
        stem = base.joinpath(*parts[:depth])
        for file in (stem / "__init__.py", stem.with_suffix(".py")):
            if file.is_file():
                files.add(file)
    return files


def current_digest(name: str) -> str | None:
    """Return the present hash of something a run has read, or None if it is gone.

    Names are paths below ``data/``, a folder there and a slash for the list of its files,
    ``claims.yaml#row-id``, or ``file:`` and an absolute path for a reader's own file.
    """
    if name.endswith("/"):
        try:
            return data.listing_digest(name)
        except DataError:
            return None
    if name.startswith(ledger.CLAIMS + "#"):
        try:
            return ledger.row_digest(ledger.load()[name.partition("#")[2]])
        except ClaimError:
            return None
    own = name.removeprefix("file:")
    file = Path(own) if own != name else paths.data_dir() / name
    return data.sha256(file) if file.is_file() else None


@dataclass(frozen=True)
class Change:
    """Why a stored run does not serve: empty reasons mean that it does."""

    reasons: tuple[str, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.reasons)

    def __str__(self) -> str:
        return "; ".join(self.reasons) if self.reasons else "nothing it depends on has changed"


def changes(old: Mapping[str, Any], new: Inputs, *, data_reads: Mapping[str, str]) -> Change:
    """Return what differs between a stored run's inputs and the present ones.

    Parameters
    ----------
    old:
        ``asdict`` of the stored :class:`Inputs`.
    new:
        The present inputs.
    data_reads:
        What the stored run has read, name to hash.
    """
    reasons = []
    if old.get("layout") != new.layout:
        reasons.append("the layout of stored runs changed")
    if old["source"] != new.source:
        reasons.append("its source changed")
    for name in sorted({*old["parameters"], *new.parameters}):
        before, after = old["parameters"].get(name), new.parameters.get(name)
        # As in the key: Python takes 1, 1.0 and True for equal.
        if json.dumps(before) != json.dumps(after):
            reasons.append(f"parameter {name}: {before!r} -> {after!r}")
    reasons += _moved(old["modules"], new.modules)
    if old["lock"] != new.lock:
        reasons.append("requirements.lock changed")
    if old["python"] != new.python:
        reasons.append(f"Python {old['python']} -> {new.python}")
    for name, digest in sorted(data_reads.items()):
        present = current_digest(name)
        if present != digest:
            shown = name.removeprefix("file:") if name.startswith("file:") else f"data/{name}"
            shown = f"the list of files in {shown}" if name.endswith("/") else shown
            reasons.append(f"{shown} {'is gone' if present is None else 'changed'}")
    return Change(tuple(reasons))


def _moved(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    reasons = []
    for name in sorted({*old, *new}):
        if name not in new:
            reasons.append(f"{name} is no longer imported")
        elif name not in old:
            reasons.append(f"{name} is newly imported")
        elif old[name] != new[name]:
            reasons.append(f"{name} changed")
    return reasons
