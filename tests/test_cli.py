"""The command line: it teaches, it refuses in one sentence, its status says how it went."""

from __future__ import annotations

import hashlib
import shutil
from typing import Any

import pytest
from helpers import World, claim_row

from repro import cli, runner
from repro.errors import ReproError

COMMANDS = ["run", "book", "claims", "verify", "sync", "sweep", "student", "crate"]


@pytest.fixture
def small(world: World) -> World:
    world.notebook(
        "01_small",
        "x = 1",
        parameters="n: int = 3  # A number; allowed: -9..9\nt: float = 0.5  # Time in s",
    )
    world.claims(claim_row("one"))
    world.data_set("numbers", {"a.csv": "1\n"})
    return world


def _usage(arguments: list[str]) -> Any:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    return caught.value.code


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_teaches(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _usage([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "usage: repro" in shown
    # More than the list of options: an explanation in sentences, or examples to type.
    sentences = [line for line in shown.splitlines() if len(line.split()) >= 6]
    assert len(sentences) >= 3
    assert "%(" not in shown


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    _usage(["--help"])
    shown = capsys.readouterr().out
    assert all(f"    {name}" in shown for name in COMMANDS)
    assert "repro run 01 -p source experiment" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-command"],
        ["run"],
        ["run", "01", "--all"],
        ["run", "--all", "-p", "n", "1"],
        ["run", "01", "-p", "n"],
        ["run", "01", "-p", "n", "1", "-p", "n", "2"],
        ["run", "01", "--no-such-option"],
        ["claims", "--verdict", "maybe"],
        ["verify", "extra"],
        ["sweep", "01", "--out", "t.csv"],
        ["sweep", "01", "-p", "n", "1"],
        ["student"],
    ],
)
def test_a_wrong_command_line_is_status_two(
    small: World, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _usage(arguments) == 2
    assert "usage: repro" in capsys.readouterr().err
    assert not small.build.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "99"], "no notebook '99'"),
        (["run", "01", "-p", "m", "1"], "unknown parameter 'm'"),
        (["run", "01", "-p", "n", "x"], "expected int, -9 to 9, found 'x'"),
        (["run", "01", "-p", "n", "1.5", "--explain"], "found '1.5'"),
    ],
)
def test_an_error_is_one_message_without_traceback(
    small: World, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("repro: ")
    assert err.count("repro: ") == 1
    assert said in err
    assert "Traceback" not in err
    assert not small.build.exists()


def test_a_defect_of_ours_keeps_its_traceback(
    small: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(runner, "run", broken)
    with pytest.raises(KeyError):
        cli.main(["run", "01"])


def test_an_interrupt_is_status_130(
    small: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run", interrupted)
    assert cli.main(["run", "01"]) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"),
     shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")])],
)  # fmt: skip
def test_a_full_disk_is_said(
    small: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(runner, "run", full)
    assert cli.main(["run", "01"]) == 1
    assert "the disk is full" in capsys.readouterr().err


def test_another_error_of_the_system_keeps_its_traceback(
    small: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(runner, "run", broken)
    with pytest.raises(PermissionError):
        cli.main(["run", "01"])


@pytest.mark.parametrize(
    ("word", "value"), [("-5", "-5.0"), ("-1e-3", "-0.001"), ("-.5", "-0.5"), ("2", "2.0")]
)
def test_negative_numbers_are_values(
    small: World, word: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def note(name: str, given: dict[str, Any], **_: Any) -> Any:
        seen.update(runner.prepare(name, given)[1].parameters)
        raise ReproError("enough")

    monkeypatch.setattr(runner, "run", note)
    assert cli.main(["run", "01", "-p", "t", word]) == 1
    assert repr(seen["t"]) == value


def test_list_and_parameters(small: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--list"]) == 0
    assert capsys.readouterr().out == "01_small\n"
    assert cli.main(["run", "01", "--parameters"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "01_small",
        "  n (int, default 3): A number; -9 to 9",
        "  t (float, default 0.5): Time in s; any finite number",
    ]


def test_explain_names_the_reason(small: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--all", "--explain"]) == 0
    assert capsys.readouterr().out == "01_small: reruns: it has not been run yet\n"


def test_verify_says_how_many(small: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify"]) == 0
    assert capsys.readouterr().out == "1 files agree with their manifests\n"


def test_verify_names_every_damage_with_both_hashes(
    small: World, capsys: pytest.CaptureFixture[str]
) -> None:
    small.data_set("more", {"b.csv": "22\n", "c.csv": "3\n"})
    (small.root / "data/more/b.csv").write_text("2")
    (small.root / "data/more/c.csv").unlink()
    (small.root / "data/numbers/a.csv").write_text("2\n")
    (small.root / "data/numbers/extra.csv").write_text("2\n")
    small.write("data/broken/manifest.json", "{")
    assert cli.main(["verify"]) == 1
    err = capsys.readouterr().err
    assert "5 of the shipped files cannot be used" in err
    for name, how in [
        ("more/b.csv", "truncated"),
        ("more/c.csv", "missing"),
        ("numbers/a.csv", "altered"),
        ("numbers/extra.csv", "not listed"),
        ("broken", "not a JSON manifest"),
    ]:
        assert f"{name}: " in err
        assert how in err
    for text in (b"22\n", b"2", b"3\n", b"1\n", b"2\n"):  # expected or found
        assert hashlib.sha256(text).hexdigest() in err


def test_sync_check_fails_for_a_pair_that_disagrees(
    small: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["sync", "--check"]) == 0
    pair = small.root / "notebooks/01_small.ipynb"
    pair.write_text("{}")
    assert cli.main(["sync", "--check"]) == 1
    assert "01_small: the pair disagrees" in capsys.readouterr().err
    assert pair.read_text() == "{}"
    assert cli.main(["sync"]) == 0
    assert str(pair) in capsys.readouterr().out
    assert cli.main(["sync", "--check"]) == 0


def test_claims_without_running(small: World, capsys: pytest.CaptureFixture[str]) -> None:
    small.claims(
        claim_row("one"),
        claim_row("two", result="a.b", verdict="reproduced"),
    )
    assert cli.main(["claims", "--no-run", "--verdict", "pending"]) == 0
    out = capsys.readouterr().out
    assert "one: paper 42 K" in out
    assert "two: paper" not in out
    assert "2 claims: 1 reproduced, 1 pending" in out
    small.claims(claim_row("one", kind="guess"))
    assert cli.main(["claims", "--no-run"]) == 1
    assert "row 'one', field 'kind'" in capsys.readouterr().err
