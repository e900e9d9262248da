"""Sweeps: ordinary runs, one table, and a failure that stops nothing else."""

from __future__ import annotations

import csv
import itertools
import json
import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from helpers import World
from hypothesis import given
from hypothesis import strategies as st

from repro import cli, notebooks, parameters, results, runner, sweep
from repro.errors import InputError, NotebookError, ParameterError
from repro.results import Result
from repro.sweep import Point

PARAMETERS = """
n: int = 3  # A number; allowed: -9..9
t: float = 300.0  # Temperature in K; allowed: -100..2000
source: str = "MP"  # Source of energies; allowed: MP, experiment
mp_api_key: str = ""  # A key
"""


@dataclass
class Kernel:
    """Stands in for papermill: records a result made from the parameters, or fails."""

    ran: list[dict[str, Any]] = field(default_factory=list)
    fails: set[int] = field(default_factory=set)
    silent: set[int] = field(default_factory=set)
    interrupted: set[int] = field(default_factory=set)

    def __call__(self, book: Any, inputs: Any, source: Path, work: Path, progress: Any) -> None:
        values: Mapping[str, Any] = inputs.parameters
        self.ran.append(dict(values))
        if values["n"] in self.interrupted:
            raise KeyboardInterrupt
        if values["n"] in self.fails:
            raise NotebookError(
                "01_small: cell 2 failed with ValueError: no\nThe partial notebook is kept"
            )
        with runner._environment(REPRO_RUN_DIR=str(work)):
            if values["n"] not in self.silent:
                results.record(
                    "small.square", values["n"] ** 2, unit="K", uncertainty=0.1, note='a, "b"'
                )
            results.record("small.heat", values["t"] / 3)
            results.record("small.name", f"{values['source']} of mine")
            results.record("small.holds", values["n"] > 0)
        nbformat.write(nbformat.read(source, as_version=4), work / runner.EXECUTED)


@pytest.fixture
def kernel(world: World, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    world.notebook("01_small", "x = 1", parameters=PARAMETERS)
    made = Kernel()
    monkeypatch.setattr(runner, "_papermill", made)
    return made


def table(file: Path) -> list[dict[str, str]]:
    with open(file, newline="") as stream:
        return list(csv.DictReader(stream))


class TestPoints:
    """Which runs a sweep has."""

    def test_all_combinations_the_last_fastest(self) -> None:
        assert sweep.points({"a": ["1", "2"], "b": ["x", "y"]}) == [
            {"a": "1", "b": "x"}, {"a": "1", "b": "y"}, {"a": "2", "b": "x"}, {"a": "2", "b": "y"},
        ]  # fmt: skip

    @given(
        st.dictionaries(
            st.sampled_from("abc"), st.lists(st.integers(0, 9), min_size=1, unique=True), min_size=1
        )
    )
    def test_each_combination_once(self, values: dict[str, list[int]]) -> None:
        words = {name: [str(v) for v in of] for name, of in values.items()}
        found = sweep.points(words)
        assert len(found) == math.prod(map(len, words.values()))
        assert {tuple(p.values()) for p in found} == set(itertools.product(*words.values()))

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({}, "a sweep needs a parameter"),
            ({"a": []}, "parameter 'a': expected one value or more, found none"),
            ({"a": ["1", "2", "1"]}, "parameter 'a': value '1' is given twice"),
        ],
    )
    def test_what_is_no_sweep(self, values: dict[str, list[str]], said: str) -> None:
        with pytest.raises(InputError, match=said):
            sweep.points(values)


class TestRuns:
    """The runs go through the runner of the house."""

    def test_each_value_is_run_with_the_others_at_their_default(self, kernel: Kernel) -> None:
        found = sweep.run("01", {"n": ["1", "-2"]}, keys=["small.square"])
        assert [(ran["n"], ran["t"], ran["source"]) for ran in kernel.ran] == [
            (1, 300.0, "MP"),
            (-2, 300.0, "MP"),
        ]
        assert [point.results["small.square"].value for point in found] == [1, 4]
        assert all(list(point.results) == ["small.square"] for point in found)

    def test_without_keys_all_results_are_kept(self, kernel: Kernel) -> None:
        (point,) = sweep.run("01", {"n": ["1"]})
        assert sorted(point.results) == ["small.heat", "small.holds", "small.name", "small.square"]

    def test_a_second_sweep_runs_only_what_is_new(self, kernel: Kernel) -> None:
        sweep.run("01", {"n": ["1", "2"]})
        sweep.run("01", {"n": ["1", "2", "4"]})
        assert [ran["n"] for ran in kernel.ran] == [1, 2, 4]

    def test_a_failure_is_told_and_the_rest_goes_on(self, kernel: Kernel) -> None:
        kernel.fails = {2}
        first, second, third = sweep.run("01", {"n": ["1", "2", "3"]})
        assert (first.failure, third.failure) == ("", "")
        assert second.run is None and second.results == {}
        assert "cell 2 failed with ValueError: no" in second.failure
        assert [ran["n"] for ran in kernel.ran] == [1, 2, 3]

    def test_progress_names_the_point(
        self, kernel: Kernel, capsys: pytest.CaptureFixture[str]
    ) -> None:
        sweep.run("01", {"n": ["1", "2"]})
        err = capsys.readouterr().err
        assert "[1/2] 01_small n=1" in err and "[2/2] 01_small n=2" in err
        sweep.run("01", {"n": ["1", "2"]})
        assert "[2/2] 01_small n=2: unchanged" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("values", "keys", "error", "said"),
        [
            ({"m": ["1"]}, [], ParameterError, "unknown parameter 'm'"),
            ({"n": ["1", "10"]}, [], ParameterError, "expected -9 to 9, found 10"),
            ({"n": ["1"], "source": ["PBE"]}, [], ParameterError, "expected one of MP, experiment"),
            ({"n": ["1"]}, ["Small!"], InputError, "result key 'Small!'"),
            ({"run": ["1"]}, [], InputError, "parameter 'run' has the name of a column"),
        ],
    )
    def test_a_slip_stops_it_before_the_first_run(
        self, world: World, kernel: Kernel, values: Any, keys: list[str], error: type, said: str
    ) -> None:
        with pytest.raises(error, match=said):
            sweep.run("01", values, keys=keys)
        assert kernel.ran == []
        assert not world.build.exists()

    def test_a_key_that_no_run_recorded_is_a_slip(self, kernel: Kernel) -> None:
        with pytest.raises(InputError) as caught:
            sweep.run("01", {"n": ["1"]}, keys=["small.sqare"])
        assert "no run recorded 'small.sqare' (did you mean 'small.square'?)" in str(caught.value)
        assert "small.heat" in str(caught.value)

    def test_a_key_that_some_runs_record_is_none(self, kernel: Kernel) -> None:
        kernel.silent = {2}
        found = sweep.run("01", {"n": ["1", "2"]}, keys=["small.square"])
        assert [list(point.results) for point in found] == [["small.square"], []]

    def test_all_failed_is_no_slip_of_the_key(self, kernel: Kernel) -> None:
        kernel.fails = {1}
        (point,) = sweep.run("01", {"n": ["1"]}, keys=["small.square"])
        assert point.failure


class TestTable:
    """What is in the file."""

    def test_a_row_for_each_run_and_key(self, world: World, kernel: Kernel, tmp_path: Path) -> None:
        kernel.fails, kernel.silent = {2}, {3}
        keys = ["small.square", "small.heat"]
        found = sweep.run("01", {"n": ["1", "2", "3"], "t": ["100"]}, keys=keys)
        sweep.write(found, tmp_path / "t.csv", keys=keys)
        rows = table(tmp_path / "t.csv")
        assert list(rows[0]) == ["n", "t", *sweep.RESULT_COLUMNS]
        assert [(r["n"], r["key"], r["status"]) for r in rows] == [
            ("1", "small.square", "done"), ("1", "small.heat", "done"),
            ("2", "", "failed"),
            ("3", "small.square", "not recorded"), ("3", "small.heat", "done"),
        ]  # fmt: skip
        first = rows[0]
        assert (first["value"], first["uncertainty"], first["unit"], first["note"]) == (
            "1",
            "0.1",
            "K",
            'a, "b"',
        )
        assert float(rows[1]["value"]) == 100.0 / 3 and rows[1]["uncertainty"] == ""
        assert "cell 2 failed with ValueError: no The partial" in rows[2]["note"]
        assert (rows[3]["value"], rows[2]["run"]) == ("", "")
        assert (world.root / first["run"] / "record.json").is_file()

    def test_pandas_reads_it_and_turns_it(self, kernel: Kernel, tmp_path: Path) -> None:
        found = sweep.run(
            "01", {"n": ["1", "2"], "t": ["100", "200"]}, keys=["small.square", "small.heat"]
        )
        sweep.write(found, tmp_path / "t.csv")
        wide = pd.read_csv(tmp_path / "t.csv").pivot(
            index=["n", "t"], columns="key", values="value"
        )
        assert wide.loc[(2, 200), "small.square"] == 4
        assert wide.loc[(1, 100), "small.heat"] == pytest.approx(100 / 3)

    def test_texts_and_answers(self, kernel: Kernel, tmp_path: Path) -> None:
        sweep.write(sweep.run("01", {"source": ["experiment"]}), tmp_path / "t.csv")
        values = {row["key"]: row["value"] for row in table(tmp_path / "t.csv")}
        assert (values["small.name"], values["small.holds"]) == ("experiment of mine", "true")

    @given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1e300))
    def test_every_digit_survives(
        self, tmp_path_factory: pytest.TempPathFactory, value: float, error: float
    ) -> None:
        file = tmp_path_factory.mktemp("sweep") / "t.csv"
        result = Result("k", value, uncertainty=error)
        sweep.write([Point({"n": "1"}, {"k": result}, "", Path("/run"))], file)
        (row,) = table(file)
        assert (float(row["value"]), float(row["uncertainty"])) == (value, error)

    def test_a_run_that_recorded_nothing_has_a_row(self, tmp_path: Path) -> None:
        sweep.write([Point({"n": "1"}, {}, "", Path("/run"))], tmp_path / "t.csv")
        (row,) = table(tmp_path / "t.csv")
        assert (row["n"], row["key"], row["status"], row["run"]) == ("1", "", "done", "/run")

    def test_a_key_of_an_account_is_in_no_table(
        self, kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MP_API_KEY", "")  # put back afterwards
        found = sweep.run("01", {"mp_api_key": ["s3cret"]})
        sweep.write(found, tmp_path / "t.csv")
        assert "s3cret" not in (tmp_path / "t.csv").read_text()
        assert found[0].label == "mp_api_key=env"

    def test_places_that_will_not_do(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="make it first"):
            sweep.write([], tmp_path / "none/t.csv")
        with pytest.raises(InputError, match="expected a file for the table, found a folder"):
            sweep.write([], tmp_path)


class TestCommand:
    """``repro sweep``."""

    def test_a_good_sweep(
        self, kernel: Kernel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "t.csv"
        line = ["sweep", "01", "-p", "t", "-1e1", "5", "--keys", "small.heat", "--out", str(out)]
        assert cli.main(line) == 0
        said = capsys.readouterr().out
        assert "t=-1e1\n  small.heat = -3.333\n" in said
        assert f"2 of 2 runs done: {out}" in said
        assert [row["t"] for row in table(out)] == ["-1e1", "5"]

    def test_a_failed_value_is_reported_and_is_status_one(
        self, kernel: Kernel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        kernel.fails = {2}
        out = tmp_path / "t.csv"
        assert cli.main(["sweep", "01", "-p", "n", "1", "2", "3", "--out", str(out)]) == 1
        said = capsys.readouterr().out
        assert "n=2: failed: 01_small: cell 2 failed" in said
        assert f"2 of 3 runs done: {out}" in said
        assert {row["status"] for row in table(out)} == {"done", "failed"}

    def test_what_is_done_is_kept_when_it_is_stopped(self, kernel: Kernel, tmp_path: Path) -> None:
        kernel.interrupted = {3}
        out = tmp_path / "t.csv"
        line = [
            "sweep",
            "01",
            "-p",
            "n",
            "1",
            "2",
            "3",
            "--keys",
            "small.square",
            "--out",
            str(out),
        ]
        assert cli.main(line) == 130
        assert [row["value"] for row in table(out)] == ["1", "4"]
        kernel.interrupted = set()
        assert cli.main(line) == 0
        assert [ran["n"] for ran in kernel.ran] == [1, 2, 3, 3]
        assert [row["value"] for row in table(out)] == ["1", "4", "9"]

    def test_a_wrong_key_keeps_the_runs_and_says_so(
        self, kernel: Kernel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "t.csv"
        assert (
            cli.main(["sweep", "01", "-p", "n", "1", "--keys", "small.sqare", "--out", str(out)])
            == 1
        )
        assert "did you mean 'small.square'" in capsys.readouterr().err
        assert table(out)[0]["status"] == "not recorded"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["-p", "n", "1", "-p", "n", "2"], "parameter 'n' is given twice"),
            (["-p", "n"], "expected one value or more, found none"),
            (["-p", "n", "99"], "expected -9 to 9, found 99"),
        ],
    )
    def test_a_slip_leaves_an_older_table(
        self,
        kernel: Kernel,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        said: str,
    ) -> None:
        out = tmp_path / "t.csv"
        out.write_text("older\n")
        assert cli.main(["sweep", "01", *arguments, "--out", str(out)]) == 1
        assert said in capsys.readouterr().err
        assert out.read_text() == "older\n"
        assert kernel.ran == []


@pytest.mark.parametrize("page", ["book/how_to.md", "README.md"])
def test_the_example_that_readers_are_shown_fits_its_chapter(page: str) -> None:
    text = (Path(__file__).resolve().parents[1] / page).read_text("utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith(".venv/bin/repro sweep ")]
    options = cli._parser().parse_args(shlex.split(line)[1:])
    (given_values,) = options.given
    chapter = notebooks.find(options.notebook)
    for value in given_values[1:]:
        parameters.resolve(chapter.parameters(), {given_values[0]: value}, notebook=chapter.name)
    assert options.keys
    assert all(f'record("{key}"' in chapter.text for key in options.keys)


@pytest.mark.live
def test_with_a_real_kernel(world: World, tmp_path: Path) -> None:
    code = "from repro.results import record\nrecord('small.inverse', 1 / n, unit='K', uncertainty=0.5)"
    world.notebook("01_small", code, parameters="n: int = 3  # A number; allowed: 0..9")
    out = tmp_path / "t.csv"
    assert cli.main(["sweep", "01", "-p", "n", "2", "0", "--out", str(out)]) == 1
    good, bad = table(out)
    assert (json.loads(good["value"]), good["uncertainty"], good["unit"]) == (0.5, "0.5", "K")
    assert bad["status"] == "failed" and "ZeroDivisionError" in bad["note"]
