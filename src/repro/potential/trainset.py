"""What a training learns from: the split of the labels, and DFT frames to fine-tune on.

The split into training and validation is fixed by the frame ids alone, so it does
not change when frames are added, and no seed can be chosen for it.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from repro.errors import InputError, did_you_mean
from repro.potential import ELEMENTS, dft, export, frames
from repro.potential.evaluate import composition

BLOCK = 300  # steps of a walk, 0.9 ps
ONE_IN = 5  # visits for validation
SPLIT_RULE = (f"validation if int(sha256('split:' + visit), 16) % {ONE_IN} == 0, where visit is the frame "
              "id without the p<number> of a perturbed copy, and of a walk's frame the number "
              f"of its block of {BLOCK} steps instead of its step")  # fmt: skip
_COPY = re.compile(r"(/v\d+)p\d*$")
_WALK = re.compile(r"(/a\d+)/s(\d+)$")
TRAIN, VALIDATION = "train.hdf5", "validation.hdf5"


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode("utf-8")).hexdigest(), 16)


def in_validation(frame_id: str) -> bool:
    """Return whether a frame is for validation, one in :data:`ONE_IN` (:data:`SPLIT_RULE`).

    A frame and its perturbed copies are nearly the same arrangement, and so are
    neighbours along a walk; they stay on one side, or the validation error would
    flatter.
    """
    visit = _COPY.sub(r"\1", frame_id)
    visit = _WALK.sub(lambda m: f"{m[1]}/b{int(m[2]) // BLOCK}", visit)
    return _number("split:" + visit) % ONE_IN == 0


def chosen(frame_ids: Iterable[str], count: int | None) -> set[str]:
    """Return up to ``count`` ids, by their hashes: a larger choice holds a smaller one.

    Raises
    ------
    InputError
        If ``count`` is not positive.
    """
    if count is None:
        return set(frame_ids)
    if count < 1:
        raise InputError(f"max_frames {count}, expected 1 or more")
    return set(sorted(frame_ids, key=lambda i: _number("subset:" + i))[:count])


@dataclass(frozen=True)
class TrainingSet:
    """Systems of a training, as written to its folder.

    Attributes
    ----------
    train, validation:
        System names in DeePMD's form, relative to the folder.
    train_frames, validation_frames:
        Number of frames.
    weights:
        Weight of each training system, or None for DeePMD-kit's own (by batches).
    references:
        Energy taken off per atom of each element of the extra frames, eV, if any.
    elements:
        Elements that occur.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    train_frames: int
    validation_frames: int
    weights: tuple[float, ...] | None = None
    references: Mapping[str, float] | None = None
    elements: frozenset[str] = frozenset()


# One family: a dpdata system and the ids of its frames.
System = tuple[Any, list[str]]


def read_labels(file: Path, *, families: Sequence[str] | None = None) -> dict[str, System]:
    """Return the families of a label file with the frame ids of its ``frames.csv``.

    Parameters
    ----------
    file:
        ``labels.hdf5`` of :mod:`repro.potential.export`; ``frames.csv`` lies beside it.
    families:
        Only these; all if None.

    Raises
    ------
    InputError
        If a file is missing, a family is unknown, or the table does not fit the labels.
    """
    import dpdata

    h5py: Any = importlib.import_module("h5py")  # it has no types
    table = file.with_name("frames.csv")
    for needed in (file, table):
        if not needed.is_file():
            raise InputError(f"{needed}: no such file; labels are a labels.hdf5 with frames.csv "
                             "beside it (python -m repro.potential.export labels)")  # fmt: skip
    ids: dict[str, list[tuple[int, str, float]]] = {}
    with open(table, newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            ids.setdefault(row["family"], []).append(
                (int(row["index"]), row["frame_id"], float(row["energy_eV_per_atom"])))  # fmt: skip
    try:
        with h5py.File(file) as content:
            known = sorted(content)
    except OSError as error:
        raise InputError(f"{file}: cannot be read as HDF5: {error}") from None
    for name in families or ():
        if name not in known:
            raise InputError(f"no family {name!r} in {file}{did_you_mean(name, known)}; there are "
                             f"{', '.join(known)}")  # fmt: skip
    found: dict[str, System] = {}
    for name in known if families is None else sorted(set(families)):
        system = dpdata.LabeledSystem(f"{file}#/{name}", fmt="deepmd/hdf5")
        rows = sorted(ids.get(name, []))
        if [index for index, _, _ in rows] != list(range(len(system))):
            raise InputError(f"{table}: {len(rows)} rows of {name}, expected one for each of the "
                             f"{len(system)} frames in {file.name}")  # fmt: skip
        energies = np.array([energy for _, _, energy in rows])
        off = np.abs(system["energies"] / len(system["atom_types"]) - energies)
        if len(off) and not off.max() < 1e-3:
            raise InputError(f"{table}: {rows[int(off.argmax())][1]} has another energy than its "
                             f"frame in {file.name}; table and labels do not belong together")  # fmt: skip
        found[name] = (system, [frame_id for _, frame_id, _ in rows])
    return found


def read_frames(file: Path) -> list[Atoms]:
    """Return the frames of an extxyz file that may be trained on.

    Those with ``held_out`` true are left out here; :func:`refuse_held_out` makes sure.

    Raises
    ------
    InputError
        If the file is missing, a frame does not say ``held_out``, or none is left.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    every = frames.read_shard(file)
    for frame in every:
        if "held_out" not in frame.info or "frame_id" not in frame.info:
            raise InputError(f"{file}: {frame.info.get('frame_id', 'a frame')} lacks frame_id or "
                             "held_out in its info; it cannot be told whether it may be used")  # fmt: skip
    kept = [frame for frame in every if not frame.info["held_out"]]
    if not kept:
        raise InputError(f"{file}: {len(every)} frames, none of them for training")
    refuse_held_out(kept)
    return kept


def refuse_held_out(some: Iterable[Atoms]) -> None:
    """Raise unless every frame may be trained on.

    Both the mark in the frame and the rule (:data:`repro.potential.dft.HELD_OUT_RULE`)
    are asked, so a changed mark does not let a frame in.

    Raises
    ------
    InputError
        If a frame is held out, naming it.
    """
    for frame in some:
        name = str(frame.info.get("frame_id"))
        if frame.info.get("held_out", True) or dft.held_out(name):
            raise InputError(f"{name}: held out for good; never train on it, nor choose by it "
                             f"(rule: {dft.HELD_OUT_RULE})")  # fmt: skip


def element_references(some: Sequence[Atoms], energies: Sequence[float]) -> dict[str, float]:
    """Return the energy per atom of each element by which frames differ from ``energies``.

    Least squares of (frame's energy - given energy) against the numbers of atoms.
    Two codes put the zero of energy elsewhere for each element (CP2K counts the
    valence electrons, the teacher does not); this takes that out and nothing else.
    Compositions that do not span the elements get the smallest such references: in
    salts of Li+ and Ga3+ charge ties the four counts, which leaves one combination
    open that changes no energy of such a salt.

    Parameters
    ----------
    some:
        Labelled frames.
    energies:
        Total energy of each in the other convention, eV, (n,).

    Raises
    ------
    InputError
        If there is no frame, the numbers differ, or a value is not finite.
    """
    if not some or len(some) != len(energies):
        raise InputError(f"{len(some)} frames and {len(energies)} energies: expected as many, and "
                         "one or more")  # fmt: skip
    difference = np.array([f.get_potential_energy() for f in some]) - np.asarray(energies, float)
    if not np.isfinite(difference).all():
        raise InputError("an energy is not finite; no element references from that")
    fitted, *_ = np.linalg.lstsq(composition(some), difference, rcond=None)
    return dict(zip(ELEMENTS, (float(value) for value in fitted), strict=True))


def shift_energies(
    some: Sequence[Atoms], reference_of_each_element: Mapping[str, float]
) -> list[Atoms]:
    """Return frames whose energies have the reference of each atom taken off.

    Forces and stress stay: a reference is a constant.

    Parameters
    ----------
    some:
        Labelled frames.
    reference_of_each_element:
        eV per atom, for every element that occurs.

    Raises
    ------
    InputError
        If an element has no reference.
    """
    shifted = []
    for frame in some:
        symbols = frame.get_chemical_symbols()
        for symbol in symbols:
            if symbol not in reference_of_each_element:
                raise InputError(f"{frame.info.get('frame_id')}: no reference energy of {symbol}")
        total = sum(reference_of_each_element[symbol] for symbol in symbols)
        shifted.append(frames.labelled(
            frame, energy=float(frame.get_potential_energy()) - total, forces=frame.get_forces(),
            stress=frame.get_stress(), info=dict(frame.info)))  # fmt: skip
    return shifted


def frame_systems(some: Sequence[Atoms]) -> dict[str, System]:
    """Return frames as systems, one for each family with the same atoms in order."""
    groups: dict[tuple[str, tuple[str, ...]], list[Atoms]] = {}
    for frame in some:
        family = str(frame.info.get("family", frame.get_chemical_formula()))
        groups.setdefault((family, tuple(frame.get_chemical_symbols())), []).append(frame)
    found: dict[str, System] = {}
    for number, ((family, symbols), group) in enumerate(groups.items()):
        name = f"extra-{number:02d}-{family}-{len(symbols)}"
        found[name] = (export.labelled_system(group), [str(f.info["frame_id"]) for f in group])
    return found


def _write(
    systems: Mapping[str, System], keep: Callable[[str], bool], file: Path
) -> dict[str, int]:
    """Write the frames that are kept, a group per family; return how many of each."""
    h5py: Any = importlib.import_module("h5py")
    written: dict[str, int] = {}
    partial = file.with_name("part-" + file.name)
    partial.unlink(missing_ok=True)
    with h5py.File(partial, "w") as content:
        for name, (system, ids) in systems.items():
            rows = [row for row, frame_id in enumerate(ids) if keep(frame_id)]
            if rows:
                group = content.create_group(name)
                system.sub_system(rows).to("deepmd/hdf5", group, comp_prec=np.float32)
                written[name] = len(rows)
    partial.replace(file)
    return written


def build(
    work: Path,
    *,
    labels: Path | None,
    families: Sequence[str] | None = None,
    max_frames: int | None = None,
    extra: Sequence[Atoms] = (),
    extra_share: float = 1.0,
    energy_of: Callable[[Atoms], float] | None = None,
) -> TrainingSet:
    """Write ``train.hdf5`` and ``validation.hdf5`` into a folder.

    Parameters
    ----------
    work:
        The folder.
    labels:
        Label file, or None to train on the extra frames alone.
    families, max_frames:
        Only these families; at most so many label frames (of both sides).
    extra:
        Labelled frames besides, e.g. DFT; none may be held out.
    extra_share:
        Share of the training batches from the extra frames, if there are labels too.
    energy_of:
        Total energy of a frame on the scale to train on, eV; the extra frames are
        brought to it by element references fitted on their training side.  Without
        it their energies are counted from their own references, which fits no labels.

    Raises
    ------
    InputError
        If nothing is left to train on, or an option does not fit the others.
    """
    refuse_held_out(extra)
    sources: dict[str, System] = {}
    if labels is not None:
        sources = read_labels(labels, families=families)
        wanted = chosen((i for _, ids in sources.values() for i in ids), max_frames)
        if extra and energy_of is None:
            raise InputError("labels and other frames together need one zero of energy: give the "
                             "model to start from (--init)")  # fmt: skip
        if extra and not 0 < extra_share < 1:
            raise InputError(f"share of the extra frames {extra_share}, expected between 0 and 1 "
                             "when there are labels too")  # fmt: skip
    else:
        wanted = set()
    references: dict[str, float] | None = None
    if extra:
        fitted = [f for f in extra if not in_validation(str(f.info["frame_id"]))]
        if not fitted:
            raise InputError(f"all {len(extra)} extra frames fall to validation; give more")
        scale = [0.0 if energy_of is None else energy_of(f) for f in fitted]
        references = element_references(fitted, scale)
        more = frame_systems(shift_energies(extra, references))
        sources |= more
        wanted |= {i for _, ids in more.values() for i in ids}
    train = _write(sources, lambda i: i in wanted and not in_validation(i), work / TRAIN)
    validation = _write(sources, lambda i: i in wanted and in_validation(i), work / VALIDATION)
    if not train:
        raise InputError("no frames to train on: give labels, frames, or a larger max_frames")
    return TrainingSet(
        train=tuple(f"{TRAIN}#/{name}" for name in train),
        validation=tuple(f"{VALIDATION}#/{name}" for name in validation),
        train_frames=sum(train.values()), validation_frames=sum(validation.values()),
        weights=_weights(train, extra_share) if extra and labels is not None else None,
        references=references,
        elements=frozenset(sources[name][0]["atom_names"][kind] for name in train
                           for kind in set(sources[name][0]["atom_types"])),
    )  # fmt: skip


def _weights(train: Mapping[str, int], extra_share: float) -> tuple[float, ...]:
    extra = sum(n for name, n in train.items() if name.startswith("extra-"))
    rest = sum(train.values()) - extra
    return tuple(n * (extra_share / extra if name.startswith("extra-") else (1 - extra_share) / rest)
                 for name, n in train.items())  # fmt: skip
