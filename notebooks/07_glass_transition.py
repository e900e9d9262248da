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
# **The question.** Where is the bend in our glass, how well is it known, and what does it mean that we cool {glue:text}`glass.decades:.0f` powers of ten faster than a laboratory?
#
# **The answer in one sentence.** {glue:text}`glass.answer`
#
# ```{admonition} What you will be able to do
# :class: tip
# Find a glass transition in a noisy curve in two ways; put an honest interval on it; see what the cooling rate does; and
# recognise agreement that is luck.
# ```

# %% tags=["parameters"]
live: bool = True  # Cool a small glass while the page is made
rate: float = 200.0  # Cooling rate of that run in K per ps; allowed: 20..2000
bin_k: float = 10.0  # Width of the bins of temperature in K; allowed: 1..40
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
# Each of our {glue:text}`glass.seeds` glasses is melted again, held at {glue:text}`glass.start:.0f` K for {glue:text}`glass.settle:.0f` ps, so that the liquid may find its volume, and cooled at constant rate and zero pressure to
# {glue:text}`glass.stop:.0f` K. The box keeps its shape and changes its size: a liquid would let it lean without end. A single moment scatters by several per cent in a box of
# {glue:text}`glass.atoms` atoms, so we average over bins of {glue:text}`glass.bin:.0f` K.

# %%
runs = chapter.runs()
campaign = presets.preset("reference").protocols
names = [n for n in ("cooling", "cooling-fast") if n in set(runs.protocol)]
cooled = {
    f"{campaign[n].rate:g} K/ps": look.cooled({s: chapter.thermo(s, n, "cool") for s in chapter.seeds(n)}, rate=campaign[n].rate, bin_k=bin_k)
    for n in names
}
slow = next(iter(cooled.values()))
found = slow.temperature(method)
said, measured = float(published("glass-transition-simulated")), float(published("glass-transition-measured"))
record("glass.said_simulated", said, unit="C", note="the paper's simulation")
record("glass.said_measured", measured, unit="C", note="the measurement the paper cites")
record("glass.start", float(campaign[names[0]].start), unit="K")
record("glass.stop", float(campaign[names[0]].stop), unit="K")
record("glass.settle", float(campaign[names[0]].settle_ps), unit="ps", note="at the start, at zero pressure")
record("glass.bin_ps", bin_k / slow.rate, unit="ps", note="that a run spends in a bin")
record("glass.bin", float(bin_k), unit="K")
record("glass.rate", slow.rate, unit="K/ps", note="the slowest that is shipped")
record("glass.atoms", int(runs[runs.protocol == names[0]].natoms.iloc[0]), note="atoms in each of our glasses")
record("glass.speed", float(runs[runs.protocol.str.startswith("cooling")].ns_per_day.mean()), unit="ns/day", note="of our cooling runs, one core each")
record("glass.seeds", len(slow.points), note="glasses cooled at that rate")
record("glass.fits", len(slow.fits[method]), note="of them with a bend that one straight line in a hundred would show by chance")
record("glass.answer", look.answer(slow, method=method), note=f"{method}, mean over seeds; error the larger of scatter over seeds and bootstrap")
if np.isfinite(found.value):
    record("glass.celsius", found.value - glass.ZERO_CELSIUS, unit="C", uncertainty=found.error, note=f"{method}, mean over seeds, {slow.rate:g} K/ps")
fits = {w: look.mean_fit(one, method=method) for w, one in cooled.items()}
record("glass.mean_bend", look.in_words(fits[next(iter(cooled))]), note=f"{method} through the mean of the glasses, {slow.rate:g} K/ps")
drawn = f"line and band: {method} through the mean, with the 95 % interval of its bend" if any(fits.values()) else "the mean shows no bend that could be drawn"
fig, ax = new_figure(height=3.8)
plots.plot_glass(ax, cooled, fits)
show(
    fig,
    name="fig-volume",
    caption=(
        f"Specific volume against temperature. Faint: each of {len(slow.points)} glasses; dots: their mean; {drawn}."
    ),
    alt=f"Points that rise from left to right, with much scatter. Bend of the mean at {slow.rate:g} kelvin per picosecond, in kelvin: {look.in_words(fits[next(iter(cooled))])}.",
)

# %% [markdown]
# Look at the faint lines first. The largest glass and the smallest differ in volume by {glue:text}`glass.apart:.0f` % on average, and by {glue:text}`glass.apart_hot:.0f` % in the hottest fifty kelvin already; of those cooled fastest the largest is {glue:text}`glass.apart_fast:.0f` % larger than the smallest. What lies apart at the start stays apart: the settling does not bring them to one
# volume, so each curve must be read by itself. On top of that comes noise. A box this small wanders by a per cent or two from one picosecond to the next, and a run spends {glue:text}`glass.bin_ps:.1f` ps in each bin. What one such run says about a bend is worth little; see for yourself.

# %%
record("glass.apart", 100 * look.apart(slow), unit="%", note="largest less smallest mean volume of the glasses")
record("glass.apart_fast", 100 * look.apart(list(cooled.values())[-1]), unit="%", note="largest less smallest mean volume at the fastest rate")
record("glass.apart_hot", 100 * look.apart(slow, above=slow.mean()[0].max() - 50), unit="%", note="the same over the hottest 50 K")
look.table(cooled)

# %% [markdown]
# The two methods ask different questions. *Two lines* looks for one sharp corner; the *hyperbola* allows a rounding, which a fast run surely has. Intervals come from a bootstrap over blocks of neighbouring
# temperatures, because points along a run remember each other.
#
# How sure is one that there is a bend at all? Two lines *always* fit better than one. Textbooks offer an F test for that; but it knows nothing of a corner that was searched for, nor of points that remember each other, and it sees a bend in
# one straight noisy line of ten. So we draw five hundred straight lines whose noise remembers as ours does, look for the best corner in each, and call "no kink" what more than one in a hundred of them would show. By this measure
# the number of our {glue:text}`glass.seeds` glasses that bend is {glue:text}`glass.fits`. Any others may bend as well; we could not tell it from noise.
# Their mean is quieter than each of them, and its bend by the same test, with the 95 % interval, in kelvin: {glue:text}`glass.mean_bend`. But the mean of glasses of unlike volume is a curve that none of them followed, and the ledger asks for two glasses or more that bend by themselves.

# %%
pd.DataFrame({m: {w: look.kelvin(one.temperature(m)) for w, one in cooled.items()} for m in ("lines", "hyperbola")}).rename_axis("Tg (K), if two glasses or more bend")

# %% [markdown]
# ## What the rate does
#
# A liquid that is cooled more slowly has more time and stays a liquid to lower temperatures. By long experience the transition moves by {glue:text}`glass.per_low:.0f` to {glue:text}`glass.per_high:.0f` K for each factor
# of ten in the rate {cite}`debenedetti2001`. {glue:text}`glass.shift` And ours is {glue:text}`glass.decades:.0f` factors of ten away from a calorimeter.

# %%
record("glass.per_low", look.PER_DECADE[0], unit="K", note="per decade of the rate, usual range")
record("glass.per_high", look.PER_DECADE[1], unit="K", note="per decade of the rate, usual range")
record("glass.decades", look.decades(slow.rate), note="between our rate and 6 K a minute")
record("glass.shift", look.shift_in_words(list(cooled.values()), method=method), note="seeds' errors taken as independent")
if np.isfinite(found.value):
    upper = found.value + found.margin
    record("glass.agrees", bool(abs(found.value - glass.ZERO_CELSIUS - measured) <= 30), note="our value within 30 K of the measured one")
    record("glass.room_above", bool(upper < 298.15), note=f"25 C against the upper end of our interval, {upper - glass.ZERO_CELSIUS:.0f} C")
comparison("glass-transition-simulated", "glass-transition-measured", "glass-transition-agrees", "room-temperature-above-tg")

# %% [markdown]
# Where should one expect the bend? At four kelvin a decade the {glue:text}`glass.decades:.0f` decades between a calorimeter and us are worth {glue:text}`glass.rule:.0f` K. That is a floor: the rule was found near the rates of laboratories, and a decade is worth more the
# faster one goes. So if the laboratory is right, a glass cooled as fast as ours may bend anywhere from a little below room temperature to well above it.
#
# Read the published two with care as well. The paper's simulation and the measurement agree with each other to two kelvin; yet between any simulation and a laboratory lie a dozen decades of rate or more. Either the potential is
# wrong by just as much in the other direction, or the rate hardly moves this bend, or a bend that is read to ten or twenty kelvin fell by chance where it did. Nobody has shown which, and the paper's text gives no rate.

# %%
record("glass.rule", float(np.mean(look.PER_DECADE) * look.decades(slow.rate)), unit="K", note="4 K a decade times the decades")

# %% [markdown]
# ## Cool one now
#
# The smallest glass, at {glue:text}`glass.live_rate:.0f` K per picosecond. Do not expect a bend you can see.

# %%
made = chapter.Live(seed=seed) if live else None
ramp = made.cool(rate=rate) if made else None
small = look.cooled({seed: ramp.thermo}, rate=rate, bin_k=max(bin_k, 20.0)) if ramp else None
fig, ax = new_figure(height=3.0, width=5.0)
if small is not None:
    plots.plot_glass(ax, {f"{rate:g} K/ps, live": small}, {f"{rate:g} K/ps, live": look.mean_fit(small, method=method)})
ax.set(xlabel="temperature (K)", ylabel="specific volume (cm³/g)")
show(
    fig,
    name="fig-live-cooling",
    caption=f"Made with this page: {ramp.thermo.natoms} atoms cooled at {rate:g} K/ps." if ramp else "The live run was switched off by the parameter live.",
    alt="A scattered row of points that rises to the right." if ramp else "An empty plot: the live run was switched off.",
)

# %%
record("glass.live_rate", float(rate), unit="K/ps", note="of the live run")
record("glass.live", float(small.mean()[1][0]) if small else 0.0, unit="cm3/g", note="specific volume of the live run at its hottest bin")

# %% [markdown]
# Slower, and with wider bins:
#
# `.venv/bin/repro run 07_glass_transition -p rate 40 -p bin_k 25`
#
# ## Exercises
#
# ### Bins
#
# Predict what happens to the transition and its error if the bins are half or four times as wide. Is a wider bin always safer?
#
# :::{dropdown} Solution
# The next cell does it. Narrow bins are noisy but many; wide ones are quiet but few, and a bin as wide as the rounding hides it. If the answer moves by more than its error when only
# the bins change, or glasses begin and cease to bend, then trust the scatter of this table more than any single column of it.
# :::

# %% tags=["hide-cell"]
again = {width: look.cooled({s: chapter.thermo(s, names[0], "cool") for s in slow.points}, rate=slow.rate, bin_k=width, samples=60) for width in (5.0, 10.0, 20.0, 40.0)}
pd.DataFrame({f"{width:g} K": {"Tg (K), if two bend": look.kelvin(one.temperature(method)), "glasses that bend": len(one.fits[method])} for width, one in again.items()})

# %% [markdown]
# ### Break it: the window
#
# A bend found between two straight lines depends on where the data begin and end. Suppose everything above a chosen temperature is cut off and the rest fitted again. Predict: when does the "transition" follow the scissors? What would a run that begins at 500 K have told?
#
# :::{dropdown} Solution
# If the transition wanders with the window, the curve is bent everywhere and the two lines only find its middle: any smooth convex curve has a
# best pair of lines. A real transition stays where it is until the scissors come near it. We know the column of 500 K from life: our first cooling runs began at 500 K, in
# what we took for a liquid. Their glasses had no bend in common, and we learned that a run must begin where the liquid is one.
# :::

# %% tags=["hide-cell"]
pd.DataFrame({f"up to {top:g} K": {"Tg of the mean (K)": look.in_words(one)} for top, one in look.windows(slow, (800, 700, 600, 500, 400), method=method).items()})

# %% [markdown]
# ### How slow is slow
#
# With our speed, {glue:text}`glass.speed:.1f` ns a day on one core, how long would a run at 1 K per nanosecond take? And at a calorimeter's 6 K a minute?
#
# :::{dropdown} Solution
# From 800 to 100 K at 1 K/ns are 700 ns: half a year or more on one core, and some four factors of ten gained, sixteen kelvin or so. At 6 K a minute the run lasts two hours of real
# time, seven million million nanoseconds. The sun will not wait.
# :::
