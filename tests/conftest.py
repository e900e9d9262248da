"""Fixtures shared by the tests of the house."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import World, make_world

from repro import results

# Those have an environment of their own: `make browser`.
collect_ignore = ["browser"]

TINY = {
    "__init__.py": "",
    "alone.py": "VALUE = 1\n",
    "far.py": "VALUE = 2\n",
    "near.py": "from repro.far import VALUE\n",
    "late.py": "def f():\n    from repro import far\n    return far.VALUE\n",
    "kit/__init__.py": "",
    "kit/tool.py": "from repro.near import VALUE\n",
    "kit/other.py": "VALUE = 3\n",
}


@pytest.fixture(autouse=True)
def _outside_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPRO_RUN_DIR", raising=False)
    monkeypatch.delenv("REPRO_ROOT", raising=False)


@pytest.fixture(autouse=True)
def _no_leftover_results() -> Iterator[None]:
    before = dict(results.RECORDED)
    yield
    results.RECORDED.clear()
    results.RECORDED.update(before)
    results.SHOWN_WITHOUT.clear()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world with a tiny package, set as the root."""
    made = make_world(tmp_path / "world", package=TINY)
    monkeypatch.setenv("REPRO_ROOT", str(made.root))
    return made


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Callable[[World], World]:
    """Set a world that a wider fixture has made as the root."""

    def set_root(made: World) -> World:
        monkeypatch.setenv("REPRO_ROOT", str(made.root))
        return made

    return set_root


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as of a run in progress."""
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("REPRO_RUN_DIR", str(folder))
    return folder
