"""Tables and sentences of the chapter on lithium.

Which runs there are is not known when the prose is written, nor whether a law can be
fitted; so what depends on it is said by these, from none to all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.clay.arrhenius import Arrhenius, Value
from repro.clay.charge import Pooled, Transport, pooled
from repro.clay.diffusion import Conductivity
from repro.clay.lithium_chapter import RULES, Point, flows
from repro.clay.lithium_law import conducts
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
COLUMNS = ["T (K)", "seed", "run (ps)", "pressure (MPa)", "D (10⁻⁶ cm²/s)", "error, widened", "exponent",
           "later / earlier slope", "counts by exponent", "counts as straight"]  # fmt: skip
NO_CONDUCTIVITY = "no conductivity, for want of a law"
NO_LAW = "No law: three temperatures or more have to count."


def _and(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _where(found: Sequence[Point]) -> str:
    kelvin = sorted({p.temperature for p in found}, reverse=True)
    seeds = len({p.seed for p in found})
    return (
        f"at {_and([f'{t:g}' for t in kelvin])} K, of {seeds} assembl{'ies' if seeds > 1 else 'y'}"
    )


def listed(found: Sequence[Point]) -> str:
    """Return in words which runs there are: ``3 runs, at 820, 740 and 660 K, of 1 assembly``."""
    if not found:
        return "no run yet"
    return f"{len(found)} run{'s' * (len(found) > 1)}, {_where(found)}"


def counted(found: Sequence[Point], *, rule: str = RULES[0]) -> str:
    """Return in words which runs count, as :func:`listed` does."""
    used = [p for p in found if p.counts(rule)]
    if not used:
        return f"none of {len(found)} runs" if found else "no run, as there is none yet,"
    return f"{len(used)} of {len(found)} ({_where(used)})"


def _two(value: float) -> str:
    """Return a number with two digits, and no power of ten above a hundred."""
    return f"{value:.2g}" if not value >= 100 else f"{value:.0f}"


def _coefficient(p: Point) -> str:
    d = p.found
    return "" if d is None else f"{1e6 * d.coefficient:.2f} ± {1e6 * d.error:.2f}"


def table(found: Sequence[Point], pressures: Sequence[Estimate] = ()) -> pd.DataFrame:
    """Return D, exponent, ratio of slopes and use of each run, one row a temperature and seed.

    Parameters
    ----------
    found:
        All runs.
    pressures:
        Of each in MPa, if known.
    """
    rows = []
    for p, pressure in zip_longest(found, pressures):
        d = p.found
        rows.append({
            "T (K)": round(p.temperature), "seed": p.seed, "run (ps)": f"{p.picoseconds:g}" if len(p.lag_ps) else "",
            "pressure (MPa)": "" if pressure is None else pressure.words(0),
            "D (10⁻⁶ cm²/s)": _coefficient(p),
            "error, widened": f"{1e6 * p.error('widened'):.2f}" if p.counts("widened") else "",
            "exponent": "" if d is None else f"{d.exponent:.2f} ± {d.exponent_error:.2f}",
            "later / earlier slope": "" if d is None else f"{p.straight.value:.2f} ± {p.straight.error:.2f}",
            # Where there is a coefficient, its exponent two columns before is the reason.
            "counts by exponent": "yes" if p.diffuses else "no" if d is not None else f"no: {p.reason}",
            "counts as straight": "yes" if p.counts("straight") else "no",
        })  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS).set_index(["T (K)", "seed"])  # fmt: skip


def movers_table(found: Mapping[str, Point]) -> pd.DataFrame:
    """Return, for each element, how far it came, D, and by which rules that is one."""
    rows = {}
    for e, p in found.items():
        far, d = len(p.lag_ps) > 0, p.found
        rows[e] = {
            "lag (ps)": f"{p.lag_ps[-1]:g}" if far else "",
            "root of the MSD (Å)": f"{p.rms:.1f}" if far else "",
            "exponent": "" if d is None else f"{d.exponent:.2f} ± {d.exponent_error:.2f}",
            "D (10⁻⁶ cm²/s)": _coefficient(p) or "no coefficient",
            "exponent of 1": "yes" if p.diffuses else "no",
            "straight": "yes" if p.counts("straight") else "no",
        }
    return pd.DataFrame(rows).T.rename_axis("element")


def host(found: Mapping[str, Point], *, rule: str = "straight") -> str:
    """Return a sentence on whether the frame flows in a run; about none if there is none."""
    if not found:
        return "There is no run yet to say who moves."
    ga, li = found["Ga"], found["Li"]
    if not len(ga.lag_ps):
        return f"The paths of the hottest run could not be followed: {ga.reason}."
    far = (f"within {ga.lag_ps[-1]:g} ps gallium comes {ga.rms:.1f} Å far, lithium "
           f"{li.rms:.1f} Å")  # fmt: skip
    if not flows(found, rule=rule):
        return f"The frame stands or creeps, and lithium moves in it: {far}."
    faster = ""
    if ga.found is not None and li.found is not None:
        faster = f", and lithium diffuses {li.found.coefficient / ga.found.coefficient:.1f} times as fast"
    return f"Everything moves, so this is a melt: {far}{faster}."


def far(found: Mapping[str, Point]) -> str:
    """Return a sentence on how far each element came: what a reader without the figure needs."""
    seen = {e: p for e, p in found.items() if len(p.lag_ps)}
    if not seen:
        return "An empty plot: there are no paths to draw."
    return ("Rising curves. At the longest lag the roots of the mean squared displacement are "
            + _and([f"{p.rms:.1f} angstrom for {e}" for e, p in seen.items()]) + ".")  # fmt: skip


def energy(law: Arrhenius | None) -> str:
    """Return a sentence with the activation energy, its interval and the fit's quality."""
    if law is None:
        return NO_LAW
    digits = 2 if law.error >= 0.01 else 3
    return (f"The barrier is {law.energy:.{digits}f} ± {law.error:.{digits}f} eV (95 %: "
            f"{law.low:.{digits}f} to {law.high:.{digits}f}), chi² {law.chi2:.1f} for {law.freedom} "
            f"degree{'s' * (law.freedom > 1)} of freedom.")  # fmt: skip


def reach(law: Arrhenius | None, *, temperature: float = 300.0) -> str:
    """Return a sentence on how far a temperature is from the data."""
    return "There is nothing to extrapolate." if law is None else law.at(temperature).statement


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{_two(value)} mS/cm (95 %: {_two(low)} to {_two(high)})"


def _per_kelvin(at: Value) -> tuple[float, float, float]:
    """Return value and interval of a conductivity of which a law has the product with T."""
    return at.value / at.temperature, at.low / at.temperature, at.high / at.temperature


def words(found: Conductivity | None) -> str:
    """Return a conductivity in words, with its interval."""
    return NO_CONDUCTIVITY if found is None else _with_interval(found.value, found.low, found.high)


def answer(found: Sequence[Point], sigmas: Mapping[str, Conductivity | None], *, rule: str) -> str:
    """Return the answer of the chapter in a sentence.

    Parameters
    ----------
    found:
        All runs.
    sigmas:
        Rule to conductivity at 300 K, None without a law.
    rule:
        The one that is asked for; where it gives no law, the next milder that does is named.
    """
    sigma, other, widest = sigmas[rule], sigmas["straight"], sigmas["widened"]
    if sigma is not None:
        return (f"Lithium that diffuses as it does in {counted(found, rule=rule)} would, extrapolated to "
                f"300 K along a straight line and if its ions move independently, conduct {words(sigma)}.")  # fmt: skip
    straight_on = "if the law stays straight that far and its ions move independently"
    if other is not None:
        also = ""
        if widest is not None:
            also = f", and with all runs let in and their errors widened {words(widest)}"
        return (f"By the rule we had fixed, not enough temperatures count for a law "
                f"({counted(found, rule='exponent')}); by a milder one, {counted(found, rule='straight')}, "
                f"lithium would conduct {words(other)} at 300 K{also}, {straight_on}.")  # fmt: skip
    if widest is not None:
        let_in = [p for p in found if p.counts("widened")]
        return (f"By our two rules not enough temperatures count for a law; with {listed(let_in)}, let in all the "
                f"same and their errors widened by what the slope of each still changes, lithium would conduct "
                f"{words(widest)} at 300 K, {straight_on}.")  # fmt: skip
    so_far = (
        f"by the milder of our rules, {counted(found, rule='straight')} count"
        if found
        else "there is no run yet"
    )
    return ("We cannot say yet what it would conduct at 300 K: that takes three temperatures at which "
            f"lithium diffuses, and {so_far}.")  # fmt: skip


def charge_table(found: Sequence[Transport]) -> pd.DataFrame:
    """Return what all charges conduct in each run, and would if each ion went its own way."""
    rows = []
    for one in found:
        low, high = one.interval
        top = f"{high:.0f}" if np.isfinite(high) else "∞"
        rows.append({
            "T (K)": round(one.temperature), "seed": one.seed,
            "all charges (mS/cm)": f"{one.conductivity:.0f} ({low:.0f} to {top})",
            "lithium, independent": f"{one.independent:.0f}",
            "all ions, independent": f"{one.everyone:.0f}",
            "all charges / lithium": one.ratio.words(2),
        })  # fmt: skip
    columns = ["T (K)", "seed", "all charges (mS/cm)", "lithium, independent",
               "all ions, independent", "all charges / lithium"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).set_index(["T (K)", "seed"])


def together(ratio: Pooled | None, *, haven: float = 0.3) -> str:
    """Return sentences on what all charges carry, over what independent lithium would.

    Parameters
    ----------
    ratio:
        From :func:`repro.clay.charge.pooled`.
    haven:
        A Haven ratio that others find, to say whether it is excluded.
    """
    if ratio is None:
        return "No run is long enough yet to say what all charges carry."
    mean = ratio.ratio
    if mean.samples < 2:
        return (f"In one run all charges carry {mean.value:.2f} times what independent lithium "
                "would, and of one run nobody can say how far that is chance.")  # fmt: skip
    other = 1 / haven
    place = "above" if other > ratio.high else "below" if other < ratio.low else "within"
    return (
        f"Taken as one number, {mean.samples} runs at {ratio.temperatures} "
        f"temperature{'s' * (ratio.temperatures > 1)}, of {ratio.seeds} "
        f"assembl{'ies' if ratio.seeds > 1 else 'y'}, say that all charges carry {mean.words(2)} times what "
        f"independent lithium would (95 %: {ratio.low:.2f} to {ratio.high:.2f}); had they been of ions that go "
        f"their own way, their mean would be 1 ± {ratio.chance:.2f}. A Haven ratio of {haven:g} stands for "
        f"{other:.1f}, {place} that interval."
    )


def windows(found: Mapping[tuple[float, float], Sequence[Transport]]) -> pd.DataFrame:
    """Return the ratio over runs for several ranges of fitted lags (ps), in words."""
    rows = {}
    for (low, high), own in found.items():
        one = pooled(own)
        rows[f"{low:g} to {high:g}"] = {
            "mean and scatter of runs": "–" if one is None else one.ratio.words(2),
            "chance, if 1": "–" if one is None else f"± {one.chance:.2f}",
            "runs": f"{len(own)}",
        }
    return pd.DataFrame(rows).T.rename_axis("lags (ps)")


def rows(curves: Mapping[float, Conductivity], *, frozen: float, haven: float = 0.3,
         charges: Value | None = None) -> dict[str, tuple[float, float, float]]:  # fmt: skip
    """Return value and interval of our conductivities by words: laws, and another Haven ratio.

    Parameters
    ----------
    curves:
        T0 (K) to the conductivity with a Haven ratio of 1; 0 is Arrhenius.
    frozen:
        T0 that is named as bent.
    haven:
        The other ratio, applied to Arrhenius.
    charges:
        Conductivity of all charges times temperature (mS K/cm), by its own Arrhenius law.
    """
    made = {}
    if 0.0 in curves:
        one = curves[0.0]
        made["ours, Arrhenius"] = (one.value, one.low, one.high)
        by = one.haven / haven
        made[f"ours, Haven ratio {haven:g}"] = (by * one.value, by * one.low, by * one.high)
    if frozen in curves:
        one = curves[frozen]
        made[f"ours, bent (T₀ {frozen:.0f} K)"] = (one.value, one.low, one.high)
    if charges is not None:
        made["ours, all charges"] = _per_kelvin(charges)
    return made


def room(law: Arrhenius | None, *, temperature: float = 300.0) -> str:
    """Return in words what a law of conductivity times temperature (mS K/cm) says of 300 K."""
    return NO_CONDUCTIVITY if law is None else _with_interval(*_per_kelvin(law.at(temperature)))


def havens(value: Value | None, *, density: float, ratios: Sequence[float] = (1.0, 0.6, 0.3)) -> pd.DataFrame:  # fmt: skip
    """Return the conductivity of one diffusion coefficient under several Haven ratios.

    Without a diffusion coefficient its cells are dashes.
    """
    made = [None if value is None else conducts(value, density=density, haven=h) for h in ratios]
    return pd.DataFrame(
        [
            ["–", "–"] if c is None else [_two(c.value), f"{_two(c.low)} to {_two(c.high)}"]
            for c in made
        ],
        index=pd.Index([f"{h:g}" for h in ratios], name="Haven ratio"),
        columns=["conductivity at 300 K (mS/cm)", "95 %"],
    )


def bends_table(curves: Mapping[float, Conductivity]) -> pd.DataFrame:
    """Return the conductivity at 300 K for each T0."""
    return pd.DataFrame(
        [[_two(c.value), f"{_two(c.low)} to {_two(c.high)}"] for c in curves.values()],
        index=pd.Index([f"{t:g}" for t in curves], name="T₀ (K)"),
        columns=["conductivity at 300 K (mS/cm)", "95 %"],
    )


def short(apparent: Floats, whole: Point | None) -> str:
    """Return a sentence on what runs as short as the teacher's would say of D.

    Parameters
    ----------
    apparent:
        From :func:`repro.clay.lithium_chapter.pieces`, cm^2/s; empty if there is none.
    whole:
        The run they were cut from.
    """
    if whole is None or whole.found is None or not len(apparent):
        return "What so short a run would say, we cannot show before there is a longer one."
    ratio = apparent / whole.found.coefficient
    low, high = np.percentile(ratio, [2.5, 97.5])
    close = 100 * float(((ratio >= 0.5) & (ratio <= 2.0)).mean())
    return (f"Cut our own run at {whole.temperature:g} K into runs as short and small: each would say "
            f"{np.median(ratio):.1f} times the D of the whole, most from {low:.1f} to {high:.1f} times, as "
            f"lithium has hardly left its cage; {close:.0f} % are within the factor of two that "
            "was asked for.")  # fmt: skip


def says(one: Point | None) -> str:
    """Return a sentence on what a single run says of D."""
    if one is None:
        return "The live run was switched off."
    if one.found is None:
        return f"No coefficient: {one.reason}."
    d = one.found
    text = (f"In this build lithium had D = {1e6 * d.coefficient:.0f} ± {1e6 * d.error:.0f} in 10⁻⁶ cm²/s, "
            f"an error of {100 * d.error / d.coefficient:.0f} %")  # fmt: skip
    return text + ("." if one.diffuses else f"; but {one.reason}.")
