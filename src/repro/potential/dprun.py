"""DeePMD-kit's ``dp`` as a child process: started, watched, and never left behind."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from repro import folder_lock
from repro.errors import InputError, ReproError

LOG = "train.log"
LOCK = "lock"
MINIMUM_FREE = 200e6  # bytes: a few checkpoints and a compressed model
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "DP_INTRA_OP_PARALLELISM_THREADS",
                     "TF_INTRA_OP_PARALLELISM_THREADS")  # fmt: skip
_SINGLE_VARIABLES = ("DP_INTER_OP_PARALLELISM_THREADS", "TF_INTER_OP_PARALLELISM_THREADS")


class TrainingError(ReproError):
    """``dp`` failed, or the training cannot go on; the message says what to do."""


def dp_program() -> Path:
    """Return the ``dp`` of the Python that runs.

    Raises
    ------
    TrainingError
        If it is not installed.
    """
    beside = Path(sys.executable).parent / "dp"
    if not beside.exists():
        raise TrainingError(f"{beside}: not there; DeePMD-kit belongs to the environment of this "
                            "book (make install)")  # fmt: skip
    return beside


def check_space(folder: Path) -> None:
    """Raise if a folder's disk is full.

    Raises
    ------
    TrainingError
        With the room there is and what is needed.
    """
    free = shutil.disk_usage(folder).free
    if free < MINIMUM_FREE:
        raise TrainingError(f"{folder}: {free / 1e6:.0f} MB free, a training needs "
                            f"{MINIMUM_FREE / 1e6:.0f} MB; make room and start again")  # fmt: skip


@contextlib.contextmanager
def locked(work: Path, *, patience: float = 5.0) -> Iterator[int]:
    """Hold a folder for one training; give the descriptor that ``dp`` inherits.

    The lock belongs to the open file, so it lasts until both the parent and ``dp``
    are gone: a parent killed by -9 cannot be followed by a second ``dp`` on the
    same checkpoints.

    Parameters
    ----------
    work:
        The folder.
    patience:
        Seconds to wait for it; a parent just killed takes its dp along in an instant.

    Raises
    ------
    TrainingError
        If another training holds it.
    """
    busy = TrainingError(f"{work}: another training is running there; wait for it "
                         "or choose another folder")  # fmt: skip
    with folder_lock.held(work / LOCK, patience=patience, busy=busy) as descriptor:
        yield descriptor


def is_running(work: Path) -> bool:
    """Return whether a training holds the folder."""
    if not (work / LOCK).exists():
        return False
    with open(work / LOCK, "a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _die_with_parent() -> Callable[[], None] | None:
    """Return what a child calls so that the kernel ends it with its parent (Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    return lambda: libc.prctl(1, signal.SIGKILL) and None  # 1 is PR_SET_PDEATHSIG


def run(
    arguments: Sequence[str],
    *,
    work: Path,
    lock: int,
    threads: int = 1,
    watch: Callable[[], str | None] | None = None,
    every: float = 1.0,
) -> bool:
    """Run ``dp`` in a folder with its output appended to ``train.log``.

    Parameters
    ----------
    arguments:
        Of ``dp``.
    work:
        Where it runs.
    lock:
        Descriptor of :func:`locked`.
    threads:
        Cores to use.
    watch, every:
        Called every so many seconds; a text ends ``dp`` with it as an error, an empty
        text ends it without one.

    Returns
    -------
    bool
        Whether it came to its own end.

    Raises
    ------
    TrainingError
        If it fails, with the end of its log and what to do.
    """
    if threads < 1:
        raise InputError(f"threads {threads}, expected 1 or more")
    environment = os.environ | dict.fromkeys(_THREAD_VARIABLES, str(threads))
    environment |= dict.fromkeys(_SINGLE_VARIABLES, "1") | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    try:
        with open(work / LOG, "ab") as log:
            log.write(f"\n== dp {' '.join(arguments)}\n".encode())
            log.flush()
            begin = log.tell()
            child = subprocess.Popen([str(dp_program()), *arguments], cwd=work, stdout=log,
                                     stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                     env=environment, pass_fds=(lock,),
                                     preexec_fn=_die_with_parent())  # fmt: skip
    except OSError as error:
        raise TrainingError(f"{work}: {error}") from None
    try:
        stopped = _wait(child, watch, every)
    finally:
        # Also after Ctrl-C, or an error in the watcher.
        if child.poll() is None:
            child.kill()
            child.wait()
    if stopped is None and child.returncode != 0:
        raise failure(work, arguments[0], child.returncode, begin)
    if stopped:
        raise TrainingError(f"{stopped}\n{last_lines(work / LOG, begin)}")
    return stopped is None


def _wait(child: subprocess.Popen[Any], watch: Callable[[], str | None] | None,
          every: float) -> str | None:  # fmt: skip
    while True:
        try:
            child.wait(timeout=every)
            return (watch() or None) if watch else None
        except subprocess.TimeoutExpired:
            verdict = watch() if watch else None
            if verdict is not None:
                child.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=5)
                return verdict


def last_lines(log: Path, begin: int = 0, count: int = 12) -> str:
    """Return the last lines of a log, of what was written after ``begin``."""
    with open(log, "rb") as stream:
        stream.seek(begin)
        text = stream.read().decode("utf-8", errors="replace")
    return "\n".join("  | " + line[:300] for line in words(text)[-count:])


def words(text: str) -> list[str]:
    """Return the lines of an output without those that DeePMD-kit writes on every machine."""
    noise = ("implib-gen", "libcudart", "DeePMD-kit: ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith(noise)]


def failure(work: Path, command: str, status: int, begin: int = 0) -> TrainingError:
    """Return the error of a ``dp`` that failed: its last words, and what helps."""
    log = work / LOG
    words = last_lines(log, begin)
    if re.search(r"No space left on device|Errno 28|Disk quota", words):
        advice = "The disk is full: make room, then start the same command to go on."
    elif status == -signal.SIGKILL or re.search(r"MemoryError|ResourceExhausted|bad_alloc", words):
        advice = ("It was killed or ran out of memory: free some, take a smaller --batch, then "
                  "start the same command to go on.")  # fmt: skip
    elif status < 0:
        advice = "It was ended by a signal: start the same command to go on."
    else:
        advice = f"The whole log is {log}; input.json beside it is what dp was given."
    return TrainingError(f"dp {command} failed with status {status}. {advice}\n{words}")


def step_seconds(log_text: str) -> float | None:
    """Return the median seconds per step that a ``dp train`` log tells, or None.

    The first interval holds the start of the graph and is left out if there are more.
    """
    found = [(int(step), float(seconds)) for step, seconds in
             re.findall(r"[Bb]atch\s+(\d+): total wall time = ([\d.]+) s", log_text)]  # fmt: skip
    if not found:
        return None
    each, before = [], 0
    for step, seconds in found:
        if step > before:
            each.append(seconds / (step - before))
        before = step
    each = sorted(each[1:] or each)
    return each[len(each) // 2] if each else None


def checkpoints(work: Path) -> list[tuple[int, str]]:
    """Return (step, prefix) of every whole checkpoint in a folder, in order.

    By the numbered files rather than DeePMD-kit's links, which a kill may leave
    pointing to two different steps.
    """
    found = []
    for index in work.glob("model.ckpt-*.index"):
        prefix = index.name.removesuffix(".index")
        parts = [work / (prefix + end) for end in (".index", ".meta", ".data-00000-of-00001")]
        number = prefix.removeprefix("model.ckpt-")
        if number.isdigit() and all(p.is_file() and p.stat().st_size for p in parts):
            found.append((int(number), prefix))
    return sorted(found)


def prune_checkpoints(work: Path, *, keep: int = 2) -> None:
    """Remove all but the last checkpoints (a resumed ``dp`` forgets older ones)."""
    for _, prefix in checkpoints(work)[:-keep]:
        for file in work.glob(prefix + ".*"):
            file.unlink()
