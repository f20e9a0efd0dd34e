"""Edges of a lineage result."""

from typing import Any

import strawberry

from graphql_schema.catalog.enums import EdgeOrigin, RelationName
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, stored_field
from graphql_schema.fields.scalars import Instant


async def run_id(root: Parent, info: Info) -> Any:
    """The id of the run that saw an edge, where the caller may know of it."""
    urn = root.record.get("runId")
    run = await info.context.reader.node(urn) if urn else None
    return None if run is None else run.urn


@strawberry.type(description="An edge of lineage or structure.")
class LineageEdge:
    """An edge of lineage or structure."""

    id: strawberry.ID = stored_field("The id of the edge.")
    from_: strawberry.ID = strawberry.field(name="from", description="The id of where the data flows from.")
    to: strawberry.ID = stored_field("The id of where the data flows to.")
    relation: RelationName = stored_field("The relation.")
    origin: EdgeOrigin = stored_field("How the edge came to be known.")
    confidence: float | None = stored_field("How sure, from 0 to 1; null means certain.")
    valid_from: Instant | None = stored_field("Since when it holds.")
    valid_to: Instant | None = stored_field("Until when it holds; null while it does.")
    run_id: strawberry.ID | None = strawberry.field(
        description="The run that saw it; null when unknown or hidden.", resolver=run_id
    )
