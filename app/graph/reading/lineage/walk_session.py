"""State shared by the lineage queries of one operation: batched expansion, budgets, completeness report."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from app.graph.reading.lineage.expander import EdgeSelection, Expander, Expansion, Vertex
from app.graph.reading.lineage.health_evidence import EvidenceReader
from app.graph.reading.lineage.lineage_visibility import LineageVisibility
from app.graph.reading.lineage.walk_budget import EDGES, OF_THE_SERVER, TIME, Budget
from app.graph.reading.rows_by_id import RowsById
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.ports.lineage_query import Completeness, SnapshotTime
from graphql_schema.ports.shared_results import SharedResults
from policies.errors import LimitError
from policies.installation.disclosure import Disclosure


@dataclass(slots=True)
class Extent:
    """How far a walk came.

    ``ended`` names the budgets that limited it, and ``hidden`` has the hidden vertices next to visible ones.
    ``blocked`` is true if the caller may not see the edges of a reached vertex. ``visited`` is the number of its
    vertices. ``depth`` is the greatest depth of a vertex, or for a path search the length up to which all edges were
    read.
    """

    ended: Sequence[str]
    hidden: frozenset[int]
    blocked: bool
    visited: int
    depth: int


@dataclass(frozen=True, slots=True)
class WalkSession:
    """State shared by the lineage queries of one operation; ``shared`` has the walks that several of them need."""

    rows: VisibleRows
    rows_by_id: RowsById
    expander: Expander
    evidence: EvidenceReader
    budget: Budget
    disclosure: Disclosure
    shared: SharedResults

    def visibility(self, pin: SnapshotTime | None = None) -> LineageVisibility:
        """Return the visibility at the read time of the operation, or at ``pin``, the snapshot time in a cursor."""
        instant = self.rows.row_policy.instant if pin is None else ReadTime(*pin, past=True, resumed=True)
        return LineageVisibility(self.rows, instant)

    @contextmanager
    def freeing(self, *states: object) -> Iterator[None]:
        """Free the states of a walk in turns when it has ended: each may have 300,000 edges, which take 70 ms at once.

        What the result, or others, refer to stays.
        """
        try:
            yield
        finally:
            self.rows.budget.free([*states])

    async def expand(self, selection: EdgeSelection, vertices: Sequence[Vertex]) -> list[Expansion] | str:
        """Return the expansions of vertices, in their order; if a budget is exhausted, return its name instead.

        The other members of their asset groups count.
        """
        if self.budget.late:
            return TIME
        try:
            found = await self.expander.expand(selection, vertices)
        except LimitError as error:
            forget_frames(error)
            return EDGES
        return self.budget.count_members(sum(len(each.others) for each in found)) or found

    async def count_edges(self, edges: int) -> str | None:
        """Count followed edges and return the name of an exhausted budget, or None; end a turn that is over."""
        ended = self.budget.count_edges(edges)
        await self.rows.budget.pause()
        return ended

    @property
    def may_withhold_stubs(self) -> bool:
        """Whether some assets may hide from the caller whether they are stubs.

        If stubs are then left out, the policy counts as a limit of the walk, whether or not one of them is withheld.
        Otherwise the result would disclose which visible assets are stubs.
        """
        return self.rows.row_policy.hides(("hydration",))

    @property
    def discloses_hidden(self) -> bool:
        """Whether results disclose that something is hidden, as ``policies/disclosure.toml`` says."""
        return self.disclosure is not Disclosure.NONE

    def completeness(self, extent: Extent, pin: SnapshotTime) -> Completeness:
        """Return the completeness of a walk, and record in the budget of the operation what limited it.

        What it discloses of hidden vertices is set in ``policies/disclosure.toml``.
        """
        disclosure = self.disclosure
        policy = self.discloses_hidden and (extent.blocked or bool(extent.hidden))
        self.rows.budget.cuts |= OF_THE_SERVER & {*extent.ended}
        self.rows.budget.is_partial |= policy
        return Completeness(
            budgets=tuple(dict.fromkeys(extent.ended)),
            policy=policy,
            visited=extent.visited,
            depth=extent.depth,
            hidden=len(extent.hidden) if disclosure is Disclosure.COUNT else None,
            pin=pin,
        )
