"""Days and counters of usage."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

COUNTERS = ("reads", "calls", "distinctUsers", "costUsd")
"""The counters of a day."""


Counts = Mapping[str, Any]


def has_usage(counts: Counts) -> bool:
    """Whether the counters of a day tell of any usage."""
    return any(map(counts.get, COUNTERS))


def begin_of(day: date) -> int:
    """When a day begins, in epoch milliseconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
