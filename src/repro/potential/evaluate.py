"""How far a potential is from its reference: error tables with intervals, parity.

The command line is in :mod:`repro.potential.evaluate_cli`.

Intervals are percentile bootstraps over frames.  Frames of one short run, and the
strained copies of one frame, are alike, so for crystals the intervals are somewhat
too narrow.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from ase import Atoms

from repro.errors import InputError
from repro.potential import ELEMENTS
from repro.potential.predictions import (
    EV_PER_A3_IN_GPA,
    Floats,
    Prediction,
    name_of,
    reference,
)
from repro.potential.tables import tidy

LEVEL = 0.95
# Fewer frames fix no four element references.
MIN_SHIFT_FRAMES = 2 * len(ELEMENTS)
GROUPS = ("overall", "kind", "family", "origin")


@dataclass(frozen=True)
class Estimate:
    """A value with its bootstrap interval; NaN where it cannot be had."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Errors:
    """Errors of a prediction against a reference over some frames.

    Attributes
    ----------
    frames, atoms, energy_frames:
        How many; ``energy_frames`` is smaller where an energy cannot be compared.
    energy_rmse:
        Over frames, meV/atom.
    force_rmse:
        Per component, meV/angstrom.
    stress_rmse:
        Over the six Voigt components, GPa.
    pressure_difference:
        Mean of predicted minus reference, GPa.
    force_slope:
        Of predicted against reference force components, through the origin.
    force_rms_reference:
        Size of the reference forces per component, meV/angstrom.
    """

    frames: int
    atoms: int
    energy_frames: int
    energy_rmse: Estimate
    force_rmse: Estimate
    stress_rmse: Estimate
    pressure_difference: Estimate
    force_slope: Estimate
    force_rms_reference: float


@dataclass(frozen=True)
class ErrorRow:
    """Errors of one group of frames, e.g. by ``kind``, group ``slab``, split ``train``."""

    by: str
    group: str
    split: str
    errors: Errors


@dataclass(frozen=True)
class Shift:
    """Reference energies of the elements between two zeros of energy, by least squares.

    Attributes
    ----------
    per_element:
        eV per atom in the order of :data:`repro.potential.ELEMENTS`.
    basis:
        (rank, 4) orthonormal rows: the compositions on which the fit says something.
    frames:
        Number of frames fitted.
    """

    per_element: Floats
    basis: Floats
    frames: int

    def apply(self, counts: Floats) -> Floats:
        """Return the shift of each composition, (F,) eV; NaN outside the fitted ones."""
        left = counts - counts @ self.basis.T @ self.basis
        known = np.linalg.norm(left, axis=1) < 1e-6 * np.linalg.norm(counts, axis=1)
        return np.where(known, counts @ self.per_element, np.nan)


def composition(frames: Sequence[Atoms]) -> Floats:
    """Return atoms of each element, (F, 4), in the order of ``ELEMENTS``."""
    return np.array([[frame.get_chemical_symbols().count(e) for e in ELEMENTS]
                     for frame in frames], dtype=float)  # fmt: skip


def fit_shift(frames: Sequence[Atoms], difference: Floats) -> Shift | None:
    """Return the element references that explain energy differences, or None.

    Parameters
    ----------
    frames:
        Frames to fit on; never held-out ones.
    difference:
        Predicted minus reference total energy, (F,), eV.

    Returns
    -------
    Shift or None
        None with fewer than :data:`MIN_SHIFT_FRAMES` frames: the fit would swallow
        the very error it is meant to bare.
    """
    if len(frames) < MIN_SHIFT_FRAMES:
        return None
    counts = composition(frames)
    per_element, _, rank, _ = np.linalg.lstsq(counts, difference, rcond=1e-9)
    rows = np.linalg.svd(counts, full_matrices=False)[2]
    return Shift(per_element=per_element, basis=rows[:rank], frames=len(frames))


def contributions(
    frames: Sequence[Atoms], predicted: Prediction, labels: Prediction,
    *, shift: Floats | None = None,
) -> Floats:  # fmt: skip
    """Return the sums each frame adds to the errors, (F, 9).

    Columns: energies compared (1 or 0), squared energy error per atom, force
    components, their squared error, squared stress error summed over Voigt, pressure
    difference, predicted times reference force, squared reference force, atoms.

    Parameters
    ----------
    frames, predicted, labels:
        The same frames in the same order.
    shift:
        Taken from predicted minus reference total energies, (F,), eV; NaN leaves
        the energy of a frame out.
    """
    rows = np.zeros((len(frames), 9))
    for i, frame in enumerate(frames):
        if predicted.forces[i].shape != labels.forces[i].shape:
            raise InputError(f"{name_of(frame)}: predicted forces have shape "
                             f"{predicted.forces[i].shape}, labels {labels.forces[i].shape}")  # fmt: skip
        off = predicted.energies[i] - labels.energies[i] - (0.0 if shift is None else shift[i])
        compared = bool(np.isfinite(off))
        force = predicted.forces[i] - labels.forces[i]
        stress = (predicted.stresses[i] - labels.stresses[i]) * EV_PER_A3_IN_GPA
        rows[i] = (
            float(compared), (1000 * off / len(frame)) ** 2 if compared else 0.0,
            force.size, 1e6 * (force**2).sum(), (stress**2).sum(), -stress[:3].mean(),
            1e6 * (predicted.forces[i] * labels.forces[i]).sum(),
            1e6 * (labels.forces[i] ** 2).sum(), len(frame),
        )  # fmt: skip
    return rows


def _statistics(sums: Floats, weight: Floats) -> Floats:
    """Return energy, force and stress RMSE, pressure difference and slope, (5, ...)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.array([
            np.sqrt(sums[..., 1] / sums[..., 0]), np.sqrt(sums[..., 3] / sums[..., 2]),
            np.sqrt(sums[..., 4] / (6 * weight)), sums[..., 5] / weight,
            sums[..., 6] / sums[..., 7],
        ])  # fmt: skip


def summarise(rows: Floats, *, resamples: int = 1000, seed: int = 1) -> Errors:
    """Return the errors of frames from their :func:`contributions`.

    Parameters
    ----------
    rows:
        (F, 9), F at least 1.
    resamples:
        Bootstrap samples of F frames; intervals need two frames or more.
    seed:
        Of the resampling.
    """
    count = len(rows)
    if count == 0:
        raise InputError("no frames: expected one or more to sum up")
    best = _statistics(rows.sum(axis=0), np.asarray(float(count)))
    low = high = np.full(5, np.nan)
    if count > 1 and resamples > 1:
        weights = np.random.default_rng(seed).multinomial(
            count, np.full(count, 1 / count), size=resamples
        )
        drawn = _statistics(weights @ rows, np.full(resamples, float(count)))
        tail = 50 * (1 - LEVEL)
        # A resample may hold no frame whose energy can be compared.
        drawn[~np.isfinite(drawn)] = np.nan
        for k in range(5):
            if np.isfinite(drawn[k]).sum() > 0.5 * resamples:
                low, high = low.copy(), high.copy()
                low[k], high[k] = np.nanpercentile(drawn[k], [tail, 100 - tail])
    energy, force, stress, pressure, slope = (
        Estimate(*map(float, row)) for row in zip(best, low, high, strict=True)
    )
    return Errors(
        frames=count, atoms=int(rows[:, 8].sum()), energy_frames=int(rows[:, 0].sum()),
        energy_rmse=energy, force_rmse=force, stress_rmse=stress, pressure_difference=pressure,
        force_slope=slope,
        force_rms_reference=float(np.sqrt(rows[:, 7].sum() / rows[:, 2].sum())),
    )  # fmt: skip


def errors(
    frames: Sequence[Atoms], predicted: Prediction, *, resamples: int = 1000, seed: int = 1
) -> Errors:
    """Return the errors of a prediction against the labels that frames carry."""
    return summarise(contributions(frames, predicted, reference(frames)),
                     resamples=resamples, seed=seed)  # fmt: skip


def error_table(
    frames: Sequence[Atoms], predicted: Prediction, *, split: Callable[[Atoms], str],
    shift: Floats | None = None, resamples: int = 1000, seed: int = 1,
) -> list[ErrorRow]:  # fmt: skip
    """Return errors overall and by kind, family and origin, for each split and all.

    Parameters
    ----------
    frames:
        Labelled frames with ``family``, ``kind`` and ``origin`` in ``info`` (a missing
        one is called ``"none"``).
    predicted:
        Their prediction.
    split:
        Says which side a frame is on, e.g. ``"train"``.
    shift:
        See :func:`contributions`.
    resamples, seed:
        Of the bootstrap; each group has random numbers of its own.
    """
    rows = contributions(frames, predicted, reference(frames), shift=shift)
    sides = np.array([split(frame) for frame in frames])
    table = []
    for by in GROUPS:
        values = np.array([str(frame.info.get(by, "none")) if by != "overall" else "overall"
                           for frame in frames])  # fmt: skip
        for value in dict.fromkeys(values.tolist()):
            for side in ("all", *sorted(set(sides.tolist()))):
                chosen = (values == value) & ((sides == side) | (side == "all"))
                if chosen.any():
                    own = zlib.crc32(f"{by}/{value}/{side}".encode()) + seed
                    found = summarise(rows[chosen], resamples=resamples, seed=own)
                    table.append(ErrorRow(by, value, side, found))
    return table


def error_records(
    table: Sequence[ErrorRow], *, model: str, against: str, source: str, note: str = ""
) -> list[dict[str, Any]]:
    """Return an error table as rows for CSV; intervals as ``..._low`` and ``..._high``."""
    units = {"energy_rmse": "meV_per_atom", "force_rmse": "meV_per_A", "stress_rmse": "GPa",
             "pressure_difference": "GPa", "force_slope": "",
             "force_rms_reference": "meV_per_A"}  # fmt: skip
    records = []
    for row in table:
        record: dict[str, Any] = {"model": model, "against": against, "by": row.by,
                                  "group": row.group, "split": row.split}  # fmt: skip
        for item in fields(row.errors):
            value = getattr(row.errors, item.name)
            name = "_".join(filter(None, (item.name, units.get(item.name))))
            if isinstance(value, Estimate):
                record |= {name: tidy(value.value), f"{name}_low": tidy(value.low),
                           f"{name}_high": tidy(value.high)}  # fmt: skip
            else:
                record[name] = tidy(value)
        records.append(record | {"note": note, "source": source})
    return records


def parity(
    frames: Sequence[Atoms], predicted: Prediction, *, split: Callable[[Atoms], str],
    points: int = 300, seed: int = 1,
) -> list[dict[str, str]]:  # fmt: skip
    """Return thinned parity data: random force components, energies and pressures.

    Parameters
    ----------
    frames, predicted, split:
        See :func:`error_table`.
    points:
        Force components per family at most; a third as many energies and pressures.
    seed:
        Of the choice.
    """
    labels = reference(frames)
    chance = np.random.default_rng(seed)
    families: dict[str, list[int]] = {}
    for number, frame in enumerate(frames):
        families.setdefault(str(frame.info.get("family", "none")), []).append(number)
    rows: list[dict[str, str]] = []

    def add(number: int, quantity: str, unit: str, given: float, said: float) -> None:
        info = frames[number].info
        rows.append({"family": str(info.get("family", "none")),
                     "kind": str(info.get("kind", "none")), "split": split(frames[number]),
                     "quantity": quantity, "unit": unit, "reference": f"{given:.5f}",
                     "predicted": f"{said:.5f}"})  # fmt: skip

    for members in families.values():
        owner = np.concatenate([np.full(labels.forces[i].size, i) for i in members])
        given = np.concatenate([labels.forces[i].ravel() for i in members])
        said = np.concatenate([predicted.forces[i].ravel() for i in members])
        for k in sorted(chance.choice(len(given), min(points, len(given)), replace=False)):
            add(int(owner[k]), "force", "eV/A", given[k], said[k])
        some = sorted(chance.choice(len(members), min(points // 3, len(members)), replace=False))
        for i in (members[k] for k in some):
            size = len(frames[i])
            add(i, "energy", "eV/atom", labels.energies[i] / size, predicted.energies[i] / size)
            add(i, "pressure", "GPa", -labels.stresses[i, :3].mean() * EV_PER_A3_IN_GPA,
                -predicted.stresses[i, :3].mean() * EV_PER_A3_IN_GPA)  # fmt: skip
    return rows
