"""Tables of numbers with named or numbered columns, and which of them is what.

Names are taken from XDI lines (``# Column.2: i0``) or from the line above the numbers, and
compared without case, blanks, and units in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError, did_you_mean
from repro.exafs import checks

Floats = NDArray[np.float64]
Selector = str | int
KNOWN = {
    "energy": ("energy", "e", "en", "ene", "ev", "energyev", "energykev", "eev", "mono", "monoenergy"),
    "mu": ("mu", "xmu", "mue", "mut", "mutrans", "absorption", "absorbance"),
    "normalised": ("norm", "normalised", "normalized", "normtrans", "flat", "flattened", "nmu"),
    "i0": ("i0", "io", "ion0", "monitor"),
    "it": ("it", "i1", "itrans", "itr", "transmission"),
    "iref": ("iref", "ir", "i2", "irefer", "ireference"),
    "reference": ("muref", "murefer", "mureference", "xmuref", "reference", "ref", "murefl"),
}  # fmt: skip
_COMMENT = ("#", "!", "%", "//", ";", "*")
_SPLIT = re.compile(r"[,;\s]+")
_NUMBER = re.compile(r"[-+]?((\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?|nan|inf(inity)?)", re.I)
_XDI = re.compile(r"#\s*Column\.(\d+):\s*(\S+)", re.I)


@dataclass(frozen=True)
class Table:
    """Numbers in columns.

    Attributes
    ----------
    values:
        (N, M).
    names:
        M names, or None where the file gives none.
    where:
        N places such as ``"line 12"``, for messages.
    source:
        File, for messages.
    """

    values: Floats
    names: tuple[str, ...] | None
    where: list[str]
    source: str

    @property
    def described(self) -> str:
        """The columns in words."""
        count = self.values.shape[1]
        return ", ".join(self.names) if self.names else f"{count} columns without names"


@dataclass(frozen=True)
class Chosen:
    """Columns of a spectrum; see ``repro.exafs.files.Spectrum``.

    Attributes
    ----------
    energy, mu, reference:
        (N,), the reference None where there is none.
    kind:
        ``"mu"`` or ``"normalised"``.
    note:
        How mu was made.
    """

    energy: Floats
    mu: Floats
    reference: Floats | None
    kind: str
    note: str


def clean(name: str) -> str:
    """Return a column name without case, blanks, signs and units in brackets."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"[(\[{].*?[)\]}]", "", name).lower())


def _split_names(line: str) -> list[str]:
    text = re.sub(r"\s*[(\[{][^)\]}]*[)\]}]", "", line.lstrip("#!%/;* \t")).strip()
    if "," in text or "\t" in text:
        return [part.strip() for part in re.split(r"[,\t]", text) if part.strip()]
    return [part for part in _SPLIT.split(text) if part]


def _names(header: list[str], count: int) -> tuple[str, ...] | None:
    """Return the names of columns in header lines, or None."""
    xdi = {int(m[1]): m[2] for m in map(_XDI.match, header) if m}
    if set(range(1, count + 1)) <= set(xdi):
        return tuple(xdi[k] for k in range(1, count + 1))
    fitting = [names for names in map(_split_names, reversed(header)) if len(names) == count]
    for names in fitting:
        if any(clean(name) in KNOWN["energy"] for name in names):
            return tuple(names)
    # The line right above the numbers, where its words are as many as the columns.
    last = _split_names(header[-1]) if header else []
    return tuple(last) if len(last) == count else None


def parse(text: str, *, source: str) -> Table:
    """Parse a text table.

    Columns are separated by blanks, tabs, commas or semicolons; lines starting with
    ``# ! % // ; *`` and text before the numbers are the header.

    Raises
    ------
    InputError
        Naming the line: no number, another count of columns, or nothing at all.
    """
    rows: list[list[float]] = []
    where: list[str] = []
    header: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip()
        if not content or content.startswith(_COMMENT):
            if not rows and content.strip("#!%/;*-= \t"):
                header.append(content)
            continue
        fields = [field for field in _SPLIT.split(content) if field]
        numeric = [bool(_NUMBER.fullmatch(field)) for field in fields]
        if not rows and not all(numeric) and re.search(r"[^\W\d_]", content):
            header.append(content)
            continue
        if not all(numeric) or not fields:
            bad = fields[numeric.index(False)] if fields else content
            raise InputError(f"{source}, line {number}: {bad[:40]!r} is not a number")
        if rows and len(fields) != len(rows[0]):
            raise InputError(f"{source}, line {number}: {len(fields)} columns, {len(rows[0])} in "
                             "the lines before (decimal commas? use points)")  # fmt: skip
        # Fortran writes 1.0D+04; infinity must keep its letters.
        rows.append([float(f if f.lower().lstrip("+-")[:1] in "ni" else re.sub("[dD]", "e", f))
                     for f in fields])  # fmt: skip
        where.append(f"line {number}")
    if not rows or len(rows[0]) < 2:
        raise InputError(f"{source}: {'one column' if rows else 'no numbers'}; expected two columns "
                         "or more, energy (eV) and mu or intensities")  # fmt: skip
    return Table(np.array(rows), _names(header, len(rows[0])), where, source)


def column(table: Table, selector: Selector, what: str) -> Floats:
    """Return the column of a name, or of a number counted from 1.

    Raises
    ------
    InputError
        For a name or a number that the table does not have.
    """
    count = table.values.shape[1]
    if isinstance(selector, bool):
        raise InputError(f"column {selector!r} for {what}: expected a name or a number from 1")
    if isinstance(selector, int):
        if not 1 <= selector <= count:
            raise InputError(f"{table.source}: column {selector} for {what}; expected 1 to {count} "
                             f"({table.described})")  # fmt: skip
        return table.values[:, selector - 1]
    names = table.names or ()
    fitting = [k for k, name in enumerate(names) if name == selector] or [
        k for k, name in enumerate(names) if clean(name) == clean(selector)
    ]
    if not fitting:
        raise InputError(f"{table.source}: no column {selector!r} for {what}"
                         f"{did_you_mean(selector, names)}; found {table.described}")  # fmt: skip
    return table.values[:, fitting[0]]


def _known(table: Table, what: str) -> str | None:
    """Return the column that bears a known name for ``what``, in order of the names."""
    names = {clean(name): name for name in reversed(table.names or ())}
    return next((names[known] for known in KNOWN[what] if known in names), None)


def _log(table: Table, over: Selector, under: Selector, words: tuple[str, str]) -> Floats:
    """Return the logarithm of the ratio of two intensities, both checked."""
    read = {word: column(table, which, word)
            for word, which in zip(words, (over, under), strict=True)}  # fmt: skip
    checks.finite(read, source=table.source, where=table.where)
    checks.positive(read, source=table.source, where=table.where)
    a, b = read.values()
    result: Floats = np.log(a / b)
    return result


def _sample(table: Table, given: Mapping[str, Selector | None], kind: str | None
            ) -> tuple[Floats, str, str]:  # fmt: skip
    """Return mu, its kind and how it was made."""
    i0, it, mu = given["i0"], given["it"], given["mu"]
    if mu is not None and (i0 is not None or it is not None):
        raise InputError(
            f"{table.source}: mu and intensities both named; expected mu, or i0 and it"
        )
    if mu is None and i0 is None and it is None:
        mu = _known(table, "normalised" if kind == "normalised" else "mu")
        i0, it = (None, None) if mu else (_known(table, "i0"), _known(table, "it"))
        known = _known(table, "normalised")
        if mu is None and (i0 is None or it is None) and known is not None:
            mu, i0, it = known, None, None
        if mu is None and i0 is None and table.names is None and table.values.shape[1] == 2:
            mu = 2
    else:
        i0, it = (i0 or _known(table, "i0"), it or _known(table, "it")) if mu is None else (i0, it)
    if mu is not None:
        name = mu if isinstance(mu, str) else (table.names[mu - 1] if table.names and
                                               1 <= mu <= len(table.names) else "")  # fmt: skip
        kind = kind or ("normalised" if clean(name) in KNOWN["normalised"] else "mu")
        return column(table, mu, "mu"), kind, f"column {mu}"
    if i0 is None or it is None:
        missing = (
            "mu, or i0 and it" if i0 is None and it is None else ("i0" if i0 is None else "it")
        )
        raise InputError(f"{table.source}: no column for {missing} found among {table.described}; "
                         "name them, or give their numbers from 1, as in mu=2 or i0=2 it=3")  # fmt: skip
    if kind == "normalised":
        raise InputError(f"{table.source}: kind 'normalised', but intensities; expected mu")
    return _log(table, i0, it, ("I0", "It")), "mu", f"ln({i0}/{it})"


def choose(
    table: Table, given: Mapping[str, Selector | bool | None], *, kind: str | None
) -> Chosen:
    """Return energy, mu and reference of a table.

    Parameters
    ----------
    table:
        From :func:`parse` or a project file.
    given:
        Columns named by the reader, for ``energy mu i0 it iref reference``; None is searched
        among :data:`KNOWN` names, False (last two only) leaves the reference out.
    kind:
        ``mu``, ``normalised``, or None to go by the name of the column.

    Raises
    ------
    InputError
        Where a column is missing, ambiguous, or cannot be what it is said to be.
    """
    own = {what: None if which is False else which for what, which in given.items()}
    energy = own["energy"]
    if energy is None:
        energy = _known(table, "energy") if table.names else 1
    if energy is None:
        raise InputError(f"{table.source}: no column for energy found among {table.described}; "
                         "name it, or give its number from 1, as in energy=1")  # fmt: skip
    mu, kind, note = _sample(table, {w: own[w] for w in ("mu", "i0", "it")}, kind)
    reference: Floats | None = None
    if given["reference"] is not False and given["iref"] is not False:
        channel, intensity = own["reference"], own["iref"]
        if channel is None and intensity is None:
            channel, intensity = _known(table, "reference"), _known(table, "iref")
        under = own["it"] if own["it"] is not None else _known(table, "it")
        if channel is not None:
            reference = column(table, channel, "the reference")
            note += f", reference column {channel}"
        elif intensity is not None and under is not None:
            reference = _log(table, under, intensity, ("It", "Iref"))
            note += f", reference ln({under}/{intensity})"
        elif own["iref"] is not None:
            raise InputError(f"{table.source}: iref without it; expected both for ln(It/Iref)")
    return Chosen(column(table, energy, "energy"), mu, reference, kind, note)
