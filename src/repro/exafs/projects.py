"""Records of Athena projects (.prj) and of HDF5 files, as tables.

The text of a project is parsed by larch.  Its ``read_athena`` is not used: it sorts energies
and moves repeated ones apart, and a fault of the file would then no longer be seen.
"""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from repro.errors import InputError, did_you_mean
from repro.exafs import checks
from repro.exafs.columns import KNOWN, Table, clean

# Table and note; made when a record is picked, so that a bad one does not hide the others.
Record = Callable[[], tuple[Table, str]]
ENERGY_MATCH = 1e-6  # eV, within which two records share their energies
_NOT_MU = {"is_chi": "chi(k)", "is_bkg": "a background", "is_rsp": "chi(R)", "is_qsp": "chi(q)",
           "is_diff": "a difference of spectra", "is_pixel": "detector pixels"}  # fmt: skip


def _flag(group: Any, name: str) -> bool:
    try:
        return bool(int(float(getattr(group.athena_params, name, 0) or 0)))
    except ValueError:
        return False


def _shift(group: Any) -> float:
    value = getattr(group.athena_params.bkg, "eshift", 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


def athena(path: Path) -> dict[str, Record]:
    """Return the records of an Athena project under their labels.

    Energies are those that Athena shows, so its own energy shift of a record is added and
    noted.  A reference channel that Athena ties to a record comes as column ``reference``
    where it has the same energies.

    Raises
    ------
    InputError
        Where larch cannot read it, or two records have one label; from a record, where it is
        no mu(E).
    """
    module: Any = importlib.import_module("larch.io.athena_project")
    raw = path.read_bytes()
    try:
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8", "replace")
        if "Athena project file" not in text[:500]:
            raise InputError(f"{path}: does not begin as an Athena project does")
        read = module.parse_jsonathena if "____header" in text[:500] else module.parse_perlathena
        project = read(text, str(path))
    except InputError:
        raise
    except Exception as error:  # larch raises whatever its evaluator met
        raise InputError(f"{path}: not readable as an Athena project ({type(error).__name__}: "
                         f"{str(error)[:80]})") from error  # fmt: skip
    names = list(project.group_names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: two records are called {twice[0]!r}; rename one in Athena")
    groups = {name: getattr(project, name) for name in names}
    by_key = {str(group.athena_params.id): group for group in groups.values()}
    return {str(getattr(group, "label", name)):
            partial(_record, group, by_key, f"{path}, record {name}")
            for name, group in groups.items()}  # fmt: skip


def _record(group: Any, by_key: dict[str, Any], source: str) -> tuple[Table, str]:
    for flag, what in _NOT_MU.items():
        if _flag(group, flag):
            raise InputError(f"{source} is {what}; expected mu(E)")
    energy, mu = np.asarray(group.energy, dtype=float), np.asarray(group.mu, dtype=float)
    if energy.shape != mu.shape:
        raise InputError(f"{source}: {len(energy)} energies, {len(mu)} values of mu")
    shift = _shift(group)
    note = f"Athena's energy shift of {shift:g} eV added" if shift else ""
    columns = {"energy": energy + shift, "norm" if _flag(group, "is_nor") else "mu": mu}
    key = str(getattr(group.athena_params, "reference", "") or
              getattr(group.athena_params, "referencegroup", ""))  # fmt: skip
    other = by_key.get(key)
    if other is not None and other is not group:
        there = np.asarray(other.energy, dtype=float) + _shift(other)
        if there.shape == energy.shape and np.allclose(there, columns["energy"], rtol=0,
                                                       atol=ENERGY_MATCH):  # fmt: skip
            columns["reference"] = np.asarray(other.mu, dtype=float)
        else:
            note = "; ".join(filter(None, [note, "its reference has other energies, left out"]))
    return Table(np.column_stack(list(columns.values())), tuple(columns),
                 checks.points(len(energy)), source), note  # fmt: skip


def hdf5(path: Path) -> dict[str, Record]:
    """Return the records of an HDF5 file: each group with a data set of energies.

    All data sets of one dimension and the length of the energies become columns, by name.

    Raises
    ------
    InputError
        Where it is no HDF5 file or has no such group.
    """
    h5py: Any = importlib.import_module("h5py")
    found: dict[str, Record] = {}

    def visit(name: str, group: Any) -> None:
        if not isinstance(group, h5py.Group):
            return
        sets = {key: item for key, item in group.items()
                if isinstance(item, h5py.Dataset) and item.ndim == 1 and item.dtype.kind in "fiu"}  # fmt: skip
        energies = [key for key in sets if clean(key) in KNOWN["energy"]]
        if not energies:
            return
        length = len(sets[energies[0]])
        columns = {key: np.asarray(item[()], dtype=float)
                   for key, item in sets.items() if len(item) == length}  # fmt: skip
        label = name.strip("/") or path.stem
        table = Table(np.column_stack(list(columns.values())), tuple(columns),
                      checks.points(length), f"{path}, group {label}")  # fmt: skip
        found[label] = partial(lambda made: (made, ""), table)

    try:
        with h5py.File(path, "r") as file:
            visit("", file)
            file.visititems(visit)
    except OSError as error:
        raise InputError(f"{path}: not readable as HDF5 ({str(error)[:80]})") from error
    if not found:
        raise InputError(f"{path}: no group with a data set of energies; expected 'energy' and "
                         "'mu' (or i0 and it) side by side in a group")  # fmt: skip
    return found


def pick(records: dict[str, Record], record: str | int | None, *, source: str
         ) -> tuple[str, Table, str]:  # fmt: skip
    """Return label, table and note of one record.

    Parameters
    ----------
    records:
        From :func:`athena` or :func:`hdf5`.
    record:
        Label, number from 1, or None where there is only one.
    source:
        For messages.

    Raises
    ------
    InputError
        For a record that is not there, is no mu(E), or several and none named.
    """
    labels = list(records)
    listed = ", ".join(f"{k} {label!r}" for k, label in enumerate(labels, start=1))
    if record is None and len(labels) == 1:
        record = 1
    if record is None:
        raise InputError(
            f"{source}: {len(labels)} records; expected one of them, as in record=1: {listed}"
        )
    if isinstance(record, int):
        if not 1 <= record <= len(labels):
            raise InputError(f"{source}: record {record}; expected one of {listed}")
        record = labels[record - 1]
    elif record not in records:
        # Part of an HDF5 path is enough where it means one group.
        ends = [label for label in labels if label.split("/")[-1] == record]
        if len(ends) != 1:
            raise InputError(f"{source}: no record {record!r}{did_you_mean(record, labels)}; "
                             f"expected one of {listed}")  # fmt: skip
        record = ends[0]
    return record, *records[record]()
