"""Warm responses over the demo estate: equal as bytes to those without a graph cache, and the cache stays as it was."""

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import httpx2
import pytest
from support.estates.demo_estate import open_demo
from support.servers.in_process import Api, observes_one_process
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests

from app.graph.cache.graph_cache import GraphCache
from app.graph.commits.state_read import read_records
from app.graph.reading.level.hop_plan import SOURCES_GIVEN, HopSpec
from app.graph.reading.level.level_batcher import LevelBatcher, LevelRequest, LevelResponse
from app.graph.reading.level.level_statement import LEVEL
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.inferred_edge import LABEL
from app.graph.records.read_time import ReadTime
from app.graph.records.touched import EVERYTHING
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.relations import RELATIONS

ALL = "{ assets(first: 500) { totalCount nodes { id } } }"

DOCUMENTS = {
    "nested": """{ assets(filter: {kinds: [MODEL]}, first: 50) { totalCount nodes { id displayName tags { tag { name } }
      owners { ownership inherited owner { ... on Team { name } ... on User { email } } }
      ... on Model { latestVersion { version } services { totalCount nodes { name } } versions(first: 4) { totalCount
        nodes { version stage metrics { value } trainedOn(first: 2) { totalCount pageInfo { hasNextPage endCursor }
          nodes { displayName owners { owner { ... on Team { name } } } } } } } } } } }""",
    "lineage": """{ assets(first: 12, filter: {kinds: [DATASET, MODEL_VERSION]}) { nodes { id
      upstream { totalCount nodes { relation asset { id } } }
      down: downstream(first: 3) { nodes { relation edgeId asset { id displayName } } }
      health { status causes { depth asset { id } } }
      history(first: 3) { nodes { at action fields { field } } } } } }""",
    "people": "{ teams { nodes { name parent { name } members { nodes { email teams { name } } } } } }",
    "search": '{ search(text: "churn", first: 20) { hits { totalCount nodes { asset { id displayName } } } } }',
}
PERSONAS = ("root", "ada", "bo")


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Run the API over the demo estate, whose jobs are done."""
    async with open_demo(module_graph, tmp_path_factory.mktemp("keys")) as api:
        await api.wait_for_jobs()
        yield api


def cache_of(api: Api) -> GraphCache:
    """Return the graph cache, which is on."""
    cache = api.contexts.graph_cache
    assert cache is not None
    return cache


async def sent(api: Api, who: str, document: str, **variables: Any) -> tuple[bytes, int]:
    """Return the bytes of a response and the number of levels that were read from the store."""
    api.client.observers.append(requests := ObservedRequests())
    try:
        response: httpx2.Response = await api.http.post(
            "/graphql",
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {api.tokens[who]}"},
        )
    finally:
        api.client.observers.remove(requests)
    assert "errors" not in response.json(), response.json()
    return response.content, requests.texts[LEVEL.text]


@observes_one_process
@pytest.mark.parametrize("who", PERSONAS)
@pytest.mark.parametrize("name", DOCUMENTS)
async def test_cold_and_warm_responses_are_equal(api: Api, name: str, who: str) -> None:
    """A response is the same without cache, cold and warm; a list that has no history is warm without any request."""
    with api.without_cache():
        plain, levels = await sent(api, who, DOCUMENTS[name])
    cold, most = await sent(api, who, DOCUMENTS[name])
    warm, again = await sent(api, who, DOCUMENTS[name])
    assert cold == warm == plain
    assert again <= most <= levels
    assert (again == 0) == (name != "lineage")


async def test_concurrent_readers_share_the_cache(api: Api) -> None:
    """Readers of different rights at once, cold: each gets what it gets alone."""
    with api.without_cache():
        alone = [await sent(api, who, document) for document in DOCUMENTS.values() for who in PERSONAS]
    cache_of(api).begun(EVERYTHING)
    cache_of(api).ended(EVERYTHING, certain=True)
    together = await asyncio.gather(*(sent(api, who, each) for each in DOCUMENTS.values() for who in PERSONAS))
    assert [body for body, _ in together] == [body for body, _ in alone]


async def test_a_write_is_read_at_once(api: Api) -> None:
    """What a client has written is in its next response, whatever was read before."""
    urn = "mlg://dataset/test/default/fresh"
    query = "query ($id: ID!) { asset(id: $id) { description upstream { nodes { asset { id } } } } }"
    for number in range(5):
        source = f"mlg://dataset/test/default/source{number}"
        await api.load({"dataset": {"id": urn, "description": f"{number}", "derivedFrom": [source]}})
        found = (await api.ask("root", query, id=urn))["asset"]
        assert found["description"] == f"{number}"
        assert [each["asset"]["id"] for each in found["upstream"]["nodes"]] == [source]


async def test_no_reader_changes_what_is_shared(api: Api) -> None:
    """After all documents, each record and edge of the cache equals the stored one."""
    for document in DOCUMENTS.values():
        for who in PERSONAS:
            await sent(api, who, document)
    nodes = (await api.ask("root breaking glass", ALL))["assets"]["nodes"]
    vids = [vertex_id("default", node["id"]) for node in nodes]
    stored = await read_records(api.client, vids)
    cached = dict(zip(vids, cache_of(api).records(vids), strict=True))
    assert {vid: record for vid, record in cached.items() if record} == {
        vid: record for vid, record in stored.items() if cached[vid]
    }
    assert sum(map(bool, cached.values())) > len(vids) / 2
    over_cache, afresh = [await _edges(api, vids, cache) for cache in (cache_of(api), None)]
    assert over_cache == afresh


async def _edges(api: Api, vids: list[int], cache: GraphCache | None) -> Any:
    """Return the edges of vertices over each relation, in both directions."""
    batcher = LevelBatcher(api.client, "default", ReadTime(epoch_milliseconds()), cache=cache)
    hops = [
        HopSpec(direction, (label,), (), SOURCES_GIVEN).wire(vids)
        for label in (*RELATIONS, *LABEL.values())
        for direction in ("out", "in")
    ]
    found: LevelResponse = await batcher.fetch(LevelRequest(hops=hops))
    return deepcopy(found.edges)
