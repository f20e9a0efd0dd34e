"""Traces at a real collector: requests, operations, store requests, writers and jobs, and nothing of the graph."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import orjson
from support.estates.owned_items import owned, urn
from support.servers.collector import Collector, ReceivedSpan, collecting
from support.servers.in_process import Api, observes_one_process, open_api
from support.servers.websocket_client import connected, serving
from support.stores.janusgraph import StoreGraph

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.telemetry.access_log import LOG_FILE

CANARY = "canary7f3a"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TAG = "mlg://tag/catalog/default/pii"
PII = {"tag": {"name": "pii", "tagKind": "PII"}}
PAGE = "query Page($ids: [ID!]!) { nodes(ids: $ids) { id ... on Dataset { description } } }"


@asynccontextmanager
async def traced(graph: StoreGraph, folder: Path, collector: Collector) -> AsyncIterator[Api]:
    """Run an API that traces; the spans have arrived at the exit."""
    async with open_api(graph, folder, MLG_OTLP_ENDPOINT=collector.url) as api:
        yield api


def under(spans: list[ReceivedSpan], parent: ReceivedSpan) -> set[str]:
    """Return the names of the children of a span."""
    return {span.name for span in spans if span.parent == parent.id}


def named(spans: list[ReceivedSpan], name: str) -> list[ReceivedSpan]:
    """Return the spans of one name."""
    return [span for span in spans if span.name == name]


@observes_one_process
async def test_a_trace_leads_from_the_request_to_the_store(graph: StoreGraph, tmp_path: Path) -> None:
    """A request continues the trace of its caller; beneath it are its operation, the writers and the store requests.

    The jobs have traces of their own. The operation has its type, name and hash, and its errors have codes.
    """
    with collecting() as collector:
        async with traced(graph, tmp_path, collector) as api:
            await api.load({"team": {"name": "ranking"}}, PII, owned("dataset", "orders", tags=[TAG]))
            await api.wait_for_jobs()
            headers = {"Authorization": f"Bearer {api.tokens['ada']}", "traceparent": f"00-{TRACE}-{SPAN}-01"}
            with api.without_cache():
                body = {"query": "query Page { assets { nodes { id } } }"}
                await api.http.post("/graphql", json=body, headers=headers)
                body = {"query": '{ asset(id: "x") { id } }'}
                await api.http.post("/graphql", json=body, headers=headers)
            await api.http.get("/health/ready")
        spans = collector.spans
    requests = [span for span in spans if span.parent == SPAN]
    assert {span.trace for span in requests} == {TRACE}
    assert {span.name for span in requests} == {"POST /graphql"}
    operations = named(spans, "query")
    page, refused = (next(each for each in operations if each.parent == request.id) for request in requests)
    assert (page.name, page.attributes["graphql.operation.name"]) == ("query", "Page")
    assert under(spans, page) == {"store level"}
    assert [values for _, values in refused.events] == [
        {"error.type": "INVALID", "graphql.field.coordinate": "Query.asset"}
    ]
    (write,) = named(spans, "write transaction")
    (mutation,) = named(spans, "mutation")
    assert write.parent == mutation.id
    assert {"store state", "store write"} <= under(spans, write)
    jobs = [span for span in spans if span.name.startswith("job ")]
    assert jobs
    assert {job.parent for job in jobs} == {""}
    assert not [span for span in spans if span.name == "store probe" or "health" in span.name]


@observes_one_process
async def test_nothing_of_a_caller_or_of_the_graph_is_in_a_trace(graph: StoreGraph, tmp_path: Path) -> None:
    """A canary in each part of requests, of the graph and of the caller is in no byte that is exported.

    The one exception is the name of an operation, which a client chooses for its operators.
    """
    with collecting() as collector:
        async with traced(graph, tmp_path, collector) as api:
            await _send_canaries(api)
            await api.wait_for_jobs()
        exported = b"".join(collector.bodies).lower()
        names = {span.name for span in collector.spans}
    assert {"query", "mutation", "subscription", "GraphQL operation", "write transaction", "store level"} <= names
    assert CANARY.encode() not in exported
    assert b"mlg://" not in exported
    assert not [word for word in (b"ranking", b"test/default", b"bearer", b"registerassets(") if word in exported]


async def _send_canaries(api: Api) -> None:
    """Send requests of all kinds with the canary wherever a client, the graph or a token has a text."""
    issuer = DevIssuer(api.process.settings)
    who = replace(persona("root"), name=f"{CANARY}-subject", display_name=CANARY)
    token = issuer.mint(who, break_glass=f"{CANARY} is on fire")
    headers = {
        "Authorization": f"Bearer {token}",
        "X-Request-Id": CANARY,
        "traceparent": f"00-{TRACE}-{SPAN}-01",
        "tracestate": f"v={CANARY}",
        "baggage": f"v={CANARY}",
        "User-Agent": CANARY,
        "Prefer": f"policy=strict, {CANARY}",
    }
    tag = f"mlg://tag/catalog/default/{CANARY}"
    dataset = owned("dataset", CANARY, description=CANARY, tags=[tag], visibility="TEAM")
    await api.load({"team": {"name": "ranking"}}, {"tag": {"name": CANARY, "tagKind": "PII"}}, dataset)
    bodies = [
        {"query": PAGE, "variables": {"ids": [urn("dataset", CANARY)]}, "operationName": "Page"},
        {"query": f'query Page {{ {CANARY}: asset(id: "{urn("dataset", CANARY)}") {{ id }} }} # {CANARY}'},
        {"query": f'{{ asset(id: "{CANARY}") {{ id }} }}'},
        {"query": f'{{ search(text: "{CANARY}") {{ edges {{ node {{ asset {{ id }} }} }} }} }}'},
        {"query": f"{{ {CANARY} }}"},
        {"query": f"{{ {CANARY}("},
        {"query": "{ viewer { subject } }", "operationName": f"{CANARY} of a client"},
        {"query": "{ viewer { subject } }", "extensions": {"x": CANARY}},
        {"documentId": CANARY},
        {"query": PAGE, "variables": {"ids": [f"mlg://{CANARY}"], CANARY: CANARY}},
    ]
    for body in bodies:
        await api.http.post("/graphql", json=body, headers=headers)
    await api.http.get(f"/{CANARY}", headers=headers)
    await api.http.request(CANARY, f"/graphql?query={CANARY}", headers=headers)
    await api.http.post("/graphql", content=f'{{"{CANARY}'.encode(), headers=headers)
    await api.http.post("/graphql", json=bodies[0], headers={**headers, "Authorization": f"Bearer {CANARY}"})
    async with serving(api.app) as address, connected(address, token) as client:
        subscription = f"subscription {{ {CANARY}: changes {{ id }} }}"
        await client.send(id=CANARY, type="subscribe", payload={"query": subscription, "variables": {CANARY: 1}})
        await asyncio.gather(client.receive(), api.load(owned("dataset", f"{CANARY}-2")))


@observes_one_process
async def test_a_collector_that_fails_costs_no_request(graph: StoreGraph, tmp_path: Path) -> None:
    """While the collector refuses everything, operations have their results."""
    with collecting() as collector:
        collector.status = 400
        async with traced(graph, tmp_path, collector) as api:
            assert await api.ask("ada", "{ viewer { subject } }") == {"viewer": {"subject": "ada"}}
        assert collector.bodies


@observes_one_process
async def test_the_access_log_names_the_span(graph: StoreGraph, tmp_path: Path) -> None:
    """A line about an operation has the trace of its caller, and the span of the operation."""
    with collecting() as collector:
        async with traced(graph, tmp_path, collector) as api:
            token = api.tokens["root breaking glass"]
            headers = {"Authorization": f"Bearer {token}", "traceparent": f"00-{TRACE}-{SPAN}-01"}
            await api.http.post("/graphql", json={"query": "{ viewer { subject } }"}, headers=headers)
            log = api.process.settings.data_dir / LOG_FILE
        (operation,) = named(collector.spans, "query")
    (line,) = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    assert (line["trace_id"], line["span_id"]) == (TRACE, operation.id)
