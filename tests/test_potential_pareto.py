"""The table of the architecture scan, from folders and runs made up here."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.potential import frames, pareto, speed
from repro.potential.predictions import Prediction
from repro.potential.presets import SCAN


def labelled(number: int, *, family: str = "one") -> Atoms:
    rng = np.random.default_rng(number)
    atoms = Atoms("LiF", positions=rng.uniform(0, 3, (2, 3)), cell=4 * np.eye(3), pbc=True)
    return frames.labelled(atoms, energy=0.0, forces=rng.normal(size=(2, 3)), stress=np.zeros((3, 3)),
                           info={"frame_id": f"{family}/{number}", "family": family})  # fmt: skip


def folder(work: Path, name: str, *, model: bool = True) -> Path:
    place = work / name
    place.mkdir(parents=True)
    architecture = json.loads(json.dumps(asdict(SCAN[name])))
    (place / "run.json").write_text(json.dumps({
        "settings": {"architecture": architecture, "minutes": 7.0, "seed": 3}, "compressed": True,
        "sessions": [{"wall_time_s": 120.0}, {"wall_time_s": 300.0}], "model_step": 500,
        "train_frames": 80,
    }))  # fmt: skip
    if model:
        (place / "model.pb").write_bytes(b"weights")
    return place


def timed(name: str, wall: float) -> speed.Speed:
    return speed.Speed(name, "LAMMPS", 2, 512, 100, wall, 90.0, 0.9 * wall, "load 1")


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Predictions off by a known amount, speeds from a table; notes what was asked for."""
    notes: dict[str, Any] = {
        "off": {"class": 0.2, "types-slim": 0.1},
        "wall": {"class": 50.0, "types-slim": 70.0},
    }

    def predict(model: Path, some: list[Atoms]) -> Prediction:
        notes["ids"] = [f.info["frame_id"] for f in some]
        off = notes["off"][model.parent.name]
        return Prediction(np.zeros(len(some)), tuple(f.get_forces() + off for f in some),
                          np.zeros((len(some), 6)))  # fmt: skip

    def table(models: dict[str, Path], atoms: Atoms, **options: Any) -> list[speed.Speed]:
        notes["options"] = options
        return [timed(name, notes["wall"][name]) for name in models]

    monkeypatch.setattr(pareto, "predict", predict)
    monkeypatch.setattr(pareto.speed, "table", table)
    monkeypatch.setattr(pareto.simulate, "melt", lambda n: (Atoms("Li"), "one"))
    monkeypatch.setattr(pareto.export, "load_labels",
                        lambda **_: [labelled(n) for n in range(40)])  # fmt: skip
    monkeypatch.setattr(pareto, "in_validation", lambda name: int(name.split("/")[1]) % 4 == 0)
    return notes


def test_a_row_holds_error_speed_and_what_it_cost(tmp_path: Path, made_up: dict[str, Any]) -> None:
    for name in ("class", "types-slim"):
        folder(tmp_path, name)
    fast, slow = pareto.build(tmp_path, folder=tmp_path / "speed", say=lambda _: None)
    assert (fast["name"], slow["name"]) == ("class", "types-slim"), "the fastest first"
    assert float(fast["force_rmse_meV_per_A"]) == pytest.approx(200.0)
    assert float(slow["force_rmse_meV_per_A"]) == pytest.approx(100.0)
    assert (fast["us_per_atom_step"], fast["us_cpu"], fast["ranks"]) == ("50", "45", 2)
    assert (fast["wall_min"], fast["minutes"], fast["steps"], fast["seed"]) == ("7", 7.0, 500, 3)
    assert slow["architecture"] == SCAN["types-slim"].name


def test_only_frames_that_nobody_trained_on_count(tmp_path: Path, made_up: dict[str, Any]) -> None:
    folder(tmp_path, "class")
    (row,) = pareto.build(tmp_path, folder=tmp_path / "speed", ranks=1, steps=7, repeats=2)
    assert made_up["ids"] == [f"one/{n}" for n in range(0, 40, 4)]
    assert row["validation_frames"] == 10
    assert made_up["options"]["ranks"] == (1,)
    assert (made_up["options"]["steps"], made_up["options"]["repeats"]) == (7, 2)


def test_unfinished_trainings_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    folder(tmp_path, "class")
    folder(tmp_path, "types-slim", model=False)
    (tmp_path / "speed").mkdir()
    assert list(pareto.finished(tmp_path)) == ["class"]
    with pytest.raises(InputError, match=r"types-slim: no finished training there"):
        pareto.finished(tmp_path, ["class", "types-slim"])
    with pytest.raises(InputError, match="no finished training in its folders"):
        pareto.finished(tmp_path / "speed")


def test_the_command_writes_table_and_manifest(
    tmp_path: Path, made_up: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("class", "types-slim"):
        folder(tmp_path / "scan", name)
    out = tmp_path / "results"
    assert pareto.main(["--work", str(tmp_path / "scan"), "--out", str(out)]) == 0
    with open(out / "pareto.csv", newline="", encoding="utf-8") as stream:
        assert [row["name"] for row in csv.DictReader(stream)] == ["class", "types-slim"]
    listed = json.loads((out / "manifest.json").read_text())
    assert "pareto.csv" in listed["files"] and "--work" in listed["parameters"]["pareto"]["command"]
    assert "200 meV/A" in capsys.readouterr().out
    assert pareto.main(["--work", str(tmp_path / "nowhere"), "--out", str(out)]) == 1


points = st.lists(st.tuples(st.floats(1, 100), st.floats(1, 100)), min_size=1, max_size=12)


@settings(deadline=None)
@given(points)
def test_the_front_is_what_nothing_beats(some: list[tuple[float, float]]) -> None:
    table = pd.DataFrame({"name": [str(n) for n in range(len(some))],
                          "us_per_atom_step": [a for a, _ in some],
                          "force_rmse_meV_per_A": [b for _, b in some]})  # fmt: skip
    chosen = {int(name) for name in pareto.front(table)}
    for n, (a, b) in enumerate(some):
        beaten = any(x <= a and y <= b and (x, y) != (a, b) for x, y in some)
        if beaten:
            assert n not in chosen
    kept = {some[n] for n in chosen}
    assert kept == {
        p for p in some if not any(q[0] <= p[0] and q[1] <= p[1] and q != p for q in some)
    }
