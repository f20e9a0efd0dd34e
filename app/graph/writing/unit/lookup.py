"""Look-ups of one item: records and edges as the item has staged them, else as the batch has them."""

from functools import partial

from app.graph.records.edge_record import EdgeKey, is_current
from app.graph.records.merged_record import target_of
from app.graph.records.vertex_record import kind_of
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.read_set import require_all
from app.graph.writing.unit.rejections import urn_collides
from app.graph.writing.unit.working_set import StagedChanges, WorkingSet
from graphql_schema.catalog.relations import Direction, Hop
from graphql_schema.catalog.urn import parent_urn
from graphql_schema.ports.record import Record
from graphql_schema.ports.turns.sorted_parts import sorted_in_runs


class Lookup:
    """Reads the staged changes of an item first, then the working set. It ignores the policy.

    :meth:`record`, :meth:`parent` and the ``require`` methods raise NotReadError if a value was not read; it is then
    read, and the batch is planned again. The other methods only return what was read or staged. The methods that take
    URNs raise RejectedItemError as :meth:`vid` does.
    """

    def __init__(self, batch: WorkingSet, author: Author, staged: StagedChanges) -> None:
        self.batch = batch
        self._author = author
        self._staged = staged
        self._given: dict[int, str] = {}

    def vid(self, urn: str) -> int:
        """Return the vertex id of a URN; for that of a merged dataset, the one to which it leads.

        Raises RejectedItemError if the id is taken (:meth:`is_taken`).
        """
        vid = self._author.vid(urn)
        if self.is_taken(vid, urn):
            raise urn_collides(urn)
        target = target_of(self.vertex(vid))
        while target is not None:
            vid, target = target, target_of(self.vertex(target))
            self._given.setdefault(vid, urn)
        return vid

    def is_taken(self, vid: int, name: str) -> bool:
        """Return whether the store has another object than ``name`` under this id, or this transaction plans one.

        ``name`` is a URN or the name of a receipt. A caller can search for two names with equal hashes.
        """
        found = (self.vertex(vid), self._staged.receipts.get(vid), self.batch.receipts.get(vid))
        return vid in self.batch.coverage.taken or any(each is not None and each["id"] != name for each in found)

    def given_name(self, vid: int) -> str | None:
        """Return the URN of a merged dataset by which the item first named the vertex to which it leads; else None."""
        return self._given.get(vid)

    def vertex(self, vid: int) -> Record | None:
        """Return the record of a vertex, None if there is none or it was not read."""
        return self._staged.vertices.get(vid) or self.batch.vertex(vid)

    def known(self, vid: int) -> Record:
        """Return the record of a vertex that was read or staged; raises KeyError for any other."""
        return self._staged.vertices.get(vid) or self.batch.vertices[vid]

    def kind(self, vid: int) -> str:
        """Return the catalog's name of the kind of a known vertex."""
        return kind_of(self.known(vid))

    def record(self, urn: str) -> Record | None:
        """Return the record of a URN, None if there is none. It may be hidden from the caller."""
        vid = self.vid(urn)
        self.batch.require_record(vid, urn)
        return self.vertex(vid)

    def optional_record(self, urn: str | None, absent: str) -> Record | None:
        """Return the record of a URN that another record may name, None if it names none.

        The absent record ``absent`` is then read instead: a request less would disclose that no hidden record is named.
        """
        return self.record(absent if urn is None else urn)

    def parent(self, record: Record) -> Record | None:
        """Return the record of the parent in the asset group, None if there is none."""
        urn = parent_urn(record["id"]) or record["index"]["whole"]
        if not urn:
            return None
        if not self.batch.is_read(self.vid(urn), urn):
            self.batch.request_parents()
        return self.record(urn)

    def has_parent(self, record: Record, vid: int) -> bool:
        """Return whether the parent in the asset group is this vertex."""
        urn = parent_urn(record["id"]) or record["index"]["whole"]
        return bool(urn) and self.vid(urn) == vid

    def edge(self, key: EdgeKey) -> Record | None:
        """Return the record of an edge, None if there is none or it was not read."""
        return self._staged.edges.get(key) or self.batch.edge(key)

    def edges_at(self, relation: str, direction: Direction, vid: int) -> list[EdgeKey]:
        """Return the sorted keys of the known edges of a relation that leave (OUT) or reach (IN) a vertex."""
        known = self.batch.edges_at(relation, direction, vid)
        staged = self._staged.edges.at.get((relation, direction, vid))
        return sorted_in_runs(known | staged if staged else known)

    def is_current(self, key: EdgeKey) -> bool:
        """Return whether the edge was read or staged and has not ended."""
        return is_current(self.edge(key), self._author.now)

    def require_records(self, *urns: str) -> None:
        """Raise NotReadError unless the records of all URNs were read; one request then reads the missing ones."""
        require_all(partial(self.batch.require_record, self.vid(urn), urn) for urn in urns)

    def require_edges(self, *keys: EdgeKey) -> None:
        """Raise NotReadError unless all of these edges were read; one request then reads the missing ones.

        An edge at an end that is new or was not read needs no read.
        """
        require_all(partial(self.batch.require_edge, key) for key in keys)

    def require_hops(self, *hops: tuple[Hop, int]) -> None:
        """Raise NotReadError unless the edges of all hops were read; one request then reads the missing ones.

        A hop from a vertex that is new or was not read needs no read.
        """
        require_all(partial(self.batch.require_hop, hop.direction, hop.relation.name, vid) for hop, vid in hops)

    def require_current_hops(self, *hops: tuple[Hop, int]) -> None:
        """Raise NotReadError as :meth:`require_hops`, but without the need to read edges that have ended."""
        require_all(partial(self.batch.require_current_hop, hop.direction, hop.relation.name, vid) for hop, vid in hops)
