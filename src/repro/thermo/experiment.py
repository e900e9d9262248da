"""Measured formation energies, from three compilations kept apart.

* ``CRC``: standard enthalpies of the solid from the CRC Handbook, looked up by
  CAS number in the package `chemicals` when the book is built.
* ``SSUB``: enthalpies of the SGTE substance database, cited numbers of our own
  table.
* ``Gibbs``: Gibbs energies at 300 K from FREED and NIST-JANAF, cited numbers.

They are not independent: much of each rests on the same old calorimetry.  Where
they differ, the difference is a floor for the error, not a measure of it.
"""

from __future__ import annotations

import math
import statistics
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import chemicals
from pymatgen.core import Composition

from repro import data
from repro.errors import InputError
from repro.thermo.energies import (
    EV_KJ_PER_MOL,
    EnergyTable,
    FormationEnergy,
    check_energy,
    materials_project,
    number,
    read_csv,
    reduced,
)

FLOOR = 2.0 / EV_KJ_PER_MOL
"""Smallest error of a tabulated enthalpy, eV per formula unit (2 kJ/mol)."""

QUANTITIES = ("enthalpy_298K", "gibbs_300K")
_COLUMNS = ("formula", "quantity", "value_kj_per_mol", "source")


@dataclass(frozen=True)
class Measurement:
    """One row of a table of measured values; ``value`` in kJ per mole of formula."""

    formula: str
    quantity: str
    value: float
    source: str

    @property
    def per_atom(self) -> float:
        """eV/atom."""
        return self.value / EV_KJ_PER_MOL / float(Composition(self.formula).num_atoms)


def read_measurements(file: Path) -> list[Measurement]:
    """Read measured values from a CSV file.

    Parameters
    ----------
    file:
        Columns ``formula``, ``quantity`` (``enthalpy_298K`` or ``gibbs_300K``),
        ``value_kj_per_mol`` (per mole of formula units) and ``source``.

    Raises
    ------
    InputError
        Naming file, line and value, also if a value cannot be in kJ/mol.
    """
    table = read_csv(file, columns=_COLUMNS)
    found: list[Measurement] = []
    rows = zip(*(table[column] for column in _COLUMNS), strict=True)
    for line, (formula, quantity, text, source) in enumerate(rows, start=2):
        where = f"{file}, line {line}, {formula}"
        if quantity not in QUANTITIES:
            raise InputError(
                f"{where}: quantity {quantity!r}, expected one of {', '.join(QUANTITIES)}"
            )
        try:
            name = reduced(formula)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        measured = Measurement(name, quantity, number(text, what=where), source)
        check_energy(measured.per_atom, what=f"{where}: {text} kJ/mol in eV/atom")
        # Every salt here is bound by far more than 10 kJ/mol per atom; a smaller
        # magnitude is an energy in eV that was put in the wrong column.
        if measured.value < 0 and abs(measured.per_atom) < 0.01:
            raise InputError(
                f"{where}: {text} kJ/mol is implausibly small; is it in eV per formula unit?"
            )
        found.append(measured)
    return found


@lru_cache(maxsize=2)
def _measurements(file: Path, _digest: str) -> tuple[Measurement, ...]:
    return tuple(read_measurements(file))


def measurements() -> tuple[Measurement, ...]:
    """Return the shipped cited values (SSUB, FREED, NIST-JANAF)."""
    file = data.path("thermo/experiment.csv")
    return _measurements(file, data.sha256(file))


@lru_cache(maxsize=2)
def _cas(file: Path, _digest: str) -> dict[str, tuple[str, int]]:
    table = read_csv(file, columns=("formula", "cas", "units", "source"))
    return {
        formula: (cas, int(number(units, what=f"{file}, {formula}")))
        for formula, cas, units in zip(table["formula"], table["cas"], table["units"], strict=True)
    }


def _listed(formula: str) -> tuple[str, int] | None:
    file = data.path("thermo/cas.csv")
    return _cas(file, data.sha256(file)).get(reduced(formula))


def cas_number(formula: str) -> str | None:
    """Return the CAS number of a phase of our table, or None."""
    found = _listed(formula)
    return None if found is None else found[0]


def _quietly(function: str, cas: str, **options: str) -> float | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = getattr(chemicals, function)(cas, **options)
        except (KeyError, ValueError):
            return None
    return None if value is None or not math.isfinite(value) else float(value)


def crc_enthalpy(formula: str) -> float | None:
    """Return the CRC standard enthalpy of formation of the solid, or None.

    In kJ per mole of the *reduced* formula: half the listed value for Hg2Cl2.
    """
    found = _listed(formula)
    value = _quietly("Hfs", found[0], method="CRC") if found else None
    return None if value is None or found is None else value / 1000.0 / found[1]


def crc_entropy(formula: str) -> float | None:
    """Return the standard entropy of the solid, J/(mol K) of reduced formula, or None."""
    found = _listed(formula)
    value = _quietly("S0s", found[0]) if found else None
    return None if value is None or found is None else value / found[1]


def melting_point(formula: str) -> float | None:
    """Return the melting point in K that `chemicals` holds, or None."""
    cas = cas_number(formula)
    return _quietly("Tm", cas) if cas else None


def boiling_point(formula: str) -> float | None:
    """Return the normal boiling (or sublimation) point in K, or None."""
    cas = cas_number(formula)
    return _quietly("Tb", cas) if cas else None


def _table(name: str, values: dict[str, float], source: str) -> EnergyTable:
    phases = {
        formula: FormationEnergy(
            formula, value, FLOOR / float(Composition(formula).num_atoms), source
        )
        for formula, value in values.items()
    }
    return EnergyTable(name, phases)


@lru_cache(maxsize=1)
def crc() -> EnergyTable:
    """Return CRC enthalpies (298 K) for every phase of our tables that has one."""
    values: dict[str, float] = {}
    for phase in materials_project():
        enthalpy = crc_enthalpy(phase.formula)
        if enthalpy is not None:
            atoms = float(Composition(phase.formula).num_atoms)
            values[phase.formula] = enthalpy / EV_KJ_PER_MOL / atoms
    return _table("CRC", values, "CRC Handbook through the package chemicals")


@lru_cache(maxsize=1)
def ssub() -> EnergyTable:
    """Return the cited SSUB enthalpies (298 K)."""
    rows = [m for m in measurements() if m.quantity == "enthalpy_298K"]
    return _table("SSUB", {m.formula: m.per_atom for m in rows}, "SSUB (SGTE 1999)")


@lru_cache(maxsize=1)
def gibbs() -> EnergyTable:
    """Return Gibbs energies at 300 K: the mean of FREED and NIST-JANAF where both list it."""
    values: dict[str, list[float]] = {}
    for m in measurements():
        if m.quantity == "gibbs_300K":
            values.setdefault(m.formula, []).append(m.per_atom)
    mean = {formula: statistics.fmean(found) for formula, found in values.items()}
    table = _table("FREED/JANAF Gibbs 300 K", mean, "FREED (2019), NIST-JANAF (1998)")
    wider = [
        FormationEnergy(f, mean[f], max(table[f].sigma, (max(v) - min(v)) / math.sqrt(2)), "both")
        for f, v in values.items()
        if len(v) > 1
    ]
    return table.updated(wider, name=table.name)


def disagreement() -> float:
    """Return the root-mean-square CRC - SSUB difference, eV per formula unit."""
    first, second = crc(), ssub()
    gaps = [
        (first[p.formula].value - p.value) * float(Composition(p.formula).num_atoms)
        for p in second
        if p.formula in first.phases
    ]
    return math.sqrt(statistics.fmean(g * g for g in gaps))


@lru_cache(maxsize=1)
def enthalpies() -> EnergyTable:
    """Return measured enthalpies (298 K): the mean of CRC and SSUB, with an error.

    The error is half the difference of the two, at least 2 kJ/mol; a value that
    only one of them lists gets the root-mean-square disagreement of the two over
    all phases that both list.
    """
    first, second, alone = crc(), ssub(), disagreement()
    phases: dict[str, FormationEnergy] = {}
    for formula in sorted({*first.phases, *second.phases}):
        atoms = float(Composition(formula).num_atoms)
        found = [t[formula].value for t in (first, second) if formula in t.phases]
        names = "+".join(t.name for t in (first, second) if formula in t.phases)
        if len(found) == 2:
            sigma = max(abs(found[0] - found[1]) / 2, FLOOR / atoms)
        else:
            sigma = max(alone, FLOOR) / atoms
        phases[formula] = FormationEnergy(formula, statistics.fmean(found), sigma, names)
    return EnergyTable("experiment", phases)
