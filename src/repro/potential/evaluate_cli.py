"""Error tables and parity data of a student or teacher, into data/potential/results.

    python -m repro.potential.evaluate_cli student --model MODEL.pb --name reference
    python -m repro.potential.evaluate_cli dft --model MODEL.pb --name reference
    python -m repro.potential.evaluate_cli dft --teacher 7net-l3i5      (extra [labels])

``student`` compares a model with the shipped teacher labels, training and validation
frames apart (``errors_NAME.csv``, ``parity_NAME.csv``).  ``dft`` compares a model or
the teacher with the shipped DFT frames, held-out frames apart (``errors_dft_NAME.csv``).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from repro import data
from repro.commands import parse, plain_errors
from repro.errors import InputError
from repro.potential import frames, tables
from repro.potential.evaluate import (
    MIN_SHIFT_FRAMES,
    composition,
    error_records,
    error_table,
    fit_shift,
    parity,
)
from repro.potential.export import load_labels
from repro.potential.predictions import (
    Evaluator,
    Floats,
    Prediction,
    load_model,
    predict,
    predict_ase,
    reference,
)
from repro.potential.teacher import LABEL_MODEL, MODELS, Teacher
from repro.potential.trainset import SPLIT_RULE, in_validation

LABELS = "SevenNet 7net-l3i5 + Grimme D2 labels, data/potential/labels"
DFT = "CP2K PBE-D2 frames, data/potential/dft"


def training_split(atoms: Atoms) -> str:
    """Return ``"validation"`` or ``"train"``, by the rule of the training sets."""
    return "validation" if in_validation(str(atoms.info["frame_id"])) else "train"


def dft_split(atoms: Atoms) -> str:
    """Return ``"held-out"`` or ``"other"``."""
    return "held-out" if bool(atoms.info["held_out"]) else "other"


def student(
    model: str | Path | Evaluator, found: Sequence[Atoms], *, split: Callable[[Atoms], str],
    name: str, points: int = 300, seed: int = 1,
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:  # fmt: skip
    """Return error rows and parity rows of a model against the labels of frames."""
    said = predict(model, found)
    table = error_table(found, said, split=split, seed=seed)
    records = error_records(table, model=name, against="teacher",
                            source=f"computed: repro.potential.evaluate_cli student; {LABELS}")  # fmt: skip
    return records, parity(found, said, split=split, points=points, seed=seed)


def against_dft(
    said: Prediction, found: Sequence[Atoms], *, name: str, seed: int = 1
) -> list[dict[str, Any]]:
    """Return error rows against DFT frames.

    CP2K's energies have another zero.  The reference energy of each element is fitted
    on the frames that are *not* held out, and only compositions that those span are
    compared; with too few of them no energy is.
    """
    difference = said.energies - reference(found).energies
    free = np.array([not bool(frame.info["held_out"]) for frame in found])
    fitted = fit_shift([f for f, use in zip(found, free, strict=True) if use], difference[free])
    shift: Floats = np.full(len(found), np.nan)
    note = (f"no energies: {int(free.sum())} frames that are not held out, "
            f"{MIN_SHIFT_FRAMES} needed for the element references")  # fmt: skip
    if fitted is not None:
        shift = fitted.apply(composition(found))
        note = (f"element references fitted on {fitted.frames} frames that are not held out "
                f"(rank {len(fitted.basis)}); 'other' energies are residuals of that fit")  # fmt: skip
    table = error_table(found, said, split=dft_split, shift=shift, seed=seed)
    return error_records(table, model=name, against="DFT", note=note,
                         source=f"computed: repro.potential.evaluate_cli dft; {DFT}")  # fmt: skip


def build_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.potential.evaluate_cli", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--name", help="name in the tables and file names")
    tables.out_option(common)
    common.add_argument("--seed", type=int, default=1, help="of bootstrap and thinning (1)")
    one = commands.add_parser("student", parents=[common], help="a model against teacher labels")
    one.add_argument("--model", type=Path, required=True, help="frozen or compressed .pb")
    one.add_argument("--families", nargs="+", default=[], help="only these")
    one.add_argument("--every", type=int, default=1, help="each n-th frame only, for trials")
    one.add_argument("--points", type=int, default=300, help="parity forces per family (300)")
    two = commands.add_parser("dft", parents=[common], help="a model or the teacher against DFT")
    which = two.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", type=Path, help="frozen or compressed .pb")
    which.add_argument("--teacher", choices=MODELS, help="SevenNet + D2 instead")
    return parser


def run(args: argparse.Namespace) -> str:
    """Carry out a parsed command; return the line to print."""
    begin = time.monotonic()
    name = args.name or (f"teacher-{args.teacher}" if args.model is None else args.model.stem)
    files: dict[str, str] = {}
    parameters: dict[str, Any] = {"model": str(args.model or f"{args.teacher} + D2")}
    if args.model is not None and args.model.is_file():
        parameters["model_sha256"] = data.sha256(args.model)
    if args.command == "student":
        if args.every < 1:
            raise InputError(f"--every {args.every}: expected 1 or more")
        if args.points < 3:
            raise InputError(f"--points {args.points}: expected 3 or more")
        model = load_model(args.model)
        found = load_labels(families=args.families, every=args.every)
        records, points = student(model, found, split=training_split, name=name,
                                  points=args.points, seed=args.seed)  # fmt: skip
        parameters |= {"split_rule": SPLIT_RULE, "points_per_family": args.points}
        stem, sources = name, [LABELS]
        tables.write_table(args.out / f"parity_{stem}.csv", points)
        files[f"parity_{stem}.csv"] = (f"random force components, energies and pressures of {name} "
                                       "and of the reference")  # fmt: skip
    else:
        found = frames.read_shard(data.path("potential/dft/frames.extxyz"))
        said = (predict_ase(Teacher(model=args.teacher or LABEL_MODEL), found)
                if args.model is None else predict(args.model, found))  # fmt: skip
        records = against_dft(said, found, name=name, seed=args.seed)
        stem, sources = f"dft_{name}", [DFT]
    tables.write_table(args.out / f"errors_{stem}.csv", records)
    files[f"errors_{stem}.csv"] = (f"errors of {name} by kind, family, origin and split, with 95 % "
                                   "bootstrap intervals over frames")  # fmt: skip
    tables.list_results(
        args.out, title=f"{args.command} {name}", sources=sources,
        command=args.line,
        parameters=parameters | {"frames": len(found)},
        seed=args.seed, wall_time_s=time.monotonic() - begin, files=files,
    )  # fmt: skip
    lines = [f"{len(found)} frames, {len(records)} rows in {args.out / f'errors_{stem}.csv'}"]
    for row in records:
        if row["by"] == "overall":
            lines.append(
                f"  {row['split']:10s} {row['frames']:>5s} frames: force RMSE "
                f"{row['force_rmse_meV_per_A']} [{row['force_rmse_meV_per_A_low']}, "
                f"{row['force_rmse_meV_per_A_high']}] meV/A, energy RMSE "
                f"{row['energy_rmse_meV_per_atom'] or 'none'} meV/atom, pressure "
                f"{row['pressure_difference_GPa']} GPa, slope {row['force_slope']}"
            )
    return "\n".join(lines + ([f"  {records[0]['note']}"] if records[0]["note"] else []))


@plain_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    print(run(parse(build_parser(), arguments)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
