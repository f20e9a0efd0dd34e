"""Facts that are listed by themselves, such as all changes since an instant."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from app.graph.reading.level.index_filter import filter_of, keyset
from app.graph.reading.level.level_batcher import Question
from app.graph.reading.rows_by_id import Points
from app.graph.reading.subject_hops import hide_unread, to_subjects
from app.graph.reading.visible_rows import Rows
from graphql_schema.catalog.kinds import FACTS
from graphql_schema.ports.conditions import Clause, Listing
from graphql_schema.ports.relation_query import COUNT_LIMIT, Page
from graphql_schema.ports.row import Item, Slice, Stretch
from policies.errors import LimitError

MOST_SCANNED: Final = 50_000
"""Facts that one listing looks at to find those that its caller may see."""


class Facts:
    """Pages and stretches of the facts of a kind, for one operation.

    Most who ask for facts ask for their subjects too: these are left with ``points``.
    """

    def __init__(self, rows: Rows, points: Points) -> None:
        self._rows = rows
        self._points = points

    async def page(self, kind: str, where: Clause, page: Page, *, newest_first: bool) -> Slice:
        """A page of the facts of a kind in the order of time, without those that the caller may not see."""
        if kind not in FACTS:
            raise ValueError(f"{kind} is no kind of fact")
        total = len(await self._scan(kind, where, Page(COUNT_LIMIT), newest_first)) if page.total else None
        size = COUNT_LIMIT if page.first is None else page.first
        items = await self._scan(kind, where, replace(page, first=size), newest_first)
        known = None if total is None or total > COUNT_LIMIT else total
        return Slice(tuple(items[:size]), len(items) > size, known)

    async def stretch(self, kind: str, where: Clause, after: Sequence[Any], size: int) -> Stretch:
        """Those shown of the next facts of a kind, oldest first, and where to go on."""
        items, last, _ = await self._look(kind, Listing(where, "createdAt"), after, size)
        return Stretch(tuple(items), last)

    async def _scan(self, kind: str, where: Clause, page: Page, newest_first: bool) -> list[Item]:  # noqa: FBT001
        """One item more than a page has, if there are, of those facts that are shown."""
        items: list[Item] = []
        listing = Listing(where, "createdAt", newest_first)
        after, wanted, scanned = page.after, (page.first or 0) + 1, 0
        size = wanted
        while True:
            found, last, count = await self._look(kind, listing, after, size)
            items += found
            scanned += count
            if len(items) >= wanted or count < size:
                return items[:wanted]
            if scanned >= MOST_SCANNED:
                raise LimitError(
                    f"{MOST_SCANNED} were looked at and few of them are yours to see; narrow the filter.",
                    limit=MOST_SCANNED,
                )
            after, size = last, min(max(size * 2, 100), 2_000)

    async def _look(
        self, kind: str, listing: Listing, after: Sequence[Any] | None, size: int
    ) -> tuple[list[Item], tuple[Any, ...] | None, int]:
        """Of the next facts of a listing those that are shown, the position of the last, and how many there were."""
        beyond = () if after is None else (keyset(listing, after),)
        every = filter_of(("in", "kind", (FACTS[kind].code,)), listing.where, *beyond)
        part = {"o": listing.order, "d": listing.descending, "n": size, "c": False, "t": [], "f": every}
        way = to_subjects(kind, listing=0)
        answer = await self._rows.ask(Question(hops=way.wire(()), listings=[part]), ends=kind == "Change")
        vids = answer.listings[0]["x"]
        for subject in hide_unread(self._rows, way, vids, answer):
            self._points.prime(subject)
        rows = self._rows.found(vids, answer)
        last = answer.records[vids[-1]] if vids else None
        reached = None if last is None else (last["createdAt"], last["id"])
        return [Item(row, (row.record["createdAt"], row.urn)) for row in rows], reached, len(vids)
