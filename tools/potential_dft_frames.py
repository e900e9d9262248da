"""Make the queue of frames for DFT: small cells of every family, hot and strained.

    PYTHON-WITH-LABELS tools/potential_dft_frames.py --structures S --out OUT

The frames come from runs of their own (SevenNet-0, 16 to 48 atoms), not from the
runs that give the training set, so a DFT frame is never a training frame.  Families
take turns at 900, 300 and 1200 K and at volumes from -8 to +10 %; small and
important ones (melts, interfaces) come first, so that a queue cut short is balanced.
Which frames are held out is decided by repro.potential.dft.held_out, not here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ase import Atoms
from ase.optimize import FIRE

from repro.potential import frames, sampling
from repro.potential.label import generator
from repro.potential.sampling import Schedule, Walker
from repro.potential.structures import SEEDS, random_melt, slab
from repro.potential.teacher import SAMPLING_MODEL, Teacher

ORDER = ("melt-2-1-small", "slab-2-1", "GaCl3", "LiCl", "LiGaCl4", "GaF3-alpha", "melt-3-1-small",
         "GaCl2F", "LiF", "slab-3-1", "GaF3-beta", "LiGaF4", "Li3GaF6", "GaCl3-layered",
         "LiGaCl2F2", "melt-2-1-b", "LiCl-wurtzite", "GaCl2", "slab-2-2")  # fmt: skip
# Temperature (K) and volume scale of each round.
ROUNDS = ((900.0, 1.04), (300.0, 1.00), (1200.0, 1.10), (600.0, 0.92))


def start(name: str, relaxed: dict[str, Atoms]) -> tuple[Atoms, str, bool]:
    """Return a small cell, its kind, and whether it needs a warm-up."""
    if name == "slab-2-1":
        return slab(2, 1), "slab", True
    if name == "slab-3-1":
        return slab(3, 1), "slab", True
    if name == "melt-2-1-b":
        return random_melt(8, 4, volume_per_atom=16.0, seed=21), "melt", True
    seed = SEEDS[name]
    if seed.kind == "melt":
        return seed.build(), "melt", True
    repeat = (1, 1, 1) if name == "GaF3-alpha" else seed.small
    return relaxed[name].copy().repeat(repeat), seed.kind, seed.kind == "slab"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--structures", type=Path, required=True, help="relaxed structures")
    parser.add_argument("--out", type=Path, required=True, help="queue (extxyz), appended to")
    parser.add_argument("--steps", type=int, default=25, help="MD steps of 4 fs per frame (25)")
    parser.add_argument("--seed", type=int, default=2, help="random seed (2)")
    parser.add_argument("--families", nargs="+", choices=ORDER, metavar="FAMILY",
                        help="only these (all)")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=len(ROUNDS), help="rounds (all four)")
    args = parser.parse_args()
    relaxed = {str(a.info["family"]): a for a in frames.read_shard(args.structures)}
    done = set(frames.shard_ids(args.out))
    teacher = Teacher(model=SAMPLING_MODEL, s6=0.0)
    walkers: dict[str, Walker] = {}
    for number, (temperature, scale) in enumerate(ROUNDS[: args.rounds]):
        for family in ORDER:
            name = f"dft/{family}/{number}"
            if name in done or (args.families and family not in args.families):
                continue
            if family not in walkers:
                if family in SEEDS and SEEDS[family].kind != "melt" and family not in relaxed:
                    print(f"{name}: no relaxed structure yet, left for the next start", flush=True)
                    continue
                atoms, kind, warm = start(family, relaxed)
                atoms = Atoms(atoms.get_chemical_symbols(), positions=atoms.positions,
                              cell=atoms.cell, pbc=True)  # fmt: skip
                atoms.info = {"kind": kind}
                walkers[family] = Walker(name=family, atoms=atoms, reference=atoms.get_volume())
                if warm:
                    atoms.calc = teacher
                    FIRE(atoms, logfile=None).run(fmax=1.0, steps=25)
                    sampling.visit(walkers[family],
                                   Schedule(low=1200, high=1200, volume=0.0, expansion=0.0),
                                   calculator=lambda: teacher, friction=0.05,
                                   rng=generator(args.seed, family + "/warm-up", 0), steps=50)  # fmt: skip
            walker = walkers[family]
            kind = str(walker.atoms.info["kind"])
            # The schedule's volume at 'expansion' zero is the reference times its wave.
            keep = walker.reference
            walker.reference = keep * scale
            frame = sampling.visit(
                walker, Schedule(low=temperature, high=temperature, volume=0.0, expansion=0.0),
                calculator=lambda: teacher, rng=generator(args.seed, family, number),
                steps=args.steps, friction=0.05,
            )  # fmt: skip
            walker.reference = keep
            frame = Atoms(frame.get_chemical_symbols(), positions=frame.get_positions(wrap=True),
                          cell=frame.cell, pbc=True)  # fmt: skip
            frame.info = {"frame_id": name, "family": family, "kind": kind,
                          "temperature_K": temperature, "volume_scale": scale}  # fmt: skip
            frames.append_frame(args.out, frame)
            print(f"{name}: {len(frame)} atoms", flush=True)
    print("queue done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
