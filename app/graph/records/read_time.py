"""What was there at an instant: edges by their intervals, vertices by how long they existed.

The present is what the store's own filter on ``validFrom`` and ``validTo`` answers. Of the past, an edge's record knows
more: the intervals before the last one, and when an interval was recorded (:mod:`app.graph.records.edge_record`). So
for the past the store leaves out less, and :func:`edge_at` decides. What hides its times from the caller is taken as it
was when the answer was begun: else an instant could be tried after the other until it tells them.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.graph.records.edge_record import intervals, recorded_by
from app.graph.records.vertex_record import FIRST_AT, begins
from graphql_schema.catalog.enums import IncidentState
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.kinds import ATTACHED_KINDS, KIND_OF_CODE
from graphql_schema.ports.row import Row

Record = Mapping[str, Any]


NO_UPPER_BOUND: Final = 2**63 - 1
"""The time that bounds nothing."""


@dataclass(frozen=True, slots=True)
class ReadTime:
    """When what is read held (``valid``), and when the answer was begun: by then it was ``recorded``.

    ``past`` says that this is not the present, and ``resumed`` that there may be records of later than that.
    """

    valid: int
    recorded: int = NO_UPPER_BOUND
    past: bool = False
    resumed: bool = False

    def for_edge(self, hidden: Container[str]) -> int:
        """When an edge must hold, of which some fields are hidden from the caller."""
        return self.recorded if self.past and ("validFrom" in hidden or "validTo" in hidden) else self.valid

    @property
    def window(self) -> dict[str, int]:
        """Which edges the store is to bring, as the level text reads it.

        Of the past all that had not ended; and if what was recorded later is left out, those as well that it ended.
        """
        if not self.past:
            return {"vf": self.valid, "vt": self.valid}
        return {"vf": NO_UPPER_BOUND, "vt": -1 if self.resumed else min(self.valid, self.recorded)}


PRESENT = ReadTime(0)
"""Of rows alone: as they are."""


def edge_at(edge: Record, instant: ReadTime, hidden: Container[str] = ()) -> Record | None:
    """The edge with the interval that holds at an instant; None where none does. ``hidden`` are fields of it."""
    if not instant.past:
        return edge
    at = instant.for_edge(hidden)
    for begin, end in recorded_by(reversed(intervals(edge)), instant.recorded):
        if begin <= at < end:
            return {**edge, "validFrom": begin, "validTo": None if end == FOREVER else end}
    return None


def vertex_at(record: Record, instant: ReadTime, hidden: Container[str] = ()) -> Record | None:
    """The vertex as it stood at an instant; None where it did not exist yet. ``hidden`` are fields of it.

    What was deleted by then is deleted, what was deleted later is not. Teams, users, domains and tags are always there:
    edges say since when they have to do with something.
    """
    if not instant.past:
        return record
    kind = KIND_OF_CODE[record["kind"]]
    if kind.name in ATTACHED_KINDS:
        return _fact_at(record, instant.valid)
    if not kind.asset:
        return record
    timeless = "sourceCreatedAt" in hidden or "createdAt" in hidden
    if record["createdAt"] > instant.recorded or (not timeless and begins(record) > instant.valid):
        return None
    deleted = record.get("deletedAt")
    left = deleted is not None and deleted > (instant.recorded if "deletedAt" in hidden else instant.valid)
    return {**record, "deletedAt": None} if left else record


def existed(row: Row, instant: ReadTime) -> bool:
    """Whether an asset was there at an instant, and not deleted."""
    stood = vertex_at(row.record, instant, row.access.hidden)
    return stood is not None and stood.get("deletedAt") is None


def _fact_at(record: Record, valid: int) -> Record | None:
    """A fact, unless it is about what came later; an incident that was resolved later stands."""
    if record["kind"] == ATTACHED_KINDS["UsageMonth"].code:
        return record
    if record.get("observedAt", record.get(FIRST_AT, record["createdAt"])) > valid:
        return None
    resolved = record.get("resolvedAt")
    if resolved is not None and resolved > valid:
        return {**record, "state": IncidentState.OPEN.name, "resolvedAt": None}
    return record
