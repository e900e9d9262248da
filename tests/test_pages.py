"""Generated parts of pages: scoreboard, errata, parameters, course."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import World, a_claim, a_result, claim_row
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from repro import cli, ledger, notebooks, pages
from repro.errors import ClaimError, NotebookError
from repro.ledger import Erratum, Row
from repro.times import Time

ROOT = Path(__file__).resolve().parents[1]
TITLES = {"notebooks/01_small": "The small chapter", "notebooks/02_other": "Heat & <light>"}
TIMES = {"01_small": Time(62.0, 41.0, 1.5, "Linux x86_64, 2 cores", "2026-11-27")}
FIGURES = {"fig-one": "notebooks/01_small.py", "fig-two": "notebooks/02_other.py"}


class TestFill:
    """Markers on lines of their own."""

    def test_a_marker_is_replaced_and_the_prose_stays(self) -> None:
        text = "# T\n\n<!-- repro:a -->\n\nmiddle\n<!-- repro:b-c -->\n"
        parts = {"a": lambda: "AAA", "b-c": lambda: r"B\1"}
        assert pages.fill(text, parts, name="p.md") == "# T\n\nAAA\n\nmiddle\nB\\1\n"

    def test_parts_that_are_not_asked_for_are_not_made(self) -> None:
        def never() -> str:
            raise AssertionError("made without being asked for")

        assert pages.fill("text", {"a": never}, name="p.md") == "text"

    def test_an_unknown_marker_is_named_with_its_page(self) -> None:
        with pytest.raises(NotebookError) as caught:
            pages.fill("<!-- repro:scorebord -->", {"scoreboard": str}, name="p.md")
        assert "p.md: unknown part 'scorebord'" in str(caught.value)
        assert "did you mean 'scoreboard'" in str(caught.value)

    @pytest.mark.parametrize("text", ["in a line <!-- repro:a --> of text", "<!-- other:a -->"])
    def test_other_comments_are_left_alone(self, text: str) -> None:
        assert pages.fill(text, {}, name="p.md") == text

    @given(st.text())
    def test_texts_without_markers_are_unchanged(self, text: str) -> None:
        if "<!-- repro:" not in text:
            assert pages.fill(text, {}, name="p.md") == text


KNOWN = {
    "small.answer": a_result(42.52, uncertainty=1.25),
    "small.name": a_result("Li3GaF6", unit="", key="small.name"),
    "small.count": a_result(7, unit="", key="small.count"),
}


class TestValues:
    """Numbers on the pages of ``book/`` come from the runs and the ledger."""

    def test_a_result_its_error_a_text_and_a_count(self) -> None:
        text = (
            "It is {glue:text}`small.answer:.1f` ± {glue:text}`small.answer.err:.0f` K of "
            "{glue:text}`small.name`, {glue:text}`small.count` times; {cite}`a2020`, `{{ x }}`."
        )
        assert pages.values(text, KNOWN, name="p.md") == (
            "It is 42.5 ± 1 K of Li₃GaF₆, 7 times; {cite}`a2020`, `{{ x }}`."
        )

    @pytest.mark.parametrize(("value", "shown"), [(-83.87, "\N{MINUS SIGN}84"), (83.87, "84")])
    def test_a_negative_number_has_a_true_minus(self, value: float, shown: str) -> None:
        known = {"small.answer": a_result(value)}
        assert pages.values("{glue:text}`small.answer:.0f`", known, name="p.md") == shown

    def test_a_published_value(self, world: World) -> None:
        world.claims(claim_row("one"))
        assert pages.values("says {paper:text}`one`", {}, name="p.md") == "says 42 K"
        with pytest.raises(ClaimError, match=r"no claim 'on' .*did you mean 'one'"):
            pages.values("{paper:text}`on`", {}, name="p.md")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{glue:text}`small.anser`", "no run has recorded 'small.anser' (did you mean"),
            ("{glue:text}`small.count.err`", "'small.count.err': the result has no error"),
            ("{glue:text}`small.name:.1f`", "'small.name': Unknown format code 'f'"),
        ],
    )
    def test_what_cannot_be_shown_is_named_with_its_page(self, text: str, said: str) -> None:
        with pytest.raises(NotebookError, match=re.escape(f"p.md: {said}")):
            pages.values(text, KNOWN, name="p.md")

    def test_the_pages_of_the_book_ask_for_what_chapters_record(self) -> None:
        sources = "\n".join(book.text for book in notebooks.every())
        asked = set()
        for page in (ROOT / "book").rglob("*.md"):
            text = page.read_text("utf-8")
            asked |= {key for kind, key, _ in pages._VALUE.findall(text) if kind == "glue"}
            for kind, key, _ in pages._VALUE.findall(text):
                assert kind == "glue" or ledger.load()[key]
        assert len(asked) > 5
        lacking = {key for key in asked if f'record("{key.removesuffix(".err")}"' not in sources}
        assert not lacking


class TestLink:
    """Each row leads to its figure, or to its chapter."""

    def test_to_the_figure(self) -> None:
        row = Row(a_claim(figure="fig-one"), None)
        assert (
            pages.link(row, TITLES, FIGURES)
            == '<a href="../notebooks/01_small.html#fig-one">The small chapter (figure)</a>'
        )

    def test_to_a_figure_in_another_chapter(self) -> None:
        row = Row(a_claim(figure="fig-two"), None)
        assert 'href="../notebooks/02_other.html#fig-two"' in pages.link(row, TITLES, FIGURES)

    def test_to_the_chapter(self) -> None:
        row = Row(a_claim(chapter="notebooks/02_other"), None)
        assert (
            pages.link(row, TITLES, FIGURES)
            == '<a href="../notebooks/02_other.html">Heat &amp; &lt;light&gt;</a>'
        )

    def test_a_figure_that_is_not_built_leads_to_the_chapter(self) -> None:
        row = Row(a_claim(figure="fig-three"), None)
        assert 'href="../notebooks/01_small.html"' in pages.link(row, TITLES, FIGURES)

    def test_without_a_chapter(self) -> None:
        assert pages.link(Row(a_claim(chapter=None), None), TITLES, FIGURES) == "no chapter"

    def test_a_chapter_still_to_come(self) -> None:
        row = Row(a_claim(chapter="notebooks/09_later"), None)
        assert pages.link(row, TITLES, FIGURES) == "planned: 09_later"


def _rows() -> list[Row]:
    return [
        Row(a_claim(id="one", says="First", figure="fig-one"), a_result(42.5, note="why 42.5")),
        Row(a_claim(id="two", says="Second", verdict="disagrees", note="off"), a_result(50.0)),
        Row(
            a_claim(
                id="three", says="Third", kind="setting", chapter=None, verdict="not testable here"
            ),
            None,
        ),
    ]


def _parsed(rows: list[Row]) -> Any:
    return html.fromstring(pages.scoreboard(rows, TITLES, FIGURES))


def test_the_scoreboard_has_a_row_per_claim_in_order() -> None:
    lines = _parsed(_rows()).findall(".//tbody/tr")
    assert [line.get("id") for line in lines] == ["claim-one", "claim-two", "claim-three"]
    assert [line.get("data-verdict") for line in lines] == [
        "reproduced",
        "disagrees",
        "not testable here",
    ]
    assert [line.get("data-kind") for line in lines] == ["result", "result", "setting"]
    assert [line.get("data-chapter") for line in lines] == ["01_small", "01_small", "none"]


def test_a_scoreboard_row_says_all_a_reader_needs() -> None:
    first, second, third = _parsed(_rows()).findall(".//tbody/tr")
    text = first.text_content()
    for words in ("First", "Results, p. 1", "one kelvin is what we can resolve", "why 42.5"):
        assert words in text
    assert [cell.text_content() for cell in first][1:] == ["42 K", "42.5 K", "reproduced"]
    assert first.find(".//a").get("href") == "../notebooks/01_small.html#fig-one"
    assert "off" in second.text_content()
    assert third[2].text_content() == "–"


def test_the_filters_offer_what_is_there() -> None:
    board = _parsed(_rows())
    offered = {
        select.get("data-filter"): [option.get("value") for option in select]
        for select in board.findall(".//select")
    }
    assert offered == {
        "verdict": ["", "reproduced", "disagrees", "not testable here"],
        "kind": ["", "result", "setting"],
        "chapter": ["", "01_small", "none"],
    }
    assert board.find(".//output").text_content() == "3 of 3 claims"


def test_texts_are_escaped_and_cannot_end_the_html_block() -> None:
    nasty = '<b onclick="x">&\n\n# heading\n\n</table>'
    claim = a_claim(
        says=nasty,
        where=nasty,
        note=nasty,
        addressed=nasty,
        tolerance={"abs": 1.0, "why": nasty},
    )
    markup = pages.scoreboard([Row(claim, a_result(note=nasty))], TITLES, FIGURES)
    assert "<b " not in markup
    # A blank line would hand the rest of the table to the Markdown parser.
    assert "\n\n" not in markup
    assert markup.count("</table>") == 1
    assert markup.count("&lt;b onclick=&quot;x&quot;&gt;&amp; # heading") == 6


def test_the_scoreboard_of_the_book_has_every_claim() -> None:
    rows = ledger.load().join({})
    lines = html.fromstring(pages.scoreboard(rows, {}, {})).findall(".//tbody/tr")
    assert [line.get("id") for line in lines] == [f"claim-{row.claim.id}" for row in rows]
    assert "\n\n" not in pages.scoreboard(rows, {}, {})


def test_errata_are_definitions_with_anchors() -> None:
    text = pages.errata(
        [Erratum("anion-exchange", "Eq. 1", "A + B", "it does not balance", "A + 2 B")]
    )
    assert text.startswith("(erratum-anion-exchange)=\n## Anion exchange\n")
    for words in ("**Where.** Eq. 1", "A + B", "it does not balance", "**Read instead.** A + 2 B"):
        assert words in text


def test_the_parameters_page_lists_every_notebook(world: World) -> None:
    world.notebook(
        "01_small",
        "x = 1",
        parameters='s: str = ""  # A <word>\nn: float = 1.5  # A number; allowed: 0..9',
    )
    world.notebook("02_other", "x = 1")
    text = pages.parameters(TIMES)
    assert "## [](../notebooks/01_small)" in text
    assert "## [](../notebooks/02_other)\n\nNo parameters." in text
    assert text.count("Expected time") == 1  # the other was not measured
    assert (
        "Expected time with the defaults: 1 min 2 s by the clock, 41 s of processor time." in text
    )
    table = html.fromstring(text[text.index("<table") : text.index("</table>")])
    cells = [[c.text_content() for c in line] for line in table.iterfind(".//tbody/tr")]
    assert cells == [
        ["s", "str", "''", "A <word>", "any text"],
        ["n", "float", "1.5", "A number", "0 to 9"],
    ]


@pytest.mark.parametrize(
    "line",
    [
        's: str = ""  # A word',
        's: str = "two words"  # Words',
        's: str = "it\'s; rm *"  # Words',
        's: str = "a"  # A choice; allowed: a, b c',
        "n: float = -1e-05  # A number",
        "n: float = 900.0  # A number; allowed: 300..1500",
        "n: int = 3  # A number; allowed: 3, 5",
        "b: bool = True  # A flag",
        "r: list = [1, 2]  # Ratios",
    ],
)
def test_the_command_on_the_parameters_page_can_be_typed(
    world: World, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.notebook("01_small", "x = 1", parameters=line)
    (command,) = [t for t in pages.parameters({}).splitlines() if t.startswith(".venv/bin/repro")]
    assert cli.main([*shlex.split(command)[1:], "--explain"]) == 0
    assert "01_small: reruns: it has not been run yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ("n: float = 900.0  # T; allowed: 300..1500\nb: bool = True  # F", "-p n 600"),
        ('b: bool = True  # F\ns: str = "a"  # C; allowed: a, b', "-p s b"),
        ('t: str = "x"  # Text\nb: bool = True  # F', "-p b false"),
        ("n: float = 2.0  # T; allowed: 1..60", "-p n 1.5"),
        ('t: str = "x"  # Text', "-p t x"),
    ],
)
def test_the_example_changes_something_and_never_costs_more(
    world: World, lines: str, shown: str
) -> None:
    world.notebook("01_small", "x = 1", parameters=lines)
    text = pages.parameters({})
    assert f".venv/bin/repro run 01_small {shown}\n" in text
    assert f".venv/bin/papermill notebooks/01_small.ipynb mine.ipynb \\\n  {shown}\n" in text


@pytest.mark.live
def test_the_papermill_line_runs_as_it_stands(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.notebook("01_small", "assert n == 600", parameters="n: int = 900  # N; allowed: 600, 900")
    text = pages.parameters({}).replace("\\\n", "")  # as a shell reads it
    (line,) = [t for t in text.splitlines() if t.startswith(".venv/bin/papermill")]
    program = Path(sys.executable).with_name("papermill")
    done = subprocess.run(
        [program, *shlex.split(line)[1:]], cwd=world.root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "600" in (world.root / "mine.ipynb").read_text("utf-8")


EXERCISES = """\
x = 1

# %% [markdown]
# ## Exercises
#
# ### 1. Hotter
#
# Predict, then look.
#
# :::{dropdown} Solution
# Yes.
# :::
#
# ### 2. Break it: no control
#
# What now?
"""


def test_a_lesson_of_the_course_page(world: World) -> None:
    world.notebook("01_small", EXERCISES, parameters='s: str = ""  # A word\nn: int = 1  # N')
    world.notebook("03_large", "x = 1")
    parts = pages.course(TIMES)
    assert list(parts) == ["course-01", "course-02", "course-03"]
    first = parts["course-01"]()
    assert first.splitlines()[0] == "### [](../notebooks/01_small)"
    for words in ("1 min 2 s by the clock, 41 s of processor time", "`s`, `n`",
                  "  1. Hotter *(predict)*\n  2. Break it: no control *(break)*"):  # fmt: skip
        assert words in first
    assert parts["course-02"]() == "### Chapter 2\n\n*This chapter is still to come.*"
    assert "not measured yet" in parts["course-03"]()
    assert pages.fill("<!-- repro:course-02 -->", parts, name="p").startswith("### Chapter 2")
