"""What the walks and searches of one operation share: how they read on, and how they say how far they came."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.graph.reading.lineage.expander import EdgeSelection, Expander, Expansion, Vertex
from app.graph.reading.lineage.health_evidence import EvidenceReader
from app.graph.reading.lineage.lineage_visibility import LineageVisibility
from app.graph.reading.lineage.walk_budget import EDGES, TIME, Budget
from app.graph.reading.rows_by_id import RowsById
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from graphql_schema.ports.lineage_query import Completeness, SnapshotTime
from policies.disclosure import Disclosure
from policies.errors import LimitError

PAUSE: Final = 2_000
"""Edges of one operation after which others have their turn."""


@dataclass(slots=True)
class Extent:
    """How far a walk came: ``ended`` which budgets ended it, ``shut`` that it met what the caller may see no further.

    ``hidden`` are the vertices it met that are not the caller's to see.
    """

    ended: Sequence[str]
    hidden: frozenset[int]
    shut: bool
    visited: int
    depth: int


@dataclass(frozen=True, slots=True)
class WalkSession:
    """What walks of one operation share."""

    rows: VisibleRows
    points: RowsById
    expander: Expander
    examiner: EvidenceReader
    budget: Budget
    disclosure: Disclosure

    def visibility(self, pin: SnapshotTime | None = None) -> LineageVisibility:
        """What the caller sees at the instant of the operation, or at the one that a cursor was made at."""
        instant = self.rows.judge.instant if pin is None else ReadTime(*pin, past=True, resumed=True)
        return LineageVisibility(self.rows, instant)

    async def expand(self, *asked: tuple[EdgeSelection, Sequence[Vertex]]) -> list[list[Expansion]] | str:
        """What vertices lead to, all in one request; the budget that ended, where one does not let it be read."""
        if self.budget.late:
            return TIME
        try:
            return await asyncio.gather(*(self.expander.expand(way, vertices) for way, vertices in asked))
        except LimitError:
            return EDGES

    async def go(self, edges: int) -> str | None:
        """The budget that ended now that so many edges more were gone over; now and then others have their turn."""
        before = self.budget.edges
        ended = self.budget.ended(edges)
        if self.budget.edges // PAUSE != before // PAUSE:
            await asyncio.sleep(0)
        return ended

    def completeness(self, extent: Extent, pin: SnapshotTime) -> Completeness:
        """How much of what there is was found, as far as callers are told of what is hidden from them."""
        told = self.disclosure
        return Completeness(
            budgets=tuple(dict.fromkeys(extent.ended)),
            policy=told is not Disclosure.NONE and (extent.shut or bool(extent.hidden)),
            visited=extent.visited,
            depth=extent.depth,
            hidden=len(extent.hidden) if told is Disclosure.COUNT else None,
            pin=pin,
        )
