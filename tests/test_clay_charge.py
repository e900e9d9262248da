"""Charge that spreads: against sums by hand, walks of known conductivity, and kinisi."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import constants

from repro.clay import charge
from repro.clay.arrhenius import EV_PER_K
from repro.clay.charge import Transport, displaced, transport
from repro.clay.diffusion import conductivity, diffusion
from repro.clay.paths import Track, tracks
from repro.errors import InputError

Floats = NDArray[np.float64]
DT, VOLUME, KELVIN = 0.5, 1.4e4, 700.0
Q = np.array([1, 1, 3, -1, -1, -1, -1, -1])


def steps(frames: int, atoms: int, *, size: float = 0.3, seed: int = 0) -> Floats:
    x = np.random.default_rng(seed).normal(scale=size, size=(frames, atoms, 3))
    x[0] = 0.0
    return np.cumsum(x, axis=0)


def paths_of(x: Floats) -> dict[str, Track]:
    """Two lithium, a gallium, three fluorine and two chlorine on given paths."""
    parts = {"Li": x[:, :2], "Ga": x[:, 2:3], "F": x[:, 3:6], "Cl": x[:, 6:]}
    return {e: Track(own.astype(np.float32), DT, VOLUME) for e, own in parts.items()}


def cell(lithium: Floats, chloride: Floats | None = None) -> dict[str, Track]:
    """Lithium on given paths, and as many chloride, which stand if they are not given."""
    other = np.zeros_like(lithium) if chloride is None else chloride
    return {"Li": Track(lithium.astype(np.float32), DT, VOLUME),
            "Cl": Track(other.astype(np.float32), DT, VOLUME)}  # fmt: skip


# --- the total charge ---


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999))
def test_the_charge_is_the_sum_over_all_atoms(seed: int) -> None:
    x = steps(12, 8, seed=seed)
    by_hand = np.zeros((12, 3))
    for k in range(12):
        for i in range(8):
            by_hand[k] += Q[i] * x[k, i]
    np.testing.assert_allclose(displaced(paths_of(x)), by_hand, atol=1e-5)


def test_drift_carries_no_charge() -> None:
    x = steps(12, 8)
    drift = 0.4 * np.arange(12.0)[:, None, None] * np.ones(3)
    np.testing.assert_allclose(displaced(paths_of(x + drift)), displaced(paths_of(x)), atol=1e-5)


def test_other_charges() -> None:
    x, y = steps(12, 2), steps(12, 2, seed=1)
    found = displaced(cell(x, y), charges={"Li": 0.8, "Cl": -0.8})
    np.testing.assert_allclose(found, 0.8 * (x.sum(axis=1) - y.sum(axis=1)), atol=1e-5)


def test_paths_read_from_frames_of_a_periodic_cell() -> None:
    x = steps(12, 8, size=0.5)
    home = np.random.default_rng(5).uniform(0, 14.0, (8, 3))
    frames = [Atoms("Li2GaF3Cl2", positions=home + now, cell=[14.0] * 3, pbc=True) for now in x]
    for one in frames:
        one.wrap()
    read = tracks(frames, dt_ps=DT)
    assert list(read) == ["Li", "Ga", "F", "Cl"]
    np.testing.assert_allclose(displaced(read), Q @ x, atol=1e-4)


def test_ions_whose_charge_is_not_known_or_not_zero() -> None:
    x = steps(3, 8)
    with pytest.raises(InputError, match=r"Li, Ga, F, Cl: expected a charge for each, there are"):
        displaced(paths_of(x), charges={"Li": 1, "F": -1})
    with pytest.raises(InputError, match="no ions: expected a charge"):
        displaced({})
    with pytest.raises(InputError, match=r"2 Li, 1 Ga, 3 F have a charge of 2 e: expected a neut"):
        displaced({e: one for e, one in paths_of(x).items() if e != "Cl"})


@pytest.mark.parametrize("change", ["frames", "dt", "volume"])
def test_ions_of_different_runs_do_not_mix(change: str) -> None:
    ions = cell(steps(30, 4))
    own = ions["Cl"]
    ions["Cl"] = {
        "frames": Track(own.positions[1:], DT, VOLUME),
        "dt": Track(own.positions, 2 * DT, VOLUME),
        "volume": Track(own.positions, DT, VOLUME + 1),
    }[change]
    with pytest.raises(InputError, match="ions of different runs"):
        displaced(ions)


# --- what it conducts ---


def found(ions: dict[str, Track], **options: Any) -> Transport:
    return transport(ions, **({"temperature": KELVIN} | options))


def test_the_unit_is_that_of_nernst_and_einstein() -> None:
    """100 ions of 1e-5 cm^2/s: n e^2 D / kT, by hand and by the other module."""
    n, d = 100 / (VOLUME * 1e-30), 1e-9
    by_hand = 10 * n * constants.e**2 * d / (constants.k * KELVIN)
    # Their squared displacements together grow by 100 x 6 D, D = 0.1 angstrom^2/ps.
    assert charge.conducts_per_slope(volume=VOLUME, temperature=KELVIN) * 60 == pytest.approx(
        by_hand
    )
    walks = steps(401, 100, size=np.sqrt(2 * 0.1 * DT))
    one = found(cell(walks))
    assert one.independent == pytest.approx(by_hand, rel=0.1)
    other = conductivity(diffusion(cell(walks)["Li"], temperature=KELVIN, samples=100))
    assert one.independent == pytest.approx(other.value, rel=0.1)


def test_ions_of_all_elements_add_by_the_square_of_their_charge() -> None:
    x = steps(161, 8, seed=3)
    one = found(paths_of(x))
    lag = np.arange(4, 17)
    each = np.array([((x[m:] - x[:-m]) ** 2).sum(axis=2).mean(axis=0) for m in lag])
    slopes = np.polyfit(lag * DT, each, 1)[0]
    assert one.everyone / one.independent == pytest.approx(
        (Q**2 @ slopes) / slopes[:2].sum(), rel=1e-4
    )


@pytest.mark.parametrize(("together", "ratio"), [(1, 1.0), (2, 2.0), (4, 4.0)])
def test_ions_that_go_in_strings_carry_more(together: int, ratio: float) -> None:
    runs = [
        found(cell(np.repeat(steps(161, 48 // together, seed=seed), together, axis=1)))
        for seed in range(40)
    ]
    ratios = [one.ratio.value for one in runs]
    error = np.std(ratios, ddof=1) / np.sqrt(40)
    assert error < 0.1 * ratio and abs(np.mean(ratios) - ratio) < 3 * error
    # The error is that of a run whose ratio is 1, and grows in proportion.
    assert ratio * runs[0].relative == pytest.approx(np.std(ratios, ddof=1), rel=0.35)


def test_pairs_that_go_together_carry_nothing() -> None:
    """Each lithium drags a chloride: what rattles is left, its slope of either sign about zero."""
    ratios = []
    for seed in range(40):
        walks = steps(161, 20, seed=seed)
        noise = np.random.default_rng(500 + seed).normal(scale=0.2, size=walks.shape)
        one = found(cell(walks, walks + noise))
        assert one.relative > 0 and np.isfinite(one.ratio.value)
        ratios.append(one.ratio.value)
    assert min(ratios) < 0 < max(ratios)
    assert abs(np.mean(ratios)) < 3 * np.std(ratios, ddof=1) / np.sqrt(40) < 0.02


@pytest.mark.parametrize("tau", [0.0, 1.0])
def test_the_error_is_the_scatter_of_runs_also_if_what_rattles_remembers(tau: float) -> None:
    rng = np.random.default_rng(7)
    kept = np.exp(-DT / tau) if tau else 0.0
    values, errors, inside = [], [], []
    for seed in range(150):
        lithium = steps(121, 30, seed=seed)
        rattle = rng.normal(scale=3.0, size=(121, 3))
        for k in range(1, 121):
            rattle[k] = kept * rattle[k - 1] + np.sqrt(1 - kept**2) * rattle[k]
        # One chloride of thirty carries the rattle of the whole cell.
        chloride = np.zeros((121, 30, 3))
        chloride[:, 0] = rattle - rattle[0]
        one = found(cell(lithium, chloride))
        values.append(one.ratio.value)
        errors.append(one.relative)
        truth = one.independent
        inside.append(one.interval[0] <= truth <= one.interval[1])
    assert np.median(errors) == pytest.approx(np.std(values, ddof=1), rel=0.2)
    assert np.mean(values) == pytest.approx(1.0, abs=3 * np.std(values) / np.sqrt(150))
    assert 0.9 <= np.mean(inside) <= 0.995


def test_replays_scatter_about_what_was_put_in() -> None:
    lags = np.arange(4, 17)

    def slopes(intercept: float, *, frames: int = 161, **options: Any) -> Floats:
        return charge.replayed(5.0, intercept, frames=frames, dt_ps=DT, lags=lags, replays=2000,
                               **options)  # fmt: skip

    rattling, calm = slopes(200.0), slopes(0.0)
    assert abs(rattling.mean() - 5.0) < 3 * rattling.std() / np.sqrt(2000)
    # Rattling adds to the scatter, and more if it remembers; a longer run takes from it.
    assert calm.std() < 0.95 * rattling.std()
    assert slopes(200.0, memory_ps=1.0).std() > 1.05 * rattling.std()
    assert slopes(200.0, frames=641).std() < 0.7 * rattling.std()
    np.testing.assert_array_equal(slopes(200.0), rattling)
    np.testing.assert_array_equal(slopes(-9.0), calm)
    with pytest.raises(InputError, match=r"slope of -1: expected above 0"):
        charge.replayed(-1.0, 0.0, frames=161, dt_ps=DT, lags=lags)


@settings(max_examples=30, deadline=None)
@given(tau=st.floats(0.1, 5.0), slope=st.floats(0.0, 50.0), size=st.floats(1.0, 500.0))
def test_the_memory_is_found_back(tau: float, slope: float, size: float) -> None:
    first = slope * DT + size * (1 - np.exp(-DT / tau))
    found = charge.memory(first, slope=slope, intercept=size, dt_ps=DT)
    assert found == pytest.approx(tau, rel=1e-6)


def test_where_nothing_is_remembered() -> None:
    for first, intercept in ((30.0, 20.0), (25.0, 20.0), (4.0, 20.0), (10.0, 0.0), (10.0, -3.0)):
        assert charge.memory(first, slope=10.0, intercept=intercept, dt_ps=DT) == 0.0


def test_rattling_is_no_conduction() -> None:
    lithium = steps(161, 30, seed=1)
    plain = found(cell(lithium))
    more, by_lag = [], []
    for seed in range(40):
        chloride = np.zeros_like(lithium)
        chloride[:, 0] = np.random.default_rng(seed).normal(scale=2.5, size=(161, 3))
        noisy = found(cell(lithium, chloride))
        more.append(noisy.conductivity / plain.conductivity - 1)
        by_lag.append(noisy.together[16] / plain.together[16] - 1)
    # A fit through the origin, or the curve over its last lag, takes a part of it for conduction.
    error = np.std(more, ddof=1) / np.sqrt(40)
    assert np.mean(by_lag) > 0.08 and error < 0.025
    assert abs(np.mean(more)) < 3 * error


def test_the_curves_and_what_was_fitted() -> None:
    walks = steps(81, 30)
    one, p = found(cell(walks), run=3), walks.sum(axis=1)
    assert (one.temperature, one.seed, one.fit_ps) == (KELVIN, 3, (2.0, 8.0))
    assert len(one.lag_ps) == len(one.together) == len(one.alone) == 41
    assert one.lag_ps[-1] == 20.0
    assert one.together[6] == pytest.approx(((p[6:] - p[:-6]) ** 2).sum(axis=1).mean(), rel=1e-4)
    single = ((walks[6:] - walks[:-6]) ** 2).sum(axis=2)
    assert one.alone[6] == pytest.approx(30 * single.mean(), rel=1e-5)
    assert one.ratio.value == pytest.approx(one.conductivity / one.independent)
    assert one.ratio.error == one.relative
    low, high = one.interval
    assert (low, high) == pytest.approx((one.conductivity / one.high, one.conductivity / one.low))
    assert 0 < low < one.conductivity < high
    assert replace(one, low=-0.1).interval == (low, float("inf"))


def test_kinisi_has_the_same_squared_displacement_of_charge() -> None:
    """A second library; it means per particle, where ours is the sum."""
    import scipp as sc
    from kinisi.displacement import calculate_mstd

    x = steps(61, 8, seed=2)
    lags = np.array([4, 8, 16])
    parsed = SimpleNamespace(
        displacements=sc.array(
            dims=["obs", "particle", "dimension"],
            unit="angstrom",
            values=Q[:, None] * (x[1:] - x[0]),
        ),
        dt_index=sc.array(dims=["time interval"], values=lags),
        dt=sc.array(dims=["time interval"], values=lags * DT, unit="ps"),
        dimensionality=sc.scalar(3),
    )
    theirs = calculate_mstd(parsed, progress=False)["da"].values * x.shape[1]
    np.testing.assert_allclose(found(paths_of(x)).together[lags], theirs, rtol=1e-5)


@pytest.mark.parametrize(
    ("fit", "frames"), [((2.0, 8.0), 31), ((4.0, 4.5), 161), ((0.0, 8.0), 161), ((8.0, 2.0), 161)]
)
def test_a_fit_needs_lags_within_half_of_the_run(fit: tuple[float, float], frames: int) -> None:
    assert not charge.long_enough(frames, dt_ps=DT, fit_ps=fit)
    with pytest.raises(InputError, match=rf"fit from .* of {frames} frames .* 3 lags or more"):
        found(cell(steps(frames, 10)), fit_ps=fit)


def test_just_long_enough() -> None:
    assert charge.long_enough(33, dt_ps=DT) and not charge.long_enough(32, dt_ps=DT)
    assert found(cell(steps(33, 10))).lag_ps[-1] == 8.0


def test_lithium_is_needed_and_has_to_move() -> None:
    ions = cell(steps(81, 10))
    with pytest.raises(InputError, match="Cl: expected Li among them"):
        found({"Cl": Track(np.zeros((81, 10, 3), dtype=np.float32), DT, VOLUME)}, charges={"Cl": 0})
    still = {e: replace(one, positions=np.zeros_like(one.positions)) for e, one in ions.items()}
    with pytest.raises(InputError, match="ions that spread"):
        found(still)


def test_a_cell_needs_a_volume_and_a_temperature() -> None:
    ions = cell(steps(81, 10))
    flat = {e: replace(one, volume=0.0) for e, one in ions.items()}
    with pytest.raises(InputError, match="expected both above 0"):
        found(flat)
    with pytest.raises(InputError, match="at -5 K"):
        found(ions, temperature=-5.0)


# --- several runs ---


def one_run(
    temperature: float, conductivity: float, *, seed: int = 1, relative: float = 0.3
) -> Transport:
    none = np.empty(0)
    return Transport(temperature, seed, none, none, none, conductivity, 100.0, 300.0, relative, 0.4,
                     1.8, (2.0, 8.0))  # fmt: skip


def test_all_runs_count_alike() -> None:
    pooled = charge.pooled([one_run(700.0, 50.0), one_run(800.0, 150.0, seed=2, relative=0.4)])
    assert pooled is not None and pooled.ratio.value == pytest.approx(1.0)
    assert pooled.ratio.error == pytest.approx(0.5) and pooled.ratio.samples == 2
    # Student's t of two values, to both sides, is 12.7.
    assert (pooled.low, pooled.high) == pytest.approx(
        (1 - 12.706 * 0.5, 1 + 12.706 * 0.5), rel=1e-3
    )
    assert pooled.chance == pytest.approx(0.25)
    assert (pooled.temperatures, pooled.seeds) == (2, 2)
    assert charge.pooled([]) is None
    alone = charge.pooled([one_run(700.0, 50.0)])
    assert alone is not None and (alone.low, alone.high) == (-np.inf, np.inf)


def test_the_law_of_all_charges() -> None:
    kelvin = (820.0, 740.0, 660.0)
    runs = [one_run(t, 1e6 / t * np.exp(-0.2 / EV_PER_K / t)) for t in kelvin]
    law = charge.law(runs)
    assert law is not None and law.energy == pytest.approx(0.2)
    assert law.at(740.0).value / 740.0 == pytest.approx(runs[1].conductivity)
    # An error of 30 % in each of three points.
    x = 1 / (EV_PER_K * np.array(kelvin))
    assert law.error == pytest.approx(0.3 / np.sqrt(((x - x.mean()) ** 2).sum()))
    assert charge.law(runs[:2]) is None
    assert charge.law([*runs[:2], one_run(660.0, -3.0)]) is None
