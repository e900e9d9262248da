"""Generated parts of pages: the scoreboard, the errata, the parameters, the course.

A page of ``book/`` says where a part goes with a marker on a line of its own::

    <!-- repro:scoreboard -->

The prose around it stays in the source.  Numbers in that prose come from the runs and the
ledger (:func:`values`).
"""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Callable, Mapping, Sequence

from repro import exercises, formulas, ledger, notebooks
from repro.errors import NotebookError, did_you_mean
from repro.ledger import Erratum, Row
from repro.notebooks import Notebook
from repro.parameters import Parameter
from repro.results import Result
from repro.tables import HEADS, badge, html_table, tolerance_text, tr
from repro.times import Time

_MARKER = re.compile(r"^<!-- repro:([a-z0-9-]+) -->$", re.MULTILINE)
_VALUE = re.compile(r"\{(glue|paper):text\}`([^`:]+)(?::([^`]*))?`")
_COURSE = "course-"


def fill(text: str, parts: Mapping[str, Callable[[], str]], *, name: str) -> str:
    """Return a page with each marker replaced by its generated part.

    Raises
    ------
    NotebookError
        If a marker names no part.
    """

    def part(match: re.Match[str]) -> str:
        if match[1] not in parts:
            raise NotebookError(f"{name}: unknown part {match[1]!r}{did_you_mean(match[1], parts)}")
        return parts[match[1]]()

    return _MARKER.sub(part, text)


def values(text: str, results: Mapping[str, Result], *, name: str) -> str:
    """Return a page with numbers in place of ``{glue:text}`` and ``{paper:text}``.

    Chapters show their own results by ``{glue:text}`key:.0f```; here a page of ``book/`` shows
    those of any chapter in the same way (``key.err`` is the error), and a published value by
    ``{paper:text}`` with the id of its claim.

    Raises
    ------
    NotebookError
        If no run has recorded a key, it has no error, or the format does not suit the value.
    ClaimError
        If there is no such claim.
    """

    def value(match: re.Match[str]) -> str:
        kind, key, form = match[1], match[2], match[3] or ""
        if kind == "paper":
            return _set(str(ledger.load()[key].published))
        result = results.get(key.removesuffix(".err"))
        if result is None:
            hint = did_you_mean(key, results)
            raise NotebookError(f"{name}: no run has recorded {key!r}{hint}")
        shown = result.uncertainty if key.endswith(".err") else result.value
        if shown is None:
            raise NotebookError(f"{name}: {key!r}: the result has no error")
        try:
            return _set(format(shown, form))
        except ValueError as error:
            raise NotebookError(f"{name}: {key!r}: {error}; its value is {shown!r}") from None

    return _VALUE.sub(value, text)


def _set(text: str) -> str:
    """Return a value as a page sets it: low digits in formulas, a true minus before a number."""
    return formulas.in_markdown(re.sub(r"^-(?=[\d.])", "\N{MINUS SIGN}", text))


def _select(label: str, field: str, options: Sequence[str]) -> str:
    items = "".join(f'<option value="{html.escape(o)}">{html.escape(o)}</option>' for o in options)
    return (
        f'<label>{label} <select data-filter="{field}"><option value="">all</option>'
        f"{items}</select></label>"
    )


def _words(text: str) -> str:
    """Return a text for an HTML block, which a blank line would end."""
    return html.escape(" ".join(text.split()))


def link(row: Row, titles: Mapping[str, str], figures: Mapping[str, str]) -> str:
    """Return the link from a row to its figure or, without one, to its chapter."""
    claim = row.claim
    if claim.chapter is None:
        return "no chapter"
    if claim.chapter not in titles:
        return f"planned: {html.escape(claim.chapter.partition('/')[2])}"
    if claim.figure is None or claim.figure not in figures:
        return f'<a href="../{claim.chapter}.html">{_words(titles[claim.chapter])}</a>'
    page = figures[claim.figure].removesuffix(".py")  # not always the claim's own chapter
    return f'<a href="../{page}.html#{claim.figure}">{_words(titles[page])} (figure)</a>'


def _scoreboard_row(row: Row, titles: Mapping[str, str], figures: Mapping[str, str]) -> str:
    claim = row.claim
    chapter = (claim.chapter or "none").partition("/")[2] or "none"
    note = f"<p>{_words(claim.note)}</p>" if claim.note else ""
    ours = _words(str(row.computed)) if row.computed else "&ndash;"
    computed = f"<p>{_words(row.computed.note)}</p>" if row.computed and row.computed.note else ""
    return (
        f'<tr id="claim-{claim.id}" data-verdict="{claim.verdict}" data-kind="{claim.kind}" '
        f'data-chapter="{chapter}"><td>{_words(claim.says)}'
        f"<br><small>{_words(claim.where)} · {claim.kind} · {link(row, titles, figures)}</small>"
        f"<details><summary>How it is judged</summary><p>{_words(claim.addressed)}</p>"
        f"<p>Tolerance {html.escape(tolerance_text(row))}: "
        f"{_words(claim.tolerance['why'])}</p>{note}{computed}</details></td>"
        f'<td data-label="Paper">{_words(str(claim.published))}</td>'
        f'<td data-label="Ours">{ours}</td><td>{badge(claim.verdict)}</td></tr>'
    )


def scoreboard(rows: Sequence[Row], titles: Mapping[str, str], figures: Mapping[str, str]) -> str:
    """Return the filterable table of all claims as HTML.

    Parameters
    ----------
    rows:
        The joined ledger.
    titles:
        Document name (``notebooks/01_...``) to chapter title, for those built.
    figures:
        Figure name to notebook, for those built.
    """
    claims = [row.claim for row in rows]
    used = [verdict for verdict in ledger.VERDICTS if any(c.verdict == verdict for c in claims)]
    out = [
        '<div class="scoreboard"><form class="scoreboard-filters" aria-label="Filter the claims">'
    ]
    out.append(_select("Verdict", "verdict", used))
    out.append(_select("Kind", "kind", sorted({claim.kind for claim in claims})))
    chapters = sorted({(c.chapter or "none").partition("/")[2] or "none" for c in claims})
    out.append(_select("Chapter", "chapter", chapters))
    out.append('<label>Words <input type="search" data-filter="words"></label>')
    out.append(f'<output role="status">{len(rows)} of {len(rows)} claims</output></form>')
    out.append(html_table(HEADS, [_scoreboard_row(row, titles, figures) for row in rows]))
    out.append("</div>")
    return formulas.in_html("\n".join(out))


def errata(rows: Sequence[Erratum]) -> str:
    """Return the errata as a MyST definition per slip."""
    out = []
    for row in rows:
        words = row.title or row.id.replace("-", " ").capitalize()
        out.append(f"(erratum-{row.id})=\n## {words}\n")
        out.append(f"**Where.** {row.where}\n\n**Printed.** {row.printed}\n")
        out.append(
            f"**What is wrong or unclear.** {row.problem}\n\n**Read instead.** {row.resolution}\n"
        )
    return formulas.in_markdown("\n".join(out))


def _example(known: Sequence[Parameter]) -> tuple[str, str]:
    """Return a parameter and a value other than its default, where there is such a one."""
    for parameter in known:
        other = [choice for choice in parameter.choices if choice != str(parameter.default)]
        if other and parameter.kind != "list":
            return parameter.name, other[-1]
    for parameter in known:
        # Towards the lower end: half as hot, half as long, never ten times the time.
        if parameter.kind == "float" and parameter.low is not None:
            return parameter.name, f"{0.5 * (parameter.low + parameter.default):.3g}"
    for parameter in known:
        if parameter.kind == "bool":
            return parameter.name, "false" if parameter.default else "true"
    return known[0].name, str(known[0].default)


def _commands(book: Notebook) -> str:
    """Return the two command lines that run a notebook with another value."""
    name, value = _example(book.parameters())
    word = shlex.quote(value)
    return (
        f"```\n.venv/bin/repro run {book.name} -p {name} {word}\n```\n\nThe same by papermill alone, "
        "without checks, record and cache:\n\n```\n"
        f".venv/bin/papermill notebooks/{book.name}.ipynb mine.ipynb \\\n  -p {name} {word}\n```\n"
    )


def parameters(times: Mapping[str, Time]) -> str:
    """Return for each notebook its expected time, its parameters and how to set them.

    Parameters
    ----------
    times:
        Measured times by name of the notebook (:func:`repro.times.of`).

    Returns
    -------
    str
        MyST with tables in HTML.
    """
    out = []
    for book in notebooks.every():
        out.append(f"## [](../notebooks/{book.name})\n")
        if book.name in times:
            out.append(f"Expected time with the defaults: {times[book.name]}.\n")
        known = book.parameters()
        if not known:
            out.append("No parameters.\n")
            continue
        rows = [
            tr(f'<code style="white-space: nowrap">{p.name}</code>', p.kind,
               f"<code>{html.escape(repr(p.default))}</code>", html.escape(p.meaning),
               html.escape(p.allowed))
            for p in known
        ]  # fmt: skip
        out.append(html_table(("Name", "Type", "Default", "Meaning", "Allowed"), rows) + "\n")
        out.append(_commands(book))
    return "\n".join(out)


def course(times: Mapping[str, Time]) -> dict[str, Callable[[], str]]:
    """Return the parts ``course-01``, ``course-02`` ... of the course page.

    Each is the heading of a chapter with its measured time, the titles of its exercises and
    the names of its parameters.  A number below that of the last chapter that no chapter has
    says that it is still to come.
    """
    books = {book.name[:2]: book for book in notebooks.every()}
    last = max((int(number) for number in books if number.isdigit()), default=0)
    numbers = [f"{number:02d}" for number in range(1, last + 1)]

    def part(number: str) -> Callable[[], str]:
        return lambda: _lesson(number, books.get(number), times)

    return {f"{_COURSE}{number}": part(number) for number in numbers}


def _lesson(number: str, book: Notebook | None, times: Mapping[str, Time]) -> str:
    if book is None:
        return f"### Chapter {int(number)}\n\n*This chapter is still to come.*"
    tasks = []
    for place, one in enumerate(exercises.of(book), start=1):
        kinds = [
            word for word, it_is in (("predict", one.predicts), ("break", one.breaks)) if it_is
        ]
        tasks.append(f"{place}. {one.title}" + (f" *({', '.join(kinds)})*" if kinds else ""))
    names = ", ".join(f"`{p.name}`" for p in book.parameters()) or "none"
    lines = [
        f"### [](../notebooks/{book.name})",
        "",
        f"- **Time:** {times[book.name]}" if book.name in times else "- **Time:** not measured yet",
        f"- **[Parameters](parameters):** {names}",
        "- **Exercises:**",
        *(f"  {task}" for task in tasks),
    ]
    return "\n".join(lines)
