"""Relax prototype crystals with a universal potential: model structures, labelled so.

Coordinates of GaBr3, GaI3, InI3 and alpha-GaF3 are not in any open
source at hand.  Each is made here from an isostructural halide of ``data/structures/cif``
(elements swapped, cell scaled), then relaxed under its space group with SevenNet-0
(a potential trained on PBE), for molecular and layered crystals with dispersion added,
which PBE lacks: Grimme's D2, which the paper used, or D3 with Becke-Johnson damping.  Known crystals go through the
same mill, so that density and bond lengths show how far a model can be trusted.

Writes ``data/structures/models``: one CIF per model, ``models.csv`` with energy,
volume and the bulk modulus from a Murnaghan fit to V(P).  Needs the ``labels``
extra (PyTorch), not the base environment.  Run from the repository root::

    PYTHONPATH=src python tools/relax_prototypes.py            # everything, about 30 min
    PYTHONPATH=src python tools/relax_prototypes.py GaI3-d3 # some of it
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import csv
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.mixing import SumCalculator
from ase.constraints import FixSymmetry
from ase.data import covalent_radii
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor
from pymatgen.io.cif import CifWriter
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer
from scipy.optimize import curve_fit

from repro import data, paths

POTENTIAL = "7net-0"
FMAX = 0.01  # eV/angstrom
FMAX_PRESSURE = 0.004  # the same for V(P), where a pressure step is a small force
STEPS = 200
PRESSURES = (0.0, 0.25, 0.5, 1.0)  # GPa
SYMPREC = 0.02  # angstrom
INI3_CELL = (9.837, 6.102, 12.195, 90.0, 107.69, 90.0)  # Forrester et al. 1964, P2_1/c
FIELDS = ("key", "formula", "prototype", "dispersion", "cell_origin", "space_group", "a", "b",
          "c", "alpha", "beta", "gamma", "volume_per_atom", "density_g_cm3", "energy_ev_atom",
          "fmax_ev_a", "steps", "converged", "bulk_modulus_gpa", "bulk_modulus_err_gpa",
          "source")  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One model: ``key`` from ``prototype`` with elements swapped."""

    key: str
    prototype: str
    swap: dict[str, str]
    dispersion: str
    cell: tuple[float, ...] | None = None
    moduli: bool = False


JOBS = (
    Job("GaCl3-d3", "GaCl3-mp", {}, "D3", moduli=True),
    Job("GaBr3-d3", "AlI3-mp", {"Al": "Ga", "I": "Br"}, "D3"),
    Job("GaI3-d3", "AlI3-mp", {"Al": "Ga"}, "D3"),
    Job("InI3-d3", "AlI3-mp", {"Al": "In"}, "D3"),
    Job("InI3-cell", "AlI3-mp", {"Al": "In"}, "D3", cell=INI3_CELL),
    Job("SbCl3-d3", "SbCl3-mp", {}, "D3"),
    Job("InBr3-d3", "InBr3-mp", {}, "D3"),
    Job("SbF3-d3", "SbF3-mp", {}, "D3"),
    Job("GaF3-none", "AlF3-amcsd", {"Al": "Ga"}, "none", moduli=True),
    Job("SbCl3-d2", "SbCl3-mp", {}, "D2", moduli=True),
    Job("GaCl3-d2", "GaCl3-mp", {}, "D2"),
    # the other dimer packings, for "a similar crystal structure as GaCl3"
    Job("GaI3-c2m-d3", "GaCl3-mp", {"Cl": "I"}, "D3"),
    Job("GaI3-albr3-d3", "AlBr3-mp", {"Al": "Ga", "Br": "I"}, "D3"),
    Job("GaBr3-c2m-d3", "GaCl3-mp", {"Cl": "Br"}, "D3"),
    Job("GaBr3-albr3-d3", "AlBr3-mp", {"Al": "Ga"}, "D3"),
    Job("GaCl3-ali3-d3", "AlI3-mp", {"Al": "Ga", "I": "Cl"}, "D3"),
    Job("InCl3-d3", "InBr3-mp", {"Br": "Cl"}, "D3"),
    Job("AlBr3-d3", "AlBr3-mp", {}, "D3"),
    Job("AlI3-d3", "AlI3-mp", {}, "D3"),
)


def calculator(dispersion: str) -> Any:
    """Return SevenNet-0 plus the dispersion asked for: none, D2 or D3 (Becke-Johnson)."""
    from sevenn.calculator import SevenNetCalculator

    potential = SevenNetCalculator(POTENTIAL, device="cpu")
    if dispersion == "none":
        return potential
    from torch_dftd.torch_dftd3_calculator import TorchDFTD3Calculator

    options = {"old": True} if dispersion == "D2" else {"damping": "bj"}
    return SumCalculator([potential, TorchDFTD3Calculator(xc="pbe", device="cpu", **options)])


def start(job: Job) -> Atoms:
    """Return the prototype with the elements swapped and the cell scaled."""
    structure = Structure.from_file(data.path(f"structures/cif/{job.prototype}.cif"))
    atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
    before = np.mean(covalent_radii[atoms.numbers])
    atoms.set_chemical_symbols([job.swap.get(s, s) for s in atoms.get_chemical_symbols()])
    if job.cell is not None:
        atoms.set_cell(job.cell, scale_atoms=True)
    elif job.swap:
        scale = float(np.mean(covalent_radii[atoms.numbers]) / before)
        atoms.set_cell(atoms.cell * scale, scale_atoms=True)
    atoms.info.clear()
    return atoms


def relax(
    atoms: Atoms, pressure: float, *, fixed_cell: bool, fmax: float = FMAX
) -> tuple[float, int, bool]:
    """Relax in place at ``pressure`` (GPa) under the space group; return fmax, steps, done."""
    atoms.set_constraint()
    atoms.set_constraint(FixSymmetry(atoms, symprec=SYMPREC))
    target: Any = atoms if fixed_cell else FrechetCellFilter(
        atoms, scalar_pressure=pressure * units.GPa)  # fmt: skip
    optimiser = BFGS(target, logfile=None, maxstep=0.1)
    done = optimiser.run(fmax=fmax, steps=STEPS)
    atoms.wrap()
    return float(np.abs(target.get_forces()).max()), optimiser.nsteps, bool(done)


def murnaghan(pressure: Any, v0: float, k0: float, k1: float) -> Any:
    """V(P) of Murnaghan: V0 (1 + K' P / K)^(-1/K')."""
    return v0 * (1 + k1 * pressure / k0) ** (-1 / k1)


def bulk_modulus(atoms: Atoms) -> tuple[float, float]:
    """Return K at zero pressure and its standard error, GPa, K' held at 4 and 8."""
    here, volumes = atoms.copy(), []
    here.calc = atoms.calc
    for pressure in PRESSURES:
        relax(here, pressure, fixed_cell=False, fmax=FMAX_PRESSURE)
        volumes.append(here.get_volume())
    values = []
    for k1 in (4.0, 8.0):  # four points do not fix K'; its plausible span is the error
        best, _ = curve_fit(lambda p, v0, k0, k1=k1: murnaghan(p, v0, k0, k1),
                            np.array(PRESSURES), volumes, p0=(volumes[0], 10.0))  # fmt: skip
        values.append(best[1])
    return float(np.mean(values)), float(abs(values[0] - values[1]) / 2)


def run(job: Job) -> tuple[dict[str, Any], Structure]:
    """Relax one model; return its row and its symmetry-refined structure."""
    atoms = start(job)
    atoms.calc = calculator(job.dispersion)
    fixed = job.cell is not None
    fmax, steps, done = relax(atoms, 0.0, fixed_cell=fixed)
    energy = float(atoms.get_potential_energy()) / len(atoms)
    bare = Atoms(atoms.symbols, cell=atoms.cell, scaled_positions=atoms.get_scaled_positions(),
                 pbc=True)  # fmt: skip
    analyser = SpacegroupAnalyzer(AseAtomsAdaptor.get_structure(bare), symprec=SYMPREC)
    refined = analyser.get_refined_structure()
    modulus: tuple[Any, Any] = ("", "")
    if job.moduli:
        modulus = tuple(round(v, 2) for v in bulk_modulus(atoms))  # type: ignore[assignment]
    cell = refined.lattice
    row = {
        "key": job.key, "formula": refined.composition.reduced_formula,
        "prototype": job.prototype, "dispersion": job.dispersion,
        "cell_origin": "Forrester 1964" if fixed else "relaxed",
        "space_group": analyser.get_space_group_symbol(),
        **{k: round(getattr(cell, k), 5) for k in ("a", "b", "c", "alpha", "beta", "gamma")},
        "volume_per_atom": round(refined.volume / len(refined), 4),
        "density_g_cm3": round(float(refined.density), 4), "energy_ev_atom": round(energy, 5),
        "fmax_ev_a": round(fmax, 4), "steps": steps, "converged": done,
        "bulk_modulus_gpa": modulus[0], "bulk_modulus_err_gpa": modulus[1],
        "source": f"model: {job.prototype} prototype relaxed with SevenNet-0"
                  + ("" if job.dispersion == "none" else f" + {job.dispersion}"),
    }  # fmt: skip
    return row, refined


def main() -> None:
    """Relax the models named on the command line, or all, and write the manifest."""
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("keys", nargs="*", help="models to (re)make; default all")
    wanted = parser.parse_args().keys or [job.key for job in JOBS]
    folder = paths.data_dir() / "structures" / "models"
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "models.csv"
    rows: dict[str, dict[str, Any]] = {}
    if table.exists():
        with open(table, newline="", encoding="utf-8") as stream:
            rows = {row["key"]: row for row in csv.DictReader(stream)}
    begin = time.perf_counter()
    for job in (job for job in JOBS if job.key in wanted):
        row, structure = run(job)
        rows[job.key] = row
        CifWriter(structure, symprec=SYMPREC, refine_struct=False).write_file(
            folder / f"{job.key}.cif")  # fmt: skip
        with open(table, "w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows[j.key] for j in JOBS if j.key in rows)
        print(f"{time.perf_counter() - begin:7.0f} s {job.key} {row['density_g_cm3']} g/cm3 "
              f"K {row['bulk_modulus_gpa']} steps {row['steps']} {row['converged']}",
              flush=True)  # fmt: skip
        files = {"models.csv": "energy, volume and bulk modulus of each model"}
        files |= {f"{key}.cif": f"{r['formula']}, {r['space_group']}; {r['source']}"
                  for key, r in rows.items()}  # fmt: skip
        data.write_manifest(
            folder, title="Model crystal structures (not measured)",
            license="CC BY 4.0", command="python tools/relax_prototypes.py", seed=None,
            sources=["Park et al., J. Chem. Theory Comput. 20, 4857 (2024) (SevenNet-0)",
                     "Grimme, J. Comput. Chem. 27, 1787 (2006) (D2), through torch-dftd",
                     "Grimme et al., J. Comput. Chem. 32, 1456 (2011) (D3-BJ), through torch-dftd",
                     "prototypes: data/structures/cells.csv"],
            parameters={"potential": POTENTIAL, "fmax_ev_a": FMAX, "fmax_pressure_ev_a": FMAX_PRESSURE,
                        "symprec_angstrom": SYMPREC,
                        "pressures_gpa": list(PRESSURES)},
            wall_time_s=time.perf_counter() - begin, files=files,
        )  # fmt: skip


if __name__ == "__main__":
    main()
