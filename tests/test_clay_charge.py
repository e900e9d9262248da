"""Charge that spreads: against sums by hand, walks of known conductivity, and kinisi."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import constants

from repro.clay import charge
from repro.clay.charge import Transport, displaced, transport
from repro.clay.diffusion import conductivity, diffusion
from repro.clay.paths import Track
from repro.errors import InputError
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
CELL = np.array([[14.0, 0.0, 0.0], [3.0, 13.0, 0.0], [-2.0, 4.0, 12.0]])
SYMBOLS = "Li2GaF3Cl2"
DT, VOLUME, KELVIN = 0.5, 1.4e4, 700.0


def steps(frames: int, atoms: int, *, size: float = 0.3, seed: int = 0) -> Floats:
    x = np.random.default_rng(seed).normal(scale=size, size=(frames, atoms, 3))
    x[0] = 0.0
    return np.cumsum(x, axis=0)


def frames_of(paths: Floats, symbols: str = SYMBOLS, *, drift: float = 0.0) -> Iterator[Atoms]:
    home = np.random.default_rng(5).uniform(size=(paths.shape[1], 3)) @ CELL
    for k, path in enumerate(paths):
        atoms = Atoms(symbols, positions=home + path + k * drift, cell=CELL, pbc=True)
        atoms.info["time_ps"] = 3.0 + k * DT
        atoms.wrap()
        yield atoms


# --- the total charge ---


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999))
def test_the_charge_is_the_sum_over_all_atoms(seed: int) -> None:
    x = steps(12, 8, seed=seed)
    q = np.array([1, 1, 3, -1, -1, -1, -1, -1])
    by_hand = np.zeros((12, 3))
    for k in range(12):
        for i in range(8):
            by_hand[k] += q[i] * x[k, i]
    np.testing.assert_allclose(displaced(frames_of(x), dt_ps=DT), by_hand, atol=1e-9)


def test_drift_carries_no_charge() -> None:
    x = steps(12, 8)
    np.testing.assert_allclose(
        displaced(frames_of(x, drift=0.4), dt_ps=DT), displaced(frames_of(x), dt_ps=DT), atol=1e-9
    )


def test_other_charges() -> None:
    x = steps(12, 4)
    found = displaced(frames_of(x, "Na2Cl2"), dt_ps=DT, charges={"Na": 0.8, "Cl": -0.8})
    np.testing.assert_allclose(found, 0.8 * (x[:, :2].sum(axis=1) - x[:, 2:].sum(axis=1)))


def test_cells_whose_charge_is_not_known_or_not_zero() -> None:
    with pytest.raises(InputError, match=r"Na in Na2Cl2: expected a charge for each element"):
        displaced(frames_of(steps(3, 4), "Na2Cl2"), dt_ps=DT)
    with pytest.raises(InputError, match=r"Li3Cl has a charge of 2 e: expected a neutral"):
        displaced(frames_of(steps(3, 4), "Li3Cl"), dt_ps=DT)
    with pytest.raises(InputError, match="no frames"):
        displaced([], dt_ps=DT)


def test_frames_too_far_apart_are_refused() -> None:
    with pytest.raises(InputError, match="write frames more often"):
        displaced(frames_of(steps(5, 8, size=5.0)), dt_ps=DT)


# --- what it conducts ---


def found(together: Floats, lithium: Floats, **options: object) -> Transport:
    known: dict[str, object] = {"dt_ps": DT, "volume": VOLUME, "temperature": KELVIN}
    return transport(together, lithium.astype(np.float32), **(known | options))  # type: ignore[arg-type]


def test_the_unit_is_that_of_nernst_and_einstein() -> None:
    """100 ions of 1e-5 cm^2/s: n e^2 D / kT, by hand and by the other module."""
    n, d = 100 / (VOLUME * 1e-30), 1e-9
    by_hand = 10 * n * constants.e**2 * d / (constants.k * KELVIN)
    # Their squared displacements together grow by 100 x 6 D, D = 0.1 angstrom^2/ps.
    assert charge.conducts_per_slope(volume=VOLUME, temperature=KELVIN) * 60 == pytest.approx(
        by_hand
    )
    walks = steps(401, 100, size=np.sqrt(2 * 0.1 * DT))
    one = found(walks.sum(axis=1), walks)
    assert one.independent == pytest.approx(by_hand, rel=0.1)
    other = conductivity(
        diffusion(Track(walks.astype(np.float32), DT, VOLUME), temperature=KELVIN, samples=100)
    )
    assert one.independent == pytest.approx(other.value, rel=0.1)


@pytest.mark.parametrize(("together", "ratio"), [(1, 1.0), (2, 2.0), (4, 4.0)])
def test_ions_that_go_in_strings_carry_more(together: int, ratio: float) -> None:
    ratios = []
    for seed in range(40):
        leaders = steps(161, 48 // together, seed=seed)
        walks = np.repeat(leaders, together, axis=1)
        ratios.append(found(walks.sum(axis=1), walks).ratio.value)
    error = np.std(ratios, ddof=1) / np.sqrt(40)
    assert error < 0.1 * ratio and abs(np.mean(ratios) - ratio) < 3 * error


def test_pairs_that_go_together_carry_nothing() -> None:
    walks = steps(161, 20)
    # Each lithium drags a chloride; only what rattles is left, and it does not spread.
    noise = np.random.default_rng(2).normal(scale=0.2, size=(161, 20, 3))
    p = (walks - (walks + noise)).sum(axis=1)
    try:
        assert found(p, walks).ratio.value < 0.1
    except InputError as error:
        assert "charge that spreads" in str(error)


def test_the_error_is_the_scatter_of_runs() -> None:
    """Of 150 runs each of which rattles as much as it spreads in the fitted time."""
    values, errors = [], []
    lithium = steps(121, 30, seed=1)
    for seed in range(150):
        p = 30**0.5 * steps(121, 1, seed=seed)[:, 0]
        p = p + np.random.default_rng(1000 + seed).normal(scale=3.0, size=p.shape)
        one = found(p, lithium)
        values.append(one.conductivity.value)
        errors.append(one.conductivity.error)
    assert np.median(errors) == pytest.approx(np.std(values, ddof=1), rel=0.25)


def test_replays_scatter_about_what_was_put_in() -> None:
    lags = np.arange(4, 17)
    slopes = charge.replayed(5.0, 20.0, frames=161, dt_ps=DT, lags=lags, replays=2000)
    assert abs(slopes.mean() - 5.0) < 3 * slopes.std() / np.sqrt(2000)
    # Rattling adds to the scatter, a longer run takes from it.
    calm = charge.replayed(5.0, 0.0, frames=161, dt_ps=DT, lags=lags, replays=2000)
    longer = charge.replayed(5.0, 20.0, frames=641, dt_ps=DT, lags=lags, replays=2000)
    assert calm.std() < slopes.std() and longer.std() < 0.7 * slopes.std()
    again = charge.replayed(5.0, 20.0, frames=161, dt_ps=DT, lags=lags, replays=2000)
    np.testing.assert_array_equal(slopes, again)
    below = charge.replayed(5.0, -9.0, frames=161, dt_ps=DT, lags=lags, replays=2000)
    np.testing.assert_array_equal(below, calm)
    with pytest.raises(InputError, match=r"slope of -1: expected above 0"):
        charge.replayed(-1.0, 0.0, frames=161, dt_ps=DT, lags=lags)


def test_rattling_is_no_conduction() -> None:
    lithium = steps(161, 30, seed=1)
    p = 5 * steps(161, 1, seed=4)[:, 0]
    rattling = p + np.random.default_rng(3).normal(scale=2.0, size=p.shape)
    plain, noisy = found(p, lithium), found(rattling, lithium)
    assert noisy.together[1] > 2 * plain.together[1]
    assert abs(noisy.conductivity.value - plain.conductivity.value) < noisy.conductivity.error


def test_the_curves_and_what_was_fitted() -> None:
    walks = steps(81, 30)
    p = walks.sum(axis=1)
    one = found(p, walks, run=3)
    assert (one.temperature, one.seed, one.fit_ps) == (KELVIN, 3, (2.0, 8.0))
    assert len(one.lag_ps) == len(one.together) == len(one.alone) == 41
    assert one.lag_ps[-1] == 20.0
    assert one.together[6] == pytest.approx(((p[6:] - p[:-6]) ** 2).sum(axis=1).mean())
    single = ((walks[6:] - walks[:-6]) ** 2).sum(axis=2)
    assert one.alone[6] == pytest.approx(30 * single.mean(), rel=1e-5)
    assert one.ratio.value == pytest.approx(one.conductivity.value / one.independent)
    assert one.ratio.error == pytest.approx(one.conductivity.error / one.independent)


def test_kinisi_has_the_same_squared_displacement_of_charge() -> None:
    """A second library; it means per particle, where ours is the sum."""
    import scipp as sc
    from kinisi.displacement import calculate_mstd

    x = steps(61, 8, seed=2)
    q = np.array([1.0, 1, 3, -1, -1, -1, -1, -1])
    lags = np.array([4, 8, 16])
    parsed = SimpleNamespace(
        displacements=sc.array(
            dims=["obs", "particle", "dimension"],
            unit="angstrom",
            values=q[:, None] * (x[1:] - x[0]),
        ),
        dt_index=sc.array(dims=["time interval"], values=lags),
        dt=sc.array(dims=["time interval"], values=lags * DT, unit="ps"),
        dimensionality=sc.scalar(3),
    )
    theirs = calculate_mstd(parsed, progress=False)["da"].values * x.shape[1]
    ours = found((q[:, None] * x).sum(axis=1), x[:, :2], fit_ps=(2.0, 8.0)).together[lags]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize(
    ("fit", "frames"), [((2.0, 8.0), 31), ((4.0, 4.5), 161), ((0.0, 8.0), 161), ((8.0, 2.0), 161)]
)
def test_a_fit_needs_lags_within_half_of_the_run(fit: tuple[float, float], frames: int) -> None:
    walks = steps(frames, 10)
    with pytest.raises(InputError, match=rf"fit from .* of {frames} frames .* 3 lags or more"):
        found(walks.sum(axis=1), walks, fit_ps=fit)


def test_charge_and_lithium_are_of_the_same_frames() -> None:
    walks = steps(81, 10)
    with pytest.raises(InputError, match=r"shape \(80, 3\) beside 81 frames"):
        found(walks[1:].sum(axis=1), walks)
    with pytest.raises(InputError, match=r"expected \(81, 3\)"):
        found(walks[..., 0], walks)


def test_a_cell_needs_a_volume_and_a_temperature() -> None:
    walks = steps(81, 10)
    with pytest.raises(InputError, match="expected both above 0"):
        found(walks.sum(axis=1), walks, volume=0.0)
    with pytest.raises(InputError, match="at -5 K"):
        found(walks.sum(axis=1), walks, temperature=-5.0)


def test_all_runs_count_alike() -> None:
    """A run that came out low has a small error; by weights it would pull the mean down."""
    walks = steps(81, 10)
    one = found(walks.sum(axis=1), walks)
    runs = [
        Transport(700.0, 1, one.lag_ps, one.together, one.alone, Estimate(v, e), 100.0, (2.0, 8.0))
        for v, e in ((50.0, 10.0), (150.0, 40.0))
    ]
    pooled = charge.pooled(runs)
    assert pooled is not None and pooled.value == pytest.approx(1.0)
    assert pooled.error == pytest.approx(0.5) and pooled.samples == 2
    assert charge.pooled([]) is None
