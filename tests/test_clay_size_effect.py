"""Exchange in large against small assemblies, on curves whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from repro.clay import size_effect
from repro.clay.mixing import Exchange
from repro.errors import InputError


def melt(rate: float, *, start: float = 0.3, until: float = 50.0, error: float = 0.0) -> Exchange:
    """A melt whose progress is 1 - exp(-sqrt(rate t)), as of diffusion from a face at first."""
    t = np.arange(0.0, until + 0.5, 1.0)
    share = start + (1 - start) * (1 - np.exp(-np.sqrt(rate * t)))
    other = np.zeros_like(t)
    return Exchange(
        t, other, share, other, other, {"chlorine_on_gallium": np.full_like(t, error)}, 0.4
    )


def test_progress_takes_the_start_off() -> None:
    x = size_effect.progress(melt(0.05, start=0.45))
    assert x[0] == 0
    assert x == pytest.approx(1 - np.exp(-np.sqrt(0.05 * np.arange(51))))


def test_nothing_left_to_exchange_is_said() -> None:
    with pytest.raises(InputError, match="all chlorine is on gallium in the first frame"):
        size_effect.progress(melt(0.05, start=1.0))


@pytest.mark.parametrize("slower", [2.0, 4.65, 10.0])
def test_a_known_delay_is_found_whatever_the_starts(slower: float) -> None:
    small = {1: melt(0.2, start=0.32), 2: melt(0.2, start=0.45), 3: melt(0.2, start=0.31)}
    large = melt(0.2 / slower, start=0.22, until=20.0)
    found = size_effect.delay(small, large, until=20.0, later=50.0)
    # The curves are read on straight lines between frames a picosecond apart.
    assert found.factor.value == pytest.approx(slower, rel=0.05)
    assert found.later.value == pytest.approx(
        melt(0.2 / slower, start=0.22).chlorine_on_gallium[-1], abs=0.01
    )
    assert found.factor.samples == 3
    assert found.large.value == pytest.approx(large.chlorine_on_gallium[-1])
    assert found.small.value == pytest.approx(
        np.mean([one.chlorine_on_gallium[20] for one in small.values()])
    )


def test_the_power_of_the_lengths() -> None:
    small = {1: melt(0.2), 2: melt(0.2)}
    found = size_effect.delay(small, melt(0.2 / 4.0, until=20.0), until=20.0, later=50.0)
    assert found.power(2.0) == pytest.approx(2.0, abs=0.1)
    with pytest.raises(InputError, match="ratio of lengths 1"):
        found.power(1.0)


def test_errors_are_of_the_seeds_and_of_the_large_run() -> None:
    alike = {1: melt(0.2), 2: melt(0.2), 3: melt(0.2)}
    unlike = {1: melt(0.15), 2: melt(0.2), 3: melt(0.27)}
    sure, unsure = melt(0.05, until=20.0), melt(0.05, until=20.0, error=0.02)
    none = size_effect.delay(alike, sure, until=20.0, later=50.0)
    seeds = size_effect.delay(unlike, sure, until=20.0, later=50.0)
    atoms = size_effect.delay(alike, unsure, until=20.0, later=50.0)
    both = size_effect.delay(unlike, unsure, until=20.0, later=50.0)
    assert none.factor.error == pytest.approx(0, abs=1e-9)
    assert none.later.error == pytest.approx(0, abs=1e-9)
    for kind in ("factor", "later"):
        a, b, c = (getattr(one, kind).error for one in (seeds, atoms, both))
        assert a > 0 and b > 0
        assert c == pytest.approx(np.hypot(a, b), rel=0.2)


def test_a_moment_between_two_frames() -> None:
    small = {1: melt(0.2)}
    large = melt(0.05, until=20.0)
    early, late = (size_effect.delay(small, large, until=t, later=50.0) for t in (19.0, 20.0))
    between = size_effect.delay(small, large, until=19.5, later=50.0)
    assert early.large.value < between.large.value < late.large.value
    assert np.isfinite(between.factor.error)


@pytest.mark.parametrize(
    ("until", "words"), [(0.0, "until 0"), (21.0, "until 21"), (-1.0, "until -1")]
)
def test_a_moment_outside_the_melt(until: float, words: str) -> None:
    with pytest.raises(InputError, match=rf"{words}.*the melt has 0 to 20 ps"):
        size_effect.delay({1: melt(0.2)}, melt(0.05, until=20.0), until=until, later=50.0)


def test_what_cannot_be_compared_is_said() -> None:
    large = melt(0.05, until=20.0)
    with pytest.raises(InputError, match="no small assembly"):
        size_effect.delay({}, large, until=20.0, later=50.0)
    with pytest.raises(InputError, match=r"seed 7: its progress ends at 0\.\d+, expected 0\.6"):
        size_effect.delay({7: melt(0.001)}, large, until=20.0, later=50.0)
    with pytest.raises(InputError, match=r"seed 7: 900 ps are its .*ends at 50"):
        size_effect.delay({7: melt(0.2)}, large, until=20.0, later=900.0)
    back = melt(0.05, until=20.0)
    back.chlorine_on_gallium[-1] = 0.1
    with pytest.raises(InputError, match="has gone back by 20"):
        size_effect.delay({1: melt(0.2)}, back, until=20.0, later=50.0)
