"""Direct neighbours of an asset, upstream and downstream."""

from functools import lru_cache
from typing import Any

import strawberry

from graphql_schema.catalog.enums import EdgeOrigin, RelationName
from graphql_schema.catalog.relations import Direction
from graphql_schema.fields.connection import After, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import INPUTS, Parent, stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import Property
from graphql_schema.lineage.arguments import Filter
from graphql_schema.lineage.lineage_edge import run_id
from graphql_schema.ports.relation_query import RelationQuery, neighbour_query
from graphql_schema.ports.row import MaskedRecord, PageItem


@strawberry.type(description="A direct neighbour along a lineage relation, with the edge that joins them.")
class Neighbour:
    """A direct neighbour along a lineage relation, with the edge that joins them."""

    asset: AssetRef = stored_field("The neighbour.")
    edge_id: strawberry.ID = stored_field("The id of the edge.")
    from_: strawberry.ID = strawberry.field(
        name="from", description="The id at the edge's start, where data comes from."
    )
    to: strawberry.ID = stored_field("The id at the edge's end, where data goes; a whole lists its parts' edges too.")
    relation: RelationName = stored_field("The relation.")
    origin: EdgeOrigin = stored_field("How the edge came to be known.")
    confidence: float | None = stored_field("How sure, from 0 to 1; null means certain.")
    valid_from: Instant | None = stored_field("Since when it holds.")
    valid_to: Instant | None = stored_field("Until when it holds; null while it does.")
    run_id: strawberry.ID | None = strawberry.field(
        description="The run that saw it; null when unknown or hidden.", resolver=run_id
    )
    properties: list[Property] | None = stored_field("Free facts about the edge.")


@lru_cache(maxsize=64)
def neighbours_of(kind: str, direction: Direction) -> RelationQuery:
    """Direct lineage neighbours of a kind, see :func:`graphql_schema.ports.relation_query.neighbour_query`."""
    return neighbour_query(kind, direction)


def _neighbour(item: PageItem) -> MaskedRecord:
    return item.edge_as("Neighbour", asset=item.row)


def _neighbours(direction: Direction, description: str) -> Any:
    async def resolve(root: Parent, info: Info, filter: Filter = None, first: First = 20, after: After = None) -> Any:
        keep = None if filter is None else filter.keep()
        page, binding = page_request_of(info, first, after, root.urn, keep=keep)
        found = await info.context.reader.related(root, neighbours_of(root.kind, direction), page)
        return ConnectionSource(found, page, binding, _neighbour)

    def inputs(kind: str) -> tuple[str, ...]:
        return neighbours_of(kind, direction).inputs

    return strawberry.field(resolver=resolve, description=description, metadata={INPUTS: inputs})
