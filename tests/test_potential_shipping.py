"""Models on their way into data/: whole trainings only, listed with how they came about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from repro import data, paths
from repro.errors import InputError
from repro.potential import chapter, dprun, shipping

HEAD = ("# step  rmse_val  rmse_trn  rmse_e_val  rmse_e_trn  rmse_f_val  rmse_f_trn  rmse_v_val"
        "  rmse_v_trn  lr\n")  # fmt: skip


def finished(folder: Path, *, steps: int = 40, done: int | None = None, seed: int = 1,
             model: bytes | None = b"weights", rows: int = 3, **changes: Any) -> Path:  # fmt: skip
    """Write a training folder as it is after the last step; return it."""
    done = steps if done is None else done
    folder.mkdir(parents=True)
    record = {
        "title": "reference", "steps": steps, "settings": {"preset": "reference", "seed": seed},
        "train_frames": 80, "validation_frames": 20, "labels_sha256": "ab" * 32,
        "versions": {"deepmd-kit": "3.2.0"}, "machine": "a test",
        "model_step": done if model is not None else None, "compressed": True,
        "stopped_early": False,
        "sessions": [{"from_step": 0, "to_step": 25, "wall_time_s": 50.0},
                     {"from_step": 25, "to_step": done, "wall_time_s": 31.5}],
    } | changes  # fmt: skip
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "input.json").write_text('{"model": {}}')
    lines = [f"{20 * i} 1 2 0.0123456 0.02 {0.4 / (i + 1)} 0.5 0.1 0.2 1.23456789e-3\n"
             for i in range(rows)]  # fmt: skip
    (folder / "lcurve.out").write_text(HEAD + "".join(lines))
    if model is not None:
        (folder / "model.pb").write_bytes(model)
    return folder


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where models go, below a root of the test's own."""
    monkeypatch.setenv("REPRO_ROOT", str(tmp_path / "root"))
    return tmp_path / "root" / "data" / "potential" / "models"


def names(stem: str) -> set[str]:
    return {f"{stem}.{end}" for end in ("pb", "curve.csv", "input.json", "run.json")}


def test_everything_of_a_training_is_shipped_and_listed(tmp_path: Path, models: Path) -> None:
    work = finished(tmp_path / "work", seed=7)
    made = shipping.ship(work, "reference", models)
    assert made == models / "reference.pb" and made.read_bytes() == b"weights"
    assert {f.name for f in models.iterdir()} == names("reference") | {"manifest.json"}
    assert (models / "reference.input.json").read_bytes() == (work / "input.json").read_bytes()
    assert (models / "reference.run.json").read_bytes() == (work / "run.json").read_bytes()
    manifest = data.manifest(models)
    assert set(manifest["files"]) == names("reference")
    assert manifest["files"]["reference.pb"]["sha256"] == data.sha256(work / "model.pb")
    own = manifest["parameters"]["model reference"]
    assert own["command"] == ("python -m repro.potential.shipping --work WORK --name reference")
    assert (own["seed"], own["wall_time_s"], own["steps"]) == (7, 81.5, 40)
    assert (own["train_frames"], own["validation_frames"]) == (80, 20)
    assert (own["training"], own["labels_sha256"]) == ("reference", "ab" * 32)
    assert own["versions"] == {"deepmd-kit": "3.2.0"} and own["machine"]
    assert data.verify() == (4, [])


def test_a_large_model_may_stay_at_home(tmp_path: Path, models: Path) -> None:
    work = finished(tmp_path / "work")
    made = shipping.ship(work, "paper", models, model=False)
    assert made == models / "paper.run.json"
    assert set(data.manifest(models)["files"]) == names("paper") - {"paper.pb"}
    assert not (models / "paper.pb").exists()
    own = data.manifest(models)["parameters"]["model paper"]
    assert own["command"].endswith("--name paper --curve-only")
    assert chapter.training("paper")["steps"] == 40


def test_the_curve_is_a_table_in_units_of_the_book(tmp_path: Path, models: Path) -> None:
    shipping.ship(finished(tmp_path / "work"), "reference", models)
    curve = pd.read_csv(models / "reference.curve.csv")
    assert curve.step.tolist() == [0, 20, 40]
    assert curve.validation_force_meV_per_A.tolist() == [400.0, 200.0, 133.333]
    assert curve.validation_energy_meV_per_atom.tolist() == [12.346] * 3
    assert curve.learning_rate.tolist() == pytest.approx([1.23456789e-3] * 3, rel=1e-12)


def test_the_chapter_reads_what_was_shipped(tmp_path: Path, models: Path) -> None:
    shipping.ship(finished(tmp_path / "work"), "reference", models)
    assert chapter.model() == models / "reference.pb"
    assert chapter.training()["wall_time_s"] == 81.5
    assert chapter.shipped("reference.curve.csv") == models / "reference.curve.csv"


@pytest.mark.parametrize(("changes", "message"), [
    ({"model": None, "done": 25}, "0 of 40 steps done and no model of them; finish the training"),
    ({"done": 25}, "25 of 40 steps done and a model of them; finish the training first"),
    ({"rows": 0}, "40 of 40 steps done and a model of them; finish the training first"),
    ({"done": 25, "stopped_early": True}, "25 of .*; its time was up; train anew with --steps"),
])  # fmt: skip
def test_an_unfinished_training_is_refused(
    tmp_path: Path, models: Path, changes: dict[str, Any], message: str
) -> None:
    work = finished(tmp_path / "work", **changes)
    with pytest.raises(InputError, match=message):
        shipping.ship(work, "reference", models)
    assert not models.exists()


def test_a_model_of_an_earlier_checkpoint_is_not_shipped(tmp_path: Path, models: Path) -> None:
    work = finished(tmp_path / "work", model_step=20)
    for end in (".meta", ".index", ".data-00000-of-00001"):
        (work / f"model.ckpt-40{end}").write_text("x")
    with pytest.raises(InputError, match="40 of 40 steps done and no model of them"):
        shipping.ship(work, "reference", models)
    assert not models.exists()


def test_the_listing_says_whether_it_is_compressed(tmp_path: Path, models: Path) -> None:
    for name, compressed, words in (("a", True, "frozen and compressed "), ("b", False, "frozen ")):
        shipping.ship(finished(tmp_path / name, compressed=compressed), name, models)
        said = data.manifest(models)["files"][f"{name}.pb"]["description"]
        assert said == words + "DeePMD-kit model (TensorFlow), types Li F Cl Ga"


def test_a_checkpoint_is_no_model(tmp_path: Path, models: Path) -> None:
    work = finished(tmp_path / "work", model=None)
    for end in (".meta", ".index", ".data-00000-of-00001"):
        (work / f"model.ckpt-40{end}").write_text("x")
    with pytest.raises(InputError, match="40 of 40 steps done and no model"):
        shipping.ship(work, "reference", models)


def test_a_model_that_has_gone_is_no_model(tmp_path: Path, models: Path) -> None:
    work = finished(tmp_path / "work")
    (work / "model.pb").unlink()
    with pytest.raises(InputError, match="no model"):
        shipping.ship(work, "reference", models)


def test_no_training_at_all(tmp_path: Path, models: Path) -> None:
    with pytest.raises(InputError, match=r"no training there \(run\.json is missing\)"):
        shipping.ship(tmp_path, "reference", models)


def test_a_second_model_keeps_the_first_in_the_manifest(tmp_path: Path, models: Path) -> None:
    shipping.ship(finished(tmp_path / "one"), "reference", models)
    shipping.ship(finished(tmp_path / "two", seed=2, model=b"other"), "reference-seed2", models)
    manifest = data.manifest(models)
    assert set(manifest["files"]) == names("reference") | names("reference-seed2")
    assert set(manifest["parameters"]) == {"model reference", "model reference-seed2"}
    assert manifest["parameters"]["model reference"]["seed"] == 1
    assert manifest["wall_time_s"] == pytest.approx(2 * 81.5)
    assert data.verify() == (8, [])
    assert chapter.model("reference-seed2").read_bytes() == b"other"


def test_the_same_name_again_takes_its_place(tmp_path: Path, models: Path) -> None:
    shipping.ship(finished(tmp_path / "one"), "reference", models)
    longer = finished(tmp_path / "two", steps=60, seed=5, model=b"longer")
    assert shipping.ship(longer, "reference", models).read_bytes() == b"longer"
    manifest = data.manifest(models)
    assert set(manifest["files"]) == names("reference")
    assert set(manifest["parameters"]) == {"model reference"}
    assert manifest["parameters"]["model reference"]["seed"] == 5
    assert data.verify() == (4, [])


def test_a_refusal_leaves_what_is_there(tmp_path: Path, models: Path) -> None:
    shipping.ship(finished(tmp_path / "one"), "reference", models)
    before = (models / "manifest.json").read_bytes()
    with pytest.raises(InputError):
        shipping.ship(finished(tmp_path / "two", done=3), "reference", models)
    assert (models / "manifest.json").read_bytes() == before
    assert (models / "reference.pb").read_bytes() == b"weights"


def test_a_real_record_has_what_is_read_of_it(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder written by hand above must not drift from what a training writes."""
    import test_potential_training as trainings

    from repro.potential import compression, training

    monkeypatch.setattr(compression, "check", lambda *_: compression.Difference(0.0, 0.0, 1))
    program = tmp_path / "dp"
    program.write_text(trainings.STAND_IN.replace("{python}", trainings.sys.executable))
    program.chmod(0o755)
    monkeypatch.setattr(dprun, "dp_program", lambda: program)
    with monkeypatch.context() as shipped_labels:
        shipped_labels.delenv("REPRO_ROOT")
        training.train(work=tmp_path / "w", steps=20, **trainings.SMALL)
    shipping.ship(tmp_path / "w", "class", models)
    own = data.manifest(models)["parameters"]["model class"]
    assert own["steps"] == 20 and own["train_frames"] + own["validation_frames"] == 6
    assert len(own["labels_sha256"]) == 64 and own["versions"]["python"]
    assert chapter.training("class")["wall_time_s"] > 0
    by_hand = json.loads((finished(tmp_path / "hand") / "run.json").read_text())
    assert set(by_hand) <= set(json.loads((tmp_path / "w" / "run.json").read_text()))


def test_command_line(tmp_path: Path, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work = finished(tmp_path / "work")
    command = ["--work", str(work), "--name", "reference"]
    assert shipping.main(command) == 0
    assert (
        capsys.readouterr().out == f"{models / 'reference.pb'}: {data.sha256(work / 'model.pb')}\n"
    )
    (work / "model.pb").unlink()
    assert shipping.main(command) == 1
    assert "finish the training first" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        shipping.main(["--name", "reference"])
    assert "--work" in capsys.readouterr().err


def test_a_checkpoint_to_train_on_from(tmp_path: Path, models: Path) -> None:
    work = finished(tmp_path / "work", seed=7)
    for step in (20, 40):
        for end in (".index", ".meta", ".data-00000-of-00001"):
            (work / f"model.ckpt-{step}{end}").write_text(f"{step}{end}")
    (work / "out.json").write_text("{}")
    shipping.ship(work, "reference", models, checkpoint=True)
    folder = models / "reference-checkpoint"
    assert dprun.checkpoints(folder) == [(40, "model.ckpt-40")], "the last one only"
    assert {"out.json", "run.json"} <= {f.name for f in folder.iterdir()}
    assert "step 40" in data.manifest(folder)["title"]
    (folder / "model.ckpt-30.index").write_text("of an earlier shipping")
    shipping.ship(work, "reference", models, checkpoint=True)
    assert not (folder / "model.ckpt-30.index").exists()
    assert data.verify() == (9, [])


def test_time_and_steps_count_what_came_before(tmp_path: Path, models: Path) -> None:
    before = [{"steps": 100, "wall_time_s": 18.5}, {"steps": 60, "wall_time_s": 10.0}]
    shipping.ship(finished(tmp_path / "work", before=before), "reference", models)
    assert chapter.training()["wall_time_s"] == 110.0
    assert chapter.training()["all_steps"] == 200


def test_the_curve_goes_on_where_the_earlier_one_ended(tmp_path: Path, models: Path) -> None:
    shipping.ship(finished(tmp_path / "one"), "reference", models)
    shipping.ship(finished(tmp_path / "two", rows=2), "reference", models,
                  earlier=models / "reference.curve.csv")  # fmt: skip
    curve = pd.read_csv(models / "reference.curve.csv")
    assert curve.step.tolist() == [0, 20, 40, 40, 60]
    assert curve.leg.tolist() == [1, 1, 1, 2, 2]
    assert curve.validation_force_meV_per_A.tolist() == [400.0, 200.0, 133.333, 400.0, 200.0]


def test_no_folder_of_this_machine_is_shipped(tmp_path: Path, models: Path) -> None:
    settings = {"preset": "reference", "seed": 1, "init": str(tmp_path / "train" / "one")}
    work = finished(tmp_path / "work", settings=settings)
    shipping.ship(work, "reference", models)
    assert chapter.training()["settings"]["init"] == "WORK/train/one"
    assert str(tmp_path) not in (models / "reference.run.json").read_text()
    settings["init"] = str(paths.root() / "data/potential/models/reference-checkpoint")
    shipping.ship(finished(tmp_path / "next", settings=settings), "next", models)
    assert (
        chapter.training("next")["settings"]["init"] == "data/potential/models/reference-checkpoint"
    )
