"""The order of versions that have the same time.

The store orders versions by time, and returns all versions of the last time that it reads. So the ties of a page are
complete, and :mod:`graphql_schema.rules.version_order` orders them here. Ties that cannot be on the page are not put in
order. `PRECEDES` edges are read in one further request, only if a tie can be on the page. Nothing of this order is
stored, so no write has to keep it up to date.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Final

from app.graph.reading.level.hop_plan import compile_related
from app.graph.reading.level.level_batcher import LevelRequest
from app.graph.reading.relation_items import DATED, MANY_EDGES, UNDATED, relation_items
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.relations import PRECEDES
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.ports.record import Position
from graphql_schema.ports.relation_query import ALL, PageRequest, RelationQuery, related
from graphql_schema.ports.row import PageItem
from graphql_schema.rules.version_order import newest_first

_PRECEDES: Final = related(PRECEDES.out())

MANY_VERSIONS: Final = 500
"""Number of versions above which they are put in order in the side thread; that many take some milliseconds."""

MANY_CHARACTERS: Final = 32_000
"""Number of characters of their ids above which they are put in order there as well; that many take 8 ms at most."""

_LENGTH: Final = 4
"""Length of a position in a list of versions: whether the time is hidden, negative time, rank, URN."""

Successors = Mapping[str, Sequence[PageItem]]
"""The items of the newer versions by the URN of an older one."""

Span = tuple[int, int]
"""The places in a list at which the items begin and end that can be on a page."""


@dataclass(frozen=True, slots=True)
class OrderedItems:
    """The items of one source in their order, and the page request with its position in this order."""

    items: list[PageItem]
    page: PageRequest


async def ordered(
    rows: VisibleRows, query: RelationQuery, page: PageRequest, lists: Sequence[list[PageItem]]
) -> list[OrderedItems]:
    """Return the items of each source with versions of one time in their order, as far as they can be on the page.

    Other items stay as they are.
    """
    if not query.of_versions:
        return [OrderedItems(items, page) for items in lists]
    spans = [_span(items, page) async for items in rows.budget.in_turns(lists)]
    is_long = _is_long(lists, spans)
    with rows.budget.reading_on():
        ties = await run_in_parts(_ties(lists, spans), is_long=is_long, between=rows.budget.check)
    successors = await _successors(rows, ties) if ties else {}
    is_long = is_long or sum(map(len, successors.values())) > MANY_EDGES
    with rows.budget.reading_on():
        steps = _all_in_order(lists, spans, page, successors)
        return await run_in_parts(steps, is_long=is_long, between=rows.budget.check)


def _span(items: Sequence[PageItem], page: PageRequest) -> Span:
    """Return where the items begin and end whose times can be on the page; they are found without a pass over all.

    The time of the position after which the page begins is one of these. ``items`` are in the order of their times.
    """
    begin = following = 0
    if page.after is not None:
        time = tuple(page.after[:2])
        begin = bisect_left(items, time, key=_place)
        following = bisect_right(items, time, begin, key=_place)
    if page.first is None or following + page.first >= len(items):
        return begin, len(items)
    if page.first == 0:
        return begin, following
    last = following + page.first - 1
    return begin, bisect_right(items, _place(items[last]), last, key=_place)


def _is_long(lists: Sequence[Sequence[PageItem]], spans: Sequence[Span]) -> bool:
    """Return whether the items that can be on the page are many, or have long ids together."""
    if sum(end - begin for begin, end in spans) > MANY_VERSIONS:
        return True
    shown = (item for items, (begin, end) in zip(lists, spans, strict=True) for item in items[begin:end])
    return sum(len(item.row.urn) for item in shown) > MANY_CHARACTERS


def _ties(lists: Sequence[Sequence[PageItem]], spans: Sequence[Span]) -> Generator[None, None, list[PageItem]]:
    """Return the items of all lists that share a visible time with another one, as far as they can be on the page."""
    found: list[PageItem] = []
    for items, (begin, end) in zip(lists, spans, strict=True):
        for place, each in groupby(islice(items, begin, end), key=_place):
            group: list[PageItem] = []
            for item in each:
                group.append(item)
                yield
            if place[0] == DATED and len(group) > 1:
                found += group
    return found


def _all_in_order(
    lists: Sequence[Sequence[PageItem]], spans: Sequence[Span], page: PageRequest, successors: Successors
) -> Generator[None, None, list[OrderedItems]]:
    found: list[OrderedItems] = []
    for items, span in zip(lists, spans, strict=True):
        found.append((yield from in_order(items, span, page, successors)))
        yield
    return found


def in_order(
    items: Sequence[PageItem], span: Span, page: PageRequest, successors: Successors
) -> Generator[None, None, OrderedItems]:
    """Return the items, those of the span in order, with the position ``(hidden, negative time, rank, URN)``.

    The first item is whether the time is hidden, and the rank orders the versions of one time. The position after which
    the page begins gets a rank in the same way: that of its URN among the items of its time. The URN need not be among
    them any more. If no item has that time, the position keeps its rank, or gets 0 if it has none.
    """
    after, (begin, end) = page.after, span
    found = [*items[:begin]]
    for place, each in groupby(islice(items, begin, end), key=_place):
        group: dict[str, PageItem] = {}
        newer: dict[str, list[str]] = {}
        for item in each:
            group[urn := item.row.urn] = item
            if urn in successors:
                newer[urn] = [successor.row.urn for successor in successors[urn]]
            yield
        last = [str(after[-1])] if after is not None and place == tuple(after[:2]) else []
        if place[0] == UNDATED or not (last or len(group) > 1):  # each has the rank 0
            found += group.values()
            after = (*place, 0, *last) if last else after
            continue
        order = yield from newest_first({*group, *last}, newer)
        for rank, urn in enumerate(order):
            if urn in group:
                found.append(group[urn]._replace(position=(*place, rank, urn)))
            if last == [urn]:
                after = (*place, rank, urn)
            yield
    if after is not None and len(after) < _LENGTH:
        after = (*after[:2], 0, after[-1])
    return OrderedItems([*found, *items[end:]], replace(page, after=after))


def _place(item: PageItem) -> Position:
    return tuple(item.position[:2])


async def _successors(rows: VisibleRows, items: Sequence[PageItem]) -> Successors:
    """Return the visible versions that are successors of these items by `PRECEDES`."""
    sources = [item.row for item in items]
    (hop,) = compile_related(_PRECEDES).hops
    response = await rows.fetch(LevelRequest(hops=[hop.wire([source.vid for source in sources])]))
    found = await relation_items(rows, _PRECEDES, ALL, sources, response)
    return {source.urn: newer for source, newer in zip(sources, found, strict=True) if newer}
