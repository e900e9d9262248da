"""The gallery: every figure of the executed chapters, small, with a link to its place.

Name, caption and alt text are those that :func:`repro.figures.show` put beside each
picture; the thumbnail is made from the very picture that the chapter shows.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from repro import formulas, notebooks
from repro.errors import NotebookError
from repro.runner import Run

EDGE = 560  # longest edge of a thumbnail in pixels: twice what a page shows, for fine screens


@dataclass(frozen=True)
class Picture:
    """One figure of the book.

    Attributes
    ----------
    name, caption, alt:
        As given to :func:`repro.figures.show`.
    chapter:
        Document of its place, e.g. ``notebooks/01_small``.
    """

    name: str
    caption: str
    alt: str
    chapter: str


def write(runs: Sequence[Run], folder: Path) -> tuple[Picture, ...]:
    """Write a thumbnail ``NAME.png`` of every figure; return the figures in their order.

    Parameters
    ----------
    runs:
        Finished runs whose figures :func:`repro.staging.figures` has passed.
    folder:
        Where the thumbnails go; made if needed.

    Raises
    ------
    NotebookError
        If a figure has no PNG that can be read; :func:`repro.figures.show` makes one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for run in runs:
        chapter = str(run.record["notebook"]).removesuffix(".py")
        for label, png in notebooks.figures(run.notebook):
            picture = Picture(label["name"], label["caption"], label["alt"], chapter)
            (folder / f"{picture.name}.png").write_bytes(_thumbnail(png, picture))
            found.append(picture)
    return tuple(found)


def _thumbnail(png: str, picture: Picture) -> bytes:
    """Return a base64 PNG made small, as bytes of a PNG; a smaller picture stays as it is."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(png))) as image:
            small = image.convert("RGB")
    except (UnidentifiedImageError, OSError, binascii.Error) as error:
        raise NotebookError(
            f"{picture.chapter}: figure {picture.name!r} has no PNG that can be read ({error}); "
            "emit it with repro.figures.show"
        ) from None
    small.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
    # A palette quarters the size of drawings, and nobody sees it.
    out = io.BytesIO()
    small.quantize(128).save(out, format="PNG", optimize=True)
    return out.getvalue()


def page(pictures: Sequence[Picture], titles: Mapping[str, str]) -> str:
    """Return the gallery as MyST: a heading for each chapter, a card for each figure.

    Parameters
    ----------
    pictures:
        As from :func:`write`; thumbnails lie in ``gallery/`` beside the page.
    titles:
        Document name to chapter title; its order is the order of the page.
    """
    out = []
    for chapter in titles:
        here = [picture for picture in pictures if picture.chapter == chapter]
        if not here:
            continue
        out += [f"## [](../{chapter})", "", "::::{grid} 1 2 2 3", ":gutter: 3", ""]
        for picture in here:
            out += [
                ":::{grid-item-card}",
                f"```{{image}} gallery/{picture.name}.png",
                # As JSON it is YAML, whatever signs a description holds.
                f":alt: {json.dumps(_one_line(picture.alt), ensure_ascii=False)}",
                f":target: ../{chapter}.html#{picture.name}",
                "```",
                "",
                f"{{numref}}`{picture.name}` `{picture.name}`",
                "",
                formulas.in_markdown(_one_line(picture.caption)),
                ":::",
                "",
            ]
        out += ["::::", ""]
    return "\n".join(out).rstrip() or "No chapter shows a figure yet."


def _one_line(text: str) -> str:
    return " ".join(text.split())
