"""The error model: bond counting, cancellation, and whether its bars are honest."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.thermo import experiment, study
from repro.thermo.energies import EnergyTable, FormationEnergy, materials_project
from repro.thermo.reactions import parse, reaction_energy
from repro.thermo.uncertainty import (
    anchored,
    bonds,
    compound_residuals,
    error_model,
    fit_errors,
    group,
    salt_of,
    salt_residuals,
)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("LiCl", {("Li", "Cl"): 1}),
        ("GaF3", {("Ga", "F"): 3}),
        ("Li3GaF6", {("Li", "F"): 3, ("Ga", "F"): 3}),
        ("Na5Ga3F14", {("Na", "F"): 5, ("Ga", "F"): 9}),
        ("Ga2O3", {("Ga", "O"): 6}),
        ("MgF2", {("Mg", "F"): 2}),
        ("LiHO", {("Li", "O"): 1, ("H", "O"): 1}),
        ("Cl2", {}),
        ("Ga", {}),
    ],
)
def test_bonds_count_anion_charge(formula: str, expected: dict[tuple[str, str], float]) -> None:
    assert bonds(formula) == pytest.approx(expected)


def test_mixed_anions_share_each_cation() -> None:
    assert bonds("GaClO") == pytest.approx({("Ga", "Cl"): 1.0, ("Ga", "O"): 2.0})


def test_bonds_is_a_fresh_dict_every_time() -> None:
    bonds("LiCl").clear()
    assert bonds("LiCl") == {("Li", "Cl"): 1}


def test_salts_behind_a_compound() -> None:
    assert salt_of("Li3GaF6", ("Ga", "F")) == ("GaF3", 3.0)
    assert salt_of("LiAlO2", ("Al", "O")) == ("Al2O3", 6.0)
    assert salt_of("LiAlO2", ("Li", "O")) == ("Li2O", 2.0)


def exact(beta: dict[str, float], alpha: dict[str, float]) -> tuple[EnergyTable, EnergyTable]:
    """Tables whose misses, eV per unit of anion charge, are exactly ``alpha + beta``."""
    measured, computed = {}, {}
    for state, b in beta.items():
        cation, charge = state.split("+")
        for anion, a in alpha.items():
            formula = f"{cation}{anion}{charge if charge != '1' else ''}"
            miss = (a + b) * int(charge) / (1 + int(charge))
            measured[formula] = FormationEnergy(formula, -2.0, 0.01, "m")
            computed[formula] = FormationEnergy(formula, -2.0 + miss, 0.0, "c")
    return EnergyTable("computed", computed), EnergyTable("measured", measured)


def test_the_cations_term_is_that_of_the_fit_and_each_charge_is_a_cation() -> None:
    beta = {"Sn+2": 0.3, "Sn+4": -0.3, "Ga+3": 0.1, "In+3": 0.0, "Pb+2": -0.1}
    # Anions that miss by much more than cations must not enter.
    computed, measured = exact(beta, {"F": 2.0, "Cl": -1.0, "Br": 0.5})
    # One cation without a bromide: a mean over its salts would hold other anions.
    partial = EnergyTable("measured", {k: v for k, v in measured.phases.items() if k != "GaBr3"})
    found = {r.state: r.beta for r in salt_residuals(computed, partial)}
    shift = found["In+3"]
    assert {s: b - shift for s, b in found.items()} == pytest.approx(beta, abs=1e-9)
    assert all(abs(r.interaction) < 1e-9 for r in salt_residuals(computed, partial))
    assert {r.cation for r in salt_residuals(computed, partial)} == {"Sn", "Ga", "In", "Pb"}


def test_the_cations_spread_is_that_of_beta() -> None:
    spread = float(np.std([0.3, -0.3, 0.1, 0.0, -0.1]))
    others = {"Sn+2": 0.3, "Sn+4": -0.3, "Ga+3": 0.1, "In+3": 0.0, "Pb+2": -0.1}
    groups = {"Li+1": 0.0, "Na+1": 0.4, "K+1": -0.4, "Fe+3": 0.9, "Cr+3": -0.9, "V+3": 0.5}
    made = exact({**others, **groups}, {"F": 2.0, "Cl": -1.0, "Br": 0.5})
    extra = {f: FormationEnergy(f, -2.0, 0.01, "x") for f in ("Li3GaF6", "LiGaCl4", "Na3GaF6")}
    both = [t.updated(list(extra.values()), name=t.name) for t in made]
    assert fit_errors(*both).cation == pytest.approx(spread, abs=1e-9)


def test_groups() -> None:
    assert [group(c) for c in ("Li", "Ba", "Ga", "La", "Fe", "W")] == [
        "s-block", "s-block", "other", "other", "Hubbard U", "Hubbard U"]  # fmt: skip


def synthetic(seed: int, spread: float) -> tuple[EnergyTable, EnergyTable]:
    """Tables whose misses are exactly anion + cation + interaction terms of known spread."""
    rng = np.random.default_rng(seed)
    charges = {"Li": 1, "Na": 1, "K": 1, "Rb": 1, "Cs": 1, "Ga": 3, "In": 3, "Al": 3, "Sb": 3,
               "Bi": 3, "La": 3, "Sc": 3, "Y": 3, "Fe": 3, "Cr": 3, "V": 3, "Mn": 2}  # fmt: skip
    anion = dict(zip(("F", "Cl", "Br", "I"), rng.normal(0, 0.3, 4), strict=True))
    measured, computed = {}, {}
    for cation, charge in charges.items():
        shift = rng.normal(0, 0.2)
        for x, a in anion.items():
            formula = f"{cation}{x}{charge if charge > 1 else ''}"
            miss = a + shift + (0 if group(cation) == "s-block" else rng.normal(0, spread))
            per_atom = miss * charge / (1 + charge)
            measured[formula] = FormationEnergy(formula, -2.0, 0.01, "m")
            computed[formula] = FormationEnergy(formula, -2.0 + per_atom, 0.0, "c")
    for formula in ("Li3AlF6", "Na3AlF6", "K3AlF6"):
        measured[formula] = FormationEnergy(formula, -3.0, 0.01, "m")
        computed[formula] = FormationEnergy(formula, -3.0, 0.0, "c")
    return EnergyTable("computed", computed), EnergyTable("measured", measured)


def test_the_fit_recovers_a_known_spread() -> None:
    found = [fit_errors(*synthetic(seed, 0.15)).interaction["other"] for seed in range(6)]
    assert np.mean(found) == pytest.approx(0.15, rel=0.25)


def test_anion_and_cation_terms_leave_no_trace() -> None:
    model = fit_errors(*synthetic(1, 0.0))
    assert model.interaction["other"] < 1e-9
    assert max(abs(r.value) for r in salt_residuals(*synthetic(1, 0.0))) > 0.1


def test_an_exchange_error_by_hand() -> None:
    model = error_model()
    s, o = model.interaction["s-block"], model.interaction["other"]
    by_hand = 1000 * 3 * math.sqrt(2 * s**2 + 2 * o**2) / 10
    assert model.sigma(parse("3 LiCl + GaF3 -> 3 LiF + GaCl3")) == pytest.approx(by_hand)


def test_a_compound_adds_its_own_error() -> None:
    model = error_model()
    by_hand = 1000 * model.compound * 10 / 10
    assert model.sigma(parse("3 LiF + GaF3 -> Li3GaF6")) == pytest.approx(by_hand)


@given(st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_the_error_does_not_depend_on_scale(scale: float) -> None:
    reaction = parse("3 LiCl + 2 GaF3 -> Li3GaF6 + GaCl3")
    model = error_model()
    assert model.sigma(reaction.scaled(scale)) == pytest.approx(model.sigma(reaction), rel=1e-9)


def test_nothing_changing_has_no_error() -> None:
    assert error_model().sigma(parse("LiCl + GaF3 -> LiCl + GaF3")) == 0


def test_a_reduced_cation_costs_extra() -> None:
    model = error_model()
    exchange = model.sigma(parse("3 LiCl + GaF3 -> 3 LiF + GaCl3"))
    redox = model.sigma(parse("3 LiCl + GaF3 -> 3 LiF + Ga + 1.5 Cl2"))
    assert redox > exchange


def test_the_error_bars_are_honest_on_real_exchanges() -> None:
    check = study.error_test()
    assert (check.table["group"] == "other").sum() > 50
    # A normal distribution has 68% and 95%; the sample error of 66 exchanges, which
    # share salts, is several per cent.
    assert 0.55 < check.coverage("other", within=1) < 0.85
    assert 0.85 < check.coverage("other", within=2) <= 1.0


def test_tables_that_share_too_little_are_refused() -> None:
    one = EnergyTable("a", {"LiCl": FormationEnergy("LiCl", -2.1, 0, "x")})
    with pytest.raises(InputError, match="share too few phases"):
        fit_errors(one, one)


def test_compound_residuals_by_hand() -> None:
    computed, measured = materials_project(), experiment.enthalpies()

    def step(t: EnergyTable) -> float:
        return reaction_energy(parse("3 LiF + AlF3 -> Li3AlF6"), t).value / 1000

    found = compound_residuals(computed, measured)["Li3AlF6"]
    assert found == pytest.approx(step(computed) - step(measured), abs=1e-9)


def test_the_hybrid_table_is_measured_salts_plus_the_computed_step() -> None:
    hybrid = anchored()
    assert hybrid["GaF3"] == experiment.enthalpies()["GaF3"]
    step = parse("3 LiF + GaF3 -> Li3GaF6")
    assert reaction_energy(step, hybrid).value == pytest.approx(
        reaction_energy(step, materials_project()).value, abs=1e-6
    )
    assert hybrid["Li3GaF6"].sigma > error_model().compound
    # A measured compound stays measured.
    assert hybrid["Li3AlF6"] == experiment.enthalpies()["Li3AlF6"]


def test_ideal_mixing_of_half_and_half() -> None:
    # 3 Cl and 3 F on six sites, ten atoms: 6 kT ln 2 / 10.
    kt = 8.617333262e-5 * 300
    found = study.ideal_mixing(parse("3 LiCl + GaF3 -> 3 LiF + GaCl3"), temperature=300)
    assert found == pytest.approx(-1000 * 6 * kt * math.log(2) / 10)
