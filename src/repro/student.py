"""The student edition: the book with its exercises and without their solutions.

The copy is a whole repository: it builds, runs and tests like the original.  Chapters
and pages lose their solutions (:mod:`repro.solutions`).  A row of the ledger whose
value only a solution computes becomes *pending*, with a note that says so; otherwise
the copy would not build.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from repro import data, ledger, notebooks, paths, results, solutions
from repro.errors import InputError, NotebookError
from repro.notebooks import Notebook

MARKER = "STUDENT_EDITION.md"
# Everything the book is made of, by name: a teacher's folder may hold marks and mail.
PARTS = (
    ".ci", ".gitignore", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE",
    "LICENSE-CC-BY-4.0.txt", "Makefile", "README.md", "_config.yml", "_toc.yml", "benchmarks",
    "binder", "book", "data", "environment.yml", "notebooks", "pyproject.toml",
    "requirements.lock", "src", "tests", "tools", "workflow",
)  # fmt: skip
_ANY = re.compile(r"\}" + solutions.TITLE.pattern, re.IGNORECASE)  # of whatever directive
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.egg-info", "*.part")
_NOTE = "Left to the reader: in the full edition a solution computes this value."
_ABOUT = """\
# Student edition

The soft-clay companion without the solutions of its exercises, made by `repro student`
from version {version}. Everything else is as in the full edition: `make book` builds
it, `make lab` opens it for work, `make test` tests it.

Each exercise says where to write. What you write in a notebook stays in this folder: as
long as it differs from what was handed out, `repro student` will not write over it.

Notebooks as handed out: {digest}
"""


@dataclass(frozen=True)
class Edition:
    """A student edition on disk.

    Attributes
    ----------
    folder:
        Where it is.
    solutions:
        Number of solutions taken out (dropdowns and cells) by notebook or page.
    pending:
        Ids of the ledger's rows that wait for the student.
    """

    folder: Path
    solutions: Mapping[str, int]
    pending: tuple[str, ...]


def is_one() -> bool:
    """Return whether this repository is itself a student edition."""
    return (paths.root() / MARKER).is_file()


def exercises() -> str:
    """Return what the page on teaching says of exercises and solutions, as MyST."""
    if is_one():
        return (
            "Every chapter has exercises, and this is the student edition: there are no solutions in\n"
            f"it. Under each exercise a box headed *{solutions.WRITE_HERE}* says where to write."
        )
    return (
        "Every chapter has exercises with folded solutions. `make student` writes an edition without\n"
        "them into `_build/student`; `.venv/bin/repro student --out FOLDER` writes it elsewhere."
    )


def write(folder: Path) -> Edition:
    """Write the student edition into a folder.

    Parameters
    ----------
    folder:
        A new or empty folder, or one that holds a student edition with untouched
        notebooks; that one is replaced.

    Raises
    ------
    InputError
        If the folder holds anything else, or lies where the copy would hold itself.
    NotebookError
        If this is a student edition already, a pair is out of step, or a chapter
        rests on one of its solutions.  ``folder`` is then left as it was.
    """
    if is_one():
        raise NotebookError(f"{paths.root()}: this is a student edition; it holds no solutions")
    folder = folder.resolve()
    _require_free(folder)
    for book in notebooks.every():
        notebooks.require_in_step(book)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        edition = _fill(work, folder)
        if folder.exists():
            shutil.rmtree(folder)
        work.chmod(0o755)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return edition


def _require_free(folder: Path) -> None:
    """Refuse a folder that holds what nobody could bring back."""
    root = paths.root()
    if folder == root or folder in root.parents:
        raise InputError(f"{folder}: the book itself lies there; name a new folder")
    inside = folder.relative_to(root).parts[0] if root in folder.parents else ""
    if inside in PARTS:
        raise InputError(f"{folder}: lies in {inside}/ of the book, which is copied; name another")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder, found a file")
    if not any(folder.iterdir()):
        return
    marker = folder / MARKER
    if not marker.is_file():
        raise InputError(f"{folder}: not empty, and no student edition; name a new folder")
    if _digest(folder / "notebooks") not in marker.read_text(encoding="utf-8"):
        raise InputError(
            f"{folder}: somebody has worked in its notebooks since it was written; "
            "name a new folder, or remove it yourself"
        )


def _digest(folder: Path) -> str:
    """Return one hash of the scripts and notebooks of a folder."""
    total = hashlib.sha256()
    for file in sorted(folder.glob("*.*")):
        if file.is_file():
            total.update(f"{file.name}\0{data.sha256(file)}\n".encode())
    return total.hexdigest()


def _fill(work: Path, folder: Path) -> Edition:
    root = paths.root()
    for name in PARTS:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, work / name, ignore=_LEFT_OUT)
        elif source.is_file():
            shutil.copy2(source, work / name)
    counted: dict[str, int] = {}
    lost: set[str] = set()
    figures: set[str] = set()
    has_ledger = (paths.data_dir() / ledger.CLAIMS).is_file()
    claims = ledger.load().claims if has_ledger else ()
    needed = {claim.result for claim in claims if claim.result}
    for book in notebooks.every():
        found = solutions.without(book.text, name=book.name, needed=needed)
        mine = Notebook(work / "notebooks" / book.script.name)
        mine.script.write_text(found.script, encoding="utf-8")
        mine.ipynb.write_text(mine.rendered(), encoding="utf-8")
        _require_none(mine)
        counted[book.name] = len(found.solutions)
        lost |= found.lost
        figures |= found.figures
    for page in sorted((work / "book").rglob("*.md")):
        name = page.relative_to(work).as_posix()
        before = page.read_text(encoding="utf-8")
        text, taken = solutions.without_dropdowns(
            before, name=name, where=f"Write it here, in {name}."
        )
        text = solutions.with_blanks(text, lost)
        if text != before:
            page.write_text(text, encoding="utf-8")
        if taken:
            counted[name] = len(taken)
    pending = _open_rows(work / "data" / ledger.CLAIMS, lost, figures) if has_ledger else ()
    about = _ABOUT.format(version=data.code_version(), digest=_digest(work / "notebooks"))
    (work / MARKER).write_text(about, encoding="utf-8")
    return Edition(folder, counted, pending)


def chapters(names: Sequence[str]) -> tuple[Notebook, ...]:
    """Return the notebooks of some names, or every one for ``all``.

    Raises
    ------
    NotebookError
        If there is no such notebook.
    """
    if list(names) == ["all"]:
        return notebooks.every()
    return tuple(notebooks.find(name) for name in names)


def run(folder: Path, books: Sequence[Notebook]) -> None:
    """Run chapters of a student edition, each as a student would, with its live part off.

    The edition's own copy of the package runs, in a process of its own; what it says of its
    progress goes to the terminal.  The runs stay in the edition's ``_build``.

    Parameters
    ----------
    folder:
        A student edition.
    books:
        The notebooks by their names; a full edition's will do.

    Raises
    ------
    NotebookError
        At the first chapter that fails, or whose text shows a number that it did not record.
    """
    place = {"REPRO_ROOT": str(folder), "PYTHONPATH": str(folder / "src")}
    for book in books:
        mine = Notebook(folder / "notebooks" / book.script.name)
        quick = ["-p", "live", "false"] * any(p.name == "live" for p in mine.parameters())
        command = [sys.executable, "-m", "repro.cli", "run", mine.name, *quick]
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **place}, stdout=subprocess.PIPE, text=True
        )
        if done.returncode != 0:
            raise NotebookError(
                f"{folder}: chapter {mine.name} of the student edition does not run; its message "
                "stands above"
            )
        executed = Path(done.stdout.splitlines()[0])
        shown = solutions.shown_keys(mine.text)
        lacking = sorted(shown - set(results.read(executed.parent)))
        if lacking:
            raise NotebookError(
                f"{folder}: the text of {mine.name} shows {', '.join(lacking)}, which only a solution "
                "records; record it before the exercise"
            )
        print(f"{mine.name}: runs in the student edition")


def _require_none(book: Notebook) -> None:
    """Refuse a notebook that still holds a solution, by whatever way it was written.

    Raises
    ------
    NotebookError
        Naming the cell.
    """
    for number, cell in enumerate(book.node().cells, start=1):
        if cell.cell_type == "markdown" and _ANY.search(cell.source):
            raise NotebookError(
                f"{book.name}: cell {number} still holds a solution; write it as a dropdown whose "
                "first line is ':::{dropdown} Solution'"
            )


def _open_rows(file: Path, lost: Set[str], figures: Set[str]) -> tuple[str, ...]:
    """Set the rows that wait for a student to pending; return their ids."""
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    opened = []
    changed = False
    for row in content["claims"]:
        if row.get("result") in lost:
            row.update(result=None, verdict="pending", note=_NOTE)
            opened.append(str(row["id"]))
            changed = True
        if row.get("figure") in figures:
            del row["figure"]
            changed = True
    if changed:
        file.write_text(
            yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8"
        )
    return tuple(opened)
