"""Structures for LAMMPS: data files out, data files and dumps back in."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from ase.io.lammpsdata import read_lammps_data, write_lammps_data

from repro import paths
from repro.errors import InputError
from repro.potential import ELEMENTS


def _check(atoms: Atoms) -> None:
    if not len(atoms):
        raise InputError("a structure for LAMMPS needs one atom or more, found none")
    unknown = sorted(set(atoms.get_chemical_symbols()) - set(ELEMENTS))
    if unknown:
        raise InputError(
            f"the potential knows {', '.join(ELEMENTS)}; the structure also has "
            f"{', '.join(unknown)}"
        )
    if not np.isfinite(atoms.positions).all():
        raise InputError("the structure has a position that is not finite")
    if atoms.cell.rank < 3:
        raise InputError("LAMMPS needs a periodic cell with three independent vectors")


def write_structure(atoms: Atoms, file: Path) -> None:
    """Write a data file for ``atom_style atomic``, types in the order of ``ELEMENTS``.

    LAMMPS wants the first cell vector along x and the second in the xy plane, so
    cell and positions are turned together; distances do not change and atoms keep
    their order (their ids are 1, 2, ...).  Momenta are not written.  The file appears
    whole or not at all.

    Parameters
    ----------
    atoms:
        Periodic structure of Li, F, Cl, Ga.
    file:
        To write.

    Raises
    ------
    InputError
        For no atoms, other elements, no cell, or positions that are not finite.
    """
    _check(atoms)
    frame = atoms.copy()
    if np.linalg.det(frame.cell.array) < 0:
        raise InputError("the cell is left-handed; LAMMPS needs a right-handed one")
    frame.pbc = True
    frame.wrap()
    text = io.StringIO()
    write_lammps_data(text, frame, specorder=list(ELEMENTS), masses=True, units="metal",
                      atom_style="atomic")  # fmt: skip
    # ASE's header says nothing of where the file comes from, and a triclinic cell
    # must stay one even with no tilt, or runs that let it tilt could not start.
    content = text.getvalue().replace("(written by ASE)", "Li F Cl Ga, metal units", 1)
    if " xy xz yz" not in content:
        content = content.replace("zlo zhi\n", "zlo zhi\n0.0 0.0 0.0 xy xz yz\n", 1)
    file.parent.mkdir(parents=True, exist_ok=True)
    paths.write_text(file, content)


def read_structure(file: Path) -> Atoms:
    """Return the structure of a data file written here or by ``write_data``.

    Raises
    ------
    InputError
        If there is no such file or it is not a data file.
    """
    numbers = {k: atomic_numbers[e] for k, e in enumerate(ELEMENTS, start=1)}
    if not file.is_file():
        raise InputError(f"{file}: no such data file")
    try:
        atoms = read_lammps_data(file, Z_of_type=numbers, atom_style="atomic", units="metal")
    except Exception as error:  # ASE raises what its parser happens to meet
        raise InputError(f"{file}: not a LAMMPS data file ({error})") from None
    result: Atoms = atoms[np.argsort(atoms.arrays["id"])] if "id" in atoms.arrays else atoms
    return result


def read_dump(file: Path) -> list[Atoms]:
    """Return frames of a dump with ``id type x y z`` columns, in the order of ids.

    A last frame that a kill has cut is left out.

    Raises
    ------
    InputError
        If there is no such file, or it holds no whole frame.
    """
    from ase.io.lammpsrun import read_lammps_dump_text

    if not file.is_file():
        raise InputError(f"{file}: no such dump")
    text = file.read_text(encoding="utf-8", errors="replace")
    text = text[: _whole_frames(text)]
    if not text:
        raise InputError(f"{file}: holds no whole frame")
    frames: list[Atoms] = read_lammps_dump_text(
        io.StringIO(text), index=slice(None), specorder=list(ELEMENTS), order=True
    )
    return frames


def _whole_frames(text: str) -> int:
    """Return the length of the part of a dump that holds whole frames."""
    good = 0
    start = text.find("ITEM: TIMESTEP")
    while start >= 0:
        head = text[start:].split("\n", 4)
        if len(head) < 5 or not head[3].strip().isdigit():
            break
        body = text.find("ITEM: ATOMS", start)
        end = text.find("\n", body) + 1 if body >= 0 else 0
        for _ in range(int(head[3])):
            end = text.find("\n", end) + 1 if end else 0
        if not end:
            break
        good = end
        start = text.find("ITEM: TIMESTEP", end)
    return good
