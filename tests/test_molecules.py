"""Molecules by graph: analytic lattices, two other codes, and the shipped halides."""

from __future__ import annotations

import numpy as np
import pytest
from ase.geometry.dimensionality import analyze_dimensionality
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.analysis.dimensionality import get_dimensionality_larsen
from pymatgen.analysis.graphs import StructureGraph
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from repro import molecular_geometry as geometry
from repro import molecules, structures
from repro.errors import InputError

CUBE = Lattice.cubic(10.0)
HALIDES = structures.binary_halides()


def argon(*places: tuple[float, float, float], cell: Lattice = CUBE) -> Structure:
    return Structure(cell, ["Ar"] * len(places), places)


ONE = argon((0, 0, 0))


@pytest.mark.parametrize(
    ("bonds", "dimension"),
    [
        ([], 0),
        ([(0, 0, (1, 0, 0))], 1),
        ([(0, 0, (1, 0, 0)), (0, 0, (2, 0, 0))], 1),
        ([(0, 0, (1, 0, 0)), (0, 0, (0, 1, 0))], 2),
        ([(0, 0, (1, 1, 0)), (0, 0, (1, -1, 0)), (0, 0, (2, 0, 0))], 2),
        ([(0, 0, (1, 0, 0)), (0, 0, (0, 1, 0)), (0, 0, (1, 1, 1))], 3),
    ],
)
def test_loops_of_one_atom(bonds: list[molecules.Bond], dimension: int) -> None:
    (part,) = molecules.components(ONE, bonds)
    assert part.dimension == dimension


def test_a_ring_through_the_boundary_is_a_molecule() -> None:
    two = argon((0.95, 0, 0), (0.05, 0, 0))
    (part,) = molecules.components(two, [(0, 1, (1, 0, 0))])
    assert part.dimension == 0
    assert part.formula == "Ar2"
    np.testing.assert_array_equal(part.images[1] - part.images[0], [1, 0, 0])
    # the same pair, bonded to both neighbours, is a chain
    (chain,) = molecules.components(two, [(0, 1, (1, 0, 0)), (0, 1, (0, 0, 0))])
    assert chain.dimension == 1


def test_interlocked_but_separate_chains() -> None:
    pair = argon((0, 0, 0), (0.5, 0.5, 0.5))
    parts = molecules.components(pair, [(0, 0, (1, 0, 0)), (1, 1, (0, 1, 0))])
    assert [p.dimension for p in parts] == [1, 1]
    # one link makes them a net of two directions
    (net,) = molecules.components(pair, [(0, 0, (1, 0, 0)), (1, 1, (0, 1, 0)), (0, 1, (0, 0, 0))])
    assert net.dimension == 2


def naive(size: int, bonds: list[molecules.Bond], reach: int = 3) -> list[int]:
    """Dimension by brute force: connect a block of cells, then look which copies meet."""
    span = range(-reach, reach + 1)
    nodes = {(i, a, b, c) for i in range(size) for a in span for b in span for c in span}
    neighbours: dict[tuple[int, ...], list[tuple[int, ...]]] = {n: [] for n in nodes}
    for i, j, (x, y, z) in bonds:
        for _, a, b, c in [n for n in nodes if n[0] == i]:
            other = (j, a + x, b + y, c + z)
            if other in nodes:
                neighbours[i, a, b, c].append(other)
                neighbours[other].append((i, a, b, c))
    out = []
    for start in range(size):
        seen, stack = {(start, 0, 0, 0)}, [(start, 0, 0, 0)]
        while stack:
            for n in neighbours[stack.pop()]:
                if n not in seen:
                    seen.add(n)  # type: ignore[arg-type]
                    stack.append(n)  # type: ignore[arg-type]
        copies = np.array([n[1:] for n in seen if n[0] == start])
        out.append(int(np.linalg.matrix_rank(copies)) if copies.any() else 0)
    return out


image = st.tuples(*[st.integers(-1, 1)] * 3)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3).flatmap(lambda n: st.tuples(
    st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), image),
                         max_size=4))))  # fmt: skip
def test_against_brute_force(case: tuple[int, list[molecules.Bond]]) -> None:
    size, bonds = case
    bonds = [b for b in bonds if not (b[0] == b[1] and b[2] == (0, 0, 0))]
    structure = argon(*[(k / size, 0, 0) for k in range(size)])
    ours = {i: p.dimension for p in molecules.components(structure, bonds) for i in p.atoms}
    assert [ours[i] for i in range(size)] == naive(size, bonds)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(8)), st.integers(0, 2**31))
def test_order_and_numbering_do_not_matter(order: list[int], seed: int) -> None:
    crystal = structures.load("InBr-mp")
    rng = np.random.default_rng(seed)
    shuffled = Structure(
        crystal.lattice, [crystal[i].specie for i in order],
        crystal.frac_coords[order] + rng.integers(-2, 3, (8, 3)), to_unit_cell=False,
    )  # fmt: skip
    for factor in (1.2, 1.272, 1.4):
        a = molecules.components(crystal, molecules.bonds(crystal, factor=factor))
        b = molecules.components(shuffled, molecules.bonds(shuffled, factor=factor))
        assert sorted((p.formula, p.dimension) for p in a) == sorted(
            (p.formula, p.dimension) for p in b
        )


@pytest.mark.parametrize("key", HALIDES)
def test_against_pymatgen(key: str) -> None:
    crystal = structures.load(key)
    bonds = molecules.bonds(crystal)
    graph = StructureGraph.from_edges(
        crystal, {(i, j, (0, 0, 0), image): None for i, j, image in bonds}
    )
    theirs = get_dimensionality_larsen(graph)
    ours = max(p.dimension for p in molecules.components(crystal, bonds))
    assert ours == theirs == molecules.classify(crystal).dimension


@pytest.mark.parametrize(
    "key", ["GaCl3-mp", "SbCl3-mp", "InBr3-mp", "TiI4-mp", "LiCl-mp", "SbF3-mp"]
)
def test_barcode_against_ase(key: str) -> None:
    crystal = structures.load(key)
    atoms = AseAtomsAdaptor.get_atoms(crystal, msonable=False)
    merged = analyze_dimensionality(atoms, method="RDA", merge=False)
    spans = molecules.barcode(crystal, limit=1.6)
    checked = 0
    for span in spans:
        middle = 0.5 * (span.low + span.high)
        if span.high - span.low < 1e-3:
            continue
        theirs = [k for k in merged if k.a <= middle < k.b]
        if not theirs:  # ASE begins at its first bond and ends at the framework
            assert span.loose == len(crystal) or span.dimension == 3
            continue
        assert {d for d in range(4) if theirs[0].h[d]} == set(span.dimensions)
        checked += 1
    assert checked >= 1


def test_the_papers_molecules() -> None:
    expected = {"GaCl3-mp": "Ga2Cl6", "SbCl3-mp": "SbCl3", "InI3-cell": "In2I6",
                "GaI3-d3": "Ga2I6", "GaBr3-d3": "Ga2Br6"}  # fmt: skip
    for key, unit in expected.items():
        crystal = structures.load(key)
        assert molecules.classify(crystal).units == (unit,)
        assert molecules.stays_molecular(crystal)
    assert not molecules.stays_molecular(structures.load("SbF3-mp"), high=1.3)
    assert not molecules.stays_molecular(structures.load("LiCl-mp"))


def test_edge_sharing_dimers() -> None:
    for key, centre in {"GaCl3-mp": "Ga", "InI3-cell": "In", "AlBr3-mp": "Al"}.items():
        assert geometry.edge_sharing_dimer(structures.load(key), centre)
    for key, centre in {"SbCl3-mp": "Sb", "AlCl3-mp": "Al", "SiCl4-mp": "Si"}.items():
        assert not geometry.edge_sharing_dimer(structures.load(key), centre)


def test_gallium_has_two_terminal_and_two_bridging_chlorines() -> None:
    shell = geometry.coordination(structures.load("GaCl3-mp"), "Ga")
    assert shell.numbers == (4, 4, 4, 4)
    assert len(shell.terminal) == len(shell.bridging) == 8
    assert shell.terminal.max() < shell.bridging.min()
    # the Materials Project's own description of mp-30952: 2.12 to 2.34 angstrom
    assert round(shell.terminal.min(), 2) == 2.12
    assert round(shell.bridging.max(), 2) == 2.34


def test_salts_are_not_molecular_and_ions_are_no_molecules() -> None:
    for key in ("LiF-mp", "LiCl-mp", "LiI-mp", "GaF3-none", "AlF3-mp", "GaF3-beta-amcsd"):
        assert molecules.classify(structures.load(key)).word == "framework"
    assert molecules.classify(structures.load("GaCl2-mp")).word == "ions"
    assert molecules.classify(structures.load("InBr3-mp")).word == "layered"


def test_span_ends_are_where_the_answer_changes() -> None:
    crystal = structures.load("SbCl3-mp")
    found = molecules.classify(crystal)
    for factor, same in ((found.low + 1e-5, True), (found.high - 1e-5, True),
                         (found.high + 1e-5, False)):  # fmt: skip
        parts = molecules.components(crystal, molecules.bonds(crystal, factor=factor))
        assert (max(p.dimension for p in parts) == 0) is same
    assert found.margin == pytest.approx(
        min(np.log(found.factor / found.low), np.log(found.high / found.factor))
    )


def test_contacts_are_between_molecules() -> None:
    crystal = structures.load("GaCl3-mp")
    for gap in geometry.closest_contacts(crystal):
        assert gap.distance > 3.0
        assert gap.over_vdw > 0.9
    assert geometry.closest_contacts(structures.load("LiCl-mp")) == []


def test_whole_molecules_are_whole() -> None:
    crystal = structures.load("GaCl3-mp")
    bonds = molecules.bonds(crystal)
    whole = geometry.whole_molecules(crystal, bonds, repeat=(1, 2, 1))
    assert len(whole) == 2 * len(crystal)
    assert whole.volume == pytest.approx(2 * crystal.volume)
    assert all(image == (0, 0, 0) for _, _, image in molecules.bonds(whole))


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf"), 5.0])
def test_bad_factors(factor: float) -> None:
    with pytest.raises(InputError, match="bond factor"):
        molecules.classify(ONE, factor=factor)


def test_bad_options() -> None:
    crystal = structures.load("GaCl3-mp")
    with pytest.raises(InputError, match="'covalent' or 'ionic'"):
        molecules.radii(crystal, kind="metallic")
    with pytest.raises(InputError, match="'all' or 'unlike'"):
        molecules.bonds(crystal, pairs="some")
    with pytest.raises(InputError, match=r"no bonds at factor 0\.5; the first comes at"):
        molecules.classify(crystal, factor=0.5)
    with pytest.raises(InputError, match="'Fe' is not in GaCl3"):
        geometry.coordination(crystal, "Fe")
    with pytest.raises(InputError, match="no ionic radius for In"):
        molecules.radii(structures.load("InBr-mp"), kind="ionic")


def test_bootstrap_error_of_a_ratio() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(10, 1, 200), rng.normal(20, 1, 200)
    error = geometry.median_ratio_error(a.tolist(), b.tolist())
    # the median of n normals has standard error 1.253 sigma / sqrt(n)
    expected = 0.5 * 1.253 / np.sqrt(200) * np.hypot(1 / 10, 1 / 20)
    assert error == pytest.approx(expected, rel=0.3)
