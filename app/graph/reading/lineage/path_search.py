"""Paths: a search from both ends, then the shortest ways in memory (ADR 0010).

Levels are read from whichever end has fewer vertices to go on from. Once ``a`` have been read from the one and ``b``
from the other, the edges of every path of at most ``a + b`` edges are known, and the free steps of those that are
shorter: where the two sides meet there may be one that neither has read. The shortest are found best first
(:mod:`app.graph.reading.lineage.shortest_paths`); if there are too few, one more level is read.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from app.graph.reading.lineage.expander import EdgeSelection, Expansion, MemberEdges, Vertex
from app.graph.reading.lineage.lineage_visibility import LineageVisibility, expands
from app.graph.reading.lineage.shortest_paths import KnownGraph, shortest
from app.graph.reading.lineage.walk_budget import DEPTH, NODES, PATHS
from app.graph.reading.lineage.walk_session import Extent, WalkSession
from graphql_schema.catalog.kinds import ASSETS
from graphql_schema.catalog.relations import CHILD_HOPS, PARENT_HOPS, Direction
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.lineage_query import Completeness, FoundPath, PathQuery, PathResult, SnapshotTime
from graphql_schema.ports.row import Row


@dataclass(slots=True)
class Side:
    """The search from one end: what was arrived at, and of that ``front`` last, after so many ``levels``.

    ``met`` are also the counterparts of what was arrived at.
    """

    way: EdgeSelection
    front: dict[int, Row]
    arrived: set[int]
    met: set[int]
    levels: int = 0


_COUNTERPARTS: Final = {kind: set(hop.kinds) for kind, hop in (*CHILD_HOPS.items(), *PARENT_HOPS.items())}


def known_to(forward: Side, backward: Side) -> int:
    """The length up to which every path is known."""
    kinds = {row.kind for row in backward.front.values()}
    meet = any(_COUNTERPARTS.get(row.kind, set()) & kinds for row in forward.front.values())
    return forward.levels + backward.levels - meet


@dataclass(slots=True)
class PathSearchState:
    """A search under way."""

    means: WalkSession
    search: PathQuery
    sight: LineageVisibility
    known: KnownGraph = field(default_factory=KnownGraph)
    ended: list[str] = field(default_factory=list)
    shut: bool = False

    def side(self, row: Row, direction: Direction) -> Side:
        """The search from one end, before anything was read."""
        self.known.rows[row.vid] = row
        return Side(EdgeSelection(direction, (), self.sight.instant), {row.vid: row}, {row.vid}, {row.vid})

    async def expand(self, *asked: tuple[EdgeSelection, Sequence[Vertex]]) -> list[list[Expansion]]:
        """What vertices lead to, all in one request; nothing where a budget ends the search."""
        found = await self.means.expand(*asked)
        if isinstance(found, str):
            self.ended.append(found)
            return []
        return found

    async def read(self, side: Side) -> None:
        """Read one more level from a side."""
        asked = (side.way, [(vid, row.kind) for vid, row in side.front.items()])
        for expansions in await self.expand(asked):
            await self.advance(side, expansions)
        if len(self.known.rows) > self.means.budget.limits.nodes:
            self.ended.append(NODES)

    async def advance(self, side: Side, expansions: Sequence[Expansion]) -> None:
        """Go one step further from a side; where a budget ends the search, as far as that."""
        front: dict[int, Row] = {}
        for row, expansion in zip(side.front.values(), expansions, strict=True):
            for speaker, known in self._speaking(row, expansion):
                side.met.add(known.vid)
                front |= {far.vid: far for far in self._joined(side.way.direction, known, speaker)}
                ended = await self.means.go(len(speaker.edges))
                if ended is not None:
                    self.ended.append(ended)
                    return
        side.front = {vid: row for vid, row in front.items() if vid not in side.arrived}
        side.arrived |= side.front.keys()
        side.met |= side.front.keys()
        side.levels += 1

    def _speaking(self, row: Row, expansion: Expansion) -> Iterator[tuple[MemberEdges, Row]]:
        """Who speaks for a row; there is a free step between two that can both be departed from."""
        yield expansion.itself, row
        for speaker in expansion.others:
            other = self.sight.group_member(row, speaker)
            if other is not None and expands(other, Direction.OUT) and expands(row, Direction.OUT):
                self.known.join_free(row, other)
                yield speaker, other

    def _joined(self, direction: Direction, near: Row, speaker: MemberEdges) -> Iterator[Row]:
        """Learn the edges of a vertex that can be departed from at their start, and the far ends to go on from."""
        for vid, edge in speaker.edges:
            seen = self.sight.along(near, vid, edge, direction)
            if seen is None:
                continue
            far, joined = seen
            source, target = (near, far) if direction is Direction.OUT else (far, near)
            if expands(source, Direction.OUT):
                self.known.join(source, target, joined)
                yield far
            else:
                self.shut = True

    async def shortest(self, ends: tuple[int, int], most: int, longest: int) -> list[FoundPath]:
        """The shortest paths in what is known, beside the event loop."""
        budget = self.means.budget
        async with budget.trying:
            paths, ended = await asyncio.to_thread(
                shortest, self.known, *ends, most=most, longest=longest, tried=budget.tried
            )
        if ended is not None:
            self.ended.append(ended)
        return paths

    def completeness(self, pin: SnapshotTime, depth: int) -> Completeness:
        """How much of what there is was looked at; ``depth`` is the length up to which every path is known."""
        hidden = frozenset(self.sight.hidden)
        return self.means.completeness(Extent(self.ended, hidden, self.shut, len(self.known.rows), depth), pin)


async def paths_between(means: WalkSession, search: PathQuery, pin: SnapshotTime) -> PathResult:
    """Search; ``pin`` is the instant of the answer. Each level is one request, the first of which reads both ends."""
    hunt = PathSearchState(means, search, means.visibility())
    ends = [*dict.fromkeys((search.source, search.target))]
    asked = [
        (EdgeSelection(direction, (), hunt.sight.instant), [(means.rows.vid(urn), parse_urn(urn).kind)])
        for urn, direction in ((search.source, Direction.OUT), (search.target, Direction.IN))
    ]
    means.budget.begin()
    found, expansions = await asyncio.gather(means.points.many(ends), hunt.expand(*asked))
    rows = {urn: row for urn, row in zip(ends, found, strict=True) if row is not None and row.kind in ASSETS}
    unknown = [urn for urn in ends if urn not in rows]
    if unknown:
        hunt.ended.clear()  # what is hidden looks as if it were not there
        return PathResult((), unknown, replace(hunt.completeness(pin, 0), missing_roots=True))
    hunt.sight.named = frozenset(row.vid for row in rows.values())
    sides = (hunt.side(rows[search.source], Direction.OUT), hunt.side(rows[search.target], Direction.IN))
    for side, each in zip(sides, expansions, strict=False):
        await hunt.advance(side, each)
    if not expansions:  # what is hidden must not have ended it: once more, now that both ends are seen
        hunt.ended.clear()
        await hunt.read(sides[0])
        await hunt.read(sides[1])
    return await _search(hunt, sides, (rows[search.source].vid, rows[search.target].vid), pin)


async def _search(
    hunt: PathSearchState, sides: tuple[Side, Side], ends: tuple[int, int], pin: SnapshotTime
) -> PathResult:
    """Look for the shortest paths in what is known, and read on until there are enough."""
    forward, backward = sides
    most, longest = hunt.search.most, hunt.search.longest
    while True:
        every = not (forward.front and backward.front)
        depth = longest if every else min(known_to(forward, backward), longest)
        meet = not forward.met.isdisjoint(backward.met)
        paths = await hunt.shortest(ends, most + 1, depth) if meet else []
        if len(paths) > most:
            hunt.ended.append(PATHS)
        if every or hunt.ended:
            break
        if depth >= longest:
            hunt.ended.append(DEPTH)
            break
        await hunt.read(min(sides, key=lambda side: len(side.front)))
    return PathResult(paths[:most], (), hunt.completeness(pin, depth))
