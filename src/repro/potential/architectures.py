"""Shapes of networks: which descriptor, how far it sees, how wide it is.

Lengths are in angstrom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.errors import InputError

DESCRIPTORS = ("se_e2_a", "se_atten_v2")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A smooth two-body embedding network and its fitting network.

    Attributes
    ----------
    descriptor:
        ``se_e2_a``, the paper's: an embedding network for each element or pair of
        elements; or ``se_atten_v2`` with no attention layer: one network for all,
        told the elements by a learned vector (DPA-1, Zhang et al., npj Comput. Mater.
        10, 94, 2024).  Neighbours of all elements then share one list, so far fewer
        padded places are computed, and every pair learns from every other.
    rcut, rcut_smth:
        Neighbours end at ``rcut`` and begin to fade at ``rcut_smth``, angstrom.
    neuron:
        Widths of the embedding network; each must be 1 or 2 times the one before
        for a model that can be compressed.
    axis_neuron:
        Columns of the embedding kept on the second side of the descriptor.
    fitting:
        Widths of the fitting network.
    precision:
        ``float32``, ``float64`` or ``default`` (DeePMD-kit's own, float64).
    type_one_side:
        One embedding network per neighbour element rather than per pair.
    """

    rcut: float
    rcut_smth: float
    neuron: tuple[int, ...]
    axis_neuron: int
    fitting: tuple[int, ...]
    precision: str = "float32"
    type_one_side: bool = True
    descriptor: str = "se_e2_a"

    def __post_init__(self) -> None:
        if not 0 <= self.rcut_smth < self.rcut:
            raise InputError(f"rcut_smth {self.rcut_smth} A, expected 0 <= rcut_smth < rcut = "
                             f"{self.rcut} A")  # fmt: skip
        if not self.neuron or not self.fitting or min(self.neuron + self.fitting) < 1:
            raise InputError(f"neuron {self.neuron} and fitting {self.fitting}: expected widths "
                             "of 1 or more")  # fmt: skip
        if not 1 <= self.axis_neuron <= self.neuron[-1]:
            raise InputError(f"axis_neuron {self.axis_neuron}, expected 1 to the last embedding "
                             f"width {self.neuron[-1]}")  # fmt: skip
        if self.precision not in ("float32", "float64", "default"):
            raise InputError(f"precision {self.precision!r}, expected float32, float64 or default")
        if self.descriptor not in DESCRIPTORS:
            raise InputError(f"descriptor {self.descriptor!r}, expected one of "
                             f"{', '.join(DESCRIPTORS)}")  # fmt: skip

    @classmethod
    def of_record(cls, values: Mapping[str, Any]) -> Architecture:
        """Return the architecture that a training's ``run.json`` holds (JSON has no tuples)."""
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v
                                 for k, v in values.items()}  # fmt: skip
        return cls(**plain)

    @property
    def name(self) -> str:
        """A short name, e.g. ``r6-16x32x64-a4-f120x120x120-float32``."""
        embedding = "x".join(str(n) for n in self.neuron)
        fitting = "x".join(str(n) for n in self.fitting)
        kind = (
            "-types" if self.descriptor == "se_atten_v2" else "" if self.type_one_side else "-pairs"
        )
        return (f"r{self.rcut:g}-{embedding}-a{self.axis_neuron}-f{fitting}"
                f"-{self.precision}{kind}")  # fmt: skip


def descriptor(networks: Architecture, sel: Sequence[int] | None, seed: int) -> dict[str, Any]:
    """Return the descriptor section of DeePMD-kit's input; ``sel`` None has it counted."""
    found: dict[str, Any] = {
        "type": networks.descriptor, "rcut": networks.rcut, "rcut_smth": networks.rcut_smth,
        "sel": "auto" if sel is None else list(sel), "neuron": list(networks.neuron),
        "axis_neuron": networks.axis_neuron, "resnet_dt": False,
        "precision": networks.precision, "seed": seed,
    }  # fmt: skip
    if networks.descriptor == "se_e2_a":
        return found | {"type_one_side": networks.type_one_side}
    # Without an attention layer the network can be compressed.
    # The most neighbours met will do: a denser frame would lose some at the rim, where
    # they hardly count, and every place costs training time.
    return found | {"attn_layer": 0, "sel": "auto:1.0" if sel is None else sum(sel)}


def type_vector(networks: Architecture) -> int:
    """Return the length of the vector that stands for an element (``se_atten_v2``).

    The network of a pair of elements reads two such vectors.  Where their common length
    is the first width of the embedding, or half of it, the layer has a shortcut that
    DeePMD-kit 3.2's ``compress`` forgets: energies then come out wrong by electronvolts.
    So no such length is taken.
    """
    first = networks.neuron[0]
    return next(n for n in (6, 7, 8) if first not in (2 * n, 4 * n))
