"""Thermochemistry of salt mixtures: formation energies, reactions, hulls, errors."""

from __future__ import annotations

from repro.thermo.energies import (
    EnergyTable,
    FormationEnergy,
    materials_project,
    read_energies,
)
from repro.thermo.interface import InterfaceScan, Kink, interface_scan
from repro.thermo.reactions import (
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
