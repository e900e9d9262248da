"""From executed notebooks to pages: figures get captions and provenance beneath.

Staging copies; it never touches a source.  What may not be published is stopped
here: an error output, an image without caption and alt text, a figure name that
stands twice.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

from repro import formulas, paths, takeaway
from repro.errors import NotebookError
from repro.notebooks import Notebook
from repro.results import ECHO
from repro.runner import Run

LARGEST_DOWNLOAD = 5_000_000  # bytes; larger data files are named, not copied
_IMAGE_IN_HTML = re.compile(r"<(img|svg|canvas|video)\b", re.IGNORECASE)


def _is_image(output: Mapping[str, Any]) -> bool:
    content = output.get("data", {})
    return any(kind.startswith("image/") for kind in content) or bool(
        _IMAGE_IN_HTML.search(content.get("text/html", ""))
    )


def _is_model(output: Mapping[str, Any]) -> bool:
    """Whether an output is an interactive model (see ``figures.viewer_html``)."""
    return 'class="structure-viewer"' in output.get("data", {}).get("text/html", "")


def figures(node: Any, *, notebook: str) -> list[dict[str, str]]:
    """Return name, caption and alt text of every figure of an executed notebook.

    Raises
    ------
    NotebookError
        For an error output, an image without caption or alt text, or two figures
        in one cell.
    """
    found: list[dict[str, str]] = []
    for number, cell in enumerate(node.cells, start=1):
        if cell.cell_type != "code":
            continue
        here = []
        for output in cell.outputs:
            if output.output_type == "error":
                raise NotebookError(
                    f"{notebook}: cell {number} holds the error {output.ename}: "
                    f"{output.evalue}; it cannot be published"
                )
            if output.output_type == "stream" and output.name == "stderr":
                raise NotebookError(
                    f"{notebook}: cell {number} wrote to stderr: {output.text.strip()[:200]!r}; "
                    "a warning has no place on a page"
                )
            if not _is_image(output):
                continue
            label = output.get("metadata", {}).get("repro", {})
            lacking = [k for k in ("name", "caption", "alt") if not str(label.get(k, "")).strip()]
            if lacking:
                raise NotebookError(
                    f"{notebook}: cell {number} shows an image without "
                    f"{', '.join(lacking)}; emit it with repro.figures.show"
                )
            here.append(dict(label))
        if len(here) > 1:
            raise NotebookError(
                f"{notebook}: cell {number} shows {len(here)} figures, expected one"
            )
        found += here
    return found


def unique_names(found: Mapping[str, Sequence[Mapping[str, str]]]) -> dict[str, str]:
    """Return figure name -> notebook over the book.

    Raises
    ------
    NotebookError
        If a name stands twice.
    """
    where: dict[str, str] = {}
    for notebook, labels in found.items():
        for label in labels:
            if label["name"] in where:
                raise NotebookError(
                    f"figure {label['name']!r} stands in {where[label['name']]} and in {notebook}"
                )
            where[label["name"]] = notebook
    return where


def provenance(run: Run, *, figure: str) -> str:
    """Return the folded note under a figure: how it was made, and how to make it again."""
    record = run.record
    name = Path(record["notebook"]).stem
    inputs = record["inputs"]
    data_lines = [
        _data_line(file, digest)
        for file, digest in sorted(run.data_reads.items())
        if not file.startswith("claims.yaml#") and not file.endswith("/")
    ]
    values = ", ".join(f"`{key} = {value!r}`" for key, value in inputs["parameters"].items())
    packages = ", ".join(f"{key} {value}" for key, value in record["packages"].items())
    seeds = ", ".join(f"{key} {value}" for key, value in record["seeds"].items())
    lines = [
        "::::{dropdown} How this figure was made",
        ":class-container: provenance",
        "",
        f"Script {{download}}`{name}.py <./{name}.py>`, notebook "
        f"{{download}}`{name}.ipynb <./downloads/{name}.ipynb>`, "
        f"record {{download}}`{figure}.json <./provenance/{figure}.json>`.",
        "",
        "Run it again, with other parameters if you like "
        f"(`.venv/bin/repro run --help` tells how):\n\n```\n.venv/bin/repro run {name}\n```",
        "",
        f"- Code: `{record['code_version']}`, finished {record['finished']}, "
        f"took {record['wall_time']} on {record['machine']}",
        f"- Parameters: {values or 'none'}",
        f"- Seeds: {seeds or 'none: nothing random'}",
        *([f"- Data: {line}" for line in data_lines] or ["- Data: none"]),
        f"- Python {record['python']}; {packages}",
        "::::",
    ]
    return "\n".join(lines)


def _data_line(file: str, digest: str) -> str:
    if file.startswith("file:"):
        return f"your own file `{Path(file).name}`, sha256 `{digest[:16]}…`"
    path = paths.data_dir() / file
    small = path.is_file() and path.stat().st_size <= LARGEST_DOWNLOAD
    link = f"{{download}}`{file} <../data/{file}>`" if small else f"`data/{file}`"
    return f"{link}, sha256 `{digest[:16]}…`"


def _fold(cell: Any) -> None:
    """Fold the code of a cell and set the formulas of its tables.

    The parameters stay open: they are what a reader may change.
    """
    tags = cell.metadata.setdefault("tags", [])
    if not {"parameters", "injected-parameters", "hide-cell", "show-input"} & set(tags):
        cell.metadata["tags"] = [*tags, "hide-input"]
    cell.outputs = [output for output in cell.outputs if ECHO not in output.get("data", {})]
    for output in cell.outputs:
        table = output.get("data", {}).get("text/html")
        if table is not None and not _is_model(output):
            output.data["text/html"] = formulas.in_html(table)


def stage_notebook(run: Run, folder: Path) -> list[dict[str, str]]:
    """Write one executed notebook into the staged book; return its figures.

    Parameters
    ----------
    run:
        A finished run.
    folder:
        ``.../notebooks`` of the staged book; files for download go beside and
        below it, shipped data into ``../data``.
    """
    node = nbformat.read(run.notebook, as_version=4)
    name = Path(run.record["notebook"]).stem
    labels = figures(node, notebook=name)
    first: Any = next((cell for cell in node.cells if cell.cell_type != "code"), None)
    cells = []
    for cell in node.cells:
        if cell.cell_type != "code":
            cell.source = formulas.in_markdown(cell.source)
            if cell is first:
                cell.source = takeaway.under_title(cell.source, name)
            cells.append(cell)
            continue
        cells.append(cell)
        _fold(cell)
        models = [output for output in cell.outputs if _is_model(output)]
        cell.outputs = [output for output in cell.outputs if not _is_model(output)]
        for output in cell.outputs:
            if not _is_image(output):
                continue
            label = output.metadata["repro"]
            caption = formulas.in_markdown(label["caption"])
            cell.metadata["mystnb"] = {
                "figure": {"name": label["name"], "caption": caption},
                "image": {"alt": label["alt"]},
            }
            # MyST-NB would make a figure of each output of the cell, so what
            # belongs below the figure goes into cells of its own.
            below = [model.data["text/html"] for model in models]
            below.append(provenance(run, figure=label["name"]))
            for number, text in enumerate(below):
                note = nbformat.v4.new_markdown_cell(text)
                note["id"] = f"{label['name'][:50]}-below-{number}"
                cells.append(note)
    node.cells = cells
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(node, folder / f"{name}.ipynb")
    source = paths.root() / "notebooks"
    shutil.copyfile(source / f"{name}.py", folder / f"{name}.py")
    (folder / "downloads").mkdir(exist_ok=True)
    shutil.copyfile(source / f"{name}.ipynb", folder / "downloads" / f"{name}.ipynb")
    takeaway.write_for_colab(Notebook(source / f"{name}.py"), folder / "downloads")
    (folder / "provenance").mkdir(exist_ok=True)
    for label in labels:
        content = json.dumps({"figure": label, **run.record}, indent=1, sort_keys=True)
        (folder / "provenance" / f"{label['name']}.json").write_text(content + "\n", "utf-8")
    for file in run.data_reads:
        origin = paths.data_dir() / file
        if origin.is_file() and origin.stat().st_size <= LARGEST_DOWNLOAD:
            target = folder.parent / "data" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, target)
    return labels
