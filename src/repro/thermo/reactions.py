r"""Balanced reactions and their energies per atom.

With formation energies :math:`E_i` per atom, :math:`n_i` atoms per formula unit
and coefficients :math:`\nu_i` (positive for products),

.. math::

   \Delta E = \frac{\sum_i \nu_i n_i E_i}{N}, \qquad
   N = \sum_{\nu_i < 0} |\nu_i| n_i,

so the energy does not change if the equation is multiplied through.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.optimize import linprog

from repro.errors import InputError
from repro.thermo.energies import EnergyTable, composition, reduced

_LARGEST = 60  # denominator of a ratio of coefficients

TOLERANCE = 1e-6
_TERM = re.compile(r"^\s*(?P<factor>\d+(?:\.\d*)?|\.\d+)?\s*(?P<formula>[A-Z][A-Za-z0-9().]*)\s*$")


@dataclass(frozen=True)
class Reaction:
    """A reaction, balanced or not: coefficients by reduced formula.

    Attributes
    ----------
    reactants, products:
        Positive coefficients, moles of reduced formula units.
    """

    reactants: Mapping[str, float]
    products: Mapping[str, float]

    def __str__(self) -> str:
        def side(terms: Mapping[str, float]) -> str:
            return " + ".join(
                formula if math.isclose(c, 1) else f"{c:.4g} {formula}"
                for formula, c in terms.items()
            )

        return f"{side(self.reactants)} -> {side(self.products)}"

    @property
    def coefficients(self) -> dict[str, float]:
        """Coefficients by formula, negative for reactants; a spectator may cancel."""
        total = {formula: -c for formula, c in self.reactants.items()}
        for formula, c in self.products.items():
            total[formula] = total.get(formula, 0.0) + c
        return total

    @property
    def atoms(self) -> float:
        """Number of atoms on the reactant side."""
        return sum(c * composition(f).num_atoms for f, c in self.reactants.items())

    def imbalance(self) -> dict[str, float]:
        """Return products minus reactants, in atoms, for every element that differs."""
        total: dict[str, float] = {}
        for formula, c in self.coefficients.items():
            for element, count in composition(formula).get_el_amt_dict().items():
                total[element] = total.get(element, 0.0) + c * count
        limit = TOLERANCE * max(1.0, self.atoms)
        return {e: n for e, n in sorted(total.items()) if abs(n) > limit}

    @property
    def is_balanced(self) -> bool:
        """Whether every element occurs equally often on both sides."""
        return not self.imbalance()

    def scaled(self, factor: float) -> Reaction:
        """Return the same reaction with every coefficient times a positive factor."""
        if not (math.isfinite(factor) and factor > 0):
            raise InputError(f"scale factor: expected a positive number, found {factor}")
        return Reaction(
            {f: c * factor for f, c in self.reactants.items()},
            {f: c * factor for f, c in self.products.items()},
        )

    def integral(self) -> Reaction:
        """Return the reaction with the smallest whole coefficients, if there are such."""
        values = [*self.reactants.values(), *self.products.values()]
        base = min(values)
        ratios = [Fraction(v / base).limit_denominator(_LARGEST) for v in values]
        common = math.lcm(*(r.denominator for r in ratios))
        whole = [int(r * common) for r in ratios]
        divisor = math.gcd(*whole)
        if any(abs(r * base - v) > 1e-4 * v for r, v in zip(ratios, values, strict=True)):
            return self
        return self.scaled(common / divisor / base)


def parse(text: str) -> Reaction:
    """Read ``"3 LiCl + 2 GaF3 -> Li3GaF6 + GaCl3"``; the result need not be balanced.

    Raises
    ------
    InputError
        If there is not exactly one arrow, or a term is not a number and a formula.
    """
    sides = re.split(r"->|→", text)
    if len(sides) != 2:
        raise InputError(f"reaction {text!r}: expected one '->' between reactants and products")
    reactants, products = (_side(side, text) for side in sides)
    return Reaction(reactants, products)


def _side(side: str, text: str) -> dict[str, float]:
    terms: dict[str, float] = {}
    for term in side.split("+"):
        match = _TERM.match(term)
        if match is None:
            raise InputError(
                f"reaction {text!r}: term {term.strip()!r}: expected e.g. '3 LiCl' or 'GaF3'"
            )
        factor = float(match["factor"] or 1)
        if factor <= 0:
            raise InputError(f"reaction {text!r}: term {term.strip()!r}: coefficient must be > 0")
        formula = reduced(match["formula"])
        # Composition reduces Ga2Cl6 to GaCl3; the coefficient has to follow.
        factor *= composition(match["formula"]).num_atoms / composition(formula).num_atoms
        terms[formula] = terms.get(formula, 0.0) + factor
    return terms


def balance(reactants: Sequence[str], products: Sequence[str]) -> Reaction:
    """Balance a reaction in which every named phase takes part.

    The coefficients are the smallest whole numbers that conserve every element.

    Raises
    ------
    InputError
        If no choice of positive coefficients conserves the elements, or if more
        than one independent choice does (then the equation says too little).
    """
    left, right = [reduced(f) for f in reactants], [reduced(f) for f in products]
    names = [*left, *right]
    if not left or not right or len(set(names)) != len(names):
        raise InputError(
            f"cannot balance {left} -> {right}: expected different phases on each side"
        )
    elements = sorted({e for f in names for e in composition(f).get_el_amt_dict()})
    signs = [-1.0] * len(left) + [1.0] * len(right)
    matrix = np.array(
        [[s * composition(f)[e] for s, f in zip(signs, names, strict=True)] for e in elements]
    )
    # Feasible with every coefficient >= 1?  The total is minimised to make it definite.
    answer = linprog(np.ones(len(names)), A_eq=matrix, b_eq=np.zeros(len(elements)),
                     bounds=[(1.0, None)] * len(names), method="highs")  # fmt: skip
    title = f"{' + '.join(left)} -> {' + '.join(right)}"
    if not answer.success:
        raise InputError(f"{title}: no positive coefficients conserve {', '.join(elements)}")
    if len(names) - np.linalg.matrix_rank(matrix) > 1:
        raise InputError(f"{title}: more than one independent way to balance it; name fewer phases")
    values = dict(zip(names, (float(v) for v in answer.x), strict=True))
    return Reaction({f: values[f] for f in left}, {f: values[f] for f in right}).integral()


@dataclass(frozen=True)
class ReactionEnergy:
    """Energy of a reaction from one source.

    Attributes
    ----------
    reaction:
        The balanced reaction.
    value, sigma:
        meV per atom of reactants, and one standard deviation of it.
    source:
        Name of the energy table.
    """

    reaction: Reaction
    value: float
    sigma: float
    source: str

    def __str__(self) -> str:
        return f"{self.value:.1f} ± {self.sigma:.1f} meV/atom ({self.source})"


def require_balanced(reaction: Reaction) -> None:
    """Raise InputError, naming the elements, unless the reaction is balanced."""
    wrong = reaction.imbalance()
    if wrong:
        text = ", ".join(f"{element} {excess:+.4g}" for element, excess in wrong.items())
        raise InputError(f"{reaction}: not balanced (products minus reactants: {text})")


def reaction_energy(reaction: Reaction, table: EnergyTable) -> ReactionEnergy:
    """Return the energy of a balanced reaction, errors of the phases independent.

    Parameters
    ----------
    reaction:
        Balanced; see :func:`parse` and :func:`balance`.
    table:
        Formation energies; ``sigma`` of each phase is propagated as independent.
        For density functional theory use :mod:`repro.thermo.uncertainty`, where
        errors that phases share cancel.

    Raises
    ------
    InputError
        If the reaction is not balanced, or the table lacks a phase.
    """
    require_balanced(reaction)
    energy = variance = 0.0
    for formula, c in reaction.coefficients.items():
        phase = table[formula]
        atoms = composition(formula).num_atoms
        energy += c * atoms * phase.value
        variance += (c * atoms * phase.sigma) ** 2
    scale = 1000.0 / reaction.atoms
    return ReactionEnergy(reaction, energy * scale, math.sqrt(variance) * scale, table.name)
