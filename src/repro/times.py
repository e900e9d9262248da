"""How long chapters take, from the records of their own runs: nobody types a time.

Two times are kept.  The clock is what a person waits; on a machine with other work it says
more about that work.  Processor time, of the kernel and all that it started, says what the
chapter costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.progress import duration
from repro.runner import Run


@dataclass(frozen=True)
class Time:
    """What one run took.

    Attributes
    ----------
    clock:
        Seconds by the clock.
    processor:
        Seconds of processor time, kernel and everything it started; None in a record that
        is older than this measure.
    load:
        Load average of the machine when the run began, the number of processes that wanted
        a core; None likewise.
    machine, day:
        Where, and when (``2026-11-27``).
    """

    clock: float
    processor: float | None
    load: float | None
    machine: str
    day: str

    def __str__(self) -> str:
        clock = f"{duration(self.clock)} by the clock"
        if self.processor is None:
            return clock
        return f"{clock}, {duration(self.processor)} of processor time"


def of(runs: Iterable[Run]) -> dict[str, Time]:
    """Return the time of each run by name of its notebook (``01_which_salts_react``)."""
    found = {}
    for run in runs:
        record = run.record
        processor, load = record.get("cpu_time_s"), record.get("load_at_start")
        found[Path(record["notebook"]).stem] = Time(
            clock=float(record["wall_time_s"]),
            processor=None if processor is None else float(processor),
            load=None if load is None else float(load),
            machine=str(record["machine"]),
            day=str(record["finished"])[:10],
        )
    return found


def said(times: Mapping[str, Time]) -> str:
    """Return in words where the times come from and what ran beside, as MyST."""
    if not times:
        return "No run has been timed yet."
    machines = sorted({time.machine for time in times.values()})
    days = sorted({time.day for time in times.values()})
    loads = [time.load for time in times.values() if time.load is not None]
    when = days[0] if len(days) == 1 else f"between {days[0]} and {days[-1]}"
    clock = duration(sum(time.clock for time in times.values()))
    cost = [time.processor for time in times.values()]
    words = [
        "The times are from the records of the runs behind these pages, with default parameters, on "
        f"{' and on '.join(machines)}, {when}.",
        f"All {len(times)} chapters together took {clock} by the clock"
        + (
            "."
            if None in cost
            else f" and {duration(sum(c or 0.0 for c in cost))} of processor time."
        ),
    ]
    if loads:
        words.append(
            f"When a chapter began, the load average was {min(loads):.1f} to {max(loads):.1f}: the closer to "
            "the number of cores, or the further above, the more other work shared them. An idle machine is "
            "faster by the clock."
        )
    return " ".join(words)
