"""Maps a registry of Feast: data sources to events, views and services to feature sets, their fields to features."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from app.ingest.load.batches import ImportItem
from app.ingest.load.ended_assets import OwnedAssets
from app.ingest.load.source_load import SourceContent
from app.ingest.sources.feast.feast_sources import REQUEST, SOURCE, place_of, source_event
from app.ingest.sources.feast.registry import Registry
from app.ingest.sources.openlineage.catalog_names import owner_urn
from app.ingest.sources.openlineage.event_names import EventNames
from graphql_schema.catalog.urn import make_urn
from graphql_schema.ports.record import JsonObject, Record

PROJECT: Final = "feast.project"
"""The key of a property of every imported FeatureSet and Feature; its value is the project."""

SERVICE: Final = "service:"
"""The begin of the name of a feature service in its id, because a view may have the same name."""

_SECONDS: Final = re.compile(r"(\d+)(?:\.\d+)?s")


class FeastMapping:
    """Maps one registry; ``namespace`` is that of the tables of its warehouse in OpenLineage, None if not given."""

    def __init__(self, registry: Registry, namespace: str | None, events: EventNames) -> None:
        self.registry = registry
        self._namespace = namespace
        self._events = events

    def content(self, *, with_owners: bool) -> SourceContent:
        """Return all that is sent; raises InvalidError if a name does not fit into an id."""
        sources = {f"data source {each['name']}": each for each in self.registry.section("dataSources")}
        data = {where: each for where, each in sources.items() if each.get("type") != REQUEST}
        own = [*self._own_items()]
        return SourceContent(
            events=[
                ImportItem(where, source_event(each, self._place(each), with_owners=with_owners))
                for where, each in data.items()
            ],
            subjects={where: self._dataset(each) for where, each in data.items()},
            items=own,
            owners=[*self._owner_items()] if with_owners else (),
            owned=OwnedAssets(SOURCE, self.registry.project, PROJECT, _ids(own)),
            skipped={"request source": len(sources) - len(data)} if len(sources) > len(data) else {},
        )

    def _own_items(self) -> Iterator[ImportItem]:
        for kind, view in self.registry.views():
            yield ImportItem(f"{kind} {name_of(view)}", {"featureSet": self._view(kind, view)})
            for feature in view["spec"].get("features") or ():
                yield ImportItem(
                    f"feature {name_of(view)}:{feature['name']}", {"feature": self._feature(view, feature)}
                )
        for service in self.registry.section("featureServices"):
            yield ImportItem(f"feature service {name_of(service)}", {"featureSet": self._service(service)})

    def _owner_items(self) -> Iterator[ImportItem]:
        """Yield the items that set owners; they are apart, because the caller may not have the right to set them."""
        views = ((name_of(view), view) for _, view in self.registry.views())
        services = ((SERVICE + name_of(each), each) for each in self.registry.section("featureServices"))
        for name, each in (*views, *services):
            if each["spec"].get("owner"):
                owners = [{"owner": owner_urn(each["spec"]["owner"])}]
                yield ImportItem(f"owner of {name}", {"featureSet": {"id": self._set(name), "owners": owners}})

    def _view(self, kind: str, view: Record) -> JsonObject:
        spec, meta = view["spec"], view.get("meta") or {}
        ended = [each["endTime"] for each in meta.get("materializationIntervals") or () if each.get("endTime")]
        kept = {
            "kind": kind,
            "entities": ", ".join(self.registry.entities(view)),
            "mode": spec.get("mode"),
            "materializedUntil": max(ended, default=None),
        }
        return {
            **self._set_body(name_of(view), spec, meta, kept),
            "entityKeys": self.registry.join_keys(view),
            "online": bool(spec.get("online")),
            "derivedFrom": [*self._datasets(spec), *self._source_features(spec)],
        }

    def _service(self, service: Record) -> JsonObject:
        spec = service["spec"]
        return {
            **self._set_body(SERVICE + name_of(service), spec, service.get("meta") or {}, {"kind": "feature service"}),
            "derivedFrom": [urn for each in spec.get("features") or () for urn in self._projected(each)],
        }

    def _set_body(self, name: str, spec: Record, meta: Record, kept: Record) -> JsonObject:
        return {
            "id": self._set(name),
            "displayName": spec["name"],
            "description": spec.get("description") or None,
            "sourceCreatedAt": meta.get("createdTimestamp"),
            "tags": _tags(spec),
            "properties": self._properties(kept),
        }

    def _feature(self, view: Record, feature: Record) -> JsonObject:
        return {
            "id": self._feature_urn(name_of(view), feature["name"]),
            "displayName": feature["name"],
            "description": feature.get("description") or None,
            "dataType": feature.get("valueType"),
            "freshnessSla": _ttl(view["spec"]),
            "featureSet": self._set(name_of(view)),
            "tags": _tags(feature),
            "properties": self._properties({}),
        }

    def _datasets(self, spec: Record) -> list[str]:
        """Return the ids of the data that a view is computed from: its batch source, and its stream or push source."""
        given = [spec.get("batchSource"), spec.get("streamSource")]
        return list(dict.fromkeys(self._dataset(each) for each in given if each))

    def _source_features(self, spec: Record) -> list[str]:
        """Return the ids of the features that an on-demand view is computed from."""
        given = (each.get("featureViewProjection") for each in (spec.get("sources") or {}).values())
        return [urn for each in given if each for urn in self._projected(each)]

    def _projected(self, projection: Record) -> list[str]:
        view = projection["featureViewName"]
        return [self._feature_urn(view, each["name"]) for each in projection.get("featureColumns") or ()]

    def _properties(self, kept: Record) -> list[JsonObject]:
        texts = {
            PROJECT: self.registry.project,
            **{f"feast.{key}": str(value) for key, value in kept.items() if value},
        }
        return [{"key": key, "value": text} for key, text in texts.items()]

    def _place(self, source: Record) -> tuple[str, str]:
        return place_of(source, self.registry.project, self._namespace)

    def _dataset(self, source: Record) -> str:
        return self._events.dataset(*self._place(source)).urn

    def _set(self, name: str) -> str:
        return make_urn("feature-set", SOURCE, self.registry.project, name)

    def _feature_urn(self, view: str, feature: str) -> str:
        return make_urn("feature", SOURCE, self.registry.project, f"{view}:{feature}")


def name_of(each: Record) -> str:
    """Return the name of an object of a registry; a data source has no `spec`."""
    return str((each.get("spec") or each)["name"])


def _ttl(spec: Record) -> str | None:
    """Return how long a value may be used, such as `PT86400S`, by the seconds of Feast; None without a limit."""
    found = _SECONDS.fullmatch(spec.get("ttl") or "")
    return f"PT{found[1]}S" if found and int(found[1]) else None


def _tags(each: Record) -> list[str]:
    """Return the ids of tags: the key, then a colon and the value unless it is empty or `true`."""
    pairs = (each.get("tags") or {}).items()
    return [make_urn("tag", "catalog", "", key if value in {"", "true"} else f"{key}:{value}") for key, value in pairs]


def _ids(own: Iterable[ImportItem]) -> frozenset[str]:
    return frozenset(str(body["id"]) for item in own for body in item.value.values())
