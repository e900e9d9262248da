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
# for the same time, end at {glue:text}`stress.control:.2f` ± {glue:text}`stress.control_error:.2f` %, and what the load itself left is {glue:text}`stress.beyond:.2f` ± {glue:text}`stress.beyond_error:.2f` %, {glue:text}`stress.words`;
# and how they wander without a load foretells {glue:text}`stress.foretold:.1f` ± {glue:text}`stress.foretold_error:.1f` %, too little for boxes like ours to show, and what a liquid would keep.
#
# ```{admonition} What you will be able to do
# :class: tip
# Load a simulated solid and read its strain from the shape of the box; average noise away without averaging the effect away; and know why a
# control experiment is worth more than a longer run; and read from a sample that nobody touches what a load would do to it.
# ```

# %% tags=["parameters"]
live: bool = True  # Load a small glass while the page is made
stress: float = 200.0  # Shear stress of that run in MPa; allowed: 0..2000
picoseconds: float = 1.5  # How long it is on, and then off; allowed: 0.5..50
half_width: float = 5.0  # Half the window of the running mean in ps; allowed: 0..10
seed: int = 1  # Seed of the live run's velocities; allowed: 1..1000

# %%
import numpy as np
import pandas as pd

from repro.clay import chapter, creep, cycles, plots, presets, shear_chapter
from repro.clay import creep_chapter as tell
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
held = [n for n in names if campaign[n].cycles == ours.cycles]
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
record("stress.strain_to_pay", 100 * float(published("energy-change")) / look.work(high.amplitude_mpa, 1.0, volume=float(chapter.thermo(1, "stress-50", "on-1")["Volume"].mean()), natoms=natoms), unit="%", note="strain at which the work of 50 MPa is the paper's limit of energy")
low = loads["stress-10"]
low_left, low_beyond, low_energy = low.residual(), look.beyond(low, control), look.energy_beyond(low, control)
record("stress.low_seeds", len(low.cycles), note="glasses loaded with the lower stress")
record("stress.low_residual", 100 * low_left.value, unit="%", uncertainty=100 * low_left.error, note="strain after the last rest, 10 MPa, mean over seeds")
record("stress.low_residual_error", 100 * low_left.error, unit="%", note="over seeds")
record("stress.low_beyond", 100 * low_beyond.value, unit="%", uncertainty=100 * low_beyond.error, note="seed by seed, 10 MPa less control")
record("stress.low_beyond_error", 100 * low_beyond.error, unit="%", note="over seeds")
record("stress.low_words", look.in_words(low_beyond), note="by the margin of so many seeds")
record("stress.plastic_10", chapter.above(low_beyond), note="beyond the control by the margin of so many seeds")
record("stress.low_energy_beyond", low_energy.value, unit="meV/atom", uncertainty=low_energy.error, note="after the last rest, 10 MPa less the control, seed by seed")
record("stress.energy_control", control.largest_energy(), unit="meV/atom", note="the same without load")
comparison("residual-strain-50", "residual-strain-10", "abstract-plastic-at-low-stress", "energy-change")

# %% [markdown]
# Does the load act at all? {glue:text}`stress.acts` Whenever it goes, {glue:text}`stress.elastic:.2f` ± {glue:text}`stress.elastic_error:.2f` % of strain goes with it ({glue:text}`stress.elastic_control:.2f` ± {glue:text}`stress.elastic_control_error:.2f` in the control, over the same times). Stress over strain is a modulus, here
# {glue:text}`stress.modulus:.0f` GPa and no better known than the strain; [the next chapter](09_shear_zones) finds as much in another way. That is the spring. The clay is what does *not* go.
#
# A strain that nobody caused, as large as the one that the load was to cause: that is what a control is for. The seeds wander to both sides, and the mean of so few of them does not tell load from no load. This is not yet a
# disagreement with the paper: its boxes are larger, and its pulses lasted twenty times longer. With {glue:text}`stress.low:.0f` MPa it is the same: {glue:text}`stress.low_residual:.2f` ± {glue:text}`stress.low_residual_error:.2f` % remains, load less control is
# {glue:text}`stress.low_beyond:.2f` ± {glue:text}`stress.low_beyond_error:.2f` %, {glue:text}`stress.low_words`. That is a lesson in itself: the scatter of {glue:text}`stress.low_seeds` numbers is hardly known. By shears that nobody loaded, of which there are more, such a difference
# wanders by {glue:text}`stress.low_beyond_idle:.1f` % to either side, and no glass was pushed backwards. What that makes of load and wandering, the wandering itself can tell; the next section asks it.
#
# The energy moves by up to {glue:text}`stress.energy:.1f` meV per atom with load and by {glue:text}`stress.energy_control:.1f` without, more than the paper's limit of {glue:text}`stress.energy_said:.0f`: a young glass settles, loaded or not. The claim speaks of the *deformation*, and what that adds, load less control, is
# {glue:text}`stress.energy_beyond:.1f` ± {glue:text}`stress.energy_beyond_error:.1f`, too uncertain for a verdict. What is sure is what a load can pay for: its work, stress times strain times volume. To put {glue:text}`stress.energy_said:.0f` meV into each atom, {glue:text}`stress.high:.0f` MPa would have to shear the glass by {glue:text}`stress.strain_to_pay:.0f` %.
# So a small change says little of basins and sub-basins; so small a load could hardly make a large one, except by letting the glass settle, or with heat from outside. (All is counted from the first moment, whose own thermal noise of about one meV per atom is in it.)
#
# ## What a glass left alone knows about a load
#
# The wandering is a nuisance only as long as nobody reads it. What lets a strain wander by itself lets it follow a load as well: the same atoms change places, and the load makes one direction a little more likely than the other. For small loads
# and in equilibrium this is exact, and called linear response {cite}`kubo1966`. The strain per stress after a time $t$ under load is the mean squared change of a strain that *nobody* loads, times volume over twice the thermal energy:
#
# $$J(t) = \frac{V}{2kT}\left\langle\left[\gamma(t_0+t)-\gamma(t_0)\right]^2\right\rangle$$
#
# For a spring this settles at $1/G$, which is how one measures elastic constants without touching the sample {cite}`parrinello1982`. For a liquid it grows as $t/\eta$: Einstein's law, with a strain in place of a position. And of strains that nobody
# loads there are many: all three shears of each control, and two of each glass that was pressed on the third. All runs of a glass begin from one moment. Where their unloaded shears end has a correlation of {glue:text}`stress.resemblance:.2f` between control and {glue:text}`stress.high:.0f` MPa, and of {glue:text}`stress.resemblance_low:.2f` between control and {glue:text}`stress.low:.0f`; so few shears would
# show {glue:text}`stress.resemblance_chance:.2f` to either side by chance, and errors below are those over glasses where these are the larger.

# %%
calm, volume = tell.shipped(*held)
compliance = creep.compliance(calm, volume=volume, temperature=ours.temperature)
salts, salts_volume = tell.shipped("unmixed-0")
rigid = creep.compliance(salts, volume=salts_volume, temperature=ours.temperature, since_ps=5.0)
flow, both = creep.flow(compliance), (creep.FIT_PS[0], 15.0)
stiff, brief, late = creep.flow(rigid, fit_ps=both), creep.flow(compliance, fit_ps=both), creep.flow(compliance, fit_ps=(20.0, 60.0))
fig, ax = new_figure(height=3.6, width=5.8)
plots.plot_compliance(ax, {"glass": compliance, "salts, unmixed": rigid}, line=flow, fit_ps=creep.FIT_PS)
show(
    fig,
    name="fig-compliance",
    caption=(
        f"Strain per stress against time, read from shears that bear no load: {len(compliance.shears)} of {len(calm)} glasses, and {len(rigid.shears)} of the two salts "
        f"side by side. Bands: one standard error. Below a picosecond or two it is the barostat's own swing. Dashed: a spring and a dashpot in a row, fitted over the grey range."
    ),
    alt=(
        f"Two curves. That of the glass swings up within a picosecond, stays near {1 / flow.modulus.value:.2f} per gigapascal and then rises to {compliance.mean[-1]:.2f}; "
        f"that of the unmixed salts ends at {rigid.mean[-1]:.2f}."
    ),
)

# %%
unheld = tell.idle_strains(calm)
pooled, foretold = tell.against(high, unheld), flow.leaves(high.amplitude_mpa, ours.cycles * ours.on_ps)
record("stress.shears", len(compliance.shears), note="shears of all our glasses that bore no load")
record("stress.fluctuation_modulus", flow.modulus.value, unit="GPa", uncertainty=flow.modulus.error, note="from the wandering of unloaded shears")
record("stress.fluctuation_modulus_error", flow.modulus.error, unit="GPa", note="over shears or glasses, whichever is larger")
record("stress.viscosity", flow.viscosity.value, unit="mPa s", uncertainty=flow.viscosity.error, note="from the wandering of unloaded shears")
record("stress.viscosity_error", flow.viscosity.error, unit="mPa s", note="over shears or glasses, whichever is larger")
record("stress.viscosity_late", late.viscosity.value, unit="mPa s", uncertainty=late.viscosity.error, note="the line fitted from 20 to 60 ps")
record("stress.viscosity_late_error", late.viscosity.error, unit="mPa s", note="of that")
record("stress.resemblance", tell.resemblance("stress-0", "stress-50"), note="correlation of last strains, shears that neither run of a glass loads")
record("stress.resemblance_low", tell.resemblance("stress-0", "stress-10"), note="the same, control and 10 MPa")
record("stress.resemblance_chance", 1 / float(np.sqrt(len(high.cycles) * 2 - 1)), note="standard deviation of such a correlation of two shears a glass that have nothing to do with each other")
record("stress.fluidity", 1000 * brief.fluidity.value, unit="1/(GPa ns)", uncertainty=1000 * brief.fluidity.error, note="of the glasses, over the lags of the salts")
record("stress.fluidity_error", 1000 * brief.fluidity.error, unit="1/(GPa ns)", note="of that")
record("stress.salts_fluidity", 1000 * stiff.fluidity.value, unit="1/(GPa ns)", uncertainty=1000 * stiff.fluidity.error, note="of the unmixed salts")
record("stress.salts_fluidity_error", 1000 * stiff.fluidity.error, unit="1/(GPa ns)", note="of that")
record("stress.salts_modulus", stiff.modulus.value, unit="GPa", uncertainty=stiff.modulus.error, note="the same for the unmixed salts")
record("stress.salts_modulus_error", stiff.modulus.error, unit="GPa", note="over shears or runs, whichever is larger")
stiffer = stiff.modulus.value / flow.modulus.value
record("stress.times_stiffer", stiffer, uncertainty=stiffer * float(np.hypot(stiff.modulus.error / stiff.modulus.value, flow.modulus.error / flow.modulus.value)), note="modulus of the unmixed salts over that of the glasses")
record("stress.salts_ps", presets.picoseconds(campaign["unmixed-0"]), unit="ps", note="our runs of the salts, 5 ps of it left out")
record("stress.foretold", 100 * foretold.value, unit="%", uncertainty=100 * foretold.error, note="strain that linear response expects to remain after three pulses of 50 MPa")
record("stress.foretold_error", 100 * foretold.error, unit="%", note="of that")
record("stress.idle_spread", 100 * unheld.spread(), unit="%", note="root mean square of strains after the last rest, unloaded shears")
low_pooled, low_foretold = tell.against(low, unheld), flow.leaves(low.amplitude_mpa, ours.cycles * ours.on_ps)
record("stress.low_pooled", 100 * low_pooled.value, unit="%", uncertainty=100 * low_pooled.error, note="strain that remains after 10 MPa, its error from the unloaded shears")
record("stress.low_beyond_idle", 100 * float(np.sqrt(2)) * low_pooled.error, unit="%", note="error of load less control, from the unloaded shears of either")
record("stress.low_pooled_error", 100 * low_pooled.error, unit="%", note="of that")
record("stress.low_foretold", 100 * low_foretold.value, unit="%", uncertainty=100 * low_foretold.error, note="strain that linear response expects to remain after three pulses of 10 MPa")
record("stress.pooled_error", 100 * pooled.error, unit="%", note="error of the remaining strain from the unloaded shears")
record("stress.pooled_margin", 100 * pooled.margin, unit="%", note="what chance alone could give, by the unloaded shears")
record("stress.paper_left", 100 * flow.leaves(theirs.amplitude_mpa, theirs.cycles * theirs.on_ps).value, unit="%", note="what the paper's pulses of 50 MPa would leave with our viscosity")
record("stress.block", flow.stress_scatter, unit="MPa", note="root of kTG/V with the modulus from the wandering")
record("stress.glasses_low", tell.glasses_needed(unheld, flow.leaves(paper["stress-10"].amplitude_mpa, ours.cycles * ours.on_ps).value), note="the same for 10 MPa")
record("stress.glasses_needed", tell.glasses_needed(unheld, foretold.value), note="loaded glasses with which the expected strain is two errors")
newton = chapter.times(flow.viscosity, 1e-12 * paper["shear"].rate_per_s)
record("stress.paper_rate", float(paper["shear"].rate_per_s), unit="1/s", note="preset paper")
record("stress.newton", newton.value, unit="GPa", uncertainty=newton.error, note="viscosity times the paper's rate of shear")
record("stress.newton_error", newton.error, unit="GPa", note="of that")
ends = [(own[0], own[-1]) for n in held for own in chapter.legs(n).values()]
shrunk, sunk = chapter.over_seeds([100 * (1 - b["Volume"].mean() / a["Volume"].mean()) for a, b in ends]), chapter.over_seeds([1000 * (a["PotEng"].mean() - b["PotEng"].mean()) / natoms for a, b in ends])
record("stress.shrunk", shrunk.value, unit="%", uncertainty=shrunk.error, note="volume lost between first and last leg, mean over all runs of three cycles")
record("stress.sunk", sunk.value, unit="meV/atom", uncertainty=sunk.error, note="energy lost between first and last leg, mean over all runs of three cycles")
tell.expected(high, unheld, flow, on_ps=ours.on_ps)

# %% [markdown]
# A spring and a dashpot in a row, and little else. The spring has {glue:text}`stress.fluctuation_modulus:.1f` ± {glue:text}`stress.fluctuation_modulus_error:.1f` GPa, from noise alone and better known than from any load above. The dashpot has a viscosity of {glue:text}`stress.viscosity:.0f` ± {glue:text}`stress.viscosity_error:.0f` mPa s
# ({glue:text}`stress.viscosity_late:.0f` ± {glue:text}`stress.viscosity_late_error:.0f` from later times), where water has about one and what is called a glass, by custom, ten to the fifteenth. At room temperature and within a tenth of a nanosecond our clay is a thick liquid. That is less absurd than it sounds: room temperature lies above the glass
# transition that the paper gives, though our own glasses, cooled in no time, may bend well above it ([chapter 7](07_glass_transition)).
#
# The two salts *before* they mix are the control of this control: the sandwich of [chapter 6](06_mixing), in a cell as free as the glass's and for {glue:text}`stress.salts_ps:.0f` ps. Their strain rings, as crystals do, and hardly moves. They are stiffer, {glue:text}`stress.salts_modulus:.0f` ± {glue:text}`stress.salts_modulus_error:.0f` GPa. Over the same times the
# glass's compliance grows by {glue:text}`stress.fluidity:.1f` ± {glue:text}`stress.fluidity_error:.1f` per GPa and nanosecond, theirs by {glue:text}`stress.salts_fluidity:.1f` ± {glue:text}`stress.salts_fluidity_error:.1f`. Two rigid salts, and their mixture gives: the title of the paper, seen without pressing on anything. (What mixed was melted and quenched, too; a quenched salt might
# wander as well.)
#
# So the experiment can be judged before anybody makes it. Three pulses should leave {glue:text}`stress.foretold:.1f` ± {glue:text}`stress.foretold_error:.1f` %. Meanwhile a strain wanders by {glue:text}`stress.idle_spread:.1f` %, by the unloaded shears; {glue:text}`stress.seeds` glasses average that down to {glue:text}`stress.pooled_error:.1f`, and
# what they kept, {glue:text}`stress.residual:.2f` %, agrees with the expected strain and with none. (The errors of the table are these, not the scatter of so few glasses, which agree among themselves by luck.) Even {glue:text}`stress.glasses_needed` loaded glasses would show it only every second time.
#
# One assumption carries all this: equilibrium. A young glass wanders also because it still relaxes, without being any softer for it, as if its slow motion were hotter than its fast one {cite}`cugliandolo1997`. Then a load moves it less than its wandering suggests, and our viscosity is too low. Ours are young. Between the first and
# the last leg of a run they lose {glue:text}`stress.shrunk:.1f` % of their volume and {glue:text}`stress.sunk:.1f` meV per atom, on average, and every strain in the table lies below what is expected, by half an error to two and a half. Chance can do that; so can age. At least the fluidity, what the compliance grows by, shows no change with age that we could tell.
# (The first thirty picoseconds after the quench are left out: there the cells settle, and what moves is no measure of flow.)

# %%
rest_ps, run_ps = campaign["anneal"].rest_ps, ours.cycles * (ours.on_ps + ours.off_ps)
tell.ageing([(0.0, tell.rests(), rest_ps / 2, rest_ps), (rest_ps, calm, 0.0, run_ps / 2), (rest_ps, calm, run_ps / 2, run_ps)], volume=volume, temperature=ours.temperature)

# %% [markdown]
# ## Does it matter which shear?
#
# The paper loaded xz as well as yz and saw no difference. A glass has no directions, so there should be none; but ours was put together from cubes with layers in them. Each of the three shears, wherever it bears no load:

# %%
tell.by_shear(*held, temperature=ours.temperature)

# %%
other = loads["stress-50-xz"]
along_yz, along_xz = tell.against(high, unheld, number=0), tell.against(other, unheld, number=0)
apart = chapter.less(along_yz, along_xz)
record("stress.first_yz", 100 * along_yz.value, unit="%", uncertainty=100 * along_yz.error, note="strain after the first pulse on yz and its rest")
record("stress.first_yz_error", 100 * along_yz.error, unit="%", note="by the unloaded shears")
record("stress.first_xz", 100 * along_xz.value, unit="%", uncertainty=100 * along_xz.error, note="the same on xz")
record("stress.first_xz_error", 100 * along_xz.error, unit="%", note="by the unloaded shears")
spring_yz, spring_xz = tell.gone(high, unheld), tell.gone(other, unheld)
record("stress.spring_yz", 100 * spring_yz.value, unit="%", uncertainty=100 * spring_yz.error, note="strain that goes with the first pulse on yz")
record("stress.spring_yz_error", 100 * spring_yz.error, unit="%", note="by the unloaded shears")
record("stress.spring_xz", 100 * spring_xz.value, unit="%", uncertainty=100 * spring_xz.error, note="the same on xz")
record("stress.spring_xz_error", 100 * spring_xz.error, unit="%", note="by the unloaded shears")
record("stress.xz_glasses", len(other.cycles), note="glasses loaded on xz")
record("stress.component_same", bool(abs(apart.value) <= 2 * apart.error), note="strains after the first pulse within two errors of each other")
comparison("stress-component-irrelevant")

# %% [markdown]
# Their moduli agree to a tenth or so, what they flow by to a factor of two, and both within two of their errors. A pulse of {glue:text}`stress.high:.0f` MPa on xz ({glue:text}`stress.xz_glasses` glasses) takes {glue:text}`stress.spring_xz:.1f` ± {glue:text}`stress.spring_xz_error:.1f` % of strain with it when it goes, the first on yz {glue:text}`stress.spring_yz:.1f` ± {glue:text}`stress.spring_yz_error:.1f`; after the rest
# {glue:text}`stress.first_xz:.1f` ± {glue:text}`stress.first_xz_error:.1f` % is left of the one and {glue:text}`stress.first_yz:.1f` ± {glue:text}`stress.first_yz_error:.1f` of the other. That tests little, as the errors show; the shears without load test more.
#
# ## Can so small a stress be seen at all?
#
# The stress of a small cell is never quiet. If the cell were an elastic block, its shear stress would fluctuate by $\sqrt{kTG/V}$: a smaller box is a noisier one. With our modulus that is {glue:text}`stress.block:.0f` MPa, and single moments scatter more, for atoms rattle faster than the box can follow. The paper says its fluctuations were
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
# say which it means; so the row stays open. At any rate noise in the *stress* forbids nothing: the barostat holds the mean well, here as there. What drowns a small load is the other quantity, the strain, which wanders without coming back.
#
# How it wanders, and what a load would leave, both follow from the viscosity above. In a larger box each event tilts less, and there are more of them: wandering falls as one over the root of the size, while what a load leaves stays. Both grow with time, the load's part faster.

# %%
tell.reach(flow, loads_mpa=(paper["stress-10"].amplitude_mpa, ours.amplitude_mpa), cases={
    f"{natoms} atoms, our times": (1.0, ours.cycles * ours.on_ps, run_ps),
    "10,000 atoms, our times": (10_000 / natoms, ours.cycles * ours.on_ps, run_ps),
    "10,000 atoms, the paper's times": (10_000 / natoms, theirs.cycles * theirs.on_ps, theirs.cycles * (theirs.on_ps + theirs.off_ps)),
})

# %% [markdown]
# At {glue:text}`stress.low:.0f` MPa a box like ours says nothing: {glue:text}`stress.low_foretold:.1f` % is expected after three pulses and {glue:text}`stress.low_pooled:.1f` ± {glue:text}`stress.low_pooled_error:.1f` % found ({glue:text}`stress.glasses_low` of them, loaded, would show it every second time): not because the glass would not hear the load, but because we would not hear the glass. The paper's box and times could show it, *if* its glass flows as ours does. Whether it does can be read from its Figure 1c, which this book does not hold: with our viscosity the larger load would leave
# {glue:text}`stress.paper_left:.0f` % of the box's height (no small strain any more, and far beyond the times that we watched). By the factor by which less is left there, that glass, which had rested for two nanoseconds, is stiffer than ours.
#
# And note what is seen then. A liquid has no threshold: any load leaves a strain, in proportion to load and time. "Even at {glue:text}`stress.low:.0f` MPa" is then no surprise, and by itself no evidence for units that give more easily than others. The two loads of the figure could tell whether there is a threshold: five times the load, five times the strain?
#
# ## Who moves
#
# If molecular units are what gives, gallium that wears mostly chlorine should be displaced more than the rest between the first frame and the last. The measure is D²min, what is left of the motion of an atom and its neighbours when the best
# affine map is taken off; [the next chapter](09_shear_zones) explains it, and why in warm frames like these it is mostly heat.

# %%
own = {n: {s: look.activation(*look.first_and_last(s, n)) for s in loads[n].cycles} for n in names}
moved = {n: chapter.over_seeds(values) for n, values in own.items()}
more = chapter.over_seeds([own["stress-50"][s] - own["stress-0"][s] for s in own["stress-50"] if s in own["stress-0"]])
record("stress.activation_50", moved["stress-50"].value, unit="A2", uncertainty=moved["stress-50"].error, note="D2min of Ga with more Cl than F less that of other Ga, first to last frame, 50 MPa")
record("stress.activation_control", moved["stress-0"].value, unit="A2", uncertainty=moved["stress-0"].error, note="the same without load")
record("stress.activation_beyond", more.value, unit="A2", uncertainty=more.error, note="load less control, seed by seed")
record("stress.activation_beyond_error", more.error, unit="A2", note="over seeds")
low_more = chapter.over_seeds([own["stress-10"][s] - own["stress-0"][s] for s in own["stress-10"] if s in own["stress-0"]])
record("stress.activation_low", moved["stress-10"].value, unit="A2", uncertainty=moved["stress-10"].error, note="the same at 10 MPa")
record("stress.activation_low_beyond", low_more.value, unit="A2", uncertainty=low_more.error, note="10 MPa less control, seed by seed")
record("stress.activation_low_beyond_error", low_more.error, unit="A2", note="over seeds")
record("stress.activated", chapter.above(moved["stress-10"]) and chapter.above(low_more), note="at 10 MPa above zero and above the control, by the margin of so many seeds")
record("stress.activation_margin", more.margin, unit="A2", note="what chance alone could give, by so many seeds")
pd.DataFrame({f"{loads[n].amplitude_mpa:g} MPa, {loads[n].component}": {"D²min of Cl-rich less F-rich Ga (Å²)": f"{one.value:.0f} ± {one.error:.0f}", "glasses": len(loads[n].cycles)} for n, one in moved.items()})

# %%
comparison("activated-at-low-stress")

# %% [markdown]
# Load less control, glass by glass, is {glue:text}`stress.activation_beyond:.0f` ± {glue:text}`stress.activation_beyond_error:.0f` Å² at {glue:text}`stress.high:.0f` MPa, where chance alone could give {glue:text}`stress.activation_margin:.0f` to either side, and
# {glue:text}`stress.activation_low_beyond:.0f` ± {glue:text}`stress.activation_low_beyond_error:.0f` at {glue:text}`stress.low:.0f`. The paper's words ask for more motion of such gallium at low stress; is it more than zero and more than in the control, by the margin of so many glasses? {glue:text}`stress.activated`. A few
# numbers with so much heat in them cannot settle it.
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
# The error falls as one over the root of the number. The next cell does the arithmetic. The unloaded shears need fewer, because they know the scatter better and a difference of two runs has twice the variance of one. A longer run helps as well: what a
# load leaves grows with the time, the wandering only with its root.
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
# ### The liquid, sheared
#
# [The next chapter](09_shear_zones) shears the same glasses at constant rates. Predict the stress of a liquid of our viscosity at those rates, and whether the real one will lie above or below. What does stress over rate tell about the viscosity at rest?
#
# :::{dropdown} Solution
# The next cell has both. The sheared glass resists far less than the liquid would, and the faster the less: it thins, since load now helps every rearrangement, not one in a slight majority. So stress over rate is a *lower* bound on the viscosity at rest, and one that asks for no
# equilibrium. The wandering gives more, as it must. What a liquid has at the paper's own rate is an upper bound in turn, if our viscosity is right; the paper's half a gigapascal is above it, so its glass is older, or its potential stiffer, or its yield point read off a peak.
# :::

# %% tags=["hide-cell"]
tell.thinning(flow, [shear_chapter.sheared({s: chapter.thermo(s, n, "shear") for s in chapter.seeds(n)}, rate_per_s=campaign[n].rate_per_s) for n in ("shear", "shear-fast")])

# %% [markdown]
# At the paper's rate, {glue:text}`stress.paper_rate:.0e` per second, the liquid would have {glue:text}`stress.newton:.2f` ± {glue:text}`stress.newton_error:.2f` GPa.
#
# ### Windows
#
# The paper replaces each quantity by its mean over five picoseconds to either side. Predict what the strain at the moment of unloading looks like then, and whether a spring could be told from clay within that window.
#
# :::{dropdown} Solution
# The elastic part of the strain, a stress over a modulus of some gigapascal, comes back within a picosecond or so; a window ten wide smears it into a ramp. What is left *after* ten picoseconds is
# untouched. So the window is harmless for the residual strain, and useless for telling fast elastic recovery from slow. With our holds of {glue:text}`stress.hold:.0f` ps half of each leg lies within a window of its ends.
# :::
