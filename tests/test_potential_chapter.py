"""What the training chapter shows: tables from made-up ones, and every figure drawn."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from helpers import REPOSITORY, World
from matplotlib.axes import Axes

from repro import data
from repro.errors import DataError, InputError
from repro.figures import CYCLE, PALETTE, new_figure
from repro.md import guard
from repro.potential import chapter, plots, presets
from repro.potential.chapter import Live
from repro.potential.curves import Errors, LearningCurve
from repro.potential.simulate import ShortRun
from repro.potential.training import Training

NAN = float("nan")


def index(**columns: Any) -> pd.DataFrame:
    """Return an index of six label frames of two families."""
    return pd.DataFrame({
        "family": ["b", "a", "b", "b", "a", "b"], "kind": ["melt", "crystal", "melt", "melt", "crystal", "melt"],
        "natoms": [60, 32, 60, 60, 32, 60], "temperature_K": [900.0, 0.0, 300.4, 1200.0, 300.0, 1199.6],
        "pressure_GPa": [-1.04, 2.0, 0.5, 3.26, -0.5, 0.0],
        "force_rms_eV_per_A": [0.9, 0.1, 0.5, 1.111, 0.2, 0.1],
        "origin": ["md", "static", "perturbed", "active-1", "static", "active-2"],
    } | columns)  # fmt: skip


def errors_table() -> pd.DataFrame:
    """Return an error table as it comes back from CSV."""
    rows = []
    for number, (by, group, split) in enumerate([
        ("overall", "overall", "all"), ("overall", "overall", "train"),
        ("overall", "overall", "validation"), ("family", "LiCl", "all"), ("family", "GaF3", "all"),
        ("kind", "LiCl", "all"),
    ]):  # fmt: skip
        row: dict[str, Any] = {"by": by, "group": group, "split": split, "frames": 10 + number}
        for name, value in (("force_rmse_meV_per_A", 100.4 + number), ("force_slope", 0.98765),
                            ("energy_rmse_meV_per_atom", 3.14), ("stress_rmse_GPa", 0.456),
                            ("pressure_difference_GPa", -0.127)):  # fmt: skip
            row |= {name: value, f"{name}_low": value - 0.05 * abs(value),
                    f"{name}_high": value + 0.1 * abs(value)}  # fmt: skip
        rows.append(row)
    table = pd.DataFrame(rows)
    table.loc[3, ["energy_rmse_meV_per_atom", "energy_rmse_meV_per_atom_low",
                  "energy_rmse_meV_per_atom_high"]] = NAN  # fmt: skip
    return table


def moduli(**phases: tuple[float, float]) -> pd.DataFrame:
    """Return an EOS table of phases: modulus in GPa and volume per atom."""
    return pd.DataFrame([
        {"phase": phase, "shape": "relaxed", "bulk_modulus_GPa": k, "bulk_modulus_error_GPa": 0.5,
         "volume_A3_per_atom": v, "bulk_modulus_mp_GPa": 33.0, "density_g_cm3": 2.1,
         "density_measured_g_cm3": NAN}
        for phase, (k, v) in phases.items()
    ])  # fmt: skip


def curve(n: int = 20, *, validation: bool = True) -> LearningCurve:
    """Return a curve whose validation force error falls from 2 n to 2."""
    steps = 10 * np.arange(n)
    falling = np.arange(n, 0, -1.0)
    return LearningCurve(steps, np.full(n, 1e-3), Errors(falling, falling, np.full(n, NAN)),
                         Errors(falling, 2 * falling, falling) if validation else None)  # fmt: skip


def a_live(learned: LearningCurve | None) -> Live:
    training = Training(title="class", work=Path("w"), model=Path("w/model.pb"), steps=200,
                        steps_done=190, wall_time_s=9.0, seed=1, train_frames=120,
                        validation_frames=30, curve=learned)  # fmt: skip
    time = np.linspace(0, 1, 11)
    return Live(training, ShortRun(time, 300 + 10 * time, -4 + 0.001 * time))


# -- tables ----------------------------------------------------------------------------


def test_families_in_their_order_with_what_they_span() -> None:
    table = chapter.by_family(index())
    assert table.index.tolist() == ["b", "a"]
    assert table.loc["b"].tolist() == ["melt", 4, 60, "300 to 1200", "-1.0 to 3.3", 0.7]
    assert table.loc["a"].tolist() == ["crystal", 2, 32, "0 to 300", "-0.5 to 2.0", 0.15]
    assert table.frames.sum() == len(index())


def test_no_labels_are_no_families() -> None:
    assert len(chapter.by_family(index().iloc[:0])) == 0


def test_one_row_of_an_error_table() -> None:
    table = errors_table()
    assert chapter.one(table, split="validation").frames == 12
    assert chapter.one(table, by="family", group="LiCl", split="all").frames == 13


@pytest.mark.parametrize(("which", "message"), [
    ({"split": "held-out"}, "0 rows for overall 'overall', split 'held-out'"),
    ({"by": "family", "group": "LiF", "split": "all"}, "0 rows for family 'LiF', split 'all'"),
])  # fmt: skip
def test_a_row_that_is_not_there(which: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        chapter.one(errors_table(), **which)


def test_a_row_that_is_there_twice() -> None:
    table = errors_table()
    with pytest.raises(DataError, match="2 rows for overall"):
        chapter.one(pd.concat([table, table]), split="all")


def test_error_rows_in_words_and_units() -> None:
    table = errors_table()
    said = chapter.error_rows({"all frames": chapter.one(table, split="all"),
                               "LiCl": chapter.one(table, by="family", group="LiCl", split="all")})  # fmt: skip
    assert said.index.tolist() == ["all frames", "LiCl"]
    assert said.frames.tolist() == [10, 13]
    assert said["force (meV/Å)"].tolist() == ["100 (95 to 110)", "103 (98 to 114)"]
    assert said["energy (meV/atom)"].tolist() == ["3.1 (3.0 to 3.5)", "–"]
    assert said.loc["LiCl", "force slope"] == "0.988 (0.938 to 1.086)"
    assert said.loc["LiCl", "mean pressure difference (GPa)"] == "-0.13 (-0.13 to -0.11)"


def test_moduli_agree_within_15_percent_or_3_gpa() -> None:
    student = moduli(soft=(4.0, 20.0), softer=(3.9, 20.0), hard=(86.0, 10.1), harder=(84.9, 10.0),
                     alone=(10.0, 10.0), stiff=(114.9, 10.0))  # fmt: skip
    teacher = moduli(stiff=(100.0, 10.0), hard=(100.0, 10.0), harder=(100.0, 10.0),
                     soft=(7.0, 25.0), softer=(7.0, 25.0), other=(1.0, 1.0))  # fmt: skip
    table = chapter.compare_moduli(student, teacher)
    assert table.index.tolist() == ["soft", "softer", "hard", "harder", "stiff"]
    assert table.good.tolist() == [True, False, True, False, True]
    assert table["student/teacher"].tolist() == pytest.approx([4 / 7, 3.9 / 7, 0.86, 0.849, 1.149])
    assert table["volume misfit (%)"].tolist() == pytest.approx([-20, -20, 1, 0, 0])
    assert table.loc["hard", ["student (GPa)", "±", "teacher (GPa)"]].tolist() == [86.0, 0.5, 100.0]
    assert table["density, measured (g/cm³)"].isna().all()


def test_moduli_that_could_not_be_fitted_and_other_shapes_are_left_out() -> None:
    student, teacher = moduli(a=(5.0, 1.0), b=(6.0, 1.0)), moduli(a=(5.0, 1.0), b=(NAN, 1.0))
    fixed = moduli(a=(50.0, 1.0)).assign(shape="fixed")
    table = chapter.compare_moduli(pd.concat([fixed, student]), pd.concat([teacher, fixed]))
    assert table.index.tolist() == ["a"] and table["student (GPa)"].tolist() == [5.0]
    assert len(chapter.compare_moduli(student, moduli(c=(1.0, 1.0)))) == 0


def test_the_guard_ends_short_of_the_shipped_labels(world: World) -> None:
    """On some frames of each family; all of them are read in test_md_guard."""
    h5py = pytest.importorskip("h5py")
    few = world.data_set("potential/labels", {"frames.csv": ""}) / "labels.hdf5"
    with (h5py.File(REPOSITORY / "data/potential/labels/labels.hdf5") as shipped,
          h5py.File(few, "w") as file):  # fmt: skip
        for family in shipped:
            file[f"{family}/type.raw"] = shipped[family]["type.raw"][()]
            for name in ("coord", "box"):
                file[f"{family}/set.000/{name}.npy"] = shipped[family][f"set.000/{name}.npy"][:3]
    data.write_manifest(few.parent, title="t", license="l", sources=[], command="c", parameters={},
                        seed=None, wall_time_s=0.0, files={"labels.hdf5": "labels"})  # fmt: skip
    table = chapter.guard_table()
    assert table.index.tolist() == sorted(table.index)
    assert set(table.index) == {f"{a}-{b}" for a, b in guard.PAIRS}
    assert table.loc["Li-F", "guard ends at (Å)"] == guard.reach("F", "Li")[1]
    assert (table["guard full below (Å)"] < table["guard ends at (Å)"]).all()
    assert (table["guard ends at (Å)"] < table["closest in the labels (Å)"]).all()
    assert table["closest in the labels (Å)"].between(1.1, 4.0).all()


# -- shipped files -----------------------------------------------------------------------


def test_tables_and_trainings_are_read_from_data(world: World) -> None:
    record = {"steps": 40, "train_frames": 80,
              "sessions": [{"wall_time_s": 10}, {"wall_time_s": 2.5}]}  # fmt: skip
    world.data_set("potential/results", {"speed.csv": "model,us\na,1.5\n"})
    world.data_set("potential/models", {"reference.run.json": json.dumps(record),
                                        "reference-seed2.pb": "model"})  # fmt: skip
    world.data_set("potential/labels", {"frames.csv": index().to_csv(index=False)})
    world.data_set("potential/dft", {"cutoff.csv": "label\ncutoff-800\n"})
    assert chapter.table("speed").us.tolist() == [1.5]
    assert chapter.dft("cutoff").label.tolist() == ["cutoff-800"]
    assert len(chapter.labels()) == 6
    assert chapter.training() == {**record, "wall_time_s": 12.5, "all_steps": 40}
    assert chapter.model("reference-seed2").read_text() == "model"
    for missing in (
        lambda: chapter.table("drift"),
        chapter.model,
        lambda: chapter.training("paper"),
    ):
        with pytest.raises(DataError):
            missing()


def test_the_committee_is_what_is_shipped() -> None:
    found = chapter.committee()
    assert found[0] == "reference"
    assert all(chapter.model(name).is_file() for name in found)
    assert found[1:] == [f"reference-seed{k}" for k in range(2, len(found) + 1)]


def test_altered_tables_are_refused(world: World) -> None:
    folder = world.data_set("potential/results", {"speed.csv": "model,us\na,1.5\n"})
    (folder / "speed.csv").write_text("model,us\na,0.1\n")
    with pytest.raises(DataError, match=r"speed\.csv"):
        chapter.table("speed")


# -- live ----------------------------------------------------------------------------------


def test_no_live_training_is_zeros() -> None:
    zeros = {"steps": 0, "frames": 0, "first": 0.0, "last": 0.0}
    assert chapter.live_curve(None) == zeros == chapter.live_curve(a_live(None))


def test_first_and_last_tenth_of_a_live_training() -> None:
    said = chapter.live_curve(a_live(curve(20)))
    assert (said["steps"], said["frames"]) == (190, 120)
    assert said["first"] == pytest.approx(np.sqrt((40**2 + 38**2) / 2))
    assert said["last"] == pytest.approx(np.sqrt((4**2 + 2**2) / 2))
    alone = chapter.live_curve(a_live(curve(3, validation=False)))
    assert (alone["first"], alone["last"]) == (3.0, 1.0)


def test_live_trains_the_class_network_and_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made, seen = a_live(curve()), []

    def train(**options: Any) -> Training:
        seen.append(options)
        return made.training

    def run(model: Path, atoms: Any, **options: Any) -> ShortRun:
        seen.append(options | {"model": model, "atoms": len(atoms)})
        return made.run

    monkeypatch.setattr(chapter, "train", train)
    monkeypatch.setattr(chapter.simulate, "short_md", run)
    assert chapter.live(minutes=0.5, seed=4, frames=20, temperature=500.0) == made
    trained, ran = seen
    assert (trained["preset"], trained["minutes"], trained["seed"]) == ("class", 0.5, 4)
    assert trained["max_frames"] == 20 and not trained["work"].parent.exists()
    assert (ran["model"], ran["temperature"], ran["seed"]) == (Path("w/model.pb"), 500.0, 4)
    assert 64 <= ran["atoms"] <= 96


def test_a_machine_too_busy_for_the_minutes_trains_a_few_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, asked = a_live(curve()), []

    def train(**options: Any) -> Training:
        asked.append(options)
        if "minutes" in options:
            raise InputError("minutes 2: 0 steps fit")
        return made.training

    monkeypatch.setattr(chapter, "train", train)
    monkeypatch.setattr(chapter.simulate, "short_md", lambda *a, **k: made.run)
    assert chapter.live(minutes=2.0, seed=4, frames=20) == made
    first, second = asked
    assert second["steps"] == chapter.LEAST_STEPS and second["work"] != first["work"]
    assert (second["seed"], second["max_frames"]) == (first["seed"], first["max_frames"]) == (4, 20)


def test_another_fault_of_a_live_training_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(**options: Any) -> Training:
        raise InputError("max_frames 0: expected 1 or more")

    monkeypatch.setattr(chapter, "train", train)
    with pytest.raises(InputError, match="max_frames 0"):
        chapter.live(minutes=2.0, frames=0)


def test_a_live_training_without_a_model_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    unfinished = replace(a_live(None).training, model=None)
    monkeypatch.setattr(chapter, "train", lambda **_: unfinished)
    with pytest.raises(DataError, match="without a model"):
        chapter.live(minutes=0.5)


# -- figures -------------------------------------------------------------------------------


@pytest.fixture
def ax() -> Iterator[Axes]:
    """Axes of the house; drawn after the test, which must raise and warn of nothing."""
    figure, axes = new_figure()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield axes
        figure.savefig(io.BytesIO(), format="png", dpi=40)


def words(axes: Axes) -> list[str]:
    """Return the legend's entries."""
    legend = axes.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def colour(name: Any) -> tuple[float, ...]:
    return matplotlib.colors.to_rgba(name)


@pytest.mark.parametrize(("origin", "group"), [
    ("md", "md"), ("active-1", "active"), ("active-12", "active"), ("static", "static"),
])  # fmt: skip
def test_origin_group(origin: str, group: str) -> None:
    assert plots.origin_group(origin) == group
    assert group in plots.ORIGINS


def test_coverage_has_a_cloud_per_origin(ax: Axes) -> None:
    plots.plot_coverage(ax, index())
    assert words(ax) == ["static volumes (2)", "teacher runs (1)", "perturbed copies (1)",
                         "student runs (2)"]  # fmt: skip
    assert [len(c.get_offsets()) for c in ax.collections] == [2, 1, 1, 2]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("temperature (K)", "pressure (GPa)")


def test_coverage_with_gaps_and_missing_origins(ax: Axes) -> None:
    plots.plot_coverage(ax, index(pressure_GPa=[NAN, 1.0, 1, 1, 1, 1], origin=["md"] * 6))
    assert words(ax) == ["teacher runs (6)"]


def test_coverage_of_nothing(ax: Axes) -> None:
    plots.plot_coverage(ax, index().iloc[:0])
    assert not ax.collections and words(ax) == []


def test_every_shipped_origin_is_drawn() -> None:
    assert {plots.origin_group(o) for o in chapter.labels().origin} <= set(plots.ORIGINS)


def test_convergence_leaves_the_reference_out(ax: Axes) -> None:
    table = pd.DataFrame({"cutoff_Ry": [350, 600, 800, 1200],
                          "force_rms_meV_per_A": [200.0, 20.0, 5.0, 0.0],
                          "energy_meV_per_atom": [-30.0, 2.0, -0.5, 0.0]})  # fmt: skip
    plots.plot_convergence(ax, table, column="cutoff_Ry", words="cutoff (Ry)")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["350", "600", "800"]
    assert [line.get_ydata().tolist() for line in ax.lines] == [[200, 20, 5], [30, 2, 0.5]]
    assert ax.get_yscale() == "log" and ax.get_xlabel() == "cutoff (Ry)" and len(words(ax)) == 2


def test_errors_by_family_with_the_largest_on_top(ax: Axes) -> None:
    table = errors_table().query("by == 'family'")
    column = "force_rmse_meV_per_A"
    plots.plot_errors_by_family(ax, table, column=column, words="force error (meV/Å)")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["LiCl", "GaF3"]
    assert ax.lines[0].get_xdata().tolist() == pytest.approx([103.4, 104.4])
    (bars,) = ax.containers
    ends = bars[2][0].get_segments()[0][:, 0].tolist()
    assert ends == pytest.approx([103.4 * 0.95, 103.4 * 1.1])
    assert ax.get_xlim()[0] == 0 and ax.get_xlabel() == "force error (meV/Å)"


def test_errors_by_family_without_energies_or_rows(ax: Axes) -> None:
    table = errors_table().query("by == 'family'")
    plots.plot_errors_by_family(ax, table, column="energy_rmse_meV_per_atom", words="energy")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["GaF3", "LiCl"]
    plots.plot_errors_by_family(ax, table.iloc[:0], column="force_slope", words="slope")


def test_parity_has_the_diagonal_over_all_sets(ax: Axes) -> None:
    plots.plot_parity(
        ax, {"melt": ([0.0, 1.0], [0.5, 2.0]), "crystal": ([-3.0], [-1.0])}, words="F"
    )
    (line,) = ax.lines
    assert list(line.get_xdata()) == list(line.get_ydata()) == [-3.0, 1.0]
    assert words(ax) == ["melt", "crystal"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("label: F", "student: F")
    assert all(handle.get_alpha() == 1.0 for handle in ax.get_legend().legend_handles)


def test_parity_with_gaps_and_empty_sets(ax: Axes) -> None:
    plots.plot_parity(ax, {"a": ([0.0, NAN, 2.0], [1.0, 1.0, NAN]), "none": ([], [])}, words="E")
    assert list(ax.lines[0].get_xdata()) == [0.0, 2.0]


def test_parity_of_nothing(ax: Axes) -> None:
    plots.plot_parity(ax, {}, words="E")
    assert not ax.lines and words(ax) == []


def test_pareto_marks_two_of_them(ax: Axes) -> None:
    table = pd.DataFrame({"name": ["paper", "reference", "class"], "us_per_atom_step": [900, 60, 30],
                          "force_rmse_meV_per_A": [50.0, 60.0, NAN],
                          "force_rmse_meV_per_A_low": [45.0, 61.0, NAN],
                          "force_rmse_meV_per_A_high": [55.0, 70.0, NAN],
                          "ranks": [2, 2, 2], "compressed": [True, True, True]})  # fmt: skip
    plots.plot_pareto(ax, table, chosen="reference", paper="paper")
    assert [t.get_text() for t in ax.texts] == ["paper", "reference", "class"]
    assert [colour(t.get_color()) for t in ax.texts] == [
        colour(PALETTE["paper"]), colour(PALETTE["ours"]), colour("#999999")]  # fmt: skip
    assert len(ax.containers) == 3 and ax.get_xscale() == "log"
    assert "(µs, 2 ranks, compressed)" in ax.get_xlabel()
    assert ax.get_ylabel() == "force error on validation labels (meV/Å)"
    plots.plot_pareto(ax, table.assign(ranks=[1, 2, 2], compressed=[True, False, True]),
                      chosen="reference", paper="paper")  # fmt: skip
    assert "(µs, 1 or 2 ranks)" in ax.get_xlabel()


def test_series_take_turns_in_colour(ax: Axes) -> None:
    for number in (0, 1, len(CYCLE)):
        plots.plot_series(ax, [0, 1, 2], [1.0, NAN, 3.0], label=f"s{number}", number=number)
    assert [line.get_color() for line in ax.lines] == [CYCLE[0], CYCLE[1], CYCLE[0]]
    assert [line.get_label() for line in ax.lines] == ["s0", "s1", f"s{len(CYCLE)}"]


def test_learning_curves_are_root_mean_squares_of_neighbours(ax: Axes) -> None:
    table = curve(9).table()  # steps 0, 10 ... 80; validation force 18, 16 ... 2
    plots.plot_learning(ax, {"one": table}, column="validation_force_meV_per_A", words="error",
                        rows=2)  # fmt: skip
    (line,) = ax.lines
    assert line.get_xdata().tolist() == [25.0, 65.0]
    expected = [np.sqrt(np.mean(np.square(part))) for part in ([16, 14, 12, 10], [8, 6, 4, 2])]
    assert line.get_ydata().tolist() == pytest.approx(expected)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert words(ax) == ["one"] and ax.get_ylabel() == "error"


def test_learning_curves_with_gaps_and_without_rows(ax: Axes) -> None:
    full = curve(9).table()
    full.loc[3, "validation_force_meV_per_A"] = NAN
    plots.plot_learning(ax, {"gap": full, "one": full.iloc[[1]], "start": full.iloc[[0]]},
                        column="validation_force_meV_per_A", words="error")  # fmt: skip
    assert [len(line.get_xdata()) for line in ax.lines] == [7, 1, 0]
    assert all(np.isfinite(line.get_ydata()).all() for line in ax.lines)


def test_drift_has_a_line_per_temperature(ax: Axes) -> None:
    table = pd.DataFrame({"target_K": [900, 900, 300, 300], "timestep_fs": [0.5, 2, 0.5, 2],
                          "drift_meV_per_atom_ns": [0.1, 4.0, 0.0, NAN],
                          "drift_error_meV_per_atom_ns": [0.1, 0.5, 0.1, NAN]})  # fmt: skip
    plots.plot_drift(ax, table)
    assert words(ax) == ["300 K", "900 K"] and len(ax.containers) == 2
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time step (fs)",
                                                  "energy drift (meV/atom per ns)")  # fmt: skip


def test_eos_has_a_panel_per_phase_from_its_lowest_point() -> None:
    figure, axes = new_figure(1, 2)
    table = pd.DataFrame({"phase": ["LiF"] * 3, "volume_A3": [84.0, 80.0, 76.0],
                          "energy_eV": [-39.92, -40.0, -39.84], "atoms": [8] * 3})  # fmt: skip
    plots.plot_eos(axes, {"teacher": table, "student": table.iloc[:2]}, ["LiF", "GaCl3"])
    first, second = axes
    assert [a.get_title() for a in axes] == ["LiF", "GaCl3"]
    assert first.lines[0].get_xdata().tolist() == [9.5, 10.0, 10.5]
    assert first.lines[0].get_ydata().tolist() == pytest.approx([20.0, 0.0, 10.0])
    assert [line.get_label() for line in first.lines] == ["teacher", "student"]
    assert not second.lines
    figure, axes = new_figure(1, 2)
    plots.plot_eos(axes.flat, {"teacher": table}, ["LiF"])
    assert len(axes[0].lines) == 1
    assert [ax.axison for ax in axes] == [True, False]  # the one left over is hidden
    figure.savefig(io.BytesIO(), format="png", dpi=40)


@pytest.mark.parametrize("made", [None, a_live(None)])
def test_no_live_figure(made: Live | None) -> None:
    figure, axes = new_figure(1, 2)
    plots.plot_live(axes, made)
    for axis in axes:
        assert [t.get_text() for t in axis.texts] == ["live training switched off"]
        assert not axis.axison and not axis.lines
    figure.savefig(io.BytesIO(), format="png", dpi=40)


@pytest.mark.parametrize("validation", [True, False])
def test_live_figure(validation: bool) -> None:
    figure, axes = new_figure(1, 2)
    plots.plot_live(axes, a_live(curve(validation=validation)))
    assert words(axes[0]) == ["training batch", "validation"][: 1 + validation]
    assert axes[0].get_yscale() == "log" and axes[0].get_ylabel() == "force error (meV/Å)"
    temperature, energy = axes[1], figure.axes[2]
    assert temperature.lines[0].get_ydata()[-1] == 310.0
    assert energy.lines[0].get_ydata()[[0, -1]].tolist() == pytest.approx([0.0, 1.0])
    assert "meV/atom" in energy.get_ylabel()
    figure.savefig(io.BytesIO(), format="png", dpi=40)


def tensile(**curves: list[float]) -> pd.DataFrame:
    return pd.DataFrame([{"phase": phase, "strain": 0.01 * n, "stress_zz_GPa": value}
                         for phase, values in curves.items() for n, value in enumerate(values)])  # fmt: skip


def test_tensile_curves_have_a_panel_per_phase() -> None:
    fig, axes = new_figure(1, 3)
    student = tensile(LiCl=[0.0, 0.9, 1.6], GaF3=[0.0, 0.2])
    # Points come in the order in which they were computed.
    teacher = tensile(LiCl=[0.0, 1.0, 1.8], GaF3=[0.0, 0.3]).iloc[::-1]
    plots.plot_tensile(axes.flat, {"teacher": teacher, "student": student}, ["LiCl", "GaF3"])
    assert [a.get_title() for a in axes.flat[:2]] == ["LiCl", "GaF3"]
    assert not axes.flat[2].get_visible()
    theirs, ours = axes.flat[0].lines
    assert theirs.get_xydata()[:, 1].tolist() == [0.0, 1.0, 1.8]
    assert ours.get_xydata()[:, 0].tolist() == pytest.approx([0.0, 1.0, 2.0])
    fig.clear()


def test_slopes_agree_within_15_percent() -> None:
    def slopes(*values: float) -> pd.DataFrame:
        return pd.DataFrame({"phase": ["a", "b", "c"][: len(values)], "lateral": "relaxed",
                             "slope_GPa": values, "slope_error_GPa": 0.1,
                             "highest_stress_GPa": 3.0})  # fmt: skip

    found = chapter.compare_slopes(slopes(100.0, 14.0, 90.0), slopes(110.0, 10.0, 80.0))
    assert found.good.tolist() == [True, False, True]
    assert found.index.tolist() == ["a", "b", "c"]
    assert chapter.compare_slopes(slopes(100.0), slopes(110.0, 10.0)).index.tolist() == ["a"]


def test_pair_distributions_of_both_with_bands() -> None:
    rows = [{"family": family, "pair": pair, "r_A": r, "g_student": r, "g_student_error": 0.1,
             "g_teacher": 2 * r, "g_teacher_error": NAN}
            for family in ("x", "y") for pair in ("Ga-Cl", "Li-F") for r in (2.0, 1.0, 3.0)]  # fmt: skip
    fig, axes = new_figure(1, 2)
    plots.plot_rdf(axes.flat, pd.DataFrame(rows), ["Ga-Cl", "Li-F"], family="x")
    for ax in axes.flat:
        teacher, student = ax.lines
        assert teacher.get_xydata().tolist() == [[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]
        assert student.get_label() == "student" and len(ax.collections) == 2
        assert ax.get_ylim()[0] == 0.0
    fig.clear()


def peaks(**changes: Any) -> pd.DataFrame:
    """Return one row of first peaks as it comes back from CSV."""
    row = {"family": "melt", "pair": "Ga-F", "position_A_student": 1.85, "position_A_teacher": 1.86,
           "position_A_student_error": 0.003, "position_A_teacher_error": 0.004,
           "position_difference_A": -0.01, "height_ratio": 1.05, "height_student": 10.5,
           "height_student_error": 0.315, "height_teacher": 10.0, "height_teacher_error": 0.4}  # fmt: skip
    return pd.DataFrame([row | changes])


def test_peaks_of_neighbours_only() -> None:
    table = pd.concat([peaks(pair=p) for p in ("Ga-Ga", "Ga-F", "Ga-Li", "F-Li", "F-Cl", "Li-Cl")])
    found = chapter.compare_peaks(table)
    assert [pair for _, pair in found.index] == ["Ga-F", "F-Li", "Li-Cl"]
    assert found["± (Å)"].tolist() == pytest.approx(3 * [0.005])
    assert found["± "].tolist() == pytest.approx(3 * [1.05 * 0.05])  # 3 % and 4 %


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        ({"position_difference_A": 0.03}, True),
        ({"position_difference_A": -0.031}, False),
        ({"height_ratio": 0.9}, True),
        ({"height_ratio": 1.11}, False),
        ({"position_difference_A": NAN, "height_ratio": NAN}, False),
    ],
)
def test_peaks_agree_in_place_and_height(change: dict[str, float], good: bool) -> None:
    assert chapter.compare_peaks(peaks(**change)).good.tolist() == [good]


def test_long_runs_start_at_zero() -> None:
    run = pd.DataFrame({"time_ps": [1.0, 2.0], "temperature_K": [300.0, 310.0],
                        "density_g_per_cm3": [2.5, 2.4]})  # fmt: skip
    fig, axes = new_figure(1, 2)
    plots.plot_runs(axes, {"300 K": run, "1200 K": run})
    left, right = axes
    assert [line.get_label() for line in left.lines] == ["300 K", "1200 K"]
    assert left.lines[0].get_xydata().tolist() == [[0.0, 300.0], [1.0, 310.0]]
    assert right.lines[1].get_xydata().tolist() == [[0.0, 2.5], [1.0, 2.4]]
    fig.clear()


def test_deviation_is_averaged_over_neighbours_in_temperature(ax: Axes) -> None:
    table = pd.DataFrame({"temperature_K": [400.0, 300.0, 900.0, 800.0],
                          "max_devi_f_eV_per_A": [0.1, 0.3, 0.6, 0.4],
                          "avg_devi_f_eV_per_A": [0.01, 0.03, 0.06, 0.04]})  # fmt: skip
    plots.plot_deviation(ax, table, rows=2)
    worst, mean = ax.lines
    assert worst.get_xydata().tolist() == [
        [350.0, pytest.approx(200.0)],
        [850.0, pytest.approx(500.0)],
    ]
    assert mean.get_xydata()[:, 1].tolist() == pytest.approx([20.0, 50.0])


def test_networks_side_by_side() -> None:
    paper, ours = presets.PRESETS["paper"], presets.PRESETS["reference"]
    table = chapter.networks(
        {"paper": (paper, 800_000), "ours": (ours, 5), "small": (presets.PRESETS["class"], 6)}
    )
    assert table.loc["embedding net", "paper"] == "24, 48, 96"
    assert table.loc["steps"].tolist() == [800_000, 5, 6]
    assert table.loc["descriptor"].tolist() == [
        "se_e2_a: one network a pair of elements", "se_atten_v2: one network, told the elements",
        "se_e2_a: one network a neighbour's element"]  # fmt: skip
    assert table.loc["virial prefactor", "paper"] == "0 to 0"


def test_a_shipped_models_preset_with_what_was_changed() -> None:
    found = chapter.preset_of("reference")
    settings = chapter.training("reference")["settings"]
    assert found.name == settings["preset"]
    assert list(found.architecture.neuron) == settings["architecture"]["neuron"]
    assert list(found.pref_v) == settings["pref_v"] and found.start_lr == settings["start_lr"]


def walk(name: str, *temperatures: float) -> list[dict[str, Any]]:
    return [{"frame_id": f"{name}/s{300 * n:06d}", "temperature_K": float(t)}
            for n, t in enumerate(temperatures)]  # fmt: skip


def test_a_quench_is_told_from_heating_alone() -> None:
    quenched, heated = walk("LiF/a1", 300, 1200, 660, 300), walk("LiF/a2", 300, 1200, 1200)
    visits = [{"frame_id": f"LiF#0/v{n:04d}", "temperature_K": t} for n, t in ((0, 1200), (1, 300))]
    assert chapter.quenched(pd.DataFrame(quenched)) == 1
    assert chapter.quenched(pd.DataFrame(heated)) == 0
    assert chapter.quenched(pd.DataFrame([*reversed(quenched), *heated, *visits])) == 0.5
    assert chapter.quenched(pd.DataFrame(quenched), by=901) == 0
    assert chapter.quenched(pd.DataFrame(visits)) == 0
