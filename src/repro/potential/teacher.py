"""The teacher: SevenNet with Grimme's D2, as an ASE calculator.

PyTorch is loaded only when a :class:`Teacher` is made; install it with the extra
``[labels]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from repro.errors import InputError
from repro.potential.d2 import PBE_S6, dispersion

MODELS = ("7net-l3i5", "7net-0")
LABEL_MODEL = "7net-l3i5"
SAMPLING_MODEL = "7net-0"


class Teacher(Calculator):
    """SevenNet plus D2: energy (eV), forces (eV/angstrom), stress (eV/angstrom^3).

    Parameters
    ----------
    model:
        One of :data:`MODELS`; both come with the ``sevenn`` wheel and were trained
        on PBE data of the Materials Project, so PBE's D2 (s6 = 0.75) fits them.
    s6:
        Scaling of the dispersion; 0 switches it off.
    threads:
        PyTorch threads.

    Raises
    ------
    InputError
        For an unknown model, or where the extra ``[labels]`` is not installed.
    """

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012 (ASE declares it so)

    def __init__(self, *, model: str = LABEL_MODEL, s6: float = PBE_S6, threads: int = 1) -> None:
        super().__init__()
        if model not in MODELS:
            raise InputError(f"teacher {model!r}: expected one of {', '.join(MODELS)}")
        self.model, self.s6 = model, s6
        self._net: Any = _sevennet(model, threads)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Fill ``self.results``; ASE calls this."""
        super().calculate(atoms, properties, system_changes)
        frame = self.atoms
        if frame is None:
            raise InputError("the teacher was asked for energies without atoms")
        self._net.calculate(frame, ["energy", "forces", "stress"], all_changes)
        base = self._net.results
        energy = float(base["energy"])
        forces = np.asarray(base["forces"], dtype=float)
        stress = np.asarray(base["stress"], dtype=float)
        if self.s6:
            extra = dispersion(frame, s6=self.s6)
            energy += extra.energy
            forces = forces + extra.forces
            stress = stress + extra.stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
        self.results = {
            "energy": energy, "free_energy": energy, "forces": forces, "stress": stress,
        }  # fmt: skip


def _sevennet(model: str, threads: int) -> Any:
    try:
        import torch
        from sevenn.calculator import SevenNetCalculator
    except ImportError as error:
        raise InputError(
            f"teacher {model!r} needs PyTorch and SevenNet ({error}); "
            "install them with: pip install -e '.[labels]'"
        ) from None
    torch.set_num_threads(threads)
    return SevenNetCalculator(model=model, device="cpu")
