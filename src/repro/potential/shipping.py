"""Bring a finished training into data/potential/models.

    python -m repro.potential.shipping --work WORK --name reference

writes the model, its learning curve as CSV, its DeePMD-kit input and the record of
the run, and lists them in the folder's manifest.  ``--checkpoint`` also ships the last
checkpoint, in a folder that ``training run --init`` takes, so that anyone can train on.
``--curve-only`` leaves the model out: the paper's network, compressed, is 137 MB.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from repro import data, paths
from repro.commands import plain_errors
from repro.errors import InputError
from repro.potential import ELEMENTS, dprun, tables, training
from repro.potential.trainjob import CHECKPOINT, RUN, portable, read_record, write_json


def whole_curve(curve: pd.DataFrame, earlier: pd.DataFrame | None) -> pd.DataFrame:
    """Return a learning curve behind that of the training it went on from.

    Steps are counted on; the column ``leg`` is 1, 2, ... for each training in turn.
    """
    if earlier is None:
        return curve.assign(leg=1)
    own = curve.assign(step=curve.step + earlier.step.max(), leg=earlier.leg.max() + 1)
    return pd.concat([earlier, own], ignore_index=True)


def ship(
    work: Path, name: str, target: Path, *, checkpoint: bool = False, earlier: Path | None = None,
    model: bool = True,
) -> Path:  # fmt: skip
    """Copy what a training made; return the model's place in ``target``, or else its record's.

    Parameters
    ----------
    work:
        Folder of a complete training.
    name:
        Stem of the files, e.g. ``reference`` or ``reference-seed2``.
    target:
        Folder of the models.
    checkpoint:
        Also ship the last checkpoint.
    earlier:
        Shipped curve of the training that this one went on from.
    model:
        Ship the model itself, not only how it was trained.

    Raises
    ------
    InputError
        If the training is not complete, or has no learning curve.
    """
    found, record = training.status(work), read_record(work)
    if found.model is None or not found.complete or found.curve is None:
        way = ("its time was up; train anew with --steps" if record["stopped_early"]
               else "finish the training first")  # fmt: skip
        raise InputError(f"{work}: {found.steps_done} of {found.steps} steps done and "
                         f"{'a' if found.model else 'no'} model of them; {way}")  # fmt: skip
    target.mkdir(parents=True, exist_ok=True)
    files = {
        f"{name}.curve.csv": "learning curve: errors on training and validation batches by step",
        f"{name}.input.json": "input of dp train",
        f"{name}.run.json": "settings, split, versions and sessions of the training",
    }
    if model:
        partial = target / f"part-{name}.pb"
        shutil.copyfile(found.model, partial)
        partial.replace(target / f"{name}.pb")
        made = "frozen and compressed" if record["compressed"] else "frozen"
        files[f"{name}.pb"] = f"{made} DeePMD-kit model (TensorFlow), types {' '.join(ELEMENTS)}"
    shutil.copyfile(work / "input.json", target / f"{name}.input.json")
    _ship_record(work / RUN, target / f"{name}.run.json")
    before = None if earlier is None else pd.read_csv(earlier)
    curve = whole_curve(found.curve.table(), before)
    curve = curve.round({c: 3 for c in curve.columns if c not in ("step", "learning_rate", "leg")})
    curve.to_csv(target / f"{name}.curve.csv", index=False)
    tables.list_results(
        target, title=f"model {name}", heading="Trained potentials",
        sources=["teacher labels of data/potential/labels"],
        command=f"python -m repro.potential.shipping --work WORK --name {shlex.quote(name)}"
                + ("" if model else " --curve-only"),
        parameters={"training": found.title, "steps": found.steps,
                    "train_frames": found.train_frames,
                    "validation_frames": found.validation_frames,
                    "labels_sha256": record.get("labels_sha256"),
                    "versions": record.get("versions")},
        seed=found.seed, wall_time_s=found.wall_time_s,
        files=files,
    )  # fmt: skip
    if checkpoint:
        _ship_checkpoint(work, name, target / (name + CHECKPOINT))
    return target / (f"{name}.pb" if model else f"{name}.run.json")


def _ship_record(source: Path, target: Path) -> None:
    """Copy a run's record without folders of this machine."""
    record = read_record(source.parent)
    shutil.copyfile(source, target)
    if record["settings"].get("init"):
        record["settings"]["init"] = portable(Path(record["settings"]["init"]))
        write_json(target, record)


def _ship_checkpoint(work: Path, name: str, folder: Path) -> None:
    """Copy the last checkpoint and what ``--init`` reads beside it; an older one goes."""
    step, prefix = dprun.checkpoints(work)[-1]
    wanted = [*sorted(f.name for f in work.glob(prefix + ".*")), "out.json", RUN]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in wanted:
        shutil.copyfile(work / file, folder / file)
    _ship_record(work / RUN, folder / RUN)
    found = training.status(work)
    data.write_manifest(
        folder, title=f"Checkpoint of {name} at step {step}", license="CC-BY-4.0",
        sources=["teacher labels of data/potential/labels"],
        command=f"python -m repro.potential.shipping --work WORK --name {shlex.quote(name)} --checkpoint",
        parameters={"training": found.title, "steps": step}, seed=found.seed,
        wall_time_s=found.wall_time_s,
        files={file: "TensorFlow checkpoint, DeePMD-kit's normalised input, or the run's record"
               for file in wanted},
    )  # fmt: skip


@plain_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.potential.shipping", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--work", type=Path, required=True, help="folder of the training")
    parser.add_argument("--name", required=True, help="stem of the files")
    parser.add_argument("--checkpoint", action="store_true", help="and what to train on from")
    parser.add_argument("--earlier", type=Path, help="shipped curve.csv of what it went on from")
    parser.add_argument("--curve-only", action="store_true", help="leave the model out")
    args = parser.parse_args(arguments)
    made = ship(args.work, args.name, paths.data_dir() / "potential" / "models",
                checkpoint=args.checkpoint, earlier=args.earlier, model=not args.curve_only)  # fmt: skip
    print(f"{made}: {data.sha256(made)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
