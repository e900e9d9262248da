"""What a reader takes from a chapter's page: script, notebook, and ways to run it elsewhere.

Binder builds ``binder/`` and needs the address of the repository, which is
``repository-code`` in ``CITATION.cff``; without one no page offers it.  Colab gets a
notebook of its own, made here, whose first cell installs the locked environment.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat
import yaml

from repro import paths
from repro.errors import InputError
from repro.notebooks import Notebook

_TITLE = re.compile(r"^# .+$", re.MULTILINE)
_GITHUB = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
INSTALL = """\
# Run this cell first: it installs the locked environment of the book, which takes some ten
# minutes. Then restart the session (in Colab: Runtime, Restart session) and run it once more.
REPOSITORY = {address!r}  # where git finds the book: an address, or a folder

import os
import subprocess
import sys
from pathlib import Path

if not (3, 11) <= sys.version_info[:2] < (3, 14):
    raise RuntimeError(f"expected Python 3.11, 3.12 or 3.13, found {{sys.version.split()[0]}}")
base = Path("/content") if Path("/content").is_dir() else Path.cwd()
book = base / "soft-clay-companion"
if not book.is_dir():
    if not REPOSITORY:
        raise RuntimeError("set REPOSITORY above to the address of the book's repository")
    subprocess.run(["git", "clone", "--depth", "1", REPOSITORY, str(book)], check=True)
os.chdir(book)
installed = book / ".installed-here"
if not installed.exists():
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--require-hashes", "-r", "requirements.lock"], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", "."], check=True)
    installed.touch()
    print("Installed. Restart the session now, then run this cell again.")
else:
    print("Ready. Run the cells below.")
"""


def address() -> str:
    """Return the address of the repository as ``CITATION.cff`` has it, or ``""``.

    Raises
    ------
    InputError
        If it is no https address.
    """
    file = paths.root() / "CITATION.cff"
    if not file.is_file():
        return ""
    found = str(
        (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("repository-code") or ""
    )
    if found and not found.startswith("https://"):
        raise InputError(f"{file}: repository-code: expected an https address, found {found!r}")
    return found


def links(name: str) -> str:
    """Return the line of links of a chapter as MyST.

    Parameters
    ----------
    name:
        Name of the notebook.  The line is for its page in ``notebooks/``, beside which
        :func:`repro.staging.stage_notebook` puts the files.
    """
    parts = [
        f"{{download}}`script (.py) <./{name}.py>`",
        f"{{download}}`notebook (.ipynb) <./downloads/{name}.ipynb>`",
        f"{{download}}`notebook for Colab <./downloads/{name}-colab.ipynb>`, to upload there",
    ]
    github = _GITHUB.fullmatch(address())
    if github:
        path = quote(f"notebooks/{name}.ipynb", safe="")
        where = f"https://mybinder.org/v2/gh/{github[1]}/{github[2]}/HEAD?labpath={path}"
        parts.append(f"[open in Binder]({where})")
    return "\n".join([":::{div} takeaway", "Take it with you: " + " · ".join(parts) + ".", ":::"])


def under_title(source: str, name: str) -> str:
    """Return a markdown cell with the links below its title; as it is if it has none."""
    return _TITLE.sub(lambda title: f"{title[0]}\n\n{links(name)}", source, count=1)


def for_colab(book: Notebook) -> str:
    """Return a chapter's notebook for Colab as JSON: an installing cell, then the chapter."""
    node: Any = book.node()
    cell = nbformat.v4.new_code_cell(INSTALL.format(address=address()))
    cell["id"] = "install"
    node.cells.insert(0, cell)
    text: str = nbformat.writes(node, indent=1)
    return text + "\n"


def write_for_colab(book: Notebook, folder: Path) -> Path:
    """Write ``NAME-colab.ipynb`` into a folder; return its path."""
    file = folder / f"{book.name}-colab.ipynb"
    file.write_text(for_colab(book), encoding="utf-8")
    return file
