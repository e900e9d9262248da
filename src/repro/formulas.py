"""Chemical formulas in text: digits set low, in sources written plainly.

Sources, ledger and results say ``Li3GaF6`` in ASCII, so that they can be compared
and searched; pages show Li₃GaF₆.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ase.data import chemical_symbols

_ELEMENT = "(?:" + "|".join(sorted(chemical_symbols[1:], key=len, reverse=True)) + ")"
_GROUP = rf"(?:{_ELEMENT}\d*|\((?:{_ELEMENT}\d*)+\)\d*)"
# Not inside a word, a path, a key or an option; a leading coefficient may touch.
# CP2K is a program, not carbon, phosphorus and potassium.
_FORMULA = re.compile(rf"(?<![A-Za-z_./-])(?!CP2K){_GROUP}{{2,}}(?![A-Za-z_/.]\w)(?![A-Za-z_])")
_LOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_DIATOMIC = re.compile(r"(?<![A-Za-z0-9_./-])(H|N|O|F|Cl|Br|I)2(?![A-Za-z0-9_])")
# What must stay as it is: code, math, roles and directives, link targets, labels.
_KEEP = re.compile(
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$|\{[^}\n]*\}`[^`]*`|\]\([^)]*\)|^\([^\n]*\)=$"
    r"|^:::+[^\n]*$|^:[\w-]+:[^\n]*$|https?://\S+|<[^>]*>",
    re.DOTALL | re.MULTILINE,
)
_TAG = re.compile(r"<(?:script|style|code|pre)\b.*?</(?:script|style|code|pre)>|<[^>]*>", re.DOTALL)


def subscripts(text: str) -> str:
    """Return plain text with the digits of its formulas as subscripts.

    A formula has at least two element symbols and a digit (``Ga2Cl6``), or is one
    of the diatomic elements (``Cl2``).
    """
    text = _FORMULA.sub(lambda match: match[0].translate(_LOW), text)
    return _DIATOMIC.sub(lambda match: match[0].translate(_LOW), text)


def mathtext(formula: str) -> str:
    """Return formulas with their digits as subscripts, for matplotlib; coefficients stay."""
    out = ""
    for i, character in enumerate(formula):
        after = i > 0 and (formula[i - 1].isalnum() or formula[i - 1] == ")")
        out += f"$_{character}$" if character.isdigit() and after else character
    return out


def _between(text: str, keep: re.Pattern[str], change: Callable[[str], str]) -> str:
    out, at = [], 0
    for match in keep.finditer(text):
        out += [change(text[at : match.start()]), match[0]]
        at = match.end()
    return "".join([*out, change(text[at:])])


def in_markdown(text: str) -> str:
    """Return MyST markdown with low digits in its prose; code and math stay."""
    return _between(text, _KEEP, subscripts)


def in_html(text: str) -> str:
    """Return HTML with low digits in its text; tags, scripts and code stay."""
    return _between(text, _TAG, subscripts)
