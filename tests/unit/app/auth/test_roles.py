"""Roles come from the token and from the grants of roles.toml."""

import pytest
from support.servers.issuer import Clock, LiveIssuer, authenticator, trusting

from app.auth.roles import Roles
from policies.errors import ConfigurationError

RANKING = "mlg://team/catalog/default/ranking"
ML = "mlg://team/catalog/default/ml"
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
    """A grant adds its role to a subject or a team, and roles that are not declared are dropped."""
    roles = Roles.load(GRANTS)
    assert roles.of("ada", frozenset(), frozenset()) == {"reader"}
    assert roles.of("bo", {RANKING}, frozenset()) == {"auditor"}
    assert roles.of("bo", {ML}, {"admin", "reader"}) == {"reader"}


async def test_a_team_above_grants_no_roles() -> None:
    """Grants apply to the teams of the token only, so that the right to write PART_OF cannot make auditors."""

    async def part_of(_tenant: str, _teams: frozenset[str]) -> frozenset[str]:
        return frozenset({ML})

    live = LiveIssuer(Clock())
    roles = Roles.load(GRANTS.replace(RANKING, ML))
    async with authenticator([trusting(live)], part_of, roles) as auth:
        caller = await auth.authenticate(f"Bearer {live.mint(sub='bo', roles=[])}")
    assert (caller.teams, caller.roles) == (frozenset({RANKING, ML}), frozenset())


@pytest.mark.parametrize(
    "grant",
    [
        'role = "unknown"\nsubject = "a"',
        'role = "reader"',
        'role = "reader"\nsubject = "a"\nteam = "b"',
        'role = "reader"\nsubject = "a"\nx = 1',
    ],
)
def test_an_invalid_grant_stops_the_start(grant: str) -> None:
    """A grant with an unknown role or key, or without exactly one subject or team, is refused."""
    with pytest.raises(ConfigurationError, match=r"roles\.toml"):
        Roles.load(f'[roles]\nreader = "Reads."\n[[grants]]\n{grant}\n')
