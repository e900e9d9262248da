"""What the training chapter shows: shipped tables, and the training it runs live."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from repro import data
from repro.errors import DataError, InputError
from repro.md import guard
from repro.potential import presets, simulate
from repro.potential.architectures import Architecture
from repro.potential.presets import Preset
from repro.potential.simulate import ShortRun
from repro.potential.training import Training, train

RESULTS = "potential/results"
LEAST_STEPS = 200  # of a live training, however slow the machine: some seconds on a free core


def table(name: str) -> pd.DataFrame:
    """Return a result table of ``data/potential/results`` by its name without ``.csv``."""
    return pd.read_csv(data.path(f"{RESULTS}/{name}.csv"))


def labels() -> pd.DataFrame:
    """Return the index of the teacher labels, one row per frame."""
    return pd.read_csv(data.path("potential/labels/frames.csv"))


def quenched(labels: pd.DataFrame, *, by: float = 900.0) -> float:
    """Return the share of the student's walks that cool by so many K from their hottest frame.

    Parameters
    ----------
    labels:
        From :func:`labels`; a walk's frames are named ``FAMILY/aNUMBER/sSTEP``.
    by:
        K.
    """
    parts = labels.frame_id.str.extract(r"^(?P<walk>.*/a\d+)/s(?P<step>\d+)$")
    walks = labels.assign(walk=parts.walk, step=parts.step.astype(float)).dropna(subset="walk")
    falls = [
        (walk.temperature_K.cummax() - walk.temperature_K).max()
        for _, walk in walks.sort_values("step").groupby("walk")
    ]
    return float(np.mean([fall >= by for fall in falls])) if falls else 0.0


def dft(name: str) -> pd.DataFrame:
    """Return a table of ``data/potential/dft``: cutoff or kpoints."""
    return pd.read_csv(data.path(f"potential/dft/{name}.csv"))


def model(name: str = "reference") -> Path:
    """Return a shipped model, e.g. ``reference`` or ``reference-seed2``."""
    return data.path(f"potential/models/{name}.pb")


def shipped(name: str) -> Path:
    """Return a file of ``data/potential/models``, e.g. ``reference.curve.csv``."""
    return data.path(f"potential/models/{name}")


def training(name: str = "reference") -> dict[str, Any]:
    """Return how a shipped model was trained: its record, and what it took in all.

    ``wall_time_s`` and ``all_steps`` count the trainings it went on from, too.
    """
    record = json.loads(shipped(f"{name}.run.json").read_text(encoding="utf-8"))
    before = record.get("before", [])
    spent = sum(float(part["wall_time_s"]) for part in [*before, *record["sessions"]])
    steps = sum(int(part["steps"]) for part in [*before, record])
    return {**record, "wall_time_s": spent, "all_steps": steps}


def committee() -> list[str]:
    """Return the shipped models of our preset: ``reference``, then its other seeds in order."""
    listed = data.listing("potential/models")
    found = sorted(entry.removesuffix(".pb") for entry in listed
                   if entry.startswith("reference-seed") and entry.endswith(".pb"))  # fmt: skip
    found = ["reference", *found]
    for one in found:
        model(one)  # notes that the page depends on it
    return found


def loss_terms(preset: Preset) -> str:
    """Return the terms of a preset's loss in words, e.g. ``energy and force``."""
    terms = {"energy": preset.pref_e, "force": preset.pref_f, "virial": preset.pref_v}
    return " and ".join(word for word, pair in terms.items() if any(pair))


def networks(sets: dict[str, tuple[Preset, int]]) -> pd.DataFrame:
    """Return the settings of some trainings side by side, one column each.

    Parameters
    ----------
    sets:
        Name -> preset, and the steps that were really made or are meant to be.
    """
    kinds = {
        "se_e2_a": "one network a pair of elements",
        "se_atten_v2": "one network, told the elements",
    }

    def widths(some: Sequence[int]) -> str:
        return ", ".join(map(str, some))

    def kind(a: Architecture) -> str:
        if a.descriptor == "se_e2_a" and a.type_one_side:
            return "one network a neighbour's element"
        return kinds[a.descriptor]

    return pd.DataFrame({
        name: {
            "descriptor": f"{p.architecture.descriptor}: {kind(p.architecture)}",
            "cutoff (Å)": p.architecture.rcut, "fading from (Å)": p.architecture.rcut_smth,
            "embedding net": widths(p.architecture.neuron),
            "fitting net": widths(p.architecture.fitting),
            "axis neurons": p.architecture.axis_neuron, "precision": p.architecture.precision,
            "energy prefactor": "{:g} to {:g}".format(*p.pref_e),
            "force prefactor": "{:g} to {:g}".format(*p.pref_f),
            "virial prefactor": "{:g} to {:g}".format(*p.pref_v),
            "learning rate": f"{p.start_lr:g} to {p.stop_lr:g}", "steps": steps,
        }
        for name, (p, steps) in sets.items()
    })  # fmt: skip


def preset_of(name: str = "reference") -> Preset:
    """Return the preset a shipped model was trained by, with what was changed of it."""
    settings = training(name)["settings"]
    found = presets.preset(settings["preset"])
    changed: dict[str, Any] = {key: tuple(settings[key]) for key in ("pref_e", "pref_f", "pref_v")}
    return replace(found, architecture=Architecture.of_record(settings["architecture"]),
                   start_lr=settings["start_lr"], stop_lr=settings["stop_lr"],
                   batch=settings["batch"], **changed)  # fmt: skip


def by_family(index: pd.DataFrame) -> pd.DataFrame:
    """Return how many frames each family has, and what they span.

    Parameters
    ----------
    index:
        As from :func:`labels`.
    """
    groups = index.groupby("family", sort=False)
    return pd.DataFrame({
        "kind": groups.kind.first(), "frames": groups.size(), "atoms": groups.natoms.first(),
        "temperature (K)": groups.temperature_K.agg(lambda t: f"{t.min():.0f} to {t.max():.0f}"),
        "pressure (GPa)": groups.pressure_GPa.agg(lambda p: f"{p.min():.1f} to {p.max():.1f}"),
        "force, rms (eV/Å)": groups.force_rms_eV_per_A.median().round(2),
    })  # fmt: skip


def one(
    errors: pd.DataFrame, *, by: str = "overall", group: str = "overall", split: str
) -> pd.Series:
    """Return the row of an error table for one group of frames on one side.

    Raises
    ------
    DataError
        If the table has no such row, or several.
    """
    own = errors[(errors.by == by) & (errors.group == group) & (errors.split == split)]
    if len(own) != 1:
        raise DataError(f"error table: {len(own)} rows for {by} {group!r}, split {split!r}")
    return own.iloc[0]


def error_rows(sets: dict[str, pd.Series]) -> pd.DataFrame:
    """Return some error rows side by side, with their intervals, in words and units."""

    def interval(row: pd.Series, name: str, digits: int) -> str:
        if pd.isna(row[name]):
            return "–"
        return f"{row[name]:.{digits}f} ({row[name + '_low']:.{digits}f} to {row[name + '_high']:.{digits}f})"

    return pd.DataFrame([
        {"": words, "frames": int(row.frames),
         "force (meV/Å)": interval(row, "force_rmse_meV_per_A", 0),
         "energy (meV/atom)": interval(row, "energy_rmse_meV_per_atom", 1),
         "stress (GPa)": interval(row, "stress_rmse_GPa", 2),
         "mean pressure difference (GPa)": interval(row, "pressure_difference_GPa", 2),
         "force slope": interval(row, "force_slope", 3)}
        for words, row in sets.items()
    ]).set_index("")  # fmt: skip


def compare_moduli(student: pd.DataFrame, teacher: pd.DataFrame) -> pd.DataFrame:
    """Return bulk moduli and volumes at rest of phases that both tables hold, by phase.

    ``good`` is the ledger's reading of agreement: within 15 % or 3 GPa of the teacher.

    Parameters
    ----------
    student, teacher:
        As written by ``repro.potential.mechanics_cli eos``.
    """
    both = student[student["shape"] == "relaxed"].merge(
        teacher[teacher["shape"] == "relaxed"], on="phase", suffixes=("_student", "_teacher")
    )
    both = both.dropna(subset=["bulk_modulus_GPa_student", "bulk_modulus_GPa_teacher"])
    ours, theirs = both.bulk_modulus_GPa_student, both.bulk_modulus_GPa_teacher
    good = ((ours - theirs).abs() <= 3.0) | ((ours / theirs - 1).abs() <= 0.15)
    volumes = both.volume_A3_per_atom_student / both.volume_A3_per_atom_teacher - 1
    return pd.DataFrame({
        "student (GPa)": ours, "±": both.bulk_modulus_error_GPa_student,
        "teacher (GPa)": theirs, "± ": both.bulk_modulus_error_GPa_teacher,
        "student/teacher": ours / theirs, "volume misfit (%)": 100 * volumes,
        "Materials Project (GPa)": both.bulk_modulus_mp_GPa_teacher,
        "density, teacher (g/cm³)": both.density_g_cm3_teacher,
        "density, measured (g/cm³)": both.density_measured_g_cm3_teacher, "good": good,
    }).set_axis(both.phase)  # fmt: skip


def compare_slopes(student: pd.DataFrame, teacher: pd.DataFrame) -> pd.DataFrame:
    """Return initial slopes of the tensile curves of phases that both tables hold, by phase.

    ``good`` is within 15 % of the teacher, as the ledger reads agreement.

    Parameters
    ----------
    student, teacher:
        As written by ``repro.potential.mechanics_cli tensile``.
    """
    both = student.merge(teacher, on=["phase", "lateral"], suffixes=("_student", "_teacher"))
    ours, theirs = both.slope_GPa_student, both.slope_GPa_teacher
    return pd.DataFrame({
        "student (GPa)": ours, "±": both.slope_error_GPa_student,
        "teacher (GPa)": theirs, "± ": both.slope_error_GPa_teacher,
        "highest stress, student (GPa)": both.highest_stress_GPa_student,
        "highest stress, teacher (GPa)": both.highest_stress_GPa_teacher,
        "good": (ours / theirs - 1).abs() <= 0.15,
    }).set_axis(both.phase)  # fmt: skip


def compare_peaks(peaks: pd.DataFrame) -> pd.DataFrame:
    """Return first peaks of g(r) between neighbours of opposite charge, student and teacher.

    ``good`` is the ledger's reading of agreement: places within 0.03 angstrom and heights
    within 10 %.  Where a peak could not be found it is False.

    Parameters
    ----------
    peaks:
        As written by ``repro.potential.liquids_cli compare``.
    """
    own = peaks[peaks.pair.map(lambda pair: sum(e in ("Ga", "Li") for e in pair.split("-")) == 1)]
    place, ratio = pd.to_numeric(own.position_difference_A), pd.to_numeric(own.height_ratio)
    return pd.DataFrame({
        "family": own.family, "pair": own.pair,
        "student (Å)": own.position_A_student, "teacher (Å)": own.position_A_teacher,
        "difference (Å)": place,
        "± (Å)": np.hypot(own.position_A_student_error, own.position_A_teacher_error),
        "height, student/teacher": ratio,
        "± ": ratio * np.hypot(own.height_student_error / own.height_student,
                               own.height_teacher_error / own.height_teacher),
        "good": (place.abs() <= 0.03) & ((ratio - 1).abs() <= 0.10),
    }).set_index(["family", "pair"])  # fmt: skip


def guard_table() -> pd.DataFrame:
    """Return, by pair of elements, where the guard ends and how close the labels come."""
    nearest = guard.closest_in_labels(data.path("potential/labels/labels.hdf5"))
    return pd.DataFrame([
        {"pair": f"{a}-{b}", "guard full below (Å)": guard.reach(a, b)[0],
         "guard ends at (Å)": guard.reach(a, b)[1],
         "closest in the labels (Å)": round(distance, 2)}
        for (a, b), distance in sorted(nearest.items())
    ]).set_index("pair")  # fmt: skip


@dataclass(frozen=True)
class Live:
    """A training and a run made while the page was.

    Attributes
    ----------
    training:
        What came of the training.
    run:
        The picosecond of LAMMPS with the model.
    """

    training: Training
    run: ShortRun


def live(
    *, minutes: float, seed: int = 1, frames: int = 150, temperature: float = 300.0,
    picoseconds: float = 1.0,
) -> Live:  # fmt: skip
    """Train the class network on a few labels, then run LAMMPS with it.

    Parameters
    ----------
    minutes:
        Time for the training; freezing and compressing come on top.  Where starting alone
        takes all of it, on a busy machine, :data:`LEAST_STEPS` are made nevertheless.
    seed:
        Of weights, batches and velocities.
    frames:
        Labels to train on, chosen by their ids.
    temperature, picoseconds:
        Of the run, on a melt of 64 atoms with a time step of 1 fs.

    Raises
    ------
    ReproError
        If training or run fail; the message says why.
    """
    with tempfile.TemporaryDirectory(prefix="live-") as folder:
        settings: dict[str, Any] = {"preset": "class", "seed": seed, "max_frames": frames,
                                    "progress": False}  # fmt: skip
        try:
            trained = train(work=Path(folder) / "training", minutes=minutes, **settings)
        except InputError:
            # No step fits.  Any other fault of the input comes again from the next line.
            trained = train(work=Path(folder) / "least", steps=LEAST_STEPS, **settings)
        if trained.model is None:
            raise DataError("the live training ended without a model")
        atoms, _ = simulate.melt(64)
        ran = simulate.short_md(trained.model, atoms, temperature=temperature,
                                picoseconds=picoseconds, seed=seed,
                                folder=Path(folder) / "run")  # fmt: skip
    return Live(trained, ran)


def live_curve(made: Live | None) -> dict[str, float]:
    """Return steps, frames and the first and last force error of a live training.

    All are zero where there was none.  First and last are root mean squares over a
    tenth of the rows each, meV/angstrom.
    """
    if made is None or made.training.curve is None:
        return {"steps": 0, "frames": 0, "first": 0.0, "last": 0.0}
    curve = made.training.curve
    errors = (curve.validation or curve.training).force
    rows = max(1, len(errors) // 10)
    return {
        "steps": made.training.steps_done, "frames": made.training.train_frames,
        "first": float(np.sqrt(np.mean(errors[:rows] ** 2))),
        "last": float(np.sqrt(np.mean(errors[-rows:] ** 2))),
    }  # fmt: skip
