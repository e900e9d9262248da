"""What surrounds the atoms that move most and least: classes, chlorine on gallium, g(r).

D2min is that of :mod:`repro.clay.nonaffine`, zones are those of :mod:`repro.clay.zones`.
What is computed from one pair of frames has no statistical error; errors come from blocks
of frames or seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from repro.clay.blocks import RunningRatio
from repro.clay.nonaffine import d2min, pairs_within
from repro.clay.zones import finite_values
from repro.errors import InputError
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BONDS = {"F": 2.5, "Cl": 2.9}
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
    """Anions around each cation: index in the frame, numbers of F and of Cl; (M,) each."""

    indices: Ints
    fluorine: Ints
    chlorine: Ints

    @property
    def share(self) -> Floats:
        """Chlorine's share of the anions bound to each; NaN where there is none."""
        whole = self.fluorine + self.chlorine
        return np.where(whole > 0, self.chlorine / np.maximum(whole, 1), np.nan)


def environment(
    atoms: Atoms, *, centre: str = "Ga", bonds: Mapping[str, float] | None = None
) -> Environment:
    """Return the number of F and Cl bound to each atom of an element.

    Parameters
    ----------
    atoms:
        A frame.
    centre, bonds:
        Element, and its bond lengths at most, angstrom; F 2.5 and Cl 2.9 (for Ga) by
        default.

    Raises
    ------
    InputError
        If the frame has no such element, or a bond length is not positive or missing.
    """
    lengths = BONDS if bonds is None else dict(bonds)
    names = np.array(atoms.get_chemical_symbols())
    if set(lengths) != set(BONDS) or centre not in names:
        raise InputError(f"bonds {lengths} of {centre} in {atoms.get_chemical_formula()}: expected "
                         "an element of the frame, and lengths for F and Cl")  # fmt: skip
    i, j = pairs_within("ij", atoms, {(centre, name): length for name, length in lengths.items()})
    own = np.flatnonzero(names == centre)
    f, cl = (np.bincount(i[names[j] == name], minlength=len(atoms))[own] for name in ("F", "Cl"))
    return Environment(own, f, cl)


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
    """

    difference: float
    error: float
    p_value: float
    units: int

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
    return ChlorineTest(total, error, (beyond + 1) / (samples + 1), units)


@dataclass(frozen=True)
class ClassRdf:
    """Partial g(r) around the atoms of two classes.

    Attributes
    ----------
    r:
        Centres of bins, angstrom, (B,).
    g, error:
        By class (``high``, ``low``) and partner, e.g. ``g["high", "Cl"]``, (B,), and the
        standard error over blocks of intervals; NaN for fewer than two blocks.
    centres:
        Central atoms of each class, summed over intervals.
    intervals:
        Number of pairs of frames.
    """

    r: Floats
    g: dict[tuple[str, str], Floats]
    error: dict[tuple[str, str], Floats]
    centres: dict[str, int]
    intervals: int


def _within(before: Atoms, after: Atoms, strain: tuple[float, float] | None) -> bool:
    if strain is None:
        return True
    if "strain" not in before.info or "strain" not in after.info:
        raise InputError("a frame has no info['strain']: expected it to choose intervals")
    middle = (float(before.info["strain"]) + float(after.info["strain"])) / 2
    return bool(strain[0] <= middle <= strain[1])


def class_rdf(
    frames: Iterable[Atoms],
    *,
    centre: str = "Ga",
    partners: Sequence[str] = ("F", "Cl"),
    strain: tuple[float, float] | None = None,
    cutoff: float = 6.5,
    high: float = HIGH,
    low: float = LOW,
    by: str = "maximum",
    r_max: float = 8.0,
    bins: int = 160,
    block: int = 1,
    at: str = "before",
) -> ClassRdf:
    r"""Return g(r) around the most and the least non-affine atoms of an element.

    The class is found anew in each interval between consecutive frames.  Counts and what an
    ideal gas of the partners' mean density would give are summed over intervals before the
    division, so each central atom weighs the same.

    Parameters
    ----------
    frames:
        In order, streamed in one pass; two are held.  ``info["strain"]`` where ``strain`` is
        given.
    centre, partners:
        Elements.
    strain:
        Only intervals whose middle lies within, e.g. the paper's (0.09, 0.14).
    cutoff:
        Of :func:`repro.clay.nonaffine.d2min`, angstrom.
    high, low, by:
        Of :func:`classes`.
    r_max, bins:
        Range of g(r), angstrom, and number of bins.
    block:
        Intervals in a block of the error: as many as the same atoms stay in a class.
    at:
        The frame that g(r) is taken of: ``before`` or ``after`` the interval.

    Raises
    ------
    InputError
        For no interval, frames without strain or the elements, or an option out of range.
    """
    if at not in ("before", "after") or block < 1 or bins < 1:
        raise InputError(f"at {at!r}, block {block}, bins {bins}: expected before or after, and one "
                         "or more")  # fmt: skip
    edges = np.linspace(0.0, r_max, bins + 1)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    kinds = [(name, partner) for name in ("high", "low") for partner in partners]
    ratio = RunningRatio((len(kinds), bins))
    centres, intervals = {"high": 0, "low": 0}, 0
    last: Atoms | None = None
    for after in frames:
        before, last = last, after
        if before is None or not _within(before, after, strain):
            continue
        frame = before if at == "before" else after
        names = np.array(frame.get_chemical_symbols())
        if missing := {centre, *partners} - set(names):
            raise InputError(f"{', '.join(sorted(missing))}: not in {frame.get_chemical_formula()}")
        own = np.flatnonzero(names == centre)
        found = classes(d2min(before, after, cutoff=cutoff).d2min[own], high=high, low=low, by=by)
        i, j, d = pairs_within("ijd", frame, {(centre, partner): r_max for partner in partners})
        member = {name: np.zeros(len(frame), dtype=bool) for name in centres}
        for name, mask in member.items():
            mask[own[getattr(found, name)]] = True
            centres[name] += int(mask.sum())
        for k, (name, partner) in enumerate(kinds):
            chosen = member[name][i] & (names[j] == partner)
            density = (names == partner).sum() / frame.get_volume()
            ratio.now[0, k] += np.histogram(d[chosen], edges)[0]
            ratio.now[1, k] += member[name].sum() * density * shells
        intervals += 1
        if intervals % block == 0:
            ratio.close()
    if not intervals:
        raise InputError(f"no interval between frames within strain {strain}: expected one or more")
    if intervals % block:
        ratio.close()
    g, error = ratio.result()
    return ClassRdf(
        (edges[1:] + edges[:-1]) / 2, dict(zip(kinds, g, strict=True)),
        dict(zip(kinds, error, strict=True)), centres, intervals,
    )  # fmt: skip
