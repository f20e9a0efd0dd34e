"""Protocols of the store, which the schema uses and ``app.graph`` implements."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from graphql_schema.ports.commands import Command
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
from graphql_schema.ports.outcomes import WriteOutcome
from graphql_schema.ports.record import Position
from graphql_schema.ports.relation_query import PageRequest, RelationQuery
from graphql_schema.ports.row import FeedBatch, Row, RowPage
from graphql_schema.ports.search_query import SearchCandidates, SearchQuery


class GraphReader(Protocol):
    """Reads for one caller and one operation; its rows and edges have passed the policy of the caller.

    Equal calls share their results, except those of :meth:`next_batch`. Calls that wait at the same time share their
    requests to the store. Ids must be valid URNs. Methods raise ``policies.errors.CodedError``: with STORE_UNAVAILABLE,
    STORE_FAILED or LIMIT_EXCEEDED, with INVALID for a condition or an order that cannot be applied, or the error that
    ended the operation.
    """

    async def node(self, urn: str) -> Row | None:
        """Return the row of an id, also of a deleted asset; None if it is absent at the read time, or hidden.

        Absent and hidden ids take the same requests to the store.
        """
        ...

    async def nodes(self, urns: Sequence[str], *, constant_time: bool = False, named: bool = False) -> list[Row | None]:
        """Return one row per id, in order, None for absent or hidden ids.

        Set ``constant_time`` for ids read from hidden records: the response time then does not reveal whether any
        exists. Set ``named`` for ids that the caller names, as those of :meth:`node` are taken to be: hidden and absent
        ones then take the same requests, whatever caches hold of them.
        """
        ...

    @property
    def pin(self) -> SnapshotTime:
        """Return the valid and the recorded time at which the operation reads."""
        ...

    async def walk(self, walk: LineageQuery) -> LineageResult:
        """Return the result of a lineage query, within the budgets of the operation."""
        ...

    async def paths(self, search: PathQuery) -> PathResult:
        """Return the shortest paths between two assets, within the budgets of the operation."""
        ...

    async def edges_between(
        self, sources: Sequence[Row], targets: Sequence[Row], relations: tuple[str, ...]
    ) -> list[DatedEdge]:
        """Return the edges of some lineage relations from each source to each target, each with its last interval.

        They are those stored now, whatever the read time, ended, later and unconfirmed ones included. An edge is left
        out if neither end shows it to the caller, or if the time that ends or delays it is hidden.
        """
        ...

    async def health(self, source: Row) -> HealthReport:
        """Return the health of an asset, from evidence on it and upstream, within the budgets of the operation."""
        ...

    async def contamination(self, evaluation: Row) -> ContaminationReport:
        """Return the contamination report of an evaluation, within the budgets of the operation."""
        ...

    async def related(self, source: Row, related: RelationQuery, page: PageRequest) -> RowPage:
        """Return a page of the rows that the relation query reaches from ``source``."""
        ...

    def abandon(self) -> None:
        """Send no further request, and count nothing of what is under way: no caller waits for it."""
        ...

    async def related_to_all(self, sources: Sequence[Row], related: RelationQuery, page: PageRequest) -> list[RowPage]:
        """Return the result of :meth:`related` for each source, in order."""
        ...

    async def listing(self, listing: ListingQuery, page: PageRequest) -> RowPage:
        """Return a page of the visible vertices that a listing selects, in its order.

        Assets that are deleted at the read time are left out.
        """
        ...

    async def search(self, search: SearchQuery) -> SearchCandidates:
        """Return at most MAX_HITS possible hits in no defined order; matches of hidden fields are excluded."""
        ...

    async def attached_records(
        self, kind: str, where: Condition, page: PageRequest, *, newest_first: bool = True
    ) -> RowPage:
        """Return a page of the attached records of a kind that the caller may see through their subjects.

        They are ordered by creation. ``kind`` is Change, ChangePlan, Incident, Ingestion or ThinEvent. Raises
        LimitError if too many records must be examined to fill the page or to count the total.
        """
        ...

    def remember(self, rows: Iterable[Row]) -> None:
        """Store rows that another reader of a caller with equal rights has just read; they are not read again."""
        ...

    async def next_batch(
        self, kind: str, where: Condition, after: Position, size: int, *, few_ends: bool = False
    ) -> FeedBatch:
        """Examine the next ``size`` attached records of a kind that meet ``where``, after a position, oldest first.

        Return the visible ones. No further records are examined if few or none of these are visible. With ``few_ends``,
        only the first far ends of a change are examined, and the others count as hidden. Raises LimitError if the
        records of the batch are too large together.
        """
        ...


class GraphWriter(Protocol):
    """Writes for one caller. An item that is reported as written survives a crash of any process."""

    async def write(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        """Write the items and return one outcome per item, in order; an item is written completely or not at all.

        With ``atomic`` all items are written or none, with ``dry_run`` none. Raises LimitError, and writes nothing, if
        an atomic call refers to too many ids or is too long. Raises CodedError if the store fails or the operation has
        ended; items may then be written, unless the call is atomic and the store refused it.
        """
        ...


class ChangeFeed(Protocol):
    """Signals readers of the change feed that there may be new changes."""

    @property
    def count(self) -> int:
        """Return a counter that grows when there may be new changes; get it before reading changes, then wait.

        Its value is not the number of transactions.
        """
        ...

    async def wait(self, count: int) -> None:
        """Return when the counter differs from ``count``; writes of other processes are learned every second."""
        ...

    def complete_until(self) -> int | None:
        """Return the instant up to which every visible change belongs to a transaction that is visible completely.

        It is in epoch milliseconds, None if all visible changes do. The counter grows when it moves.
        """
        ...

    async def learn(self) -> None:
        """Learn what other processes have written before this call, so that ``count`` has grown if they have."""
        ...

    async def end(self) -> tuple[int, str]:
        """Return the position after the last stored change."""
        ...
