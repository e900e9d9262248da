"""Content of the claims ledger: the paper's numbers are there, in its order, in its units.

The form of the file is checked in the tests of ``repro.ledger``.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from pymatgen.core import Composition

from repro import ledger

LEDGER = ledger.load()
CLAIMS = {claim.id: claim for claim in LEDGER.claims}
ERRATA = {erratum.id: erratum for erratum in LEDGER.errata}

NUMBERS = {
    "intro-conductivity": ("~", 4, "mS/cm"),
    "licl-melting-point": ("=", 878, "K"),
    "gaf3-melting-point": ("=", 1070, "K"),
    "glass-transition-measured": ("~", -60, "C"),
    "clay-window": ("range", [2, 4], "mol LiCl per mol GaF3"),
    "milling-time-reported": ("=", 18, "h"),
    "training-crystals": ("=", 13, "phases"),
    "training-slabs": ("=", 3, "slabs"),
    "training-frames-generated": (">", 700_000, "frames"),
    "training-frames-used": ("=", 250_000, "frames"),
    "training-energy-rmse": ("<", 1, "meV/atom"),
    "training-force-rmse": ("<", 70, "meV/A"),
    "slab-equilibration-time": ("=", 5, "ps"),
    "slab-equilibration-temperature": ("=", 800, "K"),
    "particle-edge": ("~", 2.5, "nm"),
    "particle-count": ("=", 8, "particles"),
    "assembly-atoms": ("~", 10_000, "atoms"),
    "assembly-cell": ("~", 5.4, "nm"),
    "melt-temperature": ("=", 900, "K"),
    "melt-time": ("=", 50, "ps"),
    "equilibration-time": ("=", 2, "ns"),
    "glass-transition-simulated": ("~", -58, "C"),
    "exchange-energy": ("=", -93, "meV/atom"),
    "stress-low": ("=", 10, "MPa"),
    "stress-high": ("=", 50, "MPa"),
    "stress-hold-time": ("=", 400, "ps"),
    "stress-release-time": ("=", 400, "ps"),
    "stress-repeats": ("=", 3, "cycles"),
    "energy-change": ("<", 3, "meV/atom"),
    "shear-rate": ("=", 1e9, "1/s"),
    "yield-stress": ("~", 0.5, "GPa"),
    "plastic-onset": ("~", 0.05, ""),
    "gr-strain-from": ("=", 0.09, ""),
    "gr-strain-to": ("=", 0.14, ""),
    "d2min-high-class": ("=", 90, "%"),
    "d2min-low-class": ("=", 10, "%"),
    "d2min-interval": ("=", 0.01, ""),
    "conductivity-measured": ("~", 2.9, "mS/cm"),
    "exafs-r-range": ("=", 6, "A"),
    "ini3-within-20-min": ("=", 20, "min"),
    "clay-still-unseparated-24h": ("=", 24, "h"),
    "alf3-clay-below": ("<", 0.8, ""),
    "alf3-powder-above": (">", 0.8, ""),
    "milling-speed": ("=", 450, "rpm"),
    "milling-time": ("=", 24, "h"),
    "eis-highest-frequency": ("=", 7, "MHz"),
    "eis-lowest-frequency": ("=", 10, "mHz"),
    "eis-amplitude": ("=", 10, "mV"),
    "exafs-foil-energy": ("=", 10535, "eV"),
    "exafs-rbkg": ("=", 1.0, "A"),
    "exafs-k-weight": ("=", 3, ""),
    "cutoff": ("=", 9, "A"),
    "cutoff-smooth": ("=", 5.5, "A"),
    "prefactor-energy-start": ("=", 0.02, ""),
    "prefactor-energy-end": ("=", 1, ""),
    "prefactor-force-start": ("=", 1000, ""),
    "prefactor-force-end": ("=", 1, ""),
    "decay-steps": ("=", 5000, "steps"),
    "learning-rate": ("=", 0.001, ""),
    "training-steps": ("=", 800_000, "steps"),
    "heating-time": ("=", 10, "ps"),
    "holding-time": ("=", 30, "ps"),
    "cooling-time": ("=", 10, "ps"),
    "aimd-step": ("=", 2, "fs"),
    "share-training": ("=", 80, "%"),
    "share-validation": ("=", 20, "%"),
    "dft-cutoff": ("=", 500, "eV"),
    "dft-kpoints": (">=", 30, "k-points per A^-1"),
    "dft-scf": ("=", 1e-6, "eV"),
    "dft-ionic": ("=", 0.01, "eV/A"),
    "aimd-cell": (">=", 10, "A"),
    "md-step": ("=", 1, "fs"),
    "md-tdamp": ("=", 0.2, "ps"),
    "md-pdamp": ("=", 1, "ps"),
    "averaging-window": ("=", 5, "ps"),
}

TEXTS = {
    "exchange-products": "Li3GaF6 + GaCl3",
    "gacl3-dimers": "Ga2Cl6",
    "libr-gaf3-product": "GaBr3",
    "embedding-net": "24, 48, 96",
    "fitting-net": "240, 240, 240",
    "xrd-radiation": "Cu K-alpha",
    "exafs-edge": "Ga K",
    "exafs-window": "Hanning",
    "dft-functional": "PBE",
    "dft-dispersion": "D2",
}

TABLE_1 = {  # precursors: products, molecular component, peaks after milling, outcome
    "licl-gaf3": ("Li3GaF6 + GaCl3", "GaCl3", "LiCl", "soft clay-like"),
    "licl-sbf3": ("LiF + SbCl3", "SbCl3", "LiF + SbCl3", "powder"),
    "lii-inbr3": ("LiBr + InI3", "InI3", "LiBr + InI3", "powder"),
    "lii-gaf3": ("LiF + GaI3", "GaI3", "GaI3", "powder"),
}

SECTIONS = (  # in the paper's order; a row belongs to the first place it names
    "Abstract",
    "Introduction",
    "Results, paragraph 1",
    "Results, paragraph 2",
    "Figure 1",
    "Results, paragraph 3",
    "Results, paragraph 4",
    "Results, paragraph 5",
    "Figure 2",
    "Results, paragraph 6",
    "Results, paragraph 7",
    "Results, paragraph 8",
    "Figure 3",
    "Table 1",
    "Discussion",
    "Experimental, synthesis",
    "Experimental, electrochemistry",
    "Experimental, diffraction",
    "Experimental, EXAFS",
    "Methods, training",
    "Methods, DFT",
    "Methods, classical MD",
    "Data availability",
)


def numbers_in(text: str) -> set[float]:
    """Return the numbers written in digits, without sign; '700,000' counts as one."""
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    return {float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?", plain)}


def atoms(side: str) -> Composition:
    """Return the composition of one side of a reaction, e.g. '3 LiCl + 2GaF3'."""
    total = Composition()
    for term in side.split("+"):
        match = re.fullmatch(r"\s*(\d*)\s*([A-Z]\w*)\s*", term)
        assert match, f"not a term of a reaction: {term!r}"
        for element, amount in Composition(match[2]).items():
            total += Composition({element: amount * int(match[1] or 1)})
    return total


def balanced(reaction: str) -> bool:
    left, right = reaction.split("->")
    return atoms(left) == atoms(right)


@pytest.mark.parametrize("claim_id", NUMBERS)
def test_number_of_the_paper_is_kept_with_relation_and_unit(claim_id: str) -> None:
    published = CLAIMS[claim_id].published
    assert (published.relation, published.value, published.unit) == NUMBERS[claim_id]


@pytest.mark.parametrize("claim_id", TEXTS)
def test_named_choice_of_the_paper_is_kept(claim_id: str) -> None:
    published = CLAIMS[claim_id].published
    assert (published.relation, published.value) == ("text", TEXTS[claim_id])


@pytest.mark.parametrize("precursors", TABLE_1)
def test_every_cell_of_table_1_is_a_row(precursors: str) -> None:
    cells = [
        CLAIMS[f"table-1-{precursors}-{cell}"].published.value
        for cell in ("products", "molecular", "peaks", "rheology")
    ]
    assert tuple(cells) == TABLE_1[precursors]


@pytest.mark.parametrize(
    ("mixture", "driven"),
    [
        ("nacl-gaf3", True),
        ("licl-inf3", False),
        ("ga2o3-licl", True),
        ("lioh-gaf3", True),
        ("li2o-gaf3", True),
        ("licl-laf3", True),
        ("libr-gaf3", True),
        ("alf3-licl", False),
        ("alf3-gaf3", False),
    ],
)
def test_every_mixture_of_the_discussion_has_its_driving_force(mixture: str, driven: bool) -> None:
    claim = CLAIMS[f"{mixture}-driving-force" if driven else f"{mixture}-no-driving-force"]
    assert claim.published.value is True
    assert claim.chapter == "notebooks/01_which_salts_react"
    assert ("no driving force" in claim.says) is not driven


def test_paraphrases_are_short_and_distinct() -> None:
    too_long = [claim.id for claim in LEDGER.claims if len(claim.says) > 200]
    assert not too_long
    said = [claim.says for claim in LEDGER.claims if not claim.id.startswith("table-1-")]
    assert len(said) == len(set(said))


def test_paraphrase_names_the_published_number() -> None:
    missing = []
    for claim in LEDGER.claims:
        if claim.published.relation == "text":
            continue
        value = claim.published.value
        for number in value if isinstance(value, list) else [value]:
            if abs(number) not in numbers_in(claim.says):
                missing.append((claim.id, number))
    assert not missing


def test_only_pure_numbers_go_without_a_unit() -> None:
    pure = r"strain|D2min|x <|x >|prefactor|power|learning rate"
    bare = [
        claim.id
        for claim in LEDGER.claims
        if claim.published.relation != "text"
        and not claim.published.unit
        and not re.search(pure, claim.says)
    ]
    assert not bare


def test_rows_follow_the_paper_and_leave_no_section_out() -> None:
    found = []
    for claim in LEDGER.claims:
        section = next((s for s in SECTIONS if claim.where.startswith(s)), None)
        assert section, f"{claim.id}: unknown place {claim.where!r}"
        found.append(SECTIONS.index(section))
    assert found == sorted(found)
    assert set(found) == set(range(len(SECTIONS)))


def test_every_chapter_has_claims_to_answer() -> None:
    numbers = {claim.chapter.split("/")[1][:2] for claim in LEDGER.claims if claim.chapter}
    assert numbers == {f"{n:02d}" for n in range(1, 12)}


def test_yes_no_rows_that_will_be_computed_say_when_the_answer_is_yes() -> None:
    vague = [
        claim.id
        for claim in LEDGER.claims
        if claim.kind == "observation"
        and claim.chapter
        and not re.search(r"\b(yes if|is read as|decided by|either|counted as|refutes|gap is)\b",
                          claim.tolerance["why"], re.IGNORECASE)
    ]  # fmt: skip
    assert not vague


def test_errata_named_in_notes_exist() -> None:
    named = {
        name
        for claim in LEDGER.claims
        for name in re.findall(r"see erratum ([a-z0-9-]+)", claim.note)
    }
    assert named
    assert named <= set(ERRATA)


def test_exchange_equation_is_unbalanced_as_printed_and_balanced_as_resolved() -> None:
    erratum = ERRATA["exchange-equation"]
    assert not balanced(erratum.printed)
    reaction = re.search(r"3 LiCl \+ 2 GaF3 -> Li3GaF6 \+ GaCl3", erratum.resolution)
    assert reaction
    assert balanced(reaction[0])
    left, right = erratum.printed.split("->")
    assert atoms(right) == atoms(left) * 3


def test_misprinted_composition_is_not_neutral() -> None:
    charge = {"Li": 1, "Ga": 3, "F": -1, "Cl": -1}
    parts = ERRATA["composition-misprint"].printed.split(".")
    total = [sum(charge[str(el)] * n for el, n in atoms(part).items()) for part in parts]
    assert total == [0, 1]


@pytest.mark.parametrize("precursors", [key for key in TABLE_1 if key != "licl-gaf3"])
def test_other_rows_of_table_1_balance_at_the_printed_ratio(precursors: str) -> None:
    claim = CLAIMS[f"table-1-{precursors}-products"]
    fluoride, molecular = str(claim.published.value).split(" + ")
    row = claim.where.removeprefix("Table 1, row ")
    assert balanced(f"{row} -> 3 {fluoride} + {molecular}")


@pytest.mark.parametrize(("licl", "gaf3", "works"), [(2, 1, False), (3, 1, False), (3, 2, True)])
def test_first_row_of_table_1_balances_only_at_three_to_two(
    licl: int, gaf3: int, works: bool
) -> None:
    products = str(CLAIMS["table-1-licl-gaf3-products"].published.value).split(" + ")
    elements = ("Li", "Ga", "F", "Cl")
    mixture = atoms(f"{licl} LiCl + {gaf3} GaF3")
    matrix = np.array([[Composition(product)[el] for product in products] for el in elements])
    target = np.array([mixture[el] for el in elements])
    amounts = np.linalg.lstsq(matrix, target, rcond=None)[0]
    assert np.allclose(matrix @ amounts, target) is works
