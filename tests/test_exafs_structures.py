"""Snapshots for FEFF: runs, windows, crystals, and what surrounds gallium."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from helpers_clay import images, salt, scrambled
from hypothesis import given, settings
from hypothesis import strategies as st

from repro import data
from repro.clay import campaign, chapter, mixing, presets, trajectory
from repro.errors import DataError, InputError
from repro.exafs import neighbours, structures
from repro.exafs.structures import SETS, Hold, Snapshots, chosen, get, supercell
from repro.md import datafile

# ------------------------------------------------------------------------ runs


def test_a_hold_settles_and_then_samples() -> None:
    settle, run = Hold(settle_ps=5.0, run_ps=4.0, frame_ps=1.0).legs(seed=7)
    assert (settle.name, run.name) == ("settle", "run")
    assert "velocity all create 300 7 " in settle.begin and "minimize" in settle.begin
    # The second goes on: no new velocities.
    assert run.begin == "" and run.picoseconds == 4.0 and run.dump_ps == 1.0
    assert " npt " in run.ensemble and " tri " in run.ensemble
    assert settle.ensemble == run.ensemble
    stage = run.stage(pair="p", timestep_fs=2.0, checkpoint_ps=1.0)
    assert (stage.steps, stage.dump_every) == (2000, 500)


def test_a_clay_is_warmed_in_its_cell() -> None:
    for name in ("2-1-before", "3-1-before"):
        hold = get(name).hold
        assert hold is not None and not hold.free_cell
        assert all(" nvt " in leg.ensemble for leg in hold.legs(seed=1))


@pytest.mark.parametrize("frame_ps", [0.5, 0.0, -1.0, float("nan")])
def test_frames_must_differ(frame_ps: float) -> None:
    with pytest.raises(InputError, match=rf"frame_ps={frame_ps:g}: expected 1 ps or more"):
        Hold(frame_ps=frame_ps)


def test_every_set_is_as_the_issue_asks() -> None:
    for name in ("GaF3", "GaCl3", "2-1-before", "2-1-after", "3-1-before", "3-1-after"):
        assert get(name).sites >= 100
    assert [name for name, one in SETS.items() if one.crystal] == ["GaF3", "GaCl3"]
    for name, one in SETS.items():
        assert one.name == name
        assert (one.hold.frame_ps if one.hold else one.every_ps) >= structures.SPACING_PS
        if one.preset is not None:
            assert one.preset in presets.PRESETS
    assert get("2-1-after").leg == "rest" and get("2-1-before").leg == "melt"


def test_unknown_sets_are_named() -> None:
    with pytest.raises(InputError, match=r"set 'GaF33': expected GaF3, GaCl3.*did you mean .?GaF3"):
        get("GaF33")
    with pytest.raises(InputError, match="set '2-1-after' needs no run"):
        structures.run(get("2-1-after"), Path("nowhere"))


def test_what_ships_is_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert structures.shipped(get("GaF3")) == [1]
    assert structures.shipped(get("2-1-after")) == chapter.seeds("anneal")

    def none(protocol: str, *, preset: str) -> list[int]:
        raise DataError("no run")

    monkeypatch.setattr(chapter, "seeds", none)
    assert structures.shipped(get("2-1-after")) == []
    assert structures.available() == ["GaF3", "GaCl3"]


def test_a_run_begins_from_the_right_atoms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def fake(protocol: Any, start: Path, **options: Any) -> list[Any]:
        seen.update(options, protocol=protocol, start=start)
        return []

    monkeypatch.setattr(campaign, "run", fake)
    one = get("2-1-before")
    structures.run(one, tmp_path, seed=3)
    first = next(chapter.frames(3, "anneal", "melt"))
    made = datafile.read_structure(seen["start"])
    assert seen["protocol"] is one.hold and seen["seed"] == 3 and "reference.pb" in seen["pair"]
    assert made.get_chemical_symbols() == first.get_chemical_symbols()
    np.testing.assert_allclose(made.get_distances(0, range(1, 9), mic=True),
                               first.get_distances(0, range(1, 9), mic=True), atol=2e-4)  # fmt: skip
    short = Hold(settle_ps=0.1, run_ps=0.1)
    structures.run(one, tmp_path, seed=3, hold=short)
    assert seen["protocol"] is short


def test_frames_of_a_held_set_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [salt(16) for _ in range(3)]
    for number, frame in enumerate(made):
        frame.info = {"time_ps": float(number), "step": 500 * number}
    asked: list[Path] = []

    def fake(folder: Path, *, timestep_fs: float) -> Any:
        asked.append(folder)
        return iter([frame.copy() for frame in made])

    monkeypatch.setattr(trajectory, "dumped", fake)
    one = get("GaF3")
    found = list(structures.frames(one, tmp_path, seeds=[1, 2]))
    assert [p.parent.name for p in asked] == ["GaF3-seed1", "GaF3-seed2"]
    assert [f.info for f in found] == [
        {"frame_id": f"seed {s}, held", "time_ps": float(t)} for s in (1, 2) for t in range(3)
    ]  # fmt: skip
    assert structures.write(one, tmp_path, tmp_path / "x.extxyz.gz", seeds=[1]) == 3
    assert [f.info["frame_id"] for f in trajectory.read(tmp_path / "x.extxyz.gz")] == [
        "seed 1, held"
    ] * 3


def test_frames_of_the_campaign_are_the_last_ones() -> None:
    found = list(structures.frames(get("2-1-after"), Path("unused")))
    seeds = chapter.seeds("anneal")
    assert {f.info["frame_id"] for f in found} == {f"seed {s}, rest" for s in seeds}
    for seed in seeds:
        times = [f.info["time_ps"] for f in found if f.info["frame_id"] == f"seed {seed}, rest"]
        assert min(times) >= 48 - 1e-6 and len(times) >= 5
        assert (np.diff(times) >= 2 - 1e-6).all()
    melt = list(structures.frames(get("2-1-melt-early"), Path("unused"), seeds=[seeds[0]]))
    assert [f.info["time_ps"] for f in melt] == [1.0, 2.0, 3.0]


# --------------------------------------------------------------------- windows


@given(st.integers(5, 80), st.floats(0.3, 2.0), st.floats(1.0, 5.0), st.floats(-20, -0.5))
def test_a_window_is_kept_and_frames_are_apart(
    n: int, step: float, every: float, low: float
) -> None:
    times = [step * i for i in range(n)]
    one = replace(get("2-1-after"), window_ps=(low, 0.0), every_ps=every)
    frames = (Atoms("Ga", info={"time_ps": t}) for t in times)
    found = [f.info["time_ps"] for f in chosen(frames, one, end_ps=times[-1])]
    assert all(times[-1] + low - 1e-5 <= t <= times[-1] + 1e-5 for t in found)
    assert (np.diff(found) >= every - 1e-5).all()
    # Nothing that would have fitted is left out.
    inside = [t for t in times if t >= times[-1] + low - 1e-6]
    last = -np.inf
    for t in inside:
        if t - last >= every - 1e-6:
            assert t in found
            last = t


def test_a_window_from_the_beginning() -> None:
    one = Snapshots("x", "x", 1, "reference", "rest", (3.0, 9.0), 2.0)
    frames = (Atoms("Ga", info={"time_ps": float(t)}) for t in range(20))
    assert [f.info["time_ps"] for f in chosen(frames, one, end_ps=19.0)] == [3.0, 5.0, 7.0, 9.0]


# -------------------------------------------------------------------- crystals


@given(st.integers(0, 10_000), st.floats(3.0, 14.0))
@settings(max_examples=40, deadline=None)
def test_a_supercell_is_wide_enough_and_not_wider(seed: int, least: float) -> None:
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(3, 8, 3)) + rng.uniform(-1, 1, (3, 3))
    made = supercell(Atoms("Ga", cell=cell, pbc=True), least=least)

    def heights(box: Any) -> Any:
        volume = abs(np.linalg.det(box))
        return np.array(
            [volume / np.linalg.norm(np.cross(box[i - 2], box[i - 1])) for i in range(3)]
        )

    wide, own = heights(made.cell.array), heights(cell)
    assert (wide >= least - 1e-6).all()
    assert ((wide - own < least) | (wide <= own + 1e-9)).all()


def test_a_cell_without_volume_has_no_supercell() -> None:
    with pytest.raises(InputError, match=r"volume 0 A\^3: expected both above 0"):
        supercell(Atoms("Ga"))
    with pytest.raises(InputError, match="least=0 angstrom"):
        supercell(salt(16), least=0.0)


@pytest.mark.parametrize(("name", "anion", "number"), [("GaF3", "F", 6), ("GaCl3", "Cl", 4)])
def test_the_crystals_are_those_of_the_potential(name: str, anion: str, number: int) -> None:
    made = structures.crystal(name)
    heights = 1 / np.linalg.norm(np.linalg.inv(made.cell.array), axis=0)
    assert heights.min() >= 12.0 and made.info == {}
    found = mixing.bonds(made)
    own = found.symbols == "Ga"
    assert (found.number("Ga", anion)[own] == number).all()
    assert made.get_chemical_symbols().count(anion) == 3 * own.sum()


def test_other_crystals_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="crystal 'GaBr3': expected GaF3 or GaCl3"):
        structures.crystal("GaBr3")
    with pytest.raises(DataError, match=r"eos_relaxed_reference.extxyz: no 'GaBr3'"):
        structures.relaxed("GaBr3")
    assert data.path(structures.RELAXED).is_file()


# ------------------------------------------------------------------ neighbours


def _molecule(shift: float = 0.0) -> Atoms:
    """Ga2Cl6 in a box, across its faces where shifted."""
    ga = np.array([[-1.6, 0, 0], [1.6, 0, 0]])
    bridge = np.array([[0, 1.7, 0], [0, -1.7, 0]])
    ends = np.array([[s * 2.7, 0, z] for s in (-1, 1) for z in (-1.8, 1.8)])
    return Atoms(
        "Ga2Cl6", positions=np.vstack([ga, bridge, ends]) + shift, cell=[14.0] * 3, pbc=True
    )


@pytest.mark.parametrize("shift", [0.0, 5.0, 13.2])
def test_a_dimer_is_counted_and_measured(shift: float) -> None:
    frame = _molecule(shift)
    frame.wrap()
    row = neighbours.bond_row([frame])
    bridging, terminal = np.hypot(1.6, 1.7), np.hypot(1.1, 1.8)
    assert row["n Cl"] == 4 and row["n F"] == 0 and np.isnan(row["Ga-F"])
    assert row["Ga-Cl"] == pytest.approx((bridging + terminal) / 2)
    assert row["spread Cl"] == pytest.approx(abs(bridging - terminal) / 2)
    parts = neighbours.chlorine_lengths([frame, frame])
    np.testing.assert_allclose(parts["bridging"], bridging)
    np.testing.assert_allclose(parts["terminal"], terminal)
    assert len(parts["bridging"]) == len(parts["terminal"]) == 8
    check = neighbours.crystal_check("GaCl3", [frame, frame])
    assert (check.whole, check.moved, check.molecules) == (1.0, 0.0, 2)
    mass = 2 * 69.723 + 6 * 35.45
    assert check.density == pytest.approx(mass * 1.66053907 / 14.0**3, rel=1e-4)


@given(st.integers(0, 1000))
@settings(max_examples=8, deadline=None)
def test_lengths_are_those_of_a_naive_search(seed: int) -> None:
    frame = scrambled(salt(40, seed=seed), seed)
    plain = salt(40, seed=seed)
    for element, number in (("F", 9), ("Cl", 17)):
        cutoff = mixing.CUTOFFS["Ga", element]
        naive = sorted(
            float(np.linalg.norm(plain.positions[j] - plain.positions[i] + n @ plain.cell.array))
            for i, j, n in images(plain, cutoff)
            if plain.numbers[i] == 31 and plain.numbers[j] == number
        )
        np.testing.assert_allclose(np.sort(neighbours.lengths(frame)[element]), naive, atol=1e-9)


def test_the_share_by_count() -> None:
    """Three Ga with 6 F and one with 4 Cl: (1/4) / (1/4 + 3/4)."""
    found = neighbours.count([_clay()])
    assert (found.fluorine.value, found.chlorine.value) == (4.5, 1.0)
    assert found.share.value == pytest.approx(0.25) and np.isnan(found.share.error)
    # Another measure for the crystals: (1/8) / (1/8 + 3/4).
    assert neighbours.count([_clay()], molecular=8.0).share.value == pytest.approx(1 / 7)


def _clay() -> Atoms:
    box, parts, symbols = 24.0, [], ""
    axes = 1.9 * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    corners = 2.2 / np.sqrt(3) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    for number in range(4):
        own = corners if number == 0 else axes
        parts.append(np.vstack([np.zeros(3), own]) + np.array([6.0 * number + 3, 6, 6]))
        symbols += "GaCl4" if number == 0 else "GaF6"
    return Atoms(symbols, positions=np.vstack(parts), cell=[box, 12, 12], pbc=True)


def test_errors_of_a_count_are_over_runs() -> None:
    frames = []
    for run, pure in (("a", 0), ("a", 0), ("b", 1)):
        frame = _molecule() if pure else _clay()
        frame.info["frame_id"] = run
        frames.append(frame)
    found = neighbours.count(frames)
    # Run a counts once, whatever its number of frames.
    assert found.chlorine.value == pytest.approx((1 + 4) / 2)
    assert found.chlorine.error == pytest.approx(3 / 2)
    assert found.share.value == pytest.approx((0.25 + 1) / 2)
    # One run: over its frames.
    alone = neighbours.count([_clay(), _molecule()])
    assert alone.chlorine.value == pytest.approx((1 + 4) / 2)
    assert alone.chlorine.error == pytest.approx(3 / 2) and alone.chlorine.samples == 2


def test_a_crystal_that_melts_is_seen() -> None:
    frames = [_molecule(), _molecule(4.0)]
    assert neighbours.crystal_check("GaCl3", frames).moved == pytest.approx(0.0, abs=1e-9)
    rng = np.random.default_rng(1)
    frames = [_molecule() for _ in range(200)]
    for frame in frames:
        frame.positions += rng.normal(scale=0.05, size=(8, 3))
    # Three directions, less the drift that is taken off.
    expected = 0.05 * np.sqrt(3 * (1 - 1 / 8))
    assert neighbours.crystal_check("GaCl3", frames).moved == pytest.approx(expected, rel=0.05)
    frames[0].positions[4] += [0, 0, -3.0]
    broken = neighbours.crystal_check("GaCl3", frames)
    assert broken.whole == pytest.approx(1 - 1 / 400)


def test_errors_of_neighbours() -> None:
    with pytest.raises(InputError, match="no frames"):
        neighbours.count([])
    with pytest.raises(InputError, match="salt=0, molecular=4: expected above 0"):
        neighbours.count([_clay()], salt=0.0)
    with pytest.raises(InputError, match="no gallium in no frame"):
        neighbours.bond_row([])
    with pytest.raises(InputError, match="no frames"):
        neighbours.chlorine_lengths([])
    with pytest.raises(InputError, match="crystal 'LiCl': expected GaF3 or GaCl3"):
        neighbours.crystal_check("LiCl", [_clay(), _clay()])
    with pytest.raises(InputError, match="1 frames: expected 2 or more"):
        neighbours.crystal_check("GaF3", [_clay()])
