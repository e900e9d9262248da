"""What is broken on purpose, and what has to happen then.

Each :class:`Trial` breaks a copy (:mod:`benchmarks.broken`) and runs a command.  It counts as
caught only if the exit status is the one expected, the words expected stand in the output,
there is no traceback, and whatever else the trial looks at is in order.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.broken import Copy, Said, message

Act = Callable[[Copy], "Said | tuple[Said, str]"]
"""Breaks and runs.  The text beside the result names what is not in order; empty if all is."""


class NotHereError(Exception):
    """A trial that this machine does not allow, and why."""


@dataclass(frozen=True)
class Trial:
    """One fault.

    Attributes
    ----------
    broken, expected:
        In words.
    place:
        ``whole`` or ``small``: which copy it is done in.
    status:
        Exit status that is expected.
    says:
        A regular expression for what the output has to hold.
    act:
        Breaks the copy and runs the command.
    """

    broken: str
    expected: str
    place: str
    status: int
    says: str
    act: Act


@dataclass(frozen=True)
class Row:
    """What happened.

    Attributes
    ----------
    broken, command, expected:
        In words.
    status:
        Exit status, None where nothing was run.
    said:
        The first words of the message.
    caught:
        ``yes``, ``no``, or ``not tried``.
    wrong:
        Why not, or why it was not tried.
    seconds:
        Wall time.
    """

    broken: str
    command: str
    expected: str
    status: int | None
    said: str
    caught: str
    wrong: str
    seconds: float


def judge(trial: Trial, copy: Copy) -> Row:
    """Break, run, put back, and say whether the fault was caught."""
    try:
        found = trial.act(copy)
    except NotHereError as why:
        return Row(trial.broken, "", trial.expected, None, "", "not tried", str(why), 0.0)
    finally:
        copy.restore()
    said, wrong = found if isinstance(found, tuple) else (found, "")
    complaints = [wrong] if wrong else []
    if said.status != trial.status:
        complaints.append(f"exit status {said.status}, expected {trial.status}")
    if not re.search(trial.says, said.text):
        complaints.append(f"the output has nothing like {trial.says!r}")
    if "Traceback (most recent call last)" in said.text:
        complaints.append("a traceback")
    return Row(trial.broken, said.command, trial.expected, said.status,
               message(said.text, copy.root, says=trial.says), "no" if complaints else "yes",
               "; ".join(complaints), round(said.seconds, 1))  # fmt: skip


TRIALS: list[Trial] = []


def trial(
    broken: str, expected: str, *, place: str, says: str, status: int = 1
) -> Callable[[Act], Act]:
    """Add a function to the trials."""

    def add(act: Act) -> Act:
        TRIALS.append(Trial(broken, expected, place, status, says, act))
        return act

    return add


@contextlib.contextmanager
def tiny_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a disk of so few bytes on a folder while it is needed.

    Raises
    ------
    NotHereError
        Where that is not allowed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotHereError(f"a disk in memory cannot be made here: {error}") from None
    if done.returncode:
        raise NotHereError(f"a disk in memory cannot be made here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
