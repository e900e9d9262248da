"""The salts LiCl and GaF3: measures of exchange in ideal states, and densities.

The measures, xi and chi among them, are defined in :mod:`repro.clay.mixing`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from ase import Atoms, units

from repro.errors import InputError

DENSITIES: dict[str, float] = {"LiCl": 2.07, "GaF3": 4.47}
"""Measured densities of the salts, g/cm^3 (CRC Handbook of Chemistry and Physics)."""
SALTS: dict[str, dict[str, int]] = {"LiCl": {"Li": 1, "Cl": 1}, "GaF3": {"Ga": 1, "F": 3}}


@dataclass(frozen=True)
class Limit:
    """The four measures of exchange in an ideal state; NaN where it does not fix them.

    Chlorine share of gallium's bonds (xi), shares of Cl (chi) and of F with a Ga
    neighbour, fluorine share of lithium's bonds.
    """

    gallium_chlorine_share: float
    chlorine_on_gallium: float
    fluorine_on_gallium: float
    lithium_fluorine_share: float


MEASURES = tuple(field.name for field in fields(Limit))


def composition(frame: Atoms) -> dict[str, int]:
    """Return the number of atoms of each element, in the order of their names."""
    return dict(sorted(Counter(frame.get_chemical_symbols()).items()))


def _salts(atoms: Mapping[str, float]) -> tuple[float, float]:
    """Return the numbers of LiCl and GaF3 that make up these atoms."""
    licl, gaf3 = atoms.get("Li", 0), atoms.get("Ga", 0)
    made = {"Li": licl, "Cl": licl, "Ga": gaf3, "F": 3 * gaf3}
    if set(atoms) - set(made) or licl < 0 or gaf3 < 0 or licl + gaf3 == 0 or any(
        not np.isclose(atoms.get(e, 0), n) for e, n in made.items()
    ):  # fmt: skip
        raise InputError(f"{dict(atoms)}: expected a mixture of LiCl and GaF3")
    return licl, gaf3


def limits(atoms: Mapping[str, float]) -> dict[str, Limit]:
    """Return the measures of exchange in ideal states of a composition.

    Shells are those of the crystals: Ga with 6 F or 4 Cl, Li with 6 of either.

    - ``unmixed``: LiCl and GaF3.
    - ``random``: each bond ends at an anion drawn at random; the shares of anions on Ga
      then depend on how many bonds there are, and are NaN.
    - ``Li3GaF6 + GaCl3``: 3 LiCl + 2 GaF3 react until one of them is used up (the paper's
      end product); for 2 LiCl + GaF3 the measures are 2/5, 3/4, 1 and 3/4.
    - ``LiF + GaCl3``: 3 LiCl + GaF3 react likewise; for 2 LiCl + GaF3: 4/7, 1, 1/3 and 1.

    LiCl that is left over may still join GaCl3 to LiGaCl4, which moves chi up to 1 and
    leaves xi as it is.

    Parameters
    ----------
    atoms:
        Amounts of Li, Cl, Ga and F, e.g. from :func:`composition`.

    Raises
    ------
    InputError
        If these are not LiCl and GaF3, both of them.
    """
    licl, gaf3 = _salts(atoms)
    if not licl or not gaf3:
        raise InputError(f"{dict(atoms)}: expected both LiCl and GaF3 for an exchange")

    def after(chlorides: float, fluorine_on_gallium: float) -> Limit:
        moved, fluorides = 3 * chlorides / licl, gaf3 - chlorides
        share = 4 * chlorides / (4 * chlorides + 6 * fluorides)
        return Limit(share, moved, fluorine_on_gallium, moved)

    chlorine = licl / (licl + 3 * gaf3)
    half, full = min(licl / 3, gaf3 / 2), min(licl / 3, gaf3)
    return {
        "unmixed": after(0.0, 1.0),
        "random": Limit(chlorine, float("nan"), float("nan"), 1 - chlorine),
        "Li3GaF6 + GaCl3": after(half, 1.0),
        "LiF + GaCl3": after(full, 1 - full / gaf3),
    }


def density(frame: Atoms) -> float:
    """Return the mass density of a frame, g/cm^3."""
    return float(frame.get_masses().sum() / frame.get_volume() * units._amu * 1e27)


def ideal_density(
    atoms: Mapping[str, float], *, densities: Mapping[str, float] = DENSITIES
) -> float:
    """Return the density of the unmixed salts side by side, g/cm^3: mass over sum of volumes.

    Parameters
    ----------
    atoms:
        Amounts of Li, Cl, Ga and F, e.g. from :func:`composition`.
    densities:
        Of LiCl and GaF3, g/cm^3; measured ones by default.

    Raises
    ------
    InputError
        If the atoms are no mixture of the salts, or a density is missing or not positive.
    """
    if any(not densities.get(salt, 0) > 0 for salt in SALTS):
        raise InputError(f"densities {dict(densities)}: expected positive ones of LiCl and GaF3")
    masses = {salt: amount * float(Atoms(salt).get_masses().sum())
              for salt, amount in zip(SALTS, _salts(atoms), strict=True)}  # fmt: skip
    return sum(masses.values()) / sum(mass / densities[salt] for salt, mass in masses.items())
