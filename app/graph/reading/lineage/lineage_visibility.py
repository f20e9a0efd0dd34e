"""What a caller sees along lineage at an instant; what is hidden is noted, and nothing of it told but that."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.graph.reading.lineage.expander import MemberEdges
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.inferred_edge import is_inferred, is_traversable, visible_inferred_edge
from app.graph.records.read_time import ReadTime, edge_at, existed, vertex_at
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.row import AccessGrade, MaskedRecord, Row

ASKED: Final = {Direction.OUT: "downstream", Direction.IN: "upstream"}
"""The field of an asset that shows where its edges lead."""

TIMES: Final = frozenset({"validFrom", "validTo", "sourceCreatedAt", "createdAt", "deletedAt"})
"""What says when something was there, of edges and vertices."""

EDGE: Final = "LineageEdge"
"""The type that shows an edge."""


def expands(row: Row, direction: Direction) -> bool:
    """Whether the caller may see where the edges of a row lead."""
    return row.access.grade is AccessGrade.READ and ASKED[direction] not in row.access.hidden


@dataclass(slots=True)
class LineageVisibility:
    """Looks at what an expander brought; ``hidden`` are the vertices that were met and are not the caller's to see.

    What is ``named`` by its id stands, also where it was deleted.
    """

    rows: VisibleRows
    instant: ReadTime
    hidden: set[int] = field(default_factory=set)
    named: frozenset[int] = frozenset()

    def along(
        self, near: Row, vid: int, edge: Mapping[str, Any], direction: Direction
    ) -> tuple[Row, MaskedRecord] | None:
        """The far end of an edge and what is shown of it; None where one of both is not there for the caller."""
        far = self.rows.known(vid)
        if far is None:
            if not is_inferred(edge):
                self._meet(vid, edge)
            return None
        access = near.access.of_edge(EDGE, far.access)
        held = self._held(near, edge, access.hidden) if self._stands(far) else None
        if held is None:
            return None
        source, target = (near, far) if direction is Direction.OUT else (far, near)
        urn = f"{edge['relation']}:{source.vid:x}:{target.vid:x}"
        return far, MaskedRecord(EDGE, urn, {**held, "id": urn, "from": source.urn, "to": target.urn}, access)

    def _stands(self, row: Row) -> bool:
        return row.vid in self.named or existed(row, self.instant)

    def _held(self, near: Row, edge: Mapping[str, Any], hidden: Container[str]) -> Mapping[str, Any] | None:
        """The edge as it held; an inferred one by the chains that the caller may go."""
        if not is_inferred(edge):
            return edge_at(edge, self.instant, hidden)
        if not is_traversable(near):
            return None
        return visible_inferred_edge(edge, self.instant.for_edge(hidden), self._passes, self.instant.recorded)

    def _passes(self, vid: int) -> bool:
        row = self.rows.known(vid)
        return row is not None and is_traversable(row) and existed(row, self.instant)

    def group_member(self, row: Row, speaker: MemberEdges) -> Row | None:
        """The counterpart that speaks for a row; None where it is not there for the caller."""
        known = self.rows.known(speaker.vid)
        link = speaker.link or {}
        if known is None:
            if self.leads(speaker):
                self._meet(speaker.vid, link)
            return None
        hidden = row.access.of_edge(EDGE, known.access).hidden
        return known if self._stands(known) and edge_at(link, self.instant, hidden) is not None else None

    def leads(self, speaker: MemberEdges) -> bool:
        """Whether some edge leads on, to whatever it may be; no times are judged by, since they are hidden."""
        edges = (edge for _, edge in speaker.edges if not is_inferred(edge))
        return any(edge_at(edge, self.instant, TIMES) is not None for edge in edges)

    def _meet(self, vid: int, edge: Mapping[str, Any]) -> None:
        record = self.rows.hidden_record(vid)
        stood = None if record is None else vertex_at(record, self.instant, TIMES)
        if stood is not None and stood.get("deletedAt") is None and edge_at(edge, self.instant, TIMES) is not None:
            self.hidden.add(vid)
