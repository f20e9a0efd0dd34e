"""Opening and resolving incidents: problems that stand on assets until somebody says that they are over.

An incident is no change of its assets, so their revisions stay; the audit of each of them tells of it.
"""

from dataclasses import dataclass
from typing import Final

from app.graph.records.vertex_record import Record
from app.graph.writing.rules.attach import amended, attached_urn, new_attached_record
from app.graph.writing.rules.permissions import refuse_deleted, require_right, require_visible
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.enums import ChangeAction, IncidentState
from graphql_schema.catalog.relations import CAUSED_BY, RAISED_ON
from graphql_schema.ports.commands import IncidentOpening, IncidentResolving
from graphql_schema.ports.outcomes import Outcome, WriteOutcome

OPEN_INCIDENTS: Final = "openIncidents"
"""Of the record of a check: the open incidents on its asset that its results have caused, the oldest first."""

MAX_TRACKED: Final = 100
"""Open incidents that a check remembers: what bounds its record."""

FIELD: Final = "incidents"
"""The field of an asset that shows its incidents: what their audit is policed by."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What an incident says when it opens."""

    assets: tuple[str, ...]
    title: str
    severity: str
    cause: str | None = None


def open_incident(unit: ItemUnit, item: IncidentOpening) -> WriteOutcome:
    """Draft an incident; raises RejectedItemError unless the caller may change all of its assets."""
    unit.read(*item.assets, *(() if item.cause is None else (item.cause,)))
    for index, urn in enumerate(item.assets):
        record = require_visible(unit, urn, "assets", str(index))
        require_right(unit, "update", record)
        refuse_deleted(record)
    cause = None if item.cause is None else require_visible(unit, item.cause, "cause")
    check = None if cause is None else cause.get("check")
    problem = Problem(item.assets, item.title, item.severity, item.cause)
    return WriteOutcome(Outcome.CREATED, created_record=raise_incident(unit, problem, of_check=check))


def resolve_incident(unit: ItemUnit, item: IncidentResolving) -> WriteOutcome:
    """Draft the end of an incident; raises RejectedItemError unless the caller may change one of its assets."""
    incident = require_visible(unit, item.incident, "incident")
    known = [record for record in map(unit.visible, incident["subjects"]) if record is not None]
    if not any(unit.may("update", record).allowed for record in known):
        require_right(unit, "update", known[0])
    if incident["state"] == IncidentState.RESOLVED.name:
        return WriteOutcome(Outcome.UNCHANGED, created_record=item.incident)
    over = {"state": IncidentState.RESOLVED.name, "resolvedAt": unit.now, "resolvedBy": unit.author.subject}
    unit.put(unit.vid(item.incident), amended(unit, incident, **over))
    _tell(unit, incident, before=item.incident, reason=item.reason)
    cause = unit.stored(incident["cause"]) if incident.get("cause") else None
    if cause is not None and "check" in cause:
        _track(unit, cause["check"], incident, stands=False)
    return WriteOutcome(Outcome.UPDATED, created_record=item.incident)


def raise_incident(unit: ItemUnit, problem: Problem, of_check: str | None) -> str:
    """Draft an open incident on assets that were read, and answer its id; ``of_check`` is the check that caused it."""
    author = unit.author
    said = (*problem.assets, problem.title, problem.severity, problem.cause or "")
    urn = attached_urn(unit, "incident", *said, author.subject, str(author.at), author.request_id)
    incident = new_attached_record(
        unit,
        urn,
        unit.now,
        title=problem.title,
        state=IncidentState.OPEN.name,
        severity=problem.severity,
        openedAt=unit.now,
        subjects=list(problem.assets),
        cause=problem.cause,
    )
    vid = unit.vid(urn)
    unit.vertices[vid] = incident
    for asset in problem.assets:
        unit.attach(RAISED_ON, vid, unit.vid(asset), unit.now)
    if problem.cause is not None:
        unit.attach(CAUSED_BY, vid, unit.vid(problem.cause), unit.now)
    if of_check is not None:
        _track(unit, of_check, incident, stands=True)
    _tell(unit, incident, after=urn)
    return urn


def _tell(
    unit: ItemUnit, incident: Record, before: str | None = None, after: str | None = None, reason: str | None = None
) -> None:
    """Note in the audit of every asset, also of those that the caller does not know of, that it opened or is over."""
    unit.read(*incident["subjects"])
    for urn in incident["subjects"]:
        vid = unit.vid(urn)
        unit.record_field(vid, FIELD, before, after)
        unit.record_action(vid, ChangeAction.UPDATED, reason)


def _track(unit: ItemUnit, urn: str, incident: Record, *, stands: bool) -> None:
    """Let a check know of the open incidents that it caused on its own asset."""
    check = unit.stored(urn)
    if check is None or check["subjects"][0] not in incident["subjects"]:
        return
    others = [other for other in check[OPEN_INCIDENTS] if other != incident["id"]]
    unit.put(unit.vid(urn), {**check, OPEN_INCIDENTS: [*others, incident["id"]][:MAX_TRACKED] if stands else others})
