"""The reader of one operation: the port that the schema asks, over points, related pages, listings and facts."""

from collections.abc import Sequence
from typing import Any

from app.graph.coalescer import Coalescer
from app.graph.judge import Judge
from app.graph.reading.facts import Facts
from app.graph.reading.listings import Listings
from app.graph.reading.points import Points
from app.graph.reading.related import RelatedPages
from app.graph.reading.rows import Rows
from app.graph.reading.searches import Searches
from graphql_schema.listing import Clause, Listing
from graphql_schema.related import Page, Related
from graphql_schema.row import Row, Slice, Stretch
from graphql_schema.searching import Found, Search


class PolicedReader:
    """Implements :class:`graphql_schema.ports.GraphReader` for one caller and one operation."""

    def __init__(self, coalescer: Coalescer, judge: Judge) -> None:
        rows = Rows(coalescer, judge)
        self._points = Points(rows)
        self._related = RelatedPages(rows)
        self._listings = Listings(rows)
        self._searches = Searches(rows)
        self._facts = Facts(rows, self._points)

    async def node(self, urn: str) -> Row | None:
        """See :class:`graphql_schema.ports.GraphReader`."""
        return await self._points.one(urn)

    async def nodes(self, urns: Sequence[str]) -> list[Row | None]:
        """See :class:`graphql_schema.ports.GraphReader`."""
        return await self._points.many(urns)

    async def related(self, source: Row, related: Related, page: Page) -> Slice:
        """See :class:`graphql_schema.ports.GraphReader`."""
        return await self._related.page(source, related, page)

    async def listing(self, listing: Listing, page: Page) -> Slice:
        """See :class:`graphql_schema.ports.GraphReader`."""
        return await self._listings.page(listing, page)

    async def search(self, search: Search) -> Found:
        """See :class:`graphql_schema.ports.GraphReader`."""
        return await self._searches.found(search)

    async def facts(self, kind: str, where: Clause, page: Page, *, newest_first: bool = True) -> Slice:
        """See :class:`graphql_schema.ports.GraphReader`."""
        return await self._facts.page(kind, where, page, newest_first=newest_first)

    async def stretch(self, kind: str, where: Clause, after: Sequence[Any], size: int) -> Stretch:
        """See :class:`graphql_schema.ports.GraphReader`."""
        return await self._facts.stretch(kind, where, after, size)
