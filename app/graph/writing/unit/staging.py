"""Staging area of one item: its changes, kept apart until the whole item is accepted."""

from app.graph.records.edge_record import CORRECTED, DECLARED_BY, EdgeKey, is_current, without_links
from app.graph.records.read_time import recorded
from app.graph.records.vertex_record import time_of
from app.graph.writing.unit.apart_declarations import handed_over, with_declaration
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.lookup import Lookup
from app.graph.writing.unit.rejections import urn_collides
from app.graph.writing.unit.working_set import Mark, StagedChanges
from graphql_schema.catalog.relations import RELATIONS, Relation
from graphql_schema.ports.record import Record

_RECORDING = ("recordedAt", "recordedBy", DECLARED_BY, CORRECTED)


class Staging:
    """Stages records, edges and marks. :meth:`merge` adds them to the batch, with the receipts in ``staged``."""

    def __init__(self, lookup: Lookup, author: Author, staged: StagedChanges) -> None:
        self.staged = staged
        self._lookup = lookup
        self._author = author

    @property
    def has_changes(self) -> bool:
        """Return whether the item has staged any record or edge."""
        return bool(self.staged.vertices or self.staged.edges)

    def put(self, vid: int, record: Record) -> bool:
        """Stage a record that differs from the present one; return whether it does.

        Raises RejectedItemError if another object has this vertex id, such as one that the item itself has staged.
        """
        if self._lookup.vertex(vid) == record:
            return False
        if self._lookup.is_taken(vid, record["id"]):
            raise urn_collides(record["id"])
        self.staged.vertices[vid] = record
        return True

    def put_edge(self, key: EdgeKey, record: Record, *, anew: bool = False, recorder: str | None = None) -> bool:
        """Stage an edge if it differs from the present one, or the flag ``anew`` is set; return whether it is staged.

        ``recorder`` is who declared the edge, if it was not the caller: an edge to a hidden asset is not concealed from
        its recorder. An edge of a relation that is ordered by time gets the time of its *from* end as ``at``.
        """
        dated = RELATIONS[key[0]].by_time
        after = {**record, "at": time_of(self._lookup.known(key[1]))} if dated else record
        before, of_batch = self._lookup.edge(key), self._lookup.batch.edge(key)
        after_recorded = recorded(before, after, self._author.now)
        if not anew and before is not None and _without_recording(before) == _without_recording(after_recorded):
            return False
        stored = after_recorded if before is of_batch else recorded(of_batch, after_recorded, self._author.now)
        self.staged.edges[key] = {**stored, **self._recording(recorder)}
        return True

    def keep_edge(self, key: EdgeKey, record: Record) -> None:
        """Stage a stored edge with other values that no reader sees; its author and its instant stay."""
        self.staged.edges[key] = record

    def keep_apart(self, key: EdgeKey, known: Record | None, record: Record, *, anew: bool = False) -> bool:
        """Stage a declaration that the caller keeps apart if it differs from ``known``, the present one, or ``anew``.

        Return whether it is staged. If the stored edge ends because no other caller declares it, its recorder stays.
        """
        edge = self._lookup.edge(key) or {}
        after = recorded(known, without_links(record), self._author.now)
        if not anew and known is not None and _without_recording(known) == _without_recording(after):
            return False
        kept = with_declaration(edge, self._author.subject, {**after, **self._recording()}, self._author.now)
        if is_current(edge, self._author.now) and not is_current(kept, self._author.now):
            return self.put_edge(key, kept, recorder=edge["recordedBy"])
        self.keep_edge(key, kept)
        return True

    def hand_over(self, key: EdgeKey, heir: str, record: Record) -> None:
        """Stage the edge that the caller recorded as that of ``heir``, and ``record`` as kept apart by the caller."""
        edge, own = self._lookup.edge(key) or {}, {**record, **self._recording()}
        left = handed_over(edge, heir, own, self._author.subject, self._author.now)
        self.put_edge(key, left, anew=True, recorder=heir)

    def _recording(self, recorder: str | None = None) -> Record:
        return {"recordedAt": self._author.now, "recordedBy": recorder or self._author.subject}

    def attach(self, relation: Relation, source: int, target: int, at: int) -> None:
        """Stage an edge between an attached record and its subject, check, cause or consumer.

        ``at`` orders it if the edges of its relation are ordered by time: epoch milliseconds, or for a change a number
        that also contains the revision.
        """
        ordered = {"at": at} if relation.by_time else {}
        self.staged.edges[relation.name, source, target] = {"relation": relation.name, "validFrom": 0, **ordered}

    def mark(self, vid: int, name: str, at: int, *, exact: bool = False) -> None:
        """Stage a :class:`Mark` of the native property ``name``, which is not in the record: no revision, no audit."""
        self.staged.marks[vid, name] = Mark(at, exact).after(self.staged.marks.get((vid, name)))

    def bump_revisions(self, *also: int) -> None:
        """Increase the revision of every vertex whose record is staged, and of the vertices ``also``, by 1.

        New vertices keep their revision, and a repeated call adds nothing. A staged record that equals the one before
        the item is dropped, unless it is in ``also``.
        """
        for vid in {*self.staged.vertices, *also}:
            before, after = self._lookup.batch.vertex(vid), self._lookup.known(vid)
            if before is None:
                continue
            if before == after and vid not in also:
                del self.staged.vertices[vid]
                continue
            self.staged.vertices[vid] = {
                **after,
                "revision": before["revision"] + 1,
                "updatedAt": self._author.now,
                "updatedBy": self._author.subject,
            }

    def merge(self) -> None:
        """Add the staged changes to the batch."""
        self._lookup.batch.merge(self.staged)


def _without_recording(edge: Record) -> Record:
    return {name: value for name, value in edge.items() if name not in _RECORDING}
