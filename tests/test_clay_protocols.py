"""Protocols: the paper's settings, legs that make stages, and LAMMPS that does what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from repro.clay import presets, protocols
from repro.errors import InputError
from repro.md import datafile, stages
from repro.md.logs import Thermo

# A Lennard-Jones solid: fast, stable, and with all six cell parameters meaningful.
LJ = "pair_style lj/cut 6.0\npair_modify tail no\npair_coeff * * 0.05 2.55\n"


def solid() -> Atoms:
    atoms = bulk("Li", "fcc", a=4.0, cubic=True).repeat(3)
    atoms.set_chemical_symbols(["Li", "F", "Cl", "Ga"] * (len(atoms) // 4))
    return atoms


def run(leg: protocols.Leg, folder: Path, *, checkpoint_ps: float = 100.0) -> Thermo:
    folder.mkdir(parents=True, exist_ok=True)
    structure = folder / "start.data"
    datafile.write_structure(solid(), structure)
    stage = leg.stage(pair=LJ, timestep_fs=2.0, checkpoint_ps=checkpoint_ps)
    return stages.run_stage(stage, structure, folder=folder)


# --- descriptions ---


EVERY = [(preset, name) for preset, one in presets.PRESETS.items() for name in one.protocols]


@pytest.mark.parametrize(("preset", "name"), EVERY)
def test_every_protocol_makes_stages(preset: str, name: str) -> None:
    legs = presets.protocol(name, preset).legs(seed=3)
    assert len({leg.name for leg in legs}) == len(legs)
    dt = presets.preset(preset).timestep_fs
    for number, leg in enumerate(legs):
        stage = leg.stage(pair=LJ, timestep_fs=dt, checkpoint_ps=2.0)
        assert stage.steps == round(1000 * leg.picoseconds / dt)
        assert stage.segments()[-1] == stage.steps and stage.dump_every >= 1
        # Only a first leg, or one after a relaxation, draws velocities.
        assert ("velocity" in leg.begin) == (number == 0 or "minimize" in leg.begin)


def minimisations(lines: str) -> list[int]:
    return [int(line.split()[3]) for line in lines.splitlines() if line.startswith("minimize")]


def test_a_hasty_anneal_differs_in_its_closing_only() -> None:
    usual, hasty = protocols.Anneal(melt_ps=2.0), protocols.HastyAnneal(melt_ps=2.0, closing=400)
    assert minimisations(usual.close()) == [2000, 300, 500, 300, 500, 300]
    assert minimisations(hasty.close()) == [400, 60, 100, 60, 100, 60]
    for a, b in zip(usual.legs(seed=1), hasty.legs(seed=1), strict=True):
        assert b.begin == a.begin.replace(usual.close(), hasty.close()) != a.begin
        assert (a.name, a.ensemble, a.picoseconds) == (b.name, b.ensemble, b.picoseconds)
    for wrong, words in (({"closing": 19}, "19 steps"), ({"first_ps": 60.0}, "first snapshot")):
        with pytest.raises(InputError, match=words):
            protocols.HastyAnneal(**wrong)  # type: ignore[arg-type]


def test_the_papers_settings() -> None:
    whole = presets.preset("paper")
    assert whole.timestep_fs == 1.0 and whole.size == "paper"
    paper = whole.protocols
    hold, relaxed = paper["sandwich"].legs(seed=1)
    assert hold.picoseconds == 5.0 and "nvt temp 800 800 0.2" in hold.ensemble
    assert "minimize" in relaxed.begin and "velocity all set 0 0 0" in relaxed.begin
    melt, rest = paper["anneal"].legs(seed=1)
    assert melt.picoseconds == 50.0 and "nvt temp 900 900 0.2" in melt.ensemble
    assert melt.dump_ps == 1.0  # snapshots at 1 and at 50 ps
    assert rest.picoseconds == 2000.0 and "npt temp 300 300 0.2 tri 0 0 1" in rest.ensemble
    assert "minimize" in melt.begin and "minimize" in rest.begin
    stress = paper["stress-50"].legs(seed=1)
    assert [leg.name for leg in stress] == ["on-1", "off-1", "on-2", "off-2", "on-3", "off-3"]
    assert {leg.picoseconds for leg in stress} == {400.0}
    assert ["yz -500 -500" in leg.ensemble for leg in stress] == 3 * [True, False]
    assert "yz -100 -100" in paper["stress-10"].legs(seed=1)[0].ensemble
    (shear,) = paper["shear"].legs(seed=1)
    assert "yz erate 0.001 " in shear.ensemble
    assert shear.picoseconds == pytest.approx(200.0)
    assert shear.dump_ps == pytest.approx(10.0)  # a strain of 0.01


def test_the_control_is_the_same_run_without_a_load() -> None:
    load = protocols.StressCycles(on_ps=3.0, off_ps=2.0)
    control = protocols.StressCycles(on_ps=3.0, off_ps=2.0, amplitude_mpa=0.0)
    for one, other in zip(load.legs(seed=5), control.legs(seed=5), strict=True):
        assert (one.name, one.picoseconds, one.begin) == (
            other.name,
            other.picoseconds,
            other.begin,
        )
        assert (one.ensemble == other.ensemble) == one.name.startswith("off")


def test_what_begins_from_what() -> None:
    for preset, name in EVERY:
        before = presets.start(name)
        known = presets.preset(preset).protocols
        assert before in (None, "assembly") or before in known
    assert presets.start("sandwich") is None
    assert presets.start("anneal") == presets.start("melt-700") == "assembly"
    assert presets.start("shear") == "anneal"
    assert presets.start("unmixed-0") == "sandwich"


def test_the_components_and_the_control() -> None:
    known = presets.preset("reference").protocols
    control, low, high, other = (
        known[name] for name in ("stress-0", "stress-10", "stress-50", "stress-50-xz")
    )
    lines = [one.legs(seed=1)[0].ensemble for one in (control, low, high, other)]
    assert "yz 0 0 1" in lines[0] and "yz -100 -100 1" in lines[1] and "yz -500 -500 1" in lines[2]
    assert "xz -500 -500 1" in lines[3] and "yz 0 0 1" in lines[3]
    assert {one.legs(seed=1)[1].ensemble for one in (control, low, high, other)} == {lines[0]}


def test_the_plan_counts_steps_and_atoms() -> None:
    hours = {name: (ps, h) for name, ps, h in presets.plan("reference", us_per_atom_step=50.0)}
    # 110 ps are 55,000 steps of 2 fs; 50 us for 704 atoms are 0.0352 s a step.
    assert hours["anneal"] == (pytest.approx(110.0), pytest.approx(55_000 * 0.0352 / 3600))
    assert hours["sandwich"][1] == pytest.approx(2501 * 256 * 50e-6 / 3600)
    assert hours["unmixed-0"][1] == pytest.approx(20_000 * 256 * 50e-6 / 3600)
    assert set(hours) == set(presets.preset("reference").protocols)


def test_the_sizes_the_plan_takes() -> None:
    assert presets.atoms("class") == {"sandwich": 128, "assembly": 128}
    assert presets.atoms("reference") == {"sandwich": 256, "assembly": 704}


def test_a_melt_keeps_its_frames() -> None:
    (leg,) = protocols.Melt(700.0, 20.0, 0.5).legs(seed=2)
    assert leg.dump_ps == 0.5 and "nvt temp 700 700" in leg.ensemble and "box/relax" in leg.begin


def test_a_ramp_takes_its_time() -> None:
    settle, cool = protocols.Cooling(start=500, stop=100, rate=2.0).legs(seed=1)
    assert cool.picoseconds == 200.0 and "temp 500 100 0.2" in cool.ensemble
    assert "temp 500 500" in settle.ensemble


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: protocols.StressCycles(cycles=0), "0 stress cycles"),
        (lambda: protocols.Cooling(start=100, stop=200), "from 100 to 200 K"),
        (lambda: protocols.Cooling(rate=0), "positive rate"),
        (lambda: protocols.ShearRate(rate_per_s=0), "expected positive numbers"),
        (lambda: protocols.ShearRate(strain=0.001), "strain >= interval"),
        (lambda: protocols.Anneal(first_ps=60.0), "first snapshot at 60"),
        (lambda: protocols.StressCycles(component="zz").legs(seed=1), "'zz'"),
        (lambda: presets.protocol("sheer"), "'sheer'.*shear"),
        (lambda: presets.protocol("shear", "papre"), "'papre'.*paper"),
        (lambda: presets.plan("class", us_per_atom_step=0.0), "0.0 us/atom/step"),
        (lambda: protocols.Leg("a", "", 0.0005).stage(pair="", timestep_fs=1.0, checkpoint_ps=1.0),
         "one step of 1.0 fs or more"),
        (lambda: protocols.Leg("a", "", 1.0).stage(pair="", timestep_fs=0.0, checkpoint_ps=1.0),
         "timestep_fs=0.0"),
    ],
)  # fmt: skip
def test_what_cannot_be(make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()  # type: ignore[operator]


# --- in LAMMPS ---


@pytest.mark.live
def test_shear_reaches_its_strain_whatever_the_segments(tmp_path: Path) -> None:
    (leg,) = protocols.ShearRate(rate_per_s=1e11, strain=0.04).legs(seed=2)
    whole = run(leg, tmp_path / "whole")
    parts = run(leg, tmp_path / "parts", checkpoint_ps=0.09)
    assert len(list((tmp_path / "parts").glob("segment-*.log"))) == 5
    for table in (whole, parts):
        strain = (table["Yz"] - table["Yz"][0]) / table["Lz"][0]
        assert strain == pytest.approx(0.1 * (table["Time"] - table["Time"][0]), abs=1e-6)
        assert strain[-1] == pytest.approx(0.04, abs=1e-6)
    # The others are free: they move, but stay near zero stress.
    assert np.ptp(whole["Xz"]) > 0 and np.ptp(whole["Lx"]) > 0


@pytest.mark.live
def test_shear_stress_and_strain_have_one_sign(tmp_path: Path) -> None:
    strains = {}
    for stress in (400.0, -400.0):
        leg = protocols.StressCycles(amplitude_mpa=stress, on_ps=4.0).legs(seed=2)[0]
        table = run(leg, tmp_path / f"{stress:g}")
        late = table["Time"] > 2.0
        strains[stress] = float((table["Yz"][late] / table["Lz"][late]).mean())
        assert -table["Pyz"][late].mean() / 10 == pytest.approx(stress, rel=0.2)  # bar, MPa
    assert strains[400.0] > 0.002 and strains[-400.0] < -0.002


@pytest.mark.live
def test_gaps_close(tmp_path: Path) -> None:
    apart = solid()
    apart.set_cell(apart.cell * 1.12, scale_atoms=True)
    datafile.write_structure(apart, tmp_path / "start.data")
    assert protocols.Anneal().legs(seed=1)[0].begin.startswith(protocols.CLOSE)
    leg = protocols.Leg("close", "fix ensemble all nve\n", 0.01, begin=protocols.CLOSE)
    stage = leg.stage(pair=LJ, timestep_fs=1.0, checkpoint_ps=1.0)
    table = stages.run_stage(stage, tmp_path / "start.data", folder=tmp_path)
    assert table["Volume"][0] < 0.85 * apart.get_volume()
    assert abs(table["Press"][0]) < 500
