"""Receipts: what was answered under an idempotency key, so that the same call is done once, whoever repeats it.

A receipt is a vertex of the label ``Receipt`` without index entry, so no read of the API can reach it; its id is made
of tenant, subject and key. It is written with what it is about, in one transaction, and holds for 24 hours. It hangs on
the shelf of its hour, by which :mod:`app.graph.jobs.receipt_expiry` finds what has expired. Refusals leave none: they
change nothing, and may be put right.
"""

from typing import Any

from app.graph.records.receipt_record import HELD, receipt_name
from app.graph.records.vertex_record import Record
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import other_payload
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.ports.commands import IdempotencyKey
from graphql_schema.ports.outcomes import GateResult, Outcome, WriteOutcome


def replay(unit: ItemUnit, key: IdempotencyKey) -> WriteOutcome | None:
    """What was answered under a key before; raises RejectedItemError where that was about another payload."""
    receipt = _held(unit.state, unit.author, key)
    if receipt is None:
        return None
    if receipt["digest"] != key.digest:
        raise other_payload(key.text.partition("\0")[0])
    gate = receipt.get("gate")
    return WriteOutcome(
        Outcome[receipt["outcome"]],
        receipt.get("urn"),
        receipt.get("revision"),
        created_record=receipt.get("made"),
        gate=None if gate is None else GateResult(*map(tuple, gate)),
    )


def keep(unit: ItemUnit, key: IdempotencyKey, done: WriteOutcome) -> None:
    """Draft the receipt of what was done under a key."""
    said: dict[str, Any] = {
        "outcome": done.outcome.name,
        "urn": done.urn,
        "revision": done.revision,
        "made": done.created_record,
    }
    if done.gate is not None:
        gate = done.gate
        said["gate"] = [
            gate.missing_approvals,
            gate.failing_evaluations,
            gate.blocking_incidents,
            gate.sensitivity_violations,
        ]
    about = {"id": receipt_name(unit.author.subject, key), "tenant": unit.author.tenant}
    record = {**about, "digest": key.digest, "at": unit.now, **said}
    unit.receipts[unit.author.vid(about["id"])] = {k: v for k, v in record.items() if v is not None}


def _held(state: WorkingSet, author: Author, key: IdempotencyKey) -> Record | None:
    receipt = state.receipts.get(author.vid(receipt_name(author.subject, key)))
    return receipt if receipt is not None and receipt["at"] + HELD > author.now else None
