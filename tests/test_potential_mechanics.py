"""Equations of state, tensile curves and g(r) on calculators with known answers."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from hypothesis import given, settings
from hypothesis import strategies as st

from repro import data, paths
from repro.errors import InputError
from repro.potential import frames, mechanics, mechanics_cli, tables
from repro.potential.mechanics import (
    SCALES,
    at_volume,
    birch_murnaghan,
    birch_murnaghan_pressure,
    density,
    fit_eos,
    initial_slope,
    make_calculator,
    modulus_from_pressures,
    relax,
    stretched,
    upright,
)


class Elastic(Calculator):
    """A continuum: energy by the Birch-Murnaghan law of the volume, nothing else.

    Stress is hydrostatic, forces are zero, so every number is known exactly.
    """

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012

    def __init__(self, *, volume: float, modulus: float, derivative: float = 4.5) -> None:
        super().__init__()
        self.law = (-3.0, volume, modulus * units.GPa, derivative)

    def calculate(
        self, atoms: Any = None, properties: Any = (), system_changes: Any = all_changes
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None
        v = np.array([self.atoms.get_volume()])
        p = birch_murnaghan_pressure(v, *self.law[1:])[0]
        self.results = {
            "energy": float(birch_murnaghan(v, *self.law)[0]),
            "forces": np.zeros((len(self.atoms), 3)),
            "stress": np.array([-p, -p, -p, 0.0, 0.0, 0.0]),
        }


def copper() -> Atoms:
    atoms: Atoms = bulk("Cu", cubic=True)
    atoms.info["family"] = "Cu"
    return atoms


@pytest.fixture(scope="module")
def rest() -> Atoms:
    """Copper at EMT's own zero pressure."""
    return relax(copper(), EMT(), fmax=1e-5).atoms


def constants(rest: Atoms) -> tuple[float, float]:
    """Return C11 and C12 of a cubic crystal in GPa from stresses at small strains."""
    both = []
    for sign in (1, -1):
        moved = rest.copy()
        moved.set_cell(moved.cell.array @ np.diag([1, 1, 1 + sign * 1e-4]), scale_atoms=True)
        moved.calc = EMT()
        both.append(moved.get_stress() / units.GPa)
    slope = (both[0] - both[1]) / 2e-4
    return float(slope[2]), float(slope[0])


def test_pressure_is_the_derivative_of_the_energy() -> None:
    v, h = np.linspace(80, 120, 9), 1e-4
    law = (-5.0, 100.0, 0.3, 4.7)
    numeric = -(birch_murnaghan(v + h, *law) - birch_murnaghan(v - h, *law)) / (2 * h)
    assert birch_murnaghan_pressure(v, *law[1:]) == pytest.approx(numeric, abs=1e-8)
    assert birch_murnaghan(np.array([100.0]), *law)[0] == -5.0
    # K = -V dP/dV at the minimum.
    p = birch_murnaghan_pressure(np.array([99.999, 100.001]), *law[1:])
    assert -100.0 * (p[1] - p[0]) / 0.002 == pytest.approx(0.3, rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.floats(1.0, 200.0), st.floats(2.0, 8.0), st.floats(20.0, 400.0), st.floats(-0.03, 0.03))
def test_fit_returns_what_went_in(
    modulus: float, derivative: float, volume: float, off: float
) -> None:
    v = volume * (1 + off) * np.array(SCALES)
    fit = fit_eos(v, birch_murnaghan(v, -7.0, volume, modulus * units.GPa, derivative))
    assert fit.modulus == pytest.approx(modulus, rel=1e-4)
    assert fit.volume == pytest.approx(volume, rel=1e-6)
    assert fit.derivative == pytest.approx(derivative, rel=1e-2)
    assert fit.rms < 1e-7 and fit.points == len(SCALES)


def test_fit_agrees_with_ase() -> None:
    from ase.eos import EquationOfState

    rng = np.random.default_rng(1)
    v = 60 * np.array(SCALES)
    e = birch_murnaghan(v, -7.0, 60.5, 0.5, 4.2) + rng.normal(scale=1e-4, size=len(v))
    fit = fit_eos(v, e)
    v0, e0, b = EquationOfState(v, e, eos="birchmurnaghan").fit()
    assert fit.volume == pytest.approx(v0, rel=1e-5)
    assert fit.energy == pytest.approx(e0, abs=1e-6)
    assert fit.modulus == pytest.approx(b / units.GPa, rel=1e-3)


def test_fit_error_is_the_scatter_of_repeated_fits() -> None:
    v, noise = 60 * np.array(SCALES), 2e-4
    clean = birch_murnaghan(v, -7.0, 60.0, 0.5, 4.2)
    rng = np.random.default_rng(2)
    fits = [fit_eos(v, clean + rng.normal(scale=noise, size=len(v))) for _ in range(300)]
    spread = np.std([f.modulus for f in fits])
    assert np.sqrt(np.mean([f.modulus_error**2 for f in fits])) == pytest.approx(spread, rel=0.2)
    spread = np.std([f.volume for f in fits])
    assert np.sqrt(np.mean([f.volume_error**2 for f in fits])) == pytest.approx(spread, rel=0.2)
    assert np.mean([f.modulus for f in fits]) == pytest.approx(0.5 / units.GPa, rel=0.01)


@pytest.mark.parametrize(
    ("volumes", "energies", "words"),
    [
        ([1, 2, 3], [1, 2, 3], "3 volumes and 3 energies: expected as many of both"),
        ([1, 2, 3, 4, 5, 6], [1, 2], "6 volumes and 2 energies"),
        ([1, 2, 3, 4, 5, 6], [1, 2, np.nan, 3, 4, 5], "not finite"),
        ([1, 2, 3, 4, 5, 6], [1, 4, 9, 16, 25, 36], "no minimum between 1.00 and 6.00"),
        ([1, 2, 3, 4, 5, 6], [0, 3, 4, 4, 3, 0], "no minimum"),
    ],
)
def test_fit_refuses(volumes: list[float], energies: list[float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        fit_eos(volumes, energies)


@pytest.mark.parametrize("shape", ["relaxed", "fixed"])
def test_scan_of_a_known_solid(shape: str) -> None:
    start = copper()
    law = Elastic(volume=50.0, modulus=30.0, derivative=5.0)
    at_rest = relax(start, law, fmax=1e-6)
    assert at_rest.volume == pytest.approx(50.0, rel=1e-4)
    assert at_rest.pressure == pytest.approx(0.0, abs=1e-3)
    points = [at_volume(at_rest.atoms, law, scale=s, shape=shape) for s in SCALES]
    assert [p.volume / at_rest.volume for p in points] == pytest.approx(SCALES)
    fit = fit_eos([p.volume for p in points], [p.energy for p in points])
    assert fit.modulus == pytest.approx(30.0, rel=1e-3)
    assert fit.derivative == pytest.approx(5.0, rel=1e-2)
    value, error = modulus_from_pressures([p.volume for p in points], [p.pressure for p in points])
    assert value == pytest.approx(30.0, rel=1e-6) and error < 1e-3


def test_bulk_modulus_of_copper_is_that_of_its_elastic_constants(rest: Atoms) -> None:
    c11, c12 = constants(rest)
    points = [at_volume(rest, EMT(), scale=s) for s in SCALES]
    fit = fit_eos([p.volume for p in points], [p.energy for p in points])
    assert fit.modulus == pytest.approx((c11 + 2 * c12) / 3, rel=0.01)
    assert fit.volume == pytest.approx(rest.get_volume(), rel=1e-3)
    value, _ = modulus_from_pressures([p.volume for p in points], [p.pressure for p in points])
    assert value == pytest.approx(fit.modulus, rel=0.01)


def test_shape_relaxes_at_constant_volume(rest: Atoms) -> None:
    """A cell squeezed along one axis goes back to a cube, at the volume it was given."""
    bent = rest.copy()
    bent.set_cell(bent.cell.array @ np.diag([1.03, 1.0, 1 / 1.03]), scale_atoms=True)
    free = at_volume(bent, EMT(), scale=0.98, fmax=1e-4)
    assert free.volume == pytest.approx(0.98 * rest.get_volume(), rel=1e-8)
    assert free.atoms.cell.lengths() == pytest.approx([free.volume ** (1 / 3)] * 3, rel=1e-3)
    assert free.stress[:3] == pytest.approx([-free.pressure] * 3, abs=0.05)
    stiff = at_volume(bent, EMT(), scale=0.98, shape="fixed")
    assert stiff.energy > free.energy and stiff.stress[0] - stiff.stress[2] > 1.0


def test_tensile_slope_is_youngs_modulus(rest: Atoms) -> None:
    c11, c12 = constants(rest)
    young = c11 - 2 * c12**2 / (c11 + c12)
    before, strains, stresses = rest, np.linspace(0, 0.02, 6), []
    for strain in strains:
        point = stretched(before, EMT(), strain=float(strain), reference=rest, fmax=1e-5)
        assert point.atoms.cell.array[2, 2] == pytest.approx(rest.cell.array[2, 2] * (1 + strain))
        assert np.delete(point.stress, 2) == pytest.approx(np.zeros(5), abs=2e-3)
        before = point.atoms
        stresses.append(point.stress[2])
    slope = initial_slope(strains, stresses)
    assert slope.value == pytest.approx(young, rel=0.02)
    # Poisson: the sides draw in.
    assert before.cell.lengths()[0] < rest.cell.lengths()[0]


def test_tensile_slope_with_fixed_sides_is_c11(rest: Atoms) -> None:
    c11, _ = constants(rest)
    strains = np.linspace(0, 0.02, 6)
    points = [
        stretched(rest, EMT(), strain=float(e), reference=rest, lateral="fixed") for e in strains
    ]
    assert initial_slope(strains, [p.stress[2] for p in points]).value == pytest.approx(
        c11, rel=0.02
    )
    assert points[-1].atoms.cell.lengths()[:2] == pytest.approx(rest.cell.lengths()[:2])
    assert points[-1].stress[0] > 1.0


def test_slope_of_known_curves() -> None:
    x = np.linspace(0, 0.12, 13)
    slope = initial_slope(x, 40 * x - 90 * x**2)
    assert slope.value == pytest.approx(40.0) and slope.points == 6
    assert slope.error == pytest.approx(0.0, abs=1e-8)
    rng = np.random.default_rng(1)
    found = [initial_slope(x, 40 * x + rng.normal(scale=0.01, size=13)) for _ in range(400)]
    spread = np.std([f.value for f in found])
    assert np.sqrt(np.mean([f.error**2 for f in found])) == pytest.approx(spread, rel=0.15)
    with pytest.raises(InputError, match=r"2 strains up to 0\.01: expected at least 4"):
        initial_slope(x, x, limit=0.01)


def test_upright_keeps_the_crystal() -> None:
    tilted = bulk("Zn")
    tilted.rotate(40, (1, 2, 3), rotate_cell=True)
    turned = upright(tilted)
    assert turned.cell.cellpar() == pytest.approx(tilted.cell.cellpar())
    assert turned.get_all_distances(mic=True) == pytest.approx(tilted.get_all_distances(mic=True))
    assert np.abs(turned.cell.array[:2, 2]).max() < 1e-10


def test_density_of_copper() -> None:
    # 4 Cu in 3.61 A: 8.96 g/cm^3 (CRC Handbook: 8.96).
    assert density(copper(), 3.61**3) == pytest.approx(8.96, abs=0.02)


def test_what_cannot_be_done_is_said(rest: Atoms, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shape 'free': expected one of relaxed, fixed"):
        at_volume(rest, EMT(), scale=1.0, shape="free")
    with pytest.raises(InputError, match=r"volume scale 3\.0: expected between 0\.5 and 2"):
        at_volume(rest, EMT(), scale=3.0)
    with pytest.raises(InputError, match=r"strain 1\.5: expected between"):
        stretched(rest, EMT(), strain=1.5, reference=rest)
    with pytest.raises(InputError, match="lateral 'no'"):
        stretched(rest, EMT(), strain=0.0, reference=rest, lateral="no")
    tilted = rest.copy()
    tilted.rotate(30, "x", rotate_cell=True)
    with pytest.raises(InputError, match="Cu: its first two cell vectors must lie in the xy plane"):
        stretched(tilted, EMT(), strain=0.01, reference=tilted)
    with pytest.raises(InputError, match="expected a crystal, periodic in three directions"):
        relax(Atoms("Cu", cell=[5, 5, 5]), EMT())
    with pytest.raises(InputError, match="calculator 'vasp': expected one of student, teacher"):
        make_calculator("vasp", None)
    with pytest.raises(InputError, match=r"gone\.pb: a student needs the file"):
        make_calculator("student", tmp_path / "gone.pb")
    with pytest.raises(InputError, match="a student needs the file"):
        make_calculator("student", None)

    class Broken(Elastic):
        def calculate(self, *args: Any, **kwargs: Any) -> None:
            super().calculate(*args, **kwargs)
            self.results["forces"] = np.full((len(self.atoms), 3), np.nan)

    with pytest.raises(InputError, match="Cu: the relaxation ran away"):
        relax(copper(), Broken(volume=47.0, modulus=100.0), steps=3)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with structures and a stand-in student; calculators are EMT."""
    atoms = [copper(), bulk("Al", cubic=True)]
    for name, frame in zip(("Cu", "Al"), atoms, strict=True):
        frame.info = {"frame_id": f"structure/{name}", "family": name, "kind": "crystal"}
    frames.write_atomic(tmp_path / "structures.extxyz", atoms)
    (tmp_path / "model.pb").write_bytes(b"stand-in")
    monkeypatch.setattr(mechanics, "make_calculator", lambda kind, model: EMT())
    return tmp_path


def command(bench: Path, which: str, *more: str) -> list[str]:
    return [which, "--calculator", "student", "--model", str(bench / "model.pb"), "--structures",
            str(bench / "structures.extxyz"), "--out", str(bench / "out"), "--name", "try",
            *more]  # fmt: skip


def read(file: Path) -> list[dict[str, str]]:
    with open(file, newline="") as stream:
        return list(csv.DictReader(stream))


def test_eos_command_and_going_on(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = bench / "out"
    assert mechanics_cli.main(command(bench, "eos")) == 0
    points, fits = read(out / "eos_points_try.csv"), read(out / "eos_try.csv")
    assert len(points) == 18 and [r["phase"] for r in fits] == ["Cu", "Al"]
    found = {r["phase"]: float(r["bulk_modulus_GPa"]) for r in fits}
    c11, c12 = constants(relax(copper(), EMT(), fmax=1e-5).atoms)
    assert found["Cu"] == pytest.approx((c11 + 2 * c12) / 3, rel=0.01)
    assert all(float(r["bulk_modulus_from_pressure_GPa"]) == pytest.approx(found[r["phase"]], rel=0.02)
               for r in fits)  # fmt: skip
    whole = (out / "eos_try.csv").read_text()
    # A kill in the middle: half of the points are gone, the rest is not done again.
    lines = (out / "eos_points_try.csv").read_text().splitlines(keepends=True)
    marked = [line.replace("computed:", "kept:") for line in lines[1:8]]
    (out / "eos_points_try.csv").write_text("".join([lines[0], *marked]))
    assert mechanics_cli.main(command(bench, "eos")) == 0
    again = read(out / "eos_points_try.csv")
    assert sum(r["source"].startswith("kept:") for r in again) == 7 and len(again) == 18
    assert (out / "eos_try.csv").read_text() == whole
    content = json.loads((out / "manifest.json").read_text())
    assert set(content["files"]) == {"eos_points_try.csv", "eos_relaxed_try.extxyz", "eos_try.csv"}
    capsys.readouterr()


def test_what_a_resumed_scan_says_of_itself(
    bench: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = bench / "out"
    assert mechanics_cli.main(command(bench, "eos", "--phases", "Cu")) == 0
    first = json.loads((out / "manifest.json").read_text())["parameters"]["eos try"]
    assert "earlier_commands" not in first
    assert mechanics_cli.main(command(bench, "eos", "--phases", "Al")) == 0
    assert mechanics_cli.main(command(bench, "eos", "--phases", "Al")) == 0
    second = json.loads((out / "manifest.json").read_text())["parameters"]["eos try"]
    assert second["earlier_commands"] == [first["command"]] and "Al" in second["command"]
    rows = read(out / "eos_points_try.csv")
    assert len(rows) == 18 and {r["fmax_eV_per_A"] for r in rows} == {"0.002"}
    assert second["wall_time_s"] == pytest.approx(sum(float(r["wall_s"]) for r in rows), abs=0.06)
    assert mechanics_cli.main(command(bench, "eos", "--fmax", "0.01")) == 1
    assert "relaxed to 0.002 eV/A, now 0.01; give --fresh" in capsys.readouterr().err
    assert mechanics_cli.main(command(bench, "eos", "--fmax", "0.01", "--fresh")) == 0
    afresh = json.loads((out / "manifest.json").read_text())["parameters"]["eos try"]
    assert "earlier_commands" not in afresh and afresh["fmax_eV_per_A"] == 0.01


def test_a_table_that_does_not_say_how_far_it_was_relaxed_goes_on(bench: Path) -> None:
    file = bench / "out" / "eos_points_try.csv"
    assert mechanics_cli.main(command(bench, "eos", "--phases", "Cu")) == 0
    old = [{k: v for k, v in row.items() if k != "fmax_eV_per_A"} for row in read(file)]
    tables.write_table(file, old)
    assert mechanics_cli.main(command(bench, "eos", "--fmax", "0.003")) == 0
    assert [r["fmax_eV_per_A"] for r in read(file)] == [""] * 9 + ["0.003"] * 9


def test_points_that_were_not_relaxed_are_counted(bench: Path) -> None:
    soft = bulk("Cu", cubic=True)
    soft.rattle(0.1, seed=1)
    soft.info = {"frame_id": "structure/Cu", "family": "Cu", "kind": "crystal"}
    frames.write_atomic(bench / "structures.extxyz", [soft])
    assert mechanics_cli.main(command(bench, "eos", "--phases", "Cu", "--steps", "1")) == 0
    note = read(bench / "out" / "eos_try.csv")[0]["note"]
    over = sum(
        float(r["residual_eV_per_A"]) > 0.002 for r in read(bench / "out/eos_points_try.csv")
    )
    assert over > 0 and note.startswith(f"{over} of 9 points not relaxed")
    assert mechanics_cli.main(command(bench, "tensile", "--phases", "Cu", "--steps", "1")) == 0
    assert "points not relaxed" in read(bench / "out" / "tensile_slopes_try.csv")[0]["note"]
    rows = [
        {"residual_eV_per_A": r, "fmax_eV_per_A": f} for r, f in (("0.01", ""), ("0.01", "0.02"))
    ]
    assert mechanics_cli.not_relaxed(rows, 0.005) == "1 of 2 points not relaxed"
    assert mechanics_cli.not_relaxed(rows, 0.05) == ""


def test_a_phase_that_runs_away_is_passed_over(
    bench: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class FailsOnCopper(EMT):
        def calculate(self, *args: Any, **kwargs: Any) -> None:
            super().calculate(*args, **kwargs)
            if "Cu" in self.atoms.get_chemical_symbols():
                self.results["forces"] = np.full((len(self.atoms), 3), np.nan)

    monkeypatch.setattr(mechanics, "make_calculator", lambda kind, model: FailsOnCopper())
    assert mechanics_cli.main(command(bench, "eos")) == 0
    assert "Cu: the relaxation ran away" in capsys.readouterr().out
    rows = {r["phase"]: r for r in read(bench / "out" / "eos_try.csv")}
    assert rows["Cu"]["points"] == "0" and rows["Cu"]["bulk_modulus_GPa"] == ""
    assert "0 volumes" in rows["Cu"]["note"] and float(rows["Al"]["bulk_modulus_GPa"]) > 10


def test_points_of_another_model_are_refused(
    bench: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mechanics_cli.main(command(bench, "eos", "--phases", "Cu")) == 0
    (bench / "model.pb").write_bytes(b"another")
    assert mechanics_cli.main(command(bench, "eos", "--phases", "Cu")) == 1
    assert "its points are of 'model.pb" in capsys.readouterr().err
    assert mechanics_cli.main(command(bench, "eos", "--phases", "Cu", "--fresh")) == 0
    assert len(read(bench / "out" / "eos_points_try.csv")) == 9
    assert len(frames.read_shard(bench / "out" / "eos_relaxed_try.extxyz")) == 1


def test_time_is_up_and_later_goes_on(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mechanics_cli.main(command(bench, "tensile", "--phases", "Cu", "--hours", "0")) == 0
    assert "time is up" in capsys.readouterr().out
    assert mechanics_cli.main(command(bench, "tensile", "--phases", "Cu")) == 0
    rows = read(bench / "out" / "tensile_try.csv")
    assert [float(r["strain"]) for r in rows] == pytest.approx(mechanics.STRAINS)
    slope = read(bench / "out" / "tensile_slopes_try.csv")[0]
    c11, c12 = constants(relax(copper(), EMT(), fmax=1e-5).atoms)
    young = c11 - 2 * c12**2 / (c11 + c12)
    assert float(slope["slope_GPa"]) == pytest.approx(young, rel=0.05)
    states = frames.read_shard(bench / "out" / "tensile_try.extxyz")
    assert len(states) == 14  # at rest, then one for each strain
    assert mechanics_cli.main(command(bench, "tensile", "--phases", "Cu")) == 0
    assert read(bench / "out" / "tensile_try.csv") == rows


def test_command_line_says_what_is_wrong(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mechanics_cli.main(command(bench, "eos", "--phases", "Cuu")) == 1
    assert "phase 'Cuu': not in the structures (did you mean 'Cu'?)" in capsys.readouterr().err
    wrong = command(bench, "eos")
    wrong[wrong.index("--structures") + 1] = str(bench / "gone.extxyz")
    assert mechanics_cli.main(wrong) == 1
    assert "gone.extxyz: no such file" in capsys.readouterr().err
    wrong = command(bench, "eos")
    wrong[wrong.index("--model") + 1] = str(bench / "gone.pb")
    assert mechanics_cli.main(wrong) == 1
    assert "gone.pb: a student needs the file" in capsys.readouterr().err


def test_published_values_stand_in_shipped_tables() -> None:
    assert (paths.data_dir() / "moduli" / "moduli.csv").is_file()
    found = mechanics_cli.published("LiCl")
    rows = {r["structure"]: r for r in read(data.path("moduli/moduli.csv"))}
    assert found["bulk_modulus_mp_GPa"] == rows["LiCl-mp"]["bulk_modulus_gpa"]
    assert "mp-22905" in found["published_source"]
    gaf3 = mechanics_cli.published("GaF3-alpha")
    assert gaf3["bulk_modulus_mp_GPa"] == "" and "28(1)" in gaf3["bulk_modulus_measured_GPa"]
    assert float(gaf3["density_measured_g_cm3"]) > 4
    assert set(mechanics_cli.published("LiGaF4").values()) == {""}
    # Each phase named in the code has what it points to.
    for phase, (key, formula, quantity) in mechanics_cli.REFERENCES.items():
        values = mechanics_cli.published(phase)
        assert bool(values["bulk_modulus_mp_GPa"]) == bool(key)
        assert bool(values["density_measured_g_cm3"]) == bool(formula)
        assert bool(values["bulk_modulus_measured_GPa"]) == bool(quantity)
