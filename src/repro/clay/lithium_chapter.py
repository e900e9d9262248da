"""What the chapter on lithium shows of runs: how far it came, and whether it diffuses.

A run counts if its lithium diffuses: :func:`repro.clay.diffusion.diffusion` gives a
coefficient and calls it diffusive, the exponent of the MSD being 1.  Others are kept with
their reason.  That rule was fixed before any run was there, and it is strict: an atom that
rattles before it leaves adds a constant to the MSD, which lowers the exponent of a line
that is perfectly straight.  A second rule asks for that alone, by the slope of the later
half of the fitted lags over that of the earlier half.  It was added after the first run, at
820 K, was seen, and before any law was fitted; it is shown beside the first, not in its
place.  A third leaves none out that has a coefficient, and widens its error instead by what
its slope still changed.  It was added when the first two had left too few runs for a law.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import ase.io
import numpy as np
import pandas as pd
from ase import Atoms
from numpy.typing import NDArray

from repro import data
from repro.clay import chapter, charge, diffusion, paths, protocols
from repro.clay.charge import Transport
from repro.clay.diffusion import Diffusion
from repro.clay.paths import Track
from repro.errors import InputError, did_you_mean
from repro.md import datafile
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
PROTOCOL, LEG = "diffusion-", "run"
ELEMENTS = ("Li", "F", "Cl", "Ga")
A2_PER_PS = 1e-4
"""angstrom^2/ps in cm^2/s."""
RULES, STRAIGHT_ERROR = ("exponent", "straight", "widened"), 0.25
CURVE_POINTS = 40
LIVE_MELT = "melt-2-1"


@dataclass(frozen=True)
class Point:
    """What one element does in one run.

    Attributes
    ----------
    temperature, seed, element, picoseconds:
        Of the run, K; from its first frame to its last.
    lag_ps, msd_A2:
        (L,) mean squared displacement up to half of the run, lags spaced by a factor; empty
        where paths could not be followed, with NaN for the length.
    found:
        Coefficient, or None where none could be fitted.
    straight:
        Slope of the MSD in the later half of the fitted lags over that in the earlier half,
        with its error by leaving out one atom at a time; NaN without a coefficient.
    reason:
        Why it is no diffusion; empty where it is.
    """

    temperature: float
    seed: int
    element: str
    picoseconds: float
    lag_ps: Floats
    msd_A2: Floats  # noqa: N815
    found: Diffusion | None
    straight: Estimate
    reason: str

    @property
    def diffuses(self) -> bool:
        """Whether there is a coefficient, and it is one of diffusion."""
        return self.found is not None and not self.reason

    def counts(self, rule: str = RULES[0]) -> bool:
        """Return whether the run enters a law by a rule of :data:`RULES`.

        ``exponent`` is :attr:`diffuses`.  ``straight`` asks for a coefficient, a ratio of
        slopes within two errors of 1, and an error of a quarter or less.  ``widened`` asks
        for a coefficient and a ratio, whatever it is; see :meth:`error`.

        Raises
        ------
        InputError
            For another rule.
        """
        if rule not in RULES:
            raise InputError(f"rule {rule!r}: expected {', '.join(RULES[:-1])} or {RULES[-1]}"
                             f"{did_you_mean(rule, RULES)}")  # fmt: skip
        if rule == RULES[0]:
            return self.diffuses
        ratio = self.straight
        if rule == "widened":
            return self.found is not None and bool(np.isfinite(ratio.value))
        return self.found is not None and bool(
            ratio.error <= STRAIGHT_ERROR and abs(ratio.value - 1) <= 2 * ratio.error
        )

    def error(self, rule: str = RULES[0]) -> float:
        """Return the standard error of the coefficient (cm^2/s) with which a run enters a law.

        By ``widened`` the difference of the ratio of slopes from 1 and the error of that ratio,
        times the coefficient, are added in quadrature to the error of the fit: where the slope
        still falls, the next stretch may well lower it by as much again, and a ratio that is 1
        by luck proves nothing.  By the others it is that of the fit.

        Raises
        ------
        InputError
            For a run that does not count, or another rule.
        """
        if self.found is None or not self.counts(rule):
            raise InputError(f"run at {self.temperature:g} K of seed {self.seed}: expected one "
                             f"that counts by the rule {rule}")  # fmt: skip
        if rule != "widened":
            return self.found.error
        bend = np.hypot(self.straight.value - 1, self.straight.error)
        return float(np.hypot(self.found.error, bend * self.found.coefficient))

    @property
    def rms(self) -> float:
        """Root mean square displacement at the longest lag, angstrom; NaN without a curve."""
        return float(np.sqrt(self.msd_A2[-1])) if len(self.msd_A2) else float("nan")


def read(frames: Iterable[Atoms], *, element: str = "Li") -> Track:
    """Return the paths of an element, the time step read off the first two frames.

    Parameters
    ----------
    frames:
        As for :func:`repro.clay.paths.track`; ``info["time_ps"]`` in each.
    element:
        Whose paths.

    Raises
    ------
    InputError
        As :func:`repro.clay.paths.timed` and :func:`repro.clay.paths.track`.
    """
    own, dt = paths.timed(frames)
    return paths.track(own, dt_ps=dt, element=element)


def straightness(positions: NDArray[np.float32], *, start: int, stop: int) -> Estimate:
    """Return the slope of the MSD in the later half of some lags over that in the earlier.

    Parameters
    ----------
    positions:
        (T, N, 3) unwrapped, angstrom.
    start, stop:
        Lags in frames; half way between them is where the halves meet.

    Raises
    ------
    InputError
        For lags that are not in order, less than two apart, or as long as the run.
    """
    if not 0 < start < stop - 1 < len(positions) - 1 or positions.shape[1] < 2:
        raise InputError(f"lags {start} to {stop} of {len(positions)} frames and "
                         f"{positions.shape[1]} atoms: expected two lags or more apart, within "
                         "the run, and two atoms")  # fmt: skip
    x = np.asarray(positions, dtype=float)
    middle = (start + stop) // 2
    each = np.array(
        [((x[m:] - x[:-m]) ** 2).sum(axis=2).mean(axis=0) for m in (start, middle, stop)]
    )
    # Leaving out an atom from sums of differences; the lengths of the halves may differ by one.
    rise = np.diff(each, axis=0) / np.array([[middle - start], [stop - middle]])
    total = rise.sum(axis=1, keepdims=True)
    earlier, later = total - rise
    without = later / earlier
    count = len(without)
    error = np.sqrt(((without - without.mean()) ** 2).sum() * (count - 1) / count)
    return Estimate(float(total[1, 0] / total[0, 0]), float(error))


def measured(
    frames: Iterable[Atoms], *, temperature: float, seed: int, element: str = "Li"
) -> Point:
    """Return what an element does in a run, diffusion or not.

    Parameters
    ----------
    frames:
        As for :func:`read`; the run is streamed once.
    temperature, seed:
        Of the run, K.
    element:
        Whose paths.

    Raises
    ------
    InputError
        For a temperature that is not positive.  Why a run cannot be read or fitted becomes
        its reason, so that one bad run of many is listed and not lost.
    """
    if not temperature > 0:
        raise InputError(f"temperature {temperature} K: expected above 0 K")
    none, unknown = np.empty(0), Estimate(float("nan"), float("nan"))
    try:
        own = read(frames, element=element)
    except InputError as error:
        return Point(temperature, seed, element, np.nan, none, none, None, unknown, str(error))
    lag, msd = paths.mean_squared_displacement(own.positions, dt_ps=own.dt_ps)
    half = max((len(lag) - 1) // 2, 1)
    chosen = np.unique(np.round(np.geomspace(1, half, CURVE_POINTS)).astype(np.int64))
    found: Diffusion | None = None
    reason = ""
    try:
        found = diffusion.diffusion(own, temperature=temperature)
    except InputError as error:
        reason = str(error)
    ratio = unknown
    if found is not None:
        lags = (round(found.start_ps / own.dt_ps), round(found.stop_ps / own.dt_ps))
        ratio = straightness(own.positions, start=lags[0], stop=lags[1])
    if found is not None and not found.diffusive:
        reason = (f"the MSD grows as the lag to the power {found.exponent:.2f} ± "
                  f"{found.exponent_error:.2f}, not 1")  # fmt: skip
    return Point(
        temperature, seed, element, float(lag[-1]), lag[chosen], msd[chosen], found, ratio, reason
    )


def shipped(table: pd.DataFrame) -> dict[int, list[int]]:
    """Return the temperatures (K) of diffusion runs, hottest first, with their seeds.

    Parameters
    ----------
    table:
        From :func:`repro.clay.chapter.runs`.
    """
    own = table[table.protocol.str.startswith(PROTOCOL) & (table.leg == LEG)]
    found: dict[int, list[int]] = {}
    for protocol, seed in zip(own.protocol, own.seed, strict=True):
        found.setdefault(int(protocol.removeprefix(PROTOCOL)), []).append(int(seed))
    return {t: sorted(found[t]) for t in sorted(found, reverse=True)}


def points(preset: str = chapter.PRESET) -> list[Point]:
    """Return lithium in every shipped run, hottest first; a second or two each."""
    return [
        measured(
            chapter.frames(seed, f"{PROTOCOL}{t}", LEG, preset=preset), temperature=t, seed=seed
        )
        for t, seeds in shipped(chapter.runs(preset)).items()
        for seed in seeds
    ]


def charged(
    preset: str = chapter.PRESET, *, fits: Sequence[tuple[float, float]] = (charge.FIT_PS,)
) -> dict[tuple[float, float], list[Transport]]:
    """Return what all charges carry in every shipped run, hottest first, for each range of lags.

    Runs that cannot be followed, for which :func:`points` has the reason, or that are too short
    for a range are left out; whatever their charges do.

    Parameters
    ----------
    preset:
        Whose runs.
    fits:
        First and last lag in ps.
    """
    found: dict[tuple[float, float], list[Transport]] = {one: [] for one in fits}
    for t, seeds in shipped(chapter.runs(preset)).items():
        for seed in seeds:
            try:
                frames, dt = paths.timed(chapter.frames(seed, f"{PROTOCOL}{t}", LEG, preset=preset))
                ions = paths.tracks(frames, dt_ps=dt)
            except InputError:
                continue
            length = len(ions["Li"].positions)
            for one, own in found.items():
                if charge.long_enough(length, dt_ps=dt, fit_ps=one):
                    own.append(charge.transport(ions, temperature=t, run=seed, fit_ps=one))
    return found


def movers(temperature: int, seed: int, preset: str = chapter.PRESET) -> dict[str, Point]:
    """Return what each element does in one shipped run."""
    return {
        e: measured(chapter.frames(seed, f"{PROTOCOL}{temperature}", LEG, preset=preset),
                    temperature=temperature, seed=seed, element=e)
        for e in ELEMENTS
    }  # fmt: skip


def flows(found: Mapping[str, Point], *, rule: str = RULES[0]) -> bool:
    """Return whether the frame is a liquid: gallium counts by the rule used for lithium.

    Raises
    ------
    InputError
        Without gallium, or for another rule.
    """
    if "Ga" not in found:
        raise InputError(f"elements {', '.join(found) or 'none'}: expected Ga among them")
    return found["Ga"].counts(rule)


def pieces(found: Track, *, atoms: int, picoseconds: float) -> Floats:
    """Return the D (cm^2/s) that short runs of few atoms would have shown.

    The run is cut into pieces of whole frames that do not overlap, and the atoms into
    groups; each gives the mean squared displacement from end to end over six times the
    time.

    Parameters
    ----------
    found:
        Paths of one element.
    atoms, picoseconds:
        Of such a group and piece.

    Raises
    ------
    InputError
        For groups or pieces that are larger than the run, or none.
    """
    length, count = found.positions.shape[:2]
    steps = round(picoseconds / found.dt_ps)
    if not 1 <= atoms <= count or not 1 <= steps < length:
        raise InputError(f"groups of {atoms} and pieces of {picoseconds:g} ps: expected up to "
                         f"{count} atoms and from {found.dt_ps:g} to "
                         f"{(length - 1) * found.dt_ps:g} ps")  # fmt: skip
    ends = np.asarray(found.positions[::steps], dtype=float)
    squares = ((ends[1:] - ends[:-1]) ** 2).sum(axis=2)
    groups = count // atoms
    each = squares[:, : groups * atoms].reshape(len(squares), groups, atoms).mean(axis=2)
    apparent: Floats = A2_PER_PS * each.ravel() / (6 * steps * found.dt_ps)
    return apparent


def live(made: chapter.Live, *, temperature: float, picoseconds: float) -> dict[str, Point]:
    """Return what each element does in a live run of the 64-atom melt of chapter 5.

    It settles for a picosecond at zero pressure.  Frames come every 0.05 ps: in so small a
    cell an atom must not go far between two.

    Parameters
    ----------
    made:
        Where it runs.
    temperature, picoseconds:
        K; length of the run at constant volume.

    Raises
    ------
    InputError
        As :func:`measured` and :func:`repro.clay.campaign.run`.
    """
    known = ase.io.iread(data.path("potential/structures/structures.extxyz"))
    start = made.folder / "melt.data"
    datafile.write_structure(next(f for f in known if f.info["family"] == LIVE_MELT), start)
    asked = protocols.Diffusion(temperature=temperature, settle_ps=1.0, run_ps=picoseconds,
                                frame_ps=0.05)  # fmt: skip
    last = made.run(asked, start, name=f"diffusion-{temperature:g}")[-1]
    return {e: measured(made.frames(last), temperature=temperature, seed=made.seed, element=e)
            for e in ELEMENTS}  # fmt: skip
