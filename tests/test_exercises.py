"""Exercises read from notebooks: titles, questions, kinds, solutions, code."""

from __future__ import annotations

import pytest
from helpers import HEADER, World
from lxml import html

from repro import exercises, notebooks, pdf_pages, solutions, student
from repro.notebooks import Notebook

CHAPTER = """\
# %% [markdown]
# # A small chapter
#
# ### Not an exercise

# %%
x = 1

# %% [markdown]
# A last word.
#
# ## Exercises
#
# A word before the first.
#
# ### 1. Hotter
#
# Predict what comes. Which is larger?
#
# :::{dropdown} Solution
# Predictably the aardvark.
# :::

# %% tags=["hide-cell"]
y = 2

# %% tags=["hide-cell"]
z = 3

# %% [markdown]
# ### Break it: no control
#
# What now?
#
# ::::{dropdown} Solution: in two steps
# One.
# ::::
#
# ### 12. Neither
#
# Think. There is no solution to this one.

# %% [markdown]
# ## The end
#
# ### Not an exercise either

# %%
w = 4
"""


def small(world: World, text: str = CHAPTER) -> Notebook:
    return Notebook(world.write("notebooks/01_small.py", HEADER + "\n" + text))


def test_each_exercise_is_read(world: World) -> None:
    found = exercises.of(small(world))
    assert [(e.title, e.solutions, e.code) for e in found] == [
        ("Hotter", 1, 2),
        ("Break it: no control", 1, 0),
        ("Neither", 0, 0),
    ]
    assert found[0].question == "Predict what comes. Which is larger?"
    assert [(e.predicts, e.breaks) for e in found] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_a_solution_does_not_make_its_exercise_a_prediction(world: World) -> None:
    text = CHAPTER.replace("Predict what comes. ", "")
    assert not exercises.of(small(world, text))[0].predicts


def test_a_student_edition_has_the_same_exercises_without_solutions(world: World) -> None:
    full = exercises.of(small(world))
    bare = exercises.of(
        Notebook(
            world.write(
                "notebooks/01_small.py",
                solutions.without(HEADER + "\n" + CHAPTER, name="01_small").script,
            )
        )
    )
    assert [e.title for e in bare] == [e.title for e in full]
    assert [e.solutions for e in bare] == [0, 0, 0]


@pytest.mark.parametrize(
    ("old", "new"),
    [("# ## Exercises", "# ## Other things"), ("# ## Exercises", "# Talk of ## Exercises")],
)
def test_a_chapter_without_the_heading_has_none(world: World, old: str, new: str) -> None:
    assert exercises.of(small(world, CHAPTER.replace(old, new))) == ()


def test_every_chapter_of_the_book_has_some() -> None:
    assert min(len(exercises.of(book)) for book in notebooks.every()) >= 3


@pytest.mark.parametrize(
    "title", ["Solution", "Solutions", "Solution: part b", "solution", " Solution"]
)
def test_a_solution_is_known_by_its_title_everywhere(title: str) -> None:
    cell = (
        f"## Exercises\n\n### 1. Predict\n\nGuess what.\n\n:::{{dropdown}}{title}\nForty-two.\n:::"
    )
    (found,) = exercises._in_markdown(cell.partition("\n")[2])
    assert (found.solutions, found.question) == (1, "Guess what.")
    left, taken = solutions.without_dropdowns(cell, name="n", where="w")
    assert len(taken) == 1 and "Forty-two" not in left
    assert student._ANY.search(cell) and not student._ANY.search(left)
    assert student._ANY.search(f":::{{note}}{title}")
    page = html.fragment_fromstring(
        f"<div><details><summary>{title}</summary><p>Forty-two.</p></details></div>"
    )
    assert len(pdf_pages.solutions(page, "p")) == 1


@pytest.mark.parametrize("title", ["Solutionism", "A solution", "Hint"])
def test_what_is_no_solution(title: str) -> None:
    cell = f"### 1. Predict\n\nGuess what.\n\n:::{{dropdown}} {title}\nForty-two.\n:::"
    assert exercises._in_markdown(cell)[0].solutions == 0
    assert solutions.without_dropdowns(cell, name="n", where="w")[1] == []
    assert not student._ANY.search(cell)
    page = html.fragment_fromstring(
        f"<div><details><summary>{title}</summary><p>Forty-two.</p></details></div>"
    )
    assert pdf_pages.solutions(page, "p") == []
