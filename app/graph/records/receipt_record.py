"""Idempotency receipts as stored: their names, their hourly buckets and how long they are valid."""

from typing import Final

from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import Record
from graphql_schema.ports.commands import IdempotencyKey

HOUR_MS: Final = 3_600_000
"""Milliseconds."""


BUCKET_ROOT: Final = vertex_id("receipts", "top")
"""The vertex that shelves hang on."""


RECEIPT_LIFETIME_MS: Final = 24 * HOUR_MS
"""How long a receipt holds, in milliseconds."""


def receipt_name(subject: str, key: IdempotencyKey) -> str:
    """What the vertex id of a receipt is made of, beside the tenant: no URN, so nothing else has it."""
    return f"receipt\0{subject}\0{key.text}"


def is_receipt(record: Record) -> bool:
    """Whether this is the record of a receipt."""
    return str(record["id"]).startswith("receipt\0")


def bucket_of(now: int) -> int:
    """The vertex id of the shelf of an instant's hour: it is the store's, not a tenant's."""
    return vertex_id("receipts", str(now // HOUR_MS))
