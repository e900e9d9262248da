"""Trajectories of a leg: read frame by frame, thinned, and shipped as extended XYZ.

A leg's dump is in segments (:mod:`repro.md.stages`), and LAMMPS writes the frame at a
checkpoint twice: last of one segment, first of the next.  Here it comes once.  Every
frame knows its ``time_ps`` from the start of the leg.  Shipped files are gzipped extended
XYZ, which OVITO and ASE open without this code.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io.extxyz import read_extxyz, write_extxyz
from ase.io.lammpsrun import read_lammps_dump_text

from repro import packed
from repro.errors import InputError
from repro.potential import ELEMENTS

_START = "ITEM: TIMESTEP"


def _texts(file: Path) -> Iterator[str]:
    """Yield the text of each whole frame of a dump; a last one that was cut is left out."""
    lines: list[str] = []
    with open(file, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if line.startswith(_START) and lines:
                yield "".join(lines)
                lines = []
            lines.append(line)
    # Header of nine lines, then an atom a line; a kill may have cut any of them.
    if len(lines) > 9 and lines[-1].endswith("\n") and lines[3].strip().isdigit() and (
        len(lines) == 9 + int(lines[3])
    ):  # fmt: skip
        yield "".join(lines)


def dumped(folder: Path, *, timestep_fs: float, upto: int | None = None) -> Iterator[Atoms]:
    """Yield the frames of a leg in order of time, one at a time.

    Parameters
    ----------
    folder:
        Of the leg; holds ``segment-0001.lammpstrj`` and so on.
    timestep_fs:
        Of the run; gives ``info["time_ps"]``.
    upto:
        Last step to yield; all if not given.

    Yields
    ------
    Atoms
        Periodic, atoms in the order of their ids, positions wrapped, ``info`` with
        ``step`` and ``time_ps``.

    Raises
    ------
    InputError
        If the folder holds no dump.
    """
    files = sorted(folder.glob("segment-*.lammpstrj"))
    if not files:
        raise InputError(f"{folder}: no trajectory; expected segment-0001.lammpstrj")
    last = -1
    for file in files:
        for text in _texts(file):
            step = int(text.split("\n", 2)[1])
            if step <= last or (upto is not None and step > upto):
                continue
            last = step
            found: Atoms = read_lammps_dump_text(io.StringIO(text), index=-1,
                                                 specorder=list(ELEMENTS), order=True)  # fmt: skip
            found.pbc = True
            found.info = {"step": step, "time_ps": step * timestep_fs / 1000}
            found.calc = None
            yield found


def spaced(frames: Iterable[Atoms], *, ps: float) -> Iterator[Atoms]:
    """Yield the first frame, and each that is at least so far in time from the one before it.

    Raises
    ------
    InputError
        For a time that is not positive.
    """
    if not ps > 0:
        raise InputError(f"{ps} ps between frames: expected a positive time")
    last = -np.inf
    for frame in frames:
        now = float(frame.info["time_ps"])
        # Times come from steps; in binary a sum may fall short of ps by a rounding.
        if now - last >= ps * (1 - 1e-6):
            last = now
            yield frame


def thinned(frames: Iterable[Atoms], every: int) -> Iterator[Atoms]:
    """Yield the first frame and each ``every``-th after it.

    Raises
    ------
    InputError
        For less than one.
    """
    if every < 1:
        raise InputError(f"every {every} frames: expected one or more")
    for number, frame in enumerate(frames):
        if number % every == 0:
            yield frame


def write(frames: Iterable[Atoms], file: Path, *, digits: int = 4) -> int:
    """Write frames as gzipped extended XYZ, whole or not at all; return their number.

    Equal frames give equal bytes.

    Parameters
    ----------
    frames:
        Streamed; only one is held.
    file:
        Name ending in ``.extxyz.gz``.
    digits:
        Decimals of positions, angstrom.  Four lose less than thermal motion in 0.1 fs,
        and make the file half as large.

    Raises
    ------
    InputError
        For another ending, or no frames.
    """
    if not file.name.endswith(".extxyz.gz"):
        raise InputError(f"{file.name}: expected a name that ends in .extxyz.gz")
    file.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with packed.writing(file) as stream:
        for frame in frames:
            text = io.StringIO()
            plain = Atoms(frame.get_chemical_symbols(), cell=frame.cell, pbc=True,
                          positions=np.round(frame.positions, digits))  # fmt: skip
            plain.info = {k: v for k, v in frame.info.items() if isinstance(v, int | float | str)}
            if "particle" in frame.arrays:
                plain.set_array("particle", frame.arrays["particle"])
            write_extxyz(text, [plain])
            stream.write(text.getvalue().encode())
            count += 1
        if not count:
            raise InputError(f"{file}: no frames to write")
    return count


def read(file: Path) -> Iterator[Atoms]:
    """Yield the frames of a shipped trajectory one at a time.

    Raises
    ------
    InputError
        If there is no such file, or it holds no frame.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such trajectory")
    try:
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            while head := stream.readline():
                lines = [head, *(stream.readline() for _ in range(int(head) + 1))]
                (frame,) = read_extxyz(io.StringIO("".join(lines)), index=slice(None))
                yield frame
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{file}: not a whole gzipped extended XYZ file ({error})") from None
