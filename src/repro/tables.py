"""Tables that join the ledger with computed values: for notebooks and pages."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import pandas as pd
from IPython.display import HTML

from repro import ledger, paths, results
from repro.errors import InputError
from repro.ledger import Row

# A sentence in a cell is there to be read: by default pandas cuts it after fifty characters.
pd.set_option("display.max_colwidth", None)

HEADS = ("Claim", "Paper", "Ours", "Verdict")


def tolerance_text(row: Row) -> str:
    """Return the tolerance of a row in words."""
    tolerance = row.claim.tolerance
    if "abs" in tolerance:
        return f"± {tolerance['abs']:g} {row.claim.published.unit}".strip()
    if "rel" in tolerance:
        return f"± {100 * tolerance['rel']:g} %"
    return "exact"


def badge(verdict: str) -> str:
    """Return the HTML badge of a verdict; its words carry the meaning, not its colour."""
    return (
        f'<span class="verdict verdict-{verdict.replace(" ", "-")}">{html.escape(verdict)}</span>'
    )


def tr(*cells: str) -> str:
    """Return a row of a table; cells are HTML."""
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def html_table(
    heads: Sequence[str], rows: Sequence[str], *, attributes: str = 'class="ledger"', top: str = ""
) -> str:
    """Return a table.

    Parameters
    ----------
    heads:
        HTML of its heads.
    rows:
        Whole rows, as :func:`tr` makes them.
    attributes:
        Of the table.
    top:
        What stands before the heads, such as a ``colgroup``.
    """
    line = "".join(f'<th scope="col">{head}</th>' for head in heads)
    body = "\n".join(rows)
    return (
        f"<table {attributes}>{top}<thead><tr>{line}</tr></thead><tbody>\n{body}\n</tbody></table>"
    )


def rounded(table: pd.DataFrame, places: Mapping[str, int]) -> pd.DataFrame:
    """Return a table for the eye: some columns with so many decimals, a dash for what is missing.

    Parameters
    ----------
    table:
        Stays as it is.
    places:
        Column to its decimals.

    Raises
    ------
    InputError
        For a column that the table has not.
    """
    missing = [name for name in places if name not in table]
    if missing:
        raise InputError(
            f"columns {', '.join(missing)}: the table has {', '.join(map(str, table))}"
        )
    return table.assign(**{
        name: ["–" if pd.isna(v) else f"{v:.{n}f}" for v in table[name]] for name, n in places.items()
    })  # fmt: skip


def comparison_html(rows: Sequence[Row]) -> str:
    """Return a table of published against computed values for some claims."""
    lines = []
    for row in rows:
        ours = html.escape(str(row.computed)) if row.computed else "&ndash;"
        note = f"<br><small>{html.escape(row.claim.note)}</small>" if row.claim.note else ""
        tolerance = f"<br><small>tolerance {html.escape(tolerance_text(row))}</small>"
        lines.append(tr(html.escape(row.claim.says) + note,
                        html.escape(str(row.claim.published)) + tolerance,
                        ours, badge(row.claim.verdict)))  # fmt: skip
    return html_table(HEADS, lines)


def comparison(*claim_ids: str) -> HTML:
    """Return the table of some claims against what this notebook has recorded so far.

    Raises
    ------
    ClaimError
        If an id is not in the ledger (with a suggestion).
    """
    book = ledger.load()
    claims = [book[claim_id] for claim_id in claim_ids]
    ledger.note_rows(claims)
    run = paths.run_dir()
    found = results.read(run) if run else dict(results.RECORDED)
    if run:
        results.SHOWN_WITHOUT.update(c.result for c in claims if c.result and c.result not in found)
    rows = [
        ledger.Row(claim, found.get(claim.result) if claim.result else None) for claim in claims
    ]
    return HTML(comparison_html(rows))
