"""Type of the edges in lineage results."""

import strawberry

from graphql_schema.catalog.enums import EdgeOrigin, RelationName
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.fields.node import named_row
from graphql_schema.fields.scalars import Instant


async def run_id(root: Parent, info: Info) -> Resolved:
    """Return the id of the run that observed an edge; None if the edge has none or the run is hidden."""
    run = await named_row(root.record.get("runId"), info)
    return None if run is None else run.urn


@strawberry.type(description="An edge between two objects, as the viewer may see it.")
class LineageEdge:
    """An edge of a relation in the enum `Relation`; results of walks and paths have lineage relations only."""

    id: strawberry.ID = stored_field("Id of the edge, to recognise it; an edge is no `Node`.")
    from_: strawberry.ID = strawberry.field(
        name="from", description="Id at the start of the edge; in lineage the data flows from there."
    )
    to: strawberry.ID = stored_field("Id at the end of the edge; in lineage the data flows there.")
    relation: RelationName = stored_field("Relation of the edge.")
    origin: EdgeOrigin = stored_field("Origin of the edge: declared, observed or inferred.")
    confidence: float | None = stored_field("Confidence from 0 to 1; null if certain or hidden.")
    valid_from: Instant | None = stored_field(
        "Begin of the validity of the edge, in 1970 for an edge that was always valid; null if hidden."
    )
    valid_to: Instant | None = stored_field("End of the validity of the edge; null if open or hidden.")
    run_id: strawberry.ID | None = strawberry.field(
        description="Id of the run that observed the edge; null if unknown or hidden.", resolver=run_id
    )
