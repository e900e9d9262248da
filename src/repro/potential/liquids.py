"""Structure of melts and glasses: short runs, g(r) and its first peak.

Student and teacher are compared on short runs of their own from one start.  The command
line is in :mod:`repro.potential.liquids_cli`.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.langevin import Langevin
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray

from repro.errors import InputError
from repro.potential import ELEMENTS, frames
from repro.potential.predictions import name_of

Floats = NDArray[np.float64]
KB = float(units.kB)
FRICTION = 0.02  # 1/fs; short runs must reach their temperature soon


@dataclass(frozen=True)
class Partial:
    """Partial pair distribution of two elements.

    Attributes
    ----------
    pair:
        The elements, e.g. ``("Ga", "Cl")``.
    r:
        Middle of the bins, (B,), angstrom.
    g:
        Mean over the frames, (B,).
    error:
        Standard error from blocks of the run, (B,); NaN with one block.
    blocks:
        g of each block, (K, B).
    """

    pair: tuple[str, str]
    r: Floats
    g: Floats
    error: Floats
    blocks: Floats


@dataclass(frozen=True)
class Peak:
    """First peak of a g(r): place (angstrom) and height, with standard errors from blocks."""

    position: float
    position_error: float
    height: float
    height_error: float


def pairs_of(symbols: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of elements, in the order of :data:`repro.potential.ELEMENTS`."""
    there = [e for e in ELEMENTS if e in symbols] + sorted(set(symbols) - set(ELEMENTS))
    return list(itertools.combinations_with_replacement(there, 2))


def histogram(frame: Atoms, *, r_max: float, bins: int) -> dict[tuple[str, str], Floats]:
    """Return g(r) of one frame for each pair, all periodic images counted.

    Normalised by the ideal gas of the same density in each shell; the atom itself is
    left out of the density of its own kind (N - 1 of N).
    """
    if not bool(np.all(frame.pbc)):
        raise InputError(f"{name_of(frame)}: expected a frame periodic in three directions")
    if r_max <= 0 or bins < 1:
        raise InputError(f"r_max {r_max}, bins {bins}: expected a positive range and count")
    symbols = np.array(frame.get_chemical_symbols())
    first, second, r = neighbor_list("ijd", frame, r_max)
    edges = np.linspace(0.0, r_max, bins + 1)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    found = {}
    for a, b in pairs_of(symbols.tolist()):
        chosen = (symbols[first] == a) & (symbols[second] == b)
        counts = np.histogram(r[chosen], bins=edges)[0].astype(float)
        n_a, n_b = int((symbols == a).sum()), int((symbols == b).sum())
        partners = n_b - 1 if a == b else n_b
        ideal = n_a * partners / frame.get_volume() * shells
        found[a, b] = counts / ideal if partners else np.zeros(bins)
    return found


def partial_rdf(
    run: Sequence[Atoms], *, r_max: float = 6.0, bins: int = 120, blocks: int = 5
) -> dict[tuple[str, str], Partial]:
    """Return the partial g(r) of a run, with block errors.

    Parameters
    ----------
    run:
        Frames in order of time, of the same elements.
    r_max:
        Angstrom.  Beyond half the cell, images repeat: correct for the periodic
        system, but no longer that of a bulk liquid.
    bins:
        Of equal width.
    blocks:
        Consecutive parts of the run; their scatter gives the standard error.

    Raises
    ------
    InputError
        With fewer frames than blocks, or frames of other elements.
    """
    if blocks < 1 or len(run) < blocks:
        raise InputError(f"{len(run)} frames in {blocks} blocks: expected a frame or more in each")
    if len({tuple(sorted(set(f.get_chemical_symbols()))) for f in run}) > 1:
        raise InputError("the frames of a run must hold the same elements")
    each = [histogram(frame, r_max=r_max, bins=bins) for frame in run]
    edges = np.linspace(0.0, r_max, bins + 1)
    found = {}
    for pair in each[0]:
        curves = np.array([one[pair] for one in each])
        parts = np.array([part.mean(axis=0) for part in np.array_split(curves, blocks)])
        error = (parts.std(axis=0, ddof=1) / np.sqrt(blocks) if blocks > 1
                 else np.full(bins, np.nan))  # fmt: skip
        found[pair] = Partial(pair, 0.5 * (edges[1:] + edges[:-1]), curves.mean(axis=0), error,
                              parts)  # fmt: skip
    return found


def _peak(r: Floats, g: Floats, width: int, window: slice) -> tuple[float, float]:
    """Return place and height of the top of g, by a parabola over 2 width + 1 bins."""
    top = window.start + int(np.argmax(g[window]))
    low, high = max(top - width, 0), min(top + width + 1, len(g))
    c = np.polynomial.Polynomial.fit(r[low:high], g[low:high], 2).convert().coef
    if len(c) < 3 or c[2] >= 0:
        return float(r[top]), float(g[top])
    x = float(np.clip(-c[1] / (2 * c[2]), r[low], r[high - 1]))
    return x, float(c[0] + c[1] * x + c[2] * x * x)


def first_peak(partial: Partial, *, width: int = 3) -> Peak:
    """Return the first peak of a partial g(r).

    It is the highest point before g, past its first rise above 1, falls below 1 again
    (so a later, higher shell is not taken for it); a parabola through it and ``width``
    bins on each side gives place and height.

    Raises
    ------
    InputError
        If g nowhere exceeds 1.
    """
    r, g = partial.r, partial.g
    above = np.flatnonzero(g > 1.0)
    if not len(above):
        raise InputError(f"{'-'.join(partial.pair)}: g(r) nowhere exceeds 1, no peak to find")
    # Over width bins, so that one noisy bin neither opens nor ends the peak.
    smooth = np.convolve(g, np.ones(2 * width + 1) / (2 * width + 1), mode="same")
    start = int(np.flatnonzero(smooth > 1.0)[0]) if (smooth > 1.0).any() else int(above[0])
    after = np.flatnonzero(smooth[start:] < 1.0)
    window = slice(max(start - width, 0), start + int(after[0]) if len(after) else len(g))
    position, height = _peak(r, g, width, window)
    parts = np.array([_peak(r, block, width, window) for block in partial.blocks])
    count = len(parts)
    spread = parts.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else np.full(2, np.nan)
    return Peak(position, float(spread[0]), height, float(spread[1]))


def run_md(
    start: Atoms, calculator: Callable[[], Any], *, shard: Path, model: str, count: int,
    temperature: float = 900.0, timestep: float = 2.0, every: int = 10, seed: int = 1,
    stop: Callable[[], bool] = lambda: False,
) -> int:  # fmt: skip
    """Run NVT (Langevin) and append a frame every so many steps; go on where it was.

    Parameters
    ----------
    start:
        First frame; its velocities are drawn anew.
    calculator:
        Makes the calculator; called only if there is something to do.
    shard:
        The run: frames with positions, velocities, energy, forces and stress.
    model:
        Name of the calculator, kept in every frame.
    count:
        Frames wanted in all.
    temperature, timestep, every:
        K, fs, steps between frames.
    seed:
        Random numbers depend on it and the number of the frame only, so a run that
        was stopped meets the same noise as one that was not (the text file keeps 8
        decimals, so trajectories part after some time all the same).
    stop:
        Asked before each frame.

    Returns
    -------
    int
        Frames added.

    Raises
    ------
    InputError
        For values out of range, or a shard of another model, temperature or step.
    """
    if count < 1 or every < 1 or timestep <= 0 or temperature <= 0:
        raise InputError(f"count {count}, every {every}, timestep {timestep} fs, temperature "
                         f"{temperature} K: all must be positive")  # fmt: skip
    settings = {"model": model, "temperature_K": float(temperature),
                "timestep_fs": float(timestep), "every": int(every), "seed": int(seed)}  # fmt: skip
    done = frames.read_shard(shard)
    for frame in done[:1]:
        for key, value in settings.items():
            if frame.info.get(key) != value:
                raise InputError(f"{shard}: made with {key} {frame.info.get(key)}, now "
                                 f"{value}; remove it or give another --name")  # fmt: skip
    if len(done) >= count:
        return 0
    atoms = (done[-1] if done else start).copy()
    atoms.info = {}
    if not done:
        chance = np.random.default_rng([seed, zlib.crc32(b"velocities")])
        masses = atoms.get_masses()[:, None]
        momenta = chance.normal(size=(len(atoms), 3)) * np.sqrt(masses * KB * temperature)
        atoms.set_momenta(momenta - masses * momenta.sum(axis=0) / masses.sum())
    atoms.calc = calculator()
    family = str(start.info.get("family", "none"))
    added = 0
    for number in range(len(done), count):
        if stop():
            break
        dynamics = Langevin(atoms, timestep * units.fs, temperature_K=temperature,
                            friction=FRICTION / units.fs, fixcm=False,
                            rng=np.random.default_rng([seed, number]))  # fmt: skip
        dynamics.run(every)
        info = {"frame_id": f"{model}/{family}/{number:05d}", "family": family,
                "time_fs": (number + 1) * every * timestep} | settings  # fmt: skip
        frame = frames.labelled(atoms, energy=float(atoms.get_potential_energy()),
                                forces=atoms.get_forces(), stress=atoms.get_stress(), info=info)  # fmt: skip
        frame.set_momenta(atoms.get_momenta())
        frames.append_frame(shard, frame)
        added += 1
    return added
