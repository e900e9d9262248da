"""The screen: weights, routes, states of matter, and the ranking."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro import screening
from repro.errors import InputError
from repro.screening import Estimate, combine
from repro.thermo.reactions import parse
from repro.thermo.salts import molecular_products

errors = st.floats(0.5, 200)
values = st.floats(-500, 500)


@pytest.fixture(scope="module")
def candidates() -> list[screening.Candidate]:
    return screening.screen()


def test_agreeing_estimates_are_weighted() -> None:
    found = combine([Estimate(-10, 3), Estimate(-10, 4)])
    assert found.value == pytest.approx(-10)
    assert found.sigma == pytest.approx(1 / math.sqrt(1 / 9 + 1 / 16))


def test_a_quarrel_widens_the_error_by_hand() -> None:
    # Equal errors: mean -50, chi2 = 2 (30/5)^2 = 72, error 5/sqrt(2) * sqrt(72) = 30.
    found = combine([Estimate(-80, 5), Estimate(-20, 5)])
    assert (found.value, found.sigma) == pytest.approx((-50.0, 30.0))


@given(st.lists(st.tuples(values, errors), min_size=1, max_size=4))
def test_the_mean_lies_between_and_is_never_surer_than_the_weights_allow(
    pairs: list[tuple[float, float]],
) -> None:
    found = combine(Estimate(v, s) for v, s in pairs)
    assert min(v for v, _ in pairs) - 1e-6 <= found.value <= max(v for v, _ in pairs) + 1e-6
    assert found.sigma >= 1 / math.sqrt(sum(1 / s**2 for _, s in pairs)) - 1e-9


@given(values, errors)
def test_probability_is_a_probability_and_symmetric(value: float, sigma: float) -> None:
    p = Estimate(value, sigma).probability
    assert 0 <= p <= 1
    assert p + Estimate(-value, sigma).probability == pytest.approx(1)
    assert (p > 0.5) == (value < 0) or abs(value) < 1e-9 * sigma


def test_one_source_keeps_its_own_wide_error() -> None:
    alone = Estimate(-40, 50)
    assert combine([alone, screening.UNKNOWN]) == alone
    assert not combine([screening.UNKNOWN]).known
    assert math.isnan(screening.UNKNOWN.probability)


@pytest.mark.parametrize("sigma", [-1.0, math.inf, math.nan])
def test_senseless_errors_are_refused(sigma: float) -> None:
    with pytest.raises(InputError, match="expected finite errors"):
        combine([Estimate(-1, sigma), Estimate(-2, 1)])
    with pytest.raises(InputError, match="without error"):
        combine([Estimate(-1, 0.0), Estimate(-2, 1)])


@pytest.mark.parametrize(
    ("formula", "state"),
    [("GaCl3", "solid"), ("SnCl4", "liquid"), ("TiCl4", "liquid"), ("SiCl4", "liquid"),
     ("BF3", "gas"), ("SbF3", "solid"), ("NbCl5", "solid"), ("SbF5", "liquid"),
     ("Li3GaF6", "unknown")],
)  # fmt: skip
def test_states_at_room_temperature(formula: str, state: str) -> None:
    assert screening.state_at_room_temperature(formula) == state


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(screening.CATIONS)),
    st.sampled_from(screening.HALIDES),
    st.sampled_from([(m, q) for m, qs in screening.FLUORIDES.items() for q in qs]),
)
def test_every_route_balances_and_makes_the_product(
    cation: str, halogen: str, metal: tuple[str, int]
) -> None:
    product = screening.salt(metal[0], metal[1], halogen)
    found = list(screening.routes(cation, halogen, *metal))
    assert found
    for reaction in found:
        assert reaction.is_balanced
        assert product in reaction.products
        assert all(c > 0 for c in [*reaction.reactants.values(), *reaction.products.values()])


def test_the_papers_reaction_is_the_route_found() -> None:
    found = screening.evaluate("Li", "Cl", "Ga", 3)
    assert found is not None
    assert str(found.reaction) == str(parse("3 LiCl + 2 GaF3 -> Li3GaF6 + GaCl3"))
    assert found.ratio == pytest.approx(1.5)
    assert found.computed.value == pytest.approx(-83.9, abs=0.1)
    assert found.sources == 2
    assert found.measured.value < found.combined.value + 100
    assert found.computed.value < found.combined.value < found.measured.value


def test_symbols_outside_the_screen_are_refused() -> None:
    with pytest.raises(InputError, match="'Fr' is not one of"):
        screening.evaluate("Fr", "Cl", "Ga", 3)
    with pytest.raises(InputError, match="'At' is not one of"):
        screening.evaluate("Li", "At", "Ga", 3)
    with pytest.raises(InputError, match="'Pu' is not one of"):
        screening.screen(fluorides=["Pu"])


def test_the_screen_is_large_and_mostly_by_two_sources(
    candidates: list[screening.Candidate],
) -> None:
    assert len(candidates) >= 200
    assert sum(bool(molecular_products([c.product])) for c in candidates) >= 200
    assert np.mean([c.sources == 2 for c in candidates]) > 0.5
    assert len({(c.halide, c.fluoride) for c in candidates}) == len(candidates)


def test_one_source_means_a_wider_error(candidates: list[screening.Candidate]) -> None:
    alone = [c.combined.sigma for c in candidates if c.sources == 1]
    both = [c.combined.sigma for c in candidates if c.sources == 2]
    assert alone and np.median(alone) > np.median(both)
    for c in candidates:
        if c.sources == 1:
            assert c.combined in (c.computed, c.measured)


def test_the_ranking(candidates: list[screening.Candidate]) -> None:
    table = screening.frame(candidates)
    assert len(table) == len(candidates)
    assert table["probability"].is_monotonic_decreasing
    ranked = table[table["rank"].notna()]
    assert ranked["rank"].tolist() == list(range(1, len(ranked) + 1))
    assert (ranked["molecular"] == "yes").all()
    assert (ranked["product melts (K)"] > 298).all()
    assert not ranked["product"].isin(["SnCl4", "TiCl4", "SiCl4", "GeCl4", "InCl3"]).any()
    # Both clays of the paper are among those that are probably downhill.
    for halide in ("LiCl", "LiBr"):
        row = ranked[(ranked["halide"] == halide) & (ranked["fluoride"] == "GaF3")].iloc[0]
        assert row["probability"] > 0.84


def test_survival_on_the_full_hull() -> None:
    lithium = screening.evaluate("Li", "Cl", "Ga", 3)
    sodium = screening.evaluate("Na", "Cl", "Ga", 3)
    assert lithium is not None and sodium is not None
    assert screening.survives(lithium) == (True, "Li3GaF6 + GaCl3")
    assert not screening.survives(sodium)[0]  # NaGaCl4 takes it up
