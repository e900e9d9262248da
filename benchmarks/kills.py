"""Kill a campaign of the class size again and again, and see whether it ends the same.

    python benchmarks/kills.py --work WORK --kills 20 --out data/clay/trials

The shipped network drives sandwich, assembly, anneal and shear, once undisturbed and once
with ``kill -9`` of the whole process group at random moments.  Each time the same command is
given again.  What must be equal at the end is every position, velocity, thermo row and frame.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from repro import data
from repro.clay import chain, collect, presets, trajectory
from repro.commands import parse, plain_errors, resumable
from repro.errors import InputError, ReproError
from repro.md.lammps import one_thread

STEPS = ("sandwich", "assembly", "anneal", "shear")
FILE = "kills.csv"
_CHILD = """
import sys
from pathlib import Path
from repro.clay import chain, presets
setup = chain.Setup(presets.preset("class"), Path(sys.argv[1]))
for name in sys.argv[2:]:
    chain.step(setup, name, 1)
"""


def _start(work: Path, steps: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with open(log, "ab") as stream:
        return subprocess.Popen([sys.executable, "-c", _CHILD, str(work), *steps], env=one_thread(),
                                start_new_session=True, stdout=stream, stderr=stream)  # fmt: skip


def digest(work: Path, steps: Sequence[str] = STEPS) -> str:
    """Return a sha256 of all last states, thermo tables and frames of a campaign's folder."""
    found = hashlib.sha256()
    for name in steps:
        folder = work / "seed1" / name
        # The first line of a data file has the version and the step at most: left in, as
        # it must be the same too.
        found.update(chain.state(folder).read_bytes())
        for leg in sorted(p for p in folder.iterdir() if p.is_dir()):
            table = collect.leg_thermo(leg)
            for column in sorted(table.columns):
                found.update(table[column].tobytes())
            for frame in trajectory.dumped(leg, timestep_fs=2.0):
                found.update(frame.positions.tobytes() + frame.cell.array.tobytes())
    return found.hexdigest()


def trial(
    work: Path, *, kills: int, seed: int, longest_s: float, steps: Sequence[str] = STEPS
) -> pd.DataFrame:
    """Return one row a kill: after how long, and in which step and leg the run was.

    Parameters
    ----------
    work:
        Folder for both campaigns.
    kills, seed, longest_s:
        How many, seed of their moments, and the longest time between a start and its kill.
    steps:
        Of the campaign.

    Raises
    ------
    ReproError
        If the undisturbed run fails, the killed one ends another way, or it ends before it
        was killed so often.
    """
    log = work / "log.txt"
    work.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    if _start(work / "whole", steps, log).wait() != 0:
        raise ReproError(f"the undisturbed campaign failed: see {log}")
    whole = time.monotonic() - begin
    rng, rows = random.Random(seed), []
    while len(rows) < kills:
        one = _start(work / "killed", steps, log)
        wait = rng.uniform(0.5, longest_s)
        try:
            one.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            os.killpg(one.pid, signal.SIGKILL)
            one.wait()
            legs = sorted((p for p in work.glob("killed/seed1/*/[0-9]*") if p.is_dir()),
                          key=lambda p: p.stat().st_mtime)  # fmt: skip
            where = f"{legs[-1].parent.name}, {legs[-1].name}" if legs else "before the first leg"
            rows.append({"kill": len(rows) + 1, "after_s": round(wait, 2), "where": where,
                         "checkpoints": len(list(work.glob("killed/seed1/*/*/segment-*.log")))})  # fmt: skip
            print(rows[-1], flush=True)
            continue
        if one.returncode != 0:
            raise ReproError(f"after {len(rows)} kills the campaign failed: see {log}")
        raise ReproError(f"it was through after {len(rows)} kills, before all {kills}: kill earlier "
                         "(--longest)")  # fmt: skip
    if _start(work / "killed", steps, log).wait() != 0:
        raise ReproError(f"after {len(rows)} kills the campaign failed: see {log}")
    made = pd.DataFrame(rows)
    made["undisturbed_s"] = round(whole, 1)
    made["equal"] = digest(work / "whole", steps) == digest(work / "killed", steps)
    return made


@plain_errors
@resumable
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trial; the exit status is 1 where the results differ."""
    parser = argparse.ArgumentParser(prog="python benchmarks/kills.py", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="empty folder for both campaigns")
    parser.add_argument("--kills", type=int, default=20, help="how many (20)")
    parser.add_argument("--seed", type=int, default=1, help="of their moments (1)")
    parser.add_argument(
        "--longest", type=float, default=12.0, help="seconds to a kill at most (12)"
    )
    parser.add_argument("--out", type=Path, help="data folder to write kills.csv and manifest to")
    args = parse(parser, arguments)
    if args.work.exists() and any(args.work.iterdir()):
        raise InputError(f"{args.work}: not empty; give an empty folder")
    begin = time.monotonic()
    made = trial(args.work, kills=args.kills, seed=args.seed, longest_s=args.longest)
    equal = bool(made.equal.all())
    print(made.to_string(index=False))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        made.to_csv(args.out / FILE, index=False)
        data.write_manifest(
            args.out, title="A campaign killed again and again", license="CC-BY-4.0",
            sources=["This book"], command=args.line, seed=args.seed,
            parameters={"preset": presets.preset("class").name, "steps": list(STEPS)},
            files={FILE: "one row a kill: after how long, where, and whether the end was equal"},
            wall_time_s=time.monotonic() - begin,
        )  # fmt: skip
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
