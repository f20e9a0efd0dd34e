"""Days and counters of usage."""

from datetime import date
from typing import Any

import pytest

from graphql_schema.rules.usage_days import begin_of, has_usage


@pytest.mark.parametrize("counts", [{"reads": 1}, {"calls": 1}, {"distinctUsers": 1}, {"costUsd": 0.01, "reads": 0}])
def test_any_counter_above_zero_is_usage(counts: dict[str, Any]) -> None:
    """Reads, calls, distinct users and costs each show that something was used."""
    assert has_usage(counts)


@pytest.mark.parametrize("counts", [{}, {"reads": 0, "calls": 0.0}, {"costUsd": None}, {"bytes": 5}])
def test_zeros_and_unknown_counters_are_no_usage(counts: dict[str, Any]) -> None:
    """A day that was recorded with zeros alone counts as a day without usage."""
    assert not has_usage(counts)


@pytest.mark.parametrize(
    ("day", "begin"),
    [(date(1970, 1, 1), 0), (date(2026, 11, 24), 1_795_478_400_000), (date(2024, 2, 29), 1_709_164_800_000)],
)
def test_a_day_begins_at_midnight_in_utc(day: date, begin: int) -> None:
    """The instant is in epoch milliseconds, as ``date -u -d <day> +%s`` gives it in seconds."""
    assert begin_of(day) == begin
