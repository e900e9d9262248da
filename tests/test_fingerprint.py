"""What a run depends on: hashes of the parts it uses, and of nothing else."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from helpers import REPOSITORY, SOURCE, World, claim_row

from repro import data, ledger, notebooks
from repro.errors import NotebookError
from repro.fingerprint import Inputs, changes, current_digest, inputs, module_closure


def _names(world: World, code: str) -> set[str]:
    base = world.root / "src" / "repro"
    return {file.relative_to(base).as_posix() for file in module_closure(code)}


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("x = 1", set()),
        ("import numpy", set()),
        ("import reproduce", set()),
        ("import repro", {"__init__.py"}),
        ("from repro import alone", {"__init__.py", "alone.py"}),
        ("import repro.alone as a", {"__init__.py", "alone.py"}),
        ("from repro.alone import VALUE", {"__init__.py", "alone.py"}),
        ("from repro.alone import *", {"__init__.py", "alone.py"}),
        ("from repro.near import VALUE", {"__init__.py", "near.py", "far.py"}),
        ("def f():\n    from repro import alone", {"__init__.py", "alone.py"}),
        ("if 1:\n    import repro.alone", {"__init__.py", "alone.py"}),
        ("from repro import late", {"__init__.py", "late.py", "far.py"}),
        ("from repro import kit", {"__init__.py", "kit/__init__.py"}),
        ("import repro.kit.other", {"__init__.py", "kit/__init__.py", "kit/other.py"}),
        (
            "from repro.kit import tool",
            {"__init__.py", "kit/__init__.py", "kit/tool.py", "near.py", "far.py"},
        ),
        (
            "from repro.kit.tool import VALUE",
            {"__init__.py", "kit/__init__.py", "kit/tool.py", "near.py", "far.py"},
        ),
    ],
)
def test_the_closure_follows_every_form_of_import(world: World, code: str, files: set[str]) -> None:
    assert _names(world, code) == files


def test_the_closure_ends_in_a_circle_of_imports(world: World) -> None:
    world.write("src/repro/egg.py", "from repro import hen\n")
    world.write("src/repro/hen.py", "from repro import egg\n")
    assert _names(world, "import repro.egg") == {"__init__.py", "egg.py", "hen.py"}


def test_the_closure_sees_an_import_added_to_a_module(world: World) -> None:
    assert "alone.py" not in _names(world, "import repro.near")
    world.write("src/repro/near.py", "from repro import alone\n")
    assert _names(world, "import repro.near") == {"__init__.py", "near.py", "alone.py"}


def test_a_line_that_begins_with_a_percent_sign_is_python(world: World) -> None:
    world.write("src/repro/near.py", "A = (\n    '%s'\n    % 1\n)\nfrom repro import alone\n")
    assert "alone.py" in _names(world, "import repro.near")


def test_code_that_is_not_python_is_named(world: World) -> None:
    world.notebook("01_small", "x = = 1")
    with pytest.raises(NotebookError, match="01_small: not Python"):
        inputs(notebooks.find("01"), {})


def test_a_module_that_is_not_python_is_named(world: World) -> None:
    world.write("src/repro/near.py", "def f(:\n")
    with pytest.raises(NotebookError, match=r"near\.py: not Python"):
        _names(world, "import repro.near")


def test_the_package_imports_itself_by_absolute_names_only() -> None:
    """The closure does not read relative imports; so there must be none."""
    for file in SOURCE.rglob("*.py"):
        assert "\nfrom ." not in file.read_text(encoding="utf-8"), file


def test_the_closure_of_the_real_package_is_that_of_the_interpreter() -> None:
    """A second way to the same set: import in a fresh process and look at sys.modules."""
    import subprocess
    import sys

    code = "from repro.figures import show"
    probe = (
        f"{code}\nimport sys\n"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'repro'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    loaded = set(done.stdout.split())
    assert loaded <= {str(file) for file in module_closure(code)}


def _inputs(**changed: Any) -> Inputs:
    base: dict[str, Any] = {
        "source": "s",
        "parameters": {"n": 1},
        "modules": {"src/repro/a.py": "h"},
        "lock": "l",
        "python": "3.11",
    }
    return Inputs(**(base | changed))


def _stored(value: Inputs) -> dict[str, Any]:
    """What a record holds: the inputs after a way through JSON."""
    return json.loads(json.dumps(dataclasses.asdict(value)))


CHANGED = [
    ({"source": "t"}, "its source changed"),
    ({"parameters": {"n": 2}}, "parameter n: 1 -> 2"),
    ({"parameters": {"n": 1.0}}, "parameter n: 1 -> 1.0"),
    ({"parameters": {"n": True}}, "parameter n: 1 -> True"),
    ({"parameters": {}}, "parameter n: 1 -> None"),
    ({"parameters": {"n": 1, "m": "x"}}, "parameter m: None -> 'x'"),
    ({"modules": {"src/repro/a.py": "g"}}, "src/repro/a.py changed"),
    ({"modules": {}}, "src/repro/a.py is no longer imported"),
    (
        {"modules": {"src/repro/a.py": "h", "src/repro/b.py": "h"}},
        "src/repro/b.py is newly imported",
    ),
    ({"lock": "k"}, "requirements.lock changed"),
    ({"python": "3.12"}, "Python 3.11 -> 3.12"),
    ({"layout": 99}, "the layout of stored runs changed"),
]


@pytest.mark.parametrize(("changed", "reason"), CHANGED)
def test_each_input_changes_the_key_and_gives_its_reason(
    changed: dict[str, Any], reason: str
) -> None:
    new = _inputs(**changed)
    assert new.key != _inputs().key
    change = changes(_stored(_inputs()), new, data_reads={})
    assert change.reasons == (reason,)
    assert change
    assert str(change) == reason


def test_the_same_inputs_have_the_same_key_and_no_reasons() -> None:
    assert _inputs().key == _inputs().key
    change = changes(_stored(_inputs()), _inputs(), data_reads={})
    assert not change
    assert "nothing" in str(change)


def test_the_order_of_parameters_does_not_matter() -> None:
    a = _inputs(parameters={"a": 1, "b": 2})
    b = _inputs(parameters={"b": 2, "a": 1})
    assert a.key == b.key


def test_a_list_parameter_survives_the_record() -> None:
    value = _inputs(parameters={"r": [1, 2.5]})
    assert not changes(_stored(value), value, data_reads={})


def test_several_reasons_are_all_given() -> None:
    change = changes(_stored(_inputs()), _inputs(source="t", lock="k"), data_reads={})
    assert str(change) == "its source changed; requirements.lock changed"


def test_inputs_hash_what_is_on_disk(world: World) -> None:
    world.notebook("01_small", "from repro.near import VALUE", parameters="n: int = 1  # N")
    book = notebooks.find("01")
    found = inputs(book, {"n": 1})
    assert set(found.modules) == {
        "src/repro/__init__.py",
        "src/repro/near.py",
        "src/repro/far.py",
    }
    assert found.lock == data.sha256(world.root / "requirements.lock")
    assert found.modules["src/repro/far.py"] == data.sha256(world.root / "src/repro/far.py")
    (world.root / "requirements.lock").unlink()
    assert inputs(book, {"n": 1}).lock == ""


class TestReads:
    """Data, rows of the ledger, and a reader's own files."""

    def test_a_data_file(self, world: World) -> None:
        folder = world.data_set("numbers", {"a.csv": "1\n", "b.csv": "2\n"})
        reads = {"numbers/a.csv": data.sha256(folder / "a.csv")}
        assert not changes(_stored(_inputs()), _inputs(), data_reads=reads)
        (folder / "b.csv").write_text("3\n")
        assert not changes(_stored(_inputs()), _inputs(), data_reads=reads)
        (folder / "a.csv").write_text("3\n")
        change = changes(_stored(_inputs()), _inputs(), data_reads=reads)
        assert change.reasons == ("data/numbers/a.csv changed",)
        (folder / "a.csv").unlink()
        change = changes(_stored(_inputs()), _inputs(), data_reads=reads)
        assert change.reasons == ("data/numbers/a.csv is gone",)

    def test_a_file_of_the_reader(self, world: World) -> None:
        file = world.write("mine.xy", "1\n")
        reads = {f"file:{file}": data.sha256(file)}
        assert not changes(_stored(_inputs()), _inputs(), data_reads=reads)
        file.write_text("2\n")
        change = changes(_stored(_inputs()), _inputs(), data_reads=reads)
        assert change.reasons == (f"{file} changed",)
        file.unlink()
        change = changes(_stored(_inputs()), _inputs(), data_reads=reads)
        assert change.reasons == (f"{file} is gone",)

    def test_the_list_of_a_folder(self, world: World) -> None:
        manifest = world.root / "data/numbers/manifest.json"
        before = {"numbers/": str(current_digest("numbers/"))}
        assert not changes(_stored(_inputs()), _inputs(), data_reads=before)
        folder = world.data_set("numbers", {"a.csv": "1\n"})
        assert folder == manifest.parent
        change = changes(_stored(_inputs()), _inputs(), data_reads=before)
        assert change.reasons == ("the list of files in data/numbers/ changed",)
        manifest.write_text("{")
        change = changes(_stored(_inputs()), _inputs(), data_reads=before)
        assert change.reasons == ("the list of files in data/numbers/ is gone",)

    def test_a_row_of_the_ledger(self, world: World) -> None:
        world.claims(claim_row("one"), claim_row("two"))
        name = "claims.yaml#one"
        digest = current_digest(name)
        assert digest == ledger.row_digest(ledger.load()["one"])
        world.claims(claim_row("zero"), claim_row("one"), claim_row("two", note="changed"))
        assert current_digest(name) == digest
        world.claims(claim_row("one", note="changed"), claim_row("two"))
        assert current_digest(name) not in (None, digest)
        change = changes(_stored(_inputs()), _inputs(), data_reads={name: str(digest)})
        assert change.reasons == ("data/claims.yaml#one changed",)

    @pytest.mark.parametrize(
        "field",
        [
            {"says": "Another saying"},
            {"tolerance": {"abs": 2.0, "why": "one kelvin is what we can resolve"}},
            {"published": {"relation": "=", "value": 43.0, "unit": "K"}},
            {"published": {"relation": "~", "value": 42.0, "unit": "K"}},
            {"verdict": "not testable here", "note": "why"},
        ],
    )
    def test_each_field_of_a_row_counts(self, world: World, field: dict[str, Any]) -> None:
        world.claims(claim_row("one"))
        before = current_digest("claims.yaml#one")
        world.claims(claim_row("one", **field))
        assert current_digest("claims.yaml#one") != before

    def test_a_row_that_is_gone_or_a_broken_ledger(self, world: World) -> None:
        world.claims(claim_row("two"))
        assert current_digest("claims.yaml#one") is None
        world.write("data/claims.yaml", "{")
        assert current_digest("claims.yaml#two") is None
        (world.root / "data/claims.yaml").unlink()
        assert current_digest("claims.yaml#two") is None
