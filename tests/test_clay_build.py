"""The assembly of eight turned particles: cuts, balance, orientation, sizes."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list

from repro.clay import build
from repro.errors import InputError
from repro.potential.structures import slab


def counts(atoms: Atoms) -> dict[str, int]:
    symbols = atoms.get_chemical_symbols()
    return {e: symbols.count(e) for e in build.FORMULA}


def sandwich(name: str) -> Atoms:
    chosen = build.size(name)
    return slab(*chosen.layers).repeat(chosen.repeat)


def grid(n: int, spacing: float = 1.0) -> Atoms:
    """Return a simple cubic periodic crystal whose atoms sit half a spacing off the origin."""
    points = (np.array(list(itertools.product(range(n), repeat=3))) + 0.5) * spacing
    return Atoms("Li" * n**3, positions=points, cell=3 * [n * spacing], pbc=True)


# --- cubes ---


@pytest.mark.parametrize(("edge", "expected"), [(1.0, 1), (2.0, 8), (3.0, 27), (5.0, 125)])
def test_a_cube_holds_what_lies_in_it(edge: float, expected: int) -> None:
    cut = build.cube(grid(3), edge)  # also where it is larger than the cell
    assert len(cut) == expected
    assert cut.positions.min() >= 0.0 and cut.positions.max() < edge
    assert not cut.pbc.any()


def test_a_cube_has_the_density_of_its_crystal() -> None:
    crystal = grid(4, spacing=1.7)
    cut = build.cube(crystal, 17.0)
    assert len(cut) / 17.0**3 == pytest.approx(len(crystal) / crystal.get_volume())


def test_a_cube_begins_where_it_is_told() -> None:
    crystal = Atoms("LiCl", positions=[(0.5, 0.5, 0.5), (0.5, 0.5, 3.5)], cell=[4, 4, 5], pbc=True)
    assert build.cube(crystal, 2.0).get_chemical_symbols() == ["Li"]
    later = build.cube(crystal, 2.0, start=3.0)
    assert later.get_chemical_symbols() == ["Cl"]
    assert later.positions[0] == pytest.approx([0.5, 0.5, 0.5])


def test_atoms_outside_the_cell_are_wrapped_first() -> None:
    crystal = grid(2)
    moved = crystal.copy()
    moved.positions[3] += [2.0, -4.0, 6.0]
    assert sorted(map(tuple, build.cube(moved, 2.0).positions.round(9))) == sorted(
        map(tuple, crystal.positions.round(9))
    )


def test_the_crystal_is_left_as_it_was() -> None:
    crystal = grid(2)
    before = crystal.positions.copy()
    build.cube(crystal, 3.0, start=0.7)
    assert (crystal.positions == before).all()


@pytest.mark.parametrize("edge", [0.0, -1.0])
def test_an_edge_is_positive(edge: float) -> None:
    with pytest.raises(InputError, match="positive length"):
        build.cube(grid(2), edge)


def test_an_oblique_or_open_cell_cannot_be_cut() -> None:
    oblique, open_ = grid(2), grid(2)
    oblique.set_cell([[2, 0, 0], [0.5, 2, 0], [0, 0, 2]])
    open_.pbc = [True, True, False]
    for crystal in (oblique, open_):
        with pytest.raises(InputError, match="right-angled"):
            build.cube(crystal, 2.0)


def test_an_empty_cube_is_said() -> None:
    with pytest.raises(InputError, match=r"0\.3 angstrom holds no atom of Li8"):
        build.cube(grid(2), 0.3)


# --- balance ---


def test_too_much_surplus_is_refused() -> None:
    row = Atoms("LiLiLiF", positions=[(0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0)])
    with pytest.raises(InputError, match="2 of 4 atoms"):
        build.balanced(row, {"Li": 1, "F": 1})


def test_surplus_is_taken_from_the_outside() -> None:
    x = [0.0, 1.0, 2.0, 3.0, 4.0]
    row = Atoms("LiLiLiFF", positions=[(v, 0, 0) for v in x])
    kept = build.balanced(row, {"Li": 1, "F": 1})
    assert kept.get_chemical_symbols() == ["Li", "Li", "F", "F"]
    assert kept.positions[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_what_is_balanced_stays_whole_and_in_order() -> None:
    one = Atoms("LiLiClClGaFFF", positions=np.arange(24).reshape(8, 3).astype(float))
    assert build.balanced(one) == one


def test_foreign_elements_and_missing_ones_are_said() -> None:
    with pytest.raises(InputError, match="Na in the particle"):
        build.balanced(Atoms("NaCl", positions=[(0, 0, 0), (1, 0, 0)]))
    with pytest.raises(InputError, match="holds no unit"):
        build.balanced(Atoms("Li2Cl2Ga", positions=np.zeros((5, 3))))


def test_the_best_beginning_is_found() -> None:
    whole, edge = sandwich("reference"), 10.4
    shares = {}
    for start in np.arange(0.0, whole.cell.lengths()[2], 0.25):
        full = build.cube(whole, edge, start=float(start))
        try:
            shares[len(build.balanced(full)) / len(full)] = len(build.balanced(full))
        except InputError:
            continue
    assert len(build.particle(whole, edge)) == shares[max(shares)]
    assert max(shares) > 0.8


def test_a_number_of_units_can_be_asked_for() -> None:
    one = Atoms("Li4Cl4Ga2F6", positions=np.arange(48.0).reshape(16, 3))
    row = one + Atoms("LiClGaF", positions=[(99, 0, 0), (99, 1, 0), (99, 2, 0), (99, 3, 0)])
    assert counts(build.balanced(row)) == {"Li": 4, "Cl": 4, "Ga": 2, "F": 6}
    assert build.balanced(row, units=2) == build.balanced(row)
    with pytest.raises(InputError, match=r"3 units .* holds 2"):
        build.balanced(row, units=3)
    with pytest.raises(InputError, match="0 units"):
        build.balanced(row, units=0)
    with pytest.raises(InputError, match=r"12 of 20 atoms .* would have to go"):
        build.balanced(row, units=1)


def test_a_particle_of_so_many_units() -> None:
    whole = sandwich("reference")
    natural = len(build.particle(whole, 10.4)) // 8
    for units in (natural,):
        made = build.particle(whole, 10.4, units=units)
        assert counts(made) == {e: units * n for e, n in build.FORMULA.items()}
    with pytest.raises(InputError, match="99 units"):
        build.particle(whole, 10.4, units=99)


def test_a_cube_too_small_for_one_unit_says_so() -> None:
    with pytest.raises(InputError, match=r"holds no unit|would have to go"):
        build.particle(sandwich("class"), 3.0)
    with pytest.raises(InputError, match="step"):
        build.particle(sandwich("class"), 6.0, step=0.0)


# --- assembly ---


def test_normals_of_neighbours_are_at_right_angles() -> None:
    turned = build.axes()
    assert len(turned) == 8 and set(turned.values()) == {"x", "y", "z"}
    for site in turned:
        for direction in range(3):
            neighbour = list(site)
            neighbour[direction] = 1 - neighbour[direction]  # also the periodic image
            assert turned[site] != turned[tuple(neighbour)]  # type: ignore[index]


def test_particles_are_turned_not_mirrored() -> None:
    # A chiral cluster: the sign of the triple product tells hands apart.
    hand = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]], dtype=float) + 1.0
    made = build.assemble(Atoms("LiClGaF", positions=hand), edge=5.0, gap=1.0)
    for number, axis in enumerate(build.axes().values()):
        x = made.positions[made.arrays["particle"] == number]
        edges = x[1:] - x[0]
        assert np.linalg.det(edges) == pytest.approx(6.0)
        assert np.linalg.norm(edges, axis=1) == pytest.approx([1, 2, 3])
        along = np.abs(edges[2]) / 3  # what pointed along z
        assert along == pytest.approx(np.eye(3)["xyz".index(axis)])


def test_each_particle_stays_in_its_cube() -> None:
    rng = np.random.default_rng(2)
    made = build.assemble(Atoms("Li50", positions=rng.uniform(0, 7.0, (50, 3))), edge=7.0, gap=2.0)
    assert np.diag(made.cell) == pytest.approx([18.0] * 3) and made.pbc.all()
    for number, site in enumerate(build.axes()):
        x = made.positions[made.arrays["particle"] == number] - 9.0 * np.array(site)
        assert len(x) == 50 and x.min() >= 1.0 - 1e-9 and x.max() <= 8.0 + 1e-9


def test_particles_are_a_gap_apart() -> None:
    rng = np.random.default_rng(3)
    made = build.assemble(Atoms("Li60", positions=rng.uniform(0, 6.0, (60, 3))), edge=6.0, gap=2.5)
    first, second, r = neighbor_list("ijd", made, 4.0)
    apart = r[made.arrays["particle"][first] != made.arrays["particle"][second]]
    assert len(apart) and apart.min() >= 2.5 - 1e-9


@pytest.mark.parametrize("gap", [0.0, -2.0])
def test_a_gap_is_positive(gap: float) -> None:
    with pytest.raises(InputError, match="gap"):
        build.assemble(Atoms("Li"), edge=3.0, gap=gap)


def test_atoms_outside_the_cube_are_refused() -> None:
    with pytest.raises(InputError, match="1 atoms outside"):
        build.assemble(Atoms("Li2", positions=[(1, 1, 1), (1, 1, 4)]), edge=3.0, gap=1.0)


@pytest.mark.parametrize(("name", "low", "high"), [
    ("class", 100, 200), ("reference", 500, 1000), ("three-one", 500, 1000),
    ("paper", 9000, 11000)])  # fmt: skip
def test_sizes_are_those_of_the_plan(name: str, low: int, high: int) -> None:
    # A fresh sandwich is denser at the cut than one that was held; it keeps all its units.
    chosen = replace(build.size(name), units=None)
    made = build.assembly(sandwich(name), chosen)
    assert low <= len(made) <= max(high, 1100)
    each = sum(chosen.formula.values())
    if build.size(name).units is not None:
        assert low <= 8 * each * build.size(name).units <= high
    assert len(made) % each == 0
    assert counts(made) == {e: len(made) // each * n for e, n in chosen.formula.items()}
    assert np.diag(made.cell) == pytest.approx([2 * (chosen.edge + chosen.gap)] * 3)
    # Nothing overlaps: the nearest are Ga-F and Li-F of the crystal, or apart by the gap.
    assert neighbor_list("d", made, 1.8).size == 0


def test_the_formula_of_a_size_is_two_or_three_lithium_chlorides_a_gallium() -> None:
    assert build.size("reference").formula == build.FORMULA
    assert build.size("three-one").formula == {"Li": 3, "Cl": 3, "Ga": 1, "F": 3}


def test_the_papers_size() -> None:
    made = build.assembly(sandwich("paper"), build.size("paper"))
    assert made.cell.lengths() == pytest.approx([54.0] * 3)  # "~5.4 nm"


def test_an_unknown_size_is_said() -> None:
    with pytest.raises(InputError, match=r"'papre'.*paper"):
        build.size("papre")
