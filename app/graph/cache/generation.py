"""One generation of the graph cache: the entries that were added or used while it was the young one.

The cache has a young and an old generation. An entry that is used moves to the young one. When the young one is full,
it becomes the old one, and the entries of the former old one are dropped: they were not used for the longest time.
To free hundreds of thousands of them at once would hold the event loop, so they are released a few at a time.
"""

from hashlib import blake2b
from typing import Final, TypeVar

import orjson

from app.graph.cache.known_edges import KnownEdges, Shape
from app.graph.records.touched import Touched
from graphql_schema.ports.record import Json, JsonObject, Record

KeyT = TypeVar("KeyT")
EntryT = TypeVar("EntryT")
ValueT = TypeVar("ValueT")

MAX_SHAPES: Final = 100
"""Maximal number of shapes of the edges of one vertex in a generation, all of which a write to the vertex looks at.

A write may touch a thousand vertices, and callers choose the labels of a shape. For a further one, the edges of the
vertex over the shape that was added first are dropped, which may be those of another caller. These are then read once
more. Edges of other vertices stay.
"""

SHAPE_BYTES: Final = 500
"""Bytes of a shape in a generation besides its edges, its labels and its kinds.

Shapes count by what they take, so that a caller with thousands of them fills a generation no faster than by other
reads.
"""

ListingKey = tuple[str, bytes]
"""A tenant, and the digest of one listing of a level request, whose filters may have many values."""


class Generation:
    """Entries of the cache, and the sum ``size`` of their estimated bytes, with those of the shapes of edges.

    ``records`` maps a vertex id to record and size, ``edges`` a shape and a vertex id to edges. ``listings`` maps the
    two parts of a :data:`ListingKey` to result and size. ``_shapes`` maps a vertex id to the shapes of its edges, so
    that to drop some of these takes no longer because edges of other vertices have many shapes.
    """

    __slots__ = ("_shapes", "edges", "listings", "records", "size")

    def __init__(self) -> None:
        self.records: dict[int, tuple[Record, int]] = {}
        self.edges: dict[Shape, dict[int, KnownEdges]] = {}
        self.listings: dict[str, dict[bytes, tuple[JsonObject, int]]] = {}
        self.size = 0
        self._shapes: dict[int, dict[Shape, None]] = {}

    def __len__(self) -> int:
        edges = sum(map(len, self.edges.values()))
        return len(self.records) + edges + sum(map(len, self.listings.values()))

    def put_record(self, vid: int, record: Record, size: int) -> None:
        """Add or replace a record."""
        former = self.records.get(vid)
        self.records[vid] = record, size
        self.size += size - (former[1] if former else 0)

    def put_edges(self, shape: Shape, vid: int, edges: KnownEdges) -> int:
        """Add or replace the edges of a vertex; return the bytes of these, and of the shape if that is new."""
        added = edges.size
        if shape not in self.edges:
            self.edges[shape] = {}
            added += shape_size(shape)
        known = self.edges[shape]
        former = known.get(vid)
        if former is None:
            self._add_shape(vid, shape)
        known[vid] = edges
        self.size += added - (former.size if former else 0)
        return added

    def _add_shape(self, vid: int, shape: Shape) -> None:
        """Add a shape of a vertex, in place of its first one if it has MAX_SHAPES."""
        shapes = self._shapes.setdefault(vid, {})
        if len(shapes) >= MAX_SHAPES:
            first = next(iter(shapes))
            del shapes[first]
            self.size -= self.edges[first].pop(vid).size
        shapes[shape] = None

    def put_listing(self, key: ListingKey, listing: JsonObject, size: int) -> None:
        """Add or replace the result of a listing."""
        known = self.listings.setdefault(key[0], {})
        former = known.get(key[1])
        known[key[1]] = listing, size
        self.size += size - (former[1] if former else 0)

    def forget(self, touched: Touched) -> "Generation":
        """Drop the records, edges and listings that a transaction touches; :attr:`Touched.everything` is not read.

        Return them, which can be thousands, as a generation to release.
        """
        dropped = Generation()
        for vid in touched.vertices:
            if record := self.records.pop(vid, None):
                dropped.put_record(vid, *record)
                self.size -= record[1]
        for vid, labels in touched.labels_by_vertex().items():
            for shape in [*self._shapes.get(vid, ())]:
                if not labels[shape.direction].isdisjoint(shape.labels):
                    self._drop_edges(shape, vid, dropped)
        for tenant in [*self.listings] if touched.tenants is None else touched.tenants:
            if listings := self.listings.pop(tenant, None):
                size = sum(size for _, size in listings.values())
                dropped.listings[tenant] = listings
                dropped.size += size
                self.size -= size
        return dropped

    def _drop_edges(self, shape: Shape, vid: int, dropped: "Generation") -> None:
        """Move the edges of a vertex over a shape to what is dropped."""
        shapes = self._shapes[vid]
        del shapes[shape]
        if not shapes:
            del self._shapes[vid]
        if edges := self.edges[shape].pop(vid, None):
            dropped.put_edges(shape, vid, edges)
            self.size -= edges.size

    def release(self, count: int, size: int, maximum: int) -> bool:
        """Remove ``count`` entries or shapes, or fewer that have ``maximum`` bytes; return whether none was left.

        More are removed until ``size`` bytes are freed.
        """
        least, enough = self.size - size, self.size - maximum
        while (count > 0 and self.size > enough) or self.size > least:
            count -= 1
            if self.records:
                self.size -= self.records.popitem()[1][1]
            elif self.edges:
                self._release_edges()
            elif (listing := _popped(self.listings)) is not None:
                self.size -= listing[1]
            elif self._shapes:
                self._shapes.popitem()
            else:
                return True
        return False

    def _release_edges(self) -> None:
        """Remove the edges of one vertex, or a shape without edges."""
        shape = next(reversed(self.edges))
        if known := self.edges[shape]:
            self.size -= known.popitem()[1].size
        else:
            del self.edges[shape]
            self.size -= shape_size(shape)


def shape_size(shape: Shape) -> int:
    """Return an estimate of the bytes that a shape takes in a generation."""
    return SHAPE_BYTES + 8 * (len(shape.labels) + len(shape.kinds))


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
