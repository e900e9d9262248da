r"""Stress, strain and energy of stress cycles, and what is left after each.

The shear strain is the tilt over the height it is a tilt of, less that at the start:
:math:`\gamma_{yz} = (t_{yz} - t_{yz}^0) / L_z`, likewise with :math:`L_z` for xz and
:math:`L_y` for xy.  The stress is minus the pressure LAMMPS prints.  The paper replaces
each quantity by its average over 5 ps on either side (Methods); :func:`moving_mean` does
that.

A residual strain says little alone: a cell of a few hundred atoms wanders without any
load.  So every number here comes with its standard error, and a control run without load
goes through the same functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError
from repro.md.logs import Thermo
from repro.md.scripts import BAR_PER_MPA, SHEARS
from repro.md.statistics import Estimate, mean

Floats = NDArray[np.float64]
HALF_WIDTH = 5.0
"""ps on either side that the paper averages over."""
HEIGHT = {"yz": "Lz", "xz": "Lz", "xy": "Ly"}


@dataclass(frozen=True)
class Series:
    """A protocol as one series; arrays of one length.

    Attributes
    ----------
    time:
        ps from the start of the first leg.
    stress, strain:
        Shear stress in MPa, strain without unit.
    energy:
        Potential energy less that of the first row, meV/atom.
    leg:
        Index of the leg of each row.
    """

    time: Floats
    stress: Floats
    strain: Floats
    energy: Floats
    leg: NDArray[np.int64]


@dataclass(frozen=True)
class Cycle:
    """One pulse and the rest after it, each averaged over its last part.

    Attributes
    ----------
    number:
        From 1.
    loaded, residual:
        Strain at the end of the pulse, and of the rest after it.
    energy:
        Potential energy at the end of the rest less that at the start, meV/atom.
    """

    number: int
    loaded: Estimate
    residual: Estimate
    energy: Estimate


def moving_mean(time: Floats, values: Floats, *, half_width: float = HALF_WIDTH) -> Floats:
    r"""Return the average over :math:`[t - \Delta, t + \Delta]` at each time.

    Near an end the interval is cut there, so it is no longer centred.

    Parameters
    ----------
    time, values:
        (N,), times in ps, increasing.
    half_width:
        :math:`\Delta` in ps.

    Raises
    ------
    InputError
        For other shapes, times that do not increase, or a negative width.
    """
    t, v = np.asarray(time, dtype=float), np.asarray(values, dtype=float)
    if t.ndim != 1 or t.shape != v.shape:
        raise InputError(f"times of shape {t.shape}, values {v.shape}: expected (N,) both")
    if half_width < 0 or (np.diff(t) <= 0).any():
        raise InputError(f"half width {half_width} ps: expected 0 or more, and increasing times")
    # Sums run over differences from the mean, so that large energies lose no digits.
    middle = v.mean() if len(v) else 0.0
    total = np.concatenate([[0.0], np.cumsum(v - middle)])
    slack = 1e-9 * max(half_width, 1.0)
    first = np.searchsorted(t, t - half_width - slack, side="left")
    last = np.searchsorted(t, t + half_width + slack, side="right")
    result: Floats = middle + (total[last] - total[first]) / (last - first)
    return result


def _component(component: str) -> None:
    if component not in SHEARS:
        raise InputError(f"shear component {component!r}: expected {', '.join(SHEARS)}")


def series(legs: Sequence[Thermo], *, component: str, natoms: int) -> Series:
    """Return the legs of a protocol one after another.

    The first row of a leg repeats the last of the one before and is left out.

    Parameters
    ----------
    legs:
        Thermo tables in order.
    component:
        ``yz``, ``xz`` or ``xy``.
    natoms:
        Number of atoms.

    Raises
    ------
    InputError
        For no legs, no atoms, another component, or tables without cell columns.
    """
    _component(component)
    if not legs or natoms < 1:
        raise InputError(f"{len(legs)} legs of {natoms} atoms: expected one or more of both")
    tilt, height = component.capitalize(), HEIGHT[component]
    start = legs[0]
    begin, now = 0.0, []
    for number, leg in enumerate(legs):
        kept = slice(0 if number == 0 else 1, None)
        time = begin + (leg["Time"] - leg["Time"][0])
        now.append((
            time[kept], -leg["P" + component][kept] / BAR_PER_MPA,
            ((leg[tilt] - start[tilt][0]) / leg[height])[kept],
            (1000.0 * (leg["PotEng"] - start["PotEng"][0]) / natoms)[kept],
            np.full(len(time[kept]), number),
        ))  # fmt: skip
        begin = float(time[-1])
    parts = [np.concatenate(column) for column in zip(*now, strict=True)]
    return Series(parts[0], parts[1], parts[2], parts[3], parts[4].astype(np.int64))


def _end(values: Floats, share: float) -> Estimate:
    return mean(values[-max(round(share * len(values)), 1) :])


def summary(found: Series, *, share: float = 0.25) -> list[Cycle]:
    """Return loaded and residual strain and the energy change of each cycle.

    Parameters
    ----------
    found:
        From :func:`series`: legs in turn with load and without.
    share:
        Last part of each leg that is averaged.

    Raises
    ------
    InputError
        For an odd number of legs, or a share that is not above 0 and at most 1.
    """
    count = int(found.leg.max()) + 1
    if count % 2 or not 0 < share <= 1:
        raise InputError(f"{count} legs, share {share}: expected pairs of load and rest, and a "
                         "share above 0 and at most 1")  # fmt: skip
    made = []
    for number in range(count // 2):
        on, off = found.leg == 2 * number, found.leg == 2 * number + 1
        made.append(Cycle(number + 1, _end(found.strain[on], share), _end(found.strain[off], share),
                          _end(found.energy[off], share)))  # fmt: skip
    return made
