"""A copy of the book in which things are broken, and what the program said of it.

A :class:`Copy` is a folder with the package and either the whole book or a book of one small
chapter.  Everything a trial changes in it is put back by :meth:`Copy.restore`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from repro import data, notebooks, paths, student
from repro.errors import InputError

LIMIT = 1200.0
"""Seconds for one command, far more than any needs on an idle machine."""
CHAPTER = "01_small"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.egg-info", "*.part")
_SCRIPT = """\
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

# %% [markdown]
# # A small chapter

# %% tags=["parameters"]
n: int = 3  # A number of points; allowed: 2..9

# %%
from repro import data, trial_helper
from repro.figures import new_figure, show
from repro.results import record

numbers = data.path("numbers/n.csv").read_text().split()
answer = record("small.answer", trial_helper.VALUE, unit="K")

# %%
figure, axes = new_figure()
axes.plot(range(n))
show(figure, name="fig-small", caption="A line that rises.", alt="A straight line going up.")
"""
_LEDGER = {
    "schema": 1,
    "paper": {"doi": "10.1000/xyz", "key": "someone2020"},
    "claims": [{
        "id": "one", "where": "Results, p. 1", "says": "The answer is forty-two", "kind": "result",
        "published": {"relation": "=", "value": 42.0, "unit": "K"},
        "tolerance": {"abs": 1.0, "why": "one kelvin is what we can resolve"},
        "addressed": "computed in the only chapter", "chapter": f"notebooks/{CHAPTER}",
        "result": "small.answer", "verdict": "reproduced", "note": "", "figure": "fig-small",
    }],
    "errata": [],
}  # fmt: skip
_PAGE = "# A small book\n\nSee [](../notebooks/01_small).\n\n<!-- repro:scoreboard -->\n"


@dataclass(frozen=True)
class Said:
    """What a command did: as typed, exit status (-9 for killed), its words, and how long."""

    command: str
    status: int
    text: str
    seconds: float


@dataclass
class Copy:
    """A copy of the book to break.

    Attributes
    ----------
    root:
        Its folder.
    """

    root: Path
    _before: dict[Path, bytes | None] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return the environment of a command that works on this copy with its own package."""
        kept = {k: v for k, v in os.environ.items() if k != "REPRO_RUN_DIR"}
        source = str(self.root / "src")
        return {**kept, "REPRO_ROOT": str(self.root), "PYTHONPATH": source, "MPLBACKEND": "agg"}

    def _remember(self, name: str) -> Path:
        file = self.root / name
        self._before.setdefault(file, file.read_bytes() if file.is_file() else None)
        return file

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file."""
        file = self._remember(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def remove(self, name: str) -> None:
        """Take a file away."""
        self._remember(name).unlink()

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace words of a file.

        Raises
        ------
        InputError
            If they do not stand there exactly once: the trial would break nothing.
        """
        text = self._remember(name).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise InputError(f"{name}: {old!r} stands there {text.count(old)} times, expected once")
        self.write(name, text.replace(old, new))

    def flip(self, name: str) -> None:
        """Change one byte in the middle of a file."""
        content = bytearray(self._remember(name).read_bytes())
        content[len(content) // 2] ^= 1
        self.write(name, bytes(content))

    def chapter(self, old: str, new: str) -> None:
        """Replace words of the small chapter, and bring its pair into step."""
        self.edit(f"notebooks/{CHAPTER}.py", old, new)
        book = notebooks.Notebook(self.root / f"notebooks/{CHAPTER}.py")
        self.write(f"notebooks/{CHAPTER}.ipynb", book.rendered())

    def restore(self) -> None:
        """Put back everything that was changed."""
        for file, content in self._before.items():
            if content is None:
                file.unlink(missing_ok=True)
            else:
                file.write_bytes(content)
        self._before.clear()

    def start(self, command: Sequence[str]) -> subprocess.Popen[str]:
        """Start a command and return it; its output is one stream of text."""
        return subprocess.Popen(
            command, env=self.environment(), cwd=self.root, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip

    def run(self, command: Sequence[str], *, shown: str) -> Said:
        """Run a command to its end."""
        begin = time.monotonic()
        child = self.start(command)
        try:
            text, _ = child.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            text, _ = child.communicate()
        return Said(shown, child.returncode, text, time.monotonic() - begin)

    def repro(self, *words: str) -> Said:
        """Run the command ``repro``."""
        return self.run(self.cli(*words), shown=f"repro {' '.join(words)}")

    def cli(self, *words: str) -> list[str]:
        """Return the command line of ``repro``."""
        return [sys.executable, "-m", "repro.cli", *words]

    def module(self, name: str, *words: str) -> Said:
        """Run a module of the package that has a command line."""
        shown = f"python -m {name} {' '.join(words)}".replace(f"{self.root}/", "")
        return self.run([sys.executable, "-m", name, *words], shown=shown)

    def python(self, code: str, *, shown: str) -> Said:
        """Run Python with our errors in plain words, as our command lines have them."""
        body = "".join(f"    {line}\n" for line in code.strip().splitlines())
        text = f"from repro.commands import plain_errors\ndef main(_=None):\n{body}    return 0\n"
        end = "raise SystemExit(plain_errors(main)(None))\n"
        return self.run([sys.executable, "-c", text + end], shown=shown)

    def page(self) -> bytes:
        """Return the first page of the built book, empty without one."""
        file = self.root / "_build/html/book/index.html"
        return file.read_bytes() if file.is_file() else b""


def whole(folder: Path) -> Copy:
    """Copy the whole book."""
    for name in student.PARTS:
        source = paths.root() / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=_LEFT_OUT)
        elif source.is_file():
            shutil.copy2(source, folder / name)
    return Copy(folder)


def small(folder: Path) -> Copy:
    """Write a book of one small chapter: the package, style and configuration are the real ones."""
    root = paths.root()
    shutil.copytree(root / "src", folder / "src", ignore=_LEFT_OUT)
    for name in ("_static", "_extra"):
        shutil.copytree(root / "book" / name, folder / "book" / name)
    for name in ("requirements.lock", "_config.yml", "book/references.bib",
                 "data/claims.schema.json"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, folder / name)
    copy = Copy(folder)
    copy.write("src/repro/trial_helper.py", "VALUE = 42.0\n")
    copy.write("src/repro/trial_other.py", "VALUE = 1.0\n")
    copy.write("book/index.md", _PAGE)
    copy.write(
        "_toc.yml", f"format: jb-book\nroot: book/index\nchapters:\n  - file: notebooks/{CHAPTER}\n"
    )
    copy.write("data/claims.yaml", yaml.safe_dump(_LEDGER, sort_keys=False))
    copy.write("data/numbers/n.csv", "1\n2\n")
    data.write_manifest(
        folder / "data/numbers", title="Numbers", license="CC-BY-4.0", sources=["a trial"],
        command="none", parameters={}, seed=None, wall_time_s=0.0, files={"n.csv": "numbers"},
    )  # fmt: skip
    book = notebooks.Notebook(copy.write(f"notebooks/{CHAPTER}.py", _SCRIPT))
    copy.write(f"notebooks/{CHAPTER}.ipynb", book.rendered())
    copy._before.clear()  # this is the state to go back to
    return copy


def wait_for(what: Callable[[], bool], *, seconds: float = LIMIT) -> bool:
    """Wait until something is so; return whether it came to be."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def children(pid: int) -> dict[int, str]:
    """Return the processes that one has started, with their command lines (Linux)."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            after = (folder / "stat").read_text().rpartition(")")[2].split()
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # gone meanwhile
            continue
        if int(after[1]) == pid:
            found[int(folder.name)] = words
    return found


_OURS = re.compile(r"^(repro|error): (.+)$", re.MULTILINE)


def message(text: str, root: Path, *, says: str = "") -> str:
    """Return the first words of an error message, or without one the line that matters.

    Parameters
    ----------
    text:
        Everything a command has said.
    root:
        Folder of the copy, left out of paths.
    says:
        Regular expression of what was expected; without an error message, the line with it is
        returned, or else the last one.

    A message whose first line only introduces a list has the first entry too.
    """
    text = text.replace(f"{root}/", "").replace(str(root), "the copy")
    found = _OURS.search(text)
    if found is None:
        lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
        fitting = [line for line in lines if says and re.search(says, line)]
        return (fitting[:1] or lines[-1:] or [""])[0]
    first = found[2].strip()
    after = text[found.end() :].strip().splitlines()
    return f"{first} {after[0].strip()}" if first.endswith(":") and after else first
