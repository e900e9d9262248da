"""The checks of the built pages find what they should, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro import site
from repro.errors import NotebookError

GOOD = """<html><head><link rel="stylesheet" href="_static/a.css"><link rel="canonical"
href="https://x.org/"></head><body><h1 id="top">T</h1><img src="a.png" alt="A curve.">
<a href="#top">up</a><a href="b.html#part%20one">b</a><a href="https://doi.org/1">doi</a>
<a href="mailto:a@b.c">m</a></body></html>"""


def _site(folder: Path, body: str) -> Path:
    (folder / "_static").mkdir()
    (folder / "index.html").write_text(body, "utf-8")
    (folder / "b.html").write_text('<p id="part one">x</p>', "utf-8")
    return folder


def test_a_good_site_has_no_problems(tmp_path: Path) -> None:
    assert site.problems(_site(tmp_path, GOOD)) == []
    site.require(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('href="_static/a.css"', 'href="https://cdn.org/a.css"', "network: https://cdn.org/a.css"),
        ('src="a.png"', 'src="//cdn.org/a.png"', "network: //cdn.org/a.png"),
        ('alt="A curve."', 'alt=" "', "without alt text: a.png"),
        (' alt="A curve."', "", "without alt text: a.png"),
        ('href="b.html#part%20one"', 'href="c.html"', "leads nowhere: c.html"),
        ("#part%20one", "#part%20two", "no anchor of that name: b.html#part%20two"),
        ('href="#top"', 'href="#tip"', "no anchor of that name: #tip"),
        ("</body>", '<div class="output traceback">x</div></body>', "holds a traceback"),
        (
            "</body>",
            '<script src="http://x.org/y.js"></script></body>',
            "network: http://x.org/y.js",
        ),
    ],
)
def test_each_defect_is_named_with_its_page(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    found = site.problems(_site(tmp_path, GOOD.replace(old, new)))
    assert len(found) == 1
    assert found[0].startswith("index.html: ") and said in found[0]
    with pytest.raises(NotebookError, match="1 defects"):
        site.require(tmp_path)


EMPTY = '<a class="reference internal nav-link" href="#{}"><span class="xref myst"></span></a>'


def test_heading_that_is_a_link_gets_its_words_in_the_list_of_headings(tmp_path: Path) -> None:
    text = (
        EMPTY.format("id1")
        + EMPTY.format("id2")
        + EMPTY.format("id3")
        + '<section id="id1">\n<h2><a href="x.html"><span class="doc">Which <em>salts</em></span></a>'
        '<a class="headerlink" href="#id1">#</a></h2></section>'
        '<section id="id2"><h3>No sign behind</h3><h3>Another</h3></section>'
    )
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    (tmp_path / "plain.html").write_text(GOOD, encoding="utf-8")
    before = (tmp_path / "plain.html").stat().st_mtime_ns
    site.mend(tmp_path)
    new = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'href="#id1">Which salts</a>' in new
    assert 'href="#id2">No sign behind</a>' in new
    assert EMPTY.format("id3") in new  # a heading that is not there is not made up
    assert new.endswith(text[text.index("<section") :])
    assert (tmp_path / "plain.html").stat().st_mtime_ns == before


def test_entries_of_a_bibliography_are_items_of_their_list() -> None:
    text = '<div role="list"><div class="citation" role="doc-biblioentry">A</div></div>'
    assert (
        site.mended(text) == '<div role="list"><div class="citation" role="listitem">A</div></div>'
    )
