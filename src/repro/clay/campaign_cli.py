"""The MD campaign from the command line.

    python -m repro.clay.campaign_cli go --preset class --work WORK
    python -m repro.clay.campaign_cli step anneal --preset class --seed 1 --work WORK
    python -m repro.clay.campaign_cli status --preset reference --work WORK
    python -m repro.clay.campaign_cli plan --preset reference --cost 46
    python -m repro.clay.campaign_cli collect --preset reference --work WORK
    python -m repro.clay.campaign_cli restore --preset reference --work WORK

``go`` lets snakemake run ``workflow/Snakefile``: every step in its order, as many at once
as there are cores.  Killed at any moment, the same command goes on; no step before the
last checkpoint is lost.  On a cluster give snakemake the profile ``workflow/profiles/slurm``
(``workflow/README.md``).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from repro import folder_lock, paths
from repro.clay import chain, collect, presets
from repro.commands import parse, plain_errors, resumable
from repro.errors import InputError
from repro.md import lammps

SNAKEFILE = "workflow/Snakefile"


def snakemake(
    preset: str, work: Path, *, seeds: Sequence[int], protocols: Sequence[str], cores: int,
    ranks: int, model: Path | None = None, dry: bool = False, profile: Path | None = None,
) -> list[str]:  # fmt: skip
    """Return the command that runs the workflow.

    Parameters
    ----------
    preset, work, seeds, protocols:
        What to run; all of the preset if no seeds or protocols are given.
    cores, ranks:
        Cores in all, and MPI processes of each run.
    model:
        Another model than the shipped one.
    dry:
        Only say what would be done.
    profile:
        Folder of a snakemake profile, for a cluster.

    Raises
    ------
    InputError
        For an unknown preset or protocol, or fewer cores than ranks.
    """
    chosen = presets.preset(preset)
    for name in protocols:
        presets.protocol(name, preset)
    if ranks < 1 or cores < ranks:
        raise InputError(f"{cores} cores for runs of {ranks} ranks: expected as many or more")
    settings = {
        "preset": preset, "work": str(work.resolve()), "ranks": ranks,
        "seeds": ",".join(map(str, seeds or chosen.seeds)),
        "protocols": ",".join(protocols or chosen.protocols),
        "python": sys.executable, "model": str(model.resolve()) if model else "",
    }  # fmt: skip
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(paths.root() / SNAKEFILE),
        "--directory", str(work.resolve()), "--cores", str(cores),
        # A step that was killed goes on; its half-done folder is what it needs.
        "--rerun-incomplete", "--rerun-triggers", "mtime", "--nolock", "--keep-incomplete", "--keep-going",
        "--config", *(f"{key}={value}" for key, value in settings.items()),
    ]  # fmt: skip
    if profile is not None:
        command += ["--workflow-profile", str(profile)]
    return [*command, "--dry-run"] if dry else [*command, "--quiet", "rules", "host"]


def _go(args: argparse.Namespace) -> int:
    work: Path = args.work
    work.mkdir(parents=True, exist_ok=True)
    chosen = presets.preset(args.preset)
    # Snakemake asks only whether a record is there, not of which campaign.
    for seed in args.seeds or chosen.seeds:
        for name in (presets.ASSEMBLY, *chosen.protocols):
            chain.finished_as(chosen, name, work / f"seed{seed}" / name)
    command = snakemake(args.preset, work, seeds=args.seeds, protocols=args.protocols,
                        cores=args.cores, ranks=args.ranks, model=args.model, dry=args.dry_run,
                        profile=args.profile)  # fmt: skip
    busy = InputError(f"{work}: a campaign is at work there; wait for it, or give another folder")
    # Snakemake's own lock outlives a kill -9 and must then be taken off by hand; this one does not.
    with (
        folder_lock.held(work / ".campaign", patience=5.0, busy=busy) as lock,
        subprocess.Popen(lammps.leashed(command), stdin=subprocess.PIPE, start_new_session=True,
                         pass_fds=(lock,)) as child,
    ):  # fmt: skip
        try:
            return child.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            raise


def _status(args: argparse.Namespace) -> int:
    chosen = presets.preset(args.preset)
    for seed in args.seeds or chosen.seeds:
        for name in chosen.protocols:
            folder = args.work / f"seed{seed}" / name
            done = chain.finished_as(chosen, name, folder)
            word = "done" if done else ("begun" if folder.is_dir() else "-")
            spent = sum(leg["wall_s"] for leg in done["legs"]) / 60 if done else 0.0
            print(f"seed {seed}  {name:14s} {word:6s}" + (f" {spent:7.1f} min" if done else ""))
    return 0


def _plan(args: argparse.Namespace) -> int:
    rows = presets.plan(args.preset, us_per_atom_step=args.cost)
    for name, ps, hours in rows:
        print(f"{name:14s} {ps:9.1f} ps {hours:9.2f} core hours")
    seeds = len(presets.preset(args.preset).seeds)
    total = sum(row[2] for row in rows)
    print(f"{seeds} seeds: {seeds * total:.1f} core hours")
    return 0


def _step(args: argparse.Namespace) -> int:
    setup = chain.Setup(presets.preset(args.preset), args.work, args.model, args.ranks)
    done = chain.step(setup, args.name, args.seed)
    print(f"seed {args.seed}, {args.name}: done, {done['natoms']} atoms")
    return 0


def _collect(args: argparse.Namespace) -> int:
    out = args.out if args.out is not None else paths.data_dir() / "clay" / args.preset
    count = collect.collect(presets.preset(args.preset), args.work, out, command=args.line)
    print(f"{out}: {count} legs")
    return 0


def _restore(args: argparse.Namespace) -> int:
    source = args.source if args.source is not None else paths.data_dir() / "clay" / args.preset
    count = collect.restore(source, args.work)
    print(f"{args.work}: {count} steps restored")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m repro.clay.campaign_cli",
                                     description="The MD campaign")  # fmt: skip
    parts = parser.add_subparsers(dest="part", required=True)

    def add(name: str, about: str) -> argparse.ArgumentParser:
        one = parts.add_parser(name, help=about, description=about)
        one.add_argument("--preset", default="reference", help=", ".join(presets.PRESETS))
        return one

    def common(one: argparse.ArgumentParser) -> None:
        one.add_argument("--work", type=Path, required=True, help="folder of the runs")
        one.add_argument("--ranks", type=int, default=1, help="MPI processes of each run (1)")
        one.add_argument("--model", type=Path, help="another frozen model than the shipped one")

    go = add("go", "run the campaign, or what is left of it")
    common(go)
    go.add_argument("--seeds", type=int, nargs="*", default=[], help="all of the preset")
    go.add_argument("--protocols", nargs="*", default=[], help="these and what they need; all")
    go.add_argument("--cores", type=int, default=2, help="in all (2)")
    go.add_argument("--dry-run", action="store_true", help="only say what would be done")
    go.add_argument("--profile", type=Path, help="snakemake profile, e.g. workflow/profiles/slurm")
    one = add("step", "run one step: assembly or a protocol")
    one.add_argument("name", help="assembly, or a protocol of the preset")
    common(one)
    one.add_argument("--seed", type=int, default=1, help="of the velocities (1)")
    status = add("status", "say what is done")
    status.add_argument("--work", type=Path, required=True, help="folder of the runs")
    status.add_argument("--seeds", type=int, nargs="*", default=[], help="all of the preset")
    plan = add("plan", "say how long it will take")
    plan.add_argument("--cost", type=float, default=46.0, help="us/atom/step on one core (46)")
    bring = add("collect", "bring finished runs into data/clay")
    bring.add_argument("--work", type=Path, required=True, help="folder of the runs")
    bring.add_argument("--out", type=Path, help="data folder (data/clay/PRESET)")
    back = add("restore", "rebuild a lost work folder from the states in data/clay")
    back.add_argument("--work", type=Path, required=True, help="folder of the runs")
    back.add_argument("--source", type=Path, help="data folder (data/clay/PRESET)")
    return parser


@plain_errors
@resumable
def main(arguments: Sequence[str] | None = None) -> int:
    """Run a part of the campaign; return the exit status."""
    args = parse(_parser(), arguments)
    parts = {"go": _go, "step": _step, "status": _status, "plan": _plan, "collect": _collect,
             "restore": _restore}  # fmt: skip
    return parts[args.part](args)


if __name__ == "__main__":
    sys.exit(main())
