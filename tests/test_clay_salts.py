"""Measures of exchange in ideal states, against the crystals of the book, and densities."""

from __future__ import annotations

import helpers_clay
import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.clay import mixing, salts
from repro.errors import InputError

CLAY = {"Li": 2, "Cl": 2, "Ga": 1, "F": 3}


@pytest.fixture(scope="module")
def crystals() -> dict[str, Atoms]:
    return helpers_clay.crystals()


# Limits -------------------------------------------------------------------------------


def test_the_paper_s_end_products_for_two_to_one() -> None:
    found = salts.limits(CLAY)
    assert list(found) == ["unmixed", "random", "Li3GaF6 + GaCl3", "LiF + GaCl3"]
    assert found["unmixed"] == salts.Limit(0.0, 0.0, 1.0, 0.0)
    paper = found["Li3GaF6 + GaCl3"]
    assert paper.gallium_chlorine_share == pytest.approx(0.4)
    assert paper.chlorine_on_gallium == pytest.approx(0.75)
    assert paper.fluorine_on_gallium == 1.0
    assert paper.lithium_fluorine_share == pytest.approx(0.75)
    full = found["LiF + GaCl3"]
    assert full.gallium_chlorine_share == pytest.approx(4 / 7)
    assert full.chlorine_on_gallium == pytest.approx(1.0)
    assert full.fluorine_on_gallium == pytest.approx(1 / 3)
    assert full.lithium_fluorine_share == pytest.approx(1.0)
    assert found["random"].gallium_chlorine_share == pytest.approx(0.4)
    assert found["random"].lithium_fluorine_share == pytest.approx(0.6)
    assert np.isnan(found["random"].chlorine_on_gallium)


@pytest.mark.parametrize(
    ("atoms", "name", "crystal_counts"),
    [
        # 6 LiCl + 3 GaF3: what is left as crystals, in formula units.
        ({"Li": 6, "Cl": 6, "Ga": 3, "F": 9}, "unmixed", {"LiCl": 6, "GaF3-alpha": 3}),
        ({"Li": 4, "Cl": 4, "Ga": 2, "F": 6}, "Li3GaF6 + GaCl3", {"LiCl": 1, "Li3GaF6": 1, "GaCl3": 1}),
        ({"Li": 3, "Cl": 3, "Ga": 4, "F": 12}, "Li3GaF6 + GaCl3",
         {"GaF3-alpha": 2, "Li3GaF6": 1, "GaCl3": 1}),
        ({"Li": 6, "Cl": 6, "Ga": 3, "F": 9}, "LiF + GaCl3", {"LiF": 6, "GaCl3": 2, "GaF3-alpha": 1}),
        ({"Li": 9, "Cl": 9, "Ga": 2, "F": 6}, "LiF + GaCl3", {"LiCl": 3, "LiF": 6, "GaCl3": 2}),
    ],
)  # fmt: skip
def test_limits_are_those_counted_in_the_crystals(
    crystals: dict[str, Atoms], atoms: dict[str, float], name: str, crystal_counts: dict[str, int]
) -> None:
    """Bonds per formula unit, from the shipped crystals, added up by hand."""
    total: dict[str, float] = dict.fromkeys(("GaCl", "GaF", "LiCl", "LiF", "Cl on", "F on"), 0.0)
    made: dict[str, float] = dict.fromkeys(atoms, 0.0)
    for crystal, count in crystal_counts.items():
        frame = crystals[crystal]
        bonds = mixing.bonds(frame)
        units = {"LiCl": 4, "LiF": 4, "GaF3-alpha": 6, "GaCl3": 2, "Li3GaF6": 2}[crystal]
        for metal, anion in (p.split("-") for p in mixing.COORDINATION):
            total[metal + anion] += bonds.of(metal, anion).sum() * count / units
        for anion in ("Cl", "F"):
            touched = (bonds.number("Ga", anion) > 0) & (bonds.symbols == anion)
            total[f"{anion} on"] += touched.sum() * count / units
        for element, number in salts.composition(frame).items():
            made[element] += number * count / units
    assert made == pytest.approx(atoms)
    found = salts.limits(atoms)[name]
    share = total["GaCl"] / (total["GaCl"] + total["GaF"])
    assert found.gallium_chlorine_share == pytest.approx(share)
    assert found.chlorine_on_gallium == pytest.approx(total["Cl on"] / atoms["Cl"])
    assert found.fluorine_on_gallium == pytest.approx(total["F on"] / atoms["F"])
    # Li in cryolite has six or seven F, not six.
    share = total["LiF"] / (total["LiCl"] + total["LiF"])
    assert found.lithium_fluorine_share == pytest.approx(share, abs=0.03)


@settings(max_examples=40, deadline=None)
@given(x=st.floats(0.05, 20), scale=st.floats(0.1, 1000))
def test_limits_lie_between_none_and_all(x: float, scale: float) -> None:
    atoms = {"Li": x * scale, "Cl": x * scale, "Ga": scale, "F": 3 * scale}
    for name, limit in salts.limits(atoms).items():
        for measure in salts.MEASURES:
            value = getattr(limit, measure)
            assert np.isnan(value) or -1e-9 <= value <= 1 + 1e-9, (name, measure)
    # Enough LiCl turns all Ga into chloride, or half of it.
    if x >= 3:
        assert salts.limits(atoms)["LiF + GaCl3"].gallium_chlorine_share == pytest.approx(1.0)
        assert salts.limits(atoms)["Li3GaF6 + GaCl3"].gallium_chlorine_share == pytest.approx(0.4)


# Densities ----------------------------------------------------------------------------


def test_density_of_a_crystal(crystals: dict[str, Atoms]) -> None:
    """Four LiCl of 42.394 g/mol in a cube."""
    frame = crystals["LiCl"]
    grams = 4 * (6.94 + 35.45) / 6.02214076e23
    assert salts.density(frame) == pytest.approx(grams / (frame.get_volume() * 1e-24), rel=1e-4)


def test_ideal_density_adds_volumes() -> None:
    licl, gaf3 = 6.94 + 35.45, 69.723 + 3 * 18.998
    expected = (2 * licl + gaf3) / (2 * licl / 2.07 + gaf3 / 4.47)
    assert salts.ideal_density(CLAY) == pytest.approx(expected, rel=1e-5)
    assert salts.ideal_density({"Li": 3, "Cl": 3}) == pytest.approx(2.07)
    assert salts.ideal_density({"Ga": 1, "F": 3}) == pytest.approx(4.47)
    other = salts.ideal_density(CLAY, densities={"LiCl": 2.0, "GaF3": 2.0})
    assert other == pytest.approx(2.0)


# Messages -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "atoms",
    [{"Li": 2, "Cl": 1, "Ga": 1, "F": 3}, {"Li": 1, "Cl": 1, "Ga": 1, "F": 2}, {},
     {**CLAY, "Na": 1}, {"Li": -1, "Cl": -1, "Ga": 1, "F": 3}],
)  # fmt: skip
def test_atoms_that_are_not_the_salts(atoms: dict[str, float]) -> None:
    for use in (salts.limits, salts.ideal_density):
        with pytest.raises(InputError, match="expected a mixture of LiCl and GaF3"):
            use(atoms)


def test_limits_need_both_salts_and_ideal_density_their_densities() -> None:
    for atoms in ({"Li": 1, "Cl": 1}, {"Ga": 1, "F": 3}):
        with pytest.raises(InputError, match="expected both LiCl and GaF3 for an exchange"):
            salts.limits(atoms)
    for densities in ({"LiCl": 2.07}, {"LiCl": 2.07, "GaF3": 0.0}):
        with pytest.raises(InputError, match="expected positive ones of LiCl and GaF3"):
            salts.ideal_density(CLAY, densities=densities)
