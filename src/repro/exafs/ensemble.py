r"""The mean chi(k) of many sites of a simulation, with its error.

Sites are drawn from the frames at random, none twice.  FEFF runs on them in parallel, each
in a folder of its own, and the results are summed in the order of the sites, so that the mean
is the same to the last bit however many ran at once.  Memory is that of the sites'
surroundings; of the spectra only running sums are kept.

With :math:`s(k)` the standard deviation between n sites, the standard error is
:math:`s/\sqrt{n}` if sites are independent.  They are not quite: one atom in two frames, or
neighbours in one, resemble each other.  Sites come in the order of the frames, so blocks of
consecutive sites are stretches of the simulation, and the scatter of their means shows what
such likeness is worth (:attr:`Ensemble.block_error`, :func:`convergence`).  Errors of
|chi(R)| are those of a jackknife over the blocks.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repro.errors import InputError
from repro.exafs.feff import FeffError, FeffResult, Program, program, run_feff
from repro.exafs.feff_chi import broadened, scaled, shifted
from repro.exafs.feff_files import GRID, LAST, STEP
from repro.exafs.feff_sites import Site, check_settings, feff_input, sites
from repro.exafs.transforms import transform

Floats = NDArray[np.float64]
Change = Callable[[Floats, Floats], tuple[Floats, Floats]]
_NAMED = 3  # failures that a message names

__all__ = ["Convergence", "Ensemble", "Failure", "Radial", "average", "broadened", "convergence",
           "radial", "scaled", "shifted", "sites"]  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """A site without a spectrum: its name, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Ensemble:
    """A mean over sites.

    Attributes
    ----------
    k:
        (K,): 0 to ``kmax`` in steps of 0.05, 1/angstrom, from FEFF's Fermi level.
    mean:
        chi (K,), S02 1, no width but that of the sites.
    error:
        Standard error if sites are independent (K,); NaN for one site.
    spread:
        Standard deviation between sites (K,); NaN for one site.
    number:
        Of sites in the mean.
    failures:
        Sites that are not.
    blocks:
        Means over blocks of consecutive sites (B, K).
    counts:
        Sites in each (B,).
    program:
        Name and version of FEFF.
    paths:
        Mean number of paths of a site.
    seconds:
        Mean time on the clock of a site's run, also of those that come from the cache.
    cached, mended:
        How many came from the cache, and how many were run again as what was kept was damaged.
    """

    k: Floats
    mean: Floats
    error: Floats
    spread: Floats
    number: int
    failures: tuple[Failure, ...]
    blocks: Floats
    counts: NDArray[np.int64]
    program: str
    paths: float
    seconds: float
    cached: int
    mended: int

    @property
    def block_error(self) -> Floats:
        """Standard error from the scatter of the blocks (K,); NaN for one block."""
        if len(self.counts) < 2:
            return np.full_like(self.mean, np.nan)
        share = self.counts / self.counts.sum()
        squares = share[:, None] * (self.blocks - self.mean) ** 2
        return np.asarray(np.sqrt(squares.sum(axis=0) / (len(self.counts) - 1)))


@dataclass(frozen=True)
class Convergence:
    """How the error falls with the number of sites.

    All are shares of the mean: root mean squares over a range of k, both with the same weight.

    Attributes
    ----------
    number:
        Sites in a mean (M,).
    measured:
        Scatter of means over so many consecutive sites (M,).
    sets:
        How many such means there are; with few, ``measured`` is rough (M,).
    expected:
        What independent sites would scatter, from the spread between single sites (M,).
    final, final_blocks:
        Error of the mean of all, from the spread and from the blocks.
    """

    number: Floats
    measured: Floats
    sets: NDArray[np.int64]
    expected: Floats
    final: float
    final_blocks: float


@dataclass(frozen=True)
class Radial:
    """The transform of a mean.

    Attributes
    ----------
    r:
        Angstrom, not corrected for phase (M,).
    magnitude, error:
        ``|chi(R)|`` and its standard error by a jackknife over blocks, angstrom^-(w+1) (M,); the
        error is NaN for fewer than two blocks.
    """

    r: Floats
    magnitude: Floats
    error: Floats


def _in_order(
    work: Callable[[Site], FeffResult | Failure], todo: Sequence[Site], processes: int
) -> Generator[FeffResult | Failure, None, None]:
    """Yield results in the order of the sites, a few sites ahead at work and no more."""
    pool = ThreadPoolExecutor(processes)
    waiting: deque[Future[FeffResult | Failure]] = deque()
    try:
        for site in todo:
            waiting.append(pool.submit(work, site))
            # Results that wait for a slow one before them take memory.
            if len(waiting) >= 4 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _too_many(failures: Sequence[Failure], whole: int, allowed: float) -> FeffError:
    first = "\n".join(
        f"{f.name}: {f.reason.removeprefix(f.name + ': ')}" for f in failures[:_NAMED]
    )
    return FeffError(f"{len(failures)} of {whole} sites failed, more than the {allowed:.0%} allowed; "
                     f"the first:\n{first}")  # fmt: skip


def average(
    todo: Sequence[Site],
    *,
    feff: Program | str = "feff8l",
    rpath: float = 6.0,
    nleg: int = 6,
    criteria: tuple[float, float] = (0.0, 0.0),
    scf: float | None = None,
    kmax: float = 16.0,
    blocks: int = 20,
    processes: int = 2,
    cache: Path | str | None = None,
    timeout: float = 600.0,
    allowed: float = 0.05,
    progress: Callable[[int, int], None] | None = None,
    scratch: Path | str | None = None,
) -> Ensemble:
    """Return the mean chi(k) over sites.

    Parameters
    ----------
    todo:
        From :func:`sites`, in the order of time.
    feff:
        Program, or the name of one of larch's: ``feff8l`` or ``feff6l``.
    rpath, nleg, criteria, scf:
        As in :func:`repro.exafs.feff_sites.feff_input`.
    kmax:
        End of k, 1/angstrom, at most 20.
    blocks:
        Of consecutive sites; no more than there are sites.
    processes:
        How many FEFF run at once.
    cache, timeout, scratch:
        As in :func:`repro.exafs.feff.run_feff`.
    allowed:
        Share of sites that may fail.
    progress:
        Called with how many sites are done, and of how many; for a
        :class:`repro.progress.Progress` that is ``lambda done, of: bar.cell()``.

    Raises
    ------
    FeffError
        If more than the allowed share of sites fails, with the names and reasons of the first;
        the rest is then not run.  Or if no FEFF is there.
    InputError
        For no site, or a setting out of its range.
    """
    if not todo:
        raise InputError("no sites: expected one or more")
    if processes < 1 or blocks < 1 or not 0 <= allowed <= 1 or not 1 <= kmax <= LAST:
        raise InputError(f"processes={processes}, blocks={blocks}, allowed={allowed:g}, kmax={kmax:g}: "
                         f"expected 1 or more, 1 or more, 0 to 1, and 1 to {LAST:g}")  # fmt: skip
    if not timeout > 0:
        raise InputError(f"timeout={timeout:g}: expected more than 0 s")
    chosen = program(feff) if isinstance(feff, str) else feff
    check_settings(chosen.name, min(s.radius for s in todo), rpath, nleg, criteria, scf)

    def work(site: Site) -> FeffResult | Failure:
        try:
            text = feff_input(site, program=chosen.name, rpath=rpath, nleg=nleg, criteria=criteria,
                              scf=scf)  # fmt: skip
            return run_feff(text, feff=chosen, name=site.name, cache=cache, timeout=timeout,
                            scratch=scratch)  # fmt: skip
        except (FeffError, InputError) as error:
            return Failure(site.name, str(error))

    k = GRID[: round(kmax / STEP) + 1]
    mean, squares = np.zeros_like(k), np.zeros_like(k)
    parts = min(blocks, len(todo))
    sums, counts = np.zeros((parts, len(k))), np.zeros(parts, dtype=np.int64)
    failures: list[Failure] = []
    n, paths, seconds, cached, mended = 0, 0, 0.0, 0, 0
    with contextlib.closing(_in_order(work, todo, processes)) as results:
        for index, found in enumerate(results):
            if isinstance(found, Failure):
                failures.append(found)
                if len(failures) > allowed * len(todo):
                    raise _too_many(failures, len(todo), allowed)
            else:
                chi = found.chi[: len(k)]
                # Welford's sums: differences of large sums would lose the error's digits.
                n += 1
                off = chi - mean
                mean = mean + off / n
                squares = squares + off * (chi - mean)
                block = index * parts // len(todo)
                sums[block] += chi
                counts[block] += 1
                paths, seconds = paths + len(found.paths), seconds + found.seconds
                cached, mended = (
                    cached + (found.source == "cache"),
                    mended + (found.source == "mended"),
                )
            if progress is not None:
                progress(index + 1, len(todo))
    if not n:
        raise _too_many(failures, len(todo), allowed)
    spread = np.sqrt(squares / (n - 1)) if n > 1 else np.full_like(k, np.nan)
    full = counts > 0
    return Ensemble(
        k=k, mean=mean, error=spread / np.sqrt(n), spread=spread, number=n, failures=tuple(failures),
        blocks=sums[full] / counts[full, None], counts=counts[full],
        program=f"{chosen.name} ({chosen.version})", paths=paths / n, seconds=seconds / n,
        cached=cached, mended=mended,
    )  # fmt: skip


def convergence(
    found: Ensemble, *, k_min: float = 3.0, k_max: float = 12.0, k_weight: int = 3
) -> Convergence:
    """Return how the error of the mean depends on the number of sites.

    Means over 1, 2, 3, ... consecutive blocks are set against each other, as long as there
    are two of them.  Where ``measured`` stays above ``expected``, sites are not independent, and
    the number of sites alone promises too much.

    Parameters
    ----------
    found:
        From :func:`average`.
    k_min, k_max:
        Range that counts, 1/angstrom.
    k_weight:
        Power of k it is weighted with.

    Raises
    ------
    InputError
        For fewer than two blocks, or a range outside of k.
    """
    if len(found.counts) < 2:
        raise InputError(
            f"{len(found.counts)} block: expected 2 or more; ask for more sites or blocks"
        )
    inside = (found.k >= k_min - 1e-9) & (found.k <= k_max + 1e-9)
    if not 0 <= k_min < k_max <= found.k[-1] + 1e-9:
        raise InputError(f"k_min={k_min:g}, k_max={k_max:g}: expected a range within 0 to "
                         f"{found.k[-1]:g} 1/angstrom")  # fmt: skip
    weight = found.k[inside] ** k_weight

    def size(chi: Floats) -> float:
        return float(np.sqrt(((weight * chi[..., inside]) ** 2).sum(axis=-1).mean()))

    scale = size(found.mean)
    number, measured, sets = [], [], []
    for wide in range(1, len(found.counts) // 2 + 1):
        many = len(found.counts) // wide
        counts = found.counts[: many * wide].reshape(many, wide)
        chi = found.blocks[: many * wide].reshape(many, wide, -1)
        means = (counts[:, :, None] * chi).sum(axis=1) / counts.sum(axis=1)[:, None]
        number.append(float(counts.sum(axis=1).mean()))
        measured.append(size(means - means.mean(axis=0)) * np.sqrt(many / (many - 1)) / scale)
        sets.append(many)
    single = size(found.spread) / scale
    return Convergence(
        np.array(number), np.array(measured), np.array(sets), single / np.sqrt(np.array(number)),
        single / np.sqrt(found.number), size(found.block_error) / scale,
    )  # fmt: skip


def radial(
    found: Ensemble,
    *,
    k_min: float = 3.0,
    k_max: float = 12.0,
    dk: float = 1.0,
    k_weight: int = 3,
    window: str = "hanning",
    r_max: float = 6.0,
    change: Change | None = None,
) -> Radial:
    """Return ``|chi(R)|`` of a mean: the magnitude of the mean's transform, not a mean of magnitudes.

    Parameters
    ----------
    found:
        From :func:`average`.
    k_min, k_max, dk, k_weight, window, r_max:
        As in :func:`repro.exafs.transforms.transform`, where measured spectra go through.
    change:
        Given k and chi, returns both with S02, energy zero and widths as wanted, e.g.
        ``lambda k, chi: shifted(k, scaled(chi, 0.9), -4.0)``.

    Raises
    ------
    InputError
        For a window that k does not fill.
    """

    def one(chi: Floats) -> tuple[Floats, Floats]:
        x, y = (found.k, chi) if change is None else change(found.k, chi)
        seen = transform(x, y, k_min=k_min, k_max=k_max, dk=dk, k_weight=k_weight, window=window,
                         r_max=r_max, source="mean of sites")  # fmt: skip
        return seen.r, seen.magnitude

    r, magnitude = one(found.mean)
    many, whole = len(found.counts), int(found.counts.sum())
    if many < 2:
        return Radial(r, magnitude, np.full_like(r, np.nan))
    left = np.array([
        one((whole * found.mean - count * block) / (whole - count))[1]
        for count, block in zip(found.counts, found.blocks, strict=True)
    ])  # fmt: skip
    error = np.sqrt((many - 1) / many * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    return Radial(r, magnitude, error)
