"""Authentication: from the header to the caller, and every error with its status and code."""

import pytest
from support.servers.issuer import (
    EC,
    STRANGER,
    Clock,
    LiveIssuer,
    authenticator,
    no_closure,
    principal_of,
    trusting,
)

from app.auth.authenticator import Authenticator, build_authenticator
from app.auth.errors import AuthError, UnavailableError
from app.settings import Settings
from policies.errors import Code, CodedError, ConfigurationError
from policies.principal import Principal, PrincipalKind, Scope


async def refusal(auth: Authenticator, header: str | None, scope: Scope | None = None) -> tuple[int, str]:
    """Return status and code of a request that is refused."""
    with pytest.raises(AuthError) as error:
        await auth.authenticate(header, scope)
    return error.value.status, error.value.code.value


async def test_the_caller_is_made_from_the_claims(issuer: LiveIssuer) -> None:
    """Groups become team URNs of the issuer's source, and the tenant is that of the issuer."""
    token = issuer.mint(groups=["ranking", "Search Team"], name="Ada")
    found = await principal_of(issuer, token, team_source="okta", team_namespace="people")
    assert found.teams == {"mlg://team/okta/people/ranking", "mlg://team/okta/people/Search%20Team"}
    assert (found.subject, found.tenant, found.kind) == ("ada", "acme", PrincipalKind.PERSON)
    assert found.roles == {"engineer"}
    assert found.scopes == {"graph:read", "graph:write"}
    assert found.expires_at == int(issuer.clock.epoch) + 600


async def test_teams_above_those_of_the_token_are_added(issuer: LiveIssuer) -> None:
    """The rights of a caller include those of every parent team, in the tenant of the caller."""
    asked: list[tuple[str, frozenset[str]]] = []

    async def closure(tenant: str, teams: frozenset[str]) -> frozenset[str]:
        asked.append((tenant, teams))
        return teams | {"mlg://team/catalog/default/engineering"}

    async with authenticator([trusting(issuer)], closure) as auth:
        found = await auth.authenticate(f"Bearer {issuer.mint()}")
    own = "mlg://team/catalog/default/ranking"
    assert found.teams == {own, "mlg://team/catalog/default/engineering"}
    assert asked == [("acme", frozenset({own}))]


async def test_refusals_have_a_status_and_a_code(auth: Authenticator, issuer: LiveIssuer) -> None:
    """Without a token, with a wrong one, of a stranger and of another issuer, the caller is not authenticated."""
    assert await refusal(auth, None) == (401, "UNAUTHENTICATED")
    assert await refusal(auth, "Basic YTpi") == (401, "UNAUTHENTICATED")
    assert await refusal(auth, "Bearer x.y.z") == (401, "UNAUTHENTICATED")
    assert await refusal(auth, f"Bearer {issuer.mint(STRANGER)}") == (401, "UNAUTHENTICATED")
    other = LiveIssuer(Clock(), "https://other.example").mint()
    assert await refusal(auth, f"Bearer {other}") == (401, "UNAUTHENTICATED")
    await auth.aclose()


async def test_a_scope_is_required_only_if_given(auth: Authenticator, issuer: LiveIssuer) -> None:
    """A valid token without the scope is forbidden; a token with it, or a call without a scope, is accepted."""
    header = f"Bearer {issuer.mint(scope='graph:read')}"
    assert await refusal(auth, header, Scope.WRITE) == (403, "FORBIDDEN")
    callers: list[Principal] = [await auth.authenticate(header, scope) for scope in (Scope.READ, None)]
    assert [caller.scopes for caller in callers] == [{"graph:read"}, {"graph:read"}]
    await auth.aclose()


async def test_break_glass_without_its_scope_is_refused(auth: Authenticator, issuer: LiveIssuer) -> None:
    """A token that states a reason for emergency access and lacks the scope is invalid as a whole."""
    token = issuer.mint(break_glass="an outage")
    caller = await auth.authenticate(f"Bearer {token}")
    assert caller.break_glass is None
    wanting = issuer.mint(scope="graph:read graph:break-glass")
    assert await refusal(auth, f"Bearer {wanting}") == (401, "UNAUTHENTICATED")
    await auth.aclose()


async def test_teams_that_cannot_be_read_are_no_refusal(issuer: LiveIssuer) -> None:
    """A failing store is 503 with its own code, message and reason; an error of authentication passes unchanged."""

    async def broken(_tenant: str, _teams: frozenset[str]) -> frozenset[str]:
        raise CodedError("The store is away.", Code.STORE_UNAVAILABLE, reason="UNREACHABLE")

    async def expired(_tenant: str, _teams: frozenset[str]) -> frozenset[str]:
        raise UnavailableError("Wait.", retry_after=99)

    async with authenticator([trusting(issuer)], broken) as auth:
        with pytest.raises(UnavailableError, match=r"The caller's teams cannot be read: The store is away\.") as error:
            await auth.authenticate(f"Bearer {issuer.mint()}")
    assert (error.value.status, error.value.code) == (503, Code.STORE_UNAVAILABLE)
    assert error.value.extensions == {"reason": "UNREACHABLE"}
    async with authenticator([trusting(issuer)], expired) as auth:
        with pytest.raises(UnavailableError) as passed:
            await auth.authenticate(f"Bearer {issuer.mint()}")
    assert passed.value.headers == {"Retry-After": "99"}


async def test_the_issuer_of_the_token_selects_the_keys() -> None:
    """Two issuers with the same key id do not vouch for each other: each token needs the keys of its own issuer."""
    clock = Clock()
    one, two = LiveIssuer(clock, keys=[EC]), LiveIssuer(clock, "https://two.example", keys=[STRANGER])
    async with authenticator([trusting(one), trusting(two, tenant="beta")]) as auth:
        assert (await auth.authenticate(f"Bearer {two.mint(STRANGER)}")).tenant == "beta"
        assert await refusal(auth, f"Bearer {two.mint(EC)}") == (401, "UNAUTHENTICATED")
        assert (await auth.authenticate(f"Bearer {one.mint(EC)}")).tenant == "acme"


def test_a_server_without_issuers_does_not_start() -> None:
    """Every request would be refused, so the process does not start, and the message names the setting."""
    with pytest.raises(ConfigurationError, match=r"MLG_ISSUERS lists no issuer.*docs/identity.md"):
        build_authenticator(Settings.from_env({"MLG_ENV": "production"}), no_closure)
