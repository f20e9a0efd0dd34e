"""Days and counters of usage."""

from datetime import UTC, date, datetime

from graphql_schema.ports.record import Record

COUNTERS = ("reads", "calls", "distinctUsers", "costUsd")
"""Names of the counters of a day."""


Counts = Record
"""The counters of a day by name; a counter that was not reported is missing."""


def has_usage(counts: Counts) -> bool:
    """Return whether one of the counters of a day is not 0."""
    return any(map(counts.get, COUNTERS))


def begin_of(day: date) -> int:
    """Return the begin of a day in UTC, in epoch milliseconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
