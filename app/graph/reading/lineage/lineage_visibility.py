"""Decides which lineage a caller sees at a read time. Hidden vertices are counted and not disclosed otherwise."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.graph.reading.lineage.expander import MemberEdges
from app.graph.reading.lineage.joined_edge import EDGE_TYPE, JoinedEdge
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.inferred_edge import is_inferred, is_traversable, visible_inferred_edge
from app.graph.records.read_time import ReadTime, edge_at, existed, vertex_at
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.lineage_query import LONG_LINEAGE, LONG_PAST
from graphql_schema.ports.record import Record
from graphql_schema.ports.row import AccessGrade, Row

LINEAGE_FIELD: Final = {Direction.OUT: "downstream", Direction.IN: "upstream"}
"""Field of an asset that discloses its edges in a direction."""

TIME_FIELDS: Final = frozenset({"validFrom", "validTo", "sourceCreatedAt", "createdAt", "deletedAt"})
"""Fields with the times at which edges were active and vertices existed."""


def expands(row: Row, direction: Direction) -> bool:
    """Return whether the caller may see the edges of a row in a direction."""
    return row.access.grade is AccessGrade.READ and LINEAGE_FIELD[direction] not in row.access.hidden


@dataclass(slots=True)
class LineageVisibility:
    """Applies policy and read time to expansions; ``hidden`` collects the hidden vertices next to visible ones.

    ``before_hidden`` collects the visible vertices whose own edges lead to one of these. ``beside_hidden`` collects
    those for which an edge to one of these counts, or whose asset group has one of these.
    Vertices in ``named`` count as existing at the read time even if they did not; these are the ends of a path query.
    """

    rows: VisibleRows
    instant: ReadTime
    hidden: set[int] = field(default_factory=set)
    before_hidden: set[int] = field(default_factory=set)
    beside_hidden: set[int] = field(default_factory=set)
    named: frozenset[int] = frozenset()
    _leading: dict[int, tuple[Sequence[tuple[int, Record]], bool]] = field(default_factory=dict)
    """By vertex id, the edges of a member that :meth:`leads` has examined, and its result."""

    def along(self, near: Row, vid: int, edge: Record, direction: Direction) -> tuple[Row, JoinedEdge] | None:
        """Return the far end of an edge and the masked edge; None if one of them is hidden or was absent at read time.

        ``near`` is the visible end, ``vid`` the other one, and ``direction`` that from near to far. A hidden far end of
        a declared edge is counted, as :meth:`_count_hidden` describes.
        """
        far = self.rows.known(vid)
        if far is None:
            if not is_inferred(edge) and self._count_hidden(vid, edge):
                self.before_hidden.add(near.vid)
            return None
        access = near.access.of_edge(EDGE_TYPE, far.access)
        valid = self._edge_at(near, edge, access.hidden) if self._existed(far) else None
        if valid is None:
            return None
        return far, JoinedEdge(valid, near, far, direction, access)

    def is_long(self, size: int) -> bool:
        """Return whether a calculation over so many assets and edges belongs in the side thread."""
        return size > (LONG_PAST if self.instant.past else LONG_LINEAGE)

    def _existed(self, row: Row) -> bool:
        """Return whether the vertex of a row existed at the read time, or is named by the query."""
        return row.vid in self.named or existed(row, self.instant)

    def _edge_at(self, near: Row, edge: Record, hidden: Container[str]) -> Record | None:
        """Return the edge as it was valid at the read time; None if it was not.

        An inferred edge is valid if the caller may traverse ``near`` and the vertices of a chain that was active then.
        """
        if not is_inferred(edge):
            return edge_at(edge, self.instant, hidden)
        if not is_traversable(near):
            return None
        return visible_inferred_edge(edge, self.instant.for_edge(hidden), self._passes, self.instant.recorded)

    def _passes(self, vid: int) -> bool:
        """Return whether a vertex existed at the read time and the caller may traverse it."""
        row = self.rows.known(vid)
        return row is not None and is_traversable(row) and existed(row, self.instant)

    def group_member(self, row: Row, member: MemberEdges) -> Row | None:
        """Return another member of the asset group of a row; None if it is hidden, or not a member at the read time.

        A hidden member is counted only if it has an edge in the direction, because without one it hides no lineage.
        The relation of that edge does not matter.
        """
        known = self.rows.known(member.vid)
        link = member.link or {}
        if known is None:
            if self.leads(member) and self._count_hidden(member.vid, link):
                self.beside_hidden.add(row.vid)
            return None
        hidden = row.access.of_edge(EDGE_TYPE, known.access).hidden
        return known if self._existed(known) and edge_at(link, self.instant, hidden) is not None else None

    def parent(self, row: Row, member: MemberEdges) -> Row | None:
        """Return the parent of a row as :meth:`group_member` does, and count a hidden parent also without edges."""
        if self.rows.known(member.vid) is None:
            self._count_hidden(member.vid, member.link or {})
        return self.group_member(row, member)

    def leads(self, member: MemberEdges) -> bool:
        """Return whether a member has a declared edge in the direction of the walk.

        The times of the edge may be hidden from the caller. So the edge must be valid when the first page of the result
        was read, not at the time of `asOf`. Thousands of children may have the same parent, whose edges are examined
        once.
        """
        examined, result = self._leading.get(member.vid, (None, False))
        if examined is not member.edges:
            edges = (edge for _, edge in member.edges if not is_inferred(edge))
            result = any(edge_at(edge, self.instant, TIME_FIELDS) is not None for edge in edges)
            self._leading[member.vid] = (member.edges, result)
        return result

    def _count_hidden(self, vid: int, edge: Record) -> bool:
        """Count a hidden vertex, and return True, if it and ``edge`` existed when the first page was read.

        A deleted vertex does not count. The time of `asOf` is not used, because the times of the vertex are hidden.
        """
        record = self.rows.hidden_times(vid)
        present = None if record is None else vertex_at(record, self.instant, TIME_FIELDS)
        counts = (
            present is not None
            and present.get("deletedAt") is None
            and edge_at(edge, self.instant, TIME_FIELDS) is not None
        )
        if counts:
            self.hidden.add(vid)
        return counts
