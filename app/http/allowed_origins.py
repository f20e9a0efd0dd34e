"""Pages of other origins: which may read responses (CORS) and open a WebSocket, by the list `allowed_origins`.

A browser never adds a token by itself, as it adds a cookie, so a page of another origin needs a token. The list bounds
the pages that can use a token. Source: https://fetch.spec.whatwg.org/#http-cors-protocol.
"""

from http import HTTPStatus
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from app.http.errors import HttpError
from app.http.middleware import REQUEST_ID_HEADER
from app.settings import Settings

LOCAL_PORTS: Final = (3000, 3001, 4173, 4200, 5173, 5174, 8080)
"""Ports on which Next, Vite, Angular and webpack serve a page while it is developed."""

_LOCAL_HOSTS: Final = ("localhost", "127.0.0.1")
_READABLE_HEADERS: Final = (REQUEST_ID_HEADER, "Retry-After", "WWW-Authenticate")
"""Headers of a response that a script of the page can read."""

_PREFLIGHT_SECONDS: Final = 600
"""Seconds for which a browser may reuse the response to a preflight."""


def allowed_origins(settings: Settings) -> tuple[str, ...]:
    """Return the origins of ``MLG_ALLOWED_ORIGINS``.

    In ``dev``, an empty setting allows pages of this machine on LOCAL_PORTS and on the port of the server.
    """
    if settings.allowed_origins or settings.env != "dev":
        return settings.allowed_origins
    return tuple(f"http://{host}:{port}" for host in _LOCAL_HOSTS for port in (*LOCAL_PORTS, settings.port))


def trusts_host_names(settings: Settings) -> bool:
    """Return whether a page counts as a page of this server because its host name is the host of the request.

    Anyone can let a host name resolve to this server (DNS rebinding). The result is therefore false in ``dev``, and if
    ``MLG_ALLOWED_ORIGINS`` or ``MLG_PUBLIC_URL`` is set, which name the hosts of this server.
    """
    return settings.env != "dev" and not settings.allowed_origins and not settings.public_url


def has_name(origin: str) -> bool:
    """Return whether an origin has a host name, which its owner can let resolve to any server.

    An IP address and ``localhost`` are no names. A text that is no origin, such as ``null``, counts as a name.
    """
    host: str | None = None
    try:
        host = urlsplit(origin).hostname
        ip_address(host or "")
    except ValueError:
        return host != "localhost"
    return False


def cors_middleware(origins: tuple[str, ...]) -> Middleware:
    """Return the middleware for pages of ``origins``.

    List it directly after `app.http.middleware.ErrorMiddleware`, which returns its errors, and before authentication:
    a preflight has no token, and a page can then read a 401.
    """
    return Middleware(
        PreflightMiddleware,
        allow_origins=origins,
        allow_methods=("GET", "POST"),
        allow_headers=("*",),  # tracing and client libraries add headers of their own, which the server ignores
        allow_private_network=True,
        expose_headers=_READABLE_HEADERS,
        max_age=_PREFLIGHT_SECONDS,
    )


class PreflightMiddleware(CORSMiddleware):
    """The CORS middleware of Starlette, with an error that says how to allow a refused origin."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return the response to a permitted preflight; raises `HttpError` for another one."""
        response = super().preflight_response(request_headers)
        if response.status_code == HTTPStatus.OK:
            return response
        raise HttpError(
            HTTPStatus.BAD_REQUEST,
            f"Pages of the origin {request_headers['origin']!r} may not send "
            f"{request_headers['access-control-request-method']!r} requests. Add the origin to MLG_ALLOWED_ORIGINS, "
            "and use GET or POST.",
        )
