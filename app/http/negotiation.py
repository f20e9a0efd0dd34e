"""Selects the media type of a response by the ``Accept`` header.

Sources: RFC 9110 section 12.5.1, GraphQL-over-HTTP section 5.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from app.http.errors import HttpError

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"

MAX_ACCEPT: Final = 4_096
"""Maximal number of characters of an ``Accept`` header; browsers send some 200."""

_EXACT = 2
"""Specificity of a range that names a media type completely."""


@lru_cache(maxsize=64)
def negotiate(accept: str | None) -> str:
    """Return the media type of the response, `JSON` or `GRAPHQL_RESPONSE`.

    ``accept`` is the value of the header; None or an empty value gives `JSON`, as the GraphQL-over-HTTP draft requires.
    The higher quality wins, then the more specific range. If these are equal, `GRAPHQL_RESPONSE` wins if the header
    names it, else `JSON`. Raises `HttpError` with status 406 if the header allows neither, or has more than MAX_ACCEPT
    characters.
    """
    if accept is None or not accept.strip():
        return JSON
    ranges = list(_ranges(accept)) if len(accept) <= MAX_ACCEPT else []
    rated = [(*_quality(media, ranges), media) for media in (JSON, GRAPHQL_RESPONSE)]
    if not any(quality for quality, _, _ in rated):
        raise HttpError(
            HTTPStatus.NOT_ACCEPTABLE,
            f"The Accept header allows neither {GRAPHQL_RESPONSE} nor {JSON}. Add one of the two.",
        )
    _, _, best = max(rated, key=lambda rating: (rating[0], rating[1], rating[1] == _EXACT and rating[2] != JSON))
    return best


def _quality(media: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """Return the quality (0 to 1) of ``media``, and the specificity of the range that gives the quality.

    The specificity is 2 for the type itself, 1 for ``application/*`` and 0 for ``*/*``.
    """
    specificities = {media: _EXACT, "application/*": 1, "*/*": 0}
    matching = [(specificities[name], quality) for name, quality in ranges if name in specificities]
    if not matching:
        return 0.0, 0
    specificity, quality = max(matching)
    return quality, specificity


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Yield the media ranges of the header in lower case and their qualities; skip one with an invalid quality."""
    for item in accept.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        qualities = [p[2:] for p in parameters if p.startswith("q=")]
        with suppress(ValueError):
            quality = float(qualities[0]) if qualities else 1.0
            if 0 <= quality <= 1:
                yield name, quality
