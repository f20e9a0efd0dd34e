"""Authentication middleware: a request behind it needs a token with ``graph:read``, unless its route is declared open.

This holds for every route, WebSocket and mounted application, and for unknown paths. A request without such a
token gets 401, 403 or 503, the handshake of a WebSocket 403; neither reaches a handler.
"""

from collections.abc import Collection

from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, BaseUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route, WebSocketRoute

from app.auth.authenticator import Authenticator
from app.auth.errors import AuthError
from graphql_schema.execution.side_thread import CALLER
from policies.principal import Principal, Scope

OpenRoute = tuple[str, str]
"""The type of an ASGI scope, ``http`` or ``websocket``, and the path of a route as the route declares it."""

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
    """Requires a token with the scope ``graph:read`` for every request but those to ``open_routes``.

    A WebSocket in ``open_routes`` has no caller here: `app.http.websocket.socket_session` reads the token later.
    """

    def __init__(self, authenticator: Authenticator, open_routes: Collection[OpenRoute]) -> None:
        self._authenticator = authenticator
        self._open = frozenset(open_routes)

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Return the token's scopes and the user; set ``request.state.principal`` and the caller of the side thread.

        Return None for open routes. Raises `AuthError` as `Authenticator.authenticate` does.
        """
        if _declared_route(conn) in self._open:
            return None
        # Several headers could name different callers. Joined they match no bearer token, which gives 401.
        authorization = ", ".join(conn.headers.getlist("authorization"))
        principal = await self._authenticator.authenticate(authorization, Scope.READ)
        conn.state.principal = principal
        CALLER.set((principal.tenant, principal.subject))
        return AuthCredentials(sorted(principal.scopes)), RequestUser(principal)


def _declared_route(conn: HTTPConnection) -> OpenRoute | None:
    """Return the route that the application selects for a request, by the same comparison.

    None for a mounted application, for an unknown path, and for a method that the route does not have.
    """
    selected = next((route for route in conn.app.routes if route.matches(conn.scope)[0] is Match.FULL), None)
    # A mounted application has routes of its own, which no declaration of its path covers.
    return (conn.scope["type"], selected.path) if isinstance(selected, Route | WebSocketRoute) else None


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


def auth_middleware(authenticator: Authenticator, open_routes: Collection[OpenRoute] = ()) -> Middleware:
    """Return the authentication middleware; without ``open_routes``, every request needs a token.

    List it after `app.http.middleware.RequestIdMiddleware`, so that errors contain the request id.
    """
    return Middleware(
        AuthenticationMiddleware, backend=BearerBackend(authenticator, open_routes), on_error=auth_error_response
    )
