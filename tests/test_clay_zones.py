"""Non-affine displacement, zones, classes and chemistry of planted deformations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from repro.clay import zones
from repro.errors import InputError

Floats = NDArray[np.float64]
CELL = np.array([[16.0, 0.0, 0.0], [1.0, 15.0, 0.0], [-2.0, 6.0, 17.0]])
SHEAR = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.01], [0.0, 0.0, 1.0]])
LI, F, CL, GA = 3, 9, 17, 31


def salt(count: int = 240, *, cell: Floats = CELL, seed: int = 1) -> Atoms:
    """Random atoms of the clay's composition; near enough at this density to a liquid."""
    rng = np.random.default_rng(seed)
    numbers = np.resize([GA, F, F, F, LI, CL, LI, CL], count)
    return Atoms(numbers, positions=rng.random((count, 3)) @ cell, cell=cell, pbc=True)


def deformed(atoms: Atoms, gradient: Floats, moves: Floats | float = 0.0) -> Atoms:
    """Apply r' = F r to cell and atoms, then shift atoms."""
    new = atoms.copy()
    new.set_cell(atoms.cell.array @ gradient.T, scale_atoms=False)
    new.positions = atoms.positions @ gradient.T + moves
    return new


def scrambled(atoms: Atoms, seed: int) -> Atoms:
    """Move each atom by whole cell vectors."""
    new = atoms.copy()
    jumps = np.random.default_rng(seed).integers(-2, 3, (len(atoms), 3))
    new.positions += jumps @ atoms.cell.array
    return new


def images(atoms: Atoms, cutoff: float) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    """Every pair within the cutoff, by looking at 125 images of each."""
    around = np.stack(np.meshgrid(*[range(-2, 3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    for i in range(len(atoms)):
        for j in range(len(atoms)):
            d = atoms.positions[j] - atoms.positions[i] + around @ atoms.cell.array
            for k in np.flatnonzero(np.linalg.norm(d, axis=1) < cutoff):
                if i != j or around[k].any():
                    yield i, j, around[k]


def naive(before: Atoms, after: Atoms, cutoff: float) -> tuple[Floats, Floats]:
    """Falk and Langer's formulae in a double loop; atoms unwrapped, moved by less than half."""
    n = len(before)
    x, y = np.zeros((n, 3, 3)), np.zeros((n, 3, 3))
    pairs = []
    for i, j, image in images(before, cutoff):
        old = before.positions[j] - before.positions[i] + image @ before.cell.array
        new = after.positions[j] - after.positions[i] + image @ after.cell.array
        x[i] += np.outer(new, old)
        y[i] += np.outer(old, old)
        pairs.append((i, old, new))
    f = np.array([a @ np.linalg.inv(b) for a, b in zip(x, y, strict=True)])
    d = np.zeros(n)
    for i, old, new in pairs:
        d[i] += ((new - f[i] @ old) ** 2).sum()
    return d, f


def noisy(atoms: Atoms, size: float = 0.2, seed: int = 5) -> Floats:
    return np.random.default_rng(seed).normal(scale=size, size=(len(atoms), 3))


# D2min


@pytest.mark.parametrize("gradient", [
    SHEAR, np.eye(3) + 0.1 * np.random.default_rng(0).normal(size=(3, 3)),
    np.array([[1.0, 0.2, 0.0], [0.0, 0.9, 0.3], [0.0, 0.0, 1.1]]),
])  # fmt: skip
@pytest.mark.parametrize("scramble", [False, True])
def test_affine_deformation_has_none(gradient: Floats, scramble: bool) -> None:
    before = salt()
    after = deformed(before, gradient)
    if scramble:
        before, after = scrambled(before, 1), scrambled(after, 2)
    found = zones.d2min(before, after)
    assert found.d2min.max() < 1e-10
    np.testing.assert_allclose(
        found.deformation, np.broadcast_to(gradient, (len(before), 3, 3)), atol=1e-10)  # fmt: skip
    np.testing.assert_allclose(found.mises, zones.mises_strain(gradient), atol=1e-10)


def test_affine_inside_a_cell_that_stays() -> None:
    # A dense ball is sheared within a large fixed cell: locally affine, but not the cell's map.
    rng = np.random.default_rng(3)
    points = 20 + rng.uniform(-5, 5, (300, 3))
    before = Atoms(np.full(300, GA), positions=points, cell=[40.0] * 3, pbc=True)
    after = before.copy()
    after.positions = (points - 20) @ SHEAR.T + 20
    found = zones.d2min(before, after)
    assert found.d2min.max() < 1e-10
    np.testing.assert_allclose(found.deformation - SHEAR, 0.0, atol=1e-10)


@pytest.mark.parametrize("cell", [CELL, 0.5 * CELL])
def test_agrees_with_a_double_loop(cell: Floats) -> None:
    # The smaller cell is narrower than two cutoffs: several images of a neighbour count.
    before = salt(40, cell=cell)
    after = deformed(before, SHEAR, noisy(before))
    found = zones.d2min(before, after)
    d, f = naive(before, after, 6.5)
    np.testing.assert_allclose(found.d2min, d, rtol=1e-9)
    np.testing.assert_allclose(found.deformation, f, atol=1e-10)
    counts = np.bincount([i for i, _, _ in images(before, 6.5)], minlength=40)
    np.testing.assert_array_equal(found.neighbours, counts)


def test_agrees_with_matscipy() -> None:
    from matscipy.atomic_strain import atomic_strain
    from matscipy.neighbours import neighbour_list

    before = salt(480, cell=1.25 * CELL)
    after = deformed(before, SHEAR, noisy(before, 0.1))
    # It takes neighbours from the later frame unless told otherwise.
    pairs = neighbour_list("ij", before, 6.5)
    gradient, residual = atomic_strain(after, before, neighbours=pairs)
    found = zones.d2min(before, after)
    np.testing.assert_allclose(found.d2min, residual, rtol=1e-8)
    np.testing.assert_allclose(found.deformation, gradient, atol=1e-8)


def test_matscipy_alone_is_wrong_in_a_small_cell() -> None:
    # The reason for our own: one image of each neighbour.  If this fails, use matscipy.
    from matscipy.atomic_strain import atomic_strain
    from matscipy.neighbours import neighbour_list

    before = salt(40, cell=0.5 * CELL)
    after = deformed(before, SHEAR, noisy(before))
    _, residual = atomic_strain(after, before, neighbours=neighbour_list("ij", before, 6.5))
    d, _ = naive(before, after, 6.5)
    assert np.abs(residual / d - 1).max() > 0.1


@given(st.tuples(*[st.floats(-30, 30)] * 3), st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_translation_wrapping_and_renumbering_change_nothing(
    by: tuple[float, float, float], seed: int
) -> None:
    before = salt(120)
    after = deformed(before, SHEAR, noisy(before))
    wanted = zones.d2min(before, after)
    order = np.random.default_rng(seed).permutation(len(before))
    one, other = scrambled(before, seed), scrambled(after, seed + 1)
    other.positions += by
    other.wrap()
    found = zones.d2min(one[order], other[order])
    np.testing.assert_allclose(found.d2min, wanted.d2min[order], atol=1e-9)
    np.testing.assert_allclose(found.deformation, wanted.deformation[order], atol=1e-9)
    np.testing.assert_array_equal(found.neighbours, wanted.neighbours[order])


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_a_rotation_after_turns_nothing_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    q, r = np.linalg.qr(np.eye(3) + 0.1 * rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    before = salt(120)
    after = deformed(before, SHEAR, noisy(before))
    one, other = zones.d2min(before, after), zones.d2min(before, deformed(after, q))
    np.testing.assert_allclose(other.d2min, one.d2min, rtol=1e-8)
    np.testing.assert_allclose(other.mises, one.mises, atol=1e-10)


def test_no_map_fits_better() -> None:
    before = salt(60)
    after = deformed(before, SHEAR, noisy(before))
    found = zones.d2min(before, after)
    rng = np.random.default_rng(2)
    other = found.deformation + rng.normal(scale=1e-3, size=found.deformation.shape)
    rest = np.zeros((2, 60))
    for i, j, image in images(before, 6.5):
        old = before.positions[j] - before.positions[i] + image @ before.cell.array
        new = after.positions[j] - after.positions[i] + image @ after.cell.array
        for k, f in enumerate((found.deformation[i], other[i])):
            rest[k, i] += ((new - f @ old) ** 2).sum()
    assert (rest[0] < rest[1]).all()
    np.testing.assert_allclose(rest[0], found.d2min)


def test_it_is_a_sum_over_neighbours() -> None:
    # One atom alone moves: its neighbours see one displaced pair, itself all of them.
    before = salt()
    moves = np.zeros((len(before), 3))
    moves[7] = [0.0, 0.0, 0.5]
    found = zones.d2min(before, deformed(before, SHEAR, moves))
    assert found.d2min[7] == pytest.approx(found.neighbours[7] * 0.25, rel=0.2)
    others = np.delete(found.d2min, 7)
    assert others.max() <= 0.25 + 1e-9
    assert np.argmax(found.d2min) == 7


def test_mises_of_simple_shear_and_of_expansion() -> None:
    assert zones.mises_strain(SHEAR) == pytest.approx(0.005, rel=1e-3)
    assert zones.mises_strain(1.1 * np.eye(3)) == pytest.approx(0.0, abs=1e-12)
    # Of a uniaxial Green strain e: e / sqrt(3).
    e = (1.1**2 - 1) / 2
    assert zones.mises_strain(np.diag([1.1, 1, 1])) == pytest.approx(e / np.sqrt(3))


# Zones


def planted(seed: int = 4) -> tuple[Atoms, Atoms, NDArray[np.int64], Floats]:
    """A ball across the cell's corner whose atoms move at random, in a little thermal motion."""
    before = salt(480, cell=1.25 * CELL, seed=seed)
    centre = np.array([0.0, 0.0, 0.0])
    s = before.get_scaled_positions()
    d = np.linalg.norm((s - np.round(s)) @ before.cell.array - centre, axis=1)
    ball = np.flatnonzero(d < 5.0)
    moves = noisy(before, 0.02)
    moves[ball] += np.random.default_rng(9).normal(scale=0.8, size=(len(ball), 3))
    return before, deformed(before, SHEAR, moves), ball, centre


def test_a_planted_zone_is_found() -> None:
    before, after, ball, centre = planted()
    field = zones.d2min(before, scrambled(after, 1))
    rest = np.setdiff1d(np.arange(len(before)), ball)
    assert np.median(field.d2min[ball]) > 20 * np.median(field.d2min[rest])
    found = zones.zones(before, field.d2min, threshold=float(np.quantile(field.d2min, 0.96)))
    big = found[0]
    assert np.isin(big.indices, ball).mean() > 0.8 and big.size > 0.5 * len(ball)
    assert not big.percolates and big.share == big.size / len(before)
    s = (big.centre - centre) @ np.linalg.inv(before.cell.array)
    assert np.linalg.norm((s - np.round(s)) @ before.cell.array) < 2.0
    assert [z.size for z in found] == sorted((z.size for z in found), reverse=True)
    local = zones.localisation(field, found)
    even = zones.localisation(zones.d2min(before, deformed(before, SHEAR, noisy(before))), [])
    assert local.participation < 0.3 * even.participation
    assert local.psi > 0 and local.largest > 0.3 and even.largest == 0.0


def test_zones_are_the_same_in_another_image_and_order() -> None:
    before, after, _, _ = planted()
    values = zones.d2min(before, after).d2min
    order = np.random.default_rng(8).permutation(len(before))
    one = zones.zones(before, values)
    other = zones.zones(scrambled(before, 3)[order], values[order])
    assert len(one) > 0
    assert sorted(sorted(z.indices) for z in one) == sorted(sorted(order[z.indices]) for z in other)
    assert {z.windings for z in one} == {z.windings for z in other}
    for a in one:
        [b] = [z for z in other if set(order[z.indices]) == set(a.indices)]
        s = (a.centre - b.centre) @ np.linalg.inv(before.cell.array)
        np.testing.assert_allclose(s - np.round(s), 0.0, atol=1e-9)


@given(st.integers(0, 10_000), st.floats(2.0, 6.0))
@settings(max_examples=20, deadline=None)
def test_clusters_agree_with_a_naive_walk(seed: int, link: float) -> None:
    atoms = salt(60, seed=seed)
    values = np.random.default_rng(seed).random(60)
    chosen = [k for k in range(60) if values[k] > 0.6]
    near = {k: set() for k in chosen}
    for i, j, _ in images(atoms[chosen], link):
        near[chosen[i]].add(chosen[j])
    wanted, left = [], set(chosen)
    while left:
        reached, todo = set(), [left.pop()]
        while todo:
            k = todo.pop()
            reached.add(k)
            todo += [m for m in near[k] if m not in reached]
        left -= reached
        wanted.append(sorted(reached))
    found = zones.zones(atoms, values, threshold=0.6, link=link)
    assert sorted(wanted) == sorted(sorted(z.indices) for z in found)


def chain(points: list[tuple[float, float, float]], cell: Floats | None = None) -> Atoms:
    """Atoms at fractional positions in a cell of 12 angstrom (or another)."""
    box = np.diag([12.0] * 3) if cell is None else cell
    return Atoms(np.full(len(points), GA), positions=np.array(points) @ box, cell=box, pbc=True)


ROW = [(k / 4, 0.0, 0.0) for k in range(4)]
TILTED = np.array([[12.0, 0.0, 0.0], [5.0, 12.0, 0.0], [4.0, 6.0, 12.0]])


@pytest.mark.parametrize(("points", "windings"), [
    (ROW, 1),
    (ROW[:3], 0),  # nearly as long as the cell, but not joined to its image
    ([(a / 4, b / 4, 0.0) for a in range(4) for b in range(4)], 2),
    ([(a / 4, b / 4, c / 4) for a in range(4) for b in range(4) for c in range(4)], 3),
    # A ring within the cell closes on itself without going round it.
    ([(0.3, 0.3, 0), (0.55, 0.3, 0), (0.55, 0.55, 0), (0.3, 0.55, 0)], 0),
    # A spiral along the diagonal of a face is one thread, though it spans two directions.
    ([(k / 6, k / 6, 0.0) for k in range(6)], 1),
    # Two crossing threads.
    (ROW + [(0.0, k / 4, 0.0) for k in range(1, 4)], 2),
])  # fmt: skip
def test_percolation_is_a_winding(points: list[tuple[float, float, float]], windings: int) -> None:
    atoms = chain(points)
    [zone] = zones.zones(scrambled(atoms, 5), np.ones(len(points)), threshold=0.5, link=3.2)
    assert zone.windings == windings and zone.percolates == (windings > 0)
    assert np.isnan(zone.centre).all() == zone.percolates


def test_a_thread_as_long_as_the_cell_with_its_ends_apart() -> None:
    # Extent alone would call it percolating: it runs through the border and past its start.
    points = [(0.9 + k / 4.2, 0.1 * k, 0.0) for k in range(5)]
    [zone] = zones.zones(chain(points), np.ones(5), threshold=0.5, link=3.3)
    assert zone.windings == 0
    inside = chain([tuple(np.mean(points, axis=0))])
    inside.wrap()
    np.testing.assert_allclose(zone.centre, inside.positions[0], atol=1e-9)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_thread_along_each_vector_of_a_tilted_cell(axis: int) -> None:
    points = [tuple(np.roll([k / 5, 0.0, 0.0], axis)) for k in range(5)]
    step = np.linalg.norm(TILTED[axis]) / 5
    closed = chain(points, TILTED)
    assert zones.zones(closed, np.ones(5), threshold=0.5, link=step + 0.1)[0].windings == 1
    opened = zones.zones(closed, np.array([1, 1, 0, 1, 1.0]), threshold=0.5, link=step + 0.1)
    assert opened[0].size == 4 and opened[0].windings == 0


def test_only_the_elements_named_belong() -> None:
    atoms = salt()
    values = np.where(atoms.numbers == LI, 10.0, np.linspace(0, 1, len(atoms)))
    every = zones.zones(atoms, values, threshold=0.95)
    some = zones.zones(atoms, values, threshold=0.95, elements=("Ga", "F", "Cl"))
    assert any((atoms.numbers[z.indices] == LI).any() for z in every)
    assert some and all((atoms.numbers[z.indices] != LI).all() for z in some)
    # The usual threshold is then theirs as well.
    rest = values[atoms.numbers != LI]
    usual = zones.zones(atoms, values, elements=("Ga", "F", "Cl"))
    assert sum(z.size for z in usual) == (rest > zones.usual_threshold(rest)).sum()


def test_the_usual_threshold() -> None:
    x = np.random.default_rng(1).normal(5.0, 2.0, 100_000)
    assert zones.usual_threshold(x) == pytest.approx(11.0, abs=0.05)
    assert zones.usual_threshold(x, deviations=1.0) == pytest.approx(7.0, abs=0.05)
    assert (x > zones.usual_threshold(x)).mean() == pytest.approx(0.00135, abs=0.0005)


def test_chance_zones_of_thermal_motion_are_few_and_small() -> None:
    atoms = salt(2000, cell=2.0 * CELL)
    values = zones.d2min(atoms, deformed(atoms, SHEAR, noisy(atoms, 0.1))).d2min
    assert 0.01 < (values > zones.usual_threshold(values)).mean() < 0.025
    assert (values > zones.usual_threshold(values, deviations=6.0)).mean() < 0.002
    found = zones.zones(atoms, values)
    assert found[0].size <= 12 and not any(z.percolates for z in found)


def test_nothing_above_the_threshold_is_no_zone() -> None:
    assert zones.zones(salt(), np.ones(240)) == []
    assert zones.zones(salt(), np.ones(240), threshold=2.0) == []


# Localisation


def test_participation_of_all_and_of_one() -> None:
    n = 50
    mises = np.linspace(0, 1, n)

    def field(d: Floats) -> zones.NonAffine:
        return zones.NonAffine(d, np.zeros((n, 3, 3)), mises, np.full(n, 10))

    even = zones.localisation(field(np.full(n, 3.0)), [])
    one = zones.localisation(field(np.eye(n)[0]), [])
    assert even.participation == pytest.approx(1.0) and one.participation == pytest.approx(1 / n)
    assert even.psi == pytest.approx(np.sqrt(np.mean((mises - mises.mean()) ** 2)))
    parts = [zones.Zone(np.arange(k), np.zeros(3), k / n, 0) for k in (5, 20, 10)]
    assert zones.localisation(field(np.full(n, 3.0)), parts).largest == pytest.approx(0.4)
    with pytest.raises(InputError, match="zero everywhere"):
        zones.localisation(field(np.zeros(n)), [])


# Classes


def test_classes_by_the_maximum_and_by_quantile() -> None:
    x = np.array([0.0, 0.05, 0.2, 0.5, 0.89, 0.91, 1.0])
    found = zones.classes(x)
    np.testing.assert_array_equal(np.flatnonzero(found.high), [5, 6])
    np.testing.assert_array_equal(np.flatnonzero(found.low), [0, 1])
    assert (found.upper, found.lower) == (0.9, 0.1)
    many = np.random.default_rng(1).exponential(size=1000)
    even = zones.classes(many, by="quantile", high=0.95, low=0.2)
    assert even.high.sum() == 50 and even.low.sum() == 200
    assert many[even.high].min() > even.upper and many[even.low].max() < even.lower


def test_the_upper_class_of_a_heavy_tail_is_few() -> None:
    x = np.random.default_rng(1).exponential(size=1000)
    found = zones.classes(x)
    assert found.high.sum() < 5 and found.low.sum() > 400


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.sampled_from(["maximum", "quantile"]))  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_no_value_is_in_both_classes(values: list[float], by: str) -> None:
    found = zones.classes(np.array(values), by=by)
    assert not (found.high & found.low).any()


# Chlorine


def test_environment_of_a_complex() -> None:
    at = np.array([10.0, 10.0, 0.1])
    ligands = [(F, 2.4), (F, 2.6), (CL, 2.8), (CL, 2.3), (CL, 3.0), (LI, 2.0)]
    along = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
    points = [at] + [at + r * np.array(v) for (_, r), v in zip(ligands, along, strict=True)]
    atoms = Atoms([GA] + [z for z, _ in ligands], positions=points, cell=[20.0] * 3, pbc=True)
    atoms += Atoms([GA], positions=[[0.0, 0.0, 8.0]])
    atoms.wrap()
    found = zones.environment(atoms)
    np.testing.assert_array_equal(found.indices, [0, 7])
    np.testing.assert_array_equal(found.fluorine, [1, 0])
    np.testing.assert_array_equal(found.chlorine, [2, 0])
    assert found.share[0] == pytest.approx(2 / 3) and np.isnan(found.share[1])
    wider = zones.environment(atoms, bonds={"F": 2.7, "Cl": 3.1})
    assert (wider.fluorine[0], wider.chlorine[0]) == (2, 3)


@pytest.mark.parametrize("centre", ["Ga", "Li"])
def test_environment_agrees_with_a_double_loop(centre: str) -> None:
    atoms = scrambled(salt(100), 1)
    found = zones.environment(atoms, centre=centre)
    names = np.array(atoms.get_chemical_symbols())
    counts = {"F": np.zeros(100, dtype=int), "Cl": np.zeros(100, dtype=int)}
    for name, length in (("F", 2.5), ("Cl", 2.9)):
        for i, j, _ in images(salt(100), length):
            counts[name][i] += names[j] == name
    own = names == centre
    np.testing.assert_array_equal(found.fluorine, counts["F"][own])
    np.testing.assert_array_equal(found.chlorine, counts["Cl"][own])
    assert found.chlorine.sum() > 0


def quarters(mean: float, size: int, rng: np.random.Generator) -> Floats:
    """Chlorine shares of fourfold Ga."""
    return rng.binomial(4, mean, size) / 4


def test_a_planted_excess_of_chlorine_is_found() -> None:
    rng = np.random.default_rng(1)
    found = zones.chlorine_test(quarters(0.6, 100, rng), quarters(0.4, 400, rng))
    assert found.difference == pytest.approx(0.2, abs=3 * found.error)
    assert found.error == pytest.approx(np.hypot(0.245 / 10, 0.245 / 20), rel=0.1)
    assert found.p_value == pytest.approx(1 / 2001) and found.units == 1
    less = zones.chlorine_test(quarters(0.4, 100, rng), quarters(0.6, 400, rng))
    assert less.p_value > 0.99


def test_without_excess_p_values_are_uniform() -> None:
    rng = np.random.default_rng(2)
    found = [zones.chlorine_test(quarters(0.5, 30, rng), quarters(0.5, 100, rng), samples=400,
                                 seed=k) for k in range(200)]  # fmt: skip
    p = np.array([f.p_value for f in found])
    assert (p < 0.05).mean() < 0.1 and 0.4 < p.mean() < 0.6
    z = np.array([f.difference / f.error for f in found])
    assert 0.85 < z.std() < 1.2


def test_the_p_value_is_that_of_scipys_permutation_test() -> None:
    from scipy.stats import permutation_test

    rng = np.random.default_rng(3)
    a, b = quarters(0.55, 25, rng), quarters(0.45, 60, rng)
    found = zones.chlorine_test(a, b, samples=20_000)
    other = permutation_test((a, b), lambda x, y: x.mean() - y.mean(), n_resamples=9999,
                             alternative="greater", rng=np.random.default_rng(4))  # fmt: skip
    assert found.difference == pytest.approx(other.statistic)
    assert found.p_value == pytest.approx(other.pvalue, abs=0.02)


def test_frames_that_differ_are_no_relation() -> None:
    # Frames rich in chlorine have large zones, but within each frame zones are as the rest.
    rng = np.random.default_rng(5)
    inside, outside, one, two = [], [], [], []
    for frame, (mean, size) in enumerate([(0.8, 80), (0.2, 20)] * 5):
        inside.append(quarters(mean, size, rng))
        outside.append(quarters(mean, 100 - size, rng))
        one += [frame] * size
        two += [frame] * (100 - size)
    a, b = np.concatenate(inside), np.concatenate(outside)
    pooled = zones.chlorine_test(a, b)
    blocked = zones.chlorine_test(a, b, blocks=(one, two))
    assert pooled.p_value < 0.001 and pooled.difference > 0.2
    assert blocked.p_value > 0.01 and abs(blocked.difference) < 3 * blocked.error
    assert blocked.units == 10


def test_the_error_over_seeds_is_that_of_repeats() -> None:
    stated, values = [], []
    for trial in range(60):
        rng = np.random.default_rng(trial)
        a, b, one, two = [], [], [], []
        for seed in range(8):
            effect = 0.1 + 0.1 * rng.normal()
            for frame in range(3):
                a.append(np.clip(quarters(0.4, 20, rng) + effect, 0, 1))
                b.append(quarters(0.4, 60, rng))
                one += [(seed, frame)] * 20
                two += [(seed, frame)] * 60
        found = zones.chlorine_test(np.concatenate(a), np.concatenate(b), blocks=(one, two),
                                    samples=200)  # fmt: skip
        assert found.units == 8
        stated.append(found.error)
        values.append(found.difference)
    # Single atoms would give 0.013; that seeds differ makes it three times as large.
    assert np.mean(stated) == pytest.approx(np.std(values), rel=0.25)
    assert np.mean(stated) > 0.025


def test_frames_with_zones_of_all_or_none_say_nothing() -> None:
    rng = np.random.default_rng(6)
    a, b = quarters(0.6, 40, rng), quarters(0.4, 60, rng)
    one = zones.chlorine_test(a, b, blocks=(np.zeros(40), np.zeros(60)))
    other = zones.chlorine_test(np.append(a, [1.0] * 9), b, blocks=(np.repeat([0, 1], [40, 9]), np.zeros(60)))  # fmt: skip
    assert other.difference == pytest.approx(one.difference)
    with pytest.raises(InputError, match="no block has Ga both inside and outside"):
        zones.chlorine_test(a, b, blocks=(np.zeros(40), np.ones(60)))


def test_rank_correlation_of_known_kinds() -> None:
    rng = np.random.default_rng(7)
    x = rng.exponential(size=300)
    exact = zones.correlation(x, np.exp(x))
    assert exact.rho == pytest.approx(1.0) and exact.low == pytest.approx(1.0)
    none = zones.correlation(x, rng.random(300))
    assert none.low < 0 < none.high and none.p_value > 0.01
    part = zones.correlation(x, x + rng.exponential(size=300))
    assert part.low < part.rho < part.high and part.p_value < 1e-6


def test_the_interval_covers_the_correlation() -> None:
    # Spearman's rho of a bivariate normal: 6 / pi asin(r / 2).
    truth, inside = 6 / np.pi * np.arcsin(0.25), 0
    for seed in range(30):
        x = np.random.default_rng(seed).multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 120)
        found = zones.correlation(x[:, 0], x[:, 1], samples=100)
        inside += found.low <= truth <= found.high
    assert inside >= 25


def test_repeated_atoms_are_one_block() -> None:
    rng = np.random.default_rng(8)
    x, y = rng.random(40), rng.random(40)
    label = np.tile(np.arange(40), 10)
    naively = zones.correlation(np.tile(x, 10), np.tile(y, 10), samples=200)
    blocked = zones.correlation(np.tile(x, 10), np.tile(y, 10), blocks=label)
    assert blocked.high - blocked.low > 2.5 * (naively.high - naively.low)
    single = zones.correlation(x, y, blocks=np.zeros(40), samples=5)
    assert np.isnan(single.low) and np.isnan(single.high)


# g(r) of classes


def film(count: int = 6, *, size: int = 160, seed: int = 1) -> list[Atoms]:
    frames = []
    atoms = salt(size, seed=seed)
    for k in range(count):
        atoms = deformed(atoms, SHEAR, noisy(atoms, 0.1, seed=100 * seed + k))
        atoms.info["strain"] = round(0.01 * k, 4)
        frames.append(atoms)
    return frames


@pytest.mark.parametrize("at", ["before", "after"])
def test_class_rdf_agrees_with_freud(at: str) -> None:
    import freud

    frames = film(2, size=480)
    found = zones.class_rdf(iter(frames), by="quantile", high=0.7, low=0.3, r_max=6.0, bins=30,
                            at=at)  # fmt: skip
    field = zones.d2min(*frames)
    frame = frames[0 if at == "before" else 1]
    names = np.array(frame.get_chemical_symbols())
    own = np.flatnonzero(names == "Ga")
    cut = zones.classes(field.d2min[own], by="quantile", high=0.7, low=0.3)
    box = freud.box.Box.from_matrix(frame.cell.array.T)
    points = box.wrap(frame.positions)
    for name, mask in (("high", cut.high), ("low", cut.low)):
        assert found.centres[name] == mask.sum()
        for partner in ("F", "Cl"):
            rdf = freud.density.RDF(bins=30, r_max=6.0)
            rdf.compute((box, points[names == partner]), query_points=points[own[mask]])
            # freud works in single precision, so a pair may fall into the next bin.
            weight = rdf.bin_centers**2
            close = np.isclose(found.g[name, partner], rdf.rdf, rtol=2e-3, atol=1e-3)
            assert close.mean() > 0.9
            assert (found.g[name, partner] * weight).sum() == pytest.approx(
                (rdf.rdf * weight).sum(), rel=0.01)  # fmt: skip
    np.testing.assert_allclose(found.r, rdf.bin_centers, rtol=1e-5)


def test_class_rdf_of_random_points_is_one() -> None:
    frames = film(8, size=320)
    found = zones.class_rdf(frames, by="quantile", high=0.5, low=0.5, r_max=8.0, bins=8)
    for kind, g in found.g.items():
        assert g[3:] == pytest.approx(1.0, abs=0.15)
        assert np.isfinite(found.error[kind]).all()
    # Half of 40 Ga in each class of each of seven intervals.
    assert found.centres == {"high": 140, "low": 140} and found.intervals == 7


def test_class_rdf_finds_chlorine_around_what_moves() -> None:
    # Every Ga has one close anion; the Ga with Cl jump, those with F do not.
    rng = np.random.default_rng(3)
    cell = np.diag([40.0] * 3)
    grid = np.stack(np.meshgrid(*[np.arange(5) * 8.0] * 3, indexing="ij"), -1).reshape(-1, 3)
    rich = rng.random(125) < 0.3
    numbers = np.concatenate([np.full(125, GA), np.where(rich, CL, F)])
    points = np.concatenate([grid, grid + np.array([2.0, 0.0, 0.0])])
    frames = []
    for k in range(4):
        moves = rng.normal(scale=0.01, size=(250, 3))
        moves[:125][rich] += rng.choice([-1, 1], (rich.sum(), 1)) * [0.0, 0.4, 0.0]
        frames.append(Atoms(numbers, positions=points + (k % 2) * moves, cell=cell, pbc=True))
    found = zones.class_rdf(frames, cutoff=9.0, by="quantile", high=0.75, low=0.25, r_max=4.0,
                            bins=20)  # fmt: skip
    near = (found.r > 1.7) & (found.r < 2.3)
    assert found.g["high", "Cl"][near].max() > 10 * found.g["high", "F"][near].max()
    assert found.g["low", "F"][near].max() > 10 * found.g["low", "Cl"][near].max()


def test_class_rdf_takes_intervals_by_their_middle() -> None:
    frames = film(6)
    chosen = zones.class_rdf(iter(frames), strain=(0.012, 0.034))
    by_hand = zones.class_rdf(frames[1:4])
    assert chosen.intervals == 2
    for kind in chosen.g:
        np.testing.assert_array_equal(chosen.g[kind], by_hand.g[kind])


def test_class_rdf_of_intervals_is_weighted_by_centres() -> None:
    frames = film(5)
    about = {"by": "quantile", "high": 0.6, "low": 0.4, "r_max": 5.0, "bins": 8}
    whole = zones.class_rdf(frames, **about)  # type: ignore[arg-type]
    parts = [zones.class_rdf(frames[k : k + 2], **about) for k in range(4)]  # type: ignore[arg-type]
    # The volume is the same all along, so the weights are numbers of centres.
    for kind in whole.g:
        g = np.array([p.g[kind] for p in parts])
        w = np.array([p.centres[kind[0]] for p in parts])
        np.testing.assert_allclose(whole.g[kind], np.average(g, axis=0, weights=w))
        # As many centres in each, so the error is that of a mean of four.
        np.testing.assert_allclose(whole.error[kind], g.std(axis=0, ddof=1) / 2)
        assert np.isnan(parts[0].error[kind]).all()


def test_class_rdf_blocks() -> None:
    frames = film(8)
    single = zones.class_rdf(frames, by="quantile")
    threes = zones.class_rdf(frames, by="quantile", block=3)
    whole = zones.class_rdf(frames, by="quantile", block=7)
    for kind in single.g:
        np.testing.assert_allclose(single.g[kind], threes.g[kind])
        assert not np.allclose(single.error[kind], threes.error[kind])
        assert np.isnan(whole.error[kind]).all()


def test_class_rdf_holds_two_frames() -> None:
    import weakref

    alive: list[weakref.ref[Atoms]] = []
    most = 0

    def stream() -> Iterator[Atoms]:
        nonlocal most
        for k in range(6):
            atoms = deformed(salt(80), np.eye(3), noisy(salt(80), 0.1, seed=k))
            alive.append(weakref.ref(atoms))
            yield atoms
            del atoms
            most = max(most, sum(one() is not None for one in alive))

    zones.class_rdf(stream(), bins=10)
    assert len(alive) == 6 and most <= 2


# Errors


def test_frames_that_do_not_match() -> None:
    atoms = salt(80)
    with pytest.raises(InputError, match="the same atoms in the same order"):
        zones.d2min(atoms, atoms[:-1])
    with pytest.raises(InputError, match="the same atoms in the same order"):
        zones.d2min(atoms, atoms[::-1])
    with pytest.raises(InputError, match="expected a cell periodic"):
        open_ = atoms.copy()
        open_.pbc = [True, True, False]
        zones.d2min(open_, open_)
    with pytest.raises(InputError, match=r"cutoff -1 angstrom"):
        zones.d2min(atoms, atoms, cutoff=-1)
    flipped = atoms.copy()
    flipped.cell[2] = flipped.cell[2] - flipped.cell[1]
    with pytest.raises(InputError, match=r"the cell changes by 0.\d+ between .* did it flip"):
        zones.d2min(atoms, flipped)
    with pytest.raises(InputError, match=r"atom 0 has \d neighbours within 0.5 angstrom"):
        zones.d2min(atoms, atoms, cutoff=0.5)
    flat = chain([(0.1 * k, 0.02 * k * k, 0.0) for k in range(4)], np.diag([40.0] * 3))
    with pytest.raises(InputError, match=r"atom 0 has 3 neighbours .* not in one plane"):
        zones.d2min(flat, flat, cutoff=19.0)


def test_zones_that_cannot_be() -> None:
    atoms = salt(80)
    with pytest.raises(InputError, match="79 values for 80 atoms"):
        zones.zones(atoms, np.ones(79))
    with pytest.raises(InputError, match=r"values of shape \(80,\): expected one or more finite"):
        zones.zones(atoms, np.full(80, np.nan))
    with pytest.raises(InputError, match=r"link 30 angstrom: expected less"):
        zones.zones(atoms, np.arange(80.0), threshold=40.0, link=30)
    with pytest.raises(InputError, match=r"elements \['Xe'\]: none in"):
        zones.zones(atoms, np.ones(80), elements=["Xe"])
    with pytest.raises(InputError, match="cutoff 0"):
        zones.zones(atoms, np.arange(80.0), threshold=40.0, link=0.0)


@pytest.mark.parametrize("about", [
    {"by": "median"}, {"high": 0.1, "low": 0.9}, {"low": 0.0}, {"high": 1.0},
])  # fmt: skip
def test_classes_that_cannot_be(about: dict[str, float]) -> None:
    with pytest.raises(InputError, match="expected maximum or quantile, 0 < low <= high < 1"):
        zones.classes(np.ones(3), **about)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no negative value"):
        zones.classes(np.array([-1.0, 2.0]))
    with pytest.raises(InputError, match=r"values of shape \(0,\)"):
        zones.classes(np.array([]))


def test_chemistry_that_cannot_be() -> None:
    with pytest.raises(InputError, match="of Na in"):
        zones.environment(salt(), centre="Na")
    with pytest.raises(InputError, match="lengths for F and Cl"):
        zones.environment(salt(), bonds={"F": 2.5})
    with pytest.raises(InputError, match="expected a positive number"):
        zones.environment(salt(), bonds={"F": 2.5, "Cl": 0.0})
    with pytest.raises(InputError, match="shares inside of shape"):
        zones.chlorine_test(np.array([]), np.ones(3))
    with pytest.raises(InputError, match="shares outside of shape"):
        zones.chlorine_test(np.ones(3), np.array([np.nan]))
    with pytest.raises(InputError, match="4 block labels for 5 values"):
        zones.chlorine_test(np.ones(3), np.ones(2), blocks=([1, 1, 1], [1]))
    with pytest.raises(InputError, match="3 D2min, 2 shares"):
        zones.correlation(np.arange(3.0), np.arange(2.0))
    with pytest.raises(InputError, match="that differ"):
        zones.correlation(np.arange(3.0), np.ones(3))


def test_films_that_cannot_be() -> None:
    frames = film(3)
    with pytest.raises(InputError, match="at 'between'"):
        zones.class_rdf(frames, at="between")
    with pytest.raises(InputError, match="block 0"):
        zones.class_rdf(frames, block=0)
    with pytest.raises(InputError, match=r"no interval between frames within strain \(0.5, 0.6\)"):
        zones.class_rdf(frames, strain=(0.5, 0.6))
    with pytest.raises(InputError, match="no interval"):
        zones.class_rdf(frames[:1])
    with pytest.raises(InputError, match="Br: not in"):
        zones.class_rdf(frames, partners=("F", "Br"))
    del frames[1].info["strain"]
    with pytest.raises(InputError, match=r"no info\['strain'\]"):
        zones.class_rdf(frames, strain=(0.0, 0.1))
