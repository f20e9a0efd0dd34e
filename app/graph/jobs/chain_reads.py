"""Reads chains of the inference rules: upstream from where they may end, and downstream to where they end."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.graph.commits.state_read import HopRead, read_state
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.inference_chains import Neighbourhood
from app.graph.records.inferred_edge import LABEL
from app.graph.records.vertex_record import kind_of
from graphql_schema.catalog.inference_rules import InferenceRule
from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.record import Record

LabelledEdge = tuple[str, int, int, Record]
"""A label, a vertex id, the vertex id at the far end, and the edge between them."""


ReachedPlace = tuple[InferenceRule, int, int]
"""A rule, a place in its chain, and the vertex id that is there."""

MANY: Final = 2_000
"""Number of edges and places from which on the next places are found in the side thread."""


@dataclass(frozen=True, slots=True)
class ChainReads:
    """Reads the chains of ``rules``; each step of a chain is at most one request, for any number of vertices."""

    client: GremlinClient
    rules: Sequence[InferenceRule]

    async def around(self, ends: Sequence[int]) -> Neighbourhood:
        """Return the edges upstream of ``ends`` that chains may consist of, and the inferred edges to ``ends``.

        The records of the vertices at these edges are returned too.
        """
        around = Neighbourhood(ends)
        level: Iterable[int] = ends
        for back in range(1, max((len(rule.chain) for rule in self.rules), default=0) + 1):
            relations = {rule.chain[-back].relation.name for rule in self.rules if back <= len(rule.chain)}
            level = await self._add_incoming(around, sorted(relations), list(level), inferred=back == 1)
        if not self.rules:
            await self._add_incoming(around, [], list(ends), inferred=True)
        return around

    async def ends_beyond(self, middles: Iterable[int]) -> set[int]:
        """Return the ids of the vertices at which a chain through ``middles`` may end.

        The part of the chain before the middle is not read, and inactive edges count.
        """
        ends: set[int] = set()
        reached = {(rule, place, vid) for vid in middles for rule in self.rules for place in range(1, len(rule.chain))}
        while reached:
            relations = sorted({rule.chain[place].relation.name for rule, place, _ in reached})
            records, edges = await self._read(Direction.OUT, relations, sorted({vid for _, _, vid in reached}))
            is_long = len(edges) + len(reached) > MANY
            further = await run_in_turn(_further, is_long, reached, records, edges)
            ends |= {far for rule, place, far in further if place == len(rule.chain)}
            reached = {step for step in further if step[1] < len(step[0].chain)}
        return ends

    async def _add_incoming(
        self, around: Neighbourhood, relations: Sequence[str], vids: list[int], *, inferred: bool
    ) -> set[int]:
        """Add the edges of ``relations`` that reach ``vids`` to ``around``; return the vertices that these come from.

        With the flag ``inferred``, also add the inferred edges that reach ``vids``.
        """
        labels = [*relations, *(LABEL.values() if inferred else ())]
        records, edges = await self._read(Direction.IN, labels, vids)
        around.records |= records
        sources = set()
        for label, near, far, edge in edges:
            if label in relations:
                around.into[label, near][far] = edge
                sources.add(far)
            else:
                around.inferred[near][edge["relation"], far, near] = edge
        return sources

    async def _read(
        self, direction: Direction, labels: Sequence[str], vids: list[int]
    ) -> tuple[Mapping[int, Record], list[LabelledEdge]]:
        """Return the records of the vertices and their far vertices, and the edges with one of the labels."""
        if not vids:
            return {}, []
        state = await read_state(self.client, vids, [HopRead(direction, [label], vids) for label in labels])
        edges = [(label, *edge) for label, rows in zip(labels, state.hops, strict=True) for edge in rows]
        return state.records, edges


def _further(
    reached: Iterable[ReachedPlace], records: Mapping[int, Record], edges: Iterable[LabelledEdge]
) -> set[ReachedPlace]:
    """Follow the next relation of each rule from each vertex that is reached; return the new places."""
    kinds = {vid: kind_of(record) for vid, record in records.items()}
    beyond = defaultdict[tuple[str, int], list[int]](list)
    for relation, near, far, _ in edges:
        beyond[relation, near].append(far)
    return {
        (rule, place + 1, far)
        for rule, place, vid in reached
        if kinds.get(vid) in rule.kinds(place)
        for far in beyond.get((rule.chain[place].relation.name, vid), ())
        if kinds.get(far) in rule.kinds(place + 1)
    }
