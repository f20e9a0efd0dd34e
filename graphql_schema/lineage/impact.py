"""What would be touched if some assets changed: counted without being fetched, and each with a way there."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import strawberry

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import Direction
from graphql_schema.fields.as_of import AsOf, set_read_time
from graphql_schema.fields.connection import After, Connection, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, depends_on, stored_field
from graphql_schema.fields.refs import AssetRef, TeamRef
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
from graphql_schema.lineage.traversal import KindCount, LineageNode, counts_by_kind, node_pages, pin_of
from graphql_schema.ports.lineage_query import LineageQuery, LineageResult, ReachedNode, SnapshotTime

DEPTH = 20
"""How deep an impact is looked for unless asked otherwise."""

KindsArg = Annotated[
    list[AssetKind] | None, strawberry.argument(description="Of one of these kinds; of any when absent.")
]


class ImpactSource:
    """The source of an :class:`Impact`: walks when a field asks, once for each instant that cursors were made at."""

    def __init__(self, info: Info, walk: LineageQuery) -> None:
        self.walk = walk
        self._reader = info.context.reader
        self._found: dict[SnapshotTime | None, asyncio.Task[LineageResult]] = {}

    async def at(self, pin: SnapshotTime | None = None) -> LineageResult:
        """What the walk found."""
        if pin not in self._found:
            self._found[pin] = asyncio.ensure_future(self._walk(pin))
        return await asyncio.shield(self._found[pin])

    async def nodes(self, pin: SnapshotTime | None = None, kinds: Sequence[str] = ()) -> list[ReachedNode]:
        """What is touched: what was reached over an edge at least, of some kinds or of all."""
        found = (await self.at(pin)).nodes
        return [node for node in found if node.depth and (not kinds or node.row.record["kind"] in kinds)]

    async def _walk(self, pin: SnapshotTime | None) -> LineageResult:
        return await self._reader.walk(replace(self.walk, pin=pin))


Source = strawberry.Parent[Any]


async def _total(root: Source) -> int:
    return len(await root.nodes())


async def _by_kind(root: Source) -> Any:
    return counts_by_kind(await root.nodes())


async def _by_depth(root: Source) -> list[int]:
    counts = Counter(node.depth for node in await root.nodes())
    return [counts[depth] for depth in range(1, max(counts, default=0) + 1)]


async def _page(
    root: Any, info: Info, first: int | None, after: str | None, *kinds: str, via: bool
) -> ConnectionSource:
    page, binding = page_request_of(info, 50 if first is None else first, after, root.walk, info.context.as_of, kinds)
    pin = pin_of(page)
    nodes = await root.nodes(pin, kinds)
    return node_pages(nodes, (await root.at(pin)).completeness.pin, page, binding, via=via)


async def _services(root: Source, info: Info, first: First = 50, after: After = None) -> Any:
    return await _page(root, info, first, after, KINDS["Service"].code, via=True)


async def _experiments(root: Source, info: Info, first: First = 50, after: After = None) -> Any:
    return await _page(root, info, first, after, KINDS["Experiment"].code, via=True)


async def _assets(root: Source, info: Info, kinds: KindsArg = None, first: First = 50, after: After = None) -> Any:
    return await _page(root, info, first, after, *sorted(kind.name for kind in kinds or ()), via=False)


async def _teams(root: Source, info: Info) -> Any:
    """The teams by how many assets of theirs are touched; each asset counts for its owning team."""
    owners = Counter(node.row.visible_value("ownerTeam") for node in await root.nodes())
    named = [(urn, count) for urn, count in sorted(owners.items()) if urn]
    rows = await info.context.reader.nodes([urn for urn, _ in named])
    found = [{"team": row, "assets": count} for (_, count), row in zip(named, rows, strict=True) if row is not None]
    return sorted(found, key=lambda each: (-each["assets"], each["team"].urn))


async def _completeness(root: Source) -> Any:
    return completeness_source((await root.at()).completeness)


async def _unknown(root: Source) -> Any:
    return (await root.at()).unknown


@strawberry.type(description="An asset that would be touched, and a way there.")
class ImpactedAsset:
    """An asset that would be touched."""

    asset: AssetRef = stored_field("The asset.")
    depth: int = stored_field("How many edges it is away from the nearest root.")
    via: list[strawberry.ID] = stored_field(
        "One shortest way there, from a root to the asset itself: the least by ids among the shortest."
    )


@strawberry.type(description="A team that owns some of what would be touched.")
class ImpactedTeam:
    """A team that owns some of what would be touched."""

    team: TeamRef = stored_field("The team.")
    assets: int = stored_field("How many of the assets it is the owning team of.")


@strawberry.type(description="What would be touched if some assets changed; the assets themselves are not counted.")
class Impact:
    """What would be touched if some assets changed."""

    total: int = strawberry.field(description="How many assets.", resolver=_total)
    counts_by_kind: list[KindCount] = strawberry.field(description="How many of each kind.", resolver=_by_kind)
    counts_by_depth: list[int] = strawberry.field(
        description="How many at each depth; the first number is that of depth 1.", resolver=_by_depth
    )
    services: Connection[ImpactedAsset] = strawberry.field(
        description="Production services, by depth, then id.", resolver=_services
    )
    experiments: Connection[ImpactedAsset] = strawberry.field(
        description="Experiments, by depth, then id.", resolver=_experiments
    )
    assets: Connection[LineageNode] = strawberry.field(description="All of it, by depth, then id.", resolver=_assets)
    teams: list[ImpactedTeam] = strawberry.field(
        description="The teams that own it, those with the most first.", resolver=_teams
    )
    completeness: LineageCompleteness = strawberry.field(
        description="How much of what there is was found.", resolver=_completeness
    )
    unknown_roots: list[strawberry.ID] = strawberry.field(
        description="Roots that are unknown, or hidden from the viewer, which look alike; or that are no assets.",
        resolver=_unknown,
    )


def impacting(info: Info, roots: Sequence[str], max_depth: int | None, where: LineageFilter | None) -> ImpactSource:
    """The source of the impact of some roots."""
    return ImpactSource(
        info, LineageQuery(tuple(roots), Direction.OUT, depth_of(max_depth, DEPTH), lineage_filter(where))
    )


async def _impact(
    info: Info, roots: RootsArg, max_depth: DepthArg = DEPTH, filter: Filter = None, as_of: AsOf = None
) -> Any:
    set_read_time(info, as_of)
    return impacting(info, roots_of(roots), max_depth, filter)


async def _asset_impact(root: Parent, info: Info, max_depth: DepthArg = DEPTH, filter: Filter = None) -> Any:
    return impacting(info, (root.urn,), max_depth, filter)


impact: Any = strawberry.field(
    description="What would be touched if these changed. Several roots: one merged answer.", resolver=_impact
)
asset_impact: Any = strawberry.field(
    description="What would be touched if it changed.",
    resolver=_asset_impact,
    metadata=depends_on("downstream", "lineage"),
)
