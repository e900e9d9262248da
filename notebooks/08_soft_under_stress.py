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
# # Press, and let go
#
# A spring comes back; clay stays where you left it. That difference is the whole title of the paper {cite}`gupta2023`. Its Figure 1c shows three pulses of
# shear stress on the simulated glass, {glue:text}`stress.paper_hold:.0f` ps on and as long off, the strain that follows each, and the potential energy. When the load is gone for the third time
# some strain remains, with {glue:text}`stress.high:.0f` MPa and, the text says, even with {glue:text}`stress.low:.0f`.
#
# **The question.** Does a strain remain in our glass, more than would be there had nobody touched it?
#
# **The answer in one sentence.** After {glue:text}`stress.cycles` pulses of {glue:text}`stress.high:.0f` MPa a strain of {glue:text}`stress.residual:.2f` ± {glue:text}`stress.residual_error:.2f` % remains; the same glasses, left alone
# for the same time, end at {glue:text}`stress.control:.2f` ± {glue:text}`stress.control_error:.2f` %, and what the load itself left is {glue:text}`stress.beyond:.2f` ± {glue:text}`stress.beyond_error:.2f` %, {glue:text}`stress.words`.
#
# ```{admonition} What you will be able to do
# :class: tip
# Load a simulated solid and read its strain from the shape of the box; average noise away without averaging the effect away; and know why a
# control experiment is worth more than a longer run.
# ```

# %% tags=["parameters"]
live: bool = True  # Load a small glass while the page is made
stress: float = 200.0  # Shear stress of that run in MPa; allowed: 0..2000
picoseconds: float = 1.5  # How long it is on, and then off; allowed: 0.5..50
half_width: float = 5.0  # Half the window of the running mean in ps; allowed: 0..10
seed: int = 1  # Seed of the live run's velocities; allowed: 1..1000

# %%
import pandas as pd

from repro.clay import chapter, cycles, plots, presets
from repro.clay import stress_chapter as look
from repro.figures import new_figure, show
from repro.ledger import published
from repro.results import record
from repro.tables import comparison

# %% [markdown]
# ## The experiment
#
# The cell may change all its lengths and angles. A barostat holds every component of the stress at zero, but one, yz: that one is switched on and
# off. If the glass gives, the cell leans, and its tilt over its height is the strain. The paper held for {glue:text}`stress.paper_hold:.0f` ps; we hold for {glue:text}`stress.hold:.0f`,
# in a cell of {glue:text}`stress.atoms` atoms in place of ten thousand.

# %%
runs = chapter.runs()
campaign, paper = presets.preset("reference").protocols, presets.preset("paper").protocols
ours, theirs = campaign["stress-50"], paper["stress-50"]
names = [n for n in ("stress-0", "stress-10", "stress-50", "stress-50-xz") if n in set(runs.protocol)]
natoms = int(runs[runs.protocol == "stress-50"].natoms.iloc[0])
loads = {n: look.loaded(chapter.legs(n), component=campaign[n].component, amplitude_mpa=campaign[n].amplitude_mpa, natoms=natoms) for n in names}
high, control = loads["stress-50"], loads["stress-0"]
record("stress.temperature", float(theirs.temperature), unit="K", note="preset paper")
record("stress.low", paper["stress-10"].amplitude_mpa, unit="MPa", note="preset paper")
record("stress.high", theirs.amplitude_mpa, unit="MPa", note="preset paper, and ours")
record("stress.paper_hold", theirs.on_ps, unit="ps", note="preset paper")
record("stress.paper_release", theirs.off_ps, unit="ps", note="preset paper")
record("stress.cycles", theirs.cycles, unit="cycles", note="preset paper, and ours")
record("stress.hold", ours.on_ps, unit="ps", note="our runs")
record("stress.others_zero", look.others_zero(), note="read from the LAMMPS lines of the protocol")
record("stress.window", cycles.HALF_WIDTH, unit="ps", note="default half width of the running mean")
record("stress.atoms", natoms, note="atoms in each of our glasses")
record("stress.seeds", len(high.cycles), note="glasses loaded with the higher stress")
fig, axes = new_figure(3, 1, height=6.2, sharex=True)
plots.plot_cycles(axes, {f"{loads[n].amplitude_mpa:g} MPa on {loads[n].component}": loads[n] for n in names if loads[n].component == "yz"}, half_width=half_width)
show(
    fig,
    name="fig-cycles",
    caption=(
        f"Shear stress, shear strain and potential energy at {ours.temperature:g} K, each a running mean over {2 * half_width:g} ps; grey: load on. "
        f"One line for each of {len(high.cycles)} glasses; the control was never loaded. Strain and energy are counted from the first moment."
    ),
    alt=(
        f"Three panels. The strain of loaded glasses ends at {100 * high.residual().value:.1f} percent, that of the control at {100 * control.residual().value:.1f} percent; "
        "all lines wander by amounts of that order."
    ),
)

# %%
comparison("stress-temperature", "stress-low", "stress-high", "stress-others-zero", "stress-hold-time", "stress-release-time", "stress-repeats", "averaging-window")

# %% [markdown]
# ## What is left
#
# The number that counts is the strain at the end of each rest, averaged over its last quarter. Beside it stands what the control of the same seed shows: same glass, same
# velocities at the start, same time, no load. The paper shows no such control. It matters, because the cell of a young glass creeps by itself: the quench left it in a state that still relaxes, and in a box this small one event
# anywhere tilts the whole box.

# %%
look.table({f"{one.amplitude_mpa:g} MPa, {one.component}": one for one in loads.values()}, control)

# %%
left, idle, beyond = high.residual(), control.residual(), look.beyond(high, control)
spring, none = high.elastic(), control.elastic()
record("stress.elastic", 100 * spring.value, unit="%", uncertainty=100 * spring.error, note="strain under load less strain after the rest, mean over cycles, then seeds, 50 MPa")
record("stress.elastic_error", 100 * spring.error, unit="%", note="over seeds")
record("stress.elastic_control", 100 * none.value, unit="%", uncertainty=100 * none.error, note="the same without load")
record("stress.elastic_control_error", 100 * none.error, unit="%", note="over seeds")
record("stress.acts", look.acts(high, control), note="strain that goes with the load less that in the control, seed by seed, against the margin of so many seeds")
record("stress.modulus", 1e-3 * high.amplitude_mpa / spring.value, unit="GPa", note="load over the strain that goes with it")
energy, load_energy = high.energy(), look.energy_beyond(high, control)
record("stress.residual", 100 * left.value, unit="%", uncertainty=100 * left.error, note="strain after the last rest, 50 MPa, mean over seeds")
record("stress.residual_error", 100 * left.error, unit="%", note="over seeds")
record("stress.control", 100 * idle.value, unit="%", uncertainty=100 * idle.error, note="the same without load")
record("stress.control_error", 100 * idle.error, unit="%", note="over seeds")
record("stress.beyond", 100 * beyond.value, unit="%", uncertainty=100 * beyond.error, note="seed by seed, load less control")
record("stress.beyond_error", 100 * beyond.error, unit="%", note="over seeds")
record("stress.words", look.in_words(beyond), note="by the margin of so many seeds")
record("stress.plastic_50", chapter.above(beyond), note="beyond the control by the margin of so many seeds")
record("stress.energy", high.largest_energy(), unit="meV/atom", uncertainty=energy.error, note="largest change of potential energy after any cycle of any seed, 50 MPa")
record("stress.energy_beyond", load_energy.value, unit="meV/atom", uncertainty=load_energy.error, note="after the last rest, less the control, seed by seed")
record("stress.energy_beyond_error", load_energy.error, unit="meV/atom", note="over seeds")
record("stress.energy_said", float(published("energy-change")), unit="meV/atom", note="the paper's limit")
record("stress.energy_control", control.largest_energy(), unit="meV/atom", note="the same without load")
comparison("residual-strain-50", "residual-strain-10", "abstract-plastic-at-low-stress", "stress-component-irrelevant", "energy-change")

# %% [markdown]
# Does the load act at all? {glue:text}`stress.acts` Whenever it goes, {glue:text}`stress.elastic:.2f` ± {glue:text}`stress.elastic_error:.2f` % of strain goes with it ({glue:text}`stress.elastic_control:.2f` ± {glue:text}`stress.elastic_control_error:.2f` in the control, over the same times). Stress over strain is a modulus, here
# {glue:text}`stress.modulus:.0f` GPa and no better known than the strain; [the next chapter](09_shear_zones) finds as much in another way. That is the spring. The clay is what does *not* go.
#
# A strain that nobody caused, as large as the one that the load was to cause: that is what a control is for. The seeds wander to both sides, and the mean of so few of them does not tell load from no load. This is not yet a
# disagreement with the paper. Its boxes hold some fourteen times as many atoms: each event tilts them fourteen times less, and there are as many more of them, so that the wandering is about four times less. Its glasses had rested
# for two nanoseconds, and its pulses lasted twenty times longer, which gives load and creep alike more time. But whoever repeats the experiment should run the control.
#
# The energy moves by up to {glue:text}`stress.energy:.1f` meV per atom with load and by {glue:text}`stress.energy_control:.1f` without, more than the paper's limit of {glue:text}`stress.energy_said:.0f`: a young glass settles, loaded or not. The claim speaks of the *deformation*, and what that adds, load less control, is
# {glue:text}`stress.energy_beyond:.1f` ± {glue:text}`stress.energy_beyond_error:.1f`, too uncertain for a verdict. (All is counted from the first moment, whose own thermal noise of about one meV per atom is in it.)
#
# ## Can so small a stress be seen at all?
#
# The stress of a small cell is never quiet. If the cell were an elastic block, its shear stress would fluctuate by $\sqrt{kTG/V}$: a smaller box is a noisier one. The paper says its fluctuations were
# about {glue:text}`stress.said:.0f` MPa and that lower loads could not be studied.

# %%
noise = [look.fluctuation(leg, natoms=natoms) for own in chapter.legs("stress-0").values() for leg in own]
instant = chapter.over_seeds([one.instant for one in noise])
averaged = chapter.over_seeds([one.averaged for one in noise])
loud, large = (chapter.over_seeds(list(scaled)) for scaled in zip(*(look.at_size(one, 10_000) for one in noise), strict=True))
rest = chapter.rows("anneal", "rest", preset="large").iloc[0]
big = look.scatter(chapter.thermo(int(rest.seed), "anneal", "rest", preset="large"), natoms=int(rest.natoms), since_ps=float(rest.picoseconds) / 2)
record("stress.big_atoms", big.natoms, note="atoms in the assembly of the paper's size")
record("stress.big", big.instant, unit="MPa", note="standard deviation of single moments there, all three shear stresses, second half of its rest")
record("stress.big_ps", float(rest.picoseconds) / 2, unit="ps", note="length of that half")
record("stress.big_expected", chapter.over_seeds([look.at_size(one, big.natoms)[0] for one in noise]).value, unit="MPa", note="from our small glasses, as 1/sqrt(N)")
record("stress.said", float(published("stress-fluctuations")), unit="MPa", note="the paper's words")
record("stress.instant", instant.value, unit="MPa", uncertainty=instant.error, note="standard deviation of single moments, our size, no load")
record("stress.averaged", averaged.value, unit="MPa", uncertainty=averaged.error, note="of means over 10 ps")
record("stress.loud", loud.value, unit="MPa", uncertainty=loud.error, note="of single moments, scaled to 10,000 atoms as 1/sqrt(N)")
record("stress.large", large.value, unit="MPa", uncertainty=large.error, note="of means over 10 ps, scaled to 10,000 atoms as 1/sqrt(N)")
comparison("stress-fluctuations")

# %% [markdown]
# At our size a single moment scatters by {glue:text}`stress.instant:.0f` MPa and a mean over ten picoseconds by {glue:text}`stress.averaged:.1f`; in ten thousand atoms these would be {glue:text}`stress.loud:.0f` and {glue:text}`stress.large:.1f`, if noise falls as one over the root of the size. It does: in the {glue:text}`stress.big_atoms` atoms of [chapter 6](06_mixing)'s larger assembly the last {glue:text}`stress.big_ps:.0f` ps of the rest scatter by {glue:text}`stress.big:.0f` MPa, where the rule says {glue:text}`stress.big_expected:.0f`. The paper's {glue:text}`stress.said:.0f` lies between, and it does not
# say which it means; so the row stays open. So noise in the *stress* forbids nothing: the barostat holds the mean well, here as there. What drowns a small load is the other quantity, the strain, which wanders without coming back. A load of
# {glue:text}`stress.low:.0f` MPa is a whisper in a box like ours: not because the glass would not hear it, but because we would not hear the glass.
#
# ## Who moves
#
# If molecular units are what gives, gallium that wears mostly chlorine should be displaced more than the rest between the first frame and the last. The measure is D²min, what is left of the motion of an atom and its neighbours when the best
# affine map is taken off; [the next chapter](09_shear_zones) explains it, and why in warm frames like these it is mostly heat.

# %%
moved = {n: chapter.over_seeds([look.activation(*look.first_and_last(s, n)) for s in loads[n].cycles]) for n in names}
record("stress.activation_50", moved["stress-50"].value, unit="A2", uncertainty=moved["stress-50"].error, note="D2min of Ga with more Cl than F less that of other Ga, first to last frame, 50 MPa")
record("stress.activation_control", moved["stress-0"].value, unit="A2", uncertainty=moved["stress-0"].error, note="the same without load")
pd.DataFrame({f"{loads[n].amplitude_mpa:g} MPa, {loads[n].component}": {"D²min of Cl-rich less F-rich Ga (Å²)": f"{one.value:.0f} ± {one.error:.0f}", "glasses": len(loads[n].cycles)} for n, one in moved.items()})

# %%
comparison("activated-at-low-stress")

# %% [markdown]
# With load and without, the two numbers differ by less than the larger error: whatever chlorine does for the motion of its gallium, it does without a load, too. So this says nothing on the load yet.
#
# ## Load one now
#
# The smallest glass, {glue:text}`stress.live_load:.0f` MPa for {glue:text}`stress.live_ps:.1f` ps, then nothing for as long. In so small and short a run only a heavy hand shows.

# %%
made = chapter.Live(seed=seed) if live else None
legs = {amount: [leg.thermo for leg in made.cycles(stress_mpa=amount, picoseconds=picoseconds)] for amount in (stress, 0.0)} if made else {}
small = {f"{amount:g} MPa": look.loaded({seed: own}, component="yz", amplitude_mpa=amount, natoms=own[0].natoms) for amount, own in legs.items()}
fig, axes = new_figure(3, 1, height=5.2, width=5.6, sharex=True)
if small:
    plots.plot_cycles(axes, small, half_width=min(half_width, picoseconds / 6))
show(
    fig,
    name="fig-live-cycle",
    caption=f"Made with this page: a pulse of {stress:g} MPa and a control, running means." if small else "The live run was switched off by the parameter live.",
    alt="Stress, strain and energy of two short runs against time." if small else "Empty plots: the live run was switched off.",
)

# %%
record("stress.live_load", float(stress), unit="MPa", note="of the live run")
record("stress.live_ps", float(picoseconds), unit="ps", note="of the live run")
record("stress.live", float(100 * next(iter(small.values())).residual().value) if small else 0.0, unit="%", note="strain after the rest of the live run")

# %% [markdown]
# The little box also tells whether noise goes with size as it should. Its control, beside the shipped ones, all without load:

# %%
tiny = {"live": [look.fluctuation(leg, natoms=leg.natoms, half_width=picoseconds / 6) for leg in legs[0.0]]} if legs else {}
look.size_table({**tiny, "shipped": noise, "shipped, larger": [big]})

# %% [markdown]
# This time a strain of {glue:text}`stress.live:.1f` % was left. Is that plastic? Look at the control before you answer, then repeat with another seed:
#
# `.venv/bin/repro run 08_soft_under_stress -p stress 400 -p seed 2`
#
# ## Exercises
#
# ### How many seeds
#
# The error of the difference between load and control is {glue:text}`stress.beyond_error:.2f` % with {glue:text}`stress.seeds` seeds. How many would it take to see a remaining strain of half a per cent with two standard errors?
#
# :::{dropdown} Solution
# The error falls as one over the root of the number. The next cell does the arithmetic. A longer run would help differently: noise of a barostat averages out, but a glass that creeps creeps on.
# :::

# %% tags=["hide-cell"]
pd.DataFrame({"seeds needed": {f"for {100 * effect:g} %": look.seeds_needed(beyond, effect=effect) for effect in (0.02, 0.01, 0.005)}}).rename_axis("to see a strain at two errors")

# %% [markdown]
# ### Break it: no control
#
# Suppose you had only the loaded runs. Predict what you would conclude from the table of residual strains, and compare the last cycle of the control with the last cycle of the load.
#
# :::{dropdown} Solution
# Without the control every strain that is not zero looks plastic, and with wandering cells none is zero. "Non-negligible", the caption of Figure 1 says. Compared with what?
# :::
#
# ### Windows
#
# The paper replaces each quantity by its mean over five picoseconds to either side. Predict what the strain at the moment of unloading looks like then, and whether a spring could be told from clay within that window.
#
# :::{dropdown} Solution
# The elastic part of the strain, a stress over a modulus of some gigapascal, comes back within a picosecond or so; a window ten wide smears it into a ramp. What is left *after* ten picoseconds is
# untouched. So the window is harmless for the residual strain, and useless for telling fast elastic recovery from slow. With our holds of {glue:text}`stress.hold:.0f` ps half of each leg lies within a window of its ends.
# :::
