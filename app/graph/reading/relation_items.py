"""Page items of a relation: the paths from sources in a response, with the policy evaluated on each vertex.

Many sources may have paths over one row, as the versions of a dataset have over the dataset. The items behind such a
row are made once for all of them. How many paths a page needs is counted before they are followed. They are counted and
followed edge by edge: of the paths from a source to one row, only the first is continued, because the others lead to
the same items.

The methods of several steps are generators, which pause often (:mod:`graphql_schema.execution.side_thread`).
"""

import sys
from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final, TypeVar

from app.graph.reading.level.hop_plan import Edge, Leaf, compile_related
from app.graph.reading.level.level_batcher import LevelResponse
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.inferred_edge import is_inferred, is_shortcut, is_traversable, visible_inferred_edge
from app.graph.records.read_time import edge_at
from graphql_schema.catalog.properties import TIME_FIELDS
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.ports.lineage_query import LONG_PAST
from graphql_schema.ports.record import Position, Record
from graphql_schema.ports.relation_query import PageRequest, RelationQuery
from graphql_schema.ports.row import AccessGrade, PageItem, Row
from graphql_schema.ports.turns.sorted_parts import sorted_in_parts

ResultT = TypeVar("ResultT")

MANY_EDGES: Final = 2_000
"""Number of edges and paths above which items are made in the side thread; that many take about 5 ms."""

_AT_ONCE: Final = 200
"""Number of items that are made, or put in order, between two pauses: less than a millisecond."""

Steps = Generator[None, None, ResultT]
"""A generator that pauses between its steps and returns a result."""

_EdgeEnd = tuple[int, str]
"""The far end of an edge from a row, and its relation."""

_End = tuple[Leaf, bool]
"""A hop at which paths end, and whether it follows inferred edges."""

DATED, UNDATED = 0, 1
"""First item of a position in a list ordered by time: rows whose time is hidden come last, ordered by id."""


async def relation_items(
    rows: VisibleRows, related: RelationQuery, page: PageRequest, sources: Sequence[Row], response: LevelResponse
) -> list[list[PageItem]]:
    """Return for each source the items that it reaches: visible, accepted by the filter, one a position, in order.

    Of the items on paths of several hops, those before and far behind the page may be missing, unless it has a total.
    Raises LimitError, before any item is made, if the operation follows too many such paths.
    """
    items, budget = RelationItems(rows, related, page, response), rows.budget
    count = sum(len(edges) for adjacent in response.edges for edges in adjacent.values())
    many = LONG_PAST if rows.row_policy.instant.past else MANY_EDGES
    is_long = count > many or len(sources) > MANY_EDGES
    with budget.reading_on():
        steps = items.count_paths(sources)
        paths = await run_in_parts(steps, is_long=is_long, between=budget.check) if items.has_paths else 0
        budget.count_paths(paths)
        is_long |= count + paths > many
        found = await run_in_parts(items.steps(sources), is_long=is_long, between=budget.check)
    budget.check()
    return found


def _in_order(items: Sequence[PageItem]) -> Steps[list[PageItem]]:
    """Return the items by position; of several at one position only the one of the first rank."""
    found: dict[Position, PageItem] = {}
    for begin in range(0, len(items), _AT_ONCE):
        for item in items[begin : begin + _AT_ONCE]:
            known = found.setdefault(item.position, item)
            if known is not item and rank_of(item) < rank_of(known):
                found[item.position] = item
        yield
    return (yield from sorted_in_parts([*found.values()], attrgetter("position")))


def rank_of(item: PageItem) -> tuple[bool, int]:
    """Return the rank among paths to the same row: declared edges before inferred, then the order of the paths."""
    return bool(item.edge and is_shortcut(item.edge)), item.path


def begins_undated(related: RelationQuery, after: Position | None) -> bool:
    """Return whether a page begins among the rows whose time is hidden."""
    return related.newest_first and after is not None and after[0] == UNDATED


def dated(items: Sequence[PageItem]) -> list[PageItem]:
    """Return the items whose time is visible.

    In lists that are not ordered by time these are all: a position begins with a vertex id, which is never UNDATED.
    """
    return [item for item in items if item.position[0] != UNDATED]


class RelationItems:
    """The items that sources reach in one response, for one page request."""

    def __init__(self, rows: VisibleRows, related: RelationQuery, page: PageRequest, response: LevelResponse) -> None:
        compiled = compile_related(related)
        leaves = [(leaf, compiled.hops[leaf.chain[-1]].inferred) for leaf in compiled.leaves]
        self._rows = rows
        self._related = related
        self._page = page
        self._response = response
        self._disclosed = related.disclosed_fields
        self._direct = [each for each in leaves if len(each[0].chain) == 1]
        self._long = [each for each in leaves if len(each[0].chain) > 1]
        is_cut = page.first is not None and not page.total and not related.newest_first
        self._after = tuple(page.after) if is_cut and page.after is not None else None
        self._maximum = page.first + 1 if is_cut and page.first is not None else sys.maxsize
        self._behind: dict[tuple[int, int], list[PageItem]] = {}
        self._counts: dict[tuple[int, tuple[int, ...]], int] = {}

    @property
    def has_paths(self) -> bool:
        """Whether paths of several hops lead to items."""
        return bool(self._long)

    def count_paths(self, sources: Iterable[Row]) -> Steps[int]:
        """Return the number of paths of several hops that the page needs, and of the beginnings of all such paths.

        Only paths over rows at which the caller may go on count: the number discloses nothing behind others.
        """
        count = 0
        for source in sources:
            for leaf, _ in self._long:
                count += yield from self._count(source.vid, leaf.chain)
            yield
        return count

    def _count(self, vid: int, chain: tuple[int, ...]) -> Steps[int]:
        """Return the number of these paths that begin at a vertex; each vertex and hop is counted once."""
        known = self._counts.get((vid, chain))
        if known is None:
            edges = self._response.edges[chain[0]].get(vid, ())
            known = min(len(edges), self._maximum) if len(chain) == 1 else 0
            for far, _ in edges if len(chain) > 1 else ():
                if self._middle(far) is not None:
                    known += 1 + (yield from self._count(far, chain[1:]))
                yield
            self._counts[vid, chain] = known
        return known

    def steps(self, sources: Iterable[Row]) -> Steps[list[list[PageItem]]]:
        """Return the items of each source."""
        found: list[list[PageItem]] = []
        for source in sources:
            found.append((yield from self.of(source)))
            yield
        return found

    def of(self, source: Row) -> Steps[list[PageItem]]:
        """Return the items of one source, one a position, in order."""
        items = yield from self._ends(source, (), self._direct)
        if self._related.per_edge:
            items = [*self._others(source, items)]
        for each in self._long:
            for via in (yield from self._middles(source, each[0].chain[:-1])):
                items += self._taken(source, via, (yield from self._items_behind(via[-1], each)))
                yield
        return (yield from _in_order(items)) if len(items) > 1 else items

    def _taken(self, source: Row, via: tuple[Row, ...], items: Sequence[PageItem]) -> Iterator[PageItem]:
        """Return the items at the ends of the paths over some rows, as many as the page may need.

        ``items`` are those behind the last of these rows.
        """
        begin = 0 if self._after is None else bisect_right(items, self._after, key=attrgetter("position"))
        following = (items[place] for place in range(begin, len(items)))
        taken = islice(self._others(source, following), self._maximum)
        return taken if len(via) == 1 else (item._replace(via=via) for item in taken)

    def _others(self, source: Row, items: Iterable[PageItem]) -> Iterable[PageItem]:
        """Return the items of other rows than the source with ``per_edge`` of the query, else all."""
        return (item for item in items if item.row.vid != source.vid) if self._related.per_edge else items

    def _items_behind(self, middle: Row, end: _End) -> Steps[list[PageItem]]:
        """Return the items behind a row in the middle of paths, one a position, in order; they are made once."""
        key = middle.vid, end[0].chain[-1]
        if key not in self._behind:
            ends = yield from self._ends(middle, (middle,), [end])
            self._behind[key] = yield from _in_order(ends)
        return self._behind[key]

    def _middles(self, source: Row, chain: Sequence[int]) -> Steps[list[tuple[Row, ...]]]:
        """Return the rows between a source and the last hop of paths, without the source: one path to each last row.

        It is the first one in the order of the edges. A path is left out if the caller may not follow it, or if an edge
        of it was not valid at the read time.
        """
        paths: dict[int, tuple[Row, ...]] = {source.vid: (source,)}
        for hop in chain:
            edges, reached = self._response.edges[hop], dict[int, tuple[Row, ...]]()
            for path in paths.values():
                for far, edge in edges.get(path[-1].vid, ()):
                    row = None if far in reached else self._middle(far)
                    if row is not None and self._at_read_time(edge, path[-1], row) is not None:
                        reached[far] = (*path, row)
                    yield
            paths = reached
        return [path[1:] for path in paths.values()]

    def _middle(self, vid: int) -> Row | None:
        """Return the row of a vertex if a path continues there, else None.

        The caller must be allowed to read it and the fields of it that the path discloses.
        """
        row = self._rows.row(vid, self._response)
        if row is None or row.deleted or row.access.grade is not AccessGrade.READ:
            return None
        return row if row.access.hidden.isdisjoint(self._disclosed.get(row.kind, ())) else None

    def _ends(self, near: Row, via: tuple[Row, ...], ends: Sequence[_End]) -> Steps[list[PageItem]]:
        """Return the items at the far ends of the last hop of paths, possibly several times, that the filter accepts.

        ``near`` is the row before the hop.
        """
        items: list[PageItem] = []
        made = self._made(near, via, ends)
        while part := [*islice(made, _AT_ONCE)]:
            items += part if self._page.keep is None else filter(self._page.keep, part)
            yield
        return items

    def _made(self, near: Row, via: tuple[Row, ...], ends: Sequence[_End]) -> Iterator[PageItem]:
        """Return all these items; if an edge is both declared and inferred, only the declared one counts."""
        is_past = self._rows.row_policy.instant.past
        if is_past or any(
            may_be_inferred and any(is_inferred(edge) for _, edge in self._last_edges(near, leaf))
            for leaf, may_be_inferred in ends
        ):
            return self._all_ends(near, via, ends)
        made = (self._declared_ends(near, via, self._last_edges(near, leaf), leaf) for leaf, _ in ends)
        return (item for items in made for item in items)

    def _last_edges(self, near: Row, leaf: Leaf) -> Sequence[tuple[int, Edge]]:
        """Return the edges of the last hop of a path from the row before it."""
        return self._response.edges[leaf.chain[-1]].get(near.vid, ())

    def _declared_ends(
        self, near: Row, via: tuple[Row, ...], edges: Iterable[tuple[int, Edge]], leaf: Leaf
    ) -> Iterator[PageItem]:
        """Yield the items at the ends of declared edges in the present, where each edge is a path."""
        related, response, row_of = self._related, self._response, self._rows.row
        by_id = not (related.newest_first or related.per_edge)
        for far, edge in edges:
            row = row_of(far, response)
            if row is None or row.deleted:
                continue
            position = (far,) if by_id else _position(related, row, near, edge)
            yield PageItem(row, position, edge, near, via, leaf.path_of[edge["relation"]], leaf.inward)

    def _all_ends(self, near: Row, via: tuple[Row, ...], ends: Iterable[_End]) -> Iterator[PageItem]:
        """Yield the items at the ends of edges, inferred ones last; edges not valid at the read time are left out."""
        inferred: list[tuple[_EdgeEnd, PageItem]] = []
        declared: set[_EdgeEnd] = set()
        for leaf, may_be_inferred in ends:
            for far, stored in self._last_edges(near, leaf):
                row = self._rows.row(far, self._response)
                edge = None if row is None or row.deleted else self._at_read_time(stored, near, row)
                if row is None or edge is None:
                    continue
                position = _position(self._related, row, near, edge)
                item = PageItem(row, position, edge, near, via, leaf.path_of[edge["relation"]], leaf.inward)
                joined = (far, edge["relation"])
                if is_inferred(stored):
                    inferred.append((joined, item))
                    continue
                if may_be_inferred:
                    declared.add(joined)
                yield item
        for joined, item in inferred:
            shown = None if joined in declared else _shown(self._rows, item, self._response)
            if shown is not None:
                yield shown

    def _at_read_time(self, edge: Record, near: Row, far: Row) -> Record | None:
        """Return an edge at the read time; None if it is declared and was not valid then.

        Inferred edges are returned as stored; :func:`_shown` tests them.
        """
        instant = self._rows.row_policy.instant
        if not instant.past or is_inferred(edge):
            return edge
        return edge_at(edge, instant, near.access.of_edge("Neighbour", far.access).hidden)


def _shown(rows: VisibleRows, item: PageItem, response: LevelResponse) -> PageItem | None:
    """Return the item of an inferred edge, valid by the chains that the caller may traverse; None if there is none."""
    near, instant, edge = item.near, rows.row_policy.instant, item.edge or {}
    if near is None or not is_traversable(near):
        return None
    at = instant.for_edge(near.access.of_edge("Neighbour", item.row.access).hidden)
    shown = visible_inferred_edge(edge, at, lambda vid: rows.passes(vid, response), instant.recorded)
    return None if shown is None else item._replace(edge=shown)


def _position(related: RelationQuery, row: Row, near: Row, edge: Record) -> Position:
    """Return the position of a row in the order of the relation; ``near`` is the row before it on its path."""
    if related.newest_first:
        shown = row.access.hidden.isdisjoint(TIME_FIELDS)
        rank = (0,) if related.of_versions else ()  # app.graph.reading.tied_versions assigns the ranks
        return (DATED, -edge["at"], *rank, row.urn) if shown else (UNDATED, 0, *rank, row.urn)
    return (row.vid, edge["relation"], near.vid) if related.per_edge else (row.vid,)
