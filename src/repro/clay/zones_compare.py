"""Zones compared: with a run at rest, stage by stage of a shear, mobile against quiet atoms."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from ase import Atoms
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray

from repro.clay import chapter, inherent, nonaffine, surroundings, zones_chapter
from repro.clay.surroundings import ChlorineTest, ClassRdf
from repro.clay.zones_chapter import Interval
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
    return {seed: list(zones_chapter.intervals(
        zones_chapter.strained(inherent.frames(seed, protocol, preset=preset), rate_per_s=rate_per_s),
        threshold=threshold)) for seed in inherent.seeds(protocol, preset=preset)}  # fmt: skip


def warm(protocol: str, *, rate_per_s: float, threshold: float) -> dict[int, list[Interval]]:
    """Return the intervals of each seed's shear run as it was, heat and all."""
    return {seed: list(zones_chapter.intervals(
        zones_chapter.strained(chapter.frames(seed, protocol, "shear"), rate_per_s=rate_per_s),
        threshold=threshold)) for seed in chapter.seeds(protocol)}  # fmt: skip


def classes_of(
    protocol: str, *, rate_per_s: float, centre: str, strain: tuple[float, float],
    by: str = "maximum", bins: int = 80,
) -> dict[int, ClassRdf]:  # fmt: skip
    """Return g(r) around mobile and quiet atoms of each seed's shear run.

    Parameters
    ----------
    protocol, rate_per_s:
        The run and its rate.
    centre, strain, by, bins:
        As for :func:`repro.clay.surroundings.class_rdf`.
    """
    return {seed: surroundings.class_rdf(
        zones_chapter.strained(chapter.frames(seed, protocol, "shear"), rate_per_s=rate_per_s),
        centre=centre, strain=strain, by=by, bins=bins)
        for seed in chapter.seeds(protocol)}  # fmt: skip


def thirds(found: Sequence[Interval], edges: Sequence[float]) -> list[Interval]:
    """Return the interval with the largest zone in each range of strain.

    Raises
    ------
    InputError
        If a range holds no interval.
    """
    made = []
    for low, high in itertools.pairwise(edges):
        own = [one for one in found if low <= one.strain < high]
        if not own:
            raise InputError(f"no interval between strains {low} and {high}: expected one or more")
        made.append(max(own, key=lambda one: one.found[0].size if one.found else 0))
    return made


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
    for low, high in itertools.pairwise(edges):
        own = table[(table.strain >= low) & (table.strain < high)][column].to_numpy(dtype=float)
        if len(own) < 2:
            raise InputError(f"{len(own)} intervals between strains {low} and {high}: expected two "
                             "or more")  # fmt: skip
        means.append((float(own.mean()), float(own.std(ddof=1) / np.sqrt(len(own)))))
    return [Estimate(b[0] - a[0], float(np.hypot(a[1], b[1])))
            for a, b in itertools.pairwise(means)]  # fmt: skip


def stage_changes(
    tables: Mapping[int, pd.DataFrame], *, edges: Sequence[float], column: str
) -> list[Estimate]:
    """Return by how much a column of the history changes from each range of strain to the next.

    Seed by seed, mean over seeds with its error; parameters and errors as for
    :func:`repro.clay.zones_chapter.stage_means`.
    """
    means = zones_chapter.stage_means(tables, edges=edges, column=column)
    return [chapter.over_seeds(own.tolist()) for own in np.diff(means, axis=1).T]


def class_chlorine(
    runs: Mapping[int, Sequence[Interval]], *, strain: tuple[float, float] = (0.09, 0.14),
    high: float = surroundings.HIGH, low: float = surroundings.LOW, by: str = "maximum", samples: int = 2000,
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
    shares: dict[bool, list[Floats]] = {True: [], False: []}
    labels: dict[bool, list[Floats]] = {True: [], False: []}
    for seed, found in runs.items():
        for one in found:
            if not strain[0] <= one.strain <= strain[1]:
                continue
            around = surroundings.environment(one.atoms)
            chosen = surroundings.classes(
                one.field.d2min[around.indices], high=high, low=low, by=by
            )
            for side, mask in ((True, chosen.high), (False, chosen.low)):
                kept = mask & np.isfinite(around.share)
                shares[side].append(around.share[kept])
                labels[side].append(np.column_stack([np.full(kept.sum(), seed),
                                                     np.full(kept.sum(), one.strain)]))  # fmt: skip
    if not shares[True]:
        raise InputError(f"no interval within strain {strain}: expected one or more")
    return surroundings.chlorine_test(
        np.concatenate(shares[True]), np.concatenate(shares[False]), samples=samples,
        blocks=(np.concatenate(labels[True]), np.concatenate(labels[False])),
    )  # fmt: skip


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


def mean_classes(found: Mapping[int, ClassRdf]) -> ClassRdf:
    """Return the mean over seeds with its standard error; atoms and intervals are summed.

    A seed whose class holds no atom has no g(r) and is left out of that class.
    """
    all_of = list(found.values())
    first = all_of[0]
    g, error = {}, {}
    for key in first.g:
        rows = np.array([one.g[key] for one in all_of if one.centres[key[0]]])
        n = len(rows)
        none = np.full(len(first.r), np.nan)
        g[key] = rows.mean(axis=0) if n else none
        error[key] = rows.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else none
    return ClassRdf(
        first.r, g, error,
        {name: sum(one.centres[name] for one in all_of) for name in first.centres},
        sum(one.intervals for one in all_of),
    )  # fmt: skip


def zone_atoms(one: Interval) -> tuple[Atoms, list[tuple[int, int, tuple[int, int, int]]]]:
    """Return the largest zone with gallium, the anions its gallium holds, and their bonds.

    The bonds are for :func:`repro.figures.show_structure`.

    Raises
    ------
    InputError
        If no zone has gallium.
    """
    names = np.array(one.atoms.get_chemical_symbols())
    for zone in one.found:
        gallium = zone.indices[names[zone.indices] == "Ga"]
        if len(gallium):
            break
    else:
        raise InputError(f"no zone with gallium at strain {one.strain:.3f}: expected one")
    lengths = {("Ga", anion): length for anion, length in surroundings.BONDS.items()}
    i, j, shift = neighbor_list("ijS", one.atoms, lengths)
    held = np.isin(i, gallium)
    members = np.unique(np.concatenate([zone.indices, i[held], j[held]]))
    place = {int(old): new for new, old in enumerate(members)}
    bonds = [(place[int(a)], place[int(b)], (int(s[0]), int(s[1]), int(s[2])))
             for a, b, s in zip(i[held], j[held], shift[held], strict=True)]  # fmt: skip
    return one.atoms[members], bonds
