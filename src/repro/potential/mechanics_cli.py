"""Equations of state and tensile curves of the crystals, by student and teacher.

    S=data/potential/structures/structures.extxyz
    python -m repro.potential.mechanics_cli eos --calculator student --model M --structures $S
    python -m repro.potential.mechanics_cli eos --calculator teacher --structures $S
    python -m repro.potential.mechanics_cli tensile --calculator student --model M --structures $S

The teacher needs the extra [labels] and is slow: each point is written as it is done,
and the same command goes on after a kill.  Points of another model under the same name
are refused; ``--fresh`` throws them away.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms

from repro import data
from repro.commands import parse, plain_errors
from repro.errors import InputError, did_you_mean
from repro.potential import frames, mechanics, tables
from repro.potential.mechanics import Point
from repro.potential.teacher import MODELS

Row = dict[str, Any]
TENSILE_PHASES = ("LiCl", "GaF3-alpha")
# Of each phase: key in data/moduli/moduli.csv, formula in data/structures/measured.csv,
# quantity in data/moduli/literature.csv.
REFERENCES = {
    "LiCl": ("LiCl-mp", "LiCl", ""), "LiF": ("LiF-mp", "LiF", ""),
    "GaF3-alpha": ("", "GaF3", "bulk modulus of GaF3"),
    "GaCl3": ("GaCl3-mp", "GaCl3", ""), "GaCl2": ("GaCl2-mp", "GaCl2", ""),
}  # fmt: skip


def read_table(file: Path, *, model: str, fmax: float, fresh: bool) -> list[Row]:
    """Return the rows done so far; none if there is no file.

    Raises
    ------
    InputError
        If they come from another model, or were relaxed to another largest force (which
        tables of before do not say).
    """
    if fresh or not file.exists():
        return []
    with open(file, newline="", encoding="utf-8") as stream:
        rows: list[Row] = list(csv.DictReader(stream))
    for row in rows:
        if row.get("model") != model:
            raise InputError(f"{file}: its points are of {row.get('model')!r}, now {model!r}; "
                             "give --fresh, another --name or another --out")  # fmt: skip
        if row.setdefault("fmax_eV_per_A", "") not in ("", tables.tidy(fmax)):
            raise InputError(f"{file}: its points are relaxed to {row['fmax_eV_per_A']} eV/A, now "
                             f"{fmax:g}; give --fresh, the same --fmax or another --out")  # fmt: skip
    return rows


def not_relaxed(rows: Sequence[Row], fmax: float) -> str:
    """Return how many points ended above the largest force they were to reach, or nothing.

    ``fmax``, eV/angstrom, is for the rows of old tables, which do not say theirs.
    """
    count = sum(
        float(row["residual_eV_per_A"]) > float(row["fmax_eV_per_A"] or fmax) for row in rows
    )
    return f"{count} of {len(rows)} points not relaxed" if count else ""


def choose(found: Sequence[Atoms], wanted: Sequence[str]) -> list[Atoms]:
    """Return the wanted phases, or every crystal and hypothetical one.

    Raises
    ------
    InputError
        For a phase that is not among the structures.
    """
    there = {str(atoms.info["family"]): atoms for atoms in found}
    for name in wanted:
        if name not in there:
            raise InputError(f"phase {name!r}: not in the structures{did_you_mean(name, there)}")
    return [there[name] for name in wanted] if wanted else [
        atoms for atoms in found if atoms.info["kind"] in ("crystal", "hypothetical")
    ]  # fmt: skip


class Scan:
    """Points of one table, written one by one, and the relaxed crystals they start from."""

    def __init__(self, args: argparse.Namespace, *, table: str, structures: str) -> None:
        self.args, self.model = args, mechanics.describe(args.calculator, args.model)
        self.table, self.shard = args.out / table, args.out / structures
        self.rows = read_table(self.table, model=self.model, fmax=args.fmax, fresh=args.fresh)
        self.resumed = bool(self.rows)
        if args.fresh:
            self.shard.unlink(missing_ok=True)
        self.stop_at = time.time() + 3600 * args.hours
        self._calculator: Any = None

    @property
    def wall_s(self) -> float:
        """Seconds of all points, those of earlier commands too."""
        return sum(float(row["wall_s"]) for row in self.rows)

    @property
    def calculator(self) -> Any:
        """The calculator, loaded when first needed."""
        if self._calculator is None:
            self._calculator = mechanics.make_calculator(self.args.calculator, self.args.model)
        return self._calculator

    def state(self, key: str, make: Callable[[], Point]) -> Atoms:
        """Return a saved structure, or make, save and return it."""
        for atoms in frames.read_shard(self.shard):
            if atoms.info["frame_id"] == key:
                if atoms.info.get("model") != self.model:
                    raise InputError(f"{self.shard}: {key} is of {atoms.info.get('model')!r}, now "
                                     f"{self.model!r}; give --fresh")  # fmt: skip
                return atoms
        point = make()
        return self.keep(key, point)

    def keep(self, key: str, point: Point) -> Atoms:
        """Append a structure to the shard; return it."""
        frame: Atoms = point.atoms.copy()
        frame.info = {"frame_id": key, "family": point.atoms.info["family"], "model": self.model,
                      "energy_eV": point.energy, "pressure_GPa": point.pressure,
                      "steps": point.steps, "residual_eV_per_A": point.residual}  # fmt: skip
        frames.append_frame(self.shard, frame)
        return frame

    def done(self, **wanted: str) -> bool:
        """Return whether a row with these values is there."""
        return any(all(row[k] == v for k, v in wanted.items()) for row in self.rows)

    def add(self, row: Row) -> None:
        """Append a row and write the table."""
        self.rows.append({k: v if isinstance(v, str) else tables.tidy(v) for k, v in row.items()})
        tables.write_table(self.table, self.rows)

    def out_of_time(self) -> bool:
        """Say so once the time is up."""
        if time.time() < self.stop_at:
            return False
        print("time is up; start the same command again to go on", flush=True)
        return True


def eos(args: argparse.Namespace, phases: Sequence[Atoms]) -> tuple[dict[str, str], Scan]:
    """Scan volumes, fit, write; return the files with their descriptions, and the points."""
    points, relaxed, fits = (f"eos_points_{args.name}.csv", f"eos_relaxed_{args.name}.extxyz",
                             f"eos_{args.name}.csv")  # fmt: skip
    scan = Scan(args, table=points, structures=relaxed)
    for number, atoms in enumerate(phases):
        phase, begin = str(atoms.info["family"]), time.monotonic()
        for scale in mechanics.SCALES:
            key = {"phase": phase, "shape": args.shape, "scale": tables.tidy(scale)}
            if scan.done(**key):
                continue
            if scan.out_of_time():
                break
            clock = time.monotonic()
            try:
                start = scan.state(phase, lambda a=atoms: mechanics.relax(  # type: ignore[misc]
                    a, scan.calculator, fmax=args.fmax, steps=args.steps))  # fmt: skip
                point = mechanics.at_volume(start, scan.calculator, scale=scale, shape=args.shape,
                                            fmax=args.fmax, steps=args.steps)  # fmt: skip
            except mechanics.RunawayError as error:
                print(f"{error}; passed over", flush=True)
                break
            scan.add({
                **key, "model": scan.model, "atoms": len(atoms), "volume_A3": f"{point.volume:.6f}",
                "energy_eV": f"{point.energy:.8f}", "pressure_GPa": point.pressure,
                "steps": point.steps, "residual_eV_per_A": point.residual,
                "wall_s": time.monotonic() - clock, "fmax_eV_per_A": args.fmax,
                "source": "computed: repro.potential.mechanics_cli eos",
            })  # fmt: skip
        print(f"[{number + 1}/{len(phases)}] {phase}: {time.monotonic() - begin:.0f} s", flush=True)
    everyone = {str(a.info["family"]): a for a in frames.read_shard(args.structures)}
    there = dict.fromkeys([(row["phase"], row["shape"]) for row in scan.rows]
                          + [(str(atoms.info["family"]), args.shape) for atoms in phases])  # fmt: skip
    table = [eos_row(everyone[phase], shape, scan.rows, scan.model, fmax=args.fmax)
             for phase, shape in there]  # fmt: skip
    if table:
        tables.write_table(args.out / fits, table)
    return {points: f"energies and pressures at scaled volumes, {args.name}",
            relaxed: f"crystals relaxed at zero pressure, {args.name}",
            fits: f"Birch-Murnaghan fits of {args.name} beside Materials Project and experiment"
            }, scan  # fmt: skip


def eos_row(atoms: Atoms, shape: str, rows: Sequence[Row], model: str, *, fmax: float) -> Row:
    """Return the fit of one phase beside published values; ``fmax`` as in :func:`not_relaxed`."""
    phase = str(atoms.info["family"])
    own = sorted((row for row in rows if (row["phase"], row["shape"]) == (phase, shape)),
                 key=lambda row: float(row["scale"]))  # fmt: skip
    volumes = [float(row["volume_A3"]) for row in own]
    record: Row = {
        "phase": phase, "formula": atoms.get_chemical_formula(empirical=True), "model": model,
        "shape": shape, "points": len(own),
    }  # fmt: skip
    names = ("volume_A3_per_atom", "volume_error_A3_per_atom", "density_g_cm3",
             "density_error_g_cm3", "bulk_modulus_GPa", "bulk_modulus_error_GPa",
             "pressure_derivative", "pressure_derivative_error", "fit_rms_meV_per_atom",
             "bulk_modulus_from_pressure_GPa")  # fmt: skip
    values, notes = [""] * len(names), [not_relaxed(own, fmax)]
    try:
        fit = mechanics.fit_eos(volumes, [float(row["energy_eV"]) for row in own])
        check, _ = mechanics.modulus_from_pressures(
            volumes, [float(row["pressure_GPa"]) for row in own]
        )
        size, rho = len(atoms), mechanics.density(atoms, fit.volume)
        values = [tables.tidy(x) for x in (
            fit.volume / size, fit.volume_error / size, rho, rho * fit.volume_error / fit.volume,
            fit.modulus, fit.modulus_error, fit.derivative, fit.derivative_error,
            1000 * fit.rms / size, check)]  # fmt: skip
    except InputError as error:
        notes.append(str(error))
    return record | dict(zip(names, values, strict=True)) | published(phase) | {
        "note": "; ".join(filter(None, notes)),
        "source": "computed: repro.potential.mechanics_cli eos"}  # fmt: skip


def published(phase: str) -> Row:
    """Return Materials Project modulus, measured modulus and density of a phase, or blanks."""
    key, formula, quantity = REFERENCES.get(phase, ("", "", ""))

    def rows(name: str) -> list[dict[str, str]]:
        with open(data.path(name), newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))

    theirs = [row for row in rows("moduli/moduli.csv") if row["structure"] == key]
    dense = [row for row in rows("structures/measured.csv") if row["formula"] == formula]
    measured = [row for row in rows("moduli/literature.csv") if row["quantity"] == quantity]
    sources = [row["source"] for row in (*theirs, *measured, *dense)]
    return {
        "bulk_modulus_mp_GPa": theirs[0]["bulk_modulus_gpa"] if theirs else "",
        "bulk_modulus_measured_GPa": "; ".join(f"{r['value']}({r['uncertainty']})"
                                               for r in measured),
        "density_measured_g_cm3": dense[0]["density_g_cm3"] if dense else "",
        "published_source": "; ".join(sources),
    }  # fmt: skip


def tensile(args: argparse.Namespace, phases: Sequence[Atoms]) -> tuple[dict[str, str], Scan]:
    """Stretch crystals along z step by step; return as :func:`eos` does."""
    points, states, slopes = (f"tensile_{args.name}.csv", f"tensile_{args.name}.extxyz",
                              f"tensile_slopes_{args.name}.csv")  # fmt: skip
    scan = Scan(args, table=points, structures=states)
    for number, atoms in enumerate(phases):
        phase, begin = str(atoms.info["family"]), time.monotonic()

        def at_rest(start: Atoms = atoms) -> Point:
            point = mechanics.relax(mechanics.upright(start), scan.calculator, fmax=args.fmax,
                                    steps=args.steps)  # fmt: skip
            return Point(mechanics.upright(point.atoms), point.energy, point.volume, point.stress,
                         point.steps, point.residual)  # fmt: skip

        clock = time.monotonic()  # the first point's time is that of the state at rest, too
        rest = scan.state(phase, at_rest)
        before = rest
        for strain in mechanics.STRAINS:
            name = f"{phase}/{args.lateral}/{strain:.2f}"
            key = {"phase": phase, "lateral": args.lateral, "strain": tables.tidy(strain)}
            saved = {str(a.info["frame_id"]): a for a in frames.read_shard(scan.shard)}
            if scan.done(**key) and name in saved:
                before, clock = saved[name], time.monotonic()
                continue
            if scan.out_of_time():
                break
            try:
                point = mechanics.stretched(
                    before, scan.calculator, strain=strain, reference=rest, lateral=args.lateral,
                    fmax=args.fmax, steps=args.steps,
                )  # fmt: skip
            except mechanics.RunawayError as error:
                print(f"{error}; passed over", flush=True)
                break
            if name not in saved:
                scan.keep(name, point)
            before = point.atoms
            stress = dict(zip(("xx", "yy", "zz", "yz", "xz", "xy"), point.stress, strict=True))
            if not scan.done(**key):
                scan.add({
                    **key, "model": scan.model, "atoms": len(atoms),
                    **{f"stress_{k}_GPa": v for k, v in stress.items()},
                    "volume_ratio": point.volume / rest.get_volume(),
                    "energy_eV_per_atom": f"{point.energy / len(atoms):.6f}",
                    "steps": point.steps, "residual_eV_per_A": point.residual,
                    "wall_s": time.monotonic() - clock, "fmax_eV_per_A": args.fmax,
                    "source": "computed: repro.potential.mechanics_cli tensile",
                })  # fmt: skip
            clock = time.monotonic()
        print(f"[{number + 1}/{len(phases)}] {phase}: {time.monotonic() - begin:.0f} s", flush=True)
    table = []
    for phase, lateral in dict.fromkeys((r["phase"], r["lateral"]) for r in scan.rows):
        own = [r for r in scan.rows if (r["phase"], r["lateral"]) == (phase, lateral)]
        x, y = [float(r["strain"]) for r in own], [float(r["stress_zz_GPa"]) for r in own]
        if len([e for e in x if e <= 0.05]) >= 4:
            slope = mechanics.initial_slope(x, y)
            table.append({
                "phase": phase, "lateral": lateral, "model": scan.model,
                "slope_GPa": tables.tidy(slope.value), "slope_error_GPa": tables.tidy(slope.error),
                "points": slope.points, "strain_limit": "0.05",
                "highest_stress_GPa": tables.tidy(max(y)),
                "strain_of_highest": tables.tidy(x[y.index(max(y))]),
                "note": not_relaxed(own, args.fmax),
                "source": "computed: repro.potential.mechanics_cli tensile",
            })  # fmt: skip
    if table:
        tables.write_table(args.out / slopes, table)
    return {points: f"static stress along z against engineering strain, {args.name}",
            states: f"structures of that curve, {args.name}",
            slopes: f"initial slopes of the tensile curves, {args.name}"}, scan  # fmt: skip


def build_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.potential.mechanics_cli", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--calculator", choices=mechanics.CALCULATORS, required=True,
                        help="who computes")  # fmt: skip
    common.add_argument("--model", help=f"DeePMD file, or one of {', '.join(MODELS)}")
    common.add_argument("--name", help="in the file names (student: the model's stem; teacher)")
    common.add_argument("--structures", type=Path, help="extxyz of relaxed crystals (shipped)")
    common.add_argument("--phases", nargs="+", default=[], help="only these")
    tables.out_option(common)
    common.add_argument("--fmax", type=float, default=mechanics.FMAX,
                        help=f"end of relaxations, eV/A ({mechanics.FMAX})")  # fmt: skip
    common.add_argument("--steps", type=int, default=mechanics.STEPS,
                        help=f"most steps of a relaxation ({mechanics.STEPS})")  # fmt: skip
    common.add_argument("--hours", type=float, default=24.0, help="begin no point after this (24)")
    common.add_argument("--fresh", action="store_true", help="throw earlier points away")
    one = commands.add_parser("eos", parents=[common], help="equations of state")
    one.add_argument("--shape", choices=mechanics.SHAPES, default="relaxed",
                     help="cell shape at each volume (relaxed)")  # fmt: skip
    two = commands.add_parser("tensile", parents=[common], help="stretch along z")
    two.add_argument("--lateral", choices=mechanics.SHAPES, default="relaxed",
                     help="lateral cell at each strain (relaxed)")  # fmt: skip
    return parser


def run(args: argparse.Namespace) -> None:
    """Carry out a parsed command."""
    if args.structures is None:
        args.structures = data.path("potential/structures/structures.extxyz")
    if not args.structures.is_file():
        raise InputError(f"{args.structures}: no such file")
    if args.name is None:
        args.name = "teacher" if args.calculator == "teacher" else Path(str(args.model)).stem
    wanted = args.phases or (TENSILE_PHASES if args.command == "tensile" else ())
    phases = choose(frames.read_shard(args.structures), wanted)
    files, scan = (eos if args.command == "eos" else tensile)(args, phases)
    files = {name: text for name, text in files.items() if (args.out / name).is_file()}
    option = {"shape": args.shape} if args.command == "eos" else {"lateral": args.lateral}
    tables.list_results(
        args.out, title=f"{args.command} {args.name}", files=files, seed=None,
        sources=["data/potential/structures", "data/moduli and data/structures (published values)"],
        command=args.line,
        parameters={"model": scan.model, "fmax_eV_per_A": args.fmax, "steps": args.steps,
                    **option}, wall_time_s=scan.wall_s, resumed=scan.resumed,
    )  # fmt: skip
    print(f"tables in {args.out}: {', '.join(files)}")


@plain_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    run(parse(build_parser(), arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
