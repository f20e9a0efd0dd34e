"""The reader of one operation: loaders over the coalescer, every record judged before it is counted, paged or used."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson
from aiodataloader import DataLoader

from app.graph.clauses import ALIVE, filter_of, keyset, policed, rows_clause
from app.graph.coalescer import Answer, Coalescer, Question
from app.graph.facts import ToSubjects, is_shown, to_subjects
from app.graph.hops import adjacency, compile_related, reached
from app.graph.ids import vertex_id
from app.graph.judge import Judge
from app.graph.level import EDGE_CAP
from graphql_schema.catalog import CHANGED, FACTS, FIELD_OF, KIND_OF_SLUG, TIME_FIELDS
from graphql_schema.enums import AccessGrade
from graphql_schema.listing import Clause, Listing
from graphql_schema.related import ALL, COUNT_LIMIT, Page, Related, cut
from graphql_schema.row import Item, Row, Slice, Stretch
from graphql_schema.urn import slug_of
from policies.errors import LimitError
from policies.predicate import Everything

DATED, UNDATED = 0, 1
"""How the position of a row begins in a list in the order of time: what hides its time comes last, by id."""

MOST_SCANNED: Final = 50_000
"""Facts that one listing looks at to find those that its caller may see."""

SLACK: Final = 20
"""Rows read beyond a page where the policy may take some away, so that the page is full without a second request."""


class PolicedReader:
    """Implements :class:`graphql_schema.ports.GraphReader` for one caller and one operation."""

    def __init__(self, coalescer: Coalescer, judge: Judge) -> None:
        self._coalescer = coalescer
        self._judge = judge
        self._slack = 0 if isinstance(judge.rows_filter(), Everything) else SLACK
        self._rows: dict[int, Row | None] = {}
        self._points: DataLoader[str, Row | None] = DataLoader(self._load_points)
        self._listings: DataLoader[tuple[Listing, Page], Slice] = DataLoader(self._load_listings)
        self._related: dict[tuple[int, Page], DataLoader[Row, Slice]] = {}

    async def node(self, urn: str) -> Row | None:
        """See :class:`graphql_schema.ports.GraphReader`."""
        return await self._points.load(urn)

    async def nodes(self, urns: Sequence[str]) -> list[Row | None]:
        """See :class:`graphql_schema.ports.GraphReader`."""
        return await self._points.load_many(urns)

    async def related(self, source: Row, related: Related, page: Page) -> Slice:
        """See :class:`graphql_schema.ports.GraphReader`."""
        key = (id(related), page)  # its loader holds it, and hashing its paths for every source is dear
        if key not in self._related:

            async def load(sources: list[Row]) -> list[Slice]:
                return await self._load_related(related, page, sources)

            self._related[key] = DataLoader(load, get_cache_key=lambda row: row.vid)
        return await self._related[key].load(source)

    async def listing(self, listing: Listing, page: Page) -> Slice:
        """See :class:`graphql_schema.ports.GraphReader`."""
        return await self._listings.load((listing, page))

    async def _load_points(self, urns: list[str]) -> list[Row | None]:
        vids = [vertex_id(self._judge.tenant, urn) for urn in urns]
        facts: dict[str, list[int]] = {}
        for urn, vid in zip(urns, vids, strict=True):
            kind = KIND_OF_SLUG[slug_of(urn)]
            if kind.shown_by:
                facts.setdefault(kind.name, []).append(vid)
        ways: list[ToSubjects] = []
        for kind_name in facts:
            ways.append(to_subjects(kind_name, sum(len(way.hops) for way in ways)))
        hops = [hop for way in ways for hop in way.wire(facts[way.kind])]
        answer = await self._ask(Question(points=vids, hops=hops), ends="Change" in facts, anyway=vids)
        for way in ways:
            self._judge_facts(way, facts[way.kind], answer)
        rows = [self._row(vid, answer) for vid in vids]
        for urn, vid, row in zip(urns, vids, rows, strict=True):
            if row is None:
                self._judge.asked_for(urn, answer.records.get(vid))
        return [row if row is not None and row.urn == urn else None for urn, row in zip(urns, rows, strict=True)]

    async def _load_related(self, related: Related, page: Page, sources: list[Row]) -> list[Slice]:
        if compile_related(related).single and not (page.total or related.per_edge or _undated(related, page.after)):
            return await self._load_windows(related, page, sources)
        return await self._load_whole(related, page, sources)

    async def _load_whole(self, related: Related, page: Page, sources: list[Row]) -> list[Slice]:
        """Pages cut here, from everything that each source reaches."""
        hops = compile_related(related).hops
        vids = [source.vid for source in sources]
        answer = await self._ask(
            Question(hops=[hop.wire(vids, **_all(page)) for hop in hops]), ends=_of_changes(related)
        )
        items = self._items(related, page, sources, answer)
        return [cut(found, page) for found in items]

    async def _load_windows(self, related: Related, page: Page, sources: list[Row]) -> list[Slice]:
        """Pages cut in the store; where the policy or the filter takes rows away, read on until they are full."""
        (hop,) = compile_related(related).hops
        vids = [source.vid for source in sources]
        size = self._size(page)
        window = {"n": size, "since": page.since, **_window(related, page.after)} if size else _all(page)
        answer = await self._ask(Question(hops=[hop.wire(vids, **window)]), ends=_of_changes(related))
        items = self._items(related, page, sources, answer)
        adjacent = adjacency(answer.edges[0])
        read = [adjacent.get(source.vid, []) for source in sources]
        partial = [
            bool(size) and (len(edges) >= size or (page.after is not None and self._may_be_undated(related)))
            for edges in read
        ]
        slices = [cut(_dated(found) if more else found, page) for found, more in zip(items, partial, strict=True)]
        unfinished = {
            number: self._read_on(related, page, source, items[number], read[number])
            for number, source in enumerate(sources)
            if partial[number] and not slices[number].has_next
        }
        filled = dict(zip(unfinished, await asyncio.gather(*unfinished.values()), strict=True))
        return [filled.get(number, found) for number, found in enumerate(slices)]

    async def _read_on(
        self, related: Related, page: Page, source: Row, found: list[Item], edges: Sequence[tuple[int, str]]
    ) -> Slice:
        """Fill the page of one source from what stands after the edges that were read; others do so beside it.

        What hides its time comes last, wherever it stands in the store: when the others are at their end, all is read.
        """
        (hop,) = compile_related(related).hops
        size, next_size = self._size(page), 200
        while len(edges) >= size:
            window = _window(related, _last(related, edges), exclusive=True)
            size, next_size = next_size, min(next_size * 2, COUNT_LIMIT)
            question = Question(hops=[hop.wire([source.vid], n=size, since=page.since, **window)])
            answer = await self._ask(question, ends=_of_changes(related))
            (more,) = self._items(related, page, [source], answer)
            found = [*found, *more]
            edges = adjacency(answer.edges[0]).get(source.vid, [])
            filled = cut(_dated(found), page)
            if filled.has_next:
                return filled
        if self._may_be_undated(related):
            return (await self._load_whole(related, page, [source]))[0]
        return cut(found, page)

    def _size(self, page: Page) -> int:
        """How many edges of a source are read for a page at first; 0 is all of them."""
        return 0 if page.first is None else page.first + 1 + (self._slack if page.keep is None else SLACK)

    def _may_be_undated(self, related: Related) -> bool:
        """Whether some of what a list in the order of time shows may hide its time."""
        facts = all(start in FACTS for start, _ in related.paths[0][-1].relation.ends)
        return related.newest_first and not facts and self._judge.hides(TIME_FIELDS)

    def _items(self, related: Related, page: Page, sources: Sequence[Row], answer: Answer) -> list[list[Item]]:
        """What each source reaches, judged, filtered, each once, in order."""
        compiled, asked = compile_related(related), related.asked
        edges = [adjacency(rows) for rows in answer.edges]
        result: list[list[Item]] = []
        for source in sources:
            found: dict[tuple[Any, ...], Item] = {}
            for leaf in compiled.leaves:
                inward = compiled.hops[leaf.chain[-1]].direction == "in"
                for way, text in reached(source.vid, leaf.chain, edges):
                    rows = [row for row in (self._row(vid, answer) for vid in way) if row is not None]
                    if len(rows) < len(way) or (related.per_edge and way[-1] == source.vid):
                        continue
                    if not all(_passable(row, asked) for row in rows[:-1]) or any(map(_deleted, rows)):
                        continue
                    item = _item(related, source, rows, _edge(text, source, rows, inward=inward), leaf.path_of)
                    if page.keep is None or page.keep(item):
                        known = found.get(item.position)
                        if known is None or item.path < known.path:
                            found[item.position] = item
            result.append(sorted(found.values(), key=lambda item: item.position))
        return result

    async def _load_listings(self, keys: list[tuple[Listing, Page]]) -> list[Slice]:
        parts = [self._parts(listing, page) for listing, page in keys]
        answer = await self._coalescer.ask(Question(listings=[part for each in parts for part in each]))
        found = iter(answer.listings)
        pages = [(*key, [next(found) for _ in each]) for key, each in zip(keys, parts, strict=True)]
        if self._judge.fences.any:
            return list(await asyncio.gather(*(self._unfenced(*each, answer) for each in pages)))
        return [self._listed(*each, answer) for each in pages]

    async def _unfenced(self, listing: Listing, page: Page, parts: Sequence[dict[str, Any]], answer: Answer) -> Slice:
        """A page without the rows that a fence hides and the index let through, filled by reading on; no total."""
        items: list[Item] = []
        wanted = size = COUNT_LIMIT if page.first is None else page.first + 1
        while True:
            vids = _in_order(parts, size)
            kept = [vid for vid in vids if not self._judge.fenced(vid, answer.records[vid])]
            items += self._listed(listing, ALL, [{"x": kept, "n": -1}], answer).items
            if len(items) >= wanted or all(len(part["x"]) < size for part in parts):
                return Slice(tuple(items[: page.first]), len(items) >= wanted and page.first is not None)
            after = self._judge.position(answer.records[vids[-1]], listing.order)
            size = min(max(size * 2, 100), COUNT_LIMIT)
            answer = await self._coalescer.ask(Question(listings=self._parts(listing, Page(size - 1, after))))
            parts = answer.listings

    def _parts(self, listing: Listing, page: Page) -> list[dict[str, Any]]:
        """The index queries of a page: where some rows hide what is ordered by, those come last, by id."""
        discovered, shown = self._judge.rows_filter(), self._judge.shown(listing.order)
        where = policed(listing.where, self._judge.shown, discovered)
        every, visible = (where, ALIVE, rows_clause(discovered)), rows_clause(shown)
        total = filter_of(*every) if page.total else []
        size = COUNT_LIMIT if page.first is None else page.first + 1
        asked = {"o": listing.order, "d": listing.descending, "n": size, "c": page.total, "t": total}
        after = page.after
        if shown == discovered:
            beyond = () if after is None else (keyset(listing, after),)
            return [{**asked, "f": filter_of(*every, *beyond)}]
        by_id = Listing(listing.where)
        if after is None or after[0] is not None:
            beyond = () if after is None else (keyset(listing, after),)
            first, after = [{**asked, "f": filter_of(*every, visible, *beyond)}], None
        else:
            first = []
        beyond = () if after is None else (keyset(by_id, after),)
        hidden = {**asked, "f": filter_of(*every, ("not", visible), *beyond), "o": "urn", "d": False}
        return [*first, {**hidden, "c": page.total and not first}]

    def _listed(self, listing: Listing, page: Page, parts: Sequence[dict[str, Any]], answer: Answer) -> Slice:
        items: list[Item] = []
        field = FIELD_OF[listing.order]
        for vid in (vid for part in parts for vid in part["x"]):
            row = self._row(vid, answer)
            if row is None:
                self._judge.mismatched(str(vid))
            else:
                items.append(Item(row, (row.peek(field), row.urn)))
        more = page.first is not None and sum(len(part["x"]) for part in parts) > page.first
        total = parts[0]["n"] if 0 <= parts[0]["n"] <= COUNT_LIMIT else None
        return Slice(tuple(items[: page.first]), more, total)

    async def facts(self, kind: str, where: Clause, page: Page, *, newest_first: bool = True) -> Slice:
        """See :class:`graphql_schema.ports.GraphReader`."""
        if kind not in FACTS:
            raise ValueError(f"{kind} is no kind of fact")
        total = len(await self._scan(kind, where, Page(COUNT_LIMIT), newest_first)) if page.total else None
        size = COUNT_LIMIT if page.first is None else page.first
        items = await self._scan(kind, where, replace(page, first=size), newest_first)
        known = None if total is None or total > COUNT_LIMIT else total
        return Slice(tuple(items[:size]), len(items) > size, known)

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

    async def stretch(self, kind: str, where: Clause, after: Sequence[Any], size: int) -> Stretch:
        """See :class:`graphql_schema.ports.GraphReader`."""
        items, last, _ = await self._look(kind, Listing(where, "createdAt"), after, size)
        return Stretch(tuple(items), last)

    async def _look(
        self, kind: str, listing: Listing, after: Sequence[Any] | None, size: int
    ) -> tuple[list[Item], tuple[Any, ...] | None, int]:
        """Of the next facts of a listing those that are shown, the position of the last, and how many there were."""
        beyond = () if after is None else (keyset(listing, after),)
        every = filter_of(("in", "kind", (FACTS[kind].code,)), listing.where, *beyond)
        part = {"o": listing.order, "d": listing.descending, "n": size, "c": False, "t": [], "f": every}
        way = to_subjects(kind, listing=0)
        answer = await self._ask(Question(hops=way.wire(()), listings=[part]), ends=kind == "Change")
        vids = answer.listings[0]["x"]
        self._judge_facts(way, vids, answer)
        rows = [row for row in (self._row(vid, answer) for vid in vids) if row is not None]
        last = answer.records[vids[-1]] if vids else None
        reached = None if last is None else (last["createdAt"], last["id"])
        return [Item(row, (row.record["createdAt"], row.urn)) for row in rows], reached, len(vids)

    def _judge_facts(self, way: ToSubjects, vids: Sequence[int], answer: Answer) -> None:
        """Decide which facts of an answer are shown."""
        edges = [adjacency(rows) for rows in answer.edges]
        for vid in vids:
            record = answer.records.get(vid)
            shown = record is not None and is_shown(way.kind, way.subjects(vid, edges), lambda x: self._row(x, answer))
            if not shown:
                self._rows[vid] = None
            for subject in way.subjects(vid, edges):
                if (row := self._row(subject, answer)) is not None:
                    self._points.prime(row.urn, row)  # most who ask for facts ask for their subjects too

    async def _ask(self, question: Question, *, ends: bool, anyway: Sequence[int] = ()) -> Answer:
        """The answer with the far ends of the changes in it, which say who may see them; ``anyway`` where none are."""
        answer = await self._coalescer.ask(question)
        named = {urn for record in answer.records.values() for urn in record.get("ends", ())} if ends else set()
        missing = [vid for vid in (vertex_id(self._judge.tenant, urn) for urn in named) if vid not in self._rows]
        if missing or (ends and anyway):  # by its id, a hidden change takes as many requests as none
            also = await self._coalescer.ask(Question(points=missing or list(anyway)))
            answer.records.update(also.records)
        return answer

    def _row(self, vid: int, answer: Answer) -> Row | None:
        if vid not in self._rows:
            record = answer.records.get(vid)
            shown = record is not None and self._knows_ends(record.get("ends"), answer)
            self._rows[vid] = self._judge.row(vid, record) if shown and record is not None else None
        return self._rows[vid]

    def _knows_ends(self, ends: Sequence[str] | None, answer: Answer) -> bool:
        """Whether the caller knows of any of the things that a change is about; of most there are none to know of."""
        vids = (vertex_id(self._judge.tenant, urn) for urn in ends or ())
        return not ends or any(self._row(vid, answer) is not None for vid in vids)


def _in_order(parts: Sequence[dict[str, Any]], size: int) -> list[int]:
    """What the parts of a listing found, up to the end of the first that may have more."""
    full = next((number for number, part in enumerate(parts) if len(part["x"]) >= size), len(parts))
    return [vid for part in parts[: full + 1] for vid in part["x"]]


def _edge(text: str, source: Row, rows: Sequence[Row], *, inward: bool) -> dict[str, Any]:
    """The record of the edge between the last two rows, with its id and its ends."""
    edge: dict[str, Any] = orjson.loads(text)
    start, end = rows[-2] if len(rows) > 1 else source, rows[-1]
    if inward:
        start, end = end, start
    return edge | {"edgeId": f"{edge['relation']}:{start.vid:x}:{end.vid:x}", "from": start.urn, "to": end.urn}


def _item(related: Related, source: Row, rows: Sequence[Row], edge: dict[str, Any], path_of: Mapping[str, int]) -> Item:
    """The item at the end of a way, at its position in the order of the relation."""
    *via, row = rows
    near = via[-1] if via else source
    if related.newest_first:
        dated = row.access.hidden.isdisjoint(TIME_FIELDS)
        position: tuple[Any, ...] = (DATED, -edge["at"], row.urn) if dated else (UNDATED, 0, row.urn)
    elif related.per_edge:
        position = (row.vid, edge["relation"], near.vid)
    else:
        position = (row.vid,)
    return Item(row, position, edge, near, tuple(via), path_of[edge["relation"]])


def _passable(row: Row, asked: Mapping[str, frozenset[str]]) -> bool:
    """Whether a path goes on at a row: the caller reads it, and the fields of it that the path stands for."""
    return row.access.grade is AccessGrade.READ and row.access.hidden.isdisjoint(asked.get(row.kind, ()))


def _of_changes(related: Related) -> bool:
    """Whether a relation leads to changes."""
    return any(path[-1].relation is CHANGED for path in related.paths)


def _deleted(row: Row) -> bool:
    """Whether it was deleted: by its id it is still found, and nothing leads to it."""
    return row.record.get("deletedAt") is not None


def _window(related: Related, after: Sequence[Any] | None, *, exclusive: bool = False) -> dict[str, Any]:
    """Where in the store's order a page begins; times include their ties, which are cut afterwards."""
    if not related.newest_first:
        return {} if after is None else {"a": after[0]}
    return {"t": True} if after is None else {"t": True, "at": -after[1] - exclusive}


def _all(page: Page) -> dict[str, Any]:
    """What of a hop is read where its page is not cut in the store: the times that the page is about."""
    return {"t": True, "n": EDGE_CAP, "since": page.since} if page.since else {}


def _undated(related: Related, after: Sequence[Any] | None) -> bool:
    """Whether a page begins among what hides its time."""
    return related.newest_first and after is not None and after[0] == UNDATED


def _dated(items: Sequence[Item]) -> list[Item]:
    """Without what hides its time; other lists have none such, since no vertex has this id."""
    return [item for item in items if item.position[0] != UNDATED]


def _last(related: Related, edges: Sequence[tuple[int, str]]) -> tuple[int, ...]:
    """The position in the store's order of the last edge that was read."""
    if related.newest_first:
        return DATED, max(-orjson.loads(edge)["at"] for _, edge in edges)
    return (max(far for far, _ in edges),)
