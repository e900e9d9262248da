"""Strains that linear response expects beside measured ones, and against those of no load."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_clay_creep import FLUIDITY, KELVIN, MODULUS, VOLUME, maxwell, series

from repro.clay import chapter, cycles, shear_chapter
from repro.clay import creep_chapter as told
from repro.clay import stress_chapter as look
from repro.clay.creep import Flow, compliance, flow
from repro.errors import InputError
from repro.md.logs import Thermo
from repro.md.statistics import Estimate


def load(*residuals: float) -> look.Loaded:
    def cycle(one: float, number: int) -> cycles.Cycle:
        return cycles.Cycle(number, Estimate(one + 0.01, 0.0), Estimate(one, 0.0), Estimate(0, 0))

    return look.Loaded("yz", 50.0, {}, {k: [cycle(one / 2, 1), cycle(one, 2)]
                                        for k, one in enumerate(residuals)})  # fmt: skip


def nobody(*ends: float) -> told.Idle:
    """Two cycles; strains are half as large after the first, and 1.5 times in pulses."""
    rest = np.array([[one / 2, one] for one in ends])
    return told.Idle(1.5 * rest, rest)


def test_what_a_load_left_against_what_nobody_left() -> None:
    idle = nobody(0.03, -0.03, 0.01, -0.01)
    assert idle.spread() == pytest.approx(np.sqrt(5e-4))
    assert idle.spread(0) == pytest.approx(np.sqrt(5e-4) / 2)
    assert idle.spread(pulse=True) == pytest.approx(1.5 * np.sqrt(5e-4))
    left = told.against(load(0.02, 0.04, 0.06), idle)
    assert left.value == pytest.approx(0.04)
    assert left.error == pytest.approx(np.sqrt(5e-4 / 3)) and left.samples == 5
    under = told.against(load(0.02, 0.04, 0.06), idle, number=0, pulse=True)
    assert under.value == pytest.approx(0.03)
    assert under.error == pytest.approx(0.75 * np.sqrt(5e-4 / 3))


def test_what_goes_with_a_load() -> None:
    found = told.gone(load(0.02, 0.04), nobody(0.03, -0.03, 0.01, -0.01), number=1)
    assert found.value == pytest.approx(0.01) and found.samples == 5
    # Strains of nobody's go back by half of what is left, here.
    assert found.error == pytest.approx(np.sqrt(5e-4) / 2 / np.sqrt(2))
    first = told.gone(load(0.02, 0.04), nobody(0.03, -0.03, 0.01, -0.01))
    assert first.error == pytest.approx(found.error / 2)


def test_the_rule_is_right_about_chance() -> None:
    # Loads that do nothing count as doing something in at most one of twenty trials.
    rng, hits = np.random.default_rng(8), 0
    for _ in range(4000):
        left = told.against(load(*rng.normal(0, 0.02, 3)), nobody(*rng.normal(0, 0.02, 15)))
        hits += left.value > left.margin
    assert 0.01 < hits / 4000 < 0.055


def test_so_many_glasses_show_it_every_second_time() -> None:
    rng, idle = np.random.default_rng(9), nobody(0.02, -0.02)
    need = told.glasses_needed(idle, 0.01)
    assert need == 16 and told.glasses_needed(idle, 0.5) == 1
    shown = rng.normal(0.01, 0.02, (2000, need)).mean(axis=1) > 2 * 0.02 / np.sqrt(need)
    assert shown.mean() == pytest.approx(0.5, abs=0.05)


def test_strains_at_the_moments_of_a_load() -> None:
    out = told.idle_strains({1: [series(np.linspace(0, 0.04, 400), legs=4)],
                             2: [series(np.zeros(400), legs=4)]})  # fmt: skip
    assert out.pulse == pytest.approx(np.array([[0.00875, 0.02875], [0, 0]]), abs=1e-4)
    assert out.rest == pytest.approx(np.array([[0.01875, 0.03875], [0, 0]]), abs=1e-4)


# --- tables ---


def test_expected_beside_measured() -> None:
    law = Flow(Estimate(5.0, 0.5, 9), Estimate(0.005, 0.001, 9), VOLUME, KELVIN)
    table = told.expected(load(0.02, 0.04), nobody(0.01, -0.01), law, on_ps=20.0)
    assert list(table.index) == [1, 2]
    # 50 MPa over 5 GPa are 1 %, and 20 ps of it leave half a per cent.
    assert table.loc[1, "after the rest, expected (%)"] == "0.50 ± 0.10"
    # The last quarter of the second pulse: 37.5 ps of load on the mean.
    assert table.loc[2, "under load, expected (%)"] == "1.94 ± 0.21"
    assert table.loc[1, "under load, expected (%)"] == "1.44 ± 0.13"
    assert table.loc[2, "measured then (%)"] == f"3.00 ± {1 / np.sqrt(2):.2f}"
    assert table.loc[1, "measured (%)"] == f"2.50 ± {0.75 / np.sqrt(2):.2f}"


def test_expectation_and_model_are_read_at_the_same_moments() -> None:
    law = Flow(Estimate(MODULUS, 0.0, 9), Estimate(FLUIDITY, 0.0, 9), VOLUME, KELVIN)
    pulses = np.tile(np.r_[np.ones(400), np.zeros(400)], 2) * 0.05
    paths = [series(one, legs=4) for one in maxwell(1600, 600, seed=3, load=pulses)]
    made = look.Loaded("yz", 50.0, {}, {k: cycles.summary(one) for k, one in enumerate(paths)})
    idle = told.idle_strains({1: [series(one, legs=4) for one in maxwell(1600, 600, seed=4)]})
    table = told.expected(made, idle, law, on_ps=20.0).map(lambda words: words.split(" ± "))
    for _, row in table.iterrows():
        cells = [(float(a), float(b)) for a, b in row]
        for (wanted, _), (seen, error) in (cells[:2], cells[2:]):
            assert error < 0.1 and seen == pytest.approx(wanted, abs=3 * error)


def test_larger_and_longer() -> None:
    law = Flow(Estimate(5.0, 0.5, 9), Estimate(0.005, 0.001, 9), VOLUME, KELVIN)
    table = told.reach(
        law, loads_mpa=(10.0, 50.0), cases={"a": (1.0, 60.0, 120.0), "b": (4.0, 120.0, 480.0)}
    )
    assert table.loc["a", "50 MPa leaves (%)"] == "1.50 ± 0.30"
    assert table.loc["b", "10 MPa leaves (%)"] == "0.60 ± 0.12"
    assert set(table["flow alone wanders (%)"]) == {f"{100 * law.wanders(120.0):.1f}"}


def test_a_liquid_beside_sheared_glasses() -> None:
    law = Flow(Estimate(5.0, 0.5, 9), Estimate(0.005, 0.001, 9), VOLUME, KELVIN)
    strain = np.linspace(0.0, 0.2, 401)
    runs = []
    for rate in (5e9, 2e10):
        table = Thermo(columns={
            "Time": strain / rate * 1e12, "Yz": 20.0 * strain, "Lz": np.full(401, 20.0),
            "Pyz": np.full(401, -4000.0), "Xy": np.zeros(401), "Xz": np.zeros(401),
        })  # fmt: skip
        runs.append(shear_chapter.sheared({1: table}, rate_per_s=rate))
    out = told.thinning(law, runs)
    assert list(out.index) == ["5e09 per s", "2e10 per s"]
    assert list(out["as a liquid (GPa)"]) == ["1.00 ± 0.20", "4.00 ± 0.80"]
    assert [words.split(" ± ")[0] for words in out["sheared (GPa)"]] == ["0.40", "0.40"]
    assert [words.split(" ± ")[0] for words in out["sheared, over the rate (mPa s)"]] == [
        "80",
        "20",
    ]


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


def test_each_shear_by_itself() -> None:
    table = told.by_shear("stress-0", "stress-50", temperature=KELVIN)
    assert list(table.index) == ["yz", "xz", "xy"]
    # The loaded shear is left out of the loaded runs.
    assert list(table["runs"]) == [3, 6, 6]
    calm, volume = told.shipped("stress-0", "stress-50", shears=("xz",))
    alone = flow(compliance(calm, volume=volume, temperature=KELVIN))
    assert table.loc["xz", "modulus (GPa)"] == alone.modulus.words(1)
    assert table.loc["xz", "fluidity (1/(GPa ns))"] == alone.fluidity.words(1, factor=1000)


def test_runs_from_one_start_may_be_compared() -> None:
    assert told.resemblance("stress-0", "stress-0") == pytest.approx(1.0)
    found = told.resemblance("stress-0", "stress-50")
    ends = [[cycles.summary(own[s][k])[-1].residual.value for s in (1, 2, 3) for k in keys]
            for own, keys in ((told.shipped("stress-0")[0], (1, 2)), (told.shipped("stress-50")[0], (0, 1)))]  # fmt: skip
    assert found == pytest.approx(np.corrcoef(ends)[0, 1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: told.shipped("anneal"), "anneal: Anneal, expected stress cycles"),
        (told.shipped, "no protocol"),
        (lambda: told.idle_strains({}), "no series"),
        (lambda: told.glasses_needed(nobody(0.1), 0.0), "effect 0.0"),
        (
            lambda: told.idle_strains({1: [series(np.zeros(80)), series(np.zeros(80), legs=4)]}),
            r"shears of \[1, 2\] cycles",
        ),
        (lambda: told.resemblance("stress-0", "anneal"), "anneal: Anneal"),
    ],
)
def test_what_cannot_be(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
