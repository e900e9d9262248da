from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones
from test_md_lammps import ZBL

from repro import data
from repro.errors import InputError
from repro.md import guard, lammps, stages
from repro.md.logs import Thermo
from repro.potential import simulate, simulate_cli, speed


def a_table(
    n: int = 200, *, target: float = 300.0, top: float = 0.0, seed: int = 1, natoms: int = 64
) -> Thermo:
    rng = np.random.default_rng(seed)
    temperature = target * (1 + 0.03 * rng.normal(size=n))
    temperature[n // 2] += top
    return Thermo(columns={
        "Step": np.arange(n) * 100.0, "Time": np.arange(n) * 0.1, "Temp": temperature,
        "PotEng": -400.0 + 0.01 * rng.normal(size=n), "TotEng": -390.0 + 1e-4 * np.arange(n),
        "Press": rng.normal(size=n), "Density": 2.9 + 0.01 * rng.normal(size=n),
        "Volume": np.full(n, 1500.0),
    }, complete=True, natoms=natoms)  # fmt: skip


def closest(atoms: Atoms) -> float:
    return min(guard.closest(atoms).values())


# -- start ---------------------------------------------------------------------------


def test_the_melt_is_a_labelled_frame_repeated() -> None:
    atoms, frame = simulate.melt(500)
    assert frame.startswith("melt-2-1#") and 500 <= len(atoms) <= 640
    counts = {s: atoms.get_chemical_symbols().count(s) for s in ("Li", "F", "Cl", "Ga")}
    assert counts["Li"] == counts["Cl"] == 2 * counts["Ga"] and counts["F"] == 3 * counts["Ga"]
    with open(data.path(simulate.FRAMES), newline="") as stream:
        row = next(r for r in csv.DictReader(stream) if r["frame_id"] == frame)
    assert row["origin"] == "md"
    assert closest(atoms) > 1.1


def test_a_frame_may_be_named_and_must_exist() -> None:
    assert simulate.melt(64, frame="melt-2-1#0/v0001")[1] == "melt-2-1#0/v0001"
    with pytest.raises(InputError, match="no frame nowhere in 'melt-2-1'"):
        simulate.melt(64, frame="nowhere")
    with pytest.raises(InputError, match="'no-family'"):
        simulate.melt(64, family="no-family")


@pytest.mark.parametrize("natoms", [1, 2, 3, 17, 100])
def test_repeated_is_compact(natoms: int) -> None:
    atoms = Atoms("LiCl", positions=[[0, 0, 0], [2, 2, 2]], cell=[4, 5, 6], pbc=True)
    big = simulate.repeated(atoms, natoms)
    assert len(big) >= natoms
    lengths = big.cell.lengths()
    assert max(lengths) <= 2.5 * min(lengths)


def test_repeating_nothing() -> None:
    with pytest.raises(InputError, match="expected one or more"):
        simulate.repeated(Atoms(), 10)
    with pytest.raises(InputError, match="0 atoms wanted"):
        simulate.repeated(Atoms("Li", cell=[3, 3, 3]), 0)


def test_thermal_velocities() -> None:
    atoms = Atoms("LiClGaF" * 500, positions=np.zeros((2000, 3)), cell=[9, 9, 9])
    atoms.set_velocities(simulate.thermal_speed(atoms, 600.0, 3))
    assert atoms.get_temperature() == pytest.approx(600, rel=0.05)
    np.testing.assert_allclose(atoms.get_momenta().sum(axis=0), 0, atol=1e-8)


# -- verdicts -------------------------------------------------------------------------


def test_a_quiet_run() -> None:
    result = simulate.judge(a_table(), target=300.0, natoms=100)
    assert not result.runaway and abs(result.temperature.value - 300) < 3
    assert result.density.value == pytest.approx(2.9, abs=0.01) and 0 < result.density.error < 0.01
    assert abs(result.energy_change) < 0.1 and result.picoseconds == pytest.approx(19.9)


def test_a_runaway_is_seen() -> None:
    result = simulate.judge(a_table(top=200.0), target=300.0, natoms=100)
    assert result.runaway and result.highest > 480


def test_heat_of_the_first_moments_is_not_a_runaway() -> None:
    table = a_table()
    table.columns["Temp"][2] = 900.0
    assert not simulate.judge(table, target=300.0, natoms=100).runaway


def test_a_change_of_energy_is_per_atom() -> None:
    table = a_table()
    table.columns["PotEng"][120:] -= 0.5  # eV over 100 atoms: -5 meV/atom
    assert simulate.judge(table, target=300.0, natoms=100).energy_change == pytest.approx(
        -5, abs=0.2
    )


def test_too_short_to_judge() -> None:
    with pytest.raises(InputError, match="19 thermo rows"):
        simulate.judge(a_table(19), target=300.0, natoms=10)


# -- runs, with a stand-in for LAMMPS -----------------------------------------------------


def test_deviation_joins_segments_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[stages.Stage] = []

    def fake(stage: stages.Stage, structure: Path, *, folder: Path, **_: Any) -> Thermo:
        seen.append(stage)
        for number, steps in ((1, (0, 25, 50)), (2, (50, 75, 100))):
            (folder / f"deviation-{number:04d}.out").write_text(
                "# head\n" + "".join(f"{s} 1 1 1 {s / 1000} 0 {s / 2000}\n" for s in steps)
            )
        step = np.array([0.0, 25, 50, 75, 100])
        return Thermo(
            {"Step": step, "Time": step * 0.002, "Temp": 300 + step, "Density": step * 0 + 3}
        )

    monkeypatch.setattr(stages, "run_stage", fake)
    models = [tmp_path / f"{k}.pb" for k in range(4)]
    for model in models:
        model.touch()
    atoms = Atoms("LiCl", positions=[[0, 0, 0], [2, 2, 2]], cell=[4, 4, 4], pbc=True)
    result = simulate.deviation(models, atoms, low=300, high=1200, picoseconds=0.2, timestep_fs=2.0,
                                seed=1, folder=tmp_path / "run")  # fmt: skip
    np.testing.assert_array_equal(result.deviation.step, [0, 25, 50, 75, 100])
    np.testing.assert_allclose(result.deviation.max_force, [0, 0.025, 0.05, 0.075, 0.1])
    np.testing.assert_allclose(result.temperature, 300 + result.deviation.step)
    assert "out_file deviation-{segment}.out out_freq 25" in seen[0].pair
    assert "temp 300 1200" in seen[0].ensemble and seen[0].steps == 100


def test_deviation_of_one_model(tmp_path: Path) -> None:
    (tmp_path / "m.pb").touch()
    with pytest.raises(InputError, match="two models or more"):
        simulate.deviation([tmp_path / "m.pb"], Atoms("Li", cell=[3, 3, 3]), low=1, high=2,
                           picoseconds=1, timestep_fs=1, seed=1, folder=tmp_path)  # fmt: skip


@pytest.mark.parametrize("call", ["drift", "stability", "short_md"])
def test_a_missing_model_stops_each_before_it_begins(tmp_path: Path, call: str) -> None:
    atoms = Atoms("LiCl", positions=[[0, 0, 0], [2, 2, 2]], cell=[4, 4, 4], pbc=True)
    options: dict[str, Any] = {"temperature": 300.0, "picoseconds": 1.0, "seed": 1,
                               "folder": tmp_path / "run"}  # fmt: skip
    options |= {"drift": {"timesteps_fs": [1.0], "equilibration_ps": 1.0},
                "stability": {"timestep_fs": 1.0}, "short_md": {}}[call]  # fmt: skip
    with pytest.raises(lammps.LammpsError, match=r"gone\.pb: no such model"):
        getattr(simulate, call)(tmp_path / "gone.pb", atoms, **options)


def test_short_md_of_no_step(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one step or more"):
        simulate.short_md("m.pb", Atoms("Li"), temperature=300, picoseconds=0.0, folder=tmp_path)


# -- speed -----------------------------------------------------------------------------


def a_speed(name: str, value: float, **more: Any) -> speed.Speed:
    return speed.Speed(
        name, "LAMMPS", more.get("ranks", 1), 64, 10, value, 50.0, value / 2, "load 1"
    )


def test_models_take_turns_and_the_median_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[tuple[str, int, int]] = []
    values: Callable[[], float] = itertools.count(1).__next__

    def fake(
        name: str, model: Any, atoms: Atoms, *, steps: int, ranks: int, **_: Any
    ) -> speed.Speed:
        order.append((name, ranks, steps))
        return a_speed(name, float(values()), ranks=ranks)

    monkeypatch.setattr(speed, "in_lammps", fake)
    rows = speed.table({"a": "a.pb", "b": "b.pb"}, Atoms("Li"), steps=5, repeats=3,
                       ranks=[1, 2], folder=tmp_path, others={}, other_steps=1,
                       say=lambda _: None)  # fmt: skip
    assert order[:4] == [("a", 1, 5), ("b", 1, 5), ("a", 2, 5), ("b", 2, 5)]
    assert len(order) == 12 and order[:4] == order[4:8]
    assert [(r.model, r.ranks, r.us_per_atom_step) for r in rows] == [
        ("a", 1, 5.0), ("b", 1, 6.0), ("a", 2, 7.0), ("b", 2, 8.0)]  # fmt: skip


def test_a_python_that_is_not_there_is_left_out_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "in_lammps", lambda name, *_, **__: a_speed(name, 1.0))
    said: list[str] = []
    rows = speed.table({"a": "a.pb"}, Atoms("Li", cell=[3, 3, 3], pbc=True), steps=1, repeats=1, ranks=[1],
                       folder=tmp_path, others={"teacher": tmp_path / "nopython"}, other_steps=1,
                       say=said.append)  # fmt: skip
    assert [r.model for r in rows] == ["a"]
    assert any("left out: teacher" in line and "nopython" in line for line in said)


def test_timing_any_ase_calculator() -> None:
    atoms = Atoms("LiF" * 4, positions=np.arange(24).reshape(8, 3) * 1.1, cell=[30] * 3, pbc=True)
    result = speed.in_ase("lj", LennardJones(), atoms, steps=2)
    assert result.engine == "ASE" and result.natoms == 8 and result.us_per_atom_step > 0
    assert result.us_cpu == pytest.approx(result.us_per_atom_step * result.cpu_percent / 100)
    assert atoms.calc is None  # the caller's atoms are left alone


def test_unknown_calculator() -> None:
    with pytest.raises(InputError, match="'mace': expected one of teacher, chgnet"):
        speed.other("mace")


# -- command line -----------------------------------------------------------------------


def test_names_of_models() -> None:
    assert simulate_cli.named(["a=x/y.pb", "z/q.pb"]) == {"a": Path("x/y.pb"), "q": Path("z/q.pb")}
    with pytest.raises(InputError, match="two models are named 'model'"):
        simulate_cli.named(["s1/model.pb", "s2/model.pb"])


def test_series_keep_both_ends() -> None:
    rows = simulate_cli.series_rows(a_table(200), most=50, model="a")
    assert len(rows) == 50 and rows[0]["time_ps"] == "0" and rows[-1]["time_ps"] == "19.9"
    assert rows[0]["model"] == "a" and len(simulate_cli.series_rows(a_table(20), most=50)) == 20


def test_a_missing_model_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("speed", "drift", "stability"):
        status = simulate_cli.main([command, "--model", str(tmp_path / "gone.pb"), "--natoms", "64",
                                    "--out", str(tmp_path / "out"), "--work", str(tmp_path / "w")])  # fmt: skip
        said = capsys.readouterr().err
        assert status == 1 and said.startswith("error: ") and "gone.pb: no such model" in said


def test_a_bad_run_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        simulate_cli.main(["stability", "--model", "a.pb", "--run", "300"])
    assert "expected TEMPERATURE:PICOSECONDS" in capsys.readouterr().err


def test_stability_writes_table_series_and_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake(
        model: Any, atoms: Atoms, *, temperature: float, **_: Any
    ) -> tuple[simulate.Stability, Thermo]:
        table = a_table(target=temperature)
        return simulate.judge(table, target=temperature, natoms=len(atoms)), table

    monkeypatch.setattr(simulate, "stability", fake)
    out = tmp_path / "out"
    assert simulate_cli.main(["stability", "--model", "r=a.pb", "--natoms", "64", "--run", "300:10",
                              "1200:2", "--out", str(out), "--series", "30"]) == 0  # fmt: skip
    with open(out / "stability.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [r["target_K"] for r in rows] == ["300", "1200"]
    assert all(r["runaway"] == "False" and r["natoms"] == "64" and r["source"] for r in rows)
    manifest = json.loads((out / "manifest.json").read_text())
    assert set(manifest["files"]) == {"stability.csv", "stability_r_300K.csv",
                                      "stability_r_1200K.csv"}  # fmt: skip
    command = manifest["parameters"]["simulate stability"]["command"]
    assert command.startswith(
        "python -m repro.potential.simulate stability --model r=a.pb --natoms"
    )


def stand_in(monkeypatch: pytest.MonkeyPatch, *, natoms: int = 64) -> list[dict[str, Any]]:
    """Let a long run be made up; return the options it is given."""
    seen: list[dict[str, Any]] = []

    def fake(model: Any, atoms: Atoms, **options: Any) -> tuple[simulate.Stability, Thermo]:
        seen.append(options)
        options["folder"].mkdir(parents=True, exist_ok=True)
        table = a_table(target=options["temperature"], natoms=natoms)
        return simulate.judge(table, target=options["temperature"], natoms=len(atoms)), table

    monkeypatch.setattr(simulate, "stability", fake)
    return seen


def test_lost_atoms_are_counted_from_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for natoms, lost in ((64, "0"), (61, "3")):
        stand_in(monkeypatch, natoms=natoms)
        command = ["stability", "--model", "r=a.pb", "--natoms", "64", "--run", "300:10"]
        assert (
            simulate_cli.main([*command, "--out", str(tmp_path), "--work", str(tmp_path / "w")])
            == 0
        )
        with open(tmp_path / "stability.csv", newline="") as stream:
            assert [r["atoms_lost"] for r in csv.DictReader(stream)] == [lost]


def test_a_resumed_run_keeps_its_time_and_the_commands_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    command = ["stability", "--model", "r=a.pb", "--natoms", "64", "--work", str(tmp_path / "w")]
    command += ["--out", str(tmp_path / "out"), "--run"]

    def said(*runs: str) -> dict[str, Any]:
        clock = itertools.chain([0.0], itertools.repeat(100.0))
        with monkeypatch.context() as timed:
            timed.setattr(simulate_cli.time, "monotonic", lambda: next(clock))
            assert simulate_cli.main([*command, *runs]) == 0
        found: dict[str, Any] = data.manifest(tmp_path / "out")["parameters"]["simulate stability"]
        return found

    first, same, more = said("300:10"), said("300:10"), said("300:10", "1200:2")
    assert (first["wall_time_s"], same["wall_time_s"], more["wall_time_s"]) == (100.0, 200.0, 300.0)
    assert "earlier_commands" not in first and "earlier_commands" not in same
    assert more["earlier_commands"] == [first["command"]] and first["seed"] == 1
    command[command.index(str(tmp_path / "w"))] = str(tmp_path / "another")
    fresh = said("300:10")
    assert fresh["wall_time_s"] == 100.0 and "earlier_commands" not in fresh


@pytest.mark.parametrize("words", [
    ["drift", "--ranks", "1", "2"], ["stability", "--ranks", "1", "2"], ["speed", "--seed", "2"],
    ["speed", "--series", "9"], ["deviation", "--series", "9"],
])  # fmt: skip
def test_an_option_that_would_do_nothing_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        simulate_cli.main([*words, "--model", "a.pb"])
    assert "unrecognized arguments" in capsys.readouterr().err


def test_each_stage_of_a_drift_has_a_progress_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, float]] = []

    def fake(stage: stages.Stage, structure: Path, *, progress: Any, **_: Any) -> Thermo:
        told.append((progress.label, progress.total, progress.timestep_fs))
        return a_table(40)

    monkeypatch.setattr(stages, "run_stage", fake)
    monkeypatch.setattr(stages, "final_state", lambda *_, **__: tmp_path)
    monkeypatch.setattr(guard, "pair_commands", lambda *_: ZBL)
    atoms = Atoms("LiCl", positions=[[0, 0, 0], [2, 2, 2]], cell=[4, 4, 4], pbc=True)
    found = simulate.drift("m.pb", atoms, temperature=300.0, timesteps_fs=[0.5, 2.0], picoseconds=10.0,
                           equilibration_ps=3.0, seed=1, folder=tmp_path, label="drift m, ")  # fmt: skip
    assert told == [("drift m, warming up, ", 3000, 1.0), ("drift m, 0.5 fs, ", 20000, 0.5),
                    ("drift m, 2 fs, ", 5000, 2.0)]  # fmt: skip
    assert [d.timestep_fs for d in found] == [0.5, 2.0]


# -- with LAMMPS, and the repulsion in place of a network -----------------------------------


@pytest.fixture
def repulsive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "pair_commands", lambda *_, **__: ZBL)


@pytest.mark.live
@pytest.mark.usefixtures("repulsive")
def test_short_run_for_the_live_page(tmp_path: Path) -> None:
    atoms, _ = simulate.melt(64)
    result = simulate.short_md("none.pb", atoms, temperature=900.0, picoseconds=0.2, seed=2,
                               folder=tmp_path)  # fmt: skip
    assert result.time[0] == 0 and result.time[-1] == pytest.approx(0.2)
    assert 300 < result.temperature[len(result.temperature) // 2 :].mean() < 2000
    assert np.isfinite(result.energy).all()


@pytest.mark.live
@pytest.mark.usefixtures("repulsive")
def test_drift_grows_with_the_time_step(tmp_path: Path) -> None:
    atoms, _ = simulate.melt(64)
    found = simulate.drift("none.pb", atoms, temperature=900.0, timesteps_fs=[0.5, 4.0], picoseconds=1.0,
                           equilibration_ps=0.2, seed=1, folder=tmp_path)  # fmt: skip
    fine, coarse = found
    assert fine.natoms == 64 and fine.picoseconds == pytest.approx(1.0)
    # The error of velocity Verlet goes with the square of the step: 64 times.
    assert coarse.fluctuation > 10 * fine.fluctuation > 0


@pytest.mark.live
@pytest.mark.usefixtures("repulsive")
def test_speed_in_lammps(tmp_path: Path) -> None:
    result = speed.in_lammps("zbl", "none.pb", simulate.melt(64)[0], steps=200, folder=tmp_path)
    assert result.steps == 200 and 0 < result.us_per_atom_step < 1e4
    assert 0 < result.cpu_percent <= 101
