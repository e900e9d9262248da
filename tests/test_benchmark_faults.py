"""The machinery that breaks things: it puts back what it broke, and it can say 'not caught'."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from helpers import REPOSITORY, World

from repro import data
from repro.errors import InputError

sys.path.insert(0, str(REPOSITORY))

from benchmarks import broken, faults, trials
from benchmarks.broken import Copy, Said
from benchmarks.trials import NotHereError, Trial


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    (tmp_path / "a.txt").write_text("one two")
    return Copy(tmp_path)


def a_trial(
    copy: Copy, *, status: int = 1, text: str = "repro: a.txt: altered", wrong: str = ""
) -> trials.Row:
    def act(where: Copy) -> tuple[Said, str]:
        where.flip("a.txt")
        return Said("repro verify", status, text, 1.26), wrong

    return trials.judge(Trial("a bit", "it is named", "whole", 1, r"a\.txt: altered", act), copy)


def test_a_fault_that_ends_as_expected(copy: Copy) -> None:
    row = a_trial(copy)
    assert (row.caught, row.wrong, row.said, row.seconds) == ("yes", "", "a.txt: altered", 1.3)
    assert (copy.root / "a.txt").read_text() == "one two"


@pytest.mark.parametrize(
    ("given", "why"),
    [({"status": 0}, "exit status 0, expected 1"), ({"status": -9}, "exit status -9"),
     ({"text": "repro: fine"}, "nothing like"), ({"wrong": "the last good book was touched"}, "touched"),
     ({"text": "a.txt: altered\nTraceback (most recent call last):\n"}, "a traceback")],
)  # fmt: skip
def test_a_fault_that_is_not_caught(copy: Copy, given: dict[str, object], why: str) -> None:
    row = a_trial(copy, **given)  # type: ignore[arg-type]
    assert row.caught == "no" and why in row.wrong
    assert (copy.root / "a.txt").read_text() == "one two"


def test_what_the_machine_does_not_allow_is_not_called_caught(copy: Copy) -> None:
    def act(where: Copy) -> Said:
        where.write("a.txt", "")
        raise NotHereError("no disk in memory")

    row = trials.judge(Trial("a full disk", "said", "whole", 1, "full", act), copy)
    assert (row.caught, row.wrong, row.status) == ("not tried", "no disk in memory", None)
    assert (copy.root / "a.txt").read_text() == "one two"


def test_everything_is_put_back(copy: Copy) -> None:
    copy.edit("a.txt", "two", "three")
    copy.write("a.txt", "four")
    copy.write("new/b.txt", "five")
    copy.remove("a.txt")
    copy.restore()
    assert (copy.root / "a.txt").read_text() == "one two"
    assert not (copy.root / "new/b.txt").exists()


def test_an_edit_that_changes_nothing_is_refused(copy: Copy) -> None:
    with pytest.raises(InputError, match="stands there 0 times, expected once"):
        copy.edit("a.txt", "seven", "eight")


def test_a_flip_is_one_bit(copy: Copy) -> None:
    before = (copy.root / "a.txt").read_bytes()
    copy.flip("a.txt")
    after = (copy.root / "a.txt").read_bytes()
    assert sum((a ^ b).bit_count() for a, b in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [("noise\nrepro: bad thing\nmore", "bad thing"), ("error: 2 wrong:\n  first\n  second", "2 wrong: first"),
     ("one\n\nlast words\n", "last words"), ("", ""), ("repro: /x/y/data/a.csv: gone", "data/a.csv: gone")],
)  # fmt: skip
def test_the_first_words_of_a_message(text: str, said: str) -> None:
    assert broken.message(text, Path("/x/y")) == said


def test_without_an_error_the_line_that_was_expected_is_shown() -> None:
    text = "one: waiting for it\ntwo\n"
    assert broken.message(text, Path("/x"), says="waiting") == "one: waiting for it"
    assert broken.message(text, Path("/x"), says="three") == "two"
    assert broken.message(text + "repro: bad\n", Path("/x"), says="waiting") == "bad"


def test_the_small_book_is_whole_and_uses_the_real_package(tmp_path: Path) -> None:
    made = broken.small(tmp_path)
    made.restore()
    assert (tmp_path / "notebooks/01_small.ipynb").is_file()
    assert (tmp_path / "src/repro/book.py").read_bytes() == (
        REPOSITORY / "src/repro/book.py"
    ).read_bytes()
    said = made.repro("run", "--all", "--explain")
    assert (said.status, said.text) == (0, "01_small: reruns: it has not been run yet\n")


def test_python_errors_are_said_as_on_our_command_lines(copy: Copy) -> None:
    code = "from repro.errors import InputError\nraise InputError('not so')"
    said = copy.run([*_python(copy, code)], shown="x")
    assert (said.status, said.text) == (1, "error: not so\n")


def _python(copy: Copy, code: str) -> list[str]:
    seen: list[list[str]] = []
    copy.run = lambda command, shown: seen.append(list(command))  # type: ignore[method-assign,assignment,return-value]
    copy.python(code, shown="x")
    del copy.run
    copy.environment = lambda: {"PYTHONPATH": str(REPOSITORY / "src")}  # type: ignore[method-assign]
    return seen[0]


def test_small_trials_come_with_a_good_book_to_spoil() -> None:
    chosen = faults.pick("two builds")
    assert [one.broken for one in chosen] == ["nothing (control)", "two builds at once"]
    assert chosen[0].place == "small"
    every = faults.pick(None)
    assert len(every) == len(faults.TRIALS) == len(set(map(id, every))) > 35
    with pytest.raises(InputError, match=r"no such trial; there are:\n"):
        faults.pick("no such words")


def test_the_kills_are_counted_not_claimed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def shipped(*equal: bool) -> trials.Row:
        table = pd.DataFrame({"kill": range(len(equal)), "campaign": 1, "equal": equal})
        world.data_set("clay/trials", {"kills.csv": table.to_csv(index=False)})
        return faults.kills()

    assert shipped(True, True).caught == "yes"
    row = shipped(True, False, True)
    assert row.caught == "no" and row.said == "3 kills in 1 campaigns, 2 with an equal end"


def test_a_run_writes_its_table_and_its_status(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def act(where: Copy) -> Said:
        return Said("repro verify", 0, "all well", 0.1)

    def place(folder: Path) -> Copy:
        return Copy(folder)

    good = Trial("nothing (control)", "well", "whole", 0, "well", act)
    monkeypatch.setattr(faults, "PLACES", {"whole": place})
    monkeypatch.setattr(
        faults, "TRIALS", [good, Trial("a bit", "named", "whole", 1, "altered", act)]
    )
    table = pd.DataFrame({"kill": [1], "campaign": [1], "equal": [True]})
    world.data_set("clay/trials", {"kills.csv": table.to_csv(index=False)})
    assert faults.main([]) == 1
    assert "3 faults and controls: 2 as expected, 1 not, 0 not tried" in capsys.readouterr().out
    found = pd.read_csv(data.path("evidence/faults/faults.csv"))
    assert list(found.caught) == ["yes", "no", "yes"]
    monkeypatch.setattr(faults, "TRIALS", [good])
    assert (
        faults.main(
            ["--only", "nothing", "--work", str(tmp_path / "w"), "--out", str(tmp_path / "o")]
        )
        == 0
    )
    assert len(pd.read_csv(tmp_path / "o/faults.csv")) == 1
    assert faults.main(["--work", str(tmp_path / "w")]) == 1
    assert "not empty" in capsys.readouterr().err


@pytest.mark.live
def test_a_changed_bit_of_the_shipped_data_for_real(tmp_path: Path) -> None:
    one = next(t for t in faults.TRIALS if t.broken == "one bit of a shipped table")
    made = broken.whole(tmp_path / "copy")
    row = trials.judge(one, made)
    assert (row.caught, row.status) == ("yes", 1), row
    assert "mp_legacy.csv: altered" in row.said
    assert trials.judge(faults.pick("nothing (control)")[1], made).caught == "yes"
