"""Block sums of streams, and the errors of ratios of sums."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.clay import blocks
from repro.errors import InputError


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 200), fewest=st.integers(2, 7))
def test_blocks_are_consecutive_alike_and_bounded(count: int, fewest: int) -> None:
    held = blocks.Blocks(fewest)
    for k in range(count):
        held.add(np.array([1.0, 2.0**-k if k < 50 else 0.0]), np.array([1.0]))
    above, below = held.sums()
    lengths = below[:, 0]
    assert above.shape == (len(lengths), 2) and below.shape == (len(lengths), 1)
    assert lengths.sum() == count == held.samples == above[:, 0].sum()
    assert min(count, fewest) <= len(lengths) <= 2 * fewest
    assert (lengths[:-1] == held.length).all()
    if len(lengths) > 1:
        assert held.length / 2 <= lengths[-1] < 1.5 * held.length
    # Powers of two tell which samples a block holds.
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(int)
    expected = [sum(2.0**-k for k in range(a, min(b, 50))) for a, b in itertools.pairwise(ends)]  # fmt: skip
    assert above[:, 1] == pytest.approx(expected)


def test_blocks_do_not_change_what_was_added() -> None:
    held, sample = blocks.Blocks(2), np.ones(3)
    for _ in range(9):
        held.add(sample, sample)
    assert sample.tolist() == [1.0] * 3
    assert held.sums()[0].sum() == 27 and held.sums()[0].sum() == 27


def test_one_block_gives_no_error() -> None:
    with pytest.raises(InputError, match="1 blocks: expected 2 or more"):
        blocks.Blocks(1)


def test_a_ratio_of_equal_parts_is_a_mean_with_its_standard_error() -> None:
    x = np.random.default_rng(1).normal(size=(12, 3))
    value, error = blocks.ratio(4 * x, np.full((12, 1), 4.0))
    assert value == pytest.approx(x.mean(axis=0))
    assert error == pytest.approx(x.std(axis=0, ddof=1) / np.sqrt(12))
    # Parts without weight change nothing.
    padded = blocks.ratio(np.append(x, np.zeros((5, 3)), axis=0), np.append(np.ones(12), np.zeros(5))[:, None])  # fmt: skip
    assert padded[0] == pytest.approx(value) and padded[1] == pytest.approx(error)


def test_the_error_of_a_ratio_is_its_scatter() -> None:
    rng = np.random.default_rng(2)
    weights = rng.integers(1, 9, size=(400, 30)).astype(float)
    x = 3.0 + rng.normal(size=(400, 30)) / np.sqrt(weights)
    found = [blocks.ratio(w * one, w) for w, one in zip(weights, x, strict=True)]
    values, errors = np.array(found).T
    assert values.mean() == pytest.approx(3.0, abs=0.02)
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(), rel=0.12)


def test_a_ratio_over_nothing_is_not_a_number() -> None:
    value, error = blocks.ratio(np.zeros((4, 2)), np.array([[0.0, 1.0]] + [[0.0, 0.0]] * 3))
    assert np.isnan(value[0]) and value[1] == 0.0
    assert np.isnan(error).all()


def test_long_blocks_count_the_correlation_of_a_series() -> None:
    rng, pulls, plain = np.random.default_rng(3), [], []
    for _ in range(60):
        held, x, series = blocks.Blocks(8), 0.0, []
        for _ in range(800):
            x = 0.9 * x + np.sqrt(1 - 0.81) * rng.normal()
            held.add(np.array([x]), np.array([1.0]))
            series.append(x)
        value, error = blocks.ratio(*held.sums())
        pulls.append(value[0] / error[0])
        plain.append(value[0] / (np.std(series) / np.sqrt(800)))
    assert np.sqrt(np.mean(np.square(pulls))) < 1.5
    assert np.sqrt(np.mean(np.square(plain))) > 3.0
