"""What a potential says about frames, and what their labels say.

DeePMD-kit (and with it TensorFlow) is loaded only by :func:`load_model`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from repro.errors import InputError

Floats = NDArray[np.float64]
EV_PER_A3_IN_GPA = 160.21766208
BATCH = 64
_VOIGT = [0, 4, 8, 5, 2, 1]


class Evaluator(Protocol):
    """The part of ``deepmd.infer.DeepPot`` that is used here."""

    def get_type_map(self) -> list[str]:
        """Return the elements in the order of the model's types."""
        ...

    def eval(self, coords: Floats, cells: Floats, atom_types: list[int]) -> tuple[Any, ...]:
        """Return energies (F, 1), forces (F, N, 3) and virials (F, 9) in eV, eV/angstrom, eV."""
        ...


@dataclass(frozen=True)
class Prediction:
    """Labels of frames by some model.

    Attributes
    ----------
    energies:
        Total energies, (F,), eV.
    forces:
        One (N, 3) array per frame, eV/angstrom.
    stresses:
        (F, 6), Voigt, eV/angstrom^3 in ASE's sign (tension is positive).
    """

    energies: Floats
    forces: tuple[Floats, ...]
    stresses: Floats


def load_model(file: str | Path) -> Evaluator:
    """Return the DeePMD model of a file.

    Raises
    ------
    InputError
        If there is no such file, DeePMD-kit is not installed, or it cannot read the file.
    """
    if not Path(file).is_file():
        raise InputError(f"{file}: no such model")
    try:
        infer: Any = importlib.import_module("deepmd.infer")
    except ImportError as error:
        raise InputError(f"{file}: needs DeePMD-kit ({error}): pip install deepmd-kit") from None
    try:
        model: Evaluator = infer.DeepPot(str(file))
    except Exception as error:  # TensorFlow's own errors share no base class
        raise InputError(f"{file}: DeePMD-kit cannot read it: {error}") from None
    return model


def predict(
    model: str | Path | Evaluator, frames: Sequence[Atoms], *, batch: int = BATCH
) -> Prediction:
    """Return what a DeePMD model says about frames, in batches of equal atoms.

    Parameters
    ----------
    model:
        File of a frozen model, or a loaded one.
    frames:
        Periodic frames, of any number of families.
    batch:
        Frames per call at most.

    Raises
    ------
    InputError
        If there is no frame, a frame holds an element the model does not know, or
        the model answers with something that is not finite.
    """
    if not frames:
        raise InputError("no frames: expected one or more to evaluate")
    if batch < 1:
        raise InputError(f"batch {batch}: expected 1 or more")
    used = load_model(model) if isinstance(model, str | Path) else model
    kinds = {element: number for number, element in enumerate(used.get_type_map())}
    alike: dict[tuple[str, ...], list[int]] = {}
    for number, frame in enumerate(frames):
        symbols = tuple(frame.get_chemical_symbols())
        unknown = sorted(set(symbols) - set(kinds))
        if unknown:
            raise InputError(f"{name_of(frame)}: holds {', '.join(unknown)}; the model knows "
                             f"{', '.join(kinds)}")  # fmt: skip
        alike.setdefault(symbols, []).append(number)
    energies, stresses = np.zeros(len(frames)), np.zeros((len(frames), 6))
    forces: list[Floats] = [np.zeros((0, 3))] * len(frames)
    for symbols, members in alike.items():
        types = [kinds[symbol] for symbol in symbols]
        for begin in range(0, len(members), batch):
            part = members[begin : begin + batch]
            e, f, v = used.eval(
                np.array([frames[i].positions.ravel() for i in part]),
                np.array([frames[i].cell.array.ravel() for i in part]), types,
            )[:3]  # fmt: skip
            energies[part] = np.asarray(e, dtype=float).reshape(len(part))
            for i, force in zip(part, np.asarray(f, float).reshape(len(part), -1, 3), strict=True):
                forces[i] = force
            virials = np.asarray(v, dtype=float).reshape(len(part), 3, 3)
            virials = 0.5 * (virials + virials.transpose(0, 2, 1))
            volumes = np.array([frames[i].get_volume() for i in part])
            stresses[part] = -(virials.reshape(-1, 9)[:, _VOIGT]) / volumes[:, None]
    return _finite(Prediction(energies, tuple(forces), stresses), frames)


def predict_ase(calculator: Any, frames: Sequence[Atoms]) -> Prediction:
    """Return what an ASE calculator says about frames, one by one; see :func:`predict`."""
    if not frames:
        raise InputError("no frames: expected one or more to evaluate")
    energies, forces, stresses = [], [], []
    for frame in frames:
        copy = frame.copy()
        copy.calc = calculator
        energies.append(float(copy.get_potential_energy()))
        forces.append(np.asarray(copy.get_forces(), dtype=float))
        stresses.append(np.asarray(copy.get_stress(), dtype=float))
    return _finite(Prediction(np.array(energies), tuple(forces), np.array(stresses)), frames)


def reference(frames: Sequence[Atoms]) -> Prediction:
    """Return the labels that frames carry.

    Raises
    ------
    InputError
        If there is no frame, or one carries no labels.
    """
    if not frames:
        raise InputError("no frames: expected one or more labelled ones")
    for frame in frames:
        if frame.calc is None:
            raise InputError(f"{name_of(frame)}: carries no energy, forces and stress")
    return _finite(
        Prediction(
            np.array([frame.get_potential_energy() for frame in frames], dtype=float),
            tuple(np.asarray(frame.get_forces(), dtype=float) for frame in frames),
            np.array([frame.get_stress() for frame in frames], dtype=float),
        ),
        frames,
    )


def _finite(found: Prediction, frames: Sequence[Atoms]) -> Prediction:
    for i, frame in enumerate(frames):
        values = (found.energies[i], found.forces[i], found.stresses[i])
        if not all(np.isfinite(value).all() for value in values):
            raise InputError(f"{name_of(frame)}: energy, forces or stress are not finite")
    return found


def name_of(frame: Atoms) -> str:
    """Return the id of a frame for a message, or its formula."""
    return str(frame.info.get("frame_id", frame.get_chemical_formula()))
