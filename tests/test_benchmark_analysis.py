"""The ratios of benchmarks/analysis.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from helpers import REPOSITORY

from repro.errors import InputError


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    file = REPOSITORY / "benchmarks" / "analysis.py"
    spec = importlib.util.spec_from_file_location("benchmarks_analysis", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_frames_are_sheared_and_shaken(bench: ModuleType) -> None:
    run = bench.frames(200, 3)
    assert len(run) == 3 and 200 <= len(run[0]) < 400
    cells = [f.cell.array for f in run]
    assert cells[2][2, 1] - cells[0][2, 1] == pytest.approx(0.02 * cells[0][2, 2])
    assert all(np.linalg.det(c) == pytest.approx(np.linalg.det(cells[0])) for c in cells)
    with pytest.raises(InputError, match="1 frames"):
        bench.frames(200, 1)


def test_ratios(bench: ModuleType) -> None:
    seconds = {"ours": {"g(r)": 0.2, "D2min": 0.3}, "freud": {"g(r)": 0.25},
               "OVITO": {"g(r)": 0.1, "D2min": 0.6}}  # fmt: skip
    table = bench.ratios(seconds).set_index(["task", "library"])["ours / this"]
    assert table["g(r)", "freud"] == pytest.approx(0.8)
    assert table["g(r)", "OVITO"] == pytest.approx(2.0)
    assert table["D2min", "OVITO"] == pytest.approx(0.5)
    unmeasured = bench.ratios({"ours": {"g(r)": 0.2}, "freud": {"g(r)": 0.0}})
    assert unmeasured.set_index("library")["ours / this"].isna()["freud"]


def test_one_slow_round_does_not_decide(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int]] = []

    def timer(name: str, seconds: list[float]) -> object:
        def one(piece: list[int]) -> dict[str, float]:
            seen.append((name, piece[0]))
            return {"g(r)": seconds[piece[0] // 4]}

        return one

    monkeypatch.setattr(bench, "ours", timer("ours", [1.0, 9.0, 1.2]))
    monkeypatch.setattr(bench, "freud_alone", timer("freud", [2.0, 2.0, 0.1]))
    table = bench.measure(list(range(14)), None, rounds=3).set_index("library")
    assert seen == [(name, k) for k in (0, 4, 8) for name in ("ours", "freud")]
    assert table["s/frame"].to_dict() == {"ours": 1.2, "freud": 2.0}
    assert table["ours / this"]["freud"] == pytest.approx(0.6)


def test_a_python_without_ovito_is_said(bench: ModuleType, tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho 'No module named ovito' >&2\nexit 1\n", encoding="utf-8")
    script.chmod(0o755)
    with pytest.raises(InputError, match="could not run; it said: No module named ovito"):
        bench.ovito(bench.frames(100, 2), script)


@pytest.mark.live
def test_a_quick_run(bench: ModuleType) -> None:
    found = bench.measure(bench.frames(1200, 2), None).set_index(["task", "library"])["s/frame"]
    assert set(found.index) == {("g(r)", "ours"), ("g(r)", "freud"), ("D2min", "ours")}
    assert (found > 0).all()
