"""Gzipped files that are written whole or not at all."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def writing(file: Path) -> Iterator[gzip.GzipFile]:
    """Open a gzipped file for writing; it takes its name when all has been written.

    Neither name nor time are in its header: equal content gives equal bytes.  After an error
    the file is what it was before.
    """
    partial = file.with_name("part-" + file.name)
    try:
        with open(partial, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
            yield packed
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(file)
