"""What an operation had is freed at its end, also if it is ended while it reads."""

import gc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from support.servers.in_process import REGISTER, Api, observes_one_process, open_api
from support.servers.websocket_client import connected, serving
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.waiting import until

from app.http.websocket.subscription_socket import SubscriptionHandler
from graphql_schema.ports import operation_budget
from graphql_schema.ports.operation_budget import MANY_ROWS
from graphql_schema.ports.row import Row
from policies.errors import LimitError

TEAM = "mlg://team/catalog/default/ranking"
DATASETS = 30
ATTEMPTS = 3
WIDE = "{ assets(first: 30) { nodes { id ownerTeam { assets(first: 30) { nodes { id displayName kind } } } } } }"
HEALTHY = (
    "{ assets(filter: {kinds: [DATASET], health: [HEALTHY, UNKNOWN]}, first: 30) { nodes { id health { status } } } }"
)

USED = (
    "{ assets(first: 30) { nodes { ownerTeam { usage { reads } consumption { reads } incidents { totalCount } } } } }"
)

LINEAGE = """{ asset(id: "mlg://dataset/test/default/d0") { lineage(direction: UPSTREAM) { nodes { depth } }
  impact { assets { totalCount } } health { status } } }"""
VERSIONS = """{ asset(id: "mlg://model/test/default/m") { ... on Model { versions(first: 2) { nodes { id } } }
  health { status } lineage(direction: UPSTREAM) { nodes { depth } } } }"""


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return an API without a graph cache, with datasets of one team."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys"), MLG_CACHE_MB="0") as api:
        names = (f"mlg://dataset/test/default/d{number}" for number in range(DATASETS))
        await api.load(*({"dataset": {"id": each, "owners": [{"owner": TEAM}]}} for each in names))
        yield api


def living_rows() -> int:
    """Return the number of rows in memory."""
    return sum(type(each) is Row for each in gc.get_objects())


@observes_one_process
@pytest.mark.parametrize("document", [WIDE, HEALTHY, USED], ids=["lists", "health", "usage"])
@pytest.mark.parametrize("many_rows", [MANY_ROWS, 0], ids=["at once", "in turns"])
async def test_what_an_ended_operation_read_is_freed(
    api: Api, monkeypatch: pytest.MonkeyPatch, document: str, many_rows: int
) -> None:
    """An operation that is ended while it reads keeps no row either, though its errors refer to its frames."""
    opened, contexts = api.contexts.open, list[Any]()

    def remembered(*given: Any) -> Any:
        contexts.append(opened(*given))
        return contexts[-1]

    class Ends(ObservedRequests):
        """Ends the operation at its second request."""

        def exchanged(self, exchange: Any) -> None:
            """Count the request, and end the operation."""
            super().exchanged(exchange)
            if len(self.reports) == 2:
                contexts[-1].budget.end(LimitError("Too late."))

    await api.send("bo", document)  # reads the teams of the caller, too
    monkeypatch.setattr(operation_budget, "MANY_ROWS", many_rows)
    monkeypatch.setattr(type(api.contexts), "open", lambda _self, *given: remembered(*given))
    gc.collect()
    before = living_rows()
    ends = Ends()
    api.client.observers.append(ends)
    gc.disable()
    try:
        body = await api.send("bo", document)
        assert body["errors"][0]["message"] == "Too late."
        contexts.clear()
        await until(lambda: living_rows() == before)
    finally:
        gc.enable()
        api.client.observers.remove(ends)


@observes_one_process
@pytest.mark.parametrize(
    "send",
    [
        lambda api: api.send("bo", WIDE),
        lambda api: api.send("bo", "query A($n: Int) { assets(first: $n) { nodes { id unknown } } }", n=1),
        lambda api: api.send("bo", "query B($n: Int!) { assets(first: $n) { nodes { id } } }", n="x"),
        lambda api: api.send("bo", 'query C { a: asset(id: "x") { id } b: asset(id: "y") { id } }'),
        lambda api: api.load(*({"dataset": {"id": f"mlg://dataset/test/default/d{n}"}} for n in range(9))),
        lambda api: api.send("bo", 'mutation { deleteAsset(asset: "mlg://dataset/test/default/d0") { revision } }'),
    ],
    ids=["query", "unknown field", "wrong variable", "errors", "mutation", "denied"],
)
async def test_an_operation_leaves_no_cycle(api: Api, send: Callable[[Api], Awaitable[object]]) -> None:
    """What an operation had is freed at its end: in a cycle, it would wait for a collection.

    One that is alive during a collection is not visited again, so its cycles would stay in memory.
    """
    await leaves_no_cycle(api, send)


@observes_one_process
@pytest.mark.parametrize(
    ("document", "limits"),
    [
        (USED, {"app.graph.reading.listing_pages.PART_BYTES": 10}),
        (USED, {"app.graph.reading.level.level_batcher.EDGE_CAP": 5}),
        (HEALTHY, {"app.graph.reading.level.level_batcher.EDGE_CAP": 5}),
        (LINEAGE, {"app.graph.reading.level.level_batcher.EDGE_CAP": 5}),
        (VERSIONS, {"app.graph.reading.level.level_batcher.EDGE_CAP": 2}),
    ],
    ids=["large parts", "usage", "health", "lineage", "versions"],
)
async def test_a_refused_read_leaves_no_cycle(
    api: Api, monkeypatch: pytest.MonkeyPatch, document: str, limits: dict[str, int]
) -> None:
    """An error that ends a request to the store, after which less is read, reaches no result and no other caller."""
    model = "mlg://model/test/default/m"
    versions = [{"modelVersion": {"id": f"mlg://model-version/test/default/m@{n}", "model": model}} for n in range(4)]
    datasets = [f"mlg://dataset/test/default/d{number}" for number in range(DATASETS)]
    run = {"id": "mlg://run/test/default/r", "state": "COMPLETE", "inputs": datasets[1:], "outputs": datasets[:1]}
    await api.load({"model": {"id": model}}, *versions, {"run": run})
    for path, limit in limits.items():
        monkeypatch.setattr(path, limit)
    await leaves_no_cycle(api, lambda each: each.send("bo", document))


@observes_one_process
@pytest.mark.parametrize(
    "limits",
    [
        {"app.graph.writing.call_batch.MAX_WRITE_COST": 10},
        {"app.graph.writing.group_commit.MAX_TRANSACTION_BYTES": 10},
        {"app.graph.writing.group_commit.MAX_GROUP_BYTES": 10},
        {"app.graph.commits.reads.read_limits.MAX_SIZE": 10},
        {"app.graph.commits.reads.read_limits.FEW_SIZE": 10},
        {"app.graph.commits.reads.read_limits.FEW_SIZE": 10, "app.graph.commits.reads.read_limits.MAX_AHEAD": 1},
        {"app.graph.writing.plan_time.MAX_ATOMIC_SECONDS": -1},
        {"app.graph.writing.group_plan.MAX_ROUNDS": 1},
    ],
    ids=["cost", "characters", "characters of several", "read", "few", "ahead", "seconds", "rounds"],
)
@pytest.mark.parametrize("atomic", [True, False])
async def test_a_refused_write_leaves_no_cycle(
    api: Api, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], *, atomic: bool
) -> None:
    """The error of a transaction refers to what it had read and encoded, megabytes of texts in few objects."""
    for name, limit in limits.items():
        monkeypatch.setattr(name, limit)
    text = f"text {sorted(limits)} {atomic}"

    async def send(_: Api) -> object:
        datasets = [{"id": f"mlg://dataset/test/default/d{n}", "description": text} for n in (1, 2)]
        items = [{"dataset": each} for each in datasets]
        return await api.send("root", REGISTER, input={"items": items, "atomic": atomic})

    await leaves_no_cycle(api, send)


@observes_one_process
@pytest.mark.parametrize(
    "body",
    [b'[{"a": "b"}, {}]', b"[1, {}]", b"{", b'[{"eventTime": "2026-01-01T00:00:00Z"}]'],
    ids=["rejected", "no events", "malformed", "no type"],
)
async def test_rejected_events_leave_no_cycle(api: Api, body: bytes) -> None:
    """An event may have megabytes of text, of which a compressed request has a few kilobytes."""

    async def send(_: Api) -> object:
        headers = {"Authorization": f"Bearer {api.tokens['ada']}", "Content-Type": "application/json"}
        response = await api.http.post("/api/v1/lineage/batch", content=body, headers=headers)
        return response.content

    await leaves_no_cycle(api, send)


@observes_one_process
@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/graphql", b"{", {}),
        ("/graphql", b'{"query": "{ assets( }"}', {}),
        ("/graphql", b'{"query": "query A { a } query B { b }"}', {}),
        ("/graphql", b'{"query": "{ assets(first: 100000) { nodes { id } } }"}', {}),
        ("/graphql", b'{"query": "{ asset(id: 1) { id } node(id: \\"x\\") { id } }"}', {}),
        ("/graphql", b'{"query": "{ assets(after: \\"x\\") { nodes { id } } }"}', {}),
        ("/graphql", b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}', {}),
        ("/graphql", b"x" * 5_000_000, {}),
        ("/graphql", b"x", {"Content-Encoding": "gzip"}),
        ("/graphql", b"{}", {"Content-Type": "text/plain"}),
        ("/graphql", b"{}", {"Authorization": "Bearer a.b.c"}),
        ("/graphql", b'{"query": "{ assets { nodes { id } } }"}', {"Traceparent": "x", "Prefer": "policy=x"}),
        ("/api/v1/thin-events", b'{"source": "x"}', {}),
        ("/api/v1/absent", b"{}", {}),
        ("/absent", b"{}", {}),
    ],
)
async def test_a_refused_request_leaves_no_cycle(api: Api, path: str, body: bytes, headers: dict[str, str]) -> None:
    """No part of the application keeps anything of what it refuses."""

    async def send(_: Api) -> object:
        given = {"Authorization": f"Bearer {api.tokens['ada']}", "Content-Type": "application/json", **headers}
        return (await api.http.post(path, content=body, headers=given)).content

    await leaves_no_cycle(api, send)


async def test_a_connection_with_a_token_leaves_no_cycle(api: Api) -> None:
    """Its timer for the end of the token would lead back to it, for each page of the explorer that is closed."""

    def handlers() -> int:
        return sum(type(each) is SubscriptionHandler for each in gc.get_objects())

    async with serving(api.app) as address:
        gc.collect()
        gc.disable()
        try:
            async with connected(address, api.tokens["ada"]) as talk:
                await talk.send(type="ping")
                assert await talk.receive() == {"type": "pong"}
                assert handlers() == 1
            await until(lambda: handlers() == 0)
        finally:
            gc.enable()


async def leaves_no_cycle(api: Api, send: Callable[[Api], Awaitable[object]]) -> None:
    """Send something again and again, and check that it leaves no object that only a collection frees.

    What it leaves, it leaves each time. An idle connection to the store that is closed meanwhile leaves a cycle of
    asyncio, but only once.
    """
    await send(api)
    for _ in range(ATTEMPTS):
        left = await _left_by(api, send)
        if not left:
            break
    assert left == {}


async def _left_by(api: Api, send: Callable[[Api], Awaitable[object]]) -> Counter[str]:
    """Return the types of the objects that only a collection frees after something is sent."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        await send(api)
        gc.collect()
        return Counter(type(each).__qualname__ for each in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
