"""What the chapters on the clay read: shipped runs, and small runs made live.

A chapter asks for legs by seed, protocol and name; files are checked against their
manifest as they are opened.  The live mode runs protocols of the class size, with the
reader's numbers, through the same steps as the campaign.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms
from numpy.typing import NDArray

from repro import data
from repro.clay import build, campaign, chain, collect, presets, trajectory
from repro.clay.protocols import Cooling, Described, ShearRate, StressCycles
from repro.errors import DataError
from repro.md import datafile, guard
from repro.md.logs import Thermo
from repro.md.statistics import Estimate
from repro.potential.structures import slab

Floats = NDArray[np.float64]
PRESET = "reference"
GPU_US = 2.58
"""Microseconds per atom and step of one V100: a compressed DeePMD model of water, 18,432 atoms,
in double precision (Guo et al., PPoPP '22, 205 (2022), Table 2).  The network is larger than ours,
the card of 2017; for copper on the whole of Summit the same paper has 3.0 on each card."""


def runs(preset: str = PRESET) -> pd.DataFrame:
    """Return the table of shipped legs, one row each."""
    return pd.read_csv(data.path(f"clay/{preset}/{collect.RUNS}"))


def rows(protocol: str, leg: str, *, preset: str = PRESET) -> pd.DataFrame:
    """Return the rows of :func:`runs` that are of one leg, one a seed."""
    table = runs(preset)
    return table[(table.protocol == protocol) & (table.leg == leg)]


def seeds(protocol: str, *, preset: str = PRESET) -> list[int]:
    """Return the seeds that have a protocol.

    Raises
    ------
    DataError
        If none has.
    """
    table = runs(preset)
    found = sorted(int(s) for s in table[table.protocol == protocol].seed.unique())
    if not found:
        raise DataError(f"data/clay/{preset}: no run of {protocol!r}; make it with "
                        f"'python -m repro.clay.campaign_cli go --preset {preset}'")  # fmt: skip
    return found


def thermo(seed: int, protocol: str, leg: str, *, preset: str = PRESET) -> Thermo:
    """Return the thermo table of a shipped leg.

    Raises
    ------
    DataError
        If there is none.
    """
    name = collect.stem(seed, protocol, leg)
    return collect.read_thermo(data.path(f"clay/{preset}/{name}.thermo.csv.gz"))


def frames(seed: int, protocol: str, leg: str, *, preset: str = PRESET) -> Iterator[Atoms]:
    """Yield the frames of a shipped leg.

    Raises
    ------
    DataError
        If there is none.
    """
    name = collect.stem(seed, protocol, leg)
    return trajectory.read(data.path(f"clay/{preset}/{name}.extxyz.gz"))


def legs(protocol: str, *, preset: str = PRESET) -> dict[int, list[Thermo]]:
    """Return the thermo tables of all legs in their order, by seed."""
    names = [leg.name for leg in presets.protocol(protocol, preset).legs(seed=1)]
    return {seed: [thermo(seed, protocol, name, preset=preset) for name in names]
            for seed in seeds(protocol, preset=preset)}  # fmt: skip


def over_seeds(values: Mapping[int, float] | list[float]) -> Estimate:
    """Return mean and standard error over seeds; NaN for the error of one seed."""
    x = np.array(list(values.values()) if isinstance(values, Mapping) else values, dtype=float)
    error = float(x.std(ddof=1) / np.sqrt(len(x))) if len(x) > 1 else float("nan")
    return Estimate(float(x.mean()), error, len(x))


def times(estimate: Estimate, factor: float) -> Estimate:
    """Return an estimate times a number; its error stays positive."""
    return replace(estimate, value=factor * estimate.value, error=abs(factor) * estimate.error)


def less(one: Estimate, other: Estimate) -> Estimate:
    """Return one less the other, their errors independent."""
    return Estimate(one.value - other.value, float(np.hypot(one.error, other.error)))


def above(change: Estimate) -> bool:
    """Return whether a value exceeds zero by its margin; not if it has no error."""
    return bool(change.value > change.margin)


def cost(preset: str = PRESET) -> dict[str, float]:
    """Return picoseconds, core hours and microseconds per atom and step of all shipped legs."""
    table = runs(preset)
    hours = float((table.wall_s * table.ranks).sum()) / 3600
    steps = (1000 * table.picoseconds / table.timestep_fs * table.natoms).sum()
    return {"picoseconds": float(table.picoseconds.sum()), "core_hours": hours,
            "us_per_atom_step": 3.6e9 * hours / float(steps)}  # fmt: skip


def plan(*, atoms: Mapping[str, int]) -> pd.DataFrame:
    """Return what each protocol lasts in the paper's campaign and in ours, in words.

    The last two columns say what one seed of the paper's would take with our potential: on one
    core, at the cost of our shipped runs, and on one GPU, at that of :data:`GPU_US`.

    Parameters
    ----------
    atoms:
        Of the paper's sandwich and assembly, as from :func:`repro.clay.presets.atoms`.
    """
    ours = presets.preset(PRESET)
    done = runs().groupby("protocol").seed.nunique()
    core, gpu = ({name: (ps, hours / 24) for name, ps, hours in presets.plan("paper", us_per_atom_step=us, known=atoms)}
                 for us in (cost()["us_per_atom_step"], GPU_US))  # fmt: skip
    none = (np.nan, np.nan)

    def words(value: float, form: str) -> str:
        return "–" if np.isnan(value) else format(value, form)

    names = [*ours.protocols]
    return pd.DataFrame({
        # A whole number of steps may miss the round number by a step.
        "paper (ps)": [words(core.get(n, none)[0], ",.0f") for n in names],
        "ours (ps)": [words(presets.picoseconds(ours.protocols[n]), ",.0f") for n in names],
        "seeds planned": len(ours.seeds), "seeds shipped": [int(done.get(n, 0)) for n in names],
        "paper's on one core (days)": [words(core.get(n, none)[1], ",.1f") for n in names],
        "paper's on one GPU (days)": [words(gpu.get(n, none)[1], ",.2f") for n in names],
    }, index=pd.Index(names, name="protocol"))  # fmt: skip


# --- live ---


class Live:
    """Class-size runs in a folder that lasts as long as this object.

    Parameters
    ----------
    seed:
        Of the velocities.
    """

    def __init__(self, *, seed: int = 1) -> None:
        self.seed = seed
        self.size = build.size("class")
        self._glass: Path | None = None
        self._keep = tempfile.TemporaryDirectory(prefix="live-")
        self.folder = Path(self._keep.name)

    def run(self, protocol: Described, start: Path, *, name: str) -> list[campaign.Run]:
        """Run a protocol from a data file and return its legs."""
        pair = guard.pair_commands(data.path(chain.MODEL))
        return campaign.run(protocol, start, folder=self.folder / name, pair=pair, seed=self.seed,
                            checkpoint_ps=100.0)  # fmt: skip

    def assembly(self) -> Path:
        """Return the assembly of the class size from a sandwich held for half a picosecond."""
        file = self.folder / "assembly.data"
        if not file.is_file():
            begin = self.folder / "slab.data"
            datafile.write_structure(slab(*self.size.layers).repeat(self.size.repeat), begin)
            held = self.run(presets.protocol("sandwich", "class"), begin, name="sandwich")
            made = build.assembly(datafile.read_structure(held[-1].state), self.size)
            datafile.write_structure(made, file)
        return file

    def anneal(self, *, temperature: float = 900.0, picoseconds: float = 2.0) -> list[campaign.Run]:
        """Melt the assembly and let it rest at 300 K; return both legs."""
        usual: Any = presets.protocol("anneal", "class")
        asked = replace(usual, melt_temperature=temperature, melt_ps=picoseconds)
        return self.run(asked, self.assembly(), name="anneal")

    def glass(self) -> Path:
        """Return the state of a glass: assembled, melted and rested as the class size has it."""
        if self._glass is None:
            self._glass = self.anneal(picoseconds=1.0)[-1].state
        return self._glass

    def shear(self, *, rate_per_s: float, strain: float, intervals: int = 20) -> campaign.Run:
        """Shear the glass at a rate up to a strain, in so many frames; return the leg."""
        asked = ShearRate(rate_per_s=rate_per_s, strain=strain, interval=strain / intervals)
        return self.run(asked, self.glass(), name="shear")[-1]

    def cycles(
        self, *, stress_mpa: float, picoseconds: float, cycles: int = 1
    ) -> list[campaign.Run]:
        """Load the glass and let it go, each so long; return the legs, on and off in turn."""
        asked = StressCycles(amplitude_mpa=stress_mpa, on_ps=picoseconds, off_ps=picoseconds,
                             cycles=cycles)  # fmt: skip
        return self.run(asked, self.glass(), name=f"cycles-{stress_mpa:g}")

    def cool(self, *, rate: float, start: float = 800.0, stop: float = 100.0) -> campaign.Run:
        """Cool the glass (K per ps) after half a picosecond at the start; return the ramp."""
        asked = Cooling(start=start, stop=stop, rate=rate, settle_ps=0.5)
        return self.run(asked, self.glass(), name=f"cooling-{rate:g}")[-1]

    def frames(self, one: campaign.Run) -> Iterator[Atoms]:
        """Yield the frames of a leg."""
        return trajectory.dumped(one.folder, timestep_fs=2.0)
