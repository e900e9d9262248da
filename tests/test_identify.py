"""Identification on simulated powders whose contents are known."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from repro import powders
from repro.errors import InputError
from repro.identify import THRESHOLD, Library
from repro.pattern_fit import spline_basis
from repro.patterns import Pattern

SCAN = (10.0, 72.0, 0.04)


@lru_cache(maxsize=1)
def setting() -> tuple[dict[str, powders.Candidate], Library]:
    pool = powders.candidates()
    return pool, Library(list(pool.values()))


def test_table_1_is_complete_but_for_the_phase_without_coordinates() -> None:
    pool, _ = setting()
    assert set(pool) == {"LiCl", "GaF3", "LiF", "SbF3", "SbCl3", "LiI", "InBr3", "LiBr", "InI3",
                         "GaI3", "GaCl3"}  # fmt: skip
    assert powders.WITHOUT_COORDINATES == ("Li3GaF6",)
    assert all(0 < c.stretch < 0.05 for c in pool.values())


@pytest.mark.parametrize("names", [("LiF", "SbCl3"), ("LiBr", "InI3"), ("LiCl",)])
def test_known_answers(names: tuple[str, ...]) -> None:
    pool, library = setting()
    weights = {n: 1.0 for n in names}
    made = powders.powder(pool, weights, sizes=30.0, shift=0.03, scan=SCAN, seed=11,
                          strains={n: 0.5 * pool[n].stretch for n in names})  # fmt: skip
    found = library.identify(made.pattern)
    assert set(found.names) == set(names)
    assert found.chi2 < 1.5
    assert not found.unexplained
    for match in found.matches:
        assert abs(match.weight - made.weights[match.name]) < max(5 * match.weight_err, 0.01)
        assert match.size == pytest.approx(30, rel=0.2)
        assert match.strain == pytest.approx(0.5 * pool[match.name].stretch, abs=1.5e-3)
        assert match.lines_seen >= 0.8 * match.lines_expected
        assert not match.ambiguous


def test_clay_shows_only_lithium_chloride_under_the_halo() -> None:
    pool, library = setting()
    made = powders.powder(pool, {"LiCl": 1.0}, halo=2000.0, peak=3000.0, sizes=30.0, scan=SCAN,
                          seed=5)  # fmt: skip
    assert library.identify(made.pattern).names == ("LiCl",)


def test_nothing_is_named_in_a_pattern_without_lines() -> None:
    _, library = setting()
    x = powders.grid(SCAN)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        y = rng.poisson(400 + 500 * np.exp(-(((x - 28) / 7) ** 2))).astype(float)
        assert library.identify(Pattern(x, y, "halo", synthetic=True)).names == ()


def test_random_powders_recall_and_precision() -> None:
    pool, library = setting()
    test = powders.benchmark(library, pool, powders=4, seed=20)
    assert test.recall[0] >= 0.85
    assert test.precision[0] >= 0.85
    assert test.weight_rms < 0.06
    assert {"powder", "phase", "weight", "named"} <= set(test.phases.columns)


def test_scale_and_offset_of_the_intensity_unit_do_not_matter() -> None:
    pool, library = setting()
    made = powders.powder(pool, {"LiF": 0.3, "SbCl3": 0.7}, scan=SCAN, seed=3)
    p = made.pattern
    one = library.identify(p)
    other = library.identify(Pattern(p.two_theta, p.intensity / p.intensity.max(), "scaled"))
    assert one.names == other.names
    for a, b in zip(one.matches, other.matches, strict=True):
        assert a.weight == pytest.approx(b.weight, abs=0.01)


def test_free_cells_find_what_an_even_stretch_cannot() -> None:
    pool, library = setting()
    made = powders.crooked_powder(pool, "SbCl3", (0.009, -0.009, 0.004, 0.0),
                                  {"SbCl3": 1.0}, seed=2)  # fmt: skip
    stiff = library.identify(made.pattern, elements=["Sb", "Cl", "Li"])
    free = library.identify(made.pattern, elements=["Sb", "Cl", "Li"], free_cells=True)
    assert free.names == ("SbCl3",)
    assert free.chi2 < 1.5 < stiff.chi2
    change = free.matches[0].cell_change
    assert isinstance(change, tuple)
    assert change[:3] == pytest.approx((0.009, -0.009, 0.004), abs=1.5e-3)


@pytest.mark.parametrize(("target", "host"), [("LiF", {"GaI3": 1.0}), ("GaCl3", {"LiCl": 1.0})])
def test_detection_limit_holds_in_simulation(target: str, host: dict[str, float]) -> None:
    """At twice the limit a phase is named, at a third of it not."""
    pool, library = setting()
    limit = powders.detection_limit(pool, target, host, size=20.0, scan=SCAN)
    assert 0 < limit < 0.3
    for factor, expected in ((2.0, True), (0.33, False)):
        share = factor * limit
        weights = {target: share, **{n: w * (1 - share) for n, w in host.items()}}
        made = powders.powder(pool, weights, sizes={target: 20.0}, scan=SCAN, seed=8)
        assert (target in library.identify(made.pattern).names) is expected


def test_detection_limit_scales_with_counts_and_size() -> None:
    pool, _ = setting()

    def limit(**options: float) -> float:
        return powders.detection_limit(pool, "LiF", {"GaI3": 1.0}, scan=SCAN, **options)

    # w / (1 - w) goes as one over the square root of the counts, for small w
    few, many = limit(peak=1e5, background=1e4), limit(peak=4e5, background=4e4)
    assert few / many == pytest.approx(2.0, rel=0.1)
    assert limit(size=4.0) > limit(size=10.0) > limit(size=50.0)
    assert limit(threshold=4 * THRESHOLD) > 1.5 * limit()


def test_elements_narrow_the_search() -> None:
    pool, library = setting()
    assert {c.name for c in library.within(["Li", "F", "Ga"])} == {"LiF", "GaF3"}
    made = powders.powder(pool, {"LiF": 1.0}, scan=SCAN)
    with pytest.raises(InputError, match="no candidate phase is made of"):
        library.identify(made.pattern, elements=["Xe"])


def test_splines_sum_to_one() -> None:
    x = powders.grid(SCAN)
    np.testing.assert_allclose(spline_basis(x).sum(axis=1), 1.0)


def test_wilson_interval() -> None:
    assert powders.wilson(0, 0)[0] != powders.wilson(0, 0)[0]  # nan
    centre, half = powders.wilson(50, 100)
    assert centre == 0.5
    assert half == pytest.approx(0.05, abs=0.002)
    for hits, trials in ((10, 10), (0, 7), (3, 4), (57, 60)):
        share, error = powders.wilson(hits, trials)
        low, high = binomtest(hits, trials).proportion_ci(0.6826894921, method="wilson")
        assert error == pytest.approx(max(high - share, share - low))


def test_crossing() -> None:
    limits = pd.Series([20.0, 5.0], index=[4.0, 16.0])
    assert powders.crossing(limits, 10.0) == pytest.approx(8.0)
    assert powders.crossing(limits, 30.0) == 0.0
    assert powders.crossing(limits, 1.0) == float("inf")


def test_bad_powders_and_libraries() -> None:
    pool, _ = setting()
    with pytest.raises(InputError, match=r"'LiCL' is not a candidate \(did you mean 'LiCl'"):
        powders.powder(pool, {"LiCL": 1.0})
    with pytest.raises(InputError, match="weight of LiCl: -1"):
        powders.powder(pool, {"LiCl": -1.0})
    with pytest.raises(InputError, match="at least one phase"):
        powders.powder(pool, {})
    with pytest.raises(InputError, match="at least one candidate"):
        Library([])
    with pytest.raises(InputError, match="must differ"):
        Library([pool["LiF"], pool["LiF"]])
