"""The campaign from first slab to shipped files, in the class size, with a cheap potential."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from repro import data, paths
from repro.clay import campaign_cli, chain, collect, presets, trajectory
from repro.clay.protocols import Anneal, Sandwich, ShearRate
from repro.errors import InputError
from repro.md import datafile
from repro.md.logs import Thermo

LJ = "pair_style lj/cut 6.0\npair_modify tail no\npair_coeff * * 0.05 2.55\n"
TINY = replace(
    presets.preset("class"), checkpoint_ps=0.02,
    protocols={"sandwich": Sandwich(picoseconds=0.04),
               "anneal": Anneal(melt_ps=0.06, first_ps=0.02, rest_ps=0.04),
               "shear": ShearRate(rate_per_s=5e12, strain=0.2, interval=0.05)},
)  # fmt: skip


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> presets.Preset:
    monkeypatch.setitem(presets.PRESETS, "class", TINY)
    return TINY


def digest(work: Path) -> dict[str, str]:
    """Return the last states and trajectories of a campaign, by their hashes."""
    found = {}
    for file in sorted(work.glob("seed*/*/*/segment-*.lammpstrj")):
        found[str(file.relative_to(work))] = data.sha256(file)
    for file in sorted(work.glob("seed*/*/*/state.data")):
        # LAMMPS writes the step count and version in the title only.
        found[str(file.relative_to(work))] = data.sha256(file)
    return found


# --- the order of steps, and what is refused ---


@pytest.mark.parametrize(
    ("name", "seed", "message"),
    [
        ("aneal", 1, "'aneal'.*anneal"),
        ("anneal", 0, "seed 0"),
        ("assembly", 1, "not finished; the step before must run first"),
        ("shear", 1, "not finished"),
    ],
)
def test_steps_that_cannot_be(name: str, seed: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        chain.step(chain.Setup(presets.preset("class"), tmp_path), name, seed)


def test_a_broken_record_is_said(tmp_path: Path) -> None:
    (tmp_path / "done.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"done\.json: not JSON"):
        chain.finished(tmp_path)
    (tmp_path / "done.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="expected an object"):
        chain.finished(tmp_path)


def kept(work: Path, preset: str, seed: int = 1) -> dict[str, dict[str, object]]:
    """Restore the shipped steps of a campaign, and return the records of a seed."""
    collect.restore(data.path(f"clay/{preset}/runs.csv").parent, work)
    return {name: json.loads((work / f"seed{seed}" / name / "done.json").read_text("utf-8"))
            for name in ("sandwich", "assembly", "anneal")}  # fmt: skip


@pytest.mark.parametrize("preset", ["reference", "three-one"])
def test_shipped_steps_are_those_of_their_campaign(preset: str, tmp_path: Path) -> None:
    made = kept(tmp_path, preset)
    chosen = presets.preset(preset)
    for seed in chosen.seeds:
        setup = chain.Setup(chosen, tmp_path)
        for name, one in made.items():
            done = chain.step(setup, name, seed)
            assert (done["step"], done["natoms"]) == (name, one["natoms"])
    assert sum(1 for _ in collect.steps(chosen, tmp_path)) == 2 * len(chosen.seeds)


@pytest.mark.parametrize(
    ("name", "message"),
    [("sandwich", "natoms 256, expected 320"), ("assembly", "natoms 704, expected 800"),
     ("anneal", r"protocol .*'rest_ps': 60\.0.*expected .*'rest_ps': 30\.0}")],
)  # fmt: skip
def test_a_step_of_another_campaign_is_refused(name: str, message: str, tmp_path: Path) -> None:
    kept(tmp_path, "reference")
    setup = chain.Setup(presets.preset("three-one"), tmp_path)
    with pytest.raises(InputError, match=f"{name}: holds a step with {message} of the campaign 'three-one'"):  # fmt: skip
        chain.step(setup, name, 1)


def test_no_command_takes_the_steps_of_another_campaign(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "w"
    kept(work, "reference")
    about = ["--preset", "large", "--work", str(work)]
    for command in (["step", "anneal"], ["step", "shear"], ["go", "--dry-run"], ["status"],
                    ["collect", "--out", str(tmp_path / "out")]):  # fmt: skip
        assert campaign_cli.main([*command, *about]) == 1, command
        assert "expected" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_record_knows_its_campaign(tmp_path: Path) -> None:
    made = kept(tmp_path, "three-one")["assembly"]
    # Records made from now on name it, which tells sizes without a number of units as well.
    file = tmp_path / "seed1" / "assembly" / "done.json"
    file.write_text(json.dumps({**made, "preset": "class"}), encoding="utf-8")
    assert chain.finished_as(presets.preset("class"), "assembly", file.parent) is not None
    with pytest.raises(InputError, match="preset class, expected large"):
        chain.finished_as(presets.preset("large"), "assembly", file.parent)


def test_the_command_for_snakemake(tmp_path: Path) -> None:
    command = campaign_cli.snakemake("class", tmp_path, seeds=[2], protocols=["shear"], cores=2,
                                     ranks=2, dry=True)  # fmt: skip
    assert command[-1] == "--dry-run" and "--rerun-incomplete" in command
    assert "seeds=2" in command and "protocols=shear" in command and "ranks=2" in command
    with pytest.raises(InputError, match="1 cores for runs of 2 ranks"):
        campaign_cli.snakemake("class", tmp_path, seeds=[], protocols=[], cores=1, ranks=2)
    with pytest.raises(InputError, match="no protocol 'sheer'"):
        campaign_cli.snakemake("class", tmp_path, seeds=[], protocols=["sheer"], cores=1, ranks=1)


def planned(work: Path, *more: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "repro.clay.campaign_cli", "go", "--preset", "class", "--work",
         str(work), "--dry-run", *more], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def test_a_dry_run_lists_every_step(tmp_path: Path) -> None:
    text = planned(tmp_path)
    steps = 1 + len(presets.preset("class").protocols)  # and the assembly
    assert f"step   {steps:9d}".replace(" ", "") in text.replace(" ", "")
    assert not list(tmp_path.glob("seed*"))


def test_a_dry_run_for_a_cluster(tmp_path: Path) -> None:
    text = planned(tmp_path, "--ranks", "8", "--cores", "8", "--profile",
                   str(paths.root() / "workflow/profiles/slurm"), "--protocols", "shear")  # fmt: skip
    assert "threads: 8" in text and "runtime=" in text and "slurm_partition" in text


def test_only_what_a_protocol_needs_is_planned(tmp_path: Path) -> None:
    text = planned(tmp_path, "--protocols", "melt-700")
    assert "seed1/assembly/done.json" in text and "seed1/anneal" not in text


# --- plan and status ---


def test_plan_and_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert campaign_cli.main(["plan", "--preset", "class", "--cost", "36"]) == 0
    out = capsys.readouterr().out
    assert "anneal" in out and "1 seeds:" in out and "core hours" in out
    assert campaign_cli.main(["status", "--preset", "class", "--work", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("seed 1  ") == len(presets.preset("class").protocols)
    assert campaign_cli.main(["collect", "--preset", "class", "--work", str(tmp_path), "--out",
                              str(tmp_path / "out")]) == 1  # fmt: skip
    assert "no finished step" in capsys.readouterr().err


# --- thermo tables ---


def test_a_thermo_table_survives_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = Thermo(columns={"Step": np.arange(5.0), "Temp": rng.normal(300, 1, 5),
                            "PotEng": rng.normal(-2000, 1, 5)})  # fmt: skip
    file = tmp_path / "a.csv.gz"
    collect.write_thermo(table, file)
    first = file.read_bytes()
    collect.write_thermo(table, file)
    assert file.read_bytes() == first
    found = collect.read_thermo(file)
    assert list(found.columns) == ["Step", "Temp", "PotEng"]
    for name in table.columns:
        assert found[name] == pytest.approx(table[name], rel=1e-7)


@pytest.mark.parametrize(
    ("protocol", "frames", "every"),
    [("anneal", 1, 1), ("anneal", 51, 1), ("anneal", 101, 1), ("anneal", 201, 2),
     ("anneal", 206, 5), ("stress-50", 21, 4), ("stress-50", 6, 1), ("diffusion-500", 401, 1)],
)  # fmt: skip
def test_thinning_keeps_the_ends(protocol: str, frames: int, every: int) -> None:
    assert collect._every(protocol, frames) == every
    assert (frames - 1) % every == 0


def test_nothing_to_restore_is_said(tmp_path: Path) -> None:
    (tmp_path / "w" / "seed1").mkdir(parents=True)
    with pytest.raises(InputError, match="no states"):
        collect.restore(tmp_path, tmp_path / "w")


def test_nothing_to_collect_is_said_where_runs_were_collected_before(tmp_path: Path) -> None:
    before = data.path("clay/three-one/runs.csv").read_bytes()
    (tmp_path / "runs.csv").write_bytes(before)
    with pytest.raises(InputError, match=r"wrok: no finished step of 'three-one'"):
        collect.collect(presets.preset("three-one"), tmp_path / "wrok", tmp_path, command="c")
    assert [f.name for f in tmp_path.iterdir()] == ["runs.csv"]
    assert (tmp_path / "runs.csv").read_bytes() == before


def test_a_leg_without_logs_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no log"):
        collect.leg_thermo(tmp_path)


# --- the real thing ---


@pytest.mark.live
def test_from_slab_to_shipped_files(tiny: presets.Preset, tmp_path: Path) -> None:
    setup = chain.Setup(tiny, tmp_path / "w")
    made = {name: chain.step(setup, name, 1)
            for name in ("sandwich", "assembly", "anneal", "shear")}  # fmt: skip
    natoms = made["assembly"]["natoms"]
    assert natoms == 128 and made["shear"]["natoms"] == natoms
    assert {one["preset"] for one in made.values()} == {"class"}
    # Two LiCl for each GaF3, as in the paper.
    atoms = datafile.read_structure(chain.state(setup.folder("anneal", 1)))
    symbols = atoms.get_chemical_symbols()
    assert symbols.count("Li") == symbols.count("Cl") == 2 * symbols.count("Ga")
    assert symbols.count("F") == 3 * symbols.count("Ga")
    # The relaxed sandwich is at rest and at a minimum.
    relaxed = collect.leg_thermo(setup.folder("sandwich", 1) / "02-relax")
    assert relaxed["Temp"][0] == 0.0 and relaxed["Temp"][-1] < 1.0
    # A finished step is not run again.
    before = digest(tmp_path / "w")
    assert chain.step(setup, "shear", 1) == made["shear"]
    assert digest(tmp_path / "w") == before

    out = tmp_path / "data"
    assert collect.collect(tiny, tmp_path / "w", out, command="test") == 4
    with open(out / "runs.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["leg"] for row in rows] == ["hold", "melt", "rest", "shear"]
    # A strain of 0.2 in frames of 0.05: five frames, the last at 0.2.
    frames = list(trajectory.read(out / "seed1_shear_shear.extxyz.gz"))
    assert len(frames) == 5 == int(rows[-1]["frames"])
    table = collect.read_thermo(out / "seed1_shear_shear.thermo.csv.gz")
    strain = (table["Yz"] - table["Yz"][0]) / table["Lz"]
    assert strain[-1] == pytest.approx(0.2, rel=0.02)
    # Closing the gaps makes the assembly denser than it was put together.
    assert float(rows[1]["density_start_g_per_cm3"]) > 1.05 * (
        float(atoms.get_masses().sum()) / 6.02214076e23 / (made["assembly"]["edge_A"] * 1e-8) ** 3
    )
    content = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert content["parameters"]["protocols"]["shear"]["rate_per_s"] == 5e12
    # A lost work folder is rebuilt as far as others begin from it, and gone on from.
    again = tmp_path / "again"
    assert collect.restore(out, again) == 3
    assert collect.restore(out, again) == 0
    for name in ("sandwich", "assembly", "anneal"):
        there = chain.Setup(tiny, again).folder(name, 1)
        assert chain.finished(there) == made[name]
        assert chain.state(there).read_bytes() == chain.state(setup.folder(name, 1)).read_bytes()
    assert collect.collect(tiny, again, out, command="test") == 4
    # Given again, nothing changes.
    first = {f.name: data.sha256(f) for f in out.iterdir() if f.name != "manifest.json"}
    assert set(content["files"]) == set(first)
    collect.collect(tiny, tmp_path / "w", out, command="test")
    assert {f.name: data.sha256(f) for f in out.iterdir() if f.name != "manifest.json"} == first


KILLED = """
import sys
from pathlib import Path
from repro.clay import campaign_cli, presets
import test_clay_chain
presets.PRESETS["class"] = test_clay_chain.TINY
from repro.clay import chain
chain.Setup.pair = lambda self: test_clay_chain.LJ
setup = chain.Setup(test_clay_chain.TINY, Path(sys.argv[1]))
for name in ("sandwich", "assembly", "anneal", "shear"):
    chain.step(setup, name, 1)
"""


@pytest.mark.live
def test_killed_at_random_moments_it_ends_the_same(tmp_path: Path) -> None:
    """Kill -9 of the whole process group, again and again, until it has got through.

    With Lennard-Jones forces LAMMPS starts in an instant, so that most kills hit a step.
    """

    def child(name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path / name)], start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    began = time.monotonic()
    assert child("whole").wait(300) == 0
    length = time.monotonic() - began
    rng = random.Random(3)
    kills = 0
    for number in range(25):
        one = child("killed")
        # Early enough for two kills at least, late enough to get on: parts of the time that an
        # undisturbed run takes on this machine.
        part = rng.uniform(0.3, 0.45) if number < 2 else rng.uniform(0.2, 0.8)
        try:
            one.wait(timeout=part * length)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)
            one.wait()
            kills += 1
            continue
        assert one.returncode == 0
        break
    assert kills >= 2, "nothing was killed"
    assert chain.finished(tmp_path / "killed/seed1/shear") is not None
    assert digest(tmp_path / "killed") == digest(tmp_path / "whole")
