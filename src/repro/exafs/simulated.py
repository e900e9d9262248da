r"""Simulated scans with a known answer, to try the pipeline on.

The EXAFS equation of single scattering,

.. math:: \chi(k) = \sum_j \frac{N_j S_0^2 f(k)}{k R_j^2} e^{-2\sigma_j^2 k^2}
          e^{-2R_j/\lambda} \sin(2kR_j + \delta(k)),

with an amplitude :math:`f(k)` and a phase :math:`\delta(k)` that are made up (smooth, of the
size that FEFF gives for light neighbours, of no element).  Around it a pre-edge line, an
arctangent with a white line, and a slow atomic background.  Nothing here is measured, and every
spectrum says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from repro.exafs import edges
from repro.exafs.files import Spectrum

Floats = NDArray[np.float64]
GA_E0 = 10372.3  # eV, of a made-up gallium salt
S02, FREE_PATH = 0.9, 8.0  # without unit, angstrom


@dataclass(frozen=True)
class Shell:
    """Neighbours at one distance.

    Attributes
    ----------
    distance, number, sigma2:
        Angstrom, count, and mean square deviation of the distance, angstrom^2.
    """

    distance: float
    number: float
    sigma2: float


def amplitude(k: Floats) -> Floats:
    """Return the made-up backscattering amplitude, angstrom."""
    return np.asarray(0.75 * np.exp(-(((k - 4.5) / 6.5) ** 2)))


def phase(k: Floats) -> Floats:
    """Return the made-up phase, rad; a peak moves down by some 0.4 angstrom through it."""
    return np.asarray(-0.9 * k + 0.008 * k**2 + 1.2)


def chi(k: Floats, shells: Sequence[Shell]) -> Floats:
    """Return the EXAFS of shells (module docstring), turned on as :func:`turned_on` says."""
    q = np.maximum(np.asarray(k, dtype=float), 1e-6)
    total = np.zeros_like(q)
    for s in shells:
        size = s.number * S02 * amplitude(q) / (q * s.distance**2)
        damped = size * np.exp(-2 * s.sigma2 * q**2 - 2 * s.distance / FREE_PATH)
        total += damped * np.sin(2 * q * s.distance + phase(q))
    return turned_on(q, total)


def turned_on(k: Floats, chi: Floats) -> Floats:
    """Return chi turned on between k = 1 and 2.5, below every window; 0 at k = 0.

    EXAFS has no sense at the edge, and would move it.
    """
    return np.asarray(chi * (1 - np.exp(-((np.asarray(k) / 2.0) ** 6))))


def _edge(x: Floats | float, width: float, white: float) -> Floats:
    """Return an arctangent of half width ``width`` with a white line above it."""
    line = white / (1 + ((np.asarray(x) - 1.6 * width) / (1.4 * width)) ** 2)
    return np.asarray(0.5 + np.arctan(np.asarray(x) / width) / np.pi + line)


@lru_cache(maxsize=16)
def _steepest(width: float, white: float) -> float:
    """Return where :func:`_edge` is steepest."""
    h = 1e-3 * width
    found = minimize_scalar(lambda x: -float(_edge(x + h, width, white) - _edge(x - h, width, white)),
                            bounds=(-2 * width, 2 * width), method="bounded",
                            options={"xatol": 1e-9})  # fmt: skip
    return float(found.x)


def edge(energy: Floats, e0: float, *, width: float = 1.0, white: float = 0.3) -> Floats:
    """Return an edge of height 1 that is steepest at e0; energies and width in eV."""
    return _edge(np.asarray(energy) - e0 + _steepest(width, white), width, white)


def absorption(
    energy: Floats, chi: Floats, e0: float, *, atomic: float = 0.04, white: float = 0.3,
    step: float = 1.0, offset: float = 0.4, slope: float = -3e-4, noise: float = 0.0, seed: int = 1,
) -> Floats:  # fmt: skip
    """Return mu of a scan: edge, slow wiggle of the free atom, chi, the line below, and noise.

    Parameters
    ----------
    energy, chi:
        (N,): true energies, eV, and chi at each, 0 below the edge.
    e0:
        True edge, eV.
    atomic, white:
        Sizes of the wiggle and of the white line, relative to the step.
    step, offset, slope:
        Edge step, and the line below it (slope per eV).
    noise, seed:
        Standard deviation of a point, the step being 1, and seed of it.
    """
    k = edges.wave_number(energy - e0)
    slow = atomic * (np.cos(0.55 * k) * np.exp(-k / 6) - 1 + k / 20) * (energy > e0)
    drawn = np.random.default_rng(seed).normal(scale=noise, size=len(energy))
    mu = edge(energy, e0, white=white) + slow + chi + drawn
    return np.asarray(offset + slope * (energy - e0) + step * mu)


def energies(e0: float = GA_E0, *, k_max: float = 14.0, start: float = -203.7) -> Floats:
    """Return the energies of a usual scan: 5 eV, then 0.35 eV, then steps of k of 0.05."""
    fine = np.arange(-32.3, 38.0, 0.35)
    coarse = np.arange(start, fine[0], 5.0)
    k = np.arange(float(edges.wave_number(fine[-1])) + 0.05, k_max, 0.05)
    return np.asarray(e0 + np.concatenate([coarse, fine, edges.kinetic_energy(k)]))


def foil(*, shift: float = 0.0, noise: float = 0.0, step: float = 0.4, seed: int = 1,
         energy: Floats | None = None, label: str = "simulated Re foil") -> Spectrum:  # fmt: skip
    """Return a simulated Re L3 edge at 10535 eV, measured ``shift`` eV too low.

    Parameters
    ----------
    shift:
        What a calibration has to find, eV.
    noise:
        Standard deviation of each point, the step being 1.
    step:
        Of the energies around the edge, eV; 5 eV elsewhere.
    seed, energy, label:
        Of the noise; energies instead of those, as measured; for legends.
    """
    if energy is None:
        near = np.arange(-24.9, 35.0, step)
        energy = 10535.0 - shift + np.concatenate([np.arange(-194.9, -25.0, 5.0), near,
                                                   np.arange(near[-1] + 5.0, 600.0, 5.0)])  # fmt: skip
    true = np.asarray(energy) + shift
    mu = edge(true, 10535.0, width=2.5, white=0.5) - 2e-4 * (true - 10535.0)
    mu = mu + np.random.default_rng(seed).normal(scale=noise, size=len(mu)) if noise else mu
    return Spectrum(np.asarray(energy), mu, label=label, source=label, note="simulated",
                    synthetic=True)  # fmt: skip
