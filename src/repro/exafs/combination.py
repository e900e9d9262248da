r"""A spectrum as the sum of two references, by least squares.

.. math:: y(x) \approx t\,[s\,a(x) + (1 - s)\,b(x)],

with the share :math:`s` of the first reference and the total :math:`t`, 1 unless it is set
free.  The share is not held between 0 and 1: one outside says that the two references do not
span the sample, and is reported as it is.

The standard error is that of lmfit, times the square root of the statistical inefficiency of
the residual: points of chi(k) are dense, and what two references cannot describe is correlated.
An error of an edge step stretches a whole curve and so moves the share; this is kept apart as
``step_error``.  A file that was normalised before does not tell its step's error, and a share in
which it takes part has no ``step_error`` (NaN).  Neither error holds for the choice of references, energy scale and range.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError
from repro.exafs.spectra import Normalised
from repro.exafs.transforms import Transformed
from repro.md.statistics import inefficiency

Floats = NDArray[np.float64]
FEWEST = 10


@dataclass(frozen=True)
class Combination:
    """A fit of two references.

    Attributes
    ----------
    space:
        ``"chi(k)"`` or ``"mu(E)"``.
    x, data, fit:
        (N,): k in 1/angstrom or energy in eV, what was fitted, and the fit.
    share, error:
        Of the first reference, with one standard error from noise and misfit.
    step_error:
        What the errors of the three edge steps do to the share; NaN if one is not known.
    total, total_error:
        Sum of both; the error is 0 where it was held at 1.
    r_factor:
        Sum of squared residuals over that of the data.
    inefficiency:
        By how much points of the residual are worth less than independent ones.
    """

    space: str
    x: Floats
    data: Floats
    fit: Floats
    share: float
    error: float
    step_error: float
    total: float
    total_error: float
    r_factor: float
    inefficiency: float

    @property
    def whole_error(self) -> float:
        """Both errors of the share together; ``error`` alone where ``step_error`` is NaN."""
        return float(np.hypot(self.error, np.nan_to_num(self.step_error)))

    @property
    def inside(self) -> bool:
        """Whether the share lies between 0 and 1."""
        return 0.0 <= self.share <= 1.0

    @property
    def residual(self) -> Floats:
        """Data less fit, (N,)."""
        return self.data - self.fit


def solve(y: Floats, a: Floats, b: Floats, *, total_free: bool = False) -> float:
    """Return the share of ``a``, the rest being ``b``, by linear least squares; all (N,)."""
    if not total_free:
        return float(((y - b) @ (a - b)) / ((a - b) @ (a - b)))
    parts, *_ = np.linalg.lstsq(np.stack([a, b], axis=1), y, rcond=None)
    return float(parts[0] / parts.sum())


def combine(
    x: Floats,
    data: Floats,
    first: Floats,
    second: Floats,
    *,
    total_free: bool = False,
    step_errors: tuple[float, float, float] = (0.0, 0.0, 0.0),
    space: str = "",
) -> Combination:
    """Return the fit of two references on one axis.

    Parameters
    ----------
    x, data, first, second:
        (N,).
    total_free:
        Whether the sum of both shares may differ from 1.
    step_errors:
        Relative errors of the edge steps of data, first and second; NaN is not known.
    space:
        For legends.

    Raises
    ------
    InputError
        For other shapes, fewer than ten points, or references that are equal.
    """
    lmfit: Any = importlib.import_module("lmfit")
    x, y, a, b = (np.asarray(part, dtype=float) for part in (x, data, first, second))
    if x.ndim != 1 or len({part.shape for part in (x, y, a, b)}) > 1 or len(x) < FEWEST:
        raise InputError(f"shapes {[part.shape for part in (x, y, a, b)]}; expected (N,) for all, "
                         f"{FEWEST} points or more")  # fmt: skip
    size = float((a**2).sum() + (b**2).sum())
    if (
        not np.isfinite(size + float(np.abs(y).sum()))
        or float(((a - b) ** 2).sum()) <= 1e-12 * size
    ):
        raise InputError("the two references are equal, or not finite: no share to find")

    def model(p: Any) -> Floats:
        return np.asarray(p["total"] * (p["share"] * a + (1 - p["share"]) * b))

    start = lmfit.Parameters()
    start.add("share", value=0.5)
    start.add("total", value=1.0, vary=total_free)
    result = lmfit.minimize(lambda p: model(p) - y, start, method="leastsq", scale_covar=True)
    fit = model(result.params)
    g = inefficiency(y - fit)

    def error(name: str) -> float:
        # lmfit gives none for a fit without any residual.
        return float(result.params[name].stderr or 0.0) * float(np.sqrt(g))

    moved = [float("nan")]
    if np.isfinite(step_errors).all():
        share = solve(y, a, b, total_free=total_free)
        moved = [solve(y * (1 + u), a * (1 + v), b * (1 + w), total_free=total_free) - share
                 for u, v, w in np.diag(step_errors)]  # fmt: skip
    return Combination(
        space, x, y, fit, float(result.params["share"].value), error("share"),
        float(np.linalg.norm(moved)),
        float(result.params["total"].value), error("total") if total_free else 0.0,
        float(((y - fit) ** 2).sum() / (y**2).sum()), g,
    )  # fmt: skip


def relative_steps(sample: Normalised, first: Normalised, second: Normalised
                   ) -> tuple[float, float, float]:  # fmt: skip
    """Return the relative errors of three edge steps; NaN for one that is not known."""
    a, b, c = (part.edge_step_error / part.edge_step for part in (sample, first, second))
    return a, b, c


def combine_chi(
    sample: Transformed,
    first: Transformed,
    second: Transformed,
    *,
    k_range: tuple[float, float] = (3.0, 12.0),
    step_errors: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Combination:
    """Return the fit of k^w chi(k) within a range of k (1/angstrom).

    Raises
    ------
    InputError
        For another weight or a range that one of the three does not have.
    """
    if len({part.k_weight for part in (sample, first, second)}) > 1:
        raise InputError("the three chi(k) have different weights; expected one")
    ends = [float(part.k[-1]) for part in (sample, first, second)]
    if k_range[0] >= k_range[1] or k_range[1] > min(ends) + 1e-9:
        raise InputError(f"k_range {k_range}: expected ascending, up to {min(ends):.2f}")
    k = sample.k[(sample.k >= k_range[0]) & (sample.k <= k_range[1])]
    y, a, b = (np.interp(k, part.k, part.weighted) for part in (sample, first, second))
    return combine(k, y, a, b, step_errors=step_errors, space="chi(k)")


def combine_mu(
    sample: Normalised,
    first: Normalised,
    second: Normalised,
    *,
    energy_range: tuple[float, float] = (-20.0, 50.0),
    centre: float = 10367.0,
) -> Combination:
    """Return the fit of flattened mu(E) within a range around ``centre`` (eV).

    The energies of all three must be calibrated: a relative shift of the references by 1 eV
    changes a share by some hundredths.

    Raises
    ------
    InputError
        For a range that one of the three does not have.
    """
    low, high = centre + energy_range[0], centre + energy_range[1]
    for part in (sample, first, second):
        if not part.energy[0] <= low < high <= part.energy[-1]:
            raise InputError(f"energy_range {energy_range} around {centre:g} eV: expected ascending, "
                             f"within {part.energy[0]:g} to {part.energy[-1]:g}")  # fmt: skip
    x = sample.energy[(sample.energy >= low) & (sample.energy <= high)]
    y, a, b = (np.interp(x, part.energy, part.flat) for part in (sample, first, second))
    errors = relative_steps(sample, first, second)
    return combine(x, y, a, b, step_errors=errors, space="mu(E)")
