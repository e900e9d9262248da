"""g(r), coordination numbers, their minima, and errors over blocks of streams."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from repro.clay import pairs
from repro.errors import InputError
from repro.potential.liquids import Partial, histogram, pairs_of, partial_rdf

Floats = NDArray[np.float64]
SKEW = [[11.0, 0, 0], [3.5, 10.0, 0], [-2.0, 4.0, 12.0]]


def gas(count: int, *, seed: int, cell: object = SKEW, symbols: str = "LiGaF3") -> Atoms:
    rng = np.random.default_rng(seed)
    kinds = (Atoms(symbols).get_chemical_symbols() * count)[:count]
    frame = Atoms(kinds, cell=cell, pbc=True)
    frame.set_scaled_positions(rng.uniform(size=(count, 3)))
    return frame


def turned(frame: Atoms, seed: int, *, mirrored: bool = False) -> Atoms:
    """Return the frame with cell and atoms turned, and mirrored if asked for."""
    q = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    if (np.linalg.det(q) < 0) != mirrored:
        q[:, 0] *= -1
    other = frame.copy()
    other.set_cell(frame.cell.array @ q, scale_atoms=False)
    other.positions = frame.positions @ q
    return other


def naive(frame: Atoms, a: str, b: str, r_max: float, bins: int) -> tuple[Floats, Floats]:
    """Return g and n(r) by a double loop over atoms and 5^3 images."""
    symbols, cell = frame.get_chemical_symbols(), frame.cell.array
    counts = np.zeros(bins)
    for i in range(len(frame)):
        for j in range(len(frame)):
            if symbols[i] != a or symbols[j] != b:
                continue
            shifts = np.array([n for n in np.ndindex(5, 5, 5) if i != j or n != (2, 2, 2)]) - 2
            r = np.linalg.norm(frame.positions[j] + shifts @ cell - frame.positions[i], axis=1)
            for value in r[r < r_max]:
                counts[int(value / r_max * bins)] += 1
    edges = np.linspace(0, r_max, bins + 1)
    partners = symbols.count(b) - (a == b)
    ideal = symbols.count(a) * partners / frame.get_volume() * 4 / 3 * np.pi * np.diff(edges**3)
    return counts / ideal, np.cumsum(counts) / symbols.count(a)


def shells(r_max: float, bins: int) -> Floats:
    return np.asarray(4 / 3 * np.pi * np.diff(np.linspace(0, r_max, bins + 1) ** 3))


# g(r) and n(r) ------------------------------------------------------------------------


@pytest.mark.parametrize("mirrored", [False, True])
def test_against_a_double_loop_in_a_cell_turned_anyhow(mirrored: bool) -> None:
    frame = turned(gas(20, seed=1), 5, mirrored=mirrored)
    frame.positions += [40.0, -7.0, 3.0]  # outside of its cell
    frame.wrap()
    found = pairs.pair_distributions([frame], r_max=4.0, bins=8)
    assert set(found) == set(pairs_of(frame.get_chemical_symbols()))
    assert sum(one.number[-1] for one in found.values()) > 3.0
    for pair, one in found.items():
        g, number = naive(frame, *pair, 4.0, 8)
        assert one.g == pytest.approx(g, rel=1e-9), pair
        assert one.number == pytest.approx(number, rel=1e-9), pair
        assert one.edges == pytest.approx(np.arange(1, 9) * 0.5)
        assert one.r == pytest.approx(one.edges - 0.25)


def test_like_pairs_are_normalised_as_in_liquids() -> None:
    frame = gas(60, seed=2)
    found, other = pairs.pair_distributions([frame], r_max=4.0, bins=40), histogram(frame, r_max=4.0, bins=40)  # fmt: skip
    assert list(found) == list(other)
    for pair, g in other.items():
        assert found[pair].g == pytest.approx(g, rel=1e-9), pair
    fluorine = found["F", "F"]
    assert fluorine.atoms == (36, 36) and fluorine.frames == 1
    assert fluorine.density == pytest.approx(35 / frame.get_volume())
    assert found["Li", "F"].density == pytest.approx(36 / frame.get_volume())


def test_a_run_agrees_with_liquids_in_mean_blocks_and_errors() -> None:
    run = [gas(40, seed=k, cell=np.diag([9.0, 10.0, 11.0]) * (1 + 0.02 * k)) for k in range(5)]
    found = pairs.pair_distributions(run, r_max=4.4, bins=11, blocks=5)
    for pair, one in partial_rdf(run, r_max=4.4, bins=11, blocks=5).items():
        assert found[pair].g == pytest.approx(one.g, rel=1e-9)
        assert found[pair].blocks == pytest.approx(one.blocks, rel=1e-9)
        assert found[pair].error == pytest.approx(one.error, rel=1e-9)
        assert found[pair].frames == 5
    assert found["Li", "F"].density == pytest.approx(np.mean([24 / f.get_volume() for f in run]))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_any_cell_agrees_with_ase_and_does_not_care_how_it_is_given(seed: int, data: st.DataObject) -> None:  # fmt: skip
    cell = np.array(data.draw(st.lists(st.floats(-6, 6), min_size=9, max_size=9))).reshape(3, 3)
    cell += np.diag([9.0, 9.0, 9.0])
    frame = gas(25, seed=seed, cell=cell)
    assume(abs(np.linalg.det(cell)) > 100 and pairs.reach(frame) > 1.0)
    r_max = 0.999 * pairs.reach(frame)  # turned, it is rounded otherwise
    there = {p: h * shells(r_max, 6) for p, h in histogram(frame, r_max=r_max, bins=6).items()}
    same = [frame, turned(frame, seed), frame[np.random.default_rng(seed).permutation(25)]]
    moved = frame.copy()
    moved.positions += np.random.default_rng(seed).normal(scale=20, size=3)
    for other in [*same, moved]:
        for pair, one in pairs.pair_distributions([other], r_max=r_max, bins=6).items():
            assert one.g * shells(r_max, 6) == pytest.approx(there[pair], rel=1e-6, abs=1e-6), pair


def test_a_supercell_has_the_same_coordination_and_unlike_g() -> None:
    frame = gas(40, seed=4)
    one = pairs.pair_distributions([frame], r_max=4.0, bins=20)
    two = pairs.pair_distributions([frame * (2, 1, 1)], r_max=4.0, bins=20)
    for pair, found in one.items():
        assert two[pair].number == pytest.approx(found.number, rel=1e-9)
        if pair[0] != pair[1]:
            assert two[pair].g == pytest.approx(found.g, rel=1e-9)


def test_an_ideal_gas_is_one_within_its_errors() -> None:
    run = (gas(50, seed=k) for k in range(60))
    found = pairs.pair_distributions(run, r_max=4.4, bins=11, blocks=8)
    pulls = np.concatenate([(one.g[4:] - 1) / one.error[4:] for one in found.values()])
    assert 0.6 < np.sqrt(np.mean(pulls**2)) < 1.6
    assert np.abs(found["F", "F"].g[4:] - 1).max() < 0.1
    n = pairs.coordination(found["Li", "F"], to=4.4)
    expected = found["Li", "F"].density * 4 / 3 * np.pi * 4.4**3
    assert abs(n.value - expected) < 4 * n.error and n.error < 0.1 * expected


def test_an_fcc_crystal_has_twelve_neighbours_and_six_behind() -> None:
    metal = bulk("Cu", "fcc", a=3.6, cubic=True) * 3
    found = pairs.pair_distributions([metal] * 3, r_max=5.3, bins=106, blocks=2)["Cu", "Cu"]
    low = pairs.first_minimum(found)
    assert 3.6 / np.sqrt(2) < low.position < 3.6
    assert low.depth == 0.0 and low.position_error == 0.0
    # Nothing lies between the shells: the middle, but for the smoothing.
    assert low.position == pytest.approx((3.6 / np.sqrt(2) + 3.6) / 2, abs=0.05)
    assert pairs.coordination(found, to=low.position).value == pytest.approx(12.0)
    assert pairs.coordination(found, to=4.0).value == pytest.approx(18.0)
    assert pairs.coordination(found, to=5.0).value == pytest.approx(42.0)
    top = pairs.first_peak(found, width=1)
    assert top.position == pytest.approx(3.6 / np.sqrt(2), abs=0.05)
    assert top.height > 10 and top.height_error == pytest.approx(0.0, abs=1e-9)


def test_rock_salt_from_either_side() -> None:
    salt = bulk("LiCl", "rocksalt", a=5.14) * 4  # rhombohedral cell
    found = pairs.pair_distributions([salt], r_max=5.0, bins=100)
    assert pairs.coordination(found["Li", "Cl"], to=3.0).value == pytest.approx(6.0)
    assert pairs.coordination(found["Li", "Cl"], to=3.0, around="Cl").value == pytest.approx(6.0)
    assert pairs.coordination(found["Cl", "Cl"], to=4.0).value == pytest.approx(12.0)


def test_n_is_the_integral_of_g() -> None:
    frame = gas(60, seed=6)
    for one in pairs.pair_distributions([frame], r_max=4.0, bins=16).values():
        assert one.number == pytest.approx(np.cumsum(one.density * one.g * shells(4.0, 16)))


def test_coordination_interpolates_and_counts_bonds_from_both_ends() -> None:
    run = [gas(40, seed=k) for k in range(6)]
    one = pairs.pair_distributions(run, r_max=4.0, bins=16)["Li", "F"]
    assert pairs.coordination(one, to=0.0).value == 0.0
    middle = pairs.coordination(one, to=3.125)
    assert middle.value == pytest.approx(one.number[11:13].mean())
    assert middle.error == pytest.approx(one.number_error[11:13].mean())
    back = pairs.coordination(one, to=3.125, around="F")
    assert back.value == pytest.approx(middle.value * 8 / 24)
    assert back.error == pytest.approx(middle.error * 8 / 24)
    each = [pairs.pair_distributions([f], r_max=4.0, bins=16)["Li", "F"].number[-1] for f in run]
    assert one.number[-1] == pytest.approx(np.mean(each))
    assert one.number_error[-1] == pytest.approx(np.std(each, ddof=1) / np.sqrt(6))
    with pytest.raises(InputError, match="around 'Ga': expected Li or F"):
        pairs.coordination(one, to=3.0, around="Ga")
    with pytest.raises(InputError, match=r"distance 4.1: expected 0 to 4.000"):
        pairs.coordination(one, to=4.1)


def test_a_single_atom_has_no_partner_of_its_kind() -> None:
    found = pairs.pair_distributions([gas(6, seed=1, symbols="GaF5")], r_max=4.0, bins=4)
    assert found["Ga", "Ga"].g.tolist() == [0.0] * 4 and found["Ga", "Ga"].density == 0.0
    assert found["F", "Ga"].number[-1] > 0
    assert np.isnan(found["F", "Ga"].error).all()  # one frame has no scatter


def test_only_some_pairs_in_either_order() -> None:
    frame = gas(30, seed=1)
    some = pairs.pair_distributions([frame], r_max=4.0, only=[("Ga", "F"), ("Li", "Li")])
    assert list(some) == [("Li", "Li"), ("F", "Ga")]
    whole = pairs.pair_distributions([frame], r_max=4.0)
    assert some["F", "Ga"].g.tolist() == whole["F", "Ga"].g.tolist()


def test_frames_are_read_once_and_let_go() -> None:
    alive: list[weakref.ref[Atoms]] = []
    most = 0

    def run() -> Iterator[Atoms]:
        nonlocal most
        for k in range(40):
            frame = gas(10, seed=k)
            alive.append(weakref.ref(frame))
            most = max(most, sum(ref() is not None for ref in alive))
            yield frame

    found = pairs.pair_distributions(run(), r_max=3.0, bins=5, blocks=3)["F", "F"]
    assert found.frames == 40 and most <= 3
    assert 3 <= len(found.blocks) <= 6


@pytest.mark.parametrize(
    ("cell", "half"),
    [(np.diag([8.0, 9.0, 20.0]), 4.0),
     (np.array([[8.0, 0, 0], [6.0, 8.0, 0], [0, 0, 30.0]]), 3.2),
     (np.array([[0, 5.0, 5.0], [5.0, 0, 5.0], [5.0, 5.0, 0]]), 5 / np.sqrt(3))],
)  # fmt: skip
def test_reach_is_half_the_shortest_height(cell: Floats, half: float) -> None:
    frame = gas(10, seed=1, cell=cell)
    assert pairs.reach(frame) == pytest.approx(half, rel=1e-5)
    assert pairs.reach(frame) < half
    pairs.pair_distributions([frame], r_max=pairs.reach(frame), bins=4)  # freud agrees
    with pytest.raises(InputError, match=f"frame 1 allows {half:.3f} angstrom, half the shortest"):
        pairs.pair_distributions([_larger(frame), frame], r_max=half + 0.01, bins=4)


def _larger(frame: Atoms) -> Atoms:
    other = frame.copy()
    other.set_cell(frame.cell.array * 1.5, scale_atoms=True)
    return other


def test_frames_that_cannot_be_used() -> None:
    frame = gas(10, seed=1)
    with pytest.raises(InputError, match="no frames"):
        pairs.pair_distributions([], r_max=3.0)
    with pytest.raises(InputError, match=r"frame 1 holds .*'F': 3.*frame 0 .*'F': 6"):
        pairs.pair_distributions([frame, frame[:5]], r_max=3.0)
    with pytest.raises(InputError, match="periodic in three directions"):
        open_one = frame.copy()
        open_one.pbc = (True, True, False)
        pairs.pair_distributions([open_one], r_max=3.0)
    with pytest.raises(InputError, match="a cell with a volume"):
        pairs.reach(Atoms("Li", pbc=True))
    with pytest.raises(InputError, match="frame 0: positions that are not finite"):
        broken = frame.copy()
        broken.positions[0, 0] = np.nan
        pairs.pair_distributions([broken], r_max=3.0)
    with pytest.raises(InputError, match="pairs Ga-Cl: expected some of Li-Li, Li-F"):
        pairs.pair_distributions([frame], r_max=3.0, only=[("Ga", "Cl")])
    with pytest.raises(InputError, match="pairs none: expected some of"):
        pairs.pair_distributions([frame], r_max=3.0, only=[])
    for r_max, bins in ((0.0, 10), (3.0, 0), (float("nan"), 10)):
        with pytest.raises(InputError, match="expected a positive range and count"):
            pairs.pair_distributions([frame], r_max=r_max, bins=bins)
    with pytest.raises(InputError, match="1 blocks"):
        pairs.pair_distributions([gas(5, seed=1)], r_max=3.0, blocks=1)


# Peaks and minima ---------------------------------------------------------------------


def curve(low: float, *, noise: float = 0.0, depth: float = 0.2, seed: int = 0,
          blocks: int = 6) -> Partial:  # fmt: skip
    """Return a peak at low - 1 and a parabola about its minimum, which then levels at 1."""
    r = (np.arange(160) + 0.5) * 0.05
    rng = np.random.default_rng(seed)
    g = 8 * np.exp(-0.5 * ((r - low + 1) / 0.15) ** 2)
    behind = r > low - 1
    g[behind] += np.minimum(depth + 3.0 * (r[behind] - low) ** 2, 1.0)
    parts = g + noise * rng.normal(size=(blocks, len(r)))
    error = parts.std(axis=0, ddof=1) / np.sqrt(blocks)
    return Partial(("Ga", "F"), r, parts.mean(axis=0), error, parts)


@pytest.mark.parametrize("low", [2.5, 2.61, 2.937])
def test_the_bottom_of_a_parabola(low: float) -> None:
    found = pairs.first_minimum(curve(low), smooth=0.0)
    assert found.position == pytest.approx(low, abs=1e-3)
    assert found.depth == pytest.approx(0.2, abs=1e-3)
    assert found.position_error < 1e-12 and found.depth_error < 1e-12
    # A Gaussian adds 3 sigma^2 to this parabola, and leaves its place.
    smooth = pairs.first_minimum(curve(low), smooth=0.1)
    assert smooth.position == pytest.approx(low, abs=0.01)
    assert smooth.depth == pytest.approx(0.2 + 3 * 0.1**2, abs=0.003)


def test_noise_neither_moves_the_minimum_nor_hides_in_its_error() -> None:
    pulls = []
    for seed in range(20):
        found = pairs.first_minimum(curve(2.7, noise=0.15, seed=seed))
        assert found.position == pytest.approx(2.7, abs=0.25)
        assert 0.005 < found.position_error < 0.25
        pulls.append((found.position - 2.7) / found.position_error)
    assert 0.2 < np.sqrt(np.mean(np.square(pulls))) < 2.5


def test_a_dent_in_the_side_of_the_peak_is_no_minimum() -> None:
    smooth = curve(2.8)
    dented = smooth.blocks.copy()
    at = int(np.searchsorted(smooth.r, 2.2))
    dented[::2, at] += 3.0  # in half of the blocks, so that it is within their errors
    error = dented.std(axis=0, ddof=1) / np.sqrt(len(dented))
    found = Partial(smooth.pair, smooth.r, dented.mean(axis=0), error, dented)
    assert pairs.first_minimum(found, smooth=0.0).position == pytest.approx(2.8, abs=0.01)
    certain = Partial(smooth.pair, smooth.r, dented.mean(axis=0), error, dented.mean(axis=0)[None])
    assert pairs.first_minimum(certain, smooth=0.0).position < 2.25


def test_the_second_minimum_is_not_taken_although_deeper() -> None:
    r = (np.arange(200) + 0.5) * 0.05
    g = 3 * np.exp(-0.5 * ((r - 2.0) / 0.2) ** 2) + 2 * np.exp(-0.5 * ((r - 3.5) / 0.2) ** 2)
    g += 0.4 * (r < 4) * (r > 2) + 1.0 * (r > 7)
    found = pairs.first_minimum(Partial(("Li", "F"), r, g, np.full(200, np.nan), g[None]))
    assert found.position == pytest.approx(2.78, abs=0.1)
    assert np.isnan(found.position_error) and np.isnan(found.depth_error)


def test_a_flat_bottom_gives_its_middle() -> None:
    r = (np.arange(120) + 0.5) * 0.05
    g = np.where((r > 1.8) & (r < 2.0), 20.0, 0.0) + np.where(r > 3.4, 1.5, 0.0)
    found = pairs.first_minimum(Partial(("Ga", "Cl"), r, g, np.zeros(120), np.array([g, g])))
    assert found.position == pytest.approx(2.7, abs=0.03) and found.depth == 0.0


def test_a_curve_that_does_not_rise_again() -> None:
    whole = curve(2.7)
    cut = slice(0, 54)
    short = Partial(whole.pair, whole.r[cut], whole.g[cut], whole.error[cut], whole.blocks[:, cut])
    with pytest.raises(InputError, match=r"Ga-F: g\(r\) does not rise again between its peak at "
                       r"1.7\d and 2.6\d angstrom; take a larger r_max"):  # fmt: skip
        pairs.first_minimum(short)
    with pytest.raises(InputError, match="smoothing -1"):
        pairs.first_minimum(whole, smooth=-1)
    nothing = Partial(whole.pair, whole.r, 0 * whole.r, whole.error, 0 * whole.blocks)
    with pytest.raises(InputError, match="nowhere exceeds 1"):
        pairs.first_minimum(nothing)
