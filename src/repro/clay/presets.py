"""The campaign by name: size, protocols and order, as the paper had them and as we run them.

``paper`` holds what the paper states, and says where it is silent; ``reference`` are the
runs that ship with the book; ``three-one`` is an assembly of the paper's second
composition; ``large`` is one assembly of the paper's size, run as long as two cores allow;
``class`` takes a minute or two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repro.clay import build
from repro.clay.protocols import (
    Anneal,
    Cooling,
    Described,
    Diffusion,
    HastyAnneal,
    Melt,
    Sandwich,
    ShearRate,
    StressCycles,
)
from repro.errors import InputError, did_you_mean

ASSEMBLY, ANNEAL, SANDWICH = "assembly", "anneal", "sandwich"
UNMIXED = "unmixed-0"
"""The sandwich left alone, as the control leaves the glass."""


@dataclass(frozen=True)
class Preset:
    """A campaign.

    Attributes
    ----------
    name:
        Of the preset.
    size:
        Of the assembly, a name in :data:`repro.clay.build.SIZES`.
    timestep_fs, checkpoint_ps:
        Time step, and time between checkpoints.
    seeds:
        Assemblies, each with velocities of its own.
    protocols:
        By name; ``sandwich`` and ``anneal`` come first, all others begin from what
        :func:`start` says.
    """

    name: str
    size: str
    timestep_fs: float
    checkpoint_ps: float
    seeds: tuple[int, ...]
    protocols: Mapping[str, Described]


def start(name: str) -> str | None:
    """Return what a protocol begins from: a protocol, ``assembly``, or None for nothing."""
    if name == SANDWICH:
        return None
    if name == UNMIXED:
        return SANDWICH
    return ASSEMBLY if name == ANNEAL or name.startswith("melt-") else ANNEAL


def _cycles(on_ps: float, *, cycles: int = 3, other: int | None = None) -> dict[str, Described]:
    """Return the stress cycles: control, the two loads of the paper, another component.

    The other component has as many cycles as ``other`` says, or as the rest.
    """
    return {
        "stress-0": StressCycles(amplitude_mpa=0.0, on_ps=on_ps, off_ps=on_ps, cycles=cycles),
        "stress-10": StressCycles(amplitude_mpa=10.0, on_ps=on_ps, off_ps=on_ps, cycles=cycles),
        "stress-50": StressCycles(amplitude_mpa=50.0, on_ps=on_ps, off_ps=on_ps, cycles=cycles),
        "stress-50-xz": StressCycles(component="xz", amplitude_mpa=50.0, on_ps=on_ps, off_ps=on_ps,
                                     cycles=cycles if other is None else other),
    }  # fmt: skip


def _diffusion(
    run_ps: Mapping[int, float], *, settle_ps: float, frame_ps: float
) -> dict[str, Described]:
    """Return the runs, given their length by temperature: the hotter, the sooner it diffuses."""
    return {f"diffusion-{t}": Diffusion(temperature=float(t), settle_ps=settle_ps, run_ps=ps,
                                        frame_ps=frame_ps) for t, ps in run_ps.items()}  # fmt: skip


PRESETS: dict[str, Preset] = {
    # The paper gives no cooling rate, no other melt temperatures, no diffusion runs of the
    # clay and one shear rate: those entries are guesses.
    "paper": Preset("paper", "paper", 1.0, 10.0, (1,), {
        SANDWICH: Sandwich(),
        ANNEAL: Anneal(),
        "melt-700": Melt(700.0),
        "melt-1100": Melt(1100.0),
        "cooling": Cooling(rate=0.01, settle_ps=100.0),
        "cooling-fast": Cooling(rate=0.1, settle_ps=100.0),
        **_cycles(400.0),
        "shear": ShearRate(),
        "shear-fast": ShearRate(rate_per_s=1e10),
        **_diffusion(dict.fromkeys((300, 350, 400, 450, 500), 5000.0), settle_ps=100.0, frame_ps=1.0),
    }),
    "reference": Preset("reference", "reference", 2.0, 5.0, (1, 2, 3), {
        SANDWICH: Sandwich(),
        ANNEAL: Anneal(rest_ps=60.0),
        "melt-700": Melt(700.0, 20.0),
        "melt-1100": Melt(1100.0, 20.0),
        "cooling": Cooling(rate=5.0),
        "cooling-fast": Cooling(rate=20.0),
        **_cycles(20.0, other=1),
        UNMIXED: StressCycles(amplitude_mpa=0.0, on_ps=20.0, off_ps=20.0, cycles=1),
        "shear": ShearRate(rate_per_s=5e9),
        "shear-fast": ShearRate(rate_per_s=2e10),
        **_diffusion({500: 100.0, 580: 80.0, 660: 60.0, 740: 40.0, 820: 40.0}, settle_ps=10.0,
                     frame_ps=0.5),
    }),
    # The paper's second composition, for its EXAFS.
    "three-one": Preset("three-one", "three-one", 2.0, 5.0, (1,), {
        SANDWICH: Sandwich(),
        ANNEAL: Anneal(rest_ps=30.0),
    }),
    "large": Preset("large", "paper", 2.0, 1.0, (1,), {
        SANDWICH: Sandwich(),
        ANNEAL: HastyAnneal(melt_ps=6.0, rest_ps=4.0),
        "shear": ShearRate(rate_per_s=1e10),
    }),
    "class": Preset("class", "class", 2.0, 0.5, (1,), {
        SANDWICH: Sandwich(picoseconds=0.5),
        ANNEAL: Anneal(melt_ps=2.0, first_ps=0.5, rest_ps=2.0),
        "melt-700": Melt(700.0, 1.0, 0.5),
        "melt-1100": Melt(1100.0, 1.0, 0.5),
        "cooling": Cooling(rate=200.0, settle_ps=0.5),
        "cooling-fast": Cooling(rate=600.0, settle_ps=0.5),
        **_cycles(0.5, cycles=2),
        "shear": ShearRate(rate_per_s=1e11),
        "shear-fast": ShearRate(rate_per_s=4e11),
        **_diffusion(dict.fromkeys((500, 660, 820), 4.0), settle_ps=0.5, frame_ps=0.1),
    }),
}  # fmt: skip
"""Campaigns by name."""


def preset(name: str) -> Preset:
    """Return a campaign by name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in PRESETS:
        raise InputError(f"no campaign {name!r}{did_you_mean(name, PRESETS)}; there are "
                         f"{', '.join(PRESETS)}")  # fmt: skip
    return PRESETS[name]


def protocol(name: str, campaign: str = "reference") -> Described:
    """Return a protocol of a campaign.

    Raises
    ------
    InputError
        For an unknown campaign or protocol.
    """
    known = preset(campaign).protocols
    if name not in known:
        raise InputError(f"no protocol {name!r} in {campaign!r}{did_you_mean(name, known)}; there "
                         f"are {', '.join(known)}")  # fmt: skip
    return known[name]


def picoseconds(described: Described) -> float:
    """Return how long a protocol lasts, all its legs together."""
    return sum(leg.picoseconds for leg in described.legs(seed=1))


def plan(
    name: str, *, us_per_atom_step: float, known: Mapping[str, int] | None = None
) -> list[tuple[str, float, float]]:
    """Return each protocol with its picoseconds and hours on one core, one seed.

    Parameters
    ----------
    name:
        Of the campaign.
    us_per_atom_step:
        Measured cost.
    known:
        Atoms of the sandwich and of the assembly, as from :func:`atoms`; of a fresh build by
        default.

    Raises
    ------
    InputError
        For an unknown campaign, or a cost that is not positive.
    """
    chosen = preset(name)
    if not us_per_atom_step > 0:
        raise InputError(f"{us_per_atom_step} us/atom/step: expected a positive number")
    known = known or atoms(chosen.size)
    rows = []
    for key, described in chosen.protocols.items():
        ps = picoseconds(described)
        steps = 1000 * ps / chosen.timestep_fs
        number = known[SANDWICH if SANDWICH in (key, start(key)) else ASSEMBLY]
        rows.append((key, ps, steps * number * us_per_atom_step * 1e-6 / 3600))
    return rows


def atoms(size: str) -> dict[str, int]:
    """Return the atoms of the sandwich and of the assembly of a size, built afresh.

    Raises
    ------
    InputError
        For an unknown size.
    """
    from repro.potential.structures import slab

    chosen = build.size(size)
    sandwich = slab(*chosen.layers).repeat(chosen.repeat)
    each = sum(chosen.formula.values())
    whole = 8 * each * chosen.units if chosen.units else len(build.assembly(sandwich, chosen))
    return {SANDWICH: len(sandwich), ASSEMBLY: whole}
