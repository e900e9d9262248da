"""Figures of the chapter on lithium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from repro.clay.arrhenius import Arrhenius
from repro.clay.charge import Transport
from repro.clay.impedance_fit import CircuitFit, Spectrum
from repro.clay.lithium_chapter import RULES, Point
from repro.figures import CYCLE, PALETTE

MARKERS = "os^Dv"
WIDEST = (1e-5, 1e5)


def _logarithmic(ax: Axes, filled: bool) -> None:
    ax.set(xlabel="lag (ps)", ylabel="mean squared displacement (Å²)")
    if filled:
        ax.set(xscale="log", yscale="log")
        ax.legend()


def plot_msd(ax: Axes, points: Sequence[Point]) -> None:
    """Draw MSD against lag, a colour a temperature; errors and heavy line over the fitted range.

    Parameters
    ----------
    ax:
        Axes; both scales become logarithmic, if there is anything to draw.
    points:
        Runs; one that gave no coefficient is dotted, one without a curve left out.
    """
    # An axis without data cannot be logarithmic.
    seen = [p for p in points if len(p.lag_ps)]
    kelvin = sorted({p.temperature for p in seen}, reverse=True)
    named = set()
    for p in seen:
        color = CYCLE[kelvin.index(p.temperature) % len(CYCLE)]
        label = None if p.temperature in named else f"{p.temperature:g} K"
        named.add(p.temperature)
        ax.plot(p.lag_ps, p.msd_A2, ":" if p.found is None else "-", color=color, linewidth=0.9,
                label=label)  # fmt: skip
        if p.found is not None:
            d = p.found
            fitted = d.lag_ps >= d.start_ps * (1 - 1e-9)
            ax.errorbar(d.lag_ps[fitted], d.msd_A2[fitted], d.msd_error[fitted], color=color,
                        fmt="o" if p.diffuses else "x", markersize=3.5, linewidth=1.6)  # fmt: skip
    _logarithmic(ax, bool(seen))


def plot_charge(ax: Axes, found: Sequence[Transport]) -> None:
    """Draw the squared displacement of all charges, and of lithium alone, against lag.

    Parameters
    ----------
    ax:
        Axes; both scales become logarithmic, if there is anything to draw.
    found:
        Runs, a colour each temperature: a line for all charges, heavy where it was fitted, and
        a dashed one for lithium alone.
    """
    kelvin = sorted({one.temperature for one in found}, reverse=True)
    for one in found:
        color = CYCLE[kelvin.index(one.temperature) % len(CYCLE)]
        low, high = one.fit_ps
        fitted = (one.lag_ps >= low * (1 - 1e-9)) & (one.lag_ps <= high * (1 + 1e-9))
        ax.plot(one.lag_ps[1:], one.together[1:], color=color, linewidth=0.9)
        ax.plot(one.lag_ps[fitted], one.together[fitted], color=color, linewidth=2.2,
                label=f"{one.temperature:g} K")  # fmt: skip
        ax.plot(one.lag_ps[1:], one.alone[1:], "--", color=color, linewidth=0.9)
    _logarithmic(ax, bool(found))
    ax.set_ylabel("squared displacement (e² Å²)")


def plot_movers(ax: Axes, movers: Mapping[str, Point]) -> None:
    """Draw MSD against lag, one line an element, dotted where its exponent is not 1."""
    seen = {name: p for name, p in movers.items() if len(p.lag_ps)}
    for name, p in seen.items():
        ax.plot(p.lag_ps, p.msd_A2, "-" if p.diffuses else ":", color=PALETTE[name], label=name)
    _logarithmic(ax, bool(seen))


def plot_law(
    ax: Axes, points: Sequence[Point], law: Arrhenius | None, *, to: float, rule: str = RULES[0],
    bent: tuple[float, Arrhenius] | None = None,
) -> None:  # fmt: skip
    """Draw D against 1000/T with the law and its 95 % band, dashed where extrapolated.

    Parameters
    ----------
    ax:
        Axes; the vertical scale becomes logarithmic.
    points:
        Runs; those without a coefficient are not drawn.
    law:
        Arrhenius law of D in cm^2/s, or None.
    to:
        Temperature in K to which it is drawn.
    rule:
        By which runs count; others are hollow.
    bent:
        T0 (K) and the law in T - T0, drawn dash-dotted.
    """
    seeds = sorted({p.seed for p in points})
    named = set()
    for p in points:
        if p.found is None:
            continue
        k = seeds.index(p.seed)
        label = None if p.seed in named else f"seed {p.seed}"
        named.add(p.seed)
        d = p.found
        # What the fit's own interval leaves out, the error that enters the law may hold.
        more = p.error(rule) / d.error if p.counts(rule) and d.error > 0 else 1.0
        ax.errorbar([1000 / p.temperature], [d.coefficient],
                    [[more * max(d.coefficient - d.low, 0.0)], [more * max(d.high - d.coefficient, 0.0)]],
                    fmt=MARKERS[k % len(MARKERS)], color=CYCLE[k % len(CYCLE)], label=label,
                    markersize=5, markerfacecolor=None if p.counts(rule) else "white")  # fmt: skip
    if law is not None:
        for low, high, style, words in ((law.coldest, law.hottest, "-", "fit"),
                                        (to, law.coldest, "--", "extrapolated")):  # fmt: skip
            kelvin = 1 / np.linspace(1 / high, 1 / low, 80)
            values = [law.at(float(t)) for t in kelvin]
            x = 1000 / kelvin
            ax.plot(x, [v.value for v in values], style, color="0.25", linewidth=1.3, label=words)
            ax.fill_between(x, [v.low for v in values], [v.high for v in values], color="0.25",
                            alpha=0.15, linewidth=0)  # fmt: skip
        if bent is not None:
            t0, other = bent
            kelvin = 1 / np.linspace(1 / law.hottest, 1 / to, 80)
            ax.plot(1000 / kelvin, [other.at(float(t) - t0).value for t in kelvin], "-.",
                    color=PALETTE["highlight"], linewidth=1.3, label=f"bent, T₀ = {t0:.0f} K")  # fmt: skip
    ax.axvline(1000 / to, color="0.6", linewidth=0.8)
    ax.annotate(f"{to:g} K", (1000 / to, 0.98), xycoords=("data", "axes fraction"), ha="right",
                va="top", fontsize=8.5, xytext=(-3, 0), textcoords="offset points")  # fmt: skip
    ax.set(xlabel="1000 / T (1/K)", ylabel="D of lithium (cm²/s)")
    if named:
        ax.set_yscale("log")
        ax.legend(loc="lower left")


def plot_conductivities(
    ax: Axes, measured: Mapping[str, float], ours: Mapping[str, tuple[float, float, float]]
) -> None:
    """Draw conductivities on a logarithmic axis, one row each.

    Parameters
    ----------
    ax:
        Axes.
    measured:
        Words to mS/cm.
    ours:
        Words to value and 95 % interval, mS/cm; the axis ends at ``WIDEST`` at the latest.
    """
    rows = [*measured, *ours]
    for row, name in enumerate(rows):
        if name in measured:
            ax.plot(measured[name], row, "D", color=PALETTE["experiment"], markersize=6)
        else:
            value, low, high = ours[name]
            ax.plot([low, high], [row, row], color=PALETTE["ours"], linewidth=2.2)
            ax.plot(value, row, "o", color=PALETTE["ours"], markersize=6)
    ax.set_yticks(range(len(rows)), rows, fontsize=9)
    ax.set(xscale="log", xlabel="conductivity (mS/cm)", ylim=(len(rows) - 0.5, -0.5))
    low, high = ax.get_xlim()
    # An interval of a line that is hardly known would squeeze all else into a corner.
    ax.set_xlim(max(low, WIDEST[0]), min(high, WIDEST[1]))


def plot_spectrum(axes: Sequence[Axes], found: Spectrum, best: CircuitFit) -> None:
    """Draw a spectrum and its fit: Nyquist plot near the resistance, and the modulus.

    Parameters
    ----------
    axes:
        Two.
    found, best:
        From :mod:`repro.clay.impedance_fit`.
    """
    nyquist, bode = axes
    reach = 4 * best.resistance.value
    for z, style, words in ((found.impedance, "o", "spectrum"), (best.impedance, "-", "fit")):
        more = {"markersize": 3.5} if style == "o" else {"linewidth": 1.3}
        color = PALETTE["ours"] if style == "o" else PALETTE["highlight"]
        nyquist.plot(z.real, -z.imag, style, color=color, label=words, **more)  # type: ignore[arg-type]
        bode.plot(found.frequency, np.abs(z), style, color=color, **more)  # type: ignore[arg-type]
    nyquist.axvline(best.resistance.value, color="0.6", linewidth=0.8, linestyle="--")
    nyquist.set(xlim=(0, reach), ylim=(-0.15 * reach, 0.85 * reach), aspect="equal",
                xlabel="Re Z (Ω)", ylabel="−Im Z (Ω)")  # fmt: skip
    nyquist.legend()
    bode.axhline(best.resistance.value, color="0.6", linewidth=0.8, linestyle="--")
    bode.set(xscale="log", yscale="log", xlabel="frequency (Hz)", ylabel="|Z| (Ω)")
