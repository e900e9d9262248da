"""Text appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro import paths


def test_text_is_written_in_utf8_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    paths.write_text(file, "Å\n")
    paths.write_text(file, "second å\n")
    assert file.read_bytes() == "second å\n".encode()
    assert list(tmp_path.iterdir()) == [file]


def test_a_write_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.json"
    paths.write_text(file, "first\n")
    with pytest.raises(UnicodeEncodeError):
        paths.write_text(file, "\ud800")
    assert file.read_text() == "first\n"

    def interrupted(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        paths.write_text(file, "second\n")
    assert file.read_text() == "first\n"


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        paths.write_text(tmp_path / "none" / "a.txt", "x")
    assert not (tmp_path / "none").exists()
