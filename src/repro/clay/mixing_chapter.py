"""What the chapter on mixing shows: g(r), exchange, shells and density over the seeds."""

from __future__ import annotations

import gzip
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ase import Atoms
from numpy.typing import NDArray

from repro import data
from repro.clay import build, chapter, mixing, pairs
from repro.clay.cycles import moving_mean
from repro.clay.presets import Preset
from repro.errors import DataError
from repro.md.logs import Thermo
from repro.md.statistics import Estimate, inefficiency
from repro.potential import chapter as potential_chapter
from repro.potential.liquids import Partial

Floats = NDArray[np.float64]
SLOPES = ("the density", "the energy", "the cell")
"""What :class:`Steady` watches, in its order."""
SHOWN = (("Ga", "F"), ("Ga", "Cl"), ("Li", "F"), ("Li", "Cl"))


def program() -> str:
    """Return the program that wrote the first shipped glass, as the file's first line tells."""
    with gzip.open(data.path(f"clay/{chapter.PRESET}/seed1_anneal.data.gz"), "rt") as state:
        found = re.match(r"(\S+) data file via write_data, version ", state.readline())
    return found[1] if found else "unknown"


def at(frames: Iterable[Atoms], time_ps: float) -> Atoms:
    """Return the frame nearest to a time, in one pass.

    Raises
    ------
    DataError
        If there is none within half a picosecond.
    """
    best = min(frames, key=lambda f: abs(f.info["time_ps"] - time_ps), default=None)
    if best is None or abs(best.info["time_ps"] - time_ps) > 0.5:
        raise DataError(f"no frame within 0.5 ps of {time_ps} ps")
    return best


@dataclass(frozen=True)
class Change:
    """A g(r) at two moments, each the mean over seeds.

    Attributes
    ----------
    pair:
        The elements.
    r, before, before_error, after, after_error:
        (B,), with standard errors over seeds.
    peak:
        Height of the first peak after less before, mean over seeds with its error.
    """

    pair: tuple[str, str]
    r: Floats
    before: Floats
    before_error: Floats
    after: Floats
    after_error: Floats
    peak: Estimate


def _mean(curves: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return the mean over seeds and its standard error, NaN for one seed."""
    stack, n = np.array(curves), len(curves)
    error = stack.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full_like(stack[0], np.nan)
    return stack.mean(axis=0), error


def _height(found: Partial, *, upto: float) -> float:
    """Return the highest value of g(r) below a distance; a peak that is not there is low."""
    return float(found.g[found.r < upto].max())


def changes(
    snapshots: Sequence[tuple[Atoms, Atoms]], *, r_max: float = 6.0, bins: int = 60
) -> list[Change]:
    """Return how g(r) changed between two moments, for Ga and Li with F and Cl.

    Parameters
    ----------
    snapshots:
        Before and after, one pair a seed.
    r_max, bins:
        Range in angstrom and number of bins.  The first peak is the highest point
        within the bond length of :data:`repro.clay.mixing.CUTOFFS`, so that a pair which
        hardly touches has a low peak rather than none.
    """
    found = [
        tuple(pairs.pair_distributions([f], r_max=r_max, bins=bins, only=SHOWN) for f in both)
        for both in snapshots
    ]
    made = []
    for metal, anion in SHOWN:
        key = next(k for k in found[0][0] if set(k) == {metal, anion})
        upto = mixing.CUTOFFS[metal, anion]
        before, after = ([one[side][key] for one in found] for side in (0, 1))
        rise = [_height(b, upto=upto) - _height(a, upto=upto)
                for a, b in zip(before, after, strict=True)]  # fmt: skip
        (g0, e0), (g1, e1) = _mean([p.g for p in before]), _mean([p.g for p in after])
        made.append(Change((metal, anion), before[0].r, g0, e0, g1, e1, chapter.over_seeds(rise)))
    return made


def exchanges(
    protocol: str = "anneal", leg: str = "melt", *, preset: str = chapter.PRESET
) -> dict[int, mixing.Exchange]:
    """Return the exchange against time of each seed of a campaign that has a melt."""
    return {s: mixing.exchange(chapter.frames(s, protocol, leg, preset=preset))
            for s in chapter.seeds(protocol, preset=preset)}  # fmt: skip


def mean_exchange(found: Iterable[mixing.Exchange]) -> pd.DataFrame:
    """Return the mean over seeds of relative exchange and of chlorine on gallium.

    Columns ``time_ps``, ``relative``, ``relative_error``, ``chlorine``, ``chlorine_error``;
    seeds must share their times.
    """
    every = list(found)
    relative, error = _mean([e.relative for e in every])
    chlorine, chlorine_error = _mean([e.chlorine_on_gallium for e in every])
    return pd.DataFrame({
        "time_ps": every[0].time_ps, "relative": relative, "relative_error": error,
        "chlorine": chlorine, "chlorine_error": chlorine_error,
    })  # fmt: skip


def islands(runs: Iterable[Iterable[Atoms]], *, until: float) -> pd.DataFrame:
    """Return what is left of the salts against time, mean over runs with its error.

    Columns ``time_ps``, ``fluoride`` and ``chloride`` (shares of Ga and of Li in linked shells
    of F and of Cl alone, :func:`repro.clay.mixing.domains`), ``fluoride_error``,
    ``chloride_error``; NaN for one run.

    Parameters
    ----------
    runs:
        Frames of each melt; they must share their times.
    until:
        Frames later than this, ps, are left out.
    """
    rows = []
    for frames in runs:
        early = itertools.takewhile(lambda f: f.info["time_ps"] <= until, frames)
        own = [(f.info["time_ps"], mixing.domains(f)) for f in early]
        rows.append([(t, d.gallium_share, d.lithium_share) for t, d in own])
    every = np.array(rows)
    fluoride, chloride = _mean(list(every[:, :, 1])), _mean(list(every[:, :, 2]))
    return pd.DataFrame({"time_ps": every[0, :, 0], "fluoride": fluoride[0], "fluoride_error": fluoride[1],
                         "chloride": chloride[0], "chloride_error": chloride[1]})  # fmt: skip


def surroundings_of(frame: Atoms) -> dict[str, NDArray[np.bool_]]:
    """Return which cations of a frame wear what, as masks over its atoms, by name."""
    found = mixing.bonds(frame)
    fluorine, chlorine = (sum(found.number(m, a) for m in ("Ga", "Li")) > 0 for a in ("F", "Cl"))
    gallium, lithium = found.symbols == "Ga", found.symbols == "Li"
    return {
        "Ga with F only": gallium & fluorine & ~chlorine,
        "Ga with both": gallium & fluorine & chlorine,
        "Ga with Cl only": gallium & chlorine & ~fluorine,
        "Li with Cl only": lithium & chlorine & ~fluorine,
        "Li with F": lithium & fluorine,
    }


def species_table(found: dict[str, mixing.Speciation], *, least: float = 0.005) -> pd.DataFrame:
    """Return the share of Ga with x Cl and y F, one column a moment, most frequent first.

    Parameters
    ----------
    found:
        Moment in words to its shells.
    least:
        Rows that nowhere reach this share are summed up as "others".
    """
    shares = {}
    for moment, one in found.items():
        shares[moment] = {f"GaCl{x}F{y}": one.species[x, y] / one.gallium
                          for x in range(9) for y in range(9)}  # fmt: skip
    table = pd.DataFrame(shares)
    rare = (table < least).all(axis=1)
    others = table[rare].sum()
    table = table[~rare].sort_values(list(found)[-1], ascending=False)
    table.loc["others"] = others
    table.index = pd.Index([_plain(n) for n in table.index], name="shell of Ga")
    return table


def _plain(name: str) -> str:
    """Return a shell without zeros and ones: GaCl1F0 becomes GaCl."""
    for element in ("Cl", "F"):
        name = name.replace(f"{element}0", "")
    return name.replace("Cl1F", "ClF").removesuffix("1") if name != "others" else name


def numbers(found: dict[str, mixing.Speciation]) -> pd.DataFrame:
    """Return coordination numbers and shares of the shells, one column a moment."""

    def words(e: Estimate, factor: float = 1.0) -> str:
        return e.words(factor=factor)

    rows = {}
    for moment, s in found.items():
        rows[moment] = {
            **{f"neighbours {pair}": words(s.coordination[pair]) for pair in mixing.COORDINATION},
            "Ga with F only (%)": words(s.fluorine_only, 100),
            "Ga with both (%)": words(s.mixed, 100),
            "Ga with Cl only (%)": words(s.chlorine_only, 100),
            "Ga with four Cl (%)": words(s.tetrahedra, 100),
            "their tetrahedral order": words(s.order), "their angle (°)": words(s.angle),
            "Cl between two Ga (%)": words(s.bridging_chlorine, 100),
            "F between two Ga (%)": words(s.bridging_fluorine, 100),
        }  # fmt: skip
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Steady:
    """Slopes over the last half of a rest, per ps, with errors that count correlation.

    Attributes
    ----------
    density, energy, lengths:
        g/cm^3/ps, meV/atom/ps, and of the mean cell edge in angstrom/ps.
    """

    density: Estimate
    energy: Estimate
    lengths: Estimate

    @property
    def drifting(self) -> list[str]:
        """What has a slope that is not within two standard errors of zero."""
        slopes = zip(SLOPES, (self.density, self.energy, self.lengths), strict=True)
        return [words for words, e in slopes if not abs(e.value) <= 2 * e.error]

    @property
    def still(self) -> bool:
        """Whether each slope lies within two standard errors of zero."""
        return not self.drifting


def _slope(t: Floats, y: Floats) -> Estimate:
    x = t - t.mean()
    slope = float((x * (y - y.mean())).sum() / (x * x).sum())
    rest = y - y.mean() - slope * x
    variance = (rest**2).sum() / (len(t) - 2) / (x * x).sum()
    return Estimate(slope, float(np.sqrt(variance * inefficiency(rest))))


def steady(table: Thermo, *, natoms: int) -> Steady:
    """Return the slopes of density, potential energy and cell over the last half of a run."""
    half = slice(len(table) // 2, None)
    t = table["Time"][half]
    edges = (table["Lx"] + table["Ly"] + table["Lz"])[half] / 3
    return Steady(_slope(t, table["Density"][half]),
                  _slope(t, 1000 * table["PotEng"][half] / natoms), _slope(t, edges))  # fmt: skip


def still_words(slopes: Mapping[int, Steady]) -> str:
    """Return whether rests have come to an end, and what still drifts where they have not."""
    moving = Counter(words for one in slopes.values() for words in one.drifting)
    found = [
        f"{words} in {moving[words]} of {len(slopes)} glasses" for words in SLOPES if moving[words]
    ]
    if not found:
        return "It is, as far as one can tell: nothing drifts by more than two standard errors."
    return f"It is not. By more than two standard errors there drifts {', '.join(found)}."


def quenched_density() -> float:
    """Return the density (g/cm^3) of the cold long run of the potential's chapter."""
    table = potential_chapter.table("stability")
    return float(table.sort_values("target_K").density_g_per_cm3.iloc[0])


def rest_table(table: Thermo, *, natoms: int, half_width: float = 1.0) -> pd.DataFrame:
    """Return time (ps), density (g/cm^3) and potential energy (meV/atom less its last value).

    Both are running means over ``half_width`` on either side, in ps.
    """
    t = table["Time"] - table["Time"][0]
    energy = 1000 * (table["PotEng"] - table["PotEng"][-1]) / natoms
    return pd.DataFrame({
        "time_ps": t, "density": moving_mean(t, table["Density"], half_width=half_width),
        "energy": moving_mean(t, energy, half_width=half_width),
    })  # fmt: skip


def gallium_bonds(frame: Atoms) -> list[tuple[int, int, tuple[int, int, int]]]:
    """Return the bonds of gallium as ``(i, j, image)``, for a drawing."""
    found = mixing.bonds(frame)
    own = found.symbols[found.metal] == "Ga"
    return [
        (int(i), int(j), (int(s[0]), int(s[1]), int(s[2])))
        for i, j, s in zip(found.metal[own], found.anion[own], found.shift[own], strict=True)
    ]


def chloride_coordination(frames: Iterable[Atoms]) -> Estimate:
    """Return how many Cl surround a Ga that has Cl only, mean over seeds with its error.

    One frame a seed; a frame without such Ga is left out, and NaN if no frame has any.
    """
    means: list[float] = []
    for frame in frames:
        found = mixing.bonds(frame)
        chlorine, fluorine = found.number("Ga", "Cl"), found.number("Ga", "F")
        own = chlorine[(found.symbols == "Ga") & (chlorine > 0) & (fluorine == 0)]
        means += [float(own.mean())] if len(own) else []
    return chapter.over_seeds(means) if means else Estimate(float("nan"), float("nan"))


def turn() -> float:
    """Return the angle between the normals of neighbouring particles, degrees.

    Raises
    ------
    DataError
        If not all neighbours have the same.
    """
    unit = {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}
    normals = {site: np.array(unit[axis]) for site, axis in build.axes().items()}
    angles = {
        float(np.degrees(np.arccos(normals[a] @ normals[b])))
        for a, b in itertools.combinations(normals, 2)
        if sum(abs(i - j) for i, j in zip(a, b, strict=True)) == 1
    }
    if len(angles) != 1:
        raise DataError(f"neighbouring particles are turned by {sorted(angles)} degrees")
    return angles.pop()


def ensembles(preset: Preset) -> str:
    """Return the ensembles of a campaign's runs in words; single steps at rest do not count."""
    kinds = set()
    for one in preset.protocols.values():
        for leg in one.legs(seed=1):
            if leg.picoseconds > 0.01:
                kinds.add(leg.ensemble.split()[3].upper())
    return f"Nose-Hoover {' and '.join(sorted(kinds, reverse=True))}"
