"""The page on the environment: what it says is read, and is the same at every build."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
from helpers import World

from repro import data, environment
from repro.errors import InputError
from repro.runner import Run

LOCK = "numpy=={numpy}\nscipy==0.0.1 ; x\nscipy=={scipy} ; y\nnever-installed-xyz==1.2 \\\n    --hash=sha256:aa\n"


def lock(world: World, numpy: str | None = None) -> None:
    world.write(
        "requirements.lock", LOCK.format(numpy=numpy or version("numpy"), scipy=version("scipy"))
    )


def a_run(world: World) -> Run:
    world.notebook("01_small", "x = 1")
    record = {"notebook": "notebooks/01_small.py", "code_version": "0.1+<abc>", "machine": "a machine",
              "finished": "2026-01-01T00:00:00+00:00", "wall_time": "5 s"}  # fmt: skip
    return Run(world.root / "_build/runs/01_small/0123abcd", record)


def test_the_page_holds_versions_hashes_runs_and_data(world: World) -> None:
    lock(world)
    world.claims()
    folder = world.data_set("numbers", {"a.csv": "1\n", "b.csv": "2\n"})
    page = environment.page([a_run(world)])
    for digest in (data.sha256(world.root / "requirements.lock"), data.sha256(folder / "manifest.json"),
                   data.sha256(world.root / "data/claims.yaml"),
                   environment.tree_digest(world.root / "src/repro")):  # fmt: skip
        assert f'title="{digest}"' in page
    assert environment.processor() in page.replace("&amp;", "&").replace("&quot;", '"')
    assert "0123abcd" in page and "0.1+&lt;abc&gt;" in page and "<abc>" not in page
    assert "data/numbers" in page and "<td>2</td>" in page
    assert "Every installed package has the version of the lock." in page
    assert "3 are locked, 1 of them not needed on this system." in page
    assert "never-installed-xyz 1.2 (not needed here)" in page


def test_an_unchanged_book_has_an_unchanged_page(world: World) -> None:
    lock(world)
    run = a_run(world)
    first = environment.page([run])
    assert environment.page([run]) == first
    world.write("src/repro/near.py", "VALUE = 9\n")
    assert environment.page([run]) != first


def test_a_package_of_another_version_is_named(world: World) -> None:
    lock(world, numpy="0.0.7")
    page = environment.page([])
    assert (
        f"**Installed otherwise than locked:** numpy ({version('numpy')} instead of 0.0.7)." in page
    )
    assert "Every installed" not in page


def test_without_a_lock(world: World) -> None:
    (world.root / "requirements.lock").unlink()
    assert "No `requirements.lock` here." in environment.page([])


def test_versions_of_all_platforms_are_kept() -> None:
    found = environment.locked("A==1 ; x\na==2 ; y\na==1 ; z\nb.c==3\n")
    assert found == {"a": ("1", "2"), "b.c": ("3",)}
    with pytest.raises(InputError, match="no line 'name==version'"):
        environment.locked("# nothing\n")


def test_a_tree_has_another_digest_for_another_name_or_byte(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    first = environment.tree_digest(tmp_path)
    (tmp_path / "a.txt").write_text("not code")
    assert environment.tree_digest(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    second = environment.tree_digest(tmp_path)
    (tmp_path / "b.py").write_text("2 ")
    assert len({first, second, environment.tree_digest(tmp_path)}) == 3
