"""The paper's EXAFS pipeline in one call, for one scan and for the four of Fig. 3a.

Every choice is a field of :class:`Settings`; the result of every step is kept.  The steps are
in ``repro.exafs.spectra`` and ``repro.exafs.transforms``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError, did_you_mean
from repro.exafs import checks, combination, edges, files, glitches, spectra, transforms
from repro.exafs.combination import Combination
from repro.exafs.files import Spectrum

Floats = NDArray[np.float64]
FROM_PAPER = ("foil_edge", "foil_energy", "rbkg", "k_weight", "window", "r_max")
LABELS = ("GaF3", "GaCl3", "2LiCl-GaF3", "3LiCl-GaF3")
CLAYS = LABELS[2:]


@dataclass(frozen=True)
class Settings:
    """Choices of the pipeline; those of :data:`FROM_PAPER` are the paper's.

    The paper does not give the ranges of k and of the fits; here are Athena's, and k_min 3 to
    k_max 12 for a window.

    Attributes
    ----------
    edge, within:
        Edge of the sample, and how far measured edges may be from their tabulated energies, eV.
    calibrate, foil_edge, foil_energy:
        Whether to calibrate, by which edge, and its energy in eV.
    glitches, find_glitches, glitch_threshold:
        Energies in eV, as in the file, of points to take out; whether to search for more.
    e0:
        Edge energy in eV on the calibrated axis; the steepest point if None.
    pre, post, post_order:
        Ranges of the fits in eV from e0, and degree of the polynomial behind the edge.
    rbkg, background_k_weight, spline_k, clamps:
        Of AUTOBK: angstrom, power of k, range of k in 1/angstrom, weights at the ends.
    k_min, k_max, dk, k_weight, window, r_max:
        Of the Fourier transform: 1/angstrom, power of k, name, angstrom.
    first_shell, far:
        Where the first peak is looked for, and from where the rest counts as far, angstrom.
    samples, seed:
        Of noise, for errors of the peak.
    """

    edge: str = "Ga K"
    within: float = 25.0
    calibrate: bool = True
    foil_edge: str = "Re L3"
    foil_energy: float = 10535.0
    glitches: tuple[float, ...] = ()
    find_glitches: bool = False
    glitch_threshold: float = 8.0
    e0: float | None = None
    pre: tuple[float, float] = (-150.0, -30.0)
    post: tuple[float, float | None] = (150.0, None)
    post_order: int = 2
    rbkg: float = 1.0
    background_k_weight: int = 2
    spline_k: tuple[float, float | None] = (0.0, None)
    clamps: tuple[float, float] = (0.0, 24.0)
    k_min: float = 3.0
    k_max: float = 12.0
    dk: float = 1.0
    k_weight: int = 3
    window: str = "hanning"
    r_max: float = 6.0
    first_shell: tuple[float, float] = (1.0, 2.8)
    far: float = 2.8
    samples: int = 100
    seed: int = 1

    def transform(self, k: Floats, chi: Floats, **more: Any) -> transforms.Transformed:
        """Return the transform of chi(k) with these settings.

        Parameters
        ----------
        k, chi:
            (K,), 1/angstrom in even steps from 0.
        more:
            Other options of :func:`repro.exafs.transforms.transform`: ``source``, ``noise``.
        """
        return transforms.transform(k, chi, k_min=self.k_min, k_max=self.k_max, dk=self.dk,
                                    k_weight=self.k_weight, window=self.window, r_max=self.r_max,
                                    **more)  # fmt: skip


@dataclass(frozen=True)
class Processed:
    """A spectrum and the result of each step.

    Attributes
    ----------
    spectrum, settings:
        What went in.
    calibration:
        None where it was switched off.
    deglitched:
        On energies as in the file.
    normalised, background, transformed:
        On calibrated energies.
    first_shell, far:
        Peak of the first shell, and what is left beyond.
    """

    spectrum: Spectrum
    settings: Settings
    calibration: spectra.Calibration | None
    deglitched: glitches.Deglitched
    normalised: spectra.Normalised
    background: spectra.Background
    transformed: transforms.Transformed
    first_shell: transforms.Peak
    far: transforms.Far


@dataclass(frozen=True)
class FourFiles:
    """What a figure like the paper's Fig. 3a shows.

    Attributes
    ----------
    processed:
        By label: GaF3, GaCl3, 2LiCl-GaF3, 3LiCl-GaF3.
    by_chi, by_mu:
        For each clay: the GaCl3-like share, fitted to k^3 chi(k) and to normalised mu(E).
    between:
        For each clay: share of R in the first shell where its curve lies between those of the
        references.
    """

    processed: Mapping[str, Processed]
    by_chi: Mapping[str, Combination]
    by_mu: Mapping[str, Combination]
    between: Mapping[str, float] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """Return a table: peak, far magnitude, and shares, a row for each file."""
        table = []
        for label, one in self.processed.items():
            row: dict[str, Any] = {
                "label": label, "peak_A": one.first_shell.position,
                "peak_error_A": one.first_shell.position_error, "height": one.first_shell.height,
                "height_error": one.first_shell.height_error, "far_ratio": one.far.ratio,
                "far_ratio_error": one.far.ratio_error, "far_A": one.far.position,
                "shift_eV": one.calibration.shift if one.calibration else None,
                "shift_error_eV": one.calibration.error if one.calibration else None,
                "e0_eV": one.normalised.e0, "edge_step": one.normalised.edge_step,
                "edge_step_error": one.normalised.edge_step_error,
            }  # fmt: skip
            for name, fits in (("chi", self.by_chi), ("mu", self.by_mu)):
                fit = fits.get(label)
                row[f"share_{name}"] = fit.share if fit else None
                row[f"share_{name}_error"] = fit.whole_error if fit else None
                row[f"share_{name}_step_error"] = fit.step_error if fit else None
            row["between"] = self.between.get(label)
            table.append(row)
        return table


def process(
    spectrum: Spectrum, *, foil: Spectrum | None = None, settings: Settings | None = None
) -> Processed:
    """Return all steps from mu(E) to ``|chi(R)|`` of one spectrum.

    Parameters
    ----------
    spectrum:
        From :func:`repro.exafs.files.read`.
    foil:
        Foil measured on its own; else the reference channel of the spectrum is used.
    settings:
        The paper's where not given.

    Raises
    ------
    InputError
        From any step, with the file's name, what was found and what was expected.
    """
    s, name = settings or Settings(), spectrum.source
    checks.edge(spectrum.energy, spectrum.mu, expected=s.edge, within=s.within, source=name)
    calibration = None
    if s.calibrate:
        calibration = spectra.calibrate(spectrum, foil=foil, foil_edge=s.foil_edge,
                                        foil_energy=s.foil_energy, within=s.within)  # fmt: skip
    shift = calibration.shift if calibration else 0.0
    rough = edges.jump(spectrum.energy, spectrum.mu).energy
    clean = glitches.deglitch(spectrum.energy, spectrum.mu, points=s.glitches, find=s.find_glitches,
                             threshold=s.glitch_threshold, keep=(rough - 30, rough + 50))  # fmt: skip
    normalised = spectra.normalise(
        clean.energy + shift, clean.mu, kind=spectrum.kind, e0=s.e0, edge=s.edge, within=s.within,
        pre=s.pre, post=s.post, post_order=s.post_order, source=name,
    )  # fmt: skip
    checks.window(normalised.energy, normalised.e0, k_min=s.k_min, k_max=s.k_max, dk=s.dk,
                  r_max=s.r_max, source=name)  # fmt: skip
    made = spectra.background(
        normalised, rbkg=s.rbkg, k_weight=s.background_k_weight, k_min=s.spline_k[0],
        k_max=s.spline_k[1], clamps=s.clamps, source=name,
    )  # fmt: skip
    # Points further apart than the grid of chi carry nothing beyond R = pi / 2 step.
    highest = min(25.0, 0.8 * np.pi / (2 * made.step))
    found = s.transform(made.k, made.chi, noise=(0.6 * highest, highest), source=name)
    peak = transforms.first_shell(found, within=s.first_shell, samples=s.samples, seed=s.seed)
    rest = transforms.far(found, peak, start=s.far, samples=s.samples, seed=s.seed)
    return Processed(spectrum, s, calibration, clean, normalised, made, found, peak, rest)


def between(curve: Floats, first: Floats, second: Floats) -> float:
    """Return the share of points where a curve lies between two others, ends included.

    Raises
    ------
    InputError
        For other shapes or no points.
    """
    shapes = [np.shape(part) for part in (curve, first, second)]
    if len(set(shapes)) > 1 or np.size(curve) == 0:
        raise InputError(f"shapes {shapes}; expected (M,) for all, one point or more")
    low, high = np.minimum(first, second), np.maximum(first, second)
    return float(((curve >= low) & (curve <= high)).mean())


def _load(given: str | Path | Spectrum, options: Mapping[str, Any], label: str, edge: str,
          within: float) -> Spectrum:  # fmt: skip
    if isinstance(given, Spectrum):
        return replace(given, label=label)
    return files.read(given, **{"edge": edge, "within": within, **options, "label": label})


def four_files(
    gaf3: str | Path | Spectrum,
    gacl3: str | Path | Spectrum,
    two_to_one: str | Path | Spectrum,
    three_to_one: str | Path | Spectrum,
    *,
    foil: str | Path | Spectrum | None = None,
    settings: Settings | None = None,
    reading: Mapping[str, Mapping[str, Any]] | None = None,
    bad_points: Mapping[str, Sequence[float]] | None = None,
) -> FourFiles:
    """Return everything for a figure like the paper's Fig. 3a from a reader's four files.

    Parameters
    ----------
    gaf3, gacl3, two_to_one, three_to_one:
        Files, or spectra that were read already: bulk GaF3 and GaCl3, and the clays
        2LiCl-GaF3 and 3LiCl-GaF3.
    foil:
        A Re foil measured on its own; else each file needs a reference channel.
    settings:
        One for all four, since curves that are compared must be made alike.
    reading:
        Options of :func:`repro.exafs.files.read` for one file, under its label (``GaF3``,
        ``GaCl3``, ``2LiCl-GaF3``, ``3LiCl-GaF3``, ``foil``), or for all under ``all``.
    bad_points:
        Points to take out of one file, eV, under its label, or of all four under ``all``.

    Raises
    ------
    InputError
        With the name of the file.
    """
    s = settings or Settings()
    options, bad = dict(reading or {}), dict(bad_points or {})
    for words, others in ((options, ("foil", "all")), (bad, ("all",))):
        for word in words:
            if word not in (*LABELS, *others):
                raise InputError(f"label {word!r}: expected {', '.join((*LABELS, *others))}"
                                 f"{did_you_mean(word, LABELS)}")  # fmt: skip

    def load(given: str | Path | Spectrum, label: str, edge: str) -> Spectrum:
        merged = {**options.get("all", {}), **options.get(label, {})}
        return _load(given, merged, label, edge, s.within)

    metal = load(foil, "foil", s.foil_edge) if foil is not None else None
    processed = {}
    for label, given in zip(LABELS, (gaf3, gacl3, two_to_one, three_to_one), strict=True):
        own = replace(s, glitches=(*s.glitches, *bad.get("all", ()), *bad.get(label, ())))
        processed[label] = process(load(given, label, s.edge), foil=metal, settings=own)
    salt, molecular = processed["GaF3"], processed["GaCl3"]
    centre = edges.tabulated(s.edge)
    by_chi = {label: combination.combine_chi(
        processed[label].transformed, molecular.transformed, salt.transformed,
        k_range=(s.k_min, s.k_max), step_errors=combination.relative_steps(
            processed[label].normalised, molecular.normalised, salt.normalised,
        )) for label in CLAYS}  # fmt: skip
    by_mu = {label: combination.combine_mu(
        processed[label].normalised, molecular.normalised, salt.normalised, centre=centre)
        for label in CLAYS}  # fmt: skip
    r = salt.transformed.r
    shell = (r >= s.first_shell[0]) & (r <= s.first_shell[1])
    inside = {label: between(processed[label].transformed.magnitude[shell],
                             salt.transformed.magnitude[shell],
                             molecular.transformed.magnitude[shell]) for label in CLAYS}  # fmt: skip
    return FourFiles(processed, by_chi, by_mu, inside)
