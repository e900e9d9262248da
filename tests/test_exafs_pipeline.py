"""From mu(E) to |chi(R)|: simulated scans with a known answer come back.

Tolerances of the round trip, for noise up to 3e-4 of the edge step: k^3 chi(k) from k = 3 to 12
within 7 % (root mean square, of its own), first peak within 0.01 angstrom and 7 % in height,
calibration within 0.2 eV by a foil with steps of 0.4 eV and within 0.6 eV by a reference channel
with steps of 2.5 eV.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import helpers_exafs
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from repro.errors import InputError
from repro.exafs import combination, edges, glitches, pipeline, simulated, spectra, transforms
from repro.exafs.files import Spectrum
from repro.exafs.pipeline import Settings

Floats = NDArray[np.float64]
SALT = (simulated.Shell(1.89, 6.0, 0.005), simulated.Shell(3.4, 6.0, 0.02))
MOLECULE = (simulated.Shell(2.15, 4.0, 0.004),)
K = np.arange(280) * 0.05
E0 = simulated.GA_E0


@lru_cache(maxsize=32)
def scan(shells: tuple[simulated.Shell, ...] = SALT, **options: Any) -> Spectrum:
    return helpers_exafs.scan(shells, **options)


@lru_cache(maxsize=32)
def done(shells: tuple[simulated.Shell, ...] = SALT, noise: float = 0.0, shift: float = 0.0,
         e0: float | None = None) -> pipeline.Processed:  # fmt: skip
    foil = simulated.foil(shift=shift, noise=noise)
    return pipeline.process(scan(shells, noise=noise, shift=shift), foil=foil,
                            settings=Settings(e0=e0))  # fmt: skip


def error_of_chi(found: pipeline.Processed, shells: tuple[simulated.Shell, ...]) -> float:
    k = found.background.k
    true = simulated.chi(k, shells) * k**3
    window = (k >= 3) & (k <= 12)
    off = (found.background.chi * k**3 - true)[window]
    return float(np.sqrt((off**2).mean() / (true[window] ** 2).mean()))


# The simulated scans themselves


def test_the_exafs_equation_term_by_term() -> None:
    k, s = 7.3, SALT[0]
    f = 0.75 * np.exp(-(((7.3 - 4.5) / 6.5) ** 2))
    delta = -0.9 * 7.3 + 0.008 * 7.3**2 + 1.2
    expected = (6.0 * 0.9 * f / (7.3 * 1.89**2) * np.exp(-2 * 0.005 * 7.3**2)
                * np.exp(-2 * 1.89 / 8.0) * np.sin(2 * 7.3 * 1.89 + delta))  # fmt: skip
    assert simulated.chi(np.array([k]), [s])[0] == pytest.approx(expected, rel=1e-12)
    both = simulated.chi(K, SALT)
    assert np.allclose(both, simulated.chi(K, SALT[:1]) + simulated.chi(K, SALT[1:]))
    assert both[0] == 0.0


@pytest.mark.parametrize(("width", "white"), [(1.0, 0.3), (2.5, 0.5), (1.5, 0.0)])
def test_edges_are_steepest_where_they_should_be(width: float, white: float) -> None:
    x = np.arange(10365.0, 10380.0, 1e-3)
    slope = np.gradient(simulated.edge(x, E0, width=width, white=white), x)
    assert x[np.argmax(slope)] == pytest.approx(E0, abs=0.01)


def test_simulated_scans_say_so() -> None:
    for made in (scan(), scan().foil, simulated.foil()):
        assert made.synthetic and "simulated" in made.label
    assert scan(reference=False).reference is None


# Calibration


@pytest.mark.parametrize("shift", [-6.2, 0.0, 1.7, 14.0])
@pytest.mark.parametrize("noise", [0.0, 3e-4])
def test_a_shift_is_recovered(shift: float, noise: float) -> None:
    sample = scan(shift=shift, noise=noise)
    foil = simulated.foil(shift=shift, noise=noise, seed=5)
    for found, tolerance, channel in (
        (spectra.calibrate(sample, foil=foil), 0.2, "separate foil"),
        (spectra.calibrate(sample), 0.6, "reference channel"),
    ):
        assert found.shift == pytest.approx(shift, abs=tolerance)
        assert abs(found.shift - shift) < 2 * found.error < 2
        assert found.channel == channel and found.expected == 10535.0
        steepest = found.energy[np.argmax(found.derivative)]
        assert steepest == pytest.approx(found.found.energy, abs=2.6)


def test_the_foil_can_belong_elsewhere() -> None:
    there = spectra.calibrate(scan(), foil=simulated.foil(), foil_energy=10531.0)
    here = spectra.calibrate(scan(), foil=simulated.foil())
    assert there.shift == pytest.approx(here.shift - 4.0, abs=1e-9)


def test_calibration_without_a_foil_or_with_another() -> None:
    with pytest.raises(InputError, match=r"no reference channel and no foil; expected one of them .or "
                                         "calibrate false, to trust"):  # fmt: skip
        spectra.calibrate(scan(reference=False))
    with pytest.raises(InputError, match=r"the edge is at 103.*expected the Re L3 edge near 10535"):
        spectra.calibrate(scan(), foil=replace(scan(), reference=None))
    with pytest.raises(InputError, match=r"mu falls by .*expected the Re L3"):
        spectra.calibrate(scan(), foil=replace(simulated.foil(), mu=-simulated.foil().mu))
    with pytest.raises(InputError, match="within 3 eV"):
        spectra.calibrate(scan(), foil=simulated.foil(shift=9.0), within=3.0)


# Glitches


def test_named_points_are_taken_out() -> None:
    s = scan()
    named = (float(s.energy[300]) + 0.3, float(s.energy[50]))
    found = glitches.deglitch(s.energy, s.mu, points=named)
    assert sorted(found.removed) == sorted(s.energy[[50, 300]])
    assert np.array_equal(np.sort(np.append(found.energy, found.removed)), s.energy)
    assert np.array_equal(found.removed_mu, s.mu[[50, 300]])
    with pytest.raises(
        InputError, match=r"glitch at 9000 eV: the nearest point is 10168\.60; expected"
    ):
        glitches.deglitch(s.energy, s.mu, points=[9000.0])


def apart(places: set[int]) -> bool:
    """Whether no glitch is among the six neighbours of another."""
    return min(np.diff(sorted(places)), default=7) >= 7


@settings(max_examples=10, deadline=None)
@example({439, 447}, -0.02, 0)  # near the end, where a median window is full of them
@example({436, 446}, -0.2, 0)
@given(
    st.sets(st.integers(265, 451), min_size=1, max_size=3).filter(apart),
    st.sampled_from([-0.2, -0.02, 0.02, 0.5]),
    st.integers(0, 5),
)
def test_planted_glitches_are_found_and_nothing_else(
    places: set[int], size: float, seed: int
) -> None:
    clean = scan(noise=3e-4, seed=seed)
    mu = clean.mu.copy()
    mu[sorted(places)] += size
    found = glitches.deglitch(clean.energy, mu, find=True, keep=(10342.0, 10422.0))
    assert set(clean.energy[sorted(places)]) <= set(found.removed)
    # A neighbour may be taken with it, no point elsewhere.
    for energy in found.removed:
        at = int(np.flatnonzero(clean.energy == energy)[0])
        assert min(abs(at - place) for place in places) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_noise_and_edge_are_no_glitches(seed: int) -> None:
    s = scan(noise=1e-3, seed=seed)
    assert not len(glitches.deglitch(s.energy, s.mu, find=True, keep=(10342.0, 10422.0)).removed)
    assert not len(glitches.deglitch(s.energy, s.mu).removed)


def test_too_many_glitches() -> None:
    s = scan(noise=1e-3)
    with pytest.raises(
        InputError, match=r"\d+ of \d+ points would be taken out as glitches; expected"
    ):
        glitches.deglitch(s.energy, s.mu, find=True, threshold=0.5)


def test_a_glitch_taken_out_brings_the_answer_back() -> None:
    s = scan(noise=1e-4)
    at = int(np.argmin(np.abs(s.energy - 10700)))
    mu = s.mu.copy()
    mu[at] += 0.2
    spoiled = replace(s, mu=mu)
    foil = simulated.foil()
    bad = error_of_chi(pipeline.process(spoiled, foil=foil, settings=Settings(e0=E0)), SALT)
    named = Settings(e0=E0, glitches=(float(s.energy[at]),))
    searched = Settings(e0=E0, find_glitches=True)
    assert bad > 0.15
    for choice in (named, searched):
        found = pipeline.process(spoiled, foil=foil, settings=choice)
        assert error_of_chi(found, SALT) < 0.07
        assert s.energy[at] in found.deglitched.removed


# Normalisation


def test_the_step_of_a_free_atom() -> None:
    s = scan((), atomic=0.0, step=2.5)
    found = spectra.normalise(s.energy, s.mu)
    assert found.edge_step == pytest.approx(2.5, rel=0.02)
    assert found.e0 == pytest.approx(E0, abs=0.2) and abs(found.e0 - E0) < 2 * found.e0_error
    far = found.energy > E0 + 200
    assert np.allclose(found.flat[far], 1.0, atol=0.01)
    assert np.allclose(found.norm[found.energy < E0 - 100], 0.0, atol=0.01)


def test_fits_against_numpy() -> None:
    """Larch counts from the nearest point to e0, and leaves out the last point of a range."""
    s = scan(noise=1e-4)
    found = spectra.normalise(s.energy, s.mu, e0=E0, pre=(-180, -40), post=(120, 600))
    at = int(np.argmin(np.abs(s.energy - E0)))
    x = (s.energy - s.energy[at]) / 500

    def fit(y: Floats, low: float, high: float, degree: int) -> Floats:
        first = int(np.searchsorted(x, low / 500, side="right")) - 1
        last = int(np.argmin(np.abs(x - high / 500)))
        return np.asarray(np.polyval(np.polyfit(x[first:last], y[first:last], degree), x))

    line = fit(s.mu, -180, -40, 1)
    assert np.allclose(found.pre_edge, line, atol=1e-8)
    bent = fit(s.mu - line, 120, 600, 2)
    assert np.allclose(found.post_edge - line, bent, atol=1e-8)
    assert found.edge_step == pytest.approx(bent[at], abs=1e-8)
    assert np.allclose(found.norm, (s.mu - found.pre_edge) / found.edge_step)
    others = [
        fit(s.mu - line, start, 600, degree)[at] for degree in (1, 2) for start in (80, 120, 160)
    ]
    assert found.edge_step_error == pytest.approx(np.ptp(others) / 2, abs=1e-8)


@pytest.mark.parametrize("shells", [SALT, MOLECULE, (), (simulated.Shell(2.3, 3.0, 0.01),)])
def test_the_error_of_the_step_covers_it(shells: tuple[simulated.Shell, ...]) -> None:
    s = scan(shells, atomic=0.0)
    found = spectra.normalise(s.energy, s.mu, e0=E0)
    assert abs(found.edge_step - 1) < max(2 * found.edge_step_error, 0.02)
    assert 0 < found.edge_step_error < 0.15


def test_a_normalised_spectrum_stays_as_it_is() -> None:
    first = done(e0=E0)
    flat = replace(scan(), energy=first.normalised.energy, mu=first.normalised.flat,
                   kind="normalised")  # fmt: skip
    found = spectra.normalise(flat.energy, flat.mu, kind="normalised", e0=E0)
    assert found.edge_step == 1.0 and np.array_equal(found.norm, flat.mu)
    assert np.isnan(found.edge_step_error)
    steps = combination.relative_steps(found, first.normalised, first.normalised)
    assert np.isnan(steps[0]) and steps[1] == steps[2] > 0
    again = pipeline.process(flat, foil=simulated.foil(), settings=Settings(e0=E0))
    assert error_of_chi(again, SALT) < 0.1
    assert again.first_shell.position == pytest.approx(first.first_shell.position, abs=0.005)


def test_normalisation_that_cannot_be() -> None:
    s = scan()
    with pytest.raises(InputError, match="e0 10500 eV: expected within 25 eV of Ga K, 10367 eV"):
        spectra.normalise(s.energy, s.mu, e0=10500.0)
    with pytest.raises(InputError, match="post_order 4: expected 0 to 3"):
        spectra.normalise(s.energy, s.mu, post_order=4)
    late = s.energy > 10340
    with pytest.raises(InputError, match=r"a: 6 points over 2 eV in the pre-edge range -150 to -30 eV "
                                         r"from the edge at 10372.*the scan runs from 10340"):  # fmt: skip
        spectra.normalise(s.energy[late], s.mu[late], source="a")
    with pytest.raises(
        InputError, match=r"0 points over 0 eV in the post-edge range 800 to 900 eV"
    ):
        spectra.normalise(s.energy, s.mu, post=(800.0, 900.0))
    with pytest.raises(
        InputError, match=r"edge step -?[\d.]+ at 10372.3 eV, noise .*above five times"
    ):
        spectra.normalise(s.energy, -s.mu, e0=E0)
    with pytest.raises(InputError, match=r"read as normalised, but its mean is 0\.\d+ before and 1\.\d+ "
                                         r"behind the edge; expected 0 and 1 .or read with kind=mu"):  # fmt: skip
        spectra.normalise(s.energy, s.mu, kind="normalised")


# AUTOBK


@pytest.mark.parametrize("rbkg", [0.8, 1.0, 1.2])
def test_what_is_below_rbkg_is_taken_off(rbkg: float) -> None:
    found = spectra.background(done(e0=E0).normalised, rbkg=rbkg)
    r, whole = transform_of(found.k, found.chi, k_weight=2)
    assert whole[r < 0.8 * rbkg].max() < 0.1 * whole.max()
    assert found.rbkg == rbkg and found.e0 == E0
    assert found.k[1] == pytest.approx(0.05) and found.k[-1] > 13.9
    assert found.step == pytest.approx(0.05, abs=0.002)


def test_the_spline_is_the_free_atom() -> None:
    """mu_0 is the edge without EXAFS, within 2 % of the step above k = 3."""
    found = done(e0=E0)
    bare = scan(()).mu
    own = (bare - found.normalised.pre_edge) / found.normalised.edge_step
    above = found.background.energy > E0 + edges.kinetic_energy(3.0)
    assert np.abs(found.background.free_atom - own)[above].max() < 0.02


def test_a_large_rbkg_eats_the_first_shell() -> None:
    normalised = done(e0=E0).normalised
    heights = []
    for rbkg in (1.0, 2.0):
        made = spectra.background(normalised, rbkg=rbkg)
        r, magnitude = transform_of(made.k, made.chi)
        heights.append(magnitude[(r > 1.2) & (r < 1.8)].max())
    assert heights[1] < 0.5 * heights[0]


def test_autobk_out_of_range() -> None:
    normalised = done(e0=E0).normalised
    for rbkg in (0.0, 5.0):
        with pytest.raises(InputError, match=f"rbkg {rbkg:g}: expected 0.3 to 3 angstrom"):
            spectra.background(normalised, rbkg=rbkg)
    with pytest.raises(
        InputError, match=r"a: spline from k 0 to 20; expected .* within 0 to 13\.9"
    ):
        spectra.background(normalised, k_max=20.0, source="a")
    with pytest.raises(
        InputError, match=r"spline from k 12.5 to 13; expected 2 1/angstrom or more"
    ):
        spectra.background(normalised, k_min=12.5, k_max=13.0)


def test_autobk_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import larch.xafs

    def broken(*_: object, **__: object) -> None:
        raise TypeError("no covariance")

    monkeypatch.setattr(larch.xafs, "autobk", broken)
    with pytest.raises(
        InputError, match=r"a: AUTOBK found no background .no covariance.; expected a curve"
    ):
        spectra.background(done(e0=E0).normalised, source="a")


# Fourier transform


def hanning(k: Floats, k_min: float, k_max: float, dk: float) -> Floats:
    rise = np.clip((k - (k_min - dk / 2)) / dk, 0, 1)
    fall = np.clip(((k_max + dk / 2) - k) / dk, 0, 1)
    return np.asarray(np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * fall) ** 2)


def transform_of(k: Floats, chi: Floats, *, k_min: float = 3.0, k_max: float = 12.0, dk: float = 1.0,
                 k_weight: int = 3, r_max: float = 6.0) -> tuple[Floats, Floats]:  # fmt: skip
    """Return r and magnitude of a sum over k, written out with numpy alone."""
    r = np.arange(0, r_max, np.pi / (0.05 * 2048))
    weighted = k**k_weight * chi * hanning(k, k_min, k_max, dk)
    return r, np.abs(np.exp(-2j * np.outer(r, k)) @ weighted) * 0.05 / np.sqrt(np.pi)


@pytest.mark.parametrize("k_weight", [1, 2, 3])
@pytest.mark.parametrize(
    ("k_min", "k_max", "dk"), [(3.0, 12.0, 1.0), (2.0, 10.0, 2.0), (4.0, 13.0, 0.5)]
)
def test_larch_against_a_sum(k_weight: int, k_min: float, k_max: float, dk: float) -> None:
    chi = simulated.chi(K, SALT)
    found = transforms.transform(K, chi, k_min=k_min, k_max=k_max, dk=dk, k_weight=k_weight)
    r, magnitude = transform_of(K, chi, k_min=k_min, k_max=k_max, dk=dk, k_weight=k_weight)
    assert np.allclose(found.window, hanning(K, k_min, k_max, dk), atol=2e-3)
    assert np.allclose(found.r, r) and found.r[-1] <= 6.0 < found.r[-1] + 0.04
    assert np.allclose(found.magnitude, magnitude, atol=2e-3 * magnitude.max())
    assert np.allclose(np.abs(found.chi_r), found.magnitude)
    assert np.allclose(found.weighted, K**k_weight * chi) and found.k_weight == k_weight


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(-3, 3))
def test_the_transform_is_linear(seed: int, a: float, b: float) -> None:
    one, two = np.random.default_rng(seed).normal(size=(2, len(K)))
    parts = [transforms.transform(K, chi).chi_r for chi in (one, two, a * one + b * two)]
    assert np.allclose(parts[2], a * parts[0] + b * parts[1], atol=1e-8 * np.abs(parts[0]).max())


@pytest.mark.parametrize("distance", [1.5, 2.0, 3.7])
def test_a_wave_gives_a_peak_at_its_distance(distance: float) -> None:
    chi = np.sin(2 * distance * K) / np.maximum(K, 1) ** 3
    found = transforms.transform(K, chi)
    peak = transforms.first_shell(found, within=(1.0, 5.0))
    assert peak.position == pytest.approx(distance, abs=0.003)


def test_the_top_of_a_parabola_is_exact() -> None:
    r = np.arange(100) * 0.03
    at, height = transforms.top(r, 5 - 2 * (r - 1.437) ** 2, within=(1.0, 2.0))
    assert at == pytest.approx(1.437) and height == pytest.approx(5.0)


def test_only_a_true_top_is_a_peak() -> None:
    r = np.arange(100) * 0.03
    with pytest.raises(InputError, match=r"no peak between 1 and 2 angstrom"):
        transforms.top(r, r**2, within=(1.0, 2.0))
    curve = np.exp(-(((r - 0.5) / 0.2) ** 2)) + 0.1 * np.exp(-(((r - 1.6) / 0.2) ** 2))
    assert transforms.top(r, curve, within=(1.0, 2.0))[0] == pytest.approx(1.6, abs=0.01)


@pytest.mark.parametrize("k_weight", [1, 2, 3])
@pytest.mark.parametrize("size", [1e-4, 1e-3])
def test_white_noise_is_measured(k_weight: int, size: float) -> None:
    found = []
    for seed in range(8):
        noise = np.random.default_rng(seed).normal(scale=size, size=len(K))
        found.append(transforms.transform(K, simulated.chi(K, SALT) + noise, k_weight=k_weight))
    assert np.mean([f.noise_k for f in found]) == pytest.approx(size, rel=0.1)


def test_errors_of_the_peak_are_those_of_repeated_noise() -> None:
    chi, size = simulated.chi(K, SALT), 2e-3
    peaks = []
    for seed in range(60):
        noise = np.random.default_rng(seed).normal(scale=size, size=len(K))
        peaks.append(transforms.first_shell(transforms.transform(K, chi + noise), seed=seed))
    for name in ("position", "height"):
        spread = float(np.std([getattr(peak, name) for peak in peaks]))
        told = float(np.mean([getattr(peak, f"{name}_error") for peak in peaks]))
        assert told == pytest.approx(spread, rel=0.35)


def test_far_magnitude_by_hand() -> None:
    found = transforms.transform(K, simulated.chi(K, SALT))
    peak = transforms.first_shell(found)
    rest = transforms.far(found, peak)
    beyond = found.magnitude[found.r >= 2.8]
    assert rest.height == beyond.max() and rest.ratio == pytest.approx(beyond.max() / peak.height)
    assert rest.position == found.r[found.r >= 2.8][np.argmax(beyond)] and rest.start == 2.8
    assert rest.noise < 1e-3 and rest.ratio_error < 1e-3
    # Without the second shell there is less.
    single = transforms.transform(K, simulated.chi(K, SALT[:1]))
    assert transforms.far(single, transforms.first_shell(single)).ratio < 0.8 * rest.ratio
    with pytest.raises(InputError, match=r"start 7: the transform ends at 5\.9"):
        transforms.far(found, peak, start=7.0)


def test_noise_alone_stays_below_its_own_level() -> None:
    """In about 19 of 20 draws."""
    single = simulated.chi(K, (simulated.Shell(1.9, 6.0, 0.002),))
    below = 0
    for seed in range(24):
        noise = np.random.default_rng(seed).normal(scale=0.02, size=len(K))
        peak = transforms.first_shell(transforms.transform(K, single + noise))
        only = transforms.transform(K, noise)
        rest = transforms.far(only, peak, start=3.5)
        below += rest.ratio <= rest.noise
    assert 19 <= below <= 24


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": "haning"}, r"window 'haning': expected hanning.*did you mean 'hanning'"),
        ({"k_weight": 7}, "k_weight 7: expected 0 to 4"),
        ({"r_max": 40.0}, "r_max 40, dk 1: expected above 0 to 30"),
        ({"dk": -1.0}, "dk -1: expected"),
        ({"k_max": 14.0}, r"window 3 to 14 1/angstrom, dk 1; expected .* up to 13\.95"),
        ({"k_max": 4.0}, "expected 2 or more wide"),
        ({"k_min": -1.0}, "window -1 to 12"),
        ({"noise": (40.0, 50.0)}, r"noise \(40.0, 50.0\): expected a range of R"),
    ],
)
def test_transforms_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        transforms.transform(K, simulated.chi(K, SALT), **options)


def test_a_k_axis_that_is_no_grid() -> None:
    chi = simulated.chi(K, SALT)
    with pytest.raises(InputError, match=r"k of shape \(280,\), chi \(279,\); expected \(K,\)"):
        transforms.transform(K, chi[:-1])
    for bad in (K + 1.0, K**1.1, -K):
        with pytest.raises(InputError, match="expected even steps from 0"):
            transforms.transform(bad, chi)
    with pytest.raises(InputError, match="finite"):
        transforms.transform(K, np.where(K > 5, np.nan, chi))


# Linear combination


@settings(max_examples=30, deadline=None)
@given(st.floats(-1, 2), st.floats(0.5, 2), st.booleans())
def test_any_share_is_recovered(share: float, total: float, free: bool) -> None:
    a, b = simulated.chi(K, SALT) * K**3, simulated.chi(K, MOLECULE) * K**3
    y = (total if free else 1.0) * (share * a + (1 - share) * b)
    found = combination.combine(K, y, a, b, total_free=free)
    assert found.share == pytest.approx(share, abs=1e-5)
    assert found.total == pytest.approx(total if free else 1.0, abs=1e-5)
    assert found.inside == (0 <= found.share <= 1)
    assert found.r_factor < 1e-9 and found.error < 1e-4


@pytest.mark.parametrize("free", [False, True])
def test_lmfit_against_normal_equations(free: bool) -> None:
    rng = np.random.default_rng(4)
    a, b = simulated.chi(K, SALT) * K**3, simulated.chi(K, MOLECULE) * K**3
    y = 0.3 * a + 0.7 * b + rng.normal(scale=1.0, size=len(K))
    found = combination.combine(K, y, a, b, total_free=free)
    if free:
        parts, *_ = np.linalg.lstsq(np.stack([a, b], axis=1), y, rcond=None)
        assert found.share == pytest.approx(parts[0] / parts.sum(), abs=1e-6)
        assert found.total == pytest.approx(parts.sum(), abs=1e-6) and found.total_error > 0
    else:
        d = a - b
        share = float((y - b) @ d / (d @ d))
        spread = np.sqrt(((y - b - share * d) ** 2).sum() / (len(K) - 1) / (d @ d))
        assert found.share == pytest.approx(share, abs=1e-6)
        assert found.error == pytest.approx(spread * np.sqrt(found.inefficiency), rel=1e-3)
        assert found.total_error == 0.0
    assert np.allclose(found.residual, y - found.fit)
    assert found.r_factor == pytest.approx((found.residual**2).sum() / (y**2).sum())


def test_the_error_is_that_of_repeated_noise() -> None:
    a, b = simulated.chi(K, SALT) * K**3, simulated.chi(K, MOLECULE) * K**3
    found = [combination.combine(K, 0.3 * a + 0.7 * b + np.random.default_rng(seed).normal(size=len(K)),
                                 a, b) for seed in range(60)]  # fmt: skip
    spread = float(np.std([f.share for f in found]))
    assert np.mean([f.error for f in found]) == pytest.approx(spread, rel=0.3)
    inside = sum(abs(f.share - 0.3) < 2 * f.error for f in found)
    assert 52 <= inside <= 60


def test_a_correlated_misfit_has_a_larger_error() -> None:
    a, b = simulated.chi(K, SALT) * K**3, simulated.chi(K, MOLECULE) * K**3
    white = np.random.default_rng(1).normal(size=len(K))
    smooth = np.convolve(white, np.ones(15) / 15, mode="same")
    smooth *= white.std() / smooth.std()
    one, other = (combination.combine(K, 0.5 * (a + b) + rest, a, b) for rest in (white, smooth))
    assert other.inefficiency > 3 * one.inefficiency and other.error > 1.5 * one.error


def test_errors_of_edge_steps_move_the_share() -> None:
    a, b = simulated.chi(K, SALT) * K**3, simulated.chi(K, MOLECULE) * K**3
    y = 0.4 * a + 0.6 * b
    found = combination.combine(K, y, a, b, step_errors=(0.02, 0.05, 0.03))
    d = a - b
    # The derivative of the share by each scale, from the normal equation.
    by_y = float(y @ d / (d @ d))
    by_a, by_b = -0.4 * float(a @ d / (d @ d)), -0.6 * float(b @ d / (d @ d))
    expected = np.hypot(np.hypot(0.02 * by_y, 0.05 * by_a), 0.03 * by_b)
    assert found.step_error == pytest.approx(expected, rel=0.1)
    assert found.whole_error == pytest.approx(np.hypot(found.error, found.step_error))
    assert combination.combine(K, y, a, b).step_error == 0.0
    # A step whose error nobody knows leaves the error of the fit, and says so.
    unknown = combination.combine(K, y, a, b, step_errors=(0.02, float("nan"), 0.03))
    assert np.isnan(unknown.step_error) and unknown.whole_error == unknown.error
    assert (unknown.share, unknown.error) == (found.share, found.error)


def test_a_third_phase_is_seen_as_a_poor_fit() -> None:
    a, b = simulated.chi(K, SALT) * K**3, simulated.chi(K, MOLECULE) * K**3
    c = simulated.chi(K, (simulated.Shell(2.6, 6.0, 0.005),)) * K**3
    assert combination.combine(K, c, a, b).r_factor > 0.5


def test_combinations_that_cannot_be() -> None:
    a, b = simulated.chi(K, SALT), simulated.chi(K, MOLECULE)
    with pytest.raises(InputError, match=r"expected \(N,\) for all, 10 points or more"):
        combination.combine(K, a, b[:-1], b)
    with pytest.raises(InputError, match="10 points or more"):
        combination.combine(K[:9], a[:9], a[:9], b[:9])
    with pytest.raises(InputError, match="the two references are equal"):
        combination.combine(K, a, b, b)
    with pytest.raises(InputError, match="not finite"):
        combination.combine(K, a, b, np.full(len(K), np.nan))
    one, two = transforms.transform(K, a), transforms.transform(K, b, k_weight=2)
    with pytest.raises(InputError, match="different weights"):
        combination.combine_chi(one, one, two)
    with pytest.raises(
        InputError, match=r"k_range \(3.0, 15.0\): expected ascending, up to 13\.95"
    ):
        combination.combine_chi(one, one, one, k_range=(3.0, 15.0))
    n = done(e0=E0).normalised
    with pytest.raises(
        InputError, match=r"energy_range \(-20.0, 5000.0\) around 10367 eV: expected"
    ):
        combination.combine_mu(n, n, n, energy_range=(-20.0, 5000.0))


def test_mu_and_chi_on_different_grids() -> None:
    salt, molecule = done(SALT, e0=E0), done(MOLECULE, e0=E0)
    coarse = K[::2]
    sample = transforms.transform(coarse, 0.25 * np.interp(coarse, salt.background.k, salt.background.chi)
                                  + 0.75 * np.interp(coarse, molecule.background.k,
                                                     molecule.background.chi))  # fmt: skip
    by_chi = combination.combine_chi(sample, salt.transformed, molecule.transformed)
    assert by_chi.share == pytest.approx(0.25, abs=0.01) and by_chi.space == "chi(k)"
    assert by_chi.x[0] >= 3.0 and by_chi.x[-1] <= 12.0
    a, b = salt.normalised, molecule.normalised
    moved = a.energy[1:-1] + 0.05
    mixed = 0.25 * np.interp(moved, a.energy, a.flat) + 0.75 * np.interp(moved, b.energy, b.flat)
    by_mu = combination.combine_mu(replace(a, energy=moved, flat=mixed), a, b)
    assert by_mu.share == pytest.approx(0.25, abs=0.01) and by_mu.space == "mu(E)"
    assert by_mu.x[0] >= 10347.0 and by_mu.x[-1] <= 10417.0
    steps = [x.edge_step_error / x.edge_step for x in (a, a, b)]
    assert combination.relative_steps(a, a, b) == pytest.approx(steps)


# The whole pipeline


def test_defaults_are_those_of_the_paper() -> None:
    s = Settings()
    paper = {"foil_edge": "Re L3", "foil_energy": 10535.0, "rbkg": 1.0, "k_weight": 3,
             "window": "hanning", "r_max": 6.0}  # fmt: skip
    assert {name: getattr(s, name) for name in pipeline.FROM_PAPER} == paper
    with pytest.raises(FrozenInstanceError):
        s.rbkg = 2.0  # type: ignore[misc]


@pytest.mark.parametrize("shells", [SALT, SALT[:1], MOLECULE])
@pytest.mark.parametrize(("noise", "shift"), [(0.0, 0.0), (3e-4, 1.7), (3e-4, -8.2)])
def test_a_known_answer_comes_back(
    shells: tuple[simulated.Shell, ...], noise: float, shift: float
) -> None:
    """The tolerances of the module docstring, the edge energy found, not told."""
    found = done(shells, noise, shift)
    assert error_of_chi(found, shells) < (0.07 if shells != MOLECULE else 0.16)
    k = found.background.k
    true = transforms.first_shell(transforms.transform(k, simulated.chi(k, shells)))
    assert found.first_shell.position == pytest.approx(true.position, abs=0.01)
    step = found.normalised.edge_step
    assert found.first_shell.height * step == pytest.approx(true.height, rel=0.07)
    assert found.calibration is not None
    assert found.calibration.shift == pytest.approx(shift, abs=0.2)
    assert found.normalised.e0 == pytest.approx(E0, abs=0.3)
    assert np.allclose(found.normalised.energy, found.spectrum.energy + found.calibration.shift)
    if noise:
        # Noise of mu, over the step; interpolation on the grid of k takes some of it.
        assert 0.6 * noise < found.transformed.noise_k < 1.5 * noise


def test_more_noise_is_a_larger_error() -> None:
    low, high = done(SALT, 1e-4), done(SALT, 2e-3)
    assert high.first_shell.height_error > 5 * low.first_shell.height_error
    assert high.far.noise > 5 * low.far.noise


def test_phase_is_not_corrected() -> None:
    """The peak lies below the distance, by what the made-up phase takes."""
    found = done(MOLECULE)
    assert 0.3 < 2.15 - found.first_shell.position < 0.5


@settings(max_examples=5, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(-10, 10), st.floats(-2e-3, 2e-3))
def test_scale_offset_and_slope_change_nothing(scale: float, offset: float, slope: float) -> None:
    s = scan(noise=3e-4)
    here = pipeline.process(s)
    other = replace(s, mu=scale * (s.mu + slope * (s.energy - 10000.0) + offset))
    there = pipeline.process(other)
    size = here.transformed.magnitude.max()
    assert np.allclose(there.transformed.magnitude, here.transformed.magnitude, atol=1e-6 * size)
    assert np.allclose(there.background.chi, here.background.chi, atol=1e-7)
    assert there.normalised.edge_step == pytest.approx(scale * here.normalised.edge_step)
    assert there.normalised.edge_step_error == pytest.approx(
        scale * here.normalised.edge_step_error, rel=1e-4
    )


@settings(max_examples=5, deadline=None)
@given(st.floats(-12, 12))
def test_a_shift_of_sample_and_foil_changes_nothing(shift: float) -> None:
    s, foil = scan(noise=3e-4), simulated.foil(noise=3e-4)
    here = pipeline.process(s, foil=foil)
    there = pipeline.process(replace(s, energy=s.energy + shift),
                             foil=replace(foil, energy=foil.energy + shift))  # fmt: skip
    assert here.calibration and there.calibration
    assert there.calibration.shift + shift == pytest.approx(here.calibration.shift, abs=1e-6)
    assert there.normalised.e0 == pytest.approx(here.normalised.e0, abs=1e-6)
    size = here.transformed.magnitude.max()
    assert np.allclose(there.transformed.magnitude, here.transformed.magnitude, atol=1e-4 * size)


def test_settings_reach_their_steps() -> None:
    s = Settings(rbkg=1.2, k_min=3.5, k_max=11.0, dk=2.0, k_weight=2, window="kaiser", r_max=5.0,
                 pre=(-120.0, -40.0), post=(120.0, 500.0), foil_energy=10534.0, e0=E0 - 1,
                 far=3.0)  # fmt: skip
    found = pipeline.process(scan(), foil=simulated.foil(), settings=s)
    assert found.settings == s and found.background.rbkg == 1.2
    assert found.transformed.k_weight == 2 and found.transformed.r[-1] <= 5.0
    assert not found.transformed.window[(found.transformed.k < 2.4)].any()
    assert found.normalised.pre == (-120.0, -40.0) and found.normalised.post == (120.0, 500.0)
    assert found.normalised.e0 == E0 - 1 and found.far.start == 3.0
    assert found.calibration and found.calibration.shift == pytest.approx(-1.0, abs=0.2)


def test_the_transform_is_that_of_the_settings() -> None:
    s = Settings(k_min=3.5, k_max=11.0, dk=2.0, k_weight=2, window="kaiser", r_max=5.0)
    chi = simulated.chi(K, SALT)
    one = s.transform(K, chi, noise=(10.0, 20.0))
    other = transforms.transform(K, chi, k_min=3.5, k_max=11.0, dk=2.0, k_weight=2, window="kaiser",
                                 r_max=5.0, noise=(10.0, 20.0))  # fmt: skip
    assert np.array_equal(one.chi_r, other.chi_r) and one.noise_k == other.noise_k
    with pytest.raises(InputError, match=r"mine: window 3\.5 to 11"):
        s.transform(K[:200], chi[:200], source="mine")


def test_calibration_can_be_left_out() -> None:
    found = pipeline.process(scan(reference=False), settings=Settings(calibrate=False))
    assert found.calibration is None and np.array_equal(found.normalised.energy, scan().energy)
    with pytest.raises(InputError, match="no reference channel and no foil"):
        pipeline.process(scan(reference=False))


def test_faults_that_the_pipeline_finds() -> None:
    short = scan(k_max=9.0)
    with pytest.raises(InputError, match=r"simulated: the scan ends at 106\d\d\.\d eV, k = 8\.\d+ "
                                         r".*k_max at most 8\.\d"):  # fmt: skip
        pipeline.process(short, foil=simulated.foil())
    assert (
        pipeline.process(short, foil=simulated.foil(), settings=Settings(k_max=8.3)).far.ratio > 0
    )
    thin = scan()
    keep = np.ones(len(thin.energy), dtype=bool)
    keep[-120:] = np.arange(120) % 7 == 0
    gap = Spectrum(thin.energy[keep], thin.mu[keep], source="thin")
    with pytest.raises(
        InputError, match=r"thin: no point between .*expected steps of k below 0\.26"
    ):
        pipeline.process(gap, foil=simulated.foil())
    with pytest.raises(InputError, match=r"the edge is at 105.*Re L3.*expected the Ga K edge"):
        pipeline.process(scan().foil, foil=simulated.foil())
    with pytest.raises(InputError, match="mu falls by"):
        pipeline.process(replace(scan(), mu=-scan().mu), foil=simulated.foil())


def test_no_peak_where_there_is_none() -> None:
    with pytest.raises(InputError, match=r"no peak between 1.6 and 1.7 angstrom"):
        pipeline.process(scan(SALT[:1]), foil=simulated.foil(),
                         settings=Settings(first_shell=(1.6, 1.7)))  # fmt: skip


# Four files


def mixture(share: float, seed: int) -> Spectrum:
    """Return a simulated scan with a share of molecules."""
    a, b = scan(SALT, noise=2e-4, seed=seed), scan(MOLECULE, noise=2e-4, seed=seed + 50)
    return replace(a, mu=(1 - share) * a.mu + share * b.mu)


def four() -> tuple[Spectrum, Spectrum, Spectrum, Spectrum]:
    return (scan(SALT, noise=2e-4, seed=1), scan(MOLECULE, noise=2e-4, seed=2),
            mixture(0.6, 3), mixture(0.3, 4))  # fmt: skip


@lru_cache(maxsize=1)
def figure() -> pipeline.FourFiles:
    return pipeline.four_files(*four(), foil=simulated.foil())


def test_shares_of_four_spectra() -> None:
    found = figure()
    assert list(found.processed) == list(pipeline.LABELS)
    for label, share in (("2LiCl-GaF3", 0.6), ("3LiCl-GaF3", 0.3)):
        for fit in (found.by_chi[label], found.by_mu[label]):
            assert fit.share == pytest.approx(share, abs=0.04)
            assert abs(fit.share - share) < 2 * fit.whole_error and fit.inside
            assert fit.error < 0.01
        # Chi is linear in mu, but its magnitude is not: two waves may cancel.
        assert 0 < found.between[label] <= 1


def test_the_table_of_four() -> None:
    found = figure()
    rows = {row["label"]: row for row in found.rows()}
    assert rows["GaF3"]["share_chi"] is None and rows["GaCl3"]["between"] is None
    one = found.processed["2LiCl-GaF3"]
    row = rows["2LiCl-GaF3"]
    assert row["peak_A"] == one.first_shell.position and row["far_ratio"] == one.far.ratio
    assert row["share_chi"] == found.by_chi["2LiCl-GaF3"].share
    assert row["share_mu_error"] == found.by_mu["2LiCl-GaF3"].whole_error
    assert rows["GaF3"]["peak_A"] < rows["GaCl3"]["peak_A"]
    assert len({tuple(row) for row in rows.values()}) == 1


def test_a_share_of_a_normalised_file_has_no_error_of_its_step() -> None:
    salt, molecule, *clays = four()
    before = figure().processed["GaF3"].normalised
    shift = figure().processed["GaF3"].calibration
    assert shift is not None
    flat = replace(salt, mu=before.flat, kind="normalised")
    found = pipeline.four_files(flat, molecule, *clays, foil=simulated.foil())
    rows = {row["label"]: row for row in found.rows()}
    assert np.isnan(rows["GaF3"]["edge_step_error"]) and rows["GaCl3"]["edge_step_error"] > 0
    for name in ("chi", "mu"):
        row = rows["2LiCl-GaF3"]
        assert row[f"share_{name}"] == pytest.approx(0.6, abs=0.06)
        assert np.isnan(row[f"share_{name}_step_error"]) and 0 < row[f"share_{name}_error"] < 0.05
    assert rows["GaF3"]["share_chi_step_error"] is None


def test_without_calibration_the_table_has_no_shift() -> None:
    found = pipeline.four_files(*four(), settings=Settings(calibrate=False))
    assert all(row["shift_eV"] is None for row in found.rows())


Write = Callable[[str, Spectrum], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(name: str, spectrum: Spectrum) -> Path:
        path = tmp_path / f"{name}.dat"
        assert spectrum.reference is not None
        table = np.column_stack([spectrum.energy, spectrum.mu, spectrum.reference])
        np.savetxt(path, table, fmt="%.12g", header="energy mu muref")
        return path

    return make


def test_four_files_on_disk(write: Write, tmp_path: Path) -> None:
    paths = [write(f"f{n}", one) for n, one in enumerate(four())]
    foil = simulated.foil()
    np.savetxt(tmp_path / "foil.csv", np.column_stack([foil.mu, foil.energy]), delimiter=",",
               fmt="%.12g")  # fmt: skip
    found = pipeline.four_files(*map(str, paths), foil=str(tmp_path / "foil.csv"),
                                reading={"foil": {"energy": 2, "mu": 1}})  # fmt: skip
    for label, fit in found.by_chi.items():
        assert fit.share == pytest.approx(figure().by_chi[label].share, abs=1e-4)
    assert found.processed["GaF3"].spectrum.label == "GaF3"
    assert found.processed["GaF3"].spectrum.source.endswith("f0.dat")
    channel = pipeline.four_files(*paths)
    calibration = channel.processed["GaCl3"].calibration
    assert calibration and calibration.channel == "reference channel"


def test_options_for_all_and_for_one(write: Write) -> None:
    paths = [write(f"f{n}", one) for n, one in enumerate(four())]
    at = float(four()[0].energy[300])
    found = pipeline.four_files(
        *paths, reading={"all": {"reference": False}}, foil=simulated.foil(),
        bad_points={"GaCl3": [at]}, settings=Settings(glitches=(float(four()[0].energy[310]),)),
    )  # fmt: skip
    assert found.processed["GaF3"].spectrum.reference is None
    assert len(found.processed["GaF3"].deglitched.removed) == 1
    assert len(found.processed["GaCl3"].deglitched.removed) == 2
    with pytest.raises(InputError, match=r"label 'GaCl4': expected GaF3, .*did you mean 'GaCl3'"):
        pipeline.four_files(*paths, reading={"GaCl4": {}})
    every = pipeline.four_files(*paths, bad_points={"all": [at]})
    for one in every.processed.values():
        assert one.deglitched.removed == pytest.approx([at])
    for word in ("2:1", "foil"):
        with pytest.raises(InputError, match=f"label '{word}': expected .*3LiCl-GaF3, all"):
            pipeline.four_files(*paths, bad_points={word: [1.0]})


def test_a_bad_file_of_four_is_named(write: Write, tmp_path: Path) -> None:
    paths = [write(f"f{n}", one) for n, one in enumerate(four())]
    paths[2].write_text(paths[2].read_text().replace("\n", "\n1 2 nan\n", 1))
    with pytest.raises(InputError, match=r"f2\.dat, line 2: reference is nan"):
        pipeline.four_files(*paths)
    with pytest.raises(InputError, match=r"none\.dat: no such file"):
        pipeline.four_files(tmp_path / "none.dat", *paths[1:])


def test_four_records_of_one_project(tmp_path: Path) -> None:
    path = helpers_exafs.athena(tmp_path / "all.prj", four())
    found = pipeline.four_files(
        path, path, path, path, foil=simulated.foil(),
        reading={label: {"record": name} for label, name in zip(pipeline.LABELS, "abcd", strict=True)},
    )  # fmt: skip
    assert found.by_chi["2LiCl-GaF3"].share == pytest.approx(
        figure().by_chi["2LiCl-GaF3"].share, abs=1e-6
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-5, 5)] * 3), min_size=1, max_size=20))
def test_between_against_a_loop(rows: list[tuple[float, float, float]]) -> None:
    curve, first, second = np.array(rows).T
    count = sum(1 for c, a, b in rows if min(a, b) <= c <= max(a, b))
    assert pipeline.between(curve, first, second) == pytest.approx(count / len(rows))


def test_between_needs_curves_of_one_length() -> None:
    with pytest.raises(InputError, match=r"expected \(M,\) for all"):
        pipeline.between(K, K, K[:-1])
    with pytest.raises(InputError, match="one point or more"):
        pipeline.between(K[:0], K[:0], K[:0])
