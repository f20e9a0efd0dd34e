"""Opening and resolving incidents: problems that stand on assets until somebody says that they are over.

An incident is no change of its assets, so their revisions stay; the audit of each of them tells of it.
"""

from dataclasses import dataclass
from typing import Final

from app.graph.records.vertex_record import Record
from app.graph.writing.rules.attach import amended, fact_urn, new_fact
from app.graph.writing.rules.permissions import existing, permit, refuse_deleted
from app.graph.writing.unit.item_unit import Draft
from graphql_schema.catalog.enums import ChangeAction, IncidentState
from graphql_schema.catalog.relations import CAUSED_BY, RAISED_ON
from graphql_schema.ports.commands import IncidentOpening, IncidentResolving
from graphql_schema.ports.outcomes import Outcome, Registered

OPEN_INCIDENTS: Final = "openIncidents"
"""Of the record of a check: the open incidents on its asset that its results have caused, the oldest first."""

MOST_TRACKED: Final = 100
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


def open_incident(draft: Draft, item: IncidentOpening) -> Registered:
    """Draft an incident; raises RefusedItemError unless the caller may change all of its assets."""
    draft.read(*item.assets, *(() if item.cause is None else (item.cause,)))
    for index, urn in enumerate(item.assets):
        record = existing(draft, urn, "assets", str(index))
        permit(draft, "update", record)
        refuse_deleted(record)
    cause = None if item.cause is None else existing(draft, item.cause, "cause")
    check = None if cause is None else cause.get("check")
    problem = Problem(item.assets, item.title, item.severity, item.cause)
    return Registered(Outcome.CREATED, made=raise_incident(draft, problem, of_check=check))


def resolve_incident(draft: Draft, item: IncidentResolving) -> Registered:
    """Draft the end of an incident; raises RefusedItemError unless the caller may change one of its assets."""
    incident = existing(draft, item.incident, "incident")
    known = [record for record in map(draft.find, incident["subjects"]) if record is not None]
    if not any(draft.may("update", record).allowed for record in known):
        permit(draft, "update", known[0])
    if incident["state"] == IncidentState.RESOLVED.name:
        return Registered(Outcome.UNCHANGED, made=item.incident)
    over = {"state": IncidentState.RESOLVED.name, "resolvedAt": draft.now, "resolvedBy": draft.author.subject}
    draft.put(draft.vid(item.incident), amended(draft, incident, **over))
    _tell(draft, incident, before=item.incident, reason=item.reason)
    cause = draft.stored(incident["cause"]) if incident.get("cause") else None
    if cause is not None and "check" in cause:
        _track(draft, cause["check"], incident, stands=False)
    return Registered(Outcome.UPDATED, made=item.incident)


def raise_incident(draft: Draft, problem: Problem, of_check: str | None) -> str:
    """Draft an open incident on assets that were read, and answer its id; ``of_check`` is the check that caused it."""
    author = draft.author
    said = (*problem.assets, problem.title, problem.severity, problem.cause or "")
    urn = fact_urn(draft, "incident", *said, author.subject, str(author.at), author.request_id)
    incident = new_fact(
        draft,
        urn,
        draft.now,
        title=problem.title,
        state=IncidentState.OPEN.name,
        severity=problem.severity,
        openedAt=draft.now,
        subjects=list(problem.assets),
        cause=problem.cause,
    )
    vid = draft.vid(urn)
    draft.vertices[vid] = incident
    for asset in problem.assets:
        draft.hang(RAISED_ON, vid, draft.vid(asset), draft.now)
    if problem.cause is not None:
        draft.hang(CAUSED_BY, vid, draft.vid(problem.cause), draft.now)
    if of_check is not None:
        _track(draft, of_check, incident, stands=True)
    _tell(draft, incident, after=urn)
    return urn


def _tell(
    draft: Draft, incident: Record, before: str | None = None, after: str | None = None, reason: str | None = None
) -> None:
    """Note in the audit of every asset, also of those that the caller does not know of, that it opened or is over."""
    draft.read(*incident["subjects"])
    for urn in incident["subjects"]:
        vid = draft.vid(urn)
        draft.tell(vid, FIELD, before, after)
        draft.note(vid, ChangeAction.UPDATED, reason)


def _track(draft: Draft, urn: str, incident: Record, *, stands: bool) -> None:
    """Let a check know of the open incidents that it caused on its own asset."""
    check = draft.stored(urn)
    if check is None or check["subjects"][0] not in incident["subjects"]:
        return
    others = [other for other in check[OPEN_INCIDENTS] if other != incident["id"]]
    draft.put(draft.vid(urn), {**check, OPEN_INCIDENTS: [*others, incident["id"]][:MOST_TRACKED] if stands else others})
