"""Scans with a known answer for the chapter on EXAFS, and what each step makes of them.

A scan is simulated around a chi(k), of made-up shells (:mod:`repro.exafs.simulated`) or of FEFF's
mean over sites: edge, white line, slow background, slope, noise, energy error, and a Re foil
behind the sample.  Nothing here is measured, and every spectrum says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.errors import InputError
from repro.exafs import edges, pipeline, simulated, transforms
from repro.exafs.ensemble import Ensemble
from repro.exafs.exafs_chapter import Choices
from repro.exafs.files import Spectrum
from repro.exafs.pipeline import Processed, Settings

Floats = NDArray[np.float64]


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
        (K,), 1/angstrom in even steps from 0, at least up to ``k_max``; chi is turned on above
        the edge (:func:`repro.exafs.simulated.turned_on`), also where that was done before.
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
    seen = simulated.turned_on(x, y)
    mu = simulated.absorption(true, np.interp(q, x, seen) * (true > e0), e0, atomic=atomic,
                              noise=noise, seed=seed)  # fmt: skip
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
    return s.transform(one.k, one.chi, source="truth")


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
