"""Approving: a decision about an asset for a gate, recorded beside the asset and never changed."""

from app.graph.records.vertex_record import Record
from app.graph.writing.rules.attach import fact_urn, new_fact
from app.graph.writing.rules.gate_evidence import decisions
from app.graph.writing.rules.permissions import existing, permit, refuse_deleted, refuse_stub
from app.graph.writing.unit.item_unit import Draft
from app.graph.writing.unit.rejections import conflict, invalid
from graphql_schema.catalog.enums import ApprovalDecision, ChangeAction
from graphql_schema.catalog.relations import DECIDED_FOR
from graphql_schema.ports.commands import Approving
from graphql_schema.ports.outcomes import Outcome, Registered
from graphql_schema.rules.gate_evaluation import approved, newest


def approve(draft: Draft, item: Approving) -> Registered:
    """Draft a decision; raises RefusedItemError where it cannot be, or says nothing."""
    subject = existing(draft, item.subject, "subject")
    permit(draft, "approve", subject)
    refuse_deleted(subject)
    refuse_stub(subject, "subject")
    if item.expires_at is not None and item.expires_at <= draft.now:
        raise invalid("`expiresAt` has passed; name a later instant, or none.", "expiresAt")
    earlier = decisions(draft, subject)
    before = newest(earlier, item.gate)
    if item.decision == ApprovalDecision.REVOKED.name and not approved(before, draft.now):
        raise conflict(
            f"No approval of {item.subject} by {item.gate!r} holds, so there is none to revoke.",
            subject["revision"],
            "decision",
        )
    decision = _decision(draft, item, len(earlier))
    _record(draft, decision, draft.vid(item.subject))
    draft.note(draft.vid(item.subject), ChangeAction.APPROVED, item.reason)
    draft.tell(draft.vid(item.subject), "approvals", _as_told(before), _as_told(decision))
    return Registered(Outcome.CREATED, item.subject, subject["revision"], made=decision["id"])


def _decision(draft: Draft, item: Approving, earlier: int) -> Record:
    author = draft.author
    marks = (item.subject, item.gate, item.decision, author.subject, str(author.at), str(earlier))
    return new_fact(
        draft,
        fact_urn(draft, "approval", *marks),
        author.at,
        gate=item.gate,
        decision=item.decision,
        reason=item.reason,
        decidedBy=author.subject,
        decidedAt=author.at,
        expiresAt=item.expires_at,
        subjects=[item.subject],
    )


def _record(draft: Draft, decision: Record, subject: int) -> None:
    at = draft.vid(decision["id"])
    draft.vertices[at] = decision
    draft.hang(DECIDED_FOR, at, subject, decision["createdAt"])


def _as_told(decision: Record | None) -> dict[str, str] | None:
    """What the audit says of a decision."""
    return None if decision is None else {"gate": decision["gate"], "decision": decision["decision"]}
