r"""Where an absorption edge is, how high it jumps, and which edge it may be.

The edge energy is the maximum of the derivative of mu(E).  A polynomial of fifth degree is
fitted to the points around it, and the zero of its second derivative taken, so that the
energy is not bound to a grid point.  Its error has three parts: the noise of the points,

.. math:: \sigma_E = \sqrt{g^T C g} / |\mu'''(E_0)|,

with :math:`C` the covariance of the coefficients and :math:`g` the gradient of
:math:`\mu''(E_0)` by them; what a window half as wide again changes; and what points a step
apart can resolve, the step over :math:`\sqrt{12}`.

The photoelectron's wave number is :math:`k = \sqrt{2 m (E - E_0)} / \hbar`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import constants

from repro.errors import InputError, did_you_mean

Floats = NDArray[np.float64]
EV_A2 = 1e20 * constants.hbar**2 / (2 * constants.m_e * constants.e)  # of (E - E0) / k^2
BOX = 15  # eV on either side, of the step that looks for an edge
FEWEST = 9  # points of the fit at an edge
LEVELS = ("K", "L1", "L2", "L3", "M1", "M2", "M3", "M4", "M5")


@dataclass(frozen=True)
class Jump:
    """The largest step of a spectrum.

    Attributes
    ----------
    energy:
        eV, good to some eV.
    height:
        Change of mu across it, negative where mu falls.
    noise:
        Standard deviation of one point of mu.
    clear:
        Whether it stands out from noise and from the other steps of the curve.
    other_energy, other_height:
        The largest other step, 100 to 800 eV away; NaN and 0 where the scan has none.
    """

    energy: float
    height: float
    noise: float
    clear: bool
    other_energy: float = float("nan")
    other_height: float = 0.0


@dataclass(frozen=True)
class EdgePosition:
    """An edge energy.

    Attributes
    ----------
    energy, error:
        eV, with one standard error.
    slope:
        Derivative there, mu per eV.
    points:
        Number of points in the fit.
    """

    energy: float
    error: float
    slope: float
    points: int


def wave_number(energy: ArrayLike) -> Floats:
    """Return k in 1/angstrom of energies in eV above the edge; 0 below it."""
    above = np.maximum(np.asarray(energy, dtype=float), 0.0)
    result: Floats = np.sqrt(above / EV_A2)
    return result


def kinetic_energy(k: ArrayLike) -> Floats:
    """Return eV above the edge of wave numbers in 1/angstrom."""
    result: Floats = np.asarray(EV_A2 * np.asarray(k, dtype=float) ** 2)
    return result


def tabulated(edge: str) -> float:
    """Return the energy in eV that xraydb lists for an edge such as ``"Ga K"``.

    Raises
    ------
    InputError
        For another form, an unknown element, or an edge that it does not have.
    """
    xraydb: Any = importlib.import_module("xraydb")
    parts = edge.split()
    if len(parts) != 2 or parts[1] not in LEVELS:
        raise InputError(f"edge {edge!r}: expected element and level, such as 'Ga K' or 'Re L3'")
    try:
        number = xraydb.atomic_number(parts[0])
    except ValueError as error:
        known = [xraydb.atomic_symbol(z) for z in range(1, 99)]
        raise InputError(f"edge {edge!r}: no element {parts[0]!r}{did_you_mean(parts[0], known)}"
                         ) from error  # fmt: skip
    levels = xraydb.xray_edges(number)
    if parts[1] not in levels:
        raise InputError(f"edge {edge!r}: xraydb has {', '.join(levels)} for {parts[0]}")
    return float(levels[parts[1]].energy)


def nearest(energy: float) -> str:
    """Return the nearest K or L edge in words, such as ``"Re L3, 10535 eV"``."""
    xraydb: Any = importlib.import_module("xraydb")
    element, level = xraydb.guess_edge(energy, edges=["K", "L3", "L2", "L1"])
    return f"{element} {level}, {xraydb.xray_edge(element, level).energy:.0f} eV"


def scatter(energy: Floats, mu: Floats) -> float:
    """Return the standard deviation of one point, from each point against its neighbours."""
    a = (energy[2:] - energy[1:-1]) / (energy[2:] - energy[:-2])
    rest = mu[1:-1] - a * mu[:-2] - (1 - a) * mu[2:]
    rest = rest / np.sqrt(1 + a**2 + (1 - a) ** 2)
    return float(1.4826 * np.median(np.abs(rest)))


def jump(energy: ArrayLike, mu: ArrayLike) -> Jump:
    """Return the largest step of a spectrum.

    Each energy is given the mean of mu over 15 eV above less that over 15 eV below, so a
    glitch of one point is no edge.  The median is taken off, so a sloping line has none.

    Parameters
    ----------
    energy, mu:
        (N,), eV, ascending.

    Raises
    ------
    InputError
        For a range of less than 60 eV.
    """
    x, y = np.asarray(energy, dtype=float), np.asarray(mu, dtype=float)
    if x[-1] - x[0] < 4 * BOX:
        raise InputError(f"{x[0]:g} to {x[-1]:g} eV: expected {4 * BOX} eV or more to find an edge")
    grid = np.arange(x[0], x[-1], 1.0)
    total = np.concatenate([[0.0], np.cumsum(np.interp(grid, x, y))])
    k = np.arange(BOX, len(grid) - BOX + 1)
    steps = (total[k + BOX] - 2 * total[k] + total[k - BOX]) / BOX
    steps = steps - np.median(steps)
    best = int(np.argmax(np.abs(steps)))
    height, noise = float(steps[best]), scatter(x, y)
    others = float(np.percentile(np.abs(steps), 75))
    clear = abs(height) > max(4 * others, 5 * noise, 1e-6 * float(np.ptp(y)))
    place = grid[k] - 0.5
    distance = np.abs(place - place[best])
    away = np.flatnonzero((distance > 100) & (distance < 800))
    other = int(away[np.argmax(np.abs(steps[away]))]) if len(away) else None
    return Jump(float(place[best]), height, noise, clear,
                float("nan") if other is None else float(place[other]),
                0.0 if other is None else float(steps[other]))  # fmt: skip


def _slope(x: Floats, y: Floats, at: int, half_width: float) -> float:
    low = min(int(np.searchsorted(x, x[at] - half_width)), at - 1)
    high = max(int(np.searchsorted(x, x[at] + half_width, side="right")), at + 2)
    u, v = x[max(low, 0) : high], y[max(low, 0) : high]
    u = u - u.mean()
    return float((u * v).sum() / (u * u).sum())


def derivative(energy: ArrayLike, mu: ArrayLike, *, half_width: float = 1.0) -> Floats:
    """Return d mu / dE at each energy: the slope of a line through the points around it.

    Parameters
    ----------
    energy, mu:
        (N,), eV, ascending.
    half_width:
        eV; where fewer than three points are within it, the nearest three are taken.
    """
    x, y = np.asarray(energy, dtype=float), np.asarray(mu, dtype=float)
    return np.array([_slope(x, y, at, half_width) for at in range(len(x))])


def _width(x: Floats, centre: float, half_width: float) -> float:
    """Return the half width, widened until it holds enough points."""
    return max(half_width, float(np.partition(np.abs(x - centre), FEWEST - 1)[FEWEST - 1]))


def _inflection(x: Floats, y: Floats, start: float, half_width: float) -> EdgePosition | None:
    """Return where a quintic around ``start`` is steepest, or None where it is nowhere."""
    centre, found = start, None
    for _ in range(6):
        away, width = np.abs(x - centre), _width(x, centre, half_width)
        # A hair wider, so that rounding does not decide about a point on the rim.
        taken = away <= width * (1 + 1e-9)
        u, v = (x[taken] - centre) / width, y[taken]
        powers = np.vander(u, 6, increasing=True)
        p, *_ = np.linalg.lstsq(powers, v, rcond=None)
        curve = np.polynomial.Polynomial(p)
        slope, second, third = (curve.deriv(n) for n in (1, 2, 3))
        at = second.roots()
        at = at[np.abs(at.imag) < 1e-9].real
        at = at[(np.abs(at) < 0.8) & (third(at) < 0)]
        if not len(at):
            return None
        best = float(at[np.argmax(slope(at))])
        variance = float(((v - curve(u)) ** 2).sum()) / max(len(u) - 6, 1)
        g = np.array([0.0, 0.0, 2.0, 6 * best, 12 * best**2, 20 * best**3])
        spread = variance * float(g @ np.linalg.pinv(powers.T @ powers) @ g)
        found = EdgePosition(centre + width * best, width * np.sqrt(spread) / abs(third(best)),
                             float(slope(best)) / width, len(u))  # fmt: skip
        if abs(found.energy - centre) < 1e-4:
            break
        centre = found.energy
    return found


def position(
    energy: ArrayLike,
    mu: ArrayLike,
    *,
    near: float,
    within: float = 25.0,
    half_width: float = 2.5,
    source: str = "spectrum",
) -> EdgePosition:
    """Return the energy where mu(E) is steepest (module docstring).

    Parameters
    ----------
    energy, mu:
        (N,), eV, ascending.
    near, within:
        The edge is looked for at most ``within`` eV from ``near``.
    half_width:
        Of the fitted range, eV; it is widened until it holds nine points.
    source:
        For messages.

    Raises
    ------
    InputError
        Where too few points are there, or the derivative has no maximum.
    """
    x, y = np.asarray(energy, dtype=float), np.asarray(mu, dtype=float)
    inside = np.flatnonzero(np.abs(x - near) <= within)
    inside = inside[(inside > 0) & (inside < len(x) - 1)]
    if len(inside) < FEWEST:
        raise InputError(f"{source}: {len(inside)} points within {within:g} eV of {near:g} eV; "
                         f"expected {FEWEST} or more to find the edge")  # fmt: skip
    # Half a width smooths enough to choose the right rise; the fit then finds its steepest point.
    steepest = max(inside, key=lambda at: _slope(x, y, int(at), half_width / 2))
    found = _inflection(x, y, float(x[steepest]), half_width)
    wide = _inflection(x, y, found.energy, 1.5 * half_width) if found else None
    if found is None or found.slope <= 0 or abs(found.energy - near) > within:
        raise InputError(f"{source}: the derivative of mu has no maximum within {within:g} eV of "
                         f"{near:g} eV; expected an edge there")  # fmt: skip
    width = _width(x, found.energy, half_width)
    change = abs(wide.energy - found.energy) if wide else width / 2
    grid = 2 * width / (found.points - 1) / np.sqrt(12)
    error = float(np.linalg.norm([found.error, change, grid]))
    return EdgePosition(found.energy, error, found.slope, found.points)
