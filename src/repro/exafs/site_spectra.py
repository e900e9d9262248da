"""chi(k) of every site of a set: made by FEFF, kept as a table, and averaged again.

A table has one row a site: where it comes from, what surrounds it, and chi(k).  Means over some
of the sites (one seed, one shell) are then sums over rows, without FEFF.  All sites have the
settings of :data:`SETTINGS`, with which R is whole up to 6 angstrom
(:mod:`repro.exafs.feff_sites`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms
from numpy.typing import NDArray

from repro import packed
from repro.clay.mixing import CUTOFFS
from repro.errors import InputError
from repro.exafs import feff, feff_runs, feff_sites
from repro.exafs.ensemble import Ensemble
from repro.exafs.feff_files import GRID, STEP
from repro.exafs.feff_runs import Failure
from repro.exafs.feff_sites import Site

Floats = NDArray[np.float64]
RADIUS = 8.0  # angstrom, of a site's surroundings
SETTINGS: dict[str, Any] = {"rpath": 7.5, "nleg": 6, "criteria": (0.0, 0.5)}
K_MAX = 16.0  # 1/angstrom
DRAW = 1  # seed of the draw of sites
ABOUT = ("site", "frame", "time_ps", "atom", "fluorine", "chlorine", "GaF_A", "GaCl_A", "paths",
         "seconds")  # fmt: skip


@dataclass(frozen=True)
class SiteSpectra:
    """chi(k) of the sites of a set.

    Attributes
    ----------
    about:
        A row a site: name of the frame, time (ps), index of the atom, neighbours F and Cl within
        the bond lengths of :data:`repro.clay.mixing.CUTOFFS`, their mean distances (angstrom, NaN
        for none), number of paths, seconds of FEFF.
    k:
        (K,), 1/angstrom.
    chi:
        (N, K); S02 1, no shift, no width.
    program:
        FEFF and its version.
    """

    about: pd.DataFrame
    k: Floats
    chi: Floats
    program: str

    def only(self, rows: Sequence[bool] | NDArray[np.bool_]) -> SiteSpectra:
        """Return some of the sites, given a mask (N,)."""
        mask = np.asarray(rows, dtype=bool)
        return SiteSpectra(self.about[mask].reset_index(drop=True), self.k, self.chi[mask],
                           self.program)  # fmt: skip


def shell(site: Site) -> dict[str, float]:
    """Return the first shell of a site: neighbours F and Cl, and their mean distances."""
    kinds = np.array(site.symbols)
    distance = np.linalg.norm(site.positions, axis=1)
    found: dict[str, float] = {}
    for element, count, mean in (("F", "fluorine", "GaF_A"), ("Cl", "chlorine", "GaCl_A")):
        near = distance[(kinds == element) & (distance < CUTOFFS[site.absorber, element])]
        found[count] = len(near)
        found[mean] = float(near.mean()) if len(near) else float("nan")
    return found


def compute(
    sites: Sequence[Site],
    *,
    program: str = "feff8l",
    cores: int = 2,
    cache: Path | str,
    progress: Callable[[int, int], None] | None = None,
    **settings: Any,
) -> tuple[SiteSpectra, list[Failure]]:
    """Run FEFF on sites, or what is left of them; return their spectra, and sites that have none.

    Parameters
    ----------
    sites:
        From :func:`drawn`.
    program:
        ``feff8l`` or ``feff6l``.
    cores:
        How many FEFF run at once.
    cache:
        Folder of single results; with it a killed run goes on.
    progress:
        Called with how many sites are done, and of how many.
    settings:
        Instead of those of :data:`SETTINGS`.

    Raises
    ------
    FeffError
        If more than one site in twenty fails.
    InputError
        For no sites.
    """
    asked = {**SETTINGS, **settings}
    chosen = feff.program(program)
    count = round(K_MAX / STEP) + 1
    rows: list[dict[str, Any]] = []
    chi, failures = [], []
    made = feff_runs.run_sites(sites, feff=chosen, cache=cache, processes=cores, progress=progress,
                               **asked)  # fmt: skip
    for number, (site, one) in enumerate(zip(sites, made, strict=True)):
        if isinstance(one, Failure):
            failures.append(one)
            continue
        rows.append({
            "site": number, "frame": site.frame, "time_ps": site.time_ps, "atom": site.atom,
            **shell(site), "paths": len(one.paths), "seconds": round(one.seconds, 2),
        })  # fmt: skip
        chi.append(one.chi[:count])
    found = SiteSpectra(pd.DataFrame(rows)[list(ABOUT)], GRID[:count], np.array(chi),
                        f"{chosen.name} ({chosen.version})")  # fmt: skip
    return found, failures


def write(found: SiteSpectra, file: Path) -> None:
    """Write spectra as a gzipped table, five figures; equal bytes for equal spectra.

    The columns of chi are named by k; the program is in the column ``program``.
    """
    text = io.StringIO()
    columns = [f"{k:.2f}" for k in found.k]
    table = found.about.copy()
    for name in ("time_ps", "GaF_A", "GaCl_A"):
        table[name] = table[name].map(lambda x: "" if np.isnan(x) else f"{x:.4f}")
    table["program"] = found.program
    chi = pd.DataFrame([[f"{x:.5g}" for x in row] for row in found.chi], columns=columns)
    pd.concat([table, chi], axis=1).to_csv(text, index=False, lineterminator="\n")
    file.parent.mkdir(parents=True, exist_ok=True)
    with packed.writing(file) as stream:
        stream.write(text.getvalue().encode())


def read(file: Path) -> SiteSpectra:
    """Return the spectra of a file that :func:`write` wrote.

    Raises
    ------
    InputError
        If it is missing, cut short, or no such table.
    """
    try:
        table = pd.read_csv(file, keep_default_na=True)
    except FileNotFoundError:
        raise InputError(f"{file}: no such file; expected a table of site spectra") from None
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{file}: not a whole gzipped table ({error})") from None
    lacking = [name for name in (*ABOUT, "program") if name not in table]
    if lacking:
        raise InputError(
            f"{file}: no column {', '.join(lacking)}; expected a table of site spectra"
        )
    names = [name for name in table.columns if name not in (*ABOUT, "program")]
    chi = table[names].to_numpy(dtype=float)
    if not len(table) or not np.isfinite(chi).all():
        raise InputError(f"{file}: no sites, or chi that is not finite")
    return SiteSpectra(table[list(ABOUT)], np.array([float(n) for n in names]), chi,
                       str(table["program"].iloc[0]))  # fmt: skip


def mean(found: SiteSpectra, *, blocks: int = 20) -> Ensemble:
    """Return the mean over sites, with blocks of consecutive ones.

    Parameters
    ----------
    found:
        Sites in the order of time.
    blocks:
        Of consecutive sites; no more than there are sites.

    Raises
    ------
    InputError
        For no sites or less than one block.
    """
    n = len(found.chi)
    if not n or blocks < 1:
        raise InputError(f"{n} sites in {blocks} blocks: expected one or more of both")
    parts = np.array_split(found.chi, min(blocks, n))
    spread = found.chi.std(axis=0, ddof=1) if n > 1 else np.full(len(found.k), np.nan)
    return Ensemble(
        k=found.k, mean=found.chi.mean(axis=0), error=spread / np.sqrt(n), spread=spread, number=n,
        blocks=np.array([part.mean(axis=0) for part in parts]),
        counts=np.array([len(part) for part in parts], dtype=np.int64), program=found.program,
        paths=float(found.about.paths.mean()), seconds=float(found.about.seconds.mean()),
    )  # fmt: skip


def drawn(frames: Iterator[Atoms], n: int) -> list[Site]:
    """Return the sites of a set: so many, drawn from its frames with :data:`DRAW`."""
    return feff_sites.sites(frames, n, seed=DRAW, radius=RADIUS)
