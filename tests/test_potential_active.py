from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import InputError
from repro.md.datafile import read_structure
from repro.md.lammps import LammpsError
from repro.potential import ELEMENTS, active, frames
from repro.potential.assembly import Start, particles, starts
from repro.potential.sampling import Schedule
from repro.potential.walks import Leg, choose, legs, script, temperature_at


def small(natoms: int = 4) -> Atoms:
    symbols = ["Li", "F", "Cl", "Ga"][:natoms]
    x = [(1.0, 1.0, 1.0), (3.5, 1.0, 1.0), (1.0, 3.5, 1.0), (3.5, 3.5, 3.5)][:natoms]
    return Atoms(symbols, positions=x, cell=[5.0, 5.0, 5.0], pbc=True)


def start(**changes: object) -> Start:
    fields: dict[str, object] = {
        "family": "toy", "kind": "melt", "build": small, "reference": 125.0, "quota": 3,
    } | changes  # fmt: skip
    return Start(**fields)  # type: ignore[arg-type]


# --- where walks start -------------------------------------------------------------------


def test_every_start_has_32_to_96_atoms_and_its_reference_fits() -> None:
    for each in starts().values():
        atoms = each.build()
        assert 32 <= len(atoms) <= 96, each.family
        assert set(atoms.get_chemical_symbols()) <= set(ELEMENTS)
        if each.kind in ("crystal", "hypothetical"):
            assert atoms.get_volume() == pytest.approx(each.reference)
        assert 8 < each.reference / len(atoms) < 40, each.family


def test_thirteen_crystals_three_slabs_and_pieces_of_the_assembly() -> None:
    kinds = [s.kind for s in starts().values()]
    assert kinds.count("crystal") + kinds.count("hypothetical") == 13
    assert kinds.count("slab") == 3
    assert kinds.count("assembly") == 1


def test_particles_are_turned_against_each_other_and_do_not_touch() -> None:
    pair = particles(gap=2.8)
    half = len(pair) // 2
    one, two = pair.positions[:half], pair.positions[half:]
    assert np.ptp(one, axis=0) == pytest.approx(np.ptp(two, axis=0)[[2, 1, 0]])
    distances = np.linalg.norm(one[:, None] - two[None], axis=2)
    assert distances.min() >= 2.8 - 1e-9
    assert pair.get_chemical_symbols()[:half] == pair.get_chemical_symbols()[half:]
    counts = [pair.get_chemical_symbols().count(e) for e in ("Li", "Ga")]
    assert counts[0] == 2 * counts[1]  # the paper's ratio


@pytest.mark.parametrize("gap", [0.0, -1.0, float("nan")])
def test_particles_need_a_gap(gap: float) -> None:
    with pytest.raises(InputError, match="gap"):
        particles(gap=gap)


# --- walks -------------------------------------------------------------------------------


def test_legs_follow_the_schedule_and_keep_the_volume() -> None:
    schedule = Schedule(volume=0.1)
    walk = legs(schedule, 20, np.random.default_rng(0), strain=0.05)
    for number, leg in enumerate(walk):
        assert leg.temperature == schedule.temperature(number)
        assert leg.volume_scale == schedule.volume_scale(number)
        assert sum(leg.stretch) == pytest.approx(0.0, abs=1e-12)
    assert np.std([leg.shear for leg in walk]) > np.std([leg.stretch for leg in walk])


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    made = [tmp_path / "a.pb", tmp_path / "b.pb"]
    for file in made:
        file.touch()
    return made


def test_script_reaches_each_volume_and_tilt(models: list[Path]) -> None:
    walk = [Leg(300.0, 0.95, (0.01, -0.02, 0.01), (0.02, 0.0, -0.01)),
            Leg(1200.0, 1.10, (0.0, 0.0, 0.0), (0.0, 0.03, 0.0))]  # fmt: skip
    text = script(models, walk, scale=1.02, steps=300, every=30, seed=5)
    bends = [line.split() for line in text.splitlines() if line.startswith("fix bend")]
    volumes = [1.02]
    for words in bends:
        scales = [float(words[words.index(axis) + 2]) for axis in ("x", "y", "z")]
        volumes.append(volumes[-1] * math.prod(scales))
    assert volumes[1:] == pytest.approx([0.95, 1.10], rel=1e-5)
    # Tilts are increments: together they give the last leg's.
    tilts = [float(line.split("*")[1]) for line in text.splitlines() if "variable dxz" in line]
    assert sum(tilts) == pytest.approx(0.03)
    assert f"deepmd {models[0]} {models[1]} out_file deviation.txt out_freq 30 zbl" in text
    assert "pair_coeff * * deepmd Li F Cl Ga" in text
    assert text.count("run 300") == 2
    assert "minimize" not in text


def test_script_minimises_a_packed_start_first(models: list[Path]) -> None:
    text = script(models, [Leg(300.0, 1.0, (0, 0, 0), (0, 0, 0))], scale=1.0, steps=1,
                  every=1, seed=1, soften=True)  # fmt: skip
    assert text.index("minimize") < text.index("dump")


def test_the_temperature_of_a_frame_is_the_thermostats_at_its_step(models: list[Path]) -> None:
    walk = [Leg(t, 1.0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)) for t in (600.0, 900.0, 300.0)]
    found = {
        step: temperature_at(walk, step, 300) for step in (0, 30, 300, 301, 450, 600, 750, 900)
    }
    assert found == pytest.approx({0: 600, 30: 600, 300: 600, 301: 601, 450: 750, 600: 900, 750: 600,
                                   900: 300})  # fmt: skip
    # As the script has it: from where the leg before ended.
    text = script(models, walk, scale=1.0, steps=300, every=30, seed=5)
    ramps = [line.split()[4:6] for line in text.splitlines() if line.startswith("fix cool")]
    assert [[float(t) for t in pair] for pair in ramps[1:]] == [
        [found[0], found[300]], [found[300], found[600]], [found[600], found[900]]]  # fmt: skip


def test_shipped_temperatures_are_off_by_one_leg_at_most() -> None:
    """What the README and the figure say of them: 180 K."""
    made = [Schedule().temperature(number) for number in range(40)]
    assert max(abs(a - b) for a, b in itertools.pairwise(made)) == pytest.approx(180.0)


# --- choice -------------------------------------------------------------------------------


@given(
    st.lists(st.floats(0, 3), max_size=60),
    st.integers(0, 30),
    st.integers(0, 2**31),
)
def test_choose_prefers_the_window_and_never_goes_beyond(
    values: list[float], count: int, seed: int
) -> None:
    deviation = np.array(values)
    got = choose(deviation, count, np.random.default_rng(seed), window=(0.1, 1.0))
    assert len(set(got.tolist())) == len(got) <= count
    assert list(got) == sorted(got)
    picked = deviation[got]
    assert (picked <= 1.0).all()
    inside = int(((deviation >= 0.1) & (deviation <= 1.0)).sum())
    assert ((picked >= 0.1).sum()) == min(inside, count)
    assert len(got) == min(count, int((deviation <= 1.0).sum()))


@pytest.mark.parametrize(
    ("window", "count", "message"),
    [((0.5, 0.5), 1, "window"), ((-1.0, 1.0), 1, "window"), ((0.1, 1.0), -1, "count")],
)
def test_choose_bad_input(window: tuple[float, float], count: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose(np.zeros(3), count, np.random.default_rng(0), window=window)


# --- explore, with a stand-in for LAMMPS -------------------------------------------------


def fake_run(text: str, *, folder: Path, cut: bool = False) -> None:
    """Write three frames with deviations 0.01, 0.5 and 2.0, as LAMMPS would."""
    assert "read_data start.data" in text
    assert read_structure(folder / "start.data").get_chemical_symbols() == list(ELEMENTS)
    parts, lines = [], ["#  header"]
    for step, deviation in ((0, 0.01), (30, 0.5), (60, 2.0)):
        atoms = small()
        atoms.positions += 0.001 * step
        rows = "\n".join(
            f"{i + 1} {ELEMENTS.index(s) + 1} {x:.6f} {y:.6f} {z:.6f}"
            for i, (s, (x, y, z)) in enumerate(
                zip(atoms.get_chemical_symbols(), atoms.positions, strict=True)))  # fmt: skip
        parts.append(
            f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n4\n"
            "ITEM: BOX BOUNDS xy xz yz pp pp pp\n0.0 5.5 0.5\n0.0 5.0 0.0\n0.0 5.0 0.0\n"
            f"ITEM: ATOMS id type x y z\n{rows}\n"
        )
        lines.append(f"{step} 0 0 0 {deviation} 0 0")
    dump = "".join(parts)
    (folder / "walk.lammpstrj").write_text(dump[:-20] if cut else dump)
    (folder / "deviation.txt").write_text("\n".join(lines) + "\n")
    if cut:
        raise LammpsError("lost atoms")


def test_explore_writes_candidates_once(
    tmp_path: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active.lammps, "run", fake_run)
    count = active.explore(start(), models=models, work=tmp_path, number=1, count=2, steps=30)
    assert count == 2  # the frame beyond the window is not taken
    found = frames.read_shard(tmp_path / "round-1" / "toy.extxyz")
    assert [f.info["frame_id"] for f in found] == ["toy/a1/s000000", "toy/a1/s000030"]
    assert found[0].get_chemical_symbols() == list(ELEMENTS)
    assert found[1].info["deviation_eV_per_A"] == 0.5
    assert found[1].info["origin"] == "active-1"
    # The tilt is read: the box of the dump is a bounding box 0.5 wider.
    assert found[0].cell.array[0] == pytest.approx([5.0, 0, 0])
    assert found[0].cell.array[1] == pytest.approx([0.5, 5.0, 0])
    assert found[0].info["volume_scale"] == pytest.approx(1.0)
    # Both lie on the first leg, which stays where it begins, though the second one ramps.
    assert found[0].info["temperature_K"] == found[1].info["temperature_K"]
    monkeypatch.setattr(active.lammps, "run", lambda *_, **__: pytest.fail("walked again"))
    assert active.explore(start(), models=models, work=tmp_path, number=1) == 2


def test_explore_keeps_what_a_broken_walk_left(
    tmp_path: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(
        active.lammps, "run", lambda t, *, folder: fake_run(t, folder=folder, cut=True)
    )
    wide = (0.0, 5.0)
    assert active.explore(start(), models=models, work=tmp_path, number=1, window=wide,
                          count=2, steps=30) == 2  # fmt: skip
    assert "the walk broke off: lost atoms" in capsys.readouterr().out


def test_explore_passes_on_why_there_is_no_frame(
    tmp_path: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str, *, folder: Path) -> None:
        raise LammpsError("Unknown pair style deepmd")

    monkeypatch.setattr(active.lammps, "run", fail)
    with pytest.raises(LammpsError, match="Unknown pair style"):
        active.explore(start(), models=models, work=tmp_path, number=1)


def test_a_walk_goes_on_from_a_labelled_frame(tmp_path: Path) -> None:
    known = small()
    known.positions += 0.25
    shard = tmp_path / "shards" / "toy.extxyz"
    for name, origin in (("toy/v0", "md"), ("toy/v0p0", "perturbed")):
        frame = frames.labelled(known, energy=0.0, forces=np.zeros((4, 3)), stress=np.zeros(6),
                                info={"frame_id": name, "origin": origin})  # fmt: skip
        frames.append_frame(shard, frame)
        known = small()  # the perturbed copy is elsewhere and must not be the start
    atoms, pack = active.start_frame(start(pack=True), tmp_path, np.random.default_rng(0))
    assert not pack
    assert atoms.positions[0] == pytest.approx([1.25, 1.25, 1.25])


def test_seeds_stay_below_what_lammps_takes() -> None:
    class Highest:
        def integers(self, low: int, high: int) -> int:
            return high - 1

    assert 0 < active.lammps_seed(Highest()) < 900_000_000 - 1  # type: ignore[arg-type]
    seeds = [active.lammps_seed(np.random.default_rng(i)) for i in range(200)]
    assert max(seeds) < 900_000_000 - 1
    assert len(set(seeds)) == 200


def test_a_failed_walk_does_not_stop_the_others(
    tmp_path: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def walk(each: Start, **_: object) -> int:
        if each.family == "GaCl2":
            raise InputError("GaCl2: LAMMPS made no frame")
        return 7

    monkeypatch.setattr(active, "explore", walk)
    families = ["LiCl-wurtzite", "GaCl2", "slab-2-2"]
    assert active.main(["explore", "--work", str(tmp_path), "--round", "1", "--models", *map(str, models),
                        "--families", *families]) == 1  # fmt: skip
    said = capsys.readouterr()
    assert "no walk for GaCl2" in said.err


# --- labels, with a stand-in for the teacher ---------------------------------------------


class FakeTeacher:
    """Forces grow with x of the first atom; 30 eV/angstrom where it is above 2."""

    def __init__(self, **_: object) -> None:
        self.calls = 0

    def get_forces(self, atoms: Atoms) -> np.ndarray:
        self.calls += 1
        strength = 30.0 if atoms.positions[0, 0] > 2 else 1.0
        return np.full((len(atoms), 3), strength)

    def get_potential_energy(self, atoms: Atoms, **_: object) -> float:
        return -1.0

    def get_stress(self, atoms: Atoms) -> np.ndarray:
        return np.zeros(6)


def candidate(family: str, step: int, *, wild: bool = False) -> Atoms:
    atoms = small()
    if wild:
        atoms.positions[0, 0] = 2.2
    atoms.info = {"frame_id": f"{family}/a1/s{step:06d}", "family": family, "kind": "melt",
                  "origin": "active-1", "temperature_K": 900.0, "volume_scale": 1.0}  # fmt: skip
    return atoms


def test_label_takes_turns_refuses_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = FakeTeacher()
    monkeypatch.setattr(active, "Teacher", lambda **_: teacher)
    folder = tmp_path / "round-1"
    frames.write_atomic(folder / "a.extxyz", [candidate("a", 0), candidate("a", 1, wild=True)])
    frames.write_atomic(folder / "b.extxyz", [candidate("b", 0)])
    assert active.label(tmp_path, number=1, stop_at=math.inf) == (2, 1)
    assert frames.shard_ids(tmp_path / "shards" / "a.extxyz") == ["a/a1/s000000"]
    stored = frames.read_shard(tmp_path / "shards" / "b.extxyz")[0]
    assert isinstance(stored.calc, SinglePointCalculator)
    assert stored.get_potential_energy() == -1.0
    # Nothing is computed twice, neither what was labelled nor what was refused.
    calls = teacher.calls
    assert active.label(tmp_path, number=1, stop_at=math.inf) == (0, 0)
    assert teacher.calls == calls


def test_label_stops_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                             capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.setattr(active, "Teacher", FakeTeacher)
    frames.write_atomic(tmp_path / "round-1" / "a.extxyz", [candidate("a", 0)])
    assert active.label(tmp_path, number=1, stop_at=0.0) == (0, 0)
    assert "start the same command again" in capsys.readouterr().out


def test_label_without_candidates(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no candidates"):
        active.label(tmp_path, number=3, stop_at=math.inf)


def test_command_needs_two_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["explore", "--work", str(tmp_path), "--round", "1", "--models"]
    assert active.main([*base, "a.pb"]) == 1
    assert "cannot deviate from itself" in capsys.readouterr().err
    assert active.main([*base, "a.pb", "b.pb", "--families", "LiCl-wurtzite"]) == 1
    assert "a.pb: no such model" in capsys.readouterr().err
