"""Files of a reader: what they must hold, how a parameter of a run names columns and bad points.

A chapter's parameters are single words, so that what is to be said of four files goes into
one text.  It has parts, separated by semicolons: words for all files, or after a name and a
colon for one, as in ``energy=1 mu=3; gacl3: mu=5``.  A name with blanks goes in quotes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from repro import data
from repro.errors import InputError, did_you_mean
from repro.exafs import edges, files, pipeline, spectra
from repro.exafs.exafs_chapter import FOIL, FOLDER
from repro.exafs.files import Spectrum
from repro.exafs.pipeline import FourFiles, Settings

NEEDS: dict[str, str] = {
    "energy": "eV (or say columns 'unit=keV'), ascending, no energy twice; from 150 eV below the "
    "edge to k = 13",
    "sample": "one of: mu; normalised mu; I0 and It (their logarithm is taken)",
    "foil": "It and Iref behind the sample, or mu of a reference, or one foil file for all four; "
    "or calibrate false, to trust the energies",
    "columns": "named in the header, or say columns 'energy=1 i0=2 it=3 iref=4', by number or name; "
    "for one file columns 'mu=3; gacl3: mu=5'; reference=no leaves a reference out, "
    "kind=normalised or kind=mu says what mu is",
    "projects": "Athena .prj or HDF5 with one group, or say columns 'gaf3: record=1; gacl3: record=2'",
    "bad points": "stay in, unless deglitch names their energies, as in '10450.5; clay21: 10600', or "
    "says find",
}
"""What a reader's file must hold, and which parameter helps where it does not."""
NAMES: dict[str, str] = dict(
    zip(("gaf3", "gacl3", "clay21", "clay31"), pipeline.LABELS, strict=True)
)
"""Parameters of the four files, and their labels."""
_SELECTORS = ("energy", "mu", "i0", "it", "iref", "reference")
_WORDS: dict[str, tuple[str, ...]] = {"kind": files.KINDS, "unit": tuple(files.UNITS)}
READING = (*_SELECTORS, *_WORDS, "record")
"""What can be said of a file."""
_SAID = re.compile(rf"\b({'|'.join(READING)})=")
FIND = "find"


def _parts(text: str, others: tuple[str, ...], parameter: str) -> list[tuple[str, list[str]]]:
    """Return the words of each part of a text, under the label of their file or ``all``."""
    labels = {**NAMES, **{name: name for name in others}}
    found = []
    for part in filter(str.strip, text.split(";")):
        name, rest = "", part
        if named := re.match(r"\s*(\w+)\s*:", part):
            name, rest = named[1], part[named.end() :]
            if name not in labels:
                raise InputError(f"{parameter} {text!r}: no file {name!r}; expected "
                                 f"{', '.join(labels)}{did_you_mean(name, labels)}")  # fmt: skip
        try:
            words = shlex.split(rest)
        except ValueError as error:
            raise InputError(f"{parameter} {text!r}: {error}; expected quotes in pairs") from None
        found.append((labels.get(name, "all"), words))
    return found


def reading(columns: str) -> dict[str, dict[str, Any]]:
    """Return options of :func:`repro.exafs.files.read` by label, from such as ``energy=1 mu=3``.

    Raises
    ------
    InputError
        For an unknown file or option, or a value that the option cannot have.
    """
    found: dict[str, dict[str, Any]] = {}
    for label, words in _parts(columns, ("foil",), "columns"):
        for word in words:
            key, equals, value = word.partition("=")
            if key not in READING or not equals or not value:
                raise InputError(f"columns {word!r}: expected name=value with a name of "
                                 f"{', '.join(READING)}{did_you_mean(key, READING)}")  # fmt: skip
            if key in _WORDS and value not in _WORDS[key]:
                raise InputError(f"columns {word!r}: expected {key}={' or '.join(_WORDS[key])}"
                                 f"{did_you_mean(value, _WORDS[key])}")  # fmt: skip
            off = key in ("iref", "reference") and value == "no"
            number = key not in _WORDS and re.fullmatch(r"\d+", value)
            found.setdefault(label, {})[key] = (
                False if off else int(value) if number else value
            )  # fmt: skip
    return found


def bad_points(deglitch: str) -> tuple[bool, dict[str, list[float]]]:
    """Return whether to search, and the energies of bad points by label.

    Parameters
    ----------
    deglitch:
        ``find``, energies in eV, or both; a search is one of all files.

    Raises
    ------
    InputError
        For an unknown file, or a word that is no energy.
    """
    find, found = False, dict[str, list[float]]()
    for label, words in _parts(deglitch, (), "deglitch"):
        for word in words:
            if word == FIND and label == "all":
                find = True
            elif re.fullmatch(r"\d+(\.\d*)?", word):
                found.setdefault(label, []).append(float(word))
            else:
                raise InputError(f"deglitch {word!r}: expected energies in eV, as in '10450.5 10600', "
                                 f"or for all files {FIND!r}")  # fmt: skip
    return find, found


def _plain(error: InputError) -> InputError:
    """Return an error, with the parameter that takes the words it speaks of."""
    if _SAID.search(str(error)) and not str(error).startswith("columns "):
        return InputError(f"{error}; such words go into the parameter columns")
    return error


def own_files(
    gaf3: str, gacl3: str, two_to_one: str, three_to_one: str, *, foil: str = "", columns: str = "",
    deglitch: str = "", calibrate: bool = True, settings: Settings | None = None,
) -> FourFiles | None:  # fmt: skip
    """Return a reader's own Fig. 3a, or None where no file is given.

    Parameters
    ----------
    gaf3, gacl3, two_to_one, three_to_one, foil:
        Paths.
    columns:
        As for :func:`reading`.
    deglitch:
        As for :func:`bad_points`.
    calibrate:
        Whether to move the energies by the foil.
    settings:
        The paper's where not given.

    Raises
    ------
    InputError
        If only some of the four are given, a file is missing or bad, or ``columns`` or
        ``deglitch`` cannot be understood.
    """
    options, (find, bad) = reading(columns), bad_points(deglitch)
    given = dict(zip(NAMES, (gaf3, gacl3, two_to_one, three_to_one), strict=True))
    if not any(given.values()):
        return None
    lacking = [name for name, file in given.items() if not file]
    if lacking:
        raise InputError(
            f"no file for {', '.join(lacking)}: expected all four of {', '.join(given)}"
        )
    paths = [data.external(file) for file in given.values()]
    s = replace(settings or Settings(), find_glitches=find, calibrate=calibrate)
    try:
        return pipeline.four_files(*paths, foil=data.external(foil) if foil else None, settings=s,
                                   reading=options, bad_points=bad)  # fmt: skip
    except InputError as error:
        raise _plain(error) from None


@dataclass(frozen=True)
class Foil:
    """The edge of a Re foil.

    Attributes
    ----------
    words:
        Where it is from.
    energy, error:
        Of its edge, eV.
    moved:
        By how much its owner had moved the energies before, eV, as far as the file says.
    own:
        Whether it is a reader's file, read in this run.
    """

    words: str
    energy: float
    error: float
    moved: float
    own: bool


def _moved(note: str) -> float:
    """Return the energy shift that a note of :mod:`repro.exafs.projects` speaks of, eV."""
    found = re.search(r"energy shift of ([-+]?[\d.]+) eV", note)
    return float(found[1]) if found else 0.0


def read_foil(file: str | Path, *, columns: str = "", edge: str = "Re L3") -> Spectrum:
    """Return a reader's foil, read as ``columns`` says of all files and of ``foil``.

    Raises
    ------
    InputError
        If the file is missing or bad, or ``columns`` cannot be understood.
    """
    said: Mapping[str, Any] = reading(columns)
    try:
        return files.read(file, **{"edge": edge, **said.get("all", {}), **said.get("foil", {})})
    except InputError as error:
        raise _plain(error) from None


def foil(file: str = "", *, columns: str = "", edge: str = "Re L3") -> Foil:
    """Return the edge of a reader's foil, or the one we found on a public one.

    The public measurement is not shipped; only what :func:`foil_row` made of it is.

    Raises
    ------
    InputError
        As from :func:`read_foil`.
    """
    if not file:
        row = pd.read_csv(data.path(f"{FOLDER}/{FOIL}")).iloc[0]
        return Foil(
            str(row.source),
            float(row.edge_eV),
            float(row.error_eV),
            _moved(str(row.read_as)),
            False,
        )
    own = foil_row(read_foil(data.external(file), columns=columns, edge=edge), edge=edge)
    return Foil(
        str(file), float(own["edge_eV"]), float(own["error_eV"]), _moved(own["read_as"]), True
    )


def foil_row(found: Spectrum, *, edge: str = "Re L3") -> dict[str, Any]:
    """Return what the pipeline finds on a foil: edge, error, points, edge step, range."""
    position = edges.position(
        found.energy, found.mu, near=edges.tabulated(edge), source=found.source
    )
    norm = spectra.normalise(found.energy, found.mu, edge=edge, source=found.source)
    return {
        "edge": edge, "edge_eV": round(position.energy, 3), "error_eV": round(position.error, 3),
        "points": len(found.energy), "first_eV": round(float(found.energy[0]), 2),
        "last_eV": round(float(found.energy[-1]), 2), "edge_step": round(norm.edge_step, 4),
        "read_as": found.note,
    }  # fmt: skip
