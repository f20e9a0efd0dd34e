"""How much of a lineage result was found, and what limited it."""

from enum import Enum
from typing import Any

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.scalars import Instant
from graphql_schema.ports.lineage_query import Completeness


@strawberry.enum(description="How much of what there is an answer holds.")
class CompletenessState(Enum):
    """States of completeness."""

    COMPLETE = value("COMPLETE", description="All of it, as far as the viewer is told.")
    TRUNCATED = value("TRUNCATED", description="A budget ended it; there may be more.")
    PARTIAL = value("PARTIAL", description="Something was not found or is hidden, and what lies behind it is missing.")


@strawberry.type(name="Completeness", description="How much of what there is an answer holds, and at which instant.")
class LineageCompleteness:
    """How much of what there is an answer holds."""

    state: CompletenessState = stored_field("Whether this is all of it.")
    reason: str | None = stored_field(
        "What is missing, or null: DEPTH, NODES, EDGES, TIME, STEPS, PATHS or CAUSES where a bound ended it, ROOTS "
        "where some were not found, POLICY where something is hidden; several are separated by a comma."
    )
    visited: int = stored_field("How many vertices were visited, those that a filter hides among them.")
    depth_reached: int = stored_field("How many edges away the farthest of them is.")
    hidden: int | None = stored_field(
        "How many first hidden nodes the walk met; null unless the policy discloses counts."
    )
    as_of: Instant = stored_field("The instant that the answer is about.")


def completeness_source(found: Completeness) -> dict[str, Any]:
    """The source of a :class:`LineageCompleteness`."""
    return {
        "state": found.state,
        "reason": found.reason,
        "visited": found.visited,
        "depthReached": found.depth,
        "hidden": found.hidden,
        "asOf": found.pin.valid,
    }
