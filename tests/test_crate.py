"""The RO-Crate: what the repository says of itself, held to the rules of RO-Crate 1.1."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import World, tree_hash

from repro import cli, crate, crate_rules, data, notebooks
from repro.errors import DataError, InputError

ROOT = Path(__file__).resolve().parents[1]
PROJECT = '[project]\nname = "small"\ndescription = "A small one"\nrequires-python = ">=3.11"\n'


@pytest.fixture
def small(world: World) -> World:
    world.write("CITATION.cff", (ROOT / "CITATION.cff").read_text("utf-8"))
    world.write("pyproject.toml", PROJECT)
    world.write("README.md", "Read me.\n")
    world.write("book/index.md", "# Index\n")
    world.notebook("01_small", "x = 1")
    world.data_set("numbers", {"a b.csv": "1\n", "µ.bin": "2\n"})
    world.data_set("numbers/more", {"c.json": "{}\n"})
    world.claims()
    return world


def by_id(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entity["@id"]: entity for entity in made["@graph"]}


class TestContent:
    """What a machine learns."""

    def test_it_keeps_the_rules(self, small: World) -> None:
        assert crate_rules.problems(crate.metadata(), small.root) == []

    def test_it_describes_itself_and_the_whole(self, small: World) -> None:
        made = crate.metadata()
        assert made["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
        entities = by_id(made)
        about = entities["ro-crate-metadata.json"]
        assert about["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
        whole = entities["./"]
        assert (whole["name"], whole["description"]) == ("The soft-clay companion", "A small one")
        assert whole["citation"] == {"@id": "https://doi.org/10.1038/s41467-023-42538-2"}
        assert whole["license"] == [{"@id": crate.MIT}, {"@id": crate.CC_BY}]

    def test_the_paper_and_its_authors(self, small: World) -> None:
        entities = by_id(crate.metadata())
        paper = entities["https://doi.org/10.1038/s41467-023-42538-2"]
        assert paper["@type"] == "ScholarlyArticle" and paper["datePublished"] == "2023"
        names = [entities[person["@id"]]["name"] for person in paper["author"]]
        assert names == ["Sunny Gupta", "Xiaochen Yang", "Gerbrand Ceder"]
        assert "people" not in paper

    def test_a_chapter_is_code_with_its_title(self, small: World) -> None:
        entities = by_id(crate.metadata())
        script = entities["notebooks/01_small.py"]
        assert script["@type"] == ["File", "SoftwareSourceCode"]
        assert script["name"] == notebooks.find("01").node().cells[0].source.removeprefix("# ")
        assert script["sha256"] == data.sha256(small.root / "notebooks/01_small.py")
        assert entities["notebooks/01_small.ipynb"]["encodingFormat"] == "application/x-ipynb+json"

    def test_a_data_folder_has_its_licence_sources_and_files(self, small: World) -> None:
        entities = by_id(crate.metadata())
        folder = entities["data/numbers/"]
        assert folder["@type"] == "Dataset"
        assert folder["license"] == {"@id": crate.CC_BY}
        assert folder["description"] == "Sources: made for a test"
        assert folder["hasPart"] == [
            {"@id": "data/numbers/a%20b.csv"},
            {"@id": "data/numbers/%C2%B5.bin"},
        ]
        file = entities["data/numbers/a%20b.csv"]
        assert (file["name"], file["contentSize"], file["encodingFormat"]) == (
            "a b.csv",
            "2",
            "text/csv",
        )
        assert file["sha256"] == data.sha256(small.root / "data/numbers/a b.csv")
        assert "encodingFormat" not in entities["data/numbers/%C2%B5.bin"]

    def test_how_a_data_folder_was_made(self, small: World) -> None:
        entities = by_id(crate.metadata())
        action = entities["#made-data-numbers-more"]
        assert action["@type"] == "CreateAction"
        assert action["result"] == {"@id": "data/numbers/more/"}
        assert action["name"] == "none"
        assert {"@id": "#made-data-numbers-more"} in entities["./"]["mentions"]

    def test_terms_in_words_are_kept_in_words(self, small: World) -> None:
        for name in ("numbers", "numbers/more"):
            file = small.root / "data" / name / "manifest.json"
            content = json.loads(file.read_text())
            file.write_text(json.dumps({**content, "license": "CC BY 4.0; ask Anna"}))
        made = crate.metadata()
        assert crate_rules.problems(made, small.root) == []
        entities = by_id(made)
        terms = entities[entities["data/numbers/"]["license"]["@id"]]
        assert (terms["@type"], terms["name"]) == ("CreativeWork", "CC BY 4.0; ask Anna")

    @pytest.mark.parametrize(
        ("text", "known"),
        [("CC-BY-4.0", True), ("CC BY 4.0", True), ("CC BY 4.0 or so", False), ("MIT?", False)],
    )
    def test_which_words_are_a_known_licence(self, text: str, known: bool) -> None:
        assert (crate._licence(text) == crate.CC_BY) is known

    def test_the_address_of_the_repository_where_there_is_one(self, small: World) -> None:
        assert "url" not in by_id(crate.metadata())["./"]
        file = small.root / "CITATION.cff"
        file.write_text(file.read_text() + "repository-code: https://example.org/clay\n")
        assert by_id(crate.metadata())["./"]["url"] == "https://example.org/clay"

    def test_two_make_the_same(self, small: World) -> None:
        assert json.dumps(crate.metadata()) == json.dumps(crate.metadata())

    def test_damaged_data_are_not_vouched_for(self, small: World) -> None:
        (small.root / "data/numbers/a b.csv").write_text("9\n")
        with pytest.raises(DataError, match=r"1 of the shipped files cannot be used:\n.*altered"):
            crate.metadata()

    @pytest.mark.parametrize("name", ["CITATION.cff", "pyproject.toml"])
    def test_a_source_that_is_missing_is_named(self, small: World, name: str) -> None:
        (small.root / name).unlink()
        with pytest.raises(InputError, match=f"{name}: missing; the metadata are made from it"):
            crate.metadata()


def _set(name: str, key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(made: dict[str, Any]) -> None:
        by_id(made)[name][key] = value

    return change


def _add(entity: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    return lambda made: made["@graph"].append(entity)


def _drop(name: str) -> Callable[[dict[str, Any]], None]:
    def change(made: dict[str, Any]) -> None:
        made["@graph"] = [entity for entity in made["@graph"] if entity["@id"] != name]

    return change


ME = "ro-crate-metadata.json"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda made: made.update({"@context": "https://schema.org"}),
            "the context is not that of RO-Crate 1.1",
        ),
        (lambda made: made.update({"@graph": {}}), "expected an object with an array '@graph'"),
        (_add({"@type": "Person"}), "each entity needs an '@id' and an '@type'"),
        (_add({"@id": "#x"}), "each entity needs an '@id' and an '@type'"),
        (_add({"@id": "#python", "@type": "Thing"}), "an '@id' stands twice: #python"),
        (_drop(ME), "no entity describes the metadata file itself"),
        (_set(ME, "@type", "Dataset"), f"{ME}: expected the type CreativeWork"),
        (
            _set(ME, "conformsTo", {"@id": "https://example.org"}),
            f"{ME}: 'conformsTo' does not name",
        ),
        (_set(ME, "about", {"@id": "#python"}), f"{ME}: 'about' does not lead to the root"),
        (_set("./", "@type", "File"), "./: expected the type Dataset"),
        (_set("./", "license", ""), "./: lacks 'license'"),
        (_set("./", "description", None), "./: lacks 'description'"),
        (
            _set("./", "datePublished", "yesterday"),
            "./: 'datePublished' is no ISO 8601 date: 'yesterday'",
        ),
        (
            _set("./", "author", {"@id": "#nobody"}),
            "./: 'author' refers to '#nobody', which is not described",
        ),
        (_set("./", "author", {"@id": "#a", "name": "A"}), "./: 'author' holds a nested object"),
        (
            _set("README.md", "sha256", "0" * 64),
            "README.md: its content is not that of the stated sha256",
        ),
        (_add({"@id": "lost.md", "@type": "File"}), "lost.md: no such file"),
        (
            _add({"@id": "lost.md", "@type": "File"}),
            "lost.md: no 'hasPart' leads to it from the root",
        ),
        (_add({"@id": "lost/", "@type": "Dataset"}), "lost/: no such folder"),
        (_add({"@id": "book", "@type": "Dataset"}), "book: the name of a folder must end in '/'"),
        (
            _add({"@id": "a b.md", "@type": "File"}),
            "a b.md: expected a relative, percent-encoded path",
        ),
        (_add({"@id": "/etc/passwd", "@type": "File"}), "/etc/passwd: expected a relative"),
        (_add({"@id": "../x", "@type": "File"}), "../x: expected a relative"),
    ],
)
def test_a_broken_rule_is_named(
    small: World, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    made = copy.deepcopy(crate.metadata())
    change(made)
    assert any(line.startswith(said) for line in crate_rules.problems(made, small.root))


def test_a_file_elsewhere_and_a_typed_value_break_no_rule(small: World) -> None:
    made = crate.metadata()
    made["@graph"].append(
        {"@id": "https://example.org/x.csv", "@type": "File", "size": {"@value": "3"}}
    )
    by_id(made)["./"]["hasPart"].append({"@id": "https://example.org/x.csv"})
    assert crate_rules.problems(made, small.root) == []


class TestCommand:
    """``repro crate``."""

    def test_it_writes_one_file_and_checks_it(
        self, small: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = tree_hash(small.root)
        assert cli.main(["crate"]) == 0
        file = small.root / ME
        assert capsys.readouterr().out == f"{file}\n"
        assert json.loads(file.read_text()) == crate.metadata()
        assert cli.main(["crate", "--check"]) == 0
        assert "keeps the rules and fits the files" in capsys.readouterr().out
        file.unlink()
        assert tree_hash(small.root) == before

    def test_a_stale_file_is_found(self, small: World, capsys: pytest.CaptureFixture[str]) -> None:
        crate.write()
        small.write("README.md", "Another.\n")
        assert cli.main(["crate", "--check"]) == 1
        assert "README.md: its content is not that of the stated sha256" in capsys.readouterr().err

    def test_what_was_added_is_missed(
        self, small: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        crate.write()
        small.data_set("later", {"new.csv": "1\n"})
        assert cli.main(["crate", "--check"]) == 1
        said = capsys.readouterr().err
        for name in ("data/later/new.csv", "data/later/", "#made-data-later"):
            assert f"{name}: not described; 'repro crate' writes the file anew" in said
        crate.write()
        assert cli.main(["crate", "--check"]) == 0

    @pytest.mark.parametrize(
        ("text", "said"),
        [(None, "no such file; 'repro crate' writes it"), ("{", "not JSON"), ("[]", "1 problems")],
    )
    def test_what_cannot_be_checked(
        self, small: World, capsys: pytest.CaptureFixture[str], text: str | None, said: str
    ) -> None:
        if text is not None:
            small.write(ME, text)
        assert cli.main(["crate", "--check"]) == 1
        assert said in capsys.readouterr().err

    def test_metadata_that_break_a_rule_are_not_written(
        self, small: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(crate, "_date", lambda _: "some day")
        with pytest.raises(InputError, match="'datePublished' is no ISO 8601 date"):
            crate.write()
        assert not (small.root / ME).exists()


def test_the_repository_itself_keeps_the_rules() -> None:
    made = crate.metadata()
    assert crate_rules.problems(made, ROOT) == []
    entities = by_id(made)
    for chapter in notebooks.every():
        assert f"notebooks/{chapter.name}.py" in entities
    for folder in data.folders():
        entity = entities[f"data/{folder.relative_to(ROOT / 'data').as_posix()}/"]
        assert len(entity["hasPart"]) == len(data.manifest(folder)["files"])
        assert entity["license"]["@id"] in entities


def test_git_ignores_what_is_generated() -> None:
    assert ME in (ROOT / ".gitignore").read_text("utf-8").splitlines()
