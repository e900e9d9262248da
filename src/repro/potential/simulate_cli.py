"""Command line of :mod:`repro.potential.simulate`: one command per table."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from repro import paths
from repro.commands import parse, plain_errors, resumable
from repro.errors import InputError
from repro.md.logs import Thermo
from repro.md.stages import Reporter
from repro.potential import simulate, speed
from repro.potential.tables import list_results, out_option, tidy, time_before, write_table

SOURCE = "LAMMPS 22 Jul 2025 with DeePMD-kit; repro.potential.simulate"
SERIES = {"Time": "time_ps", "Temp": "temperature_K", "PotEng": "potential_energy_eV",
          "TotEng": "total_energy_eV", "Press": "pressure_bar", "Density": "density_g_per_cm3",
          "Volume": "volume_A3"}  # fmt: skip


def named(arguments: Sequence[str]) -> dict[str, Path]:
    """Return ``NAME=FILE`` or ``FILE`` arguments by name (the file's stem).

    Raises
    ------
    InputError
        If two have the same name.
    """
    found: dict[str, Path] = {}
    for argument in arguments:
        name, equals, file = argument.partition("=")
        where = Path(file if equals else argument)
        key = name if equals else where.stem
        if key in found:
            raise InputError(f"two models are named {key!r}; give NAME=FILE")
        found[key] = where
    return found


def series_rows(table: Thermo, *, most: int, **about: str) -> list[dict[str, Any]]:
    """Return a thermo table as rows for CSV, thinned evenly to at most so many."""
    chosen = np.unique(np.linspace(0, len(table) - 1, min(most, len(table))).astype(int))
    return [
        {**about, **{column: f"{table[name][i]:.9g}" for name, column in SERIES.items()}}
        for i in chosen
    ]


def _atoms(args: argparse.Namespace) -> tuple[Atoms, str]:
    return simulate.melt(args.natoms, family=args.family, frame=args.frame)


def _folder(args: argparse.Namespace, work: Path, name: str) -> Path:
    """Return the folder of one run; note if an earlier command has begun it."""
    folder = work / name
    args.resumed |= folder.exists()
    return folder


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {k: tidy(v) if isinstance(v, float) else v for k, v in row.items()}


def _speed(args: argparse.Namespace, work: Path) -> dict[str, str]:
    atoms, frame = _atoms(args)
    others = {k: v for k, v in (("teacher", args.teacher_python), ("chgnet", args.chgnet_python))
              if v is not None}  # fmt: skip
    rows = speed.table(named(args.model), atoms, steps=args.steps, repeats=args.repeats,
                       ranks=args.ranks, folder=work / "speed", others=others,
                       other_steps=args.other_steps)  # fmt: skip
    write_table(args.out / "speed.csv",
                [_rounded(asdict(r)) | {"source": f"{SOURCE if r.engine == 'LAMMPS' else 'ASE'}; melt {frame}"}
                 for r in rows])  # fmt: skip
    return {"speed.csv": "us per atom and step, all in one run on one machine"}


def _drift(args: argparse.Namespace, work: Path) -> dict[str, str]:
    atoms, frame = _atoms(args)
    rows: list[dict[str, Any]] = []
    for name, model in named(args.model).items():
        for temperature in args.temperatures:
            results = simulate.drift(
                model, atoms, temperature=temperature, timesteps_fs=args.timesteps,
                picoseconds=args.picoseconds, equilibration_ps=args.equilibration,
                seed=args.seed, folder=_folder(args, work, f"drift-{name}-{temperature:g}K"),
                ranks=args.ranks, label=f"drift {name} {temperature:g} K, ",
            )  # fmt: skip
            for result in results:
                rows.append({
                    "model": name, "target_K": f"{temperature:g}",
                    "timestep_fs": f"{result.timestep_fs:g}",
                    "temperature_K": tidy(result.temperature), "length_ps": tidy(result.picoseconds),
                    "natoms": result.natoms, "drift_meV_per_atom_ns": tidy(result.drift),
                    "drift_error_meV_per_atom_ns": tidy(result.drift_error),
                    "fluctuation_meV_per_atom": tidy(result.fluctuation),
                    "source": f"{SOURCE}; melt {frame}",
                })  # fmt: skip
    write_table(args.out / "drift.csv", rows)
    return {"drift.csv": "total-energy drift of constant-energy runs by time step"}


def _stability(args: argparse.Namespace, work: Path) -> dict[str, str]:
    atoms, frame = _atoms(args)
    rows: list[dict[str, Any]] = []
    files = {"stability.csv": "long runs at zero pressure: temperature, density, runaway"}
    for name, model in named(args.model).items():
        for temperature, picoseconds in args.run:
            steps = round(1000 * picoseconds / args.timestep)
            result, table = simulate.stability(
                model, atoms, temperature=temperature, picoseconds=picoseconds,
                timestep_fs=args.timestep, seed=args.seed, ranks=args.ranks,
                folder=_folder(args, work, f"stability-{name}-{temperature:g}K"),
                coupling=args.coupling, checkpoint_ps=args.checkpoint, progress=Reporter(
                    steps, args.timestep, label=f"stability {name} {temperature:g} K, "),
            )  # fmt: skip
            rows.append({
                "model": name, "target_K": f"{temperature:g}", "length_ps": tidy(result.picoseconds),
                "timestep_fs": f"{args.timestep:g}", "natoms": result.natoms,
                "atoms_lost": len(atoms) - table.natoms,
                "temperature_K": tidy(result.temperature.value),
                "temperature_error_K": tidy(result.temperature.error),
                "highest_temperature_K": tidy(result.highest), "runaway": result.runaway,
                "density_g_per_cm3": tidy(result.density.value),
                "density_error_g_per_cm3": tidy(result.density.error),
                "energy_change_meV_per_atom": tidy(result.energy_change),
                "source": f"{SOURCE}; melt {frame}",
            })  # fmt: skip
            write_table(args.out / "stability.csv", rows)  # also if a later run is not finished
            file = f"stability_{name}_{temperature:g}K.csv"
            write_table(args.out / file, series_rows(table, most=args.series, model=name))
            files[file] = f"thermo series at {temperature:g} K"
    return files


def _deviation(args: argparse.Namespace, work: Path) -> dict[str, str]:
    atoms, frame = _atoms(args)
    result = simulate.deviation(
        list(named(args.model).values()), atoms, low=args.low, high=args.high,
        picoseconds=args.picoseconds, timestep_fs=args.timestep, seed=args.seed,
        folder=_folder(args, work, "deviation"), ranks=args.ranks, every_fs=args.every,
        progress=Reporter(round(1000 * args.picoseconds / args.timestep), args.timestep,
                          label="deviation, "),
    )  # fmt: skip
    spread = result.deviation
    write_table(args.out / "deviation.csv", [
        {"time_ps": tidy(float(result.time[i])),
         "temperature_K": tidy(float(result.temperature[i])),
         "max_devi_f_eV_per_A": tidy(float(spread.max_force[i])),
         "avg_devi_f_eV_per_A": tidy(float(spread.mean_force[i])),
         "density_g_per_cm3": tidy(float(result.density[i])),
         "source": f"{SOURCE}; melt {frame}"}
        for i in range(len(result.time))
    ])  # fmt: skip
    return {"deviation.csv": f"deviation of {len(args.model)} models, heated "
                             f"{args.low:g} to {args.high:g} K"}  # fmt: skip


def _pair(text: str) -> tuple[float, float]:
    try:
        temperature, picoseconds = (float(part) for part in text.split(":"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected TEMPERATURE:PICOSECONDS") from None
    return temperature, picoseconds


def build_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.potential.simulate", description=simulate.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, about: str, *, natoms: int) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=about, description=about)
        one.add_argument("--model", nargs="+", required=True, metavar="[NAME=]FILE")
        out_option(one)
        one.add_argument("--work", type=Path, default=None,
                         help="checkpoints and logs; the same again goes on (_build/simulate)")  # fmt: skip
        one.add_argument("--natoms", type=int, default=natoms, help=f"atoms or more ({natoms})")
        one.add_argument("--family", default="melt-2-1", help="family of labels (melt-2-1)")
        one.add_argument("--frame", help="frame id; else the labelled run frame of least pressure")
        if name == "speed":  # velocities there are always the same
            one.add_argument(
                "--ranks", type=int, nargs="+", default=[1, 2], help="MPI processes (1 2)"
            )
        else:
            one.add_argument("--seed", type=int, default=1, help="of the velocities (1)")
            one.add_argument("--ranks", type=int, default=2, help="MPI processes (2)")
        return one

    a = add("speed", "microseconds per atom and step of several models", natoms=512)
    a.add_argument("--steps", type=int, default=100, help="timed steps (100)")
    a.add_argument("--repeats", type=int, default=3, help="rounds; the median is kept (3)")
    a.add_argument("--teacher-python", type=Path, help="Python with the extra [labels]")
    a.add_argument("--chgnet-python", type=Path, help="Python with CHGNet")
    a.add_argument("--other-steps", type=int, default=3, help="steps with those (3)")
    b = add("drift", "energy drift at constant energy", natoms=256)
    b.add_argument("--temperatures", type=float, nargs="+", default=[300.0, 900.0], help="K")
    b.add_argument("--timesteps", type=float, nargs="+", default=[0.5, 1.0, 2.0], help="fs")
    b.add_argument("--picoseconds", type=float, default=10.0, help="of each run (10)")
    b.add_argument("--equilibration", type=float, default=3.0, help="ps before (3)")
    c = add("stability", "long runs at zero pressure", natoms=1000)
    c.add_argument("--run", type=_pair, nargs="+", default=[(300.0, 100.0), (1200.0, 20.0)],
                   metavar="T:PS", help="300:100 1200:20")  # fmt: skip
    c.add_argument("--timestep", type=float, default=2.0, help="fs (2)")
    c.add_argument("--coupling", choices=("iso", "aniso"), default="iso", help="iso")
    c.add_argument("--checkpoint", type=float, default=2.0, help="ps between checkpoints (2)")
    c.add_argument("--series", type=int, default=500, help="most rows of a series (500)")
    d = add("deviation", "disagreement of models while heated", natoms=128)
    d.add_argument("--low", type=float, default=300.0, help="K")
    d.add_argument("--high", type=float, default=1200.0, help="K")
    d.add_argument("--picoseconds", type=float, default=20.0, help="of heating (20)")
    d.add_argument("--timestep", type=float, default=2.0, help="fs (2)")
    d.add_argument("--every", type=float, default=50.0, help="fs between samples (50)")
    e = commands.add_parser("ase-speed", help="time one calculator here (speed calls this)")
    e.add_argument("name", choices=speed.OTHERS)
    e.add_argument("--frame", type=Path, required=True)
    e.add_argument("--steps", type=int, default=3)
    return parser


@plain_errors
@resumable
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = parse(build_parser(), arguments)
    runs: dict[str, Callable[[argparse.Namespace, Path], dict[str, str]]] = {
        "speed": _speed, "drift": _drift, "stability": _stability, "deviation": _deviation,
    }  # fmt: skip
    begin = time.monotonic()
    if args.command == "ase-speed":
        print(speed.one_other(args.name, args.frame, steps=args.steps))
        return 0
    args.out.mkdir(parents=True, exist_ok=True)
    args.resumed, title = False, f"simulate {args.command}"
    files = runs[args.command](args, args.work or paths.build_dir() / "simulate")
    # "command" there means the whole line
    skipped = ("command", "line", "out", "work", "seed", "resumed")
    spent = time_before(args.out, title) if args.resumed else 0.0
    list_results(
        args.out, title=title, command=args.line, sources=[SOURCE],
        parameters={k: str(v) for k, v in vars(args).items() if k not in skipped},
        seed=getattr(args, "seed", speed.SEED), wall_time_s=spent + time.monotonic() - begin,
        files=files, resumed=args.resumed,
    )  # fmt: skip
    print(", ".join(str(args.out / name) for name in files))
    return 0


if __name__ == "__main__":
    sys.exit(main())
