"""Listings of the level statement: what one of them reads from the index."""

from dataclasses import dataclass
from typing import Final

from app.graph.reading.level.index_filter import size_of, substrings
from app.graph.reading.level.index_tests import IndexFilter
from graphql_schema.ports.conditions import BY_URN, SortOrder
from graphql_schema.ports.record import JsonObject

OUTSIDE_RECORD: Final = frozenset({"cost", "lastUsedAt"})
"""Native properties of orders whose value a record may lack: the store returns the values with the ids."""


@dataclass(frozen=True, slots=True)
class IndexQuery:
    """The first ``size`` vertices that match a filter, in an order.

    ``total`` is the filter of the vertices to count, None for no count. If ``size`` or more vertices match, those that
    match the first filter of ``best`` are taken first, then those that match the second one, and so on. A filter of
    ``best`` is used without ``where``, so it must match only vertices that ``where`` matches.
    """

    where: IndexFilter
    size: int
    order: SortOrder = BY_URN
    total: IndexFilter | None = None
    best: tuple[IndexFilter, ...] = ()

    def wire(self) -> dict[str, object]:
        """Return the listing in the form of :mod:`app.graph.reading.level.level_statement`."""
        return {
            "f": self.where,
            "b": self.best,
            "o": self.order.key,
            "d": self.order.descending,
            "s": self.order.key in OUTSIDE_RECORD,
            "n": self.size,
            "c": self.total is not None,
            "t": self.total or [],
        }


def filter_size_of(listing: JsonObject) -> int:
    """Return the size of all filters of a listing from :meth:`IndexQuery.wire`, as :func:`size_of` measures it."""
    return sum(map(size_of, (listing["f"], listing["t"], *listing["b"])))


def substrings_of(listing: JsonObject) -> int:
    """Return the number of substrings that the index searches for, of a listing from :meth:`IndexQuery.wire`."""
    found = substrings(listing["f"]) + substrings(listing["t"])
    return found + sum(substrings(best, ranges=False) for best in listing["b"])
