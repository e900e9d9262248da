"""Lithium of several runs: what counts, the law, 300 K, the sentences, and made spectra."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy import constants

from repro.clay import (
    chapter,
    charge,
    diffusion,
    lithium_eis,
    lithium_law,
    lithium_plots,
    lithium_words,
)
from repro.clay import lithium_chapter as look
from repro.clay.arrhenius import EV_PER_K, Value
from repro.clay.charge import Pooled, Transport
from repro.clay.diffusion import Conductivity, Diffusion
from repro.clay.lithium_chapter import Point
from repro.clay.paths import Track
from repro.errors import InputError
from repro.figures import new_figure
from repro.md.logs import Thermo
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
EDGE, DT = 40.0, 0.5
NAN = Estimate(float("nan"), float("nan"))
PELLET = {"thickness": Estimate(0.05, 0.001), "area": Estimate(0.785, 0.0157)}


def walk(
    frames: int, atoms: int, *, coefficient: float, cage: float = 0.0, seed: int = 0
) -> Floats:
    """Brownian paths (angstrom^2/ps), each place blurred as in a cage."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(scale=np.sqrt(2 * coefficient * DT), size=(frames, atoms, 3))
    steps[0] = 0.0
    return np.cumsum(steps, axis=0) + cage * rng.normal(size=steps.shape)


def run(*, lithium: float = 0.2, gallium: float = 0.0, cage: float = 0.0, frames: int = 81,
        atoms: int = 60, seed: int = 0) -> Iterator[Atoms]:  # fmt: skip
    """Frames of lithium and gallium that walk from random places."""
    rng = np.random.default_rng(100 + seed)
    home = rng.uniform(0, EDGE, (2 * atoms, 3))
    paths = np.concatenate([
        walk(frames, atoms, coefficient=lithium, cage=cage, seed=seed),
        walk(frames, atoms, coefficient=gallium, cage=0.1, seed=seed + 1),
    ], axis=1)  # fmt: skip
    for k, path in enumerate(paths):
        made = Atoms(f"Li{atoms}Ga{atoms}", positions=home + path, cell=[EDGE] * 3, pbc=True)
        made.wrap()
        made.info["time_ps"] = 3.0 + DT * k
        yield made


def stated(coefficient: float = 2e-5, *, error: float = 1e-6, temperature: float = 820.0,
           exponent: float = 1.0) -> Diffusion:  # fmt: skip
    lag = np.array([1.0, 4.0, 10.0, 20.0])
    return Diffusion(
        coefficient=coefficient, error=error, low=coefficient - 2 * error,
        high=coefficient + 2 * error, temperature=temperature, lag_ps=lag,
        msd_A2=6e4 * coefficient * lag, msd_error=0.1 * lag, start_ps=4.0, stop_ps=20.0,
        exponent=exponent, exponent_error=0.02, density=0.014,
    )  # fmt: skip


def point(temperature: float = 820.0, seed: int = 1, *, found: Diffusion | None = None,
          reason: str = "", straight: Estimate = Estimate(1.0, 0.05),  # noqa: B008
          element: str = "Li", rms: float = 5.0) -> Point:  # fmt: skip
    lag = np.geomspace(0.5, 20.0, 10)
    d = found if found is not None else stated(temperature=temperature)
    return Point(temperature, seed, element, 40.0, lag, rms**2 * lag / lag[-1], d, straight, reason)


def unread(reason: str = "write frames more often") -> Point:
    return Point(820.0, 1, "Li", float("nan"), np.empty(0), np.empty(0), None, NAN, reason)


def activated(*kelvin: float, energy: float = 0.3, seeds: tuple[int, ...] = (1,),
              relative: float = 0.05, scatter: float = 0.0) -> list[Point]:  # fmt: skip
    """Runs on an Arrhenius line of 2e-5 cm^2/s at 820 K."""
    rng = np.random.default_rng(7)
    made = []
    for t in kelvin:
        for s in seeds:
            d = 2e-5 * np.exp(-energy / EV_PER_K * (1 / t - 1 / 820.0) + scatter * rng.normal())
            made.append(point(t, s, found=stated(d, error=relative * d, temperature=t)))
    return made


# --- reading ---


def test_the_time_step_is_read_off_the_frames() -> None:
    paths = look.read(run(frames=5), element="Ga")
    assert paths.dt_ps == pytest.approx(DT) and paths.positions.shape == (5, 60, 3)
    assert paths.volume == pytest.approx(EDGE**3)


def test_reading_needs_frames_with_times() -> None:
    with pytest.raises(InputError, match=r"1 frames at the beginning: expected two or more"):
        look.read(list(run(frames=1)))
    bare = list(run(frames=3))
    for one in bare:
        one.info.clear()
    with pytest.raises(InputError, match="time_ps"):
        look.read(bare)


# --- what counts ---


def test_a_plain_walk_counts_by_both_rules() -> None:
    one = look.measured(run(lithium=0.2, seed=3), temperature=820.0, seed=3)
    assert one.found is not None and one.reason == "" and one.diffuses
    assert one.counts("exponent") and one.counts("straight")
    # The centre of mass of half walkers, half standers moves a little with the walkers.
    assert abs(one.found.coefficient - 2e-5) < 4 * one.found.error
    assert (one.temperature, one.seed, one.element, one.picoseconds) == (820.0, 3, "Li", 40.0)
    assert one.lag_ps[-1] == 20.0 and (np.diff(one.lag_ps) > 0).all()
    assert one.rms == pytest.approx(np.sqrt(6 * 0.2 * 20), rel=0.15)


def test_rattling_before_leaving_fails_the_exponent_but_is_straight() -> None:
    """A constant in the MSD: a perfect line, with an exponent below 1."""
    one = look.measured(run(lithium=0.1, cage=0.8, atoms=150, seed=5), temperature=700.0, seed=1)
    assert one.found is not None and one.found.exponent < 0.9
    assert not one.diffuses and "not 1" in one.reason
    assert one.counts("straight") and not one.counts("exponent")
    assert abs(one.found.coefficient - 1e-5) < 4 * one.found.error


def test_rattling_alone_gives_a_reason_and_no_coefficient() -> None:
    one = look.measured(run(lithium=0.0, cage=0.3), temperature=300.0, seed=1)
    assert one.found is None and "to the power" in one.reason
    assert not one.counts("exponent") and not one.counts("straight") and one.rms > 0


def test_a_run_whose_paths_cannot_be_followed_is_listed() -> None:
    one = look.measured(run(lithium=40.0), temperature=820.0, seed=1)
    assert one.found is None and "write frames more often" in one.reason
    assert not len(one.lag_ps) and np.isnan(one.rms) and np.isnan(one.picoseconds)
    absent = look.measured(run(), temperature=820.0, seed=1, element="Cl")
    assert absent.reason.startswith("no Cl")


def test_a_short_run_has_a_reason() -> None:
    one = look.measured(run(frames=20), temperature=820.0, seed=1)
    assert one.found is None and one.reason.startswith("20 frames: expected 40")


def test_a_temperature_below_zero_is_refused() -> None:
    with pytest.raises(InputError, match=r"temperature -3 K"):
        look.measured(run(frames=2), temperature=-3, seed=1)


@pytest.mark.parametrize(
    ("ratio", "error", "counts"),
    [(1.0, 0.05, True), (1.09, 0.05, True), (1.11, 0.05, False), (0.89, 0.05, False),
     (1.0, 0.26, False), (1.3, 0.2, True), (float("nan"), float("nan"), False)],
)  # fmt: skip
def test_the_second_rule_has_two_sides_and_a_largest_error(
    ratio: float, error: float, counts: bool
) -> None:
    assert point(straight=Estimate(ratio, error), reason="0.9, not 1").counts("straight") is counts


def test_rules_are_named() -> None:
    with pytest.raises(
        InputError, match=r"rule 'exponnt': expected exponent, straight or widened.*exponent"
    ):
        point().counts("exponnt")


def test_the_third_rule_lets_all_in_and_widens_their_errors() -> None:
    bent = point(straight=Estimate(0.86, 0.03), reason="0.8, not 1")
    assert bent.counts("widened") and not bent.counts("straight")
    assert bent.error("widened") == pytest.approx(np.linalg.norm([1e-6, 0.14 * 2e-5, 0.03 * 2e-5]))
    # The same to the other side, nothing where the line is straight, and not by other rules.
    assert point(straight=Estimate(1.14, 0.03)).error("widened") == pytest.approx(
        bent.error("widened")
    )
    # A ratio of 1 by luck is known no better than its own error.
    assert point(straight=Estimate(1.0, 0.03)).error("widened") == pytest.approx(
        np.hypot(1e-6, 0.03 * 2e-5)
    )
    assert point(straight=Estimate(1.1, 0.06)).error("straight") == 1e-6
    assert not unread().counts("widened") and not point(straight=NAN).counts("widened")


@pytest.mark.parametrize("rule", ["exponent", "straight"])
def test_only_a_run_that_counts_has_an_error(rule: str) -> None:
    with pytest.raises(InputError, match=rf"820 K of seed 1: expected one .* rule {rule}"):
        point(straight=Estimate(0.5, 0.01), reason="0.5, not 1").error(rule)
    with pytest.raises(InputError, match="820 K of seed 1"):
        unread().error("widened")


def test_straightness_is_the_ratio_of_slopes_of_a_naive_msd() -> None:
    x = walk(60, 12, coefficient=0.1).astype(np.float32)
    found = look.straightness(x, start=5, stop=26)

    def msd(m: int) -> float:
        return float(np.mean([((x[k + m] - x[k]) ** 2).sum(axis=1) for k in range(len(x) - m)]))

    naive = ((msd(26) - msd(15)) / 11) / ((msd(15) - msd(5)) / 10)
    assert found.value == pytest.approx(naive, rel=1e-4)


def test_straightness_sees_a_bend_and_not_a_constant() -> None:
    t = np.arange(200.0)[:, None, None]
    flight = np.repeat(t, 6, axis=1) * np.array([1.0, 0.0, 0.0])
    # Squares of 10, 20 and 30: slopes of 30 and 50.
    bent = look.straightness(flight.astype(np.float32), start=10, stop=30)
    assert bent.value == pytest.approx(50 / 30, rel=1e-4) and bent.error == pytest.approx(
        0, abs=1e-6
    )
    caged = look.straightness(
        walk(400, 300, coefficient=0.1, cage=1.0).astype(np.float32), start=20, stop=80
    )
    assert abs(caged.value - 1) < 4 * caged.error < 0.4


def test_its_error_is_the_spread_over_walks() -> None:
    each = [
        look.straightness(
            walk(81, 60, coefficient=0.2, seed=s).astype(np.float32), start=8, stop=40
        )
        for s in range(80)
    ]
    values = np.array([e.value for e in each])
    assert np.mean([e.error for e in each]) == pytest.approx(values.std(ddof=1), rel=0.3)
    within = np.mean([abs(e.value - 1) <= 2 * e.error for e in each])
    assert within > 0.85


@pytest.mark.parametrize(("start", "stop"), [(0, 5), (5, 6), (5, 5), (3, 20)])
def test_straightness_needs_two_halves(start: int, stop: int) -> None:
    with pytest.raises(InputError, match=f"lags {start} to {stop} of 20 frames and 4 atoms"):
        look.straightness(np.zeros((20, 4, 3), dtype=np.float32), start=start, stop=stop)


def test_whether_the_frame_flows() -> None:
    still = {"Ga": point(element="Ga", reason="0.6, not 1", straight=Estimate(0.5, 0.1))}
    assert not look.flows(still) and not look.flows(still, rule="straight")
    assert look.flows({"Ga": point(element="Ga")})
    with pytest.raises(InputError, match="elements Li: expected Ga"):
        look.flows({"Li": point()})
    with pytest.raises(InputError, match="elements none"):
        look.flows({})


# --- shipped runs ---


def runs_table() -> pd.DataFrame:
    return pd.DataFrame({
        "seed": [2, 1, 1, 1, 1, 1],
        "protocol": ["diffusion-820", "diffusion-820", "diffusion-820", "diffusion-660", "anneal", "shear"],
        "leg": ["run", "settle", "run", "run", "rest", "shear"],
    })  # fmt: skip


def test_shipped_runs_are_found_hottest_first() -> None:
    assert look.shipped(runs_table()) == {820: [1, 2], 660: [1]}
    assert list(look.shipped(runs_table())) == [820, 660]
    assert look.shipped(runs_table().iloc[4:]) == {}


def test_points_ask_for_each_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str, str, str]] = []

    def frames(seed: int, protocol: str, leg: str, *, preset: str) -> Iterator[Atoms]:
        asked.append((seed, protocol, leg, preset))
        return run(frames=3)

    monkeypatch.setattr(chapter, "runs", lambda preset: runs_table())
    monkeypatch.setattr(chapter, "frames", frames)
    found = look.points("class")
    assert asked == [(1, "diffusion-820", "run", "class"), (2, "diffusion-820", "run", "class"),
                     (1, "diffusion-660", "run", "class")]  # fmt: skip
    assert [(p.temperature, p.seed) for p in found] == [(820, 1), (820, 2), (660, 1)]
    others = look.movers(820, 2)
    assert list(others) == ["Li", "F", "Cl", "Ga"] and others["F"].reason.startswith("no F")


def test_the_real_table_is_understood() -> None:
    for kelvin, seeds in look.shipped(chapter.runs()).items():
        assert 300 <= kelvin <= 1500 and seeds == sorted(set(seeds))


# --- the law ---


def test_a_known_barrier_is_found_and_extrapolated() -> None:
    law = lithium_law.law(activated(820, 740, 660, 580, 500))
    assert law is not None and law.energy == pytest.approx(0.3) and law.chi2 < 1e-9
    assert law.at(300).value == pytest.approx(2e-5 * np.exp(-0.3 / EV_PER_K * (1 / 300 - 1 / 820)))


def test_seeds_are_points_of_their_own() -> None:
    one = lithium_law.law(activated(820, 740, 660, seeds=(1,)))
    three = lithium_law.law(activated(820, 740, 660, seeds=(1, 2, 3)))
    assert one is not None and three is not None
    assert (one.freedom, three.freedom) == (1, 7)
    assert three.error == pytest.approx(one.error / np.sqrt(3))
    # Assemblies that differ by more than single errors widen the interval.
    apart = lithium_law.law(activated(820, 740, 660, seeds=(1, 2, 3), scatter=0.4))
    assert apart is not None and apart.scale > 10


def test_what_does_not_count_is_left_out() -> None:
    found = activated(820, 740, 660)
    caged = point(500, found=stated(9e-6, temperature=500), reason="0.8, not 1")
    alone, more = (
        lithium_law.law([*found, caged]),
        lithium_law.law([*found, caged], rule="straight"),
    )
    assert alone is not None and alone.coldest == 660 and alone.energy == pytest.approx(0.3)
    assert more is not None and more.coldest == 500 and more.energy < 0.3


def test_a_run_whose_slope_still_falls_weighs_less_in_the_widened_law() -> None:
    line = activated(820, 740, 660, 580)
    off = point(500, found=stated(9e-6, temperature=500), straight=Estimate(0.5, 0.01))
    firm = point(500, found=stated(9e-6, temperature=500))
    loose, tight = (lithium_law.law([*line, one], rule="widened") for one in (off, firm))
    assert loose is not None and tight is not None
    assert tight.energy < loose.energy < 0.3
    # Student's t, although the points lie on a line.
    plain, widened = lithium_law.law(line), lithium_law.law(line, rule="widened")
    assert plain is not None and widened is not None and widened.student and not plain.student
    assert widened.energy == pytest.approx(plain.energy)
    assert widened.quantile == pytest.approx(4.303, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), scatter=st.floats(0.0, 0.6), bend=st.floats(0.0, 0.4))
def test_the_widened_law_is_never_the_narrower_one(seed: int, scatter: float, bend: float) -> None:
    rng = np.random.default_rng(seed)
    line = [
        replace(point(t, found=stated(d, error=0.05 * d, temperature=t)),
                straight=Estimate(1 - bend * rng.uniform(), 0.05))
        for t in (820.0, 740.0, 660.0, 580.0)
        for d in [2e-5 * np.exp(-0.3 / EV_PER_K * (1 / t - 1 / 820) + scatter * rng.normal())]
    ]  # fmt: skip
    plain, widened = lithium_law.law(line), lithium_law.law(line, rule="widened")
    assert plain is not None and widened is not None
    assert widened.high - widened.low >= plain.high - plain.low


def test_runs_are_brought_to_no_pressure() -> None:
    line = activated(820, 740, 660)
    freed = lithium_law.unpressed([*line, unread()], [100.0, 0.0, -50.0, 0.0], volume=10.0)
    # 100 MPa x 10 cubic angstrom are 1e-21 J.
    up = np.exp(1e-21 / (constants.k * 820))
    first, second, third = (p.found.coefficient / q.found.coefficient  # type: ignore[union-attr]
                            for p, q in zip(freed, line, strict=False))  # fmt: skip
    assert (first, second) == (pytest.approx(up), 1.0) and third < 1
    assert freed[0].found is not None and freed[0].found.error == pytest.approx(up * 1e-6)
    assert freed[3].found is None
    # Pressed where it is hot and stretched where it is cold: without it the line is steeper.
    more, plain = lithium_law.law(freed), lithium_law.law(line)
    assert more is not None and plain is not None and more.energy > plain.energy
    with pytest.raises(InputError, match="3 runs and 2 pressures"):
        lithium_law.unpressed(line, [0.0, 0.0], volume=10.0)


def test_the_pressure_is_the_mean_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def thermo(
        seed: int, protocol: str, leg: str, *, preset: str
    ) -> dict[str, NDArray[np.float64]]:
        assert (seed, protocol, leg) == (1, "diffusion-820", "run")
        return {"Press": np.random.default_rng(1).normal(1000.0, 200.0, 400)}

    monkeypatch.setattr(chapter, "thermo", thermo)
    (one,) = lithium_law.pressures(activated(820))
    assert one.value == pytest.approx(100.0, abs=3) and one.error == pytest.approx(1.0, rel=0.3)


@pytest.mark.parametrize(
    "found", [[], activated(820), activated(820, 740, seeds=(1, 2, 3)), [unread()]]
)
def test_fewer_than_three_temperatures_make_no_law(found: list[Point]) -> None:
    assert lithium_law.law(found) is None and lithium_law.law(found, rule="straight") is None
    assert lithium_law.bends(found, density=0.014, divergences=(0.0, 100.0)) == {}


@settings(max_examples=25, deadline=None)
@given(t0=st.floats(0, 250), barrier=st.floats(0.02, 0.3))
def test_a_bent_law_is_found_back(t0: float, barrier: float) -> None:
    kelvin = (820.0, 740.0, 660.0, 580.0, 500.0)
    d = {t: 1e-4 * np.exp(-barrier / (EV_PER_K * (t - t0))) for t in kelvin}
    found = [point(t, found=stated(d[t], error=0.05 * d[t], temperature=t)) for t in kelvin]
    law = lithium_law.law(found, divergence=t0)
    assert law is not None and law.energy == pytest.approx(barrier, rel=1e-6)
    (sigma,) = lithium_law.bends(found, density=0.014, divergences=(t0,)).values()
    expected = 1e-4 * np.exp(-barrier / (EV_PER_K * (300 - t0)))
    plain = 1000 * 0.014e24 * constants.e**2 * expected / (constants.k * 300)
    assert sigma.value == pytest.approx(plain, rel=1e-6) and sigma.temperature == pytest.approx(300)


def test_bending_lowers_what_it_says_of_room_temperature() -> None:
    curves = lithium_law.bends(
        activated(820, 740, 660), density=0.014, divergences=(0.0, 50.0, 100.0, 200.0)
    )
    values = [c.value for c in curves.values()]
    assert values == sorted(values, reverse=True) and values[0] > 10 * values[-1]


def test_a_divergence_must_lie_below() -> None:
    with pytest.raises(InputError, match=r"T0 of 700 K: expected 0 or more and below the coldest"):
        lithium_law.law(activated(820, 740, 660), divergence=700)
    with pytest.raises(InputError, match="T0 of -1 K"):
        lithium_law.law([], divergence=-1)
    with pytest.raises(InputError, match="T0 of 300 K: expected below 300 K"):
        lithium_law.bends(activated(820, 740, 660), density=0.014, divergences=(300.0,))


# --- conductivity ---


def test_nernst_and_einstein_at_room_temperature() -> None:
    law = lithium_law.law(activated(820, 740, 660))
    assert law is not None
    value = law.at(300.0)
    sigma = lithium_law.conducts(value, density=0.014, haven=0.5)
    n = 0.014e30
    plain = 10 * n * constants.e**2 * value.value * 1e-4 / (constants.k * 300 * 0.5)  # S/m to mS/cm
    assert sigma.value == pytest.approx(plain) and sigma.haven == 0.5 and sigma.temperature == 300
    assert sigma.high / sigma.value == pytest.approx(value.high / value.value)
    assert sigma.error == pytest.approx(sigma.value * value.log_error)
    with pytest.raises(InputError, match="0 lithium per cubic angstrom"):
        lithium_law.conducts(value, density=0.0)
    with pytest.raises(InputError, match="Haven ratio 0"):
        lithium_law.conducts(value, density=0.014, haven=0)


def test_the_density_is_of_the_rested_half_over_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    volumes = {1: np.array([9e9, 9e9, 8000.0, 8000.0]), 2: np.array([9e9, 9e9, 10000.0, 10000.0])}
    monkeypatch.setattr(chapter, "seeds", lambda protocol, preset: [1, 2])
    monkeypatch.setattr(
        chapter, "thermo", lambda s, p, leg, preset: Thermo(columns={"Volume": volumes[s]})
    )
    monkeypatch.setattr(chapter, "frames", lambda s, p, leg, preset: iter(run(frames=2, atoms=80)))
    found = lithium_law.carriers()
    assert found.value == pytest.approx((80 / 8000 + 80 / 10000) / 2)
    assert found.error == pytest.approx(0.001)


def test_the_density_of_the_shipped_glass() -> None:
    """A quarter of the atoms is lithium; the ideal mixture has 176 in 704 atoms."""
    for seed in chapter.seeds("anneal"):
        first = next(chapter.frames(seed, "anneal", "rest"))
        assert (first.numbers == 3).mean() == pytest.approx(0.25)
    assert 0.010 < lithium_law.carriers().value < 0.020


def conductivity(value: float) -> Conductivity:
    return Conductivity(value, 0.5 * value, value / 3, 3 * value, 300.0, 1.0)


@pytest.mark.parametrize(
    ("value", "yes"), [(0.29, True), (29.0, True), (0.28, False), (29.5, False), (2.9, True)]
)
def test_within_a_factor_either_way(value: float, yes: bool) -> None:
    assert lithium_law.within(conductivity(value), 2.9, factor=10.0) is yes


def test_factors_and_spreads_that_mean_nothing() -> None:
    with pytest.raises(InputError, match=r"within a factor of 0\.5 of 3 mS/cm"):
        lithium_law.within(conductivity(1.0), 3.0, factor=0.5)
    with pytest.raises(InputError, match="of 0 mS/cm"):
        lithium_law.within(conductivity(1.0), 0.0, factor=2.0)
    assert lithium_law.spread([4.0, 2.0, 3.0]) == 2.0
    for bad in ([1.0], [1.0, 0.0]):
        with pytest.raises(InputError, match="expected two or more, all above 0"):
            lithium_law.spread(bad)


def test_the_liquid_is_what_its_fit_says() -> None:
    """Nyman's polynomial at 1 mol/L; every quoted number has a source and an identifier."""
    assert pytest.approx(lithium_law.LITERATURE["liquid"].value, abs=0.05) == 10 * (
        0.1297 - 2.51 + 3.329
    )
    for one in lithium_law.LITERATURE.values():
        assert one.value > 0 and one.source and one.doi.startswith("10.")


# --- runs as short as the teacher's ---


def test_pieces_of_a_known_path() -> None:
    # Two atoms that go 1 and 2 angstrom a frame: 1 and 4 angstrom^2 over six times the time.
    x = np.arange(9.0)[:, None, None] * np.array([[[1.0, 0, 0], [0, 2.0, 0]]])
    paths = Track(x.astype(np.float32), 0.5, 1e3)
    single = look.pieces(paths, atoms=1, picoseconds=0.5)
    assert single.reshape(8, 2) == pytest.approx(np.tile([1e-4 / 3, 4e-4 / 3], (8, 1)))
    assert look.pieces(paths, atoms=2, picoseconds=1.0) == pytest.approx(
        [1e-4 * (4 + 16) / 2 / 6] * 4
    )


def test_pieces_of_a_walk_scatter_about_its_coefficient() -> None:
    paths = Track(walk(401, 80, coefficient=0.2).astype(np.float32), DT, 1e4)
    found = look.pieces(paths, atoms=8, picoseconds=1.0)
    assert len(found) == 200 * 10 and found.mean() == pytest.approx(2e-5, rel=0.05)
    # A mean of 24 squares of normal numbers scatters by sqrt(2/24).
    assert found.std() / found.mean() == pytest.approx(np.sqrt(2 / 24), rel=0.1)


@pytest.mark.parametrize(("atoms", "ps"), [(0, 1.0), (9, 1.0), (4, 0.1), (4, 50.0)])
def test_pieces_must_fit_the_run(atoms: int, ps: float) -> None:
    paths = Track(np.zeros((21, 8, 3), dtype=np.float32), DT, 1e3)
    with pytest.raises(
        InputError, match=rf"groups of {atoms} and pieces of {ps:g} ps: expected up to 8"
    ):
        look.pieces(paths, atoms=atoms, picoseconds=ps)


# --- live ---


def test_the_live_run_begins_from_the_melt_of_chapter_5(tmp_path: Path) -> None:
    class Made:
        """Records what it is asked to run."""

        folder, seed = tmp_path, 4

        def run(self, protocol: object, start: Path, *, name: str) -> list[str]:
            self.asked = (protocol, start.read_text("utf-8"), name)
            return ["settle", "run"]

        def frames(self, leg: str) -> Iterator[Atoms]:
            assert leg == "run"
            return run(frames=5)

    made = Made()
    found = look.live(made, temperature=900.0, picoseconds=4.0)  # type: ignore[arg-type]
    protocol, text, name = made.asked
    assert "64 atoms" in text and name == "diffusion-900"
    assert (protocol.temperature, protocol.run_ps, protocol.settle_ps) == (900.0, 4.0, 1.0)  # type: ignore[attr-defined]
    assert list(found) == list(look.ELEMENTS) and found["Li"].seed == 4


# --- words ---


def test_runs_in_words() -> None:
    assert lithium_words.listed([]) == "no run yet"
    assert lithium_words.listed(activated(820)) == "1 run, at 820 K, of 1 assembly"
    assert (
        lithium_words.listed(activated(660, 820, 740, seeds=(1, 2)))
        == "6 runs, at 820, 740 and 660 K, of 2 assemblies"
    )
    assert (
        lithium_words.counted([*activated(820, 740), unread()])
        == "2 of 3 (at 820 and 740 K, of 1 assembly)"
    )
    assert lithium_words.counted([unread()]) == "none of 1 runs"
    assert "none yet" in lithium_words.counted([])


def test_the_table_says_why_a_run_is_left_out() -> None:
    caged = replace(activated(500)[0], reason="0.80 ± 0.02, not 1")
    made = lithium_words.table([*activated(820), caged, replace(unread(), seed=2)])
    assert list(made.index) == [(820, 1), (500, 1), (820, 2)]
    assert made["counts by exponent"].tolist() == [
        "yes",
        "no",
        "no: write frames more often",
    ]
    assert made["counts as straight"].tolist() == ["yes", "yes", "no"]
    assert (
        made["D (10⁻⁶ cm²/s)"].tolist()[0] == "20.00 ± 1.00"
        and made["D (10⁻⁶ cm²/s)"].tolist()[2] == ""
    )
    assert list(lithium_words.table([]).columns) == list(made.columns)
    pressed = lithium_words.table(activated(820, 740), [Estimate(84.2, 14.0), Estimate(-3.0, 5.0)])
    assert pressed["pressure (MPa)"].tolist() == ["84 ± 14", "-3 ± 5"]


def test_who_moves_in_words() -> None:
    melt = {
        e: point(element=e, found=stated(c), rms=r)
        for e, c, r in (("Li", 4e-5, 6.0), ("Ga", 1e-5, 3.0))
    }
    text = lithium_words.host(melt)
    assert (
        text.startswith("Everything moves")
        and "4.0 times" in text
        and "gallium comes 3.0 Å" in text
    )
    frame = {**melt, "Ga": replace(melt["Ga"], found=None, reason="0.2", straight=NAN)}
    assert lithium_words.host(frame).startswith("The frame stands")
    assert "could not be followed: write" in lithium_words.host({"Li": unread(), "Ga": unread()})
    assert "no run yet" in lithium_words.host({})
    assert lithium_words.far({**melt, "F": unread()}).endswith(
        "are 6.0 angstrom for Li and 3.0 angstrom for Ga."
    )
    assert "empty plot" in lithium_words.far({}) and "empty plot" in lithium_words.far(
        {"Li": unread()}
    )
    made = lithium_words.movers_table({**frame, "F": unread()})
    assert made["D (10⁻⁶ cm²/s)"].tolist() == ["40.00 ± 1.00", "no coefficient", "no coefficient"]
    assert made["root of the MSD (Å)"].tolist() == ["6.0", "3.0", ""]


def test_the_law_in_words() -> None:
    law = lithium_law.law(activated(820, 740, 660))
    assert lithium_words.energy(law).startswith(
        "The barrier is 0.30 ± "
    ) and "1 degree of" in lithium_words.energy(law)
    assert lithium_words.reach(law).startswith("300 K lies 360 K outside")
    sharp = lithium_law.law(activated(820, 740, 660, relative=0.001))
    assert "0.300 ± 0.00" in lithium_words.energy(sharp)
    assert lithium_words.energy(None).startswith("No law") and "nothing" in lithium_words.reach(
        None
    )


def test_the_answer_with_one_law_two_or_none() -> None:
    good, bad = conductivity(1.5), None
    found = activated(820, 740, 660)
    all_three = {"exponent": good, "straight": good, "widened": good}
    assert "1.5 mS/cm (95 %: 0.5 to 4.5)" in lithium_words.answer(found, all_three, rule="exponent")
    mild = lithium_words.answer(found, all_three | {"exponent": bad}, rule="exponent")
    assert "by a milder one" in mild and "1.5 mS/cm" in mild
    assert "and their errors widened 1.5 mS/cm" in mild and mild.count(". ") == 0
    large = lithium_words.words(replace(good, high=123.4))
    assert large == "1.5 mS/cm (95 %: 0.5 to 123)"
    wide = lithium_words.answer(found, {"exponent": bad, "straight": bad, "widened": good},
                                rule="exponent")  # fmt: skip
    assert "By our two rules not enough" in wide and "1.5 mS/cm" in wide and "widened" in wide
    neither = dict.fromkeys(all_three, bad)
    none = lithium_words.answer([], neither, rule="exponent")
    assert (
        "cannot say yet" in none and "mS/cm" not in none and none.endswith("there is no run yet.")
    )
    few = lithium_words.answer([unread()], neither, rule="exponent")
    assert few.endswith("by the milder of our rules, none of 1 runs count.")


def test_a_haven_ratio_divides() -> None:
    law = lithium_law.law(activated(820, 740, 660))
    assert law is not None
    made = lithium_words.havens(law.at(300.0), density=0.014, ratios=(1.0, 0.5))
    one, half = (float(v) for v in made["conductivity at 300 K (mS/cm)"])
    assert list(made.index) == ["1", "0.5"] and half == pytest.approx(2 * one, rel=0.05)
    assert set(lithium_words.havens(None, density=0.014).to_numpy().ravel()) == {"–"}
    curves = {0.0: conductivity(3.0), 160.0: conductivity(0.1)}
    rows = lithium_words.rows(curves, frozen=160.0)
    assert (
        rows["ours, Haven ratio 0.3"][0] == pytest.approx(10.0)
        and rows["ours, bent (T₀ 160 K)"][0] == 0.1
    )
    assert lithium_words.rows({}, frozen=160.0) == {}
    assert lithium_words.bends_table(curves).index.tolist() == ["0", "160"]


def carried(temperature: float = 820.0, value: float = 300.0, seed: int = 1) -> Transport:
    lag = np.arange(0.0, 20.5, 0.5)
    return Transport(temperature, seed, lag, 40 * lag + 100.0, 90 * lag, value, 600.0, 1800.0, 0.3,
                     0.5, 2.0, (2.0, 8.0))  # fmt: skip


def number(value: float, error: float = 0.1, samples: int = 4) -> Pooled:
    return Pooled(Estimate(value, error, samples), value - 4 * error, value + 4 * error, 0.2, 3, 2)


def test_what_all_charges_carry_in_words() -> None:
    assert "No run is long enough" in lithium_words.together(None)
    assert "of one run nobody can say" in lithium_words.together(number(0.7, samples=1))
    said = lithium_words.together(number(0.8))
    assert said.startswith("Taken as one number, 4 runs at 3 temperatures, of 2 assemblies, say")
    assert "0.80 ± 0.10 times" in said and "(95 %: 0.40 to 1.20)" in said and "1 ± 0.20" in said
    assert said.endswith("A Haven ratio of 0.3 stands for 3.3, above that interval.")
    assert "within that" in lithium_words.together(number(3.0))
    assert "below that" in lithium_words.together(number(4.0))
    assert "stands for 1.2, within" in lithium_words.together(number(0.9), haven=0.8)


def test_tables_of_all_charges() -> None:
    table = lithium_words.charge_table([carried(), carried(740.0, 150.0, seed=2)])
    assert table.loc[(820, 1)].tolist() == [
        "300 (150 to 600)", "600", "1800", "0.50 ± 0.30"]  # fmt: skip
    assert table.loc[(740, 2), "all charges / lithium"] == "0.25 ± 0.30"
    assert list(lithium_words.charge_table([]).columns) == list(table.columns)
    open_ended = lithium_words.charge_table([replace(carried(), low=-0.1)])
    assert open_ended.iloc[0, 0] == "300 (150 to ∞)"
    several = lithium_words.windows(
        {(1.0, 4.0): [carried(), carried(740.0, 150.0)], (4.0, 16.0): []}
    )
    assert several.loc["1 to 4"].tolist() == ["0.38 ± 0.12", "± 0.21", "2"]
    assert several.loc["4 to 16"].tolist() == ["–", "–", "0"]


def test_all_charges_at_room_temperature_in_words() -> None:
    runs = [
        carried(t, 3e5 / t * np.exp(-0.1 / EV_PER_K * (1 / t - 1 / 300)))
        for t in (820.0, 740.0, 660.0)
    ]
    law = charge.law(runs)
    assert law is not None
    said = lithium_words.room(law)
    assert said.startswith("1000 mS/cm (95 %: ") and "to" in said
    low, high = (float(x) for x in said.split(": ")[1].rstrip(")").split(" to "))
    assert 0 < low < 1000 < high
    assert lithium_words.room(None) == "no conductivity, for want of a law"


def test_all_charges_have_a_row_of_their_own() -> None:
    known = {0.0: conductivity(1.5)}
    at = Value(300.0, 3000.0, 300.0, 60000.0, 1.0, 280.0, 3.0)
    ours = lithium_words.rows(known, frozen=160.0, charges=at)
    assert ours["ours, all charges"] == pytest.approx((10.0, 1.0, 200.0))
    assert "ours, all charges" not in lithium_words.rows(known, frozen=160.0)
    assert list(lithium_words.rows({}, frozen=160.0, charges=at)) == ["ours, all charges"]


def test_shipped_charges_are_those_of_the_shipped_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def frames(seed: int, protocol: str, leg: str, *, preset: str) -> Iterator[Atoms]:
        assert preset == "reference" and leg == "run"
        # As many chloride as lithium, so that the cell is neutral; one run is too short for one
        # fit, one leaps.
        short, leaps = protocol.endswith("660"), protocol.endswith("820") and seed == 2
        for atoms in run(lithium=40.0 if leaps else 0.2, frames=24 if short else 81, seed=seed):
            atoms.symbols = ["Li" if i % 2 else "Cl" for i in range(len(atoms))]
            yield atoms

    monkeypatch.setattr(chapter, "runs", lambda preset: runs_table())
    monkeypatch.setattr(chapter, "frames", frames)
    found = look.charged(fits=((2.0, 8.0), (1.0, 4.0)))
    assert [(one.temperature, one.seed) for one in found[2.0, 8.0]] == [(820, 1)]
    assert [(one.temperature, one.seed) for one in found[1.0, 4.0]] == [(820, 1), (660, 1)]
    assert all(one.fit_ps == fit and one.relative > 0 for fit, own in found.items() for one in own)
    assert list(look.charged()) == [(2.0, 8.0)]


def test_short_runs_and_live_runs_in_words() -> None:
    text = lithium_words.short(np.array([2e-5, 4e-5, 6e-5]), point())
    assert "2.0 times the D of the whole" in text and "67 % are within" in text
    assert lithium_words.short(np.empty(0), point()).startswith("What so short")
    assert lithium_words.short(np.ones(2), None).startswith("What so short")
    assert "switched off" in lithium_words.says(None)
    assert lithium_words.says(unread("run longer")) == "No coefficient: run longer."
    assert lithium_words.says(point()).endswith("an error of 5 %.")
    assert lithium_words.says(point(reason="0.8, not 1")).endswith("but 0.8, not 1.")


# --- figures ---


def test_figures_show_what_there_is_and_nothing_else() -> None:
    found = [*activated(820, 740, 660), unread()]
    _, (a, b, c, d) = new_figure(1, 4)
    lithium_plots.plot_msd(a, found)
    assert len(a.lines) >= 4 and a.get_legend() is not None
    lithium_plots.plot_movers(b, {"Li": found[0], "Ga": replace(found[1], reason="not 1")})
    assert [line.get_linestyle() for line in b.lines] == ["-", ":"]
    law, bent = lithium_law.law(found), lithium_law.law(found, divergence=150.0)
    assert law is not None and bent is not None
    lithium_plots.plot_law(c, found, law, to=300.0, bent=(150.0, bent))
    dashed = next(line for line in c.lines if line.get_linestyle() == "--")
    assert dashed.get_xdata()[[0, -1]] == pytest.approx([1000 / 660, 1000 / 300])
    assert dashed.get_ydata()[-1] == pytest.approx(law.at(300).value)
    bow = next(line for line in c.lines if line.get_linestyle() == "-.")
    assert (
        bow.get_ydata()[-1] == pytest.approx(bent.at(150.0).value)
        and bow.get_ydata()[-1] < dashed.get_ydata()[-1]
    )
    _, wide = new_figure()
    loose = [replace(p, straight=Estimate(0.7, 0.01)) for p in found]
    lithium_plots.plot_law(wide, loose, None, to=300.0, rule="widened")

    def height(ax: Axes) -> float:
        bar = ax.containers[0][2][0].get_segments()[0]
        return float(np.ptp(bar[:, 1]))

    assert height(wide) / height(c) == pytest.approx(loose[0].error("widened") / 1e-6, rel=1e-3)
    _, e = new_figure()
    lithium_plots.plot_charge(e, [carried(), carried(740.0)])
    thin, heavy, dashed = e.lines[:3]
    assert (thin.get_xdata()[0], heavy.get_xdata()[0], heavy.get_xdata()[-1]) == (0.5, 2.0, 8.0)
    assert dashed.get_linestyle() == "--" and dashed.get_ydata()[0] == 45.0
    assert [text.get_text() for text in e.get_legend().get_texts()] == ["820 K", "740 K"]
    lithium_plots.plot_conductivities(d, {"measured": 2.9}, {"ours": (1.0, 1e-9, 1e9)})
    assert d.get_xlim() == pytest.approx(lithium_plots.WIDEST)
    assert [t.get_text() for t in d.get_yticklabels()] == ["measured", "ours"]


@pytest.mark.parametrize("found", [[], [unread()], [unread(), unread("no Cl")]])
def test_figures_without_a_curve_can_be_drawn(
    found: list[Point], recwarn: pytest.WarningsRecorder
) -> None:
    figure, (a, b, c) = new_figure(1, 3)
    lithium_plots.plot_msd(a, found)
    lithium_plots.plot_movers(b, dict(zip(("Li", "Ga"), found, strict=False)))
    lithium_plots.plot_law(c, found, None, to=300.0)
    lithium_plots.plot_charge(new_figure()[1], [])
    figure.canvas.draw()
    assert not a.lines and not b.lines and a.get_legend() is None
    assert not [
        str(w.message) for w in recwarn if "artists" in str(w.message) or "log" in str(w.message)
    ]


# --- impedance ---


def test_what_was_put_in_is_found() -> None:
    sample = lithium_eis.made_sample(3.0, **PELLET)
    f = sample.spectrum.frequency
    assert (f[0], f[-1]) == (pytest.approx(7e6), pytest.approx(0.01)) and sample.truth == 3.0
    found = lithium_eis.tested(sample)
    truth = 1000 * 0.05 / (3.0 * 0.785)
    assert found.best.circuit == "L0-R0-CPE1" and found.test.passed
    assert abs(found.best.resistance.value - truth) < 4 * found.best.resistance.error
    # Thickness and area are each known to two percent.
    assert found.conductivity.error / found.conductivity.value == pytest.approx(
        0.02 * np.sqrt(2), rel=0.02
    )
    made = lithium_eis.circuits(found)
    assert made.chosen.tolist()[0] == "yes" and made.index[0] == found.best.circuit
    figure, axes = new_figure(1, 2)
    lithium_plots.plot_spectrum(axes, sample.spectrum, found.best)
    figure.canvas.draw()
    low, high = axes[0].get_xlim()
    assert low <= found.best.resistance.value <= high


def test_noise_is_a_part_of_the_modulus_and_seeded() -> None:
    quiet = lithium_eis.made_sample(1.0, noise=0.0, **PELLET).spectrum.impedance
    loud, again, other = (
        lithium_eis.made_sample(1.0, noise=0.01, seed=s, per_decade=8, **PELLET).spectrum.impedance
        for s in (1, 1, 2)
    )
    relative = (loud - quiet) / np.abs(quiet)
    assert relative.real.std() == pytest.approx(
        0.01, rel=0.3
    ) and relative.imag.std() == pytest.approx(0.01, rel=0.3)
    np.testing.assert_array_equal(loud, again)
    assert (loud != other).all()


def test_without_noise_the_circuit_is_the_formula() -> None:
    sample = lithium_eis.made_sample(2.0, noise=0.0, per_decade=2, **PELLET).spectrum
    s = 2j * np.pi * sample.frequency
    expected = 50e-9 * s + 50.0 / (2.0 * 0.785) + 1 / (20e-6 * 0.785 * s**0.85)
    np.testing.assert_allclose(sample.impedance, expected)


@pytest.mark.parametrize(
    "wrong", [{"sigma": 0.0}, {"noise": -1.0}, {"per_decade": 0}, {"area": Estimate(0.0, 0.0)}]
)
def test_a_pellet_needs_sizes(wrong: dict[str, object]) -> None:
    given = {"sigma": 3.0, **PELLET, **wrong}
    sigma = given.pop("sigma")
    with pytest.raises(InputError, match="expected positive numbers"):
        lithium_eis.made_sample(sigma, **given)  # type: ignore[arg-type]


def test_a_file_of_ones_own_goes_the_same_way(tmp_path: Path) -> None:
    made = lithium_eis.made_sample(3.0, **PELLET).spectrum
    file = tmp_path / "mine.csv"
    rows = [f"{f},{z.real},{-z.imag}" for f, z in zip(made.frequency, made.impedance, strict=True)]
    file.write_text("\n".join(["freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm", *rows]), encoding="utf-8")
    own = lithium_eis.own_sample(file, **PELLET)
    assert np.isnan(own.truth)
    np.testing.assert_allclose(own.spectrum.impedance, made.impedance)
    with pytest.raises(InputError, match=r"absent\.csv"):
        lithium_eis.own_sample(tmp_path / "absent.csv", **PELLET)


def test_units_agree_with_the_diffusion_module() -> None:
    """cm^2/s of an MSD: what pieces say is what the fit says, for one long walk."""
    paths = Track(walk(301, 60, coefficient=0.2, seed=9).astype(np.float32), DT, 1e4)
    fitted = diffusion.diffusion(paths, temperature=800.0)
    assert look.pieces(paths, atoms=60, picoseconds=5.0).mean() == pytest.approx(
        fitted.coefficient, rel=0.15
    )
