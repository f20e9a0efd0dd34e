"""The sources of an asset: which senders of events describe it, when each last did, and which alarms each has.

Everything is computed from ingestions that the viewer may see: those about the asset, and about its newest runs and
workflows. An alarm of a source is about all its events that the viewer may see.
"""

import asyncio
from collections.abc import Sequence
from enum import Enum
from typing import Final

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.catalog.relations import INPUT_TO, PRODUCES, RUN_OF, Direction, Hop
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import INPUTS, Parent, Parents, Resolved, SchemaField, resolved_for_all, stored_field
from graphql_schema.fields.scalars import Instant
from graphql_schema.observability.ingestions import SHOWN_BY, Ingestion, IngestionState
from graphql_schema.ports.conditions import Above, All, Below, Condition, In
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import ALL, ONE, PageRequest, RelationQuery, related
from graphql_schema.ports.row import Row
from graphql_schema.rules.observation.source_alarms import ALARM_DAYS, SILENT_HOURS, alarming_since, is_silent
from policies.errors import LimitError

MAX_RUNS: Final = 20
"""Maximal number of runs and workflows beside an asset whose events count for its sources, the newest first."""

MAX_EVENTS: Final = 20
"""Maximal number of events that are read for the sources of one asset, the newest first."""

_PROCESSES: Final = ("Run", "Workflow")
_HOPS: Final = (PRODUCES.into(*_PROCESSES), INPUT_TO.out(*_PROCESSES), RUN_OF.into("Run"))
"""From an asset to the runs and workflows whose events name it, and from a workflow to its runs."""


@strawberry.enum(description="Why a source of events needs attention.")
class SourceAlarmReason(Enum):
    """Why a source of events needs attention."""

    SILENT = value("SILENT", description=f"No event arrived for {SILENT_HOURS} hours.")
    REJECTED = value("REJECTED", description=f"An event of the last {ALARM_DAYS} days was rejected.")
    NO_EDGES = value(
        "NO_EDGES",
        description=f"An event of the last {ALARM_DAYS} days names inputs or outputs, and made no edge to them.",
    )


@strawberry.type(description="An alarm of a source of events.")
class SourceAlarm:
    """An alarm of a source of events."""

    reason: SourceAlarmReason = stored_field("Why the source needs attention.")
    ingestion: Ingestion = stored_field(
        "The newest event that raises the alarm; of a silent source its last event. `receivedAt` is the instant since "
        "when the source is silent."
    )


async def _alarms(root: Parent, info: Info) -> Resolved:
    """Return the alarms of a source at the read time; None if too few of its events are visible to find them."""
    now = info.context.reader.pin.valid
    until = (In("source", (root["source"],)), Below("createdAt", now + 1))
    recent = (*until, Above("createdAt", alarming_since(now) - 1))
    states = {SourceAlarmReason.REJECTED: IngestionState.REJECTED, SourceAlarmReason.NO_EDGES: IngestionState.NO_EDGES}
    wanted = [All(until), *(All((*recent, In("state", (state.name,)))) for state in states.values())]
    try:
        last, *others = await asyncio.gather(*(_newest(info, where) for where in wanted))
    except LimitError:
        return None
    found = dict(zip(states, others, strict=True))
    if last is not None and is_silent(last.record["createdAt"], now):
        found = {SourceAlarmReason.SILENT: last, **found}
    return [{"reason": reason, "ingestion": row} for reason, row in found.items() if row is not None]


async def _newest(info: Info, where: Condition) -> Row | None:
    """Return the newest visible ingestion that meets a condition."""
    page = await info.context.reader.attached_records("Ingestion", where, ONE)
    return page.items[0].row if page.items else None


@strawberry.type(
    description="A source of events about an asset: the namespace of the jobs or datasets that the events are about."
)
class AssetSource:
    """A source of events about an asset."""

    source: str = stored_field("The name of the source, as `Ingestion.source` has it.")
    producer: str | None = stored_field("The program that made the newest event, as the event has it.")
    last_received_at: Instant = stored_field(
        "The instant at which the newest event of the source about the asset arrived."
    )
    ingestion: Ingestion = stored_field("That event.")
    alarms: list[SourceAlarm] | None = strawberry.field(
        description="The alarms of the source, over all its events that are visible to the viewer, also about other "
        "assets. Null if too many events must be examined to find a visible one.",
        resolver=_alarms,
    )


async def _sources(roots: Parents, info: Info) -> list[Resolved]:
    rows: Sequence[Row] = [*roots]
    processes = await asyncio.gather(*(_processes(row, info) for row in rows))
    return [*await asyncio.gather(*(_of_asset(row, near, info) for row, near in zip(rows, processes, strict=True)))]


async def _processes(row: Row, info: Info) -> list[str]:
    """Return the ids of the newest visible runs and workflows beside an asset."""
    query = _query_of(row.kind)
    if query is None:
        return []
    found = await info.context.reader.related(row, query, ALL)
    newest = sorted((item.row for item in found.items), key=_age)
    return [each.urn for each in newest[:MAX_RUNS]]


def _query_of(kind: str) -> RelationQuery | None:
    """Return the query of the runs and workflows beside assets of a kind; None if there can be none."""
    hops = [hop for hop in _HOPS if _begins_at(hop, kind)]
    return related(*hops) if hops else None


def _begins_at(hop: Hop, kind: str) -> bool:
    near, far = (0, 1) if hop.direction is Direction.OUT else (1, 0)
    return any(ends[near] == kind and ends[far] in hop.kinds for ends in hop.relation.ends)


def _age(row: Row) -> tuple[int, str]:
    """Return the sort key by which workflows come first, then runs by their visible start, the latest first."""
    if row.kind == "Workflow":
        return -1 << 62, row.urn
    return -int(row.visible_value("startedAt") or 0), row.urn


async def _of_asset(row: Row, processes: Sequence[str], info: Info) -> list[JsonObject]:
    """Return the sources of an asset, that of the newest event first."""
    where = All((In("subject", (row.urn, *processes)), Below("createdAt", info.context.reader.pin.valid + 1)))
    page = await info.context.reader.attached_records("Ingestion", where, PageRequest(first=MAX_EVENTS))
    found: dict[str, JsonObject] = {}
    for event in (item.row for item in page.items):
        source = event.record["source"]
        found.setdefault(
            source,
            {
                "source": source,
                "producer": event.record.get("producer"),
                "lastReceivedAt": event.record["createdAt"],
                "ingestion": event,
            },
        )
    return [*found.values()]


asset_sources: SchemaField = strawberry.field(
    description=f"The sources of events about the asset, by the {MAX_EVENTS} newest events of the last 30 days that "
    f"are visible to the viewer. Events about the asset count, and those about its {MAX_RUNS} newest runs and "
    "workflows. An asset that only clients registered has none; its `history` names them.",
    resolver=_sources,
    metadata={**resolved_for_all(), INPUTS: lambda _: (SHOWN_BY, "upstream", "downstream")},
)
