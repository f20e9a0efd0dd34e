"""The clock of the store."""

from datetime import UTC, datetime

from app.graph.records.clock import epoch_milliseconds


def test_instants_are_epoch_milliseconds() -> None:
    """The clock agrees with the calendar in UTC, within the duration of the test."""
    before = datetime.now(UTC).timestamp()
    instant = epoch_milliseconds()
    after = datetime.now(UTC).timestamp()
    assert isinstance(instant, int)
    assert before - 0.001 <= instant / 1_000 <= after
