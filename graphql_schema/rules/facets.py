"""Facets: number of assets or entries of the directory for each value of a field, as far as the viewer may see it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from heapq import nsmallest
from typing import Final

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.catalog.urn import slug_of
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.row import Row


@strawberry.enum(
    description="A property of the found assets, or of the entries of `directory`, whose values are counted."
)
class Facet(Enum):
    """A property of the found assets, or of the entries of the directory, whose values are counted."""

    KIND = value("KIND", description="Kind of the asset.")
    OWNER_TEAM = value("OWNER_TEAM", description="Owning team of the asset; the value is its id.")
    TAG = value("TAG", description="Tags of the asset; each value is the id of a tag.")
    STAGE = value("STAGE", description="Lifecycle stage of the asset.")
    SENSITIVITY = value("SENSITIVITY", description="Effective sensitivity of the asset.")
    SOURCE = value("SOURCE", description="Source system of the asset.")
    NAMESPACE = value("NAMESPACE", description="Namespace of the asset.")
    DIRECTORY = value(
        "DIRECTORY",
        description="Kind of the teams, users, domains and tags in `directory`. It is no property of the assets in "
        "`hits`, and their filter does not apply.",
    )


MAX_FACET_VALUES: Final = 50
"""Maximal number of values that one facet lists."""


def _field(name: str) -> Callable[[Row], Sequence[str]]:
    """Return a function that returns the visible value of a field in a list; an empty list if it is hidden or empty."""

    def values(row: Row) -> Sequence[str]:
        value = row.visible_value(name)
        return [value] if value else []

    return values


def _owner_team(row: Row) -> Sequence[str]:
    """Return the id of the visible owner team of a row; an empty list if no team owns it."""
    owner = row.visible_value("ownerTeam")
    return [owner] if owner and slug_of(owner) == "team" else []


def _tags(row: Row) -> Sequence[str]:
    """Return the ids of the tags of a row; an empty list if they are hidden."""
    return [] if "tags" in row.access.hidden else row.record["index"]["tags"]


VALUES: Final[Mapping[Facet, Callable[[Row], Sequence[str]]]] = {
    Facet.KIND: _field("kind"),
    Facet.OWNER_TEAM: _owner_team,
    Facet.TAG: _tags,
    Facet.STAGE: _field("stage"),
    Facet.SENSITIVITY: _field("sensitivity"),
    Facet.SOURCE: _field("source"),
    Facet.NAMESPACE: _field("namespace"),
    Facet.DIRECTORY: _field("kind"),
}
"""For each facet the function that returns the visible values of a row."""


def facet_counts(facets: Iterable[Facet], rows: Sequence[Row], directory: Sequence[Row] = ()) -> list[JsonObject]:
    """Return ``{"facet": name, "values": [{"value": …, "count": …}]}`` for each distinct facet.

    Each has at most MAX_FACET_VALUES values, the most frequent first, then by value. ``rows`` are assets. ``directory``
    are teams, users, domains and tags, which the facet DIRECTORY counts, and no other.
    """
    return [
        {"facet": facet.name, "values": _values(facet, directory if facet is Facet.DIRECTORY else rows)}
        for facet in dict.fromkeys(facets)
    ]


def _values(facet: Facet, rows: Sequence[Row]) -> list[JsonObject]:
    """Return the most frequent values of one facet."""
    counts = Counter(value for row in rows for value in VALUES[facet](row))
    # To sort all of them would hold all threads: 0.1 s for 100,000 tags.
    first = nsmallest(MAX_FACET_VALUES, counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"value": value, "count": count} for value, count in first]
