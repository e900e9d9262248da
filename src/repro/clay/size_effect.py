r"""How much slower anions are exchanged in larger particles, and what that means for longer melts.

Exchange begins at the faces where the salts touch and works its way in.  Of the chlorine that had
no gallium neighbour when the melt began, the *progress* is the share that has one at time t,

.. math:: x(t) = \frac{s(t) - s(0)}{1 - s(0)},

with s the chlorine on gallium (:class:`repro.clay.mixing.Exchange`).  It takes off what the
interfaces of the particles hold from the start, which larger ones have less of.  If transport from
the faces decides, two sizes go through the same progress at times whose ratio is fixed: the ratio
of their lengths where the reaction at the face is slow, its square where diffusion is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.clay import chapter
from repro.clay.mixing import Exchange
from repro.errors import InputError
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]


def progress(found: Exchange) -> Floats:
    """Return the progress of exchange since the first frame, (T,); 0 at first.

    Raises
    ------
    InputError
        Where all chlorine is on gallium from the start.
    """
    start = found.chlorine_on_gallium[0]
    if not start < 1:
        raise InputError("all chlorine is on gallium in the first frame: expected some that is not")
    return np.asarray((found.chlorine_on_gallium - start) / (1 - start), dtype=float)


@dataclass(frozen=True)
class Delay:
    """A large assembly held against small ones.

    Attributes
    ----------
    time_ps:
        Last moment of the large melt that is compared.
    large, small:
        Chlorine on gallium then; of the small ones the mean over seeds.
    factor:
        ``time_ps`` over the time at which a small one had gone as far; mean over seeds.
    later_ps, later:
        A later time, and the chlorine on gallium of the large assembly then, if that factor
        stays: its own start, and the progress of the small ones at ``later_ps / factor``.
    """

    time_ps: float
    large: Estimate
    small: Estimate
    factor: Estimate
    later_ps: float
    later: Estimate

    def power(self, ratio: float) -> float:
        """Return the power of the ratio of lengths that the factor is: 1 or 2 in the extremes.

        Raises
        ------
        InputError
            For a ratio that is not above one.
        """
        if not ratio > 1:
            raise InputError(f"ratio of lengths {ratio}: expected more than 1")
        return float(np.log(self.factor.value) / np.log(ratio))


def delay(
    small: Mapping[int, Exchange], large: Exchange, *, until: float, later: float
) -> Delay:  # fmt: skip
    """Return by which factor a large assembly lags behind small ones.

    Errors are over the seeds of the small ones, and hold what so few atoms of the one large
    assembly leave open.

    Parameters
    ----------
    small:
        Seed to its exchange.
    large:
        Of one assembly.
    until:
        The large melt is read here, ps, on a straight line between its frames.
    later:
        For the later time, ps.

    Raises
    ------
    InputError
        If there is no small one, the large melt is shorter than ``until`` or has made no
        progress, or a small one never goes as far or is too short for the later time.
    """
    if not small:
        raise InputError("no small assembly: expected one or more")
    if not large.time_ps[0] < until <= large.time_ps[-1]:
        raise InputError(f"until {until} ps: the melt has {large.time_ps[0]:g} to "
                         f"{large.time_ps[-1]:g} ps")  # fmt: skip
    reached = float(np.interp(until, large.time_ps, progress(large)))
    share = float(np.interp(until, large.time_ps, large.chlorine_on_gallium))
    noise = float(np.interp(until, large.time_ps, large.errors["chlorine_on_gallium"]))
    if not reached > 0:
        raise InputError(f"the large assembly has gone back by {until} ps: expected progress")
    start = float(large.chlorine_on_gallium[0])
    step = noise / (1 - start)
    factors, slopes, laters, then = [], [], [], []
    for seed, one in small.items():
        own = progress(one)
        factor = until / when(own, one.time_ps, reached, seed)
        # Half the difference between a progress one error higher and one lower.
        spread = [until / when(own, one.time_ps, max(reached + sign * step, reached / 10), seed)
                  for sign in (-1, 1)]  # fmt: skip
        factors.append(factor)
        slopes.append(abs(spread[0] - spread[1]) / 2)
        if later / factor > one.time_ps[-1]:
            raise InputError(f"seed {seed}: {later:g} ps are its {later / factor:.3g}, and its melt "
                             f"ends at {one.time_ps[-1]:g}")  # fmt: skip
        laters.append([start + (1 - start) * float(np.interp(later / f, one.time_ps, own))
                       for f in (factor, *spread)])  # fmt: skip
        then.append(float(np.interp(until, one.time_ps, one.chlorine_on_gallium)))
    ends = np.array(laters)
    return Delay(
        time_ps=until, large=Estimate(share, noise), small=chapter.over_seeds(then),
        factor=_wider(factors, float(np.mean(slopes))), later_ps=later,
        later=_wider(ends[:, 0].tolist(), float(np.abs(ends[:, 1] - ends[:, 2]).mean()) / 2),
    )  # fmt: skip


def _wider(values: list[float], own: float) -> Estimate:
    """Return the mean over seeds, its error with that of the one large run added in squares."""
    over = chapter.over_seeds(values)
    seeds = over.error if np.isfinite(over.error) else 0.0
    return Estimate(over.value, float(np.hypot(seeds, own)), over.samples)


def when(own: Floats, time_ps: Floats, reached: float, seed: int) -> float:
    """Return the first time at which a curve of progress reaches a value, between its frames.

    Parameters
    ----------
    own, time_ps:
        Progress, 0 at first, and times, (T,).
    reached:
        The value; more than 0.
    seed:
        Of the run, for the message.

    Raises
    ------
    InputError
        If the curve stays below.
    """
    beyond = np.flatnonzero(own >= reached)
    if not len(beyond):
        raise InputError(f"seed {seed}: its progress ends at {own.max():.2f}, expected {reached:.2f} "
                         "or more")  # fmt: skip
    k = int(beyond[0])
    share = (reached - own[k - 1]) / (own[k] - own[k - 1])
    return float(time_ps[k - 1] + share * (time_ps[k] - time_ps[k - 1]))
