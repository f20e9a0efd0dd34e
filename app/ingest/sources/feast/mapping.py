"""Maps a registry of Feast: data sources to events, views and services to feature sets, their fields to features."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final, NamedTuple

from app.ingest.load.batches import ImportItem
from app.ingest.load.ended_assets import OwnedAssets
from app.ingest.load.source_load import SourceContent
from app.ingest.sources.feast.feast_sources import REQUEST, SOURCE, place_of, source_event
from app.ingest.sources.feast.registry import Registry
from app.ingest.sources.made_ids import WITHOUT_ID, MadeIds
from app.ingest.sources.openlineage.catalog_names import owner_urn
from app.ingest.sources.openlineage.event_names import EventNames
from graphql_schema.catalog.urn import make_urn
from graphql_schema.ports.record import JsonObject, Record
from policies.errors import InvalidError

PROJECT: Final = "feast.project"
"""The key of a property of every imported FeatureSet and Feature; its value is the project."""

SERVICE: Final = "service:"
"""The begin of the name of a feature service in its id, because a view may have the same name."""

FEATURE_SERVICE: Final = "feature service"

_SECONDS: Final = re.compile(r"(\d{1,15})(?:\.\d+)?s")

_PLAIN: Final = re.compile(r"[^\s:'\"]+")
"""A name that is a part of a location as it is; others are quoted, so that no two objects have one location."""


_Key = tuple[str, str, Callable[[], str]]
"""How an object has its id: its key and its location, which are equal, and the function that makes the id."""


class _Own(NamedTuple):
    """An asset that the project defines: its location, its id, the function that makes its item, and its owner.

    ``view`` is the id of the view of a feature.
    """

    location: str
    urn: str
    item: Callable[[], JsonObject]
    owner: str = ""
    view: str = ""


class FeastMapping:
    """Maps one registry; ``namespace`` is that of the tables of its warehouse in OpenLineage, None if not given."""

    def __init__(self, registry: Registry, namespace: str | None, events: EventNames) -> None:
        self.registry = registry
        self._namespace = namespace
        self._events = events
        self._ids = MadeIds("Feast")

    def content(self, *, with_owners: bool) -> SourceContent:
        """Return all that is sent; an object without an id of its own is a failure, and what is stored of it stays.

        Raises InvalidError if an object of the registry does not have the form that Feast writes.
        """
        try:
            return self._content(with_owners=with_owners)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidError(
                f"{self.registry.file} has an object of another form than Feast writes ({error!r}); write it with "
                "`feast registry-dump > registry.json`."
            ) from error

    def _content(self, *, with_owners: bool) -> SourceContent:
        self._ids = MadeIds("Feast")  # each reading makes all ids anew
        sources = [*self.registry.section("dataSources")]
        named = [(location_of("data source", each), each) for each in sources if each.get("type") != REQUEST]
        data = self._unique(named)
        subjects = {where: urn for where, each in data.items() if (urn := self._dataset(each))}
        own = [*self._own()]  # all of them have their ids before one is sent
        sent = [each for each in own if not any(map(self._ids.contested, (each.urn, each.view)))]
        lost = [each for each in own if self._ids.contested(each.view) and not self._ids.contested(each.urn)]
        items = [ImportItem(each.location, each.item()) for each in sent]
        skipped = {
            "request source": len(sources) - len(named),
            "feature of a contested view": len(lost),
            WITHOUT_ID: len(self._ids.left_out),
        }
        present = frozenset(each.urn for each in sent)
        return SourceContent(
            events=[
                ImportItem(where, source_event(data[where], self._place(data[where]), with_owners=with_owners))
                for where in subjects
            ],
            subjects=subjects,
            items=items,
            owners=[*_owner_items(sent)] if with_owners else (),
            owned=OwnedAssets(
                SOURCE, self.registry.project, PROJECT, present, frozenset(each.urn for each in own) - present
            ),
            skipped={name: number for name, number in skipped.items() if number},
            failures=self._ids.failures,
        )

    def _own(self) -> Iterator[_Own]:
        """Yield the views and services with an id, and the features with an id of such views."""
        for kind, view in self.registry.views():
            where, name = location_of(kind, view), name_of(view)
            key = self._set(where, name)
            urn = self._ids.own(*key)
            if urn is not None:
                yield _Own(where, urn, partial(self._view, kind, view, urn), _owner(view))
            for feature in view["spec"].get("features") or ():
                inner = feature_location(name, name_of(feature))
                feature_set = self._ids.of(*key, inner)
                own = feature_set and self._ids.own(*self._feature_key(name, name_of(feature)))
                if feature_set and own:
                    yield _Own(inner, own, partial(self._feature, view, feature, feature_set, own), view=feature_set)
        for service in self.registry.section("featureServices"):
            where, name = location_of(FEATURE_SERVICE, service), name_of(service)
            urn = self._ids.own(*self._set(where, name and SERVICE + name))
            if urn is not None:
                yield _Own(where, urn, partial(self._service, service, urn), _owner(service))

    def _view(self, kind: str, view: Record, urn: str) -> JsonObject:
        where, spec, meta = location_of(kind, view), view["spec"], view.get("meta") or {}
        ended = [each["endTime"] for each in meta.get("materializationIntervals") or () if each.get("endTime")]
        kept = {
            "kind": kind,
            "entities": ", ".join(self.registry.entities(view)),
            "mode": spec.get("mode"),
            "materializedUntil": max(ended, default=None),
        }
        body = {
            **self._set_body(urn, where, spec, meta, kept),
            "entityKeys": self.registry.join_keys(view),
            "online": bool(spec.get("online")),
            "derivedFrom": _each_once([*self._datasets(spec, where), *self._source_features(spec, where)]),
        }
        return {"featureSet": body}

    def _service(self, service: Record, urn: str) -> JsonObject:
        where, spec, meta = location_of(FEATURE_SERVICE, service), service["spec"], service.get("meta") or {}
        body = {
            **self._set_body(urn, where, spec, meta, {"kind": FEATURE_SERVICE}),
            "derivedFrom": _each_once(
                urn for each in spec.get("features") or () for urn in self._projected(each, where)
            ),
        }
        return {"featureSet": body}

    def _set_body(self, urn: str, where: str, spec: Record, meta: Record, kept: Record) -> JsonObject:
        return {
            "id": urn,
            "displayName": name_of(spec),
            "description": spec.get("description") or None,
            "sourceCreatedAt": meta.get("createdTimestamp"),
            "tags": self._tags(where, spec),
            "properties": self._properties(kept),
        }

    def _feature(self, view: Record, feature: Record, feature_set: str, urn: str) -> JsonObject:
        where = feature_location(name_of(view), name_of(feature))
        body = {
            "id": urn,
            "displayName": name_of(feature),
            "description": feature.get("description") or None,
            "dataType": feature.get("valueType"),
            "freshnessSla": _ttl(view["spec"]),
            "featureSet": feature_set,
            "tags": self._tags(where, feature),
            "properties": self._properties({}),
        }
        return {"feature": body}

    def _datasets(self, spec: Record, by: str) -> list[str]:
        """Return the ids of the data that a view is computed from: its batch source, and its stream or push source."""
        given = [spec.get("batchSource"), spec.get("streamSource")]
        return [urn for each in given if each and (urn := self._dataset(each, by))]

    def _source_features(self, spec: Record, by: str) -> list[str]:
        """Return the ids of the features that an on-demand view is computed from."""
        given = (each.get("featureViewProjection") for each in (spec.get("sources") or {}).values())
        return [urn for each in given if each for urn in self._projected(each, by)]

    def _projected(self, projection: Record, by: str) -> list[str]:
        view, columns = str(projection.get("featureViewName") or ""), projection.get("featureColumns") or ()
        return [urn for each in columns if (urn := self._ids.of(*self._feature_key(view, name_of(each)), by))]

    def _properties(self, kept: Record) -> list[JsonObject]:
        texts = {
            PROJECT: self.registry.project,
            **{f"feast.{key}": str(value) for key, value in kept.items() if value},
        }
        return [{"key": key, "value": text} for key, text in texts.items()]

    def _place(self, source: Record) -> tuple[str, str]:
        return place_of(source, self.registry.project, self._namespace)

    def _dataset(self, source: Record, by: str | None = None) -> str | None:
        """Return the id of the data of a source, which other sources and senders may name too."""
        where, place = location_of("data source", source), self._place(source)
        return self._ids.of((where, place), where, lambda: self._events.dataset(*place).urn, by)

    def _unique(self, sources: list[tuple[str, Record]]) -> dict[str, Record]:
        """Return the data sources by location; those with a name that another one has are failures."""
        uses = Counter(where for where, _ in sources)
        for where in (where for where, _ in sources if uses[where] > 1):
            self._ids.fail(where, "Several data sources have this name; rename or remove the others in Feast.")
        return {where: each for where, each in sources if uses[where] == 1}

    def _set(self, where: str, name: str) -> _Key:
        return where, where, partial(make_urn, "feature-set", SOURCE, self.registry.project, name)

    def _feature_key(self, view: str, feature: str) -> _Key:
        where, name = feature_location(view, feature), view and feature and f"{view}:{feature}"
        return where, where, partial(make_urn, "feature", SOURCE, self.registry.project, name)

    def _tags(self, where: str, each: Record) -> list[str]:
        """Return the ids of tags: the key, then a colon and the value unless it is empty or `true`."""
        pairs = (each.get("tags") or {}).items()
        return self._ids.tags(where, (key if value in {"", "true"} else f"{key}:{value}" for key, value in pairs))


def location_of(kind: str, each: Record) -> str:
    """Return where an object of a registry is, such as `feature view orders`; no two objects have the same location."""
    return f"{kind} {_quoted(name_of(each))}"


def name_of(each: Record) -> str:
    """Return the name of an object, which a dump leaves out if it is empty; a data source or feature has no `spec`."""
    return str((each.get("spec") or each).get("name") or "")


def _each_once(urns: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(urns))


def _ttl(spec: Record) -> str | None:
    """Return how long a value may be used, such as `PT86400S`, by the seconds of Feast; None without a limit."""
    found = _SECONDS.fullmatch(spec.get("ttl") or "")
    return f"PT{found[1]}S" if found and int(found[1]) else None


def feature_location(view: str, feature: str) -> str:
    """Return where a feature of a view is, such as `feature orders:amount`."""
    return f"feature {_quoted(view)}:{_quoted(feature)}"


def _owner_items(own: Iterable[_Own]) -> Iterator[ImportItem]:
    """Yield the items that set owners; they are apart, because the caller may not have the right to set them."""
    for each in own:
        if each.owner:
            body = {"id": each.urn, "owners": [{"owner": owner_urn(each.owner)}]}
            yield ImportItem(f"owner of {each.location}", {"featureSet": body})


def _owner(each: Record) -> str:
    """Return the owner of a view or service, an empty text without one."""
    return str(each["spec"].get("owner") or "")


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else repr(name)
