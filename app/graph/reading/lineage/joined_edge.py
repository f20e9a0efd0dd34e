"""The edges that lineage follows: masked records, whose ids and ends are computed only where they are shown."""

from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.record import Json, Record
from graphql_schema.ports.row import MaskedRecord, RecordAccess, Row

EDGE_TYPE = "LineageEdge"
"""GraphQL type under which an edge is shown, whose field mask applies."""

EdgeName = tuple[str, int, int]
"""What names an edge: its relation, and the vertex ids of its *from* and its *to* end."""


class JoinedEdge(MaskedRecord):
    """An edge between two rows, as the caller may see it; ``stored`` is its record at the read time.

    Its id and the ids of its ends are computed when they are shown: a walk follows thousands of edges and shows few.
    """

    __slots__ = ("_shown", "source", "stored", "target")

    def __init__(self, stored: Record, near: Row, far: Row, direction: Direction, access: RecordAccess) -> None:
        self.kind = EDGE_TYPE
        self.stored = stored
        self.access = access
        self.source, self.target = (near, far) if direction is Direction.OUT else (far, near)
        self._shown: Record | None = None

    @property
    def name(self) -> EdgeName:
        """Return what names the edge, for comparisons in memory."""
        return self.stored["relation"], self.source.vid, self.target.vid

    @property
    def urn(self) -> str:  # type: ignore[override]
        """Return the id of the edge."""
        return f"{self.stored['relation']}:{self.source.vid:x}:{self.target.vid:x}"

    @property
    def record(self) -> Record:  # type: ignore[override]
        """Return the record with the id of the edge and those of its ends."""
        if self._shown is None:
            ends = {"id": self.urn, "from": self.source.urn, "to": self.target.urn}
            self._shown = {**self.stored, **ends}
        return self._shown

    def visible_value(self, field: str) -> Json:
        """Return the value of a field of the stored edge for filters, None if it is hidden; nothing is reported."""
        return None if field in self.access.hidden else self.stored.get(field)
