"""The edges of one vertex over some labels, as they were read, and those of them that are valid at a later instant.

They are read without a bound of their begin, so that edges which begin later are among them. Each use filters by its
own instant. So an entry stays right while time passes, until one of its edges is written.
"""

from typing import Final, NamedTuple

from app.graph.records.edge_record import native_end
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.record import Record

FarEdge = tuple[int, Record]
"""The vertex id of a far end, and the record of the edge."""

EDGE_BYTES: Final = 100
"""Bytes of a known edge besides its record: the tuple, its place in a list, and the far id."""


class Shape(NamedTuple):
    """Which edges of a vertex an entry has, and in which order.

    ``direction`` is ``out`` or ``in``. ``order`` is ``far`` (vertex ids of far ends), ``time`` (newest first), or
    ``store`` for the order of the store over several labels. ``kinds`` are codes of the kinds of far ends, all if
    empty.
    """

    direction: str
    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    order: str


class KnownEdges:
    """The edges of one vertex that end after the instant ``since``, in the order of their shape.

    Edges with an empty interval are left out. ``complete`` is false if only the first edges in this order were read; in
    the order ``time``, all edges with an ``at`` of ``floor`` or later are then among them. ``short`` is set by a reader
    that needs more valid edges than an incomplete entry has. ``size`` is an estimate in bytes. The edges are shared: do
    not change them.
    """

    __slots__ = ("_begun", "_ending", "complete", "edges", "floor", "short", "since", "size")

    def __init__(
        self, edges: list[FarEdge], since: int, size: int, *, complete: bool = True, floor: int | None = None
    ) -> None:
        self.edges: list[FarEdge] = []
        self._begun, self._ending = 0, FOREVER
        for each in edges:
            begin, end = each[1]["validFrom"], native_end(each[1])
            if begin < end:
                self.edges.append(each)
                self._begun = max(self._begun, begin)
                self._ending = min(self._ending, end)
        self.since = since
        self.size = size
        self.complete = complete
        self.floor = floor
        self.short = False

    def all_at(self, now: int) -> list[FarEdge] | None:
        """Return the edges that are valid at ``now``; None if further ones may be stored."""
        return self._valid(now) if self.complete and now >= self.since else None

    def first_at(self, now: int, count: int, after: int = -1) -> list[FarEdge] | None:
        """Return the first ``count`` edges that are valid at ``now`` and whose far ids are greater than ``after``.

        There are fewer if no more are stored. Return None if the store must be read. The edges must be in the order
        ``far``; an ``after`` of -1 excludes none.
        """
        if now < self.since:
            return None
        valid = self._valid(now)
        if after >= 0:
            valid = [each for each in valid if each[0] > after]
        if len(valid) >= count:
            return valid if len(valid) == count else valid[:count]
        return valid if self.complete else None

    def newest_at(self, now: int, count: int, until: int, earliest: int) -> list[FarEdge] | None:
        """Return the newest ``count`` edges that are valid at ``now``, with an ``at`` from ``earliest`` to ``until``.

        There are fewer if no more are stored, and more if further edges have the ``at`` of the last one. Return None if
        the store must be read. The edges must be in the order ``time``.
        """
        if now < self.since:
            return None
        valid = [each for each in self._valid(now) if earliest <= each[1]["at"] <= until]
        if len(valid) > count:
            last = valid[count - 1][1]["at"]
            return [each for number, each in enumerate(valid) if number < count or each[1]["at"] == last]
        known = self.complete or len(valid) == count or (self.floor is not None and earliest >= self.floor)
        return valid if known else None

    def _valid(self, now: int) -> list[FarEdge]:
        if self._begun <= now < self._ending:
            return self.edges
        return [each for each in self.edges if each[1]["validFrom"] <= now < native_end(each[1])]
