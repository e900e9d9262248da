"""Build DeePMD-kit's CPU kernels for this machine's processor; a fifth less time per step.

The wheel's run on any x86-64 processor, so they use none of what came after 2003.  This
fetches the sources of the installed release from PyPI, checks their hash, compiles its
library of kernels with what this processor can, and prints how to use it:

    python tools/native_kernels.py WORK

Forces agree to the rounding of single precision.  A campaign records which kernels it ran on
(column ``kernels`` of ``runs.csv``).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import urllib.request
from importlib.metadata import version
from pathlib import Path

# No -ffast-math: it would change how the whole process rounds small numbers.
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fassociative-math", "-fno-signed-zeros",
         "-fno-trapping-math", "-std=c++17", "-fPIC", "-shared", "-fopenmp")  # fmt: skip


def sources(release: str) -> bytes:
    """Return the source archive of a release, if it is what PyPI's index says."""
    with urllib.request.urlopen("https://pypi.org/simple/deepmd-kit/") as reply:
        page = reply.read().decode()
    link = re.search(
        rf'href="([^"#]*/deepmd_kit-{re.escape(release)}\.tar\.gz)#sha256=(\w+)"', page
    )
    if not link:
        raise SystemExit(f"deepmd-kit {release}: PyPI lists no sources with a sha256")
    url, said = link.groups()
    with urllib.request.urlopen(url) as reply:
        content = bytes(reply.read())
    if (found := hashlib.sha256(content).hexdigest()) != said:
        raise SystemExit(f"{url}: sha256 {found}, expected {said}")
    return content


def build(archive: bytes, work: Path) -> Path:
    """Unpack an archive, compile its kernels and return the library."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(work, filter="data")
    library = next(work.glob("deepmd_kit-*/source/lib"))
    made = work / "libdeepmd.so"
    files = sorted([*library.glob("src/*.cc"), *library.glob("src/*.cpp")])
    subprocess.run(
        ["g++", *FLAGS, "-I", str(library / "include"), *map(str, files), "-o", str(made)],
        check=True,
    )
    return made


def main() -> int:
    """Build; return the exit status."""
    parser = argparse.ArgumentParser(description="DeePMD-kit's kernels for this processor")
    parser.add_argument("work", type=Path, help="folder for sources and library")
    work: Path = parser.parse_args().work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    print(f"export LD_PRELOAD={build(sources(version('deepmd-kit')), work)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
