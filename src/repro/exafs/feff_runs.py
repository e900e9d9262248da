"""FEFF on many sites: so many at once, results in the order of the sites, failures named.

Each run is in a folder of its own (:mod:`repro.exafs.feff`).  A few sites ahead of the one that
is waited for are at work and no more, so that memory does not grow with their number.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from repro.errors import InputError
from repro.exafs.feff import FeffError, FeffResult, Program, program, run_feff
from repro.exafs.feff_sites import Site, check_settings, feff_input

_NAMED = 3  # failures that a message names


@dataclass(frozen=True)
class Failure:
    """A site without a spectrum: its name, and why."""

    name: str
    reason: str


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


def run_sites(
    todo: Sequence[Site],
    *,
    feff: Program | str = "feff8l",
    rpath: float = 6.0,
    nleg: int = 6,
    criteria: tuple[float, float] = (0.0, 0.0),
    processes: int = 2,
    cache: Path | str | None = None,
    timeout: float = 600.0,
    allowed: float = 0.05,
    progress: Callable[[int, int], None] | None = None,
) -> Generator[FeffResult | Failure, None, None]:
    """Yield what FEFF makes of each site, in the order of the sites.

    Parameters
    ----------
    todo:
        From :func:`repro.exafs.feff_sites.sites`.
    feff:
        Program, or the name of one of larch's: ``feff8l`` or ``feff6l``.
    rpath, nleg, criteria:
        As in :func:`repro.exafs.feff_sites.feff_input`.
    processes:
        How many FEFF run at once.
    cache, timeout:
        As in :func:`repro.exafs.feff.run_feff`.
    allowed:
        Share of sites that may fail.
    progress:
        Called with how many sites are done, and of how many; for a
        :class:`repro.progress.Progress` that is ``lambda done, of: bar.cell()``.

    Raises
    ------
    FeffError
        If more than the allowed share of sites fails, or all, with the names and reasons of the
        first; the rest is then not run.  Or if no FEFF is there.
    InputError
        For no site, or a setting out of its range.
    """
    if not todo:
        raise InputError("no sites: expected one or more")
    if processes < 1 or not 0 <= allowed <= 1:
        raise InputError(
            f"processes={processes}, allowed={allowed:g}: expected 1 or more, and 0 to 1"
        )
    if not timeout > 0:
        raise InputError(f"timeout={timeout:g}: expected more than 0 s")
    chosen = program(feff) if isinstance(feff, str) else feff
    check_settings(chosen.name, min(s.radius for s in todo), rpath, nleg, criteria)

    def work(site: Site) -> FeffResult | Failure:
        try:
            text = feff_input(site, program=chosen.name, rpath=rpath, nleg=nleg, criteria=criteria)
            return run_feff(text, feff=chosen, name=site.name, cache=cache, timeout=timeout)
        except (FeffError, InputError) as error:
            return Failure(site.name, str(error))

    failures: list[Failure] = []
    with contextlib.closing(_in_order(work, todo, processes)) as results:
        for done, found in enumerate(results, start=1):
            if isinstance(found, Failure):
                failures.append(found)
                if len(failures) > allowed * len(todo) or len(failures) == len(todo):
                    raise _too_many(failures, len(todo), allowed)
            if progress is not None:
                progress(done, len(todo))
            yield found
