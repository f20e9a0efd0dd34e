"""The graph cache of a process: records, edges and listings that were read and have not been written since.

It has stored values and no caller's view: the policy is evaluated on cached records and edges as on those of the store.
It is exact if no other process writes to the store, because each write of this process is reported to it before it is
sent (:class:`app.graph.driver.gremlin_client.WriteWatch`):

- Before a transaction is sent, the records, edges and listings that it touches are dropped. None of these is kept
  before the transaction has ended; readers get them from the store meanwhile.
- A read that began before the end of the transaction is used, but what the transaction touches is not kept from it.
- The write of another process is reported when the write log learns it, and as ended some seconds later.
- With an unknown outcome the transaction may still be committed later. What it touches is then not kept for
  LATE_SECONDS, or until ``host`` has started the process of the store anew.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final

from app.graph.cache.fill import Barrier, Fill, InFlight, has_edges, has_listing, has_vertex
from app.graph.cache.generation import Generation, ListingKey, listing_size
from app.graph.cache.known_edges import KnownEdges, Shape
from app.graph.cache.uncertain_writes import UncertainWrites
from app.graph.records.touched import EVERYTHING, Touched
from app.store.store_host import StoreHost
from graphql_schema.ports.record import JsonObject, Record

ABSENT: Final[Record] = {}
"""The record of a vertex that is not stored."""

RELEASED: Final = 8
"""Number of dropped entries that are freed for each one that is kept, some microseconds of work.

If that one is large, as many more are freed as have twice its size, so that the cache has at most half its limit more.
"""

MAX_FREED: Final = 512 * 1024
"""Maximal number of bytes that are freed at once, in some milliseconds; what is left is freed with the next entries.

For a new entry that is larger, as many are freed as it has. The cache grows by nothing else.
"""

LARGE_PART: Final = 32
"""Edges of one vertex of more than this part of the limit are not kept: the event loop waits while they are freed.

Those of up to MAX_FREED are in any case. Edges of 100 MB, with a hundred properties each, take 0.1 s. Of 256 MiB, the
part is 12,000 plain edges, and 10 ms.
"""


@dataclass(slots=True)
class CacheCounters:
    """Counts of entries since the start of the process.

    An entry is a record, the edges of one vertex over one shape, or a listing. ``hits`` were found when wanted,
    ``misses`` were not, and ``evictions`` were dropped because a generation was full.
    """

    hits: int = 0
    misses: int = 0
    evictions: int = 0


class GraphCache:
    """A cache of at most about ``limit`` bytes, by estimate, and half as many that are dropped and not freed yet.

    ``host`` runs the store, None without a host. ``clock`` returns seconds of a clock that is never set.
    """

    def __init__(self, limit: int, host: StoreHost | None = None, clock: Callable[[], float] = monotonic) -> None:
        self.counters = CacheCounters()
        self._limit = limit
        self._host = host
        self._starts = host.starts if host else 0
        self._young, self._old = Generation(), Generation()
        self._dropped = deque[Generation]()
        self._owed = 0
        self._fills: set[Fill] = set()
        self._in_flight = InFlight()
        self._uncertain = UncertainWrites(clock)

    @property
    def size(self) -> int:
        """Return the estimated bytes of all entries, with those that are dropped and not freed yet."""
        return self._young.size + self._old.size + sum(each.size for each in self._dropped)

    def records(self, vids: Sequence[int]) -> list[Record | None]:
        """Return for each vertex its record, ABSENT if none is stored, or None if the cache has no entry for it."""
        young, found = self._young.records, []
        for vid in vids:
            known = young.get(vid)
            found.append(self._older_record(vid) if known is None else known[0])
        return found

    def edges(self, shape: Shape, vids: Sequence[int]) -> list[KnownEdges | None]:
        """Return for each vertex its edges of the shape, or None if the cache has no entry for them."""
        young = self._young.edges.get(shape, {})
        found = [young.get(vid) for vid in vids]
        if shape in self._old.edges:
            for number, known in enumerate(found):
                if known is None:
                    found[number] = self._older_edges(shape, vids[number])
        return found

    def listing(self, key: ListingKey) -> JsonObject | None:
        """Return the result of a listing, None if the cache has no entry for it."""
        known = self._young.listings.get(key[0], {}).get(key[1])
        if known is None:
            known = self._old.listings.get(key[0], {}).pop(key[1], None)
            if known is None:
                return None
            self._old.size -= known[1]
            self._young.put_listing(key, *known)
            self._rotate_if_full(known[1])
        return known[0]

    @contextmanager
    def fill(self) -> Iterator[Fill]:
        """Open a fill: begin it before the request to the store is sent, and keep its results before it ends."""
        self.notice_restart()
        self._end_uncertain()
        fill = Fill()
        self._fills.add(fill)
        try:
            yield fill
        finally:
            self._fills.discard(fill)

    def keep_record(self, fill: Fill, vid: int, record: Record, size: int) -> None:
        """Keep a record, or ABSENT, unless :meth:`_barriers` has its vertex."""
        if not any(has_vertex(each, vid) for each in self._barriers(fill)):
            self._drop_old_record(vid)
            self._young.put_record(vid, record, size)
            self._rotate_if_full(size, new=size)

    def keep_edges(self, fill: Fill, shape: Shape, vid: int, edges: KnownEdges) -> None:
        """Keep the edges of a vertex, unless they are large or :meth:`_barriers` has one of them of this shape."""
        is_large = edges.size > max(self._limit // LARGE_PART, MAX_FREED)
        if not is_large and not any(has_edges(each, shape, vid) for each in self._barriers(fill)):
            former = self._old.edges.get(shape, {}).pop(vid, None)
            self._old.size -= former.size if former else 0
            size = self._young.put_edges(shape, vid, edges)
            self._rotate_if_full(size, new=size)

    def keep_listing(self, fill: Fill, key: ListingKey, listing: JsonObject) -> None:
        """Keep the result of a listing, unless :meth:`_barriers` has the tenant of the listing."""
        if not any(has_listing(each, key[0]) for each in self._barriers(fill)):
            former = self._old.listings.get(key[0], {}).pop(key[1], None)
            self._old.size -= former[1] if former else 0
            size = listing_size(listing)
            self._young.put_listing(key, listing, size)
            self._rotate_if_full(size, new=size)

    def begun(self, touched: Touched) -> None:
        """Drop the entries that a transaction touches, and keep none of these until it has ended."""
        self.notice_restart()  # noticed later, it would count as one after this write
        self._in_flight.add(touched)
        self._forget(touched)

    def ended(self, touched: Touched, *, certain: bool) -> None:
        """Let fills that begin now keep what a transaction touched; earlier fills do not keep it.

        If ``certain`` is false, no fill keeps it for LATE_SECONDS, or until ``host`` has started the store anew.
        """
        self._in_flight.remove(touched)
        for fill in self._fills:
            fill.ended.append(touched)
        if not certain:
            self._uncertain.add(touched)

    def _end_uncertain(self) -> None:
        """Let fills that begin now keep what transactions touched that count as ended; earlier fills do not keep it."""
        ended = self._uncertain.end_old()
        for fill in self._fills:
            fill.ended += ended

    def _forget(self, touched: Touched) -> None:
        if touched.everything:
            self._dropped += self._young, self._old
            self._young, self._old = Generation(), Generation()
        else:
            dropped = self._young.forget(touched), self._old.forget(touched)
            self._dropped += [each for each in dropped if len(each) > RELEASED or each.size > MAX_FREED]

    def _barriers(self, fill: Fill) -> tuple[Barrier, ...]:
        """Return what must not be kept from a fill.

        Each barrier has what some transactions touch: those that ended since the fill began, those with an unknown
        outcome, and those in flight.
        """
        return fill.forbidden(), self._uncertain.touched, self._in_flight

    def notice_restart(self) -> None:
        """Drop all entries if the host has started the process of the store anew.

        No transaction that was sent to the former process can be committed then.
        """
        if self._host and self._host.starts != self._starts:
            self._starts = self._host.starts
            self._uncertain.clear()
            self._forget(EVERYTHING)
            for fill in self._fills:
                fill.ended.append(EVERYTHING)

    def _older_record(self, vid: int) -> Record | None:
        """Return the record of a vertex in the old generation, which moves to the young one; None without one."""
        known = self._old.records.pop(vid, None)
        if known is None:
            return None
        self._old.size -= known[1]
        self._young.put_record(vid, *known)
        self._rotate_if_full(known[1])
        return known[0]

    def _older_edges(self, shape: Shape, vid: int) -> KnownEdges | None:
        """Return the edges of a vertex in the old generation, which move to the young one; None without any."""
        known = self._old.edges.get(shape, {}).pop(vid, None)
        if known is not None:
            self._old.size -= known.size
            self._rotate_if_full(self._young.put_edges(shape, vid, known))
        return known

    def _drop_old_record(self, vid: int) -> None:
        former = self._old.records.pop(vid, None)
        self._old.size -= former[1] if former else 0

    def _rotate_if_full(self, kept: int, *, new: int = 0) -> None:
        """Free some of what was dropped, and drop the old generation if the young one is full.

        ``kept`` is the size of the entry that was put into the young one, ``new`` the same unless it was in the old.
        """
        if self._dropped:
            self._owed += 2 * kept
            freed = min(self._owed, max(MAX_FREED, new))
            self._owed -= freed
            if self._dropped[0].release(RELEASED, freed, max(MAX_FREED, 2 * new)):
                self._dropped.popleft()
        else:
            self._owed = 0
        if self._young.size > self._limit // 2:
            self.counters.evictions += len(self._old)
            self._dropped.append(self._old)
            self._young, self._old = Generation(), self._young
