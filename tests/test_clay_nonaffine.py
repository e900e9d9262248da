"""Non-affine displacement and local strain of planted deformations."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from helpers_clay import CELL, GA, SHEAR, Floats, chain, deformed, images, noisy, salt, scrambled
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.clay import nonaffine
from repro.errors import InputError


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
    found = nonaffine.d2min(before, after)
    assert found.d2min.max() < 1e-10
    np.testing.assert_allclose(
        found.deformation, np.broadcast_to(gradient, (len(before), 3, 3)), atol=1e-10)  # fmt: skip
    np.testing.assert_allclose(found.mises, nonaffine.mises_strain(gradient), atol=1e-10)


def test_affine_inside_a_cell_that_stays() -> None:
    # A dense ball is sheared within a large fixed cell: locally affine, but not the cell's map.
    rng = np.random.default_rng(3)
    points = 20 + rng.uniform(-5, 5, (300, 3))
    before = Atoms(np.full(300, GA), positions=points, cell=[40.0] * 3, pbc=True)
    after = before.copy()
    after.positions = (points - 20) @ SHEAR.T + 20
    found = nonaffine.d2min(before, after)
    assert found.d2min.max() < 1e-10
    np.testing.assert_allclose(found.deformation - SHEAR, 0.0, atol=1e-10)


@pytest.mark.parametrize("cell", [CELL, 0.5 * CELL])
def test_agrees_with_a_double_loop(cell: Floats) -> None:
    # The smaller cell is narrower than two cutoffs: several images of a neighbour count.
    before = salt(40, cell=cell)
    after = deformed(before, SHEAR, noisy(before))
    found = nonaffine.d2min(before, after)
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
    found = nonaffine.d2min(before, after)
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
    wanted = nonaffine.d2min(before, after)
    order = np.random.default_rng(seed).permutation(len(before))
    one, other = scrambled(before, seed), scrambled(after, seed + 1)
    other.positions += by
    other.wrap()
    found = nonaffine.d2min(one[order], other[order])
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
    one, other = nonaffine.d2min(before, after), nonaffine.d2min(before, deformed(after, q))
    np.testing.assert_allclose(other.d2min, one.d2min, rtol=1e-8)
    np.testing.assert_allclose(other.mises, one.mises, atol=1e-10)


def test_no_map_fits_better() -> None:
    before = salt(60)
    after = deformed(before, SHEAR, noisy(before))
    found = nonaffine.d2min(before, after)
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
    found = nonaffine.d2min(before, deformed(before, SHEAR, moves))
    assert found.d2min[7] == pytest.approx(found.neighbours[7] * 0.25, rel=0.2)
    others = np.delete(found.d2min, 7)
    assert others.max() <= 0.25 + 1e-9
    assert np.argmax(found.d2min) == 7


def test_mises_of_simple_shear_and_of_expansion() -> None:
    assert nonaffine.mises_strain(SHEAR) == pytest.approx(0.005, rel=1e-3)
    assert nonaffine.mises_strain(1.1 * np.eye(3)) == pytest.approx(0.0, abs=1e-12)
    # Of a uniaxial Green strain e: e / sqrt(3).
    e = (1.1**2 - 1) / 2
    assert nonaffine.mises_strain(np.diag([1.1, 1, 1])) == pytest.approx(e / np.sqrt(3))


def test_frames_that_do_not_match() -> None:
    atoms = salt(80)
    with pytest.raises(InputError, match="the same atoms in the same order"):
        nonaffine.d2min(atoms, atoms[:-1])
    with pytest.raises(InputError, match="the same atoms in the same order"):
        nonaffine.d2min(atoms, atoms[::-1])
    with pytest.raises(InputError, match="expected a cell periodic"):
        open_ = atoms.copy()
        open_.pbc = [True, True, False]
        nonaffine.d2min(open_, open_)
    with pytest.raises(InputError, match=r"cutoff -1 angstrom"):
        nonaffine.d2min(atoms, atoms, cutoff=-1)
    flipped = atoms.copy()
    flipped.cell[2] = flipped.cell[2] - flipped.cell[1]
    with pytest.raises(InputError, match=r"the cell changes by 0.\d+ between .* did it flip"):
        nonaffine.d2min(atoms, flipped)
    with pytest.raises(InputError, match=r"atom 0 has \d neighbours within 0.5 angstrom"):
        nonaffine.d2min(atoms, atoms, cutoff=0.5)
    flat = chain([(0.1 * k, 0.02 * k * k, 0.0) for k in range(4)], np.diag([40.0] * 3))
    with pytest.raises(InputError, match=r"atom 0 has 3 neighbours .* not in one plane"):
        nonaffine.d2min(flat, flat, cutoff=19.0)
