"""Lists of incidents: on an asset, on what a team owns, and everywhere."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import strawberry

from graphql_schema.catalog.enums import IncidentState, Severity
from graphql_schema.catalog.relations import RAISED_ON
from graphql_schema.fields.connection import After, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, stored_field
from graphql_schema.fields.filters import asset_listing
from graphql_schema.fields.node import Node
from graphql_schema.fields.refs import AssetRef
from graphql_schema.fields.relation_fields import relation_connection
from graphql_schema.fields.scalars import Instant
from graphql_schema.inputs.idempotency_key import key_in
from graphql_schema.inputs.input_fields import _given, key_field, reason_field
from graphql_schema.inputs.payloads import MutationError, _errors, payload, resolve_created_record
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import InputError, _within, asset_kind, checked_reason, require_kind
from graphql_schema.lineage.impact import Impact, impacting
from graphql_schema.ports.commands import OpenIncidentCommand, ResolveIncidentCommand
from graphql_schema.ports.conditions import ALWAYS, Condition, In
from graphql_schema.ports.relation_query import ItemFilter, PageRequest, RowFilter, newest_first, slice_page
from graphql_schema.ports.row import AccessGrade, Row, RowPage
from policies.errors import LimitError

INCIDENTS = newest_first(RAISED_ON.into("Incident"))
"""From an asset to its incidents."""


FIELD = "incidents"
"""The field of an asset that shows them."""


MAX_OWNED = 10_000
"""Assets of a team whose incidents one field gathers."""


StateArg = Annotated[IncidentState | None, strawberry.argument(description="In this state; all when absent.")]


def _in_state(state: IncidentState | None) -> Condition:
    return ALWAYS if state is None else In("state", (state.name,))


def _filter_of(state: IncidentState | None) -> ItemFilter | None:
    """Return None for every state: pages without a filter are cut in the store."""
    return None if state is None else RowFilter(_in_state(state))


async def _of_asset(root: Parent, info: Info, state: StateArg = None, first: First = 20, after: After = None) -> Any:
    return await relation_connection(root, info, INCIDENTS, first, after, _filter_of(state))


asset_incidents: Any = strawberry.field(
    description="Problems that stand, or stood, on it, the newest first.", resolver=_of_asset
)


async def _everywhere(info: Info, state: StateArg = None, first: First = 20, after: After = None) -> Any:
    where = _in_state(state)
    page, binding = page_request_of(info, first, after, where)
    return ConnectionSource(await info.context.reader.attached_records("Incident", where, page), page, binding)


all_incidents: Any = strawberry.field(
    description="Every incident on an asset that the viewer may read, the newest first.", resolver=_everywhere
)


def incidents_where(condition_for: Callable[[str], Condition], description: str) -> Any:
    """Declare a connection of the incidents on the assets that meet ``condition_for`` of the id of the source."""

    async def resolve(root: Parent, info: Info, state: StateArg = None, first: First = 20, after: After = None) -> Any:
        page, binding = page_request_of(info, first, after, root.urn, keep=_filter_of(state))
        assets = await _shown(info, condition_for(root.urn))
        return ConnectionSource(await _gathered(info, assets, page), page, binding)

    return strawberry.field(resolver=resolve, description=description)


async def _shown(info: Info, where: Condition) -> list[Row]:
    """Return the assets that meet a condition and show their incidents to the viewer."""
    found = await info.context.reader.listing(asset_listing(None, None, where), PageRequest(MAX_OWNED))
    if found.has_next:
        raise LimitError(
            f"These are the incidents of more than {MAX_OWNED} assets; ask for `incidents` of the query, by state.",
            limit=MAX_OWNED,
        )
    rows = [item.row for item in found.items]
    return [row for row in rows if row.access.grade is AccessGrade.READ and FIELD not in row.access.hidden]


async def _gathered(info: Info, assets: list[Row], page: PageRequest) -> RowPage:
    """One page over the incidents of several assets: each brings as many as the page may need of it."""
    each = replace(page, first=None, after=None, total=False) if page.total else page
    found = await asyncio.gather(*(info.context.reader.related(asset, INCIDENTS, each) for asset in assets))
    items = {item.row.urn: item for slice_ in found for item in slice_.items}
    merged = slice_page(sorted(items.values(), key=lambda item: item.position), page)
    return replace(merged, has_next=merged.has_next or any(slice_.has_next for slice_ in found))


async def _subjects(root: Parent, info: Info) -> Any:
    found = await info.context.reader.nodes(root.record["subjects"])
    return [row for row in found if row is not None]


async def _impact(root: Parent, info: Info) -> Any:
    """What is touched by what is affected, as far as the viewer may know of that: the rest is not even a root."""
    known = await _subjects(root, info)
    return impacting(info, [row.urn for row in known], None, None)


async def _cause(root: Parent, info: Info) -> Any:
    """The cause as the viewer may see it: it may be about something else than the incident."""
    urn = root.record.get("cause")
    return await info.context.reader.node(urn) if urn else None


@strawberry.type(description="A problem with assets that stands until somebody says that it is over.")
class Incident(Node):
    """A problem with assets."""

    title: str = stored_field("What is wrong, in words.")
    state: IncidentState = stored_field("Whether it stands.")
    severity: Severity = stored_field("How bad it is.")
    opened_at: Instant = stored_field("When it was opened here.")
    resolved_at: Instant | None = stored_field("When it was resolved here; null while it stands.")
    assets: list[AssetRef] | None = strawberry.field(
        description="What is affected, as far as the viewer may know of it.", resolver=_subjects
    )
    cause: Node | None = strawberry.field(
        description="The check result or change that it comes from; null when unknown or hidden.", resolver=_cause
    )
    impact: Impact | None = strawberry.field(
        description="What is touched by what is affected, as far as the viewer may know of that.", resolver=_impact
    )


MAX_TITLE_LENGTH = 300
"""Characters of an incident's title."""


MAX_INCIDENT_ASSETS = 20
"""Assets of one incident."""


@strawberry.input(description="A problem with assets.")
class OpenIncidentInput:
    """A problem with assets."""

    assets: list[strawberry.ID] = strawberry.field(description=f"Ids of what is affected, 1 to {MAX_INCIDENT_ASSETS}.")
    title: str = strawberry.field(description=f"What is wrong, in 1 to {MAX_TITLE_LENGTH} characters.")
    severity: Severity = strawberry.field(description="How bad it is.")
    cause: strawberry.ID | None = _given("The id of the check result or change that it comes from.")
    idempotency_key: str | None = key_field()


@strawberry.input(description="Says that an incident is over.")
class ResolveIncidentInput:
    """Says that an incident is over."""

    incident: strawberry.ID = strawberry.field(description="The id of the incident.")
    reason: str | None = reason_field()


@strawberry.type(description="What came of opening or resolving an incident.")
class IncidentPayload:
    """What came of opening or resolving an incident."""

    incident: Incident | None = strawberry.field(
        description="The incident as it is now.", resolver=resolve_created_record
    )
    errors: list[MutationError] = _errors()


OpenArg = Annotated[OpenIncidentInput, strawberry.argument(description="The problem.")]


ResolveArg = Annotated[ResolveIncidentInput, strawberry.argument(description="The incident.")]


async def _open(info: Info, input: OpenArg) -> Any:
    return payload(await submit_one(info, lambda: _opening(input)))


async def _resolve(info: Info, input: ResolveArg) -> Any:
    return payload(await submit_one(info, lambda: _resolving(input)))


open_incident: IncidentPayload = strawberry.field(
    description="Opens an incident on assets that the caller may update.", resolver=_open
)


resolve_incident: IncidentPayload = strawberry.field(
    description="Says that an incident is over; takes the right to update one of its assets.", resolver=_resolve
)


def _opening(given: OpenIncidentInput) -> OpenIncidentCommand:
    if not 1 <= len(given.assets) <= MAX_INCIDENT_ASSETS:
        raise InputError(f"An incident is on 1 to {MAX_INCIDENT_ASSETS} assets; name what is affected first.", "assets")
    for index, urn in enumerate(given.assets):
        asset_kind(urn, "assets", str(index))
    _within(given.title, MAX_TITLE_LENGTH, "title")
    if given.cause is not None:
        require_kind(given.cause, ("CheckResult", "Change"), "cause")
    assets = tuple(dict.fromkeys(given.assets))
    return OpenIncidentCommand(assets, given.title, given.severity.name, given.cause, key_in(given))


def _resolving(given: ResolveIncidentInput) -> ResolveIncidentCommand:
    require_kind(given.incident, ("Incident",), "incident")
    return ResolveIncidentCommand(given.incident, checked_reason(given.reason))
