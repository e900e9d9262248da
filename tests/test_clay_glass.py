"""Glass transitions of curves with a known kink."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from repro.clay import glass
from repro.errors import InputError

T = np.linspace(60.0, 480.0, 120)


def kink(at: float = 215.0, *, width: float = 0.0, cold: float = 3e-5, hot: float = 1.2e-4,
         noise: float = 0.0, seed: int = 1) -> NDArray[np.float64]:  # fmt: skip
    x = T - at
    v = 0.37 + (cold + hot) / 2 * x + (hot - cold) / 2 * np.sqrt(x * x + width**2)
    return v + np.random.default_rng(seed).normal(scale=noise, size=len(T)) if noise else v


@pytest.mark.parametrize("at", [150.0, 215.15, 330.0])
def test_two_exact_lines(at: float) -> None:
    found = glass.transition(T, kink(at), method="lines", samples=20)
    assert found.temperature == pytest.approx(at, abs=1e-6)
    assert found.cold == pytest.approx(3e-5) and found.hot == pytest.approx(1.2e-4)
    assert found.width == 0.0 and found.residual < 1e-9
    assert found.celsius == pytest.approx(at - 273.15)


@pytest.mark.parametrize("width", [0.0, 40.0])
@pytest.mark.parametrize("method", ["lines", "hyperbola"])
def test_the_fitted_curve_is_the_one_that_was_put_in(method: str, width: float) -> None:
    found = glass.transition(T, kink(width=width), method=method, samples=5)
    assert found.volume == pytest.approx(
        0.37, abs=1e-9 if method == "hyperbola" or width == 0 else 3e-3
    )
    off = np.abs(found.curve(T) - kink(width=width)).max()
    # Two lines cannot follow a rounding; they must not be far from it either.
    assert off < (1e-7 if method == "hyperbola" or width == 0 else 2e-3)


@pytest.mark.parametrize("width", [5.0, 40.0, 80.0])
def test_a_rounded_kink_gives_its_middle_and_width(width: float) -> None:
    found = glass.transition(T, kink(width=width), samples=10)
    assert found.temperature == pytest.approx(215.0, abs=0.05)
    assert found.width == pytest.approx(width, rel=0.01)
    assert found.hot == pytest.approx(1.2e-4, rel=1e-3)


def test_the_order_of_the_points_does_not_matter() -> None:
    mixed = np.random.default_rng(3).permutation(len(T))
    one = glass.transition(T, kink(width=20.0), samples=10)
    other = glass.transition(T[mixed], kink(width=20.0)[mixed], samples=10)
    assert one == other


@pytest.mark.parametrize("method", ["lines", "hyperbola"])
def test_the_interval_covers_the_truth(method: str) -> None:
    inside = 0
    for seed in range(8):
        found = glass.transition(
            T, kink(noise=2e-4, width=1.0, seed=seed), method=method, samples=60
        )
        assert found.low <= found.high
        inside += found.low - 1 <= 215.0 <= found.high + 1
    assert inside >= 6


def test_more_noise_is_a_wider_interval() -> None:
    widths = [np.ptp([f.low, f.high]) for f in (
        glass.transition(T, kink(noise=n), method="lines", samples=80) for n in (5e-5, 5e-4))]  # fmt: skip
    assert widths[1] > 3 * widths[0]


def test_a_straight_line_has_no_kink() -> None:
    with pytest.raises(InputError, match="no kink between 60 and 480 K"):
        glass.transition(T, 0.3 + 1e-4 * T, method="lines")


@pytest.mark.parametrize("memory", [0.0, 0.3, 0.6])
def test_noise_on_a_straight_line_is_no_kink(memory: float) -> None:
    t, seen, rng = np.linspace(100.0, 800.0, 50), 0, np.random.default_rng(3)
    for _ in range(40):
        noise = rng.normal(size=len(t))
        for k in range(1, len(t)):
            noise[k] = memory * noise[k - 1] + np.sqrt(1 - memory**2) * noise[k]
        seen += glass._kinked(t, 0.3 + 1e-4 * t + 1e-3 * noise, draws=200)
    # One in a hundred would; an F test with two more parameters sees five to twenty here.
    assert seen <= 3


def test_the_test_sees_a_kink_that_is_larger_than_the_noise() -> None:
    assert sum(glass._kinked(T, kink(noise=1e-4, seed=s), draws=200) for s in range(10)) == 10


@pytest.mark.parametrize(
    ("t", "v", "message"),
    [
        (T[:9], T[:9], "9 points: expected 10 or more"),
        (T, T[:-1], "expected \\(N,\\) both"),
        (np.append(T, np.nan), np.append(T, 1.0), "finite"),
    ],
)
def test_data_that_cannot_be_read(t: NDArray[np.float64], v: NDArray[np.float64],
                                  message: str) -> None:  # fmt: skip
    with pytest.raises(InputError, match=message):
        glass.transition(t, v)


def test_another_method() -> None:
    with pytest.raises(InputError, match="'spline'"):
        glass.transition(T, kink(), method="spline")
