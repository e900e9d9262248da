"""Exercises without their solutions: one chapter's script, for the student edition.

A solution is a dropdown (or an admonition) titled *Solution* in a markdown cell, with
the code cells tagged ``hide-cell`` that follow before the next markdown cell.
:func:`without` takes both away and says where to write instead.

A solution may record results that other text needs.  A ``record`` that does not rest
on anything the solution's cell defines is bookkeeping and is kept, in a cell of its
own, if the text or the ledger asks for its key.  Any other key is gone with its
solution: :class:`Stripped` names it, and the prose says *your result* in its place.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Set
from dataclasses import dataclass

from repro.errors import NotebookError

TITLE = re.compile(r"\s*Solutions?\b", re.IGNORECASE)
"""How the title of a solution begins, wherever one is looked for."""
OPENING = re.compile(
    r"^(?P<fence>:{3,}|`{3,})\{(?:dropdown|admonition)\}" + TITLE.pattern,
    re.IGNORECASE | re.MULTILINE,
)
_BLOCKS = re.compile(r"^(?=# %%)", re.MULTILINE)
_HEADING = re.compile(r"^#{2,4} (.+)$", re.MULTILINE)
_GLUE = re.compile(r"\{glue:[a-z]+\}`([^`:]+)(?::[^`]*)?`")
WRITE_HERE = "Your answer"
YOUR_RESULT = "*(your result)*"


@dataclass(frozen=True)
class Stripped:
    """A script without its solutions.

    Attributes
    ----------
    script:
        The py:percent text of the student's notebook.
    solutions:
        Text of each solution that was taken away, dropdowns and cells.
    lost:
        Keys that only a solution records.
    figures:
        Names of figures that only a solution shows.
    """

    script: str
    solutions: tuple[str, ...]
    lost: frozenset[str]
    figures: frozenset[str]


def without_dropdowns(text: str, *, name: str, where: str) -> tuple[str, list[str]]:
    """Return a MyST text with a place to write for each solution, and the solutions.

    Parameters
    ----------
    text:
        MyST markdown.
    name:
        The page, for messages.
    where:
        What the line in its place says, e.g. ``"Write it here."``

    Raises
    ------
    NotebookError
        If a solution is not closed.
    """
    kept: list[str] = []
    found: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        opening = OPENING.match(line)
        if opening is None:
            kept.append(line)
            continue
        body: list[str] = []
        closing = re.compile(rf"{opening['fence'][0]}{{{len(opening['fence'])},}}\s*")
        for inner in lines:
            if closing.fullmatch(inner):
                break
            body.append(inner)
        else:
            raise NotebookError(
                f"{name}: a solution is not closed; expected a line {opening['fence']!r} after "
                f"{line!r}"
            )
        found.append("\n".join(body))
        kept += [f":::{{admonition}} {WRITE_HERE}", ":class: tip", where, ":::"]
    return "\n".join(kept), found


def without(script: str, *, name: str, needed: Iterable[str] = ()) -> Stripped:
    """Return a chapter's script without its solutions.

    Parameters
    ----------
    script:
        py:percent text.
    name:
        Name of the notebook, for messages.
    needed:
        Keys of results that the ledger asks for; those that the text shows are known.

    Raises
    ------
    NotebookError
        If a solution is not closed, records a key that is not a literal, or defines a
        name or a figure that the rest of the chapter uses.
    """
    head, *blocks = _BLOCKS.split(script)
    kept = [head]
    solutions: list[str] = []
    cells: list[tuple[int, str]] = []  # where a removed cell stood, and its code
    heading, after = "", False
    for block in blocks:
        first, _, body = block.partition("\n")
        if "[markdown]" in first:
            text, found = without_dropdowns(
                _uncommented(body),
                name=name,
                where=f"Write it here: in this cell, or in {name}.py.",
            )
            after = bool(found)
            solutions += found
            heading = (_HEADING.findall(text) or [heading])[-1]
            kept.append(f"{first}\n{_commented(text)}" if found else block)
        elif after and "hide-cell" in first:
            if not cells or cells[-1][0] != len(kept) - 1:
                kept.append(f'# %% tags=["show-input"]\n# Your code for "{heading}" goes here.\n\n')
            cells.append((len(kept) - 1, body))
            solutions.append(body)
        else:
            kept.append(block)
    return _mended(kept, cells, solutions, name=name, needed=needed)


def _mended(
    kept: list[str],
    cells: list[tuple[int, str]],
    solutions: list[str],
    *,
    name: str,
    needed: Iterable[str],
) -> Stripped:
    """Keep the bookkeeping of the solutions, and see that nothing misses them."""
    wanted = _shown(kept) | set(needed)
    rest = [_tree(_code(block), name) for block in kept]
    elsewhere = {key for tree in rest for key in _keys(tree, name, strict=False)}
    lost: set[str] = set()
    figures: set[str] = set()
    defined: set[str] = set()
    asides: dict[int, list[str]] = {}
    for place, body in cells:
        tree = _tree(body, name)
        defined |= _bound(tree)
        figures |= _figures(tree)
        for statement in tree.body:
            keys = _keys(statement, name, strict=True) - elsewhere
            if keys & wanted and _stands_alone(statement, tree):
                asides.setdefault(place, []).append(ast.get_source_segment(body, statement) or "")
            else:
                lost |= keys
    for place, statements in sorted(asides.items(), reverse=True):
        note = "# A number that the text shows, kept for it."
        kept.insert(place, "# %%\n" + "\n".join([note, *statements]) + "\n\n")
    _require_whole(kept, defined, figures, name=name)
    script = "".join(_with_blanks(block, lost) for block in kept).rstrip("\n") + "\n"
    return Stripped(script, tuple(solutions), frozenset(lost), frozenset(figures))


def _stands_alone(statement: ast.stmt, cell: ast.Module) -> bool:
    """Return whether a statement is a ``record`` that needs nothing else of its cell."""
    if not isinstance(statement, ast.Expr | ast.Assign) or not isinstance(
        statement.value, ast.Call
    ):
        return False
    own = set().union(*(_bound(other) for other in cell.body if other is not statement))
    return statement.value in _calls(statement, "record") and not _loaded(statement) & own


def _require_whole(kept: list[str], defined: set[str], figures: set[str], *, name: str) -> None:
    """Refuse a chapter whose other cells rest on a solution.

    Raises
    ------
    NotebookError
        Naming what is missing.
    """
    trees = [_tree(_code(block), name) for block in kept]
    bound = set().union(*map(_bound, trees)) | set(dir(builtins))
    loaded = set().union(*map(_loaded, trees))
    missing = sorted((defined & loaded) - bound)
    if missing:
        raise NotebookError(
            f"{name}: only a solution defines {', '.join(missing)}, and a cell that is no solution "
            "uses it; define it before the exercise"
        )
    prose = "\n".join(map(_prose, kept))
    shown = sorted(figure for figure in figures if f"`{figure}`" in prose)
    if shown:
        raise NotebookError(
            f"{name}: the text refers to {', '.join(shown)}, which only a solution shows; "
            "show it before the exercise"
        )


def shown_keys(script: str) -> set[str]:
    """Return the keys of the results that the prose of a chapter's script shows."""
    return _shown(_BLOCKS.split(script))


def _shown(blocks: Iterable[str]) -> set[str]:
    return {key.removesuffix(".err") for block in blocks for key in _GLUE.findall(_prose(block))}


def _with_blanks(block: str, lost: Set[str]) -> str:
    return with_blanks(block, lost) if "[markdown]" in block.partition("\n")[0] else block


def with_blanks(text: str, lost: Set[str]) -> str:
    """Return a MyST text with a blank in place of each number that only a solution has."""

    def blank(match: re.Match[str]) -> str:
        return YOUR_RESULT if match[1].removesuffix(".err") in lost else match[0]

    return _GLUE.sub(blank, text)


def _uncommented(body: str) -> str:
    return "\n".join(re.sub(r"^# ?", "", line) for line in body.rstrip("\n").split("\n"))


def _commented(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.split("\n")) + "\n\n"


def _prose(block: str) -> str:
    """Return the markdown of a block; empty for code and for the header."""
    first, _, body = block.partition("\n")
    return _uncommented(body) if "[markdown]" in first else ""


def _code(block: str) -> str:
    first, _, body = block.partition("\n")
    return body if first.startswith("# %%") and "[markdown]" not in first else ""


def _tree(code: str, name: str) -> ast.Module:
    from repro.notebooks import as_python

    try:
        return ast.parse(as_python(code))
    except SyntaxError as error:
        raise NotebookError(f"{name}: not Python: {error}") from None


def _calls(tree: ast.AST, called: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == called
    ]


def _keys(tree: ast.AST, name: str, *, strict: bool) -> set[str]:
    """Return the literal keys that some code records."""
    keys = set()
    for call in _calls(tree, "record"):
        first = call.args[0] if call.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            keys.add(first.value)
        elif strict:
            raise NotebookError(
                f"{name}: a solution records a key that is not a literal: {ast.unparse(call)[:80]!r}; "
                "write it out, or record it before the exercise"
            )
    return keys


def _figures(tree: ast.AST) -> set[str]:
    return {
        word.value.value
        for called in ("show", "show_structure")
        for call in _calls(tree, called)
        for word in call.keywords
        if word.arg == "name"
        and isinstance(word.value, ast.Constant)
        and isinstance(word.value.value, str)
    }


def _bound(tree: ast.AST) -> set[str]:
    """Return every name that some code gives a value to."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def _loaded(tree: ast.AST) -> set[str]:
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
