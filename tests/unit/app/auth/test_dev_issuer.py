"""The development issuer: on loopback only, with one private key file and tokens that the server accepts."""

import json
import os
import stat
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest
from joserfc import jws
from starlette.applications import Starlette
from starlette.testclient import TestClient
from support.servers.issuer import no_closure
from typer.testing import CliRunner

from app.auth.authenticator import build_authenticator
from app.auth.dev_issuer import DevIssuer, signing_key
from app.auth.errors import AuthError
from app.auth.personas import persona, personas
from app.auth.resource_metadata import auth_routes
from app.cli.command_line import commands
from app.settings import Settings
from policies.errors import ConfigurationError
from policies.principal import PrincipalKind

ISSUERS = json.dumps([{"issuer": "https://issuer.example"}])
EXPECTED: dict[str, tuple[PrincipalKind, str, AbstractSet[str], AbstractSet[str]]] = {
    "ada": (PrincipalKind.PERSON, "ranking", {"engineer"}, {"graph:read", "graph:write"}),
    "bo": (PrincipalKind.PERSON, "ads", {"reader"}, {"graph:read"}),
    "cy": (PrincipalKind.PERSON, "governance", {"auditor"}, {"graph:read", "graph:write"}),
    "ci-ranking": (PrincipalKind.SERVICE_ACCOUNT, "ranking", {"automation"}, {"graph:read", "graph:write"}),
    "eli": (PrincipalKind.PERSON, "ranking", {"reader", "approver"}, {"graph:read", "graph:write"}),
    "root": (PrincipalKind.PERSON, "platform", {"admin"}, {"graph:read", "graph:write", "graph:admin"}),
}


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Return an environment with a data folder that does not exist yet."""
    return {"MLG_DATA_DIR": str(tmp_path / "data"), "MLG_PORT": "8123"}


def refused(env: Mapping[str, str]) -> bool:
    """Return whether both the authenticator and the routes refuse this environment."""
    settings = Settings.from_env(env)
    with pytest.raises(ConfigurationError):
        build_authenticator(settings, no_closure)
    with pytest.raises(ConfigurationError):
        auth_routes(settings)
    return True


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "graph.example.com", ""])  # noqa: S104 - to be refused
def test_dev_does_not_start_off_loopback(env: dict[str, str], host: str) -> None:
    """At an address that other machines can reach the profile `dev` does not start, with or without other issuers."""
    assert refused(env | {"MLG_HOST": host})
    assert refused(env | {"MLG_HOST": host, "MLG_ISSUERS": ISSUERS})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
async def test_dev_starts_on_loopback(env: dict[str, str], host: str) -> None:
    """Each name of the loopback address is accepted, and so are the tokens of its development issuer."""
    settings = Settings.from_env(env | {"MLG_HOST": host})
    async with build_authenticator(settings, no_closure) as auth:
        token = DevIssuer(settings).mint(persona("ada"))
        assert (await auth.authenticate(f"Bearer {token}")).subject == "ada"


def test_production_has_no_dev_issuer(env: dict[str, str]) -> None:
    """In production the development issuer has no routes, cannot be created, and the command mints no token."""
    production = env | {"MLG_ENV": "production", "MLG_ISSUERS": ISSUERS}
    settings = Settings.from_env(production)
    client = TestClient(Starlette(routes=auth_routes(settings)))
    assert client.get("/.well-known/openid-configuration").status_code == 404
    assert client.get("/.well-known/jwks.json").status_code == 404
    with pytest.raises(ConfigurationError):
        DevIssuer(settings)
    result = CliRunner().invoke(commands, ["token", "ada"], env=production)
    assert (result.exit_code, result.stdout) == (1, "")
    assert not Path(env["MLG_DATA_DIR"]).exists()


def test_production_without_issuers_does_not_start(env: dict[str, str]) -> None:
    """Without MLG_ISSUERS no token could be valid, and the server does not start."""
    with pytest.raises(ConfigurationError, match="MLG_ISSUERS"):
        build_authenticator(Settings.from_env(env | {"MLG_ENV": "production"}), no_closure)


async def test_production_trusts_no_token_of_the_dev_key(env: dict[str, str]) -> None:
    """In production a token of the development issuer is refused."""
    token = DevIssuer(Settings.from_env(env)).mint(persona("root"))
    async with build_authenticator(
        Settings.from_env(env | {"MLG_ENV": "production", "MLG_ISSUERS": ISSUERS}), no_closure
    ) as auth:
        with pytest.raises(AuthError, match="not trusted"):
            await auth.authenticate(f"Bearer {token}")


@pytest.mark.parametrize("name", EXPECTED)
async def test_the_command_prints_a_token_of_the_persona(env: dict[str, str], name: str) -> None:
    """`mlg token PERSONA` prints one token and nothing else, and the server makes that persona of it."""
    result = CliRunner().invoke(commands, ["token", name], env=env)
    assert (result.exit_code, result.stderr) == (0, "")
    token, nothing = result.stdout.split("\n")
    assert nothing == ""
    async with build_authenticator(Settings.from_env(env | {"MLG_TENANT": "acme"}), no_closure) as auth:
        principal = await auth.authenticate(f"Bearer {token}")
    kind, group, roles, scopes = EXPECTED[name]
    assert principal.subject == name
    assert principal.kind is kind
    assert principal.tenant == "default"
    assert principal.teams == {f"mlg://team/catalog/default/{group}"}
    assert principal.roles == roles
    assert principal.scopes == scopes


def test_every_persona_is_in_the_table() -> None:
    """The table of expected rights has every persona, so that a new one is reviewed here."""
    assert set(personas()) == set(EXPECTED)


def test_an_unknown_persona_is_refused(env: dict[str, str]) -> None:
    """An unknown name ends the command with exit code 2, no output, and an error that lists the personas."""
    result = CliRunner().invoke(commands, ["token", "zed"], env=env)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "ada, bo, cy, ci-ranking, eli, root" in result.stderr


def test_the_key_file_is_private_and_reused(env: dict[str, str]) -> None:
    """The key file is created at the first use with mode 0600 under any umask, and reused afterwards."""
    path = Path(env["MLG_DATA_DIR"]) / "dev-issuer.jwk"
    before = os.umask(0)
    try:
        first = signing_key(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signing_key(path).as_dict(private=True) == first.as_dict(private=True)
    assert [entry.name for entry in path.parent.iterdir()] == ["dev-issuer.jwk"]


def test_a_readable_key_file_is_refused(env: dict[str, str]) -> None:
    """A key file that other users can read is refused, and the error names the command that corrects it."""
    path = Path(env["MLG_DATA_DIR"]) / "dev-issuer.jwk"
    signing_key(path)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        signing_key(path)


def test_a_broken_key_file_is_refused(env: dict[str, str]) -> None:
    """A file without a key is refused by name and not overwritten."""
    path = Path(env["MLG_DATA_DIR"]) / "dev-issuer.jwk"
    path.parent.mkdir(parents=True)
    path.touch(0o600)
    with pytest.raises(ConfigurationError, match="not an EC key"):
        signing_key(path)


def test_the_key_set_is_public_only(env: dict[str, str]) -> None:
    """The key set at the discovered address has the key id of the tokens and no private part."""
    settings = Settings.from_env(env)
    client = TestClient(Starlette(routes=auth_routes(settings)), base_url="http://127.0.0.1:8123")
    discovery = client.get("/.well-known/openid-configuration").json()
    assert discovery["issuer"] == "http://127.0.0.1:8123"
    (key,) = client.get(discovery["jwks_uri"]).json()["keys"]
    assert "d" not in key
    header = jws.extract_compact(DevIssuer(settings).mint(persona("bo")).encode()).headers()
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": key["kid"]}
