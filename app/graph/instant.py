"""What was there at an instant: edges by their intervals, vertices by how long they existed.

The present is what the store's own filter on ``validFrom`` and ``validTo`` answers. Of the past, an edge's record knows
more: the intervals before the last one, and when an interval was recorded (:mod:`app.graph.writing.edges`). So for the
past the store leaves out less, and :func:`edge_at` decides.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.graph.level import LAST
from app.graph.writing.edges import CLAIM, interval
from app.graph.writing.vertices import begins
from graphql_schema.catalog import FACTS, KIND_OF_CODE, OPEN
from graphql_schema.enums import IncidentState

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Instant:
    """When what is read held (``valid``), and by when it was recorded; ``past`` says that it is not the present."""

    valid: int
    recorded: int = LAST
    past: bool = False

    @property
    def window(self) -> dict[str, int]:
        """Which edges the store is to bring, as the level text reads it.

        Of the past all that had not ended; and if what was recorded later is left out, those as well that it ended.
        """
        if not self.past:
            return {"vf": self.valid, "vt": self.valid}
        return {"vf": LAST, "vt": self.valid if self.recorded == LAST else -1}


PRESENT = Instant(0)
"""Of rows alone: as they are."""


def edge_at(edge: Record, instant: Instant) -> Record | None:
    """The edge with the interval that holds at an instant; None where none does."""
    if not instant.past:
        return edge
    if edge.get(CLAIM):
        return None
    for begin, end, opened, closed in _intervals(edge):
        known_end = end if closed <= instant.recorded else OPEN
        if opened <= instant.recorded and begin <= instant.valid < known_end:
            return {**edge, "validFrom": begin, "validTo": None if known_end == OPEN else known_end}
    return None


def vertex_at(record: Record, instant: Instant) -> Record | None:
    """The vertex as it stood at an instant; None where it did not exist yet.

    What was deleted by then is deleted, what was deleted later is not. Teams, users, domains and tags are always there:
    edges say since when they have to do with something.
    """
    if not instant.past:
        return record
    kind = KIND_OF_CODE[record["kind"]]
    if kind.name in FACTS:
        return _fact_at(record, instant.valid)
    if not kind.asset:
        return record
    if begins(record) > instant.valid or record["createdAt"] > instant.recorded:
        return None
    deleted = record.get("deletedAt")
    return {**record, "deletedAt": None} if deleted is not None and deleted > instant.valid else record


def existed(record: Record, instant: Instant) -> bool:
    """Whether an asset was there at an instant, and not deleted."""
    stood = vertex_at(record, instant)
    return stood is not None and stood.get("deletedAt") is None


def _fact_at(record: Record, valid: int) -> Record | None:
    """A fact, unless it is about what came later; an incident that was resolved later stands."""
    if record["kind"] == FACTS["UsageMonth"].code:
        return record
    if record.get("observedAt", record["createdAt"]) > valid:
        return None
    resolved = record.get("resolvedAt")
    if resolved is not None and resolved > valid:
        return {**record, "state": IncidentState.OPEN.name, "resolvedAt": None}
    return record


def _intervals(edge: Record) -> Iterator[tuple[int, int, int, int]]:
    """The intervals of an edge, the last one first: begin, end, and when each of these was recorded."""
    for each in (interval(edge), *reversed(edge.get("earlier", ()))):
        begin, end, opened, closed = each if len(each) > 2 else (*each, each[0], each[1])  # noqa: PLR2004 - a pair
        yield begin, end, opened, closed
