"""The errors a reader can meet, all of one family.

The command line catches :class:`ReproError` and prints its message alone; any
other exception is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ReproError(Exception):
    """Something the reader can mend: the message says what was expected."""


class DataError(ReproError):
    """A file of ``data/`` is missing, altered, or not listed in its manifest."""


class InputError(ReproError):
    """A file or value handed in by the reader cannot be used."""


class ParameterError(ReproError):
    """A notebook parameter is unknown, of the wrong type, or out of range."""


class NotebookError(ReproError):
    """A notebook failed, is out of step with its pair, or may not be published."""


class ClaimError(ReproError):
    """The claims ledger is malformed, or a verdict no longer holds."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the nearest known word, or ``""``."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""
