"""The rules of RO-Crate 1.1, held against metadata and the folder that they describe.

https://w3id.org/ro/crate/1.1 in short: a flat list of entities, each with an id and a
type; one that describes the metadata file and names the profile; a root data set with
name, description, date and licence; every file and folder reached from the root by
``hasPart`` and really there; every reference resolved.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from repro import data

FILE = "ro-crate-metadata.json"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "https://w3id.org/ro/crate/1.1"

Entity = dict[str, Any]


def problems(crate: Any, root: Path) -> list[str]:
    """Return, in words, which rules of RO-Crate 1.1 some metadata break.

    Parameters
    ----------
    crate:
        Parsed JSON.
    root:
        The folder that the crate describes: files must be there, with their hashes.
    """
    if not isinstance(crate, dict) or not isinstance(crate.get("@graph"), list):
        return ["expected an object with an array '@graph'"]
    context = crate.get("@context")
    found = []
    if CONTEXT not in (context if isinstance(context, list) else [context]):
        found.append(f"the context is not that of RO-Crate 1.1: {context!r}")
    graph = [entity for entity in crate["@graph"] if isinstance(entity, dict)]
    if len(graph) < len(crate["@graph"]) or any(
        not isinstance(e.get("@id"), str) or not e.get("@type") for e in graph
    ):
        return [*found, "each entity needs an '@id' and an '@type'"]
    by_id = {entity["@id"]: entity for entity in graph}
    if len(by_id) < len(graph):
        double = sorted({e["@id"] for e in graph if sum(o["@id"] == e["@id"] for o in graph) > 1})
        found.append(f"an '@id' stands twice: {', '.join(double)}")
    found += _of_the_root(by_id)
    for entity in graph:
        found += _of_one(entity, by_id, root)
    return found + _loose(by_id)


def _types(entity: Entity) -> list[str]:
    kind = entity["@type"]
    return list(kind) if isinstance(kind, list) else [kind]


def _references(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [str(item["@id"]) for item in items if isinstance(item, dict) and "@id" in item]


def _of_the_root(by_id: Mapping[str, Entity]) -> list[str]:
    about = by_id.get(FILE)
    if about is None:
        return [f"no entity describes the metadata file itself ({FILE})"]
    found = []
    if _types(about) != ["CreativeWork"]:
        found.append(f"{FILE}: expected the type CreativeWork")
    if not any(r.startswith(PROFILE) for r in _references(about.get("conformsTo"))):
        found.append(f"{FILE}: 'conformsTo' does not name {PROFILE}")
    if _references(about.get("about")) != ["./"] or "./" not in by_id:
        return [*found, f"{FILE}: 'about' does not lead to the root './'"]
    whole = by_id["./"]
    if "Dataset" not in _types(whole):
        found.append("./: expected the type Dataset")
    found += [
        f"./: lacks {name!r}"
        for name in ("name", "description", "datePublished", "license")
        if not whole.get(name)
    ]
    try:
        datetime.datetime.fromisoformat(str(whole.get("datePublished", "")))
    except ValueError:
        found.append(f"./: 'datePublished' is no ISO 8601 date: {whole.get('datePublished')!r}")
    return found


def _of_one(entity: Entity, by_id: Mapping[str, Entity], root: Path) -> list[str]:
    name = entity["@id"]
    found = []
    for key, value in entity.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and not ({"@id"} == set(item) or "@value" in item):
                found.append(f"{name}: {key!r} holds a nested object; expected a reference")
        found += [
            f"{name}: {key!r} refers to {target!r}, which is not described"
            for target in _references(value)
            if target not in by_id and not urlsplit(target).scheme
        ]
    kinds = _types(entity)
    if not {"File", "Dataset"} & set(kinds) or name == "./" or urlsplit(name).scheme:
        return found
    path = unquote(name)
    if name.startswith(("/", "../")) or "\\" in name or quote(path, safe="/") != name:
        return [*found, f"{name}: expected a relative, percent-encoded path"]
    if "Dataset" in kinds:
        if not name.endswith("/"):
            found.append(f"{name}: the name of a folder must end in '/'")
        if not (root / path).is_dir():
            found.append(f"{name}: no such folder")
    elif not (root / path).is_file():
        found.append(f"{name}: no such file")
    elif "sha256" in entity and data.sha256(root / path) != entity["sha256"]:
        found.append(f"{name}: its content is not that of the stated sha256")
    return found


def _loose(by_id: Mapping[str, Entity]) -> list[str]:
    """Return the data entities to which no chain of ``hasPart`` leads from the root."""
    reached, waiting = set(), ["./"]
    while waiting:
        here = waiting.pop()
        if here not in reached and here in by_id:
            reached.add(here)
            waiting += _references(by_id[here].get("hasPart", []))
    return [
        f"{name}: no 'hasPart' leads to it from the root"
        for name, entity in by_id.items()
        if {"File", "Dataset"} & set(_types(entity)) and name not in reached
    ]
