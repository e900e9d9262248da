"""Reading mu(E) of any beamline: column text, Athena project, HDF5.

What each file needs: energies in eV; and mu, or the intensities before and behind the sample
(mu = ln(I0/It)), or mu that is normalised already.  A metal foil behind the sample gives a
third intensity, and its own mu = ln(It/Iref), by which energies are calibrated.

A file with a fault is refused with what was found and what was expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError
from repro.exafs import checks, columns, edges, projects
from repro.exafs.columns import Selector

Floats = NDArray[np.float64]
MAX_BYTES = 200_000_000
KINDS = ("mu", "normalised")
UNITS = {"eV": 1.0, "keV": 1000.0}


@dataclass(frozen=True)
class Spectrum:
    """An absorption spectrum.

    Attributes
    ----------
    energy:
        (N,), eV, strictly ascending.
    mu:
        (N,), absorption in any unit (mu times thickness), or normalised.
    reference:
        (N,), of the foil, on the same energies, or None.
    kind:
        ``"mu"``, or ``"normalised"`` where pre-edge and edge step were taken off before.
    label:
        For legends.
    source:
        Where it came from, for captions and messages.
    note:
        How mu was made, and what was done to the energies.
    synthetic:
        True if computed, not measured.
    """

    energy: Floats
    mu: Floats
    reference: Floats | None = None
    kind: str = "mu"
    label: str = ""
    source: str = "spectrum"
    note: str = ""
    synthetic: bool = False

    def __post_init__(self) -> None:
        parts = {"energy": self.energy, "mu": self.mu}
        if self.reference is not None:
            parts["reference"] = self.reference
        shapes = [np.shape(part) for part in parts.values()]
        if len(set(shapes)) > 1 or len(shapes[0]) != 1:
            raise InputError(f"{self.source}: shapes {shapes}; expected (N,) for all of "
                             f"{', '.join(parts)}")  # fmt: skip
        if self.kind not in KINDS:
            raise InputError(f"{self.source}: kind {self.kind!r}: expected {' or '.join(KINDS)}")
        where = checks.points(len(self.energy))
        checks.finite(parts, source=self.source, where=where)
        checks.axis(self.energy, self.mu, source=self.source, where=where)

    @property
    def foil(self) -> Spectrum:
        """The reference channel as a spectrum of its own.

        Raises
        ------
        InputError
            Where there is none.
        """
        if self.reference is None:
            raise InputError(f"{self.source}: no reference channel")
        return Spectrum(self.energy, self.reference, label=f"{self.label} foil".strip(),
                        source=f"{self.source}, reference", synthetic=self.synthetic)  # fmt: skip


def _text(path: Path) -> columns.Table:
    raw = path.read_bytes()
    if b"\0" in raw:
        raise InputError(f"{path}: a binary file; expected column text, .prj or .h5")
    return columns.parse(raw.decode("utf-8-sig", errors="replace"), source=str(path))


def _records(path: Path) -> dict[str, projects.Record] | None:
    """Return the records of a project or HDF5 file, told by its first bytes; None for text."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected column text, .prj or .h5")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: {path.stat().st_size} bytes; expected at most {MAX_BYTES}")
    with path.open("rb") as file:
        start = file.read(500)
    if start.startswith(b"\x89HDF"):
        return projects.hdf5(path)
    if start.startswith(b"\x1f\x8b") or b"Athena project file" in start or path.suffix == ".prj":
        return projects.athena(path)
    return None


def labels(file: str | Path) -> list[str]:
    """Return the labels of the records of a .prj or .h5 file; none for column text.

    Raises
    ------
    InputError
        Where it cannot be read.
    """
    return list(_records(Path(file)) or {})


def read(
    file: str | Path,
    *,
    energy: Selector | None = None,
    mu: Selector | None = None,
    i0: Selector | None = None,
    it: Selector | None = None,
    iref: Selector | bool | None = None,
    reference: Selector | bool | None = None,
    kind: str | None = None,
    record: str | int | None = None,
    label: str | None = None,
    unit: str = "eV",
    edge: str | None = "Ga K",
    within: float = 25.0,
) -> Spectrum:
    """Read a spectrum; the format is told by the first bytes.

    Parameters
    ----------
    file:
        Column text (separated by blanks, tabs, commas or semicolons; XDI too), Athena
        project, or HDF5 with groups that hold ``energy`` and ``mu`` (larch).
    energy, mu, i0, it, iref, reference:
        Columns by name or by number from 1.  Those not given are searched by the names in
        ``repro.exafs.columns.KNOWN``; a table of two columns without names is energy and mu.
        ``reference`` is mu of the foil, ``iref`` the intensity behind it; False for either
        leaves the reference out.
    kind:
        ``mu`` or ``normalised``; by the column's name if not given.
    record:
        Of a project or HDF5 file: label or number from 1; may be left out for a single one.
    label:
        For legends; the file's or record's name if not given.
    unit:
        Of the energies in the file, ``eV`` or ``keV``.
    edge, within:
        The largest jump of mu must be this edge, within so many eV; None skips the check.

    Raises
    ------
    InputError
        Naming file, line, what was found and what was expected.
    """
    path = Path(file)
    if unit not in UNITS:
        raise InputError(f"unit {unit!r}: expected {' or '.join(UNITS)}")
    if kind is not None and kind not in KINDS:
        raise InputError(f"kind {kind!r}: expected {' or '.join(KINDS)}")
    near = edges.tabulated(edge) if edge else None
    records = _records(path)
    if records is None:
        if record is not None:
            raise InputError(f"{path}: column text has no record {record!r}; expected none")
        name, table, note = path.stem, _text(path), ""
    else:
        name, table, note = projects.pick(records, record, source=str(path))
    given = {"energy": energy, "mu": mu, "i0": i0, "it": it, "iref": iref, "reference": reference}
    found = columns.choose(table, given, kind=kind)
    parts = {"energy": found.energy, "mu": found.mu}
    if found.reference is not None:
        parts["reference"] = found.reference
    # Checked here as well as in Spectrum, since only here are the lines known.
    checks.finite(parts, source=table.source, where=table.where)
    scaled = found.energy * UNITS[unit]
    checks.axis(scaled, found.mu, source=table.source, where=table.where, near=near)
    if edge:
        checks.edge(scaled, found.mu, expected=edge, within=within, source=table.source)
    return Spectrum(scaled, found.mu, found.reference, found.kind, label or name, table.source,
                    "; ".join(filter(None, [found.note, note])))  # fmt: skip
