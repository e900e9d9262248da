"""Bring finished labels and DFT frames from a work folder into data/potential.

    python -m repro.potential.export labels --work WORK/labels
    python -m repro.potential.export dft --work WORK/dft --checks WORK/dft-checks
    python -m repro.potential.export unpack --to FOLDER
    python -m repro.potential.export restore --work WORK

``labels`` writes one HDF5 file in DeePMD's layout (dpdata's ``deepmd/hdf5``, a group
per family; DeePMD-kit trains on it as ``labels.hdf5#/FAMILY``) and a table of
frames.  ``unpack`` turns it into ``deepmd/npy`` folders, ``restore`` rebuilds a lost
work folder from what was exported.  Each command can be given
again at any time while the computations go on.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from repro import data, paths
from repro.commands import plain_errors
from repro.errors import InputError
from repro.potential import ELEMENTS, dft, frames
from repro.potential.predictions import EV_PER_A3_IN_GPA

LABELS = "labels.hdf5"
INDEX_COLUMNS = ("family", "index", "frame_id", "kind", "origin", "natoms", "temperature_K",
                 "volume_scale", "energy_eV_per_atom", "force_rms_eV_per_A", "pressure_GPa",
                 "label_s", "md_s", "source")  # fmt: skip
LABEL_SOURCE = "SevenNet 7net-l3i5 + Grimme D2 (PBE, s6 0.75)"


def labelled_system(family: Sequence[Atoms]) -> Any:
    """Return frames of one family as a ``dpdata.LabeledSystem`` with virials.

    Parameters
    ----------
    family:
        Labelled frames with the same atoms in the same order.

    Raises
    ------
    InputError
        If there is no frame, or their atoms differ.
    """
    import dpdata

    if not family:
        raise InputError("no frames: expected one or more to make a system")
    symbols = family[0].get_chemical_symbols()
    for frame in family:
        if frame.get_chemical_symbols() != symbols:
            raise InputError(f"{frame.info.get('frame_id')}: its atoms or their order differ "
                             f"from those of {family[0].info.get('frame_id')}")  # fmt: skip
    kinds = np.array([ELEMENTS.index(s) for s in symbols])
    volumes = np.array([f.get_volume() for f in family])
    stress = np.array([f.get_stress(voigt=False) for f in family])
    content = {
        "atom_names": list(ELEMENTS),
        "atom_numbs": [int((kinds == k).sum()) for k in range(len(ELEMENTS))],
        "atom_types": kinds,
        "orig": np.zeros(3),
        "cells": np.array([f.cell.array for f in family]),
        "coords": np.array([f.positions for f in family]),
        "energies": np.array([f.get_potential_energy() for f in family]),
        "forces": np.array([f.get_forces() for f in family]),
        # DeePMD's virial is minus stress times volume, in eV.
        "virials": -stress * volumes[:, None, None],
    }
    return dpdata.LabeledSystem(data=content)


def write_labels(families: dict[str, list[Atoms]], target: Path) -> None:
    """Write families to one HDF5 file, a group each; the old file stays until it is whole."""
    h5py: Any = importlib.import_module("h5py")  # it has no types
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name("part-" + target.name)
    partial.unlink(missing_ok=True)
    with h5py.File(partial, "w") as file:
        for name, family in families.items():
            group = file.create_group(name)
            labelled_system(family).to("deepmd/hdf5", group, comp_prec=np.float32)
    partial.replace(target)


def index_rows(families: dict[str, list[Atoms]]) -> list[list[str]]:
    """Return the table of frames: one row each, in the order of the HDF5 groups."""
    rows = []
    for name, family in families.items():
        for number, frame in enumerate(family):
            info, forces = frame.info, frame.get_forces()
            pressure = -np.trace(frame.get_stress(voigt=False)) / 3 * EV_PER_A3_IN_GPA
            rows.append([
                name, str(number), str(info["frame_id"]), str(info["kind"]), str(info["origin"]),
                str(len(frame)), f"{float(info['temperature_K']):.0f}",
                f"{float(info['volume_scale']):.4f}",
                f"{frame.get_potential_energy() / len(frame):.5f}",
                f"{np.sqrt((forces**2).mean()):.4f}", f"{pressure:.3f}",
                str(info.get("label_s", 0.0)), str(info.get("md_s", 0.0)), LABEL_SOURCE,
            ])  # fmt: skip
    return rows


def export_labels(work: Path, target: Path) -> int:
    """Write labels, index and manifest; return the number of frames."""
    families = {f.stem: frames.read_shard(f) for f in sorted((work / "shards").glob("*.extxyz"))}
    families = {name: family for name, family in families.items() if family}
    if not families:
        raise InputError(f"{work / 'shards'}: no labelled frames there")
    write_labels(families, target / LABELS)
    with open(target / "frames.csv", "w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(INDEX_COLUMNS)
        table.writerows(index_rows(families))
    every = [frame for family in families.values() for frame in family]
    seconds = {k: sum(float(f.info.get(k, 0.0)) for f in every) for k in ("label_s", "md_s")}
    data.write_manifest(
        target, title="Teacher labels for the training set (first part)", license="CC-BY-4.0",
        sources=[LABEL_SOURCE, "Park et al., J. Chem. Theory Comput. 20, 4857 (2024) (SevenNet)",
                 "Grimme, J. Comput. Chem. 27, 1787 (2006) (D2)"],
        command="python -m repro.potential.label --structures "
                "data/potential/structures/structures.extxyz --work WORK --rounds 200 --copies 3; "
                "for each round: python -m repro.potential.active explore --models M1 M2 "
                "--work WORK --round N; python -m repro.potential.active label --work WORK "
                "--round N; python -m repro.potential.export labels --work WORK",
        parameters={"frames": len(every), "per_family": {k: len(v) for k, v in families.items()},
                    "per_origin": dict(Counter(str(f.info["origin"]) for f in every)),
                    "steps_per_visit": "8 (the first round 10)",
                    "copies_per_visit": "1, then 2, then 3 as the run went on", "timestep_fs": 4.0,
                    "sampling_model": "7net-0",
                    "label_model": "7net-l3i5", "s6": 0.75,
                    "wall_time": "labels plus sampling, on a shared core", **seconds},
        seed=1, wall_time_s=sum(seconds.values()),
        files={LABELS: "dpdata deepmd/hdf5, one group per family: energy (eV), force (eV/A), "
                       "virial (eV), box and coord (A); float32",
               "frames.csv": "one row per frame: where it came from and its size"},
    )  # fmt: skip
    return len(every)


def export_dft(work: Path, checks: Path | None, target: Path, *, queue: Path | None = None) -> int:
    """Write the DFT frames, the convergence tables and a manifest; return the count."""
    found = [frames.read_shard(f)[0] for f in sorted(work.glob("*/result.extxyz"))]
    if not found:
        raise InputError(f"{work}: no finished calculation there")
    target.mkdir(parents=True, exist_ok=True)
    frames.write_atomic(target / "frames.extxyz", found)
    files = {"frames.extxyz": "labelled frames; info: held_out, kpoints, cutoff_Ry, wall_time_s"}
    settings: dict[str, Any] = {}
    for key in ("cutoff_Ry", "rel_cutoff_Ry", "k_length_A"):  # frames of old know the first only
        values = sorted({float(f.info[key]) for f in found if key in f.info})
        settings |= {key: values[0] if len(values) == 1 else values} if values else {}
    for name in ("cutoff.csv", "kpoints.csv"):
        if checks is not None and (checks / name).exists():
            shutil.copyfile(checks / name, target / name)
        # Also one shipped before: without its entry in the manifest nobody could read it.
        if (target / name).exists():
            files[name] = f"convergence with the {name.removesuffix('.csv')} on one frame"
    if checks is not None:
        tried = [frames.read_shard(f)[0] for f in sorted(checks.glob("*/result.extxyz"))]
        if tried:
            frames.write_atomic(target / "checks.extxyz", tried)
    if (target / "checks.extxyz").exists():
        files["checks.extxyz"] = "the frame of the checks with the labels of each setting"
    if queue is not None:
        frames.write_atomic(target / "queue.extxyz", frames.read_shard(queue))
    if (target / "queue.extxyz").exists():
        files["queue.extxyz"] = "frames to label, in order; for repro.potential.dft run"
    kept = sum(dft.held_out(str(f.info["frame_id"])) for f in found)
    data.write_manifest(
        target, title="PBE-D2 reference frames (CP2K)", license="CC-BY-4.0",
        sources=["CP2K 2023.1, PBE, GTH-PBE pseudopotentials (Li q3, F q7, Cl q7, Ga q13), "
                 "DZVP-MOLOPT-SR-GTH, D2 of Grimme, J. Comput. Chem. 27, 1787 (2006)"],
        command="python tools/potential_dft_frames.py ...; python -m repro.potential.dft run "
                "--frames QUEUE --work WORK; python -m repro.potential.export dft --work WORK",
        parameters={"frames": len(found), "held_out": kept, "held_out_rule": dft.HELD_OUT_RULE,
                    **settings},
        seed=2, wall_time_s=sum(float(f.info["wall_time_s"]) for f in found), files=files,
    )  # fmt: skip
    return len(found)


def list_readme(folder: Path) -> None:
    """Write the manifest of data/potential, which holds nothing but its README."""
    if (folder / "README.md").exists():
        data.write_manifest(
            folder, title="How the potential's data were made, and how to go on",
            license="CC-BY-4.0", sources=["this project"], command="written by hand",
            parameters={}, seed=None, wall_time_s=0.0,
            files={"README.md": "what is in each folder; commands to continue"},
        )  # fmt: skip


def unpack(source: Path, target: Path) -> list[Path]:
    """Turn the HDF5 label file into ``deepmd/npy`` folders; return them."""
    import dpdata

    h5py: Any = importlib.import_module("h5py")

    with h5py.File(source, "r") as file:
        names = sorted(file)
    folders = []
    for name in names:
        folder = target / name
        dpdata.LabeledSystem(f"{source}#/{name}", fmt="deepmd/hdf5").to("deepmd/npy", str(folder))
        folders.append(folder)
    return folders


def load_labels(*, families: Sequence[str] = (), every: int = 1) -> list[Atoms]:
    """Return the shipped label frames with what the table says of them in ``info``.

    Parameters
    ----------
    families:
        Only these; all if empty.
    every:
        Each n-th frame of a family only, for trials.

    Raises
    ------
    InputError
        For a family that is not in the labels.
    """
    import dpdata

    file = data.path(f"potential/labels/{LABELS}")
    with open(data.path("potential/labels/frames.csv"), newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    there = dict.fromkeys(row["family"] for row in rows)
    for name in families:
        if name not in there:
            raise InputError(f"family {name!r}: not in the labels, which hold {', '.join(there)}")
    found: list[Atoms] = []
    for name in families or there:
        content = dpdata.LabeledSystem(f"{file}#/{name}", fmt="deepmd/hdf5").data
        symbols = [content["atom_names"][k] for k in content["atom_types"]]
        own = [row for row in rows if row["family"] == name]
        for row in own[::every]:
            i = int(row["index"])
            atoms = Atoms(symbols, positions=content["coords"][i], cell=content["cells"][i],
                          pbc=True)  # fmt: skip
            info: dict[str, Any] = {k: row[k] for k in ("frame_id", "family", "kind", "origin")}
            info |= {k: float(row[k]) for k in ("temperature_K", "volume_scale", "label_s", "md_s")}
            found.append(frames.labelled(
                atoms, energy=float(content["energies"][i]), forces=content["forces"][i],
                stress=-content["virials"][i] / atoms.get_volume(), info=info))  # fmt: skip
    return found


def restore(base: Path, work: Path) -> tuple[int, int]:
    """Rebuild shards and DFT results of a lost work folder from data/potential.

    Frames that the work folder holds already are left alone.

    Returns
    -------
    tuple
        Number of label frames and of DFT frames brought back.
    """
    labels = finished = 0
    if (base / "labels" / LABELS).exists():
        there: dict[Path, set[str]] = {}
        for frame in load_labels():
            shard = work / "labels" / "shards" / f"{frame.info['family']}.extxyz"
            known = there.setdefault(shard, set(frames.shard_ids(shard)))
            if frame.info["frame_id"] not in known:
                frames.append_frame(shard, frame)
                labels += 1
    if (base / "dft" / "frames.extxyz").exists():
        for frame in frames.read_shard(data.path("potential/dft/frames.extxyz")):
            target = dft.result_file(work / "dft", str(frame.info["frame_id"]))
            if not target.exists():
                frames.write_atomic(target, frame)
                finished += 1
    return labels, finished


def build_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.potential.export", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("labels", help="labels into data/potential/labels")
    one.add_argument("--work", type=Path, required=True, help="WORK of repro.potential.label")
    two = commands.add_parser("dft", help="DFT frames into data/potential/dft")
    two.add_argument("--work", type=Path, required=True, help="WORK of repro.potential.dft run")
    two.add_argument("--checks", type=Path, help="WORK of the cutoff and kpoints checks")
    two.add_argument("--queue", type=Path, help="ship this queue along")
    four = commands.add_parser("unpack", help="HDF5 labels to deepmd/npy folders")
    four.add_argument("--to", type=Path, required=True, help="where the folders go")
    five = commands.add_parser("restore", help="rebuild a lost work folder from data/potential")
    five.add_argument("--work", type=Path, required=True, help="new work folder")
    return parser


@plain_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = build_parser().parse_args(arguments)
    base = paths.data_dir() / "potential"
    if args.command == "labels":
        print(f"{export_labels(args.work, base / 'labels')} frames exported")
    elif args.command == "dft":
        print(
            f"{export_dft(args.work, args.checks, base / 'dft', queue=args.queue)} frames exported"
        )
    elif args.command == "restore":
        labels, finished = restore(base, args.work)
        print(f"{labels} label frames and {finished} DFT frames restored to {args.work}")
    else:
        made = unpack(data.path(f"potential/labels/{LABELS}"), args.to)
        print(f"{len(made)} deepmd/npy folders in {args.to}")
    if args.command in ("labels", "dft"):
        list_readme(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
