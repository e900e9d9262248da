"""What every chapter owes its reader, checked on the sources."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from repro import exercises, ledger, notebooks, student
from repro.notebooks import Notebook

ROOT = Path(__file__).resolve().parents[1]
BOOKS = notebooks.every()
# A number with a unit of measurement: a result, or a published value.
MEASURED = re.compile(r"(?<![\w.`{])[-−–]?\d+(?:\.\d+)?\s?(?:meV|eV|GPa|MPa|kJ|mS|°C|K\b|Å)")
# Conventions and thought experiments that are nobody's result, with their reason.
ALLOWED: dict[str, tuple[str, ...]] = {
    "01_which_salts_react": ("0 K", "10 meV"),  # where DFT stands; kT ln 2 at 300 K, a formula
    "02_molecular_or_rigid": ("2.8 Å", "3.0 Å", "3.5 Å"),  # thought experiments on a cut-off
    "04_three_criteria": ("10 meV", "30 meV", "5 meV"),  # thresholds that the reader chooses
    "06_mixing": ("0 K", "0.2 Å"),  # a minimisation; a thought experiment on a cut-off
    # where our first runs began; rates and ends of an exercise in arithmetic
    "07_glass_transition": ("500 K", "1 K", "6 K", "800 K", "100 K"),
    "10_moving_lithium": ("300 K",),  # room temperature, where the law is asked
}
# A student edition has no solutions, and cells to write in.
needs_solutions = pytest.mark.skipif(student.is_one(), reason="this is a student edition")


def _markdown(book: Notebook) -> str:
    return "\n\n".join(c.source for c in book.node().cells if c.cell_type == "markdown")


def _code(book: Notebook) -> list[str]:
    return [c.source for c in book.node().cells if c.cell_type == "code"]


@pytest.fixture(params=BOOKS, ids=[book.name for book in BOOKS])
def book(request: pytest.FixtureRequest) -> Notebook:
    found: Notebook = request.param
    return found


def test_there_are_chapters_and_all_are_in_the_table_of_contents() -> None:
    toc = (ROOT / "_toc.yml").read_text("utf-8")
    listed = re.findall(r"file: notebooks/(\S+)", toc)
    assert listed == [book.name for book in BOOKS]
    assert yaml.safe_load(toc)["root"] == "book/index"


def test_pair_is_in_step_and_has_no_outputs(book: Notebook) -> None:
    notebooks.require_in_step(book)
    assert '"outputs": []' in book.ipynb.read_text("utf-8")
    assert '"output_type"' not in book.ipynb.read_text("utf-8")


def test_begins_with_its_one_title(book: Notebook) -> None:
    assert len(re.findall(r"^# .", _markdown(book), re.MULTILINE)) == 1
    assert book.node().cells[0].source.startswith("# ")


def test_declares_parameters_and_compares_with_the_ledger(book: Notebook) -> None:
    assert book.parameters()
    assert any("comparison(" in code for code in _code(book))


def test_holds_no_algorithms(book: Notebook) -> None:
    for code in _code(book):
        for node in ast.walk(ast.parse(code)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.While), (
                f"{book.name}: {ast.unparse(node)[:80]}"
            )


def test_opens_with_the_figure_the_question_and_the_answer_with_its_number(book: Notebook) -> None:
    text = book.node().cells[0].source
    told, question, rest = text.partition("**The question.**")
    assert re.search(r"\b(fig\.|figures?\b|table\b)", told, re.IGNORECASE), (
        "say what the paper shows"
    )
    assert "{cite}`gupta2023`" in told
    asked, answers, rest = rest.partition("**The answer in one sentence.**")
    assert question and answers and "?" in asked
    answer = rest.partition("\n\n")[0].strip()
    assert "{glue:text}`" in answer, "the answer comes from the run"
    # A chapter whose answer is a whole recorded sentence shows nothing else here.
    plain = re.sub(r"\{glue:text\}`[^`]*`", "1", answer)
    assert len(re.findall(r"[.!?](?=\s|$)", plain)) <= 1, f"more than one sentence: {answer}"


def test_has_three_exercises_that_make_one_think(book: Notebook) -> None:
    found = exercises.of(book)
    assert len(found) >= 3
    assert len({one.title for one in found}) == len(found)
    assert any(one.predicts for one in found), "no exercise asks for a prediction"
    assert any(one.breaks for one in found), "no exercise breaks anything"
    for one in found:
        assert "?" in one.question or one.predicts, f"{one.title}: what is asked?"
        assert len(one.question.split()) >= 15, f"{one.title}: too short to be a task"


@needs_solutions
def test_every_exercise_has_its_folded_solution(book: Notebook) -> None:
    found = exercises.of(book)
    assert [one.title for one in found if one.solutions != 1] == []
    assert any(one.code for one in found), "no solution is code that runs"


@needs_solutions
def test_solutions_in_code_are_folded_with_their_output(book: Notebook) -> None:
    after = False
    for cell in book.node().cells:
        after = after or "## Exercises" in cell.source
        if after and cell.cell_type == "code":
            assert "hide-cell" in cell.metadata.get("tags", []), cell.source[:80]


def test_prose_types_no_measured_numbers(book: Notebook) -> None:
    text = re.sub(r"\{glue:text\}`[^`]*`|\{cite\}`[^`]*`|`[^`]*`|```.*?```", "", _markdown(book),
                  flags=re.DOTALL)  # fmt: skip
    typed = [hit for hit in MEASURED.findall(text) if hit not in ALLOWED.get(book.name, ())]
    assert not typed, f"{book.name}: show these by glue or from the ledger: {typed}"


def test_ledger_rows_name_chapters_that_are_or_will_be() -> None:
    known = {f"notebooks/{book.name}" for book in BOOKS}
    for claim in ledger.load().claims:
        if claim.verdict not in ("pending", "not testable here"):
            assert claim.chapter in known, claim.id


def test_every_row_shown_by_a_chapter_is_in_the_ledger(book: Notebook) -> None:
    ids = {claim.id for claim in ledger.load().claims}
    for code in _code(book):
        for node in ast.walk(ast.parse(code)):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and name in ("comparison", "published"):
                named = {a.value for a in node.args if isinstance(a, ast.Constant)}
                assert named <= ids, named - ids


# These ask repro.data.external themselves, as their own tests say.
ASK_THEMSELVES = {"data.external", "reader_files.foil", "reader_files.own_files"}


def _uses(code: str, name: str) -> list[ast.AST]:
    """Return what holds each use of a variable, leaving out questions whether it is set."""
    found = []
    for holder in ast.walk(ast.parse(code)):
        if isinstance(holder, ast.If | ast.IfExp):
            continue
        parts = [p.value if isinstance(p, ast.keyword) else p for p in ast.iter_child_nodes(holder)]
        if any(
            isinstance(p, ast.Name) and p.id == name and isinstance(p.ctx, ast.Load) for p in parts
        ):
            found.append(holder)
    return found


def test_a_run_depends_on_the_readers_own_files(book: Notebook) -> None:
    """Else an edited file would not make the page anew."""
    for parameter in book.parameters():
        if not parameter.meaning.startswith("Path of"):
            continue
        uses = [use for code in _code(book) for use in _uses(code, parameter.name)]
        assert uses, f"{book.name}: nothing reads {parameter.name}"
        for use in uses:
            if isinstance(use, ast.keyword):
                continue  # counted at its call
            assert isinstance(use, ast.Call), f"{book.name}: {ast.unparse(use)}"
            assert ast.unparse(use.func) in ASK_THEMSELVES, f"{book.name}: {ast.unparse(use)}"


@pytest.mark.parametrize("code", ["read(own)", "read(root / own)", "read(Path(own))"])
def test_a_file_read_past_the_book_is_seen(code: str) -> None:
    assert [ast.unparse(use) for use in _uses(f"{code} if own else None", "own")] != []
    assert _uses("'file' if own else 'none'", "own") == []
