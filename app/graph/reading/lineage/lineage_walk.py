"""Walks: breadth first along lineage, level by level, past nothing that the caller may not see (ADR 0010).

The answer does not depend on the order of edges: a level is expanded as a whole, and of several ways that are equally
short the least by ids is kept.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.graph.reading.lineage.expander import EdgeSelection, Expansion, MemberEdges, Vertex
from app.graph.reading.lineage.lineage_visibility import LineageVisibility, expands
from app.graph.reading.lineage.walk_budget import DEPTH, NODES
from app.graph.reading.lineage.walk_session import Extent, WalkSession
from app.graph.records.inferred_edge import is_inferred
from graphql_schema.catalog.enums import EdgeOrigin
from graphql_schema.catalog.kinds import ASSETS
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.lineage_query import (
    Completeness,
    LineageQuery,
    LineageResult,
    ReachedEdge,
    ReachedNode,
    SnapshotTime,
)
from graphql_schema.ports.row import MaskedRecord, Row

Ids = tuple[str, ...]


@dataclass(slots=True)
class WalkState:
    """A walk under way: at most to depth ``stop``.

    ``nodes`` are shown or passed through, ``arrived`` is what edges led to, and ``front`` what they led to last, each
    with the ids of a shortest way there. ``shut`` says that something was met of which the caller may not see where it
    leads, ``full`` that a counterpart was left out, ``ended`` which budgets ended the walk.
    """

    means: WalkSession
    walk: LineageQuery
    sight: LineageVisibility
    stop: int
    nodes: dict[int, ReachedNode] = field(default_factory=dict)
    arrived: set[int] = field(default_factory=set)
    front: dict[int, tuple[Row, Ids]] = field(default_factory=dict)
    edges: dict[str, tuple[MaskedRecord, int, int]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    hidden: frozenset[int] = frozenset()
    shut: bool = False
    full: bool = False

    @property
    def vertices(self) -> list[Vertex]:
        """What was arrived at last."""
        return [(vid, row.kind) for vid, (row, _) in self.front.items()]

    def begin(self, row: Row) -> None:
        """Arrive at a root."""
        self.arrived.add(row.vid)
        self.front[row.vid] = (row, (row.urn,))
        self.nodes[row.vid] = ReachedNode(row, 0, (row.urn,))

    async def expand(self, way: EdgeSelection, vertices: Sequence[Vertex]) -> dict[int, Expansion]:
        """What vertices lead to; nothing where a budget ends the walk here.

        Where a row is known already, its caller must see where it leads: whatever else it leads to moves no budget.
        """
        seen = [(vid, kind) for vid, kind in vertices if self._may_lead(self.means.rows.known(vid))]
        found = await self.means.expand((way, seen))
        if isinstance(found, str):
            self.end(found)
            return {}
        return {vid: expansion for (vid, _), expansion in zip(seen, found[0], strict=True)}

    def _may_lead(self, row: Row | None) -> bool:
        return row is None or expands(row, self.walk.direction)

    async def advance(self, depth: int, expansions: Mapping[int, Expansion]) -> None:
        """Go from what was arrived at with a depth to what is one step further; at the last depth only look there."""
        last = depth == self.stop
        arriving: dict[int, tuple[Row, Ids]] = {}
        for vid, (row, via) in sorted(self.front.items(), key=lambda each: each[1][0].urn):
            budget = await self._go(depth, (row, via), expansions.get(vid), arriving)
            if budget is not None:
                self.end(budget)
                return
        self.front = {}
        if not last:
            self.hidden = frozenset(self.sight.hidden)
            self._arrive(depth + 1, arriving)
        elif not self.ended and not arriving.keys() <= self.nodes.keys():
            self.ended.append(DEPTH)

    async def _go(
        self, depth: int, at: tuple[Row, Ids], expansion: Expansion | None, arriving: dict[int, tuple[Row, Ids]]
    ) -> str | None:
        """Go over the edges from one vertex; the budget that ended meanwhile, if one did."""
        last = depth == self.stop
        for speaker, known, way in self._speaking(*at, expansion, last=last):
            followed = [*self._followed(speaker, known)]
            for far in followed:
                reached = (far, (*way, far.urn))
                if far.vid not in self.arrived and reached[1] < arriving.setdefault(far.vid, reached)[1]:
                    arriving[far.vid] = reached
            if followed and known is not at[0] and not last:
                self._show(ReachedNode(known, depth, way))
            ended = await self.means.go(len(speaker.edges))
            if ended is not None:
                return ended
        return None

    def _arrive(self, depth: int, arriving: Mapping[int, tuple[Row, Ids]]) -> None:
        """Arrive at the next depth; of more than the walk may hold at the first by id, and that is the last depth."""
        room = self.means.budget.limits.nodes - len(self.nodes)
        fresh = sorted((row.urn, vid) for vid, (row, _) in arriving.items() if vid not in self.nodes)
        left_out = {vid for _, vid in fresh[max(room, 0) :]}
        if left_out:
            self.stop = depth
        if left_out or self.full:
            self.ended.append(NODES)
        self.front = {vid: reached for vid, reached in arriving.items() if vid not in left_out}
        self.arrived |= self.front.keys()
        for row, via in self.front.values():
            self._show(ReachedNode(row, depth, via))

    def end(self, budget: str) -> None:
        """Walk no further, since a budget has ended."""
        self.ended.append(budget)
        self.front = {}

    def _show(self, reached: ReachedNode) -> None:
        known = self.nodes.get(reached.row.vid)
        if known is None and len(self.nodes) >= self.means.budget.limits.nodes:
            self.full = True
        elif known is None or (reached.depth, reached.via) < (known.depth, known.via):
            self.nodes[reached.row.vid] = reached

    def _speaking(
        self, row: Row, via: Ids, expansion: Expansion | None, *, last: bool
    ) -> Iterator[tuple[MemberEdges, Row, Ids]]:
        """Who speaks for a row, as far as the caller may see where that leads, with the way to it."""
        if expansion is None or not expands(row, self.walk.direction):
            self.shut |= not last
            return
        yield expansion.itself, row, via
        for speaker in expansion.others:
            known = self.sight.group_member(row, speaker)
            if known is not None and expands(known, self.walk.direction):
                yield speaker, known, (*via, known.urn)
            elif known is not None:
                self.shut |= not last and self.sight.leads(speaker)

    def _followed(self, speaker: MemberEdges, near: Row) -> Iterator[Row]:
        """The far ends of the edges that are followed."""
        declared: set[str] = set()
        for vid, edge in sorted(speaker.edges, key=lambda each: is_inferred(each[1])):
            seen = self.sight.along(near, vid, edge, self.walk.direction)
            if seen is None or seen[1].urn in declared:
                continue
            far, joined = seen
            declared.add(joined.urn)
            if self.walk.keep.accepts_edge(joined):
                self.edges[joined.urn] = (joined, near.vid, far.vid)
                yield far

    def answer(self, unknown: list[str], asked: SnapshotTime) -> LineageResult:
        """What the walk has found."""
        keep = self.walk.keep
        shown = {vid: node for vid, node in self.nodes.items() if keep.accepts_node(node.row)}
        edges = [
            ReachedEdge(edge, max(shown[near].place, shown[far].place))
            for edge, near, far in self.edges.values()
            if near in shown and far in shown
        ]
        return LineageResult(
            sorted(shown.values(), key=lambda node: node.place),
            sorted(edges, key=lambda each: (each.place, each.edge.urn)),
            unknown,
            replace(self.completeness(asked), missing_roots=bool(unknown)),
        )

    def completeness(self, pin: SnapshotTime) -> Completeness:
        """How much of what there is was found."""
        depth = max((node.depth for node in self.nodes.values()), default=0)
        return self.means.completeness(Extent(self.ended, self.hidden, self.shut, len(self.nodes), depth), pin)


async def walk_along(means: WalkSession, walk: LineageQuery, pin: SnapshotTime) -> LineageResult:
    """Walk; ``pin`` is the instant of the answer. Each level is one request, the first of which brings the roots."""
    roots = [*dict.fromkeys(walk.roots)]
    course = WalkState(means, walk, means.visibility(walk.pin), walk.depth)
    inferred = EdgeOrigin.INFERRED.name in walk.keep.origins
    way = EdgeSelection(walk.direction, walk.keep.relations, course.sight.instant, inferred)
    vertices = [(means.rows.vid(urn), parse_urn(urn).kind) for urn in roots]
    means.budget.begin()
    found, expansions = await asyncio.gather(means.points.many(roots), course.expand(way, vertices))
    for row in found:
        if row is not None and row.kind in ASSETS:
            course.begin(row)
    unknown = [urn for urn in roots if means.rows.vid(urn) not in course.nodes]
    if course.ended:  # what is hidden must not have ended it: once more for what the caller sees
        course.ended.clear()
        expansions = await course.expand(way, course.vertices)
    depth = 0
    while course.front:
        await course.advance(depth, expansions)
        depth += 1
        expansions = await course.expand(way, course.vertices) if course.front else {}
    return course.answer(unknown, pin)
