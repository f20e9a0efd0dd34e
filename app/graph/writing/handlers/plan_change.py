"""Plans a change of assets, records the decisions of teams about it, and closes it.

A plan does not change the revision of its assets; the audit of each asset records it.
"""

from collections.abc import Sequence
from typing import Final

from app.graph.writing.rules.attach import amended, new_attached_record, new_urn
from app.graph.writing.rules.permissions import (
    refuse_deleted,
    require_right,
    require_right_on_subjects,
    require_visible,
)
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import conflict, denied, invalid
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import PLANNED_FOR
from graphql_schema.ports.commands import AcknowledgeChangeCommand, CloseChangePlanCommand, PlanChangeCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Record
from policies.principal import PrincipalKind

FIELD: Final = "changePlans"
"""Field of an asset that shows its plans; its policy applies to their audit entries."""

MAX_ACKNOWLEDGEMENTS: Final = 500
"""Maximal number of teams that acknowledge a plan: its record has each decision, with up to 4,000 characters."""

MAX_REPLACED: Final = 20
"""Maximal number of decisions of one team about a plan that later ones replaced: each is audited at every root."""

OPEN: Final = "OPEN"
CLOSED: Final = "CLOSED"


def plan_change(unit: ItemUnit, command: PlanChangeCommand) -> WriteOutcome:
    """Store a plan.

    Raises RejectedItemError if a root is hidden or deleted, or the caller may not update it, or the deadline has
    passed.
    """
    unit.lookup.require_records(*command.roots)
    for index, urn in enumerate(command.roots):
        record = require_visible(unit, urn, "roots", str(index))
        require_right(unit, "update", record, "roots", str(index))
        refuse_deleted(record)
    if command.deadline is not None and command.deadline <= unit.now:
        raise invalid("`deadline` has passed; give a later instant, or omit it.", "deadline")
    plan = _new_plan(unit, command)
    vid = unit.lookup.vid(plan["id"])
    unit.staging.put(vid, plan)
    for urn in command.roots:
        unit.staging.attach(PLANNED_FOR, vid, unit.lookup.vid(urn), unit.now)
    _audit(unit, plan, ChangeAction.PLANNED, (None, {"plan": plan["id"]}))
    return WriteOutcome(Outcome.CREATED, created_record=plan["id"])


def acknowledge_change(unit: ItemUnit, command: AcknowledgeChangeCommand) -> WriteOutcome:
    """Record the decision of a team about a plan, in place of an earlier one.

    A decision equal to the earlier one changes nothing. Raises RejectedItemError if the plan or team is hidden, the
    plan is closed, or the caller is no member of the team or no person. Also raises it if too many teams have decided,
    or this team too often.
    """
    plan = require_visible(unit, command.plan, "plan")
    require_visible(unit, command.team, "team")
    who = unit.author.principal
    if who is None or command.team not in who.teams or who.kind is not PrincipalKind.PERSON:
        raise denied(f"Only a person whose token has the team {command.team} may decide for it.", "team")
    _refuse_closed(plan)
    before = plan["acknowledgements"].get(command.team)
    if before is None and len(plan["acknowledgements"]) >= MAX_ACKNOWLEDGEMENTS:
        raise conflict(
            f"{MAX_ACKNOWLEDGEMENTS} teams have acknowledged {command.plan}, which is the limit; plan a part of it.",
            None,
        )
    if before is not None and (before["decision"], before.get("reason")) == (command.decision, command.reason):
        return WriteOutcome(Outcome.UNCHANGED, created_record=command.plan)
    replaced = None if before is None else before.get("replaced", 0) + 1
    if replaced is not None and replaced > MAX_REPLACED:
        raise conflict(
            f"{command.team} has changed its decision about {command.plan} {MAX_REPLACED} times, which is the limit; "
            "the author of the plan can close it and make another one.",
            None,
        )
    given = {"reason": command.reason, "user": unit.author.user, "replaced": replaced}
    decision = {
        "decision": command.decision,
        "by": unit.author.subject,
        "at": unit.now,
        **{name: value for name, value in given.items() if value is not None},
    }
    acknowledgements = {**plan["acknowledgements"], command.team: decision}
    unit.staging.put(unit.lookup.vid(command.plan), amended(unit, plan, acknowledgements=acknowledgements))
    sides = [_audited(command.plan, command.team, each) for each in (before, decision)]
    _audit(unit, plan, ChangeAction.ACKNOWLEDGED, sides, command.reason)
    return WriteOutcome(Outcome.UPDATED, created_record=command.plan)


def close_change_plan(unit: ItemUnit, command: CloseChangePlanCommand) -> WriteOutcome:
    """Close a plan, unless it is closed with the same outcome already.

    Raises RejectedItemError if the plan is hidden or closed with another outcome, or the caller may not update each of
    its visible roots.
    """
    plan = require_visible(unit, command.plan, "plan")
    require_right_on_subjects(unit, plan)
    if plan["state"] == CLOSED and plan["outcome"] == command.outcome:
        return WriteOutcome(Outcome.UNCHANGED, created_record=command.plan)
    _refuse_closed(plan)
    closed = {"state": CLOSED, "outcome": command.outcome, "closedAt": unit.now, "closedBy": unit.author.subject}
    unit.staging.put(unit.lookup.vid(command.plan), amended(unit, plan, **closed))
    sides = ({"plan": command.plan}, {"plan": command.plan, "outcome": command.outcome})
    _audit(unit, plan, ChangeAction.PLAN_CLOSED, sides, command.reason)
    return WriteOutcome(Outcome.UPDATED, created_record=command.plan)


def _new_plan(unit: ItemUnit, command: PlanChangeCommand) -> Record:
    """Return the record of a plan; its id is made of nothing that is hidden from its readers, such as other roots."""
    author = unit.author
    identity = (command.title, author.subject, str(author.audit_instant), author.request_id)
    return new_attached_record(
        unit,
        new_urn(unit, "change-plan", *identity),
        unit.now,
        title=command.title,
        description=command.description,
        state=OPEN,
        plannedAt=unit.now,
        plannedBy=author.subject,
        deadline=command.deadline,
        maxDepth=command.max_depth,
        snapshot=list(command.snapshot),
        acknowledgements={},
        subjects=list(command.roots),
    )


def _refuse_closed(plan: Record) -> None:
    if plan["state"] == CLOSED:
        raise conflict(f"{plan['id']} is closed as {plan['outcome']}; make another plan with `planChange`.", None)


def _audited(plan: str, team: str, decision: Record | None) -> Record | None:
    """Return the part of a decision that the audit records, None without a decision."""
    return None if decision is None else {"plan": plan, "team": team, "decision": decision["decision"]}


def _audit(
    unit: ItemUnit, plan: Record, action: ChangeAction, sides: Sequence[Record | None], reason: str | None = None
) -> None:
    """Record in the audit of every root, also of hidden ones, a change of the plan; ``sides`` are before and after."""
    unit.lookup.require_records(*plan["subjects"])
    for urn in plan["subjects"]:
        vid = unit.lookup.vid(urn)
        unit.audit.record_field(vid, FIELD, *sides)
        unit.audit.record_action(vid, action, reason)
