"""The teams above a team, on the real store."""

from collections.abc import AsyncIterator

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.reading.team_closure import close_teams

TEAM = "mlg://team/catalog/default/"


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
