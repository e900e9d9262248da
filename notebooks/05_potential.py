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
# # A potential of our own
#
# Everything the paper {cite}`gupta2023` says about softness comes out of molecular dynamics, and the dynamics come
# out of one function: the energy of a heap of Ga, F, Li and Cl ions as a function of where they are. The authors
# taught that function to a neural network with DeePMD {cite}`wang2018,zhang2018`. Their supplementary figures show the training, the errors,
# and tests on stretched crystals and amorphous salts. The network, and the DFT calculations it learned from, are not
# public.
#
# **The question.** Can a laptop grow such a network from nothing but open software? And how wrong is it, measured
# against density functional theory that it has never seen?
#
# **The answer in one sentence.** Yes, in three storeys: a universal potential answers for DFT, with forces off by
# {glue:text}`potential.teacher_dft_force:.0f` meV/Å; our network learns from it and, in this edition, is off by
# {glue:text}`potential.student_teacher_force:.0f` meV/Å on arrangements it has not seen; and end to end, against DFT,
# the error is {glue:text}`potential.student_dft_force:.0f` meV/Å, where the paper claims less than {glue:text}`potential.said_force:.0f`.
#
# ```{admonition} What you will be able to do
# :class: tip
# Judge a machine-learned potential: where its training frames lie, what its errors mean, which of them matter for a
# glass, and which time step it allows. And train one yourself, below, while the page is made.
# ```
#
# ```{admonition} What is still to come in this chapter
# :class: warning
# The network used here has learned from {glue:text}`potential.train_frames` frames, {glue:text}`potential.tuned_frames` of them from DFT and the others from the
# {glue:text}`potential.label_frames` labels; the rest of those were set aside for validation. Its errors on both are nearly the same, so a larger network, not more lessons, would be the next step.
# What waits for longer computations stands in the [scoreboard](../book/scoreboard) as *pending*. No number here is quoted from a run that did not happen.
# ```

# %% tags=["parameters"]
live: bool = True  # Train a network while the page is made
live_minutes: float = 2.0  # Minutes of that training (freezing it takes half a minute more); allowed: 1..60
live_frames: int = 150  # Labels it learns from; allowed: 20..5000
seed: int = 1  # Seed of the live training and run; allowed: 1..1000

# %%
import pandas as pd

from repro.figures import new_figure, show
from repro.ledger import published
from repro.potential import chapter, cp2k, pareto, plots, presets, trainset
from repro.results import record
from repro.tables import comparison, rounded

# %% [markdown]
# ## Lessons: what the network is shown
#
# A network knows what it was shown. The paper melted and quenched thirteen crystals and three sandwiches of LiCl and GaF3
# in DFT dynamics. We do the same with a *teacher*: SevenNet {cite}`park2024`, a universal potential trained on the
# PBE calculations of the Materials Project, plus Grimme's D2 dispersion {cite}`grimme2006` with the
# constants the paper's functional asks for. (It is the model `7net-l3i5`; the network that learns from it is the *student*.) Which thirteen crystals the paper took is not public. Ours are eight known insulating compounds of
# the four elements, Li3GaF6 in the structure of cryolite and LiGaCl4 in that of LiAlCl4, since nobody has published coordinates that we may use, and five invented ones that bring in neighbourhoods the clay will need: gallium with four fluorines,
# gallium with both anions, lithium with four chlorines.
#
# Three things go beyond the paper, each for a reason we learned the hard way. Volumes are scanned widely and the *stress* is
# part of every label: a student trained at fixed volume, on energies and forces only, later shrank or swelled when it was let
# go. And most frames come from the *student's* own runs: two students
# run the dynamics, and where they disagree the teacher is asked. That is active learning {cite}`zhang2019`.

# %%
labels = chapter.labels()
origin = labels.origin.map(plots.origin_group)
record("potential.label_frames", len(labels), note="frames labelled by the teacher")
record("potential.crystals", int(labels[labels.kind.isin(["crystal", "hypothetical"])].family
                                 .str.removesuffix("-32").nunique()), unit="phases",
       note="8 known, 5 invented")  # fmt: skip
record("potential.slabs", int(labels[labels.kind == "slab"].family.nunique()), unit="slabs")
versions = chapter.training("reference")["versions"]
record("potential.code", "DeePMD-kit" if "deepmd-kit" in versions else ", ".join(versions), note=f"record of the training; {versions}")
fell = chapter.quenched(labels)
record("potential.sampling", "melt and quench" if fell > 0.5 else "no quench", note=f"student dynamics, not AIMD; {100 * fell:.0f} % of the walks cooled by 900 K")
spread = labels[labels.origin != "perturbed"].groupby("family").volume_scale.agg(lambda v: v.max() / v.min())
record("potential.volumes_scanned", bool(spread.median() > 1.1),
       note=f"largest over smallest volume of a family, median: {spread.median():.2f}")  # fmt: skip
fig, ax = new_figure(height=4.2)
plots.plot_coverage(ax, labels)
show(
    fig,
    name="fig-labels",
    caption=(
        f"The {len(labels)} labelled frames by temperature and pressure. Each point is an "
        "arrangement of 30 to 96 atoms with its energy, forces and stress. For student runs the "
        "temperature is that at the end of their leg, up to 180 K from the frame's own."
    ),
    alt=(
        f"Scatter plot from 0 to 1200 kelvin. Pressures reach from {labels.pressure_GPa.min():.0f} to "
        f"{labels.pressure_GPa.max():.0f} gigapascal; {int((origin == 'active').sum())} points come "
        "from student runs."
    ),
)

# %%
chapter.by_family(labels)

# %%
comparison("potential-is-deepmd", "training-crystals", "training-slabs",
           "training-slab-orientation", "training-melt-quench", "aimd-npt")  # fmt: skip

# %% [markdown]
# ## The judge: DFT
#
# The teacher is not DFT, so somebody must check it. We compute frames of 16 to 40 atoms with CP2K {cite}`kuhne2020`: PBE
# {cite}`perdew1996` and D2, the paper's choice. Three frames in five are *held out*, chosen by the hash of their
# names before the first was computed. Nothing is ever trained on them or chosen by them.
#
# Two settings can spoil such a check. The density cutoff, because the 3d electrons of gallium are hard to draw on a
# grid; and the k-points, because our cells are smaller than the paper's.

# %%
cutoff, kpoints = chapter.dft("cutoff"), chapter.dft("kpoints")
coarse, used = (cutoff[cutoff.label == f"cutoff-{n}"].iloc[0] for n in (350, 800))
gamma = kpoints[kpoints.kpoints == "1x1x1"].iloc[0]
record("potential.cutoff_350", coarse.force_rms_meV_per_A, unit="meV/A", note="forces at 350 Ry")
record("potential.cutoff_800", used.force_rms_meV_per_A, unit="meV/A", note="forces at 800 Ry")
record("potential.gamma_only", gamma.force_rms_meV_per_A, unit="meV/A",
       note="forces with Gamma alone in a cell of 6 angstrom")  # fmt: skip
fig, axes = new_figure(1, 2, height=3.2)
plots.plot_convergence(axes[0], cutoff[cutoff.rel_cutoff_Ry == 40], column="cutoff_Ry",
                       words="cutoff (Ry)")  # fmt: skip
plots.plot_convergence(axes[1], kpoints, column="kpoints", words="k-points, cell of 6 Å")
show(
    fig,
    name="fig-dft-convergence",
    caption=(
        "What the settings of the DFT check are worth: differences to a cutoff of 1200 Ry (left) "
        "and to the densest k-point mesh (right), on one frame each."
    ),
    alt=(
        "Two plots with logarithmic axes. The force error falls from about 200 to 5 meV per "
        "angstrom between 350 and 800 rydberg; with the gamma point alone it is above 100."
    ),
)

# %% [markdown]
# At a cutoff that looks generous the forces are off by {glue:text}`potential.cutoff_350:.0f` meV/Å; at ours by
# {glue:text}`potential.cutoff_800:.0f`. And one k-point in a cell of this size costs {glue:text}`potential.gamma_only:.0f` meV/Å, so our
# frames get as many as make every direction twelve ångström long. The paper used one k-point in cells of ten ångström or
# more, which we could not repeat here: such cells cost hours each on two cores.

# %%
teacher_errors = chapter.table("errors_dft_teacher-7net-l3i5")
teacher = chapter.one(teacher_errors, split="held-out")
record("potential.dft_frames", int(chapter.one(teacher_errors, split="all").frames),
       note="frames with PBE-D2 labels")  # fmt: skip
record("potential.dft_held_out", int(teacher.frames), note="never trained on, never chosen by")
record("potential.teacher_dft_force", teacher.force_rmse_meV_per_A, unit="meV/A",
       uncertainty=(teacher.force_rmse_meV_per_A_high - teacher.force_rmse_meV_per_A_low) / 4,
       note="teacher against held-out DFT frames; half of a 68 % interval")  # fmt: skip
record("potential.teacher_slope", teacher.force_slope, note="teacher's forces over DFT's")
functional, dispersion = cp2k.method()
record("potential.dft_functional", functional, note="input of CP2K; GTH pseudopotentials")
record("potential.dft_dispersion", dispersion, note="input of CP2K; in the labels, too; tested against published values")
comparison("dft-functional", "dft-dispersion", "aimd-gamma-only", "aimd-cell")

# %% [markdown]
# ## Two networks
#
# The paper's network looks far and is large. Ours must run on two cores for a whole campaign, so the book uses a smaller one, which
# sees less far and computes in single precision:

# %%
ours = chapter.preset_of("reference")
chapter.networks({
    "paper": (presets.PRESETS["paper"], presets.PRESETS["paper"].steps),
    "ours": (ours, chapter.training("reference")["all_steps"]),
})  # fmt: skip

# %%
paper = presets.PRESETS["paper"]
record("potential.paper_embedding", ", ".join(map(str, paper.architecture.neuron)))
record("potential.paper_fitting", ", ".join(map(str, paper.architecture.fitting)))
record("potential.paper_cutoff", paper.architecture.rcut, unit="A")
record("potential.paper_smooth", paper.architecture.rcut_smth, unit="A")
record("potential.paper_pref_e_start", paper.pref_e[0])
record("potential.paper_pref_e_end", paper.pref_e[1])
record("potential.paper_pref_f_start", paper.pref_f[0])
record("potential.paper_pref_f_end", paper.pref_f[1])
record("potential.paper_steps", paper.steps, unit="steps", note="in the preset paper")
record("potential.paper_decay", paper.decay_steps, unit="steps")
record("potential.paper_learning_rate", paper.start_lr)
record("potential.paper_loss", chapter.loss_terms(paper), note="terms with a prefactor in the preset paper")
comparison("training-quantities", "embedding-net", "fitting-net", "cutoff", "cutoff-smooth", "loss-terms",
           "prefactor-energy-start", "prefactor-energy-end", "prefactor-force-start",
           "prefactor-force-end", "decay-steps", "learning-rate", "training-steps")  # fmt: skip

# %% [markdown]
# Why that one? Because we measured it. The next figure holds a training of five minutes on one core for each of several shapes of network: how
# far a laptop gets in a given time, against how fast the result runs. The errors are on labels that none of them learned from; the
# held-out DFT frames play no part in the choice.

# %%
scan = chapter.table("pareto")
best = pareto.front(scan, column="us_cpu")
fig, ax = new_figure(height=3.8)
plots.plot_pareto(ax, scan, chosen="reference", paper="paper", column="us_cpu")
show(
    fig,
    name="fig-pareto",
    caption=(
        f"Speed and error of {len(scan)} architectures after {scan.minutes.iloc[0]:g} minutes of training each on one "
        "core, all on the same labels. Left and low is better."
    ),
    alt=(
        f"Scatter plot. The force error goes from {scan.force_rmse_meV_per_A.min():.0f} to "
        f"{scan.force_rmse_meV_per_A.max():.0f} meV per angstrom, the time per atom and step from "
        f"{scan.us_cpu.min():.0f} to {scan.us_cpu.max():.0f} microseconds. Nothing beats {', '.join(best)}."
    ),
)

# %%
in_scan = scan.set_index("name")
record("potential.scan_size", len(scan), note="architectures in the scan")
record("potential.scan_minutes", float(scan.minutes.iloc[0]), unit="min", note="training of each")
record("potential.scan_front", ", ".join(best), note="on the Pareto front")
record("potential.scan_speedup", float(in_scan.us_cpu["paper"] / in_scan.us_cpu["reference"]),
       note="CPU time per atom and step, paper over ours, both compressed")  # fmt: skip
rounded(
    in_scan[["architecture", "steps", "us_cpu", "force_rmse_meV_per_A", "energy_rmse_meV_per_atom", "stress_rmse_GPa"]],
    {"us_cpu": 0, "force_rmse_meV_per_A": 0, "energy_rmse_meV_per_atom": 1, "stress_rmse_GPa": 2},
).rename(
    columns={"us_cpu": "µs per atom and step, CPU", "force_rmse_meV_per_A": "force (meV/Å)",
             "energy_rmse_meV_per_atom": "energy (meV/atom)", "stress_rmse_GPa": "stress (GPa)"}
)  # fmt: skip

# %% [markdown]
# Two things help. A shorter sight, since the number of neighbours grows with its cube. And one embedding network for all elements,
# which is told by a short vector whom it looks at, in place of a network for each: every pair then learns from every other. The paper's network,
# compressed, needs {glue:text}`potential.scan_speedup:.1f` times the time of ours per step (timed anew further down, on another day, it comes out somewhat different: such ratios are good to a tenth or two). Five minutes are of course too short for it: it makes few
# steps in them, and given the weeks of a GPU it would come out ahead. That is not what a laptop has.
#
# ## Learning
#
# The curve of the network that the book uses. Each point is the error on frames set aside for validation, one in
# five. Neighbours along a run and shaken copies of a frame stay on the same side of the fence; otherwise the
# network would be examined on what it had nearly seen.

# %%
curve = pd.read_csv(chapter.shipped("reference.curve.csv"))
training = chapter.training("reference")
record("potential.train_frames", training["train_frames"], note="learned from, DFT frames included")
record("potential.validation_frames", training["validation_frames"], note="set aside")
share = 100 * training["validation_frames"] / (training["train_frames"] + training["validation_frames"])
record("potential.validation_rule", 100 / trainset.ONE_IN, unit="%", note=f"one hash in {trainset.ONE_IN}; here {share:.0f} % of the frames")
record("potential.training_rule", 100 - 100 / trainset.ONE_IN, unit="%", note=f"the rest; here {100 - share:.0f} % of the frames")
record("potential.training_minutes", training["wall_time_s"] / 60, unit="min", note="one shared core")
fig, axes = new_figure(1, 2, height=3.4)
plots.plot_learning(axes[0], {"reference": curve}, column="validation_force_meV_per_A",
                    words="force error (meV/Å)")  # fmt: skip
plots.plot_learning(axes[1], {"reference": curve}, column="validation_energy_meV_per_atom",
                    words="energy error (meV/atom)")  # fmt: skip
show(
    fig,
    name="fig-learning",
    caption=(
        f"Learning curve of the reference network: {training['all_steps']} steps in "
        f"{training['wall_time_s'] / 60:.0f} minutes on one core, in {curve.leg.max()} legs. Validation errors."
    ),
    alt="Two falling curves on logarithmic axes: force error and energy error against training step.",
)

# %% [markdown]
# ## The paper's network on a laptop
#
# And how does the paper's own input fare, on our labels and this machine? It and ours were given the same
# {glue:text}`potential.equal_minutes:.0f` minutes of one core. In that time it makes {glue:text}`potential.equal_steps_paper` steps, of the
# {glue:text}`potential.paper_steps:.0f` its preset asks for; ours makes {glue:text}`potential.equal_steps_ours`.

# %%
pair = {"paper": "paper", "ours": "reference-seed3"}
given = {name: chapter.training(model) for name, model in pair.items()}
versus = {name: chapter.one(chapter.table(f"errors_dft_{model}"), split="held-out") for name, model in pair.items()}
record("potential.equal_minutes", given["paper"]["wall_time_s"] / 60, unit="min", note="of one core, each")
record("potential.equal_steps_paper", given["paper"]["all_steps"], note="preset paper")
record("potential.equal_steps_ours", given["ours"]["all_steps"], note="preset reference, seed 3")
record("potential.equal_force_paper", versus["paper"].force_rmse_meV_per_A, unit="meV/A", note="held-out DFT frames")
record("potential.equal_force_ours", versus["ours"].force_rmse_meV_per_A, unit="meV/A", note="held-out DFT frames")
record("potential.equal_ratio", float(versus["ours"].force_rmse_meV_per_A / versus["paper"].force_rmse_meV_per_A),
       note="ours over paper's after the same time; the project asked for 1.15 at most")  # fmt: skip
both = {name: pd.read_csv(chapter.shipped(f"{model}.curve.csv")) for name, model in pair.items()}
fig, ax = new_figure(height=3.4, width=6.0)
plots.plot_learning(ax, both, column="validation_force_meV_per_A", words="force error (meV/Å)")
show(
    fig,
    name="fig-equal-time",
    caption=(
        f"Learning curves of the paper's network and of ours in {given['paper']['wall_time_s'] / 60:.0f} minutes of one core, on the "
        "same labels. Validation errors."
    ),
    alt=(
        f"Two curves on logarithmic axes. The paper's has hardly begun to fall when it ends after {given['paper']['all_steps']} steps; "
        f"ours falls steadily until its end after {given['ours']['all_steps']}."
    ),
)

# %%
chapter.error_rows({f"{name}, DFT: held-out frames": row for name, row in versus.items()})

# %% [markdown]
# Against DFT that neither has seen, the error of ours is {glue:text}`potential.equal_ratio:.2f` times that of the paper's network. The paper's has hardly
# begun to learn, and its learning rate fell on the way as it would over the whole course. That says nothing against the paper's network, which was
# meant for a GPU and hundreds of times as many steps; it says what to choose when a laptop is all there is.

# %% [markdown]
# ## Three errors, and which one counts
#
# There are three players, so there are three errors: student against teacher, teacher against DFT, and student against
# DFT, which is the one that counts in the end. Intervals are from a bootstrap over frames.

# %%
errors, to_dft = chapter.table("errors_reference"), chapter.table("errors_dft_reference")
unseen, held = chapter.one(errors, split="validation"), chapter.one(to_dft, split="held-out")
record("potential.student_teacher_force", unseen.force_rmse_meV_per_A, unit="meV/A",
       uncertainty=(unseen.force_rmse_meV_per_A_high - unseen.force_rmse_meV_per_A_low) / 4,
       note="student against teacher, validation frames")  # fmt: skip
record("potential.student_teacher_energy", unseen.energy_rmse_meV_per_atom, unit="meV/atom",
       uncertainty=(unseen.energy_rmse_meV_per_atom_high - unseen.energy_rmse_meV_per_atom_low) / 4,
       note="student against teacher, validation frames")  # fmt: skip
record("potential.said_force", float(published("training-force-rmse")), unit="meV/A", note="the paper's upper bound")
record("potential.student_dft_force", held.force_rmse_meV_per_A, unit="meV/A",
       uncertainty=(held.force_rmse_meV_per_A_high - held.force_rmse_meV_per_A_low) / 4,
       note="student against held-out DFT frames")  # fmt: skip
record("potential.unseen_agrees", bool(held.force_rmse_meV_per_A <= 1.5 * unseen.force_rmse_meV_per_A),
       note="DFT frames at most 1.5 times the error on validation frames")  # fmt: skip
chapter.error_rows(
    {
        "student, teacher: training side": chapter.one(errors, split="train"),
        "student, teacher: validation side": unseen,
        "teacher, DFT: held-out frames": teacher,
        "student, DFT: held-out frames": held,
    }
)

# %% [markdown]
# ## A last lesson from DFT itself
#
# A student inherits its teacher's mistakes. But we own a few frames of DFT that are not held out, and a network can be given a short further
# course on them: a fifth of every batch from DFT, the rest labels of the teacher so that it does not forget them, and a small learning rate.
# That is called fine-tuning. It was decided beforehand that the result is kept only if the error on held-out frames falls.

# %%
before = {"teacher": chapter.one(chapter.table("errors_reference-leg3"), split="validation"),
          "DFT": chapter.one(chapter.table("errors_dft_reference-leg3"), split="held-out")}  # fmt: skip
dft_lessons = int(training["train_frames"] - chapter.one(errors, split="train").frames)
record("potential.tuned_frames", dft_lessons, note="DFT frames in the fine-tuning")
record("potential.tuned_steps", training["steps"], note="steps of the fine-tuning")
record("potential.tuned_minutes", sum(part["wall_time_s"] for part in training["sessions"]) / 60, unit="min",
       note="of the fine-tuning, one core")  # fmt: skip
record("potential.untuned_dft_force", before["DFT"].force_rmse_meV_per_A, unit="meV/A",
       uncertainty=(before["DFT"].force_rmse_meV_per_A_high - before["DFT"].force_rmse_meV_per_A_low) / 4,
       note="student against held-out DFT frames, before the fine-tuning")  # fmt: skip
chapter.error_rows({
    "teacher, validation: before": before["teacher"], "teacher, validation: after": unseen,
    "DFT, held-out frames: before": before["DFT"], "DFT, held-out frames: after": held,
})  # fmt: skip

# %% [markdown]
# With {glue:text}`potential.tuned_frames` frames and {glue:text}`potential.tuned_minutes:.0f` minutes the error on held-out DFT goes from
# {glue:text}`potential.untuned_dft_force:.0f` to {glue:text}`potential.student_dft_force:.0f` meV/Å, so it was kept. The intervals overlap because they count
# how much the frames differ among each other; but it is the same frames before and after. Against the teacher the energies became a little worse, as they should: the two disagree.
# No frame that is held out took part, though the decision to keep was taken by them, once.

# %% [markdown]
# ### Family by family

# %%
families = errors[(errors.by == "family") & (errors.split == "all")]
fig, axes = new_figure(1, 2, height=5.2)
plots.plot_errors_by_family(axes[0], families, column="force_rmse_meV_per_A",
                            words="force error (meV/Å)")  # fmt: skip
parity = chapter.table("parity_reference")
forces = parity[parity.quantity == "force"]
plots.plot_parity(axes[1], {k: (g.reference, g.predicted) for k, g in forces.groupby("kind")},
                  words="force component (eV/Å)")  # fmt: skip
show(
    fig,
    name="fig-errors",
    caption=(
        "Student against teacher. Left: force error of each family of structures with 95 % interval. "
        "Right: force components, predicted against labelled."
    ),
    alt=(
        f"Left: dots with error bars from {families.force_rmse_meV_per_A.min():.0f} to "
        f"{families.force_rmse_meV_per_A.max():.0f} meV per angstrom, worst for "
        f"{families.sort_values('force_rmse_meV_per_A').group.iloc[-1]}. Right: points along the diagonal."
    ),
)

# %%
comparison("training-energy-rmse", "training-force-rmse", "test-unseen-configurations",
           "share-training", "share-validation")  # fmt: skip

# %% [markdown]
# Does such an error matter? Compare it with what it is an error *of*: the forces in these frames have a root mean square of
# {glue:text}`potential.force_size:.0f` meV/Å, because nearly all were heated, strained or shaken on purpose. The paper's
# bound is for frames drawn from the same smooth trajectories as the training set. The exercises below take that apart.

# %%
record("potential.force_size", unseen.force_rms_reference_meV_per_A, unit="meV/A",
       note="root mean square of the teacher's forces on validation frames")  # fmt: skip
kinds = errors[(errors.by == "origin") & (errors.split == "validation")]
chapter.error_rows({row.group: row for _, row in kinds.iterrows()})

# %% [markdown]
# ## Squeezing crystals
#
# A softer test than forces is an equation of state: squeeze and stretch a crystal, let its atoms and the shape of its cell relax, and
# fit energy against volume with the form of Birch {cite}`birch1947`. The minimum is the volume at rest, the curvature the bulk modulus.

# %%
student_eos, teacher_eos = chapter.table("eos_reference"), chapter.table("eos_teacher")
moduli = chapter.compare_moduli(student_eos, teacher_eos)
worst = moduli.iloc[moduli["student/teacher"].sub(1).abs().argmax()]
record("potential.moduli_phases", len(moduli), note="phases with both equations of state")
record("potential.moduli_within", int(moduli.good.sum()), note="within 15 % or 3 GPa of the teacher")
record("potential.moduli_agree", bool(moduli.good.all()), note="every phase within 15 % or 3 GPa of the teacher")
record("potential.volume_misfit", float(100 * moduli["volume misfit (%)"].abs().max() / 100), unit="%",
       note="largest difference in volume at rest, student against teacher")  # fmt: skip
for name, phase in (("gacl3", "GaCl3"), ("ligacl4", "LiGaCl4"), ("gaf3", "GaF3-alpha")):
    for whose in ("student", "teacher"):
        record(f"potential.{name}_{whose}", float(moduli.loc[phase, f"{whose} (GPa)"]), unit="GPa", note=f"bulk modulus of {phase}")
record("potential.licl_bulk_teacher", float(moduli.loc["LiCl", "teacher (GPa)"]), unit="GPa")
points = {"teacher": chapter.table("eos_points_teacher"), "student": chapter.table("eos_points_reference")}
shown = [p for p in ("LiCl", "LiF", "GaF3-alpha", "GaCl3", "LiGaCl4", "Li3GaF6") if p in moduli.index]
fig, axes = new_figure(2, 3, height=4.6)
plots.plot_eos(axes.flat, points, shown)
axes[0, 0].legend(fontsize=8)
axes[0, 0].set_ylabel("energy (meV/atom)")
axes.flat[len(shown) - 1].set_xlabel("volume (Å³/atom)")
show(
    fig,
    name="fig-eos",
    caption=(
        f"Energy against volume of {len(shown)} crystals: the student beside the teacher it learned from."
    ),
    alt=(
        "Parabola-like curves, one panel per crystal. Student and teacher share the minimum within "
        f"{moduli['volume misfit (%)'].abs().max():.0f} percent of volume and differ in curvature."
    ),
)

# %%
moduli.drop(columns="good").round(2)

# %%
comparison("test-bulk-moduli")

# %% [markdown]
# {glue:text}`potential.moduli_within` of {glue:text}`potential.moduli_phases` phases agree, and the misses are not where one would like them. The student makes GaCl3 too stiff, {glue:text}`potential.gacl3_student:.0f` GPa for the teacher's {glue:text}`potential.gacl3_teacher:.0f`, and stiffer than LiGaCl4 ({glue:text}`potential.ligacl4_student:.0f`), which the
# teacher has the other way round ({glue:text}`potential.ligacl4_teacher:.0f`). Remember that whenever a later chapter calls something soft. The teacher errs as well: its GaF3 has {glue:text}`potential.gaf3_teacher:.0f` GPa, about twice what [was measured](02_molecular_or_rigid).
#
# Look at LiCl. The teacher makes it half as stiff again as the Materials Project, which has no dispersion, and LiF softer. How
# much of that is the dispersion and how much the teacher's own error we have not taken apart yet; remember it when a density or a
# modulus of the clay comes out high. The student can only be judged against the teacher here.
#
# ## Pulling them apart
#
# The opposite of squeezing: stretch a crystal along z, one percent at a time up to twelve, let its sides and its atoms relax after each, and
# read the tension. The paper did this with DFT dynamics; here it is static and the teacher stands in for DFT.

# %%
pulled = {"teacher": chapter.table("tensile_teacher"), "student": chapter.table("tensile_reference")}
slopes = chapter.compare_slopes(chapter.table("tensile_slopes_reference"), chapter.table("tensile_slopes_teacher"))
record("potential.tension_agrees", bool(slopes.good.all()), note="initial slopes within 15 % of the teacher")
record("potential.tension_worst", float(100 * (slopes["student (GPa)"] / slopes["teacher (GPa)"] - 1).abs().max()),
       unit="%", note="largest difference of the initial slopes")  # fmt: skip
fig, axes = new_figure(1, 2, height=3.3)
plots.plot_tensile(axes.flat, pulled, list(slopes.index))
axes[0].set_ylabel("stress along z (GPa)")
axes[0].legend(fontsize=8.5)
show(
    fig,
    name="fig-tensile",
    caption=f"Static tension of {' and '.join(slopes.index)} along z, sides relaxed: the student beside its teacher.",
    alt=(
        "Two panels with rising curves of stress against strain up to 12 percent; the initial slopes of student "
        f"and teacher differ by {100 * (slopes['student (GPa)'] / slopes['teacher (GPa)'] - 1).abs().max():.0f} percent at most."
    ),
)

# %%
slopes.drop(columns="good").round(1)

# %%
comparison("test-tensile-response")

# %% [markdown]
# ## A melt, seen by both
#
# The clay is amorphous, so crystals are not enough. Student and teacher each run the same melt from the same start, at
# {glue:text}`potential.rdf_temperature:.0f` K for {glue:text}`potential.rdf_length:.1f` ps, and we compare how far neighbours sit from
# each other. The cells are small and the runs short, because the teacher is slow; the bands are standard errors from blocks of a run, and they do not
# know that both runs still remember their common start.

# %%
curves = chapter.table("rdf_reference")
peaks = chapter.table("rdf_peaks_reference")
compared = chapter.compare_peaks(peaks)
record("potential.rdf_temperature", float(peaks.temperature_K.iloc[0]), unit="K")
record("potential.rdf_length", float(peaks.time_ps.iloc[0]), unit="ps", note="compared part and what was left out before it")
record("potential.rdf_agree", bool(compared.good.all()),
       note="first peaks of neighbours within 0.03 angstrom and 10 % in height")  # fmt: skip
record("potential.rdf_good", f"{int(compared.good.sum())} of {len(compared)}", note="peaks that agree")
record("potential.rdf_shift", float(compared["difference (Å)"].abs().max()), unit="A", note="largest shift of a first peak")
shown = list(dict.fromkeys(compared.index.get_level_values("family")))[0]
pairs = list(compared.loc[shown].index)
fig, axes = new_figure(2, 2, height=4.8)
plots.plot_rdf(axes.flat, curves, pairs, family=shown)
axes[0, 0].set_ylabel("g(r)")
axes[1, 0].set_ylabel("g(r)")
axes[1, 0].set_xlabel("distance (Å)")
axes[1, 1].set_xlabel("distance (Å)")
axes[0, 0].legend(fontsize=8.5)
show(
    fig,
    name="fig-rdf",
    caption=(
        f"Pair distributions of the melt {shown} by student and teacher, runs of {peaks.time_ps.iloc[0]:.1f} ps at "
        f"{peaks.temperature_K.iloc[0]:.0f} K. Bands: standard errors from blocks."
    ),
    alt=(
        "Four panels, each with a high first peak and a flat rest. First peaks of student and teacher differ by "
        f"{compared['difference (Å)'].abs().max():.2f} angstrom at most."
    ),
)

# %%
compared.drop(columns="good").round(3)

# %% [markdown]
# {glue:text}`potential.rdf_good` first peaks of neighbours lie within limits of place and height that were set before we looked; the ledger has them. What misses does so by less than
# its own error. So the verdict below is a strict one, and what would change it is a longer run, in a larger cell, of a teacher that needs seconds for a step.

# %%
comparison("test-amorphous")

# %% [markdown]
# ## How long may a step be?
#
# Switch the thermostat off and the total energy must not change. What it does change tells how long a time step may be. Li and F are light; at
# three times the paper's temperature of interest they are fast.

# %%
drift = chapter.table("drift")
fig, ax = new_figure(height=3.4, width=6.0)
plots.plot_drift(ax, drift)
show(
    fig,
    name="fig-drift",
    caption=(
        f"Energy drift without a thermostat, {drift.natoms.iloc[0]} atoms of melt over "
        f"{drift.length_ps.max():.0f} ps, by time step."
    ),
    alt="Two lines of points with error bars against time steps of half, one and two femtoseconds.",
)

# %%
longest = drift[drift.timestep_fs == 2].drift_meV_per_atom_ns.abs().max()
record("potential.drift_2fs", float(longest), unit="meV/atom/ns", note="largest of the temperatures, 2 fs")
drift.drop(columns="source").rename(columns={
    "target_K": "target (K)", "timestep_fs": "step (fs)", "temperature_K": "temperature (K)",
    "length_ps": "length (ps)", "natoms": "atoms", "drift_meV_per_atom_ns": "drift (meV/atom/ns)",
    "drift_error_meV_per_atom_ns": "error", "fluctuation_meV_per_atom": "fluctuation (meV/atom)",
}).set_index("model")  # fmt: skip

# %% [markdown]
# At 2 fs the largest drift is {glue:text}`potential.drift_2fs:.1f` meV/atom per nanosecond, oddly in the cool run; the error bars say how well a few picoseconds can tell. Our runs last
# a tenth of a nanosecond or so, and a thermostat carries off what little that makes. So the campaign takes 2 fs.

# %% [markdown]
# ## Does it hold?
#
# Small errors do not promise a long life: a network may meet an arrangement it never saw, answer nonsense and blow up. So the network
# was let run for {glue:text}`potential.stable_cold_ps:.0f` ps at room temperature and {glue:text}`potential.stable_hot_ps:.0f` ps at
# {glue:text}`potential.stable_hot_target:.0f` K, at zero pressure, with {glue:text}`potential.stable_atoms` atoms of melt and a step of
# {glue:text}`potential.stable_step:.0f` fs. LAMMPS stops when an atom is lost. None was.

# %%
lasting = chapter.table("stability")
cold, hot = (lasting.loc[f()] for f in (lasting.target_K.idxmin, lasting.target_K.idxmax))
record("potential.stable", bool(not lasting.runaway.any() and not lasting.atoms_lost.any()),
       note="no atom lost, temperature never above 1.5 times its target")  # fmt: skip
record("potential.stable_atoms", int(lasting.natoms.iloc[0]), note="atoms in those runs")
record("potential.stable_step", float(lasting.timestep_fs.iloc[0]), unit="fs")
record("potential.stable_cold_ps", float(cold.length_ps), unit="ps")
record("potential.stable_hot_ps", float(hot.length_ps), unit="ps")
record("potential.stable_hot_target", float(hot.target_K), unit="K")
record("potential.stable_hot_highest", float(hot.highest_temperature_K), unit="K", note="highest moment of the hot run")
record("potential.stable_density", float(cold.density_g_per_cm3), unit="g/cm3",
       uncertainty=float(cold.density_error_g_per_cm3), note="second half of the cold run")  # fmt: skip
series = {f"{t:g} K": chapter.table(f"stability_reference_{t:g}K") for t in lasting.target_K}
fig, axes = new_figure(1, 2, height=3.3)
plots.plot_runs(axes, series)
show(
    fig,
    name="fig-stability",
    caption=(
        f"{lasting.natoms.iloc[0]} atoms of the 2:1 melt at zero pressure: temperature and density, "
        f"{cold.length_ps:.0f} ps at {cold.target_K:.0f} K and {hot.length_ps:.0f} ps at {hot.target_K:.0f} K."
    ),
    alt=(
        f"Temperatures fluctuate about {cold.target_K:.0f} and {hot.target_K:.0f} kelvin and never exceed "
        f"{hot.highest_temperature_K:.0f}; the densities settle near {cold.density_g_per_cm3:.2f} and {hot.density_g_per_cm3:.2f} grams per cubic centimetre."
    ),
)

# %%
lasting.drop(columns=["model", "source"]).rename(columns={
    "target_K": "target (K)", "length_ps": "length (ps)", "timestep_fs": "step (fs)", "natoms": "atoms",
    "atoms_lost": "atoms lost", "temperature_K": "temperature (K)", "temperature_error_K": "± (K)",
    "highest_temperature_K": "highest (K)", "density_g_per_cm3": "density (g/cm³)",
    "density_error_g_per_cm3": "± (g/cm³)", "energy_change_meV_per_atom": "energy change (meV/atom)",
}).set_index("target (K)").round(3)  # fmt: skip

# %% [markdown]
# ## Where the networks do not know
#
# How would you notice, in a run of a million steps, that the network has left what it was taught? Train several from different random numbers. Where they were
# taught they agree; where they were not, each invents something else. Here {glue:text}`potential.committee` of them watch one heating run, which the best trained of them
# drives; the others had less time ({glue:text}`potential.committee_least:.0f` to {glue:text}`potential.committee_most:.0f` minutes), so the band is more pessimistic than four equals would be.

# %%
heating = chapter.table("deviation")
low, high = heating[heating.temperature_K < 450], heating[heating.temperature_K > 1050]
record("potential.committee", len(chapter.committee()), note="networks of different seeds")
minutes = [chapter.training(name)["wall_time_s"] / 60 for name in chapter.committee()[1:]]
record("potential.committee_least", float(min(minutes)), unit="min", note="of the networks that do not drive")
record("potential.committee_most", float(max(minutes)), unit="min", note="of the networks that do not drive")
record("potential.deviation_cold", float(1000 * low.avg_devi_f_eV_per_A.mean()), unit="meV/A",
       note="mean over atoms, below 450 K")  # fmt: skip
record("potential.deviation_hot", float(1000 * high.avg_devi_f_eV_per_A.mean()), unit="meV/A",
       note="mean over atoms, above 1050 K")  # fmt: skip
record("potential.deviation_worst", float(1000 * heating.max_devi_f_eV_per_A.max()), unit="meV/A", note="worst atom of all")
fig, ax = new_figure(height=3.4, width=6.0)
plots.plot_deviation(ax, heating)
show(
    fig,
    name="fig-deviation",
    caption=(
        f"Disagreement of {len(chapter.committee())} networks on the forces, along a run of {heating.time_ps.max() - heating.time_ps.min():.0f} ps "
        "in which a 2:1 melt is heated at zero pressure."
    ),
    alt=(
        f"Two rising curves: the mean over atoms goes from {1000 * low.avg_devi_f_eV_per_A.mean():.0f} to "
        f"{1000 * high.avg_devi_f_eV_per_A.mean():.0f} meV per angstrom between 300 and 1200 kelvin, the worst atom stays several times above it."
    ),
)

# %% [markdown]
# On average the disagreement is {glue:text}`potential.deviation_cold:.0f` meV/Å in the cold and {glue:text}`potential.deviation_hot:.0f` in the heat. That is less than
# the errors above, and a warning: networks of one shape, taught the same lessons, share some of their mistakes, and a committee cannot see those. The active loop asks the teacher where the worst atom
# stands out.

# %% [markdown]
# ## What a step costs
#
# All of them on one machine in one go: the teacher, another universal potential (CHGNet), the paper's network as it comes out of training and compressed, and ours.

# %%
clock = chapter.table("speed")
timed = clock.set_index(["model", "ranks"])
record("potential.speed_paper", float(timed.us_cpu["paper, compressed", 2] / timed.us_cpu["reference", 2]),
       note="CPU time per atom and step, paper compressed over ours, 2 ranks; we had set ourselves 8")  # fmt: skip
record("potential.speed_teacher", float(timed.us_cpu["teacher", 1] / timed.us_cpu["reference", 1]),
       note="CPU time per atom and step, teacher over ours, one core")  # fmt: skip
record("potential.speed_paper_wall", float(timed.us_per_atom_step["paper, compressed", 2] / timed.us_per_atom_step["reference", 2]),
       note="the same by the clock")  # fmt: skip
record("potential.speed_ours", float(timed.us_cpu["reference", 2]), unit="us/atom/step")
clock.drop(columns=["source", "load"]).rename(columns={
    "natoms": "atoms", "us_per_atom_step": "µs per atom and step", "cpu_percent": "CPU (%)", "us_cpu": "same, CPU time",
}).set_index("model").round(1)  # fmt: skip

# %% [markdown]
# The teacher takes {glue:text}`potential.speed_teacher:.0f` times as long as its student for the same atoms, which is why there is a student. The paper's network, compressed, takes
# {glue:text}`potential.speed_paper:.1f` times as long in CPU time, and {glue:text}`potential.speed_paper_wall:.1f` times by the clock: on two ranks a small network waits more often for its neighbour.
# We had set ourselves eight; [the evidence](../book/evidence) has the rest of such aims.

# %% [markdown]
# ## Train one now
#
# Nothing above was computed while this page was made; it would take hours. This is: a small network learns from a few of the labels for
# `live_minutes` minutes (on a machine so busy that starting takes all of them, for a few steps nevertheless), is frozen, compressed, and drives a picosecond of LAMMPS {cite}`thompson2022`. Its curve should fall, unless the machine is
# so busy that the minutes go before the steps do; how good it gets depends on that and on your patience.

# %%
made = chapter.live(minutes=live_minutes, seed=seed, frames=live_frames) if live else None
trace = chapter.live_curve(made)
fig, axes = new_figure(1, 2, height=3.2)
plots.plot_live(axes, made)
show(
    fig,
    name="fig-live",
    caption=(
        f"Trained while the page was made: {trace['steps']} steps on {trace['frames']} frames, then a picosecond "
        "of dynamics at 300 K with a time step of 1 fs."
        if made
        else "The live training was switched off by the parameter live."
    ),
    alt=(
        f"Left: force error, {trace['first']:.0f} meV per angstrom at first and {trace['last']:.0f} at last. "
        "Right: temperature and energy over one picosecond."
        if made
        else "Two empty panels with a note that the live training was switched off."
    ),
)

# %%
record("potential.live_steps", trace["steps"], note="depends on the machine")
record("potential.live_first", trace["first"], unit="meV/A", note="force error, first tenth of the steps")
record("potential.live_last", trace["last"], unit="meV/A", note="force error, last tenth of the steps")

# %% [markdown]
# In this build the live network made {glue:text}`potential.live_steps` steps, and its force error went from
# {glue:text}`potential.live_first:.0f` to {glue:text}`potential.live_last:.0f` meV/Å. (Less than a thousand steps teach it next to nothing.) The same thing with your choice of time and data, and how to
# grow the labels, train the real one and check it, is in `data/potential/README.md`; for instance
#
# `.venv/bin/repro run 05_potential -p live_minutes 10 -p live_frames 800`
#
# ## Exercises
#
# ### 1. Predict, then look: shaken frames
#
# Predict first: which origin of frames has the largest force error, runs or shaken copies? Is it then wrong to train on them? The table above,
# by origin, has the answer to the first part.
#
# :::{dropdown} Solution
# The shaken copies, by a hair, and the student's own runs are not far behind. But the forces on shaken frames are more than twice as large, so that *relative* to them these frames are the easiest, as the next cell shows: an error
# grows far more slowly than the force it is an error of. They are worth their price: a run at high temperature visits stretched bonds, and where a network was never shown the wall it invents a hole. What is wrong is to
# quote one error for all and compare it with an error on gentler frames. Which of the two columns flatters?
# :::

# %% tags=["hide-cell"]
relative = pd.DataFrame({
    "force error (meV/Å)": kinds.force_rmse_meV_per_A.to_numpy(),
    "size of forces (meV/Å)": kinds.force_rms_reference_meV_per_A.to_numpy(),
}, index=kinds.group.to_numpy())  # fmt: skip
relative["relative error (%)"] = 100 * relative.iloc[:, 0] / relative.iloc[:, 1]
relative.round(1)

# %% [markdown]
# ### 2. The exam that flatters
#
# Suppose we had split the frames into training and validation one by one, at random, instead of by visit. Would the validation error go up or
# down, and would the network be better for it?
#
# :::{dropdown} Solution
# Down, and no. A shaken copy differs from its parent by a tenth of an ångström per atom; a network that has seen the parent has nearly seen the
# copy. The examination becomes easier, the pupil stays the same. With data taken every few steps from one trajectory, as in the
# paper, the effect is stronger still: consecutive frames of dynamics are almost the same arrangement. A network can quote a splendid error on
# frames of its own trajectories and still fail on the next melt.
# :::
#
# ### 3. Break it: forget the stress
#
# Train the small network (preset `class`) twice for the same number of steps, once as it is and once with `--pref-v 0 0` (no virial in the loss). Predict which quantity of a simulation
# at zero pressure goes wrong first, then compare the virial column of the two learning curves:
#
# `.venv/bin/python -m repro.potential.training run --preset class --work W1 --steps 1000`
#
# `.venv/bin/python -m repro.potential.training run --preset class --work W2 --steps 1000 --pref-v 0 0`
#
# :::{dropdown} Solution
# The second curve has no virial column at all: what is not in the loss is not even watched. Evaluate both with
# `repro.potential.evaluate_cli` and look at the *mean pressure difference*. A network without stress in the loss gets pressures
# wrong by a gigapascal or more while its forces look fine, and in a run at zero pressure it will choose another density. Forces
# say how the energy changes when atoms move *inside* the cell; only the stress, or energies at many volumes, say what happens when the cell moves.
# :::
#
# ### 4. The table that forgot
#
# A trained network is *compressed* before it runs: its embedding is replaced by tables, which makes it several times faster and should change
# nothing. While this chapter was made, a network came out of compression with four times the error it had gone in with, and no program said
# a word. How would you notice? And how would you find the cause?
#
# :::{dropdown} Solution
# Run both forms on the same frames and compare: they must agree to far less than their error. Here they differed by electronvolts, for every frame. That rules out
# bad luck and points at a missing piece. Ours was a shortcut around a layer, which DeePMD-kit adds when a layer is as wide as its input or twice as wide. The
# compression of its release 3.2 forgets that shortcut in the network that reads the elements. Two lengths in the input had met by chance, 8 + 8 and 16. Our presets now
# avoid the meeting, and `repro.potential.compression` refuses any compressed model that differs from its plain form. A test trains both kinds, so we shall know
# when it is mended.
# :::
#
# ### 5. Where the wall begins
#
# The runs add a repulsion at very short range (ZBL), for the rare collision that the network was never shown. Predict: should it begin above or below the closest approach
# of two elements in the labels, and what would go wrong on the other side? Then see where it is for lithium and fluorine.
#
# :::{dropdown} Solution
# Below. Above it, a repulsion that the labels hold already would be counted twice, once in the network and once on top, and every pair at that distance would be pushed too far apart. Far
# below, there would be a gap in which neither labels nor wall say anything, and a network can invent a hole there into which two atoms fall. The next cell reads both distances.
# :::

# %% tags=["hide-cell"]
chapter.guard_table()
