"""Failures of the store's disk and index: callers get a code and the cure, and the program recovers by itself.

One server process goes through all of them; after each, every list is what it was before.
"""

import os
import resource
import shutil
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from support.servers.in_process import REGISTER
from support.servers.server_process import Serving
from support.waiting import until

from app.store.embedded.data_lock import LOCK_FILE, read_holders
from app.store.embedded.embedded_store import STORE_FOLDER
from app.store.embedded.index_files import COMPLETE_MARK, INDEX_FOLDER
from app.store.schema_stamp import DATA_FOLDER

LIST = """{ assets(first: 100) { totalCount nodes { id } }
  search(text: "churn") { hits { totalCount nodes { asset { id } } } }
  changes(first: 100) { totalCount nodes { subjectId } } }"""
SET_BOUND = """
def environment = g.getGraph().backend.@storeManager.@manager.@environment
environment.mutableConfig = environment.mutableConfig.setConfigParam('je.freeDisk', bytes as String)
[environment.mutableConfig.getConfigParam('je.freeDisk')]
"""
BEYOND_ALL_DISKS = 1 << 60


def urn(name: str) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/failures/default/{name}"


class Server:
    """A client of the server process, as root."""

    def __init__(self, serving: Serving, http: httpx2.AsyncClient) -> None:
        self.serving = serving
        self.http = http
        self.store = serving.folder / STORE_FOLDER

    async def send(self, query: str, **variables: Any) -> httpx2.Response:
        """Return the response to an operation."""
        return await self.http.post("/graphql", json={"query": query, "variables": variables})

    async def register(self, name: str, description: str = "churn") -> httpx2.Response:
        """Register a dataset under an idempotency key of its own."""
        item = {"dataset": {"id": urn(name), "description": description}}
        return await self.send(REGISTER, input={"items": [item], "idempotencyKey": name})

    async def lists(self) -> Any:
        """Return what the index finds, None while the store is unavailable."""
        body = (await self.send(LIST)).json()
        return None if "errors" in body else body["data"]

    async def readiness(self) -> tuple[int, str]:
        """Return status and reason of the readiness."""
        response = await self.http.get("/health/ready")
        if response.status_code == httpx2.codes.OK:
            return 200, ""
        extensions = response.json()["errors"][0]["extensions"]
        assert extensions["code"] == "STORE_UNAVAILABLE"
        return response.status_code, extensions["reason"]

    async def recovered(self, before: Any) -> None:
        """Wait until the server is ready, and check that all lists are as they were."""
        await self.reaches(200, "")
        assert await self.lists() == before

    async def reaches(self, status: int, reason: str) -> None:
        """Wait until the readiness has this status and this reason."""

        async def reached() -> bool:
            return await self.readiness() == (status, reason)

        await until(reached)

    @property
    def jvm(self) -> int:
        """Return the process id of the JVM, 0 while none runs."""
        holders = read_holders(self.store / LOCK_FILE)
        return (holders and holders["jvm"]) or 0


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Run the server over a few datasets."""
    serving = Serving(tmp_path_factory.mktemp("failures"))
    await serving.start()
    try:
        async with httpx2.AsyncClient(
            base_url=serving.url, headers=serving.headers(), timeout=60, trust_env=False
        ) as http:
            server = Server(serving, http)
            for number in range(5):
                assert outcome(await server.register(f"d{number}")) == "CREATED"
            yield server
    finally:
        await serving.stop()


def outcome(response: httpx2.Response) -> str:
    """Return the outcome of one registration."""
    body = response.json()
    assert "errors" not in body, body
    return str(body["data"]["registerAssets"]["results"][0]["outcome"])


def refusal(response: httpx2.Response) -> tuple[int, str, str, bool]:
    """Return status, code, reason and whether the outcome is unknown, of a response without data."""
    error = response.json()["errors"][0]
    found = error["extensions"]
    assert "idempotencyKey" in error["message"]
    assert response.headers["retry-after"]
    return response.status_code, found["code"], found["reason"], found["unknownOutcome"]


async def test_a_disk_without_space_refuses_writes_and_serves_reads(server: Server) -> None:
    """Below the bound of free space a write is refused as unavailable, reads go on, and space alone is the cure."""
    before, jvm = await server.lists(), server.jvm
    assert await server.serving.graph.run(SET_BOUND, bytes=0) == ["0"]
    assert await server.serving.graph.run(SET_BOUND, bytes=BEYOND_ALL_DISKS) == [str(BEYOND_ALL_DISKS)]
    refused = await server.register("later")
    assert refusal(refused) == (503, "STORE_UNAVAILABLE", "DISK_SPACE", False)
    assert "MLG_STORE_FREE_BYTES" in refused.text
    assert await server.lists() == before
    await server.reaches(503, "DISK_SPACE")
    assert (await server.http.get("/health/live")).status_code == 200
    await server.serving.graph.run(SET_BOUND, bytes=0)
    await server.recovered(before)
    assert outcome(await server.register("later")) == "CREATED"
    assert server.jvm == jvm


async def test_a_storage_that_cannot_write_is_restarted(server: Server) -> None:
    """A write error of the disk ends every request until a restart; a failed request alone causes the restart."""
    before, jvm = await server.lists(), server.jvm
    size = max(file.stat().st_size for file in (server.store / DATA_FOLDER).glob("*.jdb"))
    resource.prlimit(jvm, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    failed = await server.register("after", os.urandom(30_000).hex())
    assert refusal(failed) == (503, "STORE_UNAVAILABLE", "STORAGE", True)
    await until(lambda: server.jvm not in {0, jvm})
    await server.recovered(before)
    assert "store_index_rebuilding" not in server.serving.output.read_text()
    assert outcome(await server.register("after", "churn")) == "CREATED"


async def test_an_index_that_is_deleted_is_never_an_empty_list(server: Server) -> None:
    """After the folder of the index is deleted, a list is complete or an error, and a restart rebuilds the index."""
    before = await server.lists()
    shutil.rmtree(server.store / INDEX_FOLDER)
    assert refusal(await server.send(LIST)) == (503, "STORE_UNAVAILABLE", "INDEX", False)
    await server.recovered(before)


async def test_an_index_that_loses_a_write_is_rebuilt(server: Server) -> None:
    """JanusGraph hides that it could not index a write: the JVM reports it, and the write is found after a restart."""
    before = await server.lists()
    for attempt in range(5):
        (server.store / INDEX_FOLDER / "nodes").rename(server.store / f"lost-{attempt}")
        written = await server.register("hidden")
        if written.status_code == httpx2.codes.OK:
            break
        assert refusal(written) == (503, "STORE_UNAVAILABLE", "INDEX", False)  # the probe of the watch came first,
        await server.recovered(before)  # so nothing was written
    assert outcome(written) == "CREATED"
    assert not (server.store / INDEX_FOLDER / COMPLETE_MARK).exists()
    await server.reaches(200, "")
    after = await server.lists()
    assert after["assets"]["totalCount"] == before["assets"]["totalCount"] + 1
    assert urn("hidden") in {node["id"] for node in after["assets"]["nodes"]}
