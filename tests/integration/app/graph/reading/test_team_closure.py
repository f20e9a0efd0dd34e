"""The teams above a team, and their members who own something, on the real store."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.reading.team_closure import close_teams

TEAM = "mlg://team/catalog/default/"
USER = "mlg://user/catalog/default/"


@pytest.fixture
async def api(graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over an empty graph."""
    async with open_api(graph, tmp_path_factory.mktemp("keys")) as api:
        yield api


async def test_rights_follow_the_current_parents(api: Api) -> None:
    """Members of a moved team lose the rights of its former parent; cycles of teams end."""
    await api.load({"team": {"name": "a", "parent": f"{TEAM}b"}}, {"team": {"name": "b", "parent": f"{TEAM}c"}})
    before = await close_teams(api.client, "default", frozenset({f"{TEAM}a"}))
    await api.load({"team": {"name": "a", "parent": f"{TEAM}d"}}, {"team": {"name": "d", "parent": f"{TEAM}a"}})
    after = await close_teams(api.client, "default", frozenset({f"{TEAM}a"}))
    assert before == {f"{TEAM}a", f"{TEAM}b", f"{TEAM}c"}
    assert after == {f"{TEAM}a", f"{TEAM}d"}


def owned(name: str, *owners: str, kind: str = "dataset") -> dict[str, Any]:
    """Return the registration of an asset with its owners, in the order of the policy."""
    return {kind: {"id": f"mlg://{kind}/test/default/{name}", "owners": [{"owner": each} for each in owners]}}


async def test_members_count_who_are_the_owner_of_an_asset(api: Api) -> None:
    """An asset of another team that names all members adds none; neither does one that a member owned before.

    What a member owns alone counts until it has another owner, also if it is deleted, and so does an owned domain.
    """
    names = ("amy", "ben", "cat", "dan", "eve")
    users = {name: f"{USER}{name}" for name in names}
    await api.load(
        *({"user": {"id": urn, "name": name}} for name, urn in users.items()),
        {"team": {"name": "top", "members": [{"user": users["eve"]}]}},
        {"team": {"name": "own", "parent": f"{TEAM}top", "members": [{"user": users[name]} for name in names[:4]]}},
        {"team": {"name": "stranger"}},
        owned("of-stranger", f"{TEAM}stranger", *users.values()),
        owned("of-ben", users["ben"]),
        owned("of-eve", users["eve"]),
        {"domain": {"name": "of-cat", "owners": [{"owner": users["cat"]}]}},
    )
    teams = frozenset({f"{TEAM}own"})
    expected = {
        f"{TEAM}own",
        f"{TEAM}top",
        users["ben"],
        users["eve"],
        users["cat"],
        "mlg://domain/catalog/default/of-cat",
    }
    assert await close_teams(api.client, "default", teams) == expected
    assert await close_teams(api.client, "default", frozenset({f"{TEAM}stranger"})) == {f"{TEAM}stranger"}
    delete = "mutation ($id: ID!) { deleteAsset(input: {asset: $id}) { errors { code } } }"
    assert (await api.ask("root", delete, id="mlg://dataset/test/default/of-ben"))["deleteAsset"]["errors"] == []
    assert await close_teams(api.client, "default", teams) == expected
    await api.load(owned("of-eve", f"{TEAM}stranger"))
    assert await close_teams(api.client, "default", teams) == expected - {users["eve"]}


async def test_members_are_found_beside_one_with_many_assets(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member with more assets than one query returns, and members beyond those of one query, hide no other member."""
    monkeypatch.setattr("app.graph.reading.team_closure._MAX_EXAMINED", 3)
    monkeypatch.setattr("app.graph.reading.team_closure._MAX_ASSETS", 1)
    users = [f"{USER}u{number}" for number in range(7)]
    await api.load(
        *({"user": {"id": urn, "name": urn.rpartition("/")[2]}} for urn in users),
        {"team": {"name": "many", "members": [{"user": urn} for urn in users]}},
        {"team": {"name": "stranger"}},
        owned("all", f"{TEAM}stranger", *users),
        *(owned(f"of-{number}-{asset}", users[number]) for number in (0, 1, 2, 5) for asset in range(2)),
    )
    found = await close_teams(api.client, "default", frozenset({f"{TEAM}many"}))
    assert found == {f"{TEAM}many", *users[:3], users[5]}
