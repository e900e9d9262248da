"""What the chapter on lithium shows of impedance: a made spectrum, its fit and its test.

The paper's spectrum is not public.  One with a known answer stands in for it, over the
same frequencies, so that the fit can be seen to find what was put in; a reader's own file
goes the same way.  Nothing made here is a measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from repro.clay import impedance_fit
from repro.clay.impedance_fit import CircuitFit, KramersKronig, Spectrum
from repro.errors import InputError
from repro.md.statistics import Estimate

EIS_HZ = (7e6, 1e-2)
"""Highest and lowest frequency of the paper's spectra, Hz (Methods)."""


@dataclass(frozen=True)
class Sample:
    """A pellet between foils: cm and cm^2 with standard errors, and its spectrum.

    ``truth`` is the conductivity (mS/cm) that was put in, NaN where it was measured.
    """

    thickness: Estimate
    area: Estimate
    spectrum: Spectrum
    truth: float


def made_sample(
    sigma: float, *, thickness: Estimate, area: Estimate, noise: float = 0.003, seed: int = 1,
    per_decade: int = 8,
) -> Sample:  # fmt: skip
    """Return a made spectrum with a known answer, over the frequencies of the paper.

    Leads of 50 nH, the resistance of the pellet, and a constant phase element of 20 uF per
    cm^2 and exponent 0.85 for the foils; noise as a part of the modulus.  The arc of the
    bulk lies beyond 100 MHz at such conductivities, and is left out.

    Parameters
    ----------
    sigma:
        Conductivity to put in, mS/cm.
    thickness, area:
        Of the pellet; the values make the resistance.
    noise:
        Standard deviation of real and imaginary part over the modulus.
    seed, per_decade:
        Of the noise; points per decade of frequency.

    Raises
    ------
    InputError
        For a conductivity, size or number of points that is not positive, or noise below 0.
    """
    if not (sigma > 0 and thickness.value > 0 and area.value > 0 and noise >= 0 and per_decade > 0):
        raise InputError(f"{sigma:g} mS/cm, {thickness.value:g} cm, {area.value:g} cm², noise "
                         f"{noise:g}, {per_decade} points per decade: expected positive numbers")  # fmt: skip
    decades = np.log10(EIS_HZ[0] / EIS_HZ[1])
    f = np.geomspace(*EIS_HZ, round(per_decade * decades) + 1)
    s = 2j * np.pi * f
    resistance = 1000.0 * thickness.value / (sigma * area.value)
    z = 50e-9 * s + resistance + 1 / (20e-6 * area.value * s**0.85)
    rng = np.random.default_rng(seed)
    scatter = rng.normal(size=len(f)) + 1j * rng.normal(size=len(f))
    return Sample(
        thickness, area, impedance_fit.spectrum(f, z + noise * np.abs(z) * scatter), sigma
    )


def own_sample(file: Path, *, thickness: Estimate, area: Estimate) -> Sample:
    """Return a reader's spectrum; errors as :func:`repro.clay.impedance_fit.read_spectrum`."""
    return Sample(thickness, area, impedance_fit.read_spectrum(file), float("nan"))


@dataclass(frozen=True)
class Tested:
    """A spectrum's best circuit, all circuits by rank, its test, and the conductivity, mS/cm."""

    best: CircuitFit
    others: list[CircuitFit]
    test: KramersKronig
    conductivity: Estimate


def tested(sample: Sample) -> Tested:
    """Return what the fit and the Kramers-Kronig test say of a sample.

    Raises
    ------
    InputError
        As :func:`repro.clay.impedance_fit.fit` and ``conductivity`` there.
    """
    best, *others = impedance_fit.fit(sample.spectrum)
    value = impedance_fit.conductivity(
        best.resistance, thickness=sample.thickness, area=sample.area
    )
    return Tested(best, others, impedance_fit.kramers_kronig(sample.spectrum), value)


def circuits(found: Tested) -> pd.DataFrame:
    """Return the circuits that were fitted: resistance, residual and AICc above the lowest."""
    every = [found.best, *found.others]
    least = min(one.aicc for one in every)
    return pd.DataFrame({
        one.circuit: {
            "resistance (Ω)": f"{one.resistance.value:.2f} ± {one.resistance.error:.2f}",
            "residual (%)": f"{100 * one.residual:.2f}", "AICc above the lowest": f"{one.aicc - least:.1f}",
            "chosen": "yes" if one is found.best else "",
        } for one in every
    }).T.rename_axis("circuit")  # fmt: skip
