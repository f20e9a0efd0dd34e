"""Reads the artifacts of one dbt project: the files that dbt writes into its target folder."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from app.ingest.sources.source_file import SourceFiles
from graphql_schema.ports.record import JsonObject, Record
from policies.errors import InvalidError

MANIFEST: Final = "manifest.json"
CATALOG: Final = "catalog.json"
RUN_RESULTS: Final = "run_results.json"
FRESHNESS: Final = "sources.json"

TABLE_TYPES: Final = ("model", "seed", "snapshot", "source")
"""Types of resources that are a table or view; a model may be ephemeral, which is none."""

_SECTIONS: Final = (
    "nodes",
    "sources",
    "exposures",
    "semantic_models",
    "metrics",
    "saved_queries",
    "unit_tests",
    "groups",
)
"""Sections of the manifest that hold resources by their unique id."""


@dataclass(frozen=True)
class Artifacts:
    """The artifacts of a project; all but the manifest are {} if their file is absent."""

    manifest: Record
    catalog: Record
    run_results: Record
    freshness: Record

    @property
    def project(self) -> str:
        """The name of the project."""
        return str(self.manifest["metadata"]["project_name"])

    @property
    def adapter(self) -> str:
        """The type of the adapter, such as `postgres`; "" if the manifest has none."""
        return str(self.manifest["metadata"].get("adapter_type") or "")

    @property
    def generated_at(self) -> str:
        """The instant of the newer one of manifest and catalog, as ISO 8601 text."""
        return max(str(each["metadata"]["generated_at"]) for each in (self.manifest, self.catalog) if each)

    @cached_property
    def resources(self) -> dict[str, Record]:
        """The resources of all sections, by unique id."""
        return {uid: each for section in _SECTIONS for uid, each in (self.manifest.get(section) or {}).items()}

    def of_type(self, *types: str) -> Iterator[Record]:
        """Yield the resources of some types, in the order of the types and the manifest."""
        for wanted in types:
            yield from (each for each in self.resources.values() if each.get("resource_type") == wanted)

    def tables(self) -> Iterator[Record]:
        """Yield the resources that are a table or view of the warehouse."""
        yield from (each for each in self.of_type(*TABLE_TYPES) if is_table(each))

    def cataloged(self, unique_id: str) -> Record:
        """Return the entry of a table in the catalog, {} without one."""
        for section in ("nodes", "sources"):
            found: Record | None = (self.catalog.get(section) or {}).get(unique_id)
            if found:
                return found
        return {}

    def parents(self, resource: Record) -> list[Record]:
        """Return the resources that a resource depends on; the parents of an ephemeral model replace the model."""
        found: dict[str, Record] = {}
        pending, visited = deque(depends_on(resource)), set[str]()
        while pending:
            uid = pending.popleft()
            parent = self.resources.get(uid)
            if parent is None or uid in visited:
                continue
            visited.add(uid)
            if parent.get("resource_type") == "model" and not is_table(parent):
                pending.extendleft(reversed([*depends_on(parent)]))
            else:
                found[uid] = parent
        return list(found.values())


def is_table(resource: Record) -> bool:
    """Return whether a resource is a table or view of the warehouse."""
    if resource.get("resource_type") not in TABLE_TYPES:
        return False
    return (resource.get("config") or {}).get("materialized") != "ephemeral"


def depends_on(resource: Record) -> Iterable[str]:
    """Return the unique ids that a resource names in ``depends_on``."""
    nodes: list[str] = (resource.get("depends_on") or {}).get("nodes") or []
    return nodes


def meta_of(resource: Record) -> Record:
    """Return the ``meta`` of a resource and of its configuration; of equal keys, that of the configuration counts."""
    return {**(resource.get("meta") or {}), **((resource.get("config") or {}).get("meta") or {})}


def tags_of(resource: Record) -> list[str]:
    """Return the tags of a resource or column, those of its configuration too, each once in order."""
    given = [*(resource.get("tags") or []), *((resource.get("config") or {}).get("tags") or [])]
    return list(dict.fromkeys(map(str, given)))


def read_artifacts(folder: Path) -> Artifacts:
    """Read the artifacts in a target folder.

    Raises InvalidError if there is no manifest, or a file is no artifact of dbt; OSError if a file cannot be read.
    """
    if not (folder / MANIFEST).is_file():
        raise InvalidError(f"{folder} has no {MANIFEST}; run `dbt build` or `dbt parse`, and give its target folder.")
    files = SourceFiles()
    manifest = _artifact(folder / MANIFEST, files)
    if not isinstance(manifest.get("nodes"), dict) or not manifest["metadata"].get("project_name"):
        raise InvalidError(
            f"{folder / MANIFEST} has no `nodes` or `metadata.project_name`; write it with dbt 1.5 or later."
        )
    others = (
        _artifact(folder / name, files) if (folder / name).is_file() else {}
        for name in (CATALOG, RUN_RESULTS, FRESHNESS)
    )
    return Artifacts(manifest, *others)


def _artifact(file: Path, files: SourceFiles) -> JsonObject:
    content = files.read_json(file, "let dbt write it again")
    if not isinstance(content, dict) or not isinstance(content.get("metadata"), dict):
        raise InvalidError(
            f"{file} is no artifact of dbt, because it has no `metadata`; give the target folder of dbt."
        )
    return content
