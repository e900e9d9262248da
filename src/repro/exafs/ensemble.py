r"""The mean chi(k) of many sites of a simulation, with its error.

With :math:`s(k)` the standard deviation between n sites, the standard error is
:math:`s/\sqrt{n}` if sites are independent.  They are not quite: one atom in two frames, or
neighbours in one, resemble each other.  Sites come in the order of the frames, so blocks of
consecutive sites are stretches of the simulation, and the scatter of their means shows what
such likeness is worth (:attr:`Ensemble.block_error`, :func:`convergence`).  Errors of what is
read off a mean are those of a jackknife over the blocks (:meth:`Ensemble.left_out`,
:func:`jackknife`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ensemble:
    """A mean over sites.

    Attributes
    ----------
    k:
        (K,): 0 to ``kmax`` in steps of 0.05, 1/angstrom, from FEFF's Fermi level.
    mean:
        chi (K,), S02 1, no width but that of the sites.
    error:
        Standard error if sites are independent (K,); NaN for one site.
    spread:
        Standard deviation between sites (K,); NaN for one site.
    number:
        Of sites in the mean.
    blocks:
        Means over blocks of consecutive sites (B, K).
    counts:
        Sites in each (B,).
    program:
        Name and version of FEFF.
    paths:
        Mean number of paths of a site.
    seconds:
        Mean time on the clock of a site's run, also of those that come from the cache.
    """

    k: Floats
    mean: Floats
    error: Floats
    spread: Floats
    number: int
    blocks: Floats
    counts: NDArray[np.int64]
    program: str
    paths: float
    seconds: float

    @property
    def block_error(self) -> Floats:
        """Standard error from the scatter of the blocks (K,); NaN for one block."""
        if len(self.counts) < 2:
            return np.full_like(self.mean, np.nan)
        share = self.counts / self.counts.sum()
        squares = share[:, None] * (self.blocks - self.mean) ** 2
        return np.asarray(np.sqrt(squares.sum(axis=0) / (len(self.counts) - 1)))

    def left_out(self) -> Iterator[Floats]:
        """Yield the mean without each of its blocks in turn, (K,) each; two blocks or more."""
        whole = self.counts.sum()
        for count, block in zip(self.counts, self.blocks, strict=True):
            yield (whole * self.mean - count * block) / (whole - count)

    def error_of(self, function: Callable[[Floats], ArrayLike]) -> Floats:
        """Return the standard error of what a function makes of the mean.

        Parameters
        ----------
        function:
            Takes chi (K,), returns a number or an array.

        Returns
        -------
        error:
            Of the function's own shape, by a jackknife over the blocks; NaN for one block.
        """
        if len(self.counts) < 2:
            return np.full(np.shape(function(self.mean)), np.nan)
        return jackknife(np.array([function(chi) for chi in self.left_out()]))


def jackknife(left: Floats) -> Floats:
    """Return standard errors from values with each of B blocks left out, (B, ...) to (...)."""
    many = len(left)
    return np.asarray(np.sqrt((many - 1) / many * ((left - left.mean(axis=0)) ** 2).sum(axis=0)))


@dataclass(frozen=True)
class Convergence:
    """How the error falls with the number of sites.

    All are shares of the mean: root mean squares over a range of k, both with the same weight.

    Attributes
    ----------
    number:
        Sites in a mean (M,).
    measured:
        Scatter of means over so many consecutive sites (M,).
    sets:
        How many such means there are; with few, ``measured`` is rough (M,).
    expected:
        What independent sites would scatter, from the spread between single sites (M,).
    final:
        Error of the mean of all, from the blocks.
    """

    number: Floats
    measured: Floats
    sets: NDArray[np.int64]
    expected: Floats
    final: float


@dataclass(frozen=True)
class Radial:
    """The transform of a mean.

    Attributes
    ----------
    r:
        Angstrom, not corrected for phase (M,).
    magnitude, error:
        ``|chi(R)|`` and its standard error by a jackknife over blocks, angstrom^-(w+1) (M,); the
        error is NaN for fewer than two blocks.
    """

    r: Floats
    magnitude: Floats
    error: Floats


def convergence(
    found: Ensemble, *, k_min: float = 3.0, k_max: float = 12.0, k_weight: int = 3
) -> Convergence:
    """Return how the error of the mean depends on the number of sites.

    Means over 1, 2, 3, ... consecutive blocks are set against each other, as long as there
    are two of them.  Where ``measured`` stays above ``expected``, sites are not independent, and
    the number of sites alone promises too much.

    Parameters
    ----------
    found:
        With two blocks or more.
    k_min, k_max:
        Range that counts, 1/angstrom.
    k_weight:
        Power of k it is weighted with.

    Raises
    ------
    InputError
        For fewer than two blocks, or a range outside of k.
    """
    if len(found.counts) < 2:
        raise InputError(
            f"{len(found.counts)} block: expected 2 or more; ask for more sites or blocks"
        )
    inside = (found.k >= k_min - 1e-9) & (found.k <= k_max + 1e-9)
    if not 0 <= k_min < k_max <= found.k[-1] + 1e-9:
        raise InputError(f"k_min={k_min:g}, k_max={k_max:g}: expected a range within 0 to "
                         f"{found.k[-1]:g} 1/angstrom")  # fmt: skip
    weight = found.k[inside] ** k_weight

    def size(chi: Floats) -> float:
        return float(np.sqrt(((weight * chi[..., inside]) ** 2).sum(axis=-1).mean()))

    scale = size(found.mean)
    number, measured, sets = [], [], []
    for wide in range(1, len(found.counts) // 2 + 1):
        many = len(found.counts) // wide
        counts = found.counts[: many * wide].reshape(many, wide)
        chi = found.blocks[: many * wide].reshape(many, wide, -1)
        means = (counts[:, :, None] * chi).sum(axis=1) / counts.sum(axis=1)[:, None]
        number.append(float(counts.sum(axis=1).mean()))
        measured.append(size(means - means.mean(axis=0)) * np.sqrt(many / (many - 1)) / scale)
        sets.append(many)
    single = size(found.spread) / scale
    return Convergence(
        np.array(number), np.array(measured), np.array(sets), single / np.sqrt(np.array(number)),
        size(found.block_error) / scale,
    )  # fmt: skip
