"""Impact: the assets downstream of some assets, with counts by kind and depth, and a shortest path to each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.fields.as_of import AsOf, set_read_time
from graphql_schema.fields.connection import After, Connection, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField, depends_on, stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.lineage.arguments import (
    DepthArg,
    Filter,
    LineageFilter,
    RootsArg,
    depth_of,
    lineage_filter,
    roots_of,
)
from graphql_schema.lineage.completeness import LineageCompleteness, completeness_source
from graphql_schema.lineage.impacted_teams import (
    ConcernedTeams,
    ImpactedTeam,
    ImpactReason,
    ReasonsArg,
    impacted_teams,
)
from graphql_schema.lineage.traversal import NODE_BYTES, KindCount, LineageNode, counts_by_kind, node_pages, pin_of
from graphql_schema.ports.lineage_query import LONG_LINEAGE, LineageQuery, LineageResult, ReachedNode, SnapshotTime
from graphql_schema.usage.asset_usage import Days, span_of

DEPTH = 20
"""Default depth of an impact, in levels."""

KindsArg = Annotated[
    list[AssetKind] | None, strawberry.argument(description="Only assets of these kinds; all if empty or absent.")
]


class ImpactSource:
    """Source of an :class:`Impact`: walks when a field needs the result, once for each snapshot time.

    The walk is at its own snapshot time if it has one, else at the read time of the operation.
    """

    def __init__(self, info: Info, walk: LineageQuery) -> None:
        self.walk = walk
        self._reader = info.context.reader
        self._budget = info.context.budget

    async def at(self, pin: SnapshotTime | None = None) -> LineageResult:
        """Return the result of the walk, or that at ``pin``, the snapshot time in a cursor."""
        return await self._reader.walk(self.walk if pin is None else replace(self.walk, pin=pin))

    async def nodes(self, pin: SnapshotTime | None = None, kinds: Sequence[str] = ()) -> list[ReachedNode]:
        """Return the affected assets: at least one edge away from the roots, and of one of these kind codes, if any."""
        found = await self.at(pin)
        await self._budget.pause()
        return await run_in_turn(_affected, found.is_long, found.nodes, kinds)


def _affected(found: Sequence[ReachedNode], kinds: Sequence[str]) -> list[ReachedNode]:
    return [node for node in found if node.depth and (not kinds or node.row.record["kind"] in kinds)]


Source = Parent


async def _total(root: Source) -> int:
    return len(await root.nodes())


async def _by_kind(root: Source) -> Resolved:
    return counts_by_kind(await root.nodes())


async def _by_depth(root: Source) -> list[int]:
    counts = Counter(node.depth for node in await root.nodes())
    return [counts[depth] for depth in range(1, max(counts, default=0) + 1)]


async def _page(
    root: Resolved, info: Info, first: int | None, after: str | None, *kinds: str, via: bool
) -> ConnectionSource:
    page, binding = page_request_of(info, 50 if first is None else first, after, root.walk, info.context.as_of, kinds)

    async def make() -> ConnectionSource:
        pin = pin_of(page)
        nodes = await root.nodes(pin, kinds)
        paged, is_long = partial(node_pages, via=via), len(nodes) > LONG_LINEAGE
        await info.context.budget.pause()
        found = await run_in_turn(paged, is_long, nodes, (await root.at(pin)).completeness.pin, page, binding)
        info.context.budget.count_stored(NODE_BYTES * found.size)
        return found

    return await info.context.once(("impact", root.walk, page, kinds, via, info.context.as_of), make)


async def _services(root: Source, info: Info, first: First = 50, after: After = None) -> Resolved:
    return await _page(root, info, first, after, KINDS["Service"].code, via=True)


async def _experiments(root: Source, info: Info, first: First = 50, after: After = None) -> Resolved:
    return await _page(root, info, first, after, KINDS["Experiment"].code, via=True)


async def _assets(root: Source, info: Info, kinds: KindsArg = None, first: First = 50, after: After = None) -> Resolved:
    return await _page(root, info, first, after, *sorted({kind.name for kind in kinds or ()}), via=False)


async def _concerned(
    root: Resolved, info: Info, reasons: Sequence[ImpactReason] | None, days: int | None
) -> ConcernedTeams:
    """Return the teams that the change concerns; they are found once for equal arguments."""
    span = span_of(info, days)

    async def find() -> ConcernedTeams:
        return await impacted_teams(info, (await root.at()).nodes, reasons, span)

    return await info.context.once(("impacted teams", root.walk, frozenset(reasons or ()), span), find)


async def _teams(root: Source, info: Info, reasons: ReasonsArg = None, days: Days = 30) -> Resolved:
    return (await _concerned(root, info, reasons, days)).teams


async def _teams_complete(root: Source, info: Info, reasons: ReasonsArg = None, days: Days = 30) -> bool:
    return (await _concerned(root, info, reasons, days)).complete


async def _completeness(root: Source) -> Resolved:
    return completeness_source((await root.at()).completeness)


async def _unknown(root: Source) -> Resolved:
    return (await root.at()).unknown


@strawberry.type(description="An asset downstream of the roots, and a path to it.")
class ImpactedAsset:
    """An affected asset, and a path to it."""

    asset: AssetRef = stored_field("The asset.")
    depth: int = stored_field(
        "Number of edges from the nearest root to the asset; steps between parent and child do not count."
    )
    via: list[strawberry.ID] = stored_field(
        "Ids on one shortest path from a root to the asset, both included, also parents and children on it: the least "
        "by ids among the shortest."
    )


@strawberry.type(
    description="Assets that a change of the roots would affect: those at least one edge downstream that the filter "
    "shows. Roots, and parents or children of roots at depth 0, are not counted."
)
class Impact:
    """Assets that a change of the roots would affect: everything downstream at depth 1 or more."""

    total: int = strawberry.field(
        description="Number of affected assets that were found and are visible to the viewer; see `completeness`.",
        resolver=_total,
    )
    counts_by_kind: list[KindCount] = strawberry.field(
        description="Number of affected assets of each kind, ordered by kind.", resolver=_by_kind
    )
    counts_by_depth: list[int] = strawberry.field(
        description="Number of affected assets at each depth; the first number is for depth 1.", resolver=_by_depth
    )
    services: Connection[ImpactedAsset] = strawberry.field(
        description="Affected services, ordered by depth, then id.", resolver=_services
    )
    experiments: Connection[ImpactedAsset] = strawberry.field(
        description="Affected experiments, ordered by depth, then id.", resolver=_experiments
    )
    assets: Connection[LineageNode] = strawberry.field(
        description="Affected assets, ordered by depth, then id.", resolver=_assets
    )
    teams: list[ImpactedTeam] = strawberry.field(
        description="Visible teams that a change concerns, ordered by number of affected assets that they own, most "
        "first; ties by id.",
        resolver=_teams,
    )
    teams_complete: bool = strawberry.field(
        description="Whether `teams` with the same arguments considers all usage and owners of the assets that were "
        "found. If not, some are left out, because they are too many to read.",
        resolver=_teams_complete,
    )
    completeness: LineageCompleteness = strawberry.field(
        description="How much of the downstream lineage was found.", resolver=_completeness
    )
    unknown_roots: list[strawberry.ID] = strawberry.field(
        description="Ids of roots that do not exist, are not visible to the viewer, or are no assets.",
        resolver=_unknown,
    )


def impacting(info: Info, roots: Sequence[str], max_depth: int | None, where: LineageFilter | None) -> ImpactSource:
    """Return the source of the impact of some roots; raise LimitError or InvalidError for invalid arguments."""
    return ImpactSource(
        info, LineageQuery(tuple(roots), Direction.OUT, depth_of(max_depth, DEPTH), lineage_filter(where))
    )


async def _impact(
    info: Info, roots: RootsArg, max_depth: DepthArg = DEPTH, filter: Filter = None, as_of: AsOf = None
) -> Resolved:
    set_read_time(info, as_of)
    return impacting(info, roots_of(roots), max_depth, filter)


async def _asset_impact(root: Parent, info: Info, max_depth: DepthArg = DEPTH, filter: Filter = None) -> Resolved:
    return impacting(info, (root.urn,), max_depth, filter)


impact: SchemaField = strawberry.field(
    description="Assets that a change of the roots would affect; one merged result for all roots.", resolver=_impact
)
asset_impact: SchemaField = strawberry.field(
    description="Assets that a change of this asset would affect.",
    resolver=_asset_impact,
    metadata=depends_on("downstream", "lineage"),
)
