"""Gzipped files: whole or not at all, equal bytes for equal content."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from repro import packed


def write(file: Path, *parts: bytes) -> None:
    with packed.writing(file) as stream:
        for part in parts:
            stream.write(part)


def test_what_is_written_is_what_gzip_reads(tmp_path: Path) -> None:
    write(tmp_path / "a.gz", b"one ", b"two")
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == b"one two"
    write(tmp_path / "b.gz", b"one two")
    assert (tmp_path / "b.gz").read_bytes() == (tmp_path / "a.gz").read_bytes()


def test_after_an_error_the_file_is_what_it_was(tmp_path: Path) -> None:
    file = tmp_path / "a.gz"
    write(file, b"old")
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), packed.writing(file) as stream:
            stream.write(b"half of the")
            raise error
    assert gzip.decompress(file.read_bytes()) == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_nothing_is_there_before_all_is_written(tmp_path: Path) -> None:
    with packed.writing(tmp_path / "a.gz") as stream:
        stream.write(b"x")
        assert not (tmp_path / "a.gz").exists()
    assert (tmp_path / "a.gz").exists()
