r"""The steps from mu(E) to |chi(R)|, one function and one result each.

1. :func:`calibrate`: the foil's edge is where its energy is known, and the scan is moved by
   the difference.
2. ``repro.exafs.glitches``: single bad points are taken out.
3. :func:`normalise`: a line through the pre-edge is taken off and the edge step made 1.
4. :func:`background`: AUTOBK.  The free atom's absorption is a spline whose knots are chosen
   so that chi(R) below :math:`R_{bkg}` is as small as can be;
   :math:`\chi = (\mu - \mu_0) / \Delta\mu_0(E_0)`.
5. ``repro.exafs.transforms``: weight, window, Fourier transform, peaks.

Steps 3 and 4 are larch's.  AUTOBK is given the normalised curve, because the clamps at the
spline's ends are not weighted alike for a spectrum and for twice the spectrum; so scale, offset
and slope of mu change nothing.

The paper names the foil, Athena, AUTOBK with Rbkg 1.0, the weight k^3 and the Hanning window.
For what it does not name, the defaults are Athena's own: pre-edge -150 to -30 eV, post-edge
150 eV to 100 eV before the end, a parabola through it, spline over the whole scan with weight
k^2 and a strong clamp (24) at its upper end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError
from repro.exafs import checks, edges
from repro.exafs.files import Spectrum

Floats = NDArray[np.float64]
K_STEP = 0.05  # 1/angstrom, of chi(k)
FEWEST = 5  # points of a pre-edge or post-edge range


@dataclass(frozen=True)
class Calibration:
    """Energy calibration by a foil.

    Attributes
    ----------
    found:
        Edge of the foil as measured.
    expected:
        Where it belongs, eV.
    channel:
        ``"reference channel"`` or ``"separate foil"``.
    energy, derivative:
        (M,), the foil's d mu / dE around its edge, on measured energies, for a figure.
    """

    found: edges.EdgePosition
    expected: float
    channel: str
    energy: Floats
    derivative: Floats

    @property
    def shift(self) -> float:
        """What is added to measured energies, eV."""
        return self.expected - self.found.energy

    @property
    def error(self) -> float:
        """Standard error of the shift, eV."""
        return self.found.error


@dataclass(frozen=True)
class Normalised:
    """A normalised spectrum; arrays (N,) on calibrated energies.

    Attributes
    ----------
    energy, mu:
        eV and as measured.
    e0, e0_error:
        Edge energy, eV; the error is 0 where it was given.
    edge_step, edge_step_error:
        Jump at e0; the error is half the range of what other post-edge fits give: one degree
        less, and a start nearer or further by a third.  NaN, not known, for a spectrum that was
        normalised before: its step is 1, and how good that is stayed behind.
    pre_edge, post_edge:
        Lines that were fitted, in units of mu.
    norm, flat:
        (mu - pre_edge) / edge_step, and the same with the post-edge made level.
    pre, post:
        Ranges fitted, eV from e0.
    """

    energy: Floats
    mu: Floats
    e0: float
    e0_error: float
    edge_step: float
    edge_step_error: float
    pre_edge: Floats
    post_edge: Floats
    norm: Floats
    flat: Floats
    pre: tuple[float, float]
    post: tuple[float, float]


@dataclass(frozen=True)
class Background:
    """Result of AUTOBK.

    Attributes
    ----------
    k, chi:
        (K,), 1/angstrom in steps of 0.05, and without unit.
    energy, free_atom:
        (N,), eV, and the spline mu_0 in units of the normalised spectrum.
    e0:
        eV, where k is 0.
    rbkg:
        Angstrom.
    step:
        Median step of k between measured points, 1/angstrom.
    """

    k: Floats
    chi: Floats
    energy: Floats
    free_atom: Floats
    e0: float
    rbkg: float
    step: float


def calibrate(
    spectrum: Spectrum,
    *,
    foil: Spectrum | None = None,
    foil_edge: str = "Re L3",
    foil_energy: float = 10535.0,
    within: float = 25.0,
    half_width: float = 2.5,
) -> Calibration:
    """Return the energy calibration of a scan.

    The foil's edge energy is the maximum of its derivative.

    Parameters
    ----------
    spectrum:
        The sample; its reference channel is used if no foil is given.
    foil:
        Foil measured on its own, with the same monochromator settings.
    foil_edge:
        Edge that must be found in it.
    foil_energy:
        Where the edge belongs, eV; the paper's is 10535.
    within:
        Largest shift that is believed, eV.
    half_width:
        Of the fit at the edge, eV (``repro.exafs.edges.position``).

    Raises
    ------
    InputError
        Where there is no foil, or its edge is not the one that is expected.
    """
    if foil is None and spectrum.reference is None:
        raise InputError(f"{spectrum.source}: no reference channel and no foil; expected one of "
                         "them (or calibrate false, to trust the energies)")  # fmt: skip
    own = foil if foil is not None else spectrum.foil
    checks.edge(own.energy, own.mu, expected=foil_edge, within=within, source=own.source)
    found = edges.position(own.energy, own.mu, near=edges.tabulated(foil_edge), within=within,
                           half_width=half_width, source=own.source)  # fmt: skip
    around = np.abs(own.energy - found.energy) <= 2 * within
    x, y = own.energy[around], own.mu[around]
    channel = "separate foil" if foil is not None else "reference channel"
    return Calibration(found, foil_energy, channel, x, edges.derivative(x, y))


def _range(energy: Floats, e0: float, span: tuple[float, float], what: str, source: str
           ) -> tuple[float, float]:  # fmt: skip
    """Return the part of a range that the scan has, in eV from e0."""
    low, high = max(span[0], float(energy[0]) - e0), min(span[1], float(energy[-1]) - e0)
    count = int(((energy >= e0 + low) & (energy <= e0 + high)).sum())
    # A line through a sliver of its range points anywhere.
    if count < FEWEST or high - low < (span[1] - span[0]) / 3:
        raise InputError(
            f"{source}: {count} points over {max(high - low, 0):.0f} eV in the {what} range "
            f"{span[0]:g} to {span[1]:g} eV from the edge at {e0:.1f} eV; expected {FEWEST} points "
            f"or more over a third of it (the scan runs from {energy[0]:g} to {energy[-1]:g} eV)"
        )
    return low, high


def normalise(
    energy: Floats,
    mu: Floats,
    *,
    kind: str = "mu",
    e0: float | None = None,
    edge: str = "Ga K",
    within: float = 25.0,
    pre: tuple[float, float] = (-150.0, -30.0),
    post: tuple[float, float | None] = (150.0, None),
    post_order: int = 2,
    source: str = "spectrum",
) -> Normalised:
    """Return the normalised spectrum.

    Parameters
    ----------
    energy, mu:
        (N,), eV, ascending, calibrated.
    kind:
        ``normalised`` leaves mu as it is and checks that it lies around 0 and 1.
    e0:
        Edge energy in eV; the steepest point if not given.
    edge, within:
        Edge that is looked for, and how far from its tabulated energy, eV.
    pre, post:
        Ranges of the fits, eV from e0; no upper end is 100 eV before the end of the scan.
    post_order:
        Degree of the polynomial through the post-edge, 0 to 3.
    source:
        For messages.

    Raises
    ------
    InputError
        For an e0 away from the edge, a range with too few points, a step that is not positive,
        or a curve said to be normalised that is not.
    """
    from larch import Group
    from larch.xafs import pre_edge

    x, y = np.asarray(energy, dtype=float), np.asarray(mu, dtype=float)
    near = edges.tabulated(edge)
    if not 0 <= post_order <= 3:
        raise InputError(f"post_order {post_order}: expected 0 to 3")
    if e0 is not None and abs(e0 - near) > within:
        raise InputError(f"e0 {e0:g} eV: expected within {within:g} eV of {edge}, {near:g} eV")
    error = 0.0
    if e0 is None:
        found = edges.position(x, y, near=near, within=within, source=source)
        e0, error = found.energy, found.error
    low = _range(x, e0, pre, "pre-edge", source)
    end = post[1] if post[1] is not None else max(float(x[-1]) - e0 - 100.0, post[0] + 50.0)
    high = _range(x, e0, (post[0], end), "post-edge", source)
    if kind == "normalised":
        return _as_is(x, y, e0, error, low, high, source)
    best: Any = Group(energy=x, mu=y)
    pre_edge(x, y, group=best, e0=e0, pre1=low[0], pre2=low[1], norm1=high[0], norm2=high[1],
             nnorm=post_order, nvict=0)  # fmt: skip
    # larch takes the absolute value of the step.
    at = int(np.argmin(np.abs(x - e0)))
    rise = float(best.post_edge[at] - best.pre_edge[at])
    if rise <= 5 * edges.scatter(x, y):
        raise InputError(f"{source}: edge step {rise:.3g} at {e0:.1f} eV, noise "
                         f"{edges.scatter(x, y):.2g}; expected a rise above five times the noise")  # fmt: skip
    return Normalised(
        x, y, e0, error, float(best.edge_step), _step_error(x, y, e0, low, high, post_order),
        np.asarray(best.pre_edge), np.asarray(best.post_edge), np.asarray(best.norm),
        np.asarray(best.flat), low, high,
    )  # fmt: skip


def _step_error(x: Floats, y: Floats, e0: float, low: tuple[float, float],
                high: tuple[float, float], order: int) -> float:  # fmt: skip
    """Return half the range of edge steps over other post-edge fits."""
    from larch.xafs.pre_edge import preedge

    steps = []
    for degree in {order, max(order - 1, 0)}:
        for start in (high[0] * 2 / 3, high[0], high[0] * 4 / 3):
            if ((x >= e0 + start) & (x <= e0 + high[1])).sum() < FEWEST:
                continue
            steps.append(preedge(x, y, e0=e0, pre1=low[0], pre2=low[1], norm1=start, norm2=high[1],
                                 nnorm=degree, nvict=0)["edge_step"])  # fmt: skip
    return float(np.ptp(steps)) / 2


def _as_is(x: Floats, y: Floats, e0: float, error: float, low: tuple[float, float],
           high: tuple[float, float], source: str) -> Normalised:  # fmt: skip
    """Return a spectrum that was normalised before, checked."""
    before = float(y[(x >= e0 + low[0]) & (x <= e0 + low[1])].mean())
    after = float(y[(x >= e0 + high[0]) & (x <= e0 + high[1])].mean())
    if abs(before) > 0.1 or abs(after - 1) > 0.15:
        raise InputError(f"{source}: read as normalised, but its mean is {before:.3g} before and "
                         f"{after:.3g} behind the edge; expected 0 and 1 (or read with kind=mu)")  # fmt: skip
    return Normalised(x, y, e0, error, 1.0, float("nan"), np.zeros(len(x)), np.ones(len(x)), y, y,
                      low, high)  # fmt: skip


def background(
    found: Normalised,
    *,
    rbkg: float = 1.0,
    k_weight: int = 2,
    k_min: float = 0.0,
    k_max: float | None = None,
    clamps: tuple[float, float] = (0.0, 24.0),
    source: str = "spectrum",
) -> Background:
    """Return chi(k) by AUTOBK.

    Parameters
    ----------
    found:
        From :func:`normalise`.
    rbkg:
        Distance in angstrom below which chi(R) counts as background; the paper's is 1.0.
    k_weight:
        Of the transform within AUTOBK, not that of :func:`repro.exafs.transforms.transform`.
    k_min, k_max:
        Range of the spline, 1/angstrom; the whole scan if no k_max is given.
    clamps:
        Weights that hold the spline to the data at its lower and upper end.
    source:
        For messages.

    Raises
    ------
    InputError
        For an rbkg outside 0.3 to 3, a range that the scan does not have, or where AUTOBK
        does not come to an end.
    """
    from larch import Group
    from larch.xafs import autobk

    if not 0.3 <= rbkg <= 3:
        raise InputError(f"rbkg {rbkg:g}: expected 0.3 to 3 angstrom")
    reach = float(edges.wave_number(found.energy[-1] - found.e0))
    top = reach if k_max is None else k_max
    if not 0 <= k_min < top <= reach + 1e-9 or top - k_min < 2:
        raise InputError(f"{source}: spline from k {k_min:g} to {top:g}; expected 2 1/angstrom or "
                         f"more within 0 to {reach:.2f}")  # fmt: skip
    group: Any = Group(energy=found.energy, mu=found.norm)
    try:
        autobk(found.energy, found.norm, group=group, rbkg=rbkg, ek0=found.e0, edge_step=1.0,
               kmin=k_min, kmax=min(top, reach), kweight=k_weight, kstep=K_STEP,
               clamp_lo=clamps[0], clamp_hi=clamps[1])  # fmt: skip
        k, chi, spline = (np.asarray(getattr(group, name)) for name in ("k", "chi", "bkg"))
    except (AttributeError, TypeError, ValueError, np.linalg.LinAlgError) as error:
        raise InputError(f"{source}: AUTOBK found no background ({error}); expected a curve "
                         "without gaps and bad points, and a usual rbkg")  from error  # fmt: skip
    if not np.isfinite(chi).all():
        raise InputError(f"{source}: AUTOBK gave values that are not finite; expected a curve "
                         "without gaps and bad points, and a usual rbkg")  # fmt: skip
    above = edges.wave_number(found.energy[found.energy > found.e0] - found.e0)
    step = float(np.median(np.diff(above[above > 2.0])))
    return Background(k, chi, found.energy, spline, found.e0, rbkg, step)
