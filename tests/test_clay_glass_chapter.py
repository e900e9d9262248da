"""Glass transitions of several seeds: binning, pooling, errors, laboratory rates."""

from __future__ import annotations

import numpy as np
import pytest

from repro.clay import glass_chapter as look
from repro.errors import InputError
from repro.md.logs import Thermo
from repro.md.statistics import Estimate


def ramp(
    tg: float, *, noise: float = 0.002, seed: int = 0, rows: int = 3000, kink: float = 8e-5,
    rate: float = 3.0, offset: float = 0.0,
) -> Thermo:  # fmt: skip
    """A cooling run whose volume has a kink at tg, with the scatter of a small cell."""
    rng = np.random.default_rng(seed)
    t = np.linspace(500, 50, rows) + rng.normal(0, 8, rows)
    x = np.linspace(500, 50, rows) - tg
    v = 0.40 + offset + 4e-5 * x + kink * np.maximum(x, 0) + rng.normal(0, noise, rows)
    time = np.linspace(0, 450 / rate, rows)
    return Thermo(columns={"Time": time, "Temp": t, "Density": 1 / v})


def test_bins_are_means_in_the_order_of_the_run() -> None:
    t = np.array([300.0, 310.0, 290.0, 280.0, 270.0, 260.0])
    table = Thermo(columns={"Time": np.linspace(5.0, 30.0, 6), "Temp": t,
                            "Density": 1 / np.arange(1.0, 7.0)})  # fmt: skip
    x, v = look.specific_volume(table, rate=2.0, bin_k=25.0)
    assert x == pytest.approx([300.0, 270.0]) and v == pytest.approx([2.0, 5.0])
    (x,), (v,) = look.specific_volume(table, rate=2.0, bin_k=1000.0)
    assert (x, v) == (pytest.approx(t.mean()), pytest.approx(3.5))
    # More bins than rows: a row each.
    x, _ = look.specific_volume(table, rate=2.0, bin_k=0.1)
    assert x == pytest.approx(t)
    for rate, bin_k in ((2.0, 0.0), (0.0, 5.0), (np.nan, 5.0)):
        with pytest.raises(InputError, match=rf"bins of {bin_k} K, rate {rate} K/ps"):
            look.specific_volume(table, rate=rate, bin_k=bin_k)


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
    # One glass of two is no transition of the material.
    assert np.isnan(one.temperature().value)
    assert np.isfinite(look.cooled({2: ramp(215.0)}, rate=3.0, samples=40).temperature().value)
    assert "our 2 glasses with a bend" in look.answer(one) and "is 1, too few" in look.answer(one)
    table = look.table({"slow": one, "none": none})
    assert table["lines (K)"].tolist()[0] == "no kink" and "to" in table["lines (K)"].tolist()[1]
    assert table["rate (K/ps)"].tolist() == [3.0, 3.0, 3.0]


def test_the_mean_curve_is_that_of_the_seeds_bin_by_bin() -> None:
    tables = {s: ramp(215.0, seed=s, offset=o) for s, o in ((1, 0.0), (2, 0.01), (3, -0.01))}
    one = look.cooled(tables, rate=3.0, bin_k=9.0, samples=5)
    t, v, error = one.mean()
    assert len(t) == len(v) == len(error) == 50
    naive = [[1 / tables[s]["Density"][60 * k : 60 * k + 60].mean() for s in tables] for k in range(50)]  # fmt: skip
    assert v == pytest.approx(np.mean(naive, axis=1), rel=1e-4)
    # Glasses 0.01 apart: the spread of three is 0.01, its error 0.01 / sqrt(3).
    assert error == pytest.approx(np.full(50, 0.01 / np.sqrt(3)), rel=0.15)
    assert (np.diff(t) < 0).all()
    alone = look.cooled({1: tables[1]}, rate=3.0, samples=5).mean()[2]
    assert np.isnan(alone).all()


def test_offsets_between_glasses_do_not_hide_the_kink() -> None:
    tables = {s: ramp(215.0, seed=s, offset=o) for s, o in ((1, 0.0), (2, 0.02), (3, -0.02))}
    found = look.mean_fit(look.cooled(tables, rate=3.0, samples=5), samples=40)
    assert found is not None and abs(found.temperature - 215.0) < 8


def test_the_way_to_a_laboratory_rate() -> None:
    # 1 K/ps is 1e12 K/s: thirteen decades above 0.1 K/s.
    assert look.decades(1.0) == pytest.approx(13.0)
    low, high = look.laboratory(Estimate(300.0, 1.0), 1.0)
    # Two errors of its own to either side; of three glasses, 2.92.
    assert (low, high) == (pytest.approx(300 - 65 - 2), pytest.approx(300 - 39 + 2))
    low, high = look.laboratory(Estimate(300.0, 1.0, 3), 1.0)
    assert (low, high) == (pytest.approx(232.08, abs=0.01), pytest.approx(263.92, abs=0.01))
    with pytest.raises(InputError, match="cooling rate 0"):
        look.laboratory(Estimate(300.0, 1.0), 0)


def test_one_fit_through_the_mean_of_all_seeds() -> None:
    one = look.cooled({s: ramp(215.0, seed=s) for s in (1, 2, 3)}, rate=3.0, samples=40)
    mean = look.mean_fit(one, samples=40)
    assert mean is not None
    assert abs(mean.temperature - 215.0) < 5
    assert mean.low < 215.0 < mean.high
    straight = look.cooled({1: ramp(215.0, kink=0.0)}, rate=3.0, samples=40)
    assert look.mean_fit(straight, samples=40) is None


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
    fast = look.cooled({s: ramp(235.0, seed=s, rate=10.0) for s in (1, 2)}, rate=10.0, samples=40)
    shift = look.rate_shift(slow, fast)
    assert abs(shift.value - 20.0) < max(4 * shift.error, 5.0)
    assert shift.error == pytest.approx(np.hypot(slow.temperature().error, fast.temperature().error))  # fmt: skip
    with pytest.raises(InputError, match="slower first"):
        look.rate_shift(fast, slow)


def test_words_for_what_was_found_and_for_what_was_not() -> None:
    nothing = Estimate(float("nan"), float("nan"))
    assert look.kelvin(Estimate(412.3, 18.6)) == "412 ± 19"
    assert look.kelvin(nothing) == "none"
    three = look.cooled({s: ramp(400.0, seed=s) for s in (1, 2, 3)}, rate=3.0, samples=40)
    found, said = three.temperature(), look.answer(three)
    low, high = (one - 273.15 for one in look.laboratory(found, 3.0))
    assert f"bends at {found.value - 273.15:.0f} ± {found.error:.0f} °C" in said
    assert f"between {low:.0f} and {high:.0f} °C" in said


def test_words_for_the_rate() -> None:
    slow = look.cooled({s: ramp(200.0, seed=s) for s in (1, 2)}, rate=3.0, samples=40)
    fast = look.cooled({s: ramp(300.0, seed=s, rate=10.0) for s in (1, 2)}, rate=10.0, samples=40)
    straight = look.cooled({1: ramp(200.0, kink=0.0)}, rate=3.0, samples=40)
    assert look.shift_in_words([slow]) == "So far only one rate has been run."
    clear = look.shift_in_words([slow, fast])
    assert clear.startswith("From 3 to 10 K/ps ours moves by +") and "nothing" not in clear
    same = look.cooled({s: ramp(200.0, seed=s + 5, rate=10.0) for s in (1, 2)}, rate=10.0, samples=40)  # fmt: skip
    assert "nothing by two errors" in look.shift_in_words([slow, same])
    assert "nothing to compare" in look.shift_in_words([straight, fast])


def test_how_far_the_volumes_lie_apart() -> None:
    t = np.array([100.0, 200.0, 300.0])
    points = {1: (t, np.array([1.0, 1.0, 1.0])), 2: (t, np.array([1.0, 1.0, 1.3]))}
    one = look.Cooled(3.0, points, {})
    assert look.apart(one) == pytest.approx(0.1 / 1.05)
    assert look.apart(one, above=250.0) == pytest.approx(0.3 / 1.15)
    with pytest.raises(InputError, match="seed 1: no bin above 300 K"):
        look.apart(one, above=300.0)
