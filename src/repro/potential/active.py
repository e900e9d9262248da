"""The active loop: students run, the teacher labels the frames they disagree on.

    python -m repro.potential.active explore --models M1 M2 --work WORK --round 1
    python -m repro.potential.active label --work WORK --round 1 --hours 1

``explore`` runs LAMMPS with the first model through heating, holding, quenching,
compression, expansion and shear (:class:`~repro.potential.sampling.Schedule`), and
notes the largest deviation between the models' forces on each frame.  Frames in a
window of deviation are candidates: below it the students know enough, above it the
configuration is nonsense.  ``label`` gives the candidates to the teacher and appends
them to WORK/shards.  Both go on where they were stopped, even by kill -9.

The window and the choice at random inside it follow DP-GEN (Zhang et al., Comput.
Phys. Commun. 253, 107206, 2020).
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms

from repro.commands import plain_errors
from repro.errors import InputError
from repro.md import lammps
from repro.md.datafile import read_dump, write_structure
from repro.md.lammps import LammpsError
from repro.md.logs import read_deviation
from repro.potential import frames, sampling
from repro.potential.assembly import Start, starts
from repro.potential.label import MAX_FORCE, MIN_DISTANCE, generator
from repro.potential.sampling import Schedule
from repro.potential.teacher import LABEL_MODEL, Teacher
from repro.potential.walks import DEVIATION, DUMP, WINDOW, choose, legs, script, temperature_at

EVERY = 30  # steps between frames


def _walked(folder: Path) -> list[tuple[int, float, Atoms]]:
    """Return (step, deviation, frame) of a walk, as far as it came."""
    rows = read_deviation(folder / DEVIATION)
    deviation = dict(zip(rows.step.tolist(), rows.max_force.tolist(), strict=True))
    found = []
    for frame in read_dump(folder / DUMP):
        step = int(frame.info["timestep"])
        if step in deviation and np.isfinite(frame.positions).all():
            atoms = Atoms(frame.get_chemical_symbols(), positions=frame.positions,
                          cell=frame.cell, pbc=True)  # fmt: skip
            found.append((step, deviation[step], atoms))
    return found


def start_frame(start: Start, work: Path, rng: np.random.Generator) -> tuple[Atoms, bool]:
    """Return a labelled frame of the family, or its first structure and True."""
    known = frames.read_shard(work / "shards" / f"{start.family}.extxyz")
    known = [frame for frame in known if frame.info["origin"] != "perturbed"]
    if known:
        atoms = known[int(rng.integers(len(known)))]
        return Atoms(atoms.get_chemical_symbols(), positions=atoms.positions, cell=atoms.cell,
                     pbc=True), False  # fmt: skip
    return start.build(), start.pack


def lammps_seed(rng: np.random.Generator) -> int:
    """Return a seed that LAMMPS takes, and whose successor it takes: below 9e8."""
    return 1 + (int(rng.integers(1, 2**30)) - 1) % 899_999_998


def explore(
    start: Start,
    *,
    models: Sequence[Path],
    work: Path,
    number: int,
    seed: int = 1,
    count: int = 16,
    steps: int = 300,
    window: tuple[float, float] = WINDOW,
) -> int:
    """Walk one family and write its candidates; return how many there are.

    Parameters
    ----------
    start:
        Family, first structure, quota.
    models, work:
        Students, and the folder with ``shards``.
    number:
        Round of the active loop, 1 or more.
    seed, count, steps, window:
        Random seed, legs, steps per leg, deviation window.
    """
    target = work / f"round-{number}" / f"{start.family}.extxyz"
    if target.exists():
        return len(frames.read_shard(target))
    rng = generator(seed, start.family, 100000 * number)
    atoms, packed = start_frame(start, work, rng)
    folder = work / f"round-{number}" / "walks" / start.family
    folder.mkdir(parents=True, exist_ok=True)
    for name in (DEVIATION, DUMP):
        (folder / name).unlink(missing_ok=True)
    write_structure(atoms, folder / "start.data")
    schedule = Schedule(volume=start.volume, phase=int(rng.integers(200)))
    walk = legs(schedule, count, rng, strain=start.strain)
    text = script(models, walk, scale=atoms.get_volume() / start.reference, steps=steps,
                  every=EVERY, seed=lammps_seed(rng), soften=packed)  # fmt: skip
    broken = ""
    try:
        lammps.run(text, folder=folder)
    except LammpsError as error:
        if not (folder / DUMP).exists():
            raise
        broken = f" (the walk broke off: {str(error).splitlines()[0]})"
    walked = _walked(folder)
    found = choose(np.array([d for _, d, _ in walked]), start.quota, rng, window=window)
    chosen = []
    for i in found:
        step, deviation, frame = walked[i]
        if sampling.closest(frame) < MIN_DISTANCE:
            continue
        frame.info = {
            "frame_id": f"{start.family}/a{number}/s{step:06d}", "family": start.family,
            "kind": start.kind, "origin": f"active-{number}",
            "temperature_K": temperature_at(walk, step, steps),
            "volume_scale": frame.get_volume() / start.reference,
            "deviation_eV_per_A": deviation,
        }  # fmt: skip
        chosen.append(frame)
    frames.write_atomic(target, chosen)
    every_one = np.array([d for _, d, _ in walked])
    inside = (every_one >= window[0]) & (every_one <= window[1])
    print(f"{start.family}: {len(walked)} frames{broken}, "
          f"{(every_one < window[0]).sum()} known, {inside.sum()} in the window, "
          f"{(every_one > window[1]).sum()} beyond; {len(chosen)} chosen", flush=True)  # fmt: skip
    return len(chosen)


def label(work: Path, *, number: int, stop_at: float, threads: int = 1) -> tuple[int, int]:
    """Label the candidates of a round; return (new labels, refused).

    Families take turns, so a run cut short is balanced.
    """
    queues = {file.stem: frames.read_shard(file)
              for file in sorted((work / f"round-{number}").glob("*.extxyz"))}  # fmt: skip
    if not queues:
        raise InputError(f"{work / f'round-{number}'}: no candidates; run 'explore' first")
    shards = work / "shards"
    refused_file = work / f"round-{number}" / "refused.txt"
    done = {name for family in queues for name in frames.shard_ids(shards / f"{family}.extxyz")}
    if refused_file.exists():
        done.update(refused_file.read_text(encoding="utf-8").split())
    # Spread over the walk: every k-th frame first, so that a cut-off queue covers it all.
    ordered = {family: _spread(queue) for family, queue in queues.items()}
    longest = max(len(queue) for queue in ordered.values())
    todo = [ordered[f][i] for i in range(longest) for f in sorted(ordered)
            if i < len(ordered[f]) and str(ordered[f][i].info["frame_id"]) not in done]  # fmt: skip
    teacher = Teacher(model=LABEL_MODEL, threads=threads)
    new, refused, begin = 0, 0, time.monotonic()
    for position, frame in enumerate(todo):
        if time.time() > stop_at:
            print("time is up; start the same command again to go on", flush=True)
            break
        name, family = str(frame.info["frame_id"]), str(frame.info["family"])
        copy = frame.copy()
        copy.calc = teacher
        clock = time.monotonic()
        forces = copy.get_forces()
        if not np.abs(forces).max() < MAX_FORCE:
            refused += 1
            with open(refused_file, "a", encoding="utf-8") as stream:
                stream.write(name + "\n")
            continue
        info = dict(frame.info) | {"label_s": round(time.monotonic() - clock, 3)}
        frames.append_frame(shards / f"{family}.extxyz", frames.labelled(
            copy, energy=float(copy.get_potential_energy()), forces=forces,
            stress=copy.get_stress(), info=info))  # fmt: skip
        new += 1
        if (position + 1) % 20 == 0:
            each = (time.monotonic() - begin) / (position + 1)
            print(f"round {number}: {position + 1}/{len(todo)}, {refused} refused, "
                  f"{each:.2f} s each, {(len(todo) - position - 1) * each / 60:.0f} min left",
                  flush=True)  # fmt: skip
    return new, refused


def _spread(queue: list[Atoms], *, stride: int = 7) -> list[Atoms]:
    return [frame for offset in range(stride) for frame in queue[offset::stride]]


def build_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.potential.active", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--work", type=Path, required=True, help="folder with shards")
    common.add_argument("--round", type=int, required=True, help="round of the loop: 1, 2, ...")
    one = commands.add_parser("explore", parents=[common], help="find frames with LAMMPS")
    one.add_argument("--models", type=Path, nargs="+", required=True, help="two students or more")
    one.add_argument("--legs", type=int, default=16, help="legs per walk (16)")
    one.add_argument("--steps", type=int, default=300, help="steps per leg (300)")
    one.add_argument("--families", nargs="+", help="only these")
    one.add_argument("--seed", type=int, default=1, help="random seed (1)")
    one.add_argument("--window", type=float, nargs=2, default=WINDOW,
                     help=f"deviation window, eV/angstrom ({WINDOW[0]} {WINDOW[1]})")  # fmt: skip
    two = commands.add_parser("label", parents=[common], help="label them with the teacher")
    two.add_argument("--hours", type=float, default=math.inf, help="begin no frame after this")
    two.add_argument("--threads", type=int, default=1, help="PyTorch threads (1)")
    return parser


@plain_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = build_parser().parse_args(arguments)
    if args.command == "label":
        new, refused = label(args.work, number=args.round, threads=args.threads,
                             stop_at=time.time() + 3600 * args.hours)  # fmt: skip
        print(f"labels done: {new} new frames, {refused} refused")
        return 0
    if len(args.models) < 2:
        raise InputError("one model cannot deviate from itself: expected two or more")
    total, failed = 0, []
    for start in starts().values():
        if args.families and start.family not in args.families:
            continue
        try:
            total += explore(
                start, models=args.models, work=args.work,
                number=args.round, seed=args.seed, count=args.legs, steps=args.steps,
                window=(args.window[0], args.window[1]),
            )  # fmt: skip
        except (InputError, LammpsError) as error:
            print(error, file=sys.stderr, flush=True)
            failed.append(start.family)
    if failed:
        raise InputError(f"no walk for {', '.join(failed)}; the others stand")
    print(f"{total} candidates")
    return 0


if __name__ == "__main__":
    sys.exit(main())
