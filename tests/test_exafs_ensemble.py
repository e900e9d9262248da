"""Many sites: the draw, runs of FEFF on them, means, and what is done to chi afterwards."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import read
from helpers_feff import frame, runs, site, stub, stub_chi
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from repro import data
from repro.errors import InputError
from repro.exafs import feff_chi, feff_runs
from repro.exafs.ensemble import Ensemble, convergence, jackknife
from repro.exafs.exafs_chapter import Choices, curve
from repro.exafs.feff import FeffError, FeffResult, run_feff
from repro.exafs.feff_chi import broadened, scaled, shifted
from repro.exafs.feff_runs import Failure, run_sites
from repro.exafs.feff_sites import Site, cut, feff_input, sites
from repro.exafs.pipeline import Settings
from repro.exafs.transforms import transform

Floats = NDArray[np.float64]
K = 0.05 * np.arange(321)
DISTANCES = (2.0, 2.1, 1.9, 2.4, 2.05, 2.2, 1.95)


def chosen(distances: tuple[float, ...] = DISTANCES) -> list[Site]:
    return [site(d, frame=f"frame {i}", atom=3 * i) for i, d in enumerate(distances)]


# ------------------------------------------------------------------------ draw


def test_sites_are_drawn_once_each_and_in_order() -> None:
    found = sites((frame(i) for i in range(30)), 40, seed=5)
    names = [s.name for s in found]
    assert len(set(names)) == 40
    where = [(int(s.frame.split()[1]), s.atom) for s in found]
    assert where == sorted(where) and {a for _, a in where} == {0, 1, 2, 3}
    for (number, atom), drawn in zip(where, found, strict=True):
        np.testing.assert_array_equal(drawn.positions, cut(frame(number), atom).positions)
        assert drawn.time_ps == 0.5 * number
        assert drawn.name == f"frame {number} ({0.5 * number:g} ps), atom {atom}"


def test_the_draw_is_that_of_the_seed() -> None:
    def names(seed: int) -> list[str]:
        return [s.name for s in sites((frame(i) for i in range(20)), 10, seed=seed)]

    assert names(1) == names(1) != names(2)


def test_each_site_is_as_likely() -> None:
    # 6 frames of 2, 3, ..., 7 sites: 27 in all, 5 drawn.
    made = [frame(i, gallium=2 + i) for i in range(6)]
    counts = np.zeros((6, 7))
    for seed in range(400):
        for drawn in sites(made, 5, seed=seed, radius=2.5):
            counts[int(drawn.frame.split()[1]), drawn.atom] += 1
    real = np.array([[atom < 2 + i for atom in range(7)] for i in range(6)])
    assert counts[~real].sum() == 0 and counts.sum() == 2000
    expected = 2000 / 27
    # Chi squared of 26 degrees of freedom, draws of one seed excluding each other: 99.9 % below 54.
    assert ((counts[real] - expected) ** 2 / expected).sum() < 54


def test_all_sites_and_one_more() -> None:
    assert len(sites([frame(0), frame(1)], 8)) == 8
    with pytest.raises(InputError, match="n=9: 2 frames hold 8 Ga sites; expected as many or more"):
        sites([frame(0), frame(1)], 9)
    with pytest.raises(InputError, match="n=1: 0 frames hold 0 Ga sites"):
        sites([], 1)
    with pytest.raises(InputError, match="n=0: expected 1 site or more"):
        sites([frame(0)], 0)
    assert len(sites([frame(0)], 4, absorber="Cl")) == 4


def test_frames_are_read_once_and_let_go() -> None:
    alive, most = [0], [0]

    class Counted(Atoms):  # type: ignore[misc]
        def __del__(self) -> None:
            alive[0] -= 1

    def stream() -> Iterator[Atoms]:
        for i in range(50):
            made = Counted(frame(i))
            made.info = {"frame_id": f"f{i}"}
            alive[0] += 1
            most[0] = max(most[0], alive[0])
            yield made

    found = sites(stream(), 5)
    assert most[0] <= 2 and "(f" in found[0].name


# ------------------------------------------------------------------------- runs


def results(todo: list[Site], **options: Any) -> list[FeffResult]:
    """Return what FEFF makes of sites none of which fails."""
    made = list(run_sites(todo, **options))
    assert not [one for one in made if isinstance(one, Failure)]
    return [one for one in made if isinstance(one, FeffResult)]


def test_results_come_in_the_order_of_the_sites(tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    found = results(chosen(), feff=stub(tmp_path), progress=lambda *a: done.append(a))
    for one, distance in zip(found, DISTANCES, strict=True):
        np.testing.assert_array_equal(one.chi, stub_chi(distance))
        assert (one.program, one.version, one.source) == ("feff8l", "stub 1", "run")
        assert len(one.paths) == 2 and one.seconds > 0
    assert done == [(i, 7) for i in range(1, 8)]


def test_one_site_many_times_is_run_once(tmp_path: Path) -> None:
    found = results([site(2.0)] * 5, feff=stub(tmp_path), cache=tmp_path / "cache", processes=1)
    assert len(runs(tmp_path)) == 1 and [one.source for one in found] == ["run", *["cache"] * 4]
    assert len({one.chi.tobytes() for one in found}) == 1


def test_in_parallel_the_order_is_the_same(tmp_path: Path) -> None:
    # Those first in the list end last.
    slow = stub(tmp_path, special="time.sleep(0.25 if r < 2.0 else 0.01)")
    distances = (*DISTANCES, *(d + 0.01 for d in DISTANCES))
    alone, *others = (
        [one.chi.tobytes() for one in results(chosen(distances), feff=slow, processes=p)]
        for p in (1, 2, 5)
    )
    assert others == [alone, alone]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_so_many_run_side_by_side(tmp_path: Path, processes: int) -> None:
    log = str(tmp_path / "times.txt")
    special = (f"begun = time.time(); time.sleep(0.3)\n"
               f"open({log!r}, 'a').write(f'{{begun}} {{time.time()}}' + chr(10))")  # fmt: skip
    results(chosen(DISTANCES[:6]), feff=stub(tmp_path, special=special), processes=processes)
    spans = np.loadtxt(log)
    at_once = [int(((spans[:, 0] <= t) & (spans[:, 1] > t)).sum()) for t in spans[:, 0]]
    assert len(spans) == 6 and max(at_once) == processes


def test_only_a_few_sites_are_ahead_of_a_slow_one() -> None:
    gate, started = threading.Event(), []

    def work(where: Site) -> Failure:
        started.append(where.atom)
        if where.atom == 0:
            gate.wait(10)
        return Failure(where.name, "")

    made = feff_runs._in_order(work, chosen(tuple(np.linspace(2, 3, 60))), 2)
    threading.Timer(0.4, gate.set).start()
    first = next(made)
    assert isinstance(first, Failure) and first.name == "frame 0, atom 0"
    assert len(started) <= 8
    assert [r.name for r in made if isinstance(r, Failure)][-1] == "frame 59, atom 177"
    assert len(started) == 60


# --------------------------------------------------------------------- failures

FAILS = "if r < 1.92: print('Hard tests failed in fovrg'); sys.exit(1)"


def test_a_site_that_fails_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    found = list(run_sites(chosen(), feff=stub(tmp_path, special=FAILS), allowed=0.2))
    failure = found.pop(2)
    assert failure == Failure("frame 2, atom 6", "frame 2, atom 6: stub ended with status 1; its last "
                              "words: Hard tests failed in fovrg")  # fmt: skip
    rest = [d for d in DISTANCES if d != 1.9]
    for one, distance in zip(found, rest, strict=True):
        assert isinstance(one, FeffResult)
        np.testing.assert_array_equal(one.chi, stub_chi(distance))


def test_a_killed_site_and_one_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    special = "if r > 2.3: os.kill(os.getpid(), 9)"
    todo = [*chosen(), site(0.5, frame="frame 9", atom=1)]
    found = list(run_sites(todo, feff=stub(tmp_path, special=special), allowed=0.25))
    killed, close = (one for one in found if isinstance(one, Failure))
    assert (killed.name, close.name) == ("frame 3, atom 9", "frame 9, atom 1")
    assert "was killed (signal 9)" in killed.reason
    assert "two atoms 0.50 angstrom apart" in close.reason
    assert len(found) == 8 and len(runs(tmp_path)) == 7


def test_too_many_failures_end_it_with_names(tmp_path: Path) -> None:
    todo = chosen(tuple(np.linspace(1.8, 2.5, 40)))
    with pytest.raises(FeffError) as caught:
        list(run_sites(todo, feff=stub(tmp_path, special=FAILS), allowed=0.05, processes=2))
    lines = str(caught.value).splitlines()
    assert lines[0] == "3 of 40 sites failed, more than the 5% allowed; the first:"
    assert lines[1:] == [f"frame {i}, atom {3 * i}: stub ended with status 1; its last words: "
                         "Hard tests failed in fovrg" for i in range(3)]  # fmt: skip
    # The rest was not run, but for those already begun.
    assert len(runs(tmp_path)) <= 3 + 8
    with pytest.raises(FeffError, match="7 of 7 sites failed, more than the 100% allowed"):
        list(run_sites(chosen(), feff=stub(tmp_path, special="sys.exit(1)"), allowed=1.0))


def test_nothing_is_run_twice_and_damage_is_mended(tmp_path: Path) -> None:
    cache, program = tmp_path / "cache", stub(tmp_path)

    def sources(todo: list[Site], **options: Any) -> list[str]:
        return [one.source for one in results(todo, feff=program, cache=cache, **options)]

    assert sources(chosen()) == ["run"] * 7
    assert sources(chosen(), processes=1) == ["cache"] * 7 and len(runs(tmp_path)) == 7
    # One more site: one more run.
    assert sources([*chosen(), site(2.3)]) == [*["cache"] * 7, "run"]
    files = sorted(cache.iterdir())
    files[2].write_bytes(files[2].read_bytes()[:100])
    assert sorted(sources([*chosen(), site(2.3)])) == [*["cache"] * 7, "mended"]
    assert len(runs(tmp_path)) == 9
    # A site that failed before is tried again.
    failing = stub(tmp_path / "f", special=FAILS)
    for times in (1, 2):
        list(run_sites(chosen(), feff=failing, cache=tmp_path / "other", allowed=0.2))
        assert len(runs(tmp_path / "f")) == 6 + times


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"processes": 0}, "processes=0, allowed=0.05: expected 1 or more, and 0 to 1"),
        ({"allowed": 1.5}, "allowed=1.5"),
        ({"timeout": 0.0}, "timeout=0: expected more than 0 s"),
        ({"rpath": 7.0}, "^rpath=7: expected more than 0 and at most the 6.5"),
        ({"nleg": 12}, "^nleg=12"),
        ({"feff": "feff7"}, "FEFF 'feff7': expected feff6l or feff8l"),
    ],
)
def test_settings_out_of_range(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(run_sites(chosen(), **{"feff": stub(tmp_path), **options}))
    assert not runs(tmp_path)


def test_no_sites(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sites"):
        list(run_sites([], feff=stub(tmp_path)))


# ----------------------------------------------------------------------- errors


def made(stack: Floats, blocks: int) -> Ensemble:
    """Return the mean of the stack (n, K)."""
    parts = np.array_split(stack, blocks)
    spread = stack.std(axis=0, ddof=1)
    return Ensemble(K, stack.mean(axis=0), spread / np.sqrt(len(stack)), spread, len(stack),
                    np.array([p.mean(axis=0) for p in parts]), np.array([len(p) for p in parts]),
                    "none", 0.0, 0.0)  # fmt: skip


def noisy(n: int, *, seed: int, like: int = 1, noise: float = 0.08) -> Floats:
    """Return n spectra of shells at 2 angstrom that vary; ``like`` in a row are the same."""
    rng = np.random.default_rng(seed)
    distances = np.repeat(rng.normal(2.0, noise, (n // like, 4)), like, axis=0)
    waves = np.sin(2 * K * distances[:, :, None]) * np.exp(-0.1 * K)
    return waves.mean(axis=1) / 4


def test_block_errors_are_those_of_numpy() -> None:
    found = made(noisy(60, seed=2), 20)
    by_numpy = found.blocks.std(axis=0, ddof=1) / np.sqrt(20)
    np.testing.assert_allclose(found.block_error, by_numpy, rtol=1e-12)
    uneven = made(noisy(61, seed=2), 20)
    np.testing.assert_allclose(uneven.block_error, uneven.error, rtol=0.6, atol=1e-3)


def test_independent_sites_converge_as_they_should() -> None:
    ratios = []
    for seed in range(40):
        found = convergence(made(noisy(200, seed=seed), 20))
        np.testing.assert_array_equal(found.sets, [20, 10, 6, 5, 4, 3, 2, 2, 2, 2])
        np.testing.assert_allclose(found.number, 10 * np.arange(1, 11))
        np.testing.assert_allclose(
            found.expected * np.sqrt(found.number), found.expected[0] * 10**0.5
        )
        last = found.final / (found.expected[0] * np.sqrt(10 / 200))
        ratios.append([*found.measured[:5] / found.expected[:5], last])
    np.testing.assert_allclose(np.mean(ratios, axis=0), 1.0, atol=0.1)


def test_sites_that_resemble_each_other_are_found_out() -> None:
    # Ten in a row alike: the error is that of a tenth of the number.
    ratios = []
    for seed in range(10):
        found = convergence(made(noisy(400, seed=seed, like=10), 20))
        last = found.final / (found.expected[0] * np.sqrt(20 / 400))
        ratios.append([found.measured[0] / found.expected[0], last])
    np.testing.assert_allclose(np.mean(ratios, axis=0), np.sqrt(10), rtol=0.1)


def test_shares_of_the_mean_are_weighted_with_k() -> None:
    stack = noisy(40, seed=1)
    found = convergence(made(stack, 4), k_min=4.0, k_max=10.0, k_weight=2)
    inside = (K >= 4.0 - 1e-9) & (K <= 10.0 + 1e-9)
    weighted = (K**2 * stack)[:, inside]
    scale = np.sqrt((weighted.mean(axis=0) ** 2).sum())
    single = np.sqrt(weighted.var(axis=0, ddof=1).sum()) / scale
    np.testing.assert_allclose(found.expected[0], single / np.sqrt(10))
    pairs = weighted.reshape(2, 20, -1).mean(axis=1)
    np.testing.assert_allclose(found.measured[1], np.sqrt(pairs.var(axis=0, ddof=1).sum()) / scale)


@pytest.mark.parametrize(
    ("blocks", "options", "message"),
    [
        (1, {}, "1 block: expected 2 or more"),
        (4, {"k_max": 17.0}, "k_max=17: expected a range within 0 to 16"),
        (4, {"k_min": 12.0}, "k_min=12, k_max=12"),
    ],
)
def test_convergence_of_what_has_none(blocks: int, options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        convergence(made(noisy(20, seed=1), blocks), **options)


def test_a_mean_without_a_block_is_that_of_the_rest() -> None:
    stack = noisy(61, seed=3)
    found = made(stack, 20)
    cut_at = np.cumsum(found.counts)
    for left, end, count in zip(found.left_out(), cut_at, found.counts, strict=True):
        rest = np.delete(stack, np.arange(end - count, end), axis=0)
        np.testing.assert_allclose(left, rest.mean(axis=0), atol=1e-13)


def test_the_jackknife_of_values_is_the_error_of_their_mean() -> None:
    x = np.random.default_rng(5).normal(size=(12, 3))
    left = np.array([np.delete(x, i, axis=0).mean(axis=0) for i in range(12)])
    np.testing.assert_allclose(jackknife(left), x.std(axis=0, ddof=1) / np.sqrt(12))
    # A function that is linear in chi has the error of the blocks.
    found = made(noisy(60, seed=2), 20)
    np.testing.assert_allclose(found.error_of(lambda chi: chi), found.block_error, atol=1e-12)
    assert found.error_of(lambda chi: float(chi[7])) == pytest.approx(found.block_error[7])
    none = made(noisy(20, seed=1), 1).error_of(lambda chi: chi[:5])
    assert none.shape == (5,) and np.isnan(none).all()


PLAIN = Choices(1.0, 0.0, 0.0, 0.0)


def test_the_transform_is_that_of_measured_spectra() -> None:
    found = made(noisy(60, seed=4), 20)
    seen = curve(found, choices=PLAIN)
    straight = transform(K, found.mean)
    np.testing.assert_array_equal(seen.r, straight.r)
    np.testing.assert_array_equal(seen.magnitude, straight.magnitude)
    assert seen.r[-1] <= 6.0 and seen.r[np.argmax(seen.magnitude)] == pytest.approx(2.0, abs=0.05)
    changed = curve(found, choices=Choices(0.5, -5.0, 0.0, 0.0))
    straight = transform(*shifted(K, scaled(found.mean, 0.5), -5.0))
    np.testing.assert_array_equal(changed.magnitude, straight.magnitude)
    assert np.isnan(curve(made(noisy(20, seed=1), 1), choices=PLAIN).error).all()
    with pytest.raises(InputError, match="mean of sites: window 3 to 17"):
        curve(found, settings=Settings(k_max=17.0))


def test_the_error_of_the_transform_is_its_scatter() -> None:
    found = [curve(made(noisy(100, seed=seed), 20), choices=PLAIN) for seed in range(60)]
    scatter = np.std([f.magnitude for f in found], axis=0, ddof=1)
    stated = np.sqrt(np.mean([f.error**2 for f in found], axis=0))
    high = found[0].magnitude > 0.3 * found[0].magnitude.max()
    np.testing.assert_allclose(stated[high], scatter[high], rtol=0.3)


# ------------------------------------------------------------------- afterwards


def wave(distance: float, k: Floats = K, phase: float = 0.0) -> Floats:
    return np.sin(2 * k * distance + phase)


@settings(max_examples=25, deadline=None)
@given(e0=st.floats(-15.0, 15.0), distance=st.floats(1.5, 6.0))
def test_a_shift_moves_along_the_energies(e0: float, distance: float) -> None:
    k, chi = shifted(K, wave(distance), e0)
    origin = k**2 - feff_chi.ENERGY_TO_K2 * e0
    known = origin >= 0
    np.testing.assert_allclose(chi[known], wave(distance, np.sqrt(origin[known])), atol=3e-3)
    assert (chi[~known] == 0).all() and k[0] == 0 and np.sqrt(origin[-1]) <= K[-1]
    if e0 >= 0:
        assert len(k) == len(K)
    else:
        assert k[-1] == pytest.approx(np.sqrt(K[-1] ** 2 + feff_chi.ENERGY_TO_K2 * e0), abs=0.05)


def test_a_positive_shift_moves_features_to_higher_k() -> None:
    bump = np.exp(-((K - 6.0) ** 2) / 0.1)
    for e0 in (-8.0, 8.0):
        k, chi = shifted(K, bump, e0)
        assert k[np.argmax(chi)] == pytest.approx(np.sqrt(36 + 0.2625 * e0), abs=0.03)
    np.testing.assert_array_equal(shifted(K, bump, 0.0)[1], bump)
    assert pytest.approx(0.2624682917, rel=1e-6) == feff_chi.ENERGY_TO_K2


def test_what_is_done_is_linear_and_goes_over_blocks() -> None:
    stack = np.array([wave(d) for d in (1.9, 2.0, 3.3)])
    k, many = shifted(K, stack, 3.0)
    assert many.shape == (3, len(k))
    np.testing.assert_allclose(many[1], shifted(K, stack[1], 3.0)[1], atol=1e-14)
    np.testing.assert_allclose(
        many.mean(axis=0), shifted(K, stack.mean(axis=0), 3.0)[1], atol=1e-14
    )
    options = {"sigma2": 0.003, "gaussian_ev": 2.0}
    many = broadened(K, stack, **options)
    np.testing.assert_allclose(many[2], broadened(K, stack[2], **options), atol=1e-12)
    np.testing.assert_allclose(
        many.mean(axis=0), broadened(K, stack.mean(axis=0), **options), atol=1e-12
    )
    np.testing.assert_array_equal(scaled(stack, 0.85), 0.85 * stack)


def test_a_width_of_distances() -> None:
    np.testing.assert_allclose(
        broadened(K, wave(2.0), sigma2=0.004), wave(2.0) * np.exp(-0.008 * K**2)
    )
    np.testing.assert_array_equal(broadened(K, wave(2.0)), wave(2.0))
    # A Gaussian spread of distances, as an ensemble would have it, at its own mean.
    drawn = np.random.default_rng(1).normal(2.0, 0.06, 40_000)
    ensemble_mean = np.mean([wave(2.0 + s) for s in np.sort(drawn - 2.0)[::20]], axis=0)
    np.testing.assert_allclose(broadened(K, wave(2.0), sigma2=0.06**2), ensemble_mean, atol=0.02)


@pytest.mark.parametrize("distance", [2.0, 3.5])
@pytest.mark.parametrize("width", [1.0, 4.0])
def test_widths_of_energy_damp_as_they_should(distance: float, width: float) -> None:
    # Both waves of a distance, to see the amplitude alone; away from the ends.
    inside = (K > 5) & (K < 14)
    a = feff_chi.ENERGY_TO_K2

    def size(**options: float) -> Floats:
        parts = [broadened(K, wave(distance, phase=p), **options) for p in (0.0, np.pi / 2)]
        return np.hypot(*parts)[inside]

    deviation = width / np.sqrt(8 * np.log(2))
    k = K[inside]
    expected = np.exp(-((a * distance * deviation / k) ** 2) / 2)
    np.testing.assert_allclose(size(gaussian_ev=width), expected, atol=0.01)


def test_a_constant_stays_and_the_ends_are_finite() -> None:
    flat = broadened(K, np.ones_like(K), gaussian_ev=3.0)
    np.testing.assert_allclose(flat, 1.0, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scaled(K, 0.0), "s02=0: expected above 0, at most 2"),
        (lambda: scaled(K, 2.5), "s02=2.5"),
        (lambda: scaled(K, np.nan), "s02=nan"),
        (lambda: shifted(K, wave(2.0), 60.0), "e0=60: expected -50 to 50 eV"),
        (lambda: shifted(K, wave(2.0), np.nan), "e0=nan"),
        (lambda: shifted(K, wave(2.0)[:-1], 1.0), r"k of shape \(321,\), chi \(320,\)"),
        (lambda: shifted(K[::-1], wave(2.0), 1.0), "rising"),
        (lambda: shifted(K, np.where(K > 3, np.nan, 0), 1.0), "finite numbers"),
        (lambda: shifted(K - 1, wave(2.0), 1.0), "from 0 or more"),
        (lambda: broadened(K, wave(2.0), sigma2=-0.1), "sigma2=-0.1: expected 0 or more"),
        (lambda: broadened(K, wave(2.0), gaussian_ev=-1.0), "gaussian_ev=-1: expected 0 or more"),
        (lambda: broadened(K, wave(2.0), gaussian_ev=np.inf), "gaussian_ev=inf"),
        (lambda: broadened(K, wave(2.0), gaussian_ev=0.01), "expected 0, or 0.08 to 244 eV"),
        (lambda: broadened(K, wave(2.0), gaussian_ev=400.0), "gaussian_ev=400"),
    ],
)
def test_values_that_make_no_sense(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


# -------------------------------------------------------------------- real FEFF


@pytest.fixture(scope="module")
def chloride() -> tuple[Site, FeffResult]:
    atoms = read(data.path("potential/structures/structures.extxyz"), ":")
    (salt,) = [a for a in atoms if a.info["family"] == "GaCl3"]
    where = cut(salt, salt.get_chemical_symbols().index("Ga"))
    return where, run_feff(feff_input(where, program="feff6l", nleg=2), feff="feff6l")


@pytest.mark.live
def test_a_crystals_site_among_many_is_the_site(chloride: tuple[Site, FeffResult],
                                                tmp_path: Path) -> None:  # fmt: skip
    where, alone = chloride
    found = results([where] * 3, feff="feff6l", nleg=2, cache=tmp_path, processes=1)
    assert [one.source for one in found] == ["run", "cache", "cache"]
    for one in found:
        assert one.chi.tobytes() == alone.chi.tobytes() and len(one.paths) == len(alone.paths)
        assert one.version.startswith("xraylarch ")


@pytest.mark.live
def test_shift_and_width_are_larchs(chloride: tuple[Site, FeffResult], tmp_path: Path) -> None:
    from larch.xafs import feffpath, path2chi

    from repro.exafs import feff, feff_files

    where, _ = chloride
    (tmp_path / "feff.inp").write_text(feff_input(where, program="feff6l", nleg=2, rpath=2.2))
    feff._steps(feff.program("feff6l"), tmp_path, "GaCl3", 100.0)
    mine = feff_files.path_chi(tmp_path / "feff0001.dat")
    full = np.array(feff_files.GRID)
    path = feffpath(str(tmp_path / "feff0001.dat"))
    inside = (full >= 4) & (full <= 12)
    scale = np.abs(mine[inside]).max()
    for e0 in (-5.0, 5.0):
        path2chi(path, k=full, e0=e0, interp="linear")
        k, chi = shifted(full, mine, e0)
        np.testing.assert_allclose(
            chi[: len(full)][inside[: len(k)]], path.chi[inside], atol=0.02 * scale
        )
    path2chi(path, k=full, e0=0.0, ei=0.0, sigma2=0.003, s02=0.9, interp="linear")
    wide = broadened(full, scaled(mine, 0.9), sigma2=0.003)
    # larch damps with the complex momentum, and turns the phase a little with it.
    np.testing.assert_allclose(wide[inside], path.chi[inside], atol=0.05 * scale)


def test_memory_does_not_grow_with_the_number_of_sites(tmp_path: Path) -> None:
    many = [site(1.9 + 0.005 * i, frame=f"frame {i}") for i in range(90)]
    held: list[int] = []
    program = stub(tmp_path / "p")
    tracemalloc.start()
    for _ in run_sites(many, feff=program, cache=tmp_path / "c"):
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    # What runs at the same time comes and goes; the least of twenty is what stays. Sixty more
    # sites would be 190 kB of chi alone.
    assert min(held[-20:]) - min(held[10:30]) < 60_000


def test_a_caller_that_stops_ends_the_runs(tmp_path: Path) -> None:
    many = [site(1.9 + 0.005 * i, frame=f"frame {i}") for i in range(60)]
    made = run_sites(many, feff=stub(tmp_path), processes=2)
    assert isinstance(next(made), FeffResult)
    made.close()
    assert len(runs(tmp_path)) <= 9
