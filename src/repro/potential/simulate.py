"""How the potential behaves in motion: speed, energy drift, stability, deviation.

    python -m repro.potential.simulate speed --model paper=P.pb reference=R.pb --out FOLDER
    python -m repro.potential.simulate drift --model R.pb --out FOLDER
    python -m repro.potential.simulate stability --model R.pb --out FOLDER
    python -m repro.potential.simulate deviation --model R.pb R2.pb R3.pb R4.pb --out FOLDER

Functions here take a model and atoms, run LAMMPS and return numbers with their
uncertainty; the command line is in :mod:`repro.potential.simulate_cli`.
"""

from __future__ import annotations

import csv
import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from repro import data
from repro.errors import InputError
from repro.md import datafile, guard, lammps, logs, scripts, stages
from repro.md.logs import Thermo
from repro.md.statistics import Estimate, fit_drift, mean
from repro.potential import ELEMENTS

Array = NDArray[np.float64]
LABELS, FRAMES = "potential/labels/labels.hdf5", "potential/labels/frames.csv"
Progress = Callable[[int], None] | None
Model = Path | str


def melt(natoms: int, *, family: str = "melt-2-1", frame: str | None = None) -> tuple[Atoms, str]:
    """Return a labelled melt frame repeated to about so many atoms, and its frame id.

    Without ``frame`` it is the frame of an unperturbed run with the least pressure.

    Raises
    ------
    InputError
        If the labels have no such family or frame.
    """
    with open(data.path(FRAMES), newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["family"] == family]
    chosen = [r for r in rows if (r["frame_id"] == frame if frame else r["origin"] == "md")]
    if not chosen:
        raise InputError(f"labels: no frame {frame or 'of an unperturbed run'} in {family!r}")
    row = min(chosen, key=lambda r: abs(float(r["pressure_GPa"])))
    h5py: Any = importlib.import_module("h5py")
    with h5py.File(data.path(LABELS), "r") as file:
        group = file[family]
        symbols = [ELEMENTS[k] for k in np.asarray(group["type.raw"], dtype=int)]
        x = np.concatenate(
            [np.asarray(group[s]["coord.npy"]) for s in sorted(group) if "set." in s]
        )
        box = np.concatenate(
            [np.asarray(group[s]["box.npy"]) for s in sorted(group) if "set." in s]
        )
    index = int(row["index"])
    atoms = Atoms(symbols, positions=x[index].reshape(-1, 3).astype(float),
                  cell=box[index].reshape(3, 3).astype(float), pbc=True)  # fmt: skip
    return repeated(atoms, natoms), row["frame_id"]


def repeated(atoms: Atoms, natoms: int) -> Atoms:
    """Return a cell repeated along its shortest vector until it has so many atoms."""
    if natoms < 1 or not len(atoms):
        raise InputError(f"{natoms} atoms wanted of a cell of {len(atoms)}: expected one or more")
    times = np.ones(3, dtype=int)
    lengths = atoms.cell.lengths()
    while len(atoms) * times.prod() < natoms:
        times[int(np.argmin(lengths * times))] += 1
    result: Atoms = atoms.repeat(tuple(int(t) for t in times))
    return result


@dataclass(frozen=True)
class Drift:
    """Energy of a constant-energy run.

    Attributes
    ----------
    timestep_fs, temperature, picoseconds, natoms:
        The run: fs, mean K, ps, atoms.
    drift, drift_error:
        Slope of the total energy and its standard error, meV/atom/ns.
    fluctuation:
        Root mean square about that line, meV/atom.
    """

    timestep_fs: float
    temperature: float
    picoseconds: float
    natoms: int
    drift: float
    drift_error: float
    fluctuation: float


def drift(
    model: Model, atoms: Atoms, *, temperature: float, timesteps_fs: Sequence[float],
    picoseconds: float, equilibration_ps: float, seed: int, folder: Path, ranks: int = 1,
    label: str = "",
) -> list[Drift]:  # fmt: skip
    """Return the energy drift at several time steps, all from one equilibrated state.

    The state comes from a Nose-Hoover run at 1 fs.  Energies are sampled every 10 fs
    or at each step if that is longer.  Finished runs in ``folder`` are kept.  Lines of
    progress begin with ``label``; without one there are none.
    """

    def progress(stage: stages.Stage, name: str) -> Progress:
        return (
            stages.Reporter(stage.steps, stage.timestep_fs, label=f"{label}{name}, ")
            if label
            else None
        )

    pair = guard.pair_commands(model)
    first = folder / "start.data"
    if not first.exists():
        datafile.write_structure(atoms, first)
    steps = max(round(1000 * equilibration_ps), 1)
    warm = stages.Stage(
        pair=pair, begin=scripts.relax() + scripts.velocities(2 * temperature, seed),
        ensemble=scripts.nvt(temperature), steps=steps, checkpoint=max(steps // 2, 1),
        timestep_fs=1.0, thermo_every=max(steps // 20, 1),
    )  # fmt: skip
    stages.run_stage(warm, first, folder=folder / "warm", ranks=ranks,
                     progress=progress(warm, "warming up"))  # fmt: skip
    # The thermostat ends here, and so does its step count.
    state = stages.final_state(warm, folder=folder / "warm", ranks=ranks)
    results = []
    for dt in timesteps_fs:
        count = round(1000 * picoseconds / dt)
        stage = stages.Stage(
            pair=pair, begin="", ensemble=scripts.nve(), steps=count,
            checkpoint=count, timestep_fs=dt, thermo_every=max(round(10 / dt), 1),
        )  # fmt: skip
        table = stages.run_stage(stage, state, folder=folder / f"nve-{dt:g}fs", ranks=ranks,
                                 progress=progress(stage, f"{dt:g} fs"))  # fmt: skip
        slope, error, scatter = fit_drift(table["Time"], table["TotEng"], len(atoms))
        results.append(Drift(dt, float(table["Temp"].mean()), float(table["Time"][-1]),
                             len(atoms), slope, error, scatter))  # fmt: skip
    return results


@dataclass(frozen=True)
class Stability:
    """What became of a long run.

    Attributes
    ----------
    target, temperature, highest:
        K: asked for, mean after the first tenth, highest after the first 0.5 ps.
    picoseconds, natoms:
        Length, and atoms at the start.
    density:
        g/cm^3, mean after the first half.
    energy_change:
        Potential energy of the last fifth less that of the second fifth, meV/atom.
    runaway:
        Whether the temperature ever exceeded 1.5 times the target after 0.5 ps.
    """

    target: float
    temperature: Estimate
    highest: float
    picoseconds: float
    natoms: int
    density: Estimate
    energy_change: float
    runaway: bool


def judge(table: Thermo, *, target: float, natoms: int) -> Stability:
    """Return the verdict on a run's thermo table.

    Raises
    ------
    InputError
        If it has fewer than 20 rows.
    """
    n = len(table)
    if n < 20:
        raise InputError(f"{n} thermo rows: expected 20 or more to judge a run")
    time, temperature = table["Time"] - table["Time"][0], table["Temp"]
    settled = time > min(0.5, 0.1 * time[-1])
    energy = 1000.0 * table["PotEng"] / natoms
    change = float(energy[-n // 5 :].mean() - energy[n // 5 : 2 * n // 5].mean())
    highest = float(temperature[settled].max())
    return Stability(
        target=target, temperature=mean(temperature[n // 10 :]), highest=highest,
        picoseconds=float(time[-1]), natoms=natoms, density=mean(table["Density"][n // 2 :]),
        energy_change=change, runaway=bool(highest > 1.5 * target),
    )  # fmt: skip


def stability(
    model: Model, atoms: Atoms, *, temperature: float, picoseconds: float, timestep_fs: float,
    seed: int, folder: Path, ranks: int = 2, coupling: str = "aniso", checkpoint_ps: float = 2.0,
    progress: Progress = None,
) -> tuple[Stability, Thermo]:  # fmt: skip
    """Run NPT at zero pressure with checkpoints; return the verdict and the thermo table.

    Start it again after a kill: it goes on from the last checkpoint.
    """
    start = folder / "start.data"
    if not start.exists():
        datafile.write_structure(atoms, start)
    steps = max(round(1000 * picoseconds / timestep_fs), 1)
    every = max(round(100 / timestep_fs), 1) if picoseconds >= 5 else max(steps // 50, 1)
    stage = stages.Stage(
        pair=guard.pair_commands(model),
        begin=scripts.relax() + scripts.velocities(temperature, seed),
        ensemble=scripts.npt(temperature, coupling=coupling), steps=steps,
        checkpoint=max(round(1000 * checkpoint_ps / timestep_fs), 1), timestep_fs=timestep_fs,
        thermo_every=every, dump_every=max(round(1000 / timestep_fs), 1),
    )  # fmt: skip
    table = stages.run_stage(stage, start, folder=folder, ranks=ranks, progress=progress)
    return judge(table, target=temperature, natoms=len(atoms)), table


@dataclass(frozen=True)
class DeviationRun:
    """Disagreement of several models along a heating run; arrays of one length.

    Attributes
    ----------
    time, temperature, density:
        ps, K (of the moment), g/cm^3.
    deviation:
        Largest, smallest and mean deviation, see :class:`repro.md.logs.Deviation`.
    """

    time: Array
    temperature: Array
    density: Array
    deviation: logs.Deviation


def deviation(
    models: Sequence[Model], atoms: Atoms, *, low: float, high: float, picoseconds: float,
    timestep_fs: float, seed: int, folder: Path, ranks: int = 1, every_fs: float = 50.0,
    progress: Progress = None,
) -> DeviationRun:  # fmt: skip
    """Heat at zero pressure with the first model and watch where all disagree.

    Raises
    ------
    InputError
        For fewer than two models.
    """
    every = max(round(every_fs / timestep_fs), 1)
    # Whole intervals, so that the last row has a deviation too.
    steps = max(round(1000 * picoseconds / timestep_fs) // every, 1) * every
    start = folder / "start.data"
    pair = guard.pair_commands(models, deviation=("deviation-{segment}.out", every))
    if not start.exists():
        datafile.write_structure(atoms, start)
    stage = stages.Stage(
        pair=pair, begin=scripts.relax() + scripts.velocities(low, seed),
        ensemble=scripts.npt(low, high, coupling="iso"), steps=steps,
        checkpoint=max(steps // 5 // every, 1) * every, timestep_fs=timestep_fs,
        thermo_every=every,
    )  # fmt: skip
    table = stages.run_stage(stage, start, folder=folder, ranks=ranks, progress=progress)
    parts = [logs.read_deviation(f) for f in sorted(folder.glob("deviation-*.out"))]
    names = ("step", "max_force", "min_force", "mean_force", "max_virial", "min_virial",
             "mean_virial")  # fmt: skip
    whole = {name: np.concatenate([getattr(p, name) for p in parts]) for name in names}
    _, first = np.unique(whole["step"], return_index=True)
    whole = {name: values[first] for name, values in whole.items()}
    _, at, of = np.intersect1d(table["Step"], whole["step"], return_indices=True)
    return DeviationRun(
        time=table["Time"][at], temperature=table["Temp"][at], density=table["Density"][at],
        deviation=logs.Deviation(**{name: values[of] for name, values in whole.items()}),
    )  # fmt: skip


@dataclass(frozen=True)
class ShortRun:
    """A short constant-temperature run, for the live page.

    Attributes
    ----------
    time, temperature, energy:
        ps, K, potential energy in eV/atom; one value per thermo row.
    """

    time: Array
    temperature: Array
    energy: Array


def short_md(
    model: Model, atoms: Atoms, *, temperature: float, picoseconds: float, seed: int = 1,
    folder: Path | str,
) -> ShortRun:  # fmt: skip
    """Run NVT at 1 fs for a picosecond or so with a model just trained.

    Raises
    ------
    LammpsError
        If the model is missing or the run fails.
    InputError
        For a length of less than one step.
    """
    where = Path(folder)
    steps = round(1000 * picoseconds)
    if steps < 1:
        raise InputError(f"{picoseconds} ps at 1 fs: expected one step or more")
    pair = guard.pair_commands(model)
    datafile.write_structure(atoms, where / "start.data")
    text = (
        scripts.header(pair=pair, timestep_fs=1.0, structure="start.data")
        + scripts.thermo(max(steps // 100, 1)) + scripts.relax(steps=50)
        + scripts.velocities(temperature, seed) + scripts.nvt(temperature) + f"run {steps}\n"
    )  # fmt: skip
    table = lammps.run(text, folder=where).last()
    return ShortRun(
        time=table["Time"] - table["Time"][0], temperature=table["Temp"],
        energy=table["PotEng"] / len(atoms),
    )  # fmt: skip


def load_note() -> str:
    """Return how busy the machine is, for the speed table."""
    one, _, _ = os.getloadavg()
    return f"load {one:.1f} on {os.cpu_count()} cores"


def thermal_speed(atoms: Atoms, temperature: float, seed: int) -> Array:
    """Return Gaussian velocities in ASE's units, (N, 3), without net momentum."""
    rng = np.random.default_rng(seed)
    masses = atoms.get_masses()[:, None]
    v = rng.normal(size=(len(atoms), 3)) * np.sqrt(units.kB * temperature / masses)
    result: Array = v - (masses * v).sum(axis=0) / masses.sum()
    return result


if __name__ == "__main__":
    import sys

    from repro.potential.simulate_cli import main

    sys.exit(main())
