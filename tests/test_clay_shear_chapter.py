"""Quantities of curves over seeds, on curves with known answers."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from helpers_clay import salt

from repro.clay import shear_chapter as look
from repro.clay.shear import Curve
from repro.errors import InputError
from repro.md import scripts
from repro.md.logs import Thermo


def plateau(modulus: float, level: float, *, noise: float = 0.001, seed: int = 1) -> Curve:
    """An elastic line that ends in a plateau, in bins of 0.002."""
    x = np.arange(0.001, 0.2, 0.002)
    y = np.minimum(modulus * x, level) + np.random.default_rng(seed).normal(0, noise, len(x))
    return Curve(x, y, np.full(len(x), noise), 0.002)


def of(*levels: float, rate: float = 5e9, modulus: float = 10.0) -> look.Sheared:
    return look.Sheared(rate, {k: plateau(modulus, level, seed=k) for k, level in enumerate(levels, start=1)})  # fmt: skip


def test_quantities_are_those_of_the_curve() -> None:
    found = of(0.48, 0.52, 0.50)
    assert found.modulus().value == pytest.approx(10.0, abs=0.2)
    assert found.flow().value == pytest.approx(0.50, abs=0.002)
    # Three levels scatter by 0.02: 0.02 / sqrt(3).
    assert found.flow().error == pytest.approx(0.02 / 3**0.5, rel=0.05)
    assert found.maximum().value == pytest.approx(0.50, abs=0.01)
    assert found.offset_stress().value == pytest.approx(0.50, abs=0.01)
    # The line shifted by 0.005 meets the plateau at level / modulus + 0.005.
    assert found.onset().value == pytest.approx(0.055, abs=0.002)
    assert found.crossings() == 3


def test_the_mean_curve_is_over_seeds_and_of_one_seed_its_own() -> None:
    three, alone = of(0.4, 0.5, 0.9), of(0.5)
    assert three.mean().stress_gpa[-1] == pytest.approx(0.6, abs=0.003)
    assert three.mean().error_gpa[-1] == pytest.approx(
        np.std([0.4, 0.5, 0.9], ddof=1) / 3**0.5, rel=0.05
    )
    assert alone.mean() is alone.curves[1]


def test_a_curve_that_never_bends_has_no_onset() -> None:
    straight = of(99.0)
    assert np.isnan(straight.onset().value)
    assert straight.crossings() == 0
    assert "none" in look.table({"a": straight}).loc["a", "onset (strain)"]


def test_a_crossing_that_noise_decides_does_not_count() -> None:
    # The curve bends by about as much as the line is shifted; the noise is as large.
    x = np.arange(0.001, 0.2, 0.002)
    stress = np.where(x < 0.15, 10.0 * x, 1.5 + 6.0 * (x - 0.15))
    stress = stress + np.random.default_rng(2).normal(0, 0.01, len(x))
    doubtful = Curve(x, stress, np.full(len(x), 0.15), 0.002)
    clear = plateau(10.0, 0.5)
    try:
        share = look.shear.onset(doubtful).crossed
    except InputError:
        share = 0.0
    assert share < look.CROSSED
    both = look.Sheared(5e9, {1: clear, 2: doubtful})
    assert both.crossings(offset=0.005) == 1
    assert both.onset().value == pytest.approx(0.055, abs=0.002)
    assert "(1 of 2)" in look.table({"a": both}).loc["a", "onset (strain)"]


def test_faster_less_slower_is_taken_seed_by_seed() -> None:
    # Samples differ by far more than the rates do; the pairs differ by 0.05 each.
    slow, fast = of(0.30, 0.50, 0.70), of(0.35, 0.55, 0.75, rate=2e10)
    found = look.faster_is_stronger(slow, fast)
    assert found.value == pytest.approx(0.05, abs=0.001)
    assert found.error < 0.002 and found.samples == 3
    with pytest.raises(InputError, match="slower first"):
        look.faster_is_stronger(fast, slow)


def test_its_error_is_not_below_that_of_each_run() -> None:
    # Two pairs that happen to differ by the same: the scatter is zero, the noise is not.
    noisy = {k: plateau(10.0, 0.5, noise=0.05, seed=7) for k in (1, 2)}
    slow, fast = look.Sheared(1e9, noisy), look.Sheared(1e10, noisy)
    assert look.faster_is_stronger(slow, fast).error > 0.003


def test_a_flow_at_another_rate_lies_on_the_line_through_both() -> None:
    slow, fast = of(0.40, 0.44, rate=1e9), of(0.50, 0.54, rate=1e10)
    assert look.flow_at(1e9, slow, fast) == pytest.approx(0.42, abs=0.003)
    assert look.flow_at(1e8, slow, fast) == pytest.approx(0.32, abs=0.005)
    assert np.isnan(look.flow_at(1e8, slow, slow))
    with pytest.raises(InputError, match=r"rate 0\.0 per s"):
        look.flow_at(0.0, slow, fast)


def test_no_seed_in_common_is_said() -> None:
    a = look.Sheared(1e9, {1: plateau(10, 0.5)})
    b = look.Sheared(1e10, {2: plateau(10, 0.5)})
    with pytest.raises(InputError, match=r"seeds \[1\] and \[2\]"):
        look.faster_is_stronger(a, b)


def test_tables_of_runs_become_curves() -> None:
    x = np.linspace(0, 0.2, 4000)
    pressure = -1e4 * (np.minimum(8.0 * x, 0.4) + np.random.default_rng(1).normal(0, 1e-3, len(x)))
    rows = Thermo({"Time": 200 * x, "Pyz": pressure, "Yz": 20 * x, "Lz": np.full(len(x), 20.0)})
    found = look.sheared({1: rows}, rate_per_s=5e9)
    assert found.flow().value == pytest.approx(0.4, rel=0.01)
    assert list(found.curves) == [1]
    with pytest.raises(InputError, match="no seeds"):
        look.sheared({}, rate_per_s=5e9)


def test_table_has_a_row_for_each_rate() -> None:
    made = look.table({"slow": of(0.48, 0.52), "fast": of(0.6, 0.6, rate=2e10)})
    assert list(made.index) == ["slow", "fast"]
    assert made.loc["slow", "seeds"] == 2
    assert made.loc["slow", "flow beyond 0.1 (GPa)"].startswith("0.50 ± 0.02")


def test_years() -> None:
    # Strain 0.2 at 1e9 per s is 0.2 ns; at 0.2 ns a day that is one day.
    assert look.years(strain=0.2, rate_per_s=1e9, ns_per_day=0.2) == pytest.approx(1 / 365.25)
    with pytest.raises(InputError, match="expected positive"):
        look.years(strain=0.2, rate_per_s=0, ns_per_day=1)


def test_method_is_named_only_where_affine_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    atoms = salt()
    assert look.method(atoms) == "Falk-Langer D2min"
    right = look.nonaffine.d2min

    def wrong(a: object, b: object, **options: float) -> object:
        found = right(a, b, **options)  # type: ignore[arg-type]
        found.d2min[0] = 0.5
        return found

    monkeypatch.setattr(look.nonaffine, "d2min", wrong)
    assert look.method(atoms) == "D2min of an affine shear 0.5"


@pytest.mark.parametrize("component", scripts.SHEARS)
def test_other_components_are_held(component: str) -> None:
    assert look.others_free(component)


@pytest.mark.parametrize(("old", "new"), [
    ("xz 0 0", "xz 5 5"), ("z 0 0 1 ", ""), ("x 0 0", "x 1 1")])  # fmt: skip
def test_a_script_that_loads_another_component_is_seen(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = scripts.shear_rate

    def wrong(*given: float, **options: float) -> str:
        text = right(*given, **options)  # type: ignore[arg-type]
        assert old in text
        return text.replace(old, new, 1)

    monkeypatch.setattr(look.scripts, "shear_rate", wrong)
    assert not look.others_free("yz")


def test_the_offset_of_the_yield_stress_is_one_number() -> None:
    for function in (look.Sheared.offset_stress, look.Sheared.crossings):
        assert inspect.signature(function).parameters["offset"].default == look.OFFSET
