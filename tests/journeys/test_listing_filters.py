"""Filters by risk tier, property and cost, and orders by cost and last use, under the policy of their fields."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from support.documents.observability import recorded
from support.estates.owned_items import owned, team, urn
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph
from support.today import TODAY, skip_after_midnight

FOUND = """query ($filter: AssetFilter, $order: AssetOrder, $first: Int!, $after: Cursor) {
  assets(filter: $filter, orderBy: $order, first: $first, after: $after) {
    nodes { name } pageInfo { hasNextPage endCursor } } }"""
COSTS: dict[str, float | None] = {"free": None, "half": 0.5, "one": 1, "tenth": 0.1, "two": 2.25, "zero": 0}
DRAFT = {"stage": "DRAFT"}
DAYS = {"both": {"ads": 9, "shop": 2}, "service": {"shop": 4}, "people": {"ads": 3}, "back": {"ads": 1}}
"""The days before today on which a team, and a service, used a dataset."""


def given(**values: str) -> list[dict[str, str]]:
    """Return free properties."""
    return [{"key": key, "value": text} for key, text in values.items()]


def costing(cost: float | None) -> dict[str, Any]:
    """Return the values of a run with a cost, or without one."""
    return {} if cost is None else {"costUsd": cost}


@pytest.fixture(scope="module")
async def estate(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over models, runs and datasets of team ranking; drafts hide their fields from bo."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        await api.load(
            owned("model", "high", riskTier="HIGH", properties=given(region="eu", tier="gold")),
            owned("model", "low", riskTier="LOW", properties=given(region="us")),
            owned("model", "none", properties=given(region="eu")),
            owned("model", "draft", riskTier="HIGH", properties=given(region="eu"), **DRAFT),
            *(owned("run", name, state="COMPLETE", **costing(cost)) for name, cost in COSTS.items()),
            owned("run", "secret", state="COMPLETE", costUsd=1.5, **DRAFT),
            owned("service", "shop", "ads"),
            *(owned("dataset", name) for name in (*DAYS, "never")),
        )
        yield api


async def found(api: Api, who: str, where: dict[str, Any], order: str = "NAME", first: int = 500) -> str:
    """Return the names of the assets that match a filter, page by page."""
    after, names = None, []
    field, _, direction = order.partition(" ")
    by = {"field": field, "direction": direction or "ASC"}
    while True:
        variables = {"filter": where, "order": by, "first": first, "after": after}
        page = (await api.ask(who, FOUND, **variables))["assets"]
        names += [node["name"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return " ".join(names)
        after = page["pageInfo"]["endCursor"]


async def refused(api: Api, who: str, where: dict[str, Any], order: str | None = None) -> str:
    """Return code and message of the error of a list."""
    variables = {"filter": where, "first": 5, "order": order and {"field": order}}
    (error,) = (await api.send(who, FOUND, **variables))["errors"]
    return f"{error['extensions']['code']}: {error['message']}"


async def test_risk_tiers(estate: Api) -> None:
    """Models are found by their tier, drafts by their owners only; `not` finds models without a visible tier."""
    models = {"kinds": ["MODEL"]}
    assert await found(estate, "ada", {**models, "riskTiers": ["HIGH"]}) == "draft high"
    assert await found(estate, "bo", {**models, "riskTiers": ["HIGH", "LOW"]}) == "high low"
    assert await found(estate, "bo", {**models, "not": {"riskTiers": ["HIGH"]}}) == "draft low none"
    assert await found(estate, "ada", {"riskTiers": []}) == ""


async def test_properties(estate: Api) -> None:
    """Assets are found by key and value together, with the properties that the viewer may see."""
    region: dict[str, Any] = {"property": {"key": "region", "eq": "eu"}}
    assert await found(estate, "ada", region) == "draft high none"
    assert await found(estate, "bo", region) == "high none"
    gold = {"property": {"key": "tier", "eq": "gold"}}
    assert await found(estate, "ada", {"and": [region, gold]}) == "high"
    assert await found(estate, "ada", {"property": {"key": "tier", "eq": "eu"}}) == ""
    assert await found(estate, "bo", {"kinds": ["MODEL"], "not": region}) == "draft low"


async def test_a_changed_property_is_found_by_its_new_value(estate: Api) -> None:
    """A registration replaces the properties by which an asset is found."""
    await estate.load(owned("dataset", "moved", properties=given(site="a")))
    await estate.load(owned("dataset", "moved", properties=given(site="b")))
    assert await found(estate, "ada", {"property": {"key": "site", "eq": "b"}}) == "moved"
    assert await found(estate, "ada", {"property": {"key": "site", "eq": "a"}}) == ""


async def test_cost_above(estate: Api) -> None:
    """Runs are found above an exact amount; a hidden cost is above none."""
    assert await found(estate, "ada", {"costAbove": 0}) == "half one secret tenth two"
    assert await found(estate, "ada", {"costAbove": 0.1}) == "half one secret two"
    assert await found(estate, "bo", {"costAbove": 1, "kinds": ["RUN"]}) == "two"
    assert (await refused(estate, "ada", {"costAbove": 1, "kinds": ["MODEL"]})).startswith(
        "INVALID: `costAbove` is about"
    )


@pytest.mark.parametrize("first", [1, 2, 500])
async def test_the_order_by_cost(estate: Api, first: int) -> None:
    """Runs are ordered by cost over pages, without a cost as 0; a run that hides its cost comes last."""
    runs = {"kinds": ["RUN"]}
    assert await found(estate, "ada", runs, "COST", first) == "free zero tenth half one secret two"
    assert await found(estate, "ada", runs, "COST DESC", first) == "two secret one half tenth zero free"
    assert await found(estate, "bo", runs, "COST DESC", first) == "two one half tenth zero free secret"
    assert (await refused(estate, "ada", {}, "COST")).startswith(
        "INVALID: `orderBy: COST` needs `filter: {kinds: [RUN]}`"
    )


@pytest.mark.parametrize("first", [1, 500])
async def test_the_order_by_last_use(estate: Api, first: int) -> None:
    """The order is that of `usage.lastUsedAt`, and follows a correction; the viewer must see every consumer."""
    skip_after_midnight()
    consumers = {"ads": team("ads"), "shop": urn("service", "shop")}
    uses = [
        {"asset": urn("dataset", name), "consumer": consumers[by], "day": f"{TODAY - timedelta(days=back)}", "reads": 1}
        for name, days in DAYS.items()
        for by, back in days.items()
    ]
    later = {**uses[-1], "day": f"{TODAY}"}
    for batch in ([*uses, later], [{**later, "reads": 0}]):
        assert (await recorded(estate, "root", *batch))["errors"] == []
    data = {"ids": [urn("dataset", name) for name in (*DAYS, "never")]}
    assert await found(estate, "root", data, "LAST_USED", first) == "never service people both back"
    assert await found(estate, "root", data, "LAST_USED DESC", first) == "back both people service never"
    for who in ("ada", "bo"):
        message = await refused(estate, who, {}, "LAST_USED")
        assert message.startswith("INVALID: `orderBy: LAST_USED` would include usage by services that may be hidden")
