"""Progress: a bar for a person, lines for CI, and an honest time left."""

from __future__ import annotations

import io

import pytest

from repro import progress
from repro.progress import Progress, duration


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that tests move by hand."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (60, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (3660, "1 h 1 min"),
        (90000, "25 h 0 min"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_lines_for_ci_are_plain(clock: Clock) -> None:
    stream = io.StringIO()
    bar = Progress({"01": 60.0, "02": None}, stream=stream)
    bar.begin("01", 3)
    clock.now += 20
    bar.cell()
    clock.now += 20
    bar.cell()
    bar.end("done")
    bar.skip("02", "unchanged")
    assert stream.getvalue().splitlines() == [
        "[1/2] 01: 3 cells, about 2 min 0 s left",
        "    01: cell 2 of 3, about 1 min 20 s left",
        "    01: done in 40 s",
        "[2/2] 02: unchanged",
    ]
    assert "\r" not in stream.getvalue()


def test_a_terminal_gets_a_bar_with_the_time_left(clock: Clock) -> None:
    stream = Terminal()
    bar = Progress({"01": 60.0}, stream=stream)
    bar.begin("01", 2)
    bar.cell()
    bar.cell()
    bar.end("done")
    shown = stream.getvalue()
    assert "[1/1] 01" in shown
    assert "about 1 min 0 s left" in shown
    assert "2/2 cells" in shown
    assert "done" in shown
    assert ", ," not in shown


def test_nothing_is_promised_before_anything_is_known(clock: Clock) -> None:
    stream = io.StringIO()
    bar = Progress({"01": None}, stream=stream)
    assert bar.remaining() is None
    bar.begin("01", 4)
    assert bar.remaining() is None
    assert stream.getvalue() == "[1/1] 01: 4 cells\n"


def test_a_job_never_run_is_judged_by_its_cells(clock: Clock) -> None:
    bar = Progress({"01": None}, stream=io.StringIO())
    bar.begin("01", 4)
    clock.now += 10
    bar.cell()
    assert bar.remaining() == pytest.approx(30)


def test_a_known_job_counts_down_and_never_below_zero(clock: Clock) -> None:
    bar = Progress({"01": 60.0, "02": 40.0}, stream=io.StringIO())
    bar.begin("01", 4)
    assert bar.remaining() == pytest.approx(100)
    clock.now += 25
    assert bar.remaining() == pytest.approx(75)
    clock.now += 500
    assert bar.remaining() == pytest.approx(40)


def test_unknown_jobs_count_as_the_mean_of_the_known(clock: Clock) -> None:
    bar = Progress({"01": 10.0, "02": 30.0, "03": None}, stream=io.StringIO())
    bar.begin("01", 1)
    assert bar.remaining() == pytest.approx(10 + 30 + 20)


def test_skipped_and_finished_jobs_no_longer_count(clock: Clock) -> None:
    bar = Progress({"01": 10.0, "02": 30.0, "03": 5.0}, stream=io.StringIO())
    bar.skip("01", "unchanged")
    bar.begin("02", 1)
    assert bar.remaining() == pytest.approx(35)
    bar.end("done")
    bar.begin("03", 1)
    assert bar.remaining() == pytest.approx(5)


def test_a_failed_job_is_said_to_have_failed(clock: Clock) -> None:
    stream = io.StringIO()
    bar = Progress({"01": None}, stream=stream)
    bar.begin("01", 1)
    bar.end("failed")
    assert "01: failed in 0 s" in stream.getvalue()
