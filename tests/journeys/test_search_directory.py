"""The directory of a search: teams, users, domains and tags that match the text, apart from the assets."""

from collections import Counter
from typing import Any

import pytest
from support.servers.in_process import Api

RANKING = "mlg://team/catalog/default/ranking"
DIRECTORY = """query ($text: String!, $kinds: [DirectoryKind!], $first: Int, $after: Cursor) {
  search(text: $text, facets: [DIRECTORY, KIND]) {
    hits { totalCount nodes { asset { id } } } facets { facet values { value count } }
    directory(kinds: $kinds, first: $first, after: $after) {
      totalCount pageInfo { hasNextPage endCursor }
      nodes { highlights { field text }
              entry { ... on Node { id __typename } ... on Team { displayName } ... on Tag { propagates } } } } } }"""
CROWD = {
    "team": {"kiosk": {"displayName": "Self Service Kiosk"}, "till": {"description": "Runs the kiosk and the till."}},
    "user": {"kim": {"displayName": "Kim Kiosk"}, "mats": {}},
    "domain": {"kiosk-sales": {}, "other": {"description": "All but the kiosks."}},
    "tag": {"kiosk": {"tagKind": "FREE"}, "koisk": {"tagKind": "PII"}},
}
FOUND = {
    "kiosk": ["tag/kiosk", "team/kiosk", "domain/kiosk-sales", "user/kim", "team/till", "domain/other", "tag/koisk"],
    "KIOS": ["tag/kiosk", "team/kiosk", "domain/kiosk-sales", "user/kim", "team/till", "domain/other"],
    "kiosk sale": ["domain/kiosk-sales"],
    "self service": ["team/kiosk"],
    "mats": ["user/mats"],
    "mlg://user/catalog/default/mats": ["user/mats"],
    "kiosk nowhere": [],
}


@pytest.fixture(scope="module")
async def crowded(api: Api) -> Api:
    """Return the API with teams, users, domains and tags, and an asset and a hidden asset of the same words."""
    await api.load(*({kind: {"name": name, **more}} for kind, named in CROWD.items() for name, more in named.items()))
    hidden = {"visibility": "TEAM", "owners": [{"owner": RANKING}]}
    await api.load(*({"report": {"id": f"mlg://report/crowd/shop/{name}", **more}} for name, more in
                     {"kiosk": {}, "kiosk_secret": hidden}.items()))  # fmt: skip
    return api


async def _directory(api: Api, who: str, text: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask(who, DIRECTORY, text=text, **more))["search"]
    return found


def _entries(found: dict[str, Any]) -> list[str]:
    return [node["entry"]["id"].removeprefix("mlg://").replace("/catalog/default", "") for node in _nodes(found)]


def _nodes(found: dict[str, Any]) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = found["directory"]["nodes"]
    return nodes


@pytest.mark.parametrize("text", FOUND)
async def test_teams_people_domains_and_tags_are_found(crowded: Api, text: str) -> None:
    """They are found and ranked by the rules of assets, counted by a facet of their own, and alike for all callers."""
    for who in ("bo", "cy"):
        found = await _directory(crowded, who, text)
        assert _entries(found) == FOUND[text]
        assert found["directory"]["totalCount"] == len(FOUND[text])
        counts = Counter(entry.partition("/")[0].upper() for entry in FOUND[text])
        expected = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        assert [(each["value"], each["count"]) for each in found["facets"][0]["values"]] == expected


async def test_the_directory_does_not_change_the_assets(crowded: Api) -> None:
    """Hits, total and the facet of kinds are those of the assets alone, whose policy holds as before."""
    for who, names in {"bo": ["kiosk"], "ada": ["kiosk", "kiosk_secret"]}.items():
        found = await _directory(crowded, who, "kiosk")
        assert [node["asset"]["id"] for node in found["hits"]["nodes"]] == [
            f"mlg://report/crowd/shop/{n}" for n in names
        ]
        assert found["hits"]["totalCount"] == len(names)
        assert found["facets"][1] == {"facet": "KIND", "values": [{"value": "REPORT", "count": len(names)}]}


async def test_entries_have_their_types_and_highlights(crowded: Api) -> None:
    """An entry is read as its own type, and its highlights name fields that this type has."""
    tag, team = _nodes(await _directory(crowded, "bo", "kiosk"))[:2]
    assert team["entry"] | {"id": ""} == {"id": "", "__typename": "Team", "displayName": "Self Service Kiosk"}
    assert team["highlights"] == [
        {"field": "displayName", "text": "Self Service **Kiosk**"},
        {"field": "name", "text": "**kiosk**"},
    ]
    assert tag["entry"] | {"id": ""} == {"id": "", "__typename": "Tag", "propagates": False}
    assert tag["highlights"] == [{"field": "name", "text": "**kiosk**"}]


async def test_kinds_and_pages_of_the_directory(crowded: Api) -> None:
    """Entries of chosen kinds are listed in the same order, and pages of any size concatenate."""
    for kinds in (["USER", "TAG"], ["TEAM"], []):
        expected = [entry for entry in FOUND["kiosk"] if entry.partition("/")[0].upper() in kinds]
        assert _entries(await _directory(crowded, "bo", "kiosk", kinds=kinds)) == expected
    pages, after = list[str](), None
    while True:
        page = await _directory(crowded, "bo", "kiosk", first=2, after=after)
        pages += _entries(page)
        if not page["directory"]["pageInfo"]["hasNextPage"]:
            break
        after = page["directory"]["pageInfo"]["endCursor"]
    assert pages == FOUND["kiosk"]


async def test_the_directory_shares_the_request_of_the_assets(crowded: Api) -> None:
    """Assets, facets and the directory are read in one request to the store."""
    assert await crowded.count("bo", DIRECTORY, text="kiosk") == 1
    assert await crowded.count("bo", DIRECTORY, text="kiosk", kinds=["TEAM"]) == 1
