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


def _run(work: Path, steps: Sequence[str], log: Path, kills: int) -> None:
    if _start(work, steps, log).wait() != 0:
        raise ReproError(f"after {kills} kills the campaign failed: see {log}")


def trial(
    work: Path, *, kills: int, seed: int, longest_s: float | None = None,
    steps: Sequence[str] = STEPS,
) -> pd.DataFrame:  # fmt: skip
    """Return one row a kill: after how long, and in which step and leg the run was.

    A campaign that gets through before it was killed often enough is compared, and the next
    one begun, until there were enough kills.

    Parameters
    ----------
    work:
        Folder for all campaigns.
    kills, seed:
        How many, and the seed of their moments.
    longest_s:
        Longest time between a start and its kill; that of the undisturbed run if None.
    steps:
        Of the campaign.

    Raises
    ------
    ReproError
        If a run fails.
    """
    log = work / "log.txt"
    work.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    _run(work / "whole", steps, log, 0)
    whole = time.monotonic() - begin
    wanted = digest(work / "whole", steps)
    rng = random.Random(seed)
    rows: list[dict[str, object]] = []
    campaign, ends = 1, {}
    while len(rows) < kills:
        folder = work / f"killed-{campaign}"
        one = _start(folder, steps, log)
        wait = rng.uniform(0.5, whole if longest_s is None else longest_s)
        try:
            one.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            os.killpg(one.pid, signal.SIGKILL)
            one.wait()
            legs = sorted((p for p in folder.glob("seed1/*/[0-9]*") if p.is_dir()),
                          key=lambda p: p.stat().st_mtime)  # fmt: skip
            rows.append({
                "kill": len(rows) + 1, "campaign": campaign, "after_s": round(wait, 2),
                "where": f"{legs[-1].parent.name}, {legs[-1].name}" if legs else "before the first leg",
                "segments": len(list(folder.glob("seed1/*/*/segment-*.log"))),
            })  # fmt: skip
            print(rows[-1], flush=True)
            continue
        if one.returncode != 0:
            raise ReproError(f"after {len(rows)} kills the campaign failed: see {log}")
        ends[campaign] = digest(folder, steps)
        campaign += 1
    if rows and rows[-1]["campaign"] == campaign:
        _run(work / f"killed-{campaign}", steps, log, len(rows))
        ends[campaign] = digest(work / f"killed-{campaign}", steps)
    made = pd.DataFrame(rows)
    made["undisturbed_s"] = round(whole, 1)
    made["equal"] = [ends[number] == wanted for number in made.campaign]
    return made


@plain_errors
@resumable
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trial; the exit status is 1 where the results differ."""
    parser = argparse.ArgumentParser(prog="python benchmarks/kills.py", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="empty folder for both campaigns")
    parser.add_argument("--kills", type=int, default=20, help="how many (20)")
    parser.add_argument("--seed", type=int, default=1, help="of their moments (1)")
    parser.add_argument("--longest", type=float,
                        help="seconds to a kill at most (what an undisturbed run takes)")  # fmt: skip
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
