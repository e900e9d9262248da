"""Inherent structures: what a relaxation takes away and what it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from repro import data
from repro.clay import chapter, inherent, nonaffine, presets, trajectory
from repro.clay.protocols import Cooling
from repro.errors import InputError

# Lennard-Jones stands in for the network: a relaxation is a relaxation.
LJ = """pair_style lj/cut 6.0
pair_coeff * * 0.2 2.2
"""


def crystal(*, shake: float, seed: int = 1, time: float = 0.0) -> Atoms:
    """Return a crystal near the minimum of the pair interaction, shaken."""
    atoms = bulk("Li", "fcc", a=3.40, cubic=True).repeat(3)
    atoms.rattle(shake, seed=seed)
    atoms.info = {"time_ps": time, "note": "kept"}
    return atoms


@pytest.mark.parametrize("minimizer", ["fire", "abcfire"])
def test_heat_is_taken_out_and_info_stays(minimizer: str, tmp_path: Path) -> None:
    warm = [crystal(shake=0.1, seed=s) for s in (1, 2)]
    cold = [inherent.quench(f, pair=LJ, folder=tmp_path, name=f"f{k}", force=1e-4, minimizer=minimizer)
            for k, f in enumerate(warm)]  # fmt: skip
    assert cold[0].info.pop("force_eV_per_A") <= 1e-4 and cold[0].info.pop("wall_s") > 0
    assert cold[0].info == {"time_ps": 0.0, "note": "kept", "stopped": "force tolerance"}
    before = nonaffine.d2min(warm[0], warm[1], cutoff=4.0).d2min
    after = nonaffine.d2min(cold[0], cold[1], cutoff=4.0).d2min
    assert after.max() < before.min() / 1000
    np.testing.assert_allclose(cold[0].cell.array, warm[0].cell.array, atol=1e-8)


def test_what_moved_for_good_stays_moved(tmp_path: Path) -> None:
    # An atom that hops into a vacancy is still there after the relaxation.
    first = crystal(shake=0.0)
    del first[0]
    second = first.copy()
    target = crystal(shake=0.0).positions[0]
    near = int(np.argmin(np.linalg.norm(second.positions - target, axis=1)))
    second.positions[near] = target
    for k, frame in enumerate((first, second)):
        frame.rattle(0.05, seed=k)
    a, b = (inherent.quench(f, pair=LJ, folder=tmp_path, name=f"v{k}", force=1e-4)
            for k, f in enumerate((first, second)))  # fmt: skip
    field = nonaffine.d2min(a, b, cutoff=4.0)
    assert int(field.d2min.argmax()) == near
    assert field.d2min[near] / field.neighbours[near] > 4  # a hop of 2.4 A


def test_a_frame_that_is_there_is_not_relaxed_again(tmp_path: Path) -> None:
    frame = crystal(shake=0.1)
    made = inherent.quench(frame, pair=LJ, folder=tmp_path, name="f")
    again = inherent.quench(frame, pair="pair_style none_such\n", folder=tmp_path, name="f")
    np.testing.assert_array_equal(made.positions, again.positions)


def test_another_frame_of_that_name_is_not_returned(tmp_path: Path) -> None:
    frame = crystal(shake=0.1)
    inherent.quench(frame, pair=LJ, folder=tmp_path, name="f")
    fewer = frame[1:]
    for other in (fewer, crystal(shake=0.1, seed=2)):
        with pytest.raises(InputError, match=r"f\.data: relaxed from 108 atoms .* expected from "
                           f"{len(other)} atoms .*; remove it"):  # fmt: skip
            inherent.quench(other, pair=LJ, folder=tmp_path, name="f")
    with pytest.raises(InputError, match=r"to 0\.01 eV.* expected from .* to 0\.05 eV"):
        inherent.quench(frame, pair=LJ, folder=tmp_path, name="f", force=0.05)
    with pytest.raises(InputError, match=r"steps of fire, expected from .* steps of abcfire"):
        inherent.quench(frame, pair=LJ, folder=tmp_path, name="f", minimizer="abcfire")


def test_a_relaxation_that_was_cut_off_says_so(tmp_path: Path) -> None:
    frame = crystal(shake=0.2)
    for _ in range(2):  # made, and read from where it is kept
        made = inherent.quench(frame, pair=LJ, folder=tmp_path, name="f", force=1e-4, steps=2)
        assert made.info["stopped"] == inherent.CUT_OFF
        assert made.info["force_eV_per_A"] > 1e-4


def test_the_reason_is_that_of_the_last_minimisation(tmp_path: Path) -> None:
    log = tmp_path / "log.lammps"
    text = "Minimization stats:\n  Stopping criterion = {}\n  Energy initial, final = \n"
    log.write_text(text.format("max iterations") + text.format("linesearch alpha is zero"), encoding="utf-8")  # fmt: skip
    assert inherent.stopped(log) == "linesearch alpha is zero"
    log.write_text("Loop time of 1\n", encoding="utf-8")
    with pytest.raises(InputError, match="no 'Stopping criterion'"):
        inherent.stopped(log)


def test_later_half_keeps_its_distance() -> None:
    frames = [crystal(shake=0.0, time=0.6 * k) for k in range(101)]
    times = [f.info["time_ps"] for f in inherent.later_half(frames, ps=2.0)]
    assert times[0] == pytest.approx(30.0)
    assert np.diff(times).min() == pytest.approx(2.4)
    with pytest.raises(InputError, match="0 ps"):
        list(inherent.later_half(frames, ps=0))
    with pytest.raises(InputError, match="no frames"):
        list(inherent.later_half([], ps=1))


def test_frames_of_the_rest_lie_as_far_apart_as_those_of_the_shear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def frames(seed: int, protocol: str, leg: str, *, preset: str) -> Iterator[Atoms]:
        asked.append((seed, protocol, leg, preset))
        return (crystal(shake=0.0, time=0.1 * k) for k in range(41))

    monkeypatch.setattr(chapter, "frames", frames)
    times = [f.info["time_ps"] for f in inherent.source(2, "rest", preset="large")]
    assert times == pytest.approx([2, 3, 4])  # 0.01 of strain at 1e10 per s
    assert asked == [(2, "anneal", "rest", "large")]
    assert inherent.gap_ps() == pytest.approx(2.0)
    assert len(list(inherent.source(2, "shear", preset="large"))) == 41


def test_a_campaign_whose_shear_has_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(presets.preset("class").protocols, "shear", Cooling())  # type: ignore[index]
    with pytest.raises(InputError, match="preset 'class': its shear is a Cooling"):
        inherent.gap_ps("class")


def test_a_campaign_of_relaxations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def frames(seed: int, protocol: str, leg: str, *, preset: str) -> Iterator[Atoms]:
        assert (protocol, leg) in (("shear", "shear"), ("anneal", "rest"))
        assert preset == "reference"
        return (crystal(shake=0.05, seed=seed + k, time=2.0 * k) for k in range(4))

    monkeypatch.setattr(chapter, "frames", frames)
    monkeypatch.setattr(chapter, "seeds", lambda protocol, preset: [1, 3])
    monkeypatch.setattr(inherent.guard, "pair_commands", lambda model: LJ)
    out = tmp_path / "data" / "clay" / "inherent"
    count = inherent.make(tmp_path / "w", out, protocols=["shear", "rest"], command="c")
    assert count == 4
    manifest = data.manifest(out)
    assert sorted(manifest["files"]) == [
        "seed1_rest.extxyz.gz", "seed1_shear.extxyz.gz", "seed3_rest.extxyz.gz",
        "seed3_shear.extxyz.gz"]  # fmt: skip
    assert manifest["command"] == "c"
    assert len(list(trajectory.read(out / "seed1_shear.extxyz.gz"))) == 4
    assert len(list(trajectory.read(out / "seed1_rest.extxyz.gz"))) == 2
    frame = next(trajectory.read(out / "seed1_shear.extxyz.gz"))
    assert frame.info["stopped"] == "force tolerance" and frame.info["force_eV_per_A"] <= 0.01
    walls = manifest["parameters"]["wall_s"]
    assert set(walls) == {f"seed{s}_{p}" for s in (1, 3) for p in ("shear", "rest")}
    assert manifest["wall_time_s"] == pytest.approx(sum(walls.values()))
    assert "cut off" not in manifest["files"]["seed1_shear.extxyz.gz"]["description"]
    # Another model, and one that needs more steps: its frames are kept apart, and said.
    model = tmp_path / "other.pb"
    model.write_bytes(b"other")
    monkeypatch.setattr(inherent.guard, "pair_commands", lambda m: LJ.replace("0.2", "9.0"))
    inherent.make(tmp_path / "w", out, protocols=["rest"], command="c", model=model, steps=1)
    assert len(list((tmp_path / "w").iterdir())) == 2
    said = data.manifest(out)["files"]["seed3_rest.extxyz.gz"]["description"]
    assert "2 frames" in said and "2 of them cut off after 1 steps" in said
    # A protocol more: what was there is kept in the manifest.
    monkeypatch.setattr(inherent.paths, "data_dir", lambda: tmp_path / "data")
    assert inherent.seeds("shear") == [1, 3]
    assert inherent.seeds("shear-fast") == []
    assert [f.info["time_ps"] for f in inherent.frames(3, "shear")] == [0.0, 2.0, 4.0, 6.0]
    force, cut = inherent.left("shear")
    assert 0 < force <= 0.01 and cut == 0
    force, cut = inherent.left("rest")
    assert force > 0.01 and cut == 4
    assert inherent.left("shear-fast")[1] == 0


def test_another_campaign_has_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frames(seed: int, protocol: str, leg: str, *, preset: str) -> Iterator[Atoms]:
        assert (seed, protocol, leg, preset) == (1, "shear", "shear", "large")
        return (crystal(shake=0.05, seed=k, time=1.0 * k) for k in range(2))

    monkeypatch.setattr(chapter, "frames", frames)
    monkeypatch.setattr(chapter, "seeds", lambda protocol, preset: [1])
    monkeypatch.setattr(inherent.guard, "pair_commands", lambda model: LJ)
    monkeypatch.setattr(inherent.paths, "data_dir", lambda: tmp_path)
    assert inherent.seeds("shear", preset="large") == []
    (tmp_path / "model.pb").write_bytes(b"another")
    status = inherent.main(["--work", str(tmp_path / "w"), "--protocols", "shear", "--preset",
                            "large", "--ranks", "2", "--model", str(tmp_path / "model.pb")])  # fmt: skip
    assert status == 0
    out = tmp_path / "clay" / "inherent-large"
    manifest = data.manifest(out)
    assert manifest["parameters"]["preset"] == "large"
    assert "--preset large" in manifest["command"]
    assert inherent.seeds("shear", preset="large") == [1]
    assert [f.info["time_ps"] for f in inherent.frames(1, "shear", preset="large")] == [0.0, 1.0]


def test_another_protocol_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'melt'"):
        inherent.make(tmp_path, tmp_path / "o", protocols=["melt"], command="c")


def test_no_folder_is_no_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inherent.paths, "data_dir", lambda: tmp_path)
    assert inherent.seeds("shear") == []
