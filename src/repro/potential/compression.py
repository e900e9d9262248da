"""Does a compressed model still say what the plain one said?

    python -m repro.potential.compression PLAIN.pb COMPRESSED.pb FRAMES.hdf5

DeePMD-kit replaces the embedding networks by tables.  That should change forces by far
less than a meV/angstrom, but for some shapes of the network DeePMD-kit 3.2 forgets a part
of it without a word (see :func:`repro.potential.architectures.type_vector`).  So every model is
compared with its plain form on training frames before it is put in place.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from repro.errors import InputError
from repro.potential.dprun import TrainingError, words
from repro.potential.predictions import Prediction, predict

# A table in single precision is off by some hundredths of these.
MOST_ENERGY, MOST_FORCE = 1.0, 5.0  # meV/atom, meV/angstrom


@dataclass(frozen=True)
class Difference:
    """Largest difference of two models over some frames: meV/atom and meV/angstrom."""

    energy: float
    force: float
    frames: int

    @property
    def small(self) -> bool:
        """Whether the models are the same for every use; False where a number is not finite."""
        return self.energy <= MOST_ENERGY and self.force <= MOST_FORCE


def sample(file: Path, *, most: int = 8) -> list[Atoms]:
    """Return the first frame of each of a training file's first systems.

    Raises
    ------
    InputError
        If it holds no system.
    """
    dpdata: Any = importlib.import_module("dpdata")
    h5py: Any = importlib.import_module("h5py")
    with h5py.File(file, "r") as content:
        names = sorted(content)[:most]
    if not names:
        raise InputError(f"{file}: no frames to compare two models on")
    found = []
    for name in names:
        system = dpdata.LabeledSystem(f"{file}#/{name}", fmt="deepmd/hdf5").data
        symbols = [system["atom_names"][k] for k in system["atom_types"]]
        found.append(Atoms(symbols, positions=system["coords"][0], cell=system["cells"][0],
                           pbc=True))  # fmt: skip
    return found


def compare(one: Prediction, other: Prediction, frames: Sequence[Atoms]) -> Difference:
    """Return the largest difference between two predictions of the same frames."""
    sizes = np.array([len(frame) for frame in frames])
    energy = 1000 * np.abs(one.energies - other.energies) / sizes
    force = [1000 * np.abs(a - b).max() for a, b in zip(one.forces, other.forces, strict=True)]
    return Difference(float(energy.max()), float(max(force)), len(frames))


def check(plain: Path, compressed: Path, frames: Path) -> Difference:
    """Compare two models in a process of its own; TensorFlow stays out of ours.

    Raises
    ------
    TrainingError
        If they differ, or cannot be compared.
    """
    done = subprocess.run(
        [sys.executable, "-m", "repro.potential.compression", str(plain), str(compressed),
         str(frames)], capture_output=True, text=True, check=False,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"})  # fmt: skip
    if done.returncode:
        tail = " ".join(words(done.stderr)[-1:])
        raise TrainingError(f"{compressed}: cannot be compared with {plain.name}: {tail}")
    found = Difference(**json.loads(done.stdout.strip().splitlines()[-1]))
    if not found.small:
        raise TrainingError(
            f"{compressed}: compression changed the model by {found.energy:.3g} meV/atom and "
            f"{found.force:.3g} meV/A, expected less than {MOST_ENERGY:g} and {MOST_FORCE:g}; use "
            f"{plain.name} (--no-compress), or another embedding width"
        )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the difference as JSON; return the exit status."""
    plain, compressed, file = sys.argv[1:] if arguments is None else arguments
    frames = sample(Path(file))
    print(json.dumps(asdict(compare(predict(plain, frames), predict(compressed, frames), frames))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
