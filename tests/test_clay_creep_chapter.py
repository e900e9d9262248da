"""Strains that linear response expects beside measured ones, and against those of no load."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_clay_creep import KELVIN, VOLUME, maxwell, series

from repro.clay import chapter, cycles
from repro.clay import creep_chapter as told
from repro.clay import stress_chapter as look
from repro.clay.creep import Flow
from repro.errors import InputError
from repro.md.statistics import Estimate


def load(*residuals: float) -> look.Loaded:
    def cycle(one: float, number: int) -> cycles.Cycle:
        return cycles.Cycle(number, Estimate(one + 0.01, 0.0), Estimate(one, 0.0), Estimate(0, 0))

    return look.Loaded("yz", 50.0, {}, {k: [cycle(one / 2, 1), cycle(one, 2)]
                                        for k, one in enumerate(residuals)})  # fmt: skip


def test_what_a_load_left_against_what_nobody_left() -> None:
    nobody = told.Idle(np.array([0.03, -0.03, 0.01, -0.01]))
    assert nobody.mean.value == pytest.approx(0.0)
    assert nobody.spread == pytest.approx(np.sqrt(5e-4))
    left = told.against(load(0.02, 0.04, 0.06), nobody)
    assert left.value == pytest.approx(0.04)
    assert left.error == pytest.approx(np.sqrt(5e-4 / 3)) and left.samples == 5


def test_the_rule_is_right_about_chance() -> None:
    # Loads that do nothing count as doing something in at most one of twenty trials.
    rng, hits = np.random.default_rng(8), 0
    for _ in range(4000):
        nobody = told.Idle(rng.normal(0, 0.02, 15))
        left = told.against(load(*rng.normal(0, 0.02, 3)), nobody)
        hits += left.value > left.margin
    assert 0.01 < hits / 4000 < 0.055


def test_strains_after_the_last_rest() -> None:
    out = told.idle_strains({1: [series(np.linspace(0, 0.04, 400))], 2: [series(np.zeros(400))]})
    assert out.strains == pytest.approx([0.0375, 0.0], abs=1e-4)


def test_how_many_glasses() -> None:
    nobody = told.Idle(np.array([0.02, -0.02]))
    assert told.glasses_needed(nobody, 0.01) == 16
    assert told.glasses_needed(nobody, 0.5) == 1


# --- tables and picture ---


def test_expected_beside_measured() -> None:
    flow = Flow(Estimate(5.0, 0.5, 9), Estimate(0.005, 0.001, 9), VOLUME, KELVIN)
    table = told.expected(load(0.02, 0.04), flow, on_ps=20.0)
    assert list(table.index) == [1, 2]
    # 50 MPa over 5 GPa are 1 %, and 20 ps of it leave half a per cent.
    assert table.loc[1, "after the rest, expected (%)"] == "0.50 ± 0.10"
    assert table.loc[2, "under load, expected (%)"] == "2.00 ± 0.22"
    assert table.loc[2, "measured then (%)"] == "3.00 ± 1.00"
    assert table.loc[1, "measured (%)"] == "2.50 ± 0.50"


def test_larger_and_longer() -> None:
    flow = Flow(Estimate(5.0, 0.5, 9), Estimate(0.005, 0.001, 9), VOLUME, KELVIN)
    table = told.reach(
        flow, loads_mpa=(10.0, 50.0), cases={"a": (1.0, 60.0, 120.0), "b": (4.0, 120.0, 480.0)}
    )
    assert table.loc["a", "50 MPa leaves (%)"] == "1.5 ± 0.3"
    assert table.loc["b", "10 MPa leaves (%)"] == "0.6 ± 0.1"
    assert set(table["wanders without load (%)"]) == {f"{100 * flow.wanders(120.0):.1f}"}


# --- ageing ---


def test_a_glass_that_stiffens() -> None:
    fluid = {
        s: [series(maxwell(2001, 1, seed=10 * s + k, fluidity=0.05)[0]) for k in range(20)]
        for s in (1, 2)
    }
    stiff = {
        s: [series(maxwell(2001, 1, seed=10 * s + k, fluidity=0.005)[0]) for k in range(20)]
        for s in (3, 4)
    }
    table = told.ageing([(0.0, fluid, 0.0, 100.0), (100.0, stiff, 0.0, 50.0), (100.0, stiff, 50.0, 100.0)],
                        volume=VOLUME, temperature=KELVIN)  # fmt: skip
    assert list(table.index) == ["0 to 100", "100 to 150", "150 to 200"]
    found = [float(words.split(" ± ")[0]) for words in table["fluidity (1/(GPa ns))"]]
    assert found == pytest.approx([50.0, 5.0, 5.0], rel=0.35)
    assert all(
        float(words.split(" ± ")[0]) == pytest.approx(5.0, rel=0.2)
        for words in table["modulus (GPa)"][1:]
    )


def test_too_short_to_tell() -> None:
    with pytest.raises(InputError, match="lags from 3 to 2 ps"):
        told.ageing(
            [(0.0, {1: [series(np.zeros(200))]}, 0.0, 5.0)], volume=VOLUME, temperature=KELVIN
        )


# --- what ships ---


def test_the_rests_of_every_glass() -> None:
    found = told.rests()
    assert sorted(found) == [1, 2, 3] and {len(own) for own in found.values()} == {3}
    assert found[1][0].time[-1] == pytest.approx(60.0)


def test_every_shear_that_nobody_loads() -> None:
    control, pressed = told.shipped("stress-0"), told.shipped("stress-50")
    assert {len(own) for own in control[0].values()} == {3}
    assert {len(own) for own in pressed[0].values()} == {2}
    both, volume = told.shipped("stress-0", "stress-50")
    assert sorted(both) == chapter.seeds("stress-0")
    assert {len(own) for own in both.values()} == {5}
    assert 12_000 < volume < 13_000
    assert min(control[1], pressed[1]) < volume < max(control[1], pressed[1])
    # The control's first shear is the one that the load bears.
    assert control[0][1][0].strain == pytest.approx(
        cycles.series(chapter.legs("stress-0")[1], component="yz", natoms=704).strain
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: told.shipped("anneal"), "anneal: Anneal, expected stress cycles"),
        (told.shipped, "no protocol"),
        (lambda: told.idle_strains({}), "no series"),
        (lambda: told.glasses_needed(told.Idle(np.ones(2)), 0.0), "effect 0.0"),
    ],
)
def test_what_cannot_be(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
