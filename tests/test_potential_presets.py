"""Presets and the DeePMD-kit input they give."""

from __future__ import annotations

import copy
import math
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.potential import presets
from repro.potential.architectures import Architecture, type_vector
from repro.potential.presets import PRESETS, SCAN, input_script

EVERY = [*PRESETS, *(f"scan:{name}" for name in SCAN)]


def script(name: str = "class", **options: Any) -> dict[str, Any]:
    return input_script(presets.preset(name), systems=["train.hdf5#/LiCl"], **options)


@pytest.mark.parametrize("name", EVERY)
def test_the_input_passes_deepmds_own_check(name: str) -> None:
    argcheck = pytest.importorskip("deepmd.utils.argcheck")
    made = script(name, validation=["validation.hdf5#/LiCl"], steps=1000)
    normal = argcheck.normalize(copy.deepcopy(made))
    for section in ("model", "learning_rate", "loss", "training"):
        for key, value in made[section].items():
            if not isinstance(value, dict):
                assert normal[section][key] == value, f"{section}.{key}"
    assert normal["model"]["descriptor"]["neuron"] == made["model"]["descriptor"]["neuron"]
    assert normal["training"]["validation_data"]["numb_btch"] == 4


def test_deepmds_check_is_strict_enough_to_trust() -> None:
    argcheck = pytest.importorskip("deepmd.utils.argcheck")
    made = script()
    made["model"]["descriptor"]["rcut_smooth"] = 1.0
    with pytest.raises(Exception, match="rcut_smooth"):
        argcheck.normalize(made)


def test_paper_is_what_the_methods_say() -> None:
    made = input_script(PRESETS["paper"], systems=["a"])
    descriptor, fitting = made["model"]["descriptor"], made["model"]["fitting_net"]
    assert descriptor["type"] == "se_e2_a"
    assert (descriptor["rcut"], descriptor["rcut_smth"]) == (9.0, 5.5)
    assert descriptor["neuron"] == [24, 48, 96]
    assert fitting["neuron"] == [240, 240, 240]
    rate = made["learning_rate"]
    assert (rate["type"], rate["start_lr"], rate["decay_steps"]) == ("exp", 1e-3, 5000)
    assert made["training"]["numb_steps"] == 800_000
    loss = made["loss"]
    assert (loss["start_pref_e"], loss["limit_pref_e"]) == (0.02, 1)
    assert (loss["start_pref_f"], loss["limit_pref_f"]) == (1000, 1)
    assert (loss["start_pref_v"], loss["limit_pref_v"]) == (0, 0), "energy and force only"
    assert PRESETS["paper"].title == "paper"


def test_todays_decay_is_that_of_version_2() -> None:
    """lr(t) = start r^(t // decay), r = (stop/start)^(decay/steps), as in DeePMD-kit 2.1.5."""
    rates = pytest.importorskip("deepmd.dpmodel.utils.learning_rate")
    settings = input_script(PRESETS["paper"], systems=["a"])["learning_rate"]
    settings.pop("type")
    now = rates.LearningRateExp(num_steps=800_000, **settings)
    rate = (settings["stop_lr"] / 1e-3) ** (5000 / 800_000)
    for step in (0, 4999, 5000, 123_456, 799_999, 800_000):
        assert float(now.value(step)) == pytest.approx(1e-3 * rate ** (step // 5000), rel=1e-6)
    assert float(now.value(800_000)) == pytest.approx(3.51e-8, rel=1e-6)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("steps", [60, 3000, 777])
def test_any_number_of_steps_has_the_whole_decay(name: str, steps: int) -> None:
    rates = pytest.importorskip("deepmd.dpmodel.utils.learning_rate")
    settings = script(name, steps=steps)["learning_rate"]
    settings.pop("type")
    law = rates.LearningRateExp(num_steps=steps, **settings)
    assert float(law.value(0)) == pytest.approx(settings["start_lr"])
    # Within one fall of the staircase.
    assert float(law.value(steps)) <= settings["stop_lr"] / law.decay_rate * 1.001


def test_the_papers_networks_on_our_loss_are_named_as_such() -> None:
    new = presets.override(PRESETS["paper"], pref_v=(0.02, 1.0), steps=8000)
    assert new.title == "paper with virial prefactor 0.02 to 1"
    assert new.decay_steps == 50
    made = input_script(new, systems=["a"])
    assert made["loss"]["limit_pref_v"] == 1.0
    assert made["learning_rate"]["decay_steps"] == 50
    other = replace(PRESETS["paper"], architecture=SCAN["class"])
    assert "architecture r6-8x16x32-a4-f64x64x64-float32" in other.title


def test_own_presets_have_the_virial_and_can_be_compressed() -> None:
    for name in ("reference", "class"):
        assert min(PRESETS[name].pref_v) > 0
    for name, architecture in SCAN.items():
        ratios = [b / a for a, b in zip(architecture.neuron, architecture.neuron[1:], strict=False)]
        assert all(ratio in (1, 2) for ratio in ratios), name


def test_the_scan_is_wide_enough() -> None:
    assert len(SCAN) >= 6
    assert len(set(SCAN.values())) == len(SCAN), "no architecture twice"
    assert SCAN["paper"] == PRESETS["paper"].architecture
    assert SCAN["reference"] == PRESETS["reference"].architecture
    for key in ("rcut", "neuron", "axis_neuron", "fitting"):
        assert len({getattr(a, key) for a in SCAN.values()}) > 1, key
    assert presets.preset("scan:paper").pref_v == PRESETS["reference"].pref_v
    assert presets.preset("scan:paper").architecture == SCAN["paper"]


def test_saving_falls_on_steps_that_are_displayed() -> None:
    for name in EVERY:
        for steps in (1, 60, 5000, 800_000):
            training = script(name, steps=steps)["training"]
            assert training["save_freq"] % training["disp_freq"] == 0
            assert 1 <= training["disp_freq"] <= 500
    made = script(steps=10_000, checkpoint_s=60, step_s=0.04)["training"]
    assert made["save_freq"] * 0.04 == pytest.approx(60, rel=0.05)


def test_step_estimate_orders_the_scan() -> None:
    guess = {name: presets.seconds_per_step(a) for name, a in SCAN.items()}
    assert guess["class"] == pytest.approx(0.04, rel=0.25), "the measured one"
    assert guess["class-5A"] < guess["class"] < guess["wide"] < guess["wide-7A"] < guess["paper"]


def test_seeds_differ_and_derive_from_one() -> None:
    def seeds(number: int) -> tuple[int, int, int]:
        made = script(seed=number)
        return (made["model"]["descriptor"]["seed"], made["model"]["fitting_net"]["seed"],
                made["training"]["seed"])  # fmt: skip

    assert seeds(1) == seeds(1)
    assert len({n for number in range(4) for n in seeds(number)}) == 12


def test_weights_are_normalised() -> None:
    made = input_script(PRESETS["class"], systems=["a", "b"], weights=[3, 1])
    assert made["training"]["training_data"]["sys_probs"] == [0.75, 0.25]
    with pytest.raises(InputError, match="1 weights for 2 systems"):
        input_script(PRESETS["class"], systems=["a", "b"], weights=[3])


def test_without_validation_there_is_no_empty_section() -> None:
    assert "validation_data" not in script()["training"]
    with pytest.raises(InputError, match="no training systems"):
        input_script(PRESETS["class"], systems=[])


def test_sel_can_be_given() -> None:
    assert script()["model"]["descriptor"]["sel"] == "auto"
    assert script(sel=[1, 2, 3, 4])["model"]["descriptor"]["sel"] == [1, 2, 3, 4]


@pytest.mark.parametrize(("change", "message"), [
    ({"rcut_smth": 6.0}, "rcut_smth 6.0 A, expected 0 <= rcut_smth < rcut = 6.0"),
    ({"rcut_smth": -1.0}, "rcut_smth -1.0"),
    ({"rcut": math.nan}, "rcut_smth"),
    ({"axis_neuron": 33}, "axis_neuron 33, expected 1 to the last embedding width 32"),
    ({"axis_neuron": 0}, "axis_neuron 0"),
    ({"neuron": ()}, r"neuron \(\)"),
    ({"fitting": (0, 8)}, "widths of 1 or more"),
    ({"precision": "half"}, "'half', expected float32"),
])  # fmt: skip
def test_bad_architectures(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(SCAN["class"], **change)


@pytest.mark.parametrize(("change", "message"), [
    ({"stop_lr": 0.0}, "stop_lr 0, expected more than 0"),
    ({"stop_lr": 1.0}, "no more than start_lr"),
    ({"start_lr": math.nan}, "start_lr nan"),
    ({"pref_v": (-1.0, 1.0)}, "pref_v"),
    ({"pref_f": (math.inf, 1.0)}, "pref_f"),
    ({"steps": 0}, "steps 0"),
    ({"stepps": 3}, "no setting 'stepps'.*did you mean 'steps'"),
    ({"name": "x"}, "no setting 'name'"),
])  # fmt: skip
def test_bad_overrides(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        presets.override(PRESETS["class"], **change)


def test_unknown_presets() -> None:
    with pytest.raises(InputError, match=r"no preset 'refrence'.*did you mean 'reference'"):
        presets.preset("refrence")
    with pytest.raises(InputError, match="no architecture 'nope' in the scan"):
        presets.preset("scan:nope")


def test_presets_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        PRESETS["paper"].steps = 1  # type: ignore[misc]


@settings(deadline=None)
@given(st.integers(1, 2_000_000))
def test_overridden_steps_keep_the_number_of_decays(steps: int) -> None:
    new = presets.override(PRESETS["paper"], steps=steps)
    assert new.steps == steps
    if steps >= 160 * 20:
        assert new.steps / new.decay_steps == pytest.approx(160, rel=0.03)


def test_names_tell_architectures_apart() -> None:
    assert len({a.name for a in SCAN.values()}) == len(SCAN)
    assert isinstance(SCAN["paper"], Architecture)
    assert SCAN["paper"].name == "r9-24x48x96-a16-f240x240x240-default-pairs"


def test_the_descriptor_that_shares_its_network() -> None:
    made = script("scan:types-slim")["model"]["descriptor"]
    assert (made["type"], made["attn_layer"]) == ("se_atten_v2", 0), "else it cannot be compressed"
    assert "type_one_side" not in made
    assert script("scan:types-slim", sel=[98])["model"]["descriptor"]["sel"] == 98
    # Elements share one list of neighbours: more of them fit in fewer places.
    one, other = SCAN["types-slim"], replace(SCAN["types-slim"], descriptor="se_e2_a")
    assert one.name.endswith("-types") and one.name != other.name
    assert presets.seconds_per_step(one) < presets.seconds_per_step(other)
    with pytest.raises(InputError, match=r"descriptor 'se_e3', expected one of se_e2_a"):
        replace(one, descriptor="se_e3")


@pytest.mark.parametrize("name", [n for n, a in SCAN.items() if a.descriptor == "se_atten_v2"])
def test_no_shortcut_that_compression_forgets(name: str) -> None:
    (length,) = script(f"scan:{name}")["model"]["type_embedding"]["neuron"]
    assert SCAN[name].neuron[0] not in (2 * length, 4 * length)
    for first in range(1, 65):
        length = type_vector(replace(SCAN[name], neuron=(first,), axis_neuron=1))
        assert first not in (2 * length, 4 * length)
    assert "type_embedding" not in script("scan:class")["model"]
