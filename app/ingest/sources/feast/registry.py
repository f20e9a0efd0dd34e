"""Reads the registry of a Feast project from the JSON that `feast registry-dump` writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from app.ingest.sources.source_file import SourceFiles
from graphql_schema.ports.record import Json, Record
from policies.errors import InvalidError

VIEWS: Final = {
    "featureViews": "feature view",
    "streamFeatureViews": "stream feature view",
    "onDemandFeatureViews": "on-demand feature view",
}
"""The sections of a registry that hold views, and what a view of the section is called."""

_NO_ENTITY: Final = "__dummy"
"""The entity that Feast gives to a view without one."""


@dataclass(frozen=True)
class Registry:
    """The registry of one project: lists of objects by section. ``file`` names it in messages."""

    project: str
    content: Record
    file: str = "the registry"

    def section(self, name: str) -> Iterator[Record]:
        """Yield the objects of a section, none if it is absent."""
        yield from self.content.get(name) or ()

    def views(self) -> Iterator[tuple[str, Record]]:
        """Yield the name of the type of each view, and the view."""
        for section, kind in VIEWS.items():
            yield from ((kind, view) for view in self.section(section))

    def join_keys(self, view: Record) -> list[str]:
        """Return the columns by which the features of a view are looked up, in the order of its entities."""
        return [self._keys.get(name) or name for name in self.entities(view)]

    @cached_property
    def _keys(self) -> dict[Json, Json]:
        """The join key of each entity by its name."""
        return {each["spec"].get("name"): each["spec"].get("joinKey") for each in self.section("entities")}

    def entities(self, view: Record) -> list[str]:
        """Return the names of the entities of a view."""
        return [name for name in view["spec"].get("entities") or () if name != _NO_ENTITY]


def read_registry(file: Path) -> Registry:
    """Read a registry; raises InvalidError if the file is no dump of a registry, OSError if it cannot be read."""
    content = SourceFiles().read_json(file, "write it with `feast registry-dump > registry.json`")
    if not isinstance(content, dict) or not isinstance(content.get("project"), str) or not content["project"]:
        raise InvalidError(f"{file} has no `project`; write it with `feast registry-dump > registry.json`.")
    return Registry(content["project"], content, str(file))
