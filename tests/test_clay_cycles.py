"""Stress cycles: averaging, strain of a cell, what is left after each pulse."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from repro.clay import cycles
from repro.errors import InputError
from repro.md.logs import Thermo


def leg(strain: NDArray[np.float64], *, stress: float = 0.0, energy: float = -400.0, tilt0: float = 0.5,
        dt: float = 0.1) -> Thermo:  # fmt: skip
    n = len(strain)
    columns = {
        "Time": dt * np.arange(n), "Lx": np.full(n, 19.0), "Ly": np.full(n, 20.0),
        "Lz": np.full(n, 25.0), "Yz": tilt0 + 25.0 * strain, "Xz": np.full(n, 0.1),
        "Xy": tilt0 + 20.0 * strain, "Pyz": np.full(n, -10.0 * stress), "Pxz": np.zeros(n),
        "Pxy": np.full(n, -10.0 * stress), "PotEng": np.full(n, energy),
    }  # fmt: skip
    return Thermo(columns)


# --- averaging ---


def naive(t: NDArray[np.float64], v: NDArray[np.float64], half: float) -> NDArray[np.float64]:
    return np.array([v[(t >= x - half - 1e-9) & (t <= x + half + 1e-9)].mean() for x in t])


@pytest.mark.parametrize("half", [0.0, 0.35, 5.0, 1e3])
def test_the_average_is_that_of_the_interval(half: float) -> None:
    rng = np.random.default_rng(1)
    t = np.cumsum(rng.uniform(0.05, 0.2, 300))
    v = rng.normal(size=300) - 5e5
    assert cycles.moving_mean(t, v, half_width=half) == pytest.approx(naive(t, v, half), abs=1e-7)


def test_a_straight_line_stays_one_away_from_its_ends() -> None:
    t = np.arange(0, 40, 0.1)
    out = cycles.moving_mean(t, 3.0 * t + 1.0)
    inner = (t > 5.05) & (t < 34.8)
    assert out[inner] == pytest.approx(3.0 * t[inner] + 1.0)
    assert out[0] == pytest.approx(1.0 + 3.0 * 2.5)  # from 0 to 5 ps


def test_white_noise_is_damped_by_the_root_of_the_number() -> None:
    t = np.arange(20_000) * 0.1
    out = cycles.moving_mean(t, np.random.default_rng(2).normal(size=len(t)))
    assert out[100:-100].std() == pytest.approx(1 / np.sqrt(101), rel=0.1)


@pytest.mark.parametrize(
    ("t", "v", "half", "message"),
    [
        ([0.0, 1.0], [1.0], 1.0, "expected \\(N,\\)"),
        ([0.0, 0.0], [1.0, 2.0], 1.0, "increasing"),
        ([0.0, 1.0], [1.0, 2.0], -1.0, "half width -1"),
    ],
)
def test_averages_that_cannot_be(t: list[float], v: list[float], half: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cycles.moving_mean(np.array(t), np.array(v), half_width=half)


# --- series ---


@pytest.mark.parametrize("component", ["yz", "xy"])
def test_strain_is_tilt_over_height_and_stress_minus_pressure(component: str) -> None:
    made = cycles.series(
        [leg(np.linspace(0, 0.04, 41), stress=50.0)], component=component, natoms=96
    )
    assert made.strain == pytest.approx(np.linspace(0, 0.04, 41))
    assert made.stress == pytest.approx(np.full(41, 50.0))
    assert made.energy == pytest.approx(np.zeros(41))


def test_legs_follow_without_the_row_they_share() -> None:
    up, down = np.linspace(0, 0.02, 21), np.linspace(0.02, 0.005, 31)
    made = cycles.series(
        [leg(up, stress=50.0), leg(down, energy=-399.904)], component="yz", natoms=96
    )
    assert len(made.time) == 21 + 30 and made.leg.tolist() == [0] * 21 + [1] * 30
    assert np.diff(made.time) == pytest.approx(np.full(50, 0.1))
    assert made.strain[-1] == pytest.approx(0.005)
    assert made.energy[-1] == pytest.approx(1.0)  # 0.096 eV over 96 atoms


def test_the_start_of_the_first_leg_is_the_zero_of_all() -> None:
    made = cycles.series([leg(np.full(5, 0.3)), leg(np.full(5, 0.31))], component="yz", natoms=1)
    assert made.strain[0] == 0.0 and made.strain[-1] == pytest.approx(0.01)


def test_series_that_cannot_be() -> None:
    with pytest.raises(InputError, match="0 legs"):
        cycles.series([], component="yz", natoms=8)
    with pytest.raises(InputError, match="of 0 atoms"):
        cycles.series([leg(np.zeros(3))], component="yz", natoms=0)
    with pytest.raises(InputError, match="'zy'"):
        cycles.series([leg(np.zeros(3))], component="zy", natoms=8)
    with pytest.raises(InputError, match="'Yz' is not in the log"):
        cycles.series(
            [Thermo({"Time": np.arange(3.0), "Pyz": np.zeros(3)})], component="yz", natoms=8
        )


# --- what is left ---


def noisy(level: float, rng: np.random.Generator, n: int = 400) -> NDArray[np.float64]:
    out = np.full(n, level) + rng.normal(scale=0.002, size=n)
    out[0] = 0.0
    return out


def test_residual_strain_with_its_error() -> None:
    rng = np.random.default_rng(5)
    levels = [(0.010, 0.004), (0.014, 0.008), (0.018, 0.012)]
    legs = [leg(noisy(x, rng)) for pair in levels for x in pair]
    found = cycles.summary(cycles.series(legs, component="yz", natoms=96))
    assert [c.number for c in found] == [1, 2, 3]
    for cycle, (loaded, residual) in zip(found, levels, strict=True):
        assert cycle.loaded.value == pytest.approx(loaded, abs=0.001)
        assert cycle.residual.value == pytest.approx(residual, abs=0.001)
        assert cycle.residual.error == pytest.approx(0.002 / 10, rel=0.6)


def test_an_elastic_solid_keeps_nothing() -> None:
    rng = np.random.default_rng(6)
    load = [leg(noisy(x, rng)) for x in (0.01, 0.0)]
    control = [leg(noisy(x, rng)) for x in (0.0, 0.0)]
    one, other = (cycles.summary(cycles.series(legs, component="yz", natoms=96))[0]
                  for legs in (load, control))  # fmt: skip
    assert abs(one.residual.value - other.residual.value) < 0.001
    assert one.loaded.value == pytest.approx(0.01, abs=0.001)


def test_summaries_that_cannot_be() -> None:
    one = cycles.series([leg(np.zeros(9))], component="yz", natoms=8)
    with pytest.raises(InputError, match="1 legs"):
        cycles.summary(one)
    two = cycles.series([leg(np.zeros(9)), leg(np.zeros(9))], component="yz", natoms=8)
    with pytest.raises(InputError, match="share 0"):
        cycles.summary(two, share=0.0)
