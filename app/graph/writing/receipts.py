"""Receipts: what was answered under an idempotency key, so that the same call is done once, whoever repeats it.

A receipt is a vertex of the label ``Receipt`` without index entry, so no read of the API can reach it; its id is made
of tenant, subject and key. It is written with what it is about, in one transaction, and holds for 24 hours. It hangs on
the shelf of its hour, by which :mod:`app.graph.housekeeping` finds what has expired. Refusals leave none: they
change nothing, and may be put right.
"""

from typing import Any, Final

from app.graph.ids import vertex_id
from app.graph.writing.draft import Draft
from app.graph.writing.refusal import other_payload
from app.graph.writing.state import Author, State
from app.graph.writing.vertices import Record
from graphql_schema.enums import Outcome
from graphql_schema.registration import Gate, Key, Registered

HOUR: Final = 3_600_000
"""Milliseconds."""

SHELVES: Final = vertex_id("receipts", "top")
"""The vertex that shelves hang on."""

HELD: Final = 24 * HOUR
"""How long a receipt holds, in milliseconds."""


def receipt_name(subject: str, key: Key) -> str:
    """What the vertex id of a receipt is made of, beside the tenant: no URN, so nothing else has it."""
    return f"receipt\0{subject}\0{key.text}"


def is_receipt(record: Record) -> bool:
    """Whether this is the record of a receipt."""
    return str(record["id"]).startswith("receipt\0")


def shelf_of(now: int) -> int:
    """The vertex id of the shelf of an instant's hour: it is the store's, not a tenant's."""
    return vertex_id("receipts", str(now // HOUR))


def answered(draft: Draft, key: Key) -> Registered | None:
    """What was answered under a key before; raises RefusedItemError where that was about another payload."""
    receipt = _held(draft.state, draft.author, key)
    if receipt is None:
        return None
    if receipt["digest"] != key.digest:
        raise other_payload(key.text.partition("\0")[0])
    gate = receipt.get("gate")
    return Registered(
        Outcome[receipt["outcome"]],
        receipt.get("urn"),
        receipt.get("revision"),
        made=receipt.get("made"),
        gate=None if gate is None else Gate(*map(tuple, gate)),
    )


def keep(draft: Draft, key: Key, done: Registered) -> None:
    """Draft the receipt of what was done under a key."""
    said: dict[str, Any] = {"outcome": done.outcome.name, "urn": done.urn, "revision": done.revision, "made": done.made}
    if done.gate is not None:
        gate = done.gate
        said["gate"] = [
            gate.missing_approvals,
            gate.failing_evaluations,
            gate.blocking_incidents,
            gate.sensitivity_violations,
        ]
    about = {"id": receipt_name(draft.author.subject, key), "tenant": draft.author.tenant}
    record = {**about, "digest": key.digest, "at": draft.now, **said}
    draft.receipts[draft.author.vid(about["id"])] = {k: v for k, v in record.items() if v is not None}


def _held(state: State, author: Author, key: Key) -> Record | None:
    receipt = state.receipts.get(author.vid(receipt_name(author.subject, key)))
    return receipt if receipt is not None and receipt["at"] + HELD > author.now else None
