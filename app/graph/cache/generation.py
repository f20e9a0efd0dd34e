"""One generation of the graph cache: the entries that were added or used while it was the young one.

The cache has a young and an old generation. An entry that is used moves to the young one. When the young one is full,
it becomes the old one, and the entries of the former old one are dropped: they were not used for the longest time.
To free hundreds of thousands of them at once would hold the event loop, so they are released a few at a time.
"""

from collections import Counter
from hashlib import blake2b
from typing import Final, TypeVar

import orjson

from app.graph.cache.known_edges import KnownEdges, Shape
from app.graph.records.touched import Touched
from graphql_schema.ports.record import Json, JsonObject, Record

KeyT = TypeVar("KeyT")
EntryT = TypeVar("EntryT")
ValueT = TypeVar("ValueT")

MAX_SHAPES: Final = 1_000
"""Maximal number of shapes of edges in a generation.

Callers choose the labels of a shape. Those who use a thousand sets of them drop few edges of others.
"""

ListingKey = tuple[str, bytes]
"""A tenant, and the digest of one listing of a level request, whose filters may have many values."""


class Generation:
    """Entries of the cache, and the sum ``size`` of their estimated bytes.

    ``records`` maps a vertex id to record and size, ``edges`` a shape and a vertex id to edges. ``listings`` maps the
    two parts of a :data:`ListingKey` to result and size. ``_shapes`` maps a vertex id to the shapes of its edges, so
    that to drop some of these takes no longer because edges of other vertices have many shapes. ``_sizes`` has the
    bytes of each shape.
    """

    __slots__ = ("_shapes", "_sizes", "edges", "listings", "records", "size")

    def __init__(self) -> None:
        self.records: dict[int, tuple[Record, int]] = {}
        self.edges: dict[Shape, dict[int, KnownEdges]] = {}
        self.listings: dict[str, dict[bytes, tuple[JsonObject, int]]] = {}
        self.size = 0
        self._shapes: dict[int, dict[Shape, None]] = {}
        self._sizes: Counter[Shape] = Counter()

    def __len__(self) -> int:
        edges = sum(map(len, self.edges.values()))
        return len(self.records) + edges + sum(map(len, self.listings.values()))

    def put_record(self, vid: int, record: Record, size: int) -> None:
        """Add or replace a record."""
        former = self.records.get(vid)
        self.records[vid] = record, size
        self.size += size - (former[1] if former else 0)

    def put_edges(self, shape: Shape, vid: int, edges: KnownEdges) -> int:
        """Add or replace the edges of a vertex; return how many entries were dropped for it.

        For a further shape beyond MAX_SHAPES, these are the entries of the shape that takes the fewest bytes.
        """
        is_full = shape not in self.edges and len(self.edges) >= MAX_SHAPES
        dropped = self._drop_smallest_shape() if is_full else 0
        known = self.edges.setdefault(shape, {})
        former = known.get(vid)
        if former is None:
            self._shapes.setdefault(vid, {})[shape] = None
        known[vid] = edges
        added = edges.size - (former.size if former else 0)
        self.size += added
        self._sizes[shape] += added
        return dropped

    def _drop_smallest_shape(self) -> int:
        """Drop the entries of the shape that takes the fewest bytes, and return their number."""
        shape = min(self._sizes, key=self._sizes.__getitem__)
        entries = self.edges.pop(shape)
        self.size -= self._sizes.pop(shape)
        for vid in entries:
            shapes = self._shapes[vid]
            del shapes[shape]
            if not shapes:
                del self._shapes[vid]
        return len(entries)

    def put_listing(self, key: ListingKey, listing: JsonObject, size: int) -> None:
        """Add or replace the result of a listing."""
        known = self.listings.setdefault(key[0], {})
        former = known.get(key[1])
        known[key[1]] = listing, size
        self.size += size - (former[1] if former else 0)

    def forget(self, touched: Touched) -> None:
        """Drop the records, edges and listings that a transaction touches; :attr:`Touched.everything` is not read."""
        for vid in touched.vertices:
            record = self.records.pop(vid, None)
            self.size -= record[1] if record else 0
        for direction, label, vid in touched.edge_ends:
            left: dict[Shape, None] = {}
            for shape in self._shapes.pop(vid, ()):
                if shape.direction == direction and label in shape.labels:
                    edges = self.edges[shape].pop(vid, None)
                    size = edges.size if edges else 0
                    self.size -= size
                    self._sizes[shape] -= size
                else:
                    left[shape] = None
            if left:
                self._shapes[vid] = left
        for tenant in [*self.listings] if touched.tenants is None else touched.tenants:
            listings = self.listings.pop(tenant, {})
            self.size -= sum(size for _, size in listings.values())

    def release(self, count: int, size: int) -> bool:
        """Remove ``count`` entries, and more until ``size`` bytes are freed; return whether none was left."""
        least = self.size - size
        while count > 0 or self.size > least:
            count -= 1
            if self.records:
                self.size -= self.records.popitem()[1][1]
            elif (edges := _popped(self.edges)) is not None:
                self.size -= edges.size
            elif (listing := _popped(self.listings)) is not None:
                self.size -= listing[1]
            elif self._shapes:
                self._shapes.popitem()
            else:
                return True
        return False


def _popped(entries: dict[KeyT, dict[EntryT, ValueT]]) -> ValueT | None:
    """Remove one value of a dictionary of dictionaries, and empty ones before it; return it, None without any."""
    while entries:
        last = next(reversed(entries))
        if entries[last]:
            return entries[last].popitem()[1]
        del entries[last]
    return None


def listing_key(tenant: str, listing: JsonObject) -> ListingKey:
    """Return the key of a listing in the form of the level statement."""
    return tenant, blake2b(orjson.dumps(listing), digest_size=32).digest()


def listing_size(listing: JsonObject) -> int:
    """Return an estimate of the bytes that a listing takes in the cache."""
    values: list[Json] = listing["s"]
    return 550 + 40 * len(listing["x"]) + 40 * len(values)
