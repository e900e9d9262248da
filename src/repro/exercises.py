"""The exercises of a chapter, read from its notebook: for the course page, and to count them.

Exercises stand behind the heading ``## Exercises``, each under a heading of its own,
``### 1. Shaken frames``.  A solution is what :mod:`repro.solutions` takes out of the student
edition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from repro.notebooks import Notebook
from repro.solutions import OPENING

_SECTION = re.compile(r"^## ", re.MULTILINE)
_HEADING = re.compile(r"^### +(?:\d+\. +)?(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes
    ----------
    title:
        Its heading without the number.
    question:
        What stands between the heading and the solution, MyST markdown.
    solutions:
        Number of its folded solutions; none in a student edition.
    code:
        Number of code cells that belong to it.
    """

    title: str
    question: str
    solutions: int
    code: int

    @property
    def predicts(self) -> bool:
        """Whether the reader is asked to predict before looking."""
        return "predict" in f"{self.title} {self.question}".lower()

    @property
    def breaks(self) -> bool:
        """Whether something is made wrong on purpose."""
        return "break it" in self.title.lower()


def of(book: Notebook) -> tuple[Exercise, ...]:
    """Return the exercises of a chapter in their order; empty if it has none."""
    found: list[Exercise] = []
    inside = False
    for cell in book.node().cells:
        if cell.cell_type != "markdown":
            if inside and found:
                found[-1] = replace(found[-1], code=found[-1].code + 1)
            continue
        text = cell.source
        if not inside:
            before, heading, text = text.partition("## Exercises\n")
            inside = bool(heading) and (not before or before.endswith("\n"))
        if not inside:
            continue
        section, *later = _SECTION.split(text, maxsplit=1)  # another one ends the exercises
        found += _in_markdown(section)
        if later:
            break
    return tuple(found)


def _in_markdown(text: str) -> list[Exercise]:
    # The parts between the headings: title, body, title, body, ...
    parts = _HEADING.split(text)[1:]
    return [
        Exercise(title.strip(), OPENING.split(body)[0].strip(), len(OPENING.findall(body)), 0)
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    ]
