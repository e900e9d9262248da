"""Plain and compressed models compared; the live test compresses a network for real."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms

from repro import data
from repro.potential import compression, dprun, presets, training, trainset
from repro.potential.compression import Difference
from repro.potential.dprun import TrainingError
from repro.potential.predictions import Prediction


def said(energies: list[float], forces: list[float]) -> Prediction:
    return Prediction(np.array(energies), tuple(np.full((2, 3), f) for f in forces),
                      np.zeros((len(energies), 6)))  # fmt: skip


def test_the_largest_difference_counts() -> None:
    frames = [Atoms("Li2"), Atoms("F2")]
    found = compression.compare(
        said([1.0, 2.0], [0.1, 0.2]), said([1.0, 2.004], [0.1, 0.19]), frames
    )
    assert found.energy == pytest.approx(2.0), "4 meV over two atoms"
    assert found.force == pytest.approx(10.0)
    assert found.frames == 2


@pytest.mark.parametrize(("energy", "force", "small"), [
    (0.0, 0.0, True), (1.0, 5.0, True), (1.1, 0.0, False), (0.0, 5.1, False),
    (float("nan"), 0.0, False), (0.0, float("inf"), False),
])  # fmt: skip
def test_what_is_small(energy: float, force: float, small: bool) -> None:
    assert Difference(energy, force, 1).small is small


def answer(monkeypatch: pytest.MonkeyPatch, status: int, out: str, err: str = "") -> None:
    monkeypatch.setattr(compression.subprocess, "run",
                        lambda command, **_: subprocess.CompletedProcess(command, status, out, err))  # fmt: skip


def test_a_changed_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, 0, "noise\n" + json.dumps({"energy": 3455.0, "force": 900.0, "frames": 8}))
    with pytest.raises(TrainingError, match=r"changed the model by 3.*meV/atom.*--no-compress"):
        compression.check(Path("frozen.pb"), Path("part.pb"), Path("train.hdf5"))
    answer(monkeypatch, 0, json.dumps({"energy": 0.01, "force": 0.1, "frames": 8}))
    assert compression.check(Path("a"), Path("b"), Path("c")).frames == 8
    answer(monkeypatch, 1, "", "trace\nInputError: a: no such model")
    with pytest.raises(
        TrainingError, match="cannot be compared with a: InputError: a: no such model"
    ):
        compression.check(Path("a"), Path("b"), Path("c"))


def test_sample_takes_one_frame_of_each_system(tmp_path: Path) -> None:
    trainset.build(tmp_path, labels=data.path("potential/labels/labels.hdf5"),
                   families=["LiCl", "GaCl3"])  # fmt: skip
    frames = compression.sample(tmp_path / trainset.TRAIN)
    assert sorted(f.get_chemical_formula(empirical=True) for f in frames) == ["Cl3Ga", "ClLi"]
    assert len(compression.sample(tmp_path / trainset.TRAIN, most=1)) == 1


@pytest.mark.live
def test_the_shared_descriptor_survives_compression(tmp_path: Path) -> None:
    """The book's own training does; the same network with the length to avoid does not."""
    pytest.importorskip("deepmd")
    options: dict[str, Any] = {"preset": "scan:types-slim", "families": ["LiCl", "GaCl3"],
                               "max_frames": 12, "steps": 12, "progress": False}  # fmt: skip
    made = training.train(work=tmp_path / "good", **options)
    assert made.model is not None
    changed = json.loads((tmp_path / "good/run.json").read_text())["compression_changed"]
    assert changed["energy_meV_per_atom"] < compression.MOST_ENERGY

    bad = tmp_path / "bad"
    bad.mkdir()
    script = json.loads((tmp_path / "good/input.json").read_text())
    first = presets.SCAN["types-slim"].neuron[0]
    script["model"]["type_embedding"]["neuron"] = [first // 2]
    for side in ("training_data", "validation_data"):
        systems = script["training"][side]["systems"]
        script["training"][side]["systems"] = [f"../good/{name}" for name in systems]
    (bad / "input.json").write_text(json.dumps(script))
    with dprun.locked(bad) as lock:
        dprun.run(["train", "input.json"], work=bad, lock=lock)
        dprun.run(["freeze", "-o", "frozen.pb"], work=bad, lock=lock)
        dprun.run(["compress", "-i", "frozen.pb", "-o", "model.pb"], work=bad, lock=lock)
    # Where a later DeePMD-kit passes this, type_vector can go.
    with pytest.raises(TrainingError, match="compression changed the model"):
        compression.check(bad / "frozen.pb", bad / "model.pb", tmp_path / "good" / trainset.TRAIN)
