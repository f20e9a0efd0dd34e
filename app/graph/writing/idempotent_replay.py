"""Idempotency: the outcome of a command with a key is stored as a receipt, and replayed when the key is used again.

A receipt is a vertex of the label ``Receipt`` without an index entry, so that no read of the API returns it. Its id is
a hash of tenant, subject and key. It is written in the transaction of its item and valid for 24 hours. It lies in an
hourly bucket, in which :mod:`app.graph.jobs.receipt_expiry` finds expired receipts. A rejected item leaves no receipt,
because it wrote nothing and may be corrected. A dry run leaves none either.
"""

from dataclasses import astuple

from app.graph.records.receipt_record import RECEIPT_LIFETIME_MS, receipt_name
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import other_payload
from graphql_schema.ports.commands import IdempotencyKey
from graphql_schema.ports.outcomes import GateResult, Outcome, WriteOutcome
from graphql_schema.ports.record import JsonObject, Record


def replay(unit: ItemUnit, key: IdempotencyKey) -> WriteOutcome | None:
    """Return the stored outcome of a key, None if there is no receipt or it has expired.

    Raises RejectedItemError if the key was used with another payload.
    """
    receipt = _valid_receipt(unit, key)
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
        voided_approvals=tuple(receipt.get("voided", ())),
        far_end_known=receipt.get("farEndKnown", False),  # a receipt of an older release does not have it
        changed_end_known=receipt.get("changedEndKnown", False),
        sensitivity_before=receipt.get("sensitivityBefore"),
        placeholders=tuple(receipt.get("placeholders", ())),
    )


def stage_receipt(unit: ItemUnit, key: IdempotencyKey, outcome: WriteOutcome) -> None:
    """Stage the receipt of an outcome under a key."""
    name = receipt_name(unit.author.subject, key)
    receipt: JsonObject = {
        "id": name,
        "tenant": unit.author.tenant,
        "digest": key.digest,
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
    unit.staging.staged.receipts[unit.author.vid(name)] = present


def _valid_receipt(unit: ItemUnit, key: IdempotencyKey) -> Record | None:
    receipt = unit.lookup.batch.receipts.get(unit.author.vid(receipt_name(unit.author.subject, key)))
    return receipt if receipt is not None and receipt["at"] + RECEIPT_LIFETIME_MS > unit.now else None
