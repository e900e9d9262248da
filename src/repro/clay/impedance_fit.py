r"""Ionic conductivity of a pellet from its impedance spectrum between blocking electrodes.

The paper measures between platinum foils at 25 C, 7 MHz to 10 mHz, 10 mV (Methods).  Ions
cannot cross the foil, so low frequencies show the double layer, a constant phase element
:math:`Z = 1/(Q (i\omega)^\alpha)`.  Two circuits are fitted by the package ``impedance``,
each with and without the inductance of the leads in series: ``R0-CPE1``, a resistance and
the electrode, and ``R0-p(R1,CPE1)-CPE2`` with an arc between (grains, or the capacitance
of the bulk).  By the corrected Akaike criterion,

.. math:: \mathrm{AICc} = m \ln\frac{S}{m} + 2k + \frac{2k(k+1)}{m-k-1} ,

with the sum :math:`S` of the :math:`m` squared residuals relative to :math:`|Z|` (two per
frequency) and :math:`k` parameters, the noise counted, the simplest within 10 of the
lowest is chosen: an arc can be fitted to noise.  The resistance of the electrolyte is
where the electrode begins, R0 or R0 + R1: every arc is taken as the electrolyte's, and
leads as without resistance.  Errors are those of the residuals' own scatter, taken as
independent and as the same part of :math:`|Z|` at all frequencies.

Starting values come from the data: for given exponents and time constant a circuit is
linear in the rest, so only those are searched.

Whether any linear, stable circuit has such a spectrum is asked by the linear
Kramers-Kronig test (Schoenleber et al., Electrochim. Acta 131, 20 (2014)).  It finds a
jump or an electrode that changes by a factor, not a slow drift by tens of percent.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.linalg import norm, pinv
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls

from repro.errors import InputError, did_you_mean
from repro.md.statistics import Estimate

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
FEWEST, DECADES, EVIDENCE = 15, 3.0, 10.0
CIRCUITS = ("R0-CPE1", "L0-R0-CPE1", "R0-p(R1,CPE1)-CPE2", "L0-R0-p(R1,CPE1)-CPE2")
# Of the Kramers-Kronig test; and a residual below which nothing is evidence for a circuit.
LARGEST_RESIDUAL, EXACT = 0.015, 1e-6
WORDS = {
    "frequency": ("freq", "frequency", "f"),
    "real part": ("rez", "zre", "zreal", "re", "real", "z'"),
    "imaginary part": ("imz", "zim", "zimag", "zimg", "im", "imag", "imaginary", "z''", 'z"'),
}
UNIT = re.compile(r"[\s/\[(_]+([a-zµμ]?(?:hz|ohms?|Ω|Ω)[^\])]*)[\])]?$", re.IGNORECASE)


@dataclass(frozen=True)
class Spectrum:
    """(N,) Hz, high to low, and ohm, Im Z < 0 if capacitive; what was done with its sign."""

    frequency: Floats
    impedance: Complex
    sign: str


@dataclass(frozen=True)
class CircuitFit:
    """One circuit fitted to a spectrum.

    Attributes
    ----------
    circuit, parameters:
        In the notation of the package ``impedance``; value and standard error by name, SI
        (CPE1_0 is the Q and CPE1_1 the exponent).
    resistance:
        Of the electrolyte, ohm: R0, or R0 + R1 with their covariance.
    residual, aicc, impedance:
        Root mean square of the relative residuals; the criterion; (N,) of the circuit.
    """

    circuit: str
    parameters: Mapping[str, Estimate]
    resistance: Estimate
    residual: float
    aicc: float
    impedance: Complex


@dataclass(frozen=True)
class KramersKronig:
    """RC elements needed, and root mean square residuals relative to the modulus."""

    elements: int
    real: float
    imaginary: float

    @property
    def passed(self) -> bool:
        """Whether both residuals are at most 1.5 %."""
        return max(self.real, self.imaginary) <= LARGEST_RESIDUAL


def spectrum(frequency: Floats, impedance: Complex, *, negated: bool = False) -> Spectrum:
    """Return a checked spectrum.

    Parameters
    ----------
    frequency, impedance:
        (N,) Hz and ohm, in any order.
    negated:
        Whether the imaginary part is known to be -Im Z.  Where it is not and is positive
        at low frequency, where blocking electrodes are capacitive, it is turned.

    Raises
    ------
    InputError
        For other shapes, values that are not finite, frequencies that are not positive or
        occur twice, too few or too short a range, or an imaginary part of the wrong sign.
    """
    f, z = np.asarray(frequency, dtype=float), np.asarray(impedance, dtype=complex)
    if f.ndim != 1 or f.shape != z.shape:
        raise InputError(
            f"frequencies of shape {f.shape}, impedances {z.shape}: expected (N,) both"
        )
    for row in np.flatnonzero(~((f > 0) & np.isfinite(f) & np.isfinite(z) & (z != 0))):
        raise InputError(f"row {row + 1}, {f[row]:g} Hz, {z[row]:g} ohm: expected a positive "
                         "frequency and a finite impedance that is not 0")  # fmt: skip
    each, times = np.unique(f, return_counts=True)
    if (times > 1).any():
        raise InputError(f"{each[times > 1][0]:g} Hz occurs {times[times > 1][0]} times: expected one "
                         "sweep, each frequency once")  # fmt: skip
    reach = float(np.log10(each[-1] / each[0])) if len(f) else 0.0
    if len(f) < FEWEST or reach < DECADES:
        raise InputError(f"{len(f)} points over {reach:.1f} decades: expected {FEWEST} or more over "
                         f"{DECADES:g} decades or more (the paper: 7 MHz to 10 mHz)")  # fmt: skip
    order = np.argsort(f)[::-1]
    f, z = f[order], np.conj(z[order]) if negated else z[order]
    inductive = float(np.median(z[-(len(f) // 3) :].imag)) > 0
    if negated and inductive:
        raise InputError("-Im Z is negative at low frequency: expected blocking electrodes, which "
                         "are capacitive; it may be Im Z")  # fmt: skip
    sign = "given as -Im Z, turned" if negated else "given as Im Z"
    if inductive:
        z, sign = np.conj(z), "positive at low frequency: taken as -Im Z, turned"
    return Spectrum(f, z, sign)


def _split(line: str, mark: str) -> list[str]:
    return [part.strip().strip('"') for part in line.strip().split(mark or None)]


def _number(text: str, mark: str) -> float | None:
    try:
        return float(text if mark == "," else text.replace(",", "."))
    except ValueError:
        return None


def _mark(line: str) -> str | None:
    """Return what parts three numbers or more in a line, "" for blanks; None without such."""
    for mark in ("\t", ";", ",", ""):
        if sum(_number(part, mark) is not None for part in _split(line, mark)) >= 3:
            return mark
    return None


def _by_name(names: Sequence[str], role: str) -> int:
    for column, name in enumerate(names):
        unit = UNIT.search(name)
        bare = re.sub(r"[^a-z'\"]", "", (name[: unit.start()] if unit else name).lower())
        if bare in WORDS[role]:
            if unit and unit[1].lower() not in ("hz", "ohm", "ohms", "ω"):
                raise InputError(f"column {name!r} is in {unit[1]}: expected Hz and ohm")
            return column
    raise InputError(f"no column for the {role} among {', '.join(names)}: expected a name such as "
                     f"{', '.join(WORDS[role])}; or give the columns")  # fmt: skip


def _columns(names: Sequence[str], given: Sequence[str | int] | None) -> list[int]:
    """Return the places of frequency, real and imaginary part."""
    if given is None:
        return [_by_name(names, role) for role in WORDS] if names else [0, 1, 2]
    if len(given) != 3:
        raise InputError(f"columns {list(given)}: expected three, of frequency, Re Z and Im Z")
    for column in given:
        if isinstance(column, int) and column < 1:
            raise InputError(f"column {column}: expected numbers from 1")
        if isinstance(column, str) and column not in names:
            raise InputError(f"no column {column!r} among {', '.join(names) or 'unnamed ones'}"
                             f"{did_you_mean(column, names)}")  # fmt: skip
    return [c - 1 if isinstance(c, int) else list(names).index(c) for c in given]


def read_spectrum(path: Path, *, columns: Sequence[str | int] | None = None) -> Spectrum:
    """Read a measured spectrum: CSV, columns parted by blanks, or a BioLogic ``.mpt`` export.

    Numbers start at the first line with three of them; the line before has the names.
    Decimal commas are read where commas do not part columns.  A column whose name begins
    with a minus, as ``-Im(Z)/Ohm``, is turned; the spectrum says so.

    Parameters
    ----------
    path, columns:
        Text file; names, or numbers from 1, of frequency (Hz), Re Z and Im Z (ohm); without,
        found by name, or the first three where there are no names.

    Raises
    ------
    InputError
        For a file that cannot be read, has no such columns or numbers, or other units, and
        as :func:`spectrum` does.
    """
    try:
        # BioLogic writes Latin-1; the bytes that matter here are the same.
        lines = Path(path).read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a spectrum as text") from None
    first, mark = next(
        ((k, _mark(line)) for k, line in enumerate(lines) if _mark(line) is not None), (0, None)
    )
    if mark is None:
        raise InputError(f"{path}: no line of three numbers: expected frequency, Re Z and Im Z")
    head = next((line for line in lines[:first][::-1] if line.strip(" \t#%")), "")
    # What has fewer parts than columns is a title.
    names = part if len(part := _split(head.lstrip("#% "), mark)) >= 3 else []
    try:
        chosen = _columns(names, columns)
        rows = []
        for number, line in enumerate(lines[first:], first + 1):
            if not line.strip(" \t#%") or line.lstrip()[0] in "#%":
                continue
            parts = _split(line, mark)
            if len(parts) <= max(chosen):
                raise InputError(f"line {number} has {len(parts)} columns: expected "
                                 f"{max(chosen) + 1} or more")  # fmt: skip
            values = [_number(parts[column], mark) for column in chosen]
            if None in values:
                raise InputError(f"line {number}, {parts[chosen[values.index(None)]]!r}: expected "
                                 "a number")  # fmt: skip
            rows.append(values)
        f, real, imaginary = np.array(rows, dtype=float).T
        negated = bool(names) and names[chosen[2]].startswith(("-", "\u2212"))
        return spectrum(f, real + 1j * imaginary, negated=negated)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _start(found: Spectrum, circuit: str) -> list[float]:
    """Return values near the best of a circuit, in the order of the package."""
    s, z = 2j * np.pi * found.frequency, found.impedance
    size, lead = np.abs(z), "L0" in circuit

    def solve(shape: Any) -> tuple[Floats, Floats]:
        """Return R0, 1/Q, L0, R1 and the residuals for alpha, and ln tau and alpha of an arc."""
        parts = [np.ones_like(s), s ** -shape[0], s if lead else 0 * s]
        if len(shape) > 1:
            parts.append(1 / (1 + (s * np.exp(shape[1])) ** shape[2]))
        scaled = np.array([*parts, z]).T / size[:, None]
        matrix = np.concatenate([scaled.real, scaled.imag])
        norms = np.maximum(norm(matrix, axis=0), 1e-300)[:-1]
        values = nnls(matrix[:, :-1] / norms, matrix[:, -1])[0] / norms
        return values, matrix[:, :-1] @ values - matrix[:, -1]

    def search(starts: list[list[float]], *edges: tuple[float, float]) -> Floats:
        bounds = np.array(edges).T
        steps = np.minimum(0.1 * np.ptp(bounds, axis=0), 0.5)
        fits = [least_squares(lambda p: solve(p)[1], start, bounds=bounds, x_scale=steps,
                              max_nfev=50) for start in starts]  # fmt: skip
        best: Floats = min(fits, key=lambda one: one.cost).x
        return best

    shape = search([[0.5], [0.7], [0.9]], (0.2, 1.0))
    if "R1" in circuit:
        # An arc whose top lies beyond the highest frequency still shows its flank.
        first, last = -np.log(np.abs(s).max()) - 4, -np.log(np.abs(s).min())
        each = [[shape[0], tau, 0.8] for tau in np.arange(first, last, 2.0)]
        each.sort(key=lambda p: float(norm(solve(p)[1])))
        shape = search(each[:5], (0.2, 1.0), (first - 5, last + 2), (0.3, 1.0))
    r0, inverse, inductance, *arc = solve(shape)[0]
    total = float(r0 + sum(arc)) or float(size.min())
    # The package wants to start inside its bounds, which are 0.
    values = [max(inductance, 1e-3 * total / float(np.abs(s).max()))] if lead else []
    values.append(max(r0, 1e-3 * total))
    if arc:
        r1 = max(arc[0], 1e-3 * total)
        values += [r1, np.exp(shape[1] * shape[2]) / r1, shape[2]]
    return [float(value) for value in (*values, 1 / max(inverse, 1e-6 * total), shape[0])]


def fit_circuit(found: Spectrum, circuit: str) -> CircuitFit:
    """Return one of ``CIRCUITS`` fitted; InputError for another or where it does not converge."""
    if circuit not in CIRCUITS:
        raise InputError(f"circuit {circuit!r}: expected one of {', '.join(CIRCUITS)}")
    package: Any = importlib.import_module("impedance.models.circuits")
    f, z, start = found.frequency, found.impedance, _start(found, circuit)
    model = package.CustomCircuit(circuit, initial_guess=start)
    try:
        # Steps relative to each parameter: scipy's own are absolute below 1, and a Q is tiny.
        model.fit(f, z, weight_by_modulus=True, x_scale=start, diff_step=1e-6, ftol=1e-9,
                  xtol=1e-7, maxfev=100)  # fmt: skip
    except RuntimeError as error:
        raise InputError(f"{circuit}: {error}: expected a spectrum it can fit") from None
    names, best = model.get_param_names()[0], np.array(model.parameters_, dtype=float)

    def curve(values: Floats) -> Floats:
        model.parameters_ = values
        relative = np.asarray(model.predict(f)) / np.abs(z)
        return np.concatenate([relative.real, relative.imag])

    # The package's own errors lose to rounding where parameters differ by many decades.
    resistors = np.array([name in ("R0", "R1") for name in names])
    total = float(best[resistors].sum())
    unit = np.where(resistors, total, np.maximum(best, 1e-9 * np.array(start)))
    steps = 1e-5 * np.diag(unit)
    jacobian = np.array([(curve(best + h) - curve(best - h)) / 2e-5 for h in steps]).T
    fitted = curve(best)
    rest = fitted - np.concatenate([z.real, z.imag]) / np.tile(np.abs(z), 2)
    squares, m, k = float((rest**2).sum()), len(rest), len(best)
    length = norm(jacobian, axis=0)
    length[length == 0] = 1.0
    inverse = pinv(jacobian / length, rcond=1e-9)
    covariance = inverse @ inverse.T * squares / (m - k) * np.outer(unit / length, unit / length)
    errors = np.sqrt(np.diag(covariance))
    k += 1
    aicc = m * np.log(max(squares / m, EXACT**2)) + 2 * k + 2 * k * (k + 1) / (m - k - 1)
    return CircuitFit(
        circuit=circuit,
        parameters={n: Estimate(float(v), float(e)) for n, v, e in zip(names, best, errors, strict=True)},
        resistance=Estimate(total, float(np.sqrt(resistors @ covariance @ resistors))),
        residual=float(np.sqrt(squares / m)), aicc=float(aicc),
        impedance=(fitted[: len(f)] + 1j * fitted[len(f) :]) * np.abs(z),
    )  # fmt: skip


def fit(found: Spectrum) -> list[CircuitFit]:
    """Return the circuits that converge: the chosen one, then the others by rising AICc.

    Raises
    ------
    InputError
        Where none can be fitted, or the chosen resistance is not known to a half.
    """
    made, failed = [], []
    for circuit in CIRCUITS:
        try:
            made.append(fit_circuit(found, circuit))
        except InputError as error:
            failed.append(str(error))
    if not made:
        raise InputError("; ".join(failed))
    enough = min(one.aicc for one in made) + EVIDENCE
    chosen = next(one for one in made if one.aicc <= enough)
    best = chosen.resistance
    if not best.error <= best.value / 2:
        raise InputError(f"resistance {best.value:.3g} +/- {best.error:.2g} ohm: expected a spectrum "
                         "that shows where the electrode begins; measure at higher frequency")  # fmt: skip
    return [chosen, *sorted((one for one in made if one is not chosen), key=lambda one: one.aicc)]


def kramers_kronig(found: Spectrum) -> KramersKronig:
    """Return the linear Kramers-Kronig test of the package ``impedance``."""
    validation: Any = importlib.import_module("impedance.validation")
    # The package prints its progress, and writes numbers into code as numpy 1 showed them.
    old: Any = "1.25"
    with contextlib.redirect_stdout(io.StringIO()), np.printoptions(legacy=old):
        elements, _, _, real, imaginary = validation.linKK(
            found.frequency, found.impedance, c=0.85, max_M=min(80, len(found.frequency)),
            fit_type="complex", add_cap=True)  # fmt: skip
    real, imaginary = (float(np.sqrt((rest**2).mean())) for rest in (real, imaginary))
    return KramersKronig(int(elements), real, imaginary)


def conductivity(resistance: Estimate, *, thickness: Estimate, area: Estimate) -> Estimate:
    r"""Return :math:`\sigma = d / (R A)` in mS/cm, errors of all three propagated.

    Parameters
    ----------
    resistance, thickness, area:
        Ohm, cm and cm^2 with standard errors, independent of each other.

    Raises
    ------
    InputError
        For a value that is not positive, or a negative error.
    """
    given = {"resistance": resistance, "thickness": thickness, "area": area}
    for name, one in given.items():
        if not (0 < one.value < np.inf and 0 <= one.error < np.inf):
            raise InputError(f"{name} {one.value:g} +/- {one.error:g}: expected a positive value and "
                             "an error of 0 or more")  # fmt: skip
    value = 1000.0 * thickness.value / (resistance.value * area.value)
    relative = np.sqrt(sum((one.error / one.value) ** 2 for one in given.values()))
    return Estimate(value, float(value * relative))
