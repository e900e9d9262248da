"""Speed against error of the architectures that were scanned, into one table.

    for a in class reference types-slim types-6A ...; do
      python -m repro.potential.training run --preset scan:$a --minutes 5 --work W/scan/$a
    done
    python -m repro.potential.pareto --work W/scan

Each folder of ``--work`` that holds a finished training becomes a row of ``pareto.csv``:
microseconds per atom and step in LAMMPS, and the error on the *validation* labels, none
of which it was trained on.  The DFT frames play no part: the architecture is chosen here,
and nothing may be chosen by held-out frames.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms

from repro.commands import parse, plain_errors
from repro.errors import InputError
from repro.potential import evaluate, export, simulate, speed, tables
from repro.potential.architectures import Architecture
from repro.potential.evaluate_cli import LABELS
from repro.potential.predictions import predict
from repro.potential.trainjob import MODEL, RUN, read_record
from repro.potential.trainset import SPLIT_RULE, in_validation

SOURCE = (
    "computed: repro.potential.pareto; LAMMPS with DeePMD-kit; validation labels of the teacher"
)


def finished(work: Path, names: Sequence[str] = ()) -> dict[str, Path]:
    """Return the folders of finished trainings by name.

    Raises
    ------
    InputError
        If there is none, or one that was asked for is not finished.
    """
    found = {f.parent.name: f.parent for f in sorted(work.glob(f"*/{RUN}"))
             if (f.parent / MODEL).is_file()}  # fmt: skip
    for name in names:
        if name not in found:
            raise InputError(f"{work / name}: no finished training there")
    if not found:
        raise InputError(f"{work}: no finished training in its folders")
    return {name: found[name] for name in names or found}


def row(name: str, folder: Path, frames: Sequence[Atoms], timed: speed.Speed) -> dict[str, Any]:
    """Return one architecture's row.

    Parameters
    ----------
    name, folder:
        Of the training.
    frames:
        Labelled frames that it was not trained on.
    timed:
        Its speed.
    """
    record = read_record(folder)
    settings = record["settings"]
    errors = evaluate.errors(frames, predict(folder / MODEL, frames))
    force = errors.force_rmse
    return {
        "name": name, "architecture": Architecture.of_record(settings["architecture"]).name,
        "minutes": settings["minutes"],
        "wall_min": tables.tidy(sum(s["wall_time_s"] for s in record["sessions"]) / 60),
        "steps": record["model_step"], "seed": settings["seed"],
        "train_frames": record["train_frames"], "validation_frames": errors.frames,
        "us_per_atom_step": tables.tidy(timed.us_per_atom_step),
        "us_cpu": tables.tidy(timed.us_cpu), "ranks": timed.ranks, "natoms": timed.natoms,
        "force_rmse_meV_per_A": tables.tidy(force.value),
        "force_rmse_meV_per_A_low": tables.tidy(force.low),
        "force_rmse_meV_per_A_high": tables.tidy(force.high),
        "energy_rmse_meV_per_atom": tables.tidy(errors.energy_rmse.value),
        "stress_rmse_GPa": tables.tidy(errors.stress_rmse.value),
        "compressed": record["compressed"], "source": SOURCE,
    }  # fmt: skip


def front(table: pd.DataFrame, *, column: str = "us_per_atom_step") -> list[str]:
    """Return the names on the Pareto front, the fastest first.

    A row is on it if no other is at least as fast and at least as accurate, and better in
    one of the two.

    Parameters
    ----------
    table:
        Columns ``name``, ``force_rmse_meV_per_A`` and ``column``.
    column:
        The speed: ``us_per_atom_step``, or ``us_cpu``.
    """
    found, best = [], np.inf
    order = table.sort_values([column, "force_rmse_meV_per_A"])
    for name, error in zip(order["name"], order.force_rmse_meV_per_A, strict=True):
        if error < best:
            found.append(str(name))
            best = float(error)
    return found


def build(
    work: Path, *, names: Sequence[str] = (), natoms: int = 512, steps: int = 100,
    repeats: int = 3, ranks: int = 2, every: int = 1, folder: Path,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the rows of all finished trainings in a folder; see the module's text.

    Parameters
    ----------
    work, names:
        Folder of the scan; only these architectures.
    natoms, steps, repeats, ranks:
        Of the timed runs, which take turns; the median is kept.
    every:
        Each n-th validation frame only, for trials.
    folder:
        Of the timed runs.
    say:
        Where progress goes.
    """
    trained = finished(work, names)
    atoms, _ = simulate.melt(natoms)
    timed = speed.table({n: f / MODEL for n, f in trained.items()}, atoms, steps=steps,
                        repeats=repeats, ranks=(ranks,), folder=folder, others={}, other_steps=1,
                        say=say)  # fmt: skip
    frames = [f for f in export.load_labels(every=every)
              if in_validation(str(f.info["frame_id"]))]  # fmt: skip
    rows = [row(s.model, trained[s.model], frames, s) for s in timed]
    return sorted(rows, key=lambda r: float(r["us_per_atom_step"]))


def build_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.potential.pareto", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--work", type=Path, required=True, help="folder with a folder each")
    parser.add_argument("--names", nargs="+", default=[], help="only these")
    parser.add_argument("--natoms", type=int, default=512, help="atoms of the timed runs (512)")
    parser.add_argument("--steps", type=int, default=100, help="timed steps (100)")
    parser.add_argument("--repeats", type=int, default=3, help="rounds; the median is kept (3)")
    parser.add_argument("--ranks", type=int, default=2, help="MPI processes (2)")
    parser.add_argument("--every", type=int, default=1, help="each n-th frame only, for trials")
    tables.out_option(parser)
    return parser


@plain_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = parse(build_parser(), arguments)
    begin = time.monotonic()
    rows = build(args.work, names=args.names, natoms=args.natoms, steps=args.steps,
                 repeats=args.repeats, ranks=args.ranks, every=args.every,
                 folder=args.work / "speed")  # fmt: skip
    tables.write_table(args.out / "pareto.csv", rows)
    tables.list_results(
        args.out, title="pareto", command=args.line, sources=[LABELS], seed=None,
        parameters={"split_rule": SPLIT_RULE, "ranks": args.ranks, "natoms": args.natoms,
                    "steps": args.steps, "repeats": args.repeats},
        wall_time_s=time.monotonic() - begin,
        files={"pareto.csv": "speed and validation error of the scanned architectures"},
    )  # fmt: skip
    for one in rows:
        print(f"{one['name']:16s} {one['us_per_atom_step']:>6s} us/atom/step, "
              f"{one['force_rmse_meV_per_A']:>6s} meV/A")  # fmt: skip
    print(f"table: {args.out / 'pareto.csv'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
