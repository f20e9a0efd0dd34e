"""Versions of one time are listed by `PRECEDES`, name and id, over pages, for each caller by what is visible to it."""

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from support.estates.owned_items import owned, team, urn
from support.servers.in_process import Api

LISTED = """query ($id: ID!, $first: Int!, $after: Cursor) { asset(id: $id) { ... on Model {
  latestVersion { version }
  versions(first: $first, after: $after) { nodes { version } pageInfo { hasNextPage endCursor } } } } }"""
COUNTED = LISTED.replace("nodes {", "totalCount nodes {")
LINK = """mutation ($input: LinkInput!) { link(input: $input) { changed errors { code message } } }"""


def version(model: str, name: str, **more: Any) -> dict[str, Any]:
    """Return an item that registers a version of a model."""
    return {"modelVersion": {"id": f"{urn('model-version', model)}@{name}", **more}}


async def load(api: Api, model: str, *names: str, **more: Any) -> None:
    """Register a model with versions in one call, in random order, so that all have one time."""
    names_in_order = Random(3).sample(names, len(names))
    await api.load(owned("model", model), *(version(model, name, **more) for name in names_in_order))


async def precede(api: Api, model: str, older: str, newer: str) -> None:
    """Declare that a version comes directly before another."""
    ends = {"from": f"{urn('model-version', model)}@{older}", "to": f"{urn('model-version', model)}@{newer}"}
    assert (await api.ask("ada", LINK, input={"relation": "PRECEDES", **ends}))["link"]["errors"] == []


async def listed(api: Api, model: str, who: str = "ada", *, first: int = 500, query: str = LISTED) -> list[str]:
    """Return the versions page by page, and check that the latest one is the first of them."""
    after, found = None, []
    while True:
        asset = (await api.ask(who, query, id=urn("model", model), first=first, after=after))["asset"]
        page = asset["versions"]
        found += [node["version"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            assert asset["latestVersion"]["version"] == found[0]
            return found
        after = page["pageInfo"]["endCursor"]


def numbers(upto: Iterable[int]) -> list[str]:
    """Return numbers as names."""
    return [str(number) for number in upto]


@pytest.mark.parametrize("first", [1, 7, 60])
@pytest.mark.parametrize("query", [LISTED, COUNTED], ids=["listed", "counted"])
async def test_versions_registered_together_are_in_their_natural_order(api: Api, first: int, query: str) -> None:
    """Sixty versions of one call are listed from 60 to 1 on pages of each size, with and without a total."""
    await load(api, "many", *numbers(range(1, 61)))
    assert await listed(api, "many", first=first, query=query) == numbers(range(60, 0, -1))


async def test_the_source_time_is_stronger_than_names(api: Api) -> None:
    """Versions are ordered by their time in the source first, and by name among those of one time."""
    await load(api, "timed", "5", "9", sourceCreatedAt="2024-01-01T00:00:00Z")
    await load(api, "timed", "1", "2", "10", sourceCreatedAt="2024-01-02T00:00:00Z")
    for first in (1, 2, 10):
        assert await listed(api, "timed", first=first) == ["10", "2", "1", "9", "5"]


@pytest.mark.parametrize("first", [1, 2, 10])
async def test_precedes_orders_versions_of_one_time(api: Api, first: int) -> None:
    """A linked successor is before its predecessor; a chain over a hidden version orders nothing for its reader."""
    name = f"chain{first}"
    await load(api, name, "1", "2", "3", "4")
    await api.load(version(name, "5", owners=[{"owner": team("ranking")}], visibility="TEAM"))
    await precede(api, name, "4", "1")
    assert await listed(api, name, first=first) == ["5", "3", "2", "1", "4"]
    assert await listed(api, name, "bo", first=first) == ["3", "2", "1", "4"]


async def test_a_chain_over_a_hidden_version_does_not_count(api: Api) -> None:
    """The owning team lists a successor over its hidden version first; for another team the names decide."""
    await load(api, "secret", "1", "2", "3", sourceCreatedAt="2024-01-01T00:00:00Z")
    await api.load(version("secret", "2", visibility="TEAM", sourceCreatedAt="2024-01-01T00:00:00Z"))
    await precede(api, "secret", "3", "2")
    await precede(api, "secret", "2", "1")
    assert await listed(api, "secret") == ["1", "2", "3"]
    assert await listed(api, "secret", "bo") == ["3", "1"]


async def test_a_page_continues_behind_a_deleted_version(api: Api) -> None:
    """If the last version of a page is deleted, the next page begins at its place in the order of names."""
    await load(api, "gone", *numbers(range(1, 10)))
    request = {"id": urn("model", "gone"), "first": 3}
    page = (await api.ask("ada", LISTED, **request))["asset"]["versions"]
    await api.ask(
        "ada",
        "mutation ($id: ID!) { deleteAsset(input: {asset: $id}) { errors { code } } }",
        id=f"{urn('model-version', 'gone')}@7",
    )
    rest = (await api.ask("ada", LISTED, **request, after=page["pageInfo"]["endCursor"]))["asset"]["versions"]
    assert [node["version"] for node in rest["nodes"]] == ["6", "5", "4"]


async def test_only_a_tie_on_the_page_takes_a_request(api: Api) -> None:
    """The latest of versions with distinct times takes two requests, also if older versions have one time."""
    await load(api, "old", "1", "2", sourceCreatedAt="2024-01-01T00:00:00Z")
    query = "query ($id: ID!) { asset(id: $id) { ... on Model { latestVersion { version } } } }"
    assert await api.count("ada", query, id=urn("model", "old")) == 3
    await load(api, "old", "0", sourceCreatedAt="2024-02-01T00:00:00Z")
    assert await api.count("ada", query, id=urn("model", "old")) == 2
