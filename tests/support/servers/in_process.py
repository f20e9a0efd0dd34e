"""The whole API over one test graph: real policy, real tokens, real JanusGraph, requests through the ASGI interface."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import BESIDE, ObservedRequests
from support.waiting import until

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona, personas
from app.factory import create_app
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.clock import epoch_milliseconds
from app.ingest.export.export_items import UnreadItem, export_items
from app.ingest.load.api_client import ApiClient
from app.runtime.background_jobs import background_jobs
from app.runtime.operation_context import OperationContexts
from app.runtime.process import JobStarter, Process
from app.settings import Settings
from app.store.store_endpoint import StoreEndpoint

REGISTER = """mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) {
  results { outcome revision changed errors { code message inputPath currentRevision } }
  created updated unchanged failed
} }"""


def client_of(graph: StoreGraph) -> GremlinClient:
    """Return a client of a graph that spreads its requests over the servers of the graph."""
    return GremlinClient([StoreEndpoint.parse(url) for url in (graph.url, *graph.others)], source=graph.source)


def process_over(
    settings: Settings, graph: StoreGraph, start_jobs: JobStarter = background_jobs, *, shared: bool = False
) -> Process:
    """Return a process whose store is a graph of the test session; other processes may write if ``shared``.

    A distributed store counts as shared.
    """
    client = client_of(graph)
    client.exclusive = not (shared or graph.others)
    return Process(settings, lambda _: client, start_jobs)


PROCESSES = int(os.environ.get("PROCESSES", "1"))
"""Number of processes over one store that respond in turns, from the environment: ``make test-processes``."""

observes_one_process = pytest.mark.skipif(PROCESSES > 1, reason="it observes the requests of one process")
"""Marks tests that need to know which process responds."""


class InTurns(httpx2.AsyncBaseTransport):
    """Sends each request to the next of several applications; to the first one while ``pinned`` is true."""

    def __init__(self, apps: Sequence[Starlette]) -> None:
        self.pinned = False
        self._transports = [httpx2.ASGITransport(app=app) for app in apps]
        self._turns = cycle(self._transports)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the response of the application whose turn it is."""
        transport = self._transports[0] if self.pinned else next(self._turns)
        return await transport.handle_async_request(request)


PATIENT = {"MLG_QUERY_SECONDS": "300", "MLG_MUTATION_SECONDS": "300"}
"""Settings of deadlines for a machine that pauses for a while."""


@asynccontextmanager
async def no_jobs(_client: GremlinClient, _coordinator: WriteCoordinator) -> AsyncIterator[None]:
    """Start no background job."""
    yield


@dataclass
class RunningApi:
    """An API in this process; requests go through the ASGI interface, with the tokens of the callers."""

    process: Process
    http: httpx2.AsyncClient
    tokens: dict[str, str]

    @property
    def client(self) -> GremlinClient:
        """Return the client of the store."""
        return self.process.opened.client

    @property
    def coordinator(self) -> WriteCoordinator:
        """Return the write coordinator."""
        return self.contexts.coordinator

    @property
    def contexts(self) -> OperationContexts:
        """Return the factory of operation contexts, whose fields a test may replace."""
        return self.process.opened.contexts

    async def wait_for_jobs(self) -> None:
        """Wait until the jobs are done: tags have propagated, and only the test itself sends store requests."""

        async def done() -> bool:
            await self.contexts.learn()
            return all(entry.due > epoch_milliseconds() for entry in self.coordinator.outbox.entries)

        await until(done)


@dataclass
class Api(RunningApi):
    """A running API with requests by persona; ``turns`` sends them to its processes."""

    app: Starlette
    turns: InTurns

    async def send(self, who: str, query: str, **variables: Any) -> dict[str, Any]:
        """Return the complete response to one request."""
        response = await self.http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {self.tokens[who]}"},
        )
        body: dict[str, Any] = response.json()
        return body

    async def ask(self, who: str, query: str, **variables: Any) -> Any:
        """Return the data of a request without errors."""
        body = await self.send(who, query, **variables)
        assert "errors" not in body, body["errors"]
        return body["data"]

    async def register(self, who: str, *items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Register items, and return the payload."""
        data = await self.ask(who, REGISTER, input={"items": items, **more})
        payload: dict[str, Any] = data["registerAssets"]
        return payload

    async def load(self, *items: Mapping[str, Any]) -> None:
        """Register items as root; none may fail."""
        for start in range(0, len(items), 500):
            payload = await self.register("root", *items[start : start + 500])
            assert payload["failed"] == 0, [result for result in payload["results"] if result["errors"]][:3]

    async def export(self, *kinds: str, who: str = "root breaking glass") -> list[dict[str, Any]]:
        """Return the items of `mlg export`, by default as root with break-glass access to the secrets of runs."""
        transport = httpx2.MockTransport(self.http.send)
        async with ApiClient("http://127.0.0.1:8000", self.tokens[who], transport=transport) as client:
            items = [item async for item in export_items(client, frozenset(kinds))]
        assert not [item for item in items if isinstance(item, UnreadItem)]
        return items  # type: ignore[return-value]

    async def count(self, who: str, query: str, **variables: Any) -> int:
        """Return the number of store requests of a query without graph cache.

        Writes do not count: a query has none, and the process may prolong its job lease meanwhile.
        """
        requests = ObservedRequests()
        self.turns.pinned = True
        await self.wait_for_jobs()
        self.client.observers.append(requests)
        try:
            with self.without_cache():
                await self.ask(who, query, **variables)
        finally:
            self.turns.pinned = False
            self.client.observers.remove(requests)
        return sum(report.prepared.name not in BESIDE and not report.writes for report in requests.reports)

    @contextmanager
    def without_cache(self) -> Iterator[None]:
        """Let the operations that begin in the context read everything from the store."""
        cache, self.contexts.graph_cache = self.contexts.graph_cache, None
        pinned, self.turns.pinned = self.turns.pinned, True
        try:
            yield
        finally:
            self.contexts.graph_cache = cache
            self.turns.pinned = pinned


def tokens_of_personas(settings: Settings) -> dict[str, str]:
    """Return a new token of each persona, and one for break-glass, which is valid for an hour."""
    issuer = DevIssuer(settings)
    tokens = {name: issuer.mint(persona(name)) for name in personas()}
    return {**tokens, "root breaking glass": issuer.mint(persona("root"), break_glass="the tests read everything")}


@asynccontextmanager
async def open_api(
    graph: StoreGraph,
    folder: Path,
    start_jobs: JobStarter = background_jobs,
    *,
    shared: bool = False,
    **environment: str,
) -> AsyncIterator[Api]:
    """Run the API over a graph, with its keys in ``folder`` and further settings from an environment.

    Other APIs may write to the graph too, if all are ``shared``.

    The deadlines and the time budget of walks cover a machine that pauses for a while: no test is about speed.
    """
    own = {"MLG_DATA_DIR": str(folder), "MLG_CACHE_DIR": str(Settings.from_env().cache_dir), "MLG_WALK_SECONDS": "300"}
    settings = Settings.from_env({**own, **PATIENT, **environment})
    processes = [
        process_over(settings, graph, start_jobs, shared=shared or PROCESSES > 1)
        for _ in range(1 if shared else PROCESSES)
    ]
    apps = [create_app(process) for process in processes]
    tokens = tokens_of_personas(settings)
    async with AsyncExitStack() as stack:
        for app in apps:
            await stack.enter_async_context(app.router.lifespan_context(app))
        turns = InTurns(apps)
        http = httpx2.AsyncClient(transport=turns, base_url="http://127.0.0.1:8000", timeout=120)
        yield Api(processes[0], await stack.enter_async_context(http), tokens, apps[0], turns)


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Run the API over the graph of a module; a module with data overrides this fixture."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        yield api
