"""Small worlds for tests: a repository of a few files, with a package to hash."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import yaml

from repro import data, notebooks
from repro.ledger import Claim, Published
from repro.results import Result

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = REPOSITORY / "src" / "repro"

HEADER = """\
# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---
"""

CONFIG = {
    "title": "A small book",
    "author": "Nobody",
    "only_build_toc_files": True,
    "execute": {"execute_notebooks": "off"},
    "parse": {"myst_enable_extensions": ["colon_fence", "dollarmath", "substitution"]},
    "html": {"use_repository_button": False},
    "sphinx": {
        "config": {
            "extensions": [
                "sphinx_togglebutton",
                "sphinx_comments",
                "sphinx_copybutton",
                "myst_nb",
                "jupyter_book",
                "sphinx_external_toc",
                "sphinx_design",
                "sphinx_book_theme",
            ],
            "numfig": True,
        }
    },
}


def script(title: str, *cells: str, parameters: str | None = None) -> str:
    """Return a py:percent notebook of a title, an optional parameters cell, and code."""
    parts = [HEADER, f"# %% [markdown]\n# # {title}\n"]
    if parameters is not None:
        parts.append('# %% tags=["parameters"]\n' + textwrap.dedent(parameters).strip() + "\n")
    parts += ["# %%\n" + textwrap.dedent(cell).strip() + "\n" for cell in cells]
    return "\n".join(parts)


def claim_row(id: str = "one", **changes: Any) -> dict[str, Any]:
    """Return a valid row of the ledger as plain data; ``changes`` replace its fields."""
    row: dict[str, Any] = {
        "id": id,
        "where": "Results, p. 1",
        "says": "The answer is forty-two",
        "kind": "result",
        "published": {"relation": "=", "value": 42.0, "unit": "K"},
        "tolerance": {"abs": 1.0, "why": "one kelvin is what we can resolve"},
        "addressed": "computed in the only chapter",
        "chapter": "notebooks/01_small",
        "result": None,
        "verdict": "pending",
        "note": "",
    }
    return {**row, **changes}


def ledger_text(*rows: Mapping[str, Any], errata: list[dict[str, Any]] | None = None) -> str:
    """Return ``claims.yaml`` with these rows."""
    content = {
        "schema": 1,
        "paper": {"doi": "10.1000/xyz", "key": "someone2020"},
        "claims": list(rows) or [claim_row()],
        "errata": errata or [],
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def a_claim(relation: str = "=", value: Any = 42.0, unit: str = "K", **changes: Any) -> Claim:
    """Return a Claim object without going through YAML."""
    fields = claim_row(
        result="small.answer",
        verdict="reproduced",
        published=Published(relation, value, unit),
    )
    fields.update(changes)
    return Claim(**fields)


def a_result(value: Any = 42.0, unit: str = "K", key: str = "small.answer", **more: Any) -> Result:
    """Return a computed value."""
    return Result(key=key, value=value, unit=unit, **more)


def tree_hash(folder: Path) -> str:
    """Return one hash of all names and bytes below a folder."""
    total = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            total.update(file.relative_to(folder).as_posix().encode() + b"\0")
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


@dataclass(frozen=True)
class World:
    """A repository root for a test."""

    root: Path

    def write(self, name: str, text: str) -> Path:
        """Write a text file below the root."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def notebook(self, name: str, *cells: str, parameters: str | None = None) -> Path:
        """Write a notebook pair; return the script."""
        file = self.write(f"notebooks/{name}.py", script(name, *cells, parameters=parameters))
        book = notebooks.Notebook(file)
        book.ipynb.write_text(book.rendered(), encoding="utf-8")
        return file

    def data_set(self, name: str, files: Mapping[str, str]) -> Path:
        """Write a data folder with its manifest."""
        folder = self.root / "data" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        data.write_manifest(
            folder,
            title="Numbers",
            license="CC-BY-4.0",
            sources=["made for a test"],
            command="none",
            parameters={},
            seed=None,
            wall_time_s=0.0,
            files={file: "numbers" for file in files},
        )
        return folder

    def claims(self, *rows: Mapping[str, Any], errata: list[dict[str, Any]] | None = None) -> Path:
        """Write the ledger."""
        return self.write("data/claims.yaml", ledger_text(*rows, errata=errata))

    def cli(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the command line in a process of its own and wait for it."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            **options,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command line in a process of its own."""
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "repro.cli", *arguments]

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k != "REPRO_RUN_DIR"}
        return {**kept, "REPRO_ROOT": str(self.root), "MPLBACKEND": "agg"}

    @property
    def build(self) -> Path:
        """The build folder."""
        return self.root / "_build"

    def finished(self, name: str) -> list[Path]:
        """Return the folders of finished runs of a notebook."""
        folder = self.build / "runs" / name
        return sorted(p for p in folder.glob("*") if not p.name.startswith("."))

    def unfinished(self) -> list[Path]:
        """Return the working folders that runs have left behind."""
        return sorted((self.build / "runs").glob("*/.*"))


def make_world(folder: Path, *, package: Mapping[str, str] | None = None) -> World:
    """Return a world with a lock, a ledger schema, and a package to hash.

    Parameters
    ----------
    folder:
        An empty folder.
    package:
        Module path below ``src/repro`` to text; a copy of the real package if None.
    """
    world = World(folder.resolve())
    world.write("requirements.lock", "numpy==1.0\n")
    target = world.root / "src" / "repro"
    if package is None:
        shutil.copytree(SOURCE, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        for name, text in package.items():
            world.write(f"src/repro/{name}", text)
    (world.root / "notebooks").mkdir(exist_ok=True)
    (world.root / "data").mkdir(exist_ok=True)
    shutil.copy(REPOSITORY / "data" / "claims.schema.json", world.root / "data")
    return world


def executed(*cells: tuple[str, list[dict[str, Any]]]) -> Any:
    """Return a notebook node of code cells, each a source and its outputs."""
    node = nbformat.v4.new_notebook()
    for number, (source, outputs) in enumerate(cells, start=1):
        cell = nbformat.v4.new_code_cell(source, execution_count=number)
        cell.outputs = [nbformat.v4.new_output(**output) for output in outputs]
        node.cells.append(cell)
    return node


def image(name: str = "fig-one", **label: Any) -> dict[str, Any]:
    """Return a PNG output labelled as ``repro.figures.show`` does."""
    full = {"name": name, "caption": "A line rises.", "alt": "A line from low to high.", **label}
    return {
        "output_type": "display_data",
        "data": {"image/png": "aGVsbG8="},
        "metadata": {"repro": {k: v for k, v in full.items() if v is not None}},
    }
