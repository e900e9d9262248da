"""g(r), first peaks and resumable runs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from numpy.typing import NDArray

from repro import data
from repro.errors import InputError
from repro.potential import frames, liquids_cli, mechanics
from repro.potential.liquids import (
    Partial,
    first_peak,
    histogram,
    pairs_of,
    partial_rdf,
    run_md,
)

Floats = NDArray[np.float64]


def gas(count: int, *, seed: int, side: float = 9.0, symbols: str = "LiGaF3") -> Atoms:
    """Return random atoms in a slightly skewed cell."""
    rng = np.random.default_rng(seed)
    kinds = (Atoms(symbols).get_chemical_symbols() * count)[:count]
    atoms = Atoms(kinds, cell=[[side, 0, 0], [1.5, side, 0], [0.5, -1.0, side]], pbc=True)
    atoms.set_scaled_positions(rng.uniform(size=(count, 3)))
    atoms.info["frame_id"] = f"gas/{seed}"
    return atoms


def naive(frame: Atoms, a: str, b: str, r_max: float, bins: int) -> Floats:
    """Return g(r) by loops over all pairs and 27 images: needs r_max below the cell's height."""
    symbols, cell = frame.get_chemical_symbols(), frame.cell.array
    counts = np.zeros(bins)
    for i in range(len(frame)):
        for j in range(len(frame)):
            if symbols[i] != a or symbols[j] != b:
                continue
            for n in np.ndindex(3, 3, 3):
                shift = (np.array(n) - 1) @ cell
                r = np.linalg.norm(frame.positions[j] + shift - frame.positions[i])
                if r < r_max and not (i == j and n == (1, 1, 1)):
                    counts[min(int(r / r_max * bins), bins - 1)] += 1
    edges = np.linspace(0, r_max, bins + 1)
    partners = symbols.count(b) - (a == b)
    density = symbols.count(a) * partners / frame.get_volume()
    return counts / (density * 4 / 3 * np.pi * np.diff(edges**3))


def test_rdf_against_loops() -> None:
    frame = gas(15, seed=1, side=6.0)
    frame.wrap()
    found = histogram(frame, r_max=4.5, bins=9)
    assert list(found) == pairs_of(frame.get_chemical_symbols())
    assert set(found) == {
        ("Li", "Li"),
        ("Li", "F"),
        ("Li", "Ga"),
        ("F", "F"),
        ("F", "Ga"),
        ("Ga", "Ga"),
    }
    for pair, g in found.items():
        assert g == pytest.approx(naive(frame, *pair, 4.5, 9)), pair


def test_rdf_against_freud() -> None:
    freud = pytest.importorskip("freud", reason="freud-analysis is not in the lock")
    frame = gas(60, seed=2, side=12.0)
    box = freud.box.Box.from_matrix(frame.cell.array.T)
    found = histogram(frame, r_max=5.0, bins=50)
    points = {
        e: frame.positions[[s == e for s in frame.get_chemical_symbols()]] for e in ("Li", "F")
    }
    # freud's box has a along x and b in the xy plane, and its centre at the origin.
    rdf = freud.density.RDF(bins=50, r_max=5.0)
    rdf.compute((box, points["F"]), query_points=points["Li"])
    assert found["Li", "F"] == pytest.approx(rdf.rdf, rel=1e-4, abs=1e-5)


def test_rdf_of_a_crystal_counts_its_neighbours() -> None:
    """Rock salt: 6 unlike neighbours at a/2, 12 like ones at a/sqrt(2)."""
    salt = bulk("LiCl", "rocksalt", a=5.14, cubic=True) * 2
    found = partial_rdf([salt] * 2, r_max=4.5, bins=450, blocks=2)
    shells = 4 / 3 * np.pi * np.diff(np.linspace(0, 4.5, 451) ** 3)
    unlike, like = found["Li", "Cl"], found["Li", "Li"]
    near = np.abs(unlike.r - 2.57) < 0.02
    volume = salt.get_volume()
    assert (unlike.g * shells)[near].sum() * 32 / volume == pytest.approx(6.0)
    near = np.abs(like.r - 5.14 / np.sqrt(2)) < 0.02
    assert (like.g * shells)[near].sum() * 31 / volume == pytest.approx(12.0)
    assert first_peak(unlike, width=2).position == pytest.approx(2.57, abs=0.01)
    assert unlike.error == pytest.approx(np.zeros(450))


def test_rdf_of_an_ideal_gas_is_one_within_its_errors() -> None:
    run = [gas(40, seed=k) for k in range(30)]
    found = partial_rdf(run, r_max=6.0, bins=12, blocks=10)["F", "F"]
    assert np.abs(found.g[3:] - 1) == pytest.approx(np.zeros(9), abs=0.15)
    pulls = (found.g[3:] - 1) / found.error[3:]
    assert 0.3 < np.sqrt(np.mean(pulls**2)) < 2.0


def test_block_errors_are_those_of_the_blocks() -> None:
    run = [gas(30, seed=k) for k in range(8)]
    found = partial_rdf(run, r_max=5.0, bins=10, blocks=4)["Li", "F"]
    means = [np.mean([histogram(f, r_max=5.0, bins=10)["Li", "F"] for f in run[k : k + 2]], axis=0)
             for k in (0, 2, 4, 6)]  # fmt: skip
    assert found.blocks == pytest.approx(np.array(means))
    assert found.g == pytest.approx(np.mean(means, axis=0))
    assert found.error == pytest.approx(np.std(means, axis=0, ddof=1) / 2)
    assert np.isnan(partial_rdf(run, r_max=5.0, bins=10, blocks=1)["Li", "F"].error).all()


def curve(position: float, height: float, *, noise: float = 0.0, seed: int = 0) -> Partial:
    """Return a g(r) with a first peak and a higher, broader second shell."""
    r = (np.arange(240) + 0.5) * 0.025
    rng = np.random.default_rng(seed)

    def one() -> Floats:
        g = height * np.exp(-0.5 * ((r - position) / 0.12) ** 2)
        g = g + 1.1 * height * np.exp(-0.5 * ((r - position - 1.6) / 0.25) ** 2)
        return np.asarray(g + noise * rng.normal(size=len(r)) * (r > 1.5))

    blocks = np.array([one() for _ in range(5)])
    error = blocks.std(axis=0, ddof=1) / np.sqrt(5)
    return Partial(("Ga", "Cl"), r, blocks.mean(axis=0), error, blocks)


def test_first_peak_is_the_first_not_the_highest() -> None:
    found = first_peak(curve(2.183, 6.0))
    assert found.position == pytest.approx(2.183, abs=0.003)
    assert found.height == pytest.approx(6.0, rel=0.02)
    assert found.position_error == pytest.approx(0.0, abs=1e-9)


def test_first_peak_error_is_the_scatter_of_repeated_runs() -> None:
    found = [first_peak(curve(2.2, 6.0, noise=0.3, seed=k)) for k in range(40)]
    for what in ("position", "height"):
        spread = np.std([getattr(f, what) for f in found])
        said = np.sqrt(np.mean([getattr(f, what + "_error") ** 2 for f in found]))
        assert said == pytest.approx(spread, rel=0.4), what


def test_no_peak_is_said() -> None:
    flat = Partial(("Li", "Ga"), np.arange(5.0), np.full(5, 0.5), np.zeros(5), np.full((2, 5), 0.5))
    with pytest.raises(InputError, match="Li-Ga: g"):
        first_peak(flat)


def test_rdf_refuses() -> None:
    with pytest.raises(InputError, match="2 frames in 5 blocks"):
        partial_rdf([gas(5, seed=1)] * 2, blocks=5)
    with pytest.raises(InputError, match="must hold the same elements"):
        partial_rdf([gas(5, seed=1), gas(4, seed=1, symbols="LiCl")], blocks=2)
    with pytest.raises(InputError, match=r"r_max -1\.0, bins 5"):
        histogram(gas(5, seed=1), r_max=-1.0, bins=5)
    with pytest.raises(InputError, match="periodic in three directions"):
        histogram(Atoms("LiF", positions=[[0, 0, 0], [1, 1, 1]]), r_max=2.0, bins=5)


def hot() -> Atoms:
    atoms: Atoms = bulk("Al", cubic=True)
    atoms.info["family"] = "Al"
    return atoms


def test_md_goes_on_where_it_was(tmp_path: Path) -> None:
    def go(file: Path, count: int, **more: Any) -> int:
        return run_md(hot(), EMT, shard=file, model="emt", count=count, temperature=600.0,
                      every=4, **more)  # fmt: skip

    whole, parts = tmp_path / "whole.extxyz", tmp_path / "parts.extxyz"
    assert go(whole, 6) == 6
    assert go(parts, 2) == 2 and go(parts, 6) == 4 and go(parts, 6) == 0
    one, two = frames.read_shard(whole), frames.read_shard(parts)
    assert [f.info["frame_id"] for f in one] == [f"emt/Al/{k:05d}" for k in range(6)]
    assert one[-1].info["time_fs"] == 6 * 4 * 2.0
    # The same noise; positions differ by what the text file rounds off.
    for a, b in zip(one, two, strict=True):
        assert a.positions == pytest.approx(b.positions, abs=1e-4)
    assert np.abs(one[-1].get_momenta()).max() > 0.1
    # A frame torn by a kill is written again.
    text = parts.read_text()
    parts.write_text(text[:-40])
    assert go(parts, 6) == 1
    assert frames.read_shard(parts)[-1].positions == pytest.approx(two[-1].positions, abs=1e-4)
    assert go(tmp_path / "x.extxyz", 5, stop=lambda: True) == 0


def test_md_keeps_its_temperature(tmp_path: Path) -> None:
    start = hot() * (2, 2, 2)
    start.info["family"] = "Al"
    run_md(start, EMT, shard=tmp_path / "a.extxyz", model="emt", count=30, temperature=600.0,
           every=8, timestep=4.0)  # fmt: skip
    run = frames.read_shard(tmp_path / "a.extxyz")
    kinetic = [f.get_kinetic_energy() / (1.5 * units.kB * len(f)) for f in run[15:]]
    # 32 atoms: 8 % in each frame, frames of 40 fs are partly independent.
    assert np.mean(kinetic) == pytest.approx(600.0, rel=0.1)


def test_md_refuses_to_mix_runs(tmp_path: Path) -> None:
    file = tmp_path / "a.extxyz"
    run_md(hot(), EMT, shard=file, model="emt", count=1, every=2)
    with pytest.raises(InputError, match=r"made with model emt, now other"):
        run_md(hot(), EMT, shard=file, model="other", count=2, every=2)
    with pytest.raises(InputError, match=r"made with temperature_K 900.*, now 300"):
        run_md(hot(), EMT, shard=file, model="emt", count=2, every=2, temperature=300.0)
    with pytest.raises(InputError, match="all must be positive"):
        run_md(hot(), EMT, shard=file, model="emt", count=2, every=0)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work folder with a start frame; student and teacher are both EMT."""
    monkeypatch.setenv("REPRO_ROOT", str(tmp_path))
    start = hot()
    start.info = {"frame_id": "start", "family": "Al", "origin": "md", "volume_scale": 1.0}
    frames.write_atomic(tmp_path / "work" / "starts.extxyz", [start])
    (tmp_path / "m.pb").write_bytes(b"stand-in")
    monkeypatch.setattr(mechanics, "make_calculator", lambda kind, model: EMT())
    return tmp_path


def test_md_and_compare_commands(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--families", "Al", "--work", str(runs / "work")]
    md = ["--frames", "10", "--every", "3", "--temperature", "600"]
    assert liquids_cli.main(["md", "--calculator", "teacher", *common, *md]) == 0
    assert liquids_cli.main(["compare", "--student", "m", *common, "--out", str(runs / "out")]) == 1
    assert "0 student and 10 teacher frames" in capsys.readouterr().err
    assert liquids_cli.main(["md", "--calculator", "student", "--model", str(runs / "m.pb"), *common,
                             *md]) == 0  # fmt: skip
    assert liquids_cli.main(["compare", "--student", "m", *common, "--out", str(runs / "out"),
                             "--blocks", "2"]) == 0  # fmt: skip
    capsys.readouterr()
    with open(runs / "out" / "rdf_peaks_m.csv", newline="") as stream:
        peak = next(csv.DictReader(stream))
    # The same potential, start and noise: the same peaks.
    assert peak["pair"] == "Al-Al" and float(peak["position_difference_A"]) == 0.0
    assert float(peak["height_ratio"]) == 1.0 and peak["frames"] == "8"
    assert float(peak["position_A_student"]) == pytest.approx(2.86, abs=0.15)
    content = json.loads((runs / "out" / "manifest.json").read_text())
    assert set(content["files"]) == {"rdf_m.csv", "rdf_peaks_m.csv", "liquid_starts.extxyz"}
    with open(runs / "out" / "rdf_m.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 120 and all(r["g_student"] == r["g_teacher"] for r in rows)
    assert liquids_cli.main(["compare", "--student", "m", *common, "--skip", "1.0"]) == 1
    assert "--skip 1.0: expected" in capsys.readouterr().err


@pytest.mark.parametrize(("key", "mine", "yours"), [
    ("time_fs", 20.0, 40.0), ("temperature_K", 900.0, 300.0), ("timestep_fs", 2.0, 1.0), ("seed", 1, 2),
])  # fmt: skip
def test_compare_refuses_unlike_runs(runs: Path, key: str, mine: float, yours: float) -> None:
    one = [hot() for _ in range(5)]
    for frame in one:
        frame.info = {"time_fs": 20.0, "model": "a", "temperature_K": 900.0, "timestep_fs": 2.0,
                      "seed": 1}  # fmt: skip
    other = [frame.copy() for frame in one]
    other[0].info[key] = yours
    said = rf"Al: the runs of student and teacher differ in {key} \({mine} and {yours}\)"
    with pytest.raises(InputError, match=said):
        liquids_cli.compare_runs(one, other, family="Al", skip=0.0, r_max=4.0, bins=20, blocks=2)


def test_starts_are_chosen_once(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [gas(6, seed=k) for k in range(4)]
    for k, (frame, origin, scale) in enumerate(
        zip(made, ("md", "md", "perturbed", "md"), (1.02, 0.98, 1.0, 1.08), strict=True)
    ):
        frame.info |= {"family": "melt", "origin": origin, "volume_scale": scale, "k": k}
    monkeypatch.setattr(liquids_cli, "load_labels", lambda families: made)
    found = liquids_cli.find_starts(runs / "work", ["melt"])
    assert found["melt"].info["k"] == 1 and set(found) == {"Al", "melt"}
    monkeypatch.setattr(liquids_cli, "load_labels", lambda families: [])
    again = liquids_cli.find_starts(runs / "work", ["melt"])
    assert again["melt"].positions == pytest.approx(found["melt"].positions, abs=1e-7)
    with pytest.raises(InputError, match="other: the labels hold no frame of a run"):
        liquids_cli.find_starts(runs / "work", ["other"])
    # A new work folder takes the shipped starts.
    results = runs / "data" / "potential" / "results"
    frames.write_atomic(results / liquids_cli.STARTS, again.values())
    data.write_manifest(results, title="t", license="l", sources=[], command="c", parameters={},
                        seed=None, wall_time_s=0.0, files={liquids_cli.STARTS: "starts"})  # fmt: skip
    third = liquids_cli.find_starts(runs / "elsewhere", ["melt"])
    assert third["melt"].positions == pytest.approx(found["melt"].positions, abs=1e-7)


def test_lone_atoms_make_no_pair_of_their_own() -> None:
    assert histogram(gas(5, seed=3, symbols="LiF4"), r_max=4.0, bins=8)[
        "Li", "Li"
    ] == pytest.approx(np.zeros(8))
