"""The paper's mixtures, and which halides are built of molecules.

Both are small hand-made tables of shipped data.  Where the book ships a crystal
structure of a halide, the graph of its bonds (:mod:`repro.molecules`) decides
instead of the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pymatgen.core import Composition

from repro import data, molecules, structures
from repro.errors import InputError, did_you_mean
from repro.thermo.energies import number, read_csv, reduced

ROOM_TEMPERATURE = 298.15
Built = Literal["yes", "borderline", "no", "unknown"]
_MIXTURE = ("id", "first", "second", "ratio", "observed", "peaks", "exchange",
            "stated_driving_force", "stated_molecular", "where", "source")  # fmt: skip
_ALLOWED = {
    "observed": ("clay", "powder", ""),
    "exchange": ("complete", "incomplete", ""),
    "stated_driving_force": ("yes", "no", ""),
}


@dataclass(frozen=True)
class Mixture:
    """A mixture of two salts and what the paper reports about it.

    Attributes
    ----------
    id:
        Short name.
    first, second:
        Reduced formulas.
    ratio:
        Moles of the first per mole of the second.
    observed:
        ``"clay"``, ``"powder"``, or ``""`` if not reported.
    peaks:
        Crystalline phases found by diffraction after milling.
    exchange:
        ``"complete"`` or ``"incomplete"`` as the paper infers from those peaks.
    stated_driving_force:
        Whether the paper says that there is one; None if it does not say.
    where:
        Place in the paper.
    """

    id: str
    first: str
    second: str
    ratio: float
    observed: str
    peaks: tuple[str, ...]
    exchange: str
    stated_driving_force: bool | None
    where: str

    @property
    def label(self) -> str:
        """``"3 LiCl + GaF3"``."""
        front = "" if self.ratio == 1 else f"{self.ratio:g} "
        return f"{front}{self.first} + {self.second}"


def read_mixtures(file: Path) -> dict[str, Mixture]:
    """Read mixtures from a CSV file.

    Raises
    ------
    InputError
        Naming file, line and value.
    """
    table = read_csv(file, columns=_MIXTURE)
    found: dict[str, Mixture] = {}
    for line, row in enumerate(table[list(_MIXTURE)].to_dict("records"), start=2):
        where = f"{file}, line {line}"
        for column, allowed in _ALLOWED.items():
            if row[column] not in allowed:
                raise InputError(
                    f"{where}: {column} {row[column]!r}, expected one of "
                    f"{', '.join(repr(a) for a in allowed)}"
                )
        if row["id"] in found:
            raise InputError(f"{where}: {row['id']} occurs twice")
        ratio = number(row["ratio"], what=f"{where}, ratio")
        if ratio <= 0:
            raise InputError(f"{where}: ratio {row['ratio']!r}, expected a number > 0")
        stated = row["stated_driving_force"]
        found[row["id"]] = Mixture(
            id=row["id"],
            first=_formula(row["first"], where),
            second=_formula(row["second"], where),
            ratio=ratio,
            observed=row["observed"],
            peaks=tuple(_formula(f, where) for f in row["peaks"].split("+") if f),
            exchange=row["exchange"],
            stated_driving_force=None if stated == "" else stated == "yes",
            where=row["where"],
        )
    return found


def _formula(text: str, where: str) -> str:
    try:
        return reduced(text)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


@lru_cache(maxsize=1)
def _mixtures(file: Path, _digest: str) -> dict[str, Mixture]:
    return read_mixtures(file)


def mixtures() -> dict[str, Mixture]:
    """Return the paper's mixtures by id, in the paper's order."""
    file = data.path("thermo/salts/mixtures.csv")
    return dict(_mixtures(file, data.sha256(file)))


def mixture(name: str) -> Mixture:
    """Return one mixture by id.

    Raises
    ------
    InputError
        If there is none of that name (with the nearest).
    """
    known = mixtures()
    if name not in known:
        raise InputError(f"mixture {name!r} is not in the table{did_you_mean(name, known)}")
    return known[name]


@dataclass(frozen=True)
class Units:
    """Whether a solid is built of neutral molecules, and how that is known.

    Attributes
    ----------
    formula:
        Reduced formula.
    molecular:
        ``"yes"``, ``"no"``, ``"borderline"`` (the answer hangs on the bond
        criterion, or reports differ), or ``"unknown"``.
    unit:
        The units in words.
    basis:
        ``"structure"``, ``"stated in the paper"``, ``"textbook"`` or ``"none"``.
    """

    formula: str
    molecular: Built
    unit: str
    basis: str


@lru_cache(maxsize=1)
def _listed(file: Path, _digest: str) -> dict[str, Units]:
    table = read_csv(file, columns=("formula", "molecular", "unit", "basis", "source"))
    known: dict[str, Built] = {"yes": "yes", "no": "no", "borderline": "borderline"}
    found: dict[str, Units] = {}
    for line, row in enumerate(table.to_dict("records"), start=2):
        if row["molecular"] not in known:
            raise InputError(
                f"{file}, line {line}: molecular {row['molecular']!r}, expected {', '.join(known)}"
            )
        name = _formula(row["formula"], f"{file}, line {line}")
        found[name] = Units(name, known[row["molecular"]], row["unit"], row["basis"])
    return found


def listed_units() -> dict[str, Units]:
    """Return the hand-made table, by reduced formula."""
    file = data.path("thermo/salts/molecular_halides.csv")
    return dict(_listed(file, data.sha256(file)))


@lru_cache(maxsize=1)
def _structure_keys() -> dict[str, str]:
    """Formula -> the best shipped structure: measured, then DFT, then our models."""
    rank = {"experiment": 0, "dft": 1, "model": 2}
    table = structures.index()
    ordered = table.assign(rank=table["kind"].map(rank)).sort_values("rank", kind="stable")
    keys: dict[str, str] = {}
    for key, formula in zip(ordered.index, ordered["formula"], strict=True):
        keys.setdefault(reduced(str(formula)), str(key))
    return keys


@lru_cache(maxsize=256)
def units(formula: str) -> Units:
    """Return what a solid is built of: from its structure if shipped, else from the table.

    A structure counts as molecular if its bonded units are finite for every bond
    factor from 1.1 to 1.3, and as borderline if only for one or two of 1.1, 1.2, 1.3.
    """
    name = reduced(formula)
    key = _structure_keys().get(name)
    if key is not None:
        found = _from_structure(name, key)
        if found is not None:
            return found
    return listed_units().get(name, Units(name, "unknown", "", "none"))


def _from_structure(name: str, key: str) -> Units | None:
    # A phase of two salts is held together by ions although its anions are finite.
    if len(Composition(name).elements) > 2:
        return None
    crystal = structures.load(key)
    try:
        answers = [molecules.classify(crystal, factor=f) for f in (1.1, 1.2, 1.3)]
    except InputError:  # no bonds at so small a factor: an ionic crystal
        return None
    middle = answers[1]
    verdict: Built = "no"
    if molecules.stays_molecular(crystal, low=1.1, high=1.3):
        verdict = "yes"
    elif any(a.word == "molecular" for a in answers):
        verdict = "borderline"
    return Units(name, verdict, f"{middle.word}: {', '.join(middle.units)}", "structure")


def molecular_products(formulas: Iterable[str]) -> tuple[str, ...]:
    """Return those products that are molecular halides (``"yes"`` only), in order.

    Water is molecular too, but no halide and no solid at room temperature.
    """
    return tuple(f for f in formulas if f != "H2O" and units(f).molecular == "yes")
