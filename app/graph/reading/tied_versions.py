"""The order of versions that have the same time.

The store orders versions by time, and returns all versions of the last time that it reads. So the ties of a page are
complete, and :mod:`graphql_schema.rules.version_order` orders them here. Their `PRECEDES` edges are read in one further
request, only if a tie is on the page. Nothing of this order is stored, so no write has to keep it up to date.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from app.graph.reading.level.hop_plan import compile_related
from app.graph.reading.level.level_batcher import LevelRequest
from app.graph.reading.relation_items import DATED, relation_items
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.relations import PRECEDES
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.record import Position
from graphql_schema.ports.relation_query import ALL, PageRequest, RelationQuery, related
from graphql_schema.ports.row import PageItem
from graphql_schema.rules.version_order import newest_first

_SUCCESSORS: Final = related(PRECEDES.out())

MANY_TIES: Final = 500
"""Number of versions with ties above which lists are put in order in the side thread; that many take about 10 ms."""

_LENGTH: Final = 4
"""Length of a position in a list of versions: whether the time is hidden, negative time, rank, URN."""

Pair = tuple[str, str]
"""The URNs of an older and a newer version."""


@dataclass(frozen=True, slots=True)
class OrderedItems:
    """The items of one source in their order, and the page request with its position in this order."""

    items: list[PageItem]
    page: PageRequest


async def ordered(
    rows: VisibleRows, query: RelationQuery, page: PageRequest, lists: Sequence[list[PageItem]]
) -> list[OrderedItems]:
    """Return the items of each source with versions of one time in their order; other items stay as they are."""
    if not query.of_versions:
        return [OrderedItems(items, page) for items in lists]
    ties = [tie for items in lists for tie in ties_on_page(items, page)]
    precedes = await _precedes(rows, [item for tie in ties for item in tie]) if ties else []
    is_long = sum(map(len, ties)) > MANY_TIES
    with rows.budget.reading_on():
        return [await run_in_turn(in_order, is_long, items, page, precedes) for items in lists]


def ties_on_page(items: Sequence[PageItem], page: PageRequest) -> list[list[PageItem]]:
    """Return the groups of several items of one visible time that can be on the page."""
    found, passed = [], 0
    for place, each in groupby(items, key=_place):
        group = list(each)
        if page.after is not None and place < tuple(page.after[:2]):
            continue
        if page.first is not None and passed >= page.first:
            break
        if place[0] == DATED and len(group) > 1:
            found.append(group)
        begun = page.after is not None and place == tuple(page.after[:2])
        passed += 0 if begun else len(group)
    return found


def in_order(items: Sequence[PageItem], page: PageRequest, precedes: Sequence[Pair]) -> OrderedItems:
    """Return the items in order, with the position ``(whether the time is hidden, negative time, rank, URN)``.

    The rank orders the versions of one time. The position after which the page begins gets a rank in the same way: that
    of its URN among the items of its time. The URN need not be among them any more. If no item has that time, the
    position keeps its rank, or gets 0 if it has none.
    """
    after = page.after
    found: list[PageItem] = []
    for place, each in groupby(items, key=_place):
        group = {item.row.urn: item for item in each}
        last = [str(after[-1])] if after is not None and place == tuple(after[:2]) else []
        ranks = _ranks({*group, *last}, precedes, dated=place[0] == DATED)
        ranked = [item._replace(position=(*place, ranks[urn], urn)) for urn, item in group.items()]
        found += sorted(ranked, key=lambda item: item.position)
        if last:
            after = (*place, ranks[last[0]], last[0])
    if after is not None and len(after) < _LENGTH:
        after = (*after[:2], 0, after[-1])
    return OrderedItems(found, replace(page, after=after))


def _ranks(urns: Iterable[str], precedes: Sequence[Pair], *, dated: bool) -> dict[str, int]:
    """Return the rank of each version among those of its time; 0 for all if their times are hidden."""
    return {urn: rank if dated else 0 for rank, urn in enumerate(newest_first(urns, precedes))}


def _place(item: PageItem) -> Position:
    return tuple(item.position[:2])


async def _precedes(rows: VisibleRows, items: Sequence[PageItem]) -> list[Pair]:
    """Return the `PRECEDES` edges from these items to visible versions, each as the URNs of its two ends."""
    sources = [item.row for item in items]
    (hop,) = compile_related(_SUCCESSORS).hops
    response = await rows.fetch(LevelRequest(hops=[hop.wire([source.vid for source in sources])]))
    found = await relation_items(rows, _SUCCESSORS, ALL, sources, response)
    return [(source.urn, item.row.urn) for source, items in zip(sources, found, strict=True) for item in items]
