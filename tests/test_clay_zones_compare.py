"""Zones compared, on runs whose events are planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from helpers_clay import CL, GA, SHEAR, F, deformed, images, noisy, salt
from test_clay_zones_chapter import glass, run

from repro.clay import shear_plots, surroundings, zones_chapter
from repro.clay import zones_compare as look
from repro.clay.zones_chapter import Interval
from repro.errors import InputError
from repro.figures import new_figure


def found(where: str = "Cl", *, seed: int = 0, frames: int = 16) -> list[Interval]:
    return list(zones_chapter.intervals(run(where=where, seed=seed, frames=frames), threshold=20.0))


def test_slip_is_neighbours_times_its_square() -> None:
    frame = salt()
    near = sum(1 for _ in images(frame, 4.0)) / len(frame)
    assert look.slip_threshold(frame, cutoff=4.0) == pytest.approx(near)
    assert look.slip_threshold(frame, cutoff=4.0, slip=0.5) == pytest.approx(near / 4)
    with pytest.raises(InputError, match="slip 0"):
        look.slip_threshold(frame, slip=0)


def test_an_atom_that_slips_has_about_that_d2min() -> None:
    before = salt(400)
    moves = np.zeros((400, 3))
    moves[7, 0] = 1.0
    after = deformed(before, SHEAR, moves)
    field = look.nonaffine.d2min(before, after)
    limit = look.slip_threshold(before)
    # The affine map can follow a part of it, and the atom has its own number of neighbours.
    assert field.d2min[7] == pytest.approx(limit, rel=0.35)
    assert np.delete(field.d2min, 7).max() < limit / 10


def test_quantiles_of_a_still_run_are_zero_and_of_a_noisy_one_are_not() -> None:
    still = look.quantiles(run(size=0.0, noise=0.0, frames=4))
    assert max(still.values()) < 1e-12
    noisy = look.quantiles(run(size=0.0, noise=0.1, frames=4), shares=(0.1, 0.9))
    assert 0 < noisy[0.1] < noisy[0.9]
    with pytest.raises(InputError, match="fewer than two"):
        look.quantiles(run(frames=1))


def test_quantiles_count_only_the_elements_asked_for() -> None:
    # Jumps of GaCl4 units: lithium stays where it was, but sees them move.
    gallium = look.quantiles(run(), shares=(0.99,), elements=("Ga",))
    lithium = look.quantiles(run(), shares=(0.99,), elements=("Li",))
    assert gallium[0.99] > 3 * lithium[0.99]


def history(*values: float) -> pd.DataFrame:
    return pd.DataFrame({"strain": [0.03, 0.09, 0.16], "largest": list(values)})


def test_changes_within_one_run_have_the_error_of_its_intervals() -> None:
    table = pd.DataFrame({"strain": [0.01, 0.03, 0.05, 0.07, 0.09, 0.15, 0.17],
                          "psi": [1.0, 2.0, 3.0, 6.0, 8.0, 4.0, 4.0]})  # fmt: skip
    up, down = look.changes_within(table, edges=(0, 0.06, 0.13, 0.2), column="psi")
    # Means 2, 7 and 4; standard errors 1/sqrt(3), sqrt(2)/sqrt(2) and 0.
    assert (up.value, down.value) == pytest.approx((5.0, -3.0))
    assert (up.error, down.error) == pytest.approx((np.sqrt(1 / 3 + 1), 1.0))
    with pytest.raises(InputError, match=r"1 interval between strains 0.05 and 0.06: expected 2"):
        look.changes_within(table, edges=(0, 0.05, 0.06, 0.2), column="psi")


def test_a_campaign_without_relaxed_frames_is_an_empty_result() -> None:
    assert look.relaxed("shear", rate_per_s=1e10, threshold=9.0, preset="paper") == {}


@pytest.mark.parametrize(("where", "sign"), [("Cl", 1), ("F", -1)])
def test_mobile_gallium_wears_what_was_planted(where: str, sign: int) -> None:
    test = look.class_chlorine({s: found(where, seed=s) for s in (0, 1)}, strain=(0.0, 0.2))
    # A third of the gallium wears chlorine, so that is the most by which others can fall short.
    assert sign * test.difference > 0.3
    assert (test.p_value < 0.01) == (sign > 0)
    assert test.units == 2


def test_without_events_there_is_no_chemistry() -> None:
    quiet = {s: list(zones_chapter.intervals(run(size=0.0, noise=0.05, seed=s, frames=21),
                                             threshold=20.0)) for s in range(3)}  # fmt: skip
    test = look.class_chlorine(quiet, strain=(0.0, 0.3), by="quantile")
    assert abs(test.difference) < 4 * test.error + 0.05


def test_intervals_outside_the_window_are_left_out() -> None:
    with pytest.raises(InputError, match="no interval within strain"):
        look.class_chlorine({1: found()}, strain=(0.5, 0.6))


# g(r) of classes


def film(count: int = 6, *, size: int = 160, seed: int = 1) -> list[Atoms]:
    frames = []
    atoms = salt(size, seed=seed)
    for k in range(count):
        atoms = deformed(atoms, SHEAR, noisy(atoms, 0.1, seed=100 * seed + k))
        atoms.info["strain"] = round(0.01 * k, 4)
        frames.append(atoms)
    return frames


def moved(frames: list[Atoms], *, cutoff: float = 6.5) -> list[Interval]:
    return list(zones_chapter.intervals(frames, cutoff=cutoff, threshold=np.inf))


def test_class_rdf_agrees_with_freud() -> None:
    import freud

    [one] = moved(film(2, size=640))
    found = look.class_rdf([one], by="quantile", bins=40)
    names = np.array(one.atoms.get_chemical_symbols())
    own = np.flatnonzero(names == "Ga")
    cut = surroundings.classes(one.field.d2min[own], by="quantile")
    box = freud.box.Box.from_matrix(one.atoms.cell.array.T)
    points = box.wrap(one.atoms.positions)
    for name, mask in (("high", cut.high), ("low", cut.low)):
        assert found.centres[name] == mask.sum() == 8
        for partner in ("F", "Cl"):
            # The cell allows freud 6 angstrom of our 8.
            rdf = freud.density.RDF(bins=30, r_max=6.0)
            rdf.compute((box, points[names == partner]), query_points=points[own[mask]])
            # freud works in single precision, so a pair may fall into the next bin.
            weight, ours = rdf.bin_centers**2, found.g[name, partner][:30]
            assert np.isclose(ours, rdf.rdf, rtol=2e-3, atol=1e-3).mean() > 0.9
            assert (ours * weight).sum() == pytest.approx((rdf.rdf * weight).sum(), rel=0.01)
    np.testing.assert_allclose(found.r[:30], rdf.bin_centers, rtol=1e-5)


def test_class_rdf_of_random_points_is_one() -> None:
    found = look.class_rdf(moved(film(8, size=480)), by="quantile", bins=8)
    for g in found.g.values():
        assert g[3:] == pytest.approx(1.0, abs=0.25)
    # A tenth of 60 Ga in each class of each of seven intervals.
    assert found.centres == {"high": 42, "low": 42} and found.intervals == 7


def test_class_rdf_finds_chlorine_around_what_moves() -> None:
    # Every Ga has one close anion; the Ga with Cl jump, those with F do not.
    rng = np.random.default_rng(3)
    grid = np.stack(np.meshgrid(*[np.arange(5) * 8.0] * 3, indexing="ij"), -1).reshape(-1, 3)
    rich = rng.random(125) < 0.3
    numbers = np.concatenate([np.full(125, GA), np.where(rich, CL, F)])
    points = np.concatenate([grid, grid + np.array([2.0, 0.0, 0.0])])
    frames = []
    for k in range(4):
        moves = rng.normal(scale=0.01, size=(250, 3))
        moves[:125][rich] += rng.choice([-1, 1], (rich.sum(), 1)) * [0.0, 0.4, 0.0]
        frames.append(Atoms(numbers, positions=points + (k % 2) * moves, cell=[40.0] * 3, pbc=True,
                            info={"strain": 0.01 * k}))  # fmt: skip
    found = look.class_rdf(moved(frames, cutoff=9.0), by="quantile", bins=40)
    near = (found.r > 1.7) & (found.r < 2.3)
    assert found.g["high", "Cl"][near].max() > 10 * found.g["high", "F"][near].max()
    assert found.g["low", "F"][near].max() > 10 * found.g["low", "Cl"][near].max()


def test_class_rdf_takes_intervals_by_their_middle() -> None:
    every = moved(film(6))
    chosen = look.class_rdf(every, strain=(0.012, 0.034))
    by_hand = look.class_rdf(every[1:3])
    assert chosen.intervals == 2
    for kind in chosen.g:
        np.testing.assert_array_equal(chosen.g[kind], by_hand.g[kind])


@pytest.mark.parametrize("by", ["maximum", "quantile"])
def test_class_rdf_of_intervals_is_weighted_by_centres(by: str) -> None:
    every = moved(film(5))
    whole = look.class_rdf(every, by=by, bins=8)
    parts = [look.class_rdf([one], by=by, bins=8) for one in every]
    # The volume is the same all along, so the weights are numbers of centres; none, no g.
    for kind in whole.g:
        g, w = np.nan_to_num([p.g[kind] for p in parts]), [p.centres[kind[0]] for p in parts]
        np.testing.assert_allclose(whole.g[kind], np.average(g, axis=0, weights=w))


def test_a_class_without_atoms_has_no_g() -> None:
    one = moved(film(2))[0]
    field = replace(one.field, d2min=np.ones(160))  # none is below a tenth of the largest
    found = look.class_rdf([replace(one, field=field)], bins=4)
    assert found.centres == {"high": 20, "low": 0}
    assert np.isnan(found.g["low", "F"]).all() and np.isfinite(found.g["high", "F"]).all()


def test_classes_that_cannot_be() -> None:
    every = moved(film(3))
    with pytest.raises(InputError, match="bins 0"):
        look.class_rdf(every, bins=0)
    with pytest.raises(InputError, match=r"no interval within strain \(0.5, 0.6\)"):
        look.class_rdf(every, strain=(0.5, 0.6))
    with pytest.raises(InputError, match="no interval"):
        look.class_rdf([])
    with pytest.raises(InputError, match="Br: not in"):
        look.class_rdf(every, centre="Br")


def rdf(high: float, low: float, n: int = 3) -> look.ClassRdf:
    r = np.linspace(0.05, 5, 100)
    bump = np.exp(-(((r - 1.9) / 0.1) ** 2))
    far = 9 * np.exp(-(((r - 4.0) / 0.1) ** 2))
    g = {("high", "F"): high * bump + far, ("low", "F"): low * bump + far}
    return look.ClassRdf(r, g, {"high": n, "low": 2 * n}, n)


def test_peak_difference_looks_at_the_first_peak_alone() -> None:
    runs = {1: rdf(2.0, 3.0), 2: rdf(2.2, 3.0)}
    one = look.peak_difference(runs, "F", upto=2.5)
    assert one.value == pytest.approx(-0.9, rel=0.02)
    assert one.error == pytest.approx(0.1, rel=0.02)


def test_mean_of_classes() -> None:
    both = look.mean_classes({1: rdf(2.0, 3.0), 2: rdf(2.2, 3.0)})
    assert both.g["high", "F"].max() == pytest.approx(9.0, rel=0.01)
    np.testing.assert_allclose(both.g["high", "F"], (rdf(2, 3).g["high", "F"] + rdf(2.2, 3).g["high", "F"]) / 2)  # fmt: skip
    near = both.r < 2.5
    assert both.error["high", "F"][near].max() == pytest.approx(0.1, rel=0.02)
    assert both.error["low", "F"].max() == 0
    assert both.centres == {"high": 6, "low": 12}
    assert both.intervals == 6
    assert np.isnan(look.mean_classes({1: rdf(2.0, 3.0)}).error["low", "F"]).all()
    with pytest.raises(InputError, match="no g"):
        look.mean_classes({})


def test_a_seed_without_atoms_in_a_class_is_left_out_of_it() -> None:
    empty = rdf(np.nan, 3.0, n=0)
    some = look.mean_classes({1: rdf(2.0, 3.0), 2: empty, 3: rdf(2.2, 3.0)})
    both = look.mean_classes({1: rdf(2.0, 3.0), 3: rdf(2.2, 3.0)})
    np.testing.assert_array_equal(some.g["high", "F"], both.g["high", "F"])
    assert np.isnan(look.mean_classes({2: empty}).g["high", "F"]).all()


def test_the_largest_zone_of_each_range() -> None:
    every = found()
    early, late = look.thirds(every, (0.0, 0.08, 0.2))
    assert early.strain < 0.08 <= late.strain
    assert all(early.found[0].size >= one.found[0].size for one in every if one.strain < 0.08 and one.found)  # fmt: skip
    with pytest.raises(InputError, match=r"no intervals between strains 0\.5 and 0\.6"):
        look.thirds(every, (0.5, 0.6))


def test_a_map_of_a_slice_shows_the_largest_zone_and_fewer_atoms() -> None:
    _, axes = new_figure(1, 2)
    (one,) = look.thirds(found(), (0.0, 0.2))
    whole = shear_plots.plot_map(axes[0], one, largest=40.0)
    part = shear_plots.plot_map(axes[1], one, largest=40.0, thickness=4.0)
    assert len(whole.get_offsets()) == len(one.atoms)
    assert 0 < len(part.get_offsets()) < len(one.atoms) / 2
    frame = one.atoms.copy()
    frame.wrap()
    first = frame.positions[one.found[0].indices[0], 1:]
    assert np.abs(np.asarray(part.get_offsets()) - first).sum(axis=1).min() < 1e-9


def test_shipped_runs_are_asked_for_by_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def shipped(*what: object, preset: str = "reference"):  # type: ignore[no-untyped-def]
        asked.append((*what, preset))
        return run(frames=16)

    monkeypatch.setattr(look.inherent, "seeds", lambda protocol, preset: [1, 3])
    monkeypatch.setattr(look.chapter, "seeds", lambda protocol, preset: [1, 2])
    monkeypatch.setattr(look.inherent, "frames", shipped)
    monkeypatch.setattr(look.chapter, "frames", shipped)
    cold = look.relaxed("rest", rate_per_s=5e9, threshold=20.0)
    assert list(cold) == [1, 3]
    assert [one.strain for one in cold[1]] == pytest.approx([0.005 + 0.01 * k for k in range(15)])
    hot = look.warm("shear", rate_per_s=5e9, threshold=20.0)
    g = look.classes_of(hot, centre="Ga", strain=(0.09, 0.14))
    assert list(hot) == list(g) == [1, 2] and g[2].intervals == 5
    own = "reference"
    assert asked == [(1, "rest", own), (3, "rest", own),
                     (1, "shear", "shear", own), (2, "shear", "shear", own)]  # fmt: skip
    look.relaxed("shear", rate_per_s=1e10, threshold=20.0, preset="large")
    assert asked[-2:] == [(1, "shear", "large"), (3, "shear", "large")]
    look.warm("shear", rate_per_s=1e10, threshold=20.0, preset="large")
    assert asked[-2:] == [(1, "shear", "shear", "large"), (2, "shear", "shear", "large")]


def test_the_planted_glass_is_what_it_says() -> None:
    around = surroundings.environment(glass())
    assert sorted(set(around.share.tolist())) == [0.0, 1.0]
