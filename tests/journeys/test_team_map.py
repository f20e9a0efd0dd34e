"""Groups of another system, imported as teams of the identity provider: their members have the rights of owners."""

from pathlib import Path
from typing import Any

from support.estates.owned_items import team, urn
from support.servers.in_process import Api

from app.ingest.load.batches import ImportItem
from app.ingest.load.team_map import TeamMap, read_team_map

GROUP = "mlg://team/datahub/default/ranking-eng"


def estate(name: str) -> list[dict[str, Any]]:
    """Return a dataset of a group, and the group with a member."""
    user = {"id": "mlg://user/datahub/default/mallory", "name": "mallory"}
    group = {"id": GROUP, "name": "ranking-eng", "displayName": "Imported", "members": [{"user": user["id"]}]}
    return [{"user": user}, {"team": group}, {"dataset": {"id": urn("dataset", name), "owners": [{"owner": GROUP}]}}]


async def loaded(api: Api, name: str, teams: TeamMap) -> str:
    """Import the estate, and return the outcome of an update of its dataset by ada of team ranking."""
    entries = teams.entries(ImportItem("estate", item) for item in estate(name))
    await api.load(*(entry.value for entry in entries if isinstance(entry, ImportItem)))
    given = {"dataset": {"id": urn("dataset", name), "description": "ours"}}
    outcome: str = (await api.register("ada", given))["results"][0]["outcome"]
    return outcome


async def test_an_imported_owner_has_the_rights_of_its_team(api: Api, tmp_path: Path) -> None:
    """Without a map no token matches the owner; with one ada may change the asset, and the team keeps its values."""
    await api.load({"team": {"id": team("ranking"), "name": "ranking", "displayName": "Ranking"}})
    assert await loaded(api, "before", TeamMap()) == "DENIED"
    file = tmp_path / "teams.toml"
    file.write_text(f'[teams]\n"{GROUP}" = "ranking"\n')
    teams = read_team_map(file)
    assert await loaded(api, "after", teams) == "UPDATED"
    assert teams.unused == []
    query = "query ($id: ID!) { team(id: $id) { displayName members { totalCount } } }"
    found = (await api.ask("root", query, id=team("ranking")))["team"]
    assert found == {"displayName": "Ranking", "members": {"totalCount": 0}}
