# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Cold enough to be a glass
#
# Cool a liquid fast and it never decides to freeze. It shrinks as it cools, steadily, and at some temperature it stops shrinking so fast: the
# atoms no longer find a better place in the time you give them. That bend in the volume is the glass transition. Supplementary Figure 9 of the paper
# {cite}`gupta2023`, which its text describes, plots the volume of the simulated clay against temperature and finds the bend near {glue:text}`glass.said_simulated:.0f` °C; a calorimeter had found
# {glue:text}`glass.said_measured:.0f` °C in the real one {cite}`jung2021`.
#
# **The question.** Where is the bend in our glass, how well is it known, and what does it mean that we cool a million million times faster than a laboratory?
#
# **The answer in one sentence.** Cooled at {glue:text}`glass.rate:.0f` K per picosecond our glass bends at {glue:text}`glass.celsius:.0f` ± {glue:text}`glass.celsius_error:.0f` °C, and by the usual rule
# a calorimeter would see it somewhere between {glue:text}`glass.lab_low:.0f` and {glue:text}`glass.lab_high:.0f` °C.
#
# ```{admonition} What you will be able to do
# :class: tip
# Find a glass transition in a noisy curve in two ways; put an honest interval on it; see what the cooling rate does; and
# recognise agreement that is luck.
# ```

# %% tags=["parameters"]
live: bool = True  # Cool a small glass while the page is made
rate: float = 150.0  # Cooling rate of that run in K per ps; allowed: 20..2000
bin_k: float = 5.0  # Width of the bins of temperature in K; allowed: 1..30
method: str = "hyperbola"  # Fit that the text quotes; allowed: lines, hyperbola
seed: int = 1  # Seed of the live run's velocities; allowed: 1..1000

# %%
import numpy as np
import pandas as pd

from repro.clay import chapter, glass, plots, presets
from repro.clay import glass_chapter as look
from repro.figures import new_figure, show
from repro.ledger import published
from repro.results import record
from repro.tables import comparison

# %% [markdown]
# ## Volume against temperature
#
# Each glass is heated to {glue:text}`glass.start:.0f` K, rests there a while, and is cooled at constant rate and zero stress to {glue:text}`glass.stop:.0f` K, with all lengths and angles of
# the cell free. A single moment scatters by several per cent in a box this small, so we average over bins of {glue:text}`glass.bin:.0f` K.

# %%
runs = chapter.runs()
campaign = presets.preset("reference").protocols
names = [n for n in ("cooling", "cooling-fast") if n in set(runs.protocol)]
cooled = {
    f"{campaign[n].rate:g} K/ps": look.cooled({s: chapter.thermo(s, n, "cool") for s in chapter.seeds(n)}, rate=campaign[n].rate, bin_k=bin_k)
    for n in names
}
words, slow = next(iter(cooled.items()))
found = slow.temperature(method)
said, measured = float(published("glass-transition-simulated")), float(published("glass-transition-measured"))
record("glass.said_simulated", said, unit="C", note="the paper's simulation")
record("glass.said_measured", measured, unit="C", note="the measurement the paper cites")
record("glass.start", float(campaign[names[0]].start), unit="K")
record("glass.stop", float(campaign[names[0]].stop), unit="K")
record("glass.bin", float(bin_k), unit="K")
record("glass.rate", slow.rate, unit="K/ps", note="the slowest that is shipped")
record("glass.atoms", int(runs[runs.protocol == names[0]].natoms.iloc[0]), note="atoms in each of our glasses")
record("glass.speed", float(runs[runs.protocol.str.startswith("cooling")].ns_per_day.mean()), unit="ns/day", note="of our cooling runs, one core each")
record("glass.seeds", len(slow.points), note="glasses cooled at that rate")
record("glass.fits", len(slow.fits[method]), note="of them with a kink that an F test at 1 % accepts")
record("glass.kelvin", found.value, unit="K", uncertainty=found.error, note=f"{method}, mean over seeds")
record("glass.celsius", found.value - glass.ZERO_CELSIUS, unit="C", uncertainty=found.error, note=f"{method}, mean over seeds")
record("glass.celsius_error", found.error, unit="K", note="of glass.celsius: the larger of scatter over seeds and bootstrap")
fig, ax = new_figure(height=3.8)
plots.plot_glass(ax, {w: one.pooled() for w, one in cooled.items()}, {w: look.pooled_fit(one, method=method) for w, one in cooled.items()})
show(
    fig,
    name="fig-volume",
    caption=f"Specific volume against temperature, {len(slow.points)} glasses at each rate; lines and bands: {method} through all of them, with 95 % interval.",
    alt=f"Points that rise from left to right, slightly steeper above about {found.value:.0f} kelvin than below. The scatter is as large as the bend.",
)

# %%
look.table(cooled)

# %% [markdown]
# The two methods ask different questions. *Two lines* looks for one sharp corner; the *hyperbola* allows a rounding, which a fast run surely has. Intervals come from a bootstrap over blocks of neighbouring
# temperatures, because points along a run remember each other. How sure is one that there is a bend at all? For each seed an F test
# compares two lines with one; where one line is as good, the table says "no kink".
#
# ## What the rate does
#
# A slower liquid has more time and stays a liquid to lower temperatures. By long experience the transition moves by {glue:text}`glass.per_low:.0f` to {glue:text}`glass.per_high:.0f` K for each factor
# of ten in the rate {cite}`debenedetti2001`. Ours is {glue:text}`glass.decades:.0f` factors of ten away from a calorimeter.

# %%
low, high = look.laboratory(found, slow.rate)
fast_words, fast = list(cooled.items())[-1]
shift = look.rate_shift(slow, fast, method=method) if fast is not slow else None
record("glass.per_low", look.PER_DECADE[0], unit="K", note="per decade of the rate, usual range")
record("glass.per_high", look.PER_DECADE[1], unit="K", note="per decade of the rate, usual range")
record("glass.decades", float(np.log10(slow.rate * 1e12 / look.LABORATORY)), note="between our rate and 6 K a minute")
record("glass.lab_low", low - glass.ZERO_CELSIUS, unit="C", note="extrapolated to 6 K a minute, 5 K a decade")
record("glass.lab_high", high - glass.ZERO_CELSIUS, unit="C", note="extrapolated to 6 K a minute, 3 K a decade")
upper = found.value + 2 * found.error
record("glass.agrees", bool(abs(found.value - glass.ZERO_CELSIUS - measured) <= 30), note="our value within 30 K of the measured one")
record("glass.room_above", bool(upper < 298.15), note=f"25 C against the upper end of our interval, {upper - glass.ZERO_CELSIUS:.0f} C")
record("glass.shift", shift.value if shift else 0.0, unit="K", uncertainty=shift.error if shift else None, note="faster less slower rate, seed by seed" if shift else "one rate only so far")
comparison("glass-transition-simulated", "glass-transition-measured", "glass-transition-agrees", "room-temperature-above-tg")

# %% [markdown]
# Read this table with care. Our value stands beside two others, the paper's simulation and a measurement, which agree with each other to two kelvin; yet between a simulation
# and a measurement lie a dozen factors of ten in the rate, worth {glue:text}`glass.rule:.0f` K or so. If theory and experiment agree *that* well, either the
# potential is wrong by just that much in the other direction, or the bend is one that the rate hardly moves. Nobody has shown which.

# %%
record("glass.rule", float(np.mean(look.PER_DECADE) * np.log10(slow.rate * 1e12 / look.LABORATORY)), unit="K", note="4 K a decade times the decades")

# %% [markdown]
# ## Cool one now
#
# The smallest glass, at {glue:text}`glass.live_rate:.0f` K per picosecond. Do not expect a bend you can see.

# %%
made = chapter.Live(seed=seed) if live else None
ramp = made.cool(rate=rate) if made else None
small = look.cooled({seed: ramp.thermo}, rate=rate, bin_k=max(bin_k, 10.0)) if ramp else None
fig, ax = new_figure(height=3.0, width=5.0)
if small is not None:
    plots.plot_glass(ax, {f"{rate:g} K/ps, live": small.pooled()}, {f"{rate:g} K/ps, live": one for one in small.fits[method].values()})
ax.set(xlabel="temperature (K)", ylabel="specific volume (cm³/g)")
show(
    fig,
    name="fig-live-cooling",
    caption=f"Made with this page: {ramp.thermo.natoms} atoms cooled at {rate:g} K/ps." if ramp else "The live run was switched off by the parameter live.",
    alt="A scattered row of points that rises to the right." if ramp else "An empty plot: the live run was switched off.",
)

# %%
record("glass.live_rate", float(rate), unit="K/ps", note="of the live run")
record("glass.live", float(small.pooled()[1][-1]) if small else 0.0, unit="cm3/g", note="specific volume of the live run at its hottest bin")

# %% [markdown]
# Slower, and with wider bins:
#
# `.venv/bin/repro run 07_glass_transition -p rate 30 -p bin_k 15`
#
# ## Exercises
#
# ### Bins
#
# Predict what happens to the transition and its interval if the bins are a sixth or four times as wide. Is a wider bin always safer?
#
# :::{dropdown} Solution
# The next cell does it. Narrow bins are noisy but many; wide ones are quiet but few, and a bin as wide as the rounding hides it. The interval should hardly change, since bootstrap
# blocks keep their neighbours: if it does, it was not an interval of what the run says.
# :::

# %% tags=["hide-cell"]
again = {width: look.cooled({s: chapter.thermo(s, names[0], "cool") for s in slow.points}, rate=slow.rate, bin_k=width).temperature(method) for width in (1.0, 5.0, 10.0, 20.0)}
pd.DataFrame({f"{width:g} K": {"Tg (K)": round(one.value), "error (K)": round(one.error)} for width, one in again.items()})

# %% [markdown]
# ### Break it: the window
#
# A bend found between two straight lines depends on where the data begin and end. Cut off everything above a chosen temperature and fit again. When does the "transition" follow your scissors?
#
# :::{dropdown} Solution
# If the transition wanders with the window, the curve is bent everywhere and the two lines only find its middle: any smooth convex curve has a
# best pair of lines. A real transition stays where it is until the scissors come near it.
# :::

# %% tags=["hide-cell"]
pd.DataFrame({f"up to {top:g} K": {"Tg (K), all seeds": look.in_words(one)} for top, one in look.windows(slow, (500, 450, 400, 350), method=method).items()})

# %% [markdown]
# ### How slow is slow
#
# With our speed, {glue:text}`glass.speed:.1f` ns a day on one core, how long would a run at 1 K per nanosecond take? And at a calorimeter's 6 K a minute?
#
# :::{dropdown} Solution
# From 500 to 50 K at 1 K/ns are 450 ns: some three months on one core, and three factors of ten gained, ten or so kelvin. At 6 K a minute the run lasts 75 minutes of real
# time, some four million million nanoseconds. The sun will not wait.
# :::
