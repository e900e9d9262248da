"""The built pages, mended where Sphinx falls short, then checked before they are published.

A page must not reach for the network to be read, every picture needs alt text,
every link and anchor within the book must lead somewhere, and no traceback may
stand on a page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from repro.errors import NotebookError

# What a browser fetches by itself; an <a> to another site is only followed by a reader.
_FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
_FETCHED_RELS = {"stylesheet", "preload", "modulepreload", "icon", "prefetch", "preconnect"}
# A heading that is a link to a chapter has no words yet when Sphinx lists the headings.
_EMPTY = re.compile(
    r'(<a class="reference internal nav-link" href="#(?P<id>[^"]+)">)<span class="xref myst"></span>'
)
_HEADING = '<section id="{id}">\\s*<h\\d>(.*?)(?:<a class="headerlink"|</h\\d>)'
_TAG = re.compile(r"<[^>]*>")


@dataclass
class Page(HTMLParser):
    """What the checks need of one page."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    silent_images: list[str] = field(default_factory=list)
    tracebacks: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what one tag says."""
        values = {name: value or "" for name, value in attrs}
        if values.get("id"):
            self.ids.add(values["id"])
        if tag == "a" and values.get("name"):
            self.ids.add(values["name"])
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag == "img" and not values.get("alt", "").strip():
            self.silent_images.append(values.get("src", "?"))
        if tag in _FETCHED and values.get(_FETCHED[tag]):
            self.fetched.append(values[_FETCHED[tag]])
        if tag == "link" and _FETCHED_RELS & set(values.get("rel", "").split()):
            self.fetched.append(values.get("href", ""))
        if "traceback" in values.get("class", "").split():
            self.tracebacks += 1


def read(file: Path) -> Page:
    """Return what the checks need of one HTML file."""
    page = Page()
    page.feed(file.read_text(encoding="utf-8"))
    page.close()
    return page


def mend(folder: Path) -> None:
    """Mend in the built pages what a screen reader would trip over.

    In the list of a page's headings a heading that is a link gets its words.  Items of
    a bibliography become list items, as their list expects (docutils gives them a role
    that is no longer part of a list).
    """
    for file in sorted(folder.rglob("*.html")):
        text = file.read_text(encoding="utf-8")
        new = mended(text)
        if new != text:
            file.write_text(new, encoding="utf-8")


def mended(text: str) -> str:
    """Return the HTML of one page, mended; see :func:`mend`."""

    def words(match: re.Match[str]) -> str:
        heading = re.search(_HEADING.format(id=re.escape(match["id"])), text, re.DOTALL)
        return match[1] + _TAG.sub("", heading[1]).strip() if heading else match[0]

    return _EMPTY.sub(words, text.replace('role="doc-biblioentry"', 'role="listitem"'))


def problems(folder: Path) -> list[str]:
    """Return, in words, everything wrong with the built pages of a folder."""
    pages = {file.resolve(): read(file) for file in sorted(folder.rglob("*.html"))}
    found = []
    for file, page in pages.items():
        name = file.relative_to(folder.resolve()).as_posix()
        found += [f"{name}: reaches for the network: {url}" for url in page.fetched
                  if urlsplit(url).netloc]  # fmt: skip
        found += [f"{name}: an image without alt text: {src}" for src in page.silent_images]
        if page.tracebacks:
            found.append(f"{name}: holds a traceback")
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if not target.exists():
                found.append(f"{name}: a link leads nowhere: {link}")
            elif parts.fragment and target in pages:
                anchor = unquote(parts.fragment)
                if anchor not in pages[target].ids:
                    found.append(f"{name}: no anchor of that name: {link}")
    return found


def require(folder: Path) -> None:
    """Refuse pages that are not fit to be read.

    Raises
    ------
    NotebookError
        Naming each page and what is wrong with it.
    """
    found = problems(folder)
    if found:
        lines = "\n  ".join(found[:40])
        raise NotebookError(f"the built pages have {len(found)} defects:\n  {lines}")
