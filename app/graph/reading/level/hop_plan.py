"""Compiles relation queries to hops of the level statement, and joins the edges of a response to paths.

The records of a response are shared between the consumers of a level: none of them may change one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from app.graph.records.inferred_edge import LABEL, labels
from app.graph.records.read_time import NO_UPPER_BOUND
from app.graph.records.record_text import record_of
from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.catalog.relations import Direction, Hop
from graphql_schema.ports.record import Json, JsonObject, Record
from graphql_schema.ports.relation_query import Path, RelationQuery

Edge = Record
"""The record of an edge."""
Adjacency = dict[int, list[tuple[int, Edge]]]
"""For each source its far ends with the records of the edges."""

SOURCES_GIVEN: Final = -1
"""Value of ``parent`` for a hop whose sources are given in the hop itself."""
_INFERRED: Final = frozenset(LABEL.values())


@dataclass(frozen=True, slots=True)
class HopSpec:
    """One hop of the level statement without its sources.

    ``parent`` is the index of the hop whose far ends are the sources, SOURCES_GIVEN, or lower for a
    listing (:mod:`app.graph.reading.level.level_statement`). ``kinds`` are codes of the kinds of the far ends, all if
    empty.
    """

    direction: str
    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    parent: int

    @property
    def inferred(self) -> bool:
        """Whether the hop follows inferred edges."""
        return not _INFERRED.isdisjoint(self.labels)

    def wire(self, sources: Sequence[int], **window: Json) -> JsonObject:
        """Return the hop as an entry of the parameter ``hops`` of the level statement.

        ``window`` has further entries of the hop; without bounds of time in it, those of the read time apply. For a
        read time in the past, edges that were not valid then are among the results: drop them by `edge_at`.
        ``sources`` are ignored unless ``parent`` is SOURCES_GIVEN.
        """
        everything = {"n": 0, "a": -1, "t": False, "at": NO_UPPER_BOUND, "since": 0}
        shape = {"d": self.direction, "ls": list(self.labels), "ks": list(self.kinds), "p": self.parent}
        shape["i"] = self.inferred
        return {**shape, **everything, **window, "xs": list(sources) if self.parent == SOURCES_GIVEN else []}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A hop at which paths end.

    ``chain`` has the indexes of the hops that lead to it, and its own. ``path_of`` maps the name of a relation to the
    index of the path that ends with the relation here. ``inward``, a flag: its edges are followed against their
    direction.
    """

    chain: tuple[int, ...]
    path_of: Mapping[str, int]
    inward: bool


@dataclass(frozen=True, slots=True)
class CompiledRelation:
    """The hops of one relation query, and the hops at which its paths end."""

    hops: tuple[HopSpec, ...]
    leaves: tuple[Leaf, ...]

    @property
    def single(self) -> bool:
        """Whether the query is one hop, so that the store can cut its pages."""
        return len(self.hops) == 1


@lru_cache(maxsize=512)
def compile_related(related: RelationQuery) -> CompiledRelation:
    """Return the hops of a relation query.

    Paths with a common beginning share its hops. Last hops that differ in their label only are joined to one hop. Only
    the last hop of a path reads inferred edges.
    """
    hops: list[HopSpec] = []
    ends: dict[int, tuple[tuple[int, ...], dict[str, int]]] = {}
    prefixes: dict[Path, int] = {(): SOURCES_GIVEN}
    for path in related.paths:
        for length in range(1, len(path)):
            _middle(path[:length], prefixes, hops)
    for number, path in enumerate(related.paths):
        parent = prefixes[path[:-1]]
        index = _end(_store_hop(path[-1], labels(path[-1].relation.name), parent), hops, ends)
        chain = (*_chain(parent, hops), index)
        ends.setdefault(index, (chain, {}))[1][path[-1].relation.name] = number
    return CompiledRelation(tuple(hops), tuple(_leaf(hops, *end) for end in ends.values()))


def _leaf(hops: Sequence[HopSpec], chain: tuple[int, ...], path_of: Mapping[str, int]) -> Leaf:
    return Leaf(chain, path_of, hops[chain[-1]].direction == Direction.IN.value)


def _middle(prefix: Path, prefixes: dict[Path, int], hops: list[HopSpec]) -> None:
    """Add the last hop of ``prefix``, the beginning of a path, unless another path has added it."""
    if prefix not in prefixes:
        hop = prefix[-1]
        hops.append(_store_hop(hop, (hop.relation.name,), prefixes[prefix[:-1]]))
        prefixes[prefix] = len(hops) - 1


def _end(hop: HopSpec, hops: list[HopSpec], ends: Mapping[int, Json]) -> int:
    """Return the index of the last hop of a path; a known end of equal parent, direction and kinds gets its labels."""
    for index in ends:
        known = hops[index]
        if (known.parent, known.direction, known.kinds) == (hop.parent, hop.direction, hop.kinds):
            if hop.labels[0] not in known.labels:
                hops[index] = replace(known, labels=known.labels + hop.labels)
            return index
    hops.append(hop)
    return len(hops) - 1


def _store_hop(hop: Hop, labels: tuple[str, ...], parent: int) -> HopSpec:
    """Return a hop of the catalog in the terms of the store."""
    kinds = tuple(ALL_KINDS[name].code for name in hop.kinds)
    return HopSpec(hop.direction.value, labels, kinds, parent)


def _chain(index: int, hops: Sequence[HopSpec]) -> tuple[int, ...]:
    """Return the indexes of the hops that lead to a hop, the hop itself included."""
    return () if index == SOURCES_GIVEN else (*_chain(hops[index].parent, hops), index)


def add_edges(found: Adjacency, rows: Sequence[Json]) -> None:
    """Add the edges of the flat rows ``[source, far end, edge record as text, …]`` of a hop, in their order."""
    for source, far, text in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        found.setdefault(source, []).append((far, record_of(text)))


def reached(
    source: int, chain: Sequence[int], edges: Sequence[Adjacency]
) -> Iterator[tuple[tuple[int, ...], tuple[Edge, ...]]]:
    """Return the paths from a source over a chain of hops: their vertices without the source, and their edges."""
    paths: list[tuple[tuple[int, ...], tuple[Edge, ...]]] = [((source,), ())]
    for hop in chain:
        paths = [((*path, far), (*along, edge)) for path, along in paths for far, edge in edges[hop].get(path[-1], ())]
    return ((path[1:], along) for path, along in paths)
