"""Write the CIFs of ``data/structures/cif`` from our tables of cells and sites.

``data/structures/cells.csv`` (one row per structure: cell, space group, source)
and ``sites.csv`` (the asymmetric unit) are the facts; the CIFs are derived from
them, and a structure whose symmetry does not come back is refused.  Run from
the repository root::

    python tools/write_structures.py
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from repro import data, paths
from repro.errors import DataError

SYMPREC = 0.02  # angstrom
MERGE = 1e-3  # fractional; the tables carry six decimals, so 1/3 is not exact
LICENSE = (
    "CC BY 4.0; Materials Project data are CC BY 4.0, "
    "AMCSD data are free to use with the original paper cited"
)
SOURCES = [
    "Jain et al., APL Materials 1, 011002 (2013), doi 10.1063/1.4812323",
    "Downs & Hall-Wallace, American Mineralogist 88, 247 (2003) (AMCSD)",
]


def build(row: pd.Series, sites: pd.DataFrame) -> Structure:
    """Return the conventional cell of one row of ``cells.csv``."""
    lattice = Lattice.from_parameters(*(float(row[k]) for k in
                                        ("a", "b", "c", "alpha", "beta", "gamma")))  # fmt: skip
    own = sites[sites.key == row.key]
    structure = Structure.from_spacegroup(
        row.space_group, lattice, list(own.element), own[["x", "y", "z"]].to_numpy(), tol=MERGE
    )
    number = SpacegroupAnalyzer(structure, symprec=SYMPREC).get_space_group_number()
    if number != row.number or structure.composition.reduced_formula != row.formula:
        raise DataError(
            f"{row.key}: built {structure.composition.reduced_formula} in space group {number}, "
            f"cells.csv says {row.formula} in {row.number}"
        )
    return structure


def main() -> None:
    """Write all CIFs and both manifests."""
    warnings.filterwarnings("ignore", category=UserWarning)
    start = time.perf_counter()
    folder = paths.data_dir() / "structures"
    cells, sites = pd.read_csv(folder / "cells.csv"), pd.read_csv(folder / "sites.csv")
    target = folder / "cif"
    target.mkdir(exist_ok=True)
    files: dict[str, str] = {}
    for _, row in cells.iterrows():
        structure = build(row, sites)
        file: Path = target / f"{row.key}.cif"
        CifWriter(structure, symprec=SYMPREC, refine_struct=False).write_file(file)
        files[file.name] = f"{row.formula}, {row.space_group}; {row.source}"
    common: dict[str, Any] = {
        "license": LICENSE, "sources": SOURCES, "command": "python tools/write_structures.py",
        "parameters": {"symprec_angstrom": SYMPREC}, "seed": None,
    }  # fmt: skip
    data.write_manifest(
        target, title="Crystal structures of halides, as CIF", files=files,
        wall_time_s=time.perf_counter() - start, **common,
    )  # fmt: skip
    data.write_manifest(
        folder, title="Cells and asymmetric units of halides", wall_time_s=0.0,
        files={"cells.csv": "cell, space group, kind and source of each structure",
               "sites.csv": "asymmetric unit of each structure, fractional",
               "measured.csv": "measured density and melting point by formula"}, **common,
    )  # fmt: skip
    print(f"{len(files)} CIFs in {target}")


if __name__ == "__main__":
    main()
