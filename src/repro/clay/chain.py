"""The campaign as steps, each from files to files; the workflow only knows their order.

A step leaves ``done.json`` in its folder when it is finished: what it was, where its last
state is, how long it took.  Given again, a finished step returns at once; one that was
killed goes on from its last checkpoint (:mod:`repro.md.stages`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from repro import data, paths
from repro.clay import build, campaign, presets
from repro.clay.presets import ASSEMBLY, SANDWICH, Preset
from repro.clay.protocols import Described, Leg
from repro.errors import InputError
from repro.md import datafile, guard, lammps
from repro.md.stages import Reporter
from repro.potential.structures import slab

DONE = "done.json"
MODEL = "potential/models/reference.pb"


@dataclass(frozen=True)
class Setup:
    """What all steps of a campaign share.

    Attributes
    ----------
    preset:
        Of :mod:`repro.clay.presets`.
    model:
        Frozen model; the shipped one if None.
    work:
        Folder that holds ``seed1/PROTOCOL`` and so on.
    ranks:
        MPI processes of each run; part of what makes a trajectory repeatable.
    """

    preset: Preset
    work: Path
    model: Path | None = None
    ranks: int = 1

    def folder(self, step: str, seed: int) -> Path:
        """Return where a step of a seed lives."""
        return self.work / f"seed{seed}" / step

    def pair(self) -> str:
        """Return the interaction lines, the guard at short range included."""
        return guard.pair_commands(self.model if self.model is not None else data.path(MODEL))


def report(seed: int, name: str, timestep_fs: float) -> Callable[[Leg], Callable[[int], None]]:
    """Return what prints the progress of a leg: step, ns/day and time left."""

    def of(leg: Leg) -> Callable[[int], None]:
        return Reporter(round(1000 * leg.picoseconds / timestep_fs), timestep_fs,
                        label=f"seed {seed}, {name}, {leg.name}: ", stream=sys.stderr)  # fmt: skip

    return of


def _finish(folder: Path, content: dict[str, Any]) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    paths.write_text(folder / DONE, json.dumps(content, indent=1) + "\n")
    return content


def finished(folder: Path) -> dict[str, Any] | None:
    """Return the record of a finished step, or None.

    Raises
    ------
    InputError
        If the record is not whole.
    """
    file = folder / DONE
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{file}: not JSON ({error}); remove it and start again") from None
    if not isinstance(content, dict):
        raise InputError(f"{file}: expected an object; remove it and start again")
    return content


def description(described: Described) -> dict[str, Any]:
    """Return a protocol as its record has it: the class under ``kind``, and its settings."""
    settings = asdict(described)  # type: ignore[call-overload]
    return dict(json.loads(json.dumps({"kind": type(described).__name__, **settings})))


def finished_as(preset: Preset, name: str, folder: Path) -> dict[str, Any] | None:
    """Return the record of a finished step of a campaign, or None.

    Campaigns share the names of their steps, so the folder may be that of another.  A record
    without a preset (those made before it was noted down) is known by its protocol and its
    number of atoms.

    Raises
    ------
    InputError
        If the record is not whole, or that of another campaign.
    """
    done = finished(folder)
    if done is None:
        return None
    expected: dict[str, Any] = {"preset": preset.name}
    if name != ASSEMBLY:
        expected["protocol"] = description(presets.protocol(name, preset.name))
    # Without a number of units, cubes cut from a sandwich that was held differ by some atoms.
    if "preset" not in done and (name == SANDWICH or build.size(preset.size).units):
        expected["natoms"] = presets.atoms(preset.size)[SANDWICH if name == SANDWICH else ASSEMBLY]
    for key, wanted in expected.items():
        found = done.get(key, wanted if key == "preset" else None)
        if found != wanted:
            raise InputError(f"{folder}: holds a step with {key} {found}, expected {wanted} of the "
                             f"campaign {preset.name!r}; give another folder")  # fmt: skip
    return done


def state(folder: Path) -> Path:
    """Return the last state of a finished step.

    Raises
    ------
    InputError
        If the step is not finished.
    """
    done = finished(folder)
    if done is None:
        raise InputError(f"{folder}: not finished; the step before must run first")
    return folder / str(done["state"])


def _before(setup: Setup, name: str, seed: int) -> Path:
    """Return the last state of the step that another begins from."""
    folder = setup.folder(name, seed)
    finished_as(setup.preset, name, folder)
    return state(folder)


def _assemble(setup: Setup, seed: int) -> dict[str, Any]:
    """Cut, turn and assemble the particles of the relaxed sandwich."""
    held = datafile.read_structure(_before(setup, SANDWICH, seed))
    made = build.assembly(held, build.size(setup.preset.size))
    where = setup.folder(ASSEMBLY, seed)
    datafile.write_structure(made, where / "assembly.data")
    return {"step": ASSEMBLY, "preset": setup.preset.name, "seed": seed, "state": "assembly.data",
            "natoms": len(made), "edge_A": float(made.cell.lengths()[0])}  # fmt: skip


def _run(setup: Setup, name: str, seed: int) -> dict[str, Any]:
    """Run a protocol from the state of the step it begins from."""
    chosen = setup.preset
    described = presets.protocol(name, chosen.name)
    where = setup.folder(name, seed)
    before = presets.start(name)
    if before is None:
        size = build.size(chosen.size)
        begin = where / "slab.data"
        if not begin.is_file():
            datafile.write_structure(slab(*size.layers).repeat(size.repeat), begin)
    else:
        begin = _before(setup, before, seed)
    runs = campaign.run(
        described, begin, folder=where, pair=setup.pair(), seed=seed,
        timestep_fs=chosen.timestep_fs, checkpoint_ps=chosen.checkpoint_ps, ranks=setup.ranks,
        progress=report(seed, name, chosen.timestep_fs),
    )  # fmt: skip
    legs = [{"name": one.leg.name, "folder": one.folder.name, "picoseconds": one.leg.picoseconds,
             "steps": one.thermo.steps, "wall_s": round(one.thermo.loop_s, 1),
             "natoms": one.thermo.natoms} for one in runs]  # fmt: skip
    return {
        "step": name, "preset": chosen.name, "seed": seed,
        "state": str(runs[-1].state.relative_to(where)), "protocol": description(described),
        "timestep_fs": chosen.timestep_fs, "ranks": setup.ranks, "natoms": legs[-1]["natoms"],
        "code_version": data.code_version(), "kernels": lammps.kernels(), "legs": legs,
    }  # fmt: skip


def step(setup: Setup, name: str, seed: int) -> dict[str, Any]:
    """Do a step of the campaign, or what is left of it; return its record.

    Parameters
    ----------
    setup:
        Preset, folder, model.
    name:
        ``assembly`` or a protocol of the preset.
    seed:
        Positive.

    Raises
    ------
    InputError
        For an unknown step, a seed below one, a step whose predecessor is not finished, or a
        folder that holds steps of another campaign.
    LammpsError
        If LAMMPS fails.
    """
    if seed < 1:
        raise InputError(f"seed {seed}: expected a positive integer")
    if name != ASSEMBLY:
        presets.protocol(name, setup.preset.name)
    done = finished_as(setup.preset, name, setup.folder(name, seed))
    if done is not None:
        return done
    content = _assemble(setup, seed) if name == ASSEMBLY else _run(setup, name, seed)
    return _finish(setup.folder(name, seed), content)
