"""One session of a training on its folder: prepare or take up, run, freeze.

The folder's ``run.json`` is written once everything else is there, and then every few
seconds, so a session can end anywhere and the next one goes on.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from repro import data, paths
from repro.errors import InputError
from repro.potential import ELEMENTS, compression, curves, dprun, presets, trainset
from repro.potential.curves import LearningCurve
from repro.potential.dprun import TrainingError
from repro.progress import duration

RUN, CURVE, MODEL = "run.json", "lcurve.out", "model.pb"
CHECKPOINT = "-checkpoint"  # ends the name of a shipped folder to start from


def read_record(work: Path) -> dict[str, Any]:
    """Return what ``run.json`` says.

    Raises
    ------
    InputError
        If it is missing or not a training's record.
    """
    try:
        record = json.loads((work / RUN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{work}: no training there ({RUN} is missing)") from None
    except ValueError as error:
        raise InputError(f"{work / RUN}: not JSON ({error}); the folder cannot be used") from None
    if not isinstance(record, dict) or "sessions" not in record:
        raise InputError(f"{work / RUN}: not the record of a training")
    return record


def write_json(file: Path, content: Any) -> None:
    """Write JSON so that the file is either the old one or the new one."""
    paths.write_text(file, json.dumps(content, indent=1) + "\n")


def curve_so_far(work: Path) -> LearningCurve:
    """Return the curve of a training, without rows if it has none yet."""
    file = work / CURVE
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return curves.parse(text, where=str(file))


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("deepmd-kit", "tensorflow", "tensorflow-cpu", "numpy"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


class Job:
    """One session on a locked folder."""

    def __init__(self, work: Path, lock: int, threads: int, progress: bool) -> None:
        self.work, self.lock, self.threads, self.progress = work, lock, threads, progress
        self.began = time.time()
        self.record: dict[str, Any] = {}
        self._said = self._noted = 0.0
        self._rows = 0

    def say(self, text: str) -> None:
        """Write a line of progress, if that is wanted."""
        if self.progress:
            print(text, file=sys.stderr, flush=True)

    def prepare(self, chosen: presets.Preset, settings: dict[str, Any], began: float,
                checkpoint_s: float, *, labels: Path | None, frames: Path | None,
                init: Path | None) -> None:  # fmt: skip
        """Write data, input and record; the record last, so that a kill leaves no half."""
        self.began = began
        start, sel = _start_point(init)
        extra = [] if frames is None else trainset.read_frames(frames)
        made = trainset.build(
            self.work, labels=labels, families=settings["families"],
            max_frames=settings["max_frames"], extra=extra,
            extra_share=settings["frames_share"] or 1.0,
            energy_of=_energies_of(init) if init is not None and extra else None)  # fmt: skip
        each = sel if sel is not None and len(sel) == len(ELEMENTS) else (1,) * len(ELEMENTS)
        unseen = [e for e, n in zip(ELEMENTS, each, strict=True)
                  if n == 0 and e in made.elements]  # fmt: skip
        if unseen:
            raise InputError(f"{init}: trained without {', '.join(unseen)}, which the new data "
                             "hold; start from a model that has seen them")  # fmt: skip
        common: dict[str, Any] = {
            "systems": made.train,
            "seed": settings["seed"],
            "sel": sel,
            "weights": made.weights,
        }
        steps, speed = chosen.steps, None
        if settings["minutes"]:
            steps, speed = self._steps_for(chosen, 60 * settings["minutes"], common)
        write_json(self.work / "input.json", presets.input_script(
            chosen, validation=made.validation, steps=steps, step_s=speed,
            checkpoint_s=checkpoint_s, **common))  # fmt: skip
        self.record = {
            "title": chosen.title, "settings": settings, "steps": steps,
            "train_frames": made.train_frames, "validation_frames": made.validation_frames,
            "split": trainset.SPLIT_RULE, "element_references_eV": made.references,
            "labels_sha256": None if labels is None else data.sha256(labels),
            "frames_sha256": None if frames is None else data.sha256(frames),
            "start": start and portable(Path(start)), "before": _before(init), "timed_seconds_per_step": speed, "versions": _versions(),
            "machine": data.machine(), "threads": self.threads, "sessions": [],
            "stopped_early": False, "model_step": None, "compressed": None,
        }  # fmt: skip
        write_json(self.work / RUN, self.record)

    def resume(self, settings: dict[str, Any]) -> None:
        """Take up the record of the folder; its options must be the same."""
        self.record = read_record(self.work)
        before = self.record["settings"]
        other = [key for key in settings if settings[key] != before.get(key)]
        if other:
            words = "; ".join(f"{k} was {before.get(k)}, is {settings[k]}" for k in other)
            raise InputError(f"{self.work}: holds a training with other options ({words}); give "
                             "the same ones to go on, or another folder")  # fmt: skip

    def _steps_for(self, chosen: presets.Preset, budget: float,
                   common: dict[str, Any]) -> tuple[int, float]:  # fmt: skip
        """Time a few steps; return how many fit in the budget, and seconds per step."""
        trial = self.work / "timing"
        shutil.rmtree(trial, ignore_errors=True)
        trial.mkdir()
        guess = presets.seconds_per_step(chosen.architecture)
        count = min(max(round(5 / guess), 12), 60)
        script = presets.input_script(chosen, steps=count, **common)
        systems = [f"../{name}" for name in common["systems"]]
        script["training"]["training_data"]["systems"] = systems
        script["training"] |= {"disp_freq": count // 4, "save_freq": count // 4 * 4}
        write_json(trial / "input.json", script)
        tic = time.time()
        self.say(f"timing {count} steps")
        dprun.run(["train", "input.json"], work=trial, lock=self.lock, threads=self.threads)
        took = time.time() - tic
        speed = dprun.step_seconds((trial / dprun.LOG).read_text(errors="replace"))
        if speed is None or not speed > 0:
            raise TrainingError(f"{trial / dprun.LOG}: no step times in it; give --steps instead")
        shutil.rmtree(trial)
        left = budget - (time.time() - self.began) - max(took - count * speed, 0.0)
        # Learning-curve rows and checkpoints cost about a tenth on top.
        steps = int(0.9 * left / speed)
        if steps < 10:
            raise InputError(f"minutes {budget / 60:g}: at {speed:.3g} s per step and "
                             f"{took:.0f} s to start, {max(steps, 0)} steps fit; give more "
                             "minutes, or a smaller preset")  # fmt: skip
        self.say(f"{1000 * speed:.0f} ms per step: {steps} steps")
        return steps, speed

    def run(self) -> None:
        """Train from the last checkpoint to the end, or to the end of the time given."""
        steps = self.record["steps"]
        saved = dprun.checkpoints(self.work)
        at, prefix = saved[-1] if saved else (0, "")
        if at >= steps or self.record["stopped_early"]:
            return
        dprun.prune_checkpoints(self.work)
        arguments = ["train", "input.json"]
        if prefix:
            arguments += ["--restart", prefix]
            self.say(f"going on at step {at} of {steps}")
            _trim(self.work / CURVE)
        elif self.record["start"]:
            # The record names no folder of this machine; the settings say what was given.
            arguments += [
                "--init-model",
                str(_start_point(Path(self.record["settings"]["init"]))[0]),
            ]
        self.record["sessions"].append({"from_step": at, "to_step": at, "wall_time_s": 0.0,
                                        "machine": data.machine()})  # fmt: skip
        self._rows = 0
        self._note(at, force=True)
        ended = dprun.run(arguments, work=self.work, lock=self.lock, threads=self.threads,
                          watch=lambda: self._watch(at, steps))  # fmt: skip
        saved = dprun.checkpoints(self.work)
        if not saved:
            raise TrainingError(f"{self.work}: dp left no checkpoint; its log is {dprun.LOG}")
        self.record["stopped_early"] = not ended
        self._note(saved[-1][0], force=True)

    def _watch(self, begun_at: int, steps: int) -> str | None:
        """Look at the curve; return why to stop, if so ("" for time being up)."""
        curve = curve_so_far(self.work)
        session = self.record["sessions"][-1]
        if len(curve.steps) > self._rows and curve.steps[-1] >= begun_at:
            self._rows = len(curve.steps)
            step = int(curve.steps[-1])
            session["to_step"] = step
            energy, force = curve.training.energy[-1], curve.training.force[-1]
            if not math.isfinite(energy + force):
                return (f"the loss is not finite at step {step} (energy error {energy:g} meV/atom, "
                        f"force error {force:g} meV/A). Begin in a new folder with a smaller "
                        "--start-lr, and look for a broken label.")  # fmt: skip
            self._line(curve, step, begun_at, steps)
        self._note(session["to_step"])
        minutes = self.record["settings"]["minutes"]
        spent = sum(s["wall_time_s"] for s in self.record["sessions"])
        if minutes and spent > 75 * minutes and dprun.checkpoints(self.work):
            self.say(f"time is up at step {session['to_step']} of {steps}")
            return ""
        return None

    def _line(self, curve: LearningCurve, step: int, begun_at: int, steps: int) -> None:
        now = time.time()
        if now - self._said < (2 if sys.stderr.isatty() else 15) and step < steps:
            return
        self._said = now
        source = curve.validation or curve.training
        rest = ""
        if step > begun_at:
            rest = f", {duration((now - self.began) * (steps - step) / (step - begun_at))} left"
        self.say(f"step {step}/{steps}: energy {source.energy[-1]:.1f} meV/atom, force "
                 f"{source.force[-1]:.0f} meV/A{rest}")  # fmt: skip

    def _note(self, step: int, *, force: bool = False) -> None:
        """Write down the time spent, every few seconds."""
        now = time.time()
        if force or now - self._noted > 3:
            self._noted = now
            self.record["sessions"][-1] |= {"to_step": step,
                                            "wall_time_s": round(now - self.began, 1)}  # fmt: skip
            write_json(self.work / RUN, self.record)

    def finish(self, *, compress: bool) -> Path:
        """Freeze the last checkpoint, compress it, and write that down."""
        self.record = self.record or read_record(self.work)
        saved = dprun.checkpoints(self.work)
        if not saved:
            raise InputError(f"{self.work}: no checkpoint yet, nothing to freeze")
        step, prefix = saved[-1]
        model = self.work / MODEL
        done = (self.record["model_step"], self.record["compressed"])
        if done == (step, compress) and model.exists():
            return model
        self.say("freezing" + (" and compressing" if compress else ""))
        ready, part = self.work / "frozen.pb", self.work / "part-model.pb"
        dprun.run(["freeze", "-c", prefix, "-o", ready.name], work=self.work, lock=self.lock)
        if compress:
            dprun.run(["compress", "-i", ready.name, "-o", part.name], work=self.work,
                      lock=self.lock)  # fmt: skip
            same = compression.check(ready, part, self.work / trainset.TRAIN)
            self.record["compression_changed"] = {"energy_meV_per_atom": same.energy,
                                                  "force_meV_per_A": same.force}  # fmt: skip
        else:
            shutil.copyfile(ready, part)
        part.replace(model)
        self.record |= {"model_step": step, "compressed": compress}
        write_json(self.work / RUN, self.record)
        return model


def portable(file: Path) -> str:
    """Return a path below the repository as seen from its root, of others the last two parts."""
    full = file.resolve()
    if full.is_relative_to(paths.root()):
        return full.relative_to(paths.root()).as_posix()
    return Path("WORK", *full.parts[-2:]).as_posix()


def _before(init: Path | None) -> list[dict[str, Any]]:
    """Return the trainings that a start point has behind it, the first one first."""
    if init is None or not (init / RUN).is_file():
        return []
    record = read_record(init)
    settings = record["settings"]
    own = {key: settings.get(key) for key in ("preset", "seed", "start_lr", "stop_lr", "batch")}
    own |= {key: record.get(key) for key in ("steps", "train_frames", "labels_sha256", "machine")}
    own["wall_time_s"] = round(sum(s["wall_time_s"] for s in record["sessions"]), 1)
    return [*record.get("before", []), own]


def _trim(file: Path) -> None:
    """Cut off a last line that a killed writer left without its end."""
    content = file.read_bytes() if file.exists() else b""
    end = content.rfind(b"\n") + 1
    if end < len(content):
        os.truncate(file, end)


def _start_point(init: Path | None) -> tuple[str | None, list[int] | None]:
    """Return the checkpoint to start from and its ``sel``, which new data must not change."""
    if init is None:
        return None, None
    saved = dprun.checkpoints(init)
    out = init / "out.json"
    if not saved or not out.is_file():
        raise InputError(f"{init}: no checkpoint with its out.json there; --init takes the folder "
                         "of a training")  # fmt: skip
    sel = json.loads(out.read_text(encoding="utf-8"))["model"]["descriptor"]["sel"]
    # se_atten_v2 has one number for all elements, the others one for each.
    return str(init.resolve() / saved[-1][1]), [int(n) for n in np.atleast_1d(sel)]


def _energies_of(init: Path) -> Callable[[Any], float]:
    """Return the energies a trained model gives to frames."""
    model = init / MODEL
    if init.name.endswith(CHECKPOINT):  # a shipped one; its model lies beside it
        model = init.with_name(init.name.removesuffix(CHECKPOINT) + ".pb")
    if not model.is_file():
        raise InputError(f"{model}: no such file; freeze that training first "
                         f"(python -m repro.potential.training freeze --work {init})")  # fmt: skip
    calculator = importlib.import_module("deepmd.calculator").DP(model=str(model))

    def energy(frame: Any) -> float:
        copy = frame.copy()
        copy.calc = calculator
        return float(copy.get_potential_energy())

    return energy
