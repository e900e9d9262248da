"""Shipped data: nothing is computed from a file that is not what its manifest says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import REPOSITORY, World

from repro import __version__, data, paths
from repro.errors import DataError, InputError

TEXT = "a,b\n1,2\n"
HASH = hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.fixture
def numbers(world: World) -> Path:
    return world.data_set("sub/numbers", {"one.csv": TEXT, "two.csv": "3\n"})


def _edit_manifest(folder: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    file = folder / "manifest.json"
    content = json.loads(file.read_text())
    edit(content)
    file.write_text(json.dumps(content))


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"abc")
    assert data.sha256(file) == hashlib.sha256(b"abc").hexdigest()


def test_sha256_sees_a_change_of_the_same_length(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"abc")
    before = data.sha256(file)
    file.write_bytes(b"abd")
    assert data.sha256(file) != before


def test_path_of_a_good_file(numbers: Path) -> None:
    assert data.path("sub/numbers/one.csv") == numbers / "one.csv"


def test_a_manifest_says_what_is_needed_to_make_it_again(numbers: Path) -> None:
    content = data.manifest(numbers)
    assert content["schema"] == 1
    assert content["files"]["one.csv"] == {
        "sha256": HASH,
        "bytes": len(TEXT),
        "description": "numbers",
    }
    assert content["created"].count("-") == 2
    assert content["machine"]
    assert content["code_version"].startswith("0.")


def test_writing_a_manifest_leaves_no_partial_file(numbers: Path) -> None:
    assert sorted(p.name for p in numbers.iterdir()) == ["manifest.json", "one.csv", "two.csv"]


def test_a_manifest_cannot_name_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.csv: named for the manifest but not there"):
        data.write_manifest(
            tmp_path,
            title="t",
            license="l",
            sources=[],
            command="c",
            parameters={},
            seed=None,
            wall_time_s=0,
            files={"no.csv": "not there"},
        )
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize(
    ("new", "how"),
    [
        (b"a,b\n1,", "truncated"),
        (b"", "truncated"),
        (b"a,b\n1,3\n", "altered"),
        (b"x" * 99, "altered"),
    ],
)
def test_a_damaged_file_is_refused_with_both_hashes(numbers: Path, new: bytes, how: str) -> None:
    (numbers / "one.csv").write_bytes(new)
    with pytest.raises(DataError) as caught:
        data.path("sub/numbers/one.csv")
    message = str(caught.value)
    found = hashlib.sha256(new).hexdigest()
    assert f"sub/numbers/one.csv: {how}; expected sha256 {HASH} (8 bytes), found {found}" in message
    assert "git checkout -- data/sub/numbers/one.csv" in message
    assert "nothing was computed" in message


def test_a_missing_file_is_refused(numbers: Path) -> None:
    (numbers / "one.csv").unlink()
    with pytest.raises(DataError, match=f"missing; expected sha256 {HASH}, found no file"):
        data.path("sub/numbers/one.csv")


def test_an_unlisted_file_is_refused_with_the_nearest_name(numbers: Path) -> None:
    (numbers / "ones.csv").write_text(TEXT)
    with pytest.raises(DataError, match=r"ones\.csv: not listed .*did you mean 'one\.csv'"):
        data.path("sub/numbers/ones.csv")


@pytest.mark.parametrize("name", ["no/such.csv", "claims.yaml", "", "../requirements.lock", "sub"])
def test_what_no_manifest_covers_is_refused(numbers: Path, name: str) -> None:
    with pytest.raises(DataError, match="no manifest"):
        data.path(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a JSON manifest"),
        ("{", "not a JSON manifest"),
        ("[]", "expected a JSON object, found list"),
        ("{}", "the manifest lacks schema, title, license"),
    ],
)
def test_a_broken_manifest_is_named(numbers: Path, text: str, said: str) -> None:
    (numbers / "manifest.json").write_text(text)
    with pytest.raises(DataError, match=said) as caught:
        data.path("sub/numbers/one.csv")
    assert str(numbers / "manifest.json") in str(caught.value)
    count, problems = data.verify()
    assert count == 0
    assert [p.name for p in problems] == ["sub/numbers"]
    assert said in str(problems[0])


def test_a_manifest_that_is_not_utf8_is_named(numbers: Path) -> None:
    (numbers / "manifest.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(DataError, match="not a JSON manifest"):
        data.manifest(numbers)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda c: c.update(schema=99), "schema 99, expected 1"),
        (lambda c: c.update(files=["one.csv"]), "'files' must map names to entries"),
        (lambda c: c.pop("license"), "the manifest lacks license"),
    ],
)
def test_a_manifest_of_another_form_is_named(
    numbers: Path, edit: Callable[[dict[str, Any]], Any], said: str
) -> None:
    _edit_manifest(numbers, edit)
    with pytest.raises(DataError, match=said):
        data.path("sub/numbers/one.csv")


@pytest.mark.parametrize(
    "entry", ["text", None, [], {}, {"sha256": 1, "bytes": 1}, {"sha256": HASH}]
)
def test_an_entry_without_hash_or_size_is_named(numbers: Path, entry: Any) -> None:
    _edit_manifest(numbers, lambda c: c["files"].update({"one.csv": entry}))
    with pytest.raises(DataError, match="its manifest entry lacks sha256 or bytes"):
        data.path("sub/numbers/one.csv")
    assert [p.name for p in data.verify()[1]] == ["sub/numbers/one.csv"]


def test_verify_counts_good_files(numbers: Path, world: World) -> None:
    world.data_set("more", {"three.csv": "4\n"})
    assert data.verify() == (3, [])


def test_verify_names_every_problem_at_once(numbers: Path, world: World) -> None:
    world.data_set("more", {"three.csv": "4\n"})
    world.write("data/bare/x.csv", "5\n")
    (numbers / "one.csv").write_text("a,b")
    (numbers / "two.csv").unlink()
    (numbers / "extra.csv").write_text("9\n")
    (world.root / "data/more/three.csv").write_text("5\n")
    count, problems = data.verify()
    assert count == 3
    said = {p.name: p.what for p in problems}
    assert set(said) == {
        "sub/numbers/one.csv",
        "sub/numbers/two.csv",
        "sub/numbers/extra.csv",
        "more/three.csv",
        "bare",
    }
    assert said["sub/numbers/one.csv"].startswith("truncated; expected sha256 " + HASH)
    assert said["sub/numbers/two.csv"].startswith("missing; expected sha256 ")
    assert said["sub/numbers/extra.csv"] == "not listed in its manifest"
    assert said["more/three.csv"].startswith("altered; expected sha256 ")
    assert "no manifest" in said["bare"]


def test_verify_of_a_checkout_without_data_is_a_problem(world: World) -> None:
    (world.root / "data/claims.schema.json").unlink()
    (world.root / "data").rmdir()
    count, problems = data.verify()
    assert count == 0
    assert len(problems) == 1
    assert "missing" in str(problems[0])


def test_a_read_is_noted_within_a_run_only(
    numbers: Path, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.path("sub/numbers/one.csv")
    monkeypatch.delenv("REPRO_RUN_DIR")
    data.path("sub/numbers/two.csv")
    lines = (run_folder / "data_reads.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"file": "sub/numbers/one.csv", "sha256": HASH}]


def test_a_listing_is_noted_and_follows_the_manifest(numbers: Path, run_folder: Path) -> None:
    assert data.listing("sub/numbers") == ["one.csv", "two.csv"]
    (line,) = (run_folder / "data_reads.jsonl").read_text().splitlines()
    assert json.loads(line) == {"file": "sub/numbers/",
                                "sha256": data.listing_digest("sub/numbers/")}  # fmt: skip
    before = data.listing_digest("sub/numbers")
    content = json.loads((numbers / "manifest.json").read_text())
    entry = content["files"].pop("two.csv")
    (numbers / "manifest.json").write_text(json.dumps(content))
    assert data.listing("sub/numbers") == ["one.csv"]
    assert data.listing_digest("sub/numbers") != before
    # Other contents of the same files are another matter: data.path notes those.
    content["files"] = {"two.csv": {**entry, "sha256": "0" * 64}, **content["files"]}
    (numbers / "manifest.json").write_text(json.dumps(content))
    assert data.listing_digest("sub/numbers") == before


def test_a_folder_that_is_not_there_lists_nothing(numbers: Path) -> None:
    assert data.listing("sub/nothing") == []
    assert data.listing_digest("sub/nothing") != data.listing_digest("sub/numbers")


def test_a_refused_file_is_not_noted(numbers: Path, run_folder: Path) -> None:
    (numbers / "one.csv").write_text("x")
    with pytest.raises(DataError):
        data.path("sub/numbers/one.csv")
    assert not (run_folder / "data_reads.jsonl").exists()


def test_external_finds_and_notes_a_file_of_the_reader(world: World, run_folder: Path) -> None:
    file = world.write("mine/pattern.xy", TEXT)
    assert data.external("mine/pattern.xy") == file
    assert data.external(str(file)) == file
    (line, again) = (run_folder / "data_reads.jsonl").read_text().splitlines()
    assert line == again
    assert json.loads(line) == {"file": f"file:{file}", "sha256": HASH}


@pytest.mark.parametrize("name", ["no-such.xy", "notebooks", "/no/such.xy", ""])
def test_external_names_a_file_that_is_not_there(world: World, name: str) -> None:
    with pytest.raises(InputError, match="no such file") as caught:
        data.external(name)
    assert str((world.root / name).resolve()) in str(caught.value)


def test_code_version_outside_a_checkout_is_the_package_version(world: World) -> None:
    assert data.code_version() == __version__


def test_the_shipped_data_are_what_their_manifests_say() -> None:
    count, problems = data.verify()
    assert paths.root() == REPOSITORY
    assert count > 50
    assert [str(p) for p in problems] == []
