"""Several issuers with their own audience, tenant, teams and subjects, and the setting MLG_ISSUERS."""

import json
from typing import Any

import pytest
from support.servers.issuer import (
    AUDIENCE,
    RSA,
    URL,
    Clock,
    LiveIssuer,
    authenticator,
    no_closure,
    principal_of,
    trusting,
)

from app.auth.authenticator import build_authenticator
from app.auth.errors import AuthError
from app.auth.issuers import ALGORITHMS, ClaimMap, Issuer, read_issuers
from app.settings import Settings
from policies.errors import ConfigurationError

PARTNER = "https://partner.example"


@pytest.fixture
def clock() -> Clock:
    """Return one clock for all issuers of a test."""
    return Clock()


async def test_two_issuers_are_distinguished(clock: Clock) -> None:
    """The same subject and group of two issuers become two subjects and two teams, in two tenants."""
    ours, partner = LiveIssuer(clock), LiveIssuer(clock, url=PARTNER, keys=[RSA])
    config = {"subject_prefix": "partner:", "audience": "graph", "tenant": "other", "team_namespace": "Partner & Co"}
    async with authenticator([trusting(ours), trusting(partner, **config)]) as auth:
        one = await auth.authenticate(f"Bearer {ours.mint()}")
        two = await auth.authenticate(f"Bearer {partner.mint(RSA, aud='graph')}")
    assert (one.subject, one.tenant, one.teams) == ("ada", "acme", frozenset({"mlg://team/catalog/default/ranking"}))
    assert (two.subject, two.tenant) == ("partner:ada", "other")
    assert two.teams == {"mlg://team/catalog/Partner%20%26%20Co/ranking"}


async def test_an_issuer_cannot_impersonate_another(clock: Clock) -> None:
    """A token with the name of another issuer than that of its key is refused, and so is one for its audience."""
    ours, partner = LiveIssuer(clock), LiveIssuer(clock, url=PARTNER, keys=[RSA])
    ours.keys = [key for key in ours.keys if key.kid != "rsa"]
    trusted = [trusting(ours), trusting(partner, subject_prefix="p:", audience="graph")]
    async with authenticator(trusted) as auth:
        for token in (partner.mint(RSA, iss=URL), ours.mint(iss=PARTNER, aud="graph"), ours.mint(aud="graph")):
            with pytest.raises(AuthError) as caught:
                await auth.authenticate(f"Bearer {token}")
            assert caught.value.status == 401


@pytest.mark.parametrize("prefix", ["", "p"])
async def test_no_subject_has_the_prefix_of_another_issuer(clock: Clock, prefix: str) -> None:
    """With the prefixes "" or "p", and "p:", the first issuer names no caller of the second one, and any other."""
    ours, partner = LiveIssuer(clock), LiveIssuer(clock, url=PARTNER, keys=[RSA])
    trusted = [trusting(ours, subject_prefix=prefix), trusting(partner, subject_prefix="p:")]
    async with authenticator(trusted) as auth:
        with pytest.raises(AuthError, match="prefix of another issuer") as caught:
            await auth.authenticate(f"Bearer {ours.mint(sub='p:ada'.removeprefix(prefix))}")
        assert caught.value.status == 401
        assert (await auth.authenticate(f"Bearer {ours.mint(sub='ada')}")).subject == f"{prefix}ada"
        assert (await auth.authenticate(f"Bearer {partner.mint(RSA, sub='p:ada')}")).subject == "p:p:ada"


async def test_an_unavailable_issuer_does_not_affect_others(clock: Clock) -> None:
    """With one issuer down, tokens of the other are accepted: each issuer has its own key cache."""
    ours, partner = LiveIssuer(clock), LiveIssuer(clock, url=PARTNER, keys=[RSA], down=True)
    async with authenticator([trusting(ours), trusting(partner, subject_prefix="p:")]) as auth:
        assert (await auth.authenticate(f"Bearer {ours.mint()}")).subject == "ada"
        with pytest.raises(AuthError) as caught:
            await auth.authenticate(f"Bearer {partner.mint(RSA)}")
    assert caught.value.status == 503


@pytest.mark.parametrize("tenants", [["other"], ["third", "other"], ["*"]], ids=str)
async def test_an_issuer_serves_its_configured_tenants(clock: Clock, tenants: list[str]) -> None:
    """The tenant claim of a token is used if the configuration of its issuer lists the tenant."""
    live = LiveIssuer(clock)
    assert (await principal_of(live, live.mint(tenant="other"), tenants=frozenset(tenants))).tenant == "other"


@pytest.mark.parametrize("tenants", [[], ["third"], ["oth"]], ids=str)
async def test_an_issuer_serves_no_other_tenant(clock: Clock, tenants: list[str]) -> None:
    """A token for a tenant that its issuer does not list is refused, not assigned to another tenant."""
    live = LiveIssuer(clock)
    with pytest.raises(AuthError) as caught:
        await principal_of(live, live.mint(tenant="other"), tenants=frozenset(tenants))
    assert caught.value.status == 401


def test_the_setting_is_read() -> None:
    """An entry has its own audience, algorithms, claims and tenant, or the defaults of the server."""
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
def test_plain_http_needs_loopback_or_a_flag(entry: dict[str, Any]) -> None:
    """An issuer without https is on loopback, or its entry sets ``allow_http``."""
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
    [{"issuer": "https://:b@issuer.example"}],
    [{"issuer": "https://[x"}],
    [{"issuer": "https://issuer.example:port"}],
    [{"issuer": URL, "audience": ""}],
    [{"issuer": URL, "algorithms": ["HS256"]}],
    [{"issuer": URL, "algorithms": ["none"]}],
    [{"issuer": URL, "algorithms": []}],
    [{"issuer": URL, "claims": {"grops": "groups"}}],
    [{"issuer": URL, "claims": {"groups": 5}}],
    [{"issuer": URL, "allow_http": "yes"}],
    [{"issuer": URL, "audiance": "x"}],
    [{"issuer": URL, "team_source": ""}],
    [{"issuer": URL, "team_source": "x" * 600}],
    [{"issuer": URL, "team_namespace": "x" * 600}],
    [{"issuer": URL}, {"issuer": URL, "subject_prefix": "b:"}],
    [{"issuer": URL}, {"issuer": PARTNER}],
]


@pytest.mark.parametrize("value", BAD_SETTINGS, ids=str)
def test_an_invalid_setting_stops_the_start(value: object) -> None:
    """A fault in MLG_ISSUERS stops the start, and the message names the setting."""
    text = value if isinstance(value, str) else json.dumps(value)
    settings = Settings.from_env({"MLG_ENV": "production", "MLG_ISSUERS": text})
    with pytest.raises(ConfigurationError, match="MLG_ISSUERS"):
        build_authenticator(settings, no_closure)
