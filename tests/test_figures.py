"""Figures: labelled or refused, the same bytes for the same drawing."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ase.build import bulk
from lxml import html
from PIL import Image

from repro import drawing, figures
from repro.errors import InputError
from repro.figures import new_figure, show, show_structure, viewer_html

GOOD = {"name": "fig-one", "caption": "A line rises.", "alt": "A line from low to high."}


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What `display` was handed: data and the other arguments."""
    seen: list[tuple[dict[str, Any], dict[str, Any]]] = []
    monkeypatch.setattr(figures, "display", lambda data, **more: seen.append((data, more)))
    return seen


def _line() -> Any:
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1])
    return figure


def test_show_emits_one_labelled_figure(emitted: list[Any]) -> None:
    show(_line(), **GOOD)
    ((data, more),) = emitted
    assert more["metadata"] == {"repro": GOOD}
    assert more["raw"] is True
    assert data["image/svg+xml"].lstrip().startswith("<?xml")
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["text/plain"] == "Figure fig-one: A line rises."


def test_the_same_drawing_has_the_same_bytes(emitted: list[Any]) -> None:
    show(_line(), **GOOD)
    show(_line(), **GOOD)
    assert emitted[0] == emitted[1]


def test_the_picture_says_nothing_of_when_it_was_made(emitted: list[Any]) -> None:
    show(_line(), **GOOD)
    assert "<dc:date>" not in emitted[0][0]["image/svg+xml"]


def test_figures_do_not_pile_up(emitted: list[Any]) -> None:
    before = plt.get_fignums()
    for _ in range(3):
        show(_line(), **GOOD)
    assert plt.get_fignums() == before


def test_the_size_is_what_was_asked_for(emitted: list[Any]) -> None:
    figure, axes = new_figure(2, 3, width=6.0, height=2.0)
    assert axes.shape == (2, 3)
    assert tuple(figure.get_size_inches()) == (6.0, 2.0)


@pytest.mark.parametrize(
    "name", ["", "one", "fig-", "fig-One", "fig-a b", "fig-a_b", "fig--a", "fig-a-", "fig-a\n"]
)
def test_a_malformed_name_is_refused(emitted: list[Any], name: str) -> None:
    with pytest.raises(InputError, match="expected 'fig-' and lower-case words"):
        show(_line(), **(GOOD | {"name": name}))
    assert emitted == []


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "A line"])
@pytest.mark.parametrize(("field", "word"), [("caption", "caption"), ("alt", "alt text")])
def test_a_caption_or_alt_text_that_says_nothing_is_refused(
    emitted: list[Any], field: str, word: str, text: str
) -> None:
    with pytest.raises(InputError, match=f"figure 'fig-one': its {word} must be a sentence"):
        show(_line(), **(GOOD | {field: text}))
    assert emitted == []


def test_an_alt_text_that_repeats_the_caption_is_refused(emitted: list[Any]) -> None:
    with pytest.raises(InputError, match="must describe, not repeat"):
        show(_line(), name="fig-one", caption="A line rises.", alt=" A line rises. ")


def test_caption_and_alt_text_cannot_be_forgotten() -> None:
    with pytest.raises(TypeError, match=r"caption.*alt"):
        show(_line(), name="fig-one")  # type: ignore[call-arg]


def test_a_structure_has_a_still_and_a_model(emitted: list[Any]) -> None:
    atoms = bulk("LiF", "rocksalt", a=4.0)
    show_structure(atoms, **GOOD, bonds=[(0, 1, (0, 0, 0)), (0, 1, (-1, 0, 0))])
    (still, more), (model, _) = emitted
    assert more["metadata"]["repro"]["name"] == "fig-one"
    assert "image/png" in still
    viewer = html.fromstring(model["text/html"])
    assert viewer.get("class") == "structure-viewer"
    assert GOOD["alt"] in viewer.get("aria-label")
    content = json.loads(viewer.find("script").text)
    assert content["symbols"] == ["Li", "F", "F"]
    assert content["bonds"] == [[0, 1], [0, 2]]
    np.testing.assert_allclose(content["cell"], atoms.cell.array, atol=1e-3)
    assert len(content["positions"]) == len(content["radii"]) == len(content["colours"]) == 3


def test_a_label_cannot_break_out_of_the_model() -> None:
    scene = drawing.scene(bulk("LiF", "rocksalt", a=4.0))
    markup = viewer_html(scene, label='"><script>alert(1)</script>')
    assert markup.count("<script") == 1
    assert html.fromstring(markup).get("aria-label").endswith('"><script>alert(1)</script>')


def _luminance(colour: str) -> float:
    rgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_the_palette_is_of_hex_colours_that_show_on_white() -> None:
    for name, colour in figures.PALETTE.items():
        assert re.fullmatch(r"#[0-9A-F]{6}", colour), name
        # The background of pages and figures is white: 1.05 / (L + 0.05).
        assert 1.05 / (_luminance(colour) + 0.05) > 1.8, name


def test_the_png_is_sharp_enough(emitted: list[Any]) -> None:
    import io

    figure, _ = new_figure(width=7.2, height=3.6)
    show(figure, **GOOD)
    picture = Image.open(io.BytesIO(base64.b64decode(emitted[0][0]["image/png"])))
    assert picture.size[0] == pytest.approx(7.2 * 144, abs=2)


def _labels(axis: Any) -> list[str]:
    axis.figure.draw_without_rendering()
    low, high = axis.get_view_interval()
    return [label.get_text() for at, label in zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
            if low <= at <= high]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [((2.9, 9.5), ["3", "4", "6", "8"]), ((3.0, 60.0), ["5", "10", "20", "50"]), ((117.0, 260.0), ["150", "200"])],
)  # fmt: skip
def test_a_short_logarithmic_axis_has_plain_numbers(
    emitted: list[Any], values: tuple[float, float], expected: list[str]
) -> None:
    figure, ax = new_figure()
    ax.plot(values, values)
    ax.set(xscale="log", yscale="log", xlim=values, ylim=values)
    show(figure, **GOOD)
    assert _labels(ax.xaxis) == _labels(ax.yaxis) == expected


@pytest.mark.parametrize("limits", [(1.0, 1e3), (1e-7, 3e-6), (2e5, 2e6)])
def test_a_long_or_far_logarithmic_axis_keeps_its_powers(
    emitted: list[Any], limits: tuple[float, float]
) -> None:
    figure, ax = new_figure()
    ax.plot(limits, [0, 1])
    ax.set(xscale="log", xlim=limits)
    show(figure, **GOOD)
    assert any("10^" in text for text in _labels(ax.xaxis))


def test_ticks_of_ones_own_stay(emitted: list[Any]) -> None:
    figure, ax = new_figure()
    ax.plot([1, 5], [0, 1])
    ax.set(xscale="log")
    ax.set_xticks([1, 5], ["one", "five"])
    show(figure, **GOOD)
    assert _labels(ax.xaxis) == ["one", "five"]


def test_axes_without_anything_say_so(emitted: list[Any]) -> None:
    figure, (empty, full, spoken) = new_figure(1, 3)
    full.plot([0, 1], [0, 1])
    spoken.text(0.5, 0.5, "a note")
    show(figure, **GOOD)
    assert [t.get_text() for t in empty.texts] == ["nothing to draw"] and not empty.axison
    assert full.axison and not full.texts and spoken.axison and len(spoken.texts) == 1
