"""D2min by what a cation wears, on frames in which a known class was moved."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ase import Atoms
from test_clay_chapter import mixture

from repro.clay import mixing_chapter, mobility, nonaffine, trajectory
from repro.errors import InputError
from repro.md.statistics import Estimate


def shaken(frame: Atoms, *, size: dict[str, float], seed: int) -> Atoms:
    """A frame whose classes were moved by so much, each atom its own way."""
    rng = np.random.default_rng(seed)
    after = frame.copy()
    for words, own in mixing_chapter.surroundings_of(frame).items():
        after.positions[own] += rng.normal(0, size.get(words, 0.01), (own.sum(), 3))
    return after


def test_the_class_that_moved_is_found() -> None:
    frame = mixture(0.5)
    quiet = mobility.by_wear([frame, shaken(frame, size={}, seed=1)], cutoff=9.0)
    found = mobility.by_wear(
        [frame, shaken(frame, size={"Ga with Cl only": 0.2}, seed=1)], cutoff=9.0
    )
    assert found["Ga with Cl only"].value > 5 * found["Ga with F only"].value
    assert found["Ga with Cl only"].value > 5 * quiet["Ga with Cl only"].value
    assert np.isnan(found["Ga with both"].value)  # there are none in this frame


def test_medians_are_those_of_the_earlier_frame_averaged_over_intervals() -> None:
    frames = [mixture(0.5)]
    for seed in range(3):
        frames.append(shaken(frames[-1], size={"Ga with F only": 0.05}, seed=seed))
    found = mobility.by_wear(iter(frames), cutoff=9.0)["Ga with F only"]
    each = []
    for before, after in itertools.pairwise(frames):
        own = mixing_chapter.surroundings_of(before)["Ga with F only"]
        each.append(np.median(nonaffine.d2min(before, after, cutoff=9.0).d2min[own]))
    assert found.value == pytest.approx(np.mean(each))
    assert found.error == pytest.approx(np.std(each, ddof=1) / 3**0.5)
    assert found.samples == 3


def test_one_interval_has_no_error_and_one_frame_no_interval() -> None:
    frame = mixture(0.5)
    found = mobility.by_wear([frame, shaken(frame, size={}, seed=1)], cutoff=9.0)
    assert np.isnan(found["Li with F"].error) or np.isnan(found["Li with F"].value)
    with pytest.raises(InputError, match="fewer than two frames"):
        mobility.by_wear([frame])


def test_frames_at_whole_steps() -> None:
    frames = []
    for k in range(41):
        frame = Atoms("H")
        frame.info["time_ps"] = 6.0 + 0.1 * k
        frames.append(frame)
    kept = list(trajectory.spaced(frames, ps=1.0))
    assert [round(f.info["time_ps"], 6) for f in kept] == [6.0, 7.0, 8.0, 9.0, 10.0]
    assert list(trajectory.spaced([], ps=1.0)) == []
    with pytest.raises(InputError, match="0 ps between"):
        list(trajectory.spaced(frames, ps=0))


def test_the_table_is_in_words() -> None:
    shown = mobility.table(
        {
            "sheared": {
                "Ga with Cl only": Estimate(18.04, 1.26),
                "Ga with both": Estimate(np.nan, np.nan),
            }
        }
    )
    assert shown.sheared.tolist() == ["18.0 ± 1.3", "–"]
