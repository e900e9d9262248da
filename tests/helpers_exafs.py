"""Scans of made-up shells, for tests of what reads and processes them."""

from __future__ import annotations

import gzip
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repro.exafs import edges, simulated
from repro.exafs.files import Spectrum
from repro.exafs.simulated import GA_E0, Shell


def scan(
    shells: Sequence[Shell], *, e0: float = GA_E0, k_max: float = 14.0, noise: float = 0.0,
    shift: float = 0.0, reference: bool = True, seed: int = 1, label: str = "simulated", **more: Any,
) -> Spectrum:  # fmt: skip
    """Return a simulated Ga K scan with a reference channel, recorded ``shift`` eV too low.

    Parameters
    ----------
    shells:
        Neighbours; chi of them is the known answer.
    e0, k_max:
        True edge energy, eV, and end of the scan, 1/angstrom.
    noise, seed:
        Standard deviation of mu, the step being 1, and seed of it.
    shift:
        Of sample and reference alike, eV.
    reference:
        Whether the Re foil was behind the sample.
    label:
        For legends.
    more:
        Of :func:`simulated.absorption`: ``step``, ``offset``, ``slope``, ``atomic``, ``white``.
    """
    true = simulated.energies(e0, k_max=k_max)
    chi = simulated.chi(edges.wave_number(true - e0), shells)
    mu = simulated.absorption(true, chi, e0, noise=noise, seed=seed, **more)
    channel = simulated.foil(shift=shift, noise=noise, seed=seed + 1000, energy=true - shift).mu
    return Spectrum(true - shift, mu, channel if reference else None, label=label, source=label,
                    note="simulated", synthetic=True)  # fmt: skip


def athena(file: Path, spectra: Sequence[Spectrum]) -> Path:
    """Write an Athena project whose records are called a, b, c ...; return the file."""
    text = "# Athena project file -- Demeter version 0.9.26\n\n"
    for name, one in zip(string.ascii_lowercase, spectra, strict=False):
        x, y = (",".join(f"'{v!r}'" for v in part.tolist()) for part in (one.energy, one.mu))
        text += f"$old_group = '{name}';\n@args = ('label','{name}');\n@x = ({x});\n@y = ({y});\n[record]\n"
    file.write_bytes(gzip.compress(text.encode()))
    return file
