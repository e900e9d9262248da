r"""Beyond the paper: which other pairs of salts could make a molecular solid?

For every fluoride :math:`\mathrm{MF}_n` and halide :math:`\mathrm{AX}_a` the screen asks
for the strongest reaction that *makes* :math:`\mathrm{MX}_n`: the full exchange to the
simple fluoride, or a partial one that leaves a compound such as Li3GaF6. Both
sources give an energy and an error; they are combined, and a pair is ranked by the
probability that the reaction is downhill.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
from pymatgen.core import Composition
from scipy.stats import norm

from repro.errors import InputError, did_you_mean
from repro.thermo.energies import EnergyTable, materials_project, reduced
from repro.thermo.experiment import boiling_point, melting_point
from repro.thermo.interface import interface_scan
from repro.thermo.reactions import Reaction, reaction_energy
from repro.thermo.salts import ROOM_TEMPERATURE, units
from repro.thermo.study import pretty, product_order
from repro.thermo.uncertainty import anchored, error_model

CATIONS = {"Li": 1, "Na": 1, "K": 1, "Rb": 1, "Cs": 1, "Mg": 2, "Ca": 2, "Sr": 2, "Ba": 2}
HALIDES = ("Cl", "Br", "I")
RIGID = 400.0
"""A fluoride that melts below this (K) is itself molecular or nearly so: NbF5, TaF5, MoF5."""
# Charges in which the fluoride is a compound one can buy.
FLUORIDES: dict[str, tuple[int, ...]] = {
    "B": (3,), "Al": (3,), "Ga": (3,), "In": (3,), "Tl": (1,), "Si": (4,), "Ge": (4,),
    "Sn": (2, 4), "Pb": (2,), "P": (5,), "As": (3,), "Sb": (3, 5), "Bi": (3,), "Te": (4,),
    "Se": (4,), "Ti": (3, 4), "Zr": (4,), "Hf": (4,), "Nb": (5,), "Ta": (5,), "Mo": (3, 5),
    "W": (6,), "Hg": (2,), "Au": (3,), "Sc": (3,), "Y": (3,), "La": (3,), "Fe": (3,), "Cr": (3,),
    "V": (3, 4), "Zn": (2,), "Cd": (2,), "Mn": (2,),
}  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """An energy in meV/atom with one standard deviation; ``nan`` if there is none."""

    value: float
    sigma: float

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return math.isfinite(self.value)

    @property
    def probability(self) -> float:
        """Probability that the energy is below zero, for a normal error."""
        if not self.known:
            return math.nan
        if self.sigma == 0:
            return float(self.value < 0)
        return float(norm.cdf(-self.value / self.sigma))


UNKNOWN = Estimate(math.nan, math.nan)


def combine(estimates: Iterable[Estimate]) -> Estimate:
    r"""Return the mean weighted by inverse variance, its error widened if they disagree.

    The error is multiplied by the Birge ratio
    :math:`\sqrt{\chi^2/(k-1)}` where that exceeds one.

    Raises
    ------
    InputError
        If a sigma is negative or not finite, or zero beside other estimates.
    """
    known = [e for e in estimates if e.known]
    if not known:
        return UNKNOWN
    if any(e.sigma < 0 or not math.isfinite(e.sigma) for e in known):
        raise InputError(f"estimates {known}: expected finite errors >= 0")
    if len(known) == 1:
        return known[0]
    if any(e.sigma == 0 for e in known):
        raise InputError(f"estimates {known}: cannot weigh an estimate without error")
    weights = [1 / e.sigma**2 for e in known]
    total = sum(weights)
    mean = sum(w * e.value for w, e in zip(weights, known, strict=True)) / total
    chi2 = sum(w * (e.value - mean) ** 2 for w, e in zip(weights, known, strict=True))
    birge = math.sqrt(max(1.0, chi2 / (len(known) - 1)))
    return Estimate(mean, birge / math.sqrt(total))


def state_at_room_temperature(formula: str) -> str:
    """Return ``"solid"``, ``"liquid"``, ``"gas"`` or ``"unknown"`` at 298 K and 1 bar."""
    melts, boils = melting_point(formula), boiling_point(formula)
    if boils is not None and boils <= ROOM_TEMPERATURE:
        return "gas"
    if melts is None:
        return "unknown"
    return "solid" if melts > ROOM_TEMPERATURE else "liquid"


def salt(cation: str, charge: int, anion: str) -> str:
    """Return the reduced formula of a binary salt."""
    return reduced(f"{cation}{anion}{charge if charge > 1 else ''}")


@lru_cache(maxsize=512)
def compounds(cation: str, metal: str, charge: int) -> tuple[str, ...]:
    """Return the stable fluorides of both cations in which the metal keeps its charge."""
    found = []
    for phase in materials_project().subset([cation, metal, "F"]):
        amounts = Composition(phase.formula).get_el_amt_dict()
        if len(amounts) == 3:
            excess = CATIONS[cation] * amounts[cation] + charge * amounts[metal] - amounts["F"]
            if abs(excess) < 1e-6:
                found.append(phase.formula)
    return tuple(found)


def routes(cation: str, halogen: str, metal: str, charge: int) -> Iterator[Reaction]:
    r"""Yield the balanced reactions of AX with MF that make MX.

    The other product is the simple fluoride of A or a compound of both fluorides. For
    a compound :math:`\mathrm{A_pM_qF_r}` charge neutrality fixes every coefficient.
    """
    a = CATIONS[cation]
    halide, fluoride = salt(cation, a, halogen), salt(metal, charge, "F")
    product, simple = salt(metal, charge, halogen), salt(cation, a, "F")
    yield Reaction(
        {halide: float(charge), fluoride: float(a)}, {simple: float(charge), product: float(a)}
    ).integral()
    for compound in compounds(cation, metal, charge):
        amounts = Composition(compound).get_el_amt_dict()
        p, r = amounts[cation], amounts["F"]
        yield Reaction(
            {halide: p, fluoride: r / charge}, {compound: 1.0, product: p * a / charge}
        ).integral()


def _estimate(reaction: Reaction, table: EnergyTable, *, computed: bool) -> Estimate:
    if not all(f in table.phases for f in reaction.coefficients):
        return UNKNOWN
    found = reaction_energy(reaction, table)
    sigma = error_model().sigma(reaction) if computed else found.sigma
    return Estimate(found.value, sigma)


@dataclass(frozen=True)
class Candidate:
    """One pair of the screen.

    Attributes
    ----------
    halide, fluoride, product:
        Reduced formulas; ``product`` is the halide of the fluoride's metal.
    reaction:
        The strongest reaction that makes the product.
    computed, measured:
        Its energy from the Materials Project, and from measured salts (a compound
        among the products has a computed energy of formation from its salts).
    combined:
        Both together.
    """

    halide: str
    fluoride: str
    product: str
    reaction: Reaction
    computed: Estimate
    measured: Estimate
    combined: Estimate

    @property
    def sources(self) -> int:
        """How many of the two sources know every phase."""
        return int(self.computed.known) + int(self.measured.known)

    @property
    def ratio(self) -> float:
        """Moles of halide per mole of fluoride in the reaction."""
        return self.reaction.reactants[self.halide] / self.reaction.reactants[self.fluoride]


def evaluate(cation: str, halogen: str, metal: str, charge: int) -> Candidate | None:
    """Return the strongest reaction to the halide of a metal, or None without energies.

    Raises
    ------
    InputError
        If a symbol is not one the screen knows.
    """
    for name, known in ((cation, CATIONS), (halogen, HALIDES), (metal, FLUORIDES)):
        if name not in known:
            raise InputError(
                f"screen: {name!r} is not one of {', '.join(known)}{did_you_mean(name, known)}"
            )
    best: Candidate | None = None
    for reaction in routes(cation, halogen, metal, charge):
        ours = _estimate(reaction, materials_project(), computed=True)
        theirs = _estimate(reaction, anchored(), computed=False)
        both = combine([ours, theirs])
        if both.known and (best is None or both.value < best.combined.value):
            best = Candidate(
                salt(cation, CATIONS[cation], halogen), salt(metal, charge, "F"),
                salt(metal, charge, halogen), reaction, ours, theirs, both,
            )  # fmt: skip
    return best


def screen(
    cations: Sequence[str] = tuple(CATIONS),
    halogens: Sequence[str] = HALIDES,
    fluorides: Sequence[str] = tuple(FLUORIDES),
) -> list[Candidate]:
    """Evaluate every pair for which at least one source knows every phase."""
    found = []
    for metal in fluorides:
        for charge in FLUORIDES.get(metal, (0,)):
            for halogen in halogens:
                for cation in cations:
                    candidate = evaluate(cation, halogen, metal, charge)
                    if candidate is not None:
                        found.append(candidate)
    return found


def frame(candidates: Iterable[Candidate]) -> pd.DataFrame:
    """Return the screen as a table, sorted by the probability of a downhill reaction.

    ``rank`` counts only pairs whose product is a molecular solid at room temperature
    and whose fluoride is a rigid salt; the others have none and ``flag`` says why.
    """
    rows = []
    for c in candidates:
        built = units(c.product)
        state, fluoride_state = (state_at_room_temperature(f) for f in (c.product, c.fluoride))
        rows.append({
            "halide": c.halide, "fluoride": c.fluoride, "product": c.product,
            "molecular": built.molecular, "basis": built.basis,
            "ratio": c.ratio, "other product": _other(c),
            "MP": c.computed.value, "MP sigma": c.computed.sigma,
            "measured": c.measured.value, "measured sigma": c.measured.sigma,
            "combined": c.combined.value, "sigma": c.combined.sigma,
            "sources": c.sources, "probability": c.combined.probability,
            "product melts (K)": melting_point(c.product),
            "fluoride melts (K)": melting_point(c.fluoride),
            "flag": _flag(built.molecular, state, c.fluoride, fluoride_state), "reaction": str(c.reaction),
        })  # fmt: skip
    table = pd.DataFrame(rows).sort_values(
        ["probability", "combined"], ascending=[False, True], kind="stable"
    )
    ranked = table["flag"] == ""
    table["rank"] = ranked.cumsum().where(ranked)
    return table.reset_index(drop=True)


def _other(c: Candidate) -> str:
    return " + ".join(pretty(f) for f in c.reaction.products if f != c.product)


def _flag(molecular: str, state: str, fluoride: str, fluoride_state: str) -> str:
    if molecular != "yes":
        return {"no": "product not molecular", "borderline": "product borderline molecular",
                "unknown": "product's structure not in our tables"}[molecular]  # fmt: skip
    if state != "solid":
        return f"product {state} at 298 K" if state != "unknown" else "product: no melting point"
    if fluoride_state in ("liquid", "gas"):
        return f"fluoride {fluoride_state} at 298 K"
    melts = melting_point(fluoride)
    return "fluoride melts low: no rigid salt" if melts is not None and melts < RIGID else ""


def survives(candidate: Candidate) -> tuple[bool, str]:
    """Return whether the product is stable against all phases of the database, and the products.

    At the ratio of the reaction, the hull of the Materials Project may prefer another
    outcome: a complex such as NaGaCl4, or a reduced metal.
    """
    scan = interface_scan(candidate.halide, candidate.fluoride, materials_project())
    found = product_order(scan.products_at(candidate.ratio))
    return candidate.product in found, " + ".join(pretty(f) for f in found)
