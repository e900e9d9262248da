r"""Layers of a sheared cell: how much of the strain each takes, and what it is made of.

A shear band is a layer that deforms while its surroundings ride along.  The cell is cut into
slabs between planes of equal fractional coordinate, and in each the local deformation gradient
of :func:`repro.clay.nonaffine.d2min` is averaged over its atoms,

.. math:: \gamma_s = \langle F_{yz} \rangle_{i \in s},

for a shear on yz: the gradient along z of the displacement along y.  Slabs that follow each
other along z may differ.  Slabs along x or y may not: each reaches through the cell, so a
difference there is noise, and they serve as control.

A fit over neighbours within a cutoff gives a little less than the strain imposed, and slabs
thinner than the cutoff share neighbours, which blunts a band.  Errors are those of intervals
of strain, taken as independent.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.stats import rankdata

from repro.clay.zones_chapter import Interval, ranges
from repro.errors import InputError
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
SLABS = 8
"""Of five nanometres: each as thick as the cutoff of D2min."""


def slab_of(atoms: Atoms, *, axis: int, slabs: int = SLABS) -> NDArray[np.int64]:
    """Return the number of the slab in which each atom lies, (N,).

    Parameters
    ----------
    atoms:
        Periodic; wrapped or not.
    axis:
        Number of the cell vector along which slabs follow each other.
    slabs:
        Two or more.

    Raises
    ------
    InputError
        For fewer slabs, or one without atoms.
    """
    if slabs < 2:
        raise InputError(f"{slabs} slabs: expected two or more")
    place = atoms.get_scaled_positions(wrap=True)[:, axis]
    number = np.minimum((place * slabs).astype(np.int64), slabs - 1)
    if not (held := np.bincount(number, minlength=slabs)).all():
        raise InputError(f"{slabs} slabs hold {held.tolist()} atoms: expected none empty")
    return number


@dataclass(frozen=True)
class Profile:
    """Shear of the slabs of a run.

    Attributes
    ----------
    strain:
        Of the run, in the middle of each interval, (I,).
    local:
        Local shear of each slab over the strain imposed in the interval, (I, S): about one
        where all slabs share alike.
    """

    strain: Floats
    local: Floats

    def parts(self, edges: Sequence[float]) -> list[Profile]:
        """Return the intervals of each range of strain, from its lower edge on and below its upper.

        Raises
        ------
        InputError
            If fewer than two lie in one.
        """
        return [
            Profile(self.strain[own], self.local[own])
            for own in ranges(self.strain, edges, least=2)
        ]

    def mean(self) -> tuple[Floats, Floats]:
        """Return mean and standard error of each slab over the intervals, both (S,)."""
        n = len(self.local)
        return self.local.mean(axis=0), self.local.std(axis=0, ddof=1) / np.sqrt(n)

    def contrast(self, *, samples: int = 500, seed: int = 1) -> Estimate:
        """Return the scatter of slabs that lasts over the intervals: 0 where all share alike.

        The standard deviation over slabs of their means, from whose square that of noise is
        taken; its error from drawing intervals anew.
        """
        rng = np.random.default_rng(seed)
        n = len(self.local)
        drawn = [_lasting(self.local[rng.integers(n, size=n)]) for _ in range(samples)]
        return Estimate(_lasting(self.local), float(np.std(drawn, ddof=1)))


def _lasting(local: Floats) -> float:
    noise = local.var(axis=0, ddof=1).mean() / len(local)
    return float(np.sqrt(max(local.mean(axis=0).var(ddof=1) - noise, 0.0)))


def profile(
    found: Sequence[Interval], *, axis: int, per_interval: float, slabs: int = SLABS,
    component: tuple[int, int] = (1, 2),
) -> Profile:  # fmt: skip
    """Return the shear of each slab in each interval of a run.

    Parameters
    ----------
    found:
        Of one run, two or more.
    axis, slabs:
        As for :func:`slab_of`.
    per_interval:
        Strain imposed in an interval, by which the local one is divided.
    component:
        Of the deformation gradient; (1, 2) for a shear on yz.

    Raises
    ------
    InputError
        For fewer intervals, or a strain that is not positive.
    """
    if len(found) < 2 or not per_interval > 0:
        raise InputError(f"{len(found)} intervals of {per_interval} strain: expected two or more of a "
                         "positive one")  # fmt: skip
    rows = []
    for one in found:
        number = slab_of(one.atoms, axis=axis, slabs=slabs)
        shear = one.field.deformation[(slice(None), *component)]
        rows.append(np.bincount(number, shear, minlength=slabs) / np.bincount(number))
    return Profile(np.array([one.strain for one in found]), np.array(rows) / per_interval)


def chlorine(atoms: Atoms, *, axis: int, slabs: int = SLABS) -> Floats:
    """Return the share of chlorine among the anions of each slab, (S,).

    Parameters are those of :func:`slab_of`.

    Raises
    ------
    InputError
        If a slab holds no anion.
    """
    number = slab_of(atoms, axis=axis, slabs=slabs)
    symbols = np.array(atoms.get_chemical_symbols())
    cl, f = (np.bincount(number[symbols == e], minlength=slabs) for e in ("Cl", "F"))
    if not (cl + f).all():
        raise InputError(f"slabs with {(cl + f).tolist()} anions: expected none without")
    return np.asarray(cl / (cl + f), dtype=float)


@dataclass(frozen=True)
class Follows:
    """Rank correlation over layers.

    Attributes
    ----------
    rho:
        Spearman's.
    p_value:
        One-sided: share of all orders of the layers that give as much.
    """

    rho: float
    p_value: float


def follows(taken: Floats, what: Floats) -> Follows:
    """Return whether layers that take more strain have more of something.

    Layers of one assembly beside each other are alike, so the p-value is a lower bound.

    Parameters
    ----------
    taken, what:
        Of the layers, both (S,); four layers or more, nine at most, for all orders are tried.

    Raises
    ------
    InputError
        For another number of layers.
    """
    if not 4 <= len(taken) <= 9 or len(taken) != len(what):
        raise InputError(f"{len(taken)} and {len(what)} layers: expected as many, four to nine")
    x, y = rankdata(taken), rankdata(what)
    x, y = x - x.mean(), y - y.mean()
    orders = np.array(list(itertools.permutations(range(len(x)))))
    products, own = y[orders] @ x, float(y @ x)
    return Follows(own / float(np.sqrt((x @ x) * (y @ y))),
                   float((products >= own - 1e-9).mean()))  # fmt: skip
