r"""The claims ledger: what the paper says, what we computed, and the verdict.

``data/claims.yaml`` holds one row per checkable statement of the paper.  A row
whose ``result`` names a key is joined with the value that a notebook recorded
under it.  With published value :math:`p`, computed value :math:`c` and tolerance
:math:`t` (``abs``, or ``rel`` times :math:`|p|`) the two agree if

.. math::

   |c - p| \le t, \qquad c < p + t, \qquad c > p - t, \qquad
   p_1 - t \le c \le p_2 + t

for the relations ``= ~``, ``<``, ``>`` and ``range``; ``<=`` and ``>=`` are the
middle two with the edge included.  Texts and yes/no statements agree if they are
equal.  The verdict is written by a person and must
match: a value that leaves its tolerance is an error until the verdict is changed
in the open.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import jsonschema
import yaml

from repro import data, paths
from repro.errors import ClaimError, did_you_mean
from repro.results import Result

CLAIMS = "claims.yaml"
Verdict = Literal[
    "reproduced", "reproduced at reduced scale", "disagrees", "not testable here", "pending"
]
VERDICTS: tuple[Verdict, ...] = (
    "reproduced",
    "reproduced at reduced scale",
    "disagrees",
    "not testable here",
    "pending",
)
AGREEING = ("reproduced", "reproduced at reduced scale")


@dataclass(frozen=True)
class Published:
    """The paper's value with its relation (``=``, ``<``, ``range`` ...) and unit."""

    relation: str
    value: Any
    unit: str

    def __str__(self) -> str:
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        if self.relation == "range":
            return f"{self.value[0]:g} to {self.value[1]:g} {self.unit}".strip()
        if self.relation == "text":
            return str(self.value)
        sign = "" if self.relation == "=" else f"{self.relation} "
        return f"{sign}{self.value:g} {self.unit}".strip()


@dataclass(frozen=True)
class Claim:
    """One row of the ledger; the fields are those of ``claims.schema.json``."""

    id: str
    where: str
    says: str
    kind: str
    published: Published
    tolerance: Mapping[str, Any]
    addressed: str
    chapter: str | None
    result: str | None
    verdict: Verdict
    note: str
    figure: str | None = None


@dataclass(frozen=True)
class Erratum:
    """A slip of the paper: what is printed, why it cannot stand, what was meant."""

    id: str
    where: str
    printed: str
    problem: str
    resolution: str
    result: str | None = None
    title: str | None = None


@dataclass(frozen=True)
class Row:
    """A claim with the value that a notebook computed for it, or None."""

    claim: Claim
    computed: Result | None

    @property
    def agrees(self) -> bool | None:
        """Whether the computed value is within tolerance; None if there is none."""
        if self.computed is None:
            return None
        return agreement(self.claim, self.computed)


@dataclass(frozen=True)
class Ledger:
    """All claims and errata, in the paper's order."""

    claims: tuple[Claim, ...]
    errata: tuple[Erratum, ...]

    def __getitem__(self, claim_id: str) -> Claim:
        for claim in self.claims:
            if claim.id == claim_id:
                return claim
        hint = did_you_mean(claim_id, [claim.id for claim in self.claims])
        raise ClaimError(f"no claim {claim_id!r} in data/{CLAIMS}{hint}")

    def join(self, results: Mapping[str, Result]) -> tuple[Row, ...]:
        """Return every claim with its computed value, in order."""
        return tuple(
            Row(claim, results.get(claim.result) if claim.result else None) for claim in self.claims
        )


def schema() -> dict[str, Any]:
    """Return the JSON schema of the ledger."""
    file = paths.data_dir() / "claims.schema.json"
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def parse(text: str, *, name: str = CLAIMS) -> Ledger:
    """Return the ledger in a YAML text.

    Raises
    ------
    ClaimError
        If the text is not YAML, does not fit the schema, repeats an id, or holds
        a row that contradicts itself; the message names the row and the field.
    """
    try:
        content = yaml.safe_load(text)
    except Exception as error:  # besides YAMLError, a bad tag raises half a dozen others
        raise ClaimError(f"{name}: not YAML: {type(error).__name__}: {error}") from None
    wrong = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(schema()).iter_errors(content)
    )
    if wrong is not None:
        raise ClaimError(f"{name}: {_place(content, list(wrong.absolute_path))}: {wrong.message}")
    claims = tuple(
        Claim(**{**row, "published": Published(**row["published"])}) for row in content["claims"]
    )
    errata = tuple(Erratum(**row) for row in content["errata"])
    _unique([claim.id for claim in claims], name, "claim")
    _unique([erratum.id for erratum in errata], name, "erratum")
    for claim in claims:
        _consistent(claim, name)
    return Ledger(claims, errata)


def _place(content: Any, where: Sequence[str | int]) -> str:
    """Name the row and field of a schema error by id rather than by number."""
    label = ".".join(str(part) for part in where) or "top level"
    if len(where) >= 2 and where[0] in ("claims", "errata"):
        row = content[where[0]][where[1]]
        if isinstance(row, dict) and "id" in row:
            field = ".".join(str(part) for part in where[2:])
            label = f"{where[0]} row {row['id']!r}" + (f", field {field!r}" if field else "")
    return label


def _unique(ids: Sequence[str], name: str, what: str) -> None:
    seen: set[str] = set()
    for item in ids:
        if item in seen:
            raise ClaimError(f"{name}: {what} id {item!r} stands twice")
        seen.add(item)


def _consistent(claim: Claim, name: str) -> None:
    """Reject what the schema cannot express: non-finite numbers, ordering, silence."""
    label = f"{name}: claim {claim.id!r}"
    value = claim.published.value
    numbers = [
        *(value if isinstance(value, list) else [value]),
        *(claim.tolerance[k] for k in ("abs", "rel") if k in claim.tolerance),
    ]
    for number in numbers:
        # An integer beyond the range of floats cannot be compared with anything.
        large = isinstance(number, int) and abs(number) > sys.float_info.max
        if large or (isinstance(number, float) and not math.isfinite(number)):
            raise ClaimError(f"{label}: expected finite numbers, found {number}")
    if claim.published.relation == "range" and value[0] > value[1]:
        raise ClaimError(f"{label}: range runs backwards: {value}")
    if claim.published.relation == "text" and "exact" not in claim.tolerance:
        raise ClaimError(f"{label}: a text needs 'exact: true' as its tolerance")
    needs_result = claim.verdict in (*AGREEING, "disagrees")
    if needs_result and claim.result is None:
        raise ClaimError(f"{label}: verdict {claim.verdict!r} needs a computed result")
    if not needs_result and claim.result is not None:
        raise ClaimError(f"{label}: has result {claim.result!r} but verdict {claim.verdict!r}")
    if needs_result and claim.chapter is None:
        raise ClaimError(f"{label}: verdict {claim.verdict!r} needs the chapter that computes it")
    if claim.verdict in ("disagrees", "not testable here") and not claim.note.strip():
        raise ClaimError(f"{label}: verdict {claim.verdict!r} needs a note that says why")


@lru_cache(maxsize=4)
def _load(file: str, _mtime_ns: int) -> Ledger:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ClaimError(f"{file}: expected UTF-8 text: {error}") from None
    return parse(text, name=file)


def load() -> Ledger:
    """Return the ledger of this book.

    Raises
    ------
    ClaimError
        As :func:`parse`, or if the file is missing.
    """
    file = paths.data_dir() / CLAIMS
    if not file.is_file():
        raise ClaimError(f"{file}: the claims ledger is missing")
    return _load(str(file), file.stat().st_mtime_ns)


def _tolerance(claim: Claim, reference: float) -> float:
    if "abs" in claim.tolerance:
        return float(claim.tolerance["abs"])
    if "rel" in claim.tolerance:
        return float(claim.tolerance["rel"]) * abs(reference)
    return 0.0


def agreement(claim: Claim, computed: Result) -> bool:
    """Return whether a computed value lies within the tolerance of a claim.

    Raises
    ------
    ClaimError
        If the units differ, or a number meets a text.
    """
    published, value = claim.published, computed.value
    if published.relation == "text":
        if type(value) is not type(published.value):
            raise ClaimError(
                f"claim {claim.id!r}: published {published.value!r} but computed "
                f"{value!r} is of another kind"
            )
        return bool(value == published.value)
    if isinstance(value, (str, bool)):
        raise ClaimError(f"claim {claim.id!r}: expected a number, computed {value!r}")
    if computed.unit != published.unit:
        raise ClaimError(
            f"claim {claim.id!r}: published in {published.unit!r}, computed "
            f"{computed.key!r} in {computed.unit!r}"
        )
    if published.relation == "range":
        low, high = published.value
        below, above = _tolerance(claim, low), _tolerance(claim, high)
        return bool(
            low - below - _rounding(low, below) <= value <= high + above + _rounding(high, above)
        )
    slack = _tolerance(claim, published.value)
    rounding = _rounding(published.value, slack)
    difference = value - published.value
    match published.relation:
        case "<":
            return bool(difference < slack - rounding)
        case ">":
            return bool(difference > rounding - slack)
        case "<=":
            return bool(difference <= slack + rounding)
        case ">=":
            return bool(difference >= -slack - rounding)
        case _:
            return bool(abs(difference) <= slack + rounding)


def _rounding(reference: float, slack: float) -> float:
    """Return what binary fractions cost: 0.3 + 0.1 shall lie on the edge of 0.3 ± 0.1."""
    return 1e-12 * max(abs(reference), slack)


def check(rows: Sequence[Row]) -> list[str]:
    """Return, for each row whose verdict does not hold, what is wrong and what to do."""
    problems = []
    for row in rows:
        claim = row.claim
        if claim.result is None:
            continue
        if row.computed is None:
            problems.append(
                f"{claim.id}: verdict {claim.verdict!r}, but no notebook recorded {claim.result!r}"
            )
            continue
        try:
            agrees = row.agrees
        except ClaimError as error:
            problems.append(str(error))
            continue
        if agrees != (claim.verdict in AGREEING):
            state = "within" if agrees else "outside"
            problems.append(
                f"{claim.id}: computed {row.computed} is {state} the tolerance of the published "
                f"{claim.published}, but the verdict says {claim.verdict!r}; change the verdict "
                f"in data/{CLAIMS}, with a note, or find the defect"
            )
    return problems


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """Return the number of rows of each verdict, in the order of :data:`VERDICTS`."""
    return {verdict: sum(row.claim.verdict == verdict for row in rows) for verdict in VERDICTS}


def published(claim_id: str) -> Any:
    """Return the published value of a claim, for use in a figure or a sentence."""
    claim = load()[claim_id]
    note_rows([claim])
    return claim.published.value


def row_digest(claim: Claim) -> str:
    """Return a hash of one row: a notebook depends on the rows it shows, not on all."""
    return hashlib.sha256(repr(claim).encode()).hexdigest()


def note_rows(claims: Sequence[Claim]) -> None:
    """Write down, for the run in progress, which rows of the ledger were read."""
    for claim in claims:
        data.note_read(f"{CLAIMS}#{claim.id}", row_digest(claim))
