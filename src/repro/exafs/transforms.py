r"""From chi(k) to |chi(R)|, and what is read off it.

.. math:: \tilde\chi(R) = \frac{\delta k}{\sqrt{\pi}} \sum_k k^w W(k) \chi(k) e^{-2ikR},

which is larch's (and IFEFFIT's) convention; :math:`W` is the window, for Hanning rising as
:math:`\sin^2` from :math:`k_{min} - dk/2` to :math:`k_{min} + dk/2` and falling likewise at
:math:`k_{max}`.  With :math:`w = 3` the magnitude has the unit angstrom^-4.

No phase is corrected: a peak lies some tenths of an angstrom below the distance it stands for
(paper, Methods).

The noise of chi(k) is taken from :math:`\tilde\chi` at R where no atom is seen (15 to 25
angstrom): for white noise :math:`\epsilon` of each point the mean of :math:`|\tilde\chi|^2` is
:math:`\epsilon^2 (\delta k)^2 / \pi \sum (k^w W)^2`.  It does not contain what the background
or the edge step do to chi.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError, did_you_mean

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
WINDOWS = ("hanning", "kaiser", "parzen", "welch", "gaussian", "sine")
NFFT = 2048


@dataclass(frozen=True)
class Transformed:
    """A weighted chi(k) and its Fourier transform.

    Attributes
    ----------
    k, chi, weighted, window:
        (K,): 1/angstrom, chi, k^w chi, and the window.
    r, chi_r, magnitude:
        (M,): angstrom, complex transform and its magnitude, angstrom^-(w + 1).
    k_weight:
        w.
    noise_k:
        Standard deviation of chi(k), from high R.
    """

    k: Floats
    chi: Floats
    weighted: Floats
    window: Floats
    r: Floats
    chi_r: Complex
    magnitude: Floats
    k_weight: int
    noise_k: float


@dataclass(frozen=True)
class Peak:
    """A peak of ``|chi(R)|``, errors from the noise of chi(k) alone.

    Attributes
    ----------
    position, position_error:
        Angstrom, not corrected for phase.
    height, height_error:
        angstrom^-(w + 1).
    """

    position: float
    position_error: float
    height: float
    height_error: float


@dataclass(frozen=True)
class Far:
    """The largest magnitude beyond a distance.

    Attributes
    ----------
    start:
        The distance, angstrom.
    position, height:
        Where it is largest, angstrom, and how large.
    ratio, ratio_error:
        Height over that of the first peak; the error is from the noise of chi(k) alone.
    noise:
        Largest magnitude that noise alone would show there (95 % of cases), over the first peak.
    """

    start: float
    position: float
    height: float
    ratio: float
    ratio_error: float
    noise: float


def transform(
    k: Floats,
    chi: Floats,
    *,
    k_min: float = 3.0,
    k_max: float = 12.0,
    dk: float = 1.0,
    k_weight: int = 3,
    window: str = "hanning",
    r_max: float = 6.0,
    noise: tuple[float, float] = (15.0, 25.0),
    source: str = "spectrum",
) -> Transformed:
    """Return the Fourier transform of chi(k).

    Parameters
    ----------
    k, chi:
        (K,), 1/angstrom in even steps from 0.
    k_min, k_max, dk:
        Window: where it is half way up and down, and width of its sides, 1/angstrom.
    k_weight:
        Power of k; the paper's is 3.
    window:
        ``hanning`` (the paper's), kaiser, parzen, welch, gaussian or sine.
    r_max:
        End of the transform, angstrom; the paper's is 6.
    noise:
        Range of R where only noise is, angstrom.
    source:
        For messages.

    Raises
    ------
    InputError
        For a window that chi(k) does not fill, or options out of their range.
    """
    from larch import Group
    from larch.xafs import xftf

    if window not in WINDOWS:
        raise InputError(f"window {window!r}: expected {', '.join(WINDOWS)}"
                         f"{did_you_mean(window, WINDOWS)}")  # fmt: skip
    if k_weight not in (0, 1, 2, 3, 4):
        raise InputError(f"k_weight {k_weight!r}: expected 0 to 4")
    if not 0 < r_max <= 30 or dk < 0:
        raise InputError(
            f"r_max {r_max:g}, dk {dk:g}: expected above 0 to 30 angstrom, and 0 or more"
        )
    x, y = np.asarray(k, dtype=float), np.asarray(chi, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 3 or not np.isfinite(y).all():
        raise InputError(f"{source}: k of shape {x.shape}, chi {y.shape}; expected (K,) and finite")
    step = float(x[1] - x[0])
    if step <= 0 or not np.allclose(np.diff(x), step, rtol=0, atol=1e-6) or abs(x[0]) > 1e-9:
        raise InputError(
            f"{source}: k from {x[0]:g}, first step {step:g}; expected even steps from 0"
        )
    # chi ends on the grid, up to one step before the last measured energy.
    if k_min < 0 or k_max - k_min < max(dk, 2.0) or k_max + dk / 2 > x[-1] + step:
        raise InputError(f"{source}: window {k_min:g} to {k_max:g} 1/angstrom, dk {dk:g}; expected 2 "
                         f"or more wide, wider than dk, with k_max + dk/2 up to {x[-1]:.2f}")  # fmt: skip
    group = Group()
    xftf(x, y, group=group, kmin=k_min, kmax=k_max, dk=dk, kweight=k_weight, window=window,
         rmax_out=30.0, nfft=NFFT, kstep=step)  # fmt: skip
    r, full = np.asarray(group.r), np.asarray(group.chir)
    taper = np.asarray(group.kwin)
    quiet = (r >= noise[0]) & (r <= noise[1])
    if not quiet.any():
        raise InputError(f"noise {noise}: expected a range of R within 0 to 30 angstrom")
    gain = step**2 / np.pi * float(((x**k_weight * taper) ** 2).sum())
    power = float((np.abs(full[quiet]) ** 2).mean())
    shown = r <= r_max + 1e-9
    return Transformed(x, y, y * x**k_weight, taper, r[shown], full[shown], np.abs(full[shown]),
                       k_weight, float(np.sqrt(power / gain)))  # fmt: skip


def top(r: Floats, magnitude: Floats, *, within: tuple[float, float]) -> tuple[float, float]:
    """Return position and height of the highest peak in a range.

    A parabola through the three points at the top gives both between grid points.

    Parameters
    ----------
    r, magnitude:
        (M,), r in even steps.
    within:
        Range, angstrom.

    Raises
    ------
    InputError
        Where no point of the range is higher than its neighbours.
    """
    inner = np.flatnonzero((r >= within[0]) & (r <= within[1]))
    inner = inner[(inner > 0) & (inner < len(r) - 1)]
    peaks = inner[(magnitude[inner] > magnitude[inner - 1])
                  & (magnitude[inner] >= magnitude[inner + 1])]  # fmt: skip
    if not len(peaks):
        raise InputError(f"|chi(R)| has no peak between {within[0]:g} and {within[1]:g} angstrom")
    at = int(peaks[np.argmax(magnitude[peaks])])
    a, b, c = magnitude[at - 1 : at + 2]
    off = 0.5 * (a - c) / (a - 2 * b + c)
    return float(r[at] + off * (r[1] - r[0])), float(b - 0.25 * (a - c) * off)


def _noisy(found: Transformed, samples: int, seed: int) -> Complex:
    """Return transforms of white noise of the size found, (samples, M)."""
    step = found.k[1] - found.k[0]
    drawn = np.random.default_rng(seed).normal(scale=found.noise_k, size=(samples, len(found.k)))
    waves = np.exp(-2j * np.outer(found.k, found.r)) * step / np.sqrt(np.pi)
    result: Complex = (drawn * found.k**found.k_weight * found.window) @ waves
    return result


def first_shell(
    found: Transformed,
    *,
    within: tuple[float, float] = (1.0, 2.8),
    samples: int = 100,
    seed: int = 1,
) -> Peak:
    """Return the peak of the first shell.

    Parameters
    ----------
    found:
        From :func:`transform`.
    within:
        Where it is looked for, angstrom.
    samples, seed:
        Noise is added so many times, and the spread of the peak is its error.

    Raises
    ------
    InputError
        Where there is no peak.
    """
    position, height = top(found.r, found.magnitude, within=within)
    drawn = []
    for other in np.abs(found.chi_r + _noisy(found, samples, seed)):
        try:
            drawn.append(top(found.r, other, within=within))
        except InputError:
            continue
    spread = np.std(drawn, axis=0) if len(drawn) > 1 else np.array([np.nan, np.nan])
    return Peak(position, float(spread[0]), height, float(spread[1]))


def far(
    found: Transformed, first: Peak, *, start: float = 2.8, samples: int = 100, seed: int = 1
) -> Far:
    """Return the largest magnitude from ``start`` to the end, relative to the first peak.

    Parameters
    ----------
    found, first:
        From :func:`transform` and :func:`first_shell`.
    start:
        Angstrom.
    samples, seed:
        As for :func:`first_shell`.

    Raises
    ------
    InputError
        Where the transform ends before ``start``.
    """
    beyond = found.r >= start
    if not beyond.any():
        raise InputError(f"start {start:g}: the transform ends at {found.r[-1]:.2f} angstrom")
    magnitude = found.magnitude[beyond]
    at = int(np.argmax(magnitude))
    noise = _noisy(found, samples, seed)[:, beyond]
    drawn = np.abs(found.chi_r[beyond] + noise).max(axis=1)
    ratio = float(magnitude[at]) / first.height
    error = ratio * np.hypot(drawn.std() / magnitude[at], first.height_error / first.height)
    alone = float(np.percentile(np.abs(noise).max(axis=1), 95)) / first.height
    return Far(start, float(found.r[beyond][at]), float(magnitude[at]), ratio, float(error), alone)
