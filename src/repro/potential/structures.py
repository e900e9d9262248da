"""Starting structures of the training set: 13 crystals, 3 slabs, 4 melts.

The paper's list of 13 crystals is not public.  Ours holds every insulating phase
of Ga-F-Li-Cl for which honest coordinates or a prototype could be had, and then
prototypes that bring in the coordinations the clay needs: four-fold Ga-F,
six-fold Ga-Cl, four-fold Li, and Ga with both anions.  Metals (Li, Ga, LiGa) are
left out: no simulation of the book meets them, and a Gamma-only DFT check would
say little about them.

All coordinates below are rounded starting points.  What is shipped was relaxed
with the teacher (``tools/potential_structures.py``) and is a model result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.spacegroup import crystal
from numpy.typing import NDArray

from repro.errors import InputError
from repro.potential.ionic import order

_MP = "Materials Project {} (PBE cell), through the matcalc benchmark data"
_CRYOLITE = (
    "cryolite type P2_1/n, coordinates rounded from Hawthorne & Ferguson, "
    "Can. Mineral. 13, 377 (1975), AMCSD 0005118; Na -> Li, Al -> Ga: no Li3GaF6 "
    "coordinates were at hand"
)
_LIALCL4 = "LiAlCl4 type P2_1/c (AMCSD 12335), Al -> Ga"


@dataclass(frozen=True)
class Seed:
    """A small cell to relax, and how often to repeat it.

    Attributes
    ----------
    name:
        Key of the family in every label set.
    kind:
        ``"crystal"``, ``"hypothetical"``, ``"slab"`` or ``"melt"``.
    build:
        Returns the cell before relaxation.
    repeat:
        Repetition that gives the sampling cell (32 to 96 atoms).
    small:
        Repetition for DFT (at most 48 atoms).
    source:
        Where the starting coordinates come from.
    """

    name: str
    kind: str
    build: Callable[[], Atoms]
    repeat: tuple[int, int, int]
    small: tuple[int, int, int]
    source: str


def _rock_salt(anion: str, a: float) -> Atoms:
    return crystal(["Li", anion], [(0, 0, 0), (0.5, 0.5, 0.5)], spacegroup=225,
                   cellpar=[a, a, a, 90, 90, 90])  # fmt: skip


def _wurtzite() -> Atoms:
    return crystal(["Li", "Cl"], [(1 / 3, 2 / 3, 0.375), (1 / 3, 2 / 3, 0.0)], spacegroup=186,
                   cellpar=[3.95, 3.95, 6.4, 90, 90, 120])  # fmt: skip


def _alpha_gaf3() -> Atoms:
    return crystal(["Ga", "F"], [(0, 0, 0), (0.4, 0, 0.25)], spacegroup=167,
                   cellpar=[5.1, 5.1, 13.1, 90, 90, 120])  # fmt: skip


def _beta_gaf3() -> Atoms:
    return crystal(
        ["Ga", "Ga", "F", "F", "F", "F"],
        [(0, 0.5, 0), (0.25, 0.25, 0), (0.18, 0.393, 0.039), (0, 0.21, 0.539),
         (0.216, 0.222, 0.25), (0, 0.467, 0.75)],
        spacegroup=63, cellpar=[7.21, 12.398, 7.333, 90, 90, 90], primitive_cell=True,
    )  # fmt: skip


def _gacl3(bridge: str = "Cl") -> Atoms:
    return crystal(
        ["Ga", bridge, "Cl", "Cl"],
        [(0.155, 0.5, 0.084), (0, 0.279, 0), (0.187, 0, 0.569), (0.189, 0.5, 0.835)],
        spacegroup=12, cellpar=[12.50, 7.486, 7.446, 90, 126.38, 90], primitive_cell=True,
    )  # fmt: skip


def _gacl3_layered() -> Atoms:
    return crystal(
        ["Ga", "Cl", "Cl"], [(0, 0.167, 0), (0.25, 0.318, 0.21), (0.205, 0, 0.211)],
        spacegroup=12, cellpar=[6.15, 10.65, 6.65, 90, 107.1, 90], primitive_cell=True,
    )  # fmt: skip


def _gacl2() -> Atoms:
    return crystal(
        ["Ga", "Ga", "Cl", "Cl"],
        [(0.173, 0.25, 0.75), (0.25, 0, 0.181), (0.006, 0.040, 0.310), (0.165, 0.675, 0.443)],
        spacegroup=52, cellpar=[7.203, 9.885, 9.918, 90, 90, 90],
    )  # fmt: skip


def _ligax4(anions: tuple[str, str, str, str], scale: float = 1.0) -> Atoms:
    a, b, c = 7.03 * scale, 6.52 * scale, 13.05 * scale
    return crystal(
        ["Li", "Ga", *anions],
        [(0.157, 0.517, 0.867), (0.294, 0.678, 0.101), (0.074, 0.682, 0.686),
         (0.191, 0.128, 0.572), (0.306, 0.683, 0.453), (0.439, 0.186, 0.313)],
        spacegroup=14, cellpar=[a, b, c, 90, 93.3, 90],
    )  # fmt: skip


def _cryolite(anion: str, a: float, b: float, c: float) -> Atoms:
    sites = [("Ga", 0, 0, 0), ("Li", 0, 0, 0.5), ("Li", 0.51, -0.05, 0.25),
             (anion, 0.10, 0.05, 0.22), (anion, -0.27, 0.17, 0.05),
             (anion, 0.16, 0.27, -0.06)]  # fmt: skip
    symbols: list[str] = []
    scaled: list[NDArray[np.float64]] = []
    for symbol, x, y, z in sites:
        # General positions of P2_1/n (unique axis b).
        for point in ((x, y, z), (-x, -y, -z), (0.5 - x, 0.5 + y, 0.5 - z),
                      (0.5 + x, 0.5 - y, 0.5 + z)):  # fmt: skip
            new = np.mod(np.asarray(point, dtype=float), 1.0)
            if all(np.abs((new - old + 0.5) % 1.0 - 0.5).max() > 1e-3 for old in scaled):
                symbols.append(symbol)
                scaled.append(new)
    return Atoms(symbols, scaled_positions=scaled, cell=[a, b, c, 90, 90.2, 90], pbc=True)


def slab(licl_layers: int, gaf3_layers: int, *, gap: float = 2.3) -> Atoms:
    """Return an alternating stack of (001) LiCl and pseudo-cubic (001) GaF3.

    Both fit a 7.38 angstrom square: 2 x 2 primitive squares of LiCl (3.63) are
    stretched by 1.6 %, 2 x 2 GaF3 octahedra (3.75) squeezed by the same.

    Raises
    ------
    InputError
        If a block has no layer.
    """
    if licl_layers < 1 or gaf3_layers < 1:
        raise InputError(f"slab({licl_layers}, {gaf3_layers}): each block needs a layer or more")
    side, d_licl, d_gaf3 = 7.38, 2.55, 3.80
    symbols: list[str] = []
    positions: list[tuple[float, float, float]] = []
    for k in range(licl_layers):
        for i in range(2):
            for j in range(2):
                x, y = i * side / 2, j * side / 2
                shift = side / 4
                first, second = ("Li", "Cl") if k % 2 == 0 else ("Cl", "Li")
                positions += [(x, y, k * d_licl), (x + shift, y + shift, k * d_licl)]
                symbols += [first, second]
    base = (licl_layers - 1) * d_licl + gap
    step = side / 2
    for k in range(gaf3_layers):
        z = base + k * d_gaf3
        for i in range(2):
            for j in range(2):
                x, y = i * step, j * step
                symbols += ["Ga", "F", "F", "F"]
                positions += [(x, y, z), (x + step / 2, y, z), (x, y + step / 2, z),
                              (x, y, z + d_gaf3 / 2)]  # fmt: skip
    height = base + (gaf3_layers - 0.5) * d_gaf3 + gap
    return Atoms(symbols, positions=positions, cell=[side, side, height], pbc=True)


def _nearest(first: str, second: str) -> float:
    # Closest approach allowed in a random packing, in angstrom.
    cations = {"Li", "Ga"}
    if (first in cations) == (second in cations):
        return 2.5
    return 2.1 if "Cl" in (first, second) else 1.75


def random_melt(licl: int, gaf3: int, *, volume_per_atom: float, seed: int) -> Atoms:
    """Return a random melt of LiCl and GaF3: packed, then ordered by charge.

    Parameters
    ----------
    licl, gaf3:
        Formula units of each salt.
    volume_per_atom:
        In cubic angstrom; the ideal mixture of the solid salts 2:1 has 14.4.
    seed:
        Of the random start.

    Raises
    ------
    InputError
        If the packing cannot be made free of close contacts.
    """
    symbols = ["Li", "Cl"] * licl + ["Ga", "F", "F", "F"] * gaf3
    count = len(symbols)
    side = (volume_per_atom * count) ** (1 / 3)
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.0, side, (count, 3))
    wanted = np.array([[_nearest(a, b) for b in symbols] for a in symbols])
    np.fill_diagonal(wanted, 0.0)
    for _ in range(4000):
        vectors = x[:, None] - x[None]
        vectors -= side * np.round(vectors / side)
        r = np.linalg.norm(vectors, axis=2) + np.eye(count)
        short = np.clip(wanted - r, 0.0, None)
        if short.max() < 0.05:
            packed = Atoms(symbols, positions=np.mod(x, side), cell=[side] * 3, pbc=True)
            return order(packed, seed=seed)
        x = x + 0.4 * (vectors / r[..., None] * short[..., None]).sum(axis=1)
        x += rng.normal(scale=0.01, size=x.shape)
    raise InputError(f"no packing of {count} atoms at {volume_per_atom} A^3/atom without contacts")


_SEEDS = (
    Seed("LiCl", "crystal", lambda: _rock_salt("Cl", 5.13), (2, 2, 2), (2, 2, 1),
         "rock salt; " + _MP.format("mp-22905")),
    Seed("LiF", "crystal", lambda: _rock_salt("F", 4.06), (2, 2, 2), (2, 2, 1),
         "rock salt; " + _MP.format("mp-1138")),
    Seed("GaF3-alpha", "crystal", _alpha_gaf3, (2, 1, 1), (2, 1, 1),
         "AlF3 type R-3c (AMCSD 13259), Al -> Ga"),
    Seed("GaF3-beta", "crystal", _beta_gaf3, (1, 1, 2), (1, 1, 1),
         "hexagonal tungsten bronze type Cmcm; cell of AMCSD 13626"),
    Seed("GaCl3", "crystal", _gacl3, (2, 2, 1), (2, 1, 1),
         "Ga2Cl6 molecules, C2/m; " + _MP.format("mp-30952")),
    Seed("GaCl2", "crystal", _gacl2, (2, 1, 1), (1, 1, 1),
         "Ga+[GaCl4]-, Pnna; " + _MP.format("mp-568848")),
    Seed("LiGaCl4", "crystal", lambda: _ligax4(("Cl", "Cl", "Cl", "Cl")), (1, 2, 1), (1, 1, 1),
         _LIALCL4),
    Seed("Li3GaF6", "crystal", lambda: _cryolite("F", 5.1, 5.25, 7.3), (2, 1, 1), (2, 1, 1),
         _CRYOLITE),
    Seed("LiCl-wurtzite", "hypothetical", _wurtzite, (3, 2, 2), (2, 2, 2),
         "wurtzite type P6_3mc (as LiBr mp-976280): four-fold Li"),
    Seed("GaCl3-layered", "hypothetical", _gacl3_layered, (2, 2, 1), (2, 1, 1),
         "AlCl3 type C2/m (as mp-25469): six-fold Ga-Cl"),
    Seed("LiGaF4", "hypothetical", lambda: _ligax4(("F", "F", "F", "F"), 0.81), (1, 2, 1),
         (1, 1, 1), _LIALCL4 + ", Cl -> F: four-fold Ga-F"),
    Seed("LiGaCl2F2", "hypothetical", lambda: _ligax4(("F", "F", "Cl", "Cl"), 0.92), (1, 2, 1),
         (1, 1, 1), _LIALCL4 + ", half of Cl -> F: mixed tetrahedra"),
    Seed("GaCl2F", "hypothetical", lambda: _gacl3("F"), (2, 2, 1), (2, 1, 1),
         "as GaCl3, the bridging Cl -> F: mixed molecules"),
    Seed("slab-2-2", "slab", lambda: slab(2, 2), (1, 1, 1), (1, 1, 1), "built by slab(2, 2)"),
    Seed("slab-4-2", "slab", lambda: slab(4, 2), (1, 1, 1), (1, 1, 1), "built by slab(4, 2)"),
    Seed("slab-6-3", "slab", lambda: slab(6, 3), (1, 1, 1), (1, 1, 1), "built by slab(6, 3)"),
    Seed("melt-2-1-small", "melt", lambda: random_melt(8, 4, volume_per_atom=16.5, seed=11),
         (1, 1, 1), (1, 1, 1), "random packing 2LiCl-GaF3"),
    Seed("melt-3-1-small", "melt", lambda: random_melt(9, 3, volume_per_atom=16.8, seed=12),
         (1, 1, 1), (1, 1, 1), "random packing 3LiCl-GaF3 (30 atoms)"),
    Seed("melt-2-1", "melt", lambda: random_melt(16, 8, volume_per_atom=16.5, seed=13),
         (1, 1, 1), (1, 1, 1), "random packing 2LiCl-GaF3"),
    Seed("melt-3-1", "melt", lambda: random_melt(18, 6, volume_per_atom=16.8, seed=14),
         (1, 1, 1), (1, 1, 1), "random packing 3LiCl-GaF3"),
)  # fmt: skip
SEEDS: dict[str, Seed] = {seed.name: seed for seed in _SEEDS}
