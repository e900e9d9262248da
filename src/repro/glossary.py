"""The glossary: ``book/glossary.yml`` as a page with links into the chapters.

The file is a list of entries with ``term``, ``means`` (two sentences of MyST),
``chapter`` (the name of its notebook) and, where the chapter has the term in other
forms than its name, ``words``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import yaml

from repro import formulas, paths
from repro.errors import InputError

FILE = "book/glossary.yml"
_FIELDS = ("term", "means", "chapter", "words")


@dataclass(frozen=True)
class Entry:
    """One term.

    Attributes
    ----------
    term, means:
        The term and its two sentences, MyST markdown.
    chapter:
        Name of the notebook where a reader meets it, e.g. ``01_which_salts_react``.
    words:
        Forms in which that chapter has the term.
    """

    term: str
    means: str
    chapter: str
    words: tuple[str, ...]

    def occurs_in(self, text: str) -> bool:
        """Return whether a text has the term in one of its forms; case does not count."""
        flat = " ".join(text.split()).lower()
        return any(word.lower() in flat for word in self.words)


def load(file: Path | None = None) -> tuple[Entry, ...]:
    """Return the entries in the order of their terms.

    Parameters
    ----------
    file:
        Another file than ``book/glossary.yml``.

    Raises
    ------
    InputError
        If the file is missing or is no list of entries, a field is missing, empty or
        unknown, or a term stands twice; the message names the term.
    """
    file = file or paths.root() / FILE
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file}: no such file; the glossary page is made from it") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not YAML: {error}") from None
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise InputError(f"{file}: expected a list of entries, each with term, means and chapter")
    entries: dict[str, Entry] = {}
    for one in content:
        term = one.get("term")
        for name in ("term", "means", "chapter"):
            if not isinstance(one.get(name), str) or not one[name].strip():
                raise InputError(f"{file}: entry {term!r}: expected a text as its {name!r}")
        unknown = sorted(set(one) - set(_FIELDS))
        if unknown:
            raise InputError(
                f"{file}: entry {term!r}: unknown field {unknown[0]!r}; known: {', '.join(_FIELDS)}"
            )
        words = one.get("words", [term])
        if (
            not isinstance(words, list)
            or not words
            or not all(isinstance(w, str) and w for w in words)
        ):
            raise InputError(f"{file}: entry {term!r}: expected a list of texts as its 'words'")
        key = one["term"].casefold()
        if key in entries:
            raise InputError(f"{file}: term {term!r} stands twice")
        entries[key] = Entry(
            one["term"], " ".join(one["means"].split()), one["chapter"], tuple(words)
        )
    return tuple(entries[key] for key in sorted(entries, key=lambda key: key.lstrip("$")))


def page(entries: Collection[Entry], chapters: Collection[str]) -> str:
    """Return the glossary as a MyST directive.

    Parameters
    ----------
    entries:
        As from :func:`load`.
    chapters:
        Names of the notebooks that the book has.  An entry whose chapter is still to be
        written says so instead of linking to it.
    """
    out = [":::{glossary}"]
    for entry in entries:
        link = f"*Chapter:* [](../notebooks/{entry.chapter})."
        where = link if entry.chapter in chapters else "*Its chapter is still to be written.*"
        out += [entry.term, f"  {formulas.in_markdown(entry.means)} {where}", ""]
    return "\n".join([*out[:-1], ":::"]) if entries else "No terms yet."
