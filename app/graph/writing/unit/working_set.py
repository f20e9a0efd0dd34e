"""The state of one transaction: values as stored, and as the accepted items of its batches change them. No I/O."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from app.graph.commits.write_set import WriteSet
from app.graph.records.edge_record import EdgeKey
from app.graph.records.merged_record import MERGED_INTO, last_target
from app.graph.records.native.write_cost import rewrite_size
from app.graph.records.record_text import BriefRecord
from app.graph.writing.unit.read_set import NotReadError, ReadCoverage, ReadSet
from app.graph.writing.unit.tracked_values import TrackedValues, TrackedWrites
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.record import Record
from graphql_schema.ports.turns.gradual_release import RELEASE
from graphql_schema.rules.index_terms import PROSE, has_new_prose

LONG_TEXT: Final = 1_000
"""Number of characters above which the words of a text are found in the side thread; that many take up to 2 ms."""

LONG_STATE: Final = 1_000
"""Number of records and edges above which work on all of them belongs in the side thread; those take 10 ms."""

LONG_CHANGE: Final = 500
"""Number of entries of a change above which its text is made in the side thread; those take 5 ms."""

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


class StagedEdges(dict[EdgeKey, Record]):
    """Edges by key, set by item assignment and never removed.

    ``at`` has the keys by relation, direction and vertex of an end.
    """

    def __init__(self, edges: Mapping[EdgeKey, Record] = MappingProxyType({})) -> None:
        super().__init__()
        self.at: dict[tuple[str, Direction, int], set[EdgeKey]] = defaultdict(set)
        for key, edge in edges.items():
            self[key] = edge

    def __setitem__(self, key: EdgeKey, edge: Record) -> None:
        super().__setitem__(key, edge)
        for place in _places(key):
            self.at[place].add(key)


@dataclass(slots=True)
class StagedChanges:
    """Changes of one item: records by vertex id, edges by key, receipts by vertex id, and each :class:`Mark` by key."""

    vertices: dict[int, Record] = field(default_factory=dict)
    edges: StagedEdges = field(default_factory=StagedEdges)
    receipts: dict[int, Record] = field(default_factory=dict)
    marks: dict[MarkKey, Mark] = field(default_factory=dict)


def _unread(_vid: int) -> None:
    """Return None: the children of a parent were not read."""


class WorkingSet:
    """Records and edges of a transaction, for the batches that it writes, one after the other.

    :meth:`begin` starts a batch. Its items are planned one by one, and accepted changes are merged with :meth:`merge`.
    What earlier batches have planned counts as existing before the current one, which :meth:`undo` takes back.

    ``receipts`` are idempotency receipts by vertex id. ``coverage`` is what was read, ``missing`` what
    planning needs in addition. ``merged`` has the vertex ids of stored merged datasets by URN. ``refused_ids`` are the
    ids that rejected items of the batch would have registered. ``added_size`` is the size of the records that
    :meth:`add_stored` has added, for any batch. ``searches`` are those that items have begun and that need reads: each
    continues over a later working set, and returns whether it needs further ones. ``children_of`` returns what the call
    of the current batch has read of the many children of a parent, None without, and ``unread_parents`` are those of
    which it needs them. ``written`` is what it takes the store to write the changes so far.
    """

    def __init__(
        self,
        vertices: dict[int, Record],
        edges: dict[EdgeKey, Record],
        receipts: dict[int, Record],
        coverage: ReadCoverage,
        missing: ReadSet | None = None,
    ) -> None:
        self._vertices = TrackedValues(vertices)
        self._edges = TrackedValues(edges)
        self._receipts = TrackedValues(receipts)
        self._marks: TrackedValues[MarkKey, Mark] = TrackedValues({})
        self.written = TrackedWrites()
        self.coverage = coverage
        self.missing = ReadSet() if missing is None else missing
        self.merged = {str(record["id"]): vid for vid, record in vertices.items() if MERGED_INTO in record}
        self.refused_ids: set[str] = set()
        self.added_size = 0
        self.searches: list[Callable[[WorkingSet], bool]] = []
        self.children_of: Callable[[int], Sequence[Record] | None] = _unread
        self.unread_parents: set[int] = set()
        self._has_requested_parents = False
        self._edges_at: dict[tuple[str, Direction, int], set[EdgeKey]] = defaultdict(set)
        self._index(edges)

    @property
    def vertices(self) -> dict[int, Record]:
        """Return the records by vertex id, with the changes of all batches so far; read only."""
        return self._vertices.present

    @property
    def edges(self) -> dict[EdgeKey, Record]:
        """Return the records of edges by key, with the changes of all batches so far; read only."""
        return self._edges.present

    @property
    def receipts(self) -> dict[int, Record]:
        """Return the receipts by vertex id, with those of all batches so far; read only."""
        return self._receipts.present

    @property
    def marks(self) -> dict[MarkKey, Mark]:
        """Return the marks of all batches so far by key; read only."""
        return self._marks.present

    @property
    def is_long(self) -> bool:
        """Whether there are so many records and edges that work on all of them belongs in the side thread."""
        return len(self.vertices) + len(self.edges) > LONG_STATE

    def free_in_turns(self, *others: object) -> None:
        """Free a long state and others in turns; the caller removes its own references, and uses none of them again."""
        if self.is_long:
            RELEASE.free([self, *others])

    @property
    def batch_is_long(self) -> bool:
        """The same of what the current batch has changed."""
        return len(self.written.before) > LONG_STATE

    def begin(self, children_of: Callable[[int], Sequence[Record] | None] = _unread) -> None:
        """Begin the next batch."""
        self.refused_ids, self.children_of, self.unread_parents = set(), children_of, set()
        for values in (self._vertices, self._edges, self._receipts, self._marks, self.written):
            values.begin()

    def undo(self) -> None:
        """Take the changes of the current batch back."""
        for key in self._edges.undo():
            for place in _places(key):
                self._edges_at[place].discard(key)
        self._vertices.undo()
        self._receipts.undo()
        self._marks.undo()
        self.written.undo()

    def existed(self, vid: int) -> bool:
        """Return whether this vertex existed before the current batch, as far as it was read."""
        return self._vertices.value_before(vid) is not None

    def vertex_before(self, vid: int) -> Record | None:
        """Return the record of a vertex before the current batch, None if there was none or it was not read."""
        return self._vertices.value_before(vid)

    def edge_before(self, key: EdgeKey) -> Record | None:
        """Return the record of an edge before the current batch, None if there was none or it was not read."""
        return self._edges.value_before(key)

    def stored_edge(self, key: EdgeKey) -> Record | None:
        """Return the record of an edge as the store has it, None if the edge is absent there or was not read."""
        return self._edges.stored(key)

    def require_record(self, vid: int, urn: str) -> None:
        """Raise NotReadError unless the record of this URN was read or is known to be absent."""
        if not self.is_read(vid, urn):
            self.missing.records.add(urn)
            raise NotReadError

    def is_read(self, vid: int, urn: str) -> bool:
        """Return whether the record of this URN was read or is known to be absent."""
        return vid in self.vertices or urn in self.coverage.records

    def request_parents(self) -> None:
        """Request the parents in whose index records are, once one of them is missing: an item may need all of them.

        The id of a version names its parent, which is read with it.
        """
        if not self._has_requested_parents:
            self._has_requested_parents = True
            parents = {record["index"]["whole"] for record in self.vertices.values() if record.get("index")}
            self.missing.ends |= parents - {""}

    def require_hop(self, direction: Direction, relation: str, vid: int) -> None:
        """Raise NotReadError unless a vertex is new, or all its edges of a relation were read, with their far ends.

        A vertex that was not read counts as new: require its record first.
        """
        if not self.request_hop(direction, relation, vid):
            raise NotReadError

    def require_current_hop(self, direction: Direction, relation: str, vid: int) -> None:
        """Raise NotReadError as :meth:`require_hop`, but without the need to read edges that have ended."""
        key = (direction, relation, vid)
        if self._is_stored(vid) and not (key in self.coverage.hops or key in self.coverage.current_hops):
            self.missing.current_hops.add(key)
            self.missing.ends.add(str(self.vertices[vid]["id"]))
            raise NotReadError

    def request_hop(self, direction: Direction, relation: str, vid: int) -> bool:
        """Request all edges of a relation at a stored vertex, with their far ends; return whether they were read.

        A vertex that is not stored has none to read: return True.
        """
        key = (direction, relation, vid)
        if self._is_stored(vid) and key not in self.coverage.hops:
            self.missing.hops.add(key)
            self.missing.ends.add(str(self.vertices[vid]["id"]))
            return False
        return True

    def require_edge(self, key: EdgeKey) -> None:
        """Raise NotReadError unless this edge was read or is known to be absent.

        An edge counts as absent if an end is new or was not read: require the records of its ends first. These are read
        again with it, because a single edge is read between two vertices that the request names.
        """
        if key not in self.edges and key not in self.coverage.edges and all(map(self._is_stored, key[1:])):
            self.missing.edges.add(key)
            self.missing.ends |= {str(self.vertices[vid]["id"]) for vid in key[1:]}
            raise NotReadError

    def request_group(self, vid: int) -> bool:
        """Request children and incoming carrying edges of a stored vertex; return whether they were read.

        A vertex that is not stored has none to read: return True.
        """
        if self._is_stored(vid) and vid not in self.coverage.groups:
            self.missing.groups.add(vid)
            return False
        return True

    def request_children(self, direction: Direction, relation: str, vid: int) -> bool:
        """Request the children of a parent, to which the hop leads; return whether all of them are known.

        They are not if they were not read, or are many. A parent that is not stored has only those of this transaction.
        """
        key = (direction, relation, vid)
        if not self._is_stored(vid) or key in self.coverage.children:
            return True
        if key not in self.coverage.many_children:
            self.missing.children.add(key)
        return False

    def many_children(self, vid: int) -> Sequence[Record]:
        """Return the values of the many children of a parent, equal ones once; raise NotReadError if not read."""
        children = self.children_of(vid)
        if children is None:
            self.unread_parents.add(vid)
            raise NotReadError
        return children

    def vertex(self, vid: int) -> Record | None:
        """Return the record of a vertex with the changes so far, None if there is none or it was not read."""
        return self.vertices.get(vid)

    def led_to(self, vid: int) -> int:
        """Return the vertex to which the pointers of merged datasets lead: ``vid`` itself without one."""
        return last_target(vid, self.vertices)

    def edge(self, key: EdgeKey) -> Record | None:
        """Return the record of an edge with the changes so far, None if there is none or it was not read."""
        return self.edges.get(key)

    def edges_at(self, relation: str, direction: Direction, vid: int) -> set[EdgeKey]:
        """Return the keys of the known edges of a relation that leave (OUT) or reach (IN) a vertex."""
        return self._edges_at.get((relation, direction, vid), set())

    def add_stored(self, vid: int, record: Record) -> None:
        """Add a stored record that was read after planning, unless the vertex is known."""
        if vid not in self.vertices:
            self._vertices.add_stored(vid, record)
            self.added_size += rewrite_size(record)

    def replace(self, vid: int, record: Record) -> None:
        """Replace the record of a known vertex, as an effect of the current batch.

        Raises NotReadError if the stored one was not read completely.
        """
        self._require_complete([vid])
        self._vertices.put({vid: record})
        self._count([vid], {})

    def merge(self, changes: StagedChanges) -> None:
        """Add the changes of an accepted item.

        Raises NotReadError if a stored record that is replaced, or whose vertex is marked, was not read completely.
        """
        self._require_complete([*changes.vertices, *(vid for vid, _ in changes.marks)])
        self._vertices.put(changes.vertices)
        self._edges.put(changes.edges)
        self._receipts.put(changes.receipts)
        self._marks.put({key: mark.after(self.marks.get(key)) for key, mark in changes.marks.items()})
        self._index(changes.edges)
        self._count({*changes.vertices, *(vid for vid, _ in changes.marks)}, changes.edges)

    def changed(self) -> tuple[list[int], list[EdgeKey]]:
        """Return the ids of vertices and the keys of edges that the current batch has added or changed."""
        return self._vertices.changed(), self._edges.changed()

    @property
    def batch_writes(self) -> bool:
        """Whether the current batch has changed records, edges or receipts; a mark comes with a record."""
        return bool(self._vertices.changed() or self._edges.changed() or self._receipts.changed())

    @property
    def has_writes(self) -> bool:
        """Whether the transaction has to write records, edges or receipts, of any batch."""
        return bool(self._vertices.unwritten() or self._edges.unwritten() or self._receipts.unwritten())

    @property
    def has_long_texts(self) -> bool:
        """Whether the text of a record to write takes milliseconds to make.

        It has a long description that is new, or it is a change with many entries.
        """
        return any(
            (len(after.get(PROSE) or "") > LONG_TEXT and has_new_prose(after, self._vertices.stored(vid)))
            or len(after.get("fields") or ()) > LONG_CHANGE
            for vid, after in self._vertices.unwritten().items()
        )

    def add_writes(self, writes: WriteSet, now: int) -> Iterator[None]:
        """Add what the transaction has to write to ``writes``: one vertex, edge, mark or receipt before each yield.

        ``now`` selects the bucket of receipts, in epoch milliseconds.
        """
        for vid, record in self._vertices.unwritten().items():
            writes.vertex(vid, record, before=self._vertices.stored(vid))
            yield
        for key, edge in self._edges.unwritten().items():
            writes.edge(key, edge, kinds=self._new_edge_kinds(key))
            yield
        for (vid, name), mark in self.marks.items():
            writes.mark(vid, name, mark.at, exact=mark.exact, new=not self._is_stored(vid))
            yield
        for vid, receipt in self._receipts.unwritten().items():
            writes.receipt(vid, receipt, new=self._receipts.stored(vid) is None, now=now)
            yield

    def _is_stored(self, vid: int) -> bool:
        return self._vertices.stored(vid) is not None

    def _require_complete(self, vids: Iterable[int]) -> None:
        if any(isinstance(self._vertices.stored(vid), BriefRecord) for vid in vids):
            self.missing.require_complete()

    def _count(self, vids: Iterable[int], edges: Mapping[EdgeKey, Record]) -> None:
        """Count what it takes to write some vertices and edges, as they are now."""
        for vid in vids:
            self.written.count_record(vid, self.vertices[vid], self._vertices.stored(vid))
        self.written.count_edges(edges)

    def _new_edge_kinds(self, key: EdgeKey) -> tuple[str, str] | None:
        """Return the kinds of both ends, as native properties of a new edge; None for a stored edge."""
        _, source, target = key
        is_new = self._edges.stored(key) is None
        return (self.vertices[source]["kind"], self.vertices[target]["kind"]) if is_new else None

    def _index(self, edges: Iterable[EdgeKey]) -> None:
        for key in edges:
            for place in _places(key):
                self._edges_at[place].add(key)


def _places(key: EdgeKey) -> tuple[tuple[str, Direction, int], tuple[str, Direction, int]]:
    """Return the ends of an edge as places of the index of edges."""
    relation, source, target = key
    return (relation, Direction.OUT, source), (relation, Direction.IN, target)
