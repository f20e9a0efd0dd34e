"""Authenticates requests to ``/graphql`` by the cookie of a session, as if they had its access token as a header.

The authentication behind validates that token as any other. It accepts no cookie for other HTTP requests.
"""

from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.backend import auth_error_response
from app.auth.errors import AuthError, UnauthenticatedError
from app.http.sign_in.session_cookies import set_cookie_headers
from app.http.sign_in.session_guard import CSRF_HEADER, SessionGuard

PATHS: Final = frozenset({"/graphql"})
"""Paths at which the cookie is read."""


class SessionCookieMiddleware:
    """Adds the token of a session to its requests; ``guard`` is None if there is no sign-in.

    A request whose session is refused gets the error, and one without a valid session also the removal of its cookie.
    If the person signs out while a request refreshes the session, the response removes the cookie, which it would
    otherwise restore. List it directly before authentication.
    """

    def __init__(self, app: ASGIApp, guard: SessionGuard | None) -> None:
        self.app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application for one request, or send the error of a refused session."""
        guard = self._guard
        if guard is None or scope["type"] != "http" or scope["path"] not in PATHS:
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if "authorization" in connection.headers or not guard.has_session(connection):
            await self.app(scope, receive, send)
            return
        set_cookies: list[str] = []
        session = None

        async def send_with_cookies(message: Message) -> None:
            nonlocal set_cookies
            if message["type"] == "http.response.start":
                if session is not None and set_cookies and guard.sessions.has_ended(session.id):
                    set_cookies = guard.cookies.drop_session()
                message["headers"] = [*message["headers"], *set_cookie_headers(set_cookies)]
            await send(message)

        try:
            session = guard.protected(connection, connection.headers.get(CSRF_HEADER))
            current = await guard.sessions.current(session)
            if current is not session:
                set_cookies = guard.kept(current)
        except AuthError as error:
            if isinstance(error, UnauthenticatedError):
                set_cookies = guard.cookies.drop_session()
            await auth_error_response(connection, error)(scope, receive, send_with_cookies)
            return
        scope["headers"] = [*scope["headers"], (b"authorization", f"Bearer {current.access_token}".encode())]
        await self.app(scope, receive, send_with_cookies)
