"""Stress-strain curves of an elastic-plastic body with known noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import lfilter

from repro.clay import shear
from repro.errors import InputError
from repro.md.logs import Thermo
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
G, SIGMA = 10.0, 0.5


def body(strain: Floats, *, modulus: float = G, plateau: float = SIGMA,
         overshoot: float = 0.0) -> Floats:  # fmt: skip
    """Elastic, then perfectly plastic, with a hump of stress in between."""
    flat = np.minimum(modulus * strain, plateau)
    return flat + overshoot * np.exp(-0.5 * ((strain - 0.09) / 0.02) ** 2)


def ornstein(rows: int, step: float, memory: float, seed: int) -> Floats:
    """Noise of unit variance whose correlation falls as exp(-t / memory)."""
    rng, keep = np.random.default_rng(seed), np.exp(-step / memory)
    kicks = np.sqrt(1 - keep**2) * rng.normal(size=rows)
    kicks[0] = rng.normal()
    return np.asarray(lfilter([1.0], [1.0, -keep], kicks))


def table(seed: int = 1, *, noise: float = 0.0, memory: float = 0.3, rate: float = 1e9,
          rows: int = 2000, last: float = 0.2, component: str = "yz", sign: float = 1.0,
          law: Callable[[Floats], Floats] = body, height: float = 20.0) -> Thermo:  # fmt: skip
    strain = np.linspace(0.0, last, rows)
    time = 7.0 + strain / rate * 1e12
    stress = law(strain)
    if noise:
        stress = stress + noise * ornstein(rows, float(time[1] - time[0]), memory, seed)
    lengths = np.full(rows, height)
    return Thermo({
        "Time": time, "P" + component: -sign * stress * 1e4,
        component.capitalize(): 1.3 + sign * strain * height,
        "Ly" if component == "xy" else "Lz": lengths,
    })  # fmt: skip


def pulls(measure: Callable[[shear.Curve], Estimate], truth: float, *, count: int = 100,
          **about: float) -> Floats:  # fmt: skip
    found = []
    for seed in range(count):
        value = measure(shear.curve(table(seed, **about)))  # type: ignore[arg-type]
        found.append((value.value - truth) / value.error)
    return np.array(found)


# The curve


def test_bins_are_means_of_their_rows() -> None:
    found = shear.curve(table(noise=0.1), width=0.01)
    rows = table(noise=0.1)
    strain = (rows["Yz"] - rows["Yz"][0]) / rows["Lz"]
    assert found.width == 0.01 and found.seeds == 1
    for k in range(len(found.strain)):
        own = (strain >= 0.01 * k - 1e-8) & (strain < 0.01 * (k + 1) - 1e-8)
        assert found.strain[k] == pytest.approx(strain[own].mean())
        assert found.stress_gpa[k] == pytest.approx(-rows["Pyz"][own].mean() / 1e4)


def test_stress_is_minus_pressure_in_gpa() -> None:
    found = shear.curve(table())
    np.testing.assert_allclose(found.stress_gpa, body(found.strain), atol=2e-3)
    assert found.stress_gpa[-1] == pytest.approx(0.5)


def test_a_last_row_alone_makes_no_bin() -> None:
    found = shear.curve(table(rows=2001), width=0.002)
    assert len(found.strain) == 100 and found.strain[-1] < 0.2


@pytest.mark.parametrize("component", ["yz", "xz", "xy"])
def test_each_component_reads_its_own_columns(component: str) -> None:
    found = shear.curve(table(component=component), component=component)
    assert shear.modulus(found).value == pytest.approx(G)


def test_the_height_of_each_row_divides_its_tilt() -> None:
    rows = table()
    stretched = {**rows.columns, "Lz": rows["Lz"] * 2, "Yz": rows["Yz"] * 2}
    np.testing.assert_allclose(shear.curve(Thermo(stretched)).strain, shear.curve(rows).strain)


def test_shear_the_other_way_is_the_same_curve() -> None:
    one, other = shear.curve(table(sign=1.0)), shear.curve(table(sign=-1.0))
    np.testing.assert_allclose(one.strain, other.strain, atol=1e-12)
    np.testing.assert_allclose(one.stress_gpa, other.stress_gpa, atol=1e-12)


def test_the_error_of_a_bin_is_the_scatter_over_repeats() -> None:
    for memory in (0.05, 0.3):
        many = [shear.curve(table(s, noise=0.1, memory=memory)) for s in range(60)]
        scatter = np.std([c.stress_gpa for c in many], axis=0, ddof=1).mean()
        stated = np.mean([c.error_gpa.mean() for c in many])
        assert stated == pytest.approx(scatter, rel=0.15)


def test_a_long_memory_shows_as_correlated_bins() -> None:
    quick = np.mean([shear.curve(table(s, noise=0.1)).correlation for s in range(20)])
    slow = np.mean([
        shear.curve(table(s, noise=0.1, rate=1e10, memory=0.5)).correlation for s in range(20)
    ])  # fmt: skip
    # 2 ps wide noise in bins of 0.2 ps: 2 tau / 0.2 ps = 5 bins are worth one.
    assert quick < 1.1 and 2.5 < slow < 7


def test_the_noise_does_not_include_the_shape_of_the_curve() -> None:
    assert shear.curve(table()).error_gpa.max() < 0.01
    assert shear.curve(table(noise=0.1)).error_gpa.mean() > 0.02


# The modulus


def test_modulus_of_an_exact_line_and_its_offset() -> None:
    found = shear.curve(table(law=lambda e: 0.07 + 8.0 * e))
    assert shear.modulus(found).value == pytest.approx(8.0)
    assert shear.modulus(found, upto=0.1).value == pytest.approx(8.0)


def test_modulus_beyond_the_kink_is_a_secant() -> None:
    found = shear.curve(table())
    assert shear.modulus(found, upto=0.1).value < 0.9 * G


@pytest.mark.parametrize("about", [
    {"noise": 0.1}, {"noise": 0.3, "memory": 0.1}, {"noise": 0.1, "memory": 0.5, "rate": 1e10},
])  # fmt: skip
def test_modulus_within_its_error(about: dict[str, float]) -> None:
    z = pulls(shear.modulus, G, **about)
    assert abs(z.mean()) < 0.4
    assert 0.6 < z.std() < 1.3
    assert (np.abs(z) < 1).mean() > 0.55 and (np.abs(z) < 2).mean() > 0.88


def test_more_noise_is_a_larger_error() -> None:
    errors = [shear.modulus(shear.curve(table(noise=n))).error for n in (0.02, 0.2)]
    # The ratio would be 10 but for the kink, which the smooth curve does not follow.
    assert errors[1] > 5 * errors[0]


# Onset


@pytest.mark.parametrize(("modulus", "plateau", "offset"), [
    (10.0, 0.5, 0.005), (10.0, 0.5, 0.01), (20.0, 0.8, 0.005), (5.0, 0.4, 0.002),
])  # fmt: skip
def test_onset_of_an_exact_curve(modulus: float, plateau: float, offset: float) -> None:
    found = shear.onset(
        shear.curve(table(law=lambda e: body(e, modulus=modulus, plateau=plateau))), offset=offset)  # fmt: skip
    assert found.strain.value == pytest.approx(plateau / modulus + offset, abs=3e-4)
    assert found.stress_gpa.value == pytest.approx(plateau, rel=0.01)
    assert found.offset == offset and found.crossed == 1.0


def test_onset_of_a_hardening_curve_is_where_it_meets_the_shifted_line() -> None:
    found = shear.onset(shear.curve(table(law=lambda e: np.minimum(10 * e, 0.3 + 2 * (e - 0.03)))))
    # 10 (e - 0.005) = 0.24 + 2 e
    assert found.strain.value == pytest.approx(0.29 / 8, abs=3e-4)


def test_onset_within_its_error() -> None:
    strain, stress, refused = [], [], 0
    for seed in range(60):
        try:
            found = shear.onset(shear.curve(table(seed, noise=0.1)), samples=60)
        except InputError:
            refused += 1
            continue
        strain.append((found.strain.value - 0.055) / found.strain.error)
        stress.append((found.stress_gpa.value - 0.5) / found.stress_gpa.error)
    assert refused <= 2
    for z in (np.array(strain), np.array(stress)):
        assert abs(z.mean()) < 0.8 and z.std() < 1.5
        assert (np.abs(z) < 1).mean() > 0.5 and (np.abs(z) < 2).mean() > 0.75


def test_onset_says_when_most_samples_do_not_cross() -> None:
    calm = shear.onset(shear.curve(table(noise=0.02)))
    found = []
    for seed in range(20):
        try:
            found.append(shear.onset(shear.curve(table(seed, noise=0.6)), samples=60).crossed)
        except InputError:
            found.append(0.0)
    assert calm.crossed == 1.0 and np.mean(found) < 0.8


def test_onset_of_a_curve_that_does_not_yield() -> None:
    with pytest.raises(InputError, match=r"0.02, shifted by 0.005.*yields later or not"):
        shear.onset(shear.curve(table(law=lambda e: 10 * e)))


def test_onset_within_the_elastic_line() -> None:
    with pytest.raises(InputError, match=r"strain 0.1, shifted by 0.005.*below it there already"):
        shear.onset(shear.curve(table(law=lambda e: body(e, plateau=0.2))), upto=0.1)


def test_onset_is_the_same_for_the_same_seed() -> None:
    found = shear.curve(table(noise=0.1))
    assert shear.onset(found, seed=3) == shear.onset(found, seed=3)
    assert shear.onset(found, seed=3) != shear.onset(found, seed=4)


# Yield and flow


def test_yield_stress_of_an_exact_peak() -> None:
    law: Callable[[Floats], Floats] = lambda e: 0.4 - 40 * (e - 0.1) ** 2  # noqa: E731
    found = shear.yield_stress(shear.curve(table(law=law)), half_width=0.002)
    assert found.stress_gpa.value == pytest.approx(0.4, abs=1e-3)
    assert found.strain.value == pytest.approx(0.1, abs=0.002)


def test_yield_stress_looks_up_to_a_strain() -> None:
    found = shear.curve(table(law=lambda e: 4.0 * e))
    early = shear.yield_stress(found, upto=0.1, half_width=0.0)
    late = shear.yield_stress(found, upto=0.2, half_width=0.0)
    assert late.stress_gpa.value == pytest.approx(2 * early.stress_gpa.value, rel=0.03)


def test_a_wider_mean_flattens_a_peak() -> None:
    found = shear.curve(table(law=lambda e: body(e, overshoot=0.2)))
    tops = [shear.yield_stress(found, half_width=h).stress_gpa.value for h in (0.002, 0.03)]
    assert tops[0] == pytest.approx(0.7, abs=0.005) and tops[1] < 0.65


@pytest.mark.parametrize("overshoot", [0.0, 0.15])
def test_yield_stress_within_its_error(overshoot: float) -> None:
    truth = float(body(np.linspace(0, 0.2, 2001), overshoot=overshoot).max())
    z, raised = [], []
    for seed in range(60):
        rows = table(seed, noise=0.1, law=lambda e: body(e, overshoot=overshoot))
        found = shear.yield_stress(shear.curve(rows), samples=60)
        z.append((found.stress_gpa.value - truth) / found.stress_gpa.error)
        raised.append(found.stress_gpa.value + found.bias_gpa - truth)
        assert found.bias_gpa > 0
    # Uncorrected, the maximum of a plateau is too high every time.
    assert overshoot or np.mean(np.array(raised) > 0) > 0.95
    assert abs(np.mean(z)) < 1.0 and np.mean(np.abs(z) < 1) > 0.55 and np.mean(np.abs(z) < 2) > 0.9


def test_flow_stress_within_its_error() -> None:
    z = pulls(lambda c: shear.flow(c, since=0.14), SIGMA, noise=0.1)
    assert abs(z.mean()) < 0.4 and 0.6 < z.std() < 1.3
    assert (np.abs(z) < 2).mean() > 0.88
    slow = pulls(lambda c: shear.flow(c, since=0.1), SIGMA, noise=0.1, memory=0.5, rate=1e10)
    assert (np.abs(slow) < 2).mean() > 0.85


def test_flow_stress_counts_rise_and_fall() -> None:
    def law(e: Floats) -> Floats:
        return body(e) + 0.05 * np.sign(np.sin(2 * np.pi * e / 0.03))

    steps = shear.flow(shear.curve(table(noise=0.01, law=law)), since=0.1)
    flat = shear.flow(shear.curve(table(noise=0.01)), since=0.1)
    assert steps.error > 4 * flat.error


# Several seeds


def test_combined_curve_is_the_mean_with_the_error_over_seeds() -> None:
    parts = [shear.curve(table(s, noise=0.1)) for s in (1, 2, 3)]
    whole = shear.combine(parts)
    stress = np.array([p.stress_gpa for p in parts])
    np.testing.assert_allclose(whole.stress_gpa, stress.mean(axis=0))
    np.testing.assert_allclose(whole.error_gpa, stress.std(axis=0, ddof=1) / np.sqrt(3))
    np.testing.assert_allclose(whole.strain, parts[0].strain)
    assert whole.seeds == 3 and whole.correlation >= 1.0


def test_curves_of_other_lengths_share_their_bins() -> None:
    whole = shear.combine([shear.curve(table()), shear.curve(table(last=0.1, rows=1000))])
    assert whole.strain[-1] == pytest.approx(0.099, abs=1e-3) and len(whole.strain) == 50
    assert shear.modulus(whole).value == pytest.approx(G)


def test_seeds_that_differ_all_along_are_correlated_bins() -> None:
    def seeds(spread: float) -> list[shear.Curve]:
        return [shear.curve(table(k, noise=0.02, law=lambda e, k=k: body(e) * (1 + spread * k)))  # type: ignore[misc]
                for k in range(4)]  # fmt: skip

    alike, apart = shear.combine(seeds(0.0)), shear.combine(seeds(0.2))
    assert apart.correlation > 5 * alike.correlation
    moduli = [shear.modulus(c) for c in seeds(0.2)]
    # What bins as if independent would miss; the scatter of the seeds' own moduli has it.
    assert shear.average(moduli).error == pytest.approx(
        np.std([m.value for m in moduli], ddof=1) / 2)  # fmt: skip
    assert shear.modulus(apart).error > 0.5 * shear.average(moduli).error


def test_modulus_of_combined_seeds_within_its_error() -> None:
    z = []
    for trial in range(40):
        parts = [shear.curve(table(10 * trial + s, noise=0.1)) for s in range(3)]
        value = shear.modulus(shear.combine(parts))
        z.append((value.value - G) / value.error)
    assert abs(np.mean(z)) < 0.5 and np.mean(np.abs(z) < 2) > 0.85


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 2)), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_average_is_not_better_than_the_seeds_allow(pairs: list[tuple[float, float]]) -> None:
    found = shear.average([Estimate(v, e) for v, e in pairs])
    values, errors = np.array(pairs).T
    assert found.value == pytest.approx(values.mean())
    assert found.error >= np.sqrt((errors**2).sum()) / len(pairs) - 1e-12
    if len(pairs) > 1:
        assert found.error >= values.std(ddof=1) / np.sqrt(len(pairs)) - 1e-12


# Errors


def test_a_run_that_cannot_be_read() -> None:
    with pytest.raises(InputError, match=r"component 'zz', width 0.002"):
        shear.curve(table(), component="zz")
    with pytest.raises(InputError, match="width -1"):
        shear.curve(table(), width=-1)
    with pytest.raises(InputError, match="'Xz' is not in the log"):
        shear.curve(table(), component="xz")
    with pytest.raises(InputError, match=r"2000 rows in 2 bins of strain 0.1"):
        shear.curve(table(), width=0.1)
    with pytest.raises(InputError, match="0 rows in 0 bins"):
        shear.curve(Thermo({k: v[:0] for k, v in table().columns.items()}))
    bad = {k: v.copy() for k, v in table().columns.items()}
    bad["Pyz"][5] = np.nan
    with pytest.raises(InputError, match="2000 rows: expected finite"):
        shear.curve(Thermo(bad))
    back = {**table().columns, "Time": table()["Time"][::-1]}
    with pytest.raises(InputError, match="increasing times"):
        shear.curve(Thermo(back))


def test_ranges_with_too_few_bins() -> None:
    found = shear.curve(table())
    with pytest.raises(InputError, match=r"2 bins up to strain 0.004"):
        shear.modulus(found, upto=0.004)
    with pytest.raises(InputError, match=r"2 bins up to strain 0.004"):
        shear.onset(found, upto=0.004)
    with pytest.raises(InputError, match="0 bins up to strain 0"):
        shear.yield_stress(found, upto=0.0)
    with pytest.raises(InputError, match=r"1 bins from strain 0.198"):
        shear.flow(found, since=0.198)
    with pytest.raises(InputError, match="offset 0"):
        shear.onset(found, offset=0.0)
    with pytest.raises(InputError, match="half width -1"):
        shear.yield_stress(found, half_width=-1.0)


def test_curves_that_cannot_be_combined() -> None:
    one = shear.curve(table())
    with pytest.raises(InputError, match=r"1 curves of bin width \[0.002\]"):
        shear.combine([one])
    with pytest.raises(InputError, match=r"bin width \[0.002, 0.01\]"):
        shear.combine([one, shear.curve(table(), width=0.01)])
    late = shear.Curve(one.strain[60:], one.stress_gpa[60:], one.error_gpa[60:], 0.002)
    early = shear.Curve(one.strain[:62], one.stress_gpa[:62], one.error_gpa[:62], 0.002)
    with pytest.raises(InputError, match="2 bins in common"):
        shear.combine([early, late])
    with pytest.raises(InputError, match="no values"):
        shear.average([])
