"""Stress cycles of several seeds against their control, and the noise of a small cell."""

from __future__ import annotations

import numpy as np
import pytest
from test_clay_zones_chapter import run

from repro.clay import plots
from repro.clay import stress_chapter as look
from repro.errors import InputError
from repro.figures import new_figure
from repro.md.logs import Thermo
from repro.md.statistics import Estimate

NATOMS = 500


def legs(
    *, steps: tuple[float, ...], seed: int = 0, noise: float = 0.0, energy: float = 0.0
) -> list[Thermo]:
    """One leg per strain, which is reached at once; energies per atom rise leg by leg."""
    rng = np.random.default_rng(seed)
    made = []
    for k, strain in enumerate(steps):
        n = 200
        made.append(Thermo(columns={
            "Time": 0.05 * np.arange(n), "Pyz": np.zeros(n), "Pxz": np.zeros(n),
            "Yz": 20.0 * (strain + rng.normal(0, noise, n) if noise else np.full(n, strain)),
            "Xz": np.zeros(n), "Lz": np.full(n, 20.0), "Volume": np.full(n, 9000.0),
            "PotEng": np.full(n, -2000.0 + NATOMS * energy * k / 1000),
        }))  # fmt: skip
    # The strain is counted from the first row.
    made[0].columns["Yz"][0] = 0.0  # type: ignore[index]
    return made


def load(strains: dict[int, tuple[float, ...]], *, amplitude: float = 50.0, **more: float):  # type: ignore[no-untyped-def]
    return look.loaded({s: legs(steps=one, seed=s, **more) for s, one in strains.items()},
                       component="yz", amplitude_mpa=amplitude, natoms=NATOMS)  # fmt: skip


def test_what_is_left_after_each_cycle() -> None:
    one = load({1: (0.02, 0.01, 0.03, 0.015), 2: (0.02, 0.02, 0.03, 0.025)}, energy=0.5)
    assert one.residual().value == pytest.approx(0.02)
    assert one.residual().error == pytest.approx(0.005)
    assert one.residual(0).value == pytest.approx(0.015)
    assert one.energy().value == pytest.approx(1.5) and one.energy().error == pytest.approx(0.0)
    assert one.largest_energy() == pytest.approx(1.5)


def test_what_goes_with_the_load_is_elastic() -> None:
    def cycle(loaded: float, residual: float) -> look.cycles.Cycle:
        return look.cycles.Cycle(
            1, Estimate(loaded, 0.0), Estimate(residual, 0.0), Estimate(0.0, 0.0)
        )

    made = {
        1: [cycle(0.010, 0.002), cycle(0.013, 0.003)],
        2: [cycle(0.020, 0.010), cycle(0.021, 0.009)],
    }
    found = look.Loaded("yz", 50.0, {}, made).elastic()
    assert found.value == pytest.approx(0.010) and found.error == pytest.approx(0.001)
    assert found.samples == 2


def test_whether_a_load_acts_is_judged_seed_by_seed() -> None:
    control = load({s: (0.001 * s, 0.0) for s in (1, 2, 3)}, amplitude=0.0)
    sure = load({s: (0.01 + 0.001 * s, 0.0) for s in (1, 2, 3)})
    assert look.acts(sure, control) == "It does."
    unsure = load({s: (0.02 * (s == 1), 0.0) for s in (1, 2, 3)})
    assert "with three glasses" in look.acts(unsure, control)
    # Seeds without a control do not count, and one glass proves nothing.
    assert "with one glass" in look.acts(load({1: (0.5, 0.0), 7: (0.5, 0.0)}), control)
    with pytest.raises(InputError, match=r"\[7\] and \[1, 2, 3\]: expected a control"):
        look.acts(load({7: (0.5, 0.0)}), control)


def test_the_control_is_taken_off_seed_by_seed() -> None:
    loaded = load({1: (0.02, 0.010), 2: (0.02, 0.030), 3: (0.0, 0.5)})
    control = load({1: (0.0, 0.005), 2: (0.0, 0.025)}, amplitude=0.0)
    found = look.beyond(loaded, control)
    # Both seeds differ by 0.005; that they differ among each other does not matter.
    assert found.value == pytest.approx(0.005) and found.error == pytest.approx(0.0, abs=1e-12)


def test_a_wandering_cell_is_not_called_plastic() -> None:
    """Without any effect of the load, two errors are exceeded about as often as t says."""
    rng = np.random.default_rng(5)
    seen = []
    for _ in range(150):
        a, b = rng.normal(0, 0.01, (2, 3))
        loaded = load({s: (0.0, float(a[s])) for s in range(3)})
        control = load({s: (0.0, float(b[s])) for s in range(3)})
        e = look.beyond(loaded, control)
        seen.append(e.value > 2 * e.error)
    # Student's t with two degrees of freedom: 9 % lie above two.
    assert 0.02 < np.mean(seen) < 0.18


def test_the_table_says_what_is_beyond_the_control() -> None:
    loaded, control = load({1: (0.02, 0.01), 2: (0.02, 0.01)}), load({1: (0, 0.0), 2: (0, 0.0)})
    found = look.table({"50 MPa": loaded, "none": control}, control)
    assert found.loc[("50 MPa", 1), "beyond the control (%)"] == "1.00 ± 0.00"
    assert found.loc[("none", 1), "beyond the control (%)"] == ""
    assert found.loc[("50 MPa", 1), "strain under load (%)"] == "2.00 ± 0.00"
    alone = load({1: (0.02, 0.01)})
    assert look.table({"a": alone}, control).loc[("a", 1), "residual (%)"] == "1.00"


def test_noise_falls_with_time_and_size() -> None:
    rng = np.random.default_rng(1)
    n = 20000
    run = Thermo(columns={"Time": 0.05 * np.arange(n), "Pyz": rng.normal(0, 1000, n),
                          "Volume": np.full(n, 9000.0)})  # fmt: skip
    found = look.fluctuation(run, natoms=500)
    assert found.instant == pytest.approx(100.0, rel=0.03)
    # 201 independent rows in ten picoseconds.
    assert found.averaged == pytest.approx(100 / np.sqrt(201), rel=0.15)
    assert found.volume == 9000.0
    assert look.at_size(found, 5000) == pytest.approx(
        (found.instant / np.sqrt(10), found.averaged / np.sqrt(10))
    )


def test_scatter_of_three_components_since_a_moment() -> None:
    rng = np.random.default_rng(2)
    n = 4000
    t = 5.0 + 0.05 * np.arange(n)
    early = np.where(t < 105.0, 1e5, 0.0)  # what the quench left, gone after 100 ps
    run = Thermo(columns={
        "Time": t, "Volume": np.full(n, 9000.0), "Pyz": early + rng.normal(500, 100, n),
        "Pxz": rng.normal(0, 200, n), "Pxy": rng.normal(-70, 300, n),
    })  # fmt: skip
    found = look.scatter(run, natoms=500, since_ps=100.0)
    # Each about its own mean, root of the mean of squares, ten bar in a MPa.
    assert found.instant == pytest.approx(10 * np.sqrt((1 + 4 + 9) / 3), rel=0.03)
    assert np.isnan(found.averaged) and (found.natoms, found.volume) == (500, 9000.0)
    assert look.scatter(run, natoms=500, since_ps=0.0).instant > 1000
    with pytest.raises(InputError, match="0 rows since 300 ps"):
        look.scatter(run, natoms=500, since_ps=300.0)


def test_what_cannot_be() -> None:
    one = load({1: (0.0, 0.0)})
    with pytest.raises(InputError, match="no seeds"):
        look.loaded({}, component="yz", amplitude_mpa=0.0, natoms=1)
    other = look.loaded({1: legs(steps=(0.0, 0.0))}, component="xz", amplitude_mpa=0.0, natoms=1)
    with pytest.raises(InputError, match="load on yz, control read on xz"):
        look.beyond(one, other)
    with pytest.raises(InputError, match=r"seeds \[1\] and \[2\]"):
        look.beyond(one, load({2: (0.0, 0.0)}))
    with pytest.raises(InputError, match="'zz'"):
        look.fluctuation(legs(steps=(0.0,))[0], natoms=1, component="zz")
    with pytest.raises(InputError, match="more than 20 ps"):
        look.fluctuation(legs(steps=(0.0,))[0], natoms=1, half_width=10.0)
    with pytest.raises(InputError, match="0 atoms"):
        look.at_size(look.Fluctuation(1, 1.0, 1.0, 1.0), 0)


def test_gallium_that_wears_chlorine_moves_more_where_it_was_planted_so() -> None:
    before, *_, after = run(where="Cl", frames=4, size=1.5)
    assert look.activation(before, after) > 5
    before, *_, after = run(where="F", frames=4, size=1.5)
    assert look.activation(before, after) < -1
    one_sort = before.copy()
    one_sort.symbols[[a.symbol == "Cl" for a in one_sort]] = "F"
    with pytest.raises(InputError, match="0 of 27 gallium"):
        look.activation(one_sort, one_sort)


def test_the_figure_has_a_line_for_each_seed_and_quantity() -> None:
    one = load({1: (0.02, 0.01), 2: (0.02, 0.02)}, energy=2.0)
    _, axes = new_figure(3, 1)
    plots.plot_cycles(axes, {"50 MPa": one}, half_width=0.0)
    strain = axes[1].lines[1].get_ydata()
    assert strain[-1] == pytest.approx(2.0)
    assert axes[2].lines[0].get_ydata()[-1] == pytest.approx(2.0)
    assert [len(ax.lines) for ax in axes] == [3, 3, 3]  # and a line at zero


def test_the_lines_of_a_load_are_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look.others_zero()
    assert look.others_zero("xz", stress_mpa=10.0)
    right = look.scripts.shear_stress
    for old, new in ((" xz 0 0", " xz 7 7"), (" yz -500 -500", " yz 500 500"), (" z 0 0", " ")):

        def wrong(*given: float, old: str = old, new: str = new, **options: float) -> str:
            text = right(*given, **options)  # type: ignore[arg-type]
            assert old in text
            return text.replace(old, new)

        with monkeypatch.context() as patch:
            patch.setattr(look.scripts, "shear_stress", wrong)
            assert not look.others_zero()


def test_the_energy_beyond_the_control_is_taken_seed_by_seed() -> None:
    rng = np.random.default_rng(9)

    def one(levels: dict[int, float]) -> look.Loaded:
        made = {seed: [look.cycles.Cycle(1, Estimate(0.0, 0.0), Estimate(0.0, 0.0), Estimate(e, 0.1))]
                for seed, e in levels.items()}  # fmt: skip
        return look.Loaded("yz", 50.0, {}, made)

    common = rng.normal(0, 10, 3)
    found = look.energy_beyond(one({s: common[s] + 2.0 for s in range(3)}),
                               one({s: common[s] for s in range(3)}))  # fmt: skip
    assert found.value == pytest.approx(2.0) and found.error == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(InputError, match=r"seeds \[1\] and \[2\]"):
        look.energy_beyond(one({1: 0.0}), one({2: 0.0}))


def test_what_is_said_of_a_strain_beyond_the_control() -> None:
    assert look.in_words(Estimate(0.03, 0.01, 3)) == "more than chance explains"
    # Of three, 2.92 errors; of two, 6.31.
    assert look.in_words(Estimate(0.02, 0.01, 3)) == "and chance alone could give 2.9 %"
    assert look.in_words(Estimate(0.03, 0.01, 2)) == "and chance alone could give 6.3 %"
    assert "one glass" in look.in_words(Estimate(0.03, float("nan"), 1))
    assert look.in_words(Estimate(-0.02, 0.01, 3)) == "and chance alone could give 2.9 %"
    assert look.in_words(Estimate(-0.03, 0.01, 3)).startswith("against the load, and by more")


def test_how_many_seeds() -> None:
    # Errors of 0.2 with 4 seeds: to bring two of them to 0.1 takes (0.4 / 0.1)^2 times as many.
    assert look.seeds_needed(Estimate(0.0, 0.2, 4), effect=0.1) == 64
    assert look.seeds_needed(Estimate(0.0, 1e-9, 4), effect=0.1) == 2
    with pytest.raises(InputError, match="effect 0"):
        look.seeds_needed(Estimate(0.0, 0.2, 4), effect=0)
    with pytest.raises(InputError, match="error nan"):
        look.seeds_needed(Estimate(0.0, float("nan"), 1), effect=0.1)


def test_first_and_last_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def frames(seed: int, protocol: str, leg: str):  # type: ignore[no-untyped-def]
        asked.append((seed, protocol, leg))
        return run(frames=3, seed=seed)

    monkeypatch.setattr(look.chapter, "frames", frames)
    first, last = look.first_and_last(4, "stress-50")
    assert asked == [(4, "stress-50", "on-1"), (4, "stress-50", "off-3")]
    assert (first.info["time_ps"], last.info["time_ps"]) == (0.0, 4.0)


def test_scatter_by_size_beside_the_law() -> None:
    table = look.size_table({
        "small": [look.Fluctuation(100, 1000.0, 300.0, 1.0), look.Fluctuation(100, 1000.0, 400.0, 1.0)],
        "large": [look.Fluctuation(400, 4000.0, 200.0, 1.0)],
    })  # fmt: skip
    # Root of the mean of 300^2 and 400^2; a fourth of the volume has twice the scatter of 200.
    assert table.loc["small"].tolist() == ["100", "2", "354", "400"]
    assert table.loc["large"].tolist() == ["400", "1", "200", "200"]
    with pytest.raises(InputError, match="no run of tiny"):
        look.size_table({"tiny": [], "large": [look.Fluctuation(400, 4000.0, 200.0, 1.0)]})
    with pytest.raises(InputError, match="no run of any size"):
        look.size_table({})


def test_the_work_of_a_load() -> None:
    # 1 GPa times 1000 angstrom^3 is 1e-18 J, 6.2415 eV; here a tenth of it over 100 atoms.
    assert look.work(1000.0, 0.1, volume=1000.0, natoms=100) == pytest.approx(6.2415, rel=1e-4)
    assert look.work(-50.0, 0.1, volume=1000.0, natoms=100) == pytest.approx(-0.312075, rel=1e-4)
    with pytest.raises(InputError, match=r"0 atoms in 5\.0"):
        look.work(1.0, 1.0, volume=5.0, natoms=0)
