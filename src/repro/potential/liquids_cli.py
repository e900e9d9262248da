r"""Melts and glasses, student against teacher: short runs and g(r).

    python -m repro.potential.liquids_cli md --calculator teacher --work W --frames 200
    python -m repro.potential.liquids_cli md --calculator student --model M.pb --name reference \
        --work W --frames 200
    python -m repro.potential.liquids_cli compare --student reference --teacher teacher-7net-l3i5 \
        --work W

Both runs begin with the same frame of each composition (kept in W/starts.extxyz and
shipped with the results), with the same velocities, and may be killed and started again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ase import Atoms

from repro import data, paths
from repro.commands import parse, plain_errors
from repro.errors import InputError
from repro.potential import frames, liquids, mechanics, tables
from repro.potential.evaluate_cli import LABELS
from repro.potential.export import load_labels
from repro.potential.tables import tidy
from repro.potential.teacher import LABEL_MODEL, MODELS

FAMILIES = ("melt-2-1-small", "melt-3-1-small")
STARTS = "liquid_starts.extxyz"
SOURCE = "computed: repro.potential.liquids_cli "


def find_starts(work: Path, families: Sequence[str]) -> dict[str, Atoms]:
    """Return the first frame of each composition; once chosen, always the same.

    Looked for in the work folder, then among the shipped results; otherwise the run
    frame in the labels nearest to the family's volume is taken, the last of several.

    Raises
    ------
    InputError
        If the labels hold no frame of a run.
    """
    file = work / "starts.extxyz"
    saved = frames.read_shard(file)
    if not saved and (paths.data_dir() / "potential" / "results" / STARTS).exists():
        saved = frames.read_shard(data.path(f"potential/results/{STARTS}"))
    starts = {str(atoms.info["family"]): atoms for atoms in saved}
    for family in families:
        if family not in starts:
            runs = [a for a in load_labels(families=[family]) if a.info["origin"] == "md"]
            if not runs:
                raise InputError(f"{family}: the labels hold no frame of a run")
            off = [round(abs(float(atoms.info["volume_scale"]) - 1), 3) for atoms in runs]
            starts[family] = runs[max(i for i, x in enumerate(off) if x == min(off))]
    frames.write_atomic(file, starts.values())
    return starts


def shard_file(work: Path, name: str, family: str) -> Path:
    """Return where the run of one calculator and composition is kept."""
    return work / f"{name}_{family}.extxyz"


def md(args: argparse.Namespace) -> None:
    """Run the compositions of a parsed command."""
    stop_at = time.time() + 3600 * args.hours
    model = mechanics.describe(args.calculator, args.model)
    for family, start in find_starts(args.work, args.families).items():
        if family not in args.families:
            continue
        begin = time.monotonic()
        added = liquids.run_md(
            start, lambda: mechanics.make_calculator(args.calculator, args.model),
            shard=shard_file(args.work, args.name, family), model=model, count=args.frames,
            temperature=args.temperature, timestep=args.timestep, every=args.every, seed=args.seed,
            stop=lambda: time.time() > stop_at,
        )  # fmt: skip
        wall = time.monotonic() - begin
        rate = wall / (added * args.every) if added else 0.0
        print(f"{family}: {added} frames added in {wall:.0f} s ({rate:.2f} s per step)", flush=True)


def compare_runs(
    student: Sequence[Atoms], teacher: Sequence[Atoms], *, family: str, skip: float, r_max: float,
    bins: int, blocks: int,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:  # fmt: skip
    """Return g(r) rows and first-peak rows of two runs of one composition.

    The first ``skip`` of each run is left out; runs of unlike length are cut to the
    shorter one, so that both forgot their start equally.
    """
    if not 0 <= skip < 1:
        raise InputError(f"--skip {skip}: expected at least 0 and below 1")
    if not student or not teacher:
        raise InputError(f"{family}: {len(student)} student and {len(teacher)} teacher frames; "
                         "run 'liquids_cli md' for both first")  # fmt: skip
    for key in ("temperature_K", "timestep_fs", "time_fs", "seed"):
        one, other = student[0].info.get(key), teacher[0].info.get(key)
        if one != other:
            raise InputError(f"{family}: the runs of student and teacher differ in {key} "
                             f"({one} and {other})")  # fmt: skip
    length = min(len(student), len(teacher))
    part = slice(int(skip * length), length)
    options = {"r_max": r_max, "bins": bins, "blocks": blocks}
    theirs = liquids.partial_rdf(teacher[part], **options)  # type: ignore[arg-type]
    ours = liquids.partial_rdf(student[part], **options)  # type: ignore[arg-type]
    curves: list[dict[str, Any]] = []
    peaks: list[dict[str, Any]] = []
    common = {"family": family, "student": str(student[0].info["model"]),
              "teacher": str(teacher[0].info["model"]),
              "temperature_K": tidy(float(student[0].info["temperature_K"])),
              "frames": part.stop - part.start,
              "time_ps": tidy(float(student[length - 1].info["time_fs"]) / 1000)}  # fmt: skip
    for pair, mine in ours.items():
        yours, label = theirs[pair], "-".join(pair)
        curves += [
            {"family": family, "pair": label, "r_A": tidy(float(r)), "g_student": tidy(float(a)),
             "g_student_error": tidy(float(b)), "g_teacher": tidy(float(c)),
             "g_teacher_error": tidy(float(d)), "source": SOURCE + "compare"}
            for r, a, b, c, d in zip(mine.r, mine.g, mine.error, yours.g, yours.error, strict=True)
        ]  # fmt: skip
        row = common | {"pair": label}
        try:
            p, q = liquids.first_peak(mine), liquids.first_peak(yours)
        except InputError as error:
            names = [f"{what}_{who}{end}" for who in ("student", "teacher")
                     for what in ("position_A", "height") for end in ("", "_error")]  # fmt: skip
            peaks.append(row | dict.fromkeys(names, "")
                         | {"position_difference_A": "", "height_ratio": "", "note": str(error),
                            "source": SOURCE + "compare"})  # fmt: skip
            continue
        for who, peak in (("student", p), ("teacher", q)):
            row |= {f"position_A_{who}": tidy(peak.position),
                    f"position_A_{who}_error": tidy(peak.position_error),
                    f"height_{who}": tidy(peak.height),
                    f"height_{who}_error": tidy(peak.height_error)}  # fmt: skip
        peaks.append(row | {"position_difference_A": tidy(p.position - q.position),
                            "height_ratio": tidy(p.height / q.height), "note": "",
                            "source": SOURCE + "compare"})  # fmt: skip
    return curves, peaks


def compare(args: argparse.Namespace) -> dict[str, str]:
    """Write g(r) and peaks of both runs; return the files with their descriptions."""
    curves: list[dict[str, Any]] = []
    peaks: list[dict[str, Any]] = []
    for family in args.families:
        both = [frames.read_shard(shard_file(args.work, name, family))
                for name in (args.student, args.teacher)]  # fmt: skip
        more = compare_runs(*both, family=family, skip=args.skip, r_max=args.r_max, bins=args.bins,
                            blocks=args.blocks)  # fmt: skip
        curves += more[0]
        peaks += more[1]
    one, two = f"rdf_{args.student}.csv", f"rdf_peaks_{args.student}.csv"
    tables.write_table(args.out / one, curves)
    tables.write_table(args.out / two, peaks)
    starts = find_starts(args.work, args.families)
    frames.write_atomic(args.out / STARTS, starts.values())
    for row in peaks:
        print(f"  {row['family']} {row['pair']}: peak at {row['position_A_student']} A (teacher "
              f"{row['position_A_teacher']}), height ratio {row['height_ratio']}")  # fmt: skip
    return {one: f"partial g(r), {args.student} and {args.teacher}, standard errors from blocks",
            two: "first peaks of those g(r)", STARTS: "first frame of both runs"}  # fmt: skip


def build_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.potential.liquids_cli", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--families", nargs="+", default=list(FAMILIES), help="compositions")
    common.add_argument("--seed", type=int, default=1, help="random seed (1)")
    out = argparse.ArgumentParser(add_help=False)
    tables.out_option(out)
    one = commands.add_parser("md", parents=[common], help="a short run")
    one.add_argument("--calculator", choices=mechanics.CALCULATORS, required=True, help="who runs")
    one.add_argument("--model", help=f"DeePMD file, or one of {', '.join(MODELS)}")
    one.add_argument("--name", help="of the run (student: the model's stem; teacher-MODEL)")
    one.add_argument("--work", type=Path, required=True, help="folder of the runs")
    one.add_argument("--frames", type=int, default=200, help="frames wanted in all (200)")
    one.add_argument("--every", type=int, default=10, help="steps between frames (10)")
    one.add_argument("--timestep", type=float, default=2.0, help="fs (2)")
    one.add_argument("--temperature", type=float, default=900.0, help="K (900)")
    one.add_argument("--hours", type=float, default=24.0, help="begin no frame after this (24)")
    two = commands.add_parser("compare", parents=[common, out], help="g(r) of two runs")
    two.add_argument("--student", required=True, help="name of its run")
    two.add_argument("--teacher", default=f"teacher-{LABEL_MODEL}", help="name of its run")
    two.add_argument("--work", type=Path, required=True, help="folder of the runs")
    two.add_argument("--skip", type=float, default=0.2, help="part left out at the start (0.2)")
    two.add_argument("--r-max", type=float, default=6.0, help="angstrom (6)")
    two.add_argument("--bins", type=int, default=120, help="bins (120)")
    two.add_argument("--blocks", type=int, default=5, help="blocks for errors (5)")
    return parser


def run(args: argparse.Namespace) -> None:
    """Carry out a parsed command."""
    begin = time.monotonic()
    if args.command == "md":
        if args.name is None:
            args.name = (f"teacher-{args.model or LABEL_MODEL}" if args.calculator == "teacher"
                         else Path(str(args.model)).stem)  # fmt: skip
        md(args)
        return
    files = compare(args)
    skipped = ("command", "line", "out", "work", "seed")
    tables.list_results(
        args.out, title=f"liquids compare {args.student}", files=files, sources=[LABELS],
        command=args.line, seed=args.seed,
        parameters={k: str(v) if isinstance(v, Path) else v for k, v in vars(args).items()
                    if k not in skipped},
        wall_time_s=time.monotonic() - begin,
    )  # fmt: skip
    print(f"tables in {args.out}: {', '.join(files)}")


@plain_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    run(parse(build_parser(), arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
