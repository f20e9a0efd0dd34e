"""The reader of one operation: the port that the schema asks, over points, related pages, listings and facts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.graph.reading.access.row_policy import Judge
from app.graph.reading.attached_records import Facts
from app.graph.reading.level.level_batcher import Coalescer
from app.graph.reading.lineage.expander import Expander
from app.graph.reading.lineage.health_evidence import Examiner
from app.graph.reading.lineage.health_walk import health_of
from app.graph.reading.lineage.lineage_walk import walk_along
from app.graph.reading.lineage.path_search import paths_between
from app.graph.reading.lineage.walk_budget import Budget, Limits
from app.graph.reading.lineage.walk_session import Means
from app.graph.reading.listing_pages import Listings
from app.graph.reading.relation_pages import RelatedPages
from app.graph.reading.rows_by_id import Points
from app.graph.reading.search_reader import Searches
from app.graph.reading.visible_rows import Rows
from graphql_schema.ports.conditions import Clause, Listing
from graphql_schema.ports.health_report import Health
from graphql_schema.ports.lineage_query import FoundPaths, PathSearch, Pin, Walk, Walked
from graphql_schema.ports.relation_query import Page, Related
from graphql_schema.ports.row import Row, Slice, Stretch
from graphql_schema.ports.search_query import Found, Search
from policies.disclosure import Disclosure


@dataclass(frozen=True, slots=True)
class Telling:
    """How far walks may go, and how much they say of what is hidden."""

    limits: Limits = field(default_factory=Limits)
    disclosure: Disclosure = Disclosure.NONE


TELLING = Telling()
"""The limits of a small installation, and nothing told."""


class PolicedReader:
    """Implements :class:`graphql_schema.ports.protocols.GraphReader` for one caller and one operation."""

    def __init__(self, coalescer: Coalescer, judge: Judge, telling: Telling = TELLING, *, recorded: int = 0) -> None:
        rows = Rows(coalescer, judge)
        self.pin = Pin(judge.instant.valid, recorded)
        self._points = Points(rows)
        self._related = RelatedPages(rows)
        self._listings = Listings(rows)
        self._searches = Searches(rows)
        self._facts = Facts(rows, self._points)
        budget = Budget(telling.limits)
        self._walking = Means(rows, self._points, Expander(rows), Examiner(rows), budget, telling.disclosure)

    async def node(self, urn: str) -> Row | None:
        """See :class:`graphql_schema.ports.protocols.GraphReader`."""
        return await self._points.one(urn)

    async def nodes(self, urns: Sequence[str], *, anyway: bool = False) -> list[Row | None]:
        """See :class:`graphql_schema.ports.protocols.GraphReader`."""
        return await self._points.many(urns, anyway=anyway)

    async def related(self, source: Row, related: Related, page: Page) -> Slice:
        """See :class:`graphql_schema.ports.protocols.GraphReader`."""
        return await self._related.page(source, related, page)

    async def walk(self, walk: Walk) -> Walked:
        """See :class:`graphql_schema.ports.protocols.GraphReader`."""
        return await walk_along(self._walking, walk, self.pin if walk.pin is None else walk.pin)

    async def paths(self, search: PathSearch) -> FoundPaths:
        """See :class:`graphql_schema.ports.protocols.GraphReader`."""
        return await paths_between(self._walking, search, self.pin)

    async def health(self, source: Row) -> Health:
        """See :class:`graphql_schema.ports.protocols.GraphReader`."""
        return await health_of(self._walking, source, self.pin)

    async def listing(self, listing: Listing, page: Page) -> Slice:
        """See :class:`graphql_schema.ports.protocols.GraphReader`."""
        return await self._listings.page(listing, page)

    async def search(self, search: Search) -> Found:
        """See :class:`graphql_schema.ports.protocols.GraphReader`."""
        return await self._searches.found(search)

    async def facts(self, kind: str, where: Clause, page: Page, *, newest_first: bool = True) -> Slice:
        """See :class:`graphql_schema.ports.protocols.GraphReader`."""
        return await self._facts.page(kind, where, page, newest_first=newest_first)

    async def stretch(self, kind: str, where: Clause, after: Sequence[Any], size: int) -> Stretch:
        """See :class:`graphql_schema.ports.protocols.GraphReader`."""
        return await self._facts.stretch(kind, where, after, size)
