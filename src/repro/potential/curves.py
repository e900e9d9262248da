"""Learning curves as DeePMD-kit writes them (``lcurve.out``), in the units of the book."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.errors import InputError

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Errors:
    """Root-mean-square errors along a training, each of shape (n,).

    Attributes
    ----------
    energy:
        meV per atom.
    force:
        meV/angstrom, per component.
    virial:
        meV per atom; NaN where the virial was not in the loss or not labelled.
    """

    energy: Values
    force: Values
    virial: Values


@dataclass(frozen=True)
class LearningCurve:
    """Errors by step; each value is of one batch (training) or a few (validation).

    Attributes
    ----------
    steps:
        Step of each row, increasing, (n,).
    learning_rate:
        Learning rate there, (n,).
    training, validation:
        Errors on training batches, and on validation batches (None if there were none).
    """

    steps: NDArray[np.int64]
    learning_rate: Values
    training: Errors
    validation: Errors | None

    def tail(self, share: float = 0.1) -> Errors:
        """Return the root-mean-square of the last rows: one value per quantity, (1,).

        A row is one batch, so single rows scatter widely; the last tenth is a fair
        summary.  From validation if there is one, else from training.

        Raises
        ------
        InputError
            If ``share`` is not above 0 and at most 1.
        """
        if not 0 < share <= 1:
            raise InputError(f"share {share}, expected more than 0 and at most 1")
        rows = max(1, math.ceil(share * len(self.steps)))
        source = self.validation or self.training

        def last(values: Values) -> Values:
            return np.sqrt(np.mean(values[-rows:] ** 2, keepdims=True))

        return Errors(last(source.energy), last(source.force), last(source.virial))

    def table(self) -> pd.DataFrame:
        """Return the curve as a table with units in its column names."""
        columns: dict[str, NDArray[np.generic]] = {"step": self.steps,
                                                   "learning_rate": self.learning_rate}  # fmt: skip
        for word, errors in (("training", self.training), ("validation", self.validation)):
            if errors is not None:
                columns[f"{word}_energy_meV_per_atom"] = errors.energy
                columns[f"{word}_force_meV_per_A"] = errors.force
                columns[f"{word}_virial_meV_per_atom"] = errors.virial
        return pd.DataFrame(columns)


def parse(text: str, *, where: str = "learning curve") -> LearningCurve:
    """Return the learning curve of a text; it may have no rows yet.

    A training that was killed and resumed repeats the steps after its last
    checkpoint: there the later rows count.  A last line without its end, from a
    writer that was killed or is still writing, is left out.

    Raises
    ------
    InputError
        If a line is not as DeePMD-kit writes it, naming the line.
    """
    columns: list[str] = []
    rows: list[list[float]] = []
    resumed = False
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        words = line.removeprefix("#").split()
        if not line.endswith("\n") or not words:
            continue
        if line.startswith("#"):
            if words[0] != "step":
                continue
            if columns and words != columns:
                raise InputError(f"{where}, line {number}: columns {' '.join(words)}, before they "
                                 f"were {' '.join(columns)}")  # fmt: skip
            columns, resumed = words, True
            continue
        if not columns:
            raise InputError(f"{where}, line {number}: numbers before the line '# step ...' that "
                             "names the columns")  # fmt: skip
        rows, resumed = _append(rows, _numbers(words, columns, f"{where}, line {number}"),
                                resumed, f"{where}, line {number}"), False  # fmt: skip
    values = np.array(rows).reshape(len(rows), len(columns))
    return _curve(dict(zip(columns, values.T, strict=True)), len(rows))


def _numbers(words: list[str], columns: list[str], where: str) -> list[float]:
    if len(words) != len(columns):
        raise InputError(f"{where}: {len(words)} values, expected {len(columns)} "
                         f"({' '.join(columns)})")  # fmt: skip
    try:
        values = [float(word) for word in words]
    except ValueError as error:
        raise InputError(f"{where}: {error}; expected numbers") from None
    if not values[0].is_integer() or values[0] < 0:
        raise InputError(f"{where}: step {words[0]}, expected a whole number of 0 or more")
    return values


def _append(rows: list[list[float]], row: list[float], resumed: bool,
            where: str) -> list[list[float]]:  # fmt: skip
    if rows and row[0] <= rows[-1][0]:
        if not resumed:
            raise InputError(f"{where}: step {row[0]:.0f} after {rows[-1][0]:.0f}; steps can go "
                             "back only where a training was resumed")  # fmt: skip
        rows = [earlier for earlier in rows if earlier[0] < row[0]]
    return [*rows, row]


def _curve(columns: dict[str, Values], count: int) -> LearningCurve:
    def one(name: str) -> Values:
        # eV and eV/angstrom there, meV here.
        return 1000.0 * columns[name] if name in columns else np.full(count, np.nan)

    def errors(side: str) -> Errors:
        return Errors(*(one(f"rmse_{letter}_{side}") for letter in "efv"))

    return LearningCurve(
        steps=columns["step"].astype(np.int64) if count else np.zeros(0, dtype=np.int64),
        learning_rate=columns.get("lr", np.full(count, np.nan)),
        training=errors("trn"),
        validation=errors("val") if any(name.endswith("_val") for name in columns) else None,
    )
