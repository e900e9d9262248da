"""Broken on purpose: data, parameters, notebooks, the book, and its cache."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

from benchmarks.broken import CHAPTER, Copy, Said, children, wait_for
from benchmarks.trials import tiny_disk, trial


def _kept(copy: Copy, before: bytes) -> str:
    """Say what is wrong if the last good book is not as it was."""
    if not before:
        return "there was no good book to keep"
    return "" if copy.page() == before else "the last good book was touched"


def _book(copy: Copy) -> tuple[Said, str]:
    """Build the small book, and look whether the last good one stayed."""
    before = copy.page()
    said = copy.repro("book")
    return said, _kept(copy, before)


# Data and parameters


@trial("nothing (control)", "all files agree", place="whole", status=0,
       says=r"files agree with their manifests")  # fmt: skip
def _(copy: Copy) -> Said:
    return copy.repro("verify")


@trial("one bit of a shipped table", "the file is named, with both hashes", place="whole",
       says=r"thermo/mp_legacy\.csv: altered; expected sha256 \w{64}.*found \w{64}")  # fmt: skip
def _(copy: Copy) -> Said:
    copy.flip("data/thermo/mp_legacy.csv")
    return copy.repro("verify")


@trial("the same bit; a chapter that needs the table", "the chapter computes nothing from it",
       place="whole", says=r"mp_legacy\.csv: altered")  # fmt: skip
def _(copy: Copy) -> Said:
    copy.flip("data/thermo/mp_legacy.csv")
    return copy.repro("run", "01")


@trial("the second half of a shipped table is missing", "the file is named as truncated",
       place="whole", says=r"moduli/moduli\.csv: truncated")  # fmt: skip
def _(copy: Copy) -> Said:
    file = copy.root / "data/moduli/moduli.csv"
    copy.write("data/moduli/moduli.csv", file.read_bytes()[: file.stat().st_size // 2])
    return copy.repro("verify")


@trial("a file beside the data that no manifest lists", "the file is named", place="whole",
       says=r"moduli/mine\.csv: not listed in its manifest")  # fmt: skip
def _(copy: Copy) -> Said:
    copy.write("data/moduli/mine.csv", "a\n1\n")
    return copy.repro("verify")


@trial("a parameter that does not exist", "refused before anything runs, with the likely word",
       place="whole", says=r"unknown parameter 'sorce' \(did you mean 'source'\?\)")  # fmt: skip
def _(copy: Copy) -> Said:
    return copy.repro("run", "01", "-p", "sorce", "experiment")


@trial("a parameter out of its range", "refused before anything runs, with the range",
       place="whole", says=r"expected 0\.5 to 0\.999, found 1\.7")  # fmt: skip
def _(copy: Copy) -> Said:
    return copy.repro("run", "04", "-p", "confidence", "1.7")


@trial("a script edited without its notebook", "refused, with the two ways to settle it",
       place="whole", says=r"the pair disagrees")  # fmt: skip
def _(copy: Copy) -> Said:
    file = copy.root / "notebooks/04_three_criteria.py"
    copy.write("notebooks/04_three_criteria.py", file.read_text() + "\n# %%\n1 + 1\n")
    return copy.repro("run", "04")


@trial("a row of the ledger without its tolerance", "the row and the lack are named",
       place="small", says=r"'tolerance' is a required property")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.edit(
        "data/claims.yaml",
        "  tolerance:\n    abs: 1.0\n    why: one kelvin is what we can resolve\n",
        "",
    )
    return _book(copy)


# Notebooks and the book


@trial("nothing (control)", "the small book is built", place="small", status=0, says=r"built: ")
def _(copy: Copy) -> tuple[Said, str]:
    said = copy.repro("book")
    return said, "" if copy.page() else "no page was written"


@trial("nothing, built a second time (control)", "nothing is run or written", place="small",
       status=0, says=r"unchanged: ")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    return _book(copy)


@trial("a cell that raises", "cell and error are named; the last good book stays", place="small",
       says=r"cell 3 failed with ValueError: broken on purpose")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.chapter("answer = record", "raise ValueError('broken on purpose')\nanswer = record")
    return _book(copy)


@trial("a cell that exits quietly with status 0", "a notebook that was not run to its end is refused",
       place="small", says=r"cell \d+ (was never run|ended with SystemExit)")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.chapter("answer = record", "import sys\nsys.exit(0)\nanswer = record")
    return _book(copy)


@trial("the kernel is killed in a cell (kill -9)", "the run broke off, in plain words",
       place="small", says=r"the run broke off with DeadKernelError")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.chapter("answer = record", "import os\nos.kill(os.getpid(), 9)\nanswer = record")
    return _book(copy)


@trial("a cell that warns on stderr", "a warning has no place on a page", place="small",
       says=r"cell \d+ wrote to stderr")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.chapter("answer = record", "import sys\nprint('hm', file=sys.stderr)\nanswer = record")
    return _book(copy)


@trial("a figure drawn past repro.figures, so without alt text", "refused, with the cell",
       place="small", says=r"shows an image without name, caption, alt")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.chapter("answer = record", "from IPython.display import SVG, display\ndisplay(SVG('<svg "
                 "xmlns=\"http://www.w3.org/2000/svg\"/>'))\nanswer = record")  # fmt: skip
    return _book(copy)


@trial("a value that leaves the tolerance of its verdict", "the row is named; no book is written",
       place="small", says=r"1 verdicts of the ledger do not hold:\s+one: ")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.write("src/repro/trial_helper.py", "VALUE = 50.0\n")
    return _book(copy)


@trial("a verdict 'disagrees' where the value agrees", "the row is named: it holds both ways",
       place="small", says=r"1 verdicts of the ledger do not hold:\s+one: ")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.edit("data/claims.yaml", "verdict: reproduced", "verdict: disagrees")
    copy.edit("data/claims.yaml", "note: ''", "note: it does not")
    return _book(copy)


@trial("a picture from another site", "the page and the address are named", place="small",
       says=r"index\.html: reaches for the network: https://example\.org/x\.png")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.edit(
        "book/index.md", "See [](", '<img src="https://example.org/x.png" alt="x">\n\nSee []('
    )
    return _book(copy)


@trial("a picture on a page without alt text", "the page and the picture are named",
       place="small", says=r"index\.html: an image without alt text: \.\./_static")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.edit("book/index.md", "See [](", '<img src="../_static/soft-clay.css">\n\nSee [](')
    return _book(copy)


@trial("a link to a page that does not exist", "warnings are errors: the page is named",
       place="small", says=r"index\.md:3.*nowhere")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.edit("book/index.md", "See [](", "A [word](../notebooks/nowhere) too.\n\nSee [](")
    return _book(copy)


@trial("Sphinx raises in an extension", "no book is written, the last words are shown",
       place="small", says=r"the book was not built(.|\n)*broken on purpose")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.write(
        "src/trial_extension.py", "def setup(app):\n    raise RuntimeError('broken on purpose')\n"
    )
    copy.edit(
        "_config.yml",
        "      - sphinx_copybutton\n",
        "      - sphinx_copybutton\n      - trial_extension\n",
    )
    return _book(copy)


@trial("Sphinx is killed (kill -9)", "no book is written, and that it was killed is said",
       place="small", says=r"the book was not built(.|\n)*signal 9")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    before = copy.page()
    copy.edit("book/index.md", "# A small book", "# A small book, changed")
    begin = time.monotonic()
    child = copy.start(copy.cli("book"))

    def sphinx() -> int | None:
        return next(
            (pid for pid, words in children(child.pid).items() if "jupyter_book" in words), None
        )

    if wait_for(lambda: sphinx() is not None or child.poll() is not None) and (pid := sphinx()):
        os.kill(pid, signal.SIGKILL)
    text, _ = child.communicate()
    return Said("repro book", child.returncode, text, time.monotonic() - begin), _kept(copy, before)


# The cache, and several at once


@trial("a helper module that the chapter imports is changed", "the chapter reruns, and why is said",
       place="small", status=0, says=r"reruns: src/repro/trial_helper\.py changed")  # fmt: skip
def _(copy: Copy) -> Said:
    copy.write("src/repro/trial_helper.py", "VALUE = 42.5\n")
    return copy.repro("run", "--all", "--explain")


@trial("a module that the chapter does not import is changed", "the stored run is kept",
       place="small", status=0, says=r"kept: nothing it depends on has changed")  # fmt: skip
def _(copy: Copy) -> Said:
    copy.write("src/repro/trial_other.py", "VALUE = 2.0\n")
    return copy.repro("run", "--all", "--explain")


@trial("a helper module that is no Python", "file and error are named, nothing runs",
       place="small", says=r"trial_helper\.py: not Python")  # fmt: skip
def _(copy: Copy) -> Said:
    copy.write("src/repro/trial_helper.py", "VALUE = = 42\n")
    return copy.repro("run", "--all")


def _runs(copy: Copy) -> set[str]:
    return {p.name for p in (copy.root / "_build/runs" / CHAPTER).glob("[0-9a-f]*")}


@trial("two builds at once", "one waits for the other, the work is done once, both end well",
       place="small", status=0, says=r"another process is at the same work; waiting for it")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    copy.write("src/repro/trial_helper.py", "VALUE = 42.25\n")
    before, begin = _runs(copy), time.monotonic()
    both = [copy.start(copy.cli("book")) for _ in range(2)]
    texts = [child.communicate()[0] for child in both]
    worst = max((child.returncode for child in both), key=abs)
    wrong = [] if len(_runs(copy) - before) == 1 else ["the chapter did not run exactly once"]
    if "waiting for it" in texts[0] and "waiting for it" in texts[1]:
        wrong.append("both waited")
    said = Said("repro book, twice at once", worst, "\n".join(texts), time.monotonic() - begin)
    return said, "; ".join(wrong)


@trial("a build is killed in the middle of a chapter (kill -9)",
       "nothing half done is taken for a run; the same command goes through",
       place="small", status=0, says=r"built: ")  # fmt: skip
def _(copy: Copy) -> tuple[Said, str]:
    mark = copy.root / "started"
    mark.unlink(missing_ok=True)
    page, runs = copy.page(), _runs(copy)
    copy.chapter("answer = record", f"import pathlib, time\nmark = pathlib.Path({str(mark)!r})\nif not "
                 "mark.exists():\n    mark.touch()\n    time.sleep(600)\nanswer = record")  # fmt: skip
    child = copy.start(copy.cli("book"))
    started = wait_for(lambda: mark.exists() or child.poll() is not None) and mark.exists()
    kernels = children(child.pid)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    wrong = [] if started else ["it was not killed in a cell"]
    wrong += [w for w in [_kept(copy, page)] if w]
    if _runs(copy) != runs:
        wrong.append("half a run was taken for a whole one")
    if not wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in kernels), seconds=60):
        wrong.append("its kernel lived on")
    said = copy.repro("book")
    mark.unlink(missing_ok=True)
    return said, "; ".join(wrong)


def _on_tiny_disk(copy: Copy, size: str, *words: str) -> Said:
    """Run a command with an empty folder of runs on a disk of so few bytes."""
    aside = copy.root / "_build.aside"
    shutil.move(copy.root / "_build", aside)
    try:
        with tiny_disk(copy.root / "_build", size):
            return copy.repro(*words)
    finally:
        shutil.rmtree(copy.root / "_build", ignore_errors=True)
        shutil.move(aside, copy.root / "_build")


@trial("the disk fills up while a chapter runs", "that the disk is full is said", place="small",
       says=r"No space left on device|disk is full")  # fmt: skip
def _(copy: Copy) -> Said:
    return _on_tiny_disk(copy, "16k", "run", "01")


@trial("the disk fills up while the book is put together", "that the disk is full is said",
       place="small", says=r"the disk is full")  # fmt: skip
def _(copy: Copy) -> Said:
    return _on_tiny_disk(copy, "1m", "book")
