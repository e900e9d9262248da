"""Classes, and chlorine around the atoms of planted deformations."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from ase import Atoms
from helpers_clay import CL, GA, LI, F, Floats, images, salt, scrambled
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.clay import surroundings, zones_compare
from repro.errors import InputError

# Classes


def test_classes_by_the_maximum_and_by_quantile() -> None:
    x = np.array([0.0, 0.05, 0.2, 0.5, 0.89, 0.91, 1.0])
    found = surroundings.classes(x)
    np.testing.assert_array_equal(np.flatnonzero(found.high), [5, 6])
    np.testing.assert_array_equal(np.flatnonzero(found.low), [0, 1])
    assert (found.upper, found.lower) == (0.9, 0.1)
    many = np.random.default_rng(1).exponential(size=1000)
    even = surroundings.classes(many, by="quantile", high=0.95, low=0.2)
    assert even.high.sum() == 50 and even.low.sum() == 200
    assert many[even.high].min() > even.upper and many[even.low].max() < even.lower


def test_the_upper_class_of_a_heavy_tail_is_few() -> None:
    x = np.random.default_rng(1).exponential(size=1000)
    found = surroundings.classes(x)
    assert found.high.sum() < 5 and found.low.sum() > 400


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.sampled_from(["maximum", "quantile"]))  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_no_value_is_in_both_classes(values: list[float], by: str) -> None:
    found = surroundings.classes(np.array(values), by=by)
    assert not (found.high & found.low).any()


# Chlorine


def test_environment_of_a_complex() -> None:
    at = np.array([10.0, 10.0, 0.1])
    ligands = [(F, 2.4), (F, 2.6), (CL, 2.8), (CL, 2.3), (CL, 3.0), (LI, 2.0)]
    along = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
    points = [at] + [at + r * np.array(v) for (_, r), v in zip(ligands, along, strict=True)]
    atoms = Atoms([GA] + [z for z, _ in ligands], positions=points, cell=[20.0] * 3, pbc=True)
    atoms += Atoms([GA], positions=[[0.0, 0.0, 8.0]])
    atoms.wrap()
    found = surroundings.environment(atoms)
    np.testing.assert_array_equal(found.indices, [0, 7])
    np.testing.assert_array_equal(found.fluorine, [1, 0])
    np.testing.assert_array_equal(found.chlorine, [2, 0])
    assert found.share[0] == pytest.approx(2 / 3) and np.isnan(found.share[1])


def test_environment_agrees_with_a_double_loop() -> None:
    found = surroundings.environment(scrambled(salt(100), 1))
    names = np.array(salt(100).get_chemical_symbols())
    counts = {"F": np.zeros(100, dtype=int), "Cl": np.zeros(100, dtype=int)}
    for name, length in (("F", 2.5), ("Cl", 2.9)):
        for i, j, _ in images(salt(100), length):
            counts[name][i] += names[j] == name
    own = names == "Ga"
    np.testing.assert_array_equal(found.indices, np.flatnonzero(own))
    np.testing.assert_array_equal(found.fluorine, counts["F"][own])
    np.testing.assert_array_equal(found.chlorine, counts["Cl"][own])
    assert found.chlorine.sum() > 0


def quarters(mean: float, size: int, rng: np.random.Generator) -> Floats:
    """Chlorine shares of fourfold Ga."""
    return rng.binomial(4, mean, size) / 4


def test_a_planted_excess_of_chlorine_is_found() -> None:
    rng = np.random.default_rng(1)
    found = surroundings.chlorine_test(quarters(0.6, 100, rng), quarters(0.4, 400, rng))
    assert found.difference == pytest.approx(0.2, abs=3 * found.error)
    assert found.error == pytest.approx(np.hypot(0.245 / 10, 0.245 / 20), rel=0.1)
    assert found.p_value == pytest.approx(1 / 2001) and found.units == 1
    less = surroundings.chlorine_test(quarters(0.4, 100, rng), quarters(0.6, 400, rng))
    assert less.p_value > 0.99


def test_without_excess_p_values_are_uniform() -> None:
    rng = np.random.default_rng(2)
    found = [surroundings.chlorine_test(quarters(0.5, 30, rng), quarters(0.5, 100, rng), samples=400,
                                 seed=k) for k in range(200)]  # fmt: skip
    p = np.array([f.p_value for f in found])
    assert (p < 0.05).mean() < 0.1 and 0.4 < p.mean() < 0.6
    z = np.array([f.difference / f.error for f in found])
    assert 0.85 < z.std() < 1.2


def test_the_p_value_is_that_of_scipys_permutation_test() -> None:
    from scipy.stats import permutation_test

    rng = np.random.default_rng(3)
    a, b = quarters(0.55, 25, rng), quarters(0.45, 60, rng)
    found = surroundings.chlorine_test(a, b, samples=20_000)
    other = permutation_test((a, b), lambda x, y: x.mean() - y.mean(), n_resamples=9999,
                             alternative="greater", rng=np.random.default_rng(4))  # fmt: skip
    assert found.difference == pytest.approx(other.statistic)
    assert found.p_value == pytest.approx(other.pvalue, abs=0.02)


def test_frames_that_differ_are_no_relation() -> None:
    # Frames rich in chlorine have large zones, but within each frame zones are as the rest.
    rng = np.random.default_rng(5)
    inside, outside, one, two = [], [], [], []
    for frame, (mean, size) in enumerate([(0.8, 80), (0.2, 20)] * 5):
        inside.append(quarters(mean, size, rng))
        outside.append(quarters(mean, 100 - size, rng))
        one += [frame] * size
        two += [frame] * (100 - size)
    a, b = np.concatenate(inside), np.concatenate(outside)
    pooled = surroundings.chlorine_test(a, b)
    blocked = surroundings.chlorine_test(a, b, blocks=(one, two))
    assert pooled.p_value < 0.001 and pooled.difference > 0.2
    assert blocked.p_value > 0.01 and abs(blocked.difference) < 3 * blocked.error
    assert blocked.units == 10


def test_the_error_over_seeds_is_that_of_repeats() -> None:
    stated, values = [], []
    for trial in range(60):
        rng = np.random.default_rng(trial)
        a, b, one, two = [], [], [], []
        for seed in range(8):
            effect = 0.1 + 0.1 * rng.normal()
            for frame in range(3):
                a.append(np.clip(quarters(0.4, 20, rng) + effect, 0, 1))
                b.append(quarters(0.4, 60, rng))
                one += [(seed, frame)] * 20
                two += [(seed, frame)] * 60
        found = surroundings.chlorine_test(np.concatenate(a), np.concatenate(b), blocks=(one, two),
                                    samples=200)  # fmt: skip
        assert found.units == 8
        stated.append(found.error)
        values.append(found.difference)
    # Single atoms would give 0.013; that seeds differ makes it three times as large.
    assert np.mean(stated) == pytest.approx(np.std(values), rel=0.25)
    assert np.mean(stated) > 0.025


def test_frames_with_zones_of_all_or_none_say_nothing() -> None:
    rng = np.random.default_rng(6)
    a, b = quarters(0.6, 40, rng), quarters(0.4, 60, rng)
    one = surroundings.chlorine_test(a, b, blocks=(np.zeros(40), np.zeros(60)))
    other = surroundings.chlorine_test(np.append(a, [1.0] * 9), b, blocks=(np.repeat([0, 1], [40, 9]), np.zeros(60)))  # fmt: skip
    assert other.difference == pytest.approx(one.difference)
    with pytest.raises(InputError, match="no block has Ga both inside and outside"):
        surroundings.chlorine_test(a, b, blocks=(np.zeros(40), np.ones(60)))


# Errors


@pytest.mark.parametrize("about", [
    {"by": "median"}, {"high": 0.1, "low": 0.9}, {"low": 0.0}, {"high": 1.0},
])  # fmt: skip
def test_classes_that_cannot_be(about: dict[str, float]) -> None:
    with pytest.raises(InputError, match="expected maximum or quantile, 0 < low <= high < 1"):
        surroundings.classes(np.ones(3), **about)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no negative value"):
        surroundings.classes(np.array([-1.0, 2.0]))
    with pytest.raises(InputError, match=r"values of shape \(0,\)"):
        surroundings.classes(np.array([]))


def test_chemistry_that_cannot_be() -> None:
    with pytest.raises(InputError, match="no Ga in"):
        surroundings.environment(salt()[salt().numbers != GA])
    with pytest.raises(InputError, match="holds Na"):
        surroundings.environment(Atoms("NaGa", cell=[9.0] * 3, pbc=True))
    with pytest.raises(InputError, match="shares inside of shape"):
        surroundings.chlorine_test(np.array([]), np.ones(3))
    with pytest.raises(InputError, match="shares outside of shape"):
        surroundings.chlorine_test(np.ones(3), np.array([np.nan]))
    with pytest.raises(InputError, match="4 block labels for 5 values"):
        surroundings.chlorine_test(np.ones(3), np.ones(2), blocks=([1, 1, 1], [1]))


@pytest.mark.parametrize(
    ("difference", "p_value", "units", "answer"),
    [
        (0.30, 0.01, 3, True),
        (0.28, 0.01, 3, False),  # 2.8 errors; three units ask for 2.9
        (0.28, 0.01, 1, False),  # one unit has no scatter
        (0.28, 0.01, 9, True),
        (0.60, 0.01, 2, False),
        (0.30, 0.06, 3, False),
        (-0.3, 0.01, 3, False),
    ],
)
def test_clear_by_both_measures(
    difference: float, p_value: float, units: int, answer: bool
) -> None:
    assert surroundings.ChlorineTest(difference, 0.1, p_value, units).clear() is answer


def test_the_papers_classes_are_the_defaults_of_all_that_use_them() -> None:
    for function in (surroundings.classes, zones_compare.class_chlorine):
        given = inspect.signature(function).parameters
        assert (given["high"].default, given["low"].default) == (0.9, 0.1)
        assert (surroundings.HIGH, surroundings.LOW) == (0.9, 0.1)


def test_the_noise_is_that_of_so_few_atoms() -> None:
    rng = np.random.default_rng(4)
    # Seeds that agree to the last digit say nothing of the noise of two atoms in each.
    inside = np.array([0.25, 0.75] * 3)
    one = quarters(0.5, 60, rng)
    labels = np.repeat([1, 2, 3], 2), np.repeat([1, 2, 3], 60)
    found = surroundings.chlorine_test(inside, np.tile(one, 3), blocks=labels)
    assert found.error == pytest.approx(0.0, abs=1e-9)
    assert found.noise == pytest.approx(one.std() / np.sqrt(6), rel=0.1)
    assert found.uncertainty == found.noise
