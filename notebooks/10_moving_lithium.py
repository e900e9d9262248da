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
# # Moving lithium
#
# A clay that you can bend is a curiosity. A clay that conducts is a battery part. The paper {cite}`gupta2023` put its clay between
# two platinum foils and measured an impedance spectrum, its Supplementary Figure 11. Of such a spectrum the text keeps one number, where a curve in the complex plane
# meets the real axis: the resistance of the pellet, and from it the conductivity, {glue:text}`lithium.paper:.1f` mS/cm at room temperature. The groups that found the clay {cite}`jung2021,xu2022` had
# about {glue:text}`lithium.first:.0f` mS/cm. The simulations of the paper are about its softness; that of this chapter is ours.
#
# **The question.** How fast does lithium move in our simulated clay, what else moves with it, and what would that conduct at 300 K?
#
# **The answer in one sentence.** {glue:text}`lithium.answer`
#
# ```{admonition} What you will be able to do
# :class: tip
# Get a diffusion coefficient with an error out of a trajectory, and tell diffusion from rattling; draw an Arrhenius line, and say how far it may be
# trusted; turn diffusion into conductivity, and name what that leaves out; read an impedance spectrum, your own if you have one.
# ```

# %% tags=["parameters"]
rule: str = "exponent"  # Which runs enter the law; allowed: exponent, straight, widened
haven: float = 1.0  # Haven ratio; allowed: 0.1..3
live: bool = True  # Run a small melt while the page is made
temperature: float = 1000.0  # Temperature of that melt in K; allowed: 300..1500
picoseconds: float = 6.0  # Length of its run in ps; allowed: 3..50
seed: int = 1  # Seed of its velocities; allowed: 1..1000
spectrum: str = ""  # Path of a measured impedance spectrum; empty for a made one
put_in: float = 3.0  # Conductivity of the made spectrum in mS/cm; allowed: 0.0001..100
thickness: float = 0.05  # Thickness of the pellet in cm; allowed: 0.001..10
area: float = 0.785  # Area of its faces in cm2; allowed: 0.001..100
size_error: float = 0.02  # Relative standard error of thickness and of area; allowed: 0..1

# %%
import ase.io
import numpy as np
import pandas as pd

from repro import data
from repro.clay import chapter, charge, lithium_eis, lithium_law, lithium_plots, lithium_words
from repro.clay import lithium_chapter as look
from repro.figures import new_figure, show
from repro.ledger import published
from repro.md.statistics import Estimate
from repro.results import record
from repro.tables import comparison

# %% [markdown]
# ## How far does an atom get?
#
# An atom that wanders at random gets nowhere on average, and yet away. What grows in proportion to time is the mean of the *squared* distance, and a sixth of its slope
# is the diffusion coefficient $D$. It sounds simple, and there are three traps. In the first moments an atom flies freely and the square grows as time squared. Then it
# rattles in its cage, and the square hardly grows. Only later does it diffuse; a run that ends before is a run about rattling.
# And the values at different lags come from one trajectory and are not independent: a straight-line fit with the usual formula gives errors that are far too small. The fit here
# takes these correlations into account (package `kinisi`), and its interval is meant seriously.
#
# Each run begins from the glass of [chapter six](06_mixing), is heated at zero pressure, and after ten picoseconds goes on in the cell that it then has. So far we have {glue:text}`lithium.shipped`.

# %%
found = look.points()
kinds = look.shipped(chapter.runs())
record("lithium.shipped", lithium_words.listed(found), note="shipped diffusion runs")
record("lithium.runs", len(found), note="shipped diffusion runs, all temperatures and seeds")
for name in look.RULES:
    record(f"lithium.counted_{name}", lithium_words.counted(found, rule=name), note=f"by the rule {name}")
fig, ax = new_figure(height=3.8)
lithium_plots.plot_msd(ax, found)
show(
    fig,
    name="fig-msd",
    caption=(
        "Mean squared displacement of lithium against lag. Symbols with errors: the lags that were fitted; crosses, runs that are not diffusive by "
        "their exponent; dotted, runs without a coefficient."
    ),
    alt=f"Rising curves on logarithmic axes, higher at higher temperature: {lithium_words.listed(found)}.",
)

# %%
pressures = lithium_law.pressures(found)
lithium_words.table(found, pressures)

# %% [markdown]
# The rule for what counts was fixed before there was any run: on logarithmic axes the slope of the MSD over the fitted lags, its exponent, must be 1, within 0.05 or two errors. By it,
# {glue:text}`lithium.counted_exponent` count.
#
# The rule has a weakness that the first run brought to light. An atom that rattles before it leaves adds a constant to the MSD. A line with a constant is still a
# straight line, and a sixth of its slope is still $D$; but on logarithmic axes its slope is below 1 until the line has outgrown the constant. So the table has a second, plainer test: is the MSD straight?
# The slope in the later half of the fitted lags over that in the earlier half must be 1 within two errors, with an error below a quarter. By it, {glue:text}`lithium.counted_straight` count. As we wrote
# it after we had seen a curve (though no conductivity), it comes second: what the ledger gets is the first rule's, and the parameter `rule` switches.
#
# Both rules say yes or no, and a run just inside and one just outside may differ by less than their errors: the table shows it. So there is a third way, added when runs had been turned away: let every run in that
# has a coefficient, and widen its error by what its slope still changes from the earlier half to the later, and by how badly that is known. A coefficient whose MSD is not yet straight is then a doubtful one, not a forbidden one.
# Such errors are a judgement, no theorem, and a longer run would more likely lower $D$ than raise it; so the law takes Student's interval however well the points agree. Its results stand beside the others and decide nothing in the ledger.
#
# The table also shows what a short heating costs. The cell of one moment is not the average one: some runs are pressed and others stretched, and that bends any line drawn through them. We come back to it.
#
# ## Who else moves?
#
# In a solid conductor the lithium moves and the frame stands. In a melt everything moves. Here are all four elements in the hottest run.

# %%
hot = max(kinds, default=0)
movers = look.movers(hot, kinds[hot][0]) if kinds else {}
fig, ax = new_figure(height=3.4, width=5.4)
lithium_plots.plot_movers(ax, movers)
show(
    fig,
    name="fig-movers",
    caption=f"Mean squared displacement by element at {hot} K. Dotted: not diffusive by its exponent." if movers else "No run is shipped yet.",
    alt=lithium_words.far(movers),
)

# %%
record("lithium.hottest", hot, unit="K")
record("lithium.coldest", min(kinds, default=0), unit="K")
record("lithium.host", lithium_words.host(movers), note="by the second rule, for gallium in the hottest run")
lithium_words.movers_table(movers)

# %% [markdown]
# {glue:text}`lithium.host` That matters for what follows. The paper's clay is a glass that softens near {glue:text}`lithium.tg:.0f` °C, and at room temperature it is above that: no crystal, but no thin liquid either. Where
# a run is of a melt, its lithium is carried along by everything else. A line drawn from there down to 300 K joins two regimes, and if the frame's own motion freezes on the way,
# lithium may lose more speed than the line says, or, where it has a way of its own through the frame, less. No statistics can see that from above.
#
# ## A law, and a long way down
#
# Hopping over a barrier $E_a$ follows Arrhenius, $D = A \exp(-E_a / kT)$: straight, if $\ln D$ is drawn against $1/T$. The band is of 95 %; the dashed part is where there is no data.

# %%
laws = {name: lithium_law.law(found, rule=name) for name in look.RULES}
law = laws[rule]
shown = next((name for name in (rule, *look.RULES[1:]) if laws[name] is not None), rule)
drawn = laws[shown]
tg = published("glass-transition-measured")
frozen = tg + 273.15 - lithium_law.WLF
bent = lithium_law.law(found, rule=shown, divergence=frozen) if drawn is not None else None
record("lithium.tg", tg, unit="C", note="the paper's glass transition")
record("lithium.frozen", frozen, unit="K", note="T0: the paper's glass transition less the 51.6 K of Williams, Landel and Ferry")
for name, one in laws.items():
    record(f"lithium.law_{name}", lithium_words.energy(one), note=f"activation energy by the rule {name}")
    record(f"lithium.room_{name}", lithium_words.reach(one), note="how far 300 K is from the data")
guess = 10.0
freed = lithium_law.law(lithium_law.unpressed(found, [p.value for p in pressures], volume=guess), rule=shown)
record("lithium.activation_volume", guess, unit="A3", note="a guess")
record("lithium.unpressed", freed.energy if freed is not None else float("nan"), unit="eV", uncertainty=freed.error if freed is not None else None, note=f"barrier by the rule {shown}, coefficients brought to zero pressure")
fig, ax = new_figure(height=3.8)
lithium_plots.plot_law(ax, found, drawn, to=300.0, rule=shown, bent=(frozen, bent) if bent is not None else None)
show(
    fig,
    name="fig-arrhenius",
    caption=(
        f"Diffusion coefficient of lithium against 1000/T. Filled: runs that count by the rule {shown}. Line and band: Arrhenius, 95 %; dashed, extrapolated; dash-dotted, "
        f"a law that bends towards {frozen:.0f} K."
    ) if drawn is not None else "Diffusion coefficient of lithium against 1000/T. Too few temperatures count for a law.",
    alt=f"Points fall towards low temperature. {lithium_words.energy(drawn)} {lithium_words.reach(drawn)}",
)

# %% [markdown]
# By the first rule: {glue:text}`lithium.law_exponent` {glue:text}`lithium.room_exponent`
#
# By the second: {glue:text}`lithium.law_straight` {glue:text}`lithium.room_straight`
#
# With all runs, their errors widened: {glue:text}`lithium.law_widened` {glue:text}`lithium.room_widened` Were every run brought to zero pressure, with an activation volume of {glue:text}`lithium.activation_volume:.0f` Å³ (a guess), the barrier would be {glue:text}`lithium.unpressed:.2f` eV.
#
# What the band does not contain is the law itself. Liquids that can be cooled to a glass often bend downwards from Arrhenius; the law of Vogel, Fulcher and Tammann puts a temperature $T_0$ in,
# $\ln D = \ln A - B/k(T - T_0)$, at which everything would stop. The dash-dotted line has $T_0$ at {glue:text}`lithium.frozen:.0f` K, the usual fifty-odd kelvin below the paper's glass transition. We do not claim it; we use it to see how
# much the answer hangs on the choice.
#
# ## From moving to conducting
#
# If every lithium carries its charge on its own, Nernst and Einstein say $\sigma = n e^2 D / kT$. The number density is that of our glass at 300 K. But ions are pushed by each other:
# one that hops into a gap pulls the next along, and the charge then moves further than the single ion's $D$ tells. The Haven ratio $H_R$ is the conductivity of independent ions over the true one, so what $D$ says is to be divided by it. $D$ alone cannot give it:
# here it is an *input*, and the next section tries to measure it. At a ratio of 0.3 the conductivity is three times as large as with 1.

# %%
density = lithium_law.carriers()
sigmas = {
    name: lithium_law.conducts(one.at(300.0), density=density.value, haven=haven) if one is not None else None
    for name, one in laws.items()
}
sigma = sigmas[rule]
record("lithium.density", 1000 * density.value, unit="Li/nm3", uncertainty=1000 * density.error if np.isfinite(density.error) else None, note="of the rested glass")
record("lithium.paper", published("conductivity-measured"), unit="mS/cm", note="the paper's impedance")
record("lithium.first", published("intro-conductivity"), unit="mS/cm", note="as the paper quotes refs 9 and 10")
for key, one in lithium_law.LITERATURE.items():
    record(f"lithium.{key}", one.value, unit="mS/cm", note=f"{one.material}: {one.source}, doi {one.doi}")
liquid, third = (lithium_law.LITERATURE[key].value for key in ("liquid", "third"))
record("lithium.answer", lithium_words.answer(found, sigmas, rule=rule), note=f"Haven ratio {haven:g}")
for name, one in sigmas.items():
    record(f"lithium.words_{name}", lithium_words.words(one), note=f"at 300 K, by the rule {name}")
record("lithium.widened", lithium_words.words(sigmas["widened"]), note="at 300 K, all runs, errors widened, along a straight line")
if sigma is not None:
    record("lithium.sigma", sigma.value, unit="mS/cm", uncertainty=sigma.error, note=f"at 300 K, extrapolated, Haven ratio {haven:g}; {lithium_words.words(sigma)}")
    record("lithium.like_liquid", lithium_law.within(sigma, liquid, factor=10.0), note="within a factor of ten of a carbonate electrolyte")

# %%
lithium_words.havens(drawn.at(300.0) if drawn is not None else None, density=density.value)

# %% [markdown]
# ## All charges at once
#
# Must that ratio be put in? Each ion can be followed, so their sum can: charge times path, added up over all atoms. A sixth of the slope of *its* mean square, over $VkT$, is the conductivity, and no ratio has to be assumed
# {cite}`marcolongo2017`. The charges are the formal ones; where electrons stay bound, the slope at long times is the same with these whole numbers as with the true, changing charges {cite}`grasselli2019`. The price: a cell has hundreds of
# lithium, and one sum. Replayed random walks of the same length show an error of a third or more, where that of $D$ is a twentieth, and the fit has to keep to short lags, {glue:text}`lithium.charge_from:.0f` to {glue:text}`lithium.charge_to:.0f` ps, where what merely swings
# to and fro has not quite died out. That range was chosen with the curves in view; the second table moves it.

# %%
ranges = ((1.0, 4.0), charge.FIT_PS, (4.0, 16.0))
charged = look.charged(fits=ranges)
together = charged[charge.FIT_PS]
ratio, charge_law = charge.pooled(together), charge.law(together)
means = [one.ratio.value for own in charged.values() if (one := charge.pooled(own)) is not None]
record("lithium.charge_from", charge.FIT_PS[0], unit="ps", note="first lag of the fits to all charges")
record("lithium.charge_to", charge.FIT_PS[1], unit="ps", note="last lag")
record("lithium.together", lithium_words.together(ratio), note="conductivity of all charges over that of independent lithium")
record("lithium.charge_low", min(means, default=float("nan")), note="smallest mean ratio over the ranges of lags")
record("lithium.charge_high", max(means, default=float("nan")), note="largest mean ratio over the ranges of lags")
record("lithium.charge_law", lithium_words.energy(charge_law), note="conductivity of all charges times temperature")
record("lithium.charge_room", lithium_words.room(charge_law), note="conductivity of all charges at 300 K, by its own law")
fig, ax = new_figure(height=3.8)
lithium_plots.plot_charge(ax, together)
show(
    fig,
    name="fig-charge",
    caption="Mean squared displacement of all charges together (lines, heavy where fitted) and the sum of those of single lithium (dashed), against lag.",
    alt=f"Pairs of rising lines, one pair a temperature. The line of all charges begins above that of lithium; most then rise less, and all have wiggles. {lithium_words.together(ratio)}",
)

# %%
lithium_words.charge_table(together)

# %%
lithium_words.windows(charged)

# %% [markdown]
# {glue:text}`lithium.together` As the range of lags moves, the mean goes from {glue:text}`lithium.charge_high:.1f` to {glue:text}`lithium.charge_low:.1f`. Do not read that as lithium alone: in these melts the frame moves and carries, too. The column of independent ions
# shows how much that would be, and that all ions together conduct a fraction of it, since most go in company: a gallium with its halogens around it is nearly neutral.
#
# At 300 K, where the frame hardly moves, the ratio may be another, and our runs cannot say which. The conductivity of all charges has a law of its own, from so few windows that it says little: {glue:text}`lithium.charge_law` Extrapolated to 300 K it gives {glue:text}`lithium.charge_room`.
#
# Beside what was measured:

# %%
curves = lithium_law.bends(found, rule=shown, density=density.value, divergences=(0.0, frozen))
curved = lithium_law.bends(found, rule="widened", density=density.value, divergences=(frozen,))
record("lithium.bent", curved[frozen].value if curved else float("nan"), unit="mS/cm", note=f"at 300 K by a law that bends towards {frozen:.0f} K, all runs, errors widened")
ours = lithium_words.rows(curves, frozen=frozen, charges=charge_law.at(300.0) if charge_law is not None else None)
measured = {
    "paper, impedance": published("conductivity-measured"),
    "refs 9 and 10 of the paper": published("intro-conductivity"),
    lithium_law.LITERATURE["third"].material: third,
    lithium_law.LITERATURE["liquid"].material: liquid,
}
fig, ax = new_figure(height=2.6)
lithium_plots.plot_conductivities(ax, measured, ours)
show(
    fig,
    name="fig-conductivities",
    caption="Conductivity at room temperature. Diamonds: measured. " + (
        f"Circles with 95 %: ours, extrapolated by the rule {shown}, Haven ratio 1 or as said, and by all charges together; intervals are cut at the ends of the axis."
        if ours else "Ours is not among them yet, for want of a law."
    ),
    alt="Rows on a logarithmic axis. " + " ".join(f"{name}: {value:.2g}." for name, value in measured.items())
    + " " + " ".join(f"{name}: {value:.2g}, from {low:.2g} to {high:.2g}." for name, (value, low, high) in ours.items()),
)

# %%
labs = lithium_law.spread([published("intro-conductivity"), published("conductivity-measured"), third])
record("lithium.labs", labs, note="largest over smallest of the three published conductivities of the clay")
record("lithium.similar", labs <= 1.5,
       note="published values of three groups within a factor of 1.5; nothing of ours")  # fmt: skip
record("lithium.labs_like_liquid", lithium_law.spread([liquid, published("intro-conductivity"), published("conductivity-measured")]) <= 10,
       note="two published conductivities of the clay and that of the liquid within a factor of ten; nothing of ours")  # fmt: skip
comparison("intro-conductivity", "conductivity-measured", "intro-like-liquid-electrolyte", "conductivity-similar")

# %% [markdown]
# By the first rule: {glue:text}`lithium.words_exponent`. By the second: {glue:text}`lithium.words_straight`. With all runs, errors widened: {glue:text}`lithium.words_widened`. If the line bends towards {glue:text}`lithium.frozen:.0f` K, {glue:text}`lithium.bent:.2g` mS/cm
# would be left: much hangs on what lithium does on the way from {glue:text}`lithium.coldest` K to 300, where we have not run it. A third group measured {glue:text}`lithium.third:.1f` mS/cm
# {cite}`patel2023`, so the laboratories agree within a factor of {glue:text}`lithium.labs:.1f`. A common liquid, lithium
# hexafluorophosphate in ethylene carbonate and ethyl methyl carbonate, has {glue:text}`lithium.liquid:.1f` mS/cm {cite}`nyman2008`.
#
# ## Does the teacher agree?
#
# The paper tested the lithium conductivity of its potential against dynamics with DFT. Ours would be tested against its teacher, at one high temperature. Can it be, with what is shipped?

# %%
peaks, speed = (pd.read_csv(data.path(f"potential/results/{name}.csv")) for name in ("rdf_peaks_reference", "speed"))
taught = peaks[peaks.family == "melt-2-1-small"].iloc[0]
begin = ase.io.read(data.path("potential/results/liquid_starts.extxyz"), 0)
cost = float(speed[speed.model == "teacher"].us_per_atom_step.iloc[0])
lithiums = int((begin.numbers == 3).sum())
record("lithium.teacher_ps", float(taught.time_ps), unit="ps", note="teacher's own dynamics of 2 LiCl + GaF3, behind the g(r) of chapter 5; paths were not kept")
record("lithium.teacher_atoms", len(begin))
record("lithium.teacher_lithium", lithiums)
record("lithium.teacher_hours", 1e-6 * cost * len(begin) * 20e3 / 2 / 3600, unit="h", note="one core, 20 ps of the same cell in steps of 2 fs")
short = (look.pieces(look.read(chapter.frames(kinds[hot][0], f"{look.PROTOCOL}{hot}", look.LEG)), atoms=lithiums, picoseconds=float(taught.time_ps))
         if movers and movers["Li"].found is not None else np.empty(0))  # fmt: skip
record("lithium.short", lithium_words.short(short, movers.get("Li")), note="the student's own hottest run, cut into runs as short and small as the teacher's")
comparison("test-conductivity-against-aimd")

# %% [markdown]
# The teacher ran {glue:text}`lithium.teacher_ps:.1f` ps of {glue:text}`lithium.teacher_atoms` atoms, {glue:text}`lithium.teacher_lithium` of them lithium. {glue:text}`lithium.short` A
# run of 20 ps would take it {glue:text}`lithium.teacher_hours:.1f` hours on a core, which we have not spent; so this row of the ledger waits.
#
# ## What the electrochemist sees
#
# In the laboratory nobody follows atoms. One puts the pellet between two foils that let no ion through, applies a small alternating voltage, and records current and phase from
# {glue:text}`lithium.eis_high:.0f` MHz down to {glue:text}`lithium.eis_low:.0f` mHz. Fast, the ions slosh to and fro and the pellet is a resistor. Slow, they pile up at the foils, and the pellet is a bad capacitor. In the
# complex plane the two make a line that leaves the real axis at the resistance.
#
# The paper's spectrum is not public. **The one below is made, not measured**, unless you gave the path of your own: leads, a resistor that stands for {glue:text}`lithium.put_in:.2g` mS/cm, an electrode, and some noise.
# Its use is that the answer is known. Four circuits are fitted, and the simplest that explains the data is taken.

# %%
sizes = {"thickness": Estimate(thickness, size_error * thickness), "area": Estimate(area, size_error * area)}
sample = lithium_eis.own_sample(data.external(spectrum), **sizes) if spectrum else lithium_eis.made_sample(put_in, **sizes)
tested = lithium_eis.tested(sample)
made = lithium_eis.made_sample(put_in, **sizes).spectrum.frequency
record("lithium.eis_high", float(made.max() / 1e6), unit="MHz", note="made spectrum, as in the paper")
record("lithium.eis_low", float(1000 * made.min()), unit="mHz", note="made spectrum, as in the paper")
record("lithium.put_in", put_in, unit="mS/cm", note="put into the made spectrum")
record("lithium.eis", tested.conductivity.value, unit="mS/cm", uncertainty=tested.conductivity.error, note="from the fit; error of the pellet's size included")
record("lithium.eis_kind", "your own file" if spectrum else "a made spectrum")
record("lithium.eis_resistance", tested.best.resistance.value, unit="ohm", uncertainty=tested.best.resistance.error)
record("lithium.eis_circuit", tested.best.circuit.replace("-", " + "))
record("lithium.kramers_kronig", tested.test.passed, note=f"residuals {100 * tested.test.real:.2f} and {100 * tested.test.imaginary:.2f} % of the modulus")
fig, axes = new_figure(1, 2, height=3.4)
lithium_plots.plot_spectrum(axes, sample.spectrum, tested.best)
show(
    fig,
    name="fig-eis",
    caption=(
        ("Spectrum from a reader's file." if spectrum else "A made spectrum, not a measured one.")
        + " Left: complex plane near the resistance, dashed. Right: modulus over all frequencies."
    ),
    alt=f"Left, points on a steep line that meets the real axis near {tested.best.resistance.value:.3g} ohm. Right, the modulus is flat there and rises at low frequency.",
)

# %%
lithium_eis.circuits(tested)

# %% [markdown]
# The fit to {glue:text}`lithium.eis_kind` says {glue:text}`lithium.eis:.2f` ± {glue:text}`lithium.eis.err:.2f` mS/cm, the error of the ruler with which the pellet was measured included. Whether *any* linear and stable circuit could have such a spectrum is
# another question. It is asked by the test of Kramers and Kronig, which compares real and imaginary part; passed: {glue:text}`lithium.kramers_kronig`. For your own file:
#
# `.venv/bin/repro run 10_moving_lithium -p spectrum /path/to/file.mpt -p thickness 0.08 -p area 1.13`

# %%
comparison("eis-highest-frequency", "eis-lowest-frequency")

# %% [markdown]
# ## Watch it yourself
#
# A melt of sixty-four atoms, sixteen of them lithium, settles for a picosecond and runs for {glue:text}`lithium.live_ps:.0f` ps at {glue:text}`lithium.live_temperature:.0f` K while the page is made. Expect little: so few atoms in so short a
# time give a $D$ with a large error, or a message why there is none. Both are right answers.

# %%
small = look.live(chapter.Live(seed=seed), temperature=temperature, picoseconds=picoseconds) if live else {}
record("lithium.live_ps", picoseconds, unit="ps")
record("lithium.live_temperature", temperature, unit="K")
record("lithium.live", lithium_words.says(small.get("Li")), note="live run, lithium")
fig, ax = new_figure(height=3.2, width=5.0)
lithium_plots.plot_movers(ax, small)
show(
    fig,
    name="fig-live-diffusion",
    caption=f"Made with this page: mean squared displacements at {temperature:g} K." if small else "The live run was switched off by the parameter live.",
    alt=lithium_words.far(small),
)

# %% [markdown]
# {glue:text}`lithium.live`
#
# ## Exercises
#
# ### 1. Predict, then run: rattling is not diffusing
#
# Predict what the live part says at 300 K with 6 ps, then run it: `.venv/bin/repro run 10_moving_lithium -p temperature 300`. Would ten times the time help?
#
# :::{dropdown} Solution
# The MSD rises within a tenth of a picosecond to the size of a cage, and then all but stops; the exponent is far below a half, and the fit refuses with a message. Ten times the time helps only if lithium leaves
# its cage within it. With a barrier of a third of an electronvolt an event that takes a picosecond in our hottest run takes thousands of them at 300 K. This is why everybody simulates hot and extrapolates, and why the extrapolation deserves suspicion.
# :::
#
# ### 2. Bend the law
#
# The law of Vogel, Fulcher and Tammann puts $T_0$ in. Predict in which direction the conductivity at 300 K moves as $T_0$ grows from zero, and whether the fit to the data can tell you which is right.
#
# :::{dropdown} Solution
# The next cell does it. It falls: towards $T_0$ the curve bends down. Over the few hundred kelvin of the data the curves are nearly straight for each $T_0$, so the data hardly tell them apart; only colder runs could, and those are
# the long ones.
# :::

# %% tags=["hide-cell"]
several = (0.0, 50.0, 100.0, 150.0, 200.0)
lithium_words.bends_table(lithium_law.bends(found, rule=shown, density=density.value, divergences=several))

# %% [markdown]
# ### 3. One sum
#
# A run of 40 ps is fitted up to lags of 8 ps. How many windows that do not overlap does it hold, and how well can a mean square of that many be known, if each of three directions counts? Compare with the interval in the table. How long a run would know the conductivity to a tenth?
#
# :::{dropdown} Solution
# Five windows, three directions: fifteen squares of a normal number. A mean of $n$ of these has a relative error of $\sqrt{2/n}$, here over a third, and that is the size the replays find. For a tenth $n$ must be two hundred, so the run some thirteen times as long; or ten assemblies
# instead of one, which also says how much they differ.
# :::
#
# ### 4. Break it: a pellet that hardly conducts
#
# Set the conductivity of the made spectrum to a thousandth of the clay's, and double the noise of the ruler. What becomes of the inductance of the leads, and which circuit is chosen? Then predict
# what happens with a pellet ten times as thin, and check.
#
# :::{dropdown} Solution
# The next cell does it. Next to thousands of ohms the leads are invisible, and the circuit without them is the simplest that explains the data. In a real pellet so resistive the arc of the bulk would come into view, as its frequency is proportional to the conductivity; our made spectrum has no
# arc, and its fit need not invent one. A thin pellet has little resistance, and the leads matter more: this is why people who measure good conductors make them thick.
# :::

# %% tags=["hide-cell"]
pd.concat({
    f"{value:g} mS/cm, {1e4 * d:g} µm": lithium_eis.circuits(lithium_eis.tested(
        lithium_eis.made_sample(value, thickness=Estimate(d, 0.04 * d), area=sizes["area"])))
    for value, d in ((put_in, thickness), (put_in / 1000, thickness), (put_in, thickness / 10))
})  # fmt: skip

# %% [markdown]
# ### 5. The ratio nobody gave you
#
# You measure 3 units of conductivity, and a tracer experiment gives a $D$ that by Nernst and Einstein stands for 1.5. What is the Haven ratio, and what do the ions do?
#
# :::{dropdown} Solution
# It is one half: charge moves further than the tracer does. Ions follow each other into the gaps they leave. Had it been 2, they would go in pairs of opposite charge, which diffuse well and carry nothing, as in weak
# electrolytes. That our own number may be too low for the first reason or too high for the second cannot be seen in a single ion's path; the sum of all paths shows it, if it is followed for long enough.
# :::
