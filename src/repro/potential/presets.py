"""Which networks are trained, and how: presets and their DeePMD-kit input.

A :class:`Preset` is an :class:`Architecture` with everything else that a training
needs.  :func:`input_script` turns it into the ``input.json`` of DeePMD-kit 3.2
(TensorFlow backend).  Lengths are in angstrom, learning rates per step of Adam.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

from repro.errors import InputError, did_you_mean
from repro.potential import ELEMENTS
from repro.potential.architectures import Architecture, descriptor, type_vector

CHECKPOINT_SECONDS = 60.0
# One loss pair: prefactor at the start, and where the learning rate has gone to zero.
Pair = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """An architecture with its loss, learning rate, steps and batches.

    Attributes
    ----------
    name:
        Its key.
    architecture:
        The networks.
    pref_e, pref_f, pref_v:
        Loss prefactors of energy, force and virial at the start and at the end;
        in between they follow the learning rate.  (0, 0) leaves a term out.
    start_lr, stop_lr:
        Learning rate at the first and the last step.
    steps:
        Steps of the full training.
    decay_steps:
        The learning rate falls once in so many steps of the full training; a
        shorter training has as many falls, at closer distances.
    batch:
        DeePMD-kit's batch size; ``auto:N`` takes frames until N atoms are reached.
    """

    name: str
    architecture: Architecture
    pref_e: Pair
    pref_f: Pair
    pref_v: Pair
    start_lr: float
    stop_lr: float
    steps: int
    decay_steps: int
    batch: str | int

    def __post_init__(self) -> None:
        if not 0 < self.stop_lr <= self.start_lr:
            raise InputError(f"{self.name}: stop_lr {self.stop_lr:g}, expected more than 0 and no "
                             f"more than start_lr {self.start_lr:g}")  # fmt: skip
        for key in ("pref_e", "pref_f", "pref_v"):
            pair = getattr(self, key)
            if len(pair) != 2 or not all(0 <= p < float("inf") for p in pair):
                raise InputError(f"{self.name}: {key} {pair}, expected two finite numbers >= 0")
        if self.steps < 1 or self.decay_steps < 1:
            raise InputError(f"{self.name}: steps {self.steps} and decay_steps {self.decay_steps}, "
                             "expected 1 or more")  # fmt: skip

    @property
    def title(self) -> str:
        """The preset's name, and in words what was changed in its loss, if anything."""
        known = PRESETS.get(self.name)
        if known is None:
            return self.name
        changed = [
            f"{word} prefactor {getattr(self, key)[0]:g} to {getattr(self, key)[1]:g}"
            for key, word in (("pref_e", "energy"), ("pref_f", "force"), ("pref_v", "virial"))
            if getattr(self, key) != getattr(known, key)
        ]
        if known.architecture != self.architecture:
            changed.insert(0, f"architecture {self.architecture.name}")
        return self.name + (f" with {', '.join(changed)}" if changed else "")


# The paper's Methods give: se_e2_a in DeePMD-kit 2.1.5, neuron (24, 48, 96), fitting
# (240, 240, 240), rcut 9 A, rcut_smth 5.5 A, p_e 0.02 to 1, p_f 1000 to 1, exponential
# decay from 1e-3 every 5000 steps, 8e5 steps.  They leave unsaid, and we take:
# * axis_neuron: 16, DeePMD-kit's worked example (the default is 4);
# * stop_lr: 3.51e-8, from the same example, whose other numbers (start_lr 1e-3, decay
#   5000, both prefactors) are the paper's.  DeePMD-kit 2.1.5 has lr(t) = start_lr *
#   r^(t // decay_steps) with r = (stop_lr / start_lr)^(decay_steps / steps); 3.2 has the
#   same in its stepped form, which is the default.  Without stop_lr 2.x would take 1e-8
#   and 3.2 takes 5e-8, so it must be said;
# * sel: "auto", the most neighbours met, and a tenth more;
# * precision: DeePMD-kit's default, float64;  * type_one_side: False, the default;
# * batch: "auto", frames until 32 atoms, the default;
# * virial: energies and forces are the only terms the loss names, so no virial.
_PAPER = Architecture(rcut=9.0, rcut_smth=5.5, neuron=(24, 48, 96), axis_neuron=16,
                      fitting=(240, 240, 240), precision="default",
                      type_one_side=False)  # fmt: skip
# Five angstrom and one embedding network for all elements: what a laptop trains furthest
# in a given time (data/potential/results/pareto.csv).
_REFERENCE = Architecture(rcut=5.0, rcut_smth=2.0, neuron=(16, 32, 64), axis_neuron=8,
                          fitting=(120, 120, 120), descriptor="se_atten_v2")  # fmt: skip
_CLASS = Architecture(rcut=6.0, rcut_smth=2.0, neuron=(8, 16, 32), axis_neuron=4,
                      fitting=(64, 64, 64))  # fmt: skip
_WIDE = Architecture(rcut=6.0, rcut_smth=2.0, neuron=(16, 32, 64), axis_neuron=8,
                     fitting=(120, 120, 120))  # fmt: skip

# Why not the paper's loss for our own: with forces down to 1 and no virial a student's
# density was far off in a trial (issue 3); the force prefactor ends at 10 since most of
# what the book measures follows from forces and stress.  Energy and virial end higher
# than 1: in one trial of seven minutes, which also took one frame a step in place of
# two, the energy error went from 30 to 17 meV/atom, that of the stress from 0.52 to
# 0.49 GPa, and that of the forces up by 6 %.  The two changes were not taken apart.
_OWN_LOSS: dict[str, Pair] = {"pref_e": (0.2, 20.0), "pref_f": (1000.0, 10.0),
                              "pref_v": (0.2, 5.0)}  # fmt: skip

PRESETS: dict[str, Preset] = {
    "paper": Preset(
        name="paper", architecture=_PAPER, pref_e=(0.02, 1.0), pref_f=(1000.0, 1.0),
        pref_v=(0.0, 0.0), start_lr=1e-3, stop_lr=3.51e-8, steps=800_000, decay_steps=5000,
        batch="auto",
    ),
    # One frame a step: in one trial of equal time (old loss) 218 meV/A in place of 235.
    "reference": Preset(
        name="reference", architecture=_REFERENCE, **_OWN_LOSS, start_lr=2e-3, stop_lr=1e-5,
        steps=400_000, decay_steps=2000, batch="auto:30",
    ),
    "class": Preset(
        name="class", architecture=_CLASS, **_OWN_LOSS, start_lr=2e-3, stop_lr=2e-6,
        steps=2_000, decay_steps=10, batch="auto:60",
    ),
}  # fmt: skip

# The Pareto scan of speed against force error: from small to the paper's, by steps of one
# or two things; all but that one in float32 with type_one_side.
SCAN: dict[str, Architecture] = {
    "reference": _REFERENCE,
    "types-slim": replace(_REFERENCE, neuron=(8, 16, 32)),
    "types-6A": replace(_REFERENCE, rcut=6.0),
    "class": _CLASS,
    "class-5A": replace(_CLASS, rcut=5.0),
    "wide": _WIDE,
    "wide-7A": replace(_WIDE, rcut=7.0),
    "paper-nets-6A": replace(_WIDE, neuron=(24, 48, 96), fitting=(240, 240, 240)),
    "paper": _PAPER,
}  # fmt: skip


def preset(name: str) -> Preset:
    """Return a preset by name, or the reference's training of a ``scan:NAME`` architecture.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name.startswith("scan:"):
        key = name.removeprefix("scan:")
        if key not in SCAN:
            raise InputError(f"no architecture {key!r} in the scan{did_you_mean(key, SCAN)}; "
                             f"there are {', '.join(SCAN)}")  # fmt: skip
        return replace(PRESETS["reference"], name=name, architecture=SCAN[key])
    if name not in PRESETS:
        raise InputError(f"no preset {name!r}{did_you_mean(name, PRESETS)}; there are "
                         f"{', '.join(PRESETS)}, and scan:NAME with {', '.join(SCAN)}")  # fmt: skip
    return PRESETS[name]


def seconds_per_step(architecture: Architecture) -> float:
    """Return a rough training time per step on one core, in seconds.

    Counts multiplications of the embedding over padded neighbours and of the fitting
    network; scaled to a measured 40 ms of the class preset (60 atoms per batch, one
    shared core).  Good within a factor of three: it only spaces the checkpoints.
    """

    def products(widths: Sequence[int]) -> int:
        return sum(a * b for a, b in pairwise(widths))

    # 220 is the padded count that sel "auto" gave at 6 A on our labels.
    padded = 220 if architecture.descriptor == "se_e2_a" else 150
    neighbours = padded * (architecture.rcut / 6.0) ** 3
    last = architecture.neuron[-1]
    per_atom = neighbours * (products((1, *architecture.neuron)) + 4 * last) + products(
        (architecture.axis_neuron * last, *architecture.fitting)
    )
    double = 1.0 if architecture.precision == "float32" else 2.0
    return 2.4e-7 * double * per_atom


def input_script(
    chosen: Preset,
    *,
    systems: Sequence[str],
    validation: Sequence[str] = (),
    steps: int | None = None,
    seed: int = 1,
    sel: Sequence[int] | None = None,
    weights: Sequence[float] | None = None,
    checkpoint_s: float = CHECKPOINT_SECONDS,
    step_s: float | None = None,
) -> dict[str, Any]:
    """Return the input of ``dp train`` (DeePMD-kit 3.2, TensorFlow backend).

    Parameters
    ----------
    chosen:
        The preset, with what :func:`override` changed.
    systems, validation:
        Data systems in DeePMD's sense; without validation systems the learning
        curve holds training errors only.
    steps:
        Training steps, the preset's if None.  The learning rate reaches ``stop_lr`` at the last one
        whatever their number: a short training has the whole decay.
    seed:
        Seeds of descriptor, fitting network and batches derive from it.
    sel:
        Most neighbours per element (``se_atten_v2``: of all, one number); found from
        the data if None.
    weights:
        Relative weight of each training system; by its number of batches if None.
    checkpoint_s, step_s:
        Wanted seconds between checkpoints, and seconds per step (estimated if None).

    Raises
    ------
    InputError
        If there is no training system, or a value is out of range.
    """
    if not systems:
        raise InputError("no training systems: expected one or more")
    if weights is not None and len(weights) != len(systems):
        raise InputError(f"{len(weights)} weights for {len(systems)} systems: expected one each")
    new = override(chosen, steps=steps)
    networks = new.architecture
    display = min(max(new.steps // 100, 1), 500)
    step_s = step_s or seconds_per_step(networks)
    # DeePMD-kit saves only at steps where it also writes the learning curve.
    save = display * max(round(checkpoint_s / step_s / display), 1)
    training: dict[str, Any] = {
        "training_data": {"systems": list(systems), "batch_size": new.batch,
                          "auto_prob": "prob_sys_size"},
        "numb_steps": new.steps, "seed": 3 * seed + 2, "disp_file": "lcurve.out",
        "disp_freq": display, "save_freq": save, "save_ckpt": "model.ckpt", "max_ckpt_keep": 3,
    }  # fmt: skip
    if weights is not None:
        training["training_data"]["sys_probs"] = [w / sum(weights) for w in weights]
    if validation:
        training["validation_data"] = {"systems": list(validation), "batch_size": new.batch,
                                       "numb_btch": 4}  # fmt: skip
    elements: dict[str, Any] = {"type_map": list(ELEMENTS)}
    if networks.descriptor == "se_atten_v2":
        elements["type_embedding"] = {"neuron": [type_vector(networks)], "seed": 3 * seed,
                                      "precision": networks.precision}  # fmt: skip
    return {
        "model": elements | {
            "descriptor": descriptor(networks, sel, 3 * seed),
            "fitting_net": {"neuron": list(networks.fitting), "resnet_dt": True,
                            "precision": networks.precision, "seed": 3 * seed + 1},
        },
        "learning_rate": {"type": "exp", "start_lr": new.start_lr, "stop_lr": new.stop_lr,
                          "decay_steps": new.decay_steps},
        "loss": {
            "type": "ener",
            "start_pref_e": new.pref_e[0], "limit_pref_e": new.pref_e[1],
            "start_pref_f": new.pref_f[0], "limit_pref_f": new.pref_f[1],
            "start_pref_v": new.pref_v[0], "limit_pref_v": new.pref_v[1],
        },
        "training": training,
    }  # fmt: skip


def override(chosen: Preset, **values: Any) -> Preset:
    """Return a preset with some values replaced; None leaves a value as it is.

    New ``steps`` bring new ``decay_steps``, so that the number of decays stays.

    Raises
    ------
    InputError
        If a name is unknown or a value out of range.
    """
    known = set(asdict(chosen)) - {"name"}
    for key in values:
        if key not in known:
            raise InputError(f"no setting {key!r}{did_you_mean(key, known)}")
    new: Mapping[str, Any] = {k: v for k, v in values.items() if v is not None}
    steps = new.get("steps")
    if steps is not None and steps != chosen.steps and "decay_steps" not in new:
        new = {**new, "decay_steps": max(1, round(chosen.decay_steps * steps / chosen.steps))}
    return replace(chosen, **new)
