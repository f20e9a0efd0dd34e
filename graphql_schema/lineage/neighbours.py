"""Direct neighbours of an asset along lineage: the fields upstream and downstream."""

from functools import lru_cache

import strawberry

from graphql_schema.catalog.enums import EdgeOrigin, RelationName
from graphql_schema.catalog.relations import Direction
from graphql_schema.fields.connection import After, First
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import FOR_ALL, INPUTS, Parents, Resolved, SchemaField, stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.fields.relation_fields import relation_connections
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import Property
from graphql_schema.lineage.arguments import Filter
from graphql_schema.lineage.lineage_edge import run_id
from graphql_schema.ports.relation_query import RelationQuery, neighbour_query
from graphql_schema.ports.row import MaskedRecord, PageItem


@strawberry.type(description="A direct neighbour along a lineage relation, with the edge between both.")
class Neighbour:
    """A direct neighbour along a lineage relation, with the edge between both."""

    asset: AssetRef = stored_field("The neighbour, at the far end of the edge.")
    edge_id: strawberry.ID = stored_field("Id of the edge.")
    from_: strawberry.ID = strawberry.field(
        name="from", description="Id at the start of the edge, where the data flows from."
    )
    to: strawberry.ID = stored_field(
        "Id at the end of the edge, where the data flows to. Edges of the asset's parent or children are listed too."
    )
    relation: RelationName = stored_field("Relation of the edge.")
    origin: EdgeOrigin = stored_field("Origin of the edge: declared, observed or inferred.")
    confidence: float | None = stored_field("Confidence from 0 to 1; null if certain or hidden.")
    valid_from: Instant | None = stored_field("Begin of the validity of the edge; null if hidden.")
    valid_to: Instant | None = stored_field("End of the validity of the edge; null if open or hidden.")
    run_id: strawberry.ID | None = strawberry.field(
        description="Id of the run that observed the edge; null if unknown or hidden.", resolver=run_id
    )
    properties: list[Property] | None = stored_field("Free properties of the edge.")


@lru_cache(maxsize=64)
def neighbours_of(kind: str, direction: Direction) -> RelationQuery:
    """Return the query for the neighbours of a kind; cached, because loaders are keyed by the identity of the query."""
    return neighbour_query(kind, direction)


def _neighbour(item: PageItem) -> MaskedRecord:
    """Return the source of a :class:`Neighbour`."""
    return item.edge_as("Neighbour", asset=item.row)


def neighbours_field(direction: Direction, description: str) -> SchemaField:
    """Return the connection field of the neighbours of an asset in one direction."""

    async def resolve(
        roots: Parents, info: Info, filter: Filter = None, first: First = 20, after: After = None
    ) -> list[Resolved]:
        keep, query = None if filter is None else filter.keep(), neighbours_of(roots[0].kind, direction)
        return await relation_connections(roots, info, query, first, after, keep, _neighbour)

    def inputs(kind: str) -> tuple[str, ...]:
        return neighbours_of(kind, direction).inputs

    return strawberry.field(resolver=resolve, description=description, metadata={INPUTS: inputs, FOR_ALL: True})
