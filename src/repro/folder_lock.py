"""A lock on a file that children inherit and the kernel lets go of.

The lock belongs to the open file: it lasts until the holder and every child that
got the descriptor are gone, however they end, kill -9 included.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path

from repro.errors import ReproError


@contextlib.contextmanager
def held(file: Path, *, patience: float, busy: ReproError) -> Iterator[int]:
    """Hold the lock of a file; give the descriptor that children inherit.

    Parameters
    ----------
    file:
        The lock file, made if needed.
    patience:
        Seconds to wait for another holder; one just killed is gone in an instant.
    busy:
        Raised if the other holder stays.
    """
    with open(file, "a") as stream:
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise busy from None
                time.sleep(0.1)
        yield stream.fileno()
