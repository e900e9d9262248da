"""The student edition: every exercise, no solution, and still a book that builds."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import HEADER, World, claim_row, tree_hash
from hypothesis import given, settings
from hypothesis import strategies as st

from repro import cli, ledger, notebooks, pages, results, runner, solutions, student
from repro.errors import InputError, NotebookError
from repro.results import Result

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = """\
# %% [markdown]
# # A small chapter
#
# The largest is {glue:text}`small.largest:.2f` ± {glue:text}`small.largest.err:.1f` K.

# %% tags=["parameters"]
n: int = 3  # A number; allowed: 0..9

# %%
from repro.results import record
values = [1.0, 2.0, float(n)]

# %% [markdown]
# ## Exercises
#
# ### 1. Predict, then run
#
# Which is larger? The secret differs by {glue:text}`small.secret:.1f` K.
#
# :::{dropdown} Solution
# The aardvark is larger.
# :::
#
# ### 2. Break it
#
# Read it as radians.
#
# ::::{dropdown} Solution: with a note
# :::{note}
# A bandicoot in a note.
# :::
# Behind the note.
# ::::

# %% tags=["hide-cell"]
capybara = sum(values)
record("small.largest", max(values), unit="K", uncertainty=0.5)
record("small.secret", capybara, unit="K")
record("small.nobody_asks", 5.0)

# %% tags=["hide-cell"]
print("dormouse", capybara)

# %% [markdown]
# ## The end
#
# Nothing more.

# %% tags=["hide-cell"]
print("a folded cell that is no solution")
"""
CHEAP = ("02", "04", "09")
SECRETS = ("aardvark", "bandicoot", "Behind the note", "capybara", "dormouse", "nobody_asks")


def stripped(text: str = CHAPTER, **options: object) -> solutions.Stripped:
    return solutions.without(HEADER + "\n" + text, name="01_small", **options)  # type: ignore[arg-type]


@pytest.fixture
def small(world: World) -> World:
    book = notebooks.Notebook(world.write("notebooks/01_small.py", HEADER + "\n" + CHAPTER))
    book.ipynb.write_text(book.rendered(), encoding="utf-8")
    rows = {"verdict": "reproduced", "chapter": "notebooks/01_small"}
    world.claims(
        claim_row("open", result="small.secret", figure="fig-small", **rows),
        claim_row("kept", result="small.largest", **rows),
        claim_row("other"),
    )
    world.data_set("numbers", {"a.csv": "1\n"})
    world.write("book/index.md", "# Index\n\n:::{dropdown} Solution\nThe echidna.\n:::\n\nMore.\n")
    world.write("book/how_to.md", "# How to\n\n<!-- repro:exercises -->\n")
    world.write("marks.csv", "anna,1.0\n")
    world.write("src/repro/__pycache__/far.pyc", "x")
    return world


class TestOneChapter:
    """A script loses its solutions and nothing else."""

    def test_no_word_of_a_solution_is_left(self) -> None:
        found = stripped()
        assert not [word for word in SECRETS if word in found.script]
        told = "\n".join(found.solutions)
        assert not [word for word in SECRETS if word not in told]
        assert len(found.solutions) == 4

    def test_exercises_stay_and_say_where_to_write(self) -> None:
        script = stripped().script
        for words in (
            "### 1. Predict, then run",
            "Which is larger?",
            "### 2. Break it",
            "## The end",
        ):
            assert f"# {words}" in script
        assert script.count(":::{admonition} Your answer") == 2
        assert script.count("# Write it here: in this cell, or in 01_small.py.") == 2
        # One cell for code, though the solution had two.
        assert script.count('# Your code for "2. Break it" goes here.') == 1

    def test_a_folded_cell_elsewhere_stays(self) -> None:
        assert 'print("a folded cell that is no solution")' in stripped().script

    def test_everything_before_the_exercises_is_untouched(self) -> None:
        before = CHAPTER.partition("# ## Exercises")[0]
        assert before in stripped().script

    def test_bookkeeping_that_rests_on_nothing_of_the_solution_is_kept(self) -> None:
        found = stripped()
        assert 'record("small.largest", max(values), unit="K", uncertainty=0.5)' in found.script
        assert "{glue:text}`small.largest:.2f`" in found.script
        assert found.lost == {"small.secret", "small.nobody_asks"}

    def test_a_number_that_only_the_solution_has_becomes_a_blank(self) -> None:
        assert f"The secret differs by {solutions.YOUR_RESULT} K." in stripped().script

    def test_what_the_ledger_asks_for_is_kept_too(self) -> None:
        assert "small.nobody_asks" in stripped(needed=["small.nobody_asks"]).script

    def test_a_key_recorded_elsewhere_is_not_lost(self) -> None:
        text = CHAPTER.replace("values = [", 'record("small.secret", 1.0)\nvalues = [')
        assert "small.secret" not in stripped(text).lost

    def test_a_loop_variable_of_its_own_does_not_tie_a_record(self) -> None:
        text = CHAPTER.replace("max(values), unit", "max(v for v in values), unit")
        assert "max(v for v in values)" in stripped(text).script

    def test_the_result_is_a_notebook_that_parses(self, world: World) -> None:
        book = notebooks.Notebook(world.write("notebooks/01_small.py", stripped().script))
        assert [p.name for p in book.parameters()] == ["n"]
        kinds = [cell.cell_type for cell in book.node().cells]
        assert kinds == ["markdown", "code", "code", "markdown", "code", "code", "markdown", "code"]
        compile(book.code(), "code", "exec")

    def test_a_chapter_without_solutions_is_as_before(self) -> None:
        text = HEADER + "\n# %% [markdown]\n# # T\n\n# %%\nx = 1\n"
        assert solutions.without(text, name="n") == solutions.Stripped(
            text, (), frozenset(), frozenset()
        )

    def test_once_more_changes_nothing(self) -> None:
        once = stripped().script
        again = solutions.without(once, name="01_small")
        assert (again.script, again.solutions) == (once, ())

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("# Behind the note.\n# ::::", "# Behind the note.", "a solution is not closed"),
            ('record("small.nobody_asks"', "record(key", "a key that is not a literal"),
            ('print("a folded cell', 'print(capybara, "a folded cell', "only a solution defines capybara"),
            ("capybara = sum(values)", "capybara = = 2", "01_small: not Python"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_taken_out_is_named(self, old: str, new: str, said: str) -> None:
        text = CHAPTER.replace(old, new)
        with pytest.raises(NotebookError, match=re.escape(said)) as caught:
            stripped(text)
        assert "01_small" in str(caught.value)

    def test_a_figure_that_the_text_refers_to_may_not_be_a_solution(self) -> None:
        text = CHAPTER.replace(
            'print("dormouse"', 'show(fig, name="fig-s", alt="")\nprint("dormouse"'
        )
        assert stripped(text).figures == {"fig-s"}
        text = text.replace("# Nothing more.", "# See {numref}`fig-s`.")
        with pytest.raises(NotebookError, match="refers to fig-s, which only a solution shows"):
            stripped(text)


WORDS = st.text("abcdefgh ", min_size=1, max_size=20).map(lambda t: f"w{t.strip()}w")


@given(
    st.lists(
        st.tuples(
            WORDS, st.lists(WORDS, max_size=3), st.lists(WORDS, max_size=2), st.integers(3, 6)
        ),
        max_size=4,
    )
)
@settings(deadline=None, max_examples=60)
def test_of_any_exercises_the_questions_stay_and_the_answers_go(
    parts: list[tuple[str, list[str], list[str], int]],
) -> None:
    text = HEADER + "\n# %% [markdown]\n# # T\n# ## Exercises\n"
    for number, (question, answer, code, colons) in enumerate(parts):
        fence = ":" * colons
        text += f"#\n# ### Q{number} {question}\n#\n# {fence}{{dropdown}} Solution\n"
        text += "".join(f"# ANSWER {line}\n" for line in answer) + f"# {fence}\n\n"
        text += "".join(f'# %% tags=["hide-cell"]\nprint("ANSWER {line}")\n\n' for line in code)
        text += "# %% [markdown]\n# Go on.\n"
    found = solutions.without(text, name="n")
    assert "ANSWER" not in found.script
    assert "\n".join(found.solutions).count("ANSWER") == sum(
        len(a) + len(c) for _, a, c, _ in parts
    )
    for number, (question, _, _, _) in enumerate(parts):
        assert f"# ### Q{number} {question}\n" in found.script


class TestTheEdition:
    """A whole repository without solutions."""

    def test_no_file_holds_a_word_of_a_solution(self, small: World, tmp_path: Path) -> None:
        edition = student.write(tmp_path / "out")
        text = "\n".join(f.read_text() for f in edition.folder.rglob("*") if f.is_file())
        assert not [word for word in (*SECRETS, "echidna") if word in text]
        assert edition.solutions == {"01_small": 4, "book/index.md": 1}

    def test_it_holds_the_book_and_nothing_private(self, small: World, tmp_path: Path) -> None:
        folder = student.write(tmp_path / "out").folder
        assert (folder / "requirements.lock").read_text() == "numpy==1.0\n"
        assert (folder / "src/repro/far.py").is_file()
        assert tree_hash(folder / "data/numbers") == tree_hash(small.root / "data/numbers")
        assert "Write it here, in book/index.md." in (folder / "book/index.md").read_text()
        assert not (folder / "marks.csv").exists()
        assert not list(folder.rglob("__pycache__"))
        assert not list(tmp_path.glob(".out-*"))

    def test_a_page_loses_the_numbers_that_only_a_solution_has(
        self, small: World, tmp_path: Path
    ) -> None:
        shown = "{glue:text}`small.secret:.1f` and {glue:text}`small.largest`.\n"
        small.write("book/more.md", "# More\n\n" + shown)
        folder = student.write(tmp_path / "out").folder
        said = (folder / "book/more.md").read_text()
        assert said == f"# More\n\n{solutions.YOUR_RESULT} and {{glue:text}}`small.largest`.\n"

    def test_sources_are_as_before(self, small: World, tmp_path: Path) -> None:
        before = tree_hash(small.root)
        student.write(tmp_path / "out")
        assert tree_hash(small.root) == before

    def test_the_ledger_waits_for_the_student(
        self, small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        edition = student.write(tmp_path / "out")
        assert edition.pending == ("open",)
        monkeypatch.setenv("REPRO_ROOT", str(edition.folder))
        book = ledger.load()
        row = book["open"]
        assert (row.verdict, row.result, row.note) == ("pending", None, student._NOTE)
        assert row.figure == "fig-small"  # the chapter itself may show it
        assert (book["kept"].verdict, book["kept"].result) == ("reproduced", "small.largest")
        assert book["other"].verdict == "pending"

    def test_a_ledger_that_needs_no_change_is_copied_with_its_comments(
        self, small: World, tmp_path: Path
    ) -> None:
        file = small.claims(claim_row("kept", result="small.largest", verdict="reproduced"))
        file.write_text("# a comment\n" + file.read_text())
        folder = student.write(tmp_path / "out").folder
        assert (folder / "data/claims.yaml").read_text() == file.read_text()

    def test_a_row_forgets_a_figure_that_only_a_solution_shows(
        self, small: World, tmp_path: Path
    ) -> None:
        text = CHAPTER.replace(
            'print("dormouse"', 'show(1, name="fig-small", alt="")\nprint("dormouse"'
        )
        book = notebooks.Notebook(small.write("notebooks/01_small.py", HEADER + "\n" + text))
        book.ipynb.write_text(book.rendered(), encoding="utf-8")
        folder = student.write(tmp_path / "out").folder
        rows = yaml.safe_load((folder / "data/claims.yaml").read_text())["claims"]
        assert [row["id"] for row in rows if "figure" in row] == []

    def test_the_copy_passes_every_check_before_a_run(
        self, small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = student.write(tmp_path / "out").folder
        monkeypatch.setenv("REPRO_ROOT", str(folder))
        assert cli.main(["sync", "--check"]) == 0
        assert cli.main(["verify"]) == 0
        assert cli.main(["claims", "--no-run"]) == 0
        assert runner.explain(["01"])
        assert student.is_one()
        with pytest.raises(NotebookError, match="this is a student edition"):
            student.write(tmp_path / "again")

    @pytest.mark.live
    def test_the_copy_runs_and_records_what_its_text_shows(
        self, small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REPRO_ROOT", str(student.write(tmp_path / "out").folder))
        results = runner.run("01").results()
        assert {key: result.value for key, result in results.items()} == {"small.largest": 3.0}

    def test_what_the_page_on_teaching_says(
        self, small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = (small.root / "book/how_to.md").read_text()
        parts = {"exercises": student.exercises}
        assert "make student" in pages.fill(page, parts, name="p")
        monkeypatch.setenv("REPRO_ROOT", str(student.write(tmp_path / "out").folder))
        said = pages.fill(page, parts, name="p")
        assert "no solutions" in said and "make student" not in said


class TestWhereItMayGo:
    """Nothing of anybody's is written over."""

    def test_an_untouched_edition_is_replaced(self, small: World, tmp_path: Path) -> None:
        student.write(tmp_path / "out")
        (tmp_path / "out/_build").mkdir()
        student.write(tmp_path / "out")
        assert not (tmp_path / "out/_build").exists()

    @pytest.mark.parametrize("name", ["01_small.py", "01_small.ipynb", "mine.ipynb"])
    def test_work_in_a_notebook_is_kept(self, small: World, tmp_path: Path, name: str) -> None:
        folder = student.write(tmp_path / "out").folder
        file = folder / "notebooks" / name
        file.write_text("my answer")
        with pytest.raises(InputError, match="somebody has worked in its notebooks"):
            student.write(folder)
        assert file.read_text() == "my answer"

    def test_an_empty_folder_will_do(self, small: World, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        assert (student.write(tmp_path / "out").folder / student.MARKER).is_file()

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            (".", "the book itself lies there"),
            ("..", "the book itself lies there"),
            ("book/student", "lies in book/ of the book"),
            ("marks.csv", "expected a folder, found a file"),
            ("full", "not empty, and no student edition"),
        ],
    )
    def test_other_places_are_refused(self, small: World, name: str, said: str) -> None:
        small.write("full/letter.txt", "dear")
        before = tree_hash(small.root)
        with pytest.raises(InputError, match=said):
            student.write(small.root / name)
        assert tree_hash(small.root) == before

    def test_a_failure_leaves_nothing(self, small: World, tmp_path: Path) -> None:
        text = CHAPTER.replace("{dropdown} Solution\n", "{dropdown}  solution\n")
        text = text.replace("# :::{dropdown}  solution", "# <div>{x} Solution</div>\n# :::{note}")
        book = notebooks.Notebook(small.write("notebooks/01_small.py", HEADER + "\n" + text))
        with pytest.raises(NotebookError, match="the pair disagrees"):
            student.write(tmp_path / "out")
        book.ipynb.write_text(book.rendered(), encoding="utf-8")
        with pytest.raises(NotebookError, match="cell 4 still holds a solution"):
            student.write(tmp_path / "out")
        assert [p.name for p in tmp_path.iterdir()] == ["world"]


def test_the_command(small: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["student", "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert f"{tmp_path / 'out'}: 5 solutions taken out of 2 files" in out
    assert "left to the reader in the ledger: open" in out
    assert cli.main(["student", "--out", str(small.root)]) == 1
    assert "the book itself lies there" in capsys.readouterr().err


def test_make_writes_where_clean_removes() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(
        r"^student: .*\n\t@\$\(BIN\)/repro student --out _build/student$", makefile, re.M
    )


@dataclass
class Runner:
    """Stands in for the process that runs a chapter of the edition."""

    folder: Path
    recorded: dict[str, float]
    status: int = 0
    commands: list[list[str]] = field(default_factory=list)
    places: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        self.places.append(options["env"] | {"cwd": str(options["cwd"])})
        self.folder.mkdir(exist_ok=True)
        results.write(self.folder, {k: Result(k, v) for k, v in self.recorded.items()})
        said = f"{self.folder / 'notebook.ipynb'}\n  small.largest = 3\n"
        return subprocess.CompletedProcess(command, self.status, said)


class TestRunningIt:
    """Chapters of the edition, run as a student would."""

    @pytest.fixture
    def edition(self, small: World, tmp_path: Path) -> Path:
        small.notebook("02_live", "x = 1", parameters="live: bool = True  # A live part")
        return student.write(tmp_path / "out").folder

    def test_each_runs_from_the_copy_with_its_live_part_off(
        self, edition: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runner = Runner(tmp_path / "run", {"small.largest": 3.0})
        monkeypatch.setattr(student.subprocess, "run", runner)
        student.run(edition, student.chapters(["01", "02"]))
        heads = [command[3:] for command in runner.commands]
        assert heads == [["run", "01_small"], ["run", "02_live", "-p", "live", "false"]]
        for place in runner.places:
            assert place["REPRO_ROOT"] == place["cwd"] == str(edition)
            assert place["PYTHONPATH"] == str(edition / "src")

    def test_a_number_that_the_text_shows_and_nobody_records_is_named(
        self, edition: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(student.subprocess, "run", Runner(tmp_path / "run", {"other": 1.0}))
        with pytest.raises(
            NotebookError, match=r"text of 01_small shows small\.largest, which only"
        ):
            student.run(edition, student.chapters(["01"]))

    def test_a_chapter_that_fails_stops_it(
        self, edition: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runner = Runner(tmp_path / "run", {}, status=1)
        monkeypatch.setattr(student.subprocess, "run", runner)
        with pytest.raises(
            NotebookError, match="chapter 01_small of the student edition does not run"
        ):
            student.run(edition, student.chapters(["all"]))
        assert len(runner.commands) == 1

    def test_all_means_every_chapter_and_a_slip_is_told_before_anything_is_written(
        self, edition: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert [book.name for book in student.chapters(["all"])] == ["01_small", "02_live"]
        assert student.chapters([]) == ()
        assert cli.main(["student", "--out", str(tmp_path / "new"), "--run", "03"]) == 1
        assert "no notebook '03'" in capsys.readouterr().err
        assert not (tmp_path / "new").exists()


@pytest.mark.live
@pytest.mark.skipif(student.is_one(), reason="this is a student edition")
def test_cheap_chapters_of_the_real_edition_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Some that cost little, one with a live part; `--run all` runs every one.
    folder = tmp_path / "edition"
    assert cli.main(["student", "--out", str(folder), "--run", *CHEAP]) == 0
    out = capfd.readouterr().out
    for name in CHEAP:
        assert f"{notebooks.find(name).name}: runs in the student edition" in out
        (made,) = (folder / "_build/runs" / notebooks.find(name).name).glob("*/notebook.ipynb")
        text = made.read_text("utf-8")
        assert solutions.WRITE_HERE in text and "{dropdown} Solution" not in text


@pytest.mark.skipif(student.is_one(), reason="this is a student edition")
class TestTheRealChapters:
    """The property that matters, on the book as it is."""

    def test_pages_show_no_number_that_only_a_solution_has(self) -> None:
        needed = _needed()
        lost = set().union(*(solutions.without(b.text, name=b.name, needed=needed).lost
                             for b in notebooks.every()))  # fmt: skip
        for page in (ROOT / "book").rglob("*.md"):
            text = page.read_text("utf-8")
            assert solutions.with_blanks(text, lost) == text, page.name

    def test_every_chapter_loses_all_its_solutions(self) -> None:
        books = notebooks.every()
        assert books
        needed = _needed()
        for book in books:
            found = solutions.without(book.text, name=book.name, needed=needed)
            asked = len(re.findall(r"^# :{3,}\{\w+\} Solution", book.text, re.MULTILINE))
            assert len(found.solutions) >= asked >= 3, book.name
            assert found.script.count(f"{{admonition}} {solutions.WRITE_HERE}") == asked
            assert "hide-cell" not in found.script.partition("# ## Exercises")[2], book.name
            compile(notebooks.as_python(_code(found.script)), book.name, "exec")

    def test_no_line_of_a_solution_is_in_a_copy_of_the_sources(self) -> None:
        files = [f for p in ("notebooks", "book", "src", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")
                 for f in ([ROOT / p] if (ROOT / p).is_file() else sorted((ROOT / p).rglob("*.*")))
                 if f.suffix in (".md", ".py") and f.parent.name != "notebooks"]  # fmt: skip
        rest = "\n".join(f.read_text("utf-8") for f in files)
        needed = _needed()
        found = [solutions.without(b.text, name=b.name, needed=needed) for b in notebooks.every()]
        rest += "\n".join(one.script for one in found)
        lines = {
            line.strip()
            for one in found
            for text in one.solutions
            for line in text.split("\n")
            # Short lines of code are anybody's; a kept record is no part of the answer.
            if len(line.strip()) >= 40 and not line.startswith("record(")
        }
        assert len(lines) > 50
        assert not [line for line in lines if line in rest]


def _needed() -> set[str]:
    claims = yaml.safe_load((ROOT / "data/claims.yaml").read_text("utf-8"))["claims"]
    return {claim["result"] for claim in claims if claim["result"]}


def _code(script: str) -> str:
    blocks = re.split(r"^(?=# %%)", script, flags=re.MULTILINE)[1:]
    return "\n".join(b.partition("\n")[2] for b in blocks if "[markdown]" not in b.split("\n")[0])


def test_the_ipynb_is_made_from_the_stripped_script(small: World, tmp_path: Path) -> None:
    folder = student.write(tmp_path / "out").folder
    content = json.loads((folder / "notebooks/01_small.ipynb").read_text())
    assert not any(cell.get("outputs") for cell in content["cells"])
    assert "Your answer" in (folder / "notebooks/01_small.ipynb").read_text()
