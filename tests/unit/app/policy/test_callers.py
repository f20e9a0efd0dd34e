"""Callers whose access is analysed: the personas, break-glass, and a caller in a file."""

from pathlib import Path

import pytest

from app.policy.callers import callers, read_caller, subject
from policies.errors import Code, InvalidError
from policies.principal import Principal, PrincipalKind


def test_all_callers_are_listed_with_a_sentence() -> None:
    """Each persona is listed, with break-glass after those that may use it, and last a caller without any scope."""
    found = callers()
    assert [*found] == ["ada", "bo", "cy", "ci-ranking", "eli", "root", "root+break-glass", "anonymous"]
    assert found["bo"][0] == "Reader of team ads"
    assert found["root+break-glass"][0] == "Platform administrator, with break-glass"
    assert found["anonymous"] == (
        "A caller without any scope",
        Principal("anonymous", PrincipalKind.PERSON, "default"),
    )


def test_a_persona_is_the_caller_that_its_token_would_be() -> None:
    """Groups are teams of the catalog, and scopes on request are in no usual token."""
    ada = subject("ada")
    assert (ada.kind, ada.tenant, ada.break_glass) == (PrincipalKind.PERSON, "default", None)
    assert ada.teams == {"mlg://team/catalog/default/ranking"}
    assert ada.roles == {"engineer"}
    assert ada.scopes == {"graph:read", "graph:write"}
    assert "graph:break-glass" not in subject("root").scopes


def test_break_glass_adds_the_scope_and_a_reason() -> None:
    """The suffix selects the same persona with emergency access."""
    glass = subject("root+break-glass")
    assert glass.subject == "root"
    assert glass.scopes - subject("root").scopes == {"graph:break-glass"}
    assert glass.break_glass


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ada+break-glass", "ada has no break-glass in `on_request`"),
        ("zed", "There is no persona 'zed'"),
        ("zed+break-glass", "There is no persona 'zed'"),
        ("anonymous+break-glass", "There is no persona 'anonymous'"),
    ],
)
def test_other_names_are_refused(name: str, message: str) -> None:
    """A persona that may not break glass, and an unknown one, are misuse."""
    with pytest.raises(InvalidError, match=message) as error:
        subject(name)
    assert error.value.code is Code.INVALID


def test_a_caller_is_read_from_a_file(tmp_path: Path) -> None:
    """Kind, tenant and reason have defaults; roles that a subject has without a token are added by roles.toml."""
    file = tmp_path / "caller.json"
    file.write_text(
        '{"subject": "zoe", "groups": ["ads", "ranking"], "roles": ["reader"], "scopes": ["graph:read", "openid"]}'
    )
    assert read_caller(file) == Principal(
        "zoe",
        PrincipalKind.PERSON,
        "default",
        teams=frozenset({"mlg://team/catalog/default/ads", "mlg://team/catalog/default/ranking"}),
        user="mlg://user/catalog/default/zoe",
        roles=frozenset({"reader"}),
        scopes=frozenset({"graph:read", "openid"}),
    )
    file.write_text(
        '{"subject": "bot", "groups": [], "roles": [], "scopes": ["graph:break-glass"], "kind": "SERVICE_ACCOUNT",'
        ' "tenant": "acme", "breakGlass": "a long outage"}'
    )
    bot = read_caller(file)
    assert (bot.kind, bot.tenant, bot.break_glass) == (PrincipalKind.SERVICE_ACCOUNT, "acme", "a long outage")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{}",
        '{"subject": "zoe", "groups": ["ads"], "roles": []}',
        '{"subject": "zoe", "groups": 7, "roles": [], "scopes": []}',
        '{"subject": "zoe", "groups": [], "roles": [], "scopes": [], "kind": "ROBOT"}',
        '{"subject": "zoe", "groups": [7], "roles": [], "scopes": []}',
        '{"subject": "zoe", "groups": "ads", "roles": [], "scopes": []}',
        '{"subject": "zoe", "groups": [], "roles": "engineer", "scopes": []}',
        '{"subject": "zoe", "groups": [], "roles": [], "scopes": "graph:read"}',
        '{"subject": "zoe", "groups": [], "roles": [], "scopes": ["graph:read graph:write"]}',
        '{"subject": "zoe", "groups": [], "roles": [], "scopes": ["graph:read"], "breakGlass": "incident 7"}',
        '{"subject": "zoe", "groups": [], "roles": [], "scopes": ["graph:break-glass"]}',
        '{"subject": "zoe", "groups": [], "roles": [], "scopes": ["graph:break-glass"], "breakGlass": "x"}',
        '{"subject": "zoe", "groups": [], "roles": [], "scopes": ["graph:raed"]}',
        '{"subject": "zoe", "groups": [], "roles": [], "scopes": [], "tenant": 1}',
        '{"subject": "zoe", "groups": [], "roles": [], "scopes": [], "breakglass": "incident 7"}',
    ],
)
def test_a_file_without_a_caller_is_refused(tmp_path: Path, text: str) -> None:
    """Broken JSON, another shape, and a missing or unknown value are refused with an example to copy."""
    file = tmp_path / "caller.json"
    file.write_text(text)
    with pytest.raises(InvalidError, match=r'caller\.json does not describe a caller .*write \{"subject": "ada"'):
        read_caller(file)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(InvalidError, match=r"absent\.json does not describe a caller"):
        read_caller(tmp_path / "absent.json")
