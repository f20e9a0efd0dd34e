"""One caller cannot stop the API for the others: cost, budgets, deadlines, and clients that leave."""

import asyncio
import gc
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import fields
from functools import partialmethod
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from starlette.types import Message, Scope
from support.loop_iterations import LoopIterations
from support.servers.in_process import Api, observes_one_process, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.received_rows import received_rows
from support.waiting import until

from app.graph.commits.write_set import WriteSet
from app.graph.reading.computed.computed_conditions import ComputedConditions
from app.graph.reading.level import level_batcher
from app.graph.writing.batch_planner import plan_item
from app.graph.writing.prefetch import PrefetchRequest
from graphql_schema.inputs.declared_edges import edge_steps
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from graphql_schema.ports.row import Row
from graphql_schema.ports.turns import loop_turns
from graphql_schema.ports.turns.loop_turns import TURNS
from graphql_schema.registry.asset_input import GivenItem

TEAM = "mlg://team/catalog/default/ranking"
DATASETS = 120
NESTED = "{ assets(first: 500) { nodes { ownerTeam { assets(first: 500) { nodes { id } } } } } }"
BEHIND_TAGS = NESTED.replace("ownerTeam", "tags { tag").replace("} } } } } }", "} } } } } } }")
TYPES = "__schema { types { fields { type { fields { args { name } } } } } }"
WIDE = "{ assets(first: 120) { nodes { id ownerTeam { assets(first: 100) { nodes { id displayName kind } } } } } }"


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return an API without a graph cache, with many datasets of one team."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys"), MLG_CACHE_MB="0") as api:
        await api.load(
            *(
                {"dataset": {"id": f"mlg://dataset/test/default/d{number}", "owners": [{"owner": TEAM}]}}
                for number in range(DATASETS)
            )
        )
        yield api


async def refused(api: Api, query: str, **variables: Any) -> tuple[str, object, int]:
    """Return the code and the limit of the first error, and the number of store requests that were sent."""
    requests = ObservedRequests()
    api.client.observers.append(requests)
    try:
        body = await api.send("bo", query, **variables)
    finally:
        api.client.observers.remove(requests)
    extensions = body["errors"][0]["extensions"]
    return extensions["code"], extensions.get("limit"), requests.of_operations.total()


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        (NESTED, "objects"),
        (BEHIND_TAGS, "objects"),
        ("{" + " ".join(f"a{n}: changes {{ totalCount }}" for n in range(29)) + "}", "objects"),
        ("{" + " ".join(f"a{n}: {TYPES}" for n in range(30)) + "}", "introspection"),
        ("{ assets(first: 500) { nodes { " + "id " * 1_500 + "} } }", "values"),
    ],
    ids=["nested lists", "lists behind tags", "many counts", "introspection", "rows times fields"],
)
async def test_an_operation_that_can_return_too_much_is_refused(api: Api, query: str, limit: str) -> None:
    """The document is refused by its cost, before a request is sent to the store."""
    assert await refused(api, query) == ("LIMIT_EXCEEDED", limit, 0)


FIRST, LAST = "mlg://dataset/test/default/d0", "mlg://dataset/test/default/d1"
EQUAL_FIELDS = {
    "node": f'node(id: "{FIRST}") {{ id }}',
    "list": "assets(first: 5) { totalCount nodes { id } }",
    "teams": "teams { nodes { id } }",
    "changes": "changes(first: 5) { nodes { id } }",
    "count of changes": 'changes(filter: {until: "2100-01-01T00:00:00Z"}) { totalCount }',
    "incidents": "incidents { nodes { id } }",
    "search": 'search(text: "d1") { hits { nodes { asset { id } } } }',
    "lineage": f'lineage(roots: ["{FIRST}"], direction: DOWNSTREAM) {{ nodes {{ nodes {{ asset {{ id }} }} }} }}',
    "impact": f'impact(roots: ["{FIRST}"]) {{ total assets {{ nodes {{ asset {{ id }} }} }} }}',
    "paths": f'paths(from: "{FIRST}", to: "{LAST}") {{ paths {{ length }} }}',
    "absence": f'explainAbsence(id: "{FIRST}x") {{ reason spellings {{ asset {{ id }} }} }}',
    "missing edge": f'explainAbsence(from: "{FIRST}", to: "{LAST}") {{ reason edge {{ id }} change {{ id }} }}',
    "of one asset": f"""asset(id: "{FIRST}") {{ health {{ status }} history(first: 3) {{ totalCount nodes {{ id }} }}
      downstream {{ nodes {{ asset {{ id }} }} }} owners {{ owner {{ __typename }} }} }}""",
}


@pytest.mark.parametrize("name", EQUAL_FIELDS)
async def test_equal_fields_are_read_once(api: Api, name: str) -> None:
    """Aliases of one field with equal arguments read from the store what the field reads alone, and all get it."""
    text = EQUAL_FIELDS[name]
    answers, received = [], []
    await api.wait_for_jobs()
    for number in (1, 9):
        with received_rows(api.client) as rows:
            answers.append(await api.ask("ada", "{ " + " ".join(f"a{each}: {text}" for each in range(number)) + " }"))
        received.append((rows.texts, rows.values))
    assert received[1] == received[0]
    assert answers[1] == {f"a{each}": answers[0]["a0"] for each in range(9)}


@pytest.mark.parametrize("alternatives", [3_000, 150_000])
async def test_large_variables_are_refused_before_their_coercion(api: Api, alternatives: int) -> None:
    """A filter of many empty alternatives is refused by its size; a body of very many is not even parsed."""
    query = "query ($f: AssetFilter) { assets(filter: $f) { nodes { id } } }"
    code, _, sent = await refused(api, query, f={"or": [{}] * alternatives})
    assert (code, sent) == ("LIMIT_EXCEEDED", 0)


async def test_a_variable_in_many_places_is_refused(api: Api) -> None:
    """A literal that has a long variable many times is refused before a resolver visits it as often, for a reader."""
    query = "query ($f: AssetFilter) { assets(filter: {or: [%s]}) { nodes { id } } }" % ("$f " * 900)
    code, limit, sent = await refused(api, query, f={"or": [{"ids": ["a"]}] * 100})
    assert (code, limit, sent) == ("LIMIT_EXCEEDED", "variables", 0)
    items = " ".join(f'{{dataset: {{id: "mlg://dataset/test/default/{each}", columns: $c}}}}' for each in range(200))
    mutation = f"mutation ($c: [ColumnInput!]) {{ registerAssets(input: {{items: [{items}]}}) {{ failed }} }}"
    code, limit, sent = await refused(api, mutation, c=[{"name": f"c{each}"} for each in range(5_000)])
    assert (code, limit, sent) == ("LIMIT_EXCEEDED", "variables", 0)


@pytest.mark.parametrize(
    "limits",
    [
        UsageLimits(items=2_000),
        UsageLimits(values=2_000),
        UsageLimits(rows=200),
        UsageLimits(characters=20_000),
        UsageLimits(stored=20_000),
    ],
)
async def test_an_operation_that_returns_too_much_is_ended(
    api: Api, limits: UsageLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the estimate admits and the data exceed ends with the limit and without data."""
    opened = api.contexts.open

    def open_limited(*given: Any) -> Any:
        context = opened(*given)
        context.budget.limits = limits
        return context

    monkeypatch.setattr(type(api.contexts), "open", lambda _self, *given: open_limited(*given))
    body = await api.send("ada", WIDE)
    [name] = [each.name for each in fields(UsageLimits) if getattr(limits, each.name) != each.default]
    assert [(e["extensions"]["code"], e["extensions"]["limit"]) for e in body["errors"]] == [("LIMIT_EXCEEDED", name)]
    assert body.get("data") is None


async def test_nothing_goes_on_for_a_client_that_left(api: Api) -> None:
    """When a client leaves after the first request to the store, the second one, of the next level, is never sent."""
    viewer = "{ viewer { subject } }"
    await api.send("ada", viewer)
    of_viewer = await api.count("bo", viewer)
    left, sent = asyncio.Event(), list[Message]()

    class Leaves(ObservedRequests):
        """Makes the client leave after the first request."""

        def exchanged(self, exchange: Any) -> None:
            """Count the request, and let the client leave."""
            super().exchanged(exchange)
            if self.of_operations:
                left.set()

    messages = [{"type": "http.request", "body": json.dumps({"query": WIDE}).encode(), "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    requests = Leaves()
    api.client.observers.append(requests)
    try:
        await asyncio.create_task(api.app(_scope(api.tokens["ada"]), receive, send))
        await api.send("bo", viewer)  # a later request; what was to be sent is sent by now
    finally:
        api.client.observers.remove(requests)
    assert (requests.of_operations.total() - of_viewer, sent) == (1, [])


@observes_one_process
async def test_who_leaves_and_comes_again_does_not_occupy_the_store(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store goes on when a client has left: four queries of a caller run at once, of which three are in the store.

    Another caller is served meanwhile, and the caller when the store is done.
    """
    await asyncio.gather(*(api.send(who, "{ viewer { subject } }") for who in ("ada", "bo")))
    done, left, sent = asyncio.Event(), asyncio.Event(), list[Any]()
    send_to_store = api.client.transport.rows  # a request that is sent has its slot

    async def held(call: Any) -> Any:
        if b"of-ada" in call.body:
            sent.append(call)
            await done.wait()
        return await send_to_store(call)

    async def comes_and_leaves() -> None:
        messages = [{"type": "http.request", "body": json.dumps({"query": query}).encode(), "more_body": False}]

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        await api.app(_scope(api.tokens["ada"]), receive, AsyncMock())

    async def occupied() -> bool:
        return (len(sent), api.client.slots.waiting) == (3, 1)

    query = '{ assets(filter: {ids: ["mlg://dataset/test/default/of-ada"]}) { nodes { id } } }'
    monkeypatch.setattr(api.client.transport, "rows", held)
    for _ in range(2):
        calls = [asyncio.create_task(comes_and_leaves()) for _ in range(6)]
        await until(occupied)
        left.set()
        await asyncio.gather(*calls)
        left.clear()
    again = asyncio.create_task(api.send("ada", query))
    assert (await api.ask("bo", query.replace("of-ada", "d1")))["assets"]["nodes"]
    assert await occupied()
    done.set()
    assert (await again)["data"] == {"assets": {"nodes": []}}


def _scope(token: str) -> Scope:
    """Return a POST to the endpoint."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "host": "127.0.0.1"}
    return {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


async def test_a_query_ends_at_its_deadline(api: Api, module_graph: StoreGraph, tmp_path: Path) -> None:
    """A query beyond MLG_QUERY_SECONDS is cancelled, and the error says so; the API answers the next one."""
    async with open_api(module_graph, tmp_path, MLG_QUERY_SECONDS="0.0001") as hurried:
        body = await hurried.send("root", WIDE)
        [error] = body["errors"]
        assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("LIMIT_EXCEEDED", "seconds")
    assert "errors" not in await api.send("root", "{ assets(first: 1) { nodes { id } } }")


async def test_others_run_beside_the_largest_response(api: Api) -> None:
    """While a response of 12,000 objects is built, the event loop runs other tasks often; the response is complete."""
    iterations = 0
    done = asyncio.Event()

    async def other() -> None:
        nonlocal iterations
        while not done.is_set():
            iterations += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(other())
    found = (await api.ask("ada", WIDE))["assets"]["nodes"]
    done.set()
    await running
    of_team = [node for node in found if node["ownerTeam"]]
    assert {len(node["ownerTeam"]["assets"]["nodes"]) for node in of_team} == {100}
    assert iterations > 50
    assert not TURNS._waiting  # noqa: SLF001 - nothing is left behind


async def test_others_run_beside_a_registration_of_many_items(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tasks run between any two items while these are converted, planned and encoded."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)  # each item is a turn
    iterations = LoopIterations()
    monkeypatch.setattr(GivenItem, "converted", iterations.observed("convert", GivenItem.converted))
    monkeypatch.setattr("app.graph.writing.group_plan.plan_item", iterations.observed("plan", plan_item))
    monkeypatch.setattr(WriteSet, "vertex", iterations.observed("encode", WriteSet.vertex))
    async with iterations.counting():
        await api.load(*({"dataset": {"id": f"mlg://dataset/test/default/many{number}"}} for number in range(30)))
    assert {name: len(found) >= 30 for name, found in iterations.of.items()} == dict.fromkeys(
        ("convert", "plan", "encode"), True
    )


async def test_what_an_operation_read_is_freed_at_its_end(api: Api) -> None:
    """No row waits for a garbage collection, which would hold the event loop the longer the more rows there are."""
    await api.send("bo", WIDE)
    gc.collect()
    before = living_rows()
    gc.disable()
    try:
        for query in (WIDE, HEALTHY, LINEAGE):
            await api.send("bo", query)
        assert living_rows() == before
    finally:
        gc.enable()


async def test_others_run_between_the_assets_of_a_filter_by_health(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The health of each asset can end a turn, and equal filters under several aliases compute it once."""
    pause = AsyncMock()
    monkeypatch.setattr(OperationBudget, "pause", lambda *_: pause())
    resolve = AsyncMock(wraps=ComputedConditions.resolve)
    monkeypatch.setattr(ComputedConditions, "resolve", partialmethod(resolve))
    await api.ask("bo", "{" + " ".join(f"a{n}: {HEALTHY[1:-1]}" for n in range(4)) + "}")
    assert pause.await_count >= DATASETS
    assert resolve.await_count == 1


HEALTHY = (
    "{ assets(filter: {kinds: [DATASET], health: [HEALTHY, UNKNOWN]}, first: 100) { nodes { id health { status } } } }"
)
LINEAGE = f'{{ node(id: "{FIRST}") {{ ... on Dataset {{ lineage {{ nodes {{ asset {{ id }} }} }} }} }} }}'


def living_rows() -> int:
    """Return the number of rows in memory."""
    return sum(type(each) is Row for each in gc.get_objects())


@pytest.mark.parametrize("mutation", ["registerAssets", "registerDataset"])
async def test_others_run_beside_an_item_of_many_edges(
    api: Api, monkeypatch: pytest.MonkeyPatch, mutation: str
) -> None:
    """An item with many edges is converted, read and planned in the side thread; so is the one that ends them all."""
    many = [f"mlg://dataset/test/default/source{number}" for number in range(1_200)]
    await api.load(*({"dataset": {"id": each}} for each in many))
    loop, threads = threading.get_ident(), Counter[str]()

    def recorded(place: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def record(*args: Any, **kwargs: Any) -> Any:
            threads[place] += threading.get_ident() == loop
            return function(*args, **kwargs)

        return record

    def recorded_edge_steps(*args: Any) -> Generator[None, None, Any]:
        threads["read"] += threading.get_ident() == loop
        return (yield from edge_steps(*args))

    monkeypatch.setattr(GivenItem, "converted", recorded("convert", GivenItem.converted))
    monkeypatch.setattr("graphql_schema.inputs.registration.edge_steps", recorded_edge_steps)
    monkeypatch.setattr("app.graph.writing.group_plan.plan_item", recorded("plan", plan_item))
    monkeypatch.setattr(PrefetchRequest, "add_command", recorded("prefetch", PrefetchRequest.add_command))
    await _register(api, mutation, (item := {"id": f"mlg://dataset/test/default/{mutation}"}) | {"derivedFrom": many})
    assert {"read", "plan", "prefetch"} <= threads.keys()
    assert threads == dict.fromkeys(threads, 0)
    await _register(api, mutation, item | {"derivedFrom": []})
    assert threads["plan"] == 0


async def _register(api: Api, mutation: str, item: dict[str, Any]) -> None:
    """Register a data set by itself, or as the only item of a call."""
    if mutation == "registerAssets":
        await api.load({"dataset": item})
    else:
        document = "mutation ($input: DatasetInput!) { registerDataset(input: $input) { errors { message } } }"
        assert await api.ask("root", document, input=item) == {"registerDataset": {"errors": []}}


async def test_large_records_are_read_in_parts_until_the_limit(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """No response of the store is larger than a bound, also if a query selects the ids of large records only.

    The records of a hop, of a listing and of ids are then read in parts, up to the limit of the operation.
    """
    root = "mlg://dataset/test/default/root-of-large"
    await api.load({"dataset": {"id": root}})
    large = sorted(f"mlg://dataset/test/default/large{number}" for number in range(6))
    await api.load(*({"dataset": {"id": each, "derivedFrom": [root], "description": "x" * 60_000}} for each in large))
    query = """query ($root: ID!, $large: [ID!], $ids: [ID!]!) {
      asset(id: $root) { id downstream { nodes { asset { id } } } }
      assets(filter: {ids: $large}) { nodes { id } } nodes(ids: $ids) { id } }"""
    expected = await api.ask("bo", query, root=root, large=large, ids=large)
    assert [each["id"] for each in expected["nodes"]] == large
    monkeypatch.setattr(level_batcher, "RECORDS_CAP", 150_000)
    with received_rows(api.client) as rows:
        assert await api.ask("bo", query, root=root, large=large, ids=large) == expected
    assert max(rows.characters) < 250_000
    monkeypatch.setattr(level_batcher, "RECORDS_CAP", 50_000)
    body = await api.send("bo", query, root=root, large=large, ids=large)
    assert {error["extensions"]["limit"] for error in body["errors"]} == {"stored"}
