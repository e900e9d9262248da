"""Make ``data/thermo``: the formation energies behind chapters 1 and 4.

Authoring time only; nothing in the book runs this.  It needs three packages
unpacked in folders of their own (none is a dependency of the book)::

    pip download --no-deps --python-version 3.9 --only-binary=:all: CrabNet==2.0.8
    pip download --no-deps reaction-network==8.3.0 qmpy==1.4.0
    # unzip each wheel into --crabnet, --rxn and --qmpy
    python tools/thermo_tables.py --crabnet DIR --rxn DIR --qmpy DIR

What is selected, and why: a reaction between two salts can only end in phases
on the convex hull, and whether a phase is on the hull depends on its own
elements alone.  So the stable phases of every (cation, cation, anion, anion)
system give the same kinks as all entries together; the script checks that for
the chapter's pairs before it writes anything.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import itertools
import json
import re
import time
import warnings
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import chemicals
import chemicals.heat_capacity
import pandas as pd
from chemicals.identifiers import pubchem_db
from pymatgen.analysis.interface_reactions import InterfacialReactivity
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition, Element

from repro import paths
from repro.data import write_manifest

S_BLOCK = ["Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr", "Ba"]
METALS = [
    "B", "Al", "Ga", "In", "Tl", "Si", "Ge", "Sn", "Pb", "P", "As", "Sb",
    "Bi", "Te", "Se", "Ti", "Zr", "Hf", "Nb", "Ta", "Mo", "W", "Hg", "Au",
    "Sc", "Y", "La", "Fe", "Cr", "V", "Zn", "Cd", "Mn", "Re",
]  # fmt: skip
HALOGENS = ["F", "Cl", "Br", "I"]
# Chapter 1 also mixes oxides and hydroxides with these.
OXIDE_CATIONS = ["Li", "Na", "Al", "Ga", "In", "La"]
# Named in the text although they need not be stable.
WANTED = ["Na3GaF6", "NaGaCl4", "LiSbF4", "Li3InF6", "Li3InBr6", "GaClO", "Ga(HO)3", "LaF3"]
PAIRS = [("LiCl", "GaF3"), ("LiCl", "SbF3"), ("LiI", "InBr3"), ("LiI", "GaF3"),
         ("LiBr", "GaF3"), ("NaCl", "GaF3"), ("LiCl", "InF3"), ("LiCl", "Ga2O3"),
         ("LiOH", "GaF3"), ("Li2O", "GaF3"), ("LiCl", "LaF3"), ("LiCl", "AlF3"),
         ("GaF3", "AlF3"), ("LiF", "GaCl3")]  # fmt: skip
EV = 96.48533212  # kJ/mol per eV

MP_SOURCE = "MP legacy (matbench)"
SSUB_SOURCE = "SSUB (SGTE 1999) via qmpy 1.4.0"
FREED_SOURCE = "FREED (Morris 2019) via reaction-network 8.3.0"
JANAF_SOURCE = "NIST-JANAF (Chase 1998) via reaction-network 8.3.0"

Phase = tuple[float, int, frozenset[str]]


def read_mp(folder: Path) -> dict[str, Phase]:
    """Return the lowest formation energy, entry count and elements per formula."""
    table = pd.read_csv(folder / "crabnet/data/matbench/mp_e_form.csv")
    wanted = {*S_BLOCK, *METALS, *HALOGENS, "O", "H"}
    symbol = re.compile(r"[A-Z][a-z]?")
    phases: dict[str, Phase] = {}
    for formula, energy in zip(table["formula"], table["target"], strict=True):
        elements = frozenset(symbol.findall(formula))
        if len(elements) < 2 or not elements <= wanted:
            continue
        reduced = Composition(formula).reduced_formula
        low, count, _ = phases.get(reduced, (float("inf"), 0, elements))
        phases[reduced] = (min(low, float(energy)), count + 1, elements)
    return phases


def systems() -> Iterable[frozenset[str]]:
    """Yield every chemical system whose stable phases are kept."""
    for cations in itertools.combinations([*S_BLOCK, *METALS], 2):
        for anions in itertools.combinations(HALOGENS, 2):
            yield frozenset(cations) | frozenset(anions)
    for cations in itertools.combinations(OXIDE_CATIONS, 2):
        for halogens in itertools.combinations(HALOGENS, 2):
            yield frozenset(cations) | frozenset(halogens) | {"O"}
        for halogen in HALOGENS:
            yield frozenset(cations) | {halogen, "O", "H"}


def entry(formula: str, per_atom: float) -> PDEntry:
    """Return a pymatgen entry of a formation energy per atom."""
    composition = Composition(formula)
    return PDEntry(composition, per_atom * composition.num_atoms)


def diagram(phases: dict[str, Phase], system: frozenset[str]) -> PhaseDiagram:
    """Return the phase diagram of a system, elements at zero."""
    entries = [entry(f, e) for f, (e, _, s) in phases.items() if s <= system]
    return PhaseDiagram([*entries, *(PDEntry(Composition(x), 0.0) for x in sorted(system))])


def stable_phases(phases: dict[str, Phase]) -> set[str]:
    """Return the stable phases that hold a halogen, oxygen or hydrogen."""
    anions = {*HALOGENS, "O", "H"}
    by_element: dict[str, dict[str, Phase]] = {}
    for formula, phase in phases.items():
        for element in phase[2]:
            by_element.setdefault(element, {})[formula] = phase
    found: set[str] = set()
    for system in systems():
        local: dict[str, Phase] = {}
        for element in system:
            local |= {f: p for f, p in by_element[element].items() if p[2] <= system}
        for stable in diagram(local, system).stable_entries:
            elements = {e.symbol for e in stable.composition.elements}
            if len(elements) > 1 and elements & anions:
                found.add(stable.composition.reduced_formula)
    return found


def kinks(
    phases: dict[str, Phase], first: str, second: str
) -> list[tuple[tuple[tuple[str, float], ...], float]]:
    """Return every kink as ((formula, coefficient), ...) in fixed order, and its energy."""
    one, two = Composition(first), Composition(second)
    system = frozenset(e.symbol for e in (*one.elements, *two.elements))
    scan = InterfacialReactivity(one, two, diagram(phases, system), norm=True)
    found = []
    for _, _, energy, reaction, _ in scan.get_kinks():
        terms = sorted(
            (c.reduced_formula, round(float(reaction.get_coeff(c)), 6)) for c in reaction.all_comp
        )
        found.append((tuple(terms), round(float(energy), 6)))
    return found


def read_ssub(folder: Path) -> dict[str, list[float]]:
    """Return SSUB enthalpies, eV/atom, every line of a formula."""
    values: dict[str, list[float]] = {}
    for line in (folder / "qmpy/data/thermodata/ssub.dat").read_text().splitlines():
        parts = line.split()
        try:
            formula = Composition(parts[0]).reduced_formula
            values.setdefault(formula, []).append(float(parts[1]))
        except (IndexError, ValueError):
            continue
    return values


def read_gibbs(folder: Path, name: str) -> dict[str, float]:
    """Return Gibbs energies of formation at 300 K, eV per reduced formula unit."""
    file = folder / f"rxn_network/data/{name}/compounds.json.gz"
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        table = json.load(stream)
    return {Composition(f).reduced_formula: float(v["300"]) for f, v in table.items() if "300" in v}


@lru_cache(maxsize=1)
def crc_numbers() -> dict[str, str]:
    """Return formula -> CAS number of the solids whose enthalpy the CRC table lists."""
    # Lithium oxide is in the CRC table under a number the identifiers do not know.
    found: dict[str, str] = {"Li2O": "12057-24-8"}
    values = chemicals.heat_capacity.CRC_standard_data["Hfs"].dropna()
    for cas in values.index:
        with contextlib.suppress(Exception):  # no identifiers, or a formula with a charge
            found.setdefault(Composition(pubchem_db.search_CAS(cas).formula).reduced_formula, cas)
    return found


@lru_cache(maxsize=4096)
def find_cas(formula: str) -> str:
    """Return the CAS number that `chemicals` gives a formula, or ``""``.

    Some formulas have several numbers (isotopes, polymorphs); one under which the
    CRC enthalpy is listed is preferred.
    """
    try:
        cas = str(chemicals.CAS_from_any(formula))
        found = Composition(pubchem_db.search_CAS(cas).formula).reduced_formula
    except Exception:  # chemicals raises several kinds for "not found"
        cas, found = "", ""
    if found == formula and chemicals.Hfs(cas, method="CRC") is not None:
        return cas
    return crc_numbers().get(formula, cas if found == formula else "")


def listed_units(formula: str, cas: str) -> int:
    """Return how many reduced formulas the listed substance holds: 2 for Hg2Cl2."""
    with contextlib.suppress(Exception):
        listed = Composition(pubchem_db.search_CAS(cas).formula)
        return round(listed.num_atoms / Composition(formula).num_atoms)
    return 1


def experiment_rows(formulas: Iterable[str], rxn: Path, qmpy: Path) -> list[dict[str, object]]:
    """Return cited enthalpies and Gibbs energies, kJ per mole of formula units.

    A Gibbs energy is kept only if it belongs with a solid's enthalpy: FREED and
    JANAF list several compounds as gas only.  Per anion, G(300 K) - H(298 K) of a
    solid halide is nearly a constant of the anion (the entropy its element gives
    up); a value more than 0.08 eV per anion from the median is left out.
    """
    ssub = read_ssub(qmpy)
    rows: list[dict[str, object]] = []
    for formula in formulas:
        atoms = Composition(formula).num_atoms
        if formula in ssub:
            value = min(ssub[formula]) * atoms * EV
            rows.append({"formula": formula, "quantity": "enthalpy_298K",
                         "value_kj_per_mol": round(value, 2), "source": SSUB_SOURCE})  # fmt: skip
    for name, source in (("freed", FREED_SOURCE), ("nist", JANAF_SOURCE)):
        gibbs = read_gibbs(rxn, name)
        gaps: dict[str, dict[str, float]] = {}
        for formula in formulas:
            composition = Composition(formula)
            anions = [x for x in [*HALOGENS, "O"] if composition[x]]
            reference = enthalpy(formula, ssub)
            if formula in gibbs and reference is not None and len(anions) == 1:
                gap = (gibbs[formula] - reference * composition.num_atoms) / composition[anions[0]]
                gaps.setdefault(anions[0], {})[formula] = gap
        for anion, found in gaps.items():
            middle = float(pd.Series(found).median())
            for formula, gap in found.items():
                if abs(gap - middle) > 0.08:
                    print(f"left out {name} {formula}: G-H {gap:+.3f} eV per {anion}, "
                          f"median {middle:+.3f}")  # fmt: skip
                    continue
                rows.append({"formula": formula, "quantity": "gibbs_300K",
                             "value_kj_per_mol": round(gibbs[formula] * EV, 2),
                             "source": source})  # fmt: skip
    return sorted(rows, key=lambda r: (str(r["formula"]), str(r["quantity"]), str(r["source"])))


def enthalpy(formula: str, ssub: dict[str, list[float]]) -> float | None:
    """Return an enthalpy of formation of the solid in eV/atom, or None."""
    if formula in ssub:
        return min(ssub[formula])
    cas = find_cas(formula)
    value = chemicals.Hfs(cas, method="CRC") if cas else None
    atoms = Composition(formula).num_atoms * listed_units(formula, cas)
    return None if value is None else value / 1000 / EV / atoms


def order(formula: str) -> tuple[int, str]:
    """Sort by number of elements, then by name."""
    return len(Composition(formula).elements), formula


def main() -> None:
    """Write the tables and their manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("crabnet", "rxn", "qmpy"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    phases = read_mp(args.crabnet)
    keep = stable_phases(phases)
    keep |= {f for f in WANTED if f in phases}
    # A salt that is not stable in this vintage is still a salt one can weigh out.
    for cation, halogen in itertools.product([*S_BLOCK, *METALS], HALOGENS):
        for state in Element(cation).common_oxidation_states:
            if state > 0:
                formula = Composition({cation: 1, halogen: state}).reduced_formula
                keep |= {formula} & phases.keys()
    small = {f: phases[f] for f in keep}
    for pair in PAIRS:
        full, ours = kinks(phases, *pair), kinks(small, *pair)
        if full != ours:
            raise SystemExit(f"{pair}: the selection changes the kinks\n{full}\n{ours}")
    print(f"{len(phases)} formulas, {len(small)} kept; kinks agree for {len(PAIRS)} pairs")

    folder = paths.data_dir() / "thermo"
    folder.mkdir(parents=True, exist_ok=True)
    formulas = sorted(small, key=order)
    pd.DataFrame(
        [{"formula": f, "formation_energy_ev_per_atom": round(small[f][0], 6),
          "entries": small[f][1], "source": MP_SOURCE} for f in formulas]
    ).to_csv(folder / "mp_legacy.csv", index=False)  # fmt: skip
    pd.DataFrame(experiment_rows(formulas, args.rxn, args.qmpy)).to_csv(
        folder / "experiment.csv", index=False)  # fmt: skip
    cas = {f: find_cas(f) for f in formulas if len(small[f][2]) <= 3}
    pd.DataFrame(
        [{"formula": f, "cas": c, "units": listed_units(f, c), "source": f"chemicals {chemicals.__version__}"}
         for f, c in cas.items() if c]
    ).to_csv(folder / "cas.csv", index=False)  # fmt: skip
    write_manifest(
        folder,
        title="Formation energies of salts: Materials Project (legacy) and experiment",
        license="CC BY 4.0 (our selection); Materials Project data CC BY 4.0",
        sources=[
            "Dunn et al., npj Comput. Mater. 6 (2020) 138: matbench v0.1 mp_e_form, from the "
            "Materials Project (Jain et al., APL Mater. 1 (2013) 011002), as shipped in CrabNet "
            "2.0.8 (MIT)",
            "SGTE, Thermodynamic Properties of Inorganic Materials, Landolt-Boernstein IV/19 "
            "(Springer 1999), as shipped in qmpy 1.4.0 (MIT)",
            "Morris, FREED thermodynamic database (2019), as shipped in reaction-network 8.3.0",
            "Chase, NIST-JANAF Thermochemical Tables, 4th ed. (1998), as shipped in "
            "reaction-network 8.3.0",
            "Bell et al., chemicals: CAS numbers (MIT)",
        ],
        command="python tools/thermo_tables.py --crabnet DIR --rxn DIR --qmpy DIR",
        parameters={"crabnet": "2.0.8", "reaction-network": "8.3.0", "qmpy": "1.4.0",
                    "chemicals": chemicals.__version__, "formulas_in_full_table": len(phases),
                    "formulas_kept": len(small), "kinks_checked_for_pairs": len(PAIRS)},
        seed=None,
        wall_time_s=time.perf_counter() - start,
        files={
            "mp_legacy.csv": "Lowest formation energy per formula, eV/atom, 0 K, pre-2020 "
                             "corrections; stable phases and binary salts",
            "experiment.csv": "Enthalpies (298 K) and Gibbs energies (300 K) of formation, kJ/mol",
            "cas.csv": "CAS numbers, to look up CRC values in the package chemicals at run time",
        },
    )  # fmt: skip


if __name__ == "__main__":
    main()
