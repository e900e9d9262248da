"""Pieces of LAMMPS input: units metal, atom_style atomic, Nose-Hoover ensembles."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from repro.errors import InputError

TDAMP_PS = 0.2
PDAMP_PS = 1.0
SKIN = 1.0  # of the neighbour list, angstrom
COLUMNS = ("step", "time", "temp", "pe", "ke", "etotal", "press", "vol", "density",
           "pxx", "pyy", "pzz", "pyz", "pxz", "pxy",
           "lx", "ly", "lz", "yz", "xz", "xy")  # fmt: skip
SHEARS = ("yz", "xz", "xy")
BAR_PER_MPA = 10.0


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise InputError(f"{name}={value}: expected a positive number")


def quoted(path: Path | str) -> str:
    """Return a path as LAMMPS reads it back: in quotes where a character would end or change it."""
    text = str(path)
    if not re.search(r"[\s#$&'\"]", text):
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'


def model_files(script: str) -> list[str]:
    """Return the model files that the ``pair_style`` lines of a script name, in their order."""
    found = []
    for line in script.splitlines():
        if line.lstrip().startswith("pair_style"):
            for words in re.findall(
                r""" "([^"]+)" | '([^']+)' | (\#.*) | (\S+) """, line, re.VERBOSE
            ):
                name = words[0] or words[1] or words[3]
                if re.search(r"\.(pb|pth|pt2|savedmodel)$", name):
                    found.append(name)
    return found


def header(
    *,
    pair: str,
    timestep_fs: float,
    structure: str | None = None,
    restart: str | None = None,
) -> str:
    """Return the opening of a script: units, atoms, interaction, neighbours, time step.

    Parameters
    ----------
    pair:
        Lines of ``pair_style`` and ``pair_coeff`` (:func:`repro.md.guard.pair_commands`).
        They stand after ``read_restart`` too: a restart does not hold the network.
    timestep_fs:
        In femtoseconds.
    structure, restart:
        Data file or restart file to read; exactly one.

    Raises
    ------
    InputError
        For both or neither file, or a number that is not positive.
    """
    _positive(timestep_fs=timestep_fs)
    if (structure is None) == (restart is None):
        raise InputError("a script begins from a structure or from a restart: give exactly one")
    if structure is not None:
        read, style = f"read_data {quoted(structure)}", "atom_style atomic\nboundary p p p\n"
    else:
        read, style = f"read_restart {quoted(str(restart))}", ""
    return (
        f"units metal\n{style}{read}\n\n{pair.rstrip()}\n\n"
        f"neighbor {SKIN:g} bin\nneigh_modify every 1 delay 0 check yes\n"
        f"timestep {timestep_fs / 1000:.10g}\n"
    )


def thermo(every: int, columns: Sequence[str] = COLUMNS) -> str:
    """Return the thermo output: totals, not per atom, written at once, 12 figures."""
    if every < 1:
        raise InputError(f"thermo every {every} steps: expected one or more")
    return (
        f"thermo_style custom {' '.join(columns)}\n"
        "thermo_modify norm no flush yes line one format float %.12g\n"
        f"thermo {every}\n"
    )


def velocities(temperature: float, seed: int) -> str:
    """Return Gaussian velocities without net momentum; the same on any number of ranks."""
    _positive(temperature=temperature, seed=seed)
    return f"velocity all create {temperature:g} {seed} mom yes rot no dist gaussian loop all\n"


def relax(*, force: float = 0.05, steps: int = 200) -> str:
    """Return a short minimisation (fixed cell), down to a force in eV/angstrom."""
    _positive(force=force, steps=steps)
    return f"min_style cg\nminimize 0.0 {force:g} {steps} {10 * steps}\nreset_timestep 0\n"


DESCENTS = {"fire": "", "abcfire": "min_modify abcfire yes\n"}
"""Ways to minimise at fixed cell, and the lines that choose them."""


def descend(*, force: float = 0.01, steps: int = 3000, minimizer: str = "fire") -> str:
    """Return a minimisation by FIRE (fixed cell), down to a force in eV/angstrom.

    FIRE (Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006)) rolls downhill in short steps,
    where the line searches of :func:`relax` may leap into a neighbouring basin.  It takes the
    largest component of the force for its measure, and leaves time step and measure changed.

    Parameters
    ----------
    force, steps:
        Where it ends; both positive.
    minimizer:
        ``fire``, or ``abcfire``, which accelerates without bias (Echeverri Restrepo & Andric,
        Comput. Mater. Sci. 218, 111978 (2023)) and took three fifths of the steps for a glass of 704 atoms.

    Raises
    ------
    InputError
        For a number that is not positive, or another minimizer.
    """
    _positive(force=force, steps=steps)
    if minimizer not in DESCENTS:
        raise InputError(f"minimizer {minimizer!r}: expected {' or '.join(DESCENTS)}")
    return (f"min_style fire\nmin_modify norm max\n{DESCENTS[minimizer]}timestep 0.002\n"
            f"minimize 0.0 {force:g} {steps} {10 * steps}\nreset_timestep 0\n")  # fmt: skip


def nve() -> str:
    """Return a constant-energy ensemble."""
    return "fix ensemble all nve\n"


def nvt(start: float, stop: float | None = None) -> str:
    """Return a Nose-Hoover thermostat from one temperature (K) to another."""
    stop = start if stop is None else stop
    _positive(start=start, stop=stop)
    return f"fix ensemble all nvt temp {start:g} {stop:g} {TDAMP_PS:g}\n"


def npt(start: float, stop: float | None = None, *, coupling: str = "aniso") -> str:
    """Return a Nose-Hoover thermostat, and a barostat at zero pressure.

    Parameters
    ----------
    start, stop:
        Temperatures in K at the beginning and the end of the run.
    coupling:
        ``iso`` (one length), ``aniso`` (three) or ``tri`` (all six).

    Raises
    ------
    InputError
        For another coupling or a number that is not positive.
    """
    stop = start if stop is None else stop
    _positive(start=start, stop=stop)
    if coupling not in ("iso", "aniso", "tri"):
        raise InputError(f"coupling {coupling!r}: expected iso, aniso or tri")
    return (
        f"fix ensemble all npt temp {start:g} {stop:g} {TDAMP_PS:g} {coupling} 0 0 {PDAMP_PS:g}\n"
    )


def _tilts(fixed: Mapping[str, float]) -> str:
    # The pressure tensor is minus the stress.
    parts = [f"{axis} 0 0 {PDAMP_PS:g}" for axis in "xyz"]
    for component, stress in fixed.items():
        # The sum turns a minus zero into zero.
        pressure = -BAR_PER_MPA * stress + 0.0
        parts.append(f"{component} {pressure:g} {pressure:g} {PDAMP_PS:g}")
    return " ".join(parts)


def _component(component: str) -> None:
    if component not in SHEARS:
        raise InputError(f"shear component {component!r}: expected {', '.join(SHEARS)}")


def shear_stress(temperature: float, *, component: str, stress_mpa: float) -> str:
    """Return a thermostat and a barostat that holds one shear stress, all else at zero.

    The cell must be triclinic; it does not flip, so that strain can be read from tilts.

    Parameters
    ----------
    temperature:
        In K.
    component:
        ``yz``, ``xz`` or ``xy``.
    stress_mpa:
        In MPa.  Positive means a positive shear strain; LAMMPS is given minus that as
        pressure.

    Raises
    ------
    InputError
        For another component or a number out of range.
    """
    _component(component)
    _positive(temperature=temperature)
    if not math.isfinite(stress_mpa):
        raise InputError(f"stress of {stress_mpa} MPa: expected a finite number")
    targets = {one: stress_mpa if one == component else 0.0 for one in SHEARS}
    return (
        f"fix ensemble all npt temp {temperature:g} {temperature:g} {TDAMP_PS:g} "
        f"{_tilts(targets)} flip no\n"
    )


def shear_rate(temperature: float, *, component: str, rate_per_s: float) -> str:
    """Return a shear at constant rate, with zero stress on every other component.

    Parameters
    ----------
    temperature:
        In K.
    component:
        ``yz``, ``xz`` or ``xy``; the cell must be triclinic.
    rate_per_s:
        Engineering shear strain per second, e.g. 1e9.

    Raises
    ------
    InputError
        For another component or a number out of range.
    """
    _component(component)
    _positive(temperature=temperature)
    if not math.isfinite(rate_per_s) or rate_per_s == 0:
        raise InputError(f"shear rate {rate_per_s} /s: expected a finite number other than 0")
    targets = dict.fromkeys((one for one in SHEARS if one != component), 0.0)
    return (
        f"fix ensemble all npt temp {temperature:g} {temperature:g} {TDAMP_PS:g} "
        f"{_tilts(targets)} flip no\n"
        f"fix shear all deform 1 {component} erate {rate_per_s * 1e-12:.12g} remap x flip no\n"
    )


def dump(every: int, file: str, columns: Sequence[str] = ("id", "type", "x", "y", "z")) -> str:
    """Return a trajectory of every so many steps, in the order of ids."""
    if every < 1:
        raise InputError(f"dump every {every} steps: expected one or more")
    return (
        f"dump trajectory all custom {every} {file} {' '.join(columns)}\n"
        "dump_modify trajectory sort id flush yes\n"
    )
