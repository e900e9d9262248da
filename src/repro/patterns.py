"""Reading a measured powder pattern: two columns, 2theta in degrees and intensity.

Real files are messy, so the reader accepts the usual delimiters, comments and a
text header, and refuses the rest with file, line, the value found and what was
expected.  What it cannot see in the numbers (a wrong wavelength, say) it cannot
refuse.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.errors import InputError

MAX_BYTES = 20_000_000
MIN_POINTS = 50
MIN_SPAN = 5.0  # degrees
MIN_TOP = 10.0  # degrees; below, the axis is not 2theta of a laboratory pattern
_COMMENT = ("#", "!", "%", "//", "'")
_SPLIT = re.compile(r"[,;\t ]+")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?|[-+]?(nan|inf(inity)?)", re.I)


@dataclass(frozen=True)
class Pattern:
    """A powder pattern.

    Attributes
    ----------
    two_theta:
        (n,) scattering angle in degrees, strictly ascending.
    intensity:
        (n,) counts, or counts per second, or any unit proportional to counts; >= 0.
    source:
        Where it came from, for captions and messages.
    synthetic:
        True if computed here, not measured.
    """

    two_theta: NDArray[np.float64]
    intensity: NDArray[np.float64]
    source: str
    synthetic: bool = False

    def __post_init__(self) -> None:
        check(self.two_theta, self.intensity, source=self.source)


def check(two_theta: ArrayLike, intensity: ArrayLike, *, source: str) -> None:
    """Check the arrays of a pattern; point numbers in messages count from 1.

    Raises
    ------
    InputError
        If they differ in length, are too short, not finite, unsorted, negative,
        all zero, or if the first column does not look like 2theta in degrees.
    """
    x, y = np.asarray(two_theta, dtype=float), np.asarray(intensity, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise InputError(f"{source}: expected two columns of equal length, found shapes "
                         f"{x.shape} and {y.shape}")  # fmt: skip
    _check_points(x, y, source, [f"point {k}" for k in range(1, len(x) + 1)])
    _check_axis(x, source)


def _check_points(
    x: NDArray[np.float64], y: NDArray[np.float64], source: str, where: list[str]
) -> None:
    for name, column in (("2theta", x), ("intensity", y)):
        bad = np.flatnonzero(~np.isfinite(column))
        if bad.size:
            raise InputError(f"{source}, {where[bad[0]]}: {name} is {column[bad[0]]}; "
                             "expected a finite number")  # fmt: skip
    if len(x) < MIN_POINTS:
        raise InputError(f"{source}: {len(x)} points; expected a full pattern of at least "
                         f"{MIN_POINTS} (a list of peaks is not enough)")  # fmt: skip
    step = np.diff(x)
    if (step < 0).all():
        d = " It looks like d-spacings in angstrom: convert with 2theta = 2 asin(lambda / 2d)."
        raise InputError(f"{source}: the first column falls from {x[0]:g} to {x[-1]:g}; expected "
                         f"ascending 2theta in degrees.{d if x[0] < 40 else ''}")  # fmt: skip
    back = np.flatnonzero(step <= 0)
    if back.size:
        k = back[0] + 1
        what = "repeats" if step[k - 1] == 0 else "falls below"
        raise InputError(f"{source}, {where[k]}: 2theta {x[k]:g} {what} {x[k - 1]:g} before it; "
                         "expected strictly ascending values")  # fmt: skip
    low = np.flatnonzero(y < 0)
    if low.size:
        raise InputError(f"{source}, {where[low[0]]}: intensity {y[low[0]]:g}; expected >= 0 "
                         "(was a background subtracted? give the raw counts)")  # fmt: skip
    if not y.any():
        raise InputError(f"{source}: every intensity is zero")


def _check_axis(x: NDArray[np.float64], source: str) -> None:
    def refuse(what: str) -> InputError:
        return InputError(f"{source}: first column from {x[0]:g} to {x[-1]:g}; expected 2theta "
                          f"in degrees (0 to 180, reaching beyond {MIN_TOP:g}). {what}")  # fmt: skip

    if x[0] < 0 or x[-1] > 180:
        raise refuse("Values outside 0 to 180 cannot be 2theta in degrees.")
    if x[-1] <= math.pi:
        raise refuse("It looks like radians (multiply by 180/pi), or Q in 1/angstrom.")
    if x[-1] < MIN_TOP:
        raise refuse("It looks like Q (1/angstrom) or d-spacings (angstrom).")
    step = np.diff(x)
    # a goniometer scans at even steps; d-spacings of such a scan are very uneven
    if x[-1] < 40 and np.percentile(step, 95) > 8 * np.percentile(step, 5):
        raise refuse(f"Its steps run from {step.min():g} to {step.max():g}, which looks like "
                     "d-spacings (angstrom).")  # fmt: skip
    if x[-1] - x[0] < MIN_SPAN:
        raise refuse(f"It spans only {x[-1] - x[0]:g} degrees; expected {MIN_SPAN:g} or more.")


def read(file: str | Path) -> Pattern:
    """Read a two-column pattern (a third column, uncertainties, is left out).

    Parameters
    ----------
    file:
        Text; columns separated by blanks, tabs, commas or semicolons; lines that
        start with ``# ! % // '`` are comments; text lines before the first numbers
        are a header.

    Raises
    ------
    InputError
        Naming file and line, what was found and what was expected.
    """
    path = Path(file)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a two-column text pattern")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: {path.stat().st_size} bytes; expected at most {MAX_BYTES}")
    raw = path.read_bytes()
    if b"\0" in raw:
        raise InputError(f"{path}: a binary file; export it as two-column text (xy)")
    return parse(raw.decode("utf-8-sig", errors="replace"), source=str(path))


def parse(text: str, *, source: str) -> Pattern:
    """Parse the text of a pattern file; see :func:`read`."""
    rows: list[tuple[float, float]] = []
    where: list[str] = []
    width = 0
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip()
        if not content or content.startswith(_COMMENT):
            continue
        fields = [f for f in _SPLIT.split(content) if f]
        numeric = [bool(_NUMBER.fullmatch(f)) for f in fields]
        if not rows and not all(numeric) and re.search(r"[^\W\d_]", content):
            continue  # header text
        at = f"line {number}"
        if not fields or not all(numeric):
            bad = fields[numeric.index(False)] if fields else content
            raise InputError(f"{source}, {at}: {bad[:40]!r} is not a number; expected two columns, "
                             "2theta (degrees) and intensity, separated by blanks, tabs, commas "
                             "or semicolons")  # fmt: skip
        if len(fields) == 1 or len(fields) > 3:
            comma = " (decimal commas? use points)" if content.count(",") >= 2 else ""
            count = f"{len(fields)} column{'s' if len(fields) > 1 else ''}"
            raise InputError(f"{source}, {at}: {count} in {content[:40]!r}; expected two, 2theta "
                             f"(degrees) and intensity{comma}")  # fmt: skip
        if rows and len(fields) != width:
            raise InputError(f"{source}, {at}: {len(fields)} columns, {width} in the lines before")
        width = len(fields)
        rows.append((_number(fields[0]), _number(fields[1])))
        where.append(at)
    if not rows:
        raise InputError(f"{source}: no numbers in it; expected two columns, 2theta (degrees) "
                         "and intensity")  # fmt: skip
    x, y = np.array(rows, dtype=float).T
    _check_points(x, y, source, where)
    return Pattern(x, y, source)


def _number(field: str) -> float:
    return float(re.sub("[dD]", "e", field))
