"""By what a scene groups its assets: the properties, the values of each asset, and the keys that name the groups."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import chain, groupby
from operator import attrgetter
from typing import Final

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.catalog.relations import CONTAINS, PARENT_HOPS, Hop
from graphql_schema.catalog.urn import MAX_URN_BYTES, parent_urn, slug_of
from graphql_schema.fields.relation_fields import last_recorded
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.protocols import GraphReader
from graphql_schema.ports.relation_query import ALL, Path, RelationQuery, related
from graphql_schema.ports.row import Row
from policies.errors import InvalidError

EVERYTHING: Final = "ALL"
"""The key of the one group of a scene that is grouped by nothing."""

MAX_KEY: Final = 4 * MAX_URN_BYTES
"""Maximal number of characters of a key: three of its values are made of ids, and the others are short."""


@strawberry.enum(description="A property by which a scene groups the assets that it does not list individually.")
class SceneProperty(Enum):
    """A property by which a scene groups assets."""

    LEVEL = value("LEVEL", description="The level: the number of edges from the nearest root, negative upstream.")
    KIND = value("KIND", description="The kind.")
    TEAM = value("TEAM", description="The `ownerTeam`, if it is a team that is visible to the viewer.")
    DOMAIN = value("DOMAIN", description="The `domain`, else that of the parent of a version or feature, if visible.")
    VERSIONS = value(
        "VERSIONS",
        description="The asset of a version, else the asset itself: an asset and its versions have the same value.",
    )


Values = Mapping[SceneProperty, str]
"""Values of the properties of one asset; "" for a property without a visible value."""


@dataclass(frozen=True, slots=True)
class GroupValues:
    """What the groups of a scene have in common: visible teams and domains by id.

    ``domain_of`` maps the id of each asset that is in a domain to the id of the domain.
    """

    teams: Mapping[str, Row]
    domains: Mapping[str, Row]
    domain_of: Mapping[str, str]

    def of(self, row: Row, level: int) -> Values:
        """Return the values of an asset on a level."""
        team = self.teams.get(row.visible_value("ownerTeam") or "")
        return {
            SceneProperty.LEVEL: str(level),
            SceneProperty.KIND: row.record["kind"],
            SceneProperty.TEAM: "" if team is None else team.urn,
            SceneProperty.DOMAIN: self.domain_of.get(row.urn, ""),
            SceneProperty.VERSIONS: family_of(row.urn),
        }


async def group_values(
    reader: GraphReader, budget: OperationBudget, rows: Sequence[Row], wanted: Collection[SceneProperty]
) -> GroupValues:
    """Return the values by which assets are grouped; teams and domains are read, together, only if they are wanted."""
    teams, nearest = await asyncio.gather(
        _teams(reader, rows if SceneProperty.TEAM in wanted else ()),
        _nearest_domains(reader, budget, rows if SceneProperty.DOMAIN in wanted else ()),
    )
    return GroupValues(
        teams, {row.urn: row for row in nearest.values()}, {asset: row.urn for asset, row in nearest.items()}
    )


async def _teams(reader: GraphReader, rows: Sequence[Row]) -> dict[str, Row]:
    """Return the visible owner teams of assets by id."""
    urns = {row.visible_value("ownerTeam") or "" for row in rows}
    found = await reader.nodes(sorted(urn for urn in urns if slug_of(urn) == "team"))
    return {row.urn: row for row in found if row is not None}


async def _nearest_domains(reader: GraphReader, budget: OperationBudget, rows: Sequence[Row]) -> dict[str, Row]:
    """Return the visible domain of each asset that has one, by the id of the asset."""
    shown = sorted((row for row in rows if row.reads("domain")), key=attrgetter("kind"))
    kinds = [(kind, list(each)) for kind, each in groupby(shown, attrgetter("kind"))]
    found = await asyncio.gather(*(reader.related_to_all(same, domains_of(kind), ALL) for kind, same in kinds))
    pages = zip(shown, chain.from_iterable(found), strict=True)
    return {
        row.urn: min(page.items, key=lambda item: (item.path, last_recorded(item))).row
        async for row, page in budget.in_turns(pages)
        if page.items
    }


@lru_cache(maxsize=64)
def domains_of(kind: str) -> RelationQuery:
    """Return the query from an asset of a kind to its domains, and after them to those of its parent."""
    domain: Path = (CONTAINS.into("Domain"),)
    parent: tuple[Hop, ...] = (PARENT_HOPS[kind],) if kind in PARENT_HOPS else ()
    inputs = tuple(f"{name}.domain" for hop in parent for name in hop.kinds)
    return related(*dict.fromkeys((domain, (*parent, *domain))), inputs=inputs)


def family_of(urn: str) -> str:
    """Return the value that an asset and its versions have in common: kind and name of the asset.

    It is made of the id, so that it discloses nothing of an asset that is hidden while a version of it is not.
    """
    return (parent_urn(urn) or urn).removeprefix("mlg://")


def key_of(values: Values, properties: Sequence[SceneProperty]) -> str:
    """Return the key of the group of an asset with these values, such as ``LEVEL=2 KIND=DATASET``."""
    return " ".join(f"{each.name}={values[each]}" for each in properties) or EVERYTHING


def read_key(key: str) -> list[tuple[SceneProperty, str]]:
    """Return the values that the key of a group states, one of each property; raise InvalidError for another text."""
    if key == EVERYTHING:
        return []
    names = SceneProperty.__members__
    parts = [part.partition("=") for part in key[: MAX_KEY + 1].split(" ", len(names))]
    is_repeated = len({name for name, _, _ in parts}) < len(parts)
    if len(key) > MAX_KEY or is_repeated or not all(separator and name in names for name, separator, _ in parts):
        raise InvalidError(f"{key[:80]!r} is no key of a group; give the `key` of a group of a scene.")
    return [(names[name], given) for name, _, given in parts]
