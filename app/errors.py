"""The HTTP status of each error code, and the error that replaces an unexpected exception.

The codes are defined in ``policies/errors.py``. The map is for errors without a status of their own, in responses
without data. ``app/http/graphql/graphql_result.py`` decides the status of a GraphQL result, which can be 200 with
errors.
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Self

from policies.errors import Code, CodedError

RETRY_AFTER_SECONDS = 5
"""The `Retry-After`, in seconds, of a 503, and of a 429 for too many connections.

An `app.auth.errors.UnavailableError` has a value of its own. A restart of a store node takes seconds, not minutes.
"""

HTTP_STATUS: Mapping[Code, int] = MappingProxyType(
    {
        Code.BAD_REQUEST: HTTPStatus.BAD_REQUEST,
        Code.INVALID: HTTPStatus.BAD_REQUEST,
        Code.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
        Code.FORBIDDEN: HTTPStatus.FORBIDDEN,
        Code.DENIED: HTTPStatus.FORBIDDEN,
        Code.NOT_FOUND: HTTPStatus.NOT_FOUND,
        Code.CONFLICT: HTTPStatus.CONFLICT,
        Code.LIMIT_EXCEEDED: HTTPStatus.BAD_REQUEST,
        Code.PERSISTED_QUERY_NOT_FOUND: HTTPStatus.BAD_REQUEST,
        Code.PERSISTED_QUERY_NOT_SUPPORTED: HTTPStatus.BAD_REQUEST,
        Code.PERSISTED_DOCUMENT_REQUIRED: HTTPStatus.FORBIDDEN,
        Code.STORE_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        Code.UNREADABLE: HTTPStatus.INTERNAL_SERVER_ERROR,
        Code.STORE_FAILED: HTTPStatus.BAD_GATEWAY,
        Code.KEYS_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        Code.ACCESS_LOG_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        Code.CONFIGURATION: HTTPStatus.INTERNAL_SERVER_ERROR,
        Code.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)
"""The HTTP status of each code; a test checks that no code is missing."""


class InternalError(CodedError):
    """A defect as a client sees it: no exception text, only the request id of its entry in the log."""

    code = Code.INTERNAL

    @classmethod
    def masking(cls, request_id: str) -> Self:
        """Return the error that replaces an unexpected exception in the response."""
        return cls(
            f"Internal error; the log has the cause under request id {request_id}. "
            "Try again; after a mutation, first read the state. "
            "If the error persists, report the request id to the operators."
        )
