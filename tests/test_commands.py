from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import pytest

from repro import commands
from repro.commands import plain_errors, resumable
from repro.errors import DataError, InputError, ReproError
from repro.md.lammps import LammpsError

MODULES = ("active", "dft", "evaluate_cli", "export", "label", "liquids_cli", "mechanics_cli",
           "shipping", "simulate_cli", "training")  # fmt: skip


def ending(error: BaseException | None = None, status: int = 0) -> Callable[..., int]:
    """Return a command line that ends so."""

    def main(arguments: Sequence[str] | None = None) -> int:
        if error is not None:
            raise error
        return status

    return main


@pytest.mark.parametrize("status", [0, 3])
def test_a_good_end_keeps_its_status(status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert plain_errors(ending(status=status))([]) == status
    assert resumable(ending(status=status))([]) == status
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("kind", [ReproError, InputError, DataError, LammpsError])
def test_an_error_of_ours_is_one_line(
    kind: type[ReproError], capsys: pytest.CaptureFixture[str]
) -> None:
    assert plain_errors(ending(kind("x.csv: no such file")))([]) == 1
    said = capsys.readouterr()
    assert said.err == "error: x.csv: no such file\n" and said.out == ""


@pytest.mark.parametrize("error", [ValueError("a defect"), KeyError("k"), SystemExit(2)])
def test_anything_else_goes_through(
    error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrapped in (plain_errors(ending(error)), resumable(ending(error))):
        with pytest.raises(type(error)) as raised:
            wrapped([])
        assert raised.value is error
    assert capsys.readouterr().err == ""


def test_ctrl_c_is_an_end_of_what_can_go_on_only(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        plain_errors(ending(KeyboardInterrupt()))([])
    assert resumable(ending(KeyboardInterrupt()))([]) == 130
    assert capsys.readouterr().err == "stopped; start the same command again to go on\n"


def test_the_two_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert plain_errors(resumable(ending(KeyboardInterrupt())))([]) == 130
    assert plain_errors(resumable(ending(InputError("bad"))))([]) == 1
    assert capsys.readouterr().err.endswith("error: bad\n")


def test_arguments_are_handed_on_and_may_be_left_out() -> None:
    seen: list[Sequence[str] | None] = []

    @plain_errors
    @resumable
    def main(arguments: Sequence[str] | None = None) -> int:
        """Say so."""
        seen.append(arguments)
        return 0

    assert main(["a", "b"]) == main() == main(arguments=["c"]) == 0
    assert seen == [["a", "b"], None, ["c"]]
    assert (main.__name__, main.__doc__) == ("main", "Say so.")


@pytest.mark.parametrize("name", MODULES)
def test_every_command_of_the_potential_ends_so(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = import_module(f"repro.potential.{name}")
    assert module.main.__wrapped__.__module__ == module.__name__

    def fails(*_: object, **__: object) -> None:
        raise InputError("no such thing")

    # All of them build an argparse parser first, so each meets the error at its start.
    monkeypatch.setattr(module.argparse, "ArgumentParser", fails)
    assert module.main([]) == 1
    assert capsys.readouterr().err == "error: no such thing\n"


def test_in_a_process_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "repro.potential.training", "status", "--work", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == f"error: {tmp_path}: no training there (run.json is missing)\n"


def test_parse_keeps_the_whole_command_line() -> None:
    parser = argparse.ArgumentParser(prog="python -m repro.toy")
    parser.add_argument("--name")
    args = commands.parse(parser, ["--name", "a b"])
    assert args.name == "a b"
    assert args.line == "python -m repro.toy --name 'a b'"
