"""Train a potential with DeePMD-kit: resumable, watched, frozen and compressed.

    python -m repro.potential.training run --preset reference --work WORK --steps 60000
    python -m repro.potential.training run --preset class --work WORK --minutes 2
    python -m repro.potential.training status --work WORK
    python -m repro.potential.training freeze --work WORK

WORK gets ``train.hdf5`` and ``validation.hdf5`` (80/20 by frame id, see
:data:`repro.potential.trainset.SPLIT_RULE`), ``input.json``, ``lcurve.out``,
``train.log``, ``run.json`` and in the end ``model.pb``.  Start the same command again
after any stop, kill -9 included: it goes on from the last checkpoint, at most about a
minute of work behind, on the data it began with.

``--minutes M`` is for equal wall time: a few dozen steps are timed first, and steps
chosen so that the last one, with the learning rate fully decayed, falls M minutes
after the command began (timing and start included; freezing and compressing, some
20 s, come on top).  If the machine slows down, training is stopped at 1.25 M with the
last checkpoint, and ``run.json`` says so.

Fine-tuning: ``--init OTHER_WORK --frames data/potential/dft/frames.extxyz``.  Frames
held out are left out, energies are brought to the zero of the first model.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from repro import data
from repro.commands import plain_errors, resumable
from repro.errors import InputError
from repro.potential import dprun, presets
from repro.potential.curves import LearningCurve
from repro.potential.dprun import TrainingError
from repro.potential.trainjob import MODEL, RUN, Job, curve_so_far, read_record
from repro.progress import duration

_SAVED = ("pref_e", "pref_f", "pref_v", "start_lr", "stop_lr", "batch")


@dataclass(frozen=True)
class Training:
    """A training and what came of it.

    Attributes
    ----------
    title:
        The preset, and what was changed of it.
    work:
        Its folder.
    model:
        The frozen, and if asked for compressed, model of the last checkpoint; None before the
        end, and where only an earlier checkpoint was frozen.
    steps, steps_done:
        Steps asked for, and those behind the model or the last checkpoint.
    wall_time_s:
        Seconds over all sessions, from the start of preparation to the last step.
    seed:
        Its seed.
    train_frames, validation_frames:
        Frames on either side.
    curve:
        Learning curve; None if there is no row yet.
    """

    title: str
    work: Path
    model: Path | None
    steps: int
    steps_done: int
    wall_time_s: float
    seed: int
    train_frames: int
    validation_frames: int
    curve: LearningCurve | None

    @property
    def complete(self) -> bool:
        """Whether all steps were made and there is a model."""
        return self.model is not None and self.steps_done >= self.steps


def train(
    *,
    preset: str,
    work: Path | str,
    labels: Path | str | None = None,
    use_labels: bool = True,
    frames: Path | str | None = None,
    frames_share: float = 0.5,
    init: Path | str | None = None,
    families: Sequence[str] | None = None,
    max_frames: int | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    seed: int = 1,
    compress: bool = True,
    threads: int = 1,
    checkpoint_s: float = presets.CHECKPOINT_SECONDS,
    progress: bool = True,
    **overrides: Any,
) -> Training:
    """Train, or go on training, and return the result.

    Parameters
    ----------
    preset:
        Name in :data:`repro.potential.presets.PRESETS`, or ``scan:NAME``.
    work:
        Folder of this training alone.
    labels:
        Label file with ``frames.csv`` beside it; the shipped one if None.
    use_labels:
        False trains on ``frames`` alone.
    frames, frames_share:
        extxyz with DFT frames (held-out ones are left out), and their share of the
        batches where there are labels too.
    init:
        Folder of a finished training of the same architecture to start from.
    families, max_frames:
        Train on these families only; on at most so many label frames.
    steps, minutes:
        One of them; the preset's steps if neither is given.
    seed:
        Of weights and batches.  The split into training and validation has none.
    compress:
        Compress the frozen model.
    threads:
        Cores.
    checkpoint_s:
        Seconds between checkpoints, about.
    progress:
        Write lines with the time left to stderr.
    overrides:
        ``start_lr``, ``stop_lr``, ``batch``, ``pref_e``, ``pref_f``, ``pref_v``.

    Raises
    ------
    InputError
        If an option is wrong, or ``work`` holds a training with other options.
    TrainingError
        If ``dp`` fails, the loss is not finite, or the disk is full.
    """
    began = time.time()
    folder = Path(work).resolve()
    for key in overrides:
        if key not in _SAVED:
            raise InputError(f"no setting {key!r} to override; there are {', '.join(_SAVED)}")
    if steps is not None and minutes is not None:
        raise InputError("steps and minutes: give one of them")
    if minutes is not None and not 0 < minutes < math.inf:
        raise InputError(f"minutes {minutes}, expected more than 0")
    if not use_labels and frames is None:
        raise InputError("no labels and no frames: nothing to train on")
    chosen = presets.override(presets.preset(preset), steps=steps, **overrides)
    settings = json.loads(json.dumps({
        "preset": preset, "architecture": asdict(chosen.architecture),
        **{key: getattr(chosen, key) for key in _SAVED}, "minutes": minutes,
        "steps": None if minutes else chosen.steps, "seed": seed, "families": families,
        "max_frames": max_frames, "use_labels": use_labels,
        "frames": frames and str(frames), "frames_share": frames_share if frames else None,
        "init": init and str(init),
    }))  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    dprun.check_space(folder)
    try:
        with dprun.locked(folder) as lock:
            job = Job(folder, lock, threads, progress)
            if (folder / RUN).exists():
                job.resume(settings)
            else:
                job.prepare(chosen, settings, began, checkpoint_s,
                            labels=_label_file(labels) if use_labels else None,
                            frames=None if frames is None else Path(frames),
                            init=None if init is None else Path(init))  # fmt: skip
            job.run()
            job.finish(compress=compress)
    except OSError as error:
        raise TrainingError(f"{folder}: {error.strerror or error}"
                            + ("; make room and start again" if error.errno == 28 else "")
                            ) from None  # fmt: skip
    return status(folder)


def status(work: Path | str) -> Training:
    """Return how a training stands.

    Raises
    ------
    InputError
        If there is none in the folder.
    """
    folder = Path(work).resolve()
    record = read_record(folder)
    curve = curve_so_far(folder)
    saved = dprun.checkpoints(folder)
    behind = saved[-1][0] if saved else 0
    model, frozen_at = folder / MODEL, record["model_step"] or -1
    return Training(
        title=record["title"], work=folder,
        model=model if model.exists() and frozen_at >= behind else None,
        steps=record["steps"], steps_done=max(frozen_at, behind),
        wall_time_s=sum(s["wall_time_s"] for s in record["sessions"]),
        seed=record["settings"]["seed"], train_frames=record["train_frames"],
        validation_frames=record["validation_frames"],
        curve=curve if len(curve.steps) else None,
    )  # fmt: skip


def freeze(work: Path | str, *, compress: bool = True) -> Path:
    """Freeze, and compress, the last checkpoint of a training that is not running.

    Raises
    ------
    InputError
        If there is no training, or no checkpoint yet.
    TrainingError
        If ``dp`` fails, or the training is running.
    """
    folder = Path(work).resolve()
    read_record(folder)
    with dprun.locked(folder) as lock:
        return Job(folder, lock, 1, False).finish(compress=compress)


def _label_file(labels: Path | str | None) -> Path:
    if labels is not None:
        file = Path(labels).resolve()
        if not file.is_file():
            raise InputError(f"{labels}: no such file; labels come from "
                             "python -m repro.potential.export labels")  # fmt: skip
        return file
    data.path("potential/labels/frames.csv")
    return data.path("potential/labels/labels.hdf5")


def build_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.potential.training", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train, or go on")
    run.add_argument("--preset", required=True, help="paper, reference, class or scan:NAME")
    run.add_argument("--labels", type=Path, help="labels.hdf5 (the shipped one)")
    run.add_argument("--no-labels", action="store_true", help="train on --frames alone")
    run.add_argument("--frames", type=Path, help="extxyz of DFT frames to train on besides")
    run.add_argument("--frames-share", type=float, default=0.5,
                     help="share of the batches from --frames (0.5)")  # fmt: skip
    run.add_argument("--init", type=Path, help="folder of a training to start from")
    run.add_argument("--families", nargs="+", help="only these families")
    run.add_argument("--max-frames", type=int, help="at most so many label frames")
    run.add_argument("--steps", type=int, help="training steps (the preset's)")
    run.add_argument("--minutes", type=float, help="wall time instead of steps")
    run.add_argument("--seed", type=int, default=1, help="random seed (1)")
    run.add_argument("--threads", type=int, default=1, help="cores (1)")
    run.add_argument("--checkpoint-s", type=float, default=presets.CHECKPOINT_SECONDS,
                     help="seconds between checkpoints, about (60)")  # fmt: skip
    run.add_argument("--start-lr", type=float)
    run.add_argument("--stop-lr", type=float)
    run.add_argument("--batch", help="batch size as DeePMD-kit takes it, e.g. auto:60")
    for letter, word in (("e", "energy"), ("f", "force"), ("v", "virial")):
        run.add_argument(f"--pref-{letter}", type=float, nargs=2, metavar=("START", "END"),
                         help=f"{word} prefactor of the loss")  # fmt: skip
    for name in ("run", "freeze"):
        command = run if name == "run" else commands.add_parser(name, help="freeze the last state")
        command.add_argument("--compress", action=argparse.BooleanOptionalAction, default=True,
                             help="compress the model (yes)")  # fmt: skip
    commands.add_parser("status", help="how a training stands")
    for command in commands.choices.values():
        command.add_argument("--work", type=Path, required=True, help="folder of the training")
    return parser


def _summary(training: Training) -> str:
    lines = [f"{training.title}, seed {training.seed}: step {training.steps_done} of "
             f"{training.steps}, {duration(training.wall_time_s)}, {training.train_frames} + "
             f"{training.validation_frames} frames"]  # fmt: skip
    if training.curve is not None:
        last = training.curve.tail()
        side = "training" if training.curve.validation is None else "validation"
        lines.append(f"last tenth of the curve, {side}: energy {last.energy[0]:.1f} meV/atom, "
                     f"force {last.force[0]:.0f} meV/A")  # fmt: skip
    lines.append(f"model: {training.model or 'not yet'}")
    return "\n".join(lines)


@plain_errors
@resumable
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = build_parser().parse_args(arguments)
    if args.command == "status":
        print(_summary(status(args.work)))
        print("running" if dprun.is_running(args.work) else "not running")
    elif args.command == "freeze":
        print(freeze(args.work, compress=args.compress))
    else:
        given = {key: getattr(args, key) for key in _SAVED if getattr(args, key) is not None}
        if "batch" in given and given["batch"].isdigit():
            given["batch"] = int(given["batch"])
        print(_summary(train(
            preset=args.preset, work=args.work, labels=args.labels,
            use_labels=not args.no_labels, frames=args.frames,
            frames_share=args.frames_share, init=args.init, families=args.families,
            max_frames=args.max_frames, steps=args.steps, minutes=args.minutes,
            seed=args.seed, compress=args.compress, threads=args.threads,
            checkpoint_s=args.checkpoint_s, **given)))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
