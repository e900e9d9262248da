"""The chapter on EXAFS: site tables, shares, shell fits, scans, and its command line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from helpers_feff import frame, runs, stub, stub_chi
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from repro import data, paths
from repro.clay import trajectory
from repro.errors import DataError, InputError
from repro.exafs import (
    ensemble,
    exafs_cli,
    exafs_collect,
    feff,
    feff_sites,
    neighbours,
    pipeline,
    plots,
    scans,
    shell_fit,
    simulated,
    site_spectra,
    structures,
    transforms,
)
from repro.exafs import exafs_chapter as look
from repro.exafs import exafs_tables as tables
from repro.exafs.exafs_chapter import Choices
from repro.exafs.feff_files import GRID
from repro.exafs.shell_fit import Standard
from repro.exafs.simulated import Shell
from repro.exafs.site_spectra import SiteSpectra
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
K = 0.05 * np.arange(321)
NONE = Choices(1.0, 0.0, 0.0, 0.0)


def spectra(chi: Floats, *, frames: list[str] | None = None) -> SiteSpectra:
    n = len(chi)
    about = pd.DataFrame({
        "site": range(n), "frame": frames or [f"frame {i} (seed {1 + i % 2}, rest, {i} ps)" for i in range(n)],
        "time_ps": np.arange(n, dtype=float), "atom": [10 * i for i in range(n)], "fluorine": [3] * n,
        "chlorine": [2] * n, "GaF_A": [1.9] * n, "GaCl_A": [np.nan] * n, "paths": [50] * n,
        "seconds": [1.5] * n,
    })  # fmt: skip
    return SiteSpectra(about, K, np.asarray(chi), "feff8l (test)")


def shell(distance: float, number: float = 6.0, sigma2: float = 0.004) -> Floats:
    return simulated.chi(K, [Shell(distance, number, sigma2)])


def noisy(chi: Floats, n: int, scale: float, seed: int = 1) -> SiteSpectra:
    rng = np.random.default_rng(seed)
    return spectra(chi + rng.normal(scale=scale, size=(n, len(K))))


# ----------------------------------------------------------------- site tables


def test_a_table_survives_its_file(tmp_path: Path) -> None:
    made = noisy(shell(1.9), 7, 0.01)
    file = tmp_path / "x" / "a.csv.gz"
    site_spectra.write(made, file)
    back = site_spectra.read(file)
    np.testing.assert_allclose(back.chi, made.chi, rtol=1e-4)
    np.testing.assert_allclose(back.k, K, atol=1e-9)
    assert back.program == made.program
    pd.testing.assert_frame_equal(back.about, made.about)
    first = file.read_bytes()
    site_spectra.write(made, file)
    assert file.read_bytes() == first and [p.name for p in file.parent.iterdir()] == ["a.csv.gz"]


def test_bad_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"a.csv.gz: no such file; expected a table of site spectra"
    ):
        site_spectra.read(tmp_path / "a.csv.gz")
    file = tmp_path / "b.csv.gz"
    site_spectra.write(noisy(shell(1.9), 5, 0.01), file)
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"b.csv.gz: not a whole gzipped table"):
        site_spectra.read(file)
    with gzip.open(file, "wt") as stream:
        stream.write("site,frame\n1,x\n")
    with pytest.raises(InputError, match=r"no column time_ps, atom, .*program; expected a table"):
        site_spectra.read(file)
    site_spectra.write(spectra(np.full((2, len(K)), np.nan)), file)
    with pytest.raises(InputError, match=r"no sites, or chi that is not finite"):
        site_spectra.read(file)


def test_the_mean_is_that_of_numpy() -> None:
    stack = noisy(shell(1.9), 11, 0.1).chi
    found = site_spectra.mean(spectra(stack), blocks=4)
    np.testing.assert_allclose(found.mean, stack.mean(axis=0), atol=1e-15)
    np.testing.assert_allclose(found.spread, stack.std(axis=0, ddof=1), atol=1e-15)
    np.testing.assert_allclose(found.error, stack.std(axis=0, ddof=1) / np.sqrt(11), atol=1e-15)
    # Eleven sites in four blocks: the first three have one more.
    np.testing.assert_array_equal(found.counts, [3, 3, 3, 2])
    np.testing.assert_allclose(found.blocks[3], stack[9:].mean(axis=0), atol=1e-15)
    np.testing.assert_allclose(found.counts @ found.blocks / 11, found.mean, atol=1e-12)
    assert (found.number, found.program) == (11, "feff8l (test)")
    assert (found.paths, found.seconds) == (50.0, 1.5)


def test_one_site_has_no_error() -> None:
    found = site_spectra.mean(spectra(shell(1.9)[None]))
    assert np.isnan(found.error).all() and found.number == 1
    with pytest.raises(InputError, match="0 sites in 20 blocks"):
        site_spectra.mean(spectra(np.zeros((0, len(K)))))


def test_some_of_the_sites() -> None:
    made = noisy(shell(1.9), 6, 0.1)
    some = made.only([True, False, True, False, False, True])
    assert some.about.site.tolist() == [0, 2, 5]
    np.testing.assert_array_equal(some.chi, made.chi[[0, 2, 5]])


def test_first_shells_are_counted() -> None:
    cut = feff_sites.cut(frame(3), 0, radius=site_spectra.RADIUS)
    found = site_spectra.shell(cut)
    atoms = frame(3)
    assert found["chlorine"] == 1 and found["fluorine"] == 0 and np.isnan(found["GaF_A"])
    assert found["GaCl_A"] == pytest.approx(
        float(np.linalg.norm(atoms.positions[4] - atoms.positions[0])), abs=1e-4
    )


def test_sites_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = stub(tmp_path / "p")
    monkeypatch.setattr(feff, "program", lambda name: program)
    todo = site_spectra.drawn((frame(i) for i in range(5)), 8)
    found, failures = site_spectra.compute(todo, cache=tmp_path / "cache", cores=2)
    assert len(runs(tmp_path / "p")) == 8 and failures == []
    assert found.program == "feff8l (stub 1)" and found.about.paths.tolist() == [2] * 8
    assert (found.about.seconds > 0).all() and found.k[-1] == pytest.approx(site_spectra.K_MAX)
    for site, row, chi in zip(todo, found.about.itertuples(), found.chi, strict=True):
        assert (row.frame, row.atom, row.chlorine) == (site.frame, site.atom, 1)
        np.testing.assert_allclose(chi, stub_chi(row.GaCl_A)[:321], atol=2e-4)
    again, _ = site_spectra.compute(todo, cache=tmp_path / "cache")
    assert len(runs(tmp_path / "p")) == 8
    np.testing.assert_array_equal(again.chi, found.chi)


def test_a_lost_site_is_told_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    todo = site_spectra.drawn((frame(i, gallium=8) for i in range(4)), 30)
    bad = float(np.linalg.norm(todo[4].positions[0]))
    program = stub(tmp_path / "p", special=f"if abs(r - {bad}) < 1e-6: sys.exit(3)")
    monkeypatch.setattr(feff, "program", lambda name: program)
    found, failures = site_spectra.compute(todo, cache=tmp_path / "cache")
    assert len(found.chi) == 29 and [f.name for f in failures] == [todo[4].name]
    assert 4 not in found.about.site.tolist()


# ------------------------------------------------------------------ jackknives


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(12, len(K)))
    one = site_spectra.mean(spectra(x), blocks=12)
    found = look.jackknife(lambda chi: float(chi[5]), one)
    assert found.value == pytest.approx(x[:, 5].mean())
    assert found.error == pytest.approx(x[:, 5].std(ddof=1) / np.sqrt(12))
    two = site_spectra.mean(spectra(rng.normal(size=(9, len(K)))), blocks=9)
    both = look.jackknife(lambda a, b: float(a[5] - b[5]), one, two)
    assert both.error == pytest.approx(
        np.hypot(found.error, look.jackknife(lambda b: float(b[5]), two).error)
    )
    alone = site_spectra.mean(spectra(x[:1]))
    assert np.isnan(look.jackknife(lambda chi: float(chi[5]), alone).error)
    assert look.jackknife(lambda a, b: float(a[5] + b[5]), one, alone).error == pytest.approx(
        found.error
    )


def test_errors_of_a_peak_are_those_of_repeated_means() -> None:
    """Ensembles drawn anew scatter as the error of one says."""
    chi = simulated.chi(K, [Shell(1.9, 6, 0.004), Shell(3.9, 12, 0.004)])
    found = [look.read_off(site_spectra.mean(noisy(chi, 40, 0.02, seed=s), blocks=10), choices=NONE)
             for s in range(12)]  # fmt: skip
    for name in ("position", "height", "far"):
        values = [getattr(one, name) for one in found]
        scatter = float(np.std([v.value for v in values], ddof=1))
        assert 0.5 < scatter / float(np.mean([v.error for v in values])) < 2.0, name


def test_what_is_read_is_what_the_transform_shows() -> None:
    chi = simulated.chi(K, [Shell(1.9, 6, 0.004), Shell(3.9, 6, 0.004)])
    found = look.read_off(site_spectra.mean(spectra(np.array([chi, chi]))), choices=NONE)
    seen = transforms.transform(K, chi)
    position, height = transforms.top(seen.r, seen.magnitude, within=(1.0, 2.8))
    assert (found.position.value, found.height.value) == (position, height)
    assert found.far.value == pytest.approx(seen.magnitude[seen.r >= 2.8].max() / height)
    assert found.far.value > 0.05 and found.position.error == pytest.approx(0.0, abs=1e-12)
    shown = look.curve(site_spectra.mean(spectra(np.array([chi, chi]))), choices=NONE)
    np.testing.assert_allclose(shown.magnitude, seen.magnitude)


def test_choices_are_made() -> None:
    one = site_spectra.mean(spectra(np.array([shell(1.9)] * 2)))
    plain = look.read_off(one, choices=NONE)
    assert look.read_off(one, choices=Choices(0.8, 0, 0, 0)).height.value == pytest.approx(
        0.8 * plain.height.value
    )
    assert (
        look.read_off(one, choices=Choices(1, 0, 0.003, 0)).height.value < 0.85 * plain.height.value
    )
    assert look.read_off(one, choices=Choices(1, 5, 0, 0)).position.value != plain.position.value
    assert Choices().s02 == 0.9 and Choices().e0 == 0 and Choices().resolution_ev == 1.4


# ---------------------------------------------------------------------- shares


@given(st.floats(-0.3, 1.3), st.floats(0.7, 1.1), st.floats(-6, 6))
@settings(max_examples=6, deadline=None)
def test_a_mixture_is_taken_apart(true: float, s02: float, e0: float) -> None:
    """Any share, also one outside 0 and 1; choices that all three have in common do not matter."""
    a, b = shell(2.2, 4), shell(1.9, 6)
    made = [site_spectra.mean(spectra(np.array([x, x]))) for x in (true * a + (1 - true) * b, b, a)]
    found = look.share(*made, choices=Choices(s02, e0))
    assert found.value.value == pytest.approx(true, abs=1e-6)
    assert found.fit.inside == (0 <= found.value.value <= 1)
    free = look.share(*made, choices=Choices(s02, e0), total_free=True)
    assert free.value.value == pytest.approx(true, abs=1e-5) and free.fit.total == pytest.approx(
        1.0
    )


def test_the_error_of_a_share_is_that_of_repeated_draws() -> None:
    a, b = shell(2.2, 4), shell(1.9, 6)
    crystals = [site_spectra.mean(noisy(x, 40, 0.02, seed=90 + i)) for i, x in enumerate((b, a))]
    found = [look.share(site_spectra.mean(noisy(0.4 * a + 0.6 * b, 40, 0.2, seed=s)), *crystals, choices=NONE)
             for s in range(14)]  # fmt: skip
    scatter = float(np.std([f.value.value for f in found], ddof=1))
    assert 0.5 < scatter / float(np.mean([f.sampling for f in found])) < 2.0
    assert all(f.value.error >= f.sampling for f in found)


def test_errors_of_shares() -> None:
    one = site_spectra.mean(spectra(np.array([shell(1.9)] * 2)))
    short = ensemble.Ensemble(**{**vars(one), "k": one.k[:200]})
    with pytest.raises(InputError, match="means of different k"):
        look.share(one, one, short)
    with pytest.raises(InputError, match="k from 3 to 17: expected ascending, up to 16"):
        look.share(one, one, one, settings=pipeline.Settings(k_max=17.0))
    with pytest.raises(InputError, match="references are equal"):
        look.share(one, one, one)


# ------------------------------------------------------------------- coherence


def test_sites_alike_keep_all_and_strangers_little() -> None:
    same = spectra(np.array([shell(1.9)] * 10))
    assert look.coherence(same, r_range=(1, 2.4), choices=NONE) == pytest.approx(1.0)
    rng = np.random.default_rng(3)
    # Waves of any phase have nothing in common.
    strangers = spectra(
        np.array(
            [
                simulated.amplitude(K) * np.sin(2 * 1.6 * K + p)
                for p in rng.uniform(0, 2 * np.pi, 100)
            ]
        )
    )
    assert look.coherence(strangers, r_range=(1, 2.4), choices=NONE) == pytest.approx(0.1, abs=0.1)
    # Two waves exactly out of step.
    opposed = spectra(np.array([shell(1.9), -shell(1.9)]))
    assert look.coherence(opposed, r_range=(1, 2.4), choices=NONE) == pytest.approx(0.0, abs=1e-12)
    half = spectra(np.array([shell(1.9), 0 * K]))
    assert look.coherence(half, r_range=(1, 2.4), choices=NONE) == pytest.approx(1 / np.sqrt(2))


# ------------------------------------------------------------------ shell fits


def standard(distance: float = 1.95, number: float = 6.0, pair: str = "Ga-F") -> Standard:
    k = 0.05 * np.arange(401)
    return Standard(pair, distance, number, k, simulated.chi(k, [Shell(distance, number, 0.0)]))


def test_the_analytic_signal_is_the_wave() -> None:
    k = 0.05 * np.arange(401)
    signal = shell_fit.analytic(k, np.exp(-k / 20) * np.sin(2 * 1.7 * k + 0.4))
    inner = (k > 2.5) & (k < 17)
    np.testing.assert_allclose(
        signal[inner], (np.exp(-k / 20) * np.exp(1j * (3.4 * k + 0.4)))[inner], atol=0.02
    )
    # A wave from elsewhere is not kept.
    assert np.abs(shell_fit.analytic(k, np.sin(2 * 5.0 * k))[inner]).max() < 0.02


@given(st.floats(-0.12, 0.12), st.floats(1.0, 8.0), st.floats(0.002, 0.012))
@settings(max_examples=15, deadline=None)
def test_a_shell_is_found_again(moved: float, number: float, sigma2: float) -> None:
    one = site_spectra.mean(spectra(np.array([shell(1.95 + moved, number, sigma2)] * 3)))
    found = shell_fit.fit(one, [standard()]).shells[0]
    assert found.distance.value == pytest.approx(1.95 + moved, abs=0.006)
    # The model of the made-up shell damps with distance, the fit does not.
    assert found.number.value == pytest.approx(number, rel=0.08)
    assert found.sigma2.value == pytest.approx(sigma2, abs=6e-4)


def test_two_shells_are_told_apart() -> None:
    chi = simulated.chi(K, [Shell(1.90, 3.0, 0.005), Shell(2.22, 2.0, 0.006)])
    one = site_spectra.mean(spectra(np.array([chi] * 3)))
    found = shell_fit.fit(one, [standard(1.95), standard(2.2, 4.0, "Ga-Cl")])
    assert [s.pair for s in found.shells] == ["Ga-F", "Ga-Cl"]
    for got, (r, n, s2) in zip(found.shells, ((1.90, 3.0, 0.005), (2.22, 2.0, 0.006)), strict=True):
        assert got.distance.value == pytest.approx(r, abs=0.015)
        assert got.number.value == pytest.approx(n, rel=0.15)
        assert got.sigma2.value == pytest.approx(s2, abs=1.5e-3)
    assert found.r_factor < 0.01 and found.parameters == 6 < found.points


def test_the_error_of_a_distance_is_that_of_repeated_draws() -> None:
    found = [shell_fit.fit(site_spectra.mean(noisy(shell(1.9), 40, 0.05, seed=s)), [standard()]).shells[0].distance
             for s in range(12)]  # fmt: skip
    scatter = float(np.std([f.value for f in found], ddof=1))
    assert 0.5 < scatter / float(np.mean([f.error for f in found])) < 2.0


def test_errors_of_shell_fits() -> None:
    one = site_spectra.mean(spectra(np.array([shell(1.9)] * 2)))
    with pytest.raises(InputError, match="0 standards, 0 starts"):
        shell_fit.fit(one, [])
    with pytest.raises(InputError, match="1 standards, 2 starts: expected as many"):
        shell_fit.fit(one, [standard()], start=[1.9, 2.0])
    for start in (1.34, 2.56, float("nan")):
        with pytest.raises(InputError, match=rf"start={start:g} angstrom for Ga-F: expected within 0.6 of "
                                             r"its standard's distance, 1.950"):  # fmt: skip
            shell_fit.fit(one, [standard()], start=[start])
    # At the very end of what is allowed a fit still begins.
    assert shell_fit.fit(one, [standard()], start=[1.36]).shells[0].distance.value > 1.35
    with pytest.raises(InputError, match=r"9 numbers to fit to 8\.0 independent points"):
        shell_fit.fit(one, [standard()] * 3)
    with pytest.raises(InputError, match="1 block: expected 2 or more, for errors"):
        shell_fit.fit(site_spectra.mean(spectra(shell(1.9)[None])), [standard()])
    with pytest.raises(
        InputError, match=r"k_range \(1.0, 12.0\): expected ascending, within 1.5 to 16"
    ):
        shell_fit.fit(one, [standard()], k_range=(1.0, 12.0))
    with pytest.raises(InputError, match="in even steps from 0"):
        shell_fit.analytic(K + 1, shell(1.9))


# -------------------------------------------------------------- two programs


def test_a_shift_and_a_factor_between_programs_are_found() -> None:
    base = noisy(shell(1.9), 6, 0.0)
    moved = feff_shift(base.chi, -4.0)
    found = look.against(base, SiteSpectra(base.about, K, 0.9 * moved, "other"), k_range=(3, 12))
    assert found["shift_eV"] == pytest.approx(4.0, abs=0.3) and found["scale"] == pytest.approx(
        1 / 0.9, rel=0.02
    )
    assert found["after"] < 0.02 < 0.1 < found["plain"] and found["sites"] == 6


def feff_shift(chi: Floats, e0: float) -> Floats:
    from repro.exafs.feff_chi import shifted

    k, y = shifted(K, chi, e0)
    return np.array([np.interp(K, k, row) for row in y])


def test_only_the_same_sites_are_compared() -> None:
    base = noisy(shell(1.9), 6, 0.1)
    some = base.only([False, True, False, True, False, False])
    assert look.against(base, some)["plain"] == pytest.approx(0.0, abs=1e-12)
    other = SiteSpectra(some.about.assign(atom=999), K, some.chi, "x")
    with pytest.raises(InputError, match="not among those of the first; expected the same sites"):
        look.against(base, other)


def test_assemblies_are_read_from_names() -> None:
    assert look.assembly("frame 7 (seed 12, rest, 50.4 ps)") == "seed 12"
    with pytest.raises(InputError, match="frame 'frame 3': no seed in its name"):
        look.assembly("frame 3")
    assert look.seeds(noisy(shell(1.9), 5, 0.1)) == [1, 2]
    far = spectra(
        np.array([shell(1.9)] * 2), frames=["frame 0 (seed 12, rest)", "frame 1 (seed 3, rest)"]
    )
    assert look.seeds(far) == [3, 12]
    assert [look.listed(x) for x in ([7], [1, 3], [1, 2, 3])] == ["7", "1 and 3", "1, 2 and 3"]


# ----------------------------------------------------------------------- scans


def test_a_scan_is_recovered() -> None:
    """Stated tolerance: peak within 0.01 angstrom, height and first shell 8 %, shift twice its error.

    The foil's edge lies where points of a Ga scan are 2 eV apart, and the slow background of the
    free atom moves the edge step, and with it all heights, by some percent.
    """
    k = GRID
    made = scans.scan(k, simulated.chi(k, [Shell(1.9, 3, 0.006), Shell(2.2, 2, 0.006)]), shift=3.0)
    found = pipeline.process(made.spectrum)
    true = scans.truth(made)
    position, height = transforms.top(true.r, true.magnitude, within=(1.0, 2.8))
    assert found.calibration is not None
    assert abs(found.calibration.shift - 3.0) < 2 * found.calibration.error < 2.0
    assert found.first_shell.position == pytest.approx(position, abs=0.01)
    assert found.first_shell.height == pytest.approx(height, rel=0.08)
    assert scans.misfit(found, made) < 0.08
    assert made.spectrum.synthetic and made.spectrum.note == "simulated"


def test_variations_change_what_they_say() -> None:
    k = GRID
    made = scans.scan(k, simulated.chi(k, [Shell(1.9, 6, 0.005)]))
    table = scans.variations(
        made, {"plain": {}, "uncalibrated": {"calibrate": False}, "greedy": {"rbkg": 1.8}}
    )
    assert table.loc["plain", "e0 (eV)"] - table.loc["uncalibrated", "e0 (eV)"] == pytest.approx(
        3.0, abs=0.8
    )
    assert (
        table.loc["greedy", "height / true"]
        < 0.8
        < 0.95
        < table.loc["plain", "height / true"]
        < 1.05
    )
    assert table.loc["greedy", "misfit (%)"] > 3 * table.loc["plain", "misfit (%)"]


def test_a_share_goes_through_the_whole_pipeline() -> None:
    a, b = shell(2.2, 4), shell(1.9, 6)
    means = {"clay": 0.35 * a + 0.65 * b, "GaF3": b, "GaCl3": a}
    done = {n: pipeline.process(scans.of_mean(site_spectra.mean(spectra(np.array([x, x]))), choices=NONE, label=n, seed=s).spectrum)
            for s, (n, x) in enumerate(means.items())}  # fmt: skip
    found = pipeline.combination.combine_chi(
        *(done[n].transformed for n in ("clay", "GaCl3", "GaF3"))
    )
    assert found.share == pytest.approx(0.35, abs=0.02)


def test_a_scan_must_be_covered() -> None:
    with pytest.raises(InputError, match=r"up to 10, chi \(201,\): expected \(K,\), up to 14"):
        scans.scan(K[:201], shell(1.9)[:201])


# ---------------------------------------------------------------------- tables


def test_values_are_said_with_their_errors() -> None:
    assert tables.words(Estimate(0.1234, 0.01), 1, factor=100) == "12.3 ± 1.0"
    assert tables.words(Estimate(0.1234, float("nan"))) == "0.12"
    assert tables.words(Estimate(float("nan"), 0.1)) == "–"


def test_between_is_by_position() -> None:
    def at(x: float) -> look.Read:
        return look.Read(Estimate(x, 0.1), Estimate(1.0, 0.1), Estimate(0.1, 0.1))

    assert tables.positions_between(at(1.6), at(1.5), at(1.8))
    assert tables.positions_between(at(1.5), at(1.8), at(1.5))
    assert not tables.positions_between(at(1.4), at(1.5), at(1.8))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, ensemble.Ensemble]:
    """Three sets without files: crystals of one shell each and a clay of both."""
    chi = {"GaF3": shell(1.9, 6), "GaCl3": shell(2.2, 4)}
    chi["2-1-after"] = 0.4 * chi["GaCl3"] + 0.6 * chi["GaF3"]
    counts = {"GaF3": (6.0, 0.0), "GaCl3": (0.0, 4.0), "2-1-after": (3.6, 1.6)}

    def count(name: str) -> neighbours.Count:
        n, m = counts[name]
        return neighbours.Count(
            Estimate(n, 0.1), Estimate(m, 0.1), Estimate(m / 4 / (m / 4 + n / 6), 0.01)
        )

    monkeypatch.setattr(look, "count", count)
    return {
        n: site_spectra.mean(noisy(x, 20, 0.005, seed=i), blocks=5)
        for i, (n, x) in enumerate(chi.items())
    }


def test_all_routes_agree_where_they_must(
    made: dict[str, ensemble.Ensemble], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        look, "standards", lambda: {"Ga-F": standard(1.9), "Ga-Cl": standard(2.2, 4.0, "Ga-Cl")}
    )
    both, fits = tables.routes(made, choices=NONE)
    assert list(both) == ["2-1-after"] and list(both["2-1-after"]) == [
        tables.SUM,
        tables.FREE,
        tables.SHELLS,
        tables.COUNT,
    ]
    own = both["2-1-after"]
    assert own[tables.SUM].value == pytest.approx(0.4, abs=0.02)
    assert own[tables.FREE].value == pytest.approx(0.4, abs=0.03)
    assert own[tables.SHELLS].value == pytest.approx(0.4, abs=0.05)
    assert own[tables.COUNT].value == pytest.approx(0.4)
    # Sites without chlorine have no share of it by any route, as long as they are like the crystal.
    none, held = tables.by_fit(made["GaF3"], made, choices=NONE)
    assert list(none) == [tables.SUM, tables.FREE, tables.SHELLS] and held.value == none[tables.SUM]
    assert none[tables.SUM].value == pytest.approx(0.0, abs=1e-6)
    assert none[tables.SHELLS].value == pytest.approx(0.0, abs=0.05)
    table = tables.routes_table(both, fits)
    assert table.loc["2:1 after", tables.COUNT] == "40.0 ± 1.0"
    off = (own[tables.SUM].value - 0.4) / np.hypot(own[tables.SUM].error, 0.01)
    assert tables.apart(own, tables.SUM) == pytest.approx(off, abs=1e-6)
    assert float(table.loc["2:1 after", "sum less count, in errors"]) == pytest.approx(
        off, abs=0.06
    )


def test_a_number_made_of_a_fit_has_its_error() -> None:
    found = shell_fit.fit(site_spectra.mean(noisy(shell(1.9), 30, 0.05)), [standard()])
    same = found.estimate(lambda v: float(v[0, 1]))
    assert same.value == found.shells[0].distance.value
    assert same.error == pytest.approx(found.shells[0].distance.error)
    assert found.estimate(lambda v: 2 * float(v[0, 0])).error == pytest.approx(
        2 * found.shells[0].number.error
    )


def test_choices_in_common_leave_the_share(made: dict[str, ensemble.Ensemble]) -> None:
    s = pipeline.Settings()
    table = tables.varied(
        made,
        "2-1-after",
        {
            "plain": (s, NONE),
            "moved": (s, Choices(0.8, 4.0)),
            "k2": (pipeline.Settings(k_weight=2), NONE),
        },
    )
    shares = [float(x.split()[0]) for x in table["share (%)"]]
    assert shares == pytest.approx([40, 40, 40], abs=3)
    assert table.loc["plain", "GaF3 peak (Å)"] != table.loc["moved", "GaF3 peak (Å)"]
    peaks = tables.peaks({n: look.read_off(m) for n, m in made.items()}, made)
    assert peaks.loc["2:1 after", "sites"] == 20 and "±" in peaks.loc["GaF3", "first peak (Å)"]


def test_distances_are_fitted_and_known(
    made: dict[str, ensemble.Ensemble], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        look, "standards", lambda: {"Ga-F": standard(1.95), "Ga-Cl": standard(2.25, 4.0, "Ga-Cl")}
    )
    shipped = {name: list(look.frames(name)) for name in ("GaF3", "GaCl3")}
    monkeypatch.setattr(
        look, "frames", lambda name: iter(shipped["GaF3" if name != "GaCl3" else name])
    )
    found = tables.distances({n: made[n] for n in ("GaF3", "GaCl3")})
    (salt,) = found["GaF3"]
    assert salt.fit.value == pytest.approx(1.9, abs=0.01) and salt.known == pytest.approx(
        1.92, abs=0.01
    )
    assert salt.off == salt.fit.value - salt.known and salt.peak < salt.known - 0.2
    assert [one.shell for one in found["GaCl3"]] == ["Ga–Cl terminal", "Ga–Cl bridging"]
    assert found["GaCl3"][0].known < found["GaCl3"][1].known and np.isnan(found["GaCl3"][0].peak)
    assert sum(one.known_number for one in found["GaCl3"]) == pytest.approx(4, abs=0.05)
    table = tables.distances_table(found)
    assert len(table) == 3 and ("GaF3", "Ga–F") in table.index


# --------------------------------------------------------------------- shipped


def test_what_ships_is_whole() -> None:
    names = look.shipped()
    assert set(look.REFERENCES) <= set(names) and "2-1-after" in names
    for name in names:
        found = look.spectra(name)
        one = structures.get(name)
        assert len(found.chi) == one.sites and look.seeds(found)
        frames = list(look.frames(name))
        for row in list(found.about.itertuples())[:: max(1, one.sites // 3)]:
            atoms = frames[int(str(row.frame).split()[1])]
            assert atoms.symbols[row.atom] == "Ga" and atoms.info["time_ps"] == pytest.approx(
                row.time_ps
            )
            cut = site_spectra.shell(feff_sites.cut(atoms, int(row.atom), radius=4.0))
            assert (cut["fluorine"], cut["chlorine"]) == (row.fluorine, row.chlorine)
    total = sum(f.stat().st_size for f in (paths.data_dir() / look.FOLDER).iterdir())
    assert total < 10e6


def test_what_does_not_ship_says_how_to_make_it() -> None:
    with pytest.raises(DataError, match=r"exafs_cli cross --names 9-9 --work W"):
        look.spectra("9-9", cross="feff6l")
    with pytest.raises(DataError, match=r"exafs_cli spectra 9-9 --work W"):
        look.spectra("9-9")
    row = pd.Series({"frame": "frame 999 (seed 1)"})
    with pytest.raises(
        DataError, match=r"GaF3.extxyz.gz: no frame 999; expected that of frame 999"
    ):
        look.frame_of("GaF3", row)


def test_the_speed_is_that_of_the_shipped_table() -> None:
    table = pd.read_csv(paths.data_dir() / look.FOLDER / "speed.csv")
    walls = table.set_index("cores").wall_s
    assert look.speed_up() == pytest.approx(walls[1] / walls[2], abs=1e-3)


def test_standards_are_what_they_say() -> None:
    found = look.standards()
    assert set(found) == {"Ga-F", "Ga-Cl"}
    assert (found["Ga-F"].number, found["Ga-Cl"].number) == (6, 4)
    for one in found.values():
        chi = one.chi[: len(K)]
        again = shell_fit.fit(site_spectra.mean(spectra(np.array([chi, chi]))), [one]).shells[0]
        assert again.distance.value == pytest.approx(one.distance, abs=0.002)
        assert again.number.value == pytest.approx(one.number, rel=0.02)


# ---------------------------------------------------------------- command line


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work folder with snapshots of a set, a FEFF that costs nothing, and no MD."""
    program = stub(tmp_path / "p")
    monkeypatch.setattr(feff, "program", lambda name: program)

    def frames(one: Any, work: Path, *, seeds: Any = None) -> Any:
        for number in range(30):
            atoms = frame(number)
            atoms.info = {"frame_id": "seed 1, held", "time_ps": float(number)}
            yield atoms

    monkeypatch.setattr(structures, "frames", frames)
    monkeypatch.setattr(structures, "run", lambda *a, **o: [])
    monkeypatch.setattr(structures, "thermo", lambda *a, **o: {"temperature_K": 300.0})
    return tmp_path / "work"


def test_the_command_line_from_snapshots_to_data(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, here = "2-1-after", ["--work", str(work)]
    assert exafs_cli.main(["structures", name, *here]) == 0
    assert exafs_cli.main(["spectra", name, *here, "--cores", "2", "--sites", "24"]) == 0
    assert "2-1-after: 30 snapshots" in capsys.readouterr().out
    assert len(runs(work.parent / "p")) == 24
    # Again: all from the cache.
    assert exafs_cli.main(["spectra", name, *here, "--sites", "24"]) == 0
    assert len(runs(work.parent / "p")) == 24
    out = work.parent / "data"
    assert exafs_cli.main(["collect", *here, "--out", str(out)]) == 0
    listed = data.manifest(out)
    assert set(listed["files"]) == {f"{name}.csv.gz", f"{name}.extxyz.gz", "structures.csv"}
    assert listed["seed"] == site_spectra.DRAW and "exafs_cli collect" in listed["command"]
    assert listed["parameters"]["rpath"] == 7.5 and "go --work W" in listed["parameters"]["make"]
    assert len(site_spectra.read(out / f"{name}.csv.gz").chi) == 24
    snapshots = list(trajectory.read(out / f"{name}.extxyz.gz"))
    assert len(snapshots) == 30 and snapshots[3].info["frame_id"] == "seed 1, held"
    exafs_cli.main(["status", *here])
    said = capsys.readouterr().out
    assert "2-1-after         30 snapshots  24 sites" in said
    assert "GaF3               0 snapshots  -" in said


def test_a_cross_check_is_on_the_same_sites(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = ["--work", str(work)]
    exafs_cli.make_spectra(work, "2-1-after")
    assert exafs_cli.main(["cross", "--names", "2-1-after", *here]) == 0
    assert "2-1-after, feff6l: 20 sites" in capsys.readouterr().out
    out = work.parent / "data"
    assert exafs_cli.main(["collect", *here, "--out", str(out)]) == 0
    every = site_spectra.read(out / "2-1-after.csv.gz")
    listed = data.manifest(out)
    assert listed["parameters"]["cross"] == {"rpath": 4.5, "nleg": 4}
    for program in ("feff6l", "feff8l"):
        thin = site_spectra.read(out / f"2-1-after.cross-{program}.csv.gz")
        assert thin.about.atom.tolist() == every.about.atom.tolist()[::6]
        what = listed["files"][f"2-1-after.cross-{program}.csv.gz"]["description"]
        assert "every 6th site, for the cross-check" in what


def test_what_ships_stays_when_a_set_is_added(work: Path) -> None:
    out, names = work.parent / "data", ("2-1-rest-early", "2-1-melt-early")
    for name in names:
        exafs_cli.make_spectra(work / name, name, count=8)
        exafs_cli.collect(work / name, out, command=f"collect {name}")
    listed = data.manifest(out)
    assert {f"{n}.{end}.gz" for n in names for end in ("csv", "extxyz")} < set(listed["files"])
    assert set(listed["parameters"]["wall_s"]) == set(names)
    assert listed["wall_time_s"] == pytest.approx(sum(listed["parameters"]["wall_s"].values()))
    first = (out / "2-1-rest-early.csv.gz").read_bytes()
    # Again with another number of sites: this set is new, the other as it was.
    exafs_cli.make_spectra(work / "again", "2-1-melt-early", count=12)
    exafs_cli.collect(work / "again", out, command="collect again")
    assert len(site_spectra.read(out / "2-1-melt-early.csv.gz").chi) == 12
    assert (out / "2-1-rest-early.csv.gz").read_bytes() == first
    assert "12 Ga sites" in data.manifest(out)["files"]["2-1-melt-early.csv.gz"]["description"]


def test_md_runs_of_other_sets_stay_in_their_order(work: Path) -> None:
    out = work.parent / "data"
    for number, name in enumerate(("2-1-rest-early", "2-1-melt-early")):
        exafs_cli.make_spectra(work / name, name, count=4)
        snap = exafs_cli.snapshots(work / name, name)
        row = {"set": name, "seed": 1, "wall_s": 10.0 + number}
        exafs_cli.write_note(snap, {**exafs_cli.note(snap), "runs": [row]})
        exafs_cli.collect(work / name, out, command="c")
    table = pd.read_csv(out / "structures.csv")
    assert table.set.tolist() == ["2-1-melt-early", "2-1-rest-early"] and table.wall_s.tolist() == [
        11.0,
        10.0,
    ]
    # A work folder older than the walls by set: its total is kept as one.
    manifest = json.loads((out / "manifest.json").read_text())
    del manifest["parameters"]["wall_s"]
    manifest["wall_time_s"] = 500.0
    (out / "manifest.json").write_text(json.dumps(manifest))
    exafs_cli.make_spectra(work / "more", "2-1-melt-late", count=4)
    exafs_cli.collect(work / "more", out, command="c")
    # Not "more than 500": what these four made sites take may round to nothing.
    walls = data.manifest(out)["parameters"]["wall_s"]
    assert walls.pop(exafs_collect.EARLIER) == 500.0 and set(walls) == {"2-1-melt-late"}
    assert data.manifest(out)["wall_time_s"] == pytest.approx(500.0 + walls["2-1-melt-late"])
    assert set(data.manifest(out)["files"]) >= {
        f"2-1-{n}.csv.gz" for n in ("rest-early", "melt-early", "melt-late")
    }


ONE = "2-1-rest-early"


def test_go_makes_anew_what_has_more_seeds_and_says_so(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = [1, 3]

    def frames(one: Any, work: Path, *, seeds: list[int]) -> Any:
        for seed in seeds:
            for number in range(15):
                atoms = frame(100 * seed + number)
                atoms.info = {"frame_id": f"seed {seed}, rest", "time_ps": float(number)}
                yield atoms

    monkeypatch.setattr(structures, "frames", frames)
    monkeypatch.setattr(structures, "shipped", lambda one: list(seeds))
    go = ["go", "--names", ONE, "--work", str(work)]
    assert exafs_cli.main(go) == 0
    assert f"{ONE}: no whole snapshots; FEFF on up to 40 sites; sites" in capsys.readouterr().out
    first = site_spectra.read(exafs_cli.spectra(work, ONE))
    assert look.seeds(first) == [1, 3] and len(runs(work.parent / "p")) == 40
    # Nothing new: nothing is said, made or run.
    before = exafs_cli.snapshots(work, ONE).stat().st_mtime_ns
    assert exafs_cli.main(go) == 0
    assert "snapshots" not in capsys.readouterr().out
    assert exafs_cli.snapshots(work, ONE).stat().st_mtime_ns == before
    seeds.insert(1, 2)
    said: list[str] = []
    write = structures.write
    monkeypatch.setattr(structures, "write", lambda *a, **o: (said.append(capsys.readouterr().out),
                                                              write(*a, **o))[1])  # fmt: skip
    assert exafs_cli.main(go) == 0
    # Before it starts.
    assert (
        f"{ONE}: snapshots of seeds 1, 3, where now 1, 2, 3 ship; FEFF on up to 40 sites, "
        in said[0]
    )
    assert "s each the last time; sites that are in the cache cost nothing" in said[0]
    again = site_spectra.read(exafs_cli.spectra(work, ONE))
    assert look.seeds(again) == [1, 2, 3]

    def keys(found: SiteSpectra) -> set[tuple[str, float, int]]:
        rows = found.about.itertuples()
        return {(look.assembly(str(r.frame)), float(r.time_ps), int(r.atom)) for r in rows}

    # Sites of unchanged seeds come from the cache.
    new = keys(again) - keys(first)
    assert 0 < len(new) < 40 and len(runs(work.parent / "p")) == 40 + len(new)
    assert exafs_cli.note(exafs_cli.spectra(work, ONE))["seeds"] == [1, 2, 3]


def test_go_says_that_md_is_needed(work: Path) -> None:
    assert exafs_cli.cost(work, "GaF3").startswith(
        "MD of the seeds that are not there, then FEFF on"
    )
    assert exafs_cli.outdated(work, "GaF3") == "no whole snapshots"


def test_a_kill_before_the_note_is_mended(work: Path) -> None:
    out, here = work.parent / "data", ["--work", str(work)]
    exafs_cli.make_spectra(work, ONE, count=8)
    side = exafs_cli.note_file(exafs_cli.snapshots(work, ONE))
    kept = side.read_text()
    for part in (["go", "--names", ONE], ["spectra", ONE, "--sites", "8"]):
        side.unlink()
        with pytest.raises(
            InputError, match=rf"{ONE}.csv.gz: not finished, .* the part 'go --names"
        ):
            exafs_cli.collect(work, out, command="c")
        assert exafs_cli.main([*part, *here]) == 0
        assert side.read_text() == kept
    assert exafs_cli.main(["collect", *here, "--out", str(out)]) == 0


def test_spectra_of_other_seeds_than_their_snapshots_are_not_brought(work: Path) -> None:
    out = work.parent / "data"
    exafs_cli.make_spectra(work, ONE, count=8)
    exafs_cli.make_spectra(work, ONE, count=8, cross="feff6l")
    exafs_cli.collect(work, out, command="c")
    snap = exafs_cli.snapshots(work, ONE)
    exafs_cli.write_note(snap, {**exafs_cli.note(snap), "seeds": [1, 2, 3, 4]})
    with pytest.raises(InputError, match="or of other seeds than the snapshots of its set"):
        exafs_cli.collect(work, out, command="c")
    exafs_cli.make_spectra(work, ONE, count=8)
    with pytest.raises(
        InputError, match=rf"cross-feff6l.csv.gz: .* the part 'cross --names {ONE}'"
    ):
        exafs_cli.collect(work, out, command="c")
    exafs_cli.make_spectra(work, ONE, count=8, cross="feff6l")
    assert exafs_cli.collect(work, out, command="c") == 1


def test_go_does_what_is_named_and_goes_on(work: Path) -> None:
    assert exafs_cli.main(["go", "--names", "2-1-rest-early", "--work", str(work)]) == 0
    count = structures.get("2-1-rest-early").sites
    assert len(runs(work.parent / "p")) == count
    kept = sorted((work / "cache").glob("*.npz"))
    for file in kept[:3]:
        file.unlink()
    assert exafs_cli.main(["go", "--names", "2-1-rest-early", "--work", str(work)]) == 0
    assert len(runs(work.parent / "p")) == count + 3


def test_speed_is_of_fresh_runs(work: Path) -> None:
    exafs_cli.make_structures(work, "2-1-after")
    assert exafs_cli.main(["speed", "--work", str(work), "--count", "4"]) == 0
    assert len(runs(work.parent / "p")) == 8
    table = pd.read_csv(work / "speed.csv")
    assert (
        table.cores.tolist() == [1, 2]
        and table.speed_up.iloc[0] == 1.0
        and not list(work.glob("speed-*"))
    )


def test_a_foil_is_kept_as_what_was_found(work: Path) -> None:
    metal = simulated.foil()
    work.mkdir()
    file = work / "re.dat"
    np.savetxt(file, np.column_stack([metal.energy, metal.mu]), header="energy mu", fmt="%.6f")
    assert exafs_cli.main(["foil", str(file), "--source", "made up", "--work", str(work)]) == 0
    row = pd.read_csv(work / "foil.csv").iloc[0]
    assert (
        row.source == "made up"
        and row.edge_eV == pytest.approx(10535, abs=0.3)
        and row.sha256 == data.sha256(file)
    )


def test_a_foil_in_kev_is_read_when_told(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metal = simulated.foil()
    work.mkdir()
    file = work / "re.dat"
    np.savetxt(file, np.column_stack([metal.mu, metal.energy / 1000]), fmt="%.7f")
    line = ["foil", str(file), "--source", "made up", "--work", str(work)]
    assert exafs_cli.main([*line, "--columns", "energy=2 mu=1"]) == 1
    said = capsys.readouterr().err
    assert "look like keV" in said and "unit=keV); such words go into the parameter columns" in said
    assert exafs_cli.main([*line, "--columns", "energy=2 mu=1 unit=keV"]) == 0
    assert pd.read_csv(work / "foil.csv").edge_eV[0] == pytest.approx(10535, abs=0.3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["spectra", "nothing", "--work", "W"], "set 'nothing': expected GaF3"),
        (
            ["spectra", "2-1-after", "--work", "W", "--cores", "0"],
            "cores=0: expected 1 or more",
        ),
        (
            ["collect", "--work", "W", "--out", "O"],
            "no finished spectra; make them with the part 'go'",
        ),
        (
            ["speed", "--work", "W", "--name", "GaF3"],
            "no snapshots; make them with the part 'structures'",
        ),
        (
            ["spectra", "2-1-after", "--work", "W", "--sites", "9999"],
            "n=9999: 30 frames hold 120 Ga sites",
        ),
    ],
)
def test_errors_are_one_line(
    work: Path, capsys: pytest.CaptureFixture[str], line: list[str], message: str
) -> None:
    given = [{"W": str(work), "O": str(work / "out")}.get(word, word) for word in line]
    assert exafs_cli.main(given) == 1
    said = capsys.readouterr().err
    assert message in said and said.strip().splitlines()[-1].startswith("error: ")


def test_a_set_without_runs_says_how(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structures, "shipped", lambda one: [])
    with pytest.raises(InputError, match=r"campaign_cli go --preset three-one"):
        exafs_cli.make_structures(work, "3-1-after")


def test_a_note_is_json(work: Path) -> None:
    exafs_cli.make_structures(work, "2-1-after")
    file = exafs_cli.snapshots(work, "2-1-after")
    assert exafs_cli.note(file)["frames"] == 30
    assert json.loads((file.parent / "2-1-after.extxyz.json").read_text())["set"] == "2-1-after"
    assert exafs_cli.note(work / "nothing.csv.gz") == {}


# --------------------------------------------------------------------- figures


def test_figures_show_what_they_are_given(made: dict[str, ensemble.Ensemble]) -> None:
    _, ax = plt.subplots()
    curves = {n: look.curve(m) for n, m in made.items()}
    plots.plot_curves(ax, curves, look.LABELS, x_range=(0.5, 3.5))
    assert [t.get_text() for t in ax.legend().get_texts()] == ["GaF3", "GaCl3", "2:1 after"]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), curves["GaF3"].magnitude)
    assert len(ax.collections) == 3 and ax.get_xlim() == (0.5, 3.5)
    routes = {"a": {"x": Estimate(0.2, 0.1), "y": Estimate(0.5, float("nan"))}}
    _, ax = plt.subplots()
    plots.plot_routes(ax, routes)
    assert [c.lines[0].get_ydata()[0] for c in ax.containers] == pytest.approx([20, 50])
    fits = {"2-1-after": look.share(made["2-1-after"], made["GaF3"], made["GaCl3"])}
    _, ax = plt.subplots()
    plots.plot_fit(ax, fits["2-1-after"].fit)
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), fits["2-1-after"].fit.fit)
    assert ax.lines[2].get_ydata().max() < fits["2-1-after"].fit.data.min()
    _, ax = plt.subplots()
    plots.plot_convergence(ax, {"GaF3": ensemble.convergence(made["GaF3"])}, look.LABELS)
    assert ax.get_xscale() == ax.get_yscale() == "log" and len(ax.lines) == 2
    _, ax = plt.subplots()
    plots.plot_coherence(
        ax, pd.DataFrame({"near": [0.5, 0.6], "far": [0.1, 0.2]}, index=["a", "b"])
    )
    assert [p.get_height() for p in ax.patches] == pytest.approx([50, 60, 10, 20])
    _, ax = plt.subplots()
    plots.plot_site(ax, K, shell(1.9), shell(1.9), shell(2.0))
    np.testing.assert_allclose(ax.lines[1].get_ydata(), ax.lines[2].get_ydata())
    plt.close("all")


def test_the_steps_are_drawn_against_the_truth() -> None:
    k = GRID
    one = scans.scan(k, simulated.chi(k, [Shell(1.9, 6, 0.005)]))
    found = pipeline.process(one.spectrum)
    _, axes = plt.subplots(2, 2)
    plots.plot_steps(axes.ravel(), found, scans.truth(one))
    last = axes.ravel()[3]
    assert [line.get_label() for line in last.lines] == ["truth", "found", "Rbkg"]
    np.testing.assert_array_equal(last.lines[1].get_ydata(), found.transformed.magnitude)
    assert last.lines[2].get_xdata()[0] == 1.0
    plt.close("all")
