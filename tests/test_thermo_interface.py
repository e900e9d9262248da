"""Hulls and interface scans: against a naive linear programme, by hand, by property."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Composition
from scipy.optimize import linprog

from repro.errors import InputError
from repro.thermo import study
from repro.thermo.energies import EnergyTable, FormationEnergy, materials_project
from repro.thermo.interface import interface_scan
from repro.thermo.reactions import parse, reaction_energy

PAIRS = [("LiCl", "GaF3"), ("LiCl", "SbF3"), ("LiI", "InBr3"), ("LiI", "GaF3"), ("LiBr", "GaF3"),
         ("NaCl", "GaF3"), ("LiCl", "InF3"), ("LiCl", "Ga2O3"), ("LiOH", "GaF3"),
         ("Li2O", "GaF3"), ("LiCl", "LaF3"), ("LiCl", "AlF3"), ("GaF3", "AlF3"),
         ("LiF", "GaCl3")]  # fmt: skip


def naive_energy(first: str, second: str, ratio: float, table: EnergyTable) -> float:
    """Lowest energy of a mixture by linear programming: no hull, no pymatgen analysis."""
    one, two = Composition(first), Composition(second)
    target = (one * ratio).get_el_amt_dict()
    for element, n in two.get_el_amt_dict().items():
        target[element] = target.get(element, 0.0) + n
    elements = sorted(target)
    phases = [p for p in table if set(Composition(p.formula).get_el_amt_dict()) <= set(elements)]
    names = [p.formula for p in phases] + elements
    energies = [p.value * Composition(p.formula).num_atoms for p in phases] + [0.0] * len(elements)
    matrix = [[Composition(n)[e] for n in names] for e in elements]
    answer = linprog(energies, A_eq=matrix, b_eq=[target[e] for e in elements], method="highs")
    atoms = ratio * one.num_atoms + two.num_atoms
    start = ratio * one.num_atoms * table[first].value + two.num_atoms * table[second].value
    return 1000 * (answer.fun - start) / atoms


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_every_kink_is_the_minimum_of_a_linear_programme(first: str, second: str) -> None:
    scan = interface_scan(first, second, materials_project())
    for kink in scan.inner:
        naive = naive_energy(first, second, kink.ratio, materials_project())
        assert kink.energy == pytest.approx(naive, abs=1e-3)
    for ratio in (0.3, 1.0, 2.2, 5.0):  # and between the kinks
        naive = naive_energy(first, second, ratio, materials_project())
        assert scan.at_ratio(ratio) == pytest.approx(naive, abs=1e-3)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_every_kink_reaction_balances_and_has_its_own_energy(first: str, second: str) -> None:
    scan = interface_scan(first, second, materials_project())
    for kink in scan.inner:
        assert kink.reaction.is_balanced
        found = reaction_energy(kink.reaction, materials_project())
        assert found.value == pytest.approx(kink.energy, abs=1e-3)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_mixture_never_loses_by_reacting(first: str, second: str) -> None:
    for source in study.SOURCES:
        scan = study.driving_force(first, second, source).scan
        assert all(k.energy <= 1e-6 for k in scan.kinks)
        fractions = np.linspace(0, 1, 31)
        y = scan.energy(fractions)
        assert np.all(y <= 1e-6)
        assert np.all(y[:-2] + y[2:] - 2 * y[1:-1] >= -1e-6)  # convex in atoms


def test_the_papers_products_and_this_vintages_number() -> None:
    force = study.driving_force("LiCl", "GaF3", "MP")
    assert force.value == pytest.approx(-83.9, abs=0.1)
    assert force.label == "Li3GaF6 + GaCl3"
    assert force.kink.ratio == pytest.approx(1.5)
    assert force.kink.molar_fraction == pytest.approx(0.6)
    assert force.kink.atomic_fraction == pytest.approx(3 * 2 / (3 * 2 + 2 * 4))


@pytest.mark.parametrize(
    ("first", "second", "products"),
    [
        ("LiCl", "SbF3", "LiF + SbCl3"),
        ("LiI", "InBr3", "LiBr + InI3"),
        ("LiI", "GaF3", "LiF + GaI3"),
        ("LiBr", "GaF3", "LiF + GaBr3"),
    ],
)
def test_table_1_products(first: str, second: str, products: str) -> None:
    assert study.driving_force(first, second, "MP").label == products


def test_measured_enthalpies_find_no_reaction_of_licl_with_gaf3_or_inf3() -> None:
    for fluoride in ("GaF3", "InF3"):
        assert not study.driving_force("LiCl", fluoride, "experiment").scan.reacts


def test_order_of_the_salts_does_not_matter() -> None:
    one = interface_scan("LiCl", "GaF3", materials_project())
    two = interface_scan("GaF3", "LiCl", materials_project())
    assert [k.energy for k in one.kinks] == pytest.approx([k.energy for k in two.kinks][::-1])
    assert one.strongest.ratio == pytest.approx(1 / two.strongest.ratio)


@given(st.floats(0.05, 20))
@settings(max_examples=40, deadline=None)
def test_products_conserve_the_elements_at_any_ratio(ratio: float) -> None:
    scan = study.driving_force("LiCl", "GaF3", "MP").scan
    found: dict[str, float] = {}
    for formula, moles in scan.products_at(ratio).items():
        for element, n in Composition(formula).get_el_amt_dict().items():
            found[element] = found.get(element, 0.0) + moles * n
    atoms = 2 * ratio + 4
    expected = {"Li": ratio / atoms, "Cl": ratio / atoms, "Ga": 1 / atoms, "F": 3 / atoms}
    assert found == pytest.approx(expected, abs=1e-6)
    assert sum(found.values()) == pytest.approx(1.0)


@given(st.floats(-2.5, -0.5), st.floats(-3.5, -0.5), st.floats(-3.5, -0.5), st.floats(-2.5, -0.5))
@settings(max_examples=30, deadline=None)
def test_scan_of_random_energies_is_never_positive(a: float, b: float, c: float, d: float) -> None:
    t = EnergyTable("random", {f: FormationEnergy(f, e, 0.0, "x") for f, e in
                               zip(("LiCl", "GaF3", "LiF", "GaCl3"), (a, b, c, d), strict=True)})  # fmt: skip
    scan = interface_scan("LiCl", "GaF3", t)
    swap = reaction_energy(parse("3 LiCl + GaF3 -> 3 LiF + GaCl3"), t).value
    lowest = min(0.0, swap)
    assert scan.strongest.energy <= lowest + 1e-6


def test_between_kinks_atoms_and_moles_differ() -> None:
    scan = interface_scan("LiCl", "GaF3", materials_project())
    x, y = scan.curve()
    assert x[0] == 0 and x[-1] == 1 and y[0] == y[-1] == 0
    assert np.interp(0.6, x, y) == pytest.approx(scan.strongest.energy, abs=1e-6)
    assert scan.fraction(math.inf) == 1.0
    half = scan.at_ratio(0.75)  # half the moles of the kink, but not half its energy
    assert half != pytest.approx(scan.strongest.energy / 2, abs=1.0)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("LiCl", "LiCl", "expected two different salts"),
        ("LiCl", "GaCl7", "no formation energy"),
        ("Qx", "GaF3", "expected a chemical formula"),
        ("", "GaF3", "expected a chemical formula"),
    ],
)
def test_bad_pairs_are_refused(first: str, second: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        interface_scan(first, second, materials_project())


@pytest.mark.parametrize("ratio", [-1.0, math.nan])
def test_bad_ratios_are_refused(ratio: float) -> None:
    scan = interface_scan("LiCl", "GaF3", materials_project())
    for ask in (scan.at_ratio, scan.products_at):
        with pytest.raises(InputError, match="mixing ratio"):
            ask(ratio)


def test_unknown_sources_are_refused_with_a_suggestion() -> None:
    with pytest.raises(InputError, match="did you mean 'hybrid'"):
        study.driving_force("LiCl", "GaF3", "hybird")


# The reader's own pair ---------------------------------------------------------------------


def test_own_pair_needs_no_key() -> None:
    assert study.own_pair("NaBr", "SbF3", "MP").reacts


def test_own_pair_refuses_what_the_shipped_table_does_not_cover() -> None:
    with pytest.raises(InputError, match="two cations and two halogens"):
        study.own_pair("LiGaCl4", "NaAlF4", "MP")


def test_own_pair_names_an_unknown_salt() -> None:
    with pytest.raises(InputError, match="PuF3: no formation energy"):
        study.own_pair("LiCl", "PuF3", "MP")


def test_full_exchange_finds_the_swap() -> None:
    assert str(study.full_exchange("LiCl", "GaF3")) == "3 LiCl + GaF3 -> 3 LiF + GaCl3"
    assert str(study.full_exchange("MgCl2", "GaF3")) == "3 MgCl2 + 2 GaF3 -> 3 MgF2 + 2 GaCl3"
    assert str(study.full_exchange("LiCl", "Ga2O3")) == "6 LiCl + Ga2O3 -> 3 Li2O + 2 GaCl3"
    assert study.full_exchange("GaF3", "AlF3") is None
    assert study.full_exchange("LiGaCl4", "LiF") is None


def test_survey_and_exchange_tables_hold_every_row() -> None:
    from repro.thermo import salts

    table = study.survey(salts.mixtures().values())
    assert len(table) == len(salts.mixtures()) == 15
    assert table.loc["licl_gaf3_2", "MP products"] == "Li3GaF6 + GaCl3"
    fixed = study.exchanges()
    assert list(fixed.index) == list(study.EXCHANGES)
    assert fixed.loc["3 LiCl + GaF3 -> 3 LiF + GaCl3", "measured"] > 0  # endothermic
    assert math.isnan(fixed.loc["3 LiCl + 2 GaF3 -> Li3GaF6 + GaCl3", "measured"])
