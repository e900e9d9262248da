"""Formation energies from the live Materials Project, for readers with a key.

Never needed and never used by the book's own build: the shipped table is what
every number in it rests on.  Database and corrections have moved on since, so
expect other values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from repro.errors import InputError
from repro.thermo.energies import EnergyTable, FormationEnergy, check_energy, reduced


def _client() -> Any:
    try:
        from mp_api.client import MPRester
    except ImportError:
        raise InputError(
            "mp_api_key is set but the package mp-api is not installed: 'pip install mp-api', "
            "or leave mp_api_key empty to use the shipped table"
        ) from None
    return MPRester


def fetch(elements: Sequence[str], *, mp_api_key: str) -> EnergyTable:
    """Return the lowest live formation energy of every phase of some elements.

    Parameters
    ----------
    elements:
        Element symbols; all phases of any subset of them are asked for.
    mp_api_key:
        Key of the reader's own Materials Project account.  It is sent to the
        Materials Project only, and no message repeats it.

    Raises
    ------
    InputError
        If the key is empty, the package mp-api is absent, or the database
        refuses, fails, or returns nothing.
    """
    key = mp_api_key.strip()
    if not key:
        raise InputError("mp_api_key is empty: nothing to ask the Materials Project with")
    rester = _client()
    symbols = sorted(set(elements))
    try:
        with rester(key) as client:
            answers = client.materials.thermo.search(
                chemsys=_subsystems(symbols),
                thermo_types=["GGA_GGA+U"],
                fields=["formula_pretty", "formation_energy_per_atom"],
            )
    except Exception as error:  # the client raises many kinds: no key, no network, no server
        text = str(error).replace(key, "***")
        raise InputError(
            f"the Materials Project did not answer ({type(error).__name__}: {text}); check "
            "mp_api_key and the network, or leave mp_api_key empty to use the shipped table"
        ) from None
    phases: dict[str, FormationEnergy] = {}
    for answer in answers:
        if answer.formation_energy_per_atom is None:
            continue
        formula = reduced(str(answer.formula_pretty))
        value = check_energy(
            float(answer.formation_energy_per_atom), what=f"Materials Project, {formula}"
        )
        if formula not in phases or value < phases[formula].value:
            phases[formula] = FormationEnergy(formula, value, 0.0, "Materials Project, live")
    if not phases:
        raise InputError(f"the Materials Project returned no phases of {'-'.join(symbols)}")
    return EnergyTable("Materials Project (live)", phases)


def _subsystems(symbols: Sequence[str]) -> list[str]:
    """Return every non-empty subset as ``A-B-C``, elements alone included."""
    found: list[list[str]] = [[]]
    for symbol in symbols:
        found += [[*subset, symbol] for subset in found]
    return ["-".join(subset) for subset in found if subset]
