"""The built pages as one document for paper.

The HTML of ``_build/html`` is taken as it is, page after page in the order of the table of
contents, so that the paper says what the screen says and nothing is run again.  What a page
offers only on a screen goes: buttons, models to turn, folded code, the record under each figure.
Folded solutions become an appendix; everything else that is folded is folded out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from lxml import etree  # type: ignore[import-untyped]
from lxml import html as lx

from repro.errors import NotebookError
from repro.solutions import TITLE

LEFT_OUT = ("book/gallery",)
"""Pages that would only repeat: each figure stands in its chapter."""
AT_END = ("book/scoreboard",)
"""Long tables: on paper they stand behind the chapters."""
_GONE = (
    'headerlink', 'provenance', 'takeaway', 'structure-viewer', 'scoreboard-filters',
    'copybtn', 'above-input', 'sd-summary-state-marker',
)  # fmt: skip
_SPACE = re.compile(r"\s+")
# Shrinks what is wider than the page once formulas are set, and tells that it is done.
_FIT = """\
window.addEventListener("load", function () {
  var ready = window.MathJax && MathJax.startup ? MathJax.startup.promise : Promise.resolve();
  ready.then(function () {
    document.querySelectorAll("table, mjx-container[display=true], svg, .sd-row").forEach(function (one) {
      var room = one.parentElement.clientWidth, need = one.scrollWidth || one.getBoundingClientRect().width;
      if (room > 0 && need > room + 1) { one.style.zoom = Math.max(0.45, room / need); }
    });
    document.body.dataset.fitted = "yes";
  });
});
"""


@dataclass(frozen=True)
class Part:
    """A part of the table of contents: its caption, and its pages such as ``book/index``."""

    caption: str
    pages: tuple[str, ...]


@dataclass
class Entry:
    """A line of the printed contents: title, anchor, and the sections below it."""

    title: str
    anchor: str
    sections: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """The whole book as one HTML text.

    Attributes
    ----------
    text:
        With ``<span class="page" data-to="ANCHOR">`` where a page number belongs.
    chapters:
        Title of each page to its anchor, in their order.
    """

    text: str
    chapters: Mapping[str, str]


def contents(toc: Path) -> list[Part]:
    """Return the parts of ``_toc.yml``; the first holds the landing page.

    Raises
    ------
    NotebookError
        If it has no parts.
    """
    read: Mapping[str, Any] = yaml.safe_load(toc.read_text(encoding="utf-8"))
    parts = [Part("", (str(read.get("root", "")),))]
    for part in read.get("parts", [{"caption": "", "chapters": read.get("chapters", [])}]):
        pages = tuple(str(chapter["file"]) for chapter in part["chapters"])
        parts.append(Part(str(part.get("caption", "")), pages))
    late = [page for part in parts for page in part.pages if page in AT_END]
    parts = [Part(part.caption, tuple(p for p in part.pages if p not in late)) for part in parts]
    parts[-1] = Part(parts[-1].caption, parts[-1].pages + tuple(late))
    if not read.get("root") or len(parts) < 2:
        raise NotebookError(f"{toc}: expected a root and parts or chapters")
    return parts


def anchor(page: str, inner: str = "") -> str:
    """Return the name of a page, or of a place on it, in the one document."""
    name = re.sub(r"[^\w.-]+", "-", f"{page}--{inner}" if inner else page)
    return f"p-{name}"


def words(element: Any) -> str:
    """Return the text of an element in one line."""
    return _SPACE.sub(" ", element.text_content()).strip()


def _has(element: Any, name: str) -> bool:
    return name in (element.get("class") or "").split()


def article(file: Path) -> Any:
    """Return the content of a built page.

    Raises
    ------
    NotebookError
        If the page is not there or has no content.
    """
    if not file.is_file():
        raise NotebookError(f"{file}: no such page; build the book first ('make book')")
    found = lx.parse(str(file), parser=lx.HTMLParser(encoding="utf-8")).getroot()
    articles = found.xpath("//article[contains(@class, 'bd-article')]")
    if not articles:
        raise NotebookError(f"{file}: expected an element 'article.bd-article', found none")
    return articles[0]


def clean(content: Any) -> None:
    """Take off what only a screen can use."""
    for element in list(content.iter(etree.Comment)):
        element.drop_tree()
    for element in list(content.iter("script", "form", "button", "style")):
        element.drop_tree()
    for element in list(content.iter()):
        parent = element.getparent()
        if parent is None or not any(_has(element, name) for name in _GONE):
            continue
        if not _has(parent, "tag_hide-cell"):  # the code of a solution goes with its solution
            element.drop_tree()
    for cell in content.xpath(".//div[contains(concat(' ', @class, ' '), ' cell ')]"):
        if not words(cell) and not cell.xpath(".//img | .//svg | .//table"):
            cell.drop_tree()


def _links(content: Any, page: str, known: Sequence[str], html: Path) -> None:
    """Let ids, links and pictures mean the same in the one document."""
    here = (html / f"{page}.html").parent
    for element in content.iter():
        if not isinstance(element.tag, str):
            continue
        for name in ("id", "name"):
            if element.get(name):
                element.set(name, anchor(page, element.get(name)))
        if element.tag == "img" and not urlsplit(element.get("src", "")).scheme:
            element.set("src", (here / unquote(element.get("src", ""))).resolve().as_uri())
        if element.tag != "a" or not element.get("href"):
            continue
        parts = urlsplit(element.get("href"))
        if parts.scheme or parts.netloc:
            continue
        target = (here / unquote(parts.path)).resolve() if parts.path else html / f"{page}.html"
        try:
            to = target.relative_to(html.resolve()).with_suffix("").as_posix()
        except ValueError:
            to = ""
        if to in known and target.suffix == ".html":
            element.set("href", "#" + anchor(to, unquote(parts.fragment)))
        else:  # a download, or a page that is left out: words on paper
            del element.attrib["href"]


def _is_solution(details: Any) -> bool:
    summary = details.find("summary")
    return summary is not None and TITLE.match(words(summary)) is not None


def solutions(content: Any, page: str) -> list[Any]:
    """Take the solutions out of a page, each with the code that belongs to it.

    In their place stands where they are.  Return a ``div`` for each.
    """
    taken: list[Any] = []
    for details in [d for d in content.iter("details") if _is_solution(d)]:
        name = anchor(page, f"solution-{len(taken) + 1}")
        box = lx.fragment_fromstring(f'<div class="solution" id="{name}"></div>')
        for child in list(details):
            if child.tag != "summary":
                box.append(child)
        follower = details.getnext()
        while follower is not None and _has(follower, "tag_hide-cell"):
            after = follower.getnext()
            box.append(follower)
            follower = after
        place = lx.fragment_fromstring(
            f'<p class="see-solution">Solution: <a href="#{name}">page '
            f'<span class="page" data-to="{name}">000</span></a></p>'
        )
        place.tail, details.tail = details.tail, None
        details.getparent().replace(details, place)
        taken.append(box)
    return taken


def unfold(content: Any) -> None:
    """Fold out every ``details`` that is left."""
    for details in list(content.iter("details")):
        summary = details.find("summary")
        details.tag = "div"
        if summary is not None:
            title = "Code" if _has(details, "above-input") else words(summary)
            summary.clear()
            summary.tag, summary.text = "div", title
            summary.set("class", "summary")
        details.set("class", "folded")


def _entry(content: Any, page: str) -> Entry:
    heads = content.xpath(".//h1")
    if not heads:
        raise NotebookError(f"{page}: the page has no title")
    entry = Entry(words(heads[0]), anchor(page))
    for head in content.xpath(".//h2"):
        section = head.getparent()
        if section.tag == "section" and section.get("id"):
            entry.sections.append((words(head), section.get("id")))
    return entry


def _line(title: str, to: str, kind: str) -> str:
    return (f'<li class="{kind}"><a href="#{to}">{escape(title)}</a><i></i>'
            f'<span class="page" data-to="{to}">000</span></li>')  # fmt: skip


def document(html: Path, toc: Path, *, title: str, version: str, css: str) -> Document:
    """Return the built book as one document for paper.

    Parameters
    ----------
    html, toc:
        Folder of the built book, and its table of contents.
    title, version:
        For the title page.
    css:
        Style sheet.

    Raises
    ------
    NotebookError
        If a page is missing or has no title.
    """
    parts = contents(toc)
    known = [page for part in parts for page in part.pages if page not in LEFT_OUT]
    body: list[str] = []
    lines: list[str] = []
    chapters: dict[str, str] = {}
    answers: list[tuple[str, list[Any]]] = []
    for part in parts:
        if part.caption:
            lines.append(f'</ol><p class="caption">{escape(part.caption)}</p><ol>')
        for page in (one for one in part.pages if one in known):
            content = article(html / f"{page}.html")
            clean(content)
            _links(content, page, known, html)
            taken = solutions(content, page)
            unfold(content)
            entry = _entry(content, page)
            if taken:
                answers.append((entry.title, taken))
            chapters[entry.title] = entry.anchor
            lines.append(_line(entry.title, entry.anchor, "chapter-line"))
            if page.startswith("notebooks/"):
                lines += [_line(name, to, "section") for name, to in entry.sections]
            content.tag = "div"
            content.attrib.clear()
            inside = lx.tostring(content, encoding="unicode", with_tail=False)
            caption = f'<p class="part">{escape(part.caption)}</p>' if part.caption else ""
            body.append(f'<section class="chapter" id="{entry.anchor}">{caption}{inside}</section>')
    if answers:
        name = anchor("solutions")
        chapters["Solutions"] = name
        lines.append(
            '</ol><p class="caption">Appendix</p><ol>' + _line("Solutions", name, "chapter-line")
        )
        body.append(
            f'<section class="appendix" id="{name}"><h1>Solutions</h1>{_answers(answers)}</section>'
        )
    math = (html / "_static/vendor/mathjax-tex-svg.js").resolve()
    config = ('{"options": {"enableMenu": false, "processHtmlClass": '
              '"tex2jax_process|mathjax_process|math|output_area"}, "svg": {"fontCache": "local"}}')  # fmt: skip
    script = f'<script>window.MathJax = {config};</script><script src="{math.as_uri()}"></script>'
    text = (
        f'<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title><style>{css}</style>{script if math.is_file() else ''}<script>{_FIT}</script></head>"
        f"<body>{_front(title, version)}<section class=\"contents\"><h1>Contents</h1><ol>"
        + "".join(lines) + "</ol></section>" + "".join(body) + "</body></html>"
    )  # fmt: skip
    return Document(text, chapters)


def _answers(answers: Sequence[tuple[str, list[Any]]]) -> str:
    out = []
    for title, boxes in answers:
        out.append(f"<h2>{escape(title)}</h2>")
        for number, box in enumerate(boxes, start=1):
            unfold(box)
            inside = lx.tostring(box, encoding="unicode", with_tail=False)
            out.append(f"<h3>Solution {number}</h3>{inside}")
    return "".join(out)


def _front(title: str, version: str) -> str:
    return (
        f'<section class="title-page"><h1>{escape(title)}</h1><p>A living companion to S. Gupta, X. Yang and '
        "G. Ceder, <em>What dictates soft clay-like lithium superionic conductor formation from rigid salts "
        "mixture</em>, Nature Communications 14 (2023), doi 10.1038/s41467-023-42538-2.</p>"
        f'<p class="note">Version {escape(version)}. Printed from the pages of the book: each number was computed '
        "when they were built. On a screen there is more: the code of each cell, the record under each figure, "
        "models to turn, and a table of claims with filters. Solutions stand at the end. Text and data CC BY 4.0, "
        "code MIT.</p></section>"
    )  # fmt: skip
