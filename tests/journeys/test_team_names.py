"""A team is found by its name in any case, and by a display name that no other team has."""

import pytest
from support.servers.in_process import Api

FOUND = "query ($name: String!) { team(name: $name) { id } }"
DEFAULT = "mlg://team/catalog/default/"
TEAMS = (
    {"id": f"{DEFAULT}core", "displayName": "Core Platform"},
    {"id": f"{DEFAULT}Mixed", "displayName": "Straße"},
    {"id": f"{DEFAULT}twins", "displayName": "Twin"},
    {"id": "mlg://team/ldap/groups/other", "displayName": "Twin"},
    {"id": "mlg://team/ldap/groups/CORE", "displayName": "Imported"},
    {"id": "mlg://team/ldap/groups/ml-ops", "displayName": "ML Ops"},
    {"id": f"{DEFAULT}two"},
    {"id": f"{DEFAULT}TWO"},
)
NAMES = {
    "core": f"{DEFAULT}core",
    "CORE": f"{DEFAULT}core",
    "mixed": f"{DEFAULT}Mixed",
    "core platform": f"{DEFAULT}core",
    "core-platform": None,
    "STRASSE": f"{DEFAULT}Mixed",
    "ML-OPS": "mlg://team/ldap/groups/ml-ops",
    "imported": "mlg://team/ldap/groups/CORE",
    "two": f"{DEFAULT}two",
    "TWO": f"{DEFAULT}TWO",
    "nobody": None,
    "!": None,
}
SEVERAL = {"twin": (f"{DEFAULT}twins", "mlg://team/ldap/groups/other"), "Two": (f"{DEFAULT}TWO", f"{DEFAULT}two")}


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API with teams of two sources."""
    await api.load(*({"team": {"name": each["id"].rpartition("/")[2], **each}} for each in TEAMS))
    return api


@pytest.mark.parametrize("name", NAMES)
async def test_names_find_teams(api: Api, name: str) -> None:
    """Exact names of the catalog come first, then its names in any case, then names and display names of all teams."""
    wanted = NAMES[name]
    for who in ("ada", "bo"):
        assert (await api.ask(who, FOUND, name=name))["team"] == (wanted and {"id": wanted})


@pytest.mark.parametrize("name", SEVERAL)
async def test_a_name_of_several_teams_is_refused(api: Api, name: str) -> None:
    """The error names the ids, of which the client gives one."""
    (error,) = (await api.send("ada", FOUND, name=name))["errors"]
    assert error["extensions"]["code"] == "INVALID"
    assert all(urn in error["message"] for urn in SEVERAL[name])


async def test_a_name_that_no_team_can_have_is_refused(api: Api) -> None:
    """It is longer than names are; the words of a text of megabytes would take seconds."""
    (error,) = (await api.send("bo", FOUND, name="ab " * 400))["errors"]
    assert (error["extensions"]["code"], error["message"][:27]) == ("INVALID", "`name` has 1200 characters;")
