"""CP2K input and output; the fixture is cut from a real run of CP2K 2023.1."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms, units
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import InputError
from repro.potential import cp2k
from repro.potential.cp2k import Settings, parse_output, write_input

# GaCl3, 8 atoms rattled by 0.08 angstrom, PBE-D2 at 800 Ry; blocks left out marked by [...].
OUTPUT = """
  *** SCF run converged in    15 steps ***
[...]
  Dispersion energy:                                           -0.02615496805455
[...]
 ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:             -239.277176665409030
[...]
 ATOMIC FORCES in [a.u.]

 # Atom   Kind   Element          X              Y              Z
      1      1      Cl         -0.03598756    -0.03694212    -0.01464268
      2      2      Ga          0.06536046     0.01526551    -0.02655369
      3      2      Ga         -0.01518676     0.00061761     0.00629728
      4      1      Cl         -0.00818495     0.02429780    -0.00383309
      5      1      Cl         -0.00544993    -0.00278637    -0.00346129
      6      1      Cl          0.01505475     0.00092302     0.02733215
      7      1      Cl         -0.02618007     0.00398624     0.01560159
      8      1      Cl          0.01056512    -0.00530219    -0.00048936
 SUM OF ATOMIC FORCES          -0.00000895     0.00005950     0.00025090     0.00025801

 STRESS| Analytical stress tensor [GPa]
 STRESS|                        x                   y                   z
 STRESS|      x        1.72351703390E+00   1.30504216144E+00   2.63628311165E+00
 STRESS|      y        1.30504216144E+00   3.50005321101E+00   3.80046988523E-01
 STRESS|      z        2.63628311165E+00   3.80046988523E-01   1.68286580314E+00
 STRESS| 1/3 Trace                                             2.30214534935E+00
[...]
  **** **** ******  **  PROGRAM ENDED AT                 2026-11-22 18:49:02.057
"""


def frame() -> Atoms:
    """Return a small LiGaCl frame."""
    return Atoms("LiGaCl", positions=[[0, 0, 0], [2.5, 0, 0], [0, 2.4, 1.0]],
                 cell=[[6, 0, 0], [0.5, 7, 0], [0, 0.1, 8]], pbc=True)  # fmt: skip


def test_parse_a_real_output() -> None:
    result = parse_output(OUTPUT)
    assert result.energy == pytest.approx(-239.277176665409030 * 27.211386, rel=1e-7)
    assert result.forces.shape == (8, 3)
    # Ha/bohr is 51.4221 eV/angstrom.
    assert result.forces[1] == pytest.approx(51.42207 * np.array([0.06536046, 0.01526551,
                                                                  -0.02655369]), rel=1e-6)  # fmt: skip
    assert result.dispersion == pytest.approx(-0.02615496805455 * units.Hartree)
    assert result.converged


def test_stress_takes_ases_sign_and_unit() -> None:
    stress = parse_output(OUTPUT).stress
    assert stress[0, 2] == pytest.approx(-2.63628311165 / 160.21766208, rel=1e-6)
    assert stress == pytest.approx(stress.T)


def test_an_unconverged_run_is_marked() -> None:
    text = OUTPUT.replace("*** SCF run converged in    15 steps ***", "SCF run NOT converged")
    assert not parse_output(text).converged


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("PROGRAM ENDED AT", "", "cut short"),
        ("ENERGY| Total FORCE_EVAL", "", "ENERGY"),
        ("Dispersion energy:", "", "no 'Dispersion energy' line, so D2 was not in the energy"),
        ("ATOMIC FORCES in [a.u.]", "", "ATOMIC FORCES"),
        ("SUM OF ATOMIC FORCES", "", "complete 'ATOMIC FORCES"),
        ("-0.00048936", "", "6 columns"),
        ("STRESS| Analytical", "", "Analytical stress"),
        ("STRESS|      z ", "STRESS|  ", "Analytical stress"),
    ],
)
def test_a_damaged_output_is_refused(old: str, new: str, message: str) -> None:
    assert old in OUTPUT
    with pytest.raises(InputError, match=message):
        parse_output(OUTPUT.replace(old, new))


@given(st.integers(0, OUTPUT.index("PROGRAM ENDED AT") + 15))
def test_a_truncated_output_never_parses(length: int) -> None:
    with pytest.raises(InputError):
        parse_output(OUTPUT[:length])


def test_input_holds_frame_and_settings() -> None:
    text = write_input(frame(), settings=Settings(cutoff=950.0, d2_cutoff=21.0))
    assert "CUTOFF [Ry] 950.0" in text
    assert "R_CUTOFF [angstrom] 21.0" in text
    assert "POTENTIAL GTH-PBE-q13" in text and "BASIS_SET DZVP-MOLOPT-SR-GTH-q13" in text
    assert "TYPE DFTD2" in text and "STRESS_TENSOR ANALYTICAL" in text
    assert "B 0.5000000000 7.0000000000 0.0000000000" in text
    assert "KPOINTS" not in text and "&OT" not in text
    assert text.count("{") == 0


def test_input_nests_its_sections() -> None:
    for settings in (Settings(), Settings(orbital_transformation=True),
                     Settings(kpoints=(2, 1, 3))):  # fmt: skip
        stack = []
        for line in write_input(frame(), settings=settings).splitlines():
            word = line.split()[0] if line.split() else ""
            if word.startswith("&END") and line.split()[1:]:
                assert stack.pop() == line.split()[1]
            elif word == "&END":
                stack.pop()
            elif word.startswith("&"):
                stack.append(word[1:])
        assert not stack


def test_kpoints_and_orbital_transformation() -> None:
    assert "MONKHORST-PACK 2 1 3" in write_input(frame(), settings=Settings(kpoints=(2, 1, 3)))
    text = write_input(frame(), settings=Settings(orbital_transformation=True))
    assert "PRECONDITIONER FULL_ALL" in text and "BROYDEN" not in text
    with pytest.raises(InputError, match=r"\(2, 1, 1\).*Gamma only"):
        write_input(frame(), settings=Settings(kpoints=(2, 1, 1), orbital_transformation=True))


def test_bad_frames_are_refused() -> None:
    with pytest.raises(InputError, match=r"element 'Na'.*Cl, F, Ga, Li"):
        write_input(Atoms("Na", cell=[5, 5, 5], pbc=True), settings=Settings())
    with pytest.raises(InputError, match="periodic in all three"):
        write_input(Atoms("Li", cell=[5, 5, 5], pbc=[1, 1, 0]), settings=Settings())
    with pytest.raises(InputError, match="periodic in all three"):
        write_input(Atoms("Li", pbc=True), settings=Settings())


def test_the_units_are_ases() -> None:
    assert pytest.approx(51.42207, rel=1e-6) == cp2k.HARTREE_PER_BOHR
    assert pytest.approx(1 / 160.21766, rel=1e-6) == cp2k.GPA


def test_the_method_is_read_off_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cp2k.method() == ("PBE", "D2")
    other = cp2k._TEMPLATE.replace("&XC_FUNCTIONAL PBE", "&XC_FUNCTIONAL BLYP")
    monkeypatch.setattr(cp2k, "_TEMPLATE", other.replace("DFTD2", "DFTD3"))
    assert cp2k.method() == ("BLYP", "D3")
    monkeypatch.setattr(cp2k, "_TEMPLATE", "")
    assert cp2k.method() == ("none", "none")
