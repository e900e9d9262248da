"""What may be published, and what a reader finds under each figure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from helpers import World, executed, image

from repro import data, staging
from repro.errors import NotebookError
from repro.runner import Run

ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["..."]}
TEXT = {"output_type": "stream", "name": "stdout", "text": "hello"}
MODEL = {
    "output_type": "display_data",
    "data": {"text/html": '<div class="structure-viewer">model</div>'},
}
TABLE = {"output_type": "execute_result", "data": {"text/html": "<table></table>"}}


class TestFigures:
    """The gate before publication."""

    def test_labels_are_found_in_order(self) -> None:
        node = executed(("a", [TEXT, image("fig-one")]), ("b", [TABLE]), ("c", [image("fig-two")]))
        assert [f["name"] for f in staging.figures(node, notebook="n")] == ["fig-one", "fig-two"]

    def test_markdown_cells_are_passed_over(self) -> None:
        node = executed(("a", [image()]))
        node.cells.insert(0, nbformat.v4.new_markdown_cell("# T"))
        assert len(staging.figures(node, notebook="n")) == 1

    def test_an_error_output_is_refused(self) -> None:
        node = executed(("a", [TEXT]), ("b", [image(), ERROR]))
        with pytest.raises(NotebookError) as caught:
            staging.figures(node, notebook="01_small")
        assert "01_small: cell 2 holds the error ValueError: no" in str(caught.value)
        assert "cannot be published" in str(caught.value)

    @pytest.mark.parametrize("missing", ["name", "caption", "alt"])
    @pytest.mark.parametrize("value", [None, "", "  "])
    def test_an_image_that_lacks_a_label_is_refused(self, missing: str, value: Any) -> None:
        node = executed(("a", [TEXT]), ("b", [image(**{missing: value})]))
        with pytest.raises(NotebookError) as caught:
            staging.figures(node, notebook="01_small")
        assert f"01_small: cell 2 shows an image without {missing};" in str(caught.value)
        assert "repro.figures.show" in str(caught.value)

    @pytest.mark.parametrize(
        "data",
        [
            {"image/png": "aGVsbG8="},
            {"image/jpeg": "aGVsbG8="},
            {"image/gif": "aGVsbG8="},
            {"image/svg+xml": "<svg/>"},
            {"text/html": '<p><img src="data:image/png;base64,aGVsbG8="></p>'},
            {"text/html": "<SVG width='1'></SVG>"},
            {"text/html": "<canvas></canvas>"},
        ],
    )
    def test_a_plain_image_of_any_kind_is_refused(self, data: dict[str, str]) -> None:
        node = executed(("a", [{"output_type": "display_data", "data": data}]))
        with pytest.raises(NotebookError, match="cell 1 shows an image without name, caption, alt"):
            staging.figures(node, notebook="01_small")

    def test_two_figures_in_a_cell_are_refused(self) -> None:
        node = executed(("a", [image("fig-one"), image("fig-two")]))
        with pytest.raises(NotebookError, match="01_small: cell 1 shows 2 figures, expected one"):
            staging.figures(node, notebook="01_small")

    @pytest.mark.parametrize("where", ["other", "same"])
    def test_a_name_that_stands_twice_is_refused(self, where: str) -> None:
        one = {"name": "fig-one"}
        found = {"a.py": [one, one]} if where == "same" else {"a.py": [one], "b.py": [one]}
        with pytest.raises(
            NotebookError, match=r"figure 'fig-one' stands in a\.py and in [ab]\.py"
        ):
            staging.unique_names(found)

    def test_unique_names_say_where_each_figure_stands(self) -> None:
        found = {"a.py": [{"name": "fig-one"}], "b.py": [{"name": "fig-two"}]}
        assert staging.unique_names(found) == {"fig-one": "a.py", "fig-two": "b.py"}


RECORD: dict[str, Any] = {
    "notebook": "notebooks/01_small.py",
    "inputs": {"parameters": {"n": 3, "seed": 7}},
    "code_version": "0.1.0+abc",
    "seeds": {"seed": 7},
    "data_reads": {},
    "packages": {"numpy": "2.0"},
    "python": "3.11.9",
    "machine": "Linux",
    "finished": "2026-01-01T00:00:00+00:00",
    "wall_time_s": 3.0,
    "wall_time": "3 s",
}


@pytest.fixture
def finished(world: World) -> Run:
    """A run that read two data files, one of them large, a row, and a reader's file."""
    world.notebook("01_small", "x = 1", parameters="n: int = 3  # N")
    folder = world.data_set("numbers", {"a.csv": "1\n", "large.csv": "2\n" * 3_000_000})
    mine = world.write("mine.xy", "5\n")
    reads = {
        "numbers/a.csv": data.sha256(folder / "a.csv"),
        "numbers/large.csv": data.sha256(folder / "large.csv"),
        "claims.yaml#one": "0" * 64,
        f"file:{mine}": data.sha256(mine),
    }
    record = {**RECORD, "data_reads": reads}
    run = world.root / "_build/runs/01_small/0123"
    run.mkdir(parents=True)
    (run / "record.json").write_text(json.dumps(record))
    nbformat.write(
        executed(("x = 1", [TEXT]), ("show()", [image("fig-one"), MODEL]), ("y", [TABLE])),
        run / "notebook.ipynb",
    )
    return Run(run, record)


def test_a_figure_gets_its_caption_and_provenance(finished: Run, tmp_path: Path) -> None:
    labels = staging.stage_notebook(finished, tmp_path / "book/notebooks")
    assert [label["name"] for label in labels] == ["fig-one"]
    node = nbformat.read(tmp_path / "book/notebooks/01_small.ipynb", as_version=4)
    nbformat.validate(node)
    kinds = [cell.cell_type for cell in node.cells]
    assert kinds == ["code", "code", "markdown", "markdown", "code"]
    cell = node.cells[1]
    assert cell.metadata["mystnb"] == {
        "figure": {"name": "fig-one", "caption": "A line rises."},
        "image": {"alt": "A line from low to high."},
    }
    assert len(cell.outputs) == 1
    assert "structure-viewer" in node.cells[2].source
    note = node.cells[3].source
    for words in (
        "0.1.0+abc",
        "2026-01-01",
        "3 s",
        "`n = 3`",
        "seed 7",
        "numpy 2.0",
        "Python 3.11.9",
        ".venv/bin/repro run 01_small",
        "{download}`01_small.py <./01_small.py>`",
        "<./provenance/fig-one.json>",
        "{download}`numbers/a.csv <../data/numbers/a.csv>`",
        "`data/numbers/large.csv`, sha256",
        "your own file `mine.xy`",
        finished.data_reads["numbers/a.csv"][:16],
    ):
        assert words in note, words
    assert "claims.yaml" not in note


def test_every_download_of_the_note_is_there(finished: Run, tmp_path: Path) -> None:
    import re

    folder = tmp_path / "book/notebooks"
    staging.stage_notebook(finished, folder)
    note = staging.provenance(finished, figure="fig-one")
    targets = re.findall(r"\{download\}`[^<]*<([^>]*)>`", note)
    assert len(targets) == 4
    for target in targets:
        assert (folder / target).is_file(), target
    assert not (tmp_path / "book/data/numbers/large.csv").exists()


def test_the_links_stand_under_the_title_and_their_files_are_there(
    finished: Run, tmp_path: Path
) -> None:
    import re

    node = nbformat.read(finished.notebook, as_version=4)
    node.cells.insert(0, nbformat.v4.new_markdown_cell("# Ga2Cl6\n\nText.\n\n# Not this"))
    node.cells.append(nbformat.v4.new_markdown_cell("# Nor this"))
    nbformat.write(node, finished.notebook)
    folder = tmp_path / "book/notebooks"
    staging.stage_notebook(finished, folder)
    cells = nbformat.read(folder / "01_small.ipynb", as_version=4).cells
    assert cells[0].source.startswith("# Ga₂Cl₆\n\n:::{div} takeaway\n")
    assert sum("takeaway" in cell.source for cell in cells) == 1
    targets = re.findall(r"\{download\}`[^<]*<([^>]*)>`", cells[0].source)
    assert len(targets) == 3
    for target in targets:
        assert (folder / target).is_file(), target


def test_the_record_for_download_is_of_the_figure_and_the_run(
    finished: Run, tmp_path: Path
) -> None:
    staging.stage_notebook(finished, tmp_path / "book/notebooks")
    content = json.loads((tmp_path / "book/notebooks/provenance/fig-one.json").read_text())
    assert content["figure"] == image("fig-one")["metadata"]["repro"]
    assert {key: content[key] for key in finished.record} == finished.record


def test_staging_reads_and_leaves_its_sources(finished: Run, tmp_path: Path) -> None:
    before = (finished.folder / "notebook.ipynb").read_bytes()
    staging.stage_notebook(finished, tmp_path / "one/notebooks")
    staging.stage_notebook(finished, tmp_path / "two/notebooks")
    assert (finished.folder / "notebook.ipynb").read_bytes() == before
    for file in (tmp_path / "one").rglob("*.*"):
        if file.is_file():
            twin = tmp_path / "two" / file.relative_to(tmp_path / "one")
            assert twin.read_bytes() == file.read_bytes()


def test_nothing_random_and_no_data_are_said_so(finished: Run) -> None:
    record = {**RECORD, "seeds": {}, "inputs": {"parameters": {}}}
    note = staging.provenance(Run(finished.folder, record), figure="fig-one")
    assert "- Parameters: none" in note
    assert "- Seeds: none: nothing random" in note
    assert "- Data: none" in note


def test_an_error_smuggled_into_a_finished_run_is_refused(finished: Run, tmp_path: Path) -> None:
    node = nbformat.read(finished.notebook, as_version=4)
    node.cells[0].outputs.append(nbformat.v4.new_output(**ERROR))
    nbformat.write(node, finished.notebook)
    with pytest.raises(NotebookError, match="01_small: cell 1 holds the error ValueError"):
        staging.stage_notebook(finished, tmp_path / "book/notebooks")
    assert not (tmp_path / "book").exists()
