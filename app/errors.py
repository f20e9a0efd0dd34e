"""The errors of running, and the one map from stable codes to HTTP statuses.

The codes live in ``policies/errors.py``. What a status means for a GraphQL answer (some answers with errors are
200) is decided by ``app/http/graphql/graphql_result.py``; this map is for answers without data.
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from policies.errors import Code, CodedError

RETRY_AFTER_SECONDS = 5
"""What a 503 asks callers to wait: a restart of a store node or a key refresh takes seconds, not minutes."""

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
        Code.STORE_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        Code.STORE_FAILED: HTTPStatus.BAD_GATEWAY,
        Code.KEYS_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        Code.ACCESS_LOG_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        Code.CONFIGURATION: HTTPStatus.INTERNAL_SERVER_ERROR,
        Code.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)
"""Every code has a status; a test keeps the two lists equal."""


class InternalError(CodedError):
    """What callers see of a defect: never the exception, only the request id that finds it in the log."""

    code = Code.INTERNAL

    @classmethod
    def masking(cls, request_id: str) -> "InternalError":
        """Build the one text behind which every unknown exception disappears."""
        return cls(
            f"Something failed on our side; the request id {request_id} finds it in the log. "
            "Try again, and report the id if it stays."
        )
