"""The ratios of benchmarks/potential.py, from runs made up here."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from ase import Atoms
from helpers import REPOSITORY, World

sys.path.insert(0, str(REPOSITORY))

from benchmarks import parts
from repro.potential.speed import Speed


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    file = REPOSITORY / "benchmarks" / "potential.py"
    spec = importlib.util.spec_from_file_location("benchmarks_potential", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def timed(model: str, wall: float, *, ranks: int = 2, cpu: float = 50.0, **more: Any) -> Speed:
    fields: dict[str, Any] = {"engine": "LAMMPS", "natoms": 512, "steps": 100, "load": "load 1"}
    return Speed(model=model, ranks=ranks, us_per_atom_step=wall, cpu_percent=cpu,
                 us_cpu=wall * cpu / 100, **(fields | more))  # fmt: skip


def errors(value: float, *, frames: int = 26, split: str = "held-out") -> pd.DataFrame:
    return pd.DataFrame([{
        "by": "overall", "group": "overall", "split": split, "frames": frames,
        "force_rmse_meV_per_A": value, "force_rmse_meV_per_A_low": 0.9 * value,
        "force_rmse_meV_per_A_high": 1.2 * value,
    }])  # fmt: skip


def test_ratios_are_at_equal_ranks(bench: ModuleType) -> None:
    rows = [timed("teacher", 5e4, ranks=1, cpu=100, engine="ASE"),
            timed("reference", 100.0, ranks=1, cpu=100), timed("reference", 40.0, cpu=100),
            timed("paper, compressed", 1200.0, ranks=1), timed("paper, compressed", 400.0)]  # fmt: skip
    table = bench.speed_ratios(rows)
    assert table["times ours"].tolist() == [500.0, 1.0, 1.0, 12.0, 10.0]
    assert table["times ours, CPU"].tolist() == [500.0, 1.0, 1.0, 6.0, 5.0]
    assert table.model.tolist() == [row.model for row in rows]
    assert table["us/atom/step"].tolist() == [5e4, 100.0, 40.0, 1200.0, 400.0]


def test_without_ours_at_that_rank_there_is_no_ratio(bench: ModuleType) -> None:
    table = bench.speed_ratios([timed("reference", 40.0), timed("chgnet", 9e3, ranks=1)])
    assert table["times ours"].tolist()[0] == 1.0
    assert table.loc[1, ["times ours", "times ours, CPU"]].isna().all()
    assert bench.speed_ratios([timed("a", 1.0)])["times ours"].isna().all()
    assert bench.speed_ratios([]).empty


def test_unmeasured_cpu_time_is_no_ratio(bench: ModuleType) -> None:
    table = bench.speed_ratios([timed("reference", 40.0, cpu=0.0), timed("a", 80.0)])
    assert table["times ours"].tolist() == [1.0, 2.0]
    assert table["times ours, CPU"].isna().all()


def test_force_errors_beside_ours(bench: ModuleType) -> None:
    table, missing = bench.error_ratios({"paper": errors(50.0), "reference": errors(60.0)})
    assert missing == [] and table.model.tolist() == ["paper", "reference"]
    assert table["ours / its"].tolist() == [1.2, 1.0]
    assert table[["low", "high"]].values.tolist() == [[45.0, 60.0], [54.0, 72.0]]


def test_other_frames_or_none_are_said(bench: ModuleType) -> None:
    table, missing = bench.error_ratios({
        "paper": errors(50.0, frames=9), "teacher": errors(50.0, split="other"),
        "reference": errors(60.0)})  # fmt: skip
    assert table.model.tolist() == ["paper", "reference"]
    assert math.isnan(table["ours / its"][0]) and table["ours / its"][1] == 1.0
    assert missing == [
        "errors of teacher: error table: 0 rows for overall 'overall', split 'held-out'",
        "paper: 9 held-out frames, reference 26; evaluate both on the same",
    ]


def test_without_ours_there_is_no_ratio_of_errors(bench: ModuleType) -> None:
    table, missing = bench.error_ratios({"paper": errors(50.0)})
    assert table["ours / its"].isna().all()
    assert missing == ["no held-out force error of reference, so no ratio"]
    assert bench.error_ratios({})[0].empty


def options(*words: str, work: Path) -> argparse.Namespace:
    """Return what ``python -m benchmarks`` makes of these words."""
    parser = argparse.ArgumentParser()
    parts.options(parser)
    args = parser.parse_args(words)
    args.work = work
    return args


def test_nothing_to_compare(bench: ModuleType, world: World, tmp_path: Path) -> None:
    said: list[str] = []
    speeds, found = bench.measure(options("--quick", work=tmp_path), said.append)
    assert speeds.empty and found.empty and bench.same_time(found).empty
    assert said[0].startswith("missing: speed, since there is no model")


def test_a_whole_run_without_lammps(
    bench: ModuleType, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {"title": "class", "steps": 9, "compressed": True, "sessions": [], "labels_sha256": "a",
              "settings": {"minutes": 15.0}}  # fmt: skip
    names = ("reference", "reference-seed3", "paper")
    world.data_set("potential/models", {"reference.pb": "a"}
                   | {f"{name}.run.json": json.dumps(record) for name in names})  # fmt: skip
    world.data_set("potential/results", {
        "errors_dft_reference.csv": errors(60.0).to_csv(index=False),
        "errors_dft_reference-seed3.csv": errors(60.0).to_csv(index=False),
        "errors_dft_paper.csv": errors(50.0).to_csv(index=False)})  # fmt: skip
    seen: dict[str, Any] = {}

    def table(models: dict[str, Path], atoms: Atoms, **given: Any) -> list[Speed]:
        seen.update(given | {"models": models})
        return [timed(name, 10.0 * (number + 1)) for number, name in enumerate(models)]

    monkeypatch.setattr(bench.simulate, "melt", lambda n: (Atoms("Li"), "melt#0"))
    monkeypatch.setattr(bench.speed, "table", table)
    said: list[str] = []
    speeds, found = bench.measure(
        options("--quick", "--paper", "p.pb", "--chgnet-python", "py", work=tmp_path), said.append
    )
    assert list(seen["models"]) == ["reference", "paper, plain"]
    assert seen["ranks"] == (1, 2) and seen["others"] == {"chgnet": Path("py")}
    assert seen["folder"] == tmp_path / "speed"
    assert "reference: shipped, preset class, 9 steps, compressed" in said
    assert "missing: paper, compressed; give --paper-compressed FILE or --paper-untrained" in said
    assert any("missing: teacher" in line for line in said)
    assert not any("missing: chgnet" in line for line in said)
    assert speeds["times ours"].tolist() == [1.0, 2.0]
    assert bench.same_time(found)["ours / its"].tolist() == [1.2]
    unlike = found.assign(frames=[26, 9, 26])
    assert bench.same_time(unlike).empty, "other frames"


def test_untrained_and_shipped_networks_of_the_paper(
    bench: ModuleType, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []

    def train(**given: Any) -> Any:
        calls.append(given)
        return type("Made", (), {"model": given["work"] / "model.pb"})

    monkeypatch.setattr(bench, "train", train)
    folder = tmp_path / "paper-untrained"
    said: list[str] = []
    args = options("--reference", "r.pb", "--paper-untrained", work=tmp_path)
    assert bench.find_models(args, said.append) == {
        "reference": Path("r.pb"), "paper, plain": folder / "frozen.pb",
        "paper, compressed": folder / "model.pb"}  # fmt: skip
    assert calls == [{"preset": "paper", "work": folder, "steps": 2}]
    assert any("for speed only" in line for line in said)
    record = {"title": "paper", "steps": 9, "compressed": False, "sessions": []}
    world.data_set("potential/models", {"paper.pb": "a", "paper.run.json": json.dumps(record)})
    models = bench.find_models(options("--reference", "r.pb", work=tmp_path), said.append)
    assert (
        list(models) == ["reference", "paper, plain"] and models["paper, plain"].name == "paper.pb"
    )
