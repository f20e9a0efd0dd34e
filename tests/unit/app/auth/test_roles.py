"""Roles: which exist, and who has them by token or by grant."""

from pathlib import Path

import pytest
from support.servers.issuer import Clock, LiveIssuer, authenticator, trusting

from app.auth.roles import Grant, Roles
from policies.errors import ConfigurationError

RANKING, ML = "mlg://team/catalog/default/ranking", "mlg://team/catalog/default/ml"
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


def test_the_file_is_read_as_roles_and_grants() -> None:
    """A role has a meaning; a grant has a role and either a subject or a team."""
    assert Roles.load(GRANTS) == Roles(
        {"reader": "Reads.", "auditor": "Audits."},
        (Grant("auditor", team=RANKING), Grant("reader", subject="ada")),
    )


def test_the_packaged_file_has_seven_roles_and_no_grants() -> None:
    """Every grant is a decision of an installation."""
    roles = Roles.load()
    assert set(roles.meanings) == {"reader", "engineer", "automation", "approver", "auditor", "billing", "admin"}
    assert roles.grants == ()


@pytest.mark.parametrize(
    ("subject", "teams", "claimed", "expected"),
    [
        ("ada", set(), set(), {"reader"}),
        ("bo", {RANKING}, set(), {"auditor"}),
        ("ada", {RANKING}, set(), {"reader", "auditor"}),
        ("bo", {ML}, {"admin", "reader"}, {"reader"}),
        ("bo", set(), set(), set()),
    ],
)
def test_roles_come_from_the_token_and_from_grants(
    subject: str, teams: set[str], claimed: set[str], expected: set[str]
) -> None:
    """A grant adds a role to a subject or a team; a role of a token that is not declared does not exist."""
    assert Roles.load(GRANTS).of(subject, teams, claimed) == expected


async def test_a_team_above_gives_no_roles() -> None:
    """Grants look at the teams of the token alone: a right to write PART_OF must not include one to make auditors."""

    async def part_of(_tenant: str, _teams: frozenset[str]) -> frozenset[str]:
        return frozenset({ML})

    live = LiveIssuer(Clock())
    roles = Roles.load(GRANTS.replace(RANKING, ML))
    async with authenticator([trusting(live)], part_of, roles) as auth:
        caller = await auth.authenticate(f"Bearer {live.mint(sub='bo', roles=[])}")
    assert (caller.teams, caller.roles) == (frozenset({RANKING, ML}), frozenset())


@pytest.mark.parametrize(
    ("grant", "complaint"),
    [
        ('role = "stranger"\nsubject = "a"', r"no declared `role`. Use one of \['reader'\]"),
        ('subject = "a"', "no declared `role`"),
        ('role = ["reader"]\nsubject = "a"', "no text as its `role`"),
        ('role = "reader"', "needs either `subject` or `team`"),
        (f'role = "reader"\nsubject = "a"\nteam = "{RANKING}"', "needs either `subject` or `team`"),
        ('role = "reader"\nsubject = "a"\nx = 1', r"unknown keys \['x'\]"),
        ('role = "reader"\nsubject = 1', "no text as its `subject`"),
        ('role = "reader"\nsubject = ""', "no text as its `subject`"),
        ('role = "reader"\nteam = 1', "no text as its `team`"),
        ('role = "reader"\nteam = "governance"', r"a `team` that is not the id of one. Use mlg://team/<source>"),
        ('role = "reader"\nteam = "mlg://team/Catalog/default/ml"', "a `team` that is not the id of one"),
        ('role = "reader"\nteam = "mlg://domain/catalog/default/ml"', "a `team` that is not the id of one"),
    ],
)
def test_an_invalid_grant_stops_the_start(grant: str, complaint: str) -> None:
    """A misspelt grant gives no rights, so it is found at start-up; the error names the file and the key."""
    with pytest.raises(ConfigurationError, match=rf"roles\.toml: the grant .*{complaint}"):
        Roles.load(f'[roles]\nreader = "Reads."\n[[grants]]\n{grant}\n')


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GRANTS.replace("[roles]", "[role]"), r"has \['role'\] at its top"),
        (GRANTS.replace("[[grants]]", "[[grant]]"), r"has \['grant'\] at its top"),
        ('roles = ["reader"]', "`roles` is not a table of texts"),
        ('roles = "reader"', "`roles` is not a table of texts"),
        ("[roles]\nreader = 1", "`roles` is not a table of texts"),
        ("grants = 1", "`grants` is not a list of tables"),
        ('grants = ["reader"]', "`grants` is not a list of tables"),
        ('[grants]\nrole = "reader"', "`grants` is not a list of tables"),
    ],
)
def test_an_invalid_table_stops_the_start(text: str, complaint: str) -> None:
    """Roles or grants under another key would not exist, and without a table each request would fail."""
    with pytest.raises(ConfigurationError, match=rf"roles\.toml:? {complaint}"):
        Roles.load(text)


def test_a_file_that_is_no_toml_stops_the_start() -> None:
    """The error names the file."""
    with pytest.raises(ConfigurationError, match=r"roles\.toml"):
        Roles.load("[roles")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["absent", "not UTF-8"])
def test_a_file_that_cannot_be_read_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    """The message names the file."""
    if content is not None:
        (tmp_path / "roles.toml").write_bytes(content)
    monkeypatch.setattr("app.auth.roles.files", lambda _: tmp_path)
    with pytest.raises(ConfigurationError, match=r"policies/roles\.toml is not readable TOML"):
        Roles.load()
