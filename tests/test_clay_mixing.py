"""Bonds, shells, exchange and domains: crystals of the book, tiny cells, naive counts."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import helpers_clay
import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.clay import mixing, salts
from repro.errors import InputError
from repro.md.statistics import Estimate

BOX = 12.0


@pytest.fixture(scope="module")
def crystals() -> dict[str, Atoms]:
    return helpers_clay.crystals()


def numbers(found: Any) -> dict[str, float]:
    """Return all numbers of a result by name, errors too."""
    flat: dict[str, float] = {}
    for field in fields(found):
        value = getattr(found, field.name)
        for name, one in (value if isinstance(value, dict) else {field.name: value}).items():
            if isinstance(one, Estimate):
                flat |= {name: one.value, f"{name} error": one.error}
            else:
                flat |= {f"{name} {k}": float(v) for k, v in enumerate(np.ravel(one))}
    return flat


def same(one: Any, other: Any, *, skip: str = "nothing") -> None:
    a, b = numbers(one), numbers(other)
    assert a.keys() == b.keys()
    for name in a:
        if skip not in name:
            assert a[name] == pytest.approx(b[name], nan_ok=True, abs=1e-9), name


def melt(*, seed: int, licl: int = 8, gaf3: int = 4, side: float = 8.2) -> Atoms:
    """Return random atoms, dense enough for shells of every kind, in a skewed cell."""
    rng = np.random.default_rng(seed)
    frame = Atoms(f"Li{licl}Cl{licl}Ga{gaf3}F{3 * gaf3}", pbc=True,
                  cell=[[side, 0, 0], [1.5, side, 0], [-2.0, 1.0, side]])  # fmt: skip
    frame.set_scaled_positions(rng.uniform(size=(len(frame), 3)))
    frame.info["time_ps"] = float(seed)
    return frame


def cell(atoms: list[tuple[str, tuple[float, float, float]]]) -> Atoms:
    """Return atoms alone in a large cubic cell."""
    return Atoms([s for s, _ in atoms], positions=[p for _, p in atoms], cell=[BOX] * 3, pbc=True)


def tetrahedron(centre: tuple[float, float, float], *, bond: float = 2.17) -> Atoms:
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    return cell([("Ga", centre), *[("Cl", tuple(np.add(centre, bond * c))) for c in corners]])


# Crystals -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["GaF3-alpha", "GaF3-beta"])
def test_gallium_in_gaf3_has_six_fluorine(crystals: dict[str, Atoms], name: str) -> None:
    found = mixing.speciation(crystals[name])
    assert found.coordination["Ga-F"] == Estimate(6.0, 0.0)
    assert found.coordination["Ga-Cl"] == Estimate(0.0, 0.0)
    assert np.isnan(found.coordination["Li-F"].value)
    assert found.gallium == 6 and found.species[0, 6] == 6 and found.species.sum() == 6
    assert found.fluorine_only.value == 1.0 and found.mixed.value == 0.0
    assert found.bridging_fluorine.value == 1.0 and np.isnan(found.bridging_chlorine.value)
    assert np.isnan(found.order.value)


def test_gallium_in_gacl3_is_in_tetrahedra(crystals: dict[str, Atoms]) -> None:
    found = mixing.speciation(crystals["GaCl3"])
    assert found.coordination["Ga-Cl"].value == 4.0
    assert found.species[4, 0] == 2 and found.species.sum() == 2
    assert found.tetrahedra.value == found.chlorine_only.value == 1.0
    assert found.bridging_chlorine.value == pytest.approx(2 / 6)
    # A shared edge pulls the tetrahedron out of shape a little.
    assert 0.9 < found.order.value < 0.99
    assert 105 < found.angle.value < 110


def test_six_fold_and_separate_chlorides(crystals: dict[str, Atoms]) -> None:
    layered = mixing.speciation(crystals["GaCl3-layered"])
    assert layered.coordination["Ga-Cl"].value == 6.0 and layered.bridging_chlorine.value == 1.0
    assert layered.tetrahedra.value == 0.0 and layered.chlorine_only.value == 1.0
    alone = mixing.speciation(crystals["LiGaCl4"])
    assert alone.tetrahedra.value == 1.0
    assert alone.bridging_chlorine.value == 0.0 and alone.order.value > 0.95
    half = mixing.speciation(crystals["GaCl2"])  # Ga+ and GaCl4-
    assert half.tetrahedra.value == 0.5 and half.species[0, 0] == 4 and half.species[4, 0] == 4
    assert half.tetrahedra.error == pytest.approx(0.5 / np.sqrt(7))


def test_mixed_shells(crystals: dict[str, Atoms]) -> None:
    found = mixing.speciation(crystals["LiGaCl2F2"])
    assert found.mixed.value == 1.0 and found.species[2, 2] == 4
    assert found.coordination["Li-F"].value == 3.0 and found.coordination["Li-Cl"].value == 2.0
    molecule = mixing.speciation(crystals["GaCl2F"])
    assert molecule.species[2, 2] == 2 and molecule.bridging_fluorine.value == 1.0
    assert molecule.bridging_chlorine.value == 0.0


def test_lithium_in_its_salts(crystals: dict[str, Atoms]) -> None:
    assert mixing.speciation(crystals["LiCl"]).coordination["Li-Cl"].value == 6.0
    assert mixing.speciation(crystals["LiF"]).coordination["Li-F"].value == 6.0
    assert mixing.speciation(crystals["LiCl-wurtzite"]).coordination["Li-Cl"].value == 4.0
    assert mixing.speciation(crystals["LiCl"]).gallium == 0
    assert np.isnan(mixing.speciation(crystals["LiCl"]).mixed.value)
    assert mixing.speciation(crystals["Li3GaF6"]).coordination["Ga-F"].value == 6.0


# Made by hand -------------------------------------------------------------------------


def test_a_regular_tetrahedron_across_the_wall() -> None:
    found = mixing.speciation(tetrahedron((0.1, 11.9, 6.0)))
    assert found.order.value == pytest.approx(1.0)
    assert found.angle.value == pytest.approx(np.degrees(np.arccos(-1 / 3)))
    assert found.tetrahedra.value == 1.0 and np.isnan(found.order.error)


def test_a_square_is_not_a_tetrahedron_by_its_order() -> None:
    square = cell([("Ga", (6, 6, 6)), ("Cl", (8, 6, 6)), ("Cl", (4, 6, 6)), ("Cl", (6, 8, 6)),
                   ("Cl", (6, 4, 6))])  # fmt: skip
    found = mixing.speciation(square)
    # Four right angles and two of 180 degrees.
    assert found.order.value == pytest.approx(1 - 3 / 8 * (4 / 9 + 2 * 4 / 9))
    assert found.angle.value == pytest.approx((4 * 90 + 2 * 180) / 6)


def test_order_and_angle_are_means_over_tetrahedra_only() -> None:
    frame = tetrahedron((3, 3, 3))
    frame += Atoms("GaF", positions=[(9, 9, 9), (9, 9, 7)])
    found = mixing.speciation(frame)
    assert found.tetrahedra == Estimate(0.5, 0.5)
    assert found.order.value == pytest.approx(1.0)
    assert found.fluorine_only.value == 0.5 and found.coordination["Ga-Cl"].value == 2.0


@pytest.mark.parametrize("shift", [0.0, 5.5])
def test_a_shared_corner_edge_and_face(shift: float) -> None:
    """Ga 3 angstrom apart with one, two or three Cl between them, other Cl outside."""
    for bridges in (1, 2, 3):
        atoms = [("Ga", (4.5, 6, 6)), ("Ga", (7.5, 6, 6))]
        for k in range(bridges):
            around = 2 * np.pi * k / bridges
            atoms.append(("Cl", (6, 6 + 1.6 * np.cos(around), 6 + 1.6 * np.sin(around))))
        for k, side in itertools.product(range(4 - bridges), (-1, 1)):
            around = 2 * np.pi * k / max(4 - bridges, 1) + 0.5
            x = 6 + side * 2.3
            atoms.append(("Cl", (x, 6 + 1.9 * np.cos(around), 6 + 1.9 * np.sin(around))))
        frame = cell([(s, (float(p[0]), float(p[1]), float(p[2]))) for s, p in atoms])
        frame.positions[:, 0] += shift  # one of the Ga then lies beyond the wall
        found = mixing.speciation(frame)
        assert found.species[4, 0] == 2, bridges
        assert found.bridging_chlorine.value == pytest.approx(bridges / (8 - bridges))


def test_a_chain_of_tetrahedra_that_share_edges_with_their_own_images() -> None:
    """One Ga in the cell, bound to the next image by two Cl."""
    chain = Atoms("GaCl2", positions=[(0, 5, 5), (1.6, 6.5, 5), (1.6, 3.5, 5)],
                  cell=[3.2, 10, 10], pbc=True)  # fmt: skip
    found = mixing.speciation(chain)
    assert found.species[4, 0] == 1
    assert found.bridging_chlorine.value == 1.0
    assert mixing.speciation(chain * (3, 1, 1)).species[4, 0] == 3


def test_large_shells_go_to_the_last_class() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(11, 3))
    points = 6 + 2.0 * points / np.linalg.norm(points, axis=1, keepdims=True)
    found = mixing.speciation(Atoms("GaF11", positions=[(6, 6, 6), *points], cell=[12] * 3, pbc=True))  # fmt: skip
    assert found.coordination["Ga-F"].value == 11.0
    assert found.species[0, 8] == 1 and found.species.sum() == 1


def test_cutoffs_decide() -> None:
    frame = cell([("Ga", (6, 6, 6)), ("F", (8.4, 6, 6)), ("Cl", (3.2, 6, 6)),
                  ("Li", (6, 6, 1)), ("F", (6, 6, 3.6)), ("Cl", (6, 4.1, 1))])  # fmt: skip
    found = mixing.speciation(frame)
    assert [found.coordination[p].value for p in mixing.COORDINATION] == [2.0, 1.0, 1.0, 1.0]
    near = mixing.speciation(frame, cutoffs={("Ga", "F"): 2.395, ("Li", "Cl"): 1.0})
    assert [near.coordination[p].value for p in mixing.COORDINATION] == [0.0, 1.0, 1.0, 0.0]
    assert mixing.CUTOFFS["Ga", "F"] == 2.5  # not changed


# Against a naive count ----------------------------------------------------------------


def test_against_loops_over_ase_neighbours() -> None:
    frame = melt(seed=11)
    symbols = frame.get_chemical_symbols()
    shell: list[dict[str, list[tuple[int, tuple[int, ...]]]]] = [{"F": [], "Cl": []} for _ in frame]
    on_ga: dict[int, set[tuple[int, tuple[int, ...]]]] = {k: set() for k in range(len(frame))}
    for i, j, r, s in zip(*neighbor_list("ijdS", frame, 4.0), strict=True):
        if r < mixing.CUTOFFS.get((symbols[i], symbols[j]), 0.0):
            shell[i][symbols[j]].append((int(j), tuple(int(x) for x in s)))
            if symbols[i] == "Ga":
                on_ga[int(j)].add((int(i), tuple(-int(x) for x in s)))
    ga = [k for k, s in enumerate(symbols) if s == "Ga"]
    found = mixing.speciation(frame)
    counts = np.zeros((9, 9))
    for k in ga:
        counts[min(len(shell[k]["Cl"]), 8), min(len(shell[k]["F"]), 8)] += 1
    assert found.species.tolist() == counts.tolist()
    for pair in mixing.COORDINATION:
        metal, anion = pair.split("-")
        each = [len(shell[k][anion]) for k, s in enumerate(symbols) if s == metal]
        assert found.coordination[pair].value == pytest.approx(np.mean(each)), pair
        assert found.coordination[pair].error == pytest.approx(np.std(each, ddof=1) / len(each) ** 0.5)  # fmt: skip
    for anion, share in (("Cl", found.bridging_chlorine), ("F", found.bridging_fluorine)):
        each = [len(on_ga[k]) > 1 for k, s in enumerate(symbols) if s == anion]
        assert 0 < share.value == pytest.approx(np.mean(each))
    series = mixing.exchange([frame])
    bonds = {a: sum(len(shell[k][a]) for k in ga) for a in ("F", "Cl")}
    assert series.gallium_chlorine_share[0] == pytest.approx(bonds["Cl"] / sum(bonds.values()))
    lone = np.mean([bool(on_ga[k]) for k, s in enumerate(symbols) if s == "Cl"])
    assert series.chlorine_on_gallium[0] == pytest.approx(lone)


# Invariance ---------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_and_place_of_atoms_do_not_matter(seed: int) -> None:
    frame, rng = melt(seed=seed), np.random.default_rng(seed)
    moved = frame.copy()
    moved.positions += rng.normal(scale=30, size=3)  # no longer in the cell
    images = frame.copy()
    images.positions += rng.integers(-2, 3, size=(len(frame), 3)) @ frame.cell.array
    for other in (frame[rng.permutation(len(frame))], moved, images):
        same(mixing.speciation(frame), mixing.speciation(other))
        same(mixing.domains(frame), mixing.domains(other))
        same(mixing.exchange([frame]), mixing.exchange([other]))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), times=st.sampled_from([(2, 1, 1), (1, 3, 1), (1, 2, 2)]))
def test_a_supercell_has_the_same_shares_and_more_of_each(seed: int, times: tuple[int, int, int]) -> None:  # fmt: skip
    frame, count = melt(seed=seed), int(np.prod(times))
    large = frame * times
    one, many = mixing.speciation(frame), mixing.speciation(large)
    assert many.gallium == count * one.gallium
    assert many.species.tolist() == (count * one.species).tolist()
    for name, value in numbers(one).items():
        if "error" not in name and not name.startswith(("species", "gallium")):
            assert numbers(many)[name] == pytest.approx(value, nan_ok=True), name
    a, b = mixing.exchange([frame]), mixing.exchange([large])
    for name in salts.MEASURES:
        assert getattr(b, name) == pytest.approx(getattr(a, name))
        # Copies are no new information, but the atoms are taken as independent.
        # Their number K makes the squares smaller by (K - 1) / (count K - 1).
        small, large_error = a.errors[name][0], b.errors[name][0]
        if np.isfinite(small):
            assert small / np.sqrt(2 * count - 1) - 1e-9 <= large_error
            assert large_error <= small / np.sqrt(count) + 1e-9
    before, after = mixing.domains(frame), mixing.domains(large)
    assert after.gallium_fluoride.sum() == count * before.gallium_fluoride.sum()
    assert after.lithium_chloride.sum() == count * before.lithium_chloride.sum()
    assert salts.density(large) == pytest.approx(salts.density(frame))
    assert salts.ideal_density(salts.composition(large)) == pytest.approx(
        salts.ideal_density(salts.composition(frame))
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_shares_add_up(seed: int) -> None:
    frame = melt(seed=seed)
    found = mixing.speciation(frame)
    assert found.species.sum() == pytest.approx(4)
    x, y = np.indices((9, 9))
    assert found.fluorine_only.value * 4 == pytest.approx(found.species[0, 1:].sum())
    assert found.chlorine_only.value * 4 == pytest.approx(found.species[1:, 0].sum())
    assert found.mixed.value * 4 == pytest.approx(found.species[1:, 1:].sum())
    assert found.tetrahedra.value * 4 == pytest.approx(found.species[4, 0])
    if found.species[:8, :8].sum() == 4:
        assert found.coordination["Ga-Cl"].value == pytest.approx((x * found.species).sum() / 4)
        assert found.coordination["Ga-F"].value == pytest.approx((y * found.species).sum() / 4)
    series = mixing.exchange([frame])
    for name in salts.MEASURES:
        assert 0 <= getattr(series, name)[0] <= 1


# Averages -----------------------------------------------------------------------------


def test_an_average_is_that_of_the_frames_with_their_scatter() -> None:
    run = [melt(seed=k) for k in range(6)]
    each = [mixing.speciation(frame) for frame in run]
    found = mixing.average(iter(run))
    assert found.frames == 6 and found.gallium == 4
    assert found.species == pytest.approx(np.mean([e.species for e in each], axis=0))
    for name in ("mixed", "bridging_chlorine", "fluorine_only"):
        values = [getattr(e, name).value for e in each]
        assert getattr(found, name).value == pytest.approx(np.mean(values)), name
        assert getattr(found, name).error == pytest.approx(np.std(values, ddof=1) / np.sqrt(6))
    values = [e.coordination["Li-F"].value for e in each]
    assert found.coordination["Li-F"].value == pytest.approx(np.mean(values))


def test_the_order_is_averaged_over_tetrahedra_not_frames() -> None:
    """Frames with two tetrahedra count twice those with one, and those with none not."""
    one, bent = tetrahedron((3, 3, 3)), tetrahedron((9, 9, 9))
    bent.positions[1] += (0.3, 0.0, 0.0)
    q = mixing.speciation(bent).order.value
    assert q < 0.999
    none = tetrahedron((3, 3, 3)) + tetrahedron((9, 9, 9))
    none.positions[[1, 6]] = [(6, 6, 6), (6, 0, 6)]  # three Cl each
    both, first = one + bent, one + bent
    first.positions[6] = (6, 6, 6)
    assert [mixing.speciation(f).tetrahedra.value for f in (both, first, none)] == [1.0, 0.5, 0.0]
    found = mixing.average([both, first, none])
    assert found.order.value == pytest.approx((1 + q + 1) / 3)
    assert found.tetrahedra.value == pytest.approx(0.5)
    assert found.order.error > 0


def test_frames_that_agree_have_no_error_and_one_frame_has_none_to_give() -> None:
    found = mixing.average([melt(seed=1)] * 4)
    assert found.mixed.error == 0.0
    same(found, mixing.average([melt(seed=1)] * 9), skip="frames")
    single = mixing.average([melt(seed=1)])
    assert np.isnan(single.mixed.error) and single.mixed.value == found.mixed.value


def test_frames_are_let_go() -> None:
    alive: list[weakref.ref[Atoms]] = []
    most = [0]

    def run() -> Iterator[Atoms]:
        for k in range(30):
            frame = melt(seed=k, licl=2, gaf3=1)
            alive.append(weakref.ref(frame))
            most[0] = max(most[0], sum(ref() is not None for ref in alive))
            yield frame

    assert mixing.average(run()).frames == 30 and most[0] <= 3
    alive.clear()
    assert len(mixing.exchange(run()).time_ps) == 30 and most[0] <= 3


# Exchange -----------------------------------------------------------------------------


def test_exchange_follows_an_anion_that_changes_place() -> None:
    def frame(time: float, *, swapped: bool) -> Atoms:
        made = cell([("Ga", (6, 6, 6)), ("F", (7.9, 6, 6)), ("F", (4.1, 6, 6)), ("F", (6, 6, 7.9)),
                     ("Li", (1, 1, 1)), ("Cl", (1, 1, 3.4))])  # fmt: skip
        if swapped:
            made.positions[[3, 5]] = [(1, 1, 3.0), (6, 6, 8.2)]
        made.info["time_ps"] = time
        return made

    found = mixing.exchange(iter([frame(0.0, swapped=False), frame(2.5, swapped=True)]))
    assert found.time_ps.tolist() == [0.0, 2.5]
    assert found.gallium_chlorine_share == pytest.approx([0, 1 / 3])
    assert found.chlorine_on_gallium.tolist() == [0, 1]
    assert found.fluorine_on_gallium == pytest.approx([1, 2 / 3])
    assert found.lithium_fluorine_share.tolist() == [0, 1]
    assert found.random == 0.25 and found.relative == pytest.approx([0, 4 / 3])
    # Two of three F: the error of a mean of 1, 1, 0.
    assert found.errors["fluorine_on_gallium"] == pytest.approx([0, 1 / 3])


def test_the_error_of_the_share_is_that_of_a_ratio() -> None:
    """The delta method by hand: Ga with 1, 2 and 0 Cl of 3, 2 and 4 bonds."""
    atoms: list[tuple[str, tuple[float, float, float]]] = []
    for x, shell in ((2.0, ("Cl", "F", "F")), (6.0, ("Cl", "Cl")), (10.0, ("F",) * 4)):
        atoms.append(("Ga", (x, 6, 6)))
        for symbol, (dy, dz) in zip(shell, ((1.9, 0), (-1.9, 0), (0, 1.9), (0, -1.9)), strict=False):  # fmt: skip
            atoms.append((symbol, (x, 6 + dy, 6 + dz)))
    frame = cell(atoms)
    frame.info["time_ps"] = 0.0
    found = mixing.exchange([frame])
    share = 3 / 9
    rest = np.array([1 - 3 * share, 2 - 2 * share, -4 * share])
    assert found.gallium_chlorine_share[0] == pytest.approx(share)
    assert found.errors["gallium_chlorine_share"][0] == pytest.approx(np.sqrt(1.5 * (rest**2).sum()) / 9)  # fmt: skip
    assert np.isnan(found.lithium_fluorine_share[0])


# Domains ------------------------------------------------------------------------------


def test_crystals_are_one_domain_and_molecules_none(crystals: dict[str, Atoms]) -> None:
    fluoride = mixing.domains(crystals["GaF3-alpha"] * (1, 2, 1))
    assert fluoride.gallium_fluoride.tolist() == [12] and fluoride.gallium_share == 1.0
    assert len(fluoride.lithium_chloride) == 0 and np.isnan(fluoride.lithium_share)
    chloride = mixing.domains(crystals["LiCl"] * (2, 2, 1))
    assert chloride.lithium_chloride.tolist() == [16] and chloride.lithium_share == 1.0
    alone = mixing.domains(crystals["Li3GaF6"])
    assert alone.gallium_fluoride.tolist() == [1, 1] and alone.gallium_share == 0.0
    assert mixing.domains(crystals["GaCl3"]).gallium_fluoride.tolist() == []
    assert mixing.domains(crystals["GaCl3"]).gallium_share == 0.0
    mixed = mixing.domains(crystals["LiGaCl2F2"])
    assert mixed.gallium_share == 0.0 and len(mixed.lithium_chloride) == 0


def test_the_sandwich_keeps_both_salts(crystals: dict[str, Atoms]) -> None:
    """Interface atoms have both anions; the layers behind are pure, in one domain each."""
    frame = crystals["slab-6-3"]
    found, shells = mixing.domains(frame), mixing.speciation(frame)
    assert found.gallium_fluoride.tolist() == [round(12 * shells.fluorine_only.value)] == [8]
    assert found.gallium_share == pytest.approx(8 / 12)
    assert len(found.lithium_chloride) == 1 and 0.5 < found.lithium_share < 1.0


def test_sizes_of_chains_cut_by_a_mixed_shell() -> None:
    """Ga-F-Ga-F-...: six in a row, the third of which has a Cl."""
    atoms: list[tuple[str, tuple[float, float, float]]] = []
    for k in range(6):
        atoms += [("Ga", (4.0 * k, 6, 6)), ("F", (4.0 * k + 2.0, 6, 6))]
    atoms.append(("Cl", (8.0, 8.2, 6)))
    frame = cell(atoms)
    frame.set_cell([40.0, 12, 12])
    found = mixing.domains(frame)
    assert found.gallium_fluoride.tolist() == [3, 2]
    assert found.gallium_share == pytest.approx(5 / 6)
    frame.set_cell([24.0, 12, 12])  # the ends meet through the wall
    assert mixing.domains(frame).gallium_fluoride.tolist() == [5]
    wider = mixing.domains(frame, cutoffs={("Ga", "Cl"): 2.1})
    assert wider.gallium_fluoride.tolist() == [6]


# Messages -----------------------------------------------------------------------------


def test_frames_that_cannot_be_used() -> None:
    frame = melt(seed=1)
    with pytest.raises(InputError, match="frame holds Br, Na: expected Li, F, Cl, Ga only"):
        mixing.speciation(Atoms("NaBr", cell=[9] * 3, pbc=True))
    with pytest.raises(InputError, match=r"cut-off 2.0 for Ga-Ga: expected a positive length for "
                       "some of Ga-F, Ga-Cl, Li-F, Li-Cl"):  # fmt: skip
        mixing.domains(frame, cutoffs={("Ga", "Ga"): 2.0})
    for length in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(InputError, match=f"cut-off {length} for Li-F"):
            mixing.bonds(frame, cutoffs={("Li", "F"): length})
    open_one = frame.copy()
    open_one.pbc = False
    with pytest.raises(InputError, match="expected finite positions, periodic in three directions"):
        mixing.speciation(open_one)
    broken = frame.copy()
    broken.positions[3] = np.nan
    with pytest.raises(InputError, match="expected finite positions"):
        mixing.speciation(broken)


def test_runs_that_cannot_be_used() -> None:
    frame = melt(seed=1)
    for use in (mixing.average, mixing.exchange):
        with pytest.raises(InputError, match="no frames: expected one or more"):
            use([])
        with pytest.raises(InputError, match=r"frame 1 holds .*'Li': 7.*frame 0 .*'Li': 8"):
            use([frame, frame[1:]])
    with pytest.raises(InputError, match=r"frame 1 has time_ps 1.0: expected a time in its info"):
        mixing.exchange([frame, frame])
    timeless = frame.copy()
    timeless.info.clear()
    with pytest.raises(InputError, match="frame 0 has time_ps None"):
        mixing.exchange([timeless])
    salt = Atoms("LiCl", positions=[(0, 0, 0), (2.5, 0, 0)], cell=[9] * 3, pbc=True)
    salt.info["time_ps"] = 0.0
    with pytest.raises(InputError, match=r"frames hold {'Cl': 1, 'Li': 1}: expected Ga and anions"):
        mixing.exchange([salt])
    with pytest.raises(InputError, match="1 blocks"):
        mixing.average([frame], blocks=1)
