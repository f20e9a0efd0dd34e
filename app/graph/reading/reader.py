"""The reader of one operation: implements the port GraphReader with the parts of this package.

Equal calls of one operation share their results, except for the batches of the change feed. Rows, relations and
listings have loaders, which also batch them; the other reads share their results here. Each call returns in a turn of
the event loop. After each write an operation gets a new reader. Known rows and the budgets of lineage then start again.
"""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.attached_records import AttachedRecords
from app.graph.reading.computed.computed_conditions import ComputedConditions
from app.graph.reading.computed.contaminated_evaluations import contaminated_evaluations
from app.graph.reading.computed.health_filter import HealthReader, health_filter
from app.graph.reading.level.level_batcher import LevelBatcher
from app.graph.reading.lineage.contamination_walk import contamination_of
from app.graph.reading.lineage.edge_history import edges_between
from app.graph.reading.lineage.expander import Expander
from app.graph.reading.lineage.health_evidence import EvidenceReader
from app.graph.reading.lineage.health_walk import health_of
from app.graph.reading.lineage.lineage_walk import walk_along
from app.graph.reading.lineage.path_search import paths_between
from app.graph.reading.lineage.walk_budget import Budget, WalkLimits
from app.graph.reading.lineage.walk_session import WalkSession
from app.graph.reading.listing_pages import ListingPages
from app.graph.reading.relation_pages import RelatedPages
from app.graph.reading.rows_by_id import RowsById
from app.graph.reading.search_reader import SearchReader
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.ports.conditions import Condition, ListingQuery
from graphql_schema.ports.contamination_report import ContaminationReport
from graphql_schema.ports.health_report import HealthReport
from graphql_schema.ports.lineage_query import (
    DatedEdge,
    LineageQuery,
    LineageResult,
    PathQuery,
    PathResult,
    SnapshotTime,
)
from graphql_schema.ports.record import Position
from graphql_schema.ports.relation_query import PageRequest, RelationQuery
from graphql_schema.ports.row import FeedBatch, Row, RowPage
from graphql_schema.ports.search_query import SearchCandidates, SearchQuery
from graphql_schema.ports.shared_results import SharedResults
from policies.installation.disclosure import Disclosure

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class LineageSettings:
    """Budgets of lineage queries, health and contamination included, and how much they disclose of hidden vertices.

    The budgets limit nodes, time, walks, edges and steps.
    """

    limits: WalkLimits = field(default_factory=WalkLimits)
    disclosure: Disclosure = Disclosure.NONE


DEFAULT_SETTINGS = LineageSettings()
"""The default limits; nothing is disclosed of hidden vertices."""


class PolicedReader:
    """Implements :class:`graphql_schema.ports.protocols.GraphReader` for one caller and one operation.

    ``recorded`` is the recorded time of the snapshot, in epoch milliseconds; the valid time is that of the row policy.
    """

    def __init__(
        self,
        batcher: LevelBatcher,
        row_policy: RowPolicy,
        settings: LineageSettings = DEFAULT_SETTINGS,
        *,
        recorded: int = 0,
    ) -> None:
        rows = VisibleRows(batcher, row_policy)
        self.pin = SnapshotTime(row_policy.instant.valid, recorded)
        self._row_policy = row_policy
        self._batcher = batcher
        self._budget = batcher.budget
        self._shared = SharedResults(batcher.budget.pause)
        self._rows_by_id = RowsById(rows)
        self._related = RelatedPages(rows)
        self._listings = ListingPages(rows)
        self._searches = SearchReader(rows)
        self._attached_records = AttachedRecords(rows, self._rows_by_id)
        budget = Budget(settings.limits)
        shared = SharedResults(batcher.budget.pause)
        self._walking = WalkSession(
            rows, self._rows_by_id, Expander(rows), EvidenceReader(rows), budget, settings.disclosure, shared
        )
        self._health = _health_reader(self._shared, self._walking, self.pin)
        computed = (contaminated_evaluations(self._walking, self.pin), health_filter(self._health))
        self._computed = ComputedConditions(self._listings, computed, self._budget)

    async def node(self, urn: str) -> Row | None:
        """Return the row of an id that the caller names; None if it is absent or hidden."""
        return await self._in_turn(self._rows_by_id.one(urn))

    async def nodes(self, urns: Sequence[str], *, constant_time: bool = False, named: bool = False) -> list[Row | None]:
        """Return the row of each id, in order; None for one that is absent or hidden."""
        return await self._in_turn(self._rows_by_id.many(urns, constant_time=constant_time, named=named))

    async def related(self, source: Row, related: RelationQuery, page: PageRequest) -> RowPage:
        """Return a page of the rows that a relation query reaches from a source; calls that wait are read together."""
        return await self._in_turn(self._related.page(source, related, page))

    def abandon(self) -> None:
        """Send no further request, and cancel the shared results that are being made."""
        self._batcher.abandon()
        self._shared.cancel()
        self._walking.shared.cancel()

    async def related_to_all(self, sources: Sequence[Row], related: RelationQuery, page: PageRequest) -> list[RowPage]:
        """Return a page of the rows that a relation query reaches from each source, in order."""
        if len(sources) == 1:  # read together with other single sources
            return [await self.related(sources[0], related, page)]
        return await self._in_turn(self._related.pages(sources, related, page))

    async def walk(self, walk: LineageQuery) -> LineageResult:
        """Return the result of a lineage query, at its own snapshot time or else at that of the operation."""
        pin = self.pin if walk.pin is None else walk.pin
        return await self._once(walk, lambda: walk_along(self._walking, walk, pin))

    async def paths(self, search: PathQuery) -> PathResult:
        """Return the shortest paths between two assets."""
        return await self._once(search, lambda: paths_between(self._walking, search, self.pin))

    async def edges_between(
        self, sources: Sequence[Row], targets: Sequence[Row], relations: tuple[str, ...]
    ) -> list[DatedEdge]:
        """Return the visible edges of some relations from each source to each target, ended and later ones included."""
        ends = tuple(row.vid for row in sources), tuple(row.vid for row in targets)
        return await self._once(
            ("edges", *ends, relations), lambda: edges_between(self._walking.rows, sources, targets, relations)
        )

    async def health(self, source: Row) -> HealthReport:
        """Return the health of an asset, which is computed once for the operation."""
        return await self._in_turn(self._health(source))

    async def contamination(self, evaluation: Row) -> ContaminationReport:
        """Return the contamination report of an evaluation, which is computed once for the operation."""
        return await self._once(
            ("contamination", evaluation.vid), lambda: contamination_of(self._walking, evaluation, self.pin)
        )

    async def listing(self, listing: ListingQuery, page: PageRequest) -> RowPage:
        """Return a page of a listing; computed conditions are replaced by ids before the index is queried."""
        where = await self._resolved(listing.where)
        return await self._in_turn(self._listings.page(replace(listing, where=where), page))

    async def search(self, search: SearchQuery) -> SearchCandidates:
        """Return the possible hits of a search; computed conditions are replaced by ids before the index is queried."""
        return await self._once(search, lambda: self._search(search))

    async def _search(self, search: SearchQuery) -> SearchCandidates:
        return await self._searches.candidates(replace(search, where=await self._resolved(search.where)))

    async def _resolved(self, where: Condition) -> Condition:
        """Return a condition with ids in place of what is computed for the caller: contamination, then health.

        Equal conditions of an operation are resolved once.
        """
        return await self._once(("condition", where), lambda: self._computed.resolve(where))

    async def attached_records(
        self, kind: str, where: Condition, page: PageRequest, *, newest_first: bool = True
    ) -> RowPage:
        """Return a page of the visible attached records of a kind, in the order of creation."""
        return await self._once(
            (kind, where, page, newest_first),
            lambda: self._attached_records.page(kind, where, page, newest_first=newest_first),
        )

    async def _once(self, key: Hashable, make: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Return the result of ``make``, in a turn; it is called once for equal keys."""
        return await self._in_turn(self._shared.get(key, make))

    async def _in_turn(self, read: Awaitable[ResultT]) -> ResultT:
        """Return what is read, in a turn: of a shared result, or of one level, all readers would continue at once."""
        found = await read
        await self._budget.pause()
        return found

    def remember(self, rows: Iterable[Row]) -> None:
        """Store rows read by another operation: they are not read again, and use the policy report of this one."""
        for row in rows:
            self._rows_by_id.remember(self._row_policy.reported_here(row))

    async def next_batch(
        self, kind: str, where: Condition, after: Position, size: int, *, few_ends: bool = False
    ) -> FeedBatch:
        """Return the visible ones of the next ``size`` attached records of a kind after a position, oldest first."""
        return await self._attached_records.next_batch(kind, where, after, size, few_ends=few_ends)


def _health_reader(shared: SharedResults, session: WalkSession, pin: SnapshotTime) -> HealthReader:
    """Return the function that computes the health of a row once; it does not refer to the reader.

    With a reference back to the reader, the rows of an operation would stay in memory until a garbage collection.
    """
    return lambda source: shared.get(("health", source.vid), lambda: health_of(session, source, pin))
