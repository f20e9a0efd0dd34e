"""The candidates of a search: nodes that the caller may discover, found by fields that are visible to the caller."""

from dataclasses import replace

from app.graph.reading.access.row_conditions import RowConditions
from app.graph.reading.level.index_filter import even_filter_of
from app.graph.reading.level.index_query import IndexQuery
from app.graph.reading.level.level_batcher import LevelRequest
from app.graph.reading.unused_assets import UnusedAssets
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.ports.conditions import All
from graphql_schema.ports.search_query import MAX_HITS, SearchCandidates, SearchQuery


class SearchReader:
    """The searches of one operation."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._policy = rows.row_policy
        self._conditions = RowConditions(rows.row_policy)
        self._unused = UnusedAssets(rows)

    async def candidates(self, search: SearchQuery) -> SearchCandidates:
        """Return at most MAX_HITS possible hits, without those whose access a sensitivity floor changes.

        Raises InvalidError or LimitError if the index cannot answer the conditions of the search, and the errors of
        :meth:`UnusedAssets.resolve`.
        """
        query, again = await self._index_query(search), False
        while True:
            response = await self._rows.fetch(LevelRequest(listings=[query.wire()], continues=again))
            vids = response.listings[0]["x"]
            kept = [
                vid
                async for vid in self._rows.budget.in_turns(vids)
                if not self._policy.raised_by_floor(vid, response.records[vid])
            ]
            if len(kept) > MAX_HITS or len(vids) < query.size:
                break
            query, again = replace(query, size=query.size * 2), True
        rows = []
        async for vid in self._rows.budget.in_turns(kept[:MAX_HITS]):
            row = self._rows.row(vid, response)
            if row is None:
                self._policy.mismatched(vid, response.records[vid])
            else:
                rows.append(row)
        return SearchCandidates(tuple(rows), len(kept) <= MAX_HITS)

    async def _index_query(self, search: SearchQuery) -> IndexQuery:
        (usage,) = await self._unused.resolve([All((search.where, search.candidates))])
        where = self._conditions.mask(search.where, usage)
        visible = self._conditions.visible()
        candidates, *best = [
            even_filter_of(where, self._conditions.mask(each), visible)
            async for each in self._rows.budget.in_turns((search.candidates, *search.best))
        ]
        return IndexQuery(candidates, MAX_HITS + 1, best=tuple(best))
