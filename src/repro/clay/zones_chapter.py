"""What the chapter on shear zones shows: maps, history of localisation, what zones are made of.

One shear run gives about twenty intervals of strain.  In each, D2min tells which atoms moved
otherwise than their surroundings; atoms above a threshold form zones.  Lithium hops at any load, so
zones are looked for among Ga, F and Cl.  The threshold is set by runs that bear no load,
where there are any: what such runs exceed once in a thousand atoms is not a zone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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
    frames: Iterable[Atoms], *, cutoff: float = 6.5, threshold: float | None = None
) -> Iterator[Interval]:
    """Yield what happened between each frame and the next; two frames are held.

    Parameters
    ----------
    frames:
        With ``info["strain"]``, in order.
    cutoff:
        Of D2min's neighbours, angstrom.
    threshold:
        Of zones, angstrom^2; that of :func:`repro.clay.zones.usual_threshold` if None.
    """
    before: Atoms | None = None
    for after in frames:
        if before is not None:
            field = nonaffine.d2min(before, after, cutoff=cutoff)
            found = zones.zones(before, field.d2min, threshold=threshold, elements=FRAME)
            middle = (before.info["strain"] + after.info["strain"]) / 2
            yield Interval(float(middle), before, field, found, zones.localisation(field, found))
        before = after


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


def noise_threshold(frames: Iterable[Atoms], *, cutoff: float = 6.5, share: float = 1e-3) -> float:
    """Return the D2min (angstrom^2) that a share of Ga, F and Cl exceed without any load.

    Parameters
    ----------
    frames:
        Of a run without load, as far apart in time as those of the shear run.
    cutoff:
        As for :func:`intervals`.
    share:
        Of atoms and intervals.

    Raises
    ------
    InputError
        For fewer than two frames, or a share not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InputError(f"share {share}: expected a number between 0 and 1")
    values = d2min_values(frames, cutoff=cutoff)
    if not len(values):
        raise InputError("fewer than two frames without load: expected two or more")
    return float(np.quantile(values, 1 - share))


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
        means = []
        for low, high in itertools.pairwise(edges):
            own = table[(table.strain >= low) & (table.strain < high)]
            if not len(own):
                raise InputError(f"seed {seed}: no interval between strains {low} and {high}")
            means.append(float(own[column].mean()))
        made.append(means)
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
    parts: list[tuple[Floats, Floats, Floats, NDArray[np.bool_]]] = []
    for one in found:
        around = surroundings.environment(one.atoms)
        known = np.isfinite(around.share)
        members = [zone.indices for zone in one.found if zone.size >= least]
        inside = np.isin(around.indices, np.concatenate(members) if members else [])
        parts.append((np.full(int(known.sum()), one.strain),
                      one.field.d2min[around.indices][known], around.share[known],
                      inside[known]))  # fmt: skip
    if not parts:
        raise InputError("no intervals: expected one or more")
    strain, d2, share, inside = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Makeup(strain, d2, share, inside.astype(bool))


def chlorine_in_zones(
    seeds: Mapping[int, Makeup], *, samples: int = 2000
) -> surroundings.ChlorineTest:
    """Return the permutation test of chlorine in zones, within intervals, errors over seeds.

    Raises
    ------
    InputError
        If no gallium lies in a zone, or all do.
    """
    shares: dict[bool, list[Floats]] = {True: [], False: []}
    labels: dict[bool, list[Floats]] = {True: [], False: []}
    for seed, one in seeds.items():
        for side in (True, False):
            own = one.inside == side
            shares[side].append(one.share[own])
            labels[side].append(np.column_stack([np.full(own.sum(), seed), one.strain[own]]))
    within, without = (np.concatenate(shares[side]) for side in (True, False))
    return surroundings.chlorine_test(
        within, without, samples=samples,
        blocks=(np.concatenate(labels[True]), np.concatenate(labels[False])),
    )  # fmt: skip


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
