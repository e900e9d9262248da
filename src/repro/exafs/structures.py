r"""Snapshots that FEFF is run on: the two crystals at 300 K, and the clays at their moments.

Each set is a list of frames at least 1 ps apart:

- ``GaF3``, ``GaCl3``: crystals (alpha-GaF3; molecules of Ga2Cl6) in a supercell of at least
  12 angstrom each way, 300 K and zero stress, all six cell parameters free.  The cell is the
  one of our potential, not the measured one: the clay rests at zero stress of the same
  potential, so both sides of a comparison have the same errors.  Its density is in
  :func:`repro.exafs.neighbours.crystal_check`.
- ``2-1-before``: the assembly whose gaps were closed at 0 K, that is the first frame of its
  melt, warmed to 300 K at constant volume.  The frame itself has no thermal disorder and the
  melt has that of 900 K; neither can be set against crystals at 300 K.  Three ps at 300 K change
  few bonds (:func:`repro.clay.mixing.exchange` of the frames says how few), but what the closing
  of the gaps made at the interfaces is in it.
- ``2-1-melt-early``, ``2-1-melt-late``: the melt at 900 K, 1 to 3 ps and its last 2 ps.
- ``2-1-rest-early``, ``2-1-after``: at rest at 300 K and zero stress, 3 to 9 ps after the quench
  and the last 12 ps.
- ``3-1-before``, ``3-1-after``: the same of the second composition, where its runs are shipped.

Frames of all seeds are in a set one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import iread
from numpy.typing import NDArray

from repro import data
from repro.clay import campaign, chain, chapter, collect, trajectory
from repro.clay.protocols import Leg
from repro.errors import DataError, InputError, did_you_mean
from repro.md import datafile, guard, scripts
from repro.potential.structures import SEEDS

Floats = NDArray[np.float64]
LEAST = 12.0  # angstrom, of a supercell over each of its faces
RELAXED = "potential/results/eos_relaxed_reference.extxyz"
FAMILIES = {"GaF3": "GaF3-alpha", "GaCl3": "GaCl3"}
SPACING_PS = 1.0


@dataclass(frozen=True)
class Hold:
    """Warm a structure and hold it: one leg to settle, one to sample.

    Attributes
    ----------
    temperature:
        K.
    settle_ps, run_ps, frame_ps:
        Lengths of the legs, and time between frames of the second.
    free_cell:
        Zero stress and all six cell parameters free; constant volume otherwise.
    """

    temperature: float = 300.0
    settle_ps: float = 5.0
    run_ps: float = 5.0
    frame_ps: float = SPACING_PS
    free_cell: bool = True

    def __post_init__(self) -> None:
        """Check that frames are far enough apart to differ."""
        if not self.frame_ps >= SPACING_PS:
            raise InputError(f"frame_ps={self.frame_ps:g}: expected {SPACING_PS:g} ps or more, so that "
                             "frames differ")  # fmt: skip

    def legs(self, *, seed: int) -> list[Leg]:
        """Return both runs; the second goes on with the velocities of the first."""
        held = (
            scripts.npt(self.temperature, coupling="tri") if self.free_cell
            else scripts.nvt(self.temperature)
        )  # fmt: skip
        return [
            Leg("settle", held, self.settle_ps,
                begin=scripts.relax() + scripts.velocities(self.temperature, seed),
                dump_ps=self.settle_ps),
            Leg("run", held, self.run_ps, dump_ps=self.frame_ps),
        ]  # fmt: skip


@dataclass(frozen=True)
class Snapshots:
    """Where the frames of a set come from.

    Attributes
    ----------
    name, about:
        Key, and what it is in words.
    sites:
        How many gallium sites FEFF is run on.
    preset:
        Campaign whose runs are used; none for a crystal.
    leg:
        Of its anneal.
    window_ps, every_ps:
        Frames from one time to another, counted from the end of the leg where negative; least
        time between two.
    hold:
        What is run here first; for a clay from the first frame of ``leg``.
    """

    name: str
    about: str
    sites: int
    preset: str | None = None
    leg: str = "rest"
    window_ps: tuple[float, float] = (-12.0, 0.0)
    every_ps: float = 2.0
    hold: Hold | None = None

    @property
    def crystal(self) -> bool:
        """Whether this is a crystal."""
        return self.preset is None


_WARM = Hold(settle_ps=3.0, run_ps=3.0, free_cell=False)


def _clay(label: str, preset: str) -> list[Snapshots]:
    words = label.replace("-", ":")
    return [
        Snapshots(f"{label}-before", f"{words} clay before it is melted, warmed to 300 K", 100,
                  preset, "melt", hold=_WARM),
        Snapshots(f"{label}-after", f"{words} clay at rest, 300 K, last 12 ps", 120, preset),
    ]  # fmt: skip


_ALL = (
    Snapshots("GaF3", "alpha-GaF3, 300 K", 100, hold=Hold()),
    Snapshots("GaCl3", "GaCl3 (crystal of Ga2Cl6), 300 K", 100, hold=Hold()),
    *_clay("2-1", "reference"),
    Snapshots("2-1-melt-early", "2:1 clay in the melt, 900 K, 1 to 3 ps", 40, "reference", "melt",
              (1.0, 3.0), 1.0),
    Snapshots("2-1-melt-late", "2:1 clay in the melt, 900 K, last 2 ps", 40, "reference", "melt",
              (-2.0, 0.0), 1.0),
    Snapshots("2-1-rest-early", "2:1 clay at rest, 300 K, 3 to 9 ps", 40, "reference", "rest",
              (3.0, 9.0), 2.0),
    *_clay("3-1", "three-one"),
)  # fmt: skip
SETS: dict[str, Snapshots] = {one.name: one for one in _ALL}
"""All sets by name, in the order in which they are run."""


def get(name: str) -> Snapshots:
    """Return a set by name.

    Raises
    ------
    InputError
        For a name that is not in :data:`SETS`.
    """
    if name not in SETS:
        raise InputError(f"set {name!r}: expected {', '.join(SETS)}{did_you_mean(name, SETS)}")
    return SETS[name]


def shipped(one: Snapshots) -> list[int]:
    """Return the seeds of a clay whose runs are shipped; none is an empty list, a crystal has 1."""
    if one.preset is None:
        return [1]
    try:
        return chapter.seeds("anneal", preset=one.preset)
    except DataError:
        return []


def available() -> list[str]:
    """Return the names of the sets whose runs are shipped."""
    return [name for name, one in SETS.items() if shipped(one)]


def supercell(atoms: Atoms, *, least: float = LEAST) -> Atoms:
    """Return a cell repeated until it is so wide over each of its faces.

    Parameters
    ----------
    atoms:
        Periodic in three directions.
    least:
        Angstrom.

    Raises
    ------
    InputError
        For a cell without volume, or a width that is not positive.
    """
    if not least > 0 or abs(atoms.cell.volume) < 1e-6:
        raise InputError(f"least={least:g} angstrom, volume {abs(atoms.cell.volume):g} A^3: expected "
                         "both above 0")  # fmt: skip
    heights = 1 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    made: Atoms = atoms.repeat([int(n) for n in np.ceil(least / heights - 1e-9)])
    return made


def relaxed(family: str) -> Atoms:
    """Return a crystal as our potential relaxes it at 0 K, one cell, without any ``info``.

    Parameters
    ----------
    family:
        Of :data:`repro.potential.structures.SEEDS`.

    Raises
    ------
    DataError
        For one that is not among the relaxed crystals.
    """
    for atoms in iread(data.path(RELAXED), index=":"):
        if atoms.info["family"] == family:
            made: Atoms = atoms
            made.info, made.calc = {}, None
            return made
    raise DataError(f"{RELAXED}: no {family!r}; expected a crystal of {', '.join(SEEDS)}")


def crystal(name: str) -> Atoms:
    """Return a crystal of 0 K as our potential relaxes it, as large as a run needs.

    Parameters
    ----------
    name:
        ``GaF3`` or ``GaCl3``.

    Raises
    ------
    InputError
        For another name.
    """
    if name not in FAMILIES:
        raise InputError(f"crystal {name!r}: expected {' or '.join(FAMILIES)}")
    return supercell(relaxed(FAMILIES[name]))


def chosen(frames: Iterator[Atoms], one: Snapshots, *, end_ps: float) -> Iterator[Atoms]:
    """Yield the frames of a set's window, as far apart as it asks.

    Parameters
    ----------
    frames:
        Of a leg, with ``info["time_ps"]``.
    one:
        The set.
    end_ps:
        Time of the leg's last frame.
    """
    low, high = (t + end_ps if t < 0 or (t == 0 and k) else t
                 for k, t in enumerate(one.window_ps))  # fmt: skip
    last = -np.inf
    for frame in frames:
        time = float(frame.info["time_ps"])
        if low - 1e-6 <= time <= high + 1e-6 and time - last >= one.every_ps - 1e-6:
            last = time
            yield frame


def start(one: Snapshots, seed: int) -> Atoms:
    """Return what a set's own run begins from: a crystal, or the first frame of its leg."""
    if one.preset is None:
        return crystal(one.name)
    return next(chapter.frames(seed, "anneal", one.leg, preset=one.preset))


def run(one: Snapshots, work: Path, *, seed: int = 1, model: Path | None = None,
        hold: Hold | None = None) -> list[campaign.Run]:  # fmt: skip
    """Run what a set needs, or what is left of it.

    Parameters
    ----------
    one:
        The set; it must have a ``hold``.
    work:
        Folder of all runs.
    seed:
        Of the velocities, and which assembly of the campaign.
    model:
        Frozen model; the shipped one if None.
    hold:
        Another one than the set's, for a short try.

    Raises
    ------
    InputError
        For a set that needs no run.
    LammpsError
        If LAMMPS fails.
    """
    asked = hold or one.hold
    if asked is None:
        raise InputError(f"set {one.name!r} needs no run: its frames are those of the campaign")
    where = work / "md" / f"{one.name}-seed{seed}"
    begin = where / "start.data"
    if not begin.is_file():
        datafile.write_structure(start(one, seed), begin)
    pair = guard.pair_commands(model or data.path(chain.MODEL))
    return campaign.run(asked, begin, folder=where, pair=pair, seed=seed, checkpoint_ps=1.0)


def _named(frames: Iterator[Atoms], name: str) -> Iterator[Atoms]:
    for frame in frames:
        frame.info = {"frame_id": name, "time_ps": float(frame.info["time_ps"])}
        yield frame


def frames(one: Snapshots, work: Path, *, seeds: list[int] | None = None) -> Iterator[Atoms]:
    """Yield the frames of a set, seed after seed, with ``frame_id`` and ``time_ps``.

    Runs of the set must be finished (:func:`run`).

    Raises
    ------
    InputError
        Where a run is missing.
    """
    for seed in shipped(one) if seeds is None else seeds:
        if one.hold is not None:
            found = trajectory.dumped(
                work / "md" / f"{one.name}-seed{seed}" / "02-run", timestep_fs=2.0
            )
            yield from _named(found, f"seed {seed}, held")
        else:
            preset = str(one.preset)
            table = chapter.runs(preset)
            leg = table[
                (table.seed == seed) & (table.protocol == "anneal") & (table.leg == one.leg)
            ]
            found = chapter.frames(seed, "anneal", one.leg, preset=preset)
            picked = chosen(found, one, end_ps=float(leg.picoseconds.iloc[0]))
            yield from _named(picked, f"seed {seed}, {one.leg}")


def write(one: Snapshots, work: Path, file: Path, *, seeds: list[int] | None = None) -> int:
    """Write the frames of a set (``.extxyz.gz``); return their number.

    Raises
    ------
    InputError
        Where a run is missing, or there are no frames.
    """
    return trajectory.write(frames(one, work, seeds=seeds), file)


def thermo(one: Snapshots, work: Path, *, seed: int = 1) -> dict[str, float]:
    """Return mean temperature (K), density (g/cm^3) and pressure (MPa) of a set's own run."""
    table = collect.leg_thermo(work / "md" / f"{one.name}-seed{seed}" / "02-run")
    return {"temperature_K": float(table["Temp"].mean()), "density": float(table["Density"].mean()),
            "pressure_MPa": float(table["Press"].mean()) / scripts.BAR_PER_MPA}  # fmt: skip
