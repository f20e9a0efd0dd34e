"""The digest of a store: equal for two stores with the same vertices, edges and properties, in whatever order.

Each element is hashed in a canonical form, and the hashes of a label are added. So pages may come in any order, and a
difference is reported by label. An element that occurs twice, and another id of a vertex, changes the digest. The ids
of edges are not in it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

import orjson

from app.graph.admin.elements.element_pages import EdgeElement, ElementPage, Values, VertexElement, element_pages
from app.graph.driver.gremlin_client import GremlinClient
from graphql_schema.ports.record import Json, JsonObject

_MODULUS: Final = 1 << 256
_FORM: Final = 1
"""Number of the canonical form, which is part of each digest."""


@dataclass
class StoreDigest:
    """Counts and sums of hashes by label, vertices as ``Dataset`` and edges as ``-DERIVES->``."""

    counts: Counter[str] = field(default_factory=Counter)
    sums: dict[str, int] = field(default_factory=dict)

    @property
    def vertices(self) -> int:
        """The number of vertices."""
        return sum(count for label, count in self.counts.items() if not label.startswith("-"))

    @property
    def edges(self) -> int:
        """The number of edges."""
        return self.counts.total() - self.vertices

    def add(self, page: ElementPage) -> None:
        """Add the elements of a page."""
        for vertex in page.vertices:
            self._add(vertex.label, canonical_vertex(vertex))
        for edge in page.edges:
            self._add(f"-{edge.label}->", canonical_edge(edge))

    def _add(self, label: str, canonical: bytes) -> None:
        number = int.from_bytes(sha256(canonical).digest(), "big")
        self.counts[label] += 1
        self.sums[label] = (self.sums.get(label, 0) + number) % _MODULUS

    @property
    def text(self) -> str:
        """The digest as 64 hexadecimal digits."""
        rows = [[label, self.counts[label], f"{self.sums[label]:x}"] for label in sorted(self.counts)]
        return sha256(orjson.dumps([_FORM, rows])).hexdigest()

    def differences(self, other: "StoreDigest") -> list[str]:
        """Return a line for each label whose elements differ, with both counts."""
        labels = sorted(self.counts.keys() | other.counts.keys())
        return [
            f"{label}: {self.counts[label]:,} and {other.counts[label]:,}"
            + (", with other values" if self.counts[label] == other.counts[label] else "")
            for label in labels
            if (self.counts[label], self.sums.get(label)) != (other.counts[label], other.sums.get(label))
        ]

    def stored(self) -> JsonObject:
        """Return the digest as JSON: count and sum by label."""
        return {label: [self.counts[label], f"{self.sums[label]:x}"] for label in sorted(self.counts)}

    @classmethod
    def of(cls, stored: Mapping[str, Sequence[Json]]) -> Self:
        """Return the digest of which :meth:`stored` returned ``stored``."""
        counts = Counter({label: count for label, (count, _) in stored.items()})
        return cls(counts, {label: int(total, 16) for label, (_, total) in stored.items()})


async def digest_of(client: GremlinClient, report: Callable[[int], None] = lambda _count: None) -> StoreDigest:
    """Read all elements of a store and return their digest; ``report`` gets the number of vertices of each page.

    Without writers the digest is that of the store. Raises the errors of :meth:`GremlinClient.submit`.
    """
    digest = StoreDigest()
    async for page in element_pages(client):
        digest.add(page)
        report(len(page.vertices))
    return digest


def canonical_vertex(vertex: VertexElement) -> bytes:
    """Return the canonical form of a vertex: JSON of its id, its label and its sorted properties."""
    return orjson.dumps([vertex.vid, vertex.label, _sorted(vertex.values)])


def canonical_edge(edge: EdgeElement) -> bytes:
    """Return the canonical form of an edge: JSON of its ends, its label and its sorted properties."""
    return orjson.dumps([edge.source, edge.target, edge.label, _sorted(edge.values)])


def _sorted(values: Values) -> list[tuple[str, Json]]:
    return sorted(values, key=lambda pair: (pair[0], orjson.dumps(pair[1])))
