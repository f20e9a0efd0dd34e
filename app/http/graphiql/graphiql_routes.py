"""The routes below ``/graphiql``, which need no token: the page and its files; in development also its personas.

The page holds no token. A user signs in, pastes a token, or chooses a persona in development. The token of a persona is
minted for the key that `mlg dev` prints, which follows from the key file of the development issuer.
"""

from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona, personas
from app.http.errors import HttpError
from app.http.graphiql.graphiql_files import cached_files
from app.http.graphql.graphql_request import RequestLimits, read_body, read_json
from app.http.json_response import json_response
from app.settings import Settings
from policies.errors import Code, InvalidError

PAGE_PATH: Final = "/graphiql"

_CONTENT_TYPES: Final = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_OWN_FILES: Final = ("page.html", "page.js", "page.css")
_TOKEN_LIMITS: Final = RequestLimits(body_bytes=4_096)

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src data:; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of the page and its files: only scripts and styles of this server, no frame, no referrer."""


def graphiql_routes(settings: Settings) -> list[Route]:
    """Return the routes of the page, with ``MLG_ENV=dev`` also those of the personas."""
    page = Page(cached_files(settings))
    routes = [Route(PAGE_PATH, page.serve), Route(f"{PAGE_PATH}/{{file}}", page.serve)]
    if settings.env != "dev":
        return routes
    tokens = PersonaTokens(DevIssuer(settings))
    return [
        Route(f"{PAGE_PATH}/personas", tokens.offer),
        Route(f"{PAGE_PATH}/token", tokens.mint, methods=["POST"]),
        *routes,
    ]


class Page:
    """Serves the page from memory; ``fetched`` are the files of others, None if they are not installed."""

    def __init__(self, fetched: Mapping[str, bytes] | None) -> None:
        own = {name: Path(__file__).with_name(name).read_bytes() for name in _OWN_FILES}
        self._files = None if fetched is None else {**fetched, **own}
        self._tags = {name: f'"{sha256(each).hexdigest()[:32]}"' for name, each in (self._files or {}).items()}

    async def serve(self, request: Request) -> ASGIApp:
        """Return the page, or one of its files. Raises `HttpError` if there is no such file, or none is installed."""
        name = request.path_params.get("file", "page.html")
        if self._files is None:
            raise HttpError(
                HTTPStatus.NOT_FOUND,
                "GraphiQL is not installed. Run `mlg graphiql fetch`, and restart the server.",
                Code.NOT_FOUND,
            )
        content = self._files.get(name)
        if content is None:
            message = f"{PAGE_PATH} has no file {name[:100]!r}; open {PAGE_PATH}."
            raise HttpError(HTTPStatus.NOT_FOUND, message, Code.NOT_FOUND)
        tag = self._tags[name]
        headers = {**SECURITY_HEADERS, "Cache-Control": "no-cache", "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        media = _CONTENT_TYPES[Path(name).suffix]
        # Not compressed: that would take 30 ms of each request for the largest file, without a token.
        return Response(content, media_type=f"{media}; charset=utf-8", headers=headers)


class PersonaTokens:
    """Offers the personas, and mints their tokens for the key of the page."""

    def __init__(self, issuer: DevIssuer) -> None:
        self._issuer = issuer

    async def offer(self, _request: Request) -> Response:
        """Return name and description of each persona."""
        return json_response({"personas": [{"name": each.name, "about": each.about} for each in personas().values()]})

    async def mint(self, request: Request) -> Response:
        """Return the token of a persona.

        Raises `HttpError` if the body is no JSON or too large, the key is wrong, or there is no such persona.
        """
        given = read_json(await read_body(request, _TOKEN_LIMITS), _TOKEN_LIMITS, "The body")
        fields = given if isinstance(given, dict) else {}
        if not compare_digest(str(fields.get("key")).encode(), self._issuer.page_key().encode()):
            raise HttpError(
                HTTPStatus.FORBIDDEN,
                "The key of this page is missing or wrong. Open the address of GraphiQL that `mlg dev` prints, or run "
                "`mlg token PERSONA` and paste the token.",
                Code.FORBIDDEN,
            )
        try:
            chosen = persona(str(fields.get("persona")))
        except InvalidError as error:
            raise HttpError(HTTPStatus.BAD_REQUEST, error.message) from None
        return json_response({"token": self._issuer.mint(chosen)})


class PageRedirectMiddleware:
    """Leads a browser from ``GET /graphql`` to the page, before a token is demanded; for development."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redirect ``GET /graphql`` if it accepts HTML and no JSON; pass on every other request."""
        accepted = Headers(scope=scope).get("accept", "") if scope["type"] == "http" else ""
        if not ("text/html" in accepted and "json" not in accepted):
            await self.app(scope, receive, send)
        elif (scope["method"], scope["path"]) == ("GET", "/graphql"):
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(f"{PAGE_PATH}?{query}" if query else PAGE_PATH)(scope, receive, send)
        else:
            await self.app(scope, receive, send)
