"""The one codec of a transaction: what is written, in the binding form of the text ``WRITE``.

:data:`app.graph.commits.write_statements.WRITE` documents the keys. Writers and jobs fill a :class:`WriteSet` and
submit it once.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Final

from app.graph.commits.outbox_entry import OUTBOX_ROOT, OutboxEntry, frontier_value
from app.graph.commits.write_statements import WRITE
from app.graph.driver.encoded_rows import encoded_rows
from app.graph.driver.errors import TransientConflictError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.edge_record import DECLASSIFIED, EdgeKey, native_end
from app.graph.records.inferred_edge import LABEL, THROUGH, is_inferred, through
from app.graph.records.log_entry import Lease, LogEntry
from app.graph.records.native.vertex_values import native_values
from app.graph.records.native.write_cost import EDGE_COST, written
from app.graph.records.receipt_record import BUCKET_ROOT, bucket_of, part_end, part_of
from app.graph.records.record_text import text_of
from app.graph.records.touched import Touched
from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.ports.record import JsonObject, Record

Binding = JsonObject
"""One row of a binding of ``WRITE``, by key."""

LARGE_SET: Final = 256 * 1024
"""Number of characters of records above which the rows of a transaction are encoded in turns of the event loop."""

MANY_ROWS: Final = 1_000
"""Number of rows above which they are encoded so; that many take about a millisecond."""

_ROWS: Final = ("vertices", "edges", "marks", "notes", "receipts")
"""The bindings of ``WRITE`` that have rows."""

_NO_RECEIPTS: Final[Binding] = {"shelf": 0, "bucket": 0, "shelves": BUCKET_ROOT, "shelved": 0}


class WriteSet:
    """Collects the writes of one transaction, which :meth:`submit` sends. An empty set is false.

    ``characters`` is the number of characters in the records of its vertices and edges. The terms of the index that
    follow from the lists of a vertex, such as its properties, count too. ``cost`` is what it takes the store to write
    records with their texts, and edges (:mod:`app.graph.records.native.write_cost`).
    """

    def __init__(self) -> None:
        self.characters = self.cost = 0
        self._referenced: set[int] = set()
        self._new: set[int] = set()
        self._tenants: set[str] = set()
        self._vertices: list[Binding] = []
        self._edges: list[Binding] = []
        self._marks: list[Binding] = []
        self._entries: list[Binding] = []
        self._receipts: list[Binding] = []
        self._announced: list[int] = []
        self._gone: list[int] = []
        self._expired: list[int] = []
        self._left: list[int] = []
        self._vids: set[int] = set()
        self._keys: set[EdgeKey] = set()
        self._lease: Lease | None = None
        self._wait: int | None = None
        self._callers: set[tuple[str, str]] = set()
        self._bucket = _NO_RECEIPTS

    def __bool__(self) -> bool:
        rows = (
            self._vertices
            or self._edges
            or self._marks
            or self._entries
            or self._receipts
            or self._gone
            or self._expired
            or self._left
        )
        return bool(rows or self._lease or self._wait is not None)

    def vertex(self, vid: int, after: Record, *, before: Record | None) -> None:
        """Add a vertex. ``before`` is its stored record, None for a new vertex.

        All native properties of a new vertex are written, and those of a stored one that differ.
        """
        values, sets = native_values(after, before)
        text = values.get("record", "")
        self.cost += written(after, before, len(text.encode())).cost
        self.characters += len(text) + sum(map(len, chain.from_iterable(sets.values())))
        (self._new if before is None else self._referenced).add(vid)
        self._vids.add(vid)
        self._tenants.add(after["tenant"])
        label = KIND_OF_CODE[after["kind"]].name
        self._vertices.append({"x": vid, "k": label, "fresh": before is None, "p": values, "s": sets})

    def edge(self, key: EdgeKey, after: Record, *, kinds: tuple[str, str] | None) -> None:
        """Add an edge. ``kinds`` are the kind codes of *from* and *to* end for a new edge, None for a stored one."""
        relation, source, target = key
        record = text_of(after)
        self.characters += len(record)
        self.cost += EDGE_COST
        native: Binding = {"validFrom": after["validFrom"], "validTo": native_end(after), "record": record}
        if is_inferred(after):
            relation, native[THROUGH] = LABEL[relation], through(after)
        else:
            native["declassified"] = bool(after.get(DECLASSIFIED))
        if "at" in after:  # of a relation whose edges are read in the order of time
            native["at"] = after["at"]
        if kinds is not None:
            native["fromKind"], native["toKind"] = kinds
        self._referenced |= {source, target}
        self._keys.add((relation, source, target))
        self._edges.append({"l": relation, "o": source, "i": target, "fresh": kinds is not None, "p": native})

    def mark(self, vid: int, name: str, at: int, *, exact: bool, new: bool) -> None:
        """Add a mark: the native property ``name`` moves forward to ``at``, or is set to it if ``exact``.

        ``at`` is in epoch milliseconds. ``new``, a flag: this transaction creates the vertex.
        """
        (self._new if new else self._referenced).add(vid)
        self._vids.add(vid)
        self._marks.append({"x": vid, "k": name, "at": at, "exact": exact})

    def receipt(self, vid: int, receipt: Record, *, new: bool, now: int) -> None:
        """Add an idempotency receipt, for the part of ``now`` (epoch milliseconds) of an hourly bucket.

        ``new``, a flag: no receipt is stored under this vertex id.
        """
        self._vids.add(vid)
        self._bucket = {**_NO_RECEIPTS, "shelf": part_of(now), "bucket": bucket_of(now), "shelved": part_end(now)}
        self._receipts.append({"x": vid, "fresh": new, "at": receipt["at"], "record": text_of(receipt)})

    def outbox(self, entries: Iterable[OutboxEntry]) -> None:
        """Add new outbox entries, and the deletion of the stored ones that they replace."""
        for entry in entries:
            self._entries.append(entry.binding())
            self.delete_entries(entry.replaces)

    def extend_frontier(self, entry: OutboxEntry, further: Iterable[int]) -> None:
        """Add an extension of the frontier of a stored outbox entry by ``further`` vertices."""
        self._entries.append({"x": entry.x, "fresh": False, "p": {}, "f": frontier_value(further)})

    def update_entry(self, entry: OutboxEntry) -> None:
        """Add the present values of a stored outbox entry, without its frontier."""
        self._entries.append({**entry.binding(), "fresh": False, "f": []})

    def announce_entry(self, entry: OutboxEntry) -> None:
        """Add the present values of a stored outbox entry, as :meth:`update_entry`; other processes learn them."""
        self.update_entry(entry)
        self._announced.append(entry.x)

    def delete_entries(self, entries: Iterable[OutboxEntry]) -> None:
        """Add the deletion of stored outbox entries."""
        self._gone += [entry.x for entry in entries]

    def delete_receipts(self, vids: Iterable[int]) -> None:
        """Add the deletion of stored receipts and of their buckets, by vertex id."""
        gone = [*vids]
        self._expired += gone
        self._vids.update(gone)

    def take_from_bucket(self, bucket: int, vids: Iterable[int]) -> None:
        """Add that receipts leave a bucket, or a part of one, and stay in others, by vertex id.

        No transaction has receipts that leave a bucket and receipts that are added.
        """
        self._left += vids
        self._bucket = {**_NO_RECEIPTS, "shelf": bucket}

    def delete_attached(self, vid: int, tenant: str, relation: str, subject: int) -> None:
        """Add the deletion of an attached record of a tenant, with its edge of a relation to its subject."""
        self._expired.append(vid)
        self._vids.add(vid)
        self._tenants.add(tenant)
        self._keys.add((relation, vid, subject))

    def take_lease(self, lease: Lease) -> None:
        """Add a job lease, which other processes learn from the write log; it needs a client with a write log."""
        self._lease = lease

    def let_others_wait(self, milliseconds: int) -> None:
        """Add that other processes wait for the next transaction of this one, or with 0 that none waits any more.

        It needs a client with a write log.
        """
        self._wait = milliseconds

    def written_by(self, callers: Iterable[tuple[str, str]]) -> None:
        """Add callers, by tenant and subject, for whom callers of large items wait also in other processes."""
        self._callers.update(callers)

    def bindings(self) -> Mapping[str, object]:
        """Return all bindings of the text ``WRITE``, with ``turn`` None, as for the only process that writes."""
        return {
            "stored": sorted(self._referenced - self._new),
            "vertices": self._vertices,
            "edges": self._edges,
            "marks": self._marks,
            "notes": self._entries,
            "top": OUTBOX_ROOT,
            "receipts": self._receipts,
            **self._bucket,
            "left": self._left,
            "gone": [*self._gone, *self._expired],
            "turn": None,
        }

    def touched(self) -> Touched:
        """Return what the transaction touches; its outbox entries do not count, because no query reads them."""
        tenants = None if self._marks and not self._tenants else frozenset(self._tenants)
        return Touched.of_edges(frozenset(self._vids), frozenset(self._keys), tenants)

    def log_entry(self, touched: Touched) -> LogEntry:
        """Return the entry of the write log, without what the log adds, for a transaction that touches ``touched``."""
        added = (*(each["x"] for each in self._entries if each["fresh"]), *self._announced)
        by = tuple(sorted(self._callers))
        return LogEntry(
            touched=touched, added=added, deleted=tuple(self._gone), lease=self._lease, wait=self._wait or 0, by=by
        )

    async def submit(self, client: GremlinClient) -> None:
        """Write everything that was added as one transaction; send no request if nothing was.

        Raises LostTurnError, with nothing written, if another process has written since the begin of the plan, or if
        a new epoch has begun. One that writes through another server of the store may hold a lock instead.
        """
        if not self:
            return
        bindings = await self._encoded_bindings()
        touched, log, epoch = self.touched(), client.write_order, client.write_epoch
        turn: JsonObject | None = None
        if log is not None:
            turn = log.turn(self.log_entry(touched))
        elif epoch is not None:
            turn = epoch.turn()
        try:
            rows = await client.submit(WRITE, {**bindings, "turn": turn}, writes=touched)
        except TransientConflictError:
            if log is None:
                raise
            rows = [-1]
        finally:
            if log is not None:
                log.no_longer_sent()
        order = log or epoch
        if order is not None:
            order.end_turn(written=rows[0] >= 0)

    async def _encoded_bindings(self) -> Mapping[str, object]:
        """Return the bindings; the rows of a large set are encoded, in turns."""
        bindings = self.bindings()
        lists = (self._vertices, self._edges, self._marks, self._entries, self._receipts)
        if self.characters <= LARGE_SET and sum(map(len, lists)) <= MANY_ROWS:
            return bindings
        return {**bindings, **{name: await encoded_rows(rows) for name, rows in zip(_ROWS, lists, strict=True)}}
