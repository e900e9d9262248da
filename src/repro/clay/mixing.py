r"""What happens when LiCl and GaF3 mix: bonds, shells of gallium, exchange, domains.

A cation (Li, Ga) and an anion (F, Cl) are bonded where they are closer than a cut-off for
the pair, all periodic images counted.  With :math:`n` the numbers of bonds,

.. math:: \xi = \frac{n_\mathrm{GaCl}}{n_\mathrm{GaCl} + n_\mathrm{GaF}}, \qquad
          \xi_\mathrm{rel} = \xi \Big/ \frac{N_\mathrm{Cl}}{N_\mathrm{Cl} + N_\mathrm{F}},

is the chlorine share of gallium's bonds, and the same in units of what anions drawn at
random would give (2/5 for 2 LiCl + GaF3); :math:`\chi` is the share of Cl with a Ga
neighbour.  All are 0 for the unmixed salts; :func:`repro.clay.salts.limits` has the
end products.  For 2 LiCl + GaF3 that of the paper is (Li3GaF6 + GaCl3 + LiCl)/2, half of Ga
with 6 F and half with 4 Cl: :math:`\xi = 4/(4+6) = 2/5`, so :math:`\xi_\mathrm{rel} = 1` at
complete exchange and at random mixing alike, and only the shells (:class:`Speciation`) tell
them apart; :math:`\chi = 3/4`.

Errors of one frame are over its atoms, taken as independent; neighbours are not, so they are
lower bounds.  Those of :func:`average` are over blocks of consecutive frames.  Both are 0
where all atoms (blocks) agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from repro.clay.blocks import Blocks, ratio
from repro.clay.salts import MEASURES, composition
from repro.errors import InputError
from repro.md.statistics import Estimate
from repro.potential import ELEMENTS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

CUTOFFS: dict[tuple[str, str], float] = {
    # Each is past the longest bond of the first shell in the crystals of
    # data/potential/structures (named first), and at or near the first minimum of g(r) in the
    # two 900 K melts of data/potential/results/rdf_reference.csv, student and teacher, over
    # 0.25 angstrom: g at the cut-off and at the minimum are named.  There bonds break, and a
    # cut-off is a choice to vary, most of all where the minimum is shallow.
    ("Ga", "F"): 2.5,  # 1.95; g 0.2 to 0.4, at the minimum 0.0 to 0.1
    ("Ga", "Cl"): 2.9,  # 2.39; 0.2 to 0.5, 0.2 to 0.4
    ("Li", "F"): 2.7,  # 2.52, in Li3GaF6; 0.4 to 0.5, 0.3 to 0.4
    ("Li", "Cl"): 3.3,  # 2.61; 0.5 to 0.8, 0.4 to 0.7: shallow
}
"""Longest bonds by pair, angstrom."""
COORDINATION = ("Ga-F", "Ga-Cl", "Li-F", "Li-Cl")
SHELL = 8
"""Shells are told apart up to so many neighbours of a kind; the last class is "or more"."""


@dataclass(frozen=True)
class Bonds:
    """Bonds of a frame: indices of cation and anion (M,), cells between them (M, 3), and the
    vector from one to the other (M, 3) in angstrom; ``symbols`` of all atoms, (N,).
    """

    symbols: NDArray[np.str_]
    metal: Integers
    anion: Integers
    shift: Integers
    vector: Floats

    def of(self, metal: str, anion: str) -> Booleans:
        """Return which bonds are of these two elements, (M,)."""
        return (self.symbols[self.metal] == metal) & (self.symbols[self.anion] == anion)

    def number(self, metal: str, anion: str) -> Integers:
        """Return how many bonds of this kind each atom has, metal or anion, (N,)."""
        chosen, count = self.of(metal, anion), len(self.symbols)
        return (np.bincount(self.metal[chosen], minlength=count)
                + np.bincount(self.anion[chosen], minlength=count))  # fmt: skip


@dataclass(frozen=True)
class Speciation:
    """Shells of the cations in a frame or on average; NaN where there are no such atoms.

    Attributes
    ----------
    frames, gallium:
        Number of frames, and of Ga in each.
    species:
        ``species[x, y]`` is the number of Ga in a frame with x Cl and y F neighbours,
        (9, 9); the last row and column are "8 or more".
    coordination:
        Mean number of neighbours: ``Ga-F``, ``Ga-Cl``, ``Li-F``, ``Li-Cl``.
    fluorine_only, chlorine_only, mixed:
        Shares of Ga with F alone, Cl alone, and both; the rest has no neighbour.
    tetrahedra:
        Share of Ga with four Cl and no F, as in GaCl3.
    order, angle:
        Of those: tetrahedral order parameter q = 1 - 3/8 sum (cos + 1/3)^2 over the six
        angles Cl-Ga-Cl, 1 for a regular tetrahedron (Errington & Debenedetti, Nature 409,
        318 (2001)), and the mean angle in degrees.
    bridging_chlorine, bridging_fluorine:
        Shares of Cl and F that touch two or more Ga.
    """

    frames: int
    gallium: int
    species: Floats
    coordination: dict[str, Estimate]
    fluorine_only: Estimate
    chlorine_only: Estimate
    mixed: Estimate
    tetrahedra: Estimate
    order: Estimate
    angle: Estimate
    bridging_chlorine: Estimate
    bridging_fluorine: Estimate


@dataclass(frozen=True)
class Exchange:
    """How far anions have been exchanged, at times in ps (T,).

    The measures are those of :class:`repro.clay.salts.Limit`, (T,) each; ``errors`` holds
    their standard errors over the atoms of a frame by name, (T,).  ``random`` is the chlorine
    share of the anions, which random mixing would give to gallium's bonds.
    """

    time_ps: Floats
    gallium_chlorine_share: Floats
    chlorine_on_gallium: Floats
    fluorine_on_gallium: Floats
    lithium_fluorine_share: Floats
    errors: dict[str, Floats]
    random: float

    @property
    def relative(self) -> Floats:
        """Chlorine share of gallium's bonds over that of random mixing, (T,)."""
        return self.gallium_chlorine_share / self.random


@dataclass(frozen=True)
class Domains:
    """What is left of the salts in a frame: counts, so without errors.

    Ga (Li) in each domain, largest first, and the share of all Ga (Li) in domains of two or
    more.  A GaF6 on its own, as in Li3GaF6, is a domain of one and no remnant of GaF3.
    """

    gallium_fluoride: Integers
    lithium_chloride: Integers
    gallium_share: float
    lithium_share: float


def bonds(frame: Atoms, *, cutoffs: Mapping[tuple[str, str], float] | None = None) -> Bonds:
    """Return the bonds between cations and anions.

    Parameters
    ----------
    frame:
        Periodic in three directions, of Li, F, Cl and Ga.
    cutoffs:
        Angstrom, by pair (cation, anion); pairs left out keep :data:`CUTOFFS`.

    Raises
    ------
    InputError
        For another pair, a cut-off that is not positive, other elements, or a frame that
        is not periodic or not finite.
    """
    from matscipy.neighbours import neighbour_list

    used = {**CUTOFFS, **(cutoffs or {})}
    for pair, length in used.items():
        if pair not in CUTOFFS or not 0 < length < np.inf:
            raise InputError(f"cut-off {length} for {'-'.join(pair)}: expected a positive length for "
                             f"some of {', '.join(COORDINATION)}")  # fmt: skip
    symbols = np.array(frame.get_chemical_symbols(), dtype=np.str_)
    if unknown := sorted(set(symbols.tolist()) - set(ELEMENTS)):
        raise InputError(f"frame holds {', '.join(unknown)}: expected {', '.join(ELEMENTS)} only")
    if not bool(np.all(frame.pbc)) or not np.isfinite(frame.positions).all():
        raise InputError(f"{frame.get_chemical_formula()}: expected finite positions, periodic in "
                         "three directions")  # fmt: skip
    i, j, shift, vector = neighbour_list("ijSD", frame, used)
    first = np.isin(symbols[i], ("Li", "Ga"))
    return Bonds(symbols, i[first].astype(int), j[first].astype(int), shift[first].astype(int),
                 vector[first])  # fmt: skip


def _tetrahedra(found: Bonds, chosen: Booleans) -> tuple[Floats, Floats]:
    """Return q and the mean angle of atoms with four Cl each, (N,); 0 for all others."""
    picked = np.flatnonzero(found.of("Ga", "Cl") & chosen[found.metal])
    picked = picked[np.argsort(found.metal[picked], kind="stable")]
    along = found.vector[picked].reshape(-1, 4, 3)
    along = along / np.linalg.norm(along, axis=2, keepdims=True)
    rows, columns = np.triu_indices(4, 1)
    cosines = (along @ along.transpose(0, 2, 1))[:, rows, columns]
    order, angle = np.zeros(len(chosen)), np.zeros(len(chosen))
    order[chosen] = 1 - 0.375 * ((cosines + 1 / 3) ** 2).sum(axis=1)
    angle[chosen] = np.degrees(np.arccos(np.clip(cosines, -1, 1))).mean(axis=1)
    return order, angle


def _tally(found: Bonds) -> dict[str, tuple[Floats, Floats]]:
    """Return what each atom adds to numerator and denominator of every measure.

    Each (N, 1), and (N, 81) for the classes of shells.
    """
    ga, li, cl, f = (found.symbols == e for e in ("Ga", "Li", "Cl", "F"))
    gaf, gacl, lif, licl = (found.number(*pair.split("-")) for pair in COORDINATION)
    four = ga & (gacl == 4) & (gaf == 0)
    order, angle = _tetrahedra(found, four)
    classes = (SHELL + 1) * np.minimum(gacl, SHELL) + np.minimum(gaf, SHELL)
    made = {
        "Ga-F": (gaf * ga, ga), "Ga-Cl": (gacl * ga, ga),
        "Li-F": (lif * li, li), "Li-Cl": (licl * li, li),
        "fluorine_only": (ga & (gaf > 0) & (gacl == 0), ga),
        "chlorine_only": (ga & (gacl > 0) & (gaf == 0), ga),
        "mixed": (ga & (gaf > 0) & (gacl > 0), ga),
        "tetrahedra": (four, ga), "order": (order, four), "angle": (angle, four),
        "bridging_chlorine": (cl & (gacl > 1), cl), "bridging_fluorine": (f & (gaf > 1), f),
        "gallium_chlorine_share": (gacl * ga, (gacl + gaf) * ga),
        "chlorine_on_gallium": (cl & (gacl > 0), cl),
        "fluorine_on_gallium": (f & (gaf > 0), f),
        "lithium_fluorine_share": (lif * li, (licl + lif) * li),
    }  # fmt: skip
    tally = {n: (a[:, None].astype(float), b[:, None].astype(float)) for n, (a, b) in made.items()}
    whole = ga[:, None] & (classes[:, None] == np.arange((SHELL + 1) ** 2))
    tally["species"] = (whole.astype(float), ga[:, None].astype(float))
    return tally


def _speciation(found: Mapping[str, tuple[Floats, Floats]], frames: int, gallium: int) -> Speciation:  # fmt: skip
    """Return the result of ratios and their errors, by measure."""
    one = {n: Estimate(float(v[0]), float(e[0])) for n, (v, e) in found.items()}
    species = gallium * found["species"][0].reshape(SHELL + 1, SHELL + 1)
    rest = {f.name: one[f.name] for f in fields(Speciation) if f.name in one.keys() - {"species"}}
    return Speciation(frames=frames, gallium=gallium, species=species,
                      coordination={n: one[n] for n in COORDINATION}, **rest)  # fmt: skip


def speciation(frame: Atoms, *, cutoffs: Mapping[tuple[str, str], float] | None = None) -> Speciation:  # fmt: skip
    """Return the shells of one frame, with errors over its atoms.

    Parameters and errors raised as for :func:`bonds`.
    """
    found = bonds(frame, cutoffs=cutoffs)
    return _speciation({name: ratio(*parts) for name, parts in _tally(found).items()}, 1,
                       int((found.symbols == "Ga").sum()))  # fmt: skip


def _stream(frames: Iterable[Atoms]) -> Iterable[Atoms]:
    """Yield frames after a check that all hold the same atoms, and that there is one."""
    first: dict[str, int] | None = None
    for number, frame in enumerate(frames):
        here = composition(frame)
        first = here if first is None else first
        if here != first:
            raise InputError(f"frame {number} holds {here}, frame 0 {first}: expected the same "
                             "atoms in all")  # fmt: skip
        yield frame
    if first is None:
        raise InputError("no frames: expected one or more")


def average(
    frames: Iterable[Atoms],
    *,
    cutoffs: Mapping[tuple[str, str], float] | None = None,
    blocks: int = 5,
) -> Speciation:
    """Return the shells averaged over frames, with errors from blocks.

    Parameters
    ----------
    frames:
        Frames of the same atoms in order of time, read once.
    cutoffs:
        As for :func:`bonds`.
    blocks:
        The fewest (:class:`repro.clay.blocks.Blocks`); errors are NaN with one frame.

    Raises
    ------
    InputError
        For no frames, frames of other numbers of atoms, or as :func:`bonds`.
    """
    sums: dict[str, Blocks] = {}
    gallium = count = 0
    for frame in _stream(frames):
        count, gallium = count + 1, composition(frame).get("Ga", 0)
        for name, (above, below) in _tally(bonds(frame, cutoffs=cutoffs)).items():
            sums.setdefault(name, Blocks(blocks)).add(above.sum(axis=0), below.sum(axis=0))
    return _speciation({name: ratio(*held.sums()) for name, held in sums.items()}, count, gallium)


def exchange(
    frames: Iterable[Atoms], *, cutoffs: Mapping[tuple[str, str], float] | None = None
) -> Exchange:
    """Return the measures of exchange against time.

    Parameters
    ----------
    frames:
        Frames of the same atoms with ``info["time_ps"]``, which increases; read once.
    cutoffs:
        As for :func:`bonds`.

    Raises
    ------
    InputError
        For frames without Ga or anions, without a time or with one that does not increase,
        or as :func:`average`.
    """
    times: list[float] = []
    rows: list[tuple[tuple[float, float], ...]] = []
    held: dict[str, int] = {}
    for frame in _stream(frames):
        held, time = composition(frame), frame.info.get("time_ps")
        if time is None or (times and not float(time) > times[-1]):
            raise InputError(f"frame {len(times)} has time_ps {time}: expected a time in its info "
                             "after that of the frame before")  # fmt: skip
        if not held.get("Ga") or not held.get("Cl", 0) + held.get("F", 0):
            raise InputError(f"frames hold {held}: expected Ga and anions to exchange")
        tally = _tally(bonds(frame, cutoffs=cutoffs))
        found = (ratio(*tally[name]) for name in MEASURES)
        times.append(float(time))
        rows.append(tuple((float(value[0]), float(error[0])) for value, error in found))
    values, errors = np.array(rows).transpose(2, 1, 0)
    random = held.get("Cl", 0) / (held.get("Cl", 0) + held.get("F", 0))
    return Exchange(time_ps=np.array(times), errors=dict(zip(MEASURES, errors, strict=True)),
                    random=random, **dict(zip(MEASURES, values, strict=True)))  # fmt: skip


def domains(frame: Atoms, *, cutoffs: Mapping[tuple[str, str], float] | None = None) -> Domains:
    """Return the unreacted domains of a frame.

    Ga whose shell is F alone are of one domain where they share an F, directly or by way of
    others; Li whose shell is Cl alone, where they share a Cl.  A domain that runs through
    the periodic cell counts the atoms of one cell.

    Parameters and errors raised as for :func:`bonds`.
    """
    found = bonds(frame, cutoffs=cutoffs)
    sizes, shares = [], []
    for metal, own, other in (("Ga", "F", "Cl"), ("Li", "Cl", "F")):
        pure = (found.number(metal, own) > 0) & (found.number(metal, other) == 0)
        members = np.flatnonzero(pure & (found.symbols == metal))
        linked = found.of(metal, own) & np.isin(found.metal, members)
        ends = (found.metal[linked], found.anion[linked])
        graph = coo_array((np.ones(len(ends[0])), ends), shape=(len(frame), len(frame)))
        labels = connected_components(graph, directed=False)[1][members]
        size = np.sort(np.unique(labels, return_counts=True)[1])[::-1]
        sizes.append(size)
        count = int((found.symbols == metal).sum())
        shares.append(float(size[size > 1].sum() / count) if count else float("nan"))
    return Domains(sizes[0], sizes[1], shares[0], shares[1])
