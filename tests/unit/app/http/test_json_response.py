"""JSON responses: the form of an error, the headers of every response, and the status of an error."""

from typing import Any

import orjson
import pytest
from graphql import GraphQLError, Source
from graphql.language import SourceLocation, parse

from app.http.errors import HttpError
from app.http.json_response import error_payload, error_response, json_response
from policies.errors import Code, CodedError, LimitError


def test_an_error_has_its_code_values_and_request() -> None:
    """A value for programs cannot replace the code or the request id."""
    error = CodedError("No.", Code.LIMIT_EXCEEDED, limit=5, requestId="forged")
    assert error_payload(error, "r1") == {
        "message": "No.",
        "extensions": {"limit": 5, "code": "LIMIT_EXCEEDED", "requestId": "r1"},
    }


def test_an_error_of_a_field_has_its_place() -> None:
    """Locations and path are those of the field, and an error without a field has neither."""
    node = parse(Source("{\n  a }")).definitions[0]
    origin = GraphQLError("x", [node], path=["a", 0])
    payload = error_payload(LimitError("No."), "r1", origin)
    assert payload["locations"] == [SourceLocation(1, 1).formatted]
    assert payload["path"] == ["a", 0]
    assert error_payload(LimitError("No."), "r1", GraphQLError("x")).keys() == {"message", "extensions"}


@pytest.mark.parametrize(("length", "shown"), [(1_000, "x" * 1_000), (1_001, "x" * 999 + "…")])
def test_a_long_message_is_cut(length: int, shown: str) -> None:
    """Messages of the GraphQL library quote the request, which may be large."""
    assert error_payload(CodedError("x" * length), "r1")["message"] == shown


@pytest.mark.parametrize(("status", "retry"), [(200, None), (400, None), (503, "5"), (502, None)])
def test_no_response_is_cached_and_an_unavailable_one_has_a_time_to_retry(status: int, retry: str | None) -> None:
    """Every response depends on the caller; only a 503 is worth a retry."""
    response = json_response({"data": None}, status)
    assert (response.status_code, response.body) == (status, b'{"data":null}')
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["vary"] == "Accept, Authorization"
    assert response.headers.get("retry-after") == retry
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_headers_of_a_caller_replace_the_usual_ones() -> None:
    """An error of authentication brings its own time to retry."""
    response = json_response({}, 503, headers={"Retry-After": "99", "X-One": "1"})
    assert (response.headers["retry-after"], response.headers["x-one"]) == ("99", "1")


@pytest.mark.parametrize(
    ("error", "given", "status"),
    [
        (LimitError("No."), None, 400),
        (CodedError("No.", Code.STORE_UNAVAILABLE), None, 503),
        (CodedError("No."), None, 500),
        (HttpError(405, "No.", headers={"Allow": "GET"}), None, 405),
        (HttpError(413, "No.", Code.LIMIT_EXCEEDED), None, 413),
        (LimitError("No."), 429, 429),
        (HttpError(405, "No."), 400, 400),
    ],
)
def test_the_status_is_given_or_that_of_the_error(error: CodedError, given: int | None, status: int) -> None:
    """An HTTP error has a status of its own, and any other error that of its code."""
    response = error_response(error, "r1", status=given)
    body: Any = orjson.loads(response.body)
    assert response.status_code == status
    assert body == {"errors": [{"message": "No.", "extensions": {"code": str(error.code), "requestId": "r1"}}]}
    assert response.headers.get("allow") == (error.headers.get("Allow") if isinstance(error, HttpError) else None)
