"""The pair style: our network, and a repulsive guard where it knows nothing.

A network trained on bonded atoms may say anything of two atoms that nearly touch.
Below the closest distance of each pair in the labels a screened nuclear repulsion
(Ziegler, Biersack & Littmark, 1985; LAMMPS ``pair_style zbl``) is added.  LAMMPS takes
it smoothly to exactly zero at the outer cut-off, so ordinary frames feel none of it.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from repro.errors import InputError
from repro.md import scripts
from repro.md.lammps import MAKE_MODEL, LammpsError
from repro.potential import ELEMENTS

CHARGES: dict[str, int] = {"Li": 3, "F": 9, "Cl": 17, "Ga": 31}

# Inner and outer cut-off in angstrom.  Closest contacts in the first 2027 labels: Li-F
# 1.31, Ga-F 1.38, Li-Li 1.55, Ga-Cl 1.68, Li-Cl 1.69, F-F 1.82, F-Cl 2.18, Li-Ga 2.18,
# Cl-Cl 2.51, Ga-Ga 2.60.  Labelling refuses any contact below 1.1, so the first shell
# can never meet a label.  Li-Li begins early: a first student let two Li come to 1.27,
# and with few electrons their repulsion is soft.
SHELLS: tuple[tuple[float, float], ...] = ((0.7, 1.1), (0.9, 1.4), (1.0, 1.5), (1.3, 1.9))
_SHELL_OF = {
    "Li-F": 0, "F-Ga": 0, "Li-Cl": 1, "Cl-Ga": 1, "F-F": 1, "Li-Li": 2,
    "F-Cl": 3, "Li-Ga": 3, "Cl-Cl": 3, "Ga-Ga": 3,
}  # fmt: skip
PAIRS: tuple[tuple[str, str], ...] = tuple(combinations_with_replacement(ELEMENTS, 2))


def reach(first: str, second: str) -> tuple[float, float]:
    """Return the guard's inner and outer cut-off of a pair in angstrom.

    Raises
    ------
    InputError
        For an element the potential does not know.
    """
    for pair in (f"{first}-{second}", f"{second}-{first}"):
        if pair in _SHELL_OF:
            return SHELLS[_SHELL_OF[pair]]
    raise InputError(f"pair {first}-{second}: expected two of {', '.join(ELEMENTS)}")


def closest(atoms: Atoms) -> dict[tuple[str, str], float]:
    """Return the shortest distance of each pair of elements below 4 angstrom."""
    i, j, d = neighbor_list("ijd", atoms, 4.0)
    kinds = np.array([ELEMENTS.index(s) for s in atoms.get_chemical_symbols()])
    found: dict[tuple[str, str], float] = {}
    low, high = np.minimum(kinds[i], kinds[j]), np.maximum(kinds[i], kinds[j])
    for a, first in enumerate(ELEMENTS):
        for b, second in enumerate(ELEMENTS):
            chosen = d[(low == a) & (high == b)]
            if chosen.size:
                found[first, second] = float(chosen.min())
    return found


def closest_in_labels(file: Path) -> dict[tuple[str, str], float]:
    """Return the shortest distance of each pair over all frames of a label file.

    Parameters
    ----------
    file:
        HDF5 in DeePMD's layout, as ``repro.potential.export labels`` writes it.
    """
    h5py: Any = importlib.import_module("h5py")
    best: dict[tuple[str, str], float] = {}
    with h5py.File(file, "r") as stream:
        for group in stream.values():
            symbols = [ELEMENTS[k] for k in np.asarray(group["type.raw"], dtype=int)]
            for name in sorted(n for n in group if n.startswith("set.")):
                coordinates = np.asarray(group[name]["coord.npy"], dtype=float)
                boxes = np.asarray(group[name]["box.npy"], dtype=float)
                for x, box in zip(coordinates, boxes, strict=True):
                    frame = Atoms(symbols, positions=x.reshape(-1, 3), cell=box.reshape(3, 3),
                                  pbc=True)  # fmt: skip
                    for pair, value in closest(frame).items():
                        best[pair] = min(value, best.get(pair, np.inf))
    return best


def repulsion(first: str, second: str, r: float) -> float:
    """Return the bare ZBL energy in eV at a distance in angstrom (no cut-off).

    Raises
    ------
    InputError
        For an unknown element or a distance that is not positive.
    """
    if not r > 0:
        raise InputError(f"distance {r}: expected a positive one in angstrom")
    reach(first, second)
    za, zb = CHARGES[first], CHARGES[second]
    x = r * (za**0.23 + zb**0.23) / 0.46850
    screening = (0.18175 * np.exp(-3.19980 * x) + 0.50986 * np.exp(-0.94229 * x)
                 + 0.28022 * np.exp(-0.40290 * x) + 0.02817 * np.exp(-0.20162 * x))  # fmt: skip
    return float(14.399645 * za * zb / r * screening)


def pair_commands(
    models: Path | str | Sequence[Path | str],
    *,
    guard: bool = True,
    deviation: tuple[str, int] | None = None,
) -> str:
    """Return the ``pair_style`` and ``pair_coeff`` lines for types Li, F, Cl, Ga.

    Parameters
    ----------
    models:
        One frozen model, or several: the first drives, all give the deviation.
    guard:
        Add the repulsion at short range.
    deviation:
        File and interval in steps of the model deviation; only with several models.

    Raises
    ------
    LammpsError
        If a model file is missing; the message says how to make it.
    InputError
        For no model, or a deviation of one model.
    """
    files = [Path(models)] if isinstance(models, str | Path) else [Path(m) for m in models]
    if not files:
        raise InputError("no model given: expected one or more")
    for file in files:
        if not file.is_file():
            raise LammpsError(f"{file}: no such model; {MAKE_MODEL}")
    style = "deepmd " + " ".join(scripts.quoted(file.resolve()) for file in files)
    if deviation is not None:
        if len(files) < 2:
            raise InputError("a model deviation needs two models or more")
        style += f" out_file {deviation[0]} out_freq {deviation[1]}"
    if not guard:
        return f"pair_style {style}\npair_coeff * * {' '.join(ELEMENTS)}\n"
    shells = " ".join(f"zbl {inner:g} {outer:g}" for inner, outer in SHELLS)
    lines = [f"pair_style hybrid/overlay {style} {shells}",
             f"pair_coeff * * deepmd {' '.join(ELEMENTS)}"]  # fmt: skip
    for first, second in PAIRS:
        shell = SHELLS.index(reach(first, second)) + 1
        a, b = ELEMENTS.index(first) + 1, ELEMENTS.index(second) + 1
        lines.append(f"pair_coeff {a} {b} zbl {shell} {CHARGES[first]} {CHARGES[second]}")
    return "\n".join(lines) + "\n"
