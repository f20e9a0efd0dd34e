"""The ways from sources to what a relation reaches: judged at every step, each end once, in order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import orjson

from app.graph.reading.level.hop_plan import Adjacency, adjacency, compile_related, reached
from app.graph.reading.level.level_batcher import LevelResponse
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.inferred_edge import is_inferred, is_shortcut, is_traversable, visible_inferred_edge
from app.graph.records.read_time import ReadTime, edge_at
from graphql_schema.catalog.properties import TIME_FIELDS
from graphql_schema.ports.relation_query import PageRequest, RelationQuery
from graphql_schema.ports.row import AccessGrade, PageItem, Row

_Joined = tuple[tuple[int, ...], str]
"""The vertices of a way, and the relation of its last edge."""

_IDENTITY: Final = ("edgeId", "from", "to")

DATED, UNDATED = 0, 1
"""How the position of a row begins in a list in the order of time: what hides its time comes last, by id."""


def relation_items(
    rows: VisibleRows, related: RelationQuery, page: PageRequest, sources: Sequence[Row], answer: LevelResponse
) -> list[list[PageItem]]:
    """What each source reaches, judged, filtered, each once, in order."""
    edges = [adjacency(found) for found in answer.edges]
    result: list[list[PageItem]] = []
    for source in sources:
        found: dict[tuple[Any, ...], PageItem] = {}
        for item in _ends(rows, related, source, edges, answer):
            if page.keep is None or page.keep(item):
                known = found.get(item.position)
                if known is None or _rank(item) < _rank(known):
                    found[item.position] = item
        result.append(sorted(found.values(), key=lambda item: item.position))
    return result


def _rank(item: PageItem) -> tuple[bool, int]:
    """Of the ways to the same row, the least is shown: over what was declared, then over the first path."""
    return bool(item.edge and is_shortcut(item.edge)), item.path


def begins_undated(related: RelationQuery, after: Sequence[Any] | None) -> bool:
    """Whether a page begins among what hides its time."""
    return related.newest_first and after is not None and after[0] == UNDATED


def dated(items: Sequence[PageItem]) -> list[PageItem]:
    """Without what hides its time; other lists have none such, since no vertex has this id."""
    return [item for item in items if item.position[0] != UNDATED]


def _ends(
    rows: VisibleRows, related: RelationQuery, source: Row, edges: Sequence[Adjacency], answer: LevelResponse
) -> Iterator[PageItem]:
    """The ends of those ways from a source that the caller may go, as often as they are reached.

    Where an edge is both declared and inferred, it is the one that was declared.
    """
    compiled, asked = compile_related(related), related.disclosed_fields
    inferred: list[tuple[_Joined, PageItem]] = []
    declared: set[_Joined] = set()
    for leaf in compiled.leaves:
        hop = compiled.hops[leaf.chain[-1]]
        for way, texts in reached(source.vid, leaf.chain, edges):
            met = rows.found(way, answer)
            if len(met) < len(way) or (related.per_edge and way[-1] == source.vid):
                continue
            if not all(_passable(row, asked) for row in met[:-1]) or any(row.deleted for row in met):
                continue
            edge = _last_edge(texts, (source, *met), rows.judge.instant)
            if edge is None:
                continue
            item = _item(related, source, met, _between(edge, source, met, inward=hop.direction == "in"), leaf.path_of)
            if not hop.inferred:
                yield item
                continue
            joined = (way, edge["relation"])
            if is_inferred(edge):
                inferred.append((joined, item))
            else:
                declared.add(joined)
                yield item
    for joined, item in inferred:
        shown = None if joined in declared else _shown(rows, item, answer)
        if shown is not None:
            yield shown


def _shown(rows: VisibleRows, item: PageItem, answer: LevelResponse) -> PageItem | None:
    """The item of an inferred edge as its caller may see it, by the chains that it stands for."""
    near, instant, edge = item.near, rows.judge.instant, item.edge or {}
    if near is None or not is_traversable(near):
        return None
    at = instant.for_edge(near.access.of_edge("Neighbour", item.row.access).hidden)
    shown = visible_inferred_edge(edge, at, lambda vid: rows.passes(vid, answer), instant.recorded)
    return None if shown is None else replace(item, edge={**shown, **{name: edge[name] for name in _IDENTITY}})


def _last_edge(texts: Sequence[str], rows: Sequence[Row], instant: ReadTime) -> Mapping[str, Any] | None:
    """The last edge of a way between rows; None where one of its edges did not hold at the instant."""
    if not instant.past:
        last: Mapping[str, Any] = orjson.loads(texts[-1])
        return last
    edge: Mapping[str, Any] | None = None
    for text, (near, far) in zip(texts, pairwise(rows), strict=True):
        edge = orjson.loads(text)
        if not is_inferred(edge):
            edge = edge_at(edge, instant, near.access.of_edge("Neighbour", far.access).hidden)
        if edge is None:
            return None
    return edge


def _between(edge: Mapping[str, Any], source: Row, rows: Sequence[Row], *, inward: bool) -> dict[str, Any]:
    """The record of the edge between the last two rows, with its id and its ends."""
    start, end = rows[-2] if len(rows) > 1 else source, rows[-1]
    if inward:
        start, end = end, start
    return {**edge, "edgeId": f"{edge['relation']}:{start.vid:x}:{end.vid:x}", "from": start.urn, "to": end.urn}


def _item(
    related: RelationQuery, source: Row, rows: Sequence[Row], edge: dict[str, Any], path_of: Mapping[str, int]
) -> PageItem:
    """The item at the end of a way, at its position in the order of the relation."""
    *via, row = rows
    near = via[-1] if via else source
    if related.newest_first:
        shown = row.access.hidden.isdisjoint(TIME_FIELDS)
        position: tuple[Any, ...] = (DATED, -edge["at"], row.urn) if shown else (UNDATED, 0, row.urn)
    elif related.per_edge:
        position = (row.vid, edge["relation"], near.vid)
    else:
        position = (row.vid,)
    return PageItem(row, position, edge, near, tuple(via), path_of[edge["relation"]])


def _passable(row: Row, asked: Mapping[str, frozenset[str]]) -> bool:
    """Whether a path goes on at a row: the caller reads it, and the fields of it that the path stands for."""
    return row.access.grade is AccessGrade.READ and row.access.hidden.isdisjoint(asked.get(row.kind, ()))
