"""Reads preferences of the client from ``Prefer`` headers (RFC 7240)."""

from starlette.datastructures import Headers


def preference(headers: Headers, name: str) -> str | None:
    """Return the value of the preference ``name`` (in lower case), None if no header names the preference.

    The value is "" for a preference without a value. The first occurrence is used.
    """
    for header in headers.getlist("prefer"):
        for item in header.split(","):
            key, _, value = item.split(";")[0].partition("=")
            if key.strip().lower() == name:
                return value.strip().strip('"')
    return None
