"""Relax the starting structures with the teacher and write data/potential/structures.

    PYTHON-WITH-LABELS tools/potential_structures.py --help

Crystals are relaxed in their small cell (positions and cell, SevenNet l3i5 + D2),
slabs with the cheaper SevenNet-0 + D2, melts are left as packed.  A family already
written is not done again, so the command can be stopped and started at will.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE

from repro import data, paths
from repro.potential import frames
from repro.potential.structures import SEEDS
from repro.potential.teacher import LABEL_MODEL, SAMPLING_MODEL, Teacher


def relax_all(folder: Path, *, steps: int, fmax: float, threads: int) -> None:
    """Relax every family that has no file yet; say how long is left."""
    teachers = {m: Teacher(model=m, threads=threads) for m in (LABEL_MODEL, SAMPLING_MODEL)}
    todo = [s for s in SEEDS.values() if not (folder / f"{s.name}.extxyz").exists()]
    started = time.monotonic()
    for done, seed in enumerate(todo):
        begin = time.monotonic()
        atoms = seed.build()
        atoms.calc = None
        model, count = "", 0
        if seed.kind != "melt":
            model = SAMPLING_MODEL if seed.kind == "slab" else LABEL_MODEL
            atoms.calc = teachers[model]
            search = FIRE(FrechetCellFilter(atoms), logfile=None)
            search.run(fmax=fmax, steps=steps)
            count = search.nsteps
        energy = teachers[LABEL_MODEL]
        atoms.calc = energy
        wall = time.monotonic() - begin
        info = {
            "frame_id": f"structure/{seed.name}", "family": seed.name, "kind": seed.kind,
            "source": seed.source, "relaxed_with": model or "none",
            "steps": int(count), "fmax": float(np.linalg.norm(atoms.get_forces(), axis=1).max()),
            "wall_time_s": round(wall, 1),
        }  # fmt: skip
        frame = frames.labelled(
            atoms, energy=atoms.get_potential_energy(), forces=atoms.get_forces(),
            stress=atoms.get_stress(), info=info,
        )  # fmt: skip
        frames.write_atomic(folder / f"{seed.name}.extxyz", frame)
        left = (time.monotonic() - started) / (done + 1) * (len(todo) - done - 1)
        print(f"{seed.name:16s} {count:3d} steps {wall:6.1f} s, fmax {info['fmax']:.3f} eV/A, "
              f"{atoms.get_volume() / len(atoms):.2f} A^3/atom; about {left / 60:.0f} min left",
              flush=True)  # fmt: skip


def publish(folder: Path, target: Path, command: str) -> None:
    """Gather the family files into one extxyz with a manifest."""
    gathered = [frames.read_shard(folder / f"{name}.extxyz")[0] for name in SEEDS]
    frames.write_atomic(target / "structures.extxyz", gathered)
    data.write_manifest(
        target,
        title="Starting structures of the training set, relaxed with the teacher",
        license="CC-BY-4.0",
        sources=[f"{seed.name}: {seed.source}" for seed in SEEDS.values()]
        + ["Relaxed with SevenNet (7net-l3i5; slabs 7net-0) and Grimme D2, s6 0.75: model results"],
        command=command,
        parameters={"families": list(SEEDS), "model": LABEL_MODEL, "slab_model": SAMPLING_MODEL},
        seed=None,
        wall_time_s=sum(float(f.info["wall_time_s"]) for f in gathered),
        files={"structures.extxyz": "one frame per family: cell, positions, teacher's energy, "
                                    "forces, stress; info names source and relaxation"},
    )  # fmt: skip


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for the family files")
    parser.add_argument("--steps", type=int, default=60, help="most optimiser steps (60)")
    parser.add_argument("--fmax", type=float, default=0.03, help="force threshold, eV/A (0.03)")
    parser.add_argument("--threads", type=int, default=1, help="PyTorch threads (1)")
    args = parser.parse_args()
    relax_all(args.work, steps=args.steps, fmax=args.fmax, threads=args.threads)
    publish(args.work, paths.data_dir() / "potential" / "structures",
            "python tools/potential_structures.py --work WORK "
            f"--steps {args.steps} --fmax {args.fmax}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
