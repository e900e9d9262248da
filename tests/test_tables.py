"""Tables of published against computed values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import World, a_claim, a_result, claim_row
from lxml import html

from repro import results, tables
from repro.errors import ClaimError, InputError
from repro.ledger import VERDICTS, Row


def _cells(markup: str) -> list[list[str]]:
    table = html.fromstring(markup)
    return [[cell.text_content() for cell in row] for row in table.iterfind(".//tbody/tr")]


@pytest.mark.parametrize(
    ("tolerance", "words"),
    [({"abs": 1.0}, "± 1 K"), ({"rel": 0.05}, "± 5 %"), ({"exact": True}, "exact")],
)
def test_the_tolerance_in_words(tolerance: dict[str, Any], words: str) -> None:
    row = Row(a_claim(tolerance={**tolerance, "why": "because"}), None)
    assert tables.tolerance_text(row) == words


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_badge_says_its_verdict_in_words(verdict: str) -> None:
    badge = html.fromstring(tables.badge(verdict))
    assert badge.text_content() == verdict
    assert badge.get("class").split() == ["verdict", "verdict-" + verdict.replace(" ", "-")]


def test_the_table_has_a_line_per_row() -> None:
    rows = [
        Row(a_claim(says="First"), a_result(42.5, uncertainty=0.2)),
        Row(a_claim(says="Second", verdict="pending", note="later"), None),
    ]
    first, second = _cells(tables.comparison_html(rows))
    assert first == ["First", "42 Ktolerance ± 1 K", "42.50 ± 0.20 K", "reproduced"]
    assert second == ["Secondlater", "42 Ktolerance ± 1 K", "–", "pending"]


def test_texts_are_escaped() -> None:
    nasty = "<script>alert(1)</script> & <70"
    row = Row(
        a_claim("text", nasty, "", says=nasty, note=nasty, tolerance={"exact": True, "why": "x"}),
        a_result(nasty, ""),
    )
    markup = tables.comparison_html([row])
    assert "<script" not in markup
    assert markup.count("&lt;script&gt;") == 4
    assert _cells(markup)[0][2] == nasty


def test_comparison_reads_what_this_process_recorded(world: World) -> None:
    world.claims(claim_row("one", result="a.b", verdict="reproduced"), claim_row("two"))
    results.record("a.b", 42.25, unit="K")
    (line,) = _cells(tables.comparison("one").data)
    assert line[2] == "42.25 K"


def test_comparison_within_a_run_reads_its_results_and_notes_the_rows(
    world: World, run_folder: Path
) -> None:
    world.claims(claim_row("one", result="a.b", verdict="reproduced"), claim_row("two"))
    results.record("a.b", 42.25, unit="K")
    results.RECORDED.clear()
    lines = _cells(tables.comparison("two", "one").data)
    assert [line[2] for line in lines] == ["–", "42.25 K"]
    noted = (run_folder / "data_reads.jsonl").read_text().splitlines()
    assert [json.loads(line)["file"] for line in noted] == ["claims.yaml#two", "claims.yaml#one"]


def test_a_value_recorded_after_its_row_was_shown(world: World, run_folder: Path) -> None:
    world.claims(claim_row("one", result="a.b", verdict="reproduced"), claim_row("two"))
    tables.comparison("one")
    results.record("c.d", 1.0)
    with pytest.raises(InputError, match=r"'a\.b': a table has shown its row without it"):
        results.record("a.b", 42.25, unit="K")


def test_at_the_keyboard_cells_may_run_in_any_order(world: World) -> None:
    world.claims(claim_row("one", result="a.b", verdict="reproduced"))
    tables.comparison("one")
    results.record("a.b", 42.25, unit="K")
    assert _cells(tables.comparison("one").data)[0][2] == "42.25 K"


def test_comparison_of_an_unknown_claim(world: World) -> None:
    world.claims(claim_row("one"))
    with pytest.raises(ClaimError, match=r"no claim 'on'.*did you mean 'one'"):
        tables.comparison("on")


def test_one_shape_of_table() -> None:
    rows = [tables.tr("a", "<b>1</b>"), tables.tr("c", "2")]
    assert tables.html_table(("X", "Y"), rows) == (
        '<table class="ledger"><thead><tr><th scope="col">X</th><th scope="col">Y</th></tr></thead>'
        "<tbody>\n<tr><td>a</td><td><b>1</b></td></tr>\n<tr><td>c</td><td>2</td></tr>\n</tbody></table>"
    )
    other = tables.html_table(("X",), [], attributes='class="z"', top="<colgroup></colgroup>")
    assert other.startswith('<table class="z"><colgroup></colgroup><thead>')


def test_a_table_for_the_eye() -> None:
    table = pd.DataFrame({"a": [1.2345, float("nan")], "b": [2.5, 1e3], "words": ["x", "y"]})
    shown = tables.rounded(table, {"a": 2, "b": 0})
    assert shown.a.tolist() == ["1.23", "–"] and shown.b.tolist() == ["2", "1000"]
    assert shown.words.tolist() == ["x", "y"] and table.a[0] == 1.2345
    with pytest.raises(InputError, match="columns c: the table has a, b, words"):
        tables.rounded(table, {"c": 1})


def test_a_sentence_in_a_cell_is_not_cut() -> None:
    assert "word " * 40 + "end" in pd.DataFrame({"a": ["word " * 40 + "end"]}).to_html()
