"""A FEFF that costs nothing: a script that reads feff.inp and writes what feff8l would."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from repro.exafs.feff import Program
from repro.exafs.feff_sites import Site

# chi is that of one shell at the distance of the first atom, amplitude 1/R^2.
SCRIPT = """#!{python} -IS
import math, os, sys, time
text = open("feff.inp").read()
with open({log!r}, "a") as log:
    log.write(os.getcwd() + " " + " ".join(sorted(os.listdir("."))) + chr(10))
x, y, z = map(float, text.split("ATOMS")[1].splitlines()[2].split()[:3])
r = math.sqrt(x * x + y * y + z * z)
{special}
print(" Calculating chi...")
rows = ["%10.4f %13.6E 0 0" % (0.05 * i, math.sin(0.1 * i * r) / (r * r)) for i in range(401)]
open("chi.dat", "w").write("# stub" + chr(10) + chr(10).join(rows) + chr(10))
open("list.dat", "w").write("stub\\n pathindex sig2 amp ratio deg nlegs r effective\\n"
                            " 1 0.0 100.0 1.0 2 %.4f\\n 2 0.0 20.5 2.0 3 %.4f\\n" % (r, 2 * r))
"""


def stub(folder: Path, *, special: str = "", version: str = "stub 1", name: str = "feff8l",
         left: str = "chi.dat") -> Program:  # fmt: skip
    """Return a program; ``special`` is Python that runs before it writes, ``r`` is the distance."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "stub.py"
    log = str(folder / "runs.txt")
    file.write_text(SCRIPT.format(python=sys.executable, log=log, special=special))
    file.chmod(0o755)
    return Program(name, version, ((file, left),))


def runs(folder: Path) -> list[str]:
    """Return the working folder of each run of a stub so far, and what lay in it."""
    log = folder / "runs.txt"
    return log.read_text().splitlines() if log.is_file() else []


def site(distance: float = 2.0, *, frame: str = "frame 0", atom: int = 0,
         radius: float = 6.5) -> Site:  # fmt: skip
    """Return a site of one Cl."""
    return Site(frame, atom, 0.0, "Ga", ("Cl",), np.array([[0.0, 0.0, distance]]), radius)


def stub_chi(distance: float) -> NDArray[np.float64]:
    """Return what the stub writes, to the digits it writes."""
    k = 0.05 * np.arange(401)
    return np.array([float(f"{v:.6E}") for v in np.sin(2 * k * distance) / distance**2])


def frame(number: int = 0, *, gallium: int = 4, edge: float = 12.0) -> Atoms:
    """Return a frame of Ga, each with one Cl, apart from each other, in a triclinic cell."""
    rng = np.random.default_rng(number)
    cell = np.array([[edge, 0, 0], [1.0, edge, 0], [-0.5, 0.7, edge]])
    share = np.array([[(i % 2) / 2, (i // 2 % 2) / 2, (i // 4) / 2] for i in range(gallium)])
    ga = share @ cell
    cl = ga + np.array([0, 0, 1.0]) * rng.uniform(1.9, 2.4, size=(gallium, 1))
    return Atoms(["Ga"] * gallium + ["Cl"] * gallium, positions=np.vstack([ga, cl]), cell=cell,
                 pbc=True, info={"time_ps": 0.5 * number})  # fmt: skip
