"""Authentication middleware: outside of the open paths, an HTTP request behind it needs a token with ``graph:read``.

HTTP requests without one get 401, 403 or 503 and reach no handler. WebSockets authenticate after the handshake.
"""

from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, BaseUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response

from app.auth.authenticator import Authenticator
from app.auth.errors import AuthError
from policies.principal import Principal, Scope

OPEN_PATHS = ("/health", "/.well-known", "/graphiql")
"""Paths that need no token, including all paths below them."""
GRAPHQL_RESPONSE = "application/graphql-response+json"


class RequestUser(BaseUser):
    """The value of ``request.user``: adapts a `Principal` to the interface of Starlette."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    @property
    def is_authenticated(self) -> bool:
        """True: a `RequestUser` exists only for a request with a valid token."""
        return True

    @property
    def display_name(self) -> str:
        """The display name of the caller, or the subject if the token has no printable name."""
        return self.principal.display_name or self.principal.subject

    @property
    def identity(self) -> str:
        """The subject of the token, with the issuer's ``subject_prefix``."""
        return self.principal.subject


class BearerBackend(AuthenticationBackend):
    """Authenticates HTTP requests outside of ``open_paths``; their tokens need the scope ``graph:read``.

    WebSockets are skipped: their token arrives later, in ``connection_init``, and
    `app.http.websocket.socket_session` authenticates the token there.
    """

    def __init__(self, authenticator: Authenticator, open_paths: tuple[str, ...] = OPEN_PATHS) -> None:
        self._authenticator = authenticator
        self._open = open_paths

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Return the token's scopes and the user, and set ``request.state.principal``.

        Return None for open paths and WebSockets. Raises `AuthError` as `Authenticator.authenticate` does.
        """
        if conn.scope["type"] == "websocket" or self._is_open(conn.url.path):
            return None
        # Several headers could name different callers. Joined they match no bearer token, which gives 401.
        authorization = ", ".join(conn.headers.getlist("authorization"))
        principal = await self._authenticator.authenticate(authorization, Scope.READ)
        conn.state.principal = principal
        return AuthCredentials(sorted(principal.scopes)), RequestUser(principal)

    def _is_open(self, path: str) -> bool:
        return any(path == prefix or path.startswith(prefix + "/") for prefix in self._open)


def auth_error_response(conn: HTTPConnection, error: AuthenticationError) -> Response:
    """Return the response for an `AuthError`: its status, headers and a GraphQL error as body; raise other errors."""
    if not isinstance(error, AuthError):
        raise error
    extensions = {"code": str(error.code), **error.extensions}
    if request_id := getattr(conn.state, "request_id", None):
        extensions["requestId"] = request_id
    return JSONResponse(
        {"errors": [{"message": error.message, "extensions": extensions}]},
        status_code=error.status,
        headers={**error.headers, "Cache-Control": "private, no-store", "Vary": "Accept, Authorization"},
        media_type=GRAPHQL_RESPONSE if GRAPHQL_RESPONSE in conn.headers.get("accept", "") else "application/json",
    )


def auth_middleware(authenticator: Authenticator, open_paths: tuple[str, ...] = OPEN_PATHS) -> Middleware:
    """Return the authentication middleware.

    List it after `app.http.middleware.RequestIdMiddleware`, so that errors contain the request id.
    """
    return Middleware(
        AuthenticationMiddleware, backend=BearerBackend(authenticator, open_paths), on_error=auth_error_response
    )
