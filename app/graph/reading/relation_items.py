"""Page items of a relation: the paths from sources in a response, with the policy evaluated on each vertex."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from app.graph.reading.level.hop_plan import Edge, Leaf, compile_related, reached
from app.graph.reading.level.level_batcher import LevelResponse
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.inferred_edge import is_inferred, is_shortcut, is_traversable, visible_inferred_edge
from app.graph.records.read_time import ReadTime, edge_at
from graphql_schema.catalog.properties import TIME_FIELDS
from graphql_schema.ports.record import Position, Record
from graphql_schema.ports.relation_query import PageRequest, RelationQuery
from graphql_schema.ports.row import AccessGrade, PageItem, Row

_EdgeEnds = tuple[tuple[int, ...], str]
"""The vertices of a path, and the relation of its last edge."""

DATED, UNDATED = 0, 1
"""First item of a position in a list ordered by time: rows whose time is hidden come last, ordered by id."""


def relation_items(
    rows: VisibleRows, related: RelationQuery, page: PageRequest, sources: Sequence[Row], response: LevelResponse
) -> list[list[PageItem]]:
    """Return for each source the items that it reaches: visible, accepted by the filter, one a position, in order."""
    paths = _Paths(rows, related, response)
    result: list[list[PageItem]] = []
    for source in sources:
        items = paths.ends(source)
        if page.keep is not None:
            items = list(filter(page.keep, items))
        result.append(_in_order(items) if len(items) > 1 else items)
    return result


def _in_order(items: Iterable[PageItem]) -> list[PageItem]:
    """Return the items by position; of several at one position only the one of the first rank."""
    found: dict[Position, PageItem] = {}
    for item in items:
        known = found.setdefault(item.position, item)
        if known is not item and _rank(item) < _rank(known):
            found[item.position] = item
    return [found[position] for position in sorted(found)]


def _rank(item: PageItem) -> tuple[bool, int]:
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


class _Paths:
    """The paths of a relation query in a response."""

    def __init__(self, rows: VisibleRows, related: RelationQuery, response: LevelResponse) -> None:
        self._rows = rows
        self._related = related
        self._response = response
        self._compiled = compile_related(related)
        self._disclosed = related.disclosed_fields
        self._leaves = [(leaf, self._compiled.hops[leaf.chain[-1]].inferred) for leaf in self._compiled.leaves]

    def ends(self, source: Row) -> list[PageItem]:
        """Return the items at the ends of the paths from a source that the caller may follow, possibly several times.

        If an edge is both declared and inferred, only the declared one counts.
        """
        if self._rows.row_policy.instant.past:
            return list(self._all_ends(source))
        items: list[PageItem] = []
        for leaf, inferred in self._leaves:
            edges = self._response.edges[leaf.chain[0]].get(source.vid)
            if not edges:
                continue
            if len(leaf.chain) > 1 or (inferred and any(is_inferred(edge) for _, edge in edges)):
                return list(self._all_ends(source))
            items += self._declared_ends(source, edges, leaf)
        return items

    def _declared_ends(self, source: Row, edges: Iterable[tuple[int, Edge]], leaf: Leaf) -> Iterator[PageItem]:
        """Yield the items at the ends of declared edges in the present, where each edge is a path."""
        related, response, row_of = self._related, self._response, self._rows.row
        by_id = not (related.newest_first or related.per_edge)
        for far, edge in edges:
            row = row_of(far, response)
            if row is None or row.deleted or (related.per_edge and far == source.vid):
                continue
            position = (far,) if by_id else _position(related, row, source, edge)
            yield PageItem(row, position, edge, source, (), leaf.path_of[edge["relation"]], leaf.inward)

    def _all_ends(self, source: Row) -> Iterator[PageItem]:
        inferred: list[tuple[_EdgeEnds, PageItem]] = []
        declared: set[_EdgeEnds] = set()
        for leaf, may_be_inferred in self._leaves:
            for vertices, along in reached(source.vid, leaf.chain, self._response.edges):
                item = self._end(source, vertices, along, leaf)
                if item is None:
                    continue
                if not may_be_inferred:
                    yield item
                    continue
                joined = (vertices, along[-1]["relation"])
                if is_inferred(along[-1]):
                    inferred.append((joined, item))
                else:
                    declared.add(joined)
                    yield item
        for joined, item in inferred:
            shown = None if joined in declared else _shown(self._rows, item, self._response)
            if shown is not None:
                yield shown

    def _end(self, source: Row, vertices: Sequence[int], along: Sequence[Edge], leaf: Leaf) -> PageItem | None:
        """Return the item at the end of a path; None if the caller may not follow the path.

        None also if a row of the path is deleted, or if one of its declared edges was not valid at the read time. With
        ``per_edge`` of the query also None if the path ends at its source.
        """
        met = self._rows.found(vertices, self._response)
        if len(met) < len(vertices) or (self._related.per_edge and vertices[-1] == source.vid):
            return None
        if not all(_passable(row, self._disclosed) for row in met[:-1]) or any(row.deleted for row in met):
            return None
        edge = _last_edge(along, (source, *met), self._rows.row_policy.instant)
        return None if edge is None else _item(self._related, source, met, edge, leaf)


def _shown(rows: VisibleRows, item: PageItem, response: LevelResponse) -> PageItem | None:
    """Return the item of an inferred edge, valid by the chains that the caller may traverse; None if there is none."""
    near, instant, edge = item.near, rows.row_policy.instant, item.edge or {}
    if near is None or not is_traversable(near):
        return None
    at = instant.for_edge(near.access.of_edge("Neighbour", item.row.access).hidden)
    shown = visible_inferred_edge(edge, at, lambda vid: rows.passes(vid, response), instant.recorded)
    return None if shown is None else item._replace(edge=shown)


def _last_edge(edges: Sequence[Record], rows: Sequence[Row], instant: ReadTime) -> Record | None:
    """Return the last edge of a path between rows; None if one of its declared edges was not valid at the read time.

    Inferred edges are returned as stored; :func:`_shown` tests them.
    """
    if not instant.past:
        return edges[-1]
    edge: Record | None = None
    for stored, (near, far) in zip(edges, pairwise(rows), strict=True):
        edge = stored
        if not is_inferred(edge):
            edge = edge_at(edge, instant, near.access.of_edge("Neighbour", far.access).hidden)
        if edge is None:
            return None
    return edge


def _item(related: RelationQuery, source: Row, rows: Sequence[Row], edge: Record, leaf: Leaf) -> PageItem:
    """Return the item at the end of a path, with its position in the order of the relation."""
    *via, row = rows
    near = via[-1] if via else source
    position = _position(related, row, near, edge)
    return PageItem(row, position, edge, near, tuple(via), leaf.path_of[edge["relation"]], leaf.inward)


def _position(related: RelationQuery, row: Row, near: Row, edge: Record) -> Position:
    """Return the position of a row in the order of the relation; ``near`` is the row before it on its path."""
    if related.newest_first:
        shown = row.access.hidden.isdisjoint(TIME_FIELDS)
        rank = (0,) if related.of_versions else ()  # app.graph.reading.tied_versions assigns the ranks
        return (DATED, -edge["at"], *rank, row.urn) if shown else (UNDATED, 0, *rank, row.urn)
    return (row.vid, edge["relation"], near.vid) if related.per_edge else (row.vid,)


def _passable(row: Row, disclosed: Mapping[str, frozenset[str]]) -> bool:
    """Return whether a path continues at a row: the caller may read it and the fields of it that the path discloses."""
    return row.access.grade is AccessGrade.READ and row.access.hidden.isdisjoint(disclosed.get(row.kind, ()))
