"""Powder patterns of crystals: where the lines are, how strong, how wide.

Structure factors come from pymatgen; the rest is here: Lorentz-polarisation factor,
the Cu K-alpha doublet, and a pseudo-Voigt profile whose Gaussian width follows
Caglioti, Paoletti & Ricci (1958) and whose Lorentzian width follows the crystallite
size (Scherrer), mixed after Thompson, Cox & Hastings (1987).

Intensities are absolute up to one constant: the same volume of any phase scatters in
proportion to what :func:`profile` returns.  This is what makes weight fractions and
detection limits possible.  Left out: absorption contrast between grains
(microabsorption), preferred orientation, extinction.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymatgen.analysis.diffraction.xrd import WAVELENGTHS, XRDCalculator
from pymatgen.core import Lattice, Structure
from scipy.interpolate import CubicSpline

from repro.errors import InputError

Array = NDArray[np.float64]
Strain = float | tuple[float, float, float, float]
# Cu K-alpha, Hoelzer et al., Phys. Rev. A 56, 4554 (1997), in angstrom; ratio 2:1
KA1, KA2, KA2_SHARE = 1.5405929, 1.5444274, 1.0 / 3.0
SCHERRER = 0.9
WINDOW = 15.0  # widths to each side that are computed; 2% of a Lorentzian lies beyond
B_ISO = 1.0  # angstrom^2, one displacement parameter for all atoms


def radiation() -> str:
    """Return the tabulated K-alpha line nearest to the mean wavelength used here, in words."""
    mean = (1 - KA2_SHARE) * KA1 + KA2_SHARE * KA2
    lines = [name for name in WAVELENGTHS if name.endswith("Ka")]
    nearest = min(lines, key=lambda name: abs(WAVELENGTHS[name] - mean))
    return f"{nearest.removesuffix('Ka')} K-alpha"


@dataclass(frozen=True)
class Instrument:
    """Profile of a diffractometer.

    Attributes
    ----------
    u, v, w:
        Caglioti coefficients in degrees^2: FWHM^2 = u tan^2 + v tan + w.
    doublet:
        Whether K-alpha2 is there.
    """

    u: float = 0.02
    v: float = -0.01
    w: float = 0.014
    doublet: bool = True

    def gauss_fwhm(self, theta: ArrayLike) -> Array:
        """Return the Gaussian FWHM in degrees 2theta at theta (radians)."""
        tan = np.tan(np.asarray(theta, dtype=float))
        square = self.u * tan**2 + self.v * tan + self.w
        if np.any(square <= 0):
            raise InputError(f"Caglioti coefficients u={self.u}, v={self.v}, w={self.w} give a "
                             "negative width; expected v^2 < 4 u w")  # fmt: skip
        return np.asarray(np.sqrt(square))


BENCHTOP = Instrument()  # a typical small laboratory machine; not a measured one


@dataclass(frozen=True)
class Lines:
    """Reflections of one phase, independent of wavelength and of strain.

    Attributes
    ----------
    name:
        Phase name.
    d:
        (n,) d-spacings in angstrom, descending.
    strength:
        (n,) multiplicity times |F|^2 per square of the cell volume (1/angstrom^6):
        scattering power per unit volume of the phase.
    hkl:
        (n,) label of the first family of each line.
    density:
        g/cm^3.
    indices:
        (n, 3) Miller indices of that family.
    cell:
        a, b, c (angstrom), alpha, beta, gamma (degrees) they refer to.
    """

    name: str
    d: Array
    strength: Array
    hkl: tuple[str, ...]
    density: float
    indices: NDArray[np.int_]
    cell: tuple[float, float, float, float, float, float]

    def spacings(self, strain: Strain) -> Array:
        """Return the d-spacings in a changed cell.

        ``strain`` is one number for all edges, or four: relative changes of a, b and
        c, and the change of beta in radians.
        """
        if isinstance(strain, (int, float)):
            return self.d * (1 + strain)
        a, b, c, alpha, beta, gamma = self.cell
        ea, eb, ec, tilt = strain
        lattice = Lattice.from_parameters(a * (1 + ea), b * (1 + eb), c * (1 + ec), alpha,
                                          beta + float(np.degrees(tilt)), gamma)  # fmt: skip
        inverse = np.linalg.norm(
            self.indices @ lattice.reciprocal_lattice_crystallographic.matrix, axis=1)  # fmt: skip
        return np.asarray(1 / inverse)

    def freedom(self) -> NDArray[np.int_]:
        """Return (4, m): how m free numbers make the strain its lattice allows."""
        a, b, c, alpha, beta, gamma = self.cell
        if np.allclose((a, a, 90, 90, 90), (b, c, alpha, beta, gamma), atol=1e-3):
            return np.array([[1], [1], [1], [0]])
        if abs(a - b) < 1e-3 and abs(alpha - 90) < 1e-3 and abs(beta - 90) < 1e-3:
            return np.array([[1, 0], [1, 0], [0, 1], [0, 0]])
        full = np.eye(4, dtype=int)
        return full if abs(beta - 90) > 1e-3 else full[:, :3]

    def __hash__(self) -> int:
        return hash((self.name, self.d.tobytes(), self.strength.tobytes()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lines) and hash(self) == hash(other)


def lorentz_polarisation(two_theta: ArrayLike) -> Array:
    """Return the Lorentz-polarisation factor of a powder (no monochromator).

    (1 + cos^2 2theta) / (sin^2 theta cos theta), angles in degrees.
    """
    full = np.radians(np.asarray(two_theta, dtype=float))
    return np.asarray((1 + np.cos(full) ** 2) / (np.sin(full / 2) ** 2 * np.cos(full / 2)))


def lines(structure: Structure, *, name: str, top: float = 100.0) -> Lines:
    """Return the reflections of a crystal up to ``top`` degrees 2theta (Cu K-alpha1).

    Parameters
    ----------
    structure:
        Crystal; any setting.
    name:
        Phase name for tables.
    top:
        Largest 2theta in degrees; choose it beyond the scan, as strain moves lines.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = XRDCalculator(wavelength=KA1).get_pattern(
            structure, scaled=False, two_theta_range=(0.5, top)
        )
    bare = np.asarray(found.y) / lorentz_polarisation(found.x) / structure.volume**2
    keep = bare > 1e-6 * bare.max()
    indices = np.array([(*h[0]["hkl"][:2], h[0]["hkl"][-1]) for h in found.hkls], dtype=int)
    labels = [" ".join(str(n) for n in row) for row in indices]
    box = structure.lattice
    return Lines(
        name=name, d=np.asarray(found.d_hkls)[keep], strength=bare[keep],
        hkl=tuple(np.array(labels)[keep].tolist()), density=float(structure.density),
        indices=indices[keep], cell=(*box.abc, *box.angles),
    )  # fmt: skip


def bragg(d: ArrayLike, *, wavelength: float = KA1) -> Array:
    """Return 2theta in degrees; nan where the line cannot be reached."""
    sine = wavelength / 2 / np.asarray(d, dtype=float)
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * np.degrees(np.arcsin(sine)))


def thompson_cox_hastings(gauss: ArrayLike, lorentz: ArrayLike) -> tuple[Array, Array]:
    """Return FWHM and Lorentzian share of the pseudo-Voigt of two widths."""
    g, h = np.asarray(gauss, dtype=float), np.asarray(lorentz, dtype=float)
    width = (g**5 + 2.69269 * g**4 * h + 2.42843 * g**3 * h**2 + 4.47163 * g**2 * h**3
             + 0.07842 * g * h**4 + h**5) ** 0.2  # fmt: skip
    ratio = h / width
    return width, 1.36603 * ratio - 0.47719 * ratio**2 + 0.11116 * ratio**3


def scherrer_fwhm(two_theta: ArrayLike, size: float, *, wavelength: float = KA1) -> Array:
    """Return the size broadening in degrees 2theta for a crystallite of ``size`` nm."""
    theta = np.radians(np.asarray(two_theta, dtype=float)) / 2
    return np.asarray(np.degrees(SCHERRER * wavelength / (10 * size * np.cos(theta))))


def profile(
    phase: Lines,
    two_theta: ArrayLike,
    *,
    size: float = 50.0,
    strain: Strain = 0.0,
    shift: float = 0.0,
    b_iso: float = B_ISO,
    instrument: Instrument = BENCHTOP,
) -> Array:
    """Return the pattern of unit volume of a phase.

    Parameters
    ----------
    phase:
        Reflections.
    two_theta:
        (n,) ascending grid, degrees.
    size:
        Crystallite size in nm (volume-weighted, Scherrer constant 0.9).
    strain:
        Change of the cell, e.g. 0.01 for edges one percent longer; see
        :meth:`Lines.spacings`.
    shift:
        Zero error in degrees, added to every line.
    b_iso:
        Displacement parameter in angstrom^2.
    instrument:
        Profile of the machine.

    Returns
    -------
    numpy.ndarray
        (n,) intensity per degree, common arbitrary unit.

    Raises
    ------
    InputError
        If size is not positive and finite or strain is beyond 20%.
    """
    if not (np.isfinite(size) and size > 0):
        raise InputError(f"crystallite size {size!r} nm: expected a positive number")
    if not np.all(np.abs(strain) < 0.2):
        raise InputError(f"strain {strain!r}: expected a fraction below 0.2, e.g. 0.01")
    x = np.asarray(two_theta, dtype=float)
    # broad lines need no fine grid: ten points per narrowest width, then a spline
    narrow = float(np.hypot(scherrer_fwhm(x[0], size), instrument.gauss_fwhm(0.3)))
    coarse = narrow / 10
    if len(x) > 16 and coarse > 1.5 * float(np.median(np.diff(x))):
        grid = np.linspace(x[0], x[-1], max(16, int(np.ceil((x[-1] - x[0]) / coarse)) + 1))
        y = _profile(phase, grid, size=size, strain=strain, shift=shift, b_iso=b_iso,
                     instrument=instrument, within=coarse)  # fmt: skip
        return np.asarray(np.maximum(CubicSpline(grid, y)(x), 0.0))
    return _profile(phase, x, size=size, strain=strain, shift=shift, b_iso=b_iso,
                    instrument=instrument, within=max(0.01, coarse))  # fmt: skip


def _profile(
    phase: Lines, x: Array, *, size: float, strain: Strain, shift: float, b_iso: float,
    instrument: Instrument, within: float,
) -> Array:  # fmt: skip
    out = np.zeros_like(x)
    d = phase.spacings(strain)
    parts = ((KA1, 1 - KA2_SHARE), (KA2, KA2_SHARE)) if instrument.doublet else ((KA1, 1.0),)
    for wavelength, share in parts:
        at = bragg(d, wavelength=wavelength)
        ok = np.isfinite(at) & (at < 170)
        at, power, spacing = at[ok], phase.strength[ok], d[ok]
        power = share * power * lorentz_polarisation(at) * np.exp(-b_iso / (2 * spacing**2))
        at, power = _merge(at, power, within=within)
        gauss = instrument.gauss_fwhm(np.radians(at) / 2)
        width, eta = thompson_cox_hastings(
            gauss, scherrer_fwhm(at, size, wavelength=wavelength))  # fmt: skip
        out += _sum_lines(x, at + shift, power, width, eta)
    return out


def _merge(at: Array, power: Array, *, within: float) -> tuple[Array, Array]:
    """Join lines closer than ``within`` degrees at their centre of gravity; drop dust."""
    if not len(at):
        return at, power
    order = np.argsort(at)
    at, power = at[order], power[order]
    group = np.floor(at / within).astype(int)
    starts = np.flatnonzero(np.r_[True, np.diff(group) > 0])
    total = np.add.reduceat(power, starts)
    centre = np.add.reduceat(power * at, starts) / total
    keep = total > 3e-4 * total.max()
    return centre[keep], total[keep]


def _sum_lines(x: Array, at: Array, power: Array, width: Array, eta: Array) -> Array:
    low = np.searchsorted(x, at - WINDOW * width)
    reach = np.searchsorted(x, at + WINDOW * width) - low
    inside = reach > 0
    low, reach = low[inside], reach[inside]
    at, power, width, eta = (a[inside] for a in (at, power, width, eta))
    if not len(at):
        return np.zeros_like(x)
    # all (line, point) pairs in one go
    line = np.repeat(np.arange(len(at)), reach)
    point = np.arange(len(line)) - np.repeat(np.cumsum(reach) - reach - low, reach)
    t = ((x[point] - at[line]) * (2 / width)[line]) ** 2
    shape = (eta * (2 / np.pi))[line] / (1 + t)
    near = t < 40  # exp(-28): the Gaussian is gone
    height = (1 - eta) * 2 * np.sqrt(np.log(2) / np.pi)
    shape[near] += height[line[near]] * np.exp(-np.log(2) * t[near])
    return np.asarray(np.bincount(point, weights=(power / width)[line] * shape, minlength=len(x)))
