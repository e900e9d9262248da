"""Shards, DFT queue and exporter: nothing labelled is lost, units survive."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_potential_cp2k import OUTPUT

from repro import data
from repro.errors import InputError
from repro.potential import d2, dft, export, frames
from repro.potential.cp2k import Settings

# Below the coarse cutoff CP2K is called once per frame.
ONE_STEP = Settings(cutoff=250.0)


def make(name: str, *, seed: int = 0, symbols: str = "LiFClGa") -> Atoms:
    """Return a labelled frame with random labels."""
    rng = np.random.default_rng(seed)
    atoms = Atoms(symbols, positions=rng.uniform(0, 5, (4, 3)), cell=rng.normal(size=(3, 3))
                  + 6 * np.eye(3), pbc=True)  # fmt: skip
    stress = rng.normal(size=(3, 3))
    return frames.labelled(
        atoms, energy=float(rng.normal()), forces=rng.normal(size=(4, 3)), stress=stress + stress.T,
        info={"frame_id": name, "family": "test", "kind": "crystal", "origin": "md",
              "temperature_K": 300.0, "volume_scale": 1.0, "label_s": 0.5},
    )  # fmt: skip


def same(a: Atoms, b: Atoms) -> None:
    """Assert that two frames carry the same labels."""
    assert a.get_chemical_symbols() == b.get_chemical_symbols()
    assert a.positions == pytest.approx(b.positions, abs=1e-7)
    assert a.cell.array == pytest.approx(b.cell.array, abs=1e-7)
    assert a.get_potential_energy() == pytest.approx(b.get_potential_energy(), abs=1e-7)
    assert a.get_forces() == pytest.approx(b.get_forces(), abs=1e-7)
    assert a.get_stress() == pytest.approx(b.get_stress(), abs=1e-7)
    assert a.info["frame_id"] == b.info["frame_id"]


def test_shard_round_trip(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "shard.extxyz"
    assert frames.read_shard(file) == []
    written = [make(f"a/{i}", seed=i) for i in range(3)]
    for frame in written:
        frames.append_frame(file, frame)
    for a, b in zip(written, frames.read_shard(file), strict=True):
        same(a, b)
    assert frames.shard_ids(file) == ["a/0", "a/1", "a/2"]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cut=st.floats(0, 1))
def test_a_writer_killed_anywhere_costs_one_frame_at_most(tmp_path: Path, cut: float) -> None:
    file = tmp_path / "shard.extxyz"
    whole = frames.frame_text(make("a/0", seed=0))
    last = frames.frame_text(make("a/1", seed=1))
    kept = last[: int(cut * (len(last) - 1))]
    file.write_text(whole + kept)
    assert frames.shard_ids(file) == ["a/0"]
    frames.append_frame(file, make("a/2", seed=2))
    assert frames.shard_ids(file) == ["a/0", "a/2"]


def test_atomic_write_leaves_no_half(tmp_path: Path) -> None:
    file = tmp_path / "w.extxyz"
    frames.write_atomic(file, make("a/0"))
    frames.write_atomic(file, [make("a/1"), make("a/2")])
    assert frames.shard_ids(file) == ["a/1", "a/2"]
    assert [p.name for p in tmp_path.iterdir()] == ["w.extxyz"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"energy": float("nan")}, "not finite"),
        ({"forces": np.zeros((2, 3))}, r"forces of shape \(2, 3\), expected \(4, 3\)"),
        ({"stress": np.zeros(4)}, r"stress of shape \(4,\)"),
        ({"stress": np.full(6, np.inf)}, "not finite"),
        ({"info": {}}, "frame_id"),
    ],
)
def test_bad_labels_are_refused(change: dict[str, object], message: str) -> None:
    good: dict[str, object] = {"energy": 0.0, "forces": np.zeros((4, 3)), "stress": np.zeros(6),
                               "info": {"frame_id": "x"}}  # fmt: skip
    with pytest.raises(InputError, match=message):
        frames.labelled(make("y"), **(good | change))  # type: ignore[arg-type]


# ---------------------------------------------------------------- DFT queue


def queue(count: int) -> list[Atoms]:
    """Return 8-atom frames that fit the fixture."""
    atoms = Atoms("ClGa2Cl5", positions=np.random.default_rng(0).uniform(0, 6, (8, 3)),
                  cell=[6.1, 6.2, 6.3], pbc=True)  # fmt: skip
    found = []
    for i in range(count):
        frame = atoms.copy()
        frame.info = {"frame_id": f"dft/x/{i}", "family": "x", "kind": "melt",
                      "temperature_K": 300.0}  # fmt: skip
        found.append(frame)
    return found


def test_queue_resumes_after_a_kill(tmp_path: Path) -> None:
    calls: list[str] = []

    def dies(text: str, folder: Path) -> str:
        calls.append(folder.name)
        if len(calls) == 3:
            (folder / "frame.out").write_text("half")
            raise KeyboardInterrupt
        return OUTPUT

    with pytest.raises(KeyboardInterrupt):
        dft.run(queue(4), work=tmp_path, settings=ONE_STEP, runner=dies)
    assert len(list(tmp_path.glob("*/result.extxyz"))) == 2
    done = dft.run(queue(4), work=tmp_path, settings=ONE_STEP, runner=dies)
    assert done == 2
    assert calls == [f"dft_x_{i}" for i in (0, 1, 2, 2, 3)], "finished frames are not done again"
    assert dft.run(queue(4), work=tmp_path, settings=ONE_STEP, runner=dies) == 0


def test_orbitals_come_from_a_coarse_grid(tmp_path: Path) -> None:
    inputs: list[str] = []

    def runner(text: str, folder: Path) -> str:
        inputs.append(text)
        (folder / "frame-RESTART.wfn").write_text("orbitals")
        return OUTPUT

    dft.compute(queue(1)[0], folder=tmp_path, settings=Settings(), runner=runner)
    assert ["CUTOFF [Ry] 280.0" in text for text in inputs] == [True, False]
    assert "CUTOFF [Ry] 800.0" in inputs[1] and "SCF_GUESS RESTART" in inputs[1]
    assert not (tmp_path / "frame-RESTART.wfn").exists(), "orbitals are large and not kept"


def test_a_frame_that_does_not_converge_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = iter([OUTPUT.replace("SCF run converged", "SCF run NOT converged"),
                    OUTPUT.replace("PROGRAM ENDED AT", ""), OUTPUT])  # fmt: skip
    assert dft.run(queue(3), work=tmp_path, settings=ONE_STEP, runner=lambda *_: next(outputs)) == 1
    printed = capsys.readouterr().out
    assert "dft/x/0: SCF not converged" in printed and "dft/x/1: failed" in printed
    assert (tmp_path / "dft_x_0" / "failed.txt").exists()
    assert dft.run(queue(3), work=tmp_path, settings=ONE_STEP, runner=lambda *_: OUTPUT) == 0


def test_time_limit_and_bad_queues(tmp_path: Path) -> None:
    assert dft.run(queue(2), work=tmp_path, settings=ONE_STEP, stop_at=0.0) == 0
    with pytest.raises(InputError, match="twice"):
        dft.run(queue(1) * 2, work=tmp_path, settings=ONE_STEP)
    nameless = queue(1)
    nameless[0].info.clear()
    with pytest.raises(InputError, match="frame_id"):
        dft.run(nameless, work=tmp_path, settings=ONE_STEP)


def test_held_out_rule_is_fixed_and_near_three_fifths() -> None:
    # Pinned: a changed rule would move frames between training and test.
    assert [dft.held_out(f"dft/GaCl3/{i}") for i in range(6)] == [
        True, True, False, False, True, True]  # fmt: skip
    share = np.mean([dft.held_out(f"dft/{i}") for i in range(5000)])
    assert abs(share - 0.6) < 0.03


def test_kpoints_by_cell_and_kind() -> None:
    atoms = Atoms("Li", cell=[4.0, 6.0, 12.5], pbc=True)
    assert dft.mesh(atoms) == (3, 2, 1)
    skewed = np.array([[4.0, 0, 0], [4, 4, 0], [0, 0, 5]])
    assert d2.heights(skewed) == pytest.approx([4 / np.sqrt(2), 4.0, 5.0])
    assert dft.choose(atoms, Settings(), k_length=12.0).kpoints == (3, 2, 1)
    chosen = dft.choose(atoms, Settings(), k_length=12.0, orbital_transformation=True)
    assert chosen.kpoints == (1, 1, 1) and chosen.orbital_transformation


def test_scan_table_has_differences_to_the_last(tmp_path: Path) -> None:
    other = OUTPUT.replace("-239.277176665409030", "-239.277")
    outputs = iter([OUTPUT, other])
    files = dft.scan(queue(1)[0], [("a", Settings(cutoff=200)), ("b", ONE_STEP)], work=tmp_path,
                     runner=lambda *_: next(outputs))  # fmt: skip
    dft.scan_table(files, tmp_path / "scan.csv")
    with open(tmp_path / "scan.csv") as stream:
        rows = list(csv.DictReader(stream))
    expected = (-239.277176665409030 + 239.277) * 27211.386 / 8
    assert float(rows[0]["energy_meV_per_atom"]) == pytest.approx(expected, abs=1e-3)
    assert float(rows[1]["energy_meV_per_atom"]) == 0.0
    assert rows[0]["kpoints"] == "1x1x1" and float(rows[0]["force_max_meV_per_A"]) == 0.0


def test_command_line_teaches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        dft.main(["run", "--help"])
    assert stop.value.code == 0 and "--frames" in capsys.readouterr().out
    assert dft.main(["status", "--frames", str(tmp_path / "no.extxyz"), "--work", "w"]) == 1
    assert "cannot be read as frames" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        dft.main(["kpoints", "--frame", "f", "--work", "w", "--meshes", "2x2"])
    assert "expected a mesh like 2x2x2" in capsys.readouterr().err


# ---------------------------------------------------------------- exporter


def test_virial_is_minus_stress_times_volume() -> None:
    pytest.importorskip("dpdata")
    frame = make("a/0")
    system = export.labelled_system([frame])
    expected = -frame.get_stress(voigt=False) * frame.get_volume()
    assert system.data["virials"][0] == pytest.approx(expected)
    # A gas of repelling atoms under compression has a positive virial: W = sum r f / 1.
    from ase.calculators.lj import LennardJones

    gas = Atoms("LiLi", positions=[[0, 0, 0], [0.9, 0, 0]], cell=[8, 8, 8], pbc=True)
    gas.calc = LennardJones(rc=3.0)
    squeezed = frames.labelled(gas, energy=gas.get_potential_energy(), forces=gas.get_forces(),
                               stress=gas.get_stress(), info={"frame_id": "gas"})  # fmt: skip
    virial = export.labelled_system([squeezed]).data["virials"][0]
    force = gas.get_forces()[1, 0]
    assert force > 0
    assert virial[0, 0] == pytest.approx(0.9 * force)


def test_dpdata_round_trip(tmp_path: Path) -> None:
    dpdata = pytest.importorskip("dpdata")
    families = {"A": [make(f"a/{i}", seed=i) for i in range(3)],
                "B-b": [make("b/0", seed=9, symbols="GaLiLiF")]}  # fmt: skip
    export.write_labels(families, tmp_path / "labels.hdf5")
    folders = export.unpack(tmp_path / "labels.hdf5", tmp_path / "npy")
    assert [f.name for f in folders] == ["A", "B-b"]
    for folder in folders:
        back = dpdata.LabeledSystem(str(folder), fmt="deepmd/npy")
        family = families[folder.name]
        assert len(back) == len(family)
        for i, frame in enumerate(family):
            names = [back.data["atom_names"][k] for k in back.data["atom_types"]]
            assert names == frame.get_chemical_symbols()
            assert back.data["cells"][i] == pytest.approx(frame.cell.array, abs=1e-5)
            assert back.data["coords"][i] == pytest.approx(frame.positions, abs=1e-5)
            assert back.data["energies"][i] == pytest.approx(frame.get_potential_energy(), abs=1e-5)
            assert back.data["forces"][i] == pytest.approx(frame.get_forces(), abs=1e-5)
            virial = -frame.get_stress(voigt=False) * frame.get_volume()
            assert back.data["virials"][i] == pytest.approx(virial, rel=1e-5, abs=1e-4)


def test_export_writes_a_set_that_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("dpdata")
    monkeypatch.setenv("REPRO_ROOT", str(tmp_path))
    work = tmp_path / "work"
    for i in range(3):
        frames.append_frame(work / "shards" / "LiCl.extxyz", make(f"l/{i}", seed=i))
    assert export.main(["labels", "--work", str(work)]) == 0
    assert "3 frames" in capsys.readouterr().out
    dft.run(queue(2), work=work / "dft", settings=ONE_STEP, runner=lambda *_: OUTPUT)
    assert export.main(["dft", "--work", str(work / "dft")]) == 0
    count, problems = data.verify()
    assert (count, problems) == (3, [])
    manifest = json.loads((tmp_path / "data/potential/labels/manifest.json").read_text())
    assert manifest["wall_time_s"] == pytest.approx(1.5)
    assert manifest["parameters"]["per_family"] == {"LiCl": 3}
    judged = json.loads((tmp_path / "data/potential/dft/manifest.json").read_text())["parameters"]
    assert (judged["cutoff_Ry"], judged["rel_cutoff_Ry"], judged["k_length_A"]) == (
        250.0,
        40.0,
        12.0,
    )
    with open(tmp_path / "data/potential/labels/frames.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert [r["frame_id"] for r in rows] == ["l/0", "l/1", "l/2"]
    assert export.main(["unpack", "--to", str(tmp_path / "npy")]) == 0
    assert (tmp_path / "npy" / "LiCl" / "set.000" / "virial.npy").exists()
    capsys.readouterr()
    for expected in ("3 label frames and 2 DFT", "0 label frames and 0 DFT"):
        assert export.main(["restore", "--work", str(tmp_path / "new")]) == 0
        assert expected in capsys.readouterr().out
    for i, frame in enumerate(frames.read_shard(tmp_path / "new/labels/shards/LiCl.extxyz")):
        again = make(f"l/{i}", seed=i)
        assert frame.get_forces() == pytest.approx(again.get_forces(), abs=1e-5)
        assert frame.get_stress() == pytest.approx(again.get_stress(), abs=1e-5)
        assert frame.info["origin"] == "md" and frame.info["label_s"] == 0.5


def test_an_export_without_the_checks_keeps_them_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_ROOT", str(tmp_path))
    work, target = tmp_path / "work", tmp_path / "data/potential/dft"
    dft.run(queue(1), work=work / "dft", settings=ONE_STEP, runner=lambda *_: OUTPUT)
    dft.run(queue(1), work=work / "checks", settings=ONE_STEP, runner=lambda *_: OUTPUT)
    (work / "checks" / "cutoff.csv").write_text("label\n")
    export.export_dft(work / "dft", work / "checks", target)
    first = set(data.manifest(target)["files"])
    assert first == {"frames.extxyz", "cutoff.csv", "checks.extxyz"}
    export.export_dft(work / "dft", None, target)
    assert set(data.manifest(target)["files"]) == first
    assert data.verify() == (3, [])


def test_settings_in_the_manifest_are_those_of_the_frames(tmp_path: Path) -> None:
    work, some = tmp_path / "work", queue(3)
    dft.run(some[:1], work=work, settings=ONE_STEP, runner=lambda *_: OUTPUT, k_length=9.0)
    dft.run(some[:2], work=work, settings=Settings(cutoff=200.0), runner=lambda *_: OUTPUT,
            orbital_transformation=True)  # fmt: skip
    old = make("dft/x/9")
    old.info |= {"cutoff_Ry": 200.0, "held_out": False, "wall_time_s": 3.0}
    frames.write_atomic(work / "old" / "result.extxyz", old)
    export.export_dft(work, None, tmp_path / "out")
    found = data.manifest(tmp_path / "out")["parameters"]
    assert found["cutoff_Ry"] == [200.0, 250.0] and found["rel_cutoff_Ry"] == 40.0
    assert found["k_length_A"] == 9.0, "Gamma alone with orbital transformation: no length"
    for file in work.glob("dft_x_*/result.extxyz"):
        file.unlink()
    export.export_dft(work, None, tmp_path / "out")
    assert "k_length_A" not in data.manifest(tmp_path / "out")["parameters"], "not known, not said"


def test_exporter_names_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REPRO_ROOT", str(tmp_path))
    assert export.main(["labels", "--work", str(tmp_path)]) == 1
    assert "no labelled frames there" in capsys.readouterr().err
    assert export.main(["dft", "--work", str(tmp_path)]) == 1
    assert "no finished calculation" in capsys.readouterr().err
    with pytest.raises(InputError, match="one or more"):
        export.labelled_system([])
    with pytest.raises(InputError, match=r"b/0.*differ"):
        export.labelled_system([make("a/0"), make("b/0", symbols="GaLiLiF")])
