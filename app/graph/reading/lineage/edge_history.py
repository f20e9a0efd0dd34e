"""Lineage edges between given assets, also those that have ended, as the caller may see them."""

from collections.abc import Iterator, Sequence

from app.graph.reading.level.hop_plan import SOURCES_GIVEN, HopSpec
from app.graph.reading.level.level_batcher import LevelRequest
from app.graph.reading.lineage.joined_edge import EDGE_TYPE, JoinedEdge
from app.graph.reading.lineage.lineage_visibility import expands
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.edge_record import UNCONFIRMED, interval, intervals, is_current
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.lineage_query import DatedEdge
from graphql_schema.ports.record import Record
from graphql_schema.ports.row import Row


async def edges_between(
    rows: VisibleRows, sources: Sequence[Row], targets: Sequence[Row], relations: tuple[str, ...]
) -> list[DatedEdge]:
    """Return the edges of some relations from each source to each target, ended ones included.

    An edge whose lineage is hidden from the caller at both ends is left out. So is one that has ended or not begun, if
    the time of that is hidden. If the edges of all pairs are hidden, nothing is read. Raises the errors of the driver.
    """
    pairs = [(a, b) for a in sources for b in targets if expands(a, Direction.OUT) or expands(b, Direction.IN)]
    if not pairs:
        return []
    hop = HopSpec(Direction.OUT.value, relations, (), SOURCES_GIVEN)
    starts, ends = (list(dict.fromkeys(pair[end].vid for pair in pairs)) for end in (0, 1))
    response = await rows.fetch(LevelRequest(hops=[hop.wire(starts, f=ends)]))
    stored = response.edges[0]
    return [
        found
        for source, target in pairs
        for far, edge in stored.get(source.vid, ())
        if far == target.vid
        for found in _dated(source, target, edge, rows.now)
    ]


def _dated(source: Row, target: Row, edge: Record, now: int) -> Iterator[DatedEdge]:
    """Yield the edge with its last interval; nothing without one, or if a time that ends or delays it is hidden."""
    unconfirmed = bool(edge.get(UNCONFIRMED)) and is_current(edge, now)
    found = [interval(edge)] if unconfirmed else intervals(edge)
    if not found:
        return
    begin, end, *recorded = found[-1]
    access = source.access.of_edge(EDGE_TYPE, target.access)
    if (begin > now and "validFrom" in access.hidden) or (end <= now and "validTo" in access.hidden):
        return
    at = {"validFrom": begin, "validTo": None if end == FOREVER else end}
    joined = JoinedEdge({**edge, **at}, source, target, Direction.OUT, access)
    ended = (recorded[1] if recorded else end) if end <= now else None
    yield DatedEdge(joined, begins_later=begin > now, end_recorded=ended, unconfirmed=unconfirmed)
