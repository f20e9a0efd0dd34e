"""Hits of a search with versions under their assets: order, totals, pages, and assets that are hidden."""

from collections import Counter
from typing import Any

import pytest
from support.servers.in_process import Api

QUERY = """query ($text: String!, $filter: AssetFilter, $group: Boolean, $first: Int, $after: Cursor, $inner: Int) {
  search(text: $text, filter: $filter, groupVersions: $group, facets: [KIND], first: $first, after: $after) {
    hits { totalCount pageInfo { hasNextPage endCursor }
           nodes { asset { id } highlights { field text }
                   versions(first: $inner) { totalCount pageInfo { hasNextPage } nodes { asset { id } } } } }
    facets { values { value count } } } }"""
RANKING = "mlg://team/catalog/default/ranking"
SHOP = "mlg://{}/grouped/shop/{}"
MODEL, SERVING, SECRET = (SHOP.format("model", name) for name in ("lantern", "my-lantern", "lantern-secret"))
VERSION = {number: SHOP.format("model-version", f"lantern@{number}") for number in ("1", "2", "3")}
OLD, OPEN = SHOP.format("model-version", "my-lantern@3"), SHOP.format("model-version", "lantern-secret@3")
HIDDEN = {"visibility": "TEAM", "owners": [{"owner": RANKING}]}

ALL = [(MODEL, [*VERSION.values()]), (SECRET, [OPEN]), (SERVING, [OLD])]
"""What a caller who sees everything finds for `lantern`: the full name, its beginning, a word of it."""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API with models and versions, one of them a hidden model with a version that all see."""
    await api.load(*({"model": {"id": urn}} for urn in (MODEL, SERVING)), {"model": {"id": SECRET, **HIDDEN}})
    await api.load(*({"modelVersion": {"id": urn}} for urn in (*VERSION.values(), OLD)))
    await api.load({"modelVersion": {"id": OPEN, "visibility": "ORG"}})
    return api


async def _search(api: Api, who: str, text: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask(who, QUERY, **{"text": text, "group": True, **more}))["search"]
    return found


def _groups(found: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(hit["asset"]["id"], [each["asset"]["id"] for each in hit["versions"]["nodes"]])
            for hit in found["hits"]["nodes"]]  # fmt: skip


async def test_versions_are_listed_under_their_asset(api: Api) -> None:
    """Each asset is one hit with its versions, in the order of the best of them, and the total counts assets."""
    found = await _search(api, "ada", "lantern")
    assert _groups(found) == ALL
    assert found["hits"]["totalCount"] == 3
    assert [hit["versions"]["totalCount"] for hit in found["hits"]["nodes"]] == [3, 1, 1]


async def test_hits_are_not_grouped_unless_requested(api: Api) -> None:
    """Without the argument each version is a hit without versions, and the facet of kinds is the same with it."""
    for group in (None, False):
        found = await _search(api, "ada", "lantern", group=group)
        assert [versions for _, versions in _groups(found)] == [[]] * 8
        assert found["hits"]["totalCount"] == 8
    counts = Counter(MODEL=3, MODEL_VERSION=5)
    for group in (False, True):
        (facet,) = (await _search(api, "ada", "lantern", group=group))["facets"]
        assert {each["value"]: each["count"] for each in facet["values"]} == counts


async def test_an_asset_need_not_match_itself(api: Api) -> None:
    """A version that is found by its number is shown under its asset, whose own words are highlighted."""
    found = await _search(api, "ada", "lantern version 3", filter={"kinds": ["MODEL_VERSION"]})
    assert _groups(found) == [(MODEL, [VERSION["3"]]), (SECRET, [OPEN]), (SERVING, [OLD])]
    assert found["hits"]["nodes"][0]["highlights"] == [{"field": "displayName", "text": "**lantern**"}]


async def test_a_version_of_a_hidden_asset_is_a_hit_of_its_own(api: Api) -> None:
    """The caller who may not see the asset gets its version as if versions had no assets, and no sign of it."""
    assert await api.ask("bo", "query ($id: ID!) { asset(id: $id) { id } }", id=SECRET) == {"asset": None}
    found = await _search(api, "bo", "lantern")
    assert _groups(found) == [(MODEL, [*VERSION.values()]), (OPEN, []), (SERVING, [OLD])]
    assert found["hits"]["totalCount"] == 3


async def test_pages_of_groups_and_of_versions(api: Api) -> None:
    """Pages of groups concatenate; the versions of a hit have pages of their own."""
    pages, after = list[tuple[str, list[str]]](), None
    while True:
        found = await _search(api, "ada", "lantern", first=1, after=after)
        pages += _groups(found)
        if not found["hits"]["pageInfo"]["hasNextPage"]:
            break
        after = found["hits"]["pageInfo"]["endCursor"]
    assert pages == ALL
    first = (await _search(api, "ada", "lantern", inner=2))["hits"]["nodes"][0]["versions"]
    assert ([each["asset"]["id"] for each in first["nodes"]], first["totalCount"]) == ([VERSION["1"], VERSION["2"]], 3)
    assert first["pageInfo"]["hasNextPage"] is True


async def test_groups_need_a_second_request_for_assets_that_are_no_hits(api: Api) -> None:
    """Assets among the hits cost nothing; others are one request more, however many, hidden ones included."""
    assert await api.count("ada", QUERY, text="lantern", group=True) == 1
    for who in ("ada", "bo"):
        assert await api.count(who, QUERY, text="lantern v3", group=True) == 2
