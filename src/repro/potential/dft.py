"""Label frames with CP2K (PBE-D2), one by one, so that a stop costs one frame.

    python -m repro.potential.dft run --frames frames.extxyz --work WORK
    python -m repro.potential.dft cutoff --frame frame.extxyz --work WORK
    python -m repro.potential.dft kpoints --frame frame.extxyz --work WORK
    python -m repro.potential.dft status --frames frames.extxyz --work WORK

Every calculation has a folder WORK/<frame id>/ with its input, output and, when it
ended well, ``result.extxyz``.  A calculation that has a result is not done again;
one that failed to converge is marked ``failed.txt`` and passed over.

Held-out frames are fixed by a rule declared before any was computed
(:func:`held_out`): three of five ids, by their hash.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read

from repro.commands import plain_errors
from repro.errors import InputError
from repro.potential import cp2k, frames
from repro.potential.cp2k import Result, Settings
from repro.potential.d2 import heights

HELD_OUT_RULE = "int(sha256(frame_id), 16) % 5 < 3"
COARSE_CUTOFF = 280.0  # Ry; forces are worthless there, orbitals a good start
Runner = Callable[[str, Path], str]


def held_out(frame_id: str) -> bool:
    """Return whether a frame is kept from training and choosing for good.

    The rule (:data:`HELD_OUT_RULE`) looks at the id alone, so it cannot be bent
    towards easy frames, and a frame never changes sides.
    """
    return int(hashlib.sha256(frame_id.encode("utf-8")).hexdigest(), 16) % 5 < 3


def mesh(atoms: Atoms, *, length: float = 12.0) -> tuple[int, int, int]:
    """Return the k-point mesh that makes every direction at least ``length`` long.

    n points stand for a cell n times as long.  The paper uses Gamma alone with
    cells of 10 angstrom or more; ours are smaller.
    """
    counts = [max(1, math.ceil(length / h - 1e-9)) for h in heights(atoms.cell.array)]
    return counts[0], counts[1], counts[2]


def choose(
    atoms: Atoms, settings: Settings, *, k_length: float, orbital_transformation: bool = False
) -> Settings:
    """Return the settings for a frame: k-points by its cell, or Gamma and OT.

    Mixing with k-points converges in 15 to 20 steps wherever there is a gap, melts
    included.  Orbital transformation is for frames on which that fails.
    """
    if not orbital_transformation:
        return replace(settings, kpoints=mesh(atoms, length=k_length))
    # OT's threshold is a gradient: 1e-5 leaves meV/angstrom in the forces.
    return replace(settings, orbital_transformation=True, eps_scf=10 * settings.eps_scf)


def mesh_text(counts: str | Sequence[int]) -> str:
    """Return a k-point mesh as text, e.g. 1x2x2."""
    return counts if isinstance(counts, str) else "x".join(str(int(n)) for n in counts)


def run_cp2k(text: str, folder: Path) -> str:
    """Run CP2K on one input in a folder and return its output.

    Raises
    ------
    InputError
        If there is no CP2K, or it ends with an error.
    """
    program = shutil.which("cp2k.psmp") or shutil.which("cp2k")
    if program is None:
        raise InputError("no cp2k.psmp on PATH; Debian and Ubuntu have the package 'cp2k'")
    (folder / "frame.inp").write_text(text, encoding="utf-8")
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
                   "CP2K_DATA_DIR": "/usr/share/cp2k"} | dict(os.environ)  # fmt: skip
    output = folder / "frame.out"
    with open(output, "w", encoding="utf-8") as stream:
        done = subprocess.run([program, "-i", "frame.inp"], cwd=folder, stdout=stream,
                              stderr=subprocess.STDOUT, env=environment, check=False)  # fmt: skip
    printed = output.read_text(encoding="utf-8", errors="replace")
    if done.returncode != 0:
        raise InputError(f"{output}: CP2K ended with status {done.returncode}")
    return printed


def compute(
    atoms: Atoms, *, folder: Path, settings: Settings, runner: Runner = run_cp2k
) -> tuple[Result, float]:
    """Return the result of one frame and the wall time it took in seconds.

    Orbitals are converged on a coarse grid first, at a quarter of the price of a
    step; the run on the wanted grid starts from them and needs a few steps.
    """
    folder.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    if settings.cutoff > COARSE_CUTOFF:
        coarse = replace(settings, cutoff=COARSE_CUTOFF, guess="RESTART")
        runner(cp2k.write_input(atoms, settings=coarse), folder)
        settings = replace(settings, guess="RESTART")
    result = cp2k.parse_output(runner(cp2k.write_input(atoms, settings=settings), folder))
    for left in folder.glob("*-RESTART.*"):
        left.unlink()
    return result, time.monotonic() - begin


def frame_id(atoms: Atoms) -> str:
    """Return the id of a frame."""
    try:
        return str(atoms.info["frame_id"])
    except KeyError:
        raise InputError("a frame without info['frame_id'] cannot be labelled") from None


def result_file(work: Path, name: str) -> Path:
    """Return where the result of a frame is or will be."""
    return work / name.replace("/", "_") / "result.extxyz"


def run(
    queue: Sequence[Atoms],
    *,
    work: Path,
    settings: Settings,
    k_length: float = 12.0,
    orbital_transformation: bool = False,
    runner: Runner = run_cp2k,
    stop_at: float = math.inf,
) -> int:
    """Label the frames of a queue that have no result yet; return how many were done.

    Parameters
    ----------
    queue:
        Frames with ``info['frame_id']``, the most wanted first.
    work:
        Folder of the calculations.
    settings:
        Settings but for the k-points, which :func:`mesh` chooses by cell.
    k_length, orbital_transformation:
        See :func:`mesh` and :func:`choose`.
    runner:
        Takes input text and folder, returns output text (a fake in the tests).
    stop_at:
        ``time.time()`` after which no frame is begun.
    """
    names = [frame_id(atoms) for atoms in queue]
    if len(set(names)) != len(names):
        raise InputError("the queue holds a frame id twice")
    done, spent, cost = 0, 0.0, 0.0
    for position, (name, atoms) in enumerate(zip(names, queue, strict=True)):
        target = result_file(work, name)
        failed = target.with_name("failed.txt")
        if target.exists() or failed.exists():
            continue
        if time.time() > stop_at:
            print("time is up; start the same command again to go on", flush=True)
            break
        used = choose(atoms, settings, k_length=k_length,
                      orbital_transformation=orbital_transformation)  # fmt: skip
        try:
            result, wall = compute(atoms, folder=target.parent, settings=used, runner=runner)
        except InputError as error:
            failed.parent.mkdir(parents=True, exist_ok=True)
            failed.write_text(f"{error}\n", encoding="utf-8")
            print(f"{name}: failed: {error}", flush=True)
            continue
        if not result.converged:
            failed.write_text("SCF not converged\n", encoding="utf-8")
            print(f"{name}: SCF not converged, passed over", flush=True)
            continue
        info = {k: v for k, v in atoms.info.items() if isinstance(v, (str, int, float, bool))}
        info |= {
            "held_out": held_out(name), "solver": "OT" if used.orbital_transformation else "mixing",
            "wall_time_s": round(wall, 1),
            "kpoints": mesh_text(used.kpoints), "cutoff_Ry": used.cutoff,
            "rel_cutoff_Ry": used.rel_cutoff, "dispersion_eV": result.dispersion,
        }  # fmt: skip
        if not orbital_transformation:
            info["k_length_A"] = k_length
        frame = frames.labelled(atoms, energy=result.energy, forces=result.forces,
                                stress=result.stress, info=info)  # fmt: skip
        frames.write_atomic(target, frame)
        done += 1
        spent += wall
        cost += len(atoms)
        rest = sum(len(a) for n, a in zip(names[position + 1 :], queue[position + 1 :], strict=True)
                   if not result_file(work, n).exists())  # fmt: skip
        print(f"[{position + 1}/{len(queue)}] {name}: {len(atoms)} atoms, k {info['kpoints']}, "
              f"{wall:.0f} s, held out: {'yes' if info['held_out'] else 'no'}; "
              f"all done in about {rest * spent / cost / 60:.0f} min", flush=True)  # fmt: skip
    return done


def scan(
    atoms: Atoms, variants: Sequence[tuple[str, Settings]], *, work: Path, runner: Runner = run_cp2k
) -> list[Path]:
    """Compute one frame with several settings; results in WORK/<label>/result.extxyz."""
    files = []
    for label, settings in variants:
        target = work / label / "result.extxyz"
        files.append(target)
        if target.exists():
            continue
        result, wall = compute(atoms, folder=target.parent, settings=settings, runner=runner)
        info = {
            "frame_id": label, "cutoff_Ry": settings.cutoff, "rel_cutoff_Ry": settings.rel_cutoff,
            "kpoints": mesh_text(settings.kpoints), "wall_time_s": round(wall, 1),
            "converged": result.converged,
        }  # fmt: skip
        frames.write_atomic(target, frames.labelled(
            atoms, energy=result.energy, forces=result.forces, stress=result.stress, info=info))  # fmt: skip
        print(f"{label}: {wall:.0f} s, {result.energy / len(atoms):.5f} eV/atom", flush=True)
    return files


def scan_table(files: Sequence[Path], target: Path) -> None:
    """Write energies, force and stress differences against the last file as CSV."""
    found = [frames.read_shard(file)[0] for file in files]
    reference = found[-1]
    with open(target, "w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["label", "natoms", "cutoff_Ry", "rel_cutoff_Ry", "kpoints",
                        "energy_meV_per_atom", "force_max_meV_per_A", "force_rms_meV_per_A",
                        "stress_max_GPa", "wall_time_s", "source"])  # fmt: skip
        for frame in found:
            off = frame.get_forces() - reference.get_forces()
            energy = (frame.get_potential_energy() - reference.get_potential_energy()) / len(frame)
            stress = np.abs(frame.get_stress() - reference.get_stress()).max() / cp2k.GPA
            info = frame.info
            table.writerow([
                info["frame_id"], len(frame), info["cutoff_Ry"], info["rel_cutoff_Ry"],
                mesh_text(info["kpoints"]), f"{1000 * energy:.4f}", f"{1000 * np.abs(off).max():.3f}",
                f"{1000 * np.sqrt((off**2).mean()):.3f}", f"{stress:.4f}", info["wall_time_s"],
                f"CP2K PBE-D2, difference to {reference.info['frame_id']}",
            ])  # fmt: skip


def _read(file: Path) -> list[Atoms]:
    try:
        found = read(file, index=":")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{file}: cannot be read as frames: {error}") from None
    return found if isinstance(found, list) else [found]


def _kpoints(text: str) -> tuple[int, int, int]:
    numbers = text.split("x")
    if len(numbers) != 3 or not all(n.isdigit() and int(n) > 0 for n in numbers):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a mesh like 2x2x2")
    return int(numbers[0]), int(numbers[1]), int(numbers[2])


def build_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.potential.dft", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--work", type=Path, required=True, help="folder of the calculations")
    common.add_argument("--cutoff", type=float, default=800.0, help="density cutoff, Ry (800)")
    labelling = commands.add_parser("run", parents=[common], help="label a list of frames")
    labelling.add_argument("--frames", type=Path, required=True, help="extxyz with frame_id")
    labelling.add_argument("--k-length", type=float, default=12.0,
                           help="n k-points along an edge make n x edge at least this, A (12)")  # fmt: skip
    labelling.add_argument("--ot", action="store_true",
                           help="Gamma only, orbital transformation (remove failed.txt first)")  # fmt: skip
    labelling.add_argument("--hours", type=float, default=math.inf,
                           help="begin no frame after so many hours")  # fmt: skip
    status = commands.add_parser("status", parents=[common], help="say what is done")
    status.add_argument("--frames", type=Path, required=True, help="extxyz with frame_id")
    for name, text in (("cutoff", "converge the density cutoff"),
                       ("kpoints", "converge the k-points")):  # fmt: skip
        one = commands.add_parser(name, parents=[common], help=f"{text} on one frame")
        one.add_argument("--frame", type=Path, required=True, help="file with the frame")
        if name == "cutoff":
            one.add_argument("--cutoffs", type=float, nargs="+", default=[350, 600, 800, 1000, 1200],
                             help="Ry; the last is the reference")  # fmt: skip
        else:
            one.add_argument("--meshes", type=_kpoints, nargs="+",
                             default=[(1, 1, 1), (2, 2, 2), (3, 3, 3)],
                             help="the last is the reference, e.g. 1x1x1 2x2x2")  # fmt: skip
    return parser


@plain_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = build_parser().parse_args(arguments)
    settings = Settings(cutoff=args.cutoff)
    if args.command == "run":
        run(_read(args.frames), work=args.work, settings=settings, k_length=args.k_length,
            orbital_transformation=args.ot, stop_at=time.time() + 3600 * args.hours)  # fmt: skip
    elif args.command == "status":
        names = [frame_id(atoms) for atoms in _read(args.frames)]
        done = [n for n in names if result_file(args.work, n).exists()]
        kept = sum(held_out(n) for n in done)
        print(f"{len(done)} of {len(names)} frames labelled, {kept} of them held out")
    else:
        atoms = _read(args.frame)[0]
        if args.command == "cutoff":
            variants = [(f"cutoff-{c:g}", replace(settings, cutoff=c)) for c in args.cutoffs]
            if args.cutoffs and args.cutoff in args.cutoffs:
                tight = replace(settings, rel_cutoff=60.0)
                variants.insert(0, (f"cutoff-{args.cutoff:g}-rel-60", tight))
        else:
            variants = [("k-" + mesh_text(m), replace(settings, kpoints=m))
                        for m in args.meshes]  # fmt: skip
        scan_table(scan(atoms, variants, work=args.work), args.work / f"{args.command}.csv")
    return 0


if __name__ == "__main__":
    sys.exit(main())
