r"""What the chapter on EXAFS shows: curves, peaks, shares by two routes, disorder, choices.

Two routes to one number.  A linear combination of the crystals' :math:`k^3\chi(k)` gives the
GaCl3-like share :math:`s`.  The simulation knows the neighbours: with :math:`n` F and :math:`m`
Cl around a gallium on average, and :math:`n_0` and :math:`m_0` in the crystals, amplitudes of
shells in proportion to their numbers would give

.. math:: s_\mathrm{count} = \frac{m/m_0}{m/m_0 + n/n_0}.

Errors of what is read off a mean are from a jackknife over blocks of consecutive sites; where
several means go in, each is left out in turn and the variances add up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms
from numpy.typing import NDArray

from repro import data
from repro.clay import trajectory
from repro.errors import DataError, InputError
from repro.exafs import combination, neighbours, site_spectra, structures, transforms
from repro.exafs.combination import Combination
from repro.exafs.ensemble import Ensemble, Radial
from repro.exafs.feff_chi import broadened, scaled, shifted
from repro.exafs.pipeline import Settings
from repro.exafs.shell_fit import Standard
from repro.exafs.site_spectra import SiteSpectra
from repro.exafs.transforms import Transformed
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
FOLDER = "exafs"
REFERENCES = ("GaF3", "GaCl3")
STANDARDS, FOIL = "standards.csv.gz", "foil.csv"
LABELS = {"2-1-before": "2:1 before mixing", "2-1-after": "2:1 after", "3-1-before": "3:1 before mixing",
          "3-1-after": "3:1 after", "2-1-melt-early": "2:1 melt, early",
          "2-1-melt-late": "2:1 melt, late", "2-1-rest-early": "2:1 rest, early"}  # fmt: skip


@dataclass(frozen=True)
class Choices:
    """What stands between FEFF and a measured curve.

    Attributes
    ----------
    s02, e0, sigma2:
        Amplitude, shift of the energy zero (eV), extra width of all distances (angstrom^2).
    resolution_ev:
        Full width of the monochromator's Gaussian, eV; a Si(111) crystal has 1.4 eV at the Ga K
        edge (its intrinsic 1.3e-4 of the energy).
    """

    s02: float = 0.9
    e0: float = 0.0
    sigma2: float = 0.0
    resolution_ev: float = 1.4

    def __call__(self, k: Floats, chi: Floats) -> tuple[Floats, Floats]:
        """Return k and chi with all of it."""
        wide = broadened(k, chi, sigma2=self.sigma2, gaussian_ev=self.resolution_ev)
        return shifted(k, scaled(wide, self.s02), self.e0)


def label(name: str) -> str:
    """Return a set in words for legends."""
    return LABELS.get(name, name)


def shipped() -> list[str]:
    """Return the sets whose spectra are shipped, in the order of :data:`structures.SETS`."""
    there = data.listing(FOLDER)
    return [name for name in structures.SETS if f"{name}.csv.gz" in there]


def spectra(name: str, *, cross: str = "") -> SiteSpectra:
    """Return the shipped spectra of a set, or those of a cross-check by ``feff8l`` or ``feff6l``.

    Raises
    ------
    DataError
        If they are not shipped.
    """
    file, part = (
        (f"{name}.cross-{cross}", f"cross --names {name}") if cross else (name, f"spectra {name}")
    )
    try:
        found = data.path(f"{FOLDER}/{file}.csv.gz")
    except DataError as error:
        raise DataError(f"{error}; make it with 'python -m repro.exafs.exafs_cli {part} --work W'"
                        ) from None  # fmt: skip
    return site_spectra.read(found)


def speed_up() -> float:
    """Return how much faster two FEFF at a time were than one, as measured and shipped."""
    table = pd.read_csv(data.path(f"{FOLDER}/speed.csv")).set_index("cores")
    return float(table.speed_up[2])


def frames(name: str) -> Iterator[Atoms]:
    """Yield the shipped snapshots of a set, with ``frame_id`` and ``time_ps``."""
    return trajectory.read(data.path(f"{FOLDER}/{name}.extxyz.gz"))


def assembly(frame: str) -> str:
    """Return the assembly in a frame's name, ``frame 0 (seed 1, rest, 48 ps)``: ``seed 1``.

    Raises
    ------
    InputError
        For a name without a seed.
    """
    found = re.search(r"seed \d+", frame)
    if found is None:
        raise InputError(f"frame {frame!r}: no seed in its name; expected such as 'seed 1, rest'")
    return found[0]


def seeds(found: SiteSpectra) -> list[int]:
    """Return the seeds of the runs that sites come from, by the names of their frames."""
    return sorted({int(assembly(frame).split()[1]) for frame in found.about.frame})


def listed(numbers: Sequence[int]) -> str:
    """Return numbers in words, such as ``1, 2 and 3``."""
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last


def frame_of(name: str, row: Any) -> Atoms:
    """Return the snapshot that a row of a set's ``about`` comes from.

    Parameters
    ----------
    name:
        Of the set.
    row:
        With ``frame``, as :func:`repro.exafs.feff_sites.sites` names it.

    Raises
    ------
    DataError
        If the set has no such snapshot.
    """
    number = int(re.match(r"frame (\d+)", str(row.frame))[1])  # type: ignore[index]
    for at, found in enumerate(frames(name)):
        if at == number:
            return found
    raise DataError(f"{FOLDER}/{name}.extxyz.gz: no frame {number}; expected that of {row.frame}")


def curve(
    found: Ensemble, *, settings: Settings | None = None, choices: Choices | None = None
) -> Radial:
    """Return |chi(R)| of a mean as the pipeline's settings and some choices have it.

    It is the magnitude of the mean's transform, not a mean of magnitudes.

    Raises
    ------
    InputError
        For a window that k does not fill.
    """
    s, change = settings or Settings(), choices or Choices()

    def seen(chi: Floats) -> Transformed:
        return s.transform(*change(found.k, chi), source="mean of sites")

    mean = seen(found.mean)
    return Radial(mean.r, mean.magnitude, found.error_of(lambda chi: seen(chi).magnitude))


def jackknife(function: Callable[..., float], *means: Ensemble) -> Estimate:
    """Return a number made of means, with its error over their blocks.

    Parameters
    ----------
    function:
        Takes as many (K,) arrays of chi as there are means.
    means:
        Each with its blocks; one with fewer than two adds no error, and if none has two the
        error is NaN.
    """
    whole = [one.mean for one in means]

    def of(at: int) -> Callable[[Floats], float]:
        return lambda chi: function(*whole[:at], chi, *whole[at + 1 :])

    errors = [one.error_of(of(at)) for at, one in enumerate(means) if len(one.counts) > 1]
    error = float(np.linalg.norm(errors)) if errors else float("nan")
    return Estimate(float(function(*whole)), error)


@dataclass(frozen=True)
class Read:
    """What is read off a curve.

    Attributes
    ----------
    position, height:
        Of the highest peak of the first shell: angstrom, not corrected for phase, and
        angstrom^-4.
    far:
        Largest magnitude from 2.8 angstrom on, over that height.
    """

    position: Estimate
    height: Estimate
    far: Estimate


def read_off(
    found: Ensemble, *, settings: Settings | None = None, choices: Choices | None = None
) -> Read:
    """Return peak and far magnitude of a mean, with errors over its blocks.

    Where nothing but noise is far, the largest magnitude there jumps from one place to another
    and its error is an upper bound.
    """
    s, change = settings or Settings(), choices or Choices()

    def numbers(chi: Floats) -> tuple[float, float, float]:
        seen = s.transform(*change(found.k, chi), source="mean of sites")
        position, height = transforms.top(seen.r, seen.magnitude, within=s.first_shell)
        return position, height, float(seen.magnitude[seen.r >= s.far].max()) / height

    error = found.error_of(numbers)
    return Read(*(Estimate(v, float(e)) for v, e in zip(numbers(found.mean), error, strict=True)))


@dataclass(frozen=True)
class Share:
    """The GaCl3-like share of a clay by a linear combination.

    Attributes
    ----------
    value:
        With its error: from sites (jackknife over clay and crystals) and misfit together.
    sampling:
        Error from the sites alone.
    fit:
        Of the means; data and fit are k^3 chi(k).
    """

    value: Estimate
    sampling: float
    fit: Combination


def share(clay: Ensemble, salt: Ensemble, molecular: Ensemble, *, settings: Settings | None = None,
          choices: Choices | None = None, total_free: bool = False) -> Share:  # fmt: skip
    """Return the share of ``molecular`` in a fit of ``clay`` by it and ``salt``.

    Parameters
    ----------
    clay, salt, molecular:
        Means on one grid of k.
    settings:
        Range and weight of k.
    choices:
        As for :func:`curve`; all three alike.
    total_free:
        Whether both shares may add up to another total than 1.

    Raises
    ------
    InputError
        For means of other k, or a range that they do not have.
    """
    s, change = settings or Settings(), choices or Choices()
    if len({len(m.k) for m in (clay, salt, molecular)}) > 1:
        raise InputError("means of different k: expected one grid for all three")
    k = change(clay.k, clay.mean)[0]
    if not s.k_min < s.k_max <= k[-1] + 1e-9:
        raise InputError(
            f"k from {s.k_min:g} to {s.k_max:g}: expected ascending, up to {k[-1]:.2f}"
        )
    used = (k >= s.k_min - 1e-9) & (k <= s.k_max + 1e-9)

    def weighted(chi: Floats) -> Floats:
        return np.asarray((k**s.k_weight * change(clay.k, chi)[1])[used])

    fit = combination.combine(k[used], weighted(clay.mean), weighted(molecular.mean),
                              weighted(salt.mean), total_free=total_free, space="chi(k)")  # fmt: skip
    # Changes are linear in chi, so that they are made once for each mean and block.
    ready = [replace(m, mean=weighted(m.mean), blocks=np.array([weighted(b) for b in m.blocks]))
             for m in (clay, molecular, salt)]  # fmt: skip
    sampled = jackknife(partial(combination.solve, total_free=total_free), *ready)
    return Share(Estimate(fit.share, float(np.hypot(fit.error, sampled.error))), sampled.error, fit)


def coherence(found: SiteSpectra, *, r_range: tuple[float, float], settings: Settings | None = None,
              choices: Choices | None = None) -> float:  # fmt: skip
    r"""Return how much of the single sites' signal the mean keeps within a range of R.

    :math:`\sqrt{\int|\langle\chi\rangle|^2 \big/ \int\langle|\chi|^2\rangle}`: 1 if all sites are
    alike, :math:`1/\sqrt{n}` if they have nothing in common.
    """
    s, change = settings or Settings(), choices or Choices()
    total, power, n = np.zeros(0, dtype=complex), 0.0, len(found.chi)
    for chi in found.chi:
        seen = s.transform(*change(found.k, chi), source="site")
        inside = (seen.r >= r_range[0]) & (seen.r <= r_range[1])
        total = seen.chi_r[inside] if not len(total) else total + seen.chi_r[inside]
        power += float((np.abs(seen.chi_r[inside]) ** 2).sum())
    return float(np.sqrt((np.abs(total / n) ** 2).sum() / (power / n)))


def means(names: Sequence[str], *, blocks: int = 20) -> dict[str, Ensemble]:
    """Return the mean of each set, in blocks of consecutive sites."""
    return {name: site_spectra.mean(spectra(name), blocks=blocks) for name in names}


def bonds_table(names: Sequence[str]) -> pd.DataFrame:
    """Return lengths of gallium's bonds in the snapshots of sets (:func:`neighbours.bond_row`)."""
    return pd.DataFrame({name: neighbours.bond_row(frames(name)) for name in names}).T


def count(name: str) -> neighbours.Count:
    """Return the neighbours of gallium in the snapshots of a set; crystals are the measure."""
    salt = neighbours.count(frames(REFERENCES[0])).fluorine.value
    molecular = neighbours.count(frames(REFERENCES[1])).chlorine.value
    return neighbours.count(frames(name), salt=salt, molecular=molecular)


def standards() -> dict[str, Standard]:
    """Return the shipped standards of Ga-F and Ga-Cl (:mod:`repro.exafs.shell_fit`)."""
    table = pd.read_csv(data.path(f"{FOLDER}/{STANDARDS}"))
    return {
        str(pair): Standard(str(pair), float(own.distance_A.iloc[0]), float(own.number.iloc[0]),
                            own.k.to_numpy(), own.chi.to_numpy())
        for pair, own in table.groupby("pair", sort=False)
    }  # fmt: skip


def against(first: SiteSpectra, second: SiteSpectra, *, k_range: tuple[float, float] = (3.0, 12.0),
            most_ev: float = 15.0) -> dict[str, Any]:  # fmt: skip
    """Return how two programs differ on the same sites, as they are and after one shift.

    Parameters
    ----------
    first, second:
        Of one set; the sites of the second are among those of the first.
    k_range, most_ev:
        1/angstrom; largest shift tried, eV.

    Returns
    -------
    dict
        ``sites``; ``plain`` and ``after``: root mean square difference of k^3 chi over that of the
        first, as it is and with the second shifted by ``shift_eV`` and scaled by ``scale``.

    Raises
    ------
    InputError
        If the second has a site that the first has not.
    """
    keys = [list(zip(one.about.frame, one.about.atom, strict=True)) for one in (first, second)]
    places = {key: number for number, key in enumerate(keys[0])}
    missing = [key for key in keys[1] if key not in places]
    if missing:
        raise InputError(
            f"site {missing[0]}: not among those of the first; expected the same sites"
        )
    where = [places[key] for key in keys[1]]
    k, a, b = first.k, first.chi[where].mean(axis=0), second.chi.mean(axis=0)
    used = (k >= k_range[0]) & (k <= k_range[1])
    size = float(np.linalg.norm((k**3 * a)[used]))

    def off(e0: float) -> tuple[float, float]:
        moved_k, moved = shifted(k, b, e0)
        y = np.interp(k, moved_k, moved)
        weighted, wanted = (k**3 * y)[used], (k**3 * a)[used]
        scale = float(weighted @ wanted / (weighted @ weighted))
        return float(np.linalg.norm(scale * weighted - wanted)) / size, scale

    tried = np.arange(-most_ev, most_ev + 1e-9, 0.25)
    best = min(tried, key=lambda e0: off(float(e0))[0])
    plain = float(np.linalg.norm((k**3 * (b - a))[used])) / size
    return {"sites": len(where), "plain": plain, "after": off(float(best))[0], "shift_eV": float(best),
            "scale": off(float(best))[1]}  # fmt: skip
