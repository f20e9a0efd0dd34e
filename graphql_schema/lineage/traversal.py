"""Lineage over many levels, upstream or downstream, with the edges between the assets found."""

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import replace

import strawberry

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.fields.as_of import AsOf, set_read_time
from graphql_schema.fields.connection import After, Connection, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.cursors import CursorCodec
from graphql_schema.fields.field import Parent, Resolved, SchemaField, depends_on, stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.lineage.arguments import (
    DIRECTIONS,
    DepthArg,
    DirectionArg,
    Filter,
    RootsArg,
    depth_of,
    lineage_filter,
    roots_of,
)
from graphql_schema.lineage.completeness import LineageCompleteness, completeness_source
from graphql_schema.lineage.lineage_edge import LineageEdge
from graphql_schema.ports.lineage_query import LineageQuery, LineageResult, ReachedNode, SnapshotTime
from graphql_schema.ports.record import JsonObject, Position
from graphql_schema.ports.relation_query import PageRequest, slice_page
from graphql_schema.ports.row import PageItem
from policies.errors import LimitError

MAX_PAGE_EDGES = 10_000
"""Maximal number of edges that the field `edges` of one page lists."""

NODE_BYTES = 400
"""Bytes of memory of an asset on a page, by estimate; the page is kept until its fields are completed."""

EDGE_BYTES = 16
"""The same for an edge of a page, which refers to that of the walk."""


@strawberry.type(description="An asset of a lineage result, with its distance from the roots.")
class LineageNode:
    """An asset of a lineage result, with its depth."""

    asset: AssetRef = stored_field("The asset.")
    depth: int = stored_field(
        "Number of edges from the nearest root to the asset; steps between parent and child do not count."
    )


@strawberry.type(description="Number of assets of one kind.")
class KindCount:
    """Number of assets of one kind."""

    kind: AssetKind = stored_field("Kind of the assets.")
    count: int = stored_field("Number of assets of this kind.")


def _edges(root: Parent) -> Resolved:
    """Return the edges of a page; raise LimitError if they are more than MAX_PAGE_EDGES."""
    edges = root["edges"]
    if len(edges) > MAX_PAGE_EDGES:
        raise LimitError(
            f"There are {len(edges)} edges on this page; the limit is {MAX_PAGE_EDGES}. Lower `first`, narrow the walk "
            "by `relations` or `maxDepth`, or read the page without `edges`.",
            limit=MAX_PAGE_EDGES,
        )
    return edges


@strawberry.type(description="Result of a walk along lineage.")
class Lineage:
    """Result of a walk along lineage."""

    nodes: Connection[LineageNode] = stored_field(
        "Assets ordered by depth, then id; roots have depth 0. Later pages use the edges at the time of the first page."
    )
    edges: list[LineageEdge] = strawberry.field(
        description="Edges that the walk followed and that this page adds: from or to a node of this page, with the "
        "other end on this page or an earlier one. The error LIMIT_EXCEEDED if there are more than "
        f"{MAX_PAGE_EDGES:,}.",
        resolver=_edges,
    )
    counts_by_kind: list[KindCount] = stored_field(
        "Number of nodes of each kind on all pages, ordered by kind; roots count if the filter shows them."
    )
    completeness: LineageCompleteness = stored_field("How much of the lineage all pages contain together.")
    unknown_roots: list[strawberry.ID] = stored_field(
        "Ids of roots that do not exist, are not visible to the viewer, or are no assets."
    )


def place_of(node: ReachedNode, pin: SnapshotTime) -> Position:
    """Return the position of a node in its list.

    It contains the snapshot time, so that later pages read the same state.
    """
    return (*node.place, *pin)


def pin_of(page: PageRequest) -> SnapshotTime | None:
    """Return the snapshot time of the list that a page continues; None for its first page."""
    return None if page.after is None else SnapshotTime(*page.after[2:])


def node_pages(
    nodes: Sequence[ReachedNode], pin: SnapshotTime, page: PageRequest, binding: CursorCodec, *, via: bool = False
) -> ConnectionSource:
    """Return a page of nodes as the source of a connection; ``via`` adds a shortest path to each node."""

    def shape(item: PageItem) -> JsonObject:
        return {"asset": item.row, **(item.edge or {})}

    items = [
        PageItem(node.row, place_of(node, pin), {"depth": node.depth, **({"via": list(node.via)} if via else {})})
        for node in nodes
    ]
    return ConnectionSource(slice_page(items, replace(page, total=True)), page, binding, shape)


def counts_by_kind(nodes: Sequence[ReachedNode]) -> list[JsonObject]:
    """Return the number of nodes of each kind, ordered by kind."""
    counts = Counter(node.row.record["kind"] for node in nodes)
    return [{"kind": kind, "count": counts[kind]} for kind in sorted(counts)]


def _source(walked: LineageResult, page: PageRequest, binding: CursorCodec) -> Generator[None, None, JsonObject]:
    """Return the source of a :class:`Lineage`: a page of nodes, and the edges that it adds. Pauses after each edge."""
    pin = walked.completeness.pin
    pages = node_pages(walked.nodes, pin, page, binding)
    edges = []
    for joined in walked.edges:
        if pages.has((*joined.place, *pin)):
            edges.append(joined.edge)
        yield
    return {
        "nodes": pages,
        "edges": edges,
        "countsByKind": counts_by_kind(walked.nodes),
        "completeness": completeness_source(walked.completeness),
        "unknownRoots": walked.unknown,
    }


async def _walk(info: Info, walk: LineageQuery, first: int | None, after: str | None) -> JsonObject:
    """Return the source of a :class:`Lineage` for a query and a page."""
    page, binding = page_request_of(info, 100 if first is None else first, after, walk, info.context.as_of)

    async def make() -> JsonObject:
        walked = await info.context.reader.walk(replace(walk, pin=pin_of(page)))
        found = await run_in_parts(_source(walked, page, binding), is_long=walked.is_long)
        info.context.budget.count_stored(NODE_BYTES * found["nodes"].size + EDGE_BYTES * len(found["edges"]))
        return found

    return await info.context.once(("lineage", walk, page, info.context.as_of), make)


async def _lineage(
    info: Info,
    roots: RootsArg,
    direction: DirectionArg,
    max_depth: DepthArg = 5,
    filter: Filter = None,
    as_of: AsOf = None,
    first: First = 100,
    after: After = None,
) -> Resolved:
    set_read_time(info, as_of)
    walk = LineageQuery(roots_of(roots), DIRECTIONS[direction], depth_of(max_depth, 5), lineage_filter(filter))
    return await _walk(info, walk, first, after)


async def _asset_lineage(
    root: Parent,
    info: Info,
    direction: DirectionArg,
    max_depth: DepthArg = 5,
    filter: Filter = None,
    first: First = 100,
    after: After = None,
) -> Resolved:
    walk = LineageQuery((root.urn,), DIRECTIONS[direction], depth_of(max_depth, 5), lineage_filter(filter))
    return await _walk(info, walk, first, after)


lineage: SchemaField = strawberry.field(
    description="Assets upstream or downstream of the roots, over many levels.", resolver=_lineage
)


asset_lineage: SchemaField = strawberry.field(
    description="Assets upstream or downstream of this asset, over many levels.",
    resolver=_asset_lineage,
    metadata=depends_on("upstream", "downstream"),
)
