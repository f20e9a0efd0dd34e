"""Approving: a decision about an asset for a gate, recorded beside the asset and never changed."""

from app.graph.records.vertex_record import Record
from app.graph.writing.rules.attach import attached_urn, new_attached_record
from app.graph.writing.rules.gate_evidence import decisions
from app.graph.writing.rules.permissions import refuse_deleted, refuse_stub, require_right, require_visible
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import conflict, invalid
from graphql_schema.catalog.enums import ApprovalDecision, ChangeAction
from graphql_schema.catalog.relations import DECIDED_FOR
from graphql_schema.ports.commands import Approving
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.rules.gate_evaluation import approved, newest


def approve(unit: ItemUnit, item: Approving) -> WriteOutcome:
    """Draft a decision; raises RejectedItemError where it cannot be, or says nothing."""
    subject = require_visible(unit, item.subject, "subject")
    require_right(unit, "approve", subject)
    refuse_deleted(subject)
    refuse_stub(subject, "subject")
    if item.expires_at is not None and item.expires_at <= unit.now:
        raise invalid("`expiresAt` has passed; name a later instant, or none.", "expiresAt")
    earlier = decisions(unit, subject)
    before = newest(earlier, item.gate)
    if item.decision == ApprovalDecision.REVOKED.name and not approved(before, unit.now):
        raise conflict(
            f"No approval of {item.subject} by {item.gate!r} holds, so there is none to revoke.",
            subject["revision"],
            "decision",
        )
    decision = _decision(unit, item, len(earlier))
    _record(unit, decision, unit.vid(item.subject))
    unit.record_action(unit.vid(item.subject), ChangeAction.APPROVED, item.reason)
    unit.record_field(unit.vid(item.subject), "approvals", _as_told(before), _as_told(decision))
    return WriteOutcome(Outcome.CREATED, item.subject, subject["revision"], created_record=decision["id"])


def _decision(unit: ItemUnit, item: Approving, earlier: int) -> Record:
    author = unit.author
    marks = (item.subject, item.gate, item.decision, author.subject, str(author.at), str(earlier))
    return new_attached_record(
        unit,
        attached_urn(unit, "approval", *marks),
        author.at,
        gate=item.gate,
        decision=item.decision,
        reason=item.reason,
        decidedBy=author.subject,
        decidedAt=author.at,
        expiresAt=item.expires_at,
        subjects=[item.subject],
    )


def _record(unit: ItemUnit, decision: Record, subject: int) -> None:
    at = unit.vid(decision["id"])
    unit.vertices[at] = decision
    unit.attach(DECIDED_FOR, at, subject, decision["createdAt"])


def _as_told(decision: Record | None) -> dict[str, str] | None:
    """What the audit says of a decision."""
    return None if decision is None else {"gate": decision["gate"], "decision": decision["decision"]}
