"""What the chapters on the clay compute from runs, on frames whose answer is known."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.io import read

from repro import data
from repro.clay import build, chapter, mixing, plots, presets, salts
from repro.clay import mixing_chapter as look
from repro.errors import DataError
from repro.figures import new_figure
from repro.md.logs import Thermo
from repro.md.statistics import Estimate


def crystal(family: str) -> Atoms:
    frames = read(data.path("potential/structures/structures.extxyz"), ":")
    (found,) = [f for f in frames if f.info["family"] == family]
    return found


@pytest.fixture(scope="module")
def fluoride() -> Atoms:
    return crystal("GaF3-alpha").repeat(2)


@pytest.fixture(scope="module")
def chloride() -> Atoms:
    return crystal("GaCl3").repeat((2, 2, 2))


def timed(atoms: Atoms, time: float) -> Atoms:
    copy = atoms.copy()
    copy.info = {"time_ps": time}
    return copy


# --- seeds ---


def test_mean_and_error_over_seeds() -> None:
    found = chapter.over_seeds({1: 1.0, 2: 2.0, 3: 6.0})
    assert found.value == pytest.approx(3.0)
    assert found.error == pytest.approx(np.std([1, 2, 6], ddof=1) / np.sqrt(3))
    assert found.samples == 3
    assert np.isnan(chapter.over_seeds([5.0]).error)
    # Two seeds know their scatter badly: 6.3 errors; three 2.9, many two.
    for values, asked in (([1.0, 3.0], 6.314), ([1.0, 2.0, 6.0], 2.920), (list(range(30)), 2.0)):
        one = chapter.over_seeds([float(v) for v in values])
        assert one.margin == pytest.approx(asked * one.error, rel=1e-3)
    assert chapter.above(Estimate(3.0, 1.0, 3)) and not chapter.above(Estimate(2.9, 1.0, 3))


@pytest.mark.parametrize(
    ("value", "error", "answer"),
    [(1.0, 0.4, True), (1.0, 0.5, False), (-1.0, 0.1, False), (1.0, float("nan"), False),
     (0.0, 0.0, False)],
)  # fmt: skip
def test_above_needs_two_errors(value: float, error: float, answer: bool) -> None:
    assert chapter.above(Estimate(value, error)) is answer


def test_an_estimate_times_a_number() -> None:
    assert chapter.times(Estimate(2.0, 0.5, 3), -1) == Estimate(-2.0, 0.5, 3)


# --- moments ---


def test_the_frame_of_a_moment(fluoride: Atoms) -> None:
    frames = [timed(fluoride, t) for t in (0.0, 1.0, 2.0)]
    assert look.at(frames, 1.2).info["time_ps"] == 1.0
    with pytest.raises(DataError, match=r"within 0\.5 ps of 3\.0"):
        look.at(frames, 3.0)
    with pytest.raises(DataError, match="no frame"):
        look.at([], 0.0)


def mixture(share: float, *, seed: int = 0) -> Atoms:
    """A box of separate GaCl4 and GaF4 shells; the share has chlorine."""
    rng = np.random.default_rng(seed)
    arms = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    symbols, x = [], []
    for n, site in enumerate(np.argwhere(np.ones((3, 3, 3)))):
        chlorine = n < share * 27
        length = 2.15 if chlorine else 1.85
        symbols += ["Ga"] + 4 * ["Cl" if chlorine else "F"]
        centre = 8.0 * site + rng.uniform(-0.1, 0.1, 3)
        x += [centre, *(centre + length * arms)]
        symbols += ["Li"]
        x += [centre + 4.0]
    return Atoms(symbols, positions=x, cell=[24, 24, 24], pbc=True)


def test_the_change_of_the_peaks_has_the_right_sign() -> None:
    pairs = [(mixture(0.3, seed=s), mixture(0.6, seed=s + 9)) for s in range(3)]
    found = {"-".join(one.pair): one for one in look.changes(pairs)}
    assert list(found) == ["Ga-F", "Ga-Cl", "Li-F", "Li-Cl"]
    # g(r) is normalised by the partner's number, so what is exact is a count: the
    # peaks of both pairs stay, since each chlorine has one gallium before and after.
    for name in ("Ga-F", "Ga-Cl"):
        one = found[name]
        assert one.r.shape == one.before.shape == one.after_error.shape
        assert abs(one.peak.value) < 0.2 * one.before.max()
    # Lithium touches nothing within a bond's length.
    assert found["Li-F"].peak == Estimate(0.0, 0.0, 3)


def test_a_peak_that_grows_is_seen() -> None:
    """All chlorine on gallium after, two thirds before."""
    after = mixture(0.3)
    (change,) = [c for c in look.changes([(parted(after, 12), after)]) if c.pair == ("Ga", "Cl")]
    top = change.after[change.r < 2.9].max()
    assert change.peak.value == pytest.approx(top / 3, rel=1e-6) and np.isnan(change.peak.error)


def parted(atoms: Atoms, number: int) -> Atoms:
    """Move so many chlorines from their gallium to a lithium."""
    after = atoms.copy()
    chlorine, lithium = (np.flatnonzero(after.symbols == e)[:number] for e in ("Cl", "Li"))
    after.positions[chlorine] = after.positions[lithium] + [2.4, 0.0, 0.0]
    return after


def test_exchange_of_several_seeds() -> None:
    whole = mixture(0.3)  # 36 Cl and 72 F, all on gallium
    found = [mixing.exchange([timed(whole, 0.0), timed(parted(whole, n), 1.0)]) for n in (3, 6, 12)]
    table = look.mean_exchange(found)
    assert table.time_ps.tolist() == [0.0, 1.0]
    assert table.chlorine.to_numpy() == pytest.approx([1.0, np.mean([33, 30, 24]) / 36])
    shares = [(36 - n) / (108 - n) / (36 / 108) for n in (3, 6, 12)]
    assert table.relative.to_numpy() == pytest.approx([1.0, np.mean(shares)])
    assert table.relative_error[1] == pytest.approx(np.std(shares, ddof=1) / np.sqrt(3))
    assert look.mean_exchange(found[:1]).relative_error.isna().all()


# --- shells ---


def test_shells_of_the_crystals(fluoride: Atoms, chloride: Atoms) -> None:
    found = {"GaF3": mixing.speciation(fluoride), "GaCl3": mixing.speciation(chloride)}
    table = look.species_table(found)
    assert table.loc["GaF6", "GaF3"] == 1.0 and table.loc["GaCl4", "GaCl3"] == 1.0
    assert table.loc["others"].abs().max() == 0.0
    assert table.sum().to_numpy() == pytest.approx([1.0, 1.0])
    words = look.numbers(found)
    assert words.loc["neighbours Ga-F", "GaF3"] == "6.00 ± 0.00"
    assert words.loc["Ga with four Cl (%)", "GaCl3"] == "100.00 ± 0.00"
    assert words.loc["neighbours Li-F", "GaF3"] == "–"
    assert words.loc["their tetrahedral order", "GaF3"] == "–"


def test_rare_shells_are_summed_up() -> None:
    frame = mixture(1 / 27)
    table = look.species_table({"a": mixing.speciation(frame)}, least=0.2)
    assert table.index.tolist() == ["GaF4", "others"]
    assert table.loc["others", "a"] == pytest.approx(1 / 27)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("GaCl1F1", "GaClF"), ("GaCl0F6", "GaF6"), ("GaCl4F0", "GaCl4"), ("GaCl1F5", "GaClF5"),
     ("GaCl2F1", "GaCl2F"), ("GaCl0F0", "Ga"), ("GaCl1F0", "GaCl"), ("others", "others")],
)  # fmt: skip
def test_shells_in_plain_formulas(name: str, plain: str) -> None:
    assert look._plain(name) == plain


def test_chloride_shells_and_bonds(chloride: Atoms, fluoride: Atoms) -> None:
    alone = look.chloride_coordination([chloride])
    assert alone.value == 4.0 and np.isnan(alone.error)
    assert np.isnan(look.chloride_coordination([fluoride]).value)
    # Seeds count alike, however many such gallium they have; one without any does not count.
    fewer = chloride.copy()
    del fewer[int(np.flatnonzero(fewer.symbols == "Cl")[0])]
    counts = mixing.bonds(fewer).number("Ga", "Cl")[fewer.symbols == "Ga"]
    means = (4.0, counts.mean(), 4.0)
    several = look.chloride_coordination([chloride, fewer, fluoride, chloride * (2, 1, 1)])
    assert counts.mean() < 4.0 and several.value == pytest.approx(np.mean(means))
    assert several.error == pytest.approx(np.std(means, ddof=1) / np.sqrt(3))
    bonds = look.gallium_bonds(fluoride)
    assert len(bonds) == 6 * int((fluoride.symbols == "Ga").sum())
    i, j, image = bonds[0]
    vector = fluoride.positions[j] + np.array(image) @ fluoride.cell.array - fluoride.positions[i]
    assert np.linalg.norm(vector) < mixing.CUTOFFS["Ga", "F"]
    assert fluoride.symbols[i] == "Ga" and fluoride.symbols[j] == "F"


def test_settings_that_are_read_off_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look.turn() == pytest.approx(90.0)
    assert look.ensembles(presets.preset("paper")) == "Nose-Hoover NVT and NPT"
    alone = replace(presets.preset("paper"), protocols={"shear": presets.protocol("shear")})
    assert look.ensembles(alone) == "Nose-Hoover NPT"
    monkeypatch.setattr(build, "axes", lambda: {(0, 0, 0): "z", (1, 0, 0): "z", (0, 1, 0): "x"})
    with pytest.raises(DataError, match=r"\[0\.0, 90\.0\]"):
        look.turn()


# --- at rest ---


def rest(*, drift: float, rows: int = 2000, seed: int = 0) -> Thermo:
    rng = np.random.default_rng(seed)
    t = 0.05 * np.arange(rows)
    return Thermo(columns={
        "Time": t, "Density": 2.5 + drift * t + rng.normal(0, 0.01, rows),
        "PotEng": -3000 + rng.normal(0, 1.0, rows), "Lx": 20 + rng.normal(0, 0.02, rows),
        "Ly": 20 + rng.normal(0, 0.02, rows), "Lz": 20 + rng.normal(0, 0.02, rows)})  # fmt: skip


def test_what_drifts_is_told_from_what_rests() -> None:
    moving = look.steady(rest(drift=1e-3), natoms=500)
    assert moving.density.value == pytest.approx(1e-3, abs=4 * moving.density.error)
    assert not moving.still
    # Three slopes within two errors each: 0.95^3 of honest rests are found still.
    still = [look.steady(rest(drift=0.0, seed=s), natoms=500).still for s in range(60)]
    assert 0.7 < np.mean(still) < 0.98


def test_the_slope_of_the_energy_is_per_atom() -> None:
    t = np.arange(100.0)
    flat = np.full(100, 20.0)
    table = Thermo(columns={"Time": t, "PotEng": 0.5 * t, "Density": flat, "Lx": flat, "Ly": flat,
                            "Lz": flat})  # fmt: skip
    assert look.steady(table, natoms=250).energy.value == pytest.approx(2.0)
    own = look.rest_table(table, natoms=250, half_width=0.0)
    assert own.energy.iloc[0] == pytest.approx(-2.0 * 99) and own.energy.iloc[-1] == 0.0
    assert own.time_ps.tolist() == t.tolist() and (own.density == 20.0).all()


# --- shipped runs ---


def test_a_protocol_that_nobody_ran_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pd.DataFrame({"seed": [2, 1], "protocol": ["anneal", "anneal"]})
    monkeypatch.setattr(chapter, "runs", lambda preset="reference": table)
    assert chapter.seeds("anneal") == [1, 2]
    with pytest.raises(DataError, match=r"no run of 'cooling'.*campaign_cli go"):
        chapter.seeds("cooling")


def test_the_cost_of_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame({"wall_s": [1800.0, 900.0], "ranks": [1, 2], "picoseconds": [10.0, 5.0],
                          "timestep_fs": [2.0, 1.0], "natoms": [500, 500]})  # fmt: skip
    monkeypatch.setattr(chapter, "runs", lambda preset="reference": table)
    cost = chapter.cost()
    assert cost["core_hours"] == pytest.approx(1.0) and cost["picoseconds"] == 15.0
    # 5,000 steps each of 500 atoms.
    assert cost["us_per_atom_step"] == pytest.approx(3.6e9 / (10000 * 500))


def test_rows_of_one_leg() -> None:
    found = chapter.rows("anneal", "melt")
    assert sorted(found.seed) == chapter.seeds("anneal")
    assert set(found.protocol) == {"anneal"} and set(found.leg) == {"melt"}
    assert chapter.rows("anneal", "nothing").empty


def test_an_estimate_in_words() -> None:
    assert Estimate(0.1234, 0.056).words() == "0.12 ± 0.06"
    assert Estimate(0.1234, 0.056).words(1, factor=100) == "12.3 ± 5.6"
    assert Estimate(float("nan"), 1.0).words(none="none") == "none"


def test_the_plan_in_words() -> None:
    table = chapter.plan(atoms={"sandwich": 384, "assembly": 9000})
    # The sandwich lasts a step longer than it says; the paper ran no diffusion at 820 K.
    assert table.loc["sandwich", "ours (ps)"] == "5"
    assert table.loc["cooling", "paper (ps)"] == "70,100"
    assert table.loc["diffusion-820", "paper (ps)"] == "–"
    assert set(table["seeds planned"]) == {3}
    # 200,000 steps of 9,000 atoms at 2.58 us; half as many atoms take half as long.
    assert table.loc["shear", "paper's on one GPU (days)"] == f"{2e5 * 9000 * 2.58e-6 / 86400:.2f}"
    core = 2e5 * 9000 * chapter.cost()["us_per_atom_step"] * 1e-6 / 86400
    assert table.loc["shear", "paper's on one core (days)"] == f"{core:.1f}"
    assert table.loc["diffusion-820", "paper's on one core (days)"] == "–"
    assert (
        chapter.plan(atoms={"sandwich": 384, "assembly": 4500}).loc[
            "shear", "paper's on one core (days)"
        ]
        == f"{core / 2:.1f}"
    )


def test_hours_of_a_run() -> None:
    # 200 ps are 200,000 steps of a million atoms at a microsecond; the sandwich has its own atoms.
    known = {"sandwich": 1000, "assembly": 10**6}
    rows = {
        name: (ps, hours)
        for name, ps, hours in presets.plan("paper", us_per_atom_step=1.0, known=known)
    }
    assert rows["shear"] == pytest.approx((200.0, 2e5 / 3600))
    assert rows["sandwich"] == pytest.approx((5.002, 5.002 / 3600))
    assert rows["stress-50"][0] == presets.picoseconds(presets.protocol("stress-50", "paper"))


# --- islands ---


def test_islands_of_crystals_and_of_single_shells(fluoride: Atoms) -> None:
    alone = mixture(0.5)
    runs = [[timed(fluoride, 0.0), timed(alone, 1.0), timed(alone, 2.0)],
            [timed(fluoride, 0.0), timed(fluoride, 1.0), timed(alone, 2.0)]]  # fmt: skip
    table = look.islands(runs, until=1.0)
    assert table.time_ps.tolist() == [0.0, 1.0]
    # Every gallium of the crystal is linked; shells that share nothing are no island.
    assert table.fluoride.tolist() == [1.0, 0.5]
    assert table.fluoride_error.tolist() == [0.0, 0.5]
    assert np.isnan(look.islands(runs[:1], until=5.0).fluoride_error).all()


def test_what_cations_wear() -> None:
    frame = mixture(1 / 3)
    worn = look.surroundings_of(frame)
    names = np.array(frame.get_chemical_symbols())
    assert list(worn) == list(plots.WORN)
    assert worn["Ga with Cl only"].sum() == 9 and worn["Ga with F only"].sum() == 18
    assert not worn["Ga with both"].any()
    assert set(names[worn["Ga with F only"]]) == {"Ga"}
    pair = Atoms("GaFClLiLiFCl", [[0, 0, 0], [1.9, 0, 0], [0, 2.2, 0], [10, 10, 10], [20, 20, 20],
                                  [11.9, 10, 10], [20, 22.3, 20]], cell=[30] * 3, pbc=True)  # fmt: skip
    worn = look.surroundings_of(pair)
    assert worn["Ga with both"].tolist() == [True] + 6 * [False]
    assert np.flatnonzero(worn["Li with F"]).tolist() == [3]
    assert np.flatnonzero(worn["Li with Cl only"]).tolist() == [4]


# --- figures ---


def test_a_slice_holds_the_cations_near_its_middle() -> None:
    frame = mixture(1 / 3)
    _, ax = new_figure()
    worn = look.surroundings_of(frame)
    plots.plot_slice(ax, frame, worn, at=0.5, thickness=4.0)
    # Sites at 0, 8 and 16 and lithium 4 further on each axis: the middle of 24 has lithium only.
    shown = {line.get_label(): len(line.get_xdata()) for line in ax.lines}
    assert shown["Ga with F only"] == shown["Ga with Cl only"] == 0
    middle = np.abs(frame.get_scaled_positions()[:, 0] * 24 - 12) <= 2
    for words, mask in worn.items():
        assert shown[words] == (mask & middle).sum()
    plots.plot_slice(ax, frame, worn, at=0.5, thickness=24.1)
    assert sum(len(line.get_xdata()) for line in ax.lines[5:]) == sum(
        m.sum() for m in worn.values()
    )


def test_islands_are_drawn_by_size(fluoride: Atoms) -> None:
    table = look.islands([[timed(fluoride, 0.0), timed(fluoride, 1.0)]], until=1.0)
    _, axes = new_figure(1, 2)
    plots.plot_islands(axes, {"small": table, "large": table})
    assert [len(ax.lines) for ax in axes] == [2, 2]
    assert axes[0].lines[0].get_ydata().tolist() == [1.0, 1.0]


def test_figures_hold_what_they_are_given() -> None:
    found = look.changes([(mixture(0.3), mixture(0.6))])
    _, axes = new_figure(1, 4)
    plots.plot_changes(axes, found, labels=("a", "b"))
    assert [ax.get_title() for ax in axes] == ["Ga–F", "Ga–Cl", "Li–F", "Li–Cl"]
    assert axes[1].lines[1].get_ydata() == pytest.approx(found[1].after)
    _, ax = new_figure()
    table = pd.DataFrame(
        {"time_ps": [0.0, 1.0], "chlorine": [0.1, 0.2], "chlorine_error": [0.0, 0.1]}
    )
    states = salts.limits({"Li": 2, "Cl": 2, "Ga": 1, "F": 3})
    plots.plot_exchange(ax, {"900 K": table}, column="chlorine", limits=states)
    assert ax.lines[0].get_ydata().tolist() == [0.1, 0.2]
    # Unmixed is zero and random mixing fixes no share: two states have a line.
    assert {line.get_ydata()[0] for line in ax.lines[1:]} == {0.75, 1.0}
    _, ax = new_figure()
    shells = pd.DataFrame({"x": [0.7, 0.3], "y": [0.5, 0.5]}, index=["GaF6", "others"])
    plots.plot_species(ax, shells)
    assert [bar.get_height() for bar in ax.patches] == pytest.approx([70, 30, 50, 50])
    _, axes = new_figure(1, 2)
    own = look.rest_table(rest(drift=0.0), natoms=500)
    plots.plot_rest(axes, {"seed 1": own})
    assert axes[0].lines[0].get_ydata() == pytest.approx(own.density)


# --- live ---


@pytest.mark.live
def test_a_live_melt(monkeypatch: pytest.MonkeyPatch) -> None:
    made = chapter.Live(seed=2)
    melt, quiet = made.anneal(temperature=800.0, picoseconds=0.6)
    assert melt.thermo.natoms == 128
    # A relaxed start takes half of the heat at first; 128 atoms then scatter by 60 K.
    half = len(melt.thermo) // 2
    assert melt.thermo["Temp"][half:].mean() == pytest.approx(800, abs=300)
    frames = list(made.frames(melt))
    assert [f.info["time_ps"] for f in frames] == pytest.approx([0.0, 0.5])
    assert quiet.leg.name == "rest"
    assert mixing.exchange(frames).chlorine_on_gallium.shape == (2,)


@pytest.mark.parametrize(("line", "name"), [
    ("LAMMPS data file via write_data, version 22 Jul 2025, timestep = 0", "LAMMPS"),
    ("Other data file via write_data, version 1", "Other"),
    ("LiCl and GaF3, by hand", "unknown"), ("", "unknown"),
])  # fmt: skip
def test_the_program_is_read_off_a_state(
    line: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "state.data.gz"
    file.write_bytes(gzip.compress(f"{line}\n\n704 atoms\n".encode()))
    monkeypatch.setattr(data, "path", lambda asked: file)
    assert look.program() == name


def test_the_shipped_glass_is_of_lammps() -> None:
    assert look.program() == "LAMMPS"


def test_what_still_drifts_is_named() -> None:
    none, up = Estimate(0.1, 0.1), Estimate(-0.5, 0.1)
    calm, restless = look.Steady(none, none, none), look.Steady(none, up, none)
    assert look.still_words({1: calm, 2: calm}).startswith("It is, as far")
    words = look.still_words({1: calm, 2: restless, 3: look.Steady(up, up, none)})
    assert words.endswith("drifts the density in 1 of 3 glasses, the energy in 2 of 3 glasses.")


def test_the_quenched_density_is_that_of_a_solid() -> None:
    assert 2.0 < look.quenched_density() < 3.2


def test_one_less_another() -> None:
    found = chapter.less(Estimate(1.0, 0.3, 3), Estimate(3.0, 0.4, 3))
    assert found.value == -2.0 and found.error == pytest.approx(0.5)
