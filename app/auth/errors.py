"""Errors of authentication: 401, 403 and 503, each with the response headers that its standard requires.

Sources: RFC 6750 section 3 (challenges), RFC 9728 section 5.1 (``resource_metadata``), RFC 9110 (``Retry-After``).
"""

from collections.abc import Mapping

from starlette.authentication import AuthenticationError

from policies.errors import Code, CodedError


class AuthError(CodedError, AuthenticationError):
    """A refusal of a request, or of a sign-in; ``status`` and ``headers`` are those of the response."""

    status: int = 401

    def __init__(self, message: str, headers: Mapping[str, str] | None = None, code: Code | None = None) -> None:
        super().__init__(message, code)
        self.headers = dict(headers or {})


class UnauthenticatedError(AuthError):
    """The request has no bearer token, its token is not valid for this server, or its session is invalid or ended."""

    code = Code.UNAUTHENTICATED


class InsufficientScopeError(AuthError):
    """The token is valid and lacks a scope that the request needs."""

    code = Code.FORBIDDEN
    status = 403


class UnavailableError(AuthError):
    """The issuer's keys or the caller's teams cannot be fetched now, or the issuer does not serve a sign-in.

    Sign-ins beyond the maximum at once are refused with it, too. ``retry_after`` is in seconds.
    """

    code = Code.KEYS_UNAVAILABLE
    status = 503

    def __init__(self, message: str, retry_after: int = 10, code: Code | None = None) -> None:
        super().__init__(message, {"Retry-After": str(retry_after)}, code)


class Challenge:
    """Builds the errors 401 and 403 with their ``WWW-Authenticate`` header.

    ``resource_metadata`` is the URL of the metadata document (RFC 9728), which the header contains.
    """

    def __init__(self, resource_metadata: str) -> None:
        self._metadata = ("resource_metadata", resource_metadata)

    def missing(self) -> UnauthenticatedError:
        """Return the error for a request without a token; its header has no error code (RFC 6750 section 3.1)."""
        message = (
            "The request has no bearer token. Send `Authorization: Bearer <token>` once, as a header over HTTP, "
            "or in the payload of `connection_init` over a WebSocket."
        )
        return UnauthenticatedError(message, self._headers())

    def invalid(self, reason: str) -> UnauthenticatedError:
        """Return the error for an invalid token.

        ``reason`` must not contain text from the token, because the header quotes the reason without escapes.
        """
        message = f"The access token was refused: {reason}. Request a new token from an issuer that this server trusts."
        return UnauthenticatedError(message, self._headers(("error", "invalid_token"), ("error_description", reason)))

    def session_ended(self) -> UnauthenticatedError:
        """Return the error for a request whose cookie of a sign-in is invalid, or whose session has ended."""
        return UnauthenticatedError("You are not signed in, or the sign-in has ended. Sign in again.", self._headers())

    def insufficient(self, scope: str) -> InsufficientScopeError:
        """Return the error for a valid token without ``scope``."""
        message = f"The access token lacks the scope `{scope}`. Request a token with this scope."
        return InsufficientScopeError(message, self._headers(("error", "insufficient_scope"), ("scope", scope)))

    def _headers(self, *parameters: tuple[str, str]) -> dict[str, str]:
        listed = ", ".join(f'{name}="{value}"' for name, value in (*parameters, self._metadata))
        return {"WWW-Authenticate": f"Bearer {listed}"}
