"""Reads chains of the inference rules: upstream from where they may end, and downstream to where they end.

The text BEYOND gets hops as data, with ``xs``, where they start, the edge labels ``ls`` and ``ks``, the codes of the
kinds at the far ends. It returns a flat list ``[start, its kind code, far end, its kind code, …]`` for each hop.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gremlin_python.process.traversal import P

from app.graph.commits.state_read import HopRead, read_state
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render, spread
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.inference_chains import Neighbourhood
from app.graph.records.inferred_edge import LABEL
from graphql_schema.catalog.inference_rules import InferenceRule
from graphql_schema.catalog.kinds import KINDS, NAME_OF_CODE
from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.record import Json, JsonObject, Record

LabelledEdge = tuple[str, int, int, Record]
"""A label, a vertex id, the vertex id at the far end, and the edge between them."""


ReachedPlace = tuple[InferenceRule, int, int]
"""A rule, a place in its chain, and the vertex id that is there."""

MANY: Final = 2_000
"""Number of edges from which on those of a response are processed in the side thread."""

BEYOND: Final = PreparedStatement.of(
    f"""
hops.collect {{ h ->
  def xs = h.xs; def ls = h.ls; def ks = h.ks
  def rows = []
  if (xs) {render(g.V(param("xs")).out_e(spread("ls")).has("toKind", P.within(param("ks"))))}.each {{
    rows << it.outVertex().id(); rows << it.value('fromKind'); rows << it.inVertex().id(); rows << it.value('toKind')
  }}
  rows
}}
""",
    "hops",
    name="inference",
)


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

    async def ends_beyond(self, middles: Iterable[int]) -> tuple[set[int], int]:
        """Return the ids of the vertices at which a chain through ``middles`` may end, and the number of edges read.

        The part of the chain before the middle is not read, inactive edges count, and no records are read.
        """
        ends: set[int] = set()
        count = 0
        reached = {(rule, place, vid) for vid in middles for rule in self.rules for place in range(1, len(rule.chain))}
        while reached:
            hops = _hops(reached)
            edges = await self.client.submit(BEYOND, {"hops": hops})
            read = sum(map(len, edges)) // 4
            labels = [hop["ls"][0] for hop in hops]
            further = await run_in_turn(_further, read + len(reached) > MANY, reached, labels, edges)
            ends |= {far for rule, place, far in further if place == len(rule.chain)}
            reached = {step for step in further if step[1] < len(step[0].chain)}
            count += read
        return ends, count

    async def _add_incoming(
        self, around: Neighbourhood, relations: Sequence[str], vids: list[int], *, inferred: bool
    ) -> set[int]:
        """Add the edges of ``relations`` that reach ``vids`` to ``around``; return the vertices that these come from.

        With the flag ``inferred``, also add the inferred edges that reach ``vids``.
        """
        labels = [*relations, *(LABEL.values() if inferred else ())]
        records, edges = await self._read(Direction.IN, labels, vids)
        around.records |= records
        return await run_in_turn(_add_edges, len(edges) > MANY, around, relations, edges)

    async def _read(
        self, direction: Direction, labels: Sequence[str], vids: list[int]
    ) -> tuple[Mapping[int, Record], list[LabelledEdge]]:
        """Return the records of the vertices and their far vertices, and the edges with one of the labels."""
        if not vids:
            return {}, []
        state = await read_state(self.client, vids, [HopRead(direction, [label], vids) for label in labels])
        edges = [(label, *edge) for label, rows in zip(labels, state.hops, strict=True) for edge in rows]
        return state.records, edges


def _add_edges(around: Neighbourhood, relations: Sequence[str], edges: Iterable[LabelledEdge]) -> set[int]:
    """Add the edges of ``relations``, and inferred ones; return the vertices that the former come from."""
    sources = set()
    for label, near, far, edge in edges:
        if label in relations:
            around.into[label, near][far] = edge
            sources.add(far)
        else:
            around.inferred[near][edge["relation"], far, near] = edge
    return sources


def _hops(reached: Iterable[ReachedPlace]) -> list[JsonObject]:
    """Return the hops from the places that are reached, one for each relation, in the form that BEYOND takes."""
    hops: dict[str, tuple[dict[int, None], set[str]]] = defaultdict(lambda: ({}, set()))
    for rule, place, vid in reached:
        starts, kinds = hops[rule.chain[place].relation.name]
        starts[vid] = None
        kinds.update(rule.kinds(place + 1))
    return [
        {"xs": sorted(starts), "ls": [label], "ks": sorted(KINDS[name].code for name in kinds)}
        for label, (starts, kinds) in sorted(hops.items())
    ]


def _further(
    reached: Iterable[ReachedPlace], labels: Iterable[str], edges: Iterable[Sequence[Json]]
) -> set[ReachedPlace]:
    """Follow the next relation of each rule from each vertex that is reached; return the new places.

    ``edges`` are the rows of the hops over ``labels``.
    """
    beyond = defaultdict[tuple[str, int, str], list[tuple[int, str]]](list)
    for label, flat in zip(labels, edges, strict=True):
        for near, near_kind, far, far_kind in zip(*(flat[start::4] for start in range(4)), strict=True):
            beyond[label, near, NAME_OF_CODE[near_kind]].append((far, NAME_OF_CODE[far_kind]))
    return {
        (rule, place + 1, far)
        for rule, place, vid in reached
        for kind in rule.kinds(place)
        for far, far_kind in beyond.get((rule.chain[place].relation.name, vid, kind), ())
        if far_kind in rule.kinds(place + 1)
    }
