"""Block sums of a stream of unknown length, and ratios of sums with their errors.

Errors are those of blocks of consecutive samples.  The length of a stream is not known
beforehand, so blocks are merged two by two and made twice as long whenever there are too
many: memory does not grow with the number of samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError

Floats = NDArray[np.float64]


class Blocks:
    """Sums over blocks of consecutive samples of a stream whose length is not known.

    There are at least ``fewest`` blocks (or one a sample, if there are fewer samples) and
    at most twice as many, all of one length but the last, which has at least half of it.
    """

    def __init__(self, fewest: int = 5) -> None:
        if fewest < 2:
            raise InputError(f"{fewest} blocks: expected 2 or more, for a standard error")
        self.fewest, self.length, self.samples = fewest, 1, 0
        self._sums: list[tuple[Floats, Floats]] = []
        self._filled = 0

    def add(self, above: Floats, below: Floats) -> None:
        """Add one sample: numerator and denominator, arrays of shapes that broadcast."""
        self.samples += 1
        if self._sums and self._filled < self.length:
            a, b = self._sums[-1]
            self._sums[-1] = (a + above, b + below)
            self._filled += 1
            return
        if len(self._sums) == 2 * self.fewest:
            pairs = zip(self._sums[::2], self._sums[1::2], strict=True)
            self._sums = [(a + c, b + d) for (a, b), (c, d) in pairs]
            self.length *= 2
        self._sums.append((np.array(above, dtype=float), np.array(below, dtype=float)))
        self._filled = 1

    def sums(self) -> tuple[Floats, Floats]:
        """Return numerators and denominators of the blocks, (K, ...) each."""
        held = list(self._sums)
        # A short last block would be a noisy one.
        if len(held) > self.fewest and 2 * self._filled < self.length:
            (a, b), (c, d) = held[-2:]
            held[-2:] = [(a + c, b + d)]
        return np.array([a for a, _ in held]), np.array([b for _, b in held])


def ratio(above: Floats, below: Floats) -> tuple[Floats, Floats]:
    r"""Return the ratio of two sums and its standard error, from independent parts.

    With :math:`R = \sum_k a_k / \sum_k b_k` over K parts that have :math:`b_k \neq 0`,

    .. math:: \sigma_R^2 = \frac{K}{K-1} \frac{\sum_k (a_k - R b_k)^2}{(\sum_k b_k)^2}

    (Cochran, Sampling Techniques, ch. 6), which for equal :math:`b_k` is the standard
    error of a mean.

    Parameters
    ----------
    above, below:
        (K, ...), of shapes that broadcast.

    Returns
    -------
    tuple
        Ratio and error, (...); NaN where nothing is below, the error also where K < 2.
    """
    a, b = np.broadcast_arrays(np.asarray(above, dtype=float), np.asarray(below, dtype=float))
    count, total = (b != 0).sum(axis=0), b.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = a.sum(axis=0) / total
        squares = ((a - value * b) ** 2).sum(axis=0)
        error = np.where(count > 1, np.sqrt(squares * count / (count - 1)) / np.abs(total), np.nan)
    return value, error
