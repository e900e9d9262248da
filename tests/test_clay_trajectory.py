"""Trajectories: dumps read once and in order, shipped files that others open."""

from __future__ import annotations

import gzip
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms

from repro.clay import trajectory
from repro.errors import InputError


def frame_text(step: int, positions: np.ndarray, *, tilt: float = 0.5) -> str:
    # A triclinic dump gives the bounding box: hi and lo widened by the tilts.
    lines = ["ITEM: TIMESTEP", str(step), "ITEM: NUMBER OF ATOMS", str(len(positions)),
             "ITEM: BOX BOUNDS xy xz yz pp pp pp", f"0 {10 + tilt} {tilt}", "0 11 0", "0 12 0",
             "ITEM: ATOMS id type x y z"]  # fmt: skip
    order = np.arange(len(positions))[::-1]  # as LAMMPS may, out of order
    lines += [f"{i + 1} {i % 4 + 1} {' '.join(f'{x:.6f}' for x in positions[i])}" for i in order]
    return "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 10, (6, 3))
    (tmp_path / "segment-0001.lammpstrj").write_text(
        "".join(frame_text(s, x + s / 1000) for s in (0, 50, 100)), encoding="utf-8"
    )
    (tmp_path / "segment-0002.lammpstrj").write_text(
        "".join(frame_text(s, x + s / 1000) for s in (100, 150)), encoding="utf-8"
    )
    return tmp_path


def test_a_frame_at_a_checkpoint_comes_once(folder: Path) -> None:
    frames = list(trajectory.dumped(folder, timestep_fs=2.0))
    assert [f.info["step"] for f in frames] == [0, 50, 100, 150]
    assert [f.info["time_ps"] for f in frames] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert frames[0].get_chemical_symbols() == ["Li", "F", "Cl", "Ga", "Li", "F"]
    assert np.allclose(frames[2].positions - frames[0].positions, 0.1)
    assert np.allclose(frames[0].cell.array, [[10, 0, 0], [0.5, 11, 0], [0, 0, 12]])
    assert all(frames[0].pbc)


def test_upto_a_step(folder: Path) -> None:
    assert [f.info["step"] for f in trajectory.dumped(folder, timestep_fs=1.0, upto=60)] == [0, 50]


@pytest.mark.parametrize("lost", [1, 30, 200])
def test_a_frame_that_a_kill_cut_is_left_out(folder: Path, lost: int) -> None:
    file = folder / "segment-0002.lammpstrj"
    text = file.read_text(encoding="utf-8")
    file.write_text(text[:-lost], encoding="utf-8")
    assert [f.info["step"] for f in trajectory.dumped(folder, timestep_fs=1.0)] == [0, 50, 100]


def test_no_dump_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no trajectory"):
        next(trajectory.dumped(tmp_path, timestep_fs=1.0))


def test_thinning_keeps_the_first(folder: Path) -> None:
    frames = trajectory.thinned(trajectory.dumped(folder, timestep_fs=1.0), 3)
    assert [f.info["step"] for f in frames] == [0, 150]
    with pytest.raises(InputError, match="every 0 frames"):
        next(trajectory.thinned(iter([]), 0))


def test_what_is_written_is_read_by_us_and_by_ase(folder: Path, tmp_path: Path) -> None:
    frames = list(trajectory.dumped(folder, timestep_fs=2.0))
    file = tmp_path / "out" / "a.extxyz.gz"
    assert trajectory.write(iter(frames), file) == 4
    ours, theirs = list(trajectory.read(file)), ase.io.read(file, ":")
    assert len(ours) == len(theirs) == 4
    for one, mine, other in zip(frames, ours, theirs, strict=True):
        for found in (mine, other):
            assert found.get_chemical_symbols() == one.get_chemical_symbols()
            assert np.abs(found.positions - one.positions).max() <= 5.1e-5
            assert np.allclose(found.cell.array, one.cell.array) and all(found.pbc)
            assert found.info["time_ps"] == pytest.approx(one.info["time_ps"])
            assert found.info["step"] == one.info["step"]


def test_equal_frames_give_equal_bytes(folder: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.extxyz.gz" for name in "ab"]
    for file in files:
        trajectory.write(trajectory.dumped(folder, timestep_fs=2.0), file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_number_of_the_particle_is_kept(tmp_path: Path) -> None:
    atoms = Atoms("LiF", positions=[[0, 0, 0], [1, 1, 1]], cell=[5, 5, 5], pbc=True)
    atoms.set_array("particle", np.array([0, 7]))
    file = tmp_path / "a.extxyz.gz"
    trajectory.write([atoms], file)
    (found,) = trajectory.read(file)
    assert found.arrays["particle"].tolist() == [0, 7]


def test_memory_holds_one_frame(tmp_path: Path) -> None:
    """Writing pulls a frame only when the one before is done with."""
    alive = 0

    def stream():  # type: ignore[no-untyped-def]
        nonlocal alive
        for _ in range(5):
            alive += 1
            assert alive == 1
            yield Atoms("Li", cell=[4, 4, 4], pbc=True)
            alive -= 1

    assert trajectory.write(stream(), tmp_path / "a.extxyz.gz") == 5


def test_what_cannot_be_written_or_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.xyz: expected a name"):
        trajectory.write([Atoms("Li")], tmp_path / "a.xyz")
    with pytest.raises(InputError, match="no frames"):
        trajectory.write([], tmp_path / "a.extxyz.gz")
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="no such trajectory"):
        next(trajectory.read(tmp_path / "a.extxyz.gz"))
    (tmp_path / "b.extxyz.gz").write_bytes(gzip.compress(b"two\n"))
    with pytest.raises(InputError, match="not a whole gzipped"):
        next(trajectory.read(tmp_path / "b.extxyz.gz"))


def test_a_file_cut_short_is_said(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.extxyz.gz"
    trajectory.write(trajectory.dumped(folder, timestep_fs=2.0), file)
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(InputError, match="not a whole gzipped"):
        list(trajectory.read(file))
