"""The state of one search: the source of the fields of its results."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.fields.cursors import CursorCodec
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.protocols import GraphReader
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import PageItem, Row
from graphql_schema.ports.search_query import SearchQuery
from graphql_schema.rules.facets import Facet
from graphql_schema.rules.highlights import highlights
from graphql_schema.rules.ranking import Rank, rank, work_of
from graphql_schema.rules.search_text import SearchText

PART: Final = 2_000
"""Work of the rows that are ranked without a pause, unless one of them alone is more."""

LONG: Final = 8_000
"""Work of rows that are ranked, or of a row whose matches are marked, in the side thread."""


@dataclass(frozen=True, slots=True)
class RankedHits:
    """The hits of one query, best first; ``complete`` is false if not all possible hits were ranked."""

    items: tuple[PageItem, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class SearchSource:
    """A search: its parsed text, the query for assets, and the requested page, cursors and facets of its hits.

    ``group_versions``: whether versions are shown under their assets.

    The fields of the result read only what they need, at the same time, so that their reads share a request. What they
    calculate follows one another, so that a search has at most one call in the side thread.
    """

    text: SearchText
    assets: SearchQuery
    page: PageRequest
    binding: CursorCodec
    facets: tuple[Facet, ...]
    group_versions: bool = False
    _ranked: dict[SearchQuery, RankedHits] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ranked(self, reader: GraphReader, budget: OperationBudget, query: SearchQuery) -> RankedHits:
        """Return the hits of a query, ranked once for all fields; the position of a hit is its rank and its id.

        Raises the errors of the reader, and the error that ended the operation.
        """
        found = await reader.search(query)
        async with self._turn:
            if query not in self._ranked:
                self._ranked[query] = RankedHits(await self._in_order(found.rows, budget), found.complete)
        return self._ranked[query]

    async def _in_order(self, rows: Sequence[Row], budget: OperationBudget) -> tuple[PageItem, ...]:
        items: list[PageItem] = []
        async for part, work in budget.in_turns(self._parts(rows)):
            ranks = await run_in_turn(_ranks, work > LONG, part, self.text)
            budget.check()
            ranked = zip(part, ranks, strict=True)
            items += (PageItem(row, (*order, row.urn)) for row, order in ranked if order is not None)
        return (*sorted(items, key=lambda item: item.position),)

    def _parts(self, rows: Sequence[Row]) -> Iterator[tuple[list[Row], int]]:
        """Yield the rows in parts, each with its work."""
        part: list[Row] = []
        work = 0
        for row in rows:
            more = work_of(row, self.text)
            if part and work + more > PART:
                yield part, work
                part, work = [], 0
            part.append(row)
            work += more
        if part:
            yield part, work

    async def marked(self, row: Row, budget: OperationBudget) -> list[dict[str, str]]:
        """Return the highlights of a row; raise the error that ended the operation."""
        async with self._turn:
            await budget.pause()
            found = await run_in_turn(highlights, work_of(row, self.text) > LONG, row, self.text)
            budget.check()
        return [each for each in found if row.is_shown(each["field"])]


def _ranks(rows: Sequence[Row], text: SearchText) -> list[Rank | None]:
    return [rank(row, text) for row in rows]
