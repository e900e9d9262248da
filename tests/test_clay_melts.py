"""Melts at several temperatures, on curves whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from repro.clay import melts
from repro.clay.arrhenius import EV_PER_K
from repro.clay.mixing import Exchange
from repro.errors import InputError
from repro.md.statistics import Estimate

ENERGY = 0.3


def melt(kelvin: float, *, factor: float = 1.0, start: float = 0.3, until: float = 20.0,
         error: float = 0.01) -> Exchange:  # fmt: skip
    """A melt whose curve of progress is stretched by an Arrhenius law."""
    rate = factor * 0.1 * np.exp(-ENERGY / EV_PER_K * (1 / kelvin - 1 / 900))
    t = np.arange(0.0, until + 0.25, 0.5)
    share = start + (1 - start) * (1 - np.exp(-rate * t))
    none = np.zeros_like(t)
    return Exchange(
        t, none, share, none, none, {"chlorine_on_gallium": np.full_like(t, error)}, 0.4
    )


def every(**options: float) -> dict[float, dict[int, Exchange]]:
    return {kelvin: {1: melt(kelvin, **options), 2: melt(kelvin, start=0.4, **options)}
            for kelvin in (700.0, 900.0, 1100.0)}  # fmt: skip


def test_the_energy_put_in_is_found_whatever_the_start() -> None:
    found = melts.compare(every())
    assert found.law.energy == pytest.approx(ENERGY, abs=0.005)
    assert found.law.low < ENERGY < found.law.high
    least = 1 - np.exp(-0.1 * 20 * np.exp(-ENERGY / EV_PER_K * (1 / 700 - 1 / 900)))
    assert found.progress == pytest.approx(melts.PART * least)
    # At 900 K the progress is 1 - exp(-t / 10).
    there = found.over_seeds(900.0, "time_ps")
    assert there.value == pytest.approx(-10 * np.log(1 - found.progress), rel=0.01)
    assert there.samples == 2 and there.error < 0.01


def test_all_are_read_at_the_end_of_the_shortest() -> None:
    given = every()
    given[900.0] = {1: melt(900.0, until=50.0)}
    found = melts.compare(given)
    assert found.until_ps == 20.0
    wanted = 0.3 + 0.7 * (1 - np.exp(-2.0))
    assert found.over_seeds(900.0, "share").value == pytest.approx(wanted)
    assert found.over_seeds(1100.0, "start").value == pytest.approx(0.35)


def test_noise_of_atoms_and_unlike_seeds_widen_the_interval() -> None:
    quiet, loud = melts.compare(every(error=0.005)).law, melts.compare(every(error=0.03)).law
    assert loud.error > 3 * quiet.error
    given = every(error=0.005)
    for k, own in enumerate(given.values()):
        own[3] = melt(900.0 if k == 1 else 700.0 if k == 0 else 1100.0, factor=1.5, error=0.005)
    unlike = melts.compare(given).law
    assert unlike.scale > 1 and unlike.error > 3 * quiet.error


def test_what_cannot_be_compared_is_said() -> None:
    with pytest.raises(InputError, match="2 temperatures: expected three"):
        melts.compare({700.0: {1: melt(700.0)}, 900.0: {1: melt(900.0)}})
    given = every()
    given[700.0][1].chlorine_on_gallium[:] = 0.3
    with pytest.raises(InputError, match="no progress"):
        melts.compare(given)
    with pytest.raises(InputError, match="800 K: expected one of 700, 900, 1100 K"):
        melts.compare(every()).over_seeds(800.0, "share")


def test_in_words() -> None:
    found = melts.compare(every())
    table = melts.table(found, {t: Estimate(0.05, 0.01, 2) for t in (700.0, 900.0, 1100.0)})
    assert list(table.index) == ["700 K", "900 K", "1100 K"]
    assert table.loc["900 K", "GaCl4 after 20 ps (%)"] == "5.0 ± 1.0"
    assert set(table.assemblies) == {2}
    assert table.loc["700 K", "chlorine on gallium at the start (%)"] == "35.0 ± 5.0"
