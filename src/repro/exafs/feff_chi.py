r"""What is done to a calculated chi(k) before it is set against a measured one.

FEFF is run with :math:`S_0^2 = 1`, :math:`\sigma^2 = 0` and its own energy zero.  The three
corrections are made afterwards, on one site as on a mean (they are linear in chi):

- *Amplitude*, :func:`scaled`: :math:`S_0^2 \chi(k)`.
- *Energy zero*, :func:`shifted`: with :math:`a = 2m/\hbar^2 = 0.2625` per eV and square angstrom,

  .. math:: \chi'(k) = \chi(\sqrt{k^2 - a E_0}),

  the convention of larch and Artemis: a positive :math:`E_0` moves the calculated features up
  in energy, to higher k.
- *Width*, :func:`broadened`: of distances, as :math:`e^{-2k^2\sigma^2}`; and of energy, by
  convolution in :math:`E = k^2/a` with the monochromator's Gaussian.  At half path length R a
  Gaussian of standard deviation w damps by :math:`e^{-(aR w/k)^2/2}`, where R is rather what the
  slope of the whole phase makes of it, as |chi(R)| shows it.  FEFF has the core hole's own width
  in it already (2.1 eV for Ga K).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import fftconvolve

from repro.errors import InputError
from repro.exafs.edges import EV_A2

Floats = NDArray[np.float64]
ENERGY_TO_K2 = 1 / EV_A2  # 1/(eV angstrom^2), "a"
_FWHM = 2 * np.sqrt(2 * np.log(2))  # of a Gaussian, in standard deviations
_FINEST, _MOST = 0.01, 200_000  # eV, and points of the energy grid


def _check(k: Floats, chi: Floats) -> tuple[Floats, Floats]:
    x, y = np.asarray(k, dtype=float), np.asarray(chi, dtype=float)
    if x.ndim != 1 or len(x) < 4 or y.ndim < 1 or y.shape[-1] != len(x):
        raise InputError(
            f"k of shape {x.shape}, chi {y.shape}: expected (K,) and (..., K), 4 or more"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()) or x[0] < 0 or (np.diff(x) <= 0).any():
        raise InputError("k and chi: expected finite numbers, k from 0 or more and rising")
    return x, y


def scaled(chi: Floats, s02: float) -> Floats:
    """Return chi times S02.

    Parameters
    ----------
    chi:
        Any shape; a mean, its error and the means of blocks alike.
    s02:
        Amplitude reduction, 0.7 to 1.1 in practice.

    Raises
    ------
    InputError
        For an S02 that is not above 0 and at most 2.
    """
    if not 0 < s02 <= 2:
        raise InputError(f"s02={s02:g}: expected above 0, at most 2")
    return np.asarray(s02 * np.asarray(chi, dtype=float))


def shifted(k: Floats, chi: Floats, e0: float) -> tuple[Floats, Floats]:
    """Return k and chi with the energy zero moved.

    Parameters
    ----------
    k:
        (K,), 1/angstrom.
    chi:
        (..., K).
    e0:
        eV; positive moves features to higher k.

    Returns
    -------
    k, chi:
        (L,) and (..., L): for a negative e0 the grid ends earlier, where chi is not known.
        Below the moved edge chi is 0.

    Raises
    ------
    InputError
        For shapes that do not fit, numbers that are not finite, or a shift of more than
        50 eV, where k no longer means the same.
    """
    x, y = _check(k, chi)
    if not abs(e0) <= 50:
        raise InputError(f"e0={e0:g}: expected -50 to 50 eV")
    if e0 == 0:
        return x, y
    squared = x**2 - ENERGY_TO_K2 * e0
    known = squared <= x[-1] ** 2
    origin = np.sqrt(np.maximum(squared[known], 0.0))
    moved = CubicSpline(x, y, axis=-1)(np.maximum(origin, x[0]))
    return x[known], np.where(squared[known] < x[0] ** 2, 0.0, moved)


def broadened(k: Floats, chi: Floats, *, sigma2: float = 0.0, gaussian_ev: float = 0.0) -> Floats:
    """Return chi with additional widths.

    Parameters
    ----------
    k:
        (K,), 1/angstrom.
    chi:
        (..., K).
    sigma2:
        Mean square width of half path lengths, angstrom^2, the same for all paths.
    gaussian_ev:
        Full width at half maximum in energy, eV.

    Returns
    -------
    chi:
        (..., K).  Within a width of either end of k the convolution is over what there is.

    Raises
    ------
    InputError
        For a negative width, or one too narrow or wide for the energies of k.
    """
    x, y = _check(k, chi)
    for name, value in {"sigma2": sigma2, "gaussian_ev": gaussian_ev}.items():
        if not value >= 0 or not np.isfinite(value):
            raise InputError(f"{name}={value:g}: expected 0 or more")
    if gaussian_ev:
        first, last = x[0] ** 2 / ENERGY_TO_K2, x[-1] ** 2 / ENERGY_TO_K2
        step = min(0.25, gaussian_ev / 8)
        if step < _FINEST or (last - first) / step > _MOST or gaussian_ev > (last - first) / 4:
            raise InputError(f"gaussian_ev={gaussian_ev:g}: expected 0, or {8 * _FINEST:g} to "
                             f"{(last - first) / 4:.0f} eV")  # fmt: skip
        energy = np.arange(first, last, step)
        inner = CubicSpline(x, y, axis=-1)(np.sqrt(ENERGY_TO_K2 * energy))
        away = step * np.arange(-len(energy) + 1, len(energy))
        kernel = np.exp(-((away * _FWHM / gaussian_ev) ** 2) / 2)
        flat = inner.reshape(-1, len(energy))
        spread = fftconvolve(flat, kernel[None, :], mode="same", axes=-1)
        whole = fftconvolve(np.ones(len(energy)), kernel, mode="same")
        y = CubicSpline(energy, (spread / whole).reshape(inner.shape), axis=-1)(
            np.minimum(x**2 / ENERGY_TO_K2, energy[-1])
        )
    return np.asarray(y * np.exp(-2 * sigma2 * x**2))
