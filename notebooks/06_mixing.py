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
# # Two salts meet
#
# A ball mill smashes grains of LiCl against grains of GaF3, thousands of times. The paper {cite}`gupta2023` imitates one such meeting: eight cubes
# of a LiCl|GaF3 sandwich, each turned against its neighbours, are pressed together, melted for a moment,
# and quenched. Its Figure 1a shows the result, a glass with islands of both salts and molecules between them;
# Figure 1b shows what became of the bonds.
#
# **The question.** If we build the same thing with a potential of our own, do the anions change partners, how many, and do
# molecules of gallium chloride form?
#
# **The answer in one sentence.** The anions do: after {glue:text}`mixing.melt_ps:.0f` ps at {glue:text}`mixing.melt_temperature:.0f` K
# {glue:text}`mixing.chlorine_on_gallium:.0f` % of the chlorine sits on gallium; but only {glue:text}`mixing.tetrahedra:.1f` % of the gallium has four
# chlorines and no fluorine around it, nearly all the rest wears both, and a count cannot tell a molecule from an ion, in runs of {glue:text}`mixing.atoms` atoms where the paper had ten thousand; in grains as large as the paper's the exchange
# lags {glue:text}`mixing.lag:.0f` times behind, and islands of both salts last.
#
# ```{admonition} What you will be able to do
# :class: tip
# Build a glass the way it is built in a computer; tell exchange from mere mixing; read a g(r), and say how sure
# it is; and melt the two salts yourself, at a temperature of your choice, while the page is made.
# ```

# %% tags=["parameters"]
live: bool = True  # Melt a small assembly while the page is made
temperature: float = 900.0  # Temperature of that melt in K; allowed: 300..1500
picoseconds: float = 2.0  # Its length in ps; allowed: 0.5..20
seed: int = 1  # Seed of its velocities; allowed: 1..1000

# %%
import pandas as pd

from repro.clay import build, chapter, mixing, plots, presets, salts, size_effect
from repro.clay import melts as by_temperature
from repro.clay import mixing_chapter as look
from repro.figures import new_figure, show, show_structure
from repro.md import scripts
from repro.results import record
from repro.tables import comparison

# %% [markdown]
# ## How to build a heap of grains
#
# The recipe is the paper's. Layers of LiCl and GaF3, two formula units of the one for each of the other, are stacked into a
# sandwich; it is held at {glue:text}`mixing.hold_temperature:.0f` K for {glue:text}`mixing.hold_ps:.0f` ps so that the interface finds its form, and relaxed. A cube is cut out, and eight copies of it are
# set on a grid of 2 × 2 × 2 so that the layers of neighbours are at right angles. Relaxing the atoms *and* the cell closes the
# gaps. Two things the paper does not tell: how it kept the composition, since a cube cut through a sandwich rarely holds the salts in their exact ratio (we take surplus atoms off
# the outside), and how long a minimiser with a moving cell was let run (ours begins anew three times).

# %%
runs = chapter.runs()
campaign, paper = presets.preset("reference"), presets.preset("paper")
large, small = build.size(paper.size), build.size(campaign.size)
hold, anneal = paper.protocols["sandwich"], paper.protocols["anneal"]
melts, rests = chapter.rows("anneal", "melt"), chapter.rows("anneal", "rest")
record("mixing.atoms", int(melts.natoms.iloc[0]), note="atoms in each of our assemblies")
record("mixing.seeds", len(melts), note="assemblies, each from a sandwich and velocities of its own")
record("mixing.ratio", build.FORMULA["Cl"] / build.FORMULA["Ga"], unit="mol LiCl per mol GaF3")
record("mixing.hold_ps", hold.picoseconds, unit="ps")
record("mixing.hold_temperature", hold.temperature, unit="K")
record("mixing.slab_relaxed", "minimize" in hold.legs(seed=1)[-1].begin, note="second leg of the sandwich")
record("mixing.repeats", sum(n > 1 for n in large.repeat), unit="directions", note="of the sandwich")
record("mixing.edge", large.edge / 10, unit="nm", note=f"size paper; ours {small.edge / 10:.2g} nm")
record("mixing.our_edge", small.edge / 10, unit="nm", note="size reference")
record("mixing.particles", len(build.axes()), unit="particles")
record("mixing.cell", 2 * (large.edge + large.gap) / 10, unit="nm", note="size paper")
record("mixing.turn", look.turn(), unit="degree", note="between neighbours, all of them")
record("mixing.melt_temperature", float(anneal.melt_temperature), unit="K")
record("mixing.melt_ps", float(anneal.melt_ps), unit="ps")
record("mixing.rest_ns", anneal.rest_ps / 1000, unit="ns", note=f"preset paper; ours {campaign.protocols['anneal'].rest_ps:g} ps")
record("mixing.rest_temperature", float(anneal.temperature), unit="K")
record("mixing.relaxed_after", "minimize" in anneal.legs(seed=1)[1].begin, note="atoms and cell, before the rest")
record("mixing.code", look.program(), note="first word of the state it wrote; with the DeePMD plugin")
record("mixing.ensembles", look.ensembles(paper), note="all protocols of the preset paper")
record("mixing.step", paper.timestep_fs, unit="fs", note=f"preset paper; ours {campaign.timestep_fs:g} fs, see chapter 5")
record("mixing.tdamp", scripts.TDAMP_PS, unit="ps")
record("mixing.pdamp", scripts.PDAMP_PS, unit="ps")
paper_atoms = presets.atoms("paper")
record("mixing.paper_atoms", paper_atoms["assembly"], unit="atoms", note="size paper, from a fresh sandwich")
chapter.plan(atoms=paper_atoms)

# %% [markdown]
# The table is the plan of the whole campaign: what the paper ran (or, where it does not say, what we take it to have run), what two
# cores can afford, and what is in this edition of the book. Our runs so far took {glue:text}`mixing.core_hours:.1f` core hours.
#
# The last two columns say what the paper's own times would cost, one seed each, with our potential in {glue:text}`mixing.paper_atoms:,.0f` atoms: on one of our cores, which takes {glue:text}`mixing.cost:.0f` µs per atom and step
# while others are at work, and on a graphics card. We had none. The card of the table is one that somebody else measured, a model of 2017 with a compressed network of this kind for water, at {glue:text}`mixing.gpu_cost:.1f` µs per atom and step {cite}`guo2022`; newer
# cards should do better. A day of it buys {glue:text}`mixing.gpu_day_ns:.1f` ns of the paper's box at the paper's step: all pulses of one load, which last {glue:text}`mixing.pulses_ns:.1f` ns, or {glue:text}`mixing.gpu_day_shears:.0f` shear runs as slow as ours to a strain of
# {glue:text}`mixing.shear_strain:.1f`. One seed of all that our preset of the paper holds, its diffusion at colder temperatures than ours included, is {glue:text}`mixing.gpu_days:.0f` days, most of it for cooling at a rate that we had to guess; on one core the same would take {glue:text}`mixing.core_years:.1f` years.

# %%
spent = chapter.cost()
record("mixing.core_hours", spent["core_hours"], note="all shipped runs of the campaign")
record("mixing.cost", spent["us_per_atom_step"], unit="us/atom/step", note="one core, while others were at work")
record("mixing.gpu_cost", chapter.GPU_US, unit="us/atom/step", note="published, one V100, compressed model of water")
on_core, on_gpu = (presets.plan("paper", us_per_atom_step=us, known=paper_atoms) for us in (spent["us_per_atom_step"], chapter.GPU_US))
_, pulses_ps, pulses_hours = next(row for row in on_gpu if row[0] == "stress-50")
gpu_day_ps, our_shear = 24 * pulses_ps / pulses_hours, campaign.protocols["shear"]
record("mixing.gpu_day_ns", gpu_day_ps / 1000, unit="ns", note="of the paper's assembly, in a day of that card")
record("mixing.pulses_ns", pulses_ps / 1000, unit="ns", note="preset paper")
record("mixing.shear_strain", our_shear.strain, note="of our shear runs")
record("mixing.gpu_day_shears", gpu_day_ps / presets.picoseconds(our_shear), note="our slower rate, in the paper's box, in a day of that card")
record("mixing.gpu_days", sum(hours for _, _, hours in on_gpu) / 24, unit="days", note="all protocols of the preset paper, one seed")
record("mixing.core_years", sum(hours for _, _, hours in on_core) / 24 / 365.25, unit="years", note="the same on one core")
comparison("slab-ratio", "slab-equilibration-time", "slab-equilibration-temperature", "slab-relaxed", "slab-repeated",
           "particle-edge", "particle-count", "assembly-atoms", "assembly-cell", "particle-rotation",
           "melt-temperature", "melt-time", "snapshot-relaxed", "equilibration-time", "equilibration-temperature",
           "md-code", "md-ensembles", "md-step", "md-tdamp", "md-pdamp")  # fmt: skip

# %% [markdown]
# ## The glass
#
# This is the first of them, after the quench and the rest. Turn it.

# %%
seeds = chapter.seeds("anneal")
ends = {s: look.at(chapter.frames(s, "anneal", "rest"), rests.picoseconds.iloc[0]) for s in seeds}
glass = ends[seeds[0]]
show_structure(
    glass,
    name="fig-clay",
    caption=f"The glass of seed {seeds[0]}: {len(glass)} atoms of 2 LiCl + GaF3 after melt, quench and rest. Lines are bonds of gallium.",
    alt=(
        f"A periodic box of {len(glass)} atoms without long-range order. Some gallium atoms carry fluorine only, some both anions, "
        "some four chlorines; regions of lithium and chlorine remain."
    ),
    bonds=look.gallium_bonds(glass),
)

# %% [markdown]
# ## Who sits next to whom
#
# The pair distribution g(r) counts neighbours at a distance r, in units of what a structureless gas of the same density would have. A first
# peak is a bond. The paper compares 1 ps and 50 ps of the melt; so do we, with the mean over {glue:text}`mixing.seeds` assemblies and a band of one standard error.

# %%
first, last = 1.0, float(melts.picoseconds.iloc[0])
moments = [(look.at(chapter.frames(s, "anneal", "melt"), first), look.at(chapter.frames(s, "anneal", "melt"), last)) for s in seeds]
change = look.changes(moments)
by_pair = {"-".join(one.pair): one.peak for one in change}
for pair, sign in (("Ga-F", -1), ("Li-Cl", -1), ("Ga-Cl", 1), ("Li-F", 1)):
    key = pair.replace("-", "").lower()
    record(f"mixing.{key}", by_pair[pair].value, uncertainty=by_pair[pair].error, note=f"change of the first {pair} peak of g(r), mean over seeds")
    record(f"mixing.{key}_as_said", chapter.above(chapter.times(by_pair[pair], sign)), note="by the margin of so many seeds")
record("mixing.snapshots", f"{first:.0f} ps and {last:.0f} ps")
fig, axes = new_figure(1, 4, height=2.8, width=9.0)
plots.plot_changes(axes, change, labels=(f"{first:g} ps", f"{last:g} ps"))
axes[0].set_ylabel("g(r)")
axes[1].set_xlabel("r (Å)")
axes[0].legend(fontsize=8)
show(
    fig,
    name="fig-gr-mixing",
    caption=(
        f"Partial g(r) at {first:g} and {last:g} ps of the melt at {anneal.melt_temperature:g} K; single snapshots, mean over {len(seeds)} "
        "assemblies with one standard error."
    ),
    alt=(
        "Four panels. From the early to the late snapshot the first peak changes by "
        + ", ".join(f"{e.value:+.1f} for {p}" for p, e in by_pair.items()) + "."
    ),
)

# %%
comparison("gr-gaf-decreases", "gr-licl-decreases", "gr-gacl-increases", "gr-lif-increases", "gr-snapshot-times")

# %% [markdown]
# ## How far it went
#
# Four peaks are hard to read as one number, so let us define one. Of all chlorine, which share has a gallium neighbour? It is zero in the unmixed
# salts. If the paper's equation had its way, with Li3GaF6, GaCl3 and left-over LiCl, it would be three quarters; by the hull of [chapter one](01_which_salts_react) the left-over
# LiCl joins the GaCl3 as LiGaCl4, and it would be all. A second measure, the chlorine share of gallium's bonds relative to random mixing, looks natural but
# has a trap: it is 1 at complete exchange *and* at random mixing. Only the shells, below, can tell these two apart.

# %%
others = runs.protocol[runs.protocol.str.startswith("melt-")].unique()
protocol = {float(anneal.melt_temperature): "anneal", **{float(name.removeprefix("melt-")): name for name in others}}
exchange = {kelvin: look.exchanges(name) for kelvin, name in sorted(protocol.items())}
series = {f"{kelvin:g} K": look.mean_exchange(found.values()) for kelvin, found in exchange.items()}
main = exchange[anneal.melt_temperature]
start = chapter.over_seeds([float(e.chlorine_on_gallium[0]) for e in main.values()])
end = chapter.over_seeds([float(e.chlorine_on_gallium[-1]) for e in main.values()])
grown = chapter.over_seeds([float(e.chlorine_on_gallium[-1] - e.chlorine_on_gallium[0]) for e in main.values()])
record("mixing.chlorine_on_gallium", 100 * end.value, unit="%", uncertainty=100 * end.error, note="share of Cl with a Ga neighbour, end of the melt")
record("mixing.chlorine_start", 100 * start.value, unit="%", uncertainty=100 * start.error, note="the same at the start of the melt: made by the interfaces")
record("mixing.exchange_grows", chapter.above(grown), note="by the margin of so many seeds")
record("mixing.partial", bool(0.05 < end.value < 0.95), note="between 5 and 95 % at the end of the melt")
states = salts.limits(salts.composition(glass))
fig, axes = new_figure(1, 2, height=3.4)
plots.plot_exchange(axes[0], series, column="chlorine", limits=states)
plots.plot_exchange(axes[1], series, column="relative")
axes[0].set(ylabel="chlorine with a gallium neighbour", ylim=(0, 1.05))
axes[1].set(ylabel="chlorine share of Ga's bonds / random")
axes[1].legend(fontsize=8.5)
show(
    fig,
    name="fig-exchange",
    caption=(
        "Exchange of anions in the melt, mean over seeds with one standard error. Dashed: ideal end products."
    ),
    alt=(
        f"Rising curves. At {anneal.melt_temperature:g} kelvin the share of chlorine on gallium goes from {start.value:.2f} to {end.value:.2f}. "
        + " ".join(f"At {words} it ends at {own.chlorine.iloc[-1]:.2f}." for words, own in series.items())
    ),
)

# %%
comparison("anion-exchange-occurs", "partial-exchange")

# %% [markdown]
# ## What gallium wears
#
# Now count, for each gallium, its neighbours of both kinds. The bars are the paper's GaClxFy, with numbers.

# %%
moment = {
    f"{first:g} ps": mixing.average(early for early, _ in moments),
    f"{last:g} ps": mixing.average(late for _, late in moments),
    "rested at 300 K": mixing.average(ends.values()),
}
shells = look.species_table(moment, least=0.02)
rested = moment["rested at 300 K"]
per_seed = {s: mixing.speciation(frame) for s, frame in ends.items()}
tetrahedra = chapter.over_seeds([float(one.tetrahedra.value) for one in per_seed.values()])
record("mixing.tetrahedra", 100 * tetrahedra.value, unit="%", uncertainty=100 * tetrahedra.error, note="Ga with four Cl and no F, at rest, mean over seeds")
record("mixing.tetrahedra_everywhere", bool(all(one.tetrahedra.value > 0 for one in per_seed.values())), note="in every seed")
chloride = look.chloride_coordination(ends.values())
record("mixing.chloride_coordination", chloride.value, unit="neighbours", uncertainty=chloride.error, note="Cl around Ga that has Cl only, at rest")
record("mixing.both_anions", 100 * float(rested.mixed.value), unit="%", note="Ga with F and Cl, at rest")
record("mixing.tetrahedra_random", 100 * main[seeds[0]].random ** 4, unit="%", note="fourth power of the share of Cl among the anions")
record("mixing.order", float(rested.order.value), note="tetrahedral order of GaCl4 shells; 1 is a regular tetrahedron")
fig, ax = new_figure(height=3.4)
plots.plot_species(ax, shells)
show(
    fig,
    name="fig-species",
    caption=f"Shells of gallium at three moments, over {len(seeds)} assemblies.",
    alt=(
        "Grouped bars. At rest the most frequent shells are "
        + ", ".join(f"{name} ({100 * share:.0f} percent)" for name, share in shells["rested at 300 K"].drop("others").head(4).items()) + "."
    ),
)

# %%
look.numbers(moment)

# %%
islands = {s: mixing.domains(look.at(chapter.frames(s, "anneal", "rest"), rests.picoseconds.iloc[0])) for s in seeds}
fluoride = chapter.over_seeds([one.gallium_share for one in islands.values()])
lithium = chapter.over_seeds([one.lithium_share for one in islands.values()])
record("mixing.fluoride_islands", 100 * fluoride.value, unit="%", uncertainty=100 * fluoride.error, note="Ga in linked shells of F alone, at rest")
record("mixing.chloride_islands", 100 * lithium.value, unit="%", uncertainty=100 * lithium.error, note="Li in linked shells of Cl alone, at rest")
record("mixing.domains_remain", bool(end.value < 0.9 and all(d.gallium_share > 0 and d.lithium_share > 0 for d in islands.values())),
       note="both parents keep linked pure shells in every seed, and exchange is below 90 %")  # fmt: skip
comparison("gacl3-like-units-form", "gacl3-like-coordination", "domains-remain")

# %% [markdown]
# So which is it, sorted or shuffled? Shuffled. Sorted, half of the gallium would have four chlorines and the other half six fluorines; here {glue:text}`mixing.both_anions:.0f` % carry both. Filling four places at random from this mixture would by itself give
# some {glue:text}`mixing.tetrahedra_random:.0f` % of shells with chlorine alone. And the exchange has run to nearly all the chlorine, where the paper calls its own partial; the ledger counts that as a disagreement.
#
# What is left of the salts? {glue:text}`mixing.fluoride_islands:.0f` % of the gallium sits in linked shells of fluorine alone, and
# {glue:text}`mixing.chloride_islands:.0f` % of the lithium in linked shells of chlorine alone. Here the paper and we part: its glass has islands of both salts
# after the same time at the same temperature. There is a plain suspect. Our cubes are {glue:text}`mixing.our_edge:.1f` nm wide, its cubes {glue:text}`mixing.edge:.1f`, so in ours
# most atoms begin within a bond or two of a face and have nowhere to hide. Is that the whole story?
#
# ## Larger grains
#
# Only cubes of the paper's size can tell. One such assembly, {glue:text}`mixing.large_atoms` atoms, was melted at the same temperature, for {glue:text}`mixing.large_ps:.0f` ps: what two cores can afford.
# Predict before you look: how much longer should it take to go as far, twice or four times?

# %%
big_melt, big_rest = (chapter.rows("anneal", leg, preset="large").iloc[0] for leg in ("melt", "rest"))
shortest = float(big_melt.picoseconds)
grown_big = look.exchanges("anneal", preset="large")
lag = size_effect.delay(main, grown_big[int(big_melt.seed)], until=shortest, later=float(anneal.melt_ps))
ratio = large.edge / small.edge
left = {
    f"cubes of {small.edge / 10:.1f} nm": look.islands((chapter.frames(s, "anneal", "melt") for s in seeds), until=shortest),
    f"cubes of {large.edge / 10:.1f} nm": look.islands([chapter.frames(int(big_melt.seed), "anneal", "melt", preset="large")], until=shortest),
}
short_lines = {words: table[table.time_ps <= shortest] for words, table in zip(left, (series[f"{anneal.melt_temperature:g} K"], look.mean_exchange(grown_big.values())), strict=True)}
end_small, end_big = (table.iloc[-1] for table in left.values())
record("mixing.large_atoms", int(big_melt.natoms), note="atoms in the assembly of cubes of the paper's size")
record("mixing.large_ps", shortest, unit="ps", note="of its melt")
record("mixing.large_share", 100 * lag.large.value, unit="%", uncertainty=100 * lag.large.error, note=f"chlorine with a gallium neighbour after {shortest:g} ps, large cubes")
record("mixing.small_share", 100 * lag.small.value, unit="%", uncertainty=100 * lag.small.error, note="the same after the same time, small cubes, mean over seeds")
record("mixing.lag", lag.factor.value, uncertainty=lag.factor.error, note="time of the large melt over the time in which the small ones went as far; start taken off")
record("mixing.lag_error", lag.factor.error, note="of mixing.lag")
record("mixing.lag_power", lag.power(ratio), note="of the ratio of edges, that the lag is")
record("mixing.edge_ratio", ratio, note="of the cubes")
record("mixing.large_later", 100 * lag.later.value, unit="%", uncertainty=100 * lag.later.error, note=f"chlorine with a gallium neighbour after {lag.later_ps:g} ps in large cubes, if the lag stays what it is: extrapolated")
record("mixing.large_later_error", 100 * lag.later.error, unit="%", note="of mixing.large_later")
record("mixing.large_fluoride", 100 * end_big.fluoride, unit="%", note=f"Ga in linked shells of F alone, large cubes, {shortest:g} ps")
record("mixing.small_fluoride", 100 * end_small.fluoride, unit="%", uncertainty=100 * end_small.fluoride_error, note="the same in small cubes")
record("mixing.large_chloride", 100 * end_big.chloride, unit="%", note=f"Li in linked shells of Cl alone, large cubes, {shortest:g} ps")
record("mixing.small_chloride", 100 * end_small.chloride, unit="%", uncertainty=100 * end_small.chloride_error, note="the same in small cubes")
fig, axes = new_figure(1, 3, height=3.0, width=9.0)
plots.plot_exchange(axes[0], short_lines, column="chlorine")
plots.plot_islands(axes[1:], left)
axes[0].set(ylabel="chlorine with a gallium neighbour", ylim=(0, 1))
axes[1].set_ylabel("Ga in fluoride islands")
axes[2].set_ylabel("Li in chloride islands")
axes[0].legend(fontsize=8)
show(
    fig,
    name="fig-size",
    caption=(
        f"The first {shortest:g} ps of the melt in small and in large cubes: exchange, and what is left of either salt in linked pure shells. "
        f"Bands: one standard error over {len(seeds)} small assemblies; there is one large one."
    ),
    alt=(
        f"Three panels. Chlorine on gallium ends at {lag.small.value:.2f} in small and at {lag.large.value:.2f} in large cubes; gallium in fluoride islands at "
        f"{end_small.fluoride:.2f} and {end_big.fluoride:.2f}; lithium in chloride islands at {end_small.chloride:.2f} and {end_big.chloride:.2f}."
    ),
)

# %% [markdown]
# After the same {glue:text}`mixing.large_ps:.0f` ps {glue:text}`mixing.small_share:.0f` % of the chlorine has found gallium in the small cubes, and {glue:text}`mixing.large_share:.0f` % in the large ones. Part of that is the start: small cubes have more
# interface to begin with. Take it off, and ask when a small melt had gone as far as the large one at its end: {glue:text}`mixing.lag:.1f` ± {glue:text}`mixing.lag_error:.1f` times earlier. The edges have the ratio {glue:text}`mixing.edge_ratio:.1f`; so the lag is that ratio to the
# power {glue:text}`mixing.lag_power:.1f`, where a reaction at the faces would give 1 and diffusion from the faces 2. (The layers in a cube do not scale quite as its edge does, so do not press the digit.)
#
# If the lag stays, the large cubes would have {glue:text}`mixing.large_later:.0f` ± {glue:text}`mixing.large_later_error:.0f` % of their chlorine on gallium after the paper's {glue:text}`mixing.melt_ps:.0f` ps: an extrapolation to eight times the run, but a partial exchange, as the paper says. And the islands are there:
# {glue:text}`mixing.large_fluoride:.0f` % of the gallium in linked shells of fluorine alone (in small cubes {glue:text}`mixing.small_fluoride:.0f`), {glue:text}`mixing.large_chloride:.0f` % of the lithium in those of chlorine ({glue:text}`mixing.small_chloride:.0f`). So the two rows on which we disagree
# owe it to our small cubes, at least in good part. They stay as they are until a melt of this size has run as long as the paper's.

# %%
quenched = look.at(chapter.frames(int(big_melt.seed), "anneal", "rest", preset="large"), float(big_rest.picoseconds))
worn = look.surroundings_of(quenched)
fig, ax = new_figure(height=4.8, width=6.6)
plots.plot_slice(ax, quenched, worn)
ax.legend(fontsize=8.5, loc="upper left", bbox_to_anchor=(1.02, 1.0))
show(
    fig,
    name="fig-large-slice",
    caption=f"A slice of 0.6 nm through the middle of four of the eight cubes of the glass of {len(quenched)} atoms, melted for {shortest:g} ps and quenched. Cations by what they wear; anions are not drawn.",
    alt="A map of dots. Patches of gallium with fluorine only and of lithium with chlorine only lie side by side; gallium with both anions and lithium with fluorine line their borders.",
)

# %% [markdown]
# Both salts are still there, and between them what became of their faces: the picture that the paper's Figure 1a shows.
#
# ## Hotter and colder
#
# Nobody mills salts at {glue:text}`mixing.melt_temperature:.0f` K. The heat is there to hurry what a mill does slowly, and hurrying may change the road as well as the pace. So {glue:text}`mixing.other_melts` of the same small assemblies were melted at
# {glue:text}`mixing.cold:.0f` K, and again at {glue:text}`mixing.hot:,.0f`, for {glue:text}`mixing.other_ps:.0f` ps each (the gaps were closed anew each time, so the starts differ a little); their curves are in the figure of the exchange above. Predict: how much sooner is the hottest melt as far as the coldest?

# %%
compared = by_temperature.compare(exchange)
fours = {kelvin: chapter.over_seeds([float(mixing.speciation(look.at(chapter.frames(s, protocol[kelvin], "melt"), compared.until_ps)).tetrahedra.value) for s in found])
         for kelvin, found in exchange.items()}  # fmt: skip
cold, hot = min(exchange), max(exchange)
cold_share, hot_share = (compared.over_seeds(kelvin, "share") for kelvin in (cold, hot))
slow, quick = (compared.over_seeds(kelvin, "time_ps") for kelvin in (cold, hot))
law = compared.law
record("mixing.cold", cold, unit="K", note="coldest melt")
record("mixing.hot", hot, unit="K", note="hottest melt")
record("mixing.other_melts", len(exchange[cold]), note="assemblies melted at the other temperatures")
record("mixing.other_ps", compared.until_ps, unit="ps", note="of those melts")
record("mixing.cold_share", 100 * cold_share.value, unit="%", uncertainty=100 * cold_share.error, note="chlorine with a gallium neighbour after that time, coldest melt")
record("mixing.hot_share", 100 * hot_share.value, unit="%", uncertainty=100 * hot_share.error, note="the same, hottest melt")
record("mixing.way", 100 * compared.progress, unit="%", note="progress at which the melts are compared; all reach it")
record("mixing.cold_time", slow.value, unit="ps", uncertainty=slow.error, note="to that progress, coldest melt, mean over seeds")
record("mixing.hot_time", quick.value, unit="ps", uncertainty=quick.error, note="the same, hottest melt")
record("mixing.energy", law.energy, unit="eV", uncertainty=law.error, note="of an Arrhenius law through one over those times")
record("mixing.energy_low", law.low, unit="eV", note="lower end of its 95 % interval")
record("mixing.energy_high", law.high, unit="eV", note="upper end")
record("mixing.energy_scale", law.scale, note="chi squared per degree of freedom, at least 1")
record("mixing.room", law.at(300.0).value ** -1 / 1000, unit="ns", note="time to that progress at 300 K if the law held there")
by_temperature.table(compared, fours)

# %% [markdown]
# To compare melts that end at different places, ask when each was as far: here, when {glue:text}`mixing.way:.0f` % of the chlorine that had no gallium at the start had found one. The coldest needed {glue:text}`mixing.cold_time:.1f` ps and the hottest {glue:text}`mixing.hot_time:.1f`. One over
# that time follows an Arrhenius law with {glue:text}`mixing.energy:.2f` eV (95 %: {glue:text}`mixing.energy_low:.2f` to {glue:text}`mixing.energy_high:.2f`). That is a weak dependence, and a melt is at work: follow the line down to {glue:text}`mixing.rest_temperature:.0f` K and the same part of the way would take {glue:text}`mixing.room:.1f` ns, which no crystal, and no glass,
# would do by itself. The line says nothing where there is no melt. What a mill does instead is not in these runs.
#
# ## At rest
#
# After the quench the glass rests at {glue:text}`mixing.rest_temperature:.0f` K and zero stress. The paper did so for two nanoseconds, until nothing drifted. Ours rests
# {glue:text}`mixing.our_rest:.0f` ps. Is that enough? A slope counts as none if it is within two standard errors of zero.

# %%
record("mixing.our_rest", float(rests.picoseconds.iloc[0]), unit="ps")
tables = {s: chapter.thermo(s, "anneal", "rest") for s in seeds}
natoms = int(rests.natoms.iloc[0])
slopes = {s: look.steady(table, natoms=natoms) for s, table in tables.items()}
record("mixing.still_words", look.still_words(slopes))
record("mixing.still", bool(all(one.still for one in slopes.values())), note="slopes of density, energy and cell within two standard errors of zero, last half, every seed")
density = chapter.over_seeds([float(t["Density"][len(t) // 2:].mean()) for t in tables.values()])
ideal = salts.ideal_density(salts.composition(glass))
closed = chapter.over_seeds(melts.density_start_g_per_cm3.tolist())
record("mixing.density", density.value, unit="g/cm3", uncertainty=density.error, note="at rest, last half, mean over seeds")
record("mixing.quenched_density", look.quenched_density(), unit="g/cm3", note="a melt of the same network at 300 K and zero pressure, from chapter 5")
record("mixing.ideal_density", ideal, unit="g/cm3", note="the two crystals side by side, measured densities")
record("mixing.closed_density", closed.value, unit="g/cm3", uncertainty=closed.error, note="after the gaps were closed at 0 K")
record("mixing.closed_share", 100 * closed.value / ideal, unit="%", note="of the ideal mixture")
record("mixing.densified", bool(closed.value >= 0.95 * ideal), note="95 % of the ideal mixture of the crystals")
fig, axes = new_figure(1, 2, height=3.2)
plots.plot_rest(axes, {f"seed {s}": look.rest_table(t, natoms=natoms) for s, t in tables.items()})
show(
    fig,
    name="fig-rest",
    caption="Density and potential energy at 300 K and zero stress after the quench, each as a running mean over 2 ps.",
    alt=f"Lines for {len(seeds)} seeds. The densities end near {density.value:.2f} grams per cubic centimetre.",
)

# %%
pd.DataFrame({
    f"seed {s}": {"density (mg/cm³/ps)": f"{1000 * one.density.value:.2f} ± {1000 * one.density.error:.2f}",
                  "energy (meV/atom/ps)": f"{one.energy.value:.3f} ± {one.energy.error:.3f}",
                  "mean edge (mÅ/ps)": f"{1000 * one.lengths.value:.2f} ± {1000 * one.lengths.error:.2f}"}
    for s, one in slopes.items()
})  # fmt: skip

# %%
comparison("equilibration-no-drift", "assembly-densifies")

# %% [markdown]
# {glue:text}`mixing.still_words`
#
# The glass has a density of {glue:text}`mixing.density:.2f` g/cm³; the two crystals side by side would have {glue:text}`mixing.ideal_density:.2f`. After the relaxation
# at 0 K, before it was melted, it had {glue:text}`mixing.closed_density:.2f`, {glue:text}`mixing.closed_share:.0f` % of the crystals': a minimiser closes the gaps but not every void at the corners. The melt keeps that volume, and the rest brings the glass to its density, short of the
# {glue:text}`mixing.quenched_density:.2f` that the same network gives a melt held at zero pressure ([chapter 5](05_potential)). Some of the void may still be in it, and a porous glass is a soft one.
#
# ## Melt one now
#
# The same steps in the smallest size: eight cubes of two formula units each.

# %%
made = chapter.Live(seed=seed) if live else None
legs = made.anneal(temperature=temperature, picoseconds=picoseconds) if made else []
small_exchange = look.mean_exchange([mixing.exchange(made.frames(legs[0]))]) if made else None
fig, ax = new_figure(height=3.0, width=5.0)
if small_exchange is not None:
    plots.plot_exchange(ax, {f"{temperature:g} K, live": small_exchange}, column="chlorine")
ax.set(ylabel="chlorine with a gallium neighbour", ylim=(0, 1.05))
show(
    fig,
    name="fig-live-melt",
    caption=f"Made with this page: a melt of {legs[0].thermo.natoms} atoms at {temperature:g} K." if legs else "The live melt was switched off by the parameter live.",
    alt=(
        f"A curve over {picoseconds:g} picoseconds that ends at {small_exchange.chlorine.iloc[-1]:.2f}."
        if small_exchange is not None else "An empty plot: the live melt was switched off."
    ),
)

# %%
record("mixing.live", float(100 * small_exchange.chlorine.iloc[-1]) if small_exchange is not None else 0.0, unit="%", note="live melt, chlorine on gallium at its end")

# %% [markdown]
# In this build {glue:text}`mixing.live:.0f` % of the chlorine had found a gallium at the end. Other temperatures:
#
# `.venv/bin/repro run 06_mixing -p temperature 600 -p picoseconds 5`
#
# ## Exercises
#
# ### 1. Predict: exchange before the melt
#
# At the first frame of the melt the share of chlorine on gallium is already {glue:text}`mixing.chlorine_start:.0f` %. Is that exchange? Where do these bonds sit? Predict which share of the atoms of our cubes, and of the
# paper's, lies within one Ga–Cl bond of a face, then compute it: the edges are in the text above.
#
# :::{dropdown} Solution
# They sit at the interfaces. A cube with an edge of a nanometre has most of its atoms on or near a face, and closing the gaps presses
# chlorine of one cube against gallium of the next; the sandwich has an interface inside, too, which was held hot. In the paper's cubes, about twice as
# long, it is still more than half of the atoms; but what counts is how far the way is to the middle of a layer, and the larger assembly above shows that it is far enough for islands to last. A small box *overstates* the exchange, and of all differences
# between our runs and the paper's this may be the one that matters most.
# :::

# %% tags=["hide-cell"]
bond = mixing.CUTOFFS["Ga", "Cl"]
pd.DataFrame({
    size.name: {"edge of a cube (nm)": round(size.edge / 10, 2), "within a bond of a face (%)": round(100 * (1 - max(0.0, 1 - 2 * bond / size.edge) ** 3))}
    for size in (small, large)
})  # fmt: skip

# %% [markdown]
# ### 2. The measure that cannot tell
#
# Why is the chlorine share of gallium's bonds, relative to random mixing, of no use to decide whether the reaction of the paper has run to its end?
#
# :::{dropdown} Solution
# For 2 LiCl + GaF3 the end product is half GaCl4 shells and half GaF6 shells: 4 of 10 bonds to chlorine. Random mixing gives 2 of 5, the share of chlorine among the anions. The same
# number, two utterly different solids; one sorted, one shuffled. Look at the shells.
# :::
#
# ### 3. Break it: a longer bond
#
# The count of neighbours depends on what is called a bond. Predict which of the two shares, chlorine on gallium or gallium with four chlorines, breaks first if the Ga–Cl cut-off is made half an ångström
# shorter, and which if it is made an ångström longer. Then move it, in the glass and in the melt.
#
# :::{dropdown} Solution
# In between nothing moves: the first shell has ended and the second has not begun, and a number from such a plateau deserves trust. Too short, and the cut goes through the first peak: chlorine loses its gallium, and a shell
# of four its fourth. Too long, and the shells go first: a fifth chlorine from farther off is enough for a GaCl4 to lose its name, while nearly every chlorine had its gallium long before. In the melt, where bonds
# break and form, the plateau is narrower. A measure that jumps with its cut-off is a bad measure.
# :::

# %% tags=["hide-cell"]
pd.DataFrame([
    {
        "state": name,
        "Ga–Cl up to (Å)": cut,
        "chlorine on gallium (%)": round(100 * chapter.over_seeds([float(mixing.exchange([f], cutoffs={("Ga", "Cl"): cut}).chlorine_on_gallium[0]) for f in some]).value, 1),
        "Ga with four Cl (%)": round(100 * mixing.average(some, cutoffs={("Ga", "Cl"): cut}).tetrahedra.value, 1),
    }
    for name, some in (("glass", list(ends.values())), ("melt", [late for _, late in moments]))
    for cut in (2.3, 2.5, 2.9, 3.4, 3.8)
]).set_index(["state", "Ga–Cl up to (Å)"])  # fmt: skip

# %% [markdown]
# ### 4. Predict, then run: how lucky
#
# Predict by how many percentage points the little melt above would end elsewhere if nothing but the seed of its velocities were changed. Could you then tell a melt at half the temperature from it, with
# one run each? Write both guesses down before you run anything.
#
# :::{dropdown} Solution
# The next cell melts the little assembly again with the next seed. It holds so few chlorines that a single one is worth several points (the table says how many). Two runs may agree by luck, as dice do; no single run knows
# better than that. Much of the share was there before the melt began, too (exercise 1), so the effect of temperature is smaller than the numbers themselves suggest. An answer needs several seeds at each temperature:
#
# `.venv/bin/repro sweep 06 -p temperature 450 900 -p seed 1 2 3 --keys mixing.live --out melts.csv`
# :::

# %% tags=["hide-cell"]
other = chapter.Live(seed=seed + 1) if live else None
if other:  # from the very same assembly: the velocities of the melt are all that differs
    (other.folder / "assembly.data").write_bytes(made.assembly().read_bytes())
again = look.mean_exchange([mixing.exchange(other.frames(other.anneal(temperature=temperature, picoseconds=picoseconds)[0]))]) if other else None
both = {seed: small_exchange, seed + 1: again} if again is not None else {}
pd.DataFrame({
    f"seed {one}": {"chlorine on gallium, start (%)": round(100 * found.chlorine.iloc[0], 1), "end (%)": round(100 * found.chlorine.iloc[-1], 1),
                    "one chlorine (points)": round(100 / next(iter(made.frames(legs[0]))).get_chemical_symbols().count("Cl"), 1)}
    for one, found in both.items()
})  # fmt: skip
