"""The book on paper: one document of all pages, printed with page numbers in its contents."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers import World
from lxml import html as lx

from repro import pdf, pdf_pages
from repro.errors import InputError, NotebookError
from repro.pdf import PrintError

TOC = """\
format: jb-book
root: book/index
parts:
  - caption: Before
    chapters: [{file: book/scoreboard}, {file: book/gallery}]
  - caption: After
    chapters: [{file: notebooks/01_small}]
"""
INDEX = """\
<section id="top"><h1>A small book<a class="headerlink" href="#top">#</a></h1>
<p>See <a href="../notebooks/01_small.html#fig-small">the figure</a>, <a href="gallery.html">all</a>,
<a href="https://example.org/">elsewhere</a> and <a href="../_downloads/x.py">a file</a>.</p></section>
"""
CHAPTER = """\
<section id="salts"><h1>Which salts &amp; why</h1><div class="takeaway"><p>Take it with you</p></div>
<section id="first"><h2>First things</h2>
<div class="cell tag_parameters"><pre>n: int = 3</pre></div>
<div class="cell tag_hide-input"><details class="admonition hide above-input"><summary>Show</summary>
<pre>secret = 1</pre></details><div class="cell_output"><figure id="fig-small"><img alt="A line"
src="../_images/line.svg"/><figcaption>Fig. 1</figcaption></figure></div></div>
<details class="sd-dropdown provenance"><summary>How this figure was made</summary><p>Record</p></details>
<div class="structure-viewer"><button>Turn</button></div>
<details class="sd-dropdown"><summary>A word more</summary><p>Folded words.</p></details>
<h3>1. Predict</h3><p>Guess.</p>
<details class="sd-dropdown"><summary>Solution<svg></svg></summary><div><p>It is forty-two.</p></div></details>
<div class="cell tag_hide-cell"><details class="admonition hide above-input"><summary>Show</summary>
<pre>answer = 42</pre></details><div class="cell_output"><p>42</p></div></div>
<p>After the solution.</p></section></section>
"""
BOARD = """\
<section id="board"><h1>Scoreboard</h1><form><input/></form><table><tr><td>A claim
<details><summary>How</summary><p>Judged so.</p></details></td></tr></table></section>
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder as of a built book, with its table of contents beside."""
    html = tmp_path / "_build/html"
    pages = {"book/index": INDEX, "book/scoreboard": BOARD, "book/gallery": "<h1>All</h1>",
             "notebooks/01_small": CHAPTER}  # fmt: skip
    for name, text in pages.items():
        file = html / f"{name}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f'<html><body><nav>menu</nav><article class="bd-article">{text}</article></body></html>'
        )
    (html / "_images").mkdir()
    (html / "_images/line.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="9"><path d="M0 0L90 9"/></svg>'
    )
    (tmp_path / "_toc.yml").write_text(TOC)
    (tmp_path / "_config.yml").write_text("title: A small book\n")
    return tmp_path


def document(site: Path) -> pdf_pages.Document:
    return pdf_pages.document(site / "_build/html", site / "_toc.yml", title="A small book",
                              version="0.1 <x>", css="body {}")  # fmt: skip


def test_pages_stand_in_the_order_of_the_contents_and_the_long_table_behind(site: Path) -> None:
    made = document(site)
    assert list(made.chapters) == ["A small book", "Which salts & why", "Scoreboard", "Solutions"]
    places = [made.text.index(f'id="{name}"') for name in made.chapters.values()]
    assert places == sorted(places)
    assert "0.1 &lt;x&gt;" in made.text and "menu" not in made.text


def test_what_only_a_screen_can_use_is_gone(site: Path) -> None:
    text = document(site).text
    for gone in ("secret = 1", "Take it with you", "How this figure was made", "structure-viewer",
                 "<form", "<button", "headerlink", "<details"):  # fmt: skip
        assert gone not in text, gone
    for stays in (
        "n: int = 3",
        "Folded words.",
        "A word more",
        "Judged so.",
        "After the solution.",
    ):
        assert stays in text, stays


def test_solutions_stand_at_the_end_with_their_code(site: Path) -> None:
    made = document(site)
    end = made.text.index(f'id="{made.chapters["Solutions"]}"')
    for words in ("It is forty-two.", "answer = 42"):
        assert made.text.count(words) == 1 and made.text.index(words) > end
    assert made.text.index("It is forty-two.") < made.text.index("answer = 42")
    place = re.search(
        r'Solution: <a href="#([^"]+)">page <span class="page" data-to="\1">000', made.text
    )
    assert place is not None and place.start() < end
    assert made.text.count(f'id="{place[1]}"') == 1


def test_every_link_within_leads_somewhere(site: Path) -> None:
    tree = lx.fromstring(document(site).text)
    names = tree.xpath("//@id")
    assert len(names) == len(set(names))
    links = tree.xpath("//a/@href")
    assert {link[1:] for link in links if link.startswith("#")} <= set(names)
    assert "#" + pdf_pages.anchor("notebooks/01_small", "fig-small") in links
    assert [link for link in links if not link.startswith("#")] == ["https://example.org/"]
    image = tree.xpath("//img/@src")[0]
    assert image.startswith("file://") and image.endswith("/_images/line.svg")


def test_a_page_that_is_not_built_is_named(site: Path) -> None:
    (site / "_build/html/notebooks/01_small.html").unlink()
    with pytest.raises(NotebookError, match=r"01_small\.html: no such page; build the book first"):
        document(site)


def test_a_page_of_another_shape_is_refused(site: Path) -> None:
    file = site / "_build/html/notebooks/01_small.html"
    file.write_text("<html><body><p>Hm</p></body></html>")
    with pytest.raises(NotebookError, match=r"expected an element 'article\.bd-article'"):
        document(site)
    file.write_text('<html><body><article class="bd-article"><p>Hm</p></article></body></html>')
    with pytest.raises(NotebookError, match=r"notebooks/01_small: the page has no title"):
        document(site)


def test_contents_without_parts_are_refused(tmp_path: Path) -> None:
    toc = tmp_path / "_toc.yml"
    toc.write_text("root: book/index\nparts: []\n")
    with pytest.raises(NotebookError, match="expected a root and parts or chapters"):
        pdf_pages.contents(toc)
    toc.write_text("root: a\nchapters: [{file: b}]\n")
    assert [part.pages for part in pdf_pages.contents(toc)] == [("a",), ("b",)]


# Two levels of pages, in another order than their numbers; one name with an escaped letter.
PDF = b"""%PDF-1.4
1 0 obj
<</Type /Catalog /Pages 2 0 R /Dests 9 0 R>>
endobj
2 0 obj
<</Type /Pages /Count 3 /Kids [8 0 R 3 0 R]>>
endobj
3 0 obj
<</Type /Page /Parent 2 0 R>>
endobj
8 0 obj
<</Type /Pages /Count 2 /Kids [7 0 R 5 0 R]>>
endobj
5 0 obj
<</Type /Page /Parent 8 0 R>>
endobj
7 0 obj
<</Type /Page /Parent 8 0 R>>
endobj
9 0 obj
<</p-a [7 0 R /XYZ 0 1 0]
/p-b [3 0 R /XYZ 0 1 0] /p-c#23 [5 0 R /XYZ 0 1 0]>>
endobj
"""


def test_places_are_pages_in_the_order_of_the_tree() -> None:
    assert pdf.places(PDF) == (3, {"p-a": 1, "p-c#": 2, "p-b": 3})
    with pytest.raises(PrintError, match="no list of pages"):
        pdf.places(b"%PDF-1.4\n")


def test_numbers_come_where_they_belong() -> None:
    text = '<span class="page" data-to="a">000</span> <span class="page" data-to="b">000</span>'
    assert re.findall(r">(\d+)<", pdf.numbered(text, {"a": 7, "b": 12, "c": 1})) == ["7", "12"]
    with pytest.raises(NotebookError, match=r"1 places are on no printed page: b"):
        pdf.numbered(text, {"a": 7})


def test_without_chromium_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    assert pdf.main([]) == 1
    said = capsys.readouterr().err
    assert "no Chromium to print with" in said and "apt-get install chromium" in said
    monkeypatch.setenv("CHROMIUM", "/nowhere/chrome")
    with pytest.raises(PrintError, match="looked for /nowhere/chrome"):
        pdf.browser()


def fake(folder: Path, body: str) -> str:
    """Return a program that stands in for Chromium."""
    file = folder / "chrome"
    file.write_text(
        f'#!/bin/sh\nfor a in "$@"; do case $a in --print-to-pdf=*) out=${{a#*=}};; esac; done\n{body}\n'
    )
    file.chmod(0o755)
    return str(file)


def test_a_browser_that_fails_leaves_the_last_pdf(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_ROOT", str(site))
    out = site / "_build/soft-clay.pdf"
    out.write_bytes(b"the last good one")
    for body, said in (("echo oh dear >&2; exit 3", r"status 3\); it said: oh dear"),
                       ("exit 0", r"printed nothing \(status 0\)"),
                       ("echo words > $out", "printed nothing")):  # fmt: skip
        monkeypatch.setenv("CHROMIUM", fake(site, body))
        with pytest.raises(PrintError, match=said):
            pdf.write()
        assert out.read_bytes() == b"the last good one"
    with pytest.raises(InputError, match="nowhere: no such folder"):
        pdf.write(site / "nowhere/x.pdf")


def test_the_pdf_of_the_pass_before_does_not_count(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_ROOT", str(site))
    chrome = fake(site, "echo %PDF-1.4 > $out")
    page, out = site / "page.html", site / "out.pdf"
    page.write_text("<p>Hm</p>")
    assert pdf._print(page, out, program=chrome).startswith(b"%PDF-")
    with pytest.raises(PrintError, match=r"printed nothing \(status 0\)"):
        pdf._print(page, out, program=fake(site, "exit 0"))


def test_without_a_built_book_it_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.write("_toc.yml", TOC)
    world.write("_config.yml", "title: A small book\n")
    monkeypatch.setenv("CHROMIUM", fake(tmp_path, "exit 0"))
    with pytest.raises(NotebookError, match=r"build the book first \('make book'\)"):
        pdf.write()


def test_numbers_that_never_rest_are_refused(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_ROOT", str(site))
    monkeypatch.setenv("CHROMIUM", fake(site, ""))
    count = iter(range(100))
    monkeypatch.setattr(pdf, "_print", lambda page, out, program: b"")
    names = set(re.findall(r'data-to="([^"]+)"', document(site).text))
    monkeypatch.setattr(pdf, "places", lambda content: (9, dict.fromkeys(names, next(count))))
    with pytest.raises(PrintError, match="do not come to rest"):
        pdf.write()


@pytest.mark.live
@pytest.mark.skipif(not any(map(shutil.which, pdf.NAMES)), reason="no Chromium here")
def test_a_real_print(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_ROOT", str(site))
    monkeypatch.delenv("CHROMIUM", raising=False)
    made = pdf.write()
    assert made.file == site / "_build/soft-clay.pdf" and made.pages == 6
    # A title page, the contents, then each on a page of its own.
    assert list(made.chapters.values()) == [3, 4, 5, 6]
    if shutil.which("pdftotext"):
        done = subprocess.run(["pdftotext", "-layout", made.file, "-"], capture_output=True, text=True,
                              check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})  # fmt: skip
        sheets = done.stdout.split("\f")
        for title, page in made.chapters.items():
            assert title in sheets[page - 1]
            assert re.search(rf"{re.escape(title)}\s+{page}\b", sheets[1]), sheets[1]
        assert "Solution: page 6" in sheets[3] and "It is forty-two." in sheets[5]
