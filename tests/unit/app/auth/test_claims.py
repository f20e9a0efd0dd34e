"""The claims of a token as the identity of its caller, under the default names and under those of a claim map."""

from typing import Any

import pytest
from support.servers.issuer import Clock, LiveIssuer, authenticator, trusting

from app.auth.issuers import ClaimMap
from policies.principal import Principal, PrincipalKind


@pytest.fixture
def live() -> LiveIssuer:
    """Return an issuer with a clock that the test advances."""
    return LiveIssuer(Clock())


async def principal(live: LiveIssuer, token: str, **config: Any) -> Principal:
    """Return the principal of a token; ``config`` configures the issuer."""
    async with authenticator([trusting(live, **config)]) as auth:
        return await auth.authenticate(f"Bearer {token}")


async def test_keycloak_claims_are_read_by_default(live: LiveIssuer) -> None:
    """The default claim map reads `azp` and nested roles, and drops roles that roles.toml does not declare."""
    token = live.mint(
        client_id=...,
        azp="portal",
        roles=...,
        realm_access={"roles": ["auditor", "offline_access"]},
        scope="openid profile graph:read",
        preferred_username="ada.l",
    )
    caller = await principal(live, token)
    assert caller == Principal(
        subject="ada",
        kind=PrincipalKind.PERSON,
        tenant="acme",
        display_name="ada.l",
        teams=frozenset({"mlg://team/catalog/default/ranking"}),
        roles=frozenset({"auditor"}),
        scopes=frozenset({"graph:read"}),
        expires_at=int(live.clock.epoch) + 600,
    )


async def test_a_configured_claim_map_is_used(live: LiveIssuer) -> None:
    """Claims are read under the configured names only, nested names and URLs included."""
    claims = ClaimMap(
        client=("cid",),
        scopes=("scp",),
        groups=("https://acme.example/groups",),
        roles=("access.graph.roles",),
        tenant=("org.id",),
    )
    token = live.mint(
        client_id=...,
        cid="portal",
        scope=...,
        scp=["graph:read", "other"],
        groups=["admins"],
        roles=["admin"],
        org={"id": "acme"},
        access={"graph": {"roles": ["reader"]}},
        **{"https://acme.example/groups": ["Köln/Ads"]},
    )
    caller = await principal(live, token, claims=claims)
    assert caller.teams == {"mlg://team/catalog/default/K%C3%B6ln%2FAds"}
    assert (caller.roles, caller.scopes, caller.tenant) == (frozenset({"reader"}), frozenset({"graph:read"}), "acme")


async def test_a_client_as_subject_is_a_service_account(live: LiveIssuer) -> None:
    """A token whose subject is its client is a service account (RFC 9068 section 2.2), as is one with the kind."""
    assert (await principal(live, live.mint(sub="portal"))).kind is PrincipalKind.SERVICE_ACCOUNT
    assert (await principal(live, live.mint(principal_kind="SERVICE_ACCOUNT"))).kind is PrincipalKind.SERVICE_ACCOUNT
