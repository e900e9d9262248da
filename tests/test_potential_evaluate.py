"""Predictions, error tables, bootstraps, parity and the tables' manifest."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from repro import data
from repro.errors import DataError, InputError
from repro.potential import ELEMENTS, evaluate_cli, export, frames, tables
from repro.potential.evaluate import (
    Shift,
    composition,
    contributions,
    error_records,
    error_table,
    errors,
    fit_shift,
    parity,
    summarise,
)
from repro.potential.predictions import (
    EV_PER_A3_IN_GPA,
    Prediction,
    load_model,
    predict,
    predict_ase,
    reference,
)

Floats = NDArray[np.float64]


def make(name: str, *, seed: int = 0, symbols: str = "LiFClGa", **info: Any) -> Atoms:
    """Return a frame with random labels."""
    rng = np.random.default_rng(seed)
    count = len(Atoms(symbols))
    atoms = Atoms(symbols, positions=rng.uniform(0, 5, (count, 3)),
                  cell=rng.normal(size=(3, 3)) + 6 * np.eye(3), pbc=True)  # fmt: skip
    stress = rng.normal(size=(3, 3), scale=0.01)
    known = {"frame_id": name, "family": "one", "kind": "crystal", "origin": "md"} | info
    return frames.labelled(atoms, energy=float(rng.normal()), forces=rng.normal(size=(count, 3)),
                           stress=stress + stress.T, info=known)  # fmt: skip


class Springs:
    """A stand-in for DeepPot: every atom tied to the origin, strength by type.

    Its virial is made up (a known function of the positions), which is all that
    the conversion to stresses needs.
    """

    def __init__(self, order: Sequence[str] = ("Ga", "Cl", "F", "Li")) -> None:
        self.order = list(order)
        self.calls: list[int] = []

    def get_type_map(self) -> list[str]:
        return self.order

    def strength(self, symbols: Sequence[str]) -> Floats:
        return np.array([1.0 + ELEMENTS.index(s) for s in symbols])

    def eval(self, coords: Floats, cells: Floats, atom_types: list[int]) -> tuple[Any, ...]:
        self.calls.append(len(coords))
        assert coords.shape == (len(coords), 3 * len(atom_types)) and cells.shape[1] == 9
        k = self.strength([self.order[t] for t in atom_types])[None, :, None]
        x = coords.reshape(len(coords), -1, 3)
        energy = (0.5 * k * x**2).sum(axis=(1, 2))[:, None]
        virial = np.einsum("fia,fib->fab", x, x * np.array([1.0, 2.0, 3.0]))
        return energy, -k * x, virial.reshape(-1, 9)


def off_by(given: Sequence[Atoms], *, energy: float = 0.0, force: float = 0.0,
           stress: float = 0.0, scale: float = 1.0) -> Prediction:  # fmt: skip
    """Return the labels shifted by constants, forces times ``scale``."""
    true = reference(given)
    return Prediction(
        true.energies + energy,
        tuple(scale * f + force for f in true.forces),
        true.stresses + stress,
    )


def test_predict_orders_types_and_converts_the_virial() -> None:
    some = [make("a", seed=1), make("b", seed=2, symbols="Li2F3"), make("c", seed=3)]
    model = Springs()
    found = predict(model, some)
    for i, frame in enumerate(some):
        k = model.strength(frame.get_chemical_symbols())[:, None]
        x = frame.positions
        assert found.energies[i] == pytest.approx((0.5 * k * x**2).sum())
        assert found.forces[i] == pytest.approx(-k * x)
        virial = np.einsum("ia,ib->ab", x, x * np.array([1.0, 2.0, 3.0]))
        stress = -0.5 * (virial + virial.T) / frame.get_volume()
        voigt = [stress[0, 0], stress[1, 1], stress[2, 2], stress[1, 2], stress[0, 2], stress[0, 1]]
        assert found.stresses[i] == pytest.approx(voigt)
    assert sorted(model.calls) == [1, 2]  # frames of equal atoms go together


def test_predict_in_batches_gives_the_same() -> None:
    some = [make(str(i), seed=i) for i in range(7)]
    model = Springs()
    one, many = predict(model, some, batch=2), predict(Springs(), some)
    assert model.calls == [2, 2, 2, 1]
    assert one.energies == pytest.approx(many.energies)
    assert one.stresses == pytest.approx(many.stresses)


def test_predict_ase_agrees_with_a_calculator() -> None:
    from ase.build import bulk
    from ase.calculators.emt import EMT

    copper = bulk("Cu", cubic=True) * (1, 1, 2)
    copper.rattle(0.1, seed=1)
    found = predict_ase(EMT(), [copper])
    copper.calc = EMT()
    assert found.energies[0] == pytest.approx(copper.get_potential_energy())
    assert found.forces[0] == pytest.approx(copper.get_forces())
    assert found.stresses[0] == pytest.approx(copper.get_stress())


def test_predict_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no frames"):
        predict(Springs(), [])
    with pytest.raises(InputError, match="no frames"):
        predict_ase(None, [])
    with pytest.raises(InputError, match="batch 0"):
        predict(Springs(), [make("a")], batch=0)
    with pytest.raises(InputError, match=r"a: holds Cl; the model knows Ga, F, Li"):
        predict(Springs(("Ga", "F", "Li")), [make("a")])
    with pytest.raises(InputError, match=r"gone\.pb: no such model"):
        load_model(tmp_path / "gone.pb")
    with pytest.raises(InputError, match="carries no energy"):
        reference([Atoms("Li", cell=[1, 1, 1], pbc=True)])

    class Broken(Springs):
        def eval(self, coords: Floats, cells: Floats, atom_types: list[int]) -> tuple[Any, ...]:
            e, f, v = super().eval(coords, cells, atom_types)
            return e * np.nan, f, v

    with pytest.raises(InputError, match="a: energy, forces or stress are not finite"):
        predict(Broken(), [make("a")])


def test_errors_of_constant_offsets() -> None:
    some = [make(str(i), seed=i) for i in range(6)]
    found = errors(some, off_by(some, energy=0.04, force=0.03, stress=0.001))
    assert found.frames == found.energy_frames == 6
    assert found.atoms == 24
    assert found.energy_rmse.value == pytest.approx(10.0)  # 0.04 eV over 4 atoms
    assert found.force_rmse.value == pytest.approx(30.0)
    assert found.stress_rmse.value == pytest.approx(0.001 * EV_PER_A3_IN_GPA)
    # Stress is tension: more of it is less pressure.
    assert found.pressure_difference.value == pytest.approx(-0.001 * EV_PER_A3_IN_GPA)
    for item in (found.energy_rmse, found.force_rmse, found.stress_rmse):
        assert item.low == pytest.approx(item.value) and item.high == pytest.approx(item.value)


def test_slope_is_that_of_the_forces() -> None:
    some = [make(str(i), seed=i) for i in range(6)]
    assert errors(some, off_by(some, scale=0.9)).force_slope.value == pytest.approx(0.9)
    assert errors(some, off_by(some)).force_rmse.value == 0.0


def test_errors_against_a_naive_computation() -> None:
    some = [make(str(i), seed=i, symbols=s) for i, s in enumerate(["LiF", "Li2Cl2", "GaF3"] * 3)]
    said = predict(Springs(), some)
    found = errors(some, said)
    energies, forces, labels, stresses = [], [], [], []
    for i, frame in enumerate(some):
        energies.append((said.energies[i] - frame.get_potential_energy()) / len(frame))
        for j in range(len(frame)):
            for k in range(3):
                forces.append(said.forces[i][j][k])
                labels.append(frame.get_forces()[j][k])
        stresses += list(said.stresses[i] - frame.get_stress())
    off = np.array(forces) - np.array(labels)
    assert found.energy_rmse.value == pytest.approx(1000 * np.sqrt(np.mean(np.square(energies))))
    assert found.force_rmse.value == pytest.approx(1000 * np.sqrt(np.mean(off**2)))
    assert found.stress_rmse.value == pytest.approx(
        EV_PER_A3_IN_GPA * np.sqrt(np.mean(np.square(stresses)))
    )
    slope = np.linalg.lstsq(np.array(labels)[:, None], np.array(forces), rcond=None)[0][0]
    assert found.force_slope.value == pytest.approx(slope)
    assert found.force_rms_reference == pytest.approx(1000 * np.sqrt(np.mean(np.square(labels))))


def test_bootstrap_of_a_mean_has_the_known_width() -> None:
    """The mean of n values of spread s has the standard error s / sqrt(n)."""
    rng = np.random.default_rng(3)
    values = rng.normal(loc=2.0, scale=0.5, size=400)
    rows = np.zeros((400, 9))
    rows[:, 0], rows[:, 2], rows[:, 7], rows[:, 8] = 1, 3, 1, 1
    rows[:, 5] = values
    found = summarise(rows, resamples=4000).pressure_difference
    assert found.value == pytest.approx(values.mean())
    half = 1.96 * values.std() / np.sqrt(400)
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_bootstrap_covers_the_truth_as_often_as_it_says() -> None:
    hits, trials = 0, 200
    for trial in range(trials):
        rng = np.random.default_rng(trial)
        rows = np.zeros((60, 9))
        rows[:, 0], rows[:, 2], rows[:, 7], rows[:, 8] = 1, 300, 1, 100
        rows[:, 3] = (rng.normal(scale=50.0, size=(60, 300)) ** 2).sum(axis=1)
        found = summarise(rows, resamples=300, seed=trial).force_rmse
        hits += found.low <= 50.0 <= found.high
    # 95 % of 200, less the known shortfall of percentile intervals at 60 frames.
    assert 0.88 * trials <= hits <= 0.99 * trials


def test_bootstrap_against_resampling_by_hand() -> None:
    some = [make(str(i), seed=i) for i in range(12)]
    rows = contributions(some, predict(Springs(), some), reference(some))
    found = summarise(rows, resamples=3000, seed=5).force_rmse
    rng = np.random.default_rng(11)
    drawn = []
    for _ in range(3000):
        own = rows[rng.integers(0, 12, 12)]
        drawn.append(np.sqrt(own[:, 3].sum() / own[:, 2].sum()))
    low, high = np.percentile(drawn, [2.5, 97.5])
    width = high - low
    assert found.low == pytest.approx(low, abs=0.06 * width)
    assert found.high == pytest.approx(high, abs=0.06 * width)


def test_seed_fixes_the_interval_and_one_frame_has_none() -> None:
    some = [make(str(i), seed=i) for i in range(8)]
    said = predict(Springs(), some)
    assert errors(some, said, seed=2) == errors(some, said, seed=2)
    assert errors(some, said, seed=2).force_rmse != errors(some, said, seed=3).force_rmse
    single = errors(some[:1], predict(Springs(), some[:1]))
    assert np.isfinite(single.force_rmse.value) and np.isnan(single.force_rmse.low)
    with pytest.raises(InputError, match="no frames"):
        summarise(np.zeros((0, 9)))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.floats(0.01, 100.0))
def test_errors_scale_with_the_error(count: int, factor: float) -> None:
    some = [make(str(i), seed=i) for i in range(count)]
    true = reference(some)
    rng = np.random.default_rng(count)
    noise = [rng.normal(size=f.shape) for f in true.forces]

    def with_noise(by: float) -> Prediction:
        forces = tuple(f + by * n for f, n in zip(true.forces, noise, strict=True))
        return Prediction(true.energies, forces, true.stresses)

    one, more = errors(some, with_noise(1.0)), errors(some, with_noise(factor))
    assert more.force_rmse.value == pytest.approx(factor * one.force_rmse.value, rel=1e-6)
    assert more.force_rmse.high == pytest.approx(factor * one.force_rmse.high, rel=1e-6)
    assert one.force_rmse.low <= one.force_rmse.high


def test_table_has_every_group_and_split_once() -> None:
    some = [
        make("a", seed=1, family="LiF", kind="crystal", origin="static"),
        make("b", seed=2, family="LiF", kind="crystal", origin="md"),
        make("c", seed=3, family="slab", kind="slab", origin="active-1"),
        make("d", seed=4, family="melt", kind="melt", origin="md"),
    ]
    sides = {"a": "train", "b": "validation", "c": "train", "d": "train"}
    said = predict(Springs(), some)
    table = error_table(some, said, split=lambda f: sides[f.info["frame_id"]], resamples=20)
    keys = [(row.by, row.group, row.split) for row in table]
    assert len(keys) == len(set(keys))
    assert {k for k in keys if k[0] == "overall"} == {
        ("overall", "overall", s) for s in ("all", "train", "validation")
    }
    assert ("origin", "active-1", "train") in keys and ("origin", "static", "all") in keys
    assert ("family", "melt", "validation") not in keys
    found = {key: row.errors for key, row in zip(keys, table, strict=True)}
    assert found["family", "LiF", "all"].frames == 2
    naive = errors([some[1], some[3]], predict(Springs(), [some[1], some[3]]), resamples=0)
    assert found["origin", "md", "all"].force_rmse.value == pytest.approx(naive.force_rmse.value)
    # Squares add up over the kinds.
    total = sum(found["kind", k, "all"].force_rmse.value ** 2 * found["kind", k, "all"].atoms
                for k in ("crystal", "slab", "melt"))  # fmt: skip
    assert found["overall", "overall", "all"].force_rmse.value ** 2 * 16 == pytest.approx(total)


def test_records_name_units_and_leave_blanks() -> None:
    some = [make("a", seed=1)]
    table = error_table(some, predict(Springs(), some), split=lambda f: "train", resamples=20)
    record = error_records(table, model="m", against="teacher", source="computed")[0]
    assert record["force_rmse_meV_per_A"] and record["force_rmse_meV_per_A_low"] == ""
    assert {"energy_rmse_meV_per_atom", "stress_rmse_GPa_high", "pressure_difference_GPa",
            "force_slope_low", "frames", "note", "source"} <= set(record)  # fmt: skip


def neutral(count: int, *, seed: int = 0) -> list[Atoms]:
    """Return frames of salts: LiCl, LiF, GaF3 and GaCl2 units, so all four elements differ."""
    rng = np.random.default_rng(seed)
    units = ["LiCl", "LiF", "GaF3", "GaCl2"]
    return [make(str(i), seed=i, symbols=units[i % 4] + units[int(rng.integers(4))])
            for i in range(count)]  # fmt: skip


def test_shift_is_found_and_taken_out() -> None:
    some = neutral(12)
    each = np.array([-3.0, 5.0, 7.0, -11.0])
    difference = composition(some) @ each
    shift = fit_shift(some, difference)
    assert shift is not None and shift.frames == 12 and len(shift.basis) == 4
    assert shift.per_element == pytest.approx(each)
    rows = contributions(some, off_by(some), reference(some), shift=np.zeros(12))
    assert summarise(rows).energy_rmse.value == 0.0
    said = Prediction(reference(some).energies + difference, reference(some).forces,
                      reference(some).stresses)  # fmt: skip
    rows = contributions(some, said, reference(some), shift=shift.apply(composition(some)))
    assert summarise(rows).energy_rmse.value == pytest.approx(0.0, abs=1e-6)


def test_shift_says_nothing_of_compositions_it_never_met() -> None:
    salts = [make(str(i), seed=i, symbols=s) for i, s in enumerate(["LiCl", "LiF"] * 5)]
    shift = fit_shift(salts, composition(salts) @ np.array([1.0, 2.0, 3.0, 4.0]))
    assert shift is not None and len(shift.basis) == 2
    out = shift.apply(
        composition([salts[0], make("x", symbols="GaF3"), make("y", symbols="Li2ClF")])
    )
    assert out[0] == pytest.approx(4.0) and np.isnan(out[1]) and out[2] == pytest.approx(7.0)
    rows = contributions(salts[:2], off_by(salts[:2], energy=1.0), reference(salts[:2]),
                         shift=np.array([1.0, np.nan]))  # fmt: skip
    found = summarise(rows)
    assert found.energy_frames == 1 and found.energy_rmse.value == pytest.approx(0.0, abs=1e-9)


def test_too_few_frames_fix_no_shift() -> None:
    some = neutral(7)
    assert fit_shift(some, np.zeros(7)) is None
    none = summarise(contributions(some, off_by(some), reference(some), shift=np.full(7, np.nan)))
    assert none.energy_frames == 0 and np.isnan(none.energy_rmse.value)
    assert none.force_rmse.value == 0.0


def dft_frames(count: int) -> list[Atoms]:
    some = neutral(count)
    for i, frame in enumerate(some):
        frame.info["held_out"] = i % 3 == 0
    return some


def test_dft_energies_are_shifted_by_the_free_frames_alone() -> None:
    some = dft_frames(18)
    each = np.array([1.0, -2.0, 0.5, 9.0])
    offset = composition(some) @ each
    held = np.array([bool(f.info["held_out"]) for f in some])
    # Held-out frames are off by 6 meV/atom more; a shift fitted on them would hide it.
    offset = offset + held * 0.006 * composition(some).sum(axis=1)
    true = reference(some)
    said = Prediction(true.energies + offset, true.forces, true.stresses)
    records = evaluate_cli.against_dft(said, some, name="m")
    rows = {r["split"]: r for r in records if r["by"] == "overall"}
    assert float(rows["held-out"]["energy_rmse_meV_per_atom"]) == pytest.approx(6.0, abs=1e-3)
    assert float(rows["other"]["energy_rmse_meV_per_atom"]) == pytest.approx(0.0, abs=1e-3)
    assert "12 frames that are not held out" in rows["all"]["note"]
    assert {s: int(r["frames"]) for s, r in rows.items()} == {"all": 18, "held-out": 6, "other": 12}


def test_dft_with_few_frames_says_so() -> None:
    some = dft_frames(6)
    records = evaluate_cli.against_dft(off_by(some, force=0.05), some, name="m")
    overall = next(r for r in records if r["by"] == "overall" and r["split"] == "held-out")
    assert overall["energy_rmse_meV_per_atom"] == ""
    assert overall["force_rmse_meV_per_A"] == "50"
    assert "no energies: 4 frames that are not held out, 8 needed" in overall["note"]


def test_parity_is_thinned_by_family_and_true_to_the_data() -> None:
    some = [make(f"a{i}", seed=i, family="a") for i in range(20)]
    some += [make(f"b{i}", seed=50 + i, family="b", symbols="LiF") for i in range(2)]
    said = off_by(some, force=0.25, energy=0.4, stress=0.01)
    rows = parity(some, said, split=lambda f: "train", points=30)
    count = {(f, q): sum(r["family"] == f and r["quantity"] == q for r in rows)
             for f in "ab" for q in ("force", "energy", "pressure")}  # fmt: skip
    assert count == {("a", "force"): 30, ("a", "energy"): 10, ("a", "pressure"): 10,
                     ("b", "force"): 12, ("b", "energy"): 2, ("b", "pressure"): 2}  # fmt: skip
    gap = {"force": 0.25, "pressure": -0.01 * EV_PER_A3_IN_GPA}
    for row in rows:
        off = float(row["predicted"]) - float(row["reference"])
        size = 4 if row["family"] == "a" else 2
        assert off == pytest.approx(gap.get(row["quantity"], 0.4 / size), abs=2e-5)
    assert rows == parity(some, said, split=lambda f: "train", points=30)
    assert rows != parity(some, said, split=lambda f: "train", points=30, seed=2)


def test_contributions_refuse_unlike_shapes() -> None:
    some = [make("a")]
    true = reference(some)
    bad = Prediction(true.energies, (true.forces[0][:2],), true.stresses)
    with pytest.raises(InputError, match=r"a: predicted forces have shape \(2, 3\)"):
        contributions(some, bad, true)


def test_shift_is_a_value() -> None:
    shift = Shift(np.ones(4), np.eye(4), 9)
    assert shift.apply(np.array([[1.0, 1, 0, 0]])) == pytest.approx([2.0])


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small data/potential with labels of two families and DFT frames."""
    monkeypatch.setenv("REPRO_ROOT", str(tmp_path))
    base = tmp_path / "data" / "potential"
    extra = {"temperature_K": 300.0, "volume_scale": 1.0, "label_s": 1.0}
    families = {
        "LiF": [make(f"LiF/v{i:04d}", seed=i, symbols="Li2F2", family="LiF", **extra) for i in range(9)],
        "melt": [make(f"melt/v{i:04d}", seed=20 + i, family="melt", kind="melt", **extra)
                 for i in range(6)],
    }  # fmt: skip
    for name, family in families.items():
        for frame in family:
            frames.append_frame(tmp_path / "work" / "shards" / f"{name}.extxyz", frame)
    export.export_labels(tmp_path / "work", base / "labels")
    frames.write_atomic(base / "dft" / "frames.extxyz", dft_frames(6))
    data.write_manifest(base / "dft", title="t", license="l", sources=[], command="c",
                        parameters={}, seed=None, wall_time_s=0.0,
                        files={"frames.extxyz": "frames"})  # fmt: skip
    return base


def test_labels_come_back_with_their_tables(shipped: Path) -> None:
    found = export.load_labels()
    assert len(found) == 15
    assert found[0].info["frame_id"] == "LiF/v0000" and found[-1].info["kind"] == "melt"
    first = make("LiF/v0000", seed=0, symbols="Li2F2")
    assert found[0].get_forces() == pytest.approx(first.get_forces(), abs=1e-6)
    assert found[0].get_stress() == pytest.approx(first.get_stress(), abs=1e-6)
    assert len(export.load_labels(families=["melt"], every=4)) == 2
    with pytest.raises(InputError, match=r"family 'LiX': not in the labels, which hold LiF, melt"):
        export.load_labels(families=["LiX"])


def test_command_line_writes_tables_and_one_manifest(
    shipped: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = tmp_path / "model.pb"
    model.write_bytes(b"stand-in")
    monkeypatch.setattr(evaluate_cli, "load_model", lambda file: Springs())
    monkeypatch.setattr("repro.potential.predictions.load_model", lambda file: Springs())
    results = shipped / "results"
    assert evaluate_cli.main(["student", "--model", str(model), "--name", "try"]) == 0
    assert "15 frames" in capsys.readouterr().out
    assert evaluate_cli.main(["dft", "--model", str(model), "--name", "try"]) == 0
    said = capsys.readouterr().out
    assert "held-out" in said and "no energies: 4 frames" in said
    names = {"errors_try.csv", "parity_try.csv", "errors_dft_try.csv"}
    content = json.loads((results / "manifest.json").read_text())
    assert set(content["files"]) == names
    assert set(content["parameters"]) == {"student try", "dft try"}
    assert "evaluate_cli dft --model" in content["parameters"]["dft try"]["command"]
    with open(data.path("potential/results/errors_try.csv"), newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = export.load_labels()
    naive = errors(found, predict(Springs(), found))
    overall = next(r for r in rows if r["by"] == "overall" and r["split"] == "all")
    assert float(overall["force_rmse_meV_per_A"]) == pytest.approx(naive.force_rmse.value, rel=1e-4)
    split = {r["split"]: int(r["frames"]) for r in rows if r["by"] == "overall"}
    assert split["all"] == 15 == sum(v for k, v in split.items() if k != "all")


def test_split_is_that_of_the_training_sets() -> None:
    from repro.potential.trainset import in_validation

    names = [f"LiCl/v{i:04d}" for i in range(300)]
    sides = [evaluate_cli.training_split(make(n)) for n in names]
    assert sides == ["validation" if in_validation(n) else "train" for n in names]
    assert 30 < sides.count("validation") < 90


def test_command_line_says_what_is_wrong(
    shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate_cli.main(["student", "--model", str(tmp_path / "gone.pb")]) == 1
    assert "gone.pb: no such model" in capsys.readouterr().err
    (tmp_path / "m.pb").write_bytes(b"stand-in")
    assert evaluate_cli.main(["student", "--model", str(tmp_path / "m.pb"), "--points", "1"]) == 1
    assert "--points 1: expected 3 or more" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        evaluate_cli.main(["dft"])
    with pytest.raises(SystemExit):
        evaluate_cli.main(["dft", "--model", "a", "--teacher", "7net-0"])
    capsys.readouterr()


def test_results_keep_each_others_files(tmp_path: Path) -> None:
    def add(title: str, name: str, text: str) -> None:
        tables.write_table(tmp_path / name, [{"a": text}])
        tables.list_results(tmp_path, title=title, command="c", sources=["s"], parameters={"x": text},
                            seed=1, wall_time_s=2.0, files={name: f"about {name}"})  # fmt: skip

    add("one", "one.csv", "1")
    add("two", "two.csv", "2")
    add("one", "one.csv", "3")
    content = data.manifest(tmp_path)
    assert set(content["files"]) == {"one.csv", "two.csv"}
    assert content["parameters"]["one"]["x"] == "3" and content["wall_time_s"] == 4.0
    assert content["sources"] == ["s"]
    assert content["files"]["one.csv"]["sha256"] == data.sha256(tmp_path / "one.csv")
    (tmp_path / "two.csv").unlink()
    add("one", "one.csv", "4")
    assert set(data.manifest(tmp_path)["files"]) == {"one.csv"}
    with pytest.raises(InputError, match="no rows"):
        tables.write_table(tmp_path / "x.csv", [])
    with pytest.raises(DataError, match="not there"):
        tables.list_results(tmp_path, title="t", command="c", sources=[], parameters={}, seed=None,
                            wall_time_s=0.0, files={"gone.csv": "x"})  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (np.int64(4), "4"), (1.23456789, "1.2346"), (np.nan, ""), (np.inf, ""), (0.0, "0")],
)
def test_tidy(value: float, text: str) -> None:
    assert tables.tidy(value) == text
