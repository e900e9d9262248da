"""Single bad points of a scan: named by the reader, or found.

A glitch is where the monochromator reflects twice, and I0 and It do not cancel.  The paper says
nothing of it, so nothing is taken out unless asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import percentile_filter

from repro.errors import InputError

Floats = NDArray[np.float64]
SPAN = 7  # points, the one in question among them


@dataclass(frozen=True)
class Deglitched:
    """A spectrum without glitches; energies as they were given.

    Attributes
    ----------
    energy, mu:
        (N,), what is left.
    removed, removed_mu:
        (M,), what was taken out.
    """

    energy: Floats
    mu: Floats
    removed: Floats
    removed_mu: Floats


def _leave_one_out(x: Floats, y: Floats) -> Floats:
    """Return each point less the cubic through its six neighbours, over its noise if all are alike.

    At the ends the six nearest points lie on one side.
    """
    n = len(x)
    first = np.clip(np.arange(n) - SPAN // 2, 0, n - SPAN)
    near = first[:, None] + np.arange(SPAN)
    u = x[near] - x[:, None]
    u = u / np.abs(u).max(axis=1, keepdims=True)
    powers = u[:, :, None] ** np.arange(4)
    powers[near == np.arange(n)[:, None]] = 0.0
    # The value of the cubic at the point itself, where u is 0, is its first coefficient.
    weights = np.linalg.pinv(powers)[:, 0, :]
    off: Floats = y - (weights * y[near]).sum(axis=1)
    return off / np.sqrt(1 + (weights**2).sum(axis=1))


def deglitch(
    energy: Floats,
    mu: Floats,
    *,
    points: Sequence[float] = (),
    find: bool = False,
    threshold: float = 8.0,
    keep: tuple[float, float] | None = None,
    tolerance: float = 1.0,
) -> Deglitched:
    """Take out bad points: those named by their energy, and those found.

    A point is found bad where it lies off the cubic through its six neighbours by more than
    ``threshold`` times what is usual within twenty points, the worst first.  Bad points side by
    side may pass for a step of the curve, and a good one be taken in their place: look at what
    was taken out, and name such points.

    Parameters
    ----------
    energy, mu:
        (N,), eV, ascending.
    points:
        Energies of bad points, eV; the nearest point to each is taken out.
    find:
        Also search for bad points.
    threshold:
        In robust standard deviations.
    keep:
        Range in eV where nothing is searched, such as the edge, which is steep itself.
    tolerance:
        A named point may be this far from the energy given, eV.

    Raises
    ------
    InputError
        Where no point is near a named one, or more than one in twenty would go.
    """
    x, y = np.asarray(energy, dtype=float), np.asarray(mu, dtype=float)
    bad: set[int] = set()
    for point in points:
        at = int(np.argmin(np.abs(x - point)))
        if abs(x[at] - point) > tolerance:
            raise InputError(f"glitch at {point:g} eV: the nearest point is {x[at]:.2f}; expected "
                             f"one within {tolerance:g} eV")  # fmt: skip
        bad.add(at)
    most = len(x) // 20
    while find and len(bad) <= most:
        left = np.array([k for k in range(len(x)) if k not in bad])
        off = np.abs(_leave_one_out(x[left], y[left]))
        # A glitch puts seven points off, so a few of them close together are most of a window:
        # its lower quarter still tells the noise. At the ends the last whole window serves.
        usual = percentile_filter(off, 25, size=41) / 0.3186
        usual[:20], usual[-20:] = usual[20], usual[-21]
        ratio = off / np.maximum(usual, np.median(usual) + 1e-12 * np.ptp(y))
        if keep is not None:
            ratio[(x[left] >= keep[0]) & (x[left] <= keep[1])] = 0.0
        worst = int(np.argmax(ratio))
        if ratio[worst] <= threshold:
            break
        bad.add(int(left[worst]))
    if len(bad) > most:
        raise InputError(f"{len(bad)} of {len(x)} points would be taken out as glitches; expected "
                         f"at most {most} (name the bad ones instead of searching for them)")  # fmt: skip
    gone = np.zeros(len(x), dtype=bool)
    gone[sorted(bad)] = True
    return Deglitched(x[~gone], y[~gone], x[gone], y[gone])
