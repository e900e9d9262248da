"""Generated parts of pages: scoreboard, errata, parameters."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from helpers import World, a_claim, a_result
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from repro import cli, ledger, pages
from repro.errors import NotebookError
from repro.ledger import Erratum, Row

TITLES = {"notebooks/01_small": "The small chapter", "notebooks/02_other": "Heat & <light>"}
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
    text = pages.parameters()
    assert "## [](../notebooks/01_small)" in text
    assert "## [](../notebooks/02_other)\n\nNo parameters." in text
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
        "b: bool = True  # A flag",
        "r: list = [1, 2]  # Ratios",
    ],
)
def test_the_command_on_the_parameters_page_can_be_typed(
    world: World, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.notebook("01_small", "x = 1", parameters=line)
    (command,) = [t for t in pages.parameters().splitlines() if t.startswith(".venv/bin/repro")]
    assert cli.main([*shlex.split(command)[1:], "--explain"]) == 0
    assert "01_small: reruns: it has not been run yet" in capsys.readouterr().out
