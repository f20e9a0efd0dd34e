"""Scopes are upper limits: no role and no rule replaces a scope that the token lacks."""

import json
from typing import Any

import pytest
from support.servers.app_without_store import AppFactory, AppWithoutStore
from support.servers.in_process import REGISTER
from support.servers.issuer import METADATA, Clock, LiveIssuer, authenticator, trusting

WRITE = json.dumps({"query": REGISTER, "variables": {"input": {"items": [{"team": {"name": "ranking"}}]}}}).encode()
NOT_READ = ["", "graph:write", "graph:write graph:admin", "Graph:Read", "graph:read2", "graph", "openid graph:*"]
NOT_WRITE = ["graph:read", "graph:read graph:admin", "graph:read Graph:Write", "graph:read graph:writer"]


@pytest.fixture
def issuer() -> LiveIssuer:
    """Return an issuer with a stopped clock."""
    return LiveIssuer(Clock())


@pytest.fixture
def gateway(issuer: LiveIssuer) -> AppWithoutStore:
    """Return the whole application without a store: a request that gets past the middleware fails with INTERNAL."""
    return AppFactory().open(authenticator([trusting(issuer)]))


def administrator(issuer: LiveIssuer, scope: str) -> str:
    """Mint a token of a caller whom every rule permits."""
    return issuer.mint(sub="root", groups=["platform"], roles=["admin", "engineer"], scope=scope)


@pytest.mark.parametrize("scope", NOT_READ)
async def test_without_graph_read_every_request_is_refused(
    issuer: LiveIssuer, gateway: AppWithoutStore, scope: str
) -> None:
    """Without graph:read, reads and writes get 403, and the header names the required scope as in RFC 6750."""
    for body in (b'{"query":"{ __typename }"}', WRITE):
        response = await gateway.post(f"Bearer {administrator(issuer, scope)}", body=body)
        assert response.status == 403
        assert response.headers["www-authenticate"] == (
            f'Bearer error="insufficient_scope", scope="graph:read", resource_metadata="{METADATA}"'
        )
        assert response.json["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("scope", NOT_WRITE)
async def test_without_graph_write_every_mutation_is_refused(
    issuer: LiveIssuer, gateway: AppWithoutStore, scope: str
) -> None:
    """A mutation without graph:write is refused before any store request, also for an admin.

    The error names the scope.
    """
    response = await gateway.post(f"Bearer {administrator(issuer, scope)}", body=WRITE)
    (error,) = response.json["errors"]
    extensions: dict[str, Any] = error["extensions"]
    assert response.json["data"] is None
    assert response.status == 403
    assert response.headers["www-authenticate"] == (
        f'Bearer error="insufficient_scope", scope="graph:write", resource_metadata="{METADATA}"'
    )
    assert (extensions["code"], extensions["scope"]) == ("FORBIDDEN", "graph:write")


async def test_with_graph_write_the_request_proceeds(issuer: LiveIssuer, gateway: AppWithoutStore) -> None:
    """With graph:write the same request gets as far as the missing store, so only the scope was missing."""
    response = await gateway.post(f"Bearer {administrator(issuer, 'graph:read graph:write')}", body=WRITE)
    assert [error["extensions"]["code"] for error in response.json["errors"]] == ["INTERNAL"]


async def test_the_challenge_names_the_metadata_document(gateway: AppWithoutStore) -> None:
    """The challenge names the metadata document and no error.

    Sources: RFC 6750 section 3.1 and RFC 9728 section 5.1.
    """
    response = await gateway.post()
    assert (response.status, response.headers["www-authenticate"]) == (
        401,
        f'Bearer resource_metadata="{METADATA}"',
    )


async def test_unreachable_keys_are_503_without_a_challenge(issuer: LiveIssuer, gateway: AppWithoutStore) -> None:
    """While the keys of the issuer are unreachable, a good and a forged token get the same 503 with Retry-After."""
    issuer.down = True
    for token in (issuer.mint(), issuer.mint(sub="root")[:-8] + "AAAAAAAA"):
        response = await gateway.bearer(token)
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert "www-authenticate" not in response.headers
        assert response.json["errors"][0]["extensions"]["code"] == "KEYS_UNAVAILABLE"
