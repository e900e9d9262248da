"""Machine-readable metadata: this repository as an RO-Crate.

RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) is a JSON-LD file, ``ro-crate-metadata.json``,
in the root of a folder.  It says in a flat list of entities what the folder is, what is
in it, who made it how, and under which licence.  Everything here is read from what the
repository already says of itself: ``CITATION.cff``, ``pyproject.toml``, the manifests of
``data/`` and the titles of the chapters.  ``sha256`` is schema.org's term; 1.1's own
context is older than it, so the context is extended.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from repro import book, data, notebooks, paths
from repro.crate_rules import CONTEXT, FILE, PROFILE, Entity, problems
from repro.errors import InputError

MIT = "https://spdx.org/licenses/MIT"
CC_BY = "https://spdx.org/licenses/CC-BY-4.0"
_LICENCES = {
    MIT: ("MIT", "MIT License"),
    CC_BY: ("CC-BY-4.0", "Creative Commons Attribution 4.0 International"),
}
_FORMATS = {
    ".bib": "application/x-bibtex", ".cff": "application/yaml", ".cif": "chemical/x-cif",
    ".csv": "text/csv", ".gz": "application/gzip", ".h5": "application/x-hdf5",
    ".ipynb": "application/x-ipynb+json", ".json": "application/json", ".lock": "text/plain",
    ".md": "text/markdown", ".npz": "application/zip", ".py": "text/x-python",
    ".toml": "application/toml", ".txt": "text/plain", ".yaml": "application/yaml",
    ".yml": "application/yaml", ".zip": "application/zip",
}  # fmt: skip
# Files that are no chapter and no data, with what they are.
_OTHERS = {
    "README.md": "What this is and how to build it",
    "CITATION.cff": "How to cite it",
    "pyproject.toml": "The package and its requirements",
    "requirements.lock": "Every package with its hashes",
    "environment.yml": "The direct requirements for conda",
    "Makefile": "The commands",
    "data/claims.yaml": "The ledger of the paper's claims, with tolerances and verdicts",
    "data/claims.schema.json": "The JSON schema of the ledger",
}
_FOLDERS = {
    "src/repro/": "The package: all algorithms, the runner, the ledger",
    "book/": "Prose, bibliography and static files of the book",
    "tests/": "Tests",
    "workflow/": "The molecular dynamics campaign as a workflow",
}


def _ref(identifier: str) -> dict[str, str]:
    return {"@id": identifier}


def _path_id(path: str) -> str:
    return quote(path, safe="/")


def metadata() -> dict[str, Any]:
    """Return the RO-Crate of this repository as plain data, ready for JSON.

    Raises
    ------
    DataError
        If a shipped file differs from its manifest: its hash would be a false promise.
    InputError
        If ``CITATION.cff`` or ``pyproject.toml`` is missing.
    NotebookError
        If a chapter has no title.
    """
    data.require_all()
    root = paths.root()
    cited: Mapping[str, Any] = yaml.safe_load(_text(root / "CITATION.cff"))
    project: Mapping[str, Any] = tomllib.loads(_text(root / "pyproject.toml"))["project"]
    paper = _paper(cited)
    parts: list[Entity] = [*_chapters(paper), *_data(), *_others(root)]
    actions = [entity for entity in parts if entity["@type"] == "CreateAction"]
    contextual = [entity for entity in parts if entity["@type"] == "CreativeWork"]
    inside = [entity for entity in parts if entity not in actions and entity not in contextual]
    below = {part["@id"] for entity in inside for part in entity.get("hasPart", [])}
    whole: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": cited["title"],
        "description": project["description"],
        "version": str(cited["version"]),
        "datePublished": _date(root),
        "license": [_ref(MIT), _ref(CC_BY)],
        "author": _ref("#authors"),
        "citation": _ref(paper["@id"]),
        "hasPart": [_ref(entity["@id"]) for entity in inside if entity["@id"] not in below],
        "mentions": [_ref(action["@id"]) for action in actions],
    }
    if cited.get("repository-code"):
        whole["url"] = cited["repository-code"]
    about: Entity = {
        "@id": FILE,
        "@type": "CreativeWork",
        "conformsTo": _ref(PROFILE),
        "about": _ref("./"),
    }
    others = [
        {"@id": "#authors", "@type": "Organization", "name": cited["authors"][0]["name"]},
        {"@id": "#python", "@type": "ComputerLanguage", "name": "Python",
         "version": project["requires-python"], "url": "https://www.python.org/"},
        *({"@id": key, "@type": "CreativeWork", "name": long, "identifier": short}
          for key, (short, long) in _LICENCES.items()),
        paper, *paper.pop("people"),
    ]  # fmt: skip
    graph = [about, whole, *inside, *_once(contextual), *actions, *others]
    return {"@context": [CONTEXT, {"sha256": "https://schema.org/sha256"}], "@graph": graph}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{file}: missing; the metadata are made from it") from None


def _date(root: Path) -> str:
    """Return the day of the last commit, or today outside of git (ISO 8601)."""
    try:
        said = subprocess.run(
            ["git", "log", "-1", "--format=%cs"], cwd=root, capture_output=True, text=True,
            check=True, timeout=20,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        said = ""
    return said or datetime.date.today().isoformat()


def _paper(cited: Mapping[str, Any]) -> Entity:
    """Return the paper that this is about; its authors stand under ``people``."""
    reference = cited["references"][0]
    people = [
        {"@id": f"#author-{person['family-names'].lower()}", "@type": "Person",
         "name": f"{person['given-names']} {person['family-names']}"}
        for person in reference["authors"]
    ]  # fmt: skip
    return {
        "@id": f"https://doi.org/{reference['doi']}",
        "@type": "ScholarlyArticle",
        "name": reference["title"],
        "author": [_ref(person["@id"]) for person in people],
        "isPartOf": f"{reference['journal']} {reference['volume']}",
        "datePublished": str(reference["year"]),
        "people": people,
    }


def _file(path: str, *, digest: str, size: int, **more: Any) -> Entity:
    entity: Entity = {
        "@id": _path_id(path),
        "@type": "File",
        "name": Path(path).name,
        "contentSize": str(size),
        "sha256": digest,
    }
    form = _FORMATS.get(Path(path).suffix)
    return entity | ({"encodingFormat": form} if form else {}) | more


def _own_file(path: str, **more: Any) -> Entity:
    file = paths.root() / path
    return _file(path, digest=data.sha256(file), size=file.stat().st_size, **more)


def _chapters(paper: Entity) -> Iterable[Entity]:
    for chapter in notebooks.every():
        title = book.title(chapter)
        for suffix in (".py", ".ipynb"):
            path = f"notebooks/{chapter.name}{suffix}"
            if (paths.root() / path).is_file():
                yield _own_file(path, **{
                    "@type": ["File", "SoftwareSourceCode"],
                    "name": title,
                    "description": f"Chapter {chapter.name}"
                    + (", the source" if suffix == ".py" else ", paired with the script"),
                    "about": _ref(paper["@id"]),
                    "programmingLanguage": _ref("#python"),
                    "license": [_ref(MIT), _ref(CC_BY)],
                })  # fmt: skip


def _data() -> Iterable[Entity]:
    base = paths.data_dir()
    for folder in data.folders():
        manifest = data.manifest(folder)
        here = f"data/{folder.relative_to(base).as_posix()}/"
        licence = _licence(manifest["license"])
        if isinstance(licence, dict):
            yield licence
        terms = _ref(licence["@id"] if isinstance(licence, dict) else licence)
        files = [
            _file(here + name, digest=entry["sha256"], size=entry["bytes"],
                  description=entry.get("description", ""), license=terms)
            for name, entry in manifest["files"].items()
        ]  # fmt: skip
        yield {
            "@id": _path_id(here),
            "@type": "Dataset",
            "name": manifest["title"],
            "description": "Sources: " + "; ".join(manifest["sources"]),
            "license": terms,
            "dateCreated": manifest["created"],
            "hasPart": [_ref(file["@id"]) for file in files],
        }
        yield from files
        yield {
            "@id": "#made-" + re.sub(r"[^a-z0-9]+", "-", here.lower()).strip("-"),
            "@type": "CreateAction",
            "name": manifest["command"],
            "description": (
                f"Code {manifest['code_version']}, seed {manifest['seed']}, "
                f"{manifest['wall_time_s']} s on {manifest['machine']}"
            ),
            "endTime": manifest["created"],
            "result": _ref(_path_id(here)),
        }


def _licence(text: str) -> str | Entity:
    """Return the address of a licence, or an entity for terms in words."""
    if text.strip().replace(" ", "-").upper() == "CC-BY-4.0":
        return CC_BY
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return {"@id": f"#terms-{digest}", "@type": "CreativeWork", "name": text}


def _others(root: Path) -> Iterable[Entity]:
    for path, what in _OTHERS.items():
        if (root / path).is_file():
            yield _own_file(path, description=what)
    for path, what in _FOLDERS.items():
        if (root / path).is_dir():
            yield {"@id": path, "@type": "Dataset", "name": path.rstrip("/"), "description": what}


def _once(entities: Iterable[Entity]) -> list[Entity]:
    return list({entity["@id"]: entity for entity in entities}.values())


def check(root: Path) -> None:
    """Refuse a metadata file that breaks a rule or no longer fits its folder.

    Raises
    ------
    InputError
        Naming each problem, or what of the repository is not in the file.
    DataError, NotebookError
        As :func:`metadata`.
    """
    file = root / FILE
    try:
        crate = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file}: no such file; 'repro crate' writes it") from None
    except ValueError as error:
        raise InputError(f"{file}: not JSON: {error}") from None
    _require(problems(crate, root), file)
    described = {entity["@id"] for entity in crate["@graph"]}
    new = [entity["@id"] for entity in metadata()["@graph"] if entity["@id"] not in described]
    _require([f"{name}: not described; 'repro crate' writes the file anew" for name in new], file)


def _require(found: list[str], file: Path) -> None:
    if found:
        raise InputError(f"{file}: {len(found)} problems:\n  " + "\n  ".join(found[:40]))


def write() -> Path:
    """Write ``ro-crate-metadata.json`` into the root of the repository.

    Raises
    ------
    InputError
        If it would break a rule of RO-Crate; nothing is written then.
    DataError, NotebookError
        As :func:`metadata`.
    """
    root = paths.root()
    crate = metadata()
    _require(problems(crate, root), root / FILE)
    paths.write_text(root / FILE, json.dumps(crate, indent=1, ensure_ascii=False) + "\n")
    return root / FILE
