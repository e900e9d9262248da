"""What the command lines share: how they are read, and how they end in trouble."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from functools import wraps
from typing import Protocol

from repro.errors import ReproError

Given = Sequence[str] | None


def parse(parser: argparse.ArgumentParser, arguments: Given) -> argparse.Namespace:
    """Return the parsed arguments, and in ``line`` the whole command for a manifest."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    args = parser.parse_args(given)
    args.line = f"{parser.prog} {shlex.join(given)}"
    return args


class Main(Protocol):
    """A command line."""

    def __call__(self, arguments: Given = None) -> int:
        """Take its arguments, or those of the process if None; return the exit status."""
        ...


def plain_errors(main: Main) -> Main:
    """Let a ``main(arguments)`` say what the reader can mend in one line, not a traceback.

    A :class:`~repro.errors.ReproError` becomes ``error: ...`` on stderr and exit status
    1.  Any other exception is a defect of ours and keeps its traceback; ``SystemExit`` of
    a wrong command line (status 2) goes through.
    """

    @wraps(main)
    def plain(arguments: Given = None) -> int:
        try:
            return main(arguments)
        except ReproError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1

    return plain


def resumable(main: Main) -> Main:
    """Let a ``main(arguments)`` end quietly at Ctrl-C, with exit status 130.

    For commands that go on where they were when they are started again.
    """

    @wraps(main)
    def quiet(arguments: Given = None) -> int:
        try:
            return main(arguments)
        except KeyboardInterrupt:
            print("stopped; start the same command again to go on", file=sys.stderr)
            return 130

    return quiet
