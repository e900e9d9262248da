"""Notebook parameters: what a notebook declares, and whether a value fits.

A notebook declares its parameters in the one code cell tagged ``parameters``,
one a line, with a literal default and a comment that teaches::

    temperature: float = 300.0  # Temperature in K; allowed: 0..2000
    source: str = "MP"  # Source of formation energies; allowed: MP, experiment

Nothing runs with a parameter that is not declared, of another type, or outside
what the comment allows.
"""

from __future__ import annotations

import ast
import contextlib
import io
import math
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from repro.errors import NotebookError, ParameterError, did_you_mean

_TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool, "list": list}
_WORDS = {"true": True, "false": False, "yes": True, "no": False}
# What ast.literal_eval raises for a text that is no literal, or is nested too deep.
_NO_LITERAL = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


@dataclass(frozen=True)
class Parameter:
    """One declared parameter.

    Attributes
    ----------
    name, kind, default:
        ``kind`` is int, float, str, bool or list.
    meaning:
        The comment's words, with the unit.
    low, high:
        Allowed range of a number, ends included; None if open.
    choices:
        Allowed words; empty if any will do.  Range and choices of a list hold for
        each of its items.
    """

    name: str
    kind: str
    default: Any
    meaning: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What the parameter accepts, in words."""
        of = "a list of " if self.kind == "list" else ""
        if self.choices:
            return (of or "one of ") + ", ".join(self.choices)
        if self.low is not None and self.high is not None:
            return f"{of}{self.low:g} to {self.high:g}"
        return {"str": "any text", "bool": "true or false", "list": "a list"}.get(
            self.kind, "any finite number"
        )


def declared(source: str, *, notebook: str) -> tuple[Parameter, ...]:
    """Return the parameters that the source of a ``parameters`` cell declares.

    Raises
    ------
    NotebookError
        If a line is not ``name: type = literal  # meaning``; the author's slip.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise NotebookError(f"{notebook}: the parameters cell is not Python: {error}") from None
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found: list[Parameter] = []
    for node in tree.body:
        line = ast.get_source_segment(source, node)
        if not (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.value is not None
        ):
            raise NotebookError(
                f"{notebook}: parameters cell, line {node.lineno}: expected "
                f"'name: type = value  # meaning', found {line!r}"
            )
        kind = ast.unparse(node.annotation).partition("[")[0]
        comment = comments.get(node.end_lineno or node.lineno, "")
        if kind not in _TYPES:
            raise NotebookError(
                f"{notebook}: parameter {node.target.id!r}: type {kind!r} is not "
                f"one of {', '.join(_TYPES)}"
            )
        if not comment:
            raise NotebookError(
                f"{notebook}: parameter {node.target.id!r}: a comment must say what it means"
            )
        if any(parameter.name == node.target.id for parameter in found):
            raise NotebookError(f"{notebook}: parameter {node.target.id!r} is declared twice")
        try:
            default = ast.literal_eval(node.value)
        except _NO_LITERAL:
            raise NotebookError(
                f"{notebook}: parameter {node.target.id!r}: the default must be "
                f"a literal, found {line!r}"
            ) from None
        parameter = _parameter(node.target.id, kind, default, comment, notebook)
        found.append(parameter)
    return tuple(found)


def _parameter(name: str, kind: str, default: Any, comment: str, notebook: str) -> Parameter:
    meaning, _, allowed = (part.strip() for part in comment.partition("; allowed:"))
    low = high = None
    choices: tuple[str, ...] = ()
    try:
        if ".." in allowed and kind in ("int", "float", "list"):
            low, high = (float(end) for end in allowed.split(".."))
        elif allowed:
            choices = tuple(word.strip() for word in allowed.split(","))
            if kind in ("int", "float"):
                choices = tuple(f"{_TYPES[kind](word)}" for word in choices)
            elif kind == "bool":
                raise ValueError("a bool is true or false")
    except ValueError:
        raise NotebookError(
            f"{notebook}: parameter {name!r} ({kind}): expected 'low..high' after "
            f"'allowed:', or a comma list of values, found {allowed!r}"
        ) from None
    parameter = Parameter(name, kind, default, meaning, low, high, choices)
    try:
        return replace(parameter, default=_fits(parameter, default, notebook))
    except ParameterError as error:
        raise NotebookError(f"the default does not fit its own declaration: {error}") from None


def _refuse(parameter: Parameter, notebook: str, value: Any, expected: str) -> ParameterError:
    return ParameterError(
        f"{notebook}: parameter {parameter.name!r} ({parameter.meaning}): expected {expected}, "
        f"found {value!r}"
    )


def _fits(parameter: Parameter, value: Any, notebook: str) -> Any:
    """Return the value if it fits (an int as a float where one is declared)."""
    kind: Any = _TYPES[parameter.kind]
    if kind is float and type(value) is int:
        with contextlib.suppress(OverflowError):  # too large: refused as an int below
            value = float(value)
    if type(value) is not kind:
        raise _refuse(parameter, notebook, value, f"{parameter.kind}, {parameter.allowed}")
    for item in value if kind is list else [value]:
        # Plain items only: the values are part of a run's key, which is made from JSON.
        if type(item) not in (int, float, str, bool):
            raise _refuse(parameter, notebook, value, "a list of numbers, texts or true/false")
        if isinstance(item, float) and not math.isfinite(item):
            raise _refuse(parameter, notebook, value, "a finite number")
        if parameter.choices and str(item) not in parameter.choices:
            hint = did_you_mean(str(item), parameter.choices)
            raise _refuse(parameter, notebook, value, parameter.allowed + hint)
        if (
            parameter.low is not None
            and parameter.high is not None
            and (isinstance(item, str | bool) or not parameter.low <= item <= parameter.high)
        ):
            raise _refuse(parameter, notebook, value, parameter.allowed)
    return value


def from_text(parameter: Parameter, text: str, *, notebook: str) -> Any:
    """Return the value that a command line word stands for.

    Raises
    ------
    ParameterError
        If the word is not of the declared type or is not allowed.
    """
    value: Any = text
    try:
        match parameter.kind:
            case "bool":
                value = _WORDS.get(text.lower(), text)
            case "int":
                value = int(text)
            case "float":
                value = float(text)
            case "list":
                value = ast.literal_eval(text)
    except _NO_LITERAL:
        raise _refuse(parameter, notebook, text, f"{parameter.kind}, {parameter.allowed}") from None
    return _fits(parameter, value, notebook)


def resolve(
    known: Sequence[Parameter], given: Mapping[str, Any], *, notebook: str
) -> dict[str, Any]:
    """Return every declared parameter with its given or default value.

    Parameters
    ----------
    known:
        What the notebook declares.
    given:
        Name to value; a str is read as a command line word.
    notebook:
        Its name, for messages.

    Raises
    ------
    ParameterError
        For a name that is not declared (with a suggestion and the accepted list),
        or a value that does not fit.
    """
    by_name = {parameter.name: parameter for parameter in known}
    for name in given:
        if name not in by_name:
            accepts = "; ".join(f"{p.name} ({p.kind}, {p.allowed})" for p in known) or "none"
            raise ParameterError(
                f"{notebook}: unknown parameter {name!r}{did_you_mean(name, by_name)}. "
                f"It accepts: {accepts}"
            )
    values = {parameter.name: parameter.default for parameter in known}
    for name, value in given.items():
        parameter = by_name[name]
        values[name] = (
            from_text(parameter, value, notebook=notebook)
            if isinstance(value, str)
            else _fits(parameter, value, notebook)
        )
    return values
