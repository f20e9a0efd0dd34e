"""Facts that are listed by themselves, such as all changes since an instant."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from app.graph.reading.level.index_filter import filter_of, keyset
from app.graph.reading.level.level_batcher import LevelRequest
from app.graph.reading.rows_by_id import RowsById
from app.graph.reading.subject_hops import hide_unread, to_subjects
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.ports.conditions import Condition, ListingQuery
from graphql_schema.ports.relation_query import COUNT_LIMIT, PageRequest
from graphql_schema.ports.row import FeedBatch, PageItem, RowPage
from policies.errors import LimitError

MAX_SCANNED: Final = 50_000
"""Facts that one listing looks at to find those that its caller may see."""


class AttachedRecords:
    """Pages and stretches of the facts of a kind, for one operation.

    Most who ask for facts ask for their subjects too: these are left with ``points``.
    """

    def __init__(self, rows: VisibleRows, points: RowsById) -> None:
        self._rows = rows
        self._points = points

    async def page(self, kind: str, where: Condition, page: PageRequest, *, newest_first: bool) -> RowPage:
        """A page of the facts of a kind in the order of time, without those that the caller may not see."""
        if kind not in ATTACHED_KINDS:
            raise ValueError(f"{kind} is no kind of fact")
        total = len(await self._scan(kind, where, PageRequest(COUNT_LIMIT), newest_first)) if page.total else None
        size = COUNT_LIMIT if page.first is None else page.first
        items = await self._scan(kind, where, replace(page, first=size), newest_first)
        known = None if total is None or total > COUNT_LIMIT else total
        return RowPage(tuple(items[:size]), len(items) > size, known)

    async def next_batch(self, kind: str, where: Condition, after: Sequence[Any], size: int) -> FeedBatch:
        """Those shown of the next facts of a kind, oldest first, and where to go on."""
        items, last, _ = await self._look(kind, ListingQuery(where, "createdAt"), after, size)
        return FeedBatch(tuple(items), last)

    async def _scan(self, kind: str, where: Condition, page: PageRequest, newest_first: bool) -> list[PageItem]:  # noqa: FBT001
        """One item more than a page has, if there are, of those facts that are shown."""
        items: list[PageItem] = []
        listing = ListingQuery(where, "createdAt", newest_first)
        after, wanted, scanned = page.after, (page.first or 0) + 1, 0
        size = wanted
        while True:
            found, last, count = await self._look(kind, listing, after, size)
            items += found
            scanned += count
            if len(items) >= wanted or count < size:
                return items[:wanted]
            if scanned >= MAX_SCANNED:
                raise LimitError(
                    f"{MAX_SCANNED} were looked at and few of them are yours to see; narrow the filter.",
                    limit=MAX_SCANNED,
                )
            after, size = last, min(max(size * 2, 100), 2_000)

    async def _look(
        self, kind: str, listing: ListingQuery, after: Sequence[Any] | None, size: int
    ) -> tuple[list[PageItem], tuple[Any, ...] | None, int]:
        """Of the next facts of a listing those that are shown, the position of the last, and how many there were."""
        beyond = () if after is None else (keyset(listing, after),)
        every = filter_of(("in", "kind", (ATTACHED_KINDS[kind].code,)), listing.where, *beyond)
        part = {"o": listing.order, "d": listing.descending, "n": size, "c": False, "t": [], "f": every}
        way = to_subjects(kind, listing=0)
        answer = await self._rows.fetch(LevelRequest(hops=way.wire(()), listings=[part]), ends=kind == "Change")
        vids = answer.listings[0]["x"]
        for subject in hide_unread(self._rows, way, vids, answer):
            self._points.remember(subject)
        rows = self._rows.found(vids, answer)
        last = answer.records[vids[-1]] if vids else None
        reached = None if last is None else (last["createdAt"], last["id"])
        return [PageItem(row, (row.record["createdAt"], row.urn)) for row in rows], reached, len(vids)
