"""What hits have in common: how many have each value of a field, counted by what the viewer sees of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.ports.row import Row


@strawberry.enum(description="What can be counted over the hits of a search.")
class Facet(Enum):
    """What can be counted over the hits of a search."""

    KIND = value("KIND", description="The kind.")
    OWNER_TEAM = value("OWNER_TEAM", description="The owning team, by its id.")
    TAG = value("TAG", description="Each tag, by its id.")
    STAGE = value("STAGE", description="The stage.")
    SENSITIVITY = value("SENSITIVITY", description="The effective sensitivity.")
    SOURCE = value("SOURCE", description="The source system.")
    NAMESPACE = value("NAMESPACE", description="The namespace.")


MAX_FACET_VALUES: Final = 50
"""Values that one facet lists."""


def _field(name: str) -> Callable[[Row], Sequence[str]]:
    def values(row: Row) -> Sequence[str]:
        value = row.visible_value(name)
        return [value] if value else []

    return values


def _tags(row: Row) -> Sequence[str]:
    return [] if "tags" in row.access.hidden else row.record["index"]["tags"]


VALUES: Final[Mapping[Facet, Callable[[Row], Sequence[str]]]] = {
    Facet.KIND: _field("kind"),
    Facet.OWNER_TEAM: _field("ownerTeam"),
    Facet.TAG: _tags,
    Facet.STAGE: _field("stage"),
    Facet.SENSITIVITY: _field("sensitivity"),
    Facet.SOURCE: _field("source"),
    Facet.NAMESPACE: _field("namespace"),
}
"""The values of a row that each facet counts; what is hidden on it is absent."""


def facet_counts(facets: Iterable[Facet], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The values of each facet, each facet once: the most frequent first, then by value."""
    return [{"facet": facet.name, "values": _values(facet, rows)} for facet in dict.fromkeys(facets)]


def _values(facet: Facet, rows: Sequence[Row]) -> list[dict[str, Any]]:
    counts = Counter(value for row in rows for value in VALUES[facet](row))
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"value": value, "count": count} for value, count in ordered[:MAX_FACET_VALUES]]
