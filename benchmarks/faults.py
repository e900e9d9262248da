"""Break the book on purpose, in a copy, and write down what it says.

    python -m benchmarks.faults
    python -m benchmarks.faults --only "two builds" --work /tmp/broken

The copies lie in a temporary folder (or in WORK, which must be empty); nothing of the book
itself is touched.  Kills of molecular dynamics are not repeated here: ``benchmarks/kills.py``
has made them, and their table in ``data/clay/trials`` is counted.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

import benchmarks.trials_book
import benchmarks.trials_science  # noqa: F401
from benchmarks import broken, trials
from benchmarks.trials import TRIALS, Row, Trial
from repro import data, evidence
from repro.commands import parse, plain_errors, resumable
from repro.errors import InputError

PLACES = {"small": broken.small, "whole": broken.whole}


def kills() -> Row:
    """Return a row that counts the shipped kills of molecular dynamics.

    Raises
    ------
    DataError
        If their table is not there.
    """
    table = pd.read_csv(data.path("clay/trials/kills.csv"))
    equal = bool(table.equal.all())
    return Row(
        "molecular dynamics is killed at a random moment (kill -9)",
        "python benchmarks/kills.py --kills 20 (made before)",
        "the same command goes on; the end is equal to the last bit", None,
        f"{len(table)} kills in {table.campaign.nunique()} campaigns, "
        f"{int(table.equal.sum())} with an equal end",
        "yes" if equal else "no", "" if equal else "an end differs", 0.0,
    )  # fmt: skip


def make(chosen: Sequence[Trial], work: Path) -> list[Row]:
    """Break one thing after the other; return a row each."""
    copies: dict[str, broken.Copy] = {}
    rows = []
    for number, one in enumerate(chosen, start=1):
        if one.place not in copies:
            (work / one.place).mkdir(parents=True)
            copies[one.place] = PLACES[one.place](work / one.place)
        row = trials.judge(one, copies[one.place])
        rows.append(row)
        print(f"[{number}/{len(chosen)}] {row.caught}: {row.broken} ({row.seconds:.0f} s)\n"
              f"    {row.said or row.wrong}", flush=True)  # fmt: skip
        if row.caught == "no":
            print(f"    NOT CAUGHT: {row.wrong}", flush=True)
    return rows


def pick(words: str | None) -> list[Trial]:
    """Return the trials whose description has some words; all for None.

    A trial in the small book needs a good one to spoil, so its controls come with it.

    Raises
    ------
    InputError
        If there is none.
    """
    found = [one for one in TRIALS if words is None or words.lower() in one.broken.lower()]
    if not found:
        raise InputError(f"--only {words!r}: no such trial; there are:\n  "
                         + "\n  ".join(one.broken for one in TRIALS))  # fmt: skip
    if any(one.place == "small" for one in found):
        controls = [one for one in TRIALS if one.place == "small" and "control" in one.broken]
        found = [*controls[:1], *(one for one in found if one not in controls[:1])]
    return found


@plain_errors
@resumable
def main(arguments: Sequence[str] | None = None) -> int:
    """Break everything; the exit status is 1 if anything was not caught."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--only", metavar="WORDS", help="trials whose description has these words")
    parser.add_argument("--work", type=Path, help="empty folder for the copies, kept afterwards")
    parser.add_argument(
        "--out", type=Path, help="data folder (data/evidence/faults; none with --only)"
    )
    args = parse(parser, arguments)
    if args.work and args.work.exists() and any(args.work.iterdir()):
        raise InputError(f"{args.work}: not empty; give an empty folder")
    chosen = pick(args.only)
    begin, load = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        rows = make(chosen, (args.work or Path(folder)).resolve())
    if args.only is None:
        rows.append(kills())
    table = pd.DataFrame([asdict(row) for row in rows])
    table["status"] = table.status.astype("Int64")  # none where nothing was run
    missed = int((table.caught == "no").sum())
    print(f"{len(table)} faults and controls: {int((table.caught == 'yes').sum())} as expected, "
          f"{missed} not, {int((table.caught == 'not tried').sum())} not tried")  # fmt: skip
    if args.only is None or args.out:
        evidence.write(evidence.FAULTS, table, line=args.line, load=load, out=args.out,
                       wall_s=time.monotonic() - begin)  # fmt: skip
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
