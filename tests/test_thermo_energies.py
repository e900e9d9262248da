"""Formation energies: reading, refusing, and the shipped tables."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Composition

from repro.errors import InputError
from repro.thermo import experiment
from repro.thermo.energies import (
    EV_KJ_PER_MOL,
    EnergyTable,
    FormationEnergy,
    halide_corrections,
    materials_project,
    read_energies,
    reduced,
    shifted,
)

HEADER = "formula,formation_energy_ev_per_atom,source\n"


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "energies.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_small_table_is_read(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER + "LiCl,-2.1,here\nLiOH,-1.8,there\n")
    table = read_energies(file, name="mine")
    assert len(table) == 2
    assert table["LiCl"] == FormationEnergy("LiCl", -2.1, 0.0, "here")
    assert table["LiOH"].formula == "LiHO"  # pymatgen's order of elements
    assert table["Li2Cl2"].value == -2.1  # any multiple of the reduced formula
    assert table["Ga"].value == 0.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (HEADER, "no rows below the header"),
        ("formula,source\nLiCl,x\n", "column formation_energy_ev_per_atom missing"),
        (
            HEADER + "LiCl,-2.1,x\nGaF3,nan,x\n",
            "line 3, GaF3: expected a finite number, found 'nan'",
        ),
        (HEADER + "LiCl,inf,x\n", "line 2, LiCl: expected a finite number, found 'inf'"),
        (HEADER + "LiCl,minus two,x\n", "line 2, LiCl: expected a number, found 'minus two'"),
        (HEADER + "LiCl,,x\n", "line 2, LiCl: expected a number, found ''"),
        (HEADER + "LiCl,-408.6,x\n", "-408.6 cannot be a formation energy in eV/atom"),
        (HEADER + "LiCl,-2.1,x\nClLi,-2.0,x\n", "line 3: ClLi occurs twice"),
        (HEADER + "Xx3,-2.1,x\n", "line 2: formula 'Xx3'"),
        (HEADER + ",-2.1,x\n", "line 2: formula ''"),
        (HEADER + 'LiCl,-2.1,"x\n', "not a readable CSV"),
    ],
)
def test_bad_tables_are_refused_with_place_and_value(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_energies(write(tmp_path, text), name="mine")
    assert message in str(caught.value)
    assert "energies.csv" in str(caught.value)


def test_kj_per_mol_is_named_as_the_likely_slip(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is it in kJ/mol"):
        read_energies(write(tmp_path, HEADER + "GaF3,-1163,crc\n"), name="mine")


def test_binary_rubbish_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "energies.csv"
    file.write_bytes(b"\xff\xfe\x00\x81formula")
    with pytest.raises(InputError):
        read_energies(file, name="mine")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_a_table_or_an_input_error(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "any.csv"
        file.write_text(HEADER + text, encoding="utf-8", errors="replace")
        try:
            table = read_energies(file, name="any")
        except InputError as error:
            assert "any.csv" in str(error)
        else:
            assert all(math.isfinite(p.value) for p in table)


@pytest.mark.parametrize("bad", ["", "  ", "Gax3", "3", "LiCl + GaF3", "lithium", "Li("])
def test_what_is_no_formula_is_refused(bad: str) -> None:
    with pytest.raises(InputError, match="expected a chemical formula"):
        reduced(bad)


@given(st.sampled_from(["LiCl", "GaF3", "Li3GaF6", "LiOH", "Na5Ga3F14"]), st.integers(1, 9))
def test_multiples_reduce_to_the_same_name(formula: str, times: int) -> None:
    whole = Composition(formula) * times
    assert reduced(whole.formula.replace(" ", "")) == reduced(formula)


def test_a_missing_phase_suggests_a_near_one() -> None:
    with pytest.raises(InputError, match="did you mean"):
        materials_project()["GaCl5"]


def test_the_shipped_table_holds_every_phase_of_the_paper() -> None:
    table = materials_project()
    for formula in ("LiCl", "LiF", "LiBr", "LiI", "GaF3", "GaCl3", "GaBr3", "GaI3", "SbF3", "SbCl3",
                    "InBr3", "InI3", "Li3GaF6", "LiGaCl4", "NaCl", "InF3", "Ga2O3", "LiOH", "Li2O",
                    "LaF3", "AlF3"):  # fmt: skip
        assert formula in table, formula
        assert -6 < table[formula].value < 0


def test_database_and_experiment_agree_where_both_should() -> None:
    # Alkali fluorides and chlorides are what the legacy references were fitted to.
    for formula in ("LiF", "LiCl", "NaF", "NaCl", "KF", "KCl"):
        gap = materials_project()[formula].value - experiment.enthalpies()[formula].value
        assert abs(gap) < 0.05, formula


def test_subset_and_entries_hold_the_elements_and_nothing_foreign() -> None:
    table = materials_project()
    names = {e.composition.reduced_formula for e in table.entries(["Li", "Cl"])}
    assert names == {"Li", "Cl2", "LiCl"}


def test_a_constant_per_anion_shifts_each_salt_by_its_share() -> None:
    table = EnergyTable("t", {"GaF3": FormationEnergy("GaF3", -3.0, 0.0, "x")})
    moved = shifted(table, {"F": -0.4}, name="moved")
    assert moved["GaF3"].value == pytest.approx(-3.0 - 0.4 * 3 / 4)


def test_the_2020_corrections_are_those_of_the_paper_on_them() -> None:
    # Wang et al. 2021, Table: F -0.462, Cl -0.614, Br -0.534, I -0.379 eV/atom.
    assert halide_corrections() == pytest.approx(
        {"F": -0.462, "Cl": -0.614, "Br": -0.534, "I": -0.379}
    )


# Experiment --------------------------------------------------------------------------------


def test_crc_values_are_those_of_the_handbook() -> None:
    # kJ/mol, CRC Handbook; Hg2Cl2 is listed at -265.4 per two reduced formulas.
    for formula, value in {"LiCl": -408.6, "GaF3": -1163.0, "GaCl3": -524.7, "SbCl3": -382.2,
                           "HgCl": -265.4 / 2, "Li2O": -597.9}.items():  # fmt: skip
        assert experiment.crc_enthalpy(formula) == pytest.approx(value), formula
    assert experiment.crc_enthalpy("InF3") is None
    assert experiment.crc_enthalpy("Li3GaF6") is None


def test_units_are_ev_per_atom() -> None:
    assert experiment.crc()["LiCl"].value == pytest.approx(-408.6 / EV_KJ_PER_MOL / 2)


def test_every_cas_number_belongs_to_its_formula() -> None:
    from chemicals.identifiers import pubchem_db

    checked = 0
    for phase in materials_project():
        cas = experiment.cas_number(phase.formula)
        if cas is None or phase.formula == "Li2O":  # listed under a number of the hydroxide ion
            continue
        assert Composition(pubchem_db.search_CAS(cas).formula).reduced_formula == phase.formula
        checked += 1
    assert checked > 200


def test_sigma_covers_both_compilations() -> None:
    crc, ssub, both = experiment.crc(), experiment.ssub(), experiment.enthalpies()
    for formula in ("GaF3", "GaI3", "InBr3", "LiF"):
        low, high = sorted((crc[formula].value, ssub[formula].value))
        phase = both[formula]
        assert phase.value == pytest.approx((low + high) / 2)
        assert phase.value - phase.sigma <= low + 1e-9
        assert phase.value + phase.sigma >= high - 1e-9
        assert phase.source == "CRC+SSUB"


def test_a_single_compilation_gets_the_wider_error() -> None:
    table = experiment.enthalpies()
    assert table["InF3"].source == "SSUB"
    atoms = 4
    assert table["InF3"].sigma * atoms == pytest.approx(experiment.disagreement())
    assert table["InF3"].sigma > table["LiCl"].sigma


def test_no_gas_hides_among_the_gibbs_energies() -> None:
    gibbs, heat = experiment.gibbs(), experiment.enthalpies()
    for phase in gibbs:
        amounts = Composition(phase.formula).get_el_amt_dict()
        halogens = [x for x in ("F", "Cl", "Br", "I") if x in amounts]
        if len(halogens) == 1 and len(amounts) == 2 and phase.formula in heat.phases:
            gap = (phase.value - heat[phase.formula].value) * sum(amounts.values())
            assert -0.10 < gap / amounts[halogens[0]] < 0.40, phase.formula


MEASURED = "formula,quantity,value_kj_per_mol,source\n"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("LiCl,enthalpy,-408,x\n", "quantity 'enthalpy', expected one of"),
        ("LiCl,enthalpy_298K,-inf,x\n", "line 2, LiCl: expected a finite number"),
        ("LiCl,enthalpy_298K,-4.2,x\n", None),
        ("LiCl,enthalpy_298K,-0.5,x\n", "is it in eV per formula unit"),
        ("LiCl,enthalpy_298K,-408600,x\n", "cannot be a formation energy"),
        ("Qq,enthalpy_298K,-408,x\n", "formula 'Qq'"),
    ],
)
def test_measured_tables_are_checked(tmp_path: Path, row: str, message: str | None) -> None:
    file = write(tmp_path, MEASURED + row)
    if message is None:
        assert experiment.read_measurements(file)[0].value == -4.2
        return
    with pytest.raises(InputError) as caught:
        experiment.read_measurements(file)
    assert message in str(caught.value)


def test_melting_points_in_kelvin() -> None:
    assert experiment.melting_point("LiCl") == pytest.approx(883, abs=3)
    assert experiment.melting_point("SnCl4") < 298 < experiment.boiling_point("SnCl4")
    assert experiment.melting_point("Li3GaF6") is None
