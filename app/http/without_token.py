"""Everything that a client reaches without a token, in one table with a reason for each; all else is refused.

``docs/identity.md`` has the same table. A test compares both with the application and the ports of a running process.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.settings import Settings


class OpenKind(StrEnum):
    """The place where a response without a token comes from."""

    HTTP = "http"
    """A route; the type of its ASGI scope."""

    WEBSOCKET = "websocket"
    """The handshake of a WebSocket; the type of its ASGI scope."""

    MIDDLEWARE = "middleware"
    """A middleware before authentication that responds to some requests itself."""

    PORT = "port"
    """A port of its own, named by its setting."""


@dataclass(frozen=True, slots=True)
class WithoutToken:
    """One place that responds without a token: its path, class or setting, and the reason for which that is safe.

    ``only_dev`` is true if it exists only with ``MLG_ENV=dev``.
    """

    kind: OpenKind
    name: str
    reason: str
    only_dev: bool = False


WITHOUT_TOKEN: Final = (
    WithoutToken(OpenKind.HTTP, "/health/live", "A probe has no token; the response is a constant."),
    WithoutToken(OpenKind.HTTP, "/health/ready", "A probe has no token; the response is a state or a reason, no data."),
    WithoutToken(
        OpenKind.HTTP, "/health/started", "A probe has no token; the response is a state or a reason, no data."
    ),
    WithoutToken(
        OpenKind.HTTP,
        "/.well-known/oauth-protected-resource",
        "A client without a token finds the issuers here (RFC 9728).",
    ),
    WithoutToken(
        OpenKind.HTTP, "/", "The page of the explorer is a static file; its requests need a token or a session."
    ),
    WithoutToken(OpenKind.HTTP, "/explorer/{file}", "A static file of the explorer, from the list of its build."),
    WithoutToken(OpenKind.HTTP, "/graphiql", "The page is a static file; its requests need a token or a session."),
    WithoutToken(OpenKind.HTTP, "/graphiql/{file}", "A static file of the page, from a list with a SHA-256 of each."),
    WithoutToken(OpenKind.HTTP, "/sign-in", "A browser begins to sign in; the response leads to the issuer."),
    WithoutToken(
        OpenKind.HTTP,
        "/sign-in/callback",
        "The issuer leads a browser back; a session needs a code, and the attempt that this browser began.",
    ),
    WithoutToken(OpenKind.HTTP, "/session", "A page learns whether its browser is signed in, from its own cookie."),
    WithoutToken(OpenKind.HTTP, "/sign-out", "Ends the session of the cookie, with its CSRF value."),
    WithoutToken(
        OpenKind.WEBSOCKET,
        "/graphql",
        "A browser cannot send the header; before `connection_init` with a token, or with the CSRF value of a session, "
        "only its errors are sent.",
    ),
    WithoutToken(
        OpenKind.MIDDLEWARE,
        "SessionCookieMiddleware",
        "Refuses a cookie that is no session, or comes without its CSRF value; the response is an error.",
    ),
    WithoutToken(
        OpenKind.MIDDLEWARE,
        "PreflightMiddleware",
        "A browser sends no token with a preflight; the response has the setting and no data.",
    ),
    WithoutToken(
        OpenKind.PORT,
        "MLG_METRICS_PORT",
        "Prometheus has no token; off by default, on loopback, without callers. Of the graph it has names of sources "
        "of thin events.",
    ),
    WithoutToken(
        OpenKind.HTTP,
        "/.well-known/openid-configuration",
        "Every issuer publishes its discovery document.",
        only_dev=True,
    ),
    WithoutToken(
        OpenKind.HTTP,
        "/.well-known/oauth-authorization-server",
        "The same document under the path of RFC 8414.",
        only_dev=True,
    ),
    WithoutToken(
        OpenKind.HTTP, "/.well-known/jwks.json", "Every issuer publishes its keys for verification.", only_dev=True
    ),
    WithoutToken(
        OpenKind.HTTP, "/graphiql/personas", "Names and descriptions of personas, as in the repository.", only_dev=True
    ),
    WithoutToken(
        OpenKind.HTTP,
        "/graphiql/token",
        "Mints the token of a persona for the key that `mlg dev` prints.",
        only_dev=True,
    ),
    WithoutToken(
        OpenKind.HTTP,
        "/dev-issuer/authorize",
        "A page with the personas; a choice needs the key that `mlg dev` prints.",
        only_dev=True,
    ),
    WithoutToken(
        OpenKind.HTTP, "/dev-issuer/picker.js", "The script of that page, a file without any value.", only_dev=True
    ),
    WithoutToken(
        OpenKind.HTTP,
        "/dev-issuer/token",
        "Exchanges a code of that page, with the verifier of PKCE, which its client alone has.",
        only_dev=True,
    ),
    WithoutToken(
        OpenKind.MIDDLEWARE,
        "PageRedirectMiddleware",
        "Leads a browser from `/graphql` to the page; the response has no data.",
        only_dev=True,
    ),
)


def open_routes(settings: Settings) -> frozenset[tuple[str, str]]:
    """Return type and path of each route and WebSocket of the table that exists with these settings."""
    return frozenset(
        (str(each.kind), each.name)
        for each in WITHOUT_TOKEN
        if each.kind in {OpenKind.HTTP, OpenKind.WEBSOCKET} and (settings.env == "dev" or not each.only_dev)
    )
