"""How long a duration is."""

import pytest

from graphql_schema.catalog.instants import milliseconds


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("PT6H", 21_600_000), ("P1D", 86_400_000), ("P1DT1H30M", 91_800_000), ("P2W", 1_209_600_000),
        ("PT0.5S", 500), (" PT1M ", 60_000), ("P", None), ("PT", None), ("P1M", None), ("6h", None), ("", None),
        ("P" + "9" * 400 + "W", None), ("P999999999W", 604_799_999_395_200_000), ("P\u0661D", None),
    ],
)  # fmt: skip
def test_a_duration_is_read_or_is_none(duration: str, expected: int | None) -> None:
    """Weeks to seconds are read; years and months, whose length is not known, and anything else are no promise."""
    assert milliseconds(duration) == expected
