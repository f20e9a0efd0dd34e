"""The API with a real Keycloak as its issuer: identities, scopes, refused tokens and the rotation of keys."""

import base64
import html
import json
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2
import pytest
from issuer.keycloak import PASSWORD, Keycloak, running_keycloak
from support.servers.in_process import REGISTER, open_api, process_over
from support.stores.janusgraph import StoreGraph
from support.waiting import until

from app.factory import create_app
from app.http.explorer.explorer_routes import start_path
from app.settings import Settings

pytestmark = pytest.mark.issuer

VIEWER = "{ viewer { subject kind displayName tenant teams { id } roles scopes expiresAt } }"
RANKING = "mlg://team/catalog/default/ranking"
PUBLIC = "https://graph.example"


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a token without verification; responses are compared with them."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a token without verification."""
    return claims_of(f".{token.split('.', maxsplit=1)[0]}.")


@dataclass(frozen=True)
class Server:
    """The API, which trusts this Keycloak only."""

    http: httpx2.AsyncClient

    async def post(self, token: str, query: str = VIEWER, **variables: Any) -> httpx2.Response:
        """Return the response to one request with a token."""
        body = {"query": query, "variables": variables}
        return await self.http.post("/graphql", json=body, headers={"Authorization": f"Bearer {token}"})

    async def status(self, token: str) -> int:
        """Return the status of a request with a token."""
        return (await self.post(token)).status_code

    async def viewer(self, token: str) -> dict[str, Any]:
        """Return the field `viewer` of a request with a token."""
        response = await self.post(token)
        assert response.status_code == 200, response.text
        viewer: dict[str, Any] = response.json()["data"]["viewer"]
        return viewer


@pytest.fixture(scope="module")
async def keycloak() -> AsyncIterator[Keycloak]:
    """Run a Keycloak for this module."""
    async with running_keycloak(Settings.from_env()) as keycloak:
        yield keycloak


@pytest.fixture(scope="module")
async def server(
    keycloak: Keycloak, module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    """Run the production profile over a real graph; of the issuer only its URL is configured."""
    async with open_api(module_graph, tmp_path_factory.mktemp("seed")) as seeding:
        await seeding.load({"team": {"name": "ranking"}}, {"team": {"name": "ads"}})
    settings = Settings.from_env(
        {
            "MLG_ENV": "production",
            "MLG_ISSUERS": json.dumps([{"issuer": keycloak.issuer}]),
            "MLG_PUBLIC_URL": PUBLIC,
            "MLG_SECRET": secrets.token_hex(32),
            "MLG_DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "MLG_SIGN_IN_CLIENT": "explorer",
            "MLG_SIGN_IN_SECRET": PASSWORD,
            "MLG_SIGN_IN_SCOPES": "openid graph:read graph:write",
            "MLG_SESSION_SECRETS": secrets.token_hex(32),
        }
    )
    app = create_app(process_over(settings, module_graph))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC, timeout=60) as http:
            yield Server(http)


async def test_a_person_has_the_identity_of_the_token(keycloak: Keycloak, server: Server) -> None:
    """The token of a person writes for its own team only, and every property of the viewer comes from its claims."""
    token: str = (await keycloak.login("portal", "graph:write"))["access_token"]
    assert header_of(token)["typ"] == "at+jwt"
    items = [
        {
            "dataset": {
                "id": f"mlg://dataset/test/default/{team}",
                "owners": [{"owner": f"mlg://team/catalog/default/{team}"}],
            }
        }
        for team in ("ranking", "ads")
    ]
    registered = (await server.post(token, REGISTER, input={"items": items})).json()["data"]["registerAssets"]
    assert [result["outcome"] for result in registered["results"]] == ["CREATED", "DENIED"]
    viewer = await server.viewer(token)
    assert viewer.pop("expiresAt")
    assert viewer == {
        "subject": claims_of(token)["sub"],
        "kind": "PERSON",
        "displayName": "Ada Lovelace",
        "tenant": "default",
        "teams": [{"id": RANKING}],
        "roles": ["engineer"],
        "scopes": ["graph:read", "graph:write"],
    }


async def test_a_pipeline_is_a_service_account(keycloak: Keycloak, server: Server) -> None:
    """A client credentials token makes a service account with the requested scopes and the role of the client."""
    token: str = (await keycloak.service_account())["access_token"]
    viewer = await server.viewer(token)
    assert (viewer["subject"], viewer["kind"]) == (claims_of(token)["sub"], "SERVICE_ACCOUNT")
    assert (viewer["roles"], viewer["scopes"]) == (["automation"], ["graph:read", "graph:write"])


async def test_scopes_are_those_requested(keycloak: Keycloak, server: Server) -> None:
    """A token without a request for graph:write lacks the scope and cannot write."""
    token: str = (await keycloak.login("portal"))["access_token"]
    assert (await server.viewer(token))["scopes"] == ["graph:read"]
    response = await server.post(token, REGISTER, input={"items": [{"team": {"name": "ads"}}]})
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["FORBIDDEN"]


async def refused(server: Server, token: str) -> str:
    """Return the reason in the challenge for a token, whose response must be a complete 401."""
    response = await server.post(token)
    assert response.status_code == 401, response.text
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    challenge = response.headers["www-authenticate"]
    assert challenge.endswith(f'resource_metadata="{PUBLIC}/.well-known/oauth-protected-resource"')
    reason: str = challenge.partition('error_description="')[2].partition('"')[0]
    return reason


async def test_tokens_for_other_purposes_are_refused(keycloak: Keycloak, server: Server) -> None:
    """Valid tokens for another API, ID tokens, refresh tokens and access tokens of the old type are refused.

    The ID token has the audience of this API and differs from an access token by its type only.
    """
    tokens = await keycloak.login("portal")
    assert await server.status(tokens["access_token"]) == 200
    assert "mlgraph" in claims_of(tokens["id_token"])["aud"]
    assert await refused(server, tokens["id_token"]) == "invalid claim, typ"
    assert await refused(server, tokens["refresh_token"])
    elsewhere = (await keycloak.login("other-api"))["access_token"]
    assert (header_of(elsewhere)["typ"], claims_of(elsewhere)["aud"]) == ("at+jwt", "elsewhere")
    assert await refused(server, elsewhere) == "invalid claim, aud"
    old = (await keycloak.login("old-profile"))["access_token"]
    assert (header_of(old)["typ"], claims_of(old)["aud"]) == ("JWT", "mlgraph")
    assert await refused(server, old) == "invalid claim, typ"


async def test_changed_tokens_are_refused(keycloak: Keycloak, server: Server) -> None:
    """A token of Keycloak to which a scope was added after the signature is refused."""
    token: str = (await keycloak.login("portal"))["access_token"]
    header, _, signature = token.split(".")
    claims = json.dumps(claims_of(token) | {"scope": "graph:read graph:write graph:admin"})
    more = base64.urlsafe_b64encode(claims.encode()).rstrip(b"=").decode()
    assert await refused(server, f"{header}.{more}.{signature}") == "bad signature"


async def signed_in(server: Server, login: httpx2.AsyncClient) -> dict[str, Any]:
    """Sign ada in through the page of Keycloak, which is open in the browser ``login``; return the session."""
    begun = await server.http.get("/sign-in", params={"return": "/x"})
    page = await login.get(begun.headers["location"])
    action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
    assert action is not None, page.text
    typed = {"username": "ada", "password": PASSWORD, "credentialId": ""}
    agreed = await login.post(html.unescape(action[1]), data=typed)
    assert agreed.status_code == 302, agreed.text
    returned = await server.http.get(agreed.headers["location"])
    assert (returned.status_code, returned.headers["location"]) == (302, "/x"), returned.text
    state: dict[str, Any] = (await server.http.get("/session")).json()
    return state


async def test_a_person_signs_in_by_a_browser(keycloak: Keycloak, server: Server) -> None:
    """Code, PKCE, ID token, refresh, revocation and the end of the session, with the pages of a real Keycloak.

    Access tokens of this client are valid for less than a minute, so that each request refreshes them.
    """
    # A browser takes loopback for secure, and sends the secure cookies of Keycloak to it.
    jar = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))
    async with httpx2.AsyncClient(timeout=60, trust_env=False, cookies=jar) as login:
        state = await signed_in(server, login)
        assert (state["signedIn"], state["name"]) == (True, "Ada Lovelace")
        csrf = {"X-CSRF-Token": state["csrf"]}
        kept = dict(server.http.cookies)
        response = await server.http.post("/graphql", json={"query": VIEWER}, headers=csrf)
        viewer = response.json()["data"]["viewer"]
        assert (viewer["kind"], viewer["roles"]) == ("PERSON", ["engineer"])
        assert viewer["scopes"] == ["graph:read", "graph:write"]
        assert dict(server.http.cookies) != kept
        ended = (await server.http.post("/sign-out", headers=csrf)).json()
        assert ended["next"].startswith(f"{keycloak.issuer}/protocol/openid-connect/logout?id_token_hint=")
        server.http.cookies.update(kept)
        assert (await server.http.post("/graphql", json={"query": VIEWER}, headers=csrf)).status_code == 401
        left = await login.get(ended["next"])
        assert (left.status_code, left.headers["location"]) == (302, f"{PUBLIC}{start_path(Settings.from_env())}")
        begun = await server.http.get("/sign-in")
        again = await login.get(begun.headers["location"])
        assert (again.status_code, "password" in again.text) == (200, True)


async def test_a_rotation_of_keys_is_followed(keycloak: Keycloak, server: Server) -> None:
    """Tokens of a new signing key are accepted; those of a removed key are refused after the next read of the keys.

    The server reads the keys every ten seconds at most, so the test waits for both.
    """
    old: str = (await keycloak.login("portal"))["access_token"]
    assert await server.status(old) == 200
    component = await keycloak.add_key("next", priority=200)
    new: str = (await keycloak.login("portal"))["access_token"]
    assert header_of(new)["kid"] != header_of(old)["kid"]

    async def new_is_known() -> bool:
        return await server.status(new) == 200

    await until(new_is_known)
    assert await server.status(old) == 200
    await keycloak.remove_signing_keys(but=component)
    newest_component = await keycloak.add_key("newest", priority=300)
    newest: str = (await keycloak.login("portal"))["access_token"]

    async def newest_is_known() -> bool:
        return await server.status(newest) == 200

    await until(newest_is_known)
    assert newest_component != component
    assert await server.status(new) == 200
    assert await refused(server, old)
