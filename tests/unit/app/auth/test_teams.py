"""Groups of a token become teams, and teams are closed over PART_OF."""

import asyncio
import hashlib

import pytest
from support.servers.issuer import Clock, LiveIssuer, authenticator, trusting

from app.auth import teams
from app.auth.errors import AuthError
from app.auth.teams import TeamClosure
from policies.errors import Code, CodedError

RANKING = "mlg://team/catalog/default/ranking"
ML = "mlg://team/catalog/default/ml"


class PartOf:
    """Returns the teams above a team, as a graph would, and records the requests."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, frozenset[str]]] = []
        self.fails = False

    async def __call__(self, tenant: str, teams: frozenset[str]) -> frozenset[str]:
        """Return the teams above, without the given ones."""
        self.requests.append((tenant, teams))
        await asyncio.sleep(0)
        if self.fails:
            raise CodedError("The store does not answer. Try again.", Code.STORE_UNAVAILABLE)
        return frozenset({ML}) if tenant == "acme" else frozenset()


@pytest.mark.parametrize(
    ("group", "segment"),
    [
        ("ranking", "ranking"),
        ("a-b.c_d~e", "a-b.c_d~e"),
        ("Ads & Co", "Ads%20%26%20Co"),
        ("/parent/child", "%2Fparent%2Fchild"),
        ("100%", "100%25"),
        ("Köln", "K%C3%B6ln"),
        ("a@b:c+d", "a%40b%3Ac%2Bd"),
    ],
)
async def test_a_group_is_a_team(group: str, segment: str) -> None:
    """The URN of a team keeps the unreserved characters of RFC 3986 and escapes all others in upper-case hex."""
    live = LiveIssuer(Clock())
    async with authenticator([trusting(live)]) as auth:
        caller = await auth.authenticate(f"Bearer {live.mint(groups=[group])}")
    assert caller.teams == {f"mlg://team/catalog/default/{segment}"}


async def test_a_long_group_is_shortened_with_a_digest() -> None:
    """The URN has at most 512 bytes and ends with a digest of the full name, so two long groups are two teams."""
    live = LiveIssuer(Clock())
    async with authenticator([trusting(live)]) as auth:
        caller = await auth.authenticate(f"Bearer {live.mint(groups=['x' * 600, 'x' * 601])}")
    digests = {hashlib.sha256(f"mlg://team/catalog/default/{'x' * n}".encode()).hexdigest()[:16] for n in (600, 601)}
    assert {team.rpartition("~")[2] for team in caller.teams} == digests
    assert all(len(team) <= 512 for team in caller.teams)


async def test_teams_are_closed_for_the_tenant_of_the_token() -> None:
    """The principal has the teams of its token and those above, which are read in the tenant of the token."""
    live, part_of = LiveIssuer(Clock()), PartOf()
    async with authenticator([trusting(live, tenants=frozenset({"other"}))], part_of) as auth:
        assert (await auth.authenticate(f"Bearer {live.mint()}")).teams == {RANKING, ML}
        assert (await auth.authenticate(f"Bearer {live.mint(tenant='other')}")).teams == {RANKING}
    assert part_of.requests == [("acme", frozenset({RANKING})), ("other", frozenset({RANKING}))]


async def test_a_closure_is_cached_for_a_minute() -> None:
    """100 concurrent callers with equal teams cause one request; after 60 s the closure is requested again."""
    clock, part_of = Clock(), PartOf()
    close = TeamClosure(part_of, lambda: clock.monotonic)
    closures = await asyncio.gather(*(close("acme", frozenset({RANKING})) for _ in range(100)))
    assert set(closures) == {frozenset({RANKING, ML})}
    clock.advance(59)
    await close("acme", frozenset({RANKING}))
    assert len(part_of.requests) == 1
    clock.advance(1)
    await close("acme", frozenset({RANKING}))
    assert len(part_of.requests) == 2


async def test_an_ended_membership_has_no_effect_after_a_minute() -> None:
    """A team that is removed from a team above loses its rights within 60 s, with the same token and server."""
    clock, above = Clock(), {RANKING: ML}

    async def part_of(_tenant: str, teams: frozenset[str]) -> frozenset[str]:
        return frozenset(above[team] for team in teams if team in above)

    close = TeamClosure(part_of, lambda: clock.monotonic)
    mine = frozenset({RANKING})
    assert await close("acme", mine) == {RANKING, ML}
    above.clear()
    clock.advance(59.9)
    assert await close("acme", mine) == {RANKING, ML}
    clock.advance(0.1)
    assert await close("acme", mine) == {RANKING}
    above[RANKING] = ML
    clock.advance(60)
    assert await close("acme", mine) == {RANKING, ML}


async def test_requests_do_not_extend_the_cached_minute() -> None:
    """The 60 s begin with the read of the closure, not with its last use."""
    clock, above = Clock(), {RANKING: ML}

    async def part_of(_tenant: str, teams: frozenset[str]) -> frozenset[str]:
        return frozenset(above[team] for team in teams if team in above)

    close = TeamClosure(part_of, lambda: clock.monotonic)
    await close("acme", frozenset({RANKING}))
    above.clear()
    for _ in range(59):
        clock.advance(1)
        assert ML in await close("acme", frozenset({RANKING}))
    clock.advance(1)
    assert ML not in await close("acme", frozenset({RANKING}))


async def test_a_failed_closure_is_503_and_not_cached() -> None:
    """Without the store the status is 503 instead of fewer teams, and the next request reads the closure again."""
    live, part_of = LiveIssuer(Clock()), PartOf()
    async with authenticator([trusting(live)], part_of) as auth:
        part_of.fails = True
        with pytest.raises(AuthError) as caught:
            await auth.authenticate(f"Bearer {live.mint()}")
        assert (caught.value.status, caught.value.code) == (503, Code.STORE_UNAVAILABLE)
        assert "Retry-After" in caught.value.headers
        part_of.fails = False
        assert (await auth.authenticate(f"Bearer {live.mint()}")).teams == {RANKING, ML}


async def test_known_teams_are_used_while_the_store_is_unavailable() -> None:
    """For five minutes after it was read a closure replaces one that cannot be read; then the error is raised.

    It is read again every five seconds meanwhile, and its time does not begin anew by its use.
    """
    clock, part_of, mine = Clock(), PartOf(), frozenset({RANKING})
    close = TeamClosure(part_of, lambda: clock.monotonic)
    assert await close("acme", mine) == {RANKING, ML}
    part_of.fails = True
    clock.advance(60)
    for seconds in (4.9, 0.1, 230):
        assert await close("acme", mine) == {RANKING, ML}
        clock.advance(seconds)
    assert len(part_of.requests) == 3
    clock.advance(5)
    with pytest.raises(CodedError):
        await close("acme", mine)
    with pytest.raises(CodedError):
        await close("other", mine)
    part_of.fails = False
    assert await close("acme", mine) == {RANKING, ML}


async def test_known_teams_do_not_hide_another_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only an unavailable store is bridged: any other failure of the read is raised."""
    clock, part_of, mine = Clock(), PartOf(), frozenset({RANKING})
    close = TeamClosure(part_of, lambda: clock.monotonic)
    await close("acme", mine)
    clock.advance(60)

    async def fail(*_: object) -> frozenset[str]:
        raise CodedError("The store failed.", Code.STORE_FAILED)

    monkeypatch.setattr(close, "_close", fail)
    with pytest.raises(CodedError, match="failed"):
        await close("acme", mine)


async def test_a_cancelled_request_does_not_end_the_read_of_others() -> None:
    """The request that started the read is cancelled, and another one that waits for it gets the closure."""
    part_of = PartOf()
    close = TeamClosure(part_of)
    first, second = (asyncio.create_task(close("acme", frozenset({RANKING}))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == {RANKING, ML}
    assert len(part_of.requests) == 1


async def test_no_teams_need_no_closure() -> None:
    """A token without groups causes no read of teams above."""
    live, part_of = LiveIssuer(Clock()), PartOf()
    async with authenticator([trusting(live)], part_of) as auth:
        assert (await auth.authenticate(f"Bearer {live.mint(groups=[])}")).teams == frozenset()
    assert part_of.requests == []


async def test_the_cache_holds_a_limited_number_of_closures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The closure that was read longest ago is dropped first, so callers with many tenants cannot fill the memory."""
    monkeypatch.setattr(teams, "MAX_CLOSURES", 2)
    clock, part_of = Clock(), PartOf()
    close = TeamClosure(part_of, lambda: clock.monotonic)
    for tenant, seconds in (("a", 30), ("b", 30), ("a", 0), ("c", 0)):
        await close(tenant, frozenset({RANKING}))
        clock.advance(seconds)
    read = len(part_of.requests)
    for tenant in ("a", "c"):
        await close(tenant, frozenset({RANKING}))
    assert len(part_of.requests) == read == 4
    await close("b", frozenset({RANKING}))
    assert len(part_of.requests) == 5
