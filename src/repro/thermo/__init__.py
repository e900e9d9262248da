"""Thermochemistry of salt mixtures: formation energies, reactions, hulls, errors."""

from __future__ import annotations

import warnings

# pymatgen warns about its own use of a deprecated helper on every formula it reduces.
warnings.filterwarnings("ignore", message="gcd is deprecated", category=FutureWarning)

from repro.thermo.energies import (  # noqa: E402
    EnergyTable,
    FormationEnergy,
    materials_project,
    read_energies,
)
from repro.thermo.interface import InterfaceScan, Kink, interface_scan  # noqa: E402
from repro.thermo.reactions import (  # noqa: E402
    Reaction,
    ReactionEnergy,
    balance,
    parse,
    reaction_energy,
)

__all__ = [
    "EnergyTable",
    "FormationEnergy",
    "InterfaceScan",
    "Kink",
    "Reaction",
    "ReactionEnergy",
    "balance",
    "interface_scan",
    "materials_project",
    "parse",
    "reaction_energy",
    "read_energies",
]
