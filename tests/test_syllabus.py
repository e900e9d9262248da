"""The page on teaching: what it names is there, and its times are generated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from repro import exercises, notebooks, pages, parameters

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book/syllabus.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "](../notebooks/" in line]


def test_it_has_a_lesson_for_every_chapter() -> None:
    asked = re.findall(r"^<!-- repro:(course-\d\d) -->$", PAGE, re.MULTILINE)
    assert asked == list(pages.course({}))


def test_times_are_generated_and_none_is_typed() -> None:
    assert "<!-- repro:times -->" in PAGE
    assert not re.search(r"\d+ (s|min)\b|by the clock, \d", PAGE)


def test_it_is_in_the_table_of_contents() -> None:
    assert "file: book/syllabus\n" in (ROOT / "_toc.yml").read_text("utf-8")


def test_the_course_has_every_chapter_that_there_is() -> None:
    named = set(re.findall(r"\.\./notebooks/(\w+)", "\n".join(ROWS)))
    later = {"07", "08"}  # in words while they are still to come
    assert {b.name for b in notebooks.every() if b.name[:2] not in later} <= named


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_exercises_and_parameters_of_a_row_are_those_of_its_chapters(row: str) -> None:
    books = [notebooks.find(name) for name in re.findall(r"\.\./notebooks/(\w+)", row)]
    most = min(len(exercises.of(book)) for book in books)
    for words in re.findall(r"[Ee]xercises? ((?:\d(?:, | and )?)+)|; (\d) and (\d)", row):
        for number in re.findall(r"\d", " ".join(words)):
            assert 1 <= int(number) <= most, row
    known = {p.name: p for book in books for p in book.parameters()}
    for code in re.findall(r"`([^`]+)`", row):
        name, _, value = code.partition(" ")
        assert name in known, f"{code}: no such parameter of {[book.name for book in books]}"
        if value:
            chapter = next(b for b in books if name in {p.name for p in b.parameters()})
            parameters.resolve(chapter.parameters(), {name: value}, notebook=chapter.name)
