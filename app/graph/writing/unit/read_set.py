"""What a batch must read from the store before it can be planned, and what it has read."""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Final, NoReturn

from app.graph.records.edge_record import EdgeKey
from graphql_schema.catalog.relations import Direction

LONG_READS: Final = 1_000
"""Number of reads above which a set is long: to find the vertex ids of two ends takes some 7 µs."""

HopKey = tuple[Direction, str, int]
"""A direction, a relation and the vertex id where the hop starts."""


@dataclass(slots=True)
class ReadSet:
    """Reads that planning requested, in addition to what the commands name.

    ``records`` are URNs. ``hops`` are all edges of a relation at a vertex, with the far records, and ``current_hops``
    those that have not ended. ``edges`` are single edges. ``groups`` are vertices whose children and incoming
    data-carrying edges are needed. ``ends`` are the URNs of ends of edges and hops; these records may be without their
    long values.
    ``complete`` states that every record is needed with these. ``children`` are hops from parents to their children,
    all of which are needed unless they are many (:mod:`app.graph.writing.inheriting_children`).
    """

    groups: set[int] = field(default_factory=set)
    records: set[str] = field(default_factory=set)
    hops: set[HopKey] = field(default_factory=set)
    edges: set[EdgeKey] = field(default_factory=set)
    ends: set[str] = field(default_factory=set)
    complete: bool = False
    children: set[HopKey] = field(default_factory=set)
    current_hops: set[HopKey] = field(default_factory=set)

    @property
    def is_long(self) -> bool:
        """Whether the set is so large that work on it belongs in the side thread."""
        single = len(self.records) + len(self.ends) + len(self.edges) + len(self.groups)
        return single + len(self.hops) + len(self.current_hops) > LONG_READS

    def require_complete(self) -> NoReturn:
        """Request complete records, and raise NotReadError."""
        self.complete = True
        raise NotReadError

    def within(self, other: "ReadSet") -> bool:
        """Return whether the other set contains all reads of this one."""
        same = self.groups <= other.groups and self.records <= other.records
        same = same and self.complete <= other.complete and self.children <= other.children
        same = same and self.hops <= other.hops and self.current_hops <= other.current_hops
        return same and self.edges <= other.edges

    def add(self, other: "ReadSet") -> None:
        """Add the reads of the other set."""
        self.groups |= other.groups
        self.records |= other.records
        self.hops |= other.hops
        self.current_hops |= other.current_hops
        self.edges |= other.edges
        self.ends |= other.ends
        self.complete |= other.complete
        self.children |= other.children


class NotReadError(Exception):
    """Planning needs a value that was not read; ``missing`` of the working set has it now. Never leaves the planner."""


def require_all(requirements: Iterable[Callable[[], None]]) -> None:
    """Check several requirements; collect everything missing before raising NotReadError, so that one request reads it.

    Each requirement is a callable without arguments that raises NotReadError when its value was not read.
    """
    missing = False
    for require in requirements:
        try:
            require()
        except NotReadError:
            missing = True
    if missing:
        raise NotReadError


@dataclass(frozen=True, slots=True)
class ReadCoverage:
    """What was read: a value in here that is not in the working set is known to be absent from the store.

    ``taken`` are vertex ids under which the store keeps an object of another tenant. ``records`` are the names that
    were read, of receipts too. ``many_children`` are hops from parents whose children were not read, because they are
    many. The other fields are those of :class:`ReadSet`.
    """

    taken: Container[int]
    groups: Container[int]
    records: Container[str]
    hops: Container[HopKey]
    edges: Container[EdgeKey]
    children: Container[HopKey] = ()
    many_children: Container[HopKey] = ()
    current_hops: Container[HopKey] = ()
