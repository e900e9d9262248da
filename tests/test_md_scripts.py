from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from repro.errors import InputError
from repro.md import scripts
from repro.md.statistics import fit_drift, inefficiency, mean


def test_header_of_a_new_run() -> None:
    lines = scripts.header(pair="pair_style zbl 1 2\n", timestep_fs=2.0, structure="a.data").split(
        "\n"
    )
    assert lines[:4] == ["units metal", "atom_style atomic", "boundary p p p", "read_data a.data"]
    assert "timestep 0.002" in lines and "neighbor 1 bin" in lines
    assert lines.index("pair_style zbl 1 2") > lines.index("read_data a.data")


def test_header_of_a_resumed_run_names_the_potential_again() -> None:
    text = scripts.header(pair="pair_style zbl 1 2", timestep_fs=0.5, restart="a.restart")
    assert "read_restart a.restart" in text and "read_data" not in text
    assert "atom_style" not in text and "boundary" not in text  # the restart has them
    assert text.index("read_restart") < text.index("pair_style") and "timestep 0.0005" in text


@pytest.mark.parametrize(("path", "written"), [
    ("/work/a.data", "/work/a.data"), ("deep/segment-0001.restart", "deep/segment-0001.restart"),
    ("/my work/a.data", '"/my work/a.data"'), ("/a\tb/c", '"/a\tb/c"'), ("/a#1/b", '"/a#1/b"'),
    ("/a$b/c", '"/a$b/c"'), ("/it's/c", '"/it\'s/c"'), ('/a"b/c', "'/a\"b/c'"),
])  # fmt: skip
def test_files_are_quoted_where_lammps_would_cut_their_name(path: str, written: str) -> None:
    assert scripts.quoted(path) == scripts.quoted(Path(path)) == written
    text = scripts.header(pair="", timestep_fs=1.0, structure=path)
    assert f"read_data {written}\n" in text
    assert f"read_restart {written}\n" in scripts.header(pair="", timestep_fs=1.0, restart=path)


@pytest.mark.parametrize(("line", "models"), [
    ("pair_style deepmd /a/m.pb", ["/a/m.pb"]),
    ('  pair_style hybrid/overlay deepmd "/my a/m.pb" n.pth zbl 1 2', ["/my a/m.pb", "n.pth"]),
    ("pair_style deepmd '/a \"b/m.pt2' x.savedmodel", ['/a "b/m.pt2', "x.savedmodel"]),
    ('pair_style deepmd "/a#1/m.pb" b.pb out_file d.out # old.pb', ["/a#1/m.pb", "b.pb"]),
    ("# pair_style deepmd m.pb", []), ("pair_coeff * * m.pb", []), ("pair_style zbl 1 2", []), ("", []),
])  # fmt: skip
def test_models_that_a_script_names(line: str, models: list[str]) -> None:
    assert scripts.model_files(f"units metal\n{line}\npair_coeff * *\n") == models


@pytest.mark.parametrize("files", [{}, {"structure": "a", "restart": "b"}])
def test_exactly_one_beginning(files: dict[str, str]) -> None:
    with pytest.raises(InputError, match="exactly one"):
        scripts.header(pair="", timestep_fs=1.0, **files)


def test_nose_hoover_with_the_damping_of_the_field() -> None:
    assert scripts.nvt(300) == "fix ensemble all nvt temp 300 300 0.2\n"
    assert scripts.npt(300, 1200) == "fix ensemble all npt temp 300 1200 0.2 aniso 0 0 1\n"
    assert scripts.npt(300, coupling="tri").endswith("0.2 tri 0 0 1\n")
    assert scripts.nve() == "fix ensemble all nve\n"


def test_a_shear_stress_is_minus_a_pressure() -> None:
    text = scripts.shear_stress(300, component="yz", stress_mpa=50)
    assert text == (
        "fix ensemble all npt temp 300 300 0.2 x 0 0 1 y 0 0 1 z 0 0 1 "
        "yz -500 -500 1 xz 0 0 1 xy 0 0 1 flip no\n"
    )
    assert "xy 100 100 1" in scripts.shear_stress(300, component="xy", stress_mpa=-10)
    assert "-0" not in scripts.shear_stress(300, component="xz", stress_mpa=0)


def test_a_shear_rate_leaves_its_component_to_the_deformation() -> None:
    fix, deform = scripts.shear_rate(300, component="yz", rate_per_s=1e9).splitlines()
    assert " yz " not in fix and "xz 0 0 1 xy 0 0 1 flip no" in fix
    assert deform == "fix shear all deform 1 yz erate 0.001 remap x flip no"


def test_shears_that_cannot_be() -> None:
    for call in (scripts.shear_stress, scripts.shear_rate):
        name = "stress_mpa" if call is scripts.shear_stress else "rate_per_s"
        with pytest.raises(InputError, match="'zy': expected yz, xz, xy"):
            call(300, component="zy", **{name: 1.0})  # type: ignore[arg-type]
        with pytest.raises(InputError, match="positive"):
            call(-1, component="yz", **{name: 1.0})  # type: ignore[arg-type]
        with pytest.raises(InputError, match="finite"):
            call(300, component="yz", **{name: float("nan")})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="other than 0"):
        scripts.shear_rate(300, component="yz", rate_per_s=0.0)


def test_velocities_do_not_depend_on_ranks() -> None:
    expected = "velocity all create 900 7 mom yes rot no dist gaussian loop all"
    assert scripts.velocities(900, 7).strip() == expected


@pytest.mark.parametrize("bad", [0.0, -5.0, float("nan")])
def test_numbers_that_cannot_be(bad: float) -> None:
    for call in (
        lambda: scripts.nvt(bad), lambda: scripts.npt(300, bad), lambda: scripts.velocities(bad, 1),
        lambda: scripts.header(pair="", timestep_fs=bad, structure="a"),
        lambda: scripts.relax(force=bad), lambda: scripts.descend(force=bad),
    ):  # fmt: skip
        with pytest.raises(InputError, match="expected a positive number"):
            call()
    with pytest.raises(InputError, match="expected iso, aniso or tri"):
        scripts.npt(300, coupling="xyz")
    with pytest.raises(InputError, match="minimizer 'cg': expected fire or abcfire"):
        scripts.descend(minimizer="cg")
    with pytest.raises(InputError, match="thermo every 0"):
        scripts.thermo(0)
    with pytest.raises(InputError, match="dump every 0"):
        scripts.dump(0, "a")


def test_thermo_prints_totals_with_twelve_figures() -> None:
    text = scripts.thermo(50)
    assert "norm no" in text and "%.12g" in text and text.endswith("thermo 50\n")


# -- statistics ---------------------------------------------------------------------


def correlated(n: int, phi: float, rng: np.random.Generator) -> np.ndarray:
    x = np.zeros(n)
    for k in range(1, n):
        x[k] = phi * x[k - 1] + rng.normal()
    return x[100:]


def test_inefficiency_of_an_autoregressive_series() -> None:
    rng = np.random.default_rng(2)
    g = np.mean([inefficiency(correlated(4100, 0.8, rng)) for _ in range(20)])
    assert g == pytest.approx((1 + 0.8) / (1 - 0.8), rel=0.15)
    assert np.mean([inefficiency(rng.normal(size=2000)) for _ in range(20)]) < 1.2


def test_error_of_a_mean_covers_the_truth() -> None:
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(200):
        found = mean(correlated(1100, 0.7, rng))
        inside += abs(found.value) < 2 * found.error
    assert 0.88 < inside / 200 <= 1.0


def test_mean_of_nothing_or_nan() -> None:
    for bad in ([], [1.0, np.nan]):
        with pytest.raises(InputError, match="finite values"):
            mean(np.array(bad))
    assert mean(np.array([3.0])).value == 3.0 and inefficiency(np.ones(50)) == 1.0


def test_drift_of_a_straight_line_is_exact() -> None:
    t = np.linspace(0, 10, 101)  # ps
    slope, error, scatter = fit_drift(t, -500.0 + 0.002 * t, 100)
    # 0.002 eV/ps over 100 atoms = 0.02 meV/atom/ps = 20 meV/atom/ns
    assert slope == pytest.approx(20.0) and error < 1e-6 and scatter < 1e-9


def test_error_of_a_drift_covers_the_truth() -> None:
    rng = np.random.default_rng(4)
    t = np.arange(1000) * 0.01
    inside = 0
    for _ in range(200):
        slope, error, _ = fit_drift(t, 1e-4 * correlated(1100, 0.6, rng), 1)
        inside += abs(slope) < 2 * error
    assert inside / 200 > 0.88


@pytest.mark.parametrize("bad", [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0, np.inf], []])
def test_drift_of_too_little(bad: list[float]) -> None:
    with pytest.raises(InputError, match="four or more finite"):
        fit_drift(np.arange(len(bad), dtype=float), np.array(bad), 1)
