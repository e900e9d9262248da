"""Protocols run in LAMMPS leg by leg, killed and taken up again."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from test_clay_protocols import LJ, solid

from repro.clay import campaign, protocols
from repro.clay.protocols import Leg, StressCycles
from repro.errors import InputError
from repro.md import datafile, stages

CYCLES = StressCycles(on_ps=2.0, off_ps=1.0, cycles=2, amplitude_mpa=300.0)


@pytest.fixture
def start(tmp_path: Path) -> Path:
    file = tmp_path / "start.data"
    datafile.write_structure(solid(), file)
    return file


def test_no_structure_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.data: no such file"):
        campaign.run(CYCLES, tmp_path / "gone.data", folder=tmp_path, pair=LJ, seed=1)


def test_a_state_needs_a_finished_stage(tmp_path: Path) -> None:
    stage = CYCLES.legs(seed=1)[0].stage(pair=LJ, timestep_fs=2.0, checkpoint_ps=1.0)
    with pytest.raises(InputError, match="not finished"):
        stages.final_state(stage, folder=tmp_path)


@pytest.mark.live
def test_each_leg_begins_where_the_last_ended(tmp_path: Path, start: Path) -> None:
    seen: list[tuple[str, int]] = []

    def progress(leg: Leg):  # type: ignore[no-untyped-def]
        return lambda step: seen.append((leg.name, step))

    runs = campaign.run(CYCLES, start, folder=tmp_path / "run", pair=LJ, seed=4,
                        progress=progress)  # fmt: skip
    assert [one.leg.name for one in runs] == ["on-1", "off-1", "on-2", "off-2"]
    assert [one.folder.name for one in runs] == ["01-on-1", "02-off-1", "03-on-2", "04-off-2"]
    for before, after in itertools.pairwise(runs):
        for column in ("Temp", "PotEng", "Volume", "Yz", "Lx"):
            assert after.thermo[column][0] == pytest.approx(before.thermo[column][-1], rel=1e-9)
        assert after.thermo["Step"][0] == 0
    assert {name for name, _ in seen} == {one.leg.name for one in runs}
    # A finished protocol returns at once, and the same.
    seen.clear()
    again = campaign.run(CYCLES, start, folder=tmp_path / "run", pair=LJ, seed=4,
                         progress=progress)  # fmt: skip
    assert not seen
    for one, other in zip(runs, again, strict=True):
        np.testing.assert_array_equal(one.thermo["PotEng"], other.thermo["PotEng"])


@pytest.mark.live
def test_another_protocol_in_the_same_folder(tmp_path: Path, start: Path) -> None:
    short = protocols.Sandwich(temperature=100.0, picoseconds=0.02)
    campaign.run(short, start, folder=tmp_path / "run", pair=LJ, seed=4)
    with pytest.raises(InputError, match="begin"):
        campaign.run(short, start, folder=tmp_path / "run", pair=LJ, seed=5)


CHILD = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from test_clay_campaign import CYCLES, LJ
from repro.clay import campaign
campaign.run(CYCLES, Path({data!r}), folder=Path({folder!r}), pair=LJ, seed=7, checkpoint_ps=0.4)
"""


@pytest.mark.live
def test_killed_at_random_it_ends_the_same(tmp_path: Path, start: Path) -> None:
    """Kill -9 again and again, at moments that differ from run to run."""

    def child(folder: str) -> subprocess.Popen[bytes]:
        text = textwrap.dedent(CHILD).format(tests=str(Path(__file__).parent), data=str(start),
                                             folder=str(tmp_path / folder))  # fmt: skip
        return subprocess.Popen([sys.executable, "-c", text])

    began = time.monotonic()
    assert child("whole").wait(300) == 0
    length = time.monotonic() - began
    rng = np.random.default_rng()
    kills = 0
    for _ in range(4):
        one = child("killed")
        # Within the time that an undisturbed run takes on this machine, whatever that is.
        time.sleep(float(rng.uniform(0.2, 0.7)) * length)
        if one.poll() is None:
            os.kill(one.pid, signal.SIGKILL)
            kills += 1
        one.wait()
    assert child("killed").wait(300) == 0
    assert kills, "every run ended before it was killed: make the protocol longer"
    whole = sorted((tmp_path / "whole").rglob("segment-*.lammpstrj"))
    assert whole
    for file in whole:
        other = tmp_path / "killed" / file.relative_to(tmp_path / "whole")
        assert other.read_bytes() == file.read_bytes()
