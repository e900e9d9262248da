"""How fast the book's g(r) and D2min are beside freud and OVITO.

Part of ``python -m benchmarks``.  Frames of about 10,000 atoms, each a little displaced and
sheared against the one before, are analysed by each library in one go on this machine, one
thread each, and the CPU time is compared, so that other work on the machine matters little:
the median of several rounds.  A ratio below 1 means that ours is faster.
"""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from ase import Atoms

from repro.clay import nonaffine, pairs, trajectory
from repro.errors import InputError
from repro.md.lammps import one_thread
from repro.potential import simulate

MOST = 1.0
"""What issue 4 asks for: ours over the faster of the others, at most."""
R_MAX, BINS, CUTOFF = 8.0, 160, 6.5
GR, D2 = "g(r)", "D2min"

# Runs in OVITO's Python: reads the frames, then times the analysis alone.
_OVITO = """
import json, sys, time
from ovito.io import import_file
from ovito.modifiers import AtomicStrainModifier, CoordinationAnalysisModifier
file, cutoff, r_max, bins = sys.argv[1], *map(float, sys.argv[2:5])
found = {}
for name in ("none", "g(r)", "D2min"):
    pipeline = import_file(file)
    frames = pipeline.source.num_frames
    if name == "g(r)":
        pipeline.modifiers.append(CoordinationAnalysisModifier(
            cutoff=r_max, number_of_bins=int(bins), partial=True))
    if name == "D2min":
        pipeline.modifiers.append(AtomicStrainModifier(
            cutoff=cutoff, output_nonaffine_squared_displacements=True,
            use_frame_offset=True, frame_offset=-1))
    start = time.process_time()
    for frame in range(1, frames):
        pipeline.compute(frame)
    found[name] = (time.process_time() - start) / (frames - 1)
print(json.dumps({k: v - found["none"] for k, v in found.items() if k != "none"}))
"""


def frames(natoms: int, count: int) -> list[Atoms]:
    """Return sheared and shaken frames of a melt repeated to about so many atoms."""
    if count < 2:
        raise InputError(f"{count} frames: expected two or more")
    atoms, _ = simulate.melt(natoms)
    rng = np.random.default_rng(1)
    made = [atoms]
    for k in range(1, count):
        after = made[-1].copy()
        cell = after.cell.array.copy()
        cell[2, 1] += 0.01 * cell[2, 2]
        after.set_cell(cell, scale_atoms=True)
        after.positions += rng.normal(0, 0.05, after.positions.shape)
        after.wrap()
        after.info = {"time_ps": float(k)}
        made.append(after)
    return made


def timed(work: Callable[[], object], per: int) -> float:
    """Return the seconds of CPU time a piece of work takes, per frame."""
    start = time.process_time()
    work()
    return (time.process_time() - start) / per


def ours(run: Sequence[Atoms]) -> dict[str, float]:
    """Return our seconds per frame."""

    def nonaffine_all() -> None:
        for before, after in itertools.pairwise(run):
            nonaffine.d2min(before, after, cutoff=CUTOFF)

    # Imports and first calls are not what is compared.
    pairs.pair_distributions(run[:1], r_max=R_MAX, bins=BINS)
    nonaffine.d2min(run[0], run[1], cutoff=CUTOFF)
    return {GR: timed(lambda: pairs.pair_distributions(run, r_max=R_MAX, bins=BINS), len(run)),
            D2: timed(nonaffine_all, len(run) - 1)}  # fmt: skip


def freud_alone(run: Sequence[Atoms]) -> dict[str, float]:
    """Return freud's seconds per frame for the same partial g(r), called plainly."""
    import freud

    def all_frames() -> None:
        kinds = sorted(set(run[0].get_chemical_symbols()))
        for frame in run:
            turned, q = frame.cell.standard_form()
            box = freud.box.Box.from_matrix(turned.array.T)
            points = frame.positions @ np.asarray(q).T
            symbols = np.array(frame.get_chemical_symbols())
            counter = freud.density.RDF(bins=BINS, r_max=R_MAX)
            for i, a in enumerate(kinds):
                for b in kinds[i:]:
                    counter.compute((box, points[symbols == a]), query_points=points[symbols == b])

    return {GR: timed(all_frames, len(run))}


def ovito(run: Sequence[Atoms], python: Path) -> dict[str, float]:
    """Return OVITO's seconds per frame, reading taken off.

    Raises
    ------
    InputError
        If that Python cannot run OVITO; its last words are quoted.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.extxyz.gz"
        trajectory.write(run, file)
        done = subprocess.run(
            [str(python), "-c", _OVITO, str(file), str(CUTOFF), str(R_MAX), str(BINS)],
            capture_output=True, text=True, check=False,
            env={**one_thread(), "OVITO_THREAD_COUNT": "1"},
        )  # fmt: skip
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        raise InputError(f"{python}: OVITO could not run; it said: {last[0]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def ratios(seconds: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Return seconds per frame and ours over each, one row per task and library."""
    rows = [{"task": task, "library": name, "s/frame": value,
             "ours / this": seconds["ours"][task] / value if value > 0 else float("nan")}
            for name, found in seconds.items() for task, value in found.items()]  # fmt: skip
    return pd.DataFrame(rows).sort_values(["task", "library"]).reset_index(drop=True)


def middle(found: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the median over rounds of the seconds of each task."""
    return {task: statistics.median(one[task] for one in found) for task in found[0]}


def measure(run: Sequence[Atoms], ovito_python: Path | None, *, rounds: int = 5) -> pd.DataFrame:
    """Return :func:`ratios` of ours, freud and, where it is, OVITO on the same frames.

    The run is cut into rounds of two frames or more, in each of which all libraries take
    their turn; the median of each stands.  CPU time, too, is longer while a neighbour on
    the same hardware is busy, and one moment should not decide.
    """
    each = max(2, len(run) // rounds)
    pieces = [run[k : k + each] for k in range(0, len(run) - each + 1, each)]
    timers: dict[str, Callable[[Sequence[Atoms]], dict[str, float]]] = {
        "ours": ours, "freud": freud_alone}  # fmt: skip
    if ovito_python is not None:
        timers["OVITO"] = lambda piece: ovito(piece, ovito_python)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in timers}
    for piece in pieces:
        for name, timer in timers.items():
            found[name].append(timer(piece))
    return ratios({name: middle(rows) for name, rows in found.items()})
