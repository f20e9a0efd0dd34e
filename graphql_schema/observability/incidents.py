"""Incidents: on an asset, on the assets of a team, and all; the mutations openIncident and resolveIncident."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Annotated, Final

import strawberry

from graphql_schema.catalog.enums import IncidentState, Severity
from graphql_schema.catalog.relations import RAISED_ON
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.fields.connection import After, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import (
    Parent,
    Parents,
    Resolved,
    ResolvedForAll,
    SchemaField,
    resolved_for_all,
    stored_field,
)
from graphql_schema.fields.node import Node, named_row
from graphql_schema.fields.refs import AssetRef
from graphql_schema.fields.relation_fields import relation_connections
from graphql_schema.fields.scalars import Instant
from graphql_schema.governance.owned_assets import all_owned
from graphql_schema.inputs.idempotency_key import key_in
from graphql_schema.inputs.input_fields import dry_run_field, key_field, optional_input, reason_field
from graphql_schema.inputs.payloads import MutationError, changed_field, errors_field, payload, resolve_created_record
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import InputError, asset_kind, check_text, checked_reason, require_kind
from graphql_schema.lineage.impact import Impact, impacting
from graphql_schema.ports.commands import OpenIncidentCommand, ResolveIncidentCommand
from graphql_schema.ports.conditions import ALWAYS, Condition, In
from graphql_schema.ports.relation_query import ItemFilter, PageRequest, RowFilter, newest_first, slice_page
from graphql_schema.ports.row import PageItem, Row, RowPage
from graphql_schema.ports.turns.sorted_parts import sorted_in_parts

INCIDENTS = newest_first(RAISED_ON.into("Incident"))
"""From an asset to its incidents, newest first."""


MANY_INCIDENTS: Final = 2_000
"""Number of incidents and assets above which the side thread puts the incidents in order; so many take 2 ms."""


FIELD = "incidents"
"""Field of an asset that shows its incidents."""


StateArg = Annotated[
    IncidentState | None, strawberry.argument(description="Only incidents in this state; all if absent.")
]


def _in_state(state: IncidentState | None) -> Condition:
    return ALWAYS if state is None else In("state", (state.name,))


def _filter_of(state: IncidentState | None) -> ItemFilter | None:
    """Return the filter for a state; None if all states are listed, so that the store can cut the page."""
    return None if state is None else RowFilter(_in_state(state))


async def _of_asset(
    roots: Parents, info: Info, state: StateArg = None, first: First = 20, after: After = None
) -> ResolvedForAll:
    return await relation_connections(roots, info, INCIDENTS, first, after, _filter_of(state))


asset_incidents: SchemaField = strawberry.field(
    description="Open and resolved incidents on the asset, the newest first.",
    resolver=_of_asset,
    metadata=resolved_for_all(),
)


async def _everywhere(info: Info, state: StateArg = None, first: First = 20, after: After = None) -> Resolved:
    where = _in_state(state)
    page, binding = page_request_of(info, first, after, where)
    return ConnectionSource(await info.context.reader.attached_records("Incident", where, page), page, binding)


all_incidents: SchemaField = strawberry.field(
    description="All incidents on assets whose `incidents` the viewer may see, the newest first.", resolver=_everywhere
)


async def _of_team(
    root: Parent, info: Info, state: StateArg = None, first: First = 20, after: After = None
) -> Resolved:
    return await incidents_of_teams(info, (root.urn,), state, first, after, root.urn)


team_incidents: SchemaField = strawberry.field(
    description="The incidents on the assets that the team owns, as a direct owner or as their `ownerTeam`, newest "
    "first. Assets with another `ownerTeam` may be left out if there are more than 10,000, or they are too large to "
    "read.",
    resolver=_of_team,
)


async def incidents_of_teams(
    info: Info, teams: Sequence[str], state: IncidentState | None, first: int | None, after: str | None, *scope: object
) -> ConnectionSource:
    """Return a page of the incidents on the assets of teams, newest first, as the source of a connection.

    ``scope`` identifies the teams in cursors. Raises LimitError if the assets are too many, or ``first`` is out of
    range, and InvalidError for an invalid cursor.
    """
    page, binding = page_request_of(info, first, after, *scope, keep=_filter_of(state))
    found = await info.context.once(("incidents", teams, page), lambda: _read(info, teams, page))
    return ConnectionSource(found, page, binding)


async def _read(info: Info, teams: Sequence[str], page: PageRequest) -> RowPage:
    """Return a page of the incidents on the assets of teams; raise LimitError if these are too many."""
    return await _gathered(info, (await all_owned(info, teams, FIELD)).rows, page)


async def _gathered(info: Info, assets: list[Row], page: PageRequest) -> RowPage:
    """Return one page over the incidents of several assets; as many are read from each as the page may need."""
    each = replace(page, first=None, after=None, total=False) if page.total else page
    found = await info.context.reader.related_to_all(assets, INCIDENTS, each)
    await info.context.budget.pause()
    is_long = len(found) + sum(len(slice_.items) for slice_ in found) > MANY_INCIDENTS
    return await run_in_parts(_merged(found, page), is_long=is_long)


def _merged(found: Sequence[RowPage], page: PageRequest) -> Generator[None, None, RowPage]:
    """Return one page over the incidents of several assets, each incident once; pauses after each."""
    items: dict[str, PageItem] = {}
    for slice_ in found:
        for item in slice_.items:
            items[item.row.urn] = item
            yield
        yield
    ordered = yield from sorted_in_parts([*items.values()], attrgetter("position"))
    merged = slice_page(ordered, page)
    return replace(merged, has_next=merged.has_next or any(slice_.has_next for slice_ in found))


async def _subjects(root: Parent, info: Info) -> Resolved:
    """Return the affected assets that are visible to the viewer."""
    found = await info.context.reader.nodes(root.record["subjects"], constant_time=True)
    return [row for row in found if row is not None]


async def _impact(root: Parent, info: Info) -> Resolved:
    """Return the impact of the affected assets that are visible to the viewer."""
    known = await _subjects(root, info)
    return impacting(info, [row.urn for row in known], None, None)


async def _cause(root: Parent, info: Info) -> Resolved:
    """Return the cause if it is visible to the viewer; it can be on another asset than the incident."""
    return await named_row(root.record.get("cause"), info)


@strawberry.type(description="A problem with one or more assets, open until resolved.")
class Incident(Node):
    """A problem with one or more assets, open until resolved."""

    title: str = stored_field("Description of the problem.")
    state: IncidentState = stored_field("Whether the incident is open or resolved.")
    severity: Severity = stored_field("Severity of the incident.")
    opened_at: Instant = stored_field("Instant at which the incident was opened in this graph.")
    resolved_at: Instant | None = stored_field(
        "Instant at which the incident was resolved in this graph; null while it is open."
    )
    assets: list[AssetRef] | None = strawberry.field(
        description="Affected assets that are visible to the viewer.", resolver=_subjects
    )
    cause: Node | None = strawberry.field(
        description="Check result or change that caused the incident; null if none was given or it is hidden.",
        resolver=_cause,
    )
    impact: Impact | None = strawberry.field(
        description="Impact of those affected assets that are visible to the viewer, up to 20 levels downstream.",
        resolver=_impact,
    )


MAX_TITLE_LENGTH = 300
"""Maximal number of characters of the title of an incident."""


MAX_INCIDENT_ASSETS = 20
"""Maximal number of assets of one incident."""


@strawberry.input(description="An incident to open.")
class OpenIncidentInput:
    """An incident to open."""

    assets: list[strawberry.ID] = strawberry.field(
        description=f"Ids of the affected assets, 1 to {MAX_INCIDENT_ASSETS}."
    )
    title: str = strawberry.field(description=f"Description of the problem, 1 to {MAX_TITLE_LENGTH} characters.")
    severity: Severity = strawberry.field(description="Severity of the incident.")
    cause: strawberry.ID | None = optional_input("Id of the check result or change that caused the incident.")
    idempotency_key: str | None = key_field()
    dry_run: bool | None = dry_run_field()


@strawberry.input(description="An incident to resolve.")
class ResolveIncidentInput:
    """An incident to resolve."""

    incident: strawberry.ID = strawberry.field(description="Id of the incident.")
    reason: str | None = reason_field()
    dry_run: bool | None = dry_run_field()


@strawberry.type(description="Result of opening or resolving an incident.")
class IncidentPayload:
    """Result of opening or resolving an incident."""

    incident: Incident | None = strawberry.field(
        description="The incident as stored now; null if the call was rejected, or if it is not stored or not visible "
        "to you.",
        resolver=resolve_created_record,
    )
    changed: bool = changed_field()
    errors: list[MutationError] = errors_field()


OpenArg = Annotated[OpenIncidentInput, strawberry.argument(description="The incident to open.")]


ResolveArg = Annotated[ResolveIncidentInput, strawberry.argument(description="The incident to resolve.")]


async def _open(info: Info, input: OpenArg) -> Resolved:
    return payload(await submit_one(info, _opening, input, dry_run=input.dry_run))


async def _resolve(info: Info, input: ResolveArg) -> Resolved:
    return payload(await submit_one(info, _resolving, input, dry_run=input.dry_run))


open_incident: IncidentPayload = strawberry.field(
    description="Opens an incident on assets; requires the right to update each of them.", resolver=_open
)


resolve_incident: IncidentPayload = strawberry.field(
    description="Resolves an incident; requires the right to update each of its assets.", resolver=_resolve
)


def _opening(given: OpenIncidentInput) -> OpenIncidentCommand:
    """Return the command that opens an incident; raise InputError if the input is invalid."""
    if not 1 <= len(given.assets) <= MAX_INCIDENT_ASSETS:
        raise InputError(f"`assets` has {len(given.assets)} entries; give 1 to {MAX_INCIDENT_ASSETS}.", "assets")
    for index, urn in enumerate(given.assets):
        asset_kind(urn, "assets", str(index))
    check_text(given.title, MAX_TITLE_LENGTH, "title")
    if given.cause is not None:
        require_kind(given.cause, ("CheckResult", "Change"), "cause")
    assets = tuple(dict.fromkeys(given.assets))
    return OpenIncidentCommand(assets, given.title, given.severity.name, given.cause, key_in(given))


def _resolving(given: ResolveIncidentInput) -> ResolveIncidentCommand:
    """Return the command that resolves an incident; raise InputError if the input is invalid."""
    require_kind(given.incident, ("Incident",), "incident")
    return ResolveIncidentCommand(given.incident, checked_reason(given.reason))
