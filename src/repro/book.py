"""The book: verify the data, run what needs running, hold the ledger, build the HTML."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from repro import (
    data,
    environment,
    evidence,
    formulas,
    gallery,
    glossary,
    ledger,
    notebooks,
    pages,
    paths,
    runner,
    site,
    staging,
    student,
    times,
)
from repro.errors import ClaimError, NotebookError, did_you_mean
from repro.ledger import Row
from repro.results import Result
from repro.runner import Run

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Built:
    """The built book.

    Attributes
    ----------
    index:
        Its first page.
    fresh:
        False if nothing had changed and the stored pages were kept.
    rows:
        The joined ledger.
    """

    index: Path
    fresh: bool
    rows: tuple[Row, ...]


def joined(runs: Sequence[Run]) -> tuple[Row, ...]:
    """Return the ledger joined with what these runs recorded.

    Raises
    ------
    ClaimError
        If two notebooks record the same key.
    """
    results: dict[str, Result] = {}
    origin: dict[str, str] = {}
    for run in runs:
        for key, result in run.results().items():
            if key in results:
                raise ClaimError(
                    f"result {key!r} is recorded by {origin[key]} and by {run.record['notebook']}"
                )
            results[key], origin[key] = result, run.record["notebook"]
    return ledger.load().join(results)


def require_verdicts(rows: Sequence[Row]) -> None:
    """Refuse a ledger of which a verdict does not hold.

    Raises
    ------
    ClaimError
        Naming each such row.
    """
    problems = ledger.check(rows)
    if problems:
        lines = "\n  ".join(problems)
        raise ClaimError(f"{len(problems)} verdicts of the ledger do not hold:\n  {lines}")


def build(*, force: bool = False) -> Built:
    """Build the whole book into ``_build/html``; keep it if nothing has changed.

    Raises
    ------
    ReproError
        From any step; ``_build/html`` is then left as it was.
    """
    count = data.require_all()
    print(f"data: {count} files agree with their manifests", file=sys.stderr)
    for chapter in notebooks.every():
        title(chapter)  # a missing title is named before any work is done
    runs = runner.run_all(force=force)
    rows = joined(runs)
    require_verdicts(rows)
    folder = paths.build_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "locks" / "book.lock"):
        work = Path(tempfile.mkdtemp(prefix=".book-", dir=folder))
        try:
            stage(runs, rows, work / "source")
            digest = _digest(work / "source")
            index = folder / "html" / "index.html"
            stamp = folder / "html.sha256"
            if not force and index.is_file() and stamp.is_file() and stamp.read_text() == digest:
                return Built(index, False, rows)
            html = _sphinx(work)
            site.mend(html)
            site.require(html)
            stamp.unlink(missing_ok=True)
            if (folder / "html").exists():
                (folder / "html").rename(work / "old")
            html.rename(folder / "html")
            stamp.write_text(digest)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return Built(index, True, rows)


def stage(runs: Sequence[Run], rows: Sequence[Row], folder: Path) -> None:
    """Write the sources of the book, with executed notebooks and generated parts."""
    root = paths.root()
    shutil.copytree(root / "book", folder / "book")
    shutil.copyfile(root / "_toc.yml", folder / "_toc.yml")
    labels = {
        run.record["notebook"]: staging.stage_notebook(run, folder / "notebooks") for run in runs
    }
    figures = staging.unique_names(labels)
    pictures = gallery.write(runs, folder / "book" / "gallery")
    evidence.stage(folder / "data")
    _require_figures(rows, figures)
    titles = {f"notebooks/{book.name}": title(book) for book in notebooks.every()}
    book = ledger.load()
    taken = times.of(runs)
    recorded = {key: result for run in runs for key, result in run.results().items()}
    parts = {
        **pages.course(taken),
        "scoreboard": lambda: pages.scoreboard(rows, titles, figures),
        "errata": lambda: pages.errata(book.errata),
        "parameters": lambda: pages.parameters(taken),
        "times": lambda: times.said(taken),
        "exercises": student.exercises,
        "glossary": lambda: glossary.page(glossary.load(), {b.name for b in notebooks.every()}),
        "gallery": lambda: gallery.page(pictures, titles),
        "environment": lambda: environment.page(runs),
        "evidence": evidence.benchmarks_page,
        "faults": evidence.faults_page,
    }
    for page in (folder / "book").rglob("*.md"):
        text = formulas.in_markdown(page.read_text(encoding="utf-8"))
        text = pages.values(text, recorded, name=page.name)
        page.write_text(pages.fill(text, parts, name=page.name), encoding="utf-8")
    (folder / "_config.yml").write_text(
        yaml.safe_dump(_configuration(rows, book), sort_keys=False), encoding="utf-8"
    )


def _require_figures(rows: Sequence[Row], figures: Mapping[str, str]) -> None:
    """Refuse a ledger that sends its reader to a figure that is not there.

    Raises
    ------
    ClaimError
        Naming the row and the figure.
    """
    for row in rows:
        figure = row.claim.figure
        if row.computed is not None and figure is not None and figure not in figures:
            raise ClaimError(
                f"claim {row.claim.id!r}: no notebook shows {figure!r}{did_you_mean(figure, figures)}"
            )


def title(book: notebooks.Notebook) -> str:
    """Return the title of a chapter: the first heading of its notebook."""
    for cell in book.node().cells:
        found = re.search(r"^# (.+)$", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and found:
            return found[1].strip()
    raise NotebookError(f"{book.name}: no title; begin with a markdown cell '# ...'")


def _configuration(rows: Sequence[Row], book: ledger.Ledger) -> dict[str, Any]:
    """Return ``_config.yml`` with the ledger's counts as substitutions for the prose."""
    config: dict[str, Any] = yaml.safe_load((paths.root() / "_config.yml").read_text("utf-8"))
    results = [row for row in rows if row.claim.kind != "setting"]
    substitutions = {
        prefix + verdict.replace(" ", "_"): str(number)
        for prefix, of in (("", rows), ("results_", results))
        for verdict, number in ledger.counts(of).items()
    }
    substitutions["settings"] = str(
        sum(row.claim.kind == "setting" and row.claim.verdict in ledger.AGREEING for row in rows)
    )
    substitutions["claims"] = str(len(rows))
    substitutions["errata"] = str(len(book.errata))
    sphinx = config.setdefault("sphinx", {}).setdefault("config", {})
    sphinx["myst_substitutions"] = substitutions
    return config


def _digest(folder: Path) -> str:
    """Return a hash of a staged tree and of the lock."""
    total = hashlib.sha256()
    lock = paths.root() / "requirements.lock"
    total.update(lock.read_bytes() if lock.is_file() else b"")
    for module in (__file__, site.__file__):
        total.update(Path(module).read_bytes())
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            total.update(file.relative_to(folder).as_posix().encode() + b"\0")
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _sphinx(work: Path) -> Path:
    """Build the staged book; return the folder of HTML.

    Raises
    ------
    NotebookError
        If there is any warning; its lines are shown and the log is kept.
    """
    command = [
        sys.executable,
        "-c",
        "from jupyter_book.cli.main import main; main()",
        "build",
        str(work / "source"),
        "--path-output",
        str(work / "out"),
        "-W",
        "-n",
        "--keep-going",
        "-q",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=work)
    text = _ANSI.sub("", done.stdout + done.stderr)
    log = paths.build_dir() / "sphinx.log"
    log.write_text(text, encoding="utf-8")
    if done.returncode < 0:
        raise NotebookError(
            f"the book was not built: Sphinx was killed (signal {-done.returncode}), by hand or for "
            f"want of memory; start the same command again. The whole log: {log}"
        )
    html = work / "out" / "_build" / "html"
    if done.returncode != 0 or not (html / "index.html").is_file():
        said = [
            line.replace(str(work / "source") + "/", "")
            for line in text.splitlines()
            if "WARNING" in line or "ERROR" in line or "rror:" in line
        ]
        shown = "\n  ".join(said[:40]) or text[-2000:]
        raise NotebookError(
            f"the book was not built; warnings are errors:\n  {shown}\nThe whole log: {log}"
        )
    return html


def summary(rows: Sequence[Row]) -> str:
    """Return one line that counts the verdicts."""
    counted: Mapping[str, int] = ledger.counts(rows)
    return ", ".join(f"{number} {verdict}" for verdict, number in counted.items() if number)
