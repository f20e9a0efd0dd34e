"""The bounds of the alarms of a source."""

import pytest

from graphql_schema.rules.observation.source_alarms import (
    HOUR_MS,
    MIN_EVENTS,
    alarming_since,
    is_mostly_new,
    is_silent,
    is_unended,
)

NOW = 1_795_600_000_000


@pytest.mark.parametrize(("hours", "alarm"), [(0, False), (23.9, False), (24, True), (300, True)])
def test_silence_and_runs_without_an_end_begin_after_a_day(hours: float, alarm: bool) -> None:  # noqa: FBT001 - a value of the table
    """Both count from the last event."""
    last = NOW - int(hours * HOUR_MS)
    assert (is_silent(last, NOW), is_unended(last, NOW)) == (alarm, alarm)


@pytest.mark.parametrize(
    ("events", "named", "created", "alarm"),
    [(MIN_EVENTS, 10, 6, True), (MIN_EVENTS, 10, 5, False), (MIN_EVENTS - 1, 10, 10, False), (MIN_EVENTS, 0, 0, False)],
)
def test_more_than_half_of_the_datasets_must_be_new(events: int, named: int, created: int, alarm: bool) -> None:  # noqa: FBT001 - a value of the table
    """A source with few events has no alarm: its first datasets are all new."""
    assert is_mostly_new(events, named, created) is alarm


def test_events_raise_alarms_for_a_week() -> None:
    """Another number of days may be asked for."""
    assert (NOW - alarming_since(NOW), NOW - alarming_since(NOW, 1)) == (7 * 24 * HOUR_MS, 24 * HOUR_MS)
