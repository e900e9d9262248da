"""Crystal structures of the book: an index with sources, and one loader.

Three kinds are kept apart: ``experiment`` (a measured cell), ``dft`` (relaxed with
PBE by the Materials Project, without dispersion) and ``model`` (relaxed by us with
a universal potential; ``tools/relax_prototypes.py``).
"""

from __future__ import annotations

import warnings
from functools import lru_cache

import pandas as pd
from pymatgen.core import Composition, Structure

from repro import data
from repro.errors import InputError, did_you_mean

HALOGENS = ("F", "Cl", "Br", "I")
_COLUMNS = ["key", "formula", "kind", "space_group", "a", "b", "c", "alpha", "beta", "gamma",
            "dispersion", "source"]  # fmt: skip


def index() -> pd.DataFrame:
    """Return one row per shipped structure, indexed by key.

    Columns: formula, kind (experiment, dft, model), space_group, cell (angstrom,
    degrees), dispersion (of the method; empty for measured cells), source, and for
    models energy_ev_atom and bulk_modulus_gpa with its error.
    """
    cells = pd.read_csv(data.path("structures/cells.csv"))
    cells["dispersion"] = cells["kind"].map({"dft": "none", "experiment": ""})
    models = pd.read_csv(data.path("structures/models/models.csv"), keep_default_na=False,
                         na_values=[""])  # fmt: skip
    models["kind"] = "model"
    extra = ["energy_ev_atom", "bulk_modulus_gpa", "bulk_modulus_err_gpa", "cell_origin"]
    return pd.concat([cells[_COLUMNS], models[_COLUMNS + extra]]).set_index("key")


def load(key: str) -> Structure:
    """Return the conventional cell of a shipped structure.

    Parameters
    ----------
    key:
        A key of :func:`index`, e.g. ``"GaCl3-mp"``.

    Raises
    ------
    InputError
        If there is no such structure.
    """
    table = index()
    if key not in table.index:
        raise InputError(f"structure {key!r} is not shipped{did_you_mean(key, table.index)}; "
                         "repro.structures.index() lists them")  # fmt: skip
    folder = "models" if table.loc[key, "kind"] == "model" else "cif"
    return _read(str(data.path(f"structures/{folder}/{key}.cif"))).copy()


@lru_cache(maxsize=256)
def _read(file: str) -> Structure:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pymatgen notes on rounding of 1/3
        return Structure.from_file(file)


def binary_halides(*, kind: str = "dft") -> list[str]:
    """Return the keys of all structures of one element and one halogen, of one kind."""
    table = index()
    return [str(key) for key, row in table[table.kind == kind].iterrows()
            if _is_binary_halide(row.formula)]  # fmt: skip


def _is_binary_halide(formula: str) -> bool:
    elements = [element.symbol for element in Composition(formula)]
    return len(elements) == 2 and sum(symbol in HALOGENS for symbol in elements) == 1


def moduli() -> pd.DataFrame:
    """Return bulk and shear moduli (GPa, Voigt-Reuss-Hill, PBE) by structure key."""
    return pd.read_csv(data.path("moduli/moduli.csv")).set_index("structure")


def literature() -> pd.DataFrame:
    """Return measured values quoted in the book (value, uncertainty, unit, source) by key."""
    return pd.read_csv(data.path("moduli/literature.csv")).set_index("key")


def measured() -> pd.DataFrame:
    """Return measured densities (g/cm^3) and melting points (K) by formula."""
    return pd.read_csv(data.path("structures/measured.csv")).set_index("formula")


def preferred(formula: str) -> tuple[str, float]:
    """Return the shipped cell nearest to the real one, and how far it may be off.

    A measured cell comes first.  Else, of several packings relaxed the same way, the
    one lowest in energy; then the density decides between methods: the cell closest
    to the measured density.  A third of the density misfit is how far its edges are
    off on average.

    Parameters
    ----------
    formula:
        Reduced formula, e.g. ``"GaCl3"``.

    Returns
    -------
    key, misfit
        Structure key, and the linear misfit (fraction; 0 for a measured cell, nan
        without a measured density).

    Raises
    ------
    InputError
        If no structure of this formula is shipped.
    """
    table = index()
    own = table[table.formula == formula]
    if own.empty:
        raise InputError(f"no structure of {formula!r} is shipped"
                         f"{did_you_mean(formula, table.formula)}")  # fmt: skip
    cells = own[(own.kind == "experiment") | (own.get("cell_origin", "") == "Forrester 1964")]
    if len(cells) and formula != "GaF3":  # the measured GaF3 cell is the metastable beta form
        return str(cells.index[0]), 0.0
    own = own[own.kind != "experiment"]
    lowest = own.groupby("dispersion")["energy_ev_atom"].transform("min")
    own = own[own.energy_ev_atom.isna() | (own.energy_ev_atom <= lowest + 1e-9)
              | (own.kind == "dft")]  # fmt: skip
    density = measured().density_g_cm3
    if formula not in density.index:
        return str(own.index[0]), float("nan")
    misfit = {str(key): abs(float(load(str(key)).density) / float(density[formula]) - 1) / 3
              for key in own.index}  # fmt: skip
    best = min(misfit, key=lambda key: misfit[key])
    return best, misfit[best]
