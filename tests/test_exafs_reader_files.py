"""A reader's own files through the parameters of the chapter: columns, bad points, foil."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_exafs import athena
from numpy.typing import NDArray

from repro import data, parameters
from repro.errors import InputError
from repro.exafs import exafs_tables as tables
from repro.exafs import reader_files, scans, simulated
from repro.exafs.feff_files import GRID
from repro.exafs.files import Spectrum
from repro.exafs.reader_files import bad_points, own_files, reading
from repro.exafs.simulated import Shell

Floats = NDArray[np.float64]


@lru_cache(maxsize=1)
def four() -> tuple[Spectrum, ...]:
    """Return scans of two crystals and of their mixtures, 0.5 and 0.7 of the second."""
    a = simulated.chi(GRID, [Shell(1.9, 6, 0.004)])
    b = simulated.chi(GRID, [Shell(2.2, 4, 0.004)])
    chi = (a, b, 0.5 * a + 0.5 * b, 0.3 * a + 0.7 * b)
    return tuple(scans.scan(GRID, x, seed=s).spectrum for s, x in enumerate(chi))


Write = Callable[..., list[str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write four files of columns, as a function of the spectrum gives them."""

    def make(of: Callable[[Spectrum], Sequence[Floats]], header: str = "") -> list[str]:
        files = []
        for name, one in zip("abcd", four(), strict=True):
            files.append(str(tmp_path / f"{name}.dat"))
            np.savetxt(files[-1], np.column_stack(of(one)), header=header, fmt="%.8f")
        return files

    return make


def usual(one: Spectrum) -> list[Floats]:
    assert one.reference is not None
    return [one.energy, one.mu, one.reference]


def shares(found: Any) -> list[float]:
    return [one.share for one in found.by_chi.values()]


# --------------------------------------------------------------- what is said


def test_columns_are_said_for_all_or_for_one() -> None:
    assert reading("") == reading(" ; ") == {}
    assert reading("energy=1 mu=3") == {"all": {"energy": 1, "mu": 3}}
    found = reading("i0=Mon it='Trans 1' reference=no; gacl3: record=2 unit=keV;foil:mu=mu(E)")
    assert found == {
        "all": {"i0": "Mon", "it": "Trans 1", "reference": False},
        "GaCl3": {"record": 2, "unit": "keV"}, "foil": {"mu": "mu(E)"},
    }  # fmt: skip
    assert reading("clay21: kind=mu; clay21: record=b") == {
        "2LiCl-GaF3": {"kind": "mu", "record": "b"}
    }
    assert reading("mu=It:ch1") == {"all": {"mu": "It:ch1"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mu", "columns 'mu': expected name=value with a name of energy, mu, i0"),
        ("mu=", "columns 'mu=': expected name=value"),
        ("emergy=1", "columns 'emergy=1': .*did you mean 'energy'"),
        ("unit=kev", "columns 'unit=kev': expected unit=eV or keV.*did you mean 'keV'"),
        ("kind=raw", "columns 'kind=raw': expected kind=mu or normalised"),
        (
            "gaf4: mu=1",
            "columns 'gaf4: mu=1': no file 'gaf4'; expected gaf3, .*, foil.*mean 'gaf3'",
        ),
        ("mu='a b", "No closing quotation; expected quotes in pairs"),
    ],
)
def test_columns_that_make_no_sense(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        reading(text)


def test_bad_points_are_said_for_all_or_for_one() -> None:
    assert bad_points("") == (False, {})
    assert bad_points("find") == (True, {})
    assert bad_points("10450.5 10600; clay31: 10700.") == (
        False, {"all": [10450.5, 10600.0], "3LiCl-GaF3": [10700.0]},
    )  # fmt: skip
    assert bad_points("find; gaf3: 10450") == (True, {"GaF3": [10450.0]})
    for text, message in (
        (
            "yes",
            "deglitch 'yes': expected energies in eV, as in '10450.5 10600', or for all files 'find'",
        ),
        ("gaf3: find", "deglitch 'find'"),
        ("-5", "deglitch '-5'"),
        ("foil: 10500", "no file 'foil'; expected gaf3, gacl3, clay21, clay31"),
    ):
        with pytest.raises(InputError, match=message):
            bad_points(text)


def test_a_run_takes_all_that_is_said() -> None:
    """Every parameter that a refusal or the table of needs names is one of the notebook's."""
    source = (Path(__file__).parents[1] / "notebooks" / "11_exafs.py").read_text(encoding="utf-8")
    cell = source.split('# %% tags=["parameters"]\n')[1].split("# %%")[0]
    known = parameters.declared(cell, notebook="11_exafs")
    words = {"columns": "energy=1 mu=3; gacl3: mu=5", "deglitch": "find; clay21: 10450.5",
             "calibrate": "false", "foil": "re.dat", "k_max": "11"}  # fmt: skip
    values = parameters.resolve(known, words, notebook="11_exafs")
    assert values["calibrate"] is False and values["k_max"] == 11.0
    assert set(reader_files.NAMES) <= {p.name for p in known}
    # What the table of needs proposes can be typed as it stands.
    for about in reader_files.NEEDS.values():
        for text in re.findall(r"columns '([^']+)'", about):
            assert reading(text)
    for text in re.findall(r"'([^']+)'", reader_files.NEEDS["bad points"]):
        assert bad_points(text)[1]


# ------------------------------------------------------------------- files


def test_four_files_of_a_reader(write: Write, tmp_path: Path) -> None:
    files = write(usual, "energy mu mu_ref")
    found = own_files(*files)
    assert found is not None and shares(found) == pytest.approx([0.5, 0.7], abs=0.04)
    assert own_files("", "", "", "") is None
    table = tables.own(found)
    assert list(table) == ["GaF3", "GaCl3", "2LiCl-GaF3", "3LiCl-GaF3"]
    row = table.loc["GaCl3-like share, from χ (%)"]
    share, error = row["2LiCl-GaF3"].split(" ± ")
    assert row["GaF3"] == "–" and 46 <= int(share) <= 54 and int(error) >= 0
    one = found.processed["GaCl3"].first_shell
    assert table.loc["first peak (Å)", "GaCl3"] == f"{one.position:.3f} ± {one.position_error:.3f}"
    assert "±" not in table.loc["edge (eV)", "GaF3"]
    assert not table.map(lambda words: tables.UNKNOWN in words).to_numpy().any()
    with pytest.raises(InputError, match="no file for gacl3, clay31: expected all four of gaf3"):
        own_files(files[0], "", files[2], "")
    with pytest.raises(InputError, match=r"missing.dat: no such file"):
        own_files(*files[:3], str(tmp_path / "missing.dat"))


def test_columns_without_names_are_told(write: Write, tmp_path: Path) -> None:
    files = write(lambda one: [one.mu, one.energy / 1000, np.asarray(one.reference)])
    metal = simulated.foil(shift=3.0)
    np.savetxt(tmp_path / "re.dat", np.column_stack([metal.mu, metal.energy]), fmt="%.8f")
    foil = str(tmp_path / "re.dat")
    said = "energy=2 mu=1 unit=keV reference=no; foil: unit=eV"
    found = own_files(*files, foil=foil, columns=said)
    assert found is not None and shares(found) == pytest.approx([0.5, 0.7], abs=0.04)
    calibration = found.processed["GaF3"].calibration
    assert calibration is not None and calibration.channel == "separate foil"
    assert found.processed["GaF3"].spectrum.reference is None
    own = reader_files.foil(foil, columns=said)
    assert own.own and own.energy == pytest.approx(10532.0, abs=0.3)
    # Each refusal says what would have helped.
    with pytest.raises(InputError, match=r"keV.*\(or read with unit=keV\); such words go into the "
                                         "parameter columns"):  # fmt: skip
        own_files(*files, columns="energy=2 mu=1")
    three = write(usual)
    with pytest.raises(InputError, match=r"no column for mu, or i0 and it found among 3 columns without "
                                         r"names; .* as in mu=2 or i0=2 it=3; such words go into the"):  # fmt: skip
        own_files(*three)


def test_intensities_of_one_file_are_told(write: Write, tmp_path: Path) -> None:
    files = write(usual, "energy mu mu_ref")
    one = four()[1]
    i0 = np.full_like(one.mu, 2e5)
    it = i0 * np.exp(-one.mu)
    iref = it * np.exp(-np.asarray(one.reference))
    np.savetxt(
        files[1], np.column_stack([one.energy, i0, it, iref]), header="energy A B C", fmt="%.9g"
    )
    found = own_files(*files, columns="gacl3: i0=A it=B iref=4")
    assert found is not None and shares(found) == pytest.approx([0.5, 0.7], abs=0.04)
    assert found.processed["GaCl3"].spectrum.note == "ln(A/B), reference ln(B/4)"


def test_records_of_a_project_are_told(tmp_path: Path) -> None:
    file = athena(tmp_path / "all.prj", four())
    said = "gaf3: record=1; gacl3: record=b; clay21: record=3; clay31: record=d"
    with pytest.raises(InputError, match=r"4 records; expected one of them, as in record=1: 1 'a', 2 'b'"
                                         ".*go into the parameter columns"):  # fmt: skip
        own_files(*[str(file)] * 4)
    with pytest.raises(InputError, match=r"no reference channel and no foil.*or calibrate false"):
        own_files(*[str(file)] * 4, columns=said)
    found = own_files(*[str(file)] * 4, columns=said, calibrate=False)
    assert found is not None and shares(found) == pytest.approx([0.5, 0.7], abs=0.04)
    assert all(one.calibration is None for one in found.processed.values())
    assert tables.own(found).loc["moved by the foil (eV)"].tolist() == ["–"] * 4


def test_bad_points_are_taken_out_when_asked(write: Write) -> None:
    places = (int(np.argmin(np.abs(four()[0].energy - 10700))),
              int(np.argmin(np.abs(four()[0].energy - 10850))))  # fmt: skip
    energies = [float(four()[0].energy[at]) for at in places]

    def spoiled(one: Spectrum) -> list[Floats]:
        energy, mu, reference = usual(one)
        mu = mu.copy()
        mu[places[0]] += 0.2
        if one is four()[2]:
            mu[places[1]] -= 0.2
        return [energy, mu, reference]

    files = write(spoiled, "energy mu mu_ref")

    def removed(deglitch: str) -> list[list[float]]:
        found = own_files(*files, deglitch=deglitch)
        assert found is not None
        return [one.deglitched.removed.round(3).tolist() for one in found.processed.values()]

    first, second = (round(x, 3) for x in energies)
    assert removed("") == [[], [], [], []]
    named = removed(f"{first:.1f}; clay21: {second:.1f}")
    assert named == [[first], [first], [first, second], [first]]
    for searched, told in zip(removed("find"), named, strict=True):
        assert set(told) <= set(searched)
    with pytest.raises(InputError, match=r"glitch at 9000 eV: the nearest point is"):
        own_files(*files, deglitch="9000")


def test_a_normalised_file_says_what_is_not_known(write: Write) -> None:
    files = write(usual, "energy mu mu_ref")
    done = own_files(*files)
    assert done is not None
    salt, shift = done.processed["GaF3"].normalised, done.processed["GaF3"].calibration
    assert shift is not None
    columns = [salt.energy - shift.shift, salt.flat, np.asarray(four()[0].reference)]
    np.savetxt(files[0], np.column_stack(columns), header="energy norm mu_ref", fmt="%.8f")
    found = own_files(*files)
    assert found is not None
    table = tables.own(found)
    assert table.loc["edge step", "GaF3"] == "1.000 ± not known"
    assert re.fullmatch(r"[\d.]+ ± [\d.]+", table.loc["edge step", "GaCl3"])
    for title in ("GaCl3-like share, from χ (%)", "GaCl3-like share, from μ (%)"):
        for clay in ("2LiCl-GaF3", "3LiCl-GaF3"):
            assert re.fullmatch(r"\d+ ± \d+ \(step not known\)", table.loc[title, clay])
    assert shares(found) == pytest.approx(shares(done), abs=0.06)
    # It was said to be mu, and is not.
    with pytest.raises(
        InputError, match=r"read as normalised, .*or read with kind=mu\); such words"
    ):
        own_files(*files, columns="gacl3: mu=2 kind=normalised")


# -------------------------------------------------------------------- the foil


def test_a_foil_of_a_reader_and_the_one_we_found(tmp_path: Path) -> None:
    metal = simulated.foil(shift=1.7, noise=1e-4)
    file = tmp_path / "re.dat"
    np.savetxt(file, np.column_stack([metal.energy, metal.mu]), header="energy mu", fmt="%.6f")
    own = reader_files.foil(str(file))
    assert own.own and own.moved == 0 and own.error > 0
    assert own.energy == pytest.approx(10533.3, abs=0.3)
    ours = reader_files.foil()
    assert not ours.own and "xasref" in ours.words and ours.moved == -1.5
    assert ours.energy == pytest.approx(10535.0, abs=1.0)
    assert reader_files.foil(columns="mu=9") == ours
    with pytest.raises(InputError, match="column 9 for mu; expected 1 to 2"):
        reader_files.foil(str(file), columns="mu=9")
    assert data.path(f"{reader_files.FOLDER}/{reader_files.FOIL}").is_file()
