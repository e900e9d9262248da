"""The whole book as a PDF, printed by Chromium from the built pages.

    python -m repro.pdf
    python -m repro.pdf --out book.pdf

Nothing is run: what ``make book`` has built is printed.  A first print tells on which page
everything stands, and the second has these numbers in its contents.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from repro import data, paths, pdf_pages
from repro.commands import Given, plain_errors
from repro.errors import InputError, NotebookError, ReproError

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
LIMIT = 1800.0
"""Seconds for one print; an idle machine needs less than a minute."""
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer",
    "--generate-pdf-document-outline", "--allow-file-access-from-files",
    "--run-all-compositor-stages-before-draw", "--virtual-time-budget=120000",
)  # fmt: skip
_PLACE = re.compile(r'(<span class="page" data-to="([^"]+)">)[^<]*(</span>)')
_OBJECT = re.compile(rb"(?<![0-9])(\d+) 0 obj\b(.*?)\bendobj", re.DOTALL)


class PrintError(ReproError):
    """Chromium is missing, or did not print."""


@dataclass(frozen=True)
class Printed:
    """A printed book.

    Attributes
    ----------
    file:
        The PDF.
    pages:
        How many.
    chapters:
        Title of each chapter and the page it begins on.
    """

    file: Path
    pages: int
    chapters: Mapping[str, int]


def browser() -> str:
    """Return Chromium: that of the variable ``CHROMIUM``, or one on the path.

    Raises
    ------
    PrintError
        If there is none, with what to install.
    """
    asked = os.environ.get("CHROMIUM")
    for name in (asked,) if asked else NAMES:
        found = shutil.which(name)
        if found:
            return found
    raise PrintError(
        f"no Chromium to print with (looked for {asked or ', '.join(NAMES)}); install it "
        "(Debian and Ubuntu: apt-get install chromium; macOS: brew install --cask chromium), or set "
        "CHROMIUM to a Chromium or Chrome"
    )


def _print(page: Path, out: Path, *, program: str) -> bytes:
    """Print one HTML file; return the PDF.

    Raises
    ------
    PrintError
        If Chromium fails; its last words are quoted.
    """
    out.unlink(missing_ok=True)  # of the pass before
    with tempfile.TemporaryDirectory() as profile:
        command = [
            program,
            *_FLAGS,
            f"--user-data-dir={profile}",
            f"--print-to-pdf={out}",
            page.as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False,
                                  timeout=LIMIT)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise PrintError(f"{program}: not done after {LIMIT:g} s") from None
        except OSError as error:
            raise PrintError(f"{program}: could not be started: {error}") from None
    content = out.read_bytes() if out.is_file() else b""
    if done.returncode or not content.startswith(b"%PDF-"):
        last = "\n".join(done.stderr.strip().splitlines()[-3:]) or "nothing"
        raise PrintError(f"{program}: printed nothing (status {done.returncode}); it said: {last}")
    return content


def _order(objects: Mapping[int, bytes], top: int) -> list[int]:
    """Return the objects of the pages in their order, given the top of the tree."""
    body = objects.get(top, b"")
    if re.search(rb"/Type\s*/Pages\b", body) is None:
        return [top]
    kids = re.search(rb"/Kids\s*\[(.*?)\]", body, re.DOTALL)
    numbers = re.findall(rb"(\d+) 0 R", kids[1]) if kids else []
    return [page for number in numbers for page in _order(objects, int(number))]


def places(content: bytes) -> tuple[int, dict[str, int]]:
    """Return the number of pages of a PDF of Chromium, and the page of each anchor.

    Parameters
    ----------
    content:
        A PDF whose objects stand in plain, as Chromium writes them.

    Raises
    ------
    PrintError
        If its pages cannot be found.
    """
    objects = {int(number): body for number, body in _OBJECT.findall(content)}
    root = re.search(rb"/Type\s*/Catalog\b.*?/Pages (\d+) 0 R|/Pages (\d+) 0 R(?=.*?/Type\s*/Catalog)",
                     next((b for b in objects.values() if re.search(rb"/Type\s*/Catalog\b", b)), b""),
                     re.DOTALL)  # fmt: skip
    if root is None:
        raise PrintError("the printed file has no list of pages that could be read")
    order = {
        page: place for place, page in enumerate(_order(objects, int(root[1] or root[2])), start=1)
    }
    found: dict[str, int] = {}
    for body in objects.values():
        for name, page in re.findall(rb"/([^\s/\[\]<>()]+)\s*\[(\d+) 0 R\s*/XYZ", body):
            if int(page) in order:
                plain = re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes.fromhex(m[1].decode()), name)
                found[plain.decode("utf-8", "replace")] = order[int(page)]
    return len(order), found


def numbered(text: str, pages: Mapping[str, int]) -> str:
    """Return the document with the page number of each anchor where it belongs.

    Raises
    ------
    NotebookError
        If an anchor is on no page.
    """
    missing = sorted({m[2] for m in _PLACE.finditer(text)} - set(pages))
    if missing:
        raise NotebookError(
            f"{len(missing)} places are on no printed page: {', '.join(missing[:5])}"
        )
    return _PLACE.sub(lambda m: f"{m[1]}{pages[m[2]]}{m[3]}", text)


def write(out: Path | None = None) -> Printed:
    """Print the built book.

    Parameters
    ----------
    out:
        The file; ``_build/soft-clay.pdf`` if None.

    Raises
    ------
    NotebookError
        If the book is not built.
    PrintError
        If Chromium is missing or fails; an earlier PDF is then left as it was.
    InputError
        If the folder of the file is not there.
    """
    program = browser()
    root, html = paths.root(), paths.build_dir() / "html"
    file = (out if out is not None else paths.build_dir() / "soft-clay.pdf").resolve()
    title = str(yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["title"])
    css = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    made = pdf_pages.document(
        html, root / "_toc.yml", title=title, version=data.code_version(), css=css
    )
    if not file.parent.is_dir():
        raise InputError(f"{file.parent}: no such folder")
    with tempfile.TemporaryDirectory(dir=paths.build_dir()) as folder:
        page, pdf = Path(folder) / "book.html", Path(folder) / "book.pdf"
        text = made.text
        before: dict[str, int] = {}
        for _ in range(3):  # numbers of other widths might move a line: print until they hold
            page.write_text(text, encoding="utf-8")
            count, found = places(_print(page, pdf, program=program))
            if found == before:
                break
            text, before = numbered(made.text, found), found
        else:
            raise PrintError("the page numbers of the contents do not come to rest")
        pdf.replace(file)
    return Printed(file, count, {title: found[name] for title, name in made.chapters.items()})


@plain_errors
def main(arguments: Given = None) -> int:
    """Print the book; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.pdf", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="the file (_build/soft-clay.pdf)")
    args = parser.parse_args(arguments)
    made = write(args.out)
    for title, page in made.chapters.items():
        print(f"{page:5d}  {title}")
    print(f"{made.file}: {made.pages} pages, {made.file.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
