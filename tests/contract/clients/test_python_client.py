"""The Python client of clients/python: generated, built, checked by mypy, and used on a running server."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from support.page_blocks import page_blocks
from support.servers.in_process import Api, open_api
from support.servers.websocket_client import serving
from support.source_tree import ROOT
from support.stores.janusgraph import StoreGraph

PAGE = "clients/python/README.md"
UV = Path(sys.executable).with_name("uv")
QUERY_TRIES = 3


async def run(*command: str | Path, **environment: str) -> str:
    """Run a command that succeeds, and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the built wheel is installed."""
    dist, site = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("site")
    await run(sys.executable, ROOT / "clients" / "python" / "build.py", dist)
    (wheel,) = dist.glob("mlgraph_client-*.whl")
    await run(UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--target", site, wheel)
    return site


@pytest.fixture
async def api(graph: StoreGraph, tmp_path: Path) -> AsyncIterator[Api]:
    """Return the API over an empty graph."""
    async with open_api(graph, tmp_path) as api:
        yield api


async def test_the_program_of_the_page_runs(api: Api, site: Path, tmp_path: Path) -> None:
    """The program fits the types of the package; it registers, lists three pages, and prints the code of an error."""
    (block,) = page_blocks(PAGE)
    program = tmp_path / "orders.py"
    program.write_text(block.text)
    types = ("--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}")
    await run(sys.executable, "-m", "mypy", *types, program, MYPYPATH=str(site))
    token = api.tokens["ada"]
    async with serving(api.app) as address:
        given = {"GRAPH_URL": f"http://{address}", "GRAPH_TOKEN": token, "PYTHONPATH": str(site)}
        printed = await run(sys.executable, program, **given)
    *listed, error = printed.splitlines()
    assert listed == [f"mlg://dataset/shop/default/orders-{number} LifecycleStage.ACTIVE" for number in range(5)]
    assert error.startswith("INVALID ")


class Unreliable(httpx2.AsyncBaseTransport):
    """Loses the first responses of the API, after it has executed their requests, or replaces them."""

    def __init__(self, api: Api, *faults: httpx2.Response | None) -> None:
        self._api = httpx2.ASGITransport(app=api.app)
        self._faults = list(faults)
        self.requests = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the response of the API, or the next fault; None is a lost response."""
        self.requests += 1
        if not self._faults:
            return await self._api.handle_async_request(request)
        fault = self._faults.pop(0)
        if fault is not None:
            return fault
        await self._api.handle_async_request(request)
        raise httpx2.ReadError("lost")


def busy(*, unknown: bool) -> httpx2.Response:
    """Return a 503 of the API that permits a request at once."""
    extensions = {"code": "STORE_UNAVAILABLE", "unknownOutcome": unknown, "requestId": "r"}
    errors = [{"message": "The store is busy.", "extensions": extensions}]
    return httpx2.Response(503, json={"errors": errors}, headers={"Retry-After": "0"})


@pytest.fixture
def package(site: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the package; its pauses take no time."""
    monkeypatch.syspath_prepend(str(site))
    package = import_module("mlgraph_client")
    monkeypatch.setattr(import_module("mlgraph_client.graph_client"), "_pause", lambda _: 0)
    return package


def client(package: Any, api: Api, transport: Unreliable) -> Any:
    """Return a client of ada over a transport."""
    http = httpx2.AsyncClient(transport=transport)
    url = "http://127.0.0.1:8000/graphql"
    return package.MlGraphClient(url, api.tokens["ada"], http_client=http, tries=QUERY_TRIES)


def registration(package: Any, key: str | None) -> Any:
    """Return the input that registers a dataset."""
    items = [package.AssetInput(dataset=package.DatasetInput(id="mlg://dataset/shop/default/orders"))]
    return package.RegisterAssetsInput(items=items, **({} if key is None else {"idempotencyKey": key}))


async def test_a_mutation_with_a_key_is_repeated(package: Any, api: Api) -> None:
    """Its first response is lost after the write; the second attempt returns the first outcome."""
    transport = Unreliable(api, None)
    async with client(package, api, transport) as graph:
        registered = await graph.register_assets(registration(package, "k"))
    assert ([result.outcome for result in registered.results], transport.requests) == (["CREATED"], 2)


async def test_a_mutation_without_a_key_is_repeated_only_if_nothing_was_stored(package: Any, api: Api) -> None:
    """A lost response and an unknown outcome end the call; a response that nothing was stored does not."""
    module = import_module("mlgraph_client.graph_client")
    lost = Unreliable(api, None)
    async with client(package, api, lost) as graph:
        with pytest.raises(module.UnreachableError):
            await graph.register_assets(registration(package, None))
    unknown = Unreliable(api, busy(unknown=True))
    async with client(package, api, unknown) as graph:
        with pytest.raises(module.ApiError) as refused:
            await graph.register_assets(registration(package, None))
    assert (refused.value.code, refused.value.unknown_outcome, refused.value.status) == ("STORE_UNAVAILABLE", True, 503)
    known = Unreliable(api, busy(unknown=False))
    async with client(package, api, known) as graph:
        registered = await graph.register_assets(registration(package, None))
    assert [result.outcome for result in registered.results] == ["UNCHANGED"]
    assert [each.requests for each in (lost, unknown, known)] == [1, 1, 2]


async def test_a_query_is_repeated_to_the_last_try(package: Any, api: Api) -> None:
    """After lost and busy responses the third attempt counts, whatever it is."""
    module = import_module("mlgraph_client.graph_client")
    transport = Unreliable(api, None, httpx2.Response(502, text="<html>"))
    async with client(package, api, transport) as graph:
        viewer = await graph.viewer()
    assert (viewer.subject, transport.requests) == ("ada", QUERY_TRIES)
    failing = Unreliable(api, *(busy(unknown=True) for _ in range(QUERY_TRIES)))
    async with client(package, api, failing) as graph:
        with pytest.raises(module.ApiError):
            await graph.viewer()
    assert failing.requests == QUERY_TRIES


HIDDEN = (
    "# a query\nmutation { x }",
    "# a query\rmutation { x }",
    "fragment F on T { x } mutation { x }",
    "query A { x } mutation B { x }",
    'query A($a: String = "\\"#") { x } mutation B { x }',
)


@pytest.mark.parametrize("document", HIDDEN)
async def test_a_document_with_a_mutation_anywhere_is_sent_once(package: Any, api: Api, document: str) -> None:
    """A comment, a fragment or another operation before the mutation does not make it a query."""
    module, lost = import_module("mlgraph_client.graph_client"), Unreliable(api, None, None, None)
    async with client(package, api, lost) as graph:
        with pytest.raises(module.UnreachableError):
            await graph.execute(document)
    assert lost.requests == 1


@pytest.mark.parametrize("document", ["# no mutation\n{ viewer { subject } }", '{ asset(id: "mutation") { id } }'])
async def test_the_word_in_a_comment_or_a_text_is_no_mutation(package: Any, api: Api, document: str) -> None:
    """Such a query is sent again after a lost response."""
    lost = Unreliable(api, None)
    async with client(package, api, lost) as graph:
        await graph.execute(document)
    assert lost.requests == 2


@pytest.mark.parametrize(("value", "pause"), [("7", 7), ("3600", 60), ("9" * 400, 60), ("0", 0), ("soon", 0)])
async def test_a_requested_pause_is_bounded(
    package: Any, api: Api, monkeypatch: pytest.MonkeyPatch, value: str, pause: float
) -> None:
    """A server, or a proxy before it, cannot make a program wait for hours."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(import_module("mlgraph_client.graph_client"), "asyncio", SimpleNamespace(sleep=sleep))
    busy_once = Unreliable(api, httpx2.Response(503, headers={"Retry-After": value}))
    async with client(package, api, busy_once) as graph:
        await graph.viewer()
    assert pauses == [pause]
