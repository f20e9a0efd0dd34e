"""The sign-in of a process: at which issuer, and which settings stop the start."""

import json
from pathlib import Path

import pytest
from support.servers.issuer import URL, Clock, authenticator, trusting
from support.servers.sign_in_issuer import SignInIssuer

from app.auth.sign_in.sign_in_settings import SignIn, build_sign_in
from app.settings import Settings
from policies.errors import ConfigurationError

PRODUCTION = {
    "MLG_ENV": "production",
    "MLG_ISSUERS": json.dumps([{"issuer": URL}]),
    "MLG_PUBLIC_URL": "https://graph.example",
    "MLG_SESSION_SECRETS": "s" * 32,
}


def built(tmp_path: Path, **env: str) -> SignIn:
    """Return the sign-in for an environment, in which the issuer of the tests is trusted."""
    settings = Settings.from_env({"MLG_DATA_DIR": str(tmp_path), **env})
    return build_sign_in(settings, authenticator([trusting(SignInIssuer(Clock()))]))


async def test_production_has_a_sign_in_only_if_it_is_configured(tmp_path: Path) -> None:
    """Without a client there are no sessions; with one, they are those of the first issuer, or of the named one."""
    assert built(tmp_path, **PRODUCTION) == SignIn(None, None)
    for issuer in ("", URL):
        sign_in = built(tmp_path, **PRODUCTION, MLG_SIGN_IN_CLIENT="web", MLG_SIGN_IN_ISSUER=issuer)
        assert sign_in.dev_grants is None
        assert sign_in.sessions is not None
        url, _ = await sign_in.sessions.begin("/")
        assert url.startswith(f"{URL}/authorize?")
        assert "redirect_uri=https%3A%2F%2Fgraph.example%2Fsign-in%2Fcallback" in url


async def test_development_has_its_own_issuer(tmp_path: Path) -> None:
    """Without settings, people sign in as personas at this server; with a client, at its issuer."""
    sign_in = built(tmp_path)
    assert sign_in.dev_grants is not None
    assert sign_in.sessions is not None
    url, _ = await sign_in.sessions.begin("/")
    assert url.startswith("http://127.0.0.1:8000/dev-issuer/authorize?")
    other = built(tmp_path, MLG_ISSUERS=PRODUCTION["MLG_ISSUERS"], MLG_SIGN_IN_CLIENT="web")
    assert other.sessions is not None
    assert (await other.sessions.begin("/"))[0].startswith(f"{URL}/authorize?")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"MLG_PUBLIC_URL": ""}, "MLG_PUBLIC_URL is not https"),
        ({"MLG_PUBLIC_URL": "http://graph.example"}, "MLG_PUBLIC_URL is not https"),
        ({"MLG_SESSION_SECRETS": ""}, "MLG_SESSION_SECRETS is not set"),
        ({"MLG_SIGN_IN_ISSUER": "https://other.example"}, "MLG_SIGN_IN_ISSUER is 'https://other.example'"),
        ({"MLG_ISSUERS": ""}, "MLG_ISSUERS has no issuer"),
        ({"MLG_SIGN_IN_SCOPES": "graph:read"}, "MLG_SIGN_IN_SCOPES has no `openid`"),
        ({"MLG_SIGN_IN_SCOPES": "openid graph:break-glass"}, "MLG_SIGN_IN_SCOPES has `graph:break-glass`"),
    ],
)
def test_a_faulty_setting_stops_the_start(tmp_path: Path, change: dict[str, str], message: str) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigurationError, match=message):
        built(tmp_path, **{**PRODUCTION, "MLG_SIGN_IN_CLIENT": "web", **change})
