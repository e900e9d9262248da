"""``python -m benchmarks``: rows from tables, each part in a process of its own, nothing guessed."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import pandas as pd
import pytest
from helpers import REPOSITORY, World

from repro import data

sys.path.insert(0, str(REPOSITORY))

import benchmarks.__main__ as everything
from benchmarks import analysis, broken, parts, potential
from benchmarks.broken import Said
from repro.errors import ReproError
from repro.evidence import Measure

SPEEDS = pd.DataFrame([
    {"model": "reference", "ranks": 1, "atoms": 512, "us/atom/step": 80.0, "CPU (%)": 99.0,
     "times ours": 1.0, "times ours, CPU": 1.0},
    {"model": "reference", "ranks": 2, "atoms": 512, "us/atom/step": 40.0, "CPU (%)": 50.0,
     "times ours": 1.0, "times ours, CPU": 1.0},
    {"model": "paper, compressed", "ranks": 2, "atoms": 512, "us/atom/step": 360.0, "CPU (%)": 99.0,
     "times ours": 9.0, "times ours, CPU": 8.5},
    {"model": "paper, compressed", "ranks": 1, "atoms": 512, "us/atom/step": 360.0, "CPU (%)": 99.0,
     "times ours": 4.5, "times ours, CPU": 4.0},
    {"model": "chgnet", "ranks": 1, "atoms": 512, "us/atom/step": 9e4, "CPU (%)": 99.0,
     "times ours": math.nan, "times ours, CPU": math.nan},
])  # fmt: skip


def test_speeds_become_rows_and_only_equal_ranks_have_the_target() -> None:
    rows = parts.from_speeds(SPEEDS)
    assert [row.value for row in rows] == [80.0, 40.0, 9.0, 4.5]
    assert [row.target for row in rows] == ["", "", ">= 8", ""]
    assert rows[2].met == "yes" and "40.0 us/atom/step" in rows[2].ratio_to
    assert "50 % of the time" in rows[1].note


def test_without_the_papers_network_the_target_is_not_measured() -> None:
    for table in (SPEEDS[SPEEDS.model == "reference"], pd.DataFrame()):
        last = parts.from_speeds(table)[-1]
        assert last.met == "not measured" and "--paper-untrained" in last.note


def test_accuracy_is_a_ratio_of_equal_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame({"model": ["paper", "reference-seed3"], "frames": [25, 25],
                          "force error (meV/A)": [100.0, 116.0], "ours / its": [1.0, 2.0]})  # fmt: skip
    assert parts.from_errors(table)[0].value == 1.16 and parts.from_errors(table)[0].met == "no"
    assert parts.from_errors(table[:1])[0].met == "not measured"
    records = {name: potential.chapter.training(name) for name in ("paper", "reference-seed3")}
    shipped = records["paper"]
    for change in (
        {"settings": {**shipped["settings"], "minutes": 14.0}}, {"labels_sha256": "0" * 64},
        {"settings": {**shipped["settings"], "minutes": None}}, {"before": [{"steps": 9}]},
    ):  # fmt: skip
        unlike = records | {"paper": {**shipped, **change}}
        monkeypatch.setattr(potential.chapter, "training", unlike.__getitem__)
        assert parts.from_errors(table)[0].met == "not measured", change
    neither = {name: {**record, "settings": {"minutes": None}} for name, record in records.items()}
    monkeypatch.setattr(potential.chapter, "training", neither.__getitem__)
    assert parts.from_errors(table)[0].met == "not measured"


def test_ratios_of_the_analysis() -> None:
    table = analysis.ratios({"ours": {"g(r)": 0.02, "D2min": 0.03}, "freud": {"g(r)": 0.025}})
    rows = parts.from_ratios(table, atoms=900, frames=5, missing="no OVITO")
    values = {row.name: row for row in rows}
    assert values["g(r), ours"].value == pytest.approx(20.0)
    assert values["g(r), CPU time of ours over freud's"].value == pytest.approx(0.8)
    absent = values["D2min, CPU time of ours over OVITO's"]
    assert absent.met == "not measured" and absent.note == "no OVITO"
    assert len(parts.from_ratios(table, atoms=900, frames=5, missing="")) == 3


def book(monkeypatch: pytest.MonkeyPatch, work: Path, *said: Said) -> list[Measure]:
    answers = iter(said)
    monkeypatch.setattr(broken, "small", broken.Copy)
    monkeypatch.setattr(broken.Copy, "repro", lambda self, *words: next(answers))
    return parts.book_rows(argparse.Namespace(work=work), print)


def test_a_book_that_is_built_twice_is_no_measurement(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, kept = Said("", 0, "built: x", 20.0), Said("", 0, "unchanged: x", 2.0)
    rows = book(monkeypatch, tmp_path, first, kept)
    assert [row.value for row in rows] == [20.0, 0.1]
    for wrong in (first, Said("", 1, "repro: broken", 1.0)):
        with pytest.raises(ReproError, match=r"expected 'unchanged: ' of 'repro book'"):
            book(monkeypatch, tmp_path, first, wrong)


def child(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let each part be a small program; ``FILE`` is where its rows belong."""

    def command(part: str, file: Path, work: Path, words: list[str]) -> list[str]:
        return [sys.executable, "-c", code.replace("FILE", repr(str(file)))]

    monkeypatch.setattr(everything, "command", command)


def test_a_part_that_fails_or_takes_too_long_gives_a_row_that_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child(monkeypatch, "import sys; print('error: no luck', file=sys.stderr); sys.exit(3)")
    rows = everything.run("feff", [], work=tmp_path, limit=60)
    assert [row.note for row in rows] == ["failed with status 3: error: no luck"]
    assert rows[0].met == "not measured"
    child(monkeypatch, "import time; time.sleep(60)")
    assert everything.run("feff", [], work=tmp_path, limit=0.5)[0].note == "stopped after 0.5 s"
    child(monkeypatch, "pass")
    assert (
        everything.run("feff", [], work=tmp_path, limit=60)[0].note
        == "failed with status 0: nothing"
    )


def test_one_command_one_table(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = {"part": "x", "name": "speed-up", "value": 1.5, "unit": "", "target": ">= 1.8"}
    child(monkeypatch, f"open(FILE, 'w').write({json.dumps([row])!r})")
    assert everything.main(["--quick", "--work", str(tmp_path)]) == 0
    assert "Of 4 targets, 0 met, 4 missed" in capsys.readouterr().out
    table = pd.read_csv(data.path("evidence/benchmarks/benchmarks.csv"))
    assert list(table.met) == ["no"] * 4 and (table.load >= 0).all()
    manifest = data.manifest(world.root / "data/evidence/benchmarks")
    assert manifest["command"] == f"python -m benchmarks --quick --work {tmp_path}"
    child(monkeypatch, "raise SystemExit(1)")
    assert everything.main(["--parts", "book", "--work", str(tmp_path)]) == 1
    assert everything.main(["--limit", "0"]) == 1
    assert "expected more than 0 s" in capsys.readouterr().err


def test_options_reach_the_parts(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    parts.options(parser)
    words = [
        "--quick",
        "--paper-untrained",
        "--paper",
        "/x/plain.pb",
        "--paper-compressed",
        "/x/model.pb",
        "--ovito-python",
        "/x/python",
        "--chgnet-python",
        "/y/python",
    ]
    assert everything.passed_on(parser.parse_args(words)) == words
    assert everything.passed_on(parser.parse_args([])) == []


def test_a_part_writes_its_rows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(
        parts.PARTS, "book", lambda args, say: [Measure("book", "once", math.nan, "s")]
    )
    file = tmp_path / "rows.json"
    assert parts.main(["book", "--json", str(file), "--work", str(tmp_path / "w")]) == 0
    assert math.isnan(Measure(**json.loads(file.read_text())[0]).value)
    assert (
        parts.main(["book", "--json", str(tmp_path / "no/rows.json"), "--work", str(tmp_path)]) == 1
    )
    assert "no such folder" in capsys.readouterr().err
