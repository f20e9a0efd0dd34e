"""Imported teams become teams of the identity provider, wherever an item names them."""

from pathlib import Path
from typing import Any

import pytest

from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.load.team_map import TeamMap, read_team_map
from policies.errors import InvalidError

OLD, RANKING = "mlg://team/datahub/default/ranking-eng", "mlg://team/catalog/default/ranking"
DATA, ADA = "mlg://dataset/hive/default/clicks", "mlg://user/datahub/default/ada"
TOML = f"""[teams]
"{OLD}" = "ranking"
"mlg://team/datahub/default/search" = "ranking"
"mlg://team/datahub/default/ads-*" = "mlg://team/catalog/emea/*"
"mlg://team/datahub/default/*" = "*"
"mlg://team/unknown/default/typo" = "ads"
"""


@pytest.fixture
def teams(tmp_path: Path) -> TeamMap:
    """Return the map of the file above."""
    file = tmp_path / "teams.toml"
    file.write_text(TOML)
    return read_team_map(file)


def mapped(teams: TeamMap, *items: dict[str, Any]) -> list[Any]:
    """Return the items with mapped teams."""
    entries = teams.entries(ImportItem(str(number), item) for number, item in enumerate(items))
    return [entry.value for entry in entries if isinstance(entry, ImportItem)]


@pytest.mark.parametrize(
    ("urn", "target"),
    [
        (OLD, RANKING),
        ("mlg://team/datahub/default/ads-core", "mlg://team/catalog/emea/core"),
        ("mlg://team/datahub/default/legal", "mlg://team/catalog/default/legal"),
        ("mlg://team/other/default/legal", "mlg://team/other/default/legal"),
    ],
)
def test_an_id_counts_before_a_pattern(teams: TeamMap, urn: str, target: str) -> None:
    """The id first, then the longest pattern; a team without either stays."""
    assert teams.target(urn) == target


def test_owners_and_links_are_mapped(teams: TeamMap) -> None:
    """Every place of an item that names a team gets its target; other texts and items stay."""
    other = {"model": {"name": "m", "description": f"once of {OLD}"}}
    owned = {"dataset": {"id": DATA, "owners": [{"owner": OLD}, {"owner": ADA}]}}
    link = {"link": {"relation": "OWNED_BY", "from": DATA, "to": OLD}}
    assert mapped(teams, owned, link, other) == [
        {"dataset": {"id": DATA, "owners": [{"owner": RANKING}, {"owner": ADA}]}},
        {"link": {"relation": "OWNED_BY", "from": DATA, "to": RANKING}},
        other,
    ]


def test_a_mapped_team_is_registered_once_and_gains_no_member(teams: TeamMap) -> None:
    """Two groups become one team by its name; members and parents of the source are left out."""
    search = "mlg://team/datahub/default/search"
    kept = {"team": {"id": "mlg://team/other/default/legal", "name": "legal", "members": [{"user": ADA}]}}
    items = (
        {"team": {"id": OLD, "name": "ranking-eng", "displayName": "R", "members": [{"user": ADA}], "parent": search}},
        {"team": {"id": search, "name": "search"}},
        {"link": {"relation": "MEMBER_OF", "from": ADA, "to": OLD}},
        {"link": {"relation": "PART_OF", "from": OLD, "to": "mlg://team/other/default/legal"}},
        kept,
    )
    assert mapped(teams, *items) == [{"team": {"id": RANKING, "name": "ranking"}}, kept]


def test_a_team_with_a_mapped_parent_is_registered_as_often_as_it_is_given(teams: TeamMap) -> None:
    """It is no mapped team: with an id or a name alone, each of its items is sent, with the target as parent."""
    items: list[dict[str, Any]] = [
        {"team": {"name": "legal", "parent": OLD}},
        {"team": {"id": "mlg://team/other/default/legal", "parent": OLD}},
        {"team": {"id": "mlg://team/other/default/legal", "parent": OLD, "description": "Later."}},
        {"team": {"source": "datahub", "name": "ranking-eng", "parent": "mlg://team/other/default/legal"}},
    ]
    expected = [{"team": {**each["team"], "parent": RANKING}} for each in items[:3]]
    assert mapped(teams, *items) == [*expected, {"team": {"id": RANKING, "name": "ranking"}}]


def test_entries_without_a_use_are_reported(teams: TeamMap) -> None:
    """An entry that no item has is listed after the import; a line that could not be read is passed on."""
    failed = ItemResult("f:1", "INVALID", ("not JSON",))
    assert [*teams.entries([failed])] == [failed]
    mapped(teams, {"dataset": {"id": DATA, "owners": [{"owner": OLD}, {"owner": "mlg://team/datahub/default/x"}]}})
    assert teams.unused == [
        "mlg://team/datahub/default/ads-*",
        "mlg://team/datahub/default/search",
        "mlg://team/unknown/default/typo",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("teams", "is no TOML"),
        ("[groups]\n", "needs one table"),
        ('[teams]\n"ranking" = "x"\n', "'ranking' is no id of a team"),
        (f'[teams]\n"{OLD}" = 3\n', "is 3. Give the id or the name"),
        (f'[teams]\n"{OLD}" = "*"\n', "if and only if the key ends with `*`"),
        (f'[teams]\n"{OLD}" = "{DATA}"\n', "which is no team"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The error names the file and the entry."""
    file = tmp_path / "teams.toml"
    file.write_text(text)
    with pytest.raises(InvalidError) as refused:
        read_team_map(file)
    assert str(file) in refused.value.message
    assert message in refused.value.message
