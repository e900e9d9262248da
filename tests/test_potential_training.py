"""Trainings: started, killed, resumed, watched.  Most with a stand-in for ``dp``.

The stand-in writes checkpoints and learning curves as ``dp`` does, and fails on
request, so that every way to end can be tried in a second; ``live`` tests at the end
run DeePMD-kit itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.errors import InputError
from repro.potential import compression, dprun, training
from repro.potential.dprun import TrainingError

STAND_IN = """#!{python} -S
import json, os, sys, time
from pathlib import Path
command = sys.argv[1]
here = Path(".")
mode = os.environ.get("STAND_IN", "")
with open("calls.txt", "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + " threads=" + os.environ["OMP_NUM_THREADS"] + "\\n")
if command in ("freeze", "compress"):
    out = sys.argv[sys.argv.index("-o") + 1]
    given = sys.argv[sys.argv.index("-c" if command == "freeze" else "-i") + 1]
    Path(out).write_text(command + " of " + given)
    sys.exit(0)
settings = json.load(open(sys.argv[2]))["training"]
for system in settings["training_data"]["systems"]:
    assert Path(system.split("#")[0]).exists(), system
step = 0
if "--restart" in sys.argv:
    step = int(sys.argv[sys.argv.index("--restart") + 1].split("-")[1])
curve = open("lcurve.out", "a" if step else "w")
curve.write("# step rmse_trn rmse_e_trn rmse_f_trn rmse_v_trn lr\\n")
Path("out.json").write_text(json.dumps(dict(model=dict(descriptor=dict(sel=[9, 8, 7, 6])))))
def row():
    loss = "nan" if mode == "nan" and step >= 30 else "%g" % (1 / (step + 1))
    curve.write("%d %s %s %s %s 1e-3\\n" % (step, loss, loss, loss, loss)); curve.flush()
def save():
    for end in (".meta", ".data-00000-of-00001", ".index"):
        Path("model.ckpt-%d%s" % (step, end)).write_text("x")
row()
last = time.time()
while step < settings["numb_steps"]:
    time.sleep(float(os.environ.get("STAND_IN_STEP", "0.001")))
    step += 1
    if step % settings["disp_freq"] == 0:
        print("Batch %d: total wall time = %.2f s, eta = 0" % (step, time.time() - last), flush=True)
        last = time.time()
        row()
        if step % settings["save_freq"] == 0:
            save()
    if mode == "full" and step == 30:
        sys.exit("OSError: [Errno 28] No space left on device")
    if mode == "dies" and step == 30:
        os.kill(os.getpid(), 9)
    if mode == "fails":
        sys.exit("ValueError: something is odd")
if mode == "nothing":
    sys.exit(0)
save()
"""
SMALL: dict[str, Any] = {"preset": "class", "families": ["LiCl"], "max_frames": 6,
                         "progress": False, "checkpoint_s": 0.4}  # fmt: skip


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "dp"
    program.write_text(STAND_IN.replace("{python}", sys.executable))
    program.chmod(0o755)
    monkeypatch.setattr(dprun, "dp_program", lambda: program)
    monkeypatch.setattr(compression, "check", lambda *_: compression.Difference(0.01, 0.1, 2))
    return program


def record(work: Path) -> dict[str, Any]:
    return json.loads((work / "run.json").read_text())


def calls(work: Path) -> list[str]:
    return (work / "calls.txt").read_text().splitlines()


def test_a_whole_training(stand_in: Path, tmp_path: Path) -> None:
    result = training.train(work=tmp_path / "w", steps=60, seed=3, **SMALL)
    assert result.complete
    assert result.model == (tmp_path / "w/model.pb").resolve()
    assert result.model.read_text() == "compress of frozen.pb"
    assert (result.steps, result.steps_done, result.seed) == (60, 60, 3)
    assert result.title == "class"
    assert result.train_frames + result.validation_frames == 6
    assert 0 < result.wall_time_s < 60
    assert result.curve is not None
    assert result.curve.steps[-1] == 60
    assert [c.split()[0] for c in calls(result.work)] == ["train", "freeze", "compress"]
    assert all("threads=1" in c for c in calls(result.work))
    written = record(result.work)
    assert written["labels_sha256"]
    assert written["versions"]["python"]
    assert written["settings"]["preset"] == "class"
    assert "sha256" in written["split"]


def test_a_model_of_an_earlier_checkpoint_is_not_the_trainings(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen underway, then run to the last step, killed before that was frozen."""
    monkeypatch.setenv("STAND_IN", "full")
    with pytest.raises(TrainingError):
        training.train(work=tmp_path / "w", steps=200, **SMALL)
    monkeypatch.delenv("STAND_IN")
    early = training.freeze(tmp_path / "w")
    at = training.status(tmp_path / "w").steps_done
    assert 0 < at < 200 and training.status(tmp_path / "w").model == early
    with monkeypatch.context() as killed:
        killed.setattr(training.Job, "finish", lambda *_, **__: None)
        found = training.train(work=tmp_path / "w", steps=200, **SMALL)
    assert early.exists() and record(tmp_path / "w")["model_step"] == at
    assert (found.steps_done, found.model, found.complete) == (200, None, False)
    assert training.train(work=tmp_path / "w", steps=200, **SMALL).complete
    assert record(tmp_path / "w")["model_step"] == 200


def test_started_again_it_does_nothing_more(stand_in: Path, tmp_path: Path) -> None:
    training.train(work=tmp_path / "w", steps=20, **SMALL)
    before = calls(tmp_path / "w")
    assert training.train(work=tmp_path / "w", steps=20, **SMALL).complete
    assert calls(tmp_path / "w") == before


def test_without_compression(stand_in: Path, tmp_path: Path) -> None:
    result = training.train(work=tmp_path / "w", steps=20, compress=False, **SMALL)
    assert result.model is not None
    assert result.model.read_text() == "freeze of model.ckpt-20"
    assert training.freeze(tmp_path / "w").read_text() == "compress of frozen.pb"


def test_kill_9_of_the_trainer_takes_dp_along_and_loses_one_interval(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "w"
    code = ("import sys; from pathlib import Path; from repro.potential import compression, dprun, training\n"
            f"dprun.dp_program = lambda: Path({str(stand_in)!r})\n"
            "sys.exit(training.main(sys.argv[1:]))")  # fmt: skip
    command = [sys.executable, "-c", code, "run", "--preset", "class", "--families", "LiCl",
               "--max-frames", "6", "--work", str(work), "--steps", "400",
               "--checkpoint-s", "0.4"]  # fmt: skip
    trainer = subprocess.Popen(command, env=os.environ | {"STAND_IN_STEP": "0.02"},
                               stderr=subprocess.DEVNULL)  # fmt: skip
    end = time.time() + 60
    while not dprun.checkpoints(work) and time.time() < end:
        time.sleep(0.05)
    trainer.send_signal(signal.SIGKILL)
    trainer.wait()
    (saved, _), *_ = reversed(dprun.checkpoints(work))
    assert 0 < saved < 400, "killed in the middle"
    time.sleep(0.3)
    with open(work / "lcurve.out", "a") as stream:
        stream.write("   123   4.5")  # as if it had been cut off while writing
    assert not training.status(work).complete
    assert training.status(work).model is None
    if sys.platform.startswith("linux"):
        assert not dprun.is_running(work), "dp went with its parent"
    monkeypatch.setenv("STAND_IN_STEP", "0.001")
    result = training.train(work=work, steps=400, **SMALL)
    assert result.complete
    assert result.curve is not None
    assert result.curve.steps[-1] == 400
    assert (np.diff(result.curve.steps) > 0).all()
    first, second = record(work)["sessions"]
    assert second["from_step"] == saved
    assert first["wall_time_s"] > 0
    interval = json.loads((work / "input.json").read_text())["training"]["save_freq"]
    assert first["to_step"] - saved <= interval
    assert result.wall_time_s == pytest.approx(first["wall_time_s"] + second["wall_time_s"])
    assert [c for c in calls(work) if "--restart" in c] == [
        f"train input.json --restart model.ckpt-{saved} threads=1"]  # fmt: skip


def test_a_half_written_checkpoint_is_not_used(stand_in: Path, tmp_path: Path) -> None:
    for step in (10, 20, 30):
        for end in (".meta", ".data-00000-of-00001", ".index"):
            (tmp_path / f"model.ckpt-{step}{end}").write_text("x")
    (tmp_path / "model.ckpt-30.meta").unlink()
    (tmp_path / "model.ckpt-20.index").write_text("")
    (tmp_path / "model.ckpt-x.index").write_text("x")
    assert dprun.checkpoints(tmp_path) == [(10, "model.ckpt-10")]


def test_old_checkpoints_go(tmp_path: Path) -> None:
    for step in (100, 20, 30):
        for end in (".meta", ".data-00000-of-00001", ".index"):
            (tmp_path / f"model.ckpt-{step}{end}").write_text("x")
    dprun.prune_checkpoints(tmp_path, keep=2)
    assert [step for step, _ in dprun.checkpoints(tmp_path)] == [30, 100]


@pytest.mark.parametrize(("mode", "message"), [
    ("nan", r"not finite at step [3-9]\d \(energy error nan meV/atom, force error nan meV/A\)"
            r"[\s\S]*smaller --start-lr[\s\S]*Batch \d"),
    ("full", r"dp train failed with status 1. The disk is full: make room, then start the same"),
    ("dies", r"status -9. It was killed or ran out of memory"),
    ("fails", r"dp train failed with status 1[\s\S]*train\.log[\s\S]*something is odd"),
    ("nothing", r"left no checkpoint"),
])  # fmt: skip
def test_failures_say_what_happened_and_what_to_do(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, message: str
) -> None:
    monkeypatch.setenv("STAND_IN", mode)
    monkeypatch.setenv("STAND_IN_STEP", "0.03" if mode == "nan" else "0.001")
    options = SMALL | {"checkpoint_s": 60}
    with pytest.raises(TrainingError, match=message):
        training.train(work=tmp_path / "w", steps=90, **options)
    assert not dprun.is_running(tmp_path / "w")


def test_after_a_full_disk_it_goes_on(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "full")
    with pytest.raises(TrainingError, match="disk is full"):
        training.train(work=tmp_path / "w", steps=200, **SMALL)
    monkeypatch.delenv("STAND_IN")
    assert training.train(work=tmp_path / "w", steps=200, **SMALL).complete
    assert record(tmp_path / "w")["sessions"][1]["from_step"] > 0


def test_no_room_from_the_start(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dprun, "MINIMUM_FREE", 1e18)
    with pytest.raises(TrainingError, match=r"MB free, a training needs .* make room"):
        training.train(work=tmp_path / "w", steps=20, **SMALL)


def test_other_options_in_the_same_folder(stand_in: Path, tmp_path: Path) -> None:
    training.train(work=tmp_path / "w", steps=20, **SMALL)
    with pytest.raises(InputError, match=r"other options .*seed was 1, is 2"):
        training.train(work=tmp_path / "w", steps=20, seed=2, **SMALL)
    with pytest.raises(InputError, match="steps was 20, is 40"):
        training.train(work=tmp_path / "w", steps=40, **SMALL)


def test_two_at_once(stand_in: Path, tmp_path: Path) -> None:
    with dprun.locked(tmp_path):
        assert dprun.is_running(tmp_path)
        with (
            pytest.raises(TrainingError, match="another training is running there"),
            dprun.locked(tmp_path, patience=0.2),
        ):
            pass
    assert not dprun.is_running(tmp_path)


def test_minutes_become_steps(stand_in: Path, tmp_path: Path,
                              monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("STAND_IN_STEP", "0.01")
    result = training.train(work=tmp_path / "w", minutes=0.1, **SMALL)
    assert result.complete or record(tmp_path / "w")["stopped_early"]
    # 6 s at some 10 ms, less the start and a tenth; a busy machine makes fewer.
    assert 20 < result.steps < 600
    assert result.wall_time_s < 15
    made = json.loads((tmp_path / "w/input.json").read_text())
    assert made["learning_rate"]["decay_steps"] == max(1, round(10 * result.steps / 2000))
    assert record(tmp_path / "w")["timed_seconds_per_step"] > 0.009
    assert not (tmp_path / "w/timing").exists()


def test_time_is_up(stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_STEP", "0.02")
    monkeypatch.setattr(training.Job, "_steps_for", lambda *_: (5000, 0.02))
    result = training.train(work=tmp_path / "w", minutes=0.05, **SMALL)
    assert record(tmp_path / "w")["stopped_early"]
    assert 0 < result.steps_done < 5000
    assert result.model is not None
    assert not result.complete
    before = calls(tmp_path / "w")
    training.train(work=tmp_path / "w", minutes=0.05, **SMALL)
    assert calls(tmp_path / "w") == before, "its time is spent"


def test_too_few_minutes(stand_in: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="steps fit; give more minutes"):
        training.train(work=tmp_path / "w", minutes=1e-4, **SMALL)


def test_init_takes_checkpoint_and_sel(stand_in: Path, tmp_path: Path) -> None:
    training.train(work=tmp_path / "a", steps=20, **SMALL)
    training.train(work=tmp_path / "b", steps=20, init=tmp_path / "a", start_lr=1e-4, **SMALL)
    (first, *_) = calls(tmp_path / "b")
    assert f"--init-model {tmp_path.resolve()}/a/model.ckpt-20" in first
    made = json.loads((tmp_path / "b/input.json").read_text())
    assert made["model"]["descriptor"]["sel"] == [9, 8, 7, 6]
    assert made["learning_rate"]["start_lr"] == 1e-4
    assert record(tmp_path / "b")["start"] == "WORK/a/model.ckpt-20"
    (first_leg,) = record(tmp_path / "b")["before"]
    assert (first_leg["preset"], first_leg["steps"]) == ("class", 20)
    assert first_leg["wall_time_s"] > 0 and record(tmp_path / "a")["before"] == []
    (tmp_path / "a/out.json").write_text('{"model": {"descriptor": {"sel": [9, 8, 0, 0]}}}')
    with pytest.raises(InputError, match="trained without Cl, which the new data hold"):
        training.train(work=tmp_path / "d", steps=20, init=tmp_path / "a", **SMALL)
    (tmp_path / "a/out.json").write_text('{"model": {"descriptor": {"sel": 98}}}')
    shared = SMALL | {"preset": "scan:types-6A"}
    training.train(work=tmp_path / "e", steps=20, init=tmp_path / "a", **shared)
    made = json.loads((tmp_path / "e/input.json").read_text())
    assert made["model"]["descriptor"]["sel"] == 98, "one list for all elements"
    with pytest.raises(InputError, match=r"no checkpoint with its out\.json"):
        training.train(work=tmp_path / "c", steps=20, init=tmp_path / "nowhere", **SMALL)


def test_a_model_that_compression_changed_is_not_put_in_place(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differs(plain: Path, compressed: Path, frames: Path) -> compression.Difference:
        assert plain.read_text().startswith("freeze") and frames.name == "train.hdf5"
        raise TrainingError(f"{compressed}: compression changed the model")

    monkeypatch.setattr(compression, "check", differs)
    with pytest.raises(TrainingError, match="compression changed the model"):
        training.train(work=tmp_path / "w", steps=20, **SMALL)
    assert not (tmp_path / "w/model.pb").exists()
    assert not training.status(tmp_path / "w").complete
    # The way out that the message names.
    assert training.train(work=tmp_path / "w", steps=20, compress=False, **SMALL).complete


def test_title_tells_a_changed_loss(stand_in: Path, tmp_path: Path) -> None:
    options = SMALL | {"preset": "paper"}
    result = training.train(work=tmp_path / "w", steps=20, pref_v=(0.02, 1.0), **options)
    assert result.title == "paper with virial prefactor 0.02 to 1"


@pytest.mark.parametrize(("options", "message"), [
    ({"preset": "clas"}, r"no preset 'clas' \(did you mean 'class'"),
    ({"steps": 5, "minutes": 1.0}, "give one of them"),
    ({"minutes": 0.0}, "minutes 0.0, expected more than 0"),
    ({"minutes": float("nan")}, "minutes nan"),
    ({"steps": 0}, "steps 0"),
    ({"threads": 0, "steps": 5}, "threads 0"),
    ({"use_labels": False}, "no labels and no frames"),
    ({"labels": "/nowhere/labels.hdf5"}, r"/nowhere/labels\.hdf5: no such file"),
    ({"families": ["LiCk"]}, "no family 'LiCk'"),
    ({"max_frames": 0}, "max_frames 0"),
    ({"frames": "/nowhere/f.extxyz"}, r"f\.extxyz: no such file"),
    ({"learning": 3}, "no setting 'learning'"),
])  # fmt: skip
def test_wrong_options(
    stand_in: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        training.train(work=tmp_path / "w", **(SMALL | options))
    assert not (tmp_path / "w/run.json").exists() or "threads" in message


def test_command_line(stand_in: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work = ["--work", str(tmp_path / "w")]
    assert training.main(["status", *work]) == 1
    assert "no training there" in capsys.readouterr().err
    run = ["run", "--preset", "class", "--families", "LiCl", "--max-frames", "6", "--steps", "20",
           "--pref-v", "0", "0", "--batch", "2", *work]  # fmt: skip
    assert training.main(run) == 0
    out = capsys.readouterr().out
    assert "class with virial prefactor 0 to 0, seed 1: step 20 of 20" in out
    assert json.loads((tmp_path / "w/input.json").read_text())[
        "training"]["training_data"]["batch_size"] == 2  # fmt: skip
    assert training.main(["status", *work]) == 0
    assert "not running" in capsys.readouterr().out
    assert training.main(["freeze", "--no-compress", *work]) == 0
    assert capsys.readouterr().out.strip().endswith("model.pb")


def test_a_spoilt_record(stand_in: Path, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run\.json: not JSON"):
        training.status(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(InputError, match="not the record of a training"):
        training.status(tmp_path)


def test_speed_from_a_real_log() -> None:
    # Lines of DeePMD-kit 3.2.0 and 3.1.1.
    new = "DEEPMD INFO    Batch      {n}: total wall time = {s} s, eta = 0:00:00 at 2026-11-22\n"
    old = "DEEPMD INFO    batch     {n}: total wall time = {s} s\n"
    for line in (new, old):
        text = "".join(
            line.format(n=n, s=s) for n, s in ((10, 9.0), (20, 0.4), (30, 0.5), (40, 0.6))
        )
        assert dprun.step_seconds(text) == pytest.approx(0.05)
    assert dprun.step_seconds("nothing") is None


def test_dp_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(TrainingError, match="/nowhere/dp: not there"):
        dprun.dp_program()


@pytest.mark.live
def test_deepmd_itself_killed_and_resumed(tmp_path: Path) -> None:
    """A dozen frames, 60 steps, kill -9 of the trainer in the middle, then on to a model."""
    pytest.importorskip("deepmd")
    work = tmp_path / "w"
    options = ["--preset", "class", "--families", "LiCl", "--max-frames", "12", "--work", str(work),
               "--steps", "60", "--checkpoint-s", "0.4", "--no-compress"]  # fmt: skip
    trainer = subprocess.Popen([sys.executable, "-m", "repro.potential.training", "run", *options],
                               stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # fmt: skip
    end = time.time() + 600
    while not dprun.checkpoints(work) and trainer.poll() is None and time.time() < end:
        time.sleep(0.02)
    trainer.send_signal(signal.SIGKILL)
    trainer.wait()
    saved = dprun.checkpoints(work)
    assert saved, "no checkpoint before the end"
    assert saved[-1][0] < 60, "killed in the middle"
    result = training.train(preset="class", families=["LiCl"], max_frames=12, work=work, steps=60,
                            checkpoint_s=0.4, compress=False, progress=False)  # fmt: skip
    assert result.complete
    assert len(record(work)["sessions"]) == 2
    assert record(work)["sessions"][1]["from_step"] >= saved[-1][0]
    assert result.curve is not None
    assert result.curve.steps[-1] == 60
    assert np.isfinite(result.curve.training.force).all()

    from ase.build import bulk
    from deepmd.calculator import DP

    atoms = bulk("LiCl", "rocksalt", a=5.1, cubic=True).repeat((2, 2, 2))
    atoms.rattle(0.1, seed=1)
    atoms.calc = DP(model=str(result.model))
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    assert np.isfinite(forces).all()
    assert np.abs(forces).max() > 1e-3, "a model that feels something"
    assert forces.sum(axis=0) == pytest.approx(0, abs=1e-4)
    atoms.translate([0.7, -1.3, 2.1])
    atoms.wrap()
    assert atoms.get_potential_energy() == pytest.approx(energy, abs=1e-4)
    assert atoms.get_forces() == pytest.approx(forces, abs=1e-4)
