"""Scans with a known answer for the chapter on EXAFS, and what each step makes of them.

A scan is simulated around a chi(k), of made-up shells (:mod:`repro.exafs.simulated`) or of FEFF's
mean over sites: edge, white line, slow background, slope, noise, energy error, and a Re foil
behind the sample.  Nothing here is measured, and every spectrum says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro import data
from repro.errors import InputError
from repro.exafs import edges, files, pipeline, simulated, spectra, transforms
from repro.exafs.ensemble import Ensemble
from repro.exafs.exafs_chapter import FOIL, FOLDER, Choices
from repro.exafs.files import Spectrum
from repro.exafs.pipeline import FourFiles, Processed, Settings

Floats = NDArray[np.float64]
NEEDS: dict[str, str] = {
    "energy": "eV (keV is refused), ascending, no energy twice; from 150 eV below the edge to k = 13",
    "sample": "one of: mu; normalised mu; I0 and It (their logarithm is taken)",
    "foil": "It and Iref behind the sample, or mu of a reference, or one foil file for all four",
    "columns": "named in the header or by number; Athena .prj with one group, or its name",
}
"""What a reader's file must hold."""


@dataclass(frozen=True)
class Scan:
    """A simulated scan and its known answer.

    Attributes
    ----------
    spectrum:
        As a beamline would give it.
    k, chi:
        The truth on a grid of 0.05 1/angstrom.
    shift:
        What calibration has to find, eV.
    """

    spectrum: Spectrum
    k: Floats
    chi: Floats
    shift: float


def scan(
    k: Floats, chi: Floats, *, label: str = "simulated", shift: float = 3.0, noise: float = 5e-4,
    seed: int = 1, k_max: float = 14.0, e0: float = simulated.GA_E0, atomic: float = 0.04,
) -> Scan:  # fmt: skip
    """Return a scan around a chi(k), recorded ``shift`` eV too low.

    Parameters
    ----------
    k, chi:
        (K,), 1/angstrom in even steps from 0, at least up to ``k_max``.
    label:
        For legends.
    shift, noise, seed:
        Energy error, eV; standard deviation of a point where the edge step is 1; seed of it.
    k_max, e0:
        End of the scan, 1/angstrom; true edge, eV.
    atomic:
        Size of the slow wiggle of the free atom.

    Raises
    ------
    InputError
        For a chi that ends before the scan, or other shapes.
    """
    x, y = np.asarray(k, dtype=float), np.asarray(chi, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or x[-1] < k_max - 1e-9:
        raise InputError(f"k of shape {x.shape} up to {x[-1]:g}, chi {y.shape}: expected (K,), up to "
                         f"{k_max:g} 1/angstrom")  # fmt: skip
    true = simulated.energies(e0, k_max=k_max)
    q = edges.wave_number(true - e0)
    # Turned on between k = 1 and 2.5, below every window, so that the edge stays where it is.
    seen = y * (1 - np.exp(-((x / 2.0) ** 6)))
    slow = atomic * (np.cos(0.55 * q) * np.exp(-q / 6) - 1 + q / 20) * (true > e0)
    rng = np.random.default_rng(seed)
    mu = simulated.edge(true, e0) + slow + np.interp(q, x, seen) * (true > e0)
    mu = 0.4 - 3e-4 * (true - e0) + mu + rng.normal(scale=noise, size=len(mu))
    foil = simulated.foil(shift=shift, noise=noise, seed=seed + 1000, energy=true - shift)
    made = Spectrum(true - shift, mu, foil.mu, label=label, source=label, note="simulated",
                    synthetic=True)  # fmt: skip
    return Scan(made, x, seen, shift)


def of_mean(found: Ensemble, *, choices: Choices | None = None, **options: Any) -> Scan:
    """Return a scan around the mean of sites, with the chapter's choices in it."""
    k, chi = (choices or Choices())(found.k, found.mean)
    return scan(k, chi, **options)


def truth(one: Scan, settings: Settings | None = None) -> transforms.Transformed:
    """Return the transform of the known answer."""
    s = settings or Settings()
    return transforms.transform(one.k, one.chi, k_min=s.k_min, k_max=s.k_max, dk=s.dk,
                                k_weight=s.k_weight, window=s.window, r_max=s.r_max, source="truth")  # fmt: skip


def misfit(found: Processed, one: Scan) -> float:
    """Return the difference from the truth within the first shell, over the truth's highest peak.

    Root mean square of the complex transforms; only for equal settings of the transform.
    """
    true = truth(one, found.settings)
    s = found.settings
    shell = (true.r >= s.first_shell[0]) & (true.r <= s.first_shell[1])
    off = found.transformed.chi_r[shell] - true.chi_r[shell]
    return float(np.sqrt((np.abs(off) ** 2).mean()) / true.magnitude[shell].max())


def variations(one: Scan, changes: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return what a change of one step does, a row a change.

    Parameters
    ----------
    one:
        From :func:`scan`.
    changes:
        Words to fields of :class:`repro.exafs.pipeline.Settings`.

    Returns
    -------
    pandas.DataFrame
        ``e0 (eV)``, ``peak (Å)``, ``true peak (Å)``, ``height / true`` and ``misfit (%)``; the
        truth goes through the same weight, window and range.
    """
    rows: dict[str, dict[str, float]] = {}
    for words, own in changes.items():
        s = replace(Settings(), **own)
        made = pipeline.process(one.spectrum, settings=s)
        true = truth(one, s)
        position, height = transforms.top(true.r, true.magnitude, within=s.first_shell)
        rows[words] = {
            "e0 (eV)": made.normalised.e0, "peak (Å)": made.first_shell.position,
            "true peak (Å)": position, "height / true": made.first_shell.height / height,
            "misfit (%)": 100 * misfit(made, one),
        }  # fmt: skip
    return pd.DataFrame(rows).T


def own_files(
    gaf3: str, gacl3: str, two_to_one: str, three_to_one: str, *, foil: str = "",
    settings: Settings | None = None,
) -> FourFiles | None:  # fmt: skip
    """Return a reader's own Fig. 3a, or None where no file is given.

    Raises
    ------
    InputError
        If only some of the four are given, or a file is missing or bad.
    """
    given = {"gaf3": gaf3, "gacl3": gacl3, "clay21": two_to_one, "clay31": three_to_one}
    if not any(given.values()):
        return None
    lacking = [name for name, file in given.items() if not file]
    if lacking:
        raise InputError(
            f"no file for {', '.join(lacking)}: expected all four of {', '.join(given)}"
        )
    paths = [data.external(file) for file in given.values()]
    return pipeline.four_files(
        *paths, foil=data.external(foil) if foil else None, settings=settings
    )


@dataclass(frozen=True)
class Foil:
    """The edge of a Re foil.

    Attributes
    ----------
    words:
        Where it is from.
    energy, error:
        Of its edge, eV.
    moved:
        By how much its owner had moved the energies before, eV, as far as the file says.
    own:
        Whether it is a reader's file, read in this run.
    """

    words: str
    energy: float
    error: float
    moved: float
    own: bool


def _moved(note: str) -> float:
    """Return the energy shift that a note of :mod:`repro.exafs.projects` speaks of, eV."""
    found = re.search(r"energy shift of ([-+]?[\d.]+) eV", note)
    return float(found[1]) if found else 0.0


def foil(file: str = "", *, edge: str = "Re L3") -> Foil:
    """Return the edge of a reader's foil, or the one we found on a public one.

    The public measurement is not shipped; only what :func:`foil_row` made of it is.
    """
    if not file:
        row = pd.read_csv(data.path(f"{FOLDER}/{FOIL}")).iloc[0]
        return Foil(
            str(row.source),
            float(row.edge_eV),
            float(row.error_eV),
            _moved(str(row.read_as)),
            False,
        )
    own = foil_row(files.read(data.external(file), edge=edge), edge=edge)
    return Foil(
        str(file), float(own["edge_eV"]), float(own["error_eV"]), _moved(own["read_as"]), True
    )


def foil_row(found: Spectrum, *, edge: str = "Re L3") -> dict[str, Any]:
    """Return what the pipeline finds on a foil: edge, error, points, edge step, range."""
    position = edges.position(
        found.energy, found.mu, near=edges.tabulated(edge), source=found.source
    )
    norm = spectra.normalise(found.energy, found.mu, edge=edge, source=found.source)
    return {
        "edge": edge, "edge_eV": round(position.energy, 3), "error_eV": round(position.error, 3),
        "points": len(found.energy), "first_eV": round(float(found.energy[0]), 2),
        "last_eV": round(float(found.energy[-1]), 2), "edge_step": round(norm.edge_step, 4),
        "read_as": found.note,
    }  # fmt: skip
