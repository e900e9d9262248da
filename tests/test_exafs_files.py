"""Reading mu(E): every format gives the numbers that were written, every fault its message.

All spectra are simulated here.
"""

from __future__ import annotations

import gzip
import importlib
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_exafs import scan
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from repro.errors import InputError
from repro.exafs import checks, columns, edges, files, projects, simulated
from repro.exafs.files import Spectrum, read

Floats = NDArray[np.float64]
SHELLS = [simulated.Shell(1.89, 6.0, 0.006)]
SCAN = scan(SHELLS, noise=2e-4)
ENERGY, MU = SCAN.energy, SCAN.mu
REFERENCE = SCAN.foil.mu
I0 = 2e5 * (1 + 0.1 * np.sin(ENERGY / 200.0))
IT = I0 * np.exp(-MU)
IREF = IT * np.exp(-REFERENCE)


def text(parts: Mapping[str, Floats], *, header: str | None = None, join: str = " ") -> str:
    """Return a table as text; the names are the header unless one is given."""
    head = "# " + join.join(parts) if header is None else header
    rows = [join.join(repr(float(v)) for v in row) for row in zip(*parts.values(), strict=True)]
    return "\n".join(([head] if head else []) + rows) + "\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def make(parts: Mapping[str, Floats], **options: Any) -> Path:
        path = tmp_path / "scan.dat"
        path.write_text(text(parts, **options), encoding="utf-8")
        return path

    return make


Write = Callable[..., Path]


# Column text


@pytest.mark.parametrize("join", [" ", "\t", ",", "; ", "   "])
def test_named_columns_of_any_delimiter(write: Write, join: str) -> None:
    found = read(write({"energy": ENERGY, "mu": MU, "dmude": np.gradient(MU)}, join=join))
    assert np.array_equal(found.energy, ENERGY) and np.array_equal(found.mu, MU)
    assert found.kind == "mu" and found.reference is None and found.label == "scan"
    assert not found.synthetic and found.source.endswith("scan.dat")
    assert found.note == "column mu"


@pytest.mark.parametrize(
    "header",
    [
        "# XDI/1.0 Athena/0.9.26\n# Column.1: energy eV\n# Column.2: xmu\n# ///\n#-----",
        "#  e  xmu",
        "! Energy (eV), Absorption (mu t)",
        "Energy[eV]\tmu(E)",
        "# run 17\n# scan of gallium\n# energy mu",
        "# energy mu\n# taken on Tuesday",
        "% Energy  xmu\n% ----------",
    ],
)
def test_headers_of_several_kinds(write: Write, header: str) -> None:
    found = read(write({"a": ENERGY, "b": MU}, header=header))
    assert np.array_equal(found.energy, ENERGY) and np.array_equal(found.mu, MU)


def test_two_columns_without_names_are_energy_and_mu(write: Write) -> None:
    assert np.array_equal(read(write({"a": ENERGY, "b": MU}, header="")).mu, MU)


def test_columns_by_number_in_any_order(write: Write) -> None:
    path = write({"a": REFERENCE, "b": MU, "c": ENERGY}, header="")
    found = read(path, energy=3, mu=2, reference=1)
    assert np.array_equal(found.energy, ENERGY) and np.array_equal(found.mu, MU)
    assert found.reference is not None and np.array_equal(found.reference, REFERENCE)


@pytest.mark.parametrize("named", [("i0", "it", "iref"), ("I0", "I1", "I2"),
                                   ("i0", "itrans", "irefer"), ("io", "It", "Ir")])  # fmt: skip
def test_transmission_gives_the_logarithm(write: Write, named: tuple[str, str, str]) -> None:
    found = read(write({"energy": ENERGY, **dict(zip(named, (I0, IT, IREF), strict=True))}))
    assert np.allclose(found.mu, MU, rtol=0, atol=1e-12)
    assert found.reference is not None
    assert np.allclose(found.reference, REFERENCE, rtol=0, atol=1e-12)
    assert found.note == f"ln({named[0]}/{named[1]}), reference ln({named[1]}/{named[2]})"


def test_intensities_by_number_and_no_reference(write: Write) -> None:
    path = write({"energy": ENERGY, "i0": I0, "it": IT, "iref": np.zeros_like(IT)})
    found = read(path, i0=2, it=3, iref=False)
    assert np.allclose(found.mu, MU, atol=1e-12) and found.reference is None
    assert read(path, reference=False).reference is None
    # One of the pair named, the other found by its name.
    assert np.allclose(read(path, it="it", iref=False).mu, MU, atol=1e-12)


def test_a_column_of_mu_goes_before_intensities_and_normalised(write: Write) -> None:
    path = write({"energy": ENERGY, "i0": I0, "it": IT, "mu": MU + 1, "norm": MU})
    assert np.array_equal(read(path).mu, MU + 1)
    chosen = read(path, kind="normalised")
    assert chosen.kind == "normalised" and np.array_equal(chosen.mu, MU)
    assert np.allclose(read(path, i0="i0", it="it").mu, MU, atol=1e-12)


@pytest.mark.parametrize("name", ["norm", "flat", "Normalised", "normtrans"])
def test_normalised_by_its_name(write: Write, name: str) -> None:
    assert read(write({"energy": ENERGY, name: MU})).kind == "normalised"
    assert read(write({"energy": ENERGY, name: MU}), kind="mu", mu=name).kind == "mu"


def test_units_that_are_said_are_converted(write: Write) -> None:
    found = read(write({"energy": ENERGY / 1000, "mu": MU}), unit="keV")
    assert np.allclose(found.energy, ENERGY, rtol=1e-12)


def test_fortran_numbers_and_a_byte_order_mark(tmp_path: Path) -> None:
    lines = [f"{e:.8e} {m:.10e}".replace("e", "D") for e, m in zip(ENERGY, MU, strict=True)]
    path = tmp_path / "a.dat"
    path.write_bytes(b"\xef\xbb\xbf" + ("# energy mu\r\n" + "\r\n".join(lines)).encode())
    assert np.allclose(read(path).mu, MU, atol=1e-9)


def test_a_label_is_taken(write: Write) -> None:
    assert read(write({"energy": ENERGY, "mu": MU}), label="GaF3").label == "GaF3"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-1e9, 1e9)] * 3), min_size=1, max_size=8),
       st.sampled_from([" ", ",", "\t", " ; "]))  # fmt: skip
def test_any_numbers_come_back(rows: list[tuple[float, float, float]], join: str) -> None:
    lines = "\n".join(join.join(repr(v) for v in row) for row in rows)
    table = columns.parse("# a b c\n" + lines, source="x")
    assert np.array_equal(table.values, np.array(rows))
    assert table.names == ("a", "b", "c")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=30))
def test_cleaning_a_name_twice_changes_nothing_more(name: str) -> None:
    assert columns.clean(columns.clean(name)) == columns.clean(name)


# Faults of column text, one by one


def parts(energy: Floats = ENERGY, mu: Floats = MU) -> dict[str, Floats]:
    return {"energy": energy, "mu": mu}


def changed(values: Floats, at: int, value: float) -> Floats:
    result = values.copy()
    result[at] = value
    return result


def test_energies_that_fall_back_or_repeat_name_the_line(write: Write) -> None:
    # Line 1 is the header, so point k is on line k + 2.
    with pytest.raises(InputError, match=r"line 102: energy 10300 falls below 103\d\d\.\d+ before"):
        read(write(parts(changed(ENERGY, 100, 10300.0))))
    with pytest.raises(InputError, match=r"line 102: energy 103.* repeats 103.*strictly ascending"):
        read(write(parts(changed(ENERGY, 100, ENERGY[99]))))


def test_a_scan_twice_in_a_file(write: Write) -> None:
    with pytest.raises(InputError, match=r"falls below.*\(1 such points\).*two scans in one"):
        read(write(parts(np.tile(ENERGY, 2), np.tile(MU, 2))))


def test_a_scan_downwards(write: Write) -> None:
    with pytest.raises(InputError, match=r"energies fall from 111\d\d.*turn the file round"):
        read(write(parts(ENERGY[::-1], MU[::-1])))


def test_energies_in_kev(write: Write) -> None:
    with pytest.raises(
        InputError, match=r"from 10\.1686 to 11\.11.* look like keV.*read with unit=keV"
    ):
        read(write(parts(ENERGY / 1000)))
    with pytest.raises(InputError, match=r"1\.0\d*e\+07 to .*expected eV, 1000 to 200000"):
        read(write(parts(ENERGY * 1000)))
    with pytest.raises(InputError, match=r"expected eV, 1000"):
        read(write(parts(ENERGY)), unit="keV")


def test_energies_relative_to_the_edge_and_angles(write: Write) -> None:
    with pytest.raises(InputError, match=r"from -198\.4 to .*not relative to the edge"):
        read(write(parts(ENERGY - 10367)))
    angle = np.degrees(np.arcsin(12398.42 / (2 * 3.1356) / ENERGY))
    with pytest.raises(InputError, match=r"energies from 1\d\.\d+ to 1\d\.\d+ \(falling: a mono"):
        read(write(parts(angle)))


def test_swapped_columns(write: Write) -> None:
    with pytest.raises(InputError, match=r"columns look swapped: that of energy runs from .* that "
                                         r"of mu ascends from 10168\.\d+ to 111\d\d"):  # fmt: skip
        read(write(parts(MU, ENERGY)))
    with pytest.raises(InputError, match=r"mu falls by 0\.\d+ at 103\d\d eV.*I0 and It swapped"):
        read(write({"energy": ENERGY, "i0": IT, "it": I0}))
    with pytest.raises(InputError, match=r"mu falls .*transmission instead of mu"):
        read(write(parts(ENERGY, IT / I0)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(write: Write, value: float) -> None:
    with pytest.raises(InputError, match=rf"line 52: mu is {value}; expected a finite number"):
        read(write(parts(mu=changed(MU, 50, value))))
    with pytest.raises(InputError, match=rf"line 12: energy is {value}"):
        read(write(parts(changed(ENERGY, 10, value))))
    with pytest.raises(InputError, match=rf"line 12: It is {value}"):
        read(write({"energy": ENERGY, "i0": I0, "it": changed(IT, 10, value)}))


@pytest.mark.parametrize("value", [0.0, -3.5])
@pytest.mark.parametrize("name", ["I0", "It", "Iref"])
def test_intensities_that_are_not_positive(write: Write, name: str, value: float) -> None:
    own = {"energy": ENERGY, "I0": I0, "It": IT, "Iref": IREF}
    own[name] = changed(own[name], 7, value)
    with pytest.raises(InputError, match=rf"line 9: {name} is {value:g} \(1 such points\); expected "
                                         r"intensities above 0"):  # fmt: skip
        read(write(own))


def test_too_few_points_and_a_short_range(write: Write) -> None:
    with pytest.raises(InputError, match="49 points; expected a whole scan of at least 50"):
        read(write(parts(ENERGY[:49], MU[:49])))
    near = np.flatnonzero(np.abs(ENERGY - 10372) < 20)
    with pytest.raises(
        InputError, match=r"expected 60 eV or more to find an edge; expected the Ga K"
    ):
        read(write(parts(ENERGY[near], MU[near])))


@pytest.mark.parametrize(
    ("moved", "name"),
    [(10535.0 - 10372.3, "Re L3, 10535 eV"), (8979.0 - 10372.3, "Cu K, 8979 eV"),
     (11867.0 - 10372.3, "As K, 11867 eV"), (9659.0 - 10372.3, "Zn K, 9659 eV")],
)  # fmt: skip
def test_the_wrong_edge_is_named(write: Write, moved: float, name: str) -> None:
    with pytest.raises(InputError, match=rf"the edge is at \d+ eV \(nearest in xraydb: {name}\); "
                                         r"expected the Ga K edge near 10367 eV"):  # fmt: skip
        read(write(parts(ENERGY + moved)))


def test_a_foil_in_the_channel_of_the_sample(write: Write) -> None:
    """It and Iref exchanged: mu of both, an edge amid the EXAFS, and a curve if nobody looks."""
    with pytest.raises(InputError, match=r"besides the edge at \d+ eV a step of 0\.\d+ at 105\d\d eV "
                                         r"\(nearest in xraydb: Re L3, 10535 eV\); expected the Ga K"):  # fmt: skip
        read(write({"energy": ENERGY, "mu": MU + 0.5 * REFERENCE}))
    with pytest.raises(InputError, match="expected the Ga K edge near 10367 eV"):
        read(write({"energy": ENERGY, "i0": I0, "it": IREF, "iref": IT}))


@pytest.mark.parametrize(
    "shells", [[(1.7, 4.0, 0.001)], [(1.89, 6.0, 0.002)], [(2.4, 12.0, 0.003)]]
)
def test_strong_exafs_is_no_second_edge(shells: list[tuple[float, float, float]]) -> None:
    s = scan([simulated.Shell(*one) for one in shells], noise=1e-3)
    checks.edge(s.energy, s.mu, expected="Ga K", within=25.0, source="a")
    found = edges.jump(s.energy, s.mu)
    assert 100 < abs(found.other_energy - found.energy) < 800
    assert abs(found.other_height) < 0.2 * found.height


def test_the_edge_check_can_be_widened_or_left_out(write: Write) -> None:
    path = write(parts(ENERGY + 40))
    with pytest.raises(InputError, match="within 25 eV"):
        read(path)
    assert read(path, within=60.0).mu[0] == MU[0]
    assert read(path, edge=None).mu[0] == MU[0]


@pytest.mark.parametrize("noise", [0.0, 1e-3])
@pytest.mark.parametrize("power", [0, 1, 2, 3])
def test_no_edge_at_all(write: Write, noise: float, power: int) -> None:
    smooth = ((ENERGY - 10000) / 500) ** power
    smooth = smooth + np.random.default_rng(power).normal(scale=noise, size=len(ENERGY))
    with pytest.raises(
        InputError, match=r"no edge between 10168\.\d and 111\d\d.*expected the Ga K"
    ):
        read(write(parts(mu=smooth)))


def test_a_foil_is_not_a_sample(write: Write) -> None:
    path = write({"energy": ENERGY, "mu": REFERENCE})
    with pytest.raises(InputError, match="Re L3, 10535 eV"):
        read(path)
    assert read(path, edge="Re L3").energy[0] == ENERGY[0]


def test_columns_that_are_not_there(write: Write) -> None:
    path = write({"energy": ENERGY, "absorb": MU, "extra": MU})
    with pytest.raises(
        InputError, match=r"no column for mu, or i0 and it found among energy, absorb"
    ):
        read(path)
    with pytest.raises(InputError, match=r"no column 'absorp' for mu \(did you mean 'absorb'\?\); "
                                         "found energy, absorb, extra"):  # fmt: skip
        read(path, mu="absorp")
    with pytest.raises(InputError, match=r"column 4 for mu; expected 1 to 3"):
        read(path, mu=4)
    with pytest.raises(InputError, match="column True for mu: expected a name or a number from 1"):
        read(path, mu=True)
    with pytest.raises(InputError, match="no column for energy found among foo, mu"):
        read(write({"foo": ENERGY, "mu": MU}))
    with pytest.raises(InputError, match="no column for it found among"):
        read(write({"energy": ENERGY, "i0": I0}))
    with pytest.raises(InputError, match="no column for i0 found among"):
        read(write({"energy": ENERGY, "it": IT, "x": I0}))
    with pytest.raises(InputError, match="3 columns without names"):
        read(write({"a": ENERGY, "b": MU, "c": MU}, header=""))


def test_columns_that_contradict(write: Write) -> None:
    path = write({"energy": ENERGY, "i0": I0, "it": IT, "mu": MU})
    with pytest.raises(InputError, match="mu and intensities both named"):
        read(path, mu="mu", i0="i0")
    with pytest.raises(InputError, match="kind 'normalised', but intensities"):
        read(path, i0="i0", it="it", kind="normalised")
    with pytest.raises(InputError, match=r"iref without it; expected both for ln\(It/Iref\)"):
        read(write({"energy": ENERGY, "mu": MU, "b": IREF}), iref="b")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no numbers; expected two columns"),
        ("# energy mu\n", "no numbers"),
        ("1\n2\n", "one column; expected two columns"),
        ("# energy mu\n1 2\n3 4 5\n", "line 3: 3 columns, 2 in the lines before .decimal commas"),
        ("# energy mu\n1 2\n3 four\n", "line 3: 'four' is not a number"),
        ("# energy mu\n1 2\n3 1.2.3\n", "line 3: '1.2.3' is not a number"),
        ("# energy mu\n1 2\n,,\n", "line 3: ',,' is not a number"),
    ],
)
def test_text_that_is_no_table(content: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        columns.parse(content, source="scan.dat")


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no such file; expected column text"):
        read(tmp_path / "none.dat")
    (tmp_path / "b.dat").write_bytes(b"\x00\x01\x02")
    with pytest.raises(InputError, match="a binary file"):
        read(tmp_path / "b.dat")
    (tmp_path / "c.dat").write_text(text(parts()), encoding="utf-8")
    for options, message in (
        ({"unit": "meV"}, "unit 'meV': expected eV or keV"),
        ({"kind": "xanes"}, "kind 'xanes': expected mu or normalised"),
        ({"record": "a"}, "column text has no record 'a'"),
        ({"edge": "Ga"}, "edge 'Ga': expected element and level"),
        ({"edge": "Gaa K"}, r"no element 'Gaa' \(did you mean 'Ga'\?\)"),
        ({"edge": "Li L3"}, "xraydb has K"),
    ):
        with pytest.raises(InputError, match=message):
            read(tmp_path / "c.dat", **options)  # type: ignore[arg-type]
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    with pytest.raises(InputError, match=r"\d+ bytes; expected at most 10"):
        read(tmp_path / "c.dat")


# Spectra made of arrays


def test_a_spectrum_checks_itself() -> None:
    with pytest.raises(InputError, match=r"shapes .*; expected \(N,\) for all of energy, mu"):
        Spectrum(ENERGY, MU[:-1])
    with pytest.raises(InputError, match=r"expected \(N,\)"):
        Spectrum(ENERGY, MU, REFERENCE[:-1])
    with pytest.raises(InputError, match="kind 'xanes': expected mu or normalised"):
        Spectrum(ENERGY, MU, kind="xanes")
    with pytest.raises(InputError, match="point 4: reference is nan"):
        Spectrum(ENERGY, MU, changed(REFERENCE, 3, np.nan))
    with pytest.raises(InputError, match="point 4: energy"):
        Spectrum(changed(ENERGY, 3, ENERGY[2]), MU)
    with pytest.raises(InputError, match="look swapped"):
        Spectrum(MU, ENERGY)
    with pytest.raises(InputError, match="no reference channel"):
        _ = Spectrum(ENERGY, MU).foil


def test_the_foil_of_a_spectrum() -> None:
    foil = SCAN.foil
    assert np.array_equal(foil.mu, REFERENCE) and foil.synthetic and foil.label == "simulated foil"
    assert foil.reference is None and "reference" in foil.source


# Athena projects


def perl(name: str, energy: Floats, mu: Floats, **args: object) -> str:
    """Return a record as Athena writes it."""
    words = ",".join(f"'{key}','{value}'" for key, value in {"label": name, **args}.items())
    listed = [",".join(f"'{v!r}'" for v in values.tolist()) for values in (energy, mu)]
    return (f"$old_group = '{args.get('key', name[:4])}';\n@args = ({words});\n@x = ({listed[0]});\n"
            f"@y = ({listed[1]});\n[record]\n\n")  # fmt: skip


def project(folder: Path, *records: str, name: str = "four.prj", packed: bool = True) -> Path:
    head = "# Athena project file -- Demeter version 0.9.26\n# made by a test\n\n"
    raw = (head + "".join(records) + "@journal = ();\n\n1;\n").encode()
    path = folder / name
    path.write_bytes(gzip.compress(raw) if packed else raw)
    return path


@pytest.mark.parametrize("packed", [True, False])
def test_a_project_of_one_record(tmp_path: Path, packed: bool) -> None:
    path = project(tmp_path, perl("GaF3", ENERGY, MU), packed=packed)
    found = read(path)
    assert np.array_equal(found.energy, ENERGY) and np.array_equal(found.mu, MU)
    assert found.label == "GaF3" and found.kind == "mu" and found.reference is None
    assert files.labels(path) == ["GaF3"]


def test_a_project_that_larch_wrote(tmp_path: Path) -> None:
    larch: Any = importlib.import_module("larch")
    module: Any = importlib.import_module("larch.io.athena_project")
    made = module.AthenaProject()
    for name, values in (("first", MU), ("second", 2 * MU)):
        group = larch.Group(energy=ENERGY, mu=values, filename=name, label=name)
        made.add_group(group)
    made.save(str(tmp_path / "larch.prj"))
    labels = files.labels(tmp_path / "larch.prj")
    assert len(labels) == 2
    assert np.allclose(read(tmp_path / "larch.prj", record=2).mu, 2 * MU, rtol=1e-9)
    theirs = module.read_athena(str(tmp_path / "larch.prj"), do_preedge=False)
    ours = read(tmp_path / "larch.prj", record=labels[0])
    assert np.allclose(ours.mu, next(iter(theirs.groups.values())).mu, rtol=1e-12)


def test_records_by_label_or_number(tmp_path: Path) -> None:
    path = project(tmp_path, perl("GaF3", ENERGY, MU), perl("GaCl3", ENERGY, 3 * MU))
    assert files.labels(path) == ["GaF3", "GaCl3"]
    assert np.array_equal(read(path, record="GaCl3").mu, 3 * MU)
    assert np.array_equal(read(path, record=1).mu, MU)
    with pytest.raises(
        InputError, match="2 records; expected one of them, as in record=1: 1 'GaF3', 2 'GaCl3'"
    ):
        read(path)
    with pytest.raises(InputError, match="record 3; expected one of"):
        read(path, record=3)
    with pytest.raises(InputError, match=r"no record 'GaCl4' \(did you mean 'GaCl3'\?\)"):
        read(path, record="GaCl4")


def test_the_shift_that_athena_shows_is_added_and_noted(tmp_path: Path) -> None:
    found = read(project(tmp_path, perl("GaF3", ENERGY, MU, bkg_eshift="-1.5")))
    assert np.allclose(found.energy, ENERGY - 1.5, rtol=0, atol=1e-9)
    assert "Athena's energy shift of -1.5 eV added" in found.note


@pytest.mark.parametrize("key", ["reference", "referencegroup"])
def test_a_tied_reference_is_read(tmp_path: Path, key: str) -> None:
    foil = perl("foil", ENERGY, REFERENCE, key="qrst", bkg_eshift="0.7")
    sample = perl("GaF3", ENERGY, MU, key="abcd", bkg_eshift="0.7", **{key: "qrst"})
    found = read(project(tmp_path, sample, foil), record="GaF3")
    assert found.reference is not None and np.array_equal(found.reference, REFERENCE)
    assert read(project(tmp_path, sample, foil), record="GaF3", reference=False).reference is None
    other = perl("foil", ENERGY + 0.5, REFERENCE, key="qrst", bkg_eshift="0.7")
    found = read(project(tmp_path, sample, other), record="GaF3")
    assert found.reference is None and "other energies, left out" in found.note


def test_a_normalised_record(tmp_path: Path) -> None:
    assert read(project(tmp_path, perl("GaF3", ENERGY, MU, is_nor=1))).kind == "normalised"


def test_faults_of_a_project(tmp_path: Path) -> None:
    for flag, what in (
        ("is_chi", r"chi\(k\)"),
        ("is_bkg", "a background"),
        ("is_rsp", r"chi\(R\)"),
    ):
        with pytest.raises(InputError, match=rf"record GaF3 is {what}; expected mu\(E\)"):
            read(project(tmp_path, perl("GaF3", ENERGY, MU, **{flag: 1})))
    beside = project(tmp_path, perl("chi", ENERGY, MU, is_chi=1), perl("GaF3", ENERGY, MU))
    assert np.array_equal(read(beside, record="GaF3").mu, MU)
    # larch's own reader would sort these and move them apart.
    with pytest.raises(InputError, match=r"record GaF3, point 101: energy .* repeats"):
        read(project(tmp_path, perl("GaF3", changed(ENERGY, 100, ENERGY[99]), MU)))
    with pytest.raises(InputError, match=r"point 101: energy 10300 falls below"):
        read(project(tmp_path, perl("GaF3", changed(ENERGY, 100, 10300.0), MU)))
    with pytest.raises(InputError, match="two records are called 'GaF3'; rename one"):
        read(project(tmp_path, perl("GaF3", ENERGY, MU), perl("GaF3", ENERGY, MU)))
    with pytest.raises(InputError, match=r"\d+ energies, \d+ values of mu"):
        read(project(tmp_path, perl("GaF3", ENERGY, MU[:-1])))
    (tmp_path / "a.prj").write_text("nothing of Athena\n", encoding="utf-8")
    with pytest.raises(InputError, match="does not begin as an Athena project does"):
        read(tmp_path / "a.prj")
    (tmp_path / "b.prj").write_bytes(gzip.compress(b"# Athena project file -- nothing")[:-9])
    with pytest.raises(InputError, match="not readable as an Athena project"):
        read(tmp_path / "b.prj")
    (tmp_path / "c.prj").write_text("# Athena project file -- Demeter version x\n@x = (1,2\n")
    with pytest.raises(InputError, match="not readable as an Athena project"):
        read(tmp_path / "c.prj")


# HDF5


def hdf5(path: Path, groups: Mapping[str, Mapping[str, Floats]]) -> Path:
    h5py: Any = importlib.import_module("h5py")
    with h5py.File(path, "w") as file:
        for name, sets in groups.items():
            for key, values in sets.items():
                file[f"{name}/{key}"] = values
    return path


def test_groups_of_an_hdf5_file(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "a.h5", {
        "groups/GaF3": {"energy": ENERGY, "mu": MU, "k": np.arange(5.0), "murefer": REFERENCE},
        "groups/clay": {"energy": ENERGY, "i0": I0, "it": IT, "iref": IREF},
    })  # fmt: skip
    assert sorted(files.labels(path)) == ["groups/GaF3", "groups/clay"]
    found = read(path, record="GaF3")
    assert np.array_equal(found.mu, MU) and found.reference is not None
    assert np.array_equal(found.reference, REFERENCE)
    clay = read(path, record="groups/clay")
    assert np.allclose(clay.mu, MU, atol=1e-12) and clay.label == "groups/clay"


def test_data_sets_at_the_top(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "top.h5", {"": {"energy": ENERGY, "norm": MU}})
    assert read(path).kind == "normalised" and read(path).label == "top"


def test_faults_of_an_hdf5_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no group with a data set of energies"):
        read(hdf5(tmp_path / "a.h5", {"x": {"mu": MU}}))
    with pytest.raises(InputError, match=r"group x, point 11: mu is nan"):
        read(hdf5(tmp_path / "b.h5", {"x": {"energy": ENERGY, "mu": changed(MU, 10, np.nan)}}))
    with pytest.raises(InputError, match="no column for mu, or i0 and it found among energy"):
        read(hdf5(tmp_path / "c.h5", {"x": {"energy": ENERGY}}))
    (tmp_path / "d.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(InputError, match="not readable as HDF5"):
        read(tmp_path / "d.h5")


def test_an_ambiguous_end_of_a_path() -> None:
    table = columns.parse("# energy mu\n1 2\n", source="x")
    records: dict[str, projects.Record] = {"a/s": lambda: (table, ""), "b/s": lambda: (table, "")}
    with pytest.raises(InputError, match="no record 's'; expected one of 1 'a/s', 2 'b/s'"):
        projects.pick(records, "s", source="x")


# Edges


def test_larch_is_not_imported_before_it_is_used() -> None:
    code = "import sys, repro.exafs.pipeline as p; assert 'larch' not in sys.modules, 'larch'"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_tabulated_edges_are_those_of_the_paper() -> None:
    assert edges.tabulated("Ga K") == 10367.0
    assert edges.tabulated("Re L3") == 10535.0


def test_wave_numbers_go_there_and_back() -> None:
    k = np.linspace(0, 20, 50)
    assert np.allclose(edges.wave_number(edges.kinetic_energy(k)), k)
    # 0.2624683 (1/angstrom)^2 per eV, as in any text on EXAFS.
    assert edges.wave_number(1.0) ** 2 == pytest.approx(0.2624683, rel=1e-6)
    assert edges.wave_number(-5.0) == 0.0


@pytest.mark.parametrize("height", [0.03, 1.0, -2.0])
@pytest.mark.parametrize("slope", [0.0, -2e-3])
def test_the_largest_jump(height: float, slope: float) -> None:
    mu = height * simulated.edge(ENERGY, 10390.0) + slope * (ENERGY - 10000)
    found = edges.jump(ENERGY, mu)
    assert found.clear and found.energy == pytest.approx(10390.0, abs=5)
    assert found.height == pytest.approx(height, rel=0.25)


def test_a_glitch_is_no_edge() -> None:
    found = edges.jump(ENERGY, changed(MU, 400, MU[400] + 2.0))
    assert found.energy == pytest.approx(10372, abs=8) and found.clear


def test_scatter_is_the_noise() -> None:
    rng = np.random.default_rng(2)
    x = np.sort(rng.uniform(0, 1000, 4000))
    noise = edges.scatter(x, 3 + 0.1 * x + rng.normal(scale=0.02, size=len(x)))
    assert noise == pytest.approx(0.02, rel=0.1)


def test_derivative_of_a_line_and_a_parabola() -> None:
    x = np.sort(np.random.default_rng(1).uniform(10000, 10400, 300))
    assert np.allclose(edges.derivative(x, 2 - 0.3 * x), -0.3)
    even = np.arange(10000.0, 10100.0, 0.5)
    slope = edges.derivative(even, (even - 10050) ** 2, half_width=2.0)
    assert np.allclose(slope[5:-5], 2 * (even - 10050)[5:-5])
    with pytest.raises(InputError, match="10000 to 10050 eV: expected 60 eV or more"):
        edges.jump(np.linspace(10000, 10050, 60), np.zeros(60))


@pytest.mark.parametrize("step", [0.2, 0.4, 0.8])
@pytest.mark.parametrize("noise", [0.0, 3e-4, 1e-3])
@pytest.mark.parametrize("shift", [0.0, -7.31, 2.2])
def test_the_steepest_point(step: float, noise: float, shift: float) -> None:
    """Within 0.2 eV and twice its own error, at any step of a usual scan."""
    foil = simulated.foil(shift=shift, noise=noise, step=step, seed=3)
    found = edges.position(foil.energy, foil.mu, near=10535.0)
    assert found.energy == pytest.approx(10535.0 - shift, abs=0.2)
    assert abs(found.energy - 10535.0 + shift) < 2 * found.error
    assert 0.01 < found.error < 0.4 and found.points >= 9


def test_the_error_is_that_of_repeated_noise() -> None:
    found = [edges.position(f.energy, f.mu, near=10535.0) for f in (
        simulated.foil(noise=4e-3, seed=seed, step=0.4) for seed in range(40))]  # fmt: skip
    spread = float(np.std([f.energy for f in found]))
    assert 0.7 * spread < float(np.mean([f.error for f in found])) < 4 * spread


@settings(max_examples=25, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(-10, 10), st.floats(-1e-3, 1e-3), st.floats(-20, 20))
def test_the_steepest_point_is_the_same_for_any_scale(
    scale: float, offset: float, slope: float, moved: float
) -> None:
    foil = simulated.foil()
    here = edges.position(foil.energy, foil.mu, near=10535.0)
    mu = scale * (foil.mu + slope * (foil.energy - 10535.0)) + offset
    there = edges.position(foil.energy + moved, mu, near=10535.0 + moved)
    # A slope moves no inflection; rounding of an offset costs digits of a small signal.
    assert there.energy - moved == pytest.approx(here.energy, abs=1e-4)
    assert there.slope == pytest.approx(scale * (here.slope + slope), rel=1e-4)


def test_edges_that_cannot_be_placed() -> None:
    with pytest.raises(InputError, match="a: 0 points within 25 eV of 9000 eV; expected 9 or more"):
        edges.position(ENERGY, MU, near=9000.0, source="a")
    with pytest.raises(InputError, match="derivative of mu has no maximum within 25 eV of 10600"):
        edges.position(ENERGY, -1e-3 * ENERGY, near=10600.0)


# The Fourier window


def test_a_scan_that_fills_the_window() -> None:
    checks.window(ENERGY, 10372.3, k_min=3, k_max=12, dk=1, r_max=6, source="a")


def test_a_scan_that_ends_too_early_says_where() -> None:
    ended = ENERGY[edges.wave_number(ENERGY - 10372.3) < 9.0]
    with pytest.raises(InputError, match=r"a: the scan ends at 106\d\d\.\d eV, k = 9\.00 1/angstrom; "
                                         r"expected 10967\.6 eV or more .*k_max at most 8\.\d"):  # fmt: skip
        checks.window(ended, 10372.3, k_min=3, k_max=12, dk=1, r_max=6, source="a")
    needed = re.search(r"expected ([\d.]+) eV", _message(ended))
    assert needed and float(needed[1]) == pytest.approx(10372.3 + 3.80998 * 12.5**2, abs=0.1)


def _message(energy: Floats) -> str:
    try:
        checks.window(energy, 10372.3, k_min=3, k_max=12, dk=1, r_max=6, source="a")
    except InputError as error:
        return str(error)
    return ""


def test_a_gap_in_the_window() -> None:
    k = edges.wave_number(ENERGY - 10372.3)
    holed = ENERGY[(k < 7.0) | (k > 7.4)]
    with pytest.raises(InputError, match=r"no point between .* k = 7\.00 to 7\.45 1/angstrom; "
                                         r"expected steps of k below 0\.26 for \|chi\(R\)\| to 6"):  # fmt: skip
        checks.window(holed, 10372.3, k_min=3, k_max=12, dk=1, r_max=6, source="a")
    checks.window(holed, 10372.3, k_min=3, k_max=12, dk=1, r_max=3, source="a")
    # Outside the window a gap does not matter.
    checks.window(
        ENERGY[(k < 12.9) | (k > 13.4)], 10372.3, k_min=3, k_max=12, dk=1, r_max=6, source="a"
    )
