"""The media type of a response, by the Accept header (RFC 9110 section 12.5.1, GraphQL over HTTP section 5)."""

import pytest

from app.http.errors import HttpError
from app.http.negotiation import GRAPHQL_RESPONSE, JSON, MAX_ACCEPT, negotiate

ANY, APPLICATION = "*/*", "application/*"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("  ", JSON),
        (ANY, JSON),
        (APPLICATION, JSON),
        (JSON, JSON),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        (f"{JSON}, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}, {JSON}", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}, {JSON};q=0.9", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0.8, {JSON}", JSON),
        (f"{GRAPHQL_RESPONSE}, {ANY}", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0.5, {ANY}", JSON),
        (f"{JSON};q=0, {ANY}", GRAPHQL_RESPONSE),
        (f"{JSON};q=0, {APPLICATION}, {ANY};q=0.1", GRAPHQL_RESPONSE),
        (f"{ANY};q=0.1, {APPLICATION};q=0.5, {JSON};q=0.4", GRAPHQL_RESPONSE),
        (f"text/html, {JSON};q=0.2", JSON),
        (f" {GRAPHQL_RESPONSE.upper()} ; charset=utf-8 ; q=1", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=x, {JSON};q=0.1", JSON),
    ],
)
def test_the_best_acceptable_type_is_chosen(accept: str | None, expected: str) -> None:
    """The higher quality wins, then the type that is named more exactly, then the newer one; no header means JSON."""
    assert negotiate(accept) == expected


@pytest.mark.parametrize("accept", ["text/html", f"{JSON};q=0", "image/*", f"{ANY};q=0", f"{ANY};q=0.0, text/*"])
def test_a_client_that_accepts_neither_type_gets_406(accept: str) -> None:
    """The error names both types."""
    with pytest.raises(HttpError) as error:
        negotiate(accept)
    assert error.value.status == 406
    assert JSON in str(error.value)
    assert GRAPHQL_RESPONSE in str(error.value)


def test_a_long_header_is_not_read() -> None:
    """Without a token, a header of 28,000 characters could take tenths of a second of all callers."""
    with pytest.raises(HttpError):
        negotiate("application/json," + "," * MAX_ACCEPT)
    assert negotiate("application/json" + " " * (MAX_ACCEPT - 16)) == JSON
