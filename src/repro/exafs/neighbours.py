r"""What surrounds gallium in the snapshots: counts, distances, and whether a crystal is still one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ase import Atoms
from numpy.typing import NDArray

from repro.clay import mixing, salts
from repro.clay.chapter import over_seeds
from repro.errors import InputError
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
CRYSTALS = {"GaF3": ("F", 6), "GaCl3": ("Cl", 4)}
"""Anion and neighbours of gallium in each crystal."""


@dataclass(frozen=True)
class Count:
    """Neighbours of gallium straight from the frames.

    Attributes
    ----------
    fluorine, chlorine:
        Mean numbers within the bond lengths, with errors over runs, or over frames where there
        is one run only.
    share:
        The GaCl3-like share that they stand for (:mod:`repro.exafs.exafs_chapter`).
    """

    fluorine: Estimate
    chlorine: Estimate
    share: Estimate


def count(frames: Iterable[Atoms], *, salt: float = 6.0, molecular: float = 4.0) -> Count:
    """Return the neighbours of gallium in frames, and the share they stand for.

    Parameters
    ----------
    frames:
        With ``frame_id``; frames of one id are one run, whose mean counts once.  Errors are over
        runs, or over frames where there is one run only.
    salt, molecular:
        F around Ga in GaF3 and Cl around Ga in GaCl3.

    Raises
    ------
    InputError
        For no frames, or numbers that are not positive.
    """
    if not salt > 0 or not molecular > 0:
        raise InputError(f"salt={salt:g}, molecular={molecular:g}: expected above 0")
    rows = []
    for frame in frames:
        bonds = mixing.bonds(frame)
        own = bonds.symbols == "Ga"
        rows.append((str(frame.info.get("frame_id", "")), float(bonds.number("Ga", "F")[own].mean()),
                     float(bonds.number("Ga", "Cl")[own].mean())))  # fmt: skip
    if not rows:
        raise InputError("no frames: expected one or more")
    table = pd.DataFrame(rows, columns=["run", "F", "Cl"])
    runs = table.groupby("run", sort=False)[["F", "Cl"]].mean()
    units = (runs if len(runs) > 1 else table[["F", "Cl"]]).to_numpy()
    shares = units[:, 1] / molecular / (units[:, 1] / molecular + units[:, 0] / salt)
    fluorine, chlorine, share = (over_seeds(x.tolist()) for x in (*units.T, shares))
    return Count(fluorine, chlorine, share)


def lengths(frame: Atoms) -> dict[str, Floats]:
    """Return the lengths of gallium's bonds to F and to Cl in a frame, angstrom."""
    found = mixing.bonds(frame)
    distance = np.linalg.norm(found.vector, axis=1)
    return {element: distance[found.of("Ga", element)] for element in ("F", "Cl")}


def chlorine_lengths(frames: Iterable[Atoms]) -> dict[str, Floats]:
    """Return lengths of Ga-Cl bonds, angstrom: ``terminal`` and ``bridging`` (two Ga or more).

    Raises
    ------
    InputError
        For no frames.
    """
    parts: dict[str, list[Floats]] = {"terminal": [], "bridging": []}
    for frame in frames:
        found = mixing.bonds(frame)
        own = found.of("Ga", "Cl")
        distance = np.linalg.norm(found.vector[own], axis=1)
        several = found.number("Ga", "Cl")[found.anion[own]] > 1
        parts["terminal"].append(distance[~several])
        parts["bridging"].append(distance[several])
    if not parts["terminal"]:
        raise InputError("no frames: expected one or more")
    return {name: np.concatenate(every) for name, every in parts.items()}


def bond_row(frames: Iterable[Atoms]) -> dict[str, float]:
    """Return neighbours, mean length and its standard deviation (angstrom) over frames.

    Keys ``n F``, ``Ga-F``, ``spread F`` and the same for Cl; NaN where there is no bond.

    Raises
    ------
    InputError
        For no frames.
    """
    every: dict[str, list[Floats]] = {"F": [], "Cl": []}
    gallium = 0
    for frame in frames:
        gallium += frame.get_chemical_symbols().count("Ga")
        for element, found in lengths(frame).items():
            every[element].append(found)
    if not gallium:
        raise InputError("no gallium in no frame: expected one frame or more")
    row: dict[str, float] = {}
    for element, parts in every.items():
        all_of = np.concatenate(parts)
        row[f"n {element}"] = len(all_of) / gallium
        row[f"Ga-{element}"] = float(all_of.mean()) if len(all_of) else float("nan")
        row[f"spread {element}"] = float(all_of.std()) if len(all_of) else float("nan")
    return row


@dataclass(frozen=True)
class CrystalCheck:
    """Whether a crystal stayed one.

    Attributes
    ----------
    whole:
        Share of gallium with as many neighbours as the crystal has, all frames.
    moved:
        Root mean square distance of atoms from their mean place, angstrom, drift taken off.
    molecules:
        Gallium atoms in the largest group linked by anions; 2 in Ga2Cl6, all in GaF3.
    density:
        g/cm^3, mean over frames.
    """

    whole: float
    moved: float
    molecules: int
    density: float


def _largest(frame: Atoms) -> int:
    """Return how many gallium atoms are linked through anions, in the largest group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    found = mixing.bonds(frame)
    n = len(frame)
    links = coo_array((np.ones(len(found.metal)), (found.metal, found.anion)), shape=(n, n))
    _, group = connected_components(links, directed=False)
    own = np.array(frame.get_chemical_symbols()) == "Ga"
    return int(np.bincount(group[own]).max())


def crystal_check(name: str, frames: Sequence[Atoms]) -> CrystalCheck:
    """Return whether a crystal of :data:`CRYSTALS` is still one.

    Parameters
    ----------
    name:
        ``GaF3`` or ``GaCl3``.
    frames:
        Snapshots of the same atoms in the same order, two or more.

    Raises
    ------
    InputError
        For another crystal, or fewer than two frames.
    """
    if name not in CRYSTALS:
        raise InputError(f"crystal {name!r}: expected {' or '.join(CRYSTALS)}")
    if len(frames) < 2:
        raise InputError(f"{len(frames)} frames: expected 2 or more")
    anion, wanted = CRYSTALS[name]
    right = total = 0
    first = frames[0].get_scaled_positions(wrap=False)
    places, density = [], []
    for frame in frames:
        found = mixing.bonds(frame)
        own = found.symbols == "Ga"
        right += int((found.number("Ga", anion)[own] == wanted).sum())
        total += int(own.sum())
        share = frame.get_scaled_positions(wrap=False)
        share = share - np.round(share - first)
        places.append((share - share.mean(axis=0) + first.mean(axis=0)) @ frame.cell.array)
        density.append(salts.density(frame))
    x = np.array(places)
    # The cell breathes: places are compared after the mean of each frame is taken off.
    x = x - x.mean(axis=1, keepdims=True)
    moved = float(np.sqrt(((x - x.mean(axis=0)) ** 2).sum(axis=2).mean()))
    return CrystalCheck(
        right / total, moved, max(_largest(f) for f in frames), float(np.mean(density))
    )
