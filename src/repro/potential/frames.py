"""Labelled frames on disk: append-only extxyz shards that survive a kill.

A shard is one extxyz file to which complete frames are appended, each flushed
and synced.  A process killed in the middle leaves at most one broken frame at
the end, which :func:`read_shard` drops and :func:`append_frame` cuts off before
it writes again.  So nothing labelled is lost, and a rerun needs no bookkeeping:
the ids in the shard say what is done.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from numpy.typing import NDArray

from repro import paths
from repro.errors import InputError


def labelled(
    atoms: Atoms,
    *,
    energy: float,
    forces: NDArray[np.float64],
    stress: NDArray[np.float64],
    info: dict[str, Any],
) -> Atoms:
    """Return a copy of a frame that carries its labels and where it came from.

    Parameters
    ----------
    atoms:
        Frame.
    energy, forces, stress:
        eV, (N, 3) eV/angstrom, (3, 3) or Voigt (6,) eV/angstrom^3 in ASE's sign.
    info:
        Plain values; must hold ``frame_id``.

    Raises
    ------
    InputError
        If a label is not finite or of the wrong shape, or the id is missing.
    """
    forces, stress = np.asarray(forces, dtype=float), np.asarray(stress, dtype=float)
    if "frame_id" not in info:
        raise InputError("a labelled frame needs info['frame_id']")
    where = info["frame_id"]
    if forces.shape != (len(atoms), 3):
        raise InputError(f"{where}: forces of shape {forces.shape}, expected {(len(atoms), 3)}")
    if stress.shape not in ((6,), (3, 3)):
        raise InputError(f"{where}: stress of shape {stress.shape}, expected (6,) or (3, 3)")
    if not (np.isfinite(energy) and np.isfinite(forces).all() and np.isfinite(stress).all()):
        raise InputError(f"{where}: energy, forces or stress are not finite")
    frame = Atoms(atoms.get_chemical_symbols(), positions=atoms.positions, cell=atoms.cell,
                  pbc=True)  # fmt: skip
    frame.info.update(info)
    if stress.shape == (3, 3):
        stress = (0.5 * (stress + stress.T))[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    frame.calc = SinglePointCalculator(frame, energy=energy, forces=forces, stress=stress)
    return frame


def frame_text(frame: Atoms) -> str:
    """Return one frame as extxyz."""
    buffer = io.StringIO()
    write(buffer, frame, format="extxyz")
    return buffer.getvalue()


def _complete(text: str) -> int:
    """Return the length of the part of an extxyz text that holds whole frames."""
    position = 0
    while position < len(text):
        lines_end = text.find("\n", position)
        if lines_end < 0:
            break
        try:
            count = int(text[position:lines_end])
        except ValueError:
            break
        end = position
        for _ in range(count + 2):
            end = text.find("\n", end) + 1
            if end == 0:
                return position
        position = end
    return position


def read_shard(file: Path) -> list[Atoms]:
    """Return the whole frames of a shard; none if there is no file yet."""
    if not file.exists():
        return []
    text = file.read_text(encoding="utf-8")
    whole = text[: _complete(text)]
    if not whole:
        return []
    frames = read(io.StringIO(whole), index=":", format="extxyz")
    return frames if isinstance(frames, list) else [frames]


def shard_ids(file: Path) -> list[str]:
    """Return the frame ids of a shard in order."""
    return [str(frame.info["frame_id"]) for frame in read_shard(file)]


def append_frame(file: Path, frame: Atoms) -> None:
    """Append one frame; a broken end left by a killed writer is cut off first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists():
        text = file.read_text(encoding="utf-8")
        keep = _complete(text)
        if keep < len(text):
            with open(file, "r+b") as stream:
                stream.truncate(len(text[:keep].encode("utf-8")))
    with open(file, "a", encoding="utf-8") as stream:
        stream.write(frame_text(frame))
        stream.flush()
        os.fsync(stream.fileno())


def write_atomic(file: Path, frames: Atoms | Iterable[Atoms]) -> None:
    """Write frames so that the file is either the old one or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    several = [frames] if isinstance(frames, Atoms) else list(frames)
    paths.write_text(file, "".join(frame_text(frame) for frame in several))
