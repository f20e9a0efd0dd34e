"""The state of one batch: values as stored, and as its accepted items change them. No I/O."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from app.graph.commits.write_set import WriteSet
from app.graph.records.edge_record import EdgeKey
from app.graph.writing.unit.read_set import NotReadError, ReadCoverage, ReadSet
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.record import Record

MarkKey = tuple[int, str]
"""A vertex id and the native property that holds the mark."""


@dataclass(frozen=True, slots=True)
class Mark:
    """New value of a native property outside the record, such as the last day of use, in epoch milliseconds.

    The store only moves a mark forward, unless ``exact`` is set.
    """

    at: int
    exact: bool = False

    def after(self, earlier: "Mark | None") -> "Mark":
        """Return the one mark that has the effect of the earlier mark followed by this one."""
        if self.exact or earlier is None:
            return self
        return Mark(max(self.at, earlier.at), earlier.exact)


@dataclass(slots=True)
class StagedChanges:
    """Changes of one item: records by vertex id, edges by key, receipts by vertex id, and each :class:`Mark` by key."""

    vertices: dict[int, Record] = field(default_factory=dict)
    edges: dict[EdgeKey, Record] = field(default_factory=dict)
    receipts: dict[int, Record] = field(default_factory=dict)
    marks: dict[MarkKey, Mark] = field(default_factory=dict)


class WorkingSet:
    """Records and edges of a batch. Items are planned one by one; accepted changes are merged with :meth:`merge`.

    ``receipts`` are idempotency receipts by vertex id. ``coverage`` is what was read, ``missing`` what
    planning needs in addition. ``refused_ids`` are the ids that rejected items of the batch would have registered.
    """

    def __init__(
        self,
        vertices: dict[int, Record],
        edges: dict[EdgeKey, Record],
        receipts: dict[int, Record],
        coverage: ReadCoverage,
    ) -> None:
        self.vertices = dict(vertices)
        self.edges = dict(edges)
        self.receipts = dict(receipts)
        self.marks: dict[MarkKey, Mark] = {}
        self.coverage = coverage
        self.missing = ReadSet()
        self.refused_ids: set[str] = set()
        self._stored_vertices = vertices
        self._stored_edges = edges
        self._stored_receipts = receipts
        self._edges_at: dict[tuple[str, Direction, int], set[EdgeKey]] = defaultdict(set)
        self._index(edges)

    def is_stored(self, vid: int) -> bool:
        """Return whether this vertex was read from the store; a new one was not."""
        return vid in self._stored_vertices

    def require_record(self, vid: int, urn: str) -> None:
        """Raise NotReadError unless the record of this id was read or is known to be absent."""
        if vid not in self.vertices and vid not in self.coverage.records:
            self.missing.records[vid] = urn
            raise NotReadError

    def require_hop(self, direction: Direction, relation: str, vid: int) -> None:
        """Raise NotReadError unless a vertex is new, or all its edges of a relation were read, with their far ends.

        A vertex that was not read counts as new: require its record first.
        """
        key = (direction, relation, vid)
        if self.is_stored(vid) and key not in self.coverage.hops:
            self.missing.hops.add(key)
            self.missing.records[vid] = str(self.vertices[vid]["id"])
            raise NotReadError

    def require_edge(self, key: EdgeKey) -> None:
        """Raise NotReadError unless this edge was read or is known to be absent.

        An edge counts as absent if an end is new or was not read: require the records of its ends first.
        """
        if key not in self.edges and key not in self.coverage.edges and all(map(self.is_stored, key[1:])):
            self.missing.edges.add(key)
            raise NotReadError

    def request_group(self, vid: int) -> bool:
        """Request children and incoming carrying edges of a stored vertex; return False until they were read."""
        if self.is_stored(vid) and vid not in self.coverage.groups:
            self.missing.groups.add(vid)
            return False
        return True

    def vertex(self, vid: int) -> Record | None:
        """Return the record of a vertex with the changes of the batch, None if there is none or it was not read."""
        return self.vertices.get(vid)

    def edge(self, key: EdgeKey) -> Record | None:
        """Return the record of an edge with the changes of the batch, None if there is none or it was not read."""
        return self.edges.get(key)

    def edges_at(self, relation: str, direction: Direction, vid: int) -> set[EdgeKey]:
        """Return the keys of the known edges of a relation that leave (OUT) or reach (IN) a vertex."""
        return self._edges_at.get((relation, direction, vid), set())

    def stored_vertex(self, vid: int) -> Record | None:
        """Return the record of a vertex as stored, None if it was not read from the store."""
        return self._stored_vertices.get(vid)

    def stored_edge(self, key: EdgeKey) -> Record | None:
        """Return the record of an edge as stored, None if it was not read from the store."""
        return self._stored_edges.get(key)

    def add_stored(self, vid: int, record: Record) -> None:
        """Add a stored record that was read after planning."""
        if vid not in self.vertices:
            self._stored_vertices[vid] = self.vertices[vid] = record

    def merge(self, changes: StagedChanges) -> None:
        """Add the changes of an accepted item."""
        self.vertices |= changes.vertices
        self.edges |= changes.edges
        self.receipts |= changes.receipts
        self.marks |= {key: mark.after(self.marks.get(key)) for key, mark in changes.marks.items()}
        self._index(changes.edges)

    def changed(self) -> tuple[list[int], list[EdgeKey]]:
        """Return the ids of vertices and the keys of edges that are new or that the batch changed."""
        vertices = [vid for vid, record in self.vertices.items() if record is not self._stored_vertices.get(vid)]
        return vertices, [key for key, record in self.edges.items() if record is not self._stored_edges.get(key)]

    @property
    def has_writes(self) -> bool:
        """Return whether the transaction has to write records, edges or receipts; a mark comes with a record."""
        return any(self.changed()) or bool(self._changed_receipts())

    def add_writes(self, writes: WriteSet, now: int) -> Iterator[None]:
        """Add what the transaction has to write to ``writes``: one vertex, edge, mark or receipt before each yield.

        ``now`` selects the bucket of receipts, in epoch milliseconds.
        """
        vertices, edges = self.changed()
        for vid in vertices:
            writes.vertex(vid, self.vertices[vid], before=self._stored_vertices.get(vid))
            yield
        for key in edges:
            writes.edge(key, self.edges[key], kinds=self._new_edge_kinds(key))
            yield
        for (vid, name), mark in self.marks.items():
            writes.mark(vid, name, mark.at, exact=mark.exact, new=not self.is_stored(vid))
            yield
        for vid, receipt in self._changed_receipts().items():
            writes.receipt(vid, receipt, new=vid not in self._stored_receipts, now=now)
            yield

    def _changed_receipts(self) -> dict[int, Record]:
        return {vid: one for vid, one in self.receipts.items() if one is not self._stored_receipts.get(vid)}

    def _new_edge_kinds(self, key: EdgeKey) -> tuple[str, str] | None:
        """Return the kinds of both ends, as native properties of a new edge; None for a stored edge."""
        _, source, target = key
        return None if key in self._stored_edges else (self.vertices[source]["kind"], self.vertices[target]["kind"])

    def _index(self, edges: Iterable[EdgeKey] | Mapping[EdgeKey, Record]) -> None:
        for key in edges:
            relation, source, target = key
            self._edges_at[relation, Direction.OUT, source].add(key)
            self._edges_at[relation, Direction.IN, target].add(key)
