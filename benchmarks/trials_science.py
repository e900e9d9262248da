"""Broken on purpose: molecular dynamics, FEFF, and files from a beamline."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from benchmarks.broken import Copy, Said
from benchmarks.trials import tiny_disk, trial

GA_K, RE_L3 = 10367.0, 10535.0  # eV
# An argon crystal needs no model.
_ARGON = """\
units metal
lattice fcc 5.26
region box block 0 6 0 6 0 6
create_box 1 box
create_atoms 1 box
mass 1 39.9
pair_style lj/cut 8.5
pair_coeff 1 1 0.0104 3.4
velocity all create 50.0 1
fix 1 all nve
"""


def _lammps(copy: Copy, script: str, folder: str) -> Said:
    code = (f"from repro.md import lammps\nlammps.run({script!r}, "
            f"folder={str(copy.root / folder)!r})\nprint('ran to its end')")  # fmt: skip
    return copy.python(code, shown="repro.md.lammps.run(script)")


@trial("nothing (control: argon)", "LAMMPS runs", place="whole", status=0, says=r"ran to its end")
def _(copy: Copy) -> Said:
    return _lammps(copy, _ARGON + "run 20\n", "md-good")


@trial("a LAMMPS command that does not exist", "command and line are named", place="whole",
       says=r"LAMMPS: .*thermostat.*line 11 of the script")  # fmt: skip
def _(copy: Copy) -> Said:
    return _lammps(copy, _ARGON + "thermostat 300\nrun 20\n", "md-unknown")


@trial("a time step a thousand times too long", "that it blew up is said, and what to try",
       place="whole", says=r"the run blew up at or after step \d+")  # fmt: skip
def _(copy: Copy) -> Said:
    return _lammps(copy, _ARGON + "timestep 1.0\nthermo 1\nrun 200\n", "md-blown")


@trial("the disk fills up while LAMMPS writes", "that the disk is full is said", place="whole",
       says=r"the disk is full")  # fmt: skip
def _(copy: Copy) -> Said:
    script = _ARGON + "dump 1 all custom 1 all.dump id x y z vx vy vz fx fy fz\nrun 200\n"
    with tiny_disk(copy.root / "md-full", "256k"):
        return _lammps(copy, script, "md-full")


@trial("the shipped model is missing", "the model is named, and how to get it back", place="whole",
       says=r"reference\.pb: .*(no such|missing)(.|\n)*git checkout")  # fmt: skip
def _(copy: Copy) -> Said:
    copy.remove("data/potential/models/reference.pb")
    return copy.module("repro.clay.campaign_cli", "step", "sandwich", "--preset", "class", "--work",
                       str(copy.root / "campaign"))  # fmt: skip


def _feff(copy: Copy, broken: int) -> Said:
    code = f"""
from dataclasses import replace
from pathlib import Path
from repro.clay import trajectory
from repro.exafs import feff_runs, site_spectra
whole = site_spectra.drawn(trajectory.read(Path({str(copy.root / "data/exafs/GaF3.extxyz.gz")!r})), 20)
for number in range({broken}):
    places = whole[3 + number].positions.copy()
    places[1] = places[0] + 0.01
    whole[3 + number] = replace(whole[3 + number], positions=places)
made = list(feff_runs.run_sites(whole, rpath=3.0, nleg=2, processes=2))
lost = [one for one in made if isinstance(one, feff_runs.Failure)]
print(len(made) - len(lost), "of", len(whole), "sites;", *[one.reason for one in lost])
"""
    return copy.python(code, shown="repro.exafs.feff_runs.run_sites(20 sites)")


@trial("one site of twenty has two atoms in one place", "the site is named, the others go on",
       place="whole", status=0, says=r"19 of 20 sites; \S.*atom \d+")  # fmt: skip
def _(copy: Copy) -> Said:
    return _feff(copy, 1)


@trial("two sites of twenty have two atoms in one place", "too many: no mean is given",
       place="whole", says=r"2 of 20 sites failed, more than the 5% allowed")  # fmt: skip
def _(copy: Copy) -> Said:
    return _feff(copy, 2)


def _scan(edge: float, *, scale: float = 1.0, break_at: int | None = None) -> str:
    energy = np.arange(edge - 200, edge + 800, 1.0)
    mu = 0.2 + np.arctan((energy - edge) / 2.0) / np.pi + 0.5
    rows = [f"{e * scale:.4f} {m:.6f}" for e, m in zip(energy, mu, strict=True)]
    if break_at is not None:
        rows[break_at] = re.sub(r" \S+$", " nan", rows[break_at])
    return "# energy mu\n" + "\n".join(rows) + "\n"


def _read(copy: Copy, content: str | bytes) -> Said:
    copy.write("foil.dat", content)
    return copy.module("repro.exafs.exafs_cli", "foil", "foil.dat", "--source", "made up", "--work",
                       str(Path(copy.root) / "exafs"))  # fmt: skip


@trial("nothing (control: a made-up foil)", "the edge is found", place="whole", status=0,
       says=r"edge 1053\d\.\d+")  # fmt: skip
def _(copy: Copy) -> Said:
    return _read(copy, _scan(RE_L3))


@trial("energies in keV", "refused, with the likely unit", place="whole", says=r"look like keV")
def _(copy: Copy) -> Said:
    return _read(copy, _scan(RE_L3, scale=1e-3))


@trial("the scan of another edge (Ga K for Re L3)", "refused, with both energies", place="whole",
       says=r"the edge is at 1036\d.*expected the Re L3 edge near 10535 eV")  # fmt: skip
def _(copy: Copy) -> Said:
    return _read(copy, _scan(GA_K))


@trial("a value that is no number", "the point is named", place="whole",
       says=r"foil\.dat, line 502: mu is nan")  # fmt: skip
def _(copy: Copy) -> Said:
    return _read(copy, _scan(RE_L3, break_at=500))


@trial("a binary file", "refused, with what is expected", place="whole",
       says=r"a binary file; expected column text")  # fmt: skip
def _(copy: Copy) -> Said:
    return _read(copy, b"\x00\x01\x02" * 100)
