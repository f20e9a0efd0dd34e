"""The door in front of the application: who has no principal gets an answer here and comes no further."""

from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, BaseUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response

from app.auth.authenticator import Authenticator
from app.auth.errors import AuthError
from policies.principal import Principal, Scope

OPEN = ("/health", "/metrics", "/.well-known")
"""Paths, with everything below them, that need no token. Everything else does."""
GRAPHQL = "application/graphql-response+json"


class RequestUser(BaseUser):
    """``request.user``: the principal, in Starlette's words."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    @property
    def is_authenticated(self) -> bool:
        """Always: anonymous callers do not come this far."""
        return True

    @property
    def display_name(self) -> str:
        """A name for people."""
        return self.principal.display_name or self.principal.subject

    @property
    def identity(self) -> str:
        """The subject."""
        return self.principal.subject


class BearerBackend(AuthenticationBackend):
    """Authenticates HTTP requests outside the ``open_paths``; all of them need ``graph:read``.

    A WebSocket carries its token in ``connection_init``, so whoever serves it calls the Authenticator there.
    """

    def __init__(self, authenticator: Authenticator, open_paths: tuple[str, ...] = OPEN) -> None:
        self._authenticator = authenticator
        self._open = open_paths

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Set ``request.user`` and ``request.state.principal``; raises AuthError."""
        if conn.scope["type"] == "websocket" or self._is_open(conn.url.path):
            return None
        # Two headers are two answers to the question who is calling; joined they are no bearer token.
        authorization = ", ".join(conn.headers.getlist("authorization"))
        principal = await self._authenticator.authenticate(authorization, Scope.READ)
        conn.state.principal = principal
        return AuthCredentials(sorted(principal.scopes)), RequestUser(principal)

    def _is_open(self, path: str) -> bool:
        return any(path == prefix or path.startswith(prefix + "/") for prefix in self._open)


def refuse(conn: HTTPConnection, error: AuthenticationError) -> Response:
    """Answer an AuthError: its status and headers, and a GraphQL error as body."""
    if not isinstance(error, AuthError):
        raise error
    extensions = {"code": str(error.code), **error.extensions}
    if request_id := getattr(conn.state, "request_id", None):
        extensions["requestId"] = request_id
    return JSONResponse(
        {"errors": [{"message": error.message, "extensions": extensions}]},
        status_code=error.status,
        headers={**error.headers, "Cache-Control": "private, no-store", "Vary": "Accept, Authorization"},
        media_type=GRAPHQL if GRAPHQL in conn.headers.get("accept", "") else "application/json",
    )


def auth_middleware(authenticator: Authenticator, open_paths: tuple[str, ...] = OPEN) -> Middleware:
    """Return the middleware for the application's list; place it inside the one that gives out request ids."""
    return Middleware(AuthenticationMiddleware, backend=BearerBackend(authenticator, open_paths), on_error=refuse)
