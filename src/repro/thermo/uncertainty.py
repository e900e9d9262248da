r"""How wrong the database may be, learned from its own misses.

For a salt of cation M and anion X the miss of density functional theory, per
unit of anion charge, is modelled as

.. math::

   r(M, X) = \alpha_X + \beta_M + \varepsilon(M, X).

In any balanced reaction in which no ion changes its charge, the anion term
:math:`\alpha` (a shared fault of the element's reference energy, the part that
the 2020 corrections mend) and the cation term :math:`\beta` cancel exactly.
Only the interaction :math:`\varepsilon` is left: an anion exchange
:math:`\mathrm{MF} + \mathrm{AX} \to \mathrm{AF} + \mathrm{MX}` is a double
difference.  Its spread, measured on salts that both sources know, is therefore
the error bar of a computed exchange.  Compounds of several salts (Li3GaF6) carry
one more term per atom, measured on those with a known enthalpy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from pymatgen.core import Composition, Element

from repro.errors import InputError
from repro.thermo.energies import EnergyTable, FormationEnergy, composition, materials_project
from repro.thermo.experiment import enthalpies
from repro.thermo.reactions import Reaction, ReactionEnergy, reaction_energy

ANIONS = {"F": 1, "Cl": 1, "Br": 1, "I": 1, "O": 2}
# Legacy Materials Project computes oxides and fluorides of these with a Hubbard U,
# their other halides without: a different kind of calculation, and of error.
HUBBARD = frozenset(["Co", "Cr", "Fe", "Mn", "Mo", "Ni", "V", "W"])
GROUPS = ("s-block", "other", "Hubbard U")

Cell = tuple[str, str]


def group(cation: str) -> str:
    """Return the error class of a cation: ``"s-block"``, ``"Hubbard U"`` or ``"other"``."""
    if cation in HUBBARD:
        return "Hubbard U"
    element = Element(cation)
    return "s-block" if element.is_alkali or element.is_alkaline else "other"


def bonds(formula: str) -> dict[Cell, float]:
    """Return the anion charge bound to each cation, per formula unit.

    Charges of group 1, group 2 and hydrogen are fixed; what is left of the
    anions' charge is shared by the other cations.  ``Li3GaF6`` gives
    ``{("Li", "F"): 3, ("Ga", "F"): 3}``.
    """
    return dict(_bonds(formula))


@lru_cache(maxsize=8192)
def _bonds(formula: str) -> tuple[tuple[Cell, float], ...]:
    amounts = composition(formula).get_el_amt_dict()
    anions = {x: ANIONS[x] * n for x, n in amounts.items() if x in ANIONS}
    total = sum(anions.values())
    if not total or len(anions) == len(amounts):
        return ()
    known = {c: n * _charge(c) for c, n in amounts.items() if c not in ANIONS and _charge(c)}
    others = {c: n for c, n in amounts.items() if c not in ANIONS and not _charge(c)}
    rest = max(0.0, total - sum(known.values()))
    share = sum(others.values())
    charges = {**known, **{c: rest * n / share for c, n in others.items()}}
    scale = total / sum(charges.values())  # peroxides and polyhalides do not add up
    return tuple(
        ((c, x), q * scale * a / total)
        for c, q in charges.items()
        for x, a in anions.items()
        if q > 0
    )


def _charge(cation: str) -> int:
    element = Element(cation)
    if cation == "H" or element.is_alkali:
        return 1
    return 2 if element.is_alkaline else 0


@dataclass(frozen=True)
class ErrorModel:
    r"""Standard deviations of the misses of a computed table against experiment.

    Attributes
    ----------
    interaction:
        Of :math:`\varepsilon` per class of cation, eV per unit of anion charge.
    cation:
        Of :math:`\beta`, eV per unit of charge; it matters only if a cation is reduced.
    compound:
        eV/atom, for phases of more than one salt, relative to those salts.
    samples, compounds:
        How many salts and how many compounds these rest on.
    """

    interaction: Mapping[str, float]
    cation: float
    compound: float
    samples: Mapping[str, int]
    compounds: int

    def sigma(self, reaction: Reaction) -> float:
        """Return one standard deviation of a computed reaction energy, meV/atom."""
        cells: dict[Cell, float] = {}
        variance = 0.0
        for formula, c in reaction.coefficients.items():
            found = bonds(formula)
            for cell, amount in found.items():
                cells[cell] = cells.get(cell, 0.0) + c * amount
            if len(found) > 1:
                atoms = float(composition(formula).num_atoms)
                variance += (c * atoms * self.compound) ** 2
        per_cation: dict[str, float] = {}
        for (cation, _), amount in cells.items():
            variance += (amount * self.interaction[group(cation)]) ** 2
            per_cation[cation] = per_cation.get(cation, 0.0) + amount
        variance += sum((amount * self.cation) ** 2 for amount in per_cation.values())
        return 1000.0 * math.sqrt(variance) / reaction.atoms

    def energy(self, reaction: Reaction, table: EnergyTable) -> ReactionEnergy:
        """Return a computed reaction energy with the error of this model."""
        plain = reaction_energy(reaction, table)
        return ReactionEnergy(reaction, plain.value, self.sigma(reaction), plain.source)


@dataclass(frozen=True)
class Residual:
    """Computed minus measured for one binary salt, eV per unit of anion charge.

    Attributes
    ----------
    formula, cation, anion:
        The salt.
    state:
        The cation with its charge, ``Sn+2``.
    value:
        The miss.
    beta, interaction:
        Its parts: the cation's term, known up to a constant that all cations share, and what
        neither cation nor anion explains.
    """

    formula: str
    cation: str
    anion: str
    state: str
    value: float
    beta: float
    interaction: float


def salt_residuals(computed: EnergyTable, measured: EnergyTable) -> list[Residual]:
    """Return the misses on all binary salts both tables hold, with their interaction part.

    The interaction is what remains after the best anion and cation terms (least
    squares) are taken off; a cation known with one anion only has none and is left out.
    """
    raw: list[tuple[str, Cell, float]] = []
    for phase in measured:
        cells = bonds(phase.formula)
        if len(cells) != 1 or phase.formula not in computed.phases:
            continue
        if len(composition(phase.formula).elements) != 2:
            continue
        (cell, charge), = cells.items()  # fmt: skip
        if cell[0] == "H":
            continue
        atoms = float(composition(phase.formula).num_atoms)
        miss = (computed[phase.formula].value - phase.value) * atoms / charge
        raw.append((phase.formula, _state(phase.formula, cell), miss))
    seen: dict[str, set[str]] = {}
    for _, (state, anion), _ in raw:
        seen.setdefault(state, set()).add(anion)
    raw = [r for r in raw if len(seen[r[1][0]]) > 1]
    if not raw:
        return []
    states = sorted({r[1][0] for r in raw})
    anions = sorted({r[1][1] for r in raw})
    design = np.zeros((len(raw), len(states) + len(anions)))
    for row, (_, (state, anion), _) in enumerate(raw):
        design[row, states.index(state)] = 1.0
        design[row, len(states) + anions.index(anion)] = 1.0
    target = np.array([r[2] for r in raw])
    terms = np.linalg.lstsq(design, target, rcond=None)[0]
    fit = design @ terms
    # Degrees of freedom the fit used up, spread evenly, so that the spread is not too small.
    freedom = len(raw) - np.linalg.matrix_rank(design)
    inflate = math.sqrt(len(raw) / freedom) if freedom > 0 else 1.0
    return [
        Residual(formula, state.split("+")[0], anion, state, miss,
                 float(terms[states.index(state)]), float(inflate * (miss - f)))
        for (formula, (state, anion), miss), f in zip(raw, fit, strict=True)
    ]  # fmt: skip


def _state(formula: str, cell: Cell) -> Cell:
    """Return the cell with the charge in the cation's name: SnF2 and SnF4 are two cations."""
    amounts = composition(formula).get_el_amt_dict()
    charge = ANIONS[cell[1]] * amounts[cell[1]] / amounts[cell[0]]
    return f"{cell[0]}+{charge:g}", cell[1]


def salt_of(formula: str, cell: Cell) -> tuple[str, float]:
    """Return the binary salt behind a cell of a compound, and its anion charge.

    ``salt_of("Li3GaF6", ("Ga", "F"))`` is ``("GaF3", 3.0)``.
    """
    cation, anion = cell
    cells = bonds(formula)
    charge = sum(q for (c, _), q in cells.items() if c == cation)
    state = charge / composition(formula)[cation]
    salt = Composition({cation: ANIONS[anion], anion: round(state, 6)}).reduced_formula
    return str(salt), ANIONS[anion] * float(composition(salt)[anion])


def compound_residuals(computed: EnergyTable, measured: EnergyTable) -> dict[str, float]:
    """Return the misses, eV/atom, of compounds relative to the salts they are made of."""
    found: dict[str, float] = {}
    for phase in measured:
        cells = bonds(phase.formula)
        content = composition(phase.formula)
        # Hydroxides are no salts of an oxide with water in this sense: left out.
        if len(cells) < 2 or phase.formula not in computed.phases or "H" in content:
            continue
        salts = {cell: salt_of(phase.formula, cell) for cell in cells}
        if not all(s in computed.phases and s in measured.phases for s, _ in salts.values()):
            continue
        atoms = float(content.num_atoms)
        miss = (computed[phase.formula].value - phase.value) * atoms
        for cell, amount in cells.items():
            salt, charge = salts[cell]
            gap = computed[salt].value - measured[salt].value
            miss -= gap * float(composition(salt).num_atoms) * amount / charge
        found[phase.formula] = miss / atoms
    return found


def fit_errors(computed: EnergyTable, measured: EnergyTable) -> ErrorModel:
    """Estimate the error model of a computed table from a measured one.

    Raises
    ------
    InputError
        If the tables share too little to say anything (fewer than three salts of
        some class, or fewer than three compounds).
    """
    residuals = salt_residuals(computed, measured)
    per_group = {g: [r for r in residuals if group(r.cation) == g] for g in GROUPS}
    compounds = list(compound_residuals(computed, measured).values())
    short = [g for g, found in per_group.items() if len(found) < 3]
    if short or len(compounds) < 3:
        raise InputError(
            f"error model: {computed.name} and {measured.name} share too few phases "
            f"({', '.join(short) or 'compounds'})"
        )
    interaction = {g: _rms([r.interaction for r in found]) for g, found in per_group.items()}
    betas = {r.state: r.beta for r in residuals if group(r.cation) == "other"}
    return ErrorModel(
        interaction=interaction,
        cation=float(np.std(list(betas.values()))),
        compound=_rms(compounds),
        samples={g: len(found) for g, found in per_group.items()},
        compounds=len(compounds),
    )


def _rms(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


@lru_cache(maxsize=1)
def error_model() -> ErrorModel:
    """Return the error model of the shipped Materials Project table."""
    return fit_errors(materials_project(), enthalpies())


@lru_cache(maxsize=1)
def anchored() -> EnergyTable:
    """Return measured salts with computed compounds: the ``hybrid`` table.

    No measurement of Li3GaF6, LiGaCl4 and most of their kin is in our tables.  Here
    each gets the measured energy of its salts plus the computed energy of forming it
    from them, in which most of the database's error cancels.  Its sigma combines both.
    """
    computed, measured = materials_project(), enthalpies()
    scatter = error_model().compound
    extra: list[FormationEnergy] = []
    for phase in computed:
        cells = bonds(phase.formula)
        if len(cells) < 2 or phase.formula in measured.phases:
            continue
        salts = {cell: salt_of(phase.formula, cell) for cell in cells}
        names = [salt for salt, _ in salts.values()]
        if not all(n in computed.phases and n in measured.phases for n in names):
            continue
        atoms = float(composition(phase.formula).num_atoms)
        value = phase.value
        variance = scatter**2
        for cell, amount in cells.items():
            salt, charge = salts[cell]
            share = amount / charge * float(composition(salt).num_atoms) / atoms
            value += share * (measured[salt].value - computed[salt].value)
            variance += (share * measured[salt].sigma) ** 2
        extra.append(
            FormationEnergy(
                phase.formula, value, math.sqrt(variance), "measured salts, computed compound"
            )
        )
    return measured.updated(extra, name="experiment + computed compounds")
