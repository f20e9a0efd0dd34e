"""Idempotency receipts as stored: their names, their buckets and how long they are valid.

A receipt lies in the part of an hourly bucket, because a busy hour has a hundred thousand of them. The receipts of
older versions lie in the hourly buckets themselves.
"""

from typing import Final

from app.graph.records.vertex_id import internal_vertex_id, vertex_id
from graphql_schema.ports.commands import IdempotencyKey
from graphql_schema.ports.record import Record

HOUR_MS: Final = 3_600_000
"""Milliseconds of an hour."""

PART_MS: Final = 10_000
"""Milliseconds of a part of an hourly bucket."""


BUCKET_ROOT: Final = vertex_id("receipts", "top")
"""Vertex id from which all hourly buckets are reached."""


RECEIPT_LIFETIME_MS: Final = 24 * HOUR_MS
"""Milliseconds for which a receipt is valid."""


def receipt_name(subject: str, key: IdempotencyKey) -> str:
    """Return the name that the vertex id of a receipt is computed from; no URN is equal to it."""
    return f"receipt\0{subject}\0{key.text}"


def is_receipt(record: Record) -> bool:
    """Return whether a record is a receipt."""
    return str(record["id"]).startswith("receipt\0")


def bucket_of(now: int) -> int:
    """Return the vertex id of the hourly bucket of ``now``, in epoch milliseconds; all tenants share the buckets."""
    return internal_vertex_id("receipts", str(now // HOUR_MS))


def part_of(now: int) -> int:
    """Return the vertex id of the part of ``now``, in epoch milliseconds, of its hourly bucket."""
    return internal_vertex_id("receipts", f"part {now // PART_MS}")


def part_end(now: int) -> int:
    """Return the last instant of the part of ``now``, both in epoch milliseconds."""
    return (now // PART_MS + 1) * PART_MS - 1
