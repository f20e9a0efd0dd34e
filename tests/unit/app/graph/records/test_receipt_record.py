"""Idempotency receipts: their names and the hourly buckets in which they expire."""

from app.graph.records.receipt_record import (
    RECEIPT_LIFETIME_MS,
    bucket_of,
    is_receipt,
    part_end,
    part_of,
    receipt_name,
)
from graphql_schema.ports.commands import IdempotencyKey

HOUR = 3_600_000


def test_a_receipt_belongs_to_one_caller_and_one_key() -> None:
    """The name contains both and no digest, so the same key with another payload finds the same receipt."""
    name = receipt_name("ada", IdempotencyKey("build-7", "digest"))
    assert name == receipt_name("ada", IdempotencyKey("build-7", "other"))
    assert name != receipt_name("eve", IdempotencyKey("build-7", "digest"))
    assert name != receipt_name("ada", IdempotencyKey("build-8", "digest"))


def test_a_receipt_differs_from_an_asset() -> None:
    """A receipt has no URN, and no asset has its name."""
    assert is_receipt({"id": receipt_name("ada", IdempotencyKey("build-7", "digest"))})
    assert not is_receipt({"id": "mlg://model/mlflow/default/receipt"})


def test_receipts_of_one_hour_share_a_bucket() -> None:
    """The bucket of an instant is that of its hour in UTC."""
    assert bucket_of(7 * HOUR) == bucket_of(8 * HOUR - 1)
    assert bucket_of(7 * HOUR) != bucket_of(8 * HOUR)


def test_receipts_of_ten_seconds_share_a_part() -> None:
    """A part ends with the last millisecond before the next one."""
    assert part_of(7 * HOUR) == part_of(7 * HOUR + 9_999) != part_of(7 * HOUR + 10_000)
    assert part_end(7 * HOUR) == part_end(7 * HOUR + 9_999) == 7 * HOUR + 9_999


def test_a_receipt_is_valid_for_a_day() -> None:
    """A key is replayed for 24 hours, as the description of the input field promises."""
    assert RECEIPT_LIFETIME_MS == 24 * HOUR
