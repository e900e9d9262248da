"""Run FEFF on one site: alone in its folder, with a time limit, and never twice.

The programs are those of larch's wheel.  ``feff8l`` (FEFF8.5L) is six programs in a row,
``feff6l`` one.  Both end with status 0 whatever happens, so that a step has gone well only
if it left its file.  larch's own ``feffrunner`` changes the working directory of the
process, which sites in parallel cannot have; here the programs are started directly.

A result may be kept in a folder under the SHA-256 of the input's text, the program and its
version.  It is written beside and moved into place, so that one killed in between leaves
nothing half done; what cannot be read, or is not what its name says, is computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError, ReproError, did_you_mean
from repro.exafs import feff_files
from repro.exafs.feff_files import GRID, Paths

Floats = NDArray[np.float64]
FORMAT = 1  # raised when what is kept of a run, or how it is summed, changes
_LAYOUT = {
    "feff6l": (("feff6l", "files.dat"),),
    "feff8l": (("feff8l_rdinp", "geom.json"), ("feff8l_pot", "pot.pad"),
               ("feff8l_xsph", "phase.pad"), ("feff8l_pathfinder", "paths.dat"),
               ("feff8l_genfmt", "list.dat"), ("feff8l_ff2x", "chi.dat")),
}  # fmt: skip
_FOLDERS = {"linux": "linux64", "darwin": "darwin64", "win32": "win64"}
_SAID = "said.txt"
_LAST_WORDS = 6  # lines


class FeffError(ReproError):
    """FEFF could not be started, or did not give a chi(k)."""


@dataclass(frozen=True)
class Program:
    """A FEFF.

    Attributes
    ----------
    name:
        ``feff8l`` or ``feff6l``: which kind of input it takes and files it writes.
    version:
        Enters the key of the cache.
    steps:
        Programs to start one after the other, each with the file it has to leave.
    """

    name: str
    version: str
    steps: tuple[tuple[Path, str], ...]


@dataclass(frozen=True)
class FeffResult:
    """chi(k) of one site.

    Attributes
    ----------
    k, chi:
        (401,): 0 to 20 in steps of 0.05, 1/angstrom, from FEFF's Fermi level; S02 1, sigma
        squared 0.
    paths:
        What was summed.
    program, version:
        Of FEFF.
    seconds:
        Time on the clock that the run took, also of one that comes from the cache.
    source:
        ``run``, ``cache``, or ``mended``: run because what was kept was damaged.
    """

    k: Floats
    chi: Floats
    paths: Paths
    program: str
    version: str
    seconds: float
    source: str


def program(name: str = "feff8l") -> Program:
    """Return a FEFF of larch's wheel.

    Raises
    ------
    InputError
        For another name than ``feff8l`` or ``feff6l``.
    FeffError
        If the wheel, or a FEFF for this machine in it, is not there.
    """
    if name not in _LAYOUT:
        raise InputError(f"FEFF {name!r}: expected {' or '.join(_LAYOUT)}"
                         f"{did_you_mean(name, _LAYOUT)}")  # fmt: skip
    found = importlib.util.find_spec("larch")
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        raise FeffError("larch is not installed; FEFF comes with it ('make install', or pip "
                        "install xraylarch)")  # fmt: skip
    folder = Path(places[0]) / "bin" / _FOLDERS.get(sys.platform, sys.platform)
    end = ".exe" if sys.platform == "win32" else ""
    steps = tuple((folder / (step + end), left) for step, left in _LAYOUT[name])
    missing = [str(file) for file, _ in steps if not os.access(file, os.X_OK)]
    if missing:
        raise FeffError(f"{missing[0]}: no such program; larch carries FEFF for x86-64 Linux, "
                        "macOS and Windows")  # fmt: skip
    return Program(name, f"xraylarch {importlib.metadata.version('xraylarch')}", steps)


def cache_key(text: str, feff: Program) -> str:
    """Return under what name a result is kept."""
    whole = f"{FORMAT}\n{feff.name}\n{feff.version}\n{text}"
    return hashlib.sha256(whole.encode()).hexdigest()


def _load(file: Path, key: str, feff: Program) -> FeffResult | None:
    """Return what is kept in a file, or None if that is damaged."""
    try:
        with np.load(file, allow_pickle=False) as kept:
            content = {name: kept[name] for name in kept.files}
        paths = Paths(*(content[n] for n in ("reff", "degeneracy", "legs", "amplitude")))
        chi, seconds = content["chi"], float(content["seconds"])
        whole = str(content["key"]) == key and chi.shape == GRID.shape and chi.dtype == np.float64
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    if not whole or not np.isfinite(chi).all() or len({len(v) for v in vars(paths).values()}) > 1:
        return None
    return FeffResult(GRID, chi, paths, feff.name, feff.version, seconds, "cache")


def _store(file: Path, key: str, result: FeffResult) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    number, partial = tempfile.mkstemp(dir=file.parent, prefix=file.stem[:12], suffix=".part")
    try:
        with os.fdopen(number, "wb") as stream:
            np.savez_compressed(stream, key=np.array(key), chi=result.chi,
                                seconds=np.array(result.seconds), **vars(result.paths))  # fmt: skip
        os.replace(partial, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise


def _last_words(folder: Path) -> str:
    """Return the last lines that FEFF wrote."""
    try:
        text = (folder / _SAID).read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # gfortran adds a remark on rounding to every run.
    lines = [line for line in lines if not line.startswith("Note: The following floating-point")]
    last = "; ".join(lines[-_LAST_WORDS:]) or "nothing"
    # A Fortran run-time error quotes memory where it should quote a name.
    return "".join(c if c.isprintable() else "?" for c in last)


def _start(command: Path, folder: Path, seconds: float) -> int:
    """Run a program in a folder; return its status.  Raises TimeoutExpired, all killed."""
    with open(folder / _SAID, "ab") as said:
        # A group of its own, so that what the program itself started ends with it.
        child = subprocess.Popen(
            [str(command)], cwd=folder, stdin=subprocess.DEVNULL, stdout=said,
            stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        try:
            return child.wait(timeout=seconds)
        finally:
            if child.poll() is None:
                with contextlib.suppress(OSError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def _steps(feff: Program, folder: Path, name: str, timeout: float) -> None:
    end = time.monotonic() + timeout
    for command, left in feff.steps:
        try:
            status = _start(command, folder, max(end - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            raise FeffError(f"{name}: {command.stem} stopped after the {timeout:g} s allowed for "
                            f"the site; its last words: {_last_words(folder)}") from None  # fmt: skip
        except OSError as error:
            raise FeffError(f"{name}: {command} could not be started "
                            f"({error.strerror})") from None  # fmt: skip
        if status or not (folder / left).is_file():
            how = f"was killed (signal {-status})" if status < 0 else (
                f"ended with status {status}" if status else f"did not write {left}")  # fmt: skip
            raise FeffError(f"{name}: {command.stem} {how}; its last words: {_last_words(folder)}")
        # FEFF goes on with the paths it has, and chi would look right.
        if "list may be incomplete" in (folder / _SAID).read_text("utf-8", errors="replace"):
            raise FeffError(f"{name}: {command.stem} has no room for all paths; ask for a shorter "
                            "rpath, fewer legs, or feff8l instead of feff6l")  # fmt: skip


def run_feff(
    text: str,
    *,
    feff: Program | str = "feff8l",
    name: str = "site",
    cache: Path | str | None = None,
    timeout: float = 600.0,
    scratch: Path | str | None = None,
) -> FeffResult:
    """Return chi(k) for the text of ``feff.inp``.

    Parameters
    ----------
    text:
        From :func:`repro.exafs.feff_sites.feff_input`, for the same program.
    feff:
        Program, or the name of one of larch's.
    name:
        Of the site, for messages.
    cache:
        Folder of results; nothing is kept if None.
    timeout:
        Seconds for the whole site.
    scratch:
        Where the working folder is made and removed again; the system's if None.

    Raises
    ------
    FeffError
        If a program is missing, takes too long, is killed, or leaves no chi(k) of finite
        numbers: with the name of the site and what FEFF said last.  Or if the cache cannot be
        written.
    InputError
        For an unknown name of a program, or a timeout that is not positive.
    """
    if not timeout > 0:
        raise InputError(f"timeout={timeout}: expected more than 0 s")
    chosen = program(feff) if isinstance(feff, str) else feff
    key = cache_key(text, chosen)
    file = Path(cache) / f"{key}.npz" if cache is not None else None
    source = "run"
    if file is not None and file.exists():
        kept = _load(file, key, chosen)
        if kept is not None:
            return kept
        source = "mended"
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="feff-", dir=scratch, ignore_cleanup_errors=True) as at:
        folder = Path(at)
        (folder / "feff.inp").write_text(text, encoding="utf-8")
        _steps(chosen, folder, name, timeout)
        try:
            if chosen.name == "feff6l":
                card = re.search(r"^CRITERIA\s+(\S+)", text, re.MULTILINE)
                chi = feff_files.summed(folder, least=float(card[1]) if card else 4.0)
                paths = feff_files.read_paths(folder / "files.dat")
            else:
                chi = feff_files.read_chi(folder / "chi.dat")
                paths = feff_files.read_paths(folder / "list.dat")
        except InputError as error:
            raise FeffError(f"{name}: {chosen.name} left a damaged {error}; its last words: "
                            f"{_last_words(folder)}") from None  # fmt: skip
    result = FeffResult(GRID, chi, paths, chosen.name, chosen.version, time.monotonic() - began,
                        source)  # fmt: skip
    if file is not None:
        try:
            _store(file, key, result)
        except OSError as error:
            raise FeffError(f"{name}: its result cannot be kept in {file.parent} "
                            f"({error.strerror})") from None  # fmt: skip
    return result
