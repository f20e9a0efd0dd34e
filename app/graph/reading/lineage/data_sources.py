"""Walks upstream from an asset to the data that it was made from, to decide on contamination.

The levels, the policy and the budgets are those of :mod:`app.graph.reading.lineage.lineage_walk`. Beside the followed
edges, a version leads to its dataset and a feature to its set, also where these have no edges. A walk reads all
upstream edges of its assets except inferred ones, so it shares its reads with health. A walk with equal root and hops
runs once in an operation.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.graph.reading.lineage.expander import EdgeSelection, Expansion
from app.graph.reading.lineage.joined_edge import JoinedEdge
from app.graph.reading.lineage.lineage_visibility import expands
from app.graph.reading.lineage.lineage_walk import Ids, WalkState
from app.graph.reading.lineage.walk_session import WalkSession
from graphql_schema.catalog.relations import PARENT_HOPS, Direction, Hop
from graphql_schema.execution.side_thread import run_in_parts, run_in_turn
from graphql_schema.ports.lineage_query import LONG_LINEAGE, LineageQuery
from graphql_schema.ports.row import Row
from graphql_schema.rules.contamination_verdict import LEVELS, DataSources, Overlap, is_data, leads

_UPSTREAM: Final = Direction.IN


@dataclass(frozen=True, slots=True)
class SourceWalk:
    """The sources that a walk found, the ended walk, and its depth.

    ``overlaps`` has the overlaps of a training with data by its id, as far as they were compared in the operation.
    """

    sources: DataSources
    walk: WalkState
    depth: int
    overlaps: dict[str, Overlap | None] = field(default_factory=dict)


def upstream_walk(session: WalkSession, row: Row, hops: Sequence[Hop], levels: int) -> WalkState:
    """Return a walk upstream from a row that follows only edges of some hops, before its first level."""

    def follows(edge: JoinedEdge, _near: Row, far: Row, _reached: Row) -> bool:
        return leads(hops, edge.stored["relation"], far.kind)

    query = LineageQuery((row.urn,), _UPSTREAM, levels)
    walk = WalkState(session, query, session.visibility(), levels, follows=follows)
    walk.begin(row)
    return walk


async def expand_level(walk: WalkState) -> Mapping[int, Expansion]:
    """Return the expansions of the last level of an upstream walk; none if a budget has ended the walk."""
    return await walk.expand(EdgeSelection(_UPSTREAM, walk.visibility.instant))


async def data_sources(session: WalkSession, row: Row, hops: tuple[Hop, ...]) -> SourceWalk:
    """Return the walk to the data upstream of a row over ``hops``; equal walks of the operation are one."""
    return await session.shared.get(("sources", row.vid, hops), lambda: _walk(session, row, hops))


async def _walk(session: WalkSession, row: Row, hops: tuple[Hop, ...]) -> SourceWalk:
    """Walk upstream to the last level and return the data that was found.

    Hidden vertices next to the last level are counted, unlike in the field `lineage`, because the result would
    otherwise be taken for complete.
    """
    walk, turns = upstream_walk(session, row, hops, LEVELS), session.rows.budget
    parents: dict[str, Ids] = {}
    depth = 0
    while walk.frontier:
        await turns.pause()
        walk.blocked |= not all(expands(each, _UPSTREAM) for each, _ in walk.frontier.values())
        expansions = await expand_level(walk)
        await turns.pause()
        is_long = walk.visibility.is_long(sum(each.size for each in expansions.values()))
        with turns.reading_on():
            await run_in_parts(_add_parents(walk, expansions, parents), is_long=is_long, between=turns.check)
        if walk.frontier:
            await walk.advance(depth, expansions)
        depth += 1
    walk.hidden = frozenset(walk.visibility.hidden)
    await turns.pause()
    with turns.reading_on():
        return await run_in_turn(_ended, len(walk.nodes) > LONG_LINEAGE, row, walk, parents)


def _add_parents(
    walk: WalkState, expansions: Mapping[int, Expansion], parents: dict[str, Ids]
) -> Generator[None, None, None]:
    """Add the parents of the data in the last level, each with its nearest path from the root."""
    for row, via in walk.frontier.values():
        yield
        if row.kind in PARENT_HOPS and is_data(row.urn) and row.vid in expansions:
            members = (walk.visibility.parent(row, member) for member in expansions[row.vid].others)
            for urn in (parent.urn for parent in members if parent is not None):
                parents[urn] = _nearer((*via, urn), parents.get(urn, (*via, urn)))


def _ended(root: Row, walk: WalkState, parents: Mapping[str, Ids]) -> SourceWalk:
    paths = {node.row.urn: node.via for node in walk.nodes.values() if is_data(node.row.urn)}
    for urn, path in parents.items():
        if is_data(urn):
            paths[urn] = _nearer(path, paths.get(urn, path))
    reached = frozenset(node.row.urn for vid, node in walk.nodes.items() if vid in walk.arrived)
    depth = max(node.depth for node in walk.nodes.values())
    return SourceWalk(DataSources(root.urn, paths, reached), walk, depth)


def _nearer(one: Ids, other: Ids) -> Ids:
    return min(one, other, key=lambda path: (len(path), path))
