from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from repro import data
from repro.errors import InputError
from repro.md import guard
from repro.md.lammps import LammpsError
from repro.potential import ELEMENTS


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "m.pb"
    file.write_bytes(b"not a network")
    return file


def test_the_guard_never_touches_a_label() -> None:
    """If this fails the labels have grown closer: lower SHELLS of repro.md.guard."""
    closest = guard.closest_in_labels(data.path("potential/labels/labels.hdf5"))
    assert set(closest) == set(guard.PAIRS)
    for pair, distance in closest.items():
        assert guard.reach(*pair)[1] < distance, f"{pair}: labels come to {distance:.3f} A"


def test_cutoffs_are_in_order_and_symmetric() -> None:
    for first, second in itertools.product(ELEMENTS, repeat=2):
        inner, outer = guard.reach(first, second)
        assert 0.5 < inner < outer < 2.5
        assert guard.reach(second, first) == (inner, outer)
    with pytest.raises(InputError, match="Na-Cl"):
        guard.reach("Na", "Cl")


def test_every_pair_has_its_nuclear_charges(model: Path) -> None:
    lines = guard.pair_commands(model).splitlines()
    assert lines[0].startswith(f"pair_style hybrid/overlay deepmd {model} zbl 0.7 1.1 zbl")
    assert lines[1] == "pair_coeff * * deepmd Li F Cl Ga"
    charges = (3, 9, 17, 31)
    seen = set()
    for line in lines[2:]:
        _, a, b, style, shell, za, zb = line.split()
        assert style == "zbl" and int(a) <= int(b)
        assert (int(za), int(zb)) == (charges[int(a) - 1], charges[int(b) - 1])
        pair = ELEMENTS[int(a) - 1], ELEMENTS[int(b) - 1]
        assert guard.SHELLS[int(shell) - 1] == guard.reach(*pair)
        seen.add(pair)
    assert seen == set(guard.PAIRS) and len(seen) == 10


def test_without_the_guard(model: Path) -> None:
    text = guard.pair_commands(model, guard=False)
    assert text == f"pair_style deepmd {model}\npair_coeff * * Li F Cl Ga\n"


def test_several_models_and_their_deviation(tmp_path: Path) -> None:
    files = [tmp_path / f"{k}.pb" for k in "abcd"]
    for file in files:
        file.touch()
    text = guard.pair_commands(files, deviation=("devi.out", 20)).splitlines()[0]
    assert " ".join(map(str, files)) + " out_file devi.out out_freq 20 zbl" in text


def test_a_path_with_a_space_is_quoted(tmp_path: Path) -> None:
    file = tmp_path / "my model.pb"
    file.touch()
    assert f'deepmd "{file}"' in guard.pair_commands(file)


def test_missing_model_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(
        LammpsError, match=r"gone\.pb: no such model; make one with 'python -m repro"
    ):
        guard.pair_commands(tmp_path / "gone.pb")


def test_no_model_and_a_deviation_of_one(model: Path) -> None:
    with pytest.raises(InputError, match="no model given"):
        guard.pair_commands([])
    with pytest.raises(InputError, match="two models or more"):
        guard.pair_commands(model, deviation=("x", 1))


def test_closest_against_all_images() -> None:
    rng = np.random.default_rng(5)
    atoms = Atoms("LiFClGaLiF", scaled_positions=rng.random((6, 3)),
                  cell=[[5, 0.5, 0], [0, 6, 1], [0.3, 0, 5.5]], pbc=True)  # fmt: skip
    naive: dict[tuple[str, str], float] = {}
    shifts = [np.array(s) @ atoms.cell.array for s in itertools.product((-1, 0, 1), repeat=3)]
    for i, j in itertools.product(range(6), repeat=2):
        for shift in shifts:
            d = float(np.linalg.norm(atoms.positions[j] + shift - atoms.positions[i]))
            if 1e-9 < d < 4.0:
                pair = tuple(sorted((atoms.symbols[i], atoms.symbols[j]), key=ELEMENTS.index))
                naive[pair] = min(d, naive.get(pair, np.inf))  # type: ignore[index,arg-type]
    assert guard.closest(atoms) == pytest.approx(naive)


def test_repulsion_is_coulomb_of_the_nuclei_at_contact() -> None:
    for first, second in guard.PAIRS:
        bare = 14.399645 * guard.CHARGES[first] * guard.CHARGES[second] / 1e-4
        assert guard.repulsion(first, second, 1e-4) == pytest.approx(bare, rel=5e-3)


def test_repulsion_falls_and_is_symmetric() -> None:
    r = np.linspace(0.2, 3.0, 50)
    for first, second in guard.PAIRS:
        values = [guard.repulsion(first, second, x) for x in r]
        assert np.all(np.diff(values) < 0) and values[-1] > 0
        assert guard.repulsion(second, first, 1.0) == pytest.approx(
            guard.repulsion(first, second, 1.0)
        )


def test_it_stops_a_fast_ion() -> None:
    # At the inner cut-off every pair has gained far more than kT at 1200 K (0.1 eV).
    for first, second in guard.PAIRS:
        inner, outer = guard.reach(first, second)
        assert guard.repulsion(first, second, inner) - guard.repulsion(first, second, outer) > 1.0


@pytest.mark.parametrize("r", [0.0, -1.0, float("nan")])
def test_repulsion_of_a_bad_distance(r: float) -> None:
    with pytest.raises(InputError, match="expected a positive one"):
        guard.repulsion("Li", "F", r)
