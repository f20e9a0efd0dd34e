"""Opens and resolves incidents on assets.

An incident does not change the revision of its assets; the audit of each asset records it.
"""

from dataclasses import dataclass
from typing import Final

from app.graph.writing.rules.attach import amended, count_attached, new_attached_record, new_urn, reported
from app.graph.writing.rules.permissions import (
    refuse_deleted,
    require_right,
    require_right_on_subjects,
    require_visible,
)
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.enums import ChangeAction, IncidentState
from graphql_schema.catalog.relations import CAUSED_BY, RAISED_ON
from graphql_schema.ports.commands import OpenIncidentCommand, ResolveIncidentCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Record
from graphql_schema.rules.gate_evaluation import REPORTERS, counts_on

OPEN_INCIDENTS: Final = "openIncidents"
"""Record key of a check: ids of the last MAX_TRACKED open incidents that its results caused on its asset."""

MAX_TRACKED: Final = 100
"""Maximal number of open incidents that the record of one check lists."""

FIELD: Final = "incidents"
"""Field of an asset that shows its incidents; its policy applies to their audit entries."""


@dataclass(frozen=True, slots=True)
class NewIncident:
    """Values of an incident that opens; ``cause`` is the URN of a check result or change."""

    assets: tuple[str, ...]
    title: str
    severity: str
    cause: str | None = None


def open_incident(unit: ItemUnit, command: OpenIncidentCommand) -> WriteOutcome:
    """Open an incident.

    Raises RejectedItemError if the cause or an asset is hidden, or an asset is deleted or not one that the caller may
    update.
    """
    unit.lookup.require_records(*command.assets, *(() if command.cause is None else (command.cause,)))
    for index, urn in enumerate(command.assets):
        record = require_visible(unit, urn, "assets", str(index))
        require_right(unit, "update", record, "assets", str(index))
        refuse_deleted(record)
    cause = None if command.cause is None else require_visible(unit, command.cause, "cause")
    check = None if cause is None else cause.get("check")
    incident = NewIncident(command.assets, command.title, command.severity, command.cause)
    return WriteOutcome(Outcome.CREATED, created_record=raise_incident(unit, incident, of_check=check))


def resolve_incident(unit: ItemUnit, command: ResolveIncidentCommand) -> WriteOutcome:
    """Resolve an incident, unless it is resolved already.

    Raises RejectedItemError if it is hidden, or if the caller may not update each of its visible assets.
    """
    incident = require_visible(unit, command.incident, "incident")
    require_right_on_subjects(unit, incident)
    if incident["state"] == IncidentState.RESOLVED.name:
        return WriteOutcome(Outcome.UNCHANGED, created_record=command.incident)
    resolved = {"state": IncidentState.RESOLVED.name, "resolvedAt": unit.now, "resolvedBy": unit.author.subject}
    unit.staging.put(unit.lookup.vid(command.incident), amended(unit, incident, **resolved))
    _audit(unit, incident, before=command.incident, reason=command.reason)
    cause = unit.lookup.optional_record(incident.get("cause"), f"{command.incident}-cause") or {}
    if unit.lookup.optional_record(cause.get("check"), f"{command.incident}-check") is not None:
        _track(unit, cause["check"], incident, is_open=False)
    return WriteOutcome(Outcome.UPDATED, created_record=command.incident)


def raise_incident(unit: ItemUnit, new: NewIncident, of_check: str | None) -> str:
    """Stage an open incident on assets that were read, and return its URN.

    ``of_check`` is the URN of the check whose result caused it, None without one.
    """
    author = unit.author
    # neither assets nor cause: a reader may not see all of them
    identity = (new.title, new.severity, author.subject, str(author.audit_instant), author.request_id)
    urn = new_urn(unit, "incident", *identity)
    incident = new_attached_record(
        unit,
        urn,
        unit.now,
        title=new.title,
        state=IncidentState.OPEN.name,
        severity=new.severity,
        openedAt=unit.now,
        subjects=list(new.assets),
        cause=new.cause,
        **reported(unit, *(unit.lookup.known(unit.lookup.vid(asset)) for asset in new.assets)),
    )
    vid = unit.lookup.vid(urn)
    unit.staging.put(vid, incident)
    for asset in new.assets:
        count_attached(unit, asset, "incidents")
        unit.staging.attach(RAISED_ON, vid, unit.lookup.vid(asset), unit.now)
    if new.cause is not None:
        unit.staging.attach(CAUSED_BY, vid, unit.lookup.vid(new.cause), unit.now)
    if of_check is not None:
        _track(unit, of_check, incident, is_open=True)
    _audit(unit, incident, after=urn)
    return urn


def tracked_incident(unit: ItemUnit, check: Record, asset: Record) -> str | None:
    """Return the oldest open incident of a check that counts for its asset, or that the caller's teams reported.

    An incident that others opened before the asset had an owner must not take the place of one that counts.
    """
    unit.lookup.require_records(*check[OPEN_INCIDENTS])
    for urn in check[OPEN_INCIDENTS]:
        incident = unit.lookup.record(urn)
        if incident is not None and _is_shared(unit, incident, asset):
            return str(urn)
    return None


def _is_shared(unit: ItemUnit, incident: Record, asset: Record) -> bool:
    """Return whether an incident counts for the asset or, on one without an owner, was reported for a caller's team."""
    if asset["ownerTeam"] or REPORTERS not in incident:
        return counts_on(asset["id"], asset["ownerTeam"], incident)
    own = {*reported(unit, asset).get(REPORTERS, ())}
    return incident["createdBy"] == unit.author.subject or not own.isdisjoint(incident[REPORTERS])


def _audit(
    unit: ItemUnit, incident: Record, before: str | None = None, after: str | None = None, reason: str | None = None
) -> None:
    """Record in the audit of every asset, also of hidden ones, that the incident opened or was resolved."""
    unit.lookup.require_records(*incident["subjects"])
    for urn in incident["subjects"]:
        vid = unit.lookup.vid(urn)
        unit.audit.record_field(vid, FIELD, before, after)
        unit.audit.record_action(vid, ChangeAction.UPDATED, reason)


def _track(unit: ItemUnit, urn: str, incident: Record, *, is_open: bool) -> None:
    """Add an open incident to the record of the check that caused it, or remove a resolved one.

    Nothing changes if the incident is not on the asset of the check. If the record lists MAX_TRACKED incidents, the
    oldest one is left out.
    """
    check = unit.lookup.record(urn)
    if check is None or check["subjects"][0] not in incident["subjects"]:
        return
    others = [other for other in check[OPEN_INCIDENTS] if other != incident["id"]]
    tracked = [*others, incident["id"]][-MAX_TRACKED:] if is_open else others
    unit.staging.put(unit.lookup.vid(urn), {**check, OPEN_INCIDENTS: tracked})
