"""The pattern reader takes what is right and names what is wrong."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro import patterns
from repro.errors import InputError

X = np.round(np.arange(10.0, 40.0, 0.1), 3)
Y = np.round(50 + 400 * np.exp(-(((X - 30) / 0.3) ** 2)), 1)


def text(x: np.ndarray = X, y: np.ndarray = Y, *, sep: str = " ") -> str:
    return "\n".join(f"{a:.6g}{sep}{b:.6g}" for a, b in zip(x, y, strict=True)) + "\n"


def replaced(line: int, new: str) -> str:
    lines = text().splitlines()
    lines[line - 1] = new
    return "\n".join(lines)


def message(content: str) -> str:
    with pytest.raises(InputError) as error:
        patterns.parse(content, source="scan.xy")
    assert str(error.value).startswith("scan.xy")
    return str(error.value)


@pytest.mark.parametrize("sep", [" ", "\t", ",", ";", "   ", ", ", " ; "])
def test_common_delimiters_give_the_same_pattern(sep: str) -> None:
    found = patterns.parse(text(sep=sep), source="scan.xy")
    np.testing.assert_allclose(found.two_theta, X)
    np.testing.assert_allclose(found.intensity, Y)
    assert not found.synthetic


@pytest.mark.parametrize(
    "head",
    [
        "# a comment\n",
        "2theta intensity\n",
        "Sample: clay 3\nAngle,Counts\n",
        "\n\n! GSAS like\n",
        "\ufeff",
        "'title'\n",
        "Date 2024\n%x\n//y\n",
    ],
)
def test_headers_comments_and_byte_order_mark_are_passed_over(head: str, tmp_path: Path) -> None:
    file = tmp_path / "scan.xy"
    file.write_text(head + text(), encoding="utf-8")
    assert len(patterns.read(file).two_theta) == len(X)


def test_windows_line_ends_and_third_column(tmp_path: Path) -> None:
    file = tmp_path / "scan.xye"
    rows = "\r\n".join(f"{a:.3f} {b:.1f} {math.sqrt(b):.2f}" for a, b in zip(X, Y, strict=True))
    file.write_bytes(rows.encode())
    np.testing.assert_allclose(patterns.read(file).intensity, Y)


def test_fortran_exponents() -> None:
    content = "\n".join(f"{a:.3f} {b:.3e}".replace("e", "D") for a, b in zip(X, Y, strict=True))
    np.testing.assert_allclose(patterns.parse(content, source="f").intensity, Y, rtol=1e-3)


@pytest.mark.parametrize("content", ["", "\n\n", "# only a comment\n", "just words\nmore words\n"])
def test_empty(content: str) -> None:
    assert "no numbers" in message(content)


def test_missing_file_directory_binary_and_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="no such file"):
        patterns.read(tmp_path / "none.xy")
    with pytest.raises(InputError, match="no such file"):
        patterns.read(tmp_path)
    binary = tmp_path / "scan.raw"
    binary.write_bytes(b"RAW1.01\0\0\x01")
    with pytest.raises(InputError, match=r"scan\.raw: a binary file"):
        patterns.read(binary)
    monkeypatch.setattr(patterns, "MAX_BYTES", 4)
    with pytest.raises(InputError, match="expected at most 4"):
        patterns.read(binary)


@pytest.mark.parametrize(
    ("line", "new", "words"),
    [
        (17, "11.6 abc", ["line 17", "'abc'", "not a number"]),
        (17, "11.6|55", ["line 17", "'11.6|55'", "not a number"]),
        (1, "10.0|55", ["line 1", "'10.0|55'", "separated by"]),
        (30, "12.9", ["line 30", "1 column", "expected two"]),
        (30, "12.9 1 2", ["line 30", "3 columns", "2 in the lines before"]),
        (30, "12,9 1 2 3", ["line 30", "5 columns"]),
        (40, "13.9 nan", ["line 40", "intensity is nan", "finite"]),
        (40, "inf 3", ["line 40", "2theta is inf", "finite"]),
        (41, "14.0 -3", ["line 41", "intensity -3", ">= 0"]),
        (50, "14.8 3", ["line 50", "2theta 14.8 repeats 14.8"]),
        (50, "14.0 3", ["line 50", "2theta 14 falls below 14.8"]),
    ],
)
def test_a_bad_line_is_named(line: int, new: str, words: list[str]) -> None:
    found = message(replaced(line, new))
    for word in words:
        assert word in found, found


def test_decimal_commas_are_recognised() -> None:
    assert "decimal commas" in message("10,02 1,5\n10,04 1,7\n")


def test_one_column() -> None:
    found = message("\n".join(f"{v:g}" for v in Y))
    assert "line 1" in found and "1 column" in found


def test_all_zero_and_too_short() -> None:
    assert "every intensity is zero" in message(text(y=0 * Y))
    assert "12 points" in message(text(X[:12], Y[:12]))


def test_wrong_axes_are_recognised() -> None:
    assert "radians" in message(text(np.radians(X), Y))
    d = 1.5406 / 2 / np.sin(np.radians(X / 2))
    assert "d-spacings" in message(text(d, Y))
    assert "d-spacings" in message(text(d[::-1], Y[::-1]))
    wide = np.arange(5.0, 120.0, 0.2)
    ascending = np.sort(1.5406 / 2 / np.sin(np.radians(wide / 2)))
    assert "d-spacings" in message(text(ascending, np.ones_like(wide)))
    q = 4 * np.pi / 1.5406 * np.sin(np.radians(X / 2))
    assert "Q in 1/angstrom" in message(text(q, Y))
    assert "Q (1/angstrom)" in message(text(q * 2, Y))
    assert "outside 0 to 180" in message(text(X * 10, Y))
    assert "spans only" in message(text(np.linspace(30, 31, 300), Y))
    assert "ascending" in message(text(X[::-1] + 60, Y))


def test_arrays_are_checked_too() -> None:
    with pytest.raises(InputError, match=r"point 3: intensity is nan"):
        patterns.Pattern(X, np.where(np.arange(len(X)) == 2, np.nan, Y), "mine")
    with pytest.raises(InputError, match="equal length"):
        patterns.Pattern(X, Y[:-1], "mine")


def test_uneven_but_honest_steps_are_taken() -> None:
    x = np.concatenate([np.arange(10, 30, 0.05), np.arange(30, 80, 0.1)])
    assert len(patterns.Pattern(x, np.ones_like(x), "two-speed scan").two_theta) == len(x)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    start=st.floats(1, 20),
    step=st.floats(0.05, 0.2),
    counts=st.lists(st.floats(0, 1e7), min_size=100, max_size=200),
)
def test_what_is_written_in_full_is_read_unchanged(
    tmp_path_factory: pytest.TempPathFactory, start: float, step: float, counts: list[float]
) -> None:
    counts[0] = 1.0
    x = start + step * np.arange(len(counts))
    if x[-1] < patterns.MIN_TOP or x[-1] - x[0] < patterns.MIN_SPAN:
        return
    file = tmp_path_factory.mktemp("round") / "p.xy"
    pattern = patterns.Pattern(x, np.array(counts), "made here", synthetic=True)
    rows = zip(pattern.two_theta.tolist(), pattern.intensity.tolist(), strict=True)
    file.write_text("# made here\n" + "".join(f"{a!r} {b!r}\n" for a, b in rows))
    found = patterns.read(file)
    np.testing.assert_array_equal(found.two_theta, pattern.two_theta)
    np.testing.assert_array_equal(found.intensity, pattern.intensity)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_read_or_refused_with_words(content: str) -> None:
    try:
        found = patterns.parse(content, source="fuzz")
    except InputError as error:
        assert str(error).startswith("fuzz")
    else:
        assert np.isfinite(found.intensity).all()


@settings(max_examples=200, deadline=None)
@given(
    line=st.integers(1, len(X)),
    new=st.text(st.characters(codec="ascii"), max_size=20),
)
def test_one_spoilt_line_never_passes_silently(line: int, new: str) -> None:
    try:
        found = patterns.parse(replaced(line, new), source="fuzz")
    except InputError as error:
        assert str(error).startswith("fuzz")
        return
    # then the line was skipped (blank, comment, header), valid, or split the file anew
    kept = new.strip() and not new.strip().startswith(("#", "!", "%", "//", "'"))
    assert len(found.two_theta) == len(X) or not kept or line == 1


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.mktemp("b") / "b.xy"
    file.write_bytes(content)
    with pytest.raises(InputError):
        patterns.read(file)
