"""The requests of one level as one: what they need together, and what was found for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.graph.reading.level.hop_plan import SOURCES_GIVEN, Adjacency
from app.graph.reading.level.level_statement import EDGE_CAP
from graphql_schema.ports.record import JsonObject, Record


@dataclass(slots=True)
class LevelParts:
    """What all requests of a level need, in the form of :mod:`app.graph.reading.level.level_statement`.

    The fresh parts are requested from the store, even if they are known; hops and listings are named by their indexes.
    With ``fresh`` a request is sent also if there are no such parts. The level has too many edges if it has ``cap``.
    """

    vertices: set[int] = field(default_factory=set)
    hops: list[JsonObject] = field(default_factory=list)
    listings: list[JsonObject] = field(default_factory=list)
    fresh: bool = False
    fresh_vertices: set[int] = field(default_factory=set)
    fresh_hops: set[int] = field(default_factory=set)
    fresh_listings: set[int] = field(default_factory=set)
    cap: int = EDGE_CAP

    def add(
        self, vertices: Sequence[int], hops: Sequence[JsonObject], listings: Sequence[JsonObject], *, fresh: bool
    ) -> None:
        """Add what one request needs."""
        hop, listing = len(self.hops), len(self.listings)
        self.vertices.update(vertices)
        self.hops += ({**each, "p": _shifted(each["p"], hop, listing)} for each in hops)
        self.listings += listings
        if fresh:
            self.fresh = True
            self.fresh_vertices.update(vertices)
            self.fresh_hops.update(range(hop, len(self.hops)))
            self.fresh_listings.update(range(listing, len(self.listings)))


@dataclass(slots=True)
class LevelContent:
    """What was found for a level: edges by hop, records by vertex id, and results of listings.

    ``count`` is the number of edges and records. ``over`` states that there are too many edges, and none is here then.
    ``sent`` states whether a request was sent. ``weights`` has what each record that was read from the store counts in
    the memory of the operation; who releases that removes it.
    """

    edges: list[Adjacency]
    records: dict[int, Record]
    listings: list[JsonObject]
    count: int
    over: bool = False
    sent: bool = True
    weights: dict[int, int] = field(default_factory=dict)


def _shifted(parent: int, hops: int, listings: int) -> int:
    """Return the index of a parent hop or listing, moved by the hops and listings of earlier merged requests."""
    if parent == SOURCES_GIVEN:
        return parent
    return parent + hops if parent >= 0 else parent - listings
