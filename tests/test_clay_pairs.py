"""g(r), and its errors over blocks of streams."""

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
from repro.potential.liquids import first_peak, histogram, pairs_of, partial_rdf

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


def naive(frame: Atoms, a: str, b: str, r_max: float, bins: int) -> Floats:
    """Return g by a double loop over atoms and 5^3 images."""
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
    return np.asarray(counts / ideal)


def shells(r_max: float, bins: int) -> Floats:
    return np.asarray(4 / 3 * np.pi * np.diff(np.linspace(0, r_max, bins + 1) ** 3))


# g(r) ------------------------------------------------------------------------


@pytest.mark.parametrize("mirrored", [False, True])
def test_against_a_double_loop_in_a_cell_turned_anyhow(mirrored: bool) -> None:
    frame = turned(gas(20, seed=1), 5, mirrored=mirrored)
    frame.positions += [40.0, -7.0, 3.0]  # outside of its cell
    frame.wrap()
    found = pairs.pair_distributions([frame], r_max=4.0, bins=8)
    assert set(found) == set(pairs_of(frame.get_chemical_symbols()))
    assert sum(one.g.sum() for one in found.values()) > 3.0
    for pair, one in found.items():
        assert one.pair == pair
        assert one.g == pytest.approx(naive(frame, *pair, 4.0, 8), rel=1e-9), pair
        assert one.r == pytest.approx(np.arange(8) * 0.5 + 0.25)


@pytest.mark.parametrize("r_max", [3.0, 4.2])
def test_counts_are_those_of_freud(r_max: float) -> None:
    import freud

    run = [gas(300, seed=k) for k in range(2)]
    found = pairs.pair_distributions(run, r_max=r_max, bins=30)
    for (a, b), one in found.items():
        counted = np.zeros(30)
        for frame in run:
            # freud's box has a along x and b in the xy plane, as SKEW has, and its centre at 0.
            box = freud.box.Box.from_matrix(frame.cell.array.T)
            points = (frame.get_scaled_positions() - 0.5) @ frame.cell.array
            symbols = np.array(frame.get_chemical_symbols())
            rdf = freud.density.RDF(bins=30, r_max=r_max)
            rdf.compute((box, points[symbols == b]), query_points=points[symbols == a],
                        neighbors={"mode": "ball", "r_max": r_max, "exclude_ii": a == b})  # fmt: skip
            counted += rdf.bin_counts
        symbols = np.array(run[0].get_chemical_symbols())
        there = (symbols == a).sum() * ((symbols == b).sum() - (a == b))
        ours = one.g * shells(r_max, 30) * there * 2 / run[0].get_volume()
        assert counted.sum() > 20
        # freud works in single precision: a pair may fall into the next bin.
        assert np.abs(np.cumsum(ours - counted)).max() < 2.5, (a, b)
        assert ours.sum() == pytest.approx(counted.sum(), abs=1.5), (a, b)


def test_larger_and_smaller_frames_in_turn_do_not_disturb_each_other() -> None:
    small, large = gas(15, seed=1), gas(200, seed=2)
    alone = [pairs.pair_distributions([frame], r_max=4.0, bins=20) for frame in (small, large)]
    for frame, before in [(large, alone[1]), (small, alone[0]), (large, alone[1])]:
        for pair, one in pairs.pair_distributions([frame], r_max=4.0, bins=20).items():
            assert one.g.tolist() == before[pair].g.tolist()


def test_a_pair_at_r_max_itself_is_not_counted() -> None:
    frame = Atoms("LiF", positions=[[1, 1, 1], [4, 1, 1]], cell=np.diag([20.0] * 3), pbc=True)
    for r_max, there in [(3.0, 0.0), (3.0001, 1.0)]:
        one = pairs.pair_distributions([frame], r_max=r_max, bins=3, only=[("Li", "F")])["Li", "F"]
        assert (one.g * shells(r_max, 3)).sum() / frame.get_volume() == pytest.approx(there)


def test_like_pairs_are_normalised_as_in_liquids() -> None:
    frame = gas(60, seed=2)
    found, other = pairs.pair_distributions([frame], r_max=4.0, bins=40), histogram(frame, r_max=4.0, bins=40)  # fmt: skip
    assert list(found) == list(other)
    for pair, g in other.items():
        assert found[pair].g == pytest.approx(g, rel=1e-9), pair


def test_a_run_agrees_with_liquids_in_mean_blocks_and_errors() -> None:
    run = [gas(40, seed=k, cell=np.diag([9.0, 10.0, 11.0]) * (1 + 0.02 * k)) for k in range(5)]
    found = pairs.pair_distributions(run, r_max=4.4, bins=11, blocks=5)
    for pair, one in partial_rdf(run, r_max=4.4, bins=11, blocks=5).items():
        assert found[pair].g == pytest.approx(one.g, rel=1e-9)
        assert found[pair].blocks == pytest.approx(one.blocks, rel=1e-9)
        assert found[pair].error == pytest.approx(one.error, rel=1e-9)


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


def test_a_supercell_has_the_same_unlike_g() -> None:
    frame = gas(40, seed=4)
    one = pairs.pair_distributions([frame], r_max=4.0, bins=20)
    two = pairs.pair_distributions([frame * (2, 1, 1)], r_max=4.0, bins=20)
    for pair, found in one.items():
        # Of like pairs the atom itself counts less in the larger cell.
        own = found.g if pair[0] != pair[1] else found.g * _like(frame, pair[0])
        assert two[pair].g == pytest.approx(own, rel=1e-9)


def _like(frame: Atoms, element: str) -> float:
    """Return the ratio of g of like pairs in a cell of twice the size."""
    n = frame.get_chemical_symbols().count(element)
    return 2 * (n - 1) / (2 * n - 1)


def test_an_ideal_gas_is_one_within_its_errors() -> None:
    run = (gas(50, seed=k) for k in range(60))
    found = pairs.pair_distributions(run, r_max=4.4, bins=11, blocks=8)
    pulls = np.concatenate([(one.g[4:] - 1) / one.error[4:] for one in found.values()])
    assert 0.6 < np.sqrt(np.mean(pulls**2)) < 1.6
    assert np.abs(found["F", "F"].g[4:] - 1).max() < 0.1


def neighbours(g: Floats, frame: Atoms, a: str, b: str, r_max: float) -> Floats:
    """Return how many b an a has up to the end of each bin: the integral of g."""
    symbols = frame.get_chemical_symbols()
    density = (symbols.count(b) - (a == b)) / frame.get_volume()
    return np.asarray(np.cumsum(density * g * shells(r_max, len(g))))


def test_an_fcc_crystal_has_twelve_neighbours_and_six_behind() -> None:
    metal = bulk("Cu", "fcc", a=3.6, cubic=True) * 3
    found = pairs.pair_distributions([metal] * 3, r_max=5.3, bins=106, blocks=2)["Cu", "Cu"]
    count = neighbours(found.g, metal, "Cu", "Cu", 5.3)
    for distance, wanted in ((3.0, 12.0), (4.0, 18.0), (5.0, 42.0)):
        assert count[round(distance / 0.05) - 1] == pytest.approx(wanted)
    top = first_peak(found, width=1)
    assert top.position == pytest.approx(3.6 / np.sqrt(2), abs=0.05)
    assert top.height > 10 and top.height_error == pytest.approx(0.0, abs=1e-9)


def test_rock_salt_has_six_neighbours_of_the_other_kind() -> None:
    salt = bulk("LiCl", "rocksalt", a=5.14) * 4  # rhombohedral cell
    found = pairs.pair_distributions([salt], r_max=5.0, bins=100)
    assert neighbours(found["Li", "Cl"].g, salt, "Li", "Cl", 5.0)[59] == pytest.approx(6.0)
    assert neighbours(found["Cl", "Cl"].g, salt, "Cl", "Cl", 5.0)[79] == pytest.approx(12.0)


def test_a_single_atom_has_no_partner_of_its_kind() -> None:
    found = pairs.pair_distributions([gas(6, seed=1, symbols="GaF5")], r_max=4.0, bins=4)
    assert found["Ga", "Ga"].g.tolist() == [0.0] * 4
    assert found["F", "Ga"].g.max() > 0
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
    assert len(alive) == 40 and most <= 3
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
    pairs.pair_distributions([frame], r_max=pairs.reach(frame), bins=4)
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
