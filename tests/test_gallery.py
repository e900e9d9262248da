"""The gallery: all figures of the runs, each once, small, and leading to its place."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from helpers import World, executed, image
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from repro import gallery
from repro.errors import NotebookError
from repro.gallery import Picture
from repro.runner import Run

ROOT = Path(__file__).resolve().parents[1]
TITLES = {"notebooks/02_b": "B", "notebooks/01_a": "A", "notebooks/03_none": "None"}


def png(width: int = 40, height: int = 20, colour: str = "red") -> str:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, format="PNG")
    return base64.b64encode(out.getvalue()).decode("ascii")


def figure(name: str, data: str | None = None, **label: Any) -> dict[str, Any]:
    shown = image(name, **label)
    return {
        **shown,
        "data": {"image/png": png() if data is None else data, "image/svg+xml": "<svg/>"},
    }


def a_run(folder: Path, name: str, *outputs: dict[str, Any]) -> Run:
    folder = folder / name
    folder.mkdir(parents=True)
    node = executed(*(("show()", [output]) for output in outputs))
    node.cells.insert(0, nbformat.v4.new_markdown_cell("# T"))
    nbformat.write(node, folder / "notebook.ipynb")
    return Run(folder, {"notebook": f"notebooks/{name}.py"})


def test_every_figure_is_written_and_told_in_order(tmp_path: Path) -> None:
    text = {"output_type": "stream", "name": "stdout", "text": "hello"}
    table = {"output_type": "execute_result", "data": {"text/html": "<table></table>"}}
    runs = [
        a_run(
            tmp_path,
            "01_a",
            figure("fig-one", caption="C 1", alt="A 1"),
            text,
            table,
            figure("fig-two"),
        ),
        a_run(tmp_path, "02_b", figure("fig-three")),
    ]
    found = gallery.write(runs, tmp_path / "gallery")
    assert [(p.name, p.chapter) for p in found] == [
        ("fig-one", "notebooks/01_a"), ("fig-two", "notebooks/01_a"), ("fig-three", "notebooks/02_b"),
    ]  # fmt: skip
    assert (found[0].caption, found[0].alt) == ("C 1", "A 1")
    files = sorted(file.name for file in (tmp_path / "gallery").iterdir())
    assert files == ["fig-one.png", "fig-three.png", "fig-two.png"]


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((1120, 560), (560, 280)),
        ((300, 2240), (75, 560)),
        ((40, 20), (40, 20)),
        ((560, 560), (560, 560)),
    ],
)
def test_a_thumbnail_keeps_the_shape_and_never_grows(
    tmp_path: Path, size: tuple[int, int], small: tuple[int, int]
) -> None:
    run = a_run(tmp_path, "01_a", figure("fig-one", png(*size, colour="#0072B2")))
    gallery.write([run], tmp_path / "gallery")
    with Image.open(tmp_path / "gallery/fig-one.png") as made:
        assert made.size == small
        assert made.convert("RGB").getpixel((small[0] // 2, small[1] // 2)) == (0x00, 0x72, 0xB2)


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    # The book is rebuilt when a staged byte changes.
    run = a_run(tmp_path, "01_a", figure("fig-one", png(900, 700)))
    gallery.write([run], tmp_path / "one")
    gallery.write([run], tmp_path / "two")
    assert (tmp_path / "one/fig-one.png").read_bytes() == (
        tmp_path / "two/fig-one.png"
    ).read_bytes()


@pytest.mark.parametrize("data", ["", "aGVsbG8=", "a", png()[:60]])
def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path, data: str) -> None:
    run = a_run(tmp_path, "01_a", figure("fig-one", data))
    with pytest.raises(NotebookError) as caught:
        gallery.write([run], tmp_path / "gallery")
    assert "notebooks/01_a: figure 'fig-one' has no PNG that can be read" in str(caught.value)
    assert "repro.figures.show" in str(caught.value)


def test_a_real_figure_of_the_house_gets_a_thumbnail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from repro import figures

    shown: list[tuple[dict[str, str], dict[str, Any]]] = []
    monkeypatch.setattr(
        figures, "display", lambda data, raw, metadata: shown.append((data, metadata))
    )
    fig, ax = figures.new_figure()
    ax.plot([0, 1])
    figures.show(fig, name="fig-real", caption="A line that rises.", alt="A line going up.")
    ((data, metadata),) = shown
    run = a_run(
        tmp_path, "01_a", {"output_type": "display_data", "data": data, "metadata": metadata}
    )
    (picture,) = gallery.write([run], tmp_path / "gallery")
    assert picture == Picture(
        "fig-real", "A line that rises.", "A line going up.", "notebooks/01_a"
    )
    with Image.open(tmp_path / "gallery/fig-real.png") as made:
        assert max(made.size) == gallery.EDGE
    assert (tmp_path / "gallery/fig-real.png").stat().st_size < 30_000


def _page(*pictures: Picture) -> str:
    return gallery.page(pictures, TITLES)


def test_the_page_follows_the_order_of_the_chapters() -> None:
    text = _page(
        Picture("fig-one", "First.", "a b c", "notebooks/01_a"),
        Picture("fig-two", "Second, of Ga2Cl6.", "d e f", "notebooks/02_b"),
        Picture("fig-lost", "Elsewhere.", "g h i", "notebooks/99_z"),
    )
    assert re.findall(r"^## \[\]\((.*)\)$", text, re.MULTILINE) == [
        "../notebooks/02_b",
        "../notebooks/01_a",
    ]
    assert text.index("fig-two") < text.index("fig-one")
    assert "fig-lost" not in text
    assert ":target: ../notebooks/01_a.html#fig-one" in text
    assert "{numref}`fig-one` `fig-one`\n\nFirst.\n" in text
    assert "Ga₂Cl₆" in text


def test_no_figures_are_said_so() -> None:
    assert _page() == "No chapter shows a figure yet."


@given(st.text(min_size=1).filter(str.strip))
def test_any_alt_text_comes_through_as_one_option(alt: str) -> None:
    text = _page(Picture("fig-one", "A caption.", alt, "notebooks/01_a"))
    (line,) = [line for line in text.split("\n") if line.startswith(":alt: ")]
    assert json.loads(line.removeprefix(":alt: ")) == " ".join(alt.split())


@pytest.mark.parametrize("alt", ["x: y # z", "- [a] {b} 'c' \"d\"", "5 % & <b>", "Å, χ², −3"])
def test_the_option_is_yaml_too(alt: str) -> None:
    text = _page(Picture("fig-one", "A caption.", alt, "notebooks/01_a"))
    (line,) = [line for line in text.split("\n") if line.startswith(":alt: ")]
    assert yaml.safe_load(line[1:]) == {"alt": alt}


@pytest.mark.parametrize(
    "alt", ["A plain one.", "x: y # z", "- [a] {b} 'c' \"d\" `e`", "5 % & <b>"]
)
def test_the_parser_of_the_book_reads_the_card(world: World, alt: str) -> None:
    from docutils import nodes
    from docutils.core import publish_doctree
    from myst_parser.parsers.docutils_ import Parser

    text = _page(Picture("fig-one", "A caption.", alt, "notebooks/01_a"))
    card = text[text.index("```{image}") :].partition("```\n")[0] + "```\n"
    tree = publish_doctree(card, parser=Parser(), settings_overrides={"report_level": 5})
    (picture,) = tree.findall(nodes.image)
    assert picture["alt"] == alt
    assert picture.parent["refuri"] == "../notebooks/01_a.html#fig-one"
    assert not list(tree.findall(nodes.system_message))


def test_the_page_that_ships_has_its_marker() -> None:
    assert "\n<!-- repro:gallery -->\n" in (ROOT / "book/gallery.md").read_text("utf-8")
