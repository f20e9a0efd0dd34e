"""Several issuers: each with its own audience, algorithms, claims, teams and subjects, and none in another's name."""

import json
from typing import Any

import pytest
from support.servers.issuer import AUDIENCE, RSA, URL, Clock, LiveIssuer, authenticator, no_closure, trusting

from app.auth.authenticator import build_authenticator
from app.auth.errors import AuthError
from app.auth.issuers import ALGORITHMS, ClaimMap, Issuer, read_issuers
from app.settings import Settings
from policies.errors import ConfigurationError
from policies.principal import Principal, PrincipalKind

PARTNER = "https://partner.example"


@pytest.fixture
def clock() -> Clock:
    """Return one clock for all issuers of a test."""
    return Clock()


async def principal(live: LiveIssuer, token: str, **config: Any) -> Principal:
    """Return the principal that a token makes."""
    async with authenticator([trusting(live, **config)]) as door:
        return await door.authenticate(f"Bearer {token}")


async def test_two_issuers_are_told_apart(clock: Clock) -> None:
    """The same subject and group of two issuers are two people of two teams, in two tenants."""
    ours, partner = LiveIssuer(clock), LiveIssuer(clock, url=PARTNER, keys=[RSA])
    config = {"subject_prefix": "partner:", "audience": "graph", "tenant": "other", "team_namespace": "Partner & Co"}
    async with authenticator([trusting(ours), trusting(partner, **config)]) as door:
        one = await door.authenticate(f"Bearer {ours.mint()}")
        two = await door.authenticate(f"Bearer {partner.mint(RSA, aud='graph')}")
    assert (one.subject, one.tenant, one.teams) == ("ada", "acme", frozenset({"mlg://team/catalog/default/ranking"}))
    assert (two.subject, two.tenant) == ("partner:ada", "other")
    assert two.teams == {"mlg://team/catalog/Partner%20%26%20Co/ranking"}


async def test_an_issuer_cannot_speak_for_another(clock: Clock) -> None:
    """A token signed by one issuer's key in the other's name is refused, and so is one for the other's audience."""
    ours, partner = LiveIssuer(clock), LiveIssuer(clock, url=PARTNER, keys=[RSA])
    ours.keys = [key for key in ours.keys if key.kid != "rsa"]
    trusted = [trusting(ours), trusting(partner, subject_prefix="p:", audience="graph")]
    async with authenticator(trusted) as door:
        for token in (partner.mint(RSA, iss=URL), ours.mint(iss=PARTNER, aud="graph"), ours.mint(aud="graph")):
            with pytest.raises(AuthError) as caught:
                await door.authenticate(f"Bearer {token}")
            assert caught.value.status == 401


async def test_an_issuer_that_is_down_does_not_take_the_other_with_it(clock: Clock) -> None:
    """Each issuer has a key cache of its own."""
    ours, partner = LiveIssuer(clock), LiveIssuer(clock, url=PARTNER, keys=[RSA], down=True)
    async with authenticator([trusting(ours), trusting(partner, subject_prefix="p:")]) as door:
        assert (await door.authenticate(f"Bearer {ours.mint()}")).subject == "ada"
        with pytest.raises(AuthError) as caught:
            await door.authenticate(f"Bearer {partner.mint(RSA)}")
    assert caught.value.status == 503


async def test_claims_of_a_keycloak_are_read(clock: Clock) -> None:
    """`azp` is a client, roles are nested, roles that nobody declared are dropped: the defaults read Keycloak."""
    live = LiveIssuer(clock)
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
        expires_at=int(clock.epoch) + 600,
    )


async def test_a_claim_map_of_our_own_is_followed(clock: Clock) -> None:
    """Claims with other names, nested ones and ones that are URLs are found where the map says, and only there."""
    live = LiveIssuer(clock)
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


async def test_who_is_its_own_client_is_a_program(clock: Clock) -> None:
    """A client credentials token has the client as subject (RFC 9068 section 2.2)."""
    live = LiveIssuer(clock)
    assert (await principal(live, live.mint(sub="portal"))).kind is PrincipalKind.SERVICE_ACCOUNT
    assert (await principal(live, live.mint(principal_kind="SERVICE_ACCOUNT"))).kind is PrincipalKind.SERVICE_ACCOUNT


@pytest.mark.parametrize("tenants", [["other"], ["third", "other"], ["*"]], ids=str)
async def test_an_issuer_speaks_for_the_tenants_it_may(clock: Clock, tenants: list[str]) -> None:
    """A tenant claim counts where the configuration lets this issuer speak for that tenant."""
    live = LiveIssuer(clock)
    assert (await principal(live, live.mint(tenant="other"), tenants=frozenset(tenants))).tenant == "other"


@pytest.mark.parametrize("tenants", [[], ["third"], ["oth"]], ids=str)
async def test_an_issuer_speaks_for_no_other_tenant(clock: Clock, tenants: list[str]) -> None:
    """Without that, a token for the tenant is refused, not moved to another one."""
    live = LiveIssuer(clock)
    with pytest.raises(AuthError) as caught:
        await principal(live, live.mint(tenant="other"), tenants=frozenset(tenants))
    assert caught.value.status == 401


def test_the_setting_is_read() -> None:
    """One entry names its issuer; the rest is the server's audience and tenant, or what the entry says."""
    entries = [
        {"issuer": URL},
        {"issuer": PARTNER, "audience": "g", "algorithms": ["ES256"], "claims": {"groups": "teams"}, "tenant": "other"},
    ]
    ours, partner = read_issuers(json.dumps(entries), audience=AUDIENCE, tenant="acme")
    assert ours == Issuer(url=URL, audience=AUDIENCE, tenant="acme", algorithms=ALGORITHMS)
    assert (partner.audience, partner.algorithms, partner.tenant) == ("g", frozenset({"ES256"}), "other")
    assert partner.claims == ClaimMap(groups=("teams",))


@pytest.mark.parametrize(
    "entry",
    [
        {"issuer": "http://127.0.0.1:8080/realms/acme"},
        {"issuer": "http://localhost:8080"},
        {"issuer": "http://[::1]:8080"},
        {"issuer": "http://login.internal", "allow_http": True},
    ],
    ids=str,
)
def test_plain_http_is_for_this_machine_or_asked_for(entry: dict[str, Any]) -> None:
    """Without https an issuer is on this machine, or its entry says that the network is closed."""
    (issuer,) = read_issuers(json.dumps([entry]), audience=AUDIENCE, tenant="acme")
    assert issuer.url == entry["issuer"]


BAD_SETTINGS = [
    "nonsense",
    "{}",
    "[5]",
    [{}],
    [{"issuer": 5}],
    [{"issuer": ""}],
    [{"issuer": "issuer.example"}],
    [{"issuer": "http://issuer.example"}],
    [{"issuer": "http://localhost.issuer.example"}],
    [{"issuer": "http://127.0.0.1.issuer.example"}],
    [{"issuer": "http://127.0.0.1@issuer.example"}],
    [{"issuer": "http://0.0.0.0"}],
    [{"issuer": "http://10.0.0.1", "allow_http": False}],
    [{"issuer": "ftp://127.0.0.1"}],
    [{"issuer": "https://issuer.example?x=1"}],
    [{"issuer": "https://a:b@issuer.example"}],
    [{"issuer": URL, "audience": ""}],
    [{"issuer": URL, "algorithms": ["HS256"]}],
    [{"issuer": URL, "algorithms": ["none"]}],
    [{"issuer": URL, "algorithms": []}],
    [{"issuer": URL, "claims": {"grops": "groups"}}],
    [{"issuer": URL, "claims": {"groups": 5}}],
    [{"issuer": URL, "allow_http": "yes"}],
    [{"issuer": URL, "audiance": "x"}],
    [{"issuer": URL}, {"issuer": URL, "subject_prefix": "b:"}],
    [{"issuer": URL}, {"issuer": PARTNER}],
]


@pytest.mark.parametrize("value", BAD_SETTINGS, ids=str)
def test_a_setting_that_does_not_fit_stops_the_start(value: object) -> None:
    """Mistakes in MLG_ISSUERS are found at start-up, and the message names the key."""
    text = value if isinstance(value, str) else json.dumps(value)
    settings = Settings.from_env({"MLG_ENV": "production", "MLG_ISSUERS": text})
    with pytest.raises(ConfigurationError, match="MLG_ISSUERS"):
        build_authenticator(settings, no_closure)
