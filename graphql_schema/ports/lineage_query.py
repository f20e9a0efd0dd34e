"""Lineage, impact and path queries as data, and their results (docs/adr/0010-walks.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.relation_query import EVERYTHING, LineageItemFilter
from graphql_schema.ports.row import MaskedRecord, Row

MAX_DEPTH = 50
"""Maximal depth of a lineage query in levels, and maximal length of a path in edges."""

MAX_ROOTS = 100
"""Maximal number of roots of one lineage query."""


LONG_LINEAGE = 500
"""Number of assets and edges beyond which a calculation over all of them runs in the side thread."""

LONG_PAST = 50
"""Such a number for the past: an edge may have 500 intervals, of which the one at an instant takes 0.1 ms to find."""

MAX_PATHS = 50
"""Maximal number of paths of one path query."""


COMPLETE = "COMPLETE"
"""Name of the ``CompletenessState`` of a result without a known gap; hidden assets may be missing without a sign."""


CUTTING: Final = frozenset({"EDGES", "NODES", "TIME"})
"""Names of budgets that end a walk early, so that a result computed from it, such as health, may be wrong."""


class SnapshotTime(NamedTuple):
    """The instant at which edges must be active, and the one by which they were recorded, in epoch milliseconds."""

    valid: int
    recorded: int


@dataclass(frozen=True, slots=True)
class LineageQuery:
    """Lineage from some roots, at most ``depth`` levels; ``pin`` None reads at the read time of the operation.

    With ``existing_roots``, a flag, a root that did not exist at ``pin`` is unknown; without the flag, ``pin`` does not
    exclude roots. The walk ends when it has followed more than ``max_edges`` edges, None for as many as the operation
    may.
    """

    roots: tuple[str, ...]
    direction: Direction
    depth: int
    keep: LineageItemFilter = EVERYTHING
    pin: SnapshotTime | None = None
    existing_roots: bool = False
    max_edges: int | None = None


@dataclass(frozen=True, slots=True)
class PathQuery:
    """At most ``max_paths`` shortest paths from ``source`` to ``target`` along the data flow.

    Each has at most ``max_edges`` edges; steps between a parent and a child do not count.
    """

    source: str
    target: str
    max_paths: int
    max_edges: int


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of a result was found: ``budgets`` names those that limited it.

    ``policy`` is set if the policy hides a part of the lineage and this is disclosed. ``missing_roots`` is set if a
    root or an end of a path was not found. ``visited`` counts the visited nodes, ``depth`` is that of the farthest one;
    for paths it is the length up to which the edges of every path were read. ``hidden`` counts the hidden nodes next to
    the visible result, None if the count is not disclosed.
    """

    budgets: tuple[str, ...]
    policy: bool
    visited: int
    depth: int
    hidden: int | None
    pin: SnapshotTime
    missing_roots: bool = False

    @property
    def state(self) -> str:
        """Return the name of the ``CompletenessState``."""
        return "TRUNCATED" if self.budgets else "PARTIAL" if self.missing_roots or self.policy else COMPLETE

    @property
    def is_cut(self) -> bool:
        """Whether a budget of CUTTING ended a walk, so that a result computed from it may be wrong."""
        return not CUTTING.isdisjoint(self.budgets)

    @property
    def reason(self) -> str | None:
        """Return what limited the result, comma-separated: names of budgets, ROOTS, POLICY; None if COMPLETE."""
        others = (("ROOTS", self.missing_roots), ("POLICY", self.policy))
        return ", ".join((*self.budgets, *(name for name, applies in others if applies))) or None


class ReachedNode(NamedTuple):
    """A node of a lineage result at its smallest depth; ``via`` are the ids from a root to the node, both included."""

    row: Row
    depth: int
    via: tuple[str, ...]

    @property
    def place(self) -> tuple[int, str]:
        """Return the sort key among the nodes: depth, then id."""
        return self.depth, self.row.urn


@dataclass(frozen=True, slots=True)
class ReachedEdge:
    """An edge among reached nodes, as the caller may see it; ``place`` is the greater one of the places of its ends."""

    edge: MaskedRecord
    place: tuple[int, str]


class DatedEdge(NamedTuple):
    """A lineage edge between two assets with its last interval, as the caller may see it.

    ``end_recorded`` is the instant at which the end of the edge was recorded, in epoch milliseconds; None unless the
    edge has ended. ``begins_later``, a flag: the edge is not valid yet. ``unconfirmed``, a flag: it has no effect,
    because its declarer had no right on an end.
    """

    edge: MaskedRecord
    begins_later: bool = False
    end_recorded: int | None = None
    unconfirmed: bool = False

    @property
    def current(self) -> bool:
        """Whether the edge is confirmed and valid now."""
        return not (self.begins_later or self.unconfirmed) and self.end_recorded is None


@dataclass(frozen=True, slots=True)
class LineageResult:
    """The ``nodes`` that the filter accepts, by depth and id, the followed ``edges`` between them, and unknown roots.

    ``unknown`` are the ids of the roots that are absent, hidden or no assets, or that ``existing_roots`` excludes.
    ``cut`` are the vertex ids of the visited nodes whose further edges the depth, the node limit or an exhausted budget
    may have left out. ``withheld`` are those next to a hidden node, or with edges that the caller may not see; it is
    empty if that is not disclosed. ``followed`` is the number of followed edges, those of nodes that are left out
    included.
    """

    nodes: Sequence[ReachedNode]
    edges: Sequence[ReachedEdge]
    unknown: Sequence[str]
    completeness: Completeness
    cut: frozenset[int] = frozenset()
    withheld: frozenset[int] = frozenset()
    followed: int = 0

    @property
    def is_long(self) -> bool:
        """Whether a calculation over all nodes and edges runs in the side thread."""
        return len(self.nodes) + self.followed > LONG_LINEAGE


@dataclass(frozen=True, slots=True)
class FoundPath:
    """A path: its rows from source to target, and its edges. A step between parent and child has no edge."""

    rows: Sequence[Row]
    edges: Sequence[MaskedRecord]


@dataclass(frozen=True, slots=True)
class PathResult:
    """The found paths, shortest first, and the ends that are ``unknown``: absent, hidden or no assets."""

    paths: Sequence[FoundPath]
    unknown: Sequence[str]
    completeness: Completeness
