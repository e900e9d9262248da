"""Where the walks of the active loop start: 32 to 96 atoms of every environment.

Crystals and slabs come from the relaxed cells that ship with the book.  Melts of
four compositions are packed at random.  And there are pieces of the particle
assembly of the paper's Supplementary Note 2: two particles cut from a LiCl|GaF3
slab, the second turned by 90 degrees, with a gap between them that the walk closes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from repro import data
from repro.errors import InputError
from repro.potential import frames
from repro.potential.structures import SEEDS, random_melt, slab

STRUCTURES = "potential/structures/structures.extxyz"
GLASS_VOLUME = 15.0  # cubic angstrom per atom, near that of the 2:1 glass


@dataclass(frozen=True)
class Start:
    """A walk of the active loop.

    Attributes
    ----------
    family, kind:
        Key of the label set; ``"crystal"``, ``"hypothetical"``, ``"slab"``,
        ``"melt"`` or ``"assembly"``.
    build:
        Returns the first structure.
    reference:
        Volume in cubic angstrom that the schedule scales.
    quota:
        Frames to choose per round.
    volume:
        Half width of the volume scan.
    strain:
        Width of random stretch and shear.
    pack:
        Whether the first structure must be minimised before it is heated.
    """

    family: str
    kind: str
    build: Callable[[], Atoms]
    reference: float
    quota: int
    volume: float = 0.11
    strain: float = 0.02
    pack: bool = False


# Repetitions of the relaxed cells that give 32 to 48 atoms where the first labels
# took more, under a family name of their own (a family has one composition).
SMALLER = {"LiCl": (2, 2, 1), "LiF": (2, 2, 1)}


def particles(licl_layers: int = 2, gaf3_layers: int = 1, *, gap: float = 2.8) -> Atoms:
    """Return two particles of LiCl|GaF3, the second turned by 90 degrees, in a cell.

    Parameters
    ----------
    licl_layers, gaf3_layers:
        Thickness of each particle's blocks (:func:`~repro.potential.structures.slab`).
    gap:
        Space around each particle in angstrom; the paper's relaxation closes it.

    Raises
    ------
    InputError
        If the gap is not positive.
    """
    if not gap > 0:
        raise InputError(f"gap {gap}: expected a positive distance in angstrom")
    one = slab(licl_layers, gaf3_layers)
    one.pbc = False
    two = one.copy()
    two.rotate(90, "y")
    first, second = (block.positions - block.positions.min(axis=0) for block in (one, two))
    second = second + np.array([first[:, 0].max() + gap, 0.0, 0.0])
    positions = np.vstack([first, second])
    both = Atoms(one.get_chemical_symbols() * 2, positions=positions, pbc=True)
    both.set_cell(positions.max(axis=0) + gap)
    return both


def _cell(family: str, repeat: tuple[int, int, int]) -> Callable[[], Atoms]:
    def build() -> Atoms:
        for atoms in frames.read_shard(data.path(STRUCTURES)):
            if atoms.info["family"] == family:
                return atoms.repeat(repeat)
        raise InputError(f"{family}: not in {STRUCTURES}")

    return build


def _melt(name: str, licl: int, gaf3: int, seed: int, quota: int) -> Start:
    atoms = 2 * licl + 4 * gaf3
    return Start(
        name, "melt", lambda: random_melt(licl, gaf3, volume_per_atom=16.5, seed=seed),
        reference=GLASS_VOLUME * 1.08 * atoms, quota=quota, volume=0.18, strain=0.03, pack=True,
    )  # fmt: skip


def starts() -> dict[str, Start]:
    """Return the walks by family."""
    made = []
    for name, seed in SEEDS.items():
        if seed.kind == "melt":
            continue
        repeat = SMALLER.get(name, seed.repeat)
        family = f"{name}-32" if name in SMALLER else name
        volume = _cell(name, repeat)().get_volume()
        quota = {"slab-6-3": 25, "slab-4-2": 50}.get(name, 70)
        made.append(Start(family, seed.kind, _cell(name, repeat), volume, quota,
                          volume=0.15 if seed.kind == "slab" else 0.11))  # fmt: skip
    made += [
        _melt("melt-2-1-40", 10, 5, 31, 130), _melt("melt-3-1-40", 12, 4, 32, 130),
        _melt("melt-4-1-36", 12, 3, 33, 80), _melt("melt-1-1-36", 6, 6, 34, 80),
        _melt("melt-2-1", 16, 8, 13, 40), _melt("melt-2-1-small", 8, 4, 11, 80),
    ]  # fmt: skip
    pair = particles()
    made.append(Start("assembly", "assembly", particles, GLASS_VOLUME * 1.05 * len(pair), 80,
                      volume=0.16, strain=0.03, pack=True))  # fmt: skip
    return {start.family: start for start in made}
