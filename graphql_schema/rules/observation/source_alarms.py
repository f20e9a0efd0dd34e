"""When a source of events has an alarm: one rule for `Asset.sources` and for `mlg ingest report`.

Instants and durations are in epoch milliseconds and milliseconds, unless a name says otherwise.
"""

from typing import Final

HOUR_MS: Final = 3_600_000
"""Milliseconds of an hour."""

SILENT_HOURS: Final = 24
"""Hours after the last event of a source until it counts as silent."""

ALARM_DAYS: Final = 7
"""Days for which an event that was rejected, or made no edge, is an alarm of its source."""

UNENDED_HOURS: Final = 24
"""Hours after the last event of a run without a final state until the run counts as one that never ended."""

PLACEHOLDER_SHARE: Final = 0.5
"""The share of created datasets among those that the events of a source name, above which an alarm is raised."""

MIN_EVENTS: Final = 20
"""Number of events that a source must have before the share of created datasets raises an alarm."""

_DAY_MS: Final = 24 * HOUR_MS


def is_silent(last_at: int, now: int) -> bool:
    """Return whether a source is silent at ``now``, whose last event arrived at ``last_at``."""
    return now - last_at >= SILENT_HOURS * HOUR_MS


def is_unended(last_at: int, now: int) -> bool:
    """Return whether a run without a final state, whose last event arrived at ``last_at``, counts as never ended."""
    return now - last_at >= UNENDED_HOURS * HOUR_MS


def is_mostly_new(events: int, named: int, created: int) -> bool:
    """Return whether too many of the ``named`` datasets of a source were ``created`` by its events."""
    return events >= MIN_EVENTS and created > PLACEHOLDER_SHARE * named


def alarming_since(now: int, days: int = ALARM_DAYS) -> int:
    """Return the instant since when events raise alarms at ``now``."""
    return now - days * _DAY_MS
