"""Balancing and reaction energies, against hand sums and by property."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.analysis.reaction_calculator import Reaction as PymatgenReaction
from pymatgen.core import Composition

from repro.errors import InputError
from repro.thermo import study
from repro.thermo.energies import (
    EnergyTable,
    FormationEnergy,
    halide_corrections,
    materials_project,
    shifted,
)
from repro.thermo.reactions import Reaction, balance, parse, reaction_energy

PRINTED = "3 LiCl + 2 GaF3 -> 3 Li3GaF6 + 3 GaCl3"
MENDED = "3 LiCl + 2 GaF3 -> Li3GaF6 + GaCl3"


def table(**values: float) -> EnergyTable:
    phases = {f: FormationEnergy(f, v, 0.01, "test") for f, v in values.items()}
    return EnergyTable("test", phases)


def test_the_printed_equation_is_out_by_a_factor_of_three() -> None:
    printed = parse(PRINTED)
    assert not printed.is_balanced
    assert printed.imbalance() == {"Cl": 6.0, "F": 12.0, "Ga": 4.0, "Li": 6.0}
    thrice = {e: n for e, n in Composition("Li9Ga6F18Cl9").get_el_amt_dict().items()}
    assert thrice == {"Li": 9.0, "Ga": 6.0, "F": 18.0, "Cl": 9.0}


def test_balancing_finds_the_only_reaction_with_the_stated_products() -> None:
    mended = balance(["LiCl", "GaF3"], ["Li3GaF6", "GaCl3"])
    assert str(mended) == MENDED
    assert mended.is_balanced


def test_energy_of_a_hand_balanced_reaction() -> None:
    # 3 LiCl + GaF3 -> 3 LiF + GaCl3, by hand: atoms 6 + 4 = 6 + 4 = 10.
    t = table(LiCl=-2.1, GaF3=-3.0, LiF=-3.2, GaCl3=-1.4)
    by_hand = (3 * 2 * -3.2 + 4 * -1.4) - (3 * 2 * -2.1 + 4 * -3.0)  # eV
    found = reaction_energy(parse("3 LiCl + GaF3 -> 3 LiF + GaCl3"), t)
    assert found.value == pytest.approx(1000 * by_hand / 10)
    by_hand_sigma = 0.01 * math.sqrt(6**2 + 4**2 + 6**2 + 4**2)
    assert found.sigma == pytest.approx(1000 * by_hand_sigma / 10)


def test_shipped_numbers_match_an_independent_sum() -> None:
    # kJ/mol from the CRC Handbook: LiF -616.0, GaCl3 -524.7, LiCl -408.6, GaF3 -1163.0.
    by_hand = (3 * -616.0 - 524.7) - (3 * -408.6 - 1163.0)
    found = reaction_energy(parse("3 LiCl + GaF3 -> 3 LiF + GaCl3"), study.crc())
    assert found.value * 10 / 1000 * 96.48533212 == pytest.approx(by_hand, abs=0.05)
    assert found.value == pytest.approx(16.7, abs=0.1)  # meV/atom, endothermic


def test_the_paper_reaction_in_this_vintage() -> None:
    found = study.energy(parse(MENDED), "MP")
    assert found.value == pytest.approx(-83.9, abs=0.1)
    assert 20 < found.sigma < 60


def test_an_unbalanced_reaction_has_no_energy() -> None:
    with pytest.raises(InputError, match=r"not balanced .*Cl \+6, F \+12, Ga \+4, Li \+6"):
        reaction_energy(parse(PRINTED), materials_project())


def test_a_missing_phase_is_named() -> None:
    with pytest.raises(InputError, match="Li3GaF6: no formation energy in the CRC table"):
        reaction_energy(parse(MENDED), study.crc())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("LiCl + GaF3", "expected one '->'"),
        ("LiCl -> GaF3 -> LiF", "expected one '->'"),
        ("3 -> LiF", "term '3'"),
        ("LiCl + -> LiF", "term ''"),
        ("0 LiCl -> LiF", "coefficient must be > 0"),
        ("-1 LiCl -> LiF", "term '-1 LiCl'"),
        ("LiCl + Xx -> LiF", "formula 'Xx'"),
        ("", "expected one '->'"),
    ],
)
def test_malformed_reactions_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert message in str(caught.value)


def test_a_coefficient_follows_the_reduced_formula() -> None:
    assert parse("Ga2Cl6 -> 2 GaCl3").imbalance() == {}
    assert parse("Ga2Cl6 -> 2 GaCl3").reactants == {"GaCl3": 2.0}


@pytest.mark.parametrize(
    ("reactants", "products", "message"),
    [
        (["LiCl"], ["NaF"], "no positive coefficients"),
        (["LiCl", "GaF3"], ["LiF"], "no positive coefficients"),
        (["LiCl", "LiBr", "GaF3"], ["LiF", "GaCl3", "GaBr3"], "more than one independent way"),
        (["LiCl"], ["LiCl"], "different phases"),
        ([], ["LiCl"], "different phases"),
    ],
)
def test_what_cannot_be_balanced_says_why(
    reactants: list[str], products: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        balance(reactants, products)


@pytest.mark.parametrize("text", study.EXCHANGES)
def test_every_listed_exchange_balances_and_agrees_with_pymatgen(text: str) -> None:
    ours = parse(text)
    assert ours.is_balanced
    theirs = PymatgenReaction(
        [Composition(f) for f in ours.reactants], [Composition(f) for f in ours.products]
    )
    for formula, c in ours.coefficients.items():
        ratio = theirs.get_coeff(Composition(formula)) / c
        assert ratio == pytest.approx(theirs.get_coeff(theirs.products[0])
                                      / ours.products[theirs.products[0].reduced_formula])  # fmt: skip


CATIONS = {"Li": 1, "Na": 1, "Mg": 2, "Ca": 2, "Ga": 3, "Sb": 3, "Ti": 4, "Nb": 5}
ANIONS = ["F", "Cl", "Br", "I"]


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[str, str, str, str]:
    a, b = draw(st.lists(st.sampled_from(sorted(CATIONS)), min_size=2, max_size=2, unique=True))
    x, y = draw(st.lists(st.sampled_from(ANIONS), min_size=2, max_size=2, unique=True))
    return tuple(
        f"{c}{z}{CATIONS[c] if CATIONS[c] > 1 else ''}" for c, z in ((a, x), (b, y), (a, y), (b, x))
    )  # type: ignore[return-value]


@given(exchanges())
@settings(max_examples=60, deadline=None)
def test_any_exchange_balances_with_the_charges_as_coefficients(
    salts: tuple[str, str, str, str],
) -> None:
    reaction = balance(salts[:2], salts[2:])
    assert reaction.is_balanced
    values = list(reaction.coefficients.values())
    assert all(abs(v - round(v)) < 1e-9 for v in values)
    assert math.gcd(*(abs(round(v)) for v in values)) == 1


@given(
    st.floats(0.01, 1000, allow_nan=False),
    st.lists(st.floats(-5, 0), min_size=4, max_size=4),
)
@settings(max_examples=60, deadline=None)
def test_energy_per_atom_is_scale_free_and_antisymmetric(scale: float, e: list[float]) -> None:
    t = table(LiCl=e[0], GaF3=e[1], LiF=e[2], GaCl3=e[3])
    forward = parse("3 LiCl + GaF3 -> 3 LiF + GaCl3")
    value = reaction_energy(forward, t)
    again = reaction_energy(forward.scaled(scale), t)
    assert again.value == pytest.approx(value.value, abs=1e-6)
    assert again.sigma == pytest.approx(value.sigma, rel=1e-9)
    back = Reaction(forward.products, forward.reactants)
    assert reaction_energy(back, t).value == pytest.approx(-value.value, abs=1e-6)


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4), exchanges())
@settings(max_examples=40, deadline=None)
def test_a_constant_per_anion_never_moves_an_exchange(
    shifts: list[float], salts: tuple[str, str, str, str]
) -> None:
    reaction = balance(salts[:2], salts[2:])
    t = table(**{f: -1.0 for f in salts})
    moved = shifted(t, dict(zip(ANIONS, shifts, strict=True)), name="moved")
    assert reaction_energy(reaction, moved).value == pytest.approx(
        reaction_energy(reaction, t).value, abs=1e-9
    )


def test_the_2020_corrections_do_not_touch_the_paper_reaction() -> None:
    moved = shifted(materials_project(), halide_corrections(), name="2020")
    first = reaction_energy(parse(MENDED), materials_project()).value
    assert reaction_energy(parse(MENDED), moved).value == pytest.approx(first, abs=1e-9)


@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan, math.inf])
def test_a_senseless_scale_is_refused(factor: float) -> None:
    with pytest.raises(InputError, match="expected a positive number"):
        parse(MENDED).scaled(factor)


def test_a_spectator_cancels() -> None:
    t = table(LiCl=-2.0, GaF3=-3.0, LiF=-3.2, GaCl3=-1.4, NaF=-2.9)
    with_spectator = parse("3 LiCl + GaF3 + NaF -> 3 LiF + GaCl3 + NaF")
    plain = parse("3 LiCl + GaF3 -> 3 LiF + GaCl3")
    assert with_spectator.coefficients["NaF"] == 0
    ratio = reaction_energy(with_spectator, t).value / reaction_energy(plain, t).value
    assert ratio == pytest.approx(10 / 12)  # the same energy over two more atoms


def test_entropy_term_by_hand() -> None:
    # CRC entropies, J/(mol K): LiF 35.7, GaCl3 142, LiCl 59.3, GaF3 84.
    change = 3 * 35.7 + 142 - 3 * 59.3 - 84
    expected = -298.15 * change / 96485.33212 * 1000 / 10
    reaction = parse("3 LiCl + GaF3 -> 3 LiF + GaCl3")
    assert study.entropy_term(reaction) == pytest.approx(expected, abs=0.2)
    assert math.isnan(study.entropy_term(parse(MENDED)))


def test_numpy_is_not_leaking_into_reactions() -> None:
    assert not any(isinstance(v, np.generic) for v in balance(["LiCl", "GaF3"], ["LiF", "GaCl3"])
                   .coefficients.values())  # fmt: skip
