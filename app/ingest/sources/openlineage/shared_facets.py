"""Facets that jobs and datasets share: their owners and tags, and facets that are kept as a property."""

from collections.abc import Generator
from typing import Final

from app.ingest.sources.openlineage.catalog_names import owner_urn
from app.ingest.sources.openlineage.contribution import MAX_TARGETS, Contribution, EventFacet
from app.ingest.sources.openlineage.event_names import EventNames
from graphql_schema.catalog.relations import OWNED_BY, TAGGED
from graphql_schema.catalog.urn import make_urn
from graphql_schema.ports.record import JsonObject

_OWNERSHIP: Final = {
    "OWNER": "BUSINESS",
    "BUSINESS": "BUSINESS",
    "BUSINESS_OWNER": "BUSINESS",
    "STEWARD": "STEWARD",
    "DATA_STEWARD": "STEWARD",
    "ONCALL": "ONCALL",
}
"""Types of owners that are not TECHNICAL; the specification leaves them open."""

_META: Final = ("_producer", "_schemaURL", "_deleted")
"""Members of each facet that describe the facet."""


def ownership(facet: EventFacet, about: Contribution, _names: EventNames) -> Generator[None]:
    """Give the owners, with ids by `owner_urn`; they replace those that earlier events gave.

    Raises FacetError as soon as there are more than MAX_TARGETS.
    """
    owners: dict[str, JsonObject] = {}
    for each in facet.elements("owners"):
        yield
        name = each.text("name")
        if not name:
            each.ignore("an owner without a name")
            continue
        kind = _OWNERSHIP.get((each.text("type") or "").upper(), "TECHNICAL")
        known = owners.setdefault(owner_urn(name), {"kinds": []})
        known["kinds"] = sorted({*known["kinds"], kind})
        if len(owners) > MAX_TARGETS:
            break  # the list is refused
    about.replace_list(OWNED_BY.out(), "owners", owners)


def tags(facet: EventFacet, about: Contribution, _names: EventNames) -> Generator[None]:
    """Give the tags, those with a `field` too: the key, then a colon and the value unless it is `true` or absent."""
    yield from targets_of_tag(facet, about, of_columns=False)


def targets_of_tag(facet: EventFacet, about: Contribution, *, of_columns: bool) -> Generator[None]:
    """Give tags as :func:`tags` does; if ``of_columns``, a tag with a `field` becomes a property instead.

    That is `openlineage.tag.FIELD.KEY`. The tags replace those that earlier events gave. Raises FacetError as soon as
    there are more than MAX_TARGETS.
    """
    found: dict[str, JsonObject] = {}
    for each in facet.elements("tags"):
        yield
        key, value, column = each.text("key"), each.text("value"), each.text("field")
        if not key:
            each.ignore("a tag without a key")
        elif of_columns and column:
            about.give_property(f"tag.{column}.{key}", value or "true")
        else:
            name = key if value in {None, "true"} else f"{key}:{value}"
            found[make_urn("tag", "catalog", "", name)] = {}
            if len(found) > MAX_TARGETS:
                break  # the list is refused
    about.replace_list(TAGGED.out(), "tags", found)


def tag_properties(facet: EventFacet, about: Contribution, _names: EventNames) -> Generator[None]:
    """Give the tags of a run as properties: a run per day would otherwise tag the catalog without end."""
    for each in facet.elements("tags"):
        yield
        key = each.text("key")
        if key:
            about.give_property(f"tag.{key}", each.text("value") or "true")
        else:
            each.ignore("a tag without a key")


def kept(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Keep a facet as a property: its members as JSON, without those that describe the facet."""
    body = {key: value for key, value in facet.body.items() if key not in _META}
    about.give_property(facet.path.rpartition(".")[2], body or None)
