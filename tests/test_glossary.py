"""The glossary: two sentences a term, each leading to a chapter that has the term."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from helpers import World
from hypothesis import given
from hypothesis import strategies as st

from repro import glossary, ledger, notebooks
from repro.errors import InputError
from repro.glossary import Entry

ROOT = Path(__file__).resolve().parents[1]
ENTRIES = glossary.load()
CHAPTERS = {book.name: book for book in notebooks.every()}
ONE = {"term": "Quench", "means": "Fast. Cold.", "chapter": "01_small"}


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.term for entry in ENTRIES])
class TestEachTerm:
    """The page that ships."""

    def test_the_chapter_it_leads_to_has_it(self, entry: Entry) -> None:
        if entry.chapter not in CHAPTERS:
            planned = yaml.safe_load((ROOT / "data/claims.yaml").read_text("utf-8"))["claims"]
            assert f"notebooks/{entry.chapter}" in {row["chapter"] for row in planned}
            return
        cells = CHAPTERS[entry.chapter].node().cells
        assert entry.occurs_in("\n".join(c.source for c in cells if c.cell_type == "markdown"))

    def test_it_is_said_in_two_sentences(self, entry: Entry) -> None:
        assert len(re.split(r"(?<=[.!?])\s+(?=[A-Z$])", entry.means)) == 2
        assert entry.means[-1] == "."
        assert 20 <= len(entry.means.split()) <= 70

    def test_it_has_no_measured_number(self, entry: Entry) -> None:
        # A number with a unit would be a result; those come from the chapters.
        assert not re.search(r"\d+(\.\d+)?\s?(meV|eV|GPa|MPa|mS|°C|Å)", entry.means)


def test_the_terms_that_a_reader_will_look_up() -> None:
    asked = {"Anion exchange", r"$D^2_\mathrm{min}$", "EXAFS", "Haven ratio", "Virial",
             "Shear transformation zone", "Glass transition", "Arrhenius law"}  # fmt: skip
    assert asked <= {entry.term for entry in ENTRIES}


def test_every_chapter_of_the_first_part_has_a_term() -> None:
    used = {entry.chapter for entry in ENTRIES}
    assert {name for name in CHAPTERS if name < "07"} <= used


def test_terms_are_in_order() -> None:
    terms = [entry.term.lstrip("$").casefold() for entry in ENTRIES]
    assert terms == sorted(terms)


def test_the_page_has_its_marker() -> None:
    assert "\n<!-- repro:glossary -->\n" in (ROOT / "book/glossary.md").read_text("utf-8")


def test_a_word_broken_over_lines_is_found_and_another_is_not() -> None:
    entry = Entry("Glass transition", "x", "01", ("glass transition",))
    assert entry.occurs_in("the Glass\n    transition of it")
    assert not entry.occurs_in("the glass has no transition")


def test_the_page_links_to_chapters_that_are_there() -> None:
    entries = [
        Entry("One", "GaF3 is first. Yes.", "01_small", ("One",)),
        Entry("Two", "B. C.", "09_later", ("Two",)),
    ]
    text = glossary.page(entries, ["01_small"])
    assert text.startswith(":::{glossary}\nOne\n  ") and text.endswith("\n:::")
    assert "[](../notebooks/01_small)." in text
    assert "09_later" not in text
    assert "B. C. *Its chapter is still to be written.*" in text
    assert "GaF3" not in text  # its number is set low, as everywhere on the pages


def test_no_terms_are_no_directive() -> None:
    assert glossary.page([], []) == "No terms yet."


@given(
    st.lists(st.text("abcABC ", min_size=1).filter(str.strip), min_size=1, unique_by=str.casefold)
)
def test_any_list_of_terms_comes_back_whole(
    tmp_path_factory: pytest.TempPathFactory, terms: list[str]
) -> None:
    file = tmp_path_factory.mktemp("glossary") / "g.yml"
    file.write_text(yaml.safe_dump([{**ONE, "term": term} for term in terms]))
    entries = glossary.load(file)
    assert sorted(entry.term for entry in entries) == sorted(terms)
    assert all(entry.words == (entry.term,) for entry in entries)
    text = glossary.page(entries, ["01_small"])
    assert text.count("[](../notebooks/01_small)") == len(terms)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("term: x", "expected a list of entries"),
        ("- x", "expected a list of entries"),
        ("- {", "not YAML"),
        ([{"means": "A. B.", "chapter": "01"}], "entry None: expected a text as its 'term'"),
        ([{**ONE, "means": " "}], "entry 'Quench': expected a text as its 'means'"),
        ([{**ONE, "chapter": 1}], "entry 'Quench': expected a text as its 'chapter'"),
        ([{**ONE, "see": "x"}], "entry 'Quench': unknown field 'see'; known: term, means"),
        ([{**ONE, "words": "quench"}], "entry 'Quench': expected a list of texts as its 'words'"),
        ([{**ONE, "words": []}], "entry 'Quench': expected a list of texts as its 'words'"),
        ([ONE, {**ONE, "term": "quench"}], "term 'quench' stands twice"),
    ],
)
def test_a_slip_is_named(world: World, content: object, said: str) -> None:
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    file = world.write(glossary.FILE, text)
    with pytest.raises(InputError) as caught:
        glossary.load()
    assert said in str(caught.value) and str(file) in str(caught.value)


def test_a_missing_file_is_named(world: World) -> None:
    with pytest.raises(InputError, match="no such file; the glossary page is made from it"):
        glossary.load()


def test_chapters_named_by_the_ledger_are_known() -> None:
    # A slip in `chapter` would show as "still to be written" for ever.
    text = (ROOT / "data" / ledger.CLAIMS).read_text("utf-8")
    assert all(
        entry.chapter in CHAPTERS or f"notebooks/{entry.chapter}" in text for entry in ENTRIES
    )
