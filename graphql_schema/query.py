"""The root type Query: objects by id, listings, lineage, search and the viewer."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from graphql_schema.assets.asset import Asset
from graphql_schema.assets.domain import Domain
from graphql_schema.assets.tag import Tag
from graphql_schema.assets.team import Team, User
from graphql_schema.catalog.enums import PrincipalType
from graphql_schema.catalog.kinds import ALL_KINDS, KINDS
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.fields.as_of import AsOf, set_read_time
from graphql_schema.fields.connection import After, Connection, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Resolved, SchemaField, stored_field
from graphql_schema.fields.listing_fields import AssetFilterArg, AssetOrderArg, list_assets
from graphql_schema.fields.node import Node
from graphql_schema.fields.refs import TeamRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.governance.changes import Change, changes_field
from graphql_schema.governance.team_names import team_named
from graphql_schema.lineage.impact import Impact, impact
from graphql_schema.lineage.paths import LineagePaths, paths
from graphql_schema.lineage.traversal import Lineage, lineage
from graphql_schema.observability.absence import Absence, explain_absence
from graphql_schema.observability.incidents import Incident, all_incidents
from graphql_schema.observability.ingestions import Ingestion, all_ingestions
from graphql_schema.observability.thin_events import ThinEvent, all_thin_events
from graphql_schema.plans.change_plan import ChangePlan
from graphql_schema.plans.plan_lists import all_change_plans
from graphql_schema.ports.conditions import In, ListingQuery, SortOrder
from graphql_schema.ports.record import Json
from graphql_schema.scene.lineage_diff import LineageDiff, lineage_diff
from graphql_schema.scene.scene_field import Scene, scene
from graphql_schema.search.search_field import SearchResults, search
from graphql_schema.webhooks.webhook import Webhook, webhooks
from graphql_schema.work.my_work import MyWork, my_work
from policies.errors import InvalidError, LimitError

MAX_NODE_IDS = 500
"""Maximal number of ids in one field `nodes`."""

IdArg = Annotated[strawberry.ID, strawberry.argument(description="The id, a URN.")]
IdsArg = Annotated[list[strawberry.ID], strawberry.argument(description=f"Ids, at most {MAX_NODE_IDS}.")]
TeamIdArg = Annotated[strawberry.ID | None, strawberry.argument(description="The id; give either this or `name`.")]
TeamNameArg = Annotated[
    str | None,
    strawberry.argument(
        description="The name of a team, in any case: first of a team with the source `catalog` and the namespace "
        "`default`, else the name or display name of any team. An error if it fits several equally."
    ),
]


@strawberry.type(description="The caller, according to its token.")
class Viewer:
    """The caller, according to its token."""

    subject: str = stored_field("The subject of the token, preceded by the `subject_prefix` of its issuer, if any.")
    kind: PrincipalType = stored_field("A person or a program.")
    display_name: str | None = stored_field("The name to display; null if the token has none.")
    teams: list[TeamRef] = stored_field(
        "The teams of the viewer that are in the catalog: those of the token, and the teams above them."
    )
    roles: list[str] = stored_field(
        "The roles by which the policy decides: those of the token that the installation defines, and granted ones."
    )
    scopes: list[str] = stored_field("The scopes of the token.")
    tenant: str = stored_field("The tenant of the viewer.")
    expires_at: Instant | None = stored_field("The instant when the token expires; null if it does not.")
    policy_version: str = stored_field("The version of the active policy.")


async def _node(info: Info, id: IdArg) -> Resolved:
    return await info.context.reader.node(id) if _is_node(id) else None


async def _nodes(info: Info, ids: IdsArg, as_of: AsOf = None) -> Resolved:
    set_read_time(info, as_of)
    if len(ids) > MAX_NODE_IDS:
        raise LimitError(
            f"`ids` has {len(ids)} entries; the limit is {MAX_NODE_IDS}. Split the query.", limit=MAX_NODE_IDS
        )
    nodes = [urn for urn in ids if _is_node(urn)]
    found = dict(zip(nodes, await info.context.reader.nodes(nodes, named=True), strict=True))
    return [found.get(urn) for urn in ids]


def _is_node(urn: str) -> bool:
    """Return whether the id is of a `Node`: of any kind but usage months, observations and queues of thin events.

    Raises InvalidError if it is no URN.
    """
    return parse_urn(urn).kind not in {"UsageMonth", "Observation", "ThinEventQueue"}


async def _asset(info: Info, id: IdArg, as_of: AsOf = None) -> Resolved:
    set_read_time(info, as_of)
    return await info.context.reader.node(id) if ALL_KINDS[parse_urn(id).kind].asset else None


async def _change_plan(info: Info, id: IdArg) -> Resolved:
    return await info.context.reader.node(id) if parse_urn(id).kind == "ChangePlan" else None


async def _team(info: Info, id: TeamIdArg = None, name: TeamNameArg = None) -> Resolved:
    if (id is None) == (name is None):
        raise InvalidError("`team` needs either `id` or `name`; give exactly one of them.")
    if id is None:
        return await team_named(info, name or "")
    return await info.context.reader.node(id) if parse_urn(id).kind == "Team" else None


async def _assets(
    info: Info,
    filter: AssetFilterArg = None,
    order_by: AssetOrderArg = None,
    first: First = 20,
    after: After = None,
) -> Resolved:
    return await list_assets(info, filter, order_by, first, after)


def _all_of(kind: str, description: str) -> SchemaField:
    """Return a connection field over all records of a kind, ordered by name, then id; the kind must not be an asset."""
    listing = ListingQuery(In("kind", (KINDS[kind].code,)), SortOrder("name"))

    async def resolve(info: Info, first: First = 50, after: After = None) -> Resolved:
        page, binding = page_request_of(info, 50 if first is None else first, after, listing)
        return ConnectionSource(await info.context.reader.listing(listing, page), page, binding)

    return strawberry.field(resolver=resolve, description=description)


def _visible(rows: Sequence[Json]) -> list[Json]:
    return [row for row in rows if row is not None]


async def _viewer(info: Info) -> Resolved:
    who = info.context.principal
    return {
        "subject": who.subject,
        "kind": who.kind.value,
        "displayName": who.display_name,
        "teams": _visible(await info.context.reader.nodes(sorted(who.teams))),
        "roles": sorted(who.roles),
        "scopes": sorted(who.scopes),
        "tenant": who.tenant,
        "expiresAt": None if who.expires_at is None else who.expires_at * 1000,
        "policyVersion": info.context.policy_report.policy_version,
    }


@strawberry.type(description="The root of queries.")
class Query:
    """The root of queries."""

    node: Node | None = strawberry.field(
        description="An object by id at present, also a deleted asset; null if it does not exist or is not visible. "
        "For an instant use `asset` or `nodes`.",
        resolver=_node,
    )
    nodes: list[Node | None] = strawberry.field(
        description="One entry per id, in order, also deleted assets; null if an object does not exist or is not "
        "visible.",
        resolver=_nodes,
    )
    asset: Asset | None = strawberry.field(
        description="An asset by id, also a deleted one; null if it does not exist, is not visible, or is not an "
        "asset.",
        resolver=_asset,
    )
    assets: Connection[Asset] = strawberry.field(
        description="All visible assets that match the filter, by default ordered by id; without deleted ones.",
        resolver=_assets,
    )
    search: SearchResults = search
    team: Team | None = strawberry.field(
        description="A team by id or by name, exactly one of them; null if there is no such team.", resolver=_team
    )
    teams: Connection[Team] | None = _all_of("Team", "All teams, ordered by name.")
    users: Connection[User] | None = _all_of("User", "All users, ordered by name.")
    domains: Connection[Domain] | None = _all_of("Domain", "All business areas, ordered by name.")
    tags: Connection[Tag] | None = _all_of("Tag", "All tags, ordered by name.")
    incidents: Connection[Incident] | None = all_incidents
    change_plan: ChangePlan | None = strawberry.field(
        description="A change plan by id; null if it does not exist or is not visible.", resolver=_change_plan
    )
    change_plans: Connection[ChangePlan] | None = all_change_plans
    ingestions: Connection[Ingestion] | None = all_ingestions
    thin_events: Connection[ThinEvent] | None = all_thin_events
    lineage: Lineage = lineage
    impact: Impact = impact
    paths: LineagePaths = paths
    explain_absence: Absence = explain_absence
    scene: Scene = scene
    lineage_diff: LineageDiff = lineage_diff
    changes: Connection[Change] = changes_field()
    my_work: MyWork = my_work
    webhooks: list[Webhook] = webhooks
    viewer: Viewer = strawberry.field(description="The caller.", resolver=_viewer)
