"""The routes of the sign-in, which need no token: its begin, the callback, the state of the session, and its end.

``GET /sign-in?return=/path`` and ``GET /sign-in/callback`` are addresses that a browser opens, so their errors are
pages. ``GET /session`` and ``POST /sign-out`` are for scripts of pages of this server.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.auth.errors import AuthError, UnauthenticatedError
from app.auth.sign_in.issuer_client import MAX_SIGN_INS
from app.auth.sign_in.sign_in_settings import CALLBACK_PATH
from app.errors import HTTP_STATUS
from app.fair_queue import FairQueue
from app.http.connections.client_address import counted_address
from app.http.errors import HttpError
from app.http.json_response import json_response
from app.http.sign_in.local_path import local_path
from app.http.sign_in.session_cookies import set_cookie_headers
from app.http.sign_in.session_guard import CSRF_HEADER, SessionGuard, cookies_of
from app.http.sign_in.sign_in_pages import PAGE_HEADERS, error_page
from app.settings import Network
from policies.errors import Code, CodedError

SIGN_IN_PATH: Final = "/sign-in"
SIGN_OUT_PATH: Final = "/sign-out"
SESSION_PATH: Final = "/session"


def sign_in_routes(
    guard: SessionGuard | None,
    public_url: str,
    start_path: str,
    *,
    canonical_host: bool,
    proxies: Sequence[Network] = (),
) -> list[Route]:
    """Return the routes; without ``guard``, `/session` has no address of a sign-in, and the others respond with 404.

    ``start_path`` is where a sign-in without ``return`` leads, and where the issuer leads after a sign-out.

    ``canonical_host`` leads a browser that opened the server under another name to ``public_url``, to which the issuer
    returns and whose cookies are read. Behind a proxy that changes the name, that would not end. Clients behind one of
    the ``proxies`` take their turns in the order of their requests.
    """
    routes = SignInRoutes(guard, public_url, start_path, canonical_host=canonical_host, proxies=proxies)
    return [
        Route(SIGN_IN_PATH, _with_error_page(routes.begin), methods=["GET"]),
        Route(CALLBACK_PATH, _with_error_page(routes.complete), methods=["GET"]),
        Route(SESSION_PATH, routes.session, methods=["GET"]),
        Route(SIGN_OUT_PATH, routes.end, methods=["POST"]),
    ]


class SignInRoutes:
    """The handlers of the routes.

    Anyone can begin a sign-in and send a callback, so the clients of one address make half of the requests to the
    issuer at most. Those of other addresses take turns with them.
    """

    def __init__(
        self,
        guard: SessionGuard | None,
        public_url: str,
        start_path: str,
        *,
        canonical_host: bool,
        proxies: Sequence[Network] = (),
    ) -> None:
        self._guard = guard
        self._public_url = public_url
        self._start_path = start_path
        self._canonical_host = canonical_host
        self._proxies = proxies
        self._turns = FairQueue(slots=MAX_SIGN_INS, per_caller=MAX_SIGN_INS // 2)

    async def begin(self, request: Request) -> Response:
        """Lead the browser to the issuer, with an attempt in a cookie; raises `CodedError`."""
        guard = self._required()
        if self._canonical_host and request.headers.get("host", "") != self._public_url.partition("://")[2]:
            query = f"?{request.url.query}" if request.url.query else ""
            return _redirect(f"{self._public_url}{SIGN_IN_PATH}{query}")
        path = local_path(request.query_params.get("return"), self._start_path)
        async with self._turn(request):
            url, attempt = await guard.sessions.begin(path)
        return _redirect(url, guard.cookies.keep_attempt(attempt))

    async def complete(self, request: Request) -> Response:
        """Redeem the code, keep the session in cookies, and lead the browser to its path; raises `CodedError`."""
        guard = self._required()
        attempt = guard.cookies.attempt_in(cookies_of(request))
        async with self._turn(request):
            session, path = await guard.sessions.complete(attempt, dict(request.query_params))
        return _redirect(path, *guard.kept(session), guard.cookies.drop_attempt())

    async def session(self, request: Request) -> Response:
        """Return whether the browser is signed in, and as who; refresh an access token that expires soon.

        Raises `HttpError` for a request of another page, and with 503 if an expired token cannot be refreshed now.
        """
        state = {"signedIn": False, "name": None, "csrf": None, "signIn": SIGN_IN_PATH if self._guard else None}
        guard = self._guard
        if guard is None or not guard.has_session(request):
            return json_response(state)
        try:
            session = guard.opened(request)
            current = await guard.sessions.current(session)
        except UnauthenticatedError:
            return _with_cookies(json_response(state), *guard.cookies.drop_session())
        except AuthError as error:
            raise _as_http(error) from error
        state |= {"signedIn": True, "name": current.name, "csrf": current.csrf}
        return _with_cookies(json_response(state), *(guard.kept(current) if current is not session else ()))

    async def end(self, request: Request) -> Response:
        """End the session, and return under ``next`` the address at which the issuer ends its own, or null.

        A browser without a valid session is signed out already. Raises `HttpError` for a request of another page, or
        without the CSRF value.
        """
        guard = self._required()
        following = None
        try:
            session = guard.protected(request, request.headers.get(CSRF_HEADER))
            following = await guard.sessions.end(session, f"{self._public_url}{self._start_path}")
        except UnauthenticatedError:
            pass
        except AuthError as error:
            raise _as_http(error) from error
        state = {"signedIn": False, "next": following}
        return _with_cookies(json_response(state), *guard.cookies.drop_session())

    def _turn(self, request: Request) -> AbstractAsyncContextManager[None]:
        """Return a turn among the sign-ins of the address of a client; behind a proxy, of this request alone."""
        address = counted_address(request.client.host if request.client else "", self._proxies)
        return self._turns.slot(object() if address is None else address)

    def _required(self) -> SessionGuard:
        if self._guard is None:
            raise HttpError(
                HTTPStatus.NOT_FOUND,
                "This server has no sign-in. Set MLG_SIGN_IN_CLIENT, or send a token.",
                Code.NOT_FOUND,
            )
        return self._guard


def _with_error_page(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        try:
            return await handle(request)
        except CodedError as error:
            own = error.status if isinstance(error, AuthError | HttpError) else HTTP_STATUS[error.code]
            retry = getattr(error, "headers", {}).get("Retry-After")
            return error_page(error.message, own, {"Retry-After": retry} if retry else None)

    return respond


def _as_http(error: AuthError) -> HttpError:
    return HttpError(error.status, error.message, error.code, error.headers)


def _redirect(url: str, *cookies: str) -> Response:
    return _with_cookies(RedirectResponse(url, HTTPStatus.FOUND, headers=PAGE_HEADERS), *cookies)


def _with_cookies(response: Response, *values: str) -> Response:
    response.raw_headers.extend(set_cookie_headers(values))
    return response
