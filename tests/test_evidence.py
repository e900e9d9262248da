"""Evidence: targets decide by themselves, and the pages say what was missed."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import World

from repro import data, evidence
from repro.errors import DataError, InputError
from repro.evidence import Measure

ROW = Measure("FEFF", "speed-up", 1.9, "", ratio_to="one at a time, 9 s", target=">= 1.8", note="n")
FAULT = {
    "broken": "a bit", "command": "repro verify", "expected": "it is named", "status": 1,
    "said": "a.csv: altered", "caught": "yes", "wrong": "", "seconds": 2.0,
}  # fmt: skip


def keep(*rows: Measure, line: str = "python -m benchmarks", load: float = 0.1) -> Path:
    made = evidence.table(rows, seconds=12.34, load=load)
    return evidence.write(evidence.BENCHMARKS, made, line=line, load=load, wall_s=60.0)


def keep_faults(*rows: dict[str, Any]) -> None:
    made = pd.DataFrame(rows)
    made["status"] = made.status.astype("Int64")
    evidence.write(evidence.FAULTS, made, line="python -m benchmarks.faults", load=0.1, wall_s=60.0)


@pytest.mark.parametrize(
    ("value", "target", "met"),
    [(1.8, ">= 1.8", "yes"), (1.79, ">= 1.8", "no"), (1.0, "<= 1", "yes"), (1.01, "<= 1", "no"),
     (math.nan, "<= 1", "not measured"), (math.nan, "", "not measured"), (5.0, "", "")],
)  # fmt: skip
def test_a_target_decides(value: float, target: str, met: str) -> None:
    assert replace(ROW, value=value, target=target).met == met


@pytest.mark.parametrize("target", ["1.8", "> 1.8", "at least 2", ">= "])
def test_a_target_of_another_form_is_refused(target: str) -> None:
    with pytest.raises(InputError, match=r"expected '<= X' or '>= X'"):
        replace(ROW, target=target)


def test_a_table_says_under_what_it_was_measured() -> None:
    made = evidence.table([ROW, replace(ROW, value=1.0)], seconds=12.34, load=3.456)
    assert list(made.met) == ["yes", "no"]
    assert set(made.load) == {3.46} and set(made.seconds) == {12.3}
    assert made.machine[0].startswith(data.machine()) and "numpy" in made.versions[0]
    assert made.date[0].count("-") == 2


def test_a_table_comes_back_as_it_was(world: World) -> None:
    rows = [
        ROW,
        Measure("book", "again, nothing changed", math.nan, "s", note="stopped, after 5 s"),
    ]
    folder = keep(*rows)
    assert folder == world.root / "data/evidence/benchmarks"
    found = evidence.shipped(evidence.BENCHMARKS)
    assert found is not None
    assert evidence._rows(found[0])[0] == ROW
    again = evidence._rows(found[0])[1]
    assert math.isnan(again.value) and again.target == "" and again.note == rows[1].note
    assert found[1]["command"] == "python -m benchmarks"
    assert data.verify() == (1, [])


def test_what_was_never_measured_is_said(world: World) -> None:
    assert evidence.benchmarks_page() == "Not measured yet; `python -m benchmarks` does it.\n"
    assert evidence.faults_page() == "Not measured yet; `python -m benchmarks.faults` does it.\n"
    evidence.stage(world.root / "staged")
    assert not (world.root / "staged").exists()


def test_an_altered_table_is_not_shown(world: World) -> None:
    file = keep(ROW) / "benchmarks.csv"
    file.write_text(file.read_text().replace("1.9", "9.9"))
    with pytest.raises(DataError, match="altered"):
        evidence.benchmarks_page()


def test_missed_targets_are_named_first(world: World) -> None:
    keep(ROW, Measure("analysis", "ours over <freud>", 1.7, "", target="<= 1"),
         Measure("potential", "the paper's", math.nan, "", target=">= 8", note="not shipped"),
         Measure("book", "once", 12.0, "s"))  # fmt: skip
    page = evidence.benchmarks_page()
    first = page.splitlines()[0]
    assert first.startswith("Of 3 targets, 1 met, 1 missed, 1 not measured.")
    assert "Missed: analysis, ours over &lt;freud&gt; (1.7, asked for &lt;= 1)." in first
    assert page.count("<tr>") == 5 and "<freud>" not in page
    assert "<td>12 s</td>" in page and "not shipped" in page
    assert "Other work ran" not in page and "A trial with small cases" not in page
    assert "{download}`benchmarks.csv <../data/evidence/benchmarks/benchmarks.csv>`" in page


def test_a_busy_machine_and_a_trial_are_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "machine", lambda: "Linux x86_64, 2 cores")
    keep(ROW, load=1.1, line="python -m benchmarks --quick")
    page = evidence.benchmarks_page()
    assert page.startswith("**A trial with small cases**")
    assert "**Other work ran on the same cores.**" in page
    keep(ROW, load=0.9)
    assert "Other work ran" not in evidence.benchmarks_page()


def test_what_was_not_caught_stands_out(world: World) -> None:
    keep_faults(
        FAULT,
        FAULT | {"broken": "a <kill>", "caught": "no", "wrong": "exit status 0, expected 1", "status": 0},
        FAULT | {"broken": "a full disk", "caught": "not tried", "status": None, "command": "", "said": "",
                 "wrong": "no tmpfs"},
        FAULT | {"broken": "nothing (control)", "status": 0},
    )  # fmt: skip
    page = evidence.faults_page()
    first = page.splitlines()[0]
    assert first.startswith("3 faults: 1 ended as expected, 1 did not, 1 could not be tried.")
    assert "1 control with nothing broken: 1 as expected." in first
    assert "Not caught: **a &lt;kill&gt;**." in first and "<kill>" not in page
    assert "<strong>no</strong>" in page and "exit status 0, expected 1" in page
    assert "exit status 1: a.csv: altered" in page and "no tmpfs" in page


def test_all_caught_names_none_and_long_hashes_are_cut(world: World) -> None:
    digest = "0123456789ab" + 52 * "c"
    keep_faults(FAULT | {"said": f"expected sha256 {digest} ({digest[:12]})"})
    page = evidence.faults_page()
    assert "Not caught" not in page and digest not in page
    assert "expected sha256 0123456789ab… (0123456789ab)" in page
    assert page.count("<col ") == page.count("<th ") == 5


def test_tables_are_staged_to_be_downloaded(world: World) -> None:
    keep(ROW)
    keep_faults(FAULT)
    evidence.stage(world.root / "staged")
    for kind in (evidence.BENCHMARKS, evidence.FAULTS):
        name = f"evidence/{kind}/{kind}.csv"
        assert (world.root / "staged" / name).read_bytes() == (
            world.root / "data" / name
        ).read_bytes()
