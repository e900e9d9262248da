"""Notebook pairs: found by name, read as Python, held in step."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import jupytext
import nbformat
import pytest
from helpers import HEADER, World, executed, script

from repro import notebooks
from repro.errors import NotebookError
from repro.notebooks import Notebook


@pytest.fixture
def three(world: World) -> World:
    world.notebook("01_small", "x = 1", parameters="n: int = 1  # A number; allowed: 0..9")
    world.notebook("02_other", "y = 2")
    world.notebook("10_last", "z = 3")
    world.write("notebooks/helper.py", "not = a notebook")
    return world


def test_every_lists_numbered_scripts_in_order(three: World) -> None:
    assert [book.name for book in notebooks.every()] == ["01_small", "02_other", "10_last"]


@pytest.mark.parametrize(
    "name",
    ["01", "01_small", "01_sm", "notebooks/01_small.py", "/x/01_small.ipynb", "01_small.py"],
)
def test_find_by_name_path_or_beginning(three: World, name: str) -> None:
    assert notebooks.find(name).name == "01_small"


def test_an_exact_name_wins_over_a_longer_one(three: World) -> None:
    three.notebook("01_small_more", "x = 1")
    assert notebooks.find("01_small").name == "01_small"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("99", "no notebook '99'"),
        ("01_smal1", "did you mean '01_small'"),
        ("", "no notebook ''"),
        ("0", "more than one notebook begins with '0'"),
        ("helper", "no notebook 'helper'"),
    ],
)
def test_find_says_what_there_is(three: World, name: str, said: str) -> None:
    with pytest.raises(NotebookError) as caught:
        notebooks.find(name)
    assert said in str(caught.value)
    assert "there are: 01_small, 02_other, 10_last" in str(caught.value)


def test_find_without_any_notebook(world: World) -> None:
    with pytest.raises(NotebookError, match="there are: none"):
        notebooks.find("01")


def test_the_node_is_valid_and_has_stable_ids(three: World) -> None:
    book = notebooks.find("01")
    node = book.node()
    nbformat.validate(node)
    assert [cell.id for cell in node.cells] == ["cell-000", "cell-001", "cell-002"]
    assert book.rendered() == Notebook(book.script).rendered()
    assert not any(cell.get("outputs") for cell in node.cells)


def test_the_ipynb_holds_what_jupytext_reads_from_the_script(three: World) -> None:
    book = notebooks.find("01")
    theirs = jupytext.read(book.script)
    ours = nbformat.read(book.ipynb, as_version=4)
    assert [(c.cell_type, c.source) for c in ours.cells] == [
        (c.cell_type, c.source) for c in theirs.cells
    ]


def test_the_ipynb_turned_back_is_the_script(three: World) -> None:
    book = notebooks.find("01")
    back = jupytext.writes(nbformat.read(book.ipynb, as_version=4), fmt="py:percent")
    kept = [line for line in back.splitlines() if not line.startswith("# ")]
    want = [line for line in book.text.splitlines() if not line.startswith("# ")]
    assert kept == want


def test_parameters_come_from_the_tagged_cell(three: World) -> None:
    assert [p.name for p in notebooks.find("01").parameters()] == ["n"]
    assert notebooks.find("02").parameters() == ()


def test_two_parameters_cells_are_refused(world: World) -> None:
    cell = '# %% tags=["parameters"]\nn: int = 1  # A number\n\n'
    file = world.write("notebooks/03_two.py", HEADER + cell + cell)
    with pytest.raises(NotebookError, match="2 cells are tagged 'parameters'"):
        Notebook(file).parameters()


def test_a_markdown_cell_with_the_tag_declares_nothing(world: World) -> None:
    cell = '# %% [markdown] tags=["parameters"]\n# words\n'
    assert Notebook(world.write("notebooks/03_md.py", HEADER + cell)).parameters() == ()


def test_a_script_that_is_not_utf8_is_named(world: World) -> None:
    file = world.root / "notebooks/03_bytes.py"
    file.write_bytes(b"# %%\nx = '\xff'\n")
    with pytest.raises(NotebookError, match=r"03_bytes\.py: expected UTF-8 text"):
        Notebook(file).node()


@pytest.mark.parametrize(
    ("cell", "imported"),
    [
        ("%matplotlib inline\nimport a1", True),
        ("!ls\nimport a1", True),
        ("files = !ls\nimport a1", True),
        ("%%time\nimport a1", True),
        ("%%capture out\nimport a1", True),
        ("%%bash\nimport a1 | head $x", False),
        ("words = (\n    '%s'\n    % 1\n)\nimport a1", True),
        ("words = '''\n! not a shell line\n% nor a magic\n'''\nimport a1", True),
    ],
)
def test_magics_and_shell_lines_do_not_hide_imports(
    world: World, cell: str, imported: bool
) -> None:
    file = world.notebook("03_magic", "before = 0", cell, "import a2")
    found = {
        alias.name
        for node in ast.walk(ast.parse(Notebook(file).code()))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert found == ({"a1", "a2"} if imported else {"a2"})


def test_a_pair_is_in_step_until_either_changes(three: World) -> None:
    book = notebooks.find("02")
    assert book.in_step()
    notebooks.require_in_step(book)
    book.script.write_text(book.text + "\n# %%\nmore = 1\n")
    changed = notebooks.find("02")
    assert not changed.in_step()
    with pytest.raises(NotebookError) as caught:
        notebooks.require_in_step(changed)
    assert "02_other: the pair disagrees" in str(caught.value)
    assert "repro sync" in str(caught.value)
    assert "jupytext --to py:percent notebooks/02_other.ipynb" in str(caught.value)


def test_outputs_in_the_ipynb_put_a_pair_out_of_step(three: World) -> None:
    book = notebooks.find("02")
    node = nbformat.read(book.ipynb, as_version=4)
    node.cells[-1].outputs = [nbformat.v4.new_output("stream", name="stdout", text="2")]
    nbformat.write(node, book.ipynb)
    assert not book.in_step()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"null"])
def test_a_broken_ipynb_is_out_of_step(three: World, content: bytes) -> None:
    book = notebooks.find("02")
    book.ipynb.write_bytes(content)
    assert not book.in_step()


def test_a_missing_ipynb_is_out_of_step(three: World) -> None:
    book = notebooks.find("02")
    book.ipynb.unlink()
    assert not book.in_step()


def test_sync_writes_only_what_is_out_of_step(three: World) -> None:
    assert notebooks.sync() == []
    book = notebooks.find("02")
    book.ipynb.write_text("{}")
    before = notebooks.find("01").ipynb.stat().st_mtime_ns
    script_before = book.script.read_bytes()
    assert notebooks.sync() == [book.ipynb]
    assert book.in_step()
    assert notebooks.find("01").ipynb.stat().st_mtime_ns == before
    assert book.script.read_bytes() == script_before
    assert notebooks.sync() == []


def test_non_ascii_text_survives_sync(world: World) -> None:
    file = world.write("notebooks/03_words.py", script("Å and −83.9 ± 2"))
    notebooks.sync()
    node = json.loads(Notebook(file).ipynb.read_text(encoding="utf-8"))
    assert "Å and −83.9 ± 2" in "".join(node["cells"][0]["source"])


def test_the_pairs_of_the_book_are_in_step() -> None:
    books = notebooks.every()
    assert books
    assert [book.name for book in books if not book.in_step()] == []


def test_the_notebooks_of_the_book_declare_their_parameters_well() -> None:
    for book in notebooks.every():
        for parameter in book.parameters():
            assert parameter.meaning, (book.name, parameter.name)


def test_the_notebooks_of_the_book_hold_no_secrets_of_where_they_ran() -> None:
    for book in notebooks.every():
        assert str(Path.home()) not in book.text


def test_figures_of_a_run_are_its_labelled_outputs(tmp_path: Path) -> None:
    def output(**metadata: str) -> dict[str, object]:
        return {"output_type": "display_data", "data": {"image/png": "aGVs"},
                "metadata": {"repro": metadata} if metadata else {}}  # fmt: skip

    bare = {**output(name="fig-b"), "data": {"text/plain": "x"}}
    file = tmp_path / "run.ipynb"
    node = executed(("a", [output(name="fig-a", alt="A"), output()]), ("b", [bare]), ("c", []))
    nbformat.write(node, file)
    assert list(notebooks.figures(file)) == [({"name": "fig-a", "alt": "A"}, "aGVs"),
                                             ({"name": "fig-b"}, "")]  # fmt: skip
