"""Formation energies: one table type for every source, checked on the way in.

A formation energy is the energy of a phase relative to its elements, here always
in eV per atom.  Databases also print kJ per mole of formula units, which is a
number about two hundred times larger: a value outside the range that any known
compound reaches is therefore refused rather than used.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import pandas as pd
from pymatgen.analysis.phase_diagram import PDEntry
from pymatgen.core import Composition, Element
from pymatgen.entries.compatibility import MaterialsProject2020Compatibility

from repro import data
from repro.errors import InputError, did_you_mean

EV_KJ_PER_MOL = 96.48533212
"""kJ/mol in one eV per particle (CODATA 2018: the Faraday constant / 1000)."""

LOWEST, HIGHEST = -6.0, 3.0
"""No compound at normal pressure leaves this range, in eV/atom (ThF4 is near -4.4)."""

COLUMNS = ("formula", "formation_energy_ev_per_atom", "source")


@dataclass(frozen=True)
class FormationEnergy:
    """Formation energy of one phase from one source.

    Attributes
    ----------
    formula:
        Reduced formula as pymatgen writes it (``"LiHO"`` for lithium hydroxide).
    value:
        eV/atom.
    sigma:
        One standard deviation, eV/atom; 0 where the table states none.
    source:
        Where the number comes from.
    """

    formula: str
    value: float
    sigma: float
    source: str


def reduced(formula: str) -> str:
    """Return the reduced formula as pymatgen writes it, or say what is wrong.

    Raises
    ------
    InputError
        If the text is empty or is not a chemical formula of known elements.
    """
    text = formula.strip() if isinstance(formula, str) else ""
    if not text:
        raise InputError(f"formula {formula!r}: expected a chemical formula such as 'GaF3'")
    return _reduced(text)


@lru_cache(maxsize=8192)
def _reduced(text: str) -> str:
    try:
        content = Composition(text)
        name = content.reduced_formula
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"formula {text!r}: expected a chemical formula such as 'GaF3' ({error})"
        ) from None
    if not content or not all(isinstance(e, Element) for e in content.elements):
        raise InputError(f"formula {text!r}: expected a chemical formula such as 'GaF3'")
    return str(name)


@lru_cache(maxsize=8192)
def composition(formula: str) -> Composition:
    """Return the pymatgen composition of a formula (parsed once; it is immutable)."""
    return Composition(formula)


def check_energy(value: float, *, what: str) -> float:
    """Return the value if it can be a formation energy in eV/atom.

    Raises
    ------
    InputError
        If it is not finite, or so large that it is probably kJ/mol.
    """
    if not math.isfinite(value):
        raise InputError(f"{what}: expected a finite energy in eV/atom, found {value}")
    if not LOWEST <= value <= HIGHEST:
        raise InputError(
            f"{what}: {value:g} cannot be a formation energy in eV/atom (expected {LOWEST:g} to "
            f"{HIGHEST:g}); is it in kJ/mol or per formula unit?"
        )
    return value


@dataclass(frozen=True)
class EnergyTable:
    """Formation energies of one source, by reduced formula; elements are zero.

    Attributes
    ----------
    name:
        Short name of the source, for legends and messages.
    phases:
        Formation energies by reduced formula.
    """

    name: str
    phases: Mapping[str, FormationEnergy] = field(repr=False)

    def __contains__(self, formula: str) -> bool:
        name = reduced(formula)
        return name in self.phases or len(composition(name).elements) == 1

    def __iter__(self) -> Iterator[FormationEnergy]:
        return iter(self.phases.values())

    def __len__(self) -> int:
        return len(self.phases)

    def __getitem__(self, formula: str) -> FormationEnergy:
        """Return the phase; an element is its own reference at zero.

        Raises
        ------
        InputError
            If the table has no such phase (with the nearest name).
        """
        name = reduced(formula)
        if name in self.phases:
            return self.phases[name]
        if len(composition(name).elements) == 1:
            return FormationEnergy(name, 0.0, 0.0, "element, zero by definition")
        raise InputError(
            f"{formula}: no formation energy in the {self.name} table"
            f"{did_you_mean(name, self.phases)}"
        )

    def subset(self, elements: Iterable[str]) -> list[FormationEnergy]:
        """Return the phases made of these elements only, in table order."""
        allowed = set(elements)
        return [p for p in self if {e.symbol for e in composition(p.formula).elements} <= allowed]

    def entries(self, elements: Iterable[str]) -> list[PDEntry]:
        """Return pymatgen entries for these elements, the elements themselves included."""
        allowed = sorted(set(elements))
        entries = [PDEntry(Composition(element), 0.0) for element in allowed]
        for phase in self.subset(allowed):
            content = composition(phase.formula)
            entries.append(PDEntry(content, phase.value * content.num_atoms))
        return entries

    def updated(self, phases: Iterable[FormationEnergy], *, name: str) -> EnergyTable:
        """Return a table in which these phases replace or join the present ones."""
        return EnergyTable(name, {**self.phases, **{p.formula: p for p in phases}})


def read_csv(file: Path, *, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a CSV whose columns must be there; every cell stays text.

    Raises
    ------
    InputError
        If the file is empty, is not CSV, lacks a column, or has no rows.
    """
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    except pd.errors.EmptyDataError:
        raise InputError(
            f"{file}: the file is empty; expected columns {', '.join(columns)}"
        ) from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not a readable CSV file: {error}") from None
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise InputError(
            f"{file}: column {', '.join(missing)} missing; found {', '.join(table.columns)}"
        )
    if table.empty:
        raise InputError(f"{file}: no rows below the header")
    return table


def number(text: str, *, what: str) -> float:
    """Return a finite number, or name where the text stood that is none."""
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{what}: expected a number, found {text!r}") from None
    if not math.isfinite(value):
        raise InputError(f"{what}: expected a finite number, found {text!r}")
    return value


def read_energies(file: Path, *, name: str) -> EnergyTable:
    """Read formation energies (eV/atom) from a CSV file.

    Parameters
    ----------
    file:
        Columns ``formula``, ``formation_energy_ev_per_atom``, ``source``; further
        columns are ignored.  A formula may occur once.
    name:
        Short name for messages and legends.

    Raises
    ------
    InputError
        Naming file, line and value: a malformed formula, a value that is not a
        finite energy in eV/atom, or a repeated formula.
    """
    table = read_csv(file, columns=COLUMNS)
    phases: dict[str, FormationEnergy] = {}
    rows = zip(*(table[column] for column in COLUMNS), strict=True)
    for line, (formula, text, source) in enumerate(rows, start=2):
        where = f"{file}, line {line}"
        try:
            key = reduced(formula)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        what = f"{where}, {formula}"
        value = check_energy(number(text, what=what), what=what)
        if key in phases:
            raise InputError(f"{where}: {formula} occurs twice")
        phases[key] = FormationEnergy(key, value, 0.0, source)
    return EnergyTable(name, phases)


@lru_cache(maxsize=1)
def _shipped(file: Path, _digest: str) -> EnergyTable:
    return read_energies(file, name="Materials Project (legacy)")


def materials_project() -> EnergyTable:
    """Return the shipped Materials Project formation energies.

    They are of the vintage before the 2020 corrections, 0 K, without dispersion:
    the lowest entry per formula among those of the public benchmark set
    (matbench), for all stable phases of two cations and two anions, and all
    binary salts, of the cations and anions in ``tools/thermo_tables.py``.
    """
    file = data.path("thermo/mp_legacy.csv")
    return _shipped(file, data.sha256(file))


def halide_corrections() -> dict[str, float]:
    """Return the Materials Project's 2020 corrections of F, Cl, Br and I, eV per atom.

    They are the numbers that pymatgen ships (Wang et al., Sci. Rep. 11 (2021) 15496).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheme = MaterialsProject2020Compatibility()
    return {anion: float(scheme.comp_correction[anion]) for anion in ("F", "Cl", "Br", "I")}


def shifted(table: EnergyTable, per_atom: Mapping[str, float], *, name: str) -> EnergyTable:
    """Return a table in which every atom of some elements is shifted by a constant.

    Parameters
    ----------
    table:
        Formation energies.
    per_atom:
        Element -> eV per atom of it, added to every compound that contains it.
    name:
        Name of the new table.
    """
    phases: dict[str, FormationEnergy] = {}
    for phase in table:
        content = composition(phase.formula)
        shift = sum(e * content.get_atomic_fraction(x) for x, e in per_atom.items())
        phases[phase.formula] = replace(phase, value=phase.value + shift)
    return EnergyTable(name, phases)
