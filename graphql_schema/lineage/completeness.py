"""Completeness of a lineage result: how much was found, and what limited it."""

from enum import Enum

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.scalars import Instant
from graphql_schema.ports.lineage_query import Completeness
from graphql_schema.ports.record import JsonObject


@strawberry.enum(
    description="How much of the lineage a result contains, as far as the policy discloses that something is hidden."
)
class CompletenessState(Enum):
    """How much of the lineage a result contains."""

    COMPLETE = value(
        "COMPLETE",
        description="Nothing is missing, except what is hidden where the policy does not disclose that something is "
        "hidden.",
    )
    TRUNCATED = value(
        "TRUNCATED", description="A limit or budget, such as `maxDepth`, cut the result; there may be more."
    )
    PARTIAL = value(
        "PARTIAL", description="A root was not found, or something is hidden; the lineage behind it is missing."
    )


@strawberry.type(name="Completeness", description="How much of the lineage a result contains, and at which instant.")
class LineageCompleteness:
    """How much of the lineage a result contains, and at which instant."""

    state: CompletenessState = stored_field("How much of the lineage the result contains.")
    reason: str | None = stored_field(
        "Why the result is not complete; null if it is. DEPTH, NODES, EDGES, TIME, STEPS, PATHS, CAUSES or DATA: this "
        "limit was reached. ROOTS: some roots were not found. POLICY: something is hidden. Several are separated by "
        "commas."
    )
    visited: int = stored_field("Number of visited assets, including those that the filter hides.")
    depth_reached: int = stored_field(
        "Number of edges from the nearest root to the farthest visited asset; steps between parent and child do not "
        "count. For `paths`, the length up to which the edges of every path were read."
    )
    hidden: int | None = stored_field(
        "Number of hidden assets next to the visible result; null unless the policy discloses counts."
    )
    as_of: Instant = stored_field("The instant whose edges the result has: `asOf`, or the time of the read.")


def completeness_source(found: Completeness) -> JsonObject:
    """Return the source of a :class:`LineageCompleteness`."""
    return {
        "state": found.state,
        "reason": found.reason,
        "visited": found.visited,
        "depthReached": found.depth,
        "hidden": found.hidden,
        "asOf": found.pin.valid,
    }
