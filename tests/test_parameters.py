"""What a parameters cell declares, and which values it lets through."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import NotebookError, ParameterError
from repro.parameters import Parameter, declared, from_text, resolve

CELL = """\
temperature: float = 300.0  # Temperature in K; allowed: 0..2000
steps: int = 10  # Number of steps; allowed: 1..100
source: str = "MP"  # Source of energies; allowed: MP, experiment
label: str = "a"  # Any words
verbose: bool = False  # Whether to talk
ratios: list = [1, 2.5]  # Mixing ratios; allowed: 0..10
free: float = -1.5  # Anything finite
"""


def _known() -> tuple[Parameter, ...]:
    return declared(CELL, notebook="01_small")


def _one(name: str) -> Parameter:
    return next(p for p in _known() if p.name == name)


def test_every_declared_parameter_is_read() -> None:
    known = _known()
    assert [(p.name, p.kind, p.default) for p in known] == [
        ("temperature", "float", 300.0),
        ("steps", "int", 10),
        ("source", "str", "MP"),
        ("label", "str", "a"),
        ("verbose", "bool", False),
        ("ratios", "list", [1, 2.5]),
        ("free", "float", -1.5),
    ]
    assert known[0].meaning == "Temperature in K"
    assert (known[0].low, known[0].high) == (0, 2000)
    assert known[2].choices == ("MP", "experiment")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("temperature", "0 to 2000"),
        ("source", "one of MP, experiment"),
        ("label", "any text"),
        ("verbose", "true or false"),
        ("free", "any finite number"),
    ],
)
def test_what_is_allowed_is_said_in_words(name: str, words: str) -> None:
    assert _one(name).allowed == words


def test_the_words_for_a_list_name_its_range() -> None:
    assert "0 to 10" in _one("ratios").allowed


def test_an_empty_cell_declares_nothing() -> None:
    assert declared("", notebook="n") == ()
    assert declared("# only a remark\n", notebook="n") == ()


def test_an_int_default_of_a_float_becomes_a_float() -> None:
    (p,) = declared("t: float = 3  # Time in s", notebook="n")
    assert type(p.default) is float


def test_a_default_over_several_lines_takes_the_comment_of_its_last_line() -> None:
    (p,) = declared("r: list = [\n  1,\n  2,\n]  # Ratios", notebook="n")
    assert p.default == [1, 2]
    assert p.meaning == "Ratios"


def test_a_hash_within_a_text_is_no_comment() -> None:
    (p,) = declared('c: str = "#fff"  # Colour', notebook="n")
    assert (p.default, p.meaning) == ("#fff", "Colour")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("t = 3  # Time", "line 1: expected 'name: type = value  # meaning'"),
        ("ok: int = 1  # Fine\nimport os", "line 2: expected 'name: type = value"),
        ("t: float  # Time", "expected 'name: type = value  # meaning', found 't: float'"),
        ("a.b: int = 1  # Attribute", "expected 'name: type = value"),
        ("t: int = 1", "parameter 't': a comment must say what it means"),
        ("t: int = 1  #", "parameter 't': a comment must say what it means"),
        ("t: complex = 1  # Time", "type 'complex' is not one of int, float, str, bool, list"),
        ("t: int = f()  # Time", "parameter 't': the default must be a literal"),
        ("t: list = {[]: 1}  # Unhashable", "parameter 't': the default must be a literal"),
        ("t: int = (  # Time", "the parameters cell is not Python"),
        ("t: int = 1.5  # Time", "the default does not fit its own declaration"),
        ("t: int = True  # Time", "the default does not fit its own declaration"),
        ("t: float = 5.0  # Time; allowed: 0..1", "the default does not fit its own declaration"),
        ("t: float = 0.5  # Time; allowed: 1..0", "the default does not fit its own declaration"),
        ("s: str = 'x'  # Word; allowed: a, b", "the default does not fit its own declaration"),
        ("t: float = 1e999  # Time", "the default does not fit its own declaration"),
        ("t: float = 5.0  # Time; allowed: 0..", "expected 'low..high' after 'allowed:'"),
        ("t: float = 5.0  # Time; allowed: low..high", "found 'low..high'"),
        ("t: int = 5  # Time; allowed: 1..2..3", "found '1..2..3'"),
        ("t: int = 5  # Time; allowed: positive", "parameter 't'"),
        ("t: bool = True  # Flag; allowed: maybe", "parameter 't'"),
        ("r: list = [1, 20]  # Ratios; allowed: 0..10", "does not fit its own declaration"),
        ("t: int = 1  # Time\nt: int = 2  # Again", "parameter 't' is declared twice"),
    ],
)
def test_a_slip_of_the_author_is_named(cell: str, said: str) -> None:
    with pytest.raises(NotebookError) as caught:
        declared(cell, notebook="07_slips")
    assert said in str(caught.value)
    assert "07_slips" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "word", "value"),
    [
        ("temperature", "450", 450.0),
        ("temperature", "0", 0.0),
        ("temperature", "2000", 2000.0),
        ("temperature", "4.5e2", 450.0),
        ("steps", "7", 7),
        ("source", "experiment", "experiment"),
        ("label", "", ""),
        ("label", "two words", "two words"),
        ("verbose", "true", True),
        ("verbose", "Yes", True),
        ("verbose", "NO", False),
        ("ratios", "[0, 10]", [0, 10]),
        ("ratios", "[]", []),
        ("free", "-1e300", -1e300),
    ],
)
def test_a_word_that_fits_becomes_a_value(name: str, word: str, value: Any) -> None:
    found = from_text(_one(name), word, notebook="n")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "word", "expected"),
    [
        ("temperature", "warm", "expected float, 0 to 2000, found 'warm'"),
        ("temperature", "", "expected float, 0 to 2000, found ''"),
        ("temperature", "-0.1", "expected 0 to 2000, found -0.1"),
        ("temperature", "2000.0001", "expected 0 to 2000, found 2000.0001"),
        ("temperature", "nan", "expected a finite number, found nan"),
        ("temperature", "inf", "expected a finite number, found inf"),
        ("free", "-inf", "expected a finite number, found -inf"),
        ("free", "1e999", "expected a finite number, found inf"),
        ("steps", "1.5", "expected int, 1 to 100, found '1.5'"),
        ("steps", "true", "expected int, 1 to 100, found 'true'"),
        ("steps", "0", "expected 1 to 100, found 0"),
        ("steps", "101", "expected 1 to 100, found 101"),
        ("source", "mp", "expected one of MP, experiment"),
        ("source", "", "expected one of MP, experiment, found ''"),
        ("verbose", "1", "expected bool, true or false, found '1'"),
        ("ratios", "1, 2", "expected list"),
        ("ratios", "[1, 11]", "found [1, 11]"),
        ("ratios", "[1, 'a']", "found [1, 'a']"),
        ("ratios", "[1, True]", "found [1, True]"),
        ("ratios", "[1e999]", "found [inf]"),
        ("ratios", "[1", "expected list"),
        ("ratios", "{[]: 1}", "expected list"),
        ("ratios", "[" * 500, "expected list"),
        ("ratios", "__import__('os')", "expected list"),
    ],
)
def test_a_word_that_does_not_fit_is_refused(name: str, word: str, expected: str) -> None:
    with pytest.raises(ParameterError) as caught:
        from_text(_one(name), word, notebook="01_small")
    message = str(caught.value)
    assert expected in message
    assert f"parameter {name!r}" in message
    assert "01_small" in message
    assert _one(name).meaning in message


def test_a_near_choice_is_suggested() -> None:
    with pytest.raises(ParameterError, match="did you mean 'experiment'"):
        from_text(_one("source"), "experimnt", notebook="n")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", True),
        ("steps", 2.0),
        ("temperature", True),
        ("temperature", [300.0]),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("temperature", None),
        ("temperature", 10**400),
        ("verbose", 1),
        ("ratios", (1, 2)),
        ("ratios", [1, math.nan]),
        ("ratios", [[1]]),
        ("source", 1),
    ],
)
def test_a_python_value_of_another_type_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=name):
        resolve(_known(), {name: value}, notebook="n")


def test_an_int_will_do_for_a_float_and_becomes_one() -> None:
    value = resolve(_known(), {"temperature": 400}, notebook="n")["temperature"]
    assert value == 400
    assert type(value) is float


def test_resolve_returns_defaults_for_what_is_not_given() -> None:
    values = resolve(_known(), {"steps": "11"}, notebook="n")
    assert values == {p.name: p.default for p in _known()} | {"steps": 11}


def test_an_unknown_parameter_is_named_with_the_nearest_and_all_that_are_accepted() -> None:
    with pytest.raises(ParameterError) as caught:
        resolve(_known(), {"temprature": "300"}, notebook="01_small")
    message = str(caught.value)
    assert "01_small" in message
    assert "unknown parameter 'temprature'" in message
    assert "did you mean 'temperature'?" in message
    for p in _known():
        assert f"{p.name} ({p.kind}, {p.allowed})" in message


def test_an_unknown_parameter_of_a_notebook_without_any() -> None:
    with pytest.raises(ParameterError, match="It accepts: none"):
        resolve((), {"x": "1"}, notebook="n")


def test_choices_of_numbers_and_lists_are_held_to() -> None:
    (n, words) = declared(
        "n: int = 2  # Layers; allowed: 1, 2, 4\n"
        'w: list = ["Cl"]  # Halogens; allowed: F, Cl, Br, I\n',
        notebook="n",
    )
    assert from_text(n, "4", notebook="n") == 4
    with pytest.raises(ParameterError, match="one of 1, 2, 4"):
        from_text(n, "3", notebook="n")
    assert from_text(words, "['F', 'I']", notebook="n") == ["F", "I"]
    with pytest.raises(ParameterError, match="F, Cl, Br, I"):
        from_text(words, "['F', 'At']", notebook="n")


@given(st.text())
def test_arbitrary_words_give_a_fitting_value_or_a_parameter_error(word: str) -> None:
    for parameter in _known():
        try:
            value = from_text(parameter, word, notebook="n")
        except ParameterError:
            continue
        assert type(value).__name__ == parameter.kind
        # The value is part of the name of a run: it must survive JSON.
        assert json.loads(json.dumps(value, allow_nan=False)) == value


@given(st.text())
def test_arbitrary_cells_give_parameters_or_a_notebook_error(source: str) -> None:
    try:
        found = declared(source, notebook="n")
    except NotebookError:
        return
    assert all(isinstance(p, Parameter) for p in found)


@given(st.floats(min_value=0, max_value=2000))
def test_every_number_in_range_survives_the_command_line(number: float) -> None:
    assert from_text(_one("temperature"), repr(number), notebook="n") == number
