"""Authors of changes, and dates of changes and approvals.

Dates have the order of their transactions, whatever the clock shows. ``createdAt`` of such a record is its place in the
order, an instant that increases from transaction to transaction. It is the date too, unless the clock was ahead and was
set back: the record then has a date of its own.
"""

from typing import Final

from graphql_schema.ports.record import Record

MAX_AHEAD_MS: Final = 300_000
"""Milliseconds, five minutes, by which a date may be ahead of the clock of the process."""

MADE_AT: Final = "madeAt"
"""The key of a date apart from the order."""


def date_apart(order: int, now: int) -> int | None:
    """Return ``now`` if the ``order`` of a transaction is more than MAX_AHEAD_MS ahead of it, else None.

    Both are epoch milliseconds. A result is the date of the transaction.
    """
    return now if order > now + MAX_AHEAD_MS else None


def dated(order: int, now: int) -> int:
    """Return the date of a transaction: its ``order``, or ``now`` if the order is more than MAX_AHEAD_MS ahead."""
    apart = date_apart(order, now)
    return order if apart is None else apart


def made_at(record: Record) -> int:
    """Return the date of an attached record, in epoch milliseconds."""
    return int(record.get(MADE_AT, record["createdAt"]))


def is_made_by(change: Record, subject: str) -> bool:
    """Return whether the caller with this subject made a change."""
    return bool(change["actor"] == subject)
