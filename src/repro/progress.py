"""Progress with time left: a bar for a person, plain lines for CI."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any, TextIO

from tqdm import tqdm


def duration(seconds: float) -> str:
    """Return a duration in the words a person uses, e.g. ``2 min 5 s``."""
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


@dataclass
class Progress:
    """Progress through a list of jobs, each of a number of cells.

    Attributes
    ----------
    jobs:
        Name of each job and its expected seconds, None where nothing is known.
    stream:
        Where it is written; a bar if that is a terminal, lines otherwise.
    every:
        Seconds between lines within one job.
    """

    jobs: dict[str, float | None]
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    every: float = 30.0
    _bar: Any = None
    _job: str = ""
    _cells: int = 0
    _at: int = 0
    _done: int = 0
    _spent: dict[str, float] = field(default_factory=dict)
    _begun: float = 0.0
    _last: float = 0.0

    @property
    def for_a_person(self) -> bool:
        """Whether the stream is a terminal."""
        return self.stream.isatty()

    def begin(self, job: str, cells: int) -> None:
        """Start a job of so many cells."""
        self._begun = self._last = time.monotonic()
        self._cells, self._job, self._at = cells, job, 0
        label = f"[{self._done + 1}/{len(self.jobs)}] {job}"
        if self.for_a_person:
            # tqdm itself puts a comma before the postfix.
            form = "{desc} {bar} {n_fmt}/{total_fmt} cells, {elapsed}{postfix}"
            self._bar = tqdm(total=cells, desc=label, file=self.stream, leave=True, bar_format=form)
            self._bar.set_postfix_str(self._left().removeprefix(", "))
        else:
            self._line(f"{label}: {cells} cells{self._left()}")

    def cell(self) -> None:
        """Note that one more cell is done."""
        self._at += 1
        if self._bar is not None:
            self._bar.set_postfix_str(self._left().removeprefix(", "), refresh=False)
            self._bar.update()
        elif time.monotonic() - self._last > self.every:
            self._last = time.monotonic()
            self._line(f"    {self._job}: cell {self._at} of {self._cells}{self._left()}")

    def end(self, outcome: str) -> None:
        """End the job with a word on how it went."""
        spent = time.monotonic() - self._begun
        self._spent[self._job] = spent
        self._done += 1
        if self._bar is not None:
            self._bar.set_postfix_str(outcome)
            self._bar.close()
            self._bar = None
        else:
            self._line(f"    {self._job}: {outcome} in {duration(spent)}")

    def skip(self, job: str, why: str) -> None:
        """Pass over a job that needs no work."""
        self._spent[job] = 0.0
        self._done += 1
        self._line(f"[{self._done}/{len(self.jobs)}] {job}: {why}")

    def remaining(self) -> float | None:
        """Return the expected seconds left over all jobs, or None if nothing is known.

        What is left of the present job comes from its expected time, or from its
        cells so far; a job never run counts as the mean of those known.
        """
        elapsed = time.monotonic() - self._begun
        expected = self.jobs.get(self._job)
        if expected is not None:
            here = max(expected - elapsed, 0.0)
        elif self._at:
            here = elapsed / self._at * (self._cells - self._at)
        else:
            return None
        known = [value for value in (*self.jobs.values(), *self._spent.values()) if value]
        mean = sum(known) / len(known) if known else elapsed + here
        later = [
            value for job, value in self.jobs.items() if job not in self._spent and job != self._job
        ]
        return here + sum(mean if value is None else value for value in later)

    def _left(self) -> str:
        left = self.remaining()
        return "" if left is None else f", about {duration(left)} left"

    def _line(self, text: str) -> None:
        print(text, file=self.stream, flush=True)
