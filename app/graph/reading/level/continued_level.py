"""A level whose edges are passed by several requests: what the next one reads, and the responses put together.

A response of the level statement may stop within a hop, because many edges were passed, or have many bytes. The next
request has the rest of this hop and the further ones. The sources that are known by now are given in it. Records of
vertices are in the last response.
"""

from collections.abc import Sequence

from app.graph.reading.level.hop_plan import SOURCES_GIVEN
from graphql_schema.ports.record import Json, JsonObject


class ContinuedLevel:
    """The edges and listings of the responses so far; ``bindings`` are those of the next request."""

    def __init__(self, bindings: JsonObject) -> None:
        self.bindings: JsonObject = {**bindings, "reached": []}
        self._hops: Sequence[JsonObject] = bindings["hops"]
        self._stopped_at = 0
        self._edges: list[list[Json]] = [[] for _ in self._hops]
        self._listings: list[JsonObject] | None = None

    def add(self, found: JsonObject) -> JsonObject | None:
        """Add a response that is not too large; return the response to all requests if it is the last one.

        If it is not, ``bindings`` are those of the request to send next.
        """
        if self._listings is None:
            self._listings = found["l"]
        for number, rows in enumerate(found["e"], self._stopped_at):
            self._edges[number] += rows
        if not found["r"]:
            return {**found, "e": [] if found["over"] else self._edges, "l": self._listings}
        hop, sources, positions, cap, size = found["r"]
        self._stopped_at += hop
        stopped = {**self._hops[self._stopped_at], "p": SOURCES_GIVEN, "xs": sources, "b": positions, "w": 0}
        further = range(self._stopped_at + 1, len(self._hops))
        known = dict.fromkeys(self.bindings["points"])
        for listing in self._listings:
            known.update(dict.fromkeys(listing["x"]))
        self.bindings |= {
            "points": [*known],
            "reached": found["w"],
            "hops": [stopped, *(self._with_known_sources(number) for number in further)],
            "listings": [],
            "cap": cap,
            "size": size,
        }
        return None

    def _with_known_sources(self, number: int) -> JsonObject:
        """Return a hop behind the one within which a response stopped.

        Its sources are given if all are known. If it begins at that hop, those known by now are given besides.
        """
        hop = self._hops[number]
        parent: int = hop["p"]
        if parent == SOURCES_GIVEN:
            return hop
        if parent < SOURCES_GIVEN:
            return {**hop, "p": SOURCES_GIVEN, "xs": (self._listings or [])[-2 - parent]["x"]}
        known = [*dict.fromkeys(self._edges[parent][1::3])]
        left = parent - self._stopped_at
        return {**hop, "p": left if left >= 0 else SOURCES_GIVEN, "xs": known}
