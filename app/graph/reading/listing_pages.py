"""Listings of assets: pages that the index orders and the policy filters, some of them read on behind a fence."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiodataloader import DataLoader

from app.graph.reading.level.index_filter import alive, filter_of, keyset, mask_condition, rows_clause
from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.unused_assets import UnusedAssets
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.properties import FIELD_OF
from graphql_schema.ports.conditions import ListingQuery
from graphql_schema.ports.relation_query import ALL, COUNT_LIMIT, PageRequest
from graphql_schema.ports.row import PageItem, RowPage


class Listings:
    """Pages of listings, for one operation."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._judge = rows.row_policy
        self._idle = UnusedAssets(rows)
        self._loader: DataLoader[tuple[ListingQuery, PageRequest], RowPage] = DataLoader(self._load)

    async def page(self, listing: ListingQuery, page: PageRequest) -> RowPage:
        """A page of a listing."""
        return await self._loader.load((listing, page))

    async def _load(self, asked: list[tuple[ListingQuery, PageRequest]]) -> list[RowPage]:
        settled = await self._idle.settled([listing for listing, _ in asked])
        keys = [(listing, page) for listing, (_, page) in zip(settled, asked, strict=True)]
        parts = [self._parts(listing, page) for listing, page in keys]
        answer = await self._rows.fetch(LevelRequest(listings=[part for each in parts for part in each]))
        found = iter(answer.listings)
        pages = [(*key, [next(found) for _ in each]) for key, each in zip(keys, parts, strict=True)]
        if self._judge.floors.any:
            return list(await asyncio.gather(*(self._unfenced(*each, answer) for each in pages)))
        return [self._listed(*each, answer) for each in pages]

    async def _unfenced(
        self, listing: ListingQuery, page: PageRequest, parts: Sequence[dict[str, Any]], answer: LevelResponse
    ) -> RowPage:
        """A page without the rows that a fence hides and the index let through, filled by reading on; no total."""
        items: list[PageItem] = []
        wanted = size = COUNT_LIMIT if page.first is None else page.first + 1
        while True:
            vids = _in_order(parts, size)
            kept = [vid for vid in vids if not self._judge.raised_by_floor(vid, answer.records[vid])]
            items += self._listed(listing, ALL, [{"x": kept, "n": -1}], answer).items
            if len(items) >= wanted or all(len(part["x"]) < size for part in parts):
                return RowPage(tuple(items[: page.first]), len(items) >= wanted and page.first is not None)
            after = self._judge.position(answer.records[vids[-1]], listing.order)
            size = min(max(size * 2, 100), COUNT_LIMIT)
            answer = await self._rows.fetch(LevelRequest(listings=self._parts(listing, PageRequest(size - 1, after))))
            parts = answer.listings

    def _parts(self, listing: ListingQuery, page: PageRequest) -> list[dict[str, Any]]:
        """The index queries of a page: where some rows hide what is ordered by, those come last, by id."""
        discovered, shown = self._judge.rows_filter(), self._judge.shown(listing.order)
        where = mask_condition(listing.where, self._judge.shown, discovered)
        living = alive(self._judge.instant, self._judge.shown, discovered)
        every, visible = (where, living, rows_clause(discovered)), rows_clause(shown)
        total = filter_of(*every) if page.total else []
        size = COUNT_LIMIT if page.first is None else page.first + 1
        asked = {"o": listing.order, "d": listing.descending, "n": size, "c": page.total, "t": total}
        after = page.after
        if shown == discovered:
            beyond = () if after is None else (keyset(listing, after),)
            return [{**asked, "f": filter_of(*every, *beyond)}]
        by_id = ListingQuery(listing.where)
        if after is None or after[0] is not None:
            beyond = () if after is None else (keyset(listing, after),)
            first, after = [{**asked, "f": filter_of(*every, visible, *beyond)}], None
        else:
            first = []
        beyond = () if after is None else (keyset(by_id, after),)
        hidden = {**asked, "f": filter_of(*every, ("not", visible), *beyond), "o": "urn", "d": False}
        return [*first, {**hidden, "c": page.total and not first}]

    def _listed(
        self, listing: ListingQuery, page: PageRequest, parts: Sequence[dict[str, Any]], answer: LevelResponse
    ) -> RowPage:
        items: list[PageItem] = []
        field = FIELD_OF[listing.order]
        for vid in (vid for part in parts for vid in part["x"]):
            row = self._rows.row(vid, answer)
            if row is None:
                self._judge.mismatched(str(vid))
            else:
                items.append(PageItem(row, (row.visible_value(field), row.urn)))
        more = page.first is not None and sum(len(part["x"]) for part in parts) > page.first
        total = parts[0]["n"] if 0 <= parts[0]["n"] <= COUNT_LIMIT else None
        return RowPage(tuple(items[: page.first]), more, total)


def _in_order(parts: Sequence[dict[str, Any]], size: int) -> list[int]:
    """What the parts of a listing found, up to the end of the first that may have more."""
    full = next((number for number, part in enumerate(parts) if len(part["x"]) >= size), len(parts))
    return [vid for part in parts[: full + 1] for vid in part["x"]]
