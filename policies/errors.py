"""The stable error codes of the API, and the base class of all expected errors.

Packages raise `CodedError` or subclasses of their own; ``app.errors`` maps codes to HTTP statuses. All packages may
import this module. A message names what is wrong, with which value, and what to do.
"""

from enum import StrEnum


class Code(StrEnum):
    """The values of ``extensions.code``, on which clients may rely. A code is never renamed and never reused."""

    BAD_REQUEST = "BAD_REQUEST"
    """The HTTP request, the GraphQL document or a sign-in is invalid, or the operation to execute is not named."""
    INVALID = "INVALID"
    """An argument or input has a value that is not allowed."""
    UNAUTHENTICATED = "UNAUTHENTICATED"
    """The request has no token and no sign-in, or the token or the sign-in is not valid for this server."""
    FORBIDDEN = "FORBIDDEN"
    """The token lacks a scope that the operation needs, or the key of the page ``/graphiql`` is wrong.

    A request with the cookie of a sign-in is also refused with this code if another site may have sent it.
    """
    DENIED = "DENIED"
    """A request with ``Prefer: policy=strict`` selects a hidden field, or the policy denies the write of an event."""
    NOT_FOUND = "NOT_FOUND"
    """The server has nothing under the path, or an id in an event or in `mlg policy explain` does not exist.

    An id in an event that is hidden from the caller has this code too.
    """
    CONFLICT = "CONFLICT"
    """The stored state or a concurrent write prevents the write; a rejected item has an outcome CONFLICT instead."""
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    """The request exceeds a limit."""
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    """No document is persisted under the id or the hash; clients send its text."""
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    """Documents are not registered by their hash here; clients send no hash."""
    PERSISTED_DOCUMENT_REQUIRED = "PERSISTED_DOCUMENT_REQUIRED"
    """Only documents of the operator's manifest run here, and this one is not among them."""
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    """The store cannot respond now. If ``unknownOutcome`` is true, a write may have been applied; else retry later."""
    UNREADABLE = "UNREADABLE"
    """A stored value cannot be returned, such as a number that is not finite; the message says how to replace it."""
    STORE_FAILED = "STORE_FAILED"
    """The store failed a request, refused the credentials of the server, or returned an unusable response."""
    KEYS_UNAVAILABLE = "KEYS_UNAVAILABLE"
    """The issuer's signing keys cannot be fetched, so the token cannot be checked. Retry later."""
    ACCESS_LOG_UNAVAILABLE = "ACCESS_LOG_UNAVAILABLE"
    """The access log cannot be written, so the response is withheld. A mutation may have been stored."""
    CONFIGURATION = "CONFIGURATION"
    """A setting or a file of the installation is invalid; raised at start-up and by commands."""
    INTERNAL = "INTERNAL"
    """A defect of the server; the log has an entry under the request id."""


class CodedError(Exception):
    """An expected error with a code, a message for people, and values for programs.

    ``extensions`` are JSON values that the response shows beside the code.
    """

    code: Code = Code.INTERNAL

    def __init__(self, message: str, code: Code | None = None, **extensions: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.extensions = extensions


class InvalidError(CodedError):
    """A value that is not allowed."""

    code = Code.INVALID


class DeniedError(CodedError):
    """A request with ``Prefer: policy=strict`` selects a hidden field. A denied write is an outcome DENIED instead."""

    code = Code.DENIED


class LimitError(CodedError):
    """A request that exceeds a limit."""

    code = Code.LIMIT_EXCEEDED


class ConfigurationError(CodedError):
    """A setting or a file of the installation that is invalid."""

    code = Code.CONFIGURATION
