"""Scenes of crystals: images of bonded neighbours, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from matplotlib.figure import Figure
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from repro import drawing
from repro.drawing import cell_edges, draw, scene
from repro.errors import InputError

PAIR = Atoms("LiF", positions=[[0, 0, 0], [0, 0, 2]], cell=[4, 5, 6], pbc=True)


def test_a_scene_without_bonds_is_the_cell() -> None:
    found = scene(PAIR)
    assert found.symbols == ("Li", "F")
    np.testing.assert_allclose(found.positions, PAIR.positions)
    np.testing.assert_allclose(found.cell, np.diag([4, 5, 6]))
    assert found.bonds.shape == (0, 2)
    # Cordero's covalent radii: Li 1.28, F 0.57 angstrom.
    np.testing.assert_allclose(found.radii, [0.42 * 1.28, 0.42 * 0.57])


def test_a_bond_out_of_the_cell_brings_the_image_once() -> None:
    bonds = [(0, 1, (0, 0, 0)), (0, 1, (0, 0, -1)), (0, 1, (0, 0, -1)), (1, 0, (1, 0, 1))]
    found = scene(PAIR, bonds=bonds)
    assert found.symbols == ("Li", "F", "F", "Li")
    np.testing.assert_allclose(found.positions[2], [0, 0, -4])
    np.testing.assert_allclose(found.positions[3], [4, 0, 6])
    assert found.bonds.tolist() == [[0, 1], [0, 2], [0, 2], [1, 3]]


def test_images_follow_a_skew_cell() -> None:
    atoms = bulk("LiF", "rocksalt", a=4.0)
    found = scene(atoms, bonds=[(0, 1, (1, -2, 3))])
    shift = np.array([1, -2, 3]) @ atoms.cell.array
    np.testing.assert_allclose(found.positions[2], atoms.positions[1] + shift)


def test_ase_and_pymatgen_give_the_same_scene() -> None:
    atoms = bulk("LiF", "rocksalt", a=4.0, cubic=True)
    ours, theirs = scene(atoms), scene(AseAtomsAdaptor.get_structure(atoms))
    assert ours.symbols == theirs.symbols
    np.testing.assert_allclose(ours.cell, theirs.cell)
    away = (ours.positions - theirs.positions) @ np.linalg.inv(ours.cell)
    np.testing.assert_allclose(away, np.round(away), atol=1e-9)


@pytest.mark.parametrize("bond", [(0, 2, (0, 0, 0)), (-1, 0, (0, 0, 0)), (5, 1, (0, 0, 0))])
def test_a_bond_to_nothing_is_refused(bond: drawing.Bond) -> None:
    with pytest.raises(InputError, match=rf"bond \({bond[0]}, {bond[1]}\).*atoms 0 to 1"):
        scene(PAIR, bonds=[bond])


def test_an_empty_structure_is_refused() -> None:
    with pytest.raises(InputError, match="no atoms"):
        scene(Atoms(cell=[1, 1, 1]))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_positions_that_are_not_finite_are_refused(bad: float) -> None:
    atoms = PAIR.copy()
    atoms.positions[0, 0] = bad
    with pytest.raises(InputError, match="not finite"):
        scene(atoms)


def test_a_shared_site_is_refused() -> None:
    mixed = Structure(Lattice.cubic(4), [{"Cl": 0.5, "Br": 0.5}], [[0, 0, 0]])
    with pytest.raises(InputError, match="shares a site"):
        scene(mixed)


def test_a_cell_has_twelve_edges_of_the_right_lengths() -> None:
    edges = cell_edges(np.diag([1.0, 2.0, 3.0]))
    assert edges.shape == (12, 2, 3)
    lengths = np.linalg.norm(edges[:, 1] - edges[:, 0], axis=1)
    assert sorted(np.round(lengths, 9)) == [1] * 4 + [2] * 4 + [3] * 4
    assert len({tuple(sorted(map(tuple, edge.tolist()))) for edge in edges}) == 12


def test_a_drawing_has_a_disc_per_atom_and_the_nearer_in_front() -> None:
    axes = Figure().add_subplot()
    draw(
        scene(PAIR, bonds=[(0, 1, (0, 0, 0))]), axes=axes, colours={"Li": "#ff0000"}, view=(0, 0, 0)
    )
    far, near = axes.patches
    assert far.get_facecolor()[:3] == (1, 0, 0)
    assert near.get_zorder() > far.get_zorder()
    assert near.get_alpha() > far.get_alpha()
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["Li", "F"]
    # Two half bonds, each in the colour of its atom, and the two empty legend marks.
    assert sum(len(line.get_xdata()) == 2 for line in axes.lines) == 2


def test_a_quarter_turn_about_x_lays_z_along_y() -> None:
    axes = Figure().add_subplot()
    draw(scene(PAIR), axes=axes, colours={}, view=(90, 0, 0))
    (first, second) = axes.patches
    np.testing.assert_allclose(np.subtract(second.center, first.center), [0, -2], atol=1e-9)


def test_one_atom_can_be_drawn() -> None:
    axes = Figure().add_subplot()
    draw(scene(Atoms("H", cell=[1, 1, 1])), axes=axes, colours={}, view=(0, 0, 0))
    assert len(axes.patches) == 1
