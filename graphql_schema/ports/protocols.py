"""What the schema needs from a database, as Protocols; ``app.graph`` implements them."""

from collections.abc import Sequence
from typing import Any, Protocol

from graphql_schema.ports.commands import Command
from graphql_schema.ports.conditions import Condition, ListingQuery
from graphql_schema.ports.health_report import HealthReport
from graphql_schema.ports.lineage_query import LineageQuery, LineageResult, PathQuery, PathResult, SnapshotTime
from graphql_schema.ports.outcomes import WriteOutcome
from graphql_schema.ports.relation_query import PageRequest, RelationQuery
from graphql_schema.ports.row import FeedBatch, Row, RowPage
from graphql_schema.ports.search_query import SearchCandidates, SearchQuery


class GraphReader(Protocol):
    """Reads for one caller and one operation. Everything that it returns has passed the caller's policy.

    Calls of one tick, and those that arrive while a request is on its way, travel to the store together. Raises
    ``policies.errors.CodedError`` with STORE_UNAVAILABLE, STORE_FAILED or LIMIT_EXCEEDED.
    """

    async def node(self, urn: str) -> Row | None:
        """The row of an id; None when it is unknown or hidden, which take the same requests."""
        ...

    async def nodes(self, urns: Sequence[str], *, anyway: bool = False) -> list[Row | None]:
        """One entry per id, in order; ``anyway`` takes a request whatever is asked for and known.

        Ids that were read from what may be hidden then take no other time than none.
        """
        ...

    @property
    def pin(self) -> SnapshotTime:
        """The instant that the operation reads at, and the one by which what it reads was recorded."""
        ...

    async def walk(self, walk: LineageQuery) -> LineageResult:
        """Everything that a walk reaches, within the budgets of the operation."""
        ...

    async def paths(self, search: PathQuery) -> PathResult:
        """The shortest paths between two assets, within the budgets of the operation."""
        ...

    async def health(self, source: Row) -> HealthReport:
        """How an asset is, by what was told of it and of what it comes from, within the budgets of the operation."""
        ...

    async def related(self, source: Row, related: RelationQuery, page: PageRequest) -> RowPage:
        """A page of what ``related`` reaches from ``source``."""
        ...

    async def listing(self, listing: ListingQuery, page: PageRequest) -> RowPage:
        """A page of an ordered listing of the whole graph."""
        ...

    async def search(self, search: SearchQuery) -> SearchCandidates:
        """What may be a hit, in no order; what is found by a hidden field is not among it. One request."""
        ...

    async def attached_records(
        self, kind: str, where: Condition, page: PageRequest, *, newest_first: bool = True
    ) -> RowPage:
        """A page of all facts of a kind, by the time they were recorded; those about what the caller reads."""
        ...

    async def next_batch(self, kind: str, where: Condition, after: Sequence[Any], size: int) -> FeedBatch:
        """Of the next ``size`` facts of a kind after a position, the oldest first, those about what the caller reads.

        One request, however few of them are shown; an empty stretch may have reached further facts.
        """
        ...


class GraphWriter(Protocol):
    """Writes for one caller. What it reports as done survives the death of any process."""

    async def write(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        """Write the items and answer one outcome per item, in order; an item is written whole or not at all."""
        ...


class ChangeFeed(Protocol):
    """Tells those who follow the changes when there may be more of them."""

    @property
    def count(self) -> int:
        """How often something was written; read it before reading changes, and wait for another one."""
        ...

    async def wait(self, count: int) -> None:
        """Return when something was written since ``count`` was read; which another process wrote, within seconds."""
        ...

    async def end(self) -> tuple[int, str]:
        """The position after the last change that is stored."""
        ...


class Notes(Protocol):
    """Collects what the answer's ``extensions`` say beside the data."""

    def extensions(self) -> dict[str, Any]:
        """The extensions of the response, empty when there is nothing to say."""
        ...
