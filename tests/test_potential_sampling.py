"""Schedules, walkers, starting structures, and a labelling run killed midway."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.potential import frames, label, sampling, structures
from repro.potential.sampling import Schedule, Walker


def soft(**_: object) -> LennardJones:
    """Return a cheap calculator under which a LiCl cell stays together."""
    return LennardJones(sigma=2.2, epsilon=0.15, rc=5.0, smooth=True)


def licl(family: str = "LiCl", kind: str = "crystal") -> Atoms:
    """Return 8 atoms of rock salt as a family."""
    atoms = structures.SEEDS["LiCl"].build()
    atoms.info = {"family": family, "kind": kind}
    return atoms


def test_importing_the_package_needs_no_torch() -> None:
    code = ("import sys; sys.modules['torch'] = None; sys.modules['sevenn'] = None\n"
            "import repro.potential.label, repro.potential.dft, repro.potential.export\n"
            "import repro.potential.teacher as t\n"
            "from repro.errors import InputError\n"
            "try:\n    t.Teacher()\nexcept InputError as e:\n    print(e)")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[labels]" in done.stdout


def test_temperature_heats_holds_quenches_rests() -> None:
    s = Schedule(low=300, high=1200, heat=3, hold=2, quench=3, rest=1)
    assert [s.temperature(v) for v in range(9)] == pytest.approx(
        [600, 900, 1200, 1200, 1200, 900, 600, 300, 300])  # fmt: skip
    assert s.temperature(9) == s.temperature(0)


def test_volume_is_a_triangle_wave_and_expands_when_hot() -> None:
    s = Schedule(volume=0.1, volume_period=4, expansion=0.0)
    assert [s.volume_scale(v) for v in range(5)] == pytest.approx([1.0, 1.1, 1.0, 0.9, 1.0])
    hot = Schedule(volume=0.0, low=1200, high=1200, expansion=5e-5)
    assert hot.volume_scale(0) == pytest.approx(1.045)


@given(phase=st.integers(0, 500), visit=st.integers(0, 1000))
def test_schedule_stays_in_its_bounds_and_phase_only_shifts(phase: int, visit: int) -> None:
    s = Schedule(phase=phase)
    assert 300 <= s.temperature(visit) <= 1200
    assert 0.9 - 1e-9 <= s.volume_scale(visit) <= 1.1 + 5e-5 * 900 + 1e-9
    assert s.temperature(visit) == pytest.approx(Schedule().temperature(visit + phase))


def test_schedule_covers_the_plane() -> None:
    s = Schedule()
    cells = {(round(s.temperature(v), -2), round(s.volume_scale(v)
              - s.expansion * (s.temperature(v) - 300), 2)) for v in range(204)}  # fmt: skip
    hot = {volume for temperature, volume in cells if temperature == 1200}
    assert min(hot) == 0.90 and max(hot) == 1.10 and len(cells) > 30


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"low": 0.0}, "0 < low"), ({"low": 900, "high": 300}, "900 to 300"), ({"heat": 0}, "heat"),
     ({"volume": 0.7}, "0.7"), ({"hold": -1}, "hold")],
)  # fmt: skip
def test_bad_schedules(fields: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Schedule(**fields)  # type: ignore[arg-type]


def test_a_visit_ends_at_the_volume_and_near_the_temperature() -> None:
    atoms = licl().repeat((2, 2, 2))
    walker = Walker(name="x#0", atoms=atoms, reference=atoms.get_volume())
    s = Schedule(low=600, high=600, volume=0.1, volume_period=4, expansion=0.0)
    walker.visit = 1
    frame = sampling.visit(walker, s, calculator=soft, rng=np.random.default_rng(1), steps=10)
    assert frame.get_volume() == pytest.approx(1.1 * walker.reference)
    assert walker.visit == 2
    assert set(walker.atoms.get_masses()) == {sampling.MASS}
    assert 100 < walker.atoms.get_temperature() < 2400


def test_a_run_that_blows_up_is_refused() -> None:
    atoms = licl()
    atoms.positions[1] = atoms.positions[0] + [0.3, 0, 0]
    walker = Walker(name="bad#0", atoms=atoms, reference=atoms.get_volume())
    with pytest.raises(InputError, match=r"bad#0.*blew up at visit 0"):
        sampling.visit(walker, Schedule(), calculator=soft, rng=np.random.default_rng(1), steps=5)


def test_thermalise_gives_maxwell_velocities_without_drift() -> None:
    atoms = licl().repeat((4, 4, 4))
    sampling.thermalise(atoms, 500.0, np.random.default_rng(2))
    assert atoms.get_temperature() == pytest.approx(500, rel=0.08)
    assert np.abs(atoms.get_momenta().sum(axis=0)).max() < 1e-8


def test_perturbed_has_the_asked_for_spread() -> None:
    atoms = licl().repeat((3, 3, 3))
    rng = np.random.default_rng(3)
    shaken = sampling.perturbed(atoms, rng, strain=0.0, rattle=0.08)
    assert np.std(shaken.positions - atoms.positions) == pytest.approx(0.08, rel=0.05)
    volumes = [sampling.perturbed(atoms, rng).get_volume() / atoms.get_volume() for _ in range(200)]
    # Trace of three strains of 4 % each: 7 %.
    assert np.std(volumes) == pytest.approx(0.04 * np.sqrt(3), rel=0.15)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.5, 2.0))
def test_scaling_keeps_fractional_coordinates(scale: float) -> None:
    atoms = licl()
    before = atoms.get_scaled_positions()
    sampling.scale_volume(atoms, atoms.get_volume() * scale)
    off = atoms.get_scaled_positions() - before
    assert np.abs(off - np.round(off)).max() < 1e-9
    with pytest.raises(InputError, match="volume -1"):
        sampling.scale_volume(atoms, -1.0)


def test_closest_sees_images() -> None:
    assert sampling.closest(Atoms("Li2", positions=[[0.1, 0, 0], [4.9, 0, 0]], cell=[5, 5, 5],
                                  pbc=True)) == pytest.approx(0.2)  # fmt: skip
    assert sampling.closest(Atoms("Li", cell=[9, 9, 9], pbc=True)) == 3.0


# ---------------------------------------------------------------- structures

FORMULAS = {"LiCl": "LiCl", "LiF": "LiF", "GaF3-alpha": "GaF3", "GaF3-beta": "GaF3",
            "GaCl3": "GaCl3", "GaCl2": "GaCl2", "LiGaCl4": "LiGaCl4", "Li3GaF6": "Li3GaF6",
            "LiCl-wurtzite": "LiCl", "GaCl3-layered": "GaCl3", "LiGaF4": "LiGaF4",
            "LiGaCl2F2": "LiGaCl2F2", "GaCl2F": "GaCl2F"}  # fmt: skip


def test_there_are_thirteen_crystals_three_slabs_and_melts() -> None:
    kinds = [s.kind for s in structures.SEEDS.values()]
    assert kinds.count("crystal") + kinds.count("hypothetical") == 13
    assert kinds.count("slab") == 3 and kinds.count("melt") >= 2
    assert {n for n, s in structures.SEEDS.items() if s.kind in ("crystal", "hypothetical")} == set(
        FORMULAS)  # fmt: skip


@pytest.mark.parametrize("name", list(structures.SEEDS))
def test_every_seed_is_a_sane_cell(name: str) -> None:
    seed = structures.SEEDS[name]
    atoms = seed.build()
    assert 30 <= len(atoms) * np.prod(seed.repeat) <= 96
    assert len(atoms) * np.prod(seed.small) <= 48 or seed.name in ("slab-4-2", "slab-6-3", "melt-2-1",
                                                                   "melt-3-1")  # fmt: skip
    assert sampling.closest(atoms) > 1.4
    if name in FORMULAS:
        found = atoms.symbols.formula.reduce()[0].count()
        assert found == Atoms(FORMULAS[name]).symbols.formula.count()
    charge = {"Li": 1, "Ga": 3, "F": -1, "Cl": -1}
    total = sum(charge[s] for s in atoms.get_chemical_symbols())
    assert total == (0 if name != "GaCl2" else len(atoms) // 3), "GaCl2 is Ga(I)Ga(III)Cl4"


def test_known_space_groups() -> None:
    spglib = pytest.importorskip("spglib")
    for name, number in (("LiCl", 225), ("GaF3-alpha", 167), ("GaF3-beta", 63), ("GaCl3", 12),
                         ("GaCl2", 52), ("LiGaCl4", 14), ("Li3GaF6", 14)):  # fmt: skip
        atoms = structures.SEEDS[name].build()
        found = spglib.get_symmetry_dataset(
            (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers), symprec=1e-3).number  # fmt: skip
        assert found == number, name


def test_slab_composition_and_packing() -> None:
    assert structures.slab(4, 2).symbols.formula.count() == {"Li": 16, "Cl": 16, "Ga": 8, "F": 24}
    with pytest.raises(InputError, match=r"slab\(0, 1\)"):
        structures.slab(0, 1)
    with pytest.raises(InputError, match="without contacts"):
        structures.random_melt(8, 4, volume_per_atom=2.0, seed=1)
    one, two = (structures.random_melt(4, 2, volume_per_atom=17.0, seed=s) for s in (1, 1))
    assert one.positions == pytest.approx(two.positions)


# ---------------------------------------------------------------- labelling


class Mortal:
    """A calculator factory whose product dies at a given call, as a kill would."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self) -> LennardJones:
        mortal, calculator = self, soft()
        original = calculator.calculate

        def calculate(*args: object, **kwargs: object) -> None:
            mortal.left -= 1
            if mortal.left < 0:
                raise KeyboardInterrupt
            original(*args, **kwargs)

        calculator.calculate = calculate
        return calculator


def plan(work: Path, **changes: object) -> label.Plan:
    """Return a small plan of two families."""
    base: dict[str, object] = {"structures": [licl("LiCl"), licl("LiF")], "work": work,
                               "label": soft, "sample": soft, "rounds": 3, "steps": 2,
                               "copies": 1}  # fmt: skip
    return label.Plan(**(base | changes))  # type: ignore[arg-type]


def labels(work: Path) -> dict[str, Atoms]:
    """Return all labelled frames by id."""
    return {str(f.info["frame_id"]): f for file in sorted((work / "shards").glob("*"))
            for f in frames.read_shard(file)}  # fmt: skip


def test_a_run_labels_statics_visits_and_copies(tmp_path: Path) -> None:
    new = label.Labeller(plan(tmp_path)).run()
    found = labels(tmp_path)
    assert new == len(found) == 2 * (3 + 3 * 2)
    assert {"LiCl/static-0.94", "LiF#0/v0002", "LiF#0/v0002p0"} <= set(found)
    one = found["LiCl#0/v0001"]
    check = Atoms(one.get_chemical_symbols(), positions=one.positions, cell=one.cell, pbc=True)
    check.calc = soft()
    assert check.get_forces() == pytest.approx(one.get_forces(), abs=1e-5)
    assert check.get_stress() == pytest.approx(one.get_stress(), abs=1e-6)
    assert label.Labeller(plan(tmp_path)).run() == 0, "nothing is labelled twice"


@pytest.mark.parametrize("calls", [1, 4, 7, 9, 12, 15])
def test_a_killed_run_ends_with_the_same_labels(tmp_path: Path, calls: int) -> None:
    label.Labeller(plan(tmp_path / "whole")).run()
    with pytest.raises(KeyboardInterrupt):
        label.Labeller(plan(tmp_path / "cut", label=Mortal(calls))).run()
    before = len(labels(tmp_path / "cut"))
    label.Labeller(plan(tmp_path / "cut")).run()
    whole, cut = labels(tmp_path / "whole"), labels(tmp_path / "cut")
    assert before == calls
    assert whole.keys() == cut.keys()
    for name in whole:
        # Positions pass through the walker file with 8 decimals, so not to the last bit.
        assert whole[name].positions == pytest.approx(cut[name].positions, abs=1e-5)
        assert whole[name].get_forces() == pytest.approx(cut[name].get_forces(), abs=1e-3)


def test_a_melt_that_blows_up_is_warmed_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its packing never was a liquid; a crystal's first cell needs no such thing."""
    visit, melt = sampling.visit, licl("melt", "melt")

    def sometimes(walker: Walker, schedule: Schedule, **options: Any) -> Atoms:
        if walker.visit == 1 and options["steps"] != label.MELT_WARMUP:
            raise InputError(f"{walker.name}: the run blew up at visit 1")
        return visit(walker, schedule, **options)

    def walkers(rounds: int) -> list[Atoms]:
        label.Labeller(plan(tmp_path, structures=[melt, licl()], rounds=rounds, copies=0)).run()
        return [frames.read_shard(tmp_path / "walkers" / f"{name}_0.extxyz")[0]
                for name in ("melt", "LiCl")]  # fmt: skip

    monkeypatch.setattr(label, "MELT_WARMUP", 7)
    monkeypatch.setattr(sampling, "visit", sometimes)
    walkers(1)
    fresh, crystal = walkers(2)
    assert capsys.readouterr().out.count("the walker starts afresh") == 2
    assert (fresh.info["visit"], crystal.info["visit"]) == (2, 2)
    assert np.abs(fresh.positions - melt.positions).max() > 0.01, "not the packing itself"
    assert crystal.positions == pytest.approx(licl().positions, abs=1e-7)


def test_lost_walkers_go_on_after_the_labels(tmp_path: Path) -> None:
    label.Labeller(plan(tmp_path, rounds=2)).run()
    for file in (tmp_path / "walkers").iterdir():
        file.unlink()
    assert label.Labeller(plan(tmp_path, rounds=3)).run() == 2 * 2
    assert {"LiCl#0/v0002", "LiF#0/v0002p0"} <= set(labels(tmp_path))


def test_ionic_order_gives_every_gallium_its_anions() -> None:
    from ase.neighborlist import neighbor_list

    melt = structures.random_melt(8, 4, volume_per_atom=16.5, seed=5)
    first, second, r = neighbor_list("ijd", melt, 2.9)
    symbols = np.array(melt.get_chemical_symbols())
    gallium = symbols[first] == "Ga"
    assert set(symbols[second[gallium & (r < 2.5)]]) <= {"F", "Cl"}
    assert not (gallium & (symbols[second] == "Ga")).any()
    assert all((first == i).sum() >= 2 for i in np.flatnonzero(symbols == "Ga"))


def test_ionic_forces_are_central_and_refuse_strangers() -> None:
    from repro.potential.ionic import IonicLiquid, order

    x = np.random.default_rng(0).uniform(0, 9, (6, 3))
    model = IonicLiquid(["Li", "Cl", "Ga", "F", "F", "F"], 9.0)
    assert np.abs(model.forces(x).sum(axis=0)).max() < 1e-9
    assert model.forces(x + 4.0) == pytest.approx(model.forces(x))
    pair = IonicLiquid(["Li", "Cl"], 12.0)
    near, far = (pair.forces(np.array([[0.0, 0, 0], [d, 0, 0]]))[0, 0] for d in (1.9, 3.0))
    assert near < 0 < far, "Li-Cl repels inside its contact and attracts outside"
    with pytest.raises(InputError, match=r"element 'Na'"):
        IonicLiquid(["Na"], 9.0)
    with pytest.raises(InputError, match=r"cubic box"):
        order(Atoms("Li", cell=[5, 5, 6], pbc=True), seed=1)


def test_wild_frames_are_refused_not_labelled(tmp_path: Path) -> None:
    atoms = licl()
    atoms.positions[1] = atoms.positions[0] + [0.5, 0, 0]
    labeller = label.Labeller(plan(tmp_path, structures=[atoms], rounds=0))
    assert labeller.run() == 0 and labeller.refused == 3


def test_time_limit_and_progress(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert label.Labeller(plan(tmp_path, stop_at=0.0)).run() == 0
    assert "start the same command again" in capsys.readouterr().out
    label.Labeller(plan(tmp_path)).run()
    printed = capsys.readouterr().out
    assert "min left" in printed and "refused" in printed


def test_sampling_cells_repeat_the_relaxed_ones() -> None:
    cells = label.sampling_cells([licl()])
    assert len(cells[0]) == 64 and cells[0].info == {"family": "LiCl", "kind": "crystal"}


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        label.main(["--help"])
    assert "kill -9" in capsys.readouterr().out
    missing = tmp_path / "none.extxyz"
    assert label.main(["--structures", str(missing), "--work", str(tmp_path)]) == 1
    assert f"{missing}: no such file" in capsys.readouterr().err
