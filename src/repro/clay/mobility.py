"""Which cations move: D2min by what an atom wears, over a run."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pandas as pd
from ase import Atoms

from repro.clay import chapter, mixing_chapter, nonaffine
from repro.errors import InputError
from repro.md.statistics import Estimate


def by_wear(frames: Iterable[Atoms], *, cutoff: float = 6.5) -> dict[str, Estimate]:
    """Return the median D2min (angstrom^2) of each class of cations, mean over intervals.

    Classes are those of :func:`repro.clay.mixing_chapter.surroundings_of` in the earlier frame of
    each interval.  Errors are the scatter over intervals, as if each were a sample of its own.
    A class that an interval lacks is left out there, and one that all lack is NaN.

    Parameters
    ----------
    frames:
        In order; two are held.
    cutoff:
        Of D2min's neighbours, angstrom.

    Raises
    ------
    InputError
        For fewer than two frames.
    """
    medians: dict[str, list[float]] = {}
    for before, after in itertools.pairwise(frames):
        moved = nonaffine.d2min(before, after, cutoff=cutoff).d2min
        for words, own in mixing_chapter.surroundings_of(before).items():
            each = medians.setdefault(words, [])
            if own.any():
                each.append(float(np.median(moved[own])))
    if not medians:
        raise InputError("fewer than two frames: expected two or more")
    return {words: chapter.over_seeds(found) if found else Estimate(float("nan"), float("nan"))
            for words, found in medians.items()}  # fmt: skip


def table(runs: dict[str, dict[str, Estimate]]) -> pd.DataFrame:
    """Return classes against runs, in words.

    Parameters
    ----------
    runs:
        Words to what :func:`by_wear` found.
    """
    return pd.DataFrame({
        words: {wear: e.words(1) for wear, e in found.items()}
        for words, found in runs.items()
    }).rename_axis("median D²min (Å²)")  # fmt: skip
