"""Bring finished runs of the campaign from a work folder into ``data/clay``.

Of each leg: the whole thermo table as gzipped CSV, the trajectory as gzipped extended XYZ
(thinned where it is long), and a row in ``runs.csv``.  Of the steps that others begin from:
the last state, from which :func:`restore` rebuilds a work folder that was lost.  Can be
given at any time; what is there already is written anew only if the run is another.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from repro import data, packed
from repro.clay import chain, trajectory
from repro.clay.presets import ANNEAL, ASSEMBLY, SANDWICH, Preset
from repro.errors import InputError
from repro.md import lammps, logs
from repro.md.logs import Thermo

MOST_FRAMES = 101
FEW_FRAMES = 6
RUNS = "runs.csv"
KEPT = (SANDWICH, ASSEMBLY, ANNEAL)
"""Steps whose last state is kept."""
COLUMNS = ("seed", "protocol", "leg", "number", "natoms", "picoseconds", "timestep_fs", "ranks",
           "wall_s", "ns_per_day", "temperature_K", "density_start_g_per_cm3",
           "density_g_per_cm3", "frames", "kernels", "code_version")  # fmt: skip


def stem(seed: int, protocol: str, leg: str) -> str:
    """Return the beginning of the names of a leg's files."""
    return f"seed{seed}_{protocol}_{leg}"


def leg_thermo(folder: Path) -> Thermo:
    """Return the whole thermo table of a finished leg.

    Raises
    ------
    InputError
        If the folder holds no log.
    """
    files = sorted(folder.glob("segment-*.log"))
    if not files:
        raise InputError(f"{folder}: no log; expected segment-0001.log")
    return logs.join([logs.read(file).last() for file in files], source=str(folder))


def write_thermo(table: Thermo, file: Path) -> None:
    """Write a thermo table as gzipped CSV, eight figures, equal bytes for equal tables."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    for row in zip(*table.columns.values(), strict=True):
        writer.writerow([f"{value:.8g}" for value in row])
    with packed.writing(file) as stream:
        stream.write(text.getvalue().encode())


def read_thermo(file: Path) -> Thermo:
    """Return the table of a file that :func:`write_thermo` wrote."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    values = np.array(rows[1:], dtype=float).reshape(len(rows) - 1, len(rows[0]))
    columns = {name: values[:, k] for k, name in enumerate(rows[0])}
    return Thermo(columns=columns, complete=True)


def _every(protocol: str, frames: int) -> int:
    """Return how to thin a leg so that its first and its last frame stay."""
    # Cycles are read at the ends of pulses; a diffusion run needs every frame.
    if protocol.startswith("diffusion") or frames < 3:
        return 1
    most = FEW_FRAMES if protocol.startswith("stress") else MOST_FRAMES
    every = max(1, -(-(frames - 1) // (most - 1)))
    while (frames - 1) % every:
        every += 1
    return every


def _frames(where: Path, timestep_fs: float) -> int:
    return sum(1 for _ in trajectory.dumped(where, timestep_fs=timestep_fs))


def _leg(
    done: dict[str, Any], leg: dict[str, Any], where: Path, out: Path, old: dict[str, Any]
) -> dict[str, Any]:
    """Write the files of a leg, unless the old row is of the same run; return its row."""
    name = stem(done["seed"], done["step"], leg["name"])
    files = [out / f"{name}.thermo.csv.gz", out / f"{name}.extxyz.gz"]
    same = old and old["wall_s"] == str(leg["wall_s"]) and all(f.is_file() for f in files)
    if same:
        return {"kernels": lammps.WHEEL, **old}
    table = leg_thermo(where)
    write_thermo(table, files[0])
    dt = float(done["timestep_fs"])
    every = _every(done["step"], _frames(where, dt))
    frames = trajectory.write(
        trajectory.thinned(trajectory.dumped(where, timestep_fs=dt), every), files[1]
    )
    wall = float(leg["wall_s"])
    return {
        "seed": done["seed"], "protocol": done["step"], "leg": leg["name"],
        "number": where.name.split("-")[0], "natoms": leg["natoms"],
        "picoseconds": leg["picoseconds"], "timestep_fs": dt, "ranks": done["ranks"],
        "wall_s": leg["wall_s"],
        "ns_per_day": f"{leg['picoseconds'] / wall * 86.4:.3f}" if wall > 0 else "",
        "temperature_K": f"{table['Temp'][len(table) // 2 :].mean():.1f}",
        "density_start_g_per_cm3": f"{table['Density'][0]:.4f}",
        "density_g_per_cm3": f"{table['Density'][len(table) // 2 :].mean():.4f}",
        "frames": frames, "kernels": done.get("kernels", lammps.WHEEL),
        "code_version": done["code_version"],
    }  # fmt: skip


def steps(preset: Preset, work: Path) -> Iterator[dict[str, Any]]:
    """Yield the record of each finished protocol, seeds in order.

    Raises
    ------
    InputError
        If a step is of another campaign.
    """
    seeds = sorted(int(p.name[4:]) for p in work.glob("seed*") if p.name[4:].isdigit())
    for seed in seeds:
        for name in preset.protocols:
            done = chain.finished_as(preset, name, work / f"seed{seed}" / name)
            if done is not None:
                yield done


def collect(preset: Preset, work: Path, out: Path, *, command: str) -> int:
    """Write the finished runs of a campaign and their manifest; return the number of legs.

    Parameters
    ----------
    preset, work:
        The campaign and its folder.
    out:
        Data folder.
    command:
        For the manifest.

    Raises
    ------
    InputError
        If nothing is finished, or a step is of another campaign.
    """
    finished = list(steps(preset, work))
    if not finished:
        raise InputError(f"{work}: no finished step of {preset.name!r}")
    known: dict[tuple[str, str, str], dict[str, Any]] = {}
    if (out / RUNS).is_file():
        with open(out / RUNS, newline="", encoding="utf-8") as stream:
            known = {(r["seed"], r["protocol"], r["leg"]): r for r in csv.DictReader(stream)}
    out.mkdir(parents=True, exist_ok=True)
    described: dict[str, Any] = {}
    for done in finished:
        described[done["step"]] = done["protocol"]
        for number, leg in enumerate(done["legs"], start=1):
            if leg["name"] == "relax" or leg["steps"] < 2:
                continue
            key = (str(done["seed"]), done["step"], leg["name"])
            where = work / f"seed{done['seed']}" / done["step"] / f"{number:02d}-{leg['name']}"
            # A restored step has its last state only; its legs were collected before.
            if key in known and not any(where.glob("segment-*.log")):
                continue
            known[key] = _leg(done, leg, where, out, known.get(key, {}))
    _keep_states(preset, work, out)
    order = {name: k for k, name in enumerate(preset.protocols)}
    rows = sorted(known.values(), key=lambda r: (int(r["seed"]), order.get(r["protocol"], 99),
                                                 int(r["number"])))  # fmt: skip
    with open(out / RUNS, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    _manifest(preset, out, rows, described, command)
    return len(rows)


def _keep_states(preset: Preset, work: Path, out: Path) -> None:
    """Keep last states and records of the steps that others begin from."""
    for folder in sorted(work.glob("seed*")):
        for name in KEPT:
            done = chain.finished_as(preset, name, folder / name)
            if done is None:
                continue
            with packed.writing(out / f"{folder.name}_{name}.data.gz") as stream:
                stream.write((folder / name / str(done["state"])).read_bytes())
            text = json.dumps(done, indent=1) + "\n"
            (out / f"{folder.name}_{name}.json").write_text(text, encoding="utf-8")


def restore(source: Path, work: Path) -> int:
    """Rebuild a work folder from kept states; return the number of steps.

    Steps that are there already stay.  Their legs are not rebuilt, so they can be gone on
    from, but not be collected again.

    Parameters
    ----------
    source:
        Data folder.
    work:
        Folder of the campaign.

    Raises
    ------
    InputError
        If the source holds no state.
    """
    records = sorted(source.glob("seed*_*.json"))
    if not records:
        raise InputError(f"{source}: no states; expected seed1_anneal.data.gz and the like")
    count = 0
    for record in records:
        seed, name = record.stem.split("_", 1)
        where = work / seed / name
        if chain.finished(where) is not None:
            continue
        done = json.loads(record.read_text(encoding="utf-8"))
        state = where / str(done["state"])
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_bytes(gzip.decompress((source / f"{record.stem}.data.gz").read_bytes()))
        (where / chain.DONE).write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
        count += 1
    return count


def _manifest(
    preset: Preset, out: Path, rows: list[dict[str, Any]], described: dict[str, Any], command: str
) -> None:
    files = {RUNS: "one row per leg: size, length, cost, mean temperature and density"}
    for row in rows:
        name = stem(int(row["seed"]), row["protocol"], row["leg"])
        what = f"seed {row['seed']}, {row['protocol']}, {row['leg']}"
        files[f"{name}.thermo.csv.gz"] = f"{what}: thermo table in LAMMPS metal units"
        files[f"{name}.extxyz.gz"] = f"{what}: {row['frames']} frames, extended XYZ"
    for state in sorted(out.glob("seed*_*.data.gz")):
        stem_ = state.name.removesuffix(".data.gz")
        seed, name = stem_.split("_", 1)
        files[state.name] = f"{seed}, {name}: last state, LAMMPS data file, gzipped"
        files[f"{stem_}.json"] = f"{seed}, {name}: record of the step"
    old = out / data.MANIFEST
    if old.is_file():  # protocols of runs whose work folder is gone
        earlier = json.loads(old.read_text(encoding="utf-8"))["parameters"].get("protocols", {})
        described = {**earlier, **described}
    data.write_manifest(
        out, title=f"MD campaign '{preset.name}' of the clay",
        license="CC-BY-4.0", sources=["This book; potential: data/potential/models/reference.pb"],
        command=command, seed=None, files=files,
        parameters={"preset": preset.name, "size": preset.size,
                    "timestep_fs": preset.timestep_fs, "protocols": described,
                    "run": f"python -m repro.clay.campaign_cli go --preset {preset.name} --work W",
                    "assembly": ASSEMBLY},
        wall_time_s=sum(float(row["wall_s"]) for row in rows),
    )  # fmt: skip
