"""Molecular or rigid: which atoms hang together, and in how many directions.

A crystal is a periodic graph: atoms are nodes, and a bond (i, j, n) joins atom i of
the home cell to atom j of cell n.  Walking along bonds from an atom back to a
*copy* of itself gives a lattice translation; the rank of all such translations is
the dimensionality of the component: 0 a molecule, 1 a chain, 2 a layer, 3 a
framework.  Two atoms count as bonded if their distance is below a factor times the
sum of their radii.  The factor is a convention, so :func:`barcode` finds the answer
for every factor at once, and the span over which an answer stands is its margin.

The construction with a sorted bond list is that of Larsen, Pandey, Strange &
Jacobsen, Phys. Rev. Materials 3, 034003 (2019); here with our own union-find that
carries lattice offsets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from numpy.typing import NDArray
from pymatgen.core import Composition, Species, Structure

from repro.errors import InputError

Image = tuple[int, int, int]
Bond = tuple[int, int, Image]
FACTOR = 1.25  # default bond criterion: 1.25 times the sum of covalent radii
WORDS = ("molecular", "chain", "layered", "framework")


@dataclass(frozen=True)
class Component:
    """One connected piece of the bond graph.

    Attributes
    ----------
    atoms:
        Indices of its atoms in the cell, sorted.
    images:
        (n, 3) cell of each atom when the piece is laid out whole, in the order of
        ``atoms``; unique for a molecule, a spanning tree otherwise.
    dimension:
        Rank of its lattice translations, 0 to 3.
    formula:
        Contents, e.g. ``"Ga2Cl6"`` (per translation cell if it is extended).
    """

    atoms: tuple[int, ...]
    images: NDArray[np.int_]
    dimension: int
    formula: str


class _Graph:
    """Union-find whose links carry lattice offsets, with loops kept per component."""

    def __init__(self, size: int) -> None:
        self.parent = list(range(size))
        self.offset = [np.zeros(3, dtype=int) for _ in range(size)]
        self.loops: list[list[NDArray[np.int_]]] = [[] for _ in range(size)]

    def find(self, i: int) -> tuple[int, NDArray[np.int_]]:
        """Return the root of i and the cell of i as seen from its root."""
        shift = np.zeros(3, dtype=int)
        while self.parent[i] != i:
            shift = shift + self.offset[i]
            i = self.parent[i]
        return i, shift

    def add(self, bond: Bond) -> bool:
        """Add a bond; return whether a component or a dimensionality changed."""
        i, j, image = bond
        (root_i, at_i), (root_j, at_j) = self.find(i), self.find(j)
        step = at_i + np.asarray(image, dtype=int) - at_j
        if root_i != root_j:
            self.parent[root_j], self.offset[root_j] = root_i, step
            for loop in self.loops[root_j]:
                self._add_loop(root_i, loop)
            return True
        return self._add_loop(root_i, step)

    def _add_loop(self, root: int, loop: NDArray[np.int_]) -> bool:
        known = self.loops[root]
        if len(known) == 3 or not loop.any():
            return False
        if np.linalg.matrix_rank(np.array([*known, loop])) > len(known):
            known.append(loop)
            return True
        return False

    def groups(self) -> dict[int, list[tuple[int, NDArray[np.int_]]]]:
        """Return root -> members with their offsets."""
        out: dict[int, list[tuple[int, NDArray[np.int_]]]] = {}
        for i in range(len(self.parent)):
            root, shift = self.find(i)
            out.setdefault(root, []).append((i, shift))
        return out


def radii(structure: Structure, *, kind: str = "covalent") -> NDArray[np.float64]:
    """Return a radius for each atom in angstrom.

    Parameters
    ----------
    structure:
        Periodic structure.
    kind:
        ``"covalent"`` (Cordero et al. 2008, as in ASE) or ``"ionic"`` (Shannon 1976
        for six neighbours, as in pymatgen, with guessed oxidation states).

    Raises
    ------
    InputError
        For an unknown kind, or an ion without an ionic radius.
    """
    symbols = [site.specie.symbol for site in structure]
    if kind == "covalent":
        return np.array([covalent_radii[atomic_numbers[s]] for s in symbols])
    if kind != "ionic":
        raise InputError(f"radii {kind!r}: expected 'covalent' or 'ionic'")
    guesses = structure.composition.oxi_state_guesses()
    if not guesses:
        raise InputError(f"{structure.composition.reduced_formula}: no oxidation states balance")
    found: dict[str, float] = {}
    for symbol, charge in guesses[0].items():
        value = Species(symbol, charge).ionic_radius if charge == round(charge) else None
        if not value:
            raise InputError(f"no ionic radius for {symbol}{charge:+g}; use covalent radii")
        found[symbol] = float(value)
    return np.array([found[s] for s in symbols])


def sorted_bonds(
    structure: Structure, *, limit: float, kind: str = "covalent", pairs: str = "all"
) -> tuple[list[Bond], NDArray[np.float64]]:
    """Return all atom pairs, nearest first, with distance over sum of radii.

    Parameters
    ----------
    structure:
        Periodic structure.
    limit:
        Largest ratio to return.
    kind:
        See :func:`radii`.
    pairs:
        ``"all"``, or ``"unlike"`` for pairs of different elements only (an ionic
        radius says nothing about two anions).

    Returns
    -------
    bonds, ratios
        Each pair once; ratios ascending, dimensionless.

    Raises
    ------
    InputError
        If ``limit`` is not a positive finite number or ``pairs`` is unknown.
    """
    if not np.isfinite(limit) or limit <= 0:
        raise InputError(f"bond factor {limit!r}: expected a positive number, e.g. {FACTOR}")
    if pairs not in ("all", "unlike"):
        raise InputError(f"pairs {pairs!r}: expected 'all' or 'unlike'")
    radius = radii(structure, kind=kind)
    first, second, image, distance = structure.get_neighbor_list(
        float(limit * 2 * radius.max()), exclude_self=True
    )
    ratio = distance / (radius[first] + radius[second])
    # each pair comes in both directions; keep one
    rank = image @ np.array([1_000_000, 1_000, 1])
    keep = ((first < second) | ((first == second) & (rank > 0))) & (ratio <= limit)
    if pairs == "unlike":
        numbers = np.array(structure.atomic_numbers)
        keep &= numbers[first] != numbers[second]
    order = np.argsort(ratio[keep], kind="stable")
    columns = (first[keep][order], second[keep][order], image[keep][order])
    bonds = [(int(i), int(j), (int(n[0]), int(n[1]), int(n[2])))
             for i, j, n in zip(*columns, strict=True)]  # fmt: skip
    return bonds, ratio[keep][order]


def bonds(
    structure: Structure, *, factor: float = FACTOR, kind: str = "covalent", pairs: str = "all"
) -> list[Bond]:
    """Return the bonds ``(i, j, image)`` shorter than ``factor`` times the radii sum."""
    return sorted_bonds(structure, limit=factor, kind=kind, pairs=pairs)[0]


def components(structure: Structure, bond_list: Iterable[Bond]) -> list[Component]:
    """Return the connected components of a periodic bond graph, largest first."""
    graph = _Graph(len(structure))
    for bond in bond_list:
        graph.add(bond)
    out = []
    for root, members in graph.groups().items():
        inside = tuple(i for i, _ in members)
        content = Composition({})
        for i in inside:
            content += Composition(structure[i].specie.symbol)
        out.append(Component(
            atoms=inside, images=np.array([shift for _, shift in members]),
            dimension=len(graph.loops[root]), formula=_formula(content),
        ))  # fmt: skip
    return sorted(out, key=lambda c: (-len(c.atoms), c.atoms))


def _formula(content: Composition) -> str:
    """Cation first, numbers written out, 1 left out."""
    ordered = sorted(content.items(), key=lambda item: item[0].X)
    return "".join(f"{e.symbol}{int(n) if n > 1 else ''}" for e, n in ordered)


@dataclass(frozen=True)
class Interval:
    """A span of bond factors over which the answer does not change.

    Attributes
    ----------
    low, high:
        The span: low <= factor < high.
    dimensions:
        The sorted distinct dimensionalities of its components.
    loose:
        Number of atoms without any bond.
    """

    low: float
    high: float
    dimensions: tuple[int, ...]
    loose: int

    @property
    def dimension(self) -> int:
        """The highest dimensionality present."""
        return self.dimensions[-1]

    @property
    def width(self) -> float:
        """Natural logarithm of high over low: the relative span."""
        return float(np.log(self.high / self.low)) if self.low > 0 else float("inf")


def barcode(
    structure: Structure, *, limit: float = 2.0, kind: str = "covalent", pairs: str = "all"
) -> list[Interval]:
    """Return dimensionality as a function of the bond factor, from 0 to ``limit``.

    Bonds are added one by one, shortest first; only at some of them does the answer
    change, and the intervals lie between these.
    """
    bond_list, ratios = sorted_bonds(structure, limit=limit, kind=kind, pairs=pairs)
    graph = _Graph(len(structure))

    def state() -> tuple[tuple[int, ...], int]:
        groups = graph.groups()
        dims = tuple(sorted({len(graph.loops[root]) for root in groups}))
        loose = sum(len(m) == 1 and not graph.loops[r] for r, m in groups.items())
        return dims, loose

    out: list[Interval] = []
    low, now = 0.0, state()
    k = 0
    while k < len(bond_list):
        same = k
        changed = False
        # pairs equal by symmetry differ in the last digits; they enter together
        while same < len(bond_list) and ratios[same] - ratios[k] < 1e-6:
            changed |= graph.add(bond_list[same])
            same += 1
        if changed and (new := state()) != now:
            out.append(Interval(low, float(ratios[k]), *now))
            low, now = float(ratios[k]), new
        k = same
    out.append(Interval(low, float(limit), *now))
    return out


@dataclass(frozen=True)
class Classification:
    """Dimensionality of a crystal at one bond factor, and how firm that is.

    Attributes
    ----------
    formula, dimension, word:
        Reduced formula; 0 to 3 and its word (molecular, chain, layered, framework).
        Pieces of several kinds take the highest; if some atom has no bond at all, as
        Ga+ in Ga[GaCl4], the word is "ions": finite pieces, but charged.
    units:
        Distinct contents of the pieces, e.g. ``("Ga2Cl6",)``.
    low, high:
        Span of the factor over which the same dimension, with no loose atom, stands.
    """

    formula: str
    dimension: int
    word: str
    units: tuple[str, ...]
    low: float
    high: float
    factor: float

    @property
    def margin(self) -> float:
        """Smaller relative distance from the factor to the ends of the span."""
        below = np.log(self.factor / self.low) if self.low > 0 else np.inf
        return float(min(below, np.log(self.high / self.factor)))


def classify(
    structure: Structure,
    *,
    factor: float = FACTOR,
    limit: float = 2.0,
    kind: str = "covalent",
    pairs: str = "all",
) -> Classification:
    """Return the dimensionality at ``factor`` and the span of factors that agree.

    Raises
    ------
    InputError
        If the factor is not in (0, limit), or leaves every atom without a bond.
    """
    if not 0 < factor < limit:
        raise InputError(f"bond factor {factor!r}: expected between 0 and {limit}")
    spans = barcode(structure, limit=limit, kind=kind, pairs=pairs)
    here = next(k for k, s in enumerate(spans) if s.low <= factor < s.high)
    formula = structure.composition.reduced_formula
    if spans[here].loose == len(structure):
        raise InputError(f"{formula}: no bonds at factor {factor}; the first comes at "
                         f"{spans[here].high:.3f}")  # fmt: skip
    first = last = here

    def alike(k: int) -> bool:
        return (spans[k].dimension == spans[here].dimension
                and (spans[k].loose == 0) == (spans[here].loose == 0))  # fmt: skip

    while first > 0 and alike(first - 1):
        first -= 1
    while last + 1 < len(spans) and alike(last + 1):
        last += 1
    found = components(structure, bonds(structure, factor=factor, kind=kind, pairs=pairs))
    dimension = spans[here].dimension
    return Classification(
        formula=formula, dimension=dimension,
        word="ions" if dimension == 0 and spans[here].loose else WORDS[dimension],
        units=tuple(sorted({c.formula for c in found})), low=spans[first].low,
        high=spans[last].high, factor=factor,
    )  # fmt: skip


def stays_molecular(structure: Structure, *, low: float = 1.1, high: float = 1.3) -> bool:
    """Return whether every factor from ``low`` to ``high`` gives finite, bonded pieces."""
    spans = [s for s in barcode(structure, limit=max(2.0, high)) if s.high > low and s.low <= high]
    return all(s.dimension == 0 and s.loose == 0 for s in spans)
