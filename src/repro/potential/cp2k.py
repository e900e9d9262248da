"""CP2K input and output: one single-point PBE-D2 calculation of one frame."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from repro.errors import InputError

# Valence electrons of the GTH-PBE pseudopotentials; Ga keeps its 3d shell.
VALENCE = {"Li": 3, "F": 7, "Cl": 7, "Ga": 13}
HARTREE = units.Hartree
HARTREE_PER_BOHR = units.Hartree / units.Bohr
GPA = units.GPa


@dataclass(frozen=True)
class Settings:
    """Numerical settings of one PBE-D2 calculation.

    Attributes
    ----------
    cutoff, rel_cutoff:
        Plane-wave cutoffs of the density grid in Ry.  Ga q13 needs 800: at 350
        its forces are wrong by eV/angstrom.
    kpoints:
        Monkhorst-Pack mesh; (1, 1, 1) is Gamma only.
    eps_scf:
        SCF convergence (Ha).
    d2_cutoff:
        Range of the pair dispersion sum in angstrom.
    orbital_transformation:
        Minimise by OT instead of diagonalising and mixing; Gamma only.
    guess:
        ``ATOMIC``, or ``RESTART`` from the orbitals left in the folder by a run
        with the same project name (falls back to atoms if there are none).
    basis:
        Basis sets of BASIS_MOLOPT.
    """

    cutoff: float = 800.0
    rel_cutoff: float = 40.0
    kpoints: tuple[int, int, int] = (1, 1, 1)
    eps_scf: float = 1e-6
    d2_cutoff: float = 25.0
    orbital_transformation: bool = False
    guess: str = "ATOMIC"
    basis: str = "DZVP-MOLOPT-SR-GTH"


@dataclass(frozen=True)
class Result:
    """What one calculation gave, in eV and angstrom.

    Attributes
    ----------
    energy:
        Total energy in eV (CP2K's force-eval energy).
    forces:
        (N, 3) eV/angstrom.
    stress:
        (3, 3) eV/angstrom^3, ASE's sign: positive when the cell is stretched.
    dispersion:
        The D2 part of ``energy`` in eV.
    converged:
        Whether the SCF cycle met its threshold.
    """

    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64]
    dispersion: float
    converged: bool


def write_input(atoms: Atoms, *, settings: Settings) -> str:
    """Return the CP2K input of one frame.

    Parameters
    ----------
    atoms:
        Periodic frame with the elements of :data:`VALENCE`.
    settings:
        See :class:`Settings`.

    Raises
    ------
    InputError
        For an element without a pseudopotential here, an open cell, or k-points
        together with orbital transformation.
    """
    symbols = atoms.get_chemical_symbols()
    unknown = sorted(set(symbols) - set(VALENCE))
    if unknown:
        raise InputError(f"element {unknown[0]!r}: expected one of {', '.join(sorted(VALENCE))}")
    if not all(atoms.pbc) or atoms.cell.rank < 3:
        raise InputError("the frame needs a cell that is periodic in all three directions")
    if settings.orbital_transformation and settings.kpoints != (1, 1, 1):
        raise InputError(f"k-points {settings.kpoints}: orbital transformation is Gamma only")
    cell = "\n".join(
        f"      {name} " + " ".join(f"{x:.10f}" for x in vector)
        for name, vector in zip("ABC", atoms.cell.array, strict=True)
    )
    coordinates = "\n".join(
        f"      {symbol} " + " ".join(f"{x:.10f}" for x in position)
        for symbol, position in zip(symbols, atoms.positions, strict=True)
    )
    kinds = "\n".join(
        f"    &KIND {s}\n      BASIS_SET {settings.basis}-q{VALENCE[s]}\n"
        f"      POTENTIAL GTH-PBE-q{VALENCE[s]}\n    &END KIND"
        for s in sorted(set(symbols))
    )
    kpoints = ""
    if settings.kpoints != (1, 1, 1):
        mesh = " ".join(str(n) for n in settings.kpoints)
        kpoints = (
            f"    &KPOINTS\n      SCHEME MONKHORST-PACK {mesh}\n"
            "      SYMMETRY OFF\n    &END KPOINTS\n"
        )
    eps_scf = f"{settings.eps_scf:.1E}"
    solver = (_OT if settings.orbital_transformation else _MIXING).format(eps_scf=eps_scf)
    return _TEMPLATE.format(
        cutoff=settings.cutoff, rel_cutoff=settings.rel_cutoff,
        eps_scf=eps_scf, solver=solver, guess=settings.guess, d2=settings.d2_cutoff, cell=cell,
        coordinates=coordinates, kinds=kinds, kpoints=kpoints,
    )  # fmt: skip


# Mixing converges in 15 to 20 steps where there is a gap, and works with k-points;
# orbital transformation (Gamma only) is slower and surer.  Its preconditioner is made
# anew in each outer cycle, so short inner cycles pay.
_OT = """      MAX_SCF 14
      &OT
        MINIMIZER DIIS
        PRECONDITIONER FULL_ALL
        ENERGY_GAP 0.08
      &END OT
      &OUTER_SCF
        MAX_SCF 12
        EPS_SCF {eps_scf}
      &END OUTER_SCF"""
_MIXING = """      MAX_SCF 60
      &DIAGONALIZATION
      &END DIAGONALIZATION
      &MIXING
        METHOD BROYDEN_MIXING
        ALPHA 0.3
        NBROYDEN 8
      &END MIXING"""


def method() -> tuple[str, str]:
    """Return functional and dispersion as the input names them, e.g. ``("PBE", "D2")``."""
    functional = re.search(r"&XC_FUNCTIONAL (\S+)", _TEMPLATE)
    dispersion = re.search(r"TYPE DFT(D\d)", _TEMPLATE)
    return (functional[1] if functional else "none", dispersion[1] if dispersion else "none")


_TEMPLATE = """&GLOBAL
  PROJECT frame
  RUN_TYPE ENERGY_FORCE
  PRINT_LEVEL MEDIUM
&END GLOBAL
&FORCE_EVAL
  METHOD QUICKSTEP
  STRESS_TENSOR ANALYTICAL
  &DFT
    BASIS_SET_FILE_NAME BASIS_MOLOPT
    POTENTIAL_FILE_NAME GTH_POTENTIALS
{kpoints}    &QS
      EPS_DEFAULT 1.0E-10
    &END QS
    &MGRID
      NGRIDS 5
      CUTOFF [Ry] {cutoff}
      REL_CUTOFF [Ry] {rel_cutoff}
    &END MGRID
    &SCF
      SCF_GUESS {guess}
      EPS_SCF {eps_scf}
{solver}
      &PRINT
        &RESTART ON
          BACKUP_COPIES 0
        &END RESTART
      &END PRINT
    &END SCF
    &XC
      &XC_FUNCTIONAL PBE
      &END XC_FUNCTIONAL
      &VDW_POTENTIAL
        POTENTIAL_TYPE PAIR_POTENTIAL
        &PAIR_POTENTIAL
          TYPE DFTD2
          REFERENCE_FUNCTIONAL PBE
          R_CUTOFF [angstrom] {d2}
        &END PAIR_POTENTIAL
      &END VDW_POTENTIAL
    &END XC
  &END DFT
  &SUBSYS
    &CELL
{cell}
      PERIODIC XYZ
    &END CELL
    &COORD
{coordinates}
    &END COORD
{kinds}
  &END SUBSYS
  &PRINT
    &FORCES ON
    &END FORCES
    &STRESS_TENSOR ON
    &END STRESS_TENSOR
  &END PRINT
&END FORCE_EVAL
"""

_FLOAT = r"[-+]?\d+\.\d+(?:[EeDd][-+]?\d+)?"
_ENERGY = re.compile(rf"ENERGY\| Total FORCE_EVAL .*?:\s+({_FLOAT})")
_DISPERSION = re.compile(rf"Dispersion energy:\s+({_FLOAT})")


def parse_output(text: str) -> Result:
    """Return energy, forces and stress from the output of an ENERGY_FORCE run.

    Raises
    ------
    InputError
        If the run did not end, or a line or block is missing or cut short.
    """
    if "PROGRAM ENDED AT" not in text:
        raise InputError("CP2K output: no 'PROGRAM ENDED AT', so the run was cut short")
    energies = _ENERGY.findall(text)
    if not energies:
        raise InputError("CP2K output: no 'ENERGY| Total FORCE_EVAL' line")
    dispersion = _DISPERSION.findall(text)
    if not dispersion:
        raise InputError("CP2K output: no 'Dispersion energy' line, so D2 was not in the energy")
    return Result(
        energy=float(energies[-1]) * HARTREE,
        forces=_forces(text) * HARTREE_PER_BOHR,
        # CP2K prints the pressure-like tensor; ASE's stress has the other sign.
        stress=-_stress(text) * GPA,
        dispersion=float(dispersion[-1]) * HARTREE,
        converged="SCF run converged" in text and "SCF run NOT converged" not in text,
    )


def _forces(text: str) -> NDArray[np.float64]:
    _, found, block = text.rpartition("ATOMIC FORCES in [a.u.]")
    block, ended, _ = block.partition("SUM OF ATOMIC FORCES")
    if not found or not ended:
        raise InputError("CP2K output: no complete 'ATOMIC FORCES in [a.u.]' block")
    rows = [line.split() for line in block.splitlines() if line.strip() and "#" not in line]
    if not rows or any(len(row) != 6 for row in rows):
        raise InputError("CP2K output: a line of the force block has not 6 columns")
    return np.array([[float(x) for x in row[3:]] for row in rows])


def _stress(text: str) -> NDArray[np.float64]:
    _, found, block = text.rpartition("STRESS| Analytical stress tensor [GPa]")
    rows = [line.split() for line in block.splitlines()[2:5]]
    if not found or [row[1:2] for row in rows] != [["x"], ["y"], ["z"]]:
        raise InputError("CP2K output: no 'STRESS| Analytical stress tensor [GPa]' block")
    return np.array([[float(x) for x in row[2:5]] for row in rows])
