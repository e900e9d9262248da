"""A rough ionic liquid, to give random packings the charge order of a melt.

Packing ions at random puts cations next to cations.  A short run with the teacher
does not mend that: Ga-Ga and Cl-F bonds form, the frame loses its gap and DFT does
not converge on it.  A few picoseconds with screened charges and a soft core cost a
second and give every Ga its anions; the teacher's run starts from there.  Nothing
of this model is in any label.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray
from scipy.special import erfc

from repro.errors import InputError

CHARGE = {"Li": 0.7, "Ga": 2.1, "F": -0.7, "Cl": -0.7}
COULOMB = 14.399645  # eV angstrom
SOFTNESS = 0.28  # decay length of the core repulsion, angstrom
_CONTACT = {("Li", "F"): 1.95, ("Li", "Cl"): 2.40, ("Ga", "F"): 1.88, ("Ga", "Cl"): 2.25}
_LIKE = {("F", "F"): 2.6, ("Cl", "Cl"): 3.3, ("F", "Cl"): 3.0}
_MASS = 40.0
_TEMPERATURES, _STEPS, _TIMESTEP = (4000.0, 2500.0, 1500.0, 800.0), 350, 3.0  # K, at each, fs


def _lookup(table: dict[tuple[str, str], float], a: str, b: str, default: float) -> float:
    return table.get((a, b), table.get((b, a), default))


class IonicLiquid:
    """Forces of the rough model for the ions of a cubic box.

    Parameters
    ----------
    symbols:
        Elements of :data:`CHARGE`.
    side:
        Edge of the box in angstrom.

    Raises
    ------
    InputError
        For another element.
    """

    def __init__(self, symbols: list[str], side: float) -> None:
        unknown = sorted(set(symbols) - set(CHARGE))
        if unknown:
            raise InputError(f"element {unknown[0]!r}: expected one of {', '.join(CHARGE)}")
        q = np.array([CHARGE[s] for s in symbols])
        self.side, self.cutoff = side, side / 2
        self.screening = 1.6 / self.cutoff
        self.product = COULOMB * np.outer(q, q)
        contact = [[_lookup(_CONTACT, a, b, _lookup(_LIKE, a, b, 3.2)) for b in symbols]
                   for a in symbols]  # fmt: skip
        self.contact = np.array(contact)
        # Core strength: unlike ions balance their attraction at the contact distance.
        opposite = self.product < 0
        self.core = np.where(opposite, SOFTNESS * np.abs(self.product) / self.contact**2, 0.15)

    def forces(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the forces (N, 3) in eV/angstrom at positions (N, 3)."""
        d = x[:, None] - x[None]
        d -= self.side * np.round(d / self.side)
        r2 = np.einsum("ijk,ijk->ij", d, d)
        np.fill_diagonal(r2, np.inf)
        r = np.sqrt(np.minimum(r2, 1e4))
        a = self.screening
        coulomb = self.product * (erfc(a * r) / r**2
                                  + 2 * a / np.sqrt(np.pi) * np.exp(-((a * r) ** 2)) / r)  # fmt: skip
        core = self.core / SOFTNESS * np.exp(np.minimum((self.contact - r) / SOFTNESS, 12.0))
        size = np.where(r < self.cutoff, coulomb + core, 0.0) / r
        total: NDArray[np.float64] = (d * size[..., None]).sum(axis=1)
        return total


def order(atoms: Atoms, *, seed: int) -> Atoms:
    """Return a packing after a Langevin run in the rough model, hot to cool.

    Parameters
    ----------
    atoms:
        Ions in a cubic box.
    seed:
        Of the thermostat.

    Raises
    ------
    InputError
        If the box is not cubic.
    """
    side = float(atoms.cell.lengths()[0])
    if not np.allclose(atoms.cell.array, side * np.eye(3)):
        raise InputError("the ionic liquid needs a cubic box")
    model = IonicLiquid(atoms.get_chemical_symbols(), side)
    rng = np.random.default_rng(seed)
    x, dt = atoms.get_positions(), _TIMESTEP * units.fs
    v, f = np.zeros_like(x), model.forces(x)
    keep = np.exp(-0.05 * _TIMESTEP)
    for temperature in _TEMPERATURES:
        sigma = np.sqrt(units.kB * temperature / _MASS)
        for _ in range(_STEPS):
            v += 0.5 * dt * np.clip(f, -30.0, 30.0) / _MASS
            x = x + 0.5 * dt * v
            v = keep * v + np.sqrt(1 - keep**2) * sigma * rng.normal(size=v.shape)
            x = x + 0.5 * dt * v
            f = model.forces(x)
            v += 0.5 * dt * np.clip(f, -30.0, 30.0) / _MASS
    new = atoms.copy()
    new.positions = np.mod(x, side)
    return new
