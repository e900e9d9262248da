"""Computed values that leave a notebook: JSON results and glue, one call.

A notebook hands every number that the prose or the claims ledger needs to
:func:`record`.  The runner keeps them beside the executed notebook; the ledger
joins them by key; the prose shows them by ``{glue:text}`` with the same key.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from repro import paths
from repro.errors import InputError
from repro.formulas import subscripts

RESULTS = "results.json"
ECHO = "application/vnd.repro.echo"
KEY = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")


RECORDED: dict[str, Result] = {}
"""What this process has recorded, for a notebook open in JupyterLab."""
SHOWN_WITHOUT: set[str] = set()
"""Keys whose row a table of the run in progress has shown before they were recorded."""


@dataclass(frozen=True)
class Result:
    """One computed value.

    Attributes
    ----------
    key:
        Dotted lower-case name, unique over the book.
    value:
        A finite number, a text, or a yes/no.
    unit:
        Unit of ``value`` and ``uncertainty``; ``""`` if it has none.
    uncertainty:
        One standard deviation unless ``note`` says otherwise; None if not known.
    note:
        What the uncertainty covers, or what a reader should know.
    """

    key: str
    value: float | str | bool
    unit: str = ""
    uncertainty: float | None = None
    note: str = ""

    def __str__(self) -> str:
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        if isinstance(self.value, str):
            return self.value
        whole = 1e4 <= abs(self.value) < 1e9 and float(self.value).is_integer()
        number = f"{self.value:.0f}" if whole else f"{self.value:.4g}"
        error = None if self.uncertainty is None else f"{self.uncertainty:.2g}"
        if self.uncertainty and 1e-3 <= max(abs(self.value), self.uncertainty) < 1e9:
            # Two digits of the error, and the value to the same place: an edge energy keeps its
            # seven digits, a stress known to a tenth does not get four.
            places = max(1 - math.floor(math.log10(self.uncertainty)), 0)
            number, error = f"{self.value:.{places}f}", f"{self.uncertainty:.{places}f}"
        if error is not None:
            number += f" ± {error}"
        return f"{number} {self.unit}".strip()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        # The second kind lets the book leave out what only helps while working.
        return {"text/plain": f"{self.key} = {self}", ECHO: self.key}


def _plain(value: Any, key: str) -> float | str | bool:
    """Return a JSON-ready scalar; numpy scalars become Python ones."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, str):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"result {key!r}: expected a number, text or yes/no, found {value!r} "
            f"({type(value).__name__})"
        ) from None
    if not math.isfinite(number):
        raise InputError(f"result {key!r}: expected a finite number, found {number}")
    # A count stays whole, so that the prose says "40", not "40.0".
    return int(value) if isinstance(value, (int, np.integer)) else number


def record(
    key: str,
    value: Any,
    *,
    unit: str = "",
    uncertainty: float | None = None,
    note: str = "",
) -> Result:
    """Record a computed value for the prose and for the claims ledger.

    Parameters
    ----------
    key:
        Dotted lower-case name, e.g. ``"thermo.licl_gaf3_min"``.
    value:
        Number (numpy scalars too), text, or bool.
    unit, uncertainty, note:
        See :class:`Result`.

    Returns
    -------
    Result
        What was recorded.

    Raises
    ------
    InputError
        For a malformed key, a non-finite value or uncertainty, a negative
        uncertainty, or, within a run, a key recorded with two different values, or
        after a table has shown its row without it.
    """
    if not KEY.fullmatch(key):
        raise InputError(f"result key {key!r}: expected lower-case words joined by dots")
    plain = _plain(value, key)
    if uncertainty is not None:
        spread = _plain(uncertainty, key)
        if isinstance(spread, (bool, str)) or spread < 0:
            raise InputError(f"result {key!r}: uncertainty must be >= 0, found {uncertainty!r}")
        uncertainty = spread
    result = Result(key=key, value=plain, unit=unit, uncertainty=uncertainty, note=note)
    run = paths.run_dir()
    if run is not None:
        stored = read(run)
        if key in stored:
            if stored[key] != result:
                raise InputError(
                    f"result {key!r} is recorded twice: {stored[key]}, then {result}; "
                    "give each its own key"
                )
            return result
        if key in SHOWN_WITHOUT:
            raise InputError(f"result {key!r}: a table has shown its row without it; record it "
                             "before the comparison")  # fmt: skip
        write(run, {**stored, key: result})
    RECORDED[key] = result
    _glue(result)
    return result


def _glue(result: Result) -> None:
    """Glue the value, and its error under ``key.err``, if a kernel is there."""
    from IPython.core.getipython import get_ipython

    if get_ipython() is None:
        return
    from myst_nb import glue

    # Prose says yes and no, and writes formulas as a chemist does.
    shown: float | str | bool = result.value
    if isinstance(shown, bool | str):
        shown = subscripts(str(result))
    glue(result.key, shown, display=False)
    if result.uncertainty is not None:
        glue(f"{result.key}.err", result.uncertainty, display=False)


def write(folder: Path, results: dict[str, Result]) -> None:
    """Write results to ``folder/results.json`` in one step."""
    content = {key: asdict(result) for key, result in sorted(results.items())}
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    paths.write_text(folder / RESULTS, text)


def read(folder: Path) -> dict[str, Result]:
    """Return the results recorded in a run folder, by key (empty if there are none)."""
    file = folder / RESULTS
    if not file.exists():
        return {}
    content = json.loads(file.read_text(encoding="utf-8"))
    return {key: Result(**fields) for key, fields in content.items()}
