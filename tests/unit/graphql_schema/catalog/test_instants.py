"""Durations, and the end of an interval that has none."""

from datetime import UTC, datetime

import pytest

from graphql_schema.catalog.instants import FOREVER, milliseconds


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("PT6H", 21_600_000), ("P1D", 86_400_000), ("P1DT1H30M", 91_800_000), ("P2W", 1_209_600_000),
        ("PT0.5S", 500), ("PT1.5S", 1_500), (" PT1M ", 60_000),
        ("P", None), ("PT", None), ("P1M", None), ("6h", None), ("", None), ("P1D PT1H", None),
        ("P" + "9" * 400 + "W", None), ("P999999999W", 604_799_999_395_200_000), ("P\u0661D", None),
    ],
)  # fmt: skip
def test_a_duration_of_a_known_length_is_read(duration: str, expected: int | None) -> None:
    """Weeks to seconds are read; years and months have no fixed length, and any other text is no duration."""
    assert milliseconds(duration) == expected


def test_the_end_of_an_open_interval_is_the_last_instant_of_rfc_3339() -> None:
    """No calendar shows a later instant, and no stored edge can end after it."""
    last = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    assert int(last.timestamp()) * 1_000 + 999 == FOREVER
