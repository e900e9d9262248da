"""What a reader takes away: links, the notebook for Colab, and the set-up of Binder."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from helpers import World

from repro import notebooks, takeaway
from repro.errors import InputError
from repro.notebooks import Notebook

ROOT = Path(__file__).resolve().parents[1]
# Stands in for pip in a process of its own: notes what it was asked to install, and where.
PIP = """
import os, pathlib, sys
file = pathlib.Path(os.environ["PIP_LOG"])
with file.open("a") as out:
    out.write(os.getcwd() + " " + " ".join(sys.argv[1:]) + "\\n")
sys.exit(int(os.environ.get("PIP_FAILS", "0")))
"""


def _cite(world: World, address: str) -> None:
    world.write("CITATION.cff", f"title: x\nrepository-code: {address}\n")


class TestAddress:
    """Where the repository is, or nothing."""

    @pytest.mark.parametrize("text", [None, "title: x\n", "", "repository-code:\n"])
    def test_none_is_known(self, world: World, text: str | None) -> None:
        if text is not None:
            world.write("CITATION.cff", text)
        assert takeaway.address() == ""

    def test_one_is_known(self, world: World) -> None:
        _cite(world, "https://example.org/clay")
        assert takeaway.address() == "https://example.org/clay"

    @pytest.mark.parametrize("text", ["git@example.org:clay", "http://example.org", "3"])
    def test_another_kind_is_refused(self, world: World, text: str) -> None:
        _cite(world, text)
        with pytest.raises(InputError, match="repository-code: expected an https address, found"):
            takeaway.address()

    def test_the_repository_has_one_or_none(self) -> None:
        assert takeaway.address() == "" or takeaway.address().startswith("https://")


class TestLinks:
    """The line below the title."""

    def test_without_an_address_nothing_leads_to_another_site(self, world: World) -> None:
        line = takeaway.links("01_small")
        for file in (
            "./01_small.py",
            "./downloads/01_small.ipynb",
            "./downloads/01_small-colab.ipynb",
        ):
            assert f"<{file}>`" in line
        assert "http" not in line and "Binder" not in line

    @pytest.mark.parametrize(
        "address",
        ["https://github.com/an-owner/soft.clay", "https://github.com/an-owner/soft.clay.git",
         "https://github.com/an-owner/soft.clay/"],
    )  # fmt: skip
    def test_binder_opens_this_very_chapter(self, world: World, address: str) -> None:
        _cite(world, address)
        wanted = (
            "https://mybinder.org/v2/gh/an-owner/soft.clay/HEAD?labpath=notebooks%2F01_small.ipynb"
        )
        assert f"[open in Binder]({wanted})" in takeaway.links("01_small")

    def test_binder_is_offered_for_github_only(self, world: World) -> None:
        _cite(world, "https://example.org/an-owner/clay")
        assert "Binder" not in takeaway.links("01_small")

    def test_it_stands_below_the_first_title(self, world: World) -> None:
        text = takeaway.under_title("before\n\n# One\n\ntext\n\n# Two", "01_small")
        assert text.startswith("before\n\n# One\n\n:::{div} takeaway\n")
        assert text.endswith(":::\n\ntext\n\n# Two")

    @pytest.mark.parametrize("text", ["", "## Two\n", "#hash", "text # not a title"])
    def test_a_text_without_a_title_is_left_alone(self, world: World, text: str) -> None:
        assert takeaway.under_title(text, "01_small") == text


class TestColab:
    """The notebook that installs what it needs."""

    def test_it_is_the_chapter_behind_one_cell(self, world: World, tmp_path: Path) -> None:
        book = Notebook(world.notebook("01_small", "x = 1", parameters="n: int = 3  # N"))
        file = takeaway.write_for_colab(book, tmp_path)
        assert file.name == "01_small-colab.ipynb"
        node = nbformat.read(file, as_version=4)
        nbformat.validate(node)
        assert "REPOSITORY = ''" in node.cells[0].source
        assert [c.source for c in node.cells[1:]] == [c.source for c in book.node().cells]
        assert len({cell["id"] for cell in node.cells}) == len(node.cells)

    def test_every_chapter_has_one(self) -> None:
        for book in notebooks.every():
            node = nbformat.reads(takeaway.for_colab(book), as_version=4)
            nbformat.validate(node)
            compile(node.cells[0].source, book.name, "exec")

    def test_the_versions_it_takes_are_those_of_the_project(self) -> None:
        import tomllib

        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        assert project["requires-python"] == ">=3.11,<3.14"
        assert "(3, 11) <= sys.version_info[:2] < (3, 14)" in takeaway.INSTALL

    @staticmethod
    def _run(place: Path, code: str, **more: str) -> subprocess.CompletedProcess[str]:
        (place / "stub/pip").mkdir(parents=True, exist_ok=True)
        (place / "stub/pip/__init__.py").touch()  # a package of its own, found before the real one
        (place / "stub/pip/__main__.py").write_text(PIP)
        env = {
            **os.environ,
            "PYTHONPATH": str(place / "stub"),
            "PIP_LOG": str(place / "log"),
            **more,
        }
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=place,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @pytest.fixture
    def origin(self, tmp_path: Path) -> Path:
        """A git repository with a lock, as the book's."""
        folder = tmp_path / "origin"
        folder.mkdir()
        (folder / "requirements.lock").write_text("numpy==1.0\n")
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "one"]):
            subprocess.run(["git", *command], cwd=folder, check=True)
        return folder

    @pytest.mark.live
    def test_it_clones_and_installs_from_the_lock_once(self, tmp_path: Path, origin: Path) -> None:
        code = takeaway.INSTALL.format(address=f"file://{origin}")
        first = self._run(tmp_path, code)
        assert first.returncode == 0, first.stderr
        assert "Restart the session now" in first.stdout
        book = tmp_path / "soft-clay-companion"
        asked = (tmp_path / "log").read_text().splitlines()
        assert asked == [
            f"{book} install --quiet --require-hashes -r requirements.lock",
            f"{book} install --quiet --no-deps --no-build-isolation -e .",
        ]
        second = self._run(tmp_path, code + "\nprint(os.getcwd())")
        assert second.stdout == f"Ready. Run the cells below.\n{book}\n"
        assert (tmp_path / "log").read_text().splitlines() == asked

    @pytest.mark.live
    def test_a_failed_installation_is_tried_again(self, tmp_path: Path, origin: Path) -> None:
        code = takeaway.INSTALL.format(address=f"file://{origin}")
        assert self._run(tmp_path, code, PIP_FAILS="1").returncode != 0
        assert "Restart the session now" in self._run(tmp_path, code).stdout

    @pytest.mark.live
    def test_without_an_address_it_asks_for_one(self, tmp_path: Path) -> None:
        done = self._run(tmp_path, takeaway.INSTALL.format(address=""))
        assert done.returncode == 1
        assert "set REPOSITORY above to the address of the book's repository" in done.stderr
        assert not (tmp_path / "log").exists()


class TestBinder:
    """binder/postBuild, with stand-ins for what would need the network."""

    def test_it_may_be_executed(self) -> None:
        file = ROOT / "binder/postBuild"
        assert file.stat().st_mode & stat.S_IXUSR
        assert file.read_text("utf-8").startswith("#!/usr/bin/env bash\n")

    def test_it_asks_make_for_a_target_that_there_is(self) -> None:
        makefile = (ROOT / "Makefile").read_text("utf-8")
        assert "VENV := .venv\n" in makefile and "STAMP := $(VENV)/.installed\n" in makefile
        assert "make .venv/.installed " in (ROOT / "binder/postBuild").read_text("utf-8")
        assert "/share/jupyter/lab/settings/overrides.json" in makefile

    @pytest.mark.live
    @pytest.mark.parametrize("fails", [False, True])
    def test_the_kernel_of_the_notebooks_is_the_environment_of_make(
        self, tmp_path: Path, fails: bool
    ) -> None:
        (tmp_path / "book/binder").mkdir(parents=True)
        (tmp_path / "bin").mkdir()
        script = tmp_path / "book/binder/postBuild"
        script.write_text((ROOT / "binder/postBuild").read_text("utf-8"))
        self._tool(
            tmp_path / "bin/make",
            f'echo "make $@" >> {tmp_path}/log\n' + ("exit 2\n" if fails else
            "mkdir -p .venv/bin .venv/share/jupyter/lab/settings\n"
            "echo '{}' > .venv/share/jupyter/lab/settings/overrides.json\n"
            f"printf '#!/bin/sh\\necho \"kernel $*\" >> {tmp_path}/log\\n' > .venv/bin/python\n"
            "chmod +x .venv/bin/python\n"),
        )  # fmt: skip
        self._tool(tmp_path / "bin/python3.11", "exit 0\n")
        env = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "HOME": str(tmp_path / "home"),
               "NB_PYTHON_PREFIX": str(tmp_path / "prefix")}  # fmt: skip
        done = subprocess.run(
            ["bash", str(script)], cwd="/", env=env, capture_output=True, text=True, check=False
        )
        log = (tmp_path / "log").read_text().splitlines()
        assert log[0] == f"make .venv/.installed PYTHON={tmp_path}/bin/python3.11"
        if fails:
            assert done.returncode == 2 and len(log) == 1
            return
        assert done.returncode == 0, done.stderr
        assert log[1:] == [
            f"kernel -m ipykernel install --prefix {tmp_path}/prefix --name python3 --display-name Python 3"
        ]
        assert (tmp_path / "prefix/share/jupyter/lab/settings/overrides.json").is_file()

    @staticmethod
    def _tool(file: Path, text: str) -> None:
        file.write_text("#!/bin/sh\n" + text)
        file.chmod(0o755)

    def test_the_notebooks_ask_for_the_kernel_that_it_installs(self) -> None:
        text = (ROOT / "binder/postBuild").read_text("utf-8")
        for book in notebooks.every():
            assert f"--name {book.node().metadata['kernelspec']['name']} " in text
