"""Breadth-first walk along lineage, which passes no vertex that the caller may not read (docs/adr/0010-walks.md).

The result does not depend on the order of edges, unless a budget ends the walk within a level. Of several shortest
paths to a vertex the least by ids is kept.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from operator import attrgetter
from typing import Final, overload

from app.graph.reading.lineage.expander import EdgeSelection, Expansion, MemberEdges
from app.graph.reading.lineage.joined_edge import EdgeName, JoinedEdge
from app.graph.reading.lineage.lineage_visibility import LineageVisibility, expands
from app.graph.reading.lineage.walk_budget import DEPTH, EDGES, NODES
from app.graph.reading.lineage.walk_session import Extent, WalkSession
from app.graph.records.inferred_edge import is_inferred
from app.graph.records.read_time import ReadTime, vertex_at
from graphql_schema.catalog.enums import EdgeOrigin
from graphql_schema.catalog.kinds import ASSETS
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.lineage_query import (
    LONG_LINEAGE,
    Completeness,
    LineageQuery,
    LineageResult,
    ReachedEdge,
    ReachedNode,
    SnapshotTime,
)
from graphql_schema.ports.row import Row
from graphql_schema.ports.turns.sorted_parts import sorted_in_runs
from policies.blurred_limit import blurred

READ_FACTOR: Final = 2
"""How many times as many edges as it may follow, blurred, a walk with a limit of its own reads: hidden ones included.

All walks of an operation share what it may read.
"""

EDGE_BYTES: Final = 400
"""Bytes of memory of a followed edge beside its record; each walk of an operation keeps its own."""

PAST_BYTES: Final = 600
"""Bytes of memory of the record of an edge at a past instant, which each walk of the past makes."""

_URN = attrgetter("urn")

_Place = tuple[int, str]

Ids = tuple[str, ...]
"""URNs of the vertices on a path."""


def _follows_all(_edge: JoinedEdge, _near: Row, _far: Row, _reached: Row) -> bool:
    return True


@dataclass(slots=True)
class WalkState:
    """State of one walk, at most to depth ``stop``.

    ``nodes`` has the vertices of the result by vertex id, including those that the filter leaves out. ``arrived`` are
    the roots and the vertices that edges led to. ``frontier`` are those of the last level, each with the ids of a
    shortest path to it. ``edges`` maps the name of a followed edge to the edge and the vertex ids of its near and its
    far end. ``ended`` names the budgets that limited the walk. ``hidden`` are the hidden vertices next to the completed
    levels. ``blocked`` is true if the caller may not see the edges of a vertex that was reached before the depth
    ``stop``. ``full`` is true if a group member was left out by the node limit. ``edge_count`` is the number of
    followed edges, which has the limit of the query, and ``read_count`` that of all edges read, at most ``max_read``.
    If hidden edges had an exact limit, a caller could count them by it. ``follows`` decides whether the walk goes over
    an edge: by the edge, its near and its far end, and the vertex reached in the group of the near end.
    ``cut`` are the vertices from which a limit kept the walk, and ``withheld`` those from which the policy did, on the
    completed levels.
    """

    session: WalkSession
    query: LineageQuery
    visibility: LineageVisibility
    stop: int
    nodes: dict[int, ReachedNode] = field(default_factory=dict)
    arrived: set[int] = field(default_factory=set)
    frontier: dict[int, tuple[Row, Ids]] = field(default_factory=dict)
    edges: dict[EdgeName, tuple[JoinedEdge, int, int]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    hidden: frozenset[int] = frozenset()
    blocked: bool = False
    full: bool = False
    edge_count: int = 0
    read_count: int = 0
    max_read: float = inf
    cut: set[int] = field(default_factory=set)
    withheld: set[int] = field(default_factory=set)
    follows: Callable[[JoinedEdge, Row, Row, Row], bool] = _follows_all

    def begin(self, row: Row) -> None:
        """Add a root at depth 0."""
        self.arrived.add(row.vid)
        self.frontier[row.vid] = (row, (row.urn,))
        self.nodes[row.vid] = ReachedNode(row, 0, (row.urn,))

    async def expand(self, selection: EdgeSelection) -> dict[int, Expansion]:
        """Return the expansions of the last level by vertex id; end the walk and return {} if a budget is exhausted.

        A vertex whose edges the caller may not see is not expanded, so that its hidden edges take no time and no
        budget.
        """
        rows = (row for row, _ in self.frontier.values())
        leading = [(row.vid, row.kind) for row in rows if expands(row, self.query.direction)]
        found = await self.session.expand(selection, leading)
        if isinstance(found, str):
            self.end(found)
            return {}
        partly = [expansion.itself.vid for expansion in found if expansion.lacks_stubs]
        if partly:
            self.leave_out_stubs(*partly)
        return {vid: expansion for (vid, _), expansion in zip(leading, found, strict=True)}

    async def advance(self, depth: int, expansions: Mapping[int, Expansion]) -> None:
        """Follow the edges from the vertices of one depth to the next; end the walk if a budget is exhausted.

        The many edges of one vertex are followed in the side thread.
        At the depth ``stop`` add no vertices, only edges. If there are further vertices and no budget ended the walk
        before, add DEPTH to ``ended``.
        """
        last, instant = depth == self.stop, self.visibility.instant
        arriving: dict[int, tuple[Row, Ids]] = {}
        usage, size = self.session.rows.budget, EDGE_BYTES + (PAST_BYTES if instant.past else 0)
        await usage.pause()
        by_id = sorted(self.frontier.items(), key=lambda each: each[1][0].urn)
        async for vid, reached in usage.in_turns(by_id):
            expansion, known = expansions.get(vid), len(self.edges)
            is_long = expansion is not None and self.visibility.is_long(expansion.size)
            budget = await run_in_turn(self._follow, is_long, depth, reached, expansion, arriving)
            usage.count_stored(size * (len(self.edges) - known))
            usage.check()
            if budget is not None:
                self.end(budget)
                return
        self.frontier = {}
        if not last:
            self.hidden = frozenset(self.visibility.hidden)
            self.withheld |= self.visibility.before_hidden | self.visibility.beside_hidden
            await run_in_turn(self._arrive, len(arriving) > LONG_LINEAGE, depth + 1, arriving)
        elif not self.ended and not arriving.keys() <= self.nodes.keys():
            self.ended.append(DEPTH)

    def _follow(
        self, depth: int, at: tuple[Row, Ids], expansion: Expansion | None, arriving: dict[int, tuple[Row, Ids]]
    ) -> str | None:
        """Follow the edges that count for one vertex and add their far ends to ``arriving``.

        Return an exhausted budget, or None.
        """
        last, limit = depth == self.stop, self.query.max_edges
        for member, known, path in self._members(*at, expansion, last=last):
            followed = self._far_ends(member, known, at[0])
            self.edge_count += len(followed)
            self.read_count += len(member.edges)
            if limit is not None and (self.edge_count > limit or self.read_count > self.max_read):
                return EDGES
            if known.vid in self.visibility.before_hidden:
                self.visibility.beside_hidden.add(at[0].vid)
            if last and any(far.vid not in self.nodes for far in followed):
                self.cut.add(at[0].vid)
            for far in followed:
                if far.vid not in self.arrived:
                    reached = (far, (*path, far.urn))
                    if reached[1] < arriving.setdefault(far.vid, reached)[1]:
                        arriving[far.vid] = reached
            if followed and known is not at[0] and not last:
                self._show(ReachedNode(known, depth, path))
            ended = self.session.budget.count_edges(len(member.edges))
            if ended is not None:
                return ended
        return None

    def _arrive(self, depth: int, arriving: Mapping[int, tuple[Row, Ids]]) -> None:
        """Make the vertices of the next depth the frontier.

        If they exceed the node limit, the first by id are kept, and this depth is the last.
        """
        capacity = self.session.budget.limits.nodes - len(self.nodes)
        fresh = [(row.urn, vid) for vid, (row, _) in arriving.items() if vid not in self.nodes]
        left_out = {vid for _, vid in sorted_in_runs(fresh)[max(capacity, 0) :]} if len(fresh) > capacity else set()
        if left_out:
            self.stop = depth
            self.cut |= {near for _, near, far in self.edges.values() if far in left_out}
        if left_out or self.full:
            self.ended.append(NODES)
        self.frontier = {vid: reached for vid, reached in arriving.items() if vid not in left_out}
        self.arrived |= self.frontier.keys()
        for row, via in self.frontier.values():
            self._show(ReachedNode(row, depth, via))

    def end(self, budget: str) -> None:
        """End the walk because a budget is exhausted."""
        self.ended.append(budget)
        self.cut |= self.frontier.keys()
        self.frontier = {}

    def leave_out_stubs(self, *parents: int) -> None:
        """Record that children of ``parents`` which are stubs were left out; the walk goes on."""
        self.cut.update(parents)
        self.blocked |= self.session.may_withhold_stubs
        if EDGES not in self.ended:
            self.ended.append(EDGES)

    def _show(self, reached: ReachedNode) -> None:
        """Add a node at its least depth; set ``full`` instead if a new node would exceed the node limit."""
        known = self.nodes.get(reached.row.vid)
        if known is None and len(self.nodes) >= self.session.budget.limits.nodes:
            self.full = True
        elif known is None or (reached.depth, reached.via) < (known.depth, known.via):
            self.nodes[reached.row.vid] = reached

    def _members(
        self, row: Row, via: Ids, expansion: Expansion | None, *, last: bool
    ) -> Iterator[tuple[MemberEdges, Row, Ids]]:
        """Yield the members of a row's asset group whose edges the caller may see, each with its row and path."""
        if expansion is None or not expands(row, self.query.direction):
            self._block(row, blocks=not last)
            return
        yield expansion.itself, row, via
        for member in expansion.others:
            known = self.visibility.group_member(row, member)
            if known is not None and expands(known, self.query.direction):
                yield member, known, (*via, known.urn)
            elif known is not None:
                self._block(row, blocks=not last and self.visibility.leads(member))

    def _block(self, row: Row, *, blocks: bool) -> None:
        """Record that the policy keeps the walk from edges that count for a reached vertex, if it does (``blocks``)."""
        if blocks:
            self.blocked = True
            self.withheld.add(row.vid)

    def _far_ends(self, member: MemberEdges, near: Row, reached: Row) -> list[Row]:
        """Return the far ends of the edges that the filter and ``follows`` accept, and record these edges.

        Declared edges come first, so that an inferred edge parallel to a declared one is left out. The filter decides
        after the policy: hidden far ends count over all relations, else it would disclose those of their edges.
        """
        keep, direction = self.query.keep, self.query.direction
        edges = member.edges
        if any(is_inferred(edge) for _, edge in edges):
            edges = sorted(edges, key=lambda each: is_inferred(each[1]))
        declared: set[EdgeName] = set()
        found: list[Row] = []
        for vid, edge in edges:
            visible = self.visibility.along(near, vid, edge, direction)
            if visible is None or (name := visible[1].name) in declared:
                continue
            far, joined = visible
            declared.add(name)
            if (keep.accepts_all_edges or keep.accepts_edge(joined)) and self.follows(joined, near, far, reached):
                self.edges[name] = (joined, near.vid, far.vid)
                found.append(far)
        return found

    def result(self, unknown: list[str], pin: SnapshotTime) -> LineageResult:
        """Return the result: the nodes that the filter accepts, ordered by depth and id, and the edges between them.

        ``unknown`` are the roots that were not found.
        """
        keep = self.query.keep
        shown = {vid: node for vid, node in self.nodes.items() if keep.accepts_node(node.row)}
        return LineageResult(
            sorted(shown.values(), key=lambda node: node.place),
            _EdgesAmong(self.edges.values(), shown),
            unknown,
            replace(self.completeness(pin), missing_roots=bool(unknown)),
            frozenset(self.cut),
            frozenset(self.withheld if self.session.discloses_hidden else ()),
            len(self.edges),
        )

    def completeness(self, pin: SnapshotTime) -> Completeness:
        """Return how much of the lineage was found."""
        depth = max((node.depth for node in self.nodes.values()), default=0)
        return self.session.completeness(Extent(self.ended, self.hidden, self.blocked, len(self.nodes), depth), pin)


class _EdgesAmong(Sequence[ReachedEdge]):
    """The edges between nodes, by place and id; made when they are read, because most queries show none.

    Those of one place are put in order when the iteration arrives there, so that it can pause between two of them.
    """

    def __init__(self, edges: Iterable[tuple[JoinedEdge, int, int]], nodes: Mapping[int, ReachedNode]) -> None:
        self._edges = edges
        self._nodes = nodes
        self._ordered: set[_Place] = set()

    @cached_property
    def _by_place(self) -> dict[_Place, list[JoinedEdge]]:
        """The edges between reached nodes, by place; those of an ``_ordered`` place are in the order of their ids."""
        places = {vid: node.place for vid, node in self._nodes.items()}
        found = defaultdict[_Place, list[JoinedEdge]](list)
        for edge, near, far in self._edges:
            if near in places and far in places:
                found[max(places[near], places[far])].append(edge)
        return {place: found[place] for place in sorted(found)}

    def __iter__(self) -> Iterator[ReachedEdge]:
        """Yield the edges in their order."""
        for place, same in self._by_place.items():
            if len(same) > 1 and place not in self._ordered:  # else the ids are not computed
                same.sort(key=_URN)
                self._ordered.add(place)
            for edge in same:
                yield ReachedEdge(edge, place)

    @overload
    def __getitem__(self, index: int) -> ReachedEdge: ...

    @overload
    def __getitem__(self, index: slice) -> list[ReachedEdge]: ...

    def __getitem__(self, index: int | slice) -> ReachedEdge | list[ReachedEdge]:
        """Return one edge, or those of a slice."""
        return [*self][index]

    def __len__(self) -> int:
        """Return the number of edges."""
        return sum(map(len, self._by_place.values()))


async def walk_along(session: WalkSession, query: LineageQuery, pin: SnapshotTime) -> LineageResult:
    """Return the lineage of the roots of a query; ``pin`` is the read time that is reported in the result.

    The roots are read first, then one level after the other. A hidden root is not expanded, so it takes as much work as
    an absent one. Raises LimitError if the operation starts too many walks.
    """
    roots = [*dict.fromkeys(query.roots)]
    state = WalkState(session, query, session.visibility(query.pin), query.depth)
    if query.max_edges is not None:
        state.max_read = blurred(READ_FACTOR * query.max_edges)
    inferred = EdgeOrigin.INFERRED.name in query.keep.origins
    selection = EdgeSelection(query.direction, state.visibility.instant, inferred)
    with session.freeing(state):
        session.budget.begin()
        unknown = []
        for urn, row in zip(roots, await session.rows_by_id.many(roots, named=True), strict=True):
            if row is not None and row.kind in ASSETS and _is_root(query, row, state.visibility.instant):
                state.begin(row)
            if row is None or row.vid not in state.nodes:
                unknown.append(urn)
        depth = 0
        while state.frontier:
            expansions = await state.expand(selection)
            if state.frontier:
                await state.advance(depth, expansions)
            depth += 1
        return state.result(unknown, pin)


def _is_root(query: LineageQuery, row: Row, instant: ReadTime) -> bool:
    """Return whether a walk begins at a requested root; see ``existing_roots`` of the query."""
    return not query.existing_roots or vertex_at(row.record, instant, row.access.hidden) is not None
