r"""What is done to the clay: each protocol is a short list of legs.

A leg is one LAMMPS run with an ensemble; a protocol is a frozen description that knows
its legs.  Nothing here runs: :meth:`Leg.stage` makes the stage that
:func:`repro.md.stages.run_stage` runs, checkpointed and resumable.

Times, temperatures and rates of the paper and of the book's own runs are in
:mod:`repro.clay.presets`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from repro.errors import InputError
from repro.md import scripts
from repro.md.stages import Stage


def _close(rounds: int = 3, steps: int = 2000) -> str:
    # Both limits keep a minimiser with a moving cell from stopping at its first snag.  It takes
    # the cell it began with as its measure, so it is begun anew; LAMMPS' manual advises that.
    cell = (
        "fix close all box/relax tri 0.0 vmax 0.005\nmin_modify line quadratic\n"
        "minimize 0.0 0.02 {steps} 20000\nunfix close\nminimize 0.0 0.02 {atoms} 3000\n"
    )
    return (
        "min_style cg\n"
        + "".join(
            cell.format(steps=steps if k == 0 else steps // 4, atoms=3 * steps // 20)
            for k in range(rounds)
        )
        + "reset_timestep 0\n"
    )


CLOSE = _close()
"""Relax atoms and cell at 0 K: the gaps between particles close."""


@dataclass(frozen=True)
class Leg:
    """One run of a protocol.

    Attributes
    ----------
    name:
        Of the leg, unique in its protocol.
    ensemble:
        LAMMPS fixes (:mod:`repro.md.scripts`).
    picoseconds:
        Length.
    begin:
        Lines before the first step: minimisation, velocities.
    thermo_ps, dump_ps:
        Between rows and between frames.
    """

    name: str
    ensemble: str
    picoseconds: float
    begin: str = ""
    thermo_ps: float = 0.05
    dump_ps: float = 1.0

    def stage(self, *, pair: str, timestep_fs: float, checkpoint_ps: float) -> Stage:
        """Return the leg as a stage of whole steps.

        Raises
        ------
        InputError
            If a time is not positive, or the leg is shorter than a step.
        """
        for name, value in (("timestep_fs", timestep_fs), ("checkpoint_ps", checkpoint_ps)):
            if not value > 0:
                raise InputError(f"{name}={value}: expected a positive number")

        def steps(ps: float) -> int:
            return max(round(1000 * ps / timestep_fs), 1)

        if not 1000 * self.picoseconds >= timestep_fs:
            raise InputError(f"leg {self.name!r} of {self.picoseconds} ps: expected one step of "
                             f"{timestep_fs} fs or more")  # fmt: skip
        return Stage(
            pair=pair, begin=self.begin, ensemble=self.ensemble, steps=steps(self.picoseconds),
            checkpoint=steps(checkpoint_ps), timestep_fs=timestep_fs,
            thermo_every=steps(self.thermo_ps), dump_every=steps(self.dump_ps),
        )  # fmt: skip


class Described(Protocol):
    """What every protocol can do."""

    def legs(self, *, seed: int) -> list[Leg]:
        """Return its runs in order; each begins where the one before ended."""


@dataclass(frozen=True)
class Sandwich:
    """Hold the sandwich of the two salts, so that the interface finds its form; relax it at 0 K.

    Attributes
    ----------
    temperature, picoseconds:
        K and ps, at constant volume.
    """

    temperature: float = 800.0
    picoseconds: float = 5.0

    def legs(self, *, seed: int) -> list[Leg]:
        """Return the run, and one step at rest after a relaxation in the same cell."""
        return [
            Leg("hold", scripts.nvt(self.temperature), self.picoseconds,
                begin=scripts.relax() + scripts.velocities(self.temperature, seed)),
            Leg("relax", scripts.nve(), 0.002,
                begin=scripts.relax(force=0.02, steps=1000) + "velocity all set 0 0 0\n"),
        ]  # fmt: skip


@dataclass(frozen=True)
class Anneal:
    """Close the gaps, melt, relax at 0 K, rest at zero stress.

    Attributes
    ----------
    melt_temperature, melt_ps:
        K and ps, at constant volume.
    first_ps:
        Moment of the first snapshot of the melt; the second is its end.
    temperature, rest_ps:
        K and ps, at zero stress with all six cell parameters free.
    """

    melt_temperature: float = 900.0
    melt_ps: float = 50.0
    first_ps: float = 1.0
    temperature: float = 300.0
    rest_ps: float = 2000.0

    def __post_init__(self) -> None:
        """Check the order of the snapshots."""
        if not 0 < self.first_ps < self.melt_ps:
            raise InputError(f"first snapshot at {self.first_ps} ps of a melt of {self.melt_ps} ps: "
                             "expected a moment within it")  # fmt: skip

    def close(self) -> str:
        """Return the lines that close the gaps before either run."""
        return CLOSE

    def legs(self, *, seed: int) -> list[Leg]:
        """Return melt and rest; frames of the melt come at multiples of the first snapshot."""
        close = self.close()
        return [
            Leg("melt", scripts.nvt(self.melt_temperature), self.melt_ps,
                begin=close + scripts.velocities(self.melt_temperature, seed),
                dump_ps=self.first_ps),
            Leg("rest", scripts.npt(self.temperature, coupling="tri"), self.rest_ps,
                begin=close + scripts.velocities(self.temperature, seed + 1),
                dump_ps=max(self.rest_ps / 200, 0.1)),
        ]  # fmt: skip


@dataclass(frozen=True)
class HastyAnneal(Anneal):
    """An anneal for cells too large to relax to the end: the gaps close in fewer steps.

    What a minimisation gains late, the melt undoes; the volume of 8,256 atoms stayed within
    0.1 % after the first 25 steps.

    Attributes
    ----------
    closing:
        Steps with a moving cell of the first round of three; the others have a share of it.
    """

    closing: int = 400

    def __post_init__(self) -> None:
        """Check the number of steps, and the order of the snapshots."""
        super().__post_init__()
        if self.closing < 20:
            raise InputError(f"{self.closing} steps to close the gaps: expected 20 or more")

    def close(self) -> str:
        """Return the lines that close the gaps before either run."""
        return _close(steps=self.closing)


@dataclass(frozen=True)
class Melt:
    """Close the gaps and melt at another temperature; nothing after.

    Attributes
    ----------
    temperature, picoseconds, frame_ps:
        K and ps, at constant volume; time between frames.
    """

    temperature: float
    picoseconds: float = 50.0
    frame_ps: float = 1.0

    def legs(self, *, seed: int) -> list[Leg]:
        """Return the run; with equal seeds its velocities scale with the temperature."""
        return [Leg("melt", scripts.nvt(self.temperature), self.picoseconds,
                    begin=CLOSE + scripts.velocities(self.temperature, seed),
                    dump_ps=self.frame_ps)]  # fmt: skip


@dataclass(frozen=True)
class Cooling:
    """Cool at a constant rate and zero pressure, for the glass transition.

    The box keeps its shape: in a liquid nothing resists a change of it, so a box that is
    free to lean would lean further and further.

    Attributes
    ----------
    start, stop:
        K.  The start must lie where the liquid finds its volume within the settling: a run
        that begins as a glass has no kink to show.
    rate:
        K per ps (1 K/ps is 1e12 K/s).
    settle_ps:
        At the starting temperature before.
    """

    start: float = 800.0
    stop: float = 100.0
    rate: float = 1.0
    settle_ps: float = 10.0

    def __post_init__(self) -> None:
        """Check the direction."""
        if not self.start > self.stop > 0 or not self.rate > 0:
            raise InputError(f"cooling from {self.start} to {self.stop} K at {self.rate} K/ps: "
                             "expected start > stop > 0 and a positive rate")  # fmt: skip

    def legs(self, *, seed: int) -> list[Leg]:
        """Return a run at the start and the ramp."""
        ramp = (self.start - self.stop) / self.rate
        return [
            Leg("settle", scripts.npt(self.start, coupling="iso"), self.settle_ps,
                begin=scripts.velocities(self.start, seed)),
            Leg("cool", scripts.npt(self.start, self.stop, coupling="iso"), ramp,
                dump_ps=ramp / 100),
        ]  # fmt: skip


@dataclass(frozen=True)
class StressCycles:
    """Pulses of shear stress; between them, and on all other components, zero.

    Attributes
    ----------
    component, amplitude_mpa:
        ``yz``, ``xz`` or ``xy``, and MPa.  An amplitude of 0 is the control: the same
        runs, no load.
    on_ps, off_ps, cycles:
        Times of a pulse, and their number.
    temperature:
        K.
    """

    component: str = "yz"
    amplitude_mpa: float = 50.0
    on_ps: float = 400.0
    off_ps: float = 400.0
    cycles: int = 3
    temperature: float = 300.0

    def __post_init__(self) -> None:
        """Check the number of pulses."""
        if self.cycles < 1:
            raise InputError(f"{self.cycles} stress cycles: expected one or more")

    def legs(self, *, seed: int) -> list[Leg]:
        """Return on and off in turn; the first draws the velocities."""
        made: list[Leg] = []
        for number in range(1, self.cycles + 1):
            for word, stress, ps in (("on", self.amplitude_mpa, self.on_ps),
                                     ("off", 0.0, self.off_ps)):  # fmt: skip
                begin = scripts.velocities(self.temperature, seed) if not made else ""
                made.append(Leg(
                    f"{word}-{number}",
                    scripts.shear_stress(self.temperature, component=self.component,
                                         stress_mpa=stress),
                    ps, begin=begin, dump_ps=ps / 20,
                ))  # fmt: skip
        return made


@dataclass(frozen=True)
class ShearRate:
    """Shear at a constant rate; every other component of the stress is held at zero.

    Attributes
    ----------
    component, rate_per_s, strain:
        ``yz``, ``xz`` or ``xy``; strain per second; strain at the end.
    interval:
        Strain between frames; the paper's D2min is over 0.01.
    temperature:
        K.
    """

    component: str = "yz"
    rate_per_s: float = 1e9
    strain: float = 0.20
    interval: float = 0.01
    temperature: float = 300.0

    def __post_init__(self) -> None:
        """Check rate and strain."""
        if not (self.rate_per_s > 0 and self.strain >= self.interval > 0):
            raise InputError(f"shear at {self.rate_per_s} /s to {self.strain} in intervals of "
                             f"{self.interval}: expected positive numbers, strain >= interval")  # fmt: skip

    @property
    def picoseconds(self) -> float:
        """Length of the run, ps."""
        return self.strain / self.rate_per_s * 1e12

    def legs(self, *, seed: int) -> list[Leg]:
        """Return the run."""
        return [Leg(
            "shear",
            scripts.shear_rate(self.temperature, component=self.component,
                               rate_per_s=self.rate_per_s),
            self.picoseconds, begin=scripts.velocities(self.temperature, seed),
            dump_ps=self.interval / self.rate_per_s * 1e12,
        )]  # fmt: skip


@dataclass(frozen=True)
class Diffusion:
    """Find the volume at a temperature, then run at constant volume.

    Attributes
    ----------
    temperature:
        K.
    settle_ps, run_ps, frame_ps:
        Times at zero pressure, of the run, and between its frames.
    """

    temperature: float = 600.0
    settle_ps: float = 20.0
    run_ps: float = 200.0
    frame_ps: float = 0.2

    def legs(self, *, seed: int) -> list[Leg]:
        """Return the settling and the run."""
        return [
            Leg("settle", scripts.npt(self.temperature, coupling="iso"), self.settle_ps,
                begin=scripts.velocities(self.temperature, seed)),
            Leg("run", scripts.nvt(self.temperature), self.run_ps, dump_ps=self.frame_ps),
        ]  # fmt: skip
