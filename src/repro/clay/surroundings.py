"""What surrounds the atoms that move most and least: classes, and chlorine on gallium.

D2min is that of :mod:`repro.clay.nonaffine`, zones are those of :mod:`repro.clay.zones`.
What is computed from one pair of frames has no statistical error; errors come from seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from repro.clay import mixing
from repro.clay.zones import finite_values
from repro.errors import InputError
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HIGH, LOW = 0.9, 0.1  # shares of the largest D2min that bound the classes of the paper


@dataclass(frozen=True)
class Classes:
    """Which of N values are large, which small (masks, (N,)), and where they were cut."""

    high: NDArray[np.bool_]
    low: NDArray[np.bool_]
    upper: float
    lower: float


def classes(
    values: Floats, *, high: float = HIGH, low: float = LOW, by: str = "maximum"
) -> Classes:
    """Return the paper's classes: values above 90 % and below 10 % of the maximum.

    A maximum is an extreme value: it rises with the number of atoms and jumps from frame to
    frame, the upper class often holds one atom, and the lower one most of them.  Classes by
    quantile have a fixed number of members, and compare between sizes and frames.

    Parameters
    ----------
    values:
        D2min of the atoms of one element, (N,), not negative.
    high, low:
        Shares of the maximum, or quantiles.
    by:
        ``maximum`` or ``quantile``.

    Raises
    ------
    InputError
        For no values, negative ones, another ``by``, or not 0 < low <= high < 1.
    """
    x = finite_values(values)
    if by not in ("maximum", "quantile") or not 0 < low <= high < 1 or x.min() < 0:
        raise InputError(f"classes by {by!r}, low {low}, high {high} of values from {x.min()}: "
                         "expected maximum or quantile, 0 < low <= high < 1, no negative value")  # fmt: skip
    if by == "maximum":
        lower, upper = low * float(x.max()), high * float(x.max())
    else:
        lower, upper = (float(q) for q in np.quantile(x, [low, high]))
    return Classes(x > upper, x < lower, upper, lower)


@dataclass(frozen=True)
class Environment:
    """Anions around each gallium: index in the frame, numbers of F and of Cl; (M,) each."""

    indices: Ints
    fluorine: Ints
    chlorine: Ints

    @property
    def share(self) -> Floats:
        """Chlorine's share of the anions bound to each; NaN where there is none."""
        whole = self.fluorine + self.chlorine
        return np.where(whole > 0, self.chlorine / np.maximum(whole, 1), np.nan)


def environment(atoms: Atoms) -> Environment:
    """Return the number of F and Cl bound to each gallium (:func:`repro.clay.mixing.bonds`).

    Raises
    ------
    InputError
        If the frame has no gallium, or as ``bonds``.
    """
    bonds = mixing.bonds(atoms)
    own = np.flatnonzero(bonds.symbols == "Ga")
    if not len(own):
        raise InputError(f"no Ga in {atoms.get_chemical_formula()}: expected some")
    return Environment(own, bonds.number("Ga", "F")[own], bonds.number("Ga", "Cl")[own])


def _blocks(labels: Any, count: int) -> tuple[Ints, Ints]:
    """Return of each value the number of its block, and of each block that of its unit."""
    rows = np.zeros((count, 1)) if labels is None else np.asarray(labels).reshape(len(labels), -1)
    if len(rows) != count:
        raise InputError(f"{len(rows)} block labels for {count} values: expected one a value")
    found, block = np.unique(rows, axis=0, return_inverse=True)
    return block.ravel(), np.unique(found[:, 0], return_inverse=True)[1].ravel()


@dataclass(frozen=True)
class ChlorineTest:
    """Chlorine share of Ga inside zones against outside.

    Attributes
    ----------
    difference, error:
        Inside less outside, within blocks, and its bootstrap standard error.
    p_value:
        One-sided, of the permutation test that inside exceeds outside.
    units:
        Number of independent units the error comes from; 1 means single atoms were drawn.
    noise:
        Standard deviation of the difference when labels are permuted: what so few atoms give by
        chance, even where the units happen to agree.
    """

    difference: float
    error: float
    p_value: float
    units: int
    noise: float = 0.0

    @property
    def uncertainty(self) -> float:
        """Return the larger of error and noise."""
        return max(self.error, self.noise)

    def clear(self, *, level: float = 0.05) -> bool:
        """Return whether inside exceeds outside, by the p-value and by the scatter over units.

        The second asks for the margin of :class:`repro.md.statistics.Estimate`, wider for few
        units; one unit has no such scatter and nothing is clear.
        """
        if self.units < 2:
            return False
        margin = Estimate(self.difference, self.error, self.units).margin
        return self.p_value < level and self.difference > margin


def chlorine_test(
    share_inside: Floats,
    share_outside: Floats,
    *,
    blocks: tuple[Any, Any] | None = None,
    samples: int = 2000,
    seed: int = 1,
) -> ChlorineTest:
    r"""Test whether Ga inside zones has more chlorine than Ga outside.

    The difference is taken within each block (frame), weighted by
    :math:`n_{in} n_{out} / n`, so that a frame with large zones and much chlorine does not
    pass for a relation; labels are permuted within blocks.  Atoms of one frame are not
    independent: neighbouring Ga share chlorine and lie in one zone, and frames of one run
    share most of both.  So the p-value is too small by an unknown factor, and the error
    over seeds, which no such correlation touches, is what to judge by.

    Parameters
    ----------
    share_inside, share_outside:
        Chlorine shares, (N,) and (M,), finite: leave out Ga without anions.
    blocks:
        Labels of both, each (N,) or (N, 2).  Labels are permuted within equal rows, and the
        bootstrap draws the different values of the first column.  So rows (seed, frame)
        permute within frames and draw seeds.  One block if not given.
    samples, seed:
        Of the permutations and the bootstrap.

    Raises
    ------
    InputError
        For no or infinite shares, other labels, or no block with atoms both inside and out.
    """
    x = np.concatenate([finite_values(share_inside, "shares inside"), finite_values(share_outside, "shares outside")])  # fmt: skip
    inside = np.arange(len(x)) < len(share_inside)
    rows = None if blocks is None else np.concatenate([np.asarray(one) for one in blocks])
    block, unit = _blocks(rows, len(x))
    rng = np.random.default_rng(seed)
    excess, weight, drawn = np.zeros(len(unit)), np.zeros(len(unit)), np.zeros(samples)
    for k in range(len(unit)):
        own, within = x[block == k], inside[block == k]
        chosen, mean = int(within.sum()), own.mean()
        excess[k] = (own[within] - mean).sum()
        weight[k] = chosen * (len(own) - chosen) / len(own)
        # To permute labels is to draw without replacement from the counts of each value.
        value, count = np.unique(own, return_counts=True)
        drawn += rng.multivariate_hypergeometric(count, chosen, samples) @ (value - mean)
    if weight.sum() <= 0:
        raise InputError("no block has Ga both inside and outside zones: expected one or more")
    total = float(excess.sum() / weight.sum())
    beyond = int((drawn / weight.sum() >= total - 1e-12).sum())
    units = int(unit.max()) + 1
    if units > 1:
        a, w = np.bincount(unit, excess), np.bincount(unit, weight)
        pick = rng.integers(0, units, (samples, units))
        with np.errstate(divide="ignore", invalid="ignore"):
            again = a[pick].sum(axis=1) / w[pick].sum(axis=1)
        again = again[np.isfinite(again)]
        # Drawing from few units gives too small a spread.
        error = float(again.std() * np.sqrt(units / (units - 1)))
    else:
        # The bootstrap of single atoms, in closed form; blocks' means are no scatter.
        rest = x - (np.bincount(block, x) / np.bincount(block))[block]
        error = float(np.sqrt(sum(one.var() / max(len(one) - 1, 1)
                                  for one in (rest[inside], rest[~inside]))))  # fmt: skip
    return ChlorineTest(total, error, (beyond + 1) / (samples + 1), units,
                        noise=float((drawn / weight.sum()).std()))  # fmt: skip
