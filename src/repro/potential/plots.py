"""Figures of the training chapter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from repro.figures import CYCLE, PALETTE
from repro.potential.chapter import Live

ORIGINS = {
    "static": ("static volumes", "#404040", "s"),
    "md": ("teacher runs", "#0072B2", "o"),
    "perturbed": ("perturbed copies", "#56B4E9", "."),
    "active": ("student runs", "#D55E00", "."),
}


def origin_group(origin: str) -> str:
    """Return the key of :data:`ORIGINS` for an origin, e.g. ``active-2`` is ``active``."""
    return origin.split("-")[0]


def plot_coverage(ax: Axes, labels: pd.DataFrame) -> None:
    """Draw where the labels lie in temperature and pressure, by origin.

    Parameters
    ----------
    ax:
        Axes.
    labels:
        Columns ``origin``, ``temperature_K``, ``pressure_GPa``.  For student runs, whose
        thermostat ramps, the shipped temperature is that at the end of the leg, up to 180 K
        from the frame's own.
    """
    groups = labels.origin.map(origin_group)
    for key, (words, colour, marker) in ORIGINS.items():
        own = labels[groups == key]
        if len(own):
            ax.scatter(own.temperature_K, own.pressure_GPa, s=14, marker=marker, color=colour,
                       alpha=0.55, linewidths=0, label=f"{words} ({len(own)})")  # fmt: skip
    ax.axhline(0.0, color="black", linewidth=0.8)
    ax.set(xlabel="temperature (K)", ylabel="pressure (GPa)")
    if len(labels):
        ax.legend(fontsize=8.5, loc="upper left")


def plot_convergence(ax: Axes, table: pd.DataFrame, *, column: str, words: str) -> None:
    """Draw force and energy differences of a convergence check on a log axis.

    Parameters
    ----------
    ax:
        Axes.
    table:
        Columns ``column``, ``force_rms_meV_per_A``, ``energy_meV_per_atom``; a row that
        is the reference has zero and is left out.
    column, words:
        What is varied, and how to call it.
    """
    own = table[table.force_rms_meV_per_A > 0]
    at = np.arange(len(own))
    ax.plot(at, own.force_rms_meV_per_A, "o-", color=CYCLE[0], label="forces, rms (meV/Å)")
    ax.plot(at, own.energy_meV_per_atom.abs(), "s--", color=CYCLE[1], label="energy (meV/atom)")
    ax.set(yscale="log", xlabel=words, ylabel="difference to the finest setting")
    ax.set_xticks(at, [v if isinstance(v, str) else f"{v:g}" for v in own[column]])
    ax.legend(fontsize=8.5)


def plot_errors_by_family(ax: Axes, table: pd.DataFrame, *, column: str, words: str) -> None:
    """Draw an error with its interval for each family, the largest at the top.

    Parameters
    ----------
    ax:
        Axes.
    table:
        Columns ``group``, ``column``, ``column + "_low"``, ``column + "_high"``.
    column, words:
        The error, and the label of the axis.
    """
    own = table.sort_values(column)
    at = np.arange(len(own))
    value = own[column].to_numpy(dtype=float)
    low = np.clip(value - own[f"{column}_low"].to_numpy(dtype=float), 0, None)
    high = np.clip(own[f"{column}_high"].to_numpy(dtype=float) - value, 0, None)
    ax.errorbar(value, at, xerr=[low, high], fmt="o", color=PALETTE["ours"], capsize=3,
                markersize=5, linewidth=1.2)  # fmt: skip
    ax.set_yticks(at, own.group, fontsize=8.5)
    ax.set(xlabel=words, xlim=(0, None))


def plot_parity(ax: Axes, sets: Mapping[str, tuple[Sequence[float], Sequence[float]]], *,
                words: str) -> None:  # fmt: skip
    """Draw predicted against labelled values, one colour per set.

    Parameters
    ----------
    ax:
        Axes.
    sets:
        Name to (label, prediction).
    words:
        Quantity with its unit.
    """
    ends: list[float] = []
    for number, (name, (x, y)) in enumerate(sets.items()):
        ax.scatter(x, y, s=5, alpha=0.35, linewidths=0, color=CYCLE[number % len(CYCLE)],
                   label=name, rasterized=True)  # fmt: skip
        ends += [float(value) for value in x if np.isfinite(value)]
    if ends:
        ax.plot([min(ends), max(ends)], [min(ends), max(ends)], color="black", linewidth=0.8)
    ax.set(xlabel=f"label: {words}", ylabel=f"student: {words}")
    if not sets:
        return
    for handle in ax.legend(fontsize=8.5, markerscale=3).legend_handles:
        if handle is not None:
            handle.set_alpha(1.0)


def plot_pareto(ax: Axes, table: pd.DataFrame, *, chosen: str, paper: str,
                column: str = "us_per_atom_step") -> None:  # fmt: skip
    """Draw speed against force error of architectures, marking two of them.

    Parameters
    ----------
    ax:
        Axes.
    table:
        Columns ``name``, ``us_per_atom_step``, ``force_rmse_meV_per_A`` and its interval
        ``force_rmse_meV_per_A_low``/``_high``, ``ranks``, ``compressed``.
    chosen, paper:
        Names of the architecture the book uses and of the paper's.
    column:
        ``us_per_atom_step``, or ``us_cpu``, which other work on the machine disturbs less.
    """
    for _, row in table.iterrows():
        colour = {chosen: PALETTE["ours"], paper: PALETTE["paper"]}.get(row["name"], "#999999")
        y = float(row.force_rmse_meV_per_A)
        ax.errorbar(row[column], y,
                    yerr=[[max(y - row.force_rmse_meV_per_A_low, 0)],
                          [max(row.force_rmse_meV_per_A_high - y, 0)]],
                    fmt="o", color=colour, capsize=3)  # fmt: skip
        ax.annotate(str(row["name"]), (row[column], y), xytext=(6, 4),
                    textcoords="offset points", fontsize=8.5, color=colour)  # fmt: skip
    clock = "CPU time" if column == "us_cpu" else "time"
    ranks = " or ".join(map(str, sorted(set(table.ranks))))
    how = f"{ranks} ranks" + (", compressed" if table.compressed.all() else "")
    ax.set(xscale="log", xlabel=f"{clock} per atom and step (µs, {how})",
           ylabel="force error on validation labels (meV/Å)")  # fmt: skip


def plot_series(ax: Axes, x: Sequence[float], y: Sequence[float], *, label: str,
                number: int = 0) -> None:  # fmt: skip
    """Draw one thin series in the colour of its number."""
    ax.plot(x, y, linewidth=1.0, color=CYCLE[number % len(CYCLE)], label=label)


def plot_learning(ax: Axes, curves: Mapping[str, pd.DataFrame], *, column: str, words: str,
                  rows: int = 40) -> None:  # fmt: skip
    """Draw validation errors against training steps, smoothed over neighbouring rows.

    Parameters
    ----------
    ax:
        Axes.
    curves:
        Name to table with ``step`` and ``column`` (``LearningCurve.table()``).
    column, words:
        Which error, and how to call it.
    rows:
        Points to draw; each is the root mean square of the rows it stands for.
    """
    for number, (name, curve) in enumerate(curves.items()):
        own = curve[["step", column]].dropna()
        own = own[own.step > 0]
        group = np.arange(len(own)) * rows // max(len(own), 1)
        step = own.step.groupby(group).mean()
        error = (own[column] ** 2).groupby(group).mean() ** 0.5
        ax.plot(step, error, color=CYCLE[number % len(CYCLE)], label=name)
    ax.set(xlabel="training step", ylabel=words, xscale="log", yscale="log")
    ax.legend(fontsize=8.5)


def plot_drift(ax: Axes, drift: pd.DataFrame) -> None:
    """Draw energy drift with error bars against the time step, one line per temperature.

    ``drift`` has columns ``target_K``, ``timestep_fs``, ``drift_meV_per_atom_ns`` and
    ``drift_error_meV_per_atom_ns``.
    """
    for number, (temperature, own) in enumerate(drift.groupby("target_K")):
        ax.errorbar(own.timestep_fs, own.drift_meV_per_atom_ns,
                    yerr=own.drift_error_meV_per_atom_ns, fmt="os"[number % 2] + "-", capsize=3,
                    color=CYCLE[number % len(CYCLE)], label=f"{temperature:g} K")  # fmt: skip
    ax.axhline(0.0, color="black", linewidth=0.8)
    ax.set(xlabel="time step (fs)", ylabel="energy drift (meV/atom per ns)")
    ax.legend(fontsize=8.5)


def plot_eos(
    axes: Sequence[Axes], points: Mapping[str, pd.DataFrame], phases: Sequence[str]
) -> None:
    """Draw energy against volume, one panel per phase and one colour per calculator.

    Parameters
    ----------
    axes:
        One per phase, or more; those left over are hidden.
    points:
        Calculator to table with ``phase``, ``volume_A3``, ``energy_eV``, ``atoms``.
    phases:
        Which, in order.
    """
    panels = list(axes)  # once: an array's .flat is used up by the first loop
    for ax in panels[len(phases) :]:
        ax.set_axis_off()
    for ax, phase in zip(panels, phases, strict=False):
        for number, (name, table) in enumerate(points.items()):
            own = table[table.phase == phase].sort_values("volume_A3")
            if len(own):
                energy = 1000 * (own.energy_eV - own.energy_eV.min()) / own.atoms
                ax.plot(own.volume_A3 / own.atoms, energy, "os^"[number % 3] + "-", markersize=4,
                        linewidth=1.2, color=CYCLE[number % len(CYCLE)], label=name)  # fmt: skip
        ax.set_title(phase, fontsize=9.5)


def plot_live(axes: Sequence[Axes], made: Live | None) -> None:
    """Draw the curve of a live training, and temperature and energy of its run.

    Parameters
    ----------
    axes:
        Two.
    made:
        From :func:`repro.potential.chapter.live`; None writes that there was none.
    """
    left, right = axes
    if made is None or made.training.curve is None:
        for ax in axes:
            ax.text(0.5, 0.5, "live training switched off", ha="center", transform=ax.transAxes)
            ax.set_axis_off()
        return
    curve = made.training.curve
    left.plot(curve.steps, curve.training.force, ".", markersize=3, color=CYCLE[5],
              label="training batch")  # fmt: skip
    if curve.validation is not None:
        left.plot(curve.steps, curve.validation.force, color=CYCLE[0], label="validation")
    left.set(yscale="log", xlabel="training step", ylabel="force error (meV/Å)")
    left.legend(fontsize=8.5)
    run = made.run
    right.plot(run.time, run.temperature, color=CYCLE[1])
    right.set(xlabel="time (ps)", ylabel="temperature (K)")
    other = right.twinx()
    other.plot(run.time, 1000 * (run.energy - run.energy[0]), color=CYCLE[0], linestyle="--")
    other.set_ylabel("potential energy, change (meV/atom)")
    other.grid(visible=False)


def plot_tensile(axes: Iterable[Axes], curves: Mapping[str, pd.DataFrame],
                 phases: Sequence[str]) -> None:  # fmt: skip
    """Draw stress along z against strain, a panel per phase and a line per calculator.

    Parameters
    ----------
    axes:
        One per phase; those left over are hidden.
    curves:
        Name to table with ``phase``, ``strain``, ``stress_zz_GPa``.
    phases:
        Phases to draw.
    """
    panels = list(axes)
    for ax, phase in zip(panels, phases, strict=False):
        for number, (name, table) in enumerate(curves.items()):
            own = table[table.phase == phase].sort_values("strain")
            ax.plot(100 * own.strain, own.stress_zz_GPa, "o-", markersize=4, label=name,
                    color=CYCLE[number % len(CYCLE)])  # fmt: skip
        ax.set(title=phase, xlabel="strain (%)")
    for ax in panels[len(phases) :]:
        ax.set_visible(False)


def plot_rdf(axes: Iterable[Axes], table: pd.DataFrame, pairs: Sequence[str], *,
             family: str) -> None:  # fmt: skip
    """Draw partial g(r) of student and teacher with bands of one standard error.

    Parameters
    ----------
    axes:
        One per pair.
    table:
        As written by ``repro.potential.liquids_cli compare``.
    pairs:
        E.g. ``"Ga-Cl"``.
    family:
        Composition.
    """
    for ax, pair in zip(axes, pairs, strict=False):
        own = table[(table.family == family) & (table.pair == pair)].sort_values("r_A")
        for number, who in enumerate(("teacher", "student")):
            g, error = own[f"g_{who}"], own[f"g_{who}_error"].fillna(0.0)
            ax.plot(own.r_A, g, color=CYCLE[number], label=who, linewidth=1.2)
            ax.fill_between(own.r_A, g - error, g + error, color=CYCLE[number], alpha=0.25,
                            linewidth=0)  # fmt: skip
        ax.set(title=pair, xlim=(1.0, None))
        ax.set_ylim(bottom=0.0)


def plot_deviation(ax: Axes, table: pd.DataFrame, *, rows: int = 60) -> None:
    """Draw the disagreement of several models along a heating run against temperature.

    Parameters
    ----------
    ax:
        Axes.
    table:
        Columns ``temperature_K``, ``max_devi_f_eV_per_A``, ``avg_devi_f_eV_per_A``.
    rows:
        Points to draw; each is the mean of neighbours in temperature.
    """
    own = table.sort_values("temperature_K")
    group = np.arange(len(own)) * rows // max(len(own), 1)
    at = own.temperature_K.groupby(group).mean()
    for number, (column, words) in enumerate(
        (("max_devi_f_eV_per_A", "worst atom"), ("avg_devi_f_eV_per_A", "mean over atoms"))
    ):
        ax.plot(at, 1000 * own[column].groupby(group).mean(), "o-", markersize=3,
                color=CYCLE[number], label=words)  # fmt: skip
    ax.set(xlabel="temperature (K)", ylabel="deviation of the forces (meV/Å)", ylim=(0, None))
    ax.legend(fontsize=8.5)


def plot_runs(axes: Sequence[Axes], series: Mapping[str, pd.DataFrame]) -> None:
    """Draw temperature and density of long runs against time.

    Parameters
    ----------
    axes:
        Two: for the temperature and for the density.
    series:
        Name of the run to table with ``time_ps``, ``temperature_K``, ``density_g_per_cm3``.
    """
    left, right = axes
    for number, (name, own) in enumerate(series.items()):
        time = (own.time_ps - own.time_ps.iloc[0]).tolist()
        plot_series(left, time, own.temperature_K.tolist(), label=name, number=number)
        plot_series(right, time, own.density_g_per_cm3.tolist(), label=name, number=number)
    left.set(xlabel="time (ps)", ylabel="temperature (K)", ylim=(0, None))
    right.set(xlabel="time (ps)", ylabel="density (g/cm³)")
    left.legend(fontsize=8.5)
