"""Runs: strict before, whole after, repeated only for a reason."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from helpers import World, claim_row, make_world, tree_hash

from repro import data, ledger, notebooks, runner
from repro.errors import NotebookError, ParameterError

CELL = "from repro.near import VALUE"
PARAMETERS = """
n: int = 3  # A number; allowed: 0..9
t: float = 300.0  # Temperature in K; allowed: 0..2000
source: str = "MP"  # Source of energies; allowed: MP, experiment
seed: int = 7  # Seed of the noise; allowed: 0..100
"""


@dataclass
class Kernel:
    """Stands in for papermill: notes each execution, reads what it is told to."""

    ran: list[dict[str, Any]] = field(default_factory=list)
    reads: list[Callable[[], object]] = field(default_factory=list)
    fails: bool = False

    def __call__(self, book: Any, inputs: Any, source: Path, work: Path, progress: Any) -> None:
        self.ran.append(dict(inputs.parameters))
        with runner._environment(REPRO_RUN_DIR=str(work)):
            for read in self.reads:
                read()
        nbformat.write(nbformat.read(source, as_version=4), work / runner.EXECUTED)
        if self.fails:
            raise NotebookError("a cell failed")


@pytest.fixture
def kernel(world: World, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """A world with one notebook, and a stand-in for the kernel."""
    world.notebook("01_small", CELL, parameters=PARAMETERS)
    world.claims(claim_row("one"), claim_row("two"))
    made = Kernel()
    monkeypatch.setattr(runner, "_papermill", made)
    return made


class TestBeforeAnythingRuns:
    """A slip stops the command before a kernel or a file."""

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"sorce": "MP"}, "unknown parameter 'sorce' (did you mean 'source'?)"),
            ({"n": "ten"}, "expected int, 0 to 9, found 'ten'"),
            ({"n": "10"}, "expected 0 to 9, found 10"),
            ({"n": True}, "expected int, 0 to 9, found True"),
            ({"t": "nan"}, "expected a finite number, found nan"),
            ({"t": "inf"}, "expected a finite number, found inf"),
            ({"source": "PBE"}, "expected one of MP, experiment"),
        ],
    )
    def test_a_parameter_that_does_not_fit(
        self, world: World, kernel: Kernel, given: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(ParameterError) as caught:
            runner.run("01", given)
        assert said in str(caught.value)
        assert "01_small" in str(caught.value)
        assert kernel.ran == []
        assert not world.build.exists()

    def test_a_pair_that_disagrees(self, world: World, kernel: Kernel) -> None:
        notebooks.find("01").ipynb.write_text("{}")
        with pytest.raises(NotebookError, match="the pair disagrees"):
            runner.run("01")
        assert kernel.ran == []
        assert not world.build.exists()

    def test_a_slip_in_the_last_notebook_stops_all(self, world: World, kernel: Kernel) -> None:
        world.notebook("09_last", "x = 1", parameters="n: int = 1.5  # N")
        with pytest.raises(NotebookError, match="09_last"):
            runner.run_all()
        assert kernel.ran == []
        assert not world.build.exists()

    def test_all_of_nothing(self, world: World) -> None:
        with pytest.raises(NotebookError, match="no notebooks in"):
            runner.run_all()

    def test_explaining_writes_nothing(self, world: World, kernel: Kernel) -> None:
        assert str(runner.explain(["01"])["01_small"]) == "it has not been run yet"
        assert not world.build.exists()


class TestCaching:
    """A run is repeated if what it depends on has changed, and only then."""

    @pytest.fixture
    def once(self, world: World, kernel: Kernel) -> Kernel:
        world.data_set("numbers", {"used.csv": "1\n", "unused.csv": "2\n"})
        world.write("mine.xy", "1\n")
        kernel.reads = [
            lambda: data.path("numbers/used.csv"),
            lambda: data.external("mine.xy"),
            lambda: ledger.published("one"),
        ]
        runner.run("01")
        return kernel

    def _reason(self, **given: Any) -> str:
        return str(runner.explain(["01"], given)["01_small"])

    def test_nothing_changed(self, once: Kernel) -> None:
        first = runner.run("01")
        second = runner.run("01", {"n": "3", "t": 300})
        assert len(once.ran) == 1
        assert first.folder == second.folder
        assert self._reason() == "nothing it depends on has changed"

    @pytest.mark.parametrize(
        ("file", "text", "reason"),
        [
            ("src/repro/near.py", "VALUE = 5\n", "src/repro/near.py changed"),
            ("src/repro/far.py", "VALUE = 5\n", "src/repro/far.py changed"),
            ("src/repro/__init__.py", "# x\n", "src/repro/__init__.py changed"),
            ("requirements.lock", "numpy==2.0\n", "requirements.lock changed"),
            ("mine.xy", "2\n", "mine.xy changed"),
        ],
    )
    def test_what_it_uses_changed(
        self, world: World, once: Kernel, file: str, text: str, reason: str
    ) -> None:
        world.write(file, text)
        assert reason in self._reason()
        runner.run("01")
        assert len(once.ran) == 2
        runner.run("01")
        assert len(once.ran) == 2

    def test_its_source_changed(self, world: World, once: Kernel) -> None:
        world.notebook("01_small", CELL, "x = 2", parameters=PARAMETERS)
        assert self._reason() == "its source changed"
        runner.run("01")
        assert len(once.ran) == 2

    def test_a_parameter_changed(self, once: Kernel) -> None:
        assert self._reason(n="4") == "parameter n: 3 -> 4"
        runner.run("01", {"n": "4"})
        assert [values["n"] for values in once.ran] == [3, 4]
        # Both runs are kept, each under its own key.
        runner.run("01")
        runner.run("01", {"n": "4"})
        assert len(once.ran) == 2

    def test_a_data_file_it_read_changed(self, world: World, once: Kernel) -> None:
        world.data_set("numbers", {"used.csv": "9\n", "unused.csv": "2\n"})
        assert self._reason() == "data/numbers/used.csv changed"
        runner.run("01")
        assert len(once.ran) == 2

    def test_a_row_it_read_changed(self, world: World, once: Kernel) -> None:
        world.claims(claim_row("one", note="changed"), claim_row("two"))
        assert self._reason() == "data/claims.yaml#one changed"
        runner.run("01")
        assert len(once.ran) == 2

    def test_what_it_does_not_use_changed(self, world: World, once: Kernel) -> None:
        world.write("src/repro/alone.py", "VALUE = 9\n")
        world.write("src/repro/kit/tool.py", "VALUE = 9\n")
        world.write("src/repro/new.py", "VALUE = 9\n")
        world.data_set("numbers", {"used.csv": "1\n", "unused.csv": "9\n"})
        world.data_set("others", {"a.csv": "1\n"})
        world.claims(claim_row("zero"), claim_row("one"), claim_row("two", note="changed"))
        world.notebook("02_other", "x = 1")
        world.write("book/index.md", "# T\n")
        assert self._reason() == "nothing it depends on has changed"
        runner.run("01")
        assert len(once.ran) == 1

    def test_force_runs_again(self, once: Kernel) -> None:
        runner.run("01", force=True)
        assert len(once.ran) == 2

    def test_going_back_finds_the_earlier_run(self, world: World, once: Kernel) -> None:
        world.write("src/repro/near.py", "VALUE = 5\n")
        runner.run("01")
        world.write("src/repro/near.py", "from repro.far import VALUE\n")
        runner.run("01")
        assert len(once.ran) == 2

    def test_the_reason_is_against_the_nearest_run(self, world: World, once: Kernel) -> None:
        runner.run("01", {"n": "4", "t": "400"})
        assert self._reason(n="5") == "parameter n: 3 -> 5"
        assert self._reason(n="4", t="401") == "parameter t: 400.0 -> 401.0"

    @pytest.mark.parametrize("damage", ["record.json", "notebook.ipynb"])
    def test_a_stored_run_without_its_files_is_none(
        self, world: World, once: Kernel, damage: str
    ) -> None:
        (folder,) = world.finished("01_small")
        (folder / damage).unlink()
        assert self._reason() == "it has not been run yet"
        runner.run("01")
        assert len(once.ran) == 2

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
    def test_a_damaged_record_is_none(self, world: World, once: Kernel, content: bytes) -> None:
        (folder,) = world.finished("01_small")
        (folder / "record.json").write_bytes(content)
        runner.run("01")
        assert len(once.ran) == 2

    def test_numbers_that_python_takes_for_equal_do_not_confuse_the_reason(
        self, once: Kernel
    ) -> None:
        assert self._reason(t="-0.0").startswith("parameter t")
        runner.run("01", {"t": "0.0"})
        change = runner.explain(["01"], {"t": "-0.0"})["01_small"]
        assert bool(change) == (len(once.ran) == 2 and change.reasons != ())


class TestFolders:
    """A run is whole or not there."""

    def test_a_failed_run_leaves_nothing_finished(self, world: World, kernel: Kernel) -> None:
        kernel.fails = True
        with pytest.raises(NotebookError, match="a cell failed"):
            runner.run("01")
        assert world.finished("01_small") == []
        assert world.unfinished() == []

    def test_a_failed_rerun_keeps_the_last_good_run(self, world: World, kernel: Kernel) -> None:
        good = runner.run("01")
        before = tree_hash(good.folder)
        kernel.fails = True
        with pytest.raises(NotebookError):
            runner.run("01", force=True)
        assert world.finished("01_small") == [good.folder]
        assert tree_hash(good.folder) == before

    def test_a_rerun_replaces_the_whole_folder(self, world: World, kernel: Kernel) -> None:
        folder = runner.run("01").folder
        (folder / "stale.txt").write_text("x")
        assert runner.run("01", force=True).folder == folder
        assert sorted(p.name for p in folder.iterdir()) == ["notebook.ipynb", "record.json"]
        assert world.unfinished() == []

    def test_what_a_killed_run_left_is_cleared_and_never_served(
        self, world: World, kernel: Kernel
    ) -> None:
        folder = runner.run("01").folder
        left = folder.with_name(f".{folder.name}-abc")
        folder.rename(left)
        runner.run("01")
        assert len(kernel.ran) == 2
        assert world.unfinished() == []

    def test_the_environment_is_as_before(
        self, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import os

        monkeypatch.setenv("REPRO_RUN_DIR", "/elsewhere")
        with runner._environment(REPRO_RUN_DIR="/here", REPRO_NEW="1"):
            assert os.environ["REPRO_RUN_DIR"] == "/here"
        assert os.environ["REPRO_RUN_DIR"] == "/elsewhere"
        assert "REPRO_NEW" not in os.environ


REAL = """
from repro import data
from repro.ledger import published
from repro.results import record

rows = data.path("numbers/used.csv").read_text().split()
record("small.answer", published("one") + 0.5 * n, unit="K", uncertainty=0.25)
"""
FIGURE = """
import matplotlib
matplotlib.use("agg")
from repro.figures import new_figure, show
fig, ax = new_figure()
ax.plot([0, n])
show(fig, name="fig-small", caption="A line that rises to n.", alt="A rising straight line.")
"""
SLOW = """
import time
from pathlib import Path
Path(f"started-{n}").touch()
time.sleep(pause)
from repro.results import record
record("slow.n", n)
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with the real package, in which notebooks run for real."""
    made = make_world(tmp_path_factory.mktemp("real"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_ROOT", str(made.root))
        made.data_set("numbers", {"used.csv": "1\n", "unused.csv": "2\n"})
        made.claims(claim_row("one"), claim_row("two"))
        made.notebook("01_small", REAL, FIGURE, parameters=PARAMETERS)
        made.notebook("02_fails", "x = 1\nprint('reached')", "1 / 0", "never = 1")
        made.notebook("03_exits", "x = 1", "import sys\nsys.exit()", "never = 1")
        made.notebook("04_dies", "x = 1", "import os\nos._exit(3)", "never = 1")
        made.notebook(
            "05_slow",
            SLOW,
            parameters="n: int = 1  # N; allowed: 0..9\npause: float = 0.0  # In s; allowed: 0..60",
        )
        yield made


@pytest.fixture(scope="module")
def ran(real: World) -> runner.Run:
    """One real run with a changed parameter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_ROOT", str(real.root))
        before = tree_hash(real.root / "notebooks")
        finished = runner.run("01", {"n": "4"})
        assert tree_hash(real.root / "notebooks") == before
    return finished


def test_processor_time_is_that_of_ended_children_and_not_of_the_clock() -> None:
    before = runner._children_seconds()
    spin = "import time\nwhile time.process_time() < 0.3: pass\ntime.sleep(0.3)"
    begun = time.monotonic()
    subprocess.run([sys.executable, "-S", "-c", spin], check=True)
    used = runner._children_seconds() - before
    assert 0.3 <= used < time.monotonic() - begun


@pytest.mark.live
class TestForReal:
    """Kernels that run, fail, exit, die, and run at once."""

    def test_the_parameter_reached_the_kernel(self, ran: runner.Run) -> None:
        result = ran.results()["small.answer"]
        assert (result.value, result.unit, result.uncertainty) == (44.0, "K", 0.25)

    def test_the_record_says_what_a_reader_needs(self, real: World, ran: runner.Run) -> None:
        record = json.loads((ran.folder / "record.json").read_text())
        assert record["notebook"] == "notebooks/01_small.py"
        assert record["inputs"]["parameters"] == {
            "n": 4,
            "t": 300.0,
            "source": "MP",
            "seed": 7,
        }
        assert record["seeds"] == {"seed": 7}
        used = real.root / "data/numbers/used.csv"
        assert set(record["data_reads"]) == {"numbers/used.csv", "claims.yaml#one"}
        assert record["data_reads"]["numbers/used.csv"] == data.sha256(used)
        assert "src/repro/figures.py" in record["inputs"]["modules"]
        assert "src/repro/drawing.py" in record["inputs"]["modules"]
        assert "src/repro/thermo/__init__.py" not in record["inputs"]["modules"]
        assert {"numpy", "matplotlib", "papermill"} <= set(record["packages"])
        assert record["wall_time_s"] > 0
        assert 0.1 < record["cpu_time_s"] < 60  # a kernel that imports numpy needs more than that
        assert record["load_at_start"] >= 0
        assert record["python"].startswith("3.")
        for key in ("code_version", "machine", "finished", "wall_time"):
            assert record[key], key

    def test_the_executed_notebook_holds_the_figure_and_nothing_else(self, ran: runner.Run) -> None:
        node = nbformat.read(ran.notebook, as_version=4)
        outputs = [o for cell in node.cells if cell.cell_type == "code" for o in cell.outputs]
        labels = [o.metadata["repro"]["name"] for o in outputs if "repro" in o.get("metadata", {})]
        assert labels == ["fig-small"]
        assert sum("image/png" in o.get("data", {}) for o in outputs) == 1
        assert sorted(p.name for p in ran.folder.iterdir()) == [
            "data_reads.jsonl",
            "notebook.ipynb",
            "record.json",
            "results.json",
        ]

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("02_fails", "cell 3 failed with ZeroDivisionError: division by zero"),
            ("03_exits", "cell 3 ended with SystemExit"),
            ("04_dies", "broke off with DeadKernelError"),
        ],
    )
    def test_a_run_that_does_not_end_well(
        self, real: World, enter: Callable[[World], World], name: str, said: str
    ) -> None:
        enter(real)
        before = tree_hash(real.root / "notebooks")
        with pytest.raises(NotebookError) as caught:
            runner.run(name)
        assert said in str(caught.value)
        assert name in str(caught.value)
        kept = real.build / "failed" / f"{name}.ipynb"
        assert f"The partial notebook is kept: {kept}" in str(caught.value)
        assert kept.is_file()
        node = nbformat.read(kept, as_version=4)
        reached = [cell for cell in node.cells if cell.get("execution_count")]
        assert any("x = 1" in cell.source for cell in reached)
        assert not any("never = 1" in cell.source for cell in reached)
        if name == "02_fails":
            assert any(o.get("text") == "reached\n" for c in reached for o in c.outputs)
        assert real.finished(name) == []
        assert real.unfinished() == []
        assert tree_hash(real.root / "notebooks") == before

    def test_runs_at_once_do_not_meet(self, real: World, enter: Callable[[World], World]) -> None:
        enter(real)
        twins = [real.start("run", "05", "-p", "n", "2", "-p", "pause", "2") for _ in range(2)]
        other = real.start("run", "05", "-p", "n", "3")
        said = [process.communicate(timeout=120) for process in (*twins, other)]
        assert [process.returncode for process in (*twins, other)] == [0, 0, 0], str(said)
        assert said[0][0] == said[1][0]
        assert "slow.n = 2" in said[0][0]
        assert "slow.n = 3" in said[2][0]
        # One of the twins did the work; the other waited and took the stored run.
        kept = [text for _, text in said[:2] if "unchanged, kept the stored run" in text]
        assert len(kept) == 1, said
        folders = real.finished("05_slow")
        assert len(folders) == 2
        for folder in folders:
            record = json.loads((folder / "record.json").read_text())
            results = json.loads((folder / "results.json").read_text())
            assert results["slow.n"]["value"] == record["inputs"]["parameters"]["n"]
        assert real.unfinished() == []

    def test_a_killed_run_leaves_nothing_that_looks_finished(
        self, real: World, enter: Callable[[World], World]
    ) -> None:
        enter(real)
        before = set(real.finished("05_slow"))
        process = real.start("run", "05", "-p", "n", "5", "-p", "pause", "1.5")
        deadline = time.monotonic() + 60
        while not (real.root / "started-5").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL
        assert set(real.finished("05_slow")) == before
        given = {"n": 5, "pause": 1.5}
        assert runner.explain(["05"], given)["05_slow"]
        finished = runner.run("05", given)
        assert finished.results()["slow.n"].value == 5
        assert real.unfinished() == []


def test_a_key_of_an_account_reaches_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MP_API_KEY", "")
    values = runner._without_secrets({"mp_api_key": "s3cret", "source": "MP"})
    assert values == {"mp_api_key": "env", "source": "MP"}
    assert os.environ["MP_API_KEY"] == "s3cret"
    assert runner._without_secrets({"mp_api_key": ""}) == {"mp_api_key": ""}
