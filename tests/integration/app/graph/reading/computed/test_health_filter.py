"""Lists by health: the assets whose field `health` has a state, for each caller."""

from typing import Any

import pytest
from support.documents.observability import report
from support.estates.owned_items import owned, urn
from support.servers.in_process import Api

from app.graph.reading.computed import health_filter

STATES = ("HEALTHY", "DEGRADED", "UNHEALTHY", "UNKNOWN")
LISTED = "query ($filter: AssetFilter) { assets(filter: $filter, first: 500) { totalCount nodes { name } } }"
FIELD = "{ assets(filter: {kinds: [DATASET]}, first: 500) { nodes { name health { status } } } }"
SEARCHED = """query ($filter: AssetFilter) {
  search(text: "orders", filter: $filter) { hits { nodes { asset { name } } } } }"""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over datasets of each state; a draft hides its health from bo, and a hidden source its problem."""
    hidden = {"visibility": "TEAM"}
    await api.load(
        owned("dataset", "good"),
        owned("dataset", "bad"),
        owned("dataset", "secret", **hidden),
        owned("dataset", "below", derivedFrom=[urn("dataset", "bad")]),
        owned("dataset", "orders", derivedFrom=[urn("dataset", "secret")]),
        owned("dataset", "quiet"),
        owned("dataset", "draft", stage="DRAFT"),
    )
    for name, status in (("good", "PASS"), ("bad", "FAIL"), ("secret", "FAIL"), ("draft", "FAIL"), ("orders", "PASS")):
        assert (await report(api, "ada", urn("dataset", name), status=status))["errors"] == []
    return api


async def listed(api: Api, who: str, **where: Any) -> set[str]:
    """Return the names of the datasets that a filter finds; check that the total is their number."""
    page = (await api.ask(who, LISTED, filter={"kinds": ["DATASET"], **where}))["assets"]
    assert page["totalCount"] == len(page["nodes"])
    return {node["name"] for node in page["nodes"]}


@pytest.mark.parametrize("who", ["root", "ada", "bo"])
async def test_the_filter_finds_what_the_field_returns(api: Api, who: str) -> None:
    """For each state, the filter finds the assets whose field has the state, and its negation all others."""
    nodes = (await api.ask(who, FIELD))["assets"]["nodes"]
    status = {node["name"]: node["health"] and node["health"]["status"] for node in nodes}
    for state in STATES:
        wanted = {name for name, known in status.items() if known == state}
        assert await listed(api, who, health=[state]) == wanted
        assert await listed(api, who, **{"not": {"health": [state]}}) == {*status} - wanted
    several = {name for name, known in status.items() if known in {"UNHEALTHY", "DEGRADED"}}
    assert await listed(api, who, health=["UNHEALTHY", "DEGRADED"]) == several
    assert await listed(api, who, health=[]) == set()


async def test_callers_find_different_assets(api: Api) -> None:
    """The owning team finds a draft and an effect of a hidden source, and another team finds neither."""
    assert await listed(api, "ada", health=["UNHEALTHY", "DEGRADED"]) == {"bad", "below", "secret", "draft", "orders"}
    assert await listed(api, "bo", health=["UNHEALTHY", "DEGRADED"]) == {"bad", "below"}
    for who, wanted in (("ada", ["orders"]), ("bo", [])):
        found = await api.ask(who, SEARCHED, filter={"kinds": ["DATASET"], "health": ["DEGRADED"]})
        assert [hit["asset"]["name"] for hit in found["search"]["hits"]["nodes"]] == wanted


async def test_the_candidates_are_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """More assets than the limit are refused; those that the rest of the filter excludes do not count."""
    monkeypatch.setattr(health_filter, "MAX_CANDIDATES", 2)
    body = await api.send("ada", LISTED, filter={"kinds": ["DATASET"], "health": ["UNHEALTHY"]})
    assert body["errors"][0]["extensions"].items() >= {"code": "LIMIT_EXCEEDED", "limit": 2}.items()
    ids = [urn("dataset", name) for name in ("bad", "good")]
    assert await listed(api, "ada", health=["UNHEALTHY"], ids=ids) == {"bad"}
