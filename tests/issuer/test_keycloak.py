"""A real authorization server in front of the whole API: Keycloak signs, we judge, and nobody stands in for either."""

import base64
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from issuer.keycloak import Keycloak, running_keycloak
from support.servers.in_process import REGISTER, open_api, process_over
from support.stores.janusgraph import StoreGraph
from support.waiting import until

from app.factory import create_app
from app.settings import Settings

pytestmark = pytest.mark.issuer

VIEWER = "{ viewer { subject kind displayName tenant teams { id } roles scopes expiresAt } }"
RANKING = "mlg://team/catalog/default/ranking"
PUBLIC = "https://graph.example"


def claims_of(token: str) -> dict[str, Any]:
    """Read what a token says, unverified: what Keycloak put there is what the answer is compared with."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def header_of(token: str) -> dict[str, Any]:
    """Read the header of a token, unverified."""
    return claims_of(f".{token.split('.', maxsplit=1)[0]}.")


@dataclass(frozen=True)
class Server:
    """Our API, which trusts Keycloak and nobody else."""

    http: httpx2.AsyncClient

    async def answer(self, token: str, query: str = VIEWER, **variables: Any) -> httpx2.Response:
        """Return the answer to one request with a token."""
        body = {"query": query, "variables": variables}
        return await self.http.post("/graphql", json=body, headers={"Authorization": f"Bearer {token}"})

    async def status(self, token: str) -> int:
        """Return the status that a token gets."""
        return (await self.answer(token)).status_code

    async def viewer(self, token: str) -> dict[str, Any]:
        """Return who we say the caller is."""
        answer = await self.answer(token)
        assert answer.status_code == 200, answer.text
        viewer: dict[str, Any] = answer.json()["data"]["viewer"]
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
    """Run the production profile over a real graph; the issuer's name and audience are all that it is told."""
    async with open_api(module_graph, tmp_path_factory.mktemp("seed")) as seeding:
        await seeding.load({"team": {"name": "ranking"}}, {"team": {"name": "ads"}})
    settings = Settings.from_env(
        {
            "MLG_ENV": "production",
            "MLG_ISSUERS": json.dumps([{"issuer": keycloak.issuer}]),
            "MLG_PUBLIC_URL": PUBLIC,
            "MLG_SECRET": secrets.token_hex(32),
            "MLG_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        }
    )
    app = create_app(process_over(settings, module_graph))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC, timeout=60) as http:
            yield Server(http)


async def test_a_person_is_who_keycloak_says(keycloak: Keycloak, server: Server) -> None:
    """A person's token is taken as it comes, writes for its team alone, and each fact is Keycloak's."""
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
    registered = (await server.answer(token, REGISTER, input={"items": items})).json()["data"]["registerAssets"]
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
    """A client's own token makes a program of the client's team, with the scopes it asked for and its own role."""
    token: str = (await keycloak.service_account())["access_token"]
    viewer = await server.viewer(token)
    assert (viewer["subject"], viewer["kind"]) == (claims_of(token)["sub"], "SERVICE_ACCOUNT")
    assert (viewer["roles"], viewer["scopes"]) == (["automation"], ["graph:read", "graph:write"])


async def test_scopes_are_what_was_asked_for(keycloak: Keycloak, server: Server) -> None:
    """Who did not ask for graph:write does not have it, and cannot write."""
    token: str = (await keycloak.login("portal"))["access_token"]
    assert (await server.viewer(token))["scopes"] == ["graph:read"]
    refused = await server.answer(token, REGISTER, input={"items": [{"team": {"name": "ads"}}]})
    assert [error["extensions"]["code"] for error in refused.json()["errors"]] == ["FORBIDDEN"]


async def refused(server: Server, token: str) -> str:
    """Return why a token is refused, after the answer was found to be a whole 401."""
    answer = await server.answer(token)
    assert answer.status_code == 401, answer.text
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    challenge = answer.headers["www-authenticate"]
    assert challenge.endswith(f'resource_metadata="{PUBLIC}/.well-known/oauth-protected-resource"')
    reason: str = challenge.partition('error_description="')[2].partition('"')[0]
    return reason


async def test_what_is_for_others_is_refused(keycloak: Keycloak, server: Server) -> None:
    """A token for another API, an ID token, a refresh token and one of the old type do not come in, good as they are.

    The ID token even names our audience: its type is what gives it away.
    """
    whole = await keycloak.login("portal")
    assert await server.status(whole["access_token"]) == 200
    assert "mlgraph" in claims_of(whole["id_token"])["aud"]
    assert await refused(server, whole["id_token"]) == "invalid claim, typ"
    assert await refused(server, whole["refresh_token"])
    elsewhere = (await keycloak.login("other-api"))["access_token"]
    assert (header_of(elsewhere)["typ"], claims_of(elsewhere)["aud"]) == ("at+jwt", "elsewhere")
    assert await refused(server, elsewhere) == "invalid claim, aud"
    old = (await keycloak.login("old-profile"))["access_token"]
    assert (header_of(old)["typ"], claims_of(old)["aud"]) == ("JWT", "mlgraph")
    assert await refused(server, old) == "invalid claim, typ"


async def test_changed_tokens_are_refused(keycloak: Keycloak, server: Server) -> None:
    """A token of Keycloak's with more scopes than it signed is nobody's."""
    token: str = (await keycloak.login("portal"))["access_token"]
    header, _, signature = token.split(".")
    claims = json.dumps(claims_of(token) | {"scope": "graph:read graph:write graph:admin"})
    more = base64.urlsafe_b64encode(claims.encode()).rstrip(b"=").decode()
    assert await refused(server, f"{header}.{more}.{signature}") == "bad signature"


async def test_a_rotation_is_followed(keycloak: Keycloak, server: Server) -> None:
    """A new signing key is found at its first token; once the old one is gone and keys are read anew, it opens nothing.

    New keys are looked for every ten seconds at most, so both are waited for.
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
