"""What the index proposes for a search: as much of it as the caller discovers, found by fields that are shown there."""

from dataclasses import replace
from typing import Any

from app.graph.reading.level.index_filter import Filter, alive, filter_of, mask_condition, rows_clause
from app.graph.reading.level.level_batcher import LevelRequest
from app.graph.reading.unused_assets import UnusedAssets
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.ports.conditions import Condition, ListingQuery
from graphql_schema.ports.search_query import MAX_HITS, SearchCandidates, SearchQuery


class Searches:
    """Searches, for one operation."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._judge = rows.row_policy
        self._idle = UnusedAssets(rows)

    async def found(self, search: SearchQuery) -> SearchCandidates:
        """The rows that may be hits; behind a fence, which hides some that the index lets through, more are read."""
        (settled,) = await self._idle.settled([ListingQuery(("and", search.asked, search.where))])
        _, asked, _ = settled.where
        search = replace(search, asked=asked)
        size = MAX_HITS + 1
        while True:
            answer = await self._rows.fetch(LevelRequest(listings=[self._part(search, size)]))
            vids = answer.listings[0]["x"]
            kept = [vid for vid in vids if not self._judge.raised_by_floor(vid, answer.records[vid])]
            if len(kept) > MAX_HITS or len(vids) < size:
                break
            size *= 2
        rows = []
        for vid in kept[:MAX_HITS]:
            row = self._rows.row(vid, answer)
            if row is None:
                self._judge.mismatched(str(vid))
            else:
                rows.append(row)
        return SearchCandidates(tuple(rows), len(kept) <= MAX_HITS)

    def _part(self, search: SearchQuery, size: int) -> dict[str, Any]:
        """The index query: all of them, and where there are too many, the best before the others."""
        every, *best = (self._filter(("and", search.asked, each)) for each in (search.where, *search.best))
        return {"f": every, "b": best, "o": "urn", "d": False, "n": size, "c": False, "t": []}

    def _filter(self, clause: Condition) -> Filter:
        discovered, shown = self._judge.rows_filter(), self._judge.shown
        living = alive(self._judge.instant, shown, discovered)
        return filter_of(mask_condition(clause, shown, discovered), living, rows_clause(discovered))
