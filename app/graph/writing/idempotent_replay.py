"""Idempotency: the outcome of a command with a key is stored as a receipt, and replayed when the key is used again.

A receipt is a vertex of the label ``Receipt`` without an index entry, so that no read of the API returns it. Its id is
a hash of tenant, subject and key. It is written in the transaction of its item and valid for 24 hours. It lies in a
part of an hourly bucket, in which :mod:`app.graph.jobs.receipt_expiry` finds expired receipts. A rejected item leaves
no receipt, because it wrote nothing and may be corrected. A dry run leaves none either.
"""

from dataclasses import astuple

from app.graph.records.receipt_record import RECEIPT_LIFETIME_MS, receipt_name
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import key_collides, other_payload
from graphql_schema.ports.commands import IdempotencyKey
from graphql_schema.ports.outcomes import GateResult, Outcome, WriteOutcome
from graphql_schema.ports.record import JsonObject


def replay(unit: ItemUnit, key: IdempotencyKey) -> WriteOutcome | None:
    """Return the stored outcome of a key, None if there is no receipt or it has expired.

    Raises RejectedItemError if the key was used with another payload, or another object has the vertex id of its
    receipt.
    """
    receipt = unit.lookup.batch.receipts.get(_receipt_vid(unit, key))
    if receipt is None or receipt["at"] + RECEIPT_LIFETIME_MS <= unit.now:
        return None
    input_type = receipt.get("input", key.input_type)  # a receipt of an older release does not have it
    if (receipt["digest"], input_type) != (key.digest, key.input_type):
        raise other_payload(_shown(key))
    gate = receipt.get("gate")
    return WriteOutcome(
        Outcome[receipt["outcome"]],
        receipt.get("urn"),
        receipt.get("revision"),
        created_record=receipt.get("made"),
        gate=None if gate is None else GateResult(*map(tuple, gate)),
        voided_approvals=tuple(receipt.get("voided", ())),
        far_end_known=receipt.get("farEndKnown", False),  # a receipt of an older release does not have it
        changed_end_known=receipt.get("changedEndKnown", False),
        sensitivity_before=receipt.get("sensitivityBefore"),
        placeholders=tuple(receipt.get("placeholders", ())),
    )


def stage_receipt(unit: ItemUnit, key: IdempotencyKey, outcome: WriteOutcome) -> None:
    """Stage the receipt of an outcome under a key, after all other changes of the item.

    Raises RejectedItemError if another object has the vertex id of the receipt, such as one of these changes.
    """
    vid = _receipt_vid(unit, key)
    receipt: JsonObject = {
        "id": receipt_name(unit.author.subject, key),
        "tenant": unit.author.tenant,
        "digest": key.digest,
        "input": key.input_type,
        "at": unit.now,
        "outcome": outcome.outcome.name,
        "urn": outcome.urn,
        "revision": outcome.revision,
        "made": outcome.created_record,
        "gate": None if outcome.gate is None else list(astuple(outcome.gate)),
        "farEndKnown": outcome.far_end_known,
        "changedEndKnown": outcome.changed_end_known,
        "sensitivityBefore": outcome.sensitivity_before,
        "voided": list(outcome.voided_approvals) or None,
        "placeholders": list(outcome.placeholders) or None,
    }
    present = {field: value for field, value in receipt.items() if value is not None}
    unit.staging.staged.receipts[vid] = present


def _receipt_vid(unit: ItemUnit, key: IdempotencyKey) -> int:
    """Return the vertex id of the receipt of a key; raise RejectedItemError if another object has it."""
    name = receipt_name(unit.author.subject, key)
    vid = unit.author.vid(name)
    if unit.lookup.is_taken(vid, name):
        raise key_collides(_shown(key))
    return vid


def _shown(key: IdempotencyKey) -> str:
    """Return the key that the caller gave: that of a call for one that is derived from it."""
    return key.text.partition("\0")[0]
