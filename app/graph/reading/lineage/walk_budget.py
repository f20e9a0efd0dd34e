"""Budgets of lineage queries: nodes of each walk, and edges, steps, ids, time and number of all walks of one reader.

A step is one edge, or one free step in an asset group, that a search of paths follows; it counts again in each path
that it extends. Those from the end of a path are followed one by one, in the order of the paths that they begin, so
steps that are not reached do not count. An id is one that two walks have in common, when contamination compares them.

A query has one reader; a mutation gets a new one after each write.

The constants from DEPTH to DATA are names of budgets, as in ``completeness.reason``.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from graphql_schema.ports.lineage_query import CUTTING
from policies.blurred_limit import blurred
from policies.errors import LimitError

DEPTH: Final = "DEPTH"
NODES: Final = "NODES"
EDGES: Final = "EDGES"
TIME: Final = "TIME"
STEPS: Final = "STEPS"
PATHS: Final = "PATHS"
CAUSES: Final = "CAUSES"
DATA: Final = "DATA"

OF_THE_SERVER: Final = CUTTING | {STEPS, DATA}
"""Budgets that are limits of the server; DEPTH and PATHS are arguments, and CAUSES limits only the list of causes."""

CLOCK_INTERVAL: Final = 2_000
"""Number of steps of a path search between two readings of the clock."""


@dataclass(frozen=True, slots=True)
class WalkLimits:
    """Limits of one reader: ``nodes`` for each walk, the others for all its walks together.

    ``seconds`` is tested before a level is read, while its edges are followed, and during a path search. ``edges`` are
    the edges read from the vertices that walks or path searches reach, also those to hidden vertices. ``steps`` are the
    steps tried by path searches, ``walks`` the number of walks. A path search completes its level before ``nodes`` ends
    it. ``ids`` are those compared for contamination; so many take about 2 s in the side thread. ``members`` are the
    other members of the asset groups of the vertices that walks or path searches reach, also hidden ones. Health counts
    the visible ones again, with the vertices, and each finding that it adds. So many take about 4 s. ``evaluations``
    are those whose contamination health examines, each once; so many take about 8 s. A quarter of them may be such that
    cannot change the status.
    """

    nodes: int = 10_000
    seconds: float = 8.0
    walks: int = 1_000
    edges: int = 300_000
    steps: int = 200_000
    ids: int = 4_000_000
    members: int = 1_000_000
    evaluations: int = 4_000


@dataclass(slots=True)
class Budget:
    """Use of the limits by one reader; the time starts when the first walk expands its first level.

    Those for which hidden vertices and edges count are blurred: ``edges``, ``members`` and ``ids``.
    ``search_lock`` admits one path search of the reader at a time, because searches run in parts and count here.
    """

    limits: WalkLimits = field(default_factory=WalkLimits)
    clock: Callable[[], float] = time.monotonic
    walks: int = 0
    edges: int = 0
    steps: int = 0
    ids: int = 0
    members: int = 0
    evaluations: set[int] = field(default_factory=set)
    search_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _ends: float | None = None

    def __post_init__(self) -> None:
        """Draw the blurred limits."""
        edges, members, ids = (blurred(each) for each in (self.limits.edges, self.limits.members, self.limits.ids))
        self.limits = replace(self.limits, edges=edges, members=members, ids=ids)

    def begin(self) -> None:
        """Count a walk; raise LimitError if the operation starts too many."""
        self.walks += 1
        if self.walks > self.limits.walks:
            raise LimitError(
                f"An operation walks along lineage at most {self.limits.walks} times, also for health, paths and "
                "contamination; query these fields of fewer assets at once.",
                limit=self.limits.walks,
            )

    def count_edges(self, edges: int) -> str | None:
        """Count followed edges; return the name of an exhausted budget, or None."""
        self.edges += edges
        if self.edges > self.limits.edges:
            return EDGES
        return TIME if self.late else None

    def count_step(self) -> str | None:
        """Count one step of a path search; return the name of an exhausted budget, or None."""
        self.steps += 1
        if self.steps > self.limits.steps:
            return STEPS
        return TIME if self.steps % CLOCK_INTERVAL == 0 and self.late else None

    def count_ids(self, ids: int) -> str | None:
        """Count compared ids; return EDGES if they are too many, because the walks have too many edges, or None."""
        self.ids += ids
        return EDGES if self.ids > self.limits.ids else None

    def count_members(self, members: int) -> str | None:
        """Count members of asset groups, or findings on them; return EDGES if they are too many, else None."""
        self.members += members
        return EDGES if self.members > self.limits.members else None

    def count_evaluation(self, vid: int, *, counts: bool) -> str | None:
        """Count an evaluation whose contamination health examines; return EDGES if they are too many, else None.

        One that cannot change the status is one too many if a quarter of the limit is used: anybody may record
        thousands of such ones.
        """
        if vid in self.evaluations:
            return None
        if len(self.evaluations) >= (self.limits.evaluations if counts else self.limits.evaluations // 4):
            return EDGES
        self.evaluations.add(vid)
        return None

    @property
    def late(self) -> bool:
        """Whether the time is used up, so that no further level is read; the first use starts the time."""
        now = self.clock()
        if self._ends is None:
            self._ends = now + self.limits.seconds
        return now >= self._ends
