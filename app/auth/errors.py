"""The answers of the front door: 401, 403 and 503, each with the headers its standard asks for.

Sources: RFC 6750 section 3 (challenges), RFC 9728 section 5.1 (``resource_metadata``), RFC 9110 (``Retry-After``).
"""

from collections.abc import Mapping

from starlette.authentication import AuthenticationError

from policies.errors import Code, CodedError


class AuthError(CodedError, AuthenticationError):
    """A caller who may not come in; ``status`` and ``headers`` are the HTTP answer."""

    status: int = 401

    def __init__(self, message: str, headers: Mapping[str, str] | None = None, code: Code | None = None) -> None:
        super().__init__(message, code)
        self.headers = dict(headers or {})


class UnauthenticatedError(AuthError):
    """No token, or one that is not valid here."""

    code = Code.UNAUTHENTICATED


class InsufficientScopeError(AuthError):
    """The token is good and does not carry the scope that this needs."""

    code = Code.FORBIDDEN
    status = 403


class UnavailableError(AuthError):
    """No token can be judged at the moment: keys or team memberships cannot be had."""

    code = Code.KEYS_UNAVAILABLE
    status = 503

    def __init__(self, message: str, retry_after: int = 10, code: Code | None = None) -> None:
        super().__init__(message, {"Retry-After": str(retry_after)}, code)


class Challenge:
    """Builds the 401 and 403 of one protected resource, whose metadata document is at ``resource_metadata``."""

    def __init__(self, resource_metadata: str) -> None:
        self._metadata = ("resource_metadata", resource_metadata)

    def missing(self) -> UnauthenticatedError:
        """Ask for a token where none was sent: a bare challenge, as RFC 6750 section 3.1 wants it."""
        message = "This needs an access token: send the header `Authorization: Bearer <token>`."
        return UnauthenticatedError(message, self._headers())

    def invalid(self, reason: str) -> UnauthenticatedError:
        """Refuse the token that was sent; ``reason`` is one of ours, never text from the token."""
        message = f"The access token was refused: {reason}. Get a new one from an issuer that this server trusts."
        return UnauthenticatedError(message, self._headers(("error", "invalid_token"), ("error_description", reason)))

    def insufficient(self, scope: str) -> InsufficientScopeError:
        """Ask for a token with ``scope``."""
        message = f"The access token does not carry the scope `{scope}`. Get one that does."
        return InsufficientScopeError(message, self._headers(("error", "insufficient_scope"), ("scope", scope)))

    def _headers(self, *parameters: tuple[str, str]) -> dict[str, str]:
        listed = ", ".join(f'{name}="{value}"' for name, value in (*parameters, self._metadata))
        return {"WWW-Authenticate": f"Bearer {listed}"}
