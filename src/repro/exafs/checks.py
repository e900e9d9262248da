"""What can be seen to be wrong with a spectrum before any curve is drawn from it.

Each check says what was found and what was expected.  What cannot be seen in the numbers
(another sample, harmonics, self-absorption) cannot be refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError
from repro.exafs import edges

Floats = NDArray[np.float64]
MIN_POINTS = 50
SECOND = 0.25  # of the edge; EXAFS beyond 100 eV gives steps of up to a sixth or so
LOWEST, HIGHEST = 1000.0, 200_000.0  # eV, of a scan


def points(count: int) -> list[str]:
    """Return names of points, counted from 1, for messages."""
    return [f"point {k}" for k in range(1, count + 1)]


def finite(columns: Mapping[str, Floats], *, source: str, where: Sequence[str]) -> None:
    """Check that there are enough values and that every one is a finite number.

    Raises
    ------
    InputError
        Naming column and line.
    """
    for name, column in columns.items():
        bad = np.flatnonzero(~np.isfinite(column))
        if bad.size:
            raise InputError(f"{source}, {where[bad[0]]}: {name} is {column[bad[0]]}; "
                             "expected a finite number")  # fmt: skip
        if len(column) < MIN_POINTS:
            raise InputError(f"{source}: {len(column)} points; expected a whole scan of at least "
                             f"{MIN_POINTS}")  # fmt: skip


def positive(columns: Mapping[str, Floats], *, source: str, where: Sequence[str]) -> None:
    """Check that intensities are above zero, since their logarithm is taken.

    Raises
    ------
    InputError
        Naming column and line.
    """
    for name, column in columns.items():
        bad = np.flatnonzero(column <= 0)
        if bad.size:
            raise InputError(
                f"{source}, {where[bad[0]]}: {name} is {column[bad[0]]:g} ({bad.size} such points); "
                "expected intensities above 0 (a dark current taken off twice, a dead channel, or "
                "another column?)"
            )


def _ascends(values: Floats) -> bool:
    return bool((np.diff(values) > 0).all())


def _looks_like_energy(values: Floats) -> bool:
    return _ascends(values) and values[0] >= LOWEST and values[-1] <= HIGHEST


def axis(energy: Floats, mu: Floats, *, source: str, where: Sequence[str],
         near: float | None = None) -> None:  # fmt: skip
    """Check the energies: eV, strictly ascending, and not exchanged with mu.

    Parameters
    ----------
    energy, mu:
        (N,), finite.
    source, where:
        File and places of the points, for messages.
    near:
        Edge that is expected, eV; only makes a message clearer.

    Raises
    ------
    InputError
        Saying what the column looks like.
    """
    low, high = float(energy.min()), float(energy.max())
    found = f"{source}: energies from {low:g} to {high:g}"
    if not _looks_like_energy(energy) and _looks_like_energy(mu):
        raise InputError(f"{source}: the columns look swapped: that of energy runs from {low:g} to "
                         f"{high:g}, that of mu ascends from {mu[0]:g} to {mu[-1]:g}")  # fmt: skip
    if low < 0:
        raise InputError(f"{found}; expected eV on an absolute scale, not relative to the edge")
    if high < LOWEST:
        falling = energy[0] > energy[-1]
        if near is not None and low < near / 1000 < high and not falling:
            raise InputError(f"{found} look like keV; expected eV (or read with unit=keV)")
        angle = " (falling: a monochromator angle in degrees?)" if falling else ""
        raise InputError(f"{found}{angle}; expected eV, {LOWEST:g} to {HIGHEST:g}")
    if high > HIGHEST:
        raise InputError(f"{found}; expected eV, {LOWEST:g} to {HIGHEST:g} (monochromator steps?)")
    step = np.diff(energy)
    if (step < 0).all():
        raise InputError(f"{source}: energies fall from {energy[0]:g} to {energy[-1]:g}; expected "
                         "ascending ones (turn the file round)")  # fmt: skip
    back = np.flatnonzero(step <= 0)
    if back.size:
        k = int(back[0]) + 1
        what = "repeats" if step[k - 1] == 0 else "falls below"
        raise InputError(
            f"{source}, {where[k]}: energy {energy[k]:.10g} {what} {energy[k - 1]:.10g} before it "
            f"({back.size} such points); expected strictly ascending energies (two scans in one "
            "file? average them first)"
        )


def edge(energy: Floats, mu: Floats, *, expected: str, within: float, source: str) -> edges.Jump:
    """Check that the largest jump of mu is the expected edge.

    Parameters
    ----------
    energy, mu:
        (N,), eV, ascending.
    expected:
        Such as ``"Ga K"``.
    within:
        Largest distance from the tabulated energy, eV.
    source:
        For messages.

    Raises
    ------
    InputError
        For no clear jump, one downwards, another edge, which is named, or two edges.
    """
    energy_there = edges.tabulated(expected)
    wanted = f"expected the {expected} edge near {energy_there:.0f} eV"
    try:
        found = edges.jump(energy, mu)
    except InputError as error:
        raise InputError(f"{source}: {error}; {wanted}") from error
    if not found.clear:
        raise InputError(
            f"{source}: no edge between {energy[0]:g} and {energy[-1]:g} eV (largest step "
            f"{found.height:.3g} at {found.energy:.0f} eV, noise {found.noise:.2g}); {wanted}"
        )
    if found.height < 0:
        raise InputError(
            f"{source}: mu falls by {-found.height:.3g} at {found.energy:.0f} eV; {wanted}, where "
            "it rises (I0 and It swapped, or transmission instead of mu?)"
        )
    if abs(found.energy - energy_there) > within:
        raise InputError(
            f"{source}: the edge is at {found.energy:.0f} eV (nearest in xraydb: "
            f"{edges.nearest(found.energy)}); {wanted}, within {within:g} eV"
        )
    if abs(found.other_height) > SECOND * found.height:
        raise InputError(
            f"{source}: besides the edge at {found.energy:.0f} eV a step of {found.other_height:.3g} "
            f"at {found.other_energy:.0f} eV (nearest in xraydb: {edges.nearest(found.other_energy)}); "
            f"{wanted} alone (It and Iref swapped, or the foil seen in the sample's channel?)"
        )
    return found


def window(
    energy: Floats,
    e0: float,
    *,
    k_min: float,
    k_max: float,
    dk: float,
    r_max: float,
    source: str,
) -> None:
    """Check that a scan fills the Fourier window, finely enough for ``r_max``.

    A step of k must be below pi / (2 r_max), or waves of that distance are lost.

    Raises
    ------
    InputError
        Naming the last energy or the gap.
    """
    needed = e0 + float(edges.kinetic_energy(k_max + dk / 2))
    if energy[-1] < needed:
        reach = float(edges.wave_number(energy[-1] - e0))
        raise InputError(
            f"{source}: the scan ends at {energy[-1]:.1f} eV, k = {reach:.2f} 1/angstrom; expected "
            f"{needed:.1f} eV or more for a window up to k_max {k_max:g} + dk/2 {dk / 2:g} (or "
            f"k_max at most {max(reach - dk / 2, 0):.1f})"
        )
    k = edges.wave_number(energy - e0)
    first = max(int(np.searchsorted(k, max(k_min - dk / 2, 0.0), side="right")) - 1, 0)
    last = int(np.searchsorted(k, k_max + dk / 2)) + 1
    steps = np.diff(k[first:last])
    widest = int(np.argmax(steps))
    limit = np.pi / (2 * r_max)
    if steps[widest] > limit:
        at = first + widest
        raise InputError(
            f"{source}: no point between {energy[at]:.1f} and {energy[at + 1]:.1f} eV, k = "
            f"{k[at]:.2f} to {k[at + 1]:.2f} 1/angstrom; expected steps of k below {limit:.2f} "
            f"for |chi(R)| to {r_max:g} angstrom"
        )
