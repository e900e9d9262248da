"""What chapter 1 asks: which mixtures react, how strongly, and according to whom."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pymatgen.core import Composition

from repro.errors import InputError, did_you_mean
from repro.thermo import live
from repro.thermo.energies import EV_KJ_PER_MOL, EnergyTable, materials_project, reduced
from repro.thermo.experiment import crc, crc_entropy, enthalpies, gibbs, ssub
from repro.thermo.interface import InterfaceScan, Kink, interface_scan
from repro.thermo.reactions import Reaction, ReactionEnergy, balance, parse, reaction_energy
from repro.thermo.salts import ROOM_TEMPERATURE, Mixture
from repro.thermo.uncertainty import ANIONS, GROUPS, anchored, bonds, error_model, group

SOURCES = ("MP", "experiment", "hybrid")
THRESHOLD = -10.0
"""Driving force that counts as one, meV/atom: fixed in the ledger before the runs."""

EXCHANGES = (
    "3 LiCl + 2 GaF3 -> Li3GaF6 + GaCl3",
    "4 LiCl + 2 GaF3 -> Li3GaF6 + LiGaCl4",
    "3 LiCl + GaF3 -> 3 LiF + GaCl3",
    "3 LiBr + GaF3 -> 3 LiF + GaBr3",
    "3 LiI + GaF3 -> 3 LiF + GaI3",
    "3 LiCl + SbF3 -> 3 LiF + SbCl3",
    "3 LiI + InBr3 -> 3 LiBr + InI3",
    "3 LiCl + InF3 -> 3 LiF + InCl3",
    "3 LiCl + LaF3 -> 3 LiF + LaCl3",
    "3 LiCl + AlF3 -> 3 LiF + AlCl3",
    "3 NaCl + GaF3 -> 3 NaF + GaCl3",
    "6 LiCl + Ga2O3 -> 3 Li2O + 2 GaCl3",
    "3 Li2O + 2 GaF3 -> 6 LiF + Ga2O3",
)
"""Complete exchanges of the mixtures, balanced by hand; the code checks each."""


def table(source: str) -> EnergyTable:
    """Return the formation energies of a source.

    Parameters
    ----------
    source:
        ``"MP"``: shipped Materials Project; ``"experiment"``: measured enthalpies;
        ``"hybrid"``: measured salts with computed compounds.

    Raises
    ------
    InputError
        For another word.
    """
    makers: dict[str, Callable[[], EnergyTable]] = {
        "MP": materials_project, "experiment": enthalpies, "hybrid": anchored,
    }  # fmt: skip
    if source not in makers:
        raise InputError(
            f"source {source!r}: expected one of {', '.join(SOURCES)}{did_you_mean(source, SOURCES)}"
        )
    return makers[source]()


def energy(reaction: Reaction, source: str) -> ReactionEnergy:
    """Return a reaction energy with the error that belongs to its source.

    Raises
    ------
    InputError
        If the source is unknown or lacks a phase, or the reaction is not balanced.
    """
    if source == "MP":
        return error_model().energy(reaction, materials_project())
    return reaction_energy(reaction, table(source))


def sigma(reaction: Reaction, source: str) -> float:
    """Return one standard deviation of a reaction energy, meV/atom.

    For ``"MP"`` it comes from the error model alone, so it also serves energies
    fetched live (whose errors are of the same kind).
    """
    return error_model().sigma(reaction) if source == "MP" else energy(reaction, source).sigma


@dataclass(frozen=True)
class DrivingForce:
    """The strongest reaction of two salts according to one source.

    Attributes
    ----------
    scan:
        Energy against mixing ratio.
    kink:
        Its most negative kink.
    sigma:
        One standard deviation of its energy, meV/atom.
    source:
        ``"MP"``, ``"experiment"`` or ``"hybrid"``.
    """

    scan: InterfaceScan
    kink: Kink
    sigma: float
    source: str

    @property
    def value(self) -> float:
        """meV/atom; 0 if nothing reacts."""
        return self.kink.energy if self.scan.reacts else 0.0

    @property
    def exists(self) -> bool:
        """Whether it is below the threshold of the ledger (-10 meV/atom)."""
        return self.value < THRESHOLD

    @property
    def products(self) -> tuple[str, ...]:
        """Formulas of the products, fluoride or oxide first as in the paper's Table 1."""
        return product_order(self.kink.reaction.products) if self.scan.reacts else ()

    @property
    def label(self) -> str:
        """Products as text, or ``"no reaction"``."""
        return " + ".join(pretty(p) for p in self.products) or "no reaction"


_NAMES = {"LiHO": "LiOH", "GaHO2": "GaO(OH)", "Ga(HO)3": "Ga(OH)3", "LiH3O2": "LiOH.H2O",
          "GaClO": "GaOCl"}  # fmt: skip


def pretty(formula: str) -> str:
    """Return the name a chemist expects where pymatgen's differs (LiOH, not LiHO)."""
    return _NAMES.get(formula, formula)


def product_order(formulas: Iterable[str]) -> tuple[str, ...]:
    """Order products with the lighter anion first: fluoride, oxide, chloride, bromide, iodide."""
    rank = {"F": 0, "O": 1, "Cl": 2, "Br": 3, "I": 4}

    def key(formula: str) -> tuple[int, str]:
        return min(
            (rank.get(e.symbol, 9) for e in Composition(formula).elements), default=9
        ), formula

    return tuple(sorted(formulas, key=key))


def driving_force(first: str, second: str, source: str) -> DrivingForce:
    """Scan two salts with one source and return their strongest reaction.

    Raises
    ------
    InputError
        For a malformed formula, or a salt that the source does not know.
    """
    scan = interface_scan(first, second, table(source))
    kink = scan.strongest
    error = sigma(kink.reaction, source) if scan.reacts else _silent(first, second, source)
    return DrivingForce(scan, kink, error, source)


def _silent(first: str, second: str, source: str) -> float:
    """Return the error of "no reaction": that of the simplest exchange, else of the model.

    Nothing reacts at the best estimate, but the competing exchange has an error too.
    """
    exchange = full_exchange(first, second)
    if exchange is not None:
        try:
            return sigma(exchange, source)
        except InputError:
            pass
    return error_model().compound * 1000.0


def full_exchange(first: str, second: str) -> Reaction | None:
    """Return the complete swap of anions of two binary salts, balanced, or None.

    ``full_exchange("LiCl", "GaF3")`` is 3 LiCl + GaF3 -> 3 LiF + GaCl3.
    """
    cells = [list(bonds(reduced(f))) for f in (first, second)]
    if any(len(c) != 1 for c in cells) or any(
        len(Composition(reduced(f)).elements) != 2 for f in (first, second)
    ):
        return None
    (one,), (two,) = cells
    if one[0] == two[0] or one[1] == two[1]:
        return None
    swapped = [_swap(first, two[1]), _swap(second, one[1])]
    return balance([first, second], swapped)


def _swap(formula: str, anion: str) -> str:
    """Return the salt of the same cation, in the same charge, with another anion."""
    charge = {"F": 1, "Cl": 1, "Br": 1, "I": 1, "O": 2}
    ((cation, old),) = bonds(reduced(formula))
    amounts = Composition(formula).get_el_amt_dict()
    state = charge[old] * amounts[old] / amounts[cation]
    return reduced(Composition({cation: charge[anion], anion: state}).formula.replace(" ", ""))


def own_pair(first: str, second: str, source: str, *, mp_api_key: str = "") -> InterfaceScan:
    """Scan the reader's own pair, with live energies if a key is given.

    Parameters
    ----------
    first, second:
        Formulas of two salts.
    source:
        One of :data:`SOURCES`; with a key, ``"MP"`` means the live database.
    mp_api_key:
        Empty for the shipped table.  ``"env"`` reads the key from the environment
        variable ``MP_API_KEY``, so that it is not stored with the executed notebook.

    Raises
    ------
    InputError
        For unknown formulas, a system the shipped table does not cover, or a key
        that the database refuses.
    """
    one, two = reduced(first), reduced(second)
    chosen = table(source)
    if mp_api_key and source == "MP":
        key = os.environ.get("MP_API_KEY", "") if mp_api_key == "env" else mp_api_key
        elements = sorted({e.symbol for s in (one, two) for e in Composition(s).elements})
        chosen = live.fetch(elements, mp_api_key=key)
    else:
        _covered((one, two))
    return interface_scan(one, two, chosen)


def _covered(salts: Sequence[str]) -> None:
    """Refuse systems of which the shipped table holds only some of the stable phases."""
    elements = {e.symbol for s in salts for e in Composition(s).elements}
    cations = sorted(elements - {"F", "Cl", "Br", "I", "O", "H"})
    if len(cations) > 2 or len(elements & {"F", "Cl", "Br", "I"}) > 2:
        raise InputError(
            f"{' + '.join(salts)}: the shipped table is complete for up to two cations and two "
            f"halogens, found {', '.join(sorted(elements))}; choose simpler salts or set mp_api_key"
        )


def survey(mixtures: Iterable[Mixture]) -> pd.DataFrame:
    """Return the strongest reaction of each mixture according to every source.

    Returns
    -------
    pandas.DataFrame
        Indexed by mixture id: ``mixture``, ``stated`` (the paper: True, False or
        None), and per source ``<source>``, ``<source> sigma`` (meV/atom; NaN where
        a salt is missing) and ``<source> products``.
    """
    rows = []
    for m in mixtures:
        row: dict[str, object] = {
            "id": m.id, "mixture": f"{pretty(m.first)} + {pretty(m.second)}",
            "stated": m.stated_driving_force,
        }  # fmt: skip
        for source in SOURCES:
            try:
                found = driving_force(m.first, m.second, source)
            except InputError:
                row |= {source: math.nan, f"{source} sigma": math.nan, f"{source} products": ""}
                continue
            row |= {source: found.value, f"{source} sigma": found.sigma,
                    f"{source} products": found.label}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows).set_index("id")


def exchanges(equations: Iterable[str] = EXCHANGES) -> pd.DataFrame:
    """Return fixed, balanced exchanges according to every source, meV/atom.

    Columns ``MP`` and ``MP sigma`` (error model), ``CRC``, ``SSUB``, ``Gibbs``
    (300 K), ``measured`` and ``measured sigma`` (mean enthalpy), ``hybrid`` and
    ``hybrid sigma``, ``entropy`` (minus T times the reaction entropy at 298 K, from
    CRC entropies).  NaN where a source lacks a phase.
    """
    rows = []
    for text in equations:
        reaction = parse(text)
        computed = energy(reaction, "MP")
        row: dict[str, object] = {
            "reaction": text, "MP": computed.value, "MP sigma": computed.sigma,
        }  # fmt: skip
        for name, values in (("CRC", crc()), ("SSUB", ssub()), ("Gibbs", gibbs()),
                             ("measured", enthalpies()), ("hybrid", anchored())):  # fmt: skip
            try:
                found = reaction_energy(reaction, values)
            except InputError:
                row |= {name: math.nan, f"{name} sigma": math.nan}
            else:
                row |= {name: found.value, f"{name} sigma": found.sigma}
        row["entropy"] = entropy_term(reaction)
        rows.append(row)
    return pd.DataFrame(rows).set_index("reaction")


def entropy_term(reaction: Reaction) -> float:
    """Return -T times the reaction entropy at 298.15 K in meV/atom; NaN if one is unknown."""
    total = 0.0
    for formula, c in reaction.coefficients.items():
        entropy = crc_entropy(formula)
        if entropy is None:
            return math.nan
        total += c * entropy
    return -ROOM_TEMPERATURE * total / EV_KJ_PER_MOL / reaction.atoms


def ideal_mixing(reaction: Reaction, *, temperature: float) -> float:
    r"""Return -T times the entropy of mixing the reactants' anions at random, meV/atom.

    An upper bound of what disorder on the anion sites can contribute:
    :math:`k_B T \sum_i n_i \ln (n_i / n)` over the kinds of anions.
    """
    counts: dict[str, float] = {}
    for formula, c in reaction.reactants.items():
        for x, n in Composition(formula).get_el_amt_dict().items():
            if x in ANIONS:
                counts[x] = counts.get(x, 0.0) + c * n
    total = sum(counts.values())
    mixing = sum(n * math.log(n / total) for n in counts.values())
    return 1000.0 * 8.617333262e-5 * temperature * mixing / reaction.atoms


@dataclass(frozen=True)
class Test:
    """Computed against measured energies of many exchanges, for the error model.

    Attributes
    ----------
    table:
        One row per exchange LiX + MF: ``reaction``, ``group`` of the cation M,
        ``MP``, ``measured``, their sigmas, and ``z``, the difference over the
        combined sigma.
    """

    __test__ = False  # not a test class, whatever pytest thinks of the name
    table: pd.DataFrame

    def coverage(self, name: str, *, within: float) -> float:
        """Return the share of a group with ``|z|`` below ``within``."""
        z = self.table.loc[self.table["group"] == name, "z"]
        return float((z.abs() < within).mean())


def error_test() -> Test:
    """Put the error model to the test on every exchange of LiX with a fluoride that both know.

    The model is fitted on single salts, so agreement here is a check of its
    assumption (independent interactions), not of independent data.
    """
    computed, measured = materials_project(), enthalpies()
    rows = []
    for phase in measured:
        cells = bonds(phase.formula)
        if len(cells) != 1 or phase.formula not in computed.phases:
            continue
        ((cation, anion),) = cells
        if anion != "F" or group(cation) == GROUPS[0]:
            continue
        for halogen in ("Cl", "Br", "I"):
            reaction = full_exchange(f"Li{halogen}", phase.formula)
            if reaction is None or not all(
                f in computed.phases and f in measured.phases for f in reaction.coefficients
            ):
                continue
            ours, theirs = energy(reaction, "MP"), energy(reaction, "experiment")
            rows.append({
                "reaction": str(reaction), "group": group(cation), "MP": ours.value,
                "MP sigma": ours.sigma, "measured": theirs.value, "measured sigma": theirs.sigma,
                "z": (ours.value - theirs.value) / float(np.hypot(ours.sigma, theirs.sigma)),
            })  # fmt: skip
    return Test(pd.DataFrame(rows))
