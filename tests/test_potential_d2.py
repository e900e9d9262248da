"""D2 dispersion: naive sums, a published coefficient, CP2K's own value, derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms, units
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import InputError
from repro.potential import d2

# Rattled GaCl3 cell (8 atoms) of a real CP2K run; its output says
# "Dispersion energy: -0.02615496805455" (Ha) with R_CUTOFF 25 angstrom.
CP2K_DISPERSION = -0.02615496805455
CELL = [[6.2508, -3.742995, 0.0], [6.2508, 3.742995, 0.0],
        [-4.416080269093135, 0.0, 5.995081495444937]]  # fmt: skip


def gacl3() -> Atoms:
    """Return the frame of the CP2K run."""
    from ase.spacegroup import crystal

    atoms = crystal(
        ["Ga", "Cl", "Cl", "Cl"],
        [(0.155251, 0.5, 0.084305), (0, 0.278747, 0), (0.186908, 0, 0.569365),
         (0.189436, 0.5, 0.835088)],
        spacegroup=12, cellpar=[12.5016, 7.48599, 7.44599, 90, 126.376, 90], primitive_cell=True,
    )  # fmt: skip
    atoms.rattle(0.08, seed=3)
    return atoms


def naive(atoms: Atoms, cutoff: float) -> float:
    """Return the D2 sum by five loops and Grimme's formula as printed."""
    reach = int(np.ceil(cutoff / min(atoms.cell.lengths()))) + 3
    total = 0.0
    c6 = {"Li": 1.61, "F": 0.75, "Cl": 5.07, "Ga": 16.99}
    r0 = {"Li": 0.825, "F": 1.287, "Cl": 1.639, "Ga": 1.650}
    for i, a in enumerate(atoms):
        for j, b in enumerate(atoms):
            for n1 in range(-reach, reach + 1):
                for n2 in range(-reach, reach + 1):
                    for n3 in range(-reach, reach + 1):
                        if i == j and n1 == n2 == n3 == 0:
                            continue
                        shift = np.array([n1, n2, n3]) @ atoms.cell.array
                        r = float(np.linalg.norm(b.position + shift - a.position))
                        if r >= cutoff:
                            continue
                        c = np.sqrt(c6[a.symbol] * c6[b.symbol]) * 1e6 * units.J / units.mol
                        damp = 1 / (1 + np.exp(-20 * (r / (r0[a.symbol] + r0[b.symbol]) - 1)))
                        total -= 0.5 * 0.75 * c / r**6 * damp
    return total


def small() -> Atoms:
    """Return three atoms in a skewed cell."""
    return Atoms("LiGaCl", positions=[[0.1, 0.2, 0.3], [2.0, 1.1, 2.6], [3.6, 2.9, 0.4]],
                 cell=[[4.4, 0.2, 0.1], [-0.5, 5.1, 0.3], [0.4, -0.2, 4.9]], pbc=True)  # fmt: skip


def test_energy_equals_the_naive_sum() -> None:
    atoms = small()
    ours = d2.dispersion(atoms, cutoff=9.0, with_tail=False).energy
    assert ours == pytest.approx(naive(atoms, 9.0), rel=1e-12)


def test_energy_agrees_with_cp2k() -> None:
    ours = d2.dispersion(gacl3(), cutoff=25.0).energy
    assert ours == pytest.approx(CP2K_DISPERSION * units.Hartree, rel=5e-4)


def test_c6_of_chlorine_is_grimmes_in_atomic_units() -> None:
    # 5.07 J nm^6/mol is 87.9 Ha bohr^6 (1 J nm^6/mol = 17.345 au).
    value = d2.c6("Cl") / (units.Hartree * units.Bohr**6)
    assert value == pytest.approx(5.07 * 17.3452, rel=1e-4)


def test_tail_makes_the_cutoff_harmless() -> None:
    atoms = small()
    far = d2.dispersion(atoms, cutoff=40.0)
    near = d2.dispersion(atoms, cutoff=15.0)
    cut = d2.dispersion(atoms, cutoff=15.0, with_tail=False)
    assert abs(near.energy - far.energy) < 0.15 * abs(cut.energy - far.energy)


def test_forces_are_minus_the_gradient() -> None:
    atoms, h = small(), 1e-4
    forces = d2.dispersion(atoms, cutoff=30.0).forces
    for i in range(3):
        for k in range(3):
            energy = []
            for sign in (1, -1):
                moved = atoms.copy()
                moved.positions[i, k] += sign * h
                energy.append(d2.dispersion(moved, cutoff=30.0).energy)
            # A cutoff leaves steps of about C6/Rc^6 where pairs cross it.
            assert forces[i, k] == pytest.approx(-(energy[0] - energy[1]) / (2 * h), abs=2e-4)


def test_stress_is_the_strain_derivative() -> None:
    atoms, h = small(), 1e-3
    stress = d2.dispersion(atoms, cutoff=30.0).stress
    assert stress == pytest.approx(stress.T, abs=1e-12)
    for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2)):
        energy = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[a, b] += sign * h / 2
            strain[b, a] += sign * h / 2
            moved = atoms.copy()
            moved.set_cell(atoms.cell.array @ strain, scale_atoms=True)
            energy.append(d2.dispersion(moved, cutoff=30.0).energy)
        slope = (energy[0] - energy[1]) / (2 * h) / atoms.get_volume()
        assert stress[a, b] == pytest.approx(slope, abs=2e-5)


@settings(max_examples=15, deadline=None)
@given(
    shift=st.tuples(*[st.floats(-8, 8)] * 3),
    repeat=st.tuples(*[st.integers(1, 2)] * 3),
)
def test_translation_and_repetition_change_nothing(
    shift: tuple[float, float, float], repeat: tuple[int, int, int]
) -> None:
    base = d2.dispersion(small(), cutoff=11.0)
    other = small()
    other.translate(shift)
    copies = int(np.prod(repeat))
    moved = d2.dispersion(other.repeat(repeat), cutoff=11.0)
    assert moved.energy == pytest.approx(copies * base.energy, rel=1e-9)
    assert moved.forces[:3] == pytest.approx(base.forces, abs=1e-9)
    assert moved.stress == pytest.approx(base.stress, abs=1e-10)


def test_dispersion_binds_and_pulls_inward() -> None:
    far = d2.dispersion(gacl3())
    assert far.energy < 0
    assert np.trace(far.stress) > 0, "attraction shows as tension in ASE's sign"
    assert np.abs(far.forces.sum(axis=0)).max() < 1e-10


@pytest.mark.parametrize(
    ("atoms", "cutoff", "message"),
    [
        (Atoms("Xe", cell=[5, 5, 5], pbc=True), 10.0, "element 'Xe'.*Cl, F, Ga, Li"),
        (Atoms("Li", cell=[5, 5, 5]), 10.0, "periodic in all three"),
        (Atoms("Li", cell=[5, 5, 5], pbc=True), 0.0, "cutoff 0.0.*positive"),
        (Atoms("Li", cell=[5, 5, 5], pbc=True), float("nan"), "cutoff nan"),
    ],
)
def test_bad_input(atoms: Atoms, cutoff: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        d2.dispersion(atoms, cutoff=cutoff)


def test_torch_dftd_agrees() -> None:
    dftd = pytest.importorskip(
        "torch_dftd.torch_dftd3_calculator", reason="needs the extra [labels] (torch-dftd)"
    )
    atoms = gacl3()
    atoms.calc = dftd.TorchDFTD3Calculator(old=True, xc="pbe", cutoff=25.0)
    ours = d2.dispersion(atoms, cutoff=25.0, with_tail=False)
    assert atoms.get_potential_energy() == pytest.approx(ours.energy, abs=1e-4)
    assert atoms.get_forces() == pytest.approx(ours.forces, abs=1e-4)
