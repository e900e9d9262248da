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
# # What gallium sees
#
# Diffraction is blind in a glass. X-ray absorption is not: an electron knocked out of gallium is scattered back by its neighbours, and the echo
# tells how far away they are, how many, and of which kind. The paper {cite}`gupta2023` took such spectra of its two clays and of the two crystals GaF3 and GaCl3. Its
# Figure 3a shows four curves of |χ(R)|, those of the clays between those of the crystals; its Supplementary Figure 13 shows the same curves further out, where the clays go flat.
#
# **The question.** Does such a picture prove that gallium chloride has formed? We cannot look at the paper's spectra, which are not public. But we can take a glass whose
# every bond we know, compute its spectrum, and see whether the argument finds what is there.
#
# **The answer in one sentence.** {glue:text}`exafs.answer`
#
# ```{admonition} What you will be able to do
# :class: tip
# Take a beamline file, your own if you have one, to |χ(R)|, and say what each step did to it; compute a spectrum from a snapshot with FEFF; read a share off a
# linear combination with an honest error; and know why a peak of |χ(R)| does not stand where the atom does.
# ```

# %% tags=["parameters"]
gaf3: str = ""  # Path of your own scan of GaF3; give all four files for your own figure, or none
gacl3: str = ""  # Path of your own scan of GaCl3
clay21: str = ""  # Path of your own scan of 2LiCl-GaF3
clay31: str = ""  # Path of your own scan of 3LiCl-GaF3
foil: str = ""  # Path of your own scan of a Re foil; empty: reference channels, and a public foil in the text
columns: str = ""  # What your files hold, where their headers do not say: energy=1 i0=2 it=3, or gacl3: mu=5 for one of them
deglitch: str = ""  # Bad points of your files in eV, for one file after its name and a colon; or find
calibrate: bool = True  # Move the energies of your files by the foil
s02: float = 0.9  # Amplitude reduction S02 of all simulated curves; allowed: 0.5..1.2
e0: float = 0.0  # Shift of their energy zero in eV; allowed: -10..10
resolution: float = 1.4  # Full width of the monochromator in eV; allowed: 0..10
k_max: float = 12.0  # End of the Fourier window in 1/A; allowed: 9..13
rbkg: float = 1.0  # Distance in angstrom below which the background may follow the data; allowed: 0.5..2.2
live: bool = True  # Run FEFF on one site while the page is made
live_site: int = 0  # Which site of the 2:1 clay after mixing; allowed: 0..119

# %%
import numpy as np
import pandas as pd

from repro import structures as crystals
from repro.clay import mixing_chapter
from repro.exafs import ensemble, feff, feff_files, feff_sites, neighbours, pipeline, plots, reader_files, scans, simulated, site_spectra, structures
from repro.exafs import exafs_chapter as look
from repro.exafs import exafs_tables as tables
from repro.exafs.simulated import Shell
from repro.figures import new_figure, show, show_structure
from repro.results import record
from repro.tables import comparison, rounded

settings = pipeline.Settings(k_max=k_max, rbkg=rbkg)
choices = look.Choices(s02=s02, e0=e0, resolution_ev=resolution)

# %% [markdown]
# ## From a beamline file to |χ(R)|
#
# A beamline gives two or three currents against energy. Six steps lie between them and the curve of the paper; all are done with larch {cite}`newville2013`. We take a scan whose answer we know: two made-up
# shells around a gallium, an edge, a slow background, noise, and a monochromator that is {glue:text}`exafs.demo_shift:.0f` eV wrong.
#
# 1. **Logarithm.** μ = ln(I0/It); the paper measured in transmission.
# 2. **Calibration.** A rhenium foil behind the sample has its L3 edge at a known energy. The whole scan is moved by the difference.
# 3. **Deglitching.** Single bad points are taken out, if you ask for it (parameter `deglitch`).
# 4. **Normalisation.** A line below the edge is taken off, and the step is made one, so that thickness drops out.
# 5. **Background.** AUTOBK {cite}`newville1993` draws the smooth absorption of a free atom as a spline, so stiff that it cannot follow anything beyond Rbkg. What is left is χ.
# 6. **Transform.** χ is written against the electron's wave number k, weighted with its cube, cut by a Hanning window, and Fourier transformed.

# %%
k = feff_files.GRID
known = [Shell(1.90, 3.0, 0.006), Shell(2.20, 2.0, 0.006)]
demo = scans.scan(k, simulated.chi(k, known), label="made up")
found = pipeline.process(demo.spectrum, settings=settings)
true = scans.truth(demo, settings)
record("exafs.demo_shift", demo.shift, unit="eV", note="simulated scan")
record("exafs.demo_found", found.calibration.shift, unit="eV", uncertainty=found.calibration.error, note="by its foil")
record("exafs.demo_found_error", found.calibration.error, unit="eV")
record("exafs.demo_misfit", 100 * scans.misfit(found, demo), unit="%", note="of the highest peak, root mean square over the first shell")
fig, axes = new_figure(2, 2, height=5.6)
plots.plot_steps(axes.ravel(), found, true)
show(
    fig,
    name="fig-exafs-steps",
    caption="A made-up scan, step by step: as measured, normalised, as oscillations, and as distances. Grey is the known answer.",
    alt=(
        "Four panels: an absorption edge with lines fitted before and behind it; the same with edge step one and a smooth background through it; oscillations against k with a window; and a "
        f"magnitude against R with a peak near {found.first_shell.position:.2f} angstrom. Found and true curves lie on each other in the last two."
    ),
)

# %% [markdown]
# The calibration finds {glue:text}`exafs.demo_found:.1f` ± {glue:text}`exafs.demo_found_error:.1f` eV: the foil's edge lies amid the oscillations of gallium, where the points of a scan are far apart. In the first shell the curve found and the true one differ by {glue:text}`exafs.demo_misfit:.1f` % of the highest peak: the edge energy, the step and the spline each
# leave their trace. What does each choice do? Same scan, one thing changed at a time:

# %%
demo_table = scans.variations(demo, {
    "the paper's settings": {},
    "no calibration": {"calibrate": False},
    "Rbkg 0.6 Å": {"rbkg": 0.6},
    "Rbkg 1.6 Å": {"rbkg": 1.6},
    "background weight k¹": {"background_k_weight": 1},
    "straight line behind the edge": {"post_order": 1},
    "weight k¹": {"k_weight": 1},
    "window to 9 Å⁻¹": {"k_max": 9.0},
    "Kaiser window": {"window": "kaiser"},
})  # fmt: skip
record("exafs.greedy_misfit", demo_table.loc["Rbkg 1.6 Å", "misfit (%)"], unit="%", note="with Rbkg 1.6 A")
record("exafs.greedy_peak", demo_table.loc["Rbkg 1.6 Å", "peak (Å)"], unit="A", note="highest peak with Rbkg 1.6 A")
record("exafs.true_peak", demo_table.loc["Rbkg 1.6 Å", "true peak (Å)"], unit="A")
record("exafs.demo_height", 100 * (demo_table.loc["the paper's settings", "height / true"] - 1), unit="%", note="height of the first peak, found less true")
demo_table.round({"e0 (eV)": 2, "peak (Å)": 3, "true peak (Å)": 3, "height / true": 3, "misfit (%)": 1})

# %% [markdown]
# Some choices move the truth as well, for they only say how to look at it: weight, window, range. Others spoil it. A spline that may follow everything up to the first peak eats
# that peak: what is left of it stands at {glue:text}`exafs.greedy_peak:.2f` Å instead of {glue:text}`exafs.true_peak:.2f`, and the misfit is {glue:text}`exafs.greedy_misfit:.0f` %. The paper's value is well below the peak. Calibration does nothing to |χ(R)|, since the
# edge of each scan is found anew; it matters where curves are compared as a function of energy. Even with the best settings the height is {glue:text}`exafs.demo_height:+.0f` % off: the slow
# wiggle of the free atom misleads the line drawn behind the edge, and with it the edge step. All heights of a scan share that error.
#
# ### A real foil
#
# Simulated scans are polite. So the pipeline also had to find the edge of a measured rhenium foil, taken at another beamline of the same laboratory ({cite}`xasref`). It
# found {glue:text}`exafs.foil:.2f` ± {glue:text}`exafs.foil_error:.2f` eV. Do not be too impressed: the project file says that its owner had moved the energies by
# {glue:text}`exafs.foil_moved:.1f` eV already, so that number tests how we find an edge, and not a monochromator. The scan is not part of this book, only what we made of it; give the parameter `foil` a file of your own and the number is yours.

# %%
metal = reader_files.foil(foil, columns=columns)
record("exafs.foil", metal.energy, unit="eV", uncertainty=metal.error, note=metal.words)
record("exafs.foil_error", metal.error, unit="eV")
record("exafs.foil_moved", metal.moved, unit="eV", note="shift by its owner, as the project file says")
paper = pipeline.Settings()
record("exafs.edge", paper.edge, note="default of the pipeline, and of FEFF's input")
record("exafs.rbkg", paper.rbkg, unit="A")
record("exafs.k_weight", paper.k_weight)
record("exafs.window", paper.window.capitalize(), note=f"k from {paper.k_min:g} to {paper.k_max:g} 1/A, sides {paper.dk:g} wide: our choice")
record("exafs.r_max", paper.r_max, unit="A")
comparison("exafs-mode", "exafs-edge", "exafs-foil-energy", "exafs-rbkg", "exafs-autobk", "exafs-k-weight", "exafs-window", "exafs-r-range")

# %% [markdown]
# ### Your own four files
#
# Have you measured a clay? One command makes your own Figure 3a, with peaks, shares and their errors:
#
# `.venv/bin/repro run 11_exafs -p gaf3 a.dat -p gacl3 b.dat -p clay21 c.dat -p clay31 d.dat -p foil re.dat`
#
# Each file needs this; what is missing or odd is named in the message, and nothing is drawn from it. Columns that the header does not name, units, records of a project and bad points are said by three more
# parameters, for all files or, after the name of its parameter and a colon, for one: `-p columns "energy=1 mu=3; foil: mu=2" -p deglitch "find; clay21: 10450.5" -p calibrate false`.

# %%
pd.Series(reader_files.NEEDS, name="what it must be").to_frame()

# %%
mine = reader_files.own_files(gaf3, gacl3, clay21, clay31, foil=foil, columns=columns, deglitch=deglitch, calibrate=calibrate, settings=settings)
fig, ax = new_figure(height=3.2)
if mine is not None:
    plots.plot_curves(ax, {name: ensemble.Radial(one.transformed.r, one.transformed.magnitude, np.full_like(one.transformed.r, np.nan)) for name, one in mine.processed.items()}, {})
    ax.legend()
show(
    fig,
    name="fig-exafs-own",
    caption="|χ(R)| of your own four files." if mine else "|χ(R)| of your own four files would stand here: none were given.",
    alt="Four curves of magnitude against distance, from the files of the reader." if mine else "An empty plot: no files were given.",
)

# %%
tables.own(mine) if mine else None

# %% [markdown]
# ## From a simulation to the same curve
#
# The other half begins with atoms. FEFF {cite}`rehr2000` solves the scattering of the electron in a cluster cut around one gallium, all paths with up to {glue:text}`exafs.legs` legs and half lengths up to {glue:text}`exafs.rpath:.1f` Å. It
# is run on one gallium after another, and the curves are averaged *before* the transform, for that is what a sample does.
#
# Which atoms? The crystals are held at {glue:text}`exafs.temperature:.0f` K and zero stress by our potential; the clay is the glass of [the chapter on mixing](06_mixing). "Before" is a delicate word. The
# assembly as it was pressed together knows no heat at all, and its melt is far hotter: neither can be set beside crystals at {glue:text}`exafs.temperature:.0f` K. So we took the pressed assembly, warmed it
# to {glue:text}`exafs.temperature:.0f` K for a few picoseconds at constant volume, and use that. It is not two salts far apart: closing the gaps has already made bonds across the faces.
#
# The spectra of the 2:1 clay are those of its assemblies {glue:text}`exafs.which_seeds`. Runs of assemblies {glue:text}`exafs.shipped_seeds` ship by now: one that came later is not in these spectra until FEFF has run on its sites.

# %%
names = look.shipped()
clays = [name for name in names if name in ("2-1-before", "2-1-after", "3-1-before", "3-1-after")]
means = look.means(names)
bonds = look.bonds_table(names)
seeds = look.seeds(look.spectra("2-1-after"))
record("exafs.seeds", len(seeds), note="assemblies of the 2:1 clay that its spectra are of")
record("exafs.which_seeds", look.listed(seeds), note="numbers of these assemblies, which are the seeds of their runs")
record("exafs.shipped_seeds", look.listed(structures.shipped(structures.get("2-1-after"))), note="assemblies of the 2:1 clay whose runs ship")
checks = {name: neighbours.crystal_check(name, list(look.frames(name))) for name in look.REFERENCES}
real = crystals.measured().density_g_cm3
record("exafs.temperature", structures.get("GaF3").hold.temperature, unit="K", note="of crystals and clays")
record("exafs.legs", site_spectra.SETTINGS["nleg"], note="most legs of a path")
record("exafs.rpath", site_spectra.SETTINGS["rpath"], unit="A", note="longest half path")
record("exafs.sites", sum(one.number for one in means.values()), note="FEFF runs on sites of all sets")
record("exafs.fewest", min(means[name].number for name in [*look.REFERENCES, *clays]), note="sites of a crystal or a clay")
record("exafs.cpu_hours", sum(one.number * one.seconds for one in means.values()) / 3600, note="of FEFF, on a busy machine")
record("exafs.failures", sum(structures.get(name).sites - one.number for name, one in means.items()), note="sites drawn that have no spectrum")
for name, one in checks.items():
    record(f"exafs.{name.lower()}_whole", 100 * one.whole, unit="%", note="gallium with the crystal's number of neighbours")
    record(f"exafs.{name.lower()}_density", one.density, unit="g/cm3")
    record(f"exafs.{name.lower()}_density_off", 100 * (one.density / real[name] - 1), unit="%", note="against the measured density")
    record(f"exafs.{name.lower()}_moved", one.moved, unit="A", note="root mean square from the mean place")
rows = bonds.copy()
rows.insert(0, "sites", [means[name].number for name in names])
rows.insert(1, "what", [structures.get(name).about for name in names])
rows.index = pd.Index([look.label(name) for name in names], name="set")
rounded(rows, {name: 3 if name.startswith("spread") else 2 for name in bonds.columns})

# %% [markdown]
# Both crystals stayed crystals: in GaF3 {glue:text}`exafs.gaf3_whole:.1f` % and in GaCl3 {glue:text}`exafs.gacl3_whole:.1f` % of the gallium have the neighbours that belong there. Our potential makes GaF3
# {glue:text}`exafs.gaf3_density_off:+.1f` % and GaCl3 {glue:text}`exafs.gacl3_density_off:+.1f` % denser than nature does. We keep its own cells: the clay has the same errors, and in a comparison they
# cancel, more or less. In GaCl3, whose molecules only lean on each other, atoms move {glue:text}`exafs.gacl3_moved:.2f` Å about their places, in GaF3 {glue:text}`exafs.gaf3_moved:.2f`.

# %%
molecule = next(look.frames("GaCl3"))
show_structure(
    molecule,
    name="fig-exafs-gacl3",
    caption="A snapshot of crystalline GaCl3 at 300 K: molecules of Ga2Cl6, two tetrahedra that share an edge.",
    alt=f"A periodic box of {len(molecule)} atoms: pairs of gallium atoms, each with four chlorines of which two are shared, packed side by side.",
    bonds=mixing_chapter.gallium_bonds(molecule),
)

# %% [markdown]
# ### One site, live
#
# Here is one gallium of the glass, run while this page was made, against the same one from our table, and against the mean of its set.

# %%
own = look.spectra("2-1-after")
row = own.about.iloc[live_site]
site = feff_sites.cut(look.frame_of("2-1-after", row), int(row.atom), radius=site_spectra.RADIUS)
one = feff.run_feff(feff_sites.feff_input(site, **site_spectra.SETTINGS), name=site.name) if live else None
grid = len(own.k)
record("exafs.live_seconds", one.seconds if one else 0.0, unit="s", note="one site")
record("exafs.speed_up", look.speed_up(), note="two FEFF at a time against one, on two cores")
record("exafs.live_off", float(np.abs(one.chi[:grid] - own.chi[live_site]).max()) if one else 0.0, note="largest difference of chi from the shipped one")
fig, ax = new_figure(height=3.2)
plots.plot_site(ax, own.k, one.chi[:grid] if one else np.full(grid, np.nan), own.chi[live_site], means["2-1-after"].mean)
ax.legend(fontsize=8.5)
show(
    fig,
    name="fig-exafs-live",
    caption=f"k³χ(k) of one gallium with {int(row.fluorine)} F and {int(row.chlorine)} Cl around it, as FEFF gives it now and as it is shipped, and the mean over {means['2-1-after'].number} sites.",
    alt="Three curves of oscillations against k: that of the single site swings far more than the mean; the two of the same site lie on each other." if one else "Two curves of oscillations against k: a single site swings far more than the mean. The live run was switched off.",
)

# %% [markdown]
# The site took {glue:text}`exafs.live_seconds:.0f` s, and chi differs by {glue:text}`exafs.live_off:.0e` at most from what is shipped. All {glue:text}`exafs.sites` sites took {glue:text}`exafs.cpu_hours:.1f` hours of FEFF; two at a time were {glue:text}`exafs.speed_up:.2f` times as fast as one, on two cores. `python -m repro.exafs.exafs_cli go --work WORK` does it all again.
#
# A single gallium swings far more than the mean. So how many does it take? Means over few sites scatter like means of anything:

# %%
converged = {name: ensemble.convergence(means[name]) for name in [*look.REFERENCES, *clays]}
for name, c in converged.items():
    key = name.replace("-", "")
    record(f"exafs.error_{key.lower()}", 100 * c.final, unit="%", note="error of the mean over all sites, in percent of k^3 chi from 3 to 12 1/A, from the scatter of blocks")
fig, ax = new_figure(height=3.6)
plots.plot_convergence(ax, converged, look.LABELS)
ax.legend(fontsize=8.5)
show(
    fig,
    name="fig-exafs-convergence",
    caption="Scatter of means over so many consecutive sites, in percent of the signal. Dotted: what independent sites would do.",
    alt="Falling lines on logarithmic axes, close to the dotted lines of slope minus one half. With all sites the errors are "
    + ", ".join(f"{100 * c.final:.0f} percent for {look.label(name)}" for name, c in converged.items()) + ".",
)

# %% [markdown]
# ## The figure of the paper
#
# FEFF is not a measurement. Three things stand between the two, and we fix them beforehand and alike for all curves: an amplitude S02 of {glue:text}`exafs.s02:.1f`, no shift of the energy zero, and the
# width of a Si(111) monochromator, {glue:text}`exafs.resolution:.1f` eV. Further down they are varied.

# %%
record("exafs.s02", s02)
record("exafs.resolution", resolution, unit="eV")
curves = {name: look.curve(means[name], settings=settings, choices=choices) for name in [*look.REFERENCES, *clays]}
read = {name: look.read_off(means[name], settings=settings, choices=choices) for name in names}
shown = {name: one for name, one in curves.items() if not name.endswith("before")}
fig, axes = new_figure(1, 2, height=3.8, width=9.0)
plots.plot_curves(axes[0], shown, look.LABELS, x_range=(0.5, 3.5))
plots.plot_curves(axes[1], shown, look.LABELS)
axes[0].set_title("first shell, as Figure 3a")
axes[1].set(title="to 6 Å, as Supplementary Figure 13", ylabel="")
axes[0].legend(fontsize=8.5)
show(
    fig,
    name="fig-exafs-curves",
    caption="|χ(R)| of the two crystals and the clay at rest, simulated, each the mean over its sites with a band of one standard error. Right: the same curves further out.",
    alt="Peaks of the first shell: " + ", ".join(f"{look.label(n)} at {read[n].position.value:.2f} angstrom, {read[n].height.value:.1f} high" for n in shown)
    + ". Beyond the first shell: " + ", ".join(f"{look.label(n)} up to {100 * read[n].far.value:.0f} percent of its peak" for n in shown) + ".",
)

# %%
tables.peaks({name: read[name] for name in [*look.REFERENCES, *clays]}, means)

# %% [markdown]
# "Between" is a slippery word here. A sum of two waves has a magnitude that is *not* between those of its parts wherever they are out of step. Only the share of the two in the complex wave must lie between none and all. So we ask two
# things, fixed before the curves were seen: whether the first peak lies between the others in position, and whether the fitted share does. (Taken point by point, the curve of our 2:1 clay lies between those of
# the crystals at {glue:text}`exafs.between_everywhere:.0f` % of the distances in the first shell.) The first peak of the mixed clay is broad, and its top stands at {glue:text}`exafs.peak_2_1_after:.2f` ± {glue:text}`exafs.peak_error_2_1_after:.2f` Å, between {glue:text}`exafs.peak_gaf3:.2f` and {glue:text}`exafs.peak_gacl3:.2f`, and so near to both that its error leaves the order open;
# before mixing it stands at {glue:text}`exafs.peak_2_1_before:.2f` ± {glue:text}`exafs.peak_error_2_1_before:.2f` Å, below both. In the 3:1 clay, richer in chlorine, it has gone *past* that of GaCl3: {glue:text}`exafs.peak_3_1_after:.2f` ± {glue:text}`exafs.peak_error_3_1_after:.2f` Å. That by
# itself disproves nothing: where waves are out of step, even the maximum of a plain sum may stand outside of its parts.
#
# ## Two routes to one number
#
# The paper's text describes no fit; it looks at the curves. The usual next step, and ours, is a linear combination, and what follows is a test of that step. It takes k³χ of the clay as s parts of GaCl3 and 1 − s parts of GaF3. The simulation knows s by another route: count the neighbours. With n F and m Cl around an average gallium,
# the crystals' six and four as measure, the share is (m/4) / (m/4 + n/6). The fit does not know of the count.

# %%
both, fits = tables.routes({name: means[name] for name in [*look.REFERENCES, *clays]}, settings=settings, choices=choices)
for name in clays:
    key = name.replace("-", "_")
    for route, word in ((tables.SUM, "share"), (tables.FREE, "free"), (tables.SHELLS, "shells"), (tables.COUNT, "count")):
        one = both[name][route]
        record(f"exafs.{word}_{key}", 100 * one.value, unit="%", uncertainty=None if np.isnan(one.error) else 100 * one.error, note=f"GaCl3-like: {route}")
        record(f"exafs.{word}_error_{key}", 0.0 if np.isnan(one.error) else 100 * one.error, unit="%")
    record(f"exafs.r_factor_{key}", 100 * fits[name].fit.r_factor, unit="%", note="squared residual over squared data")
    record(f"exafs.apart_{key}", abs(tables.apart(both[name], tables.SUM)), note="sum of the crystals less count, in joint errors")
shell = (curves["GaF3"].r >= settings.first_shell[0]) & (curves["GaF3"].r <= settings.first_shell[1])
for name in clays:
    record(f"exafs.peak_{name.replace('-', '_')}", read[name].position.value, unit="A", uncertainty=read[name].position.error)
    record(f"exafs.peak_error_{name.replace('-', '_')}", read[name].position.error, unit="A")
record("exafs.between_everywhere", 100 * pipeline.between(*(curves[name].magnitude[shell] for name in ("2-1-after", *look.REFERENCES))), unit="%", note="of R in the first shell")
fig, ax = new_figure(height=3.4)
plots.plot_fit(ax, fits["2-1-after"].fit)
ax.legend(fontsize=8.5, ncols=3)
show(
    fig,
    name="fig-exafs-fit",
    caption="k³χ of the 2:1 clay after mixing as a sum of the two crystals, and what that leaves.",
    alt=f"Oscillations and a fit with a share of {100 * fits['2-1-after'].value.value:.0f} percent GaCl3; the difference is {100 * fits['2-1-after'].fit.r_factor:.0f} percent of the squared signal.",
)

# %%
tables.routes_table(both, fits)

# %% [markdown]
# After mixing the fit says {glue:text}`exafs.share_2_1_after:.0f` ± {glue:text}`exafs.share_error_2_1_after:.0f` %, the count {glue:text}`exafs.count_2_1_after:.0f` ± {glue:text}`exafs.count_error_2_1_after:.0f` %: {glue:text}`exafs.verdict`
#
# Look at what the fit leaves: {glue:text}`exafs.r_factor_2_1_after:.0f` % of the squared signal. No mixture of the crystals *is* the clay. Its gallium wears both anions at once ({glue:text}`exafs.mixed_sites:.0f` % of our sites do), with other distances and other
# disorder. Above all its signal is weak where that of GaF3 is strong, and a fit whose parts must add up to one can lower the amplitude in one way only: more GaCl3. Set the sum free and the share becomes {glue:text}`exafs.free_2_1_after:.0f` ± {glue:text}`exafs.free_error_2_1_after:.0f` %.
#
# Now two controls that no experiment has. *Before* mixing the count is {glue:text}`exafs.count_2_1_before:.0f` %, all of it made where faces were pressed together; the fit says {glue:text}`exafs.share_2_1_before:.0f` ± {glue:text}`exafs.share_error_2_1_before:.0f` %. And {glue:text}`exafs.bare_sites` of those sites have
# not one chlorine within a bond length. Their mean, fitted alone, has a "GaCl3-like share" of {glue:text}`exafs.bare_share:.0f` ± {glue:text}`exafs.bare_share_error:.0f` %. So what the sum of crystals takes for chlorine is, for the most part, disorder. **A GaCl3-like share from a linear combination is no proof of chlorine on gallium.**
#
# A third route does better. It does not ask the clay to be a mixture of crystals, only to have a shell of F and a shell of Cl, each with its number, distance and spread. It finds {glue:text}`exafs.shells_2_1_before:.0f` ± {glue:text}`exafs.shells_error_2_1_before:.0f` % before and {glue:text}`exafs.shells_2_1_after:.0f` ± {glue:text}`exafs.shells_error_2_1_after:.0f` % after mixing, and {glue:text}`exafs.bare_shells:.0f` ± {glue:text}`exafs.bare_shells_error:.0f` % for the sites without chlorine. How it works comes further down.
#
# The 3:1 clay tells the same story once more, from an assembly of its own that nobody had looked at when the routes were chosen: {glue:text}`exafs.count_3_1_after:.0f` % by count, {glue:text}`exafs.share_3_1_after:.0f` ± {glue:text}`exafs.share_error_3_1_after:.0f` % as a sum of the crystals, {glue:text}`exafs.shells_3_1_after:.0f` ± {glue:text}`exafs.shells_error_3_1_after:.0f` % as two shells. It is one assembly, so no error here knows what a second would say.

# %%
final = both["2-1-after"]
away = abs(tables.apart(final, tables.SUM))
pure = own.about[(own.about.chlorine >= 1) & (own.about.fluorine >= 1)]
mixed = 100 * len(pure) / len(own.about)
certain = final[tables.SUM].value > 2 * final[tables.SUM].error
record("exafs.verdict", "within two errors, they agree." if away <= 2 else f"{away:.1f} errors apart. The fit has a bias of its own.")
record("exafs.between_2_1", tables.positions_between(read["2-1-after"], read["GaF3"], read["GaCl3"]) and fits["2-1-after"].fit.inside, note="position of the first peak, and share in 0 to 1")
record("exafs.two_surroundings", bool(certain and 1 - final[tables.SUM].value > 2 * final[tables.SUM].error), note="both shares above zero by two standard errors")
record("exafs.confirms", bool(certain), note="GaCl3-like share above zero by two standard errors")
record("exafs.mixed_sites", mixed, unit="%", note="of the sites of 2:1 after have both anions")
if "3-1-after" in clays:
    record("exafs.between_3_1", tables.positions_between(read["3-1-after"], read["GaF3"], read["GaCl3"]) and fits["3-1-after"].fit.inside, note="position of the first peak, and share in 0 to 1")
before = look.spectra("2-1-before")
without = before.only((before.about.chlorine == 0).to_numpy())
bare, _ = tables.by_fit(site_spectra.mean(without, blocks=10), means, settings=settings, choices=choices)
fooled = bare[tables.SUM].value > 2 * bare[tables.SUM].error
record("exafs.bare_sites", len(without.chi), note="sites of 2:1 before without Cl within a bond length")
record("exafs.bare_share", 100 * bare[tables.SUM].value, unit="%", uncertainty=100 * bare[tables.SUM].error, note="GaCl3-like share of these by the sum of the crystals")
record("exafs.bare_share_error", 100 * bare[tables.SUM].error, unit="%")
record("exafs.bare_shells", 100 * bare[tables.SHELLS].value, unit="%", uncertainty=100 * bare[tables.SHELLS].error, note="the same by the fit of two shells")
record("exafs.bare_shells_error", 100 * bare[tables.SHELLS].error, unit="%")
record("exafs.fooled", bool(fooled), note="the rule of the ledger's row on the abstract is met by sites without chlorine")
record("exafs.answer", (
    ("Not the picture alone: a" if fooled else "Yes, with care: a")
    + f" sum of the crystals' curves gives the mixed glass a GaCl3-like share of {100 * final[tables.SUM].value:.0f} ± {100 * final[tables.SUM].error:.0f} %, and gives {100 * bare[tables.SUM].value:.0f} ± {100 * bare[tables.SUM].error:.0f} % to gallium without a single chlorine; "
    f"a fit of one shell of F and one of Cl finds {100 * final[tables.SHELLS].value:.0f} ± {100 * final[tables.SHELLS].error:.0f} % where the neighbours say {100 * final[tables.COUNT].value:.0f} %, and even that is chlorine on gallium and not molecules, for {mixed:.0f} % of it has both anions."
))  # fmt: skip
fig, ax = new_figure(height=3.4)
plots.plot_routes(ax, {look.label(name): one for name, one in both.items()})
ax.legend(fontsize=8.5)
show(
    fig,
    name="fig-exafs-routes",
    caption="The GaCl3-like share of the clays by four routes, with one standard error.",
    alt=" ".join(f"{look.label(n)}: " + ", ".join(f"{route} {100 * e.value:.0f} percent" for route, e in one.items()) + "." for n, one in both.items()),
)

# %%
comparison("exafs-21-between", "exafs-31-between", "exafs-two-surroundings", "abstract-exafs-confirms")

# %% [markdown]
# Does the whole chain find the same share, beamline half and atomic half together? We wrapped the simulated curves in an edge, a background, noise and a wrong energy, as scans, and sent them through the measured side.

# %%
looped = {name: pipeline.process(scans.of_mean(means[name], choices=choices, label=name, seed=number).spectrum, settings=settings) for number, name in enumerate([*look.REFERENCES, "2-1-after"], start=1)}
again = pipeline.combination.combine_chi(looped["2-1-after"].transformed, looped["GaCl3"].transformed, looped["GaF3"].transformed, k_range=(settings.k_min, settings.k_max))
record("exafs.looped", 100 * again.share, unit="%", uncertainty=100 * again.error, note="share of the 2:1 clay after the whole pipeline, simulated scans")
record("exafs.looped_off", 100 * (again.share - fits["2-1-after"].fit.share), unit="%", note="less the share without the pipeline")
record("exafs.looped_height", float(max(100 * (looped[n].first_shell.height / read[n].height.value - 1) for n in looped)), unit="%", note="largest rise of a first peak by the pipeline")
record("exafs.looped_peak", float(max(abs(looped[n].first_shell.position - read[n].position.value) for n in looped)), unit="A", note="largest move of a first peak by the pipeline")
pd.DataFrame({look.label(n): {"first peak (Å)": f"{one.first_shell.position:.3f}", "before the pipeline (Å)": f"{read[n].position.value:.3f}",
                              "its height (Å⁻⁴)": f"{one.first_shell.height:.2f}", "before the pipeline (Å⁻⁴)": f"{read[n].height.value:.2f}"} for n, one in looped.items()}).T  # fmt: skip

# %% [markdown]
# The share comes out as {glue:text}`exafs.looped:.0f` %, {glue:text}`exafs.looped_off:+.1f` percentage points from what went in, and no peak moves by more than {glue:text}`exafs.looped_peak:.3f` Å. Heights come out up to {glue:text}`exafs.looped_height:.0f` % too large, all of them, for the reason given above.
#
# ## The silence beyond
#
# Far out the curve of the clay is flat: {glue:text}`exafs.far_2_1_after:.0f` % of its first peak at most, where crystalline GaF3 has {glue:text}`exafs.far_gaf3:.0f` %. The paper takes it as a sign of disorder. It is; but what kind? Each single gallium has
# plenty of neighbours out there and a strong echo of them. What differs from site to site cancels in the mean. The share of the single sites' signal that survives the averaging says how alike they are:

# %%
ranges = {"first shell, 1 to 2.4 Å": (1.0, 2.4), "beyond, 2.8 to 6 Å": (2.8, 6.0)}
kept = pd.DataFrame({look.label(name): {words: look.coherence(look.spectra(name), r_range=r, settings=settings, choices=choices) for words, r in ranges.items()} for name in [*look.REFERENCES, *clays]}).T
for name in [*look.REFERENCES, *clays]:
    key = name.lower().replace("-", "_")
    record(f"exafs.far_{key}", 100 * read[name].far.value, unit="%", uncertainty=100 * read[name].far.error, note="largest magnitude beyond 2.8 A over the first peak")
    record(f"exafs.height_{key}", read[name].height.value, unit="A^-4", uncertainty=read[name].height.error, note="of the first peak")
    record(f"exafs.kept_{key}", 100 * kept.loc[look.label(name)].iloc[0], unit="%", note="first shell: signal of single sites left in the mean")
    record(f"exafs.kept_far_{key}", 100 * kept.loc[look.label(name)].iloc[1], unit="%", note="the same beyond the first shell")
record("exafs.weak", bool(read["2-1-after"].far.value < 0.5 * read["GaF3"].far.value), note="2:1 after, below half of crystalline GaF3")
record("exafs.chance", 100 / np.sqrt(means["2-1-after"].number), unit="%", note="what sites with nothing in common would leave")
fig, ax = new_figure(height=3.4)
plots.plot_coherence(ax, kept)
show(
    fig,
    name="fig-exafs-coherence",
    caption="How much of the single sites' signal is left in their mean, in the first shell and beyond.",
    alt=" ".join(f"{name}: {100 * r.iloc[0]:.0f} percent in the first shell, {100 * r.iloc[1]:.0f} percent beyond." for name, r in kept.iterrows()),
)

# %% [markdown]
# Beyond the first shell the clay keeps {glue:text}`exafs.kept_far_2_1_after:.0f` %; sites without anything in common would keep {glue:text}`exafs.chance:.0f`. GaF3 keeps {glue:text}`exafs.kept_far_gaf3:.0f` %. But look at GaCl3: a perfect
# crystal, and {glue:text}`exafs.kept_far_gacl3:.0f` % is left. Its molecules rock at room temperature, and no echo from the next molecule survives. **Flat beyond the first shell means that distances vary, not that a solid is amorphous.** A molecular crystal
# looks like a glass here. Against GaF3 the paper's conclusion stands.
#
# Peak heights tell the same story in the first shell: {glue:text}`exafs.height_gaf3:.0f` Å⁻⁴ for GaF3, {glue:text}`exafs.height_gacl3:.1f` for GaCl3, {glue:text}`exafs.height_2_1_after:.1f` for the clay. By not being alike, the sites of the clay lose {glue:text}`exafs.lost_2_1_after:.0f` % of their signal, those of GaCl3
# {glue:text}`exafs.lost_gacl3:.0f` %, those of GaF3 {glue:text}`exafs.lost_gaf3:.0f` %. The height of a peak counts neighbours only among solids of equal disorder.

# %%
record("exafs.lost_2_1_after", 100 - 100 * kept.loc[look.label("2-1-after")].iloc[0], unit="%", note="first shell")
record("exafs.lost_gaf3", 100 - 100 * kept.loc["GaF3"].iloc[0], unit="%", note="first shell")
record("exafs.lost_gacl3", 100 - 100 * kept.loc["GaCl3"].iloc[0], unit="%", note="first shell")
comparison("exafs-weak-at-high-r")

# %% [markdown]
# ## Where the atoms really are
#
# In |χ(R)| the first peak of GaF3 stands at {glue:text}`exafs.peak_gaf3:.2f` Å and that of GaCl3 at {glue:text}`exafs.peak_gacl3:.2f`. The bonds are {glue:text}`exafs.bond_gaf3:.2f` and {glue:text}`exafs.bond_gacl3:.2f` Å long. The electron's phase turns as it leaves and as it is scattered, and a
# Fourier transform takes that turn for a shorter way. To correct it one needs the phase, and FEFF knows it: from a crystal at rest, whose distances are no secret. With its phase and amplitude as a standard, distances, numbers and spreads can be fitted.

# %%
fitted = tables.distances(means, tuple(name for name in clays if name.endswith("after")))
record("exafs.peak_gaf3", read["GaF3"].position.value, unit="A", uncertainty=read["GaF3"].position.error)
record("exafs.peak_gacl3", read["GaCl3"].position.value, unit="A", uncertainty=read["GaCl3"].position.error)
record("exafs.bond_gaf3", float(bonds.loc["GaF3", "Ga-F"]), unit="A", note="mean over the snapshots")
record("exafs.bond_gacl3", float(bonds.loc["GaCl3", "Ga-Cl"]), unit="A", note="mean over the snapshots, terminal and bridging")
short = {"GaF3": bonds.loc["GaF3", "Ga-F"] - read["GaF3"].position.value, "GaCl3": bonds.loc["GaCl3", "Ga-Cl"] - read["GaCl3"].position.value}
record("exafs.too_short", bool(min(short.values()) >= 0.2), note="first peaks of both crystals at least 0.2 A below the bond length")
record("exafs.short_gaf3", float(short["GaF3"]), unit="A")
record("exafs.short_gacl3", float(short["GaCl3"]), unit="A")
record("exafs.fit_off", float(max(abs(one.off) for one in fitted["GaF3"])), unit="A", note="fitted distance of GaF3 less that of the frames, absolute")
record("exafs.fit_off_gacl3", float(max(abs(one.off) for one in fitted["GaCl3"])), unit="A", note="the larger of the two shells of GaCl3")
record("exafs.fit_off_clay", float(max(abs(one.off) for one in fitted["2-1-after"])), unit="A", note="the same in the 2:1 clay")
for one in fitted["2-1-after"]:
    element = one.shell[-2:].strip("–").lower()
    record(f"exafs.number_{element}", one.number.value, uncertainty=one.number.error, note="neighbours in the 2:1 clay by the fit of its shells")
    record(f"exafs.number_known_{element}", one.known_number, note="the same in the frames")
tables.distances_table(fitted)

# %%
pbe = crystals.load("GaCl3-mp").to_ase_atoms()
lengths = neighbours.chlorine_lengths([pbe])
record("exafs.pbe_terminal", float(lengths["terminal"].mean()), unit="A", note="PBE crystal of the Materials Project")
record("exafs.pbe_bridging", float(lengths["bridging"].mean()), unit="A", note="PBE crystal of the Materials Project")
comparison("exafs-r-too-short")

# %% [markdown]
# The peaks are {glue:text}`exafs.short_gaf3:.2f` and {glue:text}`exafs.short_gacl3:.2f` Å short. The fit of GaF3 is off by {glue:text}`exafs.fit_off:.3f` Å, those of GaCl3 by up to {glue:text}`exafs.fit_off_gacl3:.3f`, those of the clay by up to {glue:text}`exafs.fit_off_clay:.3f`, and on the short
# side: a bond stretches further than it shrinks, and a Gaussian fit does not see the long tail. The two shells of GaCl3 are as close as this window can tell apart, so their numbers trade with their spreads. In the clay the fit finds {glue:text}`exafs.number_f:.1f` F and {glue:text}`exafs.number_cl:.1f` Cl around
# gallium; in the frames there are {glue:text}`exafs.number_known_f:.1f` and {glue:text}`exafs.number_known_cl:.1f`. That is the third route of above. (For comparison, the PBE crystal of GaCl3 of the Materials
# Project {cite}`jain2013` has terminal bonds of {glue:text}`exafs.pbe_terminal:.2f` and bridging ones of {glue:text}`exafs.pbe_bridging:.2f` Å at rest.)
#
# ## Choices
#
# What would other choices have given? All of them alike for clay and crystals, as one does with measured curves:

# %%
variants = {
    "as above": (settings, choices),
    "S02 0.8": (settings, look.Choices(0.8, e0, 0.0, resolution)),
    "S02 1.0": (settings, look.Choices(1.0, e0, 0.0, resolution)),
    "energy zero −5 eV": (settings, look.Choices(s02, e0 - 5, 0.0, resolution)),
    "energy zero +5 eV": (settings, look.Choices(s02, e0 + 5, 0.0, resolution)),
    "no monochromator": (settings, look.Choices(s02, e0, 0.0, 0.0)),
    "width 4 eV": (settings, look.Choices(s02, e0, 0.0, 4.0)),
    "extra σ² 0.003 Å²": (settings, look.Choices(s02, e0, 0.003, resolution)),
    "window to 10 Å⁻¹": (pipeline.Settings(k_max=10.0), choices),
    "weight k²": (pipeline.Settings(k_max=k_max, k_weight=2), choices),
}  # fmt: skip
spread = tables.varied(means, "2-1-after", variants)
shares = [look.share(means["2-1-after"], means["GaF3"], means["GaCl3"], settings=s, choices=c).value.value for s, c in variants.values()]
record("exafs.choice_low", 100 * min(shares), unit="%", note="least share over the choices of the table")
record("exafs.choice_high", 100 * max(shares), unit="%", note="largest share over the choices of the table")
spread

# %% [markdown]
# The share runs from {glue:text}`exafs.choice_low:.0f` to {glue:text}`exafs.choice_high:.0f` %. Amplitude, energy zero and monochromator, which clay and crystals have in common, hardly touch it. The weight of k and an extra width do: they decide how much the far end of k counts, where crystals sing
# and the clay is silent. None of them brings the fit down to the count. Peaks move with the energy zero, which is one more reason not to read a bond length off them.
#
# Is it FEFF's doing? Its older brother, `feff6l`, has other potentials and another way of summing paths, and room for fewer of them. On the same sites, with shorter paths, as they are, and after one shift of the energy zero and one factor:

# %%
older, newer = ({name: look.spectra(name, cross=code) for name in (*look.REFERENCES, "2-1-after")} for code in ("feff6l", "feff8l"))
brothers = pd.DataFrame({look.label(name): look.against(newer[name], older[name]) for name in newer}).T
record("exafs.brothers", 100 * float(brothers.after.max()), unit="%", note="feff6l against feff8l, root mean square of k^3 chi from 3 to 12 1/A, the largest of the three sets")
by_older, by_newer = (
    look.share(*(site_spectra.mean(of[name]) for name in ("2-1-after", "GaF3", "GaCl3")), settings=settings, choices=choices).value for of in (older, newer)
)
record("exafs.share_feff6", 100 * by_older.value, unit="%", uncertainty=100 * by_older.error, note="GaCl3-like share of 2:1 after by the sum of the crystals, all by feff6l")
record("exafs.share_feff6_error", 100 * by_older.error, unit="%")
record("exafs.share_feff8", 100 * by_newer.value, unit="%", uncertainty=100 * by_newer.error, note="the same sites by feff8l")
record("exafs.share_feff8_error", 100 * by_newer.error, unit="%")
record("exafs.brothers_plain", 100 * float(brothers.plain.max()), unit="%", note="the same without shift and factor")
brothers.round(3)

# %% [markdown]
# They differ by {glue:text}`exafs.brothers:.0f` % at most ({glue:text}`exafs.brothers_plain:.0f` % before the shift). And the share? With clay and crystals by `feff6l` it is {glue:text}`exafs.share_feff6:.0f` ± {glue:text}`exafs.share_feff6_error:.0f` %, with the same sites by `feff8l` {glue:text}`exafs.share_feff8:.0f` ± {glue:text}`exafs.share_feff8_error:.0f` %:
# whatever lifts it above the count, it is not the choice of program.
#
# ## As the exchange goes on
#
# The paper has one moment, the end. We have the film. In the first picoseconds of the melt, at its end, just after the quench, and after a rest:

# %%
series = [name for name in ("2-1-before", "2-1-melt-early", "2-1-melt-late", "2-1-rest-early", "2-1-after") if name in names]
film, film_fits = tables.routes({name: means[name] for name in [*look.REFERENCES, *series]}, settings=settings, choices=choices)
for name in series:
    record(f"exafs.film_{name.replace('-', '_')}", 100 * film[name][tables.SHELLS].value, unit="%", uncertainty=100 * film[name][tables.SHELLS].error, note="share by the fit of two shells")
    record(f"exafs.film_error_{name.replace('-', '_')}", 100 * film[name][tables.SHELLS].error, unit="%")
    record(f"exafs.film_count_{name.replace('-', '_')}", 100 * film[name][tables.COUNT].value, unit="%", note="share by count")
fig, axes = new_figure(1, 2, height=3.6, width=9.0)
plots.plot_curves(axes[0], {name: look.curve(means[name], settings=settings, choices=choices) for name in series}, look.LABELS, x_range=(0.5, 3.5))
plots.plot_routes(axes[1], {look.label(name).replace("2:1 ", ""): one for name, one in film.items()})
axes[0].legend(fontsize=8)
axes[1].legend(fontsize=8)
show(
    fig,
    name="fig-exafs-film",
    caption="Left: |χ(R)| of the 2:1 clay from the pressed assembly to the rested glass. Right: its GaCl3-like share by four routes. The melt is at 900 K, all else at 300 K.",
    alt=" ".join(f"{look.label(n)}: " + ", ".join(f"{route} {100 * e.value:.0f} percent" for route, e in one.items()) + "." for n, one in film.items()),
)

# %%
tables.routes_table(film, film_fits)

# %% [markdown]
# In the melt the curves are lower for a plain reason, heat, and crystals at {glue:text}`exafs.temperature:.0f` K no longer suit: the sum of the crystals calls nearly all of it GaCl3, and leaves a residual as large as the signal. The fit of two shells, whose spreads are free, follows the neighbours: {glue:text}`exafs.film_2_1_melt_early:.0f` ± {glue:text}`exafs.film_error_2_1_melt_early:.0f` % early in the
# melt, {glue:text}`exafs.film_2_1_melt_late:.0f` ± {glue:text}`exafs.film_error_2_1_melt_late:.0f` % at its end (the count goes from {glue:text}`exafs.film_count_2_1_melt_early:.0f` to {glue:text}`exafs.film_count_2_1_melt_late:.0f`), {glue:text}`exafs.film_2_1_rest_early:.0f` ± {glue:text}`exafs.film_error_2_1_rest_early:.0f` % early and {glue:text}`exafs.film_2_1_after:.0f` ± {glue:text}`exafs.film_error_2_1_after:.0f` % late in the rest. The exchange happens in the melt; while the glass rests its share does not change within the errors, though curves over so few sites still wander.
#
# ## Exercises
#
# ### 1. Predict, then look: the mixture that is not between
#
# Take equal parts of the two crystals, not as a clay but as two powders in one beam. Predict: does |χ(R)| of the mixture lie between the two everywhere in the first shell?
#
# :::{dropdown} Solution
# It does not. The next cell adds χ of both and counts at how many R the magnitude is between. Two waves that are out of step cancel. What is between at each R is not the magnitude but the complex wave, and that is what the linear combination uses.
# :::

# %% tags=["hide-cell"]
parts = [means[name] for name in look.REFERENCES]
half = pipeline.transforms.transform(*choices(parts[0].k, 0.5 * (parts[0].mean + parts[1].mean)), k_max=settings.k_max)
shell = (half.r >= settings.first_shell[0]) & (half.r <= settings.first_shell[1])
record("exafs.half_between", 100 * pipeline.between(half.magnitude[shell], curves["GaF3"].magnitude[shell], curves["GaCl3"].magnitude[shell]), unit="%", note="of R in the first shell where a mixture 1:1 lies between its parts")
f"Between at {100 * pipeline.between(half.magnitude[shell], curves['GaF3'].magnitude[shell], curves['GaCl3'].magnitude[shell]):.0f} % of the distances in the first shell."

# %% [markdown]
# ### 2. Break it and fix it: a greedy background
#
# Set Rbkg to 2 and predict what happens to the share that the linear combination finds on simulated *scans*, which have a background to be taken off. Which peak suffers most? (`-p rbkg 2` does it to the whole chapter.)
#
# :::{dropdown} Solution
# With so many knots the spline follows the first shell, which sits below 2 in |χ(R)|, and takes it for the free atom. The next cell shows the heights: all three collapse. The share that is then fitted is a ratio of leftovers; it
# need not look absurd, and that is the danger. A curve that looks right is no proof of a good background. Mend it by going back to 1, below the first peak by a margin.
# :::

# %% tags=["hide-cell"]
greedy = {name: pipeline.process(scans.of_mean(means[name], choices=choices, label=name, seed=n).spectrum, settings=pipeline.Settings(k_max=k_max, rbkg=2.0)) for n, name in enumerate([*look.REFERENCES, "2-1-after"], start=1)}
wrong = pipeline.combination.combine_chi(greedy["2-1-after"].transformed, greedy["GaCl3"].transformed, greedy["GaF3"].transformed, k_range=(settings.k_min, settings.k_max))
pd.DataFrame({look.label(n): {f"height, Rbkg {rbkg:g}": looped[n].transformed.magnitude[shell].max(), "height, Rbkg 2": greedy[n].transformed.magnitude[shell].max()} for n in looped}).T.round(2).assign(share=["", "", f"{100 * again.share:.0f} % becomes {100 * wrong.share:.0f} %"])

# %% [markdown]
# ### 3. Sites or assemblies
#
# The spectra of our 2:1 clay come from {glue:text}`exafs.seeds` assemblies. Predict by how much the fitted share differs between them, compared with the error from the sites. Then look.
#
# :::{dropdown} Solution
# The next cell fits each assembly alone. If the difference is much larger than the errors, sites within one assembly are not independent samples of "the clay", and the number of assemblies, not the number of sites, sets the error.
# :::

# %% tags=["hide-cell"]
after = look.spectra("2-1-after")
assemblies = sorted({look.assembly(frame) for frame in after.about.frame})
alone = {a: look.share(site_spectra.mean(after.only([look.assembly(f) == a for f in after.about.frame])), means["GaF3"], means["GaCl3"], settings=settings, choices=choices).value for a in assemblies}
pd.Series({a: tables.words(one, 1, factor=100) for a, one in alone.items()}, name="GaCl3-like share (%)").to_frame()
