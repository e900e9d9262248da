"""What ``repro run`` prints and saves: results, what a parameter changed, figures."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from helpers import World, a_result

from repro import notebooks, outcome, results, runner
from repro.errors import InputError
from repro.results import Result
from repro.runner import Run

PNG = base64.b64encode(b"\x89PNG not really").decode()


def finished(world: World, given: dict[str, Any], found: dict[str, float], *figures: str) -> Run:
    """Store a run of 01_small as the runner would."""
    book, inputs = runner.prepare("01_small", given)
    folder = world.root / "_build/runs/01_small" / inputs.key
    folder.mkdir(parents=True)
    results.write(folder, {key: Result(key, value, "K") for key, value in found.items()})
    cells = [nbformat.v4.new_code_cell(outputs=[
        nbformat.v4.new_output("display_data", {"image/png": PNG}, metadata={"repro": {"name": name}})
    ]) for name in figures]  # fmt: skip
    cells.append(nbformat.v4.new_code_cell(outputs=[
        nbformat.v4.new_output("display_data", {"image/png": PNG})
    ]))  # fmt: skip
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "notebook.ipynb")
    record = {"notebook": f"notebooks/{book.name}.py", "inputs": inputs.__dict__, "data_reads": {},
              "finished": "2026-11-27", "wall_time_s": 1.0}  # fmt: skip
    (folder / "record.json").write_text(json.dumps(record))
    return Run(folder, json.loads((folder / "record.json").read_text()))


@pytest.fixture
def small(world: World) -> World:
    world.notebook("01_small", "x = 1", parameters="n: int = 3  # A number; allowed: 0..9")
    return world


def test_a_run_with_the_defaults_shows_its_results_only(small: World) -> None:
    run = finished(small, {}, {"small.a": 1.0, "small.b": 2.0})
    assert outcome.words(run) == [str(run.notebook), "  small.a = 1 K", "  small.b = 2 K"]


def test_what_a_parameter_changed_comes_last_beside_the_default(small: World) -> None:
    finished(small, {}, {"small.a": 1.0, "small.b": 2.0, "small.gone": 4.0})
    run = finished(small, {"n": 5}, {"small.a": 1.0, "small.b": 2.5})
    assert outcome.words(run)[3:] == [
        "2 results (of 2) differ from the run with default parameters:",
        "  small.b = 2.5 K   (default: 2 K)",
        "  small.gone = not recorded   (default: 4 K)",
    ]


def test_nothing_changed_is_said(small: World) -> None:
    finished(small, {}, {"small.a": 1.0})
    assert outcome.words(finished(small, {"n": 5}, {"small.a": 1.0}))[-1].startswith(
        "No result differs"
    )


def test_without_a_run_to_compare_with_it_says_how_to_make_one(small: World) -> None:
    last = outcome.words(finished(small, {"n": 5}, {"small.a": 1.0}))[-1]
    assert last.endswith("repro run 01_small")


def test_a_stale_default_run_is_not_compared_with(small: World) -> None:
    finished(small, {}, {"small.a": 1.0})
    script = notebooks.find("01").script
    script.write_text(script.read_text() + "\n# %%\ny = 2\n")
    notebooks.sync()
    run = finished(small, {"n": 5}, {"small.a": 2.0})
    assert "once with the defaults" in outcome.words(run)[-1]


def test_only_what_a_reader_sees_to_differ_counts() -> None:
    before = {"small.answer": a_result(42.5), "small.err": a_result(1.0, uncertainty=0.5)}
    after = {"small.answer": a_result(42.5 + 1e-12), "small.err": a_result(1.0, uncertainty=0.7)}
    assert outcome.differences(before, after) == {"small.err": ("1.00 ± 0.50 K", "1.00 ± 0.70 K")}


def test_figures_are_saved_under_their_names(small: World, tmp_path: Path) -> None:
    run = finished(small, {}, {}, "fig-one", "fig-two")
    files = outcome.save_figures(run, tmp_path / "new/folder")
    assert [file.name for file in files] == ["fig-one.png", "fig-two.png"]
    assert all(file.read_bytes() == base64.b64decode(PNG) for file in files)
    assert outcome.save_figures(run, tmp_path / "new/folder") == files  # again, over the old ones
    taken = tmp_path / "taken"
    taken.write_text("mine")
    with pytest.raises(InputError, match="expected a folder for the figures, found a file"):
        outcome.save_figures(run, taken)
    assert taken.read_text() == "mine"
