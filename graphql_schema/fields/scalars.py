"""Scalars of the schema: an instant is epoch milliseconds inside and RFC 3339 text outside, on output in UTC."""

import re
from datetime import UTC, date, datetime
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from graphql_schema.catalog.instants import FOREVER, known_instant

Instant = NewType("Instant", int)
"""Epoch milliseconds."""

Day = NewType("Day", str)
"""A day as text, such as 2026-11-24."""

Cursor = NewType("Cursor", str)
"""A sealed position in a list."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def instant_text(millis: int) -> str:
    """Return an instant as RFC 3339 text in UTC, with milliseconds only if there are any.

    One after FOREVER, which no calendar shows and an earlier version stored, is written as FOREVER.
    """
    seconds, rest = divmod(min(millis, FOREVER), 1000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text.zfill(19)}.{rest:03d}Z" if rest else f"{text.zfill(19)}Z"


def parse_instant(value: object) -> Instant:
    """Return the instant of an RFC 3339 text from 1970 until before FOREVER, truncated to milliseconds.

    Raise GraphQLError for any other value.
    """
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise GraphQLError(f"DateTime cannot represent {value!r}; write RFC 3339, such as 2026-11-24T09:30:00Z.")
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", value.upper()))
        millis = int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000
    except (ValueError, OverflowError):
        raise GraphQLError(
            f"DateTime cannot represent {value!r}: its day, time or offset is out of range. "
            "Write an instant such as 2026-11-24T09:30:00Z."
        ) from None
    if (known := known_instant(millis)) is None:
        raise GraphQLError(
            f"DateTime cannot represent {value!r}; use an instant from 1970 on, before the last millisecond of 9999."
        )
    return Instant(known)


def parse_day(value: object) -> Day:
    """Return the day in a text of the form YYYY-MM-DD; raise GraphQLError for anything else."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise GraphQLError(f"Date cannot represent {value!r}; write a day such as 2026-11-24.")
    try:
        date.fromisoformat(value)
    except ValueError:
        raise GraphQLError(
            f"Date cannot represent {value!r}: the day does not exist. Write one such as 2026-11-24."
        ) from None
    return Day(value)


SCALARS: dict[object, ScalarDefinition] = {
    Instant: strawberry.scalar(
        name="DateTime",
        description="An RFC 3339 text from 1970 to 9999, truncated to milliseconds; in UTC on output.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=instant_text,
        parse_value=parse_instant,
    ),
    Day: strawberry.scalar(
        name="Date",
        description="A day in UTC, such as 2026-11-24.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=str,
        parse_value=parse_day,
    ),
    Cursor: strawberry.scalar(
        name="Cursor",
        description="A position in a list: opaque, encrypted, and valid for the same caller and the same field of the "
        "same object with the same arguments; only `first` may differ. The `cursor` of a change is valid in "
        "`subscription changes`, with any filter.",
        serialize=str,
        parse_value=str,
    ),
}
