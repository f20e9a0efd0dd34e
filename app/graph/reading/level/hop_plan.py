"""Relations compiled to hops of the level text, and edges put together again to what each source reaches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from app.graph.records.inferred_edge import LABEL, labels
from app.graph.records.read_time import NO_UPPER_BOUND
from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.catalog.relations import Hop
from graphql_schema.ports.relation_query import Path, RelationQuery

Edge = str
"""The JSON text of an edge's record."""
Adjacency = dict[int, list[tuple[int, Edge]]]
"""From each source to its far ends, with the edges."""

_FIRST: Final = -1
_INFERRED: Final = frozenset(LABEL.values())


@dataclass(frozen=True, slots=True)
class HopSpec:
    """One hop of the level text without its sources.

    ``parent`` is the index of the hop before it, -1, or below that for a listing
    (:mod:`app.graph.reading.level.level_statement`).
    """

    direction: str
    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    parent: int

    @property
    def inferred(self) -> bool:
        """Whether some of its edges may be inferred."""
        return not _INFERRED.isdisjoint(self.labels)

    def wire(self, sources: Sequence[int], **window: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
        """The hop as the level text reads it; ``window`` is what differs from reading everything."""
        everything = {"n": 0, "a": -1, "t": False, "at": NO_UPPER_BOUND, "since": 0}
        shape = {"d": self.direction, "ls": list(self.labels), "ks": list(self.kinds), "p": self.parent}
        shape["i"] = self.inferred
        return {**shape, **everything, **window, "xs": list(sources) if self.parent == _FIRST else []}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A hop at which paths end: the hops that lead there, and the number of the path that each label ends."""

    chain: tuple[int, ...]
    path_of: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CompiledRelation:
    """The hops of one relation query; ``single`` when the query has one hop."""

    hops: tuple[HopSpec, ...]
    leaves: tuple[Leaf, ...]

    @property
    def single(self) -> bool:
        """Whether pages of it can be cut in the store."""
        return len(self.hops) == 1


@lru_cache(maxsize=512)
def compile_related(related: RelationQuery) -> CompiledRelation:
    """Compile the paths: those that share a beginning share its hops, ends over several labels are one hop.

    Inferred edges are at ends alone: a longer path says what was said.
    """
    hops: list[HopSpec] = []
    ends: dict[int, tuple[tuple[int, ...], dict[str, int]]] = {}
    prefixes: dict[Path, int] = {(): _FIRST}
    for path in related.paths:
        for length in range(1, len(path)):
            _middle(path[:length], prefixes, hops)
    for number, path in enumerate(related.paths):
        parent = prefixes[path[:-1]]
        index = _end(_store_hop(path[-1], labels(path[-1].relation.name), parent), hops, ends)
        chain = (*_chain(parent, hops), index)
        ends.setdefault(index, (chain, {}))[1][path[-1].relation.name] = number
    return CompiledRelation(tuple(hops), tuple(Leaf(chain, paths) for chain, paths in ends.values()))


def _middle(prefix: Path, prefixes: dict[Path, int], hops: list[HopSpec]) -> None:
    if prefix not in prefixes:
        hop = prefix[-1]
        hops.append(_store_hop(hop, (hop.relation.name,), prefixes[prefix[:-1]]))
        prefixes[prefix] = len(hops) - 1


def _end(hop: HopSpec, hops: list[HopSpec], ends: Mapping[int, Any]) -> int:
    """The index of the end hop: joined with another end from the same parent, or a new one."""
    for index in ends:
        known = hops[index]
        if (known.parent, known.direction, known.kinds) == (hop.parent, hop.direction, hop.kinds):
            if hop.labels[0] not in known.labels:
                hops[index] = replace(known, labels=known.labels + hop.labels)
            return index
    hops.append(hop)
    return len(hops) - 1


def _store_hop(hop: Hop, labels: tuple[str, ...], parent: int) -> HopSpec:
    kinds = tuple(ALL_KINDS[name].code for name in hop.kinds)
    return HopSpec(hop.direction.value, labels, kinds, parent)


def _chain(index: int, hops: Sequence[HopSpec]) -> tuple[int, ...]:
    return () if index == _FIRST else (*_chain(hops[index].parent, hops), index)


def adjacency(rows: Sequence[Any]) -> Adjacency:
    """Group a hop's flat ``[source, far, edge, …]`` by source."""
    found: Adjacency = {}
    for source, far, edge in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        found.setdefault(source, []).append((far, edge))
    return found


def reached(
    source: int, chain: Sequence[int], edges: Sequence[Adjacency]
) -> Iterator[tuple[tuple[int, ...], tuple[Edge, ...]]]:
    """What a source reaches over a chain of hops: the vertices on the way, the far one last, and the edges there."""
    ways: list[tuple[tuple[int, ...], tuple[Edge, ...]]] = [((source,), ())]
    for hop in chain:
        ways = [((*way, far), (*texts, edge)) for way, texts in ways for far, edge in edges[hop].get(way[-1], ())]
    return ((way[1:], texts) for way, texts in ways)
