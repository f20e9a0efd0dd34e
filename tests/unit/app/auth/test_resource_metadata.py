"""The resource metadata of RFC 9728, and the public URL that it contains."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.auth.resource_metadata import auth_routes
from app.settings import Settings
from policies.errors import ConfigurationError

PRODUCTION = {"MLG_ENV": "production", "MLG_ISSUERS": '[{"issuer": "https://issuer.example"}]'}


def test_the_metadata_name_issuers_and_scopes() -> None:
    """The document names the resource, the trusted issuers and the scopes that a client may request."""
    settings = Settings.from_env({**PRODUCTION, "MLG_PUBLIC_URL": "https://graph.example"})
    client = TestClient(Starlette(routes=auth_routes(settings)))
    assert client.get("/.well-known/oauth-protected-resource").json() == {
        "resource": "https://graph.example",
        "resource_name": "Model Lifecycle Graph",
        "authorization_servers": ["https://issuer.example"],
        "scopes_supported": ["graph:read", "graph:write", "graph:admin", "graph:break-glass"],
        "bearer_methods_supported": ["header"],
    }


@pytest.mark.parametrize(
    "url", ["graph.example", "https://graph.example/mlg", "ftp://graph.example", "https://", "https://[x"]
)
def test_an_invalid_public_url_stops_the_start(url: str) -> None:
    """A public URL that is not an HTTP scheme with a host only is refused: the links of challenges would be broken."""
    with pytest.raises(ConfigurationError, match="MLG_PUBLIC_URL"):
        auth_routes(Settings.from_env({**PRODUCTION, "MLG_PUBLIC_URL": url}))
