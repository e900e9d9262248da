"""Run LAMMPS as a child process, and say in plain words why it stopped.

``lmp`` and ``mpirun`` are those of the Python that runs.  A run lives in a folder of
its own and never outlives the Python that started it, not even after ``kill -9``, so
whoever resumes it is alone in the folder.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from repro import data, folder_lock
from repro.errors import InputError, ReproError
from repro.md import logs, scripts
from repro.md.logs import Log

SCRIPT, LOG, NOISE, LOCK = "in.lmp", "log.lammps", "stderr.txt", ".lock"
MAKE_MODEL = (
    "make one with 'python -m repro.potential.training run --preset reference --work WORK' "
    "(WORK/model.pb), or restore a shipped one with 'git checkout -- data/potential/models'"
)
_THREADS = ("OMP_NUM_THREADS", "DP_INTRA_OP_PARALLELISM_THREADS",
            "DP_INTER_OP_PARALLELISM_THREADS", "TF_INTRA_OP_PARALLELISM_THREADS",
            "TF_INTER_OP_PARALLELISM_THREADS")  # fmt: skip
# TensorFlow asks for its large arrays anew at every step.  glibc gives freed ones back to
# the kernel, which must then clear the pages again: half the time of 8,000 atoms on a core
# (13.0 s for 10 steps, 6.7 s with these; 704 atoms 6 %).  Without oneDNN layers as small as
# ours are 8 % faster.  All of it can be set otherwise from outside.
_PACE = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TOP_PAD_": "67108864",
         "MALLOC_TRIM_THRESHOLD_": "16000000000", "TF_ENABLE_ONEDNN_OPTS": "0"}  # fmt: skip
# What the wheels say on every start on a machine without CUDA.
_HARMLESS = re.compile(
    r"libcudart|implib-gen|^DeePMD-kit: |absl::Init|cpu_feature_guard|rebuild TensorFlow|"
    r"number of threads|^To get the best performance|^\s*$"
)
_LITTLE_SPACE = 1_000_000  # bytes
WHEEL = "wheel"
"""Of :func:`kernels`: those that come with the package."""
# Starts LAMMPS and kills it, ranks and all, when the Python that asked for it is gone.
_KEEPER = """
import os, signal, subprocess, sys, threading
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
def watch():
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=watch, daemon=True).start()
status = child.wait()
os._exit(status if status >= 0 else 128 - status)
"""


class LammpsError(ReproError):
    """LAMMPS could not be started, or stopped before its end."""


def program(name: str) -> Path:
    """Return ``lmp`` or ``mpirun`` beside the Python that runs.

    Raises
    ------
    LammpsError
        If it is not there.
    """
    found = Path(sys.executable).parent / name
    if not found.exists():
        raise LammpsError(f"{found}: no such program; {name} comes with the environment of this "
                          "book ('make install', or pip install 'deepmd-kit[cpu,lmp]')")  # fmt: skip
    return found


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def one_thread() -> dict[str, str]:
    """Return this process's environment with every library held to one thread."""
    env = {**os.environ, **dict.fromkeys(_THREADS, "1")}
    env.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    return env


def launcher() -> tuple[Path, dict[str, str]]:
    """Return what to start for ``lmp``, and its environment.

    The wheel's ``lmp`` is a script that imports TensorFlow only to learn where its
    libraries are, 15 seconds of CPU time at each start.  Where they lie as expected
    the program behind it is started directly.
    """
    script = program("lmp")
    env = {**_PACE, **one_thread()}
    lammps, deepmd, flow = (_package(n) for n in ("lammps", "deepmd", "tensorflow"))
    native = lammps / "lmp" if lammps else None
    if (
        sys.platform != "linux" or native is None or deepmd is None or flow is None
        or not native.exists() or not (deepmd / "lib" / "libdeepmd_lmpplugin.so").exists()
        or script.parent != Path(sys.prefix) / "bin"
    ):  # fmt: skip
        return script, env

    def first(variable: str, *folders: Path) -> str:
        return ":".join([*map(str, folders), *filter(None, [os.environ.get(variable)])])

    libraries = [flow, flow / "python", Path(sys.prefix) / "lib"]
    env["LD_LIBRARY_PATH"] = first("LD_LIBRARY_PATH", *libraries)
    env["LAMMPS_PLUGIN_PATH"] = first("LAMMPS_PLUGIN_PATH", deepmd / "lib")
    return native, env


def kernels() -> str:
    """Return whose kernels evaluate the potential.

    ``wheel``, or ``libdeepmd`` with the first digits of its sha256 where the environment
    preloads another (``tools/native_kernels.py`` builds one).
    """
    for name in re.split(r"[\s:]+", os.environ.get("LD_PRELOAD", "")):
        file = Path(name)
        if file.name.startswith("libdeepmd.") and file.is_file():
            return f"{file.name} {data.sha256(file)[:12]}"
    return WHEEL


def leashed(command: Sequence[str]) -> list[str]:
    """Return a command that starts another and kills it, children and all, when orphaned.

    Start it with a pipe as its standard input and in a session of its own; when the pipe
    closes, as it does when its holder is gone, everything in that session ends.
    """
    return [sys.executable, "-S", "-c", _KEEPER, *command]


def check_models(script: str, *, folder: Path) -> None:
    """Raise if a ``pair_style`` of a script names a model file that is not there.

    Raises
    ------
    LammpsError
        Naming the file and the command that makes it.
    """
    for name in scripts.model_files(script):
        if not (folder / name).exists():
            raise LammpsError(f"{name}: no such model; {MAKE_MODEL}")


def run(
    script: str,
    *,
    folder: Path | str,
    ranks: int = 1,
    progress: Callable[[int], None] | None = None,
    name: str = SCRIPT,
) -> Log:
    """Run a LAMMPS script and return its log.

    Parameters
    ----------
    script:
        The whole input.
    folder:
        Working folder, made if needed; gets the script, ``log.lammps`` and whatever
        the script writes.
    ranks:
        MPI processes, each with one thread.
    progress:
        Called with the time step of each thermo row as it appears.
    name:
        File name of the script.

    Raises
    ------
    LammpsError
        If LAMMPS is missing, fails, is killed, or the disk is full.
    InputError
        For less than one rank.
    """
    if ranks < 1:
        raise InputError(f"ranks={ranks}: expected one or more")
    where = Path(folder).resolve()
    try:
        where.mkdir(parents=True, exist_ok=True)
        check_models(script, folder=where)
        binary, env = launcher()
        command = [str(binary), "-in", name, "-log", LOG, "-nonbuf"]
        if ranks > 1:
            command = [str(program("mpirun")), "-n", str(ranks), *command]
        busy = LammpsError(f"{where}: another run is at work there; wait for it, or give "
                           "another folder")  # fmt: skip
        with folder_lock.held(where / LOCK, patience=10.0, busy=busy) as lock:
            (where / name).write_text(script, encoding="utf-8")
            status, text = _watched(command, env, where, lock, progress)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _full(where) from None
        raise
    log = logs.parse(text, source=str(where / LOG))
    if status == 0 and log.complete and log.error is None:
        return log
    raise _explain(status, log, script, where, text)


def _watched(
    command: Sequence[str], env: dict[str, str], folder: Path, lock: int,
    progress: Callable[[int], None] | None,
) -> tuple[int, str]:  # fmt: skip
    """Run a command; return its status and its output."""
    with open(folder / NOISE, "wb") as noise:
        child = subprocess.Popen(
            leashed(command), cwd=folder, env=env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=noise, text=True,
            errors="replace", start_new_session=True, pass_fds=(lock,),
        )  # fmt: skip
        try:
            text = _read(child.stdout, progress) if child.stdout else ""
            status = child.wait()
        finally:
            if child.poll() is None:
                _kill(child)
                child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()
    return status, text


def _kill(child: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _read(stream: IO[str], progress: Callable[[int], None] | None) -> str:
    lines = []
    columns = 0
    for line in stream:
        lines.append(line)
        if logs.is_header(line):
            columns = len(line.split())
        elif line.startswith("Loop time"):
            columns = 0
        elif columns and progress is not None and len(line.split()) == columns:
            with contextlib.suppress(ValueError):
                progress(int(line.split()[0]))
    return "".join(lines)


def _step(log: Log) -> str:
    filled = [table for table in log.runs if len(table)]
    return f"{int(filled[-1]['Step'][-1])}" if filled else "0 (it had not begun)"


def _full(folder: Path) -> LammpsError:
    return LammpsError(
        f"{folder}: the disk is full (No space left on device); make room or give another "
        "folder, then start the same command again: it goes on from the last checkpoint"
    )


def complaints(folder: Path) -> str:
    """Return what a run wrote to stderr, less what the wheels say on every start."""
    try:
        text = (folder / NOISE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(line for line in text.splitlines() if not _HARMLESS.search(line))


def _explain(status: int, log: Log, script: str, folder: Path, text: str) -> LammpsError:
    """Return the error that says why a run stopped and what to do about it."""
    said = complaints(folder)
    if "No space left" in text + said or (
        not log.complete and shutil.disk_usage(folder).free < _LITTLE_SPACE
    ):
        return _full(folder)
    if log.error is None:
        died = status - 128 if status > 128 else 0
        if not died and (found := re.search(r"EXIT CODE: (\d+)|signal (\d+)", text + said)):
            died = int(found[1] or found[2])
        if died in (signal.SIGKILL, signal.SIGTERM):
            return LammpsError(
                f"{folder}: LAMMPS was killed (signal {died}) at step {_step(log)}: by hand, by a "
                "time limit, or for want of memory; start the same command again to go on"
            )
        tail = "\n".join((said or text).strip().splitlines()[-4:])
        return LammpsError(f"{folder}: LAMMPS stopped at step {_step(log)} with status {status} "
                           f"and without a word of why; the last lines are\n{tail}")  # fmt: skip
    message = log.error
    if missing := re.search(r"Failed to open file: (\S+)", message):
        return LammpsError(f"{missing[1]}: no such model; {MAKE_MODEL}")
    place = _place(log.input_line, script)
    advice = ""
    if re.search(r"Lost atoms|Out of range atoms|Non-numeric|not finite|NaN", message):
        advice = (
            f"; the run blew up at or after step {_step(log)}: try a shorter time step, a start "
            "that was relaxed first, and the short-range guard (pair_commands(..., guard=True))"
        )
    elif "style 'deepmd'" in message:
        advice = "; the DeePMD plugin was not loaded: reinstall with 'make install'"
    elif "restart" in message.lower():
        advice = "; remove that restart file and start the same command again"
    return LammpsError(f"LAMMPS: {message}{place}{advice} (log: {folder / LOG})")


def _place(quoted: str, script: str) -> str:
    if not quoted:
        return ""
    wanted = " ".join(quoted.split())
    for number, line in enumerate(script.splitlines(), start=1):
        if " ".join(line.split("#")[0].split()) == wanted:
            return f"; line {number} of the script: {wanted!r}"
    return f"; at {wanted!r}"
