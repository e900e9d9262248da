"""Equation of state and tensile curve of a crystal, with any ASE calculator.

The command line, which keeps what it computed and goes on after a kill, is in
:mod:`repro.potential.mechanics_cli`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from repro import data
from repro.errors import InputError
from repro.potential.teacher import LABEL_MODEL, Teacher

Floats = NDArray[np.float64]
SCALES = (0.94, 0.955, 0.97, 0.985, 1.0, 1.015, 1.03, 1.045, 1.06)
STRAINS = tuple(round(0.01 * k, 2) for k in range(13))
SHAPES = ("relaxed", "fixed")
CALCULATORS = ("student", "teacher")
# eV/angstrom; for the cell stress times volume per atom, so about 0.02 GPa at 15 A^3.
FMAX = 0.002
STEPS = 150
MIN_POINTS = 6


class RunawayError(InputError):
    """A relaxation met forces that are not finite."""


@dataclass(frozen=True)
class Point:
    """A relaxed state of a crystal.

    Attributes
    ----------
    atoms:
        The structure, without calculator.
    energy, volume:
        eV and cubic angstrom of the cell.
    stress:
        (6,) Voigt, GPa, tension positive.
    steps:
        Optimiser steps.
    residual:
        Largest force on what was free to move, eV/angstrom.
    """

    atoms: Atoms
    energy: float
    volume: float
    stress: Floats
    steps: int
    residual: float

    @property
    def pressure(self) -> float:
        """Pressure in GPa."""
        return float(-self.stress[:3].mean())


@dataclass(frozen=True)
class EosFit:
    """Third-order Birch-Murnaghan fit; errors are one standard deviation of the fit.

    Attributes
    ----------
    energy:
        Of the minimum, eV per cell.
    volume, volume_error:
        Of the minimum, cubic angstrom per cell.
    modulus, modulus_error:
        Bulk modulus there, GPa.
    derivative, derivative_error:
        Its pressure derivative.
    rms:
        Of the residuals, eV per cell.
    points:
        Number of volumes fitted.
    """

    energy: float
    volume: float
    volume_error: float
    modulus: float
    modulus_error: float
    derivative: float
    derivative_error: float
    rms: float
    points: int


@dataclass(frozen=True)
class Slope:
    """Initial slope of a stress-strain curve in GPa, with the fit's standard deviation."""

    value: float
    error: float
    points: int


def describe(kind: str, model: str | Path | None) -> str:
    """Return what identifies a calculator: the teacher's name, or a student's file and hash.

    Raises
    ------
    InputError
        For a student without a file.
    """
    if kind == "teacher":
        return f"{model or LABEL_MODEL}+D2"
    if model is None or not Path(model).is_file():
        raise InputError(f"--model {model}: a student needs the file of a DeePMD model")
    return f"{Path(model).name} {data.sha256(Path(model))[:12]}"


def make_calculator(kind: str, model: str | Path | None) -> Any:
    """Return the ASE calculator of a student model or of the teacher.

    Parameters
    ----------
    kind:
        ``"student"`` or ``"teacher"``.
    model:
        A DeePMD file, or one of :data:`repro.potential.teacher.MODELS` (None: the
        label model).

    Raises
    ------
    InputError
        For another kind, a missing file or a missing package.
    """
    if kind not in CALCULATORS:
        raise InputError(f"calculator {kind!r}: expected one of {', '.join(CALCULATORS)}")
    describe(kind, model)  # says what is missing
    if kind == "teacher":
        return Teacher(model=str(model or LABEL_MODEL))
    try:
        deepmd: Any = importlib.import_module("deepmd.calculator")
    except ImportError as error:
        raise InputError(f"{model}: needs DeePMD-kit ({error}): pip install deepmd-kit") from None
    return deepmd.DP(model=str(model))


def _relaxed(atoms: Atoms, target: Any, *, fmax: float, steps: int) -> Point:
    """Relax what ``target`` (the atoms or a filter on them) lets move."""
    optimiser = BFGS(target, logfile=None)
    try:
        optimiser.run(fmax=fmax, steps=steps)
    except (ValueError, np.linalg.LinAlgError) as error:  # what BFGS makes of a NaN
        raise RunawayError(f"{_label(atoms)}: the relaxation ran away: {error}") from None
    residual = float(np.linalg.norm(np.asarray(target.get_forces()), axis=1).max())
    if not np.isfinite(residual):
        raise RunawayError(f"{_label(atoms)}: the relaxation ran away: forces are not finite")
    energy = float(atoms.get_potential_energy())
    stress = np.asarray(atoms.get_stress(), dtype=float) / units.GPa
    bare = atoms.copy()
    bare.calc = None
    return Point(bare, energy, float(atoms.get_volume()), stress, optimiser.nsteps, residual)


def _label(atoms: Atoms) -> str:
    return str(atoms.info.get("family", atoms.get_chemical_formula()))


def _copy(atoms: Atoms, calculator: Any) -> Atoms:
    if not bool(np.all(atoms.pbc)) or atoms.get_volume() < 1e-6:
        raise InputError(f"{_label(atoms)}: expected a crystal, periodic in three directions")
    fresh: Atoms = atoms.copy()
    fresh.calc = calculator
    return fresh


def relax(atoms: Atoms, calculator: Any, *, fmax: float = FMAX, steps: int = STEPS) -> Point:
    """Return a crystal at zero pressure: ions, shape and volume relaxed."""
    moved = _copy(atoms, calculator)
    return _relaxed(moved, FrechetCellFilter(moved), fmax=fmax, steps=steps)


def at_volume(
    atoms: Atoms, calculator: Any, *, scale: float, shape: str = "relaxed", fmax: float = FMAX,
    steps: int = STEPS,
) -> Point:  # fmt: skip
    """Return a crystal at ``scale`` times its volume, ions relaxed.

    Parameters
    ----------
    atoms, calculator:
        The crystal at zero pressure, and what gives its energy, forces and stress.
    scale:
        Of the volume.
    shape:
        ``"relaxed"``: the cell's shape relaxes at constant volume, as under
        hydrostatic pressure, and the modulus is Reuss's; ``"fixed"``: the cell is
        scaled alike in all directions and the modulus is Voigt's, an upper bound.
        For cubic crystals they are the same.
    fmax, steps:
        Where the relaxation ends: largest force (see :data:`FMAX`), most steps.

    Raises
    ------
    InputError
        For another shape, or a scale not between 0.5 and 2.
    """
    if shape not in SHAPES:
        raise InputError(f"shape {shape!r}: expected one of {', '.join(SHAPES)}")
    if not 0.5 < scale < 2.0:
        raise InputError(f"volume scale {scale}: expected between 0.5 and 2")
    moved = _copy(atoms, calculator)
    moved.set_cell(moved.cell.array * scale ** (1 / 3), scale_atoms=True)
    free = FrechetCellFilter(moved, constant_volume=True) if shape == "relaxed" else moved
    return _relaxed(moved, free, fmax=fmax, steps=steps)


def birch_murnaghan(
    volumes: Floats, energy: float, volume: float, modulus: float, derivative: float
) -> Floats:
    """Return the third-order Birch-Murnaghan energy (Birch, Phys. Rev. 71, 809 (1947)).

    Units are those of the arguments; ``modulus`` is energy per volume.
    """
    x = (volume / np.asarray(volumes, dtype=float)) ** (2 / 3) - 1
    result: Floats = energy + 9 / 16 * volume * modulus * x**2 * (2 + x * (derivative - 4))
    return result


def birch_murnaghan_pressure(
    volumes: Floats, volume: float, modulus: float, derivative: float
) -> Floats:
    """Return the pressure that belongs to :func:`birch_murnaghan`, in modulus units."""
    x = (volume / np.asarray(volumes, dtype=float)) ** (1 / 3)
    result: Floats = 1.5 * modulus * (x**7 - x**5) * (1 + 0.75 * (derivative - 4) * (x**2 - 1))
    return result


def fit_eos(volumes: Sequence[float] | Floats, energies: Sequence[float] | Floats) -> EosFit:
    """Return the Birch-Murnaghan fit of energies (eV) at volumes (cubic angstrom).

    Raises
    ------
    InputError
        With fewer than six points, values that are not finite, no minimum inside the
        range, or where the fit does not converge.
    """
    v, e = np.asarray(volumes, dtype=float), np.asarray(energies, dtype=float)
    if v.shape != e.shape or v.ndim != 1 or len(v) < MIN_POINTS:
        raise InputError(f"{len(v)} volumes and {len(e)} energies: expected as many of both, "
                         f"and at least {MIN_POINTS}")  # fmt: skip
    if not (np.isfinite(v).all() and np.isfinite(e).all()):
        raise InputError("volumes or energies are not finite")
    curve = np.polynomial.Polynomial.fit(v, e, 2).convert().coef
    start = -curve[1] / (2 * curve[2]) if curve[2] > 0 else np.nan
    if not v.min() < start < v.max():
        raise InputError(f"no minimum between {v.min():.2f} and {v.max():.2f} A^3: the scan must "
                         "reach both sides of the equilibrium volume")  # fmt: skip
    guess = (e.min(), start, 2 * curve[2] * start, 4.0)
    try:
        best, covariance = curve_fit(birch_murnaghan, v, e, p0=guess, maxfev=5000)
    except RuntimeError as error:
        raise InputError(f"the Birch-Murnaghan fit does not converge: {error}") from None
    spread = np.sqrt(np.diag(covariance))
    off = e - birch_murnaghan(v, *best)
    return EosFit(
        energy=float(best[0]), volume=float(best[1]), volume_error=float(spread[1]),
        modulus=float(best[2] / units.GPa), modulus_error=float(spread[2] / units.GPa),
        derivative=float(best[3]), derivative_error=float(spread[3]),
        rms=float(np.sqrt((off**2).mean())), points=len(v),
    )  # fmt: skip


def modulus_from_pressures(
    volumes: Sequence[float] | Floats, pressures: Sequence[float] | Floats
) -> tuple[float, float]:
    """Return bulk modulus and its error, GPa, from pressures (GPa): a check of stresses.

    Energies play no part, so agreement with :func:`fit_eos` says that the
    calculator's stress is the derivative of its energy.
    """
    v, p = np.asarray(volumes, dtype=float), np.asarray(pressures, dtype=float)
    if v.shape != p.shape or len(v) < MIN_POINTS:
        raise InputError(f"{len(v)} volumes and {len(p)} pressures: expected as many of both, "
                         f"and at least {MIN_POINTS}")  # fmt: skip
    start = float(v[np.abs(p).argmin()])
    slope = -np.polynomial.Polynomial.fit(np.log(v), p, 1).convert().coef[1]
    try:
        best, covariance = curve_fit(birch_murnaghan_pressure, v, p, p0=(start, slope, 4.0),
                                     maxfev=5000)  # fmt: skip
    except RuntimeError as error:
        raise InputError(f"the fit of pressures does not converge: {error}") from None
    return float(best[1]), float(np.sqrt(covariance[1, 1]))


def density(atoms: Atoms, volume: float) -> float:
    """Return the density in g/cm^3 of these atoms in a volume in cubic angstrom."""
    grams = float(atoms.get_masses().sum()) / units.mol
    return grams / (volume * 1e-24)


def stretched(
    atoms: Atoms, calculator: Any, *, strain: float, reference: Atoms, lateral: str = "relaxed",
    fmax: float = FMAX, steps: int = STEPS,
) -> Point:  # fmt: skip
    """Return a crystal stretched along z, starting from the state before.

    Parameters
    ----------
    atoms, calculator:
        State at the strain before (or ``reference``), and what gives its stress.
    strain:
        Engineering strain along z against ``reference``.
    reference:
        The crystal at zero pressure.
    lateral:
        ``"relaxed"``: xx, yy and xy relax to zero stress, a uniaxial *stress* test
        whose initial slope is Young's modulus along z; ``"fixed"``: uniaxial *strain*,
        slope C33.  Shears of z (xz, yz) are held at zero in both.
    fmax, steps:
        As in :func:`at_volume`.

    Raises
    ------
    InputError
        For another ``lateral``, or a strain not between -0.5 and 1.
    """
    if lateral not in SHAPES:
        raise InputError(f"lateral {lateral!r}: expected one of {', '.join(SHAPES)}")
    if not -0.5 < strain < 1.0:
        raise InputError(f"strain {strain}: expected between -0.5 and 1")
    moved = _copy(atoms, calculator)
    now = _height(moved)
    wanted = _height(reference) * (1 + strain)
    deformation = np.diag([1.0, 1.0, wanted / now])
    moved.set_cell(moved.cell.array @ deformation, scale_atoms=True)
    free = FrechetCellFilter(moved, mask=[1, 1, 0, 0, 0, 1]) if lateral == "relaxed" else moved
    return _relaxed(moved, free, fmax=fmax, steps=steps)


def _height(atoms: Atoms) -> float:
    """Return the distance along z between the cell's a-b faces; needs a and b in the plane."""
    cell = atoms.cell.array
    if np.abs(cell[:2, 2]).max() > 1e-4 * np.abs(cell).max():
        raise InputError(f"{_label(atoms)}: its first two cell vectors must lie in the xy plane "
                         "to be stretched along z")  # fmt: skip
    return float(abs(cell[2, 2]))


def upright(atoms: Atoms) -> Atoms:
    """Return a crystal turned so that a lies along x and b in the xy plane."""
    turned: Atoms = atoms.copy()
    cell = turned.cell.standard_form()[0]
    turned.set_cell(cell, scale_atoms=True)
    return turned


def initial_slope(
    strains: Sequence[float] | Floats, stresses: Sequence[float] | Floats, *, limit: float = 0.05
) -> Slope:
    """Return the slope at zero strain from a + b e + c e^2 over strains up to ``limit``.

    Stresses are in GPa.

    Raises
    ------
    InputError
        With fewer than four strains up to the limit.
    """
    x, y = np.asarray(strains, dtype=float), np.asarray(stresses, dtype=float)
    chosen = np.abs(x) <= limit + 1e-9
    count = int(chosen.sum())
    if count < 4:
        raise InputError(f"{count} strains up to {limit}: expected at least 4 for a slope")
    terms = np.vander(x[chosen], 3, increasing=True)
    best, *_ = np.linalg.lstsq(terms, y[chosen], rcond=None)
    variance = float(((y[chosen] - terms @ best) ** 2).sum()) / (count - 3)
    spread = np.sqrt(variance * np.linalg.inv(terms.T @ terms)[1, 1])
    return Slope(float(best[1]), float(spread), count)
