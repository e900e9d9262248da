r"""What all charges carry together: conductivity without a Haven ratio put in, and that ratio.

Ions that push each other do not move independently, and their self-diffusion says nothing of
it.  What the electrode sees is the displacement of all charges,

.. math:: \mathbf{P}(t) = \sum_i q_i \left[\mathbf{r}_i(t) - \mathbf{r}_i(0)\right] ,
   \qquad \sigma = \frac{1}{6 V k T} \lim_{t \to \infty} \frac{\mathrm{d}}{\mathrm{d}t}
   \left\langle \left|\mathbf{P}(t_0 + t) - \mathbf{P}(t_0)\right|^2 \right\rangle ,

of unwrapped paths; in a neutral cell the origin drops out.  The charges are the formal ones.
For a liquid that conducts no electrons these integers give the same conductivity as the true,
changing polarisation (Grasselli and Baroni, Nature Physics 15, 967 (2019)).

The ratio of this conductivity to that of lithium alone, by Nernst and Einstein from its own
displacements over the same lags, is the inverse of the Haven ratio as
:func:`repro.clay.diffusion.conductivity` means it.

A run has one :math:`\mathbf{P}` and hundreds of lithium, so the error is almost all of the
former.  It is found by replay: random walks with the fitted slope, to which white noise of the
fitted intercept is added for what rattles, are analysed as the run was, and their scatter is
the error.  It grows with the fitted slope, so runs must not be weighted by it: those that came
out low by chance would count for more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy import constants

from repro.clay import chapter, paths
from repro.errors import InputError
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
CHARGES: Mapping[str, int] = MappingProxyType({"Li": 1, "Ga": 3, "F": -1, "Cl": -1})
FIT_PS = (2.0, 8.0)
REPLAYS = 400
FEWEST_LAGS, LONGEST = 3, 0.5


@dataclass(frozen=True)
class Transport:
    """Conductivity of one run by all its charges, and by its lithium alone.

    Attributes
    ----------
    temperature, seed:
        Of the run, K.
    lag_ps, together, alone:
        (L,) lags up to half of the run, the mean squared displacement of the total charge and
        the sum of the mean squared displacements of single lithium, e^2 angstrom^2.
    conductivity:
        Of all charges, mS/cm; error by replay.
    independent:
        Of lithium, were its ions independent, over the same lags, mS/cm.
    fit_ps:
        First and last lag of the fit.
    """

    temperature: float
    seed: int
    lag_ps: Floats
    together: Floats
    alone: Floats
    conductivity: Estimate
    independent: float
    fit_ps: tuple[float, float]

    @property
    def ratio(self) -> Estimate:
        """Conductivity of all charges over that of independent lithium: 1 over the Haven ratio."""
        return chapter.times(self.conductivity, 1 / self.independent)


def displaced(frames: Iterable[Atoms], *, dt_ps: float,
              charges: Mapping[str, float] = CHARGES) -> Floats:  # fmt: skip
    """Return the displacement of all charges since the first frame, (T, 3), e angstrom.

    Parameters
    ----------
    frames:
        As for :func:`repro.clay.paths.track`.
    dt_ps:
        Between frames, ps.
    charges:
        Element to charge in e.

    Raises
    ------
    InputError
        As that function, for an element without a charge, or a cell that is not neutral.
    """
    carried: Floats | None = None
    rows = []
    for first, moved in paths.unwrapped(frames, dt_ps=dt_ps):
        if carried is None:
            unknown = sorted(set(first.get_chemical_symbols()) - set(charges))
            if unknown:
                raise InputError(f"{', '.join(unknown)} in {first.symbols}: expected a charge for "
                                 f"each element, there are {', '.join(charges)}")  # fmt: skip
            carried = np.array([charges[s] for s in first.get_chemical_symbols()], dtype=float)
            if abs(carried.sum()) > 1e-9 * len(carried):
                raise InputError(f"{first.symbols} has a charge of {carried.sum():g} e: expected a "
                                 "neutral cell")  # fmt: skip
        rows.append(carried @ moved)
    if not rows:
        raise InputError("no frames: expected a trajectory")
    return np.array(rows)


def _slopes(walks: Floats, lags: NDArray[np.int64], dt_ps: float) -> tuple[Floats, Floats]:
    """Return slope and intercept of the squared displacement of each of (T, R, 3) walks."""
    each = np.array([((walks[m:] - walks[:-m]) ** 2).sum(axis=2).mean(axis=0) for m in lags])
    slope, intercept = np.polyfit(lags * dt_ps, each, 1)
    return slope, intercept


def replayed(slope: float, intercept: float, *, frames: int, dt_ps: float, lags: NDArray[np.int64],
             replays: int = REPLAYS, seed: int = 1) -> Floats:  # fmt: skip
    """Return the slopes that random walks of a known slope would have shown, (R,).

    Parameters
    ----------
    slope, intercept:
        Of the squared displacement against lag; a negative intercept is taken as none.
    frames, dt_ps, lags:
        Length of each walk in frames, their distance, and the lags in frames that are fitted.
    replays, seed:
        How many, and from which random numbers.

    Raises
    ------
    InputError
        For a slope that is not positive.
    """
    if not slope > 0:
        raise InputError(f"a slope of {slope:g}: expected above 0, charge that spreads")
    rng = np.random.default_rng(seed)
    shape = (frames, replays, 3)
    walks = np.cumsum(rng.normal(0.0, np.sqrt(slope * dt_ps / 3), shape), axis=0)
    walks += rng.normal(0.0, np.sqrt(max(intercept, 0.0) / 6), shape)
    return _slopes(walks, lags, dt_ps)[0]


def transport(
    together: Floats, lithium: NDArray[np.float32], *, dt_ps: float, volume: float,
    temperature: float, run: int = 1, fit_ps: tuple[float, float] = FIT_PS, seed: int = 1,
) -> Transport:  # fmt: skip
    """Return the conductivity of a run by all its charges and by its lithium alone.

    Parameters
    ----------
    together:
        (T, 3) from :func:`displaced`.
    lithium:
        (T, N, 3) paths of lithium from :func:`repro.clay.paths.track`, same frames.
    dt_ps, volume, temperature, run:
        Between frames, of the cell (angstrom^3), K, and the seed of the run.
    fit_ps:
        Lags that are fitted by a straight line.
    seed:
        Of the replays.

    Raises
    ------
    InputError
        For paths of different lengths, a fit of fewer than three lags or beyond half of the
        run, or charge that does not spread.
    """
    if together.ndim != 2 or together.shape != (len(lithium), 3):
        raise InputError(f"charge of shape {together.shape} beside {len(lithium)} frames of "
                         f"lithium: expected ({len(lithium)}, 3)")  # fmt: skip
    start, stop = round(fit_ps[0] / dt_ps), round(fit_ps[1] / dt_ps)
    half = int(LONGEST * (len(together) - 1))
    if not (start > 0 and stop - start + 1 >= FEWEST_LAGS and stop <= half):
        raise InputError(f"fit from {fit_ps[0]:g} to {fit_ps[1]:g} ps of {len(together)} frames "
                         f"{dt_ps:g} ps apart: expected {FEWEST_LAGS} lags or more, up to "
                         f"{half * dt_ps:g} ps")  # fmt: skip
    lags = np.arange(start, stop + 1)
    slope, intercept = (float(one[0]) for one in _slopes(together[:, None], lags, dt_ps))
    lag, all_charges = paths.mean_squared_displacement(together[:, None], dt_ps=dt_ps)
    _, each = paths.mean_squared_displacement(lithium, dt_ps=dt_ps)
    single = lithium.shape[1] * each
    unit = conducts_per_slope(volume=volume, temperature=temperature)
    scatter = replayed(slope, intercept, frames=len(together), dt_ps=dt_ps, lags=lags, seed=seed)
    own = float(np.polyfit(lag[lags], single[lags], 1)[0])
    if not own > 0:
        raise InputError(f"the squared displacement of lithium has a slope of {own:g}: expected "
                         "above 0")  # fmt: skip
    return Transport(
        temperature, run, lag[: half + 1], all_charges[: half + 1], single[: half + 1],
        Estimate(unit * slope, unit * float(scatter.std(ddof=1))), unit * own,
        (start * dt_ps, stop * dt_ps),
    )  # fmt: skip


def conducts_per_slope(*, volume: float, temperature: float) -> float:
    """Return mS/cm per e^2 angstrom^2/ps of squared displacement of charge: 1 / (6 V k T).

    Raises
    ------
    InputError
        For a volume (angstrom^3) or temperature (K) that is not positive.
    """
    if not (volume > 0 and temperature > 0):
        raise InputError(f"{volume:g} cubic angstrom at {temperature:g} K: expected both above 0")
    # e^2 A^2/ps = e^2 1e-20/1e-12 C^2 m^2/s; A^3 = 1e-30 m^3; S/m = 10 mS/cm.
    per_metre = constants.e**2 * 1e-8 / (6 * volume * 1e-30 * constants.k * temperature)
    return float(10 * per_metre)


def pooled(found: Sequence[Transport]) -> Estimate | None:
    """Return the mean of the ratio over runs, its error their scatter; None without runs.

    All count alike; see the module's text.
    """
    return chapter.over_seeds([one.ratio.value for one in found]) if found else None
