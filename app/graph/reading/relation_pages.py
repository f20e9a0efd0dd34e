"""Related pages: what a relation reaches from many sources at once, cut in the store where that can be done."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import orjson
from aiodataloader import DataLoader

from app.graph.reading.level.hop_plan import adjacency, compile_related
from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.level.level_statement import EDGE_CAP
from app.graph.reading.relation_items import DATED, begins_undated, dated, relation_items
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.catalog.properties import TIME_FIELDS
from graphql_schema.catalog.relations import CHANGED
from graphql_schema.ports.relation_query import COUNT_LIMIT, PageRequest, RelationQuery, slice_page
from graphql_schema.ports.row import PageItem, Row, RowPage
from policies.errors import LimitError
from policies.predicate import Everything

SLACK: Final = 20
"""Rows read beyond a page where the policy may take some away, so that the page is full without a second request."""


class RelatedPages:
    """Pages of what relations reach, for one operation; sources of the same relation are asked for together."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._slack = 0 if isinstance(rows.judge.rows_filter(), Everything) else SLACK
        self._loaders: dict[tuple[int, PageRequest], DataLoader[Row, RowPage]] = {}
        self._in_parts = 0

    async def page(self, source: Row, related: RelationQuery, page: PageRequest) -> RowPage:
        """A page of what a relation reaches from a source."""
        key = (id(related), page)  # its loader holds it, and hashing its paths for every source is dear
        if key not in self._loaders:

            async def load(sources: list[Row]) -> list[RowPage]:
                return await self._load(related, page, sources)

            self._loaders[key] = DataLoader(load, get_cache_key=lambda row: row.vid)
        return await self._loaders[key].load(source)

    async def _load(self, related: RelationQuery, page: PageRequest, sources: list[Row]) -> list[RowPage]:
        if page.max_edges_in_parts:
            return await self._parts(related, page, sources)
        if compile_related(related).single and not (
            page.total or related.per_edge or begins_undated(related, page.after)
        ):
            return await self._windows(related, page, sources)
        return await self._whole(related, page, sources)

    async def _parts(self, related: RelationQuery, page: PageRequest, sources: list[Row]) -> list[RowPage]:
        """As :meth:`_whole`; where that is too much for one request, of the halves, one after the other."""
        slices: list[RowPage] = []
        waiting = [sources]
        while waiting:
            part = waiting.pop()
            try:
                answer = await self._everything(related, page, part)
            except LimitError:
                if len(part) == 1:
                    raise
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
                continue
            if part is not sources:
                self._count(answer, page.max_edges_in_parts)
            slices += self._cut(related, page, part, answer)
        return slices

    def _count(self, answer: LevelResponse, most: int) -> None:
        """Count what was read in parts; raises LimitError where that is too much for one operation."""
        self._in_parts += sum(len(edges) // 3 for edges in answer.edges)
        if self._in_parts > most:
            raise LimitError(f"The query reads more than {most} edges in parts; ask for fewer parents.", limit=most)

    async def _whole(self, related: RelationQuery, page: PageRequest, sources: list[Row]) -> list[RowPage]:
        """Pages cut here, from everything that each source reaches."""
        return self._cut(related, page, sources, await self._everything(related, page, sources))

    async def _everything(self, related: RelationQuery, page: PageRequest, sources: list[Row]) -> LevelResponse:
        """What sources reach, in one request."""
        hops = compile_related(related).hops
        vids = [source.vid for source in sources]
        question = LevelRequest(hops=[hop.wire(vids, **_all(page)) for hop in hops])
        return await self._rows.ask(question, ends=_of_changes(related))

    def _cut(
        self, related: RelationQuery, page: PageRequest, sources: list[Row], answer: LevelResponse
    ) -> list[RowPage]:
        """The page of each source, of everything that it reaches."""
        items = relation_items(self._rows, related, page, sources, answer)
        return [slice_page(found, page) for found in items]

    async def _windows(self, related: RelationQuery, page: PageRequest, sources: list[Row]) -> list[RowPage]:
        """Pages cut in the store; where the policy or the filter takes rows away, read on until they are full."""
        (hop,) = compile_related(related).hops
        vids = [source.vid for source in sources]
        size = self._size(page)
        window = {"n": size, "since": page.since, **_window(related, page.after)} if size else _all(page)
        answer = await self._rows.ask(LevelRequest(hops=[hop.wire(vids, **window)]), ends=_of_changes(related))
        items = relation_items(self._rows, related, page, sources, answer)
        adjacent = adjacency(answer.edges[0])
        read = [adjacent.get(source.vid, []) for source in sources]
        partial = [
            bool(size) and (len(edges) >= size or (page.after is not None and self._may_be_undated(related)))
            for edges in read
        ]
        slices = [slice_page(dated(found) if more else found, page) for found, more in zip(items, partial, strict=True)]
        unfinished = {
            number: self._read_on(related, page, source, items[number], read[number])
            for number, source in enumerate(sources)
            if partial[number] and not slices[number].has_next
        }
        filled = dict(zip(unfinished, await asyncio.gather(*unfinished.values()), strict=True))
        return [filled.get(number, found) for number, found in enumerate(slices)]

    async def _read_on(
        self,
        related: RelationQuery,
        page: PageRequest,
        source: Row,
        found: list[PageItem],
        edges: Sequence[tuple[int, str]],
    ) -> RowPage:
        """Fill the page of one source from what stands after the edges that were read; others do so beside it.

        What hides its time comes last, wherever it stands in the store: when the others are at their end, all is read.
        """
        (hop,) = compile_related(related).hops
        size, next_size = self._size(page), 200
        while len(edges) >= size:
            window = _window(related, _last(related, edges), exclusive=True)
            size, next_size = next_size, min(next_size * 2, COUNT_LIMIT)
            question = LevelRequest(hops=[hop.wire([source.vid], n=size, since=page.since, **window)])
            answer = await self._rows.ask(question, ends=_of_changes(related))
            (more,) = relation_items(self._rows, related, page, [source], answer)
            found = [*found, *more]
            edges = adjacency(answer.edges[0]).get(source.vid, [])
            filled = slice_page(dated(found), page)
            if filled.has_next:
                return filled
        if self._may_be_undated(related):
            return (await self._whole(related, page, [source]))[0]
        return slice_page(found, page)

    def _size(self, page: PageRequest) -> int:
        """How many edges of a source are read for a page at first; 0 is all of them."""
        return 0 if page.first is None else page.first + 1 + (self._slack if page.keep is None else SLACK)

    def _may_be_undated(self, related: RelationQuery) -> bool:
        """Whether some of what a list in the order of time shows may hide its time."""
        facts = all(start in ATTACHED_KINDS for start, _ in related.paths[0][-1].relation.ends)
        return related.newest_first and not facts and self._rows.judge.hides(TIME_FIELDS)


def _of_changes(related: RelationQuery) -> bool:
    """Whether a relation leads to changes."""
    return any(path[-1].relation is CHANGED for path in related.paths)


def _window(related: RelationQuery, after: Sequence[Any] | None, *, exclusive: bool = False) -> dict[str, Any]:
    """Where in the store's order a page begins; times include their ties, which are cut afterwards."""
    if not related.newest_first:
        return {} if after is None else {"a": after[0]}
    return {"t": True} if after is None else {"t": True, "at": -after[1] - exclusive}


def _all(page: PageRequest) -> dict[str, Any]:
    """What of a hop is read where its page is not cut in the store: the times that the page is about."""
    return {"t": True, "n": EDGE_CAP, "since": page.since} if page.since else {}


def _last(related: RelationQuery, edges: Sequence[tuple[int, str]]) -> tuple[int, ...]:
    """The position in the store's order of the last edge that was read."""
    if related.newest_first:
        return DATED, max(-orjson.loads(edge)["at"] for _, edge in edges)
    return (max(far for far, _ in edges),)
