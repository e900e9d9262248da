"""Formulas are set low where they are formulas, and nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro import formulas
from repro.formulas import in_html, in_markdown, subscripts


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("LiCl + GaF3", "LiCl + GaF₃"),
        ("3 LiCl + 2 GaF3 -> Li3GaF6 + GaCl3", "3 LiCl + 2 GaF₃ -> Li₃GaF₆ + GaCl₃"),
        ("2LiCl-1GaF3", "2LiCl-1GaF₃"),
        ("2GaF3, (Ga2Cl6).", "2GaF₃, (Ga₂Cl₆)."),
        ("GaO(OH) and Ga(OH)3", "GaO(OH) and Ga(OH)₃"),
        ("Na5Ga3F14", "Na₅Ga₃F₁₄"),
        ("Cl2 gas", "Cl₂ gas"),
    ],
)
def test_formulas(plain: str, shown: str) -> None:
    assert subscripts(plain) == shown


@pytest.mark.parametrize(
    "text",
    ["Fig. S1", "K3 lines", "PBE-D2", "mp-22905", "thermo.licl_gaf3_min", "data/GaF3.cif",
     "x = 1.5", "P21/c", "notebooks/GaCl3", "C2/m", "300 K", "CO", "In the book"],
)  # fmt: skip
def test_other_words_stay(text: str) -> None:
    assert subscripts(text) == text


@pytest.mark.parametrize(
    "text",
    ["`GaF3`", "$\\mathrm{GaF_3}$ and $Ga2Cl6$", "{glue:text}`a.GaF3`", "[x](GaF3)",
     "```\nGaF3\n```", "(GaF3)=", ":name: GaF3", "https://x.org/GaF3"],
)  # fmt: skip
def test_markdown_keeps_code_math_roles_and_targets(text: str) -> None:
    assert in_markdown(text) == text


def test_markdown_changes_the_prose_around_them() -> None:
    assert in_markdown("GaF3 `GaF3` [GaCl3](GaCl3)") == "GaF₃ `GaF3` [GaCl₃](GaCl3)"


def test_markdown_changes_the_body_of_a_directive_but_not_its_options() -> None:
    text = ":::{note} GaF3\n:name: GaF3\nGaF3\n:::\nGaF3"
    assert in_markdown(text) == ":::{note} GaF3\n:name: GaF3\nGaF₃\n:::\nGaF₃"


def test_html_changes_text_only() -> None:
    html = '<td id="GaF3">GaF3</td><script>{"GaF3": 1}</script><code>GaF3</code>'
    assert in_html(html) == html.replace(">GaF3</td>", ">GaF₃</td>")


@given(st.text())
def test_only_digits_ever_change(text: str) -> None:
    for change in (subscripts, in_markdown, in_html):
        back = change(text).translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))
        assert back == text.translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))


def test_the_program_cp2k_is_no_compound() -> None:
    assert subscripts("CP2K computes Li3GaF6") == "CP2K computes Li₃GaF₆"


@pytest.mark.parametrize(("text", "shown"), [
    ("GaF3", "GaF$_3$"), ("3 LiCl + GaF3", "3 LiCl + GaF$_3$"), ("2GaF3", "2GaF$_3$"),
    ("Ca(OH)2", "Ca(OH)$_2$"), ("Ga2Cl10", "Ga$_2$Cl$_1$$_0$"), ("LiCl", "LiCl"), ("", ""),
])  # fmt: skip
def test_formulas_for_matplotlib(text: str, shown: str) -> None:
    assert formulas.mathtext(text) == shown
