"""Zones and localisation of planted deformations."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from helpers_clay import CELL, LI, SHEAR, Floats, chain, deformed, images, noisy, salt, scrambled
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from repro.clay import nonaffine, zones
from repro.errors import InputError


def planted(seed: int = 4) -> tuple[Atoms, Atoms, NDArray[np.int64]]:
    """A ball across the cell's corner whose atoms move at random, in a little thermal motion."""
    before = salt(480, cell=1.25 * CELL, seed=seed)
    s = before.get_scaled_positions()
    d = np.linalg.norm((s - np.round(s)) @ before.cell.array, axis=1)
    ball = np.flatnonzero(d < 5.0)
    moves = noisy(before, 0.02)
    moves[ball] += np.random.default_rng(9).normal(scale=0.8, size=(len(ball), 3))
    return before, deformed(before, SHEAR, moves), ball


def deviations(values: Floats, number: float) -> float:
    """Return so many standard deviations above the mean."""
    return float(values.mean() + number * values.std())


def test_a_planted_zone_is_found() -> None:
    before, after, ball = planted()
    field = nonaffine.d2min(before, scrambled(after, 1))
    rest = np.setdiff1d(np.arange(len(before)), ball)
    assert np.median(field.d2min[ball]) > 20 * np.median(field.d2min[rest])
    found = zones.zones(before, field.d2min, threshold=float(np.quantile(field.d2min, 0.96)))
    big = found[0]
    assert np.isin(big.indices, ball).mean() > 0.8 and big.size > 0.5 * len(ball)
    assert not big.percolates and big.share == big.size / len(before)
    assert [z.size for z in found] == sorted((z.size for z in found), reverse=True)
    local = zones.localisation(field, found)
    even = zones.localisation(nonaffine.d2min(before, deformed(before, SHEAR, noisy(before))), [])
    assert local.participation < 0.3 * even.participation
    assert local.psi > 0 and local.largest > 0.3 and even.largest == 0.0


def test_zones_are_the_same_in_another_image_and_order() -> None:
    before, after, _ = planted()
    values = nonaffine.d2min(before, after).d2min
    order = np.random.default_rng(8).permutation(len(before))
    limit = deviations(values, 3)
    one = zones.zones(before, values, threshold=limit)
    other = zones.zones(scrambled(before, 3)[order], values[order], threshold=limit)
    assert len(one) > 0
    assert sorted(sorted(z.indices) for z in one) == sorted(sorted(order[z.indices]) for z in other)
    assert {z.windings for z in one} == {z.windings for z in other}


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


def test_a_thread_as_long_as_the_cell_with_its_ends_apart() -> None:
    # Extent alone would call it percolating: it runs through the border and past its start.
    points = [(0.9 + k / 4.2, 0.1 * k, 0.0) for k in range(5)]
    [zone] = zones.zones(chain(points), np.ones(5), threshold=0.5, link=3.3)
    assert zone.windings == 0 and zone.size == 5


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
    assert sum(z.size for z in some) == (values[atoms.numbers != LI] > 0.95).sum()


def test_chance_zones_of_thermal_motion_are_few_and_small() -> None:
    atoms = salt(2000, cell=2.0 * CELL)
    values = nonaffine.d2min(atoms, deformed(atoms, SHEAR, noisy(atoms, 0.1))).d2min
    # D2min of heat is near chi-square with three degrees of freedom: 2 % lie beyond three
    # deviations, where a normal distribution has 0.1 %.
    assert 0.01 < (values > deviations(values, 3)).mean() < 0.025
    assert (values > deviations(values, 6)).mean() < 0.002
    found = zones.zones(atoms, values, threshold=deviations(values, 3))
    assert found[0].size <= 12 and not any(z.percolates for z in found)


def test_nothing_above_the_threshold_is_no_zone() -> None:
    assert zones.zones(salt(), np.ones(240), threshold=1.0) == []
    assert zones.zones(salt(), np.ones(240), threshold=2.0) == []


# Localisation


def test_participation_of_all_and_of_one() -> None:
    n = 50
    mises = np.linspace(0, 1, n)

    def field(d: Floats) -> nonaffine.NonAffine:
        return nonaffine.NonAffine(d, np.zeros((n, 3, 3)), mises, np.full(n, 10))

    even = zones.localisation(field(np.full(n, 3.0)), [])
    one = zones.localisation(field(np.eye(n)[0]), [])
    assert even.participation == pytest.approx(1.0) and one.participation == pytest.approx(1 / n)
    assert even.psi == pytest.approx(np.sqrt(np.mean((mises - mises.mean()) ** 2)))
    parts = [zones.Zone(np.arange(k), k / n, 0) for k in (5, 20, 10)]
    assert zones.localisation(field(np.full(n, 3.0)), parts).largest == pytest.approx(0.4)
    with pytest.raises(InputError, match="zero everywhere"):
        zones.localisation(field(np.zeros(n)), [])


# Errors


def test_zones_that_cannot_be() -> None:
    atoms = salt(80)
    with pytest.raises(InputError, match="79 values for 80 atoms"):
        zones.zones(atoms, np.ones(79), threshold=1.0)
    with pytest.raises(InputError, match=r"values of shape \(80,\): expected one or more finite"):
        zones.zones(atoms, np.full(80, np.nan), threshold=1.0)
    with pytest.raises(InputError, match=r"link 30 angstrom: expected less"):
        zones.zones(atoms, np.arange(80.0), threshold=40.0, link=30)
    with pytest.raises(InputError, match=r"elements \['Xe'\]: none in"):
        zones.zones(atoms, np.ones(80), threshold=1.0, elements=["Xe"])
    with pytest.raises(InputError, match="cutoff 0"):
        zones.zones(atoms, np.arange(80.0), threshold=40.0, link=0.0)
