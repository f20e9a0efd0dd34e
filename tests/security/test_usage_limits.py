"""What an operation may read and return is counted while it runs, also where its price is small."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.reading.level.level_statement import LEVEL
from graphql_schema.ports.operation_budget import UsageLimits


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return an API without a graph cache, with some teams."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys"), MLG_CACHE_MB="0") as api:
        await api.load(*({"team": {"name": f"team{number}"}} for number in range(TEAMS)))
        yield api


TEAMS = 10
LONG = {"ids": ["x" * 1_000 + str(number) for number in range(500)]}
PAIRS = [{"or": [{"name": {"eq": f"a{number}"}}, {"name": {"eq": f"b{number}"}}]} for number in range(7)]
PAGES = " ".join(
    f"a{number}: assets(filter: $f, first: {number}) {{ pageInfo {{ hasNextPage }} }}" for number in range(30)
)
SEARCH = 'query ($f: AssetFilter) { search(text: "churn", filter: $f) { hits { nodes { asset { id } } } } }'
ONE = "query ($f: AssetFilter) { assets(filter: $f) { totalCount } }"
LISTED = f"query ($f: AssetFilter) {{ {PAGES} }}"
BELOW = f"query ($f: AssetFilter) {{ teams(first: 500) {{ nodes {{ {PAGES} }} }} }}"


@pytest.mark.parametrize(
    ("query", "where", "limit"),
    [
        (LISTED, {"or": [{**LONG, "and": PAIRS}, {"ids": []}]}, "filter"),
        (SEARCH, {"or": [{**LONG, "and": PAIRS}, {"ids": []}]}, "filter"),
        (BELOW, LONG, "filters"),
        (BELOW, {"name": {"eq": "x"}}, "listings"),
    ],
    ids=["alternatives", "search", "long filters", "many lists"],
)
async def test_what_the_index_cannot_bear_is_refused(
    api: Api, query: str, where: dict[str, Any], limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alternatives repeat a list of ids, and objects repeat a filter: 503 KB of request were 3.9 GB for the store."""
    if limit == "listings":
        monkeypatch.setattr("app.runtime.operation_context.UsageLimits", lambda: UsageLimits(listings=10 * TEAMS))
    sent = ObservedRequests()
    api.client.observers.append(sent)
    try:
        response = await api.send("bo", query, f=where)
    finally:
        api.client.observers.remove(sent)
    error = response["errors"][0]
    assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("LIMIT_EXCEEDED", limit)
    assert "several requests" in error["message"]
    listings = [report for report in sent.reports if report.prepared is LEVEL]
    assert len(listings) <= ("teams" in query)


async def test_hundreds_of_lists_are_read_in_parts(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store does not interrupt a request, so none has more than 100 of the lists below ten teams."""
    sent: list[int] = []
    submit = GremlinClient.submit

    async def noted(client: GremlinClient, text: Any, bindings: Any, **given: Any) -> Any:
        sent.append(len(bindings.get("listings", ())))
        return await submit(client, text, bindings, **given)

    monkeypatch.setattr(GremlinClient, "submit", noted)
    document = BELOW.replace("pageInfo { hasNextPage }", "nodes { id }").replace("first: 500", "first: 10")
    teams = (await api.ask("bo", document, f={"kinds": ["MODEL"]}))["teams"]["nodes"]
    assert teams == [{f"a{number}": {"nodes": []} for number in range(30)}] * 10
    assert sum(sent) == 1 + 10 * 30
    assert max(sent) <= 100


async def test_the_longest_filter_is_answered(api: Api) -> None:
    """The limits admit a list of the greatest permitted length, and a page of objects with a list each."""
    assert (await api.ask("bo", ONE, f=LONG))["assets"]["totalCount"] == 0
    document = "{ teams(first: 500) { nodes { assets { totalCount nodes { id } } } } }"
    assert len((await api.ask("bo", document))["teams"]["nodes"]) >= TEAMS


@pytest.mark.parametrize("limit", ["values", "characters"])
async def test_nulls_under_long_aliases_count(api: Api, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of unstated size has a small price; the null of each alias is a value, and its key has characters."""
    urn = "mlg://dataset/test/default/wide"
    await api.load({"dataset": {"id": urn, "columns": [{"name": f"c{number}"} for number in range(40)]}})
    aliases = [f"{'a' * 60}{number}" for number in range(30)]
    selected = " ".join(f"{alias}: nullable" for alias in aliases)
    query = f'{{ node(id: "{urn}") {{ ... on Dataset {{ columns {{ {selected} }} }} }} }}'
    assert (await api.ask("ada", query))["node"]["columns"] == [dict.fromkeys(aliases)] * 40
    used = {"values": 1 + 30 * 40, "characters": len("columns") + 40 * sum(map(len, aliases))}[limit]
    for maximum, code in ((used, None), (used - 1, "LIMIT_EXCEEDED")):
        limits = UsageLimits(**{limit: maximum})
        monkeypatch.setattr("app.runtime.operation_context.UsageLimits", lambda limits=limits: limits)
        [error] = (await api.send("ada", query)).get("errors", [{"extensions": {"code": None, "limit": limit}}])
        assert (error["extensions"]["code"], error["extensions"]["limit"]) == (code, limit)
