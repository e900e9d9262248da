r"""Shear transformation zones: non-affine displacement, clusters of it, and their chemistry.

Between two frames of a sheared cell the neighbours :math:`j` of atom :math:`i` move from
:math:`\mathbf r_{ij}` to :math:`\mathbf r'_{ij}`.  The affine map that fits best leaves

.. math:: D^2_{\min,i} = \min_{F_i} \sum_{j} |\mathbf r'_{ij} - F_i \mathbf r_{ij}|^2,

a **sum** over neighbours as in Falk & Langer, Phys. Rev. E 57, 7192 (1998), not a mean, so
it grows with the cutoff and the density.  Neighbours are those of the earlier frame.  With
:math:`\eta = (F^T F - 1)/2` the local shear strain of Shimizu, Ogata & Li, Mater. Trans.
48, 2923 (2007) is

.. math:: \eta^{\text{Mises}} = \sqrt{\eta_{yz}^2 + \eta_{xz}^2 + \eta_{xy}^2 +
   [(\eta_{yy}-\eta_{zz})^2 + (\eta_{xx}-\eta_{zz})^2 + (\eta_{xx}-\eta_{yy})^2]/6}.

``matscipy.atomic_strain`` gives the same sum but takes one image of each neighbour, by
rounding: wrong where the cutoff is above half a height of the cell, and slow, a loop over
atoms.  Here each atom is followed through the nearest image of its displacement in
fractional coordinates, less the drift common to all; cells may be small and tilted,
coordinates wrapped or not.  Assumed: no atom moves by half a cell against the others
between two frames, and the cell does not flip.

Frames are periodic, of the same atoms in the same order.  What is computed from one pair
of frames has no statistical error; errors come from blocks of frames or seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components
from scipy.stats import rankdata, spearmanr

from repro.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BONDS = {"F": 2.5, "Cl": 2.9}


def _pairs(quantities: str, atoms: Atoms, cutoff: Any) -> tuple[Any, ...]:
    """Return matscipy's neighbour list; atoms outside the cell count by their images."""
    from matscipy.neighbours import neighbour_list

    if not atoms.pbc.all() or not abs(atoms.cell.volume) > 0:
        raise InputError(f"cell {atoms.cell.array.tolist()}, periodic {atoms.pbc.tolist()}: "
                         "expected a cell periodic in three directions")  # fmt: skip
    lengths = list(cutoff.values()) if isinstance(cutoff, Mapping) else [cutoff]
    if not all(np.isfinite(one) and one > 0 for one in lengths):
        raise InputError(f"cutoff {cutoff} angstrom: expected a positive number")
    return tuple(neighbour_list(quantities, atoms, cutoff))


def _field(values: Any, name: str = "values") -> Floats:
    x = np.asarray(values, dtype=float)
    if x.ndim != 1 or not len(x) or not np.isfinite(x).all():
        raise InputError(f"{name} of shape {x.shape}: expected one or more finite numbers, (N,)")
    return x


@dataclass(frozen=True)
class NonAffine:
    """Deformation around each of N atoms.

    Attributes
    ----------
    d2min:
        Sum over neighbours, angstrom^2, (N,).
    deformation:
        Best affine map F, column vectors, r' = F r, the cell's own included, (N, 3, 3).
    mises:
        Local von Mises shear strain, (N,); half the engineering strain in simple shear.
    neighbours:
        Number of neighbours, (N,); ``d2min / neighbours`` is the mean square.
    """

    d2min: Floats
    deformation: Floats
    mises: Floats
    neighbours: Ints


def mises_strain(deformation: Floats) -> Floats:
    """Return the local von Mises shear strain of deformation gradients F, (..., 3, 3)."""
    f = np.asarray(deformation, dtype=float)
    e = (np.swapaxes(f, -1, -2) @ f - np.eye(3)) / 2
    x, y, z = e[..., 0, 0], e[..., 1, 1], e[..., 2, 2]
    shear = e[..., 1, 2] ** 2 + e[..., 0, 2] ** 2 + e[..., 0, 1] ** 2
    result: Floats = np.sqrt(shear + ((y - z) ** 2 + (x - z) ** 2 + (x - y) ** 2) / 6)
    return result


def d2min(before: Atoms, after: Atoms, *, cutoff: float = 6.5) -> NonAffine:
    """Return D2min, local deformation and local shear strain of every atom.

    Parameters
    ----------
    before, after:
        Two frames; the paper takes them a shear strain of 0.01 apart.
    cutoff:
        Distance of neighbours in ``before``, angstrom.

    Raises
    ------
    InputError
        For frames of other atoms, a cell that is not periodic or changes by half or more
        (as by a flip), or an atom without three neighbours out of one plane.
    """
    if len(before) != len(after) or (before.numbers != after.numbers).any():
        raise InputError(f"frames of {before.get_chemical_formula()} and "
                         f"{after.get_chemical_formula()}: expected the same atoms in the same "
                         "order")  # fmt: skip
    i, j, r = _pairs("ijD", before, cutoff)
    n, start, end = len(before), before.cell.array, after.cell.array
    change = np.linalg.solve(start, end).T
    if np.abs(change - np.eye(3)).max() >= 0.5:
        raise InputError(f"the cell changes by {np.abs(change - np.eye(3)).max():.2f} between the "
                         "frames: expected less than 0.5; did it flip?")  # fmt: skip
    moved = after.positions @ np.linalg.inv(end) - before.positions @ np.linalg.inv(start)
    # A drift of half a cell has no nearest image; its mean on the circle is always defined.
    moved -= np.angle(np.exp(2j * np.pi * moved).mean(axis=0)) / (2 * np.pi)
    moved = (moved - np.round(moved)) @ end
    # Beyond the cell's own map, pair ij moves by moved[j] - moved[i]; sums over j are
    # products with sparse matrices, and what is small is not the difference of large sums.
    begin = np.concatenate([[0], np.cumsum(np.bincount(i, minlength=n))])

    def total(weights: Floats, of: Floats) -> Floats:
        return np.asarray(csr_matrix((weights, j, begin), shape=(n, n)) @ of)

    terms = np.column_stack([moved, (moved**2).sum(axis=1), np.ones(n)])
    sums = total(np.ones(len(j)), terms)
    cross = np.stack([total(r[:, k], terms) for k in range(3)], axis=2)
    outer = cross[:, :3] - moved[:, :, None] * cross[:, 4, None]
    square = sums[:, 3] - 2 * (moved * sums[:, :3]).sum(axis=1) + terms[:, 3] * sums[:, 4]
    gram = np.empty((n, 3, 3))
    for a in range(3):
        for b in range(a + 1):
            gram[:, a, b] = gram[:, b, a] = np.bincount(i, r[:, a] * r[:, b], minlength=n)
    flat = np.linalg.eigvalsh(gram)[:, 0] <= 1e-9 * cutoff**2
    if flat.any():
        first = int(np.argmax(flat))
        raise InputError(f"atom {first} has {int(sums[first, 4])} neighbours within {cutoff} "
                         "angstrom: expected three or more, not in one plane")  # fmt: skip
    own = np.linalg.solve(gram, np.swapaxes(outer, 1, 2)).swapaxes(1, 2)
    rest = np.maximum(square - (own * outer).sum(axis=(1, 2)), 0.0)
    whole = change + own
    return NonAffine(rest, whole, mises_strain(whole), np.diff(begin).astype(np.int64))


@dataclass(frozen=True)
class Zone:
    """A cluster of atoms with large values.

    Attributes
    ----------
    indices:
        Of its atoms in the frame, (size,).
    centre:
        Mean position, inside the cell, angstrom, (3,); NaN where the zone percolates.
    share:
        Of all atoms of the frame.
    windings:
        Number of independent directions in which it joins its own periodic image: 0 for an
        island, 1 for a thread, 2 for a sheet such as a shear band, 3 for a network.
    """

    indices: Ints
    centre: Floats
    share: float
    windings: int

    @property
    def size(self) -> int:
        """Number of atoms."""
        return len(self.indices)

    @property
    def percolates(self) -> bool:
        """Whether it spans the periodic cell in some direction."""
        return self.windings > 0


def usual_threshold(values: Floats, *, deviations: float = 3.0) -> float:
    """Return mean + 3 standard deviations.

    Under thermal motion alone D2min is near the number of neighbours times the square of the
    atom's own displacement, chi-square with three degrees of freedom: not normal, and 2 % of
    atoms exceed this by chance (0.05 % six deviations), in clusters of up to ten or so.  A
    zone means something above those, best those of a control without load.  Events widen
    the distribution and raise the threshold, so it errs to the side of fewer; a quantile
    would give the same share of atoms at any load.
    """
    x = _field(values)
    return float(x.mean() + deviations * x.std())


def zones(
    atoms: Atoms,
    values: Floats,
    *,
    threshold: float | None = None,
    link: float = 4.0,
    elements: Sequence[str] | None = None,
) -> list[Zone]:
    """Return clusters of atoms whose values exceed a threshold, largest first.

    Parameters
    ----------
    atoms, values:
        A frame and D2min (or another field) of its atoms, (N,).
    threshold:
        :func:`usual_threshold` of the atoms that may belong, if not given.
    link:
        Atoms nearer than this are in one zone, angstrom.  4 reaches the next cation over an
        anion; of a few percent of the atoms taken at random each then has less than one
        neighbour, where 2.7 would percolate (overlapping spheres).
    elements:
        Only atoms of these may belong.  Without Li, whose hops are large at any load.

    Raises
    ------
    InputError
        For values of another length or not finite, elements not there, or a link that
        reaches an atom's own image.
    """
    x = _field(values)
    if len(x) != len(atoms):
        raise InputError(f"{len(x)} values for {len(atoms)} atoms: expected one an atom")
    may = np.ones(len(x), dtype=bool)
    if elements is not None:
        may = np.isin(np.array(atoms.get_chemical_symbols()), list(elements))
    if not may.any():
        raise InputError(f"elements {elements}: none in {atoms.get_chemical_formula()}")
    limit = usual_threshold(x[may]) if threshold is None else threshold
    chosen = np.flatnonzero(may & (x > limit))
    part, n = atoms[chosen], len(chosen)
    i, j, shift = _pairs("ijS", part, link)
    if (i == j).any():
        raise InputError(f"link {link} angstrom: expected less than the cell's shortest vector")
    graph = csr_matrix((np.ones(len(i)), (i, j)), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    edge, first = np.unique(i.astype(np.int64) * n + j, return_index=True)
    image = np.zeros((n, 3), dtype=np.int64)
    made = []
    for number in np.unique(label):
        members = np.flatnonzero(label == number)
        # Walk the cluster and count cell borders: each atom gets the image the walk reaches.
        order, parent = breadth_first_order(graph, members[0], directed=False)
        for k in order[1:]:
            step = shift[first[np.searchsorted(edge, int(parent[k]) * n + int(k))]]
            image[k] = image[parent[k]] + step
        own = label[i] == number
        # A bond that leads to another image than the walk closes a loop around the cell.
        loops = np.unique(image[i[own]] + shift[own] - image[j[own]], axis=0)
        windings = int(np.linalg.matrix_rank(loops)) if len(loops) else 0
        where = (part.positions[members] + image[members] @ atoms.cell.array).mean(axis=0)
        inside = (where @ np.linalg.inv(atoms.cell.array)) % 1.0 @ atoms.cell.array
        made.append(Zone(chosen[members], np.full(3, np.nan) if windings else inside,
                         len(members) / len(atoms), windings))  # fmt: skip
    return sorted(made, key=lambda zone: (-zone.size, int(zone.indices[0])))


@dataclass(frozen=True)
class Localisation:
    """How concentrated the deformation is.

    Attributes
    ----------
    participation:
        (sum D)^2 / (N sum D^2) of D2min: 1 where all share, 1/N where one has all.
    psi:
        Standard deviation over atoms of the local von Mises strain (degree of strain
        localisation); thermal motion alone gives it a floor.
    largest:
        Share of the total D2min in the largest zone, 0 without zones.
    """

    participation: float
    psi: float
    largest: float


def localisation(field: NonAffine, found: Sequence[Zone]) -> Localisation:
    """Return measures of localisation of one pair of frames.

    Parameters
    ----------
    field, found:
        Of :func:`d2min` and :func:`zones`.

    Raises
    ------
    InputError
        Where D2min is zero everywhere.
    """
    total, squares = float(field.d2min.sum()), float((field.d2min**2).sum())
    if total <= 0:
        raise InputError("D2min is zero everywhere: expected some that is not affine")
    big = max(found, key=lambda zone: zone.size, default=None)
    return Localisation(
        participation=total**2 / (len(field.d2min) * squares), psi=float(field.mises.std()),
        largest=float(field.d2min[big.indices].sum()) / total if big is not None else 0.0,
    )  # fmt: skip


@dataclass(frozen=True)
class Classes:
    """Which of N values are large, which small (masks, (N,)), and where they were cut."""

    high: NDArray[np.bool_]
    low: NDArray[np.bool_]
    upper: float
    lower: float


def classes(values: Floats, *, high: float = 0.9, low: float = 0.1, by: str = "maximum") -> Classes:
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
    x = _field(values)
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
    i, j = _pairs("ij", atoms, {(centre, name): length for name, length in lengths.items()})
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
    x = np.concatenate([_field(share_inside, "shares inside"), _field(share_outside, "shares outside")])  # fmt: skip
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
class Correlation:
    """Spearman's rank correlation, its two-sided p-value for independent atoms, and a 95 % interval."""

    rho: float
    p_value: float
    low: float
    high: float


def correlation(
    d2min: Floats, share: Floats, *, blocks: Any = None, samples: int = 500, seed: int = 1
) -> Correlation:
    """Return the rank correlation of D2min with the chlorine share.

    Parameters
    ----------
    d2min, share:
        Of the same N atoms, finite.
    blocks:
        Labels (N,) or (N, 2); the bootstrap draws the values of the first column (seeds, or
        frames).  Without it single atoms are drawn, which for atoms of one frame makes the
        interval too narrow, as the p-value is too small (:func:`chlorine_test`).
    samples, seed:
        Of the bootstrap.

    Raises
    ------
    InputError
        For other lengths, values not finite, or where one of both is the same everywhere.
    """
    x, y = _field(d2min, "D2min"), _field(share, "shares")
    if len(x) != len(y) or np.ptp(x) == 0 or np.ptp(y) == 0:
        raise InputError(f"{len(x)} D2min, {len(y)} shares: expected as many of both, that differ")
    found = spearmanr(x, y)
    block, unit = _blocks(np.arange(len(x)) if blocks is None else blocks, len(x))
    order = np.argsort(unit[block], kind="stable")
    members = np.split(order, np.cumsum(np.bincount(unit[block]))[:-1])
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(samples):
        pick = np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))])
        if np.ptp(x[pick]) > 0 and np.ptp(y[pick]) > 0:
            # Spearman's is Pearson's of ranks; scipy's own would take ten times as long.
            drawn.append(float(np.corrcoef(rankdata(x[pick]), rankdata(y[pick]))[0, 1]))
    low, high = np.percentile(drawn, [2.5, 97.5]) if len(members) > 1 else (np.nan, np.nan)
    return Correlation(float(found.statistic), float(found.pvalue), float(low), float(high))


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


class _Ratio:
    """Sum of counts over sum of expectations, and its error over blocks, in fixed memory."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.now, self.sums = np.zeros((2, *shape)), np.zeros((2, *shape))
        self.products, self.blocks = np.zeros((3, *shape)), 0

    def close(self) -> None:
        """End a block."""
        c, x = self.now
        self.sums += self.now
        self.products += np.stack([c * c, c * x, x * x])
        self.blocks += 1
        self.now[:] = 0.0

    def result(self) -> tuple[Floats, Floats]:
        """Return ratio and standard error; NaN where nothing was expected."""
        (c, x), (cc, cx, xx), n = self.sums, self.products, self.blocks
        with np.errstate(divide="ignore", invalid="ignore"):
            g = c / x
            # Variance of a ratio of sums from its residuals c - g x in each block.
            squares = np.maximum(cc - 2 * g * cx + g * g * xx, 0.0)
            error = np.sqrt(squares * n / (n - 1)) / x if n > 1 else np.full_like(g, np.nan)
        return g, error


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
    high: float = 0.9,
    low: float = 0.1,
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
        Of :func:`d2min`, angstrom.
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
    ratio = _Ratio((len(kinds), bins))
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
        i, j, d = _pairs("ijd", frame, {(centre, partner): r_max for partner in partners})
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
