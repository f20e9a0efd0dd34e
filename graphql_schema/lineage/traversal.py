"""Lineage over many levels: what comes from some assets, or what they come from, with the edges among them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import strawberry

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.fields.as_of import AsOf, set_read_time
from graphql_schema.fields.connection import After, Connection, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.cursors import CursorCodec
from graphql_schema.fields.field import Parent, depends_on, stored_field
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
from graphql_schema.ports.relation_query import PageRequest, slice_page
from graphql_schema.ports.row import PageItem
from policies.errors import LimitError

MAX_PAGE_EDGES = 10_000
"""Edges that one answer lists."""


@strawberry.type(description="A node of a walk, and how many edges away it is.")
class LineageNode:
    """A node of a walk."""

    asset: AssetRef = stored_field("The asset.")
    depth: int = stored_field("How many edges it is away from the nearest root.")


@strawberry.type(description="How many there are of a kind.")
class KindCount:
    """How many there are of a kind."""

    kind: AssetKind = stored_field("The kind.")
    count: int = stored_field("How many.")


def _edges(root: strawberry.Parent[Any]) -> Any:
    edges = root["edges"]
    if len(edges) > MAX_PAGE_EDGES:
        raise LimitError(
            f"There are {len(edges)} edges among these nodes; narrow the walk by `relations` or `maxDepth`, or page on "
            "without `edges`.",
            limit=MAX_PAGE_EDGES,
        )
    return edges


@strawberry.type(description="What a walk along lineage found.")
class Lineage:
    """What a walk along lineage found."""

    nodes: Connection[LineageNode] = stored_field(
        "By depth, then id; the roots have depth 0. Pages concatenate to the whole set, also while others write."
    )
    edges: list[LineageEdge] = strawberry.field(
        description=f"Edges among the nodes of this page and earlier ones, at most {MAX_PAGE_EDGES:,}.", resolver=_edges
    )
    counts_by_kind: list[KindCount] = stored_field("How many nodes there are of each kind, on all pages.")
    completeness: LineageCompleteness = stored_field("How much of what there is the pages hold together.")
    unknown_roots: list[strawberry.ID] = stored_field(
        "Roots that are unknown, or hidden from the viewer, which look alike; or that are no assets."
    )


def place_of(node: ReachedNode, pin: SnapshotTime) -> tuple[Any, ...]:
    """Where a node stands in its list, and at which instant that is so."""
    return (*node.place, *pin)


def pin_of(page: PageRequest) -> SnapshotTime | None:
    """The instant at which the list of a cursor was begun."""
    return None if page.after is None else SnapshotTime(*page.after[2:])


def node_pages(
    nodes: Sequence[ReachedNode], pin: SnapshotTime, page: PageRequest, binding: CursorCodec, *, via: bool = False
) -> ConnectionSource:
    """A page of nodes as the source of a connection, with one way to each if asked."""

    def shape(item: PageItem) -> dict[str, Any]:
        return {"asset": item.row, **(item.edge or {})}

    items = [
        PageItem(node.row, place_of(node, pin), {"depth": node.depth, **({"via": list(node.via)} if via else {})})
        for node in nodes
    ]
    return ConnectionSource(slice_page(items, replace(page, total=True)), page, binding, shape)


def counts_by_kind(nodes: Sequence[ReachedNode]) -> list[dict[str, Any]]:
    """How many nodes there are of each kind, by kind."""
    counts = Counter(node.row.record["kind"] for node in nodes)
    return [{"kind": kind, "count": counts[kind]} for kind in sorted(counts)]


def _source(walked: LineageResult, page: PageRequest, binding: CursorCodec) -> dict[str, Any]:
    pin = walked.completeness.pin
    pages = node_pages(walked.nodes, pin, page, binding)
    return {
        "nodes": pages,
        "edges": [joined.edge for joined in walked.edges if pages.reaches((*joined.place, *pin))],
        "countsByKind": counts_by_kind(walked.nodes),
        "completeness": completeness_source(walked.completeness),
        "unknownRoots": walked.unknown,
    }


async def _walk(info: Info, walk: LineageQuery, first: int | None, after: str | None) -> dict[str, Any]:
    page, binding = page_request_of(info, 100 if first is None else first, after, walk, info.context.as_of)
    walked = await info.context.reader.walk(replace(walk, pin=pin_of(page)))
    return _source(walked, page, binding)


async def _lineage(
    info: Info,
    roots: RootsArg,
    direction: DirectionArg,
    max_depth: DepthArg = 5,
    filter: Filter = None,
    as_of: AsOf = None,
    first: First = 100,
    after: After = None,
) -> Any:
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
) -> Any:
    walk = LineageQuery((root.urn,), DIRECTIONS[direction], depth_of(max_depth, 5), lineage_filter(filter))
    return await _walk(info, walk, first, after)


lineage: Any = strawberry.field(
    description="Where some assets come from, or what comes from them, over many levels.", resolver=_lineage
)


asset_lineage: Any = strawberry.field(
    description="Where it comes from, or what comes from it, over many levels.",
    resolver=_asset_lineage,
    metadata=depends_on("upstream", "downstream"),
)
