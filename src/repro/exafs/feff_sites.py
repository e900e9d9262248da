"""One absorber with its surroundings, and the text of ``feff.inp`` for it.

FEFF knows no periodic cell: it gets the atoms within a radius of the absorber, copied
from as many periodic images as that takes.  Potentials are by element, the absorber
having its own (0), as its core is ionised.  FEFF takes the muffin-tin potential of an
element from its nearest atom, so that what the sphere's surface cuts off matters little:
from 6.5 to 10 angstrom chi(k) changes by 0.3 to 1.4 % (3 to 12 per angstrom, times k cubed; two
sites of a melt of 2LiCl-GaF3, GaF3 and GaCl3).

What is left out, and what that costs, was measured on means of six sites of a rattled crystal
of GaF3 (0.08 angstrom per coordinate), where multiple scattering is strongest, and of a melt of
2LiCl-GaF3.  Errors of |chi(R)| are in percent of its highest peak, GaF3 first, against half
paths of 8 angstrom; times are CPU time of ``feff8l`` for a site:

===================  ==========  ============  ===========  ==========  ===========
rpath, nleg, filter  2.2-4 A     4-5 A         5-5.5 A      5.5-6 A     seconds
===================  ==========  ============  ===========  ==========  ===========
6.0, 6, none         1.5, 0.5    2.6, 0.6      16, 2.5      17, 7       3.8, 1.6
6.0, 6, 4 and 2.5 %  3.9, 1.9    8.9, 5.0      17, 2.1      18, 6       0.7, 0.7
7.5, 6, 0 and 0.5 %  0.4, 0.1    1.0, 0.2      1.9, 0.4     3.2, 0.6    3.9, 1.8
7.5, 4, 0 and 0.5 %  4.8, 1.2    4.9, 1.5      7.3, 2.7     7.5, 2.3    2.9, 1.5
===================  ==========  ============  ===========  ==========  ===========

- *Length*: half paths up to ``rpath``, 6 angstrom by default, a number for the first shells: up
  to 5 angstrom of R the error is 3 % or less.  **To draw or compare 5 to 6 angstrom** ask for
  ``rpath=7.5, criteria=(0.0, 0.5)`` and sites of radius 8: R is not corrected for phase, so
  paths of 6.5 show at 6, and a sharp end of the paths rings a little below itself.
- *Legs*: up to 6.  Up to 6 angstrom more do not fit: with 7 and 8 not one path is new.
- *Amplitude*: no filter, CRITERIA 0 0.  FEFF's own 4 and 2.5 % are shares of the first shell's
  amplitude for each *distinct* path.  In a snapshot no two paths are alike: what is one path
  of twelvefold degeneracy in a crystal is twelve here, and each falls below the filter.

S02 is 1, sigma squared and the energy shift are 0: see :mod:`repro.exafs.feff_chi`.  In
snapshots the disorder is in the ensemble of sites; a Debye-Waller factor would count it
twice.  The exchange is FEFF's default, Hedin-Lundqvist.  Potentials are overlapped atoms.
FEFF8 could make them self-consistent, but does not need it for EXAFS: it takes 6 to 44 s
of CPU time a site instead of 1 to 4, and after a shift of 6 to 8 eV, which is a free parameter
in any comparison with a measurement, chi(k) is the same to 4 % (GaCl3 and GaF3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from repro.errors import InputError, did_you_mean

Floats = NDArray[np.float64]
DIGITS = 5  # of coordinates in feff.inp; FEFF itself tells no paths apart below 0.001 angstrom
NEAREST = 1.0  # angstrom; closer atoms are a broken frame, and FEFF answers nonsense to them
MOST = {"feff6l": 500, "feff8l": 1000}  # atoms, compiled into the programs


@dataclass(frozen=True)
class Site:
    """An absorber and the atoms around it.

    Attributes
    ----------
    frame:
        Which frame it is from, in words.
    atom:
        Index of the absorber in that frame.
    time_ps:
        Of that frame; NaN where it has none.
    absorber:
        Its element.
    symbols:
        Elements of the N neighbours, the absorber itself left out.
    positions:
        Of the neighbours relative to the absorber, angstrom (N, 3), rounded to the digits of
        ``feff.inp`` and in an order that does not depend on that of the frame.
    radius:
        Up to which there are all, angstrom.
    """

    frame: str
    atom: int
    time_ps: float
    absorber: str
    symbols: tuple[str, ...]
    positions: Floats
    radius: float

    @property
    def name(self) -> str:
        """Frame and atom, as failures are reported."""
        return f"{self.frame}, atom {self.atom}"


def cut(
    atoms: Atoms, atom: int, *, radius: float = 6.5, absorber: str = "Ga", frame: str = ""
) -> Site:
    """Return an atom of a periodic frame with all that is within a radius of it.

    Parameters
    ----------
    atoms:
        A frame, periodic in three directions, of any cell; ``info["time_ps"]`` and
        ``info["frame_id"]`` are used where there are any.  The cell may be smaller than the
        radius: an atom then appears with several of its images, those of the absorber included.
    atom:
        Index of the absorber.
    radius:
        Angstrom.
    absorber:
        Element it has to be.
    frame:
        Name of the frame; its ``frame_id`` if not given.

    Raises
    ------
    InputError
        For an index that is not there or of another element, a frame that is not periodic, and
        positions or a radius that are not finite.
    """
    name = frame or str(atoms.info.get("frame_id", "frame"))
    if not np.isfinite(radius) or radius <= 0:
        raise InputError(f"radius={radius}: expected more than 0 angstrom")
    if not 0 <= atom < len(atoms):
        raise InputError(f"{name}: no atom {atom}; expected 0 to {len(atoms) - 1}")
    elements = atoms.get_chemical_symbols()
    if elements[atom] != absorber:
        raise InputError(f"{name}: atom {atom} is {elements[atom]}; expected {absorber}")
    if not atoms.pbc.all() or abs(atoms.cell.volume) < 1e-6:
        raise InputError(f"{name}: expected a cell periodic in three directions, found periodic "
                         f"{atoms.pbc.tolist()} and a volume of {abs(atoms.cell.volume):g} A^3")  # fmt: skip
    cell = np.asarray(atoms.cell.array, dtype=float)
    if not np.isfinite(atoms.positions).all() or not np.isfinite(cell).all():
        raise InputError(f"{name}: positions or cell are not finite")
    inverse = np.linalg.inv(cell)
    share = (atoms.positions - atoms.positions[atom]) @ inverse
    share -= np.round(share)
    # Height of the cell over each face: an image further than this allows is out of reach.
    heights = 1.0 / np.linalg.norm(inverse, axis=0)
    reach = np.floor(radius / heights + 0.5).astype(int)
    found, which = [], []
    for image in product(*(range(-n, n + 1) for n in reach)):
        vectors = (share + image) @ cell
        near = np.einsum("ij,ij->i", vectors, vectors) <= radius**2
        if image == (0, 0, 0):
            near[atom] = False
        found.append(vectors[near])
        which.append(np.flatnonzero(near))
    # Adding zero turns -0.0 into 0.0.
    positions = np.round(np.concatenate(found), DIGITS) + 0.0
    symbols = np.array(elements)[np.concatenate(which)]
    distance = np.round(np.linalg.norm(positions, axis=1), DIGITS)
    order = np.lexsort((*positions.T[::-1], symbols, distance))
    time = atoms.info.get("time_ps")
    return Site(
        frame=name, atom=atom, time_ps=np.nan if time is None else float(time),
        absorber=absorber, symbols=tuple(map(str, symbols[order])), positions=positions[order],
        radius=float(radius),
    )  # fmt: skip


def check_settings(
    program: str,
    radius: float,
    rpath: float,
    nleg: int,
    criteria: tuple[float, float],
) -> None:
    """Raise if settings of :func:`feff_input` do not fit each other or the cluster's radius.

    Raises
    ------
    InputError
        Naming the setting.
    """
    if program not in MOST:
        raise InputError(f"program {program!r}: expected {' or '.join(MOST)}"
                         f"{did_you_mean(program, MOST)}")  # fmt: skip
    if not 0 < rpath <= radius:
        raise InputError(f"rpath={rpath:g}: expected more than 0 and at most the {radius:g} angstrom "
                         "of the cluster; longer paths would be missing in part")  # fmt: skip
    if not 2 <= nleg <= 8:
        raise InputError(f"nleg={nleg}: expected 2 (single scattering) to 8")
    if len(criteria) != 2 or not all(0 <= c < 100 for c in criteria):
        raise InputError(f"criteria={criteria}: expected two shares in percent, 0 or more: "
                         "curved wave and plane wave")  # fmt: skip


def _check(site: Site, program: str) -> None:
    if not site.symbols:
        raise InputError(f"{site.name}: nothing within {site.radius:g} angstrom")
    if len(site.symbols) + 1 > MOST[program]:
        raise InputError(f"{site.name}: {len(site.symbols) + 1} atoms within {site.radius:g} "
                         f"angstrom; {program} takes {MOST[program]}")  # fmt: skip
    close = float(pdist(np.vstack([np.zeros(3), site.positions])).min())
    if close < NEAREST:
        raise InputError(f"{site.name}: two atoms {close:.2f} angstrom apart; expected "
                         f"{NEAREST:g} or more")  # fmt: skip


def feff_input(
    site: Site,
    *,
    program: str = "feff8l",
    rpath: float = 6.0,
    nleg: int = 6,
    criteria: tuple[float, float] = (0.0, 0.0),
) -> str:
    """Return ``feff.inp`` for a site, K edge.

    The same surroundings give the same text, whatever their frame, its name and the order of
    its atoms, so the text can serve as the key of a cache.

    Parameters
    ----------
    site:
        From :func:`cut`.
    program:
        ``feff8l`` or ``feff6l``; their cards differ (EDGE, S02 and RPATH against HOLE and RMAX).
    rpath:
        Longest half path, angstrom.
    nleg:
        Most legs of a path; 2 is single scattering alone.
    criteria:
        Least curved-wave and plane-wave amplitude of a path, percent of the first shell's.

    Raises
    ------
    InputError
        For a setting out of its range, a cluster shorter than the paths, too many atoms for
        the program, and atoms that overlap.
    """
    check_settings(program, site.radius, rpath, nleg, criteria)
    _check(site, program)
    kinds = sorted(set(site.symbols), key=lambda s: atomic_numbers[s])
    number = {element: k for k, element in enumerate(kinds, start=1)}
    old = program == "feff6l"
    lines = [f"TITLE {site.absorber} K edge, sigma2 0, S02 1"]
    lines += ["HOLE 1 1.0"] if old else ["EDGE K", "S02 1.0"]
    lines += ["CONTROL 1 1 1 1", "PRINT 0 0 0 0"] if old else ["CONTROL 1 1 1 1 1 1",
                                                               "PRINT 0 0 0 0 0 0"]  # fmt: skip
    lines += [f"{'RMAX' if old else 'RPATH'} {rpath:.3f}", f"NLEG {nleg}",
              f"CRITERIA {criteria[0]:.3f} {criteria[1]:.3f}", "POTENTIALS",
              f"0 {atomic_numbers[site.absorber]} {site.absorber}"]  # fmt: skip
    lines += [f"{k} {atomic_numbers[element]} {element}" for element, k in number.items()]
    zero = f"{0:.{DIGITS}f}"
    lines += ["ATOMS", f"{zero} {zero} {zero} 0 {site.absorber}"]
    lines += [f"{x:.{DIGITS}f} {y:.{DIGITS}f} {z:.{DIGITS}f} {number[s]} {s}"
              for (x, y, z), s in zip(site.positions, site.symbols, strict=True)]  # fmt: skip
    return "\n".join([*lines, "END"]) + "\n"


def sites(
    frames: Iterable[Atoms], n: int, *, seed: int = 1, radius: float = 6.5, absorber: str = "Ga"
) -> list[Site]:
    """Return sites drawn at random, none twice, in the order of the frames.

    One pass: each of the sites of all frames is as likely, though their number is only known
    at the end (reservoir sampling, Vitter, ACM Trans. Math. Softw. 11, 37 (1985)).

    Parameters
    ----------
    frames:
        Periodic; ``info["time_ps"]`` and ``info["frame_id"]`` go into the names.
    n:
        How many.
    seed:
        Of the draw.
    radius:
        Of the surroundings, angstrom.
    absorber:
        Element.

    Raises
    ------
    InputError
        For n below 1, or more than the frames hold; and for a frame that :func:`cut` refuses.
    """
    if n < 1:
        raise InputError(f"n={n}: expected 1 site or more")
    rng = np.random.default_rng(seed)
    held: dict[int, tuple[tuple[int, int], Site]] = {}
    seen = -1
    number = -1
    for number, frame in enumerate(frames):
        chosen: dict[int, int] = {}
        for atom in np.flatnonzero(np.array(frame.get_chemical_symbols()) == absorber):
            seen += 1
            slot = seen if seen < n else int(rng.integers(0, seen + 1))
            if slot < n:
                chosen[slot] = int(atom)
        if not chosen:
            continue
        known = frame.info.get("frame_id")
        time = frame.info.get("time_ps")
        said = [str(known)] if known is not None else []
        said += [f"{float(time):g} ps"] if time is not None else []
        name = f"frame {number}" + (f" ({', '.join(said)})" if said else "")
        for slot, atom in chosen.items():
            held[slot] = (number, atom), cut(frame, atom, radius=radius, absorber=absorber,
                                             frame=name)  # fmt: skip
    if len(held) < n:
        raise InputError(f"n={n}: {number + 1} frames hold {seen + 1} {absorber} sites; expected as "
                         "many or more")  # fmt: skip
    return [site for _, site in sorted(held.values(), key=lambda pair: pair[0])]
