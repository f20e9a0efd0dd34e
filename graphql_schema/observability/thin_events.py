"""Thin events: which objects of a source wait to be read, and what became of those that were; their list."""

from dataclasses import replace
from enum import Enum
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.catalog.thin_event_rules import LATEST_DUE_MS
from graphql_schema.fields.connection import After, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField, stored_field
from graphql_schema.fields.filter_fields import below, listing_condition, not_below, one_of
from graphql_schema.fields.node import Node, named_row, resolve_subject
from graphql_schema.fields.refs import AssetRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.ports.conditions import Above, All, AnyOf, Condition

SHOWN_BY = "history"
"""The field of an asset that a viewer must be able to read to see that the object of an event became the asset."""


@strawberry.enum(description="Whether the object of a thin event waits to be read.")
class ThinEventState(Enum):
    """Whether the object of a thin event waits to be read."""

    PENDING = value("PENDING", description="The object waits for a worker, for its next attempt, or is being read.")
    DONE = value("DONE", description="A worker has read the object after the latest event, and written it.")
    DEAD = value("DEAD", description="All attempts failed; `replayThinEvents` makes the event pending again.")


def _received_at(root: Parent) -> Resolved:
    return root.record["createdAt"]


def _due_at(root: Parent) -> Resolved:
    return root.record["dueAt"] if root.record["state"] == ThinEventState.PENDING.name else None


async def _asset(root: Parent, info: Info) -> Resolved:
    """Return the asset that the object became, None if it is unknown or its history is hidden from the viewer."""
    row = await named_row(root.record.get("asset"), info)
    return row if row is not None and row.reads(SHOWN_BY) else None


@strawberry.type(
    description="An event that names an object of a source, and what became of the event and the object. An object has "
    "one event, whatever the number of arrivals. Deleted 30 days after its arrival, unless it is pending."
)
class ThinEvent(Node):
    """An event that names an object of a source, and what became of the event and the object."""

    subject: AssetRef | None = strawberry.field(
        description="The workflow that represents the source.", resolver=resolve_subject
    )
    source: str = stored_field("The name of the source.")
    object_type: str = stored_field("The type of the object, such as `model_version`.")
    object_id: str = stored_field("The id of the object in its source.")
    actor: str = stored_field("The caller who sent the event, in the form of `Change.actor`.")
    received_at: Instant = strawberry.field(
        description="The instant at which the event became pending by its arrival.", resolver=_received_at
    )
    state: ThinEventState = stored_field("Whether the object waits to be read.")
    attempts: int = stored_field(
        "The number of attempts so far, including those before the event was sent again or replayed."
    )
    due_at: Instant | None = strawberry.field(
        description="The instant from which a worker may take the event; null unless it is pending.", resolver=_due_at
    )
    finished_at: Instant | None = stored_field("The instant at which it became DONE or DEAD; null if it is pending.")
    reason: str | None = stored_field("The code of the error of the latest failed attempt; null after a success.")
    outcome: str | None = stored_field(
        "The outcome of the object when it was last written: CREATED, UPDATED or UNCHANGED; null before."
    )
    asset: AssetRef | None = strawberry.field(
        description="The asset that the object became; null if it was not written yet, or if its `history` is hidden "
        "from the viewer.",
        resolver=_asset,
    )


@strawberry.input(
    description="A condition on thin events; every given field must match. An empty list matches no event."
)
class ThinEventFilter:
    """A condition on thin events; every given field must match."""

    subjects: list[strawberry.ID] | None = one_of("subject", "The source is one of these workflows.")
    sources: list[str] | None = one_of("source", "The name of the source is one of these.")
    states: list[ThinEventState] | None = one_of("state", "The `state` of the event is one of these.")
    since: Instant | None = not_below("createdAt", "The event became pending by its arrival at this instant or later.")
    due_before: Instant | None = below("begins", "The event is due before this instant; give the state PENDING, too.")


FilterArg = Annotated[
    ThinEventFilter | None, strawberry.argument(description="Conditions on the events; default: all.")
]


async def _thin_events(info: Info, filter: FilterArg = None, first: First = 20, after: After = None) -> Resolved:
    where = listing_condition(filter)
    page, binding = page_request_of(info, first, after, where)
    found = await info.context.reader.attached_records(
        "ThinEvent", _with_overdue(info, filter, where), page, newest_first=False
    )
    return ConnectionSource(found, page, binding)


def _with_overdue(info: Info, given: ThinEventFilter | None, where: Condition) -> Condition:
    """Return the condition of a list, in which events that are due later than a right clock can have set are due."""
    if given is None or given.due_before is None:
        return where
    ahead = Above("begins", info.context.clock() + LATEST_DUE_MS)
    return AnyOf((where, All((listing_condition(replace(given, due_before=None)), ahead))))


all_thin_events: SchemaField = strawberry.field(
    description="Thin events of sources that the viewer may update, the oldest first.", resolver=_thin_events
)
