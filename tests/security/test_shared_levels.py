"""Reads of one level by many resolvers: the work of each is short, and that of all in one iteration is not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import pytest
from support.documents.change_plans import planned
from support.loop_iterations import LoopIterations
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests

from app.graph.reading import reader, used_assets
from app.graph.reading.access.row_conditions import RowConditions
from app.graph.reading.level.level_batcher import LevelResponse
from app.graph.reading.listing_pages import ListingPages
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.fields import relation_fields
from graphql_schema.observability import asset_sources
from graphql_schema.ports.turns import loop_turns
from graphql_schema.scene import grouping

DATASETS = 30
ROOTS = [f"mlg://dataset/test/default/d{number}" for number in range(DATASETS)]
DOMAIN = "mlg://domain/catalog/default/shared"


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return an API without a graph cache, with datasets."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys"), MLG_CACHE_MB="0") as api:
        old = {"sourceCreatedAt": "2020-01-01T00:00:00Z"}
        await api.load({"domain": {"name": "shared"}})
        await api.load(*({"dataset": {"id": each, "domain": DOMAIN, **old}} for each in ROOTS))
        yield api


async def test_the_records_of_a_level_are_examined_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of walks get the same level: if each examined its records, the loop would be held for the product."""
    examined, requests = list[int](), ObservedRequests()
    unknown = VisibleRows._unknown  # noqa: SLF001 - the work that is counted

    def noted(rows: VisibleRows, response: LevelResponse) -> list[int]:
        examined.append(len(response.records))
        return unknown(rows, response)

    monkeypatch.setattr(VisibleRows, "_unknown", noted)
    api.client.observers.append(requests)
    try:
        await api.ask("bo", "{ assets(first: 30, filter: {kinds: [DATASET]}) { nodes { health { status } } } }")
    finally:
        api.client.observers.remove(requests)
    assert max(examined) >= DATASETS
    assert len(examined) <= len(requests.reports)


async def test_the_listings_of_a_level_are_made_in_turns(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of teams has hundreds of listings, whose conditions take some 0.3 ms each."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)  # each listing is a turn
    iterations = LoopIterations()
    for name in ("_index_queries", "_page"):
        monkeypatch.setattr(ListingPages, name, iterations.observed(name, getattr(ListingPages, name)))
    monkeypatch.setattr(RowConditions, "mask", iterations.observed("mask", RowConditions.mask))
    listings = " ".join(
        f'a{n}: assets(first: 1, filter: {{name: {{prefix: "d{n}"}}}}) {{ totalCount }}' for n in range(6)
    )
    async with iterations.counting():
        await api.ask("bo", f"{{ {listings} }}")
    assert {name: len(found) for name, found in iterations.of.items()} == {"mask": 6, "_index_queries": 6, "_page": 6}


@pytest.mark.parametrize(
    ("module", "name", "query"),
    [
        (reader, "health_of", "assets(first: 1, filter: {kinds: [DATASET], health: [HEALTHY]}) { nodes { id } }"),
        (
            relation_fields,
            "last_recorded",
            "assets(first: 30, filter: {kinds: [DATASET]}) { nodes { domain { name } } }",
        ),
        (grouping, "last_recorded", f"scene(roots: {json.dumps(ROOTS)}, groupBy: [DOMAIN]) {{ total }}"),
        (used_assets, "_shows_uses", "assets(first: 1, filter: {unusedForDays: 30}) { nodes { id } }"),
        (asset_sources, "_subjects", "assets(first: 30, filter: {kinds: [DATASET]}) { nodes { sources { source } } }"),
        (asset_sources, "_of_asset", "assets(first: 30, filter: {kinds: [DATASET]}) { nodes { sources { source } } }"),
    ],
)
async def test_what_one_resolver_reads_begins_in_turns(
    api: Api, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, query: str
) -> None:
    """A filter has one walk for each of hundreds of assets: if all began in one iteration, it would last long.

    While a turn is not over they begin together, and in any case a level is one request.
    """
    requests = ObservedRequests()
    api.client.observers.append(requests)
    counts = list[int]()
    try:
        for seconds in (1e9, -1.0):
            requests.reports.clear()
            with monkeypatch.context() as patched:
                patched.setattr(loop_turns, "TURN_SECONDS", seconds)
                iterations = LoopIterations()
                patched.setattr(module, name, iterations.observed(name, getattr(module, name)))
                async with iterations.counting():
                    await api.ask("bo", f"{{ {query} }}")
            counts += [len(iterations.of[name]), len(requests.reports)]
    finally:
        api.client.observers.remove(requests)
    assert counts == [1, counts[1], DATASETS, counts[1]]


@asynccontextmanager
async def scheduled(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[int]]:
    """Yield a list with the greatest number of callbacks that one iteration of the event loop has scheduled."""
    loop, most, count = asyncio.get_running_loop(), [0], [0]
    call_soon = loop.call_soon

    def counting(*arguments: Any, **options: Any) -> asyncio.Handle:
        count[0] += 1
        return call_soon(*arguments, **options)

    async def compare() -> None:
        while True:
            most[0], count[0] = max(most[0], count[0]), 0
            await asyncio.sleep(0)

    monkeypatch.setattr(loop, "call_soon", counting)
    comparing = asyncio.create_task(compare())
    try:
        yield most
    finally:
        comparing.cancel()


async def test_walks_that_share_a_level_wake_once_for_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wake-up for each asset of the level and each walk would be hundreds of thousands of callbacks at once."""
    sources, walks = 300, 20
    hub = "mlg://dataset/test/default/hub"
    await api.load({"dataset": {"id": hub, "derivedFrom": [f"{hub}-{number}" for number in range(sources)]}})
    await api.load(*({"dataset": {"id": f"{hub}-below-{number}", "derivedFrom": [hub]}} for number in range(walks)))
    ids = [f"{hub}-below-{number}" for number in range(walks)]
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Dataset { health { status } } } }"
    async with scheduled(monkeypatch) as most:
        found = await api.ask("bo", document, ids=ids)
    assert len(found["nodes"]) == walks
    assert most[0] < sources


async def test_records_that_name_the_same_assets_wake_once_for_them(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of objects of a level have the same plan, or plans of the same hundred roots."""
    for number in range(5):
        await planned(api, "root", *ROOTS[number:])
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Dataset { changePlans { nodes { roots { id } } } } } }"
    async with scheduled(monkeypatch) as most:
        found = await api.ask("bo", document, ids=ROOTS)
    assert sum(len(each["changePlans"]["nodes"]) for each in found["nodes"]) == 5 * DATASETS - 10
    assert most[0] < 10 * DATASETS
