"""Glass transitions of several seeds: binning, pooling, errors, laboratory rates."""

from __future__ import annotations

import numpy as np
import pytest

from repro.clay import glass_chapter as look
from repro.errors import InputError
from repro.md.logs import Thermo
from repro.md.statistics import Estimate


def ramp(
    tg: float, *, noise: float = 0.002, seed: int = 0, rows: int = 3000, kink: float = 8e-5
) -> Thermo:
    """A cooling run whose volume has a kink at tg, with the scatter of a small cell."""
    rng = np.random.default_rng(seed)
    t = np.linspace(500, 50, rows) + rng.normal(0, 8, rows)
    x = np.linspace(500, 50, rows) - tg
    v = 0.40 + 4e-5 * x + kink * np.maximum(x, 0) + rng.normal(0, noise, rows)
    return Thermo(columns={"Temp": t, "Density": 1 / v})


def test_bins_are_means_in_the_order_of_the_run() -> None:
    t = np.array([300.0, 310.0, 290.0, 280.0, 270.0, 260.0])
    table = Thermo(columns={"Temp": t, "Density": 1 / np.arange(1.0, 7.0)})
    x, v = look.specific_volume(table, bin_k=25.0)
    assert x == pytest.approx([300.0, 270.0]) and v == pytest.approx([2.0, 5.0])
    (x,), (v,) = look.specific_volume(table, bin_k=1000.0)
    assert (x, v) == (pytest.approx(t.mean()), pytest.approx(3.5))
    with pytest.raises(InputError, match=r"bins of 0\.0 K"):
        look.specific_volume(table, bin_k=0.0)


def test_a_known_transition_is_found_in_each_seed() -> None:
    one = look.cooled({s: ramp(215.0, seed=s) for s in (1, 2, 3)}, rate=3.0, samples=40)
    assert set(one.fits["lines"]) == set(one.fits["hyperbola"]) == {1, 2, 3}
    for method in ("lines", "hyperbola"):
        found = one.temperature(method)
        assert abs(found.value - 215.0) < max(4 * found.error, 5.0) and 0 < found.error < 20


def test_the_error_is_the_larger_of_spread_and_fit() -> None:
    same = look.cooled({s: ramp(215.0, seed=7) for s in (1, 2, 3)}, rate=3.0, samples=40)
    fit = same.fits["hyperbola"][1]
    # Equal runs have no spread; the error of the fits remains.
    assert same.temperature().error == pytest.approx((fit.high - fit.low) / 4 / np.sqrt(3))
    apart = look.cooled({s: ramp(t, seed=s, noise=1e-4) for s, t in ((1, 150.0), (2, 300.0))},
                        rate=3.0, samples=40)  # fmt: skip
    spread = [f.temperature for f in apart.fits["hyperbola"].values()]
    assert apart.temperature().error == pytest.approx(np.std(spread, ddof=1) / np.sqrt(2))
    alone = look.cooled({1: ramp(215.0)}, rate=3.0, samples=40).temperature()
    assert np.isfinite(alone.error)


def test_a_straight_run_has_no_transition() -> None:
    one = look.cooled({1: ramp(215.0, kink=0.0), 2: ramp(215.0)}, rate=3.0, samples=40)
    assert set(one.fits["lines"]) == {2}
    none = look.cooled({1: ramp(215.0, kink=0.0)}, rate=3.0, samples=40)
    assert np.isnan(none.temperature().value)
    table = look.table({"slow": one, "none": none})
    assert table["lines (K)"].tolist()[0] == "no kink" and "to" in table["lines (K)"].tolist()[1]
    assert table["rate (K/ps)"].tolist() == [3.0, 3.0, 3.0]


def test_the_pooled_points_are_sorted_and_whole() -> None:
    one = look.cooled({s: ramp(215.0, seed=s) for s in (1, 2)}, rate=3.0, samples=40)
    t, v = one.pooled()
    assert len(t) == len(v) == sum(len(p[0]) for p in one.points.values())
    assert (np.diff(t) >= 0).all()


def test_the_way_to_a_laboratory_rate() -> None:
    # 1 K/ps is 1e12 K/s: thirteen decades above 0.1 K/s.
    low, high = look.laboratory(Estimate(300.0, 1.0), 1.0)
    assert (low, high) == (pytest.approx(300 - 65), pytest.approx(300 - 39))
    with pytest.raises(InputError, match="cooling rate 0"):
        look.laboratory(Estimate(300.0, 1.0), 0)


def test_one_fit_through_the_points_of_all_seeds() -> None:
    one = look.cooled({s: ramp(215.0, seed=s) for s in (1, 2, 3)}, rate=3.0, samples=40)
    pooled = look.pooled_fit(one, samples=40)
    assert pooled is not None
    assert abs(pooled.temperature - 215.0) < 5
    assert pooled.low < 215.0 < pooled.high
    straight = look.cooled({1: ramp(215.0, kink=0.0)}, rate=3.0, samples=40)
    assert look.pooled_fit(straight, samples=40) is None


def test_a_real_transition_does_not_follow_the_window() -> None:
    one = look.cooled({s: ramp(215.0, seed=s) for s in (1, 2)}, rate=3.0, samples=20)
    found = look.windows(one, (500, 400, 150))
    assert found[500] is not None
    assert found[400] is not None
    assert abs(found[400].temperature - found[500].temperature) < 8
    assert found[150] is None
    assert look.in_words(found[150]) == "no kink"
    assert look.in_words(found[500]).startswith(f"{found[500].temperature:.0f} (")


def test_the_shift_between_two_rates() -> None:
    slow = look.cooled({s: ramp(215.0, seed=s) for s in (1, 2)}, rate=3.0, samples=40)
    fast = look.cooled({s: ramp(235.0, seed=s) for s in (1, 2)}, rate=10.0, samples=40)
    shift = look.rate_shift(slow, fast)
    assert abs(shift.value - 20.0) < max(4 * shift.error, 5.0)
    assert shift.error == pytest.approx(np.hypot(slow.temperature().error, fast.temperature().error))  # fmt: skip
    with pytest.raises(InputError, match="slower first"):
        look.rate_shift(fast, slow)
