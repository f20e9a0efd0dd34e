"""Scalars: instants and days as the schema reads and writes them."""

from datetime import UTC, datetime, timedelta

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from graphql_schema.catalog.instants import FOREVER
from graphql_schema.fields.scalars import instant_text, parse_day, parse_instant


@pytest.mark.parametrize(
    ("millis", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_795_512_600_000, "2026-11-24T09:30:00Z"),
        (1_795_512_600_007, "2026-11-24T09:30:00.007Z"),
        (FOREVER, "9999-12-31T23:59:59.999Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00Z"),
        (253_402_387_139_000, "9999-12-31T23:59:59.999Z"),
        (10**20, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_an_instant_is_written_in_utc(millis: int, text: str) -> None:
    """Milliseconds are written if there are some; the year has four digits, also of a stored instant after 9999."""
    assert instant_text(millis) == text


@given(st.integers(0, FOREVER - 1))
def test_an_instant_is_read_as_it_was_written(millis: int) -> None:
    """Every instant of the range survives, and its text is the one of the calendar."""
    assert parse_instant(instant_text(millis)) == millis
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)
    assert datetime.fromisoformat(instant_text(millis)) == moment


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("2026-11-24t09:30:00z", 1_795_512_600_000),
        ("2026-11-24T10:30:00+01:00", 1_795_512_600_000),
        ("2026-11-24T09:30:00.5Z", 1_795_512_600_500),
        ("2026-11-24T09:30:00.123456789Z", 1_795_512_600_123),
        ("2026-11-24T09:30:00.9999Z", 1_795_512_600_999),
    ],
)
def test_an_instant_is_read_as_rfc_3339_has_it(text: str, millis: int) -> None:
    """Either case, any offset; digits after the milliseconds are cut and not rounded."""
    assert parse_instant(text) == millis


@pytest.mark.parametrize(
    "value",
    [
        None, 1_795_512_600_000, "", "2026-11-24", "2026-11-24 09:30:00Z", "2026-11-24T09:30:00", "2026-11-24T09:30Z",
        "2026-02-30T00:00:00Z", "2026-11-24T24:00:01Z", "2026-11-24T09:30:00+99:00", "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00+23:00", "2026-11-24T09:30:00.1234567890Z",
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(value: object) -> None:
    """Another form, a day that does not exist, an instant before 1970, and the end of time, which means no end."""
    with pytest.raises(GraphQLError, match="DateTime cannot represent"):
        parse_instant(value)


def test_the_first_and_the_last_instant_are_read() -> None:
    """The range is 1970 to one millisecond before the end of time."""
    assert parse_instant("1970-01-01T00:00:00Z") == 0
    assert parse_instant("9999-12-31T23:59:59.998Z") == FOREVER - 1


def test_a_day_is_a_day_of_the_calendar() -> None:
    """A leap day is one in a leap year only."""
    assert parse_day("2024-02-29") == "2024-02-29"


@pytest.mark.parametrize(
    "value",
    [None, 20261124, "2026-02-29", "2026-11-24T00:00:00Z", "20261124", "2026-1-1", "\u0662\u0660\u0662\u0666-11-24"],
)
def test_what_is_no_day_is_refused(value: object) -> None:
    """Another form, and a day that does not exist."""
    with pytest.raises(GraphQLError, match="Date cannot represent"):
        parse_day(value)
