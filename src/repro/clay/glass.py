r"""Glass transition from specific volume against temperature.

Two readings of one cooling run.  Two straight lines, one through the cold and one
through the hot points, cross at :math:`T_g`; where the cold part ends and the hot part
begins is found by trying every division.  Or one smooth curve,

.. math:: v(T) = v_g + \frac{a+b}{2}(T-T_g) + \frac{b-a}{2}\sqrt{(T-T_g)^2 + w^2},

a hyperbola with slope :math:`a` far below and :math:`b` far above :math:`T_g`, and a
rounding of width :math:`w`, which is what a run at a finite rate really shows.

Intervals come from a bootstrap over blocks of neighbouring points, since points along a
run are correlated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from repro.errors import InputError

Floats = NDArray[np.float64]
FEWEST = 4
METHODS = ("lines", "hyperbola")
ZERO_CELSIUS = 273.15


@dataclass(frozen=True)
class GlassTransition:
    """A glass transition.

    Attributes
    ----------
    method:
        ``"lines"`` or ``"hyperbola"``.
    temperature, low, high:
        K, with a 95 % bootstrap interval.
    volume:
        Where the lines, or the asymptotes, cross, cm^3/g: :math:`v_g`.
    cold, hot:
        Slopes dv/dT below and above, cm^3/g/K.
    width:
        Of the rounding, K; 0 for two lines.
    residual:
        Root mean square of the fit, cm^3/g.
    """

    method: str
    temperature: float
    low: float
    high: float
    cold: float
    hot: float
    width: float
    residual: float
    volume: float

    def curve(self, t: Floats) -> Floats:
        """Return the fitted specific volume (cm^3/g) at temperatures in K."""
        return _hyperbola((self.temperature, self.volume, self.cold, self.hot, self.width), t)

    @property
    def celsius(self) -> float:
        """Temperature in degrees Celsius."""
        return self.temperature - ZERO_CELSIUS


def _lines(t: Floats, v: Floats) -> tuple[Floats, Floats, Floats]:
    """Return slope, value at t = 0 and sum of squares of lines through the first k points.

    For every k from 1 to N, from running sums; NaN and infinity where k points have no line.
    """
    k = np.arange(1, len(t) + 1)
    st, sv = np.cumsum(t), np.cumsum(v)
    tt = np.cumsum(t * t) - st * st / k
    tv = np.cumsum(t * v) - st * sv / k
    vv = np.cumsum(v * v) - sv * sv / k
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(tt > 1e-9 * np.maximum(t.max() ** 2, 1.0), tv / tt, np.nan)
    squares = np.where(np.isfinite(slope), np.maximum(vv - slope * tv, 0.0), np.inf)
    return slope, (sv - slope * st) / k, squares


def _two_lines(t: Floats, v: Floats) -> tuple[float, float, float, float, float]:
    """Return crossing, its volume, cold and hot slope, sum of squares of the best division."""
    # Running sums lose digits unless the numbers are small.
    x, y = t - t.mean(), v - v.mean()
    a, p, below = _lines(x, y)
    b, q, above = (part[::-1] for part in _lines(x[::-1], y[::-1]))
    # Points 0 to k - 1 on the cold line, k to N - 1 on the hot one.
    k = np.arange(FEWEST, len(t) - FEWEST + 1)
    a, p, b, q, squares = a[k - 1], p[k - 1], b[k], q[k], below[k - 1] + above[k]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = (p - q) / (b - a)
    # A crossing outside the data is two lines that only meet elsewhere.
    inside = np.isfinite(crossing) & (crossing > x[0]) & (crossing < x[-1])
    if not inside.any():
        return np.nan, np.nan, np.nan, np.nan, np.inf
    best = int(np.argmin(np.where(inside, squares, np.inf)))
    at = float(crossing[best])
    return (at + float(t.mean()), float(p[best] + a[best] * at + v.mean()), float(a[best]),
            float(b[best]), float(squares[best]))  # fmt: skip


def _hyperbola(p: Sequence[float] | Floats, t: Floats) -> Floats:
    x = t - p[0]
    result: Floats = p[1] + (p[2] + p[3]) / 2 * x + (p[3] - p[2]) / 2 * np.sqrt(x * x + p[4] ** 2)
    return result


def _smooth(t: Floats, v: Floats, start: tuple[float, float, float, float]) -> tuple[Floats, float]:
    """Return the parameters of the hyperbola and the sum of squares."""
    first = np.array([*start, 0.1 * np.ptp(t)])
    scale = np.array([100.0, 0.01, 1e-4, 1e-4, 30.0])
    edges = (np.array([t[0], -np.inf, -np.inf, -np.inf, 0.0]),
             np.array([t[-1], np.inf, np.inf, np.inf, np.ptp(t)]))  # fmt: skip
    fit = least_squares(lambda p: (_hyperbola(p, t) - v) / 1e-4, first, bounds=edges, x_scale=scale)
    return np.asarray(fit.x), float(2 * fit.cost * 1e-8)


def _gain(t: Floats, v: Floats) -> float:
    """Return by which share of its sum of squares one line is worse than the best two."""
    one, two = float(_lines(t - t.mean(), v - v.mean())[2][-1]), _two_lines(t, v)[4]
    # Running sums are good to about twelve digits of the whole spread.
    if one - two <= 1e-11 * float(((v - v.mean()) ** 2).sum()):
        return 0.0
    return (one - two) / one


def _memory(t: Floats, v: Floats) -> float:
    """Return the correlation of neighbouring residuals of two lines, 0 to 0.9."""
    crossing, volume, a, b, _ = _two_lines(t, v)
    x = t - crossing
    rest = v - volume - np.where(x < 0, a, b) * x
    raw = float(rest[1:] @ rest[:-1] / max(float(rest @ rest), 1e-300))
    # Lines fitted to half of the points each take this much correlation away.
    return float(np.clip(raw + (4 + 8 * raw) / len(t), 0.0, 0.9))


def _kinked(t: Floats, v: Floats, *, draws: int = 500, seed: int = 1) -> bool:
    """Return whether two lines beat one by more than 99 in 100 straight lines would show.

    Tables of F do not apply: the division is searched for, the lines need not meet at a point,
    and neighbouring residuals are correlated.  So straight lines with such residuals are drawn
    and treated alike.
    """
    gain = _gain(t, v)
    if gain == 0.0:
        return False
    rng, keep = np.random.default_rng(seed), _memory(t, v)
    noise = rng.normal(size=(draws, len(t)))
    for k in range(1, len(t)):
        noise[:, k] = keep * noise[:, k - 1] + np.sqrt(1 - keep**2) * noise[:, k]
    # Neither slope nor size of the noise matters: a line fitted takes both out.
    return bool(np.mean([_gain(t, one) >= gain for one in noise]) < 0.01)


def _check(t: Floats, v: Floats) -> tuple[Floats, Floats]:
    if t.ndim != 1 or t.shape != v.shape:
        raise InputError(f"temperatures of shape {t.shape}, volumes {v.shape}: expected (N,) both")
    if len(t) < 2 * FEWEST + 2 or not np.isfinite(t).all() or not np.isfinite(v).all():
        raise InputError(f"{len(t)} points: expected {2 * FEWEST + 2} or more finite ones for a "
                         "glass transition")  # fmt: skip
    order = np.argsort(t, kind="stable")
    return t[order], v[order]


def transition(
    temperature: Floats,
    volume: Floats,
    *,
    method: str = "hyperbola",
    samples: int = 200,
    blocks: int = 20,
    seed: int = 1,
) -> GlassTransition:
    """Return the glass transition of a cooling (or heating) run.

    Parameters
    ----------
    temperature, volume:
        K and cm^3/g, (N,), in any order.
    method:
        ``lines`` or ``hyperbola``.
    samples, blocks:
        Bootstrap samples, and blocks of neighbouring temperatures that are drawn.
    seed:
        Of the bootstrap.

    Raises
    ------
    InputError
        For too few points, another method, or where no two lines cross within the data
        (there is no kink to find).
    """
    return transitions(temperature, volume, methods=(method,), samples=samples, blocks=blocks,
                       seed=seed)[method]  # fmt: skip


def transitions(
    temperature: Floats, volume: Floats, *, methods: Sequence[str] = METHODS, samples: int = 200,
    blocks: int = 20, seed: int = 1,
) -> dict[str, GlassTransition]:  # fmt: skip
    """Return :func:`transition` by several methods; whether there is a kink is asked once.

    Raises
    ------
    InputError
        As :func:`transition`.
    """
    for method in methods:
        if method not in METHODS:
            raise InputError(f"method {method!r}: expected {' or '.join(METHODS)}")
    t, v = _check(np.asarray(temperature, dtype=float), np.asarray(volume, dtype=float))
    if not _kinked(t, v):
        raise InputError(f"no kink between {t[0]:.0f} and {t[-1]:.0f} K: two lines that cross there "
                         "are no better than one")  # fmt: skip
    return {method: _fitted(t, v, method, samples=samples, blocks=blocks, seed=seed)
            for method in methods}  # fmt: skip


def _fitted(
    t: Floats, v: Floats, method: str, *, samples: int, blocks: int, seed: int
) -> GlassTransition:
    def once(x: Floats, y: Floats) -> tuple[float, float, float, float, float, float]:
        crossing, volume, a, b, squares = _two_lines(x, y)
        if not np.isfinite(crossing) or method == "lines":
            return crossing, volume, a, b, 0.0, squares
        p, squares = _smooth(x, y, (crossing, volume, a, b))
        return float(p[0]), float(p[1]), float(p[2]), float(p[3]), float(p[4]), squares

    found = once(t, v)
    rng = np.random.default_rng(seed)
    parts = np.array_split(np.arange(len(t)), min(blocks, len(t)))
    drawn = []
    for _ in range(samples):
        chosen = np.sort(
            np.concatenate([parts[k] for k in rng.integers(0, len(parts), len(parts))])
        )
        if len(np.unique(t[chosen])) < 2 * FEWEST + 2:
            continue
        value = once(t[chosen], v[chosen])[0]
        if np.isfinite(value):
            drawn.append(value)
    low, high = np.percentile(drawn, [2.5, 97.5]) if drawn else (np.nan, np.nan)
    return GlassTransition(
        method=method, temperature=found[0], low=float(low), high=float(high), cold=found[2],
        hot=found[3], width=found[4], residual=float(np.sqrt(found[5] / len(t))), volume=found[1],
    )  # fmt: skip
