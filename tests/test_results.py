"""Recorded results: plain finite values under well-formed keys."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro import results
from repro.errors import InputError
from repro.results import KEY, Result, read, record


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (-83.9, -83.9),
        (7, 7),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (Decimal("1.5"), 1.5),
        (True, True),
        (np.bool_(False), False),
        ("LiF", "LiF"),
        (np.str_("LiF"), "LiF"),
        ("", ""),
    ],
)
def test_values_become_plain_ones(value: Any, stored: Any) -> None:
    found = record("a.b", value).value
    assert found == stored
    assert isinstance(found, type(stored))


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, np.nan, None, [1.0, 2.0], {"a": 1}, 1j, object(), 10**400],
)
def test_what_is_no_finite_scalar_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match=r"result 'a\.b': expected a"):
        record("a.b", value)
    assert "a.b" not in results.RECORDED


@pytest.mark.parametrize("key", ["", "A", "a b", "a..b", ".a", "a.", "a-b", "a.b\n", "å"])
def test_a_malformed_key_is_refused(key: str) -> None:
    with pytest.raises(InputError, match="expected lower-case words joined by dots"):
        record(key, 1.0)


@pytest.mark.parametrize("uncertainty", [-0.1, math.nan, math.inf, "0.1", True, [0.1]])
def test_an_impossible_uncertainty_is_refused(uncertainty: Any) -> None:
    with pytest.raises(InputError, match=r"result 'a\.b'"):
        record("a.b", 1.0, uncertainty=uncertainty)


def test_outside_a_run_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert record("a.b", 1.0) == results.RECORDED["a.b"]
    assert list(tmp_path.iterdir()) == []


def test_within_a_run_results_are_kept_and_read_back(run_folder: Path) -> None:
    first = record("b.two", -1.5, unit="eV", uncertainty=np.float64(0.25), note="why — ±")
    second = record("a.one", "LiF")
    third = record("c", np.bool_(True))
    assert read(run_folder) == {"b.two": first, "a.one": second, "c": third}
    assert [p.name for p in run_folder.iterdir()] == ["results.json"]
    content = json.loads((run_folder / "results.json").read_text(encoding="utf-8"))
    assert list(content) == ["a.one", "b.two", "c"]
    assert content["b.two"] == {
        "key": "b.two",
        "value": -1.5,
        "unit": "eV",
        "uncertainty": 0.25,
        "note": "why — ±",
    }
    assert content["c"]["value"] is True


def test_a_refused_value_leaves_what_was_there(run_folder: Path) -> None:
    kept = record("a", 1.0)
    with pytest.raises(InputError):
        record("a", math.nan)
    assert read(run_folder) == {"a": kept}


def test_a_run_without_results_reads_as_empty(tmp_path: Path) -> None:
    assert read(tmp_path) == {}


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (Result("a", -83.94, "meV/atom"), "-83.94 meV/atom"),
        (Result("a", 878.0, "K", 3.21), "878.0 ± 3.2 K"),
        (Result("a", 0.37953, "GPa", 0.0498), "0.380 ± 0.050 GPa"),
        (Result("a", 6.3, "%", 13.2), "6 ± 13 %"),
        (Result("a", -12.0, "%", 101.4), "-12 ± 101 %"),
        (Result("a", 0.0, "GPa", 0.02), "0.000 ± 0.020 GPa"),
        (Result("a", 2.41e-5, "cm2/s", 3e-6), "2.41e-05 ± 3e-06 cm2/s"),
        (Result("a", 0.5), "0.5"),
        (Result("a", 0.5, uncertainty=0.0), "0.5 ± 0"),
        (Result("a", True), "yes"),
        (Result("a", False), "no"),
        (Result("a", "LiF"), "LiF"),
    ],
)
def test_a_result_in_words(result: Result, words: str) -> None:
    assert str(result) == words


def test_glue_shows_value_and_error_within_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython.core.getipython
    import myst_nb

    glued: dict[str, Any] = {}
    monkeypatch.setattr(IPython.core.getipython, "get_ipython", object)
    monkeypatch.setattr(myst_nb, "glue", lambda key, value, display: glued.update({key: value}))
    record("a.b", 2.5, uncertainty=0.5)
    record("c", "LiF")
    assert glued == {"a.b": 2.5, "a.b.err": 0.5, "c": "LiF"}


@given(st.from_regex(KEY, fullmatch=True), st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_under_a_good_key_survives_the_file(key: str, value: float) -> None:
    content = json.dumps(results.asdict(record(key, value)))
    assert Result(**json.loads(content)) == results.RECORDED[key]


@given(st.text())
def test_a_key_is_recorded_or_refused(key: str) -> None:
    try:
        assert record(key, 1.0).key == key
    except InputError as error:
        assert repr(key) in str(error)


def test_a_large_number_is_shown_to_the_place_of_its_error() -> None:
    assert str(Result("a.b", 10535.047, "eV", 0.19)) == "10535.05 ± 0.19 eV"
    assert str(Result("a.b", 10535.047, "eV", 12.0)) == "10535 ± 12 eV"
    assert str(Result("a.b", 2.0437, "g", 0.19)) == "2.04 ± 0.19 g"
    assert str(Result("a.b", 10535.047, "eV")) == "1.054e+04 eV"
