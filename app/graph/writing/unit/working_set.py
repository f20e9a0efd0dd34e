"""What is stored, as far as a batch touches it, and what its items have made of it so far: values only, no requests."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import orjson

from app.graph.records.edge_record import DECLASSIFIED, UNCONFIRMED, EdgeKey, ends
from app.graph.records.vertex_record import Record, native_values
from app.graph.writing.unit.read_set import NotReadError, Read, ReadSet
from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.catalog.relations import Direction

NO_RECEIPTS: Final[Mapping[int, Record]] = MappingProxyType({})


MarkKey = tuple[int, str]
"""A vertex and the native value of it that is no part of its record."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a native value moves: on to an instant, or to it whatever stood there (``exact``)."""

    at: int
    exact: bool = False

    def after(self, before: "Mark | None") -> "Mark":
        """What two moves of one value come to."""
        if self.exact or before is None:
            return self
        return Mark(max(self.at, before.at), before.exact)


NO_MARKS: Final[Mapping[MarkKey, Mark]] = MappingProxyType({})


class WorkingSet:
    """Vertices and edges by id: as stored, and as they are to become. Drafts are adopted one by one.

    ``receipts`` are of idempotency keys, by vertex id. ``wants`` is what turns out to be needed beside what was read.
    """

    def __init__(
        self, vertices: dict[int, Record], edges: dict[EdgeKey, Record], receipts: dict[int, Record], read: Read
    ) -> None:
        self.vertices = dict(vertices)
        self.edges: dict[EdgeKey, Record] = {}
        self.receipts = dict(receipts)
        self.marks: dict[MarkKey, Mark] = {}
        self.read = read
        self.wants = ReadSet()
        self._stored_vertices = vertices
        self._stored_edges = edges
        self._stored_receipts = receipts
        self._at: dict[tuple[str, Direction, int], set[EdgeKey]] = defaultdict(set)
        self.adopt({}, edges)

    def stored(self, vid: int) -> bool:
        """Whether the store has this vertex already."""
        return vid in self._stored_vertices

    def need_point(self, vid: int, urn: str) -> None:
        """Raise NotReadError unless it is known what stands at an id."""
        if vid not in self.vertices and vid not in self.read.points:
            self.wants.points[vid] = urn
            raise NotReadError

    def need_hop(self, direction: Direction, relation: str, vid: int) -> None:
        """Raise NotReadError unless all edges of a relation at a vertex are known, with their far ends."""
        key = (direction, relation, vid)
        if self.stored(vid) and key not in self.read.hops:
            self.wants.hops.add(key)
            self.wants.points[vid] = str(self.vertices[vid]["id"])
            raise NotReadError

    def need_pair(self, key: EdgeKey) -> None:
        """Raise NotReadError unless it is known whether an edge joins two vertices."""
        if key not in self.edges and key not in self.read.pairs and all(map(self.stored, key[1:])):
            self.wants.pairs.add(key)
            raise NotReadError

    def vertex(self, vid: int) -> Record | None:
        """The vertex as it is to become, where it is known."""
        return self.vertices.get(vid)

    def edge(self, key: EdgeKey) -> Record | None:
        """The edge as it is to become, where it is known."""
        return self.edges.get(key)

    def was(self, vid: int) -> Record | None:
        """The vertex as it is stored."""
        return self._stored_vertices.get(vid)

    def was_edge(self, key: EdgeKey) -> Record | None:
        """The edge as it is stored."""
        return self._stored_edges.get(key)

    def meet(self, vid: int, record: Record) -> None:
        """Take in a stored vertex that was read later."""
        if vid not in self.vertices:
            self._stored_vertices[vid] = self.vertices[vid] = record

    def changed(self) -> tuple[list[int], list[EdgeKey]]:
        """The vertices and edges that are new or differ from what is stored."""
        vertices = [vid for vid, record in self.vertices.items() if record is not self._stored_vertices.get(vid)]
        return vertices, [key for key, record in self.edges.items() if record is not self._stored_edges.get(key)]

    def at(self, relation: str, direction: Direction, vid: int) -> set[EdgeKey]:
        """The known edges of a relation that leave (OUT) or reach (IN) a vertex."""
        return self._at.get((relation, direction, vid), set())

    def adopt(
        self,
        vertices: dict[int, Record],
        edges: dict[EdgeKey, Record],
        receipts: Mapping[int, Record] = NO_RECEIPTS,
        marks: Mapping[MarkKey, Mark] = NO_MARKS,
    ) -> None:
        """Take over what an item made."""
        self.vertices |= vertices
        self.receipts |= receipts
        self.marks |= {key: mark.after(self.marks.get(key)) for key, mark in marks.items()}
        self.edges |= edges
        for key in edges:
            relation, source, target = key
            self._at[relation, Direction.OUT, source].add(key)
            self._at[relation, Direction.IN, target].add(key)

    def writes(self) -> dict[str, list[Any]] | None:
        """The bindings of the write; None when everything is stored just so."""
        vertices, edges = self.changed()
        receipts = [vid for vid, record in self.receipts.items() if record is not self._stored_receipts.get(vid)]
        if not vertices and not edges and not receipts:
            return None
        met = {*vertices} | {vid for _, *both in edges for vid in both} | {vid for vid, _ in self.marks}
        fresh = {vid for vid in met if vid in self.vertices and not self.stored(vid)}
        return {
            "stored": sorted(met - fresh),
            "vertices": [self._vertex(vid, self.vertices[vid]) for vid in vertices],
            "edges": [self._edge(key, self.edges[key]) for key in edges],
            "marks": [{"x": vid, "k": k, "at": mark.at, "exact": mark.exact} for (vid, k), mark in self.marks.items()],
            "receipts": [self._receipt(vid, self.receipts[vid]) for vid in receipts],
        }

    def _receipt(self, vid: int, record: Record) -> dict[str, Any]:
        fresh = vid not in self._stored_receipts
        return {"x": vid, "fresh": fresh, "at": record["at"], "record": orjson.dumps(record).decode()}

    def _vertex(self, vid: int, record: Record) -> dict[str, Any]:
        values, sets = native_values(record)
        before = self._stored_vertices.get(vid)
        if before is not None:
            known_values, known_sets = native_values(before)
            values = {key: value for key, value in values.items() if value != known_values[key]}
            sets = {key: value for key, value in sets.items() if value != known_sets[key]}
        return {"x": vid, "k": KIND_OF_CODE[record["kind"]].name, "fresh": before is None, "p": values, "s": sets}

    def _edge(self, key: EdgeKey, record: Record) -> dict[str, Any]:
        relation, source, target = key
        fresh = key not in self._stored_edges
        values = {
            "validFrom": record["validFrom"],
            "validTo": record["validFrom"] if record.get(UNCONFIRMED) else ends(record),
            "declassified": bool(record.get(DECLASSIFIED)),
            "record": orjson.dumps(record).decode(),
        }
        if "at" in record:  # of a relation that is read in the order of time
            values["at"] = record["at"]
        if fresh:
            values |= {"fromKind": self.vertices[source]["kind"], "toKind": self.vertices[target]["kind"]}
        return {"l": relation, "o": source, "i": target, "fresh": fresh, "p": values}
