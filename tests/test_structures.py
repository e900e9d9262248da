"""The shipped structures are what their index says."""

from __future__ import annotations

import ase.io
import pytest
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from repro import data, structures
from repro.errors import InputError

INDEX = structures.index()


def test_every_structure_has_a_source_and_a_kind() -> None:
    assert INDEX.index.is_unique
    assert set(INDEX.kind) == {"dft", "experiment", "model"}
    assert INDEX.source.str.len().min() > 10
    models = INDEX[INDEX.kind == "model"]
    assert models.source.str.startswith("model:").all()


@pytest.mark.parametrize("key", list(INDEX.index))
def test_structure_matches_its_row(key: str) -> None:
    crystal, row = structures.load(key), INDEX.loc[key]
    assert crystal.composition.reduced_formula == row.formula
    symbol = SpacegroupAnalyzer(crystal, symprec=0.02).get_space_group_symbol()
    assert symbol == row.space_group
    for found, expected in zip(
        (*crystal.lattice.abc, *crystal.lattice.angles),
        (row.a, row.b, row.c, row.alpha, row.beta, row.gamma), strict=True,
    ):  # fmt: skip
        assert found == pytest.approx(expected, abs=2e-3)
    nearest = crystal.distance_matrix[crystal.distance_matrix > 1e-8].min()
    assert nearest > 1.2  # no atoms on top of each other


@pytest.mark.parametrize("key", ["GaCl3-mp", "LiCl-amcsd", "InI3-cell"])
def test_ase_reads_the_same_cell(key: str) -> None:
    folder = "models" if INDEX.kind[key] == "model" else "cif"
    atoms = ase.io.read(data.path(f"structures/{folder}/{key}.cif"))
    assert len(atoms) == len(structures.load(key))
    assert atoms.get_volume() == pytest.approx(structures.load(key).volume, rel=1e-4)


def test_models_are_converged_and_the_fixed_cell_is_kept() -> None:
    import pandas as pd

    table = pd.read_csv(data.path("structures/models/models.csv")).set_index("key")
    assert table.converged.all()
    assert (table.fmax_ev_a <= 0.01 + 1e-9).all()
    ini3 = structures.load("InI3-cell").lattice
    assert ini3.abc == pytest.approx((9.837, 6.102, 12.195), abs=1e-3)
    assert ini3.beta == pytest.approx(107.69, abs=1e-2)


def test_at_least_25_binary_halides() -> None:
    keys = structures.binary_halides()
    assert len(keys) >= 25
    assert len({INDEX.formula[k] for k in keys}) == len(keys)


def test_unknown_structure_gets_a_hint() -> None:
    with pytest.raises(InputError, match=r"'GaCl3-mpp' is not shipped \(did you mean 'GaCl3-mp'"):
        structures.load("GaCl3-mpp")
    with pytest.raises(InputError, match="no structure of 'XeF2'"):
        structures.preferred("XeF2")


def test_loading_twice_gives_independent_copies() -> None:
    first = structures.load("LiCl-amcsd")
    first.translate_sites([0], [0.3, 0, 0])
    assert structures.load("LiCl-amcsd") != first


def test_preferred_cells() -> None:
    assert structures.preferred("LiF") == ("LiF-amcsd", 0.0)
    assert structures.preferred("InI3") == ("InI3-cell", 0.0)
    key, misfit = structures.preferred("GaCl3")
    assert INDEX.dispersion[key] != "none"  # plain PBE swells molecular crystals
    assert misfit < 0.01
    assert structures.preferred("GaI3")[0] == "GaI3-d3"  # lowest packing, not nearest density
    # alpha-GaF3 is a model; the measured cell that is shipped is the metastable beta form
    assert INDEX.space_group[structures.preferred("GaF3")[0]] == "R-3c"


def test_moduli_belong_to_shipped_structures() -> None:
    table = structures.moduli()
    assert set(table.index) <= set(INDEX.index)
    assert (table[["bulk_modulus_gpa", "shear_modulus_gpa"]] > 0).all().all()
