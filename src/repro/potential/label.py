"""Label frames of the training set with the teacher (SevenNet l3i5 + D2).

    python -m repro.potential.label --structures structures.extxyz --work WORK --hours 2

First every crystal and slab is labelled at a few volumes (its equation of state).
Then walkers go round: each visit is a short run with the cheaper SevenNet-0, whose
last frame is labelled, and with it strained and rattled copies.  WORK/shards/ gets
one append-only extxyz per family, WORK/walkers/ one file per walker.  Stop it
(even by kill -9) and start the same command again: it goes on where it was and
loses at most the visit in progress.  Two such commands must not share a WORK.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.optimize import FIRE

from repro.commands import plain_errors
from repro.errors import InputError
from repro.potential import frames, sampling
from repro.potential.sampling import Schedule, Walker
from repro.potential.structures import SEEDS
from repro.potential.teacher import LABEL_MODEL, SAMPLING_MODEL, Teacher

# Labels of frames wilder than this would rule the loss and are met nowhere.
MAX_FORCE = 25.0  # eV/angstrom
MIN_DISTANCE = 1.1  # angstrom
STATIC_SCALES = (0.94, 1.0, 1.06)
MELT_WARMUP = 60  # steps at 1200 K by which a random packing forgets its start


@dataclass
class Plan:
    """What a labelling run does.

    Attributes
    ----------
    structures:
        One frame per family with ``info['family']`` and ``info['kind']``.
    work:
        Folder of shards and walkers.
    label, sample:
        Return the ASE calculators for labels and for the sampling runs; called
        once each.
    rounds:
        Visits per walker.
    steps:
        Steps per visit.
    copies:
        Strained and rattled copies labelled with each visit's last frame.
    seed:
        Random numbers depend on it, the walker and the visit only.
    stop_at:
        ``time.time()`` after which no visit begins.
    """

    structures: Sequence[Atoms]
    work: Path
    label: Callable[[], Any]
    sample: Callable[[], Any]
    rounds: int = 100
    steps: int = 8
    copies: int = 2
    seed: int = 1
    stop_at: float = float("inf")


def generator(seed: int, name: str, visit: int) -> np.random.Generator:
    """Return the random numbers of one visit of one walker."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), visit])


class Labeller:
    """Carries out a :class:`Plan`, resuming from what its folder holds."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._label = plan.label()
        self._sample = plan.sample()
        self.shards = plan.work / "shards"
        self.done: set[str] = set()
        for file in sorted(self.shards.glob("*.extxyz")):
            self.done.update(frames.shard_ids(file))
        self.schedules: dict[str, Schedule] = {}
        self.refused = 0

    def run(self) -> int:
        """Label until the plan is through or its time is up; return new frames."""
        before = len(self.done)
        for atoms in self.plan.structures:
            if atoms.info["kind"] != "melt":
                self._static(atoms)
        begin, visits = time.time(), 0
        families = list(self.plan.structures)
        total = sum(max(self.plan.rounds - self._visits(a), 0) for a in families)
        for turn in range(self.plan.rounds):
            for atoms in families:
                if time.time() > self.plan.stop_at:
                    print("time is up; start the same command again to go on", flush=True)
                    return len(self.done) - before
                walker = self._walker(atoms)
                if walker.visit > turn:
                    continue
                self._visit(walker, atoms)
                visits += 1
                each = (time.time() - begin) / visits
                rest = min((total - visits) * each, self.plan.stop_at - time.time())
                if visits % 5 == 0:
                    print(f"round {turn + 1}/{self.plan.rounds}: {len(self.done)} frames, "
                          f"{self.refused} refused, {each:.1f} s per visit, "
                          f"about {max(rest, 0) / 60:.0f} min left", flush=True)  # fmt: skip
        return len(self.done) - before

    def _visits(self, atoms: Atoms) -> int:
        file = self._walker_file(self._name(atoms))
        return int(frames.read_shard(file)[0].info["visit"]) if file.exists() else 0

    @staticmethod
    def _name(atoms: Atoms) -> str:
        return f"{atoms.info['family']}#0"

    def _walker_file(self, name: str) -> Path:
        return self.plan.work / "walkers" / f"{name.replace('#', '_')}.extxyz"

    def _walker(self, atoms: Atoms) -> Walker:
        name = self._name(atoms)
        # By its place among all seeds, so that a run of a few families fits the whole.
        family = str(atoms.info["family"])
        index = list(SEEDS).index(family) if family in SEEDS else 0
        cycle = Schedule()
        # 7 and 17 are coprime: neighbouring families are at unlike temperatures.
        self.schedules[name] = Schedule(phase=(7 * index) % (cycle.cycle * cycle.volume_period))
        file = self._walker_file(name)
        if file.exists():
            saved = frames.read_shard(file)[0]
            return Walker(name=name, atoms=saved, reference=float(saved.info["reference"]),
                          visit=int(saved.info["visit"]))  # fmt: skip
        start = Atoms(atoms.get_chemical_symbols(), positions=atoms.positions, cell=atoms.cell,
                      pbc=True)  # fmt: skip
        # Where the walkers were lost but not the labels, numbering goes on after them.
        numbers = [int(i.split("/v")[1][:4]) for i in self.done if i.startswith(f"{name}/v")]
        walker = Walker(name=name, atoms=start, reference=start.get_volume(),
                        visit=max(numbers, default=-1) + 1)  # fmt: skip
        if atoms.info["kind"] == "melt":
            self._warm_up(walker)
        self._save(walker)
        return walker

    def _warm_up(self, walker: Walker) -> None:
        """Let a random packing find its bonds, then forget its start at high heat."""
        rng = generator(self.plan.seed, walker.name + "/warm-up", 0)
        walker.atoms.calc = self._sample
        FIRE(walker.atoms, logfile=None).run(fmax=1.0, steps=30)
        hot = Schedule(low=1200.0, high=1200.0, volume=0.0, expansion=0.0)
        number = walker.visit
        sampling.visit(walker, hot, calculator=lambda: self._sample, rng=rng,
                       steps=MELT_WARMUP, friction=0.05)  # fmt: skip
        walker.visit = number

    def _save(self, walker: Walker) -> None:
        frame = walker.atoms.copy()
        frame.info = {"frame_id": walker.name, "visit": walker.visit,
                      "reference": walker.reference}  # fmt: skip
        frames.write_atomic(self._walker_file(walker.name), frame)

    def _visit(self, walker: Walker, atoms: Atoms) -> None:
        number = walker.visit
        schedule = self.schedules[walker.name]
        rng = generator(self.plan.seed, walker.name, number)
        begin = time.monotonic()
        try:
            frame = sampling.visit(walker, schedule, calculator=lambda: self._sample, rng=rng,
                                   steps=self.plan.steps)  # fmt: skip
        except InputError as error:
            print(f"{error}; the walker starts afresh", flush=True)
            self.refused += 1
            fresh = Atoms(atoms.get_chemical_symbols(), positions=atoms.positions,
                          cell=atoms.cell, pbc=True)  # fmt: skip
            walker.atoms, walker.visit = fresh, number + 1
            if atoms.info["kind"] == "melt":
                self._warm_up(walker)
            self._save(walker)
            return
        info = {"temperature_K": schedule.temperature(number),
                "volume_scale": schedule.volume_scale(number)}  # fmt: skip
        stem = f"{walker.name}/v{number:04d}"
        self._store(frame, stem, atoms, info | {
            "origin": "md", "md_s": round(time.monotonic() - begin, 3)})  # fmt: skip
        for copy in range(self.plan.copies):
            shaken = sampling.perturbed(frame, rng)
            self._store(shaken, f"{stem}p{copy}", atoms, info | {"origin": "perturbed"})
        # Saved last: a kill before this repeats the visit with the same random numbers,
        # and frames it had labelled already are found in the shard.
        self._save(walker)

    def _static(self, atoms: Atoms) -> None:
        for scale in STATIC_SCALES:
            name = f"{atoms.info['family']}/static-{scale:.2f}"
            if name in self.done or time.time() > self.plan.stop_at:
                continue
            frame = atoms.copy()
            sampling.scale_volume(frame, frame.get_volume() * scale)
            self._store(frame, name, atoms, {"temperature_K": 0.0, "volume_scale": scale,
                                             "origin": "static"})  # fmt: skip

    def _store(self, frame: Atoms, name: str, atoms: Atoms, info: dict[str, Any]) -> None:
        if name in self.done:
            return
        near = sampling.closest(frame)
        if near < MIN_DISTANCE:
            self.refused += 1
            return
        frame = frame.copy()
        frame.calc = self._label
        begin = time.monotonic()
        forces = frame.get_forces()
        info = info | {"label_s": round(time.monotonic() - begin, 3)}
        if not np.abs(forces).max() < MAX_FORCE:
            self.refused += 1
            return
        family = str(atoms.info["family"])
        labels = frames.labelled(
            frame, energy=float(frame.get_potential_energy()), forces=forces,
            stress=frame.get_stress(),
            info={"frame_id": name, "family": family, "kind": str(atoms.info["kind"])} | info,
        )  # fmt: skip
        frames.append_frame(self.shards / f"{family}.extxyz", labels)
        self.done.add(name)


def sampling_cells(relaxed: Sequence[Atoms]) -> list[Atoms]:
    """Return the sampling cell (32 to 96 atoms) of each relaxed small cell."""
    cells = []
    for atoms in relaxed:
        family = str(atoms.info["family"])
        cell = atoms.copy().repeat(SEEDS[family].repeat)
        cell.info = {"family": family, "kind": str(atoms.info["kind"])}
        cell.calc = None
        cells.append(cell)
    return cells


def build_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.potential.label", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--structures", type=Path, required=True,
                        help="extxyz of tools/potential_structures.py")  # fmt: skip
    parser.add_argument("--work", type=Path, required=True, help="folder of shards and walkers")
    parser.add_argument("--rounds", type=int, default=100, help="visits per walker (100)")
    parser.add_argument("--hours", type=float, default=2.0, help="begin no visit after this (2)")
    parser.add_argument("--steps", type=int, default=8, help="MD steps of 4 fs per visit (8)")
    parser.add_argument("--copies", type=int, default=2, help="perturbed copies per visit (2)")
    parser.add_argument("--seed", type=int, default=1, help="random seed (1)")
    parser.add_argument("--threads", type=int, default=1, help="PyTorch threads (1)")
    parser.add_argument("--families", nargs="+", help="only these families")
    return parser


@plain_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = build_parser().parse_args(arguments)
    if not args.structures.is_file():
        raise InputError(f"{args.structures}: no such file")
    relaxed = frames.read_shard(args.structures)
    if args.families:
        relaxed = [a for a in relaxed if a.info["family"] in args.families]
    plan = Plan(
        structures=sampling_cells(relaxed), work=args.work,
        label=lambda: Teacher(model=LABEL_MODEL, threads=args.threads),
        sample=lambda: Teacher(model=SAMPLING_MODEL, s6=0.0, threads=args.threads),
        rounds=args.rounds, steps=args.steps, copies=args.copies, seed=args.seed,
        stop_at=time.time() + 3600 * args.hours,
    )  # fmt: skip
    new = Labeller(plan).run()
    print(f"labels done: {new} new frames")
    return 0


if __name__ == "__main__":
    sys.exit(main())
