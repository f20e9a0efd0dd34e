"""Records a decision about an asset under an approval name.

A decision is never replaced. Only the newest one under a name counts, and an approval not once it is expired or void.
All are read with each move of an alias, so their number is bounded.
"""

from typing import Final

from app.graph.writing.rules.approved_content import DIGESTS, FOR_VERSIONS, own_work, versions_to_approve
from app.graph.writing.rules.attach import attached_urn, new_ordered_record
from app.graph.writing.rules.gate_evidence import decisions, stored_decisions
from app.graph.writing.rules.permissions import (
    refuse_deleted,
    refuse_stub,
    refuse_unexpected,
    require_right,
    require_visible,
)
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import conflict, denied, invalid, over_limit, unknown_name
from graphql_schema.catalog.enums import ApprovalDecision, ChangeAction
from graphql_schema.catalog.relations import DECIDED_FOR
from graphql_schema.ports.commands import ApproveCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Record
from graphql_schema.rules.gate_evaluation import approved, newest_decisions

MAX_DECISIONS: Final = 100
"""Maximal number of decisions of one caller about one content of an asset. A further one can only be REVOKED.

Each revocation needs an approval that is valid, so there are at most as many more of these.
"""

_DAY_MS: Final = 86_400_000


def approve(unit: ItemUnit, command: ApproveCommand) -> WriteOutcome:
    """Record a decision; raises RejectedItemError if the caller may not decide, or there is nothing to revoke.

    A decision of the caller that equals the newest one under its name changes nothing.

    Who made or requested the asset may not approve it, nor a deployment of it. The error is also raised if the asset is
    hidden, deleted, a stub or has another revision than expected, or if ``expiresAt`` has passed. With ``only_known``,
    it is also raised if no gate needs an approval of this name. It is also raised if the caller has decided
    MAX_DECISIONS times.
    """
    subject = require_visible(unit, command.subject, "subject")
    require_right(unit, "approve", subject)
    refuse_deleted(subject)
    refuse_stub(subject, "subject")
    refuse_unexpected(unit, command.subject, command.expected_revision, subject)
    known = unit.author.gates.approvals
    if command.only_known and command.gate not in known:
        raise unknown_name(command.gate, f"No gate needs an approval {command.gate!r}", known, "gate")
    if command.decision == ApprovalDecision.APPROVED.name:
        _refuse_own_work(unit, subject)
    if command.expires_at is not None and command.expires_at <= unit.now:
        raise invalid("`expiresAt` has passed; give a later instant, or omit it.", "expiresAt")
    earlier = decisions(unit, subject)
    before = newest_decisions(earlier).get(command.gate)
    if command.decision == ApprovalDecision.REVOKED.name and not approved(before, unit.now):
        raise conflict(
            f"No valid approval {command.gate!r} of {command.subject} is visible to you; check `gate`.",
            subject["revision"],
            "decision",
        )
    decision = _decision(unit, command, len(earlier), subject)
    if before is not None and _repeats(unit, decision, before):
        return WriteOutcome(Outcome.UNCHANGED, command.subject, subject["revision"], created_record=before["id"])
    _refuse_many(unit, command, subject)
    vid, subject_vid = unit.lookup.vid(decision["id"]), unit.lookup.vid(command.subject)
    unit.staging.put(vid, decision)
    unit.staging.attach(DECIDED_FOR, vid, subject_vid, decision["createdAt"])
    unit.audit.record_action(subject_vid, ChangeAction.APPROVED, command.reason)
    unit.audit.record_field(subject_vid, "approvals", _audited(before), _audited(decision))
    return WriteOutcome(Outcome.CREATED, command.subject, subject["revision"], created_record=decision["id"])


def _refuse_own_work(unit: ItemUnit, subject: Record) -> None:
    """Reject an approval as DENIED if the caller made or requested the asset, or a version of this deployment."""
    own = own_work(unit, subject)
    if own is not None:
        shown = own["id"] if unit.visibility.is_visible(own) else "its version"
        raise denied(f"You made or requested {shown}; let another approver approve {subject['id']}.")


def _repeats(unit: ItemUnit, decision: Record, before: Record) -> bool:
    """Return whether a decision equals the earlier one, and that one still counts: a decision may be over."""
    names = ("decision", "reason", "decidedBy", "expiresAt", "digest")
    return not _is_over(before, unit.now) and all(decision.get(name) == before.get(name) for name in names)


def _is_over(decision: Record, now: int) -> bool:
    """Return whether a decision has expired, or is about other content or for another owner."""
    return any(decision.get(end) is not None and decision[end] <= now for end in ("expiresAt", "voidedAt"))


def _refuse_many(unit: ItemUnit, command: ApproveCommand, subject: Record) -> None:
    """Reject the item as LIMIT_EXCEEDED if the caller has decided too often about the content that is stored.

    Decisions before a change that voided one, of any caller, were about other content or for another owner. One that
    expired a day ago or earlier does not count. Without this day, short expiries would remove the limit.
    """
    stored = stored_decisions(unit, subject)
    voided = max((each.get("voidedAt") or 0 for each in stored), default=0)
    own = [each for each in stored if each["decidedBy"] == unit.author.subject and each["createdAt"] > voided]
    count = sum(each.get("expiresAt") is None or each["expiresAt"] > unit.now - _DAY_MS for each in own)
    if count >= MAX_DECISIONS and command.decision != ApprovalDecision.REVOKED.name:
        raise over_limit(
            f"You have decided {count} times about {command.subject} with this content, which is the limit. Revoke an "
            "approval that must not count, or let another approver decide.",
            "subject",
        )


def _decision(unit: ItemUnit, command: ApproveCommand, earlier: int, subject: Record) -> Record:
    """Return the record of the decision about ``subject``.

    ``earlier`` is the number of visible decisions, which is part of its id.
    """
    author = unit.author
    versions = versions_to_approve(unit, subject) if command.decision == ApprovalDecision.APPROVED.name else []
    identity = (
        command.subject,
        command.gate,
        command.decision,
        author.subject,
        str(author.audit_instant),
        str(earlier),
    )
    return new_ordered_record(
        unit,
        attached_urn(unit.author.tenant, "approval", *identity),
        gate=command.gate,
        decision=command.decision,
        reason=command.reason,
        decidedBy=author.subject,
        decidedByUser=author.user,
        decidedAt=author.audit_date,
        expiresAt=command.expires_at,
        digest=next((subject[name] for name in DIGESTS if subject.get(name)), None),
        subjects=[command.subject],
        **({FOR_VERSIONS: versions} if versions else {}),
    )


def _audited(decision: Record | None) -> dict[str, str] | None:
    """Return the part of a decision that the audit records, None without a decision."""
    return None if decision is None else {"gate": decision["gate"], "decision": decision["decision"]}
