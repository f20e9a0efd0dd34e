"""Listings of vertices: pages in the order of the index, filtered by the policy.

The index does not contain sensitivity floors. Rows are dropped if a floor changes the access to them. The page then
reads on until it is full or the index has no more rows, or ends early if it may.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from aiodataloader import DataLoader

from app.graph.reading.access.row_conditions import RowConditions
from app.graph.reading.level.batch_loader import batch_loader
from app.graph.reading.level.index_filter import after_position, even_filter_of
from app.graph.reading.level.index_query import IndexQuery
from app.graph.reading.level.index_tests import IndexFilter
from app.graph.reading.level.level_batcher import LISTINGS_AT_ONCE, LargeLevelError, LevelRequest, LevelResponse
from app.graph.reading.level.level_statement import RECORDS_CAP
from app.graph.reading.unused_assets import UnusedAssets
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.properties import FIELD_OF
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.ports.conditions import BY_URN, Condition, ListingQuery, Negated, SortOrder, Value
from graphql_schema.ports.record import Json, JsonObject, Position, Record
from graphql_schema.ports.relation_query import ALL, COUNT_LIMIT, PageRequest
from graphql_schema.ports.row import PageItem, RowPage
from policies.errors import InvalidError
from policies.predicate import Everything

_Found = JsonObject
"""The response to one index query: ids ``x`` in order, their values ``s`` of some orders, total ``n`` or -1."""

MAX_DROPPED: Final = 500
"""Number of rows that floors hide after which a page ends that may do so: each list would read all of them.

While a floor over 15,000 assets is worked off, that took seconds for each list, and the store from all others.
"""

PART_BYTES: Final = RECORDS_CAP // 8
"""Number of bytes of records from which on a part of a page is refused: less than half of an operation's memory.

Records of short values take up to 67 times their bytes.
"""


Requests = list[tuple[ListingQuery, PageRequest]]
"""Listings, each with the page of it that is requested."""


class ListingPages:
    """The pages of listings of one operation; pages requested together are read together."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._policy = rows.row_policy
        self._conditions = RowConditions(rows.row_policy)
        self._unused = UnusedAssets(rows)
        self._loader: DataLoader[tuple[ListingQuery, PageRequest], RowPage] = batch_loader(self._load)
        self._in_parts: DataLoader[tuple[ListingQuery, PageRequest], RowPage] = batch_loader(self._load_in_parts)
        self._part = asyncio.Lock()

    async def page(self, listing: ListingQuery, page: PageRequest) -> RowPage:
        """Return a page of a listing.

        Its total is None if it is not requested, above :data:`COUNT_LIMIT`, or if the operation found sensitivity
        floors of the tenant. A page ``in_parts``, which has a ``first``, does not count as a list of the operation.
        Raises InvalidError or LimitError if the index cannot answer the condition or the order of the listing, and the
        errors of :meth:`UnusedAssets.resolve`.
        """
        if listing.order.key == "lastUsedAt":
            self._require_known_last_use()
        return await (self._in_parts if page.in_parts else self._loader).load((listing, page))

    def _require_known_last_use(self) -> None:
        """Raise InvalidError if the last use may differ for the caller from that in the index.

        That is the case for a read of the past, and for a caller who may not discover every asset.
        """
        if self._policy.instant.past:
            raise InvalidError("`orderBy: LAST_USED` is about the present; remove `orderBy` or `asOf`.")
        if not isinstance(self._policy.rows_filter(), Everything):
            raise InvalidError(
                "`orderBy: LAST_USED` would include usage by services that may be hidden from you; use another order, "
                "and read `usage { lastUsedAt }` of the assets."
            )

    async def _load(self, requests: Requests) -> list[RowPage]:
        return await _some_after_others(self._read, requests)

    async def _load_in_parts(self, requests: Requests) -> list[RowPage]:
        return await _some_after_others(self._read_in_parts, requests)

    async def _read_in_parts(self, requests: Requests) -> list[RowPage]:
        """Return pages that are read together, or if this is too much, in turns of one part each."""
        if self._rows.budget.is_quarter_read:
            return [RowPage((), has_next=True) for _ in requests]
        try:
            return await self._read(requests, refused_from=PART_BYTES)
        except LargeLevelError as error:
            forget_frames(error)
        return list(await asyncio.gather(*(self._load_one_in_parts(*each) for each in requests)))

    async def _load_one_in_parts(self, listing: ListingQuery, page: PageRequest) -> RowPage:
        """Return a page that ends when the operation has read a quarter of what it may, and then has ``has_next``.

        A part whose records are too large is read with half the length, the next one with twice the length.
        """
        items: list[PageItem] = []
        wanted = size = page.first or 0
        while size:
            async with self._part:
                if self._rows.budget.is_quarter_read:
                    break
                try:
                    (part,) = await self._read([(listing, page)], refused_from=PART_BYTES)
                except LargeLevelError as error:
                    forget_frames(error)
                    size //= 2
                else:
                    items += part.items
                    if not part.items or not part.has_next or len(items) == wanted:
                        return RowPage(tuple(items), part.has_next)
                    page = replace(page, after=items[-1].position)
                    size *= 2
            size = min(size, wanted - len(items))
            page = replace(page, first=size)
        return RowPage(tuple(items), has_next=True)

    async def _read(self, requests: Requests, *, refused_from: int = 0) -> list[RowPage]:
        """Return pages; raise LargeLevelError if their records have ``refused_from`` bytes, unless it is 0."""
        resolved = await self._unused.resolve([listing.where for listing, _ in requests])
        in_turns = self._rows.budget.in_turns
        masked = [
            (replace(listing, where=self._conditions.mask(listing.where, usage)), page)
            async for (listing, page), usage in in_turns(zip(requests, resolved, strict=True))
        ]
        queries = [await self._index_queries(listing, page) for listing, page in masked]
        wired = [each.wire() async for group in in_turns(queries) for each in group]
        request = LevelRequest(listings=wired, continues=refused_from > 0, refused_from=refused_from)
        response = await self._rows.fetch(request)
        found = iter(response.listings)
        pages = [(*each, [next(found) for _ in group]) for each, group in zip(masked, queries, strict=True)]
        if self._policy.floors.any:
            if refused_from:  # one after the other, because the refusal of one ends all
                return [await self._read_on(*each, response, refused_from=refused_from) for each in pages]
            read_on = [self._read_on(*each, response, refused_from=0) for each in pages]
            del response, found  # each keeps it only until its next one
            return list(await asyncio.gather(*read_on))
        return [self._page(*each, response) async for each in in_turns(pages)]

    async def _read_on(
        self,
        listing: ListingQuery,
        page: PageRequest,
        found: Sequence[_Found],
        response: LevelResponse,
        *,
        refused_from: int,
    ) -> RowPage:
        """Return a page without total and without the rows whose access a floor changes.

        Read on until the page is full or the index has no more rows. What may be refused is not read in longer parts,
        and ends as :meth:`_load_one_in_parts` does. A page that ``may_end`` does so after MAX_DROPPED rows.
        """
        items: list[PageItem] = []
        dropped, wanted = 0, COUNT_LIMIT if page.first is None else page.first + 1
        size, after = wanted, page.after
        while True:
            await self._rows.budget.pause()
            vids = _in_order(found, size)
            kept = [
                vid
                async for vid in self._rows.budget.in_turns(vids)
                if not self._policy.raised_by_floor(vid, response.records[vid])
            ]
            values = _order_values(found)
            rest = [{"x": kept, "s": [values.get(vid) for vid in kept] if values else [], "n": -1}]
            items += self._page(listing, ALL, rest, response).items
            dropped += len(vids) - len(kept)
            await self._release_hidden(vids, response)
            if len(items) >= wanted or all(len(each["x"]) < size for each in found):
                return RowPage(tuple(items[: page.first]), len(items) >= wanted and page.first is not None)
            if refused_from and self._rows.budget.is_quarter_read:
                return RowPage(tuple(items[: page.first]), has_next=True)
            after = self._position(listing.order.key, after, vids[-1], found, response.records[vids[-1]])
            if page.may_end and dropped >= MAX_DROPPED:
                return RowPage(tuple(items), has_next=True, end=after)
            if not refused_from:
                size = min(max(size * 2, MAX_DROPPED if page.may_end else 100), COUNT_LIMIT)
            queries = await self._index_queries(listing, PageRequest(size - 1, after))
            wired = [each.wire() for each in queries]
            request = LevelRequest(listings=wired, continues=True, refused_from=refused_from)
            del response, found  # what is released should not be kept beside the next response
            response = await self._rows.fetch(request)
            found = response.listings

    def _position(
        self, key: str, after: Position | None, vid: int, found: Sequence[_Found], record: Record
    ) -> tuple[Json, str]:
        """Return the position of the row ``vid``, the last one that the queries after a position have ``found``.

        It is that in the query which found the row: its ``record`` may be newer, and hide the row or its property.
        """
        is_in_second = vid not in found[0]["x"] or (after is not None and after[0] is None)
        if is_in_second and self._conditions.hides(key):
            return None, record["id"]
        value = _order_values(found).get(vid)
        return record.get(FIELD_OF[key]) if value is None else value, record["id"]

    async def _release_hidden(self, vids: Sequence[int], response: LevelResponse) -> None:
        """Count the records of hidden rows no longer, because none is kept: they must end no list of others."""
        async for vid in self._rows.budget.in_turns(vids):
            if self._rows.known(vid) is None:
                self._rows.budget.release(response.weights.pop(vid, 0))

    async def _index_queries(self, listing: ListingQuery, page: PageRequest) -> list[IndexQuery]:
        """Return the index queries of a page: one, or two if some rows may hide the property of the order.

        Rows that hide the property come last, by URN; the value of their position is None. A page that begins among
        them needs one query. A filter takes up to 16 ms, so each is made in a turn of the event loop.
        """
        every = (listing.where, self._conditions.visible())
        size = COUNT_LIMIT if page.first is None else page.first + 1

        async def filter_of(*conditions: Condition) -> IndexFilter:
            await self._rows.budget.pause()
            return even_filter_of(*every, *conditions)

        async def query(order: SortOrder, after: Sequence[Value] | None, *within: Condition) -> IndexQuery:
            beyond = () if after is None else (after_position(order, after),)
            return IndexQuery(await filter_of(*within, *beyond), size, order)

        order, after = listing.order, page.after
        shown = self._conditions.shows(order.key)
        if not self._conditions.hides(order.key):
            queries = [await query(order, after)]
        elif after is None or after[0] is not None:
            queries = [await query(order, after, shown), await query(BY_URN, None, Negated(shown))]
        else:
            queries = [await query(BY_URN, after, Negated(shown))]
        return [replace(queries[0], total=await filter_of() if page.total else None), *queries[1:]]

    def _page(
        self, listing: ListingQuery, page: PageRequest, found: Sequence[_Found], response: LevelResponse
    ) -> RowPage:
        items: list[PageItem] = []
        field, values = FIELD_OF[listing.order.key], _order_values(found)
        for vid in (vid for each in found for vid in each["x"]):
            row = self._rows.row(vid, response)
            if row is None:
                self._policy.mismatched(vid, response.records[vid])
            else:
                value = None if field in row.access.hidden else values.get(vid, row.record.get(field))
                items.append(PageItem(row, (value, row.urn)))
        more = page.first is not None and sum(len(each["x"]) for each in found) > page.first
        total = found[0]["n"] if 0 <= found[0]["n"] <= COUNT_LIMIT else None
        return RowPage(tuple(items[: page.first]), more, total)


def _order_values(found: Sequence[_Found]) -> dict[int, Value]:
    """Return the values of the order that the store returned, by vertex id; empty for other orders."""
    return {vid: value for each in found for vid, value in zip(each["x"], each["s"], strict=bool(each["s"]))}


def _in_order(found: Sequence[_Found], size: int) -> list[int]:
    """Return the ids of the queries one after the other.

    ``size`` is what each query requested. A query that returned ``size`` ids may have more, so it is the last one
    included.
    """
    full = next((number for number, each in enumerate(found) if len(each["x"]) >= size), len(found))
    return [vid for each in found[: full + 1] for vid in each["x"]]


async def _some_after_others(read: Callable[[Requests], Awaitable[list[RowPage]]], requests: Requests) -> list[RowPage]:
    """Return pages; of very many, some are read after the others, so that the budget ends what is too much."""
    pages: list[RowPage] = []
    for begin in range(0, len(requests), LISTINGS_AT_ONCE):
        pages += await read(requests[begin : begin + LISTINGS_AT_ONCE])
    return pages
