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
# # Where it gives
#
# Shear a crystal far enough and a plane of it slips. Shear a glass, which has no planes, and it yields in knots: here and there a few dozen
# atoms lose their footing together, drop into another arrangement, and carry their neighbours along. Such a knot is called a shear
# transformation zone. Figure 2 of the paper {cite}`gupta2023` shows a stress-strain curve, three maps of the atoms that did not follow the
# deformation, and a g(r) which says that the gallium among them has more chlorine around it than the rest.
#
# **The question.** Does our glass yield in zones, and do they sit where the chlorine is?
#
# **The answer in one sentence.** It flows at {glue:text}`shear.flow:.2f` ± {glue:text}`shear.flow_error:.2f` GPa, where the paper's yields at about {glue:text}`shear.said:.1f`;
# the gallium in its zones has {glue:text}`shear.chlorine_excess:+.1f` ± {glue:text}`shear.chlorine_excess_error:.1f` percentage points more chlorine around it than the rest, {glue:text}`shear.rest_words`; no zones join into bands, not even among {glue:text}`shear.big_atoms` atoms, but there the strain gathers in the layers that hold the chlorine.
#
# ```{admonition} What you will be able to do
# :class: tip
# Read a stress-strain curve of a glass and distrust it; compute the non-affine displacement of an atom; tell an event from heat;
# and ask whether zones have a chemistry, with a test that could have said no.
# ```

# %% tags=["parameters"]
live: bool = True  # Shear a small glass while the page is made
rate: float = 1e11  # Shear rate of that run per second; allowed: 2e10..1e12
strain: float = 0.1  # How far it is sheared; allowed: 0.02..0.4
slip: float = 1.0  # Slip in angstrom against its surroundings that makes an atom part of a zone; allowed: 0.3..2
seed: int = 1  # Seed of the live run's velocities; allowed: 1..1000

# %%
import itertools

import numpy as np
import pandas as pd

from repro.clay import chapter, inherent, layers, mobility, presets, shear, surroundings, trajectory, zone_picture, zones_compare
from repro.clay import shear_chapter as look
from repro.clay import shear_plots as plots
from repro.clay import zones_chapter as zones
from repro.figures import new_figure, show, show_structure
from repro.ledger import published
from repro.results import record
from repro.tables import comparison

# %% [markdown]
# ## Pull
#
# The cell is tilted at a constant rate, on the yz plane, at {glue:text}`shear.temperature:.0f` K; every other component of the stress is held at zero.
# The paper sheared at {glue:text}`shear.paper_rate:.0e` per second. That takes {glue:text}`shear.paper_ps:.0f` ps to a strain of {glue:text}`shear.strain:.1f`; we can afford five and twenty times that rate.
# At the start the curve is a straight line, as of a spring. Then it bends and rises much more slowly: the glass flows.

# %%
runs = chapter.runs()
campaign, paper = presets.preset("reference").protocols, presets.preset("paper").protocols["shear"]
kinds = {f"{campaign[n].rate_per_s:.0e} per s".replace("e+", "e"): n for n in ("shear", "shear-fast") if n in set(runs.protocol)}
sheared = {
    words: look.sheared({s: chapter.thermo(s, name, "shear") for s in chapter.seeds(name)}, rate_per_s=campaign[name].rate_per_s)
    for words, name in kinds.items()
}
slow = next(iter(sheared.values()))
seeds = chapter.seeds("shear")
flow, offset, onset, top = slow.flow(), slow.offset_stress(), slow.onset(), slow.maximum()
record("shear.temperature", float(paper.temperature), unit="K")
record("shear.paper_rate", float(paper.rate_per_s), unit="1/s", note=f"preset paper, on {paper.component}; ours {slow.rate_per_s:g} and more")
record("shear.paper_ps", paper.picoseconds, unit="ps")
record("shear.strain", float(paper.strain))
record("shear.others_free", look.others_free(), note="read from the LAMMPS lines of the protocol")
record("shear.atoms", int(runs[runs.protocol == "shear"].natoms.iloc[0]), note="atoms in each of our assemblies")
record("shear.seeds", len(seeds), note="glasses sheared at the slower rate")
record("shear.flow", flow.value, unit="GPa", uncertainty=flow.error, note="mean stress beyond a strain of 0.1, slower rate")
record("shear.said", float(published("yield-stress")), unit="GPa", note="the paper's yield stress")
record("shear.flow_error", flow.error, unit="GPa", note="of shear.flow, over seeds")
record("shear.offset", offset.value, unit="GPa", uncertainty=offset.error, note="2 % offset, slower rate")
record("shear.maximum", top.value, unit="GPa", uncertainty=top.error, note="maximum of the smoothed curve, slower rate")
record("shear.onset", onset.value, uncertainty=onset.error, note="departure from the elastic line by 0.005, slower rate")
record("shear.modulus", slow.modulus().value, unit="GPa", uncertainty=slow.modulus().error, note="slope up to a strain of 0.02, slower rate")
fig, ax = new_figure(height=3.6)
plots.plot_curves(ax, {words: one.mean() for words, one in sheared.items()})
show(
    fig,
    name="fig-stress-strain",
    caption=f"Shear stress against shear strain, mean over {len(seeds)} glasses with one standard error.",
    alt=" ".join(f"At {words} the stress rises, bends, and beyond a strain of 0.1 is {one.flow().value:.2f} gigapascal on average." for words, one in sheared.items()),
)

# %%
look.table(sheared)

# %% [markdown]
# Where does such a curve yield? There are three usual readings, and they differ: where it meets the elastic line shifted by {glue:text}`shear.offset_strain:.0f` % of strain,
# its highest point, or its level once it flows. The paper gives one number without saying which. Ours are {glue:text}`shear.offset:.2f`, {glue:text}`shear.maximum:.2f` and
# {glue:text}`shear.flow:.2f` GPa; the ledger holds the last against the paper, the mean beyond a strain of 0.1, since it needs no elastic line (ours is short and noisy) and noise does not raise it as it raises a maximum.
#
# Faster should be stronger: a knot needs time to come loose. In our glasses the faster flow takes {glue:text}`shear.stiffer:.2f` ± {glue:text}`shear.stiffer_error:.2f` GPa more. Compare that with its error before
# you believe it: so few glasses know their own scatter badly. If you do believe it, then at the paper's rate our glass would flow near {glue:text}`shear.at_paper_rate:.2f` GPa, further from the paper's number than what the ledger compares. ([The chapter before](08_soft_under_stress) reads from glasses that nobody touches what a liquid would have at that rate, in its last but one exercise.) And no computer will go slow enough to see what a hand does to a clay.

# %%
record("shear.offset_strain", 100 * look.OFFSET, unit="%", note="of the offset, fixed beforehand")
fast = list(sheared.values())[-1]
stiffer = look.faster_is_stronger(slow, fast) if fast is not slow else look.NONE
speed = float(runs[runs.protocol == "shear"].ns_per_day.mean())
record("shear.stiffer", stiffer.value, unit="GPa", uncertainty=stiffer.error, note="flow stress at the faster rate less that at the slower, seed by seed")
record("shear.at_paper_rate", look.flow_at(paper.rate_per_s, slow, fast), unit="GPa", note="on a line through both rates in the logarithm of the rate; its slope is known to a third or so")
record("shear.stiffer_error", stiffer.error, unit="GPa", note="of shear.stiffer, seed by seed")
record("shear.stiffer_as_said", chapter.above(stiffer), note="by the margin of so many seeds")
record("shear.speed", speed, unit="ns/day", note="of our shear runs, one core each")
record("shear.years", look.years(strain=0.2, rate_per_s=1e-3, ns_per_day=speed), unit="years", note="to a strain of 0.2 at 1e-3 per s, at that speed")
record("shear.out_of_reach", look.years(strain=0.2, rate_per_s=1e-3, ns_per_day=speed) > 100, note="more than a century of computing")
comparison("shear-temperature", "shear-rate", "shear-others-free", "yield-stress", "yield-falls-with-rate", "plastic-onset", "slow-rates-out-of-reach")

# %% [markdown]
# ## With room
#
# Is any of this the size of our boxes? One assembly of the paper's size, the larger one of [chapter 6](06_mixing) with {glue:text}`shear.big_atoms` atoms, was sheared at {glue:text}`shear.big_rate:.0e` per second, between our two rates. It is not the same glass made larger:
# its melt lasted {glue:text}`shear.big_melt:.0f` ps only, so that islands of both salts are left in it, as in the paper's.

# %%
larger = presets.preset("large").protocols["shear"]
big_runs = chapter.runs("large")
big = look.sheared({s: chapter.thermo(s, "shear", "shear", preset="large") for s in chapter.seeds("shear", preset="large")}, rate_per_s=larger.rate_per_s)
big_flow, big_modulus, between = big.flow(), big.modulus(), look.flow_at(larger.rate_per_s, slow, fast)
record("shear.big_atoms", int(big_runs.natoms.max()), note="atoms in the larger assembly")
record("shear.big_rate", float(larger.rate_per_s), unit="1/s")
record("shear.big_melt", float(chapter.rows("anneal", "melt", preset="large").picoseconds.iloc[0]), unit="ps")
record("shear.big_flow", big_flow.value, unit="GPa", uncertainty=big_flow.error, note="mean stress beyond a strain of 0.1, one run; error from its own fluctuations")
record("shear.big_flow_error", big_flow.error, unit="GPa", note="of shear.big_flow")
record("shear.between", between, unit="GPa", note="flow stress of the small glasses at that rate, on the line through both of theirs")
record("shear.big_modulus", big_modulus.value, unit="GPa", uncertainty=big_modulus.error, note="slope up to a strain of 0.02, one run")
big_onset = big.onset()
record("shear.big_onset", big_onset.value, uncertainty=big_onset.error, note="departure from the elastic line by 0.005, one run")
record("shear.big_onset_error", big_onset.error, note="of shear.big_onset")
record("shear.onset_said", float(published("plastic-onset")), note="the paper's strain of plastic response")
record("shear.big_density", float(big_runs[big_runs.protocol == "shear"].density_g_per_cm3.iloc[0]), unit="g/cm3", note="mean under shear")
record("shear.small_density", float(runs[runs.protocol == "shear"].density_g_per_cm3.mean()), unit="g/cm3", note="the same of the small glasses")
record("shear.big_modulus_error", big_modulus.error, unit="GPa", note="of shear.big_modulus")
fig, ax = new_figure(height=3.6)
plots.plot_curves(ax, {f"{atoms} atoms, {one.rate_per_s:.0e} per s".replace("e+", "e"): one.mean() for atoms, one in
                       [(int(runs.natoms.max()), slow), (int(runs.natoms.max()), fast), (int(big_runs.natoms.max()), big)]})  # fmt: skip
show(
    fig,
    name="fig-stress-strain-large",
    caption="Shear stress against shear strain, small glasses and the larger one. Bands are one standard error: over glasses for the small ones, over moments for the one large.",
    alt=f"Three curves. The large box's is the smoothest; beyond a strain of 0.1 it is {big_flow.value:.2f} gigapascal on average.",
)

# %% [markdown]
# It flows at {glue:text}`shear.big_flow:.2f` ± {glue:text}`shear.big_flow_error:.2f` GPa, where the line through our small glasses says {glue:text}`shear.between:.2f` at that rate: harder, not softer, and its modulus of {glue:text}`shear.big_modulus:.1f` ± {glue:text}`shear.big_modulus_error:.1f` GPa points the same way. (These errors are of one run's moments; another
# assembly may differ by more.) It is also denser, {glue:text}`shear.big_density:.2f` g/cm³ against {glue:text}`shear.small_density:.2f`, and [half of its gallium](06_mixing) still sat in islands of fluoride when its melt ended. The less mixed glass is the harder one, as it should be if mixing softens; but its density alone might do as much, and one run
# cannot tell the two apart.
#
# The curve is smooth enough to ask where it leaves its elastic line: by our measure at a strain of {glue:text}`shear.big_onset:.3f` ± {glue:text}`shear.big_onset_error:.3f`, earlier than the {glue:text}`shear.onset_said:.2f` above which the paper sees plastic response. A measure that asks for less departure finds it sooner, and the paper names none; the row stays open.
#
# ## Who does not follow
#
# Take an atom and its neighbours within 6.5 ångström, now and a hundredth of strain later. Find the affine map, stretch, shear and
# rotation, that carries the one picture best into the other. What the map cannot explain, squared and summed over the neighbours, is $D^2_\mathrm{min}$
# {cite}`falk1998`. A purely affine motion gives exactly zero, which the next cell checks on one of our frames.
#
# Now the trap. At {glue:text}`shear.temperature:.0f` K every atom rattles, and rattling is not affine. How large is $D^2_\mathrm{min}$ in the sheared glass, and how large in the same
# glass, at the same temperature over the same time, *that nobody shears*?

# %%
record("shear.method", look.method(next(chapter.frames(seeds[0], "shear", "shear"))), note="zero for an affine shear of one of our frames")
gap = campaign["shear"].interval / campaign["shear"].rate_per_s * 1e12
warm = {"sheared": zones_compare.quantiles(f for s in seeds[:1] for f in chapter.frames(s, "shear", "shear")),
        "at rest": zones_compare.quantiles(inherent.later_half(chapter.frames(seeds[0], "anneal", "rest"), ps=gap))}  # fmt: skip
record("shear.warm_sheared", warm["sheared"][0.5], unit="A2", note=f"median D2min of Ga, F and Cl in the sheared glass, seed {seeds[0]}")
record("shear.warm_rest", warm["at rest"][0.5], unit="A2", note="the same at rest, over intervals of equal time or a little longer")
pd.DataFrame({words: {f"{100 * q:g} %": round(x) for q, x in one.items()} for words, one in warm.items()}).rename_axis("quantile of D²min (Å²)")

# %% [markdown]
# Nearly the same. Half of Ga, F and Cl (lithium is left out: it hops at any load) have more than {glue:text}`shear.warm_sheared:.0f` Å² under shear and more than {glue:text}`shear.warm_rest:.0f` at rest; a map of these numbers would be
# beautiful, and would show heat. (The rare large values are alike, too: a glass this young rearranges by itself.) To see events, one must take the heat out first: relax each frame to the bottom of
# its basin in its own cell, and compare the *inherent structures* {cite}`stillinger1982`. (Ours are relaxed until no force exceeds {glue:text}`shear.force_left:.3f` eV per ångström. An earlier edition stopped most of them half way
# down; that is worth telling, since nothing in its figures gave it away.) What differs between two of them is no rattling: the glass has found another minimum, or its own has been bent, and either may go back. Now the shear shows: the median is {glue:text}`shear.cold_sheared:.1f` Å² with it and
# {glue:text}`shear.cold_rest:.1f` without.

# %%
cold_seeds = inherent.seeds("shear")
per_s = campaign["shear"].rate_per_s
threshold = zones_compare.slip_threshold(next(inherent.frames(cold_seeds[0], "shear")), slip=slip)
found = zones_compare.relaxed("shear", rate_per_s=per_s, threshold=threshold)
still = zones_compare.relaxed("rest", rate_per_s=per_s, threshold=threshold)
cold = {"sheared": zones_compare.quantiles(inherent.frames(cold_seeds[0], "shear")), "at rest": zones_compare.quantiles(inherent.frames(cold_seeds[0], "rest"))}
forces, cut = zip(inherent.left("shear"), inherent.left("rest"), strict=True)
record("shear.force_left", max(forces), unit="eV/A", note=f"largest force component in any of the relaxed frames; {sum(cut)} were cut off before")
record("shear.cold_sheared", cold["sheared"][0.5], unit="A2", note="median D2min between inherent structures, sheared")
record("shear.cold_rest", cold["at rest"][0.5], unit="A2", note="the same at rest")
record("shear.threshold", threshold, unit="A2", note=f"D2min of an atom that slipped by {slip:g} A against all its neighbours")
pd.DataFrame({words: {f"{100 * q:g} %": round(x, 1) for q, x in one.items()} for words, one in cold.items()}).rename_axis("quantile of D²min (Å²)")

# %% [markdown]
# ## Three maps
#
# The frames of the paper's maps are given by points on its curve, not by numbers. We take the largest event of each third of the run. An atom
# counts as part of a zone if it slipped by {glue:text}`shear.slip:.1f` Å against its surroundings, lithium left out again; three atoms or more within four ångström of each
# other make a zone.

# %%
record("shear.slip", float(slip), unit="A")
edges = (0.0, 0.06, 0.13, 0.2)
shown = zones_compare.thirds(found[cold_seeds[0]], edges)
fig, axes = new_figure(1, 3, height=3.1, width=8.4)
for ax, one in zip(axes, shown, strict=True):
    drawn = plots.plot_map(ax, one, largest=2 * threshold)
axes[0].set_ylabel("z (Å)")
fig.colorbar(drawn, ax=list(axes), label="D²min (Å²)", shrink=0.8)
show(
    fig,
    name="fig-maps",
    caption=f"Glass of seed {cold_seeds[0]} seen along x: D²min over 0.01 of strain between inherent structures. Rims mark atoms in zones.",
    alt="Three maps of coloured atoms. " + " ".join(f"At strain {one.strain:.3f} the largest zone has {one.found[0].size if one.found else 0} atoms." for one in shown),
)

# %% [markdown]
# ## From zones to bands?
#
# In the paper zones join into bands that cross the cell, and later there are single zones again. How large is our largest zone, and how localised is the strain, interval by interval?

# %%
record("shear.interval", float(campaign["shear"].interval), note="strain between frames")
histories = {s: zones.history(one) for s, one in found.items()}
resting = {s: zones.history(one) for s, one in still.items()}
per_stage = zones.stages(histories, edges=edges, column="largest")
idle = chapter.over_seeds([float(t.largest.mean()) for t in resting.values()])
early = [bool((t[t.strain < edges[1]].zones > 0).any()) for t in histories.values()]
bands = sum(int((t.windings >= 2).sum()) for t in histories.values())
record("shear.zones_early", all(early), note="zones of three atoms or more below a strain of 0.06, in all seeds")
record("shear.largest_1", per_stage[0].value, unit="atoms", uncertainty=per_stage[0].error, note="largest zone of an interval, mean below a strain of 0.06")
record("shear.largest_2", per_stage[1].value, unit="atoms", uncertainty=per_stage[1].error, note="the same from 0.06 to 0.13")
record("shear.largest_3", per_stage[2].value, unit="atoms", uncertainty=per_stage[2].error, note="the same beyond 0.13")
record("shear.largest_rest", idle.value, unit="atoms", uncertainty=idle.error, note="the same without shear, over equal times")
record("shear.bands", bands, unit="intervals", note="in which the largest zone closes on itself through the cell in two directions")
fig, axes = new_figure(1, 3, height=2.9, width=8.8)
plots.plot_history(axes, {f"seed {s}": t for s, t in histories.items()},
                   columns={"largest": "largest zone (atoms)", "share": "share of atoms in zones", "psi": "scatter of local strain"})  # fmt: skip
show(
    fig,
    name="fig-zone-history",
    caption="Size of the largest zone, share of atoms in zones, and scatter of the local von Mises strain, against strain.",
    alt=f"Three panels with one jagged line for each of {len(histories)} seeds. The largest zone has {max(int(t.largest.max()) for t in histories.values())} atoms.",
)

# %%
comparison("d2min-method", "d2min-interval", "stz-at-low-strain")

# %% [markdown]
# The mean largest zone has {glue:text}`shear.largest_1:.1f`, {glue:text}`shear.largest_2:.1f` and {glue:text}`shear.largest_3:.1f` atoms in the three thirds of the run, and {glue:text}`shear.largest_rest:.1f` in a glass that nobody shears.
# Look at the last number before you believe a story about the first three. Single events of ten atoms and more come and go in every glass; of a band there is no sign, and in a cell two nanometres wide
# there cannot well be one. By its rule the row on zones at low strain holds, and it would hold without any shear.
#
# ## Room for a band
#
# So take the assembly with {glue:text}`shear.big_atoms` atoms, five nanometres wide. Its frames were relaxed in the same way, to {glue:text}`shear.wide_force:.2f` eV per ångström. If zones join into bands anywhere, here is the room.

# %%
(big_seed,) = inherent.seeds("shear", preset="large")
wide_threshold = zones_compare.slip_threshold(next(inherent.frames(big_seed, "shear", preset="large")), slip=slip)
wide, calm = (zones_compare.relaxed(of, rate_per_s=larger.rate_per_s, threshold=wide_threshold, preset="large")[big_seed] for of in ("shear", "rest"))
story, calm_story = zones.history(wide), zones.history(calm)
larger_shown = zones_compare.thirds(wide, edges)
fig, axes = new_figure(1, 3, height=3.1, width=8.4)
for ax, one in zip(axes, larger_shown, strict=True):
    drawn = plots.plot_map(ax, one, largest=2 * wide_threshold, thickness=10.0)
axes[0].set_ylabel("z (Å)")
fig.colorbar(drawn, ax=list(axes), label="D²min (Å²)", shrink=0.8)
show(
    fig,
    name="fig-maps-large",
    caption="The larger assembly, a slice of 10 Å through its largest zone: D²min over 0.01 of strain between inherent structures. Rims mark atoms in zones.",
    alt="Three maps of coloured atoms. " + " ".join(f"At strain {one.strain:.3f} the largest zone has {one.found[0].size if one.found else 0} atoms." for one in larger_shown),
)

# %%
fig, axes = new_figure(1, 3, height=2.9, width=8.8)
plots.plot_history(axes, {"sheared": story, "at rest": calm_story},
                   columns={"largest": "largest zone (atoms)", "share": "share of atoms in zones", "psi": "scatter of local strain"})  # fmt: skip
show(
    fig,
    name="fig-zone-history-large",
    caption="The same three measures as before, of the larger assembly; at rest the axis is the strain it would have had in the time.",
    alt=f"Three panels with two jagged lines each, for the sheared and for the resting assembly. The largest zone has {int(story.largest.max())} atoms.",
)

# %%
grow = {column: zones_compare.changes_within(story, edges=edges, column=column) for column in ("largest", "psi")}
loosely = zones.history(zones.regrouped(wide, threshold=wide_threshold / 4))
form = chapter.above(grow["largest"][0]) and chapter.above(grow["psi"][0])
again = chapter.above(chapter.times(grow["largest"][1], -1))
for number, ((low, high), there) in enumerate(zip(itertools.pairwise(edges), zones.ranges(story.strain, edges), strict=True), 1):
    own = story[there].largest
    record(f"shear.wide_{number}", float(own.mean()), unit="atoms", uncertainty=float(own.sem()), note=f"largest zone of the larger assembly, mean over intervals from {low:g} to {high:g}, one run")
    record(f"shear.wide_loose_{number}", float(loosely[there].largest.mean()), unit="atoms", note="the same for half the slip")
record("shear.wide_rest", float(calm_story.largest.mean()), unit="atoms", note="the same at rest")
record("shear.wide_bands", int((story.windings >= 2).sum()), unit="intervals", note="in which the largest zone of the larger assembly closes on itself in two directions")
record("shear.wide_force", inherent.left("shear", preset="large")[0], unit="eV/A", note="largest force component left in its relaxed frames")
record("shear.wide_gap", inherent.gap_ps("large"), unit="ps", note="between its frames")
record("shear.bands_form", form, note="largest zone and localisation of the larger assembly grow from the first to the second third, by two errors of one run's intervals")
record("shear.zones_again", again, note="its largest zone shrinks from the second to the last third by two errors")
record("shear.as_glasses_do", bool(all(early) and form and again), note="the three before hold together")
comparison("bands-at-mid-strain", "stz-reappear", "plasticity-by-stz")

# %% [markdown]
# There is room, and no band comes. The largest zone has {glue:text}`shear.wide_1:.1f`, {glue:text}`shear.wide_2:.1f` and {glue:text}`shear.wide_3:.1f` atoms in the three thirds of the run, out of {glue:text}`shear.big_atoms`, and {glue:text}`shear.wide_rest:.0f` at rest, when the glass still settles. Ask for half the slip, and clusters are larger, but again there is no growth:
# {glue:text}`shear.wide_loose_1:.0f`, {glue:text}`shear.wide_loose_2:.0f` and {glue:text}`shear.wide_loose_3:.0f`. By the rules that were set beforehand three rows say no. It is one run, ten times faster than the paper's and of a glass that was melted for a few picoseconds; and the paper's maps may be of warm frames.
#
# ### Where the strain goes
#
# A count of slipped atoms is one way to look for a band. Here is another: cut the cell into {glue:text}`shear.layers` layers and ask of each how much of the imposed strain it takes. On yz, layers that follow each other along *z* may share unequally. Along x or y they cannot, for each of those reaches from
# the bottom to the top; whatever unevenness shows there is noise. Predict before you look: even or not?

# %%
step = float(larger.interval)
by_axis = {k: layers.profile(wide, axis=n, per_interval=step) for n, k in enumerate("xyz")}
thirds = by_axis["z"].parts(edges)
still_layers = layers.profile(calm, axis=2, per_interval=step)
salty = layers.chlorine(wide[0].atoms, axis=2)
height = float(wide[0].atoms.cell[2, 2])
share, share_error = by_axis["z"].mean()
soft, hard = int(share.argmax()), int(share.argmin())
rank = layers.follows(share, salty)
contrast = {"x": by_axis["x"].contrast(), "y": by_axis["y"].contrast(), "z": by_axis["z"].contrast(), "1": thirds[0].contrast(), "3": thirds[-1].contrast(), "rest": still_layers.contrast()}
record("shear.layers", len(salty), note="of the larger assembly along each axis")
record("shear.soft", float(share[soft]), uncertainty=float(share_error[soft]), note="local over imposed strain of the layer that takes most, whole run")
record("shear.hard", float(share[hard]), uncertainty=float(share_error[hard]), note="the same of the layer that takes least")
record("shear.soft_chlorine", float(100 * salty[soft]), unit="%", note="Cl of the anions in the layer that takes most")
record("shear.hard_chlorine", float(100 * salty[hard]), unit="%", note="the same in the layer that takes least")
(soft_1, error_1), (soft_3, error_3) = ([float(values[soft]) for values in one.mean()] for one in (thirds[0], thirds[-1]))
record("shear.soft_1", soft_1, uncertainty=error_1, note="local over imposed strain of the layer that takes most, first third of the run")
record("shear.soft_1_error", error_1, note="of shear.soft_1")
record("shear.soft_3", soft_3, uncertainty=error_3, note="the same, last third")
record("shear.soft_3_error", error_3, note="of shear.soft_3")
record("shear.layer_rank", rank.rho, note=f"rank correlation over layers of strain taken with chlorine, one assembly; p {rank.p_value:.3f}")
record("shear.layer_p", rank.p_value, note="one-sided, all orders of the layers")
record("shear.contrast_rest_error", contrast["rest"].error, note="of shear.contrast_rest, two intervals")
for key, of in {"x": "along x: control", "y": "along y: control", "z": "along z", "1": "along z, first third", "3": "along z, last third", "rest": "along z, at rest"}.items():
    record(f"shear.contrast_{key}", contrast[key].value, uncertainty=contrast[key].error, note=f"lasting scatter of local over imposed strain over layers {of}")
fig, axes = new_figure(2, 1, height=5.0, sharex=True, height_ratios=[2, 1])
plots.plot_layers(axes[0], {**{f"strain {low:g} to {high:g}": one for (low, high), one in zip(itertools.pairwise(edges), thirds, strict=True)}, "at rest": still_layers}, height=height)
axes[1].step(np.linspace(0, height, len(salty) + 1), np.append(salty, salty[-1]), where="post", color="0.3")
axes[1].set(xlabel="z (Å)", ylabel="Cl of the anions", ylim=(0, 1))
show(
    fig,
    name="fig-layers",
    caption=f"Above: shear of {len(salty)} layers of the larger assembly over the strain imposed, in three parts of the run and at rest (over the strain it would have had in the time), with one standard error over intervals. Below: share of chlorine among their anions.",
    alt=f"Steps over the height of the cell. The layer that takes most has {share[soft]:.1f} times the imposed strain and {100 * salty[soft]:.0f} per cent chlorine, the one that takes least {share[hard]:.1f} times and {100 * salty[hard]:.0f} per cent.",
)

# %% [markdown]
# Anything but even. The layer that takes most shears {glue:text}`shear.soft:.1f` times as fast as the cell, and {glue:text}`shear.soft_chlorine:.0f` % of its anions are chlorine; the one that takes least shears {glue:text}`shear.hard:.1f` times as fast, and has {glue:text}`shear.hard_chlorine:.0f` %. Over all layers strain follows
# chlorine with a rank correlation of {glue:text}`shear.layer_rank:.2f` (p = {glue:text}`shear.layer_p:.3f`, which flatters: layers side by side are alike). Along x and y, where nothing should show, the unevenness is {glue:text}`shear.contrast_x:.2f` and {glue:text}`shear.contrast_y:.2f`; along z it is {glue:text}`shear.contrast_z:.2f`.
# And it sharpens, from {glue:text}`shear.contrast_1:.2f` in the first third of the run to {glue:text}`shear.contrast_3:.2f` in the last, when one layer takes {glue:text}`shear.soft_3:.1f` ± {glue:text}`shear.soft_3_error:.1f` times the imposed strain, after {glue:text}`shear.soft_1:.1f` ± {glue:text}`shear.soft_1_error:.1f` at first.
#
# If that is no shear band, it is on its way to one: hard layers of fluoride ride along, and a soft layer with chlorine flows between them, which is the paper's picture of a clay. But it did not come as the rows above have it. No zones joined; the layer was soft from the start, and its atoms
# flow together, too smoothly for any of them to slip by an ångström against its neighbours, so a count of zones walks past it. Hold three things against it. We thought of this measure after the frames had been relaxed. It is one assembly. And its layers are those of the cubes
# it was built from, which a melt of {glue:text}`shear.big_melt:.0f` ps did not undo. So the row on bands at molecular units stays open until another assembly has said the same.
#
# ## What a zone is made of
#
# For every gallium in every interval: is it in a zone, and which share of its anions is chlorine? If zones did not care, both groups would have the same mean. But perhaps chlorine makes gallium restless at any time; so we ask the same of the glass at rest.

# %%
makeup, idle_makeup = ({s: zones.makeup(one) for s, one in of.items()} for of in (found, still))
inside = sum(int(one.inside.sum()) for one in makeup.values())
test, at_rest = zones.chlorine_in_zones(makeup), zones.chlorine_in_zones(idle_makeup)
over_rest = zones.beyond_rest(test, at_rest)
mostly = chapter.over_seeds([one.mostly_chlorine() for one in makeup.values()])
overall = chapter.over_seeds([float((one.share > 0.5).mean()) for one in makeup.values()])
ranks = zones.correlate(makeup)
record("shear.gallium_in_zones", inside, unit="times a gallium", note="was part of a zone, all intervals and seeds")
record("shear.chlorine_excess", 100 * test.difference, unit="%", uncertainty=100 * test.uncertainty, note="chlorine share around Ga inside zones less outside, points; error the larger of scatter over seeds and chance of so few atoms")
record("shear.chlorine_excess_error", 100 * test.uncertainty, unit="%", note="of shear.chlorine_excess")
record("shear.chlorine_rest", 100 * at_rest.difference, unit="%", uncertainty=100 * at_rest.uncertainty, note="the same in the glass at rest, where zones are few")
record("shear.chlorine_rest_error", 100 * at_rest.uncertainty, unit="%", note="of shear.chlorine_rest")
record("shear.gallium_rest", sum(int(one.inside.sum()) for one in idle_makeup.values()), unit="times a gallium", note="was part of a zone at rest, all intervals and seeds")
record("shear.chlorine_over_rest", 100 * over_rest.value, unit="%", uncertainty=100 * over_rest.error, note="sheared less at rest")
record("shear.chlorine_over_rest_error", 100 * over_rest.error, unit="%", note="of shear.chlorine_over_rest")
record("shear.rest_words", zones.rest_words(over_rest, at_rest), note="by the margin of so many seeds")
record("shear.chlorine_p", test.p_value, note="one-sided, permutations within intervals")
record("shear.molecular_sites", test.clear(), note="at the 5 % level, and by the margin of so many seeds")
record("shear.mostly", 100 * mostly.value, unit="%", uncertainty=100 * mostly.error, note="Ga in zones with more Cl than F")
record("shear.mostly_all", 100 * overall.value, unit="%", uncertainty=100 * overall.error, note="the same of all Ga")
record("shear.mostly_chlorine", bool(mostly.value > 0.5), note="more than half of the Ga in zones has more Cl than F")
record("shear.rho", ranks.value, uncertainty=ranks.error, note="rank correlation of D2min with the chlorine share, mean and error over seeds")
record("shear.where_chlorine", chapter.above(ranks), note="positive by the margin of so many seeds")
pd.DataFrame({
    f"seed {s}, {words}": {"Ga in zones": int(one.inside.sum()), "chlorine share inside less outside (points)": round(100 * one.difference(), 1),
                           "inside, more Cl than F (%)": round(100 * one.mostly_chlorine())}
    for words, of in (("sheared", makeup), ("at rest", idle_makeup)) for s, one in of.items()
}).T  # fmt: skip

# %% [markdown]
# So zones sit where the chlorine is: {glue:text}`shear.chlorine_excess:+.0f` ± {glue:text}`shear.chlorine_excess_error:.0f` points. The control is sobering. At rest zones are rare ({glue:text}`shear.gallium_rest` times a gallium against {glue:text}`shear.gallium_in_zones`), and they sit there, too:
# {glue:text}`shear.chlorine_rest:+.0f` ± {glue:text}`shear.chlorine_rest_error:.0f` points. What shear adds is {glue:text}`shear.chlorine_over_rest:+.0f` ± {glue:text}`shear.chlorine_over_rest_error:.0f`. Gallium with chlorine is the loose part of this glass, and what is loose moves, pushed or not. That is in the paper's spirit, but it
# is not evidence that *shear* seeks out chlorine. Nor are these places molecules for that: [of the shells of gallium](06_mixing) hardly any holds chlorine only.
#
# The paper asks in another way: it takes the gallium whose $D^2_\mathrm{min}$ lies above {glue:text}`shear.high:.0f` % of the largest value and that below {glue:text}`shear.low:.0f` %, between strains of {glue:text}`shear.from:.2f` and {glue:text}`shear.to:.2f`, and compares their g(r).
# A share of a *maximum* is a delicate thing: often one atom alone is above it. So we draw the paper's classes, from warm frames (the text does not say which the paper took), and test with
# classes of equal size, the highest and the lowest tenth.

# %%
window = (0.09, 0.14)
record("shear.from", window[0])
record("shear.to", window[1])
record("shear.high", 100 * surroundings.HIGH, unit="%", note="of the maximum")
record("shear.low", 100 * surroundings.LOW, unit="%", note="of the maximum")

hot = zones_compare.warm("shear", rate_per_s=per_s, threshold=threshold)
by_element = {centre: zones_compare.classes_of(hot, centre=centre, strain=window) for centre in ("Ga", "Li")}
tenths = zones_compare.classes_of(hot, centre="Ga", strain=window, by="quantile")
fluorine = zones_compare.peak_difference(tenths, "F", upto=2.5)
mobile = zones_compare.class_chlorine(found, strain=window, by="quantile")
few, many = ({centre: sum(one.centres[side] for one in g.values()) for centre, g in by_element.items()} for side in ("high", "low"))
record("shear.mobile_ga", few["Ga"], unit="times a Ga", note=f"above {100 * surroundings.HIGH:g} % of the maximum, all seeds, strains 0.09 to 0.14")
record("shear.fluorine_peak", fluorine.value, uncertainty=fluorine.error, note="first Ga-F peak of the highest tenth less that of the lowest, warm frames, mean over seeds")
record("shear.less_fluorine", chapter.above(chapter.times(fluorine, -1)), note="lower by the margin of so many seeds")
record("shear.mobile_chlorine", 100 * mobile.difference, unit="%", uncertainty=100 * mobile.uncertainty, note="chlorine share of the highest tenth less the lowest, points, inherent structures")
record("shear.mobile_rich", mobile.clear(), note="at the 5 % level, and by the margin of so many seeds")
fig, axes = new_figure(2, 2, height=5.0, width=7.6)
for row, (centre, g) in zip(axes, by_element.items(), strict=True):
    plots.plot_classes(row, zones_compare.mean_classes(g), centre=centre)
    row[0].set_ylabel("g(r)")
axes[0, 0].legend(fontsize=8.5)
show(
    fig,
    name="fig-classes",
    caption=(
        f"g(r) around atoms with D²min above 90 % (mobile: {few['Ga']} Ga, {few['Li']} Li) and below 10 % of the maximum (quiet: {many['Ga']} Ga, "
        f"{many['Li']} Li), strains {window[0]} to {window[1]}, mean over {len(seeds)} seeds."
    ),
    alt=(
        f"Four panels. The curves of mobile gallium and lithium stem from {few['Ga']} and {few['Li']} atoms, those of quiet ones from {many['Ga']} and {many['Li']}; "
        "all but that of quiet lithium are rough."
    ),
)

# %%
banded = bool(bands)
record("shear.bands_of_molecules", bool(test.p_value < 0.05 and banded), note=f"{bands} intervals have a band")
comparison("gr-strain-from", "gr-strain-to", "d2min-high-class", "d2min-low-class", "abstract-molecular-sites-of-stz", "stz-are-gacl3-like",
           "strain-where-cl", "mobile-ga-less-fluorine", "mobile-ga-chlorine-rich", "bands-at-molecular-sites")  # fmt: skip

# %% [markdown]
# ### In the larger assembly
#
# Zones are rare there, too: {glue:text}`shear.wide_gallium` times a gallium, with {glue:text}`shear.wide_excess:+.0f` ± {glue:text}`shear.wide_excess_error:.0f` points of chlorine more than the others. So ask without any threshold, and sort all {glue:text}`shear.big_gallium` gallium atoms by what they wear. Predict: who is the loosest, does shear make a difference, and what does heat hide?

# %%
runs_of = {
    "sheared": mobility.by_wear(chapter.frames(big_seed, "shear", "shear", preset="large")),
    "rest": mobility.by_wear(trajectory.spaced(chapter.frames(big_seed, "anneal", "rest", preset="large"), ps=inherent.gap_ps("large"))),
    "sheared_cold": mobility.by_wear(inherent.frames(big_seed, "shear", preset="large")),
    "rest_cold": mobility.by_wear(inherent.frames(big_seed, "rest", preset="large")),
}
wide_makeup = zones.makeup(wide)
wide_test = zones.chlorine_in_zones({big_seed: wide_makeup})
record("shear.wide_gallium", int(wide_makeup.inside.sum()), unit="times a gallium", note="was part of a zone of the larger assembly")
record("shear.wide_excess", 100 * wide_test.difference, unit="%", uncertainty=100 * wide_test.uncertainty, note="chlorine share around Ga inside its zones less outside, points; one run, error of so few atoms")
record("shear.wide_excess_error", 100 * wide_test.uncertainty, unit="%", note="of shear.wide_excess")
for key, wear in (("cl", "Ga with Cl only"), ("both", "Ga with both"), ("f", "Ga with F only")):
    for state, of in runs_of.items():
        record(f"shear.big_{key}_{state}", of[wear].value, unit="A2", uncertainty=of[wear].error, note=f"median D2min of {wear}, larger assembly, {state.replace('_cold', ', relaxed')}, frames {inherent.gap_ps('large'):g} ps apart, mean over intervals")
record("shear.big_gallium", int((next(chapter.frames(big_seed, "shear", "shear", preset="large")).numbers == 31).sum()), note="Ga atoms in the larger assembly")
mobility.table({"sheared": runs_of["sheared"], "at rest": runs_of["rest"], "sheared, relaxed": runs_of["sheared_cold"], "at rest, relaxed": runs_of["rest_cold"]})

# %% [markdown]
# The more chlorine, the looser: {glue:text}`shear.big_f_sheared:.0f` Å² for gallium in fluorine alone, {glue:text}`shear.big_both_sheared:.0f` with both, {glue:text}`shear.big_cl_sheared:.0f` in chlorine alone, each step many errors. Take out the heat and the order stays, on a lower floor: {glue:text}`shear.big_f_sheared_cold:.1f`, {glue:text}`shear.big_both_sheared_cold:.1f` and {glue:text}`shear.big_cl_sheared_cold:.1f`.
# That is the paper's soft part, seen without any threshold. But at rest the order is the same, and no number
# is smaller, relaxed or not: this glass is a few picoseconds old, and its settling right after the melt stirs it more than a hundredth of strain does later. So chlorine makes loose, pushed or not. What the push adds is not how far single atoms go but which way whole layers do, and that is in the figure of the layers: at rest, where the cell as a whole still leans a little, they differ by {glue:text}`shear.contrast_rest:.2f` ± {glue:text}`shear.contrast_rest_error:.2f`, under shear by {glue:text}`shear.contrast_z:.2f`.
#
# ## One zone, close up
#
# The largest early zone with gallium in it, with all anions its gallium holds: the paper's Figure 2e. Turn it, count.

# %%
first = shown[0]
atoms, bonds = zone_picture.zone_atoms(first)
show_structure(
    atoms,
    name="fig-zone",
    caption=f"A zone at strain {first.strain:.3f}, cut out of the glass: {atoms.get_chemical_formula()}, with the bonds of its gallium.",
    alt=f"{len(atoms)} atoms cut out of the glass; gallium is bound to chlorine and fluorine.",
    bonds=bonds,
)

# %% [markdown]
# ## Shear one now

# %%
made = chapter.Live(seed=seed) if live else None
small = made.shear(rate_per_s=rate, strain=strain) if made else None
fig, ax = new_figure(height=3.0, width=5.0)
if small is not None:
    plots.plot_curves(ax, {f"{rate:.0e} per s, live": shear.curve(small.thermo, width=strain / 25)})
ax.set(xlabel="shear strain", ylabel="shear stress (GPa)")
show(
    fig,
    name="fig-live-shear",
    caption=f"Made with this page: {small.thermo.natoms} atoms sheared at {rate:.0e} per second." if small else "The live run was switched off by the parameter live.",
    alt=f"A rough curve up to a strain of {strain:g}." if small else "An empty plot: the live run was switched off.",
)

# %%
record("shear.live", float(shear.curve(small.thermo, width=strain / 25).stress_gpa.max()) if small else 0.0, unit="GPa", note="largest stress of the live run")

# %% [markdown]
# The stress of this little cell went up to {glue:text}`shear.live:.1f` GPa. Slower, and further:
#
# `.venv/bin/repro run 09_shear_zones -p rate 5e10 -p strain 0.2`
#
# ## Exercises
#
# ### 1. Predict: the decades you cannot see
#
# Suppose the flow stress rises by a tenth for each factor of ten in the rate. Predict the flow stress of our glass at one per thousand seconds, a slow hand. Would you call the result soft?
#
# :::{dropdown} Solution
# The next cell does the sum: a tenth less for each of so many decades leaves about a quarter. That is far harder than clay. Either the law is not a power of the rate (thermal activation
# makes it logarithmic, and then it can fall to zero: a line through our two rates does so long before, which the second row shows as a negative number, though its slope is hardly known), or the
# real material holds something ours does not. The paper says "much lower", points to metadynamics, and turns to its runs at constant stress; no simulation with a clock of femtoseconds can measure it.
# :::

# %% tags=["hide-cell"]
hand = 1e-3
decades = np.log10(slow.rate_per_s / hand)
pd.DataFrame({
    "decades down to a thousandth per s": {"a tenth less each decade": round(decades, 1), "a line through our two rates": round(decades, 1)},
    "flow stress there (GPa)": {"a tenth less each decade": round(flow.value * 0.9**decades, 3),
                                "a line through our two rates": round(look.flow_at(hand, slow, fast), 3)},
})  # fmt: skip

# %% [markdown]
# ### 2. Break it: look at the heat
#
# Predict what happens to the chemistry of zones if you do *not* relax the frames.
#
# :::{dropdown} Solution
# The next cell does it. Warm frames have large $D^2_\mathrm{min}$ where atoms rattle most, and light or loosely bound atoms rattle more. A test on warm frames compares
# amplitudes of vibration. It may well come out the same way, for a reason that has nothing to do with flow.
# :::

# %% tags=["hide-cell"]
warm_makeup = {s: zones.makeup(one) for s, one in hot.items()}
warm_test = zones.chlorine_in_zones(warm_makeup)
pd.DataFrame({
    "inherent structures": {"Ga in zones": inside, "chlorine inside less outside (points)": round(100 * test.difference, 1), "error": round(100 * test.uncertainty, 1)},
    "warm frames": {"Ga in zones": sum(int(one.inside.sum()) for one in warm_makeup.values()),
                    "chlorine inside less outside (points)": round(100 * warm_test.difference, 1),
                    "error": round(100 * warm_test.uncertainty, 1)},
})  # fmt: skip

# %% [markdown]
# ### 3. Predict, then run: how large is an event
#
# A zone depends on the slip you ask for. Predict: from half an ångström to one and a half, does the *number* of zones change more, or their chlorine?
#
# :::{dropdown} Solution
# The next cell does it. Sizes and numbers change by large factors; a statement on chemistry that survives all of these choices deserves more trust than one made at a single threshold.
# :::

# %% tags=["hide-cell"]
rows = {}
for ask in (0.5, 0.75, 1.0, 1.5):
    limit = threshold * (ask / slip) ** 2
    anew = {s: zones.makeup(zones.regrouped(one, threshold=limit)) for s, one in found.items()}
    some = {s: one for s, one in anew.items() if one.inside.any()}
    rows[f"slip {ask:g} Å"] = {"Ga in zones": sum(int(one.inside.sum()) for one in anew.values()),
                               "chlorine inside less outside (points)": round(100 * zones.chlorine_in_zones(some).difference, 1) if some else None}  # fmt: skip
pd.DataFrame(rows)
