"""Reactions at the interface of two salts, against their mixing ratio.

pymatgen's :class:`InterfacialReactivity` walks along the line between two
compositions and finds every mixture at which the set of stable products changes
(a *kink*).  Between kinks the energy per atom is linear in the atomic fraction,
so the most negative kink is the largest driving force.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.analysis.interface_reactions import InterfacialReactivity
from pymatgen.analysis.phase_diagram import PhaseDiagram

from repro.errors import InputError
from repro.thermo.energies import EnergyTable, composition
from repro.thermo.reactions import Reaction


@dataclass(frozen=True)
class Kink:
    """One corner of the energy against mixing ratio.

    Attributes
    ----------
    ratio:
        Moles of the first salt per mole of the second; inf for the first alone.
    atomic_fraction:
        Atoms of the first salt per atom of the mixture.
    energy:
        meV per atom of the mixture.
    reaction:
        Balanced; the ends are a salt turning into itself.
    """

    ratio: float
    atomic_fraction: float
    energy: float
    reaction: Reaction

    @property
    def molar_fraction(self) -> float:
        """Moles of the first salt per mole of both salts."""
        return 1.0 if math.isinf(self.ratio) else self.ratio / (1.0 + self.ratio)


@dataclass(frozen=True)
class InterfaceScan:
    """Energy against mixing ratio for two salts.

    Attributes
    ----------
    first, second:
        Reduced formulas of the salts.
    kinks:
        From the second salt alone (ratio 0) to the first alone (ratio inf).
    source:
        Name of the energy table.
    """

    first: str
    second: str
    kinks: tuple[Kink, ...]
    source: str

    @property
    def strongest(self) -> Kink:
        """The kink of most negative energy; an end of the line if nothing reacts."""
        return min(self.kinks, key=lambda k: k.energy)

    @property
    def reacts(self) -> bool:
        """Whether any mixture gains energy by reacting, beyond rounding (1e-3 meV/atom)."""
        ends = min(self.kinks[0].energy, self.kinks[-1].energy)
        return self.strongest.energy < ends - 1e-3

    @property
    def inner(self) -> tuple[Kink, ...]:
        """The kinks between the two pure salts."""
        return self.kinks[1:-1]

    def energy(self, atomic_fraction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the energy in meV/atom at atomic fractions of the first salt.

        Parameters
        ----------
        atomic_fraction:
            Any shape, 0 to 1.
        """
        x = [k.atomic_fraction for k in self.kinks]
        y = [k.energy for k in self.kinks]
        return np.asarray(np.interp(atomic_fraction, x, y), dtype=float)

    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return molar fractions of the first salt and energies (meV/atom), for plotting.

        The curve between two kinks is straight in atoms, not in moles.
        """
        corners = np.array([k.atomic_fraction for k in self.kinks])
        atomic = np.union1d(np.linspace(0, 1, 201), corners)
        ours = atomic / float(composition(self.first).num_atoms)
        theirs = (1 - atomic) / float(composition(self.second).num_atoms)
        return ours / (ours + theirs), self.energy(atomic)

    def at_ratio(self, ratio: float) -> float:
        """Return the energy in meV/atom for ``ratio`` moles of the first per mole of second.

        Raises
        ------
        InputError
            If the ratio is negative or not a number.
        """
        return float(self.energy(np.array(self.fraction(ratio))))

    def products_at(self, ratio: float) -> dict[str, float]:
        """Return the stable products at a mixing ratio, in moles per mole of atoms.

        Between two kinks the products are those of both, in the proportion that
        conserves the elements; an unreacted salt is a product too.

        Raises
        ------
        InputError
            If the ratio is negative or not a number.
        """
        x = self.fraction(ratio)
        upper = next(i for i, k in enumerate(self.kinks) if k.atomic_fraction >= x - 1e-12)
        high = self.kinks[upper]
        low = self.kinks[max(upper - 1, 0)]
        gap = high.atomic_fraction - low.atomic_fraction
        weight = 1.0 if gap == 0 else (x - low.atomic_fraction) / gap
        found: dict[str, float] = {}
        for kink, share in ((low, 1.0 - weight), (high, weight)):
            for formula, moles in kink.reaction.products.items():
                found[formula] = found.get(formula, 0.0) + share * moles / kink.reaction.atoms
        return {f: n for f, n in found.items() if n > 1e-9}

    def fraction(self, ratio: float) -> float:
        """Return the atomic fraction that belongs to a molar ratio.

        Raises
        ------
        InputError
            If the ratio is negative or not a number.
        """
        if math.isnan(ratio) or ratio < 0:
            raise InputError(f"mixing ratio: expected a number >= 0, found {ratio}")
        if math.isinf(ratio):
            return 1.0
        ours = ratio * float(composition(self.first).num_atoms)
        return ours / (ours + float(composition(self.second).num_atoms))


def interface_scan(first: str, second: str, table: EnergyTable) -> InterfaceScan:
    """Find every kink between two salts.

    Parameters
    ----------
    first, second:
        Formulas of two different salts of the table.
    table:
        Formation energies; every phase of it made of the elements at hand competes.

    Raises
    ------
    InputError
        If a formula is malformed, not in the table, or both are the same.
    """
    one, two = table[first], table[second]
    if one.formula == two.formula:
        raise InputError(f"{first} and {second}: expected two different salts")
    first_salt, second_salt = composition(one.formula), composition(two.formula)
    elements = {e.symbol for c in (first_salt, second_salt) for e in c.elements}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pymatgen warns about its own numerical tidying
        diagram = PhaseDiagram(table.entries(elements))
        scan = InterfacialReactivity(
            first_salt, second_salt, diagram, norm=True, use_hull_energy=False
        )
        raw = scan.get_kinks()
    kinks = [_kink(one.formula, two.formula, energy, found) for _, _, energy, found, _ in raw]
    kinks.sort(key=lambda k: k.atomic_fraction)
    return InterfaceScan(one.formula, two.formula, tuple(kinks), table.name)


def _kink(first: str, second: str, energy: float, found: Any) -> Kink:
    """Turn a pymatgen reaction into ours, with the ratio read off its coefficients."""
    reactants: dict[str, float] = {}
    products: dict[str, float] = {}
    for content in found.reactants:
        reactants[content.reduced_formula] = abs(float(found.get_coeff(content)))
    for content in found.products:
        products[content.reduced_formula] = abs(float(found.get_coeff(content)))
    moles = [reactants.get(formula, 0.0) for formula in (first, second)]
    if not any(moles):  # an end point: "A -> A" cancels in pymatgen
        raise InputError(f"{first}, {second}: pymatgen gave a kink without either salt")
    atoms = [
        n * float(composition(f).num_atoms) for n, f in zip(moles, (first, second), strict=True)
    ]
    return Kink(
        ratio=math.inf if moles[1] == 0 else moles[0] / moles[1],
        atomic_fraction=atoms[0] / sum(atoms),
        energy=1000.0 * float(energy),
        reaction=Reaction(reactants, products).integral(),
    )
