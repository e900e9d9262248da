"""Solve requirements.lock and environment.yml anew from pyproject.toml.

``make lock`` calls this. The lock holds every package with its hashes for
Python 3.11 to 3.13; environment.yml and binder/environment.yml pin the direct ones to
the same versions.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAD = """\
# For conda users; `make book` does not need it. Written by tools/lock.py: each
# version is that of requirements.lock for this Python.
name: soft-clay-companion
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""
BINDER = """\
# For Binder; written by tools/lock.py. It brings Jupyter's own pages and the pairing of
# scripts and notebooks. The book's environment is made by postBuild from the lock.
name: soft-clay-binder
channels:
  - conda-forge
dependencies:
  - python=3.11
  - git
  - make
  - pip
  - pip:
      - jupytext=={jupytext}
"""


def direct(project: dict[str, list[str]]) -> list[str]:
    """Return the base requirements without version bounds, e.g. ``deepmd-kit[cpu,lmp]``."""
    return [re.split(r"[<>=!~ ;]", item)[0] for item in project["dependencies"]]


def locked(text: str) -> dict[str, str]:
    """Return name -> version in a lock, for Python 3.11 on x86-64 Linux."""
    from packaging.markers import Marker

    here = {
        "python_version": "3.11",
        "python_full_version": "3.11.0",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found = {}
    for name, version, marker in re.findall(
        r"^([A-Za-z0-9._-]+)==([^\s;]+)(?: ; ([^\\\n]+?))? \\$", text, re.MULTILINE
    ):
        if not marker or Marker(marker).evaluate(here):
            found[name] = version
    return found


def main() -> int:
    """Write both files; return the exit status of the solver."""
    command = [
        "uv",
        "pip",
        "compile",
        "pyproject.toml",
        "--extra=dev",
        "--universal",
        "--python-version=3.11",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--quiet",
        "--output-file=requirements.lock",
    ]
    status = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode
    if status:
        return status
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    versions = locked((ROOT / "requirements.lock").read_text("utf-8"))
    lines = [
        f"      - {item}=={versions[item.partition('[')[0].lower()]}" for item in direct(project)
    ]
    text = HEAD + "\n".join([*lines, "      - -e ."]) + "\n"
    (ROOT / "environment.yml").write_text(text, "utf-8")
    binder = ROOT / "binder" / "environment.yml"
    binder.write_text(BINDER.format(jupytext=versions["jupytext"]), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
