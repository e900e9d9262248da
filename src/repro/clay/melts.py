r"""How the exchange of anions depends on the temperature of the melt.

Melts at several temperatures are read at the same *progress* x (:func:`size_effect.progress`):
with :math:`t_x` the time at which a melt has gone so far, its rate is :math:`1/t_x`, and an
Arrhenius law is laid through the rates of all runs,

.. math:: \frac{1}{t_x} = A \exp\left(-\frac{E}{k_B T}\right).

That holds if a change of temperature only stretches the curve of progress in time.  The energy
is that of the whole way (diffusion through the melt, and what happens at the faces), and says
nothing outside the temperatures it was read from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.clay import chapter
from repro.clay.arrhenius import Arrhenius, arrhenius
from repro.clay.mixing import Exchange
from repro.clay.size_effect import progress, when
from repro.errors import InputError
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
PART = 0.75
"""Part of the least progress of all melts at which they are compared: its end is noise."""


@dataclass(frozen=True)
class Melts:
    """Melts of the same assemblies at several temperatures.

    Attributes
    ----------
    runs:
        One row a run: ``temperature`` (K), ``seed``, ``start`` and ``share`` (chlorine on
        gallium in the first frame and at ``until_ps``), ``time_ps`` to the common progress and
        its ``error_ps`` from the number of atoms.
    progress:
        At which all are compared.
    until_ps:
        End of the shortest melt.
    law:
        Through the rates 1/ps of all runs.
    """

    runs: pd.DataFrame
    progress: float
    until_ps: float
    law: Arrhenius

    def over_seeds(self, temperature: float, column: str) -> Estimate:
        """Return mean and error over seeds of a column at a temperature.

        Raises
        ------
        InputError
            For a temperature without runs.
        """
        own = self.runs[self.runs.temperature == temperature]
        if own.empty:
            raise InputError(f"{temperature:g} K: expected one of "
                             f"{', '.join(f'{t:g}' for t in sorted(set(self.runs.temperature)))} K")  # fmt: skip
        return chapter.over_seeds(own[column].tolist())


def compare(found: Mapping[float, Mapping[int, Exchange]]) -> Melts:
    """Return melts at several temperatures, compared at a progress that all of them reach.

    Parameters
    ----------
    found:
        Temperature (K) to seed to exchange; three temperatures or more.

    Raises
    ------
    InputError
        For fewer temperatures, or a melt that has made no progress.
    """
    if len(found) < 3:
        raise InputError(f"{len(found)} temperatures: expected three or more")
    every = [
        (kelvin, seed, one) for kelvin, own in sorted(found.items()) for seed, one in own.items()
    ]
    until = min(float(one.time_ps[-1]) for _, _, one in every)
    curves = [progress(one) for _, _, one in every]
    least = min(float(x.max()) for x in curves)
    if not least > 0:
        raise InputError("a melt has made no progress: expected some at each temperature")
    common = PART * least
    rows = []
    for (kelvin, seed, one), x in zip(every, curves, strict=True):
        # The noise of a share near the crossing, as one of progress; half the difference between
        # a curve that much higher and one that much lower.
        at = when(x, one.time_ps, common, seed)
        step = float(np.interp(at, one.time_ps, one.errors["chlorine_on_gallium"]))
        step /= 1 - float(one.chlorine_on_gallium[0])
        early, late = (when(x, one.time_ps, min(max(common + sign * step, common / 10), x.max()), seed)
                       for sign in (-1, 1))  # fmt: skip
        rows.append({
            "temperature": kelvin, "seed": seed, "start": float(one.chlorine_on_gallium[0]),
            "share": float(np.interp(until, one.time_ps, one.chlorine_on_gallium)),
            "time_ps": at, "error_ps": (late - early) / 2,
        })  # fmt: skip
    runs = pd.DataFrame(rows)
    rate = 1 / runs.time_ps.to_numpy()
    law = arrhenius(runs.temperature.to_numpy(float), rate, rate**2 * runs.error_ps.to_numpy())
    return Melts(runs, common, until, law)


def table(melts: Melts, tetrahedra: Mapping[float, Estimate]) -> pd.DataFrame:
    """Return the melts in words, one row a temperature.

    Parameters
    ----------
    melts:
        As from :func:`compare`.
    tetrahedra:
        Temperature to the share of gallium with four chlorines and no fluorine.
    """
    every = sorted(set(melts.runs.temperature))
    return pd.DataFrame({
        "chlorine on gallium at the start (%)": [melts.over_seeds(t, "start").words(1, factor=100) for t in every],
        f"after {melts.until_ps:g} ps (%)": [melts.over_seeds(t, "share").words(1, factor=100) for t in every],
        f"GaCl4 after {melts.until_ps:g} ps (%)": [tetrahedra[t].words(1, factor=100) for t in every],
        f"{100 * melts.progress:.0f} % of the way after (ps)": [melts.over_seeds(t, "time_ps").words(1) for t in every],
        "assemblies": [int((melts.runs.temperature == t).sum()) for t in every],
    }, index=pd.Index([f"{t:g} K" for t in every], name="melt"))  # fmt: skip
