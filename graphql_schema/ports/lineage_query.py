"""Walks and searches along lineage as data: what is asked of the reader, and what comes back (ADR 0010)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.relation_query import EVERYTHING, LineageItemFilter
from graphql_schema.ports.row import MaskedRecord, Row

DEEPEST = 50
"""Levels that one walk may be asked to go, and edges of the longest path."""

MAX_ROOTS = 100
"""Roots that one walk may begin at."""

MAX_PATHS = 50
"""Paths that one search may be asked for."""


class SnapshotTime(NamedTuple):
    """The instant that edges must hold at, and the one by which they were recorded, in epoch milliseconds."""

    valid: int
    recorded: int


@dataclass(frozen=True, slots=True)
class LineageQuery:
    """A walk from some roots, at most ``depth`` levels; ``pin`` is None for the instant of the operation."""

    roots: tuple[str, ...]
    direction: Direction
    depth: int
    keep: LineageItemFilter = EVERYTHING
    pin: SnapshotTime | None = None


@dataclass(frozen=True, slots=True)
class PathQuery:
    """A search for the ``most`` shortest paths of at most ``longest`` edges along the data flow."""

    source: str
    target: str
    most: int
    longest: int


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of what there is an answer holds: ``budgets`` that ended it, and whether the policy took something away.

    ``lost`` says that not every root was found, ``hidden`` how many hidden vertices were met first, None where that is
    not said.
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
        """The ``CompletenessState``."""
        return "TRUNCATED" if self.budgets else "PARTIAL" if self.missing_roots or self.policy else "COMPLETE"

    @property
    def reason(self) -> str | None:
        """What ended it, or took something away; None when it is complete."""
        others = (("ROOTS", self.missing_roots), ("POLICY", self.policy))
        return ", ".join((*self.budgets, *(name for name, holds in others if holds))) or None


@dataclass(frozen=True, slots=True)
class ReachedNode:
    """A node of a walk at its least depth; ``via`` are the ids of one shortest way, from a root to the node."""

    row: Row
    depth: int
    via: tuple[str, ...]

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands among the nodes: by depth, then id."""
        return self.depth, self.row.urn


@dataclass(frozen=True, slots=True)
class ReachedEdge:
    """An edge among nodes, as the caller may see it; ``place`` is that of the later of its ends."""

    edge: MaskedRecord
    place: tuple[int, str]


@dataclass(frozen=True, slots=True)
class LineageResult:
    """What a walk found: ``nodes`` that are shown, in order, the ``edges`` among them, and roots that are not there."""

    nodes: Sequence[ReachedNode]
    edges: Sequence[ReachedEdge]
    unknown: Sequence[str]
    completeness: Completeness


@dataclass(frozen=True, slots=True)
class FoundPath:
    """A path: its vertices from end to end, and its edges, of which there is none between a whole and its part."""

    rows: Sequence[Row]
    edges: Sequence[MaskedRecord]


@dataclass(frozen=True, slots=True)
class PathResult:
    """What a search found, the shortest first, and the ends it did not find."""

    paths: Sequence[FoundPath]
    unknown: Sequence[str]
    completeness: Completeness
