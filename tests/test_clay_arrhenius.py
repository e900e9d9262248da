"""Arrhenius laws with a known answer, and intervals that cover it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import constants
from scipy.special import erf
from scipy.stats import t as student

from repro.clay.arrhenius import EV_PER_K, Arrhenius, Value, arrhenius
from repro.errors import InputError

Floats = NDArray[np.float64]
K_EV = constants.physical_constants["Boltzmann constant in eV/K"][0]
T = np.array([400.0, 450.0, 500.0, 600.0, 700.0])
ENERGY, PREFACTOR = 0.25, 2e-3


def law(kelvin: Floats | float, energy: float = ENERGY, prefactor: float = PREFACTOR) -> Floats:
    return prefactor * np.exp(-energy / (K_EV * np.asarray(kelvin)))


def noisy(seed: int, *, said: float = 0.1, real: float = 0.1) -> Arrhenius:
    y = law(T) * np.exp(np.random.default_rng(seed).normal(scale=real, size=len(T)))
    return arrhenius(T, y, said * y)


@settings(max_examples=50, deadline=None)
@given(
    energy=st.floats(0.01, 2.0),
    log_prefactor=st.floats(-20.0, 10.0),
    errors=st.lists(st.floats(0.01, 0.5), min_size=5, max_size=5),
    coldest=st.floats(150.0, 400.0),
)
def test_an_exact_law_is_found_whatever_its_errors(energy: float, log_prefactor: float,
                                                   errors: list[float], coldest: float) -> None:  # fmt: skip
    kelvin = coldest + np.array([0.0, 40.0, 100.0, 180.0, 300.0])
    y = law(kelvin, energy, float(np.exp(log_prefactor)))
    found = arrhenius(kelvin, y, y * errors)
    assert found.energy == pytest.approx(energy, rel=1e-6)
    assert found.prefactor == pytest.approx(np.exp(log_prefactor), rel=1e-6)
    assert found.chi2 < 1e-6 and found.scale == 1.0 and found.freedom == 3
    assert found.at(300.0).value == pytest.approx(
        law(300.0, energy, float(np.exp(log_prefactor))), rel=1e-6
    )


def test_lmfit_agrees_where_the_errors_are_right() -> None:
    from lmfit.models import LinearModel

    seed = next(s for s in range(50) if noisy(s).chi2 < noisy(s).freedom)
    y = law(T) * np.exp(np.random.default_rng(seed).normal(scale=0.1, size=len(T)))
    sigma = y * np.array([0.05, 0.1, 0.2, 0.1, 0.15])
    found = arrhenius(T, y, sigma)
    x = -1 / (K_EV * T)
    theirs = LinearModel().fit(np.log(y), x=x, weights=y / sigma, scale_covar=found.scale > 1,
                               slope=0.2, intercept=-6.0)  # fmt: skip
    assert found.energy == pytest.approx(theirs.params["slope"].value, rel=1e-6)
    assert found.error == pytest.approx(theirs.params["slope"].stderr, rel=1e-3)
    assert found.log_prefactor == pytest.approx(theirs.params["intercept"].value, rel=1e-6)
    order = [theirs.var_names.index(name) for name in ("intercept", "slope")]
    np.testing.assert_allclose(found.covariance, theirs.covar[np.ix_(order, order)], rtol=1e-3)
    # lmfit turns one sigma into a probability and that into Student's t.
    error = theirs.eval_uncertainty(x=np.array([-1 / (K_EV * 300.0)]), sigma=1)[0]
    factor = student.ppf((1 + erf(1 / np.sqrt(2))) / 2, 3)
    assert found.at(300.0).log_error == pytest.approx(error / factor, rel=1e-3)


def test_too_small_errors_are_scaled_and_lmfit_agrees() -> None:
    from lmfit.models import LinearModel

    found = noisy(3, said=0.01)
    y = law(T) * np.exp(np.random.default_rng(3).normal(scale=0.1, size=len(T)))
    theirs = LinearModel().fit(np.log(y), x=-1 / (K_EV * T), weights=1 / 0.01 + 0 * T,
                               scale_covar=True, slope=0.2, intercept=-6.0)  # fmt: skip
    assert found.scale == pytest.approx(theirs.redchi, rel=1e-6) and found.scale > 10
    assert found.error == pytest.approx(theirs.params["slope"].stderr, rel=1e-3)
    assert found.quantile == pytest.approx(3.182, abs=1e-3)
    assert found.high - found.low == pytest.approx(2 * found.quantile * found.error)


def test_scatter_below_the_errors_does_not_reduce_them() -> None:
    found = noisy(3, real=0.001)
    assert found.scale == 1.0 and found.quantile == pytest.approx(1.96, abs=1e-3)
    # Of equal errors, by hand.
    x = 1 / (K_EV * T)
    assert found.error == pytest.approx(0.1 / np.sqrt(((x - x.mean()) ** 2).sum()), rel=1e-6)
    assert found.low == pytest.approx(found.energy - 1.96 * found.error, rel=1e-4)


@pytest.mark.parametrize(("said", "lowest"), [(0.1, 0.92), (0.02, 0.90), (0.5, 0.99)])
def test_intervals_cover_the_truth(said: float, lowest: float) -> None:
    # Said right, five times too small, five times too large: 95 %, 95 %, all.
    trials = 400
    within: dict[str, int] = {"energy": 0, "300 K": 0, "550 K": 0}
    for seed in range(trials):
        found = noisy(seed, said=said)
        within["energy"] += found.low <= ENERGY <= found.high
        for kelvin in (300.0, 550.0):
            value = found.at(kelvin)
            within[f"{kelvin:.0f} K"] += value.low <= law(kelvin) <= value.high
    assert min(within.values()) >= lowest * trials


def test_the_interval_is_not_too_wide_either() -> None:
    # Scaling only upwards makes it cover a little more than it says, not everything.
    half = sum(
        abs(found.energy - ENERGY) < 0.5 * (found.high - found.energy)
        for found in (noisy(seed) for seed in range(400))
    )
    assert half < 0.9 * 400


def test_equal_points_count_as_often_as_they_occur() -> None:
    y = law(T) * [1.1, 0.9, 1.0, 1.05, 0.95]
    once = arrhenius(T, y, 0.2 * y)
    twice = arrhenius(np.tile(T, 2), np.tile(y, 2), np.tile(0.2 * y, 2))
    assert twice.energy == pytest.approx(once.energy)
    assert twice.error == pytest.approx(once.error / np.sqrt(2))


def test_a_point_with_a_large_error_has_no_say() -> None:
    y = law(T)
    y[0] *= 3
    found = arrhenius(T, y, np.array([1e4, 0.1, 0.1, 0.1, 0.1]) * y)
    assert found.energy == pytest.approx(ENERGY, rel=1e-4)


@pytest.mark.parametrize(
    ("kelvin", "outside", "reach", "statement"),
    [
        (300.0, 100.0, (1 / 300 - 1 / 400) / (1 / 400 - 1 / 700),
         "300 K lies 100 K outside the data, in 1/T 0.8 times the range they span."),
        (800.0, 100.0, (1 / 700 - 1 / 800) / (1 / 400 - 1 / 700),
         "800 K lies 100 K outside the data, in 1/T 0.2 times the range they span."),
        (400.0, 0.0, 0.0, "400 K lies within the data."),
        (555.5, 0.0, 0.0, "555.5 K lies within the data."),
    ],
)  # fmt: skip
def test_how_far_outside(kelvin: float, outside: float, reach: float, statement: str) -> None:
    value = noisy(1).at(kelvin)
    assert isinstance(value, Value) and value.temperature == kelvin
    assert value.outside == pytest.approx(outside)
    assert value.reach == pytest.approx(reach)
    assert value.statement == statement
    assert value.low < value.value < value.high


def test_the_error_grows_outside_and_is_least_within() -> None:
    found = noisy(1)
    errors = [found.at(kelvin).log_error for kelvin in (500.0, 400.0, 300.0, 250.0)]
    assert errors == sorted(errors)
    assert found.at(500.0).log_error < 0.1


def test_the_interval_is_symmetric_in_the_logarithm() -> None:
    value = noisy(1).at(300.0)
    assert value.low * value.high == pytest.approx(value.value**2)
    assert np.log(value.high / value.value) == pytest.approx(noisy(1).quantile * value.log_error)


Y = law(T)


@pytest.mark.parametrize(
    ("kelvin", "values", "errors", "message"),
    [
        (T[:2], Y[:2], Y[:2], "2 temperatures: expected 3 or more different"),
        (np.array([300.0, 300.0, 400.0]), Y[:3], Y[:3], "2 temperatures: expected 3"),
        (T, Y * [1, 1, 0, 1, 1], Y, r"value 0 \(number 2\): expected positive and finite"),
        (T, Y * [1, -1, 1, 1, 1], Y, r"value -\d.* \(number 1\)"),
        (T, Y, Y * [1, 1, 1, 1, np.nan], r"error nan \(number 4\)"),
        (T, Y, Y * [0, 1, 1, 1, 1], r"error 0 \(number 0\)"),
        (T * [1, 1, -1, 1, 1], Y, Y, r"temperature -500 K \(number 2\)"),
        (T * [np.inf, 1, 1, 1, 1], Y, Y, "temperature inf K"),
        (T, Y[:-1], Y, r"shape \(5,\), values \(4,\), errors \(5,\): expected \(N,\) all"),
        (T[:, None], Y[:, None], Y[:, None], r"expected \(N,\) all"),
    ],
)  # fmt: skip
def test_data_without_a_law(kelvin: Floats, values: Floats, errors: Floats, message: str) -> None:
    with pytest.raises(InputError, match=message):
        arrhenius(kelvin, values, errors)


@pytest.mark.parametrize("kelvin", [0.0, -10.0, np.nan, np.inf])
def test_temperatures_that_are_none(kelvin: float) -> None:
    with pytest.raises(InputError, match=f"temperature {kelvin} K: expected above 0 K"):
        noisy(1).at(kelvin)


def test_student_may_be_asked_for_where_points_agree() -> None:
    kelvin = np.array([500.0, 600.0, 700.0, 800.0])
    values = np.exp(-0.3 / EV_PER_K / kelvin)
    plain, asked = (arrhenius(kelvin, values, 0.1 * values, student=s) for s in (False, True))
    assert asked.energy == plain.energy and asked.error == plain.error
    # Two degrees of freedom.
    assert (plain.quantile, asked.quantile) == (
        pytest.approx(1.96, abs=1e-2),
        pytest.approx(4.303, abs=1e-3),
    )
    assert asked.high - asked.energy == pytest.approx(4.303 * asked.error, rel=1e-3)
