"""What is stored, as far as a batch touches it, and what its items have made of it so far: values only, no requests."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.graph.ids import vertex_id
from app.graph.sensitivity.fences import FenceView
from app.graph.writing.edges import CLAIM, DECLASSIFIED, Key, ends
from app.graph.writing.vertices import Record, natives
from graphql_schema.catalog import KIND_OF_CODE, Direction
from policies.attributes import PolicyAttributes
from policies.decision import Decision

NO_FENCES: Final = FenceView("")
"""The view of nobody, in which nothing stands."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes, when (epoch milliseconds), and what the policy lets that caller do and know of.

    ``fences`` say what is judged as stricter than it is stored, ``stops`` the kinds at which sensitivity stops.
    """

    tenant: str
    subject: str
    now: int
    may: Callable[[str, PolicyAttributes], Decision]
    knows: Callable[[PolicyAttributes], bool]
    fences: FenceView = NO_FENCES
    stops: frozenset[str] = frozenset()

    def vid(self, urn: str) -> int:
        """The vertex id of a URN."""
        return vertex_id(self.tenant, urn)


class State:
    """Vertices and edges by id: as stored, and as they are to become. Drafts are adopted one by one.

    ``taken`` holds ids under which the store keeps something else, ``complete`` those around which all was read that
    may be needed, and ``wants`` those around which more turns out to be needed.
    """

    def __init__(
        self, vertices: dict[int, Record], edges: dict[Key, Record], taken: Iterable[int], complete: Iterable[int]
    ) -> None:
        self.vertices = dict(vertices)
        self.edges: dict[Key, Record] = {}
        self.taken = frozenset(taken)
        self.complete = frozenset(complete)
        self.wants: set[int] = set()
        self._stored_vertices = vertices
        self._stored_edges = edges
        self._at: dict[tuple[str, Direction, int], set[Key]] = defaultdict(set)
        self.adopt({}, edges)

    def stored(self, vid: int) -> bool:
        """Whether the store has this vertex already."""
        return vid in self._stored_vertices

    def vertex(self, vid: int) -> Record | None:
        """The vertex as it is to become, where it is known."""
        return self.vertices.get(vid)

    def edge(self, key: Key) -> Record | None:
        """The edge as it is to become, where it is known."""
        return self.edges.get(key)

    def was(self, vid: int) -> Record | None:
        """The vertex as it is stored."""
        return self._stored_vertices.get(vid)

    def was_edge(self, key: Key) -> Record | None:
        """The edge as it is stored."""
        return self._stored_edges.get(key)

    def meet(self, vid: int, record: Record) -> None:
        """Take in a stored vertex that was read later."""
        if vid not in self.vertices:
            self._stored_vertices[vid] = self.vertices[vid] = record

    def changed(self) -> tuple[list[int], list[Key]]:
        """The vertices and edges that are new or differ from what is stored."""
        vertices = [vid for vid, record in self.vertices.items() if record is not self._stored_vertices.get(vid)]
        return vertices, [key for key, record in self.edges.items() if record is not self._stored_edges.get(key)]

    def at(self, relation: str, direction: Direction, vid: int) -> set[Key]:
        """The known edges of a relation that leave (OUT) or reach (IN) a vertex."""
        return self._at.get((relation, direction, vid), set())

    def adopt(self, vertices: dict[int, Record], edges: dict[Key, Record]) -> None:
        """Take over what an item made."""
        self.vertices |= vertices
        self.edges |= edges
        for key in edges:
            relation, source, target = key
            self._at[relation, Direction.OUT, source].add(key)
            self._at[relation, Direction.IN, target].add(key)

    def writes(self) -> dict[str, list[Any]] | None:
        """The bindings of the write; None when everything is stored just so."""
        vertices, edges = self.changed()
        if not vertices and not edges:
            return None
        met = {*vertices} | {vid for _, *both in edges for vid in both}
        fresh = {vid for vid in met if vid in self.vertices and not self.stored(vid)}
        return {
            "stored": sorted(met - fresh),
            "vertices": [self._vertex(vid, self.vertices[vid]) for vid in vertices],
            "edges": [self._edge(key, self.edges[key]) for key in edges],
        }

    def _vertex(self, vid: int, record: Record) -> dict[str, Any]:
        values, sets = natives(record)
        before = self._stored_vertices.get(vid)
        if before is not None:
            known_values, known_sets = natives(before)
            values = {key: value for key, value in values.items() if value != known_values[key]}
            sets = {key: value for key, value in sets.items() if value != known_sets[key]}
        return {"x": vid, "k": KIND_OF_CODE[record["kind"]].name, "fresh": before is None, "p": values, "s": sets}

    def _edge(self, key: Key, record: Record) -> dict[str, Any]:
        relation, source, target = key
        fresh = key not in self._stored_edges
        values = {
            "validFrom": record["validFrom"],
            "validTo": record["validFrom"] if record.get(CLAIM) else ends(record),
            "declassified": bool(record.get(DECLASSIFIED)),
            "record": orjson.dumps(record).decode(),
        }
        if "at" in record:
            values["at"] = record["at"]
        if fresh:
            values |= {"fromKind": self.vertices[source]["kind"], "toKind": self.vertices[target]["kind"]}
        return {"l": relation, "o": source, "i": target, "fresh": fresh, "p": values}
