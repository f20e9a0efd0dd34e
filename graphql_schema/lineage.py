"""Lineage over many levels: what comes from some assets, or what they come from, with the edges among them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import strawberry

from graphql_schema.as_of import AsOf, read_at
from graphql_schema.catalog import Direction
from graphql_schema.connection import After, Binding, Connection, First, Pages, paged
from graphql_schema.context import Info
from graphql_schema.enums import (
    AssetKind,
    CompletenessState,
    EdgeOrigin,
    LifecycleStage,
    LineageDirection,
    Relation,
)
from graphql_schema.fields import Parent, made_from, own, run_id
from graphql_schema.refs import AssetRef
from graphql_schema.related import EVERYTHING, LineageKeep, Page, cut
from graphql_schema.row import Item
from graphql_schema.scalars import Instant
from graphql_schema.urn import parse_urn
from graphql_schema.walk import DEEPEST, MOST_ROOTS, Completeness, Pin, Reached, Walk, Walked
from policies.errors import InvalidError, LimitError

RootsArg = Annotated[
    list[strawberry.ID],
    strawberry.argument(description=f"Ids of where to begin, 1 to {MOST_ROOTS}: one merged answer."),
]
DirectionArg = Annotated[LineageDirection, strawberry.argument(description="Which way to walk.")]
DepthArg = Annotated[int | None, strawberry.argument(description=f"How many levels to walk, at most {DEEPEST}.")]
MOST_EDGES = 10_000
"""Edges that one answer lists."""

DIRECTIONS: Mapping[LineageDirection, Direction] = {
    LineageDirection.UPSTREAM: Direction.IN,
    LineageDirection.DOWNSTREAM: Direction.OUT,
}


@strawberry.type(description="An edge of lineage or structure.")
class LineageEdge:
    """An edge of lineage or structure."""

    id: strawberry.ID = own("The id of the edge.")
    from_: strawberry.ID = strawberry.field(name="from", description="The id of where the data flows from.")
    to: strawberry.ID = own("The id of where the data flows to.")
    relation: Relation = own("The relation.")
    origin: EdgeOrigin = own("How the edge came to be known.")
    confidence: float | None = own("How sure, from 0 to 1; null means certain.")
    valid_from: Instant | None = own("Since when it holds.")
    valid_to: Instant | None = own("Until when it holds; null while it does.")
    run_id: strawberry.ID | None = strawberry.field(
        description="The run that saw it; null when unknown or hidden.", resolver=run_id
    )


@strawberry.input(description="Which lineage counts. Kinds and stages hide neighbours; the rest stops the walk.")
class LineageFilter:
    """Which lineage counts."""

    kinds: list[AssetKind] | None = strawberry.field(description="Of one of these kinds.", default=None)
    relations: list[Relation] | None = strawberry.field(description="Over one of these relations.", default=None)
    origins: list[EdgeOrigin] | None = strawberry.field(description="Of one of these origins.", default=None)
    min_confidence: float | None = strawberry.field(
        description="At least so sure, from 0 to 1; what has no confidence is certain.", default=None
    )
    stages: list[LifecycleStage] | None = strawberry.field(description="In one of these stages.", default=None)

    def keep(self) -> LineageKeep:
        """The filter as the reader judges it; raises InvalidError on a confidence that none can have."""
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise InvalidError(f"`minConfidence` is {self.min_confidence:g}; give 0 to 1.")
        return LineageKeep(
            kinds=tuple(sorted(kind.name for kind in self.kinds or ())),
            stages=tuple(sorted(stage.name for stage in self.stages or ())),
            relations=tuple(sorted(relation.name for relation in self.relations or ())),
            origins=tuple(sorted(origin.name for origin in self.origins or ())),
            min_confidence=self.min_confidence,
        )


Filter = Annotated[LineageFilter | None, strawberry.argument(description="Which lineage counts; all when absent.")]


@strawberry.type(description="A node of a walk, and how many edges away it is.")
class LineageNode:
    """A node of a walk."""

    asset: AssetRef = own("The asset.")
    depth: int = own("How many edges it is away from the nearest root.")


@strawberry.type(description="How many there are of a kind.")
class KindCount:
    """How many there are of a kind."""

    kind: AssetKind = own("The kind.")
    count: int = own("How many.")


@strawberry.type(name="Completeness", description="How much of what there is an answer holds, and at which instant.")
class LineageCompleteness:
    """How much of what there is an answer holds."""

    state: CompletenessState = own("Whether this is all of it.")
    reason: str | None = own(
        "What is missing, or null: DEPTH, NODES, EDGES, TIME, STEPS, PATHS or CAUSES where a bound ended it, ROOTS "
        "where some were not found, POLICY where something is hidden; several are separated by a comma."
    )
    visited: int = own("How many vertices were visited, those that a filter hides among them.")
    depth_reached: int = own("How many edges away the farthest of them is.")
    hidden: int | None = own("How many first hidden nodes the walk met; null unless the policy discloses counts.")
    as_of: Instant = own("The instant that the answer is about.")


def _edges(root: strawberry.Parent[Any]) -> Any:
    edges = root["edges"]
    if len(edges) > MOST_EDGES:
        raise LimitError(
            f"There are {len(edges)} edges among these nodes; narrow the walk by `relations` or `maxDepth`, or page on "
            "without `edges`.",
            limit=MOST_EDGES,
        )
    return edges


@strawberry.type(description="What a walk along lineage found.")
class Lineage:
    """What a walk along lineage found."""

    nodes: Connection[LineageNode] = own(
        "By depth, then id; the roots have depth 0. Pages concatenate to the whole set, also while others write."
    )
    edges: list[LineageEdge] = strawberry.field(
        description=f"Edges among the nodes of this page and earlier ones, at most {MOST_EDGES:,}.", resolver=_edges
    )
    counts_by_kind: list[KindCount] = own("How many nodes there are of each kind, on all pages.")
    completeness: LineageCompleteness = own("How much of what there is the pages hold together.")
    unknown_roots: list[strawberry.ID] = own(
        "Roots that are unknown, or hidden from the viewer, which look alike; or that are no assets."
    )


def lineage_filter(where: LineageFilter | None) -> LineageKeep:
    """The filter as walks judge it."""
    return EVERYTHING if where is None else where.keep()


def depth_of(max_depth: int | None, default: int) -> int:
    """How deep to walk; raises LimitError on what is too deep."""
    depth = default if max_depth is None else max_depth
    if not 0 <= depth <= DEEPEST:
        raise LimitError(f"`maxDepth` is {depth}; walk 0 to {DEEPEST} levels.", limit=DEEPEST)
    return depth


def roots_of(roots: Sequence[str]) -> tuple[str, ...]:
    """The roots, each once; raises InvalidError or LimitError when they are none, too many, or no ids."""
    if not roots:
        raise InvalidError("`roots` is empty; name at least one asset to begin at.")
    if len(roots) > MOST_ROOTS:
        raise LimitError(f"`roots` has {len(roots)} entries; begin at {MOST_ROOTS} at most.", limit=MOST_ROOTS)
    for root in roots:
        parse_urn(root)
    return tuple(dict.fromkeys(roots))


def place_of(node: Reached, pin: Pin) -> tuple[Any, ...]:
    """Where a node stands in its list, and at which instant that is so."""
    return (*node.place, *pin)


def pin_of(page: Page) -> Pin | None:
    """The instant at which the list of a cursor was begun."""
    return None if page.after is None else Pin(*page.after[2:])


def node_pages(nodes: Sequence[Reached], pin: Pin, page: Page, binding: Binding, *, via: bool = False) -> Pages:
    """A page of nodes as the source of a connection, with one way to each if asked."""

    def shape(item: Item) -> dict[str, Any]:
        return {"asset": item.row, **(item.edge or {})}

    items = [
        Item(node.row, place_of(node, pin), {"depth": node.depth, **({"via": list(node.via)} if via else {})})
        for node in nodes
    ]
    return Pages(cut(items, replace(page, total=True)), page, binding, shape)


def counts_by_kind(nodes: Sequence[Reached]) -> list[dict[str, Any]]:
    """How many nodes there are of each kind, by kind."""
    counts = Counter(node.row.record["kind"] for node in nodes)
    return [{"kind": kind, "count": counts[kind]} for kind in sorted(counts)]


def completeness_source(found: Completeness) -> dict[str, Any]:
    """The source of a :class:`LineageCompleteness`."""
    return {
        "state": found.state,
        "reason": found.reason,
        "visited": found.visited,
        "depthReached": found.depth,
        "hidden": found.hidden,
        "asOf": found.pin.valid,
    }


def _source(walked: Walked, page: Page, binding: Binding) -> dict[str, Any]:
    pin = walked.completeness.pin
    pages = node_pages(walked.nodes, pin, page, binding)
    return {
        "nodes": pages,
        "edges": [joined.edge for joined in walked.edges if pages.reaches((*joined.place, *pin))],
        "countsByKind": counts_by_kind(walked.nodes),
        "completeness": completeness_source(walked.completeness),
        "unknownRoots": walked.unknown,
    }


async def _walk(info: Info, walk: Walk, first: int | None, after: str | None) -> dict[str, Any]:
    page, binding = paged(info, 100 if first is None else first, after, walk, info.context.as_of)
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
    read_at(info, as_of)
    walk = Walk(roots_of(roots), DIRECTIONS[direction], depth_of(max_depth, 5), lineage_filter(filter))
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
    walk = Walk((root.urn,), DIRECTIONS[direction], depth_of(max_depth, 5), lineage_filter(filter))
    return await _walk(info, walk, first, after)


lineage: Any = strawberry.field(
    description="Where some assets come from, or what comes from them, over many levels.", resolver=_lineage
)
asset_lineage: Any = strawberry.field(
    description="Where it comes from, or what comes from it, over many levels.",
    resolver=_asset_lineage,
    metadata=made_from("upstream", "downstream"),
)
