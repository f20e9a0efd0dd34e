"""Maps the aspects that entity types share: identity, description, properties, owners, tags, domain, stage, time."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from math import isfinite, nan

import orjson

from app.ingest.sources.datahub.aspect_files import Entity, Estate
from app.ingest.sources.datahub.names import Names
from graphql_schema.catalog.instants import known_instant
from graphql_schema.ports.record import Json, JsonObject, Record

Body = JsonObject
"""One ``AssetInput`` item, or the body under its only key, such as a ``DatasetInput``."""

_OWNERSHIP = {
    "technical_owner": "TECHNICAL",
    "business_owner": "BUSINESS",
    "data_steward": "STEWARD",
    "stakeholder": "BUSINESS",
    "dataowner": "TECHNICAL",
    "developer": "TECHNICAL",
    "producer": "TECHNICAL",
    "none": "TECHNICAL",
}

_SYSTEM_TYPE = "urn:li:ownershipType:__system__"

_PROPERTIES = (
    ("subTypes", "typeNames", "datahub.subTypes"),
    ("container", "container", "datahub.container"),
    ("siblings", "siblings", "datahub.siblings"),
    ("dataPlatformInstance", "instance", "datahub.platformInstance"),
    ("embed", "renderUrl", "datahub.embedUrl"),
    ("storageFeatures", "rowCount", "datahub.rowCount"),
    ("storageFeatures", "sizeInBytes", "datahub.sizeInBytes"),
    ("origin", "externalType", "datahub.origin"),
)
"""Small aspects that become a property: aspect, field, key of the property."""


class SharedAspects:
    """The mapping of shared aspects, for one estate and its names."""

    def __init__(self, estate: Estate, names: Names) -> None:
        self.estate = estate
        self.names = names

    @cached_property
    def columns(self) -> dict[str, dict[str, Entity]]:
        """The entities of columns, by dataset and column."""
        found: dict[str, dict[str, Entity]] = {}
        for entity in self.estate.of_type("schemaField"):
            field = self.names.field(entity.urn)
            if field is not None:
                owner, column = field
                found.setdefault(owner, {})[column] = entity
        return found

    @cached_property
    def deployed_models(self) -> dict[str, str]:
        """The first model that lists a deployment, by deployment; only deployments that are entities.

        A deployment that a model lists which is not sent is absent, so that its stored model stays.
        """
        found: dict[str, str] = {}
        withheld: set[str] = set()
        for entity in self.estate.identified("mlModel"):
            for deployment in entity.aspects.get("mlModelProperties", {}).get("deployments") or []:
                if not self.names.sends(entity):
                    withheld.add(deployment)
                elif deployment in self.estate.entities:
                    found.setdefault(deployment, entity.urn)
        return {deployment: model for deployment, model in found.items() if deployment not in withheld}

    def asset(self, entity: Entity, main: Record, **own: Json) -> Body:
        """Return the body of an asset: its main aspect, the shared aspects and its ``own`` fields.

        ``extra`` among the own fields holds further properties; see :meth:`properties`.
        """
        entity.take(f"{entity.type}Key")
        extra = own.pop("extra", {})
        body: Body = {
            "id": self.names.urn(entity.urn),
            "displayName": main.get("name") or main.get("title"),
            "description": self._description(entity, main),
            "properties": self.properties(entity, main, **extra),
            "sourceCreatedAt": instant(_stamp(main)),
            "owners": self.owners(entity),
            "tags": self._tags(entity),
            "domain": self._domain(entity),
            "stage": "RETIRED" if entity.take("status").get("removed") else None,
        }
        return without_nulls(body | own)

    def properties(self, entity: Entity, main: Record, **extra: object) -> list[dict[str, str]]:
        """Return the foreign id, small aspects, custom and structured properties, each key once.

        The keys of ``extra`` get the prefix ``datahub.``.
        """
        found: dict[str, str] = {"datahub.urn": entity.urn}
        for aspect, name, key in _PROPERTIES:
            if aspect in entity.aspects:
                found |= _property(key, entity.take(aspect).get(name))
        for key, value in (main.get("customProperties") or {}).items():
            found |= _property(key, value)
        for key, value in (extra | {key: main.get(key) for key in ("externalUrl", "qualifiedName")}).items():
            found |= _property(f"datahub.{key}", value)
        for one in entity.take("structuredProperties").get("properties") or []:
            values = [next(iter(value.values())) for value in one["values"]]
            found |= _property(one["propertyUrn"].removeprefix("urn:li:structuredProperty:"), values)
        return [{"key": key, "value": value} for key, value in found.items()]

    def owners(self, entity: Entity) -> list[JsonObject] | None:
        """Map the owners that are users or groups, once per kind of ownership; None without an ``ownership`` aspect."""
        if "ownership" not in entity.aspects:
            return None
        pairs: dict[tuple[str, str], None] = {}
        for owner in entity.take("ownership").get("owners") or []:
            urn = self.names.urn(owner["owner"])
            if urn is None:
                self.estate.count_skipped(entity.type, "ownership.owner")
                continue
            pairs[urn, self._ownership(entity, owner)] = None
        return [{"owner": owner, "ownership": ownership} for owner, ownership in pairs]

    def metrics(self, entity: Entity, pairs: Iterable[Record]) -> list[JsonObject]:
        """Map metrics, which DataHub stores as text, to ``MetricInput``; text that is no finite number is skipped."""
        found = []
        for one in pairs:
            try:
                value = float(one["value"])
            except (TypeError, ValueError):
                value = nan
            if isfinite(value):
                found.append({"name": one["name"], "value": value})
            else:
                self.estate.count_skipped(entity.type, "metrics.notANumber")
        return found

    def _ownership(self, entity: Entity, owner: Record) -> str:
        """Return the kind of an ownership: ``typeUrn`` wins over the older ``type``, an unknown type is TECHNICAL."""
        named = (owner.get("typeUrn") or "").removeprefix(_SYSTEM_TYPE) or owner.get("type", "none").lower()
        if named not in _OWNERSHIP:
            self.estate.count_skipped(entity.type, "ownership.type")
        return _OWNERSHIP.get(named, "TECHNICAL")

    def _description(self, entity: Entity, main: Record) -> str | None:
        """Return the edited description, else that of the source, else the documentation, else None."""
        kind = entity.type[0].upper() + entity.type[1:]
        edited = entity.take(f"editable{kind}Properties").get("description")
        documented = [one.get("documentation") for one in entity.take("documentation").get("documentations") or []]
        texts: Iterable[str | None] = (edited, main.get("description"), *documented)
        return next((text for text in texts if text), None)

    def _tags(self, entity: Entity) -> list[str] | None:
        if "globalTags" not in entity.aspects and "glossaryTerms" not in entity.aspects:
            return None
        tags = [one["tag"] for one in entity.take("globalTags").get("tags") or []]
        return self.names.urns(tags + [one["urn"] for one in entity.take("glossaryTerms").get("terms") or []], entity)

    def _domain(self, entity: Entity) -> str | None:
        domains = self.names.urns(entity.take("domains").get("domains") or [], entity)
        self.estate.count_skipped(entity.type, "domains.further", len(domains[1:]))
        return domains[0] if domains else None


def without_nulls(body: Body) -> Body:
    """Return the body without nulls, because an absent field leaves the stored value unchanged."""
    return {key: value for key, value in body.items() if value is not None}


def instant(milliseconds: float | None) -> str | None:
    """Return milliseconds since 1970 as RFC 3339 text; None for None and for 0, which means unknown in DataHub.

    None is also returned for an instant that the graph cannot have.
    """
    known = known_instant(milliseconds)
    return datetime.fromtimestamp(known / 1000, UTC).isoformat() if known else None


def key_values(pairs: Iterable[Record] | None) -> list[dict[str, str]] | None:
    """Map hyper-parameters to ``PropertyInput``, without empty values; return None for None."""
    if pairs is None:
        return None
    return [{"key": one["name"], "value": text} for one in pairs if (text := as_text(one.get("value"))) is not None]


def as_text(value: object) -> str | None:
    """Return a value as the text of a property: a list of one as its element, other non-text as JSON, empty as None."""
    while isinstance(value, list) and len(value) == 1:
        (value,) = value
    match value:
        case None | "" | []:
            return None
        case dict() if not value:  # the pattern `{}` matches every mapping
            return None
        case str():
            return value
        case _:
            return orjson.dumps(value).decode()


def _property(key: str, value: object) -> dict[str, str]:
    text = as_text(value)
    return {} if text is None else {key: text}


def _stamp(main: Record) -> float | None:
    created = main.get("created")
    return created.get("time") if isinstance(created, Mapping) else main.get("createdAt")
