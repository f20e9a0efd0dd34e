"""Claims: the identity of a caller from a validated token, by the claim map of the issuer (docs/identity.md)."""

from typing import Any

import pytest
from joserfc.errors import InvalidClaimError
from support.servers.issuer import Clock, LiveIssuer, principal_of

from app.auth.break_glass import BreakGlassError
from app.auth.claims import Identity, first_present, read_identity
from app.auth.issuers import ClaimMap, Issuer
from policies.principal import Principal, PrincipalKind

ISSUER = Issuer("https://login.example.com", "graph", "acme", tenants=frozenset({"beta"}))
TOKEN: dict[str, Any] = {"sub": "ada", "client_id": "explorer", "exp": 1_000, "iat": 100}
REASON = "incident 4711: the ranking model sends nonsense"


def identity(issuer: Issuer = ISSUER, **claims: Any) -> Identity:
    """Return the identity of a token with these claims."""
    return read_identity({**TOKEN, **claims}, issuer)


def test_a_token_without_optional_claims_is_a_person_of_the_issuers_tenant() -> None:
    """Without groups, roles, scopes or a name there are none; the subject is the claim ``sub``."""
    assert identity() == Identity(
        subject="ada",
        kind=PrincipalKind.PERSON,
        tenant="acme",
        display_name=None,
        groups=frozenset(),
        roles=frozenset(),
        scopes=frozenset(),
        expires_at=1_000,
        break_glass=None,
    )


def test_groups_roles_and_scopes_are_sets_of_words() -> None:
    """Scopes are separated by spaces or in a list, and unknown ones are dropped; groups and roles are lists."""
    found = identity(scope="graph:read openid graph:write", groups=["ads", "search"], roles=["engineer"])
    assert found.scopes == {"graph:read", "graph:write"}
    assert found.groups == {"ads", "search"}
    assert found.roles == {"engineer"}
    assert identity(scope=["graph:read"]).scopes == {"graph:read"}


@pytest.mark.parametrize(
    ("claims", "claim"),
    [
        ({"groups": "ads"}, "groups"),
        ({"groups": ["ads", ""]}, "groups"),
        ({"groups": ["ads", 1]}, "groups"),
        ({"groups": None}, "groups"),
        ({"roles": {"a": 1}}, "roles"),
        ({"roles": "engineer"}, "roles"),
        ({"scope": 1}, "scope"),
        ({"scope": [None]}, "scope"),
        ({"tenant": "gamma"}, "tenant"),
        ({"tenant": ["acme"]}, "tenant"),
        ({"tenant": None}, "tenant"),
        ({"principal_kind": "ROBOT"}, "principal_kind"),
        ({"principal_kind": ["PERSON"]}, "principal_kind"),
    ],
)
def test_a_claim_of_another_type_or_value_is_refused(claims: dict[str, Any], claim: str) -> None:
    """A token that is misread could give too many rights, so it is no token at all; the error names the claim."""
    with pytest.raises(InvalidClaimError) as refused:
        identity(**claims)
    assert refused.value.claim == claim


def test_a_program_that_is_its_own_client_is_a_service_account() -> None:
    """RFC 9068 section 2.2: the subject of a client's own token is the client; a claim may give another kind."""
    assert identity(sub="ci", client_id="ci").kind is PrincipalKind.SERVICE_ACCOUNT
    assert identity(sub="ci", client_id="ci", principal_kind="PERSON").kind is PrincipalKind.PERSON
    assert identity(principal_kind="SERVICE_ACCOUNT").kind is PrincipalKind.SERVICE_ACCOUNT


@pytest.mark.parametrize(("name", "expected"), [("Ada", "Ada"), ("", ""), ("a\nb", None), (7, None), (None, None)])
def test_a_display_name_is_printable_text(name: object, expected: str | None) -> None:
    """A name with control characters could write lines of its own into a log; it is ignored."""
    assert identity(name=name).display_name == expected


def test_the_first_claim_that_is_present_counts() -> None:
    """A null claim is present, so the next name is not tried."""
    assert identity(name="Ada", preferred_username="ada").display_name == "Ada"
    assert identity(preferred_username="ada").display_name == "ada"
    assert identity(name=None, preferred_username="ada").display_name is None
    assert first_present({"b": 2, "c": 3}, ("a", "b", "c")) == 2
    assert first_present({"a": None}, ("a", "b")) is None
    assert first_present({}, ("a",)) is None


def test_a_claim_may_be_nested_or_have_dots_in_its_name() -> None:
    """A path leads through objects; a claim with exactly that name comes first, since many are URLs."""
    assert identity(realm_access={"roles": ["auditor"]}).roles == {"auditor"}
    assert identity(realm_access={"other": 1}).roles == identity(realm_access="x").roles == frozenset()
    assert first_present({"a.b": 1, "a": {"b": 2}}, ("a.b",)) == 1


def test_claims_have_the_names_of_the_issuer() -> None:
    """Each issuer has a claim map, and may put a prefix before its subjects, so that two issuers share none."""
    issuer = Issuer(
        "https://login.example.com",
        "graph",
        "acme",
        claims=ClaimMap(groups=("https://example.com/teams",), tenant=("org.id",)),
        subject_prefix="corp:",
        tenants=frozenset({"*"}),
    )
    found = identity(issuer, **{"https://example.com/teams": ["ads"], "groups": ["x"], "org": {"id": "any"}})
    assert (found.subject, found.tenant) == ("corp:ada", "any")
    assert found.groups == {"ads"}


@pytest.mark.parametrize(
    ("tenant", "accepted"),
    [("beta", True), ("a" * 64, True), ("a" * 65, False), ("", False), ("-a", False), ("a b", False), ("é", False)],
)
def test_a_tenant_is_a_short_name_that_the_issuer_may_use(tenant: str, *, accepted: bool) -> None:
    """The tenant becomes a part of stored identities, so its form is narrow."""
    issuer = Issuer("https://login.example.com", "graph", "acme", tenants=frozenset({"*"}))
    if accepted:
        assert identity(issuer, tenant=tenant).tenant == tenant
    else:
        with pytest.raises(InvalidClaimError):
            identity(issuer, tenant=tenant)


def test_break_glass_takes_the_scope_a_reason_and_an_hour() -> None:
    """The lifetime counts from ``iat`` to ``exp``; a reason without the scope has no effect."""
    scope = "graph:read graph:break-glass"
    assert identity(scope=scope, break_glass_reason=REASON, exp=3_700).break_glass == REASON
    assert identity(break_glass_reason=REASON).break_glass is None
    wrong: tuple[dict[str, Any], ...] = ({}, {"break_glass_reason": REASON, "exp": 3_701})
    for claims in wrong:
        with pytest.raises(BreakGlassError):
            identity(scope=scope, **claims)


@pytest.fixture
def live() -> LiveIssuer:
    """Return an issuer with a clock that the test advances."""
    return LiveIssuer(Clock())


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
    caller = await principal_of(live, token)
    assert caller == Principal(
        subject="ada",
        kind=PrincipalKind.PERSON,
        tenant="acme",
        display_name="ada.l",
        teams=frozenset({"mlg://team/catalog/default/ranking"}),
        token_teams=frozenset({"mlg://team/catalog/default/ranking"}),
        user="mlg://user/catalog/default/ada",
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
    caller = await principal_of(live, token, claims=claims)
    assert caller.teams == {"mlg://team/catalog/default/K%C3%B6ln%2FAds"}
    assert (caller.roles, caller.scopes, caller.tenant) == (frozenset({"reader"}), frozenset({"graph:read"}), "acme")
