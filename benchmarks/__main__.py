"""All benchmarks of this book by one command, into one table.

    python -m benchmarks
    python -m benchmarks --quick --parts feff book --out /tmp/trial

Potential, analysis, FEFF and the rebuild of the book are measured one after the other, each in a
process of its own with a time limit.  The table and its manifest go to data/evidence/benchmarks,
with the machine, the versions, and the load when each part began.  A number counts only on a
machine that does nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks import parts
from repro import evidence, paths
from repro.commands import parse, plain_errors, resumable
from repro.errors import InputError
from repro.evidence import Measure
from repro.md.lammps import one_thread

LIMIT = 3600.0


def command(part: str, file: Path, work: Path, words: Sequence[str]) -> list[str]:
    """Return the command that measures one part and writes its rows to a file."""
    start = [sys.executable, "-m", "benchmarks.parts", part, "--json", str(file)]
    return [*start, "--work", str(work), *words]


def run(part: str, words: Sequence[str], *, work: Path, limit: float) -> list[Measure]:
    """Run one part in a process of its own; return its rows, or one that says why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        child = subprocess.Popen(
            command(part, file, work, words), cwd=paths.root(), env=one_thread(), text=True, errors="replace",
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            _, said = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            return [_nothing(part, f"stopped after {limit:g} s")]
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            raise
        if child.returncode or not file.is_file():
            last = said.strip().splitlines()[-1:] or ["nothing"]
            return [_nothing(part, f"failed with status {child.returncode}: {last[0]}")]
        return [Measure(**row) for row in json.loads(file.read_text(encoding="utf-8"))]


def _nothing(part: str, why: str) -> Measure:
    return Measure(part, "the whole part", float("nan"), "", note=why)


def passed_on(args: argparse.Namespace) -> list[str]:
    """Return the options of a part as words again."""
    words = [
        f"--{name.replace('_', '-')}"
        for name in ("quick", "paper_untrained")
        if getattr(args, name)
    ]
    for name in ("reference", "paper", "paper_compressed", "ovito_python", "teacher_python",
                 "chgnet_python"):  # fmt: skip
        value = getattr(args, name)
        words += [f"--{name.replace('_', '-')}", str(value.absolute())] if value else []
    return words


@plain_errors
@resumable
def main(arguments: Sequence[str] | None = None) -> int:
    """Run all parts and write the table; the exit status is 1 if a part gave nothing."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--parts", nargs="+", choices=list(parts.PARTS), default=list(parts.PARTS),
                        help="these alone (all)")  # fmt: skip
    parser.add_argument(
        "--limit", type=float, default=LIMIT, help=f"seconds for a part ({LIMIT:g})"
    )
    parser.add_argument("--work", type=Path, default=paths.build_dir() / "benchmarks",
                        help="for what is made on the way (_build/benchmarks)")  # fmt: skip
    parser.add_argument("--out", type=Path, help="data folder (data/evidence/benchmarks)")
    parts.options(parser)
    args = parse(parser, arguments)
    if args.limit <= 0:
        raise InputError(f"--limit {args.limit:g}: expected more than 0 s")
    begin, first_load = time.monotonic(), os.getloadavg()[0]
    tables = []
    for part in args.parts:
        start, load = time.monotonic(), os.getloadavg()[0]
        print(f"{part}: begun at load {load:.2f}", file=sys.stderr, flush=True)
        rows = run(part, passed_on(args), work=args.work.resolve(), limit=args.limit)
        tables.append(evidence.table(rows, seconds=time.monotonic() - start, load=load))
    made = pd.concat(tables, ignore_index=True)
    print(made[["part", "name", "value", "unit", "target", "met", "note"]].to_string(index=False))
    print(html.unescape(evidence.summary(made)))
    folder = evidence.write(evidence.BENCHMARKS, made, line=args.line, load=first_load, out=args.out,
                            wall_s=time.monotonic() - begin)  # fmt: skip
    print(folder)
    return 1 if (made.name == "the whole part").any() else 0


if __name__ == "__main__":
    sys.exit(main())
