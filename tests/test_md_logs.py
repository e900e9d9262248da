from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.md import logs

HEAD = "   Step          Time           Temp          TotEng\n"
LOG = (
    "LAMMPS (22 Jul 2025 - Update 2)\n"
    "units metal\n"
    "thermo_style custom step time temp etotal\n"
    "WARNING: Using 'neigh_modify every 1 delay 0 check yes' (src/src/min.cpp:225)\n"
    "Per MPI rank memory allocation (min/avg/max) = 5.662 | 5.662 | 5.662 Mbytes\n"
    + HEAD
    + "         0   0              900           -2017.3824\n"
    "        10   0.01           1541.0583     -2017.5625\n"
    "WARNING: Dangerous builds (src/src/x.cpp:1)\n"
    "        20   0.02           1811.6254     -2017.9887\n"
    "Loop time of 3.59133 on 2 procs for 20 steps with 512 atoms\n"
    "\nPerformance: 0.962 ns/day, 24.940 hours/ns, 11.138 timesteps/s, 5.703 katom-step/s\n"
    "49.0% CPU use with 2 MPI tasks x 1 OpenMP threads\n"
    "run 10\n" + HEAD + "        20   0.02           1811.6254     -2017.9887\n"
    "        30   0.03           1700          -2018.1\n"
    "Loop time of 1.5 on 2 procs for 10 steps with 512 atoms\n"
    "Total wall time: 0:00:05\n"
)


def test_two_runs_and_their_numbers() -> None:
    log = logs.parse(LOG)
    assert len(log.runs) == 2 and log.complete and log.error is None
    first, second = log.runs
    np.testing.assert_allclose(first["Temp"], [900, 1541.0583, 1811.6254])
    assert (first.loop_s, first.ranks, first.steps, first.natoms) == (3.59133, 2, 20, 512)
    assert first.cpu_percent == 49.0 and np.isnan(second.cpu_percent)
    assert first.complete and len(second) == 2
    assert log.last() is second


def test_joining_drops_the_repeated_row() -> None:
    whole = logs.join(logs.parse(LOG).runs)
    np.testing.assert_array_equal(whole["Step"], [0, 10, 20, 30])
    assert whole.steps == 30


def test_joining_other_columns_is_refused() -> None:
    other = "   Step          Temp\n 1 2\nLoop time of 1 on 1 procs for 1 steps with 2 atoms\n"
    with pytest.raises(InputError, match="different columns"):
        logs.join(logs.parse(LOG + other).runs)


def test_joining_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="run-1: holds no thermo table"):
        logs.join([], source="run-1")


def test_warnings_between_rows_are_passed_over() -> None:
    first = logs.parse(LOG).runs[0]
    np.testing.assert_array_equal(first["Step"], [0, 10, 20])


def test_a_missing_column_is_named_with_a_hint() -> None:
    with pytest.raises(InputError, match=r"'Tempp' is not in the log \(did you mean 'Temp'"):
        logs.parse(LOG).last()["Tempp"]


@pytest.mark.parametrize("text", ["", "\n", "LAMMPS (22 Jul 2025)\n", "no newline", "\0\0\n"])
def test_a_log_without_a_table(text: str) -> None:
    log = logs.parse(text)
    assert log.runs == () and not log.complete
    with pytest.raises(InputError, match="no thermo table"):
        log.last()
    with pytest.raises(InputError, match="no thermo table"):
        logs.join(log.runs)


def test_a_number_cut_in_the_middle_does_not_count() -> None:
    end = LOG.index("1541.0583") + 6
    log = logs.parse(LOG[:end])
    np.testing.assert_array_equal(log.last()["Step"], [0])
    assert not log.last().complete and not log.complete


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(LOG)))
def test_cut_anywhere_gives_a_beginning_of_the_whole(end: int) -> None:
    whole, cut = logs.parse(LOG), logs.parse(LOG[:end])
    assert len(cut.runs) <= len(whole.runs)
    for part, full in zip(cut.runs, whole.runs, strict=False):
        for name in part.columns:
            np.testing.assert_array_equal(part[name], full[name][: len(part)])


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    logs.parse(text)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=20)
)
def test_numbers_come_back(values: list[float]) -> None:
    rows = "".join(f"{k} {v!r}\n" for k, v in enumerate(values))
    table = logs.parse("  Step  Temp\n" + rows).last()
    np.testing.assert_array_equal(table["Temp"], values)


def test_rows_of_another_width_and_words_are_passed_over() -> None:
    text = (
        HEAD + "0 0 300 -1\n10 0.01 300\nSetting up cg style ...\n20 0.02 abc -1\n30 0.03 301 -2\n"
    )
    np.testing.assert_array_equal(logs.parse(text).last()["Step"], [0, 30])


def test_nan_rows_are_read_as_nan() -> None:
    assert np.isnan(logs.parse(HEAD + "0 0 nan -1\n").last()["Temp"][0])


def test_error_and_its_line() -> None:
    log = logs.parse(
        "pair_style foo 1.0\nERROR: Unrecognized pair style 'foo' (src/src/force.cpp:275)\n"
        "Last input line: pair_style foo 1.0\nERROR on proc 1: something later\n"
    )
    assert log.error == "Unrecognized pair style 'foo' (src/src/force.cpp:275)"
    assert log.input_line == "pair_style foo 1.0"


def test_error_of_one_rank() -> None:
    assert logs.parse("ERROR on proc 3: Lost something (x.cpp:1)\n").error == (
        "Lost something (x.cpp:1)"
    )


def test_no_log(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such log"):
        logs.read(tmp_path / "log.lammps")


DEVI = (
    "#       step  max_devi_v  min_devi_v  avg_devi_v  max_devi_f  min_devi_f  avg_devi_f\n"
    "           0  1e-3 1e-4 5e-4  2e-1 1e-2 1e-1\n"
    "          10  2e-3 2e-4 6e-4  3e-1 2e-2 1.5e-1\n"
)


def test_model_deviation(tmp_path: Path) -> None:
    file = tmp_path / "devi.out"
    file.write_text(DEVI + "          10  2e-3 2e-4 6e-4  3e-1 2e-2 1.5e-1\n          20  3e-3 2e")
    found = logs.read_deviation(file)
    np.testing.assert_array_equal(found.step, [0, 10])
    np.testing.assert_allclose(found.max_force, [0.2, 0.3])
    np.testing.assert_allclose(found.mean_force, [0.1, 0.15])
    np.testing.assert_allclose(found.max_virial, [1e-3, 2e-3])


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "holds no model deviation"), ("# only a head\n", "holds no model deviation"),
     ("0 1 2 3\n", "line 1: expected step and six"), ("# x\na b c d e f g\n", "line 2")],
)  # fmt: skip
def test_broken_model_deviation(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "devi.out"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        logs.read_deviation(file)


def test_no_model_deviation(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file of model deviations"):
        logs.read_deviation(tmp_path / "none.out")


def test_rows_of_a_minimisation_before_the_run_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "devi.out"
    row = "{} 1 1 1 {} 1 1\n"
    minimised = [(0, 9.0), (10, 8.0), (20, 7.0), (30, 6.0)]
    run = [(0, 1.0), (0, 1.5), (10, 2.0), (20, 3.0)]
    file.write_text("# head\n" + "".join(row.format(*r) for r in minimised + run))
    found = logs.read_deviation(file)
    np.testing.assert_array_equal(found.step, [0, 10, 20])
    np.testing.assert_array_equal(found.max_force, [1.5, 2.0, 3.0])
