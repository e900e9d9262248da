"""The book: built from good runs only, kept when nothing has changed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from helpers import (
    CONFIG,
    World,
    a_claim,
    a_result,
    claim_row,
    executed,
    image,
    make_world,
    tree_hash,
)
from lxml import html
from PIL import Image

from repro import book, cli, data
from repro.errors import ClaimError, DataError, NotebookError
from repro.ledger import Row
from repro.progress import duration
from repro.runner import Run

FIGURE = """
from repro.figures import new_figure, show
from repro.results import record
record("small.answer", 42.5, unit="K")
fig, ax = new_figure()
ax.plot([0, 1])
show(fig, name="fig-small", caption="A line that rises.", alt="A straight line going up.")
"""
PLAIN = """
import matplotlib.pyplot as plt
%matplotlib inline
plt.plot([0, 1])
plt.show()
"""
PAGES = {
    "gallery": "# All figures\n\n<!-- repro:gallery -->\n",
    "glossary": "# Glossary\n\n<!-- repro:glossary -->\n",
    "how_to": "# How to\n\n<!-- repro:exercises -->\n",
    "parameters": "# All parameters\n\n<!-- repro:parameters -->\n",
    "syllabus": "# Teaching\n\n## Chapters\n\n<!-- repro:times -->\n\n<!-- repro:course-01 -->\n\nAsk.\n",
}
GLOSSARY = """
- {term: Line, means: "A curve without a bend, such as y = x. It rises.", chapter: 01_small}
- {term: Area, means: "Later. Perhaps.", chapter: 09_later}
"""
ROW = {"result": "small.answer", "verdict": "reproduced", "figure": "fig-small"}


def _run(world: World, name: str, results: dict[str, float]) -> Run:
    folder = world.root / "_build/runs" / name / "0"
    folder.mkdir(parents=True)
    content = {key: {"key": key, "value": value} for key, value in results.items()}
    (folder / "results.json").write_text(json.dumps(content))
    return Run(folder, {"notebook": f"notebooks/{name}.py"})


def test_joined_takes_results_of_all_runs(world: World) -> None:
    world.claims(
        claim_row("one", result="a.b", verdict="reproduced"),
        claim_row("two", result="c", verdict="reproduced"),
    )
    rows = book.joined([_run(world, "01", {"a.b": 1.0}), _run(world, "02", {"c": 2.0})])
    assert [row.computed and row.computed.value for row in rows] == [1.0, 2.0]


def test_a_key_that_two_notebooks_record_is_refused(world: World) -> None:
    world.claims(claim_row("one"))
    with pytest.raises(ClaimError) as caught:
        book.joined([_run(world, "01", {"a.b": 1.0}), _run(world, "02", {"a.b": 1.0})])
    for words in ("'a.b'", "notebooks/01.py", "notebooks/02.py"):
        assert words in str(caught.value)


def test_verdicts_that_do_not_hold_are_all_named() -> None:
    rows = [
        Row(a_claim(id="good"), a_result(42.0)),
        Row(a_claim(id="left"), a_result(50.0)),
        Row(a_claim(id="came-back", verdict="disagrees", note="why"), a_result(42.0)),
    ]
    with pytest.raises(ClaimError) as caught:
        book.require_verdicts(rows)
    message = str(caught.value)
    assert message.startswith("2 verdicts of the ledger do not hold")
    assert "left: " in message
    assert "came-back: " in message
    assert "good: " not in message
    book.require_verdicts(rows[:1])


def test_damaged_data_are_refused(world: World) -> None:
    folder = world.data_set("numbers", {"a.csv": "1\n"})
    assert data.require_all() == 1
    (folder / "a.csv").write_text("2\n")
    with pytest.raises(DataError, match=r"1 of the shipped files.*\n.*numbers/a\.csv: altered"):
        data.require_all()


def test_the_root_answers_a_browser_that_asks_for_an_icon() -> None:
    root = Path(__file__).parents[1]
    options = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
    (folder,) = options["html_extra_path"]
    with Image.open(root / folder / "favicon.ico") as icon:
        assert icon.format == "ICO" and {(16, 16), (32, 32)} <= set(icon.info["sizes"])


def test_a_notebook_without_title_is_named(world: World) -> None:
    from repro.notebooks import Notebook

    file = world.write("notebooks/01_bare.py", "# %%\n# # not a heading\nx = 1\n")
    with pytest.raises(NotebookError, match="01_bare: no title"):
        book.title(Notebook(file))


def test_a_killed_sphinx_is_said(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.build).mkdir(exist_ok=True)
    killed = subprocess.CompletedProcess([], -9, stdout="", stderr="")
    monkeypatch.setattr(book.subprocess, "run", lambda *_, **__: killed)
    with pytest.raises(NotebookError, match=r"Sphinx was killed \(signal 9\)"):
        book._sphinx(tmp_path)


def test_verdicts_are_counted() -> None:
    rows = [Row(a_claim(), a_result(42.5)), Row(a_claim(id="two", verdict="pending"), None)]
    assert book.summary(rows) == "1 reproduced, 1 pending"


def _fill(made: World) -> World:
    made.data_set("numbers", {"a.csv": "1\n"})
    made.claims(claim_row("one", **ROW), claim_row("two", says="Says <b>nothing</b>"))
    made.notebook("01_small", FIGURE, parameters="n: int = 3  # A number; allowed: 0..9")
    made.write("_config.yml", yaml.safe_dump(CONFIG))
    made.write(
        "_toc.yml",
        "format: jb-book\nroot: book/index\nchapters:\n"
        "  - file: book/scoreboard\n  - file: notebooks/01_small\n"
        + "".join(f"  - file: book/{name}\n" for name in PAGES),
    )
    for name, text in PAGES.items():
        made.write(f"book/{name}.md", text)
    made.write("book/glossary.yml", GLOSSARY)
    made.write(
        "book/index.md",
        "# A small book\n\nIt has {{ claims }} claims. We find {glue:text}`small.answer:.1f` K for Ga2Cl6, "
        "the paper {paper:text}`one`.\n",
    )
    made.write("book/scoreboard.md", "# The scoreboard\n\n<!-- repro:scoreboard -->\n")
    return made


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, book.Built, str]]:
    """A small book, built for real; with it the hash of its sources before."""
    made = _fill(make_world(tmp_path_factory.mktemp("book")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_ROOT", str(made.root))
        before = tree_hash(made.root / "notebooks") + tree_hash(made.root / "book")
        yield made, book.build(), before


Built = tuple[World, book.Built, str]


@pytest.mark.live
class TestForReal:
    """Sphinx on a book of one chapter."""

    def test_sources_are_as_before(self, built: Built) -> None:
        world, made, before = built
        assert made.fresh
        assert tree_hash(world.root / "notebooks") + tree_hash(world.root / "book") == before

    def test_the_figure_has_alt_text_caption_and_provenance(self, built: Built) -> None:
        page = html.parse(str(built[0].build / "html/notebooks/01_small.html"))
        (figure,) = page.findall(".//figure")
        assert figure.get("id") == "fig-small"
        assert figure.find(".//img").get("alt") == "A straight line going up."
        assert "A line that rises." in figure.text_content()
        text = page.getroot().text_content()
        assert "How this figure was made" in text
        assert ".venv/bin/repro run 01_small" in text

    def test_the_scoreboard_links_to_the_figure(self, built: Built) -> None:
        page = html.parse(str(built[0].build / "html/book/scoreboard.html"))
        lines = page.findall(".//table[@class='ledger']/tbody/tr")
        assert [line.get("id") for line in lines] == ["claim-one", "claim-two"]
        assert lines[0].find(".//a").get("href") == "../notebooks/01_small.html#fig-small"
        assert "42.5 K" in lines[0].text_content()
        assert "Says <b>nothing</b>" in lines[1].text_content()

    def test_the_page_offers_what_a_reader_takes_away(self, built: Built) -> None:
        folder = built[0].build / "html/notebooks"
        page = html.parse(str(folder / "01_small.html"))
        (line,) = page.findall(".//div[@class='takeaway docutils']")
        files = [folder / link.get("href") for link in line.iterfind(".//a")]
        assert [file.name for file in files] == [
            "01_small.py",
            "01_small.ipynb",
            "01_small-colab.ipynb",
        ]
        assert all(file.is_file() for file in files)

    def test_the_gallery_shows_the_figure_and_leads_to_it(self, built: Built) -> None:
        folder = built[0].build / "html/book"
        page = html.parse(str(folder / "gallery.html"))
        (picture,) = page.findall(".//article//a/img")
        assert picture.get("alt") == "A straight line going up."
        assert (folder / picture.get("src")).is_file()
        assert picture.getparent().get("href") == "../notebooks/01_small.html#fig-small"
        text = page.getroot().text_content()
        assert "A line that rises." in text and "fig-small" in text and "Fig. 1" in text
        (heading,) = page.findall(".//article//h2")
        assert "01_small" in heading.find("a").get("href")
        assert not page.findall(".//article//figure")  # it does not count as another figure

    def test_the_glossary_leads_to_the_chapter(self, built: Built) -> None:
        page = html.parse(str(built[0].build / "html/book/glossary.html"))
        terms = page.findall(".//dl/dt")
        assert [term.text_content().strip("#\n ") for term in terms] == ["Area", "Line"]
        later, line = page.findall(".//dl/dd")
        assert "still to be written" in later.text_content()
        assert line.find(".//a").get("href") == "../notebooks/01_small.html"

    def test_the_page_on_teaching_tells_of_the_student_edition(self, built: Built) -> None:
        page = html.parse(str(built[0].build / "html/book/how_to.html"))
        assert "make student" in page.getroot().text_content()

    def test_measured_times_reach_the_pages_on_teaching_and_parameters(self, built: Built) -> None:
        pages = built[0].build / "html/book"
        record = next(built[0].build.glob("runs/01_small/*/record.json"))
        clock = duration(json.loads(record.read_text())["wall_time_s"])
        for name in ("syllabus", "parameters"):
            page = html.parse(str(pages / f"{name}.html")).getroot()
            text = " ".join(page.text_content().split())
            assert f"{clock} by the clock" in text, name
            (heading,) = page.xpath(".//article//h2/a[contains(@href, '01_small')] | "
                                    ".//article//h3/a[contains(@href, '01_small')]")  # fmt: skip
            assert heading.text_content() == "01_small"
        assert ".venv/bin/papermill notebooks/01_small.ipynb" in text

    def test_results_and_published_values_reach_the_prose(self, built: Built) -> None:
        page = html.parse(str(built[0].build / "html/book/index.html"))
        assert "We find 42.5 K for Ga₂Cl₆, the paper 42 K." in page.getroot().text_content()

    def test_counts_reach_the_prose(self, built: Built) -> None:
        page = html.parse(str(built[0].build / "html/book/index.html"))
        assert "It has 2 claims." in page.getroot().text_content()

    def test_a_second_build_keeps_the_pages(
        self, built: Built, enter: Callable[[World], World], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = enter(built[0])

        def never(_: Path) -> Path:
            raise AssertionError("Sphinx ran although nothing had changed")

        monkeypatch.setattr(book, "_sphinx", never)
        before = tree_hash(world.build / "html")
        assert not book.build().fresh
        assert tree_hash(world.build / "html") == before

    def test_a_sphinx_failure_leaves_the_last_book(
        self, built: Built, enter: Callable[[World], World], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = enter(built[0])
        before = tree_hash(world.build / "html")
        index = world.root / "book/index.md"
        text = index.read_text()
        index.write_text(text + "\n[nowhere](no_such_page.md)\n")
        try:
            with pytest.raises(NotebookError, match="no_such_page"):
                book.build()
        finally:
            index.write_text(text)
        assert tree_hash(world.build / "html") == before
        assert not list(world.build.glob(".book-*"))

    @pytest.mark.parametrize(
        ("cell", "said"),
        [
            ("1 / 0", "02_bad: cell 2 failed with ZeroDivisionError"),
            (PLAIN, "02_bad: cell 2 shows an image without name, caption, alt"),
        ],
    )
    def test_a_bad_notebook_leaves_the_last_book(
        self,
        built: Built,
        enter: Callable[[World], World],
        capsys: pytest.CaptureFixture[str],
        cell: str,
        said: str,
    ) -> None:
        world = enter(built[0])
        before = tree_hash(world.build / "html")
        file = world.notebook("02_bad", cell)
        try:
            assert cli.main(["book"]) == 1
        finally:
            file.unlink()
            file.with_suffix(".ipynb").unlink()
        err = capsys.readouterr().err
        assert said in err
        assert "Traceback" not in err
        assert tree_hash(world.build / "html") == before

    @pytest.mark.parametrize("verdict", ["disagrees", "reproduced"])
    def test_a_verdict_that_does_not_hold_leaves_the_last_book(
        self,
        built: Built,
        enter: Callable[[World], World],
        capsys: pytest.CaptureFixture[str],
        verdict: str,
    ) -> None:
        world = enter(built[0])
        before = tree_hash(world.build / "html")
        value = 42.0 if verdict == "disagrees" else 99.0
        published: Any = {"relation": "=", "value": value, "unit": "K"}
        ledger = (world.root / "data/claims.yaml").read_text()
        world.claims(claim_row("one", **(ROW | {"verdict": verdict}), published=published, **NOTE))
        try:
            assert cli.main(["book"]) == 1
            assert cli.main(["claims", "--no-run"]) == 1
        finally:
            world.write("data/claims.yaml", ledger)
        assert "but the verdict says" in capsys.readouterr().err
        assert tree_hash(world.build / "html") == before

    def test_an_error_smuggled_into_a_stored_run_is_not_published(
        self, built: Built, enter: Callable[[World], World], capsys: pytest.CaptureFixture[str]
    ) -> None:
        world = enter(built[0])
        before = tree_hash(world.build / "html")
        (folder,) = world.finished("01_small")
        kept = (folder / "notebook.ipynb").read_bytes()
        node = executed(("x", [image("fig-small")]))
        node.cells[0].outputs.append(
            nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
        )
        nbformat.write(node, folder / "notebook.ipynb")
        try:
            assert cli.main(["book"]) == 1
        finally:
            (folder / "notebook.ipynb").write_bytes(kept)
        assert "holds the error ValueError: no" in capsys.readouterr().err
        assert tree_hash(world.build / "html") == before


NOTE = {"note": "because"}
