"""Instants and durations: intervals in records, their open end, what is ahead of a clock, and ISO 8601 durations."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

FOREVER = 253_402_300_799_999
"""The end of an interval without an end, in epoch milliseconds: 9999-12-31T23:59:59.999Z."""

MAX_AHEAD_MS: Final = 300_000
"""Milliseconds, five minutes, by which a date may be ahead of the clock of the process that reads or writes it."""

INTERVALS: Final = (("startedAt", "endedAt"), ("deployedAt", "retiredAt"), ("validFrom", "validTo"))
"""Pairs of instants in records and inputs; the second must not be before the first."""

_NUMBER: Final = r"\d{1,9}(?:\.\d{1,9})?"
_DURATION: Final = re.compile(
    rf"P(?:(?P<weeks>{_NUMBER})W)?(?:(?P<days>{_NUMBER})D)?"
    rf"(?:T(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?(?:(?P<seconds>{_NUMBER})S)?)?",
    re.ASCII,
)
_UNITS: Final = {"weeks": 604_800_000, "days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1_000}


def known_instant(millis: float | None) -> int | None:
    """Return the instant of a number from outside, in whole epoch milliseconds; None for None.

    None is also returned for a number that no record may have: before 1970, or from FOREVER on.
    """
    return int(millis) if millis is not None and 0 <= millis < FOREVER else None


def reversed_intervals(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys of begin and end of each interval that ends before it begins."""
    for begin, end in INTERVALS:
        first, last = values.get(begin), values.get(end)
        if first is not None and last is not None and last < first:
            yield begin, end


def milliseconds(duration: str) -> int | None:
    """Return the length of an ISO 8601 duration in milliseconds; None if the text is not a duration of fixed length.

    Weeks, days, hours, minutes and seconds are accepted. Years and months have no fixed length. A number may have up
    to nine digits before the decimal point and up to nine after it.
    """
    found = _DURATION.fullmatch(duration.strip())
    parts = {} if found is None else {unit: text for unit, text in found.groupdict().items() if text}
    return round(sum(float(text) * _UNITS[unit] for unit, text in parts.items())) if parts else None


def is_ahead(instant: int, now: int) -> bool:
    """Return whether an instant is more than MAX_AHEAD_MS ahead of ``now``, so that it was not taken from this clock.

    A stored instant is so after the clock was set back. It then counts as past, because nothing else would end it.
    """
    return instant > now + MAX_AHEAD_MS
