"""The protected resource metadata of RFC 9728: where clients without a token find the issuers and scopes."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.auth.dev_issuer import DevIssuer, base_url
from app.auth.issuers import read_issuers, split_url
from app.settings import Settings
from policies.errors import ConfigurationError
from policies.principal import Scope

METADATA_PATH = "/.well-known/oauth-protected-resource"
MAX_AGE = 300
"""Seconds for which clients may cache the metadata document."""


def public_url(settings: Settings) -> str:
    """Return the URL that clients use for this server, without a path: ``MLG_PUBLIC_URL``, else host and port.

    Raises `ConfigurationError` unless the URL is ``http`` or ``https`` with a host, an optional port, and no path.
    """
    url = (settings.public_url or base_url(settings.host, settings.port)).rstrip("/")
    parts = split_url(url)
    if parts is None or parts.scheme not in {"http", "https"} or url != f"{parts.scheme}://{parts.netloc}":
        raise ConfigurationError(
            f"The public URL {url!r} is not http or https with a host and without a path. "
            "Set MLG_PUBLIC_URL to a URL like https://graph.example.com."
        )
    return url


def metadata_url(settings: Settings) -> str:
    """Return the URL of the metadata document, for the ``WWW-Authenticate`` header; raises `ConfigurationError`."""
    return public_url(settings) + METADATA_PATH


def auth_routes(settings: Settings) -> list[Route]:
    """Return the route of the metadata document, with ``MLG_ENV=dev`` also those of the development issuer.

    Raises `ConfigurationError` if ``MLG_ISSUERS`` or ``MLG_PUBLIC_URL`` is invalid, or if the development issuer is
    not bound to a loopback address.
    """
    issuers = [i.url for i in read_issuers(settings.issuers, audience=settings.audience, tenant=settings.tenant)]
    dev = DevIssuer(settings) if settings.env == "dev" else None
    document = {
        "resource": public_url(settings),
        "resource_name": "Model Lifecycle Graph",
        "authorization_servers": [*issuers, *([dev.url] if dev else [])],
        "scopes_supported": [str(scope) for scope in Scope],
        "bearer_methods_supported": ["header"],
    }

    async def metadata(_request: Request) -> Response:
        return JSONResponse(document, headers={"Cache-Control": f"public, max-age={MAX_AGE}"})

    return [Route(METADATA_PATH, metadata), *(dev.routes() if dev else [])]
