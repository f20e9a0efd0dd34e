"""What we tell strangers about ourselves: the protected resource metadata of RFC 9728, and the auth routes."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.auth.dev_issuer import DevIssuer, base_url
from app.auth.issuers import read_issuers
from app.settings import Settings
from policies.errors import ConfigurationError
from policies.principal import Scope

PATH = "/.well-known/oauth-protected-resource"
MAX_AGE = 300
"""Seconds that the document may be cached."""


def public_url(settings: Settings) -> str:
    """Return the URL under which clients know us, without a path; raises ConfigurationError."""
    url = (settings.public_url or base_url(settings.host, settings.port)).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or url != f"{parts.scheme}://{parts.netloc}":
        raise ConfigurationError(
            f"MLG_PUBLIC_URL is {url!r}; set it to scheme and host, like https://graph.example.com."
        )
    return url


def metadata_url(settings: Settings) -> str:
    """Return the address of the metadata document, for challenges."""
    return public_url(settings) + PATH


def auth_routes(settings: Settings) -> list[Route]:
    """Return the metadata document and, in ``dev`` on loopback only, the development issuer."""
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

    return [Route(PATH, metadata), *(dev.routes() if dev else [])]
