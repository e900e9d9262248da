r"""What the chapter on lithium makes of its runs: a law, 300 K, and the numbers of others.

Each run of each seed is a point of the fit of its own; where assemblies differ by more
than the errors of single runs, chi^2 widens the interval (:mod:`repro.clay.arrhenius`).
Which runs count, says a rule of :mod:`repro.clay.lithium_chapter`.

Two things no interval contains are shown beside it.  The Haven ratio is an input.  And a
liquid above its glass transition may bend away from an Arrhenius line, as in the law of
Vogel, Fulcher and Tammann,

.. math:: \ln D = \ln A - \frac{B}{k (T - T_0)} ,

which for a given :math:`T_0` is the same straight fit in a shifted temperature;
:math:`T_0 = 0` is Arrhenius.

Numbers of others are in :data:`LITERATURE` with their sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import constants

from repro.clay import chapter, diffusion
from repro.clay.arrhenius import FEWEST, Arrhenius, Value, arrhenius
from repro.clay.diffusion import Conductivity, Diffusion
from repro.clay.lithium_chapter import LEG, PROTOCOL, RULES, Point
from repro.errors import InputError
from repro.md.scripts import BAR_PER_MPA
from repro.md.statistics import Estimate, mean

WLF = 51.6
"""K from the glass transition down to T0, universal constant of Williams, Landel and Ferry."""


@dataclass(frozen=True)
class Quoted:
    """A conductivity that others measured at room temperature, mS/cm, and where it is from."""

    material: str
    value: float
    source: str
    doi: str


LITERATURE: dict[str, Quoted] = {
    "third": Quoted("2 LiCl + GaF3, a third group", 3.20,
                    "Patel et al., Science Advances 9, eadj9930 (2023), abstract",
                    "10.1126/sciadv.adj9930"),
    # Conductivity at 1 M of the fit 0.1297 c^3 - 2.51 c^1.5 + 3.329 c (S/m, c in mol/L).
    "liquid": Quoted("1 M LiPF6 in EC:EMC 3:7, a liquid", 9.5,
                     "Nyman, Behm and Lindbergh, Electrochimica Acta 53, 6356 (2008), their fit",
                     "10.1016/j.electacta.2008.04.023"),
}  # fmt: skip


def law(
    found: Sequence[Point], *, rule: str = RULES[0], divergence: float = 0.0
) -> Arrhenius | None:
    """Return the law of the runs that count; None with fewer than three temperatures.

    Parameters
    ----------
    found:
        From :func:`repro.clay.lithium_chapter.points`.
    rule:
        By which they count, one of ``RULES`` there.  By ``widened`` it is the one with the
        wider interval of two fits: with widened errors and Student's t, and with plain ones.
    divergence:
        T0 in K.  With another than 0 the energy is the B of Vogel, Fulcher and Tammann,
        and all temperatures of the fit are shifted by T0.

    Raises
    ------
    InputError
        For another rule, or a T0 below 0 or not below the coldest run that counts.
    """
    used = [(p, p.found) for p in found if p.found is not None and p.counts(rule)]
    kelvin = np.array([p.temperature for p, _ in used])
    if not 0 <= divergence < (kelvin.min() if len(kelvin) else np.inf):
        raise InputError(f"T0 of {divergence:g} K: expected 0 or more and below the coldest run")
    if len(np.unique(kelvin)) < FEWEST:
        return None
    shifted, values = kelvin - divergence, np.array([d.coefficient for _, d in used])
    errors = np.array([p.error(rule) for p, _ in used])
    if rule != "widened":
        return arrhenius(shifted, values, errors)
    # Larger errors lower chi^2, and with it the factor by which it widens the interval.
    plain = np.array([d.error for _, d in used])
    fits = arrhenius(shifted, values, errors, student=True), arrhenius(shifted, values, plain)
    return max(fits, key=lambda one: one.high - one.low)


def pressures(found: Sequence[Point], preset: str = chapter.PRESET) -> list[Estimate]:
    """Return the mean pressure of each shipped run in MPa, in the order of the points.

    A run keeps the cell that it had at the end of a short leg at zero pressure, and that moment
    was not an average one.
    """
    return [
        chapter.times(
            mean(
                chapter.thermo(p.seed, f"{PROTOCOL}{p.temperature:g}", LEG, preset=preset)["Press"]
            ),
            1 / BAR_PER_MPA,
        )
        for p in found
    ]


def unpressed(
    found: Sequence[Point], pressures_mpa: Sequence[float], *, volume: float
) -> list[Point]:
    r"""Return the runs as they would be at no pressure, for an activation volume.

    .. math:: D(0) = D(p) \, e^{p V_a / k T}

    Parameters
    ----------
    found, pressures_mpa:
        Runs and the pressure of each.
    volume:
        Activation volume in angstrom^3, a guess.

    Raises
    ------
    InputError
        For different numbers of runs and pressures.
    """
    if len(found) != len(pressures_mpa):
        raise InputError(f"{len(found)} runs and {len(pressures_mpa)} pressures: expected one each")
    made = []
    for p, pressure in zip(found, pressures_mpa, strict=True):
        d = p.found
        if d is not None:
            by = float(np.exp(1e6 * pressure * 1e-30 * volume / (constants.k * p.temperature)))
            d = replace(d, coefficient=by * d.coefficient, error=by * d.error, low=by * d.low,
                        high=by * d.high)  # fmt: skip
        made.append(replace(p, found=d))
    return made


def carriers(preset: str = chapter.PRESET) -> Estimate:
    """Return lithium per angstrom^3 of the glass at 300 K, last half of each rest, over seeds."""
    each = []
    for seed in chapter.seeds("anneal", preset=preset):
        volume = chapter.thermo(seed, "anneal", "rest", preset=preset)["Volume"]
        first = next(chapter.frames(seed, "anneal", "rest", preset=preset))
        each.append(int((first.numbers == 3).sum()) / float(volume[len(volume) // 2 :].mean()))
    return chapter.over_seeds(each)


def conducts(value: Value, *, density: float, haven: float = 1.0, shift: float = 0.0) -> Conductivity:  # fmt: skip
    """Return the conductivity that a value of the law stands for.

    Parameters
    ----------
    value:
        Of a diffusion coefficient in cm^2/s, from a law's ``at``.
    density:
        Lithium per angstrom^3 at that temperature.
    haven:
        Haven ratio.
    shift:
        T0 of the law in K, which its temperatures lack.

    Raises
    ------
    InputError
        For a density or Haven ratio that is not positive.
    """
    if not density > 0:
        raise InputError(f"{density:g} lithium per cubic angstrom: expected a positive number")
    none = np.empty(0)
    stated = Diffusion(
        coefficient=value.value, error=value.value * value.log_error, low=value.low, high=value.high,
        temperature=value.temperature + shift, lag_ps=none, msd_A2=none, msd_error=none,
        start_ps=np.nan, stop_ps=np.nan, exponent=1.0, exponent_error=0.0, density=density,
    )  # fmt: skip
    return diffusion.conductivity(stated, haven=haven)


def within(found: Conductivity, published: float, *, factor: float) -> bool:
    """Return whether a conductivity is within a factor of a published one, either way.

    Raises
    ------
    InputError
        For a published value that is not positive, or a factor below 1.
    """
    if not published > 0 or not factor >= 1:
        raise InputError(f"within a factor of {factor:g} of {published:g} mS/cm: expected a factor "
                         "of 1 or more and a positive value")  # fmt: skip
    return bool(max(found.value / published, published / found.value) <= factor)


def spread(values: Sequence[float]) -> float:
    """Return the largest of some positive values over the smallest.

    Raises
    ------
    InputError
        For fewer than two, or one that is not positive.
    """
    if len(values) < 2 or not min(values) > 0:
        raise InputError(f"values {list(values)}: expected two or more, all above 0")
    return max(values) / min(values)


def bends(found: Sequence[Point], *, density: float, rule: str = RULES[0],
          temperature: float = 300.0,
          divergences: Sequence[float] = (0.0,)) -> dict[float, Conductivity]:  # fmt: skip
    """Return the conductivity at a temperature for several T0 (K); empty without a law.

    Raises
    ------
    InputError
        As :func:`law`, or for a T0 that is not below the temperature.
    """
    made = {}
    for t0 in divergences:
        if not t0 < temperature:
            raise InputError(f"T0 of {t0:g} K: expected below {temperature:g} K")
        if (one := law(found, rule=rule, divergence=t0)) is not None:
            made[t0] = conducts(one.at(temperature - t0), density=density, shift=t0)
    return made
