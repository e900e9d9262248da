"""Inherent structures: frames of a run relaxed in their own cell, so that heat is gone.

Between two frames of a warm glass every atom has moved by its vibration, and D2min, a sum of
squares over some forty neighbours, is mostly that.  An event that took atoms from one place
to another is what remains when both frames are relaxed to the bottom of their basins at
fixed cell (Stillinger & Weber, Phys. Rev. A 25, 978 (1982)).  The force at which a
relaxation stops is far below that of heat, and what it leaves undone is the noise left.  One
that runs out of steps before is said in the frame's ``info`` and in the manifest.

    python -m repro.clay.inherent --work WORK --protocols shear rest
    python -m repro.clay.inherent --work WORK --preset large --force 0.03 --minimizer abcfire

Frames are read from the shipped runs and written to ``data/clay/inherent`` (those of another
preset than ``reference`` to ``data/clay/inherent-PRESET``); a frame that was relaxed before in
the work folder, by the same model, is not relaxed again, so a killed command goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms

from repro import data, paths
from repro.clay import chain, chapter, collect, presets, trajectory
from repro.clay.protocols import ShearRate
from repro.commands import parse, plain_errors, resumable
from repro.errors import InputError
from repro.md import datafile, guard, lammps, scripts

FORCE, STEPS = 0.01, 3000
"""eV/angstrom at which a relaxation stops, and its steps at most."""
CUT_OFF = "max iterations"
"""What LAMMPS says of a minimisation that ran out of steps."""
FOLDER = "inherent"


def home(preset: str = chapter.PRESET) -> str:
    """Return the folder below ``data/clay`` with the relaxed frames of a campaign."""
    return FOLDER if preset == chapter.PRESET else f"{FOLDER}-{preset}"


def gap_ps(preset: str = chapter.PRESET) -> float:
    """Return the time between two frames of a campaign's slower shear, in ps.

    Frames of the rest are taken as far apart, so that both had the same time.

    Raises
    ------
    InputError
        If the campaign's ``shear`` is something else than a rate.
    """
    sheared = presets.preset(preset).protocols["shear"]
    if not isinstance(sheared, ShearRate):
        raise InputError(f"preset {preset!r}: its shear is a {type(sheared).__name__}")
    return float(sheared.interval / sheared.rate_per_s * 1e12)


def quench(frame: Atoms, *, pair: str, folder: Path, name: str, force: float = FORCE,
           steps: int = STEPS, minimizer: str = "fire", ranks: int = 1) -> Atoms:  # fmt: skip
    """Return a frame relaxed at fixed cell; its ``info`` stays, and tells how it ended.

    By FIRE (:func:`repro.md.scripts.descend`), which stays in its basin where line searches
    may leap.  ``info["stopped"]`` is LAMMPS' reason to stop (``force tolerance``, or ``max iterations`` for
    one that was cut off), ``info["force_eV_per_A"]`` the largest force component left,
    ``info["wall_s"]`` its time.

    Parameters
    ----------
    frame:
        Periodic.
    pair:
        Interaction lines (:func:`repro.md.guard.pair_commands`).
    folder, name:
        Where the relaxed frame is kept, as ``name.data`` with ``name.json``; one that is there
        is returned.
    force, steps:
        Largest force component in eV/angstrom at the end, and steps at most.
    minimizer:
        As for :func:`repro.md.scripts.descend`.
    ranks:
        MPI processes.

    Raises
    ------
    InputError
        If what is kept under the name was relaxed from another frame, or otherwise.
    LammpsError
        If LAMMPS fails.
    """
    done, about = folder / f"{name}.data", folder / f"{name}.json"
    own = _digest(frame, force=force, steps=steps, minimizer=minimizer)
    if not (done.is_file() and about.is_file()):
        folder.mkdir(parents=True, exist_ok=True)
        begin = time.monotonic()
        datafile.write_structure(frame, folder / "begin.data")
        log = lammps.run(
            scripts.header(pair=pair, timestep_fs=1.0, structure="begin.data")
            + scripts.thermo(100) + scripts.descend(force=force, steps=steps, minimizer=minimizer)
            + "thermo_style custom step pe fmax\nrun 0\nwrite_data part.data nocoeff\n",
            folder=folder, ranks=ranks,
        )  # fmt: skip
        record = {"of": own, "stopped": stopped(folder / lammps.LOG),
                  "force_eV_per_A": float(log.last()["Fmax"][-1]),
                  "wall_s": round(time.monotonic() - begin, 1)}  # fmt: skip
        about.write_text(json.dumps(record) + "\n", encoding="utf-8")
        (folder / "part.data").replace(done)
    record = json.loads(about.read_text(encoding="utf-8"))
    if record["of"] != own:
        raise InputError(f"{done}: relaxed from {record['of']}, expected from {own}; remove it, or "
                         "give another folder")  # fmt: skip
    made = datafile.read_structure(done)
    made.info = {**frame.info, **{k: record[k] for k in ("stopped", "force_eV_per_A", "wall_s")}}
    return made


def _digest(frame: Atoms, *, force: float, steps: int, minimizer: str) -> str:
    """Return a frame and how it is relaxed in words, its atoms and their places as a hash."""
    symbols = " ".join(frame.get_chemical_symbols()).encode()
    places = b"".join((np.round(a, 6) + 0.0).tobytes() for a in (frame.cell.array, frame.positions))
    return (f"{len(frame)} atoms ({hashlib.sha256(symbols + places).hexdigest()[:12]}) to "
            f"{force:g} eV/angstrom in {steps} steps of {minimizer}")  # fmt: skip


def stopped(log: Path) -> str:
    """Return why the last minimisation of a LAMMPS log stopped.

    Raises
    ------
    InputError
        If the log holds none.
    """
    found = re.findall(r"^\s*Stopping criterion = (.+?)\s*$",
                       log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)  # fmt: skip
    if not found:
        raise InputError(f"{log}: no 'Stopping criterion': expected the log of a minimisation")
    return str(found[-1])


def later_half(frames: Iterable[Atoms], *, ps: float) -> Iterator[Atoms]:
    """Yield frames of the second half of a run, at least so far apart in time.

    Raises
    ------
    InputError
        For no frames, or a time that is not positive.
    """
    if not ps > 0:
        raise InputError(f"{ps} ps between frames: expected a positive time")
    every = list(frames)
    if not every:
        raise InputError("no frames: expected a run")
    begin = every[-1].info["time_ps"] / 2
    yield from trajectory.spaced((f for f in every if f.info["time_ps"] >= begin), ps=ps)


def source(seed: int, protocol: str, *, preset: str = chapter.PRESET) -> Iterator[Atoms]:
    """Yield the frames that are relaxed: of a shear run all, of ``rest`` the later half."""
    if protocol == "rest":
        return later_half(chapter.frames(seed, "anneal", "rest", preset=preset), ps=gap_ps(preset))
    return chapter.frames(seed, protocol, "shear", preset=preset)


def frames(seed: int, protocol: str, *, preset: str = chapter.PRESET) -> Iterator[Atoms]:
    """Yield shipped relaxed frames of a seed's ``shear``, ``shear-fast`` or ``rest``."""
    return trajectory.read(data.path(f"clay/{home(preset)}/seed{seed}_{protocol}.extxyz.gz"))


def seeds(protocol: str, *, preset: str = chapter.PRESET) -> list[int]:
    """Return the seeds whose relaxed frames are shipped; none is an empty list."""
    return sorted(int(name.split("_")[0].removeprefix("seed"))
                  for name in data.listing(f"clay/{home(preset)}")
                  if name.split("_", 1)[-1] == f"{protocol}.extxyz.gz")  # fmt: skip


def left(protocol: str, *, preset: str = chapter.PRESET) -> tuple[float, int]:
    """Return the largest force (eV/angstrom) left in shipped frames, and how many were cut off."""
    every = [
        f.info for s in seeds(protocol, preset=preset) for f in frames(s, protocol, preset=preset)
    ]
    return (max((float(one["force_eV_per_A"]) for one in every), default=float("nan")),
            sum(one["stopped"] == CUT_OFF for one in every))  # fmt: skip


def make(
    work: Path, out: Path, *, protocols: Sequence[str], command: str, model: Path | None = None,
    preset: str = chapter.PRESET, force: float = FORCE, steps: int = STEPS,
    minimizer: str = "fire", ranks: int = 1,
) -> int:  # fmt: skip
    """Relax the frames of all seeds that ship, write them and the manifest; return files.

    Parameters
    ----------
    work:
        Folder of the single frames, kept apart by preset and model.
    out:
        Data folder.
    protocols:
        ``shear``, ``shear-fast`` and ``rest``, or some of them.
    command:
        For the manifest.
    model:
        Frozen model; the shipped one if None.
    preset:
        Campaign whose shipped runs are relaxed.
    force, steps, minimizer, ranks:
        As for :func:`quench`.

    Raises
    ------
    InputError
        For another protocol, or a work folder of other frames.
    DataError
        If no seed has a protocol.
    """
    for name in protocols:
        if name not in ("rest", "shear", "shear-fast"):
            raise InputError(f"protocol {name!r}: expected rest, shear or shear-fast")
    used = model if model is not None else data.path(chain.MODEL)
    pair = guard.pair_commands(used)
    kept = work / f"{preset}-{data.sha256(used)[:12]}"
    old = out / data.MANIFEST
    files: dict[str, str] = {}
    walls: dict[str, float] = {}
    if old.is_file():
        before = json.loads(old.read_text(encoding="utf-8"))
        files = {name: entry["description"] for name, entry in before["files"].items()}
        walls = dict(before["parameters"].get("wall_s", {"before": before["wall_time_s"]}))
    for protocol in protocols:
        for seed in chapter.seeds("anneal" if protocol == "rest" else protocol, preset=preset):
            name = f"seed{seed}_{protocol}"
            made = [quench(frame, pair=pair, folder=kept / name, name=f"frame-{k:03d}",
                           force=force, steps=steps, minimizer=minimizer, ranks=ranks)
                    for k, frame in enumerate(source(seed, protocol, preset=preset))]  # fmt: skip
            count = trajectory.write(made, out / f"{name}.extxyz.gz")
            walls[name] = round(sum(one.info["wall_s"] for one in made), 1)
            cut = sum(one.info["stopped"] == CUT_OFF for one in made)
            files[f"{name}.extxyz.gz"] = (
                f"seed {seed}, {protocol}: {count} frames relaxed in their cell"
                + (f", {cut} of them cut off after {steps} steps" if cut else "") + ", extended XYZ"
            )  # fmt: skip
            data.write_manifest(
                out, title="Inherent structures of the clay's runs", license="CC-BY-4.0",
                sources=[f"data/clay/{preset}; potential: data/potential/models/reference.pb"],
                command=command,
                parameters={"force_eV_per_A": force, "steps": steps, "minimizer": minimizer,
                            "rest_ps": gap_ps(preset), "preset": presets.preset(preset).name, "runs": collect.RUNS,
                            "wall_s": walls},
                seed=None, files=files, wall_time_s=sum(walls.values()),
            )  # fmt: skip
    return len(files)


@plain_errors
@resumable
def main(arguments: Sequence[str] | None = None) -> int:
    """Relax frames of shipped runs; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m repro.clay.inherent",
                                     description="relax the frames of shipped runs")  # fmt: skip
    parser.add_argument("--work", type=Path, required=True, help="folder of the single frames")
    parser.add_argument("--protocols", nargs="+", default=["rest", "shear"],
                        help="rest, shear, shear-fast")  # fmt: skip
    parser.add_argument("--preset", default=chapter.PRESET, help="reference or large")
    parser.add_argument("--force", type=float, default=FORCE,
                        help=f"at which one stops, eV/angstrom ({FORCE:g})")  # fmt: skip
    parser.add_argument("--steps", type=int, default=STEPS,
                        help=f"of a relaxation at most ({STEPS})")  # fmt: skip
    parser.add_argument("--minimizer", choices=list(scripts.DESCENTS), default="fire",
                        help="of LAMMPS (fire)")  # fmt: skip
    parser.add_argument("--ranks", type=int, default=1, help="MPI processes (1)")
    parser.add_argument("--out", type=Path, help="data folder (data/clay/inherent)")
    parser.add_argument("--model", type=Path, help="another frozen model than the shipped one")
    args = parse(parser, arguments)
    out = args.out or paths.data_dir() / "clay" / home(presets.preset(args.preset).name)
    count = make(args.work, out, protocols=args.protocols, command=args.line, model=args.model,
                 preset=args.preset, force=args.force, steps=args.steps,
                 minimizer=args.minimizer, ranks=args.ranks)  # fmt: skip
    print(f"{out}: {count} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
