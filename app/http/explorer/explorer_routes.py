"""The routes of the explorer: the page at ``/`` and its files below ``/explorer``, which need no token.

The page holds no data; its requests to ``/graphql`` need a token or a session.
"""

from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from app.http.errors import HttpError
from app.http.explorer.explorer_build import cached_build
from app.http.graphiql.graphiql_routes import PAGE_PATH
from app.settings import Settings
from policies.errors import Code

EXPLORER_PATH: Final = "/explorer"
"""The path of the files; their names are those of the build."""

EXPLORER_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of the page and its files: only scripts, styles and requests of this server, no frame, no referrer."""

_CONTENT_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_ENCODINGS: Final = {"br": ".br", "gzip": ".gz"}
"""The content codings that a build has, the preferred first, with the suffix of their files."""


def explorer_routes(settings: Settings) -> list[Route]:
    """Return the routes of the page and of its files."""
    explorer = ExplorerFiles(cached_build(settings))
    return [Route("/", explorer.page), Route(f"{EXPLORER_PATH}/{{file}}", explorer.file)]


def start_path(settings: Settings) -> str:
    """Return the path of the page for people: that of the explorer if there is a build, else that of GraphiQL."""
    return PAGE_PATH if cached_build(settings) is None else "/"


class ExplorerFiles:
    """Serves a build from memory; ``folder`` is None if there is no build."""

    def __init__(self, folder: Path | None) -> None:
        paths = [] if folder is None else [folder / "index.html", *(folder / EXPLORER_PATH[1:]).iterdir()]
        self._contents = {path.name: path.read_bytes() for path in paths}
        self._tag = f'"{sha256(self._contents.get("index.html", b"")).hexdigest()[:32]}"'

    async def page(self, request: Request) -> ASGIApp:
        """Return the page, which a browser validates at each visit. Raises `HttpError` if there is no build."""
        if not self._contents:
            raise HttpError(
                HTTPStatus.NOT_FOUND,
                "The explorer is not built. Run `mlg explorer build`, and restart the server.",
                Code.NOT_FOUND,
            )
        headers = {**EXPLORER_HEADERS, "Cache-Control": "no-cache", "ETag": self._tag}
        if request.headers.get("if-none-match") == self._tag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return self._response("index.html", request, headers)

    async def file(self, request: Request) -> ASGIApp:
        """Return a file of the page; its name changes with its content, so caches keep it for a year.

        Raises `HttpError` if there is no such file.
        """
        name = request.path_params["file"]
        if name not in self._contents or Path(name).suffix not in _CONTENT_TYPES or name == "index.html":
            message = f"{EXPLORER_PATH} has no file {name[:100]!r}; load / again."
            raise HttpError(HTTPStatus.NOT_FOUND, message, Code.NOT_FOUND)
        return self._response(
            name, request, {**EXPLORER_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
        )

    def _response(self, name: str, request: Request, headers: dict[str, str]) -> Response:
        """Return a file as the client accepts it: compressed by the build, or as it is."""
        media = _CONTENT_TYPES[Path(name).suffix]
        accepted = _accepted(request.headers.get("accept-encoding", ""))
        for coding, suffix in _ENCODINGS.items():
            content = self._contents.get(name + suffix)
            if coding in accepted and content is not None:
                return Response(content, headers={**headers, "Content-Encoding": coding, "Content-Type": media})
        return Response(self._contents[name], headers={**headers, "Content-Type": media})


def _accepted(header: str) -> set[str]:
    """Return the codings that a header names without ``q=0`` (RFC 9110 section 12.5.3)."""
    items = (item.replace(" ", "").lower().partition(";q=") for item in header.split(","))
    return {name for name, _, quality in items if quality.strip("0.") or not quality}
