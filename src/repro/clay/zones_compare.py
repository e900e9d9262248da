"""Zones compared: with a run at rest, stage by stage of a shear, mobile against quiet atoms."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ase import Atoms
from numpy.typing import NDArray

from repro.clay import chapter, inherent, nonaffine, surroundings, zones_chapter
from repro.clay.surroundings import ChlorineTest
from repro.clay.zones_chapter import Interval, Makeup
from repro.errors import InputError
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]


def relaxed(
    protocol: str, *, rate_per_s: float, threshold: float, preset: str = chapter.PRESET
) -> dict[int, list[Interval]]:
    """Return the intervals of each seed's shipped inherent structures.

    Parameters
    ----------
    protocol:
        ``shear``, or ``rest`` for the run without load, whose strain is what the other
        would have had in the time.
    rate_per_s, threshold:
        Shear rate, and D2min above which an atom may belong to a zone, angstrom^2.
    preset:
        Campaign; none shipped is an empty result.
    """
    runs = {s: inherent.frames(s, protocol, preset=preset)
            for s in inherent.seeds(protocol, preset=preset)}  # fmt: skip
    return _intervals(runs, rate_per_s=rate_per_s, threshold=threshold)


def warm(
    protocol: str, *, rate_per_s: float, threshold: float, preset: str = chapter.PRESET
) -> dict[int, list[Interval]]:
    """Return the intervals of each seed's shear run as it was, heat and all.

    Parameters are those of :func:`relaxed`.
    """
    runs = {s: chapter.frames(s, protocol, "shear", preset=preset)
            for s in chapter.seeds(protocol, preset=preset)}  # fmt: skip
    return _intervals(runs, rate_per_s=rate_per_s, threshold=threshold)


def _intervals(
    runs: Mapping[int, Iterable[Atoms]], *, rate_per_s: float, threshold: float
) -> dict[int, list[Interval]]:
    """Return the intervals of each seed's frames."""
    return {seed: list(zones_chapter.intervals(
        zones_chapter.strained(frames, rate_per_s=rate_per_s), threshold=threshold))
        for seed, frames in runs.items()}  # fmt: skip


R_MAX = 8.0
"""Range of the g(r) of classes, angstrom."""


@dataclass(frozen=True)
class ClassRdf:
    """Partial g(r) around the atoms of two classes, of one seed: errors come from several.

    Attributes
    ----------
    r:
        Centres of bins, angstrom, (B,).
    g:
        By class (``high``, ``low``) and partner, e.g. ``g["high", "Cl"]``, (B,); NaN for a
        class without atoms.
    centres:
        Central atoms of each class, summed over intervals.
    intervals:
        Number of pairs of frames.
    """

    r: Floats
    g: dict[tuple[str, str], Floats]
    centres: dict[str, int]
    intervals: int


@dataclass(frozen=True)
class MeanRdf(ClassRdf):
    """Mean over seeds, with its standard error, (B,), keyed like g; NaN for one seed."""

    error: dict[tuple[str, str], Floats]


def class_rdf(
    found: Iterable[Interval], *, centre: str = "Ga", strain: tuple[float, float] | None = None,
    by: str = "maximum", bins: int = 80,
) -> ClassRdf:  # fmt: skip
    r"""Return g(r) of F and Cl around the most and the least non-affine atoms of an element.

    The class is found anew in each interval, g(r) is that of its earlier frame.  Counts and what
    an ideal gas of the partners' mean density would give are summed over intervals before the
    division, so each central atom weighs the same.

    Parameters
    ----------
    found:
        Intervals, streamed in one pass.
    centre:
        Element.
    strain:
        Only intervals whose middle lies within, e.g. the paper's (0.09, 0.14).
    by:
        As for :func:`repro.clay.surroundings.classes`.
    bins:
        Number of bins up to :data:`R_MAX`.

    Raises
    ------
    InputError
        For no interval, frames without the elements, or no bins.
    """
    if bins < 1:
        raise InputError(f"bins {bins}: expected one or more")
    edges = np.linspace(0.0, R_MAX, bins + 1)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    kinds = list(itertools.product(("high", "low"), ("F", "Cl")))
    counts, expected = np.zeros((2, len(kinds), bins))
    centres, intervals = {"high": 0, "low": 0}, 0
    for one in found:
        if strain is not None and not strain[0] <= one.strain <= strain[1]:
            continue
        names = np.array(one.atoms.get_chemical_symbols())
        if missing := {centre, "F", "Cl"} - set(names):
            raise InputError(
                f"{', '.join(sorted(missing))}: not in {one.atoms.get_chemical_formula()}"
            )
        own = np.flatnonzero(names == centre)
        chosen = surroundings.classes(one.field.d2min[own], by=by)
        i, j, d = nonaffine.pairs_within(
            "ijd", one.atoms, {(centre, p): R_MAX for p in ("F", "Cl")}
        )
        for name in centres:
            centres[name] += int(getattr(chosen, name).sum())
        for k, (name, partner) in enumerate(kinds):
            members = own[getattr(chosen, name)]
            near = np.isin(i, members) & (names[j] == partner)
            density = (names == partner).sum() / one.atoms.get_volume()
            counts[k] += np.histogram(d[near], edges)[0]
            expected[k] += len(members) * density * shells
        intervals += 1
    if not intervals:
        raise InputError(f"no interval within strain {strain}: expected one or more")
    with np.errstate(divide="ignore", invalid="ignore"):
        g = counts / expected
    return ClassRdf((edges[1:] + edges[:-1]) / 2, dict(zip(kinds, g, strict=True)), centres,
                    intervals)  # fmt: skip


def classes_of(
    runs: Mapping[int, Sequence[Interval]], *, centre: str, strain: tuple[float, float],
    by: str = "maximum",
) -> dict[int, ClassRdf]:  # fmt: skip
    """Return g(r) around mobile and quiet atoms of each seed's run.

    Parameters
    ----------
    runs:
        Seed to its intervals.
    centre, strain, by:
        As for :func:`class_rdf`.
    """
    return {seed: class_rdf(found, centre=centre, strain=strain, by=by)
            for seed, found in runs.items()}  # fmt: skip


def thirds(found: Sequence[Interval], edges: Sequence[float]) -> list[Interval]:
    """Return the interval with the largest zone in each range of strain.

    Raises
    ------
    InputError
        If a range holds no interval.
    """
    size = [one.found[0].size if one.found else 0 for one in found]
    return [found[max(np.flatnonzero(own), key=lambda k: size[k])]
            for own in zones_chapter.ranges([one.strain for one in found], edges)]  # fmt: skip


def slip_threshold(frame: Atoms, *, cutoff: float = 6.5, slip: float = 1.0) -> float:
    """Return the D2min (angstrom^2) of an atom that slipped against all its neighbours.

    D2min is a sum of squares over neighbours, so this is their mean number times the square
    of the slip.  It is fixed by a length and not by the run, so that runs compare.

    Parameters
    ----------
    frame:
        Any of the run.
    cutoff:
        Of D2min's neighbours, angstrom.
    slip:
        Angstrom.

    Raises
    ------
    InputError
        For a slip that is not positive.
    """
    if not slip > 0:
        raise InputError(f"slip {slip} angstrom: expected a positive length")
    i, _ = nonaffine.pairs_within("ij", frame, cutoff)
    return len(i) / len(frame) * slip**2


def quantiles(
    frames: Iterable[Atoms], *, shares: Sequence[float] = (0.5, 0.9, 0.99, 0.999),
    cutoff: float = 6.5, elements: Sequence[str] = zones_chapter.FRAME,
) -> dict[float, float]:  # fmt: skip
    """Return quantiles of D2min (angstrom^2) over all intervals of a run.

    Parameters
    ----------
    frames:
        In order; two are held.
    shares:
        Of the quantiles.
    cutoff, elements:
        Of D2min's neighbours, angstrom; of the atoms that count.

    Raises
    ------
    InputError
        For fewer than two frames.
    """
    values = zones_chapter.d2min_values(frames, cutoff=cutoff, elements=elements)
    if not len(values):
        raise InputError("fewer than two frames: expected two or more")
    return dict(zip(shares, np.quantile(values, shares).tolist(), strict=True))


def changes_within(table: pd.DataFrame, *, edges: Sequence[float], column: str) -> list[Estimate]:
    """Return by how much a column of one run's history changes from range to range of strain.

    For a run that has no second seed.  Intervals are taken as independent, which makes the
    errors too small where events last longer than an interval.

    Parameters
    ----------
    table:
        From :func:`repro.clay.zones_chapter.history`.
    edges, column:
        Of the ranges of strain, one more than ranges; of the table.

    Raises
    ------
    InputError
        If a range holds fewer than two intervals.
    """
    means = []
    for own in zones_chapter.ranges(table.strain, edges, least=2):
        x = table[column][own].to_numpy(dtype=float)
        means.append((float(x.mean()), float(x.std(ddof=1) / np.sqrt(len(x)))))
    return [Estimate(b[0] - a[0], float(np.hypot(a[1], b[1])))
            for a, b in itertools.pairwise(means)]  # fmt: skip


def class_chlorine(
    runs: Mapping[int, Sequence[Interval]], *, strain: tuple[float, float] = (0.09, 0.14),
    high: float = surroundings.HIGH, low: float = surroundings.LOW, by: str = "maximum",
    samples: int = 2000,
) -> ChlorineTest:  # fmt: skip
    """Return the permutation test that mobile gallium has more chlorine than quiet gallium.

    Parameters
    ----------
    runs:
        Seed to its intervals.
    strain:
        Only intervals whose middle lies within.
    high, low, by:
        As for :func:`repro.clay.surroundings.classes`.
    samples:
        Of the test.

    Raises
    ------
    InputError
        If no interval lies within, or a class is empty.
    """
    made = {}
    for seed, found in runs.items():
        parts = []
        for one in found:
            if not strain[0] <= one.strain <= strain[1]:
                continue
            around = surroundings.environment(one.atoms)
            d2min = one.field.d2min[around.indices]
            chosen = surroundings.classes(d2min, high=high, low=low, by=by)
            kept = (chosen.high | chosen.low) & np.isfinite(around.share)
            parts.append(Makeup(np.full(kept.sum(), one.strain), d2min[kept], around.share[kept],
                                chosen.high[kept]))  # fmt: skip
        if parts:
            made[seed] = zones_chapter.joined(parts)
    if not made:
        raise InputError(f"no interval within strain {strain}: expected one or more")
    return zones_chapter.chlorine_in_zones(made, samples=samples)


def peak_difference(found: Mapping[int, ClassRdf], partner: str, *, upto: float) -> Estimate:
    """Return the first peak of g(r) around mobile atoms less that around quiet ones.

    Parameters
    ----------
    found:
        Seed to its g(r).
    partner:
        Element.
    upto:
        Where the first peak ends, angstrom.
    """
    values = []
    for one in found.values():
        near = one.r <= upto
        values.append(float(one.g["high", partner][near].max() - one.g["low", partner][near].max()))
    return chapter.over_seeds(values)


def mean_classes(found: Mapping[int, ClassRdf]) -> MeanRdf:
    """Return the mean over seeds with its standard error; atoms and intervals are summed.

    A seed whose class holds no atom has no g(r) and is left out of that class.

    Raises
    ------
    InputError
        For no seed.
    """
    if not found:
        raise InputError("no g(r) of any seed: expected one or more")
    all_of = list(found.values())
    first = all_of[0]
    g, error = {}, {}
    for key in first.g:
        rows = np.array([one.g[key] for one in all_of if one.centres[key[0]]])
        n = len(rows)
        none = np.full(len(first.r), np.nan)
        g[key] = rows.mean(axis=0) if n else none
        error[key] = rows.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else none
    return MeanRdf(
        first.r, g, {name: sum(one.centres[name] for one in all_of) for name in first.centres},
        sum(one.intervals for one in all_of), error,
    )  # fmt: skip
