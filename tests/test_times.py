"""Measured times: from records only, old records included, and said with what ran beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from repro import times
from repro.runner import Run
from repro.times import Time


def a_run(name: str = "01_small", **changes: Any) -> Run:
    record = {
        "notebook": f"notebooks/{name}.py",
        "wall_time_s": 62.4,
        "cpu_time_s": 41.2,
        "load_at_start": 1.52,
        "machine": "Linux x86_64, 2 cores",
        "finished": "2026-11-27T00:30:00+00:00",
        **changes,
    }
    return Run(Path("nowhere"), {key: value for key, value in record.items() if value is not None})


def test_a_time_is_what_the_record_says() -> None:
    (found,) = times.of([a_run()]).items()
    assert found == ("01_small", Time(62.4, 41.2, 1.52, "Linux x86_64, 2 cores", "2026-11-27"))
    assert str(found[1]) == "1 min 2 s by the clock, 41 s of processor time"


def test_a_record_from_before_processor_times_has_the_clock_only() -> None:
    (time,) = times.of([a_run(cpu_time_s=None, load_at_start=None)]).values()
    assert (time.processor, time.load) == (None, None)
    assert str(time) == "1 min 2 s by the clock"
    said = times.said({"01_small": time})
    assert "1 min 2 s by the clock." in said
    assert "processor" not in said and "load" not in said


def test_what_is_said_of_all_names_machine_days_sum_and_load() -> None:
    runs = [a_run(), a_run("02_other", wall_time_s=60.0, cpu_time_s=30.0, load_at_start=3.26,
                           finished="2026-11-28T00:00:00+00:00", machine="Darwin arm64, 8 cores")]  # fmt: skip
    said = times.said(times.of(runs))
    for words in (
        "on Darwin arm64, 8 cores and on Linux x86_64, 2 cores",
        "between 2026-11-27 and 2026-11-28",
        "All 2 chapters together took 2 min 2 s by the clock and 1 min 11 s of processor time.",
        "1.5 to 3.3",
    ):
        assert words in said


def test_one_old_record_leaves_no_sum_of_processor_time() -> None:
    said = times.said(times.of([a_run(), a_run("02_other", cpu_time_s=None)]))
    assert "took 2 min 5 s by the clock." in said


def test_nothing_measured_is_said() -> None:
    assert times.said({}) == "No run has been timed yet."


@pytest.mark.parametrize("lacking", ["wall_time_s", "machine", "finished"])
def test_a_record_without_what_every_record_has_is_an_error(lacking: str) -> None:
    with pytest.raises(KeyError, match=lacking):
        times.of([a_run(**{lacking: None})])
