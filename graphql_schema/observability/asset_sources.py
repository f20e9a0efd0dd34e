"""The sources of an asset: which senders of events describe it, when each last did, and which alarms each has.

Everything is computed from ingestions that the viewer may see: those about the asset, and about its newest runs and
workflows. An alarm of a source is about its events that the viewer may see, also about other assets.

Any engineer sends events about an own run that reads the asset, and chooses the source of them. So what is close to the
asset counts first, and an alarm is about the events of those callers who are closest to the asset.
"""

import asyncio
from bisect import insort
from collections import defaultdict
from collections.abc import Generator, Sequence
from enum import Enum
from functools import partial
from typing import Final, NamedTuple

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.catalog.relations import INPUT_TO, PARENT_HOPS, PRODUCES, RUN_OF, Direction, Hop
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.execution.many_calls import gathered
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import INPUTS, Parent, Parents, Resolved, SchemaField, resolved_for_all, stored_field
from graphql_schema.fields.scalars import Instant
from graphql_schema.observability.ingestions import SHOWN_BY, Ingestion, IngestionState
from graphql_schema.ports.conditions import Above, All, Below, Condition, In
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import ALL, ONE, PageRequest, RelationQuery, related
from graphql_schema.ports.row import PageItem, Row
from graphql_schema.rules.observation.known_owner import OwnerOf, known_owner
from graphql_schema.rules.observation.source_alarms import ALARM_DAYS, SILENT_HOURS, alarming_since, is_silent
from policies.errors import LimitError

MAX_RUNS: Final = 20
"""Maximal number of runs and workflows whose events count for the sources of an asset, the newest first.

So many count that are close to it, and so many others.
"""

MAX_EVENTS: Final = 20
"""Maximal number of events that are read for the sources of one asset, the newest first.

So many are read about the asset and what is close to it, and so many about others.
"""

MANY_PROCESSES: Final = 500
"""Number of runs and workflows above which the side thread finds the newest; so many take 2 ms."""

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
    until = (In("source", (root["source"],)), In("actor", root["actors"]), Below("createdAt", now + 1))
    recent = (*until, Above("createdAt", alarming_since(now) - 1))
    states = {SourceAlarmReason.REJECTED: IngestionState.REJECTED, SourceAlarmReason.NO_EDGES: IngestionState.NO_EDGES}
    wanted = [All(until), *(All((*recent, In("state", (state.name,)))) for state in states.values())]
    try:
        last, *others = await asyncio.gather(*(_newest(info, where) for where in wanted))
    except LimitError as error:
        forget_frames(error)
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
        description="The alarms of the source, over its events that are visible to the viewer, also about other "
        "assets. Only the events of those callers count who sent some about the asset, what made it, or a run or "
        "workflow of its owner. If none did, those of the callers count who sent some about others that read it. Null "
        "if too many events must be examined to find a visible one.",
        resolver=_alarms,
    )


class _Subjects(NamedTuple):
    """Ids of what the events for the sources of an asset are about.

    ``close`` are the asset, the runs and workflows that made it or belong to it, and those with its owner. ``others``
    are further ones, which read it.
    """

    close: tuple[str, ...]
    others: tuple[str, ...]


_Place = tuple[int | str, ...]
"""The place of a run or workflow among others: numbers, then its id."""


async def _sources(roots: Parents, info: Info) -> list[Resolved]:
    rows: Sequence[Row] = [*roots]
    budget = info.context.budget
    subjects = await gathered(budget, [partial(_subjects, row, info) for row in rows], "sources")
    return [*await gathered(budget, [partial(_of_asset, each, info) for each in subjects], "sources")]


async def _subjects(row: Row, info: Info) -> _Subjects:
    """Return the subjects of an asset: itself, and the newest visible runs and workflows beside it."""
    query = _query_of(row.kind)
    if query is None:
        return _Subjects((row.urn,), ())
    reader, hop = info.context.reader, PARENT_HOPS.get(row.kind)
    queries = [query] if hop is None else [query, related(hop)]
    found, *above = [page.items for page in await asyncio.gather(*(reader.related(row, one, ALL) for one in queries))]
    await info.context.budget.pause()
    parents = {item.row.urn: item.row for items in above for item in items}
    nearest = _nearest(row, found, partial(known_owner, row_of=parents.get))
    return await run_in_parts(nearest, is_long=len(found) > MANY_PROCESSES)


def _nearest(asset: Row, items: Sequence[PageItem], owner_of: OwnerOf) -> Generator[None, None, _Subjects]:
    """Return the subjects of an asset, of all runs and workflows beside it; pauses after each of them.

    Of the others, the newest of each owner team comes first, then the second newest of each.
    """
    close, others, owner = list[_Place](), defaultdict[object, list[_Place]](list), owner_of(asset)
    for item in items:
        is_close = _is_close(item, owner, owner_of)
        _keep(close if is_close else others[owner_of(item.row)], _age(item.row))
        yield
    shares = list[_Place]()
    for of_owner in others.values():
        for number, place in enumerate(of_owner):
            _keep(shares, (number, *place))
        yield
    return _Subjects((asset.urn, *(str(urn) for *_, urn in close)), tuple(str(urn) for *_, urn in shares))


def _keep(first: list[_Place], place: _Place) -> None:
    """Add a place to the first MAX_RUNS ones, which are in order."""
    if len(first) < MAX_RUNS or place < first[-1]:
        insort(first, place)
        del first[MAX_RUNS:]


def _is_close(item: PageItem, owner: str | None, owner_of: OwnerOf) -> bool:
    """Return whether a run or workflow does more than read an asset, or has the known ``owner`` of the asset."""
    reads = item.edge is None or item.edge["relation"] == INPUT_TO.name
    return not reads or bool(owner and owner_of(item.row) == owner)


def _query_of(kind: str) -> RelationQuery | None:
    """Return the query of the runs and workflows beside assets of a kind; None if there can be none."""
    hops = [hop for hop in _HOPS if _begins_at(hop, kind)]
    return related(*hops) if hops else None


def _begins_at(hop: Hop, kind: str) -> bool:
    near, far = (0, 1) if hop.direction is Direction.OUT else (1, 0)
    return any(ends[near] == kind and ends[far] in hop.kinds for ends in hop.relation.ends)


def _age(row: Row) -> _Place:
    """Return the sort key by which workflows come first, then runs by their visible start, the latest first."""
    if row.kind == "Workflow":
        return -1 << 62, row.urn
    return -int(row.visible_value("startedAt") or 0), row.urn


async def _of_asset(subjects: _Subjects, info: Info) -> list[JsonObject]:
    """Return the sources of an asset, that of the newest event first."""
    found: dict[str, JsonObject] = {}
    for events in await asyncio.gather(*(_events(urns, info) for urns in subjects if urns)):
        actors = defaultdict[str, set[str]](set)
        for event in events:
            actors[event.record["source"]].add(event.record["actor"])
        for source, senders in actors.items():
            found.setdefault(source, {"source": source, "actors": tuple(sorted(senders)), "lastReceivedAt": -1})
        for event in events:
            known = found[event.record["source"]]
            if event.record["createdAt"] > known["lastReceivedAt"]:
                known |= {
                    "producer": event.record.get("producer"),
                    "lastReceivedAt": event.record["createdAt"],
                    "ingestion": event,
                }
    return sorted(found.values(), key=lambda each: each["lastReceivedAt"], reverse=True)


async def _events(subjects: Sequence[str], info: Info) -> list[Row]:
    """Return the newest visible events about some subjects."""
    where = All((In("subject", tuple(subjects)), Below("createdAt", info.context.reader.pin.valid + 1)))
    page = await info.context.reader.attached_records("Ingestion", where, PageRequest(first=MAX_EVENTS))
    return [item.row for item in page.items]


asset_sources: SchemaField = strawberry.field(
    description=f"The sources of events about the asset, by the {MAX_EVENTS} newest events of the last 30 days that "
    f"are visible to the viewer. Events about the asset count, and those about the {MAX_RUNS} newest runs and "
    "workflows that made it, belong to it or have its owner. As many events about as many others that read it also "
    "count. An asset that only clients registered has none; its `history` names them.",
    resolver=_sources,
    metadata={**resolved_for_all(), INPUTS: lambda _: (SHOWN_BY, "upstream", "downstream")},
)
