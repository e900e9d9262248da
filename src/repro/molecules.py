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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from ase.data.vdw_alvarez import vdw_radii
from numpy.typing import NDArray
from pymatgen.core import Composition, Lattice, Species, Structure

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
            before = len(self.loops[root_i])
            merged = [*self.loops[root_i], *self.loops[root_j]]
            self.loops[root_i] = merged[:before]
            for loop in merged[before:]:
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
        If the factor is not in (0, limit), or leaves atoms without any bond.
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


def whole_molecules(
    structure: Structure, bond_list: Sequence[Bond], *, repeat: Image = (1, 1, 1)
) -> Structure:
    """Return a block of the crystal with each molecule in one piece, for drawing.

    Coordinates may lie outside the cell; centres of molecules lie inside.
    """
    shift = np.zeros((len(structure), 3))
    for part in components(structure, bond_list):
        atoms = list(part.atoms)
        centre = np.mean(structure.frac_coords[atoms] + part.images, axis=0)
        shift[atoms] = part.images - np.floor(centre + 1e-6)
    block = np.array([(i, j, k) for i in range(repeat[0]) for j in range(repeat[1])
                      for k in range(repeat[2])])  # fmt: skip
    places = ((structure.frac_coords + shift)[None] + block[:, None]) / np.array(repeat)
    lattice = Lattice(structure.lattice.matrix * np.array(repeat)[:, None])
    return Structure(lattice, list(structure.species) * len(block), places.reshape(-1, 3),
                     to_unit_cell=False)  # fmt: skip


@dataclass(frozen=True)
class Coordination:
    """First shell of one element: who surrounds it, and how far.

    Attributes
    ----------
    numbers:
        Coordination number of each atom of the element.
    terminal, bridging:
        Bond lengths in angstrom to ligands with one bond, and with two or more.
    """

    element: str
    numbers: tuple[int, ...]
    terminal: NDArray[np.float64]
    bridging: NDArray[np.float64]


def coordination(
    structure: Structure, element: str, *, factor: float = FACTOR, kind: str = "covalent"
) -> Coordination:
    """Return coordination numbers of an element and its bond lengths by ligand role.

    Raises
    ------
    InputError
        If the element is not in the structure.
    """
    symbols = [site.specie.symbol for site in structure]
    if element not in symbols:
        raise InputError(f"{element!r} is not in {structure.composition.reduced_formula}")
    bond_list = bonds(structure, factor=factor, kind=kind)
    count = np.zeros(len(structure), dtype=int)
    for i, j, _ in bond_list:
        count[i] += 1
        count[j] += 1
    terminal, bridging = [], []
    for i, j, image in bond_list:
        for centre, ligand in ((i, j), (j, i)):
            if symbols[centre] == element and symbols[ligand] != element:
                (terminal if count[ligand] == 1 else bridging).append(
                    float(structure[i].distance(structure[j], image)))  # fmt: skip
    numbers = tuple(int(count[i]) for i, s in enumerate(symbols) if s == element)
    return Coordination(element, numbers, np.sort(terminal), np.sort(bridging))


@dataclass(frozen=True)
class Gap:
    """The closest contact between two different molecules.

    Attributes
    ----------
    distance:
        In angstrom.
    pair:
        The two elements.
    over_vdw:
        Distance over the sum of van der Waals radii (Alvarez 2013); near 1 for a
        mere contact, well below 1 for a secondary bond.
    """

    distance: float
    pair: tuple[str, str]
    over_vdw: float


def closest_contacts(structure: Structure, *, factor: float = FACTOR) -> list[Gap]:
    """Return, per pair of elements, the closest contact between different molecules.

    Sorted by ``over_vdw``; empty if the bond graph is one connected framework.
    """
    bond_list = bonds(structure, factor=factor)
    place: dict[int, tuple[int, NDArray[np.int_]]] = {}
    for number, part in enumerate(components(structure, bond_list)):
        if part.dimension:
            continue
        for atom, image in zip(part.atoms, part.images, strict=True):
            place[atom] = (number, image)
    symbols = [site.specie.symbol for site in structure]
    best: dict[tuple[str, str], Gap] = {}
    for i, j, image, distance in zip(*structure.get_neighbor_list(7.0), strict=True):
        if i not in place or j not in place:
            continue
        (mol_i, at_i), (mol_j, at_j) = place[i], place[j]
        if mol_i == mol_j and np.array_equal(at_j - at_i, image):
            continue
        a, b = sorted((symbols[i], symbols[j]))
        if (a, b) not in best or distance < best[a, b].distance:
            touch = vdw_radii[atomic_numbers[a]] + vdw_radii[atomic_numbers[b]]
            best[a, b] = Gap(float(distance), (a, b), float(distance / touch))
    return sorted(best.values(), key=lambda gap: gap.over_vdw)


def stays_molecular(structure: Structure, *, low: float = 1.1, high: float = 1.3) -> bool:
    """Return whether every factor from ``low`` to ``high`` gives finite, bonded pieces."""
    spans = [s for s in barcode(structure, limit=max(2.0, high)) if s.high > low and s.low <= high]
    return all(s.dimension == 0 and s.loose == 0 for s in spans)


def edge_sharing_dimer(structure: Structure, element: str, *, factor: float = FACTOR) -> bool:
    """Return whether the crystal is made of M2X6: two tetrahedra sharing an edge.

    Every piece is finite, holds two atoms of ``element`` with four neighbours each,
    and two ligands that bind both of them, with four that bind one.
    """
    bond_list = bonds(structure, factor=factor)
    touch: list[list[int]] = [[] for _ in range(len(structure))]
    for i, j, _ in bond_list:
        touch[i].append(j)
        touch[j].append(i)
    symbols = [site.specie.symbol for site in structure]
    for part in components(structure, bond_list):
        centres = [i for i in part.atoms if symbols[i] == element]
        ligands = [i for i in part.atoms if symbols[i] != element]
        shared = [i for i in ligands if sorted(touch[i]) == sorted(centres)]
        if (part.dimension or len(centres) != 2 or len(ligands) != 6 or len(shared) != 2
                or any(len(touch[i]) != 4 for i in centres)
                or any(len(touch[i]) != 1 for i in ligands if i not in shared)):  # fmt: skip
            return False
    return True


def median_ratio_error(
    first: Sequence[float], second: Sequence[float], *, draws: int = 2000, seed: int = 0
) -> float:
    """Return the bootstrap standard error of median(first) / median(second)."""
    rng = np.random.default_rng(seed)
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    top = np.median(rng.choice(a, size=(draws, len(a))), axis=1)
    bottom = np.median(rng.choice(b, size=(draws, len(b))), axis=1)
    return float(np.std(top / bottom))
