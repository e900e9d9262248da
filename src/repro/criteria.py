"""The paper's three criteria for a clay, as code.

A mixture of two salts should become soft clay if

1. it has a driving force to exchange anions, and a product is a molecular solid;
2. the exchange is slow enough not to finish, nor to separate into phases;
3. neither salt is in much excess.

Only the first is computed from energies.  Thermochemistry says nothing about
speed, so the second takes what the paper reports after milling.  For the third the
paper gives one window, for LiCl + GaF3; the hull gives another, of the ratios at
which no salt is left over at equilibrium.  Every answer carries its origin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from repro.errors import InputError
from repro.thermo.interface import InterfaceScan
from repro.thermo.salts import Mixture, mixture, molecular_products, units
from repro.thermo.study import DrivingForce, driving_force, pretty

Origin = Literal["computed", "reported", "not known"]
Answer = Literal["yes", "no", "not known"]

STATED_WINDOW = (2.0, 4.0)
"""Moles of LiCl per GaF3 that gave a clay, as the paper reports from ref. 9."""


@dataclass(frozen=True)
class Criterion:
    """The answer to one criterion, where it comes from, and why.

    Attributes
    ----------
    answer:
        ``"yes"``, ``"no"``, ``"not known"``.
    origin:
        ``"computed"``, ``"reported"`` (by the paper), ``"not known"``.
    why:
        One line of reason.
    """

    answer: Answer
    origin: Origin
    why: str


@dataclass(frozen=True)
class Assessment:
    """All three criteria for one mixture.

    Attributes
    ----------
    mixture:
        What was mixed, and what the paper saw.
    force:
        Strongest reaction of the two salts.
    molecular:
        Molecular solids among its products.
    drives, slow, balanced:
        Criteria one, two and three.
    """

    mixture: Mixture
    force: DrivingForce
    molecular: tuple[str, ...]
    drives: Criterion
    slow: Criterion
    balanced: Criterion

    @property
    def verdict(self) -> Literal["clay", "powder", "undecided"]:
        """``"clay"`` if all three hold, ``"powder"`` if one fails, else ``"undecided"``."""
        answers = [c.answer for c in (self.drives, self.slow, self.balanced)]
        if "no" in answers:
            return "powder"
        return "clay" if all(a == "yes" for a in answers) else "undecided"

    @property
    def agrees(self) -> bool | None:
        """Whether the verdict is what was observed; None if either is missing."""
        if self.verdict == "undecided" or not self.mixture.observed:
            return None
        return self.verdict == self.mixture.observed


def drives(force: DrivingForce) -> tuple[Criterion, tuple[str, ...]]:
    """Apply criterion one: driving force below the threshold, to a molecular solid."""
    made = molecular_products(force.products)
    size = f"{force.value:.0f} ± {force.sigma:.0f} meV/atom"
    if not force.exists:
        return Criterion("no", "computed", f"driving force {size}"), made
    if not made:
        return Criterion("no", "computed", f"{size}, but {force.label}: nothing molecular"), made
    return Criterion("yes", "computed", f"{size} to {' + '.join(made)}"), made


def slow(observed: Mixture) -> Criterion:
    """Apply criterion two, from what the paper reports after milling."""
    if not observed.exchange:
        return Criterion("not known", "not known", "no diffraction reported")
    seen = " + ".join(observed.peaks)
    answer: Answer = "yes" if observed.exchange == "incomplete" else "no"
    return Criterion(answer, "reported", f"after milling: {seen or 'amorphous'}")


def window(scan: InterfaceScan) -> tuple[float, float] | None:
    """Return the molar ratios between which no salt is left over at equilibrium.

    These are the first and the last inner kink; None if nothing reacts.
    """
    inner = [k.ratio for k in scan.inner]
    return (min(inner), max(inner)) if inner and scan.reacts else None


def balanced(
    scan: InterfaceScan, ratio: float, *, limits: tuple[float, float] | None = None
) -> Criterion:
    """Apply criterion three at a molar ratio.

    Parameters
    ----------
    scan:
        Energy against mixing ratio of the two salts.
    ratio:
        Moles of the first salt per mole of the second.
    limits:
        A stated window; None takes the computed one.

    Raises
    ------
    InputError
        If the ratio is not a positive finite number, or the limits are reversed.
    """
    if not 0 < ratio < float("inf"):
        raise InputError(f"mixing ratio: expected a positive finite number, found {ratio}")
    if limits is not None and not 0 <= limits[0] <= limits[1]:
        raise InputError(f"window {limits}: expected 0 <= low <= high")
    found = limits or window(scan)
    if found is None:
        return Criterion("not known", "computed", "nothing reacts, so no ratio is better")
    low, high = found
    inside = low * (1 - 1e-9) <= ratio <= high * (1 + 1e-9)
    origin: Origin = "reported" if limits else "computed"
    return Criterion(
        "yes" if inside else "no", origin, f"{ratio:g} against {low:.2f} to {high:.2f}"
    )


def assess(
    what: str | Mixture, *, source: str = "MP", limits: tuple[float, float] | None = None
) -> Assessment:
    """Apply the three criteria to a mixture of the paper, or to one of your own.

    Parameters
    ----------
    what:
        Id of a shipped mixture, e.g. ``"licl_sbf3"``, or a
        :class:`~repro.thermo.salts.Mixture`.
    source:
        ``"MP"``, ``"experiment"`` or ``"hybrid"``.
    limits:
        Stated window of ratios; None computes one from the hull.

    Raises
    ------
    InputError
        If the mixture, a salt, or the source is unknown.
    """
    chosen = mixture(what) if isinstance(what, str) else what
    force = driving_force(chosen.first, chosen.second, source)
    first, made = drives(force)
    third = balanced(force.scan, chosen.ratio, limits=limits)
    return Assessment(chosen, force, made, first, slow(chosen), third)


def own_mixture(first: str, second: str, ratio: float) -> Mixture:
    """Return a mixture of the reader's, about which nothing is reported."""
    return Mixture("own", first, second, ratio, "", (), "", None, "yours")


def grid(assessments: Iterable[Assessment]) -> pd.DataFrame:
    """Return one row per mixture: criteria, verdict, and what was observed."""
    return pd.DataFrame(
        [
            {
                "mixture": _label(a.mixture),
                "driving force": a.drives.answer,
                "slow": a.slow.answer,
                "ratio": a.balanced.answer,
                "verdict": a.verdict,
                "observed": a.mixture.observed or "not reported",
                "why (driving force)": a.drives.why,
            }
            for a in assessments
        ]
    ).set_index("mixture")


def table_one(assessments: Iterable[Assessment]) -> pd.DataFrame:
    """Return the paper's Table 1 as output, each column headed by its origin.

    The molecular column names the structure or table that decided, the peaks and the
    behaviour are the paper's, the verdict is the rule applied to all of them.
    """
    rows = []
    for a in assessments:
        how = ", ".join(f"{m} ({units(m).basis})" for m in a.molecular) or "none"
        rows.append({
            "precursors (given)": _label(a.mixture),
            "predicted products at the best ratio (computed)": a.force.label,
            "driving force, meV/atom (computed)": f"{a.force.value:.0f} ± {a.force.sigma:.0f}",
            "molecular component (computed)": how,
            "peaks after milling (reported)": " + ".join(a.mixture.peaks) or "not reported",
            "behaviour (reported)": a.mixture.observed or "not reported",
            "verdict of the rule (computed from both)": a.verdict,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _label(m: Mixture) -> str:
    front = "" if m.ratio == 1 else f"{m.ratio:g} "
    return f"{front}{pretty(m.first)} + {pretty(m.second)}"


def powder_means_separated(assessments: Iterable[Assessment]) -> bool:
    """Return whether powder goes with a molecular solid among the peaks, in every row."""
    return all(
        (a.mixture.observed == "powder") == bool(molecular_products(a.mixture.peaks))
        for a in assessments
        if a.mixture.observed and a.mixture.peaks
    )
