"""Shortest paths between two assets: a search from both ends, then in memory (docs/adr/0010-walks.md).

First one level is read from each end, then the next ones from the end that has fewer vertices to expand. After ``a``
levels from one end and ``b`` from the other, the edges of every path of at most ``a + b`` edges are known. A path also
has free steps between a parent and a child of an asset group. If the two sides meet at such a step, it may not have
been read, and only paths of fewer than ``a + b`` edges are known. The shortest paths among the known edges are found
best first (:mod:`app.graph.reading.lineage.shortest_paths`). If there are too few, one more level is read.

A vertex whose edges in the direction of a side are hidden is not expanded: they take no time and no budget, and decide
nothing. It has no paths downstream. Upstream it may have some, which the sources of its edges disclose: the side
upstream then goes no further, and the other one finds them.
"""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from app.graph.reading.level.hop_plan import Edge
from app.graph.reading.lineage.expander import EdgeSelection, Expansion, MemberEdges, Vertex
from app.graph.reading.lineage.lineage_visibility import LineageVisibility, expands
from app.graph.reading.lineage.shortest_paths import KnownGraph, SearchMemory, shortest
from app.graph.reading.lineage.walk_budget import DEPTH, EDGES, NODES, PATHS
from app.graph.reading.lineage.walk_session import Extent, WalkSession
from graphql_schema.catalog.kinds import ASSETS
from graphql_schema.catalog.relations import CHILD_HOPS, PARENT_HOPS, Direction
from graphql_schema.execution.side_thread import run_in_parts, run_in_turn
from graphql_schema.ports.lineage_query import (
    Completeness,
    FoundPath,
    PathQuery,
    PathResult,
    SnapshotTime,
)
from graphql_schema.ports.row import Row


@dataclass(slots=True)
class Side:
    """The search from one end after ``levels`` levels.

    ``arrived`` are the vertices that edges led to and ``frontier`` those of the last level. Of these, ``leading`` are
    those whose edges in the direction of the side are shown to the caller. ``met`` has also the other members of their
    asset groups.
    """

    selection: EdgeSelection
    frontier: dict[int, Row]
    leading: list[Row]
    arrived: set[int]
    met: set[int]
    levels: int = 0

    @property
    def is_barred(self) -> bool:
        """Whether a row of the last level hides its edges, and was not expanded."""
        return len(self.leading) < len(self.frontier)

    @property
    def goes_on(self) -> bool:
        """Whether a further level can be read, which has all edges that the caller sees."""
        return self.selection.direction is Direction.OUT or not self.is_barred


_MEMBER_KINDS: Final = {kind: set(hop.kinds) for kind, hop in (*CHILD_HOPS.items(), *PARENT_HOPS.items())}
"""For each kind the kinds of the other members of its asset group."""


def known_length(forward: Side, backward: Side) -> int:
    """Return the number of edges up to which the edges of every path were read.

    It is the number of levels read from both sides. It is one less if the two sides meet between members of an asset
    group, whose free step was read from neither side.
    """
    kinds = {row.kind for row in backward.frontier.values()}
    meet = any(_MEMBER_KINDS.get(row.kind, set()) & kinds for row in forward.frontier.values())
    return forward.levels + backward.levels - meet


def _vertices(rows: Iterable[Row]) -> list[Vertex]:
    return [(row.vid, row.kind) for row in rows]


@dataclass(slots=True)
class PathSearchState:
    """State of one search.

    ``known`` is the graph read so far. ``ended`` names the budgets that ended the search. ``blocked`` is true if edges
    of a reached vertex are not visible. ``lacks_stubs`` is true if versions that are stubs were left out, after which
    the search goes on.
    """

    session: WalkSession
    query: PathQuery
    visibility: LineageVisibility
    known: KnownGraph = field(default_factory=KnownGraph)
    ended: list[str] = field(default_factory=list)
    blocked: bool = False
    lacks_stubs: bool = False
    _shown: dict[int, list[tuple[int, Edge]]] = field(default_factory=dict)
    """By vertex id, the edges of members that hide their upstream edges, as far as their sources show them."""

    def side(self, row: Row, direction: Direction) -> Side:
        """Return the search from one end, before anything is read."""
        self.known.rows[row.vid] = row
        leading = [row] if expands(row, direction) else []
        selection = EdgeSelection(direction, self.visibility.instant)
        return Side(selection, {row.vid: row}, leading, {row.vid}, {row.vid})

    async def read(self, *sides: Side) -> None:
        """Read one more level from each side that goes on, in one request; end the search if a budget is exhausted."""
        self.blocked |= any(side.is_barred for side in sides)
        going = [(side, side.leading) for side in sides if side.goes_on]
        found = await asyncio.gather(*(self.session.expand(side.selection, _vertices(rows)) for side, rows in going))
        for (side, rows), expansions in zip(going, found, strict=True):
            if isinstance(expansions, str):
                self.ended.append(expansions)
                continue
            if any(each.lacks_stubs for each in expansions):
                self.lacks_stubs = True
                self.blocked |= self.session.may_withhold_stubs
            await self.advance(side, rows, expansions)

    async def advance(self, side: Side, rows: Sequence[Row], expansions: Sequence[Expansion]) -> None:
        """Add the edges of one level to the known graph; ``rows`` are the expanded ones.

        The search ends after the level if the whole known graph has more vertices than the node limit. It ends within
        the level as soon as the budget of edges or time is exhausted.
        """
        frontier: dict[int, Row] = {}
        for row, expansion in zip(rows, expansions, strict=True):
            async for member, known in self._members(side.selection.direction, row, expansion):
                side.met.add(known.vid)
                steps = self._far_ends(side.selection.direction, known, member)
                found = await run_in_parts(steps, is_long=self.visibility.is_long(len(member.edges)))
                frontier |= {far.vid: far for far in found}
                ended = await self.session.count_edges(len(member.edges))
                if ended is not None:
                    self.ended.append(ended)
                    return
        in_turns, direction = self.session.rows.budget.in_turns, side.selection.direction
        side.frontier = {vid: row async for vid, row in in_turns(frontier.items()) if vid not in side.arrived}
        side.leading = [row async for row in in_turns(side.frontier.values()) if expands(row, direction)]
        side.arrived |= side.frontier.keys()
        side.met |= side.frontier.keys()
        side.levels += 1
        if len(self.known.rows) > self.session.budget.limits.nodes:
            self.ended.append(NODES)

    async def _members(
        self, direction: Direction, row: Row, expansion: Expansion
    ) -> AsyncIterator[tuple[MemberEdges, Row]]:
        """Yield a row and the members of its asset group that a free step joins to it, and add these free steps.

        A free step exists if the downstream edges of both ends are visible. A group can have thousands of members
        without edges, or hidden ones, so they are examined in turns.
        """
        yield expansion.itself, row
        async for member in self.session.rows.budget.in_turns(expansion.others):
            is_long = self.visibility.is_long(len(member.edges))
            other = await run_in_turn(self.visibility.group_member, is_long, row, member)
            if other is not None and expands(other, Direction.OUT) and expands(row, Direction.OUT):
                self.known.join_free(row, other)
                yield member if expands(other, direction) else await self._shown_by_sources(member), other

    async def _shown_by_sources(self, member: MemberEdges) -> MemberEdges:
        """Return a member that hides its upstream edges, with those that their sources show."""
        self.blocked = True
        if member.vid not in self._shown:
            is_long = self.visibility.is_long(len(member.edges))
            self._shown[member.vid] = await run_in_turn(self._shown_edges, is_long, member)
        return member._replace(edges=self._shown[member.vid])

    def _shown_edges(self, member: MemberEdges) -> list[tuple[int, Edge]]:
        """Return the upstream edges of a member whose sources show them."""
        sources = ((self.visibility.rows.known(vid), (vid, edge)) for vid, edge in member.edges)
        return [each for row, each in sources if row is not None and expands(row, Direction.OUT)]

    def _far_ends(self, direction: Direction, near: Row, member: MemberEdges) -> Generator[None, None, list[Row]]:
        """Add the edges of a vertex, and return their far ends; omit edges whose source hides its downstream edges."""
        found: list[Row] = []
        for vid, edge in member.edges:
            visible = self.visibility.along(near, vid, edge, direction)
            if visible is not None:
                far, joined = visible
                source, target = (near, far) if direction is Direction.OUT else (far, near)
                if expands(source, Direction.OUT):
                    self.known.join(source, target, joined)
                    found.append(far)
                else:
                    self.blocked = True
            yield
        return found

    async def shortest(self, ends: tuple[int, int], max_paths: int, max_length: int) -> list[FoundPath]:
        """Return at most ``max_paths`` shortest paths of at most ``max_length`` edges in the known graph.

        The search can take long, so it runs in parts in the side thread. Each reader runs one search at a time. Its
        memory counts for the operation until it ends.
        """
        budget, memory = self.session.budget, SearchMemory()
        steps = shortest(
            self.known,
            *ends,
            max_paths=max_paths,
            max_length=max_length,
            count_step=budget.count_step,
            memory=memory,
        )
        async with budget.search_lock:
            with self.session.rows.budget.holding() as hold:
                paths, ended = await run_in_parts(steps, between=lambda: hold(memory.size))
        if ended is not None:
            self.ended.append(ended)
        return paths

    def completeness(self, pin: SnapshotTime, depth: int) -> Completeness:
        """Return how much was searched; the edges of every path of at most ``depth`` edges were read."""
        hidden = frozenset(self.visibility.hidden)
        ended = [*self.ended, EDGES] if self.lacks_stubs else self.ended
        return self.session.completeness(Extent(ended, hidden, self.blocked, len(self.known.rows), depth), pin)


async def paths_between(session: WalkSession, query: PathQuery, pin: SnapshotTime) -> PathResult:
    """Return the shortest paths between two assets; ``pin`` is the read time that is reported in the result.

    Both ends are read first, then their edges level by level. Nothing is expanded unless the caller may see both ends,
    so a hidden end takes as much work as an absent one. Raises LimitError if the operation starts too many walks.
    """
    state = PathSearchState(session, query, session.visibility())
    ends = [*dict.fromkeys((query.source, query.target))]
    with session.freeing(state):
        session.budget.begin()
        found = await session.rows_by_id.many(ends, named=True)
        rows = {urn: row for urn, row in zip(ends, found, strict=True) if row is not None and row.kind in ASSETS}
        unknown = [urn for urn in ends if urn not in rows]
        if unknown:
            return PathResult((), unknown, replace(state.completeness(pin, 0), missing_roots=True))
        state.visibility.named = frozenset(row.vid for row in rows.values())
        sides = (state.side(rows[query.source], Direction.OUT), state.side(rows[query.target], Direction.IN))
        await state.read(*sides)
        return await _search(state, sides, (rows[query.source].vid, rows[query.target].vid), pin)


async def _search(
    state: PathSearchState, sides: tuple[Side, Side], ends: tuple[int, int], pin: SnapshotTime
) -> PathResult:
    """Search the known graph for paths, and read further levels until there are enough."""
    forward, backward = sides
    max_paths, max_length = state.query.max_paths, state.query.max_edges
    known = 0
    while True:
        every = not (forward.frontier and backward.frontier)
        depth = max_length if every else min(known_length(forward, backward), max_length)
        known = known if state.lacks_stubs else depth
        meet = not forward.met.isdisjoint(backward.met)
        paths = await state.shortest(ends, max_paths + 1, depth) if meet else []
        if len(paths) > max_paths:
            state.ended.append(PATHS)
        if every or state.ended:
            break
        if depth >= max_length:
            state.ended.append(DEPTH)
            break
        await state.read(min((side for side in sides if side.goes_on), key=lambda side: len(side.frontier)))
    state.blocked |= any(side.is_barred for side in sides)
    return PathResult(paths[:max_paths], (), state.completeness(pin, known))
