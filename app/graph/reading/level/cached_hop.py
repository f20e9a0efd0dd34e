"""One hop of a level over the graph cache: what is known, what is missing, and how that is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from app.graph.cache.graph_cache import GraphCache
from app.graph.cache.known_edges import EDGE_BYTES, FarEdge, KnownEdges, Shape
from app.graph.records.inferred_edge import CHAINS, is_inferred
from app.graph.records.read_time import NO_UPPER_BOUND
from graphql_schema.ports.record import JsonObject, Record

EMPTY_BYTES: Final = 250
"""Bytes of the place of a vertex in the cache, besides record and edges."""


@dataclass(slots=True)
class CachedHop:
    """State of one hop: the edges found by source, and the sources whose edges are missing.

    ``known`` states whether cached edges are used, ``keeps`` whether edges that are read are kept. The edges of
    ``missing`` are read as the cache keeps them, also those that begin later. Those of ``exact``, or all if ``keeps``
    is false, are read with the bounds of the hop, and not kept. ``remote`` has the indexes of the hops of the request
    that read for this one.
    """

    hop: JsonObject
    shape: Shape
    now: int
    known: bool
    keeps: bool
    found: dict[int, list[FarEdge]] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    exact: list[int] = field(default_factory=list)
    remote: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, hop: JsonObject, *, fresh: bool) -> "CachedHop":
        """Return the state of a hop of the level text; of a fresh one, everything is missing.

        The cache is used for the present, where ``vf`` and ``vt`` of a hop are one instant. A page that begins after a
        far id or an ``at`` is not kept, because its edges are not the first ones of the source. A hop to given far ends
        neither uses nor fills the cache, because its edges are not all edges of a source, and some have ended.
        """
        present = hop["vf"] == hop["vt"] and "f" not in hop
        labels, by_time = tuple(hop["ls"]), hop["t"]
        order = "time" if by_time else "far" if hop["n"] or len(labels) == 1 else "store"
        shape = Shape(hop["d"], labels, () if by_time else tuple(hop["ks"]), order)
        begins = hop["at"] == NO_UPPER_BOUND if by_time else not hop["n"] or hop["a"] < 0
        return cls(hop, shape, hop["vt"], known=present and not fresh, keeps=present and begins)

    def look_up(self, cache: GraphCache, sources: Sequence[int]) -> None:
        """Find the edges of sources in the cache, and add the other sources to ``missing`` or ``exact``."""
        for vid, known in zip(sources, cache.edges(self.shape, sources) if self.known else (), strict=self.known):
            edges = None if known is None else self.taken(known)
            if edges is None:
                (self.exact if known is not None and known.short else self.missing).append(vid)
            elif edges:
                self.found[vid] = edges
        if not self.known:
            self.missing += sources

    def taken(self, known: KnownEdges) -> list[FarEdge] | None:
        """Return the edges of the hop among the known ones of a source, None if not all of them are known."""
        hop = self.hop
        if self.shape.order == "time":
            return known.newest_at(self.now, hop["n"], hop["at"], hop["since"])
        return known.first_at(self.now, hop["n"], hop["a"]) if hop["n"] else known.all_at(self.now)

    def wire(self, sources: Sequence[int], parent: int, *, exact: bool = False) -> JsonObject:
        """Return a hop of the level text for missing sources, without a bound of the begin if the cache keeps it."""
        window = {} if exact or not self.keeps else {"vf": NO_UPPER_BOUND}
        return {**self.hop, **window, "xs": sources, "p": parent}

    def entry(self, edges: list[FarEdge], weight: int) -> KnownEdges:
        """Return the cache entry for the edges of one source; ``weight`` is that of their records."""
        size = EMPTY_BYTES + len(edges) * EDGE_BYTES + weight
        limit, since = self.hop["n"], self.hop["since"]
        if self.shape.order != "time":
            return KnownEdges(edges, self.now, size, complete=not limit or len(edges) < limit)
        complete = len(edges) < limit
        floor = since if complete else edges[-1][1]["at"]
        return KnownEdges(edges, self.now, size, complete=complete and not since, floor=floor)

    def far_ends(self) -> dict[int, None]:
        """Return the far ends of the edges found, each once."""
        return dict.fromkeys(far for edges in self.found.values() for far, _ in edges)

    def between(self) -> set[int]:
        """Return the vertices on chains of the inferred edges found."""
        return {vid for edge in self._inferred() for vid in through(edge)}

    def weight(self) -> int:
        """Return the number of edges found and of the vertices on their chains, which the cap of a level bounds."""
        return sum(map(len, self.found.values())) + sum(len(through(edge)) for edge in self._inferred())

    def _inferred(self) -> list[Record]:
        """Return the inferred edges found."""
        if not self.hop["i"]:
            return []
        return [edge for edges in self.found.values() for _, edge in edges if CHAINS in edge]


def through(edge: Record) -> set[int]:
    """Return the vertices on the chains of an edge, none of one that is not inferred."""
    return {vid for chain in edge[CHAINS] for vid in chain["through"]} if is_inferred(edge) else set()
