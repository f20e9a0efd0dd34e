"""What a caller prefers (RFC 7240): one word or pair of the ``Prefer`` headers."""

from starlette.datastructures import Headers


def preferred(headers: Headers, name: str) -> str | None:
    """The value of a preference, "" where it has none, None where it is not named; the first one counts."""
    for header in headers.getlist("prefer"):
        for preference in header.split(","):
            key, _, value = preference.split(";")[0].partition("=")
            if key.strip().lower() == name:
                return value.strip().strip('"')
    return None
