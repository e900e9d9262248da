"""The page on the environment: versions, hashes, and the machine that built the book.

Everything here is the same from one build to the next on one machine, so that an unchanged
book stays unchanged.
"""

from __future__ import annotations

import hashlib
import html
import platform
import re
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from repro import __version__, data, notebooks, paths
from repro.errors import InputError
from repro.runner import Run
from repro.tables import html_table, tr

_LOCKED = re.compile(r"^([A-Za-z0-9_.\-]+)==([^\s;\\]+)", re.MULTILINE)
_HASH = 16  # digits shown of a sha256


def processor() -> str:
    """Return the name of the processor, or the architecture where the system does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return " ".join(found[1].split()) if found else platform.processor() or platform.machine()


def tree_digest(folder: Path) -> str:
    """Return one sha256 of the names and bytes of all Python files below a folder."""
    total = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        total.update(f"{file.relative_to(folder).as_posix()}\0{data.sha256(file)}\n".encode())
    return total.hexdigest()


def locked(text: str) -> dict[str, tuple[str, ...]]:
    """Return name -> versions of everything a lock pins; several where platforms differ.

    Raises
    ------
    InputError
        If it pins nothing.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, number in _LOCKED.findall(text):
        found[name.lower()] = tuple(dict.fromkeys((*found.get(name.lower(), ()), number)))
    if not found:
        raise InputError("requirements.lock: no line 'name==version'; make it with 'make lock'")
    return found


def installed(name: str) -> str:
    """Return the version of an installed package, or ``absent``."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return html_table(heads, [tr(*row) for row in rows]) + "\n"


def _code(text: str) -> str:
    return f"<code>{html.escape(text)}</code>"


def _short(digest: str) -> str:
    return f'<code title="{digest}">{digest[:_HASH]}</code>'


def _machine() -> str:
    lock = paths.root() / "requirements.lock"
    rows = [
        ("This book", html.escape(__version__)),
        ("Package <code>src/repro</code>, sha256", _short(tree_digest(paths.root() / "src" / "repro"))),
        ("Python", sys.version.split()[0]),
        ("System", html.escape(f"{platform.system()} {platform.release()}")),
        ("Machine", html.escape(f"{data.machine()}, {processor()}")),
    ]  # fmt: skip
    if lock.is_file():
        rows.append(("<code>requirements.lock</code>, sha256", _short(data.sha256(lock))))
    ledger = paths.data_dir() / "claims.yaml"
    if ledger.is_file():
        rows.append(("Ledger <code>claims.yaml</code>, sha256", _short(data.sha256(ledger))))
    return _table(("What", "Which"), rows)


def _chapters(runs: Sequence[Run]) -> str:
    rows = []
    for run in runs:
        record = run.record
        name = Path(record["notebook"]).stem
        rows.append((
            f'<a href="../notebooks/{name}.html">{html.escape(name)}</a>',
            _code(run.folder.name), _code(record["code_version"]), html.escape(record["finished"]),
            html.escape(record["wall_time"]), html.escape(record["machine"]),
        ))  # fmt: skip
    heads = ("Chapter", "Key of its inputs", "Code", "Finished (UTC)", "Took", "On")
    return _table(heads, rows)


def _data() -> str:
    rows = []
    for folder in data.folders():
        made = data.manifest(folder)
        here = folder.relative_to(paths.data_dir()).as_posix()
        size = sum(int(entry["bytes"]) for entry in made["files"].values())
        rows.append((
            f"{_code('data/' + here)}<br><small>{html.escape(made['title'])}</small>",
            str(len(made["files"])), f"{size / 1e6:.2f}", html.escape(made["created"]),
            _short(data.sha256(folder / data.MANIFEST)),
        ))  # fmt: skip
    return _table(("Folder", "Files", "MB", "Made", "Manifest, sha256"), rows)


def _packages() -> str:
    lock = paths.root() / "requirements.lock"
    if not lock.is_file():
        return "No `requirements.lock` here.\n"
    pinned = locked(lock.read_text(encoding="utf-8"))
    items, other, absent = [], [], 0
    for name, numbers in sorted(pinned.items()):
        here = installed(name)
        items.append(f"<li>{html.escape(name)} {html.escape(' or '.join(numbers))}"
                     f"{' (not needed here)' if here == 'absent' else ''}</li>")  # fmt: skip
        absent += here == "absent"
        if here not in (*numbers, "absent"):
            other.append(f"{name} ({here} instead of {' or '.join(numbers)})")
    said = "Every installed package has the version of the lock."
    if other:
        said = "**Installed otherwise than locked:** " + ", ".join(other) + "."
    said += f" {len(items)} are locked, {absent} of them not needed on this system."
    listed = f'<ul class="packages" style="columns: 14rem; font-size: 0.8rem">{"".join(items)}</ul>'
    return f"{said}\n\n:::{{dropdown}} All packages\n{listed}\n:::\n"


def page(runs: Sequence[Run]) -> str:
    """Return the generated part of the page as MyST.

    Parameters
    ----------
    runs:
        The finished runs the book is made of.
    """
    known = {f"notebooks/{book.name}.py" for book in notebooks.every()}
    own = [run for run in runs if run.record["notebook"] in known]
    return "\n".join([
        "## The machine and the code\n", _machine(), "## The runs behind the chapters\n", _chapters(own),
        "## The data\n", "A manifest holds the sha256 of every file of its folder, so that its own hash "
        "vouches for them all.\n", _data(), "## The packages\n", _packages(),
    ])  # fmt: skip
