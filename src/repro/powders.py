"""Powders of Table 1 on a simulated diffractometer: candidates, tests, detection limits.

Nothing here is measured.  Random powders with a known answer test the identification
of :mod:`repro.identify`; a least-squares argument tells how little of a phase can be
seen, and a test checks that argument against random powders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pymatgen.core import Composition

from repro import diffraction, mixed_patterns, structures
from repro.errors import InputError, did_you_mean
from repro.identify import THRESHOLD, Identification, Library
from repro.mixed_patterns import Ingredient
from repro.pattern_fit import Candidate, spline_basis
from repro.patterns import Pattern

Array = NDArray[np.float64]
# Every phase named in Table 1 except Li3GaF6, whose coordinates no open source has
TABLE1 = ("LiF", "LiCl", "LiBr", "LiI", "GaF3", "SbF3", "InBr3", "GaCl3", "SbCl3", "InI3", "GaI3")
WITHOUT_COORDINATES = ("Li3GaF6",)
EXPERIMENT_STRETCH = 0.006  # temperature and sample; a measured cell is not off by more
MODEL_STRETCH = 0.008  # on top of the density misfit of a computed cell
SCAN = (10.0, 80.0, 0.02)
MOST, LEAST_WEIGHT = 4, 0.05  # phases of a random powder, and the least share of each
HOST_SIZE = 40.0  # nm


def grid(scan: tuple[float, float, float] = SCAN) -> Array:
    """Return 2theta in degrees for (start, stop, step)."""
    return np.arange(scan[0], scan[1] + scan[2] / 2, scan[2])


def candidates(formulas: Sequence[str] = TABLE1) -> dict[str, Candidate]:
    """Return candidates by formula, each from the best cell that is shipped.

    The allowed stretch is 0.6% for a measured cell; for a computed one 0.8% plus a
    third of its density misfit.
    """
    out = {}
    for formula in formulas:
        key, misfit = structures.preferred(formula)
        stretch = EXPERIMENT_STRETCH if misfit == 0 else MODEL_STRETCH + misfit
        if not np.isfinite(misfit):
            stretch = 3 * MODEL_STRETCH
        out[formula] = Candidate(
            lines=diffraction.lines(structures.load(key), name=formula), stretch=stretch,
            elements=frozenset(e.symbol for e in Composition(formula)),
        )  # fmt: skip
    return out


@dataclass(frozen=True)
class Powder:
    """A simulated powder and its truth.

    Attributes
    ----------
    pattern:
        Synthetic pattern.
    weights:
        Phase name to crystalline weight fraction.
    """

    pattern: Pattern
    weights: dict[str, float]


def powder(
    pool: Mapping[str, Candidate],
    weights: Mapping[str, float],
    *,
    sizes: Mapping[str, float] | float = 40.0,
    strains: Mapping[str, float] | None = None,
    peak: float = 5000.0,
    background: float = 300.0,
    halo: float = 0.0,
    shift: float = 0.0,
    texture: float = 0.0,
    seed: int | None = 0,
    scan: tuple[float, float, float] = SCAN,
) -> Powder:
    """Return a simulated powder.

    Parameters
    ----------
    pool:
        From :func:`candidates`.
    weights:
        Weight of each phase; scaled to one.
    sizes:
        Crystallite size in nm, one for all or by phase (missing ones 40).
    strains:
        Relative change of the cell edges by phase.
    peak, background, halo:
        Counts per point: highest line above background, flat background, and the top
        of an amorphous halo around 28 degrees.
    shift:
        Zero error in degrees.
    texture:
        Relative scatter of single line strengths (log-normal).
    seed:
        Of counting noise and texture; None for the noise-free expectation.
    scan:
        2theta start, stop, step in degrees.

    Raises
    ------
    InputError
        For an unknown phase or weights that are not positive numbers.
    """
    for name, weight in weights.items():
        if name not in pool:
            raise InputError(f"phase {name!r} is not a candidate{did_you_mean(name, pool)}")
        if not (np.isfinite(weight) and weight > 0):
            raise InputError(f"weight of {name}: {weight!r}; expected a positive number")
    if not weights:
        raise InputError("a powder needs at least one phase")
    rng = np.random.default_rng(seed)
    x = grid(scan)
    total = float(sum(weights.values()))
    parts = []
    for name, weight in weights.items():
        phase = pool[name].lines
        if texture:
            factor = np.exp(rng.normal(0, texture, len(phase.strength)))
            phase = replace(phase, strength=phase.strength * factor)
        size = sizes if isinstance(sizes, (int, float)) else sizes.get(name, 40.0)
        parts.append(Ingredient(phase, weight / total, size=size,
                                strain=(strains or {}).get(name, 0.0)))  # fmt: skip
    signal = mixed_patterns.mixture(parts, x, shift=shift)
    floor = background + halo * mixed_patterns.hump(x)
    y = mixed_patterns.counts(
        signal, peak=peak, background=floor, rng=None if seed is None else rng
    )
    label = "synthetic powder of " + ", ".join(f"{w / total:.0%} {n}" for n, w in weights.items())
    return Powder(Pattern(x, y, label, synthetic=True),
                  {n: w / total for n, w in weights.items()})  # fmt: skip


def random_powder(pool: Mapping[str, Candidate], *, seed: int) -> Powder:
    """Return a random powder of 1 to 4 phases.

    Weights are uniform on the simplex but at least 5%; sizes 12 to 80
    nm (log-uniform); cells off by up to 90% of what is allowed; strengths scattered
    by 10%; zero error up to 0.05 degrees; 1,000 to 20,000 counts in the highest line
    on a background of 50 to 600, half of them with an amorphous halo.
    """
    rng = np.random.default_rng(seed)
    names = [str(n) for n in rng.choice(list(pool), size=rng.integers(1, MOST + 1), replace=False)]
    spare = 1 - LEAST_WEIGHT * len(names)
    share = LEAST_WEIGHT + spare * rng.dirichlet(np.ones(len(names)))
    return powder(
        pool, dict(zip(names, share.tolist(), strict=True)),
        sizes={n: float(np.exp(rng.uniform(np.log(12), np.log(80)))) for n in names},
        strains={n: float(rng.uniform(-0.9, 0.9) * pool[n].stretch) for n in names},
        peak=float(np.exp(rng.uniform(np.log(1e3), np.log(2e4)))),
        background=float(rng.uniform(50, 600)),
        halo=float(rng.choice([0.0, 1.0]) * rng.uniform(100, 1000)),
        shift=float(rng.uniform(-0.05, 0.05)), texture=0.1, seed=seed + 1_000_003,
    )  # fmt: skip


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return a share, and how far from it the farther end of its 68% Wilson interval lies.

    The interval (Wilson, J. Am. Stat. Assoc. 22, 209 (1927)) is not centred on the share: of
    ten hits in ten it is 0.91 to 1.
    """
    if trials == 0:
        return float("nan"), float("nan")
    p = hits / trials
    centre = (p + 1 / (2 * trials)) / (1 + 1 / trials)
    half = np.sqrt(p * (1 - p) / trials + 1 / (4 * trials**2)) / (1 + 1 / trials)
    return p, float(abs(p - centre) + half)


@dataclass(frozen=True)
class Benchmark:
    """Identification of random powders.

    Attributes
    ----------
    phases:
        One row per phase that was in a powder or was named: powder, phase, weight
        (0 if absent), named, found_weight, ambiguous.
    recall, precision:
        Shares with their errors, as :func:`wilson` gives them.
    weight_rms:
        Root mean square error of the weight fraction of phases rightly named.
    """

    phases: pd.DataFrame
    recall: tuple[float, float]
    precision: tuple[float, float]
    weight_rms: float


def benchmark(
    library: Library,
    pool: Mapping[str, Candidate],
    *,
    powders: int,
    seed: int,
) -> Benchmark:
    """Identify random powders and count hits, misses and false names; all phases compete."""
    rows = []
    for k in range(powders):
        made = random_powder(pool, seed=seed + k)
        found = library.identify(made.pattern)
        named = {m.name: m for m in found.matches}
        for name in sorted(set(named) | set(made.weights)):
            match = named.get(name)
            rows.append({
                "powder": k, "phase": name, "weight": made.weights.get(name, 0.0),
                "named": match is not None, "found_weight": match.weight if match else 0.0,
                "ambiguous": bool(match and match.ambiguous),
            })  # fmt: skip
    table = pd.DataFrame(rows)
    there = table.weight > 0
    hits = int((there & table.named).sum())
    right = table[there & table.named]
    return Benchmark(
        phases=table, recall=wilson(hits, int(there.sum())),
        precision=wilson(hits, int(table.named.sum())),
        weight_rms=float(np.sqrt(np.mean((right.weight - right.found_weight) ** 2))),
    )  # fmt: skip


def detection_limit(
    pool: Mapping[str, Candidate],
    target: str,
    host: Mapping[str, float],
    *,
    size: float = 40.0,
    peak: float = 5000.0,
    background: float = 300.0,
    halo: float = 0.0,
    threshold: float = THRESHOLD,
    scan: tuple[float, float, float] = SCAN,
) -> float:
    """Return the least weight fraction of ``target`` that would be named.

    In a fit with free background and host scales, a scale s has standard error e; it
    is named when (s/e)^2 reaches the threshold.  With Poisson counts e follows from
    the expected pattern alone (Cramer-Rao).  The added phase also adds noise, so the
    condition is solved by iteration.

    Parameters
    ----------
    pool, target, host:
        Candidates; the phase sought; weights of the others.
    size:
        Crystallite size of the target in nm; the host's are 40 nm.
    peak, background, halo:
        As in :func:`powder`; ``peak`` is the highest line of the host.
    threshold:
        See :mod:`repro.identify`.
    scan:
        2theta start, stop, step in degrees.

    Returns
    -------
    float
        Weight fraction in (0, 1]; 1 if not even the pure phase would be named.
    """
    x = grid(scan)
    total = float(sum(host.values()))
    shape = np.column_stack([diffraction.profile(pool[n].lines, x, size=HOST_SIZE) for n in host])
    volumes = np.array([w / total / pool[n].lines.density for n, w in host.items()])
    signal = shape @ volumes
    scale = peak / signal.max()
    floor = background + halo * mixed_patterns.hump(x)
    column = diffraction.profile(pool[target].lines, x, size=size) * scale
    density = pool[target].lines.density
    basis = np.column_stack([spline_basis(x), shape * scale])
    volume = 0.0
    for _ in range(60):
        sigma = np.sqrt(signal * scale + floor + volume * column)
        q, _ = np.linalg.qr(basis / sigma[:, None])
        own = column / sigma
        rest = own - q @ (q.T @ own)
        information = float(rest @ rest)
        if information <= 1e-12 * float(own @ own):
            return 1.0
        needed = float(np.sqrt(threshold / information))
        if abs(needed - volume) < 1e-4 * needed:
            break
        volume = 0.5 * (volume + needed)
    weight = volume * density
    return min(1.0, weight / (1 + weight))


def similarity_table(pool: Mapping[str, Candidate]) -> pd.DataFrame:
    """Return the best similarity of each pair of phases within their allowed stretch.

    Entry (row, column): the column phase stretched to look like the row phase; the
    joint stretch is the sum of both allowances.
    """
    names = list(pool)
    table = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            value = mixed_patterns.similarity(
                pool[first].lines, pool[second].lines,
                stretch=pool[first].stretch + pool[second].stretch, steps=25,
            )  # fmt: skip
            table.loc[first, second] = table.loc[second, first] = value
    return table


def summary(found: Identification) -> pd.DataFrame:
    """Return the phases of an identification as a table with human column names."""
    return pd.DataFrame([{
        "phase": m.name, "weight (%)": round(100 * m.weight, 1),
        "± (%)": round(100 * m.weight_err, 1), "merit": round(m.gain),
        "lines seen": f"{m.lines_seen} of {m.lines_expected}",
        "cell change (%)": round(100 * m.strain, 2), "size (nm)": round(m.size, 1),
        "nearest rival": f"{m.rival} ({m.rival_share:.0%})",
        "verdict": "ambiguous" if m.ambiguous else "clear",
    } for m in found.matches], columns=[
        "phase", "weight (%)", "± (%)", "merit", "lines seen", "cell change (%)", "size (nm)",
        "nearest rival", "verdict"])  # fmt: skip


def crooked_powder(
    pool: Mapping[str, Candidate],
    name: str,
    change: tuple[float, float, float, float],
    weights: Mapping[str, float],
    *,
    seed: int,
    peak: float = 5000.0,
    background: float = 300.0,
) -> Powder:
    """Return a powder in which one phase has a cell changed unevenly.

    ``change``: relative changes of a, b, c and the change of beta in radians.
    """
    lines = pool[name].lines
    changed = replace(pool[name], lines=replace(lines, d=lines.spacings(change)))
    return powder({**pool, name: changed}, weights, seed=seed, peak=peak, background=background)


def crossing(limits: pd.Series, amount: float) -> float:
    """Return the size (nm) below which ``amount`` is under the limit; log interpolation.

    0 if it is above the limit at every size, and infinity if it is never.
    """
    size, level = limits.index.to_numpy(dtype=float), limits.to_numpy(dtype=float)
    if (level < amount).all():
        return 0.0
    if (level > amount).all():
        return float("inf")
    order = np.argsort(-level)
    falling = np.interp(-np.log(amount), -np.log(level[order]), np.log(size[order]))
    return float(np.exp(falling))
