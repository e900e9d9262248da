"""Powder patterns of mixtures: parts by weight, background, counting noise, likeness of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from repro.diffraction import Array, Lines, Strain, profile
from repro.errors import InputError

HUMP = 28.0  # degrees, middle of an amorphous halo
_SPAN, _SIZE = (10.0, 80.0), 30.0  # degrees and nm, of the likeness of two patterns


@dataclass(frozen=True)
class Ingredient:
    """A phase in a mixture: what, how much (weight), and in which state."""

    phase: Lines
    weight: float
    size: float = 50.0
    strain: Strain = 0.0


def mixture(ingredients: list[Ingredient], two_theta: ArrayLike, *, shift: float = 0.0) -> Array:
    """Return the noise-free pattern of a mixture by weight, without background.

    The weight of a phase over its density is its volume, and volumes add up.

    Raises
    ------
    InputError
        If there is nothing in it or a weight is negative or not finite.
    """
    if not ingredients:
        raise InputError("a mixture needs at least one ingredient")
    x = np.asarray(two_theta, dtype=float)
    total = np.zeros_like(x)
    for item in ingredients:
        if not (np.isfinite(item.weight) and item.weight >= 0):
            raise InputError(f"{item.phase.name}: weight {item.weight!r}; expected >= 0")
        volume = item.weight / item.phase.density
        total += volume * profile(item.phase, x, size=item.size, strain=item.strain, shift=shift)
    return total


def counts(
    signal: ArrayLike,
    *,
    peak: float,
    background: ArrayLike,
    rng: np.random.Generator | None,
) -> Array:
    """Scale a pattern to counts, add background, and draw Poisson noise.

    Parameters
    ----------
    signal:
        (n,) noise-free pattern without background.
    peak:
        Counts of the highest point above background.
    background:
        Counts per point, number or (n,).
    rng:
        Source of the noise; None for the expectation itself.
    """
    y = np.asarray(signal, dtype=float)
    if not (np.isfinite(peak) and peak > 0 and y.max() > 0):
        raise InputError(f"peak counts {peak!r} for a highest signal of {y.max():g}: expected "
                         "positive numbers")  # fmt: skip
    expected = y / y.max() * peak + np.asarray(background, dtype=float)
    return expected if rng is None else rng.poisson(expected).astype(float)


def hump(two_theta: ArrayLike, *, width: float = 12.0) -> Array:
    """Return an amorphous halo of unit height (Gaussian at 28 degrees, FWHM ``width``)."""
    x = np.asarray(two_theta, dtype=float)
    return np.asarray(np.exp(-4 * np.log(2) * ((x - HUMP) / width) ** 2))


@lru_cache(maxsize=64)
def cached_profile(phase: Lines, start: float, stop: float, points: int, size: float,
                   strain: float) -> Array:  # fmt: skip
    """Return :func:`profile` on an even grid, remembered (read only)."""
    out = profile(phase, np.linspace(start, stop, points), size=size, strain=strain)
    out.flags.writeable = False
    return out


def similarity(
    first: Lines,
    second: Lines,
    *,
    stretch: float = 0.02,
    steps: int = 21,
) -> float:
    """Return how alike two patterns are at best: cosine, 0 (distinct) to 1 (same).

    The second pattern is stretched by up to ``stretch`` either way, as a computed
    cell is that uncertain.  Both are of crystallites of 30 nm, from 10 to 80 degrees.
    """
    points = round((_SPAN[1] - _SPAN[0]) / 0.05) + 1
    reference = cached_profile(first, *_SPAN, points, _SIZE, 0.0)
    best = 0.0
    for strain in np.linspace(-stretch, stretch, steps):
        other = cached_profile(second, *_SPAN, points, _SIZE, float(round(strain, 6)))
        norm = float(np.linalg.norm(reference) * np.linalg.norm(other))
        best = max(best, float(reference @ other) / norm if norm else 0.0)
    return best
