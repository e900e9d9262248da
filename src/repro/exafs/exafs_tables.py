"""Tables of the chapter on EXAFS: peaks, routes, choices, distances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.exafs import exafs_chapter as look
from repro.exafs import neighbours, shell_fit
from repro.exafs.ensemble import Ensemble
from repro.exafs.exafs_chapter import Choices, Read, Share
from repro.exafs.pipeline import FourFiles, Settings
from repro.exafs.shell_fit import ShellFit
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]


def words(one: Estimate, digits: int = 2, *, factor: float = 1.0) -> str:
    """Return a value with its error, or the value alone where there is no error."""
    if not np.isfinite(one.value):
        return "–"
    if not np.isfinite(one.error):
        return f"{factor * one.value:.{digits}f}"
    return f"{factor * one.value:.{digits}f} ± {factor * one.error:.{digits}f}"


def peaks(read: Mapping[str, Read], means: Mapping[str, Ensemble]) -> pd.DataFrame:
    """Return what is read off the curves, a row a set."""
    return pd.DataFrame({
        look.label(name): {
            "sites": means[name].number, "first peak (Å)": words(one.position, 3),
            "its height (Å⁻⁴)": words(one.height), "far / first (%)": words(one.far, 1, factor=100),
        } for name, one in read.items()
    }).T  # fmt: skip


UNKNOWN = "not known"
_OWN = (("first peak (Å)", "peak_A", "peak_error_A", 3, 1.0),
        ("its height (Å⁻⁴)", "height", "height_error", 2, 1.0),
        ("beyond / first (%)", "far_ratio", "far_ratio_error", 1, 100.0),
        ("edge (eV)", "e0_eV", "", 1, 1.0),
        ("moved by the foil (eV)", "shift_eV", "shift_error_eV", 2, 1.0),
        ("edge step", "edge_step", "edge_step_error", 3, 1.0),
        ("GaCl3-like share, from χ (%)", "share_chi", "share_chi_error", 0, 100.0),
        ("GaCl3-like share, from μ (%)", "share_mu", "share_mu_error", 0, 100.0),
        ("first shell between the crystals (%)", "between", "", 0, 100.0))  # fmt: skip


def own(found: FourFiles) -> pd.DataFrame:
    """Return what a reader's four files gave, a column a file, in words with errors.

    A file that was normalised before has an edge step whose error is not known, and so have the
    shares that it takes part in; the error of such a share is that of its fit alone.
    """
    table: dict[str, dict[str, str]] = {}
    for row in found.rows():
        own = table.setdefault(row["label"], {})
        for title, key, error, digits, factor in _OWN:
            if row[key] is None:
                own[title] = "–"
                continue
            one = Estimate(row[key], row[error] if error else np.nan)
            own[title] = words(one, digits, factor=factor)
            if error and np.isnan(one.error):
                own[title] += f" ± {UNKNOWN}"
            if np.isnan(row.get(key + "_step_error", 0.0)):
                own[title] += f" (step {UNKNOWN})"
    return pd.DataFrame(table)


def positions_between(clay: Read, salt: Read, molecular: Read) -> bool:
    """Return whether a clay's first peak lies between those of the crystals, ends included."""
    low, high = sorted((salt.position.value, molecular.position.value))
    return bool(low <= clay.position.value <= high)


SUM, FREE, SHELLS, COUNT = ("sum of the crystals", "sum, total free", "fit of two shells",
                            "count of neighbours")  # fmt: skip
"""Routes to the GaCl3-like share, the first and the last being those of the question."""


def routes(
    means: Mapping[str, Ensemble], *, settings: Settings | None = None,
    choices: Choices | None = None,
) -> tuple[dict[str, dict[str, Estimate]], dict[str, Share]]:  # fmt: skip
    """Return the GaCl3-like share of each clay by every route, and the fits of the first.

    Parameters
    ----------
    means:
        Name of a set to its mean; both crystals must be among them.
    settings, choices:
        As for :func:`repro.exafs.exafs_chapter.share`; the fit of shells has no choices.
    """
    both, fits = {}, {}
    for name, one in means.items():
        if name not in look.REFERENCES:
            found, fits[name] = by_fit(one, means, settings=settings, choices=choices)
            both[name] = {**found, COUNT: look.count(name).share}
    return both, fits


def by_fit(
    one: Ensemble, means: Mapping[str, Ensemble], *, settings: Settings | None = None,
    choices: Choices | None = None,
) -> tuple[dict[str, Estimate], Share]:  # fmt: skip
    """Return the GaCl3-like share of a mean by every route that is a fit, and the first of them.

    Parameters
    ----------
    one:
        A mean over sites.
    means:
        Both crystals must be among them.
    settings, choices:
        As for :func:`routes`.
    """
    salt, molecular = (means[name] for name in look.REFERENCES)
    std = look.standards()
    held = look.share(one, salt, molecular, settings=settings, choices=choices)
    free = look.share(one, salt, molecular, settings=settings, choices=choices, total_free=True)
    shells = shell_fit.fit(one, [std["Ga-F"], std["Ga-Cl"]])
    return {SUM: held.value, FREE: free.value, SHELLS: shells.estimate(_share)}, held


def _share(values: Floats) -> float:
    """Return the share that fitted numbers of F and Cl stand for, crystals having 6 and 4."""
    n, m = values[:, 0]
    return float(m / 4 / (m / 4 + n / 6))


def apart(own: Mapping[str, Estimate], route: str) -> float:
    """Return a route less the count, in joint standard errors."""
    error = float(np.hypot(own[route].error, np.nan_to_num(own[COUNT].error)))
    return (own[route].value - own[COUNT].value) / error


def routes_table(
    both: Mapping[str, Mapping[str, Estimate]], fits: Mapping[str, Share]
) -> pd.DataFrame:
    """Return the shares by every route (%), a row a clay, and how the first compares with the last."""
    rows = {}
    for name, own in both.items():
        rows[look.label(name)] = {
            **{route: words(one, 1, factor=100) for route, one in own.items()},
            "error from sites alone": f"{100 * fits[name].sampling:.1f}",
            "sum less count, in errors": f"{apart(own, SUM):+.1f}",
            "R factor of the sum": f"{fits[name].fit.r_factor:.2f}",
        }  # fmt: skip
    return pd.DataFrame(rows).T


def varied(
    means: Mapping[str, Ensemble], clay: str, variants: Mapping[str, tuple[Settings, Choices]]
) -> pd.DataFrame:
    """Return peaks and share of one clay under other choices, a row a choice.

    Parameters
    ----------
    means:
        The crystals and the clay among them.
    clay:
        Name of a set.
    variants:
        Words to settings and choices.
    """
    salt, molecular = (means[name] for name in look.REFERENCES)
    rows = {}
    for name, (settings, choices) in variants.items():
        read = [look.read_off(one, settings=settings, choices=choices)
                for one in (salt, molecular, means[clay])]  # fmt: skip
        share = look.share(means[clay], salt, molecular, settings=settings, choices=choices)
        rows[name] = {
            **{f"{title} peak (Å)": f"{one.position.value:.3f}"
               for title, one in zip(("GaF3", "GaCl3", "clay"), read, strict=True)},
            "clay height / GaF3": f"{read[2].height.value / read[0].height.value:.2f}",
            "share (%)": words(share.value, 1, factor=100),
        }  # fmt: skip
    return pd.DataFrame(rows).T


@dataclass(frozen=True)
class Distance:
    """A distance by fit and from the frames.

    Attributes
    ----------
    shell:
        In words.
    peak:
        Of the curve, not corrected, angstrom; NaN where several shells share one peak.
    fit, number, sigma2:
        From the fit: angstrom, neighbours, angstrom^2.
    known, known_number, known_sigma2:
        The same from the frames: mean, count and variance.
    """

    shell: str
    peak: float
    fit: Estimate
    number: Estimate
    sigma2: Estimate
    known: float
    known_number: float
    known_sigma2: float

    @property
    def off(self) -> float:
        """Fit less known, angstrom."""
        return self.fit.value - self.known


def distances(
    means: Mapping[str, Ensemble], clays: tuple[str, ...] = ()
) -> dict[str, list[Distance]]:
    """Return first-shell distances of the crystals and of clays, fitted and known.

    GaF3 has one shell of F, GaCl3 one of terminal and one of bridging Cl, a clay one of F and
    one of Cl.  Curves are fitted as FEFF gives them, without choices.

    Parameters
    ----------
    means:
        Name of a set to its mean.
    clays:
        Names of the clays to fit.
    """
    std = look.standards()
    made: dict[str, list[Distance]] = {}
    for name in (*look.REFERENCES, *clays):
        frames = list(look.frames(name))
        row = neighbours.bond_row(frames)
        peak = look.read_off(means[name], choices=Choices(1.0, 0.0, 0.0, 0.0)).position.value
        if name == "GaCl3":
            parts = neighbours.chlorine_lengths(frames)
            fit = shell_fit.fit(means[name], [std["Ga-Cl"]] * 2, start=[2.12, 2.33])
            gallium = sum(f.get_chemical_symbols().count("Ga") for f in frames)
            known = [(f"Ga–Cl {kind}", float(x.mean()), len(x) / gallium, float(x.var()))
                     for kind, x in parts.items()]  # fmt: skip
        else:
            elements = ("F",) if name == "GaF3" else ("F", "Cl")
            fit = shell_fit.fit(means[name], [std[f"Ga-{e}"] for e in elements])
            known = [(f"Ga–{e}", row[f"Ga-{e}"], row[f"n {e}"], row[f"spread {e}"] ** 2)
                     for e in elements]  # fmt: skip
        alone = peak if len(known) == 1 else float("nan")
        made[name] = _join(fit, known, alone)
    return made


def _join(
    fit: ShellFit, known: list[tuple[str, float, float, float]], peak: float
) -> list[Distance]:
    return [
        Distance(shell, peak, one.distance, one.number, one.sigma2, *rest)
        for one, (shell, *rest) in zip(fit.shells, known, strict=True)
    ]


def distances_table(found: Mapping[str, list[Distance]]) -> pd.DataFrame:
    """Return the distances as a table, a row a shell."""
    rows = []
    for name, shells in found.items():
        rows += [{
            "set": look.label(name), "shell": one.shell, "fitted (Å)": words(one.fit, 3),
            "in the frames (Å)": f"{one.known:.3f}", "neighbours fitted": words(one.number, 1),
            "in the frames": f"{one.known_number:.1f}",
            "σ² fitted (10⁻³ Å²)": words(one.sigma2, 1, factor=1000),
            "in the frames (10⁻³ Å²)": f"{1000 * one.known_sigma2:.1f}",
        } for one in shells]  # fmt: skip
    return pd.DataFrame(rows).set_index(["set", "shell"])
