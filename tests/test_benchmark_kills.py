"""The trial that benchmarks/kills.py makes, with a child that does nothing but count its starts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from helpers import REPOSITORY

from repro.errors import ReproError

# Sleeps, to be killed, until its folder has seen so many starts.
COUNTER = """
import sys, time
from pathlib import Path
folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
starts = folder / "starts"
count = int(starts.read_text()) + 1 if starts.exists() else 1
starts.write_text(str(count))
if folder.name.startswith("killed") and count <= (3 if folder.name == "killed-1" else 2):
    time.sleep(60)
(folder / "result").write_text(CONTENT)
"""


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    file = REPOSITORY / "benchmarks" / "kills.py"
    spec = importlib.util.spec_from_file_location("benchmarks_kills", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "_CHILD", COUNTER.replace("CONTENT", "'same'"))
    monkeypatch.setattr(module, "digest", lambda work, steps: (work / "result").read_text())
    return module


def test_three_kills_and_an_equal_end(bench: ModuleType, tmp_path: Path) -> None:
    made = bench.trial(tmp_path, kills=3, seed=1, longest_s=0.8)
    assert list(made.kill) == [1, 2, 3]
    assert made.equal.all()
    assert (tmp_path / "killed-1/starts").read_text() == "4"
    assert made["where"].eq("before the first leg").all()


def test_another_end_is_seen(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_CHILD", COUNTER.replace("CONTENT", "folder.name"))
    assert not bench.trial(tmp_path, kills=3, seed=1, longest_s=0.8).equal.any()


def test_a_campaign_that_is_through_is_followed_by_another(
    bench: ModuleType, tmp_path: Path
) -> None:
    made = bench.trial(tmp_path, kills=5, seed=1, longest_s=0.8)
    # Three kills and through, then two kills and let through.
    assert list(made.campaign) == [1, 1, 1, 2, 2]
    assert made.equal.all()
    assert (tmp_path / "killed-2/result").read_text() == "same"


def test_a_campaign_that_fails_is_said(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_CHILD", "raise SystemExit(3)")
    with pytest.raises(ReproError, match=r"after 0 kills the campaign failed: see .*log\.txt"):
        bench.trial(tmp_path, kills=1, seed=1, longest_s=0.8)


def test_a_folder_that_is_not_empty_is_refused(
    bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old").write_text("")
    assert bench.main(["--work", str(tmp_path)]) == 1
    assert "not empty" in capsys.readouterr().err
