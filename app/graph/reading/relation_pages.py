"""Pages of relations: the rows that a relation reaches from many sources at once.

The store cuts pages of a fixed size over a single hop. Pages over several hops, with a total, or with one item per edge
are cut here, after all edges are read. So are pages among rows whose time is hidden, and pages read in parts.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Final

from aiodataloader import DataLoader

from app.graph.reading.level.batch_loader import batch_loader
from app.graph.reading.level.hop_plan import Edge, compile_related
from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.level.level_statement import EDGE_CAP, RECORDS_CAP
from app.graph.reading.level.shared_batches import SharedBatches
from app.graph.reading.relation_items import DATED, MANY_EDGES, begins_undated, dated, relation_items
from app.graph.reading.tied_versions import OrderedItems, ordered
from app.graph.reading.visible_rows import ALL_ENDS, VisibleRows
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.catalog.properties import FIRST_REGISTERED, TIME_FIELDS
from graphql_schema.catalog.relations import CHANGED
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.execution.many_calls import gathered
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.ports.record import Json, JsonObject, Position
from graphql_schema.ports.relation_query import (
    COUNT_LIMIT,
    REGISTERED,
    SHOWN_AS_REGISTERED,
    PageRequest,
    RelationQuery,
    slice_page,
)
from graphql_schema.ports.row import PageItem, Row, RowPage
from graphql_schema.ports.turns.sorted_parts import sorted_in_parts
from policies.errors import LimitError
from policies.predicate import Everything

PART: Final = 8_192
"""Number of edges of one source that are first read as a part of them."""

MAX_REFUSED: Final = 50
"""Number of refused requests of one operation after which it reads no further part: each may take half a second."""

MAX_LATER_PAGES: Final = 5
"""Number of pages with a position ``after`` of one list of a source in an operation.

A list over several relations is read as a whole for each of them.
"""

SLACK: Final = 20
"""Number of edges read in excess of a page if policy or filter may remove some: one request then usually fills it."""


_UNREAD: Final = RowPage((), has_next=True)
"""The page of a source that was not read."""


class RelatedPages:
    """Pages of relations, for one operation; sources of the same relation and page are read together."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._slack = 0 if isinstance(rows.row_policy.rows_filter(), Everything) else SLACK
        self._loaders: dict[tuple[int, PageRequest], DataLoader[Row, RowPage]] = {}
        self._batches: dict[tuple[int, PageRequest], tuple[RelationQuery, SharedBatches[Row, RowPage]]] = {}
        self._later: dict[tuple[int, int], set[PageRequest]] = {}
        self._refused = 0

    async def page(self, source: Row, related: RelationQuery, page: PageRequest) -> RowPage:
        """Return a page of the rows that a relation reaches from a source.

        Raises LimitError if too many edges would be read, or more than MAX_LATER_PAGES of one list.
        """
        self._admit([source], related, page)
        key = (
            id(related),
            page,
        )  # id() is safe: the loader keeps the query alive; hashing the paths once per source is slow
        if key not in self._loaders:
            self._loaders[key] = batch_loader(self._load, related, page, get_cache_key=lambda row: row.vid)
        return await self._loaders[key].load(source)

    async def pages(self, sources: Sequence[Row], related: RelationQuery, page: PageRequest) -> list[RowPage]:
        """Return the result of :meth:`page` for each source, without a future for each of them.

        What a call reads, later calls with the same query and page do not read again.
        """
        self._admit(sources, related, page)
        key = (id(related), page)  # fast, as above, and safe, because the query is kept beside the batches
        if key not in self._batches:
            self._batches[key] = related, SharedBatches(attrgetter("vid"), self._rows.budget.pause)
        return await self._batches[key][1].get(sources, partial(self._load, related, page))

    def _admit(self, sources: Sequence[Row], related: RelationQuery, page: PageRequest) -> None:
        """Raise LimitError if the page is one too many, with a position ``after``, of the list of a source."""
        for source in sources if page.after is not None else ():
            later = self._later.setdefault((id(related), source.vid), set())  # id() is safe, as in the callers
            if len(later - {page}) >= MAX_LATER_PAGES:
                raise LimitError(
                    f"A request reads at most {MAX_LATER_PAGES} pages with `after` of one list; read the further "
                    "pages in separate requests.",
                    limit="laterPages",
                    maximum=MAX_LATER_PAGES,
                )
            later.add(page)

    async def _load(self, related: RelationQuery, page: PageRequest, sources: list[Row]) -> list[RowPage]:
        """Return the pages of sources.

        If a list without stubs has too many edges, because anybody may refer to versions of an asset of others, the
        store leaves out the stubs.
        """
        if page.in_parts:
            return await self._load_in_parts(related, page, sources)
        try:
            return await self._load_at_once(related, page, sources)
        except LimitError as error:
            self._rows.budget.check()
            if page.keep != REGISTERED:
                raise
            forget_frames(error)
        shown = replace(page, since=FIRST_REGISTERED, keep=SHOWN_AS_REGISTERED)
        return await self._load_at_once(related, shown, sources)

    async def _load_at_once(self, related: RelationQuery, page: PageRequest, sources: list[Row]) -> list[RowPage]:
        """Return the pages of sources by the cheapest method that the relation and the page permit."""
        if compile_related(related).single and not (
            page.total or related.per_edge or begins_undated(related, page.after)
        ):
            return await self._load_cut_in_store(related, page, sources)
        return await self._load_complete(related, page, sources)

    async def _load_in_parts(self, related: RelationQuery, page: PageRequest, sources: list[Row]) -> list[RowPage]:
        """Return the pages as :meth:`_load_complete` does, those that were read in part with ``has_next``.

        If the sources have too many edges for one request, read each half of the sources by itself. A source that alone
        has too many comes after the others.
        """
        found: dict[int, RowPage] = {}
        waiting, large = [sources], list[Row]()
        while waiting and (len(waiting[-1]) == len(sources) or self._reads_on):
            batch = waiting.pop()
            response = await self._try(related, page, batch)
            if response is not None:
                pages = await self._cut_pages(related, page, batch, response)
                found |= zip((row.vid for row in batch), pages, strict=True)
            elif len(batch) == 1:
                large += batch
            else:
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]
        for source in large:
            found[source.vid] = await self._load_one_in_parts(related, page, source)
        return [found.get(source.vid, _UNREAD) for source in sources]

    async def _load_one_in_parts(self, related: RelationQuery, page: PageRequest, source: Row) -> RowPage:
        """Return the page of a source with too many edges for one request, read in the order of far vertex ids.

        A part that was too large is read with half the length. One that may lack edges to its last far end, which are
        of other labels, is used without this end, with which the next part begins.
        """
        found: list[PageItem] = []
        hops = compile_related(related).hops
        labels = len(hops[0].labels)
        after, size = -1, PART if len(hops) == 1 else 0
        is_read = False
        while size >= labels and not is_read and self._reads_on:
            response = await self._try(related, page, [source], n=size, a=after)
            if response is None:
                size //= 2
                continue
            edges = response.edges[0].get(source.vid, [])
            is_read, after = len(edges) < size, max((far for far, _ in edges), default=after)
            if not is_read and sum(far == after for far, _ in edges) < labels:
                edges = [each for each in edges if each[0] < after]
                after -= 1
            response.edges[0][source.vid] = [each for each in edges if each[1].get("at", 0) >= page.since]
            (more,) = await self._ordered(related, page, [source], response)
            found += more.items
        budget = self._rows.budget
        with budget.reading_on():
            steps = sorted_in_parts(found, attrgetter("position"))
            found_in_order = await run_in_parts(steps, is_long=len(found) > MANY_EDGES, between=budget.check)
        return RowPage(tuple(found_in_order), has_next=not is_read)

    async def _try(
        self, related: RelationQuery, page: PageRequest, sources: list[Row], **window: Json
    ) -> LevelResponse | None:
        """Return what the sources reach; None if it is too much for one request."""
        try:
            return await self._read_all(related, page, sources, **window)
        except LimitError as error:
            self._rows.budget.check()
            forget_frames(error)
            self._refused += 1
            return None

    @property
    def _reads_on(self) -> bool:
        """Whether a further part may be read, so that what the operation reads besides still fits."""
        return self._refused <= MAX_REFUSED and not self._rows.budget.is_half_read

    async def _load_complete(self, related: RelationQuery, page: PageRequest, sources: list[Row]) -> list[RowPage]:
        """Return the pages of sources, cut from everything that each source reaches."""
        return await self._cut_pages(related, page, sources, await self._read_all(related, page, sources))

    async def _read_all(
        self, related: RelationQuery, page: PageRequest, sources: list[Row], **window: Json
    ) -> LevelResponse:
        """Return the response with what the sources reach: all from the earliest time of the page on, or a window."""
        hops = compile_related(related).hops
        vids = [source.vid for source in sources]
        wired = [hop.wire(vids, **(window or _all(page))) for hop in hops]
        request = LevelRequest(hops=wired, refused_from=RECORDS_CAP // 2 if page.in_parts else 0)
        return await self._rows.fetch(request, ends=_far_ends(related))

    async def _cut_pages(
        self, related: RelationQuery, page: PageRequest, sources: list[Row], response: LevelResponse
    ) -> list[RowPage]:
        """Return the page of each source, cut from a response that contains everything it reaches."""
        lists = await self._ordered(related, page, sources, response)
        return [slice_page(each.items, each.page) async for each in self._rows.budget.in_turns(lists)]

    async def _ordered(
        self, related: RelationQuery, page: PageRequest, sources: list[Row], response: LevelResponse
    ) -> list[OrderedItems]:
        """Return the items that each source reaches in a response, in the order of the relation."""
        items = await relation_items(self._rows, related, page, sources, response)
        return await ordered(self._rows, related, page, items)

    async def _load_cut_in_store(self, related: RelationQuery, page: PageRequest, sources: list[Row]) -> list[RowPage]:
        """Return pages that the store cuts.

        If policy or filter removes rows, read on until a page is full or its source has no further edges.
        """
        (hop,) = compile_related(related).hops
        vids = [source.vid for source in sources]
        size = self._size(page)
        window = {"n": size, "since": page.since, **_window(related, page.after)} if size else _all(page)
        response = await self._rows.fetch(LevelRequest(hops=[hop.wire(vids, **window)]), ends=_far_ends(related))
        lists = await self._ordered(related, page, sources, response)
        read = [response.edges[0].get(source.vid, []) for source in sources]
        cut = [
            bool(size) and (len(edges) >= size or (page.after is not None and self._may_be_undated(related)))
            for edges in read
        ]
        slices = [
            slice_page(dated(each.items) if more else each.items, each.page)
            async for each, more in self._rows.budget.in_turns(zip(lists, cut, strict=True))
        ]
        unfinished = {
            number: partial(self._read_on, related, lists[number].page, source, lists[number].items, read[number])
            for number, source in enumerate(sources)
            if cut[number] and not slices[number].has_next
        }
        found = await gathered(self._rows.budget, [*unfinished.values()], "further pages")
        filled = dict(zip(unfinished, found, strict=True))
        return [filled.get(number, each) for number, each in enumerate(slices)]

    async def _read_on(
        self,
        related: RelationQuery,
        page: PageRequest,
        source: Row,
        found: list[PageItem],
        edges: Sequence[tuple[int, Edge]],
    ) -> RowPage:
        """Return the page of one source after reading further edges behind ``edges``, which gave the items ``found``.

        Rows whose time is hidden come last, wherever the store has them. So they are added when all others are read.
        """
        (hop,) = compile_related(related).hops
        size, next_size = self._size(page), 200
        while len(edges) >= size:
            window = _window(related, _last(related, edges), exclusive=True)
            size, next_size = next_size, min(next_size * 2, COUNT_LIMIT)
            request = LevelRequest(hops=[hop.wire([source.vid], n=size, since=page.since, **window)])
            response = await self._rows.fetch(request, ends=_far_ends(related))
            (more,) = await self._ordered(related, page, [source], response)
            found = [*found, *more.items]
            edges = response.edges[0].get(source.vid, [])
            filled = slice_page(dated(found), page)
            if filled.has_next:
                return filled
        if self._may_be_undated(related):
            return (await self._load_complete(related, page, [source]))[0]
        return slice_page(found, page)

    def _size(self, page: PageRequest) -> int:
        """Return the number of edges that are first read for a page from each source; 0 for all."""
        return 0 if page.first is None else page.first + 1 + (self._slack if page.keep is None else SLACK)

    def _may_be_undated(self, related: RelationQuery) -> bool:
        """Return whether a list ordered by time can contain rows whose time is hidden."""
        attached = all(start in ATTACHED_KINDS for start, _ in related.paths[0][-1].relation.ends)
        return related.newest_first and not attached and self._rows.row_policy.hides(TIME_FIELDS)


def _far_ends(related: RelationQuery) -> int:
    """Return how many far ends are read of each change that a relation leads to; 0 if it leads to none."""
    return ALL_ENDS if any(path[-1].relation is CHANGED for path in related.paths) else 0


def _window(related: RelationQuery, after: Position | None, *, exclusive: bool = False) -> JsonObject:
    """Return where a page begins in the order of the store, as entries of a hop of the level statement.

    In the order of time, edges with the time of the position are included and cut later, unless ``exclusive`` is true.
    """
    if not related.newest_first:
        return {} if after is None else {"a": after[0]}
    return {"t": True} if after is None else {"t": True, "at": -after[1] - exclusive}


def _all(page: PageRequest) -> JsonObject:
    """Return the bounds of a hop whose page is not cut in the store: the earliest time of the page, if it has one."""
    return {"t": True, "n": EDGE_CAP, "since": page.since} if page.since else {}


def _last(related: RelationQuery, edges: Sequence[tuple[int, Edge]]) -> tuple[int, ...]:
    """Return the position of the last edge read in the order of the store."""
    if related.newest_first:
        return DATED, max(-edge["at"] for _, edge in edges)
    return (max(far for far, _ in edges),)
