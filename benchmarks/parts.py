"""The parts of ``python -m benchmarks``, each started in a process of its own.

    python -m benchmarks.parts feff --json rows.json --quick

A part measures and writes its rows (:class:`repro.evidence.Measure`) as JSON; what it could not
measure is a row without a number and with the reason.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from benchmarks import analysis, broken, potential
from repro import data
from repro.clay import trajectory
from repro.commands import plain_errors
from repro.errors import InputError, ReproError
from repro.evidence import Measure
from repro.exafs import exafs_cli, exafs_collect, site_spectra

SPEED_UP = 1.8
"""What issue 5 asks for of two FEFF at once."""
SET = "2-1-after"
NONE = float("nan")
Say = Callable[[str], None]


def from_speeds(speeds: pd.DataFrame) -> list[Measure]:
    """Return the rows of a table of :func:`benchmarks.potential.speed_ratios`."""
    part, rows = "potential", []
    paper = pd.DataFrame()
    if not speeds.empty:
        for row in speeds[speeds.model == potential.OURS].to_dict("records"):
            rows.append(Measure(part, f"our model, {row['ranks']} MPI ranks, {row['atoms']} atoms",
                                row["us/atom/step"], "us/atom/step",
                                note=f"each rank had a core {row['CPU (%)']:.0f} % of the time"))  # fmt: skip
        for row in speeds[speeds.model != potential.OURS].to_dict("records"):
            if math.isfinite(row["times ours"]):
                aimed = row["model"] == potential.COMPRESSED and row["ranks"] == 2
                rows.append(Measure(
                    part, f"time of {row['model']} over ours, {row['ranks']} ranks", row["times ours"], "",
                    ratio_to=f"our model, {row['us/atom/step'] / row['times ours']:.1f} us/atom/step",
                    target=f">= {potential.FASTER:g}" if aimed else "",
                    note=f"{row['us/atom/step']:.1f} us/atom/step; CPU time {row['times ours, CPU']:.2f} of ours",
                ))  # fmt: skip
        paper = speeds[(speeds.model == potential.COMPRESSED) & (speeds.ranks == 2)]
    if paper.empty:
        rows.append(Measure(part, f"time of {potential.COMPRESSED} over ours, 2 ranks", NONE, "",
                            ratio_to="our model", target=f">= {potential.FASTER:g}",
                            note="the paper's network is not shipped; --paper-compressed gives one, "
                                 "--paper-untrained makes one"))  # fmt: skip
    return rows


def from_errors(errors: pd.DataFrame) -> list[Measure]:
    """Return the row on accuracy: our preset and the paper's, given equal minutes."""
    found = potential.same_time(errors)
    value = float(found["ours / its"].iloc[0]) if len(found) else NONE
    return [Measure("potential", "held-out force error of our preset over the paper's", value, "",
                    ratio_to="the paper's input, given the same minutes on the same labels",
                    target=f"<= {potential.WORSE:g}", note="from data/potential/results; not timed")]  # fmt: skip


def potential_rows(args: argparse.Namespace, say: Say) -> list[Measure]:
    """Return microseconds per atom and step, and the ratios to other networks."""
    own = argparse.Namespace(**{**vars(args), "work": args.work / "potential"})
    speeds, errors = potential.measure(own, say)
    return [*from_speeds(speeds), *from_errors(errors)]


def from_ratios(table: pd.DataFrame, *, atoms: int, frames: int, missing: str) -> list[Measure]:
    """Return the rows of a table of :func:`benchmarks.analysis.ratios`.

    Parameters
    ----------
    table:
        Of ours and at least one other.
    atoms, frames:
        What was analysed.
    missing:
        Why there is no OVITO; empty if there is.
    """
    rows = []
    for row in table.to_dict("records"):
        if row["library"] == "ours":
            rows.append(Measure("analysis", f"{row['task']}, ours", 1e3 * row["s/frame"], "ms/frame (CPU)",
                                note=f"{frames} frames of {atoms} atoms, one thread, median of rounds"))  # fmt: skip
        else:
            rows.append(Measure("analysis", f"{row['task']}, CPU time of ours over {row['library']}'s",
                                row["ours / this"], "", ratio_to=f"{row['library']}, {1e3 * row['s/frame']:.1f} ms/frame",
                                target=f"<= {analysis.MOST:g}"))  # fmt: skip
    for task in (analysis.GR, analysis.D2) if missing else ():
        rows.append(Measure("analysis", f"{task}, CPU time of ours over OVITO's", NONE, "",
                            ratio_to="OVITO", target=f"<= {analysis.MOST:g}", note=missing))  # fmt: skip
    return rows


def analysis_rows(args: argparse.Namespace, say: Say) -> list[Measure]:
    """Return g(r) and D2min against freud and OVITO."""
    run = analysis.frames(1000 if args.quick else 10000, 5 if args.quick else 100)
    missing = "" if args.ovito_python else "OVITO is not in the lock; give --ovito-python"
    table = analysis.measure(run, args.ovito_python)
    return from_ratios(table, atoms=len(run[0]), frames=len(run), missing=missing)


def feff_rows(args: argparse.Namespace, say: Say) -> list[Measure]:
    """Return the speed-up of two FEFF at once, and what the cache saves."""
    work = args.work / "feff"
    file = exafs_collect.snapshots(work, SET)
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(data.path(f"exafs/{SET}.extxyz.gz"), file)
    count = 4 if args.quick else 16
    table = exafs_cli.speed(work, SET, count=count)
    one, two = (float(table[table.cores == many].wall_s.iloc[0]) for many in (1, 2))
    todo = site_spectra.drawn(trajectory.read(file), count)
    seconds = []
    with tempfile.TemporaryDirectory(dir=work) as cache:
        for _ in range(2):
            begin = time.monotonic()
            site_spectra.compute(todo, cores=2, cache=Path(cache))
            seconds.append(time.monotonic() - begin)
    return [
        Measure("FEFF", "one site, one at a time", one / count, "s", note=f"{count} sites of {SET}"),
        Measure("FEFF", "speed-up of two at once", one / two, "", ratio_to=f"one at a time, {one:.1f} s",
                target=f">= {SPEED_UP:g}", note=f"{count} sites, nothing cached"),
        Measure("FEFF", "the same sites again, from the cache", seconds[1] / seconds[0], "",
                ratio_to=f"computed, {seconds[0]:.1f} s", note=f"{1e3 * seconds[1] / count:.0f} ms a site"),
    ]  # fmt: skip


def book_rows(args: argparse.Namespace, say: Say) -> list[Measure]:
    """Return how long a book of one small chapter takes, and again with nothing changed.

    Raises
    ------
    ReproError
        If it is not built, or built again although nothing has changed.
    """
    folder = args.work / "book"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    copy = broken.small(folder)
    first, second = copy.repro("book"), copy.repro("book")
    for said, word in ((first, "built: "), (second, "unchanged: ")):
        if said.status or word not in said.text:
            raise ReproError(f"expected {word!r} of 'repro book', exit status {said.status}: "
                             f"{broken.message(said.text, folder)}")  # fmt: skip
    shutil.rmtree(folder)
    return [
        Measure("book", "a book of one small chapter, from nothing", first.seconds, "s"),
        Measure("book", "again, nothing changed", second.seconds / first.seconds, "",
                ratio_to=f"from nothing, {first.seconds:.1f} s", note=f"{second.seconds:.1f} s"),
    ]  # fmt: skip


PARTS: dict[str, Callable[[argparse.Namespace, Say], list[Measure]]] = {
    "potential": potential_rows, "analysis": analysis_rows, "feff": feff_rows, "book": book_rows,
}  # fmt: skip


def options(parser: argparse.ArgumentParser) -> None:
    """Add what all parts understand to a command line."""
    parser.add_argument(
        "--quick", action="store_true", help="small cases: a trial, not a measurement"
    )
    for name, what in (("reference", "our model, instead of the shipped one"),
                       ("paper", "the paper's network, plain"), ("paper-compressed", "and compressed")):  # fmt: skip
        parser.add_argument(f"--{name}", type=Path, metavar="PB", help=what)
    parser.add_argument("--paper-untrained", action="store_true",
                        help="make the paper's network by two steps of training, for its speed; slow")  # fmt: skip
    for name, what in (("ovito", "OVITO"), ("teacher", "the extra [labels]"), ("chgnet", "CHGNet")):
        parser.add_argument(f"--{name}-python", type=Path, help=f"a Python that has {what}")


@plain_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run one part and write its rows; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parts", description=__doc__)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("--json", type=Path, required=True, help="file for the rows")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for what is made on the way"
    )
    options(parser)
    args = parser.parse_args(arguments)
    args.work.mkdir(parents=True, exist_ok=True)
    if not args.json.parent.is_dir():
        raise InputError(f"{args.json.parent}: no such folder")
    rows = PARTS[args.part](args, lambda text: print(text, flush=True))
    args.json.write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
