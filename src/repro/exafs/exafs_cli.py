"""Spectra of the simulated crystals and clays from the command line.

    python -m repro.exafs.exafs_cli go --work WORK --cores 2
    python -m repro.exafs.exafs_cli structures GaF3 GaCl3 2-1-before --work WORK
    python -m repro.exafs.exafs_cli spectra 2-1-after --work WORK --cores 2
    python -m repro.exafs.exafs_cli cross --work WORK
    python -m repro.exafs.exafs_cli standards --work WORK
    python -m repro.exafs.exafs_cli foil FILE --source WORDS --work WORK
    python -m repro.exafs.exafs_cli status --work WORK
    python -m repro.exafs.exafs_cli speed --work WORK --count 8
    python -m repro.exafs.exafs_cli collect --work WORK

``go`` does all sets whose runs are shipped: MD of the crystals and of the clays before they
melt, snapshots, FEFF on sites.  Everything is kept in WORK as it is made, so that the same
command goes on after a kill; a set of which more seeds have shipped since is made again, which
it says before it starts, and runs only sites that are new.  ``collect`` brings what is finished
into ``data/exafs``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from repro import data, folder_lock, paths
from repro.clay import trajectory
from repro.commands import parse, plain_errors, resumable
from repro.errors import InputError
from repro.exafs import feff, feff_sites, reader_files, site_spectra, structures
from repro.exafs.exafs_chapter import FOIL, STANDARDS
from repro.exafs.exafs_collect import (
    CROSS,
    FOLDER,
    PROGRAMS,
    SPEED,
    THIN,
    collect,
    note,
    note_file,
    snapshots,
    spectra,
    write_note,
)
from repro.progress import Progress

FIRST_SHELL = 2.8  # angstrom, beyond the first shell of both standards and short of the second


def make_structures(work: Path, name: str, *, model: Path | None = None) -> int:
    """Run the MD of a set where it needs one, and write its snapshots; return their number.

    Raises
    ------
    InputError
        If the runs that it begins from are not shipped.
    LammpsError
        If LAMMPS fails.
    """
    one = structures.get(name)
    seeds = structures.shipped(one)
    if not seeds:
        raise InputError(f"set {name!r}: no runs in data/clay/{one.preset}; make them with 'python -m "
                         f"repro.clay.campaign_cli go --preset {one.preset}'")  # fmt: skip
    rows = []
    if one.hold is not None:
        for seed in seeds:
            runs = structures.run(one, work, seed=seed, model=model)
            rows.append({
                "set": name, "seed": seed, "natoms": runs[0].thermo.natoms,
                "picoseconds": sum(r.leg.picoseconds for r in runs), "free_cell": one.hold.free_cell,
                **{key: round(value, 4) for key, value in structures.thermo(one, work, seed=seed).items()},
                "wall_s": round(sum(r.thermo.loop_s for r in runs), 1),
            })  # fmt: skip
    note_file(snapshots(work, name)).unlink(missing_ok=True)
    count = structures.write(one, work, snapshots(work, name), seeds=seeds)
    write_note(snapshots(work, name), {"set": name, "seeds": seeds, "frames": count, "runs": rows})
    return count


def outdated(work: Path, name: str) -> str:
    """Return why the snapshots of a set must be made, or an empty text where they need not.

    They are missing, or were cut off before their note was written, or are of other seeds than
    those that ship now.
    """
    file, now = snapshots(work, name), structures.shipped(structures.get(name))
    seeds = note(file).get("seeds")
    if not file.is_file() or seeds is None:
        return "no whole snapshots"
    if seeds == now:
        return ""
    old, new = (", ".join(map(str, one)) or "none" for one in (seeds, now))
    return f"snapshots of seeds {old}, where now {new} ship"


def cost(work: Path, name: str) -> str:
    """Return in words what making a set again takes, by what it took before."""
    one, last = structures.get(name), note(spectra(work, name))
    each = f", {last['feff_s'] / last['sites']:.1f} s each the last time" if last else ""
    md = "MD of the seeds that are not there, then " if one.hold is not None else ""
    return f"{md}FEFF on up to {one.sites} sites{each}; sites that are in the cache cost nothing"


def make_spectra(
    work: Path, name: str, *, cores: int = 2, count: int | None = None, cross: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> int:  # fmt: skip
    """Run FEFF on the sites of a set, or on what is left of them; return their number.

    Parameters
    ----------
    work, name:
        Folder and set; its snapshots are made first where they are not there as a whole.
    cores:
        How many FEFF run at once.
    count:
        Sites; those of the set if None.
    cross:
        Program of a cross-check, ``feff8l`` or ``feff6l``: every :data:`THIN`-th site with the
        shorter paths of :data:`CROSS`, for which feff6l has room.
    progress:
        Called with how many sites are done, and of how many.

    Raises
    ------
    InputError
        If the set's snapshots are missing, or numbers are out of range.
    FeffError
        If more than one site in twenty fails.
    """
    one = structures.get(name)
    if cores < 1:
        raise InputError(f"cores={cores}: expected 1 or more")
    file = snapshots(work, name)
    if not file.is_file() or not note(file):
        make_structures(work, name)
    target = spectra(work, name, cross)
    todo = site_spectra.drawn(trajectory.read(file), one.sites if count is None else count)
    todo = todo[::THIN] if cross else todo
    begun = time.monotonic()
    found, failures = site_spectra.compute(
        todo, program=cross or "feff8l", cores=cores, cache=work / "cache", progress=progress,
        **(CROSS if cross else {}),
    )  # fmt: skip
    # Without a note the table counts as unfinished; an old note would speak for a new table.
    note_file(target).unlink(missing_ok=True)
    site_spectra.write(found, target)
    write_note(target, {
        "set": name, "seeds": note(file)["seeds"], "program": found.program,
        "sites": len(found.chi), "failures": [f"{f.name}: {f.reason}" for f in failures],
        "feff_s": round(float(found.about.seconds.sum()), 1),
        "wall_s": round(time.monotonic() - begun, 1), "cores": cores,
    })  # fmt: skip
    return len(found.chi)


def standards(work: Path) -> pd.DataFrame:
    """Run FEFF on the first shells of crystals at rest, write and return the table.

    Ga-F from alpha-GaF3, Ga-Cl from the tetrahedra of LiGaCl4, whose bonds are all but equal;
    single scattering alone.  Columns: pair, crystal, distance_A, spread_A, number, k, chi.
    """
    parts = []
    for pair, family in (("Ga-F", "GaF3-alpha"), ("Ga-Cl", "LiGaCl4")):
        atoms = structures.relaxed(family)
        gallium = int(np.flatnonzero(np.array(atoms.get_chemical_symbols()) == "Ga")[0])
        site = feff_sites.cut(atoms, gallium, radius=site_spectra.RADIUS, frame=family)
        distance = np.linalg.norm(site.positions, axis=1)
        near = distance[distance < FIRST_SHELL]
        text = feff_sites.feff_input(site, rpath=FIRST_SHELL, nleg=2)
        found = feff.run_feff(text, name=site.name, cache=work / "cache")
        parts.append(pd.DataFrame({
            "pair": pair, "crystal": family, "distance_A": round(float(near.mean()), 5),
            "spread_A": round(float(near.std()), 5), "number": len(near),
            "k": np.round(found.k, 2), "chi": [float(f"{x:.6g}") for x in found.chi],
        }))  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    work.mkdir(parents=True, exist_ok=True)
    table.to_csv(work / STANDARDS, index=False, lineterminator="\n",
                 compression={"method": "gzip", "mtime": 0})  # fmt: skip
    return table


def speed(work: Path, name: str, *, count: int, cores: Sequence[int] = (1, 2)) -> pd.DataFrame:
    """Return how long FEFF takes on the same sites with so many at once, nothing cached.

    Raises
    ------
    InputError
        If the set has no snapshots.
    """
    file = snapshots(work, name)
    if not file.is_file():
        raise InputError(f"{file}: no snapshots; make them with the part 'structures'")
    todo = site_spectra.drawn(trajectory.read(file), count)
    rows: list[dict[str, Any]] = []
    for many in cores:
        cache = work / f"speed-{many}"
        shutil.rmtree(cache, ignore_errors=True)
        begun = time.monotonic()
        site_spectra.compute(todo, cores=many, cache=cache)
        rows.append({"cores": many, "sites": count, "wall_s": round(time.monotonic() - begun, 2)})
        shutil.rmtree(cache, ignore_errors=True)
    table = pd.DataFrame(rows)
    table["speed_up"] = (table.wall_s.iloc[0] / table.wall_s).round(3)
    return table


def _watch(names: Sequence[str]) -> tuple[Progress, Callable[[int, int], None]]:
    bar = Progress(dict.fromkeys(names))
    return bar, lambda at, of: bar.cell()


def _structures(args: argparse.Namespace) -> int:
    for name in args.names:
        print(f"{name}: {make_structures(args.work, name, model=args.model)} snapshots", flush=True)
    return 0


def _spectra(args: argparse.Namespace) -> int:
    bar, step = _watch(args.names)
    for name in args.names:
        bar.begin(name, args.sites if args.sites is not None else structures.get(name).sites)
        count = make_spectra(args.work, name, cores=args.cores, count=args.sites, progress=step)
        bar.end(f"{count} sites")
    return 0


def _cross(args: argparse.Namespace) -> int:
    for name in args.names:
        for program in PROGRAMS:
            count = make_spectra(args.work, name, cores=args.cores, cross=program)
            print(f"{name}, {program}: {count} sites", flush=True)
    return 0


def _go(args: argparse.Namespace) -> int:
    args.work.mkdir(parents=True, exist_ok=True)
    busy = InputError(f"{args.work}: another run is at work there; wait for it, or give another "
                      "folder")  # fmt: skip
    with folder_lock.held(args.work / ".exafs", patience=5.0, busy=busy):
        args.names, args.sites = args.names or structures.available(), None
        todo = {name: why for name in args.names if (why := outdated(args.work, name))}
        for name, why in todo.items():
            print(f"{name}: {why}; {cost(args.work, name)}", flush=True)
        for name in todo:
            make_structures(args.work, name, model=args.model)
        return _spectra(args)


def _status(args: argparse.Namespace) -> int:
    for name in structures.SETS:
        frames, done = note(snapshots(args.work, name)), note(spectra(args.work, name))
        words = f"{done['sites']} sites" if done else "-"
        print(f"{name:16s} {frames.get('frames', 0):3d} snapshots  {words}")
    return 0


def _speed(args: argparse.Namespace) -> int:
    table = speed(args.work, args.name, count=args.count)
    table.insert(0, "set", args.name)
    table["load"] = np.round(os.getloadavg()[0], 2)
    table.to_csv(args.work / SPEED, index=False, lineterminator="\n")
    print(table.to_string(index=False))
    return 0


def _standards(args: argparse.Namespace) -> int:
    for pair, own in standards(args.work).groupby("pair", sort=False):
        first = own.iloc[0]
        print(f"{pair}: {first.number} at {first.distance_A:.4f} angstrom ({first.crystal})")
    return 0


def _foil(args: argparse.Namespace) -> int:
    row = {"source": args.source, "sha256": data.sha256(args.file),
           **reader_files.foil_row(reader_files.read_foil(args.file, columns=args.columns))}  # fmt: skip
    args.work.mkdir(parents=True, exist_ok=True)
    pd.DataFrame([row]).to_csv(args.work / FOIL, index=False, lineterminator="\n")
    print(f"edge {row['edge_eV']:.2f} +- {row['error_eV']:.2f} eV ({row['read_as']})")
    return 0


def _collect(args: argparse.Namespace) -> int:
    out = args.out if args.out is not None else paths.data_dir() / FOLDER
    print(f"{out}: {collect(args.work, out, command=args.line)} sets")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m repro.exafs.exafs_cli",
                                     description="Simulated EXAFS")  # fmt: skip
    parts = parser.add_subparsers(dest="part", required=True)

    def add(name: str, about: str) -> argparse.ArgumentParser:
        one = parts.add_parser(name, help=about, description=about)
        one.add_argument("--work", type=Path, required=True, help="folder of the runs")
        return one

    known = ", ".join(structures.SETS)
    go = add("go", "do all sets, or what is left of them")
    go.add_argument("--names", nargs="*", default=[], help=f"{known}; all that ship")
    make = add("structures", "run the MD of sets and write their snapshots")
    make.add_argument("names", nargs="+", help=known)
    for one in (go, make):
        one.add_argument("--model", type=Path, help="another frozen model than the shipped one")
    run = add("spectra", "run FEFF on the sites of sets")
    run.add_argument("names", nargs="+", help=known)
    run.add_argument("--sites", type=int, help="instead of as many as the set has")
    cross = add("cross", "run feff8l and feff6l on the same sites")
    cross.add_argument("--names", nargs="+", default=["GaF3", "GaCl3", "2-1-after"], help=known)
    for one in (go, run, cross):
        one.add_argument("--cores", type=int, default=2, help="FEFF runs at once (2)")
    add("standards", "run FEFF on the first shells of crystals at rest")
    foil = add("foil", "find the edge of a Re foil and keep what was found")
    foil.add_argument("file", type=Path, help="column file or Athena project")
    foil.add_argument("--columns", default="", help="such as 'energy=2 mu=1' or 'unit=keV'")
    foil.add_argument("--source", required=True, help="where the file is from, in words")
    add("status", "say what is done")
    fast = add("speed", "time FEFF with one and with two runs at once, nothing cached")
    fast.add_argument("--name", default="2-1-after", help="set (2-1-after)")
    fast.add_argument("--count", type=int, default=8, help="sites (8)")
    bring = add("collect", "bring what is finished into data/exafs")
    bring.add_argument("--out", type=Path, help="data folder (data/exafs)")
    return parser


@plain_errors
@resumable
def main(arguments: Sequence[str] | None = None) -> int:
    """Run a part; return the exit status."""
    args = parse(_parser(), arguments)
    parts = {"go": _go, "structures": _structures, "spectra": _spectra, "cross": _cross, "status": _status,
             "standards": _standards, "foil": _foil, "speed": _speed, "collect": _collect}  # fmt: skip
    return parts[args.part](args)


if __name__ == "__main__":
    sys.exit(main())
