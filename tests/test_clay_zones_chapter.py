"""Zones along a shear run whose events are planted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from scipy.stats import spearmanr

from repro.clay import zones_chapter as look
from repro.clay.surroundings import ChlorineTest
from repro.errors import InputError

EDGE = 18.0


def glass(seed: int = 0) -> Atoms:
    """GaCl4-like sites on the left, GaF4-like ones on the right, on a jittered grid."""
    rng = np.random.default_rng(seed)
    symbols: list[str] = []
    x: list[np.ndarray] = []
    arms = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    for site in np.argwhere(np.ones((3, 3, 3))):
        chlorine = site[0] == 0
        centre = 6.0 * site + 3.0 + rng.uniform(-0.2, 0.2, 3)
        symbols += ["Ga", *4 * ["Cl" if chlorine else "F"], "Li"]
        x += [centre, *(centre + (2.15 if chlorine else 1.85) * arms), [*(centre + 3.0)]]
    return Atoms(symbols, positions=np.array(x) % EDGE, cell=3 * [EDGE], pbc=True)


def run(
    *, seed: int = 0, frames: int = 6, size: float = 1.2, where: str = "Cl", noise: float = 0.02
) -> Iterator[Atoms]:
    """Shear in steps of 0.01; in each, one gallium with its shell jumps."""
    rng = np.random.default_rng(seed)
    first = glass(seed)
    symbols = np.array(first.get_chemical_symbols())
    fractional = first.get_scaled_positions()
    for k in range(frames):
        cell = np.array([[EDGE, 0, 0], [0, EDGE, 0], [0, 0.01 * k * EDGE, EDGE]])
        atoms = Atoms(symbols, scaled_positions=fractional, cell=cell, pbc=True)
        atoms.info = {"time_ps": 2.0 * k, "strain": 0.01 * k}
        yield atoms
        fractional = fractional + rng.normal(0, noise, fractional.shape) / EDGE
        sites = [g for g in np.flatnonzero(symbols == "Ga") if symbols[g + 1] == where]
        if sites and size:
            centre = rng.choice(sites)
            moved = np.arange(centre, centre + 5)
            jump = rng.normal(0, 1, 3)
            fractional[moved] += size * jump / np.linalg.norm(jump) / EDGE


def test_strain_from_time() -> None:
    frames = [f for f in look.strained(run(frames=3), rate_per_s=5e9)]
    assert [f.info["strain"] for f in frames] == pytest.approx([0.0, 0.01, 0.02])
    with pytest.raises(InputError, match="shear rate 0"):
        next(look.strained(run(), rate_per_s=0))


def test_a_planted_event_is_a_zone_in_each_interval() -> None:
    found = list(look.intervals(run(), threshold=15.0))
    assert [one.strain for one in found] == pytest.approx([0.005, 0.015, 0.025, 0.035, 0.045])
    for one in found:
        assert one.found and one.found[0].size >= 3
        symbols = np.array(one.atoms.get_chemical_symbols())
        assert set(symbols[one.found[0].indices]) <= {"Ga", "Cl"}
    table = look.history(found)
    assert (table.zones >= 1).all() and (table.largest <= 8).all() and (table.windings == 0).all()
    assert (table.participation < 0.5).all() and table.psi.min() > 0
    assert (table.share < 0.1).all()


def test_without_events_there_are_none() -> None:
    quiet = list(look.intervals(run(size=0.0), threshold=15.0))
    table = look.history(quiet)
    assert (table.zones == 0).all() and (table.largest == 0).all() and (table.share == 0).all()


def test_chlorine_in_zones_is_seen_where_it_was_planted() -> None:
    made = {s: look.makeup(look.intervals(run(seed=s), threshold=15.0)) for s in (1, 2, 3)}
    for one in made.values():
        assert one.difference() > 0.5 and one.mostly_chlorine() == 1.0
        assert len(one.share) == len(one.inside) == len(one.strain) == 5 * 27
    found = look.chlorine_in_zones(made, samples=300)
    assert found.difference > 0.5 and found.p_value < 0.01 and found.units == 3
    assert found.clear()
    ranks = look.correlate(made)
    naive = [spearmanr(one.d2min, one.share).statistic for one in made.values()]
    assert ranks.value == pytest.approx(np.mean(naive)) and ranks.value > ranks.margin
    assert ranks.error == pytest.approx(np.std(naive, ddof=1) / np.sqrt(3)) and ranks.samples == 3


def test_a_rank_correlation_needs_what_differs() -> None:
    same = look.Makeup(np.zeros(3), np.arange(3.0), np.ones(3), np.zeros(3, dtype=bool))
    with pytest.raises(InputError, match="seed 4: 3 Ga"):
        look.correlate({4: same})


def test_zones_among_fluorine_are_not_called_chlorine_rich() -> None:
    made = {s: look.makeup(look.intervals(run(seed=s, where="F"), threshold=15.0)) for s in (1, 2)}
    assert all(one.difference() < 0 and one.mostly_chlorine() < 0.5 for one in made.values())
    assert look.chlorine_in_zones(made, samples=300).p_value > 0.5


def test_nothing_in_zones_has_no_difference() -> None:
    one = look.makeup(look.intervals(run(size=0.0), threshold=1e9))
    assert np.isnan(one.difference()) and np.isnan(one.mostly_chlorine())
    with pytest.raises(InputError, match="no intervals"):
        look.makeup([])


def test_stages_are_means_over_ranges_and_seeds() -> None:
    table = pd.DataFrame({"strain": [0.005, 0.015, 0.025, 0.035], "largest": [1, 3, 10, 20]})
    other = table.assign(largest=[3, 5, 10, 40])
    low, high = look.stages({1: table, 2: other}, edges=[0.0, 0.02, 0.04], column="largest")
    assert low.value == pytest.approx(3.0) and high.value == pytest.approx(20.0)
    assert low.error == pytest.approx(1.0) and high.error == pytest.approx(5.0)
    with pytest.raises(InputError, match=r"seed 1: no intervals between strains 0\.1 and 0\.2"):
        look.stages({1: table}, edges=[0.1, 0.2], column="largest")


def test_ranges_have_their_lower_edge_and_not_their_upper_one() -> None:
    strain = [0.0, 0.1, 0.15, 0.2]
    first, second = look.ranges(strain, (0.0, 0.1, 0.2))
    assert first.tolist() == [True, False, False, False]
    assert second.tolist() == [False, True, True, False]
    with pytest.raises(InputError, match=r"1 interval between strains 0\.0 and 0\.1: expected 2"):
        list(look.ranges(strain, (0.0, 0.1, 0.2), least=2))


def test_intervals_hold_two_frames_and_are_made_as_they_are_asked_for() -> None:
    asked: list[int] = []

    def stream() -> Iterator[Atoms]:
        for k, frame in enumerate(run()):
            asked.append(k)
            yield frame

    made = look.intervals(stream(), threshold=15.0)
    assert next(made).strain == pytest.approx(0.005) and asked == [0, 1]
    assert next(made).strain == pytest.approx(0.015) and asked == [0, 1, 2]


def test_makeups_are_joined_in_order() -> None:
    one = look.Makeup(np.zeros(2), np.ones(2), np.full(2, 0.5), np.array([True, False]))
    two = look.Makeup(np.ones(1), np.full(1, 3.0), np.zeros(1), np.array([True]))
    found = look.joined([one, two])
    assert found.strain.tolist() == [0, 0, 1] and found.d2min.tolist() == [1, 1, 3]
    assert found.share.tolist() == [0.5, 0.5, 0.0] and found.inside.tolist() == [True, False, True]


def test_an_excess_is_compared_with_that_at_rest() -> None:
    sheared = ChlorineTest(0.5, 0.02, 0.001, 3, noise=0.03)
    # Three seeds that agree by chance: the noise of the few atoms is the error.
    rest = ChlorineTest(0.2, 0.001, 0.3, 3, noise=0.04)
    found = look.beyond_rest(sheared, rest)
    assert found.value == pytest.approx(0.3) and found.error == pytest.approx(0.05)
    assert look.rest_words(found, rest) == "more than in a glass that nobody shears"
    loud = ChlorineTest(0.2, 0.001, 0.3, 3, noise=0.12)
    words = look.rest_words(look.beyond_rest(sheared, loud), loud)
    assert words.startswith("but hardly more than in the few zones") and "(20 ± 12)" in words


def test_another_threshold_gives_the_zones_of_intervals_made_with_it() -> None:
    first = list(look.intervals(run(), threshold=20.0))
    again = look.regrouped(first, threshold=5.0)
    wanted = list(look.intervals(run(), threshold=5.0))
    assert look.history(again).equals(look.history(wanted))
    assert not look.history(again).equals(look.history(first))
