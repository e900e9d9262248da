"""The notebooks of the book: pairs of a script and an ipynb without outputs.

The py:percent script is the source; the ipynb is made from it by :func:`sync`
and must say the same, so that JupyterLab, Binder and git all see one text.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from repro import parameters, paths
from repro.errors import NotebookError, did_you_mean
from repro.parameters import Parameter

_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


_PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")


def as_python(source: str) -> str:
    """Return a cell as Python, with IPython's magics and shell lines translated."""
    with contextlib.suppress(SyntaxError):
        ast.parse(source)
        return source
    first, _, rest = source.lstrip().partition("\n")
    if first.startswith("%%"):  # a cell in another language imports nothing of ours
        source = rest if first.split()[0] in _PYTHON_MAGICS else ""
    return str(TransformerManager().transform_cell(source))


@dataclass(frozen=True)
class Notebook:
    """One notebook pair.

    Attributes
    ----------
    script:
        Path of the py:percent source.
    """

    script: Path

    @property
    def name(self) -> str:
        """File name without suffix, e.g. ``01_which_salts_react``."""
        return self.script.stem

    @property
    def ipynb(self) -> Path:
        """Path of the paired notebook."""
        return self.script.with_suffix(".ipynb")

    @cached_property
    def text(self) -> str:
        """The script as text."""
        try:
            return self.script.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise NotebookError(f"{self.script}: expected UTF-8 text: {error}") from None

    def node(self) -> Any:
        """Return the notebook that the script describes, without outputs.

        Raises
        ------
        NotebookError
            If the script is not a py:percent notebook.
        """
        try:
            node = jupytext.reads(self.text, fmt="py:percent")
        except Exception as error:  # jupytext raises many kinds; all mean the same here
            raise NotebookError(f"{self.script}: not a py:percent notebook: {error}") from None
        node.metadata["kernelspec"] = dict(_KERNEL)
        node.metadata["language_info"] = {"name": "python"}
        # Ids by position: a stable diff, and the same notebook from the same script.
        for number, cell in enumerate(node.cells):
            cell["id"] = f"cell-{number:03d}"
        node.nbformat, node.nbformat_minor = 4, 5
        return node

    def code(self) -> str:
        """Return the code cells as one Python text (for reading its imports)."""
        cells = (cell for cell in self.node().cells if cell.cell_type == "code")
        return "\n".join(as_python(cell.source) for cell in cells)

    def parameters(self) -> tuple[Parameter, ...]:
        """Return what the cell tagged ``parameters`` declares; empty if there is none."""
        cells = [
            cell
            for cell in self.node().cells
            if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])
        ]
        if len(cells) > 1:
            raise NotebookError(
                f"{self.script}: {len(cells)} cells are tagged 'parameters', expected one at most"
            )
        return parameters.declared(cells[0].source, notebook=self.name) if cells else ()

    def rendered(self) -> str:
        """Return the text that the paired ipynb should hold."""
        node = self.node()
        node.metadata["jupytext"] = {"formats": "ipynb,py:percent"}
        text: str = nbformat.writes(node, indent=1)
        return text + "\n"

    def in_step(self) -> bool:
        """Return whether the ipynb holds the script's cells, and no outputs."""
        if not self.ipynb.is_file():
            return False
        return self.ipynb.read_bytes() == self.rendered().encode()


def folder() -> Path:
    """Return the folder of the notebooks."""
    return paths.root() / "notebooks"


def figures(file: Path) -> Iterator[tuple[dict[str, str], str]]:
    """Yield label and base64 PNG, "" without one, of each figure of an executed notebook."""
    for cell in nbformat.read(file, as_version=4).cells:
        for output in cell.get("outputs", []):
            label = output.get("metadata", {}).get("repro", {})
            if label.get("name"):
                yield label, output.get("data", {}).get("image/png", "")


def every() -> tuple[Notebook, ...]:
    """Return all notebooks in the order of their names."""
    return tuple(Notebook(script) for script in sorted(folder().glob("[0-9]*.py")))


def find(name: str) -> Notebook:
    """Return the notebook of a name, a path, or an unambiguous beginning of a name.

    Raises
    ------
    NotebookError
        If there is none, or more than one; the message lists the names.
    """
    wanted = Path(name).name.removesuffix(".py").removesuffix(".ipynb")
    books = every()
    exact = [book for book in books if book.name == wanted]
    near = exact or [book for book in books if wanted and book.name.startswith(wanted)]
    if len(near) == 1:
        return near[0]
    names = [book.name for book in books]
    what = "no notebook" if not near else "more than one notebook begins with"
    raise NotebookError(
        f"{what} {wanted!r}{did_you_mean(wanted, names)}; there are: {', '.join(names) or 'none'}"
    )


def sync() -> list[Path]:
    """Write each ipynb that is out of step with its script; return those written."""
    written = []
    for book in every():
        if not book.in_step():
            book.ipynb.write_text(book.rendered(), encoding="utf-8")
            written.append(book.ipynb)
    return written


def require_in_step(book: Notebook) -> None:
    """Refuse a notebook whose ipynb says something else than its script.

    Raises
    ------
    NotebookError
        With the two ways to settle which of them is right.
    """
    if not book.in_step():
        raise NotebookError(
            f"{book.name}: the pair disagrees: {book.ipynb.name} does not hold the cells of "
            f"{book.script.name}.\nKeep the script: 'repro sync'. Keep the notebook: "
            f"'jupytext --to py:percent notebooks/{book.ipynb.name}', then 'repro sync'."
        )
