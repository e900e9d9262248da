"""Stress cycles of several seeds against their control, and the noise of a small cell."""

from __future__ import annotations

import numpy as np
import pytest

from repro.clay import stress_chapter as look
from repro.errors import InputError
from repro.md.logs import Thermo

NATOMS = 500


def legs(
    *, steps: tuple[float, ...], seed: int = 0, noise: float = 0.0, energy: float = 0.0
) -> list[Thermo]:
    """One leg per strain, which is reached at once; energies per atom rise leg by leg."""
    rng = np.random.default_rng(seed)
    made = []
    for k, strain in enumerate(steps):
        n = 200
        made.append(Thermo(columns={
            "Time": 0.05 * np.arange(n), "Pyz": np.zeros(n), "Pxz": np.zeros(n),
            "Yz": 20.0 * (strain + rng.normal(0, noise, n) if noise else np.full(n, strain)),
            "Xz": np.zeros(n), "Lz": np.full(n, 20.0), "Volume": np.full(n, 9000.0),
            "PotEng": np.full(n, -2000.0 + NATOMS * energy * k / 1000),
        }))  # fmt: skip
    # The strain is counted from the first row.
    made[0].columns["Yz"][0] = 0.0  # type: ignore[index]
    return made


def load(strains: dict[int, tuple[float, ...]], *, amplitude: float = 50.0, **more: float):  # type: ignore[no-untyped-def]
    return look.loaded({s: legs(steps=one, seed=s, **more) for s, one in strains.items()},
                       component="yz", amplitude_mpa=amplitude, natoms=NATOMS)  # fmt: skip


def test_what_is_left_after_each_cycle() -> None:
    one = load({1: (0.02, 0.01, 0.03, 0.015), 2: (0.02, 0.02, 0.03, 0.025)}, energy=0.5)
    assert one.residual().value == pytest.approx(0.02)
    assert one.residual().error == pytest.approx(0.005)
    assert one.residual(0).value == pytest.approx(0.015)
    assert one.energy().value == pytest.approx(1.5) and one.energy().error == pytest.approx(0.0)
    assert one.largest_energy() == pytest.approx(1.5)


def test_the_control_is_taken_off_seed_by_seed() -> None:
    loaded = load({1: (0.02, 0.010), 2: (0.02, 0.030), 3: (0.0, 0.5)})
    control = load({1: (0.0, 0.005), 2: (0.0, 0.025)}, amplitude=0.0)
    found = look.beyond(loaded, control)
    # Both seeds differ by 0.005; that they differ among each other does not matter.
    assert found.value == pytest.approx(0.005) and found.error == pytest.approx(0.0, abs=1e-12)


def test_a_wandering_cell_is_not_called_plastic() -> None:
    """Without any effect of the load, two errors are exceeded about as often as t says."""
    rng = np.random.default_rng(5)
    seen = []
    for _ in range(150):
        a, b = rng.normal(0, 0.01, (2, 3))
        loaded = load({s: (0.0, float(a[s])) for s in range(3)})
        control = load({s: (0.0, float(b[s])) for s in range(3)})
        e = look.beyond(loaded, control)
        seen.append(e.value > 2 * e.error)
    # Student's t with two degrees of freedom: 9 % lie above two.
    assert 0.02 < np.mean(seen) < 0.18


def test_the_table_says_what_is_beyond_the_control() -> None:
    loaded, control = load({1: (0.02, 0.01), 2: (0.02, 0.01)}), load({1: (0, 0.0), 2: (0, 0.0)})
    found = look.table({"50 MPa": loaded, "none": control}, control)
    assert found.loc[("50 MPa", 1), "beyond the control (%)"] == "1.00 ± 0.00"
    assert found.loc[("none", 1), "beyond the control (%)"] == ""
    assert found.loc[("50 MPa", 1), "strain under load (%)"] == "2.00 ± 0.00"
    alone = load({1: (0.02, 0.01)})
    assert look.table({"a": alone}, control).loc[("a", 1), "residual (%)"] == "1.00"


def test_noise_falls_with_time_and_size() -> None:
    rng = np.random.default_rng(1)
    n = 20000
    run = Thermo(columns={"Time": 0.05 * np.arange(n), "Pyz": rng.normal(0, 1000, n),
                          "Volume": np.full(n, 9000.0)})  # fmt: skip
    found = look.fluctuation(run, natoms=500)
    assert found.instant == pytest.approx(100.0, rel=0.03)
    # 201 independent rows in ten picoseconds.
    assert found.averaged == pytest.approx(100 / np.sqrt(201), rel=0.15)
    assert found.volume == 9000.0
    assert look.at_size(found, 5000) == pytest.approx(found.averaged / np.sqrt(10))


def test_what_cannot_be() -> None:
    one = load({1: (0.0, 0.0)})
    with pytest.raises(InputError, match="no seeds"):
        look.loaded({}, component="yz", amplitude_mpa=0.0, natoms=1)
    other = look.loaded({1: legs(steps=(0.0, 0.0))}, component="xz", amplitude_mpa=0.0, natoms=1)
    with pytest.raises(InputError, match="load on yz, control read on xz"):
        look.beyond(one, other)
    with pytest.raises(InputError, match=r"seeds \[1\] and \[2\]"):
        look.beyond(one, load({2: (0.0, 0.0)}))
    with pytest.raises(InputError, match="'zz'"):
        look.fluctuation(legs(steps=(0.0,))[0], natoms=1, component="zz")
    with pytest.raises(InputError, match="more than 20 ps"):
        look.fluctuation(legs(steps=(0.0,))[0], natoms=1, half_width=10.0)
    with pytest.raises(InputError, match="0 atoms"):
        look.at_size(look.Fluctuation(1, 1.0, 1.0, 1.0), 0)
