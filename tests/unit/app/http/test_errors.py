"""The error of a request that is refused before GraphQL runs."""

from http import HTTPStatus

from app.http.errors import HttpError
from policies.errors import Code


def test_a_refused_request_is_malformed_unless_stated_otherwise() -> None:
    """The status is a plain number, because it becomes part of a log line."""
    error = HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "Use POST.")
    assert (error.status, type(error.status), error.code, error.headers) == (405, int, Code.BAD_REQUEST, {})
    assert HttpError(413, "Less.", Code.LIMIT_EXCEEDED).code is Code.LIMIT_EXCEEDED


def test_headers_belong_to_one_error() -> None:
    """A header that is added to a response does not change the constant it was made from."""
    shared = {"Allow": "GET"}
    error = HttpError(405, "Use GET.", headers=shared)
    error.headers["X"] = "1"
    assert shared == {"Allow": "GET"}
