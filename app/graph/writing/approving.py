"""Approving: a decision about an asset for a gate, recorded beside the asset and never changed."""

from app.graph.writing.audit import fact_urn
from app.graph.writing.draft import Draft
from app.graph.writing.gates import decisions
from app.graph.writing.permits import existing, permit, refuse_deleted, refuse_stub
from app.graph.writing.refusal import conflict, invalid
from app.graph.writing.vertices import Record, fact
from graphql_schema.catalog import DECIDED_FOR
from graphql_schema.enums import ApprovalDecision, ChangeAction, Outcome
from graphql_schema.gating import approved, newest
from graphql_schema.intents import Approving
from graphql_schema.registration import Registered


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
    draft.said[draft.vid(item.subject)].append(
        {"field": "approvals", "before": _said(before), "after": _said(decision)}
    )
    return Registered(Outcome.CREATED, item.subject, subject["revision"], made=decision["id"])


def _decision(draft: Draft, item: Approving, earlier: int) -> Record:
    author = draft.author
    mark = "\0".join([item.subject, item.gate, item.decision, author.subject, str(author.at), str(earlier)])
    return fact(
        author.tenant,
        fact_urn("approval", author.tenant, mark),
        author.subject,
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
    draft.edges[DECIDED_FOR.name, at, subject] = {
        "relation": DECIDED_FOR.name,
        "validFrom": 0,
        "at": decision["createdAt"],
    }


def _said(decision: Record | None) -> dict[str, str] | None:
    """What the audit says of a decision."""
    return None if decision is None else {"gate": decision["gate"], "decision": decision["decision"]}
