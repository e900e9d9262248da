"""A zone cut out of its glass: the same atoms, the same bonds, a box of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from test_clay_zones_compare import found

from repro.clay import zone_picture as look
from repro.errors import InputError


def lengths(atoms: Atoms, bonds: list[look.Bond]) -> list[float]:
    return [float(np.linalg.norm(atoms.positions[j] + np.array(image) @ atoms.cell.array - atoms.positions[i]))
            for i, j, image in bonds]  # fmt: skip


def test_the_atoms_of_a_zone_come_with_the_anions_of_its_gallium() -> None:
    one = max(found(), key=lambda interval: interval.found[0].size if interval.found else 0)
    atoms, bonds = look.zone_atoms(one)
    names = atoms.get_chemical_symbols()
    assert names.count("Ga") >= 1
    for a, b, _ in bonds:
        assert names[a] == "Ga"
        assert names[b] in ("F", "Cl")
    assert max(lengths(atoms, bonds)) < 2.9
    assert len(bonds) == 4 * names.count("Ga")


def test_a_zone_without_gallium_is_said() -> None:
    one = found()[0]
    with pytest.raises(InputError, match=r"no zone with gallium at strain 0\.005"):
        look.zone_atoms(replace(one, found=[]))


@pytest.mark.parametrize(
    "cell", [np.diag([20.0, 21.0, 22.0]), [[20, 0, 0], [3, 21, 0], [1, 6, 22]]]
)
def test_a_molecule_across_the_faces_is_made_whole(cell: object) -> None:
    whole = Atoms("GaCl4", [[0, 0, 0], [1.2, 1.2, 1.2], [-1.2, -1.2, 1.2], [-1.2, 1.2, -1.2],
                            [1.2, -1.2, -1.2]], cell=cell, pbc=True)  # fmt: skip
    split = whole.copy()
    split.wrap()
    shift = np.rint((whole.positions - split.positions) @ np.linalg.inv(whole.cell.array)).astype(
        int
    )
    bonds = [(0, k, tuple(int(x) for x in shift[k] - shift[0])) for k in range(1, 5)]
    assert any(any(image) for *_, image in bonds)
    box, inside = look.cut_out(split, bonds, margin=1.0)
    assert lengths(box, inside) == pytest.approx(lengths(split, bonds)) == [1.2 * 3**0.5] * 4
    assert all(image == (0, 0, 0) for *_, image in inside)
    assert box.get_all_distances() == pytest.approx(split.get_all_distances(mic=True))
    assert box.cell.lengths() == pytest.approx([4.4] * 3) and box.cell.angles() == pytest.approx(
        [90.0] * 3
    )
    assert box.positions.min() == pytest.approx(1.0)


def test_a_long_piece_is_not_torn_at_the_far_end_of_its_first_atom() -> None:
    # Twelve angstrom of a cell of twenty: from one end the other is nearer through the cell.
    x = np.arange(0.0, 13.0, 2.0) + 13.0
    chain = Atoms("GaClGaClGaClGa", [[v, 5, 5] for v in x], cell=[20, 20, 20], pbc=True)
    chain.wrap()
    bonds = [(k, k + 1, (int(k == 3), 0, 0)) for k in range(6)]
    assert lengths(chain, bonds) == pytest.approx([2.0] * 6)
    box, inside = look.cut_out(chain, bonds)
    assert lengths(box, inside) == pytest.approx([2.0] * 6)
    assert box.cell.lengths()[0] == pytest.approx(12 + 2 * look.MARGIN)


def test_a_chain_through_the_cell_keeps_its_cell() -> None:
    chain = Atoms("GaClGaCl", [[x, 0, 0] for x in (0, 2, 4, 6)], cell=[8, 9, 9], pbc=True)
    bonds = [(0, 1, (0, 0, 0)), (2, 1, (0, 0, 0)), (2, 3, (0, 0, 0)), (0, 3, (-1, 0, 0))]
    assert look.cut_out(chain, bonds) == (chain, bonds)


def test_what_cannot_be_cut_out() -> None:
    with pytest.raises(InputError, match="no atoms"):
        look.cut_out(Atoms(cell=[5, 5, 5], pbc=True), [])
    with pytest.raises(InputError, match="margin -1"):
        look.cut_out(Atoms("Ga", cell=[5, 5, 5], pbc=True), [], margin=-1)
