"""One object of a Feast registry: what the import of the complete registry sends about it.

A view has its feature set and features, a service its feature set, a data source the event of its data. An entity has
the views whose keys it gives.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from app.ingest.load.source_asset import AbsentObjectError
from app.ingest.load.source_load import ObjectContent, SourceContent
from app.ingest.sources.feast.mapping import (
    FEATURE_SERVICE,
    FeastMapping,
    feature_location,
    location_of,
    name_of,
)
from app.ingest.sources.feast.registry import VIEWS
from graphql_schema.ports.record import Record

_SECTIONS: Final = {
    "data_source": "dataSources",
    "entity": "entities",
    "feature_service": "featureServices",
    "feature_view": "featureViews",
    "on_demand_feature_view": "onDemandFeatureViews",
    "stream_feature_view": "streamFeatureViews",
}
"""The section of the registry that has the objects of each type."""


class FeastProject:
    """A registry with all that its import sends."""

    def __init__(self, mapping: FeastMapping, *, with_owners: bool) -> None:
        self._registry = mapping.registry
        self._content = mapping.content(with_owners=with_owners)

    def read_object(self, object_type: str, name: str) -> ObjectContent:
        """Return the content about the object with a type and a name; an entity and a request source are no assets.

        An object without an id has a failure instead. Raises AbsentObjectError if the registry has no such object.
        """
        section = _SECTIONS[object_type]
        named = next((each for each in self._registry.section(section) if name_of(each) == name), None)
        if named is None:
            raise AbsentObjectError(f"The registry has no {object_type} {name!r}.")
        if object_type == "data_source":
            return self._data_source(location_of("data source", named))
        if object_type == "entity":
            found = (each for each in self._registry.views() if name in self._registry.entities(each[1]))
            return ObjectContent(self._part([location_of(kind, view) for kind, view in found]))
        if object_type == "feature_service":
            location, features = location_of(FEATURE_SERVICE, named), []
        else:
            location, features = location_of(VIEWS[section], named), _features(named)
        content = self._part([location, *features], [f"owner of {location}"])
        bodies = (body for each in content.items if each.location == location for body in each.value.values())
        return ObjectContent(content, location, next((str(body["id"]) for body in bodies), None))

    def _data_source(self, location: str) -> ObjectContent:
        """Return the event about the data of a source; nothing for a source without data."""
        complete, dataset = self._content, self._content.subjects.get(location)
        events = [each for each in complete.events if each.location == location]
        part = replace(self._part([location]), events=events, subjects=complete.subjects)
        return ObjectContent(part, location if dataset else "", dataset)

    def _part(self, items: Collection[str], owners: Collection[str] = ()) -> SourceContent:
        """Return the items, failures and owners with these locations."""
        complete = self._content
        found = [each for each in complete.items if each.location in items]
        return SourceContent(
            items=found,
            owned=complete.owned.among(found),
            owners=[each for each in complete.owners if each.location in owners],
            failures=[each for each in complete.failures if each.location in items],
        )


def _features(view: Record) -> list[str]:
    """Return the locations of the features of a view."""
    return [feature_location(name_of(view), name_of(each)) for each in view["spec"].get("features") or ()]
