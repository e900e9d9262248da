"""Where things are: the repository, its data, the build folder; and writing there."""

from __future__ import annotations

import os
from pathlib import Path


def root() -> Path:
    """Return the repository root (``REPRO_ROOT`` overrides it, for tests)."""
    override = os.environ.get("REPRO_ROOT")
    return Path(override).resolve() if override else Path(__file__).resolve().parents[2]


def data_dir() -> Path:
    """Return the folder of shipped data."""
    return root() / "data"


def build_dir() -> Path:
    """Return the folder for everything generated; ``make clean`` removes it."""
    return root() / "_build"


def write_text(file: Path, text: str) -> None:
    """Write a text file in UTF-8; it appears whole or stays what it was."""
    partial = file.with_name(file.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)


def run_dir() -> Path | None:
    """Return the folder of the run in progress, or None outside a run.

    The runner sets ``REPRO_RUN_DIR`` for the kernel; in JupyterLab it is unset
    and nothing is recorded.
    """
    folder = os.environ.get("REPRO_RUN_DIR")
    return Path(folder) if folder else None
