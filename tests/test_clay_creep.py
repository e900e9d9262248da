"""Linear response: what the wandering of a cell without load says about a load."""

from __future__ import annotations

import warnings
from typing import Any

import freud
import numpy as np
import pytest
from numpy.typing import NDArray

from repro.clay import creep, plots
from repro.clay.cycles import Series
from repro.errors import InputError
from repro.figures import new_figure
from repro.md.logs import Thermo
from repro.md.statistics import Estimate

VOLUME, KELVIN = 12_000.0, 300.0
KT = 0.1380649 * KELVIN / 10  # GPa angstrom^3: 1.380649e-23 J/K over 1e-21 J
MODULUS, FLUIDITY = 5.0, 0.006
Floats = NDArray[np.float64]


def maxwell(
    rows: int, paths: int, *, seed: int, load: Floats | None = None, step: float = 0.05,
    fluidity: float = FLUIDITY,
) -> Floats:  # fmt: skip
    """(paths, rows) strains of a thermal spring and a thermal dashpot in a row; stress in GPa."""
    rng = np.random.default_rng(seed)
    stress = np.zeros(rows) if load is None else load
    kicks, relax = rng.normal(size=(rows, paths)), np.exp(-step / 0.3)
    spring = np.sqrt(KT / (MODULUS * VOLUME)) * kicks
    for k in range(1, rows):
        aim = stress[k] / MODULUS
        spring[k] = aim + relax * (spring[k - 1] - aim) + np.sqrt(1 - relax**2) * spring[k]
    steps = np.sqrt(2 * KT * fluidity * step / VOLUME) * rng.normal(size=(rows, paths))
    strain: Floats = (spring + np.cumsum(steps + fluidity * step * stress[:, None], axis=0)).T
    return strain - strain[:, :1]


def series(strain: Floats, *, step: float = 0.05, legs: int = 2) -> Series:
    n = len(strain)
    return Series(step * np.arange(n), np.zeros(n), strain - strain[0], np.zeros(n),
                  np.arange(n) * legs // n)  # fmt: skip


def idle(count: int = 60, rows: int = 2400, glasses: int = 3) -> dict[int, list[Series]]:
    made: dict[int, list[Series]] = {}
    for k, strain in enumerate(maxwell(rows, count, seed=1)):
        made.setdefault(k % glasses, []).append(series(strain))
    return made


def found(
    shears: Any, glasses: Any = None, lags: Any = (3.0, 10.0, 20.0, 40.0)
) -> creep.Compliance:
    values = np.atleast_2d(np.asarray(shears, dtype=float))
    own = np.arange(len(values)) if glasses is None else np.asarray(glasses)
    return creep.Compliance(np.asarray(lags, dtype=float), values, own, VOLUME, KELVIN)


# --- the law, against a model that obeys it ---


@pytest.fixture(scope="module")
def told() -> creep.Flow:
    return creep.flow(creep.compliance(idle(), volume=VOLUME, temperature=KELVIN))


def test_spring_and_dashpot_are_read_from_their_noise(told: creep.Flow) -> None:
    assert told.modulus.value == pytest.approx(MODULUS, rel=0.05)
    assert told.fluidity.value == pytest.approx(FLUIDITY, rel=0.15)
    assert abs(told.fluidity.value - FLUIDITY) < 3 * told.fluidity.error
    assert abs(told.modulus.value - MODULUS) < 3 * told.modulus.error
    assert told.viscosity.value == pytest.approx(1 / told.fluidity.value)


def test_it_foretells_what_a_load_leaves(told: creep.Flow) -> None:
    on = 400
    pulses = np.tile(np.r_[np.ones(on), np.zeros(on)], 3) * 0.05
    strain = maxwell(6 * on, 2000, seed=2, load=pulses)
    left = strain[:, -100:].mean()
    # Late in the third pulse 57.5 ps of load have passed, on the mean.
    under = strain[:, 4 * on + 300 : 5 * on].mean()
    rest, third = told.leaves(50.0, 60.0), told.leaves(50.0, 57.5)
    # The model obeys the law that the chapter reads off it, and the reading is near.
    chance = float(strain[:, -100:].mean(axis=1).std() / np.sqrt(len(strain)))
    assert left == pytest.approx(0.05 * 60 * FLUIDITY, abs=3 * chance) and chance < 0.001
    assert rest.value == pytest.approx(left, abs=3 * rest.error)
    assert told.springs(50.0).value + third.value == pytest.approx(under, abs=3 * third.error)
    assert under - left == pytest.approx(0.05 / MODULUS, abs=0.0015)
    assert rest.error < 0.15 * rest.value


def test_it_foretells_how_far_strain_wanders(told: creep.Flow) -> None:
    ends = [one.strain[-1] for own in idle(90).values() for one in own]
    flow = told.wanders(2400 * 0.05)
    # The spring's own noise is on top, at either end.
    assert np.hypot(flow, np.sqrt(2 * KT / (MODULUS * VOLUME))) == pytest.approx(
        np.sqrt(np.mean(np.square(ends))), rel=0.2
    )
    assert told.wanders(120.0, larger=4.0) == pytest.approx(flow / 2)
    assert told.wanders(480.0) == pytest.approx(2 * flow)
    assert told.wanders(0.0) == 0.0


def test_two_errors_hold_the_truth() -> None:
    # Forty campaigns of 15 shears of three glasses each.
    paths, inside = maxwell(2400, 600, seed=5), []
    for k in range(40):
        own = {
            g: [series(one) for one in paths[15 * k + 5 * g : 15 * k + 5 * g + 5]] for g in range(3)
        }
        flow = creep.flow(creep.compliance(own, volume=VOLUME, temperature=KELVIN))
        inside.append((abs(flow.fluidity.value - FLUIDITY) < 2 * flow.fluidity.error,
                       abs(flow.modulus.value - MODULUS) < 2 * flow.modulus.error))  # fmt: skip
    assert (np.mean(inside, axis=0) > 0.82).all()


def test_a_solid_does_not_flow() -> None:
    rng = np.random.default_rng(3)
    own = {s: [series(rng.normal(0, 0.01, 4000)) for _ in range(3)] for s in (1, 2, 3)}
    flow = creep.flow(creep.compliance(own, volume=VOLUME, temperature=KELVIN))
    assert flow.modulus.value == pytest.approx(KT / (VOLUME * 1e-4), rel=0.02)
    assert abs(flow.fluidity.value) < 3 * flow.fluidity.error < 2e-3


def test_the_stress_of_a_block() -> None:
    block = creep.Flow(Estimate(5.0, 0.1), Estimate(0.0, 0.1), VOLUME, KELVIN)
    assert block.stress_scatter == pytest.approx(1000 * np.sqrt(KT * 5.0 / VOLUME))


def test_a_fluidity_of_nothing_has_no_viscosity() -> None:
    flow = creep.Flow(Estimate(5.0, 0.1, 3), Estimate(-1e-4, 1e-3, 3), VOLUME, KELVIN)
    assert flow.viscosity.value == np.inf and np.isnan(flow.viscosity.error)
    assert flow.wanders(100.0) == 0.0


# --- the mean squared change ---


def naive(strain: Floats, lag: int) -> float:
    return float(np.mean([(strain[k + lag] - strain[k]) ** 2 for k in range(len(strain) - lag)]))


def test_the_compliance_is_the_mean_square_over_all_origins() -> None:
    strain = np.cumsum(np.random.default_rng(4).normal(0, 1e-3, 300))
    out = creep.compliance(
        {1: [series(strain)]}, volume=VOLUME, temperature=KELVIN, lags=np.array([0.05, 1.0, 7.0])
    )
    expected = [VOLUME * naive(strain, lag) / (2 * KT) for lag in (1, 20, 140)]
    assert out.lags == pytest.approx([0.05, 1.0, 7.0])
    assert out.shears == pytest.approx(np.array([expected]), rel=1e-6)
    assert out.mean == pytest.approx(expected, rel=1e-6) and np.isnan(out.error).all()


def test_freud_finds_the_same_mean_square() -> None:
    strain = np.cumsum(np.random.default_rng(5).normal(0, 1e-2, 200))
    path = np.zeros((200, 1, 3))
    path[:, 0, 0] = strain
    reference = freud.msd.MSD(box=None, mode="window").compute(path).msd
    out = creep.compliance({1: [series(strain)]}, volume=VOLUME, temperature=KELVIN,
                           lags=0.05 * np.arange(1, 100))  # fmt: skip
    assert 2 * KT * out.mean / VOLUME == pytest.approx(reference[1:100], rel=1e-3)


def test_a_part_of_a_run_is_read_as_if_it_were_the_run() -> None:
    strain = np.cumsum(np.random.default_rng(6).normal(0, 1e-3, 400))
    kwargs: dict[str, Any] = {"volume": VOLUME, "temperature": KELVIN, "lags": np.array([0.5, 2.0])}
    part = creep.compliance({1: [series(strain)]}, since_ps=5.0, until_ps=14.95, **kwargs)
    alone = creep.compliance({1: [series(strain[100:300])]}, **kwargs)
    assert part.shears == pytest.approx(alone.shears)


def test_default_times_end_at_half_of_the_shortest_run() -> None:
    rng = np.random.default_rng(7)
    own = {1: [series(rng.normal(size=400))], 2: [series(rng.normal(size=201))]}
    out = creep.compliance(own, volume=VOLUME, temperature=KELVIN)
    assert out.lags == pytest.approx(0.05 * np.arange(1, 101)) and list(out.glasses) == [1, 2]


# --- errors ---


def test_the_error_is_the_larger_of_two() -> None:
    scattered = found(np.zeros((6, 4)), [1, 1, 2, 2, 3, 3])
    # Glasses agree to the last digit, their shears do not.
    lucky = scattered.over(np.array([1.0, 3.0, 0.0, 4.0, 2.0, 2.0]))
    assert lucky.value == 2.0
    assert lucky.error == pytest.approx(np.std([1, 3, 0, 4, 2, 2], ddof=1) / np.sqrt(6))
    # Shears of a glass agree, glasses do not.
    unlike = scattered.over(np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0]))
    assert unlike.error == pytest.approx(1 / np.sqrt(3))
    assert unlike.samples == 6


def test_one_shear_has_no_error() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(found(np.zeros((1, 4))).over(np.array([1.0])).error)
        # One glass with two shears: the scatter of its shears is all there is.
        two = found(np.zeros((2, 4)), [5, 5]).over(np.array([1.0, 3.0]))
    assert two.error == pytest.approx(1.0)


def test_the_line_goes_through_a_line() -> None:
    lags = np.array([1.0, 3.0, 10.0, 20.0, 40.0, 60.0])
    bent = 0.2 + 0.005 * lags
    bent[[0, -1]] = 9.0  # outside of what is fitted
    flow = creep.flow(found([bent, bent + 0.002 * lags], lags=lags))
    assert flow.modulus.value == pytest.approx(5.0)
    assert flow.fluidity.value == pytest.approx(0.006)
    assert flow.fluidity.error == pytest.approx(0.001)
    assert flow.leaves(10.0, 100.0).value == pytest.approx(0.006)
    assert flow.leaves(-10.0, 100.0).error == pytest.approx(0.001)
    assert flow.springs(10.0).value == pytest.approx(0.002)


# --- which shears bear no load ---


def leg(n: int = 50, **tilts: float) -> Thermo:
    drift = np.linspace(0.0, 1.0, n)
    return Thermo(columns={
        "Time": 0.05 * np.arange(n), "Ly": np.full(n, 20.0), "Lz": np.full(n, 25.0),
        **{key: tilts.get(key.lower(), 0.0) * drift for key in ("Yz", "Xz", "Xy")},
        **{key: np.zeros(n) for key in ("Pyz", "Pxz", "Pxy")}, "PotEng": np.full(n, -10.0),
    })  # fmt: skip


def test_the_loaded_shear_is_left_out() -> None:
    legs = {3: [leg(yz=25.0, xz=12.5, xy=2.0)]}
    control = creep.unloaded(legs, natoms=5)
    assert [one.strain[-1] for one in control[3]] == pytest.approx([1.0, 0.5, 0.1])
    pressed = creep.unloaded(legs, natoms=5, loaded="xz")
    assert [one.strain[-1] for one in pressed[3]] == pytest.approx([1.0, 0.1])
    both = creep.gathered([control, pressed, {4: control[3]}])
    assert {seed: len(own) for seed, own in both.items()} == {3: 5, 4: 3}
    assert len(control[3]) == 3  # the parts stay as they were


# --- picture ---


def test_the_picture() -> None:
    _, ax = new_figure()
    lags = np.array([1.0, 3.0, 10.0, 40.0])
    one, other = found(np.full((3, 4), 0.2), lags=lags), found(np.full((1, 4), 0.1), lags=lags)
    flow = creep.Flow(Estimate(5.0, 0.5, 9), Estimate(0.005, 0.001, 9), VOLUME, KELVIN)
    plots.plot_compliance(ax, {"glass": one, "salts": other}, line=flow, fit_ps=(3.0, 10.0))
    drawn = {line.get_label(): line for line in ax.get_lines()}
    assert drawn["glass"].get_ydata() == pytest.approx(np.full(4, 0.2))
    assert drawn["1/G + t/η"].get_ydata() == pytest.approx(0.2 + 0.005 * lags)
    assert ax.get_xscale() == "log"


# --- what cannot be ---


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: creep.unloaded({}, natoms=5, loaded="zz"), "'zz': expected yz, xz, xy or None"),
        (lambda: creep.compliance({}, volume=1.0, temperature=1.0), "one or more series"),
        (lambda: creep.compliance({1: []}, volume=1.0, temperature=1.0), "one or more series"),
        (lambda: creep.compliance({1: [series(np.zeros(9))]}, volume=0.0, temperature=1.0), "positive"),
        (lambda: creep.compliance({1: [series(np.zeros(9))]}, volume=1.0, temperature=1.0,
                                  lags=np.array([0.4])), "less than the shortest run, 0.4 ps"),
        (lambda: creep.compliance({1: [series(np.zeros(9))]}, volume=1.0, temperature=1.0,
                                  lags=np.array([])), "expected 0.05 ps or more"),
        (lambda: creep.compliance({1: [series(np.zeros(9))]}, volume=1.0, temperature=1.0,
                                  lags=np.array([0.01])), "expected 0.05 ps or more"),
        (lambda: creep.compliance({1: [series(np.zeros(9))]}, volume=1.0, temperature=1.0,
                                  since_ps=0.4), "1 rows from 0.4 to inf ps"),
        (lambda: creep.flow(found(np.zeros((2, 4))), fit_ps=(50.0, 60.0)), "0 lags from 50 to 60"),
        (lambda: creep.flow(found(np.zeros((2, 4)))), "at the start"),
        (lambda: creep.Flow(Estimate(5.0, 0.1), Estimate(1.0, 0.1), 1.0, 1.0).wanders(-1.0), "-1.0 ps"),
        (lambda: creep.Flow(Estimate(5.0, 0.1), Estimate(1.0, 0.1), 1.0, 1.0).wanders(1.0, larger=0.0),
         "volume times 0.0"),
    ],
)  # fmt: skip
def test_what_cannot_be(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_rows_at_unequal_times_are_refused() -> None:
    one = series(np.zeros(10))
    uneven = Series(one.time**1.5, one.stress, one.strain, one.energy, one.leg)
    with pytest.raises(InputError, match="equal steps"):
        creep.compliance({1: [uneven]}, volume=1.0, temperature=1.0)
