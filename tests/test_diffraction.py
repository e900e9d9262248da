"""Patterns against textbook cases, pymatgen, and direct sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.analysis.diffraction.xrd import XRDCalculator
from pymatgen.core import Lattice, Structure

from repro import diffraction as dx
from repro import mixed_patterns, structures
from repro.errors import InputError

LICL = dx.lines(structures.load("LiCl-amcsd"), name="LiCl")
GACL3 = dx.lines(structures.load("GaCl3-mp"), name="GaCl3")
X = np.arange(10.0, 80.0, 0.02)
SHARP = dx.Instrument(u=0.0, v=0.0, w=0.0025, doublet=False)


def test_rock_salt_lines_follow_braggs_law() -> None:
    a = 5.12954
    expected = a / np.sqrt([3, 4, 8, 11, 12, 16])
    np.testing.assert_allclose(LICL.d[:6], expected, rtol=1e-5)
    assert LICL.hkl[0].split() and {abs(int(n)) for n in LICL.hkl[0].split()} == {1}
    assert dx.bragg(1.5405929 / 2) == pytest.approx(180.0)
    assert np.isnan(dx.bragg(0.5))


def test_polonium_structure_factor_by_hand() -> None:
    """One atom in a cube: |F|^2 = f^2, so ratios are multiplicities times f^2 alone."""
    cube = dx.lines(Structure(Lattice.cubic(4.0), ["Ar"], [[0, 0, 0]]), name="Ar")
    sticks = XRDCalculator(wavelength=dx.KA1).get_pattern(
        Structure(Lattice.cubic(4.0), ["Ar"], [[0, 0, 0]]), scaled=False)  # fmt: skip
    power = cube.strength * dx.lorentz_polarisation(dx.bragg(cube.d)) * 4.0**6
    np.testing.assert_allclose(power[:6], sticks.y[:6], rtol=1e-6)
    # 100, 110, 111: 6, 12, 8 planes; f falls slowly
    ratio = cube.strength[:3] / np.array([6, 12, 8])
    assert (np.diff(ratio) < 0).all() and ratio[2] > 0.5 * ratio[0]


@pytest.mark.parametrize("size", [3.0, 8.0, 30.0, 100.0])
def test_area_is_the_sum_of_the_lines_at_any_width(size: float) -> None:
    wide = np.arange(3.0, 170.0, 0.02)
    one = dx.Lines("one", np.array([2.0]), np.array([1.0]), ("1 0 0",), 1.0,
                   np.array([[1, 0, 0]]), (2, 2, 2, 90, 90, 90))  # fmt: skip
    y = dx.profile(one, wide, size=size, b_iso=0.0, instrument=SHARP)
    expected = float(dx.lorentz_polarisation(dx.bragg(2.0)))
    assert np.trapezoid(y, wide) == pytest.approx(expected, rel=0.03)


def test_width_of_a_size_broadened_line_is_scherrers() -> None:
    one = dx.Lines("one", np.array([2.0]), np.array([1.0]), ("1 0 0",), 1.0,
                   np.array([[1, 0, 0]]), (2, 2, 2, 90, 90, 90))  # fmt: skip
    fine = np.arange(40.0, 50.0, 0.002)
    tiny = dx.Instrument(u=0.0, v=0.0, w=1e-6, doublet=False)
    y = dx.profile(one, fine, size=10.0, instrument=tiny)
    above = fine[y > y.max() / 2]
    theta = np.radians(dx.bragg(2.0) / 2)
    assert above[-1] - above[0] == pytest.approx(
        np.degrees(0.9 * dx.KA1 / (100.0 * np.cos(theta))), rel=0.01)  # fmt: skip


def test_profile_against_a_direct_sum() -> None:
    """No merging, no window, no coarse grid: the same within half a percent of the top."""
    y = dx.profile(GACL3, X, size=20.0)
    direct = np.zeros_like(X)
    for wavelength, share in ((dx.KA1, 2 / 3), (dx.KA2, 1 / 3)):
        for d, power in zip(GACL3.d, GACL3.strength, strict=True):
            at = float(dx.bragg(d, wavelength=wavelength))
            gauss = float(dx.BENCHTOP.gauss_fwhm(np.radians(at / 2)))
            lorentz = float(dx.scherrer_fwhm(at, 20.0, wavelength=wavelength))
            width, eta = (float(v) for v in dx.thompson_cox_hastings(gauss, lorentz))
            t = ((X - at) / (width / 2)) ** 2
            shape = eta * 2 / (np.pi * width) / (1 + t) + (1 - eta) * 2 / width * np.sqrt(
                np.log(2) / np.pi) * np.exp(-np.log(2) * t)  # fmt: skip
            direct += share * power * float(dx.lorentz_polarisation(at)) * np.exp(
                -dx.B_ISO / (2 * d**2)) * shape  # fmt: skip
    assert np.abs(y - direct).max() < 0.005 * direct.max()


def test_pseudo_voigt_limits() -> None:
    width, eta = dx.thompson_cox_hastings([0.1, 0.0], [0.0, 0.2])
    np.testing.assert_allclose(width, [0.1, 0.2])
    np.testing.assert_allclose(eta, [0.0, 1.0], atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.03, 0.03), st.floats(-0.1, 0.1))
def test_strain_and_shift_move_the_highest_line_as_they_should(strain: float, shift: float) -> None:
    y = dx.profile(LICL, X, size=60.0, strain=strain, shift=shift, instrument=SHARP)
    at = float(dx.bragg(LICL.d[0] * (1 + strain))) + shift
    assert X[np.argmax(y)] == pytest.approx(at, abs=0.03)


def test_four_number_strain_agrees_with_the_lattice() -> None:
    for key in ("GaCl3-mp", "AlF3-mp", "SbCl3-mp", "LiCl-amcsd"):
        lines = dx.lines(structures.load(key), name=key)
        np.testing.assert_allclose(lines.spacings((0.0, 0.0, 0.0, 0.0)), lines.d, rtol=2e-5)
        np.testing.assert_allclose(
            lines.spacings((0.01, 0.01, 0.01, 0.0)), lines.spacings(0.01), rtol=2e-5
        )
    box = structures.load("SbCl3-mp")
    longer = box.copy()
    longer.apply_strain([0.01, -0.02, 0.005])
    before, after = (dx.lines(s, name="s") for s in (box, longer))
    moved = np.sort(before.spacings((0.01, -0.02, 0.005, 0.0)))[::-1]
    np.testing.assert_allclose(moved[:10], after.d[:10], rtol=1e-4)


@pytest.mark.parametrize(("key", "freedom"), [("LiCl-amcsd", 1), ("AlF3-mp", 2),
                                              ("SbCl3-mp", 3), ("GaCl3-mp", 4)])  # fmt: skip
def test_symmetry_leaves_so_many_edges_free(key: str, freedom: int) -> None:
    assert dx.lines(structures.load(key), name=key).freedom().shape == (4, freedom)


def test_intensity_per_volume_does_not_depend_on_the_setting() -> None:
    crystal = structures.load("GaCl3-mp")
    primitive = dx.profile(dx.lines(crystal.get_primitive_structure(), name="p"), X)
    doubled = dx.profile(dx.lines(crystal * (1, 1, 2), name="d"), X)
    conventional = dx.profile(GACL3, X)
    assert np.abs(primitive - conventional).max() < 0.01 * conventional.max()
    assert np.abs(doubled - conventional).max() < 0.01 * conventional.max()


def test_mixture_adds_volumes() -> None:
    parts = [mixed_patterns.Ingredient(LICL, 0.3), mixed_patterns.Ingredient(GACL3, 0.7)]
    by_hand = sum(p.weight / p.phase.density * dx.profile(p.phase, X) for p in parts)
    np.testing.assert_allclose(mixed_patterns.mixture(parts, X), by_hand)


def test_similarity_is_one_with_itself_and_small_for_strangers() -> None:
    assert mixed_patterns.similarity(LICL, LICL) == pytest.approx(1.0)
    lif = dx.lines(structures.load("LiF-amcsd"), name="LiF")
    assert mixed_patterns.similarity(LICL, lif) < 0.1


def test_counts_are_poisson() -> None:
    y = mixed_patterns.counts(
        np.ones(20_000), peak=100.0, background=50.0, rng=np.random.default_rng(1)
    )
    assert y.mean() == pytest.approx(150, abs=0.5)
    assert y.var() == pytest.approx(150, rel=0.05)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match=r"crystallite size -1"):
        dx.profile(LICL, X, size=-1)
    with pytest.raises(InputError, match=r"strain 0\.5"):
        dx.profile(LICL, X, strain=0.5)
    with pytest.raises(InputError, match="Caglioti"):
        dx.Instrument(u=0.0, v=-1.0, w=0.01).gauss_fwhm(0.5)
    with pytest.raises(InputError, match="at least one ingredient"):
        mixed_patterns.mixture([], X)
    with pytest.raises(InputError, match="LiCl: weight nan"):
        mixed_patterns.mixture([mixed_patterns.Ingredient(LICL, float("nan"))], X)
    with pytest.raises(InputError, match="peak counts 0"):
        mixed_patterns.counts(np.ones(3), peak=0.0, background=1.0, rng=None)


def test_the_radiation_is_named_by_its_wavelengths(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dx.radiation() == "Cu K-alpha"
    monkeypatch.setattr(dx, "KA1", 0.70932)
    monkeypatch.setattr(dx, "KA2", 0.71361)
    assert dx.radiation() == "Mo K-alpha"
