"""Which of the two GraphQL media types an answer takes (RFC 9110 section 12.5.1, GraphQL-over-HTTP section 5)."""

from collections.abc import Iterator
from http import HTTPStatus

from app.http.errors import HttpError

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"


def negotiate(accept: str | None) -> str:
    """Choose the media type to answer with; no header means JSON, as the draft has it. Raises 406 when neither fits.

    At equal quality the type that is named more exactly wins, and the newer one when both are named.
    """
    if accept is None or not accept.strip():
        return JSON
    ranges = list(_ranges(accept))
    rated = [(*_quality(media, ranges), media) for media in (JSON, GRAPHQL_RESPONSE)]
    if not any(quality for quality, _, _ in rated):
        raise HttpError(
            HTTPStatus.NOT_ACCEPTABLE,
            f"Answers are {GRAPHQL_RESPONSE} or {JSON}, and the Accept header allows neither. Add one of them.",
        )
    _, _, best = max(rated, key=lambda rating: (rating[0], rating[1], rating[1] == _EXACT and rating[2] != JSON))
    return best


_EXACT = 2


def _quality(media: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """Quality and exactness (2 named, 1 ``application/*``, 0 ``*/*``) that the most exact range gives ``media``."""
    forms = {media: _EXACT, "application/*": 1, "*/*": 0}
    matching = [(forms[name], quality) for name, quality in ranges if name in forms]
    if not matching:
        return 0.0, 0
    exactness, quality = max(matching)
    return quality, exactness


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for item in accept.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        qualities = [p[2:] for p in parameters if p.startswith("q=")]
        try:
            yield name, float(qualities[0]) if qualities else 1.0
        except ValueError:
            continue
