from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.geometry import get_distances
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.md import datafile


def a_frame(cell: object = (6.0, 7.0, 8.0), seed: int = 1) -> Atoms:
    rng = np.random.default_rng(seed)
    return Atoms("GaF3LiCl2", scaled_positions=rng.random((7, 3)), cell=cell, pbc=True)


def distances(atoms: Atoms) -> np.ndarray:
    _, d = get_distances(atoms.positions, cell=atoms.cell, pbc=True)
    return np.asarray(d)


TILTED = [[6.0, 0.4, -0.3], [1.0, 7.0, 0.2], [-0.8, 0.9, 8.0]]


@pytest.mark.parametrize("cell", [(6.0, 7.0, 8.0), TILTED])
def test_round_trip(tmp_path: Path, cell: object) -> None:
    atoms = a_frame(cell)
    file = tmp_path / "deep" / "a.data"
    datafile.write_structure(atoms, file)
    back = datafile.read_structure(file)
    assert back.get_chemical_symbols() == atoms.get_chemical_symbols()
    np.testing.assert_allclose(back.cell.cellpar(), atoms.cell.cellpar(), rtol=1e-9)
    np.testing.assert_allclose(distances(back), distances(atoms), atol=1e-7)
    assert not list(tmp_path.glob("deep/*.part"))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_round_trip_of_any_triclinic_cell(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(5, 9, 3)) + rng.uniform(-1.5, 1.5, (3, 3))
    atoms = a_frame(cell, seed)
    file = tmp_path_factory.mktemp("cell") / "a.data"
    datafile.write_structure(atoms, file)
    np.testing.assert_allclose(
        distances(datafile.read_structure(file)), distances(atoms), atol=1e-6
    )


def test_types_and_masses(tmp_path: Path) -> None:
    file = tmp_path / "a.data"
    datafile.write_structure(Atoms("Ga", cell=[5, 5, 5], pbc=True), file)
    text = file.read_text()
    assert "4 atom types" in text and "1 atoms" in text
    masses = {line.split("#")[1].strip(): float(line.split()[1])
              for line in text.splitlines() if "#" in line and line[:1].isdigit()}  # fmt: skip
    assert masses == pytest.approx(
        {"Li": 6.94, "F": 18.998403, "Cl": 35.45, "Ga": 69.723}, rel=1e-6
    )
    # The only atom is Ga, the fourth type.
    atom = text[text.index("Atoms") :].split("\n")[2].split()
    assert atom[:2] == ["1", "4"]


def test_an_upright_cell_stays_free_to_tilt(tmp_path: Path) -> None:
    file = tmp_path / "a.data"
    datafile.write_structure(a_frame(), file)
    assert file.read_text().count("xy xz yz") == 1


def test_momenta_are_not_written(tmp_path: Path) -> None:
    atoms = a_frame(TILTED)
    atoms.set_velocities(np.random.default_rng(3).normal(size=(7, 3)))
    file = tmp_path / "a.data"
    datafile.write_structure(atoms, file)
    assert "Velocities" not in file.read_text()


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (Atoms(), "found none"),
        (Atoms("NaCl", positions=[[0, 0, 0], [2, 0, 0]], cell=[5, 5, 5]), "also has Na"),
        (Atoms("Li", positions=[[np.nan, 0, 0]], cell=[5, 5, 5]), "not finite"),
        (Atoms("Li"), "three independent vectors"),
        (Atoms("Li", cell=[[1, 0, 0], [0, 1, 0], [0, 0, 0]]), "three independent vectors"),
        (Atoms("Li", cell=[[5, 0, 0], [0, 0, 5], [0, 5, 0]]), "left-handed"),
    ],
)
def test_bad_structures(tmp_path: Path, atoms: Atoms, message: str) -> None:
    with pytest.raises(InputError, match=message):
        datafile.write_structure(atoms, tmp_path / "a.data")
    assert not (tmp_path / "a.data").exists()


def test_reading_what_is_not_there_or_not_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such data file"):
        datafile.read_structure(tmp_path / "none.data")
    bad = tmp_path / "bad.data"
    bad.write_text("hello\n")
    with pytest.raises(InputError, match="not a LAMMPS data file"):
        datafile.read_structure(bad)


DUMP = "".join(
    f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n2\n"
    "ITEM: BOX BOUNDS pp pp pp\n0 5\n0 6\n0 7\nITEM: ATOMS id type x y z\n"
    f"2 4 1.0 1.0 {step}.5\n1 1 0.0 0.0 0.25\n"
    for step in (0, 1, 2)
)


def test_dump_in_the_order_of_ids(tmp_path: Path) -> None:
    file = tmp_path / "run.lammpstrj"
    file.write_text(DUMP)
    frames = datafile.read_dump(file)
    assert [f.get_chemical_symbols() for f in frames] == [["Li", "Ga"]] * 3
    assert [f.positions[1, 2] for f in frames] == [0.5, 1.5, 2.5]
    np.testing.assert_allclose(frames[0].cell.lengths(), [5, 6, 7])


@pytest.mark.parametrize("cut", range(10, 150, 10))
def test_a_cut_frame_is_left_out(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "run.lammpstrj"
    file.write_text(DUMP[: len(DUMP) - cut])
    size = len(DUMP) // 3
    frames = datafile.read_dump(file)
    assert len(frames) == (len(DUMP) - cut) // size
    assert frames[0].positions[1, 2] == 0.5


def test_a_dump_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such dump"):
        datafile.read_dump(tmp_path / "none")
    file = tmp_path / "run.lammpstrj"
    file.write_text(DUMP[:40])
    with pytest.raises(InputError, match="no whole frame"):
        datafile.read_dump(file)
