"""Page items of a relation: the paths from sources in a response, with the policy evaluated on each vertex."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from app.graph.reading.level.hop_plan import compile_related, reached
from app.graph.reading.level.level_batcher import LevelResponse
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.inferred_edge import is_inferred, is_shortcut, is_traversable, visible_inferred_edge
from app.graph.records.read_time import ReadTime, edge_at
from graphql_schema.catalog.properties import TIME_FIELDS
from graphql_schema.ports.record import JsonObject, Position, Record
from graphql_schema.ports.relation_query import PageRequest, RelationQuery
from graphql_schema.ports.row import AccessGrade, PageItem, Row

_EdgeEnds = tuple[tuple[int, ...], str]
"""The vertices of a path, and the relation of its last edge."""

_IDENTITY: Final = ("edgeId", "from", "to")
"""Keys by which an edge names itself and its ends."""

DATED, UNDATED = 0, 1
"""First item of a position in a list ordered by time: rows whose time is hidden come last, ordered by id."""


def relation_items(
    rows: VisibleRows, related: RelationQuery, page: PageRequest, sources: Sequence[Row], response: LevelResponse
) -> list[list[PageItem]]:
    """Return for each source the items that it reaches: visible, accepted by the filter, each once, in order."""
    result: list[list[PageItem]] = []
    for source in sources:
        found: dict[Position, PageItem] = {}
        for item in _ends(rows, related, source, response):
            if page.keep is None or page.keep(item):
                known = found.get(item.position)
                if known is None or _rank(item) < _rank(known):
                    found[item.position] = item
        result.append(sorted(found.values(), key=lambda item: item.position))
    return result


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


def _ends(rows: VisibleRows, related: RelationQuery, source: Row, response: LevelResponse) -> Iterator[PageItem]:
    """Yield the items at the ends of the paths from a source that the caller may follow, possibly several times.

    If an edge is both declared and inferred, only the declared one counts.
    """
    compiled, disclosed = compile_related(related), related.disclosed_fields
    inferred: list[tuple[_EdgeEnds, PageItem]] = []
    declared: set[_EdgeEnds] = set()
    for leaf in compiled.leaves:
        hop = compiled.hops[leaf.chain[-1]]
        for vertices, along in reached(source.vid, leaf.chain, response.edges):
            met = rows.found(vertices, response)
            if len(met) < len(vertices) or (related.per_edge and vertices[-1] == source.vid):
                continue
            if not all(_passable(row, disclosed) for row in met[:-1]) or any(row.deleted for row in met):
                continue
            edge = _last_edge(along, (source, *met), rows.row_policy.instant)
            if edge is None:
                continue
            item = _item(related, source, met, _between(edge, source, met, inward=hop.direction == "in"), leaf.path_of)
            if not hop.inferred:
                yield item
                continue
            joined = (vertices, edge["relation"])
            if is_inferred(edge):
                inferred.append((joined, item))
            else:
                declared.add(joined)
                yield item
    for joined, item in inferred:
        shown = None if joined in declared else _shown(rows, item, response)
        if shown is not None:
            yield shown


def _shown(rows: VisibleRows, item: PageItem, response: LevelResponse) -> PageItem | None:
    """Return the item of an inferred edge, valid by the chains that the caller may traverse; None if there is none."""
    near, instant, edge = item.near, rows.row_policy.instant, item.edge or {}
    if near is None or not is_traversable(near):
        return None
    at = instant.for_edge(near.access.of_edge("Neighbour", item.row.access).hidden)
    shown = visible_inferred_edge(edge, at, lambda vid: rows.passes(vid, response), instant.recorded)
    return None if shown is None else replace(item, edge={**shown, **{name: edge[name] for name in _IDENTITY}})


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


def _between(edge: Record, source: Row, rows: Sequence[Row], *, inward: bool) -> JsonObject:
    """Return the record of the edge between the last two rows, with its id and the URNs of its ends."""
    start, end = rows[-2] if len(rows) > 1 else source, rows[-1]
    if inward:
        start, end = end, start
    return {**edge, "edgeId": f"{edge['relation']}:{start.vid:x}:{end.vid:x}", "from": start.urn, "to": end.urn}


def _item(
    related: RelationQuery, source: Row, rows: Sequence[Row], edge: JsonObject, path_of: Mapping[str, int]
) -> PageItem:
    """Return the item at the end of a path, with its position in the order of the relation."""
    *via, row = rows
    near = via[-1] if via else source
    if related.newest_first:
        shown = row.access.hidden.isdisjoint(TIME_FIELDS)
        rank = (0,) if related.of_versions else ()  # app.graph.reading.tied_versions assigns the ranks
        position: Position = (DATED, -edge["at"], *rank, row.urn) if shown else (UNDATED, 0, *rank, row.urn)
    elif related.per_edge:
        position = (row.vid, edge["relation"], near.vid)
    else:
        position = (row.vid,)
    return PageItem(row, position, edge, near, tuple(via), path_of[edge["relation"]])


def _passable(row: Row, disclosed: Mapping[str, frozenset[str]]) -> bool:
    """Return whether a path continues at a row: the caller may read it and the fields of it that the path discloses."""
    return row.access.grade is AccessGrade.READ and row.access.hidden.isdisjoint(disclosed.get(row.kind, ()))
