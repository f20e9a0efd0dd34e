"""Records as they were at an instant: edges by their intervals, vertices by the time of their existence.

For the present the store filters by ``validFrom`` and ``validTo``. For the past the record of an edge holds more:
former intervals, and when an interval was recorded (:mod:`app.graph.records.edge_record`). The store therefore filters
less, and :func:`edge_at` decides. If the times of a record are hidden from the caller, ``recorded`` of the read time
counts instead of ``valid``. Otherwise a caller could find the hidden times by trying instants.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from app.graph.records.edge_record import CLOSED, CORRECTED, OPENED, UNCONFIRMED, ends, interval, intervals
from app.graph.records.vertex_record import FIRST_AT, FORMER_DELETION, begins
from graphql_schema.catalog.enums import IncidentState
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.kinds import ATTACHED_KINDS, KIND_OF_CODE
from graphql_schema.ports.record import Json, Record
from graphql_schema.ports.row import Row
from graphql_schema.rules.change_stamp import made_at, registered_at

NO_UPPER_BOUND: Final = 2**63 - 1
"""An instant after all others."""


@dataclass(frozen=True, slots=True)
class ReadTime:
    """The instant that an operation reads at.

    ``valid`` is the instant at which records must be valid, ``recorded`` that by which they must have been recorded,
    both in epoch milliseconds. ``past`` is false for a read of the present. ``resumed`` is true if a page is continued,
    so that values recorded after ``recorded`` may exist.
    """

    valid: int
    recorded: int = NO_UPPER_BOUND
    past: bool = False
    resumed: bool = False

    def for_edge(self, hidden: Container[str]) -> int:
        """Return the instant at which an edge must be active.

        It is ``valid``, or for the past ``recorded`` if begin or end of the edge is in ``hidden``, the fields that the
        caller may not see.
        """
        return self.recorded if self.past and ("validFrom" in hidden or "validTo" in hidden) else self.valid

    @property
    def window(self) -> dict[str, int]:
        """Return the bounds of the edges that the store returns, as entries of a hop of the level statement.

        For the present these are the edges that are valid at ``valid``. For the past these are the edges that end after
        the earlier of ``valid`` and ``recorded``, or all edges if ``resumed``: an end may have been recorded later.
        """
        if not self.past:
            return {"vf": self.valid, "vt": self.valid}
        return {"vf": NO_UPPER_BOUND, "vt": -1 if self.resumed else min(self.valid, self.recorded)}


PRESENT = ReadTime(0)
"""A read time for vertices in their present state; edges need the current instant in ``valid``."""


def edge_at(edge: Record, instant: ReadTime, hidden: Container[str] = ()) -> Record | None:
    """Return the edge with the interval that is active at a past instant, None without one.

    For the present the edge is returned unchanged. ``hidden`` are the fields of the edge that the caller may not see.
    """
    if not instant.past:
        return edge
    at = instant.for_edge(hidden)
    for each in reversed(intervals(_uncorrected(edge, instant.recorded))):
        if each[0] > at:  # most of hundreds of intervals
            continue
        for begin, end in recorded_by([each], instant.recorded):
            if begin <= at < end:
                dates = {"validFrom": begin, "validTo": None if end == FOREVER else end}
                return {**edge, **dates, **({OPENED: opened_at(each)} if OPENED in edge else {})}
    return None


def recorded(before: Record | None, after: Record, now: int) -> Record:
    """Return the edge ``after`` with the instants when its interval was recorded, if they differ from begin and end.

    ``before`` is the record that ``after`` replaces, None for a new edge. A begin or end that is the same in both keeps
    its instant, unless ``after`` has a new interval; another one is recorded at ``now``, unless it is FOREVER. If
    ``after`` confirms the edge and has the same begin, the edge begins at ``now``, or at that begin if it is later.
    """
    if (
        before is not None
        and before.get(UNCONFIRMED)
        and not after.get(UNCONFIRMED)
        and before["validFrom"] == after["validFrom"]
    ):
        after = {**after, "validFrom": max(now, after["validFrom"])}
    same = None if before is None or interval(before) in after.get("earlier", ()) else before
    marks: dict[str, Json] = {}
    for mark, of in ((OPENED, itemgetter("validFrom")), (CLOSED, ends)):
        if same is not None and of(same) == of(after):
            marks[mark] = same.get(mark)
        elif of(after) not in {now, FOREVER}:
            marks[mark] = now
    rest = {name: value for name, value in after.items() if name not in {OPENED, CLOSED, CORRECTED}}
    found = {**rest, **{mark: at for mark, at in marks.items() if at is not None}}
    correction = None if before is None else _correction(before, found, now)
    return found if correction is None else {**found, CORRECTED: correction}


def _correction(before: Record, after: Record, now: int) -> list[int] | None:
    """Return what ``after``, which replaces the edge ``before`` at ``now``, has as CORRECTED; None for nothing.

    That is the last interval of ``before``, if it was recorded earlier and does not follow from the intervals of
    ``after``. Otherwise it is what ``before`` has, if the begin stays or was corrected at ``now`` as well.
    """
    begin, end = before["validFrom"], ends(before)
    former, opened, stays = before.get(CORRECTED), before.get(OPENED, begin), after["validFrom"] == begin
    if stays and all(before.get(name) == after.get(name) for name in ("validTo", OPENED, UNCONFIRMED)):
        return former
    alike = [each for each in intervals(after) if (each[0], opened_at(each)) == (begin, opened)]
    follows = any(end in {each[1], FOREVER} for each in alike)
    had_none = before.get(UNCONFIRMED) or (end <= begin and not stays)
    if follows or had_none or opened >= now:
        return former if stays or (former is not None and former[-1] == now) else None
    return [begin, end, former[2] if former else opened, before.get(CLOSED, end), now]


def _uncorrected(edge: Record, at: int) -> Record:
    """Return the edge with its last interval as it was recorded at an instant, without any later correction."""
    correction = edge.get(CORRECTED)
    if correction is None or at >= correction[-1]:
        return edge
    begin, end, opened, closed, _ = correction
    rest = {name: value for name, value in edge.items() if name != UNCONFIRMED}
    return {**rest, "validFrom": begin, "validTo": end, OPENED: opened, CLOSED: closed}


def vertex_at(record: Record, instant: ReadTime, hidden: Container[str] = ()) -> Record | None:
    """Return the record of a vertex, None if the vertex did not exist at a past instant.

    For the present the record is returned unchanged. ``hidden`` are the fields that the caller may not see. An asset
    that was deleted by the past instant is returned with its ``deletedAt``. A later deletion is undone, and so is a
    restoration after the first page of a result. An incident that was resolved later is open, and an asset that was
    registered later is a stub. Other values remain those of the present. Teams, users, domains, tags and usage months
    always exist.
    """
    if not instant.past:
        return record
    kind = KIND_OF_CODE[record["kind"]]
    if kind.name in ATTACHED_KINDS:
        return _attached_at(record, instant.valid)
    if not kind.asset:
        return record
    timeless = "sourceCreatedAt" in hidden or "createdAt" in hidden
    if record["createdAt"] > instant.recorded or (not timeless and begins(record) > instant.valid):
        return None
    bound = instant.recorded if timeless else instant.valid
    if record.get("sourceCreatedAt") is None and registered_at(record) > bound:
        record = {**record, "hydration": "STUB"}
    deleted = _deleted_at(record, instant)
    if deleted is not None and deleted > (instant.recorded if "deletedAt" in hidden else instant.valid):
        deleted = None
    return record if deleted == record.get("deletedAt") else {**record, "deletedAt": deleted}


def _deleted_at(record: Record, instant: ReadTime) -> int | None:
    """Return when an asset was deleted; if a page is continued, also if it was restored since the first one."""
    former = record.get(FORMER_DELETION)
    stored: int | None = record.get("deletedAt")
    return int(former[0]) if instant.resumed and former is not None and former[1] > instant.recorded else stored


def existed(row: Row, instant: ReadTime) -> bool:
    """Return whether an asset existed at the read time ``instant`` and was not deleted."""
    found = vertex_at(row.record, instant, row.access.hidden)
    return found is not None and found.get("deletedAt") is None


def _attached_at(record: Record, valid: int) -> Record | None:
    """Return an attached record, None if it is about a later instant than ``valid``.

    An incident that was resolved later is open. A usage month is returned unchanged.
    """
    if record["kind"] == ATTACHED_KINDS["UsageMonth"].code:
        return record
    if record.get("observedAt", record.get(FIRST_AT, made_at(record))) > valid:
        return None
    resolved = record.get("resolvedAt")
    if resolved is not None and resolved > valid:
        return {**record, "state": IncidentState.OPEN.name, "resolvedAt": None}
    return record


def opened_at(found: Sequence[int]) -> int:
    """Return the instant at which the begin of an interval, in the form of ``earlier``, was recorded."""
    return found[2] if len(found) > 2 else found[0]  # noqa: PLR2004 - begin and end


def recorded_by(found: Iterable[Sequence[int]], recorded: int) -> Iterator[tuple[int, int]]:
    """Yield begin and end of the stored intervals whose begin was recorded up to the instant ``recorded``.

    For an end that was recorded later, FOREVER is yielded.
    """
    for begin, end, *marks in found:
        opened, closed = marks or (begin, end)
        if opened <= recorded:
            yield begin, end if closed <= recorded else FOREVER
