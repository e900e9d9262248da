"""Generated parts of pages: the scoreboard, the errata, the parameters.

A page of ``book/`` says where a part goes with a marker on a line of its own::

    <!-- repro:scoreboard -->

The prose around it stays in the source.
"""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Callable, Mapping, Sequence

from repro import formulas, ledger, notebooks
from repro.errors import NotebookError, did_you_mean
from repro.ledger import Erratum, Row
from repro.tables import badge, tolerance_text

_MARKER = re.compile(r"^<!-- repro:([a-z-]+) -->$", re.MULTILINE)


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
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("Claim", "Paper", "Ours", "Verdict")
    )
    out.append(f'<table class="ledger"><thead><tr>{heads}</tr></thead><tbody>')
    out += [_scoreboard_row(row, titles, figures) for row in rows]
    out.append("</tbody></table></div>")
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


def parameters() -> str:
    """Return a table of parameters for each notebook, as HTML in MyST."""
    out = []
    for book in notebooks.every():
        out.append(f"## [](../notebooks/{book.name})\n")
        known = book.parameters()
        if not known:
            out.append("No parameters.\n")
            continue
        rows = "".join(
            f"<tr><td><code>{p.name}</code></td><td>{p.kind}</td>"
            f"<td><code>{html.escape(repr(p.default))}</code></td>"
            f"<td>{html.escape(p.meaning)}</td><td>{html.escape(p.allowed)}</td></tr>"
            for p in known
        )
        heads = "".join(
            f'<th scope="col">{h}</th>' for h in ("Name", "Type", "Default", "Meaning", "Allowed")
        )
        out.append(
            f'<table class="ledger"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>\n'
        )
        first = known[0]
        shown = first.choices[-1] if first.choices else first.default
        word = shlex.quote(str(shown))
        out.append(f"```\n.venv/bin/repro run {book.name} -p {first.name} {word}\n```\n")
    return "\n".join(out)
