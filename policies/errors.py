"""The one page of stable error codes, and the error that carries one.

This is the bottom of the import law: every package raises its own subclasses of :class:`CodedError`, and
``app.errors`` maps codes to HTTP. A message says what happened, to what, and what to do next.
"""

from enum import StrEnum


class Code(StrEnum):
    """What callers may branch on (``extensions.code``). Never renamed, never reused."""

    BAD_REQUEST = "BAD_REQUEST"
    """The HTTP request or the GraphQL document is malformed."""
    INVALID = "INVALID"
    """An argument or input has a value that the schema or the catalog does not allow."""
    UNAUTHENTICATED = "UNAUTHENTICATED"
    """No token, or one that is not valid here."""
    FORBIDDEN = "FORBIDDEN"
    """The token is good and does not carry the scope that this needs."""
    DENIED = "DENIED"
    """The policy says no to this principal for this asset."""
    NOT_FOUND = "NOT_FOUND"
    """Unknown, or hidden from the viewer: the two look alike."""
    CONFLICT = "CONFLICT"
    """The stored state is not what the caller expected."""
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    """More than one request may ask for."""
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    """The store does not answer at the moment; nothing was changed unless it was confirmed. Try again."""
    STORE_FAILED = "STORE_FAILED"
    """The store answered with an error of its own."""
    KEYS_UNAVAILABLE = "KEYS_UNAVAILABLE"
    """The issuer's signing keys cannot be had, so no token can be judged. Try again."""
    ACCESS_LOG_UNAVAILABLE = "ACCESS_LOG_UNAVAILABLE"
    """The access log cannot be written, so what belongs into it is not answered. Try again."""
    CONFIGURATION = "CONFIGURATION"
    """A setting or a file of the installation is wrong; raised at start-up only."""
    INTERNAL = "INTERNAL"
    """A defect of ours; the request id finds it in the log."""


class CodedError(Exception):
    """An expected failure: a code, a message for people, and facts for programs.

    ``extensions`` holds JSON values only and is shown to the caller beside the code.
    """

    code: Code = Code.INTERNAL

    def __init__(self, message: str, code: Code | None = None, **extensions: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.extensions = extensions


class InvalidError(CodedError):
    """A value that cannot be accepted."""

    code = Code.INVALID


class DeniedError(CodedError):
    """The policy says no."""

    code = Code.DENIED


class LimitError(CodedError):
    """More than one request may ask for."""

    code = Code.LIMIT_EXCEEDED


class ConfigurationError(CodedError):
    """The installation cannot start as it is configured."""

    code = Code.CONFIGURATION
