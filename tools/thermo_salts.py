"""Check the hand-made tables of ``data/thermo/salts`` and write their manifest.

The tables are typed by hand: ``mixtures.csv`` from the paper, the second from
textbook knowledge, each row with its source.  Run this after editing one.
"""

from __future__ import annotations

import time

from repro import paths
from repro.data import write_manifest
from repro.thermo import salts


def main() -> None:
    """Check the tables and write the manifest."""
    start = time.perf_counter()
    folder = paths.data_dir() / "thermo" / "salts"
    count = len(salts.read_mixtures(folder / "mixtures.csv"))
    write_manifest(
        folder,
        title="Mixtures of the paper, and halides built of molecules",
        license="CC BY 4.0",
        sources=[
            "Gupta, Yang & Ceder, Nat. Commun. 14 (2023) 6884 (CC BY 4.0): Table 1 and Discussion",
            "Wells, Structural Inorganic Chemistry (Oxford): general knowledge, rows not "
            "rechecked one by one; a shipped crystal structure takes precedence",
        ],
        command="python tools/thermo_salts.py",
        parameters={"mixtures": count},
        seed=None,
        wall_time_s=time.perf_counter() - start,
        files={
            "mixtures.csv": "Mixtures of the paper: what was observed and stated about each",
            "molecular_halides.csv": "Which halides are built of molecules, and how it is known",
        },
    )
    print(f"{count} mixtures, {len(salts.listed_units())} halides")


if __name__ == "__main__":
    main()
