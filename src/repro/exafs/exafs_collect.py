"""Brings simulated spectra from a work folder into ``data/exafs``.

What a work folder holds is written over what ships of the same name; all else that ships
stays, so that one set can be added without running the others again.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from repro import data
from repro.errors import InputError
from repro.exafs import site_spectra, structures
from repro.exafs.exafs_chapter import FOIL, STANDARDS

FOLDER = "exafs"
RUNS, SPEED = "structures.csv", "speed.csv"
PROGRAMS = ("feff8l", "feff6l")
THIN = 6  # every so many of the sites are enough for a cross-check
CROSS: dict[str, Any] = {"rpath": 4.5, "nleg": 4}
"""Settings of a cross-check: feff6l has no room for the paths of :data:`site_spectra.SETTINGS`."""
EARLIER = "before walls were kept by set"


def snapshots(work: Path, name: str) -> Path:
    """Return where the snapshots of a set lie in a work folder."""
    return work / "snapshots" / f"{name}.extxyz.gz"


def spectra(work: Path, name: str, program: str = "") -> Path:
    """Return where the spectra of a set lie in a work folder; those of a cross-check by program."""
    end = f".cross-{program}" if program else ""
    return work / "spectra" / f"{name}{end}.csv.gz"


def note_file(file: Path) -> Path:
    """Return where what is to be known of a file of a work folder lies: beside it."""
    return file.with_name(file.name.split(".gz")[0] + ".json")


def write_note(file: Path, content: dict[str, Any]) -> None:
    """Write what is to be known of a file of a work folder beside it."""
    note_file(file).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def note(file: Path) -> dict[str, Any]:
    """Return what is written beside a file of a work folder; empty if there is nothing."""
    if not note_file(file).is_file():
        return {}
    content: dict[str, Any] = json.loads(note_file(file).read_text(encoding="utf-8"))
    return content


def _shipped(out: Path) -> tuple[dict[str, str], dict[str, float], pd.DataFrame]:
    """Return descriptions, wall times by set, and MD runs of what ships; empty if nothing does."""
    if not (out / data.MANIFEST).is_file():
        return {}, {}, pd.DataFrame()
    old = data.manifest(out)
    names = {name: str(entry["description"]) for name, entry in old["files"].items()}
    walls = old["parameters"].get("wall_s", {EARLIER: old["wall_time_s"]})
    runs = (
        pd.read_csv(out / RUNS)
        if RUNS in names and (out / RUNS).stat().st_size > 1
        else pd.DataFrame()
    )
    return names, {key: float(value) for key, value in walls.items()}, runs


def _whole(work: Path, name: str, program: str) -> dict[str, Any]:
    """Return the note of a set's spectra, and refuse those that a kill or new snapshots left behind."""
    file, seen = spectra(work, name, program), note(snapshots(work, name))
    about = note(file)
    if seen and about.get("seeds") == seen["seeds"]:
        return about
    part = f"cross --names {name}" if program else f"go --names {name}"
    raise InputError(f"{file}: not finished, or of other seeds than the snapshots of its set; go on "
                     f"with the part '{part}'")  # fmt: skip


def collect(work: Path, out: Path, *, command: str) -> int:
    """Bring what is finished from a work folder into the data folder; return the number of sets.

    Sets that ship and are not in the work folder stay as they are.

    Parameters
    ----------
    work, out:
        Folder of the runs, and data folder.
    command:
        For the manifest.

    Raises
    ------
    InputError
        If nothing is finished, or spectra are not those of their snapshots.
    """
    names, walls, shipped_runs = _shipped(out)
    runs, done = [], []
    out.mkdir(parents=True, exist_ok=True)
    for name, one in structures.SETS.items():
        wall = 0.0
        for program in ("", *PROGRAMS):
            file = spectra(work, name, program)
            if not file.is_file():
                continue
            about = _whole(work, name, program)
            shutil.copyfile(file, out / file.name)
            thinned = f", every {THIN}th site, for the cross-check" if program else ""
            names[file.name] = (f"{one.about}: chi(k) of {about['sites']} Ga sites by "
                                f"{about['program']}{thinned}")  # fmt: skip
            wall += about["wall_s"]
        if spectra(work, name).is_file():
            done.append(name)
            seen = snapshots(work, name)
            shutil.copyfile(seen, out / seen.name)
            names[seen.name] = f"{one.about}: {note(seen)['frames']} snapshots, extended XYZ"
            own = note(seen)["runs"]
            runs += own
            walls[name] = round(wall + sum(row["wall_s"] for row in own), 1)
    if not done:
        raise InputError(f"{work}: no finished spectra; make them with the part 'go'")
    table = pd.DataFrame(runs)
    if len(shipped_runs):
        table = pd.concat([shipped_runs[~shipped_runs["set"].isin(done)], table], ignore_index=True)
    if len(table):
        order = {name: number for number, name in enumerate(structures.SETS)}
        table = table.sort_values("set", key=lambda names: names.map(order), kind="stable")
    table.to_csv(out / RUNS, index=False, lineterminator="\n")
    names[RUNS] = "MD of the crystals and of the clays before they melt: one row a run"
    for extra, words in (
        (
            SPEED,
            "FEFF on the same sites, one and two at once; the column load says what ran beside",
        ),
        (STANDARDS, "first shells of crystals at rest by FEFF: phases of Ga-F and Ga-Cl"),
        (FOIL, "edge of a public Re foil as our pipeline finds it; not the scan"),
    ):
        if (work / extra).is_file():
            shutil.copyfile(work / extra, out / extra)
            names[extra] = words
    data.write_manifest(
        out, title="Simulated Ga K EXAFS of crystals and clays, site by site", license="CC-BY-4.0",
        sources=["This book; MD: data/clay, data/potential/models/reference.pb",
                 "FEFF8.5L and FEFF6L as they come with xraylarch"],
        command=command, seed=site_spectra.DRAW, files=names, wall_time_s=sum(walls.values()),
        parameters={
            "make": "python -m repro.exafs.exafs_cli go --work W",
            "cross_check": "python -m repro.exafs.exafs_cli cross --work W", "cross": CROSS,
            "standards": "python -m repro.exafs.exafs_cli standards --work W",
            "foil": "python -m repro.exafs.exafs_cli foil FILE --source WORDS --work W",
            "edge": "Ga K", "radius_A": site_spectra.RADIUS, "k_max": site_spectra.K_MAX,
            "wall_s": walls, **site_spectra.SETTINGS,
        },
    )  # fmt: skip
    return len(done)
