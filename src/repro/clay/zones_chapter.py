"""What the chapter on shear zones shows: maps, history of localisation, what zones are made of.

One shear run gives about twenty intervals of strain.  In each, D2min tells which atoms moved
otherwise than their surroundings; atoms above a threshold form zones.  Lithium hops at any load, so
zones are looked for among Ga, F and Cl.  The threshold is what an atom has that slipped by some
length against all its neighbours (:func:`repro.clay.zones_compare.slip_threshold`), the same
for all runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms
from numpy.typing import NDArray
from scipy.stats import spearmanr

from repro.clay import chapter, nonaffine, surroundings, zones
from repro.clay.nonaffine import NonAffine
from repro.clay.zones import Localisation, Zone
from repro.errors import InputError
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
FRAME = ("Ga", "F", "Cl")
"""Elements of which zones are made."""


@dataclass(frozen=True)
class Interval:
    """What happened between two frames of a shear run.

    Attributes
    ----------
    strain:
        In the middle.
    atoms:
        The earlier frame.
    field:
        D2min and local strain.
    found:
        Zones, largest first.
    measures:
        Localisation.
    """

    strain: float
    atoms: Atoms
    field: NonAffine
    found: list[Zone]
    measures: Localisation


def strained(frames: Iterable[Atoms], *, rate_per_s: float) -> Iterator[Atoms]:
    """Yield frames with ``info["strain"]`` from their ``info["time_ps"]``.

    Raises
    ------
    InputError
        For a rate that is not positive.
    """
    if not rate_per_s > 0:
        raise InputError(f"shear rate {rate_per_s} /s: expected a positive number")
    for frame in frames:
        frame.info["strain"] = frame.info["time_ps"] * rate_per_s * 1e-12
        yield frame


def intervals(
    frames: Iterable[Atoms], *, cutoff: float = 6.5, threshold: float
) -> Iterator[Interval]:
    """Yield what happened between each frame and the next; two frames are held.

    Parameters
    ----------
    frames:
        With ``info["strain"]``, in order.
    cutoff:
        Of D2min's neighbours, angstrom.
    threshold:
        Of zones, angstrom^2.
    """
    for before, after in itertools.pairwise(frames):
        field = nonaffine.d2min(before, after, cutoff=cutoff)
        found = zones.zones(before, field.d2min, threshold=threshold, elements=FRAME)
        middle = (before.info["strain"] + after.info["strain"]) / 2
        yield Interval(float(middle), before, field, found, zones.localisation(field, found))


def regrouped(found: Iterable[Interval], *, threshold: float) -> list[Interval]:
    """Return intervals with the zones of another threshold (angstrom^2); D2min stays."""
    made = []
    for one in found:
        again = zones.zones(one.atoms, one.field.d2min, threshold=threshold, elements=FRAME)
        made.append(Interval(one.strain, one.atoms, one.field, again,
                             zones.localisation(one.field, again)))  # fmt: skip
    return made


def d2min_values(
    frames: Iterable[Atoms], *, cutoff: float = 6.5, elements: Sequence[str] = FRAME
) -> Floats:
    """Return D2min (angstrom^2) of all atoms of some elements in all intervals, (N,).

    None for fewer than two frames; two are held.

    Parameters
    ----------
    frames:
        In order.
    cutoff, elements:
        Of D2min's neighbours, angstrom; of the atoms that count.
    """
    values = [np.zeros(0)]
    for before, after in itertools.pairwise(frames):
        own = np.isin(np.array(before.get_chemical_symbols()), list(elements))
        values.append(nonaffine.d2min(before, after, cutoff=cutoff).d2min[own])
    return np.concatenate(values)


def history(found: Iterable[Interval]) -> pd.DataFrame:
    """Return one row per interval: zones, largest zone, localisation.

    Columns ``strain``, ``mean_d2min`` (angstrom^2), ``zones`` (of three atoms or more),
    ``largest`` (atoms), ``share`` (of all atoms in zones), ``windings`` (of the largest),
    ``participation``, ``psi``.
    """
    rows = []
    for one in found:
        big = one.found[0] if one.found else None
        rows.append({
            "strain": one.strain, "mean_d2min": float(one.field.d2min.mean()),
            "zones": sum(zone.size >= 3 for zone in one.found),
            "largest": big.size if big else 0,
            "share": float(sum(zone.share for zone in one.found)),
            "windings": big.windings if big else 0,
            "participation": one.measures.participation, "psi": one.measures.psi,
        })  # fmt: skip
    return pd.DataFrame(rows)


def ranges(strain: Any, edges: Sequence[float], *, least: int = 1) -> Iterator[Any]:
    """Yield which strains lie in each range, from its lower edge on and below its upper one.

    Parameters
    ----------
    strain:
        (N,).
    edges:
        Of the ranges, one more than ranges.
    least:
        So many must lie in each.

    Yields
    ------
    array
        Masks, (N,).

    Raises
    ------
    InputError
        If a range holds fewer.
    """
    x = np.asarray(strain, dtype=float)
    for low, high in itertools.pairwise(edges):
        own = (x >= low) & (x < high)
        if own.sum() < least:
            raise InputError(f"{own.sum() or 'no'} interval{'' if own.sum() == 1 else 's'} between "
                             f"strains {low} and {high}: expected {least} or more")  # fmt: skip
        yield own


def stage_means(
    tables: Mapping[int, pd.DataFrame], *, edges: Sequence[float], column: str
) -> Floats:
    """Return a column's mean in ranges of strain, one row a seed, (seeds, ranges).

    Parameters
    ----------
    tables:
        Seed to its history.
    edges:
        Of the ranges, one more than ranges.
    column:
        Of the history.

    Raises
    ------
    InputError
        If a range holds no interval of some seed.
    """
    made = []
    for seed, table in tables.items():
        try:
            made.append([float(table[column][own].mean()) for own in ranges(table.strain, edges)])
        except InputError as error:
            raise InputError(f"seed {seed}: {error}") from None
    return np.array(made)


def stages(
    tables: Mapping[int, pd.DataFrame], *, edges: Sequence[float], column: str
) -> list[Estimate]:
    """Return a column's mean in ranges of strain, mean over seeds with its error.

    Parameters and errors as for :func:`stage_means`.
    """
    means = stage_means(tables, edges=edges, column=column)
    return [chapter.over_seeds(own.tolist()) for own in means.T]


@dataclass(frozen=True)
class Makeup:
    """What gallium in zones wears, of one seed; arrays over Ga and intervals.

    Attributes
    ----------
    strain, d2min:
        Of the interval, and D2min of each Ga, (N,).
    share:
        Chlorine share of its anions, (N,).
    inside:
        Whether it lies in a zone of three atoms or more, (N,).
    """

    strain: Floats
    d2min: Floats
    share: Floats
    inside: NDArray[np.bool_]

    def difference(self) -> float:
        """Return the mean chlorine share inside less outside; NaN if one is empty."""
        if not self.inside.any() or self.inside.all():
            return float("nan")
        return float(self.share[self.inside].mean() - self.share[~self.inside].mean())

    def mostly_chlorine(self) -> float:
        """Return the share of Ga inside that has more Cl than F; NaN without any."""
        return float((self.share[self.inside] > 0.5).mean()) if self.inside.any() else float("nan")


def joined(parts: Sequence[Makeup]) -> Makeup:
    """Return several makeups as one, in their order."""
    return Makeup(*(np.concatenate([getattr(one, field.name) for one in parts])
                    for field in fields(Makeup)))  # fmt: skip


def makeup(found: Iterable[Interval], *, least: int = 3) -> Makeup:
    """Return the makeup of zones over the intervals of a run.

    Parameters
    ----------
    found:
        Of one seed.
    least:
        Atoms of a zone; single atoms and pairs are left out.

    Raises
    ------
    InputError
        For no intervals.
    """
    parts = []
    for one in found:
        around = surroundings.environment(one.atoms)
        known = np.isfinite(around.share)
        members = [zone.indices for zone in one.found if zone.size >= least]
        inside = np.isin(around.indices, np.concatenate(members) if members else [])
        parts.append(Makeup(np.full(int(known.sum()), one.strain),
                            one.field.d2min[around.indices][known], around.share[known],
                            inside[known]))  # fmt: skip
    if not parts:
        raise InputError("no intervals: expected one or more")
    return joined(parts)


def chlorine_in_zones(
    seeds: Mapping[int, Makeup], *, samples: int = 2000
) -> surroundings.ChlorineTest:
    """Return the permutation test of chlorine in zones, within intervals, errors over seeds.

    Raises
    ------
    InputError
        If no gallium lies in a zone, or all do.
    """
    all_of = joined(list(seeds.values()))
    seed = np.concatenate([np.full(len(one.share), s) for s, one in seeds.items()])
    labels = np.column_stack([seed, all_of.strain])
    inside = all_of.inside
    return surroundings.chlorine_test(all_of.share[inside], all_of.share[~inside], samples=samples,
                                      blocks=(labels[inside], labels[~inside]))  # fmt: skip


def beyond_rest(sheared: surroundings.ChlorineTest, rest: surroundings.ChlorineTest) -> Estimate:
    """Return the chlorine excess of zones under shear less that at rest.

    Zones at rest hold a few gallium atoms in all, so the seeds may agree by chance; both
    uncertainties are no smaller than what so few atoms give.
    """
    return Estimate(sheared.difference - rest.difference,
                    float(np.hypot(sheared.uncertainty, rest.uncertainty)),
                    min(sheared.units, rest.units))  # fmt: skip


def rest_words(beyond: Estimate, rest: surroundings.ChlorineTest) -> str:
    """Return how an excess of chlorine compares with that at rest, in words."""
    if chapter.above(beyond):
        return "more than in a glass that nobody shears"
    return (f"but hardly more than in the few zones of a glass that nobody shears "
            f"({100 * rest.difference:.0f} ± {100 * rest.uncertainty:.0f})")  # fmt: skip


def correlate(seeds: Mapping[int, Makeup]) -> Estimate:
    """Return Spearman's rank correlation of gallium's D2min with its chlorine share.

    Of each seed, then mean and error over seeds: gallium of one run is not independent, so
    the p-value of all atoms together would be far too small.

    Raises
    ------
    InputError
        For a seed where one of both is the same everywhere.
    """
    for seed, one in seeds.items():
        if len(one.share) < 2 or np.ptp(one.d2min) == 0 or np.ptp(one.share) == 0:
            raise InputError(
                f"seed {seed}: {len(one.share)} Ga: expected D2min and shares that differ"
            )
    return chapter.over_seeds([float(spearmanr(one.d2min, one.share).statistic)
                               for one in seeds.values()])  # fmt: skip
