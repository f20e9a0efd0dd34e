"""Groups become teams, teams are closed over PART_OF, roles come from the token and from the grants."""

import asyncio
import hashlib

import pytest
from support.servers.issuer import Clock, LiveIssuer, authenticator, trusting

from app.auth.errors import AuthError
from app.auth.roles import Roles
from app.auth.teams import TeamClosure
from policies.errors import Code, CodedError, ConfigurationError

RANKING = "mlg://team/catalog/default/ranking"
ML = "mlg://team/catalog/default/ml"


class PartOf:
    """The teams above a team, as a graph would say; counts the questions."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, frozenset[str]]] = []
        self.fails = False

    async def __call__(self, tenant: str, teams: frozenset[str]) -> frozenset[str]:
        """Return the teams above, without those asked for."""
        self.asked.append((tenant, teams))
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
    """Unreserved characters of RFC 3986 stay plain, all others become upper-case hex."""
    live = LiveIssuer(Clock())
    async with authenticator([trusting(live)]) as door:
        caller = await door.authenticate(f"Bearer {live.mint(groups=[group])}")
    assert caller.teams == {f"mlg://team/catalog/default/{segment}"}


async def test_a_long_group_is_cut_and_stays_itself() -> None:
    """A URN has at most 512 bytes; what is cut off lives on in the digest, so two long groups are two teams."""
    live = LiveIssuer(Clock())
    async with authenticator([trusting(live)]) as door:
        caller = await door.authenticate(f"Bearer {live.mint(groups=['x' * 600, 'x' * 601])}")
    digests = {hashlib.sha256(f"mlg://team/catalog/default/{'x' * n}".encode()).hexdigest()[:16] for n in (600, 601)}
    assert {team.rpartition("~")[2] for team in caller.teams} == digests
    assert all(len(team) <= 512 for team in caller.teams)


async def test_teams_are_closed_for_the_tenant_of_the_token() -> None:
    """The principal has its own teams and those above, looked up in its own tenant."""
    live, part_of = LiveIssuer(Clock()), PartOf()
    async with authenticator([trusting(live, tenants=frozenset({"other"}))], part_of) as door:
        assert (await door.authenticate(f"Bearer {live.mint()}")).teams == {RANKING, ML}
        assert (await door.authenticate(f"Bearer {live.mint(tenant='other')}")).teams == {RANKING}
    assert part_of.asked == [("acme", frozenset({RANKING})), ("other", frozenset({RANKING}))]


async def test_a_closure_is_remembered_for_a_minute() -> None:
    """Many callers of the same teams ask once; after 60 s the question is asked again."""
    clock, part_of = Clock(), PartOf()
    close = TeamClosure(part_of, lambda: clock.monotonic)
    answers = await asyncio.gather(*(close("acme", frozenset({RANKING})) for _ in range(100)))
    assert set(answers) == {frozenset({RANKING, ML})}
    clock.advance(59)
    await close("acme", frozenset({RANKING}))
    assert len(part_of.asked) == 1
    clock.advance(1)
    await close("acme", frozenset({RANKING}))
    assert len(part_of.asked) == 2


async def test_a_membership_that_ended_opens_nothing_after_a_minute() -> None:
    """Whoever is taken out of a team above loses its rights within 60 s, token and server staying the same."""
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


async def test_who_asks_again_and_again_does_not_keep_a_membership_alive() -> None:
    """The minute counts from the look-up, not from the last question."""
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


async def test_a_failed_closure_is_503_and_not_remembered() -> None:
    """Without the graph nobody is let in with fewer teams than they have; when it is back, they are let in."""
    live, part_of = LiveIssuer(Clock()), PartOf()
    async with authenticator([trusting(live)], part_of) as door:
        part_of.fails = True
        with pytest.raises(AuthError) as caught:
            await door.authenticate(f"Bearer {live.mint()}")
        assert (caught.value.status, caught.value.code) == (503, Code.STORE_UNAVAILABLE)
        assert "Retry-After" in caught.value.headers
        part_of.fails = False
        assert (await door.authenticate(f"Bearer {live.mint()}")).teams == {RANKING, ML}


async def test_a_caller_who_leaves_does_not_end_the_look_up_of_the_others() -> None:
    """A cancelled request takes nobody with it."""
    part_of = PartOf()
    close = TeamClosure(part_of)
    first, second = (asyncio.create_task(close("acme", frozenset({RANKING}))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == {RANKING, ML}
    assert len(part_of.asked) == 1


async def test_who_has_no_groups_asks_nothing() -> None:
    """No teams, no look-up."""
    live, part_of = LiveIssuer(Clock()), PartOf()
    async with authenticator([trusting(live)], part_of) as door:
        assert (await door.authenticate(f"Bearer {live.mint(groups=[])}")).teams == frozenset()
    assert part_of.asked == []


GRANTS = f"""
[roles]
reader = "Reads."
auditor = "Audits."
[[grants]]
role = "auditor"
team = "{RANKING}"
[[grants]]
role = "reader"
subject = "ada"
"""


def test_roles_are_granted_to_subjects_and_teams() -> None:
    """A grant adds a role; a role that is not declared does not exist."""
    roles = Roles.load(GRANTS)
    assert roles.of("ada", frozenset(), frozenset()) == {"reader"}
    assert roles.of("bo", {RANKING}, frozenset()) == {"auditor"}
    assert roles.of("bo", {ML}, {"admin", "reader"}) == {"reader"}


async def test_a_team_above_hands_out_no_roles() -> None:
    """Grants look at the teams of the token: who may write PART_OF must not be able to make auditors."""
    live = LiveIssuer(Clock())
    roles = Roles.load(GRANTS.replace(RANKING, ML))
    async with authenticator([trusting(live)], PartOf(), roles) as door:
        caller = await door.authenticate(f"Bearer {live.mint(sub='bo', roles=[])}")
    assert (caller.teams, caller.roles) == (frozenset({RANKING, ML}), frozenset())


@pytest.mark.parametrize(
    "grant",
    [
        'role = "nobody"\nsubject = "a"',
        'role = "reader"',
        'role = "reader"\nsubject = "a"\nteam = "b"',
        'role = "reader"\nsubject = "a"\nx = 1',
    ],
)
def test_a_grant_that_does_not_fit_stops_the_start(grant: str) -> None:
    """A misspelt grant is found at start-up."""
    with pytest.raises(ConfigurationError, match=r"roles\.toml"):
        Roles.load(f'[roles]\nreader = "Reads."\n[[grants]]\n{grant}\n')
