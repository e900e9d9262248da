"""Layers that take the strain, planted."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from helpers_clay import CL, LI, F, Floats, salt, scrambled
from scipy.stats import spearmanr

from repro.clay import layers, nonaffine, shear_plots, zones_chapter
from repro.clay.zones_chapter import Interval
from repro.errors import InputError
from repro.figures import new_figure

CELL = np.diag([20.0, 22.0, 52.0])


def sheared(atoms: Atoms, *, band: bool, strain: float = 0.01, seed: int = 0) -> Atoms:
    """Shear on yz: everywhere alike, or all of it in the quarter of the cell around z = 3/8."""
    after = atoms.copy()
    cell = atoms.cell.array.copy()
    cell[2, 1] += strain * cell[2, 2]
    after.set_cell(cell)
    s = atoms.get_scaled_positions(wrap=False)
    image, z = np.floor(s[:, 2]), s[:, 2] % 1
    done = np.clip((z - 0.25) * 4, 0, 1) if band else z
    after.positions[:, 1] += strain * CELL[2, 2] * (image + done)
    after.positions += np.random.default_rng(seed).normal(scale=0.01, size=(len(atoms), 3))
    return after


def run(*, band: bool, frames: int = 7, count: int = 1600) -> list[Interval]:
    every = [scrambled(salt(count, cell=CELL), 3)]
    for k in range(1, frames):
        every.append(sheared(every[-1], band=band, seed=k))
    for k, frame in enumerate(every):
        frame.info["strain"] = 0.01 * k
    return list(zones_chapter.intervals(every, threshold=40.0))


def test_every_slab_of_an_even_shear_takes_the_strain_imposed() -> None:
    found = run(band=False)
    for axis in range(3):
        made = layers.profile(found, axis=axis, per_interval=0.01)
        assert made.local.shape == (6, 8)
        np.testing.assert_allclose(made.strain, 0.005 + 0.01 * np.arange(6))
        np.testing.assert_allclose(made.mean()[0], 1.0, atol=0.05)
        assert made.contrast().value < 0.02


def test_a_band_takes_all_across_its_plane_and_nothing_shows_along_it() -> None:
    found = run(band=True)
    x, y, z = (layers.profile(found, axis=k, per_interval=0.01) for k in range(3))
    mean, error = z.mean()
    assert set(np.argsort(mean)[-2:]) == {2, 3}
    # The cutoff is as long as a slab is thick: neighbours outside blunt the edges.
    assert mean[[2, 3]].min() > 1.5 and mean[[2, 3]].max() <= 4.1
    assert mean[[0, 5, 6, 7]].max() < 0.3 and error.max() < 0.2
    assert z.contrast().value > 10 * max(x.contrast().value, y.contrast().value)


def test_contrast_leaves_out_what_does_not_last() -> None:
    rng = np.random.default_rng(5)
    strain = np.linspace(0, 0.2, 20, endpoint=False)
    noise = rng.normal(1.0, 0.3, (20, 8))
    lasting = np.array([1.4, 1.4, 0.6, 0.6] * 2)
    quiet, loud = layers.Profile(strain, noise), layers.Profile(strain, noise + lasting - 1)
    assert quiet.contrast().value < 0.12
    wanted = float(np.std(lasting, ddof=1))
    assert abs(loud.contrast().value - wanted) < 3 * loud.contrast().error
    assert 0 < loud.contrast().error < 0.12
    assert loud.contrast() == loud.contrast()  # drawn alike each time


def test_parts_of_a_run() -> None:
    made = layers.Profile(np.array([0.01, 0.05, 0.06, 0.1, 0.12]), np.arange(10.0).reshape(5, 2))
    part, last = made.parts((0.05, 0.1, 0.2))
    np.testing.assert_array_equal(part.strain, [0.05, 0.06])
    np.testing.assert_array_equal(part.mean()[0], [3.0, 4.0])
    np.testing.assert_allclose(part.mean()[1], [1.0, 1.0])
    np.testing.assert_array_equal(last.strain, [0.1, 0.12])
    with pytest.raises(
        InputError, match=r"1 interval between strains 0\.12 and 0\.2: expected 2 or more"
    ):
        made.parts((0.0, 0.12, 0.2))


def test_slabs_follow_the_cell_wrapped_or_not() -> None:
    atoms = Atoms([LI] * 4, scaled_positions=[[0, 0, 0.1], [0, 0, 0.3], [0, 0, 0.6], [0, 0, 0.99]],
                  cell=[[10, 0, 0], [0, 10, 0], [0, 3, 10]], pbc=True)  # fmt: skip
    for one in (atoms, scrambled(atoms, 1)):
        np.testing.assert_array_equal(layers.slab_of(one, axis=2, slabs=4), [0, 1, 2, 3])
    with pytest.raises(InputError, match=r"4 slabs hold \[4, 0, 0, 0\] atoms: expected none empty"):
        layers.slab_of(atoms, axis=0, slabs=4)
    with pytest.raises(InputError, match="1 slabs: expected two or more"):
        layers.slab_of(atoms, axis=0, slabs=1)


def test_chlorine_of_each_slab() -> None:
    numbers = [CL, F, F, F, CL, CL]
    height: Floats = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7])
    atoms = Atoms(numbers, scaled_positions=np.outer(height, [0, 0, 1]), cell=[9, 9, 9], pbc=True)
    np.testing.assert_allclose(layers.chlorine(atoms, axis=2, slabs=2), [0.25, 1.0])
    atoms.numbers[4:] = LI
    with pytest.raises(InputError, match=r"slabs with \[4, 0\] anions"):
        layers.chlorine(atoms, axis=2, slabs=2)


def test_layers_that_follow_are_ranked_against_all_orders() -> None:
    taken = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert layers.follows(taken, taken**3) == layers.Follows(
        pytest.approx(1.0), pytest.approx(1 / 120)
    )
    assert layers.follows(taken, -taken) == layers.Follows(pytest.approx(-1.0), pytest.approx(1.0))
    what = np.array([0.2, 0.1, 0.7, 0.7, 0.4])
    made = layers.follows(taken, what)
    assert made.rho == pytest.approx(spearmanr(taken, what).statistic)
    assert layers.follows(3 * taken + 1, what) == made
    for count in (3, 10):
        with pytest.raises(InputError, match=f"{count} and {count} layers: expected as many, four"):
            layers.follows(np.arange(float(count)), np.arange(float(count)))


def test_profiles_that_cannot_be() -> None:
    found = run(band=False, frames=3, count=800)
    with pytest.raises(InputError, match=r"1 intervals of 0\.01 strain: expected two or more"):
        layers.profile(found[:1], axis=2, per_interval=0.01)
    with pytest.raises(InputError, match="2 intervals of 0 strain"):
        layers.profile(found, axis=2, per_interval=0)


def test_layers_are_drawn_over_the_height_of_the_cell() -> None:
    _, (ax, other) = new_figure(1, 2)
    made = layers.profile(run(band=True), axis=2, per_interval=0.01)
    shear_plots.plot_layers(ax, {"all": made}, height=52.0)
    (line,) = ax.get_lines()
    np.testing.assert_allclose(line.get_xdata(), np.arange(9) * 6.5)
    np.testing.assert_allclose(np.asarray(line.get_ydata())[:-1], made.mean()[0])
    shear_plots.plot_layers(other, {"all": made, "again": made}, height=52.0)
    assert len(other.get_lines()) == 2 and len(other.collections) == 2


def test_the_local_gradient_is_that_of_d2min() -> None:
    found = run(band=True, frames=3)
    field = nonaffine.d2min(found[0].atoms, sheared(found[0].atoms, band=True, seed=1))
    own = layers.slab_of(found[0].atoms, axis=2) == 3
    made = layers.profile(found, axis=2, per_interval=0.01).local[0, 3]
    assert made == pytest.approx(100 * field.deformation[own, 1, 2].mean())
